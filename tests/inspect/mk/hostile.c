/* SPDX-License-Identifier: MIT */
/*
 * Those that mean harm to who looks at them: names that a terminal would obey,
 * calls whose memory has gone since, words that accuse others, crowds, and
 * those that vanish while being looked at.
 */
#include "tests/inspect/mk/mk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Clears the screen, sets the title, rings, goes to the next line. */
#define EVIL "\033[2J\033]0;x\a\n\r\x9b"
/* The same in the characters above 127: U+009B is CSI. */
#define EVIL_COMM "\302\2332J\302\234\x7f\n"

void make_hostile_comm(struct mk *m)
{
	int p[2];

	mk_pipe(m, p);
	mk_reader(m, EVIL_COMM, p[0]);
	mk_keeper(m, "\033]0;x\a", p[1]);
	mk_verdict(m, EVIL_COMM, "waiting", NULL);
}

/* Where the kernel takes a process' arguments from. */
static void arguments(char **start, char **end)
{
	unsigned long from = 0, to = 0;
	FILE *f = fopen("/proc/self/stat", "re");
	char text[1024] = "";

	if (f) {
		(void)!fgets(text, sizeof(text), f);
		(void)fclose(f);
	}

	const char *at = strrchr(text, ')');

	/* Fields 48 and 49; ')' ends the second. */
	for (int i = 2; at && i < 48; i++)
		at = strchr(at + 1, ' ');
	if (!at || sscanf(at, " %lu %lu", &from, &to) != 2)
		mk_die("/proc/self/stat");
	*start = (char *)from;
	*end = (char *)to;
}

/* No end to the last argument, and what a terminal obeys. */
void make_hostile_cmdline(struct mk *m)
{
	CHILD(m, "cmdline", -1) {
		char *start, *end;

		arguments(&start, &end);
		for (char *at = start; at < end; at++)
			*at = EVIL[(size_t)(at - start) % strlen(EVIL)];
		mk_pause();
	}
	mk_idle(m, "cmdline");
}

/* One long argument of spaces and nothing, and one that is not text. */
void make_hostile_empty(struct mk *m)
{
	CHILD(m, "empty", -1) {
		char *start, *end;

		arguments(&start, &end);
		memset(start, 0, (size_t)(end - start));
		start[0] = (char)0xff;
		mk_pause();
	}
	mk_idle(m, "empty");
}

void make_hostile_socket(struct mk *m)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[128];
	int abstract = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	int named = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	/* All that fits, with NULs and what looks like the next line of a
	 * table. */
	memset(a.sun_path, '\033', sizeof(a.sun_path));
	memcpy(a.sun_path, "\0" EVIL "\0u_str LISTEN\n", 1 + sizeof(EVIL) + 14);
	(void)snprintf(a.sun_path + 50, 32, "%d", m->maker);
	MUST(bind(abstract, (struct sockaddr *)&a, sizeof(a)));
	MUST(listen(abstract, 1));
	mk_object_of(m, "unix", abstract);

	memset(&a, 0, sizeof(a));
	a.sun_family = AF_UNIX;
	mk_path(m, EVIL, path, sizeof(path));
	memcpy(a.sun_path, path, strnlen(path, sizeof(a.sun_path) - 1));
	MUST(bind(named, (struct sockaddr *)&a, sizeof(a)));
	MUST(listen(named, 1));
	mk_object_of(m, "unix", named);

	CHILD(m, "server", abstract, named, -1)
		mk_accept(abstract);
	mk_in(m, "server", SYS_accept4, "accept", abstract);
	mk_verdict(m, "server", "idle", NULL);
}

void make_hostile_file(struct mk *m)
{
	char path[128], dir[128];
	int memfd = (int)MUST(memfd_create(EVIL " (deleted)", 0));

	mk_object_of(m, "memfd", memfd);
	mk_path(m, "dir" EVIL " (deleted)", dir, sizeof(dir));
	MUST(mkdir(dir, 0700));
	mk_path(m, "fifo" EVIL, path, sizeof(path));
	MUST(mkfifo(path, 0600));

	int fifo = (int)MUST(open(path, O_RDWR));

	mk_object_of(m, "fifo", fifo);
	CHILD(m, "reader", fifo, memfd, -1) {
		MUST(chdir(dir));
		mk_read(fifo);
	}
	mk_in(m, "reader", SYS_read, "read", fifo);
	/* Open for both, as daemons do who want to see no end: whoever knows
	 * its name may write. */
	mk_verdict(m, "reader", "idle|waiting|unknown", NULL);
}

/* --- Words that lie --- */

/* A mutex of glibc, as far as its word and its owner go. */
struct fake {
	uint32_t word, count, owner, users;
};

static void accuse(uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
	mk_die("futex() came back");
}

