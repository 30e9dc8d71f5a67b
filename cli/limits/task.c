/* SPDX-License-Identifier: MIT */
/* Use of processes and users: RLIMIT_. Each process may have a limit of its
 * own, so what is told is the one that is nearest to it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/limits/measure.h"
#include "inspect/collect/proc.h"

/* The soft limit in /proc/PID/limits: proc_pid_limits(5). */
static int64_t soft_limit(pid_t pid, const char *name)
{
	char path[64], text[4096], *at, *end;

	snprintf(path, sizeof(path), "/proc/%d/limits", pid);
	if (via__proc_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return VIA_UNKNOWN;
	at = strstr(text, name);
	if (!at)
		return VIA_UNKNOWN;
	at += strlen(name);
	at += strspn(at, " ");
	if (strncmp(at, "unlimited", 9) == 0)
		return LIMIT_NONE;
	unsigned long long n = strtoull(at, &end, 10);

	return end == at	   ? VIA_UNKNOWN
	       : n > INT64_MAX / 2 ? LIMIT_NONE
				   : (int64_t)n;
}

static bool counts(const struct via_process *p)
{
	return !(p->flags & VIA_PROCESS_KERNEL) && p->task.state != 'Z';
}

/* Keep the one that is nearer; true: this is it. */
static bool nearer(struct limit *best, int64_t used, int64_t limit)
{
	struct limit one = *best;

	one.used = used;
	one.limit = limit;
	if (used == VIA_UNKNOWN || limit == VIA_UNKNOWN)
		return false;
	if (best->used != VIA_UNKNOWN && limit_share(&one) <= limit_share(best))
		return false;
	*best = one;
	return true;
}

/* --- Of a process --- */

static int64_t n_descriptors(const struct via_snapshot *s,
			     const struct via_process *p)
{
	int64_t n = 0;

	if (p->hidden & VIA_HIDDEN_FDS)
		return VIA_UNKNOWN;
	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++)
		n += s->holds[i].how == VIA_HOLDS_FD;
	return n;
}

void limit_rlimit_nofile(const struct via_snapshot *s, struct limit *ret)
{
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_process *p = &s->processes[i];

		if (counts(p) &&
		    nearer(ret, n_descriptors(s, p),
			   soft_limit(p->task.pid, "Max open files")))
			limit_who_process(s, i, ret->who);
	}
}

static int64_t locked(pid_t pid)
{
	char path[64], text[4096];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (via__proc_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return VIA_UNKNOWN;
	at = strstr(text, "\nVmLck:");
	return at ? 1024 * strtoll(at + 7, NULL, 10) : VIA_UNKNOWN;
}

void limit_rlimit_memlock(const struct via_snapshot *s, struct limit *ret)
{
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_process *p = &s->processes[i];

		if (counts(p) &&
		    nearer(ret, locked(p->task.pid),
			   soft_limit(p->task.pid, "Max locked memory")))
			limit_who_process(s, i, ret->who);
	}
}

/* --- Of a user --- */

/* The user's sum against the lowest of the limits that his processes have. */
static void
nearest_user(const struct via_snapshot *s, struct limit *ret, const char *name,
	     int64_t (*used)(const struct via_snapshot *s, uid_t uid))
{
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_process *p = &s->processes[i];

		if (!counts(p))
			continue;
		if (nearer(ret, used(s, p->uid), soft_limit(p->task.pid, name)))
			limit_who_user(p->uid, ret->who);
	}
}

/* Threads count: RLIMIT_NPROC of getrlimit(2). */
static int64_t n_tasks(const struct via_snapshot *s, uid_t uid)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].uid == uid &&
		    !(s->processes[i].flags & VIA_PROCESS_KERNEL))
			n += s->processes[i].task.n_threads;
	return n;
}

void limit_rlimit_nproc(const struct via_snapshot *s, struct limit *ret)
{
	nearest_user(s, ret, "Max processes", n_tasks);
}

void limit_rlimit_sigpending(const struct via_snapshot *s, struct limit *ret)
{
	for (uint32_t i = 0; i < s->n_processes; i++) {
		const struct via_process *p = &s->processes[i];

		if (counts(p) && p->signals.queue_max &&
		    nearer(ret, (int64_t)p->signals.queued,
			   p->signals.queue_max > INT64_MAX / 2
				   ? LIMIT_NONE
				   : (int64_t)p->signals.queue_max))
			limit_who_user(p->uid, ret->who);
	}
}

/* What a queue costs, as getrlimit(2) has it: sizes of a 64-bit kernel. */
#define MSG_MSG	  48
#define TREE_NODE 48
#define PRIO_MAX  32768

static int64_t queue_bytes(const struct via_snapshot *s, uid_t uid)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];
		const struct via_ipc *ipc;

		if (o->kind != VIA_KIND_MQ || o->detail == VIA_NONE)
			continue;
		ipc = &s->ipcs[o->detail];
		if (ipc->uid != uid || ipc->message_max == VIA_UNKNOWN ||
		    o->capacity == VIA_UNKNOWN)
			continue;
		sum += o->capacity * (MSG_MSG + ipc->message_max) +
		       TREE_NODE * (o->capacity < PRIO_MAX ? o->capacity
							   : PRIO_MAX);
	}
	return sum;
}

void limit_rlimit_msgqueue(const struct via_snapshot *s, struct limit *ret)
{
	nearest_user(s, ret, "Max msgqueue size", queue_bytes);
}
