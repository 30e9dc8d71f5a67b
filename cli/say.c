/* SPDX-License-Identifier: MIT */
/* Words for a person, each one line on standard error in one write(2). */
#include "cli/verb.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/view/escape.h"

static void say(const char *format, va_list args)
{
	char text[1024], line[1024];
	struct via__out out = via__out(line, sizeof(line) - 1);
	size_t left, n;

	vsnprintf(text, sizeof(text), format, args);
	via__out_print(&out, "%s: ", program_invocation_short_name);
	/* File names and peers' words may hold escape sequences. Backslashes
	 * stay: some of it has been made printable before. */
	for (const char *at = text; (left = strlen(at)); at += n) {
		n = via__printable((const unsigned char *)at, left);
		if (n)
			via__out_print(&out, "%.*s", (int)n, at);
		else
			via__out_print(&out, "\\x%02x", (unsigned char)*at);
		n = n ? n : 1;
	}
	line[out.len] = '\n';
	/* Behind what has been printed, where both go to one place; if that
	 * fails cli_flush() says so. */
	(void)fflush(stdout);
	/* If even this fails there is nobody left to tell. */
	(void)!write(STDERR_FILENO, line, out.len + 1);
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
