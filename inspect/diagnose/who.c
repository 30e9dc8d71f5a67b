/* SPDX-License-Identifier: MIT */
#include "inspect/diagnose/who.h"

#include <string.h>

#include "inspect/view/escape.h"

const char *via__who_process(const struct via_snapshot *s, uint32_t process,
			     char buf[VIA__WHO_MAX])
{
	struct via__out out = via__out(buf, VIA__WHO_MAX);
	const struct via_task *task = &s->processes[process].task;

	via__out_bytes(&out, task->comm, strlen(task->comm), NULL);
	via__out_print(&out, " (%d)", task->pid);
	return buf;
}

const char *via__who_thread(const struct via_snapshot *s, uint32_t thread,
			    char buf[VIA__WHO_MAX])
{
	const struct via_thread *t = &s->threads[thread];
	pid_t pid = s->processes[t->process].task.pid;
	struct via__out out = via__out(buf, VIA__WHO_MAX);
	size_t len;

	if (t->tid == pid)
		return via__who_process(s, t->process, buf);
	const char *name = via_snapshot_text(s, t->comm, &len);

	via__out_bytes(&out, name, len, NULL);
	via__out_print(&out, " (%d, thread %d)", pid, t->tid);
	return buf;
}
