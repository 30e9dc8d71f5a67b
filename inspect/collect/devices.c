/* SPDX-License-Identifier: MIT */
#include "inspect/collect/devices.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "inspect/collect/mounts.h"
#include "inspect/model/array.h"

static enum via__place add(struct via__devices *d, uint64_t dev,
			   enum via__place place)
{
	if (via__room(&d->list, d->n, &d->max, sizeof(*d->list)))
		d->list[d->n++] = (struct via__device){
			.dev = dev, .mount = UINT64_MAX, .place = place};
	return place;
}

/* --- The kernel's own --- */

static void add_fd(struct via__devices *d, int fd, enum via__place place)
{
	struct statx file;

	if (fd >= 0 && statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &file) == 0) {
		(void)add(d, makedev(file.stx_dev_major, file.stx_dev_minor),
			  place);
		/* Since Linux 5.8. */
		if (d->n && file.stx_mask & STATX_MNT_ID)
			d->list[d->n - 1].mount = file.stx_mnt_id;
	}
	if (fd >= 0)
		close(fd);
}

static void add_path(struct via__devices *d, const char *path,
		     enum via__place place)
{
	struct stat st;

	if (stat(path, &st) == 0)
		(void)add(d, st.st_dev, place);
}

/* A tmpfs numbers its inodes from its root on: mm/shmem.c, since Linux 5.9. */
#define TMPFS_ROOT_INO 1

/* Where it is no file system of its own, or a directory of one, others have the
 * same device. */
static void add_shm(struct via__devices *d)
{
	struct stat dev, shm;
	struct statfs fs;

	if (stat("/dev", &dev) < 0 || stat("/dev/shm", &shm) < 0 ||
	    statfs("/dev/shm", &fs) < 0)
		return;
	if (fs.f_type == TMPFS_MAGIC && shm.st_dev != dev.st_dev &&
	    shm.st_ino == TMPFS_ROOT_INO)
		(void)add(d, shm.st_dev, VIA__PLACE_SHM);
	else
		d->shm_dev = shm.st_dev;
}

static void add_own(struct via__devices *d)
{
	int p[2];

	d->known = true;
	if (pipe2(p, O_CLOEXEC) == 0) {
		add_fd(d, p[0], VIA__PLACE_PIPES);
		close(p[1]);
	}
	add_fd(d, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	       VIA__PLACE_SOCKETS);
	add_fd(d, memfd_create("via", MFD_CLOEXEC), VIA__PLACE_MEMORY);
	add_fd(d, eventfd(0, EFD_CLOEXEC), VIA__PLACE_ANON);
	add_path(d, "/proc/self/ns/mnt", VIA__PLACE_NS);
	add_shm(d);
}

/* --- Those that are mounted --- */

/* Of those without a disk, which have the inodes that stat(2) shows. */
static bool is_plain(const char *type)
{
	static const char *const plain[] = {
		"tmpfs",   "devtmpfs",	"ramfs",   "proc",    "sysfs", "cgroup",
		"cgroup2", "hugetlbfs", "debugfs", "tracefs", "bpf",
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (strcmp(type, plain[i]) == 0)
			return true;
	return false;
}

static enum via__place place_of(const struct via__mount *m)
{
	if (strcmp(m->type, "mqueue") == 0)
		return VIA__PLACE_MQ;
	if (strcmp(m->type, "devpts") == 0)
		return VIA__PLACE_PTS;
	if (strcmp(m->type, "tmpfs") == 0 && strcmp(m->root, "/") == 0 &&
	    (strcmp(m->point, "/dev/shm") == 0 ||
	     strcmp(m->point, "/run/shm") == 0))
		return VIA__PLACE_SHM;
	return is_plain(m->type) ? VIA__PLACE_FILES : VIA__PLACE_LAYERS;
}

static bool find_mount(int process, uint64_t dev, struct via__buf *buf,
		       enum via__place *ret)
{
	struct via__mount m;
	bool found = false;

	if (via__proc_read_long(process, "mountinfo", buf) < 0)
		return false;
	/* One may be mounted in several places. */
	for (char *at = buf->text; (at = via__mount_next(at, &m));) {
		if (m.dev != dev || !*m.type)
			continue;
		found = true;
		*ret = place_of(&m);
		if (*ret != VIA__PLACE_FILES && *ret != VIA__PLACE_LAYERS)
			break;
	}
	return found;
}

/* --- And the others: what the kernel keeps for itself --- */

#define MQ_INODE_SIZE 80 /* FILENT_SIZE of ipc/mqueue.c */

/* Of our own IPC namespace, for who may mount: mounted nowhere, only opened. */
static bool is_own_mqueue(uint64_t dev)
{
	int fs = (int)syscall(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC);
	int fd = fs >= 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL,
				    NULL, 0) == 0
			 ? (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0)
			 : -1;
	struct stat st;
	bool is_it = fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == dev;

	if (fd >= 0)
		close(fd);
	if (fs >= 0)
		close(fs);
	return is_it;
}

