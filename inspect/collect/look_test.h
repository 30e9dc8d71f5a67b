/* SPDX-License-Identifier: MIT */
/* Looking at this process and its children, for tests. */
#ifndef INSPECT_COLLECT_LOOK_TEST_H
#define INSPECT_COLLECT_LOOK_TEST_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

#include <via/inspect.h>

#include "tests/check.h"

/* In a child, where an assertion would go on with the parent's tests: it ends with
 * what is returned. */
#define SHOULD(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			print_error("# not so: %s\n", #condition);             \
			return 1;                                              \
		}                                                              \
	} while (0)

static inline struct via_snapshot *look(uint32_t want)
{
	struct via_look l = {.want = want};
	struct via_snapshot *s = NULL;

	assert_int_equal(via_snapshot_take(&l, &s, NULL), 0);
	return s;
}

/* From there; NULL, and why, VIA_ERROR_TEXT_MAX: not here. */
static inline struct via_snapshot *look_by(enum via_source source,
					   uint32_t want, char *why)
{
	struct via_look l = {.want = want, .source = source};
	struct via_snapshot *s = NULL;
	struct via_error error = {0};
	int err = via_snapshot_take(&l, &s, &error);

	if (err == -EOPNOTSUPP)
		snprintf(why, VIA_ERROR_TEXT_MAX, "%s", error.text);
	else
		assert_int_equal(err, 0);
	return s;
}

static inline const struct via_process *process_of(const struct via_snapshot *s,
						   pid_t pid)
{
	uint32_t process = via_snapshot_process(s, pid);

	assert_int_not_equal(process, VIA_NONE);
	return &s->processes[process];
}

static inline const struct via_holding *hold_of(const struct via_snapshot *s,
						pid_t pid, int fd)
{
	const struct via_process *p = process_of(s, pid);
	uint32_t h = via_snapshot_fd(s, (uint32_t)(p - s->processes), fd);

	assert_int_not_equal(h, VIA_NONE);
	return &s->holds[h];
}

/* The object of a descriptor of ours. */
static inline const struct via_object *object_of(const struct via_snapshot *s,
						 int fd)
{
	return &s->objects[hold_of(s, getpid(), fd)->object];
}

static inline const char *name_of(const struct via_snapshot *s,
				  const struct via_object *o)
{
	return via_snapshot_text(s, o->name, NULL);
}

static inline int open_for_of(const struct via_snapshot *s, int fd)
{
	return hold_of(s, getpid(), fd)->flags &
	       (VIA_HOLD_READ | VIA_HOLD_WRITE);
}

/* Send descriptor fd, with so many bytes. */
static inline void pass(int socket, int fd, size_t len)
{
	char byte = 0;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec v = {&byte, len};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	assert_int_equal(sendmsg(socket, &m, 0), (int)len);
}

static inline pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static inline void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
