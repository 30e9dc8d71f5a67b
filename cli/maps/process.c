/* SPDX-License-Identifier: MIT */
/* The address space of a process. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <via/error.h>
#include <via/inspect.h>

#include "cli/json.h"
#include "cli/maps/maps.h"
#include "cli/numbers.h"
#include "cli/processes.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "inspect/collect/proc.h"
#include "inspect/collect/smaps.h"
#include "inspect/view/json.h"

/* Those who share an area that are named on a line. */
#define NAMED_MAX 3

/* A process, and the machine around it to find who shares what. */
struct subject {
	struct via_task task;
	struct via_space space;
	struct via_snapshot *s; /* NULL: not to be had */
	uint32_t process;	/* in it, or VIA_NONE */
};

/* --- Who shares --- */

/* The object that is mapped in this area, or VIA_NONE. */
static uint32_t object_of(const struct subject *subject,
			  const struct via_area *a)
{
	const struct via_snapshot *s = subject->s;

	if (!s || subject->process == VIA_NONE)
		return VIA_NONE;
	const struct via_process *p = &s->processes[subject->process];

	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++)
		if (s->holds[i].how == VIA_HOLDS_MAP &&
		    s->holds[i].start <= a->start && a->start < s->holds[i].end)
			return s->holds[i].object;
	return VIA_NONE;
}

/* The next other process that maps the object, from user *at on. */
static const struct via_process *next_sharer(const struct subject *subject,
					     uint32_t object, uint32_t *at)
{
	const struct via_snapshot *s = subject->s;
	uint32_t last = VIA_NONE;

	if (object == VIA_NONE)
		return NULL;
	const struct via_object *o = &s->objects[object];

	if (*at > 0)
		last = s->holds[s->users[o->first_user + *at - 1]].process;
	for (; *at < o->n_users; ++*at) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + *at]];

		if (h->how == VIA_HOLDS_MAP && h->flags & VIA_HOLD_SHARED &&
		    h->process != subject->process && h->process != last) {
			++*at;
			return &s->processes[h->process];
		}
	}
	return NULL;
}

/* --- Table --- */

/* Neighbours of one kind in one file are one line, unless all are asked for. */
static bool joins(const struct via_area *a, const struct via_area *b)
{
	return a->kind == b->kind && a->end == b->start && a->read == b->read &&
	       a->write == b->write && a->exec == b->exec &&
	       a->shared == b->shared && strcmp(a->name, b->name) == 0;
}

static void join(struct via_area *a, const struct via_area *b)
{
	a->end = b->end;
	a->rss += b->rss;
	a->pss += b->pss;
	a->copied += b->copied;
	a->swap += b->swap;
}

static bool copies(const struct via_area *a)
{
	return !a->shared && a->ino && a->copied;
}

static int put_sharing(struct libscols_line *line, size_t column,
		       const struct subject *subject, const struct via_area *a)
{
	char text[256] = "private", size[CLI_NUMBER_MAX];
	uint32_t object = object_of(subject, a), at = 0, n = 0;
	const struct via_process *p;
	size_t len;

	if (copies(a))
		return maps_text(line, column, "private, %s copied",
				 cli_binary(a->copied, size));
	if (!a->shared)
		return maps_text(line, column, "private");
	len = (size_t)snprintf(text, sizeof(text), "shared");
	while ((p = next_sharer(subject, object, &at)) && n++ < NAMED_MAX &&
	       len < sizeof(text))
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s %d,%s", n == 1 ? " with" : ",",
					p->task.pid, p->task.comm);
	if (p && len < sizeof(text))
		(void)snprintf(text + len, sizeof(text) - len, " ...");
	return maps_text(line, column, "%s", text);
}

