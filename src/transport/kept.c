/* SPDX-License-Identifier: MIT */
/* Messages kept for later: see kept.h. */
#include "transport/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/stream.h"

struct via__kept_message {
	STAILQ_ENTRY(via__kept_message) next;
	struct via_msg info;
	struct via__fds fds;
	size_t len;
	bool meta;
	uint8_t data[];
};

void via__kept_init(struct via__kept *k)
{
	STAILQ_INIT(&k->waiting);
	STAILQ_INIT(&k->given);
}

static void free_list(struct via__kept_list *list)
{
	struct via__kept_message *m;

	while ((m = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, next);
		via__fds_close(&m->fds);
		free(m);
	}
}

void via__kept_fini(struct via__kept *k)
{
	free_list(&k->given);
	free_list(&k->waiting);
}

bool via__kept_full(const struct via__kept *k, const struct via__end *end)
{
	return k->len >= end->max + VIA__READER_SIZE || k->n_fds >= VIA_FDS_MAX;
}

/* What a message counts: one without bytes takes memory, too. */
static size_t cost(const struct via__kept_message *m)
{
	return sizeof(*m) + m->len;
}

int via__kept_put(struct via__kept *k, const struct via__in *in)
{
	struct via__kept_message *m = malloc(sizeof(*m) + in->len);
	struct via__fds fds = {.n = in->info->n_fds};

	if (fds.n)
		memcpy(fds.fd, in->info->fds, fds.n * sizeof(*fds.fd));
	if (!m) {
		via__fds_close(&fds);
		return -ENOMEM;
	}
	m->info = *in->info;
	m->fds = fds;
	m->len = in->len;
	m->meta = in->meta;
	if (in->len)
		memcpy(m->data, in->data, in->len);
	k->len += cost(m);
	k->n_fds += fds.n;
	STAILQ_INSERT_TAIL(&k->waiting, m, next);
	return 0;
}

/* Descriptors are the receiver's, their array is ours until release. */
static void describe(struct via__kept_message *m, struct via_msg *info)
{
	info->sender = m->info.sender;
	info->seq = m->info.seq;
	info->gap = m->info.gap;
	info->fds = m->fds.n ? m->fds.fd : NULL;
	info->n_fds = m->fds.n;
	m->fds.n = 0;
}

void via__kept_give(struct via__kept *k, struct via__in *in)
{
	struct via__kept_message *m = STAILQ_FIRST(&k->waiting);

	STAILQ_REMOVE_HEAD(&k->waiting, next);
	STAILQ_INSERT_TAIL(&k->given, m, next);
	k->len -= cost(m);
	k->n_fds -= m->fds.n;
	in->data = m->data;
	in->len = m->len;
	in->meta = m->meta;
	if (in->info)
		describe(m, in->info);
	else
		via__fds_close(&m->fds);
}

void via__kept_free_given(struct via__kept *k)
{
	free_list(&k->given);
}
