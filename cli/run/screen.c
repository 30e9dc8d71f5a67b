/* SPDX-License-Identifier: MIT */
#include "cli/run/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* ECMA-48 and DEC VT100, as every terminal emulator has them. */
#define SAVE	   "\0337"
#define RESTORE	   "\0338"
#define TO_END	   "\033[J"
#define TO_LINE	   "\033[%d;1H\033[2K"
#define UP	   "\033[%dA"
#define SCROLL	   "\033[1;%dr"
#define SCROLL_ALL "\033[r"

/* Columns that are certainly there. */
#define COLUMNS_MIN 40

static bool ours(const struct screen *s)
{
	struct termios t;

	return tcgetpgrp(s->fd) == getpgrp() && tcgetattr(s->fd, &t) == 0 &&
	       t.c_lflag & ICANON;
}

static void measure(struct screen *s)
{
	struct winsize size = {0};

	(void)ioctl(s->fd, TIOCGWINSZ, &size);
	s->rows = size.ws_row;
	s->columns = size.ws_col;
}

void screen_init(struct screen *s, int fd)
{
	const char *term = getenv("TERM");

	*s = (struct screen){.fd = fd};
	s->usable = isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
	if (s->usable)
		measure(s);
}

int screen_room(const struct screen *s)
{
	return s->rows / 2;
}

static void put(const struct screen *s, const char *text)
{
	/* A terminal that has gone takes nothing more. */
	(void)!write(s->fd, text, strlen(text));
}

static int count_lines(const char *text)
{
	int n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* How many of len bytes fit. */
static int fitting(const char *text, int len, int columns)
{
	mbstate_t state = {0};
	wchar_t c;
	int at = 0;

	while (at < len && columns > 0) {
		size_t n = mbrtowc(&c, text + at, (size_t)(len - at), &state);
		int width = n > (size_t)len ? 1 : wcwidth(c);

		if (width > columns)
			break;
		columns -= width > 0 ? width : 0;
		at += n > (size_t)len || n == 0 ? 1 : (int)n;
	}
	return at;
}

static void print_lines(FILE *f, const struct screen *s, const char *text)
{
	int line = s->rows - s->held;

	fputs(SAVE, f);
	while (line < s->rows) {
		int len = (int)strcspn(text, "\n");

		fprintf(f, TO_LINE "%.*s", ++line,
			fitting(text, len, s->columns), text);
		text += len + (text[len] == '\n');
	}
	fputs(RESTORE, f);
}

void screen_draw(struct screen *s, const char *text)
{
	int n = count_lines(text);
	char *out = NULL;
	size_t len;

	if (!s->usable)
		return;
	if (!ours(s)) {
		/* Whose it is may have drawn below the cursor. */
		if (s->held)
			put(s, SAVE SCROLL_ALL RESTORE);
		s->held = 0;
		return;
	}
	/* What has become less is left empty: nothing jumps. */
	if (n < s->held)
		n = s->held;
	if (n > s->held)
		screen_leave(s);
	if (!s->held)
		measure(s);
	if (n > screen_room(s) || s->columns < COLUMNS_MIN)
		return;
	FILE *f = open_memstream(&out, &len);

	if (!f)
		return;
	if (!s->held) {
		for (int i = 0; i < n; i++)
			putc('\n', f);
		fprintf(f, SAVE SCROLL RESTORE UP, s->rows - n, n);
		s->held = n;
	}
	print_lines(f, s, text);
	if (fclose(f) == 0)
		put(s, out);
	free(out);
}

void screen_leave(struct screen *s)
{
	if (s->held)
		put(s, SAVE SCROLL_ALL RESTORE TO_END);
	s->held = 0;
}
