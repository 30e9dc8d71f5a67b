/* SPDX-License-Identifier: MIT */
/* A sender as the receiver has it: how it comes in, what it says, its end. */
#include <errno.h>

#include "core/error.h"
#include "core/sys.h"
#include "transport/shm_receiver.h"

static struct via__shm_receiver *owner(const struct via__shm_peer *p)
{
	return (struct via__shm_receiver *)p->peer.hub->end;
}

static void refuse(int fd, int code)
{
	const struct via__shm_packet why = {
		.kind = VIA__SHM_REFUSE,
		.error = code,
	};

	(void)via__shm_say(fd, &why, -1); /* if it still listens */
}

int via__shm_peer_cut(struct via__shm_peer *p, int code, const char *what)
{
	struct via__shm_receiver *r = owner(p);

	refuse(p->peer.fd, code);
	(void)via__fail(&r->end.error, code, "sender (pid %d, uid %d): %s",
			(int)p->peer.cred.pid, (int)p->peer.cred.uid, what);
	r->end.stats.rejected++;
	via__hub_remove(&p->peer);
	return code;
}

static int check_hello(const struct via__shm_packet *p, struct via_error *err)
{
	if (p->kind != VIA__SHM_HELLO || !p->sender ||
	    p->ring < VIA__LANE_SIZE_MIN || p->ring > VIA__LANE_SIZE_MAX ||
	    p->ring & (p->ring - 1) || p->ring % via__sealed_page())
		return via__fail(err, -EPROTO, "its greeting makes no sense");
	return 0;
}

/* Let a sender in, whose lane is behind memfd. 0 or -errno. */
static int welcome(struct via__shm_peer *p, const struct via__shm_packet *hello,
		   int memfd, struct via_error *err)
{
	struct via__shm_receiver *r = owner(p);
	VIA__CLEANUP_FD int page_fd = -1;
	bool asymmetric = hello->abilities & VIA__SHM_BARRIER &&
			  via__lane_can_barrier();
	struct via__shm_packet answer = {
		.kind = VIA__SHM_HELLO,
		.abilities = asymmetric ? VIA__SHM_BARRIER : 0,
	};
	int rc = check_hello(hello, err);

	if (rc == 0)
		rc = via__sealed_adopt(memfd, hello->ring, r->map_flags,
				       &p->memory, err);
	if (rc == 0)
		rc = via__sealed_make(r->name.text, 0, r->map_flags, &p->page,
				      &page_fd, err);
	if (rc == 0)
		rc = via__assembly_init(&p->assembly, &r->end, 1);
	if (rc < 0)
		return rc;
	via__lane_reader_init(
		&p->lane, (struct via__lane_page *)(void *)p->page.base,
		(const struct via__lane_page *)(void *)p->memory.base,
		p->memory.ring, hello->ring);
	p->lane.bell.asymmetric = asymmetric;
	p->id = hello->sender;
	/* It fails if the sender has gone: what it left is still to be read. */
	(void)via__shm_say(p->peer.fd, &answer, page_fd);
	via__hub_join(&p->peer);
	return 0;
}

/* One who has connected greets, or is turned away. */
static int hear_stranger(struct via__shm_peer *p)
{
	VIA__CLEANUP_FD int memfd = -1;
	struct via_error err = {.text = "it does not greet"};
	struct via__shm_packet hello;
	int rc = via__shm_hear(p->peer.fd, &hello, &memfd, &err);

	if (rc == -EAGAIN)
		return 0;
	if (rc == -EPIPE) {
		via__hub_remove(&p->peer);
		return 0;
	}
	if (rc == VIA__SHM_PACKET)
		rc = welcome(p, &hello, memfd, &err);
	else if (rc == VIA__SHM_BELL)
		rc = -EPROTO;
	if (rc == 0)
		return 1;
	rc = via__shm_peer_cut(p, rc, err.text);
	return rc == -EPROTO ? rc : 0; /* else it is our own trouble */
}

/* All that one who is in has said: bells, or the end. */
static int hear_member(struct via__shm_peer *p)
{
	while (!p->lane.ended) {
		VIA__CLEANUP_FD int memfd = -1;
		struct via__shm_packet packet;
		int rc = via__shm_hear(p->peer.fd, &packet, &memfd, NULL);

		if (rc == -EAGAIN)
			return 0;
		if (rc == VIA__SHM_BELL && via__lane_heard(&p->lane.bell) == 0)
			continue;
		p->lane.ended = true;
		if (rc != -EPIPE)
			p->wrong = "it said what nobody asked for";
	}
	return 1;
}

int via__shm_peer_hear(struct via__shm_peer *p)
{
	if (p->lane.ended)
		return 0;
	return p->peer.joined ? hear_member(p) : hear_stranger(p);
}

void via__shm_peer_ring(struct via__shm_peer *p)
{
	via__lane_ring(&p->lane.bell);
	(void)via__shm_ring(p->peer.fd); /* its end comes by hearing */
}

/* --- For the hub --- */

static int peer_start(struct via__peer *peer)
{
	(void)peer; /* its greeting says all there is to know */
	return 0;
}

static void peer_release(struct via__peer *peer)
{
	struct via__shm_peer *p = (struct via__shm_peer *)peer;

	if (p->assembly.held)
		via__assembly_release(&p->assembly);
	if (via__lane_free(&p->lane))
		via__shm_peer_ring(p);
}

static int peer_park(struct via__peer *peer)
{
	return via__assembly_park(&((struct via__shm_peer *)peer)->assembly);
}

static void peer_stop(struct via__peer *peer, bool forked)
{
	struct via__shm_peer *p = (struct via__shm_peer *)peer;

	/* By this a sender that finishes knows how far we came. */
	if (p->lane.bell.mine && !forked)
		(void)via__lane_show(&p->lane);
	via__assembly_end(&p->assembly);
	via__assembly_fini(&p->assembly);
	via__sealed_unmap(&p->memory);
	via__sealed_unmap(&p->page);
}

const struct via__peer_ops via__shm_peer_ops = {
	.size = sizeof(struct via__shm_peer),
	.start = peer_start,
	.refuse = refuse,
	.release = peer_release,
	.park = peer_park,
	.stop = peer_stop,
};
