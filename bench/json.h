/* SPDX-License-Identifier: MIT */
/* JSON with jansson, where running out of memory is found out at the end. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <jansson.h>

#include "bench/bench.h"

/* Add value, taking it over. Where it is NULL or there is no memory, what
 * it was to be in goes, and is NULL from then on. */
void bench_json_set(json_t **object, const char *name, json_t *value);
void bench_json_append(json_t **array, json_t *value);

/* A number, or null where a division gave none. */
json_t *bench_json_real(double value);

json_t *bench_json_machine(const struct bench_machine *m);
json_t *bench_json_of(const struct bench_report *report);

/* The value, which may be NULL and is taken over, as text to be freed, or
 * printed on a line. NULL, -ENOMEM: no memory; other errors stay in the
 * stream. */
char *bench_json_text(json_t *value);
int bench_json_print(json_t *value, FILE *out);

#endif
