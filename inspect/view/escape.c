/* SPDX-License-Identifier: MIT */
#include "inspect/view/escape.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * Characters beyond ASCII that do not print, or act on others: controls (Cc),
 * format characters (Cf) with those for directions, line and paragraph
 * separators, fillers without a shape, what is no character. Of Unicode 15's
 * UnicodeData.txt and DerivedCoreProperties.txt (Default_Ignorable).
 */
static const struct {
	uint32_t first, last;
} unprintable[] = {
	{0x80, 0x9f},	    {0xad, 0xad},	{0x34f, 0x34f},
	{0x600, 0x605},	    {0x61c, 0x61c},	{0x6dd, 0x6dd},
	{0x70f, 0x70f},	    {0x890, 0x891},	{0x8e2, 0x8e2},
	{0x115f, 0x1160},   {0x17b4, 0x17b5},	{0x180b, 0x180f},
	{0x200b, 0x200f},   {0x2028, 0x202e},	{0x2060, 0x206f},
	{0x3164, 0x3164},   {0xd800, 0xdfff},	{0xfdd0, 0xfdef},
	{0xfe00, 0xfe0f},   {0xfeff, 0xfeff},	{0xffa0, 0xffa0},
	{0xfff0, 0xfffb},   {0xfffe, 0xffff},	{0x110bd, 0x110bd},
	{0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool prints(uint32_t c)
{
	if (c > 0x10ffff || (c & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof(unprintable) / sizeof(*unprintable); i++)
		if (c >= unprintable[i].first && c <= unprintable[i].last)
			return false;
	return true;
}

size_t via__printable(const unsigned char *bytes, size_t len)
{
	/* The least that needs so many bytes: anything below is overlong. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char head = bytes[0];
	size_t n = head < 0xc0 ? 1 : head < 0xe0 ? 2 : head < 0xf0 ? 3 : 4;

	if (n == 1)
		return head >= 0x20 && head < 0x7f;
	if (n > len || head >= 0xf8)
		return 0;
	uint32_t c = head & (0xffU >> (n + 1));

	for (size_t i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (bytes[i] & 0x3f);
	}
	return c >= least[n] && prints(c) ? n : 0;
}

struct via__out via__out(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct via__out){.buf = buf, .size = size};
}

#define DOTS "..."

/* One piece, whole or not at all. */
static void put(struct via__out *out, const void *piece, size_t len)
{
	if (out->cut)
		return;
	if (out->size - out->len <= len) {
		out->cut = true;
		out->len = out->whole;
		piece = DOTS;
		len = strlen(DOTS);
	}
	memcpy(out->buf + out->len, piece, len);
	out->len += len;
	out->buf[out->len] = '\0';
	if (out->len + strlen(DOTS) < out->size)
		out->whole = out->len;
}

void via__out_print(struct via__out *out, const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (int i = 0; i < n && i < (int)sizeof(text) - 1; i++)
		put(out, &text[i], 1);
}

void via__out_text(struct via__out *out, const char *text)
{
	for (size_t len = strlen(text), n; len; text += n, len -= n) {
		n = via__printable((const unsigned char *)text, len);
		n = n ? n : 1;
		put(out, text, n);
	}
}

void via__out_bytes(struct via__out *out, const void *bytes, size_t len,
		    const char *also)
{
	const unsigned char *at = bytes, *end = at + len;

	while (at < end && !out->cut) {
		size_t n = via__printable(at, (size_t)(end - at));
		char hex[8];

		if (n == 1 && (*at == '\\' || (also && strchr(also, *at))))
			n = 0;
		if (n) {
			put(out, at, n);
		} else {
			snprintf(hex, sizeof(hex), "\\x%02x", *at);
			put(out, hex, 4);
			n = 1;
		}
		at += n;
	}
}

const char *via__escape(const void *bytes, size_t len, char *buf, size_t size)
{
	struct via__out out = via__out(buf, size);

	via__out_bytes(&out, bytes, len, NULL);
	return buf;
}
