/* SPDX-License-Identifier: MIT */
/* The report as JSON; via-bench(1) documents the keys. */
#include "bench/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <via/version.h>

#define SCHEMA 1
/* Figures are not surer than that. */
#define DIGITS 6

void bench_json_set(json_t **object, const char *name, json_t *value)
{
	if (!json_object_set_new(*object, name, value))
		return;
	json_decref(*object);
	*object = NULL;
}

void bench_json_append(json_t **array, json_t *value)
{
	if (!json_array_append_new(*array, value))
		return;
	json_decref(*array);
	*array = NULL;
}

json_t *bench_json_real(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* A string; names and URLs may have bytes that are no text. */
static json_t *text(const char *s)
{
	json_t *value = json_string(s);
	char *ascii = value ? NULL : strdup(s);

	for (char *c = ascii; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	if (ascii)
		value = json_string(ascii);
	free(ascii);
	return value;
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *sides(double sender, double receiver)
{
	return json_pack("{s:o, s:o}", "sender", bench_json_real(sender),
			 "receiver", bench_json_real(receiver));
}

static json_t *integer_sides(int64_t sender, int64_t receiver)
{
	return json_pack("{s:I, s:I}", "sender", (json_int_t)sender, "receiver",
			 (json_int_t)receiver);
}

static json_t *spread(const struct bench_spread *s)
{
	return json_pack("{s:o, s:o, s:o}", "min", bench_json_real(s->min),
			 "median", bench_json_real(s->median), "max",
			 bench_json_real(s->max));
}

json_t *bench_json_machine(const struct bench_machine *m)
{
	json_t *o = json_object();

	bench_json_set(&o, "cpu", text(m->cpu));
	bench_json_set(&o, "cpus", integer((uint64_t)m->cpus));
	bench_json_set(&o, "virtual", json_boolean(m->is_virtual));
	bench_json_set(&o, "kernel", text(m->kernel));
	bench_json_set(&o, "governor", text(m->governor));
	bench_json_set(&o, "clocksource", text(m->clocksource));
	bench_json_set(&o, "clock_ns", bench_json_real(m->clock_ns));
	bench_json_set(&o, "mitigations", text(m->mitigations));
	bench_json_set(&o, "load", bench_json_real(m->load));
	bench_json_set(&o, "pinned",
		       m->pinned[0] < 0
			       ? json_null()
			       : integer_sides(m->pinned[BENCH_SENDER],
					       m->pinned[BENCH_RECEIVER]));
	return o;
}

static json_t *settings(const struct bench_report *report)
{
	const struct bench_options *o = &report->options;

	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:o}", "rounds",
		(json_int_t)o->rounds, "time_ns", (json_int_t)o->time_ns,
		"warmup_ns", (json_int_t)report->warmup_ns, "batch",
		(json_int_t)o->batch, "paced_per_s", (json_int_t)o->paced,
		"file", o->file ? text(o->file) : json_null());
}

static json_t *slots(const struct histogram *h)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < HISTOGRAM_SLOTS; i++)
		if (h->slot[i])
			bench_json_append(
				&all,
				json_pack("[I, I]",
					  (json_int_t)histogram_slot_top(i),
					  (json_int_t)h->slot[i]));
	return all;
}

static json_t *latency(const struct histogram *h)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50", 0.5},
			 {"p90", 0.9},
			 {"p99", 0.99},
			 {"p99_9", 0.999},
			 {"p99_99", 0.9999}};
	json_t *o = json_object();

	bench_json_set(&o, "n", integer(h->n));
	bench_json_set(&o, "min", integer(h->min));
	bench_json_set(&o, "mean",
		       bench_json_real((double)h->sum / (double)h->n));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		bench_json_set(
			&o, quantiles[i].name,
			integer(histogram_quantile(h, quantiles[i].share)));
	bench_json_set(&o, "max", integer(h->max));
	bench_json_set(&o, "slots", slots(h));
	return o;
}

