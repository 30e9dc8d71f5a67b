/* SPDX-License-Identifier: MIT */
/* Waits on futexes, and who has them. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include <via/sync.h>

#include "inspect/collect/waits_test.h"

/* What the processes share; at an offset that is not the page's. */
struct shared {
	char before[64];
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	sem_t sem;
	uint32_t word;
	struct via_mutex via;
};

static struct shared *share(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(s, MAP_FAILED);
	return s;
}

static void unshare_it(struct shared *s)
{
	munmap(s, sizeof(*s));
}

static void init_mutex(pthread_mutex_t *m, int robust, int protocol)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutexattr_setprotocol(&attr, protocol);
	assert_int_equal(pthread_mutex_init(m, &attr), 0);
	pthread_mutexattr_destroy(&attr);
}

static const struct via_futex *futex(struct victim *v)
{
	assert_int_equal(object(v, 0)->kind, VIA_KIND_FUTEX);
	assert_in_range(object(v, 0)->detail, 0, v->s->n_futexes - 1);
	return &v->s->futexes[object(v, 0)->detail];
}

/* The thread with this tid has the one thing it waits for. */
static void assert_owned(struct victim *v, enum via_futex_use use, pid_t tid)
{
	assert_int_equal(v->t->n_waits, 1);
	assert_int_equal(v->waits[0].op, VIA_OP_LOCK);
	assert_int_equal(v->waits[0].certainty, VIA_EXACT);
	assert_int_equal(futex(v)->use, use);
	assert_int_equal(futex(v)->owner, tid);
	assert_false(futex(v)->owner_dead);

	const struct via_object *o = object(v, 0);
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&v->s->holds[v->s->users[o->first_user + i]];

		n += h->how == VIA_HOLDS_LOCK && h->id == tid;
	}
	assert_int_equal(n, 1);
}

/* It lies in what this address of ours is in. */
static void assert_at(struct victim *v, const struct shared *s,
		      const void *address)
{
	uint32_t self = via_snapshot_process(v->s, getpid());
	const struct via_process *p = &v->s->processes[self];
	const struct via_object *o = object(v, 0);

	assert_int_equal(o->sub, (uintptr_t)address - (uintptr_t)s);
	assert_false(o->flags & VIA_OBJECT_PRIVATE);
	for (uint32_t i = 0; i < p->n_holds; i++) {
		const struct via_holding *h = &v->s->holds[p->first_hold + i];

		if (h->how == VIA_HOLDS_MAP && h->start == (uintptr_t)s) {
			assert_int_equal(h->object, futex(v)->memory);
			return;
		}
	}
	fail_msg("we have not mapped it");
}

/* --- glibc's mutexes --- */

static void sees_shared_mutexes(void **state)
{
	static const struct {
		int robust, protocol;
		enum via_futex_use use;
	} rows[] = {
		{PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE, VIA_FUTEX_MUTEX},
		{PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE, VIA_FUTEX_ROBUST},
		{PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT, VIA_FUTEX_PI},
		{PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_INHERIT, VIA_FUTEX_PI},
	};
	struct shared *s = share();
	struct victim v, before;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		init_mutex(&s->mutex, rows[i].robust, rows[i].protocol);
		pthread_mutex_lock(&s->mutex);
		/* However many wait, its owner has it once. */
		if (blocks(&before))
			exit(pthread_mutex_lock(&s->mutex));
		look_until(&before, SYS_futex);
		if (blocks(&v))
			exit(pthread_mutex_lock(&s->mutex));
		look_until(&v, SYS_futex);
		assert_owned(&v, rows[i].use, getpid());
		assert_at(&v, s, &s->mutex);
		end(&v);
		end(&before);
		/* A robust one's waiter was in the list of the owner. */
		pthread_mutex_unlock(&s->mutex);
	}
	unshare_it(s);
}

