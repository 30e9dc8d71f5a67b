/* SPDX-License-Identifier: MIT */
/* What the rounds say: spreads, ratios, and whether it all arrived. */
#include <stdlib.h>

#include "bench/bench.h"

const char *const bench_mode_names[] = {"throughput", "latency", "paced",
					"carry"};
const char *const bench_wait_names[] = {"adaptive", "sleep", "spin", "own"};
const char *const bench_distance_names[] = {"near", "far", "moved", "unknown"};

typedef double figure_fn(const struct bench_round *round);

static double messages_per_s(const struct bench_round *round)
{
	return (double)round->messages * 1e9 / (double)round->ns;
}

static double bytes_per_s(const struct bench_round *round)
{
	return (double)round->bytes * 1e9 / (double)round->ns;
}

static double p50_ns(const struct bench_round *round)
{
	return (double)round->p50_ns;
}

/* Of the same round, in which the lines were as near. */
static double per_line(const struct bench_round *round)
{
	return p50_ns(round) * 2 / (round->line_ns[0] + round->line_ns[1]);
}

static double per_pair(const struct bench_round *round)
{
	return p50_ns(round) * 2 / (round->pair_ns[0] + round->pair_ns[1]);
}

static bool has_line(const struct bench_round *round)
{
	return round->line_ns[0] > 0;
}

static enum bench_distance distance_of(const struct bench_round *round,
				       double least_ns)
{
	double near_ns = least_ns * BENCH_NEAR_FACTOR;

	if (!has_line(round))
		return BENCH_UNKNOWN;
	bool near = round->line_ns[0] <= near_ns;

	if (near != (round->line_ns[1] <= near_ns))
		return BENCH_MOVED;
	return near ? BENCH_NEAR : BENCH_FAR;
}

static void keep_least(double *least, const double ns[2])
{
	for (int i = 0; i < 2; i++)
		if (*least == 0 || ns[i] < *least)
			*least = ns[i];
}

/* The least of all, for it cannot be less by chance. */
static void find_lines(struct bench_report *report)
{
	for (unsigned int i = 0; i < report->n_rows; i++)
		for (unsigned int j = 0; j < report->rows[i].n_rounds; j++) {
			const struct bench_round *r =
				&report->rows[i].rounds[j];

			if (!has_line(r))
				continue;
			keep_least(&report->line_ns, r->line_ns);
			keep_least(&report->pair_ns, r->pair_ns);
		}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the rounds at that distance, or of all (BENCH_DISTANCES). Returns of how
 * many. */
static unsigned int spread(const struct bench_row *row, figure_fn *figure,
			   enum bench_distance distance,
			   struct bench_spread *ret)
{
	double values[BENCH_ROUNDS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < row->n_rounds; i++)
		if (distance == BENCH_DISTANCES ||
		    distance == row->rounds[i].distance)
			values[n++] = figure(&row->rounds[i]);
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(*values), compare);
	*ret = (struct bench_spread){
		.min = values[0],
		.median = (values[(n - 1) / 2] + values[n / 2]) / 2,
		.max = values[n - 1],
	};
	return n;
}

/* At the distance of which both have the most rounds. */
static void find_ratio(struct bench_row *row)
{
	figure_fn *figure = row->mode == BENCH_THROUGHPUT ? messages_per_s
							  : p50_ns;
	unsigned int most = 0;

	for (int d = 0; d < BENCH_DISTANCES; d++) {
		enum bench_distance distance = (enum bench_distance)d;
		struct bench_spread own, bare;
		unsigned int n = spread(row, figure, distance, &own);
		unsigned int m = spread(row->bare, figure, distance, &bare);

		if (m < n)
			n = m;
		if (n <= most || bare.median == 0)
			continue;
		most = n;
		row->ratio = own.median / bare.median;
		row->ratio_distance = distance;
	}
}

static double median(const struct bench_row *row, figure_fn *figure)
{
	struct bench_spread s;

	return spread(row, figure, BENCH_DISTANCES, &s) ? s.median : 0;
}

static void finish_row(struct bench_row *row)
{
	spread(row, messages_per_s, BENCH_DISTANCES, &row->messages_per_s);
	spread(row, bytes_per_s, BENCH_DISTANCES, &row->bytes_per_s);
	spread(row, p50_ns, BENCH_DISTANCES, &row->p50_ns);
	for (int i = 0; i < BENCH_ROLES; i++) {
		int64_t wall_ns = 0, cpu_ns = 0;

		for (unsigned int j = 0; j < row->n_rounds; j++) {
			wall_ns += row->rounds[j].wall_ns[i];
			cpu_ns += row->rounds[j].cpu_ns[i];
		}
		row->cpu[i] = wall_ns ? (double)cpu_ns / (double)wall_ns : 0;
	}
	if (row->n_rounds && has_line(&row->rounds[0])) {
		row->per_line = median(row, per_line);
		row->per_pair = median(row, per_pair);
	}
	if (row->bare)
		find_ratio(row);
}

void bench_report_finish(struct bench_report *report)
{
	find_lines(report);
	for (unsigned int i = 0; i < report->n_rows; i++)
		for (unsigned int j = 0; j < report->rows[i].n_rounds; j++) {
			struct bench_round *r = &report->rows[i].rounds[j];

			r->distance = distance_of(r, report->line_ns);
		}
	for (unsigned int i = 0; i < report->n_rows; i++)
		finish_row(&report->rows[i]);
}

bool bench_row_verified(const struct bench_row *row)
{
	return !row->error[0] && row->n_rounds > 0;
}

void bench_report_free(struct bench_report *report)
{
	if (!report)
		return;
	for (unsigned int i = 0; i < report->n_rows; i++)
		free(report->rows[i].rounds);
	free(report->rows);
	free(report);
}
