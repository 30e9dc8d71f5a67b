/* SPDX-License-Identifier: MIT */
/*
 * Peers that are no via, another version, hostile, or not admitted. The bytes
 * are made here from docs/WIRE.md, and sent by an end in ?raw.
 */
#include "tests/conformance/lib.h"

#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FIRST = 1,
	LAST = 2,
	HELLO = 4,
	REFUSE = 8,
	META = 64,
	WHOLE = 3
};

/* What a sender says first. */
#define FRAME_HELLO                                                            \
	{                                                                      \
		1, HELLO, 0, 0, 0                                              \
	}

#define SENDER 77
#define NOBODY 65534

struct frame {
	uint8_t version, flags;
	uint32_t len;
	uint64_t seq, total;
};

/* The frame, and up to 100 bytes of payload behind it; returns its length. */
static size_t put_frame(const struct frame *f, unsigned char *at)
{
	size_t payload = f->len < 100 ? f->len : 100;
	uint32_t len = htole32(f->len);
	uint64_t words[3] = {htole64(SENDER), htole64(f->seq),
			     htole64(f->total)};

	memcpy(at, "Vi", 2);
	at[2] = f->version;
	at[3] = f->flags;
	memcpy(at + 4, &len, 4);
	memcpy(at + 8, words, 24);
	memset(at + 32, 0xff, payload);
	return 32 + payload;
}

#define FRAMES_MAX 4
#define FRAME_MAX  132

/* Frames as portions to send; valid until the next call. */
static struct iovec *portions_of(const struct frame *frames, unsigned int n)
{
	static unsigned char bytes[FRAMES_MAX][FRAME_MAX];
	static struct iovec portions[FRAMES_MAX];

	for (unsigned int i = 0; i < n; i++)
		portions[i] = (struct iovec){bytes[i],
					     put_frame(&frames[i], bytes[i])};
	return portions;
}

/* What a child writes, as it is, and nothing else. */
struct bytes {
	struct link *link;
	const struct iovec *portions;
	unsigned int n;
};

static void be_raw_sender(void *arg)
{
	const struct bytes *b = arg;
	struct via_channel *raw = NULL;

	(void)via_close(b->link->recv, VIA_NO_WAIT);
	(void)via_close(b->link->send, VIA_NO_WAIT);
	must_ok(via_open(raw_url(b->link->url), VIA_SEND, patience(), &raw,
			 NULL));
	for (unsigned int i = 0; i < b->n; i++) {
		const struct iovec *portion = &b->portions[i];

		if (portion->iov_len)
			must_ok(via_send(raw, portion->iov_base,
					 portion->iov_len, patience()));
	}
	finish(raw);
}

/* A raw sender that comes, writes and goes. */
static void send_raw(struct link *l, const struct iovec *portions,
		     unsigned int n)
{
	struct bytes b = {l, portions, n};
	struct child c = child_start(be_raw_sender, &b);

	link_no_more_senders(l);
	child_wait(&c);
}

/* What the receiver must say of it, and how it goes on. */
static void recv_refusal(struct link *l)
{
	char buf[200];
	struct via_stats s;

	must_eq(via_recv(l->recv, buf, sizeof(buf), patience()), -EPROTO);
	must_eq(via_last_error(l->recv)->code, -EPROTO);
	must(*via_last_error(l->recv)->text);
	if (!can(VIA_DISTRUSTS)) {
		must_eq(via_recv(l->recv, buf, sizeof(buf), patience()),
			-EPROTO);
		return;
	}
	via_stats(l->recv, &s);
	must_eq(s.rejected, 1);
	send_one(l->send, 1, 1, 150);
	recv_one(l->recv, 1, 1, 150);
}

static void refuse(const struct iovec *portions, unsigned int n)
{
	struct link l;

	link_recv(&l, NULL);
	if (can(VIA_DISTRUSTS)) {
		must_ok(via_open(l.url, VIA_SEND, patience(), &l.send, NULL));
		send_one(l.send, 1, 0, 10);
		recv_one(l.recv, 1, 0, 10);
	}
	send_raw(&l, portions, n);
	recv_refusal(&l);
	link_close(&l);
}

