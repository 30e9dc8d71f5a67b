/* SPDX-License-Identifier: MIT */
/* Results as JUnit XML, which CI systems show. */
#include "cli/lab/result.h"

static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", stdout);
		else if (*text == '>')
			fputs("&gt;", stdout);
		else if (*text == '&')
			fputs("&amp;", stdout);
		else if (*text == '"')
			fputs("&quot;", stdout);
		else if ((unsigned char)*text >= ' ')
			putchar(*text);
		else
			putchar(' ');
	}
}

static void print_case(const struct lab_result *r, bool chinese)
{
	char reason[2 * LAB_TEXT_MAX];

	lab_reason(r, reason, sizeof(reason));
	printf("  <testcase classname=\"lab.%s\" name=\"%s ", r->section->name,
	       r->experiment->id);
	print_escaped(lab_title(r->experiment, chinese));
	printf("\" time=\"%.3f\"", r->record->seconds);
	if (r->verdict == LAB_HOLDS) {
		printf("/>\n");
		return;
	}
	printf("><%s message=\"",
	       r->verdict == LAB_SKIPPED ? "skipped" : "failure");
	print_escaped(reason);
	printf("\"/></testcase>\n");
}

void lab_print_junit(const struct lab_results *results)
{
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	       "<testsuite name=\"via lab\" tests=\"%zu\" failures=\"%zu\" "
	       "skipped=\"%zu\" time=\"%.3f\">\n",
	       results->n, results->count[LAB_DIFFERS],
	       results->count[LAB_SKIPPED], results->seconds);
	for (size_t i = 0; i < results->n; i++)
		print_case(&results->result[i], results->chinese);
	printf("</testsuite>\n");
}
