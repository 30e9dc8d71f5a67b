/* SPDX-License-Identifier: MIT */
/* A pipeline for a person: a line for each stage and each pipe it writes. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "cli/numbers.h"
#include "cli/run/run.h"
#include "inspect/diagnose/bottleneck.h"

/* Columns of a command in the summary, and in a sentence. */
#define COMMAND_LONG  48
#define COMMAND_SHORT 30

/* The summary leaves out what took less of the time. */
#define SHARE_MIN 0.05

/* --- Names --- */

/* What a terminal prints of a command, up to max columns of it. */
static void print_text(FILE *f, const char *text, int max)
{
	mbstate_t state = {0};
	wchar_t c;

	while (*text && max > 0) {
		size_t n = mbrtowc(&c, text, MB_LEN_MAX, &state);
		bool valid = n <= MB_LEN_MAX;

		if (valid && iswprint((wint_t)c))
			fprintf(f, "%.*s", (int)n, text);
		else
			putc('?', f);
		if (!valid)
			state = (mbstate_t){0};
		max -= valid && wcwidth(c) > 1 ? 2 : 1;
		text += valid ? n : 1;
	}
}

static const struct via_stage *parent_of(const struct via_pipe_graph *p,
					 const struct via_stage *s)
{
	for (size_t i = 0; i < p->n_stages; i++)
		if (p->stages[i].task.pid == s->task.ppid)
			return &p->stages[i];
	return NULL;
}

static void print_command(FILE *f, const struct via_pipe_graph *p,
			  const struct via_stage *s, int max)
{
	const struct via_stage *parent = parent_of(p, s);

	/* A shell that has forked shows the same line again. */
	if (parent && strcmp(parent->command, s->command) == 0)
		fprintf(f, "(subshell)");
	else
		print_text(f, s->command, max);
}

static const struct {
	long nr;
	const char *word;
} waits[] = {
	{SYS_read, "reading"},	       {SYS_readv, "reading"},
	{SYS_write, "writing"},	       {SYS_writev, "writing"},
	{SYS_nanosleep, "sleeping"},   {SYS_clock_nanosleep, "sleeping"},
	{SYS_ppoll, "polling"},	       {SYS_pselect6, "polling"},
	{SYS_epoll_pwait, "polling"},  {SYS_futex, "futex"},
	{SYS_recvfrom, "socket"},      {SYS_recvmsg, "socket"},
	{SYS_sendto, "socket"},	       {SYS_sendmsg, "socket"},
	{SYS_accept, "socket"},	       {SYS_accept4, "socket"},
	{SYS_connect, "socket"},       {SYS_flock, "lock"},
	{SYS_rt_sigsuspend, "signal"}, {SYS_rt_sigtimedwait, "signal"},
	{SYS_splice, "splicing"},
#ifdef SYS_poll /* not on newer architectures */
	{SYS_poll, "polling"},	       {SYS_select, "polling"},
	{SYS_epoll_wait, "polling"},   {SYS_pause, "signal"},
#endif
};

static const char *doing(const struct via_stage *s)
{
	static const char *const words[VIA_DOINGS] = {
		[VIA_RUNNING] = "running",   [VIA_DISK] = "disk",
		[VIA_WRITING] = "pipe full", [VIA_READING] = "pipe empty",
		[VIA_CHILD] = "child",	     [VIA_WAITING] = "waiting",
		[VIA_STOPPED] = "stopped",   [VIA_HIDDEN] = "unknown",
		[VIA_ENDED] = "ended",
	};

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		if (s->doing == VIA_WAITING && waits[i].nr == s->nr)
			return waits[i].word;
	return words[s->doing];
}

/* --- Which lines --- */

/* Seconds that it was seen to live. */
static double lived(const struct via_stage *s)
{
	double sum = 0;

	for (int d = 0; d < VIA_ENDED; d++)
		sum += s->whole[d];
	return sum;
}

/* The pipes of ours that a stage writes: the next one from index from on. */
static const struct via_pipe *written(const struct via_pipe_graph *p,
				      const struct via_stage *s, size_t *from)
{
	while (*from < p->n_pipes) {
		const struct via_pipe *pipe = &p->pipes[(*from)++];

		if (!pipe->outside && via__holds(s, pipe->id, true))
			return pipe;
	}
	return NULL;
}

