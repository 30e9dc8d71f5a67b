/* SPDX-License-Identifier: MIT */
/* What is told of a Unix socket, whoever tells it. */
#ifndef INSPECT_COLLECT_UNIX_H
#define INSPECT_COLLECT_UNIX_H

#include "inspect/collect/enter.h"
#include "inspect/collect/ring.h"

struct via__unix_told {
	uint32_t ino;
	uint32_t type, state;	 /* as in struct via_socket */
	uint32_t shut;		 /* 1: receiving, 2: sending */
	uint32_t uid, peer;	 /* number of its peer, or 0 */
	const char *name;	 /* a path ends with a NUL, an abstract */
	size_t name_len;	 /* name begins with one */
	uint32_t file_dev;	 /* the kernel's form: 12 bits, 20 bits */
	uint64_t file_ino;	 /* 0: it has no file */
	uint64_t receive, send;	 /* what listens: who waits, and how many
				      * may; VIA_UNKNOWN */
	uint64_t send_max;	 /* VIA_UNKNOWN */
	const uint32_t *waiting; /* numbers of those who wait */
	size_t n_waiting;
};

typedef void via__unix_f(const struct via__unix_told *told, void *arg);

/* Call f for all sockets of a network namespace: 0 or -errno, -EPERM: it may
 * not be entered. From NETLINK_SOCK_DIAG. */
int via__unix_diag(const struct via__space *space, via__unix_f *f, void *arg);

/* From a program in the kernel, which also tells what is in flight. */
struct via__unix_program {
	struct via__bpf *bpf;
	int link; /* or -1: it has not been taken */
	struct via__ring ring;
};
/* Room for about so many sockets at first. What is refused is noted. */
void via__unix_bpf_open(struct via__unix_program *ret, struct via__bpf *b,
			size_t n_sockets);
void via__unix_bpf_fini(struct via__unix_program *p);
int via__unix_bpf(struct via__unix_program *p, const struct via__space *space,
		  via__unix_f *f, void *arg);

#endif
