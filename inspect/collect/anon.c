/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that are of no file: event counters, epoll sets, timers. They
 * share one inode, so what tells them apart is in fdinfo (eventfd-id, Pid), or
 * is asked of kcmp(2).
 */
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/fd.h"
#include "inspect/collect/fields.h"

/* --- One descriptor --- */

static uint32_t unnumbered(struct via__fd *f, enum via_kind kind)
{
	struct via__scene *scene = f->scene;
	uint32_t *object = via__same(&scene->same, kind, f->at->pid, f->fd,
				     f->record ? f->record->file : 0);
	uint32_t new = VIA_NONE;

	if (!object || *object == VIA_NONE)
		new = via__object(scene->s, kind, (uint64_t)f->at->pid,
				  (uint64_t)f->fd, 0);
	if (object && *object == VIA_NONE)
		*object = new;
	return object ? *object : new;
}

static uint32_t counter(struct via__fd *f, uint64_t id, uint64_t count)
{
	uint32_t object = via__object(f->scene->s, VIA_KIND_EVENTFD, 0, id, 0);

	via__object_at(f->scene->s, object)->level = count < INT64_MAX
							     ? (int64_t)count
							     : INT64_MAX;
	return object;
}

static uint32_t event_counter(struct via__fd *f, enum via_kind kind)
{
	if (f->record && f->record->known)
		return counter(f, f->record->id, f->record->level);

	const char *info = via__fd_info(f);
	uint64_t id, count;

	/* Since Linux 5.2. */
	if (!info || !via__field_number(info, "eventfd-id:", 10, &id) ||
	    !via__field_number(info, "eventfd-count:", 16, &count))
		return unnumbered(f, kind);
	f->flags |= via__fd_flags(info);
	return counter(f, id, count);
}

static uint32_t process(struct via__fd *f, enum via_kind kind)
{
	const char *info = via__fd_info(f);
	const char *pid = info ? via__field(info, "Pid:") : NULL;
	long of = pid ? strtol(pid, NULL, 10) : 0;

	/* -1: it has ended; 0: we do not see it. */
	if (of <= 0)
		return unnumbered(f, kind);
	f->flags |= via__fd_flags(info);
	return via__object(f->scene->s, kind, 0, (uint64_t)of, 0);
}

static const struct {
	const char *link; /* behind "anon_inode:" */
	enum via_kind kind;
	uint32_t (*object)(struct via__fd *f, enum via_kind kind);
} rows[] = {
	{"[eventfd]", VIA_KIND_EVENTFD, event_counter},
	{"[eventpoll]", VIA_KIND_EPOLL, unnumbered},
	{"[timerfd]", VIA_KIND_TIMERFD, unnumbered},
	{"[signalfd]", VIA_KIND_SIGNALFD, unnumbered},
	{"[pidfd]", VIA_KIND_PIDFD, process},
	{"inotify", VIA_KIND_INOTIFY, unnumbered},
	{"[io_uring]", VIA_KIND_URING, unnumbered},
};

/* These are open for the same always. */
static uint32_t known(struct via__fd *f, size_t row)
{
	f->flags |= VIA_HOLD_READ;
	if (rows[row].kind != VIA_KIND_INOTIFY)
		f->flags |= VIA_HOLD_WRITE;
	return rows[row].object(f, rows[row].kind);
}

uint32_t via__anon(struct via__fd *f)
{
	static const char prefix[] = "anon_inode:";
	char link[64];
	size_t len = via__fd_link(f, link, sizeof(link)), cut = 0;

	if (strncmp(link, prefix, sizeof(prefix) - 1) == 0)
		cut = sizeof(prefix) - 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(link + cut, rows[i].link) == 0)
			return known(f, i);

	f->flags |= VIA_HOLD_READ | VIA_HOLD_WRITE;
	uint32_t object = unnumbered(f, VIA_KIND_OTHER);

	via__object_at(f->scene->s, object)->name =
		via__text(f->scene->s, link + cut, len - cut);
	return object;
}

/* --- What epoll sets watch --- */

