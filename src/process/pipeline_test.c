/* SPDX-License-Identifier: MIT */
/* Pipelines: what passes through them, how they end, what they leave. */
#include <via/pipeline.h>

#include "process/process_test.h"

#define STAGES_MAX 4

static struct via_pipeline *open_pipeline(const struct via_program *stages,
					  unsigned int n,
					  struct via_channel *in,
					  struct via_channel *out)
{
	struct via_pipeline *p = NULL;
	struct via_error err = {0};

	if (via_pipeline_open(stages, n, in, out, &p, &err))
		print_error("%s\n", err.text);
	assert_non_null(p);
	return p;
}

static void finish(struct via_pipeline *p)
{
	struct via_error err = {0};

	if (via_pipeline_wait(p, SOON, &err))
		print_error("%s\n", err.text);
	assert_int_equal(err.code, 0);
}

/* Statuses as bash has them in PIPESTATUS and with pipefail. */
static void statuses(void **state)
{
	(void)state;
	static const struct {
		const char *shell[STAGES_MAX];
		int status[STAGES_MAX], all;
	} rows[] = {
		{{"exit 0"}, {0}, 0},
		{{"exit 3"}, {3}, 3},
		{{"echo a", "cat", "grep -q a"}, {0, 0, 0}, 0},
		{{"exit 1", "exit 2", "exit 0"}, {1, 2, 0}, 2},
		{{"exit 1", "kill -9 $$", "exit 0", "exit 0"},
		 {1, 137, 0, 0},
		 137},
		/* Cut off by a reader that has enough. */
		{{"yes", "head -n 1 >/dev/null"}, {141, 0}, 141},
		{{"yes", "cat", "true"}, {141, 141, 0}, 141},
		/* What does not read is not waited for. */
		{{"trap '' PIPE; while echo; do :; done 2>/dev/null", "exit 4"},
		 {0, 4},
		 4},
		{{"head -c 3000000 /dev/zero", "cat",
		  "wc -c | grep -qx "
		  "3000000"},
		 {0, 0, 0},
		 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via_program stages[STAGES_MAX] = {0};
		unsigned int n = 0;

		for (; n < STAGES_MAX && rows[i].shell[n]; n++)
			stages[n].shell = rows[i].shell[n];
		struct via_pipeline *p = open_pipeline(stages, n, NULL, NULL);

		finish(p);
		for (unsigned int j = 0; j < n; j++)
			assert_int_equal(
				via_exit_status(via_pipeline_ended(p, j)),
				rows[i].status[j]);
		assert_int_equal(via_pipeline_status(p), rows[i].all);
		assert_int_equal(via_pipeline_kill(p, 0), -ESRCH);
		via_pipeline_free(p);
	}
}

/* Its own descriptors hold over the pipes; others are not there. */
static void mapped_descriptors(void **state)
{
	(void)state;
	int ends[2];
	char text[64];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct via_program stages[] = {
		{.shell = "echo piped; echo mapped >&2",
		 .fds = (struct via_program_fd[]){{2, ends[1]}},
		 .n_fds = 1},
		{.shell = "cat; ls /proc/self/fd | wc -l",
		 .fds = (struct via_program_fd[]){{1, ends[1]}},
		 .n_fds = 1},
	};
	struct via_pipeline *p = open_pipeline(stages, 2, NULL, NULL);

	close(ends[1]);
	finish(p);
	read_all(ends[0], text, sizeof(text));
	/* 0, 1, 2, and that of the directory. */
	assert_string_equal(text, "mapped\npiped\n4\n");
	close(ends[0]);
	via_pipeline_free(p);
}

/* Until it is ended. */
#define STAYS "tail -f /dev/null"

/* One group, with the children of stages, which one signal ends. */
static void killed_as_a_whole(void **state)
{
	(void)state;
	int ends[2];
	char text[64];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct via_program stages[] = {
		{.shell = "exit 5"},
		{.shell = STAYS " & echo $$; wait",
		 .fds = (struct via_program_fd[]){{1, ends[1]}},
		 .n_fds = 1},
		{.shell = STAYS},
	};
	struct via_pipeline *p = open_pipeline(stages, 3, NULL, NULL);

	close(ends[1]);
	assert_true(via__read(ends[0], text, sizeof(text)) > 0);
	assert_int_equal(atoi(text), via_pipeline_pid(p, 1));
	/* The first stage lends its number though it has ended. */
	while (!via_pipeline_ended(p, 0))
		assert_int_equal(via_pipeline_wait(p, via_deadline(1000), NULL),
				 -ETIMEDOUT);
	assert_int_equal(kill(via_pipeline_pid(p, 0), 0), 0);
	assert_int_equal(getpgid(via_pipeline_pid(p, 2)),
			 via_pipeline_pid(p, 0));
	assert_int_equal(via_pipeline_status(p), -EAGAIN);
	assert_int_equal(via_pipeline_wait(p, VIA_NO_WAIT, NULL), -EAGAIN);

	struct pollfd pfd;

	via_pipeline_pollfd(p, &pfd);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(via_pipeline_kill(p, SIGTERM), 0);
	assert_int_equal(via__poll(&pfd, 1, SOON), 1);
	finish(p);
	assert_int_equal(via_exit_status(via_pipeline_ended(p, 0)), 5);
	assert_int_equal(via_exit_status(via_pipeline_ended(p, 1)), 143);
	assert_int_equal(via_exit_status(via_pipeline_ended(p, 2)), 143);
	/* The stage's child held this, too. */
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	via_pipeline_free(p);
}

static void freed_while_it_runs(void **state)
{
	(void)state;
	const struct via_program stages[] = {{.shell = STAYS},
					     {.shell = STAYS}};

	via_pipeline_free(open_pipeline(stages, 2, NULL, NULL));
	via_pipeline_free(NULL);
}

static void one_does_not_start(void **state)
{
	(void)state;
	const struct via_program stages[] = {{.shell = STAYS},
					     {.argv = ARGV("no-such-program")},
					     {.shell = STAYS}};
	const struct via_program session = {.shell = "true",
					    .flags = VIA_PROGRAM_SESSION};
	const struct via_program many = {.shell = "true", .n_fds = 63};
	struct via_pipeline *p = NULL;
	struct via_error err;

	assert_int_equal(via_pipeline_open(stages, 3, NULL, NULL, &p, &err),
			 -ENOENT);
	assert_string_equal(err.text,
			    "stage 2: exec no-such-program: not found");
	assert_int_equal(via_pipeline_open(stages, 0, NULL, NULL, &p, &err),
			 -EINVAL);
	assert_string_equal(err.text, "no program to run");
	assert_int_equal(via_pipeline_open(&session, 1, NULL, NULL, &p, &err),
			 -EINVAL);
	assert_string_equal(err.text, "stage 1: a new session has a group of "
				      "its own");
	assert_int_equal(via_pipeline_open(&many, 1, NULL, NULL, &p, &err),
			 -EINVAL);
	assert_string_equal(err.text, "stage 1: at most 62 descriptors");
	assert_null(p);
}

#define MESSAGES 3000

/* Send numbers, one per message, as far as that goes; then close. */
static struct via_channel *send_some(struct via_channel *to, int *sent)
{
	char number[16];

	while (*sent < MESSAGES) {
		int n = snprintf(number, sizeof(number), "%d\n", *sent);

		if (via_send(to, number, (size_t)n, VIA_NO_WAIT))
			return to;
		++*sent;
	}
	if (!to || via_flush(to, VIA_NO_WAIT))
		return to;
	assert_int_equal(via_close(to, VIA_NO_WAIT), 0);
	return NULL;
}

/* Append what has come. */
static void receive_some(struct via_channel *from, char *text, size_t size)
{
	size_t len = strlen(text);
	ssize_t n;

	while ((n = via_recv(from, text + len, size - len, VIA_NO_WAIT)) > 0)
		len += (size_t)n;
	text[len] = '\0';
}

/* All of it through the pipeline. Closes to. */
static void carry_numbers(struct via_pipeline *p, struct via_channel *to,
			  struct via_channel *from, char *text, size_t size)
{
	int sent = 0, r;

	*text = '\0';
	do {
		to = send_some(to, &sent);
		r = via_pipeline_wait(p, VIA_NO_WAIT, NULL);
		receive_some(from, text, size);
	} while (r == -EAGAIN);
	assert_int_equal(r, 0);
	assert_null(to);
}

/* Every mechanism that has pairs, at both ends. */
static void channels_at_the_ends(void **state)
{
	(void)state;
	static char text[MESSAGES * 16];
	const struct via_program stages[] = {{.shell = "cat"},
					     {.shell = "sort -rn"}};

	for (unsigned int i = 0; via_mechanism_at(i); i++) {
		const struct via_mechanism *m = via_mechanism_at(i);
		struct via_channel *in, *to, *from, *out;
		char url[64], line[16];

		if (!(m->abilities & VIA_CAN_PAIR))
			continue;
		snprintf(url, sizeof(url), "%s:", m->scheme);
		assert_int_equal(via_pair(url, &in, &to, NULL), 0);
		assert_int_equal(via_pair(url, &from, &out, NULL), 0);
		struct via_pipeline *p = open_pipeline(stages, 2, in, out);

		carry_numbers(p, to, from, text, sizeof(text) - 1);
		snprintf(line, sizeof(line), "%d\n", MESSAGES - 1);
		assert_int_equal(strncmp(text, line, strlen(line)), 0);
		const char *end = text;

		for (int lines = 0; lines < MESSAGES; lines++, end++) {
			assert_int_equal(atoi(end), MESSAGES - 1 - lines);
			end = strchr(end, '\n');
			assert_non_null(end);
		}
		assert_int_equal(*end, '\0');
		assert_int_equal(via_pipeline_status(p), 0);
		via_pipeline_free(p);
		via_close(in, VIA_NO_WAIT);
		via_close(out, VIA_NO_WAIT);
		via_close(from, VIA_NO_WAIT);
	}
}

/* Whoever leaves first, the pipeline comes to its end. */
static void one_side_leaves(void **state)
{
	(void)state;
	const struct via_program stages[] = {{.shell = "yes"}};
	const struct via_program reader[] = {{.shell = "head -c 2 >/dev/null"},
					     {.shell = STAYS}};
	struct via_channel *in, *to, *from, *out;

	/* The receiver of the output. */
	assert_int_equal(via_pair("pipe:", &from, &out, NULL), 0);
	struct via_pipeline *p = open_pipeline(stages, 1, NULL, out);

	via_close(from, VIA_NO_WAIT);
	finish(p);
	assert_int_equal(via_pipeline_status(p), 141);
	via_pipeline_free(p);
	via_close(out, VIA_NO_WAIT);

	/* The reader of the input: what comes then stays in the channel. */
	assert_int_equal(via_pair("pipe:", &in, &to, NULL), 0);
	p = open_pipeline(reader, 2, in, NULL);
	assert_int_equal(via_send(to, "ab", 2, SOON), 0);
	while (!via_pipeline_ended(p, 0))
		assert_int_equal(
			via_pipeline_wait(p, via_deadline(1000000), NULL),
			-ETIMEDOUT);
	assert_int_equal(via_send(to, "c", 1, SOON), 0);
	assert_int_equal(via_pipeline_wait(p, via_deadline(1000000), NULL),
			 -ETIMEDOUT);
	char text[4];

	assert_int_equal(via_recv(in, text, sizeof(text), SOON), 1);
	assert_int_equal(via_pipeline_kill(p, SIGTERM), 0);
	finish(p);
	via_pipeline_free(p);

	/* An end of the other direction. */
	struct via_error err;

	assert_int_equal(via_pipeline_open(reader, 2, to, NULL, &p, &err),
			 -EOPNOTSUPP);
	assert_int_equal(via_pipeline_open(reader, 2, NULL, in, &p, &err),
			 -EOPNOTSUPP);
	via_close(to, VIA_NO_WAIT);
	via_close(in, VIA_NO_WAIT);
}

/* The channel is full, and who wrote the pipe is gone: there is nothing to do
 * until the receiver reads. */
static void stuck_output_sleeps(void **state)
{
	(void)state;
	const struct via_program p1 = {.shell = "head -c 60000 /dev/zero"};
	struct via_channel *from, *out;
	static char buf[65536];
	struct pollfd pfd;
	size_t sent = 60000, len = 0;
	int r;

	assert_int_equal(via_pair("pipe:", &from, &out, NULL), 0);
	while (via_send(out, buf, 1000, VIA_NO_WAIT) == 0)
		sent += 1000;
	struct via_pipeline *p = open_pipeline(&p1, 1, NULL, out);

	via_pipeline_pollfd(p, &pfd);
	while (!via_pipeline_ended(p, 0) || poll(&pfd, 1, 0))
		assert_int_equal(
			via_pipeline_wait(p, via_deadline(1000000), NULL),
			-ETIMEDOUT);
	do {
		r = via_pipeline_wait(p, VIA_NO_WAIT, NULL);
		for (ssize_t n;
		     (n = via_recv(from, buf, sizeof(buf), VIA_NO_WAIT)) > 0;)
			len += (size_t)n;
	} while (r == -EAGAIN);
	assert_int_equal(r, 0);
	assert_int_equal(len, sent);
	via_pipeline_free(p);
	via_close(out, VIA_NO_WAIT);
	via_close(from, VIA_NO_WAIT);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(statuses),		CHECK_TEST(mapped_descriptors),
	CHECK_TEST(killed_as_a_whole),	CHECK_TEST(freed_while_it_runs),
	CHECK_TEST(one_does_not_start), CHECK_TEST(channels_at_the_ends),
	CHECK_TEST(one_side_leaves),	CHECK_TEST(stuck_output_sleeps),
};
CHECK_MAIN(tests)
