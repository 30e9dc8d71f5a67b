/* SPDX-License-Identifier: MIT */
/* What ps(1) says of a process, in its words; source: ps(1) of procps. */
#include "inspect/view/cells_ps.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "inspect/view/format.h"
#include "inspect/view/text.h"

static const struct via_process *process_of(const struct via__show *show,
					    const struct via__line *line)
{
	return &show->s->processes[line->process];
}

/* The thread that a line is about, or NULL: all of the process. */
static const struct via_thread *thread_of(const struct via__show *show,
					  const struct via__line *line)
{
	return line->thread == VIA_NONE ? NULL
					: &show->s->threads[line->thread];
}

/* --- Numbers --- */

#define OF_TASK(name, member)                                                  \
	bool name(const struct via__show *show, const struct via__line *line,  \
		  int64_t *ret)                                                \
	{                                                                      \
		*ret = (int64_t)process_of(show, line)->task.member;           \
		return true;                                                   \
	}

OF_TASK(via__ps_ppid, ppid)
OF_TASK(via__ps_pgid, pgid)
OF_TASK(via__ps_sid, sid)
OF_TASK(via__ps_tpgid, tty_pgid)
OF_TASK(via__ps_vsz, vsize / 1024)
OF_TASK(via__ps_rss, rss / 1024)
OF_TASK(via__ps_nice, nice)
OF_TASK(via__ps_threads, n_threads)

bool via__ps_tid(const struct via__show *show, const struct via__line *line,
		 int64_t *ret)
{
	const struct via_thread *t = thread_of(show, line);

	*ret = t ? t->tid : process_of(show, line)->task.pid;
	return true;
}

static uint64_t ticks_of(const struct via__show *show)
{
	uint32_t ticks = show->s->sight.ticks_per_s;

	return ticks ? ticks : 100;
}

bool via__ps_seconds(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	const struct via_task *task = &process_of(show, line)->task;

	*ret = (int64_t)((task->utime + task->stime) / ticks_of(show));
	return true;
}

bool via__ps_elapsed(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	uint64_t now = show->s->sight.boot_ticks,
		 start = process_of(show, line)->task.start;

	*ret = now > start ? (int64_t)((now - start) / ticks_of(show)) : 0;
	return now;
}

bool via__ps_started(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	const struct via_sight *sight = &show->s->sight;
	uint64_t start = process_of(show, line)->task.start;
	uint64_t ago = sight->boot_ticks > start ? sight->boot_ticks - start
						 : 0;
	/* The second in which the look was taken had so much of itself. */
	int64_t seconds = (int64_t)(ago / ticks_of(show)) +
			  (ago % ticks_of(show) > sight->taken_ticks);

	return sight->boot_ticks &&
	       !__builtin_sub_overflow(sight->taken, seconds, ret);
}

/* --- Words --- */

/* Thousandths, cut to one digit, as ps does. */
static void put_percent(struct via__out *out, uint64_t part, uint64_t whole)
{
	double thousandths = whole ? (double)part * 1000 / (double)whole : 0;
	uint64_t n = thousandths < 1e9 ? (uint64_t)thousandths : 999999999;

	via__out_print(out, "%" PRIu64 ".%" PRIu64, n / 10, n % 10);
}

void via__ps_cpu(const struct via__show *show, const struct via__line *line,
		 struct via__out *out)
{
	const struct via_task *task = &process_of(show, line)->task;
	uint64_t now = show->s->sight.boot_ticks;

	put_percent(out, task->utime + task->stime,
		    now > task->start ? now - task->start : 0);
}

void via__ps_mem(const struct via__show *show, const struct via__line *line,
		 struct via__out *out)
{
	put_percent(out, process_of(show, line)->task.rss,
		    show->s->sight.memory);
}

/* The kernel's encoding, and the names of devices.txt. */
void via__ps_tty(const struct via__show *show, const struct via__line *line,
		 struct via__out *out)
{
	uint32_t tty = process_of(show, line)->task.tty;
	uint32_t major = tty >> 8 & 0xfff,
		 minor = (tty & 0xff) | (tty >> 12 & 0xfff00);

	if (major >= 136 && major <= 143)
		via__out_print(out, "pts/%" PRIu32,
			       minor + (major - 136) * 256);
	else if (major == 4)
		via__out_print(out, minor < 64 ? "tty%" PRIu32 : "ttyS%" PRIu32,
			       minor < 64 ? minor : minor - 64);
	else if (!tty)
		via__out_print(out, "?");
	else
		via__out_print(out, "%" PRIu32 ":%" PRIu32, major, minor);
}

void via__ps_stat(const struct via__show *show, const struct via__line *line,
		  struct via__out *out)
{
	const struct via_task *task = &process_of(show, line)->task;
	const struct via_thread *t = thread_of(show, line);
	char state = t ? t->state : task->state;

	/* What was loaded may lack it. */
	via__out_bytes(out, state ? &state : "?", 1, NULL);
	via__out_print(out, "%s%s%s%s",
		       task->nice < 0	? "<"
		       : task->nice > 0 ? "N"
					: "",
		       task->sid == task->pid ? "s" : "",
		       task->n_threads > 1 ? "l" : "",
		       task->pgid == task->tty_pgid && task->pgid ? "+" : "");
}

