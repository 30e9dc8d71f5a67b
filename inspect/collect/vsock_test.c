/* SPDX-License-Identifier: MIT */
/* AF_VSOCK sockets on loopback, and what a snapshot says of them. */
#include <linux/vm_sockets.h>
#include <sys/socket.h>

#include "inspect/collect/snapshot_test.h"

#define WANT (VIA_WANT_FDS | VIA_WANT_SOCKETS)

/* A socket that listens, or -1: there is no such loopback. */
static int listener(int type, struct sockaddr_vm *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_LOCAL,
		.svm_port = VMADDR_PORT_ANY,
	};
	if (fd >= 0 &&
	    (bind(fd, (struct sockaddr *)ret, len) < 0 || listen(fd, 1) < 0)) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len),
				 0);
	return fd;
}

static int dial(int type, const struct sockaddr_vm *to)
{
	int fd = socket(AF_VSOCK, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)to, sizeof(*to)),
			 0);
	return fd;
}

static const struct via_object *at(const struct via_snapshot *s, int fd)
{
	return &s->objects[object_of(s, VIA_KIND_SOCKET, fd)];
}

static void check_listener(const struct via_snapshot *s, int fd,
			   const struct sockaddr_vm *a)
{
	const struct via_object *o = at(s, fd);
	char name[64];

	snprintf(name, sizeof(name), "vsock:1:%u", a->svm_port);
	assert_string_equal(via_snapshot_text(s, o->name, NULL), name);
	assert_int_equal(s->sockets[o->detail].family, AF_VSOCK);
	assert_int_equal(s->sockets[o->detail].state, 10);
	assert_true(o->flags & VIA_OBJECT_LISTENS);
	assert_int_equal(o->peer, VIA_NONE);
}

static void both_ends_are_known(int type)
{
	struct sockaddr_vm a;
	int fd = listener(type, &a);

	if (fd < 0)
		check_skip("needs vsock_loopback (Linux 5.6; seqpacket 5.14)");
	int client = dial(type, &a);
	struct via_snapshot *s = snapshot(WANT);

	/* What waits to be accepted is nobody's. */
	check_listener(s, fd, &a);
	assert_int_equal(at(s, client)->peer, VIA_NONE);
	via_snapshot_free(s);

	int server = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	assert_true(server >= 0);
	assert_int_equal(shutdown(server, SHUT_WR), 0);
	s = snapshot(WANT);
	check_listener(s, fd, &a);
	assert_int_equal(at(s, client)->peer,
			 object_of(s, VIA_KIND_SOCKET, server));
	assert_int_equal(at(s, server)->peer,
			 object_of(s, VIA_KIND_SOCKET, client));
	assert_int_equal(s->sockets[at(s, server)->detail].type, type);
	assert_true(at(s, server)->flags & VIA_OBJECT_SHUT_WRITE);
	assert_false(at(s, server)->flags & VIA_OBJECT_SHUT_READ);
	assert_int_equal(!!(at(s, server)->flags & VIA_OBJECT_PACKETS),
			 type != SOCK_STREAM);
	assert_false(at(s, server)->flags & VIA_OBJECT_REMOTE);
	via_snapshot_free(s);
	close(server);
	close(client);
	close(fd);
}

static void streams_have_peers(void **state)
{
	(void)state;
	both_ends_are_known(SOCK_STREAM);
}

static void packets_have_peers(void **state)
{
	(void)state;
	both_ends_are_known(SOCK_SEQPACKET);
}

/* Bound to nothing yet. */
static void one_alone_is_named(void **state)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	if (fd < 0)
		check_skip("needs AF_VSOCK");
	struct via_snapshot *s = snapshot(WANT);
	const char *name = via_snapshot_text(s, at(s, fd)->name, NULL);

	/* The kernel may have such sockets and no table of them. */
	assert_string_equal(name,
			    at(s, fd)->detail == VIA_NONE ? "" : "vsock:*:*");
	assert_int_equal(at(s, fd)->peer, VIA_NONE);
	assert_false(at(s, fd)->flags &
		     (VIA_OBJECT_LISTENS | VIA_OBJECT_REMOTE));
	via_snapshot_free(s);
	close(fd);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(streams_have_peers),
	CHECK_TEST(packets_have_peers),
	CHECK_TEST(one_alone_is_named),
};
CHECK_MAIN(tests)
