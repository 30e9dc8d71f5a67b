/* SPDX-License-Identifier: MIT */
/* The report as CSV (RFC 4180), a line per row; the machine in each of them,
 * for lines get separated from their files. */
#include <inttypes.h>
#include <string.h>

#include <via/version.h>

#include "bench/bench.h"

static void quoted(const char *s, FILE *out)
{
	fputc('"', out);
	for (; *s; s++)
		fprintf(out, *s == '"' ? "\"\"" : "%c", *s);
	fputc('"', out);
}

static void spread(const struct bench_spread *s, FILE *out)
{
	fprintf(out, ",%.6g,%.6g,%.6g", s->min, s->median, s->max);
}

static void line(const struct bench_report *report, const struct bench_row *row,
		 FILE *out)
{
	const struct bench_machine *m = &report->machine;
	const struct histogram *h = &row->latency;

	quoted(row->name, out);
	fprintf(out, ",%s,%s,%s,%" PRIu64 ",%u", row->engine,
		bench_mode_names[row->mode], bench_wait_names[row->wait],
		row->size, row->batch);
	spread(&row->messages_per_s, out);
	spread(&row->bytes_per_s, out);
	spread(&row->p50_ns, out);
	fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
		histogram_quantile(h, 0.99), histogram_quantile(h, 0.999),
		h->max);
	fprintf(out, ",%.4g,%.4g,%.4g,%s,", row->cpu[BENCH_SENDER],
		row->cpu[BENCH_RECEIVER], row->ratio,
		bench_row_verified(row) ? "yes" : "no");
	quoted(row->error, out);
	fprintf(out, ",%s,", VIA_VERSION);
	quoted(m->cpu, out);
	fputc(',', out);
	quoted(m->kernel, out);
	fputs("\r\n", out);
}

void bench_csv(const struct bench_report *report, FILE *out)
{
	fputs("name,engine,mode,wait,size,batch,"
	      "messages_per_s_min,messages_per_s_median,messages_per_s_max,"
	      "bytes_per_s_min,bytes_per_s_median,bytes_per_s_max,"
	      "p50_ns_min,p50_ns_median,p50_ns_max,p99_ns,p99_9_ns,max_ns,"
	      "cpu_sender,cpu_receiver,bare_ratio,verified,error,"
	      "via,cpu,kernel\r\n",
	      out);
	for (unsigned int i = 0; i < report->n_rows; i++)
		line(report, &report->rows[i], out);
}
