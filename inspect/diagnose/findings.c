/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "inspect/model/array.h"

static const struct {
	void (*find)(struct via__finder *f);
	const char *rule;
} rules[] = {
#define FINDING(name, word) {via__find_##name, word},
#include "inspect/diagnose/findings.def"
#undef FINDING
	{NULL, NULL},
};

struct via_finding *via__report(struct via__finder *f, unsigned int certainty,
				uint32_t process, uint32_t thread,
				uint32_t object)
{
	struct via_diagnosis *d = f->d;

	if (!via__room(&d->findings, d->n_findings, &f->max,
		       sizeof(*d->findings))) {
		f->error = -ENOMEM;
		return &f->spare;
	}
	struct via_finding *finding = &d->findings[d->n_findings++];

	*finding = (struct via_finding){
		.rule = f->rule,
		.certainty = certainty,
		.process = process,
		.thread = thread,
		.object = object,
		.since_ns = thread == VIA_NONE ? VIA_UNKNOWN
					       : f->s->threads[thread].since_ns,
	};
	return finding;
}

void via__say(struct via__finder *f, char **ret, const char *format, ...)
{
	va_list args;

	if (f->error || *ret)
		return;
	va_start(args, format);
	if (vasprintf(ret, format, args) < 0) {
		*ret = NULL;
		f->error = -ENOMEM;
	}
	va_end(args);
}

bool via__is_stuck(const struct via__finder *f, uint32_t thread)
{
	uint32_t verdict = f->d->verdicts[thread].verdict;

	return verdict == VIA_VERDICT_STUCK ||
	       verdict == VIA_VERDICT_DEADLOCK ||
	       verdict == VIA_VERDICT_ORPHANED;
}

const struct via_wait *via__reason(const struct via__finder *f, uint32_t thread,
				   enum via_op op)
{
	uint32_t wait = f->d->verdicts[thread].wait;

	return wait != VIA_NONE && f->s->waits[wait].op == op
		       ? &f->s->waits[wait]
		       : NULL;
}

const struct via_holding *via__hold_of(const struct via__finder *f,
				       uint32_t process, bool except,
				       uint32_t object, enum via__side side)
{
	const struct via_object *o = &f->s->objects[object];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&f->s->holds[f->s->users[o->first_user + i]];

		if ((h->process == process) != except &&
		    via__sides(h) & 1u << side)
			return h;
	}
	return NULL;
}

int via__findings(const struct via__graph *g, struct via_diagnosis *d)
{
	struct via__finder f = {.g = g, .s = g->s, .d = d};

	for (size_t i = 0; !f.error && rules[i].find; i++) {
		f.rule = rules[i].rule;
		rules[i].find(&f);
	}
	return f.error;
}
