/* SPDX-License-Identifier: MIT */
#include "inspect/collect/watch.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <via/deadline.h>

#include "inspect/collect/doing.h"
#include "inspect/collect/pipe.h"
#include "inspect/collect/proc.h"

/* What is shown as "of late": the weight of a look halves in 0.7 s. */
#define RECENT_S 1.0
/* Descriptors and command line change seldom after a process' start. */
#define SETTLED_NS 1000000000
#define REREAD_NS  1000000000
/* Ended processes that are remembered. */
#define ENDED_MAX 64

/* A stage's handles, at the same index. */
struct handle {
	int dir, pidfd; /* -1: ended */
	int64_t since, reread;
	bool looked;	 /* once at least */
	uint64_t ticks;	 /* CPU time at the last look */
	uint64_t slices; /* how often it has run */
	int64_t ran;	 /* when it was last seen to have */
};

/* A pipe's counters, at the same index. */
struct flow {
	uint64_t bytes;
	int64_t first, since; /* it was seen, its bytes were known */
	bool resized;
};

struct via_watch {
	struct via_pipe_graph p;
	struct handle *handles;
	struct flow *flows;
	uint64_t pipe_size;
	int64_t now, last, last_look; /* this one, the one before */
	double dt, weight; /* of this look, in s and in averages of late */
	struct via_pipe_hold own[VIA_HOLDS_MAX];
	unsigned int n_own, n_live;
	bool swept; /* for outsiders, since all stand still */
	int error, resize_error;
};

/* --- Stages --- */

static void end_stage(struct via_watch *w, size_t i)
{
	struct handle *h = &w->handles[i];

	if (h->dir < 0)
		return;
	close(h->dir);
	close(h->pidfd);
	h->dir = h->pidfd = -1;
	w->n_live--;
	w->p.stages[i].doing = VIA_ENDED;
	w->p.stages[i].cpu = 0;
}

/* Whether a process is watched; start 0: with any start. A zombie has been. */
static bool known(const struct via_watch *w, pid_t pid, uint64_t start)
{
	for (size_t i = 0; i < w->p.n_stages; i++) {
		const struct via_task *t = &w->p.stages[i].task;

		if (t->pid == pid &&
		    (start ? t->start == start : w->handles[i].dir >= 0))
			return true;
	}
	return false;
}

static int grow(struct via_watch *w)
{
	size_t n = w->p.n_stages + 1;
	void *stages = realloc(w->p.stages, n * sizeof(*w->p.stages));

	if (stages)
		w->p.stages = stages;
	void *handles = realloc(w->handles, n * sizeof(*w->handles));

	if (handles)
		w->handles = handles;
	return stages && handles ? 0 : -ENOMEM;
}

/* A process found below a stage, or the root. */
static void found(pid_t pid, void *arg)
{
	struct via_watch *w = arg;
	struct handle h = {.dir = -1, .since = w->now};

	if (known(w, pid, 0))
		return;
	if (w->n_live == VIA_WATCH_MAX) {
		w->p.n_unseen++;
		return;
	}
	if (grow(w) < 0) {
		w->error = -ENOMEM;
		return;
	}
	/* First the pidfd: if the directory is then still that of a child of
	 * ours, both are of the same process. */
	h.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	h.dir = h.pidfd < 0 ? -1 : via__proc_open(pid);
	struct via_stage s = {.fd = -1};

	if (h.dir < 0 || via__proc_task(h.dir, pid, &s.task) < 0 ||
	    known(w, pid, s.task.start) ||
	    (s.task.ppid != getpid() && !known(w, s.task.ppid, 0))) {
		if (h.dir >= 0)
			close(h.dir);
		if (h.pidfd >= 0)
			close(h.pidfd);
		return;
	}
	snprintf(s.command, sizeof(s.command), "%s", s.task.comm);
	w->handles[w->p.n_stages] = h;
	w->p.stages[w->p.n_stages++] = s;
	w->n_live++;
}

