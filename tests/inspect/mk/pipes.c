/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs: every way to wait for one, and what goes wrong with them. */
#include "tests/inspect/mk/mk.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

void make_pipe_read(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_reader(m, "reader", p[0]);
	mk_keeper(m, "writer", p[1]);
	mk_verdict(m, "reader", "waiting", NULL);
}

void make_pipe_write(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_filler(m, "writer", p[1]);
	mk_keeper(m, "reader", p[0]);
	mk_verdict(m, "writer", "waiting", NULL);
}

void make_pipe_splice(struct mk *m)
{
	int from[2], to[2];

	mk_pipe(m, from);
	mk_pipe(m, to);
	CHILD(m, "splicer", from[0], to[1], -1)
		(void)splice(from[0], NULL, to[1], NULL, 100, 0);
	mk_in(m, "splicer", SYS_splice, "read", from[0]);
	mk_keeper(m, "writer", from[1]);
	mk_keeper(m, "reader", to[0]);
	mk_verdict(m, "splicer", "waiting", NULL);
}

void make_pipe_vmsplice(struct mk *m)
{
	static char page[4096];
	struct iovec iov = {page, sizeof(page)};
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "splicer", p[1], -1)
		while (vmsplice(p[1], &iov, 1, 0) > 0)
			;
	mk_in(m, "splicer", SYS_vmsplice, "write", p[1]);
	mk_keeper(m, "reader", p[0]);
	mk_verdict(m, "splicer", "waiting", NULL);
}

void make_pipe_packets(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	MUST(fcntl(p[1], F_SETFL, O_DIRECT));
	MUST(write(p[1], "three", 5));
	mk_keeper(m, "writer", p[1]);
	mk_keeper(m, "reader", p[0]);
}

void make_pipe_resized(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	MUST(fcntl(p[1], F_SETPIPE_SZ, 4096));
	mk_filler(m, "writer", p[1]);
	mk_keeper(m, "reader", p[0]);
	mk_verdict(m, "writer", "waiting", NULL);
}

void make_pipe_poll(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);

	struct pollfd fds[] = {{a[0], POLLIN, 0}, {b[0], POLLIN, 0}};

	CHILD(m, "poller", a[0], b[0], -1)
		(void)poll(fds, 2, -1);
	mk_blocks(m, "poller", MK_SYS_POLL, -1);
	mk_waits(m, "poller", "read", mk_of(m, a[0]), a[0]);
	mk_waits(m, "poller", "read", mk_of(m, b[0]), b[0]);
	mk_keeper(m, "writer-a", a[1]);
	mk_keeper(m, "writer-b", b[1]);
	mk_verdict(m, "poller", "waiting", NULL);
}

void make_pipe_poll_write(struct mk *m)
{
	static const char page[4096];
	int p[2];

	mk_pipe(m, p);

	struct pollfd fd = {p[1], POLLOUT, 0};

	MUST(fcntl(p[1], F_SETFL, O_NONBLOCK));
	while (write(p[1], page, sizeof(page)) > 0)
		;
	CHILD(m, "poller", p[1], -1)
		(void)poll(&fd, 1, -1);
	mk_blocks(m, "poller", MK_SYS_POLL, -1);
	mk_waits(m, "poller", "write", mk_of(m, p[1]), p[1]);
	mk_keeper(m, "reader", p[0]);
	mk_verdict(m, "poller", "waiting", NULL);
}

void make_pipe_ppoll(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);

	struct pollfd fd = {p[0], POLLIN, 0};
	struct timespec hour = {.tv_sec = 3600};

	CHILD(m, "poller", p[0], -1)
		(void)ppoll(&fd, 1, &hour, NULL);
	mk_blocks(m, "poller", SYS_ppoll, -1);
	mk_waits(m, "poller", "read", mk_of(m, p[0]), p[0]);
	mk_keeper(m, "writer", p[1]);
	/* It ends by itself in an hour. */
	mk_verdict(m, "poller", "waiting|idle", NULL);
}

