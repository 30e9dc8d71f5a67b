/* SPDX-License-Identifier: MIT */
/* via signals: what is pending, blocked, ignored and caught, by whom. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/help.h"
#include "cli/inspect/fit.h"
#include "cli/json.h"
#include "cli/processes.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/wrap.h"
#include "inspect/collect/proc.h"
#include "inspect/collect/signals.h"

#define NO_INTERVAL INT64_MIN

struct signals_options {
	bool json, threads, watch;
	int64_t interval_ns;
};

/* A task and its signals: a process is followed by its threads. */
struct row {
	struct via_task task;
	struct via_task_signals signals;
	bool is_process;
};

struct view {
	struct signals_options o;
	struct row *row;
	size_t n, size;
};

/* --- What there is --- */

static struct row *add_row(struct view *v)
{
	if (v->n == v->size) {
		v->size = v->size ? 2 * v->size : 64;
		v->row = reallocarray(v->row, v->size, sizeof(*v->row));
		if (!v->row)
			exit(cli_error("out of memory"));
	}
	return &v->row[v->n++];
}

struct threads {
	struct view *view;
	int dir;
	size_t process; /* its row */
};

static int add_thread(pid_t tid, void *arg)
{
	struct threads *t = arg;
	struct row row = {0};
	int dir = via__proc_open_thread(t->dir, tid);

	if (dir < 0)
		return dir == -ESRCH ? 0 : dir;
	pid_t pid = t->view->row[t->process].task.pid;

	if (via__proc_task(dir, pid, &row.task) == 0 &&
	    via__signals_read(dir, &row.signals) == 0)
		*add_row(t->view) = row;
	close(dir);
	return 0;
}

/* What is pending for any thread, and what every thread blocks. */
static void sum_up(struct view *v, size_t process)
{
	struct via_task_signals *all = &v->row[process].signals;

	all->pending = all->shared;
	all->blocked = UINT64_MAX;
	for (size_t i = process + 1; i < v->n; i++) {
		all->pending |= v->row[i].signals.pending;
		all->blocked &= v->row[i].signals.blocked;
	}
}

static int add_process(int dir, const struct via_task *task, void *arg)
{
	struct view *v = arg;
	struct threads threads = {v, dir, v->n};
	struct row row = {.task = *task, .is_process = true};

	/* What has gone since is left out, as if it had gone before. */
	if (via__signals_read(dir, &row.signals) < 0)
		return 0;
	*add_row(v) = row;
	int err = via__proc_each_thread(dir, add_thread, &threads);

	if (err < 0 || v->n == threads.process + 1) {
		v->n = threads.process;
		return err == -ESRCH ? 0 : err;
	}
	sum_up(v, threads.process);
	return 1;
}

/* The user's own, if something is pending. */
static int add_pending(int dir, const struct via_task *task, void *arg)
{
	struct view *v = arg;
	size_t before = v->n;
	int err = add_process(dir, task, v);

	if (v->n > before && (v->row[before].signals.uid != getuid() ||
			      !v->row[before].signals.pending))
		v->n = before;
	return err;
}

/* CLI_YES, or CLI_FAILED after saying what there is not. */
static int collect(struct view *v, char **words)
{
	struct process_choice choice = {0};
	int status = CLI_YES, n;

	v->n = 0;
	if (!*words && (n = processes_each(&choice, add_pending, v)) < 0)
		return cli_error("/proc: %s", via_strerror(n));
	for (; *words; words++) {
		if (process_choice_parse(*words, &choice) < 0)
			cli_usage("%s: not a process id", *words);
		n = processes_each(&choice, add_process, v);
		if (n < 0)
			status = cli_error("/proc: %s", via_strerror(n));
		if (n == 0)
			status = processes_missing(&choice, *words);
	}
	return status;
}

/* --- JSON --- */

static int set_names(json_t *o, const char *key, uint64_t set)
{
	json_t *list = json_array();
	char name[VIA_SIGNAL_NAME_MAX];
	int err = 0;

	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++)
		if (set & VIA_SIGNAL_BIT(signal))
			err |= json_array_append_new(
				list,
				json_string(via_signal_name(signal, name)));
	return json_object_set_new(o, key, list) | err;
}