/* Whether it has a command line: not a process that is ending. */
static bool read_command(int dir, struct via_stage *s)
{
	char text[VIA_COMMAND_MAX + 1];
	ssize_t len = via__proc_read(dir, "cmdline", text, sizeof(text));

	for (; len > 0 && !text[len - 1]; len--)
		;
	if (len <= 0)
		return false;
	for (ssize_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	text[len] = '\0';
	memcpy(s->command, text, (size_t)len + 1);
	return true;
}

static void read_io(int dir, struct via_stage *s)
{
	char text[512];
	unsigned long long got, put;

	s->io_known = via__proc_read(dir, "io", text, sizeof(text)) > 0 &&
		      sscanf(text, "rchar: %llu wchar: %llu", &got, &put) == 2;
	if (s->io_known) {
		s->read = got;
		s->written = put;
	}
}

/* Whether it has run since the last look, from schedstat's time slices. */
static void read_stillness(struct via_watch *w, struct handle *h,
			   struct via_stage *s)
{
	char text[128];
	unsigned long long slices;
	bool read = via__proc_read(h->dir, "schedstat", text, sizeof(text)) >
			    0 &&
		    sscanf(text, "%*u %*u %llu", &slices) == 1;

	if (!read || s->task.n_threads > 1 || slices != h->slices)
		h->ran = w->now;
	if (read)
		h->slices = slices;
	s->still_s = (double)(w->now - h->ran) / 1e9;
}

static void read_settled(struct via_watch *w, struct handle *h,
			 struct via_stage *s, bool changed)
{
	if (!changed && w->now - h->since > SETTLED_NS &&
	    w->now - h->reread < REREAD_NS)
		return;
	struct via_pipe_hold holds[VIA_HOLDS_MAX];
	int n = via__pipe_holds(h->dir, holds, VIA_HOLDS_MAX);

	/* What it had until it began to end is what is remembered. */
	h->reread = w->now;
	if (!read_command(h->dir, s) && s->holds_known)
		return;
	s->holds_known = n >= 0;
	s->n_holds = n < 0 ? 0 : (unsigned int)n;
	memcpy(s->holds, holds, s->n_holds * sizeof(*holds));
}

/* The weight of this look in an average of late that began at since: until a
 * second is over all looks weigh the same. */
static double weight(const struct via_watch *w, int64_t since)
{
	double age = (double)(w->now - since) / 1e9;

	return age > 0 ? fmin(1, fmax(w->weight, w->dt / age)) : 0;
}

static void average(struct via_watch *w, struct via_stage *s, struct handle *h)
{
	uint64_t ticks = s->task.utime + s->task.stime;

	for (int d = 0; d < VIA_DOINGS; d++)
		s->recent[d] *= 1 - w->weight;
	s->recent[s->doing] += w->weight;
	s->whole[s->doing] += w->dt;
	if (w->dt > 0 && h->looked)
		s->cpu += weight(w, h->since) *
			  ((double)(ticks - h->ticks) /
				   (double)sysconf(_SC_CLK_TCK) / w->dt -
			   s->cpu);
	h->ticks = ticks;
	h->looked = true;
	if (s->task.rss > s->rss_max)
		s->rss_max = s->task.rss;
}

static void look_at_stage(struct via_watch *w, size_t i)
{
	/* found() moves the stages: work on a copy. */
	struct via_stage s = w->p.stages[i];
	struct handle h = w->handles[i];
	char comm[VIA_COMM_MAX + 1];

	memcpy(comm, s.task.comm, sizeof(comm));
	if (via__proc_task(h.dir, s.task.pid, &s.task) < 0) {
		end_stage(w, i);
		return;
	}
	via__doing(h.dir, &s, found, w);
	read_io(h.dir, &s);
	read_stillness(w, &h, &s);
	/* A zombie has neither any more. */
	if (s.doing != VIA_ENDED)
		read_settled(w, &h, &s, strcmp(comm, s.task.comm) != 0);
	average(w, &s, &h);
	w->p.stages[i] = s;
	w->handles[i] = h;
	if (s.doing == VIA_ENDED)
		end_stage(w, i);
}

static double whole(const struct via_stage *s)
{
	double sum = 0;

	for (int d = 0; d < VIA_DOINGS; d++)
		sum += s->whole[d];
	return sum;
}

static void forget_stage(struct via_watch *w, size_t i)
{
	size_t rest = --w->p.n_stages - i;

	memmove(&w->p.stages[i], &w->p.stages[i + 1],
		rest * sizeof(*w->p.stages));
	memmove(&w->handles[i], &w->handles[i + 1], rest * sizeof(*w->handles));
}

/* Of loops that start thousands, those that took longest are kept. */
static void forget_stages(struct via_watch *w)
{
	while (w->p.n_stages - w->n_live > ENDED_MAX) {
		size_t least = SIZE_MAX;

		for (size_t i = 0; i < w->p.n_stages; i++)
			if (w->handles[i].dir < 0 &&
			    (least == SIZE_MAX ||
			     whole(&w->p.stages[i]) <
				     whole(&w->p.stages[least])))
				least = i;
		forget_stage(w, least);
	}
}

/* --- Pipes --- */

static struct via_pipe *pipe_of(struct via_watch *w, struct via_pipe_id id)
{
	for (size_t i = 0; i < w->p.n_pipes; i++)
		if (via__same_pipe(w->p.pipes[i].id, id))
			return &w->p.pipes[i];
	size_t n = w->p.n_pipes + 1;
	void *pipes = realloc(w->p.pipes, n * sizeof(*w->p.pipes));

	if (pipes)
		w->p.pipes = pipes;
	void *flows = realloc(w->flows, n * sizeof(*w->flows));

	if (flows)
		w->flows = flows;
	if (!pipes || !flows) {
		w->error = -ENOMEM;
		return NULL;
	}
	struct via_pipe *pipe = &w->p.pipes[w->p.n_pipes];

	*pipe = (struct via_pipe){.id = id};
	for (unsigned int i = 0; i < w->n_own; i++)
		pipe->outside |= via__same_pipe(w->own[i].id, id);
	w->flows[w->p.n_pipes++] = (struct flow){.first = w->last_look};
	return pipe;
}

static void resize(struct via_watch *w, struct flow *f, int pidfd,
		   const struct via_pipe_hold *hold)
{
	if (!w->pipe_size || f->resized)
		return;
	f->resized = true;
	int err = via__pipe_set_room(pidfd, hold, w->pipe_size);

	/* Closed or replaced meanwhile: somebody else may still hold it. */
	if (err == -EBADF || err == -ESTALE || err == -ESRCH)
		f->resized = false;
	else if (err < 0 && !w->resize_error)
		w->resize_error = err;
}

/* Through the first holder that lets us. */
static void look_at_level(struct via_watch *w, struct via_pipe *pipe)
{
	struct flow *f = &w->flows[pipe - w->p.pipes];

	pipe->level_known = false;
	for (size_t i = 0; i < w->p.n_stages; i++) {
		const struct via_stage *s = &w->p.stages[i];
		int pidfd = w->handles[i].pidfd;

		for (unsigned int k = 0; pidfd >= 0 && k < s->n_holds; k++) {
			if (!via__same_pipe(s->holds[k].id, pipe->id))
				continue;
			/* Not one that we have inherited: it is not ours to
			 * change. */
			if (!pipe->outside)
				resize(w, f, pidfd, &s->holds[k]);
			if (via__pipe_level(pidfd, &s->holds[k], &pipe->fill,
					    &pipe->capacity) == 0) {
				pipe->level_known = true;
				return;
			}
		}
	}
}

/* Whether s' counters are in those of a parent that has waited for it and
 * holds the same end. */
static bool counted_by_parent(const struct via_watch *w,
			      const struct via_stage *s, struct via_pipe_id id,
			      bool writes)
{
	for (size_t i = 0; i < w->p.n_stages; i++)
		if (w->handles[i].dir >= 0 &&
		    w->p.stages[i].task.pid == s->task.ppid)
			return via__holds(&w->p.stages[i], id, writes);
	return false;
}

/*
 * What the holders of one end have moved through all of their files: no less
 * than went through this pipe. UINT64_MAX: no such bound.
 */
static uint64_t moved(const struct via_watch *w, struct via_pipe_id id,
		      bool writes)
{
	uint64_t sum = 0;
	bool any = false;

	for (size_t i = 0; i < w->p.n_stages; i++) {
		const struct via_stage *s = &w->p.stages[i];

		if (!via__holds(s, id, writes))
			continue;
		if (w->handles[i].dir < 0) {
			if (!counted_by_parent(w, s, id, writes))
				return UINT64_MAX;
			continue;
		}
		if (!s->io_known || s->splices)
			return UINT64_MAX;
		any = true;
		sum += writes ? s->written : s->read;
	}
	return any ? sum : UINT64_MAX;
}

/*
 * Two bounds that know nothing of each other, so the smaller one is the better:
 * all that the writers wrote, and all that the readers read with what is still
 * in the pipe.
 */
static void look_at_flow(struct via_watch *w, struct via_pipe *pipe)
{
	struct flow *f = &w->flows[pipe - w->p.pipes];
	uint64_t in = moved(w, pipe->id, true);
	uint64_t out = moved(w, pipe->id, false);

	if (out != UINT64_MAX)
		out += pipe->level_known ? pipe->fill : 0;
	uint64_t bytes = in < out ? in : out;

	if (bytes == UINT64_MAX || pipe->outside) {
		pipe->rate = 0;
		return;
	}
	if (!pipe->bytes_known)
		f->since = w->last_look;
	pipe->bytes_known = true;
	pipe->bytes = bytes;
	/* A bound may become closer. */
	double more = bytes > f->bytes ? (double)(bytes - f->bytes) : 0;

	if (w->dt > 0)
		pipe->rate += weight(w, f->since) * (more / w->dt - pipe->rate);
	f->bytes = pipe->bytes;
}

/* Whether somebody holds, or has held, an end. */
static bool has(const struct via_watch *w, struct via_pipe_id id, bool writes,
		bool still)
{
	for (size_t i = 0; i < w->p.n_stages; i++)
		if ((!still || w->handles[i].dir >= 0) &&
		    via__holds(&w->p.stages[i], id, writes))
			return true;
	return false;
}

static bool has_blocked_writer(const struct via_watch *w, struct via_pipe_id id)
{
	for (size_t i = 0; i < w->p.n_stages; i++)
		if (w->p.stages[i].doing == VIA_WRITING &&
		    via__same_pipe(w->p.stages[i].pipe, id))
			return true;
	return false;
}

static void look_at_pipe(struct via_watch *w, struct via_pipe *pipe)
{
	look_at_level(w, pipe);
	look_at_flow(w, pipe);
	if (!pipe->level_known)
		return;
	/* Pages that are not filled make a pipe full before its bytes do. */
	bool full = pipe->fill + PIPE_BUF > pipe->capacity ||
		    has_blocked_writer(w, pipe->id);
	/* At the end of the file it is not its writers' fault. */
	bool empty = pipe->fill == 0 && has(w, pipe->id, true, true);

	double its = weight(w, w->flows[pipe - w->p.pipes].first);

	pipe->recent_full += its * (full - pipe->recent_full);
	pipe->recent_empty += its * (empty - pipe->recent_empty);
	pipe->full_s += full * w->dt;
	pipe->empty_s += empty * w->dt;
	pipe->seen_s += w->dt;
}

/* Those that no remembered stage holds. */
static void forget_pipes(struct via_watch *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->p.n_pipes; i++) {
		struct via_pipe_id id = w->p.pipes[i].id;

		if (!has(w, id, true, false) && !has(w, id, false, false))
			continue;
		w->p.pipes[kept] = w->p.pipes[i];
		w->flows[kept++] = w->flows[i];
	}
	w->p.n_pipes = kept;
}

