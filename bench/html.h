/* SPDX-License-Identifier: MIT */
/* report.html as embed.py makes it a string. */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

/* Where the JSON goes. */
#define REPORT_HOLE "{{report}}"

extern const char report_html[];

#endif
