/* SPDX-License-Identifier: MIT */
/* Findings on what is left over: orphans.c judges, here it is told. */
#include <errno.h>

#include "inspect/diagnose/findings.h"
#include "inspect/diagnose/orphans.h"

static void report(struct via__finder *f, const struct via__orphan *orphan)
{
	char name[VIA__TEXT_MAX];
	struct via_finding *found = via__report(f, VIA_LIKELY, VIA_NONE,
						VIA_NONE, orphan->object);

	if (orphan->age_s != VIA_UNKNOWN)
		found->since_ns = orphan->age_s * 1000000000;
	via__say(f, &found->what, "%s is left over: %s",
		 via__object_text(f->s, orphan->object, name, sizeof(name)),
		 orphan->why);
	via__say(f, &found->advice,
		 "if nobody will come back to it, remove it: via gc --yes");
}

/* Those of two kinds. */
static void report_kinds(struct via__finder *f, uint32_t a, uint32_t b)
{
	struct via__orphans orphans = {0};

	if (via__orphans(f->s, &orphans) < 0)
		f->error = -ENOMEM;
	for (size_t i = 0; i < orphans.n; i++) {
		uint32_t kind = f->s->objects[orphans.at[i].object].kind;

		if (kind == a || kind == b)
			report(f, &orphans.at[i]);
	}
	via__orphans_fini(&orphans);
}

void via__find_orphaned_segment(struct via__finder *f)
{
	report_kinds(f, VIA_KIND_SYSVSHM, VIA_KIND_SYSVSHM);
}

void via__find_orphaned_queue(struct via__finder *f)
{
	report_kinds(f, VIA_KIND_SYSVMSG, VIA_KIND_MQ);
}

void via__find_orphaned_semaphore(struct via__finder *f)
{
	report_kinds(f, VIA_KIND_SYSVSEM, VIA_KIND_POSIXSEM);
}

void via__find_unmapped_shm(struct via__finder *f)
{
	report_kinds(f, VIA_KIND_POSIXSHM, VIA_KIND_POSIXSHM);
}
