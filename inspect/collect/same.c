/* SPDX-License-Identifier: MIT */
#include "inspect/collect/same.h"

#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/model/array.h"

static long compare(const struct via__same_file *a,
		    const struct via__same_file *b)
{
	if (a->number && b->number)
		return a->number == b->number  ? 0
		       : a->number < b->number ? 1
					       : 2;
	return syscall(SYS_kcmp, a->pid, b->pid, KCMP_FILE,
		       (unsigned long)a->fd, (unsigned long)b->fd);
}

/* What was closed meanwhile (-1) or has no order (3) counts as less: at worst
 * a file is taken for two. */
static size_t search(const struct via__same_kind *same,
		     const struct via__same_file *file, bool *found)
{
	size_t low = 0, high = same->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		long order = compare(&same->files[middle], file);

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
		    int fd, uint64_t number)
{
	struct via__same_kind *same = &all->kinds[kind];
	const struct via__same_file file = {pid, fd, number, VIA_NONE};
	bool found = false;
	size_t at = search(same, &file, &found);

	if (found)
		return &same->files[at].object;
	if (!via__room(&same->files, same->n, &same->max, sizeof(file)))
		return NULL;
	memmove(&same->files[at + 1], &same->files[at],
		(same->n - at) * sizeof(*same->files));
	same->files[at] = file;
	same->n++;
	return &same->files[at].object;
}

void via__same_fini(struct via__same *same)
{
	for (int kind = 0; kind < VIA_N_KINDS; kind++)
		free(same->kinds[kind].files);
}
