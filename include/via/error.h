/* SPDX-License-Identifier: MIT */
/*
 * Errors. Every call that can fail returns a negative errno value: there are
 * no private codes. Where a sentence helps a person, the call also fills a
 * struct via_error.
 */
#ifndef VIA_ERROR_H
#define VIA_ERROR_H

#include <via/visibility.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_ERROR_TEXT_MAX 256

/*
 * What went wrong, for a person. The caller owns the memory; the library
 * writes it only on failure.
 *
 * code: negative errno value, the same that the call returned.
 * text: one sentence, no newline, no final full stop, always terminated;
 *       names the thing and what to do about it.
 */
struct via_error {
	int code;
	char text[VIA_ERROR_TEXT_MAX];
};

/*
 * The meaning of an error code in a few words.
 *
 * err: negative (or positive) errno value as returned by any via_ call.
 *
 * Returns a constant string, never NULL. For the codes that have a settled
 * meaning in via (EPIPE, EPROTO, EMSGSIZE, ...) it is via's meaning, for the
 * others the C library's description. Does not allocate or lock; thread-safe
 * and async-signal-safe.
 */
VIA_API const char *via_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif
