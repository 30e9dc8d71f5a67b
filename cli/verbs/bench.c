/* SPDX-License-Identifier: MIT */
/* via bench: measure mechanisms; the work is done in bench/. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/engine.h"
#include "bench/subject.h"
#include "cli/verb.h"

struct bench_words {
	struct cli_list sizes, waits;
	bool throughput, latency, peers, json, csv;
	uint64_t batch, paced, rounds;
	int64_t time_ns;
	const char *file, *html;
};

static unsigned int read_waits(const struct cli_list *list)
{
	unsigned int waits = 0;

	for (unsigned int i = 0; i < list->n; i++) {
		int wait = 0;

		while (wait < BENCH_WAITS &&
		       strcmp(list->item[i], bench_wait_names[wait]))
			wait++;
		if (wait == BENCH_WAITS)
			cli_usage("--wait is adaptive, sleep or spin, not '%s'",
				  list->item[i]);
		waits |= 1u << wait;
	}
	return waits;
}

static void read_sizes(const struct cli_list *list, uint64_t *sizes)
{
	if (list->n > BENCH_SIZES_MAX)
		cli_usage("at most %d sizes at once", BENCH_SIZES_MAX);
	for (unsigned int i = 0; i < list->n; i++)
		if (cli_parse_size(list->item[i], &sizes[i]) < 0 ||
		    sizes[i] < BENCH_SIZE_MIN)
			cli_usage("--size is at least %d bytes, not '%s'",
				  BENCH_SIZE_MIN, list->item[i]);
}

static int write_html(const struct bench_report *report, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return cli_error("%s: %s", path, strerror(errno));
	int err = bench_html(report, f);
	bool failed = ferror(f);

	if (fclose(f) || failed)
		return cli_error("%s: %s", path, strerror(errno));
	return err < 0 ? cli_error("%s: %s", path, strerror(-err)) : CLI_YES;
}

static int show(const struct bench_report *report, const struct bench_words *w)
{
	int err = 0;

	if (w->json)
		err = bench_json(report, stdout);
	else if (w->csv)
		bench_csv(report, stdout);
	else
		bench_table(report, stdout);
	if (err < 0)
		return cli_error("%s", strerror(-err));
	return w->html ? write_html(report, w->html) : CLI_YES;
}

static bool is_of_mechanisms(const struct bench_words *w)
{
	return w->sizes.n || w->waits.n || w->throughput || w->latency ||
	       w->paced || w->batch != 1 || w->file || w->peers || w->csv ||
	       w->html;
}

static int measure_subject(const struct bench_subject *subject,
			   const struct bench_words *w)
{
	struct via_error err;

	if (is_of_mechanisms(w))
		cli_usage("%s takes only --rounds, --time and --json",
			  subject->name);
	if (w->time_ns && !subject->time_ns)
		cli_usage("%s takes as long as it takes, without --time",
			  subject->name);
	if (w->rounds > BENCH_ROUNDS_MAX)
		return cli_error("1 to %d rounds", BENCH_ROUNDS_MAX);
	return bench_subject_run(subject, (unsigned int)w->rounds, w->time_ns,
				 w->json, stdout, &err)
		       ? cli_error("%s: %s", subject->name, err.text)
		       : CLI_YES;
}

static int bench_verb_run(int argc, char **argv)
{
	/* Started by a benchmark that is running, not by a person. */
	if (argc == 3 && !strcmp(argv[1], BENCH_SIDE_OPTION))
		return bench_side(argv[2]);

	struct bench_words w = {.batch = 1};
	int first = cli_options(&verb_bench, argc, argv, &w);
	uint64_t sizes[BENCH_SIZES_MAX];
	struct bench_report *report;
	struct via_error err;

	if (w.json && w.csv)
		cli_usage("--json or --csv, not both");
	const struct bench_subject *subject =
		argc - first == 1 ? bench_subject_find(argv[first]) : NULL;

	if (subject)
		return measure_subject(subject, &w);
	read_sizes(&w.sizes, sizes);
	struct bench_options o = {
		.urls = (const char *const *)argv + first,
		.n_urls = (unsigned int)(argc - first),
		.sizes = sizes,
		.n_sizes = w.sizes.n,
		.throughput = w.throughput,
		.latency = w.latency,
		.waits = read_waits(&w.waits),
		.batch = (unsigned int)w.batch,
		.paced = w.paced,
		.file = w.file,
		.peers = w.peers,
		.rounds = w.rounds ? (unsigned int)w.rounds
			  : w.file ? 3
				   : 5,
		.time_ns = w.time_ns ? w.time_ns : 200000000,
		.progress = isatty(STDERR_FILENO),
	};
	int r = bench_run(&o, &report, &err);

	if (r == -EINTR)
		return 130;
	if (r < 0)
		return cli_error("%s", err.text);
	int status = show(report, &w);

	if (report->failed)
		status = CLI_FAILED;
	bench_report_free(report);
	return status;
}

