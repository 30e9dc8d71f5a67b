/* SPDX-License-Identifier: MIT */
/* Waits on one descriptor: what an op means depends on what it is of. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "inspect/collect/proc.h"
#include "inspect/collect/wait.h"

/* --- Sockets --- */

static bool is_socket(uint32_t kind)
{
	return kind == VIA_KIND_UNIX || kind == VIA_KIND_TCP ||
	       kind == VIA_KIND_UDP || kind == VIA_KIND_SOCKET;
}

/* A reference to the process' descriptor, given back at once: the option of
 * this socket, if it still is that. */
static int64_t socket_timeout(pid_t pid, int fd, uint64_t ino, int option)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int ours = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int64_t ns = VIA_UNKNOWN;
	struct timeval tv;
	struct stat st;
	socklen_t len = sizeof(tv);

	if (ours >= 0 && fstat(ours, &st) == 0 && st.st_ino == ino &&
	    getsockopt(ours, SOL_SOCKET, option, &tv, &len) == 0) {
		ns = tv.tv_sec * INT64_C(1000000000) + tv.tv_usec * 1000;
		ns = ns ? ns : -1;
	}
	if (ours >= 0)
		close(ours);
	if (pidfd >= 0)
		close(pidfd);
	return ns;
}

int64_t via__socket_left(const struct via__blocked *b, uint32_t object, int fd,
			 enum via_op op)
{
	const struct via_object *o = via__object_at(b->s, object);
	bool gets = op == VIA_OP_READ || op == VIA_OP_ACCEPT;

	if (b->row->until != VIA__UNTIL_SOCKET || object == VIA_NONE ||
	    !is_socket(o->kind))
		return b->left_ns;
	return socket_timeout(b->pid, fd, o->ino,
			      gets ? SO_RCVTIMEO : SO_SNDTIMEO);
}

/* --- Timers --- */

/* How long a timer will run; -1: it is not set. */
static int64_t timer_left(const struct via__blocked *b, int fd)
{
	char path[48], text[1024];
	unsigned long long s, ns;

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	if (via__proc_read(b->dir, path, text, sizeof(text)) < 0)
		return VIA_UNKNOWN;
	const char *at = strstr(text, "it_value: (");

	if (!at || sscanf(at, "it_value: (%llu, %llu)", &s, &ns) != 2)
		return VIA_UNKNOWN;
	if (!s && !ns)
		return -1;
	int64_t since = b->s->threads[b->thread].since_ns;

	return s > UINT32_MAX ? INT64_MAX
			      : (int64_t)(s * 1000000000 + ns) +
					(since > 0 ? since : 0);
}

static void on_timer(struct via__blocked *b, uint32_t object, int fd)
{
	struct via_wait *w = via__wait(b, VIA_OP_TIME, object);
	int64_t left = timer_left(b, fd);

	w->fd = fd;
	if (w->left_ns < 0 || (left >= 0 && left < w->left_ns))
		w->left_ns = left;
}

/* --- By kind --- */

static void on_process(struct via__blocked *b, uint32_t object, int fd)
{
	pid_t pid = (pid_t)via__object_at(b->s, object)->ino;
	struct via_wait *w = via__wait_for(b, VIA_OP_CHILD,
					   via_snapshot_process(b->s, pid));

	w->object = object;
	w->fd = fd;
}

/* Whether the process has this end of a pipe. */
static bool has_end(const struct via__blocked *b, const struct via_object *o,
		    enum via_op op)
{
	uint8_t end = op == VIA_OP_READ ? VIA_HOLD_READ : VIA_HOLD_WRITE;

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&b->s->holds[b->s->users[o->first_user + i]];

		if (h->process == b->process && h->flags & end)
			return true;
	}
	return false;
}

