/* SPDX-License-Identifier: MIT */
/*
 * via kill: signals to exactly those who are meant, and, if asked for, until
 * they have ended. Everybody who is found is held by a pidfd before anything is
 * sent, so that a pid that is used again is never hit.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <via/via.h>

#include "cli/json.h"
#include "cli/kill/list.h"
#include "cli/processes.h"
#include "cli/verb.h"
#include "inspect/collect/proc.h"

enum kill_by {
	BY_WORD,
	BY_PATTERN,
	BY_GROUP
};

#define NO_TIMEOUT INT64_MIN

struct kill_options {
	int by;
	bool list, dry_run, json;
	const char *value;
	int64_t timeout_ns;
	struct cli_list then;
};

struct target {
	struct via_task task;
	pid_t group; /* it is sent to with, or 0 */
	int pidfd;   /* -1: has ended, or cannot be reached */
};

struct killer {
	struct kill_options o;
	const int *value; /* NULL: none */
	struct target *target;
	size_t n;
	const struct process_choice *choice; /* being looked for */
	int status;
};

static void fail(struct killer *k, const struct via_task *task, int err)
{
	char name[PROCESS_NAME_MAX];

	k->status = cli_error("%d (%s): %s", task->pid,
			      process_name(task, name), strerror(-err));
}

/* --- Who --- */

static int add(int dir, const struct via_task *task, void *arg)
{
	struct killer *k = arg;
	struct target t = {.task = *task, .group = k->choice->group};
	struct via_task now;

	t.pidfd = pidfd_open(task->pid, 0);
	if (t.pidfd < 0 && errno == ESRCH)
		return 0;
	if (t.pidfd < 0) {
		/* What newer kernels say is ENOENT. */
		if (errno == EINVAL || errno == ENOENT)
			k->status = cli_error("%d is a thread: name its "
					      "process",
					      task->pid);
		else
			fail(k, task, -errno);
		return 1;
	}
	/* While the directory is there its process has had the pid all the
	 * time; but with another program it has another name. */
	if (via__proc_task(dir, task->pid, &now) < 0 ||
	    (!k->choice->pid && strcmp(now.comm, task->comm) != 0)) {
		close(t.pidfd);
		return 0;
	}
	struct target *target = reallocarray(k->target, k->n + 1, sizeof(t));

	if (!target)
		exit(cli_error("out of memory"));
	k->target = target;
	k->target[k->n++] = t;
	return 1;
}

/* A name or a pattern that fits ourselves does not mean us. */
static int add_other(int dir, const struct via_task *task, void *arg)
{
	return task->pid == getpid() ? 0 : add(dir, task, arg);
}

static void find(struct killer *k, const struct process_choice *choice,
		 const char *word)
{
	k->choice = choice;
	int n = processes_each(choice, choice->pid ? add : add_other, k);

	if (n < 0)
		k->status = cli_error("/proc: %s", strerror(-n));
	if (n == 0)
		k->status = processes_missing(choice, word);
}

static void find_pattern(struct killer *k, const char *word)
{
	regex_t pattern;
	char text[128];
	int err = regcomp(&pattern, word, REG_EXTENDED | REG_NOSUB);

	if (err) {
		regerror(err, &pattern, text, sizeof(text));
		cli_usage("%s: %s", word, text);
	}
	find(k, &(struct process_choice){.pattern = &pattern}, word);
	regfree(&pattern);
}

/* One for each target. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* If not, the targets beyond the limit are told. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void find_all(struct killer *k, char **words)
{
	allow_descriptors();
	for (; *words; words++) {
		struct process_choice choice;

		if (k->o.by == BY_PATTERN) {
			find_pattern(k, *words);
			continue;
		}
		int err = process_choice_parse(*words, &choice);

		if (k->o.by == BY_GROUP && choice.pid)
			choice = (struct process_choice){.group = choice.pid};
		if (err || (k->o.by == BY_GROUP && !choice.group))
			cli_usage("%s: not %s", *words,
				  k->o.by == BY_GROUP
					  ? "the id of a process group"
					  : "a process id");
		find(k, &choice, *words);
	}
}

/* --- Sending --- */