#define MEMBER(name) offsetof(struct bench_words, name)

static const struct verb_option options[] = {
	{'s', "size", "BYTES",
	 "length of the messages, from 24 on; may be given again", CLI_LIST,
	 MEMBER(sizes)},
	{'T', "throughput", NULL, "measure messages and bytes per second",
	 CLI_FLAG, MEMBER(throughput)},
	{'L', "latency", NULL, "measure half of a round trip over two channels",
	 CLI_FLAG, MEMBER(latency)},
	{'P', "paced", "RATE",
	 "send RATE messages a second at fixed times, and measure from the "
	 "time when a message should have gone to its arrival",
	 CLI_NUMBER, MEMBER(paced), .min = 1},
	{'b', "batch", "N", "throughput with up to N messages a call",
	 CLI_NUMBER, MEMBER(batch), .min = 1},
	{'w', "wait", "HOW",
	 "how receivers wait: adaptive (as by default), sleep, spin; may be "
	 "given again; latency is measured with all three",
	 CLI_LIST, MEMBER(waits)},
	{'F', "file", "FILE",
	 "carry FILE over and over, its checksums compared, in messages of "
	 "64K or --size",
	 CLI_TEXT, MEMBER(file)},
	{'p', "peers", NULL,
	 "measure ZeroMQ, nng, nanomsg and Boost.Interprocess as well",
	 CLI_FLAG, MEMBER(peers)},
	{'r', "rounds", "N", "measure everything so often; 5, with --file 3",
	 CLI_NUMBER, MEMBER(rounds), .min = 1},
	{'t', "time", "DURATION",
	 "measure each thing so long in each round, behind a warm-up of a "
	 "quarter of it; 200ms",
	 CLI_DURATION, MEMBER(time_ns)},
	{'j', "json", NULL, "print JSON", CLI_FLAG, MEMBER(json)},
	{'c', "csv", NULL, "print CSV", CLI_FLAG, MEMBER(csv)},
	{'H', "html", "FILE", "write the report with charts to FILE, too",
	 CLI_TEXT, MEMBER(html)},
	{0},
};

static const struct verb_example examples[] = {
	{"via bench", "everything, in about two minutes"},
	{"via bench --throughput --size 64 --batch 32 unix:/tmp/b.sock",
	 "one mechanism, one figure"},
	{"via bench --latency --paced 10000 --html report.html shm:b",
	 "latency under load, with charts"},
	{"via bench --file /usr/bin/python3",
	 "a file over every mechanism, compared"},
	{"via bench --peers --json > today.json", "for other programs"},
	{"via bench sync -r 7 -t 50ms", "locks, beside the C library's"},
	{0},
};

const struct verb verb_bench = {
	.name = "bench",
	.summary = "measure mechanisms",
	.synopsis = "[OPTION]... [URL|SUBJECT]...",
	.description =
		"Measure messages between two processes over each URL (a "
		"scheme alone, such as unix:, stands for all its variants), or "
		"over every mechanism there is, and beside each the same work "
		"done by hand with bare system calls: a ratio of 1 means that "
		"via costs nothing.\n\n"
		"The two processes are pinned to two CPUs. Each round "
		"measures all there is once, so that whatever else the "
		"machine does meets everything alike; the figures are the "
		"least, the median and the greatest of the rounds. Every "
		"message is checked. Latencies are in microseconds, MB/s are "
		"10^6 bytes per second, CPU is that of the sender and of the "
		"receiver in percent of one.\n\n"
		"A SUBJECT is measured instead, each figure beside another way "
		"to do the same in the same round:\n"
#define SUBJECT(name, summary) "\n" #name ": " summary "."
#include "bench/subjects.def"
#undef SUBJECT
	,
	.options = options,
	.examples = examples,
	.operands_min = 0,
	.operands_max = -1,
	.run = bench_verb_run,
};
