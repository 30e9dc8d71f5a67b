/* SPDX-License-Identifier: MIT */
/*
 * POSIX message queues: how many messages are in them, their limits and names.
 * Of one that somebody has open by a reference to that, as levels.c does, so it
 * need not be mounted anywhere; those that nobody has open are found where the
 * file system is mounted, on /dev/mqueue.
 *
 * Closing any descriptor of a queue takes away the notification that the
 * closing process has asked for (mqueue_flush_file() of Linux). So of queues
 * that the caller has itself its own descriptors are used and none is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/mounted.h"

/* --- One queue, by a descriptor --- */

static void read_stat(const struct stat *st, struct via_ipc *ipc)
{
	ipc->uid = st->st_uid;
	ipc->gid = st->st_gid;
	ipc->creator_uid = st->st_uid;
	ipc->mode = st->st_mode & 07777;
	ipc->changed = st->st_ctime;
	ipc->used = st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
}

/* "QSIZE:129 NOTIFY:..." as mq_overview(7) has it: bytes of messages. Reading
 * at an offset leaves the holder's alone. */
static int64_t read_bytes(int fd)
{
	char text[128];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strncmp(text, "QSIZE:", 6) == 0 ? strtoll(text + 6, NULL, 10)
					       : VIA_UNKNOWN;
}

static void read_queue(struct via_snapshot *s, uint32_t object, int fd)
{
	struct via_object *o = via__object_at(s, object);
	struct mq_attr attr;
	struct stat st;

	/* Meanwhile it may have become another file's. */
	if (fstat(fd, &st) < 0 || st.st_dev != o->dev || st.st_ino != o->ino ||
	    syscall(SYS_mq_getsetattr, fd, NULL, &attr) < 0)
		return;
	struct via_ipc *ipc = via__ipc(s, object);

	o->level = ipc->n_messages = attr.mq_curmsgs;
	o->capacity = attr.mq_maxmsg;
	ipc->message_max = attr.mq_msgsize;
	ipc->size = read_bytes(fd);
	read_stat(&st, ipc);
}

/* --- Those that somebody has open --- */

static int take(pid_t pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -1;
	int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return taken;
}

static const struct via_holding *own_hold(const struct via_snapshot *s,
					  const struct via_object *o)
{
	for (uint32_t i = o->first_user; i < o->first_user + o->n_users; i++) {
		const struct via_holding *h = &s->holds[s->users[i]];

		if (h->how == VIA_HOLDS_FD &&
		    s->processes[h->process].flags & VIA_PROCESS_SELF)
			return h;
	}
	return NULL;
}

static void ask_holders(struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = via__object_at(s, object);
	const struct via_holding *own = own_hold(s, o);
	uint32_t first = o->first_user, n = own ? 0 : o->n_users;

	if (own)
		read_queue(s, object, own->id);
	for (uint32_t i = first; i < first + n; i++) {
		const struct via_holding *h = &s->holds[s->users[i]];
		int fd = h->how == VIA_HOLDS_FD
				 ? take(s->processes[h->process].task.pid,
					h->id)
				 : -1;

		if (fd < 0)
			continue;
		read_queue(s, object, fd);
		close(fd);
		if (via__object_at(s, object)->level != VIA_UNKNOWN)
			return;
	}
}

/* --- Those that have a name where they are mounted --- */

static void found(int dir, const char *name, void *arg)
{
	struct via__scene *scene = arg;
	struct via_snapshot *s = scene->s;
	char path[256 + 2];
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return;
	uint32_t object = via__object(s, VIA_KIND_MQ, st.st_dev, st.st_ino, 0);
	struct via_object *o = via__object_at(s, object);

	if (!o->name) {
		snprintf(path, sizeof(path), "/%s", name);
		o->name = via__text_of(s, path);
	}
	read_stat(&st, via__ipc(s, object));
	if (!(scene->want & VIA_WANT_LEVELS) || o->level != VIA_UNKNOWN ||
	    own_hold(s, o))
		return;
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	read_queue(s, object, fd);
	close(fd);
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	int dir = via__open_mounted(space, "dev/mqueue", "mqueue", &scene->buf);

	(void)arg;
	if (dir >= 0)
		via__each_name(dir, found, scene);
	return dir == -ESRCH ? dir : 0;
}

static void mqueue_all(struct via__scene *scene)
{
	struct via_snapshot *s = scene->s;

	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == VIA_KIND_MQ &&
		    scene->want & VIA_WANT_LEVELS)
			ask_holders(s, i);
	if (scene->want & VIA_WANT_IPC)
		via__each_space(scene, offsetof(struct via_process, mnt_ns),
				"ns/mnt", look_in, NULL);
}

const struct via__collector via__collector_mqueue = {
	.name = "mqueue",
	.summary = "POSIX queues: names, messages, limits",
	.want = VIA_WANT_IPC | VIA_WANT_LEVELS,
	.all = mqueue_all,
};