/* A shell that only waits for what it has started is not worth a line. */
static bool only_waits(const struct via_pipe_graph *p,
		       const struct via_stage *s)
{
	return s->whole[VIA_CHILD] > 0 && p->n_stages > 1 &&
	       !via__has_pipes(p, s);
}

/* --- Verdicts --- */

static void print_name(FILE *f, const struct via_pipe_graph *p,
		       const struct via_stage *s)
{
	print_command(f, p, s, COMMAND_SHORT);
	fprintf(f, " (%d)", s->task.pid);
}

void run_ring(FILE *f, const struct via_pipe_graph *p, const size_t *ring,
	      int n)
{
	static const char *const before[VIA_DOINGS] = {
		[VIA_READING] = "waits for data from",
		[VIA_WRITING] = "waits for room, to be made by",
		[VIA_CHILD] = "waits for the end of",
	};

	for (int i = 0; i < n; i++) {
		const struct via_stage *s = &p->stages[ring[i]];

		fprintf(f, i ? "       " : "stuck: ");
		print_name(f, p, s);
		fprintf(f, " %s ", before[s->doing]);
		if (n == 1)
			fprintf(f, "itself alone");
		else
			print_name(f, p, &p->stages[ring[(i + 1) % n]]);
		putc('\n', f);
	}
}

static const struct via_stage *child_of(const struct via_pipe_graph *p,
					const struct via_stage *s)
{
	for (size_t i = p->n_stages; i-- > 0;)
		if (p->stages[i].task.ppid == s->task.pid)
			return &p->stages[i];
	return NULL;
}

/* Two lines: who and why, and what the pipes say to that. */
static void print_bottleneck(FILE *f, const struct via_pipe_graph *p,
			     enum via_span span)
{
	static const char *const why[VIA_DOINGS] = {
		[VIA_RUNNING] = "running",
		[VIA_DISK] = "waiting for storage",
		[VIA_CHILD] = "waiting for a child",
		[VIA_WAITING] = "waiting, not for a pipe,",
		[VIA_STOPPED] = "stopped",
	};
	struct via_bottleneck b = via__bottleneck(p, span);
	const struct via_stage *child = b.stage && b.why == VIA_CHILD
						? child_of(p, b.stage)
						: NULL;

	fprintf(f, "bottleneck: ");
	if (!b.stage) {
		fprintf(f, "none stands out\n\n");
		return;
	}
	print_name(f, p, b.stage);
	fprintf(f, ": %s %.0f%% of the time\n           ",
		b.why == b.stage->doing ? doing(b.stage) : why[b.why],
		100 * b.share);
	if (child) {
		fprintf(f, " the child is ");
		print_name(f, p, child);
		fputs(b.input_full >= 0 || b.output_empty >= 0 ? ";" : "", f);
	}
	if (b.input_full >= 0)
		fprintf(f, " its input is full %.0f%%", 100 * b.input_full);
	if (b.output_empty >= 0)
		fprintf(f, "%s its output is empty %.0f%%",
			b.input_full >= 0 ? "," : "", 100 * b.output_empty);
	putc('\n', f);
}

/* --- Live --- */

static void print_level(FILE *f, const struct via_pipe *pipe)
{
	char fill[16], capacity[16], rate[16], bytes[16], level[40];

	snprintf(level, sizeof(level), "%s/%s", cli_binary(pipe->fill, fill),
		 cli_binary(pipe->capacity, capacity));
	fprintf(f, " %9s", pipe->level_known ? level : "-");
	if (pipe->bytes_known)
		fprintf(f, " %6s/s %6s", cli_decimal(pipe->rate, rate),
			cli_decimal((double)pipe->bytes, bytes));
	else
		fprintf(f, " %8s %6s", "-", "-");
}

