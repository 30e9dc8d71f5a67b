/* SPDX-License-Identifier: MIT */
/*
 * Pipelines: programs that read what the one before them writes, a | b | c.
 *
 * Each stage is a struct via_program, arguments or a line for the shell. Its
 * descriptor 1 is a pipe to descriptor 0 of the next; what a stage maps itself
 * holds over that. All are in one process group, so that a signal reaches the
 * whole of it, and its number cannot become somebody else's meanwhile: the
 * first stage is collected last.
 *
 * A channel of any mechanism can be the first input or the last output. The
 * first stage reads the bytes of its messages, one after the other; what the
 * last stage writes becomes messages, cut anywhere. No thread does that: what
 * there is to carry is carried by via_pipeline_wait().
 */
#ifndef VIA_PIPELINE_H
#define VIA_PIPELINE_H

#include <poll.h>

#include <via/channel.h>
#include <via/deadline.h>
#include <via/error.h>
#include <via/process.h>
#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

struct via_pipeline;

/*
 * Start a pipeline.
 *
 * stages: n of them, at least one. Their group is the pipeline's to choose;
 *         with VIA_PROGRAM_FOREGROUND it becomes that of the terminal.
 * in:     a receiving end, or NULL: the first stage reads the caller's
 *         descriptor 0, or what it maps.
 * out:    a sending end, or NULL likewise. Both stay the caller's, who closes
 *         them after via_pipeline_free().
 * ret:    to be freed by via_pipeline_free(); written on success only.
 * reterr: may be NULL; of a stage that does not start it says which.
 *
 * Returns 0, or as via_spawn(): if one stage does not start, none is left
 * running. -EINVAL (no stages, a stage with VIA_PROGRAM_SESSION), -EOPNOTSUPP
 * (an end of the other direction).
 */
VIA_API int via_pipeline_open(const struct via_program *stages, unsigned int n,
			      struct via_channel *in, struct via_channel *out,
			      struct via_pipeline **ret,
			      struct via_error *reterr);

/*
 * Wait until every stage has ended and all of the output is sent, carrying
 * messages meanwhile.
 *
 * Returns 0; -EAGAIN, -ETIMEDOUT (not yet); or, when all have ended, what went
 * wrong with a channel, as via_recv() and via_send() say it. A channel that
 * fails closes the pipe: the first stage comes to the end of its input, the
 * last one gets SIGPIPE.
 */
VIA_API int via_pipeline_wait(struct via_pipeline *p, int64_t deadline,
			      struct via_error *reterr);

/*
 * The descriptor and events to poll for in an event loop: when it is ready,
 * call via_pipeline_wait() with VIA_NO_WAIT. Level-triggered; the library's.
 */
VIA_API void via_pipeline_pollfd(const struct via_pipeline *p,
				 struct pollfd *ret);

/*
 * How a stage has ended, as of the last via_pipeline_wait(); NULL if it still
 * runs. Belongs to the pipeline.
 */
VIA_API const struct via_exit *via_pipeline_ended(const struct via_pipeline *p,
						  unsigned int stage);

/* The pid of a stage: that of no other process while the stage runs. */
VIA_API pid_t via_pipeline_pid(const struct via_pipeline *p,
			       unsigned int stage);

/*
 * The exit status as a shell gives it with pipefail: that of the last stage
 * that failed, 0 if none did. -EAGAIN while one still runs.
 */
VIA_API int via_pipeline_status(const struct via_pipeline *p);

/*
 * Send a signal to the pipeline's process group: to all stages and to the
 * children they keep there. Returns 0, -ESRCH (all have ended), -EPERM,
 * -EINVAL.
 */
VIA_API int via_pipeline_kill(struct via_pipeline *p, int signal);

/*
 * Kill what still runs (SIGKILL), collect it, and free the pipeline, which
 * may be NULL. Blocks until all stages have ended.
 */
VIA_API void via_pipeline_free(struct via_pipeline *p);

#ifdef __cplusplus
}
#endif

#endif
