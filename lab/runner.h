/* SPDX-License-Identifier: MIT */
/* Running one experiment so that it can do no harm and leaves nothing. */
#ifndef LAB_RUNNER_H
#define LAB_RUNNER_H

#include <stdbool.h>
#include <stddef.h>

#include "lab/record.h"

/* Names that lab_name() gives out. */
#define LAB_NAMES	4
#define LAB_NAME_FORMAT "/via-lab.%d.%u"

/* The sections in the order of sections.def; ends with NULL. */
extern const struct lab_section *const lab_sections[];

/* The experiment of this id, or NULL. */
const struct lab_experiment *lab_find(const char *id);
const struct lab_section *lab_find_section(const char *name);

/* What of a row's needs is not here: its bits, 0 if all is. */
unsigned int lab_missing(unsigned int needs);
/* A need in words, "root". */
const char *lab_need_words(enum lab_need need, bool chinese);

/*
 * Run an experiment, in processes of its own, and wait for its end or its time
 * limit; then end what is left of it and remove its files and objects.
 * inverted: each expectation is to hold when it should not. stop_fd readable
 * (-1: none) ends it early.
 *
 * Returns its record, for lab_record_free(); NULL with errno when that could
 * not even be begun.
 */
struct lab_record *lab_run(const struct lab_experiment *experiment,
			   bool inverted, int stop_fd);
void lab_record_free(struct lab_record *record);

#endif