/* --- Outsiders --- */

/* Not one of ours, nor a child of such that has not been found yet. */
static bool is_outsider(const struct via_watch *w, int dir, pid_t pid)
{
	struct via_task task;

	return via__proc_task(dir, pid, &task) == 0 && !known(w, task.ppid, 0);
}

static int sweep_one(pid_t pid, void *arg)
{
	struct via_watch *w = arg;
	struct via_pipe_hold holds[VIA_HOLDS_MAX];
	int dir = known(w, pid, 0) || pid == getpid() ? -1
						      : via__proc_open(pid);

	if (dir < 0)
		return 0;
	int n = is_outsider(w, dir, pid)
			? via__pipe_holds(dir, holds, VIA_HOLDS_MAX)
			: 0;

	close(dir);
	for (size_t i = 0; i < w->p.n_pipes; i++)
		for (int k = 0; k < n; k++)
			w->p.pipes[i].outside |=
				via__same_pipe(w->p.pipes[i].id, holds[k].id);
	return 0;
}

/* Once when all stand still: who else holds our pipes? */
static void sweep(struct via_watch *w)
{
	double least = w->p.n_stages ? INFINITY : 0;

	for (size_t i = 0; i < w->p.n_stages; i++)
		if (w->handles[i].dir >= 0)
			least = fmin(least, w->p.stages[i].still_s);
	if (least < 1) {
		w->swept = false;
	} else if (!w->swept) {
		w->swept = true;
		(void)via__proc_each(sweep_one, w);
	}
}

