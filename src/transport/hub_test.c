/* SPDX-License-Identifier: MIT */
/* Many peers at one end, over abstract Unix sockets. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "transport/hub.h"
#include "transport/link_test.h"

static const char *own_url(void)
{
	static char url[64];

	(void)snprintf(url, sizeof(url), "unix:@via-hub-test-%d",
		       (int)getpid());
	return url;
}

enum {
	SENDERS = 8,
	MESSAGES = 2000
};

/* Sender i says "i n" for n = 0, 1, 2 ... */
static pid_t spawn_sender(int i, const char *url)
{
	pid_t pid = fork();
	char text[32];

	assert_true(pid >= 0);
	if (pid)
		return pid;

	struct via__end *tx = end_sender(url);

	for (int n = 0; n < MESSAGES; n++) {
		(void)snprintf(text, sizeof(text), "%d %d", i, n);
		if (end_send_text(tx, text))
			_exit(1);
	}
	_exit(end_finish(tx));
}

static void many_senders_keep_their_order(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	int next[SENDERS] = {0}, status;
	struct via__in in;
	char text[32];

	(void)state;
	for (int i = 0; i < SENDERS; i++)
		(void)spawn_sender(i, own_url());
	for (int m = 0; m < SENDERS * MESSAGES; m++) {
		int i, n, r;

		do { /* the end may come between two of them */
			in = (struct via__in){0};
			r = end_recv(rx, &in);
		} while (r == -EPIPE);
		assert_int_equal(r, 0);
		memcpy(text, in.data, in.len);
		text[in.len] = '\0';
		assert_int_equal(sscanf(text, "%d %d", &i, &n), 2);
		assert_int_equal(n, next[i]++);
	}
	end_expect_code(rx, -EPIPE);
	end_expect_quiet(rx);
	for (int i = 0; i < SENDERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(rx->stats.joined, SENDERS);
	assert_int_equal(rx->stats.left, SENDERS);
	end_close(rx);
}

static void a_busy_peer_leaves_room_for_others(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *busy = end_sender(own_url());
	struct via__end *quiet = end_sender(own_url());
	int before = 0;

	(void)state;
	assert_int_equal(end_send_text(busy, "busy"), 0);
	end_expect(rx, "busy");
	for (int i = 0; i < 200; i++)
		assert_int_equal(end_send_text(busy, "busy"), 0);
	assert_int_equal(end_send_text(quiet, "quiet"), 0);
	for (;; before++) {
		struct via__in in = {0};

		assert_int_equal(end_recv(rx, &in), 0);
		if (in.len == strlen("quiet"))
			break;
	}
	print_message("# after %d of 200\n", before);
	assert_true(before < 100);
	end_close(busy);
	end_close(quiet);
	end_close(rx);
}

/* Long messages make up for their small number. */
static void a_peer_of_long_messages_leaves_room_too(void **state)
{
	enum {
		LEN = 64 << 10,
		N = 32
	};
	static char text[LEN];
	char url[128];
	struct via__end *rx, *busy, *quiet;
	int before = 0;

	(void)state;
	(void)snprintf(url, sizeof(url), "%s?buffer=16M", own_url());
	rx = end_open(own_url(), VIA_RECV);
	busy = end_open(url, VIA_SEND);
	if (busy->transport->connect(busy) == -EPERM) {
		end_close(busy);
		end_close(rx);
		check_skip("CAP_NET_ADMIN, or a larger net.core.wmem_max");
	}
	quiet = end_sender(own_url());
	assert_int_equal(end_send_text(busy, "busy"), 0);
	end_expect(rx, "busy");
	for (int i = 0; i < N; i++)
		assert_int_equal(end_send(busy, text, LEN), 0);
	assert_int_equal(end_send_text(quiet, "quiet"), 0);
	for (;; before++) {
		struct via__in in = {0};

		assert_int_equal(end_recv(rx, &in), 0);
		if (in.len == strlen("quiet"))
			break;
	}
	print_message("# after %d of %d\n", before, N);
	assert_true(before < 10);
	end_close(busy);
	end_close(quiet);
	end_close(rx);
}

/* One peer is filling the caller's buffer when another has a message. */
static void the_caller_s_buffer_changes_hands(void **state)
{
	enum {
		LEN = 2 << 20
	};
	char *big = malloc(LEN), *buf = malloc(LEN);
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *slow = end_sender(own_url());
	struct via__end *quick = end_sender(own_url());
	struct via__out out = {.data = big, .len = LEN};
	struct via__in in = {.buf = buf, .size = LEN};

	(void)state;
	memset(big, 'b', LEN);
	assert_int_equal(slow->transport->send(slow, &out), -EAGAIN);
	assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	assert_int_equal(end_send_text(quick, "quick"), 0);
	assert_int_equal(end_recv(rx, &in), 0);
	assert_int_equal(in.len, 5);
	assert_memory_equal(in.data, "quick", 5);
	memset(buf, '!', LEN);
	rx->transport->release(rx);
	while (slow->transport->send(slow, &out)) {
		in = (struct via__in){.buf = buf, .size = LEN};
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	}
	in = (struct via__in){.buf = buf, .size = LEN};
	assert_int_equal(end_recv(rx, &in), 0);
	assert_int_equal(in.len, LEN);
	assert_memory_equal(in.data, big, LEN);
	end_close(slow);
	end_close(quick);
	end_close(rx);
	free(big);
	free(buf);
}

/* Let this process have n more descriptors than it has. */
static void limit_fds(struct rlimit *before, int n)
{
	struct rlimit low;
	int next = fcntl(0, F_DUPFD, 0);

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	low = *before;
	low.rlim_cur = (rlim_t)(next + n);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
}

static void without_descriptors_newcomers_are_turned_away(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *first = end_sender(own_url()), *second, *third;
	struct rlimit before;

	(void)state;
	assert_int_equal(end_send_text(first, "one"), 0);
	end_expect(rx, "one");
	second = end_sender(own_url());
	limit_fds(&before, 0);
	end_expect_quiet(rx);
	assert_int_equal(end_greet(second), -ECONNREFUSED);
	assert_non_null(strstr(second->error.text, "open files"));
	assert_int_equal(rx->stats.rejected, 1);
	assert_int_equal(end_send_text(first, "two"), 0);
	end_expect(rx, "two");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	third = end_sender(own_url());
	assert_int_equal(end_send_text(third, "three"), 0);
	end_expect(rx, "three");
	end_close(third);
	end_close(second);
	end_close(first);
	end_close(rx);
}

/* Not even the spare one helps. */
static void a_receiver_that_cannot_accept_rests(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *tx = end_sender(own_url());
	struct rlimit before, none;
	struct via__in in = {0};
	struct pollfd pfd;
	int64_t until = via__deadline(3 * VIA__NS_PER_S / 10);
	int rings = 0;

	(void)state;
	assert_int_equal(end_send_text(tx, "patience"), 0);
	assert_int_equal(rx->transport->pollfd(rx, VIA_RECV, &pfd), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (rings < 20 && via__poll(&pfd, 1, until) == 1) {
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
		rings++;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	print_message("# tried %d times\n", rings);
	assert_true(rings > 0 && rings < 20);
	end_expect(rx, "patience");
	end_close(tx);
	end_close(rx);
}

static void allow_many_fds(struct rlimit *before)
{
	struct rlimit high;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	high = *before;
	high.rlim_cur = before->rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &high), 0);
	if (high.rlim_cur < 3 * VIA__HUB_PEERS_MAX)
		check_skip("3072 open files");
}

static void too_many_peers_wait_their_turn(void **state)
{
	static struct via__end *tx[VIA__HUB_PEERS_MAX + 1];
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct rlimit before;
	struct via__in in = {0};
	unsigned int n;

	(void)state;
	allow_many_fds(&before);
	for (n = 0; n <= VIA__HUB_PEERS_MAX; n++) {
		tx[n] = end_sender(own_url());
		assert_int_equal(end_greet(rx), 0);
		rx->transport->release(rx);
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	}
	assert_int_equal(rx->stats.joined, VIA__HUB_PEERS_MAX);
	assert_int_equal(end_send_text(tx[VIA__HUB_PEERS_MAX], "last"), 0);
	end_expect_quiet(rx);
	end_close(tx[0]);
	end_expect(rx, "last");
	for (n = 1; n <= VIA__HUB_PEERS_MAX; n++)
		end_close(tx[n]);
	end_close(rx);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static bool is_open(int fd)
{
	char buf[64];
	ssize_t r;

	do
		r = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	while (r > 0);
	return r < 0 && errno == EAGAIN;
}

/* The mute have a second from when they came. Where making them takes longer,
 * one who is new has a place at once: how many were heard. */
static int heard_before_the_second(struct via__end *rx, int64_t since)
{
	struct via__in in = {0};

	rx->transport->release(rx);
	if (rx->transport->recv(rx, &in) == 0) {
		assert_true(via__now() - since >= VIA__NS_PER_S);
		return 1;
	}
	end_expect_quiet(rx);
	assert_int_equal(rx->stats.rejected, 0);
	return 0;
}

static void the_mute_make_room(void **state)
{
	enum {
		QUIET = 5, /* have joined, and say no more */
		NEW = 3
	};
	static int mute[VIA__HUB_PEERS_MAX];
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *quiet[QUIET], *tx[NEW];
	struct rlimit before;
	struct via__in in = {0};

	(void)state;
	allow_many_fds(&before);
	for (int i = 0; i < QUIET; i++) {
		quiet[i] = end_sender(own_url());
		assert_int_equal(end_greet(rx), 0);
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	}
	int64_t since = via__now();

	for (int i = QUIET; i < VIA__HUB_PEERS_MAX; i++) {
		mute[i] = stranger(own_url());
		/* Not even a whole frame. */
		assert_int_equal(send(mute[i], "Vi", 2, 0), 2);
		assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	}
	for (int i = 0; i < NEW; i++) {
		tx[i] = end_sender(own_url());
		assert_int_equal(end_send_text(tx[i], "new"), 0);
	}
	for (int i = heard_before_the_second(rx, since); i < NEW; i++)
		end_expect(rx, "new");
	/* As many have gone as have come, the oldest. */
	assert_int_equal(rx->stats.rejected, NEW);
	assert_int_equal(rx->stats.joined, QUIET + NEW);
	assert_int_equal(rx->stats.left, 0);
	for (int i = QUIET; i < VIA__HUB_PEERS_MAX; i++) {
		assert_int_equal(is_open(mute[i]), i >= QUIET + NEW);
		close(mute[i]);
	}
	for (int i = 0; i < QUIET; i++) {
		assert_int_equal(end_send_text(quiet[i], "still here"), 0);
		end_expect(rx, "still here");
		end_close(quiet[i]);
	}
	for (int i = 0; i < NEW; i++)
		end_close(tx[i]);
	end_close(rx);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void a_mute_one_leaves_the_only_place(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV | VIA_DUPLEX);
	int mute = stranger(own_url());
	struct via__end *tx;

	(void)state;
	assert_int_equal(rx->transport->recv(rx, &(struct via__in){0}),
			 -EAGAIN);
	tx = end_open(own_url(), VIA_SEND | VIA_DUPLEX);
	assert_int_equal(end_connect(tx), 0);
	assert_int_equal(end_send_text(tx, "ask"), 0);
	end_expect(rx, "ask");
	assert_false(is_open(mute));
	assert_int_equal(rx->stats.rejected, 1);
	assert_int_equal(end_send_text(rx, "answer"), 0);
	end_expect(tx, "answer");
	close(mute);
	end_close(tx);
	end_close(rx);
}

static void say_late(int fd)
{
	const struct via__frame hello = {
		.flags = VIA__FRAME_HELLO,
		.sender = 7,
	};
	const struct via__frame message = {
		.flags = VIA__FRAME_FIRST | VIA__FRAME_LAST,
		.len = 4,
		.sender = 7,
		.total = 4,
	};
	uint8_t buf[2 * VIA__FRAME_LEN + 4];

	via__frame_put(&hello, buf);
	via__frame_put(&message, buf + VIA__FRAME_LEN);
	memcpy(buf + 2 * VIA__FRAME_LEN, "late", 4);
	assert_int_equal(send(fd, buf, sizeof(buf), 0), sizeof(buf));
}

/* Its time is over and somebody else waits, but there is something to read. */
static void one_who_speaks_at_last_stays(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV | VIA_DUPLEX);
	struct via__in in = {0};
	int late = stranger(own_url());
	struct via__end *other = end_open(own_url(), VIA_SEND | VIA_DUPLEX);

	(void)state;
	assert_int_equal(end_connect(other), 0);
	assert_int_equal(end_send_text(other, "other"), 0);
	end_expect_quiet(rx);
	end_wait(rx, VIA_RECV); /* for the listener to come back */
	assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	say_late(late);
	assert_int_equal(end_greet(rx), 0); /* looks at the listener first */
	end_expect(rx, "late");
	assert_int_equal(rx->stats.rejected, 0);
	close(late);
	end_expect_code(rx, -EPIPE);
	end_expect(rx, "other");
	end_close(other);
	end_close(rx);
}

static void a_child_s_copy_changes_nothing(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *tx = end_sender(own_url());
	pid_t pid;

	(void)state;
	assert_int_equal(end_send_text(tx, "one"), 0);
	end_expect(rx, "one");
	pid = fork();
	if (!pid) {
		rx->transport->close(rx, true);
		tx->transport->close(tx, true);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(end_send_text(tx, "two"), 0);
	end_expect(rx, "two");
	end_close(tx);
	end_expect_code(rx, -EPIPE);
	end_close(rx);
}

/* A forked child that holds the connections does not keep the dead alive. */
static void a_child_s_copy_keeps_nothing_alive(void **state)
{
	struct via__end *rx = end_open(own_url(), VIA_RECV);
	struct via__end *tx = end_sender(own_url());
	struct via__end *other = end_sender(own_url());
	pid_t pid;
	int r;

	(void)state;
	assert_int_equal(end_send_text(tx, "one"), 0);
	end_expect(rx, "one");
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	end_close(tx);
	assert_int_equal(end_send_text(other, "two"), 0);
	end_expect(rx, "two");
	assert_int_equal(rx->transport->recv(rx, &(struct via__in){0}),
			 -EAGAIN);
	assert_int_equal(rx->stats.left, 1);
	end_close(rx);
	r = end_send_text(other, "three");
	assert_int_equal(r, -EPIPE);
	end_close(other);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(many_senders_keep_their_order),
	CHECK_TEST(a_busy_peer_leaves_room_for_others),
	CHECK_TEST(a_peer_of_long_messages_leaves_room_too),
	CHECK_TEST(the_caller_s_buffer_changes_hands),
	CHECK_TEST(without_descriptors_newcomers_are_turned_away),
	CHECK_TEST(a_receiver_that_cannot_accept_rests),
	CHECK_TEST(too_many_peers_wait_their_turn),
	CHECK_TEST(the_mute_make_room),
	CHECK_TEST(a_mute_one_leaves_the_only_place),
	CHECK_TEST(one_who_speaks_at_last_stays),
	CHECK_TEST(a_child_s_copy_changes_nothing),
	CHECK_TEST(a_child_s_copy_keeps_nothing_alive),
};
CHECK_MAIN(tests)
