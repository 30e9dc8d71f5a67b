/* SPDX-License-Identifier: MIT */
/* shm: among peers who behave. */
#include "transport/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/frame.h"
#include "transport/end_test.h"

#define KIB ((size_t)1 << 10)

/* A URL that nobody else uses. */
static const char *fresh(const char *options)
{
	static char url[128];
	static int n;

	(void)snprintf(url, sizeof(url), "shm:test-%d-%d%s", (int)getpid(), n++,
		       options);
	return url;
}

/* Both ends by one name. */
static void open_both(const char *options, struct via__end *ret[2])
{
	const char *url = fresh(options);

	ret[0] = end_open(url, VIA_RECV);
	ret[1] = end_sender(url);
}

static void close_both(struct via__end *ends[2])
{
	end_close(ends[1]);
	end_close(ends[0]);
}

static char *pattern(size_t len, unsigned int seed)
{
	char *data = malloc(len + 1);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 + (i >> 8) + seed);
	return data;
}

/* Carry a message over by turns, since one thread has both ends. */
static void carry(struct via__end *from, struct via__end *to, const char *data,
		  size_t len, struct via__in *in)
{
	struct via__out out = {.data = data, .len = len};
	int s, r;

	to->transport->release(to);
	do {
		s = from->transport->send(from, &out);
		assert_true(s == 0 || s == -EAGAIN);
		r = to->transport->recv(to, in);
		assert_true(r == 0 || r == -EAGAIN);
	} while (r == -EAGAIN);
	assert_int_equal(s, 0);
}

static void speaks_before_it_is_heard(void **state)
{
	struct via__end *ends[2];

	(void)state;
	open_both("", ends);
	assert_int_equal(end_send_text(ends[1], "one"), 0);
	assert_int_equal(end_send_text(ends[1], ""), 0);
	assert_int_equal(end_send_text(ends[1], "three"), 0);
	end_expect(ends[0], "one");
	end_expect(ends[0], "");
	end_expect(ends[0], "three");
	assert_int_equal(end_greet(ends[1]), 0);
	assert_int_equal(end_greet(ends[0]), 0);
	close_both(ends);
}

static void carries_every_size(void **state)
{
	static const size_t base[] = {0,	 1,	    4096,
				      16 * KIB,	 64 * KIB,  128 * KIB,
				      192 * KIB, 1024 * KIB};
	struct via__end *ends[2];

	(void)state;
	open_both("?ring=64K", ends);
	for (size_t i = 0; i < sizeof(base) / sizeof(*base); i++) {
		for (size_t len = base[i] < 20 ? 0 : base[i] - 20;
		     len <= base[i] + 20; len++) {
			char *data = pattern(len, (unsigned int)len);
			char *buf = malloc(len + 1);
			struct via__in anywhere = {0};
			struct via__in there = {.buf = buf, .size = len};

			carry(ends[1], ends[0], data, len, &anywhere);
			assert_int_equal(anywhere.len, len);
			assert_memory_equal(anywhere.data, data, len);
			carry(ends[1], ends[0], data, len, &there);
			assert_int_equal(there.len, len);
			assert_memory_equal(buf, data, len);
			assert_ptr_equal(there.data, buf);
			free(data);
			free(buf);
		}
	}
	close_both(ends);
}

static void tells_who_sends(void **state)
{
	struct via__end *ends[2], *other;
	const char *url = fresh("");
	struct via_msg msg[3];

	(void)state;
	ends[0] = end_open(url, VIA_RECV);
	ends[1] = end_sender(url);
	other = end_sender(url);
	for (int i = 0; i < 3; i++) {
		struct via__in in = {.info = &msg[i]};

		assert_int_equal(end_send_text(i == 1 ? other : ends[1], "m"),
				 0);
		assert_int_equal(end_recv(ends[0], &in), 0);
		assert_int_equal(msg[i].pid, getpid());
		assert_int_equal(msg[i].uid, getuid());
		assert_int_equal(msg[i].gid, getgid());
		assert_int_equal(msg[i].gap, 0);
		assert_int_equal(msg[i].n_fds, 0);
	}
	assert_true(msg[0].sender == msg[2].sender);
	assert_true(msg[0].sender != msg[1].sender && msg[1].sender);
	assert_int_equal(msg[0].seq, 0);
	assert_int_equal(msg[1].seq, 0);
	assert_int_equal(msg[2].seq, 1);
	assert_int_equal(ends[0]->stats.joined, 2);
	end_close(other);
	close_both(ends);
}

