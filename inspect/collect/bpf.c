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

/* A link to the program, which keeps it, or -errno. */
#define PROGRAM(name, NAME, without)                                           \
	static int load_##name(uint32_t want)                                  \
	{                                                                      \
		struct via_##name *skel = via_##name##__open();                \
		int link = -ENOMEM;                                            \
                                                                               \
		if (skel) {                                                    \
			skel->rodata->want = want;                             \
			link = via_##name##__load(skel);                       \
		}                                                              \
		if (link == 0) {                                               \
			link = skel_link_create(skel->progs.name.prog_fd, 0,   \
						BPF_TRACE_ITER);               \
			link = link < 0 ? -errno : link;                       \
		}                                                              \
		via_##name##__destroy(skel);                                   \
		return link;                                                   \
	}
#include "inspect/model/programs.def"
#undef PROGRAM

int via__bpf_find(struct via__bpf *ret, struct via_error *reterr)
{
	(void)reterr;
	*ret = (struct via__bpf){.open = true, .files_link = -1};
#define PROGRAM(name, NAME, without)                                           \
	ret->load[VIA__PROGRAM_##NAME] = load_##name;
#include "inspect/model/programs.def"
#undef PROGRAM
	return 0;
}

int via__bpf_load(const struct via__bpf *b, enum via__program program,
		  struct via_error *reterr)
{
	int link = b->load[program](b->want);

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

#define PIECE ((size_t)256 << 10)

int via__bpf_records(int iterator, size_t size, void **ret, size_t *ret_n)
{
	char *bytes = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		if (room - len < PIECE) {
			char *more = realloc(bytes,
					     room + room / 2 + 2 * PIECE);

			if (!more) {
				free(bytes);
				return -ENOMEM;
			}
			bytes = more;
			room += room / 2 + 2 * PIECE;
		}
		ssize_t n = read(iterator, bytes + len, room - len);

		if (n > 0)
			len += (size_t)n;
		else if (n == 0)
			break;
		else if (errno != EINTR && errno != EAGAIN) {
			int err = -errno;

			free(bytes);
			return err;
		}
	}
	*ret = bytes;
	*ret_n = len / size;
	return 0;
}
