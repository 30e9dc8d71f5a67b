/* SPDX-License-Identifier: MIT */
/* Taking a snapshot: all collectors over all processes. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <via/deadline.h>

#include "inspect/collect/bpf.h"
#include "inspect/collect/collector.h"
#include "inspect/collect/proc.h"
#include "inspect/model/array.h"

static const struct via__collector *const collectors[] = {
#define COLLECTOR(name) &via__collector_##name,
#include "inspect/collect/collectors.def"
#undef COLLECTOR
};
#define N_COLLECTORS (sizeof(collectors) / sizeof(*collectors))

#define HIDDEN                                                                 \
	(VIA_HIDDEN_FDS | VIA_HIDDEN_MAPS | VIA_HIDDEN_WAITS | VIA_HIDDEN_PATHS)

/* One who is not there, or of whom no more is shown: proc(5), hidepid=1. */
static void not_seen(struct via__scene *scene, pid_t pid, int err)
{
	if (err != -EACCES && err != -EPERM) {
		scene->s->sight.n_gone++;
		return;
	}
	struct via_process *p = via__add_process(scene->s);

	p->task.pid = p->task.tid = pid;
	p->hidden = HIDDEN;
}

/* Whoever has got or closed a descriptor since its threads were looked at has
 * run, which shows: a program in the kernel, which tells the descriptors of all
 * at once, is to be asked when all threads have been looked at. */
static bool is_read_later(const struct via__scene *scene)
{
	return scene->bpf.open && scene->want & VIA_WANT_WAITS;
}

static void call(struct via__scene *scene, const struct via__at *at, bool late)
{
	for (size_t i = 0; i < N_COLLECTORS; i++)
		if (collectors[i]->process && collectors[i]->late == late &&
		    collectors[i]->want & scene->want)
			collectors[i]->process(scene, at);
}

static void finish_first(struct via__scene *scene)
{
	call(scene, via__ahead_first(scene->ahead), true);
	via__ahead_pop(scene->ahead);
}

static void finish_all(struct via__scene *scene)
{
	while (via__ahead_any(scene->ahead))
		finish_first(scene);
	via__ahead_stop(scene->ahead);
}

/* Pids do not come round again as quickly as this. */
static void look_at_late(struct via__scene *scene)
{
	for (uint32_t i = 0; i < scene->s->n_processes; i++) {
		pid_t pid = scene->s->processes[i].task.pid;
		struct via__at at = {-1, i, pid, NULL};

		if (!(scene->s->processes[i].flags & VIA_PROCESS_KERNEL))
			at.dir = via__proc_open(pid);
		if (at.dir < 0)
			continue;
		via__ahead_push(scene->ahead, &at);
		finish_first(scene);
	}
}

static void look_at(struct via__scene *scene, pid_t pid)
{
	struct via_task task;
	int dir = via__proc_open(pid);
	int err = dir < 0 ? dir : via__proc_task(dir, pid, &task);

	if (err) {
		not_seen(scene, pid, err);
		if (dir >= 0)
			close(dir);
		return;
	}
	struct via__at at = {dir, scene->s->n_processes, pid, NULL};

	via__add_process(scene->s)->task = task;
	call(scene, &at, false);
	if (scene->s->processes[at.process].flags & VIA_PROCESS_KERNEL ||
	    is_read_later(scene)) {
		close(dir);
		return;
	}
	via__ahead_push(scene->ahead, &at);
	if (via__ahead_full(scene->ahead))
		finish_first(scene);
}

/* With fewer processes threads do not pay: via bench inspect. */
#define MANY 200

/* We are not looked at by more than one thread, which would be seen, as would
 * what is open of others. */
static void get_ready(struct via__scene *scene, pid_t pid, size_t left)
{
	if (pid == scene->self) {
		finish_all(scene);
		via__early_wait(&scene->early);
	} else if (left >= MANY) {
		via__ahead_start(scene->ahead);
	}
}

/* The list is made first: while it is read a descriptor of our own is open,
 * which would be one of those that we tell about. */
struct pids {
	pid_t *list;
	size_t n, max;
};

static int add_pid(pid_t pid, void *arg)
{
	struct pids *p = arg;

	if (!via__room(&p->list, p->n, &p->max, sizeof(*p->list)))
		return -ENOMEM;
	p->list[p->n++] = pid;
	return 0;
}

/* Those that are not there yet. Processes are in order of their pids: not one
 * with a lower one. */
static void look_at_new(struct via__scene *scene, const struct pids *pids)
{
	const struct via_snapshot *s = scene->s;

	for (size_t i = 0; i < pids->n && !via__build_error(s); i++) {
		pid_t pid = pids->list[i];

		if (!s->n_processes ||
		    pid > s->processes[s->n_processes - 1].task.pid) {
			get_ready(scene, pid, pids->n - i);
			look_at(scene, pid);
		} else if (via_snapshot_process(s, pid) == VIA_NONE) {
			scene->missed = true;
		}
	}
	finish_all(scene);
}

