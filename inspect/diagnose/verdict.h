/* SPDX-License-Identifier: MIT */
/* Which threads can go on, and how sure that is. */
#ifndef INSPECT_DIAGNOSE_VERDICT_H
#define INSPECT_DIAGNOSE_VERDICT_H

#include "inspect/diagnose/graph.h"

/* Who goes on, for each certainty of the claim that the others do not. */
struct via__standing {
	/* Asked for: as if those who run at the moment did not. */
	bool paused;
	/* By thread: the best certainty with which it can be said to be stuck,
	 * VIA__BEYOND if it goes on. */
	uint8_t *stuck;
	/* By wait: nobody can end it; as that certainty of its thread sees it.
	 */
	bool *closed;
};

/* All but paused is zero. 0 or -ENOMEM; fini in any case. */
int via__standing_init(struct via__standing *standing,
		       const struct via__graph *g);
void via__standing_fini(struct via__standing *standing);

/* Fill the verdicts of threads that go on, or have ended. */
void via__verdicts_alive(const struct via__graph *g,
			 const struct via__standing *standing,
			 struct via_verdict_of *verdicts);

#endif
