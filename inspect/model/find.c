/* SPDX-License-Identifier: MIT */
/* Finding records, and the names of values. */
#include "inspect/model/build.h"

uint32_t via_snapshot_process(const struct via_snapshot *s, pid_t pid)
{
	uint32_t low = 0, high = s->n_processes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->processes[middle].task.pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n_processes && s->processes[low].task.pid == pid
		       ? low
		       : VIA_NONE;
}

uint32_t via_snapshot_thread(const struct via_snapshot *s, pid_t tid)
{
	for (uint32_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].tid == tid)
			return i;
	return VIA_NONE;
}

uint32_t via_snapshot_fd(const struct via_snapshot *s, uint32_t process, int fd)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = p->first_hold; i < p->first_hold + p->n_holds; i++)
		if (s->holds[i].how == VIA_HOLDS_FD && s->holds[i].id == fd)
			return i;
	return VIA_NONE;
}

static const struct {
	const char *name, *unit, *summary;
} kinds[VIA_N_KINDS + 1] = {
#define VIA_KIND_ROW(NAME, name, unit, summary) {name, unit, summary},
	VIA_KINDS(VIA_KIND_ROW)
#undef VIA_KIND_ROW
		{"", "", ""},
};

#define BEYOND(value, n) ((unsigned int)(value) < (n) ? (value) : (n))

const char *via_kind_name(enum via_kind kind)
{
	return kinds[BEYOND(kind, VIA_N_KINDS)].name;
}

const char *via_kind_unit(enum via_kind kind)
{
	return kinds[BEYOND(kind, VIA_N_KINDS)].unit;
}

const char *via_kind_summary(enum via_kind kind)
{
	return kinds[BEYOND(kind, VIA_N_KINDS)].summary;
}

const char *via_op_name(enum via_op op)
{
	static const char *const names[VIA_N_OPS + 1] = {
		[VIA_OP_READ] = "read",
		[VIA_OP_WRITE] = "write",
		[VIA_OP_OPEN] = "open",
		[VIA_OP_ACCEPT] = "accept",
		[VIA_OP_CONNECT] = "connect",
		[VIA_OP_LOCK] = "lock",
		[VIA_OP_WAKE] = "wake",
		[VIA_OP_CHILD] = "child",
		[VIA_OP_JOIN] = "join",
		[VIA_OP_SIGNAL] = "signal",
		[VIA_OP_TIME] = "time",
		[VIA_OP_EVENT] = "event",
		[VIA_OP_ANSWER] = "answer",
		[VIA_OP_UNKNOWN] = "unknown",
		[VIA_N_OPS] = "",
	};

	return names[BEYOND(op, VIA_N_OPS)];
}

const char *via_verdict_name(enum via_verdict verdict)
{
	static const char *const names[VIA_N_VERDICTS + 1] = {
		[VIA_VERDICT_RUNNING] = "running",
		[VIA_VERDICT_IDLE] = "idle",
		[VIA_VERDICT_WAITING] = "waiting",
		[VIA_VERDICT_STUCK] = "stuck",
		[VIA_VERDICT_DEADLOCK] = "deadlock",
		[VIA_VERDICT_ORPHANED] = "orphaned",
		[VIA_VERDICT_UNKNOWN] = "unknown",
		[VIA_N_VERDICTS] = "",
	};

	return names[BEYOND(verdict, VIA_N_VERDICTS)];
}

uint32_t via__first_link(const struct via_snapshot *s, uint32_t from)
{
	uint32_t low = 0, high = s->n_links;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->links[middle].from < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
