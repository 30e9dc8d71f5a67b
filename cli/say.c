/* SPDX-License-Identifier: MIT */
/* Words for a person, each one line on standard error in one write(2). */
#include "cli/verb.h"

#include <ctype.h>
#include <errno.h>
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
