/* SPDX-License-Identifier: MIT */
/*
 * Carrying a file: BENCH_CARRY. The sender maps it and sends it in messages of
 * the plan's size, over and over until the time is up. In the first pass,
 * which is not timed, both sides sum every byte; in the timed ones the
 * receiver checks the length and the ends of each message.
 */
#ifndef BENCH_CARRY_H
#define BENCH_CARRY_H

#include "bench/engine.h"

int carry_source(struct bench_side *s);
int carry_sink(struct bench_side *s);

#endif
