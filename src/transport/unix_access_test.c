/* SPDX-License-Identifier: MIT */
/* unix: who may come in, by the mode of the file and by lists. */
#include "transport/unix_test.h"

#include <signal.h>

#define NOBODY 65534

static char url_for_child[128];

static void be_refused_by_mode(void)
{
	struct via__end *tx = end_open(url_for_child, VIA_SEND);

	_exit(tx->transport->connect(tx) != -EACCES);
}

static void be_refused_by_list(void)
{
	struct via__end *tx = end_open(url_for_child, VIA_SEND);

	if (end_connect(tx) || end_greet(tx) != -EACCES ||
	    end_send_text(tx, "x") != -EACCES)
		_exit(1);
}

static void be_admitted(void)
{
	struct via__end *tx = end_sender(url_for_child);

	if (end_greet(tx) || end_send_text(tx, "x") || end_finish(tx))
		_exit(1);
}

static void the_mode_keeps_others_out(void **state)
{
	(void)state;
	if (geteuid())
		check_skip("root");
	FOR_EACH_TYPE(type)
	{
		struct via__end *rx;

		strcpy(url_for_child, url_of_type(type));
		rx = end_open(url_for_child, VIA_RECV);
		reap(spawn_as(NOBODY, be_refused_by_mode));
		end_expect_quiet(rx);
		end_close(rx);
	}
}

/* Accept until the child has done its work. */
static void serve_refusal(struct via__end *rx, pid_t pid)
{
	struct via__in in = {0};
	int status;

	while (!waitpid(pid, &status, WNOHANG))
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	assert_int_equal(status, 0);
}

static void lists_keep_others_out(void **state)
{
	static const char *const urls[] = {
		"unix:@via-unix-test-%d",
		"unix:@via-unix-test-%d?type=seqpacket",
		"unix:@via-unix-test-%d?allow-uid=1&allow-gid=1",
	};

	(void)state;
	if (geteuid())
		check_skip("root");
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct via__end *rx;

		(void)snprintf(url_for_child, sizeof(url_for_child), urls[i],
			       (int)getpid());
		rx = end_open(url_for_child, VIA_RECV);
		/* The child is not to hold the listener's list against us. */
		serve_refusal(rx, spawn_as(NOBODY, be_refused_by_list));
		assert_true(rx->stats.rejected >= 1);
		assert_int_equal(rx->stats.joined, 0);
		end_close(rx);
	}
}

static void lists_let_others_in(void **state)
{
	static const char *const options[] = {
		"mode=0666",
		"mode=0666&allow-uid=65534",
		"mode=0666&allow-uid=1,65534",
		"mode=0666&allow-gid=65534",
		"mode=0666&allow-uid=any",
		"mode=0666&type=seqpacket&allow-uid=65534",
		"mode=0666&type=dgram&allow-uid=65534",
	};

	(void)state;
	if (geteuid())
		check_skip("root");
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct via_msg info;
		struct via__in in = {.info = &info};
		struct via__end *rx;
		pid_t pid;

		strcpy(url_for_child, url_of(options[i]));
		rx = end_open(url_for_child, VIA_RECV);
		pid = spawn_as(NOBODY, be_admitted);
		assert_int_equal(end_recv(rx, &in), 0);
		assert_int_equal(info.pid, pid);
		assert_int_equal(info.uid, NOBODY);
		end_expect_code(rx, -EPIPE);
		reap(pid);
		end_close(rx);
	}
}

static void be_ignored(void)
{
	struct via__end *tx = end_sender(url_for_child);

	if (end_send_text(tx, "x"))
		_exit(1);
}

static void lists_are_asked_for_each_datagram(void **state)
{
	static const char *const options[] = {
		"mode=0666&type=dgram&allow-uid=1",
		"mode=0666&type=dgram&allow-uid=1&raw",
	};

	(void)state;
	if (geteuid())
		check_skip("root");
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct via__end *rx, *tx;

		strcpy(url_for_child, url_of(options[i]));
		rx = end_open(url_for_child, VIA_RECV);
		tx = end_sender(url_for_child);
		reap(spawn_as(NOBODY, be_ignored));
		assert_int_equal(end_send_text(tx, "ours"), 0);
		end_expect(rx, "ours");
		end_expect_quiet(rx);
		assert_true(rx->stats.rejected >= 1);
		end_close(tx);
		end_close(rx);
	}
}

static int ready[2];

static void squat(void)
{
	(void)end_open(url_for_child, VIA_RECV);
	if (write(ready[1], "", 1) != 1)
		_exit(1);
	pause();
}

static void a_squatter_on_an_abstract_name_is_found_out(void **state)
{
	char allowed[160], byte;
	struct via__end *tx;
	pid_t pid;

	(void)state;
	if (geteuid())
		check_skip("root");
	assert_int_equal(pipe(ready), 0);
	(void)snprintf(url_for_child, sizeof(url_for_child),
		       "unix:@via-unix-test-%d", (int)getpid());
	pid = spawn_as(NOBODY, squat);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	tx = end_open(url_for_child, VIA_SEND);
	assert_int_equal(end_connect(tx), -EACCES);
	assert_non_null(strstr(tx->error.text, "65534"));
	end_close(tx);
	(void)snprintf(allowed, sizeof(allowed), "%s?allow-uid=65534",
		       url_for_child);
	end_close(end_sender(allowed));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
}

static const struct CMUnitTest tests[] = {
	TEST(the_mode_keeps_others_out),
	TEST(lists_keep_others_out),
	TEST(lists_let_others_in),
	TEST(lists_are_asked_for_each_datagram),
	TEST(a_squatter_on_an_abstract_name_is_found_out),
};
CHECK_MAIN(tests)
