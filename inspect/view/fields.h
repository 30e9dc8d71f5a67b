/* SPDX-License-Identifier: MIT */
/*
 * A snapshot as tables: which records it has, and which fields each of them.
 * Saving, loading and via-inspect(5) are made from these rows, so they cannot
 * differ. What a snapshot derives (indices, counts) has no row.
 */
#ifndef INSPECT_VIEW_FIELDS_H
#define INSPECT_VIEW_FIELDS_H

#include <stdbool.h>

#include <via/inspect.h>

/* Of what is saved. It changes when a reader of the old would be misled; keys
 * may be added without. */
#define VIA__JSON_VERSION 1

enum via__type {
	VIA__NUMBER, /* one, or n of them: a list */
	VIA__LETTER, /* a char: a string of one */
	VIA__CHARS,  /* a char[n], ending in NUL */
	VIA__TEXT,   /* a text of the snapshot */
	VIA__ARGS,   /* a text, split by NUL: a list of strings */
	VIA__INDEX,  /* of a record of another array, or VIA_NONE */
	VIA__WORD,   /* an enum */
	VIA__SET,    /* an enum's bits: a list of words */
};

enum via__record_id {
	VIA__PROCESSES,
	VIA__THREADS,
	VIA__OBJECTS,
	VIA__HOLDS,
	VIA__WAITS,
	VIA__LINKS,
	VIA__SOCKETS,
	VIA__IPCS,
	VIA__SEMAPHORES,
	VIA__LOCKS,
	VIA__FUTEXES,
	VIA__LANES,
	VIA__N_RECORDS
};

struct via__field {
	const char *key, *help;
	enum via__type type;
	bool is_signed;
	bool required; /* always written, and has to be there */
	size_t size;   /* of one element */
	size_t n;
	size_t offset;
	int64_t none; /* what a new record has, and is not written */
	const char *(*word)(unsigned int value); /* "" beyond the last */
	enum via__record_id record;		 /* INDEX: of which array */
};

struct via__record {
	const char *name, *help;
	const struct via__field *fields; /* ends with a NULL key */
	size_t size;
	size_t array, count; /* offsets in struct via_snapshot */
};

extern const struct via__record via__records[VIA__N_RECORDS];
/* The one that is no array. */
extern const struct via__record via__sight_record;

/* An element of a field of a record: as it is in memory, or extended to 64
 * bits by its sign. */
uint64_t via__field_get(const struct via__field *f, const void *record,
			size_t i);
/* The same the other way. False: it does not fit. */
bool via__field_set(const struct via__field *f, void *record, size_t i,
		    uint64_t value, bool negative);

/* Make a new record of nothing known. */
void via__record_clear(const struct via__record *r, void *record);

#endif
