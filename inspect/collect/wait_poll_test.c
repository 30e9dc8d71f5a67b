/* SPDX-License-Identifier: MIT */
/* Waits on many descriptors. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

#include "inspect/collect/polled.h"
#include "inspect/collect/proc.h"
#include "inspect/collect/wait.h"
#include "inspect/collect/waits_test.h"

#define S INT64_C(1000000000)

/* One to read, one that is full: to write. */
struct ends {
	int in[2], out[2];
};

static void make(struct ends *e)
{
	static char block[4096];

	assert_int_equal(pipe(e->in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, e->out), 0);
	while (send(e->out[1], block, sizeof(block), MSG_DONTWAIT) > 0)
		;
}

static void unmake(struct ends *e)
{
	for (int i = 0; i < 2; i++) {
		close(e->in[i]);
		close(e->out[i]);
	}
}

/* Two waits, either of which would do; left: as both say. */
static void assert_both(struct victim *v, const struct ends *e, int64_t left)
{
	const struct via_wait *in = wait_on(v, VIA_OP_READ, ours(v, e->in[0]));
	const struct via_wait *out = wait_on(v, VIA_OP_WRITE,
					     ours(v, e->out[1]));

	assert_int_equal(v->t->n_waits, 2);
	assert_int_equal(in->fd, e->in[0]);
	assert_int_equal(out->fd, e->out[1]);
	assert_int_equal(in->group, 0);
	assert_int_equal(out->group, 0);
	assert_true(in->left_ns == left && out->left_ns == left);
	assert_int_equal(in->certainty, VIA_EXACT);
}

static void sees_poll(void **state)
{
	struct ends e;
	struct victim v;

	(void)state;
	make(&e);
	struct pollfd fds[] = {
		{e.in[0], POLLIN, 0}, {-1, POLLIN, 0}, {e.out[1], POLLOUT, 0}};
	struct timespec hour = {.tv_sec = 3600};

	if (blocks(&v))
		exit((int)syscall(SYS_ppoll, fds, 3, &hour, NULL, 8));
	look_until(&v, SYS_ppoll);
	assert_both(&v, &e, 3600 * S);
	end(&v);
#ifdef SYS_poll
	if (blocks(&v))
		exit((int)syscall(SYS_poll, fds, 3, -1));
	look_until(&v, SYS_poll);
	assert_both(&v, &e, -1);
	end(&v);
#endif
	unmake(&e);
}

static void sees_select(void **state)
{
	struct ends e;
	struct victim v;

	(void)state;
	make(&e);
	fd_set in, out;
	struct timespec hour = {.tv_sec = 3600};

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(e.in[0], &in);
	FD_SET(e.out[1], &out);
	if (blocks(&v))
		exit((int)syscall(SYS_pselect6, e.out[1] + 1, &in, &out, NULL,
				  &hour, NULL));
	look_until(&v, SYS_pselect6);
	assert_both(&v, &e, 3600 * S);
	end(&v);
#ifdef SYS_select
	struct timeval day = {.tv_sec = 86400};

	if (blocks(&v))
		exit((int)syscall(SYS_select, e.out[1] + 1, &in, &out, NULL,
				  &day));
	look_until(&v, SYS_select);
	assert_both(&v, &e, 86400 * S);
	end(&v);
#endif
	unmake(&e);
}

/* In a set, and in a set within a set; not what has fired its one shot. */
static void sees_epoll(void **state)
{
	struct ends e;
	struct victim v;
	struct epoll_event in = {.events = EPOLLIN | EPOLLET},
			   out = {.events = EPOLLOUT},
			   once = {.events = EPOLLIN | EPOLLONESHOT};
	int inner = epoll_create1(0), outer = epoll_create1(0);
	int counter = eventfd(1, 0);

	(void)state;
	make(&e);
	epoll_ctl(inner, EPOLL_CTL_ADD, e.in[0], &in);
	epoll_ctl(inner, EPOLL_CTL_ADD, e.out[1], &out);
	epoll_ctl(inner, EPOLL_CTL_ADD, counter, &once);
	assert_int_equal(epoll_wait(inner, &once, 1, -1), 1);
	if (blocks(&v))
		exit((int)syscall(SYS_epoll_pwait, inner, &in, 1, -1, NULL, 8));
	look_until(&v, SYS_epoll_pwait);
	wait_on(&v, VIA_OP_READ, ours(&v, e.in[0]));
	wait_on(&v, VIA_OP_WRITE, ours(&v, e.out[1]));
	assert_int_equal(v.t->n_waits, 2);
	assert_int_equal(v.waits[0].fd, inner);
	/* We have it as well, and might change it. */
	assert_int_equal(v.waits[0].certainty, VIA_LIKELY);
	end(&v);
	epoll_ctl(outer, EPOLL_CTL_ADD, inner, &in);
	if (blocks(&v))
		exit((int)syscall(SYS_epoll_pwait, outer, &in, 1, -1, NULL, 8));
	look_until(&v, SYS_epoll_pwait);
	wait_on(&v, VIA_OP_READ, ours(&v, e.in[0]));
	wait_on(&v, VIA_OP_WRITE, ours(&v, e.out[1]));
	assert_int_equal(v.t->n_waits, 2);
	end(&v);
	close(inner);
	close(outer);
	close(counter);
	unmake(&e);
}

