/* SPDX-License-Identifier: MIT */
/* Mappings of a process: one at a time, from ioctl(PROCMAP_QUERY) where the
 * kernel has it (Linux 6.11), else from the text of /proc/PID/maps. */
#ifndef INSPECT_COLLECT_MAPS_H
#define INSPECT_COLLECT_MAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect/collect/collector.h"

struct via__map {
	uint64_t start, end; /* end not included */
	uint64_t offset;     /* of start in what is mapped */
	uint64_t dev, ino;   /* of the file; 0, 0 without */
	uint32_t mode;	     /* of the file; 0: not known, ask it */
	uint8_t flags;	     /* VIA_HOLD_READ, _WRITE, _EXEC, _SHARED */
	const char *name;    /* any bytes but NUL; "" without */
};

/*
 * A line of /proc/PID/maps without its end of line: proc_pid_maps(5). The name
 * points into it. 0 or -EPROTO.
 */
int via__maps_parse(const char *line, struct via__map *ret);

enum via__maps_which {
	VIA__MAPS_SHARED,
	VIA__MAPS_FILES, /* and those */
};

/* Each of the process whose directory dir is; the name is valid during the
 * call. 0; -EACCES: not allowed; -ESRCH, -errno. */
int via__maps_each(int dir, enum via__maps_which which,
		   void (*f)(const struct via__map *map, void *arg), void *arg);

/* The one with that address; name has room for it. 0; -ENOENT: none; -errno. */
int via__maps_at(int dir, uint64_t address, struct via__map *ret,
		 char name[PATH_MAX]);

/* What is mapped there by that process, which is made if there is none; or
 * VIA_NONE: nothing that has an identity. */
uint32_t via__map_object(struct via__scene *scene, uint32_t process, int dir,
			 const struct via__map *map);

#endif
