/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets, also those that nobody we may look at holds: addresses, peers,
 * queues, who waits to be accepted. For each network namespace, from a program in
 * the kernel if there is one, or from NETLINK_SOCK_DIAG; one that may not be
 * entered still has a table in /proc/PID/net/unix, with names and states alone.
 *
 * Peers may be of another namespace, so they are joined when all is known. A
 * connection that has not been accepted yet is not told of: it has no number, and
 * the listener names that of its client.
 */
#include "inspect/collect/unix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/netfile.h"
#include "inspect/model/array.h"

/* TCP_ of unix_diag_msg */
#define STATE_LISTEN 10
#define SHUT_RECEIVE 1
#define SHUT_SEND    2

/* What a socket says of another one. */
struct bond {
	uint32_t object; /* who says it */
	uint32_t ino;	 /* of whom */
	uint8_t waits;	 /* it is in the queue of object; or it is its peer */
	uint8_t source;	 /* who told it */
};

struct bonds {
	struct bond *at;
	size_t n, max;
};

struct look {
	struct via_snapshot *s;
	const struct via__space *space;
	enum via_source source;
	struct bonds bonds;
	struct via__unix_program program;
};

static void add_bond(struct look *l, uint32_t object, uint32_t ino, bool waits)
{
	struct bonds *b = &l->bonds;

	if (via__room(&b->at, b->n, &b->max, sizeof(*b->at)))
		b->at[b->n++] = (struct bond){object, ino, waits,
					      (uint8_t)l->source};
}

/* --- What is said of one --- */

static void put_name(struct via_snapshot *s, const struct via__unix_told *told,
		     struct via_socket *socket)
{
	char name[128];
	size_t len = told->name_len;

	if (!len)
		return;
	if (len > sizeof(name))
		len = sizeof(name);
	memcpy(name, told->name, len);
	/* A path ends with a NUL, an abstract name begins with one. */
	if (*name)
		len = strnlen(name, len);
	else
		*name = '@';
	socket->local = via__text(s, name, len);
	if (!told->file_ino)
		return;
	/* The kernel's own form: 12 bits and 20. */
	socket->file_dev = makedev(told->file_dev >> 20,
				   told->file_dev & 0xfffff);
	socket->file_ino = told->file_ino;
}

static void put_state(const struct via__unix_told *told, struct via_object *o,
		      struct via_socket *socket)
{
	socket->state = told->state;
	socket->uid = told->uid;
	if (socket->state == STATE_LISTEN)
		o->flags |= VIA_OBJECT_LISTENS;
	if (socket->type != SOCK_STREAM)
		o->flags |= VIA_OBJECT_PACKETS;
	if (told->shut & SHUT_RECEIVE)
		o->flags |= VIA_OBJECT_SHUT_READ;
	if (told->shut & SHUT_SEND)
		o->flags |= VIA_OBJECT_SHUT_WRITE;
	socket->receive = o->level = told->receive;
	if (o->flags & VIA_OBJECT_LISTENS)
		o->capacity = told->send;
	socket->send = told->send;
	/* What waits to be read is charged to who has sent it. */
	socket->send_max = told->send_max;
}

static void put(const struct via__unix_told *told, void *arg)
{
	struct look *l = arg;
	const struct via__socket_id id = {
		.kind = VIA_KIND_UNIX,
		.family = AF_UNIX,
		.type = told->type,
		.net_ns = l->space->ns,
		.ino = told->ino,
	};
	uint32_t object = via__socket_object(l->s, &id);
	struct via_object *o = via__object_at(l->s, object);
	struct via_socket *socket = via__socket(l->s, object);

	put_name(l->s, told, socket);
	o->name = socket->local;
	put_state(told, o, socket);
	for (size_t i = 0; i < told->n_waiting; i++)
		if (told->waiting[i])
			add_bond(l, object, told->waiting[i], true);
	if (told->peer)
		add_bond(l, object, told->peer, false);
}

/* --- Where it is said --- */

static void take_line(const struct via__net_unix *u, void *arg)
{
	const struct look *l = arg;
	struct via_snapshot *s = l->s;
	uint32_t object = via__socket_object(
		s, &(struct via__socket_id){.kind = VIA_KIND_UNIX,
					    .family = AF_UNIX,
					    .type = u->type,
					    .net_ns = l->space->ns,
					    .ino = u->ino});
	struct via_object *o = via__object_at(s, object);
	struct via_socket *socket = via__socket(s, object);

	socket->local = o->name = via__text(s, u->name, u->name_len);
	socket->state = u->state;
	if (socket->state == STATE_LISTEN)
		o->flags |= VIA_OBJECT_LISTENS;
	if (u->type != SOCK_STREAM)
		o->flags |= VIA_OBJECT_PACKETS;
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	struct look *l = arg;

	l->space = space;
	l->source = VIA_SOURCE_BPF;
	int err = via__unix_bpf(&l->program, space, put, l);

	if (!err || err == -ESRCH)
		return err;
	scene->flights_known = false;
	l->source = VIA_SOURCE_DIAG;
	err = via__unix_diag(space, put, l);
	return err < 0 && err != -ESRCH
		       ? via__net_unix_each(space->dir, take_line, l)
		       : err;
}

static void join(struct via_snapshot *s, const struct bond *b)
{
	uint32_t other = via_snapshot_object(s, VIA_KIND_UNIX, 0, b->ino, 0);

	if (other == VIA_NONE) {
		s->sight.n_dropped++;
		return;
	}
	if (b->waits) {
		via__add_link(s, other, b->object, VIA_LINK_CONNECTING)
			->source = b->source;
		return;
	}
	struct via_object *o = via__object_at(s, b->object);

	/* Of datagrams many may send to one that knows none of them. */
	o->peer = other;
	via__socket(s, b->object)->remote = via__object_at(s, other)->name;
}

static size_t n_sockets(const struct via_snapshot *s)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->n_objects; i++)
		n += s->objects[i].kind == VIA_KIND_SOCKET;
	return n;
}

static void unix_all(struct via__scene *scene)
{
	struct look l = {
		.s = scene->s,
		.program = {.link = -1, .ring = {.fd = -1}},
	};

	if (scene->bpf.open)
		via__unix_bpf_open(&l.program, &scene->bpf,
				   n_sockets(scene->s));
	scene->flights_known = l.program.link >= 0;
	via__each_space(scene, offsetof(struct via_process, net_ns), "ns/net",
			look_in, &l);
	via__unix_bpf_fini(&l.program);
	for (size_t i = 0; i < l.bonds.n; i++)
		join(scene->s, &l.bonds.at[i]);
	free(l.bonds.at);
}

const struct via__collector via__collector_unix = {
	.name = "unix",
	.summary = "Unix sockets: addresses, peers, queues, what is in flight",
	.want = VIA_WANT_SOCKETS,
	.all = unix_all,
};
