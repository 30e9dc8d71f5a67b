/* SPDX-License-Identifier: MIT */
/* What the tools for files, objects and processes show; the rows of all. */
#include "lab/tool.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"

int tool_lines(const char *command, const char *text)
{
	FILE *f = popen(command, "re");
	char line[1024];
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	return f && pclose(f) == 0 ? n : -1;
}

/* --- lsof --- */

/* How many processes have this open, by its name in /proc/PID/fd, and one. */
static int holders(const char *name, pid_t *holder)
{
	glob_t all = {0};
	char link[256];
	int n = 0;

	*holder = 0;
	glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &all);
	for (size_t i = 0; i < all.gl_pathc; i++) {
		pid_t pid = atoi(all.gl_pathv[i] + strlen("/proc/"));
		ssize_t len = readlink(all.gl_pathv[i], link, sizeof(link));

		if (pid != *holder && len == (ssize_t)strlen(name) &&
		    memcmp(link, name, (size_t)len) == 0) {
			*holder = pid;
			n++;
		}
	}
	globfree(&all);
	return n;
}

pid_t tool_holder(const char *name)
{
	pid_t holder;

	return holders(name, &holder) == 1 ? holder : 0;
}

/* The inode of the socket that this one is connected with, 0 if the kernel
 * does not say: unix_diag, sock_diag(7). */
static unsigned int peer_of(ino_t inode)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req request;
	} ask = {
		{.nlmsg_len = sizeof(ask),
		 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		 .nlmsg_flags = NLM_F_REQUEST},
		{.sdiag_family = AF_UNIX,
		 .udiag_ino = (unsigned int)inode,
		 .udiag_show = UDIAG_SHOW_PEER,
		 .udiag_cookie = {-1U, -1U}},
	};
	struct {
		struct nlmsghdr head;
		struct unix_diag_msg socket;
		struct rtattr attribute;
		unsigned int peer;
		char rest[256];
	} told = {0};
	int s = CALL(socket, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);

	CALL(send, s, &ask, sizeof(ask), 0);
	CALL(recv, s, &told, sizeof(told), 0);
	CALL(close, s);
	return told.head.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
			       told.attribute.rta_type == UNIX_DIAG_PEER
		       ? told.peer
		       : 0;
}

static ino_t inode_of(int fd)
{
	struct stat st;

	MUST(fstat, fd, &st);
	return st.st_ino;
}

static void tool_04(void)
{
	int p[2], s[2];
	pid_t one;
	char path[512];

	MUST(getcwd, path, 400);
	strcat(path, "/file");
	MUST(pipe, p);
	MUST(socketpair, AF_UNIX, SOCK_STREAM, 0, s);
	CHILD(user) {
		int fd = MUST(open, path, O_WRONLY | O_CREAT | O_APPEND, 0600);

		MUST(write, fd, "12345", 5);
		MUST(close, s[0]);
		MUST(close, p[0]);
		lab_cell[1] = fd;
		lab_post(&lab_cell[0], 1);
		CALL(pause);
	}
	MUST(close, s[1]);
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);

	/* By process: where it is in the file, and how it was opened. */
	PRINTED(info, "/proc/%d/fdinfo/%ld", user, lab_cell[1]);
	EXPECT(lab_proc(info, "pos", 10), ==, 5);
	EXPECT(lab_proc(info, "flags", 8) & (O_ACCMODE | O_APPEND), ==,
	       O_WRONLY | O_APPEND);

	/* By file, also when its name is gone. */
	PRINTED(lsof, "lsof -w -p %d", user);
	int lsof_lines = tool_lines(lsof, path);

	if (lsof_lines >= 0)
		EXPECT(lsof_lines, ==, 1);
	EXPECT(tool_holder(path), ==, user);
	MUST(unlink, path);
	strcat(path, " (deleted)");
	EXPECT(tool_holder(path), ==, user);

	/* By peer: both ends of a pipe are one inode, those of sockets two. */
	PRINTED(pipe_name, "pipe:[%lu]", (unsigned long)inode_of(p[0]));
	EXPECT(holders(pipe_name, &one), ==, 2);
	MUST(close, p[0]);
	MUST(close, p[1]);
	EXPECT(tool_holder(pipe_name), ==, user);

	unsigned int peer = peer_of(inode_of(s[0]));
	PRINTED(peer_name, "socket:[%u]", peer);

	if (!peer)
		SKIP("needs unix_diag");
	EXPECT(peer, !=, inode_of(s[0]));
	EXPECT(tool_holder(peer_name), ==, user);
}

/* --- ipcs --- */

/* Columns in /proc/sysvipc/shm, sem and msg; proc(5). */
enum {
	ID = 1,
	PERMS,
	SHM_SIZE = 3,
	SHM_CREATOR,
	SHM_ATTACHED = 6,
	SEM_COUNT = 3,
	SEM_UID,
	MSG_BYTES = 3,
	MSG_COUNT,
	MSG_SENDER,
	COLUMNS = 8
};

