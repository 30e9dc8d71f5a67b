/* SPDX-License-Identifier: MIT */
/* The address space of a process: areas from low to high. Plain data. */
#ifndef INSPECT_MODEL_SPACE_H
#define INSPECT_MODEL_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* In the order in which they usually lie, from low to high; of a library or
 * another mapped file the same as of the program. */
#define VIA_AREAS(X)                                                           \
	X(TEXT, "text", "machine code")                                        \
	X(RODATA, "rodata", "constants, and what the loader reads")            \
	X(DATA, "data", "variables with a value in the file")                  \
	X(BSS, "bss", "variables that begin as zero")                          \
	X(HEAP, "heap", "brk(2): small allocations")                           \
	X(ANON, "anon", "private memory: large allocations, arenas")           \
	X(FILE, "file", "mapped file, private")                                \
	X(SHARED, "shared", "shared memory")                                   \
	X(STACK, "stack", "stacks of threads")                                 \
	X(GUARD, "guard", "reserved, no access")                               \
	X(KERNEL, "kernel", "the kernel's help for programs: vdso")

enum via_area_kind {
#define VIA_AREA_ENUM(NAME, name, summary) VIA_AREA_##NAME,
	VIA_AREAS(VIA_AREA_ENUM)
#undef VIA_AREA_ENUM
	VIA_N_AREAS
};

struct via_area {
	uint64_t start, end; /* addresses, end not included */
	uint64_t offset;     /* in the file */
	uint64_t dev, ino;   /* as of stat(2); 0: no file */
	bool read, write, exec, shared;
	enum via_area_kind kind;
	char *name; /* path or "[heap]", any bytes; "" without */
	pid_t tid;  /* STACK: of this thread, 0: of the first */
	/* Bytes in memory: all; divided by who has them; of a file but copied
	 * since, or of none; and elsewhere. */
	uint64_t rss, pss, copied, swap;
};

struct via_space {
	struct via_area *areas;
	size_t n_areas;
};

const char *via__area_name(enum via_area_kind kind);
const char *via__area_summary(enum via_area_kind kind);

/*
 * Tell the areas' kinds from what they are and where they lie. program: path
 * of the executable, or NULL.
 */
void via__space_classify(struct via_space *space, const char *program);

/* The area that has this address, or NULL. */
struct via_area *via__space_at(const struct via_space *space, uint64_t address);

void via__space_free(struct via_space *space);

#endif
