/* SPDX-License-Identifier: MIT */
/* A run as JSON: its keys are in via-run(1). */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/run/run.h"
#include "inspect/diagnose/bottleneck.h"

static const char *const doings[VIA_DOINGS] = {
	[VIA_RUNNING] = "running", [VIA_DISK] = "disk",
	[VIA_WRITING] = "writing", [VIA_READING] = "reading",
	[VIA_CHILD] = "child",	   [VIA_WAITING] = "waiting",
	[VIA_STOPPED] = "stopped", [VIA_HIDDEN] = "unknown",
};

/* Any bytes as text: what is no UTF-8 becomes '?'. */
static json_t *text(const char *bytes)
{
	char copy[VIA_COMMAND_MAX + 1];
	json_t *as_is = json_string(bytes);

	if (as_is)
		return as_is;
	snprintf(copy, sizeof(copy), "%s", bytes);
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(copy);
}

static json_t *number(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

/* Figures are whole numbers: seconds in ms, shares in percent. */
static json_t *thousandths(double seconds)
{
	return json_integer(llround(1000 * seconds));
}

/* Less than 0: not known. */
static json_t *percent(double share)
{
	return share < 0 ? json_null() : json_integer(lround(100 * share));
}

static json_t *pipe_name(struct via_pipe_id id)
{
	return json_sprintf("pipe:[%" PRIu64 "]", id.ino);
}

static json_t *stage_json(const struct via_stage *s)
{
	double cpu = (double)(s->task.utime + s->task.stime) /
		     (double)sysconf(_SC_CLK_TCK);
	json_t *ms = json_object();

	for (int d = 0; d < VIA_ENDED; d++)
		json_object_set_new(ms, doings[d], thousandths(s->whole[d]));
	return json_pack("{si so so sI so so so}", "pid", s->task.pid,
			 "command", text(s->command), "cpu_ms",
			 thousandths(cpu), "rss_max", (json_int_t)s->rss_max,
			 "ms", ms, "read", number(s->io_known, s->read),
			 "written", number(s->io_known, s->written));
}

static json_t *holders(const struct via_pipe_graph *p, struct via_pipe_id id,
		       bool writes)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n_stages; i++)
		if (via__holds(&p->stages[i], id, writes))
			json_array_append_new(
				list, json_integer(p->stages[i].task.pid));
	return list;
}

static json_t *pipe_json(const struct via_pipe_graph *p,
			 const struct via_pipe *pipe)
{
	bool seen = pipe->seen_s > 0;

	return json_pack(
		"{so so so so so so so so}", "pipe", pipe_name(pipe->id),
		"outside", json_boolean(pipe->outside), "writers",
		holders(p, pipe->id, true), "readers",
		holders(p, pipe->id, false), "capacity",
		number(seen, pipe->capacity), "bytes",
		number(pipe->bytes_known, pipe->bytes), "full",
		percent(seen ? pipe->full_s / pipe->seen_s : -1), "empty",
		percent(seen ? pipe->empty_s / pipe->seen_s : -1));
}

static json_t *bottleneck_json(const struct via_pipe_graph *p)
{
	struct via_bottleneck b = via__bottleneck(p, VIA_WHOLE_RUN);

	if (!b.stage)
		return json_null();
	return json_pack("{si so ss so so so}", "pid", b.stage->task.pid,
			 "command", text(b.stage->command), "why",
			 doings[b.why], "share", percent(b.share), "input_full",
			 percent(b.input_full), "output_empty",
			 percent(b.output_empty));
}

int run_report(FILE *f, const struct via_pipe_graph *p,
	       const struct run_end *end)
{
	json_t *stages = json_array(), *pipes = json_array();

	for (size_t i = 0; i < p->n_stages; i++)
		json_array_append_new(stages, stage_json(&p->stages[i]));
	for (size_t i = 0; i < p->n_pipes; i++)
		json_array_append_new(pipes, pipe_json(p, &p->pipes[i]));
	return cli_json_print(
		json_pack("{si so so so ss? so so so}", "schema", 1, "status",
			  number(!end->signalled, (uint64_t)end->status),
			  "signal",
			  number(end->signalled, (uint64_t)end->status), "ms",
			  thousandths(end->seconds), "stuck", end->stuck,
			  "bottleneck", bottleneck_json(p), "stages", stages,
			  "pipes", pipes),
		f);
}
