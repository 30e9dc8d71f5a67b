/* SPDX-License-Identifier: MIT */
/*
 * mmap_read_file FILE: count the lines of a file without reading it.
 *
 * The file's pages in the kernel's cache become our memory; read() would copy
 * them. If somebody truncates the file meanwhile, touching what is gone is
 * SIGBUS: for a file that others may change, read() is the safe way.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t count(const char *text, size_t len)
{
	const char *end = text + len, *at = text;
	size_t n = 0;

	while ((at = memchr(at, '\n', end - at))) {
		at++;
		n++;
	}
	return n;
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 2)
		errx(2, "usage: mmap_read_file FILE");

	int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	if (!S_ISREG(st.st_mode))
		errx(1, "%s: not a regular file", argv[1]);
	if (st.st_size == 0) { /* mmap of no bytes is EINVAL */
		puts("0 lines");
		return 0;
	}

	char *text = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (text == MAP_FAILED) /* (void *)-1, not NULL */
		err(1, "mmap");
	close(fd);
	printf("%zu lines\n", count(text, st.st_size));
	return munmap(text, st.st_size) < 0;
}
