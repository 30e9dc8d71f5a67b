/* SPDX-License-Identifier: MIT */
/* System V shared memory, semaphores and queues. */
#include "tests/inspect/mk/mk.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <time.h>

union semun {
	int val;
};

static void remove_shm(const struct mk_undo *u)
{
	(void)shmctl((int)u->id, IPC_RMID, NULL);
}

static void remove_sem(const struct mk_undo *u)
{
	(void)semctl((int)u->id, 0, IPC_RMID);
}

static void remove_msg(const struct mk_undo *u)
{
	(void)msgctl((int)u->id, IPC_RMID, NULL);
}

/* dev is the number of our IPC namespace. */
static int object(struct mk *m, const char *kind, int id)
{
	struct stat st;

	MUST(stat("/proc/self/ns/ipc", &st));
	return mk_object(m, kind, st.st_ino, (uint64_t)id, 0);
}

static int segment(struct mk *m, int *ret_object)
{
	int id = (int)MUST(shmget(IPC_PRIVATE, 12345, IPC_CREAT | 0600));

	mk_undo(m, remove_shm, id, "");
	*ret_object = object(m, "sysvshm", id);
	return id;
}

static void attach(int id)
{
	if (shmat(id, NULL, 0) == (void *)-1)
		mk_die("shmat");
	mk_pause();
}

void make_sysvshm(struct mk *m)
{
	int memory, id = segment(m, &memory);

	CHILD(m, "one", -1)
		attach(id);
	CHILD(m, "two", -1)
		attach(id);
	mk_idle(m, "one");
	mk_idle(m, "two");
	mk_holds(m, "one", memory, "map", -1, "rw");
	mk_holds(m, "two", memory, "map", -1, "rw");
}

/* Made by a process that has ended. */
void make_sysvshm_orphan(struct mk *m)
{
	key_t key = 0x56000000 | m->maker;

	CHILD(m, "maker", -1)
		MUST(shmget(key, 12345, IPC_CREAT | IPC_EXCL | 0600));
	mk_ended(m, "maker");

	int id = (int)MUST(shmget(key, 0, 0));

	mk_undo(m, remove_shm, id, "");
	mk_remark(m, "orphaned-segment", "", object(m, "sysvshm", id));
}

static int set(struct mk *m, int n, int *ret_object)
{
	int id = (int)MUST(semget(IPC_PRIVATE, n, IPC_CREAT | 0600));

	mk_undo(m, remove_sem, id, "");
	*ret_object = object(m, "sysvsem", id);
	return id;
}

static void give(int id, int index, int value)
{
	union semun arg = {.val = value};

	MUST(semctl(id, index, SETVAL, arg));
}

static void take(int id, int index, int flags)
{
	struct sembuf op = {(unsigned short)index, -1, (short)flags};

	MUST(semop(id, &op, 1));
}

static void sem_waits(struct mk *m, const char *role, int id, int set_of)
{
	mk_blocks(m, role, SYS_semtimedop, id);
	mk_waits(m, role, "lock", set_of, -1);
}

static void held(struct mk *m, int flags)
{
	int set_of, id = set(m, 1, &set_of);

	give(id, 0, 1);
	CHILD(m, "holder", -1) {
		take(id, 0, flags);
		mk_pause();
	}
	mk_idle(m, "holder");
	mk_settle(m);
	CHILD(m, "waiter", -1)
		take(id, 0, flags);
	sem_waits(m, "waiter", id, set_of);
	mk_verdict(m, "waiter", "waiting|unknown", NULL);
}

void make_sysvsem(struct mk *m)
{
	held(m, 0);
}

void make_sysvsem_undo(struct mk *m)
{
	held(m, SEM_UNDO);
}

void make_sysvsem_zero(struct mk *m)
{
	int set_of, id = set(m, 1, &set_of);
	struct sembuf zero = {0, 0, 0};

	give(id, 0, 3);
	CHILD(m, "waiter", -1)
		(void)semop(id, &zero, 1);
	sem_waits(m, "waiter", id, set_of);
	mk_verdict(m, "waiter", "waiting|unknown", NULL);
}

