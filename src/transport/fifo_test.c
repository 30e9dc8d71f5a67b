/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "transport/end_test.h"
#include "transport/pipe.h"

/* A directory of this test's own; everything in it is named f or g. */
static struct {
	char dir[256];
	char path[300];
	char other[300];
	char url[400];
} at;

static const char *fifo_url(const char *options)
{
	(void)snprintf(at.url, sizeof(at.url), "fifo:%s%s", at.path, options);
	return at.url;
}

static int before(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(at.dir, sizeof(at.dir), "%s/via-fifo-test-XXXXXX",
		       tmp ? tmp : "/tmp");
	if (!mkdtemp(at.dir))
		return -1;
	(void)snprintf(at.path, sizeof(at.path), "%s/f", at.dir);
	(void)snprintf(at.other, sizeof(at.other), "%s/g", at.dir);
	return check_before(state);
}

static int after(void **state)
{
	(void)unlink(at.path);
	(void)unlink(at.other);
	(void)rmdir(at.dir);
	return check_after(state);
}

static struct via__end *receiver(void)
{
	return end_open(fifo_url(""), VIA_RECV);
}

static struct via__end *sender(void)
{
	return end_sender(fifo_url(""));
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode;
}

static void sender_finds_receiver(void **state)
{
	(void)state;
	struct via__end *recv = receiver();

	assert_int_equal(mode_of(at.path), S_IFIFO | 0600);
	end_expect_quiet(recv);
	struct via__end *send = sender();

	assert_int_equal(end_greet(recv), 0);
	end_expect_quiet(recv);
	assert_int_equal(end_greet(recv), 0);
	assert_int_equal(end_send_text(send, "hello"), 0);
	end_expect(recv, "hello");
	assert_int_equal(recv->stats.joined, 1);
	end_close(send);
	end_close(recv);
	assert_int_equal(mode_of(at.path), S_IFIFO | 0600);
}

static void sender_comes_first(void **state)
{
	(void)state;
	struct via__end *send = end_open(fifo_url(""), VIA_SEND);

	assert_int_equal(send->transport->connect(send), -EAGAIN);
	assert_int_equal(mkfifo(at.path, 0600), 0);
	assert_int_equal(send->transport->connect(send), -EAGAIN);
	assert_non_null(strstr(send->error.text, "nobody is receiving"));
	struct via__end *recv = receiver();

	assert_int_equal(end_connect(send), 0);
	assert_int_equal(end_send_text(send, "hello"), 0);
	end_expect(recv, "hello");
	end_close(send);
	end_close(recv);
}

/* Said once each time, and quiet then. */
static void stream_ends_again_and_again(void **state)
{
	(void)state;
	struct via__end *recv = receiver();

	for (int i = 0; i < 3; i++) {
		struct via__end *first = sender();
		struct via__end *second = sender();

		assert_int_equal(end_send_text(first, "a"), 0);
		end_close(first);
		end_expect(recv, "a");
		end_expect_quiet(recv);
		end_close(second);
		end_expect_code(recv, -EPIPE);
		end_expect_quiet(recv);
		assert_int_equal(recv->transport->greet(recv), -EAGAIN);
		end_expect_quiet(recv);
	}
	assert_int_equal(recv->stats.joined, 6);
	assert_int_equal(recv->stats.left, 6);
	end_close(recv);
}

/* It comes after the end was told and is gone before the receiver looks: the
 * fresh description has never seen a writer. */
static void sender_between_two_looks(void **state)
{
	(void)state;
	struct via__end *recv = receiver();

	for (int i = 0; i < 3; i++) {
		struct via__end *send = sender();

		assert_int_equal(end_send_text(send, "a"), 0);
		end_close(send);
		end_expect(recv, "a");
		end_expect_code(recv, -EPIPE);
	}
	end_expect_quiet(recv);
	end_close(recv);
}