static void sees_a_set_of_its_own(void **state)
{
	struct victim v;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	if (blocks(&v)) {
		struct epoll_event in = {.events = EPOLLIN};
		int set = epoll_create1(0);

		epoll_ctl(set, EPOLL_CTL_ADD, p[0], &in);
		exit(epoll_pwait(set, &in, 1, -1, NULL));
	}
	look_until(&v, SYS_epoll_pwait);
	assert_int_equal(wait_on(&v, VIA_OP_READ, ours(&v, p[0]))->certainty,
			 VIA_EXACT);
	end(&v);
	close(p[0]);
	close(p[1]);
}

/* Nobody writes to a writer: it waits for its readers to go. */
static void sees_which_end_is_polled(void **state)
{
	struct victim v;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	struct pollfd fd = {p[1], POLLIN, 0};

	if (blocks(&v)) {
		close(p[0]);
		exit((int)syscall(SYS_ppoll, &fd, 1, NULL, NULL, 8));
	}
	look_until(&v, SYS_ppoll);
	assert_int_equal(v.t->n_waits, 1);
	wait_on(&v, VIA_OP_EVENT, ours(&v, p[1]));
	end(&v);
	close(p[0]);
	close(p[1]);
}

/* Once its process' first thread polls. */
static void *unmaps(void *fds)
{
	struct via_syscall call = {0};
	int dir = via__proc_open(getpid());

	while (call.nr != SYS_ppoll)
		(void)via__proc_syscall(dir, &call);
	munmap(fds, 4096);
	for (;;)
		pause();
	return NULL;
}

/* What the call got by address is not there any more. */
static void believes_no_memory_that_has_gone(void **state)
{
	struct victim v;

	(void)state;
	if (blocks(&v)) {
		struct pollfd *fds = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		pthread_t thread;
		int p[2];

		if (pipe(p) < 0)
			exit(1);
		fds[0] = (struct pollfd){p[0], POLLIN, 0};
		pthread_create(&thread, NULL, unmaps, fds);
		exit((int)syscall(SYS_ppoll, fds, 1, NULL, NULL, 8));
	}
	/* The other thread may not have come so far. */
	do
		look_until(&v, SYS_ppoll);
	while (v.waits[0].op == VIA_OP_READ);
	wait_on(&v, VIA_OP_UNKNOWN, VIA_NONE);
	assert_int_equal(v.waits[0].certainty, VIA_GUESS);
	end(&v);
}

/* Polling nothing is sleeping. */
static void sees_sleepers(void **state)
{
	struct timespec hour = {.tv_sec = 3600};
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)syscall(SYS_ppoll, NULL, 0, &hour, NULL, 8));
	look_until(&v, SYS_ppoll);
	wait_on(&v, VIA_OP_TIME, VIA_NONE);
	assert_true(v.waits[0].left_ns == 3600 * S);
	end(&v);
	if (blocks(&v))
		exit((int)syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL,
				  NULL));
	look_until(&v, SYS_pselect6);
	wait_on(&v, VIA_OP_SIGNAL, VIA_NONE);
	end(&v);
}

static void sees_a_process_polled(void **state)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct pollfd p = {fd, POLLIN, 0};
	struct victim v;

	(void)state;
	if (blocks(&v))
		exit((int)syscall(SYS_ppoll, &p, 1, NULL, NULL, 8));
	look_until(&v, SYS_ppoll);
	assert_int_equal(v.waits[0].op, VIA_OP_CHILD);
	assert_int_equal(v.waits[0].on_process,
			 via_snapshot_process(v.s, getpid()));
	end(&v);
	close(fd);
}

/* --- Hostile arguments --- */

/* Each of 45 sets watches the 45 of the next level: paths, not
 * members, are what there are too many of. */
#define WIDTH 45

