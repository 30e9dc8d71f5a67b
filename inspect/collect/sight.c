/* SPDX-License-Identifier: MIT */
/* Summing up: what could not be seen, and so whether all who hold an object
 * are known. Comes last. */
#include <unistd.h>

#include "inspect/collect/collector.h"

/* PROC_PID_INIT_INO of the kernel: the namespace that all others are in. */
#define INIT_PID_NS UINT32_C(0xEFFFFFFC)

static void sum_up(struct via_sight *sight, const struct via_process *p)
{
	sight->n_processes++;
	sight->n_hidden_fds += !!(p->hidden & VIA_HIDDEN_FDS);
	sight->n_hidden_maps += !!(p->hidden & VIA_HIDDEN_MAPS);
	sight->n_hidden_waits += !!(p->hidden & VIA_HIDDEN_WAITS);
	if (p->flags & VIA_PROCESS_SELF) {
		sight->pid_ns = p->pid_ns;
		sight->init_ns = p->pid_ns == INIT_PID_NS;
	}
}

static void sight_all(struct via__scene *scene)
{
	struct via_snapshot *s = scene->s;

	for (uint32_t i = 0; i < s->n_processes; i++)
		if (!(s->processes[i].flags & VIA_PROCESS_KERNEL))
			sum_up(&s->sight, &s->processes[i]);

	uint32_t seen = s->sight.n_hidden_fds || s->sight.n_hidden_maps
				? VIA_SEEN_UNKNOWN
			: s->sight.init_ns ? VIA_SEEN_ALL
					   : VIA_SEEN_LIKELY;

	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].seen == VIA_SEEN_UNKNOWN)
			s->objects[i].seen = seen;
}

const struct via__collector via__collector_sight = {
	.name = "sight",
	.summary = "what could not be seen",
	.want = VIA_WANT_ALL,
	.all = sight_all,
};
