/* SPDX-License-Identifier: MIT */
/* via mechanisms: the transports' own rows, as a table or as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/json.h"
#include "cli/verb.h"

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

static struct libscols_table *new_table(const char *const *columns)
{
	struct libscols_table *table = scols_new_table();

	for (; table && *columns; columns++)
		scols_table_new_column(table, *columns, 0, SCOLS_FL_WRAP);
	return table;
}

static void add_line(struct libscols_table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; cells[i]; i++)
		scols_line_set_data(line, i, cells[i]);
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

static int print_all(void)
{
	static const char *const columns[] = {"SCHEME", "MECHANISM", "CAN",
					      "LIMIT",	"TRUST",     "LIFE",
					      "HERE",	NULL};
	struct libscols_table *table = new_table(columns);
	const struct via_mechanism *m;

	for (size_t i = 0; table && (m = via_mechanism_at(i)); i++) {
		char can[256], limit[32];

		name_abilities(m->abilities, can, sizeof(can));
		const char *const cells[] = {
			m->scheme,     m->summary,
			can,	       name_size(m->message_max, limit),
			m->trust,      m->life,
			name_state(m), NULL};
		add_line(table, cells);
	}
	return print_table(table);
}

static void add_options(struct libscols_table *table,
			const struct via_option *o)
{
	for (; o->name; o++) {
		const char *const cells[] = {o->name, o->value, o->initial,
					     o->help, NULL};
		add_line(table, cells);
	}
}

static int print_one(const struct via_mechanism *m)
{
	static const char *const columns[] = {"OPTION", "VALUE", "INITIAL",
					      "MEANING", NULL};
	char can[256], limit[32];

	name_abilities(m->abilities, can, sizeof(can));
	printf("%s:%s  %s\n\n"
	       "example  %s\n"
	       "can      %s\n"
	       "limit    %s bytes\n"
	       "trust    %s\n"
	       "life     %s\n"
	       "here     %s\n",
	       m->scheme, m->rest, m->summary, m->example, can,
	       name_size(m->message_max, limit), m->trust, m->life,
	       name_state(m));
	if (*m->needs)
		printf("needs    %s\n", m->needs);
	putchar('\n');
	struct libscols_table *table = new_table(columns);

	if (table) {
		add_options(table, m->options);
		add_options(table, via_common_options());
	}
	return print_table(table);
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
