/* SPDX-License-Identifier: MIT */
/*
 * Summing up: what could not be seen, and so whether all who hold an object
 * are known. Comes last.
 *
 * Besides processes that may not be looked at there are references to open
 * files in no process' table: those in a message that is on its way through a
 * Unix socket, and those registered with an io_uring. /proc tells how many a
 * socket or a ring has, but not what they are of; so where there are any, and no
 * program in the kernel has told (flight.c), nothing is sure.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/fields.h"

/* PROC_PID_INIT_INO of the kernel: the namespace that all others are in. */
#define INIT_PID_NS UINT32_C(0xEFFFFFFC)

static void sum_up(struct via_sight *sight, const struct via_process *p)
{
	sight->n_processes++;
	sight->n_hidden_fds += !!(p->hidden & VIA_HIDDEN_FDS);
	sight->n_hidden_maps += !!(p->hidden & VIA_HIDDEN_MAPS);
	sight->n_hidden_waits += !!(p->hidden & VIA_HIDDEN_WAITS);
	if (p->flags & VIA_PROCESS_SELF) {
		sight->pid_ns = p->pid_ns;
		sight->init_ns = p->pid_ns == INIT_PID_NS;
	}
}

/* --- References in no table --- */

/* The fdinfo of a descriptor that is of the object; false: none is left. */
static bool read_info(struct via__scene *scene, const struct via_object *o)
{
	const struct via_snapshot *s = scene->s;

	for (uint32_t i = o->first_user; i < o->first_user + o->n_users; i++) {
		const struct via_holding *h = &s->holds[s->users[i]];
		uint64_t ino = o->ino;
		char name[64];

		if (h->how != VIA_HOLDS_FD)
			continue;
		snprintf(name, sizeof(name), "/proc/%d/fdinfo/%d",
			 s->processes[h->process].task.pid, h->id);
		if (via__proc_read_record(AT_FDCWD, name, &scene->buf) < 0)
			continue;
		/* Since Linux 5.14; a ring has no number of ours. */
		(void)via__field_number(scene->buf.text, "ino:", 10, &ino);
		if (ino == o->ino || o->kind == VIA_KIND_URING)
			return true;
	}
	return false;
}

/* Whether one of those who wait to be accepted may have sent something. Of
 * their sockets /proc tells nothing. */
static bool has_sent(const struct via_snapshot *s, const struct via_object *o)
{
	int64_t quiet = 0;

	for (uint32_t i = 0; i < s->n_links; i++) {
		const struct via_object *from = &s->objects[s->links[i].from];

		quiet += s->links[i].kind == VIA_LINK_CONNECTING &&
			 o == &s->objects[s->links[i].to] &&
			 from->detail != VIA_NONE &&
			 s->sockets[from->detail].send == 0;
	}
	return quiet < o->level;
}

/* Whether a socket could have a message with descriptors in it; or, of a
 * listener, a connection that has. */
static bool may_carry(const struct via_snapshot *s, const struct via_object *o)
{
	if (o->flags & VIA_OBJECT_LISTENS)
		return o->kind == VIA_KIND_UNIX && o->level > 0;
	/* Packets may have no bytes, and still descriptors. */
	if (o->kind == VIA_KIND_UNIX)
		return o->level != 0 || o->detail == VIA_NONE ||
		       s->sockets[o->detail].type != SOCK_STREAM;
	/* It may be a Unix socket, as long as nobody has said what it is. */
	return o->kind == VIA_KIND_SOCKET && o->detail == VIA_NONE;
}

/* Where a program in the kernel has told what is in which socket. */
static bool is_unknown(const struct via__scene *scene,
		       const struct via_object *o)
{
	for (size_t i = 0; i < scene->n_unknown_flights; i++)
		if (o == &scene->s->objects[scene->unknown_flights[i]])
			return true;
	return false;
}

