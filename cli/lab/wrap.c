/* SPDX-License-Identifier: MIT */
/* Breaking lines where Chinese or English may be broken. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/lab/result.h"

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

/* What stays together on a line: a word, or a wide character with the marks
 * that follow it. */
static size_t piece(const char *s, int *ret_width)
{
	size_t len = 0;

	*ret_width = 0;
	while (s[len] && s[len] != ' ') {
		int width;
		size_t n = character(s + len, &width);

		if (width > 1 && len > 0 && !closes(s + len))
			break;
		len += n;
		*ret_width += width;
		if (width > 1 && !closes(s + len))
			break;
	}
	return len;
}

static int line_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 40)
		return 79;
	return size.ws_col > 100 ? 99 : size.ws_col - 1;
}

void lab_print_wrapped(const char *text, int indent)
{
	int max = line_width(), at = indent, width;

	while (*text) {
		int space = *text == ' ' && at > indent;

		text += strspn(text, " ");
		size_t len = piece(text, &width);

		if (at + space + width > max && at > indent) {
			printf("\n%*s", indent, "");
			at = indent;
			space = 0;
		}
		printf("%*s%.*s", space, "", (int)len, text);
		at += space + width;
		text += len;
	}
	putchar('\n');
}
