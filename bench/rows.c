/* SPDX-License-Identifier: MIT */
/* Which rows there are: what to measure of which mechanism, at what sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <via/via.h>

#include "bench/bench.h"
#include "bench/engine.h"
#include "bench/rows.h"

#define WAIT(which) (1u << BENCH_##which)

#define MEASURED(url, name, bare) extern const struct bench_engine bench_##bare;
#include "bench/measured.def"
#undef MEASURED
extern const struct bench_engine bench_via;

#define MEASURED(url, name, bare) &bench_##bare,
const struct bench_engine *const bench_engines[] = {
	&bench_via,
#include "bench/measured.def"
	NULL,
};
#undef MEASURED

/* A mechanism under an URL, and who does the same by hand. */
struct subject {
	const char *url;
	bool fresh; /* with %s for a fresh path */
	const char *name;
	const struct bench_engine *bare; /* NULL: nobody */
};

#define MEASURED(url, name, bare) {url, true, name, &bench_##bare},
static const struct subject measured[] = {
#include "bench/measured.def"
};
#undef MEASURED
#define N_MEASURED (sizeof(measured) / sizeof(*measured))

#define PEER(name, work) {#name, work},
static const struct {
	const char *name, *work;
} peers[] = {
#include "bench/peers.def"
};
#undef PEER
#define N_PEERS (sizeof(peers) / sizeof(*peers))

/* What to measure of each subject, with 0 behind the last size. */
struct task {
	enum bench_mode mode;
	unsigned int waits;
	uint64_t sizes[BENCH_SIZES_MAX + 1];
};

#define ALL_WAITS (WAIT(ADAPTIVE) | WAIT(SLEEP) | WAIT(SPIN))
static const struct task tasks[] = {
	{BENCH_THROUGHPUT,
	 WAIT(ADAPTIVE),
	 {64, 1 << 10, 4 << 10, 64 << 10, 1 << 20}},
	{BENCH_LATENCY, ALL_WAITS, {64}},
	{BENCH_PACED, ALL_WAITS, {64}},
};
static const struct task carry_tasks[] = {
	{BENCH_CARRY, WAIT(ADAPTIVE), {64 << 10}},
	{BENCH_THROUGHPUT, WAIT(ADAPTIVE), {64}},
	{BENCH_LATENCY, WAIT(ADAPTIVE), {64}},
};
#define N_TASKS (sizeof(tasks) / sizeof(*tasks))
_Static_assert(sizeof(carry_tasks) == sizeof(tasks), "N_TASKS of both");

/* Is it to be measured, and how? */
static bool choose(const struct bench_options *o, struct task *t)
{
	bool all = o->file || (!o->throughput && !o->latency && !o->paced);

	if (o->waits)
		t->waits = o->waits;
	if (o->n_sizes && (!o->file || t->mode == BENCH_CARRY)) {
		memset(t->sizes, 0, sizeof(t->sizes));
		memcpy(t->sizes, o->sizes, o->n_sizes * sizeof(*o->sizes));
	}
	switch (t->mode) {
	case BENCH_THROUGHPUT:
		return all || o->throughput;
	case BENCH_LATENCY:
		return all || o->latency;
	case BENCH_PACED:
		return o->paced > 0;
	default:
		return true;
	}
}

/* The counterpart of an URL: of its scheme, and of its type= if it has one. */
static const struct bench_engine *find_bare(const char *url)
{
	const struct bench_engine *found = NULL;
	size_t scheme_len = strcspn(url, ":") + 1;

	for (size_t i = 0; i < N_MEASURED; i++) {
		const char *type = strchr(measured[i].url, '?');

		if (strncmp(measured[i].url, url, scheme_len))
			continue;
		if (type ? strstr(url, type + 1) != NULL : !found)
			found = measured[i].bare;
	}
	return found;
}

static bool works_here(const char *url)
{
	char scheme[16];

	snprintf(scheme, sizeof(scheme), "%.*s", (int)strcspn(url, ":"), url);
	const struct via_mechanism *m = via_mechanism_find(scheme);

	return m && via_mechanism_probe(m) == 0;
}

/* What is measured of that scheme ("shm:"; "": of all) and works here, at most
 * N_MEASURED. Returns how many. */