static void *locks(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

static void sees_a_private_mutex(void **state)
{
	struct victim v;

	(void)state;
	if (blocks(&v)) {
		static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
		pthread_t thread;

		pthread_mutex_lock(&mutex);
		pthread_create(&thread, NULL, locks, &mutex);
		for (;;)
			pause();
	}
	/* Its second thread, once there is one. */
	for (bool found = false; !found;) {
		look_at(&v, v.pid, v.pid);
		const struct via_process *p = &v.s->processes[v.process];

		if (p->n_threads < 2)
			continue;
		v.thread = p->first_thread + 1;
		v.t = &v.s->threads[v.thread];
		v.waits = &v.s->waits[v.t->first_wait];
		found = v.t->call.nr == SYS_futex && v.t->n_waits;
	}
	assert_owned(&v, VIA_FUTEX_MUTEX, v.pid);
	assert_true(object(&v, 0)->flags & VIA_OBJECT_PRIVATE);
	assert_int_equal(object(&v, 0)->ino, v.pid);
	end(&v);
}

static void sees_a_dead_owner(void **state)
{
	struct shared *s = share();
	struct victim v;
	pid_t dead;

	(void)state;
	init_mutex(&s->mutex, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	dead = fork();
	if (dead == 0) {
		pthread_mutex_lock(&s->mutex);
		_exit(0);
	}
	waitpid(dead, NULL, 0);
	if (blocks(&v))
		exit(pthread_mutex_lock(&s->mutex));
	look_until(&v, SYS_futex);
	assert_int_equal(v.waits[0].op, VIA_OP_LOCK);
	assert_int_equal(v.waits[0].certainty, VIA_LIKELY);
	assert_int_equal(futex(&v)->owner, dead);
	assert_true(futex(&v)->owner_dead);
	end(&v);
	unshare_it(s);
}

/* --- Without an owner --- */

static void assert_unowned(struct victim *v)
{
	assert_int_equal(v->t->n_waits, 1);
	assert_int_equal(v->waits[0].op, VIA_OP_WAKE);
	assert_int_equal(futex(v)->owner, 0);
	assert_int_equal(futex(v)->use, VIA_FUTEX_UNKNOWN);
}

static void waits_somehow(struct shared *s, int how)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	switch (how) {
	case 0:
		sem_wait(&s->sem);
		break;
	case 1:
		pthread_mutex_lock(&mutex);
		pthread_cond_wait(&s->cond, &mutex);
		break;
	case 2:
		pthread_barrier_wait(&s->barrier);
		break;
	case 3:
		syscall(SYS_futex, &s->word, FUTEX_WAIT, 0, NULL);
		break;
	}
	exit(0);
}

static void sees_what_has_no_owner(void **state)
{
	struct shared *s = share();
	pthread_condattr_t attr;
	pthread_barrierattr_t barrier;
	struct victim v;

	(void)state;
	pthread_condattr_init(&attr);
	pthread_condattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&s->cond, &attr);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&s->barrier, &barrier, 2);
	sem_init(&s->sem, 1, 0);
	for (int how = 0; how < 4; how++) {
		if (blocks(&v))
			waits_somehow(s, how);
		look_until(&v, SYS_futex);
		assert_unowned(&v);
		assert_false(object(&v, 0)->flags & VIA_OBJECT_PRIVATE);
		end(&v);
	}
	unshare_it(s);
}

/* Words that could be somebody's, but for one thing. */
static void believes_no_garbage(void **state)
{
	struct shared *s = share();
	uint32_t *m = (void *)&s->mutex;
	const struct {
		uint32_t words[5], value;
	} rows[] = {
		/* locked, no owner */
		{{2, 0, 0, 1, 128}, 2},
		/* of one process, in shared memory */
		{{2, 0, (uint32_t)getpid(), 1, 0}, 2},
		/* bits that no mutex has */
		{{2, 0, (uint32_t)getpid(), 1, 0xdead0080}, 2},
		/* nobody uses it */
		{{2, 0, (uint32_t)getpid(), 0, 128}, 2},
		{{UINT32_MAX, 0, (uint32_t)getpid(), 1, 144}, UINT32_MAX},
		/* a thread that does not exist */
		{{0x80000000 | 0x3ffffffe, 0, 0, 0, 0}, 0xbffffffe},
	};
	struct victim v;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memcpy(m, rows[i].words, sizeof(rows[i].words));
		if (blocks(&v))
			exit((int)syscall(SYS_futex, m, FUTEX_WAIT,
					  rows[i].value, NULL));
		look_until(&v, SYS_futex);
		assert_unowned(&v);
		end(&v);
	}
	unshare_it(s);
}

static void sees_words_at_once(void **state)
{
	struct shared *s = share();
	struct victim v;

	(void)state;
	if (syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) < 0 &&
	    errno == ENOSYS)
		check_skip("needs futex_waitv() (Linux 5.16)");
	if (blocks(&v)) {
		struct futex_waitv words[2] = {
			{.uaddr = (uintptr_t)&s->word, .flags = FUTEX_32},
			{.uaddr = (uintptr_t)&s->via, .flags = FUTEX_32}};

		exit((int)syscall(SYS_futex_waitv, words, 2, 0, NULL, 0));
	}
	look_until(&v, SYS_futex_waitv);
	assert_int_equal(v.t->n_waits, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(v.waits[i].op, VIA_OP_WAKE);
		assert_int_equal(v.waits[i].group, 0);
	}
	assert_int_not_equal(v.waits[0].object, v.waits[1].object);
	end(&v);
	unshare_it(s);
}

/* --- via's own --- */

