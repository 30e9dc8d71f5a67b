/* SPDX-License-Identifier: MIT */
/* The variant under test: its URL, its names, what it can do: see lib.h. */
#include "tests/conformance/lib.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	const char *url;
	const char *raw; /* how to reach it raw, if not by ?raw */
	const struct via_mechanism *mechanism;
	uint32_t abilities;
	unsigned int n_names;
	char dir[256];
	bool may_leave_name;
} variant;

static void adjust(const char *what)
{
	static const struct {
		const char *word;
		uint32_t bit;
	} words[] = {
		{"-duplex", VIA_CAN_DUPLEX},
		{"-stream", IS_STREAM},
	};

	if (!strncmp(what, "-raw=", 5)) {
		variant.raw = what + 5;
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(what, words[i].word)) {
			variant.abilities &= ~words[i].bit;
			return;
		}
	}
	fprintf(stderr, "%s: nothing that a variant may say\n", what);
	exit(2);
}

/* Others may pass, so that the mode of a name is what keeps them out. */
static bool open_door(const char *dir)
{
	struct stat st;

	return !stat(dir, &st) && !chmod(dir, (st.st_mode | 0011) & 07777);
}

static void make_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(variant.dir, sizeof(variant.dir), "%s/conformance.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(variant.dir) || !open_door(variant.dir) ||
	    (tmp && !open_door(tmp))) {
		perror(variant.dir);
		exit(1);
	}
}

void variant_init(int argc, char **argv)
{
	char scheme[16];

	variant.url = argv[1];
	snprintf(scheme, sizeof(scheme), "%.*s", (int)strcspn(variant.url, ":"),
		 variant.url);
	variant.mechanism = via_mechanism_find(scheme);
	if (!variant.mechanism) {
		fprintf(stderr, "%s: no such mechanism\n", scheme);
		exit(2);
	}
	variant.abilities = variant.mechanism->abilities | IS_STREAM;
	if (has_option("mode"))
		variant.abilities |= HAS_MODE;
	for (int i = 2; i < argc; i++)
		adjust(argv[i]);
	if (variant.raw || can(VIA_CAN_RAW))
		variant.abilities |= RAW_PEER;
	make_dir();
}

void variant_fini(void)
{
	(void)rmdir(variant.dir);
}

void variant_may_leave_name(void)
{
	variant.may_leave_name = true;
}

bool variant_clean(void)
{
	bool clean = true,
	     expected = variant.may_leave_name || can(VIA_KEEPS_NAME);
	DIR *dir = opendir(variant.dir);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		clean = clean && expected;
		unlinkat(dirfd(dir), e->d_name, 0);
	}
	if (dir)
		closedir(dir);
	variant.may_leave_name = false;
	return clean;
}

const struct via_mechanism *variant_mechanism(void)
{
	return variant.mechanism;
}

bool can(uint32_t abilities)
{
	return (variant.abilities & abilities) == abilities;
}

bool has_option(const char *name)
{
	for (const struct via_option *o = variant.mechanism->options; o->name;
	     o++) {
		if (!strcmp(o->name, name))
			return true;
	}
	return false;
}

bool has_name_on_disk(void)
{
	return strstr(variant.url, "DIR") != NULL;
}

const char *with_option(const char *url, const char *option)
{
	static char text[640];

	snprintf(text, sizeof(text), "%s%c%s", url,
		 strchr(url, '?') ? '&' : '?', option);
	return text;
}

/* The text with word, if it is there, replaced. */
static void replace(char *text, size_t size, const char *word, const char *by)
{
	char *at = strstr(text, word), rest[256];

	if (!at)
		return;
	snprintf(rest, sizeof(rest), "%s", at + strlen(word));
	snprintf(at, size - (size_t)(at - text), "%s%s", by, rest);
}

const char *fresh_url(const char *options)
{
	static char url[512];
	char name[64];

	snprintf(name, sizeof(name), "via-test-%d-%u", (int)getpid(),
		 variant.n_names++);
	snprintf(url, sizeof(url), "%s", variant.url);
	replace(url, sizeof(url), "DIR", variant.dir);
	replace(url, sizeof(url), "NAME", name);
	return options ? with_option(url, options) : url;
}

const char *raw_url(const char *url)
{
	static char text[640];
	const char *rest = strchr(url, ':') + 1;
	char name[256];

	if (!variant.raw)
		return with_option(url, "raw");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(rest, "?"), rest);
	snprintf(text, sizeof(text), "%s", variant.raw);
	replace(text, sizeof(text), "REST", name);
	return text;
}
