/* SPDX-License-Identifier: MIT */
/* via graph: the picture of who talks to whom. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/inspect/fit.h"
#include "cli/inspect/look.h"
#include "cli/inspect/show.h"
#include "cli/verb.h"
#include "cli/wrap.h"
#include "inspect/view/picture.h"

enum format {
	AS_TEXT,
	AS_DOT,
	AS_MERMAID,
	AS_SVG,
	AS_HTML,
	AS_JSON,
};

struct graph_options {
	struct look_options look;
	int format;
	uint64_t hops;
	bool files;
};

static int print_text(const struct via_picture *p, FILE *f);
static int print_svg(const struct via_picture *p, FILE *f);

static int (*const formats[])(const struct via_picture *p, FILE *f) = {
	[AS_TEXT] = print_text,
	[AS_DOT] = via__picture_dot,
	[AS_MERMAID] = via__picture_mermaid,
	[AS_SVG] = print_svg,
	[AS_HTML] = via__picture_html,
	[AS_JSON] = via__picture_json,
};

/* --- Words --- */

/* Later lines are indented by so much more. */
#define HANGING 4

/* On a terminal a line that is too long is broken between words. */
static int print_text(const struct via_picture *p, FILE *f)
{
	char *text = NULL, *at, *line;
	size_t size = 0;

	if (!isatty(STDOUT_FILENO))
		return via__picture_text(p, f);
	FILE *words = open_memstream(&text, &size);
	int err = words ? via__picture_text(p, words) : -ENOMEM;

	if (words && fclose(words) != 0)
		err = -ENOMEM;
	for (at = text; !err && (line = strsep(&at, "\n")) && at;) {
		int indent = (int)strspn(line, " ");

		fprintf(f, "%*s", indent, "");
		wrap_print(f, line + indent, indent, indent + HANGING,
			   (int)terminal_width());
	}
	free(text);
	return err;
}

/* --- SVG, by Graphviz --- */

/* Have dot draw to the file. 0, -ENOENT: it is not there, -EIO, -ENOMEM. */
static int draw_svg(const struct via_picture *p, int file)
{
	struct sigaction before, ignore = {.sa_handler = SIG_IGN};
	char command[128];

	snprintf(command, sizeof(command),
		 "command -v dot >/dev/null || exit 127; exec dot -Tsvg >&%d",
		 file);
	/* If it ends early, its status says so. */
	sigaction(SIGPIPE, &ignore, &before);
	FILE *dot = popen(command, "we");
	int err = dot ? via__picture_dot(p, dot) : -ENOMEM;
	int status = dot ? pclose(dot) : 0;

	sigaction(SIGPIPE, &before, NULL);
	if (!err && WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return -ENOENT;
	return err ? err : status ? -EIO : 0;
}

static void copy(int file, FILE *f)
{
	char buf[65536];
	ssize_t n;

	for (off_t at = 0; (n = pread(file, buf, sizeof(buf), at)) > 0; at += n)
		if (fwrite(buf, 1, (size_t)n, f) != (size_t)n)
			return;
}

/* We write it ourselves: what goes wrong with that is for us to say. */
static int print_svg(const struct via_picture *p, FILE *f)
{
	int file = memfd_create("svg", 0);
	int err = file < 0 ? -ENOMEM : draw_svg(p, file);

	if (!err)
		copy(file, f);
	if (file >= 0)
		close(file);
	return err;
}

/* --- What to draw --- */

/* Mark what the word names: a pid, a process' name, an object or a path as via
 * ls takes them. Whether there is any. */
static bool mark(const struct via_snapshot *s, char *word, bool here,
		 bool *processes, bool *objects)
{
	static const struct choose_options nothing_else;
	char *words[] = {word, NULL}, *end;
	struct via__filter filter = choose(&nothing_else, words, here);
	long pid = strtol(word, &end, 10);
	bool any = false;

	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_task *t = &s->processes[i].task;

		if (*end ? strcmp(t->comm, word) == 0 : t->pid == pid)
			any = processes[i] = true;
	}
	for (uint32_t i = 0; *end && i < s->n_objects; i++)
		if (via__filter_means(s, &filter, i))
			any = objects[i] = true;
	choose_free(&filter);
	return any;
}

