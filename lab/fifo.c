/* SPDX-License-Identifier: MIT */
/* Named pipes: fifo(7). */
#include <fcntl.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab/lab.h"
#include "lab/pipe.h"

static void fifo_01(void)
{
	struct stat st;
	int fd, queued;

	MUST(mkfifo, "fifo", 0600);
	fd = MUST(open, "fifo", O_RDWR);
	MUST(write, fd, "hello", 5);
	MUST(ioctl, fd, FIONREAD, &queued);
	EXPECT(queued, ==, 5);
	MUST(stat, "fifo", &st);
	EXPECT(S_ISFIFO(st.st_mode), !=, 0);
	EXPECT(st.st_size, ==, 0);
	EXPECT(st.st_blocks, ==, 0);

	MUST(close, fd);
	fd = MUST(open, "fifo", O_RDWR);
	MUST(ioctl, fd, FIONREAD, &queued);
	EXPECT(queued, ==, 0);
}

static void fifo_02(void)
{
	char text[10];

	MUST(mkfifo, "fifo", 0600);
	CHILD(writer) {
		int fd = MUST(open, "fifo", O_WRONLY);

		MUST(write, fd, "hello", 5);
	}
	CHILD(reader) {
		int fd = MUST(open, "fifo", O_RDONLY);

		GIVES(5, read, fd, text, sizeof(text));
		EXPECT_TEXT(text, 5, "hello");
	}
	EXPECT(lab_wait(writer), ==, 0);
	EXPECT(lab_wait(reader), ==, 0);

	MUST(chmod, "fifo", 0444);
	lab_drop();
	EXPECT(CALL(open, "fifo", O_RDONLY | O_NONBLOCK), >=, 0);
	FAILS(EACCES, open, "fifo", O_WRONLY | O_NONBLOCK);
}

static void fifo_03(void)
{
	MUST(mkfifo, "fifo", 0600);
	CHILD(reader) {
		MUST(open, "fifo", O_RDONLY);
	}
	EXPECT(lab_blocked(reader, SYS_openat), ==, true);
	MUST(open, "fifo", O_WRONLY);
	EXPECT(lab_wait(reader), ==, 0);

	MUST(mkfifo, "other", 0600);
	CHILD(writer) {
		MUST(open, "other", O_WRONLY);
	}
	EXPECT(lab_blocked(writer, SYS_openat), ==, true);
	MUST(open, "other", O_RDONLY);
	EXPECT(lab_wait(writer), ==, 0);
}

static void fifo_04(void)
{
	MUST(mkfifo, "fifo", 0600);
	FAILS(ENXIO, open, "fifo", O_WRONLY | O_NONBLOCK);
	EXPECT(CALL(open, "fifo", O_RDONLY | O_NONBLOCK), >=, 0);
	EXPECT(CALL(open, "fifo", O_WRONLY | O_NONBLOCK), >=, 0);
}

static void fifo_05(void)
{
	int both, reader, writer;
	char text[10];

	MUST(mkfifo, "fifo", 0600);
	both = CALL(open, "fifo", O_RDWR);
	EXPECT(both, >=, 0);
	reader = MUST(open, "fifo", O_RDONLY | O_NONBLOCK);
	writer = MUST(open, "fifo", O_WRONLY);
	MUST(write, writer, "hello", 5);
	MUST(close, writer);
	GIVES(5, read, reader, text, sizeof(text));
	FAILS(EAGAIN, read, reader, text, sizeof(text));
	MUST(close, both);
	GIVES(0, read, reader, text, sizeof(text));
}

static void fifo_06(void)
{
	char byte;
	int fd;

	MUST(mkfifo, "fifo", 0600);
	for (int i = 0; i < 3; i++) {
		CHILD(writer) {
			fd = MUST(open, "fifo", O_WRONLY);
			pipe_write_letters(fd, (char)('a' + i), PIPE_BUF, 200);
		}
		EXPECT(lab_blocked(writer, SYS_openat), ==, true);
	}
	/* Sets all of them going. */
	fd = MUST(open, "fifo", O_RDONLY);
	EXPECT(pipe_torn(fd, PIPE_BUF, 3 * 200), ==, 0);
	GIVES(0, read, fd, &byte, 1);
}

