/* SPDX-License-Identifier: MIT */
/* via lab: the kernel's rules, each one run and shown. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/help.h"
#include "cli/lab/result.h"
#include "cli/verb.h"

enum lab_output {
	AS_LINES,
	AS_LIST,
	AS_JSON,
	AS_JUNIT
};

struct lab_options {
	bool all, self_check;
	int output;
	const char *profile, *language;
};

/* --- What to run --- */

static void add(struct lab_results *rs, const struct lab_section *s,
		const struct lab_experiment *e)
{
	for (size_t i = 0; i < rs->n; i++)
		if (rs->result[i].experiment == e)
			return;
	rs->result = realloc(rs->result, (rs->n + 1) * sizeof(*rs->result));
	if (!rs->result)
		exit(cli_error("out of memory"));
	rs->result[rs->n++] = (struct lab_result){s, e, NULL, LAB_SKIPPED};
}

static void add_section(struct lab_results *rs, const struct lab_section *s)
{
	for (const struct lab_experiment *e = s->experiments; e->id; e++)
		add(rs, s, e);
}

/* A section, or one experiment. */
static void add_named(struct lab_results *rs, const char *name)
{
	const struct lab_section *section = lab_find_section(name);
	const struct lab_experiment *e = lab_find(name);
	char head[32];

	if (section)
		return add_section(rs, section);
	if (!e)
		cli_usage("there is no section or experiment '%s'; via lab "
			  "lists the sections, via lab --list the "
			  "experiments",
			  name);
	snprintf(head, sizeof(head), "%.*s", (int)strcspn(name, "."), name);
	add(rs, lab_find_section(head), e);
}

static void choose(struct lab_results *rs, bool all, char **names)
{
	for (size_t i = 0; all && lab_sections[i]; i++)
		add_section(rs, lab_sections[i]);
	for (; *names; names++)
		add_named(rs, *names);
}

/* --- Running --- */

static int stop_fd = -1;

/* Readable when the user wants an end. */
static void hold_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stop_fd = signalfd(-1, &set, SFD_CLOEXEC);
}

/* After a signal has ended an experiment: let it end us. */
static void stop_if_told(void)
{
	sigset_t pending;

	sigpending(&pending);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&pending, sig) == 1) {
			fflush(stdout);
			sigset_t set;

			sigemptyset(&set);
			sigaddset(&set, sig);
			sigprocmask(SIG_UNBLOCK, &set, NULL);
		}
}

static void run_one(struct lab_results *rs, size_t i, bool inverted)
{
	struct lab_result *r = &rs->result[i];

	fflush(stdout);
	r->record = lab_run(r->experiment, inverted, stop_fd);
	if (!r->record)
		exit(cli_error("%s: cannot run it: %s", r->experiment->id,
			       strerror(errno)));
	r->verdict = lab_verdict(r->record);
	rs->count[r->verdict]++;
	rs->seconds += r->record->seconds;
	stop_if_told();
}

static int run_all(struct lab_results *rs, bool lines)
{
	for (size_t i = 0; i < rs->n; i++) {
		if (lines)
			lab_print_begin(rs, i);
		run_one(rs, i, false);
		if (lines)
			lab_print_result(rs, i);
	}
	return rs->count[LAB_DIFFERS] ? CLI_FAILED : CLI_YES;
}

static int explain(struct lab_results *rs)
{
	for (size_t i = 0; i < rs->n; i++) {
		run_one(rs, i, false);
		if (i)
			printf("\n\n");
		lab_explain(rs, i);
	}
	return rs->count[LAB_DIFFERS] ? CLI_FAILED : CLI_YES;
}

/* Each expectation inverted, each experiment has to fail. */
static int self_check(struct lab_results *rs)
{
	size_t vacuous = 0;

	for (size_t i = 0; i < rs->n; i++) {
		run_one(rs, i, true);
		const struct lab_result *r = &rs->result[i];
		const char *fault = r->verdict == LAB_SKIPPED
					    ? NULL
					    : lab_vacuity(r->record);

		vacuous += fault != NULL;
		if (fault)
			printf("%s: %s\n", r->experiment->id, fault);
	}
	printf("%zu experiments inverted: %zu failed as they must, %zu did "
	       "not, %zu skipped\n",
	       rs->n, rs->n - vacuous - rs->count[LAB_SKIPPED], vacuous,
	       rs->count[LAB_SKIPPED]);
	return vacuous ? CLI_FAILED : CLI_YES;
}

