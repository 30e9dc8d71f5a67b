/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory, semaphores and message queues, also those that nobody
 * uses: /proc/sysvipc, whose lists everybody may read, and what semctl(2) and
 * msgctl(2) add about those that may be read. The lists are of the IPC
 * namespace that one is in, so others have to be entered; where that is not
 * allowed, only what their processes have mapped is known.
 */
#include "inspect/collect/sysv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include "inspect/collect/enter.h"

/* --- Lines --- */

static struct via_ipc unknown(void)
{
	return (struct via_ipc){
		.size = VIA_UNKNOWN,
		.resident = VIA_UNKNOWN,
		.n_attached = VIA_UNKNOWN,
		.n_messages = VIA_UNKNOWN,
		.message_max = VIA_UNKNOWN,
		.made = VIA_UNKNOWN,
		.changed = VIA_UNKNOWN,
		.used = VIA_UNKNOWN,
	};
}

/* 0 is never. */
static int64_t later(int64_t a, int64_t b)
{
	int64_t time = a > b ? a : b;

	return time ? time : VIA_UNKNOWN;
}

int via__sysv_parse_shm(const char *line, struct via_ipc *ret)
{
	struct via_ipc i = unknown();
	int64_t attached, detached;

	if (sscanf(line,
		   "%d %d %o %" SCNd64 " %d %d %" SCNd64 " %u %u %u %*u "
		   "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
		   &i.key, &i.id, &i.mode, &i.size, &i.creator, &i.last,
		   &i.n_attached, &i.uid, &i.gid, &i.creator_uid, &attached,
		   &detached, &i.changed, &i.resident) != 14)
		return -EPROTO;
	i.used = later(attached, detached);
	*ret = i;
	return 0;
}

int via__sysv_parse_sem(const char *line, struct via_ipc *ret)
{
	struct via_ipc i = unknown();
	int64_t used;

	if (sscanf(line,
		   "%d %d %o %" SCNd64 " %u %u %u %*u %" SCNd64 " %" SCNd64,
		   &i.key, &i.id, &i.mode, &i.size, &i.uid, &i.gid,
		   &i.creator_uid, &used, &i.changed) != 9)
		return -EPROTO;
	i.used = later(used, 0);
	*ret = i;
	return 0;
}

int via__sysv_parse_msg(const char *line, struct via_ipc *ret)
{
	struct via_ipc i = unknown();
	int64_t sent, received;

	if (sscanf(line,
		   "%d %d %o %" SCNd64 " %" SCNd64 " %d %d %u %u %u %*u "
		   "%" SCNd64 " %" SCNd64 " %" SCNd64,
		   &i.key, &i.id, &i.mode, &i.resident, &i.n_messages, &i.last,
		   &i.last_receiver, &i.uid, &i.gid, &i.creator_uid, &sent,
		   &received, &i.changed) != 13)
		return -EPROTO;
	i.used = later(sent, received);
	*ret = i;
	return 0;
}

/* --- One object --- */

static const struct table {
	const char *path;
	enum via_kind kind;
	int (*parse)(const char *line, struct via_ipc *ret);
} tables[] = {
	{"/proc/sysvipc/shm", VIA_KIND_SYSVSHM, via__sysv_parse_shm},
	{"/proc/sysvipc/sem", VIA_KIND_SYSVSEM, via__sysv_parse_sem},
	{"/proc/sysvipc/msg", VIA_KIND_SYSVMSG, via__sysv_parse_msg},
};
#define N_TABLES (sizeof(tables) / sizeof(*tables))

/* How often those whom we see have it mapped. */
static int64_t n_mappings(const struct via_snapshot *s,
			  const struct via_object *o)
{
	int64_t n = 0;

	for (uint32_t i = o->first_user; i < o->first_user + o->n_users; i++)
		n += s->holds[s->users[i]].how == VIA_HOLDS_MAP;
	return n;
}

static void add_memory(const struct via_snapshot *s, struct via_object *o,
		       const struct via_ipc *ipc)
{
	o->level = ipc->resident;
	o->capacity = ipc->size;
	if (ipc->mode & SHM_DEST)
		o->flags |= VIA_OBJECT_DELETED;
	/* The kernel counts mappings, as we do. */
	if (n_mappings(s, o) == ipc->n_attached)
		o->seen = VIA_SEEN_ALL;
}

