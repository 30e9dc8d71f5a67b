/* SPDX-License-Identifier: MIT */
#include "inspect/collect/bpf_maps.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/model/array.h"

/* --- Records --- */

static const char *name_of(const struct via__bpf_map *r)
{
	return (const char *)(r + 1);
}

/* The one there, or NULL: none that is whole. */
static const struct via__bpf_map *record(const char *at, size_t left)
{
	const struct via__bpf_map *r = (const void *)at;

	return left > sizeof(*r) && r->len > sizeof(*r) && r->len <= left &&
			       r->len % sizeof(uint64_t) == 0 &&
			       r->start < r->end &&
			       memchr(name_of(r), '\0', r->len - sizeof(*r))
		       ? r
		       : NULL;
}

/* File systems without a device that show stat(2) what they show the kernel. */
static bool is_plain(const struct via__bpf_map *r)
{
	static const uint32_t plain[] = {
		TMPFS_MAGIC,	     RAMFS_MAGIC,  HUGETLBFS_MAGIC,
		ANON_INODE_FS_MAGIC, SOCKFS_MAGIC, PROC_SUPER_MAGIC,
		SYSFS_MAGIC,
	};

	if (!r->ino)
		return true;
	if (r->dev >> 20)
		return r->magic != 0;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (r->magic == plain[i])
			return true;
	return false;
}

/* --- Whose they are --- */

static int by_pid(const void *a, const void *b)
{
	const struct via__bpf_asked *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->from > y->from) - (x->from < y->from);
}

/* They come by their ids, but for threads of one whose first has ended. */
static void sort(struct via__bpf *b)
{
	for (size_t i = 1; i < b->n_asked; i++) {
		if (by_pid(&b->asked[i - 1], &b->asked[i]) < 0)
			continue;
		qsort(b->asked, b->n_asked, sizeof(*b->asked), by_pid);
		return;
	}
}

static struct via__bpf_asked *add_asked(struct via__bpf *b, size_t *max)
{
	return via__room(&b->asked, b->n_asked, max, sizeof(*b->asked))
		       ? &b->asked[b->n_asked++]
		       : NULL;
}

static int find_asked(struct via__bpf *b, size_t len)
{
	struct via__bpf_asked *a = NULL;
	size_t max = 0;

	for (size_t at = 0; at < len; at = a->to) {
		const struct via__bpf_map *r = record(b->maps + at, len - at);

		if (!r)
			return -EPROTO;
		if (!a || a->pid != r->pid || a->tid != r->tid) {
			a = add_asked(b, &max);
			if (!a)
				return -ENOMEM;
			*a = (struct via__bpf_asked){r->pid, r->tid, at, at,
						     true};
		}
		a->to = at + r->len;
		a->plain &= is_plain(r);
	}
	sort(b);
	return 0;
}

int via__bpf_maps_take(struct via__bpf *b, char *records, size_t len)
{
	b->maps = records;
	int err = find_asked(b, len);

	if (err) {
		free(b->maps);
		free(b->asked);
		b->maps = NULL;
		b->asked = NULL;
		b->n_asked = 0;
	}
	return err;
}

void via__bpf_maps_read(struct via__bpf *b)
{
	void *records = NULL;
	size_t len;

	if (via__bpf_tell(b, VIA__PROGRAM_VMA, 1, &records, &len, NULL) == 0 &&
	    via__bpf_maps_take(b, records, len) < 0)
		b->refused |= 1u << VIA__PROGRAM_VMA;
}

/* --- One after the other --- */

/* What others of its threads tell is the same. */
static const struct via__bpf_asked *asked(const struct via__bpf *b, pid_t pid)
{
	size_t at = via__bpf_first(b->asked, b->n_asked, sizeof(*b->asked),
				   pid);

	return at < b->n_asked && b->asked[at].pid == (uint32_t)pid
		       ? &b->asked[at]
		       : NULL;
}

int via__bpf_maps_each(const struct via__bpf *b, pid_t pid,
		       void (*f)(const struct via__map *map, void *arg),
		       void *arg)
{
	const struct via__bpf_asked *a = asked(b, pid);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!a || !a->plain)
		return -ENOENT;
	for (size_t at = a->from; at < a->to;) {
		const struct via__bpf_map *r = (const void *)(b->maps + at);
		const struct via__map map = {
			.start = r->start,
			.end = r->end,
			.offset = r->page * page,
			.dev = makedev(r->dev >> 20, r->dev & 0xfffff),
			.ino = r->ino,
			.mode = r->mode,
			.flags = (uint8_t)r->flags,
			.name = name_of(r),
		};

		f(&map, arg);
		at += r->len;
	}
	return 0;
}