static void find_object(const char *table, int id, long long column[COLUMNS])
{
	FILE *f = fopen(table, "re");
	char line[512];

	/* The first line has the names of the columns. */
	bool more = f && fgets(line, sizeof(line), f);

	while (more && fgets(line, sizeof(line), f)) {
		char *rest = line;

		for (int i = 0; i < COLUMNS; i++)
			column[i] = strtoll(rest, &rest, 10);
		if (column[ID] == id)
			break;
	}
	if (f)
		fclose(f);
}

static void objects(int shm, int sem, int msg)
{
	long long of[COLUMNS] = {0};

	find_object("/proc/sysvipc/shm", shm, of);
	EXPECT(of[ID], ==, shm);
	EXPECT(of[PERMS], ==, 640); /* written in octal */
	EXPECT(of[SHM_SIZE], ==, 5000);
	EXPECT(of[SHM_CREATOR], ==, getpid());
	EXPECT(of[SHM_ATTACHED], ==, 1);
	find_object("/proc/sysvipc/sem", sem, of);
	EXPECT(of[ID], ==, sem);
	EXPECT(of[SEM_COUNT], ==, 3);
	EXPECT(of[SEM_UID], ==, geteuid());
	find_object("/proc/sysvipc/msg", msg, of);
	EXPECT(of[ID], ==, msg);
	EXPECT(of[MSG_BYTES], ==, 5);
	EXPECT(of[MSG_COUNT], ==, 1);
	EXPECT(of[MSG_SENDER], ==, getpid());

	PRINTED(ipcs, "ipcs -m -i %d", shm);
	int ipcs_lines = tool_lines(ipcs, "bytes=5000");

	if (ipcs_lines >= 0)
		EXPECT(ipcs_lines, ==, 1);
}

static void limits(void)
{
	struct shminfo shm;
	struct seminfo sem;
	struct msginfo msg;

	MUST(shmctl, 0, IPC_INFO, (struct shmid_ds *)(void *)&shm);
	MUST(semctl, 0, 0, IPC_INFO, &sem);
	MUST(msgctl, 0, IPC_INFO, (struct msqid_ds *)(void *)&msg);
	EXPECT(shm.shmmni, ==, lab_number("/proc/sys/kernel/shmmni"));
	EXPECT(sem.semmsl, ==, lab_number("/proc/sys/kernel/sem"));
	EXPECT(msg.msgmax, ==, lab_number("/proc/sys/kernel/msgmax"));
	EXPECT(msg.msgmnb, ==, lab_number("/proc/sys/kernel/msgmnb"));

	PRINTED(words, "max number of segments = %lu", shm.shmmni);
	int ipcs_lines = tool_lines("ipcs -m -l", words);

	if (ipcs_lines >= 0)
		EXPECT(ipcs_lines, ==, 1);
}

/* Of the whole machine, or IPC namespace: at least what we have made. */
static void usage(void)
{
	struct shm_info shm;
	struct seminfo sem;
	struct msginfo msg;

	MUST(shmctl, 0, SHM_INFO, (struct shmid_ds *)(void *)&shm);
	MUST(semctl, 0, 0, SEM_INFO, &sem);
	MUST(msgctl, 0, MSG_INFO, (struct msqid_ds *)(void *)&msg);
	EXPECT(shm.used_ids, >=, 1);
	EXPECT(shm.shm_tot * (size_t)getpagesize(), >=, 5000);
	EXPECT(sem.semusz, >=, 1);  /* sets */
	EXPECT(sem.semaem, >=, 3);  /* semaphores */
	EXPECT(msg.msgpool, >=, 1); /* queues */
	EXPECT(msg.msgmap, >=, 1);  /* messages */
	EXPECT(msg.msgtql, >=, 5);  /* bytes */
}

static void tool_05(void)
{
	const struct {
		long type;
		char text[5];
	} message = {1, "hello"};
	int shm = MUST(shmget, IPC_PRIVATE, 5000, IPC_CREAT | 0640);
	int sem = MUST(semget, IPC_PRIVATE, 3, IPC_CREAT | 0600);
	int msg = MUST(msgget, IPC_PRIVATE, IPC_CREAT | 0600);

	MUST(shmat, shm, NULL, 0);
	MUST(msgsnd, msg, &message, 5, 0);
	objects(shm, sem, msg);
	limits();
	usage();
}

/* --- ps and kill --- */

struct process {
	char state;
	int parent, group, session, terminal, terminal_group;
	unsigned long long start;
	unsigned long vsize;
	long rss;
};

