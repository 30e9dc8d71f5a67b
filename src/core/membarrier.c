/* SPDX-License-Identifier: MIT */
/* Barriers in other processes: Linux 4.16; some seccomp filters forbid it. */
#include "core/membarrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool via__membarrier_init(void)
{
	return !syscall(SYS_membarrier,
			MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) &&
	       via__membarrier();
}

bool via__membarrier(void)
{
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}