static void wrong_version(void)
{
	const struct frame f = {9, HELLO, 0, 0, 0};
	struct link l;
	char buf[1];

	refuse(portions_of(&f, 1), 1);
	link_recv(&l, NULL);
	send_raw(&l, portions_of(&f, 1), 1);
	must_eq(via_recv(l.recv, buf, 1, patience()), -EPROTO);
	must(strstr(via_last_error(l.recv)->text, "version 9"));
	link_close(&l);
}

static void garbage(void)
{
	static char http[] = "GET / HTTP/1.0\r\nHost: nowhere\r\n\r\n";
	unsigned char noise[4000];

	refuse(&(struct iovec){http, strlen(http)}, 1);
	for (unsigned int round = 0; round < 10; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = hashed(round << 16 | i) & 0xff;
		refuse(&(struct iovec){noise, sizeof(noise)}, 1);
	}
}

static void a_sender_that_refuses(void)
{
	const struct frame f = {1, REFUSE, 0, 0, (uint64_t)-EACCES};

	refuse(portions_of(&f, 1), 1);
}

static const struct {
	const char *lie;
	struct frame f;
	/* Of a sender that is forgotten, where many share a descriptor. */
	bool is_stray;
} lies[] = {
	{"an unknown flag", {1, 0x80 | WHOLE, 4, 0, 4}},
	{"longer than its message", {1, FIRST, 10, 0, 5}},
	{"over the limit of a frame", {1, FIRST, UINT32_MAX, 0, UINT32_MAX}},
	{"over the limit of a message", {1, FIRST, 100, 0, UINT64_C(1) << 40}},
	{"as long as a number can be", {1, FIRST, 100, 0, UINT64_MAX}},
	{"the middle of nothing", {1, 0, 4, 0, 100}, true},
	{"the end of nothing", {1, LAST, 4, 0, 100}, true},
	{"whole and not", {1, WHOLE, 4, 0, 5}},
	{"a refusal", {1, REFUSE, 0, 0, (uint64_t)-EACCES}},
	{"words with a payload", {1, HELLO, 4, 0, 4}},
	{"a meta block cut short", {1, META | WHOLE, 4, 0, 4}},
	{"a topic beyond the message", {1, META | WHOLE, 20, 0, 20}},
};

static void frames_that_lie(void)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const struct frame frames[] = {FRAME_HELLO, lies[i].f};

		if (lies[i].is_stray && !can(VIA_CAN_CONFIRM | IS_STREAM))
			continue;
		fprintf(stderr, "# %s\n", lies[i].lie);
		refuse(portions_of(frames, 2), 2);
	}
}

/* A raw sender's messages with these two numbers. */
static void send_two(struct link *l, uint64_t first, uint64_t second)
{
	const struct frame frames[] = {
		FRAME_HELLO,
		{1, WHOLE, 4, first, 4},
		{1, WHOLE, 5, second, 5},
	};

	link_recv(l, NULL);
	send_raw(l, portions_of(frames, 3), 3);
}

static void sequence_jumps(void)
{
	struct via_msg m = {0};
	struct link l;

	send_two(&l, 3, 10);
	must_ok(via_take(l.recv, &m, patience()));
	must_eq(m.seq, 3);
	must_ok(via_take(l.recv, &m, patience()));
	must_eq(m.seq, 10);
	must_eq(m.gap, 6);
	must_eq(m.sender, SENDER);
	link_close(&l);
}

static void sequence_goes_back(void)
{
	for (uint64_t second = 3; second <= 4; second++) {
		struct link l;
		char buf[4];

		send_two(&l, 4, second);
		must_eq(via_recv(l.recv, buf, 4, patience()), 4);
		must_eq(via_recv(l.recv, buf, 4, patience()), -EPROTO);
		link_close(&l);
	}
}

