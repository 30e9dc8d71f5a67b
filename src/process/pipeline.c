/* SPDX-License-Identifier: MIT */
/*
 * Pipelines: stages joined by pipes in one process group.
 *
 * The group has the number of its first process. A number is not used again
 * while a process that has it is there, be it a zombie; so the first stage is
 * left one until all have ended, and kill(-pid) never meets strangers.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/pipeline.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"
#include "process/process.h"
#include "process/pump.h"

struct stage {
	int pidfd; /* -1: collected, or never started */
	pid_t pid;
	bool ended;
	struct via_exit exit;
};

struct via_pipeline {
	int epoll_fd; /* stages by their number, and the pumps' descriptors */
	struct via__pump in, out;
	unsigned int n, n_running;
	struct stage stages[];
};

static int watch_stage(struct via_pipeline *p, unsigned int i)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->stages[i].pidfd, &ev)
		       ? -errno
		       : 0;
}

/* Start stage i; input and output -1: as the program has them. */
static int start_stage(struct via_pipeline *p, unsigned int i,
		       const struct via_program *program, int input, int output,
		       struct via_error *reterr)
{
	struct via_program_fd fds[VIA_PROGRAM_FDS_MAX];
	struct via_program joined = *program;
	struct via_error err;

	if (program->n_fds > VIA_PROGRAM_FDS_MAX - 2)
		return via__fail(reterr, -EINVAL,
				 "stage %u: at most %d descriptors", i + 1,
				 VIA_PROGRAM_FDS_MAX - 2);
	joined.flags |= VIA_PROGRAM_GROUP;
	joined.group = p->stages[0].pid;
	joined.fds = fds;
	joined.n_fds = 0;
	if (input >= 0)
		fds[joined.n_fds++] = (struct via_program_fd){0, input};
	if (output >= 0)
		fds[joined.n_fds++] = (struct via_program_fd){1, output};
	/* Its own come last and hold. */
	for (uint32_t j = 0; j < program->n_fds; j++)
		fds[joined.n_fds++] = program->fds[j];

	struct stage *stage = &p->stages[i];
	int r = via_spawn(&joined, &stage->pid, &err);

	if (r < 0)
		return via__fail(reterr, r, "stage %u: %s", i + 1, err.text);
	stage->pidfd = r;
	p->n_running++;
	r = watch_stage(p, i);
	return r < 0 ? via__fail_errno(reterr, r, "stage %u", i + 1) : 0;
}

static int make_pipe(int *ret_read, int *ret_write, struct via_error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return via__fail_errno(err, -errno, "no pipe between stages");
	*ret_read = ends[0];
	*ret_write = ends[1];
	return 0;
}

static int start_all(struct via_pipeline *p, const struct via_program *stages,
		     struct via_channel *in, struct via_channel *out,
		     struct via_error *err)
{
	VIA__CLEANUP_FD int input = -1;
	int r = 0;

	if (in) {
		r = make_pipe(&input, &p->in.fd, err);
		if (r == 0)
			r = via__pump_init(&p->in, VIA_RECV, in, p->in.fd,
					   p->epoll_fd, err);
	}
	for (unsigned int i = 0; i < p->n && r == 0; i++) {
		VIA__CLEANUP_FD int output = -1, next = -1;

		if (i + 1 < p->n || out)
			r = make_pipe(&next, &output, err);
		if (r == 0)
			r = start_stage(p, i, &stages[i], input, output, err);
		via__close(&input);
		input = via__take_fd(&next);
	}
	if (r == 0 && out)
		r = via__pump_init(&p->out, VIA_SEND, out, via__take_fd(&input),
				   p->epoll_fd, err);
	return r;
}

int via_pipeline_open(const struct via_program *stages, unsigned int n,
		      struct via_channel *in, struct via_channel *out,
		      struct via_pipeline **ret, struct via_error *reterr)
{
	if (n == 0)
		return via__fail(reterr, -EINVAL, "no program to run");
	struct via_pipeline *p = calloc(1, sizeof(*p) + n * sizeof(*p->stages));

