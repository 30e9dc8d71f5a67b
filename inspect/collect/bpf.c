/* SPDX-License-Identifier: MIT */
/*
 * Giving a program to the kernel. Each is a light skeleton, which bpftool makes
 * of what the compiler made: the kernel itself finds where it has what the
 * program looks at (CO-RE), from types it has in memory. libbpf would copy and
 * search them: 30 ms for 6.
 */
#include "inspect/collect/bpf.h"

#include <errno.h>
#include <skeletons.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/bpf_fail.h"
#include "inspect/model/array.h"

/* A link to the program, which keeps it, or -errno. */
#define PROGRAM(name, NAME, without)                                           \
	static int link_##name(struct via_##name *skel, uint32_t want)         \
	{                                                                      \
		if (!skel)                                                     \
			return -ENOMEM;                                        \
		skel->rodata->want = want;                                     \
		int link = via_##name##__load(skel);                           \
                                                                               \
		if (link)                                                      \
			return link;                                           \
		link = skel_link_create(skel->progs.name.prog_fd, 0,           \
					BPF_TRACE_ITER);                       \
		return link < 0 ? -errno : link;                               \
	}                                                                      \
                                                                               \
	static int load_##name(uint32_t want, struct via__ring *unused)        \
	{                                                                      \
		struct via_##name *skel = via_##name##__open();                \
		int link = link_##name(skel, want);                            \
                                                                               \
		(void)unused;                                                  \
		via_##name##__destroy(skel);                                   \
		return link;                                                   \
	}
#include "inspect/model/programs.def"
#undef PROGRAM

/* With the ring that it tells by. */
static int load_with_ring(uint32_t want, struct via__ring *ring)
{
	struct via_unix *skel = via_unix__open();

	if (skel)
		skel->maps.told.max_entries = ring->size;
	int link = link_unix(skel, want);

	if (link >= 0) {
		ring->fd = skel->maps.told.map_fd;
		skel->maps.told.map_fd = 0;
	}
	via_unix__destroy(skel);
	return link;
}

int via__bpf_find(struct via__bpf *ret, struct via_error *reterr)
{
	(void)reterr;
	*ret = (struct via__bpf){.open = true, .files_link = -1};
#define PROGRAM(name, NAME, without)                                           \
	ret->load[VIA__PROGRAM_##NAME] = load_##name;
#include "inspect/model/programs.def"
#undef PROGRAM
	ret->load[VIA__PROGRAM_UNIX] = load_with_ring;
	return 0;
}

int via__bpf_load(const struct via__bpf *b, enum via__program program,
		  struct via__ring *ring, struct via_error *reterr)
{
	int link = b->load[program](b->want, ring);

	if (link >= 0 || link == -ENOMEM)
		return link;
	bool right = link == -EPERM;

	(void)via__bpf_fail(reterr, "no BPF: the kernel did not take %s: %s%s",
			    via__program_name(program), via_strerror(link),
			    right ? " (it needs CAP_BPF and CAP_PERFMON)" : "");
	return right ? link : -EOPNOTSUPP;
}

/* --- Reading --- */

int via__bpf_iterator(int link)
{
	union bpf_attr attr = {.iter_create = {.link_fd = (uint32_t)link}};
	int fd = (int)syscall(SYS_bpf, BPF_ITER_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

/* Room for so much at first, of which only what is filled is taken. */
#define ROOM  ((size_t)16 << 20)
#define PIECE ((size_t)256 << 10)

int via__bpf_records(int iterator, size_t size, void **ret, size_t *ret_n)
{
	char *bytes = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		if (room - len < PIECE) {
			char *more = via__grow(bytes, len, room + ROOM);

			if (!more) {
				free(bytes);
				return -ENOMEM;
			}
			bytes = more;
			room += ROOM;
		}
		ssize_t n = read(iterator, bytes + len, room - len);

		if (n > 0) {
			len += (size_t)n;
		} else if (n == 0) {
			break;
		} else if (errno != EINTR && errno != EAGAIN) {
			int err = -errno;

			free(bytes);
			return err;
		}
	}
	*ret = bytes;
	*ret_n = len / size;
	return 0;
}
