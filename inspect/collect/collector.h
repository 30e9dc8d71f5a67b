/* SPDX-License-Identifier: MIT */
/*
 * A collector reads one source of information into a snapshot: one file with
 * its row last, and one line in collectors.def.
 *
 * The processes are gone through once. For each, all collectors that are
 * wanted are called in the order of the table, with the process' directory in
 * /proc open; those that are late when others have come in between, perhaps all
 * of them. Then each is called once for what belongs to no process, again in
 * the order of the table; before each such call the snapshot is sealed, so
 * that it can be searched.
 *
 * A collector never fails: what it may not see it counts in the sight or marks
 * in the process' hidden, what has gone meanwhile it leaves out.
 */
#ifndef INSPECT_COLLECT_COLLECTOR_H
#define INSPECT_COLLECT_COLLECTOR_H

#include "inspect/collect/ahead.h"
#include "inspect/collect/bpf.h"
#include "inspect/collect/cgroups.h"
#include "inspect/collect/clock.h"
#include "inspect/collect/devices.h"
#include "inspect/collect/early.h"
#include "inspect/collect/proc.h"
#include "inspect/collect/same.h"
#include "inspect/model/build.h"

/* An open file whose object is known. */
struct via__noted {
	uint64_t file; /* its number; 0: the place is free */
	uint32_t object;
	int32_t refs, places; /* of it, as the kernel counted; that are known */
	uint32_t n_files;     /* that the object has */
	bool unsteady;	      /* refs has changed meanwhile */
};

/* What collectors are given, and leave to those after them. */
struct via__scene {
	struct via_snapshot *s;
	uint32_t want;	     /* enum via_want */
	int64_t now;	     /* CLOCK_MONOTONIC, ns */
	pid_t self;	     /* our own pid */
	uint32_t pid_ns;     /* our own, 0: unknown */
	bool missed;	     /* somebody came who could not be put in order */
	struct via__buf buf; /* for one file after the other */
	struct via__ahead *ahead;
	struct via__early early;
	/* tasks */
	struct via__cgroups cgroups;
	/* threads */
	struct via__clock clock;
	/* fds */
	struct via__bpf bpf;	  /* instead of /proc/PID/fd; or empty */
	struct via__noted *noted; /* a hash table: watches.c */
	size_t n_noted, max_noted;
	/* flight: whether it is known what is in which Unix socket, but for
	 * these. */
	bool flights_known;
	uint32_t *unknown_flights;
	size_t n_unknown_flights, max_unknown_flights;
	struct via__devices devices;
	struct via__same same;
	struct via__buf tty_drivers;
};

struct via__collector {
	const char *name;    /* that of its file */
	const char *summary; /* what it reads, from where */
	uint32_t want;	     /* called if one of these is wanted */
	bool late;	     /* it needs what is known of descriptors */
	/* For each process; NULL without. */
	void (*process)(struct via__scene *scene, const struct via__at *at);
	/* Once, after all processes; NULL without. */
	void (*all)(struct via__scene *scene);
};

#define COLLECTOR(name)                                                        \
	extern const struct via__collector via__collector_##name;
#include "inspect/collect/collectors.def"
#undef COLLECTOR

#endif
