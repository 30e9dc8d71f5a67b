/* SPDX-License-Identifier: MIT */
/* Results as lines for a person, in English or Chinese. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/lab/result.h"

static const struct {
	const char *name, *chinese, *colour;
} verdicts[] = {
	[LAB_HOLDS] = {"holds", "成立", "32"},
	[LAB_DIFFERS] = {"differs", "不同", "31"},
	[LAB_SKIPPED] = {"skipped", "跳过", "33"},
};

const char *lab_verdict_name(enum lab_verdict verdict)
{
	return verdicts[verdict].name;
}

bool lab_is_chinese(const char *language)
{
	static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

	/* The first that is set decides: locale(7). */
	for (size_t i = 0; !language && i < 3; i++) {
		const char *value = getenv(names[i]);

		language = value && *value ? value : NULL;
	}
	return language && strncmp(language, "zh", 2) == 0;
}

const char *lab_title(const struct lab_experiment *e, bool chinese)
{
	const struct lab_text *t = chinese ? lab_text_find(e->id, "zh") : NULL;

	return t ? t->title : e->title;
}

static const char *section_title(const struct lab_section *s, bool chinese)
{
	const char *title = chinese ? lab_section_title_find(s->name, "zh")
				    : NULL;

	return title ? title : s->title;
}

void lab_reason(const struct lab_result *result, char *text, size_t size)
{
	const struct lab_record *r = result->record;
	unsigned int n = lab_kept(r->n_claims, LAB_CLAIMS_MAX), i = 0;

	while (i < n && r->claims[i].held)
		i++;
	if (*r->skipped)
		snprintf(text, size, "%s", r->skipped);
	else if (*r->stopped)
		snprintf(text, size, "%s", r->stopped);
	else if (i < n)
		snprintf(text, size, "%s, but was %s", r->claims[i].text,
			 r->claims[i].observed);
	else
		snprintf(text, size, "%s", n ? "" : "it came to no result");
}

/* --- Lists --- */

void lab_print_sections(bool chinese)
{
	size_t all = 0;

	for (size_t i = 0; lab_sections[i]; i++) {
		const struct lab_section *s = lab_sections[i];
		size_t n = 0;

		while (s->experiments[n].id)
			n++;
		all += n;
		printf("%-9s %3zu  %s\n", s->name, n,
		       section_title(s, chinese));
	}
	printf(chinese ? "%13zu  条规则；运行：via lab 名字、via lab --all；说明："
			 "via lab explain 编号\n"
		       : "%13zu  rules; run them with via lab NAME or --all, "
			 "read one with via lab explain ID\n",
	       all);
}

void lab_print_list(const struct lab_results *results)
{
	for (size_t i = 0; i < results->n; i++)
		printf("%s\t%s\n", results->result[i].experiment->id,
		       lab_title(results->result[i].experiment,
				 results->chinese));
}

/* --- Results, one by one --- */

static bool is_terminal(void)
{
	static int answer = -1;

	if (answer < 0)
		answer = isatty(STDOUT_FILENO);
	return answer;
}

void lab_print_begin(const struct lab_results *results, size_t i)
{
	const struct lab_result *r = &results->result[i];

	if (i == 0 || r[-1].section != r->section)
		printf("%s%s: %s\n", i ? "\n" : "", r->section->name,
		       section_title(r->section, results->chinese));
	if (!is_terminal())
		return;
	printf("  %-14s ...      %s", r->experiment->id,
	       lab_title(r->experiment, results->chinese));
	fflush(stdout);
}

static void print_verdict(enum lab_verdict verdict, bool chinese)
{
	bool colour = is_terminal() && !getenv("NO_COLOR");

	if (colour)
		printf("\033[%sm", verdicts[verdict].colour);
	/* Two Chinese characters are four columns, in six bytes. */
	if (chinese)
		printf("%s    ", verdicts[verdict].chinese);
	else
		printf("%-8s", verdicts[verdict].name);
	if (colour)
		printf("\033[m");
}

/* Three digits, or all before the point. */
static int decimals(double value)
{
	return value < 10 ? 2 : value < 100 ? 1 : 0;
}

static void print_figures(const struct lab_record *r)
{
	unsigned int n = lab_kept(r->n_figures, LAB_FIGURES_MAX);

	for (unsigned int i = 0; i < n; i++)
		if (r->figures[i].ready)
			printf("%*s%s: %.*f %s\n", 27, "", r->figures[i].name,
			       decimals(r->figures[i].value),
			       r->figures[i].value, r->figures[i].unit);
}

void lab_print_result(const struct lab_results *results, size_t i)
{
	const struct lab_result *r = &results->result[i];
	char reason[2 * LAB_TEXT_MAX];

	if (is_terminal())
		printf("\r\033[K");
	printf("  %-14s ", r->experiment->id);
	print_verdict(r->verdict, results->chinese);
	printf("  %s\n", lab_title(r->experiment, results->chinese));
	lab_reason(r, reason, sizeof(reason));
	if (*reason)
		printf("%*s%s\n", 27, "", reason);
	print_figures(r->record);
	fflush(stdout);
}

void lab_print_summary(const struct lab_results *results)
{
	const size_t *n = results->count;

	printf(results->chinese
		       ? "\n%zu 条规则：%zu 成立，%zu 不同，%zu 跳过（%.1f 秒）\n"
		       : "\n%zu rules: %zu hold, %zu differ, %zu skipped "
			 "(%.1f s)\n",
	       results->n, n[LAB_HOLDS], n[LAB_DIFFERS], n[LAB_SKIPPED],
	       results->seconds);
}
