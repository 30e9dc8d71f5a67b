/* SPDX-License-Identifier: MIT */
/* unix: names, descriptors, raw, pairs. */
#include "transport/unix_test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>

#include "core/frame.h"
#include "transport/ancillary.h"

static void refused_with(const char *url, int code, const char *word)
{
	struct via__end *end;
	struct via_error err = {0};

	assert_int_equal(end_try(url, VIA_RECV, &end, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, word))
		fail_msg("%s: no word of %s", err.text, word);
}

/* --- Names --- */

static void a_file_has_the_mode_and_goes_at_close(void **state)
{
	mode_t before = umask(077);
	struct stat st;

	(void)state;
	FOR_EACH_TYPE(type)
	{
		struct via__end *rx = end_open(url_of_type(type), VIA_RECV);

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFSOCK | 0600);
		end_close(rx);
		assert_int_equal(access(path, F_OK), -1);
	}
	struct via__end *rx = end_open(url_of("mode=0664"), VIA_RECV);

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0664);
	end_close(rx);
	umask(before);
}

static void a_file_has_the_owner(void **state)
{
	struct stat st;
	struct via__end *rx;

	(void)state;
	if (geteuid())
		check_skip("root");
	rx = end_open(url_of("owner=65534&group=65533"), VIA_RECV);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	end_close(rx);
}

static void a_name_in_use_is_refused_in_peace(void **state)
{
	(void)state;
	FOR_EACH_TYPE(type)
	{
		struct via__end *rx = end_open(url_of_type(type), VIA_RECV);

		FOR_EACH_TYPE(other)
		refused_with(url_of_type(other), -EADDRINUSE, path);
		end_expect_quiet(rx);
		assert_int_equal(rx->stats.joined + rx->stats.rejected, 0);
		end_close(rx);
	}
}

static void bind_and_stay(void)
{
	(void)end_open(url_of(""), VIA_RECV);
	raise(SIGKILL);
}

static void a_name_of_the_dead_is_taken_over(void **state)
{
	(void)state;
	FOR_EACH_TYPE(type)
	{
		pid_t pid = spawn_as(0, bind_and_stay);
		struct via__end *rx;

		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(access(path, F_OK), 0);
		rx = end_open(url_of_type(type), VIA_RECV);
		end_close(rx);
	}
}

static void what_is_no_socket_stays(void **state)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	(void)state;
	close(fd);
	refused_with(url_of(""), -EADDRINUSE, "no socket");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	refused_with(url_of(""), -EADDRINUSE, "no socket");
	assert_int_equal(unlink(path), 0);
}

static void a_name_that_became_another_s_stays(void **state)
{
	struct via__end *rx = end_open(url_of(""), VIA_RECV), *other;

	(void)state;
	assert_int_equal(unlink(path), 0);
	other = end_open(url_of(""), VIA_RECV);
	end_close(rx);
	assert_int_equal(access(path, F_OK), 0);
	end_close(other);
}

/* A URL of a name of len bytes that starts with this. */
static const char *url_of_length(const char *start, size_t len)
{
	static char url[160];
	int n = snprintf(url, sizeof(url), "unix:%s", start);

	memset(url + n, 'x', len);
	url[strlen("unix:") + len] = '\0';
	return url;
}

static void a_name_is_as_long_as_fits(void **state)
{
	char start[80];

	(void)state;
	(void)snprintf(start, sizeof(start), "%s/", dir);
	end_close(end_open(url_of_length(start, 107), VIA_RECV));
	refused_with(url_of_length(start, 108), -ENAMETOOLONG, "107");
	(void)snprintf(start, sizeof(start), "@via-unix-test-%d-", getpid());
	end_close(end_open(url_of_length(start, 108), VIA_RECV));
	refused_with(url_of_length(start, 109), -ENAMETOOLONG, "107");
	refused_with("unix:", -EINVAL, "name");
	refused_with("unix:@", -EINVAL, "name");
}

static void a_sender_waits_for_the_name(void **state)
{
	(void)state;
	FOR_EACH_TYPE(type)
	{
		struct via__end *tx = end_open(url_of_type(type), VIA_SEND);
		struct via__end *rx;

		assert_int_equal(tx->transport->connect(tx), -EAGAIN);
		assert_non_null(strstr(tx->error.text, "nobody"));
		rx = end_open(url_of_type(type), VIA_RECV);
		assert_int_equal(tx->transport->connect(tx), 0);
		end_close(tx);
		end_close(rx);
	}
}

