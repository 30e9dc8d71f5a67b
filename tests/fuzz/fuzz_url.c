/* SPDX-License-Identifier: MIT */
/*
 * URLs as anybody may type them: parsed, their options read by a table with a
 * rule of each kind, unknown ones named.
 */
#include <ctype.h>
#include <errno.h>

#include "core/url.h"
#include "tests/fuzz/fuzz.h"

struct values {
	bool flag;
	uint64_t size;
	int64_t time, number;
	uint32_t mode, type, owner, group;
	const char *text;
	struct via__ids uids, gids;
};

static const struct via__option_rule rules[] = {
	{"flag", VIA__FLAG, offsetof(struct values, flag), 0, 0, NULL},
	{"size", VIA__SIZE, offsetof(struct values, size), 1, 1 << 20, NULL},
	{"time", VIA__DURATION, offsetof(struct values, time), -1, 1000, NULL},
	{"number", VIA__INTEGER, offsetof(struct values, number), -9, 9, NULL},
	{"mode", VIA__OCTAL, offsetof(struct values, mode), 0, 0, NULL},
	{"type", VIA__CHOICE, offsetof(struct values, type), 0, 0, "a|bc|d"},
	{"text", VIA__TEXT, offsetof(struct values, text), 0, 0, NULL},
	{"owner", VIA__UID, offsetof(struct values, owner), 0, 0, NULL},
	{"group", VIA__GID, offsetof(struct values, group), 0, 0, NULL},
	{"uids", VIA__UID_LIST, offsetof(struct values, uids), 0, 0, NULL},
	{"gids", VIA__GID_LIST, offsetof(struct values, gids), 0, 0, NULL},
	{NULL, VIA__FLAG, 0, 0, 0, NULL},
};

static const struct via_option known[] = {{.name = "flag"},
					  {.name = "size"},
					  {.name = "time"},
					  {.name = "mode"},
					  {.name = NULL}};
static const struct via_option *const tables[] = {known, NULL};

static void check_sentence(int r, const struct via_error *err)
{
	check(r == -EINVAL || r == -ENAMETOOLONG);
	check(err->code == r && err->text[0]);
	for (const char *c = err->text; *c; c++)
		check(isprint((unsigned char)*c));
}

static void check_inside(const struct via__url *url, const char *text)
{
	check(text >= url->text && text < url->text + sizeof(url->text));
	check(memchr(text, '\0', url->text + sizeof(url->text) - text));
}

static void check_url(const struct via__url *url)
{
	check(islower((unsigned char)url->scheme[0]));
	check(strlen(url->scheme) < VIA__SCHEME_MAX);
	check_inside(url, url->rest);
	check(url->n_options <= VIA__URL_OPTIONS_MAX);
	for (unsigned int i = 0; i < url->n_options; i++) {
		check_inside(url, url->options[i].name);
		if (url->options[i].has_value)
			check_inside(url, url->options[i].value);
		else
			check(url->options[i].value[0] == '\0');
	}
}

static void check_values(const struct via__url *url, const struct values *v)
{
	check(v->size >= 1 && v->size <= 1 << 20);
	check(v->time >= -1 && v->time <= 1000);
	check(v->number >= -9 && v->number <= 9);
	check(v->mode <= 07777 && v->type < 3);
	check(v->owner != UINT32_MAX && v->group != UINT32_MAX);
	if (v->text)
		check_inside(url, v->text);
	check(v->uids.n <= VIA__IDS_MAX && v->gids.n <= VIA__IDS_MAX);
}

static void fuzz_options(const struct via__url *url)
{
	struct values v = {.size = 1};
	struct via_error err;
	int r = via__url_options(url, rules, &v, &err);

	if (r < 0)
		check_sentence(r, &err);
	check_values(url, &v);

	r = via__url_unknown(url, tables, &err);
	if (r < 0)
		check_sentence(r, &err);
}

static void fuzz_numbers(const char *text)
{
	uint64_t size;
	int64_t ns;

	if (via__parse_size(text, &size) == 0)
		check(size <= INT64_MAX);
	if (via__parse_duration(text, &ns) == 0)
		check(ns >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct via__url url;
	struct via_error err;
	char *text = strndup((const char *)data, size);

	check(text);

	int r = via__url_parse(&url, text, &err);

	fuzz_numbers(text);
	free(text);
	if (r < 0) {
		check_sentence(r, &err);
		return 0;
	}
	check_url(&url);
	fuzz_options(&url);
	return 0;
}
