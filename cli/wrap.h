/* SPDX-License-Identifier: MIT */
/* Words broken into lines, where Chinese or English may be broken. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <stdio.h>

/*
 * Print a text that begins in column at of a line and is broken before column
 * max, wide characters counted as two; later lines begin with indent spaces. A
 * word that is longer than a line stays whole.
 */
void wrap_print(FILE *f, const char *text, int at, int indent, int max);

/* Make line ends of spaces, so that no line is longer than width bytes but of one
 * long word. 0: leave it. */
void wrap_cell(char *text, int width);

#endif
