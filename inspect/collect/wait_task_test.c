/* SPDX-License-Identifier: MIT */
/* Waits for processes, threads, signals and times. */
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "inspect/collect/call.h"
#include "inspect/collect/waits_test.h"

#define S INT64_C(1000000000)

/* A process below the victim that does nothing; its pid. */
static pid_t a_child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	return pid;
}

/* The wait of the victim for this process. */
static const struct via_wait *wait_for(struct victim *v, pid_t pid)
{
	uint32_t process = via_snapshot_process(v->s, pid);

	for (uint32_t i = 0; i < v->t->n_waits; i++)
		if (v->waits[i].on_process == process && process != VIA_NONE)
			return &v->waits[i];
	return NULL;
}

/* Its children, in the order of their pids. */
static uint32_t children(struct victim *v, pid_t pids[2])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->s->n_processes; i++)
		if (v->s->processes[i].task.ppid == v->pid && n < 2)
			pids[n++] = v->s->processes[i].task.pid;
	return n;
}

static void sees_wait(void **state)
{
	struct victim v;
	pid_t pids[2];

	(void)state;
	if (blocks(&v)) {
		a_child();
		a_child();
		exit(wait(NULL));
	}
	look_until(&v, SYS_wait4);
	assert_int_equal(children(&v, pids), 2);
	assert_int_equal(v.t->n_waits, 2);
	for (int i = 0; i < 2; i++) {
		assert_non_null(wait_for(&v, pids[i]));
		assert_int_equal(wait_for(&v, pids[i])->op, VIA_OP_CHILD);
		assert_int_equal(wait_for(&v, pids[i])->certainty, VIA_EXACT);
	}
	end(&v);
}

/* Its second child alone, by each way to say so. */
static void sees_which_child(void **state)
{
	struct victim v;
	pid_t pids[2];

	(void)state;
	for (int way = 0; way < 4; way++) {
		if (blocks(&v)) {
			siginfo_t info;

			a_child();
			pid_t pid = a_child();

			setpgid(pid, pid);
			switch (way) {
			case 0:
				exit(waitpid(pid, NULL, 0));
			case 1:
				exit(waitpid(-pid, NULL, 0));
			case 2:
				exit(waitid(P_PID, (id_t)pid, &info, WEXITED));
			case 3:
				exit(waitid(
					P_PIDFD,
					(id_t)syscall(SYS_pidfd_open, pid, 0),
					&info, WEXITED));
			}
		}
		look_until(&v, way < 2 ? SYS_wait4 : SYS_waitid);
		assert_int_equal(children(&v, pids), 2);
		assert_int_equal(v.t->n_waits, 1);
		assert_int_equal(v.waits[0].op, VIA_OP_CHILD);
		assert_ptr_equal(wait_for(&v, pids[1]), &v.waits[0]);
		end(&v);
	}
}

static void sees_vfork(void **state)
{
	struct victim v;
	pid_t pids[2];

	(void)state;
	if (blocks(&v)) {
		pid_t pid = vfork();

		if (pid == 0)
			for (;;)
				syscall(SYS_ppoll, NULL, 0, NULL, NULL, 8);
		exit(0);
	}
	do {
		look_at(&v, v.pid, v.pid);
		assert_non_null(v.t);
	} while (v.t->state != 'D' || !v.t->n_waits);
	assert_int_equal(children(&v, pids), 1);
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].op, VIA_OP_CHILD);
	assert_ptr_equal(wait_for(&v, pids[0]), &v.waits[0]);
	kill(pids[0], SIGKILL);
	end(&v);
}

static void *waits_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void sees_join(void **state)
{
	struct victim v;

	(void)state;
	if (blocks(&v)) {
		pthread_t thread;

		pthread_create(&thread, NULL, waits_for_ever, NULL);
		pthread_join(thread, NULL);
		exit(0);
	}
	look_until(&v, SYS_futex);
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].op, VIA_OP_JOIN);
	assert_int_equal(v.waits[0].on_process, v.process);
	assert_int_equal(v.waits[0].certainty, VIA_EXACT);

	const struct via_thread *other = &v.s->threads[v.waits[0].on_thread];

	assert_int_equal(other->process, v.process);
	assert_int_not_equal(other->tid, v.pid);
	end(&v);
}

/* --- Stopped --- */

static void sees_stops(void **state)
{
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit(raise(SIGSTOP));
	do {
		look_at(&v, v.pid, v.pid);
		assert_non_null(v.t);
	} while (v.t->state != 'T');
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].op, VIA_OP_SIGNAL);
	end(&v);
}

static void sees_who_traces(void **state)
{
	struct victim v;

	(void)state;
	if (blocks(&v)) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		exit(raise(SIGUSR1));
	}
	do {
		look_at(&v, v.pid, v.pid);
		assert_non_null(v.t);
	} while (v.t->state != 't');
	assert_int_equal(v.waits[0].op, VIA_OP_EVENT);
	assert_int_equal(v.waits[0].on_process,
			 via_snapshot_process(v.s, getpid()));
	end(&v);
}

/* --- Signals and times --- */

static void sees_signals_waited_for(void **state)
{
	sigset_t set;
	struct timespec hour = {.tv_sec = 3600};
	struct victim v;

	(void)state;
	sigemptyset(&set);
	if (blocks(&v))
		exit(sigsuspend(&set));
	look_until(&v, SYS_rt_sigsuspend);
	wait_on(&v, VIA_OP_SIGNAL, VIA_NONE);
	end(&v);
	sigaddset(&set, SIGUSR1);
	if (blocks(&v))
		exit(sigtimedwait(&set, NULL, &hour));
	look_until(&v, SYS_rt_sigtimedwait);
	wait_on(&v, VIA_OP_SIGNAL, VIA_NONE);
	assert_true(v.waits[0].left_ns == 3600 * S);
	end(&v);
#ifdef SYS_pause
	if (blocks(&v))
		exit((int)syscall(SYS_pause));
	look_until(&v, SYS_pause);
	wait_on(&v, VIA_OP_SIGNAL, VIA_NONE);
	assert_true(v.waits[0].left_ns == -1);
	end(&v);
#endif
}

