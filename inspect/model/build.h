/* SPDX-License-Identifier: MIT */
/*
 * Building a snapshot. Records are added in any order; via__seal() puts them
 * in the order that via/inspect.h promises and makes the indices, and may be
 * called again after more have been added.
 *
 * Adding never fails for the caller: without memory it returns a spare record
 * whose content is lost, and the error is kept for via__build_error().
 * Pointers to records are valid until the next one of their kind is added.
 */
#ifndef INSPECT_MODEL_BUILD_H
#define INSPECT_MODEL_BUILD_H

#include <stdbool.h>

#include <via/inspect.h>

/* NULL: no memory. */
struct via_snapshot *via__snapshot_new(void);

/* 0 or -ENOMEM, since the beginning. */
int via__build_error(const struct via_snapshot *s);

/* A text of any bytes; the same bytes give the same number. */
uint32_t via__text(struct via_snapshot *s, const void *bytes, size_t len);
uint32_t via__text_of(struct via_snapshot *s, const char *string);

/* Records of zeros, but for what is unknown. Processes are added in the order
 * of their pids, a process' threads after it. */
struct via_process *via__add_process(struct via_snapshot *s);
struct via_thread *via__add_thread(struct via_snapshot *s, uint32_t process);
struct via_holding *via__add_hold(struct via_snapshot *s, uint32_t process,
				  uint32_t object, enum via_how how);
struct via_wait *via__add_wait(struct via_snapshot *s, uint32_t thread,
			       enum via_op op);
struct via_link *via__add_link(struct via_snapshot *s, uint32_t from,
			       uint32_t to, enum via_link_kind kind);

/* The object with this key, which is made if there is none. Returns its index;
 * VIA_NONE, without memory, may be used like any other. */
uint32_t via__object(struct via_snapshot *s, enum via_kind kind, uint64_t dev,
		     uint64_t ino, uint64_t sub);
/*
 * What is known by now to be of another kind: the same object under its new
 * key. Returns its index, which stays the same, but if there is one with that
 * key already: then all that names the object names that one from now on,
 * which keeps its own name, peer, levels and detail. An empty one of kind OTHER
 * (dev UINT64_MAX) that nobody holds stays in the object's place, since indices
 * do not move. That goes through all records: it is best not to make two.
 */
uint32_t via__rekind(struct via_snapshot *s, uint32_t object,
		     enum via_kind kind);
/* Its record: the spare one for VIA_NONE. */
struct via_object *via__object_at(struct via_snapshot *s, uint32_t object);

/* The detail of an object, which is made if there is none. */
struct via_socket *via__socket(struct via_snapshot *s, uint32_t object);
struct via_ipc *via__ipc(struct via_snapshot *s, uint32_t object);
struct via_file_lock *via__file_lock(struct via_snapshot *s, uint32_t object);
struct via_futex *via__futex(struct via_snapshot *s, uint32_t object);
struct via_lane *via__lane(struct via_snapshot *s, uint32_t object);

/* One more semaphore of a set, one more lane of a channel: all of one object
 * in a row. */
struct via_semaphore *via__add_semaphore(struct via_snapshot *s,
					 uint32_t object);
struct via_lane *via__add_lane(struct via_snapshot *s, uint32_t object);

/* Make two objects peers of each other. */
void via__peers(struct via_snapshot *s, uint32_t a, uint32_t b);

/* Sort and index, unless nothing has changed since. 0 or -ENOMEM. */
int via__seal(struct via_snapshot *s);
/* What a record is of, or how many there are, was changed otherwise than by the
 * functions here. */
void via__unseal(struct via_snapshot *s);

/* Of a sealed one: the first link from an object, or from a later one, or
 * n_links. */
uint32_t via__first_link(const struct via_snapshot *s, uint32_t from);

#endif
