/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets, also those that nobody we may look at holds: addresses, peers,
 * queues, who waits to be accepted. From NETLINK_SOCK_DIAG, which tells
 * everybody, for each network namespace; one that may not be entered still has
 * a table in /proc/PID/net/unix, with names and states alone.
 *
 * Peers may be of another namespace, so they are joined when all is known. A
 * connection that has not been accepted yet has an inode number of 0, and is
 * told apart by the kernel's cookie; the client's is what the listener names
 * (UNIX_DIAG_ICONS): Linux, net/unix/diag.c.
 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/netfile.h"

#define ADDRESS_MAX 128	 /* sun_path is 108 */
#define WAITING_MAX 4096 /* somaxconn's usual value: named, not counted */

/* SOCK_, TCP_ of unix_diag_msg, linux/net.h */
#define STATE_LISTEN 10
#define SHUT_RECEIVE 1
#define SHUT_SEND    2

/* What a socket says of another one. */
struct bond {
	uint32_t object; /* who says it */
	uint32_t ino;	 /* of whom */
	bool waits;	 /* it is in the queue of object; or it is its peer */
};

struct bonds {
	struct bond *at;
	size_t n, max;
};

struct look {
	struct via__scene *scene;
	const struct via__space *space;
	struct bonds *bonds;
};

static void add_bond(struct bonds *b, uint32_t object, uint32_t ino, bool waits)
{
	if (b->n == b->max) {
		size_t max = b->max ? 2 * b->max : 256;
		void *more = reallocarray(b->at, max, sizeof(*b->at));

		if (!more)
			return;
		b->at = more;
		b->max = max;
	}
	b->at[b->n++] = (struct bond){object, ino, waits};
}

/* --- What is said of one --- */

struct message {
	const void *at;
	size_t len;
};

static int get(const struct message *m, unsigned int type, void *ret,
	       size_t max)
{
	return via__diag_attribute(m->at, m->len, sizeof(struct unix_diag_msg),
				   type, ret, max);
}

static void read_name(struct via_snapshot *s, const struct message *m,
		      struct via_socket *socket)
{
	char name[ADDRESS_MAX];
	int n = get(m, UNIX_DIAG_NAME, name, sizeof(name));

	if (n <= 0)
		return;
	size_t len = (size_t)n < sizeof(name) ? (size_t)n : sizeof(name);

	/* A path ends with a NUL, an abstract name begins with one. */
	if (*name)
		len = strnlen(name, len);
	else
		*name = '@';
	socket->local = via__text(s, name, len);

	struct unix_diag_vfs vfs;

	if (get(m, UNIX_DIAG_VFS, &vfs, sizeof(vfs)) < (int)sizeof(vfs))
		return;
	/* The kernel's own form: 12 bits and 20. */
	socket->file_dev = makedev(vfs.udiag_vfs_dev >> 20,
				   vfs.udiag_vfs_dev & 0xfffff);
	socket->file_ino = vfs.udiag_vfs_ino;
}

static void read_queues(const struct message *m, struct via_object *o,
			struct via_socket *socket)
{
	struct unix_diag_rqlen queue;
	uint32_t memory[SK_MEMINFO_VARS];

	if (get(m, UNIX_DIAG_RQLEN, &queue, sizeof(queue)) >=
	    (int)sizeof(queue)) {
		socket->receive = o->level = queue.udiag_rqueue;
		if (o->flags & VIA_OBJECT_LISTENS)
			o->capacity = queue.udiag_wqueue;
		socket->send = queue.udiag_wqueue;
	}
	if (get(m, UNIX_DIAG_MEMINFO, memory, sizeof(memory)) >=
	    (int)((SK_MEMINFO_SNDBUF + 1) * sizeof(*memory)))
		/* What waits to be read is charged to who has sent it. */
		socket->send_max = memory[SK_MEMINFO_SNDBUF];
}

static void read_state(const struct message *m, struct via_object *o,
		       struct via_socket *socket)
{
	uint8_t shut = 0;
	uint32_t uid;

