/* SPDX-License-Identifier: MIT */
/*
 * shm: one lane of shared memory per sender, handed over a Unix socket. The
 * fast one, between peers who need not trust each other: see shm.h for how it
 * goes, docs/WIRE.md for the layout.
 *
 * The name is an abstract socket's (unix(7)), which vanishes with the
 * receiver however it ends; with a slash in front it is a path.
 */
#include "transport/shm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/sys.h"

#define ABSTRACT "@via/shm/"

static void shm_options_init(void *options)
{
	struct via__shm_options *o = options;

	*o = (struct via__shm_options){.ring = 1 << 20, .prefault = true};
	via__access_init(&o->access);
}

unsigned int via__shm_map_flags(const struct via__shm_options *o)
{
	return (o->prefault ? VIA__SEALED_PREFAULT : 0) |
	       (o->lock ? VIA__SEALED_LOCK : 0);
}

/* Lanes are powers of two, of whole pages. */
static uint64_t ring_size(uint64_t asked)
{
	uint64_t size = via__sealed_page();

	while (size < asked)
		size *= 2;
	return size;
}

static int name_of(const char *rest, struct via__shm_name *ret,
		   struct via_error *err)
{
	char name[VIA__URL_MAX + sizeof(ABSTRACT)];

	if (!*rest)
		return via__fail(err, -EINVAL,
				 "shm: needs a name, as in shm:prices");
	(void)snprintf(name, sizeof(name), "%s%s", *rest == '/' ? "" : ABSTRACT,
		       rest);
	int r = via__unix_name_parse(&ret->socket, name, err);

	if (r == 0)
		(void)snprintf(ret->text, sizeof(ret->text), "shm:%s", rest);
	return r;
}

static int shm_open(const struct via__url *url, const void *options,
		    unsigned int role, const struct via__common *common,
		    struct via__end **ret, struct via_error *err)
{
	struct via__shm_options o = *(const struct via__shm_options *)options;
	struct via__shm_name name;
	int r = name_of(url->rest, &name, err);

	if (r < 0)
		return r;
	o.ring = ring_size(o.ring);
	if (role == VIA_SEND)
		return via__shm_sender_new(&name, &o, -1, common, ret, err);
	return via__shm_receiver_new(&name, &o, -1, common, ret, err);
}

static int shm_pair(const struct via__url *url, const void *options,
		    const struct via__common *common, struct via__end *ret[2],
		    struct via_error *err)
{
	struct via__shm_options o = *(const struct via__shm_options *)options;
	const struct via__shm_name nameless = {.text = "shm:"};
	struct via__end *receiver, *sender;
	int fd[2];

	(void)url;
	o.ring = ring_size(o.ring);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, fd))
		return via__fail_errno(err, -errno, "shm:");
	int r = via__shm_receiver_new(&nameless, &o, fd[0], common, &receiver,
				      err);
	if (r < 0) {
		via__close(&fd[1]);
		return r;
	}
	r = via__shm_sender_new(&nameless, &o, fd[1], common, &sender, err);
	if (r < 0) {
		via__shm_receiver_close(receiver, false);
		return r;
	}
	r = via__shm_connect(sender);
	if (r < 0) {
		if (err)
			*err = sender->error;
		via__shm_receiver_close(receiver, false);
		via__shm_sender_close(sender);
		return r;
	}
	ret[0] = receiver;
	ret[1] = sender;
	return 0;
}

static int shm_pollfd(struct via__end *end, enum via_role role,
		      struct pollfd *ret)
{
	(void)role; /* a sender's socket tells of room and of the end alike */
	*ret = (struct pollfd){
		.fd = end->role == VIA_SEND ? via__shm_sender_fd(end)
					    : via__shm_receiver_fd(end),
		.events = POLLIN,
	};
	return 0;
}

static int shm_arm(struct via__end *end, enum via_role role)
{
	(void)role;
	return end->role == VIA_SEND ? via__shm_sender_arm(end)
				     : via__shm_receiver_arm(end);
}

static int shm_greet(struct via__end *end)
{
	return end->role == VIA_SEND ? via__shm_sender_greet(end)
				     : via__shm_receiver_greet(end);
}

static void shm_close(struct via__end *end, bool forked)
{
	if (end->role == VIA_SEND)
		via__shm_sender_close(end);
	else
		via__shm_receiver_close(end, forked);
}

static const struct via_option shm_options[] = {
	{"ring", "BYTES", "1M",
	 "size of a sender's lane, rounded up to a power of two"},
	{"prefault", "yes|no", "yes", "have all pages mapped from the start"},
	{"lock", "yes|no", "no", "keep them from being swapped out, mlock(2)"},
	VIA__ACCESS_NAME_OPTIONS,
	VIA__ACCESS_PEER_OPTIONS,
	{0},
};

static const struct via__option_rule shm_rules[] = {
	{"ring", VIA__SIZE, offsetof(struct via__shm_options, ring),
	 VIA__LANE_SIZE_MIN, VIA__LANE_SIZE_MAX},
	{"prefault", VIA__FLAG, offsetof(struct via__shm_options, prefault)},
	{"lock", VIA__FLAG, offsetof(struct via__shm_options, lock)},
	VIA__ACCESS_NAME_RULES(struct via__shm_options, access),
	VIA__ACCESS_PEER_RULES(struct via__shm_options, access),
	{0},
};

const struct via__transport via__transport_shm = {
	.info =
		{
			.scheme = "shm",
			.rest = "name or /path",
			.summary = "shared memory, one lane per sender",
			.example = "shm:prices",
			.trust = "peer credentials; peers are distrusted",
			.life = "last close, nothing left after kill -9",
			.needs = "",
			.abilities = VIA_CAN_SEND_RECV | VIA_CAN_PAIR |
				     VIA_CAN_CREDS | VIA_CAN_LOAN |
				     VIA_CAN_CONFIRM | VIA_KEEPS_BOUNDARIES |
				     VIA_DISTRUSTS | VIA_HAS_ADDRESS,
			.message_max = (uint64_t)1 << 40,
			.options = shm_options,
		},
	.rules = shm_rules,
	.options_size = sizeof(struct via__shm_options),
	.options_init = shm_options_init,
	.in_memory = true,
	.open = shm_open,
	.connect = via__shm_connect,
	.pair = shm_pair,
	.send = via__shm_send,
	.recv = via__shm_recv,
	.release = via__shm_release,
	.park = via__shm_park,
	.loan = via__shm_loan,
	.commit = via__shm_commit,
	.pollfd = shm_pollfd,
	.arm = shm_arm,
	.greet = shm_greet,
	.finish = via__shm_finish,
	.close = shm_close,
};
