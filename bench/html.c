/* SPDX-License-Identifier: MIT */
/* The report as one page that needs nothing else: report.html, with the JSON
 * in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/html.h"
#include "bench/json.h"

int bench_html(const struct bench_report *report, FILE *out)
{
	const char *hole = strstr(report_html, REPORT_HOLE);
	char *json = bench_json_text(bench_json_of(report));

	if (!json)
		return -ENOMEM;
	fwrite(report_html, 1, (size_t)(hole - report_html), out);
	/* It must not end the script that it is in; in JSON a "<" is part of a
	 * string. */
	for (const char *c = json; *c; c++)
		if (*c == '<')
			fputs("\\u003c", out);
		else
			putc(*c, out);
	fputs(hole + strlen(REPORT_HOLE), out);
	free(json);
	return 0;
}
