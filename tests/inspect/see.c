/* SPDX-License-Identifier: MIT */
/*
 * via-see [--suppose]: all that the library sees and makes of it, as one JSON object:
 * {"snapshot": as via_snapshot_save() has it, "verdicts": one for each thread,
 * "cycles": of threads, "findings"}.
 *
 * via-see [--suppose] --looks N PID...: looks so often, and prints for each look a line
 * {TID: [VERDICT, CERTAINTY, COMM], ..., "findings": [[RULE, PID, WHAT], ...]}
 * of those processes and all below them.
 *
 * --suppose: that this pid namespace is the machine's own, so that what would
 * be proven there is proven here, whoever else is on the machine.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <via/inspect.h>

#include "inspect/diagnose/diagnose.h"

static const char *certainty(unsigned int value)
{
	return value == VIA_EXACT    ? "exact"
	       : value == VIA_LIKELY ? "likely"
				     : "guess";
}

static json_t *index_of(uint32_t i)
{
	return i == VIA_NONE ? json_null() : json_integer(i);
}

static json_t *verdicts(const struct via_diagnosis *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->n_verdicts; i++) {
		const struct via_verdict_of *v = &d->verdicts[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o, s:o, s:o}", "verdict",
				  via_verdict_name(v->verdict), "certainty",
				  certainty(v->certainty), "wait",
				  index_of(v->wait), "next", index_of(v->next),
				  "cycle", index_of(v->cycle)));
	}
	return list;
}

static json_t *cycles(const struct via_diagnosis *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->n_cycles; i++) {
		const struct via_cycle *c = &d->cycles[i];
		json_t *threads = json_array();

		for (uint32_t k = 0; k < c->n; k++)
			json_array_append_new(
				threads,
				json_integer(d->cycle_threads[c->first + k]));
		json_array_append_new(list, json_pack("{s:s, s:o}", "certainty",
						      certainty(c->certainty),
						      "threads", threads));
	}
	return list;
}

static json_t *findings(const struct via_diagnosis *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->n_findings; i++) {
		const struct via_finding *f = &d->findings[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:s}", "rule",
				  f->rule, "certainty", certainty(f->certainty),
				  "process", index_of(f->process), "thread",
				  index_of(f->thread), "object",
				  index_of(f->object), "what", f->what,
				  "advice", f->advice));
	}
	return list;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "via-see: %s\n", what);
	exit(1);
}

static bool supposing, closest;

static void suppose(struct via_snapshot *s)
{
	s->sight.init_ns = 1;
	for (uint32_t i = 0; i < s->n_objects && !s->sight.n_in_flight; i++)
		if (s->objects[i].seen == VIA_SEEN_LIKELY)
			s->objects[i].seen = VIA_SEEN_ALL;
}

static void look_once(uint32_t want, struct via_snapshot **s,
		      struct via_diagnosis **d)
{
	const struct via_look how = {
		.want = want,
		.source_any = closest ? VIA_ANY_CLOSEST : VIA_ANY_NOT,
	};
	struct via_error error;

	if (via_snapshot_take(&how, s, &error) < 0)
		die(error.text);
	if (via_snapshot_look_again(*s) < 0)
		die("cannot look again");
	if (supposing)
		suppose(*s);
	if (via_diagnose(*s, d) < 0)
		die("cannot diagnose");
}

static bool in_passing(const struct via_snapshot *s,
		       const struct via_diagnosis *d)
{
	struct via__graph g = {0};
	int ret = via__graph_init(&g, s);

	if (!ret)
		ret = via__in_passing(&g, d);
	if (ret < 0)
		die("no memory");
	via__graph_fini(&g);
	return ret;
}

/* As via why does. */
static void look(uint32_t want, struct via_snapshot **s,
		 struct via_diagnosis **d)
{
	look_once(want, s, d);
	for (int i = 1; i < VIA__LOOKS_MAX && in_passing(*s, *d); i++) {
		via_diagnosis_free(*d);
		via_snapshot_free(*s);
		look_once(want, s, d);
	}
}

static int everything(void)
{
	struct via_snapshot *s;
	struct via_diagnosis *d;

	look(VIA_WANT_ALL, &s, &d);
	(void)fputs("{\"snapshot\":", stdout);
	if (via_snapshot_save(s, stdout) < 0)
		die("cannot save");

	json_t *rest = json_pack("{s:o, s:o, s:o}", "verdicts", verdicts(d),
				 "cycles", cycles(d), "findings", findings(d));
	char *text = rest ? json_dumps(rest, JSON_COMPACT) : NULL;

	if (!text)
		die("no memory");
	(void)printf(",%s\n", text + 1);
	free(text);
	json_decref(rest);
	via_diagnosis_free(d);
	via_snapshot_free(s);
	return fflush(stdout) == EOF;
}

static bool below(const struct via_snapshot *s, uint32_t process, char **pids)
{
	/* A bound, should the parents go in a ring. */
	for (int i = 0; i < 100 && process != VIA_NONE; i++) {
		const struct via_task *task = &s->processes[process].task;

		for (char **pid = pids; *pid; pid++)
			if (task->pid == atoi(*pid))
				return true;
		process = via_snapshot_process(s, task->ppid);
	}
	return false;
}

static void add_threads(const struct via_snapshot *s,
			const struct via_diagnosis *d, char **pids,
			json_t *line)
{
	for (uint32_t t = 0; t < s->n_threads; t++) {
		const struct via_verdict_of *v = &d->verdicts[t];
		char tid[16];

		if (!below(s, s->threads[t].process, pids))
			continue;
		(void)snprintf(tid, sizeof(tid), "%d", s->threads[t].tid);
		json_object_set_new(
			line, tid,
			json_pack("[s, s, s]", via_verdict_name(v->verdict),
				  certainty(v->certainty),
				  via_snapshot_text(s, s->threads[t].comm,
						    NULL)));
	}
}

static void add_findings(const struct via_snapshot *s,
			 const struct via_diagnosis *d, char **pids,
			 json_t *line)
{
	for (uint32_t i = 0; i < d->n_findings; i++) {
		const struct via_finding *f = &d->findings[i];

		if (f->process == VIA_NONE || !below(s, f->process, pids))
			continue;
		json_array_append_new(
			json_object_get(line, "findings"),
			json_pack("[s, i, s]", f->rule,
				  s->processes[f->process].task.pid, f->what));
	}
}

static int looks(int n, char **pids)
{
	for (int i = 0; i < n; i++) {
		struct via_snapshot *s;
		struct via_diagnosis *d;
		json_t *line = json_pack("{s:[]}", "findings");

		look(VIA_WANT_ALL & ~(uint32_t)VIA_WANT_ALL_MAPS, &s, &d);
		add_threads(s, d, pids, line);
		add_findings(s, d, pids, line);
		if (json_dumpf(line, stdout, JSON_COMPACT) < 0 ||
		    puts("") == EOF)
			die("cannot print");
		json_decref(line);
		via_diagnosis_free(d);
		via_snapshot_free(s);
	}
	return fflush(stdout) == EOF;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--suppose")) {
		supposing = true;
		argv++;
		argc--;
	}
	if (argc > 1 && !strcmp(argv[1], "--closest")) {
		closest = true;
		argv++;
		argc--;
	}
	if (argc > 3 && !strcmp(argv[1], "--looks"))
		return looks(atoi(argv[2]), argv + 3);
	if (argc == 1)
		return everything();
	(void)fputs(
		"usage: via-see [--suppose] [--closest] [--looks N PID...]\n",
		stderr);
	return 2;
}
