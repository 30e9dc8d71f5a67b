/* SPDX-License-Identifier: MIT */
/* The names of objects: one row for each kind whose name needs making. */
#include "inspect/view/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "inspect/view/escape.h"

struct naming {
	const struct via_snapshot *s;
	const struct via_object *o;
	struct via__out out;
};

static bool has_prefix(const char *text, size_t len, const char *prefix)
{
	return len >= strlen(prefix) &&
	       memcmp(text, prefix, strlen(prefix)) == 0;
}

/* The name of an object, without some prefix and without what the kernel puts
 * behind the names of deleted files. */
static bool put_name(struct naming *n, const struct via_object *o,
		     const char *prefix, const char *instead)
{
	static const char deleted[] = " (deleted)";
	size_t len, tail = strlen(deleted);
	const char *name = via_snapshot_text(n->s, o->name, &len);

	if (len > tail && o->flags & VIA_OBJECT_DELETED &&
	    memcmp(name + len - tail, deleted, tail) == 0)
		len -= tail;
	if (prefix && has_prefix(name, len, prefix)) {
		name += strlen(prefix);
		len -= strlen(prefix);
		via__out_print(&n->out, "%s", instead);
	}
	via__out_bytes(&n->out, name, len, NULL);
	return len > 0;
}

static void put_ino(struct naming *n, const struct via_object *o)
{
	via__out_print(&n->out, "[%" PRIu64 "]", o->ino);
}

/* --- By kind --- */

static void named(struct naming *n)
{
	if (!put_name(n, n->o, NULL, ""))
		put_ino(n, n->o);
}

static void by_ino(struct naming *n)
{
	put_ino(n, n->o);
}

static void by_number(struct naming *n)
{
	via__out_print(&n->out, "%" PRIu64, n->o->ino);
}

/* What the kernel has no id for is known by its first holder's descriptor. */
static void by_holder(struct naming *n)
{
	via__out_print(&n->out, "%" PRIu64 ",%" PRIu64, n->o->dev, n->o->ino);
}

static void by_device(struct naming *n)
{
	if (!put_name(n, n->o, NULL, ""))
		via__out_print(&n->out, "%u:%u", major(n->o->ino),
			       minor(n->o->ino));
}

static void terminal(struct naming *n)
{
	via__out_print(&n->out, "/dev/pts/%" PRIu64, n->o->ino);
}

/* The zero byte that begins an abstract name is written as @. */
static void unix_name(struct naming *n)
{
	size_t len;
	const char *name = via_snapshot_text(n->s, n->o->name, &len);

	if (len && !name[0])
		via__out_print(&n->out, "@");
	if (len)
		via__out_bytes(&n->out, name + !name[0], len - !name[0], NULL);
	else
		put_ino(n, n->o);
}

static void inet_name(struct naming *n)
{
	const struct via_socket *socket =
		n->o->detail == VIA_NONE ? NULL : &n->s->sockets[n->o->detail];
	size_t local = 0, remote = 0;
	const char *text[2] = {"", ""};

	if (socket) {
		text[0] = via_snapshot_text(n->s, socket->local, &local);
		text[1] = via_snapshot_text(n->s, socket->remote, &remote);
	}
	via__out_bytes(&n->out, text[0], local, NULL);
	if (remote && !(n->o->flags & VIA_OBJECT_LISTENS)) {
		via__out_print(&n->out, "->");
		via__out_bytes(&n->out, text[1], remote, NULL);
	}
	if (!local && !remote)
		named(n);
}

static void shm_name(struct naming *n)
{
	if (!put_name(n, n->o, "/dev/shm/", "/"))
		put_ino(n, n->o);
}

static void sem_name(struct naming *n)
{
	if (!put_name(n, n->o, "/dev/shm/sem.", "/"))
		put_ino(n, n->o);
}

static void memfd_name(struct naming *n)
{
	(void)put_name(n, n->o, "/memfd:", "");
	put_ino(n, n->o);
}