static json_t *row_json(const struct row *r)
{
	const struct via_task_signals *s = &r->signals;
	json_t *o = json_object();
	int err = json_object_set_new(
		o, r->is_process ? "pid" : "tid",
		json_integer(r->is_process ? r->task.pid : r->task.tid));

	err |= cli_json_set_bytes(o, "comm", "comm_base64", r->task.comm,
				  strlen(r->task.comm));
	err |= set_names(o, "pending", s->pending);
	err |= set_names(o, "blocked", s->blocked);
	if (r->is_process) {
		err |= set_names(o, "shared_pending", s->shared);
		err |= set_names(o, "ignored", s->ignored);
		err |= set_names(o, "caught", s->caught);
		err |= json_object_set_new(o, "queued",
					   json_integer((json_int_t)s->queued));
		err |= json_object_set_new(
			o, "queue_max", json_integer((json_int_t)s->queue_max));
		err |= json_object_set_new(o, "uid", json_integer(s->uid));
	}
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static int print_json(const struct view *v)
{
	json_t *all = json_object(), *list = json_array(), *threads = NULL;
	int err = json_object_set_new(all, "processes", list);

	for (size_t i = 0; i < v->n; i++) {
		const struct row *r = &v->row[i];

		if (!r->is_process && !v->o.threads)
			continue;
		json_t *o = row_json(r);

		err |= json_array_append_new(r->is_process ? list : threads, o);
		if (!r->is_process || !v->o.threads)
			continue;
		threads = json_array();
		err |= json_object_set_new(o, "threads", threads);
	}
	if (err) {
		json_decref(all);
		all = NULL;
	}
	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

/* --- Table --- */

/* The columns from here on are sets. */
#define FIRST_SET 3

/* Names side by side up to this width, where there is a terminal; at least one
 * of them. */
#define SET_WIDTH     24
#define SET_WIDTH_MIN 8

/* width: 0 for any. */
static const char *format_set(uint64_t set, int width,
			      char text[VIA_SIGNAL_SET_MAX])
{
	via_signal_set_format(set, text);
	wrap_cell(text, width);
	return text;
}

static const struct via__column columns[] = {
	{.name = "PID", .flags = VIA__RIGHT},
	{.name = "TID", .flags = VIA__RIGHT},
	{.name = "COMM", .flags = VIA__CUT},
	{.name = "PENDING"},
	{.name = "BLOCKED"},
	{.name = "IGNORED", .flags = VIA__SPARE(1)},
	{.name = "CAUGHT", .flags = VIA__SPARE(2)},
};
#define N_COLUMNS (sizeof(columns) / sizeof(*columns))

static struct libscols_table *new_table(bool threads)
{
	struct libscols_table *table = scols_new_table();

	for (size_t i = 0; table && i < N_COLUMNS; i++) {
		int flags = columns[i].flags & VIA__RIGHT ? SCOLS_FL_RIGHT : 0;

		if (i == 1 && !threads)
			flags |= SCOLS_FL_HIDDEN;
		struct libscols_column *c = scols_table_new_column(
			table, columns[i].name, 0, flags);

		if (i < FIRST_SET) {
			scols_column_set_safechars(c, "\\");
			continue;
		}
		cli_column_wraps(c);
	}
	return table;
}

static int add_line(struct libscols_table *table, const struct row *r,
		    bool threads, int width)
{
	const struct via_task_signals *s = &r->signals;
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[VIA_SIGNAL_SET_MAX], name[PROCESS_NAME_MAX];
	int err = 0;

	snprintf(text, sizeof(text), "%d", r->task.tid);
	err |= scols_line_set_data(line, r->is_process ? 0 : 1, text);
	err |= scols_line_set_data(line, 2, process_name(&r->task, name));
	/* Beside its threads a process has only what is not theirs. */
	bool beside = r->is_process && threads;
	uint64_t sets[] = {
		beside ? s->shared : s->pending,
		beside ? 0 : s->blocked,
		r->is_process ? s->ignored : 0,
		r->is_process ? s->caught : 0,
	};
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++)
		err |= scols_line_set_data(line, FIRST_SET + i,
					   format_set(sets[i], width, text));
	return err;
}

/* NULL: no memory. */
static struct libscols_table *make_table(const void *arg, int width)
{
	const struct view *v = arg;
	struct libscols_table *table = new_table(v->o.threads);
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < v->n; i++)
		if (v->row[i].is_process || v->o.threads)
			err = add_line(table, &v->row[i], v->o.threads, width);
	if (!err)
		return table;
	scols_unref_table(table);
	return NULL;
}

