/* SPDX-License-Identifier: MIT */
/* The report for people at a terminal. */
#include <inttypes.h>
#include <string.h>

#include <via/version.h>

#include "bench/bench.h"

#define NAME_WIDTH 16

/* "3.41 M": three or four figures and a power of 1000. */
static const char *scaled(double value, char buf[16])
{
	static const char units[] = " kMGT";
	int i = 0;

	for (; value >= 999.5 && i < 4; i++)
		value /= 1000;
	snprintf(buf, 16, "%.*f %c",
		 value < 9.995	 ? 2
		 : value < 99.95 ? 1
				 : 0,
		 value, units[i]);
	return buf;
}

/* "64 KiB" */
static void print_size(uint64_t size, FILE *out)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
	int i = 0;

	for (; size && size % 1024 == 0 && i < 3; i++)
		size /= 1024;
	fprintf(out, "%" PRIu64 " %s", size, units[i]);
}

static double us(uint64_t ns)
{
	return (double)ns / 1000;
}

static void print_machine(const struct bench_report *report, FILE *out)
{
	const struct bench_machine *m = &report->machine;
	unsigned int n[BENCH_DISTANCES] = {0};

	for (unsigned int i = 0; i < report->n_rows; i++)
		for (unsigned int j = 0; j < report->rows[i].n_rounds; j++)
			n[report->rows[i].rounds[j].distance]++;
	fprintf(out, "via %s, Linux %s, %d %sCPUs: %s\n", VIA_VERSION,
		m->kernel, m->cpus, m->is_virtual ? "virtual " : "", m->cpu);
	fprintf(out, "mitigations %s; load %.2f%s%s\n", m->mitigations, m->load,
		m->governor[0] ? "; governor " : "", m->governor);
	fprintf(out, "%u rounds of %.3g s, ", report->options.rounds,
		(double)report->options.time_ns / 1e9);
	if (m->pinned[0] < 0)
		fprintf(out, "both sides on one CPU\n");
	else
		fprintf(out,
			"on CPUs %d and %d: near in %u samples, far in %u, "
			"moved in %u\n"
			"a cache line takes %.0f ns one way, with one for each "
			"direction (a pair) %.0f ns\n",
			m->pinned[0], m->pinned[1], n[BENCH_NEAR], n[BENCH_FAR],
			n[BENCH_MOVED], report->line_ns, report->pair_ns);
}

static void print_cpu(const struct bench_row *row, FILE *out)
{
	fprintf(out, " %4.0f %4.0f", row->cpu[BENCH_SENDER] * 100,
		row->cpu[BENCH_RECEIVER] * 100);
}

static void print_throughput(const struct bench_row *row, FILE *out)
{
	char a[16], b[16], c[16];
	const struct bench_spread *s = &row->messages_per_s;

	fprintf(out, " %8s %8s %8s %9.1f", scaled(s->min, a),
		scaled(s->median, b), scaled(s->max, c),
		row->bytes_per_s.median / 1e6);
	print_cpu(row, out);
	if (row->ratio > 0)
		fprintf(out, " %8s %6.2f",
			scaled(row->bare->messages_per_s.median, a),
			row->ratio);
}

static void print_latency(const struct bench_row *row, FILE *out)
{
	const struct histogram *h = &row->latency;
	const struct bench_spread *s = &row->p50_ns;

	fprintf(out, " %7.2f %7.2f %7.2f %8.2f %8.2f %8.1f", s->min / 1000,
		s->median / 1000, s->max / 1000,
		us(histogram_quantile(h, 0.99)),
		us(histogram_quantile(h, 0.999)), us(h->max));
	print_cpu(row, out);
	if (row->per_line > 0)
		fprintf(out, " %6.1f %6.1f", row->per_line, row->per_pair);
	else
		fprintf(out, " %6s %6s", "-", "-");
	if (row->ratio > 0)
		fprintf(out, " %8.2f %6.2f", row->bare->p50_ns.median / 1000,
			row->ratio);
}

static void print_row(const struct bench_row *row, FILE *out)
{
	fprintf(out, "%-*s %-8s", NAME_WIDTH, row->name,
		bench_wait_names[row->wait]);
	if (row->error[0])
		fprintf(out, " %s", row->error);
	else if (row->mode == BENCH_THROUGHPUT)
		print_throughput(row, out);
	else
		print_latency(row, out);
	fputc('\n', out);
}

