/* SPDX-License-Identifier: MIT */
/* A program in the kernel and NETLINK_SOCK_DIAG tell the same of Unix sockets of
 * every sort: of all in two network namespaces that have no others. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/look_test.h"
#include "inspect/collect/unix.h"

#define WANT (VIA_WANT_FDS | VIA_WANT_SOCKETS)

static socklen_t address(struct sockaddr_un *ret, const char *name, size_t len)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int bound(int type, const char *name, size_t len)
{
	int fd = socket(AF_UNIX, type, 0);
	struct sockaddr_un a;
	socklen_t size = address(&a, name, len);

	assert_int_equal(bind(fd, (void *)&a, size), 0);
	return fd;
}

static int listening(int type, const char *name, size_t len, int backlog)
{
	int fd = bound(type, name, len);

	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int connected(int type, const char *name, size_t len)
{
	int fd = socket(AF_UNIX, type, 0);
	struct sockaddr_un a;
	socklen_t size = address(&a, name, len);

	assert_int_equal(connect(fd, (void *)&a, size), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

/* --- Every sort of them --- */

static void make_pairs(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	char part[4];

	for (size_t i = 0; i < 3; i++) {
		int full[2], shut[2], left[2], size = 50000;

		assert_int_equal(socketpair(AF_UNIX, types[i], 0, full), 0);
		say(full[0], "some bytes");
		say(full[0], "and more");
		say(full[1], "back");
		assert_int_equal(recv(full[1], part, sizeof(part), 0), 4);
		assert_int_equal(setsockopt(full[0], SOL_SOCKET, SO_SNDBUF,
					    &size, sizeof(size)),
				 0);
		assert_int_equal(socketpair(AF_UNIX, types[i], 0, shut), 0);
		assert_int_equal(shutdown(shut[0], SHUT_WR), 0);
		assert_int_equal(shutdown(shut[1], SHUT_RDWR), 0);
		assert_int_equal(fchown(shut[0], 65534, 65534), 0);
		assert_int_equal(socketpair(AF_UNIX, types[i], 0, left), 0);
		say(left[0], "nobody hears it");
		say(left[1], "nor that");
		close(left[1]);
		(void)socket(AF_UNIX, types[i], 0);
	}
}

/* Whose kinds are told apart by the kernel: bytes out of band, ... */
static void make_streams(void)
{
	int pair[2], file = open("/proc/self/exe", O_RDONLY), p[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	say(pair[0], "in");
	(void)send(pair[0], "out", 3, MSG_OOB);
	assert_int_equal(pipe(p), 0);
	pass(pair[1], file, 1);
	pass(pair[1], p[0], 1);
	pass(pair[1], pair[0], 1);
	close(p[0]);
}

static void make_names(const char *dir)
{
	static const char odd[] = "\0a\0b \033[31m\n\377";
	char path[108], full[109];
	int n = snprintf(path, sizeof(path), "%s/bound", dir);

	(void)bound(SOCK_DGRAM, path, (size_t)n + 1);
	say(connected(SOCK_DGRAM, path, (size_t)n + 1), "one");
	say(connected(SOCK_DGRAM, path, (size_t)n), "another");
	(void)snprintf(path, sizeof(path), "%s/gone", dir);
	(void)bound(SOCK_STREAM, path, strlen(path) + 1);
	assert_int_equal(unlink(path), 0);
	/* As long as it may be, without a NUL. */
	(void)snprintf(full, sizeof(full), "%s/%0*d", dir,
		       107 - (int)strlen(dir), 0);
	(void)bound(SOCK_SEQPACKET, full, 108);
	assert_int_equal(unlink(full), 0);
	(void)bound(SOCK_STREAM, odd, sizeof(odd) - 1);
	memset(full, 'x', 108);
	*full = '\0';
	(void)bound(SOCK_DGRAM, full, 108);
	(void)bound(SOCK_DGRAM, "", 0);
}

static void *connect_blocked(void *arg)
{
	struct sockaddr_un a;
	socklen_t size = address(&a, "\0full", 5);

	(void)connect(*(int *)arg, (void *)&a, size);
	return NULL;
}

static void make_listeners(int *blocked, pthread_t *ret_thread)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
	static const char *const names[] = {"\0stream", "\0packet"};
	int p[2];

	assert_int_equal(pipe(p), 0);
	for (size_t i = 0; i < 2; i++) {
		int fd = listening(types[i], names[i], 7, 5);

		(void)connected(types[i], names[i], 7);
		(void)connected(types[i], names[i], 7);
		assert_true(accept(fd, NULL, NULL) >= 0);
		say(connected(types[i], names[i], 7), "too early");
		pass(connected(types[i], names[i], 7), p[1], 1);
		/* Its client has gone. */
		close(connected(types[i], names[i], 7));
	}
	(void)listening(SOCK_STREAM, "\0full", 5, 0);
	(void)connected(SOCK_STREAM, "\0full", 5);
	*blocked = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
		pthread_create(ret_thread, NULL, connect_blocked, blocked), 0);
}

