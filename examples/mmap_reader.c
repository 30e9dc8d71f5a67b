/* SPDX-License-Identifier: MIT */
/*
 * mmap_reader PATH: print the text that mmap_writer offers, and tell it so.
 *
 * What is in shared memory is another program's: its size is checked before it
 * is touched, and its text need not have an end.
 */
#include <err.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct shared { /* the same in mmap_writer.c */
	sem_t was_read;
	char text[1000];
};

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 2)
		errx(2, "usage: mmap_reader PATH");

	/* A mapping that writes must be able to read, too: not O_WRONLY. */
	int fd = open(argv[1], O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[1]);
	/* Touching memory beyond the end of its file is SIGBUS. */
	if (st.st_size != sizeof(struct shared))
		errx(1, "%s: not a file of mmap_writer", argv[1]);

	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	if (s == MAP_FAILED)
		err(1, "mmap");
	printf("%.*s\n", (int)sizeof(s->text), s->text);
	if (sem_post(&s->was_read) < 0)
		err(1, "sem_post");
	return 0;
}
