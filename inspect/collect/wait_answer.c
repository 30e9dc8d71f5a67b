/* SPDX-License-Identifier: MIT */
/*
 * Waits, in any system call or outside of one, for the answer of another
 * process that stands in for the kernel: of a file system (FUSE), of memory
 * (userfaultfd), of system calls (notifications of seccomp). Who that is shows
 * the descriptor through which it gets its requests. Nothing is asked of a file
 * system meanwhile.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/fields.h"
#include "inspect/collect/memory.h"
#include "inspect/collect/mounts.h"
#include "inspect/collect/wait.h"

/* include/linux/miscdevice.h of the kernel: MISC_MAJOR, FUSE_MINOR. */
#define FUSE_DEVICE makedev(10, 229)

/* The kernel's own form of a device number, as fdinfo has it. */
#define DEV_OF(n) makedev((n) >> 20, (n)&0xfffff)

/* --- Who answers --- */

/* What a descriptor's fdinfo has behind a name; 0 without. */
static uint64_t info_of(const struct via__blocked *b,
			const struct via_holding *h, const char *name)
{
	char path[64], text[1024];
	uint64_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d",
		 b->s->processes[h->process].task.pid, h->id);
	if (via__proc_read(AT_FDCWD, path, text, sizeof(text)) > 0)
		(void)via__field_number(text, name, 10, &n);
	return n;
}

static bool is_fuse_device(const struct via__blocked *b,
			   const struct via_holding *h)
{
	char path[64];
	struct statx st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d",
		 b->s->processes[h->process].task.pid, h->id);
	return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE, &st) ==
		       0 &&
	       makedev(st.stx_rdev_major, st.stx_rdev_minor) == FUSE_DEVICE;
}

static const struct via_holding *first_user(const struct via__blocked *b,
					    const struct via_object *o)
{
	return o->n_users ? &b->s->holds[b->s->users[o->first_user]] : NULL;
}

/* What is answered through an object. */
static enum via__answer answer_of(const struct via__blocked *b,
				  const struct via_object *o)
{
	const struct via_holding *h = first_user(b, o);
	const char *name;

	if (!h || h->how != VIA_HOLDS_FD)
		return VIA__ANSWER_NONE;
	if (o->kind == VIA_KIND_CHAR)
		return is_fuse_device(b, h) ? VIA__ANSWER_FILE
					    : VIA__ANSWER_NONE;
	if (o->kind != VIA_KIND_OTHER)
		return VIA__ANSWER_NONE;
	name = via_snapshot_text(b->s, o->name, NULL);
	if (!strcmp(name, "[userfaultfd]"))
		return VIA__ANSWER_FAULT;
	return !strcmp(name, "seccomp notify") ? VIA__ANSWER_CALL
					       : VIA__ANSWER_NONE;
}

static void add(struct via__blocked *b, enum via__answer answer,
		const struct via_holding *h)
{
	struct via__waiting *w = b->pass;
	struct via__answerer a = {.answer = answer, .process = h->process};

	if (answer == VIA__ANSWER_FILE) {
		a.of = DEV_OF(info_of(b, h, "fuse_connection:"));
		w->fuses_told |= a.of != 0;
		w->fuses_many |= w->fuse != VIA_NONE && w->fuse != a.process;
		w->fuse = a.process;
	}
	/* Faults that wait for an answer; none: it is not this one. */
	if (answer == VIA__ANSWER_FAULT && !info_of(b, h, "total:"))
		return;
	void *more = reallocarray(w->answerers, w->n_answerers + (size_t)1,
				  sizeof(*w->answerers));

	if (!more)
		return;
	w->answerers = more;
	w->answerers[w->n_answerers++] = a;
}

/* Once for all, when the first one waits so. */
static void list_answerers(struct via__blocked *b)
{
	if (b->pass->answerers_known)
		return;
	b->pass->answerers_known = true;
	b->pass->fuse = VIA_NONE;
	for (uint32_t i = 0; i < b->s->n_objects; i++) {
		const struct via_object *o = &b->s->objects[i];
		enum via__answer answer = answer_of(b, o);

		for (uint32_t u = 0; answer && u < o->n_users; u++)
			add(b, answer,
			    &b->s->holds[b->s->users[o->first_user + u]]);
	}
}

