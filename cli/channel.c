/* SPDX-License-Identifier: MIT */
#include "cli/channel.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "cli/verb.h"

struct via_channel *cli_open(const char *url, unsigned int role,
			     int64_t timeout_ns)
{
	struct via_channel *ch;
	struct via_error err;

	if (via_open(url, role, via_deadline(timeout_ns), &ch, &err) == 0)
		return ch;
	(void)cli_error("%s", err.text);
	return NULL;
}

int cli_close(struct via_channel *ch, int64_t timeout_ns, int status)
{
	int err = via_finish(ch, via_deadline(timeout_ns));

	if (err < 0 && status == CLI_YES)
		status = cli_channel_error(ch);
	(void)via_close(ch, VIA_NO_WAIT);
	return status;
}

int cli_channel_error(const struct via_channel *ch)
{
	return cli_error("%s", via_last_error(ch)->text);
}

bool cli_goes_on(const struct via_channel *ch, uint64_t *rejected)
{
	struct via_stats s;

	(void)cli_channel_error(ch);
	via_stats(ch, &s);
	bool cut_off = s.rejected != *rejected;

	*rejected = s.rejected;
	return cut_off;
}

bool cli_can_follow(const struct via_channel *ch, uint64_t *joined)
{
	struct via_stats s;

	via_stats(ch, &s);
	bool can = s.joined != *joined;

	*joined = s.joined;
	return can;
}

int cli_output_error(int err)
{
	if (err == -EPIPE)
		raise(SIGPIPE);
	return cli_error("standard output: %s", strerror(-err));
}

/* "12.3 MB" out of a number of bytes, in decimal units as rates are. */
static const char *amount(double n, char text[32])
{
	static const char units[][3] = {"B", "kB", "MB", "GB", "TB"};
	size_t i = 0;

	for (; n >= 1000 && i < sizeof(units) / sizeof(*units) - 1; i++)
		n /= 1000;
	snprintf(text, 32, i ? "%.1f %s" : "%.0f %s", n, units[i]);
	return text;
}

void cli_print_stats(const struct via_channel *ch, enum via_role role,
		     int64_t since)
{
	struct via_stats s;
	char bytes_text[32], rate_text[32];
	double seconds = (double)(via_now() - since) / 1e9;

	via_stats(ch, &s);
	bool sent = role == VIA_SEND;
	uint64_t n = sent ? s.sent : s.received;
	uint64_t bytes = sent ? s.sent_bytes : s.received_bytes;

	cli_warn("%s %" PRIu64 " message%s, %s in %.3f s (%.0f/s, %s/s), "
		 "dropped %" PRIu64 ", rejected %" PRIu64,
		 sent ? "sent" : "received", n, n == 1 ? "" : "s",
		 amount((double)bytes, bytes_text), seconds,
		 (double)n / seconds,
		 amount((double)bytes / seconds, rate_text), s.dropped,
		 s.rejected);
}

/* --- Signals --- */

static sigset_t held;
static int signal_fd = -1;

int cli_hold_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		/* A blocked signal is queued even when it is ignored, as in
		 * the background jobs of a script. */
		if (!sigaction(signals[i], NULL, &sa) &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(&held, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &held, NULL);
	signal_fd = signalfd(-1, &held, SFD_CLOEXEC);
	return signal_fd < 0 ? -errno : 0;
}

void cli_let_signals(void)
{
	sigprocmask(SIG_UNBLOCK, &held, NULL);
}

bool cli_stopped(void)
{
	sigset_t pending;

	sigpending(&pending);
	sigandset(&pending, &pending, &held);
	return !sigisemptyset(&pending);
}

int cli_wait(struct pollfd *fds, unsigned int n, int64_t deadline)
{
	fds[n] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	for (;;) {
		int64_t left = deadline - via_now();
		struct timespec ts = {left / 1000000000, left % 1000000000};

		if (deadline != VIA_NEVER && left < 0)
			return -ETIMEDOUT;
		int r = ppoll(fds, n + 1, deadline == VIA_NEVER ? NULL : &ts,
			      NULL);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0)
			return fds[n].revents ? -EINTR : 0;
	}
}