/* Twice: one may have been started since we went past, perhaps by one who has
 * given what it had to it. */
static int look_at_all(struct via__scene *scene)
{
	struct pids pids = {0};
	int err = 0;

	if (scene->want & VIA_WANT_LOCKS)
		via__early_locks(&scene->early);
	for (int i = 0; i < 2 && !err; i++) {
		pids.n = 0;
		err = via__proc_each(add_pid, &pids);
		if (!err)
			look_at_new(scene, &pids);
	}
	via__early_wait(&scene->early);
	free(pids.list);
	return err ? err : via__build_error(scene->s);
}

static int look_at_processes(struct via__scene *scene)
{
	if (!is_read_later(scene)) {
		via__bpf_read(&scene->bpf);
		return look_at_all(scene);
	}
	int err = look_at_all(scene);

	if (err)
		return err;
	via__bpf_read(&scene->bpf);
	look_at_late(scene);
	return via__build_error(scene->s);
}

static int look(struct via__scene *scene)
{
	scene->ahead = via__ahead_new(scene->want & VIA_WANT_FDS &&
				      scene->s->sight.source ==
					      VIA_SOURCE_PROC);
	int err = scene->ahead ? look_at_processes(scene) : -ENOMEM;

	for (size_t i = 0; !err && i < N_COLLECTORS; i++) {
		if (!collectors[i]->all || !(collectors[i]->want & scene->want))
			continue;
		err = via__seal(scene->s);
		if (!err)
			collectors[i]->all(scene);
	}
	scene->s->sight.refused = scene->bpf.refused;
	via__bpf_fini(&scene->bpf);
	via__ahead_free(scene->ahead);
	free(scene->noted);
	free(scene->unknown_flights);
	via__buf_fini(&scene->buf);
	via__buf_fini(&scene->tty_drivers);
	via__cgroups_fini(&scene->cgroups);
	via__clock_fini(&scene->clock);
	via__devices_fini(&scene->devices);
	via__same_fini(&scene->same);
	return err;
}

static uint32_t own_pid_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint32_t)st.st_ino : 0;
}

/* Without the right to, no program is taken: then there is no BPF; else it is
 * read from /proc what the kernel refuses to tell. */
static int open_bpf(struct via__bpf *b, bool any, struct via_error *reterr)
{
	int err = via__bpf_open(b, reterr);

	if (err == -EOPNOTSUPP && b->open && !any)
		return 0;
	return err == -EPERM ? -EOPNOTSUPP : err;
}

/* What is best, or what was asked for. */
static int choose_source(const struct via_look *look_for,
			 struct via__scene *scene, struct via_error *reterr)
{
	bool any = scene->want & VIA_WANT_FDS && via__bpf_may() &&
		   (look_for->source_any == VIA_ANY_CLOSEST ||
		    (look_for->source_any && via__bpf_pays()));

	if (!any &&
	    (look_for->source_any || look_for->source == VIA_SOURCE_PROC))
		return 0;
	int err = open_bpf(&scene->bpf, any, any ? NULL : reterr);

	if (err) {
		via__bpf_fini(&scene->bpf);
		return any ? 0 : err;
	}
	scene->bpf.want = scene->want;
	scene->s->sight.source = VIA_SOURCE_BPF;
	return 0;
}

/* What rates and shares are made with. */
static void begin(struct via_sight *sight, uint32_t want)
{
	struct timespec boot, day;
	long ticks = sysconf(_SC_CLK_TCK), pages = sysconf(_SC_PHYS_PAGES);

	sight->want = want;
	sight->uid = geteuid();
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	(void)clock_gettime(CLOCK_REALTIME, &day);
	sight->taken = day.tv_sec;
	sight->taken_ticks = (uint32_t)((uint64_t)day.tv_nsec *
					(uint64_t)ticks / 1000000000);
	sight->ticks_per_s = (uint32_t)ticks;
	sight->boot_ticks = (uint64_t)boot.tv_sec * (uint64_t)ticks +
			    (uint64_t)boot.tv_nsec * (uint64_t)ticks /
				    1000000000;
	sight->memory = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int via_snapshot_take(const struct via_look *look_for,
		      struct via_snapshot **ret, struct via_error *reterr)
{
	struct via__scene scene = {
		.s = via__snapshot_new(),
		.want = look_for->want,
		.now = via_now(),
		.self = getpid(),
		.pid_ns = own_pid_ns(),
	};

	if (!scene.s)
		return -ENOMEM;
	int err = access("/proc/self/stat", R_OK) < 0
			  ? -ENOENT
			  : choose_source(look_for, &scene, reterr);

	if (!err) {
		begin(&scene.s->sight, look_for->want);
		err = look(&scene);
		scene.s->sight.took_ns = via_now() - scene.now;
	}
	if (!err)
		err = via__seal(scene.s);
	if (err) {
		via_snapshot_free(scene.s);
		return err;
	}
	*ret = scene.s;
	return 0;
}
