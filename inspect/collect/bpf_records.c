/* SPDX-License-Identifier: MIT */
/* What the programs in the kernel told, and whether to ask them. */
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/bpf.h"
#include "inspect/collect/bpf_fail.h"
#include "inspect/collect/bpf_maps.h"
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
	free(b->flights);
	free(b->maps);
	free(b->asked);
	if (b->open && b->files_link >= 0)
		close(b->files_link);
	*b = (struct via__bpf){.files_link = -1};
}

/* Go through it, and close it. */
static int read_link(int link, size_t size, void **ret, size_t *ret_n)
{
	int fd = via__bpf_iterator(link);
	int err = fd < 0 ? fd : via__bpf_records(fd, size, ret, ret_n);

	if (fd >= 0)
		close(fd);
	close(link);
	return err;
}

int via__bpf_tell(struct via__bpf *b, enum via__program program, size_t size,
		  void **ret, size_t *ret_n, struct via_error *reterr)
{
	int link = via__bpf_load(b, program, NULL, reterr);
	int err = link < 0 ? link : read_link(link, size, ret, ret_n);

	if (err)
		b->refused |= 1u << program;
	return err;
}

int via__bpf_open(struct via__bpf *ret, struct via_error *reterr)
{
	int err = via__bpf_find(ret, reterr);

	if (err)
		return err;
	ret->files_link = via__bpf_load(ret, VIA__PROGRAM_FILES, NULL, reterr);
	if (ret->files_link >= 0)
		return 0;
	ret->refused |= 1u << VIA__PROGRAM_FILES;
	return ret->files_link;
}

/* --- Descriptors --- */

static int by_descriptor(const void *a, const void *b)
{
	const struct via__bpf_file *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/* They come by threads, those that share a table together: one with a table of
 * its own is out of order. */
void via__bpf_sort(struct via__bpf *b)
{
	for (size_t i = 1; i < b->n_files; i++) {
		if (by_descriptor(&b->files[i - 1], &b->files[i]) <= 0)
			continue;
		qsort(b->files, b->n_files, sizeof(*b->files), by_descriptor);
		return;
	}
}

static void read_files(struct via__bpf *b)
{
	void *files = NULL;
	int link = b->files_link;

	b->files_link = -1;
	if (read_link(link, sizeof(*b->files), &files, &b->n_files) < 0) {
		b->refused |= 1u << VIA__PROGRAM_FILES;
		return;
	}
	b->files = files;
	via__bpf_sort(b);
}

void via__bpf_read(struct via__bpf *b)
{
	if (b->open && b->files_link >= 0 && b->want & VIA_WANT_FDS)
		read_files(b);
	if (b->open && b->want & (VIA_WANT_MAPS | VIA_WANT_ALL_MAPS))
		via__bpf_maps_read(b);
}

size_t via__bpf_first(const void *records, size_t n, size_t size, pid_t pid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t here;

		memcpy(&here, (const char *)records + middle * size,
		       sizeof(here));
		if (here < (uint32_t)pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct via__bpf_file *via__bpf_of(const struct via__bpf *b, pid_t pid,
					size_t *ret_n)
{
	size_t size = sizeof(*b->files);
	size_t from = via__bpf_first(b->files, b->n_files, size, pid);

	*ret_n = via__bpf_first(b->files, b->n_files, size, pid + 1) - from;
	return b->files + from;
}

/* About 4 µs are saved per descriptor, and loading takes 5 ms. */
#define MANY 3000

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

static uint64_t capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2] = {0};

	(void)syscall(SYS_capget, &head, caps);
	return (uint64_t)caps[1].effective << 32 | caps[0].effective;
}

static bool have(unsigned int a, unsigned int b)
{
	uint64_t both = UINT64_C(1) << a | UINT64_C(1) << b;

	return (capabilities() & both) == both;
}

bool via__bpf_may(void)
{
	return have(CAP_BPF, CAP_PERFMON) || have(CAP_SYS_ADMIN, CAP_SYS_ADMIN);
}

bool via__bpf_pays(void)
{
	long n = 0;

	return !have(CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH) ||
	       via__proc_each(count, &n) == 1;
}