/* Whole messages, then the end or a complaint, wherever the bytes stop. */
static void cut_anywhere(void)
{
	static const struct frame frames[] = {
		FRAME_HELLO,
		{1, WHOLE, 3, 0, 3},
		{1, FIRST, 5, 1, 9},
		{1, LAST, 4, 1, 9},
	};
	const size_t first = 35, all = 35 + 37 + 36; /* behind HELLO */

	for (size_t cut = 0; cut <= all; cut++) {
		struct iovec *portions = portions_of(frames, 4);
		struct link l;
		size_t left = cut;
		char buf[16];
		ssize_t r;

		for (unsigned int i = 1; i < 4; i++) {
			if (portions[i].iov_len > left)
				portions[i].iov_len = left;
			left -= portions[i].iov_len;
		}
		link_recv(&l, NULL);
		send_raw(&l, portions, 4);
		if (cut >= first)
			must_eq(via_recv(l.recv, buf, 16, patience()), 3);
		if (cut == all)
			must_eq(via_recv(l.recv, buf, 16, patience()), 9);
		r = via_recv(l.recv, buf, 16, patience());
		must(r == -EPIPE || r == -EPROTO);
		link_close(&l);
	}
}

/* The most memory this process has had, in KiB of address space. */
static unsigned long peak_kib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	while (status && fgets(line, sizeof(line), status))
		(void)sscanf(line, "VmPeak: %lu", &kib);
	if (status)
		fclose(status);
	return kib;
}

/* A claim is not believed until the bytes are there. */
static void claims_take_no_memory(void)
{
	struct frame frames[] = {FRAME_HELLO, {1, FIRST, 100, 0, 0}};
	uint64_t max = variant_mechanism()->message_max;
	char option[32], buf[100];
	struct link l;
	ssize_t r;

	if (max > UINT64_C(4) << 30)
		max = UINT64_C(4) << 30;
	frames[1].total = max;
	snprintf(option, sizeof(option), "max=%llu", (unsigned long long)max);
	link_recv(&l, option);

	unsigned long before = peak_kib();

	send_raw(&l, portions_of(frames, 2), 2);
	r = via_recv(l.recv, buf, sizeof(buf), via_deadline(5 * MS));
	must_eq(r, can(IS_STREAM) ? -EPIPE : -ETIMEDOUT);
	must(peak_kib() - before < 128 * KiB);
	link_close(&l);
}

/* ---- receivers that are no via */

/* A sender meets a receiver that answers with those bytes. */
static void meet_receiver(const struct iovec *answer, const char *word)
{
	struct via_channel *raw = NULL, *ch = NULL;
	struct via_error err = {0};
	char url[512] = "", buf[100];
	int r = 0;

	must_ok(via_open(fresh_url("raw"), VIA_RECV | VIA_DUPLEX, VIA_NO_WAIT,
			 &raw, NULL));
	strncpy(url, via_url(raw), sizeof(url) - 1);
	url[strlen(url) - strlen("?raw")] = '\0';
	must_ok(via_open(url, VIA_SEND, patience(), &ch, NULL));
	must_ok(via_send(ch, "hello", 5, patience()));
	must(via_recv(raw, buf, sizeof(buf), patience()) > 0);
	must_ok(via_send(raw, answer->iov_base, answer->iov_len, patience()));
	must_eq(via_wait_peer(ch, patience(), &err), -EPROTO);
	must(strstr(err.text, word));
	(void)via_close(raw, VIA_NO_WAIT);
	for (unsigned int i = 0; i < 1000000 && r == 0; i++)
		r = via_send(ch, scratch(0, 1000), 1000, patience());
	must_eq(r, -EPROTO);
	(void)via_close(ch, VIA_NO_WAIT);
}

