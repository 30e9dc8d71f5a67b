/* SPDX-License-Identifier: MIT */
/*
 * Channel URLs: scheme:rest?name=value&flag.
 *
 * scheme is [a-z][a-z0-9]*, at most 15 characters. rest and the option values
 * may hold any byte but NUL; '?' ends rest, '&' ends an option, %XX stands for
 * a byte (so %3F is a '?' in a path). An option without '=' means "yes".
 * Parsing copies the text; nothing points into the caller's string.
 */
#ifndef VIA_CORE_URL_H
#define VIA_CORE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <via/error.h>
#include <via/mechanism.h>

#define VIA__URL_MAX	     4096
#define VIA__URL_OPTIONS_MAX 32
#define VIA__SCHEME_MAX	     16

struct via__url {
	char scheme[VIA__SCHEME_MAX];
	const char *rest; /* decoded */
	unsigned int n_options;
	struct {
		const char *name;
		const char *value; /* decoded; "" stands for an option without
				      '=', given as a flag */
		bool has_value;
	} options[VIA__URL_OPTIONS_MAX];
	char text[VIA__URL_MAX]; /* what the pointers point into */
};

/*
 * 0, or -EINVAL / -ENAMETOOLONG with a sentence. A text without a colon, or
 * one that starts with '/', './' or '-', fails with a hint.
 */
int via__url_parse(struct via__url *url, const char *text,
		   struct via_error *err);

/* How an option's value is read and where it goes. */
enum via__value {
	VIA__FLAG,     /* bool: yes no true false 1 0 on off, or no value */
	VIA__SIZE,     /* uint64_t bytes: 4096, 64K, 1M, 2G (powers of 1024) */
	VIA__DURATION, /* int64_t ns: 5s, 100ms, 10us, 3ns, 2m, 1h; a bare
			  number is seconds; "never" is -1 */
	VIA__INTEGER,  /* int64_t */
	VIA__OCTAL,    /* uint32_t file mode: 0600 */
	VIA__CHOICE,   /* uint32_t index into choices "stream|seqpacket" */
	VIA__TEXT,     /* const char *, points into the via__url */
	VIA__UID,      /* uint32_t: number or name; names through getpwnam_r */
	VIA__GID,      /* uint32_t */
	VIA__UID_LIST, /* struct via__ids: "1000,www-data" or "any" */
	VIA__GID_LIST,
};

#define VIA__IDS_MAX 16
struct via__ids {
	bool any;
	unsigned int n; /* 0 and not any: the option was not given */
	uint32_t id[VIA__IDS_MAX];
};

/* One row: an option's reading beside its public documentation. */
struct via__option_rule {
	const char *name;
	enum via__value kind;
	size_t offset;	     /* into the struct given to via__url_options */
	int64_t min, max;    /* for SIZE, DURATION, INTEGER; both 0: any */
	const char *choices; /* for CHOICE */
};

/*
 * Read options into out by a table that ends with a NULL name. Options that
 * the table does not have are left for via__url_unknown(). What is not given
 * keeps the value already in out. 0, or -EINVAL with a sentence that names
 * the option, its value and what would be right.
 */
int via__url_options(const struct via__url *url,
		     const struct via__option_rule *rules, void *out,
		     struct via_error *err);

/*
 * Fail if the URL has an option in none of the given tables (each ends with a
 * NULL name; tables ends with NULL): -EINVAL and a sentence that names the
 * known ones.
 */
int via__url_unknown(const struct via__url *url,
		     const struct via_option *const *tables,
		     struct via_error *err);

/* Read one value alone, for the command line: "64M", "100ms". */
int via__parse_size(const char *text, uint64_t *ret);
int via__parse_duration(const char *text, int64_t *ret_ns);

#endif
