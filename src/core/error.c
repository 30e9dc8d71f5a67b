/* SPDX-License-Identifier: MIT */
/* Sentences for people, and what each code means in via. */
#include "core/error.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *via_strerror(int err)
{
	int code = err < 0 && err != INT_MIN ? -err : err;

	switch (code) {
	case EACCES:
		return "access denied";
	case EADDRINUSE:
		return "another receiver has this name";
	case EAGAIN:
		return "not possible without waiting";
	case ECONNREFUSED:
		return "no receiver there";
	case EMSGSIZE:
		return "the message is too long";
	case EOPNOTSUPP:
		return "this mechanism or kernel cannot do that";
	case EOWNERDEAD:
		return "the owner died and left it half done";
	case EPIPE:
		return "the other side is gone";
	case EPROTO:
		return "the peer broke the protocol";
	case EPROTONOSUPPORT:
		return "no such mechanism";
	case ESTALE:
		return "made by another version, or replaced";
	case ETIMEDOUT:
		return "the deadline passed";
	}

	/* From the C library's table: no locale, no lock, no allocation. */
	const char *text = strerrordesc_np(code);

	return text ? text : "unknown error";
}

/*
 * Paths and names in a sentence come from users and peers: what a terminal
 * could take for a command must not reach it.
 */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

int via__fail(struct via_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;

	va_list args;

	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	make_printable(err->text);
	err->code = code;
	return code;
}

int via__fail_errno(struct via_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;

	/* A long sentence is cut, the reason behind it is not. */
	const char *reason = via_strerror(code);
	size_t room = sizeof(err->text) - strlen(": ") - strlen(reason);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(err->text, room, format, args);
	va_end(args);
	make_printable(err->text);
	(void)stpcpy(stpcpy(strchr(err->text, '\0'), ": "), reason);
	err->code = code;
	return code;
}

int via__fail_plain(struct via_error *err, int code, const char *text)
{
	if (err) {
		err->code = code;
		memcpy(err->text, text, strlen(text) + 1);
	}
	return code;
}
