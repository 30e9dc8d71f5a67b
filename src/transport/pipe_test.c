/* SPDX-License-Identifier: MIT */
#include "transport/pipe.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transport/end_test.h"

extern const struct via__transport via__transport_pipe;

static int fd_of(struct via__end *end)
{
	return ((struct via__pipe *)end)->fd;
}

static bool blocks(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int dup_fd(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Send without waiting. */
static int try_send(struct via__end *end, const char *text)
{
	struct via__out out = {.data = text, .len = strlen(text)};

	return via__pipe_send(end, &out);
}

/* How many times the text goes in. */
static int fill(struct via__end *end, const char *text)
{
	int n = 0;

	while (try_send(end, text) == 0)
		n++;
	assert_int_equal(try_send(end, text), -EAGAIN);
	return n;
}

static int poll_sender(struct via__end *end)
{
	struct pollfd pfd;

	assert_int_equal(via__pipe_pollfd(end, VIA_SEND, &pfd), 0);
	assert_in_range(via__poll(&pfd, 1, VIA_NO_WAIT), 0, 1);
	return pfd.revents;
}

static int adopt(int fd, const char *options, unsigned int role,
		 struct via__end **ret, struct via_error *err)
{
	char url[64];

	(void)snprintf(url, sizeof(url), "pipe:?fd=%d%s", fd, options);
	return end_try(url, role, ret, err);
}

static struct via__end *must_adopt(int fd, const char *options,
				   unsigned int role)
{
	struct via_error err;
	struct via__end *end = NULL;

	if (adopt(fd, options, role, &end, &err))
		fail_msg("%s", err.text);
	return end;
}

static void close_pair(struct via__end *ends[2])
{
	end_close(ends[0]);
	end_close(ends[1]);
}

static void pair_talks(void **state)
{
	(void)state;
	struct via__end *ends[2];
	struct iovec batch[2] = {{(char *)"c", 1}, {(char *)"dd", 2}};

	end_pair("pipe:", ends);
	assert_int_equal(ends[0]->role, VIA_RECV);
	assert_int_equal(ends[1]->role, VIA_SEND);
	assert_int_equal(via__pipe_greet(ends[0]), 0);
	end_expect_quiet(ends[0]);
	assert_int_equal(end_send_text(ends[1], "hello"), 0);
	assert_int_equal(end_send_text(ends[1], ""), 0);
	assert_int_equal(via__pipe_send_batch(ends[1], batch, 2), 2);
	end_expect(ends[0], "hello");
	end_expect(ends[0], "");
	end_expect(ends[0], "c");
	end_expect(ends[0], "dd");
	end_expect_quiet(ends[0]);
	assert_int_equal(ends[0]->stats.joined, 1);
	end_close(ends[1]);
	end_expect_code(ends[0], -EPIPE);
	assert_int_equal(ends[0]->stats.left, 1);
	end_wait(ends[0], VIA_RECV);
	end_expect_code(ends[0], -EPIPE);
	end_close(ends[0]);
}

static void capacity(void **state)
{
	(void)state;
	struct via__end *ends[2];
	int fds[2];
	struct via_error err;

	end_pair("pipe:", ends);
	assert_int_equal(fcntl(fd_of(ends[1]), F_GETPIPE_SZ), VIA__PIPE_SIZE);
	close_pair(ends);
	end_pair("pipe:?size=8K", ends);
	assert_int_equal(fcntl(fd_of(ends[1]), F_GETPIPE_SZ), 8192);
	close_pair(ends);
	/* Not even root has a pipe of 2 GiB. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(via__pipe_resize(fds[0], INT_MAX, &err) < 0);
	assert_non_null(strstr(err.text, "pipe-max-size"));
	assert_int_equal(via__pipe_resize(fds[0], 0, &err), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void full_and_broken(void **state)
{
	(void)state;
	struct via__end *ends[2];

	end_pair("pipe:?size=4K", ends);
	assert_int_equal(fill(ends[1], "0123456789"), PIPE_BUF / 42);
	assert_int_equal(poll_sender(ends[1]), 0);
	end_expect(ends[0], "0123456789");
	assert_int_equal(poll_sender(ends[1]), POLLOUT);
	assert_int_equal(try_send(ends[1], "more"), 0);
	end_close(ends[0]);
	assert_int_equal(try_send(ends[1], "more"), -EPIPE);
	assert_non_null(strstr(ends[1]->error.text, "left"));
	end_close(ends[1]);
}

static void forked_senders_share(void **state)
{
	(void)state;
	struct via__end *ends[2];
	static char text[20001];
	pid_t pids[4];

	memset(text, 'x', sizeof(text) - 1);
	end_pair("pipe:", ends);
	assert_int_equal(end_send_text(ends[1], "parent"), 0);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i])
			_exit(via__pipe_forked(ends[1]) ||
			      end_send_text(ends[1], text) ||
			      end_send_text(ends[1], text));
	}
	end_close(ends[1]);
	end_expect(ends[0], "parent");
	for (int i = 0; i < 8; i++)
		end_expect(ends[0], text);
	end_expect_code(ends[0], -EPIPE);
	assert_int_equal(ends[0]->stats.joined, 5);
	assert_int_equal(ends[0]->stats.dropped, 0);
	end_close(ends[0]);
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static void receiver_forks_before_it_has_read(void **state)
{
	(void)state;
	struct via__end *ends[2];

	end_pair("pipe:", ends);
	assert_int_equal(end_send_text(ends[1], "a"), 0);
	assert_int_equal(via__pipe_forked(ends[0]), 0);
	end_expect(ends[0], "a");
	assert_int_equal(via__pipe_forked(ends[0]), -EPERM);
	close_pair(ends);
}

static void garbage_is_for_ever(void **state)
{
	(void)state;
	struct via__end *ends[2];
	char page[PIPE_BUF] = "GET / HTTP/1.0\r\n";

	end_pair("pipe:", ends);
	assert_int_equal(write(fd_of(ends[1]), page, sizeof(page)),
			 sizeof(page));
	end_expect_code(ends[0], -EPROTO);
	end_expect_code(ends[0], -EPROTO);
	assert_non_null(strstr(ends[0]->error.text, "does not speak via"));
	close_pair(ends);
}

/* --- Export and adoption --- */

static int export_end(struct via__end *end, char *url, size_t size)
{
	return via__transport_pipe.export_end(end, url, size);
}

static void exported_end_comes_back(void **state)
{
	(void)state;
	struct via__end *ends[2];
	char url[64];

	end_pair("pipe:", ends);
	assert_int_equal(export_end(ends[1], url, 10), -ENOSPC);
	assert_int_equal(fcntl(fd_of(ends[1]), F_GETFD), FD_CLOEXEC);
	assert_true(export_end(ends[1], url, sizeof(url)) > 0);
	assert_int_equal(fcntl(fd_of(ends[1]), F_GETFD), 0);
	assert_false(blocks(fd_of(ends[1])));
	struct via__end *again = end_open(url, VIA_SEND);

	((struct via__pipe *)ends[1])->fd = -1; /* has been adopted */
	end_close(ends[1]);
	assert_int_equal(fcntl(fd_of(again), F_GETFD), FD_CLOEXEC);
	assert_int_equal(again->max, 64 << 20);
	/* It says HELLO, to be seen before its first message. */
	end_expect_quiet(ends[0]);
	assert_int_equal(ends[0]->stats.joined, 1);
	assert_int_equal(end_send_text(again, "x"), 0);
	end_expect(ends[0], "x");
	end_close(again);
	end_expect_code(ends[0], -EPIPE);
	end_close(ends[0]);
}

static void raw_export_is_for_any_program(void **state)
{
	(void)state;
	struct via__end *ends[2];
	char url[64];

	end_pair("pipe:?raw&size=8K", ends);
	assert_true(export_end(ends[1], url, sizeof(url)) > 0);
	assert_non_null(strstr(url, "&raw"));
	assert_true(blocks(fd_of(ends[1])));
	/* Here it still does not block. */
	assert_in_range(fill(ends[1], "0123456789abcdef"), 1, 8192 / 16);
	close_pair(ends);
}

/* A blocking pipe whose description others use keeps its flags; what is ours
 * does not block. */
static void adopted_pipe_keeps_its_flags(void **state)
{
	(void)state;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	int shared = dup_fd(fds[0]);
	struct via__end *end = must_adopt(fds[0], "&raw", VIA_RECV);

	assert_true(blocks(shared));
	assert_false(blocks(fd_of(end)));
	assert_int_equal(via__pipe_greet(end), -EAGAIN);
	end_expect_quiet(end);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(via__pipe_greet(end), 0);
	end_expect(end, "abc");
	(void)close(fds[1]);
	end_expect_code(end, -EPIPE);
	(void)close(shared);
	end_close(end);
}

/* A pipe that we may not open again. */
static void adopted_pipe_of_somebody_else(void **state)
{
	(void)state;
	int fds[2];

	if (geteuid() != 0)
		check_skip("needs root, to give its rights away");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 8192), 8192);
	assert_int_equal(seteuid(65534), 0);
	struct via__end *receiver = must_adopt(fds[0], "", VIA_RECV);
	struct via__end *sender = must_adopt(fds[1], "", VIA_SEND);

	assert_int_equal(seteuid(0), 0);
	assert_true(blocks(fd_of(receiver)));
	assert_true(blocks(fd_of(sender)));
	end_expect_quiet(receiver);
	for (int n = fill(sender, "0123456789"); n; n--)
		end_expect(receiver, "0123456789");
	end_expect_quiet(receiver);
	end_close(sender);
	end_expect_code(receiver, -EPIPE);
	end_close(receiver);
}

static void adopted_standard_input_stays_open(void **state)
{
	(void)state;
	int fds[2], saved = dup_fd(STDIN_FILENO);

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	struct via__end *end = must_adopt(STDIN_FILENO, "&raw", VIA_RECV);

	assert_int_equal(write(fds[1], "abc", 3), 3);
	end_expect(end, "abc");
	end_close(end);
	assert_true(is_open(STDIN_FILENO));
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	(void)close(saved);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void adopted_file(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/via-pipe-test-XXXXXX",
		       tmp ? tmp : "/tmp");
	int fd = mkostemp(path, O_CLOEXEC);
	int again = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && again >= 0);
	(void)unlink(path);
	struct via__end *sender = must_adopt(fd, "&raw", VIA_SEND);
	struct via__end *receiver = must_adopt(again, "&raw", VIA_RECV);

	assert_int_equal(try_send(sender, "abc"), 0);
	end_expect(receiver, "abc");
	end_expect_code(receiver, -EPIPE);
	end_close(sender);
	end_close(receiver);
}

