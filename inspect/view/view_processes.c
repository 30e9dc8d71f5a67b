/* SPDX-License-Identifier: MIT */
/* via ps: processes, as a tree or one after the other, and their threads. */
#include <stdlib.h>

#include "inspect/view/cells.h"
#include "inspect/view/cells_ps.h"

/* --- The tree --- */

struct tree {
	/* By process: indices of processes, or VIA_NONE. */
	uint32_t *parent, *child, *next;
	uint32_t *line; /* its line */
};

static bool is_shown(const struct via__show *show, uint32_t process)
{
	const struct via_process *p = &show->s->processes[process];

	return (show->all || !(p->flags & VIA_PROCESS_KERNEL) ||
		show->filter->words.n) &&
	       via__filter_process(show->s, show->filter, process);
}

/* Backwards, so that children come out in the order of their pids. */
static void grow(const struct via__show *show, struct tree *t)
{
	const struct via_snapshot *s = show->s;

	for (uint32_t i = 0; i < s->n_processes; i++)
		t->parent[i] = t->child[i] = t->next[i] = t->line[i] = VIA_NONE;
	for (uint32_t i = s->n_processes; show->tree && i-- > 0;) {
		uint32_t parent =
			via_snapshot_process(s, s->processes[i].task.ppid);

		if (parent == VIA_NONE || parent == i)
			continue;
		t->parent[i] = parent;
		t->next[i] = t->child[parent];
		t->child[parent] = i;
	}
}

static void add_threads(const struct via__show *show, struct via__lines *ret,
			uint32_t process, uint32_t parent)
{
	const struct via_process *p = &show->s->processes[process];

	for (uint32_t i = 0; i < p->n_threads; i++) {
		uint32_t thread = p->first_thread + i;

		/* In the tree the process stands for its first one. */
		if (show->tree && show->s->threads[thread].tid == p->task.pid)
			continue;
		struct via__line *line = via__add_line(ret);

		line->process = process;
		line->thread = thread;
		line->parent = parent;
	}
}

static void add(const struct via__show *show, struct via__lines *ret,
		struct tree *t, uint32_t process)
{
	uint32_t parent = t->parent[process];

	if (!is_shown(show, process))
		return;
	if (show->threads && !show->tree &&
	    show->s->processes[process].n_threads) {
		add_threads(show, ret, process, VIA_NONE);
		return;
	}
	struct via__line *line = via__add_line(ret);

	line->process = process;
	line->parent = parent == VIA_NONE ? VIA_NONE : t->line[parent];
	t->line[process] = ret->n - 1;
	if (show->threads)
		add_threads(show, ret, process, ret->n - 1);
}

/* A process and all below it. What has been cut from its parent is a root. */
static void walk(const struct via__show *show, struct via__lines *ret,
		 struct tree *t, uint32_t root)
{
	uint32_t at = root;

	for (;;) {
		add(show, ret, t, at);
		if (t->child[at] != VIA_NONE) {
			at = t->child[at];
			continue;
		}
		while (at != root && t->next[at] == VIA_NONE)
			at = t->parent[at];
		if (at == root)
			return;
		at = t->next[at];
	}
}

/*
 * In what was saved parents may go round in a ring: that one is cut where
 * following the parents from one of them comes back to it.
 */
static bool is_root(const struct via__show *show, const struct tree *t,
		    uint32_t process)
{
	uint32_t at = t->parent[process], lowest = process, steps = 0;

	for (; at != VIA_NONE && at != process; at = t->parent[at]) {
		lowest = at < lowest ? at : lowest;
		if (++steps > show->s->n_processes)
			return false; /* below a ring */
	}
	return at == VIA_NONE ? !steps : lowest == process;
}

static void cut(struct tree *t, uint32_t process)
{
	uint32_t *at;

	if (t->parent[process] == VIA_NONE)
		return;
	for (at = &t->child[t->parent[process]]; *at != process;)
		at = &t->next[*at];
	*at = t->next[process];
	t->parent[process] = t->next[process] = VIA_NONE;
}

