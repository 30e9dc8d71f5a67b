/* SPDX-License-Identifier: MIT */
/*
 * Supervision: one epoll over pidfds, readiness pipes, a timer for what is due
 * next and, for a subreaper, SIGCHLD.
 *
 * All of it is level-triggered and each call tells one thing, so what is not
 * told yet keeps the caller's descriptor ready.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/supervisor.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"
#include "process/service.h"

#define GRACE_NS (10 * VIA__NS_PER_S)

struct via_supervisor {
	int epoll_fd;
	int timer_fd;
	int signal_fd; /* -1: not a subreaper, and the next two unused */
	int was_subreaper;
	sigset_t mask_before;
	int n;
	struct via__service **services;
};

/* What is in the epoll, with the number of the service. */
enum source {
	TIMER,
	CHILDREN,
	PROCESS,
	READINESS
};

static int watch(struct via_supervisor *s, int fd, enum source source, int i)
{
	struct epoll_event ev = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)source << 32 | (uint32_t)i,
	};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* Not by closing alone: a forked child may have another copy of it. */
static void unwatch(struct via_supervisor *s, int *fd)
{
	if (*fd >= 0)
		(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
	via__close(fd);
}

/* Have the timer say when the next thing is due. */
static void set_timer(struct via_supervisor *s)
{
	int64_t due = 0;

	for (int i = 0; i < s->n; i++) {
		int64_t at = s->services[i]->due_at;

		if (at && (!due || at < due))
			due = at;
	}
	struct itimerspec when = {
		.it_value = {due / VIA__NS_PER_S, due % VIA__NS_PER_S}};

	/* Also takes back that it has expired. */
	(void)timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* --- subreaper --- */

static int become_subreaper(struct via_supervisor *s)
{
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)prctl(PR_GET_CHILD_SUBREAPER, &s->was_subreaper);
	s->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	(void)pthread_sigmask(SIG_BLOCK, &child, &s->mask_before);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	return watch(s, s->signal_fd, CHILDREN, 0);
}

static struct via__service *service_of(struct via_supervisor *s, pid_t pid)
{
	for (int i = 0; i < s->n; i++)
		if (s->services[i]->pidfd >= 0 && s->services[i]->pid == pid)
			return s->services[i];
	return NULL;
}

/*
 * Collect every child that has ended. Services too, for one that has not been
 * told yet would hide the others from waitid(); their pidfds stay readable.
 */
static void collect_children(struct via_supervisor *s)
{
	struct signalfd_siginfo unused;
	siginfo_t info = {0};

	/* First, so that one who ends after the last look is not missed. */
	(void)via__read(s->signal_fd, &unused, sizeof(unused));
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) ==
		       0 &&
	       info.si_pid) {
		struct via__service *sv = service_of(s, info.si_pid);

		if (sv)
			via__service_collect(sv);
		else
			(void)waitid(P_PID, (id_t)info.si_pid, &info,
				     WEXITED | __WALL);
		info.si_pid = 0;
	}
}

/* Wait for the orphans of a group that has got SIGKILL. */
static void collect_group(pid_t group)
{
	siginfo_t unused;

	while (waitid(P_PGID, (id_t)group, &unused, WEXITED | __WALL) == 0 ||
	       errno == EINTR)
		;
}

/* --- services --- */

/* Forget its process, which has been collected. */
static void leave(struct via_supervisor *s, struct via__service *sv)
{
	unwatch(s, &sv->pidfd);
	unwatch(s, &sv->ready_fd);
	sv->due_at = 0;
}

static int start(struct via_supervisor *s, int i, struct via_error *err)
{
	struct via__service *sv = s->services[i];
	int r = via__service_start(sv, err);

	if (r < 0)
		return r;
	r = watch(s, sv->pidfd, PROCESS, i);
	if (r == 0 && sv->ready_fd >= 0)
		r = watch(s, sv->ready_fd, READINESS, i);
	if (r < 0) {
		(void)via__service_signal(sv, SIGKILL);
		via__service_collect(sv);
		leave(s, sv);
		return via__fail_errno(err, r, "cannot watch the process");
	}
	return 0;
}

static void plan_restart(struct via__service *sv, int64_t *ret_ns)
{
	*ret_ns = via__service_backoff(sv);
	sv->due_at = *ret_ns < 0 ? 0 : via__deadline(*ret_ns);
}

static int ended(struct via_supervisor *s, struct via__service *sv,
		 struct via_service_event *ret)
{
	leave(s, sv);
	ret->kind = VIA_SERVICE_ENDED;
	ret->pid = sv->pid;
	ret->exit = sv->exit;
	plan_restart(sv, &ret->restart_ns);
	return 1;
}

/* Its time has come. 1 with an event, 0 without. */
static int act(struct via_supervisor *s, int i, struct via_service_event *ret)
{
	struct via__service *sv = s->services[i];

	sv->due_at = 0;
	if (sv->pidfd >= 0) {
		(void)via__service_signal(sv, SIGKILL);
		return 0;
	}
	if (start(s, i, &ret->error) == 0) {
		ret->kind = VIA_SERVICE_STARTED;
		ret->pid = sv->pid;
	} else {
		ret->kind = VIA_SERVICE_FAILED;
		sv->exit.how = VIA_LOST; /* a failure for its policy */
		plan_restart(sv, &ret->restart_ns);
	}
	return 1;
}

static int timer_expired(struct via_supervisor *s,
			 struct via_service_event *ret)
{
	for (int i = 0; i < s->n; i++) {
		int64_t due_at = s->services[i]->due_at;

		ret->service = i;
		if (due_at && via__deadline_passed(due_at))
			return act(s, i, ret);
	}
	return 0;
}

