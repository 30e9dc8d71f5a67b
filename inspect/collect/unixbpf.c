/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets told by a program in the kernel (bpf/unix.bpf.c): the same as by
 * NETLINK_SOCK_DIAG, and with them what is in flight, in one pass for each network
 * namespace. If the ring was too small for one, what was told of it is thrown away,
 * and asked for again with a larger one.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "inspect/collect/unix.h"
#include "inspect/model/array.h"

/* What is told of one, and of who waits to be accepted, on average. */
#define RECORD_SIZE 128
#define RING_MIN    ((uint32_t)64 << 10)
#define RING_MAX    ((uint32_t)1 << 30)

static int load(struct via__unix_program *p, uint32_t size)
{
	p->ring = (struct via__ring){.size = size, .fd = -1};
	p->link = via__bpf_load(p->bpf, VIA__PROGRAM_UNIX, &p->ring, NULL);

	int err = p->link < 0 ? p->link : via__ring_map(&p->ring);

	if (err)
		via__unix_bpf_fini(p);
	return err;
}

void via__unix_bpf_open(struct via__unix_program *ret, struct via__bpf *b,
			size_t n_sockets)
{
	uint32_t size = RING_MIN;

	while (size / RECORD_SIZE < n_sockets && size < RING_MAX)
		size *= 2;
	*ret = (struct via__unix_program){.bpf = b};
	if (load(ret, size) < 0)
		b->refused |= 1u << VIA__PROGRAM_UNIX;
}

void via__unix_bpf_fini(struct via__unix_program *p)
{
	via__ring_fini(&p->ring);
	if (p->link >= 0)
		close(p->link);
	p->link = -1;
}

/* --- What it tells --- */

struct reading {
	struct via__bpf *bpf;
	via__unix_f *f;
	void *arg;
	/* Of the socket whose own record comes behind: who waits, and the
	 * first of what is in flight. */
	uint32_t *waiting;
	size_t n_waiting, max_waiting, first_flight;
};

static int add_waiting(struct reading *r, uint32_t ino)
{
	if (!via__room(&r->waiting, r->n_waiting, &r->max_waiting, sizeof(ino)))
		return -ENOMEM;
	r->waiting[r->n_waiting++] = ino;
	return 0;
}

static int add_flight(struct via__bpf *b, const struct via__bpf_passed *p)
{
	size_t n = b->n_flights;

	if (!via__room(&b->flights, n, &b->max_flights, sizeof(*b->flights)))
		return -ENOMEM;
	b->flights[n] = (struct via__bpf_flight){
		.file =
			{
				.fd = (int32_t)n,
				.file = p->file,
				.ino = p->ino,
				.dev = p->dev,
				.refs = p->refs,
				.files = p->files,
				.mode = p->mode,
				.open_for = p->open_for,
			},
	};
	b->n_flights++;
	return 0;
}

/* Of one of which none was found, one that is of nothing known stands for them
 * all. */
static int end_flights(struct reading *r, const struct via__bpf_socket *socket)
{
	static const struct via__bpf_passed unknown;
	struct via__bpf *b = r->bpf;
	int err = socket->n_files && r->first_flight == b->n_flights
			  ? add_flight(b, &unknown)
			  : 0;

	for (size_t i = r->first_flight; i < b->n_flights; i++) {
		b->flights[i].socket = socket->socket;
		b->flights[i].ino = socket->head.ino;
		b->flights[i].peer = socket->peer;
		b->flights[i].n_files = socket->n_files;
	}
	r->first_flight = b->n_flights;
	return err;
}

static int end_socket(struct reading *r, const struct via__bpf_socket *s)
{
	const struct via__unix_told told = {
		.ino = s->head.ino,
		.type = s->type,
		.state = s->state,
		.shut = s->shut,
		.uid = s->uid,
		.peer = s->peer,
		.name = s->name,
		.name_len = s->name_len,
		.file_dev = s->file_dev,
		.file_ino = s->file_ino,
		.receive = s->receive == VIA__BPF_UNKNOWN ? VIA_UNKNOWN
							  : s->receive,
		.send = s->send,
		.send_max = s->send_max,
		.waiting = r->waiting,
		.n_waiting = r->n_waiting,
	};

	if (told.ino)
		r->f(&told, r->arg);
	r->n_waiting = 0;
	return end_flights(r, s);
}

static int read_record(struct reading *r, const void *record, size_t len)
{
	const struct via__bpf_unix *head = record;
	const struct via__bpf_socket *s = record;

	if (len < sizeof(*head))
		return -EPROTO;
	if (head->kind == VIA__BPF_WAITING)
		return add_waiting(r, head->ino);
	if (head->kind == VIA__BPF_PASSED &&
	    len >= sizeof(struct via__bpf_passed))
		return add_flight(r->bpf, record);
	if (head->kind == VIA__BPF_SOCKET &&
	    len >= offsetof(struct via__bpf_socket, name) &&
	    len - offsetof(struct via__bpf_socket, name) >= s->name_len)
		return end_socket(r, record);
	return -EPROTO;
}

static int read_all(struct via__unix_program *p, via__unix_f *f, void *arg)
{
	struct reading r = {
		.bpf = p->bpf,
		.f = f,
		.arg = arg,
		.first_flight = p->bpf->n_flights,
	};
	size_t left, len;
	const void *bytes = via__ring_take(&p->ring, &left), *record;
	int err = 0;

	while (!err && (record = via__ring_next(&bytes, &left, &len)))
		err = read_record(&r, record, len);
	if (err)
		p->bpf->n_flights = r.first_flight;
	free(r.waiting);
	return err;
}

/* --- Asking --- */

static int create(void *link)
{
	return via__bpf_iterator(*(int *)link);
}

/* Go through a namespace. How many records there was no room for, or -errno. */
static int run(struct via__unix_program *p, const struct via__space *space)
{
	void *lost = NULL;
	size_t n = 0;
	int fd = space->own
			 ? create(&p->link)
			 : via__enter(space->dir, "ns/net", create, &p->link);
	int err = fd < 0 ? fd : via__bpf_records(fd, 1, &lost, &n);

	if (fd >= 0)
		close(fd);
	free(lost);
	return err ? err : n > 0;
}

int via__unix_bpf(struct via__unix_program *p, const struct via__space *space,
		  via__unix_f *f, void *arg)
{
	int err = p->link < 0 ? -EOPNOTSUPP : run(p, space);

	while (err > 0) {
		uint32_t size = p->ring.size;

		via__unix_bpf_fini(p);
		err = size < RING_MAX ? load(p, 4 * size) : -ENOSPC;
		if (!err)
			err = run(p, space);
	}
	return err ? err : read_all(p, f, arg);
}
