/* SPDX-License-Identifier: MIT */
/* The report as JSON; via-bench(1) documents the keys. */
#include <inttypes.h>

#include <via/version.h>

#include "bench/bench.h"

#define SCHEMA 1

struct json {
	FILE *out;
	bool more; /* a comma is due */
};

static void comma(struct json *j)
{
	fputs(j->more ? "," : "", j->out);
	j->more = true;
}

/* "<" is escaped for the sake of html.c. */
static void text(struct json *j, const char *s)
{
	fputc('"', j->out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c == '"' || c == '\\' || c == '<')
			fprintf(j->out, "\\u%04x", c);
		else
			fputc(c, j->out);
	}
	fputc('"', j->out);
}

static void key(struct json *j, const char *name)
{
	comma(j);
	text(j, name);
	fputc(':', j->out);
}

static void open_with(struct json *j, const char *name, char bracket)
{
	if (name)
		key(j, name);
	else
		comma(j);
	fputc(bracket, j->out);
	j->more = false;
}

static void close_with(struct json *j, char bracket)
{
	fputc(bracket, j->out);
	j->more = true;
}

static void put_text(struct json *j, const char *name, const char *value)
{
	key(j, name);
	text(j, value);
}

static void put_number(struct json *j, const char *name, double value)
{
	key(j, name);
	fprintf(j->out, "%.6g", value);
}

static void put_integer(struct json *j, const char *name, uint64_t value)
{
	key(j, name);
	fprintf(j->out, "%" PRIu64, value);
}

static void put_sum(struct json *j, const char *name, uint64_t value)
{
	key(j, name);
	fprintf(j->out, "\"%016" PRIx64 "\"", value);
}

static void put_bool(struct json *j, const char *name, bool value)
{
	key(j, name);
	fputs(value ? "true" : "false", j->out);
}

static void put_null(struct json *j, const char *name)
{
	key(j, name);
	fputs("null", j->out);
}

static void put_sides(struct json *j, const char *name, double sender,
		      double receiver)
{
	open_with(j, name, '{');
	put_number(j, "sender", sender);
	put_number(j, "receiver", receiver);
	close_with(j, '}');
}

static void put_spread(struct json *j, const char *name,
		       const struct bench_spread *s)
{
	open_with(j, name, '{');
	put_number(j, "min", s->min);
	put_number(j, "median", s->median);
	put_number(j, "max", s->max);
	close_with(j, '}');
}

static void put_machine(struct json *j, const struct bench_machine *m)
{
	open_with(j, "machine", '{');
	put_text(j, "cpu", m->cpu);
	put_integer(j, "cpus", (uint64_t)m->cpus);
	put_bool(j, "virtual", m->is_virtual);
	put_text(j, "kernel", m->kernel);
	put_text(j, "governor", m->governor);
	put_text(j, "clocksource", m->clocksource);
	put_number(j, "clock_ns", m->clock_ns);
	put_text(j, "mitigations", m->mitigations);
	put_number(j, "load", m->load);
	if (m->pinned[0] < 0)
		put_null(j, "pinned");
	else
		put_sides(j, "pinned", m->pinned[BENCH_SENDER],
			  m->pinned[BENCH_RECEIVER]);
	close_with(j, '}');
}

static void put_settings(struct json *j, const struct bench_report *report)
{
	const struct bench_options *o = &report->options;

	open_with(j, "settings", '{');
	put_integer(j, "rounds", o->rounds);
	put_integer(j, "time_ns", (uint64_t)o->time_ns);
	put_integer(j, "warmup_ns", (uint64_t)report->warmup_ns);
	put_integer(j, "batch", o->batch);
	put_integer(j, "paced_per_s", o->paced);
	if (o->file)
		put_text(j, "file", o->file);
	else
		put_null(j, "file");
	close_with(j, '}');
}