static void receiver_is_no_via(void)
{
	static char ssh[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
	const struct frame f = {9, HELLO, 0, 0, 0};

	meet_receiver(&(struct iovec){ssh, strlen(ssh)}, "via");
	meet_receiver(portions_of(&f, 1), "version 9");
}

/* ---- access; only root can become somebody else */

static void become_nobody(struct link *l)
{
	(void)via_close(l->recv, VIA_NO_WAIT);
	must_ok(setgroups(0, NULL));
	must_ok(setresgid(NOBODY, NOBODY, NOBODY));
	must_ok(setresuid(NOBODY, NOBODY, NOBODY));
}

static void knock(void *arg)
{
	struct link *l = arg;
	struct via_error err = {0};
	struct via_channel *ch;

	become_nobody(l);

	int r = via_open(l->url, VIA_SEND, patience(), &ch, &err);

	if (r == 0)
		r = via_wait_peer(ch, patience(), &err);
	/* Datagrams without a name on disk are thrown away unread. */
	if (r == 0 && !has_name_on_disk() && !can(VIA_CAN_CONFIRM)) {
		send_one(ch, 1, 0, 10);
		finish(ch);
		return;
	}
	must_eq(r, -EACCES);
	must(*err.text);
}

static void send_as_nobody(void *arg)
{
	struct link *l = arg;
	struct via_channel *ch;

	become_nobody(l);
	must_ok(via_open(l->url, VIA_SEND, patience(), &ch, NULL));
	send_one(ch, 1, 0, 100);
	finish(ch);
}

static void strangers_are_refused(void)
{
	struct link l;
	char buf[1];
	siginfo_t info = {0};
	struct via_stats s;

	if (geteuid())
		skip_test("not root, so there is no stranger");
	link_recv(&l, NULL);
	struct child c = child_start(knock, &l);

	/* The receiver answers at the door while it waits for messages. */
	while (!info.si_pid) {
		must_eq(via_recv(l.recv, buf, 1, via_deadline(MS)), -ETIMEDOUT);
		must_ok(waitid(P_PID, c.pid, &info,
			       WEXITED | WNOHANG | WNOWAIT));
	}
	child_wait(&c);
	must_eq(via_recv(l.recv, buf, 1, via_deadline(MS)), -ETIMEDOUT);
	via_stats(l.recv, &s);
	must(s.rejected > 0 || has_name_on_disk());
	must_ok(via_open(l.url, VIA_SEND, patience(), &l.send, NULL));
	send_one(l.send, 1, 0, 10);
	recv_one(l.recv, 1, 0, 10);
	link_close(&l);
}

static void guests_are_admitted(void)
{
	struct link l;
	struct via_msg m = {0};

	if (geteuid())
		skip_test("not root, so there is no guest");
	if (!has_name_on_disk())
		link_recv(&l, "allow-uid=65534");
	else if (has_option("allow-uid"))
		link_recv(&l, "mode=0666&allow-uid=65534");
	else
		link_recv(&l, "mode=0666");
	struct child c = child_start(send_as_nobody, &l);

	must_ok(via_take(l.recv, &m, patience()));
	must(intact(m.data, m.len, 1, 0));
	must_eq(m.uid, can(VIA_CAN_CREDS) ? NOBODY : (uid_t)-1);
	recv_end(l.recv);
	child_wait(&c);
	link_close(&l);
}

const struct test hostile_tests[] = {
	TEST(wrong_version, VIA_CAN_RAW),
	TEST(garbage, RAW_PEER),
	TEST(a_sender_that_refuses, VIA_CAN_RAW),
	TEST(frames_that_lie, VIA_CAN_RAW),
	TEST(sequence_jumps, VIA_CAN_RAW),
	TEST(sequence_goes_back, VIA_CAN_RAW | VIA_CAN_CONFIRM | IS_STREAM),
	TEST(cut_anywhere, VIA_CAN_RAW | IS_STREAM),
	TEST(claims_take_no_memory, VIA_CAN_RAW),
	TEST(receiver_is_no_via,
	     VIA_CAN_RAW | VIA_CAN_DUPLEX | VIA_CAN_CONFIRM),
	TEST(strangers_are_refused, HAS_MODE),
	TEST(guests_are_admitted, HAS_MODE),
	{0},
};