/* 1 with an event, 0, or -errno when there is nothing to read. */
static int said_something(struct via_supervisor *s, struct via__service *sv,
			  struct via_service_event *ret)
{
	int r = via__service_listen(sv);

	if (r == -EPIPE)
		unwatch(s, &sv->ready_fd);
	if (r > 0) {
		ret->kind = VIA_SERVICE_READY;
		ret->pid = sv->pid;
	}
	return r;
}

static int handle(struct via_supervisor *s, uint64_t what,
		  struct via_service_event *ret)
{
	int i = (int)(uint32_t)what;
	struct via__service *sv = s->services[i];
	int r;

	ret->service = i;
	switch ((enum source)(what >> 32)) {
	case TIMER:
		return timer_expired(s, ret);
	case CHILDREN:
		collect_children(s);
		return 0;
	case PROCESS:
		via__service_collect(sv);
		/* What it said before comes first. */
		r = sv->ready || sv->ready_fd < 0 ? -EPIPE
						  : said_something(s, sv, ret);
		return r < 0 ? ended(s, sv, ret) : r;
	case READINESS:
		return said_something(s, sv, ret) > 0;
	}
	return 0;
}

static bool at_rest(const struct via_supervisor *s)
{
	for (int i = 0; i < s->n; i++)
		if (s->services[i]->pidfd >= 0 || s->services[i]->due_at)
			return false;
	return true;
}

int via_supervisor_step(struct via_supervisor *s, int64_t deadline,
			struct via_service_event *ret)
{
	*ret = (struct via_service_event){0};
	while (!at_rest(s)) {
		struct pollfd pfd;
		struct epoll_event ev;

		via_supervisor_pollfd(s, &pfd);
		int r = via__poll(&pfd, 1, deadline);

		if (r <= 0)
			return r < 0 ? r : via__deadline_error(deadline);
		if (epoll_wait(s->epoll_fd, &ev, 1, 0) <= 0)
			continue;
		r = handle(s, ev.data.u64, ret);
		set_timer(s);
		if (r)
			return r;
		if (via__deadline_passed(deadline))
			return via__deadline_error(deadline);
	}
	return 0;
}

int via_supervise(struct via_supervisor *s, const struct via_service *service,
		  struct via_error *reterr)
{
	size_t size = (size_t)(s->n + 1) * sizeof(*s->services);
	struct via__service **grown = realloc(s->services, size);
	struct via__service *sv = calloc(1, sizeof(*sv));

	if (grown)
		s->services = grown;
	if (!grown || !sv) {
		free(sv);
		return via__fail_errno(reterr, -ENOMEM, "no service");
	}
	sv->config = service;
	sv->pidfd = sv->ready_fd = -1;
	s->services[s->n] = sv;
	int r = start(s, s->n, reterr);

	if (r < 0) {
		free(sv);
		return r;
	}
	return s->n++;
}

static void stop(struct via__service *sv)
{
	int64_t grace = sv->config->grace_ns;
	int signal = sv->config->stop_signal;

	if (sv->stopping)
		return;
	sv->stopping = true;
	sv->due_at = 0;
	if (sv->pidfd < 0)
		return;
	(void)via__service_signal(sv, signal ? signal : SIGTERM);
	/* One that is stopped could not act on it. */
	(void)via__service_signal(sv, SIGCONT);
	sv->due_at = via__deadline(grace ? grace : GRACE_NS);
}

void via_supervisor_stop(struct via_supervisor *s, int service)
{
	for (int i = 0; i < s->n; i++)
		if (i == service || service < 0)
			stop(s->services[i]);
	set_timer(s);
}

int via_supervisor_kill(struct via_supervisor *s, int service, int signal)
{
	return via__service_signal(s->services[service], signal);
}

void via_supervisor_pollfd(const struct via_supervisor *s, struct pollfd *ret)
{
	*ret = (struct pollfd){.fd = s->epoll_fd, .events = POLLIN};
}

int via_supervisor_new(unsigned int flags, struct via_supervisor **ret,
		       struct via_error *reterr)
{
	struct via_supervisor *s = calloc(1, sizeof(*s));

	if (!s)
		return via__fail_errno(reterr, -ENOMEM, "no supervisor");
	s->signal_fd = -1;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC,
				     TFD_CLOEXEC | TFD_NONBLOCK);
	int r = s->epoll_fd < 0 || s->timer_fd < 0
			? -errno
			: watch(s, s->timer_fd, TIMER, 0);

	if (r == 0 && flags & VIA_SUPERVISOR_SUBREAPER)
		r = become_subreaper(s);
	if (r < 0) {
		via_supervisor_free(s);
		return via__fail_errno(reterr, r, "no supervisor");
	}
	*ret = s;
	return 0;
}

static void end_all(struct via_supervisor *s)
{
	for (int i = 0; i < s->n; i++)
		(void)via__service_signal(s->services[i], SIGKILL);
	for (int i = 0; i < s->n; i++) {
		struct via__service *sv = s->services[i];

		if (sv->pidfd >= 0) {
			via__service_collect(sv);
			if (s->signal_fd >= 0)
				collect_group(sv->pid);
			leave(s, sv);
		}
		free(sv);
	}
}

void via_supervisor_free(struct via_supervisor *s)
{
	if (!s)
		return;
	end_all(s);
	if (s->signal_fd >= 0) {
		collect_children(s);
		(void)prctl(PR_SET_CHILD_SUBREAPER, s->was_subreaper);
		(void)pthread_sigmask(SIG_SETMASK, &s->mask_before, NULL);
	}
	via__close(&s->signal_fd);
	via__close(&s->timer_fd);
	via__close(&s->epoll_fd);
	free(s->services);
	free(s);
}
