/* SPDX-License-Identifier: MIT */
/* Who holds System V semaphores, as the kernel knows it. */
#include <pthread.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include "inspect/collect/look_test.h"

#define WANT VIA_WANT_IPC

static int ours(int n)
{
	int id = semget(IPC_PRIVATE, n, IPC_CREAT | 0600);
	unsigned short values[8] = {5, 5, 5, 5, 5, 5, 5, 5};

	assert_true(id >= 0);
	assert_int_equal(semctl(id, 0, SETALL, values), 0);
	return id;
}

static void change(int id, int index, int by, int flags)
{
	struct sembuf op = {(unsigned short)index, (short)by, (short)flags};

	if (semop(id, &op, 1) < 0)
		_exit(1);
}

/* --- A process with threads --- */

static void *shares_the_list(void *arg)
{
	(void)!write(*(int *)arg, "", 1);
	pause();
	return NULL;
}

/* Two units of semaphore 1 of the first set; and what is not held. */
static pid_t start(int with, int without)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		change(with, 1, -3, SEM_UNDO);
		change(with, 1, +1, SEM_UNDO);
		change(with, 0, +1, SEM_UNDO);
		change(with, 2, -1, SEM_UNDO);
		change(with, 2, +1, SEM_UNDO);
		change(without, 0, -2, 0);
		pthread_create(&thread, NULL, shares_the_list, &ready[1]);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static uint32_t set_of(const struct via_snapshot *s, int id)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/ns/ipc", &st), 0);
	uint32_t object = via_snapshot_object(s, VIA_KIND_SYSVSEM, st.st_ino,
					      (uint32_t)id, 0);

	assert_int_not_equal(object, VIA_NONE);
	return object;
}

static void taken_with_undo_is_held(void **state)
{
	char why[VIA_ERROR_TEXT_MAX];
	int with = ours(3), without = ours(1);
	pid_t child = start(with, without);
	struct via_snapshot *s = look_by(VIA_SOURCE_BPF, WANT, why);

	(void)state;
	end(child);
	assert_int_equal(semctl(with, 0, IPC_RMID), 0);
	assert_int_equal(semctl(without, 0, IPC_RMID), 0);
	if (!s)
		check_skip(why);
	uint32_t set = set_of(s, with);
	const struct via_object *o = &s->objects[set];

	assert_int_equal(o->n_users, 1);
	const struct via_holding *h = &s->holds[s->users[o->first_user]];

	assert_int_equal(s->processes[h->process].task.pid, child);
	assert_int_equal(h->how, VIA_HOLDS_LOCK);
	assert_int_equal(h->source, VIA_SOURCE_BPF);
	assert_int_equal(h->certainty, VIA_EXACT);
	assert_int_equal(h->start, 2);
	assert_int_equal(h->end, 1);
	assert_int_equal(s->objects[set_of(s, without)].n_users, 0);
	via_snapshot_free(s);
}

/* --- Two that wait for each other --- */

static pid_t crosswise(int id, int own)
{
	pid_t pid = fork();

	if (pid == 0) {
		change(id, own, -5, SEM_UNDO);
		while (semctl(id, !own, GETVAL))
			;
		change(id, !own, -1, SEM_UNDO);
		_exit(0);
	}
	return pid;
}

/* Each semaphore of a set has its own holders. */
static void two_lock_each_other_out(void **state)
{
	const struct via_look l = {.want = VIA_WANT_IPC | VIA_WANT_WAITS,
				   .source = VIA_SOURCE_BPF};
	struct via_snapshot *s = NULL;
	struct via_diagnosis *d = NULL;
	struct via_error error = {0};
	int id = ours(3);
	pid_t pids[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		pids[i] = crosswise(id, i);
	for (int i = 0; i < 2; i++)
		while (semctl(id, i, GETNCNT) < 1)
			;
	int err = via_snapshot_take(&l, &s, &error);

	if (!err)
		assert_int_equal(via_snapshot_look_again(s), 0);
	for (int i = 0; i < 2; i++)
		end(pids[i]);
	assert_int_equal(semctl(id, 0, IPC_RMID), 0);
	if (err == -EOPNOTSUPP)
		check_skip(error.text);
	assert_int_equal(err, 0);
	assert_int_equal(via_diagnose(s, &d), 0);
	for (int i = 0; i < 2; i++) {
		const struct via_verdict_of *v =
			&d->verdicts[process_of(s, pids[i])->first_thread];

		assert_int_equal(v->verdict, VIA_VERDICT_DEADLOCK);
		assert_int_equal(v->certainty, VIA_LIKELY);
	}
	via_diagnosis_free(d);
	via_snapshot_free(s);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(taken_with_undo_is_held),
	CHECK_TEST(two_lock_each_other_out),
};
CHECK_MAIN(tests)
