/* SPDX-License-Identifier: MIT */
/*
 * One command, watched until it ends.
 *
 * It stays in the process group of via, which takes the place that the shell
 * would have: Ctrl-C and Ctrl-Z reach all of it at once, the terminal is handed
 * to nobody, and `via run 'a | b' | less` is one job. via itself then does what
 * the command did: stops when it stops, ends as it ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <via/deadline.h>

#include "cli/command.h"
#include "cli/run/run.h"
#include "cli/run/screen.h"
#include "cli/verb.h"
#include "inspect/collect/watch.h"
#include "inspect/diagnose/stuck.h"

#define TICK_NS 100000000
/* After the end of a stage the others are looked at before they follow, but
 * not more often than this. */
#define PAUSE_NS 10000000
/* What ends sooner is not worth drawing. */
#define FIRST_DRAW_NS 300000000
/* So long before the end it counts as stuck until then. */
#define STUCK_NS 500000000

struct run {
	const struct run_options *o;
	pid_t pid;
	int signal_fd;
	sigset_t held, before;
	struct via_watch *watch; /* NULL: nobody to tell, or no memory */
	struct screen screen;
	int64_t start, looked, stuck; /* the last time it was that */
	struct run_end end;
	bool ended;
};

/* --- Signals --- */

/*
 * Those that are ignored stay ignored. SIGPIPE is held back because the reader
 * of the summary may have gone.
 */
static int hold_signals(struct run *r)
{
	static const int signals[] = {SIGINT,  SIGQUIT, SIGHUP,	 SIGTERM,
				      SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN,
				      SIGTTOU, SIGCONT, SIGPIPE};
	struct sigaction sa;

	sigemptyset(&r->held);
	sigaddset(&r->held, SIGCHLD);
	sigaddset(&r->held, SIGWINCH);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &sa) &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(&r->held, signals[i]);
	sigprocmask(SIG_BLOCK, &r->held, &r->before);
	r->signal_fd = signalfd(-1, &r->held, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signal_fd < 0 ? -errno : 0;
}

/* Whether the command has got it too: from the terminal, or by its kill(0). */
static bool reached_command(const struct run *r,
			    const struct signalfd_siginfo *si)
{
	return si->ssi_code == SI_KERNEL || (pid_t)si->ssi_pid == r->pid;
}

/* As the command has been: by this signal. Returns when continued. */
static void stop(struct run *r, int sig)
{
	sigset_t set;

	screen_leave(&r->screen);
	sigemptyset(&set);
	sigaddset(&set, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &r->held, NULL);
	kill(r->pid, SIGCONT);
}

static void child_changed(struct run *r)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)r->pid, &info,
			   WEXITED | WSTOPPED | WNOHANG) < 0 ||
		    !info.si_pid)
			return;
		if (info.si_code == CLD_STOPPED) {
			stop(r, info.si_status);
			continue;
		}
		r->end.signalled = info.si_code != CLD_EXITED;
		r->end.status = info.si_status;
		r->ended = true;
		return;
	}
}

