/* SPDX-License-Identifier: MIT */
/*
 * mmap_writer PATH TEXT: offer a text in a mapped file until mmap_reader has
 * read it.
 *
 * Unrelated processes share memory by mapping the same file. It gets its name
 * when it is complete: who can open it finds text and semaphore ready.
 */
#include <err.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared { /* the same in mmap_reader.c */
	sem_t was_read;
	char text[1000];
};

int main(int argc, char **argv)
{
	char new[4096];

	if (argc != 3 || strlen(argv[2]) >= sizeof(((struct shared *)0)->text))
		errx(2, "usage: mmap_writer PATH TEXT (of at most 999 bytes)");
	if (snprintf(new, sizeof(new), "%s.new", argv[1]) >= (int)sizeof(new))
		errx(2, "the path is too long");

	int fd = open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(struct shared)) < 0)
		err(1, "%s", new);

	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	if (s == MAP_FAILED || sem_init(&s->was_read, 1, 0) < 0)
		err(1, "mmap");
	close(fd); /* the mapping stays */
	strcpy(s->text, argv[2]);
	if (renameat2(AT_FDCWD, new, AT_FDCWD, argv[1], RENAME_NOREPLACE) < 0) {
		warn("%s", argv[1]);
		unlink(new);
		return 1;
	}
	puts("ready");
	fflush(stdout);

	if (sem_wait(&s->was_read) < 0 || unlink(argv[1]) < 0)
		err(1, "%s", argv[1]);
	return 0;
}
