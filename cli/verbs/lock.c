/* SPDX-License-Identifier: MIT */
/* via lock: run a command with a lock held, or show who has it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>
#include <via/via.h>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/processes.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "inspect/collect/proc.h"

struct lock_options {
	bool shared, no_wait, inherit, json;
	int64_t timeout_ns;
	uint64_t exit_code;
	const char *on_owner_death;
};

static const char *const mode_names[] = {
	[VIA_LOCK_EXCLUSIVE] = "exclusive",
	[VIA_LOCK_SHARED] = "shared",
};

/* --- Who has it --- */

/* Its name, or "" when it is gone, hidden or not known. */
static const char *name_of(pid_t pid, struct via_task *task)
{
	int dir = pid > 0 ? via__proc_open(pid) : -1;

	task->comm[0] = '\0';
	if (dir < 0)
		return "";
	if (via__proc_task(dir, pid, task) < 0)
		task->comm[0] = '\0';
	close(dir);
	return task->comm;
}

static json_t *parties_json(const struct via_lock_party *parties,
			    unsigned int n)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < n && i < VIA_LOCK_SHOWN; i++) {
		struct via_task task;
		pid_t pid = parties[i].pid;
		json_t *id = pid ? json_integer(pid) : json_null();
		json_t *o = json_pack("{so ss}", "pid", id, "mode",
				      mode_names[parties[i].mode]);
		const char *comm = name_of(pid, &task);

		(void)cli_json_set_bytes(o, "comm", "comm_base64", comm,
					 strlen(comm));
		json_array_append_new(list, o);
	}
	return list;
}

