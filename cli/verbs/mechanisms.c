/* SPDX-License-Identifier: MIT */
/* via mechanisms: the transports' own rows, as a table or as JSON. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/inspect/fit.h"
#include "cli/json.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/wrap.h"

struct mechanisms_options {
	bool json;
};

static const struct {
	uint32_t bit;
	const char *name;
} abilities[] = {
	{VIA_CAN_SEND_RECV, "send-recv"},
	{VIA_CAN_PUB_SUB, "pub-sub"},
	{VIA_CAN_CALL_SERVE, "call-serve"},
	{VIA_CAN_DUPLEX, "duplex"},
	{VIA_CAN_PAIR, "pair"},
	{VIA_CAN_EXPORT, "exec"},
	{VIA_CAN_FORK, "fork"},
	{VIA_CAN_RAW, "raw"},
	{VIA_CAN_FDS, "fds"},
	{VIA_CAN_CREDS, "creds"},
	{VIA_CAN_LOAN, "zero-copy"},
	{VIA_CAN_CONFIRM, "confirm"},
	{VIA_KEEPS_BOUNDARIES, "boundaries"},
	{VIA_KEEPS_NAME, "name-stays"},
	{VIA_DISTRUSTS, "distrusts"},
	{VIA_HAS_ADDRESS, "address"},
};
#define N_ABILITIES (sizeof(abilities) / sizeof(*abilities))

/* --- JSON --- */

static json_t *abilities_json(uint32_t bits)
{
	json_t *list = json_array();

	for (size_t i = 0; i < N_ABILITIES; i++)
		if (bits & abilities[i].bit)
			json_array_append_new(list,
					      json_string(abilities[i].name));
	return list;
}

static json_t *options_json(const struct via_option *o)
{
	json_t *list = json_array();

	for (; o->name; o++)
		json_array_append_new(
			list, json_pack("{ss ss ss ss}", "name", o->name,
					"value", o->value, "initial",
					o->initial, "help", o->help));
	return list;
}

static json_t *mechanism_json(const struct via_mechanism *m)
{
	return json_pack("{ss ss ss ss ss ss ss so sI sb so}", "scheme",
			 m->scheme, "rest", m->rest, "summary", m->summary,
			 "example", m->example, "trust", m->trust, "life",
			 m->life, "needs", m->needs, "abilities",
			 abilities_json(m->abilities), "message_max",
			 (json_int_t)m->message_max, "available",
			 via_mechanism_probe(m) == 0, "options",
			 options_json(m->options));
}

static int print_json(const struct via_mechanism *only)
{
	const struct via_mechanism *m;
	json_t *list = json_array();

	for (size_t i = 0; (m = via_mechanism_at(i)); i++)
		if (!only || m == only)
			json_array_append_new(list, mechanism_json(m));
	json_t *all = json_pack("{so so}", "mechanisms", list, "common_options",
				options_json(via_common_options()));

	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

/* --- Tables --- */

/* Texts are so wide on a terminal, or narrower where they have to be. */
#define WIDTH_MAX 30
#define WIDTH_MIN 9

static struct libscols_table *new_table(const char *const *columns)
{
	struct libscols_table *table = scols_new_table();

	for (; table && *columns; columns++)
		cli_column_wraps(scols_table_new_column(table, *columns, 0, 0));
	return table;
}

static void add_line(struct libscols_table *table, const char *const *cells,
		     int width)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; cells[i]; i++) {
		char *text = strdup(cells[i]);

		if (text)
			wrap_cell(text, width);
		if (!text || scols_line_refer_data(line, i, text) < 0)
			free(text);
	}
}

static void name_abilities(uint32_t bits, char *text, size_t size)
{
	size_t len = 0;

	*text = '\0';
	for (size_t i = 0; i < N_ABILITIES && len < size; i++)
		if (bits & abilities[i].bit)
			len += (size_t)snprintf(text + len, size - len, "%s%s",
						len ? " " : "",
						abilities[i].name);
}

static const char *name_size(uint64_t n, char text[32])
{
	static const char units[] = " KMGTPE";
	size_t i = 0;

	for (; n >= 1024 && n % 1024 == 0; i++)
		n /= 1024;
	snprintf(text, 32, i ? "%" PRIu64 "%c" : "%" PRIu64, n, units[i]);
	return text;
}

static const char *name_state(const struct via_mechanism *m)
{
	int err = via_mechanism_probe(m);

	return err < 0 ? via_strerror(err) : "yes";
}

static int print_table(struct libscols_table *table)
{
	int err = table ? scols_print_table(table) : -1;

	scols_unref_table(table);
	return err ? cli_error("out of memory") : CLI_YES;
}

static struct libscols_table *all_table(const void *arg, int width)
{
	static const char *const columns[] = {"SCHEME", "MECHANISM", "CAN",
					      "LIMIT",	"TRUST",     "LIFE",
					      "HERE",	NULL};
	struct libscols_table *table = new_table(columns);
	const struct via_mechanism *m;

