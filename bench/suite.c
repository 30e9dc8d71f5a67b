/* SPDX-License-Identifier: MIT */
/* Measuring all rows, round by round. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/engine.h"
#include "bench/rows.h"
#include "bench/run.h"

static const char *const wait_options[] = {"", "spin=0", "spin=never"};

static int fail(struct via_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct via_error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

/*
 * The URL of the way back from that of the way there: "name" and "name.back",
 * "host:80" and "host:81".
 */
static void make_way_back(char *url, size_t size)
{
	char *rest = strchr(url, ':');
	size_t len = strcspn(rest ? rest : url, "?");
	char options[BENCH_URL_MAX];

	if (!rest || len < 2)
		return;
	char *end = rest + len, *port = end;

	snprintf(options, sizeof(options), "%s", end);
	while (port[-1] >= '0' && port[-1] <= '9')
		port--;
	size_t left = size - (size_t)(end - url);
	unsigned long number = strtoul(port, NULL, 10);

	if (port == end || port[-1] != ':' || port - 1 == rest)
		snprintf(end, left, ".back%s", options);
	else if (number)
		snprintf(port, left, "%lu%s", number + 1, options);
}

static void name_channel(const struct bench_supervisor *v,
			 const struct bench_row *row, int i, char *url)
{
	const char *hole = row->fresh ? strstr(row->url, "%s") : NULL;
	size_t size = BENCH_URL_MAX;

	if (!row->url)
		snprintf(url, size, "%s/%d", v->dir, i);
	else if (hole)
		snprintf(url, size, "%.*s%s/%d%s", (int)(hole - row->url),
			 row->url, v->dir, i, hole + 2);
	else
		snprintf(url, size, "%s", row->url);
	if (i && row->url && !row->fresh)
		make_way_back(url, size);
	if (row->wait != BENCH_OWN && wait_options[row->wait][0]) {
		size_t len = strlen(url);

		snprintf(url + len, size - len, "%c%s",
			 strchr(url, '?') ? '&' : '?', wait_options[row->wait]);
	}
}

static void make_plan(const struct bench_supervisor *v,
		      const struct bench_report *report,
		      const struct bench_row *row)
{
	struct bench_plan *plan = v->plan;
	const struct bench_options *o = &report->options;

	memset(plan, 0, sizeof(*plan));
	plan->mode = row->mode;
	snprintf(plan->engine, sizeof(plan->engine), "%s", row->engine);
	plan->size = row->size;
	plan->batch = row->batch;
	plan->warmup_ns = report->warmup_ns;
	plan->time_ns = o->time_ns;
	plan->interval_ns = o->paced ? (int64_t)(1000000000 / o->paced) : 0;
	snprintf(plan->file, sizeof(plan->file), "%s", o->file ? o->file : "");
	memcpy(plan->cpu, report->machine.pinned, sizeof(plan->cpu));
	for (int i = 0; i < bench_channels(plan); i++) {
		struct bench_channel *c = &plan->channel[i];

		c->fd[0] = c->fd[1] = -1;
		name_channel(v, row, i, c->url[BENCH_RECEIVER]);
		memcpy(c->url[BENCH_SENDER], c->url[BENCH_RECEIVER],
		       BENCH_URL_MAX);
	}
}

/* The file that an URL names, if it names one by a path. */
static bool url_path(const char *url, char *path, size_t size)
{
	const char *rest = strchr(url, ':');

	if (!rest || rest[1] != '/')
		return false;
	return snprintf(path, size, "%.*s", (int)strcspn(rest + 1, "?"),
			rest + 1) < (int)size;
}

/* Measure, and take away the names that a given URL left where none were. */
static int measure_clean(struct bench_supervisor *v)
{
	char path[2][BENCH_URL_MAX];
	bool made[2] = {false};

	for (int i = 0; i < bench_channels(v->plan); i++)
		made[i] = url_path(v->plan->channel[i].url[BENCH_RECEIVER],
				   path[i], sizeof(path[i])) &&
			  access(path[i], F_OK);
	int r = supervisor_measure(v);

	for (int i = 0; i < 2; i++)
		if (made[i])
			(void)unlink(path[i]); /* most names are gone */
	return r;
}

/* 0 or -EINTR. */
static int measure_row(struct bench_supervisor *v, struct bench_report *report,
		       struct bench_row *row)
{
	const struct bench_sample *s = &v->plan->sample;

	if (row->error[0])
		return 0;
	make_plan(v, report, row);
	int r = measure_clean(v);

	if (r == -EINTR)
		return r;
	if (r == 0 && s->sum[BENCH_SENDER] != s->sum[BENCH_RECEIVER])
		r = bench_fail(v->plan, -EBADMSG,
			       "the file did not arrive as it was sent: "
			       "XXH64 %016" PRIx64 ", then %016" PRIx64,
			       s->sum[BENCH_SENDER], s->sum[BENCH_RECEIVER]);
	if (r < 0) {
		snprintf(row->error, sizeof(row->error), "%s", s->error);
		report->failed |= !s->absent;
		return 0;
	}
	struct bench_round *round = &row->rounds[row->n_rounds++];

