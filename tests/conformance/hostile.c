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
#include <stdlib.h>
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

/* What a child writes, as it is, and nothing else. */
struct bytes {
	struct link *link;
	const struct iovec *portions;
	unsigned int n;
};

static void write_raw(struct via_channel *raw, const void *bytes, size_t len)
{
	if (len)
		must_ok(via_send(raw, bytes, len, patience()));
}

static void be_raw_sender(void *arg)
{
	const struct bytes *b = arg;
	struct via_channel *raw = NULL;

	(void)via_close(b->link->recv, VIA_NO_WAIT);
	(void)via_close(b->link->send, VIA_NO_WAIT);
	must_ok(via_open(with_option(b->link->url, "raw"), VIA_SEND, patience(),
			 &raw, NULL));
	for (unsigned int i = 0; i < b->n; i++)
		write_raw(raw, b->portions[i].iov_base, b->portions[i].iov_len);
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

static void refuse_bytes(const struct iovec *portions, unsigned int n)
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
	unsigned char bytes[200];
	const struct iovec portion = {bytes, put_frame(&f, bytes)};
	struct link l;

	refuse_bytes(&portion, 1);
	link_recv(&l, NULL);
	send_raw(&l, &portion, 1);
	must_eq(via_recv(l.recv, bytes, sizeof(bytes), patience()), -EPROTO);
	must(strstr(via_last_error(l.recv)->text, "version 9"));
	link_close(&l);
}

static void garbage(void)
{
	static char http[] = "GET / HTTP/1.0\r\nHost: nowhere\r\n\r\n";
	unsigned char noise[4000];

	refuse_bytes(&(struct iovec){http, strlen(http)}, 1);
	for (unsigned int round = 0; round < 10; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = hashed(round << 16 | i) & 0xff;
		refuse_bytes(&(struct iovec){noise, sizeof(noise)}, 1);
	}
}

/* What a sender says first. */
static struct iovec hello(void)
{
	static unsigned char bytes[32];

	put_frame(&(struct frame){1, HELLO, 0, 0, 0}, bytes);
	return (struct iovec){bytes, sizeof(bytes)};
}

static void a_sender_that_refuses(void)
{
	const struct frame f = {1, REFUSE, 0, 0, (uint64_t)-EACCES};
	unsigned char bytes[200];

	refuse_bytes(&(struct iovec){bytes, put_frame(&f, bytes)}, 1);
}

static void frames_that_lie(void)
{
	static const struct {
		const char *lie;
		struct frame f;
		/* Of a sender that is forgotten, where many share a descriptor. */
		bool is_stray;
	} table[] = {
		{"an unknown flag", {1, 0x80 | WHOLE, 4, 0, 4}},
		{"longer than its message", {1, FIRST, 10, 0, 5}},
		{"over the limit of a frame",
		 {1, FIRST, UINT32_MAX, 0, UINT32_MAX}},
		{"over the limit of a message",
		 {1, FIRST, 100, 0, UINT64_C(1) << 40}},
		{"as long as a number can be", {1, FIRST, 100, 0, UINT64_MAX}},
		{"the middle of nothing", {1, 0, 4, 0, 100}, true},
		{"the end of nothing", {1, LAST, 4, 0, 100}, true},
		{"whole and not", {1, WHOLE, 4, 0, 5}},
		{"a refusal", {1, REFUSE, 0, 0, (uint64_t)-EACCES}},
		{"words with a payload", {1, HELLO, 4, 0, 4}},
		{"a meta block cut short", {1, META | WHOLE, 4, 0, 4}},
		{"a topic beyond the message", {1, META | WHOLE, 20, 0, 20}},
	};
	unsigned char bytes[200];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t len = put_frame(&table[i].f, bytes);

		if (table[i].is_stray && !can(VIA_CAN_CONFIRM))
			continue;
		fprintf(stderr, "# %s\n", table[i].lie);
		refuse_bytes((struct iovec[]){hello(), {bytes, len}}, 2);
	}
}

