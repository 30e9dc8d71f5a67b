/* SPDX-License-Identifier: MIT */
/* Sealed memory: what the maker gives away, and what is not taken. */
#include "ring/sealed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/check.h"

#define RING  ((size_t)64 << 10)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

static size_t size(void)
{
	return via__sealed_page() + RING;
}

static void wraps_and_is_seen(void **state)
{
	struct via__sealed mine, theirs;
	struct via_error err = {.text = ""};
	int fd;

	(void)state;
	assert_int_equal(via__sealed_make("test", RING, VIA__SEALED_PREFAULT,
					  &mine, &fd, &err),
			 0);
	assert_int_equal(via__sealed_adopt(fd, RING, 0, &theirs, &err), 0);
	memcpy(mine.ring + RING - 4, "12345678", 8);
	memcpy(mine.base, "page", 4);
	assert_memory_equal(mine.ring, "5678", 4);
	assert_memory_equal(theirs.ring, "5678", 4);
	assert_memory_equal(theirs.ring + RING - 4, "12345678", 8);
	assert_memory_equal(theirs.base, "page", 4);
	via__sealed_unmap(&mine);
	via__sealed_unmap(&theirs);
	via__sealed_unmap(&theirs);
	close(fd);
}

static void nobody_else_can_write_or_shrink(void **state)
{
	struct via__sealed mine;
	int fd;

	(void)state;
	assert_int_equal(via__sealed_make("test", RING, 0, &mine, &fd, NULL),
			 0);
	assert_ptr_equal(mmap(NULL, RING, PROT_WRITE, MAP_SHARED, fd, 0),
			 MAP_FAILED);
	void *view = mmap(NULL, RING, PROT_READ, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(view, MAP_FAILED);
	assert_int_equal(mprotect(view, RING, PROT_READ | PROT_WRITE), -1);
	munmap(view, RING);
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, (off_t)size() * 2), -1);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, 4096),
			 -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	via__sealed_unmap(&mine);
	close(fd);
}

/* A memfd made by hand. */
static int forge(size_t len, size_t reserved, unsigned int flags, int seals)
{
	int fd = memfd_create("forged", MFD_CLOEXEC | flags);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	if (reserved)
		assert_int_equal(fallocate(fd, 0, 0, (off_t)reserved), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Takes fd. */
static void refuses(int fd, const char *sentence)
{
	struct via__sealed s = {0};
	struct via_error err = {.text = ""};

	assert_int_equal(via__sealed_adopt(fd, RING, 0, &s, &err), -EPROTO);
	assert_null(s.base);
	if (!strstr(err.text, sentence))
		fail_msg("%s, not %s", err.text, sentence);
	if (fd >= 0)
		close(fd);
}

static void refuses_what_it_did_not_make(void **state)
{
	static const int each[] = {F_SEAL_SHRINK, F_SEAL_GROW,
				   F_SEAL_FUTURE_WRITE, F_SEAL_SEAL};
	unsigned int sealing = MFD_ALLOW_SEALING;
	int fds[2];

	(void)state;
	refuses(forge(size(), size(), sealing, 0), "is not sealed");
	refuses(forge(size(), size(), 0, 0), "is not sealed");
	for (size_t i = 0; i < 4; i++)
		refuses(forge(size(), size(), sealing, SEALS & ~each[i]),
			"is not sealed");
	refuses(forge(size() - 1, size() - 1, sealing, SEALS), "size");
	refuses(forge(size() + 4096, size(), sealing, SEALS), "size");
	refuses(forge((size_t)1 << 30, 0, sealing, SEALS), "size");
	refuses(forge(0, 0, sealing, SEALS), "size");
	refuses(forge(size(), 0, sealing, SEALS), "is not reserved");
	refuses(forge(size(), size() - 4096, sealing, SEALS),
		"is not reserved");
	refuses(-1, "did not come");
	refuses(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), "is not sealed");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	refuses(fds[0], "is not sealed");
}

static void refuses_huge_pages(void **state)
{
	(void)state;
	int fd = memfd_create("huge",
			      MFD_CLOEXEC | MFD_HUGETLB | MFD_ALLOW_SEALING);
	if (fd < 0)
		check_skip("hugetlbfs");
	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	if (fcntl(fd, F_ADD_SEALS, SEALS)) {
		close(fd);
		check_skip("seals on hugetlbfs");
	}
	refuses(fd, "is not of ordinary pages");
}

/* A limit on file sizes stands in for memory that is out, which no test should
 * bring about: it fails the same call. */
static void says_when_there_is_no_memory(void **state)
{
	struct rlimit before, small = {.rlim_cur = RING / 2};
	struct via__sealed s = {0};
	struct via_error err = {.text = ""};
	int fd, r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	/* SIGXFSZ would end the test. */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = via__sealed_make("test", RING, 0, &s, &fd, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(err.code, r);
	assert_null(s.base);
	assert_non_null(strstr(err.text, "bytes of shared memory"));
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(wraps_and_is_seen),
	CHECK_TEST(nobody_else_can_write_or_shrink),
	CHECK_TEST(refuses_what_it_did_not_make),
	CHECK_TEST(refuses_huge_pages),
	CHECK_TEST(says_when_there_is_no_memory),
};
CHECK_MAIN(tests)
