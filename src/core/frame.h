/* SPDX-License-Identifier: MIT */
/*
 * The frame: what via puts before the bytes of a message, or of a piece of
 * one, on a kernel mechanism. Pure functions on bytes; docs/WIRE.md is the
 * specification.
 *
 *   offset size
 *        0    2  magic 'V' 'i'
 *        2    1  version, 1
 *        3    1  flags (enum via__frame_flag)
 *        4    4  length: payload bytes behind this header
 *        8    8  sender: chosen at random when the sending end is opened
 *       16    8  sequence: number of the message, from 0, per sender
 *       24    8  total: payload bytes of the whole message (DATA);
 *                an error code such as -EACCES, as unsigned (REFUSE);
 *                else 0
 *
 * Little-endian, 32 bytes.
 */
#ifndef VIA_CORE_FRAME_H
#define VIA_CORE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <via/error.h>

#define VIA__FRAME_LEN	   32
#define VIA__FRAME_VERSION 1
/*
 * The meta block, the first bytes of a message whose frames say META (it
 * counts as payload in length and total):
 *
 *        0    1  flags: 1 there is a correlation id
 *        1    1  topic length, 0..255
 *        2    6  zero
 *        8    8  correlation id, 0 if there is none
 *       16       the topic
 */
#define VIA__META_LEN 16
#define VIA__META_MAX (VIA__META_LEN + 255)

struct via__meta {
	const char *topic; /* into the block */
	uint32_t topic_len;
	uint32_t has_correlation;
	uint64_t correlation;
};

/* The most payload one frame carries. */
#define VIA__FRAME_PAYLOAD_MAX (1u << 30)

enum via__frame_flag {
	VIA__FRAME_FIRST = 1,  /* the first piece of a message */
	VIA__FRAME_LAST = 2,   /* the last piece; FIRST|LAST: a whole message */
	VIA__FRAME_HELLO = 4,  /* sender to receiver: I have come; receiver to
				  sender, on a connection: you are admitted */
	VIA__FRAME_REFUSE = 8, /* receiver to sender: you are not; total: why */
	VIA__FRAME_DONE = 16,  /* receiver to sender: so many of your messages
				  as sequence says were delivered */
	VIA__FRAME_FDS = 32,   /* descriptors travel with this frame */
	VIA__FRAME_META = 64,  /* the message starts with a meta block */
	VIA__FRAME_END = 128,  /* sender to receiver: that was all, so many as
				  sequence says, where no end of file can say
				  so: on datagrams and duplex connections */
};

#define VIA__FRAME_CONTROL                                                     \
	(VIA__FRAME_HELLO | VIA__FRAME_REFUSE | VIA__FRAME_DONE |              \
	 VIA__FRAME_END)

struct via__frame {
	uint8_t flags;
	uint32_t len;
	uint64_t sender;
	uint64_t seq;
	uint64_t total;
};

/* Write the 32 bytes of a frame to buf. */
void via__frame_put(const struct via__frame *f, uint8_t *buf);

/*
 * Read 32 bytes. 0, or -EPROTO with a sentence: wrong magic ("not via"),
 * another version, contradictory flags, len over the limit or over
 * total, a whole message whose len is not total, a control frame (HELLO,
 * REFUSE, DONE, END) with a payload, META or FDS. Never reads beyond VIA__FRAME_LEN.
 */
int via__frame_get(struct via__frame *f, const uint8_t *buf,
		   struct via_error *err);

/* Write a meta block to buf of VIA__META_MAX bytes; returns its length. */
size_t via__meta_put(const struct via__meta *m, uint8_t *buf);

/*
 * Read the meta block at the start of a message of len bytes. Returns the
 * block's length, or -EPROTO with a sentence.
 */
int via__meta_get(struct via__meta *m, const uint8_t *buf, size_t len,
		  struct via_error *err);

#endif
