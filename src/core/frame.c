/* SPDX-License-Identifier: MIT */
/*
 * The frame codec. The good path is a few loads and compares; finding words
 * for what is wrong is kept out of its way.
 */
#include "core/frame.h"

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "core/error.h"

#define FRAME_WHOLE (VIA__FRAME_FIRST | VIA__FRAME_LAST)
#define FRAME_DATA  (FRAME_WHOLE | VIA__FRAME_FDS | VIA__FRAME_META)

#define META_CORRELATION 1

/* The first three bytes: magic and version. */
#define HEAD	  ('V' | 'i' << 8 | VIA__FRAME_VERSION << 16)
#define HEAD_MASK 0xffffff

struct meta_wire {
	uint8_t flags;
	uint8_t topic_len;
	uint8_t zero[6];
	uint64_t correlation;
};
_Static_assert(sizeof(struct meta_wire) == VIA__META_LEN, "no padding");

/*
 * Whole words, never a struct put together byte by byte on the stack: loading
 * back as a word what was stored in smaller parts stalls the processor for
 * longer than all the rest takes.
 */
static void store(uint8_t *at, uint64_t word)
{
	word = htole64(word);
	memcpy(at, &word, sizeof(word));
}

static uint64_t load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

void via__frame_put(const struct via__frame *f, uint8_t *buf)
{
	store(buf, HEAD | (uint64_t)f->flags << 24 | (uint64_t)f->len << 32);
	store(buf + 8, f->sender);
	store(buf + 16, f->seq);
	store(buf + 24, f->total);
}

static bool data_is_right(const struct via__frame *f)
{
	if (f->len > VIA__FRAME_PAYLOAD_MAX || f->len > f->total)
		return false;
	return (f->flags & FRAME_WHOLE) != FRAME_WHOLE || f->len == f->total;
}

static bool control_is_right(const struct via__frame *f)
{
	if (f->len != 0)
		return false;

	switch (f->flags) {
	case VIA__FRAME_HELLO:
	case VIA__FRAME_DONE:
	case VIA__FRAME_END:
		return f->total == 0;
	case VIA__FRAME_REFUSE: /* -4095 .. -1, as the kernel has it */
		return f->total >= (uint64_t)-4095;
	}
	return false;
}

static int wrong_head(const uint8_t *buf, struct via_error *err)
{
	if (buf[0] != 'V' || buf[1] != 'i')
		return via__fail(err, -EPROTO, "the peer does not speak via");
	return via__fail(err, -EPROTO,
			 "the peer speaks version %u of via's frames, "
			 "this program version %u",
			 buf[2], VIA__FRAME_VERSION);
}

static int wrong_frame(const struct via__frame *f, struct via_error *err)
{
	return via__fail(err, -EPROTO,
			 "the peer sent a frame that contradicts itself "
			 "(flags 0x%02x, length %u, total %llu)",
			 f->flags, f->len, (unsigned long long)f->total);
}

int via__frame_get(struct via__frame *f, const uint8_t *buf,
		   struct via_error *err)
{
	uint64_t head = load(buf);

	if ((head & HEAD_MASK) != HEAD)
		return wrong_head(buf, err);

	struct via__frame got = {
		.flags = (uint8_t)(head >> 24),
		.len = (uint32_t)(head >> 32),
		.sender = load(buf + 8),
		.seq = load(buf + 16),
		.total = load(buf + 24),
	};
	bool right = got.flags & ~FRAME_DATA ? control_is_right(&got)
					     : data_is_right(&got);

	if (!right)
		return wrong_frame(&got, err);
	*f = got;
	return 0;
}

size_t via__meta_put(const struct via__meta *m, uint8_t *buf)
{
	struct meta_wire wire = {
		.flags = m->has_correlation ? META_CORRELATION : 0,
		.topic_len = (uint8_t)m->topic_len,
		.correlation = m->has_correlation ? htole64(m->correlation) : 0,
	};

	memcpy(buf, &wire, sizeof(wire));
	if (wire.topic_len)
		memcpy(buf + sizeof(wire), m->topic, wire.topic_len);
	return sizeof(wire) + wire.topic_len;
}

int via__meta_get(struct via__meta *m, const uint8_t *buf, size_t len,
		  struct via_error *err)
{
	static const uint8_t zero[sizeof((struct meta_wire){0}.zero)];
	struct meta_wire wire;

	if (len < sizeof(wire))
		return via__fail(err, -EPROTO,
				 "the peer sent a meta block cut short");
	memcpy(&wire, buf, sizeof(wire));
	/* buf may be memory that its sender still changes: what is checked
	 * must be what is used, so the compiler may not read it again. */
	atomic_signal_fence(memory_order_seq_cst);
	if (wire.topic_len > len - sizeof(wire))
		return via__fail(err, -EPROTO,
				 "the peer sent a topic cut short");
	if (wire.flags & ~META_CORRELATION ||
	    memcmp(wire.zero, zero, sizeof(zero)) != 0 ||
	    (!wire.flags && wire.correlation != 0))
		return via__fail(err, -EPROTO,
				 "the peer sent a malformed meta block");

	*m = (struct via__meta){
		.topic = wire.topic_len ? (const char *)buf + sizeof(wire)
					: NULL,
		.topic_len = wire.topic_len,
		.has_correlation = wire.flags,
		.correlation = le64toh(wire.correlation),
	};
	return (int)sizeof(wire) + wire.topic_len;
}