static void put_latency(struct json *j, const struct bench_row *row)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50", 0.5},
			 {"p90", 0.9},
			 {"p99", 0.99},
			 {"p99_9", 0.999},
			 {"p99_99", 0.9999}};
	const struct histogram *h = &row->latency;

	put_spread(j, "p50_ns", &row->p50_ns);
	open_with(j, "latency_ns", '{');
	put_integer(j, "n", h->n);
	put_integer(j, "min", h->min);
	put_number(j, "mean", (double)h->sum / (double)h->n);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		put_integer(j, quantiles[i].name,
			    histogram_quantile(h, quantiles[i].share));
	put_integer(j, "max", h->max);
	open_with(j, "slots", '[');
	for (unsigned int i = 0; i < HISTOGRAM_SLOTS; i++) {
		if (!h->slot[i])
			continue;
		comma(j);
		fprintf(j->out, "[%" PRIu64 ",%" PRIu64 "]",
			histogram_slot_top(i), h->slot[i]);
	}
	close_with(j, ']');
	close_with(j, '}');
}

static void put_rounds(struct json *j, const struct bench_row *row)
{
	open_with(j, "rounds", '[');
	for (unsigned int i = 0; i < row->n_rounds; i++) {
		const struct bench_round *r = &row->rounds[i];

		open_with(j, NULL, '{');
		put_integer(j, "messages", r->messages);
		put_integer(j, "bytes", r->bytes);
		put_integer(j, "ns", (uint64_t)r->ns);
		put_sides(j, "wall_ns", (double)r->wall_ns[BENCH_SENDER],
			  (double)r->wall_ns[BENCH_RECEIVER]);
		put_sides(j, "cpu_ns", (double)r->cpu_ns[BENCH_SENDER],
			  (double)r->cpu_ns[BENCH_RECEIVER]);
		put_integer(j, "p50_ns", r->p50_ns);
		put_number(j, "line_before_ns", r->line_ns[0]);
		put_number(j, "line_after_ns", r->line_ns[1]);
		put_number(j, "pair_before_ns", r->pair_ns[0]);
		put_number(j, "pair_after_ns", r->pair_ns[1]);
		put_text(j, "distance", bench_distance_names[r->distance]);
		close_with(j, '}');
	}
	close_with(j, ']');
}

static void put_row(struct json *j, const struct bench_row *row)
{
	open_with(j, NULL, '{');
	put_text(j, "name", row->name);
	put_text(j, "engine", row->engine);
	put_text(j, "work", row->work);
	put_text(j, "mode", bench_mode_names[row->mode]);
	put_text(j, "wait", bench_wait_names[row->wait]);
	put_integer(j, "size", row->size);
	put_integer(j, "batch", row->batch);
	put_bool(j, "verified", bench_row_verified(row));
	if (row->error[0])
		put_text(j, "error", row->error);
	else
		put_null(j, "error");
	if (row->n_rounds) {
		put_spread(j, "messages_per_s", &row->messages_per_s);
		put_spread(j, "bytes_per_s", &row->bytes_per_s);
		put_sides(j, "cpu", row->cpu[BENCH_SENDER],
			  row->cpu[BENCH_RECEIVER]);
	}
	if (row->latency.n)
		put_latency(j, row);
	if (row->per_line > 0) {
		put_number(j, "line_ratio", row->per_line);
		put_number(j, "pair_ratio", row->per_pair);
	}
	if (row->ratio > 0) {
		put_number(j, "bare_ratio", row->ratio);
		put_text(j, "bare_ratio_distance",
			 bench_distance_names[row->ratio_distance]);
	}
	if (row->mode == BENCH_CARRY)
		put_sum(j, "xxh64", row->sum);
	put_rounds(j, row);
	close_with(j, '}');
}

void bench_json(const struct bench_report *report, FILE *out)
{
	struct json j = {out, false};

	open_with(&j, NULL, '{');
	put_integer(&j, "schema", SCHEMA);
	put_text(&j, "via", VIA_VERSION);
	put_text(&j, "date", report->date);
	put_machine(&j, &report->machine);
	put_number(&j, "line_ns", report->line_ns);
	put_number(&j, "pair_ns", report->pair_ns);
	put_settings(&j, report);
	open_with(&j, "rows", '[');
	for (unsigned int i = 0; i < report->n_rows; i++) {
		put_row(&j, &report->rows[i]);
		fputs("\n", out);
	}
	close_with(&j, ']');
	close_with(&j, '}');
	fputc('\n', out);
}
