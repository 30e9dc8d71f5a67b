/* SPDX-License-Identifier: MIT */
/*
 * guard [--share-pids] PROGRAM [ARG...]: runs a test and fails if it leaves
 * anything behind.
 *
 * The test gets a private TMPDIR and, where the kernel lets us, namespaces of
 * its own (process ids, IPC, network, mounts): so tests run in parallel never
 * meet, names and ports cannot collide, whatever is found afterwards is the
 * test's own, and all of it ends with the test. Three processes: the guard
 * cleans up, the warden (process 1 of the namespace) adopts orphans and looks
 * for what is left, its child is the test.
 *
 * --share-pids leaves the namespace of process ids out, for tests of what can
 * only be said by one who sees all processes. Orphans still come to the warden
 * and are seen there; should it end early, to the guard.
 *
 * VIA_GUARD=off in the environment runs the test bare, for a debugger.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a warden that could not set up its namespaces; no test's. */
#define NOT_ISOLATED 120

#define NAMESPACES (CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS)

/* What is to be kept apart from the rest of the machine. */
enum isolation {
	NOTHING,
	ALL_BUT_PIDS,
	ALL
};

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "guard: %s: %s\n", what, strerror(errno));
	_exit(1);
}

__attribute__((format(printf, 2, 3))) static bool
write_file(const char *path, const char *format, ...)
{
	FILE *file = fopen(path, "we");
	va_list args;

	if (!file)
		return false;
	va_start(args, format);

	bool written = vfprintf(file, format, args) >= 0;

	va_end(args);
	return fclose(file) == 0 && written;
}

/* In a user namespace of our own, stay who we are. */
static bool keep_identity(uid_t uid, gid_t gid)
{
	return write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", "%u %u 1", uid, uid) &&
	       write_file("/proc/self/gid_map", "%u %u 1", gid, gid);
}

static bool loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	close(fd);
	return up;
}

/* A file system of our own over path; fine if there is no such place. */
static bool cover(const char *path, const char *type)
{
	return mount(type, path, type, MS_NOSUID | MS_NODEV, NULL) == 0 ||
	       errno == ENOENT;
}

static bool set_up_namespaces(uid_t uid, gid_t gid, enum isolation isolation)
{
	return (uid == 0 || keep_identity(uid, gid)) &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       (isolation != ALL || cover("/proc", "proc")) &&
	       cover("/dev/shm", "tmpfs") && cover("/dev/mqueue", "mqueue") &&
	       loopback_up();
}

/* How many entries a directory has; each is reported. */
static int left_in(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		fprintf(stderr, "guard: left behind: %s/%s\n", path,
			entry->d_name);
		n++;
	}
	closedir(dir);
	return n;
}

/* How many System V objects of a kind there are; each is reported. */
static int left_of_sysv(const char *kind)
{
	char path[64], line[256];
	int n = 0;

	snprintf(path, sizeof(path), "/proc/sysvipc/%s", kind);

	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	/* The first line is the heading. */
	for (int i = 0; fgets(line, sizeof(line), file); i++) {
		if (i == 0)
			continue;
		fprintf(stderr, "guard: left behind: System V %s %s", kind,
			line);
		n++;
	}
	fclose(file);
	return n;
}

static void report_process(pid_t pid)
{
	char path[64], name[64] = "?";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);

	FILE *file = fopen(path, "re");

	if (file) {
		(void)!fgets(name, sizeof(name), file);
		fclose(file);
	}
	fprintf(stderr, "guard: left behind: process %d, %.*s\n", pid,
		(int)strcspn(name, "\n"), name);
}

/* Kill and report all children; theirs are ours afterwards. */
static void kill_children(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");

	if (!file)
		die("/proc/thread-self/children");
	for (pid_t pid; fscanf(file, "%d", &pid) == 1;) {
		report_process(pid);
		kill(pid, SIGKILL);
	}
	fclose(file);
}

/*
 * End whatever still runs. A process that is about to exit by itself (its pipe
 * has just closed) is given a moment to do so.
 */
static int left_running(void)
{
	const struct timespec moment = {.tv_sec = 1};
	sigset_t child;
	int n = 0;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return n;
		if (pid == 0 && sigtimedwait(&child, NULL, &moment) < 0) {
			kill_children();
			n++;
		}
	}
}

static pid_t start_test(char **argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;

	sigset_t none;

	/* As the end of a namespace of process ids would. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(argv[0], argv);
	die(argv[0]);
}

static int wait_for(pid_t test)
{
	int status;
	pid_t pid;

	do
		pid = wait(&status);
	while (pid != test && (pid > 0 || errno == EINTR));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "guard: the test ended by signal %d (%s)\n",
		WTERMSIG(status), strsignal(WTERMSIG(status)));
	return 128 + WTERMSIG(status);
}

static int warden(char **argv, enum isolation isolation)
{
	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	pid_t test = start_test(argv);

	if (test < 0)
		die("fork");

	int status = wait_for(test);
	int n = left_running() + left_in(getenv("TMPDIR"));

	if (isolation != NOTHING)
		n += left_in("/dev/shm") + left_in("/dev/mqueue") +
		     left_of_sysv("shm") + left_of_sysv("sem") +
		     left_of_sysv("msg");
	return status == 0 && n > 0 ? 1 : status;
}

/* The warden's exit status. Ends it, and all with it, when we are to end. */
static int run(char **argv, enum isolation isolation, const sigset_t *ends)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct clone_args args = {.exit_signal = SIGCHLD};

	if (isolation != NOTHING)
		args.flags = NAMESPACES | (uid == 0 ? 0 : CLONE_NEWUSER);
	if (isolation == ALL)
		args.flags |= CLONE_NEWPID;

	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0 && isolation != NOTHING)
		return NOT_ISOLATED;
	if (pid < 0)
		die("clone3");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (isolation != NOTHING &&
		    !set_up_namespaces(uid, gid, isolation))
			_exit(NOT_ISOLATED);
		_exit(warden(argv, isolation));
	}

	for (int status;;) {
		int sig = sigwaitinfo(ends, NULL);

		if (sig > 0 && sig != SIGCHLD) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL); /* has no group of its own yet */
		}
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	const char *off = getenv("VIA_GUARD"), *tmp = getenv("TMPDIR");
	char dir[4096];
	enum isolation isolation = ALL;
	sigset_t ends;

	if (argc > 1 && strcmp(argv[1], "--share-pids") == 0) {
		isolation = ALL_BUT_PIDS;
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		argv++;
		argc--;
	}
	if (argc < 2) {
		fputs("usage: guard [--share-pids] PROGRAM [ARG...]\n", stderr);
		return 2;
	}
	if (off && strcmp(off, "off") == 0) {
		execvp(argv[1], argv + 1);
		die(argv[1]);
	}

	snprintf(dir, sizeof(dir), "%s/via-XXXXXX", tmp ? tmp : "/tmp");
	/* Tests that change their user still have to reach what is in it. */
	if (!mkdtemp(dir) || chmod(dir, 0711) < 0 ||
	    setenv("TMPDIR", dir, 1) < 0)
		die(dir);

	sigemptyset(&ends);
	sigaddset(&ends, SIGCHLD);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);

	int status = run(argv + 1, isolation, &ends);

	if (status == NOT_ISOLATED) {
		fputs("guard: no namespaces to be had here: IPC objects that "
		      "the test leaves go unnoticed\n",
		      stderr);
		status = run(argv + 1, NOTHING, &ends);
	}
	/* Of a warden that was ended; else there is nobody. */
	if (isolation != ALL)
		(void)left_running();
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
