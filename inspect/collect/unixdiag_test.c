/* SPDX-License-Identifier: MIT */
/* Unix sockets that are made here, and what a snapshot says of them. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "inspect/collect/netfile.h"
#include "inspect/collect/snapshot_test.h"

static struct sockaddr_un address(const char *name, size_t len,
				  socklen_t *ret_len)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memcpy(a.sun_path, name, len);
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return a;
}

static int bound(int type, const char *name, size_t len)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	socklen_t size;
	struct sockaddr_un a = address(name, len, &size);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
	return fd;
}

static int connected(int type, const char *name, size_t len)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	socklen_t size;
	struct sockaddr_un a = address(name, len, &size);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, size), 0);
	return fd;
}

static uint32_t unix_of(const struct via_snapshot *s, int fd)
{
	return object_of(s, VIA_KIND_UNIX, fd);
}

static void a_pair_knows_its_peers_and_bytes(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int fd[2];

		assert_int_equal(
			socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, fd), 0);
		assert_int_equal(write(fd[0], "12345", 5), 5);
		assert_int_equal(shutdown(fd[0], SHUT_WR), 0);
		struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
		uint32_t a = unix_of(s, fd[0]), b = unix_of(s, fd[1]);
		const struct via_socket *from =
			&s->sockets[s->objects[a].detail];

		assert_int_equal(s->objects[a].peer, b);
		assert_int_equal(s->objects[b].peer, a);
		assert_int_equal(s->objects[b].level, 5);
		assert_int_equal(s->objects[a].level, 0);
		assert_int_equal(from->type, types[i]);
		assert_int_equal(from->family, AF_UNIX);
		assert_int_equal(from->net_ns, inode("/proc/self/ns/net"));
		assert_int_equal(from->uid, geteuid());
		/* At least what was written is charged to the writer. */
		assert_true(from->send >= 5 && from->send <= from->send_max);
		assert_int_equal(
			s->objects[a].flags,
			(types[i] == SOCK_STREAM ? 0 : VIA_OBJECT_PACKETS) |
				VIA_OBJECT_SHUT_WRITE);
		assert_int_equal(s->objects[b].flags & VIA_OBJECT_SHUT_WRITE,
				 0);
		via_snapshot_free(s);
		close(fd[0]);
		close(fd[1]);
	}
}

static void a_listener_has_who_waits(void **state)
{
	static const char name[] = "\0via\0test \033[31m\n\377";
	int listener = bound(SOCK_STREAM, name, sizeof(name) - 1);
	int client[3];
	size_t len;

	(void)state;
	assert_int_equal(listen(listener, 4), 0);
	for (int i = 0; i < 3; i++)
		client[i] = connected(SOCK_STREAM, name, sizeof(name) - 1);
	int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
	uint32_t l = unix_of(s, listener);
	const struct via_object *o = &s->objects[l];
	const char *text = via_snapshot_text(s, o->name, &len);

	assert_int_equal(len, sizeof(name) - 1);
	assert_int_equal(*text, '@');
	assert_memory_equal(text + 1, name + 1, len - 1);
	assert_true(o->flags & VIA_OBJECT_LISTENS);
	assert_int_equal(o->level, 2);
	assert_int_equal(o->capacity, 4);
	assert_int_equal(s->objects[unix_of(s, client[0])].peer,
			 unix_of(s, accepted));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(n_links(s, unix_of(s, client[i]), l,
					 VIA_LINK_CONNECTING),
				 i > 0);
	assert_int_equal(s->objects[unix_of(s, client[1])].peer, VIA_NONE);
	via_snapshot_free(s);
	for (int i = 0; i < 3; i++)
		close(client[i]);
	close(accepted);
	close(listener);
}

static void a_path_leads_to_its_file(void **state)
{
	char path[108];
	struct stat st;
	int n = snprintf(path, sizeof(path), "%s/sock \033[1m",
			 getenv("TMPDIR"));
	int server = bound(SOCK_DGRAM, path, (size_t)n + 1);
	int client = connected(SOCK_DGRAM, path, (size_t)n + 1);

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
	uint32_t o = unix_of(s, server);
	const struct via_socket *socket = &s->sockets[s->objects[o].detail];

	assert_string_equal(via_snapshot_text(s, s->objects[o].name, NULL),
			    path);
	assert_true(socket->file_dev == st.st_dev);
	assert_true(socket->file_ino == st.st_ino);
	/* It knows where it sends, the other does not know from where. */
	assert_int_equal(s->objects[unix_of(s, client)].peer, o);
	assert_int_equal(s->objects[o].peer, VIA_NONE);
	via_snapshot_free(s);
	unlink(path);
	close(client);
	close(server);
}