	socket->state = ((const struct unix_diag_msg *)m->at)->udiag_state;
	if (socket->state == STATE_LISTEN)
		o->flags |= VIA_OBJECT_LISTENS;
	if (socket->type != SOCK_STREAM)
		o->flags |= VIA_OBJECT_PACKETS;
	(void)get(m, UNIX_DIAG_SHUTDOWN, &shut, sizeof(shut));
	if (shut & SHUT_RECEIVE)
		o->flags |= VIA_OBJECT_SHUT_READ;
	if (shut & SHUT_SEND)
		o->flags |= VIA_OBJECT_SHUT_WRITE;
	if (get(m, UNIX_DIAG_UID, &uid, sizeof(uid)) >= (int)sizeof(uid))
		socket->uid = uid;
}

static void read_bonds(const struct message *m, struct bonds *bonds,
		       uint32_t object)
{
	uint32_t waiting[WAITING_MAX], peer;
	int n = get(m, UNIX_DIAG_ICONS, waiting, sizeof(waiting));

	for (size_t i = 0;
	     n > 0 && i < (size_t)n / sizeof(*waiting) && i < WAITING_MAX; i++)
		if (waiting[i])
			add_bond(bonds, object, waiting[i], true);
	if (get(m, UNIX_DIAG_PEER, &peer, sizeof(peer)) >= (int)sizeof(peer) &&
	    peer)
		add_bond(bonds, object, peer, false);
}

static void take(const void *message, size_t len, void *arg)
{
	const struct look *l = arg;
	const struct message m = {message, len};
	const struct unix_diag_msg *head = message;
	struct via_snapshot *s = l->scene->s;
	const struct via__socket_id id = {
		.kind = VIA_KIND_UNIX,
		.family = AF_UNIX,
		.type = head->udiag_type,
		.net_ns = l->space->ns,
		.ino = head->udiag_ino,
		.sub = head->udiag_ino ? 0
				       : (uint64_t)head->udiag_cookie[1] << 32 |
						 head->udiag_cookie[0],
	};

	uint32_t object = via__socket_object(s, &id);
	struct via_object *o = via__object_at(s, object);
	struct via_socket *socket = via__socket(s, object);

	read_name(s, &m, socket);
	o->name = socket->local;
	read_state(&m, o, socket);
	read_queues(&m, o, socket);
	read_bonds(&m, l->bonds, object);
}

/* --- Where it is said --- */

static void take_line(const struct via__net_unix *u, void *arg)
{
	const struct look *l = arg;
	struct via_snapshot *s = l->scene->s;
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
	static const struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_states = UINT32_MAX,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS |
			      UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS |
			      UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO |
			      UDIAG_SHOW_UID,
	};
	struct look l = {scene, space, arg};
	int fd = via__diag_open(space), err = fd;

	if (fd >= 0) {
		err = via__diag_dump(fd, SOCK_DIAG_BY_FAMILY, &request,
				     sizeof(request),
				     sizeof(struct unix_diag_msg), take, &l);
		close(fd);
	}
	return err < 0 && err != -ESRCH
		       ? via__net_unix_each(space->dir, take_line, &l)
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
			->source = VIA_SOURCE_DIAG;
		return;
	}
	struct via_object *o = via__object_at(s, b->object);

	/* Of datagrams many may send to one that knows none of them. */
	o->peer = other;
	via__socket(s, b->object)->remote = via__object_at(s, other)->name;
}

static void unixdiag_all(struct via__scene *scene)
{
	struct bonds bonds = {0};

	via__each_space(scene, offsetof(struct via_process, net_ns), "ns/net",
			look_in, &bonds);
	for (size_t i = 0; i < bonds.n; i++)
		join(scene->s, &bonds.at[i]);
	free(bonds.at);
}

const struct via__collector via__collector_unixdiag = {
	.name = "unixdiag",
	.summary = "Unix sockets: addresses, peers, queues",
	.want = VIA_WANT_SOCKETS,
	.all = unixdiag_all,
};
