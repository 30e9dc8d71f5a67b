/* SPDX-License-Identifier: MIT */
/* Making, checking and mapping sealed memory. */
#include "ring/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/error.h"
#include "core/sys.h"

#ifndef MFD_NOEXEC_SEAL /* linux/memfd.h, since Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

/* Reserved in such steps: fallocate() undoes everything when a signal comes,
 * so that under a storm of them a long one would never end. */
#define RESERVE_STEP ((size_t)128 << 10)

size_t via__sealed_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int map_part(char *at, size_t len, int prot, int populate, int fd,
		    size_t offset)
{
	void *got = mmap(at, len, prot, MAP_SHARED | MAP_FIXED | populate, fd,
			 (off_t)offset);

	return got == MAP_FAILED ? -errno : 0;
}

/* Map the page, the ring and the ring again. 0 or -errno. */
static int map(int fd, size_t ring, int prot, unsigned int flags,
	       struct via__sealed *ret)
{
	size_t page = via__sealed_page();
	int populate = flags & VIA__SEALED_PREFAULT ? MAP_POPULATE : 0;
	struct via__sealed s = {.len = page + 2 * ring};

	s.base = mmap(NULL, s.len, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s.base == MAP_FAILED)
		return -errno;
	s.ring = s.base + page;
	int r = map_part(s.base, page + ring, prot, populate, fd, 0);

	if (r == 0 && ring)
		r = map_part(s.ring + ring, ring, prot, populate, fd, page);
	if (r == 0 && flags & VIA__SEALED_LOCK && mlock(s.base, s.len))
		r = -errno;
	if (r < 0)
		via__sealed_unmap(&s);
	else
		*ret = s;
	return r;
}

static int create(const char *name)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	char label[NAME_MAX -
		   sizeof("memfd:")]; /* its limit: memfd_create(2) */

	(void)snprintf(label, sizeof(label), "via:%s", name);
	int fd = memfd_create(label, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(label, flags);
	return fd < 0 ? -errno : fd;
}

/* Have every page now, rather than SIGBUS later. 0 or -errno. */
static int reserve(int fd, size_t len)
{
	struct rlimit limit;

	/* Beyond it ftruncate() raises SIGXFSZ: setrlimit(2). */
	if (!getrlimit(RLIMIT_FSIZE, &limit) && len > limit.rlim_cur)
		return -EFBIG;
	if (ftruncate(fd, (off_t)len))
		return -errno;
	for (size_t at = 0; at < len; at += RESERVE_STEP) {
		size_t step = len - at < RESERVE_STEP ? len - at : RESERVE_STEP;

		while (fallocate(fd, 0, (off_t)at, (off_t)step))
			if (errno != EINTR)
				return -errno;
	}
	return 0;
}

int via__sealed_make(const char *name, size_t ring, unsigned int flags,
		     struct via__sealed *ret, int *ret_fd,
		     struct via_error *err)
{
	size_t size = via__sealed_page() + ring;
	VIA__CLEANUP_FD int fd = create(name);
	struct via__sealed s = {0};
	int r = fd < 0 ? fd : reserve(fd, size);

	if (r == 0)
		r = map(fd, ring, PROT_READ | PROT_WRITE, flags, &s);
	if (r == 0 && fcntl(fd, F_ADD_SEALS, SEALS)) {
		r = -errno;
		via__sealed_unmap(&s);
	}
	if (r < 0)
		return via__fail_errno(
			err, r, "cannot have %zu bytes of shared memory", size);
	*ret = s;
	*ret_fd = via__take_fd(&fd);
	return 0;
}

/*
 * Sealed against all that could hurt who maps it: shrinking and punching holes
 * (FUTURE_WRITE forbids that too) mean SIGBUS, a page that is not there yet is
 * charged to who first looks at it, huge pages have rules of their own.
 */
static const char *wrong(int fd, size_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return "did not come";
	if (seals < 0 || (seals & SEALS) != SEALS)
		return "is not sealed";
	if (fs.f_type != TMPFS_MAGIC)
		return "is not of ordinary pages";
	if ((size_t)st.st_size != size)
		return "has another size than was said";
	if ((size_t)st.st_blocks * 512 < size)
		return "is not reserved";
	return NULL;
}

int via__sealed_adopt(int fd, size_t ring, unsigned int flags,
		      struct via__sealed *ret, struct via_error *err)
{
	const char *what = wrong(fd, via__sealed_page() + ring);

	if (what)
		return via__fail(err, -EPROTO, "the peer's shared memory %s",
				 what);
	int r = map(fd, ring, PROT_READ, flags, ret);

	if (r < 0)
		return via__fail_errno(err, r,
				       "cannot map the peer's shared memory");
	return 0;
}

void via__sealed_unmap(struct via__sealed *s)
{
	if (s->base)
		(void)munmap(s->base, s->len);
	*s = (struct via__sealed){0};
}
