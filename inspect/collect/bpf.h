/* SPDX-License-Identifier: MIT */
/*
 * What programs in the kernel (BPF iterators) tell, which need CAP_BPF and
 * CAP_PERFMON: all descriptors of all processes in one pass, and what /proc does
 * not know. Each program is taken or refused for itself, and what is refused is
 * read from /proc, if it is there.
 */
#ifndef INSPECT_COLLECT_BPF_H
#define INSPECT_COLLECT_BPF_H

#include <stdbool.h>
#include <stddef.h>

#include <via/inspect.h>

#include "inspect/collect/bpf/record.h"
#include "inspect/collect/ring.h"
#include "inspect/model/programs.h"

/* An open file in a message on its way into a Unix socket. */
struct via__bpf_flight {
	uint64_t socket;  /* which one; no address to be used */
	uint32_t ino;	  /* its number; 0: it is not accepted yet */
	uint32_t peer;	  /* that of its peer, or 0 */
	uint32_t n_files; /* how many are on their way into it */
	/* Of no process, and no more of it than is needed to find and count it;
	 * fd: a number for each. */
	struct via__bpf_file file;
};

struct via__bpf {
	bool open;
	int files_link;	  /* loaded, or -1 */
	uint32_t refused; /* a bit for each program */
	/* Give each to the kernel: a link to it, which keeps it, or -errno.
	 * ring: made for the one that tells by it, of the size that it says. */
	int (*load[VIA__N_PROGRAMS])(uint32_t want, struct via__ring *ring);
	uint32_t want; /* enum via_want: what they are to tell */
	/* By process, thread and descriptor, watches among them. */
	struct via__bpf_file *files;
	size_t n_files;
	/* By socket. */
	struct via__bpf_flight *flights;
	size_t n_flights, max_flights;
	/* Records of mappings, one behind the other; whose they are, by pid. */
	char *maps;
	struct via__bpf_asked *asked;
	size_t n_asked;
};

/* Find out what the kernel has, and load the program for descriptors. 0, and
 * closed by fini; else what via__bpf_load() says, or -EOPNOTSUPP and not open:
 * this build or this machine cannot. */
int via__bpf_open(struct via__bpf *ret, struct via_error *reterr);
/* The first half. */
int via__bpf_find(struct via__bpf *ret, struct via_error *reterr);
void via__bpf_fini(struct via__bpf *b);

/* Give a program to the kernel. A link to it, which the caller closes; with a
 * sentence -EOPNOTSUPP: it is refused, -EPERM: so would be any; -ENOMEM. */
int via__bpf_load(const struct via__bpf *b, enum via__program program,
		  struct via__ring *ring, struct via_error *reterr);
/* Begin to go through it, in the network namespace of the caller: a system call
 * alone. A descriptor, which the caller closes; -errno. */
int via__bpf_iterator(int link);
/* All that it tells: an array of records of this size, to be freed. 0, -ENOMEM,
 * -errno: not all. */
int via__bpf_records(int iterator, size_t size, void **ret, size_t *ret_n);
/* All three. What is refused is noted. */
int via__bpf_tell(struct via__bpf *b, enum via__program program, size_t size,
		  void **ret, size_t *ret_n, struct via_error *reterr);

/* Read the descriptors and the mappings that are wanted, if the kernel tells. */
void via__bpf_read(struct via__bpf *b);
/* Put the records in order. */
void via__bpf_sort(struct via__bpf *b);
/* Of n records in order that begin with a pid, each of this size, the first one
 * with this pid or a higher one; n without. */
size_t via__bpf_first(const void *records, size_t n, size_t size, pid_t pid);
/* The records of a process: the first one and how many. */
const struct via__bpf_file *via__bpf_of(const struct via__bpf *b, pid_t pid,
					size_t *ret_n);

/* Whether we have the right to, as far as that can be told at once. */
bool via__bpf_may(void);
/* Whether it is quicker than /proc, which may not tell us all, likewise. */
bool via__bpf_pays(void);

#endif
