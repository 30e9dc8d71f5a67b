/* SPDX-License-Identifier: MIT */
/*
 * A snapshot from JSON. Anybody may have written it: every value is checked to
 * fit its field, every index to be in its array, and what is built is built as
 * collectors do it. So what has been loaded is as safe as what was taken.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/model/build.h"
#include "inspect/view/escape.h"
#include "inspect/view/fields.h"
#include "inspect/view/json.h"

struct loader {
	struct via_snapshot *s;
	const json_t *root;
	uint32_t n[VIA__N_RECORDS]; /* in the file */
	struct via_error *error;
	/* Where we are, for the sentence. */
	const struct via__record *r;
	const struct via__field *f;
	size_t index;
};

/* Say what is wrong, and where. */
static int wrong(struct loader *l, const char *what)
{
	if (!l->error)
		return -EPROTO;
	struct via__out out = via__out(l->error->text, sizeof(l->error->text));

	if (l->r)
		via__out_print(&out, "%s[%zu]", l->r->name, l->index);
	if (l->f)
		via__out_print(&out, ".%s", l->f->key);
	via__out_print(&out, "%s%s", l->r ? ": " : "", what);
	l->error->code = -EPROTO;
	return -EPROTO;
}

/* --- Values --- */

/* Digits with perhaps a minus before them, and nothing else. */
static bool parse(const char *text, uint64_t *ret, bool *ret_negative)
{
	bool negative = *text == '-';
	char *end;

	text += negative;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);

	if (errno || *text < '0' || *text > '9' || *end ||
	    (negative && n > UINT64_C(1) << 63))
		return false;
	*ret_negative = negative && n;
	*ret = negative ? 0 - n : n;
	return true;
}

static int load_number(struct loader *l, void *record, size_t i,
		       const json_t *value)
{
	uint64_t n;
	bool negative;

	if (json_is_integer(value)) {
		n = (uint64_t)json_integer_value(value);
		negative = json_integer_value(value) < 0;
	} else if (json_is_null(value) && l->f->is_signed) {
		n = (uint64_t)VIA_UNKNOWN;
		negative = true;
	} else if (!json_is_string(value) ||
		   strlen(json_string_value(value)) !=
			   json_string_length(value) ||
		   !parse(json_string_value(value), &n, &negative)) {
		return wrong(l, "not a number");
	}
	if (!via__field_set(l->f, record, i, n, negative))
		return wrong(l, "does not fit");
	return 0;
}

static int load_numbers(struct loader *l, void *record, const json_t *value)
{
	int err = 0;

	if (json_array_size(value) != l->f->n)
		return wrong(l, "not a list of so many numbers");
	for (size_t i = 0; !err && i < l->f->n; i++)
		err = load_number(l, record, i, json_array_get(value, i));
	return err;
}

static int load_index(struct loader *l, void *record, const json_t *value)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n >= l->n[l->f->record])
		return wrong(l, "no index of a record");
	(void)via__field_set(l->f, record, 0, (uint64_t)n, false);
	return 0;
}

/* The number of a word, below max, or max. */
static unsigned int find_word(const struct via__field *f, const json_t *value,
			      unsigned int max)
{
	const char *word = json_string_value(value);

	for (unsigned int i = 0; word && *word && i < max && *f->word(i); i++)
		if (strcmp(f->word(i), word) == 0)
			return i;
	return max;
}

static int load_word(struct loader *l, void *record, const json_t *value)
{
	unsigned int n = find_word(l->f, value, 256);

	if (n == 256)
		return wrong(l, "none of the words");
	(void)via__field_set(l->f, record, 0, n, false);
	return 0;
}

static int load_set(struct loader *l, void *record, const json_t *value)
{
	uint64_t bits = 0;

	if (!json_is_array(value))
		return wrong(l, "not a list");
	for (size_t i = 0; i < json_array_size(value); i++) {
		unsigned int n = find_word(l->f, json_array_get(value, i),
					   8 * (unsigned int)l->f->size);

		if (n == 8 * l->f->size)
			return wrong(l, "none of the words");
		bits |= UINT64_C(1) << n;
	}
	(void)via__field_set(l->f, record, 0, bits, false);
	return 0;
}

/* --- Bytes --- */

