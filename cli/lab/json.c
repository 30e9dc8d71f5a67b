/* SPDX-License-Identifier: MIT */
/* Results as JSON, and compared with those of another time or machine. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "cli/json.h"
#include "cli/lab/result.h"
#include "cli/verb.h"

static json_t *calls(const struct lab_record *r)
{
	unsigned int n = lab_kept(r->n_calls, LAB_CALLS_MAX);
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++)
		if (r->calls[i].state != LAB_CALL_NONE)
			json_array_append_new(
				list, json_pack("{ss ss si}", "process",
						r->calls[i].who, "call",
						r->calls[i].text, "times",
						(int)r->calls[i].times));
	return list;
}

static json_t *claims(const struct lab_record *r)
{
	unsigned int n = lab_kept(r->n_claims, LAB_CLAIMS_MAX);
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{ss ss sb si}", "expected",
						r->claims[i].text, "observed",
						r->claims[i].observed, "held",
						(int)r->claims[i].held, "times",
						(int)r->claims[i].times));
	return list;
}

static json_t *figures(const struct lab_record *r)
{
	unsigned int n = lab_kept(r->n_figures, LAB_FIGURES_MAX);
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++)
		if (r->figures[i].ready)
			json_array_append_new(
				list, json_pack("{ss ss sf}", "name",
						r->figures[i].name, "unit",
						r->figures[i].unit, "value",
						r->figures[i].value));
	return list;
}

static json_t *experiment(const struct lab_result *r, bool chinese)
{
	char reason[2 * LAB_TEXT_MAX];

	lab_reason(r, reason, sizeof(reason));
	return json_pack("{ss ss ss ss ss sf so so so}", "id",
			 r->experiment->id, "section", r->section->name,
			 "title", lab_title(r->experiment, chinese), "verdict",
			 lab_verdict_name(r->verdict), "reason", reason,
			 "seconds", r->record->seconds, "expectations",
			 claims(r->record), "figures", figures(r->record),
			 "calls", calls(r->record));
}

int lab_print_json(const struct lab_results *results)
{
	struct utsname u;
	json_t *list = json_array();

	uname(&u);
	for (size_t i = 0; i < results->n; i++)
		json_array_append_new(list, experiment(&results->result[i],
						       results->chinese));
	json_t *root = json_pack("{si ss ss so}", "schema", 1, "kernel",
				 u.release, "machine", u.machine, "experiments",
				 list);

	if (json_array_size(list) == results->n)
		return cli_json_print(root, stdout);
	json_decref(root);
	return -ENOMEM;
}

/* --- Profiles --- */

/* The verdict that a profile has for this id, or NULL. */
static const char *old_verdict(json_t *list, const char *id)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		const char *name =
			json_string_value(json_object_get(entry, "id"));

		if (name && strcmp(name, id) == 0)
			return json_string_value(
				json_object_get(entry, "verdict"));
	}
	return NULL;
}

int lab_compare(const struct lab_results *results, const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	json_t *list = json_object_get(root, "experiments");
	char reason[2 * LAB_TEXT_MAX];
	int different = 0;

	if (!root || !json_is_array(list)) {
		cli_error("%s: %s", path,
			  root ? "this is not what via lab --json prints"
			       : error.text);
		json_decref(root);
		return -1;
	}
	for (size_t i = 0; i < results->n; i++) {
		const struct lab_result *r = &results->result[i];
		const char *now = lab_verdict_name(r->verdict);
		const char *then = old_verdict(list, r->experiment->id);

		if (then && strcmp(then, now) == 0)
			continue;
		lab_reason(r, reason, sizeof(reason));
		printf("%-14s %s -> %s%s%s\n", r->experiment->id,
		       then ? then : "unknown", now, *reason ? ": " : "",
		       reason);
		different++;
	}
	json_decref(root);
	return different;
}