/* The time of day, or the day if that is more than one ago. */
void via__ps_start(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	int64_t started, elapsed;
	struct tm tm;
	char text[32];

	if (!via__ps_started(show, line, &started) ||
	    !via__ps_elapsed(show, line, &elapsed))
		return;
	time_t when = (time_t)started;

	if (localtime_r(&when, &tm) &&
	    strftime(text, sizeof(text), elapsed > 86400 ? "%b%d" : "%H:%M",
		     &tm))
		via__out_bytes(out, text, strlen(text), NULL);
}

void via__ps_age(const struct via__show *show, const struct via__line *line,
		 struct via__out *out)
{
	int64_t s;

	if (via__ps_elapsed(show, line, &s) && s < INT64_MAX / 1000000000)
		via__put_duration(out, s * 1000000000, show->exact);
}

void via__ps_time(const struct via__show *show, const struct via__line *line,
		  struct via__out *out)
{
	int64_t s;

	if (via__ps_seconds(show, line, &s))
		via__out_print(out, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
}

static void put_path(const struct via__show *show, struct via__out *out,
		     uint32_t text)
{
	size_t len;
	const char *bytes = via_snapshot_text(show->s, text, &len);

	via__out_bytes(out, bytes, len, NULL);
}

void via__ps_exe(const struct via__show *show, const struct via__line *line,
		 struct via__out *out)
{
	put_path(show, out, process_of(show, line)->exe);
}

void via__ps_cwd(const struct via__show *show, const struct via__line *line,
		 struct via__out *out)
{
	put_path(show, out, process_of(show, line)->cwd);
}

void via__ps_command(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	if (line->thread == VIA_NONE || !show->tree) {
		via__cell_command(show, line, out);
		return;
	}
	via__out_print(out, "{");
	via__cell_comm(show, line, out);
	via__out_print(out, "}");
}

/* --- Waits --- */

/* The threads that a line is about: in a tree the others have lines below. */
struct run {
	uint32_t at, end;
};

static struct run threads_of(const struct via__show *show,
			     const struct via__line *line)
{
	const struct via_process *p = process_of(show, line);
	struct run all = {p->first_thread, p->first_thread + p->n_threads};

	if (line->thread != VIA_NONE)
		return (struct run){line->thread, line->thread + 1};
	for (uint32_t i = all.at; show->threads && i < all.end; i++)
		if (show->s->threads[i].tid == p->task.pid)
			return (struct run){i, i + 1};
	return all;
}

void via__ps_wchan(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	struct run run = threads_of(show, line);

	if (run.at < run.end)
		put_path(show, out, show->s->threads[run.at].wchan);
}

/* The least of all threads: as long as one runs, the process does. */
bool via__ps_since_ns(const struct via__show *show,
		      const struct via__line *line, int64_t *ret)
{
	struct run run = threads_of(show, line);

	*ret = INT64_MAX;
	for (uint32_t i = run.at; i < run.end; i++)
		if (show->s->threads[i].since_ns < *ret)
			*ret = show->s->threads[i].since_ns;
	return run.at < run.end && *ret != VIA_UNKNOWN;
}

void via__ps_since(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	int64_t ns;

	if (via__ps_since_ns(show, line, &ns))
		via__put_duration(out, ns, show->exact);
}

/* Whether a thread waits for something that one before it in the run does not
 * wait for. */
static bool is_new(const struct via_snapshot *s, uint32_t first,
		   uint32_t thread)
{
	const struct via_wait *w = &s->waits[s->threads[thread].first_wait];

	for (uint32_t i = first; i < thread; i++) {
		const struct via_wait *v = &s->waits[s->threads[i].first_wait];

		if (s->threads[i].n_waits && v->op == w->op &&
		    v->object == w->object && v->on_process == w->on_process &&
		    v->on_thread == w->on_thread)
			return false;
	}
	return true;
}

static void put_thread(const struct via__show *show, struct via__out *out,
		       const struct via_thread *t)
{
	via__put_wait(out, show->s, &show->s->waits[t->first_wait]);
	if (t->n_waits > 1)
		via__out_print(out, " +%" PRIu32, t->n_waits - 1);
	if (t->since_ns == VIA_UNKNOWN)
		return;
	via__out_print(out, " ");
	via__put_duration(out, t->since_ns, show->exact);
}

/* With very many threads it is not worth comparing them all. */
#define COMPARED_MAX 64

void via__ps_waits(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	struct run run = threads_of(show, line);
	size_t n = 0;

	for (uint32_t i = run.at; i < run.end; i++) {
		uint32_t first = i - run.at > COMPARED_MAX ? i - COMPARED_MAX
							   : run.at;

		if (!show->s->threads[i].n_waits || !is_new(show->s, first, i))
			continue;
		via__out_print(out, "%s", n ? "\n" : "");
		if (show->items_max && n == show->items_max) {
			via__out_print(out, "...");
			return;
		}
		n++;
		put_thread(show, out, &show->s->threads[i]);
	}
}

json_t *via__ps_waits_json(const struct via__show *show,
			   const struct via__line *line)
{
	struct run run = threads_of(show, line);
	json_t *list = json_array();

	for (uint32_t i = run.at; list && i < run.end; i++) {
		const struct via_thread *t = &show->s->threads[i];

		for (uint32_t k = 0; list && k < t->n_waits; k++) {
			const struct via_wait *w =
				&show->s->waits[t->first_wait + k];

			if (via__append(list, via__wait_json(show->s, w)) < 0) {
				json_decref(list);
				list = NULL;
			}
		}
	}
	return list;
}