/* The bytes of a string, or of base64: the caller frees *ret. */
static int get_bytes(struct loader *l, const json_t *value, bool base64,
		     char **ret, size_t *ret_len)
{
	int err = -EINVAL;

	if (base64) {
		err = via__json_from_base64(value, ret, ret_len);
	} else if (json_is_string(value)) {
		*ret_len = json_string_length(value);
		*ret = malloc(*ret_len + 1);
		if (!*ret)
			return -ENOMEM;
		memcpy(*ret, json_string_value(value), *ret_len + 1);
		err = 0;
	}
	return err == -EINVAL ? wrong(l, base64 ? "not base64" : "not a string")
			      : err;
}

static int set_bytes(struct loader *l, void *record, const char *bytes,
		     size_t len)
{
	char *at = (char *)record + l->f->offset;

	if (l->f->type == VIA__TEXT) {
		(void)via__field_set(l->f, record, 0,
				     via__text(l->s, bytes, len), false);
		return 0;
	}
	size_t max = l->f->type == VIA__CHARS ? l->f->n - 1 : 1;

	if (len > max)
		return wrong(l, "too long");
	if (memchr(bytes, '\0', len))
		return wrong(l, "has a NUL");
	memcpy(at, bytes, len);
	return 0;
}

static int load_bytes(struct loader *l, void *record, const json_t *value,
		      bool base64)
{
	char *bytes = NULL;
	size_t len = 0;
	int err = get_bytes(l, value, base64, &bytes, &len);

	if (!err)
		err = set_bytes(l, record, bytes, len);
	free(bytes);
	return err;
}

/* All strings of a list with a NUL between them. */
static int load_arguments(struct loader *l, void *record, const json_t *value)
{
	char *all = NULL, *bytes = NULL;
	size_t len, size = 0;
	FILE *f = json_is_array(value) ? open_memstream(&all, &size) : NULL;

	if (!f)
		return json_is_array(value) ? -ENOMEM : wrong(l, "not a list");
	int err = 0;

	for (size_t i = 0; !err && i < json_array_size(value); i++) {
		const json_t *one = json_array_get(value, i);
		bool base64 = json_is_object(one);

		err = get_bytes(l,
				base64 ? json_object_get(one, "base64") : one,
				base64, &bytes, &len);
		if (err)
			break;
		if (i)
			putc('\0', f);
		fwrite(bytes, 1, len, f);
		free(bytes);
	}
	if (fclose(f) < 0 && !err)
		err = -ENOMEM;
	if (!err)
		(void)via__field_set(l->f, record, 0,
				     via__text(l->s, all, size), false);
	free(all);
	return err;
}

/* --- Records --- */

static int load_value(struct loader *l, void *record, const json_t *value)
{
	switch (l->f->type) {
	case VIA__LETTER:
	case VIA__CHARS:
	case VIA__TEXT:
		return load_bytes(l, record, value, false);
	case VIA__ARGS:
		return load_arguments(l, record, value);
	case VIA__INDEX:
		return load_index(l, record, value);
	case VIA__WORD:
		return load_word(l, record, value);
	case VIA__SET:
		return load_set(l, record, value);
	case VIA__NUMBER:
		break;
	}
	return l->f->n > 1 ? load_numbers(l, record, value)
			   : load_number(l, record, 0, value);
}

static int load_field(struct loader *l, void *record, const json_t *o)
{
	const json_t *value = json_object_get(o, l->f->key);
	char name[64];

	if (value)
		return load_value(l, record, value);
	if (l->f->required)
		return wrong(l, "is missing");
	if (l->f->type != VIA__LETTER && l->f->type != VIA__CHARS &&
	    l->f->type != VIA__TEXT)
		return 0;
	snprintf(name, sizeof(name), "%s_base64", l->f->key);
	value = json_object_get(o, name);
	return value ? load_bytes(l, record, value, true) : 0;
}

static int load_record(struct loader *l, void *record, const json_t *o)
{
	int err = 0;

	l->f = NULL;
	if (!json_is_object(o))
		return wrong(l, "not an object");
	via__record_clear(l->r, record);
	for (const struct via__field *f = l->r->fields; !err && f->key; f++) {
		l->f = f;
		err = load_field(l, record, o);
	}
	l->f = NULL;
	return err;
}

/* --- Into the snapshot --- */

static int add_process(struct loader *l, void *record)
{
	const struct via_process *p = record;
	const struct via_snapshot *s = l->s;

	if (s->n_processes &&
	    p->task.pid <= s->processes[s->n_processes - 1].task.pid)
		return wrong(l, "not in the order of pids");
	*via__add_process(l->s) = *p;
	return 0;
}

