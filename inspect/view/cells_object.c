/* SPDX-License-Identifier: MIT */
/* What columns say of an object. An object and its other end are one thing to a
 * person: who holds either is an end of it. */
#include <inttypes.h>
#include <string.h>

#include "inspect/view/cells.h"
#include "inspect/view/format.h"
#include "inspect/view/json.h"
#include "inspect/view/shared.h"
#include "inspect/view/text.h"
#include "inspect/view/words.h"

static const struct via_object *object_of(const struct via__show *show,
					  const struct via__line *line)
{
	return line->object == VIA_NONE ? NULL
					: &show->s->objects[line->object];
}

int via__append(json_t *list, json_t *value)
{
	return json_array_append_new(list, value);
}

/* --- Names --- */

void via__cell_kind(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	const struct via_object *o = object_of(show, line);

	if (o)
		via__out_print(out, "%s", via__kind_word(o->kind));
}

void via__cell_name(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	char text[4096];

	if (line->object != VIA_NONE)
		via__out_text(out, via__object_name(show->s, line->object, text,
						    sizeof(text)));
}

void via__cell_object(const struct via__show *show,
		      const struct via__line *line, struct via__out *out)
{
	char text[4096];

	via__out_text(out, via__object_text(show->s, line->object, text,
					    sizeof(text)));
}

void via__cell_peer(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	const struct via_object *o = object_of(show, line);
	char text[4096];

	if (o)
		via__out_text(out, via__object_text(show->s, o->peer, text,
						    sizeof(text)));
}

bool via__number_ino(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	const struct via_object *o = object_of(show, line);

	*ret = o ? (int64_t)o->ino : 0;
	return o && *ret >= 0;
}

bool via__number_dev(const struct via__show *show, const struct via__line *line,
		     int64_t *ret)
{
	const struct via_object *o = object_of(show, line);

	*ret = o ? (int64_t)o->dev : 0;
	return o && *ret >= 0;
}

/* --- Levels and states --- */

/* Of an object and its other end, the fuller one. */
static const struct via_object *fuller(const struct via__show *show,
				       const struct via__line *line)
{
	const struct via_object *o = object_of(show, line);
	uint32_t other = o ? via__other_end(show->s, line->object) : VIA_NONE;

	return other != VIA_NONE && show->s->objects[other].level > o->level
		       ? &show->s->objects[other]
		       : o;
}

bool via__number_level(const struct via__show *show,
		       const struct via__line *line, int64_t *ret)
{
	const struct via_object *o = fuller(show, line);

	*ret = o ? o->level : VIA_UNKNOWN;
	return *ret != VIA_UNKNOWN;
}

bool via__number_capacity(const struct via__show *show,
			  const struct via__line *line, int64_t *ret)
{
	const struct via_object *o = fuller(show, line);

	*ret = o ? o->capacity : VIA_UNKNOWN;
	return *ret != VIA_UNKNOWN;
}

static void put_amount(const struct via__show *show, struct via__out *out,
		       const struct via_object *o, int64_t n)
{
	/* Only bytes come in steps of 1024. */
	bool bytes = *via_kind_unit((enum via_kind)o->kind) == 'B' &&
		     !(o->flags & VIA_OBJECT_LISTENS);

	via__put_amount(out, n, show->exact || !bytes);
}

void via__cell_level(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	const struct via_object *o = fuller(show, line);

	if (!o || o->level == VIA_UNKNOWN)
		return;
	put_amount(show, out, o, o->level);
	if (o->capacity == VIA_UNKNOWN)
		return;
	via__out_print(out, "/");
	put_amount(show, out, o, o->capacity);
}

void via__cell_capacity(const struct via__show *show,
			const struct via__line *line, struct via__out *out)
{
	const struct via_object *o = fuller(show, line);

	if (o && o->capacity != VIA_UNKNOWN)
		put_amount(show, out, o, o->capacity);
}

static const struct via_socket *socket_of(const struct via__show *show,
					  const struct via_object *o)
{
	return o->kind >= VIA_KIND_UNIX && o->kind <= VIA_KIND_SOCKET &&
			       o->detail != VIA_NONE
		       ? &show->s->sockets[o->detail]
		       : NULL;
}

void via__cell_state(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	const struct via_object *o = fuller(show, line);
	const struct via_socket *socket = o ? socket_of(show, o) : NULL;

	if (socket && socket->state)
		via__out_print(out, "%s",
			       via__socket_state_word(socket->state));
	else if (o && via__object_is(show->s, line->object, "full"))
		via__out_print(out, "full");
	else if (o && o->flags & VIA_OBJECT_DELETED)
		via__out_print(out, "deleted");
}

void via__cell_flags(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	const struct via_object *o = object_of(show, line);
	const char *comma = "";

	for (unsigned int bit = 0; o && *via__object_flag_word(bit); bit++) {
		if (!(o->flags >> bit & 1))
			continue;
		via__out_print(out, "%s%s", comma, via__object_flag_word(bit));
		comma = ",";
	}
}