/* Waits for a mutex that it says others have, who have never heard of it. */
void make_hostile_mutex(struct mk *m)
{
	int memory;
	struct fake *fakes = mk_shared(m, 4096, &memory);

	mk_keeper(m, "innocent", -1);

	const struct {
		const char *role;
		uint32_t word, owner;
	} lies[] = {
		{"of-innocent", 2, (uint32_t)mk_pid(m, "innocent")},
		{"of-init", 2, 1},
		{"of-nobody", 2, 0x3ffffff0},
		{"of-minus-1", 2, UINT32_MAX},
		{"robust", 0x80000001, 0},
		{"died", 0xc0000001, 0},
	};

	for (int i = 0; i < 6; i++) {
		fakes[i].word = lies[i].word;
		fakes[i].owner = lies[i].owner;
		CHILD(m, lies[i].role, -1)
			accuse(&fakes[i].word, lies[i].word);
		mk_blocks(m, lies[i].role, SYS_futex, -1);
		mk_verdict(m, lies[i].role, "unknown|waiting|idle|orphaned",
			   NULL);
	}
	m->alarm_expected = true;
}

static struct {
	uint32_t word, count, owner, users, kind;
} lookalike = {2, 0, 1499022816, 1, 0};

static void *waits_for_lookalike(void *unused)
{
	(void)syscall(SYS_futex, &lookalike.word, FUTEX_WAIT_PRIVATE, 2, NULL,
		      NULL, 0);
	return unused;
}

/* Another language's lock: 2 is "somebody waits" to many, but what lies behind
 * it is no mutex of glibc, though it nearly looks like one. As Chromium's. */
void make_hostile_lookalike(struct mk *m)
{
	CHILD(m, "main", -1) {
		mk_thread("waiter", waits_for_lookalike, NULL);
		mk_pause();
	}
	mk_idle(m, "main");
	mk_blocks(m, "waiter", SYS_futex, -1);
	mk_verdict(m, "waiter", "unknown|waiting|idle", NULL);
}

/* The word is the last in its page, and there is nothing behind. */
void make_hostile_edge(struct mk *m)
{
	long size = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)size * 2, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		mk_die("mmap");
	MUST(munmap(pages + size, (size_t)size));
	mk_mapping(m, pages, (size_t)size);

	uint32_t *word = (uint32_t *)(void *)(pages + size) - 1;

	*word = 2;
	CHILD(m, "edge", -1)
		accuse(word, 2);
	mk_blocks(m, "edge", SYS_futex, -1);
	mk_verdict(m, "edge", "unknown|waiting|idle|orphaned|stuck", NULL);
	m->alarm_expected = true;
}

/* --- Calls whose memory has gone --- */

static struct {
	char *page;
	size_t size;
	int fd, sem;
	char fifo[128];
} victim;

static void *polls_page(void *unused)
{
	struct pollfd *fds = (void *)victim.page;

	(void)unused;
	for (int i = 0; i < 500; i++)
		fds[i] = (struct pollfd){victim.fd, POLLIN, 0};
	(void)poll(fds, 500, -1);
	mk_die("poll() came back");
}

static void *selects_page(void *unused)
{
	fd_set *set = (void *)(victim.page + 8192);

	(void)unused;
	FD_ZERO(set);
	FD_SET(victim.fd, set);
	(void)select(victim.fd + 1, set, NULL, NULL, NULL);
	mk_die("select() came back");
}

static void *opens_page(void *unused)
{
	char *path = victim.page + 12288;

	(void)unused;
	memcpy(path, victim.fifo, sizeof(victim.fifo));
	(void)open(path, O_RDONLY);
	mk_die("open() came back");
}

static void *sem_page(void *unused)
{
	struct sembuf *op = (void *)(victim.page + 16384);

	(void)unused;
	*op = (struct sembuf){0, -1, 0};
	(void)semop(victim.sem, op, 1);
	mk_die("semop() came back");
}

static void *sleeps_page(void *unused)
{
	struct timespec *time = (void *)(victim.page + 20480);

	(void)unused;
	*time = (struct timespec){.tv_sec = 3600};
	(void)ppoll(NULL, 0, time, NULL);
	mk_die("ppoll() came back");
}

static void *pauses(void *unused)
{
	(void)unused;
	mk_pause();
}

static void remove_sem(const struct mk_undo *u)
{
	(void)semctl((int)u->id, 0, IPC_RMID);
}

/* How many threads of ours sleep. */
static int asleep(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char path[300], line[1024] = "";

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/stat",
			       e->d_name);

		FILE *f = fopen(path, "re");
		const char *end = f && fgets(line, sizeof(line), f)
					  ? strrchr(line, ')')
					  : NULL;

		n += end && end[1] && end[2] == 'S';
		if (f)
			(void)fclose(f);
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

