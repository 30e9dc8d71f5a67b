/* SPDX-License-Identifier: MIT */
/* via sem: make, change, look at and remove semaphores. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <via/via.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/verb.h"

struct sem_options {
	int64_t timeout_ns;
	bool undo, json;
};

struct job {
	struct sem_options o;
	const char *url;
	uint32_t n;	/* units; 1 if not given */
	char **command; /* NULL: none */
};

/* A URL with one more option. NULL: no memory, as has been said. */
static char *with_option(const char *url, const char *format, uint32_t n)
{
	char option[32], *text;

	snprintf(option, sizeof(option), format, n);
	if (asprintf(&text, "%s%c%s", url, strchr(url, '?') ? '&' : '?',
		     option) >= 0)
		return text;
	(void)cli_error("out of memory");
	return NULL;
}

static struct via_lock *open_sem(const char *url, unsigned int flags)
{
	struct via_lock *sem;
	struct via_error err;

	cli_expect_cut(url);
	if (url &&
	    via_lock_open(url, flags | VIA_LOCK_SEMAPHORE, &sem, &err) == 0)
		return sem;
	if (url)
		(void)cli_error("%s", err.text);
	return NULL;
}

/* As --undo says. */
static struct via_lock *open_job(const struct job *job)
{
	if (!job->o.undo)
		return open_sem(job->url, 0);

	char *url = with_option(job->url, "undo", 0);
	struct via_lock *sem = open_sem(url, 0);

	free(url);
	return sem;
}

static int create(const struct job *job)
{
	char *url = with_option(job->url, "value=%" PRIu32, job->n);
	struct via_lock *sem = open_sem(url, VIA_LOCK_CREATE | VIA_LOCK_NEW);

	free(url);
	via_lock_close(sem);
	return sem ? CLI_YES : CLI_FAILED;
}

static int post(const struct job *job)
{
	struct via_lock *sem = open_sem(job->url, 0);
	struct via_error err;

	if (!sem)
		return CLI_FAILED;

	int status = via_lock_post(sem, job->n, &err) < 0
			     ? cli_error("%s", err.text)
			     : CLI_YES;

	via_lock_close(sem);
	return status;
}

/* The units that the command has had go back. */
static int run(struct via_lock *sem, const struct job *job)
{
	int status = cli_run_command(job->command, -1);
	struct via_error err;

	if (via_lock_post(sem, job->n, &err) < 0)
		cli_warn("%s", err.text);
	return status;
}

static int wait_units(const struct job *job)
{
	struct via_lock *sem = open_job(job);
	struct via_sync_report report = {0};

	if (!sem)
		return CLI_FAILED;

	int r = via_lock_wait(sem, job->n, via_deadline(job->o.timeout_ns),
			      &report);
	int status = CLI_YES;

	if (r == -EOWNERDEAD)
		cli_warn("%s", report.error.text);
	else if (r < 0)
		status = cli_error("%s", report.error.text);
	if (status == CLI_YES && job->command)
		status = run(sem, job);
	via_lock_close(sem);
	return status;
}

static int value(const struct job *job)
{
	struct via_lock *sem = open_sem(job->url, 0);
	struct via_error err;

	if (!sem)
		return CLI_FAILED;

	const char *kind = via_lock_kind_of(sem)->scheme;
	int r = via_lock_value(sem, &err);

	via_lock_close(sem);
	if (r < 0)
		return cli_error("%s", err.text);
	if (!job->o.json)
		return printf("%d\n", r) < 0 ? CLI_FAILED : CLI_YES;
	return cli_json_print(json_pack("{ss ss si}", "url", job->url, "kind",
					kind, "value", r),
			      stdout) < 0
		       ? cli_error("out of memory")
		       : CLI_YES;
}

static int rm(const struct job *job)
{
	struct via_error err;

	return via_lock_remove(job->url, &err) < 0 ? cli_error("%s", err.text)
						   : CLI_YES;
}

static const struct action {
	const char *name;
	int (*run)(const struct job *job);
	bool counts; /* takes N */
	bool waits;  /* takes --timeout, --undo and a command */
	bool prints; /* takes --json */
} actions[] = {
	{"create", create, .counts = true},
	{"post", post, .counts = true},
	{"wait", wait_units, .counts = true, .waits = true},
	{"value", value, .prints = true},
	{"rm", rm},
	{0},
};

static void check(const struct action *a, const struct job *job,
		  const char *units)
{
	if (units && !a->counts)
		cli_usage("%s takes no number of units", a->name);
	if (job->o.json && !a->prints)
		cli_usage("--json goes with value");
	if (!a->waits &&
	    (job->command || job->o.timeout_ns >= 0 || job->o.undo))
		cli_usage("--timeout, --undo and a command go with wait");
	if (job->o.undo && !job->command)
		cli_usage("--undo goes with a command: units come back when "
			  "this process ends");
}

static int sem_run(int argc, char **argv)
{
	struct job job = {.o.timeout_ns = -1, .n = 1};

	job.command = cli_cut_command(&argc, argv);

	int first = cli_options(&verb_sem, argc, argv, &job.o);
	const char *units = argc - first > 2 ? argv[first + 2] : NULL;
	const struct action *a = actions;

	while (a->name && strcmp(a->name, argv[first]) != 0)
		a++;
	if (!a->name)
		cli_usage("'%s' is none of create, post, wait, value and rm",
			  argv[first]);
	check(a, &job, units);
	if (units) {
		char *end;
		unsigned long n = strtoul(units, &end, 10);

		if (*units < '0' || *units > '9' || *end || n > INT32_MAX)
			cli_usage("'%s' is no number of units", units);
		job.n = (uint32_t)n;
	}
	job.url = argv[first + 1];
	return a->run(&job);
}

static const struct verb_option options[] = {
	{'t', "timeout", "DURATION", "wait no longer than that for units",
	 CLI_DURATION, offsetof(struct sem_options, timeout_ns)},
	{'u', "undo", NULL,
	 "the kernel gives the units back even if via is killed (sysvsem:)",
	 CLI_FLAG, offsetof(struct sem_options, undo)},
	{'j', "json", NULL, "print the value as JSON", CLI_FLAG,
	 offsetof(struct sem_options, json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via sem create posixsem:/slots 4", "a semaphore of four units"},
	{"via sem wait --undo sysvsem:/etc/app -- convert a.png a.jpg",
	 "with a unit, which goes back at the end"},
	{"via sem wait -t 5s sysvsem:/etc/app 3",
	 "three units at once, or none"},
	{"via sem value --json posixsem:/slots", "how many are left"},
	{"via sem rm posixsem:/slots", "the name goes"},
	{0},
};

const struct verb verb_sem = {
	.name = "sem",
	.summary = "make, change and look at semaphores",
	.synopsis = "[OPTION]... ACTION KIND:NAME [N] [--] [COMMAND] [ARG]...",
	.description =
		"Do one thing to a semaphore. create makes it, with N units; "
		"post adds N; wait takes N, and with a command runs that and "
		"gives them back; value prints how many there are; rm removes "
		"it, and locks of every kind as well. N is 1 if it is not "
		"given.",
	.options = options,
	.examples = examples,
	.operands_min = 2,
	.operands_max = 3,
	.run = sem_run,
};
