/* SPDX-License-Identifier: MIT */
/* System V objects that are made here, and what a snapshot says of them. */
#include "inspect/collect/sysv.h"

#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "inspect/collect/snapshot_test.h"

static uint32_t sysv(const struct via_snapshot *s, enum via_kind kind, int id)
{
	uint32_t object = via_snapshot_object(
		s, kind, inode("/proc/self/ns/ipc"), (uint32_t)id, 0);

	assert_int_not_equal(object, VIA_NONE);
	return object;
}

static const struct via_ipc *detail(const struct via_snapshot *s,
				    uint32_t object)
{
	return &s->ipcs[s->objects[object].detail];
}

static void memory_is_seen_without_users(void **state)
{
	int id = shmget(0x1234567, 10000, IPC_CREAT | IPC_EXCL | 0640);
	void *at = shmat(id, NULL, 0);

	(void)state;
	assert_true(id >= 0 && at != (void *)-1);
	*(char *)at = 1;
	struct via_snapshot *s = snapshot(VIA_WANT_IPC | VIA_WANT_MAPS);
	uint32_t o = sysv(s, VIA_KIND_SYSVSHM, id);

	assert_int_equal(detail(s, o)->n_attached, 1);
	assert_int_equal(s->objects[o].n_users, 1);
	assert_int_equal(s->objects[o].seen, VIA_SEEN_ALL);
	assert_int_equal(s->objects[o].level, getpagesize());
	assert_int_equal(s->objects[o].capacity, 10000);
	assert_string_equal(via_snapshot_text(s, s->objects[o].name, NULL),
			    "0x01234567");
	assert_int_equal(detail(s, o)->creator, getpid());
	assert_int_equal(detail(s, o)->mode, 0640);
	assert_int_equal(detail(s, o)->uid, geteuid());
	assert_true(detail(s, o)->used > 0);
	via_snapshot_free(s);
	assert_int_equal(shmdt(at), 0);
	s = snapshot(VIA_WANT_IPC | VIA_WANT_MAPS);
	o = sysv(s, VIA_KIND_SYSVSHM, id);
	assert_int_equal(detail(s, o)->n_attached, 0);
	assert_int_equal(s->objects[o].n_users, 0);
	via_snapshot_free(s);
	assert_int_equal(shmctl(id, IPC_RMID, NULL), 0);
}

/* A process that waits for a semaphore, once it does. */
static pid_t waiter(int id, struct sembuf op)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(semop(id, &op, 1) ? 1 : 0);
	while (semctl(id, op.sem_num, op.sem_op ? GETNCNT : GETZCNT) < 1)
		;
	return pid;
}

static void each_semaphore_has_its_own(void **state)
{
	int id = semget(IPC_PRIVATE, 3, IPC_CREAT | 0600);
	unsigned short values[] = {0, 7, 2};

	(void)state;
	assert_int_equal(semctl(id, 0, SETALL, values), 0);
	struct sembuf up = {1, 1, 0}, take = {0, -1, 0}, zero = {2, 0, 0};

	assert_int_equal(semop(id, &up, 1), 0);
	pid_t taker = waiter(id, take), zeroer = waiter(id, zero);
	struct via_snapshot *s = snapshot(VIA_WANT_IPC);
	uint32_t o = sysv(s, VIA_KIND_SYSVSEM, id);
	const struct via_ipc *ipc = detail(s, o);
	const struct via_semaphore *at = &s->semaphores[ipc->first_semaphore];

	assert_int_equal(ipc->size, 3);
	assert_int_equal(ipc->n_semaphores, 3);
	assert_int_equal(at[0].value, 0);
	assert_int_equal(at[1].value, 8);
	assert_int_equal(at[2].value, 2);
	assert_int_equal(at[1].last, getpid());
	assert_int_equal(at[0].n_waiting, 1);
	assert_int_equal(at[0].n_waiting_zero, 0);
	assert_int_equal(at[2].n_waiting, 0);
	assert_int_equal(at[2].n_waiting_zero, 1);
	assert_int_equal(s->objects[o].name, 0);
	via_snapshot_free(s);
	assert_int_equal(semctl(id, 0, IPC_RMID), 0);
	assert_int_equal(waitpid(taker, NULL, 0), taker);
	assert_int_equal(waitpid(zeroer, NULL, 0), zeroer);
}