/* Then all of it is overwritten, or taken away. */
static void spoilt(struct mk *m, bool unmap)
{
	int p[2];

	mk_pipe(m, p);
	victim.fd = p[0];
	victim.size = 65536;
	victim.sem = (int)MUST(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
	mk_undo(m, remove_sem, victim.sem, "");
	mk_path(m, "fifo", victim.fifo, sizeof(victim.fifo));
	MUST(mkfifo(victim.fifo, 0600));
	victim.page = mmap(NULL, victim.size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (victim.page == MAP_FAILED)
		mk_die("mmap");
	CHILD(m, "main", p[0], -1) {
		mk_thread("poll", polls_page, NULL);
		mk_thread("select", selects_page, NULL);
		mk_thread("open", opens_page, NULL);
		mk_thread("sem", sem_page, NULL);
		mk_thread("sleep", sleeps_page, NULL);
		while (asleep() < 5)
			(void)sched_yield();
		memset(victim.page, 0xfe, victim.size);
		if (unmap)
			MUST(munmap(victim.page, victim.size));
		mk_thread("spoiler", pauses, NULL);
		mk_pause();
	}
	mk_idle(m, "main");
	mk_idle(m, "spoiler");
	mk_keeper(m, "writer", p[1]);
	mk_blocks(m, "poll", MK_SYS_POLL, -1);
	mk_blocks(m, "select", SYS_pselect6, -1);
	mk_blocks(m, "open", SYS_openat, -1);
	mk_blocks(m, "sem", SYS_semtimedop, victim.sem);
	mk_blocks(m, "sleep", SYS_ppoll, -1);
	mk_verdict(m, "poll", "unknown|waiting|idle", NULL);
	mk_verdict(m, "select", "unknown|waiting|idle", NULL);
	mk_verdict(m, "open", "unknown|waiting|idle", NULL);
	mk_verdict(m, "sem", "unknown|waiting|idle", NULL);
	mk_verdict(m, "sleep", "unknown|waiting|idle", NULL);
}

void make_hostile_garbage(struct mk *m)
{
	spoilt(m, false);
}

void make_hostile_unmapped(struct mk *m)
{
	spoilt(m, true);
}

/* --- Crowds --- */

#define CROWD 20000

void make_hostile_crowd(struct mk *m)
{
	struct rlimit limit;

	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < CROWD)
		mk_skip("20,000 descriptors in one process (ulimit -Hn)");
	limit.rlim_cur = limit.rlim_max;
	mk_gate(m);
	CHILD(m, "crowd", -1) {
		MUST(setrlimit(RLIMIT_NOFILE, &limit));
		for (int i = 0; i < CROWD / 4 - 10; i++) {
			int fds[2];

			/* Too many pipes, and all others of the user are small
			 * from then on: pipe(7), pipe-user-pages-soft. */
			if (i % 16)
				MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
			else
				MUST(pipe(fds));
			MUST(eventfd(0, 0));
			MUST(dup(fds[0]));
		}
		mk_ready(m);
		mk_pause();
	}
	mk_go(m, 1);
	mk_idle(m, "crowd");
}

/* The first thread has ended; the process lives on in another. */
void make_hostile_leader(struct mk *m)
{
	CHILD(m, "leader", -1) {
		mk_thread("heir", pauses, NULL);
		pthread_exit(NULL);
	}
	mk_state(m, "leader", 'Z');
	mk_idle(m, "heir");
}

static void *ends(void *unused)
{
	return unused;
}

/* Its threads come and go faster than one can look. */
void make_hostile_threads(struct mk *m)
{
	CHILD(m, "threads", -1)
		for (pthread_t thread;;) {
			if (pthread_create(&thread, NULL, ends, NULL))
				mk_die("pthread_create");
			pthread_join(thread, NULL);
		}
	mk_busy(m, "threads");
}

/* Children with descriptors, who vanish; so many at a time and no more. */
void make_hostile_storm(struct mk *m)
{
	static const char *const roles[] = {"storm-a", "storm-b", "storm-c"};

	for (int i = 0; i < 3; i++) {
		CHILD(m, roles[i], -1)
			for (int fds[2];;) {
				pid_t pid = (pid_t)MUST(fork());

				if (pid == 0) {
					(void)!pipe(fds);
					_exit(0);
				}
				MUST(waitpid(pid, NULL, 0));
			}
		mk_busy(m, roles[i]);
	}
}

/* Opens and closes, so that what is looked at is another the next moment. */
void make_hostile_fds(struct mk *m)
{
	CHILD(m, "fds", -1)
		for (int fds[2];;) {
			MUST(pipe(fds));
			MUST(close(fds[0]));
			MUST(close(fds[1]));
			MUST(close((int)MUST(socket(AF_UNIX, SOCK_STREAM, 0))));
			MUST(close((int)MUST(eventfd(0, 0))));
		}
	mk_busy(m, "fds");
}