void make_sysvsem_timed(struct mk *m)
{
	int set_of, id = set(m, 1, &set_of);
	struct sembuf op = {0, -1, 0};
	struct timespec hour = {.tv_sec = 3600};

	CHILD(m, "waiter", -1)
		(void)semtimedop(id, &op, 1, &hour);
	sem_waits(m, "waiter", id, set_of);
	mk_verdict(m, "waiter", "idle|waiting|unknown", NULL);
}

void make_sysvsem_dead(struct mk *m)
{
	int set_of, id = set(m, 1, &set_of);

	give(id, 0, 1);
	CHILD(m, "holder", -1)
		take(id, 0, 0);
	mk_ended(m, "holder");
	CHILD(m, "waiter", -1)
		take(id, 0, 0);
	sem_waits(m, "waiter", id, set_of);
	mk_verdict(m, "waiter", "orphaned|unknown|stuck", NULL);
	mk_finding(m, "dead-sem-holder", "waiter", set_of);
}

/* Each holds one and wants the next. */
static void cycle(struct mk *m, int n, int flags)
{
	static const char *const roles[] = {"one", "two", "three"};
	int set_of, id = set(m, 3, &set_of);

	mk_gate(m);
	for (int i = 0; i < n; i++)
		give(id, i, 1);
	for (int i = 0; i < n; i++) {
		CHILD(m, roles[i], -1) {
			take(id, i, flags);
			mk_ready(m);
			take(id, (i + 1) % n, flags);
		}
		sem_waits(m, roles[i], id, set_of);
	}
	mk_go(m, (unsigned int)n);
}

void make_sysvsem_cycle(struct mk *m)
{
	cycle(m, 2, 0);
	mk_verdict(m, "one", "deadlock|unknown|waiting", NULL);
	mk_verdict(m, "two", "deadlock|unknown|waiting", NULL);
}

void make_sysvsem_undo_cycle(struct mk *m)
{
	/* Where BPF is not to be had, who took one was its last user. */
	cycle(m, 3, SEM_UNDO);
	mk_cycle(m, NULL, "one", "two", "three", NULL);
}

struct message {
	long type;
	char text[1024];
};

static int queue(struct mk *m, int *ret_object)
{
	int id = (int)MUST(msgget(IPC_PRIVATE, IPC_CREAT | 0600));

	mk_undo(m, remove_msg, id, "");
	*ret_object = object(m, "sysvmq", id);
	return id;
}

void make_sysvmq_receive(struct mk *m)
{
	int queue_of, id = queue(m, &queue_of);
	struct message message;

	CHILD(m, "receiver", -1)
		(void)msgrcv(id, &message, sizeof(message.text), 0, 0);
	mk_blocks(m, "receiver", SYS_msgrcv, id);
	mk_waits(m, "receiver", "read", queue_of, -1);
	mk_level(m, queue_of, 0, MK_UNKNOWN);
	mk_verdict(m, "receiver", "unknown|idle|waiting", NULL);
}

void make_sysvmq_full(struct mk *m)
{
	int queue_of, id = queue(m, &queue_of);
	struct message message = {.type = 1};
	struct msqid_ds ds;

	MUST(msgctl(id, IPC_STAT, &ds));
	CHILD(m, "sender", -1)
		while (msgsnd(id, &message, sizeof(message.text), 0) == 0)
			;
	mk_blocks(m, "sender", SYS_msgsnd, id);
	mk_waits(m, "sender", "write", queue_of, -1);
	mk_level(m, queue_of,
		 (int64_t)(ds.msg_qbytes / sizeof(message.text) *
			   sizeof(message.text)),
		 (int64_t)ds.msg_qbytes);
	mk_verdict(m, "sender", "unknown|idle|waiting", NULL);
	mk_finding(m, "queue-full", "sender", queue_of);
}

void make_sysvmq_orphan(struct mk *m)
{
	int queue_of = -1, id = queue(m, &queue_of);
	struct message message = {.type = 1};

	CHILD(m, "sender", -1)
		MUST(msgsnd(id, &message, sizeof(message.text), 0));
	mk_ended(m, "sender");
	mk_level(m, queue_of, 1024, MK_UNKNOWN);
	mk_remark(m, "orphaned-queue", "", queue_of);
}