static int run(struct lab_results *rs, const struct lab_options *o)
{
	int status = run_all(rs, o->output == AS_LINES && !o->profile);

	if (o->profile) {
		int different = lab_compare(rs, o->profile);

		return different ? CLI_FAILED : CLI_YES;
	}
	if (o->output == AS_JSON && lab_print_json(rs) < 0)
		return cli_error("out of memory");
	if (o->output == AS_JUNIT)
		lab_print_junit(rs);
	if (o->output == AS_LINES)
		lab_print_summary(rs);
	return status;
}

static void free_results(struct lab_results *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		lab_record_free(rs->result[i].record);
	free(rs->result);
}

static int lab_main(int argc, char **argv)
{
	struct lab_options o = {0};
	int first = cli_options(&verb_lab, argc, argv, &o);
	bool explains = first < argc && strcmp(argv[first], "explain") == 0;
	char **names = argv + first + explains;
	struct lab_results results = {.chinese = lab_is_chinese(o.language)};
	int status = CLI_YES;

	if (o.language && strncmp(o.language, "zh", 2) != 0 &&
	    strncmp(o.language, "en", 2) != 0)
		cli_usage("there are no texts in '%s', only en and zh",
			  o.language);
	if (explains && !*names)
		cli_usage("explain which experiment? via lab --list lists "
			  "them");
	if (!*names && !o.all && o.output == AS_LINES && !o.profile &&
	    !o.self_check) {
		lab_print_sections(results.chinese);
		return CLI_YES;
	}
	choose(&results, o.all || !*names, names);
	hold_signals();
	if (o.output == AS_LIST)
		lab_print_list(&results);
	else if (explains)
		status = explain(&results);
	else if (o.self_check)
		status = self_check(&results);
	else
		status = run(&results, &o);
	free_results(&results);
	return status;
}

static const struct verb_option options[] = {
	{'a', "all", NULL, "run every experiment", CLI_FLAG,
	 offsetof(struct lab_options, all)},
	{'l', "list", NULL, "list the experiments, without running them",
	 CLI_CHOICE, offsetof(struct lab_options, output), AS_LIST},
	{'j', "json", NULL, "print the results as JSON", CLI_CHOICE,
	 offsetof(struct lab_options, output), AS_JSON},
	{0, "junit", NULL, "print the results as JUnit XML", CLI_CHOICE,
	 offsetof(struct lab_options, output), AS_JUNIT},
	{0, "profile", "FILE",
	 "compare with what --json printed at another time or on another "
	 "machine, and print what is different",
	 CLI_TEXT, offsetof(struct lab_options, profile)},
	{0, "self-check", NULL,
	 "invert every expectation: each experiment has to fail", CLI_FLAG,
	 offsetof(struct lab_options, self_check)},
	{0, "lang", "LANGUAGE", "en or zh; else what the environment says",
	 CLI_TEXT, offsetof(struct lab_options, language)},
	{0},
};

static const struct verb_example examples[] = {
	{"via lab", "the sections"},
	{"via lab pipe", "run the experiments on pipes"},
	{"via lab explain pipe.08", "one rule: why, what happened, the source"},
	{"via lab --all --json > here.json", "a profile of this machine"},
	{"via lab --all --profile here.json", "what is different there"},
	{0},
};

const struct verb verb_lab = {
	.name = "lab",
	.summary = "run the kernel's rules, each as an experiment",
	.synopsis = "[OPTION]... [explain] [SECTION|ID]...",
	.description =
		"Run what a program may rely on as experiments: each sets one "
		"situation up with real system calls, observes, and compares "
		"with what the rule says. A rule holds, differs on this "
		"kernel or in this sandbox, or is skipped because it needs "
		"something that is not here.\n\n"
		"With explain, say the rule, why it is so, the popular "
		"mistake if there is one, what it means for a program, the "
		"calls as they happened just now, and the source.\n\n"
		"Each experiment runs in processes of its own with a time "
		"limit and leaves nothing behind.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.run = lab_main,
};
