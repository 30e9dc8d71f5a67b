/* SPDX-License-Identifier: MIT */
/*
 * AF_VSOCK sockets, vsock(7): addresses, states, peers on this machine. From
 * NETLINK_SOCK_DIAG; no table in /proc has them.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/vm_sockets.h>
#include <linux/vm_sockets_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/netfile.h"
#include "inspect/model/array.h"

#define STATE_LISTEN 10

/* One that talks to another on this machine. */
struct end {
	uint32_t cid, local, remote; /* ports */
	uint32_t object;
};

struct look {
	struct via_snapshot *s;
	const struct via__space *space;
	struct end *ends;
	size_t n, max;
	bool known; /* the kernel has such sockets */
};

static void add_end(struct look *l, const struct end *one)
{
	if (via__room(&l->ends, l->n, &l->max, sizeof(*l->ends)))
		l->ends[l->n++] = *one;
}

/* --- What is said of one --- */

#define TEXT_MAX 32

static const char *format(uint32_t cid, uint32_t port, char text[TEXT_MAX])
{
	int n = cid == VMADDR_CID_ANY ? snprintf(text, TEXT_MAX, "*")
				      : snprintf(text, TEXT_MAX, "%u", cid);

	if (port == VMADDR_PORT_ANY)
		snprintf(text + n, TEXT_MAX - (size_t)n, ":*");
	else
		snprintf(text + n, TEXT_MAX - (size_t)n, ":%u", port);
	return text;
}

static void name_it(struct via_snapshot *s, const struct vsock_diag_msg *m,
		    struct via_object *o, struct via_socket *socket)
{
	char local[TEXT_MAX], remote[TEXT_MAX], text[3 * TEXT_MAX];

	format(m->vdiag_src_cid, m->vdiag_src_port, local);
	socket->local = via__text_of(s, local);
	if (m->vdiag_dst_port == VMADDR_PORT_ANY) {
		snprintf(text, sizeof(text), "vsock:%s", local);
	} else {
		format(m->vdiag_dst_cid, m->vdiag_dst_port, remote);
		socket->remote = via__text_of(s, remote);
		snprintf(text, sizeof(text), "vsock:%s->%s", local, remote);
	}
	o->name = via__text_of(s, text);
}

static uint32_t flags_of(const struct vsock_diag_msg *m)
{
	uint32_t flags = 0;

	if (m->vdiag_state == STATE_LISTEN)
		flags |= VIA_OBJECT_LISTENS;
	if (m->vdiag_type != SOCK_STREAM)
		flags |= VIA_OBJECT_PACKETS;
	if (m->vdiag_shutdown & 1)
		flags |= VIA_OBJECT_SHUT_READ;
	if (m->vdiag_shutdown & 2)
		flags |= VIA_OBJECT_SHUT_WRITE;
	return flags;
}

/* Who connects and was not bound has no CID of its own. Other addresses, even if
 * both are this machine's, may be another's too: one can be the host of a guest
 * and the guest of a host. */
static bool is_here(const struct vsock_diag_msg *m)
{
	return m->vdiag_dst_cid == VMADDR_CID_LOCAL ||
	       m->vdiag_dst_cid == m->vdiag_src_cid;
}

/* Without a number nobody has it: it waits to be accepted, or to be gone. */
static void take(const void *message, size_t len, void *arg)
{
	const struct vsock_diag_msg *m = message;
	struct look *l = arg;

	(void)len;
	if (!m->vdiag_ino)
		return;
	uint32_t object = via__socket_object(l->s,
					     &(struct via__socket_id){
						     .kind = VIA_KIND_SOCKET,
						     .family = AF_VSOCK,
						     .type = m->vdiag_type,
						     .net_ns = l->space->ns,
						     .ino = m->vdiag_ino,
					     });
	struct via_object *o = via__object_at(l->s, object);
	struct via_socket *socket = via__socket(l->s, object);

	o->flags |= flags_of(m);
	socket->state = m->vdiag_state;
	name_it(l->s, m, o, socket);
	if (m->vdiag_dst_port == VMADDR_PORT_ANY)
		return;
	if (is_here(m))
		add_end(l, &(struct end){m->vdiag_dst_cid, m->vdiag_src_port,
					 m->vdiag_dst_port, object});
	else
		o->flags |= VIA_OBJECT_REMOTE;
}

/* --- Who talks to whom --- */

static int compare_way(const struct end *a, const struct end *b)
{
	int r = (a->cid > b->cid) - (a->cid < b->cid);

	if (!r)
		r = (a->local > b->local) - (a->local < b->local);
	return r ? r : (a->remote > b->remote) - (a->remote < b->remote);
}

static int compare(const void *a, const void *b)
{
	return compare_way(a, b);
}

/* Where namespaces have the same ports, nobody says who is whose. */
static void join(struct look *l)
{
	if (l->n)
		qsort(l->ends, l->n, sizeof(*l->ends), compare);
	for (size_t i = 0; i < l->n; i++) {
		const struct end *one = &l->ends[i];
		const struct end way = {one->cid, one->remote, one->local, 0};
		const struct end *peer = bsearch(&way, l->ends, l->n,
						 sizeof(way), compare);

		if (!peer || peer == one ||
		    (peer > l->ends && compare_way(peer - 1, peer) == 0) ||
		    (peer + 1 < l->ends + l->n &&
		     compare_way(peer + 1, peer) == 0))
			continue;
		via__object_at(l->s, one->object)->peer = peer->object;
	}
}

/* --- Asking --- */

static void note(const char *line, void *arg)
{
	struct look *l = arg;

	l->known |= strncmp(line, "AF_VSOCK", 8) == 0;
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	const struct vsock_diag_req request = {
		.sdiag_family = AF_VSOCK,
		.vdiag_states = UINT32_MAX,
	};
	struct look *l = arg;

	l->s = scene->s;
	l->space = space;
	/* To ask would load the module. */
	(void)via__net_each(space->dir, "net/protocols", note, l);
	int fd = l->known ? via__diag_open(space) : -ENOENT;

	if (fd < 0)
		return fd == -ESRCH ? fd : 0;
	(void)via__diag_dump(fd, SOCK_DIAG_BY_FAMILY, &request, sizeof(request),
			     sizeof(struct vsock_diag_msg), take, l);
	close(fd);
	return 0;
}

/* Whether somebody has a socket that is in no other table. */
static bool is_any_unknown(const struct via_snapshot *s)
{
	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == VIA_KIND_SOCKET &&
		    s->objects[i].detail == VIA_NONE)
			return true;
	return false;
}

static void vsock_all(struct via__scene *scene)
{
	struct look l = {0};

	if (!is_any_unknown(scene->s))
		return;
	via__each_space(scene, offsetof(struct via_process, net_ns), "ns/net",
			look_in, &l);
	join(&l);
	free(l.ends);
}

const struct via__collector via__collector_vsock = {
	.name = "vsock",
	.summary = "sockets of virtual machines (AF_VSOCK): addresses, peers",
	.want = VIA_WANT_SOCKETS,
	.all = vsock_all,
};
