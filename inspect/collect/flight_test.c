/* SPDX-License-Identifier: MIT */
/* Which descriptors are in messages, and in which socket. */
#include <fcntl.h>
#include <sched.h>
#include <sys/un.h>

#include "inspect/collect/look_test.h"
#include "inspect/model/build.h"

#define WANT (VIA_WANT_FDS | VIA_WANT_SOCKETS)

/* The messages that have an object: how many, and one of them. */
static uint32_t flights_of(const struct via_snapshot *s,
			   const struct via_object *o, struct via_link *ret)
{
	uint32_t from = (uint32_t)(o - s->objects), n = 0;

	for (uint32_t i = via__first_link(s, from);
	     i < s->n_links && s->links[i].from == from; i++) {
		assert_int_equal(s->links[i].kind, VIA_LINK_IN_FLIGHT);
		assert_int_equal(s->links[i].source, VIA_SOURCE_BPF);
		assert_int_equal(s->links[i].certainty, VIA_EXACT);
		*ret = s->links[i];
		n++;
	}
	return n;
}

static void pass_one(int socket, int fd)
{
	pass(socket, fd, 1);
}

static void pass_without_a_byte(int socket, int fd)
{
	pass(socket, fd, 0);
}

#define FILES_MAX 253 /* SCM_MAX_FD of the kernel */

/* As many as there may be in one message. */
static void pass_many(int socket, int fd)
{
	char byte = 0;
	int fds[FILES_MAX];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(fds))] = {0};
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	for (size_t i = 0; i < FILES_MAX; i++)
		fds[i] = fd;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	assert_int_equal(sendmsg(socket, &m, 0), 1);
}

static void names_what_is_in_a_message(void **state)
{
	static const struct {
		int type;
		void (*pass)(int socket, int fd);
		uint32_t n;
	} rows[] = {
		{SOCK_STREAM, pass_one, 2},
		{SOCK_DGRAM, pass_without_a_byte, 2},
		{SOCK_SEQPACKET, pass_one, 2},
		{SOCK_STREAM, pass_many, 2 * FILES_MAX},
	};
	char why[VIA_ERROR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int pair[2], p[2];
		struct via_link l;

		assert_int_equal(pipe(p), 0);
		assert_int_equal(socketpair(AF_UNIX, rows[i].type, 0, pair), 0);
		rows[i].pass(pair[0], p[1]);
		rows[i].pass(pair[0], p[1]);
		close(p[1]);
		struct via_snapshot *s = look_by(VIA_SOURCE_BPF, WANT, why);

		if (s) {
			const struct via_object *o = object_of(s, p[0]);

			assert_int_equal(flights_of(s, o, &l), rows[i].n);
			assert_int_equal(l.events, VIA_HOLD_WRITE);
			assert_ptr_equal(&s->objects[l.to],
					 object_of(s, pair[1]));
			/* So that both of its ends are known. */
			assert_int_equal(o->seen, VIA_SEEN_ALL);
		}
		via_snapshot_free(s);
		close(p[0]);
		close(pair[0]);
		close(pair[1]);
		if (!s)
			check_skip(why);
	}
}

/* A file may have locks that go with it. */
static void counts_what_may_be_more(void **state)
{
	char why[VIA_ERROR_TEXT_MAX];
	int pair[2], file = open("/proc/self/exe", O_RDONLY);
	struct via_link l;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct via_snapshot *before = look_by(VIA_SOURCE_BPF, WANT, why);

	pass(pair[0], file, 1);
	struct via_snapshot *s = look_by(VIA_SOURCE_BPF, WANT, why);

	if (s) {
		assert_int_equal(s->sight.n_in_flight,
				 before->sight.n_in_flight + 1);
		assert_int_equal(flights_of(s, object_of(s, file), &l), 1);
		assert_int_equal(l.events, VIA_HOLD_READ);
	}
	via_snapshot_free(before);
	via_snapshot_free(s);
	close(file);
	close(pair[0]);
	close(pair[1]);
	if (!s)
		check_skip(why);
}

/* It may be sent before the connection is accepted: then it is with who will
 * accept it. */
static void finds_what_is_not_accepted(void **state)
{
	char why[VIA_ERROR_TEXT_MAX];
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(name.sun_family);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0), p[2];
	struct via_link l;

	(void)state;
	assert_int_equal(pipe(p), 0);
	/* The kernel chooses a name. */
	assert_int_equal(bind(listener, (void *)&name, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	len = sizeof(name);
	assert_int_equal(getsockname(listener, (void *)&name, &len), 0);
	assert_int_equal(connect(client, (void *)&name, len), 0);
	pass(client, p[0], 1);
	struct via_snapshot *s = look_by(VIA_SOURCE_BPF, WANT, why);

	if (s) {
		assert_int_equal(flights_of(s, object_of(s, p[0]), &l), 1);
		assert_int_equal(l.events, VIA_HOLD_READ);
		assert_ptr_equal(&s->objects[l.to], object_of(s, listener));
	}
	via_snapshot_free(s);
	close(listener);
	close(client);
	close(p[0]);
	close(p[1]);
	if (!s)
		check_skip(why);
}

/* In a network namespace of its own. */
static pid_t start_apart(int *p)
{
	int ready[2], pair[2];
	char said = 0;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		bool ok = unshare(CLONE_NEWNET) == 0 &&
			  socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;

		if (ok)
			pass(pair[0], p[1], 1);
		close(p[1]);
		(void)!write(ready[1], ok ? "y" : "n", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &said, 1), 1);
	close(ready[0]);
	close(ready[1]);
	if (said == 'y')
		return pid;
	end(pid);
	return -1;
}

static void looks_in_other_namespaces(void **state)
{
	char why[VIA_ERROR_TEXT_MAX] = "needs another network namespace";
	int p[2];
	struct via_link l;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid_t child = start_apart(p);
	struct via_snapshot *s = child < 0 ? NULL
					   : look_by(VIA_SOURCE_BPF, WANT, why);

	if (s)
		assert_int_equal(flights_of(s, object_of(s, p[0]), &l), 1);
	via_snapshot_free(s);
	if (child > 0)
		end(child);
	close(p[0]);
	close(p[1]);
	if (!s)
		check_skip(why);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(names_what_is_in_a_message),
	CHECK_TEST(counts_what_may_be_more),
	CHECK_TEST(finds_what_is_not_accepted),
	CHECK_TEST(looks_in_other_namespaces),
};
CHECK_MAIN(tests)