static void marks_meta(void **state)
{
	struct via__end *ends[2];
	char *data = pattern(100 * KIB, 1);
	struct via__in in = {0};

	(void)state;
	open_both("?ring=64K", ends);
	for (size_t len = 10; len <= 100 * KIB; len += 100 * KIB - 10) {
		struct via__out out = {
			.data = data,
			.len = len,
			.prefix = "0123456789abcdef",
			.prefix_len = 16,
		};
		int r;

		do {
			(void)ends[1]->transport->send(ends[1], &out);
			r = ends[0]->transport->recv(ends[0], &in);
		} while (r == -EAGAIN);
		assert_int_equal(r, 0);
		assert_true(in.meta);
		assert_int_equal(in.len, len + 16);
		assert_memory_equal(in.data, "0123456789abcdef", 16);
		assert_memory_equal((char *)in.data + 16, data, len);
		ends[0]->transport->release(ends[0]);
	}
	assert_int_equal(end_send_text(ends[1], "plain"), 0);
	assert_int_equal(end_recv(ends[0], &in), 0);
	assert_false(in.meta);
	free(data);
	close_both(ends);
}

/* Views stay while others are taken and the ring fills up behind them. */
static void keeps_what_is_taken(void **state)
{
	struct via__end *ends[2];
	struct via__in view[4] = {0};
	char *data = pattern(10 * KIB, 0);
	struct via__out out = {.data = data, .len = 10 * KIB};
	unsigned int n = 0;

	(void)state;
	open_both("?ring=64K", ends);
	for (int i = 0; i < 4; i++) {
		data[0] = (char)i;
		assert_int_equal(end_send(ends[1], data, 10 * KIB), 0);
		assert_int_equal(ends[0]->transport->recv(ends[0], &view[i]),
				 0);
	}
	while (ends[1]->transport->send(ends[1], &out) == 0)
		n++;
	assert_int_equal(n, 2);
	for (int i = 0; i < 4; i++) {
		data[0] = (char)i;
		assert_memory_equal(view[i].data, data, 10 * KIB);
	}
	ends[0]->transport->release(ends[0]);
	assert_int_equal(ends[1]->transport->send(ends[1], &out), 0);
	free(data);
	close_both(ends);
}

static void builds_in_place(void **state)
{
	struct via__end *ends[2];
	void *at = NULL;

	(void)state;
	open_both("?ring=64K", ends);
	assert_int_equal(ends[1]->transport->loan(ends[1], 16 * KIB, &at),
			 -EMSGSIZE);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(
			ends[1]->transport->loan(ends[1], 9 * KIB, &at), 0);
		memcpy(at, "built", 5);
		assert_int_equal(ends[1]->transport->commit(ends[1], 5), 0);
		end_expect(ends[0], "built");
	}
	close_both(ends);
}

/* Half a message of one sender does not stand in another's way. */
static void puts_senders_apart(void **state)
{
	const char *url = fresh("?ring=64K");
	struct via__end *r = end_open(url, VIA_RECV);
	struct via__end *a = end_sender(url), *b = end_sender(url);
	size_t len = 300 * KIB;
	char *data = pattern(len, 3), *buf = malloc(len);
	struct via__out out = {.data = data, .len = len};
	struct via__in in = {.buf = buf, .size = len};
	int rc;

	(void)state;
	assert_int_equal(a->transport->send(a, &out), -EAGAIN);
	assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
	assert_int_equal(end_send_text(b, "small"), 0);
	assert_int_equal(end_recv(r, &in), 0);
	assert_int_equal(in.len, 5);
	assert_memory_equal(in.data, "small", 5);
	memset(buf, 0, len);
	do {
		assert_int_not_equal(a->transport->send(a, &out), -EPIPE);
		rc = r->transport->recv(r, &in);
		if (rc == -EAGAIN && out.done < len / 2)
			assert_int_equal(r->transport->park(r), 0);
	} while (rc == -EAGAIN);
	assert_int_equal(rc, 0);
	assert_int_equal(in.len, len);
	assert_memory_equal(in.data, data, len);
	free(data);
	free(buf);
	end_close(a);
	end_close(b);
	end_close(r);
}

