/* SPDX-License-Identifier: MIT */
/* What the programs in the kernel told, and whether to ask them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/collect/bpf.h"
#include "inspect/collect/bpf_fail.h"
#include "inspect/collect/proc.h"

int via__bpf_fail(struct via_error *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return -EOPNOTSUPP;
	err->code = -EOPNOTSUPP;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -EOPNOTSUPP;
}

void via__bpf_fini(struct via__bpf *b)
{
	free(b->files);
	free(b->undo);
	*b = (struct via__bpf){0};
}

/* The first record of a process with this number or a higher one. */
static size_t first(const struct via__bpf *b, uint32_t pid)
{
	size_t low = 0, high = b->n_files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->files[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct via__bpf_file *via__bpf_of(const struct via__bpf *b, pid_t pid,
					size_t *ret_n)
{
	size_t from = first(b, (uint32_t)pid);

	*ret_n = first(b, (uint32_t)pid + 1) - from;
	return b->files + from;
}

/* About 4 µs are saved per descriptor, and loading takes 30 ms. */
#define MANY 15000

static int count(pid_t pid, void *arg)
{
	long *n = arg;
	char path[32];
	struct stat st;

	/* The size is how many there are, since Linux 6.2. */
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	*n += stat(path, &st) == 0 ? st.st_size : 0;
	return *n > MANY;
}

int via__bpf_pays(void)
{
	long n = 0;

	return geteuid() == 0 && via__proc_each(count, &n) == 1;
}
