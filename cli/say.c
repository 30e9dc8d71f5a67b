/* SPDX-License-Identifier: MIT */
/* Words for a person, each one line on standard error in one write(2). */
#include "cli/verb.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say(const char *format, va_list args)
{
	char line[1024];
	int n = snprintf(line, sizeof(line),
			 "%s: ", program_invocation_short_name);

	n += vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	/* File names and peers' words may hold escape sequences. */
	for (int i = 0; i < n; i++)
		if (iscntrl((unsigned char)line[i]))
			line[i] = '?';
	line[n++] = '\n';
	/* If even this fails there is nobody left to tell. */
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

void cli_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

static const char *may_be_cut;

/* It comes from touching the lock, which nothing of ours is in the middle of:
 * so what is not async-signal-safe may be called. */
static void cut_off(int sig)
{
	(void)sig;
	_exit(cli_error("%s: was cut off while it was used", may_be_cut));
}

void cli_expect_cut(const char *name)
{
	may_be_cut = name;
	(void)signal(SIGBUS, cut_off);
}

int cli_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return CLI_FAILED;
}

_Noreturn void cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(CLI_USAGE);
}