static int add_thread(struct loader *l, void *record)
{
	const struct via_thread *t = record;
	const struct via_snapshot *s = l->s;

	if (s->n_threads && t->process < s->threads[s->n_threads - 1].process)
		return wrong(l, "not in the order of processes");
	*via__add_thread(l->s, t->process) = *t;
	return 0;
}

static int add_object(struct loader *l, void *record)
{
	struct via_object *o = record;
	uint32_t n = l->s->n_objects,
		 object = via__object(l->s, (enum via_kind)o->kind, o->dev,
				      o->ino, o->sub);

	if (object < n)
		return wrong(l, "another one has the same key");
	o->detail = VIA_NONE;
	*via__object_at(l->s, object) = *o;
	return 0;
}

static int add_hold(struct loader *l, void *record)
{
	const struct via_holding *h = record;

	*via__add_hold(l->s, h->process, h->object, (enum via_how)h->how) = *h;
	return 0;
}

static int add_wait(struct loader *l, void *record)
{
	const struct via_wait *w = record;

	*via__add_wait(l->s, w->thread, (enum via_op)w->op) = *w;
	return 0;
}

static int add_link(struct loader *l, void *record)
{
	const struct via_link *link = record;

	*via__add_link(l->s, link->from, link->to,
		       (enum via_link_kind)link->kind) = *link;
	return 0;
}

/* Which details objects of a kind have. */
static const enum via__record_id details[VIA_N_KINDS] = {
	[VIA_KIND_UNIX] = VIA__SOCKETS,	 [VIA_KIND_TCP] = VIA__SOCKETS,
	[VIA_KIND_UDP] = VIA__SOCKETS,	 [VIA_KIND_SOCKET] = VIA__SOCKETS,
	[VIA_KIND_SYSVSHM] = VIA__IPCS,	 [VIA_KIND_SYSVSEM] = VIA__IPCS,
	[VIA_KIND_SYSVMSG] = VIA__IPCS,	 [VIA_KIND_POSIXSHM] = VIA__IPCS,
	[VIA_KIND_POSIXSEM] = VIA__IPCS, [VIA_KIND_MQ] = VIA__IPCS,
	[VIA_KIND_MEMFD] = VIA__IPCS,	 [VIA_KIND_LOCK] = VIA__LOCKS,
	[VIA_KIND_FUTEX] = VIA__FUTEXES, [VIA_KIND_CHANNEL] = VIA__LANES,
};

/* All begin with the object they are of. */
static int add_detail(struct loader *l, void *record)
{
	uint32_t object;

	memcpy(&object, record, sizeof(object));
	const struct via_object *o = &l->s->objects[object];

	if (&via__records[details[o->kind]] != l->r)
		return wrong(l, "of an object of another kind");
	if (o->detail != VIA_NONE)
		return wrong(l, "of an object that has one");
	switch (details[o->kind]) {
	case VIA__SOCKETS:
		*via__socket(l->s, object) = *(struct via_socket *)record;
		break;
	case VIA__IPCS:
		*via__ipc(l->s, object) = *(struct via_ipc *)record;
		break;
	case VIA__LOCKS:
		*via__file_lock(l->s, object) = *(struct via_file_lock *)record;
		break;
	case VIA__FUTEXES:
		*via__futex(l->s, object) = *(struct via_futex *)record;
		break;
	default:
		break;
	}
	return 0;
}

/* Of these an object may have several, in a row; before: whose the last one
 * was. */
static int check_part(struct loader *l, enum via_kind kind, bool any,
		      uint32_t before, uint32_t object)
{
	if (l->s->objects[object].kind != (uint32_t)kind)
		return wrong(l, "of an object of another kind");
	if (any && before != object)
		return wrong(l, "not beside the others of its object");
	return 0;
}

static int add_semaphore(struct loader *l, void *record)
{
	const struct via_semaphore *semaphore = record;
	struct via_snapshot *s = l->s;
	uint32_t object = semaphore->object, n = s->n_semaphores;
	const struct via_object *o = &s->objects[object];
	bool any = o->kind == VIA_KIND_SYSVSEM && o->detail != VIA_NONE &&
		   s->ipcs[o->detail].n_semaphores;
	int err = check_part(l, VIA_KIND_SYSVSEM, any,
			     n ? s->semaphores[n - 1].object : VIA_NONE,
			     object);

	if (!err)
		*via__add_semaphore(s, object) = *semaphore;
	return err;
}