void make_pipe_select(struct mk *m)
{
	int in[2], out[2];

	mk_pipe(m, in);
	mk_pipe(m, out);
	CHILD(m, "selector", in[0], -1) {
		fd_set set;

		FD_ZERO(&set);
		FD_SET(in[0], &set);
		(void)select(in[0] + 1, &set, NULL, NULL, NULL);
	}
	mk_blocks(m, "selector", SYS_pselect6, -1);
	mk_waits(m, "selector", "read", mk_of(m, in[0]), in[0]);
	mk_keeper(m, "writer", in[1]);
	mk_verdict(m, "selector", "waiting", NULL);
}

void make_fifo_read(struct mk *m)
{
	char path[128];
	int f[2];

	mk_fifo(m, f, path, sizeof(path));
	mk_reader(m, "reader", f[0]);
	mk_keeper(m, "writer", f[1]);
	mk_verdict(m, "reader", "waiting", NULL);
}

void make_fifo_write(struct mk *m)
{
	char path[128];
	int f[2];

	mk_fifo(m, f, path, sizeof(path));
	mk_filler(m, "writer", f[1]);
	mk_keeper(m, "reader", f[0]);
	mk_verdict(m, "writer", "waiting", NULL);
}

/* A FIFO that nobody has open. */
static int named_fifo(struct mk *m, const char *name, char *path, size_t size)
{
	struct stat st;

	mk_path(m, name, path, size);
	MUST(mkfifo(path, 0600));
	MUST(stat(path, &st));

	int fifo = mk_object(m, "fifo", st.st_dev, st.st_ino, 0);

	mk_text(m, fifo, "%s", path);
	return fifo;
}

static void opens(struct mk *m, int flags)
{
	char path[128];
	int fifo = named_fifo(m, "fifo", path, sizeof(path));

	CHILD(m, "opener", -1)
		(void)open(path, flags);
	mk_blocks(m, "opener", SYS_openat, -1);
	mk_waits(m, "opener", "open", fifo, -1);
	mk_verdict(m, "opener", "waiting|idle|unknown", NULL);
}

void make_fifo_open_read(struct mk *m)
{
	opens(m, O_RDONLY);
}

void make_fifo_open_write(struct mk *m)
{
	opens(m, O_WRONLY);
}

/* Nothing shows that each would open the other's next. */
void make_fifo_open_abba(struct mk *m)
{
	char path_a[128], path_b[128];
	int a = named_fifo(m, "a", path_a, sizeof(path_a));
	int b = named_fifo(m, "b", path_b, sizeof(path_b));

	CHILD(m, "one", -1)
		if (open(path_a, O_WRONLY) >= 0)
			(void)open(path_b, O_RDONLY);
	CHILD(m, "two", -1)
		if (open(path_b, O_WRONLY) >= 0)
			(void)open(path_a, O_RDONLY);
	mk_blocks(m, "one", SYS_openat, -1);
	mk_blocks(m, "two", SYS_openat, -1);
	mk_waits(m, "one", "open", a, -1);
	mk_waits(m, "two", "open", b, -1);
	mk_verdict(m, "one", "waiting|idle|unknown", NULL);
	mk_verdict(m, "two", "waiting|idle|unknown", NULL);
}

static void opens_both(struct mk *m, const char *role, int fifo,
		       const char *first, const char *then)
{
	CHILD(m, role, -1) {
		(void)execl("/proc/self/exe", "via-mk", "--open", role, first,
			    then, NULL);
		mk_die("execl");
	}
	mk_blocks(m, role, SYS_openat, -1);
	mk_waits(m, role, "open", fifo, -1);
}

/* Anybody may open them yet: no more than "probably". */
void make_fifo_crosswise(struct mk *m)
{
	char path_a[128], path_b[128];
	int a = named_fifo(m, "requests", path_a, sizeof(path_a));
	int b = named_fifo(m, "answers", path_b, sizeof(path_b));

	opens_both(m, "one", a, path_a, path_b);
	opens_both(m, "two", b, path_b, path_a);
	mk_cycle(m, NULL, "one", "two", NULL);
	mk_finding(m, "fifo-crosswise", "one", a);
}

