/* SPDX-License-Identifier: MIT */
/* via ls: what processes share, who has it, how full it is, who waits. */
#include <getopt.h>

#include "cli/inspect/show.h"
#include "cli/verb.h"

/* What is printed: by the option that asks for it. */
enum {
	OBJECTS,
	FDS,
	NET,
	IPC,
	USAGE,
	TREE,
	LIMITS /* those of another verb */
};
static const struct via__view *const views[] = {
	[OBJECTS] = &via__view_objects,
	[FDS] = &via__view_fds,
	[NET] = &via__view_net,
	[IPC] = &via__view_ipc,
	[USAGE] = &via__view_usage,
	[TREE] = &via__view_tree,
	NULL,
};

struct ls_options {
	struct list_options list;
	int view;
};

/* Mapped files are what there is most of. */
static uint32_t want(const struct ls_options *o)
{
	return o->list.show.all && (o->view == OBJECTS || o->view == FDS)
		       ? VIA_WANT_MAPS | VIA_WANT_ALL_MAPS
		       : 0;
}

static int limits(bool as_json, int argc)
{
	char verb[] = "limits", json[] = "--json";
	char *argv[] = {verb, as_json ? json : NULL, NULL};

	if (argc > 2 + as_json)
		cli_usage("--limits goes with --json alone: it is of this "
			  "machine as it is");
	optind = 0; /* begin again: getopt(3) */
	return verb_limits.run(1 + as_json, argv);
}

static int ls_run(int argc, char **argv)
{
	struct ls_options o = {0};
	int first = cli_options(&verb_ls, argc, argv, &o);

	if (o.view == LIMITS)
		return limits(o.list.look.json, argc);
	struct via__show show = {.tree = o.view == TREE};

	return show_list(views[o.view], &show, &o.list, argv + first, want(&o));
}

/* clang-format off */
static const struct verb_option options[] = {
	{'a', "all", NULL, "files, mappings and what one process alone has as "
	 "well", CLI_FLAG, offsetof(struct ls_options, list.show.all)},
	{0, "fd", NULL, "each descriptor of each process, as lsof does",
	 CLI_CHOICE, offsetof(struct ls_options, view), FDS},
	{0, "net", NULL, "sockets, as ss and netstat do", CLI_CHOICE,
	 offsetof(struct ls_options, view), NET},
	{0, "ipc", NULL, "System V and POSIX objects, as ipcs does",
	 CLI_CHOICE, offsetof(struct ls_options, view), IPC},
	{0, "usage", NULL, "how much there is of each kind", CLI_CHOICE,
	 offsetof(struct ls_options, view), USAGE},
	{0, "limits", NULL, "the kernel's limits: via-limits(1)", CLI_CHOICE,
	 offsetof(struct ls_options, view), LIMITS},
	{0, "tree", NULL, "processes, what they share, with whom", CLI_CHOICE,
	 offsetof(struct ls_options, view), TREE},
	LIST_OPTIONS(struct ls_options, list),
	{0},
};
/* clang-format on */

static const struct verb_example examples[] = {
	{"via ls", "what is shared between processes, by whom"},
	{"via ls 4242", "what that process could talk over"},
	{"via ls pipe:[123]", "both ends of a pipe"},
	{"via ls /run/x.sock", "a socket and all who are connected"},
	{"via ls --state full,waited", "where somebody waits, or soon will"},
	{"via ls --net --state listen", "who can be connected to"},
	{"via ls --fd --all --pid 4242", "all that a process has open"},
	{"via ls --json | jq '.objects[] | select(.processes > 2)'",
	 "for scripts"},
	{0},
};

const struct verb verb_ls = {
	.name = "ls",
	.summary = "show what processes share, and how full it is",
	.synopsis = "[OPTION]... [FILTER]...",
	.description =
		"Show the pipes, sockets, shared memory, queues, semaphores "
		"and locks that processes have in common, who has them "
		"(PID,COMMAND,FD with r, w or both), how full they are, and "
		"who waits for them. The programs need not know via.\n\n"
		"A FILTER is a pid, an object (pipe:[123], unix:/run/x.sock, "
		"tcp::80, mq: for all of a kind), a path or an abstract name, "
		"or the name of a process or a part of that of an object. Of "
		"several one has to fit, and every option that narrows it "
		"down. States are full, empty, waited, unused, deleted, "
		"listen, established and so on.\n\n"
		"What cannot be seen for lack of privilege is left out, and "
		"a last line on standard error says so.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.views = views,
	.run = ls_run,
};
