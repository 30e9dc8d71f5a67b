/* SPDX-License-Identifier: MIT */
/* Pipes: how much goes in, what a write does then, and what it costs. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/pipe.h"

/* Aligned, so that vmsplice() takes whole pages. */
static char bytes[PIPE_RECORD_MAX] __attribute__((aligned(4096)));

/* Write this many bytes at a time until it fails: how many went in. */
static long fill(int fd, long size)
{
	long sum = 0;

	while (CALL(write, fd, bytes, (size_t)size) == size)
		sum += size;
	return sum;
}

static short polled(int fd, short events)
{
	struct pollfd poll_fd = {.fd = fd, .events = events};

	MUST(poll, &poll_fd, 1, 0);
	return poll_fd.revents;
}

void pipe_10(void)
{
	int p[2];

	MUST(pipe2, p, O_NONBLOCK);
	EXPECT(fill(p[1], 1024), ==, fcntl(p[1], F_GETPIPE_SZ));
	FAILS(EAGAIN, write, p[1], "x", 1);

	MUST(fcntl, p[1], F_SETFL, 0);
	CHILD(writer) {
		GIVES(1, write, p[1], "x", 1);
	}
	EXPECT(lab_blocked(writer, SYS_write), ==, true);
	MUST(read, p[0], bytes, sizeof(bytes));
	EXPECT(lab_wait(writer), ==, 0);
}

long pipe_torn(int fd, size_t size, int n)
{
	static char record[PIPE_RECORD_MAX];
	long torn = 0;

	for (; n > 0; n--) {
		for (size_t have = 0; have < size;) {
			ssize_t more = read(fd, record + have, size - have);

			if (more <= 0)
				return -1;
			have += (size_t)more;
		}
		torn += memcmp(record, record + 1, size - 1) != 0;
	}
	return torn;
}

void pipe_write_letters(int fd, char letter, size_t size, int n)
{
	memset(bytes, letter, size);
	for (; n > 0; n--)
		if (write(fd, bytes, size) != (ssize_t)size)
			lab_leave(1);
}

void pipe_11(void)
{
	const long page = sysconf(_SC_PAGESIZE);
	const size_t sizes[] = {PIPE_BUF, 4 * (size_t)page};
	long torn[2];
	int p[2], queued;

	for (int i = 0; i < 2; i++) {
		MUST(pipe, p);
		MUST(fcntl, p[1], F_SETPIPE_SZ, page);
		CHILD(a) {
			pipe_write_letters(p[1], 'a', sizes[i], 60);
		}
		CHILD(b) {
			pipe_write_letters(p[1], 'b', sizes[i], 60);
		}
		/* Both wait for room, each in the other's way. */
		EXPECT(lab_blocked(a, SYS_write), ==, true);
		EXPECT(lab_blocked(b, SYS_write), ==, true);
		torn[i] = pipe_torn(p[0], sizes[i], 2 * 60);
	}
	EXPECT(torn[0], ==, 0);
	EXPECT(torn[1], >, 0);

	MUST(pipe2, p, O_NONBLOCK);
	MUST(fcntl, p[1], F_SETPIPE_SZ, 2 * page);
	GIVES(2 * page, write, p[1], bytes, 3 * page);
	GIVES(2 * page, read, p[0], bytes, sizeof(bytes));
	MUST(write, p[1], bytes, 2 * page - 1000);
	FAILS(EAGAIN, write, p[1], bytes, PIPE_BUF);
	MUST(ioctl, p[0], FIONREAD, &queued);
	EXPECT(queued, ==, 2 * page - 1000);
}

/* Beyond what fs.pipe-user-pages-soft allows, a pipe has two pages and gets no
 * more without CAP_SYS_RESOURCE: pipe(7). */
static void need_pages(int fd)
{
	if (fcntl(fd, F_SETPIPE_SZ, 2 * fcntl(fd, F_GETPIPE_SZ)) < 0)
		SKIP("fewer pipes of this user than fs.pipe-user-pages-soft");
}

void pipe_12(void)
{
	const long page = sysconf(_SC_PAGESIZE);
	int p[2], q[2];

	MUST(pipe, q);
	need_pages(q[1]);
	MUST(pipe2, p, O_NONBLOCK);
	GIVES(16 * page, fcntl, p[1], F_GETPIPE_SZ);
	long filled = fill(p[1], page);

	FAILS(EAGAIN, write, p[1], "x", 1);
	EXPECT(filled, ==, 16 * page);
	EXPECT(filled, >, 8 * 512);
	EXPECT(filled, >, fpathconf(p[1], _PC_PIPE_BUF));
	EXPECT(filled, >, page);
}