static int draw(const struct via_snapshot *s, const struct via_diagnosis *d,
		const struct graph_options *o, struct via_choice *choice)
{
	struct via_picture *p;
	int err = via__picture_new(s, d, choice, &p);

	if (err < 0)
		return cli_error("out of memory");
	err = formats[o->format](p, stdout);
	via__picture_free(p);
	if (err == -ENOENT)
		return cli_error("SVG is drawn by dot, which is not here: "
				 "install graphviz, or use --html");
	if (err < 0)
		return cli_error(err == -ENOMEM ? "out of memory"
						: "dot has failed");
	return CLI_YES;
}

static int show(const struct via_snapshot *s, char **words,
		const struct graph_options *o)
{
	struct via_diagnosis *d = NULL;
	bool *processes = calloc(s->n_processes + (size_t)1, 1),
	     *objects = calloc(s->n_objects + (size_t)1, 1);
	struct via_choice choice = {
		.processes = *words ? processes : NULL,
		.objects = *words ? objects : NULL,
		.hops = o->hops < UINT32_MAX ? (uint32_t)o->hops : 0,
		.files = o->files,
	};
	int status = CLI_YES;

	if (!processes || !objects || via_diagnose(s, &d) < 0)
		status = cli_error("out of memory");
	for (; !status && *words; words++)
		if (!mark(s, *words, !o->look.from, processes, objects))
			status = cli_error("there is no '%s'", *words);
	if (!status)
		status = draw(s, d, o, &choice);
	via_diagnosis_free(d);
	free(processes);
	free(objects);
	return status;
}

static int graph_run(int argc, char **argv)
{
	struct graph_options o = {0};
	struct via_snapshot *s;
	int first = cli_options(&verb_graph, argc, argv, &o);

	if (o.look.json) {
		if (o.format != AS_TEXT)
			cli_usage("--json excludes --dot, --mermaid, --svg "
				  "and --html");
		o.format = AS_JSON;
	}
	int status = look_take(&o.look,
			       VIA_WANT_ALL & ~(uint32_t)(VIA_WANT_ALL_MAPS |
							  VIA_WANT_SIGNALS),
			       &s);

	if (status)
		return status;
	/* What was loaded has been looked at again, or never can be. */
	if (!o.look.from)
		(void)via_snapshot_look_again(s);
	status = look_save(&o.look, s);
	if (!status) {
		status = show(s, argv + first, &o);
		look_footer(s);
	}
	via_snapshot_free(s);
	return status;
}

static const struct verb_option options[] = {
	LOOK_OPTIONS(struct graph_options, look),
	{0, "dot", NULL, "print it for Graphviz", CLI_CHOICE,
	 offsetof(struct graph_options, format), AS_DOT},
	{0, "mermaid", NULL, "print it for Mermaid", CLI_CHOICE,
	 offsetof(struct graph_options, format), AS_MERMAID},
	{0, "svg", NULL, "draw it, with dot of Graphviz", CLI_CHOICE,
	 offsetof(struct graph_options, format), AS_SVG},
	{0, "html", NULL, "make a page of it to pan, zoom and search",
	 CLI_CHOICE, offsetof(struct graph_options, format), AS_HTML},
	{'d', "depth", "N",
	 "so many steps from what was named; initially all that hangs together",
	 CLI_NUMBER, offsetof(struct graph_options, hops), .min = 1},
	{0, "files", NULL, "files and terminals that several hold, too",
	 CLI_FLAG, offsetof(struct graph_options, files)},
	{0},
};

static const struct verb_example examples[] = {
	{"via graph", "who talks to whom, in words"},
	{"via graph --html >graph.html", "the same to look around in"},
	{"via graph --depth 2 postgres --svg >postgres.svg",
	 "its channels and who is behind them"},
	{"via graph pipe:[4242] --dot | dot -Tx11", "all that hangs on a pipe"},
	{0},
};

const struct verb verb_graph = {
	.name = "graph",
	.summary = "draw who talks to whom",
	.synopsis = "[OPTION]... [FILTER]...",
	.description =
		"Draw processes and the channels between them: pipes, sockets, "
		"shared memory, queues, locks and whatever else two processes "
		"share or one waits for. A pair of sockets is one channel. "
		"Stuck processes are red, as via stuck finds them.\n\n"
		"Without FILTER, everything. A FILTER is a pid, a process' "
		"exact name, an object (pipe:[123], unix:/run/x.sock, "
		"tcp::80, mq: for all of a kind), a path or an abstract name: "
		"then only what hangs together with it.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.run = graph_run,
};