static void another_type_is_told(void **state)
{
	struct via__end *rx = end_open(url_of(""), VIA_RECV);
	struct via__end *tx = end_open(url_of("type=seqpacket"), VIA_SEND);

	(void)state;
	assert_int_equal(tx->transport->connect(tx), -EPROTOTYPE);
	assert_non_null(strstr(tx->error.text, "type="));
	end_close(tx);
	end_close(rx);
}

/* --- Descriptors --- */

static void descriptors_travel(void **state)
{
	char byte;

	(void)state;
	FOR_EACH_TYPE(type)
	{
		struct via__end *rx = end_open(url_of_type(type), VIA_RECV);
		struct via__end *tx = end_sender(url_of_type(type));
		struct via_msg info = {0};
		struct via__in in = {.info = &info};
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		for (int asked = 0; asked < 2; asked++) {
			struct via__out out = {
				.data = "with",
				.len = 4,
				.fds = fds,
				.n_fds = 2,
			};

			in.info = asked ? &info : NULL;
			assert_int_equal(tx->transport->send(tx, &out), 0);
			assert_int_equal(end_send_text(tx, "without"), 0);
			assert_int_equal(end_recv(rx, &in), 0);
			assert_int_equal(in.len, 4);
			if (!asked)
				end_expect(rx, "without");
		}
		assert_int_equal(info.n_fds, 2);
		assert_true(fcntl(info.fds[0], F_GETFD) & FD_CLOEXEC);
		assert_int_equal(write(info.fds[1], "!", 1), 1);
		assert_int_equal(read(fds[0], &byte, 1), 1);
		close(info.fds[0]);
		close(info.fds[1]);
		end_expect(rx, "without");
		close(fds[0]);
		close(fds[1]);
		end_close(tx);
		end_close(rx);
	}
}

static void undelivered_descriptors_are_closed(void **state)
{
	(void)state;
	FOR_EACH_TYPE(type)
	{
		struct via__end *rx = end_open(url_of_type(type), VIA_RECV);
		struct via__end *tx = end_sender(url_of_type(type));
		struct via__out out = {.data = "with",
				       .len = 4,
				       .fds = (int[]){0},
				       .n_fds = 1};

		assert_int_equal(end_send_text(tx, "first"), 0);
		assert_int_equal(tx->transport->send(tx, &out), 0);
		end_expect(rx, "first"); /* the rest is read ahead */
		end_close(tx);
		end_close(rx);
	}
}

static void too_many_descriptors_are_an_attack(void **state)
{
	struct via__frame f = {.flags = VIA__FRAME_FIRST | VIA__FRAME_LAST |
					VIA__FRAME_FDS,
			       .sender = 7};
	uint8_t frame[VIA__FRAME_LEN];
	struct iovec iov = {frame, sizeof(frame)};
	char control[CMSG_SPACE(40 * sizeof(int))] = {0};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	(void)state;
	via__frame_put(&f, frame);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(40 * sizeof(int)); /* forty times fd 0 */
	FOR_EACH_TYPE(type)
	{
		struct via__end *rx = end_open(url_of_type(type), VIA_RECV);
		struct via__end *tx = end_sender(url_of_type(type));
		struct pollfd pfd;

		assert_int_equal(tx->transport->pollfd(tx, VIA_SEND, &pfd), 0);
		assert_int_equal(sendmsg(pfd.fd, &msg, 0), VIA__FRAME_LEN);
		end_expect_code(rx, -EPROTO);
		assert_int_equal(rx->stats.rejected, 1);
		end_close(tx);
		end_close(rx);
	}
}

static void descriptors_over_our_limit_are_told(void **state)
{
	struct via__end *rx = end_open(url_of(""), VIA_RECV);
	struct via__end *tx = end_sender(url_of(""));
	int fds[VIA_FDS_MAX] = {0};
	struct via__out out = {
		.data = "with", .len = 4, .fds = fds, .n_fds = VIA_FDS_MAX};
	struct rlimit before, low;

	(void)state;
	assert_int_equal(end_greet(rx), 0);
	assert_int_equal(tx->transport->send(tx, &out), 0);
	getrlimit(RLIMIT_NOFILE, &before);
	low = before;
	low.rlim_cur = (rlim_t)check_count_fds() + 4;
	setrlimit(RLIMIT_NOFILE, &low);
	end_expect_code(rx, -EMFILE);
	setrlimit(RLIMIT_NOFILE, &before);
	end_close(tx);
	end_close(rx);
}

/* --- Raw, pairs --- */

