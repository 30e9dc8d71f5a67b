/* SPDX-License-Identifier: MIT */
/* Order and indices: counting sorts, which keep the order within a key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/model/build.h"
#include "inspect/model/inside.h"

/* A run of records with the same key. */
struct run {
	uint32_t first, n;
};

/*
 * Where the records with each key will begin, if sorted: runs[key], for n_keys
 * keys and one for VIA_NONE, which comes last. Whether they are sorted already.
 */
static bool count(struct run *runs, uint32_t n_keys, const void *array,
		  uint32_t n, size_t size, size_t key_offset)
{
	const char *at = array;
	uint32_t first = 0, before = 0;
	bool sorted = true;

	memset(runs, 0, (n_keys + (size_t)1) * sizeof(*runs));
	for (uint32_t i = 0; i < n; i++, at += size) {
		uint32_t key;

		memcpy(&key, at + key_offset, sizeof(key));
		key = key < n_keys ? key : n_keys;
		runs[key].n++;
		sorted &= before <= key;
		before = key;
	}
	for (uint32_t key = 0; key <= n_keys; key++) {
		runs[key].first = first;
		first += runs[key].n;
	}
	return sorted;
}

/* For each to be filled from its beginning. */
static void empty(struct run *runs, uint32_t n_keys)
{
	for (uint32_t key = 0; key <= n_keys; key++)
		runs[key].n = 0;
}

/* Sort an array by a uint32_t in each record. Leaves the runs. */
static int sort(void *array, uint32_t n, size_t size, size_t key_offset,
		struct run *runs, uint32_t n_keys)
{
	const char *at = array;

	if (count(runs, n_keys, array, n, size, key_offset))
		return 0;
	char *sorted = reallocarray(NULL, n, size);

	if (!sorted)
		return -ENOMEM;
	empty(runs, n_keys);
	for (uint32_t i = 0; i < n; i++, at += size) {
		uint32_t key;

		memcpy(&key, at + key_offset, sizeof(key));
		struct run *run = &runs[key < n_keys ? key : n_keys];

		memcpy(sorted + (run->first + run->n++) * size, at, size);
	}
	memcpy(array, sorted, n * size);
	free(sorted);
	return 0;
}

/* The same as indices, in *ret. */
static int order(uint32_t **ret, const void *array, uint32_t n, size_t size,
		 size_t key_offset, struct run *runs, uint32_t n_keys)
{
	uint32_t *sorted = reallocarray(*ret, n + (size_t)1, sizeof(*sorted));
	const char *at = array;

	if (!sorted)
		return -ENOMEM;
	*ret = sorted;
	(void)count(runs, n_keys, array, n, size, key_offset);
	empty(runs, n_keys);
	for (uint32_t i = 0; i < n; i++, at += size) {
		uint32_t key;

		memcpy(&key, at + key_offset, sizeof(key));
		struct run *run = &runs[key < n_keys ? key : n_keys];

		sorted[run->first + run->n++] = i;
	}
	return 0;
}

#define SORT(s, array, type, key, runs, n_keys)                                \
	sort((s)->array, (s)->n_##array, sizeof(struct type),                  \
	     offsetof(struct type, key), runs, n_keys)

static int seal_tasks(struct via_snapshot *s, struct run *runs)
{
	int err = SORT(s, threads, via_thread, process, runs, s->n_processes);

	for (uint32_t i = 0; !err && i < s->n_processes; i++) {
		s->processes[i].first_thread = runs[i].first;
		s->processes[i].n_threads = runs[i].n;
	}
	if (!err)
		err = SORT(s, holds, via_holding, process, runs,
			   s->n_processes);
	for (uint32_t i = 0; !err && i < s->n_processes; i++) {
		s->processes[i].first_hold = runs[i].first;
		s->processes[i].n_holds = runs[i].n;
	}
	if (!err)
		err = SORT(s, waits, via_wait, thread, runs, s->n_threads);
	for (uint32_t i = 0; !err && i < s->n_threads; i++) {
		s->threads[i].first_wait = runs[i].first;
		s->threads[i].n_waits = runs[i].n;
	}
	return err ? err : SORT(s, links, via_link, from, runs, s->n_objects);
}

static int seal_objects(struct via_snapshot *s, struct run *runs)
{
	int err = order(
		&s->users, s->holds, s->n_holds, sizeof(struct via_holding),
		offsetof(struct via_holding, object), runs, s->n_objects);

	for (uint32_t i = 0; !err && i < s->n_objects; i++) {
		s->objects[i].first_user = runs[i].first;
		s->objects[i].n_users = runs[i].n;
	}
	if (!err)
		err = order(&s->waiters, s->waits, s->n_waits,
			    sizeof(struct via_wait),
			    offsetof(struct via_wait, object), runs,
			    s->n_objects);
	for (uint32_t i = 0; !err && i < s->n_objects; i++) {
		s->objects[i].first_waiter = runs[i].first;
		s->objects[i].n_waiters = runs[i].n;
	}
	return err;
}

/* Waits name threads, which are sorted only at the first time: threads are
 * added behind their processes, in the processes' order. */
int via__seal(struct via_snapshot *s)
{
	uint32_t most = s->n_processes;

	if (via__inside(s)->sealed)
		return via__build_error(s);
	most = s->n_threads > most ? s->n_threads : most;
	most = s->n_objects > most ? s->n_objects : most;
	struct run *runs = reallocarray(NULL, most + (size_t)1, sizeof(*runs));
	int err = runs ? seal_tasks(s, runs) : -ENOMEM;

	if (!err)
		err = seal_objects(s, runs);
	free(runs);
	if (err)
		via__inside(s)->error = err;
	via__inside(s)->sealed = !err;
	return via__build_error(s);
}

void via__unseal(struct via_snapshot *s)
{
	via__inside(s)->sealed = false;
}