	*round = (struct bench_round){
		.messages = s->messages,
		.bytes = s->bytes,
		.ns = s->ns,
		.p50_ns = histogram_quantile(&s->latency, 0.5),
	};
	memcpy(round->wall_ns, s->wall_ns, sizeof(round->wall_ns));
	memcpy(round->cpu_ns, s->cpu_ns, sizeof(round->cpu_ns));
	memcpy(round->line_ns, s->line_ns, sizeof(round->line_ns));
	memcpy(round->pair_ns, s->pair_ns, sizeof(round->pair_ns));
	histogram_merge(&row->latency, &s->latency);
	row->sum = s->sum[BENCH_RECEIVER];
	return 0;
}

static void show_progress(const struct bench_report *report, unsigned int round,
			  unsigned int i)
{
	const struct bench_row *row = &report->rows[i];

	if (!report->options.progress)
		return;
	fprintf(stderr, "\r\033[Kround %u/%u, %u/%u: %s, %s, %llu B%s%s",
		round + 1, report->options.rounds, i + 1, report->n_rows,
		row->wait == BENCH_OWN ? row->engine : row->name,
		bench_mode_names[row->mode], (unsigned long long)row->size,
		row->wait == BENCH_OWN ? "" : ", ",
		row->wait == BENCH_OWN ? "" : bench_wait_names[row->wait]);
	fflush(stderr);
}

static int measure_all(struct bench_report *report, struct via_error *err)
{
	struct bench_supervisor v;
	int r = supervisor_init(&v, err);

	if (r < 0)
		return r;
	if (report->options.peers && !v.peers[0]) {
		r = fail(err, -ENOENT,
			 "--peers needs the program via-bench-peers, which is "
			 "not installed");
	}
	for (unsigned int i = 0; r == 0 && i < report->options.rounds; i++)
		for (unsigned int j = 0; r == 0 && j < report->n_rows; j++) {
			show_progress(report, i, j);
			r = measure_row(&v, report, &report->rows[j]);
		}
	if (report->options.progress)
		fputs("\r\033[K", stderr);
	supervisor_fini(&v);
	return r;
}

static int check(const struct bench_options *o, struct via_error *err)
{
	if (o->n_sizes > BENCH_SIZES_MAX)
		return fail(err, -EINVAL, "at most %d sizes at once",
			    BENCH_SIZES_MAX);
	/* With room for what is added to it. */
	for (unsigned int i = 0; i < o->n_urls; i++)
		if (strlen(o->urls[i]) > BENCH_URL_MAX - 32)
			return fail(err, -ENAMETOOLONG,
				    "an URL has at most %d bytes here",
				    BENCH_URL_MAX - 32);
	for (unsigned int i = 0; i < o->n_sizes; i++)
		if (o->sizes[i] < BENCH_SIZE_MIN ||
		    o->sizes[i] > BENCH_SIZE_MAX)
			return fail(err, -EINVAL,
				    "a message has %d bytes to %d MiB here",
				    BENCH_SIZE_MIN, BENCH_SIZE_MAX >> 20);
	if (o->batch < 1 || o->batch > BENCH_BATCH_MAX)
		return fail(err, -EINVAL, "a batch has 1 to %d messages",
			    BENCH_BATCH_MAX);
	if (o->rounds < 1 || o->rounds > BENCH_ROUNDS_MAX)
		return fail(err, -EINVAL, "1 to %d rounds", BENCH_ROUNDS_MAX);
	if (o->paced > 1000000000)
		return fail(err, -EINVAL,
			    "at most 1000000000 messages a "
			    "second can be paced");
	if (o->file && access(o->file, R_OK))
		return fail(err, -errno, "%s: %s", o->file, strerror(errno));
	return 0;
}

int bench_run(const struct bench_options *options, struct bench_report **ret,
	      struct via_error *reterr)
{
	int r = check(options, reterr);

	if (r < 0)
		return r;
	struct bench_report *report = calloc(1, sizeof(*report));
	time_t now = time(NULL);
	struct tm utc;

	if (!report)
		return fail(reterr, -ENOMEM, "%s", strerror(ENOMEM));
	report->options = *options;
	report->warmup_ns = options->time_ns / 4;
	strftime(report->date, sizeof(report->date), "%FT%TZ",
		 gmtime_r(&now, &utc));
	bench_machine_get(&report->machine);
	r = bench_rows_make(report)
		    ? measure_all(report, reterr)
		    : fail(reterr, -ENOMEM, "%s", strerror(ENOMEM));
	if (r < 0) {
		bench_report_free(report);
		return r;
	}
	bench_report_finish(report);
	*ret = report;
	return 0;
}
