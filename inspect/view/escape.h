/* SPDX-License-Identifier: MIT */
/*
 * Text for a person, made in a buffer of the caller's from bytes of anybody's.
 *
 * A terminal acts on more than control characters: what comes from another
 * process stays as it is only if it is ASCII that prints, or valid UTF-8 of a
 * character that neither controls, nor formats, nor turns the direction of what
 * is beside it. Any other byte, and the backslash, is \xNN. The locale has no
 * say: the same bytes give the same text everywhere.
 *
 * What does not fit ends in "...", never inside an escape or a character.
 */
#ifndef INSPECT_VIEW_ESCAPE_H
#define INSPECT_VIEW_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

struct via__out {
	char *buf;
	size_t size, len; /* len: without the NUL that is always there */
	size_t whole;	  /* up to here with room for the dots behind */
	bool cut;
};

/* size is at least 8. */
struct via__out via__out(char *buf, size_t size);

/* Words of our own, nothing that came from elsewhere. */
void via__out_print(struct via__out *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What has been made printable before. */
void via__out_text(struct via__out *out, const char *text);

/* Bytes of anybody's. The ASCII characters in also (may be NULL) are escaped
 * as well, for where they would mean something. */
void via__out_bytes(struct via__out *out, const void *bytes, size_t len,
		    const char *also);

/* All of them at once. Returns buf. */
const char *via__escape(const void *bytes, size_t len, char *buf, size_t size);

/* The length in bytes of the printable character at the beginning of len > 0
 * bytes: 0 if there is none. */
size_t via__printable(const unsigned char *bytes, size_t len);

#endif