static void refuses_more_than_max(void **state)
{
	const char *url = fresh("?ring=64K");
	struct via__end *r = end_open(url, VIA_RECV), *s = end_sender(url);
	char *data = pattern(50 * KIB, 0);

	(void)state;
	r->max = 1000;
	assert_int_equal(end_send(s, data, 1000), 0);
	assert_int_equal(end_send(s, data, 1001), 0);
	struct via__in in = {0};

	assert_int_equal(end_recv(r, &in), 0);
	end_expect_code(r, -EPROTO);
	assert_int_equal(end_finish(s), -EPROTO);
	end_close(s);

	s = end_sender(url);
	assert_int_equal(end_send(s, data, 50 * KIB), 0);
	end_expect_code(r, -EPROTO);
	assert_int_equal(r->stats.rejected, 2);
	end_expect_code(r, -EPIPE);
	free(data);
	end_close(s);
	end_close(r);
}

/* --- Waiting --- */

static bool readable(struct via__end *end, enum via_role role)
{
	struct pollfd pfd;

	assert_int_equal(end->transport->pollfd(end, role, &pfd), 0);
	return via__poll(&pfd, 1, VIA_NO_WAIT) == 1;
}

static void wakes_the_receiver(void **state)
{
	struct via__end *ends[2];
	struct via__in in = {0};

	(void)state;
	open_both("", ends);
	assert_true(readable(ends[0], VIA_RECV));
	assert_int_equal(end_greet(ends[0]), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ends[0]->transport->recv(ends[0], &in),
				 -EAGAIN);
		while (ends[0]->transport->arm(ends[0], VIA_RECV))
			assert_int_equal(ends[0]->transport->recv(ends[0], &in),
					 -EAGAIN);
		assert_false(readable(ends[0], VIA_RECV));
		assert_int_equal(end_send_text(ends[1], "a"), 0);
		assert_true(readable(ends[0], VIA_RECV));
		assert_int_equal(end_send_text(ends[1], "b"), 0);
		end_expect(ends[0], "a");
		end_expect(ends[0], "b");
	}
	close_both(ends);
}

/* What comes between the last look and arming is not slept over. */
static void does_not_sleep_over_a_message(void **state)
{
	struct via__end *ends[2];
	struct via__in in = {0};

	(void)state;
	open_both("", ends);
	assert_int_equal(end_greet(ends[0]), 0);
	assert_int_equal(ends[0]->transport->recv(ends[0], &in), -EAGAIN);
	assert_int_equal(end_send_text(ends[1], "a"), 0);
	assert_int_equal(ends[0]->transport->arm(ends[0], VIA_RECV), 1);
	end_expect(ends[0], "a");
	close_both(ends);
}

static void wakes_the_sender(void **state)
{
	struct via__end *ends[2];
	char *data = pattern(10 * KIB, 0);
	struct via__out out = {.data = data, .len = 10 * KIB};
	struct via__in in = {0};

	(void)state;
	open_both("?ring=64K", ends);
	for (int i = 0; i < 10; i++) {
		while (ends[1]->transport->send(ends[1], &out) == 0)
			out = (struct via__out){.data = data, .len = 10 * KIB};
		assert_int_equal(end_greet(ends[0]), 0);
		while (ends[1]->transport->arm(ends[1], VIA_SEND))
			assert_int_equal(
				ends[1]->transport->send(ends[1], &out),
				-EAGAIN);
		assert_false(readable(ends[1], VIA_SEND));
		assert_int_equal(end_recv(ends[0], &in), 0);
		ends[0]->transport->release(ends[0]);
		assert_true(readable(ends[1], VIA_SEND));
		assert_int_equal(ends[1]->transport->send(ends[1], &out), 0);
	}
	free(data);
	close_both(ends);
}

/* --- Beginnings and ends --- */

static void ends_once_and_begins_again(void **state)
{
	const char *url = fresh("");
	struct via__end *r = end_open(url, VIA_RECV), *s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		s = end_sender(url);
		assert_int_equal(end_send_text(s, "last"), 0);
		end_close(s);
		end_expect(r, "last");
		end_expect_code(r, -EPIPE);
		struct via__in in = {0};

		assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
		assert_int_equal(r->transport->arm(r, VIA_RECV), 0);
		assert_false(readable(r, VIA_RECV));
	}
	assert_int_equal(r->stats.joined, 3);
	assert_int_equal(r->stats.left, 3);
	assert_int_equal(r->stats.rejected, 0);
	end_close(r);
}

static void a_pair_ends_for_ever(void **state)
{
	struct via__end *ends[2];

	(void)state;
	end_pair("shm:", ends);
	assert_int_equal(end_send_text(ends[1], "last"), 0);
	end_close(ends[1]);
	end_expect(ends[0], "last");
	end_expect_code(ends[0], -EPIPE);
	end_expect_code(ends[0], -EPIPE);
	end_close(ends[0]);
}

