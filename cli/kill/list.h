/* SPDX-License-Identifier: MIT */
/* via kill --list: what signals there are. */
#ifndef CLI_KILL_LIST_H
#define CLI_KILL_LIST_H

#include <stdbool.h>

/*
 * All signals; or of each word, up to a NULL, its other name: of a number or
 * exit status the name, of a name the number. Returns an exit status.
 */
int kill_list(char **words, bool json);

#endif
