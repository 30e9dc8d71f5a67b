/* SPDX-License-Identifier: MIT */
/* Who a process is: user, command line, namespaces, signals; from
 * /proc/PID/status, cmdline, exe, cwd and ns/. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/collect/collector.h"
#include "inspect/collect/proc.h"
#include "inspect/collect/signals.h"

#define PF_KTHREAD 0x00200000 /* of the kernel: include/linux/sched.h */

/* The number behind a name at the start of a line, or 0. */
static unsigned long field(const char *text, const char *name, int base)
{
	const char *at = strstr(text, name);

	return at ? strtoul(at + strlen(name), NULL, base) : 0;
}

/* Of "NSpid: 4711 12 1" the last one, which is the process' own view. */
static pid_t inner(const char *text)
{
	const char *at = strstr(text, "\nNSpid:");
	size_t len = at ? strcspn(at + 1, "\n") : 0;

	for (at += len; len && at[0] != '\t'; at--)
		;
	return len ? atoi(at) : 0;
}

static void read_status(const struct via__at *at, struct via_process *p)
{
	char text[4096];
	const char *uid;

	if (via__proc_read(at->dir, "status", text, sizeof(text)) < 0)
		return;
	p->tracer = (pid_t)field(text, "\nTracerPid:", 10);
	uid = strstr(text, "\nUid:");
	if (uid)
		(void)sscanf(uid, "\nUid: %u %u", &p->uid, &p->euid);
	p->inner_pid = inner(text);
	if (p->task.flags & PF_KTHREAD)
		p->flags |= VIA_PROCESS_KERNEL;
}

static uint32_t ns_of(const struct via__at *at, const char *name)
{
	struct stat st;

	return fstatat(at->dir, name, &st, 0) == 0 ? (uint32_t)st.st_ino : 0;
}

static void read_ns(const struct via__at *at, struct via_process *p)
{
	p->pid_ns = ns_of(at, "ns/pid");
	p->net_ns = ns_of(at, "ns/net");
	p->mnt_ns = ns_of(at, "ns/mnt");
	p->ipc_ns = ns_of(at, "ns/ipc");
	p->user_ns = ns_of(at, "ns/user");
}

static uint32_t read_path(struct via__scene *scene, const struct via__at *at,
			  const char *name)
{
	char path[4096];
	ssize_t len = readlinkat(at->dir, name, path, sizeof(path));

	return len > 0 ? via__text(scene->s, path, (size_t)len) : 0;
}

static uint32_t read_command(struct via__scene *scene, const struct via__at *at)
{
	char text[4096];
	ssize_t len = via__proc_read(at->dir, "cmdline", text, sizeof(text));

	for (; len > 0 && !text[len - 1]; len--)
		;
	return len > 0 ? via__text(scene->s, text, (size_t)len) : 0;
}

static void tasks_process(struct via__scene *scene, const struct via__at *at)
{
	struct via_process *p = &scene->s->processes[at->process];

	if (at->pid == getpid())
		p->flags |= VIA_PROCESS_SELF;
	read_status(at, p);
	if (scene->want & VIA_WANT_NAMES)
		p->command = read_command(scene, at);
	if (p->flags & VIA_PROCESS_KERNEL)
		return;
	read_ns(at, p);
	if (scene->want & VIA_WANT_SIGNALS)
		(void)via__signals_read(at->dir, &p->signals);
	if (scene->want & VIA_WANT_PATHS) {
		p->exe = read_path(scene, at, "exe");
		p->cwd = read_path(scene, at, "cwd");
		if (!p->cwd)
			p->hidden |= VIA_HIDDEN_PATHS;
	}
}

const struct via__collector via__collector_tasks = {
	.name = "tasks",
	.summary = "users, command lines, namespaces and signals of processes",
	.want = VIA_WANT_ALL,
	.process = tasks_process,
};
