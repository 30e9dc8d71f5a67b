/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the UTF-8 sequence at s, 0 if it is none (Unicode table 3-7). */
static size_t sequence_len(const uint8_t *s, size_t left)
{
	static const struct {
		uint8_t first, last, low, high; /* first byte, second byte */
		size_t len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (*s < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (*s < forms[i].first || *s > forms[i].last)
			continue;
		if (left < forms[i].len || s[1] < forms[i].low ||
		    s[1] > forms[i].high)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

bool json_is_text(const void *data, size_t len)
{
	const uint8_t *s = data;

	for (size_t i = 0, n; i < len; i += n) {
		n = sequence_len(s + i, len - i);
		if (!n)
			return false;
	}
	return true;
}

void json_string(FILE *f, const void *data, size_t len)
{
	const char *s = data;

	putc('"', f);
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			fprintf(f, "\\%c", s[i]);
		else if (s[i] == '\n')
			fputs("\\n", f);
		else if ((uint8_t)s[i] < 0x20 || s[i] == 0x7f)
			fprintf(f, "\\u%04x", s[i]);
		else
			putc(s[i], f);
	}
	putc('"', f);
}

void json_base64(FILE *f, const void *data, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *s = data;

	putc('"', f);
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)s[i] << 16;

		bits |= n > 1 ? (uint32_t)s[i + 1] << 8 : 0;
		bits |= n > 2 ? s[i + 2] : 0;
		for (size_t k = 0; k < 4; k++)
			putc(k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=',
			     f);
	}
	putc('"', f);
}