static void lock_name(struct naming *n)
{
	const struct via_file_lock *lock = n->o->detail == VIA_NONE
						   ? NULL
						   : &n->s->locks[n->o->detail];
	const struct via_object *file = lock && lock->file != VIA_NONE
						? &n->s->objects[lock->file]
						: n->o;

	if (!put_name(n, file, NULL, ""))
		put_ino(n, n->o);
	if (!lock || (!lock->start && lock->end == UINT64_MAX))
		return;
	via__out_print(&n->out, "[%" PRIu64 "-", lock->start);
	if (lock->end != UINT64_MAX)
		via__out_print(&n->out, "%" PRIu64, lock->end);
	via__out_print(&n->out, "]");
}

static void put_object(struct naming *n, const struct via_object *o);

static void futex_name(struct naming *n)
{
	const struct via_futex *f = n->o->detail == VIA_NONE
					    ? NULL
					    : &n->s->futexes[n->o->detail];

	if (n->o->flags & VIA_OBJECT_PRIVATE) {
		via__out_print(&n->out, "%" PRIu64 "+0x%" PRIx64, n->o->ino,
			       n->o->sub);
		return;
	}
	const struct via_object *memory = f && f->memory != VIA_NONE
						  ? &n->s->objects[f->memory]
						  : n->o;

	if (!put_name(n, memory, NULL, "")) {
		if (memory == n->o || memory->kind == VIA_KIND_FUTEX)
			put_ino(n, n->o);
		else
			put_object(n, memory);
	}
	via__out_print(&n->out, "+%" PRIu64, n->o->sub);
}

static void (*const by_kind[VIA_N_KINDS])(struct naming *n) = {
	[VIA_KIND_PIPE] = by_ino,	 [VIA_KIND_UNIX] = unix_name,
	[VIA_KIND_TCP] = inet_name,	 [VIA_KIND_UDP] = inet_name,
	[VIA_KIND_SYSVSHM] = by_number,	 [VIA_KIND_SYSVSEM] = by_number,
	[VIA_KIND_SYSVMSG] = by_number,	 [VIA_KIND_POSIXSHM] = shm_name,
	[VIA_KIND_POSIXSEM] = sem_name,	 [VIA_KIND_MEMFD] = memfd_name,
	[VIA_KIND_ANON] = by_ino,	 [VIA_KIND_EVENTFD] = by_number,
	[VIA_KIND_EPOLL] = by_holder,	 [VIA_KIND_TIMERFD] = by_holder,
	[VIA_KIND_SIGNALFD] = by_holder, [VIA_KIND_PIDFD] = by_number,
	[VIA_KIND_INOTIFY] = by_holder,	 [VIA_KIND_PTMX] = terminal,
	[VIA_KIND_PTY] = terminal,	 [VIA_KIND_TTY] = by_device,
	[VIA_KIND_URING] = by_holder,	 [VIA_KIND_LOCK] = lock_name,
	[VIA_KIND_FUTEX] = futex_name,
};

static void put_kinds_name(struct naming *n)
{
	if (n->o->kind < VIA_N_KINDS && by_kind[n->o->kind])
		by_kind[n->o->kind](n);
	else
		named(n);
}

static void put_object(struct naming *n, const struct via_object *o)
{
	struct naming of = {n->s, o, n->out};

	via__out_print(&of.out, "%s:", via_kind_name((enum via_kind)o->kind));
	put_kinds_name(&of);
	n->out = of.out;
}

const char *via__object_text(const struct via_snapshot *s, uint32_t object,
			     char *buf, size_t size)
{
	struct naming n = {s, NULL, via__out(buf, size)};

	if (object != VIA_NONE)
		put_object(&n, &s->objects[object]);
	return buf;
}

const char *via__object_name(const struct via_snapshot *s, uint32_t object,
			     char *buf, size_t size)
{
	struct naming n = {s, &s->objects[object], via__out(buf, size)};

	put_kinds_name(&n);
	return buf;
}

/* --- Who --- */