/* File systems that write to somewhere, or ask somebody (FUSE, NFS), are listed
 * in /sys by their devices as long as they live; mqueue is not. */
static bool may_be_mqueue(uint64_t dev)
{
	char path[64];

	if (access("/sys/class/bdi", F_OK) < 0)
		return is_own_mqueue(dev);
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u", major(dev),
		 minor(dev));
	return access(path, F_OK) < 0;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static enum via__place guess(uint64_t dev, const struct via__fd_at *at)
{
	char link[64];
	ssize_t len = readlinkat(at->dir, at->name, link, sizeof(link) - 1);

	link[len > 0 ? len : 0] = '\0';
	if (begins(link, "/memfd:")) /* of huge pages */
		return VIA__PLACE_MEMORY;
	if (begins(link, "anon_inode:") || begins(link, "pidfd:"))
		return VIA__PLACE_ANON;
	if (begins(link, "/") && !strchr(link + 1, '/') &&
	    at->size == MQ_INODE_SIZE && may_be_mqueue(dev))
		return VIA__PLACE_MQ;
	return VIA__PLACE_LAYERS;
}

static const struct via__device *find(const struct via__devices *d,
				      uint64_t dev)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].dev == dev)
			return &d->list[i];
	return NULL;
}

enum via__place via__place_known(const struct via__devices *d, uint64_t dev)
{
	const struct via__device *known = find(d, dev);

	return known ? known->place : VIA__PLACE_FILES;
}

enum via__place via__place(struct via__devices *d, uint64_t dev,
			   const struct via__fd_at *at, struct via__buf *buf)
{
	enum via__place place;

	if (!d->known)
		add_own(d);
	/* A disk, or part of one: the kernel's own have no major number. */
	if (major(dev) != 0)
		return VIA__PLACE_FILES;
	const struct via__device *known = find(d, dev);

	if (known)
		return known->place;
	if (!find_mount(at->process, dev, buf, &place))
		place = guess(dev, at);
	return add(d, dev, place);
}

const struct via__device *via__device_mounted(struct via__devices *d,
					      uint64_t mount)
{
	if (!d->known)
		add_own(d);
	for (size_t i = 0; i < d->n; i++)
		if (d->list[i].mount == mount)
			return &d->list[i];
	return NULL;
}

uint64_t via__devpts(struct via__devices *d, int process, uint32_t mnt_ns,
		     const char *point, struct via__buf *buf)
{
	struct via__mount m;
	uint64_t dev = 0;

	if (mnt_ns && mnt_ns == d->mnt_ns && strcmp(point, "/dev/pts") == 0)
		return d->devpts;
	if (via__proc_read_long(process, "mountinfo", buf) < 0)
		return 0;
	/* The last one covers those before. */
	for (char *at = buf->text; (at = via__mount_next(at, &m));)
		if (strcmp(m.type, "devpts") == 0 &&
		    strcmp(m.point, point) == 0)
			dev = m.dev;
	if (strcmp(point, "/dev/pts") == 0) {
		d->mnt_ns = mnt_ns;
		d->devpts = dev;
	}
	return dev;
}

void via__devices_fini(struct via__devices *d)
{
	free(d->list);
}