static bool carries(struct via__scene *scene, const struct via_object *o)
{
	uint64_t n = 0;

	if (o->kind == VIA_KIND_URING)
		return !read_info(scene, o) ||
		       (via__field_number(scene->buf.text, "UserFiles:", 10,
					  &n) &&
			n);
	if (!may_carry(scene->s, o))
		return false;
	if (scene->flights_known)
		return is_unknown(scene, o);
	if (o->flags & VIA_OBJECT_LISTENS)
		return has_sent(scene->s, o);
	/* One that nobody has: itself on its way. */
	if (!o->n_users)
		return o->level != 0;
	if (!read_info(scene, o))
		return true;
	return via__field_number(scene->buf.text, "scm_fds:", 10, &n)
		       ? n != 0
		       : o->kind == VIA_KIND_UNIX; /* before Linux 5.6 */
}

/* Of more, none is read: some would be left that count as if they did. */
#define READ_MAX 1000

/* Whether only a file of /proc tells if it carries any. */
static bool is_to_be_read(const struct via__scene *scene,
			  const struct via_object *o)
{
	return o->kind == VIA_KIND_URING ||
	       (!scene->flights_known && may_carry(scene->s, o));
}

static uint32_t in_flight(struct via__scene *scene)
{
	const struct via_snapshot *s = scene->s;
	uint32_t n = 0, n_files = 0;

	for (uint32_t i = 0; i < s->n_objects; i++)
		n_files += is_to_be_read(scene, &s->objects[i]);
	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];

		n += (n_files > READ_MAX && is_to_be_read(scene, o)) ||
		     carries(scene, o);
	}
	return n;
}

/* --- All of them? --- */

/* Whether an object of this kind can be had by a mapping alone. */
static bool is_mapped(uint32_t kind)
{
	switch (kind) {
	case VIA_KIND_DIR:
	case VIA_KIND_PIPE:
	case VIA_KIND_FIFO:
	case VIA_KIND_UNIX:
	case VIA_KIND_TCP:
	case VIA_KIND_UDP:
	case VIA_KIND_MQ:
	case VIA_KIND_EVENTFD:
	case VIA_KIND_EPOLL:
	case VIA_KIND_TIMERFD:
	case VIA_KIND_SIGNALFD:
	case VIA_KIND_PIDFD:
	case VIA_KIND_INOTIFY:
	case VIA_KIND_PTMX:
	case VIA_KIND_PTY:
	case VIA_KIND_TTY:
		return false;
	default:
		return true;
	}
}

/* What is known of those who hold objects that are not mapped. */
static enum via_seen by_descriptor(struct via__scene *scene)
{
	const struct via_snapshot *s = scene->s;

	/* Process 1 is there, unless others are kept from us: hidepid=2. */
	if (!(scene->want & VIA_WANT_FDS) || s->sight.n_hidden_fds ||
	    via_snapshot_process(s, 1) == VIA_NONE)
		return VIA_SEEN_UNKNOWN;
	return s->sight.init_ns && !scene->missed && !s->sight.n_in_flight
		       ? VIA_SEEN_ALL
		       : VIA_SEEN_LIKELY;
}

/* Who has the memory has what is in it. */
static void limit_futexes(struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_futexes; i++) {
		const struct via_futex *f = &s->futexes[i];

		if (f->memory != VIA_NONE &&
		    s->objects[f->memory].seen == VIA_SEEN_LIKELY &&
		    s->objects[f->object].seen == VIA_SEEN_ALL)
			s->objects[f->object].seen = VIA_SEEN_LIKELY;
	}
}

static void sight_all(struct via__scene *scene)
{
	struct via_snapshot *s = scene->s;

	for (uint32_t i = 0; i < s->n_processes; i++)
		if (!(s->processes[i].flags & VIA_PROCESS_KERNEL))
			sum_up(&s->sight, &s->processes[i]);
	if (scene->want & VIA_WANT_FDS)
		s->sight.n_in_flight = in_flight(scene);

	uint32_t seen = by_descriptor(scene);
	uint32_t mapped = !(scene->want & VIA_WANT_MAPS) ||
					  s->sight.n_hidden_maps
				  ? VIA_SEEN_UNKNOWN
				  : seen;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		struct via_object *o = &s->objects[i];

		if (o->seen == VIA_SEEN_UNKNOWN)
			o->seen = is_mapped(o->kind) ? mapped : seen;
	}
	limit_futexes(s);
}

const struct via__collector via__collector_sight = {
	.name = "sight",
	.summary = "what could not be seen",
	.want = VIA_WANT_ALL,
	.all = sight_all,
};
