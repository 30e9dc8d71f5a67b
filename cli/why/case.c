/* SPDX-License-Identifier: MIT */
#include "cli/why/case.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/inspect/fit.h"
#include "inspect/diagnose/diagnose.h"
#include "inspect/model/build.h"

/* Without names of files: a link of each descriptor costs more than all the
 * rest. See name_objects(). */
#define WANT                                                                   \
	(VIA_WANT_FDS | VIA_WANT_MAPS | VIA_WANT_SOCKETS | VIA_WANT_IPC |      \
	 VIA_WANT_LEVELS | VIA_WANT_LOCKS | VIA_WANT_WAITS | VIA_WANT_NAMES)

/* The path of a descriptor, as a text. */
static uint32_t path_of(struct via_snapshot *s, const struct via_holding *h)
{
	char name[64], path[PATH_MAX];
	ssize_t len;

	snprintf(name, sizeof(name), "/proc/%d/fd/%d",
		 s->processes[h->process].task.pid, h->id);
	len = readlink(name, path, sizeof(path));
	return len > 0 && path[0] == '/' ? via__text(s, path, (size_t)len) : 0;
}

static void name_object(struct via_snapshot *s, uint32_t object)
{
	struct via_object *o = &s->objects[object];

	if (o->kind == VIA_KIND_LOCK && o->detail != VIA_NONE &&
	    s->locks[o->detail].file != VIA_NONE)
		o = &s->objects[s->locks[o->detail].file];
	for (uint32_t i = 0; i < o->n_users && !o->name; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (h->how == VIA_HOLDS_FD)
			o->name = path_of(s, h);
	}
}

/* Find out the names of files that somebody waits for. */
static void name_objects(struct via_snapshot *s)
{
	for (uint32_t w = 0; w < s->n_waits; w++) {
		uint32_t object = s->waits[w].object;

		if (object == VIA_NONE)
			continue;
		switch (s->objects[object].kind) {
		case VIA_KIND_FIFO:
		case VIA_KIND_LOCK:
		case VIA_KIND_MQ:
		case VIA_KIND_CHAR:
			name_object(s, object);
		}
	}
}

/* Look again, unless it was saved, and diagnose. 0 or -errno. */
static int judge(struct why_case *c, bool saved)
{
	int err = 0;

	if (!saved) {
		name_objects(c->s);
		err = via_snapshot_look_again(c->s);
	}
	if (!err)
		err = via_diagnose(c->s, &c->d);
	return err ? err : via__graph_init(&c->g, c->s);
}

static int look(const struct look_options *o, struct why_case *c)
{
	*c = (struct why_case){0};
	int status = look_take(o, WANT, &c->s);
	int err = status ? 0 : judge(c, o->from);

	return err ? cli_error("%s", via_strerror(err)) : status;
}

int why_open(const struct look_options *o, struct why_case *ret)
{
	struct look_options closest = *o;

	closest.closest = true;
	int status = look(&closest, ret);

	for (int i = 1; !status && !o->from && i < VIA__LOOKS_MAX &&
			via__in_passing(&ret->g, ret->d) > 0;
	     i++) {
		why_close(ret);
		status = look(&closest, ret);
	}
	if (!status)
		status = look_save(o, ret->s);
	if (status)
		why_close(ret);
	ret->width = isatty(STDOUT_FILENO) ? (int)terminal_width() : INT_MAX;
	ret->colour = ret->width != INT_MAX && !getenv("NO_COLOR");
	return status;
}

void why_close(struct why_case *c)
{
	via__graph_fini(&c->g);
	via_diagnosis_free(c->d);
	via_snapshot_free(c->s);
}

/* They come by process, but one may hold something twice. */
uint32_t why_n_enders(const struct why_case *c, uint32_t wait)
{
	uint32_t own = c->s->threads[c->s->waits[wait].thread].process;
	bool *seen = calloc(c->s->n_processes + (size_t)1, sizeof(*seen));
	struct via__walk walk = {0};
	uint32_t thread, n = 0;

	while (seen &&
	       (thread = via__next_ender(&c->g, wait, &walk)) != VIA_NONE) {
		uint32_t process = c->s->threads[thread].process;

		n += process != own && !seen[process];
		seen[process] = true;
	}
	free(seen);
	return n;
}

bool why_is_stuck(const struct why_case *c, uint32_t thread, uint32_t certainty)
{
	const struct via_verdict_of *v = &c->d->verdicts[thread];

	return (v->verdict == VIA_VERDICT_STUCK ||
		v->verdict == VIA_VERDICT_DEADLOCK ||
		v->verdict == VIA_VERDICT_ORPHANED) &&
	       v->certainty <= certainty;
}

const char *why_certainty(uint32_t certainty)
{
	static const char *const words[] = {"proven", "probably", "perhaps"};

	return words[certainty <= VIA_GUESS ? certainty : VIA_GUESS];
}
