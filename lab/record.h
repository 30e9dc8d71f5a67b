/* SPDX-License-Identifier: MIT */
/*
 * What one run of an experiment leaves: the calls it made, what it expected
 * and saw, what it measured, how it ended. Lies in memory that all processes
 * of the experiment share, so that each adds to it without locks.
 */
#ifndef LAB_RECORD_H
#define LAB_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lab/lab.h"

#define LAB_CALLS_MAX	256
#define LAB_CLAIMS_MAX	128
#define LAB_FIGURES_MAX 32
#define LAB_WHO_MAX	16
#define LAB_TEXT_MAX	200

enum lab_call_state {
	LAB_CALL_NONE,
	LAB_CALL_BEGUN,
	LAB_CALL_DONE
};
enum lab_family {
	LAB_NO_SYSV,
	LAB_SYSV_SHM,
	LAB_SYSV_SEM,
	LAB_SYSV_MSG
};

/* state is released by the process that made the call, when what belongs to
 * the state is there, and acquired by who reads the record. */
struct lab_call {
	_Atomic enum lab_call_state state;
	unsigned int times;	/* in a row, with the same result */
	enum lab_family family; /* of the object that was got, to be removed */
	int id;
	char who[LAB_WHO_MAX]; /* the child's or thread's name, or "" */
	char text[LAB_TEXT_MAX];
};

struct lab_claimed {
	atomic_uint times; /* in a row; released last, 0: not complete */
	bool held;
	bool blind; /* before any call was made */
	char text[LAB_TEXT_MAX];
	char observed[64];
};

struct lab_figure {
	atomic_bool ready;
	char name[48];
	char unit[16];
	double value;
};

struct lab_record {
	bool inverted; /* each expectation holds when it should not */
	atomic_uint n_calls, n_claims, n_figures; /* may exceed the maximum */
	struct lab_call calls[LAB_CALLS_MAX];
	struct lab_claimed claims[LAB_CLAIMS_MAX];
	struct lab_figure figures[LAB_FIGURES_MAX];
	char skipped[LAB_TEXT_MAX]; /* what it needs, "" if it was made */
	char stopped[LAB_TEXT_MAX]; /* why it did not come to its end, or "" */
	pid_t keeper;
	char directory[256];
	double seconds;
	volatile long cells[LAB_CELLS];
};

enum lab_verdict {
	LAB_HOLDS,
	LAB_DIFFERS,
	LAB_SKIPPED
};

enum lab_verdict lab_verdict(const struct lab_record *record);

/*
 * After a run with every expectation inverted: NULL if that has made each of
 * them fail, else what is wrong with the experiment.
 */
const char *lab_vacuity(const struct lab_record *record);

/* The record that the process is part of; NULL outside of experiments. */
extern struct lab_record *lab_record;

/* Entries that were kept, of those that came. */
static inline unsigned int lab_kept(unsigned int n, unsigned int max)
{
	return n < max ? n : max;
}

#endif
