/* SPDX-License-Identifier: MIT */
/* What tests of collectors share: a snapshot of this machine, and finding in it
 * what they have made themselves. */
#ifndef INSPECT_COLLECT_SNAPSHOT_TEST_H
#define INSPECT_COLLECT_SNAPSHOT_TEST_H

#include <sys/stat.h>

#include <via/inspect.h>

#include "tests/check.h"

static inline struct via_snapshot *snapshot(uint32_t want)
{
	const struct via_look look = {.want = want};
	struct via_snapshot *s = NULL;

	assert_int_equal(via_snapshot_take(&look, &s, NULL), 0);
	return s;
}

/* The object of a descriptor of ours, whose key is that of fstat(2), or for
 * sockets the number alone. */
static inline uint32_t object_of(const struct via_snapshot *s,
				 enum via_kind kind, int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	uint32_t object = via_snapshot_object(
		s, kind, S_ISSOCK(st.st_mode) ? 0 : st.st_dev, st.st_ino, 0);

	assert_int_not_equal(object, VIA_NONE);
	return object;
}

static inline uint64_t inode(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static inline unsigned int n_links(const struct via_snapshot *s, uint32_t from,
				   uint32_t to, enum via_link_kind kind)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < s->n_links; i++)
		n += s->links[i].from == from && s->links[i].to == to &&
		     s->links[i].kind == kind;
	return n;
}

#endif
