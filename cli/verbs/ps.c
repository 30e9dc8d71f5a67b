/* SPDX-License-Identifier: MIT */
/* via ps: processes, what each waits for and whom it could talk to. */
#include <stdio.h>
#include <unistd.h>

#include "cli/inspect/show.h"
#include "cli/verb.h"

enum {
	FORMAT_NONE,
	AUX,
	AJX,
	THREADS
};
enum {
	SHAPE_ANY,
	TREE,
	TABLE
};

/* Of what a process waits for and talks over, on a terminal. */
#define ITEMS_SHOWN 3

static const char *const formats[] = {
	[AUX] = "USER,PID,%CPU,%MEM,VSZ,RSS,TTY,STAT,START,TIME,COMMAND",
	[AJX] = "PPID,PID,PGID,SID,TTY,TPGID,STAT,UID,TIME,COMMAND",
	[THREADS] = "PID,TID,USER,STAT,WAITS,TALKS,COMMAND",
};

static const struct via__view *const views[] = {&via__view_processes, NULL};

struct ps_options {
	struct list_options list;
	int format, shape;
	bool threads;
};

/* "+COLUMN" adds to what the format has. */
static const char *columns(const struct ps_options *o, char *buf, size_t size)
{
	const char *more = o->list.show.columns;
	int format = o->format ? o->format : o->threads ? THREADS : FORMAT_NONE;

	/* JSON has them all. */
	if (!format || (more && *more != '+') ||
	    (!o->format && o->list.look.json))
		return more;
	snprintf(buf, size, "%s%s%s", formats[format], more ? "," : "",
		 more ? more + 1 : "");
	return buf;
}

static int ps_run(int argc, char **argv)
{
	struct ps_options o = {0};
	int first = cli_options(&verb_ps, argc, argv, &o);
	char buf[1024];
	struct via__show show = {
		.all = o.format, /* ps shows the kernel's threads too */
		.threads = o.threads,
		.items_max = ITEMS_SHOWN,
		.tree = o.shape == TREE ||
			(o.shape == SHAPE_ANY && !o.format &&
			 !o.list.look.json && isatty(STDOUT_FILENO)),
	};

	o.list.show.columns = columns(&o, buf, sizeof(buf));
	return show_list(&via__view_processes, &show, &o.list, argv + first, 0);
}

/* clang-format off */
static const struct verb_option options[] = {
	{'a', "all", NULL, "the kernel's threads as well", CLI_FLAG,
	 offsetof(struct ps_options, list.show.all)},
	{0, "aux", NULL, "the columns of ps aux", CLI_CHOICE,
	 offsetof(struct ps_options, format), AUX},
	{0, "ajx", NULL, "the columns of ps ajx", CLI_CHOICE,
	 offsetof(struct ps_options, format), AJX},
	{0, "tree", NULL, "children below their parents; initially on a "
	 "terminal", CLI_CHOICE, offsetof(struct ps_options, shape), TREE},
	{0, "table", NULL, "one after the other, by pid", CLI_CHOICE,
	 offsetof(struct ps_options, shape), TABLE},
	{'T', "threads", NULL, "each thread by itself", CLI_FLAG,
	 offsetof(struct ps_options, threads)},
	LIST_OPTIONS(struct ps_options, list),
	{0},
};
/* clang-format on */

static const struct verb_example examples[] = {
	{"via ps", "all processes as a tree, what they wait for"},
	{"via ps --aux", "as ps aux"},
	{"via ps --threads postgres", "each thread of processes of that name"},
	{"via ps /run/x.sock", "who has that socket"},
	{"via ps --state waiting -o PID,SINCE,WAITS",
	 "who waits for what, since when"},
	{"via ps --json 4242 | jq '.processes[].talks'",
	 "whom a process talks to"},
	{0},
};

const struct verb verb_ps = {
	.name = "ps",
	.summary = "show processes, what they wait for and talk over",
	.synopsis = "[OPTION]... [FILTER]...",
	.description =
		"Show processes: on a terminal as a tree, else one after the "
		"other. WAITS is what their threads wait for and since when "
		"(+2: or for one of two others), TALKS over what each could "
		"talk to which others: > to them, < from them, <> both.\n\n"
		"A FILTER is a pid, a process' name, an object (pipe:[123], "
		"unix:/run/x.sock), a path or an abstract name; of several one "
		"has to fit. States are the letters of ps, or running, "
		"sleeping, disk, stopped, zombie, idle, waiting, frozen.\n\n"
		"What cannot be seen for lack of privilege is left out, and "
		"a last line on standard error says so.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.views = views,
	.run = ps_run,
};