static size_t add_measured(struct subject *s, const char *scheme)
{
	size_t n = 0;

	for (size_t i = 0; i < N_MEASURED; i++)
		if (!strncmp(measured[i].url, scheme, strlen(scheme)) &&
		    works_here(measured[i].url))
			s[n++] = measured[i];
	return n;
}

/* The URLs that were given, or every mechanism that works here. A bare scheme
 * stands for what is measured of it. */
static struct subject *find_subjects(const struct bench_options *o, size_t *n)
{
	struct subject *s = calloc((o->n_urls + 1) * N_MEASURED, sizeof(*s));

	*n = 0;
	if (s && !o->n_urls)
		*n = add_measured(s, "");
	for (unsigned int i = 0; s && i < o->n_urls; i++) {
		const char *url = o->urls[i];
		size_t found = 0;

		if (!strcmp(url + strcspn(url, ":"), ":"))
			found = add_measured(s + *n, url);
		if (!found)
			s[*n + found++] = (struct subject){url, false, url,
							   find_bare(url)};
		*n += found;
	}
	return s;
}

static struct bench_row *add_row(struct bench_report *report,
				 const struct task *t, uint64_t size,
				 const char *name, const char *engine,
				 const char *work)
{
	struct bench_row *row = &report->rows[report->n_rows++];

	row->name = name;
	row->engine = engine;
	row->work = work;
	row->mode = t->mode;
	row->size = size;
	row->batch = 1;
	row->wait = BENCH_OWN;
	return row;
}

/* One mechanism, one size: via in every way of waiting, then by hand. */
static void add_subject(struct bench_report *report, const struct task *t,
			uint64_t size, const struct subject *s)
{
	const struct bench_options *o = &report->options;
	struct bench_row *first = &report->rows[report->n_rows];

	/* An URL that says itself how to wait is not told otherwise. */
	bool told = !s->fresh && strstr(s->url, "spin=");
	unsigned int waits = told ? WAIT(ADAPTIVE) : t->waits;

	for (int wait = 0; wait < BENCH_WAITS; wait++) {
		if (!(waits & 1u << wait))
			continue;
		struct bench_row *row = add_row(report, t, size, s->name,
						bench_via.name, bench_via.work);

		row->url = s->url;
		row->fresh = s->fresh;
		row->wait = (enum bench_wait)wait;
		if (t->mode == BENCH_THROUGHPUT)
			row->batch = o->batch;
	}
	if (o->file || !s->bare)
		return;
	struct bench_row *bare = add_row(report, t, size, s->name,
					 s->bare->name, s->bare->work);

	for (; first < bare; first++)
		if (!s->bare->spins || t->mode == BENCH_THROUGHPUT ||
		    first->wait == BENCH_SPIN)
			first->bare = bare;
}

static void add_rows(struct bench_report *report, const struct subject *s,
		     size_t n_subjects)
{
	const struct bench_options *o = &report->options;
	const struct task *list = o->file ? carry_tasks : tasks;
	bool peers_too = o->peers && !o->file;

	for (size_t i = 0; i < N_TASKS; i++) {
		struct task t = list[i];

		if (!choose(o, &t))
			continue;
		for (const uint64_t *size = t.sizes; *size; size++) {
			for (size_t j = 0; j < n_subjects; j++)
				add_subject(report, &t, *size, &s[j]);
			for (size_t j = 0; peers_too && j < N_PEERS; j++)
				add_row(report, &t, *size, peers[j].name,
					peers[j].name, peers[j].work);
		}
	}
}

bool bench_rows_make(struct bench_report *report)
{
	const struct bench_options *o = &report->options;
	size_t n_subjects;
	struct subject *subjects = find_subjects(o, &n_subjects);
	size_t most = N_TASKS * BENCH_SIZES_MAX *
		      (n_subjects * (BENCH_WAITS + 1) + N_PEERS);

	report->rows = calloc(most, sizeof(*report->rows));
	bool ok = subjects && report->rows;

	if (ok)
		add_rows(report, subjects, n_subjects);
	free(subjects);
	for (unsigned int i = 0; ok && i < report->n_rows; i++) {
		struct bench_row *row = &report->rows[i];

		row->rounds = calloc(o->rounds, sizeof(*row->rounds));
		ok = row->rounds;
	}
	return ok;
}
