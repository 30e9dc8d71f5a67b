/* SPDX-License-Identifier: MIT */
/*
 * Taking a URL apart: one copy of the text, cut at its separators and decoded
 * in place, since %XX only ever gets shorter.
 */
#include "core/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

static bool is_scheme(const char *text)
{
	return strspn(text, LETTERS) > 0 &&
	       text[strspn(text, LETTERS DIGITS)] == '\0';
}

/* Not isxdigit() and tolower(), which ask the locale. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Replace each %XX by its byte. */
static int decode(char *text, struct via_error *err)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != '%') {
			*to++ = *from;
			continue;
		}

		int high = hex_digit(from[1]);
		int low = high < 0 ? -1 : hex_digit(from[2]);

		if (low < 0)
			return via__fail(err, -EINVAL,
					 "'%.3s' in the URL is not %% and two "
					 "hexadecimal digits; write %%25 for "
					 "a '%%'",
					 from);
		if (high + low == 0)
			return via__fail(err, -EINVAL,
					 "%%00 in the URL: nothing can hold "
					 "a zero byte");
		*to++ = (char)(high << 4 | low);
		from += 2;
	}
	*to = '\0';
	return 0;
}

static int add_option(struct via__url *url, char *text, struct via_error *err)
{
	char *equals = strchr(text, '=');
	const char *value = "";

	if (equals) {
		*equals = '\0';
		value = equals + 1;
	}
	if (*text == '\0')
		return via__fail(err, -EINVAL,
				 "%s: '=%.40s' has no option name before it",
				 url->scheme, value);
	for (unsigned int i = 0; i < url->n_options; i++)
		if (strcmp(url->options[i].name, text) == 0)
			return via__fail(err, -EINVAL,
					 "%s: option '%.40s' is given twice",
					 url->scheme, text);
	if (url->n_options == VIA__URL_OPTIONS_MAX)
		return via__fail(err, -EINVAL, "%s: more than %d options",
				 url->scheme, VIA__URL_OPTIONS_MAX);

	url->options[url->n_options].name = text;
	url->options[url->n_options].value = value;
	url->options[url->n_options].has_value = equals;
	url->n_options++;
	return equals ? decode(equals + 1, err) : 0;
}

/* Empty ones, as in "a?" and "a?b&&c", are no options. */
static int parse_options(struct via__url *url, char *text,
			 struct via_error *err)
{
	for (char *option; (option = strsep(&text, "&"));) {
		int r = *option ? add_option(url, option, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int no_scheme(const char *text, struct via_error *err)
{
	if (text[0] == '-')
		return via__fail(err, -EINVAL,
				 "'%.60s' is not a URL but looks like a "
				 "command-line option",
				 text);
	if (text[0] == '/' || text[0] == '.')
		return via__fail(err, -EINVAL,
				 "'%.60s' is a path, not a URL: put a "
				 "mechanism before it, such as unix:%.60s",
				 text, text);
	return via__fail(err, -EINVAL,
			 "'%.60s' is not a URL: it starts with a mechanism "
			 "and a colon, such as unix:/run/x.sock or shm:x",
			 text);
}

int via__url_parse(struct via__url *url, const char *text,
		   struct via_error *err)
{
	size_t len = strnlen(text, sizeof(url->text));
	size_t scheme_len = strcspn(text, ":");

	if (strchr("/.-", text[0]) || scheme_len >= len)
		return no_scheme(text, err);
	if (len == sizeof(url->text))
		return via__fail(err, -ENAMETOOLONG,
				 "the URL is longer than %d bytes",
				 VIA__URL_MAX - 1);

	memcpy(url->text, text, len + 1);
	url->text[scheme_len] = '\0';
	if (scheme_len >= sizeof(url->scheme) || !is_scheme(url->text))
		return via__fail(err, -EINVAL,
				 "'%.60s' cannot be a mechanism: its name is "
				 "up to %d small letters and digits",
				 url->text, VIA__SCHEME_MAX - 1);
	memcpy(url->scheme, url->text, scheme_len + 1);

	char *options = url->text + scheme_len + 1;
	char *rest = strsep(&options, "?");
	int r = decode(rest, err);

	if (r < 0)
		return r;
	url->rest = rest;
	url->n_options = 0;
	return parse_options(url, options, err);
}

static bool is_known(const char *name, const struct via_option *const *tables)
{
	for (; *tables; tables++)
		for (const struct via_option *o = *tables; o->name; o++)
			if (strcmp(o->name, name) == 0)
				return true;
	return false;
}

static int unknown(const struct via__url *url, const char *name,
		   const struct via_option *const *tables,
		   struct via_error *err)
{
	char list[VIA_ERROR_TEXT_MAX] = "none";
	size_t len = 0;

	for (; *tables; tables++)
		for (const struct via_option *o = *tables;
		     o->name && len < sizeof(list); o++)
			len += (size_t)snprintf(list + len, sizeof(list) - len,
						"%s%s", len ? ", " : "",
						o->name);
	return via__fail(err, -EINVAL,
			 "unknown option '%.40s' for %s: known are %s", name,
			 url->scheme, list);
}

int via__url_unknown(const struct via__url *url,
		     const struct via_option *const *tables,
		     struct via_error *err)
{
	for (unsigned int i = 0; i < url->n_options; i++)
		if (!is_known(url->options[i].name, tables))
			return unknown(url, url->options[i].name, tables, err);
	return 0;
}
