/* SPDX-License-Identifier: MIT */
/* Filling in struct via_error. */
#ifndef VIA_CORE_ERROR_H
#define VIA_CORE_ERROR_H

#include <via/error.h>

/*
 * Write the sentence (printf-like, one line, no final full stop; unprintable
 * bytes in the result become '?') and return code, so that a failing path
 * reads: return via__fail(err, -EINVAL, "...", ...). code is a negative errno
 * value. err may be NULL. Being cold, it also tells the compiler which paths
 * are not the usual ones.
 */
int via__fail(struct via_error *err, int code, const char *format, ...)
	__attribute__((cold, format(printf, 3, 4)));

/* The same for a failure so common that formatting would cost: text is short,
 * and copied as it is. */
int via__fail_plain(struct via_error *err, int code, const char *text);

/* The same, with ": " and via_strerror(code) behind the sentence. */
int via__fail_errno(struct via_error *err, int code, const char *format, ...)
	__attribute__((cold, format(printf, 3, 4)));

#endif
