/* SPDX-License-Identifier: MIT */
#include "inspect/view/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/view/text.h"
#include "inspect/view/words.h"

enum via_kind via__kind_find(const char *name, size_t len)
{
	unsigned int kind = 0;

	while (kind < VIA_N_KINDS &&
	       (strlen(via__kind_word(kind)) != len ||
		memcmp(via__kind_word(kind), name, len) != 0))
		kind++;
	return (enum via_kind)kind;
}

uint32_t via__other_end(const struct via_snapshot *s, uint32_t object)
{
	uint32_t peer = s->objects[object].peer;

	return peer != VIA_NONE && peer != object &&
			       s->objects[peer].peer == object
		       ? peer
		       : VIA_NONE;
}

bool via__filter_empty(const struct via__filter *f)
{
	return !f->words.n && !f->states.n && !f->kinds && !f->n_pids &&
	       !f->n_uids;
}

/* --- Who has to do with an object --- */

typedef bool (*whether)(const struct via_snapshot *s, uint32_t process,
			const void *arg);

static bool one_end(const struct via_snapshot *s, uint32_t object, whether f,
		    const void *arg)
{
	const struct via_object *o = &s->objects[object];

	for (uint32_t i = 0; i < o->n_users; i++)
		if (f(s, s->holds[s->users[o->first_user + i]].process, arg))
			return true;
	for (uint32_t i = 0; i < o->n_waiters; i++) {
		const struct via_wait *w =
			&s->waits[s->waiters[o->first_waiter + i]];

		if (f(s, s->threads[w->thread].process, arg))
			return true;
	}
	return false;
}

static bool any_end(const struct via_snapshot *s, uint32_t object, whether f,
		    const void *arg)
{
	uint32_t other = via__other_end(s, object);

	return one_end(s, object, f, arg) ||
	       (other != VIA_NONE && one_end(s, other, f, arg));
}

static bool is_pid(const struct via_snapshot *s, uint32_t process,
		   const void *pid)
{
	return s->processes[process].task.pid == *(const pid_t *)pid;
}

static bool is_uid(const struct via_snapshot *s, uint32_t process,
		   const void *uid)
{
	return s->processes[process].uid == *(const uid_t *)uid;
}

static bool is_named(const struct via_snapshot *s, uint32_t process,
		     const void *name)
{
	return strcmp(s->processes[process].task.comm, name) == 0;
}

/* --- Words --- */

static bool is_number(const char *word)
{
	return *word && !word[strspn(word, "0123456789")];
}

/* The kind that a word begins with, "KIND:", or VIA_N_KINDS. */
static enum via_kind kind_of(const char *word, const char **ret_rest)
{
	const char *colon = strchr(word, ':');

	if (!colon)
		return VIA_N_KINDS;
	*ret_rest = colon + 1;
	return via__kind_find(word, (size_t)(colon - word));
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), tail = strlen(end);

	return len >= tail && strcmp(text + len - tail, end) == 0;
}

/* ":80" is that port of either address. */
static bool is_port(const struct via_snapshot *s, const struct via_object *o,
		    const char *port)
{
	if (*port != ':' || o->detail == VIA_NONE ||
	    (o->kind != VIA_KIND_TCP && o->kind != VIA_KIND_UDP))
		return false;
	const struct via_socket *socket = &s->sockets[o->detail];

	return ends_with(via_snapshot_text(s, socket->local, NULL), port) ||
	       ends_with(via_snapshot_text(s, socket->remote, NULL), port);
}

/* The name as it is shown, one address of two, the whole path. */
static bool has_name(const struct via_snapshot *s, uint32_t object,
		     const char *name)
{
	const struct via_object *o = &s->objects[object];
	char text[VIA__TEXT_MAX];

	via__object_name(s, object, text, sizeof(text));
	if (strcmp(text, name) == 0 || is_port(s, o, name))
		return true;
	if (o->name && strcmp(via_snapshot_text(s, o->name, NULL), name) == 0)
		return true;
	char *arrow = strstr(text, "->");

	if (!arrow)
		return false;
	*arrow = '\0';
	return strcmp(text, name) == 0 || strcmp(arrow + 2, name) == 0;
}

static bool is_object(const struct via_snapshot *s, uint32_t object,
		      const char *word)
{
	enum via_kind kind;
	const char *rest;
	char text[VIA__TEXT_MAX];

	if (is_number(word))
		return false;
	kind = kind_of(word, &rest);
	if (kind != VIA_N_KINDS)
		return s->objects[object].kind == kind &&
		       (!*rest || has_name(s, object, rest));
	if (*word == '/' || *word == '@' || *word == '[')
		return has_name(s, object, word);
	return strstr(via__object_name(s, object, text, sizeof(text)), word);
}

/* A word, and the file that it is a path to. */
struct word {
	const char *text;
	struct via__file file;
};

static struct word word_of(const struct via__filter *f, size_t i)
{
	return (struct word){f->words.item[i],
			     f->files ? f->files[i] : (struct via__file){0, 0}};
}

