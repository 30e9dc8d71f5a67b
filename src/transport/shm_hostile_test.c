/* SPDX-License-Identifier: MIT */
/* shm: against peers made by hand who lie, on the socket and in memory. */
#include "transport/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/frame.h"
#include "transport/end_test.h"

#define RING  ((size_t)64 << 10)
#define WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

static char name[64], url[72];

/* Have name and url that nobody else uses. */
static void freshen(void)
{
	static int n;

	(void)snprintf(name, sizeof(name), "@via/shm/hostile-%d-%d",
		       (int)getpid(), n++);
	(void)snprintf(url, sizeof(url), "shm:%s", name + strlen("@via/shm/"));
}

static int raw_socket(struct via__unix_name *at)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(via__unix_name_parse(at, name, NULL), 0);
	return fd;
}

static int raw_connect(void)
{
	struct via__unix_name at;
	int fd = raw_socket(&at);

	assert_int_equal(connect(fd, (const struct sockaddr *)&at.addr, at.len),
			 0);
	return fd;
}

/* A good greeting, to be spoilt. Magic and version are filled in as well. */
static struct via__shm_packet greeting(void)
{
	struct via__shm_packet p = {0};
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	assert_int_equal(via__shm_say(fd[0], &p, -1), 0);
	assert_int_equal(recv(fd[1], &p, sizeof(p), 0), sizeof(p));
	close(fd[0]);
	close(fd[1]);
	p.kind = VIA__SHM_HELLO;
	p.ring = RING;
	p.sender = 1;
	return p;
}

/* Send bytes and descriptors as they are. */
static void raw_say(int fd, const void *data, size_t len, const int *fds,
		    unsigned int n_fds)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &msg, MSG_NOSIGNAL), len);
}

/* What the receiver answers. */
static struct via__shm_packet raw_hear(int fd)
{
	struct via__shm_packet p = {0};

	assert_int_equal(recv(fd, &p, sizeof(p), 0), sizeof(p));
	return p;
}

/* One tick of a receiver's life; its news, or -EAGAIN. */
static int turn(struct via__end *r)
{
	struct via__in in = {0};

	if (r->transport->arm(r, VIA_RECV) == 0)
		return -EAGAIN;
	r->transport->release(r);
	return r->transport->recv(r, &in);
}

/* Afterwards a sender who behaves is served as ever. */
static void serves_others(struct via__end *r)
{
	struct via__end *s = end_sender(url);

	assert_int_equal(end_send_text(s, "hello"), 0);
	end_expect(r, "hello");
	end_close(s);
	end_expect_code(r, -EPIPE);
}

