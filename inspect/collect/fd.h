/* SPDX-License-Identifier: MIT */
/*
 * One descriptor of a process, and what is made of it by those who know its
 * kind. They return an object's index, and may add to its hold's flags.
 */
#ifndef INSPECT_COLLECT_FD_H
#define INSPECT_COLLECT_FD_H

#include <stdbool.h>

#include "inspect/collect/collector.h"

struct statx;

struct via__fd {
	struct via__scene *scene;
	const struct via__at *at;
	int dir;	  /* fd/ of the process, or its own */
	const char *name; /* in there */
	int fd;		  /* the same as a number */
	/* What the kernel told of it beforehand; NULL without. */
	const struct via__bpf_file *record;
	const char *link; /* its name, as far as it has been read; or "" */
	uint8_t flags;	  /* of its hold: enum via_hold_flag */
	uint8_t certainty;
};

/* The name of what it is of, as the kernel tells it: its length; "" unknown. */
size_t via__fd_link(const struct via__fd *f, char *ret, size_t size);

/* Its fdinfo, in the scene's buffer; NULL if it is not to be had. */
const char *via__fd_info(const struct via__fd *f);

/* What file system it is on. */
enum via__place via__fd_place(const struct via__fd *f,
			      const struct statx *file);

/* Another reference to it, for the caller to close; -1. Not of what may wait
 * when it is closed: files. */
int via__fd_take(const struct via__fd *f);

/* Of fdinfo, what it says of a hold: enum via_hold_flag. */
uint8_t via__fd_flags(const char *fdinfo);

/* anon.c: what has no file system. */
uint32_t via__anon(struct via__fd *f);
/* What the epoll sets of a process watch, after all its descriptors, whose
 * holds begin at first_hold. */
void via__anon_watches(struct via__scene *scene, const struct via__at *at,
		       uint32_t first_hold);

/* fds.c: the descriptors in a directory of /proc, with what they watch. false:
 * nothing of the process may be looked at. */
bool via__fds_of(struct via__scene *scene, const struct via__at *at);

/* tables.c: threads that have others than their process, whose holds begin at
 * first. */
void via__tables(struct via__scene *scene, const struct via__at *at,
		 uint32_t first);
/* Drop the holds behind end that are among those from first to end. */
void via__drop_known(struct via_snapshot *s, uint32_t first, uint32_t end);

/* watches.c: note the object of an open file; find what was noted, NULL; link
 * those that are watched. */
struct via__noted *via__note(struct via__scene *scene, uint64_t file,
			     uint32_t object);
struct via__noted *via__noted(const struct via__scene *scene, uint64_t file);
void via__watches(struct via__scene *scene);

/* refs.c: whether the references to what a record is of are counted, so that
 * its object is to be noted; say of which objects all holders are known. */
bool via__is_counted(const struct via__bpf_file *r);
void via__refs(struct via__scene *scene);

/* fdinfo.c: what can be told of the descriptors of a process where no more than
 * that may be read. */
void via__fdinfo(struct via__scene *scene, const struct via__at *at);

/* A line of an epoll set's fdinfo. */
struct via__watch {
	int fd;
	uint32_t events;
	uint64_t dev, ino;
};
/* The first one in text: what follows it, or NULL without. */
const char *via__watch_next(const char *text, struct via__watch *ret);

/* pty.c: terminals among character devices; VIA_NONE if it is none. */
uint32_t via__terminal(struct via__fd *f, const struct statx *file);
/* Of the text of /proc/tty/drivers, whether a device is a terminal. */
bool via__tty_listed(const char *drivers, unsigned int major,
		     unsigned int minor);

#endif