static void make_maze(int sets[4][WIDTH])
{
	struct epoll_event in = {.events = EPOLLIN};

	for (int level = 0; level < 4; level++) {
		for (int i = 0; i < WIDTH; i++) {
			sets[level][i] = epoll_create1(0);
			for (int k = 0; level && k < WIDTH; k++)
				epoll_ctl(sets[level][i], EPOLL_CTL_ADD,
					  sets[level - 1][k], &in);
		}
	}
}

static void gets_out_of_mazes(void **state)
{
	struct epoll_event in = {.events = EPOLLIN};
	struct victim v;

	(void)state;
	if (blocks(&v)) {
		int sets[4][WIDTH];

		make_maze(sets);
		exit(epoll_pwait(sets[3][0], &in, 1, -1, NULL));
	}
	look_until(&v, SYS_epoll_pwait);
	assert_in_range(v.t->n_waits, 1, VIA__WAITS_MAX + 1);
	wait_on(&v, VIA_OP_UNKNOWN, VIA_NONE);
	end(&v);
}

static void cuts_off_what_is_too_much(void **state)
{
	struct victim v;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	if (blocks(&v)) {
		static struct pollfd fds[VIA__WAITS_MAX + 10];
		const struct rlimit more = {65536, 65536};

		for (size_t i = 0; i < VIA__WAITS_MAX + 10; i++)
			fds[i] = (struct pollfd){p[0], POLLIN, 0};
		setrlimit(RLIMIT_NOFILE, &more);
		exit((int)syscall(SYS_ppoll, fds, VIA__WAITS_MAX + 10, NULL,
				  NULL, 8));
	}
	do {
		look_at(&v, v.pid, v.pid);
		if (!v.t || v.t->state == 'Z') {
			end(&v);
			close(p[0]);
			close(p[1]);
			check_skip("needs a limit of 65536 descriptors");
		}
	} while (v.t->call.nr != SYS_ppoll || v.t->state != 'S');
	assert_int_equal(v.t->n_waits, VIA__WAITS_MAX + 1);
	wait_on(&v, VIA_OP_UNKNOWN, VIA_NONE);
	end(&v);
	close(p[0]);
	close(p[1]);
}

static void count(int fd, uint32_t events, void *arg)
{
	(void)fd;
	(void)events;
	++*(unsigned int *)arg;
}

static void bounds_what_it_reads(void **state)
{
	struct via_syscall bad = {.args = {8, UINT64_MAX, 8, 8}};
	struct via_syscall far = {.args = {UINT64_MAX - 3, 4, UINT64_MAX}};
	struct pollfd fds[2] = {{1, POLLIN, 0}, {2, 0, 0}};
	struct via_syscall good = {.args = {(uintptr_t)fds, 2}};
	unsigned int n = 0;

	(void)state;
	assert_int_equal(via__polled_poll(getpid(), &bad, count, &n), -EFAULT);
	assert_int_equal(via__polled_poll(getpid(), &far, count, &n), -EFAULT);
	bad.args[0] = INT32_MAX;
	assert_int_equal(via__polled_select(getpid(), &bad, count, &n),
			 -EFAULT);
	bad.args[0] = UINT64_MAX;
	assert_int_equal(via__polled_select(getpid(), &bad, count, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(via__polled_poll(getpid(), &good, count, &n), 0);
	assert_int_equal(n, 2);
}

static void parses_members(void **state)
{
	uint32_t events;
	int fd;

	(void)state;
	assert_int_equal(
		via__polled_parse("tfd:        5 events: 80000019 data: "
				  "ffff00000005  pos:0 ino:2a sdev:f\n",
				  &fd, &events),
		0);
	assert_int_equal(fd, 5);
	assert_int_equal(events, 0x80000019);
	assert_int_equal(via__polled_parse("pos:\t0\n", &fd, &events), -EPROTO);
	assert_int_equal(via__polled_parse("tfd: x", &fd, &events), -EPROTO);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_poll),
	CHECK_TEST(sees_select),
	CHECK_TEST(sees_epoll),
	CHECK_TEST(sees_a_set_of_its_own),
	CHECK_TEST(sees_which_end_is_polled),
	CHECK_TEST(believes_no_memory_that_has_gone),
	CHECK_TEST(sees_sleepers),
	CHECK_TEST(sees_a_process_polled),
	CHECK_TEST(gets_out_of_mazes),
	CHECK_TEST(cuts_off_what_is_too_much),
	CHECK_TEST(bounds_what_it_reads),
	CHECK_TEST(parses_members),
};
CHECK_MAIN(tests)