static int memory(size_t len, int seals)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	assert_int_equal(fallocate(fd, 0, 0, (off_t)len), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* A receiver meets this greeting: it is refused with -EPROTO and a sentence
 * that has these words. */
static void refuses(const void *data, size_t len, const int *fds,
		    unsigned int n_fds, const char *words)
{
	freshen();
	struct via__end *r = end_open(url, VIA_RECV);
	int fd = raw_connect();

	raw_say(fd, data, len, fds, n_fds);
	assert_int_equal(turn(r), -EPROTO);
	if (!strstr(r->error.text, words))
		fail_msg("%s, not %s", r->error.text, words);
	assert_int_equal(r->stats.rejected, 1);
	assert_int_equal(r->stats.joined, 0);
	struct via__shm_packet answer = raw_hear(fd);

	assert_int_equal(answer.kind, VIA__SHM_REFUSE);
	assert_int_equal(answer.error, -EPROTO);
	assert_int_equal(recv(fd, &answer, 1, 0), 0);
	close(fd);
	serves_others(r);
	end_close(r);
}

static void refuses_bad_greetings(void **state)
{
	struct via__shm_packet good = greeting(), bad;
	int fd = memory(via__sealed_page() + RING, SEALS);
	int three[] = {fd, fd, fd};
	char longer[sizeof(good) + 1] = {0};

	(void)state;
	for (size_t i = 0; i < 8 * offsetof(struct via__shm_packet, abilities);
	     i++) {
		bad = good;
		((uint8_t *)&bad)[i / 8] ^= (uint8_t)(1 << i % 8);
		refuses(&bad, sizeof(bad), &fd, 1, "");
	}
	for (int bit = 0; bit < 64; bit++) {
		bad = good;
		bad.ring ^= UINT64_C(1) << bit;
		refuses(&bad, sizeof(bad), &fd, 1, "makes no sense");
		bad.ring = UINT64_C(1) << bit;
		if (bad.ring != RING)
			refuses(&bad, sizeof(bad), &fd, 1, "");
	}
	bad = good;
	bad.sender = 0;
	refuses(&bad, sizeof(bad), &fd, 1, "makes no sense");
	bad = good;
	bad.version++;
	refuses(&bad, sizeof(bad), &fd, 1, "version 3");
	memcpy(longer, &good, sizeof(good));
	for (size_t len = 1; len <= sizeof(longer); len++)
		if (len != sizeof(good))
			refuses(longer, len, &fd, 1, "does not speak shm");
	refuses("!", 1, NULL, 0, "does not greet");
	refuses("GET / HTTP/1.1\r\n\r\n", 18, NULL, 0, "does not speak shm");
	refuses(&good, sizeof(good), NULL, 0, "did not come");
	refuses(&good, sizeof(good), three, 2, "does not speak shm");
	refuses(&good, sizeof(good), three, 3, "does not speak shm");
	close(fd);
}

static void refuses_bad_memory(void **state)
{
	struct via__shm_packet good = greeting();
	size_t size = via__sealed_page() + RING;
	int fds[] = {
		memory(size, 0),
		memory(size, SEALS & ~F_SEAL_SHRINK),
		memory(size, SEALS & ~F_SEAL_FUTURE_WRITE),
		memory(size - 4096, SEALS),
		memory(size + 4096, SEALS),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		refuses(&good, sizeof(good), &fds[i], 1, "shared memory");
		close(fds[i]);
	}
}

static void bears_those_who_say_nothing(void **state)
{
	int fds[8];

	(void)state;
	freshen();
	struct via__end *r = end_open(url, VIA_RECV);

	for (int i = 0; i < 8; i++)
		fds[i] = raw_connect();
	assert_int_equal(turn(r), -EAGAIN);
	struct via__end *s = end_sender(url);

	assert_int_equal(end_send_text(s, "hello"), 0);
	end_expect(r, "hello");
	end_close(s);
	end_expect_code(r, -EPIPE);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	assert_int_equal(turn(r), -EAGAIN);
	serves_others(r);
	assert_int_equal(r->stats.rejected, 0);
	end_close(r);
}

/* --- A sender who has been let in --- */

struct liar {
	struct via__end *r; /* who is lied to */
	int fd;
	struct via__sealed memory;
};

static void liar_join(struct liar *l)
{
	struct via__shm_packet hello = greeting();
	int memfd;

	freshen();
	l->r = end_open(url, VIA_RECV);
	l->fd = raw_connect();
	assert_int_equal(
		via__sealed_make("liar", RING, 0, &l->memory, &memfd, NULL), 0);
	assert_int_equal(via__shm_say(l->fd, &hello, memfd), 0);
	close(memfd);
	assert_int_equal(end_greet(l->r), 0);
	assert_int_equal(raw_hear(l->fd).kind, VIA__SHM_HELLO);
}

static void liar_leave(struct liar *l)
{
	close(l->fd);
	via__sealed_unmap(&l->memory);
	end_close(l->r);
}

/* Write a record header at an offset of the ring. */
static void liar_put(struct liar *l, size_t at, uint32_t len, uint32_t flags)
{
	uint64_t header = (uint64_t)flags << 32 | len;

	memcpy(l->memory.ring + at, &header, sizeof(header));
}

/* What it has put into its lane gets it cut off, and nobody else. */
static void liar_is_cut_off(struct liar *l, const char *words)
{
	end_expect_code(l->r, -EPROTO);
	if (!strstr(l->r->error.text, words))
		fail_msg("%s, not %s", l->r->error.text, words);
	assert_int_equal(l->r->stats.rejected, 1);
	end_expect_code(l->r, -EPIPE);
	serves_others(l->r);
	liar_leave(l);
}

static void cuts_off_bad_records(void **state)
{
	static const struct {
		uint32_t len, flags;
	} records[] = {
		{RING - 15, WHOLE},   {RING, WHOLE},
		{UINT32_MAX, WHOLE},  {8, 0},
		{8, WHOLE | 8},	      {8, WHOLE | 16},
		{8, WHOLE | 32},      {8, WHOLE | 128},
		{8, 1 << 16 | WHOLE}, {7, VIA__FRAME_FIRST},
		{8, VIA__FRAME_LAST},
	};
	struct liar l;

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		liar_join(&l);
		liar_put(&l, 0, records[i].len, records[i].flags);
		liar_is_cut_off(&l, "lane");
	}
}

