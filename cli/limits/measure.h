/* SPDX-License-Identifier: MIT */
/* How the rows of limits measure their use: the measure slots of rows.c. */
#ifndef CLI_LIMITS_MEASURE_H
#define CLI_LIMITS_MEASURE_H

#include "cli/limits/limits.h"

typedef void limit_measure(const struct via_snapshot *s, struct limit *ret);

/* Of processes and users: RLIMIT_ */
limit_measure limit_rlimit_nofile, limit_rlimit_memlock, limit_rlimit_nproc,
	limit_rlimit_sigpending, limit_rlimit_msgqueue;

/* Of objects */
limit_measure limit_pipe_largest, limit_pipe_pages, limit_mq_queues,
	limit_mq_messages, limit_mq_size, limit_backlog, limit_ports,
	limit_inotify_instances, limit_inotify_watches, limit_epoll_watches,
	limit_shm_largest, limit_msg_bytes, limit_sem_largest;

/* Of the machine or a namespace, as the kernel counts */
limit_measure limit_shm_pages, limit_shm_segments, limit_sem_sets,
	limit_sem_all, limit_msg_queues, limit_files, limit_aio, limit_pty,
	limit_tasks, limit_keys, limit_key_bytes, limit_devshm;

#endif
