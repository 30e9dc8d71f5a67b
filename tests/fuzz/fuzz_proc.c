/* SPDX-License-Identifier: MIT */
/*
 * Files of /proc/PID. The first byte says which one the rest of the input is;
 * names, command lines and paths in them are anybody's choice.
 */
#include <errno.h>

#include "inspect/collect/fd.h"
#include "inspect/collect/fields.h"
#include "inspect/collect/locks.h"
#include "inspect/collect/maps.h"
#include "inspect/collect/mounts.h"
#include "inspect/collect/polled.h"
#include "inspect/collect/signals.h"
#include "inspect/collect/smaps.h"
#include "inspect/collect/sysv.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/whole.h"

struct input {
	int dir;	  /* whose files it is */
	const char *text; /* the same, terminated */
	size_t len;	  /* strlen() of it */
};

/* --- What collectors make of one process --- */

#define EPOLL 3 /* descriptor of a set; 4 and 5 are in it */

/* With what descriptors are of already, as epoll sets name it. */
static void add_holds(struct via_snapshot *s)
{
	const uint32_t objects[] = {
		via__object(s, VIA_KIND_EPOLL, (uint64_t)getpid(), EPOLL, 0),
		via__object(s, VIA_KIND_PIPE, 13, 1000, 0),
		via__object(s, VIA_KIND_SOCKET, 0, 1001, 0),
	};

	for (int i = 0; i < 3; i++)
		via__add_hold(s, 0, objects[i], VIA_HOLDS_FD)->id = EPOLL + i;
}

static void fini(struct via__scene *scene)
{
	via_snapshot_free(scene->s);
	via__buf_fini(&scene->buf);
	via__buf_fini(&scene->tty_drivers);
	via__cgroups_fini(&scene->cgroups);
	via__clock_fini(&scene->clock);
	via__devices_fini(&scene->devices);
	via__same_fini(&scene->same);
}

static void collect(const struct input *in,
		    void (*process)(struct via__scene *scene,
				    const struct via__at *at))
{
	struct via__scene scene = {
		.s = via__snapshot_new(),
		.want = VIA_WANT_ALL,
		.pid_ns = 1,
	};
	struct via__at at = {in->dir, 0, getpid()};

	check(scene.s);
	struct via_process *p = via__add_process(scene.s);

	/* Of what it says of itself, all but who it is. */
	if (via__proc_task(in->dir, at.pid, &p->task) < 0)
		p->task = (struct via_task){.pid = at.pid, .n_threads = 2};
	add_holds(scene.s);
	process(&scene, &at);
	check(via__build_error(scene.s) == 0 && via__seal(scene.s) == 0);
	check_whole(scene.s);
	check_again(scene.s);
	fini(&scene);
}

/* --- One file each --- */

static void check_stat(const struct input *in)
{
	struct via_task task = {0};
	int err = via__proc_parse_stat(in->text, &task);

	check(err == 0 || err == -EPROTO);
	check(err || strchr(in->text, '(') < strrchr(in->text, ')'));
	check(memchr(task.comm, '\0', sizeof(task.comm)));
	check(via__proc_task(in->dir, 7, &task) <= 0);
	collect(in, via__collector_threads.process);
}

static void check_syscall(const struct input *in)
{
	struct via_syscall call = {0};

	check(via__proc_syscall(in->dir, &call) == 0);
	check(call.nr >= VIA_SYSCALL_UNKNOWN);
	collect(in, via__collector_threads.process);
}

static void check_status(const struct input *in)
{
	struct via_task_signals signals = {0};
	int err = via__signals_read(in->dir, &signals);

	check(err == 0 || err == -EPROTO);
	(void)via__inner_id(in->text);
	collect(in, via__collector_tasks.process);
	collect(in, via__collector_threads.process);
}

static void check_sched(const struct input *in)
{
	int64_t ns = via__exec_start(in->text);

	check(ns >= 0 || ns == VIA_UNKNOWN);
	collect(in, via__collector_threads.process);
}

static void ignore_lock(const struct via__lock_line *line, void *arg)
{
	(void)arg;
	check(line->type <= VIA_FILE_LEASE);
}

static void count(int fd, uint32_t events, void *arg)
{
	(void)fd;
	(void)events;
	++*(int *)arg;
}

/* What is told apart by its fdinfo alone. */
static void look_at_fdinfo(struct via__scene *scene, const struct via__at *at)
{
	const struct statx ptmx = {.stx_rdev_major = 5, .stx_rdev_minor = 2};
	struct via__bpf_file record = {.name = "[eventfd]"};
	struct via__fd f = {
		.scene = scene,
		.at = at,
		.dir = at->dir,
		.name = "fdinfo/3",
		.fd = EPOLL,
		.record = &record,
	};

	via__anon_watches(scene, at, 0);
	via__fdinfo(scene, at);
	(void)via__anon(&f);
	strcpy(record.name, "[pidfd]");
	(void)via__anon(&f);
	strcpy(record.name, "/dev/ptmx");
	(void)via__terminal(&f, &ptmx);
}