static void let_go(struct target *t)
{
	close(t->pidfd);
	t->pidfd = -1;
}

static void send_group(struct killer *k, pid_t group, int signal, bool first)
{
	int err = via_signal_send_group(group, signal, k->value);

	if (!err || (err == -ESRCH && !first))
		return;
	k->status = cli_error(
		"process group %d: %s", group,
		err == -EOPNOTSUPP
			? "a value for a group needs Linux 6.9 and its leader"
			: strerror(-err));
	for (struct target *t = k->target; t < k->target + k->n; t++)
		if (t->group == group)
			let_go(t);
}

/* Who has ended since the first signal has no need of another. */
static void send_all(struct killer *k, int signal, bool first)
{
	pid_t group = 0;

	for (struct target *t = k->target; t < k->target + k->n; t++) {
		if (t->pidfd < 0)
			continue;
		if (t->group) {
			if (t->group != group)
				send_group(k, t->group, signal, first);
			group = t->group;
			continue;
		}
		int err = via_signal_send_pidfd(t->pidfd, signal, k->value);

		if (!err)
			continue;
		if (first || err != -ESRCH)
			fail(k, &t->task, err);
		let_go(t);
	}
}

/* Let go of those who end by the deadline. Whether all have. */
static bool wait_all(struct killer *k, int64_t deadline)
{
	struct pollfd *fds = calloc(k->n, sizeof(*fds));

	if (!fds)
		exit(cli_error("out of memory"));
	for (;;) {
		size_t left = 0;

		for (size_t i = 0; i < k->n; i++) {
			if (fds[i].revents)
				let_go(&k->target[i]);
			fds[i] = (struct pollfd){k->target[i].pidfd, POLLIN, 0};
			left += fds[i].fd >= 0;
		}
		int64_t ns = deadline - via_now();
		struct timespec ts = {ns / 1000000000, ns % 1000000000};
		bool over = deadline != VIA_NEVER && ns <= 0;

		if (!left || over) {
			free(fds);
			return !left;
		}
		(void)ppoll(fds, k->n, deadline == VIA_NEVER ? NULL : &ts,
			    NULL);
	}
}

static void kill_all(struct killer *k, int signal)
{
	send_all(k, signal, true);
	if (k->o.timeout_ns == NO_TIMEOUT)
		return;
	for (unsigned int i = 0;; i++) {
		if (wait_all(k, via_deadline(k->o.timeout_ns)))
			return;
		if (i == k->o.then.n)
			break;
		send_all(k, via_signal_parse(k->o.then.item[i]), false);
	}
	for (struct target *t = k->target; t < k->target + k->n; t++) {
		char name[PROCESS_NAME_MAX];

		if (t->pidfd >= 0)
			k->status = cli_error("%d (%s): has not ended",
					      t->task.pid,
					      process_name(&t->task, name));
	}
}

/* --- Or only saying --- */

static int print_json(const struct killer *k, const char *signal)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct via_task *task = &k->target[i].task;
		json_t *o = json_pack("{si si}", "pid", task->pid, "pgid",
				      task->pgid);

		err |= cli_json_set_bytes(o, "comm", "comm_base64", task->comm,
					  strlen(task->comm));
		err |= json_array_append_new(list, o);
	}
	json_t *all = json_pack("{ss so}", "signal", signal, "processes", list);

	if (err) {
		json_decref(all);
		all = NULL;
	}
	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

static int print(const struct killer *k, int signal)
{
	char name[PROCESS_NAME_MAX], signal_name[VIA_SIGNAL_NAME_MAX];

	via_signal_name(signal, signal_name);
	if (k->o.json)
		return print_json(k, signal_name);
	for (size_t i = 0; i < k->n; i++)
		printf("%s %d %s\n", signal_name, k->target[i].task.pid,
		       process_name(&k->target[i].task, name));
	return CLI_YES;
}

/* --- The verb --- */

static int parse_signal(const char *word)
{
	int signal = via_signal_parse(word);

	if (signal < 0)
		cli_usage("there is no signal '%s'; via kill -l lists them",
			  word);
	return signal;
}