/* A child in a network namespace of its own, that holds a socket. */
static pid_t elsewhere(const int inside[2])
{
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNET) == 0 &&
		    listen(bound(SOCK_STREAM, "\0there", 6), 1) == 0)
			(void)!write(ready[1], "1", 1);
		close(ready[1]);
		close(inside[1]);
		(void)!read(inside[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	ssize_t n = read(ready[0], &c, 1);

	close(ready[0]);
	return n == 1 ? pid : -pid;
}

static uint32_t named(const struct via_snapshot *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (strcmp(via_snapshot_text(s, s->objects[i].name, NULL),
			   name) == 0)
			return i;
	return VIA_NONE;
}

/* By a user who may not enter them: 0 if it was. */
static int seen_by_nobody(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const struct via_look look = {.want = VIA_WANT_SOCKETS};
		struct via_snapshot *s;

		if (setresgid(65534, 65534, 65534) < 0 ||
		    setresuid(65534, 65534, 65534) < 0)
			_exit(0);
		if (via_snapshot_take(&look, &s, NULL) < 0)
			_exit(1);
		uint32_t o = named(s, "@there");

		_exit(o == VIA_NONE ||
		      !(s->objects[o].flags & VIA_OBJECT_LISTENS));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void other_namespaces_are_seen(void **state)
{
	int inside[2];
	uint64_t before = inode("/proc/self/ns/net");

	(void)state;
	assert_int_equal(pipe(inside), 0);
	pid_t pid = elsewhere(inside);
	char path[64];

	if (pid > 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		struct via_snapshot *s = snapshot(VIA_WANT_SOCKETS);
		uint32_t o = named(s, "@there");

		assert_int_not_equal(o, VIA_NONE);
		assert_int_equal(s->sockets[s->objects[o].detail].net_ns,
				 inode(path));
		assert_int_equal(inode("/proc/self/ns/net"), before);
		assert_int_equal(seen_by_nobody(), 0);
		via_snapshot_free(s);
	}
	close(inside[0]);
	close(inside[1]);
	assert_true(waitpid(pid > 0 ? pid : -pid, NULL, 0) > 0);
	if (pid < 0)
		check_skip("needs network namespaces");
}

struct line {
	const char *text;
	struct via__net_unix expected;
};

static void lines_of_the_table_are_read(void **state)
{
	static const struct line lines[] = {
		{"0000000000000000: 00000002 00000000 00010000 0001 01 4711 "
		 "/run/a b\n",
		 {.ino = 4711, .type = 1, .state = 10, .name = "/run/a b"}},
		{"ffff8880: 00000003 00000000 00000000 0005 03    12 @via/@x\n",
		 {.ino = 12, .type = 5, .state = 1, .name = "@via/@x"}},
		{"0: 2 0 0 2 01 9\n", {.ino = 9, .type = 2, .state = 7}},
	};
	static const char *const bad[] = {
		"",
		"\n",
		"x",
		"Num RefCount Protocol Flags Type St Inode Path",
		"0: 2 0 0 2 01",
		"0: 2 0 0 2 01 0 /x",
	};
	struct via__net_unix u;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const struct via__net_unix *e = &lines[i].expected;

		assert_int_equal(via__net_parse_unix(lines[i].text, &u), 0);
		assert_int_equal(u.ino, e->ino);
		assert_int_equal(u.type, e->type);
		assert_int_equal(u.state, e->state);
		assert_int_equal(u.name_len, e->name ? strlen(e->name) : 0);
		if (e->name)
			assert_memory_equal(u.name, e->name, u.name_len);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(via__net_parse_unix(bad[i], &u), -EPROTO);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(a_pair_knows_its_peers_and_bytes),
	CHECK_TEST(a_listener_has_who_waits),
	CHECK_TEST(a_path_leads_to_its_file),
	CHECK_TEST(other_namespaces_are_seen),
	CHECK_TEST(lines_of_the_table_are_read),
};
CHECK_MAIN(tests)
