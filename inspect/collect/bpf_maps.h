/* SPDX-License-Identifier: MIT */
/* Mappings of all processes, told by a program in the kernel in one pass: also
 * those of processes whose /proc/PID/maps is not for us. */
#ifndef INSPECT_COLLECT_BPF_MAPS_H
#define INSPECT_COLLECT_BPF_MAPS_H

#include "inspect/collect/bpf.h"
#include "inspect/collect/maps.h"

/* What one thread has told of its process. */
struct via__bpf_asked {
	uint32_t pid, tid;
	size_t from, to; /* its records */
	bool plain;	 /* they have the numbers that stat(2) shows */
};

/* Read them. Nothing is told if it is not all. */
void via__bpf_maps_read(struct via__bpf *b);
/* Take over records: so many bytes, which were allocated. 0; -EPROTO, -ENOMEM:
 * they are freed. */
int via__bpf_maps_take(struct via__bpf *b, char *records, size_t len);

/*
 * As via__maps_each(), of those that are wanted. 0; -ENOENT: it is to be asked
 * elsewhere, for it was not there, or has a file whose file system numbers files
 * in another way than it tells stat(2).
 */
int via__bpf_maps_each(const struct via__bpf *b, pid_t pid,
		       void (*f)(const struct via__map *map, void *arg),
		       void *arg);

#endif
