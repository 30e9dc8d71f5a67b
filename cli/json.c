/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

json_t *cli_json_base64(const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
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

int cli_json_print(json_t *value, FILE *f)
{
	int err = value ? 0 : -ENOMEM;

	if (!err && json_dumpf(value, f, JSON_COMPACT) < 0 && !ferror(f))
		err = -ENOMEM;
	if (!err)
		putc('\n', f);
	json_decref(value);
	return err;
}
