/* SPDX-License-Identifier: MIT */
/* via gc: what is left over of dead processes, and removing it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/gc/gc.h"
#include "cli/inspect/look.h"
#include "cli/json.h"
#include "cli/numbers.h"
#include "cli/table.h"
#include "cli/users.h"
#include "cli/verb.h"
#include "inspect/diagnose/orphans.h"
#include "inspect/view/escape.h"
#include "inspect/view/format.h"
#include "inspect/view/text.h"

struct gc_options {
	struct look_options look;
	bool yes;
	int64_t min_age_ns;
};

/* One thing that is left over, and what has become of it. */
struct row {
	const char *kind;
	char name[VIA__TEXT_MAX];
	int64_t size, age_s;
	uid_t uid;
	char why[160];
	bool tried;
	int err; /* of removing it */
};

struct gc {
	struct gc_options o;
	struct row *row;
	size_t n, max;
	size_t n_unjudged;
};

static struct row *add_row(struct gc *g)
{
	if (g->n == g->max) {
		g->max = g->max ? 2 * g->max : 64;
		g->row = reallocarray(g->row, g->max, sizeof(*g->row));
		if (!g->row)
			exit(cli_error("out of memory"));
	}
	struct row *r = &g->row[g->n++];

	*r = (struct row){.size = VIA_UNKNOWN, .age_s = VIA_UNKNOWN};
	return r;
}

static bool old_enough(const struct gc *g, int64_t age_s)
{
	return !g->o.min_age_ns ||
	       (age_s != VIA_UNKNOWN && age_s >= g->o.min_age_ns / 1000000000);
}

/* --- Objects --- */

static void add_object(struct gc *g, const struct via_snapshot *s,
		       const struct via__orphan *o, struct row **ret)
{
	const struct via_object *object = &s->objects[o->object];
	const struct via_ipc *ipc = &s->ipcs[object->detail];
	struct row *r = add_row(g);

	r->kind = via_kind_name((enum via_kind)object->kind);
	via__object_text(s, o->object, r->name, sizeof(r->name));
	r->size = object->kind == VIA_KIND_SYSVMSG   ? object->level
		  : object->kind == VIA_KIND_SYSVSEM ? VIA_UNKNOWN
						     : ipc->size;
	r->age_s = o->age_s;
	r->uid = ipc->uid;
	memcpy(r->why, o->why, sizeof(r->why));
	*ret = r;
}

static bool same_object(const struct via_object *a, const struct via_object *b)
{
	return a->kind == b->kind && a->dev == b->dev && a->ino == b->ino;
}

/* It was left over at the first look, and is at the second one. */
static void remove_object(struct row *r, const struct via_snapshot *before,
			  const struct via__orphan *o,
			  const struct via_snapshot *now,
			  const struct via__orphans *still)
{
	const struct via_object *a = &before->objects[o->object];
	uint32_t object = via_snapshot_object(now, (enum via_kind)a->kind,
					      a->dev, a->ino, a->sub);

	r->tried = true;
	if (object == VIA_NONE)
		r->err = -ENOENT;
	else if (!same_object(a, &now->objects[object]) ||
		 !via__orphans_find(still, object))
		r->err = -EBUSY;
	else
		r->err = gc_remove(now, object);
}

static int look_again(const struct gc *g, struct via_snapshot **ret,
		      struct via__orphans *ret_still)
{
	const struct look_options look = {.source = g->o.look.source};
	int status = look_take(&look, VIA_WANT_ALL, ret);

	if (status)
		return status;
	if (via__orphans(*ret, ret_still) == 0)
		return CLI_YES;
	via_snapshot_free(*ret);
	return cli_error("out of memory");
}

static int objects(struct gc *g, const struct via_snapshot *s)
{
	struct via__orphans found, still = {0};
	struct via_snapshot *now = NULL;
	int status = CLI_YES;

	if (via__orphans(s, &found) < 0)
		return cli_error("out of memory");
	g->n_unjudged = found.n_unjudged;
	if (g->o.yes && found.n)
		status = look_again(g, &now, &still);
	for (size_t i = 0; !status && i < found.n; i++) {
		struct row *r;

		if (!old_enough(g, found.at[i].age_s) ||
		    (!g->o.look.from && !gc_is_here(s, found.at[i].object)))
			continue;
		add_object(g, s, &found.at[i], &r);
		if (now)
			remove_object(r, s, &found.at[i], now, &still);
	}
	via__orphans_fini(&still);
	via__orphans_fini(&found);
	via_snapshot_free(now);
	return status;
}

/* --- Sockets that are named --- */

static int add_socket(struct gc *g, const char *path)
{
	struct stat st;
	int stale = gc_socket_is_stale(path, &st);
	char shown[VIA__TEXT_MAX];

	if (stale < 0)
		return cli_error(
			"%s: %s",
			via__escape(path, strlen(path), shown, sizeof(shown)),
			stale == -ENOTSOCK ? "not a Unix socket"
					   : via_strerror(stale));
	int64_t age = time(NULL) - st.st_mtime;

	if (!stale || !old_enough(g, age))
		return CLI_YES;
	struct row *r = add_row(g);

	r->kind = "unix";
	via__escape(path, strlen(path), r->name, sizeof(r->name));
	r->age_s = age > 0 ? age : 0;
	r->uid = st.st_uid;
	snprintf(r->why, sizeof(r->why), "no socket is bound to it any more");
	if (g->o.yes) {
		r->tried = true;
		r->err = gc_remove_socket(path, &st);
	}
	return CLI_YES;
}

/* --- JSON --- */

static json_t *number(int64_t n)
{
	return n == VIA_UNKNOWN ? json_null() : json_integer(n);
}

