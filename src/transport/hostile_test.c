/* SPDX-License-Identifier: MIT */
/* What peers may do to a receiver, or a sender, that costs it time, memory or
 * descriptors. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/frame.h"
#include "transport/end_test.h"
#include "transport/hub.h"

#define NOBODY 65534

static const char *url_of(const char *options)
{
	static char url[128];

	(void)snprintf(url, sizeof(url), "unix:@via-hostile-test-%d%s",
		       (int)getpid(), options);
	return url;
}

/* A socket of this type for that name. */
static struct sockaddr_un name_of(socklen_t *len)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(
				   addr.sun_path + 1, sizeof(addr.sun_path) - 1,
				   "via-hostile-test-%d", (int)getpid()));
	return addr;
}

static int stranger(int type)
{
	socklen_t len;
	struct sockaddr_un addr = name_of(&len);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, len), 0);
	return fd;
}

static void put_frame(int fd, uint8_t flags, uint64_t seq, uint32_t len,
		      uint64_t total)
{
	struct via__frame f = {flags, len, 77, seq, total};
	uint8_t bytes[VIA__FRAME_LEN];

	via__frame_put(&f, bytes);
	assert_int_equal(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL),
			 sizeof(bytes));
}

/* How often that direction wakes up in vain: it sleeps till the deadline
 * unless it is woken. */
static int wakes_in_vain(struct via__end *end, enum via_role role,
			 int (*op)(struct via__end *end))
{
	int64_t deadline = via__deadline(50000000);
	int n = 0;

	for (; n < 100 && op(end) == -EAGAIN; n++) {
		struct pollfd pfd;

		assert_int_equal(end->transport->pollfd(end, role, &pfd), 0);
		if (via__poll(&pfd, 1, deadline) == 0)
			break;
	}
	return n;
}

static int try_recv(struct via__end *end)
{
	end->transport->release(end);
	return end->transport->recv(end, &(struct via__in){0});
}

/* --- Time --- */

static void idlers_take_no_time(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
	static const char *const options[] = {"", "?type=seqpacket"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct via__end *rx = end_open(url_of(options[i]), VIA_RECV);
		int mute = stranger(types[i]), deaf = stranger(types[i]);
		int half = stranger(types[i]), done = stranger(types[i]);
		int gone = stranger(types[i]), noisy = stranger(types[i]);

		put_frame(half, VIA__FRAME_HELLO, 0, 0, 0);
		put_frame(half, VIA__FRAME_FIRST, 0, 1000, 2000);
		put_frame(deaf, VIA__FRAME_HELLO, 0, 0, 0);
		shutdown(deaf, SHUT_RD);
		shutdown(done, SHUT_WR);
		put_frame(gone, VIA__FRAME_HELLO, 0, 0, 0);
		close(gone);
		assert_int_equal(send(noisy,
				      "GET / HTTP/1.0\r\n\r\n 0123456789"
				      "0123456789",
				      38, 0),
				 38);
		while (try_recv(rx) != -EPROTO)
			end_wait(rx, VIA_RECV);
		assert_true(wakes_in_vain(rx, VIA_RECV, try_recv) <= 2);
		close(mute);
		close(deaf);
		close(half);
		close(done);
		close(noisy);
		end_close(rx);
	}
}

static int try_greet(struct via__end *end)
{
	return end->transport->greet(end);
}

static void a_scrap_does_not_keep_greet_awake(void **state)
{
	struct via__end *rx = end_open(url_of("?type=dgram"), VIA_RECV);
	int fd = stranger(SOCK_DGRAM);

	(void)state;
	assert_int_equal(send(fd, "scrap", 5, 0), 5);
	assert_int_equal(send(fd, "scrap", 5, 0), 5);
	assert_true(wakes_in_vain(rx, VIA_RECV, try_greet) <= 2);
	close(fd);
	end_close(rx);
}

static int try_finish(struct via__end *end)
{
	return end->transport->finish(end);
}

