/* SPDX-License-Identifier: MIT */
/*
 * A process that blocks, and what a snapshot says of it:
 *
 *	struct victim v;
 *
 *	if (blocks(&v))
 *		(void)!read(fd, &byte, 1);
 *	look_until(&v, SYS_read);
 *	assert_waits(&v, VIA_OP_READ, fd);
 *	end(&v);
 */
#ifndef INSPECT_COLLECT_WAITS_TEST_H
#define INSPECT_COLLECT_WAITS_TEST_H

#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <via/inspect.h>

#include "tests/check.h"

struct victim {
	pid_t pid;
	struct via_snapshot *s;
	uint32_t process, thread;
	const struct via_thread *t;
	const struct via_wait *waits; /* of the thread; t->n_waits */
};

/* True in a new process, which is to block: if it does not, it exits. */
#define blocks(v) (begin(v) == 0 ? atexit(gave_up) == 0 : false)

static inline void gave_up(void)
{
	_exit(1);
}

static inline pid_t begin(struct victim *v)
{
	*v = (struct victim){.pid = fork()};
	if (v->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Its own words are not the test's. */
		fclose(stdout);
	}
	return v->pid;
}

static inline void look_at(struct victim *v, pid_t pid, pid_t tid)
{
	const struct via_look look = {.want = VIA_WANT_ALL &
					      ~(uint32_t)VIA_WANT_ALL_MAPS};

	via_snapshot_free(v->s);
	v->s = NULL;
	v->t = NULL;
	assert_int_equal(via_snapshot_take(&look, &v->s, NULL), 0);
	v->process = via_snapshot_process(v->s, pid);
	v->thread = via_snapshot_thread(v->s, tid);
	if (v->process == VIA_NONE || v->thread == VIA_NONE)
		return;
	v->t = &v->s->threads[v->thread];
	v->waits = &v->s->waits[v->t->first_wait];
}

/* Look until a thread of it is blocked in this system call. */
static inline void look_until_thread(struct victim *v, pid_t tid, long nr)
{
	do {
		look_at(v, v->pid, tid);
		assert_non_null(v->t);
		assert_int_not_equal(v->t->state, 'Z');
		if (v->t->call.nr == VIA_SYSCALL_UNKNOWN)
			check_skip("needs /proc/PID/syscall");
	} while (v->t->call.nr != nr || !strchr("SDtT", v->t->state) ||
		 !v->t->n_waits);
}

static inline void look_until(struct victim *v, long nr)
{
	look_until_thread(v, v->pid, nr);
}

static inline void end(struct victim *v)
{
	via_snapshot_free(v->s);
	v->s = NULL;
	if (v->pid <= 0)
		return;
	kill(v->pid, SIGKILL);
	waitpid(v->pid, NULL, 0);
}

/* --- What it waits for --- */

/* What our own descriptor is of, which the victim has too. */
static inline uint32_t ours(struct victim *v, int fd)
{
	uint32_t self = via_snapshot_process(v->s, getpid());
	uint32_t hold = via_snapshot_fd(v->s, self, fd);

	assert_int_not_equal(hold, VIA_NONE);
	return v->s->holds[hold].object;
}

static inline const struct via_object *object(struct victim *v, uint32_t i)
{
	assert_in_range(v->waits[i].object, 0, v->s->n_objects - 1);
	return &v->s->objects[v->waits[i].object];
}

/* One of its waits is this op on what our descriptor is of. */
static inline const struct via_wait *wait_on(struct victim *v, enum via_op op,
					     uint32_t on)
{
	for (uint32_t i = 0; i < v->t->n_waits; i++)
		if (v->waits[i].op == op && v->waits[i].object == on)
			return &v->waits[i];
	for (uint32_t i = 0; i < v->t->n_waits; i++)
		print_message("# waits: %s, object %d, fd %d\n",
			      via_op_name(v->waits[i].op),
			      (int)v->waits[i].object, v->waits[i].fd);
	fail_msg("no %s of object %d", via_op_name(op), (int)on);
	return NULL;
}

/* The only one. */
static inline void assert_waits(struct victim *v, enum via_op op, int fd)
{
	const struct via_wait *w = wait_on(v, op, ours(v, fd));

	assert_int_equal(v->t->n_waits, 1);
	assert_int_equal(w->fd, fd);
	assert_int_equal(w->certainty, VIA_EXACT);
	assert_int_equal(w->left_ns, -1);
}

/* Whether a thread of that process owns an object. */
static inline bool has_lock(struct victim *v, uint32_t on, pid_t pid)
{
	uint32_t process = via_snapshot_process(v->s, pid);
	const struct via_object *o = &v->s->objects[on];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&v->s->holds[v->s->users[o->first_user + i]];

		if (h->process == process && h->how == VIA_HOLDS_LOCK)
			return true;
	}
	return false;
}

#endif