static const int *parse_value(const char *word)
{
	static int value;
	char *end;

	errno = 0;
	long n = strtol(word, &end, 10);

	if (end == word || *end || errno || n < INT_MIN || n > INT_MAX)
		cli_usage("--value=%s: not a number of 32 bits", word);
	value = (int)n;
	return &value;
}

static int kill_run(int argc, char **argv)
{
	struct killer k = {.o.timeout_ns = NO_TIMEOUT};

	/* As kill(1) has it: -9, -TERM. */
	if (argc > 1 && *argv[1] == '-' && via_signal_parse(argv[1] + 1) >= 0)
		argv[1]++;
	int first = cli_options(&verb_kill, argc, argv, &k.o);

	argv += first;
	if (k.o.list)
		return kill_list(argv, k.o.json);
	if (argc - first < 2)
		cli_usage("a signal and whom to send it to are needed; via "
			  "kill -h explains");
	if (k.o.then.n && k.o.timeout_ns == NO_TIMEOUT)
		cli_usage("--then needs --timeout");
	int signal = parse_signal(*argv);

	for (unsigned int i = 0; i < k.o.then.n; i++)
		(void)parse_signal(k.o.then.item[i]);
	if (k.o.value)
		k.value = parse_value(k.o.value);
	find_all(&k, argv + 1);
	if (k.o.dry_run)
		k.status |= print(&k, signal);
	else
		kill_all(&k, signal);
	free(k.target);
	return k.status;
}

static const struct verb_option options[] = {
	{0, "pattern", NULL,
	 "TARGETs are extended regular expressions, and all processes meant "
	 "in whose names they are found",
	 CLI_CHOICE, offsetof(struct kill_options, by), .choice = BY_PATTERN},
	{'g', "group", NULL, "TARGETs are process groups", CLI_CHOICE,
	 offsetof(struct kill_options, by), .choice = BY_GROUP},
	{0, "value", "N", "send this number along, as sigqueue(3) does",
	 CLI_TEXT, offsetof(struct kill_options, value)},
	{'t', "timeout", "DURATION", "wait so long for all to end",
	 CLI_DURATION, offsetof(struct kill_options, timeout_ns)},
	{0, "then", "SIGNAL",
	 "who has not ended by then gets this one, and the same time again; "
	 "may be given again",
	 CLI_LIST, offsetof(struct kill_options, then)},
	{'n', "dry-run", NULL, "only say who is meant", CLI_FLAG,
	 offsetof(struct kill_options, dry_run)},
	{'l', "list", NULL,
	 "list all signals, or tell names of numbers and exit statuses and "
	 "numbers of names",
	 CLI_FLAG, offsetof(struct kill_options, list)},
	{'j', "json", NULL, "with --list and --dry-run: print JSON", CLI_FLAG,
	 offsetof(struct kill_options, json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via kill TERM 4242", "ask a process to end"},
	{"via kill TERM server --timeout 5s --then KILL",
	 "end all processes called server, by KILL if need be"},
	{"via kill HUP -- -4242", "everybody in a process group"},
	{"via kill RTMIN+3 4242 --value 7", "a real-time signal with a value"},
	{"via kill --dry-run KILL --pattern '^kworker'", "who would be hit"},
	{"via kill -l 143", "what an exit status tells"},
	{0},
};

const struct verb verb_kill = {
	.name = "kill",
	.summary = "send signals, and see processes end",
	.synopsis = "[OPTION]... SIGNAL TARGET...",
	.description =
		"Send a signal to processes. SIGNAL is a name such as TERM, "
		"SIGTERM or RTMIN+3, or a number; 0 only asks whether it "
		"were possible. A TARGET is a pid, the exact name of a "
		"process, as ps -o comm shows it, or -PGID behind a -- for a "
		"process group.\n\n"
		"All targets are found and held before the first signal is "
		"sent, so none of them can be mistaken for another that gets "
		"its pid later. By names and patterns via never hits itself.",
	.options = options,
	.examples = examples,
	.operands_max = -1,
	.run = kill_run,
};