static void silent_sender_ends_the_stream_too(void **state)
{
	(void)state;
	struct via__end *recv = end_open(fifo_url("?raw"), VIA_RECV);
	int fd = open(at.path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	assert_true(fd >= 0);
	end_expect_quiet(recv);
	(void)close(fd);
	end_expect_code(recv, -EPIPE);
	end_expect_quiet(recv);
	end_close(recv);
}

static void name_is_taken(void **state)
{
	(void)state;
	struct via_error err;
	struct via__end *recv = receiver(), *other = NULL;

	assert_int_equal(end_try(fifo_url(""), VIA_RECV, &other, &err),
			 -EADDRINUSE);
	assert_non_null(strstr(err.text, at.path));
	/* The one who has it is not disturbed. */
	struct via__end *send = sender();

	assert_int_equal(end_send_text(send, "a"), 0);
	end_expect(recv, "a");
	end_close(recv);
	recv = receiver();
	end_close(send);
	end_close(recv);
}

static void name_of_the_killed_is_free(void **state)
{
	(void)state;
	int ready[2];
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct via__end *recv = NULL;
		struct via_error err;

		if (end_try(fifo_url(""), VIA_RECV, &recv, &err) == 0)
			(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct via__end *send = sender();

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(end_send_text(send, "a"), -EPIPE);
	end_close(send);
	struct via__end *recv = receiver();

	end_expect_quiet(recv);
	end_close(recv);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void killed_sender_leaves_nothing(void **state)
{
	(void)state;
	static char text[1u << 20];
	struct via__out out = {.data = text, .len = sizeof(text)};
	struct via__end *recv = receiver();
	int ready[2];
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct via__end *send = sender();

		/* The FIFO is full in the middle of it. */
		if (send->transport->send(send, &out) == -EAGAIN && out.begun)
			(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct via__end *other = sender();

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	end_expect_quiet(recv);
	assert_int_equal(end_send_text(other, "alive"), 0);
	end_expect(recv, "alive");
	assert_int_equal(recv->stats.dropped, 0);
	end_close(other);
	end_expect_code(recv, -EPIPE);
	assert_int_equal(recv->stats.dropped, 1);
	end_close(recv);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void send_many(unsigned int id)
{
	static uint8_t bytes[10000];
	struct via__end *send = sender();

	memset(bytes, (int)id, sizeof(bytes));
	for (size_t i = 0; i < 200; i++)
		if (end_send(send, bytes, i * 50))
			_exit(1);
	_exit(0);
}

static void many_senders_at_once(void **state)
{
	(void)state;
	struct via__end *recv = receiver();
	struct via__end *own = sender(); /* the stream goes on till the end */
	pid_t pids[8];
	size_t next[8] = {0};
	struct via__in in;

	for (unsigned int i = 0; i < 8; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (!pids[i])
			send_many(i);
	}
	for (int n = 0; n < 8 * 199; n++) {
		in = (struct via__in){0};
		assert_int_equal(end_recv(recv, &in), 0);
		if (!in.len) {
			n--;
			continue;
		}
		const uint8_t *bytes = in.data;

		assert_in_range(bytes[0], 0, 7);
		assert_int_equal(in.len, ++next[bytes[0]] * 50);
		for (size_t i = 0; i < in.len; i++)
			assert_int_equal(bytes[i], bytes[0]);
	}
	for (int i = 0; i < 8; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(recv->stats.dropped, 0);
	assert_int_equal(recv->stats.joined, 9);
	end_close(own);
	end_close(recv);
}

static void raw_talks_with_any_program(void **state)
{
	(void)state;
	struct via__end *recv = end_open(fifo_url("?raw"), VIA_RECV);
	int fd = open(at.path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(write(fd, "plain", 5), 5);
	end_expect(recv, "plain");
	(void)close(fd);
	end_expect_code(recv, -EPIPE);
	end_close(recv);

	char text[16];

	fd = open(at.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct via__end *send = end_sender(fifo_url("?raw"));

	assert_int_equal(end_send_text(send, "bytes"), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_memory_equal(text, "bytes", 5);
	(void)close(fd);
	end_close(send);
}

static void garbage_is_for_ever(void **state)
{
	(void)state;
	struct via__end *recv = receiver();
	int fd = open(at.path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(
		write(fd, "GET / HTTP/1.0\r\nHost: nowhere\r\n\r\n", 33), 33);
	end_expect_code(recv, -EPROTO);
	end_expect_code(recv, -EPROTO);
	(void)close(fd);
	end_close(recv);
}

static void mode_owner_and_size(void **state)
{
	(void)state;
	struct via__end *recv = end_open(fifo_url("?mode=0640&size=8K"),
					 VIA_RECV);

	assert_int_equal(mode_of(at.path), S_IFIFO | 0640);
	assert_int_equal(fcntl(((struct via__pipe *)recv)->fd, F_GETPIPE_SZ),
			 8192);
	end_close(recv);
	/* One that is there already stays as it is. */
	recv = end_open(fifo_url("?mode=0666"), VIA_RECV);
	assert_int_equal(mode_of(at.path), S_IFIFO | 0640);
	end_close(recv);
	if (geteuid() != 0)
		check_skip("needs root, to give the FIFO away");
	(void)unlink(at.path);
	recv = end_open(fifo_url("?owner=65534&group=65533"), VIA_RECV);
	struct stat st;

	assert_int_equal(stat(at.path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	end_close(recv);
}

static void assert_refused(const char *what)
{
	const unsigned int roles[] = {VIA_RECV, VIA_SEND};

	for (int i = 0; i < 2; i++) {
		struct via_error err;
		struct via__end *end = NULL;
		int r = end_try(fifo_url(""), roles[i], &end, &err);

		if (r == 0 && roles[i] == VIA_SEND) {
			r = end->transport->connect(end);
			err = end->error;
			end_close(end);
		}
		if (r != -EINVAL || !strstr(err.text, "is no FIFO"))
			fail_msg("%s: %d %s", what, r, err.text);
	}
}

static void what_is_no_fifo_is_left_alone(void **state)
{
	(void)state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = open(at.path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	struct stat st;

	(void)close(fd);
	assert_refused("file");
	assert_int_equal(stat(at.path, &st), 0);
	(void)unlink(at.path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(strlen(at.path) < sizeof(name.sun_path));
	memcpy(name.sun_path, at.path, strlen(at.path));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_refused("socket");
	(void)close(fd);
	(void)unlink(at.path);

	assert_int_equal(mkfifo(at.other, 0600), 0);
	assert_int_equal(symlink(at.other, at.path), 0);
	assert_refused("link");
}

static void no_path(void **state)
{
	(void)state;
	struct via_error err;
	struct via__end *end = NULL;

	assert_int_equal(end_try("fifo:", VIA_RECV, &end, &err), -EINVAL);
	assert_int_equal(end_try("fifo:/nowhere/at/all", VIA_RECV, &end, &err),
			 -ENOENT);
	assert_null(end);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before, after)

static const struct CMUnitTest tests[] = {
	TEST(sender_finds_receiver),
	TEST(sender_comes_first),
	TEST(stream_ends_again_and_again),
	TEST(sender_between_two_looks),
	TEST(silent_sender_ends_the_stream_too),
	TEST(name_is_taken),
	TEST(name_of_the_killed_is_free),
	TEST(killed_sender_leaves_nothing),
	TEST(many_senders_at_once),
	TEST(raw_talks_with_any_program),
	TEST(garbage_is_for_ever),
	TEST(mode_owner_and_size),
	TEST(what_is_no_fifo_is_left_alone),
	TEST(no_path),
};
CHECK_MAIN(tests)
