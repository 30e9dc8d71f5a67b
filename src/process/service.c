/* SPDX-License-Identifier: MIT */
/* One supervised service. */
#include "process/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <via/signal.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/sys.h"
#include "process/process.h"

#define BACKOFF_NS     (VIA__NS_PER_S / 10)
#define BACKOFF_MAX_NS (30 * VIA__NS_PER_S)

/* Make the readiness pipe; our end does not block. */
static int make_pipe(struct via__service *sv, int *ret_said,
		     struct via_error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return via__fail_errno(err, -errno, "no pipe for readiness");
	sv->ready_fd = ends[0];
	*ret_said = ends[1];
	return via__set_nonblock(sv->ready_fd, 1);
}

int via__service_start(struct via__service *sv, struct via_error *err)
{
	const struct via_service *config = sv->config;
	struct via_program program = config->program;
	struct via_program_fd fds[VIA_PROGRAM_FDS_MAX];
	VIA__CLEANUP_FD int said = -1;
	int r = 0;

	sv->started_at = via__now();
	if (program.n_fds >= VIA_PROGRAM_FDS_MAX)
		return via__fail(err, -EINVAL, "at most %d descriptors",
				 VIA_PROGRAM_FDS_MAX - 1);
	for (uint32_t i = 0; i < program.n_fds; i++)
		fds[i] = program.fds[i];
	program.fds = fds;
	if (config->ready_fd) {
		r = make_pipe(sv, &said, err);
		fds[program.n_fds++] = (struct via_program_fd){config->ready_fd,
							       said};
	}
	if (!(program.flags & VIA_PROGRAM_SESSION))
		program.flags |= VIA_PROGRAM_GROUP;
	program.group = 0;
	if (r == 0)
		r = via_spawn(&program, &sv->pid, err);
	if (r < 0) {
		via__close(&sv->ready_fd);
		return r;
	}
	sv->pidfd = r;
	sv->ready = sv->collected = false;
	sv->line_len = 0;
	return 0;
}

int via__service_signal(struct via__service *sv, int signal)
{
	if (sv->pidfd < 0 || sv->collected)
		return -ESRCH;
	int r = kill(-sv->pid, signal) ? -errno : 0;

	/* It may have left the group, or be about to. */
	if (signal == SIGKILL || getpgid(sv->pid) != sv->pid)
		r = via_signal_send_pidfd(sv->pidfd, signal, NULL);
	return r;
}

void via__service_collect(struct via__service *sv)
{
	if (sv->collected)
		return;
	(void)kill(-sv->pid, SIGKILL);
	(void)via__collect(sv->pidfd, 0, &sv->exit, NULL);
	sv->collected = true;
}

/* One byte of what it says. */
static void hear(struct via__service *sv, char byte)
{
	const char *wanted = sv->config->ready_line;

	if (byte != '\n') {
		/* The rest of a line that is too long is not looked at. */
		if (sv->line_len < sizeof(sv->line) - 1)
			sv->line[sv->line_len++] = byte;
		return;
	}
	sv->line[sv->line_len] = '\0';
	sv->line_len = 0;
	if (!wanted || strstr(sv->line, wanted))
		sv->ready = true;
}

int via__service_listen(struct via__service *sv)
{
	bool before = sv->ready;
	char bytes[4096];
	ssize_t n = via__read(sv->ready_fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n && !sv->ready; i++)
		hear(sv, bytes[i]);
	if (n <= 0)
		return n == -EAGAIN ? -EAGAIN : -EPIPE;
	return sv->ready && !before;
}

static bool failed(const struct via__service *sv)
{
	return sv->exit.how != VIA_EXITED || sv->exit.status != 0;
}

int64_t via__service_backoff(struct via__service *sv)
{
	const struct via_service *config = sv->config;
	int64_t least = config->backoff_ns ? config->backoff_ns : BACKOFF_NS;
	int64_t most = config->backoff_max_ns ? config->backoff_max_ns
					      : BACKOFF_MAX_NS;

	if (sv->stopping || config->restart == VIA_RESTART_NEVER ||
	    (config->restart == VIA_RESTART_ON_FAILURE && !failed(sv)))
		return -1;
	if (!sv->backoff_ns || via__now() - sv->started_at > most)
		sv->backoff_ns = least < most ? least : most;
	else
		sv->backoff_ns += sv->backoff_ns < most / 2
					  ? sv->backoff_ns
					  : most - sv->backoff_ns;
	return sv->backoff_ns;
}
