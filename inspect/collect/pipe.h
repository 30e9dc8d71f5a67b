/* SPDX-License-Identifier: MIT */
/*
 * The pipes and FIFOs that a process holds, and how full they are.
 *
 * A pipe is never opened to look at it: that would be a new reader or writer,
 * wake who waits in open(2) and delay the end of file. A descriptor taken by
 * pidfd_getfd(2) is only another reference, and given back at once.
 */
#ifndef INSPECT_COLLECT_PIPE_H
#define INSPECT_COLLECT_PIPE_H

#include <stdint.h>

#include "inspect/model/pipeline.h"

/*
 * The holds of a process whose /proc directory dir is; the first max.
 * Returns how many, or -EACCES, -ESRCH, -errno.
 */
int via__pipe_holds(int dir, struct via_pipe_hold *holds, unsigned int max);

/* What descriptor fd of that process is. 0; -ENOTTY: no pipe; -errno. */
int via__pipe_of(int dir, int fd, struct via_pipe_id *ret);

/*
 * Bytes in the pipe that is fd of the process, and how many it takes.
 * 0, or -EPERM (not allowed), -EBADF (closed meanwhile), -ESTALE (another
 * file by now), -errno.
 */
int via__pipe_level(int pidfd, const struct via_pipe_hold *hold,
		    uint64_t *ret_fill, uint64_t *ret_capacity);

/* Set how many it takes: also -EBUSY (more is in it), -EPERM (the limit). */
int via__pipe_set_room(int pidfd, const struct via_pipe_hold *hold,
		       uint64_t size);

#endif