static void queues_have_levels(void **state)
{
	int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	struct {
		long type;
		char text[100];
	} message = {.type = 1};
	struct msqid_ds queue;

	(void)state;
	assert_int_equal(msgsnd(id, &message, 100, 0), 0);
	assert_int_equal(msgsnd(id, &message, 11, 0), 0);
	assert_int_equal(msgctl(id, IPC_STAT, &queue), 0);
	struct via_snapshot *s = snapshot(VIA_WANT_IPC);
	uint32_t o = sysv(s, VIA_KIND_SYSVMSG, id);

	assert_int_equal(s->objects[o].level, 111);
	assert_int_equal(s->objects[o].capacity, queue.msg_qbytes);
	assert_int_equal(detail(s, o)->n_messages, 2);
	assert_int_equal(detail(s, o)->last, getpid());
	assert_int_equal(detail(s, o)->last_receiver, 0);
	via_snapshot_free(s);
	assert_int_equal(msgctl(id, IPC_RMID, NULL), 0);
}

/* A child in an IPC namespace of its own makes one there; what it has made is
 * gone with it. */
static void other_namespaces_are_seen(void **state)
{
	int up[2], down[2], id = -1;
	char path[64];

	(void)state;
	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(down[1]);
		if (unshare(CLONE_NEWIPC) == 0)
			id = semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
		if (id >= 0)
			(void)semctl(id, 1, SETVAL, 42);
		(void)!write(up[1], &id, sizeof(id));
		(void)!read(down[0], path, 1);
		_exit(0);
	}
	assert_int_equal(read(up[0], &id, sizeof(id)), sizeof(id));
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	if (id >= 0) {
		uint64_t before = inode("/proc/self/ns/ipc");
		struct via_snapshot *s = snapshot(VIA_WANT_IPC);
		uint32_t o = via_snapshot_object(s, VIA_KIND_SYSVSEM,
						 inode(path), (uint32_t)id, 0);

		assert_int_not_equal(o, VIA_NONE);
		assert_int_equal(
			s->semaphores[detail(s, o)->first_semaphore + 1].value,
			42);
		assert_int_equal(inode("/proc/self/ns/ipc"), before);
		via_snapshot_free(s);
	}
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (id < 0)
		check_skip("needs IPC namespaces");
}

static void lines_of_the_lists_are_read(void **state)
{
	struct via_ipc i;

	(void)state;
	assert_int_equal(
		via__sysv_parse_shm(
			"-559038737     32769  1640                  4096 "
			"  100   200      3  1000  1001     0     0 "
			"1600000001 1600000002 1600000000 "
			"                 8192                     0\n",
			&i),
		0);
	assert_int_equal(i.key, (int32_t)0xdeadbeef);
	assert_int_equal(i.id, 32769);
	assert_int_equal(i.mode, 01640);
	assert_int_equal(i.creator, 100);
	assert_int_equal(i.last, 200);
	assert_int_equal(i.gid, 1001);
	assert_int_equal(i.used, 1600000002);
	assert_int_equal(i.changed, 1600000000);
	assert_int_equal(i.resident, 8192);
	assert_int_equal(via__sysv_parse_sem("0 1 600 5 0 0 7 0 0 16\n", &i),
			 0);
	assert_int_equal(i.size, 5);
	assert_int_equal(i.creator_uid, 7);
	assert_true(i.used == VIA_UNKNOWN);
	assert_int_equal(
		via__sysv_parse_msg("0 1 600 5 2 30 40 0 0 7 0 9 0 16\n", &i),
		0);
	assert_int_equal(i.resident, 5);
	assert_int_equal(i.n_messages, 2);
	assert_int_equal(i.last_receiver, 40);
	assert_int_equal(i.used, 9);
	assert_int_equal(via__sysv_parse_msg("       key      msqid", &i),
			 -EPROTO);
	assert_int_equal(via__sysv_parse_shm("1 2 3", &i), -EPROTO);
	assert_int_equal(via__sysv_parse_sem("", &i), -EPROTO);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(memory_is_seen_without_users),
	CHECK_TEST(each_semaphore_has_its_own),
	CHECK_TEST(queues_have_levels),
	CHECK_TEST(other_namespaces_are_seen),
	CHECK_TEST(lines_of_the_lists_are_read),
};
CHECK_MAIN(tests)