/* A duplex end and a peer that has said something but reads nothing. */
static struct via__end *sender_to_the_deaf(int *listener, int *peer)
{
	socklen_t len;
	struct sockaddr_un addr = name_of(&len);
	struct via__end *tx = end_open(url_of(""), VIA_SEND | VIA_DUPLEX);
	struct via__out out;

	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(*listener, 1), 0);
	assert_int_equal(end_connect(tx), 0);
	*peer = accept(*listener, NULL, NULL);
	assert_true(*peer >= 0);
	put_frame(*peer, VIA__FRAME_HELLO, 0, 0, 0);
	do
		out = (struct via__out){.data = "x", .len = 1};
	while (!tx->transport->send(tx, &out));
	assert_false(out.begun);
	return tx;
}

static void a_deaf_peer_does_not_keep_finish_awake(void **state)
{
	int listener, peer;
	struct via__end *tx = sender_to_the_deaf(&listener, &peer);

	(void)state;
	put_frame(peer, VIA__FRAME_FIRST | VIA__FRAME_LAST, 0, 0, 0);
	assert_true(wakes_in_vain(tx, VIA_RECV, try_finish) <= 2);
	close(peer);
	close(listener);
	end_close(tx);
}

static void finish_given_up_does_not_keep_recv_awake(void **state)
{
	int listener, peer;
	struct via__end *tx = sender_to_the_deaf(&listener, &peer);
	char buf[64 << 10];

	(void)state;
	assert_int_equal(tx->transport->finish(tx), -EAGAIN);
	while (recv(peer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	assert_true(wakes_in_vain(tx, VIA_RECV, try_recv) <= 2);
	close(peer);
	close(listener);
	end_close(tx);
}

/* The same of an end that receives first: when there is room, finish goes on. */
static void finish_of_a_receiver_waits_for_room(void **state)
{
	struct via__end *rx = end_open(url_of(""), VIA_RECV | VIA_DUPLEX);
	int peer = stranger(SOCK_STREAM);
	char buf[64 << 10];
	struct via__out out;
	ssize_t n;

	(void)state;
	put_frame(peer, VIA__FRAME_HELLO, 0, 0, 0);
	assert_int_equal(end_greet(rx), 0);
	do
		out = (struct via__out){.data = "x", .len = 1};
	while (!rx->transport->send(rx, &out));
	assert_false(out.begun);
	assert_int_equal(rx->transport->finish(rx), -EAGAIN);
	while (recv(peer, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	end_wait(rx, VIA_RECV);
	assert_int_equal(rx->transport->finish(rx), -EAGAIN);
	n = recv(peer, buf, sizeof(buf), MSG_DONTWAIT);
	assert_int_equal(n, VIA__FRAME_LEN);
	assert_int_equal(buf[3] & 0xff, VIA__FRAME_END);
	close(peer);
	end_close(rx);
}

/* What was read ahead goes by unseen, DONE behind it does not. */
static void finish_finds_done_behind_many_messages(void **state)
{
	static const char *const options[] = {"", "?type=seqpacket"};
	enum {
		MANY = 3000,
		BATCH = 100
	};
	struct iovec msgs[BATCH];

	(void)state;
	for (int i = 0; i < BATCH; i++)
		msgs[i] = (struct iovec){NULL, 0};
	for (int i = 0; i < 2; i++) {
		struct via__end *rx = end_open(url_of(options[i]),
					       VIA_RECV | VIA_DUPLEX);
		struct via__end *tx = end_open(url_of(options[i]),
					       VIA_SEND | VIA_DUPLEX);

		assert_int_equal(end_connect(tx), 0);
		assert_int_equal(end_greet(rx), 0);
		for (int sent = 0; sent < MANY; sent += BATCH)
			assert_int_equal(
				tx->transport->send_batch(tx, msgs, BATCH),
				BATCH);
		assert_int_equal(rx->transport->finish(rx), -EAGAIN);
		end_expect_code(tx, -EPIPE);
		assert_int_equal(end_finish(rx), 0);
		end_close(tx);
		end_close(rx);
	}
}

/* --- Memory --- */

/* A receiver that has failed does not write to the buffer it was given. */
static void garbage_does_not_keep_the_buffer(void **state)
{
	struct via__end *rx = end_open(url_of("?type=dgram"), VIA_RECV);
	int good = stranger(SOCK_DGRAM), bad = stranger(SOCK_DGRAM);
	char before[8] = "", after[8] = "";
	struct via__in in = {.buf = before, .size = sizeof(before)};
	char packet[VIA__FRAME_LEN + 4];
	struct via__frame f = {VIA__FRAME_FIRST, 4, 77, 0, 8};

	(void)state;
	via__frame_put(&f, (uint8_t *)packet);
	memcpy(packet + VIA__FRAME_LEN, "good", 4);
	assert_int_equal(send(good, packet, sizeof(packet), 0), sizeof(packet));
	assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	assert_int_equal(send(bad, "scrap", 5, 0), 5);
	assert_int_equal(rx->transport->recv(rx, &in), -EPROTO);
	memset(before, '!', sizeof(before));
	f.flags = VIA__FRAME_LAST;
	via__frame_put(&f, (uint8_t *)packet);
	assert_int_equal(send(good, packet, sizeof(packet), 0), sizeof(packet));
	in = (struct via__in){.buf = after, .size = sizeof(after)};
	assert_int_equal(end_recv(rx, &in), 0);
	assert_int_equal(in.len, 8);
	assert_memory_equal(in.data, "goodgood", 8);
	assert_memory_equal(before, "!!!!!!!!", 8);
	close(good);
	close(bad);
	end_close(rx);
}

/* Nor one whose stream has ended, while somebody speaks who never joined. */
static void the_end_does_not_keep_the_buffer(void **state)
{
	struct via__end *rx = end_open(url_of(""), VIA_RECV);
	struct via__end *tx = end_sender(url_of(""));
	int rude = stranger(SOCK_STREAM);
	char before[8] = "", after[8] = "";
	struct via__in in = {.buf = before, .size = sizeof(before)};

	(void)state;
	assert_int_equal(end_greet(rx), 0);
	put_frame(rude, VIA__FRAME_FIRST, 0, 4, 8);
	assert_int_equal(send(rude, "ru", 2, 0), 2);
	assert_int_equal(rx->transport->recv(rx, &in), -EAGAIN);
	end_close(tx);
	assert_int_equal(end_recv(rx, &in), -EPIPE);
	memset(before, '!', sizeof(before));
	assert_int_equal(send(rude, "de", 2, 0), 2);
	put_frame(rude, VIA__FRAME_LAST, 0, 4, 8);
	assert_int_equal(send(rude, "rude", 4, 0), 4);
	in = (struct via__in){.buf = after, .size = sizeof(after)};
	assert_int_equal(end_recv(rx, &in), 0);
	assert_memory_equal(in.data, "ruderude", 8);
	assert_memory_equal(before, "!!!!!!!!", 8);
	close(rude);
	end_close(rx);
}

static struct via__peer *starved;

static int no_start(struct via__peer *peer)
{
	if (!starved)
		starved = peer;
	return 0;
}

static int starve(struct via__peer *peer, struct via__in *in)
{
	in->data = peer;
	return peer == starved ? -ENOMEM : 0;
}

static void nothing(struct via__peer *peer)
{
	(void)peer;
}

static void no_stop(struct via__peer *peer, bool forked)
{
	(void)peer;
	(void)forked;
}

/* There is no memory for a message of one; the others have short ones. */
static void who_has_no_memory_does_not_stop_others(void **state)
{
	static const struct via__peer_ops ops = {
		.size = sizeof(struct via__peer),
		.start = no_start,
		.recv = starve,
		.release = nothing,
		.stop = no_stop,
	};
	struct via__end end = {0};
	struct via__hub hub;
	int pairs[2][2], given = 0;

	(void)state;
	starved = NULL;
	assert_int_equal(via__hub_init(&hub, &end, &ops, NULL, false, 2, NULL),
			 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					    0, pairs[i]),
				 0);
		assert_int_equal(via__hub_add(&hub, pairs[i][0], NULL), 0);
		assert_int_equal(send(pairs[i][1], "x", 1, 0), 1);
	}
	for (int i = 0; i < 10; i++) {
		struct via__in in = {0};

		given += !via__hub_recv(&hub, &in);
		via__hub_release(&hub);
	}
	assert_true(given > 2);
	via__hub_fini(&hub, false);
	close(pairs[0][1]);
	close(pairs[1][1]);
}

/* --- Descriptors --- */

/* len bytes and n descriptors. */
static void send_fds(int to, const char *text, int n)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(VIA_FDS_MAX * 2 * sizeof(int))];
	} control;
	struct iovec iov = {(char *)text, strlen(text)};
	size_t len = (size_t)n * sizeof(int);
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(len),
	};
	int *fds = (int *)CMSG_DATA(&control.header);

	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(len),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	for (int i = 0; i < n; i++)
		fds[i] = 0;
	assert_int_equal(sendmsg(to, &msg, MSG_NOSIGNAL), (ssize_t)iov.iov_len);
}