void via__cell_seen(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	const struct via_object *o = object_of(show, line);

	if (o)
		via__out_print(out, "%s", via__seen_word(o->seen));
}

/* Whose it is: of what has an owner itself, or of who holds it. */
void via__cell_owner(const struct via__show *show, const struct via__line *line,
		     struct via__out *out)
{
	const struct via_object *o = object_of(show, line);
	const struct via_socket *socket = o ? socket_of(show, o) : NULL;

	if (!o)
		return;
	if (socket)
		via__put_user(show, out, socket->uid);
	else if (o->detail != VIA_NONE && o->kind >= VIA_KIND_SYSVSHM &&
		 o->kind <= VIA_KIND_MEMFD)
		via__put_user(show, out, show->s->ipcs[o->detail].uid);
	else if (o->n_users)
		via__put_user(
			show, out,
			show->s->processes
				[show->s->holds[show->s->users[o->first_user]]
					 .process]
					.uid);
}

/* --- Ages --- */

void via__put_age(const struct via__show *show, struct via__out *out,
		  int64_t when)
{
	int64_t ago;

	if (!__builtin_sub_overflow(show->s->sight.taken, when, &ago) &&
	    ago >= 0 && ago < INT64_MAX / 1000000000)
		via__put_duration(out, ago * 1000000000, show->exact);
}

bool via__number_made(const struct via__show *show,
		      const struct via__line *line, int64_t *ret)
{
	const struct via_object *o = object_of(show, line);

	if (!o || o->detail == VIA_NONE || o->kind < VIA_KIND_SYSVSHM ||
	    o->kind > VIA_KIND_MEMFD)
		return false;
	const struct via_ipc *ipc = &show->s->ipcs[o->detail];

	*ret = ipc->made != VIA_UNKNOWN ? ipc->made : ipc->changed;
	return *ret != VIA_UNKNOWN;
}

void via__cell_age(const struct via__show *show, const struct via__line *line,
		   struct via__out *out)
{
	int64_t when;

	if (via__number_made(show, line, &when))
		via__put_age(show, out, when);
}

/* --- Ends --- */

/* The holds of an object and its other end, one after the other. */
struct ends {
	const struct via_snapshot *s;
	uint32_t object, other, i;
};

static struct ends ends_of(const struct via_snapshot *s, uint32_t object)
{
	return (struct ends){s, object, via__other_end(s, object), 0};
}

static const struct via_holding *next_end(struct ends *e)
{
	const struct via_object *o;

	for (; e->object != VIA_NONE;
	     e->object = e->other, e->other = VIA_NONE, e->i = 0) {
		o = &e->s->objects[e->object];
		if (e->i < o->n_users)
			return &e->s->holds[e->s->users[o->first_user +
							e->i++]];
	}
	return NULL;
}

/* The ways in which one process has it are said together, so many of them. */
#define WAYS_MAX 8

static void put_ways(const struct via_snapshot *s, struct via__out *out,
		     const uint32_t *users, uint32_t n)
{
	char text[VIA__TEXT_MAX], way[2][32] = {"", ""};

	via__out_text(
		out, via__end_text(s, &s->holds[users[0]], text, sizeof(text)));
	via__how_text(&s->holds[users[0]], way[0], sizeof(way[0]));
	for (uint32_t i = 1; i < n; i++) {
		char *now = way[i & 1], *before = way[!(i & 1)];

		if (i == WAYS_MAX) {
			via__out_print(out, ",...");
			return;
		}
		via__how_text(&s->holds[users[i]], now, sizeof(way[0]));
		if (strcmp(now, before) != 0)
			via__out_print(out, ",%s", now);
	}
}

/* Who holds one end, from item n on; returns how many items there are then. */
static size_t put_end(const struct via__show *show, struct via__out *out,
		      uint32_t object, size_t n)
{
	const struct via_snapshot *s = show->s;
	const struct via_object *o = &s->objects[object];
	const uint32_t *users = s->users + o->first_user;

	for (uint32_t i = 0, end; i < o->n_users; i = end, n++) {
		uint32_t process = s->holds[users[i]].process;

		for (end = i + 1; end < o->n_users; end++)
			if (s->holds[users[end]].process != process)
				break;
		if (show->items_max && n >= show->items_max)
			continue;
		via__out_print(out, "%s", n ? "\n" : "");
		put_ways(s, out, users + i, end - i);
	}
	return n;
}

/* The messages that have it, from item n on; likewise. */
static size_t put_flights(const struct via__show *show, struct via__out *out,
			  uint32_t object, size_t n)
{
	const struct via_snapshot *s = show->s;

	for (uint32_t i = VIA_NONE;
	     (i = via__next_flight(s, object, i)) != VIA_NONE; n++) {
		const struct via_link *l = &s->links[i];
		char text[VIA__TEXT_MAX];

		if (show->items_max && n >= show->items_max)
			continue;
		via__out_print(out, "%sin flight in ", n ? "\n" : "");
		via__out_text(out,
			      via__object_text(s, l->to, text, sizeof(text)));
		via__out_print(out, ",%s%s",
			       l->events & VIA_HOLD_READ ? "r" : "",
			       l->events & VIA_HOLD_WRITE ? "w" : "");
	}
	return n;
}

