/* SPDX-License-Identifier: MIT */
/*
 * The wait-for graph of a snapshot: who could end each wait, and how sure it is
 * that nobody else could.
 */
#ifndef INSPECT_DIAGNOSE_GRAPH_H
#define INSPECT_DIAGNOSE_GRAPH_H

#include <stdbool.h>

#include <via/inspect.h>

/* Behind the last certainty: nothing can be claimed of it at all. */
#define VIA__BEYOND (VIA_GUESS + 1)

/* How an object is held, as far as it matters to those who wait. */
enum via__side {
	VIA__HOLDERS, /* a descriptor */
	VIA__READERS, /* one that reads */
	VIA__WRITERS,
	VIA__OWNERS, /* a lock */
	VIA__MAPPERS,
};

/* What else may end a wait. */
enum via__outside {
	VIA__INSIDE,  /* nothing */
	VIA__WORLD,   /* what comes from outside: time, signals, connections */
	VIA__TIMEOUT, /* it ends by itself */
	VIA__UNSEEN,  /* nobody knows */
};

/*
 * Those who could end a wait: who holds an object in some way, or any thread of
 * a process, or one thread. Any one of them suffices.
 */
struct via__enders {
	uint32_t object;	  /* or VIA_NONE */
	uint32_t process, thread; /* or VIA_NONE; process is that of thread */
	uint32_t semaphore;	  /* of a SYSVSEM: who has others has not it */
	uint8_t side;		  /* enum via__side */
	uint8_t outside;	  /* enum via__outside */
	/* That nobody else could is as sure as this; VIA__BEYOND: somebody
	 * else may. */
	uint8_t limit;
	bool orphan; /* who could have has died */
	bool others; /* not the one who waits */
};

/* Items by key, without those of key VIA_NONE. */
struct via__index {
	uint32_t *first; /* one for each key, and one more */
	uint32_t *item;
};

struct via__graph {
	const struct via_snapshot *s;
	struct via__enders *enders;   /* one for each wait */
	struct via__index by_object;  /* waits, by their enders' object */
	struct via__index by_process; /* by their enders' process */
};

/* 0 or -ENOMEM; fini in any case. */
int via__graph_init(struct via__graph *g, const struct via_snapshot *s);
void via__graph_fini(struct via__graph *g);

/* Bits (1 << side) of a hold. */
unsigned int via__sides(const struct via_holding *h);

/* Whether who has this, of the enders' object, is one of them. */
bool via__is_ender(const struct via_snapshot *s, const struct via__enders *e,
		   const struct via_holding *h);

/* Whether a thread has ended, and so cannot do anything. */
static inline bool via__has_ended(const struct via_thread *t)
{
	return t->state == 'Z' || t->state == 'X';
}

/* Whether all threads of a process that there are have ended. */
bool via__process_ended(const struct via_snapshot *s, uint32_t process);

/* Whether the threads of a process are all in the snapshot. */
bool via__threads_seen(const struct via_snapshot *s, uint32_t process);

/* Going through the threads that could end a wait; begins as zeros. */
struct via__walk {
	uint32_t user, thread;
};

/* The next of them, which may come more than once; VIA_NONE: no more. */
uint32_t via__next_ender(const struct via__graph *g, uint32_t wait,
			 struct via__walk *walk);

#endif