static void raw_streams_keep_no_descriptors(void **state)
{
	struct via__end *rx = end_open(url_of("?raw"), VIA_RECV);
	int fd = stranger(SOCK_STREAM);
	int before;

	(void)state;
	assert_int_equal(send(fd, "one", 3, 0), 3);
	end_expect(rx, "one");
	before = check_count_fds();
	for (int i = 0; i < 4; i++) {
		send_fds(fd, "two", 2);
		end_expect(rx, "two");
		assert_int_equal(check_count_fds(), before);
	}
	close(fd);
	end_close(rx);
}

static void raw_packets_say_why_they_are_refused(void **state)
{
	struct via__end *rx = end_open(url_of("?type=seqpacket&raw"), VIA_RECV);
	int fd = stranger(SOCK_SEQPACKET);

	(void)state;
	send_fds(fd, "many", VIA_FDS_MAX + 1);
	end_expect_code(rx, -EPROTO);
	assert_int_equal(rx->error.code, -EPROTO);
	assert_non_null(strstr(rx->error.text, "descriptors"));
	close(fd);
	end_close(rx);
}

/* Whom the receiver does not admit cannot make it fail. */
static void what_strangers_send_is_no_error(void **state)
{
	static const char *const options[] = {"?type=dgram", "?type=dgram&raw"};

	(void)state;
	if (geteuid())
		check_skip("root");
	for (int i = 0; i < 2; i++) {
		struct via__end *rx = end_open(url_of(options[i]), VIA_RECV);
		int fd = stranger(SOCK_DGRAM), status;
		pid_t pid = fork();

		if (!pid) {
			if (setgid(NOBODY) || setuid(NOBODY))
				_exit(99);
			send_fds(fd, "many", VIA_FDS_MAX + 1);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(try_recv(rx), -EAGAIN);
		assert_int_equal(rx->stats.rejected, 1);
		close(fd);
		end_close(rx);
	}
}

/* Out of descriptors altogether: who waits to be accepted goes on waiting. */
static void no_descriptors_take_no_time(void **state)
{
	struct via__end *rx = end_open(url_of(""), VIA_RECV);
	int mute = stranger(SOCK_STREAM);
	struct rlimit before, low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);

	int wakes = wakes_in_vain(rx, VIA_RECV, try_recv);

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(wakes <= 2);
	close(mute);
	end_close(rx);
}

