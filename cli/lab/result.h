/* SPDX-License-Identifier: MIT */
/* What `via lab` found out, and the ways to tell it. */
#ifndef CLI_LAB_RESULT_H
#define CLI_LAB_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lab/runner.h"
#include "lab/text.h"

struct lab_result {
	const struct lab_section *section;
	const struct lab_experiment *experiment;
	struct lab_record *record; /* NULL before it has run */
	enum lab_verdict verdict;
};

struct lab_results {
	size_t n;
	struct lab_result *result;
	size_t count[3]; /* by verdict */
	double seconds;
	bool chinese;
};

/* "holds", "differs", "skipped": what JSON and profiles have. */
const char *lab_verdict_name(enum lab_verdict verdict);

/* Why it differs or was skipped, in one line; "" when it holds. */
void lab_reason(const struct lab_result *result, char *text, size_t size);

/* --- For a person (words.c, explain.c) --- */

/* Whether the environment, or language if it is not NULL, asks for Chinese. */
bool lab_is_chinese(const char *language);

const char *lab_title(const struct lab_experiment *e, bool chinese);
void lab_print_sections(bool chinese);
void lab_print_list(const struct lab_results *results);

/* Before and after each experiment, and at the end of all. */
void lab_print_begin(const struct lab_results *results, size_t i);
void lab_print_result(const struct lab_results *results, size_t i);
void lab_print_summary(const struct lab_results *results);

/* Rule, reasons, what happened in this run, and the source. */
void lab_explain(const struct lab_results *results, size_t i);

/* --- For programs (json.c, junit.c) --- */

/* 0, or -ENOMEM. */
int lab_print_json(const struct lab_results *results);
void lab_print_junit(const struct lab_results *results);

/*
 * Compare with what lab_print_json() once wrote into a file and print what is
 * different. Returns how many are, or -1 after saying why it cannot be read.
 */
int lab_compare(const struct lab_results *results, const char *path);

#endif