/* --- What goes wrong --- */

void make_self_eof(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "reader", p[0], p[1], -1)
		mk_read(p[0]);
	mk_in(m, "reader", SYS_read, "read", p[0]);
	mk_cycle(m, "exact", "reader", NULL);
	mk_finding(m, "own-write-end", "reader", mk_of(m, p[0]));
}

/* The writer has ended; a daemon that knows nothing of it still has its end, so
 * the reader never sees the end. */
void make_leaked_write_end(struct mk *m)
{
	int p[2], other[2];

	mk_pipe(m, p);
	mk_pipe(m, other);
	mk_reader(m, "reader", p[0]);
	CHILD(m, "daemon", p[1], other[0], -1) {
		MUST(setsid());
		mk_read(other[0]);
	}
	mk_in(m, "daemon", SYS_read, "read", other[0]);
	mk_keeper(m, "talker", other[1]);
	mk_verdict(m, "reader", "waiting", NULL);
	mk_verdict(m, "daemon", "waiting", NULL);
	mk_finding(m, "leaked-write-end", "daemon", mk_of(m, p[0]));
	/* The other pipe is between sessions, too. */
	mk_remark(m, "leaked-write-end", "talker", mk_of(m, other[0]));
}

/* In a parent: a child that reads its standard input, and keeps the other end
 * of it or not. */
static pid_t input_child(const char *role, const int input[2], bool keeps)
{
	pid_t pid = mk_fork(role);

	if (pid == 0) {
		MUST(dup2(input[0], 0));
		MUST(close(input[0]));
		if (!keeps)
			MUST(close(input[1]));
		mk_read(0);
	}
	return pid;
}

/* Of the factory's own count, since descriptors are closed and moved. */
static void family_holds(struct mk *m, int pipe, const char *sibling, int end)
{
	m->n_holds = 0;
	mk_holds(m, "reader", pipe, "fd", 0, "r");
	mk_holds(m, sibling, pipe, "fd", end, "w");
	mk_blocks(m, "parent", SYS_wait4, -1);
	mk_blocks(m, "reader", SYS_read, 0);
	mk_waits_on(m, "parent", "child", "reader");
	mk_waits(m, "reader", "read", pipe, 0);
}

/* Two children that read what their parent says: the second has inherited the
 * end of the first one's pipe, and the parent waits for the first. */
static void beside_sibling(struct mk *m, bool keeps)
{
	int first[2], second[2];

	mk_pipe(m, first);
	mk_pipe(m, second);
	CHILD(m, "parent", first[0], first[1], second[0], second[1], -1) {
		pid_t reader = input_child("reader", first, keeps);

		MUST(close(first[0]));
		(void)input_child("sibling", second, false);
		MUST(close(first[1]));
		MUST(close(second[0]));
		(void)waitpid(reader, NULL, 0);
	}
	family_holds(m, mk_of(m, first[1]), "sibling", first[1]);
	mk_holds(m, "parent", mk_of(m, second[1]), "fd", second[1], "w");
	mk_holds(m, "sibling", mk_of(m, second[1]), "fd", 0, "r");
	mk_blocks(m, "sibling", SYS_read, 0);
	mk_waits(m, "sibling", "read", mk_of(m, second[1]), 0);
	mk_cycle(m, "exact", "parent", "reader", "sibling", NULL);
	mk_finding(m, "leaked-write-end", "sibling", mk_of(m, first[1]));
}

void make_leaked_to_sibling(struct mk *m)
{
	beside_sibling(m, false);
}

void make_leaked_to_both(struct mk *m)
{
	beside_sibling(m, true);
	mk_holds(m, "reader", m->holds[1].object, "fd", m->holds[1].fd, "w");
}

