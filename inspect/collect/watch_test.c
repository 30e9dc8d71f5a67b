/* SPDX-License-Identifier: MIT */
#include "inspect/collect/watch.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include "tests/check.h"

/* --- Made processes --- */

/* A child that has started two of its own, a writer and a reader of a pipe,
 * and waits for them. They do nothing until told to by a byte in go[]. */
struct tree {
	struct via_watch *w;
	pid_t root;
	int go[2][2];
	/* How the reader waits. */
	enum {
		READ,
		POLL,
		POLL_SHORTLY,
		POLL_BOTH,
		SELECT,
		EPOLL,
		N_WAYS
	} how;
};

static void told(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(1); /* the test is over */
}

static void tell(struct tree *t, int who)
{
	assert_int_equal(write(t->go[who][1], "", 1), 1);
}

/* Writes n bytes into the pipe, by one call that may wait. */
static void writer(struct tree *t, int fd, size_t n)
{
	static char block[1 << 20];

	told(t->go[0][0]);
	if (write(fd, block, n) != (ssize_t)n)
		_exit(1);
	told(t->go[0][0]);
	_exit(0);
}

/* Until there is something to read. */
static void wait_for(const struct tree *t, int fd)
{
	struct pollfd fds[] = {{fd, POLLIN, 0}, {t->go[1][0], POLLIN, 0}};
	struct epoll_event in = {.events = EPOLLIN};
	int set;
	fd_set fd_in;

	switch (t->how) {
	case POLL:
		(void)poll(fds, 1, -1);
		break;
	case POLL_SHORTLY:
		(void)poll(fds, 1, 1000000);
		break;
	case POLL_BOTH:
		(void)poll(fds, 2, -1);
		break;
	case SELECT:
		FD_ZERO(&fd_in);
		FD_SET(fd, &fd_in);
		(void)select(fd + 1, &fd_in, NULL, NULL, NULL);
		break;
	case EPOLL:
		set = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(set, EPOLL_CTL_ADD, fd, &in);
		(void)epoll_wait(set, &in, 1, -1);
		break;
	default:
		break;
	}
}

/* Reads n of them and one more. */
static void reader(struct tree *t, int fd, size_t n)
{
	static char block[1 << 20];

	for (told(t->go[1][0]); n > 0;)
		n -= (size_t)read(fd, block, n);
	told(t->go[1][0]);
	wait_for(t, fd);
	(void)!read(fd, block, 1);
	_exit(0);
}

static void child(struct tree *t, size_t n)
{
	int p[2];

	close(t->go[0][1]);
	close(t->go[1][1]);
	assert_int_equal(pipe(p), 0);
	if (fork() == 0) {
		close(p[0]);
		writer(t, p[1], n);
	}
	close(p[1]);
	if (fork() == 0)
		reader(t, p[0], n);
	close(p[0]);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

static void start(struct tree *t, size_t n, uint64_t pipe_size)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(pipe(t->go[i]), 0);
	t->root = fork();
	if (t->root == 0)
		child(t, n);
	t->w = via__watch_new(t->root, pipe_size);
	assert_non_null(t->w);
}

static void end(struct tree *t)
{
	via__watch_free(t->w);
	for (int i = 0; i < 4; i++)
		close(t->go[i / 2][i % 2]);
	waitpid(t->root, NULL, 0);
}

/* --- What is seen --- */

/* The pipe of theirs: not one of those that they are told by. */
static const struct via_pipe *their_pipe(struct tree *t)
{
	const struct via_pipe_graph *p = via__watch_pipeline(t->w);

	for (size_t i = 0; i < p->n_pipes; i++)
		if (!p->pipes[i].outside)
			return &p->pipes[i];
	return NULL;
}

static const struct via_stage *holder(struct tree *t, bool writes)
{
	const struct via_pipe_graph *p = via__watch_pipeline(t->w);
	const struct via_pipe *pipe = their_pipe(t);

	for (size_t i = 1; pipe && i < p->n_stages; i++)
		if (via__holds(&p->stages[i], pipe->id, writes) &&
		    !via__holds(&p->stages[i], pipe->id, !writes))
			return &p->stages[i];
	return NULL;
}

static void look(struct tree *t)
{
	assert_int_equal(via__watch_look(t->w), 0);
	if (their_pipe(t) && holder(t, false) &&
	    holder(t, false)->doing == VIA_HIDDEN)
		check_skip("needs /proc/PID/syscall");
}

/* Look until an end of the pipe does this, so many bytes have gone through,
 * and the child waits. */
