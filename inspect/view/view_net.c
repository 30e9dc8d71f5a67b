/* SPDX-License-Identifier: MIT */
/* via ls --net: sockets, each end by itself: the view of ss(8). */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "inspect/view/cells.h"
#include "inspect/view/format.h"
#include "inspect/view/text.h"
#include "inspect/view/words.h"

static void net_lines(const struct via__show *show, struct via__lines *ret)
{
	const struct via_snapshot *s = show->s;

	for (uint32_t kind = VIA_KIND_UNIX; kind <= VIA_KIND_SOCKET; kind++)
		for (uint32_t i = 0; i < s->n_objects; i++)
			if (s->objects[i].kind == kind &&
			    via__filter_object(s, show->filter, i))
				via__add_line(ret)->object = i;
}

static const struct via_socket *socket_of(const struct via__show *show,
					  const struct via__line *line)
{
	uint32_t detail = show->s->objects[line->object].detail;

	return detail == VIA_NONE ? NULL : &show->s->sockets[detail];
}

static void cell_type(const struct via__show *show,
		      const struct via__line *line, struct via__out *out)
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
		{SOCK_STREAM, "stream"},
		{SOCK_DGRAM, "dgram"},
		{SOCK_SEQPACKET, "seqpacket"},
		{SOCK_RAW, "raw"},
	};
	const struct via_socket *socket = socket_of(show, line);

	for (size_t i = 0; socket && i < sizeof(names) / sizeof(*names); i++)
		if (names[i].type == socket->type)
			via__out_print(out, "%s", names[i].name);
}

static void cell_state(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	const struct via_socket *socket = socket_of(show, line);

	if (socket && socket->state)
		via__out_print(out, "%s",
			       via__socket_state_word(socket->state));
}

/* A number of the socket, if it is known. */
#define SOCKET_NUMBER(name, member)                                            \
	static bool name(const struct via__show *show,                         \
			 const struct via__line *line, int64_t *ret)           \
	{                                                                      \
		const struct via_socket *socket = socket_of(show, line);       \
                                                                               \
		*ret = socket ? (int64_t)socket->member : VIA_UNKNOWN;         \
		return *ret != VIA_UNKNOWN;                                    \
	}

SOCKET_NUMBER(number_receive, receive)
SOCKET_NUMBER(number_send, send)
SOCKET_NUMBER(number_receive_max, receive_max)
SOCKET_NUMBER(number_send_max, send_max)
SOCKET_NUMBER(number_received, received)
SOCKET_NUMBER(number_sent, sent)
SOCKET_NUMBER(number_net_ns, net_ns)
SOCKET_NUMBER(number_uid, uid)

static void put_address(const struct via__show *show, struct via__out *out,
			uint32_t address, uint32_t object)
{
	char text[VIA__TEXT_MAX];
	size_t len;
	const char *bytes = via_snapshot_text(show->s, address, &len);

	if (len)
		via__out_bytes(out, bytes, len, NULL);
	else if (object != VIA_NONE)
		via__out_text(out, via__object_name(show->s, object, text,
						    sizeof(text)));
}

static void cell_local(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	const struct via_socket *socket = socket_of(show, line);

	put_address(show, out, socket ? socket->local : 0, line->object);
}

static void cell_remote(const struct via__show *show,
			const struct via__line *line, struct via__out *out)
{
	const struct via_socket *socket = socket_of(show, line);

	put_address(show, out, socket ? socket->remote : 0,
		    show->s->objects[line->object].peer);
}

/* Who holds this end alone. */
static const struct via_holding *holder(const struct via__show *show,
					uint32_t object, uint32_t i)
{
	const struct via_object *o = &show->s->objects[object];

	return i < o->n_users
		       ? &show->s->holds[show->s->users[o->first_user + i]]
		       : NULL;
}

static void put_holders(const struct via__show *show, struct via__out *out,
			uint32_t object)
{
	const struct via_holding *h;
	char text[VIA__TEXT_MAX];

	for (uint32_t i = 0; (h = holder(show, object, i)); i++) {
		via__out_print(out, "%s", i ? "\n" : "");
		if (show->items_max && i >= show->items_max) {
			via__out_print(out, "and %u more",
				       show->s->objects[object].n_users - i);
			return;
		}
		via__out_text(out,
			      via__end_text(show->s, h, text, sizeof(text)));
	}
}

static void cell_holders(const struct via__show *show,
			 const struct via__line *line, struct via__out *out)
{
	put_holders(show, out, line->object);
}

static void cell_peers(const struct via__show *show,
		       const struct via__line *line, struct via__out *out)
{
	uint32_t peer = show->s->objects[line->object].peer;

	if (peer != VIA_NONE)
		put_holders(show, out, peer);
}

static const struct via__column columns[] = {
	{"PROTO", "unix, tcp, udp, socket", 0, NULL, via__cell_kind},
	{"TYPE", "stream, dgram, seqpacket, raw", VIA__SPARE(5), NULL,
	 cell_type},
	{"STATE", "of the connection", 0, NULL, cell_state},
	{"RECV", "bytes to be read; listening: connections that wait",
	 VIA__RIGHT | VIA__SPARE(2), number_receive},
	{"SEND",
	 "bytes the other side has not taken; listening: how many "
	 "connections may wait",
	 VIA__RIGHT | VIA__SPARE(3), number_send},
	{"LOCAL", "its address", VIA__CUT, NULL, cell_local},
	{"REMOTE", "that of the other side", VIA__CUT | VIA__SPARE(1), NULL,
	 cell_remote},
	{"USER", "whose it is", VIA__SPARE(4), NULL, via__cell_owner},
	{"UID", "whose it is, as a number", VIA__RIGHT, number_uid},
	{"HOLDERS", "who has this end", VIA__ITEMS, NULL, cell_holders},
	{"PEERS", "who has the other one", VIA__ITEMS, NULL, cell_peers},
	{"ENDS", "who has either", VIA__ITEMS, NULL, via__cell_ends,
	 via__json_ends},
	{"RECV-MAX", "room to receive, in bytes", VIA__RIGHT,
	 number_receive_max},
	{"SEND-MAX", "room to send, in bytes", VIA__RIGHT, number_send_max},
	{"RECEIVED", "TCP: bytes ever", VIA__RIGHT, number_received},
	{"SENT", "TCP: bytes ever", VIA__RIGHT, number_sent},
	{"WAITS", "who waits for it", VIA__ITEMS, NULL, via__cell_waits,
	 via__json_waits, .want = VIA_WANT_WAITS},
	{"FLAGS", "what else it is", 0, NULL, via__cell_flags},
	{"NETNS", "inode number of its network namespace", VIA__RIGHT,
	 number_net_ns},
	{"INO", "inode number", VIA__RIGHT, via__number_ino},
	{0},
};

const struct via__view via__view_net = {
	.name = "net",
	.json = "sockets",
	.columns = columns,
	.initial = "PROTO,TYPE,STATE,RECV,SEND,LOCAL,REMOTE,USER,HOLDERS",
	.want = VIA_WANT_FDS | VIA_WANT_SOCKETS,
	.lines = net_lines,
};