static void take_signals(struct run *r)
{
	struct signalfd_siginfo si;

	while (read(r->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		int sig = (int)si.ssi_signo;

		if (sig == SIGCHLD)
			child_changed(r);
		else if (sig == SIGWINCH)
			screen_leave(&r->screen);
		else if (sig != SIGPIPE && !r->ended &&
			 !reached_command(r, &si))
			kill(r->pid, sig);
	}
}

/* --- Looking --- */

static void draw(struct run *r)
{
	const struct via_pipe_graph *p = via__watch_pipeline(r->watch);
	char *text = NULL;
	size_t len;
	FILE *f;

	if (!r->screen.usable || r->o->quiet ||
	    r->looked - r->start < FIRST_DRAW_NS)
		return;
	f = open_memstream(&text, &len);
	if (!f)
		return;
	if (r->o->pv) {
		run_rate(f, p);
		putc('\n', f);
	} else {
		run_live(f, p, r->stuck == r->looked ? r->end.stuck : NULL,
			 screen_room(&r->screen));
	}
	if (fclose(f) == 0)
		screen_draw(&r->screen, text);
	free(text);
}

static void look_for_ring(struct run *r)
{
	const struct via_pipe_graph *p = via__watch_pipeline(r->watch);
	size_t ring[VIA_RING_MAX], len;
	int n = via__stuck(p, ring);
	FILE *f;

	if (n <= 0)
		return;
	free(r->end.stuck);
	r->end.stuck = NULL;
	f = open_memstream(&r->end.stuck, &len);
	if (!f)
		return;
	run_ring(f, p, ring, n);
	fclose(f);
	r->stuck = r->looked;
}

static void look(struct run *r)
{
	r->looked = via_now();
	/* Without memory less is seen, and next time is another try. */
	(void)via__watch_look(r->watch);
	look_for_ring(r);
	draw(r);
}

/* Often at first, then ten times a second. */
static int64_t next_look(const struct run *r)
{
	int64_t pause = 2000000 + (r->looked - r->start) / 2;

	return r->looked + (pause < TICK_NS ? pause : TICK_NS);
}

/* Until it is time to look, a stage ends, or a signal comes. */
static void wait_for(struct run *r, int64_t until, bool for_stages)
{
	struct pollfd fds[1 + VIA_WATCH_MAX] = {{r->signal_fd, POLLIN, 0}};
	unsigned int n = for_stages ? via__watch_pollfds(r->watch, fds + 1) : 0;
	int64_t left = until - via_now();

	if (until == VIA_NEVER)
		(void)poll(fds, 1, -1);
	else if (left > 0)
		(void)ppoll(fds, 1 + n,
			    &(struct timespec){left / 1000000000,
					       left % 1000000000},
			    NULL);
	take_signals(r);
}

static void follow(struct run *r)
{
	while (!r->ended && !r->watch)
		wait_for(r, VIA_NEVER, false);
	while (!r->ended) {
		look(r);
		int64_t next = next_look(r), pause = r->looked + PAUSE_NS;

		wait_for(r, next < pause ? next : pause, false);
		if (!r->ended && via_now() < next)
			wait_for(r, next, true);
	}
}

/* --- The whole --- */

static void tell(struct run *r, FILE *json)
{
	const struct via_pipe_graph *p = via__watch_pipeline(r->watch);
	bool on_terminal = isatty(STDERR_FILENO);
	int resize_error = via__watch_resize_error(r->watch);

	/* What ends all of it at once may be seen as one after the other. */
	if (r->looked - r->stuck > STUCK_NS) {
		free(r->end.stuck);
		r->end.stuck = NULL;
	}

	if (json && run_report(json, p, &r->end) < 0)
		(void)cli_error("out of memory");
	if (resize_error)
		cli_warn("--pipe-size: %s", strerror(-resize_error));
	if (r->o->quiet || !(on_terminal || r->o->summary))
		return;
	if (!r->o->pv) {
		run_summary(stderr, p, &r->end);
	} else {
		run_rate(stderr, p);
		putc('\n', stderr);
	}
}

struct run_end run_watched(char **argv, const struct run_options *o, FILE *json)
{
	struct run r = {.o = o, .start = via_now()};

	screen_init(&r.screen, STDERR_FILENO);

	bool watched = json || o->summary || o->pipe_size ||
		       (r.screen.usable && !o->quiet);

	if (!watched)
		run_become(argv);

	int err = hold_signals(&r);

	if (err < 0) {
		r.end.status = cli_error("signals: %s", strerror(-err));
		return r.end;
	}

	int pidfd = run_start(argv, STDIN_FILENO, &r.before, &r.pid);

	if (pidfd < 0) {
		r.end.status = cli_start_status(pidfd);
		return r.end;
	}
	close(pidfd); /* a child that is not collected keeps its pid */
	if (watched)
		r.watch = via__watch_new(r.pid, o->pipe_size);
	follow(&r);
	r.end.seconds = (double)(via_now() - r.start) / 1e9;
	screen_leave(&r.screen);
	if (r.watch)
		tell(&r, json);
	free(r.end.stuck);
	r.end.stuck = NULL;
	via__watch_free(r.watch);
	close(r.signal_fd);
	return r.end;
}
