/* SPDX-License-Identifier: MIT */
#include "cli/kill/list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/verb.h"

/* As the meaning of an exit status too: 143 is TERM. */
static int listed_signal(const char *word)
{
	char *end;
	long n = strtol(word, &end, 10);

	if (end > word && !*end && n > 128 && n <= 128 + VIA_SIGNAL_MAX)
		return (int)n - 128;
	return via_signal_parse(word);
}

static const char *action_of(int signal)
{
	static const char *const words[] = {
		[VIA_SIGNAL_TERMINATES] = "terminate",
		[VIA_SIGNAL_DUMPS_CORE] = "core",
		[VIA_SIGNAL_IS_IGNORED] = "ignore",
		[VIA_SIGNAL_STOPS] = "stop",
		[VIA_SIGNAL_CONTINUES] = "continue",
	};

	return words[via_signal_default(signal)];
}

static const char *meaning_of(int signal)
{
	const char *text = sigdescr_np(signal);

	return text ? text : "";
}

static json_t *signal_json(int signal)
{
	char name[VIA_SIGNAL_NAME_MAX];

	return json_pack("{si ss ss ss}", "number", signal, "name",
			 via_signal_name(signal, name), "default",
			 action_of(signal), "meaning", meaning_of(signal));
}

static int list_json(uint64_t set)
{
	json_t *list = json_array();

	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++)
		if (set & VIA_SIGNAL_BIT(signal))
			json_array_append_new(list, signal_json(signal));
	return cli_json_print(json_pack("{so}", "signals", list), stdout) < 0
		       ? cli_error("out of memory")
		       : CLI_YES;
}

static int list_all(void)
{
	static const struct cli_column columns[] = {
		{"NUMBER", true}, {"NAME"}, {"DEFAULT"}, {"MEANING"}, {0},
	};
	struct libscols_table *table = cli_table(columns);
	int err = table ? 0 : -ENOMEM;

	for (int signal = 1; !err && signal <= VIA_SIGNAL_MAX; signal++) {
		char number[12], name[VIA_SIGNAL_NAME_MAX];

		/* What the C library keeps to itself has no name. */
		if (isdigit((unsigned char)*via_signal_name(signal, name)))
			continue;
		struct libscols_line *line = scols_table_new_line(table, NULL);

		snprintf(number, sizeof(number), "%d", signal);
		err |= scols_line_set_data(line, 0, number);
		err |= scols_line_set_data(line, 1, name);
		err |= scols_line_set_data(line, 2, action_of(signal));
		err |= scols_line_set_data(line, 3, meaning_of(signal));
	}
	return cli_table_print(table, err);
}

/* A number's name, a name's number. */
static int list_some(char **words, bool json)
{
	uint64_t set = 0;
	int status = CLI_YES;

	for (; *words; words++) {
		int signal = listed_signal(*words);
		char name[VIA_SIGNAL_NAME_MAX];

		if (signal <= 0)
			status = cli_error("there is no signal '%s'", *words);
		else if (json)
			set |= VIA_SIGNAL_BIT(signal);
		else if (isdigit((unsigned char)**words))
			puts(via_signal_name(signal, name));
		else
			printf("%d\n", signal);
	}
	if (!json)
		return status;
	int printed = list_json(set);

	return status ? status : printed;
}

int kill_list(char **words, bool json)
{
	if (*words)
		return list_some(words, json);
	return json ? list_json(UINT64_MAX) : list_all();
}