/* What an op comes down to on this kind of thing. */
static enum via_op op_on(const struct via__blocked *b,
			 const struct via_object *o, enum via_op op)
{
	switch (o->kind) {
	case VIA_KIND_SIGNALFD:
		return VIA_OP_SIGNAL;
	case VIA_KIND_URING:
		return VIA_OP_EVENT;
	/* A disk, or whoever stands behind the file system. */
	case VIA_KIND_FILE:
	case VIA_KIND_DIR:
	case VIA_KIND_BLOCK:
		return VIA_OP_UNKNOWN;
	/* Who polls an end for what only the other one gives is told when
	 * that is closed. */
	case VIA_KIND_PIPE:
	case VIA_KIND_FIFO:
		return has_end(b, o, op) ? op : VIA_OP_EVENT;
	}
	return op == VIA_OP_READ && o->flags & VIA_OBJECT_LISTENS
		       ? VIA_OP_ACCEPT
		       : op;
}

void via__wait_on_object(struct via__blocked *b, uint32_t object, int fd,
			 enum via_op op, enum via_source source)
{
	const struct via_object *o = via__object_at(b->s, object);
	uint32_t first = b->s->n_waits;

	if (object == VIA_NONE) {
		via__wait(b, op, object)->fd = fd;
	} else if (o->kind == VIA_KIND_EPOLL) {
		via__wait_on_epoll(b, object, fd);
	} else if (o->kind == VIA_KIND_PIDFD) {
		on_process(b, object, fd);
	} else if (o->kind == VIA_KIND_TIMERFD) {
		on_timer(b, object, fd);
	} else {
		via__wait(b, op_on(b, o, op), object)->fd = fd;
	}
	for (uint32_t i = first; i < b->s->n_waits; i++)
		b->s->waits[i].source = (uint8_t)source;
}

void via__wait_on_fd(struct via__blocked *b, int fd, enum via_op op,
		     enum via_source source)
{
	via__wait_on_object(b, via__fd_object(b, fd), fd, op, source);
}

void via__wait_fd(struct via__blocked *b)
{
	int fd = via__call_fd(b);
	uint32_t object = via__fd_object(b, fd);

	b->left_ns = via__socket_left(b, object, fd, b->row->op);
	via__wait_on_object(b, object, fd, b->row->op, VIA_SOURCE_PROC);
}

/* --- From one descriptor to another --- */

static bool is_pipe(const struct via_object *o)
{
	return o->kind == VIA_KIND_PIPE || o->kind == VIA_KIND_FIFO;
}

/*
 * It waits for one of its two sides, and the kernel does not say which. A pipe
 * that is read tells by its level; what is a file is always ready.
 */
void via__wait_flow(struct via__blocked *b)
{
	int from = (int)b->call.args[b->row->from], to = via__call_fd(b);
	uint32_t source = via__fd_object(b, from), first = b->s->n_waits;
	const struct via_object *o = via__object_at(b->s, source);
	bool known = source != VIA_NONE, may_read = true, may_write = true;

	if (known && is_pipe(o) && o->level != VIA_UNKNOWN) {
		may_read = o->level == 0;
		may_write = !may_read;
	} else if (known && o->kind == VIA_KIND_FILE) {
		may_read = false;
	}
	if (may_read) {
		b->left_ns = via__socket_left(b, source, from, VIA_OP_READ);
		via__wait_on_fd(b, from, VIA_OP_READ, VIA_SOURCE_PROC);
	}
	if (may_write) {
		b->left_ns = via__socket_left(b, via__fd_object(b, to), to,
					      VIA_OP_WRITE);
		via__wait_on_fd(b, to, VIA_OP_WRITE, VIA_SOURCE_PROC);
	}
	if (may_read && may_write)
		via__wait_doubt(b, first, VIA_LIKELY);
}

/* The pipe's readable end gives, its writable end takes: vmsplice(2). */
void via__wait_vmsplice(struct via__blocked *b)
{
	int fd = via__call_fd(b);
	uint32_t hold = via__fd_hold(b, fd);
	bool writes = hold == VIA_NONE ||
		      b->s->holds[hold].flags & VIA_HOLD_WRITE;

	via__wait_on_fd(b, fd, writes ? VIA_OP_WRITE : VIA_OP_READ,
			VIA_SOURCE_PROC);
}