static json_t *row_json(const struct row *r)
{
	char user[64];
	json_t *o = json_pack("{ss ss so so sI ss ss sb}", "kind", r->kind,
			      "name", r->name, "size", number(r->size), "age_s",
			      number(r->age_s), "uid", (json_int_t)r->uid,
			      "user", user_name(r->uid, user, sizeof(user)),
			      "why", r->why, "removed", r->tried && !r->err);

	if (o && r->tried && r->err &&
	    json_object_set_new(o, "error", json_string(via_strerror(r->err))) <
		    0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static int print_json(const struct gc *g)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < g->n; i++)
		err |= json_array_append_new(list, row_json(&g->row[i]));
	json_t *o = json_pack("{so sI}", "orphans", list, "unjudged",
			      (json_int_t)g->n_unjudged);

	if (err) {
		json_decref(o);
		o = NULL;
	}
	return cli_json_print(o, stdout) < 0 ? cli_error("out of memory")
					     : CLI_YES;
}

/* --- Table --- */

static const char *format_age(int64_t s, char text[CLI_NUMBER_MAX])
{
	struct via__out out = via__out(text, CLI_NUMBER_MAX);

	if (s < 0 || s > INT64_MAX / 1000000000)
		return "-";
	via__put_duration(&out, s * 1000000000, false);
	return text;
}

static int add_line(struct libscols_table *table, const struct row *r)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[CLI_NUMBER_MAX], user[64];
	int err = scols_line_set_data(line, 0, r->name);

	err |= scols_line_set_data(
		line, 1,
		r->size == VIA_UNKNOWN ? "-"
				       : cli_binary((uint64_t)r->size, text));
	err |= scols_line_set_data(line, 2,
				   user_name(r->uid, user, sizeof(user)));
	err |= scols_line_set_data(line, 3, format_age(r->age_s, text));
	err |= scols_line_set_data(line, 4,
				   !r->tried ? "left over"
				   : r->err  ? "kept"
					     : "removed");
	err |= scols_line_set_data(line, 5, r->why);
	return err;
}

static int print_table(const struct gc *g)
{
	static const struct cli_column columns[] = {
		{"NAME"},
		{"SIZE", true, .spare = 2},
		{"USER", .spare = 3},
		{"AGE", true},
		{"STATE"},
		{"WHY", .spare = 1},
		{0},
	};
	struct libscols_table *table = cli_table(columns);
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < g->n; i++)
		err = add_line(table, &g->row[i]);
	return cli_table_print(table, err);
}

/* --- The verb --- */

static void say_what_was_not(const struct gc *g, const struct via_snapshot *s)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->row[i].tried && g->row[i].err)
			cli_warn("%s: kept: %s", g->row[i].name,
				 g->row[i].err == -EBUSY
					 ? "somebody uses it again"
					 : via_strerror(g->row[i].err));
	if (g->n_unjudged)
		cli_warn("%zu more may be left over, but not all who could "
			 "have them were seen",
			 g->n_unjudged);
	if (s->sight.uid != 0)
		cli_warn("looked at your own objects only; root sees all");
}

static int status_of(const struct gc *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (!g->row[i].tried ||
		    (g->row[i].err && g->row[i].err != -ENOENT))
			return CLI_FAILED;
	return CLI_YES;
}

static int gc_run(int argc, char **argv)
{
	struct gc g = {0};
	struct via_snapshot *s;
	int first = cli_options(&verb_gc, argc, argv, &g.o);

	if (g.o.look.from && (g.o.yes || first < argc))
		cli_usage("--from: a snapshot is only looked at, without "
			  "--yes and PATH");
	int status = look_take(&g.o.look, VIA_WANT_ALL, &s), printed;

	if (status)
		return status;
	status = look_save(&g.o.look, s);
	if (status) {
		via_snapshot_free(s);
		return status;
	}
	status = objects(&g, s);
	for (; first < argc; first++)
		status |= add_socket(&g, argv[first]);
	printed = g.o.look.json ? print_json(&g) : print_table(&g);
	say_what_was_not(&g, s);
	via_snapshot_free(s);
	status = status ? CLI_FAILED : printed ? printed : status_of(&g);
	free(g.row);
	return status;
}

static const struct verb_option options[] = {
	{'y', "yes", NULL, "remove it", CLI_FLAG,
	 offsetof(struct gc_options, yes)},
	{'m', "min-age", "DURATION",
	 "only what has not been used for so long; initially 0", CLI_DURATION,
	 offsetof(struct gc_options, min_age_ns)},
	LOOK_OPTIONS(struct gc_options, look),
	{0},
};

static const struct verb_example examples[] = {
	{"via gc", "what is left over, and why"},
	{"via gc --yes --min-age 1h", "remove what nobody used for an hour"},
	{"via gc --yes /run/app/*.sock", "sockets without a server, too"},
	{"via gc --json | jq -r '.orphans[].name'", "for a program"},
	{0},
};

const struct verb verb_gc = {
	.name = "gc",
	.summary = "find and remove what dead processes have left",
	.synopsis = "[OPTION]... [PATH]...",
	.description =
		"Show System V memory, semaphores and queues, POSIX queues, "
		"and shared memory and semaphores in /dev/shm that outlived "
		"their users, why they are taken to be left over, and for "
		"how long nobody has used them. Each PATH is a Unix socket's "
		"file, which is left over when no socket is bound to it any "
		"more.\n\n"
		"Nothing is removed without --yes. With it, all is looked at "
		"a second time, and only what is left over then too is "
		"removed. What somebody could have whose process may not be "
		"looked at is not judged. An ordinary user sees his own "
		"objects only.\n\n"
		"The exit status is 0 if nothing is left over any more, and 1 "
		"if something is.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.run = gc_run,
};
