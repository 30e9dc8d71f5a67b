/* SPDX-License-Identifier: MIT */
/*
 * What a stream of frames means, said a second time and plainly: all bytes are
 * there, each message is copied together, nothing is fast. The reader is held
 * to it.
 */
#ifndef TESTS_FUZZ_STREAM_MODEL_H
#define TESTS_FUZZ_STREAM_MODEL_H

#include "core/frame.h"
#include "tests/fuzz/fuzz.h"
#include "transport/assembly.h"

enum meaning {
	MESSAGE,
	CONTROL,
	WRONG,
	CUT,	/* the stream ends */
	UNSURE, /* depends on what is not in the stream */
};

struct model_sender {
	uint64_t id, next, seq;
	size_t total, done;
	bool half, meta;
	uint8_t *data;
};

struct model {
	const uint8_t *bytes;
	size_t len, at;
	uint64_t max;
	unsigned int n_max; /* as of via__reader_init() */
	unsigned int n_senders;
	struct model_sender senders[VIA__SENDERS_SHARED];
	/* The message found, or the frame of CONTROL. */
	struct via__frame frame;
	struct model_sender *from;
	uint64_t gap;
};

static inline struct model_sender *model_find(struct model *m, uint64_t id)
{
	for (unsigned int i = 0; id && i < m->n_senders; i++)
		if (m->senders[i].id == id)
			return &m->senders[i];
	return NULL;
}

/* The sender of a frame that starts something. MESSAGE: it may. */
static inline enum meaning model_admit(struct model *m,
				       const struct via__frame *f)
{
	m->from = model_find(m, f->sender);
	if (m->from)
		return f->seq < m->from->next ? WRONG : MESSAGE;
	if (!f->sender || (m->n_max == 1 && m->n_senders == 1))
		return WRONG;
	if (m->n_senders == VIA__SENDERS_SHARED)
		return UNSURE; /* who is forgotten? */
	m->from = &m->senders[m->n_senders++];
	*m->from = (struct model_sender){
		.id = f->sender,
		.next = m->n_max > 1 ? f->seq : 0,
	};
	return MESSAGE;
}

static inline enum meaning model_start(struct model *m,
				       const struct via__frame *f)
{
	bool meta = f->flags & VIA__FRAME_META;
	enum meaning may;

	if (f->total > m->max + (meta ? VIA__META_MAX : 0))
		return WRONG;
	may = model_admit(m, f);
	if (may != MESSAGE)
		return may;
	free(m->from->data);
	m->from->data = malloc(f->total + 1);
	check(m->from->data);
	m->from->half = true;
	m->from->meta = meta;
	m->from->seq = f->seq;
	m->from->total = f->total;
	m->from->done = 0;
	return MESSAGE;
}

/* The sender of a frame that carries something on; NULL: to be skipped. */
static inline enum meaning model_carry_on(struct model *m,
					  const struct via__frame *f)
{
	struct model_sender *s = m->from = model_find(m, f->sender);

	if (m->n_max > 1 && f->sender && (!s || !s->half)) {
		m->from = NULL;
		return MESSAGE;
	}
	return s && s->half && s->seq == f->seq && s->total == f->total
		       ? MESSAGE
		       : WRONG;
}

static inline enum meaning model_message(struct model *m)
{
	struct model_sender *s = m->from;
	struct via__meta meta;

	s->half = false;
	if (s->meta && via__meta_get(&meta, s->data, s->total, NULL) < 0)
		return WRONG;
	m->gap = s->seq - s->next;
	s->next = s->seq + 1;
	return MESSAGE;
}

/* A frame of data, its payload at m->at. GO_ON: no message yet. */
#define GO_ON ((enum meaning) - 1)

static inline enum meaning model_data(struct model *m,
				      const struct via__frame *f)
{
	bool last = f->flags & VIA__FRAME_LAST;
	enum meaning r;

	if (f->flags & VIA__FRAME_FDS)
		return UNSURE;
	r = f->flags & VIA__FRAME_FIRST ? model_start(m, f)
					: model_carry_on(m, f);
	if (r != MESSAGE)
		return r;

	struct model_sender *s = m->from;

	if (s && (f->len > s->total - s->done ||
		  last != (f->len == s->total - s->done)))
		return WRONG;
	if (f->len > m->len - m->at)
		return CUT;
	if (s) {
		memcpy(s->data + s->done, m->bytes + m->at, f->len);
		s->done += f->len;
	}
	m->at += f->len;
	return s && last ? model_message(m) : GO_ON;
}

/* What comes next in the stream. */
static inline enum meaning model_next(struct model *m)
{
	for (;;) {
		struct via__frame *f = &m->frame;
		enum meaning r;

		if (m->len - m->at < VIA__FRAME_LEN)
			return CUT;
		if (via__frame_get(f, m->bytes + m->at, NULL) < 0)
			return WRONG;
		m->at += VIA__FRAME_LEN;
		if (f->flags & (VIA__FRAME_FIRST | VIA__FRAME_LAST) ||
		    !(f->flags & VIA__FRAME_CONTROL))
			r = model_data(m, f);
		else if (m->n_max == 1)
			r = CONTROL;
		else if (f->flags != VIA__FRAME_HELLO)
			r = WRONG;
		else
			r = model_admit(m, f);
		if (r == MESSAGE && f->flags == VIA__FRAME_HELLO)
			r = GO_ON;
		if (r != GO_ON)
			return r;
	}
}

static inline void model_fini(struct model *m)
{
	for (unsigned int i = 0; i < m->n_senders; i++)
		free(m->senders[i].data);
}

#endif
