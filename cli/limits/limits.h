/* SPDX-License-Identifier: MIT */
/*
 * The kernel's limits that programs meet when they talk to each other, and how
 * near to them they are. A row says where a limit is read and how its use is
 * measured; what is not known is VIA_UNKNOWN, what has no limit LIMIT_NONE.
 */
#ifndef CLI_LIMITS_LIMITS_H
#define CLI_LIMITS_LIMITS_H

#include <stdbool.h>

#include <via/inspect.h>

#define LIMIT_NONE INT64_MAX
#define WHO_MAX	   64

/* What is counted against it. */
enum limit_scope {
	LIMIT_MACHINE,
	LIMIT_NAMESPACE, /* IPC or network */
	LIMIT_USER,
	LIMIT_PROCESS,
	LIMIT_OBJECT,  /* one pipe, queue, socket */
	LIMIT_SETTING, /* nothing: it allows or forbids */
	N_LIMIT_SCOPES
};

struct limit_row;

/* A limit as it is now. */
struct limit {
	const struct limit_row *row;
	int64_t limit, used;
	char who[WHO_MAX]; /* who is nearest to it: a user, a process; "" */
};

struct limit_row {
	const char *name; /* as sysctl(8) or getrlimit(2) has it */
	const char *what; /* a few words */
	const char *unit; /* "B", "pages" or what is counted */
	enum limit_scope scope;
	unsigned int field; /* of /proc/sys/NAME: which number, from 0 */
	/* Set used, who, and limit where there is no file for it. NULL: its use
	 * cannot be known. */
	void (*measure)(const struct via_snapshot *s, struct limit *ret);
};

extern const struct limit_row limit_rows[]; /* ends with a NULL name */

/* Read the limit itself. False: this kernel has no such thing. */
bool limit_read(const struct limit_row *row, struct limit *ret);

/* How much of it is used, 0 to 1 or more; -1: not known, no limit. */
double limit_share(const struct limit *l);

const char *limit_scope_name(enum limit_scope scope);

/* --- Measuring --- */

/* A number in a file, counted from 0; VIA_UNKNOWN without, LIMIT_NONE for
 * "unlimited" and "max". */
int64_t limit_number(const char *path, unsigned int field);

/* Sums for each user or each of whatever has a number. */
struct tally {
	struct {
		uint64_t key;
		int64_t sum;
	} * at;
	size_t n, max;
};
void tally_add(struct tally *t, uint64_t key, int64_t n);
/* The largest and whose it is, 0 without any; empties the tally. */
int64_t tally_most(struct tally *t, uint64_t *ret_key);

/* Names for who[]. */
void limit_who_user(uint64_t uid, char who[WHO_MAX]);
void limit_who_process(const struct via_snapshot *s, uint32_t process,
		       char who[WHO_MAX]);

#endif
