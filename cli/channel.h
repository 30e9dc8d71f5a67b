/* SPDX-License-Identifier: MIT */
/*
 * What verbs share around channels: opening with a sentence on failure, and
 * waiting so that Ctrl-C ends the wait, not the process, which still has names
 * to put away.
 */
#ifndef CLI_CHANNEL_H
#define CLI_CHANNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <via/via.h>

/* Standard input and output as channels; any kind of file will do. */
#define CLI_STDIN_URL  "pipe:?fd=0&raw"
#define CLI_STDOUT_URL "pipe:?fd=1&raw"

/*
 * Open an end, waiting timeout_ns (-1: for ever) for the other side. NULL
 * after saying why.
 */
struct via_channel *cli_open(const char *url, unsigned int role,
			     int64_t timeout_ns);

/*
 * Close a sending end when the receiver has it all, waiting timeout_ns for
 * that. CLI_YES, or CLI_FAILED after saying why; status if that is a failure
 * already, which has been told.
 */
int cli_close(struct via_channel *ch, int64_t timeout_ns, int status);

/* Say what last went wrong on an end. Returns CLI_FAILED. */
int cli_channel_error(const struct via_channel *ch);

/*
 * After -EPROTO: say it. True if the sender that caused it has been cut off,
 * so that the others can go on. rejected: 0 at first.
 */
bool cli_goes_on(const struct via_channel *ch, uint64_t *rejected);

/*
 * After -EPIPE on a receiving end: false if no sender can come any more (an
 * inherited pipe): then -EPIPE comes again without anybody having joined.
 * joined: UINT64_MAX at first.
 */
bool cli_can_follow(const struct via_channel *ch, uint64_t *joined);

/*
 * What went wrong on standard output. A reader that has left ends the process
 * quietly by SIGPIPE, as with any filter. Returns CLI_FAILED.
 */
int cli_output_error(int err);

/*
 * One line on standard error: what was sent (VIA_SEND) or received (VIA_RECV)
 * since then, a via_now().
 */
void cli_print_stats(const struct via_channel *ch, enum via_role role,
		     int64_t since);

/*
 * From here on SIGINT, SIGTERM and SIGHUP (those that are not ignored) stay
 * pending and end cli_wait() instead; cli_let_signals() lets them do what they
 * do. 0 or -errno.
 */
int cli_hold_signals(void);
void cli_let_signals(void);

/* Whether a held signal waits to be let. */
bool cli_stopped(void);

/*
 * poll() that a held signal ends: 0 something is ready, -ETIMEDOUT, -EINTR for
 * a signal. fds has room for one more behind its n.
 */
int cli_wait(struct pollfd *fds, unsigned int n, int64_t deadline);

#endif