	(void)arg;
	for (size_t i = 0; table && (m = via_mechanism_at(i)); i++) {
		char can[256], limit[32];

		name_abilities(m->abilities, can, sizeof(can));
		const char *const cells[] = {
			m->scheme,     m->summary,
			can,	       name_size(m->message_max, limit),
			m->trust,      m->life,
			name_state(m), NULL};
		add_line(table, cells, width);
	}
	return table;
}

static void add_options(struct libscols_table *table,
			const struct via_option *o, int width)
{
	for (; o->name; o++) {
		const char *const cells[] = {o->name, o->value, o->initial,
					     o->help, NULL};
		add_line(table, cells, width);
	}
}

static struct libscols_table *options_table(const void *arg, int width)
{
	static const char *const columns[] = {"OPTION", "VALUE", "INITIAL",
					      "MEANING", NULL};
	const struct via_mechanism *m = arg;
	struct libscols_table *table = new_table(columns);

	if (table) {
		add_options(table, m->options, width);
		add_options(table, via_common_options(), width);
	}
	return table;
}

/* --- One by one --- */

static void print_words(const char *text, int at, int indent)
{
	wrap_print(stdout, text, at, indent,
		   isatty(STDOUT_FILENO) ? (int)terminal_width() : INT_MAX);
}

static void print_fact(const char *name, const char *value)
{
	printf("%-8s ", name);
	print_words(value, 9, 9);
}

static void print_facts(const struct via_mechanism *m)
{
	char can[256], limit[32], bytes[48];

	name_abilities(m->abilities, can, sizeof(can));
	snprintf(bytes, sizeof(bytes), "%s bytes",
		 name_size(m->message_max, limit));
	print_fact("example", m->example);
	print_fact("can", can);
	print_fact("limit", bytes);
	print_fact("trust", m->trust);
	print_fact("life", m->life);
	print_fact("here", name_state(m));
	if (*m->needs)
		print_fact("needs", m->needs);
}

static void print_options(const struct via_option *o)
{
	for (; o->name; o++) {
		char text[256];

		snprintf(text, sizeof(text), "%s=%s%s%s", o->name, o->value,
			 *o->initial ? ", initially " : "", o->initial);
		print_words(text, 0, 9);
		fputs("         ", stdout);
		print_words(o->help, 9, 9);
	}
}

static bool fits(struct libscols_table *table)
{
	return !table || !isatty(STDOUT_FILENO) ||
	       table_width(table) <= terminal_width();
}

static int print_one(const struct via_mechanism *m)
{
	char title[256];

	snprintf(title, sizeof(title), "%s:%s  %s", m->scheme, m->rest,
		 m->summary);
	print_words(title, 0, 9);
	putchar('\n');
	print_facts(m);
	putchar('\n');
	struct libscols_table *table = cli_table_wrapped(options_table, m,
							 WIDTH_MAX, WIDTH_MIN);

	if (fits(table))
		return print_table(table);
	scols_unref_table(table);
	print_options(m->options);
	print_options(via_common_options());
	return CLI_YES;
}

static int print_all(void)
{
	struct libscols_table *table = cli_table_wrapped(all_table, NULL,
							 WIDTH_MAX, WIDTH_MIN);
	const struct via_mechanism *m;

	if (fits(table))
		return print_table(table);
	scols_unref_table(table);
	for (size_t i = 0; (m = via_mechanism_at(i)); i++) {
		printf("%s", i ? "\n" : "");
		print_fact(m->scheme, m->summary);
		print_facts(m);
	}
	return CLI_YES;
}

static int mechanisms_run(int argc, char **argv)
{
	struct mechanisms_options o = {0};
	int first = cli_options(&verb_mechanisms, argc, argv, &o);
	const struct via_mechanism *only = NULL;

	if (first < argc) {
		only = via_mechanism_find(argv[first]);
		if (!only)
			return cli_error("no mechanism is called '%s'; via "
					 "mechanisms lists them",
					 argv[first]);
	}
	if (o.json)
		return print_json(only);
	return only ? print_one(only) : print_all();
}

static const struct verb_option options[] = {
	{'j', "json", NULL, "print JSON", CLI_FLAG,
	 offsetof(struct mechanisms_options, json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via mechanisms", "what there is and what each can do"},
	{"via mechanisms unix", "one of them, with the options of its URLs"},
	{"via mechanisms --json | jq -r '.mechanisms[].scheme'",
	 "for a program"},
	{0},
};

const struct verb verb_mechanisms = {
	.name = "mechanisms",
	.summary = "show what mechanisms there are",
	.synopsis = "[OPTION]... [SCHEME]",
	.description =
		"Show the mechanisms that messages can travel by, what each "
		"can do and whether this machine has it; or one of them with "
		"the options that its URLs understand.",
	.options = options,
	.examples = examples,
	.operands_max = 1,
	.run = mechanisms_run,
};
