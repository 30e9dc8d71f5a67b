/* SPDX-License-Identifier: MIT */
/* What leaves via-verbs.so: main(), but for what is done before. */
#ifndef CLI_VIA_H
#define CLI_VIA_H

typedef int via_main_fn(int argc, char **argv);
#define VIA_MAIN "via__main"
__attribute__((visibility("default"))) via_main_fn via__main;

#endif
