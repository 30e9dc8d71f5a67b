/* SPDX-License-Identifier: MIT */
/*
 * Reading option values: one reader per kind, which either writes the value
 * or says what it must be.
 */
#include "core/url.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/error.h"

/* One option while it is read. */
struct reading {
	const struct via__option_rule *rule;
	const char *scheme;
	const char *value; /* NULL: given as a flag */
	struct via_error *err;
};

/* How a kind of number is written. */
struct notation {
	const char *must_be;
	const char *of; /* behind a range: "4K to 1M bytes" */
	struct unit {
		const char *name;
		int64_t scale;
	} units[8]; /* where several fit, the last is the one to print */
};

static const struct notation integer_notation = {
	.must_be = "a whole number",
	.of = "",
	.units = {{"", 1}},
};

static const struct notation size_notation = {
	.must_be = "a number of bytes such as 4096, 64K or 1M",
	.of = " bytes",
	.units =
		{
			{"", 1},
			{"k", INT64_C(1) << 10},
			{"K", INT64_C(1) << 10},
			{"M", INT64_C(1) << 20},
			{"G", INT64_C(1) << 30},
			{"T", INT64_C(1) << 40},
		},
};

static const struct notation duration_notation = {
	.must_be = "a time such as 5s, 100ms, 10us or never",
	.of = "",
	.units =
		{
			{"ns", 1},
			{"us", 1000},
			{"ms", 1000 * 1000},
			{"", VIA__NS_PER_S},
			{"s", VIA__NS_PER_S},
			{"m", 60 * VIA__NS_PER_S},
			{"h", 3600 * VIA__NS_PER_S},
		},
};

/* The digits at *text; moves it behind them. -EINVAL if none, -ERANGE. */
static int parse_digits(const char **text, int base, int64_t *ret)
{
	const char *at = *text;
	int64_t n = 0;
	bool fits = true;

	for (; *at >= '0' && *at < '0' + base; at++)
		fits = fits && !__builtin_mul_overflow(n, base, &n) &&
		       !__builtin_add_overflow(n, *at - '0', &n);
	if (at == *text)
		return -EINVAL;
	*text = at;
	*ret = n;
	return fits ? 0 : -ERANGE;
}

static int parse_number(const char *text, const struct notation *notation,
			int64_t *ret)
{
	const struct unit *unit = notation->units;
	int64_t n;
	int r = parse_digits(&text, 10, &n);

	if (r == -EINVAL)
		return r;
	while (unit->name && strcmp(unit->name, text) != 0)
		unit++;
	if (!unit->name)
		return -EINVAL;
	if (r < 0 || __builtin_mul_overflow(n, unit->scale, &n))
		return -ERANGE;
	*ret = n;
	return 0;
}

int via__parse_size(const char *text, uint64_t *ret)
{
	int64_t n;
	int r = parse_number(text, &size_notation, &n);

	if (r == 0)
		*ret = (uint64_t)n;
	return r;
}

int via__parse_duration(const char *text, int64_t *ret_ns)
{
	if (strcmp(text, "never") != 0)
		return parse_number(text, &duration_notation, ret_ns);
	*ret_ns = -1;
	return 0;
}

static int must_be(const struct reading *o, const char *what)
{
	return via__fail(o->err, -EINVAL, "%s: %s%s%.60s must be %s", o->scheme,
			 o->rule->name, o->value ? "=" : "",
			 o->value ? o->value : "", what);
}

/* The shortest exact writing: 65536 is 64K. */
static void print_number(char *buf, size_t size, int64_t n,
			 const struct notation *notation)
{
	const struct unit *best = notation->units;

	for (const struct unit *unit = best; unit->name; unit++)
		if (n % unit->scale == 0)
			best = unit;
	(void)snprintf(buf, size, "%" PRId64 "%s", n / best->scale,
		       n == 0 ? "" : best->name);
}

static int out_of_range(const struct reading *o,
			const struct notation *notation)
{
	bool never = notation == &duration_notation && o->rule->min < 0;
	int64_t min = never ? 0 : o->rule->min;
	char low[32], high[32], range[128];

	print_number(low, sizeof(low), min, notation);
	print_number(high, sizeof(high), o->rule->max, notation);
	(void)snprintf(range, sizeof(range), "%s to %s%s%s", low, high,
		       notation->of, never ? " or never" : "");
	return must_be(o, range);
}

/* parsed: the result of parsing, n the number if that is 0. */
static int check_number(const struct reading *o, int parsed, int64_t n,
			const struct notation *notation)
{
	bool any = o->rule->min == 0 && o->rule->max == 0;

	if (parsed == -EINVAL)
		return must_be(o, notation->must_be);
	if (parsed == 0 && (any || (n >= o->rule->min && n <= o->rule->max)))
		return 0;
	return any ? must_be(o, "a smaller number") : out_of_range(o, notation);
}

static int read_flag(const struct reading *o, void *out)
{
	static const char *const words[] = {"no", "yes", "false", "true",
					    "0",  "1",	 "off",	  "on"};

	if (!o->value) {
		*(bool *)out = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(o->value, words[i]) == 0) {
			*(bool *)out = i % 2;
			return 0;
		}
	}
	return must_be(o, "yes or no");
}

static int read_size(const struct reading *o, void *out)
{
	uint64_t size = 0;
	int parsed = via__parse_size(o->value, &size);
	int r = check_number(o, parsed, (int64_t)size, &size_notation);

	if (r == 0)
		*(uint64_t *)out = size;
	return r;
}

