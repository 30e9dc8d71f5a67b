/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in flight: open files in messages that nobody has taken out of a
 * Unix socket yet. /proc tells how many a socket has (sight.c), the program in the
 * kernel that tells of sockets which they are (unixbpf.c).
 *
 * Of pipes and sockets they are the references that no process has, so that
 * those that are known can be counted (refs.c). Of anything else, locks may
 * belong to them as well, so that the socket counts as if nothing was known.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "inspect/collect/enter.h"
#include "inspect/collect/fd.h"
#include "inspect/model/array.h"

/* --- What they are of --- */

/* What one is of, and in which socket. */
struct where {
	uint32_t object, socket;
};

static int by_file(const void *a, const void *b)
{
	const struct via__bpf_file *x = *(const struct via__bpf_file *const *)a,
				   *y = *(const struct via__bpf_file *const *)b;

	return (x->file > y->file) - (x->file < y->file);
}

/* The object that a descriptor is of. */
static uint32_t object_of(const struct via_snapshot *s,
			  const struct via__bpf_file *r)
{
	uint32_t process = via_snapshot_process(s, (pid_t)r->pid);
	uint32_t hold = process == VIA_NONE
				? VIA_NONE
				: via_snapshot_fd(s, process, r->fd);

	return hold == VIA_NONE ? VIA_NONE : s->holds[hold].object;
}

/* Those that a process has as well. */
static void find_held(const struct via__scene *scene, struct where *where)
{
	const struct via__bpf *b = &scene->bpf;
	const struct via__bpf_file **sorted = calloc(b->n_flights,
						     sizeof(void *));

	for (size_t i = 0; sorted && i < b->n_flights; i++)
		sorted[i] = &b->flights[i].file;
	if (sorted)
		qsort(sorted, b->n_flights, sizeof(*sorted), by_file);
	for (size_t i = 0; sorted && i < b->n_files; i++) {
		const struct via__bpf_file *held = &b->files[i];
		const struct via__bpf_file **found = bsearch(
			&held, sorted, b->n_flights, sizeof(*sorted), by_file);

		if (!found || held->epoll)
			continue;
		while (found > sorted && by_file(found - 1, &held) == 0)
			found--;
		uint32_t object = where[(*found)->fd].object == VIA_NONE
					  ? object_of(scene->s, held)
					  : VIA_NONE;

		for (; object != VIA_NONE && found < sorted + b->n_flights &&
		       by_file(found, &held) == 0;
		     found++)
			where[(*found)->fd].object = object;
	}
	free(sorted);
}

/* One that no process has: a pipe or a socket, also if it was not seen. */
static uint32_t find_alone(struct via__scene *scene,
			   const struct via__bpf_file *r)
{
	static const enum via_kind kinds[] = {VIA_KIND_UNIX, VIA_KIND_TCP,
					      VIA_KIND_UDP, VIA_KIND_SOCKET};
	uint64_t dev = makedev(r->dev >> 20, r->dev & 0xfffff);
	uint32_t object = VIA_NONE;

	if (S_ISFIFO(r->mode))
		return via__object(scene->s,
				   via__place_known(&scene->devices, dev) ==
						   VIA__PLACE_PIPES
					   ? VIA_KIND_PIPE
					   : VIA_KIND_FIFO,
				   dev, r->ino, 0);
	for (size_t i = 0; S_ISSOCK(r->mode) && object == VIA_NONE &&
			   i < sizeof(kinds) / sizeof(*kinds);
	     i++)
		object = via_snapshot_object(scene->s, kinds[i], 0, r->ino, 0);
	return object;
}

/* --- Where they are --- */

static void add_unknown(struct via__scene *scene, uint32_t socket)
{
	if (via__room(&scene->unknown_flights, scene->n_unknown_flights,
		      &scene->max_unknown_flights, sizeof(socket)))
		scene->unknown_flights[scene->n_unknown_flights++] = socket;
	else
		scene->flights_known = false;
}

/* The socket that a message is in: of a connection that is not accepted yet the
 * listener, in whose queue it is. */
static uint32_t socket_of(const struct via_snapshot *s,
			  const struct via__bpf_flight *r)
{
	uint32_t socket = via_snapshot_object(s, VIA_KIND_UNIX, 0,
					      r->ino ? r->ino : r->peer, 0);

	if (r->ino || socket == VIA_NONE || !r->peer)
		return r->ino ? socket : VIA_NONE;
	for (uint32_t i = via__first_link(s, socket);
	     i < s->n_links && s->links[i].from == socket; i++)
		if (s->links[i].kind == VIA_LINK_CONNECTING)
			return s->links[i].to;
	return VIA_NONE;
}

/* Those of one socket: n of them. */
static void link_all(struct via__scene *scene, const struct where *where,
		     const struct via__bpf_flight *all, size_t n)
{
	uint32_t socket = where->socket;
	bool known = n == all->n_files;

	if (socket == VIA_NONE) {
		scene->flights_known = false;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t object = where[i].object;

		known &= object != VIA_NONE && via__is_counted(&all[i].file);
		if (object == VIA_NONE)
			continue;
		struct via_link *l = via__add_link(scene->s, object, socket,
						   VIA_LINK_IN_FLIGHT);

		l->events = all[i].file.open_for;
		l->source = VIA_SOURCE_BPF;
		(void)via__note(scene, all[i].file.file, object);
	}
	if (!known)
		add_unknown(scene, socket);
}

static void tell(struct via__scene *scene)
{
	const struct via__bpf *b = &scene->bpf;
	struct where *where = calloc(b->n_flights, sizeof(*where));
	size_t next;

	if (!where) {
		scene->flights_known = false;
		return;
	}
	/* Links can be searched only until some are added. */
	for (size_t i = 0; i < b->n_flights; i++)
		where[i] = (struct where){VIA_NONE,
					  socket_of(scene->s, &b->flights[i])};
	find_held(scene, where);
	for (size_t i = 0; i < b->n_flights; i++)
		if (where[i].object == VIA_NONE)
			where[i].object = find_alone(scene,
						     &b->flights[i].file);
	for (size_t i = 0; i < b->n_flights; i = next) {
		for (next = i + 1;
		     next < b->n_flights &&
		     b->flights[next].socket == b->flights[i].socket;)
			next++;
		link_all(scene, &where[i], &b->flights[i], next - i);
	}
	free(where);
}

static void flight_all(struct via__scene *scene)
{
	if (scene->bpf.n_flights)
		tell(scene);
	via__refs(scene);
}

const struct via__collector via__collector_flight = {
	.name = "flight",
	.summary = "descriptors in messages, told by the kernel",
	.want = VIA_WANT_FDS,
	.all = flight_all,
};