/* --- The whole --- */

struct via_watch *via__watch_new(pid_t root, uint64_t pipe_size)
{
	struct via_watch *w = calloc(1, sizeof(*w));
	int dir = w ? via__proc_open(getpid()) : -1;
	int n = dir < 0 ? 0 : via__pipe_holds(dir, w->own, VIA_HOLDS_MAX);

	if (dir >= 0)
		close(dir);
	if (!w)
		return NULL;
	w->n_own = n < 0 ? 0 : (unsigned int)n;
	w->pipe_size = pipe_size;
	w->now = w->last = via_now();
	found(root, w);
	return w;
}

int via__watch_look(struct via_watch *w)
{
	w->now = via_now();
	w->dt = (double)(w->now - w->last) / 1e9;
	w->weight = 1 - exp(-w->dt / RECENT_S);
	w->last_look = w->last;
	w->last = w->now;
	w->p.seconds += w->dt;
	w->p.n_unseen = 0;
	w->error = 0;
	/* Children found on the way are behind, and looked at in turn. */
	for (size_t i = 0; i < w->p.n_stages; i++)
		if (w->handles[i].dir >= 0)
			look_at_stage(w, i);
	for (size_t i = 0; i < w->p.n_stages; i++)
		for (unsigned int k = 0; k < w->p.stages[i].n_holds; k++)
			(void)pipe_of(w, w->p.stages[i].holds[k].id);
	for (size_t i = 0; i < w->p.n_pipes; i++)
		look_at_pipe(w, &w->p.pipes[i]);
	forget_stages(w);
	forget_pipes(w);
	sweep(w);
	return w->error;
}

const struct via_pipe_graph *via__watch_pipeline(const struct via_watch *w)
{
	return &w->p;
}

unsigned int via__watch_pollfds(const struct via_watch *w, struct pollfd *fds)
{
	unsigned int n = 0;

	for (size_t i = 0; i < w->p.n_stages; i++)
		if (w->handles[i].pidfd >= 0)
			fds[n++] = (struct pollfd){w->handles[i].pidfd, POLLIN,
						   0};
	return n;
}

int via__watch_resize_error(const struct via_watch *w)
{
	return w->resize_error;
}

void via__watch_free(struct via_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->p.n_stages; i++)
		end_stage(w, i);
	free(w->p.stages);
	free(w->p.pipes);
	free(w->handles);
	free(w->flows);
	free(w);
}
