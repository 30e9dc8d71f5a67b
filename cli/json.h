/* SPDX-License-Identifier: MIT */
/* What jansson leaves to us: bytes that are no text, and one place to print. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* A string that holds any bytes as base64 (RFC 4648). NULL: no memory. */
json_t *cli_json_base64(const void *data, size_t len);

/*
 * Print a value (which may be NULL after a failure) on a line, and let go of
 * it. 0, or -ENOMEM; other errors stay in the stream.
 */
int cli_json_print(json_t *value, FILE *f);

#endif
