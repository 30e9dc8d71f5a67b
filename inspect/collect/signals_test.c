/* SPDX-License-Identifier: MIT */
#include "inspect/collect/signals.h"

#include <signal.h>

#include "inspect/collect/proc.h"
#include "tests/check.h"

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

#define TEXT                                                                   \
	"Name:\ta\\nSigPnd: 1\nUmask:\t0022\nUid:\t1000\t0\t0\t0\n%s"          \
	"SigQ:\t2/96365\nSigPnd:\t0000000000004000\nShdPnd:\t0000000000000200" \
	"\nSigBlk:\t0000001000004200\nSigIgn:\tffffffffffffffff\n"             \
	"SigCgt:\t8000000000000001\nCapInh:\t0000000000000001\n"

static void parses_the_fields(void **state)
{
	char text[1024];
	struct via_task_signals s;

	(void)state;
	snprintf(text, sizeof(text), TEXT, "");
	assert_int_equal(via__signals_parse(text, &s), 0);
	assert_true(s.pending == 0x4000);
	assert_true(s.shared == 0x200);
	assert_true(s.blocked == 0x1000004200);
	assert_true(s.ignored == UINT64_MAX);
	assert_true(s.caught == UINT64_C(0x8000000000000001));
	assert_int_equal(s.queued, 2);
	assert_int_equal(s.queue_max, 96365);
	assert_int_equal(s.uid, 1000);
}

static void reads_past_any_number_of_groups(void **state)
{
	static char groups[500000], text[sizeof(groups) + 1024];
	struct via_task_signals s;

	(void)state;
	memset(groups, '7', sizeof(groups));
	memcpy(groups, "Groups:\t", 8);
	groups[sizeof(groups) - 2] = '\n';
	groups[sizeof(groups) - 1] = '\0';
	snprintf(text, sizeof(text), TEXT, groups);
	assert_int_equal(via__signals_parse(text, &s), 0);
	assert_true(s.caught == UINT64_C(0x8000000000000001));
}

static void refuses_what_lacks_a_field(void **state)
{
	char text[1024];
	struct via_task_signals s;

	(void)state;
	for (char *line = text; line; line = strchr(line, '\n')) {
		snprintf(text, sizeof(text), TEXT, "");
		line += line > text;
		if (strncmp(line, "Sig", 3) == 0 ||
		    strncmp(line, "Shd", 3) == 0 ||
		    strncmp(line, "Uid", 3) == 0) {
			*line = 'x';
			assert_int_equal(via__signals_parse(text, &s), -EPROTO);
		}
	}
	assert_int_equal(via__signals_parse("\n", &s), -EPROTO);
}

static void sees_its_own(void **state)
{
	struct via_task_signals s;
	sigset_t set;
	int dir = via__proc_open(getpid());

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR1);
	kill(getpid(), SIGRTMAX);
	kill(getpid(), SIGRTMAX);
	assert_int_equal(via__signals_read(dir, &s), 0);
	assert_true(s.pending == BIT(SIGUSR1));
	assert_true(s.shared == BIT(SIGRTMAX));
	assert_true(s.blocked == (BIT(SIGUSR1) | BIT(SIGRTMAX)));
	assert_true(s.ignored & BIT(SIGUSR2));
	/* cmocka's. */
	assert_true(s.caught & BIT(SIGSEGV));
	assert_true(s.queued >= 3);
	assert_int_equal(s.uid, getuid());
	close(dir);
	for (int i = 0; i < 3; i++)
		sigwaitinfo(&set, NULL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR2, SIG_DFL);
}

static void tells_who_is_gone(void **state)
{
	struct via_task_signals s;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	int dir = via__proc_open(pid);

	waitpid(pid, NULL, 0);
	assert_int_equal(via__signals_read(dir, &s), -ESRCH);
	close(dir);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(parses_the_fields),
	CHECK_TEST(reads_past_any_number_of_groups),
	CHECK_TEST(refuses_what_lacks_a_field),
	CHECK_TEST(sees_its_own),
	CHECK_TEST(tells_who_is_gone),
};
CHECK_MAIN(tests)
