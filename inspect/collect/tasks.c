/* SPDX-License-Identifier: MIT */
/* Who a process is: user, command line, namespaces, signals; from
 * /proc/PID/status, cmdline, exe, cwd, ns/ and cgroup. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/fields.h"
#include "inspect/collect/signals.h"

#define PF_KTHREAD 0x00200000 /* of the kernel: include/linux/sched.h */

/* The real and the effective one of four. */
static void parse_uids(const char *status, struct via_process *p)
{
	const char *at = via__field(status, "Uid:");
	char *next;

	if (!at)
		return;
	p->uid = (uid_t)strtoul(at, &next, 10);
	p->euid = (uid_t)strtoul(next, NULL, 10);
}

static void read_status(struct via__scene *scene, const struct via__at *at,
			struct via_process *p)
{
	uint64_t tracer = 0;

	if (via__proc_read_record(at->dir, "status", &scene->buf) < 0)
		return;
	parse_uids(scene->buf.text, p);
	(void)via__field_number(scene->buf.text, "TracerPid:", 10, &tracer);
	p->tracer = (pid_t)tracer;
	p->inner_pid = via__inner_id(scene->buf.text);
	if (scene->want & VIA_WANT_SIGNALS)
		(void)via__signals_parse(scene->buf.text, &p->signals);
}

/* Of "net:[4026531840]": to follow the link would make a file of it. */
static uint32_t ns_of(const char *link)
{
	const char *number = strchr(link, '[');

	return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

static void read_ns(const struct via__at *at, struct via_process *p)
{
	const struct {
		const char *name;
		uint32_t *ns;
	} all[] = {
		{"ns/pid", &p->pid_ns},	  {"ns/net", &p->net_ns},
		{"ns/mnt", &p->mnt_ns},	  {"ns/ipc", &p->ipc_ns},
		{"ns/user", &p->user_ns},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char link[64] = "";

		if (readlinkat(at->dir, all[i].name, link, sizeof(link) - 1) >=
		    0)
			*all[i].ns = ns_of(link);
		else if (errno == EACCES)
			break; /* nor the others */
	}
}

static uint32_t read_path(struct via__scene *scene, const struct via__at *at,
			  const char *name)
{
	char path[4096];
	ssize_t len = readlinkat(at->dir, name, path, sizeof(path));

	if (len < 0 && (errno == EACCES || errno == EPERM))
		scene->s->processes[at->process].hidden |= VIA_HIDDEN_PATHS;
	return len > 0 ? via__text(scene->s, path, (size_t)len) : 0;
}

/* What it says of itself, which may be anything of any length. */
static uint32_t read_command(struct via__scene *scene, const struct via__at *at)
{
	char text[4096];
	ssize_t len = via__proc_read_once(at->dir, "cmdline", text,
					  sizeof(text));

	for (; len > 0 && !text[len - 1]; len--)
		;
	return len > 0 ? via__text(scene->s, text, (size_t)len) : 0;
}

static void tasks_process(struct via__scene *scene, const struct via__at *at)
{
	struct via_process *p = &scene->s->processes[at->process];

	if (at->pid == scene->self)
		p->flags |= VIA_PROCESS_SELF;
	/* Of the kernel, root's, in no namespace: there is no more to it. */
	if (p->task.flags & PF_KTHREAD) {
		p->flags |= VIA_PROCESS_KERNEL;
		return;
	}
	read_status(scene, at, p);
	read_ns(at, p);
	if (p->flags & VIA_PROCESS_SELF)
		scene->pid_ns = p->pid_ns;
	if (scene->want & VIA_WANT_NAMES)
		p->command = read_command(scene, at);
	if (scene->want & VIA_WANT_PATHS) {
		p->exe = read_path(scene, at, "exe");
		p->cwd = read_path(scene, at, "cwd");
	}
	if (scene->want & VIA_WANT_WAITS &&
	    via__frozen(&scene->cgroups, at->dir, &scene->buf))
		p->flags |= VIA_PROCESS_FROZEN;
}

const struct via__collector via__collector_tasks = {
	.name = "tasks",
	.summary = "users, command lines, namespaces and signals of processes",
	.want = VIA_WANT_ALL,
	.process = tasks_process,
};
