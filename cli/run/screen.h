/* SPDX-License-Identifier: MIT */
/*
 * A few lines at the bottom of the terminal, drawn again and again while other
 * programs write to it: the terminal is told to scroll only what is above
 * them. Each drawing is one write(2), which the terminal takes whole, and ends
 * with the cursor where it was.
 */
#ifndef CLI_RUN_SCREEN_H
#define CLI_RUN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct screen {
	int fd;
	bool usable;
	int rows, columns;
	int held; /* lines at the bottom, 0: none */
};

/* fd: the terminal, if it is one that can do this. */
void screen_init(struct screen *s, int fd);

/* The most lines it is willing to hold. */
int screen_room(const struct screen *s);

/*
 * Show text, n lines. Nothing happens while this process is in the background
 * or a program reads the terminal key by key: an editor or a pager has the
 * whole screen.
 */
void screen_draw(struct screen *s, const char *text);

/* Give the lines back: before stopping, ending, or when the size changes. */
void screen_leave(struct screen *s);

#endif
