/* SPDX-License-Identifier: MIT */
/* What a new process does before it executes its program. */
#ifndef VIA_PROCESS_CHILD_H
#define VIA_PROCESS_CHILD_H

#include <sys/types.h>

#include <via/process.h>

struct via__child {
	const struct via_program *program;
	const char *const *argv;
	const char *const *env;
	pid_t parent;		 /* who starts it */
	int result;		 /* 0, or why it does not run */
	struct via_error *error; /* may be NULL */
};

/*
 * The function for clone(2) with CLONE_VM and CLONE_VFORK, called with every
 * signal blocked. It sets result and error in the parent's memory and ends the
 * process if it cannot become the program.
 */
int via__child_main(void *child);

#endif