/* Whole messages, then the end or a complaint, wherever the bytes stop. */
static void cut_anywhere(void)
{
	static const struct frame frames[] = {
		{1, WHOLE, 3, 0, 3},
		{1, FIRST, 5, 1, 9},
		{1, LAST, 4, 1, 9},
	};
	enum {
		N_FRAMES = 3
	};
	unsigned char bytes[N_FRAMES][132];
	size_t len[N_FRAMES], all = 0;

	for (unsigned int i = 0; i < N_FRAMES; i++)
		all += len[i] = put_frame(&frames[i], bytes[i]);
	for (size_t cut = 0; cut <= all; cut++) {
		struct iovec portions[1 + N_FRAMES] = {hello()};
		struct link l;
		size_t left = cut;
		char buf[16];
		ssize_t r;

		for (unsigned int i = 0; i < N_FRAMES; i++) {
			size_t n = left < len[i] ? left : len[i];

			portions[1 + i] = (struct iovec){bytes[i], n};
			left -= n;
		}
		link_recv(&l, NULL);
		send_raw(&l, portions, 1 + N_FRAMES);
		if (cut >= len[0])
			must_eq(via_recv(l.recv, buf, sizeof(buf), patience()),
				3);
		if (cut == all)
			must_eq(via_recv(l.recv, buf, sizeof(buf), patience()),
				9);
		r = via_recv(l.recv, buf, sizeof(buf), patience());
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
	uint64_t max = variant_mechanism()->message_max;
	char option[32];
	unsigned char bytes[200];
	struct link l;
	size_t len;
	ssize_t r;

	if (max > UINT64_C(4) << 30)
		max = UINT64_C(4) << 30;
	snprintf(option, sizeof(option), "max=%llu", (unsigned long long)max);
	len = put_frame(&(struct frame){1, FIRST, 100, 0, max}, bytes);
	link_recv(&l, option);

	unsigned long before = peak_kib();

	send_raw(&l, (struct iovec[]){hello(), {bytes, len}}, 2);
	r = via_recv(l.recv, bytes, sizeof(bytes), via_deadline(5 * MS));
	must_eq(r, can(SEES_DEATH) ? -EPIPE : -ETIMEDOUT);
	must(peak_kib() - before < 128 * KiB);
	link_close(&l);
}

/* ---- receivers that are no via */

static void meet_receiver(const void *bytes, size_t len, const char *word)
{
	struct via_channel *raw = NULL, *ch = NULL;
	struct via_error err = {0};
	char buf[100];
	int r = 0;

	must_ok(via_open(fresh_url("raw"), VIA_RECV | VIA_DUPLEX, VIA_NO_WAIT,
			 &raw, NULL));
	char *url = strdup(via_url(raw));

	*strstr(url, "raw") = '\0';
	must_ok(via_open(url, VIA_SEND, patience(), &ch, NULL));
	free(url);
	must_ok(via_send(ch, "hello", 5, patience()));
	must(via_recv(raw, buf, sizeof(buf), patience()) > 0);
	write_raw(raw, bytes, len);
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
	static const char ssh[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
	const struct frame f = {9, HELLO, 0, 0, 0};
	unsigned char bytes[200];

	meet_receiver(ssh, strlen(ssh), "via");
	meet_receiver(bytes, put_frame(&f, bytes), "version 9");
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
	TEST(garbage, VIA_CAN_RAW),
	TEST(a_sender_that_refuses, VIA_CAN_RAW),
	TEST(frames_that_lie, VIA_CAN_RAW),
	TEST(cut_anywhere, VIA_CAN_RAW | SEES_DEATH),
	TEST(claims_take_no_memory, VIA_CAN_RAW),
	TEST(receiver_is_no_via,
	     VIA_CAN_RAW | VIA_CAN_DUPLEX | VIA_CAN_CONFIRM),
	TEST(strangers_are_refused, HAS_MODE),
	TEST(guests_are_admitted, HAS_MODE),
	{0},
};
