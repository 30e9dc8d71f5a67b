/* SPDX-License-Identifier: MIT */
#include "inspect/collect/memory.h"

#include <errno.h>
#include <sys/uio.h>

ssize_t via__memory_some(pid_t pid, uint64_t address, void *buf, size_t len)
{
	struct iovec ours = {buf, len};
	/* By pages: the call takes whole vectors only, or parts up to a page
	 * that is not there, but nothing of an address beyond all. */
	struct iovec theirs = {(void *)(uintptr_t)address, len};
	ssize_t n = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);

	return n < 0 ? -errno : n;
}

bool via__memory_all(pid_t pid, uint64_t address, void *buf, size_t len)
{
	return via__memory_some(pid, address, buf, len) == (ssize_t)len;
}