static void raw_packets_are_messages(void **state)
{
	(void)state;
	for (int dgram = 0; dgram < 2; dgram++) {
		const char *url = url_of(dgram ? "type=dgram&raw"
					       : "type=seqpacket&raw");
		struct via__end *rx = end_open(url, VIA_RECV);
		struct via__end *tx = end_sender(url);
		char buf[4];
		struct via__in small = {.buf = buf, .size = sizeof(buf)};

		assert_int_equal(end_send_text(tx, "one"), 0);
		assert_int_equal(end_send_text(tx, ""), 0);
		assert_int_equal(end_send_text(tx, "more than the buffer"), 0);
		end_expect(rx, "one");
		end_expect(rx, "");
		assert_int_equal(end_recv(rx, &small), 0);
		assert_int_equal(small.len, 20);
		assert_memory_equal(small.data, "more than the buffer", 20);
		assert_int_equal(end_finish(tx), 0);
		if (!dgram)
			end_expect_code(rx, -EPIPE);
		end_expect_quiet(rx);
		end_close(tx);
		end_close(rx);
	}
}

static void raw_streams_are_bytes(void **state)
{
	struct via__end *rx = end_open(url_of("raw"), VIA_RECV);
	struct via__end *tx = end_sender(url_of("raw"));

	(void)state;
	assert_int_equal(end_send_text(tx, "by"), 0);
	assert_int_equal(end_send_text(tx, "tes"), 0);
	end_expect(rx, "bytes");
	assert_int_equal(end_finish(tx), 0);
	end_expect_code(rx, -EPIPE);
	end_close(tx);
	end_close(rx);
}

static const char *const pairs[] = {
	"unix:",
	"unix:?raw",
	"unix:?type=seqpacket",
	"unix:?type=seqpacket&raw",
};

static void a_pair_talks_and_ends_for_ever(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct via__end *ends[2];
		int r;

		end_pair(pairs[i], ends);
		assert_int_equal(end_greet(ends[0]), 0);
		assert_int_equal(end_greet(ends[1]), 0);
		assert_int_equal(end_send_text(ends[1], "x"), 0);
		end_expect(ends[0], "x");
		r = ends[1]->transport->finish(ends[1]);
		assert_true(r == 0 || r == -EAGAIN);
		end_expect_code(ends[0], -EPIPE);
		end_expect_code(ends[0], -EPIPE);
		assert_int_equal(end_finish(ends[1]), 0);
		end_close(ends[0]);
		end_close(ends[1]);
	}
}

static void an_exported_end_is_opened_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct via__end *ends[2], *again[2];
		char url[128];

		end_pair(pairs[i], ends);
		for (int e = 0; e < 2; e++) {
			int fd;

			assert_true(ends[e]->transport->export_end(
					    ends[e], url, sizeof(url)) > 0);
			/* As if by exec: same number, other owner. */
			fd = atoi(strstr(url, "fd=") + 3);
			assert_false(fcntl(fd, F_GETFD) & FD_CLOEXEC);
			(void)snprintf(strstr(url, "fd="), 64, "fd=%d%s",
				       dup(fd),
				       strchr(pairs[i], '?') ? "&" : "");
			if (strchr(pairs[i], '?'))
				strcat(url, strchr(pairs[i], '?') + 1);
			again[e] = end_open(url, e ? VIA_SEND : VIA_RECV);
		}
		/* The copies that were not used do not disturb. */
		assert_int_equal(end_finish(ends[1]), 0);
		end_close(ends[0]);
		end_close(ends[1]);
		assert_int_equal(again[1]->transport->connect(again[1]), 0);
		assert_int_equal(end_send_text(again[1], "still"), 0);
		end_expect(again[0], "still");
		end_close(again[1]);
		end_expect_code(again[0], -EPIPE);
		end_close(again[0]);
	}
}

static const struct CMUnitTest tests[] = {
	TEST(a_file_has_the_mode_and_goes_at_close),
	TEST(a_file_has_the_owner),
	TEST(a_name_in_use_is_refused_in_peace),
	TEST(a_name_of_the_dead_is_taken_over),
	TEST(what_is_no_socket_stays),
	TEST(a_name_that_became_another_s_stays),
	TEST(a_name_is_as_long_as_fits),
	TEST(a_sender_waits_for_the_name),
	TEST(another_type_is_told),
	TEST(descriptors_travel),
	TEST(undelivered_descriptors_are_closed),
	TEST(too_many_descriptors_are_an_attack),
	TEST(descriptors_over_our_limit_are_told),
	TEST(raw_packets_are_messages),
	TEST(raw_streams_are_bytes),
	TEST(a_pair_talks_and_ends_for_ever),
	TEST(an_exported_end_is_opened_again),
};
CHECK_MAIN(tests)
