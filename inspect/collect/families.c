/* SPDX-License-Identifier: MIT */
/* Of which family the other sockets are that somebody holds: netlink and packet
 * sockets, by their tables in /proc/PID/net. */
#include <errno.h>
#include <sys/socket.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/netfile.h"

static const struct table {
	const char *file, *name;
	uint32_t family;
	int (*parse)(const char *line, struct via__net_plain *ret);
} tables[] = {
	{"net/netlink", "netlink", AF_NETLINK, via__net_parse_netlink},
	{"net/packet", "packet", AF_PACKET, via__net_parse_packet},
};

struct look {
	struct via_snapshot *s;
	const struct via__space *space;
	const struct table *table;
};

/* The kernel has sockets of its own there: only those that are held count. */
static void take(const char *line, void *arg)
{
	const struct look *l = arg;
	struct via__net_plain p;

	if (l->table->parse(line, &p) < 0 ||
	    via_snapshot_object(l->s, VIA_KIND_SOCKET, 0, p.ino, 0) == VIA_NONE)
		return;
	uint32_t object = via__socket_object(l->s,
					     &(struct via__socket_id){
						     .kind = VIA_KIND_SOCKET,
						     .family = l->table->family,
						     .type = p.type,
						     .protocol = p.protocol,
						     .net_ns = l->space->ns,
						     .ino = p.ino,
					     });
	struct via_object *o = via__object_at(l->s, object);

	o->name = via__text_of(l->s, l->table->name);
	o->flags |= VIA_OBJECT_PACKETS | VIA_OBJECT_REMOTE;
	o->level = via__socket(l->s, object)->receive = p.receive;
}

static int look_in(struct via__scene *scene, const struct via__space *space,
		   void *arg)
{
	struct look l = {scene->s, space, NULL};
	int err = 0;

	(void)arg;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		l.table = &tables[i];
		err = via__net_each(space->dir, l.table->file, take, &l);
	}
	return err;
}

static void families_all(struct via__scene *scene)
{
	via__each_space(scene, offsetof(struct via_process, net_ns), "ns/net",
			look_in, NULL);
}

const struct via__collector via__collector_families = {
	.name = "families",
	.summary = "which other sockets are netlink or packet sockets",
	.want = VIA_WANT_SOCKETS,
	.all = families_all,
};