	if (!p)
		return via__fail_errno(reterr, -ENOMEM, "no pipeline");
	p->n = n;
	p->in.fd = p->out.fd = -1;
	for (unsigned int i = 0; i < n; i++)
		p->stages[i].pidfd = -1;
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int r = p->epoll_fd < 0 ? via__fail_errno(reterr, -errno, "no pipeline")
				: start_all(p, stages, in, out, reterr);

	if (r < 0) {
		via_pipeline_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

static void collect_first(struct via_pipeline *p)
{
	struct via_exit known;

	(void)via__collect(p->stages[0].pidfd, 0, &known, NULL);
	via__close(&p->stages[0].pidfd);
	via__pump_fini(&p->in);
}

static void stage_ended(struct via_pipeline *p, unsigned int i)
{
	struct stage *stage = &p->stages[i];

	/* What is lost says so in exit.how. */
	(void)via__collect(stage->pidfd, i ? 0 : WNOWAIT, &stage->exit, NULL);
	stage->ended = true;
	(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, stage->pidfd, NULL);
	if (i)
		via__close(&stage->pidfd);
	if (--p->n_running == 0)
		collect_first(p);
}

/* Do what can be done now. 1: all has ended, 0: not yet, -errno. */
static int step(struct via_pipeline *p)
{
	struct epoll_event events[16];

	via__pump_in(&p->in);
	via__pump_out(&p->out);
	int n = epoll_wait(p->epoll_fd, events, 16, 0);

	if (n < 0 && errno != EINTR)
		return -errno;
	for (int i = 0; i < n; i++)
		if (events[i].data.u32 < p->n)
			stage_ended(p, events[i].data.u32);
	return p->n_running == 0 && p->out.fd < 0;
}

int via_pipeline_wait(struct via_pipeline *p, int64_t deadline,
		      struct via_error *reterr)
{
	int r = step(p);

	while (r == 0) {
		struct pollfd pfd;

		if (via__deadline_passed(deadline))
			return via__fail(reterr, via__deadline_error(deadline),
					 "the pipeline still runs");
		via_pipeline_pollfd(p, &pfd);
		r = via__poll(&pfd, 1, deadline);
		if (r >= 0)
			r = step(p);
	}
	if (r < 0)
		return via__fail_errno(reterr, r, "the pipeline");
	const struct via_error *error = p->in.error.code ? &p->in.error
							 : &p->out.error;

	return error->code ? via__fail(reterr, error->code, "%s", error->text)
			   : 0;
}

void via_pipeline_pollfd(const struct via_pipeline *p, struct pollfd *ret)
{
	*ret = (struct pollfd){.fd = p->epoll_fd, .events = POLLIN};
}

const struct via_exit *via_pipeline_ended(const struct via_pipeline *p,
					  unsigned int stage)
{
	return p->stages[stage].ended ? &p->stages[stage].exit : NULL;
}

pid_t via_pipeline_pid(const struct via_pipeline *p, unsigned int stage)
{
	return p->stages[stage].pid;
}

int via_pipeline_status(const struct via_pipeline *p)
{
	int status = 0;

	if (p->n_running)
		return -EAGAIN;
	for (unsigned int i = p->n; i-- > 0 && status == 0;)
		status = via_exit_status(&p->stages[i].exit);
	return status;
}

int via_pipeline_kill(struct via_pipeline *p, int signal)
{
	if (p->stages[0].pidfd < 0)
		return -ESRCH;
	return kill(-p->stages[0].pid, signal) ? -errno : 0;
}

void via_pipeline_free(struct via_pipeline *p)
{
	if (!p)
		return;
	via__pump_fini(&p->in);
	via__pump_fini(&p->out);
	(void)via_pipeline_kill(p, SIGKILL);
	/* The first one last: until then the group is ours. */
	for (unsigned int i = p->n; i-- > 0;)
		if (p->stages[i].pidfd >= 0)
			via__end(&p->stages[i].pidfd);
	via__close(&p->epoll_fd);
	free(p);
}
