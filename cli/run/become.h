/* SPDX-License-Identifier: MIT */
/* A command that nobody looks at takes the place of via. */
#ifndef CLI_RUN_BECOME_H
#define CLI_RUN_BECOME_H

#include <stdbool.h>

/* The words that run operands: a line for the user's shell, or, after "--",
 * a program and its arguments. */
char **run_command(char **operands, bool direct, char *words[4]);

/* Be this program from now on. Returns if that cannot be: via_spawn() will say
 * why. */
void run_become(char **argv);

#endif