/* As before, but the second is another program, and goes on. */
static void beside_program(struct mk *m, const char *argument)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		pid_t reader = input_child("reader", p, false);

		MUST(close(p[0]));
		if (mk_fork("sleep") == 0) {
			(void)execlp("sleep", argument, "3600", NULL);
			mk_die("sleep");
		}
		MUST(close(p[1]));
		(void)waitpid(reader, NULL, 0);
	}
	family_holds(m, mk_of(m, p[1]), "sleep", p[1]);
	mk_blocks(m, "sleep", SYS_clock_nanosleep, -1);
	mk_verdict(m, "reader", "waiting", NULL);
	mk_verdict(m, "sleep", "idle", NULL);
}

void make_leaked_to_program(struct mk *m)
{
	beside_program(m, "sleep");
	mk_finding(m, "leaked-write-end", "sleep", m->holds[1].object);
}

/* It was told: it is to write there sooner or later. */
void make_told_number(struct mk *m)
{
	char name[24];

	/* That of the factory's first pipe. */
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", 4);
	beside_program(m, name);
	if (m->holds[1].fd != 4)
		mk_die("the pipe is %d", m->holds[1].fd);
}

/* What a shell makes of "(exec 3>&1 >log; sleep 3600) | cat". */
void make_saved_output(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		(void)input_child("reader", p, false);
		MUST(close(p[0]));
		if (mk_fork("script") == 0)
			mk_pause();
		MUST(close(p[1]));
		(void)wait(NULL);
	}
	family_holds(m, mk_of(m, p[1]), "script", p[1]);
	mk_waits_on(m, "parent", "child", "script");
	mk_idle(m, "script");
	mk_verdict(m, "reader", "waiting", NULL);
}

static void popen_child(int out)
{
	if (mk_fork("child") == 0)
		mk_fill(out);
}

/* Of the factory's own count: the parent's write end is closed before it waits;
 * the child has all of both. */
static void parent_waits(struct mk *m, const int p[2])
{
	m->n_holds = 0;
	mk_holds(m, "parent", mk_of(m, p[0]), "fd", p[0], "r");
	mk_holds(m, "child", mk_of(m, p[0]), "fd", p[0], "r");
	mk_holds(m, "child", mk_of(m, p[1]), "fd", p[1], "w");
	mk_blocks(m, "parent", SYS_wait4, -1);
	mk_waits_on(m, "parent", "child", "child");
	mk_finding(m, "wait-before-drain", "parent", mk_of(m, p[0]));
}

void make_wait_before_drain(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		popen_child(p[1]);
		MUST(close(p[1]));
		(void)wait(NULL);
	}
	parent_waits(m, p);
	mk_in(m, "child", SYS_write, "write", p[1]);
	mk_cycle(m, "exact", "parent", "child", NULL);
}

static sem_t fed;

static void *feeds(void *pipe)
{
	mk_fill(((int *)pipe)[1]);
	(void)sem_post(&fed);
	return NULL;
}

/* As Process.join() before Queue.get(), of Python's multiprocessing. */
void make_queue_join(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	CHILD(m, "parent", p[0], p[1], -1) {
		if (mk_fork("child") == 0) {
			MUST(sem_init(&fed, 0, 0));
			mk_thread("feeder", feeds, p);
			(void)sem_wait(&fed);
			_exit(0);
		}
		MUST(close(p[1]));
		(void)wait(NULL);
	}
	parent_waits(m, p);
	mk_blocks(m, "child", SYS_futex, -1);
	mk_in(m, "feeder", SYS_write, "write", p[1]);
	mk_cycle(m, "likely", "parent", "feeder", NULL);
	mk_verdict(m, "child", "deadlock", "likely");
}