static void confirms_what_was_delivered(void **state)
{
	struct via__end *ends[2];
	struct via__in view = {0};

	(void)state;
	open_both("", ends);
	assert_int_equal(end_send_text(ends[1], "one"), 0);
	assert_int_equal(ends[1]->transport->finish(ends[1]), -EAGAIN);
	assert_int_equal(end_recv(ends[0], &view), 0);
	struct via__in none = {0};

	assert_int_equal(ends[0]->transport->recv(ends[0], &none), -EAGAIN);
	assert_int_equal(ends[1]->transport->finish(ends[1]), -EAGAIN);
	assert_memory_equal(view.data, "one", 3);
	end_expect_code(ends[0], -EPIPE);
	assert_int_equal(end_finish(ends[1]), 0);
	close_both(ends);
}

/* A receiver that leaves says by its cursor how far it came. */
static void tells_all_from_some(void **state)
{
	struct via__end *ends[2];

	(void)state;
	for (int all = 0; all < 2; all++) {
		open_both("", ends);
		assert_int_equal(end_send_text(ends[1], "one"), 0);
		assert_int_equal(end_send_text(ends[1], "two"), 0);
		end_expect(ends[0], "one");
		if (all)
			end_expect(ends[0], "two");
		ends[0]->transport->release(ends[0]);
		end_close(ends[0]);
		assert_int_equal(end_finish(ends[1]), all ? 0 : -EPIPE);
		end_close(ends[1]);
	}
}

static void drops_half_a_message(void **state)
{
	struct via__end *ends[2];
	char *data = pattern(300 * KIB, 0);
	struct via__out out = {.data = data, .len = 300 * KIB};

	(void)state;
	open_both("?ring=64K", ends);
	assert_int_equal(end_send_text(ends[1], "whole"), 0);
	assert_int_equal(ends[1]->transport->send(ends[1], &out), -EAGAIN);
	assert_true(out.begun);
	end_close(ends[1]);
	end_expect(ends[0], "whole");
	end_expect_code(ends[0], -EPIPE);
	assert_int_equal(ends[0]->stats.dropped, 1);
	free(data);
	end_close(ends[0]);
}

static void notices_that_the_receiver_left(void **state)
{
	struct via__end *ends[2];
	int r = 0, n = 0;

	(void)state;
	open_both("", ends);
	assert_int_equal(end_send_text(ends[1], "one"), 0);
	end_expect(ends[0], "one");
	end_close(ends[0]);
	/* It was awake when it left: a tick of the clock may pass first. */
	int64_t deadline = via__deadline(END_PATIENCE_NS);

	while (r == 0 && !via__deadline_passed(deadline)) {
		r = end_send_text(ends[1], "two");
		n++;
	}
	assert_int_equal(r, -EPIPE);
	assert_string_not_equal(ends[1]->error.text, "");
	assert_int_equal(end_send_text(ends[1], "three"), -EPIPE);
	assert_true(n > 0);
	end_close(ends[1]);
}

/* --- Names --- */