static int read_duration(const struct reading *o, void *out)
{
	int64_t ns = 0;
	int parsed = via__parse_duration(o->value, &ns);
	int r = check_number(o, parsed, ns, &duration_notation);

	if (r == 0)
		*(int64_t *)out = ns;
	return r;
}

static int read_integer(const struct reading *o, void *out)
{
	bool negative = o->value[0] == '-';
	int64_t n = 0;
	int parsed = parse_number(o->value + negative, &integer_notation, &n);

	if (negative)
		n = -n;

	int r = check_number(o, parsed, n, &integer_notation);

	if (r == 0)
		*(int64_t *)out = n;
	return r;
}

static int read_octal(const struct reading *o, void *out)
{
	const char *text = o->value;
	int64_t mode;

	if (parse_digits(&text, 8, &mode) < 0 || *text || mode > 07777)
		return must_be(o, "an octal file mode such as 0600");
	*(uint32_t *)out = (uint32_t)mode;
	return 0;
}

static int read_choice(const struct reading *o, void *out)
{
	const char *choice = o->rule->choices;

	for (uint32_t i = 0; *choice; i++) {
		size_t len = strcspn(choice, "|");

		if (strlen(o->value) == len &&
		    memcmp(o->value, choice, len) == 0) {
			*(uint32_t *)out = i;
			return 0;
		}
		choice += len + (choice[len] == '|');
	}

	char choices[128];

	(void)snprintf(choices, sizeof(choices), "one of %s", o->rule->choices);
	return must_be(o, choices);
}

static int read_text(const struct reading *o, void *out)
{
	*(const char **)out = o->value;
	return 0;
}

static bool is_group(const struct reading *o)
{
	return o->rule->kind == VIA__GID || o->rule->kind == VIA__GID_LIST;
}

/* One try with this buffer: 0 or a positive errno value, ENOENT for none. */
static int look_up(const char *name, bool group, char *buf, size_t size,
		   uint32_t *ret)
{
	struct passwd user, *found_user = NULL;
	struct group its, *found_group = NULL;
	int r = group ? getgrnam_r(name, &its, buf, size, &found_group)
		      : getpwnam_r(name, &user, buf, size, &found_user);

	if (found_user)
		*ret = user.pw_uid;
	else if (found_group)
		*ret = its.gr_gid;
	else
		return r ? r : ENOENT;
	return 0;
}

/* A group's entry holds its members, thousands perhaps. */
static int find_id(const char *name, bool group, uint32_t *ret)
{
	int r = ERANGE;

	for (size_t size = 4096; r == ERANGE && size <= 1 << 20; size *= 4) {
		char *buf = malloc(size);

		if (!buf)
			return ENOMEM;
		r = look_up(name, group, buf, size, ret);
		free(buf);
	}
	return r;
}

static int parse_id(const struct reading *o, const char *text, uint32_t *ret)
{
	int64_t n;

	/* (uint32_t)-1 means "none" to the kernel. */
	if (parse_number(text, &integer_notation, &n) == 0 && n < UINT32_MAX)
		*ret = (uint32_t)n;
	else if (find_id(text, is_group(o), ret) != 0)
		return must_be(o, is_group(o)
					  ? "a group known here or a number"
					  : "a user known here or a number");
	return 0;
}

static int read_id(const struct reading *o, void *out)
{
	return parse_id(o, o->value, out);
}

static int read_id_list(const struct reading *o, void *out)
{
	struct via__ids ids = {.any = strcmp(o->value, "any") == 0};
	char name[256]; /* LOGIN_NAME_MAX */

	for (const char *at = o->value; !ids.any && at;) {
		size_t len = strcspn(at, ",");

		if (ids.n == VIA__IDS_MAX)
			return must_be(o, "at most 16 names or numbers");
		if (len >= sizeof(name))
			return must_be(o, "a list of names or numbers");
		memcpy(name, at, len);
		name[len] = '\0';

		int r = parse_id(o, name, &ids.id[ids.n++]);

		if (r < 0)
			return r;
		at = at[len] ? at + len + 1 : NULL;
	}
	*(struct via__ids *)out = ids;
	return 0;
}

static int (*const readers[])(const struct reading *, void *) = {
	[VIA__FLAG] = read_flag,
	[VIA__SIZE] = read_size,
	[VIA__DURATION] = read_duration,
	[VIA__INTEGER] = read_integer,
	[VIA__OCTAL] = read_octal,
	[VIA__CHOICE] = read_choice,
	[VIA__TEXT] = read_text,
	[VIA__UID] = read_id,
	[VIA__GID] = read_id,
	[VIA__UID_LIST] = read_id_list,
	[VIA__GID_LIST] = read_id_list,
};

static int read_option(const struct reading *o, void *out)
{
	if (!o->value && o->rule->kind != VIA__FLAG)
		return must_be(o, "given with a value");
	return readers[o->rule->kind](o, out);
}

int via__url_options(const struct via__url *url,
		     const struct via__option_rule *rules, void *out,
		     struct via_error *err)
{
	for (const struct via__option_rule *rule = rules; rule->name; rule++) {
		for (unsigned int i = 0; i < url->n_options; i++) {
			if (strcmp(url->options[i].name, rule->name) != 0)
				continue;

			struct reading o = {
				.rule = rule,
				.scheme = url->scheme,
				.value = url->options[i].has_value
						 ? url->options[i].value
						 : NULL,
				.err = err,
			};
			int r = read_option(&o, (char *)out + rule->offset);

			if (r < 0)
				return r;
		}
	}
	return 0;
}
