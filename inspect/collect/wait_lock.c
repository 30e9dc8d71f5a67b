/* SPDX-License-Identifier: MIT */
/* Waits for locks on files: which of those that are held are in the way. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "inspect/collect/locks.h"
#include "inspect/collect/memory.h"
#include "inspect/collect/proc.h"
#include "inspect/collect/wait.h"

/* fcntl64() of 32-bit machines is another call; these are of the kernel. */
#ifndef F_OFD_SETLKW
#define F_OFD_SETLKW 38
#endif

/* More are taken for others' locks. */
#define OWN_MAX 64

/* What is asked for. */
struct request {
	int fd;
	uint32_t type; /* enum via_lock_type */
	bool exclusive;
	uint64_t start, end; /* both included */
	/* What its open file description has already; not in its own way. */
	struct via__lock_line own[OWN_MAX];
	uint32_t objects[OWN_MAX]; /* or VIA_NONE */
	size_t n_own;
};

/* Locks of flock() know nothing of those of fcntl(). */
static bool same_world(uint32_t a, uint32_t b)
{
	if (a == VIA_FILE_FLOCK || b == VIA_FILE_FLOCK)
		return a == b;
	return a != VIA_FILE_LEASE && b != VIA_FILE_LEASE;
}

static void keep_own(const struct via__lock_line *line, void *arg)
{
	struct request *r = arg;

	if (r->n_own < OWN_MAX)
		r->own[r->n_own++] = *line;
}

static bool looks_same(const struct via_file_lock *l,
		       const struct via__lock_line *line)
{
	return line->type == l->type && line->exclusive == l->exclusive &&
	       line->pid == l->pid && line->start == l->start &&
	       line->end == l->end;
}

static bool is_of_file(const struct via__blocked *b, uint32_t file,
		       const struct via_file_lock *l)
{
	const struct via_object *o = via__object_at(b->s, l->object);
	const struct via_object *f = via__object_at(b->s, file);

	return l->file == file || (o->dev == f->dev && o->ino == f->ino);
}

/* How many others have a lock; more than there are if we do not. */
static uint32_t n_others(const struct via__blocked *b, uint32_t object)
{
	const struct via_object *o = via__object_at(b->s, object);
	uint32_t n = 0;
	bool ours = false;

	for (uint32_t i = 0; i < o->n_users; i++) {
		bool is = b->s->holds[b->s->users[o->first_user + i]].process ==
			  b->process;

		ours = ours || is;
		n += !is;
	}
	return ours ? n : UINT32_MAX - 1;
}

/*
 * The lock that a line is. Of those that look the same and are ours all, the
 * one that fewest others have: so others who could let go of what is waited
 * for are not forgotten.
 */
static uint32_t object_of(const struct via__blocked *b, const struct request *r,
			  uint32_t file, const struct via__lock_line *line)
{
	uint32_t best = VIA_NONE, least = UINT32_MAX;

	for (uint32_t i = 0; i < b->s->n_locks; i++) {
		const struct via_file_lock *l = &b->s->locks[i];
		uint32_t n = looks_same(l, line) && is_of_file(b, file, l)
				     ? n_others(b, l->object)
				     : UINT32_MAX;
		bool taken = false;

		for (size_t k = 0; k < r->n_own; k++)
			taken = taken || r->objects[k] == l->object;
		if (n < least && !taken) {
			best = l->object;
			least = n;
		}
	}
	return best;
}

static void read_own(const struct via__blocked *b, uint32_t file,
		     struct request *r)
{
	char path[48];

	for (size_t i = 0; i < OWN_MAX; i++)
		r->objects[i] = VIA_NONE;
	snprintf(path, sizeof(path), "fdinfo/%d", r->fd);
	if (b->dir >= 0 && r->type != VIA_FILE_POSIX)
		(void)via__locks_each(b->dir, path, "lock:", keep_own, r);
	for (size_t i = 0; file != VIA_NONE && i < r->n_own; i++)
		r->objects[i] = object_of(b, r, file, &r->own[i]);
}

static bool is_own(const struct via__blocked *b, const struct request *r,
		   const struct via_file_lock *l)
{
	if (r->type == VIA_FILE_POSIX)
		return l->type == VIA_FILE_POSIX && l->pid == b->pid;
	for (size_t i = 0; i < r->n_own; i++)
		if (r->objects[i] == l->object)
			return true;
	return false;
}