static void look_until(struct tree *t, bool writes, enum via_doing doing,
		       uint64_t bytes)
{
	const struct via_stage *s;

	do {
		look(t);
		s = holder(t, writes);
	} while (!s || s->doing != doing ||
		 !via__same_pipe(s->pipe, their_pipe(t)->id) ||
		 their_pipe(t)->bytes < bytes ||
		 via__watch_pipeline(t->w)->stages[0].doing != VIA_CHILD);
}

static void sees_a_full_pipe(void **state)
{
	struct tree t = {.how = READ};

	(void)state;
	start(&t, 100000, 0);
	tell(&t, 0);
	look_until(&t, true, VIA_WRITING, 0);

	const struct via_pipe *pipe = their_pipe(&t);

	assert_true(pipe->level_known);
	assert_int_equal(pipe->fill, pipe->capacity);
	assert_int_equal(via__watch_pipeline(t.w)->n_stages, 3);
	end(&t);
}

static void counts_what_went_through(void **state)
{
	struct tree t = {.how = READ};

	(void)state;
	start(&t, 100000, 0);
	tell(&t, 0);
	tell(&t, 1);
	tell(&t, 1);
	look_until(&t, false, VIA_READING, 100000);

	const struct via_pipe *pipe = their_pipe(&t);

	assert_int_equal(pipe->fill, 0);
	assert_true(pipe->bytes_known);
	/* With the byte that told the writer to write. */
	assert_in_range(pipe->bytes, 100000, 100002);
	end(&t);
}

/* It waits for its pipe by other calls, alone or not. */
static void sees_through_polling(void **state)
{
	struct tree t;

	(void)state;
	for (t.how = READ; t.how < N_WAYS; t.how++) {
		start(&t, 1000, 0);
		tell(&t, 0);
		tell(&t, 1);
		tell(&t, 1);
		look_until(&t, false, VIA_READING, 1000);

		const struct via_stage *s = holder(&t, false);

		assert_int_equal(s->elsewhere,
				 t.how == POLL_SHORTLY || t.how == POLL_BOTH);
		if (t.how != READ)
			assert_int_not_equal(s->nr, SYS_read);
		end(&t);
	}
}

static void sets_the_size(void **state)
{
	struct tree t = {.how = READ};

	(void)state;
	start(&t, 1, 16384);
	do {
		look(&t);
		/* Users of many pipes get small ones: pipe(7). */
		if (via__watch_resize_error(t.w)) {
			end(&t);
			check_skip("needs pipes of 16 KiB");
		}
	} while (!their_pipe(&t) || their_pipe(&t)->capacity != 16384);
	end(&t);
}

/* The reader ends by the end of the file, though we look at the pipe. */
static void remembers_the_ended(void **state)
{
	struct pollfd fds[VIA_WATCH_MAX];
	struct tree t = {.how = READ};

	(void)state;
	start(&t, 1000, 0);
	for (int i = 0; i < 2; i++)
		tell(&t, 1);
	tell(&t, 0);
	look_until(&t, false, VIA_READING, 1000);
	assert_int_equal(via__watch_pollfds(t.w, fds), 3);
	tell(&t, 0);
	while (waitpid(t.root, NULL, WNOHANG) == 0)
		look(&t);
	look(&t);
	assert_int_equal(via__watch_pollfds(t.w, fds), 0);

	const struct via_pipe_graph *p = via__watch_pipeline(t.w);

	assert_int_equal(p->n_stages, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(p->stages[i].doing, VIA_ENDED);
	assert_in_range(their_pipe(&t)->bytes, 1000, 1002);
	end(&t);
}

/* Its parent lists it until it is waited for. */
static void counts_a_zombie_once(void **state)
{
	const struct via_pipe_graph *p;
	struct tree t;
	int go[2];

	(void)state;
	assert_int_equal(pipe(go), 0);
	t.root = fork();
	if (t.root == 0) {
		close(go[1]);
		if (fork() == 0)
			_exit(0);
		(void)!read(go[0], &t, 1);
		_exit(wait(NULL) < 0);
	}
	t.w = via__watch_new(t.root, 0);
	p = via__watch_pipeline(t.w);
	do
		assert_int_equal(via__watch_look(t.w), 0);
	while (p->n_stages < 2 || p->stages[1].doing != VIA_ENDED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(via__watch_look(t.w), 0);
	assert_int_equal(p->n_stages, 2);
	via__watch_free(t.w);
	close(go[0]);
	close(go[1]);
	waitpid(t.root, NULL, 0);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_a_full_pipe),	  CHECK_TEST(counts_what_went_through),
	CHECK_TEST(sees_through_polling), CHECK_TEST(sets_the_size),
	CHECK_TEST(remembers_the_ended),  CHECK_TEST(counts_a_zombie_once),
};
CHECK_MAIN(tests)
