/* SPDX-License-Identifier: MIT */
/*
 * What a program in the kernel tells of processes that hide their mappings. Who
 * looks may give programs to the kernel (CAP_BPF, CAP_PERFMON), and that is all.
 */
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "inspect/collect/look_test.h"

#define NOBODY 65534

/* --- Who is whom --- */

static bool set_caps(uint32_t high)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2] = {{0}, {high, high, 0}};

	return syscall(SYS_capset, &head, caps) == 0;
}

/* Nobody, with these of the capabilities from 32 on, to be looked into by its
 * like. */
static bool become_nobody(uint32_t high)
{
	return prctl(PR_SET_KEEPCAPS, 1) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	       setresuid(NOBODY, NOBODY, NOBODY) == 0 && set_caps(high) &&
	       prctl(PR_SET_DUMPABLE, 1) == 0;
}

/* --- Two that lock each other out --- */

struct shared {
	pthread_barrier_t both;
	pthread_mutex_t locks[2];
};

static struct shared *share(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t barrier;
	pthread_mutexattr_t mutex;

	assert_ptr_not_equal(s, MAP_FAILED);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&s->both, &barrier, 2);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	for (int i = 0; i < 2; i++)
		pthread_mutex_init(&s->locks[i], &mutex);
	return s;
}

static pid_t start_locker(struct shared *s, int first)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (!become_nobody(0))
			_exit(1);
		pthread_mutex_lock(&s->locks[first]);
		pthread_barrier_wait(&s->both);
		pthread_mutex_lock(&s->locks[!first]);
		_exit(1);
	}
	assert_true(pid > 0);
	return pid;
}

/* --- Who looks --- */

#define CANNOT 77

struct looked {
	struct via_snapshot *s;
	struct via_diagnosis *d;
};

/* 0, CANNOT, 1. */
static int look_through(enum via_source source, struct looked *ret)
{
	const struct via_look l = {
		.want = VIA_WANT_ALL & ~(uint32_t)VIA_WANT_ALL_MAPS,
		.source = source,
	};
	int err = via_snapshot_take(&l, &ret->s, NULL);

	if (err == -EOPNOTSUPP)
		return CANNOT;
	SHOULD(err == 0);
	SHOULD(via_snapshot_look_again(ret->s) == 0);
	SHOULD(via_diagnose(ret->s, &ret->d) == 0);
	return 0;
}

static void forget(struct looked *l)
{
	via_diagnosis_free(l->d);
	via_snapshot_free(l->s);
	*l = (struct looked){0};
}

static const struct via_verdict_of *verdict_of(const struct looked *l,
					       pid_t pid)
{
	uint32_t process = via_snapshot_process(l->s, pid);

	return &l->d->verdicts[l->s->processes[process].first_thread];
}

/* What both wait for, when both do. */
static int until_locked(enum via_source source, const pid_t *lockers,
			struct looked *ret)
{
	for (;;) {
		int err = look_through(source, ret);

		if (err || verdict_of(ret, lockers[0])->verdict ==
				   VIA_VERDICT_DEADLOCK)
			return err;
		forget(ret);
	}
}

static const struct via_holding *mapping_of(const struct via_snapshot *s,
					    uint32_t process, const void *at)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_holds; i++) {
		const struct via_holding *h = &s->holds[p->first_hold + i];

		if (h->how == VIA_HOLDS_MAP && h->start == (uintptr_t)at)
			return h;
	}
	return NULL;
}

/* Whether no other process of this machine keeps anything from whoever may not
 * do more. */
static bool is_whole(const struct via_sight *sight)
{
	return sight->init_ns && !sight->n_hidden_maps &&
	       !sight->n_hidden_fds && !sight->n_in_flight;
}

static int told(const struct looked *l, const void *at, pid_t hidden,
		const pid_t *lockers)
{
	const struct via_snapshot *s = l->s;
	uint32_t process = via_snapshot_process(s, hidden);

	SHOULD(process != VIA_NONE);
	SHOULD(!(s->processes[process].hidden & VIA_HIDDEN_MAPS));
	SHOULD(s->processes[process].hidden & VIA_HIDDEN_WAITS);
	const struct via_holding *h = mapping_of(s, process, at);

	SHOULD(h && h->flags & VIA_HOLD_SHARED);
	/* Two that lock, one that hides, its parent, and who looks. */
	SHOULD(s->objects[h->object].n_users == 5);
	for (int i = 0; i < 2; i++) {
		const struct via_verdict_of *v = verdict_of(l, lockers[i]);

		SHOULD(v->verdict == VIA_VERDICT_DEADLOCK);
		SHOULD(v->certainty ==
		       (is_whole(&s->sight) ? VIA_EXACT : VIA_LIKELY));
	}
	SHOULD(!is_whole(&s->sight) ||
	       s->objects[h->object].seen == VIA_SEEN_ALL);
	return 0;
}

static int untold(const struct looked *l, const void *at, pid_t hidden,
		  uint32_t n_hidden)
{
	const struct via_snapshot *s = l->s;
	uint32_t process = via_snapshot_process(s, hidden);

	SHOULD(process != VIA_NONE);
	SHOULD(s->processes[process].hidden & VIA_HIDDEN_MAPS);
	SHOULD(!mapping_of(s, process, at));
	SHOULD(s->sight.n_hidden_maps > n_hidden);
	return 0;
}

/* However few descriptors there are: /proc tells nobody. */
static int is_quickest(void)
{
	const struct via_look l = {.want = VIA_WANT_FDS,
				   .source_any = VIA_ANY_QUICKEST};
	struct via_snapshot *s;

	SHOULD(via_snapshot_take(&l, &s, NULL) == 0);
	bool bpf = s->sight.source == VIA_SOURCE_BPF;

	via_snapshot_free(s);
	SHOULD(bpf);
	return 0;
}

static int compare(const void *at, pid_t hidden, const pid_t *lockers)
{
	struct looked bpf = {0}, proc = {0};

	SHOULD(become_nobody(CAP_TO_MASK(CAP_BPF) | CAP_TO_MASK(CAP_PERFMON)));
	int err = until_locked(VIA_SOURCE_BPF, lockers, &bpf);

	err = err ? err : told(&bpf, at, hidden, lockers);
	err = err ? err : is_quickest();
	/* Newer kernels let CAP_PERFMON alone read them in /proc. */
	SHOULD(set_caps(0));
	err = err ? err : look_through(VIA_SOURCE_PROC, &proc);
	err = err ? err : untold(&proc, at, hidden, bpf.s->sight.n_hidden_maps);
	forget(&bpf);
	forget(&proc);
	return err;
}

static void holders_are_all_seen(void **state)
{
	int status;

	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to be somebody else");
	struct shared *s = share();
	pid_t hidden = start_sleeper();
	pid_t lockers[2] = {start_locker(s, 0), start_locker(s, 1)};
	pid_t looks = fork();

	if (looks == 0)
		_exit(compare(s, hidden, lockers));
	assert_int_equal(waitpid(looks, &status, 0), looks);
	for (int i = 0; i < 2; i++)
		end(lockers[i]);
	end(hidden);
	munmap(s, sizeof(*s));
	if (WEXITSTATUS(status) == CANNOT)
		check_skip("needs programs in the kernel, by CAP_BPF and "
			   "CAP_PERFMON alone");
	assert_int_equal(status, 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(holders_are_all_seen),
};
CHECK_MAIN(tests)