static void print_head(const struct bench_report *report,
		       const struct bench_row *row, FILE *out)
{
	static const char *const titles[] = {
		[BENCH_THROUGHPUT] = "Throughput: messages a second",
		[BENCH_LATENCY] = "Latency: half of a round trip, us",
		[BENCH_PACED] = "Paced: from when each should have gone, us",
	};

	fprintf(out, "\n%s, ", titles[row->mode]);
	print_size(row->size, out);
	if (row->mode == BENCH_PACED)
		fprintf(out, ", %" PRIu64 " a second", report->options.paced);
	else if (row->mode == BENCH_THROUGHPUT && report->options.batch > 1)
		fprintf(out, ", up to %u a call (bare: one)",
			report->options.batch);
	fputc('\n', out);
	fprintf(out, "%-*s %-8s", NAME_WIDTH, "mechanism", "waits");
	if (row->mode == BENCH_THROUGHPUT)
		fprintf(out, " %8s %8s %8s %9s %9s %8s %6s\n", "min ",
			"median ", "max ", "MB/s", "CPU %", "bare ", "ratio");
	else
		fprintf(out, " %7s %7s %7s %8s %8s %8s %9s %6s %6s %8s %6s\n",
			"p50 min", "median", "max", "p99", "p99.9", "max",
			"CPU %", "/line", "/pair", "bare", "ratio");
}

/* What the row of this mode says about the same mechanism, or NULL. */
static const struct bench_row *sibling(const struct bench_report *report,
				       const struct bench_row *row,
				       enum bench_mode mode)
{
	for (unsigned int i = 0; i < report->n_rows; i++)
		if (report->rows[i].mode == mode && !report->rows[i].error[0] &&
		    !strcmp(report->rows[i].name, row->name))
			return &report->rows[i];
	return NULL;
}

static void print_carried(const struct bench_report *report,
			  const struct bench_row *row, FILE *out)
{
	const struct bench_row *messages = sibling(report, row,
						   BENCH_THROUGHPUT);
	const struct bench_row *latency = sibling(report, row, BENCH_LATENCY);
	char a[16];

	fprintf(out, "%-*s", NAME_WIDTH, row->name);
	if (row->error[0] || !messages || !latency) {
		fprintf(out, " %s\n",
			row->error[0] ? row->error : "not measured");
		return;
	}
	const struct histogram *h = &latency->latency;

	fprintf(out, " %8.0f %10s %8.2f %8.2f %8.2f",
		row->bytes_per_s.median / 1e6,
		scaled(messages->messages_per_s.median, a),
		latency->p50_ns.median / 1000, us(histogram_quantile(h, 0.99)),
		us(histogram_quantile(h, 0.999)));
	print_cpu(row, out);
	fprintf(out, "  yes %016" PRIx64 "\n", row->sum);
}

static void print_carry(const struct bench_report *report, FILE *out)
{
	fprintf(out, "\n%s, in messages of ", report->options.file);
	print_size(report->rows[0].size, out);
	fputs("; messages/s and one-way latency with 64 B\n", out);
	fprintf(out, "%-*s %8s %10s %8s %8s %8s %9s  %s\n", NAME_WIDTH,
		"mechanism", "MB/s", "messages/s", "p50 us", "p99", "p99.9",
		"CPU %", "verified, XXH64");
	for (unsigned int i = 0; i < report->n_rows; i++)
		if (report->rows[i].mode == BENCH_CARRY)
			print_carried(report, &report->rows[i], out);
}

/* What the engines other than via do for a message, each once. */
static void print_work(const struct bench_report *report, FILE *out)
{
	const struct bench_row *rows = report->rows;

	fprintf(out, "\n");
	for (unsigned int i = 0; i < report->n_rows; i++) {
		unsigned int first = 0;

		while (strcmp(rows[first].engine, rows[i].engine))
			first++;
		if (first == i && rows[i].wait == BENCH_OWN)
			fprintf(out, "%s: %s\n", rows[i].engine, rows[i].work);
	}
}

void bench_table(const struct bench_report *report, FILE *out)
{
	const struct bench_row *last = NULL;

	print_machine(report, out);
	if (report->options.file) {
		print_carry(report, out);
		return;
	}
	for (unsigned int i = 0; i < report->n_rows; i++) {
		const struct bench_row *row = &report->rows[i];

		if (!last || last->mode != row->mode || last->size != row->size)
			print_head(report, row, out);
		last = row;
		/* What is done by hand stands beside via's. */
		if (row->wait != BENCH_OWN || row->error[0] ||
		    !strcmp(row->name, row->engine))
			print_row(row, out);
	}
	print_work(report, out);
	fprintf(out,
		"bare: the same work by hand; ratio: via divided by bare, of "
		"the rounds with the CPUs at\nthe same distance. CPU: of "
		"sender and receiver, while timed. M: 10^6, MB: 10^6 bytes.\n"
		"Length and number of every message were checked, in the "
		"warm-up every byte.\n");
}
