/* SPDX-License-Identifier: MIT */
/* What the parts of `via run` share. */
#ifndef CLI_RUN_RUN_H
#define CLI_RUN_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "cli/run/become.h"
#include "inspect/model/pipeline.h"

struct run_options {
	const char *json, *each;
	uint64_t jobs, pipe_size;
	bool pv, quiet, summary;
};

/* How a command ended, as waitid(2) tells it. */
struct run_end {
	bool signalled;
	int status; /* exit status or signal */
	double seconds;
	char *stuck; /* run_ring()'s lines if it was that at last, or NULL */
};

/* --- start.c: starting and ending as a shell does --- */

/* Start it with stdin_fd as standard input and this signal mask. Its pidfd, or
 * -errno after saying why: cli_start_status(). ret_pid may be NULL. */
int run_start(char **argv, int stdin_fd, const sigset_t *mask, pid_t *ret_pid);

/* End as the command did: returns its exit status, or dies by its signal. */
int run_end_as(const struct run_end *end);

/* --- watch.c: one command, watched --- */

/* A command that cannot be started has ended too. json may be NULL. */
struct run_end run_watched(char **argv, const struct run_options *o,
			   FILE *json);

/* --- each.c: a command per message --- */

/* Returns the exit status. */
int run_each(char **argv, const struct run_options *o);

/* --- table.c: a pipeline in lines --- */

/* All end each line with '\n'; a screen cuts lines to its width. */
void run_live(FILE *f, const struct via_pipe_graph *p, const char *stuck,
	      int lines_max);
/* What via__stuck() has found. */
void run_ring(FILE *f, const struct via_pipe_graph *p, const size_t *ring,
	      int n);
void run_summary(FILE *f, const struct via_pipe_graph *p,
		 const struct run_end *end);
/* The last pipe alone, without '\n'. */
void run_rate(FILE *f, const struct via_pipe_graph *p);

/* --- report.c --- */

/* The run as one line of JSON. 0 or -ENOMEM; other errors stay in f. */
int run_report(FILE *f, const struct via_pipe_graph *p,
	       const struct run_end *end);

#endif
