/* SPDX-License-Identifier: MIT */
/*
 * Messages that came while their end was waiting for something else: copies,
 * in order, until somebody receives them. Bounded: whoever fills the list
 * looks at via__kept_full() before.
 */
#ifndef VIA_TRANSPORT_KEPT_H
#define VIA_TRANSPORT_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "transport/transport.h"

struct via__kept_message;
STAILQ_HEAD(via__kept_list, via__kept_message);

struct via__kept {
	struct via__kept_list waiting; /* to be received */
	struct via__kept_list given;   /* until release */
	size_t len;		       /* bytes of those waiting, */
	unsigned int n_fds;	       /* and their descriptors */
};

void via__kept_init(struct via__kept *k);
/* Forget all; descriptors of those waiting are closed. Accepts a zeroed one. */
void via__kept_fini(struct via__kept *k);

static inline bool via__kept_empty(const struct via__kept *k)
{
	return STAILQ_EMPTY(&k->waiting);
}

/* Whether to keep no more: it has the bytes of the longest message, or the
 * descriptors. */
bool via__kept_full(const struct via__kept *k, const struct via__end *end);

/* Copy what a recv slot gave out, with info. 0 or -ENOMEM; its descriptors are
 * taken over in any case. */
int via__kept_put(struct via__kept *k, const struct via__in *in);

/* As the recv slot, but for pid, uid and gid; not when empty. */
void via__kept_give(struct via__kept *k, struct via__in *in);
void via__kept_free_given(struct via__kept *k);

static inline void via__kept_release(struct via__kept *k)
{
	if (!STAILQ_EMPTY(&k->given))
		via__kept_free_given(k);
}

#endif
