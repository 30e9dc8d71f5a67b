/* SPDX-License-Identifier: MIT */
/* What is too long for pipe.c: how much goes into a pipe. */
#ifndef LAB_PIPE_H
#define LAB_PIPE_H

#include <stddef.h>

void pipe_10(void);
void pipe_11(void);
void pipe_12(void);
void pipe_13(void);
void pipe_14(void);
void pipe_19(void);
void pipe_20(void);

/* Write n records of this size, all of one letter. */
void pipe_write_letters(int fd, char letter, size_t size, int n);

/* Read n records of this size: how many are not of one letter, that is, of
 * one writer; -1 if fewer come. */
long pipe_torn(int fd, size_t size, int n);

/* The longest record: four pages of the largest size there is. */
#define PIPE_RECORD_MAX (4 * 65536)

#endif
