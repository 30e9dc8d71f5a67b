/* SPDX-License-Identifier: MIT */
/* What lies where in a process: proc(5), elf(5), brk(2). */
#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/lab.h"

#define MIB (1L << 20)

static const int constant[1024] = {1};
static int initialised[1024] = {1};
static char zeros[MIB];

/* --- Looking it up --- */

/* A line of /proc/self/maps. */
struct area {
	uintptr_t start, end;
	char mode[5], name[256];
};

static struct area area_of(const void *address)
{
	uintptr_t wanted = (uintptr_t)address;
	struct area a = {0};
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		*a.name = '\0';
		sscanf(line,
		       "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %255[^\n]",
		       &a.start, &a.end, a.mode, a.name);
		if (wanted >= a.start && wanted < a.end)
			break;
	}
	if (f)
		fclose(f);
	return a;
}

struct question {
	uintptr_t address;
	bool in_file;
};

static int ask_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct question *q = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && q->address >= start &&
		    q->address < start + p->p_filesz)
			q->in_file = true;
	}
	return 1; /* the program itself comes first: enough */
}

/* Whether the program's file has what lies here, by its ELF headers. */
static bool in_file(const void *address)
{
	struct question q = {(uintptr_t)address, false};

	dl_iterate_phdr(ask_segments, &q);
	return q.in_file;
}

/* --- Experiments --- */

static void memory_01(void)
{
	const char *text = (const char *)(uintptr_t)memory_01;
	char *heap = MUST(sbrk, 65536), *stack = __builtin_frame_address(0);
	char *mapping = MUST(mmap, NULL, 65536, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rlimit limit;

	getrlimit(RLIMIT_STACK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY)
		SKIP("needs a limit for the stack: ulimit -s");
	/* The linker decides which of the first two is lower. */
	EXPECT(text, <, (char *)initialised);
	EXPECT((char *)constant, <, (char *)initialised);
	EXPECT((char *)initialised, <, zeros);
	EXPECT(zeros, <, heap);
	EXPECT(heap, <, mapping);
	EXPECT(mapping, <, stack);

	EXPECT_TEXT(area_of(text).mode, 4, "r-xp");
	EXPECT(area_of(constant).mode[1], ==, '-');
	EXPECT_TEXT(area_of(initialised).mode, 4, "rw-p");
	EXPECT(*area_of(initialised).name, ==, '/');
	EXPECT(*area_of(zeros + MIB - 1).name, !=, '/');
	EXPECT_TEXT(area_of(heap).name, 6, "[heap]");
	EXPECT_TEXT(area_of(stack).name, 7, "[stack]");
	EXPECT(in_file(initialised), ==, true);
	EXPECT(in_file(zeros + MIB - 1), ==, false);
}

/* A field of what /proc/self/smaps says of the area at an address, in KiB. */
static long memory_02_smaps(const void *address, const char *key)
{
	struct area a = area_of(address);
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512], head[32];
	size_t len = strlen(key);
	bool there = false;
	long value = -1;

	snprintf(head, sizeof(head), "%" PRIxPTR "-", a.start);
	while (f && value < 0 && fgets(line, sizeof(line), f)) {
		there |= strncmp(line, head, strlen(head)) == 0;
		if (there && strncmp(line, key, len) == 0 && line[len] == ':')
			value = atol(line + len + 1);
	}
	if (f)
		fclose(f);
	return value;
}

static void memory_02(void)
{
	volatile char *text = (volatile char *)(uintptr_t)memory_02;
	size_t set = 0;

	CHILD(writer) {
		lab_cell[0] = *text;
		lab_cell[1] = 1;
		*text = 0;
	}
	EXPECT(WTERMSIG(lab_wait(writer)), ==, SIGSEGV);
	EXPECT(lab_cell[1], ==, 1); /* reading it was allowed */
	/* Each process is charged its share only; nothing is a copy. */
	EXPECT(memory_02_smaps((void *)text, "Pss"), <,
	       memory_02_smaps((void *)text, "Rss"));
	EXPECT(memory_02_smaps((void *)text, "Anonymous"), ==, 0);

	for (size_t i = 0; i < sizeof(zeros); i++)
		set += zeros[i] != 0;
	EXPECT(set, ==, 0);
	EXPECT(in_file(zeros + MIB - 1), ==, false);
}

