/* SPDX-License-Identifier: MIT */
/*
 * What the files of the tool section share. Each experiment makes something,
 * reads it back from where the tool reads it, and asks the tool if it is here.
 */
#ifndef LAB_TOOL_H
#define LAB_TOOL_H

#include <sys/types.h>

/* Declare a text and print into it. */
#define PRINTED(name, ...)                                                     \
	char name[256];                                                        \
	snprintf(name, sizeof(name), __VA_ARGS__)

/* How many lines with this text a command prints; -1 if it fails, as when it
 * is not installed, or is another program of that name. */
int tool_lines(const char *command, const char *text);

/* The process that has this open, by its name in /proc/PID/fd; 0 if there is
 * none, or more than one. */
pid_t tool_holder(const char *name);

/* --- In tool_net.c --- */

void tool_01(void);
void tool_02(void);
void tool_03(void);

#endif