static int print_json(const char *url, const struct via_lock *lock,
		      const struct via_lock_view *view)
{
	json_t *all = json_pack("{ss ss sI so sI so}", "url", url, "kind",
				via_lock_kind_of(lock)->scheme, "n_holders",
				(json_int_t)view->n_holders, "holders",
				parties_json(view->holders, view->n_holders),
				"n_waiters", (json_int_t)view->n_waiters,
				"waiters",
				parties_json(view->waiters, view->n_waiters));

	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

static void add_parties(struct libscols_table *table, const char *does,
			const struct via_lock_party *parties, unsigned int n)
{
	for (unsigned int i = 0; i < n && i < VIA_LOCK_SHOWN; i++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		struct via_task task;
		char pid[16] = "?", name[PROCESS_NAME_MAX];

		(void)name_of(parties[i].pid, &task);
		if (parties[i].pid)
			snprintf(pid, sizeof(pid), "%d", parties[i].pid);
		scols_line_set_data(line, 0, does);
		scols_line_set_data(line, 1, pid);
		scols_line_set_data(line, 2, mode_names[parties[i].mode]);
		scols_line_set_data(line, 3, process_name(&task, name));
	}
}

static int print_table(const struct via_lock_view *view)
{
	static const struct cli_column columns[] = {
		{"WHO"}, {"PID"}, {"MODE"}, {"COMM"}, {0},
	};

	if (view->n_holders + view->n_waiters == 0) {
		puts("nobody holds it");
		return CLI_YES;
	}
	struct libscols_table *table = cli_table(columns);

	if (table) {
		add_parties(table, "holds", view->holders, view->n_holders);
		add_parties(table, "waits", view->waiters, view->n_waiters);
	}
	return cli_table_print(table, 0);
}

static int look(const char *url, const struct lock_options *o)
{
	struct via_lock *lock;
	struct via_lock_view view;
	struct via_error err;

	cli_expect_cut(url);
	if (via_lock_open(url, 0, &lock, &err) < 0)
		return cli_error("%s", err.text);

	int status = via_lock_look(lock, &view, &err) < 0
			     ? cli_error("%s", err.text)
		     : o->json ? print_json(url, lock, &view)
			       : print_table(&view);

	via_lock_close(lock);
	return status;
}

/* --- Running a command --- */

/* What keeps the lock in the child; -1: nothing. */
static int inherited_fd(const char *url, const struct via_lock *lock,
			const struct lock_options *o)
{
	if (!o->inherit)
		return -1;
	if (via_lock_fd(lock) < 0)
		cli_usage("--inherit: %s does not pass to another process; "
			  "flock: and ofd: do",
			  url);
	return via_lock_fd(lock);
}

/* The command's waits are ours: where deadlocks are looked for, we are to be
 * found among those that it waits for. */
static void tell_command(const struct via_lock *lock)
{
	const char *outer = getenv("VIA_LOCK_FOR");
	char all[256];

	if (!(via_lock_kind_of(lock)->abilities & VIA_LOCK_DETECTS))
		return;
	snprintf(all, sizeof(all), "%d%s%s", getpid(), outer ? "," : "",
		 outer ? outer : "");
	setenv("VIA_LOCK_FOR", all, 1);
}

/* With the lock, which is let go unless its last holder died with it and this
 * is not repaired: then it is let go by our end, and the next one is told. */
static int run_locked(struct via_lock *lock, bool owner_died, char **command,
		      int fd, const struct lock_options *o)
{
	if (owner_died && strcmp(o->on_owner_death, "fail") == 0)
		return (int)o->exit_code;

	tell_command(lock);

	int status = cli_run_command(command, fd);

	if (owner_died && status == 0)
		(void)via_lock_consistent(lock); /* it was not */
	return status;
}

static int run(const char *url, char **command, const struct lock_options *o)
{
	struct via_lock *lock;
	struct via_sync_report report = {0};

	cli_expect_cut(url);
	if (via_lock_open(url, VIA_LOCK_CREATE, &lock, &report.error) < 0)
		return cli_error("%s", report.error.text);

	int fd = inherited_fd(url, lock, o);
	int r = via_lock_take(
		lock, o->shared ? VIA_LOCK_SHARED : VIA_LOCK_EXCLUSIVE,
		o->no_wait ? VIA_NO_WAIT : via_deadline(o->timeout_ns),
		&report);
	int status = r == -EAGAIN || r == -ETIMEDOUT ? (int)o->exit_code
						     : CLI_FAILED;

	if (r < 0)
		(void)cli_error("%s", report.error.text);
	if (r == 0 || r == -EOWNERDEAD)
		status = run_locked(lock, r == -EOWNERDEAD, command, fd, o);
	via_lock_close(lock);
	return status;
}

static int lock_run(int argc, char **argv)
{
	struct lock_options o = {.timeout_ns = -1,
				 .exit_code = CLI_FAILED,
				 .on_owner_death = "run"};
	char **command = cli_cut_command(&argc, argv);
	int first = cli_options(&verb_lock, argc, argv, &o);

	if (o.no_wait && o.timeout_ns >= 0)
		cli_usage("--no-wait and --timeout exclude each other");
	if (o.exit_code > 255)
		cli_usage("--exit-code=%" PRIu64 ": at most 255", o.exit_code);
	if (strcmp(o.on_owner_death, "run") != 0 &&
	    strcmp(o.on_owner_death, "fail") != 0)
		cli_usage("--on-owner-death=%s: run or fail", o.on_owner_death);
	if (command && o.json)
		cli_usage("--json goes without a command");
	return command ? run(argv[first], command, &o) : look(argv[first], &o);
}

#define MEMBER(name) offsetof(struct lock_options, name)

static const struct verb_option options[] = {
	{'s', "shared", NULL, "hold it together with others who share it",
	 CLI_FLAG, MEMBER(shared)},
	{'t', "timeout", "DURATION", "wait no longer than that for the lock",
	 CLI_DURATION, MEMBER(timeout_ns)},
	{'n', "no-wait", NULL, "fail at once if somebody else holds it",
	 CLI_FLAG, MEMBER(no_wait)},
	{'E', "exit-code", "N",
	 "exit status if the lock could not be had in time; initially 1",
	 CLI_NUMBER, MEMBER(exit_code)},
	{'i', "inherit", NULL,
	 "let the command, and what it leaves running, hold the lock too",
	 CLI_FLAG, MEMBER(inherit)},
	{0, "on-owner-death", "run|fail",
	 "what to do if the holder before died with the lock; initially run",
	 CLI_TEXT, MEMBER(on_owner_death)},
	{'j', "json", NULL, "print who has it as JSON", CLI_FLAG, MEMBER(json)},
	{0},
};

static const struct verb_example examples[] = {
	{"via lock flock:/run/backup.lock -- rsync -a /home backup:",
	 "one backup at a time"},
	{"via lock -n -E 75 flock:/tmp/x -- make",
	 "not now? then exit with status 75"},
	{"via lock --shared -t 5s ofd:app.db#0-99 -- sqlite3 app.db .dump",
	 "together with other readers"},
	{"via lock flock:/run/backup.lock", "who has it and who waits"},
	{0},
};

const struct verb verb_lock = {
	.name = "lock",
	.summary = "run a command with a lock held",
	.synopsis = "[OPTION]... KIND:NAME [--] [COMMAND] [ARG]...",
	.description =
		"Take the lock, run what follows -- and let the lock go when "
		"that ends. The exit status is the command's: 128 + n if "
		"signal n ended it, 126 if it cannot be run, 127 if it is not "
		"there.\n\n"
		"Without a command, show who holds the lock and who waits for "
		"it.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = 1,
	.run = lock_run,
};
