/* SPDX-License-Identifier: MIT */
#include "inspect/collect/smaps.h"

#include <pthread.h>
#include <sys/mman.h>

#include "inspect/collect/proc.h"
#include "tests/check.h"

static int parse(const char *text, struct via_space *ret)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	int err = via__smaps_parse(f, ret);

	fclose(f);
	return err;
}

static void tells_kinds(void **state)
{
	static const struct {
		const char *line;
		enum via_area_kind kind;
	} areas[] = {
		{"1000-2000 r--p 0 fe:00 7 /bin/a", VIA_AREA_RODATA},
		{"2000-3000 r-xp 1000 fe:00 7 /bin/a", VIA_AREA_TEXT},
		{"3000-4000 rw-p 2000 fe:00 7 /bin/a", VIA_AREA_DATA},
		{"4000-5000 rw-p 0 00:00 0 ", VIA_AREA_BSS},
		{"6000-7000 rw-p 0 00:00 0 [heap]", VIA_AREA_HEAP},
		{"7000-8000 rw-p 0 00:00 0 ", VIA_AREA_ANON},
		{"8000-9000 ---p 0 00:00 0 ", VIA_AREA_GUARD},
		{"9000-a000 r--p 0 fe:00 8 /usr/lib/locale", VIA_AREA_FILE},
		{"a000-b000 rw-s 0 00:01 9 /dev/shm/x (deleted)",
		 VIA_AREA_SHARED},
		{"b000-c000 rw-p 0 fe:00 8 /usr/lib/locale", VIA_AREA_FILE},
		{"c000-d000 rw-p 0 00:00 0 ", VIA_AREA_ANON},
		{"d000-e000 rw-p 0 00:00 0 [stack]", VIA_AREA_STACK},
		{"e000-f000 r-xp 0 00:00 0 [vdso]", VIA_AREA_KERNEL},
	};
	enum {
		N = sizeof(areas) / sizeof(*areas)
	};
	char text[2048] = "";
	struct via_space space;

	(void)state;
	for (size_t i = 0; i < N; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "%s\nRss: %zu kB\n", areas[i].line, i);
	assert_int_equal(parse(text, &space), 0);
	assert_int_equal(space.n_areas, N);
	via__space_classify(&space, "/bin/a");
	for (size_t i = 0; i < N; i++) {
		assert_string_equal(via__area_name(space.areas[i].kind),
				    via__area_name(areas[i].kind));
		assert_int_equal(space.areas[i].rss, i * 1024);
	}
	assert_string_equal(space.areas[8].name, "/dev/shm/x (deleted)");
	assert_ptr_equal(via__space_at(&space, 0x3fff), &space.areas[2]);
	assert_null(via__space_at(&space, 0x5000));
	via__space_free(&space);
}

static void refuses_what_is_no_smaps(void **state)
{
	static const char *const texts[] = {
		"Rss: 1 kB\n",
		"1000 r--p\n",
		"2000-1000 r--p 0 fe:00 7 /bin/a\n",
		"1000-2000 r--p 0 fe:00 7 /bin/a\nRss: x kB\n",
		"1000-2000 r--p 0 fe:00 7 a\nRss: 99999999999999999 kB\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct via_space space;

		assert_int_equal(parse(texts[i], &space), -EPROTO);
		via__space_free(&space);
	}
}

/* --- Our own memory --- */

static int variable = 1;
static char zeros[1 << 20];

static uintptr_t on_stack;

static void *wait_for_byte(void *fd)
{
	char byte;

	on_stack = (uintptr_t)&byte;
	assert_int_equal(read(*(int *)fd, &byte, 1), 1);
	return NULL;
}

static enum via_area_kind kind_at(const struct via_space *space,
				  const void *address)
{
	const struct via_area *a = via__space_at(space, (uintptr_t)address);

	assert_non_null(a);
	return a->kind;
}

static void knows_our_own_memory(void **state)
{
	size_t size = 1 << 22;
	char *anon = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct via_space space;
	int dir = via__proc_open(getpid());

	(void)state;
	memset(shared, 1, size / 2);
	zeros[sizeof(zeros) - 1] = (char)variable;
	assert_int_equal(via__smaps_read(dir, &space), 0);
	assert_int_equal(kind_at(&space, &variable), VIA_AREA_DATA);
	assert_int_equal(kind_at(&space, &zeros[sizeof(zeros) - 1]),
			 VIA_AREA_BSS);
	assert_int_equal(kind_at(&space, &space), VIA_AREA_STACK);
	assert_int_equal(kind_at(&space, (void *)(uintptr_t)kind_at),
			 VIA_AREA_TEXT);
	assert_int_equal(kind_at(&space, anon), VIA_AREA_ANON);
	assert_int_equal(kind_at(&space, shared), VIA_AREA_SHARED);
	assert_in_range(via__space_at(&space, (uintptr_t)shared)->rss, size / 2,
			size);
	via__space_free(&space);
	close(dir);
	munmap(anon, size);
	munmap(shared, size);
}

static void finds_stacks_of_threads(void **state)
{
	int dir = via__proc_open(getpid()), p[2];
	struct via_area *found = NULL;
	struct via_space space;
	pthread_t thread;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_byte, p), 0);
	/* Until it waits in read(). */
	while (!found) {
		assert_int_equal(via__smaps_read(dir, &space), 0);
		for (size_t i = 0; i < space.n_areas; i++)
			if (space.areas[i].tid)
				found = &space.areas[i];
		if (!found)
			via__space_free(&space);
	}
	assert_int_equal(found->kind, VIA_AREA_STACK);
	assert_int_not_equal(found->tid, getpid());
	assert_int_equal(write(p[1], "", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ptr_equal(via__space_at(&space, on_stack), found);
	via__space_free(&space);
	close(p[0]);
	close(p[1]);
	close(dir);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(tells_kinds),
	CHECK_TEST(refuses_what_is_no_smaps),
	CHECK_TEST(knows_our_own_memory),
	CHECK_TEST(finds_stacks_of_threads),
};
CHECK_MAIN(tests)
