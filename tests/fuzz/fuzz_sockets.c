/* SPDX-License-Identifier: MIT */
/*
 * What the kernel says of sockets, if it were not the kernel's: answers of
 * NETLINK_SOCK_DIAG whose lengths lie ("d" and then messages), the tables of
 * /proc/PID/net ("t" and then text), which have names of anybody's choice, and
 * what a program in the kernel puts into its ring ("b" and then that).
 */
#include <errno.h>
#include <sys/socket.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/netfile.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/whole.h"

/* What is asked for comes from the input: the linker puts these in the place of
 * those that ask the kernel. */
__typeof__(via__diag_open) __wrap_via__diag_open;
__typeof__(via__diag_dump) __wrap_via__diag_dump, __real_via__diag_dump;
__typeof__(via__each_space) __wrap_via__each_space;
__typeof__(via__bpf_iterator) __wrap_via__bpf_iterator;
__typeof__(via__ring_map) __wrap_via__ring_map;
__typeof__(via__ring_take) __wrap_via__ring_take;

static struct {
	const uint8_t *data;
	size_t len;
	int dir; /* with the tables */
	bool tables;
	void *ring; /* what was taken last */
} input = {.dir = -1};

int __wrap_via__diag_open(const struct via__space *space)
{
	(void)space;
	return input.tables ? -EPERM : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* As long as what is read into, so that what is behind is behind all: first a
 * message to be skipped. */
#define ANSWER_MAX 65536

static size_t make_answer(char *answer)
{
	size_t pad = (ANSWER_MAX - input.len) & ~(size_t)3;
	const struct nlmsghdr skipped = {
		.nlmsg_len = (uint32_t)pad,
		.nlmsg_type = NLMSG_NOOP,
	};

	memcpy(answer, &skipped, sizeof(skipped));
	memcpy(answer + pad, input.data, input.len);
	return pad + input.len;
}

int __wrap_via__diag_dump(int fd, uint16_t type, const void *request,
			  size_t len, size_t size,
			  void (*f)(const void *message, size_t len, void *arg),
			  void *arg)
{
	static char answer[ANSWER_MAX];
	size_t answer_len = make_answer(answer);
	int ends[2];

	(void)fd;
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	check(send(ends[1], answer, answer_len, 0) == (ssize_t)answer_len);
	check(shutdown(ends[1], SHUT_WR) == 0);
	int err = __real_via__diag_dump(ends[0], type, request, len, size, f,
					arg);

	close(ends[0]);
	close(ends[1]);
	check(err <= 0);
	return err;
}

/* A program that is taken, and has no more to say than what is in its ring. */
static int load_program(uint32_t want, struct via__ring *ring)
{
	(void)want;
	(void)ring;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int __wrap_via__bpf_iterator(int link)
{
	(void)link;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int __wrap_via__ring_map(struct via__ring *ring)
{
	(void)ring;
	return 0;
}

const void *__wrap_via__ring_take(struct via__ring *ring, size_t *ret_len)
{
	(void)ring;
	free(input.ring);
	input.ring = copy_of(input.data, input.len);
	*ret_len = input.len;
	return input.ring;
}

/* Two namespaces, with the same in both. */
void __wrap_via__each_space(struct via__scene *scene, size_t member,
			    const char *name,
			    int (*f)(struct via__scene *scene,
				     const struct via__space *space, void *arg),
			    void *arg)
{
	(void)member;
	(void)name;
	for (uint32_t ns = 1; ns <= 2; ns++) {
		const struct via__space space = {ns, ns == 1, input.dir};

		(void)f(scene, &space, arg);
	}
}

/* --- One line, one message --- */

static void check_attribute(const uint8_t *data, size_t len)
{
	uint8_t *message = copy_of(data, len), value[16];

	for (unsigned int type = 0; type < 16; type++) {
		int n = via__diag_attribute(message, len, 8, type, value,
					    sizeof(value));

		check(n >= -1 && n < 65536);
		check(n < 0 || (size_t)n <= len);
	}
	free(message);
}

static void check_line(const char *line)
{
	struct via__net_unix u;
	struct via__net_inet i;
	struct via__net_plain p;

	if (via__net_parse_unix(line, &u) == 0) {
		check(u.ino && u.name >= line);
		check(u.name + u.name_len <= line + strlen(line));
		check(u.state == 1 || u.state == 7 || u.state == 10);
	}
	(void)via__net_parse_inet(line, &i);
	(void)via__net_parse_netlink(line, &p);
	(void)via__net_parse_packet(line, &p);
}

/* --- All --- */

/* A process with sockets whose kinds are not known yet, as they are in the kept
 * inputs, and one that was listened to. */
static struct via_snapshot *make_snapshot(void)
{
	struct via_snapshot *s = via__snapshot_new();

	check(s);
	via__add_process(s)->task.pid = getpid();
	for (uint64_t ino = 1000; ino < 1006; ino++) {
		uint32_t object = via__object(s, VIA_KIND_SOCKET, 0, ino, 0);

		via__add_hold(s, 0, object, VIA_HOLDS_FD)->id = (int)ino;
	}
	return s;
}

static void fini(struct via__scene *scene)
{
	via__bpf_fini(&scene->bpf);
	via_snapshot_free(scene->s);
	free(scene->noted);
	free(scene->unknown_flights);
	via__devices_fini(&scene->devices);
	free(input.ring);
	input.ring = NULL;
}

static void collect(bool by_program)
{
	static const struct via__collector *const collectors[] = {
		&via__collector_unix,
		&via__collector_inetdiag,
		&via__collector_families,
		&via__collector_flight,
	};
	struct via__scene scene = {
		.s = make_snapshot(),
		.want = VIA_WANT_SOCKETS,
		.bpf = {.open = by_program,
			.files_link = -1,
			.load[VIA__PROGRAM_UNIX] = load_program},
	};

	for (size_t i = 0; i < sizeof(collectors) / sizeof(*collectors); i++) {
		check(via__seal(scene.s) == 0);
		collectors[i]->all(&scene);
	}
	check(via__seal(scene.s) == 0);
	check_whole(scene.s);
	check_again(scene.s);
	fini(&scene);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {
		"net/",	       "net/unix",   "net/tcp",	    "net/tcp6",
		"net/udp",     "net/udp6",   "net/udplite", "net/udplite6",
		"net/raw",     "net/raw6",   "net/icmp",    "net/icmp6",
		"net/netlink", "net/packet",
	};

	if (input.dir < 0)
		input.dir = files_open(names, sizeof(names) / sizeof(*names));
	if (size < 1 || size > ANSWER_MAX / 2 || !memchr("bdt", *data, 3))
		return 0;
	input.tables = *data == 't';
	input.data = data + 1;
	input.len = size - 1;
	files_fill(input.data, input.tables ? input.len : 0);
	if (input.tables) {
		char *line = text_of(input.data, input.len);

		check_line(line);
		free(line);
	} else {
		check_attribute(input.data, input.len);
	}
	collect(*data == 'b');
	return 0;
}