static void check_fdinfo(const struct input *in)
{
	struct via__watch w;
	int n = 0;

	for (const char *at = in->text; (at = via__watch_next(at, &w));)
		check(at > in->text && at <= in->text + in->len);
	check(via__locks_each(in->dir, "fdinfo/3", "lock:", ignore_lock,
			      NULL) == 0);
	int err = via__polled_epoll(in->dir, EPOLL, count, &n);

	check(n <= VIA__POLLED_MAX && (err == 0 || err == -E2BIG));
	collect(in, look_at_fdinfo);
}

static void check_mounts(const struct input *in)
{
	const struct via__fd_at at = {in->dir, in->dir, "fd", 80};
	char *text = strdup(in->text), *end = text + in->len;
	struct via__devices devices = {0};
	struct via__buf buf = {0};
	struct via__mount m;

	check(text);
	for (char *next = text; (next = via__mount_next(next, &m));) {
		const char *const words[] = {m.root, m.point, m.type,
					     m.options};

		check(next > text && next <= end);
		for (size_t i = 0; i < 4; i++)
			check(!*words[i] ||
			      (words[i] >= text &&
			       words[i] + strlen(words[i]) <= next));
		if (*m.type)
			(void)via__place(&devices, m.dev, &at, &buf);
	}
	(void)via__devpts(&devices, in->dir, 1, "/dev/pts", &buf);
	via__devices_fini(&devices);
	via__buf_fini(&buf);
	free(text);
}

static void check_cgroup(const struct input *in)
{
	static const char *const controllers[] = {"", "freezer"};
	struct via__cgroups c = {
		.known = true,
		.v1 = strdup("/nowhere/1"),
		.v2 = strdup("/nowhere/2"),
		.v1_root = strdup("/"),
		.v2_root = strdup("/root"),
	};
	struct via__buf buf = {0};

	for (size_t i = 0; i < 2; i++) {
		const char *at;
		size_t len = via__cgroup_path(in->text, controllers[i], &at);

		check(!len || (at > in->text && at[-1] == ':' &&
			       at + len <= in->text + in->len &&
			       !memchr(at, '\n', len)));
	}
	check(!via__frozen(&c, in->dir, &buf));
	for (unsigned int i = 0; i < c.n; i++)
		check(strncmp(c.seen[i].path, "/nowhere/", 9) == 0);
	via__cgroups_fini(&c);
	via__buf_fini(&buf);
}

static void check_maps(const struct input *in)
{
	collect(in, via__collector_maps.process);
}

static void check_smaps(const struct input *in)
{
	struct via_space space;
	int err = via__smaps_read(in->dir, &space);

	check(err == 0 || err == -EPROTO);
	for (size_t i = 0; i < space.n_areas; i++) {
		check(space.areas[i].start < space.areas[i].end);
		check(space.areas[i].name && space.areas[i].kind < VIA_N_AREAS);
	}
	via__space_free(&space);
}

static void check_sysv(const struct input *in)
{
	static int (*const parsers[])(const char *line, struct via_ipc *ret) = {
		via__sysv_parse_shm,
		via__sysv_parse_sem,
		via__sysv_parse_msg,
	};

	for (size_t i = 0; i < 3; i++) {
		struct via_ipc ipc = {0};
		int err = parsers[i](in->text, &ipc);

		check(err == 0 || err == -EPROTO);
		check(err == 0 || ipc.size == 0);
	}
}

static void check_drivers(const struct input *in)
{
	(void)via__tty_listed(in->text, 4, 64);
}

static const struct row {
	char letter;
	void (*parse)(const struct input *in);
} rows[] = {
	{'a', check_maps},  {'c', check_cgroup},  {'d', check_drivers},
	{'e', check_sched}, {'f', check_fdinfo},  {'m', check_mounts},
	{'p', check_smaps}, {'s', check_stat},	  {'u', check_status},
	{'v', check_sysv},  {'y', check_syscall},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* No thread of a thread: its directory is this one. */
	static const char *const names[] = {
		"cgroup", "cmdline",   "fdinfo/", "fdinfo/3",  "fdinfo/9",
		"maps",	  "mountinfo", "sched",	  "schedstat", "smaps",
		"stat",	  "status",    "syscall", "wchan",
	};
	static int dir = -1;

	if (dir < 0) {
		dir = files_open(names, sizeof(names) / sizeof(*names));
		check(mkdirat(dir, "task", 0700) == 0);
		check(symlinkat("..", dir, "task/5") == 0);
	}
	if (size < 1)
		return 0;
	files_fill(data + 1, size - 1);
	char *text = text_of(data + 1, size - 1);
	const struct input in = {dir, text, strlen(text)};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].letter == *data)
			rows[i].parse(&in);
	free(text);
	return 0;
}
