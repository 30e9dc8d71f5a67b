/* SPDX-License-Identifier: MIT */
/* The runner, with experiments that misbehave. */
#include "tests/check.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "lab/runner.h"

static struct lab_record *run(void (*function)(void), bool inverted)
{
	const struct lab_experiment e = {
		.id = "test.01", .run = function, .limit_s = 1};
	struct lab_record *r = lab_run(&e, inverted, -1);

	assert_non_null(r);
	return r;
}

static void assert_run(void (*function)(void), enum lab_verdict verdict,
		       const char *stopped)
{
	struct lab_record *r = run(function, false);

	assert_string_equal(r->stopped, stopped);
	assert_int_equal(lab_verdict(r), verdict);
	lab_record_free(r);
}

static void assert_vacuity(void (*function)(void), const char *fault)
{
	struct lab_record *r = run(function, true);
	const char *found = lab_vacuity(r);

	if (fault)
		assert_string_equal(found, fault);
	else
		assert_null(found);
	lab_record_free(r);
}

/* --- Verdicts --- */

static void as_expected(void)
{
	EXPECT(CALL(getpid), >, 1);
}

static void not_as_expected(void)
{
	EXPECT(CALL(getpid), ==, 1);
}

static void expects_nothing(void)
{
	CALL(getpid);
}

static void expects_blindly(void)
{
	EXPECT(getpid(), >, 1);
}

static void cannot_be_made(void)
{
	SKIP("needs %s", "a miracle");
}

static void cannot_go_on(void)
{
	EXPECT(CALL(getpid), >, 1);
	MUST(open, "/nowhere/at/all", O_RDONLY);
}

static void is_right_in_a_child(void)
{
	CHILD(worker) {
		GIVES(-1, close, -1);
		FAILS(EBADF, close, -1);
	}
	lab_wait(worker);
}

static void judges(void **state)
{
	(void)state;
	assert_run(as_expected, LAB_HOLDS, "");
	assert_run(is_right_in_a_child, LAB_HOLDS, "");
	assert_run(not_as_expected, LAB_DIFFERS, "");
	assert_run(expects_nothing, LAB_DIFFERS, "");
	assert_run(cannot_be_made, LAB_SKIPPED, "");
	assert_run(cannot_go_on, LAB_DIFFERS,
		   "open: No such file or directory");
}

static void finds_the_vacuous(void **state)
{
	(void)state;
	assert_vacuity(as_expected, NULL);
	assert_vacuity(is_right_in_a_child, NULL);
	assert_vacuity(expects_nothing, "expects nothing");
	assert_vacuity(not_as_expected, "expects what cannot fail");
	assert_vacuity(expects_blindly,
		       "expects before it has called anything");
	assert_vacuity(cannot_go_on, "open: No such file or directory");
}

/* --- Bad ends --- */

static void never_ends(void)
{
	EXPECT(CALL(getpid), >, 1);
	for (;;)
		pause();
}

static void dies(void)
{
	EXPECT(CALL(getpid), >, 1);
	raise(SIGSEGV);
}

static void exits(void)
{
	EXPECT(CALL(getpid), >, 1);
	_exit(7);
}

static void notices_bad_ends(void **state)
{
	(void)state;
	assert_run(never_ends, LAB_DIFFERS, "no end after 1 s");
	assert_run(dies, LAB_DIFFERS, "killed by SIGSEGV");
	assert_run(exits, LAB_DIFFERS, "exited with status 7");
}

/* --- Leaving things --- */

static void leaves_a_daemon(void)
{
	as_expected();
	CHILD(daemon) {
		signal(SIGTERM, SIG_IGN);
		setsid();
		CHILD(grandchild) {
			setsid();
			lab_post(&lab_cell[0], getpid());
			for (;;)
				pause();
		}
	}
	lab_wait(daemon);
	while (!lab_cell[0])
		sched_yield();
}

static void ends_daemons(void **state)
{
	struct lab_record *r = run(leaves_a_daemon, false);

	(void)state;
	assert_int_equal(lab_verdict(r), LAB_HOLDS);
	assert_int_not_equal(r->cells[0], 0);
	assert_int_equal(kill((pid_t)r->cells[0], 0), -1);
	assert_int_equal(errno, ESRCH);
	lab_record_free(r);
}

static void leaves_objects(void)
{
	int id = MUST(shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	MUST(shm_open, lab_name(1), O_CREAT | O_RDWR, 0600);
	MUST(mkdir, "a", 0700);
	MUST(open, "a/file", O_CREAT | O_WRONLY, 0600);
	EXPECT(id, >=, 0);
	lab_cell[0] = id;
	raise(SIGKILL);
}

static void removes_objects(void **state)
{
	struct lab_record *r = run(leaves_objects, false);
	struct shmid_ds ds;
	char name[64];

	(void)state;
	assert_string_equal(r->stopped, "killed by SIGKILL");
	assert_int_equal(r->n_claims, 1);
	assert_int_equal(shmctl((int)r->cells[0], IPC_STAT, &ds), -1);
	snprintf(name, sizeof(name), LAB_NAME_FORMAT, r->keeper, 1);
	assert_int_equal(shm_unlink(name), -1);
	assert_int_equal(access(r->directory, F_OK), -1);
	lab_record_free(r);
}

/* --- Calls --- */

static void calls_variously(void)
{
	char buf[4] = "";
	int fd = -1;

	for (int i = 0; i < 3; i++)
		CALL(close, fd);
	CALL(open, "a,b)\"", O_RDONLY | O_CLOEXEC);
	CALL(read, fd, buf, sizeof(buf));
	CHILD(sleeper) {
		CALL(pause);
	}
	EXPECT(lab_blocked(sleeper, -1), ==, true);
	lab_kill(sleeper);
}

static void keeps_calls(void **state)
{
	static const struct {
		const char *text;
		unsigned int times;
	} expected[] = {
		{"close(fd=-1) = -1 EBADF", 3},
		{"open(\"a,b)\\\"\", O_RDONLY | O_CLOEXEC) = -1 ENOENT", 1},
		{"read(fd=-1, buf, sizeof(buf)=4) = -1 EBADF", 1},
	};
	struct lab_record *r = run(calls_variously, false);

	(void)state;
	assert_int_equal(r->n_calls, 5);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		assert_string_equal(r->calls[i].text, expected[i].text);
		assert_int_equal(r->calls[i].times, expected[i].times);
	}
	assert_memory_equal(r->calls[3].text, "fork() = ", 9);
	assert_string_equal(r->calls[4].who, "sleeper");
	assert_string_equal(r->calls[4].text, "pause()");
	assert_int_equal(r->calls[4].state, LAB_CALL_BEGUN);
	lab_record_free(r);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(judges),	      CHECK_TEST(finds_the_vacuous),
	CHECK_TEST(notices_bad_ends), CHECK_TEST(ends_daemons),
	CHECK_TEST(removes_objects),  CHECK_TEST(keeps_calls),
};
CHECK_MAIN(tests)