static void processes_lines(const struct via__show *show,
			    struct via__lines *ret)
{
	uint32_t n = show->s->n_processes;
	uint32_t *all = reallocarray(NULL, n + (size_t)1, 4 * sizeof(*all));
	struct tree t = {all, all + n, all + 2 * (size_t)n,
			 all + 3 * (size_t)n};

	if (!all) {
		ret->failed = true;
		return;
	}
	grow(show, &t);
	for (uint32_t i = 0; i < n; i++) {
		if (!is_root(show, &t, i))
			continue;
		cut(&t, i);
		walk(show, ret, &t, i);
	}
	free(all);
}

static const struct via__column columns[] = {
	VIA__COLUMN_USER,
	{"UID", "effective user", VIA__RIGHT, via__number_uid},
	VIA__COLUMN_PID,
	{"TID", "thread id", VIA__RIGHT, via__ps_tid},
	{"PPID", "parent", VIA__RIGHT, via__ps_ppid},
	{"PGID", "process group", VIA__RIGHT | VIA__SPARE(1), via__ps_pgid},
	{"SID", "session", VIA__RIGHT | VIA__SPARE(4), via__ps_sid},
	{"TTY", "terminal", VIA__SPARE(6), NULL, via__ps_tty},
	{"TPGID", "foreground group of the terminal",
	 VIA__RIGHT | VIA__SPARE(8), via__ps_tpgid},
	{"%CPU", "of one CPU, since it was started", VIA__RIGHT, NULL,
	 via__ps_cpu},
	{"%MEM", "of the machine's memory", VIA__RIGHT | VIA__SPARE(4), NULL,
	 via__ps_mem},
	{"VSZ", "address space, in KiB", VIA__RIGHT | VIA__SPARE(7),
	 via__ps_vsz},
	{"RSS", "resident, in KiB", VIA__RIGHT | VIA__SPARE(3), via__ps_rss},
	{"STAT", "state as ps(1) writes it", 0, NULL, via__ps_stat},
	{"START", "when it was started; in JSON seconds since 1970",
	 VIA__RIGHT | VIA__SPARE(5), via__ps_started, via__ps_start},
	{"AGE", "how long ago; in JSON seconds", VIA__RIGHT, via__ps_elapsed,
	 via__ps_age},
	{"TIME", "CPU time; in JSON seconds", VIA__RIGHT | VIA__SPARE(2),
	 via__ps_seconds, via__ps_time},
	{"NI", "niceness", VIA__RIGHT, via__ps_nice},
	{"THREADS", "how many", VIA__RIGHT, via__ps_threads},
	{"COMM", "short name", 0, NULL, via__cell_comm},
	{"EXE", "path of its program", VIA__CUT, NULL, via__ps_exe,
	 .want = VIA_WANT_PATHS},
	{"CWD", "its current directory", VIA__CUT, NULL, via__ps_cwd,
	 .want = VIA_WANT_PATHS},
	{"WCHAN", "where in the kernel its first thread waits", 0, NULL,
	 via__ps_wchan, .want = VIA_WANT_WAITS},
	{"SINCE", "how long it has not run; in JSON since_ns", VIA__RIGHT,
	 via__ps_since_ns, via__ps_since, .want = VIA_WANT_WAITS,
	 .key = "since_ns"},
	{"WAITS", "what its threads wait for; +N: or for one of N others",
	 VIA__ITEMS, NULL, via__ps_waits, via__ps_waits_json,
	 .want = VIA_WANT_WAITS},
	{"TALKS", "over what it could talk to whom: > to, < from them",
	 VIA__ITEMS | VIA__SPARE(9), NULL, via__ps_talks, via__ps_talks_json,
	 .want = VIA_WANT_FDS | VIA_WANT_MAPS | VIA_WANT_SOCKETS},
	{"COMMAND", "its arguments", VIA__CUT | VIA__TREE, NULL,
	 via__ps_command, .want = VIA_WANT_NAMES},
	{0},
};

const struct via__view via__view_processes = {
	.name = "processes",
	.json = "processes",
	.columns = columns,
	.initial = "PID,USER,STAT,WAITS,TALKS,COMMAND",
	.initial_tree = "PID,USER,STAT,WAITS,TALKS,COMMAND",
	.want = 0,
	.lines = processes_lines,
};