/* A comma in a command would be one between fields. */
static void put_process(struct via__out *out, const struct via_snapshot *s,
			uint32_t process)
{
	const struct via_task *task = &s->processes[process].task;

	via__out_print(out, "%d,", task->pid);
	via__out_bytes(out, task->comm, strlen(task->comm), ",");
}

const char *via__process_text(const struct via_snapshot *s, uint32_t process,
			      char *buf, size_t size)
{
	struct via__out out = via__out(buf, size);

	if (process != VIA_NONE)
		put_process(&out, s, process);
	return buf;
}

const char *via__thread_text(const struct via_snapshot *s, uint32_t thread,
			     char *buf, size_t size)
{
	struct via__out out = via__out(buf, size);

	if (thread == VIA_NONE)
		return buf;
	const struct via_thread *t = &s->threads[thread];
	const struct via_task *task = &s->processes[t->process].task;
	size_t len;
	const char *comm = via_snapshot_text(s, t->comm, &len);

	via__out_print(&out, "%d", task->pid);
	if (t->tid != task->pid)
		via__out_print(&out, "/%d", t->tid);
	via__out_print(&out, ",");
	via__out_bytes(&out, comm, len, ",");
	return buf;
}

static void put_how(struct via__out *out, const struct via_holding *hold)
{
	static const char *const words[VIA_N_HOWS] = {
		[VIA_HOLDS_MAP] = "map",
		[VIA_HOLDS_CWD] = "cwd",
		[VIA_HOLDS_ROOT] = "root",
		[VIA_HOLDS_EXE] = "exe",
		[VIA_HOLDS_LOCK] = "lock",
		[VIA_HOLDS_SENDER] = "sender",
		[VIA_HOLDS_RECEIVER] = "receiver",
	};
	const char *before = hold->how == VIA_HOLDS_MAP &&
					     hold->flags & (VIA_HOLD_READ |
							    VIA_HOLD_WRITE)
				     ? "-"
				     : "";

	if (hold->how == VIA_HOLDS_FD)
		via__out_print(out, "%d", hold->id);
	else if (hold->how < VIA_N_HOWS)
		via__out_print(out, "%s", words[hold->how]);
	if (hold->how == VIA_HOLDS_LOCK && hold->flags & VIA_HOLD_SHARED)
		via__out_print(out, "-shared");
	if (hold->how != VIA_HOLDS_FD && hold->how != VIA_HOLDS_MAP)
		return;
	via__out_print(out, "%s%s%s", before,
		       hold->flags & VIA_HOLD_READ ? "r" : "",
		       hold->flags & VIA_HOLD_WRITE ? "w" : "");
}

const char *via__how_text(const struct via_holding *hold, char *buf,
			  size_t size)
{
	struct via__out out = via__out(buf, size);

	put_how(&out, hold);
	return buf;
}

const char *via__end_text(const struct via_snapshot *s,
			  const struct via_holding *hold, char *buf,
			  size_t size)
{
	struct via__out out = via__out(buf, size);

	put_process(&out, s, hold->process);
	via__out_print(&out, ",");
	put_how(&out, hold);
	return buf;
}

/* --- Texts --- */

const char *via__command_text(const struct via_snapshot *s, uint32_t process,
			      char *buf, size_t size)
{
	const struct via_process *p = &s->processes[process];
	struct via__out out = via__out(buf, size);
	size_t len;
	const char *at = via_snapshot_text(s, p->command, &len);

	if (!len) {
		via__out_print(&out, "[");
		via__out_bytes(&out, p->task.comm, strlen(p->task.comm), NULL);
		via__out_print(&out, "]");
		return buf;
	}
	for (const char *end = at + len; at < end;) {
		size_t n = strnlen(at, (size_t)(end - at));

		via__out_bytes(&out, at, n, NULL);
		at += n + 1;
		if (at < end)
			via__out_print(&out, " ");
	}
	return buf;
}

const char *via__text_text(const struct via_snapshot *s, uint32_t text,
			   char *buf, size_t size)
{
	size_t len;
	const char *bytes = via_snapshot_text(s, text, &len);

	return via__escape(bytes, len, buf, size);
}
