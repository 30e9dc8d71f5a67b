/* SPDX-License-Identifier: MIT */
/* Records of mappings: taken over if they are whole, found by process, and what
 * follows from one of a process that nobody knows. */
#include "inspect/collect/bpf_maps.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

static int refuse(uint32_t want, struct via__ring *ring)
{
	(void)want;
	(void)ring;
	return -EACCES;
}

/* Then the others go on, and each process is asked for elsewhere. */
static void is_refused_alone(void **state)
{
	struct via__bpf b;
	struct via_error error = {0};

	(void)state;
	if (via__bpf_open(&b, &error) < 0) {
		via__bpf_fini(&b);
		check_skip(error.text);
	}
	b.want = VIA_WANT_MAPS | VIA_WANT_FDS;
	b.load[VIA__PROGRAM_VMA] = refuse;
	via__bpf_read(&b);
	assert_true(b.n_files > 0);
	assert_int_equal(b.refused, 1u << VIA__PROGRAM_VMA);
	assert_int_equal(via__bpf_maps_each(&b, getpid(), NULL, NULL), -ENOENT);
	via__bpf_fini(&b);
}

#define HEAD sizeof(struct via__bpf_map)
#define LEN  (HEAD + 8)

/* As the kernel has them: /dev/vda 254:0, where they are plain files. */
static char *records(size_t n)
{
	char *all = calloc(n, LEN);

	for (size_t i = 0; i < n; i++) {
		struct via__bpf_map *r = (void *)(all + i * LEN);

		*r = (struct via__bpf_map){
			.len = LEN,
			.pid = 7,
			.tid = 7,
			.dev = 254 << 20,
			.start = 4096,
			.end = 8192,
			.page = 1,
			.ino = 5,
			.magic = 0xef53,
			.mode = S_IFREG,
			.flags = VIA_HOLD_SHARED,
		};
		memcpy(r + 1, "/file", 6);
	}
	return all;
}

static struct via__bpf_map *nth(char *all, size_t n)
{
	return (void *)(all + n * LEN);
}

static void count(const struct via__map *map, void *arg)
{
	assert_string_equal(map->name, "/file");
	assert_int_equal(map->ino, 5);
	assert_true(map->offset == (uint64_t)sysconf(_SC_PAGESIZE));
	++*(unsigned int *)arg;
}

/* By process, and of its threads only what one has told. */
static void are_found_by_process(void **state)
{
	struct via__bpf b = {.files_link = -1};
	char *all = records(5);
	unsigned int n = 0;

	(void)state;
	nth(all, 2)->pid = 9;
	nth(all, 3)->tid = 10;
	nth(all, 4)->pid = 8;
	nth(all, 4)->dev = 30;
	assert_int_equal(via__bpf_maps_take(&b, all, 5 * LEN), 0);
	assert_int_equal(via__bpf_maps_each(&b, 7, count, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(via__bpf_maps_each(&b, 9, count, &n), 0);
	assert_int_equal(n, 3);
	/* Of a file system that has no device it is not known enough. */
	assert_int_equal(via__bpf_maps_each(&b, 8, count, &n), -ENOENT);
	assert_int_equal(via__bpf_maps_each(&b, 6, count, &n), -ENOENT);
	via__bpf_fini(&b);
}

/* Whether object 0 is seen whole when others have it that are told of, but came
 * too late to be looked at. */
static uint8_t seen_with(uint32_t pid, uint64_t ino, uint32_t dev)
{
	struct via__scene scene = {.s = via__snapshot_new(),
				   .want = VIA_WANT_MAPS | VIA_WANT_WAITS};
	struct via__at at = {-1, 0, 7, NULL};
	char *all = records(2);

	nth(all, 1)->pid = pid;
	nth(all, 1)->ino = ino;
	nth(all, 1)->dev = dev;
	scene.bpf.files_link = -1;
	assert_int_equal(via__bpf_maps_take(&scene.bpf, all, 2 * LEN), 0);
	via__add_process(scene.s)->task.pid = 7;
	via__collector_maps.process(&scene, &at);
	assert_int_equal(via__seal(scene.s), 0);
	via__collector_maps.all(&scene);
	uint8_t seen = (uint8_t)(scene.missed ? VIA_SEEN_LIKELY
					      : scene.s->objects[0].seen);

	via__bpf_fini(&scene.bpf);
	via_snapshot_free(scene.s);
	via__devices_fini(&scene.devices);
	return seen;
}

static void who_came_too_late_may_be_another(void **state)
{
	(void)state;
	assert_int_equal(seen_with(7, 5, 254 << 20), VIA_SEEN_UNKNOWN);
	assert_int_equal(seen_with(9, 6, 254 << 20), VIA_SEEN_UNKNOWN);
	assert_int_equal(seen_with(9, 5, 254 << 20), VIA_SEEN_LIKELY);
	/* It cannot be said what this one has. */
	assert_int_equal(seen_with(9, 6, 30), VIA_SEEN_LIKELY);
}

static void broken_ones_are_none(void **state)
{
	struct via__bpf b = {.files_link = -1};

	(void)state;
	for (int how = 0; how < 5; how++) {
		char *all = records(2);
		size_t len = 2 * LEN;

		if (how == 0)
			len -= 8;
		else if (how == 1)
			nth(all, 1)->len = HEAD;
		else if (how == 2)
			nth(all, 1)->len = LEN + 8;
		else if (how == 3)
			nth(all, 1)->end = nth(all, 1)->start;
		else
			memset(nth(all, 1) + 1, 'a', 8);
		assert_int_equal(via__bpf_maps_take(&b, all, len), -EPROTO);
		assert_int_equal(via__bpf_maps_each(&b, 7, NULL, NULL),
				 -ENOENT);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(is_refused_alone),
	CHECK_TEST(are_found_by_process),
	CHECK_TEST(broken_ones_are_none),
	CHECK_TEST(who_came_too_late_may_be_another),
};
CHECK_MAIN(tests)