static bool is_in_the_way(const struct via__blocked *b, const struct request *r,
			  uint32_t file, const struct via_file_lock *l)
{
	return is_of_file(b, file, l) && same_world(r->type, l->type) &&
	       (r->exclusive || l->exclusive) && r->start <= l->end &&
	       l->start <= r->end && !is_own(b, r, l);
}

/* All that are in the way have to go. */
static void on_locks(struct via__blocked *b, struct request *r)
{
	uint32_t file = via__fd_object(b, r->fd), n = 0;
	uint32_t group = b->pass->n_groups + 1, first = b->s->n_waits;

	read_own(b, file, r);
	for (uint32_t i = 0; file != VIA_NONE && i < b->s->n_locks; i++) {
		const struct via_file_lock *l = &b->s->locks[i];

		if (!is_in_the_way(b, r, file, l))
			continue;
		struct via_wait *w = via__wait(b, VIA_OP_LOCK, l->object);

		w->fd = r->fd;
		w->exclusive = r->exclusive;
		w->group = group;
		n++;
	}
	if (n == 1 && first < b->s->n_waits)
		b->s->waits[first].group = 0;
	else if (n > 1)
		b->pass->n_groups++;
	/* It has been given meanwhile, or locks were not looked at. */
	if (n == 0) {
		struct via_wait *w = via__wait(b, VIA_OP_LOCK, VIA_NONE);

		w->fd = r->fd;
		w->exclusive = r->exclusive;
		w->certainty = VIA_GUESS;
	}
}

void via__wait_flock(struct via__blocked *b)
{
	struct request r = {
		.fd = via__call_fd(b),
		.type = VIA_FILE_FLOCK,
		.exclusive = (b->call.args[1] & ~(uint64_t)LOCK_NB) == LOCK_EX,
		.end = UINT64_MAX,
	};

	on_locks(b, &r);
}

/* --- fcntl --- */

/* Where in the file a descriptor is. */
static int64_t position(const struct via__blocked *b, int fd)
{
	char path[48], text[1024];
	const char *at;

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	if (via__proc_read(b->dir, path, text, sizeof(text)) < 0)
		return -1;
	at = strstr(text, "pos:");
	return at ? strtoll(at + 4, NULL, 10) : -1;
}

/* The range of a struct flock: 0, or -1 if it cannot be told. */
static int range(const struct via__blocked *b, const struct flock *l,
		 struct request *r)
{
	int64_t from = l->l_whence == SEEK_SET	 ? 0
		       : l->l_whence == SEEK_CUR ? position(b, r->fd)
						 : -1;
	int64_t start, end;

	if (from < 0 || __builtin_add_overflow(from, l->l_start, &start))
		return -1;
	if (l->l_len == 0) {
		r->start = (uint64_t)start;
		r->end = UINT64_MAX;
		return start < 0 ? -1 : 0;
	}
	if (__builtin_add_overflow(start, l->l_len, &end))
		return -1;
	/* Negative lengths are those before start: fcntl(2). */
	r->start = (uint64_t)(l->l_len > 0 ? start : end);
	r->end = (uint64_t)(l->l_len > 0 ? end : start) - 1;
	return (int64_t)r->start < 0 || r->end > INT64_MAX ? -1 : 0;
}

void via__wait_fcntl(struct via__blocked *b)
{
	int command = (int)b->call.args[1];
	uint32_t first = b->s->n_waits;
	struct request r = {.fd = via__call_fd(b), .end = UINT64_MAX};
	struct flock l;

	if ((command != F_SETLKW && command != F_OFD_SETLKW) ||
	    !via__memory_all(b->pid, b->call.args[2], &l, sizeof(l)))
		return;
	r.type = command == F_SETLKW ? VIA_FILE_POSIX : VIA_FILE_OFD;
	r.exclusive = l.l_type == F_WRLCK;
	bool known = range(b, &l, &r) == 0;

	on_locks(b, &r);
	/* One of them, then. */
	for (uint32_t i = first; !known && i < b->s->n_waits; i++)
		b->s->waits[i].group = 0;
	via__wait_doubt(b, first, known ? VIA_EXACT : VIA_LIKELY);
	for (uint32_t i = first; i < b->s->n_waits; i++)
		b->s->waits[i].source = VIA_SOURCE_MEMORY;
}