/* --- Which file system --- */

#define FUSES_MAX 256

/* Those of the process' mounts that are such. */
struct fuses {
	uint64_t devs[FUSES_MAX];
	size_t n;
};

static void read_fuses(const struct via__blocked *b, struct fuses *f)
{
	struct via__buf *buf = &b->pass->scene->buf;
	struct via__mount m;

	if (b->dir < 0 || via__proc_read_long(b->dir, "mountinfo", buf) < 0)
		return;
	for (char *text = buf->text; (text = via__mount_next(text, &m));)
		if (!strncmp(m.type, "fuse", 4) && f->n < FUSES_MAX)
			f->devs[f->n++] = m.dev;
}

static bool narrow(struct fuses *f, uint64_t dev)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->devs[i] == dev) {
			f->devs[0] = dev;
			f->n = 1;
			return true;
		}
	return false;
}

/* The device of what a path leads to, as far as the kernel knows it without
 * asking. */
static uint64_t dev_of_path(const struct via__blocked *b, int at,
			    uint64_t address)
{
	char path[PATH_MAX];
	ssize_t n = via__memory_some(b->pid, address, path, sizeof(path));
	struct statx st;

	if (n <= 0 || !path[0] || !memchr(path, '\0', (size_t)n))
		return 0;
	while (via__wait_find(b, at, path, &st) < 0) {
		char *slash = strrchr(path, '/');

		if (!slash || !slash[1])
			return 0;
		/* The root stays, as "/". */
		slash[slash == path] = '\0';
	}
	return makedev(st.stx_dev_major, st.stx_dev_minor);
}

/*
 * Calls on files have a descriptor first, or a path, or a directory and a path
 * below it; it need not be known which call it is, since what leads to none of
 * the file systems in question says nothing.
 */
static void narrow_by_call(struct via__blocked *b, struct fuses *f)
{
	const uint64_t *args = b->call.args;
	bool small = (int)args[0] == AT_FDCWD || args[0] < INT_MAX;
	uint32_t object;

	if (b->call.nr < 0 || f->n < 2)
		return;
	object = small ? via__fd_object(b, (int)args[0]) : VIA_NONE;
	if (object != VIA_NONE && narrow(f, via__object_at(b->s, object)->dev))
		return;
	(void)narrow(f, dev_of_path(b, small ? (int)args[0] : AT_FDCWD,
				    args[small]));
}

static bool is_among(const struct fuses *f, uint64_t dev)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->devs[i] == dev)
			return true;
	return false;
}

/* --- The wait --- */

/* Before Linux 6.16 no descriptor tells of which file system it is: any may be of
 * any. */
static bool is_meant(const struct via__waiting *w, const struct fuses *f,
		     const struct via__answerer *a)
{
	if (a->answer != VIA__ANSWER_FILE)
		return true;
	return w->fuses_told ? is_among(f, a->of) : f->n != 0;
}

static unsigned int certainty(const struct via__waiting *w,
			      const struct via__answerer *a)
{
	return a->answer == VIA__ANSWER_FILE && !w->fuses_told && w->fuses_many
		       ? VIA_GUESS
		       : VIA_LIKELY;
}

static bool is_told(const struct via__blocked *b, uint32_t process)
{
	for (uint32_t i = b->first; i < b->s->n_waits; i++)
		if (b->s->waits[i].on_process == process)
			return true;
	return false;
}

/* Several may have the descriptor, or could be meant: any one of them. */
void via__wait_answer(struct via__blocked *b, enum via__answer answer)
{
	struct fuses fuses = {.n = 0};

	list_answerers(b);
	if (answer == VIA__ANSWER_FILE) {
		read_fuses(b, &fuses);
		narrow_by_call(b, &fuses);
	}
	for (uint32_t i = 0; i < b->pass->n_answerers; i++) {
		const struct via__answerer *a = &b->pass->answerers[i];

		if (a->answer == answer && !is_told(b, a->process) &&
		    is_meant(b->pass, &fuses, a))
			via__wait_for(b, VIA_OP_ANSWER, a->process)->certainty =
				(uint8_t)certainty(b->pass, a);
	}
}