/* As subprocess.Popen(stdin=PIPE, stdout=PIPE) with too much to say. */
void make_popen_both(struct mk *m)
{
	int in[2], out[2];

	mk_pipe(m, in);
	mk_pipe(m, out);
	CHILD(m, "parent", in[1], out[0], -1)
		mk_fill(in[1]);
	CHILD(m, "child", in[0], out[1], -1)
		mk_fill(out[1]);
	mk_in(m, "parent", SYS_write, "write", in[1]);
	mk_in(m, "child", SYS_write, "write", out[1]);
	mk_cycle(m, "exact", "parent", "child", NULL);
	mk_finding(m, "both-full", "parent", -1);
}

static void pipe_ring(struct mk *m, const char *const *roles, int n)
{
	int p[8][2];

	for (int i = 0; i < n; i++)
		mk_pipe(m, p[i]);
	for (int i = 0; i < n; i++) {
		int in = p[i][0], out = p[(i + 1) % n][1];

		CHILD(m, roles[i], in, out, -1)
			mk_echo(in, out);
		mk_in(m, roles[i], SYS_read, "read", in);
	}
}

void make_pipe_cycle(struct mk *m)
{
	pipe_ring(m, (const char *const[]){"one", "two"}, 2);
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_pipe_cycle_3(struct mk *m)
{
	pipe_ring(m, (const char *const[]){"one", "two", "three"}, 3);
	mk_cycle(m, "exact", "one", "three", "two", NULL);
}

/* Outside of the cycle, but nothing can help it either. */
void make_pipe_behind_cycle(struct mk *m)
{
	int a[2], b[2], c[2];

	mk_pipe(m, a);
	mk_pipe(m, b);
	mk_pipe(m, c);
	CHILD(m, "one", a[0], b[1], -1)
		mk_read(a[0]);
	CHILD(m, "two", b[0], a[1], c[1], -1)
		mk_read(b[0]);
	mk_reader(m, "behind", c[0]);
	mk_in(m, "one", SYS_read, "read", a[0]);
	mk_in(m, "two", SYS_read, "read", b[0]);
	mk_cycle(m, "exact", "one", "two", NULL);
	mk_verdict(m, "behind", "stuck", "exact");
}

void make_pipe_splice_cycle(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);
	CHILD(m, "one", a[0], b[1], -1)
		(void)splice(a[0], NULL, b[1], NULL, 100, 0);
	CHILD(m, "two", b[0], a[1], -1)
		(void)splice(b[0], NULL, a[1], NULL, 100, 0);
	mk_in(m, "one", SYS_splice, "read", a[0]);
	mk_in(m, "two", SYS_splice, "read", b[0]);
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_poll_cycle(struct mk *m)
{
	int a[2], b[2];

	mk_pipe(m, a);
	mk_pipe(m, b);

	struct pollfd of_a = {a[0], POLLIN, 0}, of_b = {b[0], POLLIN, 0};

	CHILD(m, "one", a[0], b[1], -1)
		(void)poll(&of_a, 1, -1);
	CHILD(m, "two", b[0], a[1], -1)
		(void)poll(&of_b, 1, -1);
	mk_blocks(m, "one", MK_SYS_POLL, -1);
	mk_blocks(m, "two", MK_SYS_POLL, -1);
	mk_waits(m, "one", "read", mk_of(m, a[0]), a[0]);
	mk_waits(m, "two", "read", mk_of(m, b[0]), b[0]);
	mk_cycle(m, "exact", "one", "two", NULL);
}

void make_fifo_cycle(struct mk *m)
{
	char path[128];
	int f[2], p[2];

	mk_fifo(m, f, path, sizeof(path));
	mk_pipe(m, p);
	CHILD(m, "one", f[0], p[1], -1)
		mk_read(f[0]);
	CHILD(m, "two", p[0], f[1], -1)
		mk_read(p[0]);
	mk_in(m, "one", SYS_read, "read", f[0]);
	mk_in(m, "two", SYS_read, "read", p[0]);
	/* Whoever knows the name can still open it and write. */
	mk_verdict(m, "one", "deadlock", NULL);
	mk_verdict(m, "two", "deadlock", NULL);
}
