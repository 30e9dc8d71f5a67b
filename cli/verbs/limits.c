/* SPDX-License-Identifier: MIT */
/* via limits: the kernel's limits on IPC, those that are nearly reached
 * first. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/inspect/look.h"
#include "cli/json.h"
#include "cli/limits/limits.h"
#include "cli/numbers.h"
#include "cli/table.h"
#include "cli/verb.h"

struct limits_options {
	bool json;
	uint64_t near; /* percent */
};

#define NEAR_ALL UINT64_MAX
#define TEXT_MAX 32 /* a number */

struct limits {
	struct limit at[64];
	size_t n;
};

/* --- What there is --- */

static void collect(const struct via_snapshot *s, struct limits *ret)
{
	for (const struct limit_row *row = limit_rows;
	     row->name && ret->n < sizeof(ret->at) / sizeof(*ret->at); row++) {
		struct limit *l = &ret->at[ret->n];

		if (!limit_read(row, l))
			continue;
		if (row->measure)
			row->measure(s, l);
		ret->n += l->limit != VIA_UNKNOWN;
	}
}

/* Nearest first; what is as near as others stays in the table's order. */
static int compare(const void *a, const void *b)
{
	const struct limit *x = a, *y = b;
	double by = limit_share(y) - limit_share(x);

	if (by != 0)
		return by > 0 ? 1 : -1;
	return (x->row > y->row) - (x->row < y->row);
}

static void keep_near(struct limits *all, uint64_t percent)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (100 * limit_share(&all->at[i]) >= (double)percent)
			all->at[n++] = all->at[i];
	all->n = n;
}

/* --- JSON --- */

static json_t *number(int64_t n)
{
	return n == VIA_UNKNOWN || n == LIMIT_NONE ? json_null()
						   : json_integer(n);
}

static json_t *limit_json(const struct limit *l)
{
	double share = limit_share(l);
	json_t *o = json_pack("{ss ss ss so so so ss}", "name", l->row->name,
			      "scope", limit_scope_name(l->row->scope), "unit",
			      l->row->unit, "limit", number(l->limit), "used",
			      number(l->used), "share",
			      share < 0 ? json_null() : json_real(share),
			      "what", l->row->what);

	if (o && *l->who && json_object_set_new(o, "who", json_string(l->who)))
		return NULL;
	return o;
}

static int print_json(const struct limits *all)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < all->n; i++)
		err |= json_array_append_new(list, limit_json(&all->at[i]));
	json_t *o = json_pack("{so}", "limits", list);

	if (err) {
		json_decref(o);
		o = NULL;
	}
	return cli_json_print(o, stdout) < 0 ? cli_error("out of memory")
					     : CLI_YES;
}

/* --- Table --- */

static const char *format(const struct limit *l, int64_t n, char text[TEXT_MAX])
{
	if (n == VIA_UNKNOWN)
		return "-";
	if (n == LIMIT_NONE)
		return "none";
	if (l->row->unit[0] == 'B')
		return cli_binary((uint64_t)n, text);
	snprintf(text, TEXT_MAX, "%lld", (long long)n);
	return text;
}

static int add_line(struct libscols_table *table, const struct limit *l)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	char text[TEXT_MAX];
	double share = limit_share(l);
	int err = scols_line_set_data(line, 0, l->row->name);

	err |= scols_line_set_data(line, 1, format(l, l->limit, text));
	err |= scols_line_set_data(line, 2, format(l, l->used, text));
	if (share >= 0)
		/* Not 100 before it is. */
		snprintf(text, sizeof(text), "%.0f%%", floor(100 * share));
	err |= scols_line_set_data(line, 3, share < 0 ? "-" : text);
	err |= scols_line_set_data(line, 4, l->row->unit);
	err |= scols_line_set_data(line, 5, limit_scope_name(l->row->scope));
	err |= scols_line_set_data(line, 6, l->who);
	err |= scols_line_set_data(line, 7, l->row->what);
	return err;
}

static int print_table(const struct limits *all)
{
	static const struct cli_column columns[] = {
		{"NAME"},
		{"LIMIT", true},
		{"USED", true},
		{"USE%", true},
		{"UNIT", .spare = 3},
		{"FOR EACH", .spare = 4},
		{"NEAREST", .spare = 1},
		{"WHAT", .spare = 2},
		{0},
	};
	struct libscols_table *table = cli_table(columns);
	int err = table ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < all->n; i++)
		err = add_line(table, &all->at[i]);
	return cli_table_print(table, err);
}

/* --- The verb --- */

static int limits_run(int argc, char **argv)
{
	struct limits_options o = {.near = NEAR_ALL};
	struct look_options look = {0};
	struct via_snapshot *s;
	struct limits all = {.n = 0};

	(void)cli_options(&verb_limits, argc, argv, &o);
	int status = look_take(&look,
			       VIA_WANT_FDS | VIA_WANT_SOCKETS | VIA_WANT_IPC |
				       VIA_WANT_LEVELS | VIA_WANT_SIGNALS,
			       &s);

	if (status)
		return status;
	collect(s, &all);
	qsort(all.at, all.n, sizeof(*all.at), compare);
	if (o.near != NEAR_ALL)
		keep_near(&all, o.near);
	status = o.json ? print_json(&all) : print_table(&all);
	look_footer(s);
	via_snapshot_free(s);
	if (!status && o.near != NEAR_ALL && all.n)
		status = CLI_FAILED;
	return status;
}

static const struct verb_option options[] = {
	{0, "near", "PERCENT",
	 "only what is used to so much at least, and exit 1 if there is "
	 "any",
	 CLI_NUMBER, offsetof(struct limits_options, near)},
	{'j', "json", NULL, "print JSON", CLI_FLAG,
	 offsetof(struct limits_options, json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via limits", "all of them, the nearest first"},
	{"via limits --near 80 || echo mind", "for a monitor"},
	{"via limits --json | jq '.limits[] | select(.scope == \"user\")'",
	 "those that count all of a user's processes"},
	{0},
};

const struct verb verb_limits = {
	.name = "limits",
	.summary = "show the kernel's limits on IPC, and what is used",
	.synopsis = "[OPTION]...",
	.description =
		"Show every limit of the kernel that programs meet when they "
		"talk to each other, and how much of it is in use where that "
		"can be known, those that are nearly reached first.\n\n"
		"FOR EACH says what the limit is for: the machine, an IPC or "
		"network namespace (our own), a user, a process, or one "
		"object. Of users and processes the NEAREST to its limit is "
		"shown, of objects the largest, with its first holder. What "
		"others have and may not be looked at is not counted.",
	.options = options,
	.examples = examples,
	.run = limits_run,
};
