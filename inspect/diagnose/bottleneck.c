/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/bottleneck.h"

/* Below this the others hardly wait for it. */
#define SCORE_MIN 0.3
/* The second must be behind by so much, or none stands out. */
#define RIVAL 0.9

static const enum via_doing busy_with[] = {VIA_RUNNING, VIA_DISK, VIA_CHILD,
					   VIA_WAITING, VIA_STOPPED};
#define N_BUSY (sizeof(busy_with) / sizeof(*busy_with))

static double share_of(const struct via_pipe_graph *p,
		       const struct via_stage *s, enum via_doing doing,
		       enum via_span span)
{
	if (span == VIA_RECENTLY)
		return s->recent[doing];
	return p->seconds > 0 ? s->whole[doing] / p->seconds : 0;
}

/* How much of the time something is known of it. */
static double known_share(const struct via_pipe_graph *p,
			  const struct via_stage *s, enum via_span span)
{
	double sum = 0;

	for (int d = 0; d < VIA_DOINGS; d++)
		sum += share_of(p, s, d, span);
	return sum;
}

static double of_pipe(const struct via_pipe *pipe, double recently,
		      double seconds, enum via_span span)
{
	if (span == VIA_RECENTLY)
		return recently;
	return pipe->seen_s > 0 ? seconds / pipe->seen_s : 0;
}

/*
 * The stage's pipes at one side: the share of the time that the fullest
 * (emptiest) of them was full (empty), -1 without a pipe whose level is known.
 */
static double worst(const struct via_pipe_graph *p, const struct via_stage *s,
		    bool output, bool full, enum via_span span)
{
	double most = -1;

	for (size_t i = 0; i < p->n_pipes; i++) {
		const struct via_pipe *pipe = &p->pipes[i];
		double share = full ? of_pipe(pipe, pipe->recent_full,
					      pipe->full_s, span)
				    : of_pipe(pipe, pipe->recent_empty,
					      pipe->empty_s, span);

		if (!pipe->outside && pipe->seen_s > 0 &&
		    via__holds(s, pipe->id, output) && share > most)
			most = share;
	}
	return most;
}

static double clamped(double share)
{
	return share < 0 ? 0 : share;
}

/*
 * How much the others depend on it. A program that waits for its pipes in
 * poll() does not say so in its state, but the pipes do.
 */
static double score(const struct via_pipe_graph *p, const struct via_stage *s,
		    enum via_span span)
{
	double busy = 0;

	for (size_t i = 0; i < N_BUSY; i++)
		busy += share_of(p, s, busy_with[i], span);
	return busy * (1 - clamped(worst(p, s, false, false, span))) *
	       (1 - clamped(worst(p, s, true, true, span)));
}

bool via__has_pipes(const struct via_pipe_graph *p, const struct via_stage *s)
{
	for (size_t i = 0; i < p->n_pipes; i++)
		if (!p->pipes[i].outside &&
		    (via__holds(s, p->pipes[i].id, false) ||
		     via__holds(s, p->pipes[i].id, true)))
			return true;
	return false;
}

/* A shell and the child that it waits for are one part: the child of a shell
 * has its pipes too. */
static bool is_part_of(const struct via_pipe_graph *p,
		       const struct via_stage *s, enum via_span span)
{
	for (size_t i = 0; i < p->n_stages; i++) {
		const struct via_stage *parent = &p->stages[i];

		if (parent->task.pid == s->task.ppid &&
		    via__has_pipes(p, parent) &&
		    share_of(p, parent, VIA_CHILD, span) > 0.5)
			return true;
	}
	return false;
}

static bool takes_part(const struct via_pipe_graph *p,
		       const struct via_stage *s, enum via_span span,
		       bool with_pipes)
{
	if (span == VIA_RECENTLY && s->doing == VIA_ENDED)
		return false;
	if (with_pipes)
		return via__has_pipes(p, s) && !is_part_of(p, s, span);
	/* A shell that only waits for what it has started is no stage. */
	return s->whole[VIA_CHILD] == 0;
}

struct via_bottleneck via__bottleneck(const struct via_pipe_graph *p,
				      enum via_span span)
{
	struct via_bottleneck b = {0};
	double best = SCORE_MIN, second = 0;
	bool with_pipes = false;

	for (size_t i = 0; i < p->n_stages; i++)
		with_pipes |= takes_part(p, &p->stages[i], span, true);
	for (size_t i = 0; i < p->n_stages; i++) {
		const struct via_stage *s = &p->stages[i];
		double its = takes_part(p, s, span, with_pipes)
				     ? score(p, s, span)
				     : 0;

		if (its > best) {
			second = b.stage ? best : second;
			best = its;
			b.stage = s;
		} else if (its > second) {
			second = its;
		}
	}
	if (second > RIVAL * best)
		b.stage = NULL;
	if (!b.stage)
		return b;
	for (size_t i = 0; i < N_BUSY; i++) {
		double share = share_of(p, b.stage, busy_with[i], span);

		if (share > b.share) {
			b.share = share;
			b.why = busy_with[i];
		}
	}
	/* Of a stage that is new there is not much yet. */
	b.share /= known_share(p, b.stage, span);
	b.input_full = worst(p, b.stage, false, true, span);
	b.output_empty = worst(p, b.stage, true, false, span);
	return b;
}
