/* SPDX-License-Identifier: MIT */
/* A directory whose files all have the input for their content: it stands in for
 * one of /proc. */
#ifndef TESTS_FUZZ_FILES_H
#define TESTS_FUZZ_FILES_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static char files_path[4096];
static int files_content = -1;

static int files_remove_one(const char *path, const struct stat *st, int type,
			    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void files_remove(void)
{
	(void)nftw(files_path, files_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A descriptor of it. Names that end with a slash are of directories; it is
 * removed at the end of the program. */
static inline int files_open(const char *const *names, size_t n)
{
	const char *tmp = getenv("TMPDIR");
	char content[64];

	files_content = memfd_create("content", MFD_CLOEXEC);
	snprintf(content, sizeof(content), "/proc/self/fd/%d", files_content);
	snprintf(files_path, sizeof(files_path), "%s/files-XXXXXX",
		 tmp ? tmp : "/tmp");
	check(files_content >= 0 && mkdtemp(files_path));
	check(atexit(files_remove) == 0);
	int dir = open(files_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(dir >= 0);
	for (size_t i = 0; i < n; i++)
		check((strchr(names[i], '/') == names[i] + strlen(names[i]) - 1
			       ? mkdirat(dir, names[i], 0700)
			       : symlinkat(content, dir, names[i])) == 0);
	return dir;
}

static inline void files_fill(const uint8_t *data, size_t len)
{
	check(ftruncate(files_content, 0) == 0);
	check(pwrite(files_content, data, len, 0) == (ssize_t)len);
}

#endif