/* A ring of records without an end is read no more than once when nobody is
 * there any more who could have written them. */
static void ends_with_its_sender(void **state)
{
	struct via__in in = {0};
	struct liar l;
	size_t n = 0;
	int rc;

	(void)state;
	liar_join(&l);
	for (size_t at = 0; at < RING; at += 16)
		liar_put(&l, at, 8, WHOLE);
	for (; n < 2 * RING / 16; n++)
		assert_int_equal(end_recv(l.r, &in), 0);
	close(l.fd);
	l.fd = -1;
	do
		rc = end_recv(l.r, &in);
	while (rc == 0 && ++n < 5 * RING / 16);
	assert_int_equal(rc, -EPROTO);
	serves_others(l.r);
	liar_leave(&l);
}

/* Pieces that do not make a message. */
static void cuts_off_bad_pieces(void **state)
{
	static const struct {
		uint64_t total;
		uint32_t first, then, flags;
	} cases[] = {
		{100, 8 + 40, 70, VIA__FRAME_LAST}, /* too much */
		{100, 8 + 40, 50, VIA__FRAME_LAST}, /* too little */
		{100, 8 + 40, 60, 0},		    /* no last */
		{100, 8 + 101, 0, 0},
		{UINT64_MAX, 8 + 40, 0, 0}, /* over max */
		{100, 8 + 40, 60, WHOLE},
		{0, 8, 0, VIA__FRAME_LAST},
	};
	struct liar l;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t second = via__lane_span(cases[i].first);

		liar_join(&l);
		liar_put(&l, 0, cases[i].first, VIA__FRAME_FIRST);
		memcpy(l.memory.ring + 8, &cases[i].total, 8);
		liar_put(&l, second, cases[i].then, cases[i].flags);
		liar_is_cut_off(&l, "");
	}
}

static void does_not_believe_in_a_great_total(void **state)
{
	struct liar l;
	uint64_t total = 60 << 20;
	struct via__in in = {0};

	(void)state;
	liar_join(&l);
	liar_put(&l, 0, 16, VIA__FRAME_FIRST);
	memcpy(l.memory.ring + 8, &total, 8);
	assert_int_equal(l.r->transport->recv(l.r, &in), -EAGAIN);
	/* Nothing like it was allocated: see the sanitizer's limit, and the
	 * message is dropped. */
	close(l.fd);
	l.fd = -1;
	end_expect_code(l.r, -EPIPE);
	assert_int_equal(l.r->stats.dropped, 1);
	serves_others(l.r);
	liar_leave(&l);
}

static void cuts_off_bad_bells(void **state)
{
	struct via__shm_packet hello = greeting();
	struct liar l;

	(void)state;
	for (int i = 0; i < 3; i++) {
		liar_join(&l);
		(void)turn(l.r);
		if (i == 0)
			raw_say(l.fd, &hello, sizeof(hello), NULL, 0);
		if (i == 1)
			raw_say(l.fd, "?", 1, NULL, 0);
		if (i == 2) {
			raw_say(l.fd, "!", 1, NULL, 0);
			raw_say(l.fd, "!", 1, NULL, 0);
		}
		liar_is_cut_off(&l, "asked for");
	}
}

static void closes_descriptors_it_did_not_want(void **state)
{
	struct liar l;
	int before;

	(void)state;
	liar_join(&l);
	before = check_count_fds();
	(void)turn(l.r);
	raw_say(l.fd, "!", 1, &l.fd, 1);
	end_expect_code(l.r, -EPROTO);
	assert_int_equal(check_count_fds(), before - 1);
	liar_leave(&l);
}

/* A view given out survives its sender's crime until it is released. */
static void keeps_a_view_of_a_liar(void **state)
{
	struct liar l;
	struct via__in view = {0}, none = {0};

	(void)state;
	liar_join(&l);
	liar_put(&l, 0, 5, WHOLE);
	memcpy(l.memory.ring + 8, "hello", 5);
	assert_int_equal(end_recv(l.r, &view), 0);
	liar_put(&l, 16, UINT32_MAX, WHOLE);
	assert_int_equal(l.r->transport->recv(l.r, &none), -EAGAIN);
	assert_memory_equal(view.data, "hello", 5);
	liar_is_cut_off(&l, "lane");
}

/* --- A receiver who lies --- */

