/* SPDX-License-Identifier: MIT */
/* What processes have mapped, and with whom they share it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/bpf_maps.h"
#include "inspect/collect/maps.h"

/* --- What it is --- */

static bool starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/*
 * By the name that the kernel gives it: mm/shmem.c, ipc/shm.c, mm/memfd.c,
 * fs/hugetlbfs/inode.c. A file of such a name would have a slash before it.
 */
static const struct {
	const char *name;
	enum via_kind kind;
} kinds[] = {
	{"/memfd:", VIA_KIND_MEMFD},
	{"/dev/zero (deleted)", VIA_KIND_ANON},
	{"[anon_shmem:", VIA_KIND_ANON},
	{"/anon_hugepage (deleted)", VIA_KIND_ANON},
	{"/SYSV", VIA_KIND_SYSVSHM},
	{"/dev/shm/sem.", VIA_KIND_POSIXSEM},
	{"/dev/shm/", VIA_KIND_POSIXSHM},
};

static enum via_kind kind_of(const struct via__scene *scene,
			     const struct via__map *map)
{
	const char *slash = strrchr(map->name, '/');

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (starts(map->name, kinds[i].name))
			return kinds[i].kind;
	/* Seen from elsewhere, or mounted elsewhere; as fds.c has it. */
	if (via__place_known(&scene->devices, map->dev) != VIA__PLACE_SHM)
		return VIA_KIND_FILE;
	return slash && starts(slash, "/sem.") ? VIA_KIND_POSIXSEM
					       : VIA_KIND_POSIXSHM;
}

/* Mapped rings and the like of what has no inode of its own have none; the id
 * of a System V segment may be 0. */
static bool has_identity(const struct via__map *map)
{
	return (map->ino || starts(map->name, "/SYSV")) &&
	       !starts(map->name, "anon_inode:");
}

/* Its link below a directory of /proc, which privileged users may follow. */
static void link_of(const struct via__map *map, char path[64])
{
	snprintf(path, 64, "map_files/%llx-%llx",
		 (unsigned long long)map->start, (unsigned long long)map->end);
}

/*
 * The device in maps is that of the super block. File systems without a
 * device (major 0) may say another one to stat(2): btrfs for each subvolume,
 * overlays. The kernel lets privileged users ask by the mapping's addresses;
 * it is asked for what is in memory already, since the file may be on a file
 * system whose server does not answer.
 */
static void ask_stat(int dir, const struct via__map *map, uint64_t *dev,
		     uint64_t *ino, uint32_t *mode)
{
	char path[64];
	struct statx st;

	link_of(map, path);
	if (statx(dir, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) <
	    0)
		return;
	*dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	*ino = st.stx_ino;
	*mode = st.stx_mode;
}

static uint32_t of_file(struct via_snapshot *s, int dir,
			const struct via__map *map)
{
	static const enum via_kind known[] = {
		VIA_KIND_FILE, VIA_KIND_CHAR, VIA_KIND_POSIXSHM,
		VIA_KIND_POSIXSEM, VIA_KIND_MEMFD};
	uint64_t dev = map->dev, ino = map->ino;
	uint32_t mode = map->mode ? map->mode : S_IFREG;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		uint32_t object = via_snapshot_object(s, known[i], dev, ino, 0);

		if (object != VIA_NONE)
			return object;
	}
	if (!map->mode && (major(dev) == 0 || starts(map->name, "/dev/")))
		ask_stat(dir, map, &dev, &ino, &mode);
	return via__object(s, S_ISCHR(mode) ? VIA_KIND_CHAR : VIA_KIND_FILE,
			   dev, ino, 0);
}

/* A newline is four characters in maps, as may be what looks like one: whoever is
 * allowed to asks for the name itself. */
static const char *name_of(int dir, const struct via__map *map,
			   char link[PATH_MAX])
{
	char path[64];

	if (!strstr(map->name, "\\012"))
		return map->name;
	link_of(map, path);
	ssize_t len = readlinkat(dir, path, link, PATH_MAX - 1);

	link[len > 0 ? len : 0] = '\0';
	return len > 0 ? link : map->name;
}

static void name_it(struct via_snapshot *s, uint32_t object, const char *name)
{
	static const char deleted[] = " (deleted)";
	struct via_object *o = via__object_at(s, object);
	size_t len = strlen(name), end = sizeof(deleted) - 1;

	/* These have none, so that the kernel calls them deleted from the
	 * beginning. */
	if (o->kind == VIA_KIND_ANON || o->kind == VIA_KIND_SYSVSHM)
		return;
	if (len > end && strcmp(name + len - end, deleted) == 0) {
		len -= end;
		o->flags |= VIA_OBJECT_DELETED;
	}
	if (o->name || name[0] != '/')
		return;
	size_t skip = o->kind == VIA_KIND_MEMFD ? strlen("/memfd:") : 0;
	uint32_t text = len > skip ? via__text(s, name + skip, len - skip) : 0;

	via__object_at(s, object)->name = text;
}