static void make_on_other_mount(const char *dir)
{
	char path[108];

	assert_int_equal(mount("none", dir, "tmpfs", 0, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/there", dir);
	(void)listening(SOCK_STREAM, path, strlen(path) + 1, 1);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

static void tell_and_wait(int ready)
{
	(void)!write(ready, "", 1);
	pause();
	_exit(0);
}

static void make_all(int ready)
{
	char dir[64], other[80], path[108];
	pthread_t thread;
	int blocked;

	(void)snprintf(dir, sizeof(dir), "%.40s/all", getenv("TMPDIR"));
	(void)snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(mkdir(other, 0700), 0);
	make_pairs();
	make_streams();
	make_names(dir);
	make_listeners(&blocked, &thread);
	make_on_other_mount(other);
	assert_int_equal(rmdir(other), 0);
	(void)snprintf(path, sizeof(path), "%s/bound", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	tell_and_wait(ready);
}

/* With names, more than a ring has room for at first. */
static void make_many(int ready)
{
	char name[101] = "";
	int pair[2];

	for (int i = 0; i < 400; i++) {
		struct sockaddr_un a;
		socklen_t size;

		(void)snprintf(name + 1, sizeof(name) - 1, "%099d", i);
		size = address(&a, name, 100);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		assert_int_equal(bind(pair[0], (void *)&a, size), 0);
	}
	tell_and_wait(ready);
}

/* A child in a network namespace of its own, and its number: -1: not here. */
static pid_t start(void (*make)(int ready), uint32_t *ret_ns)
{
	char name[64], byte;
	struct stat st;
	int ready[2];

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
			make(ready[1]);
		_exit(1);
	}
	close(ready[1]);
	ssize_t n = read(ready[0], &byte, 1);

	close(ready[0]);
	(void)snprintf(name, sizeof(name), "/proc/%d/ns/net", pid);
	if (n == 1 && stat(name, &st) == 0) {
		*ret_ns = (uint32_t)st.st_ino;
		return pid;
	}
	end(pid);
	return -1;
}

/* --- Compared --- */

static void same_socket(const struct via_snapshot *a,
			const struct via_object *x,
			const struct via_snapshot *b,
			const struct via_object *y)
{
	const struct via_socket *s = &a->sockets[x->detail],
				*t = &b->sockets[y->detail];
	size_t len, other_len;
	const char *name = via_snapshot_text(a, x->name, &len);

	assert_memory_equal(name, via_snapshot_text(b, y->name, &other_len),
			    len + 1);
	assert_int_equal(len, other_len);
	assert_int_equal(x->flags, y->flags);
	assert_true(x->level == y->level);
	assert_true(x->capacity == y->capacity);
	assert_int_equal(s->family, t->family);
	assert_int_equal(s->type, t->type);
	assert_int_equal(s->state, t->state);
	assert_int_equal(s->net_ns, t->net_ns);
	assert_int_equal(s->uid, t->uid);
	assert_true(s->receive == t->receive);
	assert_true(s->receive_max == t->receive_max);
	assert_true(s->send == t->send);
	assert_true(s->send_max == t->send_max);
	assert_true(s->file_dev == t->file_dev);
	assert_true(s->file_ino == t->file_ino);
	assert_int_equal(strcmp(via_snapshot_text(a, s->local, NULL),
				via_snapshot_text(b, t->local, NULL)),
			 0);
	assert_int_equal(strcmp(via_snapshot_text(a, s->remote, NULL),
				via_snapshot_text(b, t->remote, NULL)),
			 0);
}

/* The same socket in another snapshot. */
static const struct via_object *find(const struct via_snapshot *b,
				     const struct via_object *x)
{
	uint32_t other = via_snapshot_object(b, x->kind, x->dev, x->ino,
					     x->sub);

	assert_int_not_equal(other, VIA_NONE);
	return &b->objects[other];
}

static bool is_in(const struct via_snapshot *s, const struct via_object *o,
		  uint32_t ns)
{
	return o->kind == VIA_KIND_UNIX && o->detail != VIA_NONE &&
	       s->sockets[o->detail].net_ns == ns;
}

/* How many there are. */
static uint32_t same_sockets(const struct via_snapshot *a,
			     const struct via_snapshot *b, uint32_t ns)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n_objects; i++) {
		const struct via_object *x = &a->objects[i], *y;

		if (!is_in(a, x, ns))
			continue;
		y = find(b, x);
		same_socket(a, x, b, y);
		if (x->peer == VIA_NONE)
			assert_int_equal(y->peer, VIA_NONE);
		else
			assert_ptr_equal(find(b, &a->objects[x->peer]),
					 &b->objects[y->peer]);
		n++;
	}
	return n;
}

/* Who waits to be accepted in it, which the sources tell. How many. */
static uint32_t same_links(const struct via_snapshot *a,
			   const struct via_snapshot *b, uint32_t ns)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n_links; i++) {
		const struct via_object *from = &a->objects[a->links[i].from];
		uint32_t found = 0;

		if (a->links[i].kind != VIA_LINK_CONNECTING ||
		    !is_in(a, from, ns))
			continue;
		from = find(b, from);
		const struct via_object *to = find(b,
						   &a->objects[a->links[i].to]);

		for (uint32_t j = 0; j < b->n_links; j++)
			found += b->links[j].kind == VIA_LINK_CONNECTING &&
				 from == &b->objects[b->links[j].from] &&
				 to == &b->objects[b->links[j].to];
		assert_int_equal(found, 1);
		n++;
	}
	return n;
}

