/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdbool.h>

#include "bench/bench.h"

/*
 * Fill in the rows that report->options ask for, with room for their rounds.
 * False when there is no memory; bench_report_free() frees either way.
 */
bool bench_rows_make(struct bench_report *report);

#endif
