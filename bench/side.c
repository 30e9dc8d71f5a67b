/* SPDX-License-Identifier: MIT */
/* One of the two processes of a measurement: it meets the other, measures and
 * leaves. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/cacheline.h"
#include "bench/engine.h"

#define SLOTS_MAX     64
#define SLOTS_LEN_MAX (16u << 10)

const struct bench_engine *bench_engine_find(const char *name)
{
	for (size_t i = 0; bench_engines[i]; i++)
		if (!strcmp(bench_engines[i]->name, name))
			return bench_engines[i];
	return NULL;
}

int bench_fail(struct bench_plan *plan, int err, const char *format, ...)
{
	va_list args;

	if (plan->sample.error[0])
		return err;
	va_start(args, format);
	vsnprintf(plan->sample.error, sizeof(plan->sample.error), format, args);
	va_end(args);
	return err;
}

/* Wait until both sides have come here. */
static void meet(struct bench_plan *plan)
{
	/* Release what was done before; the acquire load below, in the other
	 * side, is the partner. */
	uint32_t n = __atomic_add_fetch(&plan->arrived, 1, __ATOMIC_ACQ_REL);
	uint32_t all = (n + 1) / 2 * 2;

	syscall(SYS_futex, &plan->arrived, FUTEX_WAKE, 1, NULL, NULL, 0);
	while ((n = __atomic_load_n(&plan->arrived, __ATOMIC_ACQUIRE)) < all)
		syscall(SYS_futex, &plan->arrived, FUTEX_WAIT, n, NULL, NULL,
			0);
}

static void pin(struct bench_plan *plan, enum bench_role role)
{
	cpu_set_t set;

	if (plan->cpu[role] < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)plan->cpu[role], &set);
	/* Unpinned it measures all the same; the sample's spread tells. */
	(void)sched_setaffinity(0, sizeof(set), &set);
}

/* The cache lines, beside the measurement: see cacheline.h. */
static void measure_line(struct bench_side *s, int when)
{
	struct bench_plan *plan = s->plan;
	uint64_t *line = plan->line[when];
	uint64_t *own = plan->pair[when][s->role];
	uint64_t *other = plan->pair[when][!s->role];

	if (plan->cpu[s->role] < 0)
		return;
	meet(plan);
	double line_ns = cacheline_ns(line, line, s->role);
	double pair_ns = cacheline_ns(own, other, s->role);

	if (s->role == BENCH_SENDER) {
		plan->sample.line_ns[when] = line_ns;
		plan->sample.pair_ns[when] = pair_ns;
	}
}

/*
 * The sender's word goes over channel 0, the answer over channel 1. First
 * each side opens the end it receives from, then the one it sends to: only
 * then is the other's receiving end sure to be there.
 */
static int open_ends(struct bench_side *s, const struct bench_engine *engine)
{
	struct bench_plan *plan = s->plan;
	bool both = bench_channels(plan) == 2;
	bool sender = s->role == BENCH_SENDER;
	int r = 0;

	if (!sender || both)
		r = engine->open(plan, &plan->channel[sender], BENCH_RECEIVER,
				 &s->in);
	if (r < 0)
		return r;
	meet(plan);
	if (sender || both)
		r = engine->open(plan, &plan->channel[!sender], BENCH_SENDER,
				 &s->out);
	return r;
}

static int measure(struct bench_side *s)
{
	struct bench_plan *plan = s->plan;
	const struct bench_engine *engine = bench_engine_find(plan->engine);

	plan->sample.absent = !engine;
	if (!engine)
		return bench_fail(plan, -ENOENT, "%s is not built in",
				  plan->engine);
	int (*loop)(struct bench_side *) =
		plan->batch > 1 ? engine->batch_loop[s->role]
				: engine->loop[plan->mode][s->role];

	if (!loop)
		return bench_fail(plan, -EOPNOTSUPP, "%s cannot do that",
				  plan->engine);
	int r = open_ends(s, engine);

	if (r < 0)
		return bench_fail(plan, r, "open: %s", strerror(-r));
	measure_line(s, 0);
	r = loop(s);
	if (r < 0)
		return bench_fail(plan, r, "%s: %s",
				  s->role == BENCH_SENDER ? "sender"
							  : "receiver",
				  strerror(-r));
	measure_line(s, 1);
	meet(plan);
	if (s->out)
		engine->close(s->out);
	if (s->in)
		engine->close(s->in);
	return 0;
}

/* As many as fit the first cache, or a batch. */
static uint64_t count_slots(const struct bench_plan *plan)
{
	uint64_t n = 1;

	while (n < plan->batch ||
	       (n < SLOTS_MAX && 2 * n * plan->size <= SLOTS_LEN_MAX))
		n *= 2;
	return n;
}

/* n messages, of a prime period, so that no piece is like the one before. */
static uint8_t *make_messages(size_t size, size_t n)
{
	uint8_t *data = calloc(n, size);

	for (size_t i = 0; data && i < n * size; i++)
		data[i] = (uint8_t)(i % size % 251);
	return data;
}

static struct bench_plan *map_plan(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || st.st_size != sizeof(struct bench_plan))
		return NULL;
	struct bench_plan *plan = mmap(
		NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return plan == MAP_FAILED ? NULL : plan;
}

int bench_side(const char *argument)
{
	int fd, role;

	if (sscanf(argument, "%d:%d", &fd, &role) != 2 || role < 0 ||
	    role >= BENCH_ROLES)
		return 1;
	struct bench_plan *plan = map_plan(fd);

	if (!plan)
		return 1;
	close(fd);
	/* Without its supervisor nobody would ever end it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != plan->supervisor)
		return 1;

	struct bench_side side = {
		.plan = plan,
		.role = (enum bench_role)role,
		.size = plan->size,
		.buf = make_messages(plan->size, 1),
		.n_slots = count_slots(plan),
		.pattern = make_messages(plan->size, 1),
	};

	side.slots = make_messages(plan->size, side.n_slots);
	pin(plan, side.role);
	int r = side.buf && side.slots && side.pattern
			? measure(&side)
			: bench_fail(plan, -ENOMEM, "%s", strerror(ENOMEM));

	free(side.buf);
	free(side.slots);
	free((void *)side.pattern);
	munmap(plan, sizeof(*plan));
	return r < 0;
}