/* /proc/PID/stat, proc(5); the name may hold anything, also ")". */
static struct process process_of(pid_t pid)
{
	PRINTED(path, "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	struct process p = {0};
	char line[1024];
	const char *rest = NULL;

	if (f && fgets(line, sizeof(line), f))
		rest = strrchr(line, ')');
	if (rest)
		sscanf(rest + 1,
		       " %c %d %d %d %d %d %*u %*u %*u %*u %*u %*u %*u %*d "
		       "%*d %*d %*d %*d %*d %llu %lu %ld",
		       &p.state, &p.parent, &p.group, &p.session, &p.terminal,
		       &p.terminal_group, &p.start, &p.vsize, &p.rss);
	if (f)
		fclose(f);
	return p;
}

/* What kill(1), or the shell's own, does to a child that waits. */
static int killed_by(const char *how)
{
	CHILD(victim) {
		CALL(pause);
	}
	PRINTED(command, "kill %s %d", how, victim);

	MUST(system, command);
	return WTERMSIG(lab_wait(victim));
}

static void kill_by_name_and_number(void)
{
	const int signals[] = {SIGHUP, SIGUSR1, SIGKILL, SIGTERM};

	for (int i = 0; i < 4; i++) {
		const char *name = sigabbrev_np(signals[i]);

		PRINTED(list, "kill -l %d", signals[i]);
		PRINTED(by_name, "-s %s", name);
		PRINTED(by_number, "-%d", signals[i]);
		EXPECT(tool_lines(list, name), ==, 1);
		EXPECT(killed_by(by_name), ==, signals[i]);
		EXPECT(killed_by(by_number), ==, signals[i]);
	}
}

static void compare_with_ps(pid_t leader, pid_t worker)
{
	PRINTED(parent, "ps -o ppid= -p %d", worker);
	PRINTED(state, "ps -o stat= -p %d", leader);
	PRINTED(number, "%d", leader);
	int ps_lines = tool_lines(parent, number);

	if (ps_lines < 0)
		return;
	EXPECT(ps_lines, ==, 1);
	/* Asleep, and leader of its session. */
	ps_lines = tool_lines(state, "Ss");
	EXPECT(ps_lines, ==, 1);
}

static void tool_06(void)
{
	CHILD(leader) {
		MUST(setsid);
		CHILD(worker) {
			MUST(setpgid, 0, 0);
			MUST(prctl, PR_SET_NAME, "a) Z 1");
			lab_cell[1] = getpid();
			lab_post(&lab_cell[0], 1);
			CALL(pause);
		}
		CALL(pause);
	}
	EXPECT(lab_await(&lab_cell[0], 1), ==, true);
	pid_t worker = (pid_t)lab_cell[1];
	struct pollfd end = {MUST(pidfd_open, worker, 0), POLLIN, 0};

	EXPECT(lab_blocked(leader, -1), ==, true);
	EXPECT(lab_blocked(worker, -1), ==, true);
	struct process l = process_of(leader), w = process_of(worker);
	PRINTED(status, "/proc/%d/status", worker);

	/* PPID, PGID, SID, TTY, TPGID: the tree, and j. */
	EXPECT(l.parent, ==, getpid());
	EXPECT(l.group, ==, leader);
	EXPECT(l.session, ==, leader);
	EXPECT(l.terminal, ==, 0);
	EXPECT(l.terminal_group, ==, -1);
	EXPECT(w.parent, ==, leader);
	EXPECT(w.group, ==, worker);
	EXPECT(w.session, ==, leader);
	/* USER, VSZ, RSS, START: u. */
	EXPECT(lab_proc(status, "Uid", 10), ==, getuid());
	EXPECT(w.vsize, ==, 1024 * lab_proc(status, "VmSize", 10));
	EXPECT(w.rss, >, 0);
	EXPECT(w.start, >=, l.start);
	compare_with_ps(leader, worker);

	/* STAT: running, asleep, stopped, zombie. */
	EXPECT(process_of(getpid()).state, ==, 'R');
	EXPECT(w.state, ==, 'S');
	MUST(kill, leader, SIGSTOP);
	MUST(waitpid, leader, NULL, WUNTRACED);
	EXPECT(process_of(leader).state, ==, 'T');
	MUST(kill, worker, SIGKILL);
	MUST(poll, &end, 1, 2000);
	EXPECT(process_of(worker).state, ==, 'Z');

	kill_by_name_and_number();
}

static const struct lab_experiment experiments[] = {
	{"tool.01", "ping: an echo request by hand, and what comes back",
	 "icmp(7), raw(7)", tool_01, LAB_NEEDS(loopback) | LAB_NEEDS(net_raw)},
	{"tool.02", "tcpdump: a filter by host, port and interface",
	 "packet(7), socket(7)", tool_02,
	 LAB_NEEDS(loopback) | LAB_NEEDS(net_raw)},
	{"tool.03", "ss, netstat: sockets by protocol and state, and whose",
	 "proc(5), sock_diag(7)", tool_03, LAB_NEEDS(loopback)},
	{"tool.04", "lsof: open files by process, by file, by peer",
	 "proc(5), sock_diag(7)", tool_04},
	{"tool.05", "ipcs: System V objects, limits and usage",
	 "proc(5), shmctl(2), semctl(2), msgctl(2)", tool_05},
	{"tool.06", "ps and kill: columns, tree, signals by name or number",
	 "proc(5), kill(1), setsid(2)", tool_06},
	{0},
};

const struct lab_section lab_tool = {
	.name = "tool",
	.title = "what the tools of the trade show",
	.experiments = experiments,
};
