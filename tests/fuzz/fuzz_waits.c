/* SPDX-License-Identifier: MIT */
/*
 * A thread's system call and the memory that its arguments point to, which say
 * what it waits for, if they do not lie.
 *
 * The input: the call, its arguments, the thread's state; then what is at
 * MEMORY, which is ours and read as any other process' would be. There is a
 * descriptor of each kind of object, by its number; sockets listen.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/collect/wait.h"
#include "tests/fuzz/whole.h"

struct head {
	uint16_t call;
	uint8_t state; /* of the letters below */
	uint8_t unused[5];
	uint64_t args[6];
};

#define MEMORY	   ((void *)UINT64_C(0x4d0000000000))
#define MEMORY_LEN 65536
#define NS	   7 /* of all kinds */

static void fill_memory(const uint8_t *data, size_t len)
{
	static bool mapped;

	check(mapped || mmap(MEMORY, MEMORY_LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			     -1, 0) == MEMORY);
	mapped = true;
	memset(MEMORY, 0, MEMORY_LEN);
	memcpy(MEMORY, data, len < MEMORY_LEN ? len : MEMORY_LEN);
}

static void listen_at(struct via_snapshot *s, uint32_t object, const char *name)
{
	struct via_socket *socket = via__socket(s, object);
	struct via_object *o = via__object_at(s, object);

	socket->local = o->name = via__text_of(s, name);
	socket->net_ns = NS;
	o->flags |= VIA_OBJECT_LISTENS;
}

static void add_objects(struct via_snapshot *s)
{
	for (uint32_t kind = 0; kind < VIA_N_KINDS; kind++) {
		uint32_t object = via__object(s, (enum via_kind)kind, 1,
					      1000 + kind, 0);
		struct via_holding *h = via__add_hold(s, 0, object,
						      VIA_HOLDS_FD);

		h->id = (int)kind;
		h->flags = VIA_HOLD_READ | VIA_HOLD_WRITE;
		via__object_at(s, object)->peer = object ? object - 1
							 : VIA_NONE;
		if (kind >= VIA_KIND_UNIX && kind <= VIA_KIND_SOCKET)
			listen_at(s, object,
				  kind == VIA_KIND_UNIX ? "@name"
							: "127.0.0.1:8080");
		/* A set that watches all, and itself. */
		via__add_link(s, VIA_KIND_EPOLL, object, VIA_LINK_WATCHES)
			->events = 1 + 4 * (kind & 1);
	}
}

static struct via_snapshot *make_snapshot(const struct head *head)
{
	static const char states[] = "SDTt";
	struct via_snapshot *s = via__snapshot_new();
	int dir = via__proc_open(getpid());

	check(s && dir >= 0);
	struct via_process *p = via__add_process(s);

	check(via__proc_task(dir, getpid(), &p->task) == 0);
	close(dir);
	p->ipc_ns = p->net_ns = p->pid_ns = NS;
	struct via_thread *t = via__add_thread(s, 0);

	t->tid = getpid();
	t->state = states[head->state % 4];
	t->since_ns = head->state >> 2;
	t->call.nr = head->call;
	memcpy(t->call.args, head->args, sizeof(head->args));
	add_objects(s);
	check(via__seal(s) == 0);
	return s;
}

static void check_waits(const struct via_snapshot *s)
{
	check(s->n_waits && s->n_waits <= VIA__WAITS_MAX + 1);
	for (uint32_t i = 0; i < s->n_waits; i++) {
		const struct via_wait *w = &s->waits[i];

		check(w->left_ns >= -1 || w->left_ns == VIA_UNKNOWN);
		check(w->certainty <= VIA_GUESS && w->source < VIA_N_SOURCES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	fill_memory(data + sizeof(head), size - sizeof(head));
	struct via__scene scene = {
		.s = make_snapshot(&head),
		.want = VIA_WANT_WAITS,
	};

	via__collector_waits.all(&scene);
	check(via__seal(scene.s) == 0);
	check_waits(scene.s);
	check_whole(scene.s);
	via_snapshot_free(scene.s);
	via__buf_fini(&scene.buf);
	via__devices_fini(&scene.devices);
	return 0;
}