static json_t *one_round(const struct bench_round *r)
{
	json_t *o = json_object();

	bench_json_set(&o, "messages", integer(r->messages));
	bench_json_set(&o, "bytes", integer(r->bytes));
	bench_json_set(&o, "ns", integer((uint64_t)r->ns));
	bench_json_set(&o, "wall_ns",
		       integer_sides(r->wall_ns[BENCH_SENDER],
				     r->wall_ns[BENCH_RECEIVER]));
	bench_json_set(&o, "cpu_ns",
		       integer_sides(r->cpu_ns[BENCH_SENDER],
				     r->cpu_ns[BENCH_RECEIVER]));
	bench_json_set(&o, "p50_ns", integer(r->p50_ns));
	bench_json_set(&o, "line_before_ns", bench_json_real(r->line_ns[0]));
	bench_json_set(&o, "line_after_ns", bench_json_real(r->line_ns[1]));
	bench_json_set(&o, "pair_before_ns", bench_json_real(r->pair_ns[0]));
	bench_json_set(&o, "pair_after_ns", bench_json_real(r->pair_ns[1]));
	bench_json_set(&o, "distance", text(bench_distance_names[r->distance]));
	return o;
}

/* What was measured, in a row where something was. */
static void set_figures(json_t **o, const struct bench_row *row)
{
	char sum[17];

	if (row->n_rounds) {
		bench_json_set(o, "messages_per_s",
			       spread(&row->messages_per_s));
		bench_json_set(o, "bytes_per_s", spread(&row->bytes_per_s));
		bench_json_set(o, "cpu",
			       sides(row->cpu[BENCH_SENDER],
				     row->cpu[BENCH_RECEIVER]));
	}
	if (row->latency.n) {
		bench_json_set(o, "p50_ns", spread(&row->p50_ns));
		bench_json_set(o, "latency_ns", latency(&row->latency));
	}
	if (row->per_line > 0) {
		bench_json_set(o, "line_ratio", bench_json_real(row->per_line));
		bench_json_set(o, "pair_ratio", bench_json_real(row->per_pair));
	}
	if (row->ratio > 0) {
		bench_json_set(o, "bare_ratio", bench_json_real(row->ratio));
		bench_json_set(o, "bare_ratio_distance",
			       text(bench_distance_names[row->ratio_distance]));
	}
	if (row->mode == BENCH_CARRY) {
		(void)snprintf(sum, sizeof(sum), "%016" PRIx64, row->sum);
		bench_json_set(o, "xxh64", text(sum));
	}
}

static json_t *one_row(const struct bench_row *row)
{
	json_t *o = json_object(), *rounds = json_array();

	bench_json_set(&o, "name", text(row->name));
	bench_json_set(&o, "engine", text(row->engine));
	bench_json_set(&o, "work", text(row->work));
	bench_json_set(&o, "mode", text(bench_mode_names[row->mode]));
	bench_json_set(&o, "wait", text(bench_wait_names[row->wait]));
	bench_json_set(&o, "size", integer(row->size));
	bench_json_set(&o, "batch", integer(row->batch));
	bench_json_set(&o, "verified", json_boolean(bench_row_verified(row)));
	bench_json_set(&o, "error",
		       row->error[0] ? text(row->error) : json_null());
	set_figures(&o, row);
	for (unsigned int i = 0; i < row->n_rounds; i++)
		bench_json_append(&rounds, one_round(&row->rounds[i]));
	bench_json_set(&o, "rounds", rounds);
	return o;
}

char *bench_json_text(json_t *value)
{
	char *all = json_dumps(value,
			       JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));

	json_decref(value);
	return all;
}

int bench_json_print(json_t *value, FILE *out)
{
	char *all = bench_json_text(value);

	if (!all)
		return -ENOMEM;
	fprintf(out, "%s\n", all);
	free(all);
	return 0;
}

json_t *bench_json_of(const struct bench_report *report)
{
	json_t *o = json_object(), *rows = json_array();

	bench_json_set(&o, "schema", json_integer(SCHEMA));
	bench_json_set(&o, "via", text(VIA_VERSION));
	bench_json_set(&o, "date", text(report->date));
	bench_json_set(&o, "machine", bench_json_machine(&report->machine));
	bench_json_set(&o, "line_ns", bench_json_real(report->line_ns));
	bench_json_set(&o, "pair_ns", bench_json_real(report->pair_ns));
	bench_json_set(&o, "settings", settings(report));
	for (unsigned int i = 0; i < report->n_rows; i++)
		bench_json_append(&rows, one_row(&report->rows[i]));
	bench_json_set(&o, "rows", rows);
	return o;
}

int bench_json(const struct bench_report *report, FILE *out)
{
	return bench_json_print(bench_json_of(report), out);
}
