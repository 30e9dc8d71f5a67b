/* SPDX-License-Identifier: MIT */
/*
 * What a device number stands for: files are told apart by the file system
 * that they are on.
 *
 * It is found without asking the file system, which may be a program that does
 * not answer: the kernel's own are known from descriptors that we make, the
 * others from the mounts that their holders see.
 */
#ifndef INSPECT_COLLECT_DEVICES_H
#define INSPECT_COLLECT_DEVICES_H

#include <stdbool.h>

#include "inspect/collect/proc.h"

enum via__place {
	VIA__PLACE_FILES,  /* a file system for files, or: */
	VIA__PLACE_LAYERS, /* one whose inodes may have other numbers than its
			      files: made of others, or not known */
	VIA__PLACE_PIPES,  /* anonymous pipes */
	VIA__PLACE_SOCKETS,
	VIA__PLACE_MEMORY, /* memfd, and other memory without a name */
	VIA__PLACE_SHM,	   /* /dev/shm */
	VIA__PLACE_MQ,
	VIA__PLACE_PTS,
	VIA__PLACE_NS,	 /* namespaces */
	VIA__PLACE_ANON, /* anon_inode, where it has a device of its own */
};

struct via__devices {
	bool known; /* the kernel's own are in the list */
	struct via__device {
		uint64_t dev;
		uint64_t mount; /* of the kernel's own, its number */
		enum via__place place;
	} * list;
	size_t n, max;
	/* What has /dev/shm among other files: they are told by their names.
	 * 0: it is a file system of its own. */
	uint64_t shm_dev;
	/* Of the process that was asked for last. */
	uint32_t mnt_ns;
	uint64_t devpts; /* mounted on /dev/pts; 0: none */
};

/* A descriptor whose device is asked for. */
struct via__fd_at {
	int process;	  /* directory in /proc */
	int dir;	  /* that, or its fd/ */
	const char *name; /* in there */
	uint64_t size;
};

enum via__place via__place(struct via__devices *d, uint64_t dev,
			   const struct via__fd_at *at, struct via__buf *buf);

/* The same if it was asked for before; VIA__PLACE_FILES if not. */
enum via__place via__place_known(const struct via__devices *d, uint64_t dev);

/* One of the kernel's own by its mount, or NULL. */
const struct via__device *via__device_mounted(struct via__devices *d,
					      uint64_t mount);

/* The file system of pseudo-terminals that a process sees at point: /dev/pts.
 * mnt_ns is its mount namespace, 0: unknown. 0 without. */
uint64_t via__devpts(struct via__devices *d, int process, uint32_t mnt_ns,
		     const char *point, struct via__buf *buf);

void via__devices_fini(struct via__devices *d);

#endif
