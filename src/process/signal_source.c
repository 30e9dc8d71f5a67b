/* SPDX-License-Identifier: MIT */
/* A signalfd(2), and what it takes to leave the mask as it was found. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include <via/signal.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"

struct via_signal_source {
	int fd;
	sigset_t blocked; /* by us: not what was blocked before */
};

static int make_set(uint64_t set, sigset_t *ret, struct via_error *reterr)
{
	char name[VIA_SIGNAL_NAME_MAX];

	sigemptyset(ret);
	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++) {
		if (!(set & VIA_SIGNAL_BIT(signal)))
			continue;
		/* The C library refuses its own. */
		if (signal == SIGKILL || signal == SIGSTOP ||
		    sigaddset(ret, signal) < 0)
			return via__fail(reterr, -EINVAL,
					 "signal %s cannot be received",
					 via_signal_name(signal, name));
	}
	return 0;
}

int via_signal_open(uint64_t set, struct via_signal_source **ret,
		    struct via_error *reterr)
{
	sigset_t wanted, before;
	int err = make_set(set, &wanted, reterr);

	if (err < 0)
		return err;
	struct via_signal_source *source = malloc(sizeof(*source));

	if (!source)
		return via__fail_errno(reterr, -ENOMEM, "a signal source");
	source->fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (source->fd < 0) {
		err = -errno;
		free(source);
		return via__fail_errno(reterr, err, "signalfd");
	}
	/* One unblocks just what it has blocked, so that several sources can
	 * be closed in any order. */
	(void)pthread_sigmask(SIG_BLOCK, &wanted, &before);
	source->blocked = wanted;
	for (int signal = 1; signal <= VIA_SIGNAL_MAX; signal++)
		if (sigismember(&before, signal) == 1)
			sigdelset(&source->blocked, signal);
	*ret = source;
	return 0;
}

int via_signal_fd(const struct via_signal_source *source)
{
	return source->fd;
}

int via_signal_read(struct via_signal_source *source, struct via_signal *ret,
		    int64_t deadline)
{
	struct pollfd pollfd = {.fd = source->fd, .events = POLLIN};
	struct signalfd_siginfo info;

	for (;;) {
		ssize_t n = via__read(source->fd, &info, sizeof(info));

		if (n > 0)
			break;
		if (n != -EAGAIN)
			return (int)n;
		int r = via__poll(&pollfd, 1, deadline);

		if (r <= 0)
			return r ? r : via__deadline_error(deadline);
	}
	*ret = (struct via_signal){
		.signal = (int)info.ssi_signo,
		.code = info.ssi_code,
		.pid = (pid_t)info.ssi_pid,
		.uid = info.ssi_uid,
		.value = info.ssi_int,
		.status = info.ssi_status,
		.overrun = info.ssi_overrun,
	};
	return 0;
}

void via_signal_restore(const struct via_signal_source *source)
{
	(void)pthread_sigmask(SIG_UNBLOCK, &source->blocked, NULL);
}

void via_signal_close(struct via_signal_source *source)
{
	if (!source)
		return;
	via__close(&source->fd);
	via_signal_restore(source);
	free(source);
}
