/* SPDX-License-Identifier: MIT */
/*
 * Reading the memory of other processes: process_vm_readv(2). The addresses
 * are theirs, and what is there may be anything, and another thing a moment
 * later: read once into memory of ours, of a length of ours, and then judge.
 */
#ifndef INSPECT_COLLECT_MEMORY_H
#define INSPECT_COLLECT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* So many bytes, or fewer up to where its memory ends: how many, or -EPERM,
 * -ESRCH, -EFAULT, -errno. */
ssize_t via__memory_some(pid_t pid, uint64_t address, void *buf, size_t len);

/* Whether all of them could be read. */
bool via__memory_all(pid_t pid, uint64_t address, void *buf, size_t len);

#endif
