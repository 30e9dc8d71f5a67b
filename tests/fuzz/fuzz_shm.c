/* SPDX-License-Identifier: MIT */
/*
 * A hostile sender of shm: what it says on the socket and what it leaves in
 * its memory. The input is a greeting, then rounds: a byte of what to do, and
 * bytes for the ring.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "transport/shm.h"

#define RING ((size_t)4096)
#define MAX  ((uint64_t)64 << 10)

/* Of the byte that begins a round. */
#define BELL  1 /* ring the receiver's bell */
#define COPY  2 /* the receiver has a buffer of its own */
#define KEEP  4 /* it does not release what it was given before */
#define SLEEP 8 /* it goes to sleep first */

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next bytes, zeroes when they run out. */
static void take(struct input *in, void *to, size_t len)
{
	size_t n = len < in->left ? len : in->left;

	memset(to, 0, len);
	memcpy(to, in->at, n);
	in->at += n;
	in->left -= n;
}

static struct via__end *receiver_on(int fd)
{
	const struct via__shm_name name = {.text = "shm:fuzz"};
	const struct via__shm_options options = {.prefault = true};
	const struct via__common common = {.max = MAX};
	struct via__end *end;

	check(via__shm_receiver_new(&name, &options, fd, &common, &end, NULL) ==
	      0);
	return end;
}

/* Say it with the memory, as it is. */
static void greet(int fd, struct input *in, int memfd)
{
	struct via__shm_packet p;

	take(in, &p, sizeof(p));
	/* Nothing is behind a wrong magic or version. */
	check(via__shm_say(fd, &p, memfd) == 0);
}

static volatile uint8_t seen;

/* Receive all there is. What is given must be there to be looked at. */
static void receive(struct via__end *r, unsigned int how)
{
	static uint8_t buf[MAX];

	for (int i = 0; i < 1000; i++) {
		struct via_msg info;
		struct via__in in = {.info = &info};

		if (how & COPY) {
			in.buf = buf;
			in.size = sizeof(buf);
		}
		if (!(how & KEEP))
			via__shm_release(r);
		int rc = via__shm_recv(r, &in);

		check(rc <= 0);
		if (rc == -EAGAIN || rc == -EPIPE)
			return;
		if (rc < 0) {
			check(rc == -EPROTO && r->error.code == rc);
			continue;
		}
		check(in.len <= MAX + VIA_TOPIC_MAX + 16);
		for (size_t at = 0; at < in.len; at++)
			seen = ((uint8_t *)in.data)[at];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct via__sealed memory;
	int fd[2], memfd;

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0);
	check(via__sealed_make("fuzz", RING, 0, &memory, &memfd, NULL) == 0);
	struct via__end *r = receiver_on(fd[0]);

	greet(fd[1], &in, memfd);
	while (in.left) {
		uint8_t how;
		uint16_t from, len;

		take(&in, &how, sizeof(how));
		take(&in, &from, sizeof(from));
		take(&in, &len, sizeof(len));
		take(&in, memory.ring + from % RING, len % (RING + 1));
		if (how & BELL)
			(void)via__shm_ring(fd[1]);
		if (how & SLEEP)
			(void)via__shm_receiver_arm(r);
		receive(r, how);
	}
	close(fd[1]);
	via__shm_release(r);
	receive(r, 0);
	via__shm_receiver_close(r, false);
	via__sealed_unmap(&memory);
	close(memfd);
	return 0;
}