static int put_area(struct libscols_table *table, const struct subject *subject,
		    const struct via_area *a, uint64_t most)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	size_t column = 0;
	int err = 0;

	err |= maps_text(line, column++, "%012" PRIx64, a->start);
	err |= maps_text(line, column++, "%s", via__area_name(a->kind));
	err |= maps_text(line, column++, "%c%c%c", a->read ? 'r' : '-',
			 a->write ? 'w' : '-', a->exec ? 'x' : '-');
	err |= maps_size(line, column++, a->end - a->start);
	err |= maps_size(line, column++, a->rss);
	err |= maps_bar(line, column++, a->rss, most);
	err |= put_sharing(line, column++, subject, a);
	err |= a->tid ? maps_text(line, column, "[stack of %d]", a->tid)
		      : maps_text(line, column, "%s", a->name);
	return err;
}

static int print_areas(const struct subject *subject, bool all)
{
	static const struct cli_column columns[] = {
		{"ADDRESS", true},
		{"KIND"},
		{"MODE", .spare = 3},
		{"SIZE", true, .spare = 2},
		{"RESIDENT", true},
		{"", .spare = 4},
		{"SHARING", .spare = 1},
		{"NAME"},
		{0},
	};
	struct libscols_table *table = cli_table(columns);
	const struct via_space *space = &subject->space;
	uint64_t most = 0;
	int err = 0;

	for (size_t i = 0; i < space->n_areas; i++)
		if (space->areas[i].rss > most)
			most = space->areas[i].rss;
	for (size_t i = 0; table && !err && i < space->n_areas; i++) {
		struct via_area a = space->areas[i];

		while (!all && i + 1 < space->n_areas &&
		       joins(&a, &space->areas[i + 1]))
			join(&a, &space->areas[++i]);
		err = put_area(table, subject, &a, most);
	}
	return cli_table_print(table, err);
}

struct sum {
	uint64_t size, rss, pss, copied, swap;
};

static struct sum sum_of(const struct via_space *space, int kind)
{
	struct sum sum = {0};

	for (size_t i = 0; i < space->n_areas; i++) {
		const struct via_area *a = &space->areas[i];

		if (kind >= 0 && (int)a->kind != kind)
			continue;
		sum.size += a->end - a->start;
		sum.rss += a->rss;
		sum.pss += a->pss;
		sum.copied += copies(a) ? a->copied : 0;
		sum.swap += a->swap;
	}
	return sum;
}

static int put_sum(struct libscols_table *table, const char *name,
		   const char *what, struct sum sum, uint64_t whole)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int err = maps_text(line, 0, "%s", name);

	err |= maps_size(line, 1, sum.size);
	err |= maps_size(line, 2, sum.rss);
	err |= maps_size(line, 3, sum.pss);
	err |= maps_size(line, 4, sum.copied);
	err |= maps_size(line, 5, sum.swap);
	err |= maps_bar(line, 6, sum.rss, whole);
	err |= maps_text(line, 7, "%s", what);
	return err;
}

static int print_sums(const struct subject *subject)
{
	static const struct cli_column columns[] = {
		{"KIND"},
		{"SIZE", true},
		{"RESIDENT", true},
		{"SHARE", true},
		{"COPIED", true, .spare = 1},
		{"SWAP", true, .spare = 2},
		{"", .spare = 3},
		{"WHAT", .spare = 4},
		{0},
	};
	struct libscols_table *table = cli_table(columns);
	struct sum all = sum_of(&subject->space, -1);
	int err = 0;

	for (int kind = 0; table && !err && kind < VIA_N_AREAS; kind++) {
		struct sum sum = sum_of(&subject->space, kind);

		if (sum.size)
			err = put_sum(table, via__area_name(kind),
				      via__area_summary(kind), sum, all.rss);
	}
	if (table && !err)
		err = put_sum(table, "all", "", all, all.rss);
	return cli_table_print(table, err);
}

/* --- JSON --- */

static int set_size(json_t *o, const char *key, uint64_t size)
{
	return json_object_set_new(o, key, json_integer((json_int_t)size));
}

/* As text: not every reader of JSON has integers of 64 bits. */
static int set_address(json_t *o, const char *key, uint64_t address)
{
	return json_object_set_new(o, key, json_sprintf("0x%" PRIx64, address));
}

