/* SPDX-License-Identifier: MIT */
/* Waits for System V queues and semaphores, and for locks on files. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <unistd.h>

#include "inspect/collect/memory.h"
#include "inspect/collect/wait.h"

/* SEMOPM of the kernel is 500 by default; more is not looked at. */
#define OPS_MAX 512

void via__wait_msg(struct via__blocked *b)
{
	uint32_t ns = b->s->processes[b->process].ipc_ns;
	int id = (int)b->call.args[0];

	if (ns)
		via__wait(b, b->row->op,
			  via__object(b->s, VIA_KIND_SYSVMSG, ns, (uint64_t)id,
				      0));
}

/* --- Semaphores --- */

/* Whether this one of the operations holds the others up, by the value of the
 * semaphore: 1, 0, or -1: not to be known. */
static int holds_up(const struct via__blocked *b, int id,
		    const struct sembuf *op)
{
	uint32_t self = via_snapshot_process(b->s, getpid());
	int value;

	if (op->sem_op > 0)
		return 0;
	if (self == VIA_NONE ||
	    b->s->processes[self].ipc_ns != b->s->processes[b->process].ipc_ns)
		return -1;
	value = semctl(id, op->sem_num, GETVAL);
	if (value < 0)
		return -1;
	return op->sem_op ? value < -op->sem_op : value != 0;
}

/*
 * All operations are done at once, so all that hold it up must become
 * possible. Without the values it is one of them, and the kernel does not say
 * which.
 */
void via__wait_sem(struct via__blocked *b)
{
	uint32_t ns = b->s->processes[b->process].ipc_ns;
	int id = (int)b->call.args[0];
	size_t n = b->call.args[2] < OPS_MAX ? b->call.args[2] : OPS_MAX;
	uint32_t first = b->s->n_waits, object;
	struct sembuf ops[OPS_MAX];
	bool known = true;

	if (!ns || !n ||
	    !via__memory_all(b->pid, b->call.args[1], ops, n * sizeof(*ops)))
		return;
	object = via__object(b->s, VIA_KIND_SYSVSEM, ns, (uint64_t)id, 0);
	for (size_t i = 0; i < n; i++) {
		int is = holds_up(b, id, &ops[i]);

		if (!is)
			continue;
		struct via_wait *w = via__wait(b, VIA_OP_LOCK, object);

		w->source = VIA_SOURCE_MEMORY;
		w->index = ops[i].sem_num;
		w->amount = (uint64_t)-ops[i].sem_op;
		known = known && is == 1;
	}
	if (b->s->n_waits - first < 2)
		return;
	if (!known)
		via__wait_doubt(b, first, VIA_LIKELY);
	for (uint32_t i = first; known && i < b->s->n_waits; i++)
		b->s->waits[i].group = b->pass->n_groups + 1;
	b->pass->n_groups += known;
}
