/* SPDX-License-Identifier: MIT */
/* What columns say of a process, and of how it has something. */
#include <string.h>

#include "inspect/view/cells.h"
#include "inspect/view/text.h"

static const struct via_process *process_of(const struct via__show *show,
					    const struct via__line *line)
{
	return line->process == VIA_NONE ? NULL
					 : &show->s->processes[line->process];
}

bool via__number_pid(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	const struct via_process *p = process_of(show, line);

	*ret = p ? p->task.pid : 0;
	return p;
}

bool via__number_uid(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	const struct via_process *p = process_of(show, line);

	*ret = p ? p->euid : 0;
	return p;
}

void via__put_user(const struct via__show *show, struct via__out *out,
		   uid_t uid)
{
	char buf[64];

	if (show->user)
		via__out_text(out, show->user(uid, buf, sizeof(buf)));
	else
		via__out_print(out, "%u", uid);
}

void via__cell_user(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	const struct via_process *p = process_of(show, line);

	if (p)
		via__put_user(show, out, p->euid);
}

void via__cell_comm(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	const struct via_process *p = process_of(show, line);
	size_t len;

	if (line->thread != VIA_NONE) {
		const char *comm = via_snapshot_text(
			show->s, show->s->threads[line->thread].comm, &len);

		via__out_bytes(out, comm, len, NULL);
	} else if (p) {
		via__out_bytes(out, p->task.comm, strlen(p->task.comm), NULL);
	}
}

void via__cell_command(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	const struct via_process *p = process_of(show, line);
	char text[4096];

	if (!p)
		return;
	via__out_text(out, via__command_text(show->s, line->process, text,
					     sizeof(text)));
	if (p->task.state == 'Z')
		via__out_print(out, " <defunct>");
}

void via__cell_process(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	char text[VIA__TEXT_MAX];

	via__out_text(out, via__process_text(show->s, line->process, text,
					     sizeof(text)));
}

void via__cell_how(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	char text[32];

	if (line->hold != VIA_NONE)
		via__out_text(out, via__how_text(&show->s->holds[line->hold],
						 text, sizeof(text)));
}