static void sees_sleep(void **state)
{
	struct timespec hour = {.tv_sec = 3600}, at;
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)syscall(SYS_nanosleep, &hour, NULL));
	look_until(&v, SYS_nanosleep);
	wait_on(&v, VIA_OP_TIME, VIA_NONE);
	assert_true(v.waits[0].left_ns == 3600 * S);
	end(&v);
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += 3600;
	if (blocks(&v))
		exit(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at,
				     NULL));
	look_until(&v, SYS_clock_nanosleep);
	wait_on(&v, VIA_OP_TIME, VIA_NONE);
	assert_in_range(v.waits[0].left_ns, 3500 * S, 3601 * S);
	end(&v);
}

/* --- Calls that go on after SIGSTOP --- */

static void stop_and_continue(struct victim *v)
{
	kill(v->pid, SIGSTOP);
	waitpid(v->pid, NULL, WUNTRACED);
	kill(v->pid, SIGCONT);
	look_until(v, SYS_restart_syscall);
}

static void sees_calls_that_go_on(void **state)
{
	struct timespec hour = {.tv_sec = 3600};
	struct pollfd fds = {-1, POLLIN, 0};
	uint32_t word = 0;
	struct victim v;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	fds.fd = p[0];
	if (blocks(&v))
		exit(poll(&fds, 1, -1));
#ifdef SYS_poll
	look_until(&v, SYS_poll);
	stop_and_continue(&v);
	assert_waits(&v, VIA_OP_READ, p[0]);
#endif
	end(&v);
	if (blocks(&v))
		exit((int)syscall(SYS_nanosleep, &hour, NULL));
	look_until(&v, SYS_nanosleep);
	stop_and_continue(&v);
	wait_on(&v, VIA_OP_TIME, VIA_NONE);
	assert_true(v.waits[0].left_ns == 3600 * S);
	end(&v);
	if (blocks(&v))
		exit(clock_nanosleep(CLOCK_REALTIME, 0, &hour, NULL));
	look_until(&v, SYS_clock_nanosleep);
	stop_and_continue(&v);
	wait_on(&v, VIA_OP_TIME, VIA_NONE);
	assert_true(v.waits[0].left_ns == 3600 * S);
	end(&v);
	if (blocks(&v))
		exit((int)syscall(SYS_futex, &word, FUTEX_WAIT, 0, &hour));
	look_until(&v, SYS_futex);
	stop_and_continue(&v);
	assert_int_equal(v.waits[0].op, VIA_OP_WAKE);
	assert_int_equal(object(&v, 0)->kind, VIA_KIND_FUTEX);
	end(&v);
	close(p[0]);
	close(p[1]);
}

static void knows_calls_by_number(void **state)
{
	(void)state;
	assert_int_equal(via__call_of(SYS_read)->op, VIA_OP_READ);
	assert_int_equal(via__call_of(SYS_sendfile)->from, 1);
	assert_null(via__call_of(SYS_getpid));
	assert_null(via__call_of(-1));
	assert_int_equal(
		via__call_restarted("poll_schedule_timeout.constprop.0")->what,
		VIA__CALL_POLL);
	assert_int_equal(via__call_restarted("do_syscall_64")->op, VIA_OP_TIME);
	assert_null(via__call_restarted(""));
}

static void knows_whose_numbers_they_are(void **state)
{
	static const uint32_t other[] = {32, 0xf7f00000, 33, 0xf7f01000};
	static const uint64_t own[] = {33, 0x7fff12340000, 0, 0};

	(void)state;
	assert_true(via__call_native(own, sizeof(own)));
	assert_false(via__call_native(other, sizeof(other)));
	assert_true(via__call_native(NULL, 0));
}

/* Of another user's process the kernel says that it sleeps, and no more. */
static void admits_what_is_hidden(void **state)
{
	struct victim v;

	(void)state;
	if (getuid() != 0)
		check_skip("needs root, to become another user");
	if (blocks(&v))
		for (;;)
			pause();
	assert_int_equal(seteuid(65534), 0);
	do
		look_at(&v, v.pid, v.pid);
	while (!v.t || v.t->state != 'S');
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(v.t->call.nr, VIA_SYSCALL_UNKNOWN);
	assert_int_equal(v.t->n_waits, 1);
	assert_int_equal(v.waits[0].op, VIA_OP_UNKNOWN);
	assert_int_equal(v.waits[0].certainty, VIA_GUESS);
	assert_true(v.s->processes[v.process].hidden & VIA_HIDDEN_WAITS);
	end(&v);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_wait),
	CHECK_TEST(sees_which_child),
	CHECK_TEST(sees_vfork),
	CHECK_TEST(sees_join),
	CHECK_TEST(sees_stops),
	CHECK_TEST(sees_who_traces),
	CHECK_TEST(sees_signals_waited_for),
	CHECK_TEST(sees_sleep),
	CHECK_TEST(sees_calls_that_go_on),
	CHECK_TEST(knows_calls_by_number),
	CHECK_TEST(knows_whose_numbers_they_are),
	CHECK_TEST(admits_what_is_hidden),
};
CHECK_MAIN(tests)
