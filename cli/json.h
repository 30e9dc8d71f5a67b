/* SPDX-License-Identifier: MIT */
/* JSON in the command: one place to print, and bytes that are no text. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#include "inspect/view/json.h"

/*
 * Add bytes to an object as a string under this name, or under the other one
 * as base64 if they are no text. 0, or -1: no memory.
 */
static inline int cli_json_set_bytes(json_t *object, const char *name,
				     const char *base64, const void *data,
				     size_t len)
{
	return via__json_set_bytes(object, name, base64, data, len);
}

/*
 * Print a value (which may be NULL after a failure) on a line, and let go of
 * it. 0, or -ENOMEM; other errors stay in the stream.
 */
int cli_json_print(json_t *value, FILE *f);

#endif