static void adopted_socket(void **state)
{
	(void)state;
	int fds[2];
	static char text[5001];

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	struct via__end *receiver = must_adopt(fds[0], "&raw", VIA_RECV);
	struct via__end *sender = must_adopt(fds[1], "&raw", VIA_SEND);
	struct via__in in = {0};
	size_t len = 0;

	end_expect_quiet(receiver);
	(void)fill(sender, text);
	end_close(sender);
	while (end_recv(receiver, &in) == 0)
		len += in.len;
	assert_true(len >= sizeof(text) - 1);
	end_expect_code(receiver, -EPIPE);
	end_close(receiver);
}

static void adopted_terminal(void **state)
{
	(void)state;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];

	assert_true(master >= 0);
	assert_int_equal(unlockpt(master), 0);
	assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	int shared = dup_fd(slave);
	struct via__end *end = must_adopt(slave, "&raw", VIA_RECV);

	assert_true(blocks(shared));
	end_expect_quiet(end);
	assert_int_equal(write(master, "line\n", 5), 5);
	end_expect(end, "line\n");
	end_close(end);
	(void)close(shared);
	(void)close(master);
}

static void what_cannot_be_adopted(void **state)
{
	(void)state;
	struct via_error err;
	struct via__end *end = NULL;
	int fds[2];

	assert_int_equal(end_try("pipe:", VIA_RECV, &end, &err), -EINVAL);
	assert_int_equal(end_try("pipe:x", VIA_RECV, &end, &err), -EINVAL);
	assert_int_equal(adopt(987654, "", VIA_RECV, &end, &err), -EBADF);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(adopt(fds[0], "", VIA_SEND, &end, &err), -EBADF);
	assert_non_null(strstr(err.text, "writing"));
	assert_true(is_open(fds[0]));
	assert_null(end);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(pair_talks),
	CHECK_TEST(capacity),
	CHECK_TEST(full_and_broken),
	CHECK_TEST(forked_senders_share),
	CHECK_TEST(receiver_forks_before_it_has_read),
	CHECK_TEST(garbage_is_for_ever),
	CHECK_TEST(exported_end_comes_back),
	CHECK_TEST(raw_export_is_for_any_program),
	CHECK_TEST(adopted_pipe_keeps_its_flags),
	CHECK_TEST(adopted_pipe_of_somebody_else),
	CHECK_TEST(adopted_standard_input_stays_open),
	CHECK_TEST(adopted_file),
	CHECK_TEST(adopted_socket),
	CHECK_TEST(adopted_terminal),
	CHECK_TEST(what_cannot_be_adopted),
};
CHECK_MAIN(tests)