const char *via__watch_next(const char *text, struct via__watch *ret)
{
	unsigned int sdev;
	unsigned long long ino;
	int len = 0;

	for (; (text = via__field(text, "tfd:")); len = 0) {
		if (sscanf(text,
			   "%d events: %x data: %*x pos:%*d ino:%llx sdev:%x%n",
			   &ret->fd, &ret->events, &ino, &sdev, &len) != 4 ||
		    !len)
			continue;
		ret->ino = ino;
		/* The kernel's own form of a device number. */
		ret->dev = makedev(sdev >> 20, sdev & 0xfffff);
		return text + len;
	}
	return NULL;
}

/* The hold of a descriptor among those that are not sealed yet; they come in
 * the order of the descriptors. */
static const struct via_holding *find(const struct via_snapshot *s,
				      uint32_t first, int fd)
{
	uint32_t low = first, high = s->n_holds;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->holds[middle].id < fd)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_holds && s->holds[low].id == fd ? &s->holds[low]
							  : NULL;
}

/* Whether a descriptor is what an epoll set of the same process watches by that
 * number; it may have been closed and used again. */
static bool is_target(pid_t pid, int epoll, int fd, enum via_certainty *ret)
{
	struct kcmp_epoll_slot slot = {(uint32_t)epoll, (uint32_t)fd, 0};
	long order = syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD,
			     (unsigned long)fd, &slot);

	*ret = order < 0 ? VIA_LIKELY : VIA_EXACT;
	return order <= 0;
}

/* A socket or pipe that was seen before. */
static uint32_t by_inode(struct via__scene *scene, uint64_t dev, uint64_t ino)
{
	switch (via__place_known(&scene->devices, dev)) {
	case VIA__PLACE_SOCKETS:
		return via_snapshot_object(scene->s, VIA_KIND_SOCKET, 0, ino,
					   0);
	case VIA__PLACE_PIPES:
		return via_snapshot_object(scene->s, VIA_KIND_PIPE, dev, ino,
					   0);
	default:
		return VIA_NONE;
	}
}

static uint32_t watched(struct via__scene *scene, const struct via__at *at,
			uint32_t first, int epoll, const struct via__watch *w,
			enum via_certainty *ret)
{
	const struct via_holding *h = find(scene->s, first, w->fd);
	const struct via_object *o = h ? via__object_at(scene->s, h->object)
				       : NULL;
	uint32_t found;

	*ret = VIA_EXACT;
	if (o && o->ino == w->ino &&
	    (o->dev == w->dev || o->kind == VIA_KIND_SOCKET))
		return h->object;
	/* Another process may still have what was closed here. */
	found = by_inode(scene, w->dev, w->ino);
	if (found != VIA_NONE)
		return found;
	return o && is_target(at->pid, epoll, w->fd, ret) ? h->object
							  : VIA_NONE;
}

static void watches_of(struct via__scene *scene, const struct via__at *at,
		       uint32_t first, int epoll, uint32_t object)
{
	struct via__watch w;
	char name[32];

	snprintf(name, sizeof(name), "fdinfo/%d", epoll);
	if (via__proc_read_record(at->dir, name, &scene->buf) < 0)
		return;
	for (const char *text = scene->buf.text;
	     (text = via__watch_next(text, &w));) {
		enum via_certainty certainty;
		uint32_t to = watched(scene, at, first, epoll, &w, &certainty);

		if (to == VIA_NONE) {
			scene->s->sight.n_dropped++;
			continue;
		}
		struct via_link *l = via__add_link(scene->s, object, to,
						   VIA_LINK_WATCHES);

		l->events = w.events;
		l->certainty = (uint8_t)certainty;
	}
}

void via__anon_watches(struct via__scene *scene, const struct via__at *at,
		       uint32_t first_hold)
{
	const struct via_snapshot *s = scene->s;

	for (uint32_t i = first_hold; i < s->n_holds; i++) {
		const struct via_object *o = via__object_at(scene->s,
							    s->holds[i].object);

		/* Once, by who is in its key: its first holder. */
		if (o->kind == VIA_KIND_EPOLL && o->dev == (uint64_t)at->pid &&
		    o->ino == (uint64_t)s->holds[i].id)
			watches_of(scene, at, first_hold, s->holds[i].id,
				   s->holds[i].object);
	}
}
