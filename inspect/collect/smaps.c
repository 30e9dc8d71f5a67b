/* SPDX-License-Identifier: MIT */
#include "inspect/collect/smaps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/proc.h"

/* "55d0-55d2 r--p 00001000 fe:00 4711   /usr/bin/cat" */
static bool parse_area(char *line, struct via_area *a)
{
	unsigned int major_of, minor_of;
	char mode[5];
	int at = 0;

	*a = (struct via_area){0};
	if (sscanf(line,
		   "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64
		   " %n",
		   &a->start, &a->end, mode, &a->offset, &major_of, &minor_of,
		   &a->ino, &at) != 7 ||
	    a->start >= a->end)
		return false;
	a->dev = makedev(major_of, minor_of);
	a->read = mode[0] == 'r';
	a->write = mode[1] == 'w';
	a->exec = mode[2] == 'x';
	a->shared = mode[3] == 's';
	line[strcspn(line, "\n")] = '\0';
	a->name = strdup(at ? line + at : "");
	return true;
}

/* "Rss:     4 kB" of the area before. */
static bool parse_size(const char *line, struct via_area *a)
{
	const struct {
		const char *name;
		uint64_t *size;
	} sizes[] = {
		{"Rss:", &a->rss},
		{"Pss:", &a->pss},
		{"Anonymous:", &a->copied},
		{"Swap:", &a->swap},
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t len = strlen(sizes[i].name);
		uint64_t kib;

		if (strncmp(line, sizes[i].name, len) == 0) {
			if (sscanf(line + len, "%" SCNu64, &kib) != 1 ||
			    kib > UINT64_MAX / 1024)
				return false;
			*sizes[i].size = kib * 1024;
		}
	}
	return true;
}

static int add_area(struct via_space *space, const struct via_area *a)
{
	void *more = a->name ? reallocarray(space->areas, space->n_areas + 1,
					    sizeof(*space->areas))
			     : NULL;

	if (!more) {
		free(a->name);
		return -ENOMEM;
	}
	space->areas = more;
	space->areas[space->n_areas++] = *a;
	return 0;
}

static int parse_line(char *line, struct via_space *space)
{
	struct via_area a;

	/* Names of sizes begin with capitals, addresses do not. */
	if (*line < 'A' || *line > 'Z')
		return parse_area(line, &a) ? add_area(space, &a) : -EPROTO;
	if (space->n_areas == 0)
		return -EPROTO;
	return parse_size(line, &space->areas[space->n_areas - 1]) ? 0
								   : -EPROTO;
}

int via__smaps_parse(FILE *smaps, struct via_space *ret)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	*ret = (struct via_space){0};
	errno = 0;
	while (!err && getline(&line, &size, smaps) > 0)
		err = parse_line(line, ret);
	if (!err && !feof(smaps))
		err = -errno;
	free(line);
	return err;
}

/* --- Stacks --- */

struct threads {
	int dir;
	struct via_space *space;
};

/* Where a thread that waits has its stack is in its "syscall". */
static int find_stack(pid_t tid, void *arg)
{
	struct threads *t = arg;
	char name[48], text[256];
	uint64_t pointer;
	const char *at;

	snprintf(name, sizeof(name), "task/%d/syscall", tid);
	if (via__proc_read(t->dir, name, text, sizeof(text)) <= 0)
		return 0;
	/* The last but one word: the stack pointer. */
	text[strcspn(text, "\n")] = '\0';
	at = strrchr(text, ' ');
	while (at && at > text && at[-1] != ' ')
		at--;
	if (!at || sscanf(at, "%" SCNx64, &pointer) != 1)
		return 0;

	struct via_area *a = via__space_at(t->space, pointer);

	if (a && a->kind == VIA_AREA_ANON) {
		a->kind = VIA_AREA_STACK;
		a->tid = tid;
	}
	return 0;
}

int via__smaps_read(int dir, struct via_space *ret)
{
	char program[4097];
	ssize_t len = readlinkat(dir, "exe", program, sizeof(program) - 1);
	int fd = openat(dir, "smaps", O_RDONLY | O_CLOEXEC);
	FILE *smaps = fd < 0 ? NULL : fdopen(fd, "r");

	*ret = (struct via_space){0};
	if (!smaps) {
		int err = errno == ENOENT ? -ESRCH : -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	int err = via__smaps_parse(smaps, ret);

	fclose(smaps);
	if (err)
		return err;
	program[len < 0 ? 0 : len] = '\0';
	via__space_classify(ret, program);
	struct threads threads = {dir, ret};

	(void)via__proc_each_thread(dir, find_stack, &threads);
	return 0;
}