static int add_lane(struct loader *l, void *record)
{
	const struct via_lane *lane = record;
	struct via_snapshot *s = l->s;
	uint32_t object = lane->object, n = s->n_lanes;
	int err = check_part(l, VIA_KIND_CHANNEL,
			     s->objects[object].detail != VIA_NONE,
			     n ? s->lanes[n - 1].object : VIA_NONE, object);

	if (!err)
		*via__add_lane(s, object) = *lane;
	return err;
}

static int (*const adders[VIA__N_RECORDS])(struct loader *l, void *record) = {
	[VIA__PROCESSES] = add_process, [VIA__THREADS] = add_thread,
	[VIA__OBJECTS] = add_object,	[VIA__HOLDS] = add_hold,
	[VIA__WAITS] = add_wait,	[VIA__LINKS] = add_link,
	[VIA__SOCKETS] = add_detail,	[VIA__IPCS] = add_detail,
	[VIA__LOCKS] = add_detail,	[VIA__FUTEXES] = add_detail,
	[VIA__LANES] = add_lane,	[VIA__SEMAPHORES] = add_semaphore,
};

union any_record {
	struct via_sight sight;
	struct via_process process;
	struct via_thread thread;
	struct via_object object;
	struct via_holding hold;
	struct via_wait wait;
	struct via_link link;
	struct via_socket socket;
	struct via_ipc ipc;
	struct via_file_lock lock;
	struct via_futex futex;
	struct via_lane lane;
	struct via_semaphore semaphore;
};

static int load_records(struct loader *l, enum via__record_id id)
{
	const json_t *list = json_object_get(l->root, via__records[id].name);
	union any_record record;
	int err = 0;

	l->r = &via__records[id];
	for (l->index = 0; !err && l->index < l->n[id]; l->index++) {
		err = load_record(l, &record, json_array_get(list, l->index));
		if (!err)
			err = adders[id](l, &record);
		if (!err)
			err = via__build_error(l->s);
		if (err)
			break;
	}
	return err;
}

/* How many there are of each, before the first index is read. */
static int count(struct loader *l)
{
	for (size_t i = 0; i < VIA__N_RECORDS; i++) {
		const json_t *list = json_object_get(l->root,
						     via__records[i].name);

		if (list && !json_is_array(list)) {
			l->r = &via__records[i];
			return wrong(l, "not a list");
		}
		if (json_array_size(list) >= VIA_NONE)
			return -ENOMEM;
		l->n[i] = (uint32_t)json_array_size(list);
	}
	return 0;
}

static int load_all(struct loader *l)
{
	const json_t *version = json_object_get(l->root, "via_inspect");

	if (!json_is_integer(version))
		return wrong(l, "not a snapshot: it has no via_inspect");
	if (json_integer_value(version) != VIA__JSON_VERSION)
		return wrong(l, "a snapshot in another format: it is read by "
				"the version of via that wrote it");
	int err = count(l);

	l->r = &via__sight_record;
	if (!err)
		err = load_record(l, &l->s->sight,
				  json_object_get(l->root, l->r->name));
	for (int i = 0; !err && i < VIA__N_RECORDS; i++)
		err = load_records(l, (enum via__record_id)i);
	return err ? err : via__seal(l->s);
}

/* The parser's sentence quotes the file. */
static int no_json(FILE *f, const json_error_t *e, struct via_error *error)
{
	if (json_error_code(e) == json_error_out_of_memory)
		return -ENOMEM;
	if (ferror(f)) /* a directory, say */
		return errno ? -errno : -EIO;
	if (!error)
		return -EPROTO;
	struct via__out out = via__out(error->text, sizeof(error->text));

	via__out_print(&out, "not JSON: line %d: ", e->line);
	via__out_bytes(&out, e->text, strlen(e->text), NULL);
	error->code = -EPROTO;
	return -EPROTO;
}

int via_snapshot_load(FILE *f, struct via_snapshot **ret,
		      struct via_error *reterr)
{
	json_error_t error;

	errno = 0;
	json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
				  &error);
	struct loader l = {.root = root, .error = reterr};

	if (!root)
		return no_json(f, &error, reterr);
	l.s = via__snapshot_new();
	int err = l.s ? load_all(&l) : -ENOMEM;

	json_decref(root);
	if (err) {
		via_snapshot_free(l.s);
		return err;
	}
	*ret = l.s;
	return 0;
}
