/* SPDX-License-Identifier: MIT */
/* Levels of pipes and terminals, and which terminals belong together. */
#include <fcntl.h>
#include <pty.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "inspect/collect/look_test.h"

#define LEVELS (VIA_WANT_FDS | VIA_WANT_LEVELS)

static void sees_how_full_pipes_are(void **state)
{
	int ours[2], packets[2], theirs[2];
	char bytes[1234] = {0};

	(void)state;
	assert_int_equal(pipe(ours), 0);
	assert_int_equal(pipe2(packets, O_DIRECT | O_NONBLOCK), 0);
	assert_int_equal(pipe(theirs), 0);
	assert_int_equal(write(ours[1], bytes, 1234), 1234);
	assert_int_equal(write(theirs[1], bytes, 7), 7);
	pid_t child = start_sleeper();
	struct stat st;

	assert_int_equal(fstat(theirs[0], &st), 0);
	close(theirs[0]);
	close(theirs[1]);
	struct via_snapshot *s = look(LEVELS);
	const struct via_object *o = object_of(s, ours[0]);

	assert_int_equal(o->level, 1234);
	assert_int_equal(o->capacity, fcntl(ours[0], F_GETPIPE_SZ));
	assert_int_equal(o->flags & VIA_OBJECT_PACKETS, 0);
	o = object_of(s, packets[1]);
	assert_int_equal(o->level, 0);
	assert_int_equal(o->flags & VIA_OBJECT_PACKETS, VIA_OBJECT_PACKETS);
	uint32_t other = via_snapshot_object(s, VIA_KIND_PIPE, st.st_dev,
					     st.st_ino, 0);

	assert_int_not_equal(other, VIA_NONE);
	assert_int_equal(s->objects[other].level, 7);
	assert_int_equal(s->objects[other].n_users, 2);
	via_snapshot_free(s);
	end(child);
	for (int i = 0; i < 2; i++) {
		close(ours[i]);
		close(packets[i]);
	}
}

/* A reader that we are not must not become one: neither open(2) of a FIFO
 * goes on, nor does the end of the file wait for us. */
static void disturbs_nobody(void **state)
{
	char path[256], byte;
	int p[2];

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", getenv("TMPDIR"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pipe(p), 0);
	pid_t child = fork();

	if (child == 0) {
		close(p[1]);
		_exit(open(path, O_WRONLY) >= 0);
	}
	close(p[1]);
	for (int i = 0; i < 20; i++)
		via_snapshot_free(look(LEVELS | VIA_WANT_PATHS));
	assert_int_equal(read(p[0], &byte, 1), 0);
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
	end(child);
	close(p[0]);
	unlink(path);
}

static void joins_pseudo_terminals(void **state)
{
	int master, slave;
	struct termios t;
	unsigned int index;
	struct stat st;

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		check_skip("needs pseudo-terminals");
	assert_int_equal(tcgetattr(slave, &t), 0);
	cfmakeraw(&t);
	assert_int_equal(tcsetattr(slave, TCSANOW, &t), 0);
	assert_int_equal(write(master, "down", 4), 4);
	assert_int_equal(ioctl(master, TIOCGPTN, &index), 0);
	assert_int_equal(fstat(slave, &st), 0);
	/* What was written comes to the other side in a while. */
	for (int n = 0; n < 4;)
		assert_int_equal(ioctl(slave, FIONREAD, &n), 0);
	struct via_snapshot *s = look(LEVELS);
	const struct via_object *m = object_of(s, master),
				*o = object_of(s, slave);

	assert_int_equal(m->kind, VIA_KIND_PTMX);
	assert_int_equal(o->kind, VIA_KIND_PTY);
	assert_ptr_equal(&s->objects[m->peer], o);
	assert_ptr_equal(&s->objects[o->peer], m);
	assert_int_equal(m->ino, index);
	assert_true(o->dev == st.st_dev);
	assert_int_equal(o->level, 4);
	assert_int_equal(m->level, 0);
	via_snapshot_free(s);

	/* Nobody has the other side, and still there is one. */
	close(slave);
	s = look(LEVELS);
	m = object_of(s, master);
	assert_int_not_equal(m->peer, VIA_NONE);
	assert_int_equal(s->objects[m->peer].n_users, 0);
	via_snapshot_free(s);
	close(master);
}

/* Each mount of devpts counts from 0. */
static void tells_mounts_of_terminals_apart(void **state)
{
	char path[256], ptmx[300];
	int master, slave;

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		check_skip("needs pseudo-terminals");
	snprintf(path, sizeof(path), "%s/pts", getenv("TMPDIR"));
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("devpts", path, "devpts", 0, "ptmxmode=0666") < 0) {
		rmdir(path);
		close(master);
		close(slave);
		check_skip("needs to mount devpts");
	}
	snprintf(ptmx, sizeof(ptmx), "%s/ptmx", path);
	int other = open(ptmx, O_RDWR | O_NOCTTY);

	assert_true(other >= 0);
	struct stat st;
	struct via_snapshot *s = look(VIA_WANT_FDS);
	const struct via_object *m = object_of(s, master),
				*o = object_of(s, other);

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(o->kind, VIA_KIND_PTMX);
	assert_true(o->dev == st.st_dev);
	assert_true(m->dev != o->dev);
	assert_int_not_equal(m->peer, o->peer);
	via_snapshot_free(s);
	close(other);
	close(master);
	close(slave);
	assert_int_equal(umount(path), 0);
	rmdir(path);
}

/* A process that has a terminal has it by /dev/tty as well. */
static void follows_dev_tty(void **state)
{
	int master, slave, p[2];
	char byte;

	(void)state;
	if (openpty(&master, &slave, NULL, NULL, NULL) < 0)
		check_skip("needs pseudo-terminals");
	assert_int_equal(pipe(p), 0);
	pid_t child = fork();

	if (child == 0) {
		bool ok = setsid() >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0 &&
			  dup2(open("/dev/tty", O_RDWR), 100) == 100;

		(void)!write(p[1], ok ? "y" : "n", 1);
		pause();
	}
	assert_int_equal(read(p[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	struct via_snapshot *s = look(VIA_WANT_FDS);
	const struct via_holding *tty = hold_of(s, child, 100);

	assert_int_equal(tty->object, hold_of(s, child, slave)->object);
	assert_int_equal(tty->certainty, VIA_LIKELY);
	via_snapshot_free(s);
	end(child);
	close(master);
	close(slave);
	close(p[0]);
	close(p[1]);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sees_how_full_pipes_are),
	CHECK_TEST(disturbs_nobody),
	CHECK_TEST(joins_pseudo_terminals),
	CHECK_TEST(tells_mounts_of_terminals_apart),
	CHECK_TEST(follows_dev_tty),
};
CHECK_MAIN(tests)
