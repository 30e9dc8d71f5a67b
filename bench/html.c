/* SPDX-License-Identifier: MIT */
/* The report as one page that needs nothing else: report.html, with the JSON
 * in it. */
#include <string.h>

#include "bench/bench.h"
#include "bench/html.h"

void bench_html(const struct bench_report *report, FILE *out)
{
	const char *hole = strstr(report_html, REPORT_HOLE);

	fwrite(report_html, 1, (size_t)(hole - report_html), out);
	bench_json(report, out);
	fputs(hole + strlen(REPORT_HOLE), out);
}