void pipe_13(void)
{
	const long page = sysconf(_SC_PAGESIZE);
	int p[2], q[2];
	char limit[32] = "";

	MUST(pipe, p);
	MUST(pipe, q);
	GIVES(4 * page, fcntl, p[1], F_SETPIPE_SZ, 3 * page + 1);
	GIVES(4 * page, fcntl, p[0], F_GETPIPE_SZ);
	EXPECT(fcntl(q[0], F_GETPIPE_SZ), !=, 4 * page);

	MUST(write, p[1], bytes, 3 * page);
	FAILS(EBUSY, fcntl, p[1], F_SETPIPE_SZ, 2 * page);
	MUST(read, p[0], bytes, page);
	GIVES(2 * page, fcntl, p[1], F_SETPIPE_SZ, 2 * page);

	int fd = MUST(open, "/proc/sys/fs/pipe-max-size", O_RDONLY);

	MUST(read, fd, limit, sizeof(limit) - 1);
	lab_drop();
	FAILS(EPERM, fcntl, p[1], F_SETPIPE_SZ, atol(limit) + 1);
	need_pages(q[1]);
	GIVES(4 * page, fcntl, p[1], F_SETPIPE_SZ, 4 * page);
}

void pipe_14(void)
{
	const long page = sysconf(_SC_PAGESIZE);
	int p[2], q[2];

	MUST(pipe2, p, O_NONBLOCK);
	MUST(fcntl, p[1], F_SETPIPE_SZ, 4 * page);
	EXPECT(fill(p[1], 1), ==, 4 * page);
	MUST(read, p[0], bytes, sizeof(bytes));
	/* Two of these do not go into one page: the rest of it is lost. */
	EXPECT(fill(p[1], page / 2 + 1), ==, 4 * (page / 2 + 1));

	MUST(pipe2, q, O_NONBLOCK | O_DIRECT);
	MUST(fcntl, q[1], F_SETPIPE_SZ, 4 * page);
	EXPECT(fill(q[1], 1), ==, 4);
	MUST(read, q[0], bytes, sizeof(bytes));
	MUST(write, q[1], "three", 5);
	GIVES(1, read, q[0], bytes, sizeof(bytes));
	GIVES(1, read, q[0], bytes, sizeof(bytes));
	GIVES(1, read, q[0], bytes, sizeof(bytes));
	GIVES(5, read, q[0], bytes, sizeof(bytes));
}

void pipe_19(void)
{
	const long page = sysconf(_SC_PAGESIZE);
	int p[2], queued;

	MUST(pipe2, p, O_NONBLOCK);
	MUST(fcntl, p[1], F_SETPIPE_SZ, 2 * page);
	EXPECT(polled(p[0], POLLIN), ==, 0);
	EXPECT(polled(p[1], POLLOUT), ==, POLLOUT);

	MUST(write, p[1], "x", 1);
	EXPECT(polled(p[0], POLLIN), ==, POLLIN);
	MUST(read, p[0], bytes, 1);

	/* Both slots are in use, the second for one byte. */
	MUST(write, p[1], bytes, page + 1);
	MUST(ioctl, p[0], FIONREAD, &queued);
	EXPECT(queued, ==, page + 1);
	EXPECT(polled(p[1], POLLOUT), ==, 0);
	GIVES(1, write, p[1], "x", 1);

	MUST(read, p[0], bytes, page);
	EXPECT(polled(p[1], POLLOUT), ==, POLLOUT);
	GIVES(PIPE_BUF, write, p[1], bytes, PIPE_BUF);
}

/* --- Copies --- */

#define MOVED 65536

struct route {
	int pipe[2], null;
};

static void copy_in_and_out(void *arg)
{
	const struct route *r = arg;

	if (write(r->pipe[1], bytes, MOVED) != MOVED ||
	    read(r->pipe[0], bytes, MOVED) != MOVED)
		lab_leave(1);
}

static void copy_out(void *arg)
{
	const struct route *r = arg;
	struct iovec all = {bytes, MOVED};

	if (vmsplice(r->pipe[1], &all, 1, 0) != MOVED ||
	    read(r->pipe[0], bytes, MOVED) != MOVED)
		lab_leave(1);
}

static void move_pages(void *arg)
{
	const struct route *r = arg;
	struct iovec all = {bytes, MOVED};

	if (vmsplice(r->pipe[1], &all, 1, 0) != MOVED ||
	    splice(r->pipe[0], NULL, r->null, NULL, MOVED, 0) != MOVED)
		lab_leave(1);
}

void pipe_20(void)
{
	struct route r;
	int q[2];
	char text[] = "old", seen[6];
	struct iovec all = {text, 3};

	MUST(pipe, r.pipe);
	MUST(pipe, q);
	MUST(write, r.pipe[1], text, 3);
	MUST(vmsplice, r.pipe[1], &all, 1, 0);
	GIVES(6, tee, r.pipe[0], q[1], 6, 0);
	/* What was written is a copy; what was spliced is this memory. */
	memcpy(text, "new", 3);
	EXPECT_TEXT(seen, read(r.pipe[0], seen, 6), "oldnew");
	EXPECT_TEXT(seen, read(q[0], seen, 6), "oldnew");

	struct lab_work works[] = {
		{"64 KiB: write, read", copy_in_and_out, &r, 20, 0},
		{"64 KiB: vmsplice, read", copy_out, &r, 20, 0},
		{"64 KiB: vmsplice, splice", move_pages, &r, 20, 0},
	};

	r.null = MUST(open, "/dev/null", O_WRONLY);
	lab_measure(works, 3, 99);
	/* Had it four copies, half of the time or more would be left. */
	EXPECT(works[0].ns, >, 2 * works[2].ns);
}
