/* SPDX-License-Identifier: MIT */
/* Which process of a pipeline the others wait for. Pure functions of a model.
 */
#ifndef INSPECT_DIAGNOSE_BOTTLENECK_H
#define INSPECT_DIAGNOSE_BOTTLENECK_H

#include "inspect/model/pipeline.h"

enum via_span {
	VIA_RECENTLY,
	VIA_WHOLE_RUN,
};

struct via_bottleneck {
	const struct via_stage *stage; /* NULL: none stands out */
	/* What it mostly does: RUNNING, DISK, CHILD, WAITING or STOPPED. */
	enum via_doing why;
	double share;	     /* of the time, doing that */
	double input_full;   /* share of the time; -1: no input pipe */
	double output_empty; /* share of the time; -1: no output pipe */
};

/*
 * All stages of a pipeline but its slowest wait for pipes: for data before it,
 * for room behind it. So the bottleneck is the one that least does.
 */
struct via_bottleneck via__bottleneck(const struct via_pipe_graph *p,
				      enum via_span span);

/* Whether a stage has a pipe of the pipeline itself. */
bool via__has_pipes(const struct via_pipe_graph *p, const struct via_stage *s);

#endif