static json_t *sharers_json(const struct subject *subject,
			    const struct via_area *a)
{
	uint32_t object = a->shared ? object_of(subject, a) : VIA_NONE, at = 0;
	json_t *list = json_array();
	const struct via_process *p;

	while ((p = next_sharer(subject, object, &at)))
		(void)json_array_append_new(list, json_integer(p->task.pid));
	return list;
}

static json_t *area_json(const struct subject *subject,
			 const struct via_area *a)
{
	char mode[] = {a->read ? 'r' : '-', a->write ? 'w' : '-',
		       a->exec ? 'x' : '-', a->shared ? 's' : 'p', '\0'};
	json_t *o = json_object();
	int err = set_address(o, "start", a->start);

	err |= set_address(o, "end", a->end);

	err |= json_object_set_new(o, "kind",
				   json_string(via__area_name(a->kind)));
	err |= json_object_set_new(o, "mode", json_string(mode));
	err |= set_size(o, "offset", a->offset);
	err |= set_size(o, "dev", a->dev);
	err |= set_size(o, "ino", a->ino);
	err |= set_size(o, "rss", a->rss);
	err |= set_size(o, "pss", a->pss);
	err |= set_size(o, "copied", copies(a) ? a->copied : 0);
	err |= set_size(o, "swap", a->swap);
	err |= via__json_set_bytes(o, "name", "name_base64", a->name,
				   strlen(a->name));
	if (a->tid)
		err |= json_object_set_new(o, "tid", json_integer(a->tid));
	err |= json_object_set_new(o, "shared_with", sharers_json(subject, a));
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static int print_json(const struct subject *subject)
{
	json_t *all = json_object(), *areas = json_array();
	int err = json_object_set_new(all, "pid",
				      json_integer(subject->task.pid));

	err |= via__json_set_bytes(all, "comm", "comm_base64",
				   subject->task.comm,
				   strlen(subject->task.comm));
	err |= json_object_set_new(all, "areas", areas);
	for (size_t i = 0; i < subject->space.n_areas; i++)
		err |= json_array_append_new(
			areas, area_json(subject, &subject->space.areas[i]));
	if (err) {
		json_decref(all);
		all = NULL;
	}
	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

/* --- The process --- */

static int read_subject(pid_t pid, struct subject *ret)
{
	int dir = via__proc_open(pid);
	int err = dir < 0 ? dir : via__proc_task(dir, pid, &ret->task);

	if (!err)
		err = via__smaps_read(dir, &ret->space);
	if (dir >= 0)
		close(dir);
	if (err == -ESRCH)
		return cli_error("there is no process %d", pid);
	if (err)
		return cli_error("the memory of process %d: %s", pid,
				 via_strerror(err));
	return CLI_YES;
}

static void look_around(struct subject *subject)
{
	const struct via_look look = {.want = VIA_WANT_MAPS, .source_any = 1};

	subject->process = VIA_NONE;
	if (via_snapshot_take(&look, &subject->s, NULL) == 0)
		subject->process = via_snapshot_process(subject->s,
							subject->task.pid);
}

static int show(const struct subject *subject, const struct maps_options *o)
{
	char name[PROCESS_NAME_MAX];

	if (o->json)
		return print_json(subject);
	if (!subject->space.n_areas)
		return cli_error("process %d has no memory of its own: it is a "
				 "kernel thread, or is ending",
				 subject->task.pid);
	printf("%d,%s\n\n", subject->task.pid,
	       process_name(&subject->task, name));
	int status = print_areas(subject, o->all);

	putchar('\n');
	return status ? status : print_sums(subject);
}

int maps_process(pid_t pid, const struct maps_options *o)
{
	struct subject subject = {0};
	int status = read_subject(pid, &subject);

	if (status == CLI_YES) {
		look_around(&subject);
		status = show(&subject, o);
	}
	via_snapshot_free(subject.s);
	via__space_free(&subject.space);
	return status;
}
