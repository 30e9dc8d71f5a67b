/* SPDX-License-Identifier: MIT */
/* A command for each message, which is its standard input: a file in memory,
 * so that the command may read as little of it as it likes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/channel.h"
#include "cli/command.h"
#include "cli/run/run.h"
#include "cli/verb.h"

struct each {
	char **argv;
	struct via_channel *ch;
	sigset_t mask;	    /* of the commands */
	struct pollfd *fds; /* pidfds of n commands; room for two more */
	unsigned int n;
	uint64_t jobs, started, failed, rejected;
	bool at_end, faulty; /* a sender broke the protocol */
	int status;	     /* CLI_YES, or why to start no more */
};

/* A descriptor at the start of the message, or -errno. */
static int as_file(const struct via_msg *m)
{
	int fd = memfd_create("message", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < m->len) {
		ssize_t n = write(fd, (char *)m->data + done, m->len - done);

		if (n < 0) {
			int err = -errno;

			close(fd);
			return err;
		}
		done += (size_t)n;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void start(struct each *e, const struct via_msg *m)
{
	for (unsigned int i = 0; i < m->n_fds; i++)
		close(m->fds[i]);
	int input = as_file(m);

	if (input < 0) {
		e->status = cli_error("a file for the message: %s",
				      strerror(-input));
		return;
	}
	int pidfd = run_start(e->argv, input, &e->mask, NULL);

	close(input);
	if (pidfd < 0) {
		e->status = cli_start_status(pidfd);
		return;
	}
	e->fds[e->n++] = (struct pollfd){pidfd, POLLIN, 0};
	e->started++;
}

static void receive(struct each *e)
{
	struct via_msg m;
	int err = via_take(e->ch, &m, VIA_NO_WAIT);

	if (err == 0) {
		start(e, &m);
		via_release(e->ch);
	} else if (err == -EPIPE) {
		e->at_end = true;
	} else if (err == -EPROTO) {
		e->faulty = true;
		e->at_end = !cli_goes_on(e->ch, &e->rejected);
	} else if (err != -EAGAIN) {
		e->status = cli_channel_error(e->ch);
	}
}

static void reap(struct each *e)
{
	for (unsigned int i = e->n; i-- > 0;) {
		siginfo_t info = {0};

		if (waitid(P_PIDFD, (id_t)e->fds[i].fd, &info,
			   WEXITED | WNOHANG) == 0 &&
		    info.si_pid == 0)
			continue;
		e->failed += info.si_code != CLD_EXITED || info.si_status != 0;
		close(e->fds[i].fd);
		e->fds[i] = e->fds[--e->n];
	}
}

/* Until a command ends, or, if there may be one more, a message is there. */
static void wait_for(struct each *e, bool message)
{
	unsigned int n = e->n;

	if (message && via_pollfd(e->ch, VIA_RECV, &e->fds[n]) == 0)
		n++;
	/* A held signal is seen by cli_stopped(). */
	(void)cli_wait(e->fds, n, VIA_NEVER);
}

static void follow(struct each *e)
{
	while (!e->at_end && e->status == CLI_YES && !cli_stopped()) {
		bool room = e->n < e->jobs;
		unsigned int before = e->n;

		if (room)
			receive(e);
		if (!e->at_end && e->status == CLI_YES && e->n == before)
			wait_for(e, room);
		reap(e);
	}
	for (; e->n > 0; reap(e)) {
		/* A second Ctrl-C reaches the commands, not us. */
		struct pollfd last = e->fds[0];

		(void)poll(&last, 1, -1);
	}
}

int run_each(char **argv, const struct run_options *o)
{
	struct each e = {.argv = argv, .jobs = o->jobs};

	e.fds = calloc(o->jobs + 2, sizeof(*e.fds));
	if (!e.fds)
		return cli_error("%s", strerror(errno));
	sigprocmask(SIG_BLOCK, NULL, &e.mask);
	int err = cli_hold_signals();

	if (err < 0)
		e.status = cli_error("signals: %s", via_strerror(err));
	else
		e.ch = cli_open(o->each, VIA_RECV, 0);
	if (e.ch)
		follow(&e);
	else
		e.status = CLI_FAILED;
	(void)via_close(e.ch, VIA_NO_WAIT);
	free(e.fds);
	cli_let_signals();
	if (e.status == CLI_YES && e.failed)
		return cli_error("%" PRIu64 " of %" PRIu64 " commands failed",
				 e.failed, e.started);
	return e.status == CLI_YES && e.faulty ? CLI_FAILED : e.status;
}