static void add(struct via__scene *scene, uint32_t ns,
		const struct table *table, const char *line)
{
	struct via_snapshot *s = scene->s;
	struct via_ipc ipc;
	char key[16];

	if (table->parse(line, &ipc) < 0)
		return;
	uint32_t object = via__object(s, table->kind, ns, (uint32_t)ipc.id, 0);
	struct via_object *o = via__object_at(s, object);

	ipc.object = object;
	*via__ipc(s, object) = ipc;
	snprintf(key, sizeof(key), "0x%08x", (unsigned int)ipc.key);
	if (ipc.key != IPC_PRIVATE)
		o->name = via__text_of(s, key);
	if (table->kind == VIA_KIND_SYSVSHM)
		add_memory(s, o, &ipc);
	if (table->kind == VIA_KIND_SYSVMSG)
		o->level = ipc.resident;
}

/* --- What only those say who may read it --- */

/* Of a set so many are looked at: three calls each. */
#define SEMAPHORES_MAX 256

struct question {
	enum via_kind kind;
	int id;
	uint32_t object;
	int64_t size; /* bytes that a queue takes, how many are in a set; or
			 -1: we may not know */
	struct semaphore {
		int value, last, waiting, zero;
	} at[SEMAPHORES_MAX];
};

static int ask(void *arg)
{
	struct question *q = arg;
	struct msqid_ds queue;

	if (q->kind == VIA_KIND_SYSVMSG) {
		q->size = msgctl(q->id, IPC_STAT, &queue) < 0
				  ? -1
				  : (int64_t)queue.msg_qbytes;
		return 0;
	}
	for (int i = 0; i < q->size; i++) {
		q->at[i].value = semctl(q->id, i, GETVAL);
		q->at[i].last = semctl(q->id, i, GETPID);
		q->at[i].waiting = semctl(q->id, i, GETNCNT);
		q->at[i].zero = semctl(q->id, i, GETZCNT);
		if (q->at[i].zero < 0) {
			q->size = i;
			break;
		}
	}
	return 0;
}

static void answer(struct via_snapshot *s, const struct question *q)
{
	struct via_object *o = via__object_at(s, q->object);

	if (q->kind == VIA_KIND_SYSVMSG && q->size >= 0)
		o->capacity = q->size;
	if (q->kind != VIA_KIND_SYSVSEM)
		return;
	if (q->size == 1)
		o->level = q->at[0].value;
	for (int64_t i = 0; i < q->size; i++) {
		const struct semaphore *from = &q->at[i];
		struct via_semaphore *to = via__add_semaphore(s, q->object);

		to->value = (uint32_t)from->value;
		to->last = from->last;
		to->n_waiting = (uint32_t)from->waiting;
		to->n_waiting_zero = (uint32_t)from->zero;
	}
}

static void ask_all(struct via__scene *scene, const struct via__space *space)
{
	struct via_snapshot *s = scene->s;
	struct question *q = malloc(sizeof(*q));

	for (uint32_t i = 0; q && i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];

		if ((o->kind != VIA_KIND_SYSVSEM &&
		     o->kind != VIA_KIND_SYSVMSG) ||
		    o->dev != space->ns || o->detail == VIA_NONE)
			continue;
		*q = (struct question){.kind = o->kind,
				       .id = (int)o->ino,
				       .object = i,
				       .size = s->ipcs[o->detail].size};
		if (q->size > SEMAPHORES_MAX)
			q->size = SEMAPHORES_MAX;
		if (space->own ? ask(q)
			       : via__enter(space->dir, "ns/ipc", ask, q))
			continue;
		answer(s, q);
	}
	free(q);
}

/* --- Namespaces --- */

static int open_tables(void *arg)
{
	int *fds = arg;

	for (size_t i = 0; i < N_TABLES; i++)
		fds[i] = open(tables[i].path, O_RDONLY | O_CLOEXEC);
	return 0;
}

static void read_table(struct via__scene *scene, const struct via__space *space,
		       const struct table *table, int fd)
{
	FILE *file = fdopen(fd, "r");
	char line[512];

	if (!file) {
		close(fd);
		return;
	}
	/* The heading has no numbers. */
	while (fgets(line, sizeof(line), file))
		add(scene, space->ns, table, line);
	fclose(file);
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	int fds[N_TABLES] = {-1, -1, -1};
	int err = space->own
			  ? open_tables(fds)
			  : via__enter(space->dir, "ns/ipc", open_tables, fds);

	(void)arg;
	if (err < 0)
		return err;
	for (size_t i = 0; i < N_TABLES; i++)
		if (fds[i] >= 0)
			read_table(scene, space, &tables[i], fds[i]);
	ask_all(scene, space);
	return 0;
}

static void sysv_all(struct via__scene *scene)
{
	via__each_space(scene, offsetof(struct via_process, ipc_ns), "ns/ipc",
			look_in, NULL);
}

const struct via__collector via__collector_sysv = {
	.name = "sysv",
	.summary = "System V memory, semaphores and queues",
	.want = VIA_WANT_IPC,
	.all = sysv_all,
};