/* The sender meets this answer. fd: to go with it, -1: none. */
static void sender_fails(const void *data, size_t len, int fd, int code,
			 const char *words)
{
	struct via__unix_name at;

	freshen();
	int listener = raw_socket(&at);

	assert_int_equal(
		bind(listener, (const struct sockaddr *)&at.addr, at.len), 0);
	assert_int_equal(listen(listener, 1), 0);
	struct via__end *s = end_sender(url);
	int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(peer >= 0);
	assert_int_equal(end_send_text(s, "early"), 0);
	raw_say(peer, data, len, &fd, fd >= 0);
	assert_int_equal(end_send_text(s, "late"), code);
	if (!strstr(s->error.text, words))
		fail_msg("%s, not %s", s->error.text, words);
	assert_int_equal(end_send_text(s, "later"), code);
	assert_int_equal(end_greet(s), code);
	assert_int_equal(end_finish(s), code);
	end_close(s);
	close(peer);
	close(listener);
}

static void sender_judges_the_answer(void **state)
{
	struct via__shm_packet good = greeting(), bad = good;
	size_t page = via__sealed_page();
	int fd = memory(page, SEALS), unsealed = memory(page, 0);
	int large = memory(2 * page, SEALS);

	(void)state;
	bad.version = 7;
	sender_fails(&bad, sizeof(bad), fd, -EPROTO, "version 7");
	bad = good;
	bad.kind = 9;
	sender_fails(&bad, sizeof(bad), fd, -EPROTO, "answers");
	sender_fails(&good, sizeof(good), -1, -EPROTO, "did not come");
	sender_fails(&good, sizeof(good), unsealed, -EPROTO, "sealed");
	sender_fails(&good, sizeof(good), large, -EPROTO, "size");
	sender_fails("220 smtp ready\r\n", 16, -1, -EPROTO, "does not speak");
	sender_fails("!", 1, -1, -EPROTO, "rings for nothing");
	bad = good;
	bad.kind = VIA__SHM_REFUSE;
	bad.error = -EACCES;
	sender_fails(&bad, sizeof(bad), -1, -EACCES, "refuses");
	bad.error = 5;
	sender_fails(&bad, sizeof(bad), -1, -EPROTO, "refuses");
	bad.error = INT32_MIN;
	sender_fails(&bad, sizeof(bad), -1, -EPROTO, "refuses");
	close(fd);
	close(unsealed);
	close(large);
}

static void sender_judges_the_cursor(void **state)
{
	static const uint64_t cursors[] = {1, RING, RING * 8, (uint64_t)-8};
	struct via__shm_packet hello = greeting();

	(void)state;
	for (size_t i = 0; i < sizeof(cursors) / sizeof(*cursors); i++) {
		struct via__end *s;
		struct via__sealed page;
		struct via__unix_name at;
		char buf[8000] = {0};
		struct via__out out = {.data = buf, .len = sizeof(buf)};
		int page_fd, r;

		freshen();
		int listener = raw_socket(&at);

		assert_int_equal(bind(listener,
				      (const struct sockaddr *)&at.addr,
				      at.len),
				 0);
		assert_int_equal(listen(listener, 1), 0);
		(void)strncat(url, "?ring=64K", sizeof(url) - strlen(url) - 1);
		s = end_sender(url);
		int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		assert_int_equal(
			via__sealed_make("liar", 0, 0, &page, &page_fd, NULL),
			0);
		((struct via__lane_page *)(void *)page.base)->cursor =
			cursors[i];
		assert_int_equal(via__shm_say(peer, &hello, page_fd), 0);
		while ((r = s->transport->send(s, &out)) == 0)
			out = (struct via__out){.data = buf,
						.len = sizeof(buf)};
		assert_int_equal(r, -EPROTO);
		assert_non_null(strstr(s->error.text, "cursor"));
		end_close(s);
		via__sealed_unmap(&page);
		close(page_fd);
		close(peer);
		close(listener);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(refuses_bad_greetings),
	CHECK_TEST(refuses_bad_memory),
	CHECK_TEST(bears_those_who_say_nothing),
	CHECK_TEST(cuts_off_bad_records),
	CHECK_TEST(ends_with_its_sender),
	CHECK_TEST(cuts_off_bad_pieces),
	CHECK_TEST(does_not_believe_in_a_great_total),
	CHECK_TEST(cuts_off_bad_bells),
	CHECK_TEST(closes_descriptors_it_did_not_want),
	CHECK_TEST(keeps_a_view_of_a_liar),
	CHECK_TEST(sender_judges_the_answer),
	CHECK_TEST(sender_judges_the_cursor),
};
CHECK_MAIN(tests)