/* Those whose key is that of a file, and sockets that have one. */
static bool is_file(const struct via_snapshot *s, uint32_t object,
		    const struct via__file *file)
{
	const struct via_object *o = &s->objects[object];
	const struct via_socket *socket;

	switch (o->kind) {
	case VIA_KIND_FILE:
	case VIA_KIND_DIR:
	case VIA_KIND_CHAR:
	case VIA_KIND_BLOCK:
	case VIA_KIND_FIFO:
	case VIA_KIND_POSIXSHM:
	case VIA_KIND_POSIXSEM:
	case VIA_KIND_MQ:
	case VIA_KIND_LOCK:
		return o->ino == file->ino && o->dev == file->dev;
	case VIA_KIND_UNIX:
		socket = o->detail == VIA_NONE ? NULL : &s->sockets[o->detail];
		return socket && socket->file_ino == file->ino &&
		       socket->file_dev == file->dev;
	default:
		return false;
	}
}

static bool word_is(const struct via_snapshot *s, uint32_t object,
		    const struct word *w)
{
	return is_object(s, object, w->text) ||
	       (w->file.ino && is_file(s, object, &w->file));
}

/* Either end goes by the name of the other. */
static bool word_is_object(const struct via_snapshot *s, uint32_t object,
			   const struct word *w)
{
	uint32_t other = via__other_end(s, object);

	return word_is(s, object, w) ||
	       (other != VIA_NONE && word_is(s, other, w));
}

static bool word_fits(const struct via_snapshot *s, uint32_t object,
		      const struct word *w)
{
	if (is_number(w->text)) {
		pid_t pid = (pid_t)strtol(w->text, NULL, 10);

		return any_end(s, object, is_pid, &pid);
	}
	return word_is_object(s, object, w) ||
	       any_end(s, object, is_named, w->text);
}

static bool word_is_process(const struct via_snapshot *s, uint32_t process,
			    const char *word)
{
	pid_t pid = (pid_t)strtol(word, NULL, 10);

	return is_number(word) ? is_pid(s, process, &pid)
			       : is_named(s, process, word);
}

/* --- States --- */

static bool has_flag(uint32_t flags, const char *word,
		     const char *(*name)(unsigned int bit))
{
	for (unsigned int bit = 0; *name(bit); bit++)
		if (flags & UINT32_C(1) << bit && strcmp(name(bit), word) == 0)
			return true;
	return false;
}

bool via__object_is(const struct via_snapshot *s, uint32_t object,
		    const char *state)
{
	const struct via_object *o = &s->objects[object];
	bool known = o->level != VIA_UNKNOWN && o->capacity != VIA_UNKNOWN;

	if (strcmp(state, "full") == 0)
		return known && o->capacity > 0 && o->level >= o->capacity;
	if (strcmp(state, "empty") == 0)
		return o->level == 0;
	if (strcmp(state, "waited") == 0)
		return o->n_waiters > 0;
	if (strcmp(state, "unused") == 0)
		return !o->n_users;
	if (has_flag(o->flags, state, via__object_flag_word))
		return true;
	return o->kind >= VIA_KIND_UNIX && o->kind <= VIA_KIND_SOCKET &&
	       o->detail != VIA_NONE &&
	       strcmp(via__socket_state_word(s->sockets[o->detail].state),
		      state) == 0;
}

/* Of proc_pid_stat(5). */
static const struct {
	const char *name, *letters;
} letters_of[] = {
	{"running", "R"},  {"sleeping", "S"}, {"disk", "D"},
	{"stopped", "Tt"}, {"zombie", "Z"},   {"idle", "I"},
};

#define N_LETTERS (sizeof(letters_of) / sizeof(*letters_of))

static bool waits(const struct via_snapshot *s, const struct via_process *p)
{
	for (uint32_t i = 0; i < p->n_threads; i++)
		if (s->threads[p->first_thread + i].n_waits)
			return true;
	return false;
}