static void sees_via_mutexes(void **state)
{
	struct shared *s = share();
	struct victim v;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct via_mutex_options options = {
			.flags = i ? VIA_MUTEX_INHERIT : 0};

		assert_int_equal(via_mutex_init(&s->via, &options), 0);
		assert_int_equal(via_mutex_lock(&s->via, VIA_NEVER, NULL), 0);
		if (blocks(&v))
			exit(via_mutex_lock(&s->via, VIA_NEVER, NULL));
		look_until(&v, SYS_futex);
		assert_owned(&v, VIA_FUTEX_VIA, getpid());
		assert_at(&v, s, &s->via.hold.word);
		end(&v);
		via_mutex_unlock(&s->via);
	}
	unshare_it(s);
}

/* --- Elsewhere --- */

/* In a pid namespace of their own threads have other ids. */
static void sees_owners_of_another_namespace(void **state)
{
	struct shared *s = share();
	struct victim v;

	(void)state;
	init_mutex(&s->mutex, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	if (blocks(&v)) {
		if (unshare(CLONE_NEWPID) < 0)
			exit(1);
		if (fork() == 0) {
			pthread_mutex_lock(&s->mutex);
			if (fork() == 0)
				exit(pthread_mutex_lock(&s->mutex));
		}
		for (;;)
			pause();
	}
	uint32_t n = 0, waiter = VIA_NONE;

	while (waiter == VIA_NONE) {
		look_at(&v, v.pid, v.pid);
		if (!v.t || v.t->state == 'Z')
			break;
		n = v.s->n_threads;
		for (uint32_t i = 0; i < n; i++)
			if (v.s->threads[i].call.nr == SYS_futex &&
			    v.s->threads[i].n_waits)
				waiter = i;
	}
	if (waiter == VIA_NONE) {
		end(&v);
		unshare_it(s);
		check_skip("needs a pid namespace");
	}
	const struct via_process *p =
		&v.s->processes[v.s->threads[waiter].process];

	v.t = &v.s->threads[waiter];
	v.waits = &v.s->waits[v.t->first_wait];
	assert_int_equal(p->inner_pid, 2);
	assert_owned(&v, VIA_FUTEX_MUTEX, p->task.ppid);
	kill(p->task.ppid, SIGKILL);
	end(&v);
	unshare_it(s);
}

/* The owner is process 1 where it is, and who waits sees another one by that. */
static void sees_an_owner_further_down(void **state)
{
	struct shared *s = share();
	struct victim owner, v = {0};
	int locked[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(locked), 0);
	init_mutex(&s->mutex, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	if (blocks(&owner)) {
		if (unshare(CLONE_NEWPID) == 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pthread_mutex_lock(&s->mutex);
			(void)!write(locked[1], "", 1);
			for (;;)
				pause();
		}
		close(locked[1]);
		for (;;)
			pause();
	}
	close(locked[1]);
	bool has = read(locked[0], &byte, 1) == 1;

	if (has) {
		if (blocks(&v))
			exit(pthread_mutex_lock(&s->mutex));
		look_until(&v, SYS_futex);
		for (uint32_t i = 0; i < v.s->n_processes; i++)
			if (v.s->processes[i].task.ppid == owner.pid)
				assert_owned(&v, VIA_FUTEX_MUTEX,
					     v.s->processes[i].task.pid);
		assert_int_equal(v.waits[0].op, VIA_OP_LOCK);
		assert_false(futex(&v)->owner_dead);
	}
	end(&v);
	end(&owner);
	close(locked[0]);
	unshare_it(s);
	if (!has)
		check_skip("needs a pid namespace");
}

/* A forked child has the lock as well, but not the thread that would let it
 * go. */
static void sees_a_lock_that_was_forked(void **state)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct victim v;

	(void)state;
	pthread_mutex_lock(&mutex);
	if (blocks(&v))
		exit(pthread_mutex_lock(&mutex));
	look_until(&v, SYS_futex);
	assert_int_equal(v.waits[0].op, VIA_OP_LOCK);
	assert_int_equal(v.waits[0].certainty, VIA_LIKELY);
	assert_true(futex(&v)->owner_dead);
	assert_true(object(&v, 0)->flags & VIA_OBJECT_PRIVATE);
	end(&v);
	pthread_mutex_unlock(&mutex);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_shared_mutexes),
	CHECK_TEST(sees_a_private_mutex),
	CHECK_TEST(sees_a_dead_owner),
	CHECK_TEST(sees_what_has_no_owner),
	CHECK_TEST(believes_no_garbage),
	CHECK_TEST(sees_words_at_once),
	CHECK_TEST(sees_via_mutexes),
	CHECK_TEST(sees_owners_of_another_namespace),
	CHECK_TEST(sees_an_owner_further_down),
	CHECK_TEST(sees_a_lock_that_was_forked),
};
CHECK_MAIN(tests)
