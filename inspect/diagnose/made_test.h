/* SPDX-License-Identifier: MIT */
/*
 * Snapshots made by hand, for tests: everything is exact, completely seen, and
 * asleep since five seconds, unless a test says otherwise.
 */
#ifndef INSPECT_DIAGNOSE_MADE_TEST_H
#define INSPECT_DIAGNOSE_MADE_TEST_H

#include "inspect/model/build.h"

struct made {
	struct via_snapshot *s;
	struct via_diagnosis *d;
};

void made_begin(struct made *m);
/* Seal it, and diagnose. */
void made_end(struct made *m);
void made_free(struct made *m);

/* A process with one thread that sleeps, the next pid from 100 on; its index is
 * also that of its thread as long as no other has more than one. */
uint32_t made_process(struct made *m, const char *name);
/* One more thread of the process that was made last. */
uint32_t made_thread(struct made *m);

uint32_t made_object(struct made *m, enum via_kind kind);
/* Two sockets, held by one process each. */
void made_pair(struct made *m, uint32_t a, uint32_t b, uint32_t object[2]);

/* how: "r", "w", "rw" of a descriptor; "lock"; "map". */
struct via_holding *made_hold(struct made *m, uint32_t process, uint32_t object,
			      const char *how);
struct via_wait *made_wait(struct made *m, uint32_t thread, enum via_op op,
			   uint32_t object);
struct via_wait *made_child_wait(struct made *m, uint32_t thread,
				 uint32_t process);
struct via_wait *made_join(struct made *m, uint32_t thread, uint32_t other);

/* A pipe whose ends two processes have. */
uint32_t made_pipe(struct made *m, uint32_t writer, uint32_t reader);
/* A lock that a thread has. */
uint32_t made_mutex(struct made *m, uint32_t owner);

/* Two processes, a pipe each way, each reads. */
void made_two(struct made *m, uint32_t p[2]);

/* --- What has to come out --- */

#define VERDICT(m, t, v, c)                                                    \
	do {                                                                   \
		assert_string_equal(                                           \
			via_verdict_name((m)->d->verdicts[t].verdict),         \
			via_verdict_name(VIA_VERDICT_##v));                    \
		assert_int_equal((m)->d->verdicts[t].certainty, VIA_##c);      \
	} while (0)

/* The only cycle has these threads, from any of them on. */
void made_cycle_is(const struct made *m, uint32_t n, const uint32_t *threads);

/* Diagnose: the only finding is this one, about them; its words name who is
 * given. */
void made_found(struct made *m, const char *rule, uint32_t process,
		uint32_t object, const char *words);
/* Diagnose: there is no finding. */
void made_nothing(struct made *m);

/* Diagnose: nobody is stuck. */
void made_goes_on(struct made *m);

#endif