bool via__process_is(const struct via_snapshot *s, uint32_t process,
		     const char *state)
{
	const struct via_process *p = &s->processes[process];

	if (strlen(state) == 1)
		return p->task.state == *state;
	if (strcmp(state, "waiting") == 0)
		return waits(s, p);
	for (size_t i = 0; i < N_LETTERS; i++)
		if (strcmp(state, letters_of[i].name) == 0)
			return strchr(letters_of[i].letters, p->task.state);
	return has_flag(p->flags, state, via__process_flag_word);
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

bool via__state_exists(const char *word)
{
	static const char *const made_up[] = {"full",	"empty",   "waited",
					      "unused", "waiting", NULL};

	for (size_t i = 0; i < N_LETTERS; i++)
		if (strcmp(word, letters_of[i].name) == 0)
			return true;
	for (unsigned int i = 0; *via__socket_state_word(i); i++)
		if (strcmp(word, via__socket_state_word(i)) == 0)
			return true;
	return strlen(word) == 1 || is_one_of(word, made_up) ||
	       has_flag(UINT32_MAX, word, via__object_flag_word) ||
	       has_flag(UINT32_MAX, word, via__process_flag_word);
}

/* --- All together --- */

static bool any_pid(const struct via_snapshot *s, uint32_t process,
		    const void *filter)
{
	const struct via__filter *f = filter;

	for (size_t i = 0; i < f->n_pids; i++)
		if (is_pid(s, process, &f->pids[i]))
			return true;
	return false;
}

static bool any_uid(const struct via_snapshot *s, uint32_t process,
		    const void *filter)
{
	const struct via__filter *f = filter;

	for (size_t i = 0; i < f->n_uids; i++)
		if (is_uid(s, process, &f->uids[i]))
			return true;
	return false;
}

static bool object_state(const struct via_snapshot *s,
			 const struct via__filter *f, uint32_t object)
{
	uint32_t other = via__other_end(s, object);

	for (size_t i = 0; i < f->states.n; i++)
		if (via__object_is(s, object, f->states.item[i]) ||
		    (other != VIA_NONE &&
		     via__object_is(s, other, f->states.item[i])))
			return true;
	return !f->states.n;
}

static bool kind_fits(const struct via_snapshot *s, const struct via__filter *f,
		      uint32_t object)
{
	return !f->kinds || f->kinds >> s->objects[object].kind & 1;
}

/* Whose it is when nobody has it. */
static bool owner_fits(const struct via_snapshot *s,
		       const struct via__filter *f, uint32_t object)
{
	const struct via_object *o = &s->objects[object];

	if (o->detail == VIA_NONE || o->kind < VIA_KIND_SYSVSHM ||
	    o->kind > VIA_KIND_MEMFD)
		return false;
	for (size_t i = 0; i < f->n_uids; i++)
		if (s->ipcs[o->detail].uid == f->uids[i])
			return true;
	return false;
}

bool via__filter_object(const struct via_snapshot *s,
			const struct via__filter *f, uint32_t object)
{
	uint32_t other = via__other_end(s, object);
	bool fits = !f->words.n;

	if (!kind_fits(s, f, object) &&
	    (other == VIA_NONE || !kind_fits(s, f, other)))
		return false;
	if (!object_state(s, f, object))
		return false;
	if (f->n_pids && !any_end(s, object, any_pid, f))
		return false;
	if (f->n_uids && !any_end(s, object, any_uid, f) &&
	    !owner_fits(s, f, object))
		return false;
	for (size_t i = 0; !fits && i < f->words.n; i++) {
		const struct word w = word_of(f, i);

		fits = word_fits(s, object, &w);
	}
	return fits;
}

/* A bare name may be that of a process. */
static bool means_objects(const struct word *w)
{
	const char *rest;

	return w->file.ino || *w->text == '/' || *w->text == '@' ||
	       *w->text == '[' || kind_of(w->text, &rest) != VIA_N_KINDS;
}

bool via__filter_means(const struct via_snapshot *s,
		       const struct via__filter *f, uint32_t object)
{
	for (size_t i = 0; i < f->words.n; i++) {
		const struct word w = word_of(f, i);

		if (means_objects(&w) && word_is_object(s, object, &w))
			return true;
	}
	return f->kinds;
}

bool via__filter_hold(const struct via_snapshot *s, const struct via__filter *f,
		      const struct via_holding *hold)
{
	bool fits = !f->words.n;

	if (!kind_fits(s, f, hold->object) || !object_state(s, f, hold->object))
		return false;
	if ((f->n_pids && !any_pid(s, hold->process, f)) ||
	    (f->n_uids && !any_uid(s, hold->process, f)))
		return false;
	for (size_t i = 0; !fits && i < f->words.n; i++) {
		const struct word w = word_of(f, i);

		fits = word_is_process(s, hold->process, w.text) ||
		       word_is_object(s, hold->object, &w);
	}
	return fits;
}

/* Whether it has an object that a word, or the kinds, mean. */
static bool holds(const struct via_snapshot *s, const struct via__filter *f,
		  uint32_t process, const struct word *word)
{
	const struct via_process *p = &s->processes[process];

	for (uint32_t i = 0; i < p->n_holds; i++) {
		uint32_t object = s->holds[p->first_hold + i].object;

		if (word ? word_is_object(s, object, word)
			 : kind_fits(s, f, object))
			return true;
	}
	return false;
}

bool via__filter_process(const struct via_snapshot *s,
			 const struct via__filter *f, uint32_t process)
{
	bool state = !f->states.n, fits = !f->words.n;

	if ((f->n_pids && !any_pid(s, process, f)) ||
	    (f->n_uids && !any_uid(s, process, f)) ||
	    (f->kinds && !holds(s, f, process, NULL)))
		return false;
	for (size_t i = 0; !state && i < f->states.n; i++)
		state = via__process_is(s, process, f->states.item[i]);
	for (size_t i = 0; state && !fits && i < f->words.n; i++) {
		const struct word w = word_of(f, i);

		fits = word_is_process(s, process, w.text) ||
		       (means_objects(&w) && holds(s, f, process, &w));
	}
	return state && fits;
}
