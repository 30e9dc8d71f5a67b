/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <via/via.h>

/* A pair over a pipe of the smallest capacity, 4096 bytes. */
#define SMALL_PIPE "pipe:?size=4K"

static void open_pair(const char *url, struct via_channel **receiver,
		      struct via_channel **sender)
{
	struct via_error err = {0};
	int r = via_pair(url, receiver, sender, &err);

	if (r < 0)
		fail_msg("%s: %s", url, err.text);
}

static void close_pair(struct via_channel *receiver, struct via_channel *sender)
{
	via_close(sender, VIA_NO_WAIT);
	via_close(receiver, VIA_NO_WAIT);
}

/* Send until full; returns how many were accepted. */
static unsigned int fill(struct via_channel *sender)
{
	unsigned int n = 0;
	int r;

	while ((r = via_send(sender, &n, sizeof(n), VIA_NO_WAIT)) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	return n;
}

static bool ready(const struct pollfd *pfd)
{
	struct pollfd p = *pfd;

	return poll(&p, 1, 0) == 1;
}

static void bad_urls_name_what_is_wrong(void **state)
{
	static const struct {
		const char *url;
		unsigned int role;
		int code;
		const char *names;
	} cases[] = {
		{"nosuch:x", VIA_SEND, -EPROTONOSUPPORT, "nosuch"},
		{"nosuch:x", VIA_SEND, -EPROTONOSUPPORT, "pipe, fifo"},
		{"pipe", VIA_SEND, -EINVAL, "pipe"},
		{"pipe:?sise=4K", VIA_RECV, -EINVAL, "sise"},
		{"pipe:?sise=4K", VIA_RECV, -EINVAL, "size"},
		{"pipe:?max=4X", VIA_RECV, -EINVAL, "max"},
		{"pipe:?wait=soon", VIA_SEND, -EINVAL, "wait"},
		{"pipe:?fd=0", VIA_PUB, -EOPNOTSUPP, "pub"},
		{"pipe:?fd=0", VIA_RECV | VIA_DUPLEX, -EOPNOTSUPP, "direction"},
		{"pipe:?fd=0", 77, -EINVAL, "77"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via_channel *ch = NULL;
		struct via_error err = {0};
		int r = via_open(cases[i].url, cases[i].role, VIA_NO_WAIT, &ch,
				 &err);

		assert_int_equal(r, cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_null(ch);
		if (!strstr(err.text, cases[i].names))
			fail_msg("'%s' does not name %s", err.text,
				 cases[i].names);
		assert_int_equal(via_open(cases[i].url, cases[i].role,
					  VIA_NO_WAIT, &ch, NULL),
				 cases[i].code);
	}
}

static void ends_refuse_the_other_direction(void **state)
{
	struct via_channel *rx, *tx;
	struct pollfd pfd;
	char c;

	(void)state;
	open_pair("pipe:", &rx, &tx);
	assert_int_equal(via_send(rx, "x", 1, VIA_NO_WAIT), -EOPNOTSUPP);
	assert_int_equal(via_recv(tx, &c, 1, VIA_NO_WAIT), -EOPNOTSUPP);
	assert_int_equal(via_pollfd(tx, VIA_RECV, &pfd), -EOPNOTSUPP);
	assert_non_null(strstr(via_last_error(tx)->text, "sending only"));
	close_pair(rx, tx);
}

static void a_long_message_stays_until_it_fits(void **state)
{
	struct via_channel *rx, *tx;
	char buf[16];

	(void)state;
	open_pair("pipe:", &rx, &tx);
	assert_int_equal(via_send(tx, "0123456789", 10, VIA_NEVER), 0);
	assert_int_equal(via_send(tx, "next", 4, VIA_NEVER), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(via_recv(rx, buf, 9, VIA_NEVER), -EMSGSIZE);
		assert_int_equal(via_next_len(rx), 10);
	}
	assert_int_equal(via_recv(rx, buf, sizeof(buf), VIA_NEVER), 10);
	assert_memory_equal(buf, "0123456789", 10);
	assert_int_equal(via_next_len(rx), 0);
	assert_int_equal(via_recv(rx, buf, sizeof(buf), VIA_NEVER), 4);
	close_pair(rx, tx);
}

static void what_does_not_fit_keeps_its_metadata(void **state)
{
	struct via_channel *rx, *tx;
	char buf[16];
	struct via_msg out = {
		.data = (char *)"0123456789",
		.len = 10,
		.topic = "news",
		.topic_len = 4,
		.has_correlation = 1,
		.correlation = 77,
	};
	struct via_msg in = {.data = buf, .size = 4};

	(void)state;
	open_pair("pipe:", &rx, &tx);
	for (int i = 0; i < 2; i++)
		assert_int_equal(via_sendmsg(tx, &out, VIA_NEVER), 0);
	assert_int_equal(via_recvmsg(rx, &in, VIA_NEVER), -EMSGSIZE);
	assert_int_equal(via_next_len(rx), 10);
	in.size = sizeof(buf);
	assert_int_equal(via_recvmsg(rx, &in, VIA_NEVER), 10);
	assert_int_equal(in.len, 10);
	assert_int_equal(in.topic_len, 4);
	assert_memory_equal(in.topic, "news", 4);
	assert_int_equal(in.correlation, 77);
	/* A caller who does not ask gets the payload alone. */
	assert_int_equal(via_recv(rx, buf, sizeof(buf), VIA_NEVER), 10);
	assert_memory_equal(buf, "0123456789", 10);
	close_pair(rx, tx);
}

static void full_is_eagain_or_a_timeout_and_loses_nothing(void **state)
{
	struct via_channel *rx, *tx;
	struct via_stats stats;
	unsigned int got;

	(void)state;
	open_pair(SMALL_PIPE, &rx, &tx);
	unsigned int n = fill(tx);
	int64_t before = via_now();

	assert_true(n > 0);
	assert_int_equal(via_send(tx, &n, sizeof(n), via_deadline(2000000)),
			 -ETIMEDOUT);
	assert_true(via_now() - before >= 2000000);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(via_recv(rx, &got, sizeof(got), VIA_NO_WAIT),
				 sizeof(got));
		assert_int_equal(got, i);
	}
	assert_int_equal(via_recv(rx, &got, sizeof(got), VIA_NO_WAIT), -EAGAIN);
	before = via_now();
	assert_int_equal(via_recv(rx, &got, sizeof(got), via_deadline(2000000)),
			 -ETIMEDOUT);
	assert_true(via_now() - before >= 2000000);
	via_stats(tx, &stats);
	assert_int_equal(stats.sent, n);
	assert_true(stats.blocked_ns >= 1000000);
	via_stats(rx, &stats);
	assert_int_equal(stats.received, n);
	assert_int_equal(stats.received_bytes, n * sizeof(got));
	close_pair(rx, tx);
}

static void a_message_begun_is_finished_by_later_calls(void **state)
{
	enum {
		LEN = 100000
	};
	struct via_channel *rx, *tx;
	static char out[LEN], in[LEN];

	(void)state;
	for (int i = 0; i < LEN; i++)
		out[i] = (char)(i * 7);
	open_pair(SMALL_PIPE, &rx, &tx);
	/* The first piece fits, so the message is accepted. */
	assert_int_equal(via_send(tx, out, LEN, VIA_NO_WAIT), 0);
	memset(out, 0, 10);
	assert_int_equal(via_send(tx, "after", 5, VIA_NO_WAIT), -EAGAIN);
	for (;;) {
		ssize_t n = via_recv(rx, in, LEN, VIA_NO_WAIT);

		if (n == LEN)
			break;
		assert_int_equal(n, -EAGAIN);
		(void)via_flush(tx, VIA_NO_WAIT);
	}
	assert_int_equal(via_flush(tx, VIA_NO_WAIT), 0);
	for (int i = 0; i < LEN; i++)
		assert_int_equal(in[i], (char)(i * 7));
	assert_int_equal(via_send(tx, "after", 5, VIA_NO_WAIT), 0);
	assert_int_equal(via_recv(rx, in, LEN, VIA_NO_WAIT), 5);
	close_pair(rx, tx);
}

static void closing_with_an_unfinished_message_says_so(void **state)
{
	static char out[100000];
	struct via_channel *rx, *tx;

	(void)state;
	open_pair(SMALL_PIPE, &rx, &tx);
	assert_int_equal(via_send(tx, out, sizeof(out), VIA_NO_WAIT), 0);
	assert_int_equal(via_close(tx, via_deadline(1000000)), -ETIMEDOUT);
	/* The half message is not delivered, and not silently gone. */
	struct via_stats stats;
	char c;

	assert_int_equal(via_recv(rx, &c, 1, VIA_NEVER), -EPIPE);
	via_stats(rx, &stats);
	assert_int_equal(stats.dropped, 1);
	via_close(rx, VIA_NO_WAIT);
}

static void the_pollable_descriptor_is_level_triggered(void **state)
{
	struct via_channel *rx, *tx;
	struct pollfd in, out;
	char c;

	(void)state;
	open_pair(SMALL_PIPE, &rx, &tx);
	assert_int_equal(via_pollfd(rx, VIA_RECV, &in), 0);
	assert_int_equal(via_pollfd(tx, VIA_SEND, &out), 0);
	assert_true(ready(&out));
	assert_int_equal(via_recv(rx, &c, 1, VIA_NO_WAIT), -EAGAIN);
	assert_false(ready(&in));
	/* All three are read ahead with the first: it must stay ready. */
	for (int i = 0; i < 3; i++)
		assert_int_equal(via_send(tx, "x", 1, VIA_NO_WAIT), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(ready(&in));
		assert_int_equal(via_recv(rx, &c, 1, VIA_NO_WAIT), 1);
	}
	assert_int_equal(via_recv(rx, &c, 1, VIA_NO_WAIT), -EAGAIN);
	assert_false(ready(&in));
	fill(tx);
	assert_false(ready(&out));
	while (via_recv(rx, &in, sizeof(in), VIA_NO_WAIT) >= 0)
		;
	assert_true(ready(&out));
	via_close(tx, VIA_NO_WAIT);
	assert_int_equal(via_pollfd(rx, VIA_RECV, &in), 0);
	assert_true(ready(&in));
	assert_int_equal(via_recv(rx, &c, 1, VIA_NO_WAIT), -EPIPE);
	via_close(rx, VIA_NO_WAIT);
}

static void a_held_message_keeps_the_descriptor_ready(void **state)
{
	struct via_channel *rx, *tx;
	struct pollfd in;
	char buf[8];

	(void)state;
	open_pair("pipe:", &rx, &tx);
	assert_int_equal(via_pollfd(rx, VIA_RECV, &in), 0);
	assert_int_equal(via_send(tx, "01234567", 8, VIA_NO_WAIT), 0);
	assert_int_equal(via_recv(rx, buf, 1, VIA_NO_WAIT), -EMSGSIZE);
	assert_true(ready(&in));
	assert_int_equal(via_recv(rx, buf, 8, VIA_NO_WAIT), 8);
	close_pair(rx, tx);
}

static void a_batch_ends_where_the_stream_does(void **state)
{
	struct via_channel *rx, *tx;
	struct via_msg msgs[8];
	struct iovec out[3] = {
		{(char *)"a", 1}, {(char *)"bb", 2}, {(char *)"ccc", 3}};

	(void)state;
	open_pair("pipe:", &rx, &tx);
	assert_int_equal(via_send_batch(tx, out, 3, VIA_NEVER), 3);
	assert_int_equal(via_close(tx, VIA_NEVER), 0);
	assert_int_equal(via_take_batch(rx, msgs, 8, VIA_NEVER), 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(msgs[i].len, i + 1);
		assert_memory_equal(msgs[i].data, out[i].iov_base, i + 1);
		assert_int_equal(msgs[i].seq, i);
		assert_int_equal(msgs[i].sender, msgs[0].sender);
	}
	assert_int_equal(via_take(rx, msgs, VIA_NEVER), -EPIPE);
	via_close(rx, VIA_NO_WAIT);
}

static void loans_are_bounded_and_single(void **state)
{
	struct via_channel *rx, *tx;
	void *at;
	char buf[64];

	(void)state;
	open_pair("pipe:", &rx, &tx);
	assert_int_equal(via_commit(tx, 0, VIA_NEVER), -EINVAL);
	assert_int_equal(via_loan(tx, 10, &at, VIA_NEVER), 0);
	memcpy(at, "0123456789", 10);
	assert_int_equal(via_commit(tx, 11, VIA_NEVER), -EINVAL);
	assert_int_equal(via_commit(tx, 4, VIA_NEVER), 0);
	assert_int_equal(via_commit(tx, 4, VIA_NEVER), -EINVAL);
	assert_int_equal(via_recv(rx, buf, sizeof(buf), VIA_NEVER), 4);
	assert_memory_equal(buf, "0123", 4);
	close_pair(rx, tx);
}

static void sending_something_else_ends_a_loan(void **state)
{
	static const char *const urls[] = {"pipe:", "shm:"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct via_channel *rx, *tx;
		void *at;
		char buf[64];

		open_pair(urls[i], &rx, &tx);
		assert_int_equal(via_loan(tx, 10, &at, VIA_NEVER), 0);
		memcpy(at, "0123456789", 10);
		assert_int_equal(via_send(tx, "else", 4, VIA_NEVER), 0);
		assert_int_equal(via_commit(tx, 10, VIA_NEVER), -EINVAL);
		assert_int_equal(via_recv(rx, buf, 64, VIA_NEVER), 4);
		assert_memory_equal(buf, "else", 4);
		assert_int_equal(via_recv(rx, buf, 64, VIA_NO_WAIT), -EAGAIN);
		close_pair(rx, tx);
	}
}

static void a_loan_that_found_no_room_stands(void **state)
{
	struct via_channel *rx, *tx;
	char buf[64];
	void *at;

	(void)state;
	open_pair(SMALL_PIPE, &rx, &tx);
	unsigned int n = fill(tx);

	assert_int_equal(via_loan(tx, 4, &at, VIA_NO_WAIT), 0);
	memcpy(at, "last", 4);
	assert_int_equal(via_commit(tx, 4, VIA_NO_WAIT), -EAGAIN);
	while (n--)
		assert_int_equal(via_recv(rx, buf, 64, VIA_NO_WAIT), 4);
	assert_int_equal(via_commit(tx, 4, VIA_NO_WAIT), 0);
	assert_int_equal(via_recv(rx, buf, 64, VIA_NO_WAIT), 4);
	assert_memory_equal(buf, "last", 4);
	close_pair(rx, tx);
}

static void the_limit_is_kept_on_both_sides(void **state)
{
	struct via_channel *rx, *tx;
	struct iovec out[3] = {
		{(char *)"a", 1}, {(char *)"0123456789", 10}, {(char *)"b", 1}};

	(void)state;
	open_pair("pipe:?max=8", &rx, &tx);
	assert_int_equal(via_send(tx, "0123456789", 10, VIA_NEVER), -EMSGSIZE);
	assert_non_null(strstr(via_last_error(tx)->text, "max"));
	assert_int_equal(via_send_batch(tx, out, 3, VIA_NEVER), 1);
	assert_int_equal(via_send(tx, "01234567", 8, VIA_NEVER), 0);
	close_pair(rx, tx);
}

/* Run in_child in a forked child; true if it returned true. */
static bool child_says(bool (*in_child)(struct via_channel *rx,
					struct via_channel *tx),
		       struct via_channel *rx, struct via_channel *tx)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(!in_child(rx, tx));
	assert_int_equal(waitpid(child, &status, 0), child);
	return status == 0;
}

static bool child_sends(struct via_channel *rx, struct via_channel *tx)
{
	return via_send(tx, "child", 5, VIA_NEVER) == 0 &&
	       via_close(tx, VIA_NEVER) == 0 && via_close(rx, VIA_NEVER) == 0;
}

static bool child_receives(struct via_channel *rx, struct via_channel *tx)
{
	char buf[8];

	via_close(tx, VIA_NO_WAIT);
	return via_recv(rx, buf, 8, VIA_NEVER) == 5;
}

static bool child_is_refused(struct via_channel *rx, struct via_channel *tx)
{
	char c;

	(void)tx;
	return via_recv(rx, &c, 1, VIA_NO_WAIT) == -EPERM;
}

static void ends_pass_over_fork_where_they_can(void **state)
{
	struct via_channel *rx, *tx;
	char buf[8];

	(void)state;
	open_pair("pipe:", &rx, &tx);
	assert_true(child_says(child_sends, rx, tx));
	assert_true(child_says(child_receives, rx, tx));
	assert_int_equal(via_send(tx, "parent", 6, VIA_NEVER), 0);
	assert_int_equal(via_recv(rx, buf, 8, VIA_NEVER), 6);
	/* It has read ahead by now, perhaps what the child should get. */
	assert_true(child_says(child_is_refused, rx, tx));
	close_pair(rx, tx);
}

/* Every call but via_close(). */
static bool child_is_refused_all(struct via_channel *rx, struct via_channel *tx)
{
	char c = 'x';
	struct via_msg msg = {.data = &c, .size = 1, .len = 1};
	struct iovec iov = {&c, 1};
	struct pollfd pfd;
	void *loan;

	return via_recv(rx, &c, 1, VIA_NO_WAIT) == -EPERM &&
	       via_recvmsg(rx, &msg, VIA_NO_WAIT) == -EPERM &&
	       via_take(rx, &msg, VIA_NO_WAIT) == -EPERM &&
	       via_take_batch(rx, &msg, 1, VIA_NO_WAIT) == -EPERM &&
	       via_pollfd(rx, VIA_RECV, &pfd) == -EPERM &&
	       via_wait_peer(rx, VIA_NO_WAIT, NULL) == -EPERM &&
	       via_send(tx, &c, 1, VIA_NO_WAIT) == -EPERM &&
	       via_sendmsg(tx, &msg, VIA_NO_WAIT) == -EPERM &&
	       via_send_batch(tx, &iov, 1, VIA_NO_WAIT) == -EPERM &&
	       via_loan(tx, 1, &loan, VIA_NO_WAIT) == -EPERM &&
	       via_commit(tx, 1, VIA_NO_WAIT) == -EPERM &&
	       via_flush(tx, VIA_NO_WAIT) == -EPERM &&
	       via_finish(tx, VIA_NO_WAIT) == -EPERM &&
	       via_pollfd(tx, VIA_SEND, &pfd) == -EPERM &&
	       via_wait_peer(tx, VIA_NO_WAIT, NULL) == -EPERM &&
	       via_close(tx, VIA_NEVER) == 0 && via_close(rx, VIA_NEVER) == 0;
}

/* A child made by via_spawn() is none: it runs in our memory for a while. */
static void elsewhere_the_child_is_refused_and_the_parent_goes_on(void **state)
{
	const struct via_program program = {.shell = "exit 0"};
	const struct via_mechanism *m;

	(void)state;
	for (unsigned int i = 0; (m = via_mechanism_at(i)); i++) {
		struct via_channel *rx, *tx;
		char url[32], buf[8];

		if (!(m->abilities & VIA_CAN_PAIR) ||
		    m->abilities & VIA_CAN_FORK)
			continue;
		snprintf(url, sizeof(url), "%s:", m->scheme);
		open_pair(url, &rx, &tx);
		assert_true(child_says(child_is_refused_all, rx, tx));
		int pidfd = via_spawn(&program, NULL, NULL);

		assert_int_equal(via_process_wait(pidfd, VIA_NEVER, NULL, NULL),
				 0);
		close(pidfd);
		assert_int_equal(via_send(tx, "parent", 6, VIA_NEVER), 0);
		assert_int_equal(via_recv(rx, buf, 8, VIA_NEVER), 6);
		close_pair(rx, tx);
	}
}

static void an_exported_end_keeps_the_common_options(void **state)
{
	struct via_channel *rx, *tx, *again;
	struct via_error err;
	char url[128];

	(void)state;
	open_pair("pipe:?max=8&spin=never", &rx, &tx);
	assert_int_equal(via_export(tx, url, 20), -ENOSPC);
	int len = via_export(tx, url, sizeof(url));

	assert_int_equal(len, strlen(url));
	assert_non_null(strstr(url, "spin=never"));
	assert_int_equal(via_open(url, VIA_SEND, VIA_NO_WAIT, &again, &err), 0);
	assert_int_equal(via_send(again, "012345678", 9, VIA_NO_WAIT),
			 -EMSGSIZE);
	assert_int_equal(via_send(again, "01234567", 8, VIA_NO_WAIT), 0);
	/* The descriptor is the new end's, which has closed it. */
	via_close(again, VIA_NO_WAIT);
	via_close(rx, VIA_NO_WAIT);
	via_close(tx, VIA_NO_WAIT);
}

static void a_gone_receiver_is_epipe_without_a_signal(void **state)
{
	struct via_channel *rx, *tx;

	(void)state;
	open_pair("pipe:", &rx, &tx);
	via_close(rx, VIA_NO_WAIT);
	/* SIGPIPE would end the test. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(via_send(tx, "x", 1, VIA_NEVER), -EPIPE);
	assert_int_equal(via_flush(tx, VIA_NEVER), -EPIPE);
	assert_int_equal(via_close(tx, VIA_NEVER), -EPIPE);
}

static void the_table_can_be_walked(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct via_mechanism *m; (m = via_mechanism_at(n)); n++) {
		assert_ptr_equal(via_mechanism_find(m->scheme), m);
		assert_true(strlen(m->summary) > 0);
		assert_true(m->message_max > 0);
		assert_int_equal(via_mechanism_probe(m), 0);
	}
	assert_true(n >= 5);
	assert_null(via_mechanism_find("nosuch"));
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(bad_urls_name_what_is_wrong),
	CHECK_TEST(ends_refuse_the_other_direction),
	CHECK_TEST(a_long_message_stays_until_it_fits),
	CHECK_TEST(what_does_not_fit_keeps_its_metadata),
	CHECK_TEST(full_is_eagain_or_a_timeout_and_loses_nothing),
	CHECK_TEST(a_message_begun_is_finished_by_later_calls),
	CHECK_TEST(closing_with_an_unfinished_message_says_so),
	CHECK_TEST(the_pollable_descriptor_is_level_triggered),
	CHECK_TEST(a_held_message_keeps_the_descriptor_ready),
	CHECK_TEST(a_batch_ends_where_the_stream_does),
	CHECK_TEST(loans_are_bounded_and_single),
	CHECK_TEST(sending_something_else_ends_a_loan),
	CHECK_TEST(a_loan_that_found_no_room_stands),
	CHECK_TEST(the_limit_is_kept_on_both_sides),
	CHECK_TEST(ends_pass_over_fork_where_they_can),
	CHECK_TEST(elsewhere_the_child_is_refused_and_the_parent_goes_on),
	CHECK_TEST(an_exported_end_keeps_the_common_options),
	CHECK_TEST(a_gone_receiver_is_epipe_without_a_signal),
	CHECK_TEST(the_table_can_be_walked),
};
CHECK_MAIN(tests)
