/* SPDX-License-Identifier: MIT */
#include "inspect/collect/same.h"

#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long compare(const struct via__same_file *f, pid_t pid, int fd)
{
	return syscall(SYS_kcmp, f->pid, pid, KCMP_FILE, (unsigned long)f->fd,
		       (unsigned long)fd);
}

/* What was closed meanwhile (-1) or has no order (3) counts as less: at worst
 * a file is taken for two. */
static unsigned int search(const struct via__same_kind *same, pid_t pid, int fd,
			   bool *found)
{
	unsigned int low = 0, high = same->n;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		long order = compare(&same->files[middle], pid, fd);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order == 2)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint32_t *via__same(struct via__same *all, enum via_kind kind, pid_t pid,
		    int fd)
{
	struct via__same_kind *same = &all->kinds[kind];
	bool found = false;
	unsigned int at = search(same, pid, fd, &found);

	if (found)
		return &same->files[at].object;
	if (same->n == same->max) {
		unsigned int max = same->max ? 2 * same->max : 16;
		void *more = reallocarray(same->files, max,
					  sizeof(*same->files));

		if (!more)
			return NULL;
		same->files = more;
		same->max = max;
	}
	memmove(&same->files[at + 1], &same->files[at],
		(same->n - at) * sizeof(*same->files));
	same->files[at] = (struct via__same_file){pid, fd, VIA_NONE};
	same->n++;
	return &same->files[at].object;
}

void via__same_fini(struct via__same *same)
{
	for (int kind = 0; kind < VIA_N_KINDS; kind++)
		free(same->kinds[kind].files);
}
