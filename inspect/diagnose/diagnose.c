/* SPDX-License-Identifier: MIT */
/* A diagnosis: the graph, who of it goes on, the rings of those who do not, and
 * what that means. */
#include "inspect/diagnose/diagnose.h"

#include <errno.h>
#include <stdlib.h>

#include "inspect/diagnose/cycle.h"
#include "inspect/diagnose/findings.h"

static int begin(struct via_diagnosis *d, const struct via_snapshot *s)
{
	d->verdicts = calloc(s->n_threads + (size_t)1, sizeof(*d->verdicts));
	if (!d->verdicts)
		return -ENOMEM;
	d->n_verdicts = s->n_threads;
	for (uint32_t t = 0; t < s->n_threads; t++)
		d->verdicts[t] = (struct via_verdict_of){
			.verdict = VIA_VERDICT_UNKNOWN,
			.wait = VIA_NONE,
			.next = VIA_NONE,
			.cycle = VIA_NONE,
		};
	return 0;
}

static int judge(const struct via__graph *g, bool paused,
		 struct via_diagnosis *d)
{
	struct via__standing standing = {.paused = paused};
	int err = via__standing_init(&standing, g);

	if (!err) {
		via__verdicts_alive(g, &standing, d->verdicts);
		err = via__verdicts_stuck(g, &standing, d);
	}
	via__standing_fini(&standing);
	return err;
}

int via_diagnose(const struct via_snapshot *s, struct via_diagnosis **ret)
{
	struct via_diagnosis *d = calloc(1, sizeof(*d));
	struct via__graph g = {0};
	int err = d ? begin(d, s) : -ENOMEM;

	if (!err)
		err = via__graph_init(&g, s);
	if (!err)
		err = judge(&g, false, d);
	if (!err)
		err = via__findings(&g, d);
	via__graph_fini(&g);
	if (err)
		via_diagnosis_free(d);
	else
		*ret = d;
	return err;
}

/* A guess would often be wrong: of a program's threads some always run. */
static bool in_deadlock(const struct via_verdict_of *v)
{
	return v->verdict == VIA_VERDICT_DEADLOCK && v->certainty < VIA_GUESS;
}

int via__in_passing(const struct via__graph *g, const struct via_diagnosis *d)
{
	struct via_diagnosis *paused = calloc(1, sizeof(*paused));
	int ret = paused ? begin(paused, g->s) : -ENOMEM;

	if (!ret)
		ret = judge(g, true, paused);
	for (uint32_t t = 0; !ret && t < g->s->n_threads; t++)
		ret = in_deadlock(&paused->verdicts[t]) &&
		      !in_deadlock(&d->verdicts[t]);
	via_diagnosis_free(paused);
	return ret;
}

void via_diagnosis_free(struct via_diagnosis *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->n_findings; i++) {
		free(d->findings[i].what);
		free(d->findings[i].advice);
	}
	free(d->verdicts);
	free(d->cycles);
	free(d->cycle_threads);
	free(d->findings);
	free(d);
}
