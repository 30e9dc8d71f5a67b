/* SPDX-License-Identifier: MIT */
#include "inspect/collect/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <via/deadline.h>

#include "inspect/collect/fields.h"
#include "inspect/collect/proc.h"

int64_t via__clock_ran(int dir)
{
	char text[2048];

	if (via__proc_read_once(dir, "sched", text, sizeof(text)) < 0)
		return VIA_UNKNOWN;
	return via__exec_start(text);
}

/* Ours now: we run, and were charged for it when we came here, or a tick ago
 * at most. */
static int64_t read_offset(void)
{
	int dir = open("/proc/thread-self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return VIA_UNKNOWN;
	int64_t ran = via__clock_ran(dir), now = via_now();

	close(dir);
	return ran == VIA_UNKNOWN ? VIA_UNKNOWN : ran - now;
}

/* The same on a CPU, as far as we may go there. */
static int64_t read_offset_on(struct via__clock *c, unsigned int cpu)
{
	unsigned char mask[VIA__CPUS_MAX / 8] = {0},
					   before[VIA__CPUS_MAX / 8] = {0};

	if (syscall(SYS_sched_getaffinity, 0, sizeof(before), before) < 0)
		return c->any;
	/* Not where we have been told not to be. */
	if (!(before[cpu / 8] & 1 << cpu % 8))
		return c->any;
	mask[cpu / 8] = (unsigned char)(1 << cpu % 8);
	if (syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask) < 0)
		return c->any;
	int64_t offset = read_offset();

	(void)syscall(SYS_sched_setaffinity, 0, sizeof(before), before);
	return offset;
}

static int64_t offset_of(struct via__clock *c, unsigned int cpu)
{
	if (!c->any)
		c->any = read_offset();
	if (cpu >= VIA__CPUS_MAX || c->any == VIA_UNKNOWN)
		return c->any;
	if (cpu >= c->n) {
		void *more = reallocarray(c->offsets, cpu + 1,
					  sizeof(*c->offsets));

		if (!more)
			return c->any;
		c->offsets = more;
		memset(c->offsets + c->n, 0,
		       (cpu + 1 - c->n) * sizeof(*c->offsets));
		c->n = cpu + 1;
	}
	if (!c->offsets[cpu])
		c->offsets[cpu] = read_offset_on(c, cpu);
	return c->offsets[cpu];
}

int64_t via__clock_of(struct via__clock *c, unsigned int cpu, int64_t now)
{
	int64_t offset = offset_of(c, cpu);

	return offset == VIA_UNKNOWN ? VIA_UNKNOWN : now + offset;
}

void via__clock_fini(struct via__clock *c)
{
	free(c->offsets);
}