uint32_t via__map_object(struct via__scene *scene, uint32_t process, int dir,
			 const struct via__map *map)
{
	struct via_snapshot *s = scene->s;
	enum via_kind kind = kind_of(scene, map);
	uint64_t dev = map->dev;
	char link[PATH_MAX];
	uint32_t object;

	if (!has_identity(map))
		return VIA_NONE;
	if (kind == VIA_KIND_SYSVSHM)
		dev = s->processes[process].ipc_ns;
	object = kind == VIA_KIND_FILE ? of_file(s, dir, map)
				       : via__object(s, kind, dev, map->ino, 0);
	name_it(s, object, name_of(dir, map, link));
	return object;
}

/* --- The collector --- */

struct looker {
	struct via__scene *scene;
	const struct via__at *at;
};

static void found(const struct via__map *map, void *arg)
{
	const struct looker *l = arg;
	uint32_t object = via__map_object(l->scene, l->at->process, l->at->dir,
					  map);

	if (object == VIA_NONE)
		return;
	struct via_holding *h = via__add_hold(l->scene->s, l->at->process,
					      object, VIA_HOLDS_MAP);

	h->flags = map->flags;
	h->start = map->start;
	h->end = map->end;
}

static int read_maps(const struct looker *l, int dir)
{
	bool all = l->scene->want & VIA_WANT_ALL_MAPS;

	return via__maps_each(dir, all ? VIA__MAPS_FILES : VIA__MAPS_SHARED,
			      found, (void *)l);
}

/* 1: they are known. */
static int by_thread(pid_t tid, void *arg)
{
	const struct looker *l = arg;
	int dir = tid == l->at->pid ? -ESRCH
				    : via__proc_open_thread(l->at->dir, tid);
	int err = dir < 0 ? dir : read_maps(l, dir);

	if (dir >= 0)
		close(dir);
	return err == -ESRCH ? 0 : err ? err : 1;
}

/* A thread that has ended has none, as the first one may have. */
static int by_any_thread(const struct via_task *task, const struct looker *l)
{
	return task->n_threads > 1
		       ? via__proc_each_thread(l->at->dir, by_thread, (void *)l)
		       : 0;
}

static void maps_process(struct via__scene *scene, const struct via__at *at)
{
	const struct via_process *p = &scene->s->processes[at->process];
	const struct via_task task = p->task;
	struct looker l = {scene, at};

	if (p->flags & VIA_PROCESS_KERNEL ||
	    via__bpf_maps_each(&scene->bpf, at->pid, found, &l) == 0)
		return;
	int err = task.state == 'Z' ? by_any_thread(&task, &l)
				    : read_maps(&l, at->dir);

	if (err < 0 && err != -ESRCH)
		scene->s->processes[at->process].hidden |= VIA_HIDDEN_MAPS;
}

/*
 * One who was told of, but had not come yet when processes were looked at: who
 * made it has run since, but may have let go of what it gave.
 */
static void doubt(const struct via__map *map, void *arg)
{
	struct via__scene *scene = arg;
	enum via_kind kind = kind_of(scene, map);

	for (uint32_t i = 0; has_identity(map) && i < scene->s->n_objects;
	     i++) {
		struct via_object *o = &scene->s->objects[i];

		if (o->ino == map->ino &&
		    (o->kind == kind || kind == VIA_KIND_FILE) &&
		    (o->dev == map->dev || kind == VIA_KIND_SYSVSHM))
			o->seen = VIA_SEEN_LIKELY;
	}
}

static void maps_all(struct via__scene *scene)
{
	const struct via__bpf *b = &scene->bpf;

	for (size_t i = 0; scene->want & VIA_WANT_WAITS && i < b->n_asked;
	     i++) {
		pid_t pid = (pid_t)b->asked[i].pid;

		if (via_snapshot_process(scene->s, pid) == VIA_NONE &&
		    via__bpf_maps_each(b, pid, doubt, scene) < 0)
			scene->missed = true;
	}
}

const struct via__collector via__collector_maps = {
	.name = "maps",
	.summary = "shared memory, mapped files: BPF, PROCMAP_QUERY, or maps",
	.want = VIA_WANT_MAPS | VIA_WANT_ALL_MAPS,
	.late = true,
	.process = maps_process,
	.all = maps_all,
};
