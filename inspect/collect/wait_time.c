/* SPDX-License-Identifier: MIT */
/* Until when a call waits: its timeout, from its arguments and the process'
 * memory. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

#include "inspect/collect/memory.h"
#include "inspect/collect/wait.h"

#define NS_PER_S INT64_C(1000000000)
/* Longer than anybody waits, and safe to add to: some 146 years. */
#define S_MAX (INT64_MAX / NS_PER_S / 2)

static int64_t to_ns(int64_t s, int64_t ns)
{
	if (s < 0 || ns < 0)
		return 0;
	return s < S_MAX ? s * NS_PER_S + ns % NS_PER_S : S_MAX * NS_PER_S;
}

/* A timespec or timeval in its memory; VIA_UNKNOWN: not to be read. */
static int64_t read_time(const struct via__blocked *b, uint64_t address,
			 int64_t ns_per_part)
{
	int64_t parts[2];

	if (!via__memory_all(b->pid, address, parts, sizeof(parts)))
		return VIA_UNKNOWN;
	return to_ns(parts[0], ns_per_part * (parts[1] % NS_PER_S));
}

/* An absolute time: what is left of it now, and what has passed already. */
static int64_t read_deadline(const struct via__blocked *b, uint64_t address,
			     clockid_t clock)
{
	int64_t at = read_time(b, address, 1);
	int64_t since = b->s->threads[b->thread].since_ns;
	struct timespec now;

	if (at == VIA_UNKNOWN || clock_gettime(clock, &now) < 0)
		return VIA_UNKNOWN;
	at -= to_ns(now.tv_sec, now.tv_nsec);
	at += since > 0 && since < S_MAX * NS_PER_S ? since : 0;
	return at > 0 ? at : 0;
}

static int64_t of_futex(const struct via__blocked *b, uint64_t address)
{
	clockid_t clock = b->call.args[1] & FUTEX_CLOCK_REALTIME
				  ? CLOCK_REALTIME
				  : CLOCK_MONOTONIC;

	switch (b->call.args[1] & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
		return read_time(b, address, 1);
	case FUTEX_LOCK_PI:
		clock = CLOCK_REALTIME;
		break;
	}
	return read_deadline(b, address, clock);
}

static int64_t of_sleep(const struct via__blocked *b, uint64_t address)
{
	return b->call.args[1] & TIMER_ABSTIME
		       ? read_deadline(b, address, (clockid_t)b->call.args[0])
		       : read_time(b, address, 1);
}

/* What goes on after SIGSTOP is nanosleep(2), or clock_nanosleep(2) with the
 * number of a clock before its time; that of an absolute time starts anew. */
static int64_t of_restarted_sleep(const struct via__blocked *b)
{
	uint64_t first = b->call.args[0];

	return read_time(b, first < 16 ? b->call.args[2] : first, 1);
}

int64_t via__call_left(const struct via__blocked *b)
{
	const struct via__call *row = b->row;
	uint64_t arg = row->time >= 0 ? b->call.args[row->time] : 0;
	int64_t ms = (int)arg;

	if (b->call.nr == SYS_restart_syscall && row->nr == SYS_nanosleep)
		return of_restarted_sleep(b);
	switch ((enum via__until)row->until) {
	case VIA__UNTIL_MS:
		return ms < 0 ? -1 : ms * (NS_PER_S / 1000);
	case VIA__UNTIL_PERHAPS:
		return VIA_UNKNOWN;
	/* What kind of file it is says more: wait_fd.c. */
	case VIA__UNTIL_SOCKET:
	case VIA__UNTIL_NEVER:
		return -1;
	default:
		break;
	}
	if (!arg)
		return -1;
	switch ((enum via__until)row->until) {
	case VIA__UNTIL_TIMEVAL:
		return read_time(b, arg, 1000);
	case VIA__UNTIL_REALTIME:
		return read_deadline(b, arg, CLOCK_REALTIME);
	case VIA__UNTIL_FUTEX:
		return of_futex(b, arg);
	case VIA__UNTIL_CLOCK:
		return read_deadline(b, arg,
				     (clockid_t)b->call.args[row->time + 1]);
	case VIA__UNTIL_SLEEP:
		return of_sleep(b, arg);
	default:
		return read_time(b, arg, 1);
	}
}
