/* SPDX-License-Identifier: MIT */
/*
 * Which objects and processes a person means. Of the words at least one has to
 * fit, and each of the other members that is not empty.
 *
 * A word is a pid (4242), an object as text.h names it (pipe:[123], unix:/run/x,
 * tcp::80 for any address; pipe: for all of a kind), a path or an abstract
 * name (/run/x.sock, @name), or else the name of a process or a part of that of
 * an object.
 */
#ifndef INSPECT_VIEW_FILTER_H
#define INSPECT_VIEW_FILTER_H

#include <stdbool.h>

#include <via/inspect.h>

struct via__list {
	const char *const *item;
	size_t n;
};

/* What a path leads to: dev and ino of stat(2); ino 0: nothing. */
struct via__file {
	uint64_t dev, ino;
};

struct via__filter {
	struct via__list words;
	/* One for each word, so that any path to a file means it; or NULL. */
	const struct via__file *files;
	struct via__list states; /* see via__object_is(), via__process_is() */
	uint64_t kinds;		 /* bit: enum via_kind; 0: all */
	const pid_t *pids;
	size_t n_pids;
	const uid_t *uids;
	size_t n_uids;
};

/* Whether nothing is chosen. */
bool via__filter_empty(const struct via__filter *f);

/* An object, with who holds it or its other end, or waits for it. */
bool via__filter_object(const struct via_snapshot *s,
			const struct via__filter *f, uint32_t object);

/* Whether it is the object that is meant, and not only who has it. */
bool via__filter_means(const struct via_snapshot *s,
		       const struct via__filter *f, uint32_t object);

/* A hold: its object and its process. */
bool via__filter_hold(const struct via_snapshot *s, const struct via__filter *f,
		      const struct via_holding *hold);

/* A process; words of objects fit who holds these. */
bool via__filter_process(const struct via_snapshot *s,
			 const struct via__filter *f, uint32_t process);

/* "full", "empty", "waited" (somebody waits for it), "unused" (nobody has it),
 * a flag of enum via_object_flag as JSON names it, a socket's state. */
bool via__object_is(const struct via_snapshot *s, uint32_t object,
		    const char *state);

/* A letter of proc_pid_stat(5), or "running", "sleeping", "waiting" (it is
 * known for what), "stopped", "zombie", "idle", "disk", "frozen". */
bool via__process_is(const struct via_snapshot *s, uint32_t process,
		     const char *state);

/* Whether one of these two knows such a state. */
bool via__state_exists(const char *word);

/* A kind by its name, or VIA_N_KINDS. */
enum via_kind via__kind_find(const char *name, size_t len);

/* The other end of an object, if that is its as well; or VIA_NONE. */
uint32_t via__other_end(const struct via_snapshot *s, uint32_t object);

#endif
