/* SPDX-License-Identifier: MIT */
/* Writing JSON (RFC 8259). */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whether these bytes are well-formed UTF-8, so that a string can hold them. */
bool json_is_text(const void *data, size_t len);

/* A string in quotes; the bytes must be text. */
void json_string(FILE *f, const void *data, size_t len);

/* A string in quotes that holds any bytes as base64 (RFC 4648). */
void json_base64(FILE *f, const void *data, size_t len);

#endif
