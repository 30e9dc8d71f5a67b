/* SPDX-License-Identifier: MIT */
/* One experiment in full: the rule, what happened just now, the source. */
#include <string.h>

#include "cli/inspect/fit.h"
#include "cli/lab/result.h"
#include "cli/wrap.h"

#define WIDTH_MIN 40
#define WIDTH_MAX 99

static int line_width(void)
{
	int width = (int)terminal_width() - 1;

	return width < WIDTH_MIN   ? WIDTH_MIN
	       : width > WIDTH_MAX ? WIDTH_MAX
				   : width;
}

static void print_part(const char *english, const char *chinese,
		       const char *text, bool in_chinese)
{
	if (!text)
		return;
	printf("\n%s\n  ", in_chinese ? chinese : english);
	wrap_print(stdout, text, 2, 2, line_width());
}

static void print_calls(const struct lab_record *r)
{
	unsigned int n = lab_kept(r->n_calls, LAB_CALLS_MAX);

	for (unsigned int i = 0; i < n; i++) {
		const struct lab_call *c = &r->calls[i];

		if (c->state == LAB_CALL_NONE)
			continue;
		printf("  %s%s%s", c->who, *c->who ? ": " : "", c->text);
		if (c->state == LAB_CALL_BEGUN)
			printf(" = ?");
		else if (c->times > 1)
			printf("  (x %u)", c->times);
		putchar('\n');
	}
	if (r->n_calls > n)
		printf("  ... (%u more)\n", r->n_calls - n);
}

static void print_claims(const struct lab_record *r)
{
	unsigned int n = lab_kept(r->n_claims, LAB_CLAIMS_MAX);

	for (unsigned int i = 0; i < n; i++) {
		const struct lab_claimed *c = &r->claims[i];

		printf("  %s  %s  [%s]", c->held ? "yes" : "NO ", c->text,
		       c->observed);
		if (c->times > 1)
			printf("  (x %u)", c->times);
		putchar('\n');
	}
}

static void print_source(const char *source)
{
	while (*source) {
		int len = (int)strcspn(source, "\n");

		printf(len ? "  %.*s\n" : "%.*s\n", len, source);
		source += len + 1;
	}
}

void lab_explain(const struct lab_results *results, size_t i)
{
	const struct lab_result *r = &results->result[i];
	const struct lab_experiment *e = r->experiment;
	bool chinese = results->chinese;
	const struct lab_text *t = lab_text_find(e->id, chinese ? "zh" : "en");
	const struct lab_source *source = lab_source_find(e->id);

	printf("%s  %s\n", e->id, lab_title(e, chinese));
	print_part("Rule", "规则", t->rule, chinese);
	print_part("Why", "为什么", t->why, chinese);
	print_part("Myth", "误解", t->myth, chinese);
	print_part("For a program", "对程序意味着", t->means, chinese);
	printf("\n%s\n",
	       chinese ? "刚才的系统调用" : "Calls, as they happened");
	print_calls(r->record);
	printf("\n%s\n", chinese ? "预期 [观察到]" : "Expected [observed]");
	print_claims(r->record);
	putchar('\n');
	lab_print_result(results, i);
	printf("\n%s: %s\n", chinese ? "手册" : "Manual", e->manual);
	printf("\n%s: lab/%s\n", chinese ? "源代码" : "Source", source->file);
	print_source(source->text);
}