void via__cell_ends(const struct via__show *show, const struct via__line *line,
		    struct via__out *out)
{
	if (line->object == VIA_NONE)
		return;
	uint32_t other = via__other_end(show->s, line->object);
	size_t n = put_end(show, out, line->object, 0);

	if (other != VIA_NONE)
		n = put_end(show, out, other, n);
	n = put_flights(show, out, line->object, n);
	if (other != VIA_NONE)
		n = put_flights(show, out, other, n);
	if (show->items_max && n > show->items_max)
		via__out_print(out, "\nand %zu more", n - show->items_max);
}

static json_t *end_json(const struct via_snapshot *s,
			const struct via_holding *h)
{
	const struct via_task *task = &s->processes[h->process].task;
	json_t *o = json_pack("{si ss si sb sb sb}", "pid", task->pid, "how",
			      via__how_word(h->how), "id", h->id, "read",
			      !!(h->flags & VIA_HOLD_READ), "write",
			      !!(h->flags & VIA_HOLD_WRITE), "shared",
			      !!(h->flags & VIA_HOLD_SHARED));

	if (o && !via__json_set_bytes(o, "comm", "comm_base64", task->comm,
				      strlen(task->comm)))
		return o;
	json_decref(o);
	return NULL;
}

json_t *via__json_ends(const struct via__show *show,
		       const struct via__line *line)
{
	json_t *list = json_array();
	const struct via_holding *h;

	if (line->object == VIA_NONE)
		return list;
	struct ends e = ends_of(show->s, line->object);

	while (list && (h = next_end(&e)))
		if (via__append(list, end_json(show->s, h)) < 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

void via__cell_flights(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	if (line->object != VIA_NONE)
		put_flights(show, out, line->object, 0);
}

static json_t *flight_json(const struct via_snapshot *s,
			   const struct via_link *l)
{
	char text[VIA__TEXT_MAX];

	return json_pack("{ss sI sb sb}", "socket",
			 via__object_text(s, l->to, text, sizeof(text)), "ino",
			 (json_int_t)s->objects[l->to].ino, "read",
			 !!(l->events & VIA_HOLD_READ), "write",
			 !!(l->events & VIA_HOLD_WRITE));
}

json_t *via__json_flights(const struct via__show *show,
			  const struct via__line *line)
{
	json_t *list = json_array();
	uint32_t i = VIA_NONE;

	while (list && line->object != VIA_NONE &&
	       (i = via__next_flight(show->s, line->object, i)) != VIA_NONE)
		if (via__append(list,
				flight_json(show->s, &show->s->links[i])) < 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

/* Few processes: a list is quicker than a table. */
#define COUNT_MAX 64

static bool count_one(uint32_t *seen, unsigned int *n, unsigned int max,
		      uint32_t process)
{
	for (unsigned int i = 0; i < *n; i++)
		if (seen[i] == process)
			return true;
	seen[(*n)++] = process;
	return *n < max;
}

/* Its program and where it is are of a process alone, though others may have
 * the same. */
static bool is_use(const struct via_holding *h)
{
	return h->how != VIA_HOLDS_CWD && h->how != VIA_HOLDS_ROOT &&
	       h->how != VIA_HOLDS_EXE;
}

static bool count_end(const struct via_snapshot *s, uint32_t object,
		      uint32_t *seen, unsigned int *n, unsigned int max)
{
	const struct via_object *o = &s->objects[object];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (is_use(h) && !count_one(seen, n, max, h->process))
			return false;
	}
	for (uint32_t i = 0; i < o->n_waiters; i++) {
		const struct via_wait *w =
			&s->waits[s->waiters[o->first_waiter + i]];

		if (!count_one(seen, n, max, s->threads[w->thread].process))
			return false;
	}
	return true;
}

unsigned int via__count_processes(const struct via_snapshot *s, uint32_t object,
				  unsigned int max)
{
	uint32_t seen[COUNT_MAX], other = via__other_end(s, object);
	unsigned int n = 0;

	max = max < COUNT_MAX ? max : COUNT_MAX;
	if (count_end(s, object, seen, &n, max) && other != VIA_NONE)
		(void)count_end(s, other, seen, &n, max);
	return n;
}

bool via__number_n_processes(const struct via__show *show,
			     const struct via__line *line, int64_t *ret)
{
	const struct via_holding *h;
	uint32_t before = VIA_NONE;

	if (line->object == VIA_NONE)
		return false;
	struct ends e = ends_of(show->s, line->object);

	/* By process within either end; one that has both counts once if it
	 * is the only one. */
	*ret = 0;
	while ((h = next_end(&e))) {
		*ret += h->process != before;
		before = h->process;
	}
	return true;
}
