/* SPDX-License-Identifier: MIT */
/* Words for a person: what -h prints, and the end of standard output. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

struct verb;

/* All there is to know of a verb, to standard output. */
void cli_help(const struct verb *verb);

/* The list of verbs, to standard output. */
void cli_help_all(void);

/*
 * Push out what stdio holds: CLI_YES, or CLI_FAILED after saying why (a full
 * disk shows itself only here).
 */
int cli_flush(void);

#endif