static bool look_by_both(uint32_t want, struct via_snapshot **ret_bpf,
			 struct via_snapshot **ret_diag, char *why)
{
	*ret_bpf = look_by(VIA_SOURCE_BPF, want, why);
	if (!*ret_bpf)
		return false;
	assert_int_equal((*ret_bpf)->sight.refused, 0);
	*ret_diag = look_by(VIA_SOURCE_PROC, want, why);
	return true;
}

static void sources_agree(void **state)
{
	char why[VIA_ERROR_TEXT_MAX] = "needs network namespaces";
	struct via_snapshot *bpf = NULL, *diag = NULL;
	uint32_t ns;
	pid_t child = start(make_all, &ns);
	bool both = child > 0 && look_by_both(WANT, &bpf, &diag, why);

	(void)state;
	if (both) {
		assert_int_equal(same_sockets(bpf, diag, ns), 44);
		assert_int_equal(same_sockets(diag, bpf, ns), 44);
		assert_int_equal(same_links(bpf, diag, ns), 7);
		assert_int_equal(same_links(diag, bpf, ns), 7);
	}
	via_snapshot_free(bpf);
	via_snapshot_free(diag);
	if (child > 0)
		end(child);
	if (!both)
		check_skip(why);
}

/* Of sockets alone it is not known beforehand how many there are. */
static void more_are_told_than_were_expected(void **state)
{
	char why[VIA_ERROR_TEXT_MAX] = "needs network namespaces";
	struct via_snapshot *bpf = NULL, *diag = NULL;
	uint32_t ns[3];
	pid_t children[3];
	bool both = true;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		children[i] = start(make_many, &ns[i]);
		both &= children[i] > 0;
	}
	both = both && look_by_both(VIA_WANT_SOCKETS, &bpf, &diag, why);
	for (size_t i = 0; both && i < 3; i++) {
		assert_int_equal(same_sockets(bpf, diag, ns[i]), 800);
		assert_int_equal(same_sockets(diag, bpf, ns[i]), 800);
	}
	via_snapshot_free(bpf);
	via_snapshot_free(diag);
	for (size_t i = 0; i < 3; i++)
		if (children[i] > 0)
			end(children[i]);
	if (!both)
		check_skip(why);
}

static int refuse(uint32_t want, struct via__ring *ring)
{
	(void)want;
	(void)ring;
	return -EACCES;
}

/* Refused, they are told by NETLINK_SOCK_DIAG. */
static void is_never_needed(void **state)
{
	int pair[2];
	struct stat st;
	struct via__scene scene = {
		.s = via__snapshot_new(),
		.want = VIA_WANT_SOCKETS,
		.bpf = {.open = true,
			.files_link = -1,
			.load[VIA__PROGRAM_UNIX] = refuse},
	};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(fstat(pair[0], &st), 0);
	assert_int_equal(via__seal(scene.s), 0);
	via__collector_unix.all(&scene);
	assert_int_equal(scene.bpf.refused, 1u << VIA__PROGRAM_UNIX);
	assert_false(scene.flights_known);
	assert_int_not_equal(
		via_snapshot_object(scene.s, VIA_KIND_UNIX, 0, st.st_ino, 0),
		VIA_NONE);
	via_snapshot_free(scene.s);
	close(pair[0]);
	close(pair[1]);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(sources_agree),
	CHECK_TEST(more_are_told_than_were_expected),
	CHECK_TEST(is_never_needed),
};
CHECK_MAIN(tests)
