/* SPDX-License-Identifier: MIT */
#include "inspect/view/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *via__json_base64(const void *data, size_t len)
{
	const uint8_t *s = data;
	size_t at = 0;
	char *text = malloc(len / 3 * 4 + 4);

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)s[i] << 16;

		bits |= n > 1 ? (uint32_t)s[i + 1] << 8 : 0;
		bits |= n > 2 ? s[i + 2] : 0;
		for (size_t k = 0; k < 4; k++)
			text[at++] = k <= n ? digits[bits >> (18 - 6 * k) & 63]
					    : '=';
	}
	json_t *value = json_stringn(text, at);

	free(text);
	return value;
}

/* Four digits, of which the last n_pad are padding: up to three bytes. */
static int decode(const char *text, size_t n_pad, char *to)
{
	uint32_t bits = 0;

	for (size_t k = 0; k < 4; k++) {
		const char *digit = text[k] ? strchr(digits, text[k]) : NULL;

		if (k >= 4 - n_pad)
			digit = digits;
		if (!digit)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(digit - digits);
	}
	for (size_t k = 0; k < 3 - n_pad; k++)
		to[k] = (char)(bits >> (16 - 8 * k));
	return 0;
}

int via__json_from_base64(const json_t *value, char **ret, size_t *ret_len)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value), at = 0;

	if (!text || len % 4)
		return -EINVAL;
	char *bytes = malloc(len / 4 * 3 + 1);

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += 4) {
		size_t n_pad = i + 4 < len	    ? 0
			       : text[i + 3] != '=' ? 0
			       : text[i + 2] != '=' ? 1
						    : 2;

		if (decode(text + i, n_pad, bytes + at) < 0) {
			free(bytes);
			return -EINVAL;
		}
		at += 3 - n_pad;
	}
	bytes[at] = '\0';
	*ret = bytes;
	*ret_len = at;
	return 0;
}

int via__json_set_bytes(json_t *object, const char *name, const char *base64,
			const void *data, size_t len)
{
	json_t *text = json_stringn(data, len);

	return json_object_set_new(object, text ? name : base64,
				   text ? text : via__json_base64(data, len));
}