/* Open one after the other, each as it is said. */
static void open_both(const char *first, int how, const char *second, int how2)
{
	MUST(open, first, how);
	MUST(open, second, how2);
}

static void fifo_07(void)
{
	MUST(mkfifo, "a", 0600);
	MUST(mkfifo, "b", 0600);
	CHILD(left) {
		open_both("a", O_RDONLY, "b", O_WRONLY);
	}
	CHILD(right) {
		open_both("b", O_RDONLY, "a", O_WRONLY);
	}
	EXPECT(lab_blocked(left, SYS_openat), ==, true);
	EXPECT(lab_blocked(right, SYS_openat), ==, true);
	lab_kill(right);

	/* The left one still waits; in its order, both get on. */
	CHILD(cured) {
		open_both("a", O_WRONLY, "b", O_RDONLY);
	}
	EXPECT(lab_wait(cured), ==, 0);
	EXPECT(lab_wait(left), ==, 0);
}

static void fifo_08(void)
{
	int reader, writer, fd;
	char text[10];

	MUST(mkfifo, "fifo", 0600);
	reader = MUST(open, "fifo", O_RDONLY | O_NONBLOCK);
	writer = MUST(open, "fifo", O_WRONLY);
	MUST(unlink, "fifo");
	FAILS(ENOENT, open, "fifo", O_RDONLY | O_NONBLOCK);
	MUST(mkfifo, "fifo", 0600);
	fd = MUST(open, "fifo", O_RDWR | O_NONBLOCK);

	GIVES(5, write, writer, "hello", 5);
	/* The name is that of another pipe now. */
	FAILS(EAGAIN, read, fd, text, sizeof(text));
	GIVES(5, read, reader, text, sizeof(text));
	EXPECT_TEXT(text, 5, "hello");
}

static void fifo_09(void)
{
	int reader, one, two;
	char text[10];

	MUST(mkfifo, "fifo", 0600);
	reader = MUST(open, "fifo", O_RDONLY | O_NONBLOCK);
	one = MUST(open, "fifo", O_WRONLY);
	two = MUST(open, "fifo", O_WRONLY);
	MUST(write, one, "one", 3);
	MUST(close, one);
	GIVES(3, read, reader, text, sizeof(text));
	FAILS(EAGAIN, read, reader, text, sizeof(text));
	MUST(close, two);
	GIVES(0, read, reader, text, sizeof(text));
	GIVES(0, read, reader, text, sizeof(text));

	one = MUST(open, "fifo", O_WRONLY);
	FAILS(EAGAIN, read, reader, text, sizeof(text));
	MUST(write, one, "again", 5);
	GIVES(5, read, reader, text, sizeof(text));
	EXPECT_TEXT(text, 5, "again");
}

static const struct lab_experiment experiments[] = {
	{"fifo.01", "mkfifo makes a name, the bytes are in the kernel",
	 "fifo(7), mkfifo(3)", fifo_01},
	{"fifo.02", "strangers meet by path, if its mode lets them",
	 "fifo(7), chmod(2)", fifo_02},
	{"fifo.03", "open waits for the other side", "fifo(7), open(2)",
	 fifo_03},
	{"fifo.04", "with O_NONBLOCK, a reader may come first",
	 "fifo(7), open(2)", fifo_04},
	{"fifo.05", "O_RDWR never waits, and keeps end of file away", "fifo(7)",
	 fifo_05},
	{"fifo.06", "many writers can use one FIFO", "fifo(7), pipe(7)",
	 fifo_06},
	{"fifo.07", "two FIFOs opened in opposite order deadlock", "fifo(7)",
	 fifo_07},
	{"fifo.08", "open ends outlive the name", "unlink(2), fifo(7)",
	 fifo_08},
	{"fifo.09", "end of file passes when a new writer comes", "fifo(7)",
	 fifo_09},
	{0},
};

const struct lab_section lab_fifo = {
	.name = "fifo",
	.title = "named pipes",
	.experiments = experiments,
};
