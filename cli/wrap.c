/* SPDX-License-Identifier: MIT */
#include "cli/wrap.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

/* Bytes of the UTF-8 character at s, and its columns. */
static size_t character(const char *s, int *ret_width)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t len = mbrtowc(&c, s, strlen(s), &state);

	if (len == 0 || len > strlen(s)) {
		*ret_width = 1;
		return 1;
	}
	*ret_width = wcwidth(c) > 0 ? wcwidth(c) : 0;
	return len;
}

/* Chinese punctuation that must not begin a line. */
static bool closes(const char *s)
{
	static const char *const marks[] = {"，", "。", "；", "：",
					    "、", "”",	"）", "？"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (strncmp(s, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

/* That must not end one. */
static bool opens(const char *s)
{
	return strncmp(s, "（", strlen("（")) == 0 ||
	       strncmp(s, "“", strlen("“")) == 0;
}

/* What stays together on a line: a word, or a wide character with the marks
 * before and behind it. */
static size_t piece(const char *s, int *ret_width)
{
	size_t len = 0;

	bool opened = false;

	*ret_width = 0;
	while (s[len] && s[len] != ' ') {
		int width;
		size_t n = character(s + len, &width);
		bool wide = width > 1 || opens(s + len);

		if (wide && len > 0 && !opened && !closes(s + len))
			break;
		opened = opens(s + len);
		len += n;
		*ret_width += width;
		if (wide && !opened && !closes(s + len))
			break;
	}
	return len;
}

void wrap_print(FILE *f, const char *text, int at, int indent, int max)
{
	int width;

	while (*text) {
		int spaces = (int)strspn(text, " ");

		text += spaces;
		size_t len = piece(text, &width);

		if (at > indent && width > max - at - spaces) {
			fprintf(f, "\n%*s", indent, "");
			at = indent;
			spaces = 0;
		}
		fprintf(f, "%*s%.*s", spaces, "", (int)len, text);
		at += spaces + width;
		text += len;
	}
	putc('\n', f);
}

void wrap_cell(char *text, int width)
{
	char *line = text, *space = NULL;

	for (char *c = text; width; c++) {
		if (*c && *c != ' ')
			continue;
		if (space && c - line > width) {
			*space = '\n';
			line = space + 1;
		}
		if (!*c)
			break;
		space = c;
	}
}
