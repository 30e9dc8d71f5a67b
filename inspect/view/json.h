/* SPDX-License-Identifier: MIT */
/* What jansson leaves to us: bytes that are no text. */
#ifndef INSPECT_VIEW_JSON_H
#define INSPECT_VIEW_JSON_H

#include <jansson.h>
#include <stddef.h>

/* A string that holds any bytes as base64 (RFC 4648). NULL: no memory. */
json_t *via__json_base64(const void *data, size_t len);

/*
 * The bytes of such a string. 0 and *ret, which the caller frees, with a NUL
 * behind ret_len bytes; -EINVAL: it is not base64; -ENOMEM.
 */
int via__json_from_base64(const json_t *value, char **ret, size_t *ret_len);

/*
 * Add bytes to an object as a string under this name, or under the other one
 * as base64 if they are no text. 0, or -1: no memory.
 */
int via__json_set_bytes(json_t *object, const char *name, const char *base64,
			const void *data, size_t len);

#endif