#define TOP ((uintptr_t)(UINT64_C(1) << 47))

/* Whether a process may have something at this address, or has already. */
static bool memory_03_is_mine(uintptr_t address)
{
	void *p = CALL(mmap, (void *)address, 4096, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		       0);

	return p == (void *)address || errno == EEXIST;
}

/* Whether page tables have five levels here, which give 56 bits. */
static bool memory_03_is_wide(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[8192];
	bool wide = false;

	while (f && fgets(line, sizeof(line), f))
		wide |= !strncmp(line, "flags", 5) && strstr(line, " la57");
	if (f)
		fclose(f);
	return wide;
}

static void memory_03(void)
{
	bool wide = memory_03_is_wide();
	volatile uintptr_t kernel = (uintptr_t)UINT64_C(0xffff888000000000);
	int p[2];
	void *mapping = MUST(mmap, NULL, 4096, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(mapping, <, (void *)TOP);
	EXPECT(__builtin_frame_address(0), <, (void *)TOP);
	/* The last page of all is kept free. */
	EXPECT(memory_03_is_mine(TOP - 8192), ==, true);
	EXPECT(memory_03_is_mine(TOP - 4096), ==, wide);
	EXPECT(memory_03_is_mine(TOP), ==, wide);
	/* The fourth GiB, the kernel's in 32 bits. */
	EXPECT(memory_03_is_mine(0xc0000000), ==, true);
	EXPECT(memory_03_is_mine(0xfffff000), ==, true);

	MUST(pipe, p);
	FAILS(EFAULT, write, p[1], (void *)kernel, 1);
	CHILD(intruder) {
		lab_cell[0] = *(volatile char *)kernel;
	}
	EXPECT(WTERMSIG(lab_wait(intruder)), ==, SIGSEGV);
}

/* Call itself until the stack has no more room. */
static __attribute__((noinline)) int memory_04_descend(int depth)
{
	volatile char frame[4096];

	frame[0] = 1;
	lab_cell[0] = (intptr_t)__builtin_frame_address(0);
	return depth ? memory_04_descend(depth + 1) + frame[0] : 0;
}

static void memory_04(void)
{
	Dl_info info = {0};
	char *frame = __builtin_frame_address(0), *old;
	struct rlimit limit = {MIB, MIB};

	if (!dladdr((void *)(uintptr_t)malloc, &info) ||
	    !strstr(info.dli_fname, "libc."))
		SKIP("needs the C library's own malloc");
	CHILD(deep) {
		MUST(setrlimit, RLIMIT_STACK, &limit);
		memory_04_descend(1);
	}
	EXPECT(WTERMSIG(lab_wait(deep)), ==, SIGSEGV);
	EXPECT((char *)lab_cell[0], <, frame);
	long used = (long)area_of(frame).end - lab_cell[0];

	EXPECT(used, <=, MIB);
	EXPECT(used, >, MIB - 65536);

	EXPECT_TEXT(area_of(CALL(malloc, 100)).name, 6, "[heap]");
	old = MUST(sbrk, 65536);
	EXPECT((char *)CALL(sbrk, 0), ==, old + 65536);
	old[65535] = 1;
	/* So large that malloc() asks for a mapping of its own. */
	char *large = CALL(malloc, 64 * MIB);

	EXPECT(large, !=, NULL);
	EXPECT(strcmp(area_of(large).name, "[heap]"), !=, 0);
	EXPECT((char *)CALL(sbrk, 0), ==, old + 65536);
}

static const struct lab_experiment experiments[] = {
	{"memory.01", "what lies where, from the program up to the stack",
	 "proc(5), elf(5), end(3)", memory_01},
	{"memory.02", "the program's text is shared and cannot be written",
	 "proc(5), elf(5)", memory_02},
	{"memory.03", "user space in 64 bits has 47 of them", "mmap(2)",
	 memory_03, LAB_NEEDS(x86_64)},
	{"memory.04", "the stack grows down to its limit, the heap up",
	 "getrlimit(2), sbrk(2), malloc(3)", memory_04},
	{0},
};

const struct lab_section lab_memory = {
	.name = "memory",
	.title = "what lies where in memory",
	.experiments = experiments,
};