/* --- What raw cannot carry --- */

static void raw_ends_send_no_topic(void **state)
{
	static const char *const urls[] = {"unix:?raw", "pipe:?raw",
					   "unix:?type=seqpacket&raw"};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		struct via__out out = {
			.prefix = "topic",
			.prefix_len = 5,
			.data = "data",
			.len = 4,
		};
		struct via__end *ends[2];

		end_pair(urls[i], ends);
		assert_int_equal(ends[1]->transport->send(ends[1], &out),
				 -EOPNOTSUPP);
		assert_non_null(strstr(ends[1]->error.text, "raw"));
		end_expect_quiet(ends[0]);
		end_close(ends[0]);
		end_close(ends[1]);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(idlers_take_no_time),
	CHECK_TEST(a_scrap_does_not_keep_greet_awake),
	CHECK_TEST(a_deaf_peer_does_not_keep_finish_awake),
	CHECK_TEST(finish_given_up_does_not_keep_recv_awake),
	CHECK_TEST(finish_of_a_receiver_waits_for_room),
	CHECK_TEST(finish_finds_done_behind_many_messages),
	CHECK_TEST(garbage_does_not_keep_the_buffer),
	CHECK_TEST(the_end_does_not_keep_the_buffer),
	CHECK_TEST(who_has_no_memory_does_not_stop_others),
	CHECK_TEST(raw_streams_keep_no_descriptors),
	CHECK_TEST(what_strangers_send_is_no_error),
	CHECK_TEST(no_descriptors_take_no_time),
	CHECK_TEST(raw_ends_send_no_topic),
	CHECK_TEST(raw_packets_say_why_they_are_refused),
};
CHECK_MAIN(tests)
