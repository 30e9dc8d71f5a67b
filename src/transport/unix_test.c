/* SPDX-License-Identifier: MIT */
/* unix: names and who may use them, datagrams, descriptors, raw, pairs. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/frame.h"
#include "transport/ancillary.h"
#include "transport/end_test.h"

#define NOBODY 65534

static const char *const types[] = {"stream", "seqpacket", "dgram"};
#define FOR_EACH_TYPE(type)                                                    \
	for (size_t type = 0; type < sizeof(types) / sizeof(*types); type++)

/* A directory of our own, and a URL of a socket in it. */
static char dir[64], path[80];

static const char *url_of(const char *options)
{
	static char url[256];

	(void)snprintf(url, sizeof(url), "unix:%s?%s", path, options);
	return url;
}

static const char *url_of_type(size_t type)
{
	char options[32];

	(void)snprintf(options, sizeof(options), "type=%s", types[type]);
	return url_of(options);
}

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/via-unix-test-XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	return check_before(state);
}

/* Fails if a name is left. */
static int remove_dir(void **state)
{
	return check_after(state) || rmdir(dir);
}

static void refused_with(const char *url, int code, const char *word)
{
	struct via__end *end;
	struct via_error err = {0};

	assert_int_equal(end_try(url, VIA_RECV, &end, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, word))
		fail_msg("%s: no word of %s", err.text, word);
}

/* Run in a child with this user, to be joined by reap(). */
static pid_t spawn_as(uid_t uid, void (*run)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		if (uid && (setgid(uid) || setuid(uid)))
			_exit(99);
		run();
		_exit(0);
	}
	return pid;
}

static void reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
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

/* --- Who may come in --- */

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

/* --- Datagrams --- */

static void dgram_senders_come_and_go(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);

	(void)state;
	assert_int_equal(rx->transport->greet(rx), -EAGAIN);
	for (int round = 0; round < 2; round++) {
		struct via__end *a = end_sender(url), *b = end_sender(url);

		assert_int_equal(end_greet(rx), 0);
		assert_int_equal(end_send_text(a, "a"), 0);
		assert_int_equal(end_send_text(b, "b"), 0);
		assert_int_equal(end_finish(a), 0);
		end_expect(rx, "a");
		end_expect(rx, "b");
		end_expect_quiet(rx);
		assert_int_equal(end_finish(b), 0);
		end_expect_code(rx, -EPIPE);
		end_expect_quiet(rx);
		end_close(a);
		end_close(b);
	}
	end_close(rx);
}

static void dgram_messages_may_be_long_and_interleave(void **state)
{
	enum {
		LEN = 300000
	};
	static char text[2][LEN];
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx[2] = {end_sender(url), end_sender(url)};
	int r[2] = {-EAGAIN, -EAGAIN}, got = 0;
	struct via__out out[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		memset(text[i], 'a' + i, LEN);
		out[i] = (struct via__out){.data = text[i], .len = LEN};
	}
	while (got < 2) {
		struct via__in in = {0};

		for (int i = 0; i < 2; i++)
			if (r[i])
				r[i] = tx[i]->transport->send(tx[i], &out[i]);
		rx->transport->release(rx);
		if (rx->transport->recv(rx, &in))
			continue;
		assert_int_equal(in.len, LEN);
		assert_memory_equal(in.data, text[((char *)in.data)[0] - 'a'],
				    LEN);
		got++;
	}
	end_close(tx[0]);
	end_close(tx[1]);
	end_close(rx);
}

static void a_wrong_datagram_harms_nobody(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx = end_sender(url);
	struct via__end *bad = end_sender(url_of("type=dgram&raw"));

	(void)state;
	assert_int_equal(end_send_text(tx, "one"), 0);
	assert_int_equal(end_send_text(bad, "short"), 0);
	assert_int_equal(end_send_text(bad, "quite long enough for a frame, but"
					    "none at all"),
			 0);
	assert_int_equal(end_send_text(tx, "two"), 0);
	end_expect(rx, "one");
	end_expect_code(rx, -EPROTO);
	end_expect_code(rx, -EPROTO);
	end_expect(rx, "two");
	assert_int_equal(rx->stats.rejected, 2);
	end_close(bad);
	end_close(tx);
	end_close(rx);
}

static void dgram_receiver_gone(void **state)
{
	const char *url = url_of("type=dgram");
	struct via__end *rx = end_open(url, VIA_RECV);
	struct via__end *tx = end_sender(url);

	(void)state;
	end_close(rx);
	assert_int_equal(end_send_text(tx, "x"), -EPIPE);
	end_close(tx);
}

static void dgram_refuses_what_it_cannot(void **state)
{
	struct via__end *end, *ends[2];
	struct via_error err;
	struct end_args a;

	(void)state;
	assert_int_equal(end_try(url_of("type=dgram"), VIA_RECV | VIA_DUPLEX,
				 &end, &err),
			 -EOPNOTSUPP);
	end_args(&a, "unix:?type=dgram");
	assert_int_equal(
		a.transport->pair(&a.url, a.options, &a.common, ends, &err),
		-EOPNOTSUPP);
	free(a.options);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

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
	TEST(the_mode_keeps_others_out),
	TEST(lists_keep_others_out),
	TEST(lists_let_others_in),
	TEST(lists_are_asked_for_each_datagram),
	TEST(a_squatter_on_an_abstract_name_is_found_out),
	TEST(dgram_senders_come_and_go),
	TEST(dgram_messages_may_be_long_and_interleave),
	TEST(a_wrong_datagram_harms_nobody),
	TEST(dgram_receiver_gone),
	TEST(dgram_refuses_what_it_cannot),
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
