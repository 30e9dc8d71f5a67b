/* SPDX-License-Identifier: MIT */
/* A command that a verb runs to its end. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <signal.h>
#include <sys/types.h>

#include <via/process.h>

/*
 * Cut a command line at "--": what follows is the command. Returns it (NULL if
 * there is none) and shortens *argc.
 */
char **cli_cut_command(int *argc, char **argv);

/*
 * Start it with the descriptors and the ignored signals that we have, and with
 * this signal mask; fd, if it is not NULL, is mapped. Its pidfd and pid, or
 * -errno after saying why.
 */
int cli_start(char **command, const struct via_program_fd *fd,
	      const sigset_t *mask, pid_t *ret_pid);

/* The exit status that a shell gives a program that cli_start() could not. */
int cli_start_status(int err);

/*
 * Run it and wait for its end; fd, if it is not negative, stays open in it.
 * Signals that others send to this process are passed on to it; those of the
 * terminal reach it without us.
 *
 * Returns its exit status as sh(1) does: 128 + n if signal n ended it, 127 if
 * there is no such command and 126 if it cannot be run, after saying so.
 */
int cli_run_command(char **command, int fd);

#endif
