/* SPDX-License-Identifier: MIT */
/* Anonymous pipes: pipe(7). */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"

#define PIPEFS_MAGIC 0x50495045 /* include/uapi/linux/magic.h */

static void pipe_01(void)
{
	int p[2];
	struct stat st;
	struct statfs fs;

	MUST(close, 0);
	MUST(pipe, p);
	EXPECT(p[0], ==, 0);
	EXPECT(p[1], ==, 3);
	FAILS(EBADF, write, p[0], "x", 1);
	FAILS(EBADF, read, p[1], &st, 1);
	GIVES(1, write, p[1], "x", 1);
	GIVES(1, read, p[0], &st, 1);
	MUST(fstat, p[0], &st);
	EXPECT(S_ISFIFO(st.st_mode), !=, 0);
	MUST(fstatfs, p[0], &fs);
	EXPECT(fs.f_type, ==, PIPEFS_MAGIC);
	EXPECT(st.st_nlink, ==, 1);
}

static void pipe_08(void)
{
	int p[2];
	char byte;

	MUST(pipe, p);
	CHILD(forgetful) {
		CALL(read, p[0], &byte, 1);
	}
	CHILD(tidy) {
		MUST(close, p[1]);
		GIVES(0, read, p[0], &byte, 1);
	}
	MUST(close, p[1]);
	/* The forgetful one keeps end of file from both. */
	EXPECT(lab_blocked(forgetful, SYS_read), ==, true);
	EXPECT(lab_blocked(tidy, SYS_read), ==, true);
	lab_kill(forgetful);
	EXPECT(lab_wait(tidy), ==, 0);
}

static void pipe_09(void)
{
	int p[2], status;

	MUST(pipe, p);
	MUST(close, p[0]);
	CHILD(writer) {
		CALL(write, p[1], "x", 1);
	}
	status = lab_wait(writer);
	EXPECT(WIFSIGNALED(status), ==, true);
	EXPECT(WTERMSIG(status), ==, SIGPIPE);

	signal(SIGPIPE, SIG_IGN);
	FAILS(EPIPE, write, p[1], "x", 1);
}

static const struct lab_experiment experiments[] = {
	{"pipe.01", "pipe() gives a read end and a write end, without a name",
	 "pipe(2), pipe(7)", pipe_01},
	{"pipe.08", "a forgotten write end keeps end of file away", "pipe(7)",
	 pipe_08},
	{"pipe.09", "writing without a reader raises SIGPIPE",
	 "pipe(7), signal(7)", pipe_09},
	{0},
};

const struct lab_section lab_pipe = {
	.name = "pipe",
	.title = "anonymous pipes",
	.experiments = experiments,
};
