/* SPDX-License-Identifier: MIT */
#include "bench/subject.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <via/version.h>

#include "bench/bench.h"
#include "bench/json.h"

#define SUBJECT(name, summary) extern const struct bench_subject bench_##name;
#include "bench/subjects.def"
#undef SUBJECT

static const struct bench_subject *const subjects[] = {
#define SUBJECT(name, summary) &bench_##name,
#include "bench/subjects.def"
#undef SUBJECT
};

const struct bench_subject *bench_subject_find(const char *name)
{
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		if (strcmp(subjects[i]->name, name) == 0)
			return subjects[i];
	return NULL;
}

/* --- Medians --- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (isnan(values[i]))
			return NAN;
	qsort(values, n, sizeof(*values), compare);
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

struct result {
	struct bench_figures median;
	struct bench_spread ratio;
};

struct run {
	const struct bench_subject *subject;
	struct bench_machine machine;
	unsigned int rounds;
	int64_t time_ns;
	struct bench_figures *found; /* by round and pair */
	struct result *results;	     /* by pair */
	double *column;		     /* of one pair */
};

static const struct bench_figures *found(const struct run *r,
					 unsigned int round, unsigned int pair)
{
	return &r->found[round * r->subject->n_pairs + pair];
}

static void sum_up(const struct run *r, unsigned int pair)
{
	struct result *result = &r->results[pair];

	for (unsigned int i = 0; i < r->rounds; i++)
		r->column[i] = found(r, i, pair)->via;
	result->median.via = bench_median(r->column, r->rounds);
	for (unsigned int i = 0; i < r->rounds; i++)
		r->column[i] = found(r, i, pair)->other;
	result->median.other = bench_median(r->column, r->rounds);
	for (unsigned int i = 0; i < r->rounds; i++)
		r->column[i] = found(r, i, pair)->via /
			       found(r, i, pair)->other;
	result->ratio.median = bench_median(r->column, r->rounds);
	result->ratio.min = r->column[0];
	result->ratio.max = r->column[r->rounds - 1];
}

/* --- Output --- */

static void print_figure(double value, int decimals, int width, FILE *out)
{
	if (!isfinite(value))
		fprintf(out, " %*s", width, "-");
	else
		fprintf(out, " %*.*f", width, decimals, value);
}

static void print_pair(const struct bench_pair *pair,
		       const struct result *result, FILE *out)
{
	const struct bench_spread *ratio = &result->ratio;

	fprintf(out, "%-20s", pair->via);
	print_figure(result->median.via, pair->decimals, 11, out);
	fprintf(out, "  %-20s", pair->other);
	print_figure(result->median.other, pair->decimals, 11, out);
	print_figure(ratio->median, 2, 6, out);
	if (isfinite(ratio->median))
		fprintf(out, "  %.2f-%.2f", ratio->min, ratio->max);
	fputc('\n', out);
}

static void print_table(const struct run *r, FILE *out)
{
	const char *title = "";

	fprintf(out, "via %s, Linux %s, %d %sCPUs: %s\nload %.2f; %u rounds\n",
		VIA_VERSION, r->machine.kernel, r->machine.cpus,
		r->machine.is_virtual ? "virtual " : "", r->machine.cpu,
		r->machine.load, r->rounds);
	for (unsigned int i = 0; i < r->subject->n_pairs; i++) {
		const struct bench_pair *pair = r->subject->pair(i);

		if (strcmp(pair->title, title) != 0)
			fprintf(out, "\n%s\n%-20s %11s  %-20s %11s %6s\n",
				pair->title, "via", "", "beside", "", "ratio");
		title = pair->title;
		print_pair(pair, &r->results[i], out);
	}
	fputs("\nratio: via divided by what is beside it, in the same round; "
	      "the median, the\nleast and the greatest.\n",
	      out);
}

static int print_json(const struct run *r, FILE *out)
{
	json_t *o = json_object(), *all = json_array();

	for (unsigned int i = 0; i < r->subject->n_pairs; i++) {
		const struct bench_pair *pair = r->subject->pair(i);
		const struct result *result = &r->results[i];

		bench_json_append(
			&all,
			json_pack(
				"{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:o, "
				"s:o}",
				"how", pair->how, "name", pair->via, "unit",
				pair->unit, "via",
				bench_json_real(result->median.via), "beside",
				pair->other, "other",
				bench_json_real(result->median.other), "ratio",
				bench_json_real(result->ratio.median),
				"ratio_min", bench_json_real(result->ratio.min),
				"ratio_max",
				bench_json_real(result->ratio.max)));
	}
	bench_json_set(&o, "schema", json_integer(1));
	bench_json_set(&o, "via", json_string(VIA_VERSION));
	bench_json_set(&o, "machine", bench_json_machine(&r->machine));
	bench_json_set(&o, "rounds", json_integer(r->rounds));
	bench_json_set(&o, "rows", all);
	return bench_json_print(o, out);
}

/* --- Running --- */

static int measure(const struct run *r, struct via_error *error)
{
	const struct bench_subject *s = r->subject;
	int err = s->begin(&r->machine, error);

	for (unsigned int i = 0; i < r->rounds && !err; i++)
		err = s->round(r->time_ns, &r->found[i * s->n_pairs], error);
	s->end();
	for (unsigned int i = 0; i < s->n_pairs && !err; i++)
		sum_up(r, i);
	return err;
}

int bench_subject_run(const struct bench_subject *subject, unsigned int rounds,
		      int64_t time_ns, bool json, FILE *out,
		      struct via_error *error)
{
	struct run r = {
		.subject = subject,
		.rounds = rounds ? rounds : subject->rounds,
		.time_ns = time_ns ? time_ns : subject->time_ns,
	};

	r.found = calloc((size_t)r.rounds * subject->n_pairs, sizeof(*r.found));
	r.results = calloc(subject->n_pairs, sizeof(*r.results));
	r.column = calloc(r.rounds, sizeof(*r.column));
	*error = (struct via_error){0};
	int err = r.found && r.results && r.column ? 0 : -ENOMEM;

	bench_machine_get(&r.machine);
	if (!err)
		err = measure(&r, error);
	if (!err && json)
		err = print_json(&r, out);
	else if (!err)
		print_table(&r, out);
	if (err && !*error->text)
		snprintf(error->text, sizeof(error->text), "%s",
			 via_strerror(err));
	free(r.found);
	free(r.results);
	free(r.column);
	return err;
}