static int print_stage(FILE *f, const struct via_pipe_graph *p,
		       const struct via_stage *s, int lines_max)
{
	size_t from = 0;
	const struct via_pipe *pipe = written(p, s, &from);
	char mem[16];
	int n = 1;

	fprintf(f, "%7d %4.0f%% %6s %-10s", s->task.pid, 100 * s->cpu,
		cli_binary(s->task.rss, mem), doing(s));
	if (pipe)
		print_level(f, pipe);
	else
		fprintf(f, " %9s %8s %6s", "", "", "");
	fprintf(f, "  ");
	print_command(f, p, s, VIA_COMMAND_MAX);
	putc('\n', f);
	for (; n < lines_max && (pipe = written(p, s, &from)); n++) {
		fprintf(f, "%31s", "");
		print_level(f, pipe);
		putc('\n', f);
	}
	return n;
}

void run_live(FILE *f, const struct via_pipe_graph *p, const char *stuck,
	      int lines_max)
{
	int left = lines_max - 3;

	fprintf(f, "    PID  CPU%%    MEM DOING           PIPE     RATE  TOTAL"
		   "  COMMAND\n");
	for (size_t i = 0; i < p->n_stages && left > 0; i++)
		if (p->stages[i].doing != VIA_ENDED &&
		    !only_waits(p, &p->stages[i]))
			left -= print_stage(f, p, &p->stages[i], left);
	if (stuck)
		fputs(stuck, f);
	else
		print_bottleneck(f, p, VIA_RECENTLY);
}

/* --- Summary --- */

/* Of the time that it lived. */
static int percent(const struct via_stage *s, enum via_doing what)
{
	double all = lived(s);

	return all > 0 ? (int)lround(100 * s->whole[what] / all) : 0;
}

static void print_whole(FILE *f, const struct via_pipe_graph *p,
			const struct via_stage *s)
{
	size_t from = 0;
	const struct via_pipe *pipe = written(p, s, &from);
	char mem[16], bytes[16];
	double cpu = (double)(s->task.utime + s->task.stime) /
		     (double)sysconf(_SC_CLK_TCK);
	int run = percent(s, VIA_RUNNING), in = percent(s, VIA_READING),
	    out = percent(s, VIA_WRITING);

	fprintf(f, "%7d %6.2fs %6s %4d%% %4d%% %4d%% %4d%%", s->task.pid, cpu,
		cli_binary(s->rss_max, mem), run, in, out,
		run + in + out < 100 ? 100 - run - in - out : 0);
	if (pipe && pipe->seen_s > 0)
		fprintf(f, " %4.0f%% %4.0f%%",
			100 * pipe->full_s / pipe->seen_s,
			100 * pipe->empty_s / pipe->seen_s);
	else
		fprintf(f, " %5s %5s", "", "");
	fprintf(f, " %6s  ",
		pipe && pipe->bytes_known
			? cli_decimal((double)pipe->bytes, bytes)
			: "");
	print_command(f, p, s, COMMAND_LONG);
	putc('\n', f);
}

void run_summary(FILE *f, const struct via_pipe_graph *p,
		 const struct run_end *end)
{
	fprintf(f, "%s: %s %d after %.2f s\n", program_invocation_short_name,
		end->signalled ? "killed by signal" : "exit status",
		end->status, end->seconds);
	if (p->n_stages == 0)
		return;
	fprintf(f, "    PID     CPU    MEM   RUN    IN   OUT  ELSE  FULL EMPTY"
		   "  TOTAL  COMMAND\n");
	for (size_t i = 0; i < p->n_stages; i++)
		if (lived(&p->stages[i]) >= SHARE_MIN * p->seconds &&
		    !only_waits(p, &p->stages[i]))
			print_whole(f, p, &p->stages[i]);
	if (end->stuck)
		fputs(end->stuck, f);
	else if (p->n_pipes > 0)
		print_bottleneck(f, p, VIA_WHOLE_RUN);
}

void run_rate(FILE *f, const struct via_pipe_graph *p)
{
	const struct via_pipe *last = NULL;
	char bytes[16], rate[16], average[16];

	for (size_t i = 0; i < p->n_pipes; i++)
		if (p->pipes[i].bytes_known)
			last = &p->pipes[i];
	if (last)
		fprintf(f, "%sB %.1fs [%sB/s, average %sB/s]",
			cli_decimal((double)last->bytes, bytes), p->seconds,
			cli_decimal(last->rate, rate),
			cli_decimal(p->seconds > 0
					    ? (double)last->bytes / p->seconds
					    : 0,
				    average));
	else
		fprintf(f, "no pipe whose bytes are known");
}