static void one_receiver_has_the_name(void **state)
{
	char url[128];
	struct via__end *r, *again = NULL;
	struct via_error err = {.text = ""};

	(void)state;
	(void)snprintf(url, sizeof(url), "%s", fresh(""));
	r = end_open(url, VIA_RECV);
	assert_int_equal(end_try(url, VIA_RECV, &again, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another receiver"));
	end_close(r);
	r = end_open(url, VIA_RECV);
	end_close(r);
}

static void waits_for_its_receiver(void **state)
{
	char url[128];

	(void)state;
	(void)snprintf(url, sizeof(url), "%s", fresh(""));
	struct via__end *s = end_open(url, VIA_SEND);

	assert_int_equal(s->transport->connect(s), -EAGAIN);
	assert_string_not_equal(s->error.text, "");
	struct via__end *r = end_open(url, VIA_RECV);

	assert_int_equal(s->transport->connect(s), 0);
	assert_int_equal(end_send_text(s, "hello"), 0);
	end_expect(r, "hello");
	end_close(s);
	end_close(r);
}

static void lives_at_a_path_too(void **state)
{
	char dir[] = "/tmp/via-shm-XXXXXX", url[64], path[48];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/name", dir);
	(void)snprintf(url, sizeof(url), "shm:%s", path);
	struct via__end *r = end_open(url, VIA_RECV), *s = end_sender(url);

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(end_send_text(s, "hello"), 0);
	end_expect(r, "hello");
	end_close(s);
	end_close(r);
	assert_int_equal(rmdir(dir), 0);
}

static void judges_names_and_options(void **state)
{
	static const struct {
		const char *url;
		int code;
	} cases[] = {
		{"shm:", -EINVAL},
		{"shm:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 -ENAMETOOLONG},
		{"shm:/nowhere/at/all", -ENOENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via_error err = {.text = ""};
		struct via__end *end;

		assert_int_equal(end_try(cases[i].url, VIA_RECV, &end, &err),
				 cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_string_not_equal(err.text, "");
	}
}

static void keeps_strangers_out(void **state)
{
	const char *url = fresh("");
	struct via__end *r, *s;

	(void)state;
	if (getuid())
		check_skip("root, to become somebody else");
	r = end_open(url, VIA_RECV);
	pid_t child = fork();

	if (child == 0) {
		struct via_error err;

		if (setgid(65534) || setuid(65534) ||
		    end_try(url, VIA_SEND, &s, &err) ||
		    s->transport->connect(s))
			_exit(10);
		_exit(end_greet(s) == -EACCES &&
				      end_send_text(s, "x") == -EACCES
			      ? 0
			      : 11);
	}
	struct via__in in = {0};
	struct pollfd pfd;
	int status;

	assert_int_equal(r->transport->pollfd(r, VIA_RECV, &pfd), 0);
	assert_int_equal(via__poll(&pfd, 1, via__deadline(END_PATIENCE_NS)), 1);
	assert_int_equal(r->transport->recv(r, &in), -EAGAIN);
	assert_int_equal(r->stats.rejected, 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(r->stats.joined, 0);
	end_close(r);
}

static void lets_in_whom_it_is_told(void **state)
{
	const char *url = fresh("?allow-uid=65534");
	struct via__end *r, *s;

	(void)state;
	if (getuid())
		check_skip("root, to become somebody else");
	r = end_open(url, VIA_RECV);
	pid_t child = fork();

	if (child == 0) {
		struct via_error err;

		if (setgid(65534) || setuid(65534) ||
		    end_try(url, VIA_SEND, &s, &err) ||
		    s->transport->connect(s))
			_exit(10);
		_exit(end_send_text(s, "x") || end_finish(s) ? 11 : 0);
	}
	int status;

	end_expect(r, "x");
	end_expect_code(r, -EPIPE);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	end_close(r);
}

/* Whoever takes the name first may be a thief: root is none, others are. */
static void does_not_trust_a_strangers_name(void **state)
{
	const char *url = fresh("");
	struct via__end *r, *s;
	int ready[2], status;
	char c;

	(void)state;
	if (getuid())
		check_skip("root, to become somebody else");
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();

	if (child == 0) {
		struct via_error err;

		if (setgid(65534) || setuid(65534) ||
		    end_try(url, VIA_RECV, &r, &err) ||
		    write(ready[1], "", 1) != 1)
			_exit(10);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	s = end_open(url, VIA_SEND);
	assert_int_equal(s->transport->connect(s), -EACCES);
	assert_non_null(strstr(s->error.text, "65534"));
	end_close(s);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(speaks_before_it_is_heard),
	CHECK_TEST(carries_every_size),
	CHECK_TEST(tells_who_sends),
	CHECK_TEST(marks_meta),
	CHECK_TEST(keeps_what_is_taken),
	CHECK_TEST(builds_in_place),
	CHECK_TEST(puts_senders_apart),
	CHECK_TEST(refuses_more_than_max),
	CHECK_TEST(wakes_the_receiver),
	CHECK_TEST(does_not_sleep_over_a_message),
	CHECK_TEST(wakes_the_sender),
	CHECK_TEST(ends_once_and_begins_again),
	CHECK_TEST(a_pair_ends_for_ever),
	CHECK_TEST(confirms_what_was_delivered),
	CHECK_TEST(tells_all_from_some),
	CHECK_TEST(drops_half_a_message),
	CHECK_TEST(notices_that_the_receiver_left),
	CHECK_TEST(one_receiver_has_the_name),
	CHECK_TEST(waits_for_its_receiver),
	CHECK_TEST(lives_at_a_path_too),
	CHECK_TEST(judges_names_and_options),
	CHECK_TEST(keeps_strangers_out),
	CHECK_TEST(lets_in_whom_it_is_told),
	CHECK_TEST(does_not_trust_a_strangers_name),
};
CHECK_MAIN(tests)