static int fit(struct libscols_table *table)
{
	const struct via__column *all[N_COLUMNS];

	for (size_t i = 0; i < N_COLUMNS; i++)
		all[i] = &columns[i];
	return table ? fit_terminal(table, all, N_COLUMNS) : -ENOMEM;
}

static int print_table(const struct view *v)
{
	bool is_person = isatty(STDOUT_FILENO);
	struct libscols_table *table =
		cli_table_wrapped(make_table, v, SET_WIDTH, SET_WIDTH_MIN);
	int err = is_person ? fit(table) : table ? 0 : -ENOMEM;

	if (!err)
		err = scols_print_table(table);
	scols_unref_table(table);
	return err ? cli_error("out of memory") : CLI_YES;
}

/* --- The verb --- */

static int show(struct view *v, char **words)
{
	int status = collect(v, words);
	int printed = v->o.json ? print_json(v) : print_table(v);

	return status ? status : printed;
}

/* Until something named has gone, or Ctrl-C. */
static int watch(struct view *v, char **words)
{
	struct via_timer *timer;
	struct via_error err;
	int status;

	if (via_timer_open(VIA_CLOCK_MONOTONIC, 0, &timer, &err) < 0)
		return cli_error("%s", err.text);
	(void)via_timer_set(timer, 0, v->o.interval_ns, 0);
	do {
		(void)via_timer_read(timer, VIA_NEVER);
		if (!v->o.json && isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		status = show(v, words);
		if (!status)
			status = cli_flush();
	} while (!status);
	via_timer_close(timer);
	return status;
}

static int signals_run(int argc, char **argv)
{
	struct view v = {.o.interval_ns = NO_INTERVAL};
	int first = cli_options(&verb_signals, argc, argv, &v.o);

	if (v.o.interval_ns != NO_INTERVAL && !v.o.watch)
		cli_usage("--interval needs --watch");
	if (v.o.interval_ns == NO_INTERVAL)
		v.o.interval_ns = 1000000000;
	if (v.o.interval_ns <= 0)
		cli_usage("--interval: has to be longer than nothing");
	int status = v.o.watch ? watch(&v, argv + first)
			       : show(&v, argv + first);

	free(v.row);
	return status;
}

static const struct verb_option options[] = {
	{'T', "threads", NULL, "each thread by itself too", CLI_FLAG,
	 offsetof(struct signals_options, threads)},
	{'w', "watch", NULL, "show it again and again", CLI_FLAG,
	 offsetof(struct signals_options, watch)},
	{'i', "interval", "DURATION", "with --watch: how often; initially 1s",
	 CLI_DURATION, offsetof(struct signals_options, interval_ns)},
	{'j', "json", NULL, "print JSON", CLI_FLAG,
	 offsetof(struct signals_options, json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via signals", "which of my processes have signals waiting"},
	{"via signals --watch 4242", "what is pending there, every second"},
	{"via signals --threads postgres", "all processes of that name"},
	{"via signals --json $$ | jq -r '.processes[].ignored[]'",
	 "what this shell ignores"},
	{0},
};

const struct verb verb_signals = {
	.name = "signals",
	.summary = "show what signals processes wait with",
	.synopsis = "[OPTION]... [PROCESS]...",
	.description =
		"Show which signals are pending for a process, and which it "
		"blocks, ignores and catches. A process is named by its pid "
		"or by its exact name, as ps -o comm shows it. Without one: "
		"the user's own processes that have something pending.\n\n"
		"PENDING is what has been sent to the process or to one of "
		"its threads and not been delivered yet, BLOCKED what all of "
		"its threads block. With --threads a line for the process "
		"shows what is pending for any thread that will take it, and "
		"a line for each thread what only this one can take, and what "
		"it blocks. Of sets with more than half of all signals those "
		"that are missing are named, behind a ~.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.run = signals_run,
};
