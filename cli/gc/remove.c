/* SPDX-License-Identifier: MIT */
#include "cli/gc/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- Files --- */

/* The directory of an object's name and the name in it. The name is the
 * snapshot's. NULL: it is somewhere else. */
static const char *split(const struct via_snapshot *s,
			 const struct via_object *o, const char **ret_dir)
{
	static const char shm[] = "/dev/shm/", mqueue[] = "/";
	const char *prefix = o->kind == VIA_KIND_MQ ? mqueue : shm;
	size_t len = strlen(prefix), size;
	const char *name = via_snapshot_text(s, o->name, &size);

	*ret_dir = o->kind == VIA_KIND_MQ ? "/dev/mqueue" : "/dev/shm";
	if (size <= len || strncmp(name, prefix, len) != 0 ||
	    strchr(name + len, '/') || strlen(name) != size)
		return NULL;
	return name + len;
}

/* The directory, if the name in it is the object: a descriptor or -errno. */
static int find(const struct via_snapshot *s, const struct via_object *o,
		const char **ret_name)
{
	const char *dir;
	struct stat st;

	*ret_name = split(s, o, &dir);
	if (!*ret_name)
		return -ENOENT;
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstatat(fd, *ret_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_dev == o->dev && st.st_ino == o->ino)
		return fd;
	close(fd);
	return -ENOENT;
}

static int remove_file(const struct via_snapshot *s, const struct via_object *o)
{
	const char *name;
	int dir = find(s, o, &name);

	if (dir < 0)
		return dir;
	int err = unlinkat(dir, name, 0) < 0 ? -errno : 0;

	close(dir);
	return err;
}

bool gc_is_here(const struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = &s->objects[object];
	const char *name;

	if (o->kind != VIA_KIND_POSIXSHM && o->kind != VIA_KIND_POSIXSEM &&
	    o->kind != VIA_KIND_MQ)
		return true;
	int dir = find(s, o, &name);

	if (dir >= 0)
		close(dir);
	return dir >= 0;
}

/* --- System V --- */

static int gone_or(int err)
{
	return err == EINVAL || err == EIDRM ? -ENOENT : -err;
}

static int remove_memory(int id, const struct via_ipc *ipc)
{
	struct shmid_ds now;

	if (shmctl(id, IPC_STAT, &now) < 0)
		return gone_or(errno);
	if (now.shm_nattch || now.shm_cpid != ipc->creator ||
	    now.shm_lpid != ipc->last)
		return -EBUSY;
	return shmctl(id, IPC_RMID, NULL) < 0 ? gone_or(errno) : 0;
}

static int remove_set(int id, const struct via_ipc *ipc)
{
	struct semid_ds now;
	union {
		struct semid_ds *ds;
	} arg = {&now};

	if (semctl(id, 0, IPC_STAT, arg) < 0)
		return gone_or(errno);
	if (now.sem_otime != (ipc->used == VIA_UNKNOWN ? 0 : ipc->used))
		return -EBUSY;
	return semctl(id, 0, IPC_RMID) < 0 ? gone_or(errno) : 0;
}

static int remove_queue(int id, const struct via_ipc *ipc)
{
	struct msqid_ds now;

	if (msgctl(id, IPC_STAT, &now) < 0)
		return gone_or(errno);
	if (now.msg_lspid != ipc->last || now.msg_lrpid != ipc->last_receiver ||
	    (int64_t)now.msg_qnum != ipc->n_messages)
		return -EBUSY;
	return msgctl(id, IPC_RMID, NULL) < 0 ? gone_or(errno) : 0;
}

int gc_remove(const struct via_snapshot *s, uint32_t object)
{
	const struct via_object *o = &s->objects[object];
	const struct via_ipc *ipc = &s->ipcs[o->detail];

	switch (o->kind) {
	case VIA_KIND_SYSVSHM:
		return remove_memory((int)o->ino, ipc);
	case VIA_KIND_SYSVSEM:
		return remove_set((int)o->ino, ipc);
	case VIA_KIND_SYSVMSG:
		return remove_queue((int)o->ino, ipc);
	default:
		return remove_file(s, o);
	}
}

/* --- Sockets --- */

/*
 * A datagram socket asks without a trace: the kernel compares types
 * (EPROTOTYPE) only when it has found a live socket behind the file, whose ever
 * it is, and says ECONNREFUSED when not: unix_find_bsd(), net/unix/af_unix.c.
 */
int gc_socket_is_stale(const char *path, struct stat *ret)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int err = 0;

	if (lstat(path, ret) < 0)
		return -errno;
	if (!S_ISSOCK(ret->st_mode))
		return -ENOTSOCK;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		err = errno;
	close(fd);
	if (err == ECONNREFUSED)
		return 1;
	return !err || err == EPROTOTYPE ? 0 : -err;
}

int gc_remove_socket(const char *path, const struct stat *st)
{
	struct stat now;
	int stale = gc_socket_is_stale(path, &now);

	if (stale < 0)
		return stale;
	if (!stale)
		return -EBUSY;
	if (now.st_dev != st->st_dev || now.st_ino != st->st_ino)
		return -EBUSY;
	return unlink(path) < 0 ? -errno : 0;
}
