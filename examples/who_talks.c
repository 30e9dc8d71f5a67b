/* SPDX-License-Identifier: MIT */
/*
 * who_talks PID: which processes a process could talk to, over which pipes and
 * sockets, with libvia-inspect. They need not know it.
 *
 * A snapshot is arrays that name each other by index, and does not change:
 * nobody comes or goes while it is read. A pipe is one object with two ends, of
 * two connected sockets each is an object and the other one its peer. Names are
 * what other processes chose: none is printed, since a terminal may act on it.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <via/inspect.h>

/* Everybody else who has the object, through each of their descriptors. */
static void print_others(const struct via_snapshot *s,
			 const struct via_holding *mine, uint32_t object)
{
	const struct via_object *o = &s->objects[object];

	for (uint32_t i = 0; i < o->n_users; i++) {
		const struct via_holding *h =
			&s->holds[s->users[o->first_user + i]];

		if (h->process != mine->process && h->how == VIA_HOLDS_FD)
			printf("%s %d: descriptor %d of process %d\n",
			       via_kind_name(o->kind), mine->id, h->id,
			       s->processes[h->process].task.pid);
	}
}

int main(int argc, char **argv)
{
	const struct via_look look = {.want = VIA_WANT_FDS | VIA_WANT_SOCKETS};
	struct via_error error = {0};
	struct via_snapshot *s;

	if (argc != 2)
		errx(2, "usage: who_talks PID");
	if (via_snapshot_take(&look, &s, &error) < 0)
		errx(1, "%s", error.text);
	uint32_t process = via_snapshot_process(s, atoi(argv[1]));

	if (process == VIA_NONE)
		errx(1, "there is no process %s", argv[1]);
	for (uint32_t i = 0; i < s->n_holds; i++) {
		const struct via_holding *h = &s->holds[i];
		const struct via_object *o = &s->objects[h->object];

		if (h->process != process || h->how != VIA_HOLDS_FD ||
		    o->kind < VIA_KIND_PIPE || o->kind > VIA_KIND_SOCKET)
			continue;
		print_others(s, h, h->object);
		if (o->peer != VIA_NONE)
			print_others(s, h, o->peer);
	}
	via_snapshot_free(s);
	return 0;
}
