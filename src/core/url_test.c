/* SPDX-License-Identifier: MIT */
#include "core/url.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "tests/check.h"

static void parses(const char *text, struct via__url *url)
{
	struct via_error err = {.text = ""};

	if (via__url_parse(url, text, &err) != 0)
		fail_msg("%s: %s", text, err.text);
}

static void fails(const char *text, int code, const char *sentence)
{
	struct via__url url;
	struct via_error err = {.text = ""};

	if (via__url_parse(&url, text, &err) != code || err.code != code ||
	    strcmp(err.text, sentence) != 0)
		fail_msg("%s: %d, %s", text, err.code, err.text);
}

static void has_option(const struct via__url *url, unsigned int i,
		       const char *name, const char *value, bool has_value)
{
	assert_true(i < url->n_options);
	assert_string_equal(url->options[i].name, name);
	assert_string_equal(url->options[i].value, value);
	assert_int_equal(url->options[i].has_value, has_value);
}

static void takes_a_url_apart(void **state)
{
	(void)state;
	char text[] = "unix:/run/x.sock?type=dgram&raw&mode=";
	struct via__url url;

	parses(text, &url);
	memset(text, '#', sizeof(text) - 1); /* nothing points there */
	assert_string_equal(url.scheme, "unix");
	assert_string_equal(url.rest, "/run/x.sock");
	assert_int_equal(url.n_options, 3);
	has_option(&url, 0, "type", "dgram", true);
	has_option(&url, 1, "raw", "", false);
	has_option(&url, 2, "mode", "", true);
}

static void rest_is_free(void **state)
{
	(void)state;
	static const struct {
		const char *text, *rest;
	} rows[] = {
		{"pipe:", ""},
		{"pipe:?", ""},
		{"tcp:[::1]:80", "[::1]:80"},
		{"nats://host:1/a.b", "//host:1/a.b"},
		{"unix:@a b&c=d", "@a b&c=d"},
		{"fifo:/a%3Fb%3f%25", "/a?b?%"},
		{"fifo:/\x01\xff", "/\x01\xff"},
		{"a234567890bcdef:x", "x"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct via__url url;

		parses(rows[i].text, &url);
		assert_string_equal(url.rest, rows[i].rest);
		assert_int_equal(url.n_options, 0);
	}
}

static void values_are_free(void **state)
{
	(void)state;
	struct via__url url;

	parses("x:?a=b=c?d:e&&f=%26%3D&", &url);
	assert_int_equal(url.n_options, 2);
	has_option(&url, 0, "a", "b=c?d:e", true);
	has_option(&url, 1, "f", "&=", true);
}

static void no_urls(void **state)
{
	(void)state;
	fails("", -EINVAL,
	      "'' is not a URL: it starts with a mechanism and a colon, such "
	      "as unix:/run/x.sock or shm:x");
	fails("prices", -EINVAL,
	      "'prices' is not a URL: it starts with a mechanism and a colon, "
	      "such as unix:/run/x.sock or shm:x");
	fails("/tmp/a:b", -EINVAL,
	      "'/tmp/a:b' is a path, not a URL: put a mechanism before it, "
	      "such as unix:/tmp/a:b");
	fails("./a", -EINVAL,
	      "'./a' is a path, not a URL: put a mechanism before it, such as "
	      "unix:./a");
	fails("--raw", -EINVAL,
	      "'--raw' is not a URL but looks like a command-line option");
}

static void no_schemes(void **state)
{
	(void)state;
	fails(":x", -EINVAL,
	      "'' cannot be a mechanism: its name is up to 15 small letters "
	      "and digits");
	fails("Unix:x", -EINVAL,
	      "'Unix' cannot be a mechanism: its name is up to 15 small "
	      "letters and digits");
	fails("9p:x", -EINVAL,
	      "'9p' cannot be a mechanism: its name is up to 15 small letters "
	      "and digits");
	fails("a-b:x", -EINVAL,
	      "'a-b' cannot be a mechanism: its name is up to 15 small "
	      "letters and digits");
	fails("a234567890bcdefg:x", -EINVAL,
	      "'a234567890bcdefg' cannot be a mechanism: its name is up to 15 "
	      "small letters and digits");
}

static void malformed(void **state)
{
	(void)state;
	fails("fifo:/a%", -EINVAL,
	      "'%' in the URL is not % and two hexadecimal digits; write %25 "
	      "for a '%'");
	fails("fifo:/a%f", -EINVAL,
	      "'%f' in the URL is not % and two hexadecimal digits; write %25 "
	      "for a '%'");
	fails("fifo:/?x=%g1b", -EINVAL,
	      "'%g1' in the URL is not % and two hexadecimal digits; write "
	      "%25 for a '%'");
	fails("fifo:/a%00b", -EINVAL,
	      "%00 in the URL: nothing can hold a zero byte");
	fails("pipe:?=5", -EINVAL, "pipe: '=5' has no option name before it");
	fails("pipe:?size=1&raw&size=2", -EINVAL,
	      "pipe: option 'size' is given twice");
}

static void limits(void **state)
{
	(void)state;
	char text[VIA__URL_MAX + 1];
	struct via__url url;

	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:", 5);
	text[VIA__URL_MAX] = '\0';
	fails(text, -ENAMETOOLONG, "the URL is longer than 4095 bytes");
	text[VIA__URL_MAX - 1] = '\0';
	parses(text, &url);
	assert_int_equal(strlen(url.rest), VIA__URL_MAX - 1 - 5);

	char *end = stpcpy(text, "pipe:?a0");

	for (int i = 1; i < VIA__URL_OPTIONS_MAX; i++)
		end += sprintf(end, "&a%d", i);
	parses(text, &url);
	assert_int_equal(url.n_options, VIA__URL_OPTIONS_MAX);
	strcpy(end, "&b");
	fails(text, -EINVAL, "pipe: more than 32 options");
}

struct values {
	bool flag;
	uint64_t size, small;
	int64_t time, spin, number, port;
	uint32_t mode, type, owner, group;
	const char *text;
	struct via__ids uids, gids;
};

#define RULE(name_, kind_, field, ...)                                         \
	{                                                                      \
		.name = name_, .kind = kind_,                                  \
		.offset = offsetof(struct values, field), __VA_ARGS__          \
	}

static const struct via__option_rule rules[] = {
	RULE("flag", VIA__FLAG, flag),
	RULE("size", VIA__SIZE, size),
	RULE("small", VIA__SIZE, small, .min = 4096, .max = 1 << 20),
	RULE("time", VIA__DURATION, time, .min = 0,
	     .max = 3600 * VIA__NS_PER_S),
	RULE("spin", VIA__DURATION, spin, .min = -1, .max = VIA__NS_PER_S),
	RULE("number", VIA__INTEGER, number),
	RULE("port", VIA__INTEGER, port, .min = -5, .max = 65535),
	RULE("mode", VIA__OCTAL, mode),
	RULE("type", VIA__CHOICE, type, .choices = "stream|seqpacket|dgram"),
	RULE("text", VIA__TEXT, text),
	RULE("owner", VIA__UID, owner),
	RULE("group", VIA__GID, group),
	RULE("uids", VIA__UID_LIST, uids),
	RULE("gids", VIA__GID_LIST, gids),
	{.name = NULL},
};

/* Reads "x:?" and the option; on failure checks that nothing was written. */
static int read_values(const char *option, struct values *v,
		       struct via_error *err)
{
	static struct via__url url; /* text points into it */
	char text[512];
	struct values before;

	snprintf(text, sizeof(text), "x:?%s", option);
	parses(text, &url);
	memset(v, 0x5a, sizeof(*v));
	before = *v;

	int r = via__url_options(&url, rules, v, err);

	if (r != 0)
		assert_memory_equal(v, &before, sizeof(before));
	return r;
}

static struct values reads(const char *option)
{
	struct values v;
	struct via_error err = {.text = ""};

	if (read_values(option, &v, &err) != 0)
		fail_msg("%s: %s", option, err.text);
	return v;
}

static void refuses(const char *option, const char *sentence)
{
	struct values v;
	struct via_error err = {.text = ""};

	if (read_values(option, &v, &err) != -EINVAL || err.code != -EINVAL ||
	    strcmp(err.text, sentence) != 0)
		fail_msg("%s: %s", option, err.text);
}

static void not_given_not_touched(void **state)
{
	(void)state;
	struct values v = reads("other=5"), untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	assert_memory_equal(&v, &untouched, sizeof(v));
}

static void flags(void **state)
{
	(void)state;
	assert_true(reads("flag").flag == true);
	assert_true(reads("flag=yes").flag == true);
	assert_true(reads("flag=true").flag == true);
	assert_true(reads("flag=1").flag == true);
	assert_true(reads("flag=on").flag == true);
	assert_true(reads("flag=no").flag == false);
	assert_true(reads("flag=false").flag == false);
	assert_true(reads("flag=0").flag == false);
	assert_true(reads("flag=off").flag == false);
	refuses("flag=", "x: flag= must be yes or no");
	refuses("flag=2", "x: flag=2 must be yes or no");
}

static void sizes(void **state)
{
	(void)state;
	assert_true(reads("size=0").size == 0);
	assert_true(reads("size=4096").size == 4096);
	assert_true(reads("size=64k").size == 65536);
	assert_true(reads("size=64K").size == 65536);
	assert_true(reads("size=3M").size == 3 << 20);
	assert_true(reads("size=2G").size == UINT64_C(2) << 30);
	assert_true(reads("size=1T").size == UINT64_C(1) << 40);
	assert_true(reads("size=9223372036854775807").size == INT64_MAX);
	assert_true(reads("small=4K").small == 4096);
	assert_true(reads("small=1M").small == 1 << 20);

	refuses("size", "x: size must be given with a value");
	refuses("size=", "x: size= must be a number of bytes such as 4096, "
			 "64K or 1M");
	refuses("size=K", "x: size=K must be a number of bytes such as 4096, "
			  "64K or 1M");
	refuses("size=1KB", "x: size=1KB must be a number of bytes such as "
			    "4096, 64K or 1M");
	refuses("size=-1", "x: size=-1 must be a number of bytes such as "
			   "4096, 64K or 1M");
	refuses("size= 1", "x: size= 1 must be a number of bytes such as "
			   "4096, 64K or 1M");
	refuses("size=0x10", "x: size=0x10 must be a number of bytes such as "
			     "4096, 64K or 1M");
	refuses("size=9223372036854775808",
		"x: size=9223372036854775808 must be a smaller number");
	refuses("size=8388608T", "x: size=8388608T must be a smaller number");
	refuses("small=4095", "x: small=4095 must be 4K to 1M bytes");
	refuses("small=1048577", "x: small=1048577 must be 4K to 1M bytes");
	refuses("small=99999999999999999999",
		"x: small=99999999999999999999 must be 4K to 1M bytes");
}

static void durations(void **state)
{
	(void)state;
	assert_true(reads("time=0").time == 0);
	assert_true(reads("time=5").time == 5 * VIA__NS_PER_S);
	assert_true(reads("time=5s").time == 5 * VIA__NS_PER_S);
	assert_true(reads("time=100ms").time == 100 * 1000 * 1000);
	assert_true(reads("time=10us").time == 10 * 1000);
	assert_true(reads("time=3ns").time == 3);
	assert_true(reads("time=2m").time == 120 * VIA__NS_PER_S);
	assert_true(reads("time=1h").time == 3600 * VIA__NS_PER_S);
	assert_true(reads("spin=never").spin == -1);
	assert_true(reads("spin=1").spin == VIA__NS_PER_S);

	refuses("time=never", "x: time=never must be 0 to 1h");
	refuses("time=61m", "x: time=61m must be 0 to 1h");
	refuses("spin=2s", "x: spin=2s must be 0 to 1s or never");
	refuses("time=1d", "x: time=1d must be a time such as 5s, 100ms, "
			   "10us or never");
	refuses("time=-1", "x: time=-1 must be a time such as 5s, 100ms, "
			   "10us or never");
	refuses("time=0.5", "x: time=0.5 must be a time such as 5s, 100ms, "
			    "10us or never");
}

static void integers(void **state)
{
	(void)state;
	assert_true(reads("number=0").number == 0);
	assert_true(reads("number=-7").number == -7);
	assert_true(reads("number=9223372036854775807").number == INT64_MAX);
	assert_true(reads("port=65535").port == 65535);
	assert_true(reads("port=-5").port == -5);
	refuses("number=", "x: number= must be a whole number");
	refuses("number=-", "x: number=- must be a whole number");
	refuses("number=1K", "x: number=1K must be a whole number");
	refuses("number=--1", "x: number=--1 must be a whole number");
	refuses("port=65536", "x: port=65536 must be -5 to 65535");
	refuses("port=-6", "x: port=-6 must be -5 to 65535");
	refuses("port=-99999999999999999999",
		"x: port=-99999999999999999999 must be -5 to 65535");
}

static void modes(void **state)
{
	(void)state;
	assert_int_equal(reads("mode=0600").mode, 0600);
	assert_int_equal(reads("mode=7777").mode, 07777);
	assert_int_equal(reads("mode=0").mode, 0);
	refuses("mode=", "x: mode= must be an octal file mode such as 0600");
	refuses("mode=0800",
		"x: mode=0800 must be an octal file mode such as 0600");
	refuses("mode=10000",
		"x: mode=10000 must be an octal file mode such as 0600");
	refuses("mode=u+w",
		"x: mode=u+w must be an octal file mode such as 0600");
}

static void choices(void **state)
{
	(void)state;
	assert_int_equal(reads("type=stream").type, 0);
	assert_int_equal(reads("type=seqpacket").type, 1);
	assert_int_equal(reads("type=dgram").type, 2);
	refuses("type=", "x: type= must be one of stream|seqpacket|dgram");
	refuses("type=str",
		"x: type=str must be one of stream|seqpacket|dgram");
	refuses("type=stream|seqpacket", "x: type=stream|seqpacket must be "
					 "one of stream|seqpacket|dgram");
}

static void texts(void **state)
{
	(void)state;
	assert_string_equal(reads("text=a%20b").text, "a b");
	assert_string_equal(reads("text=").text, "");
	refuses("text", "x: text must be given with a value");
}

static void users_and_groups(void **state)
{
	(void)state;
	const struct passwd *user = getpwuid(0);
	const struct group *group = getgrgid(0);
	char text[256];

	assert_int_equal(reads("owner=4294967294").owner, UINT32_MAX - 1);
	assert_int_equal(reads("group=0").group, 0);
	refuses("owner=no-such-user",
		"x: owner=no-such-user must be a user known here or a number");
	refuses("group=no-such-group", "x: group=no-such-group must be a "
				       "group known here or a number");
	refuses("owner=4294967295",
		"x: owner=4294967295 must be a user known here or a number");
	refuses("owner=", "x: owner= must be a user known here or a number");
	if (!user || !group)
		check_skip("user 0 and group 0 have no names here");
	snprintf(text, sizeof(text), "owner=%s&group=%s", user->pw_name,
		 group->gr_name);

	struct values v = reads(text);

	assert_int_equal(v.owner, 0);
	assert_int_equal(v.group, 0);
}

static void lists(void **state)
{
	(void)state;
	struct via__ids ids = reads("uids=any").uids;

	assert_true(ids.any);
	assert_int_equal(ids.n, 0);

	ids = reads("gids=1000,0,7").gids;
	assert_false(ids.any);
	assert_int_equal(ids.n, 3);
	assert_int_equal(ids.id[0], 1000);
	assert_int_equal(ids.id[1], 0);
	assert_int_equal(ids.id[2], 7);

	ids = reads("uids=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16").uids;
	assert_int_equal(ids.n, VIA__IDS_MAX);
	refuses("uids=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		"x: uids=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 must be "
		"at most 16 names or numbers");
	refuses("uids=1,,2", "x: uids=1,,2 must be a user known here or a "
			     "number");
	refuses("uids=1,", "x: uids=1, must be a user known here or a number");
	refuses("gids=", "x: gids= must be a group known here or a number");
}

static void unknown_options(void **state)
{
	(void)state;
	static const struct via_option own[] = {{.name = "size"}, {0}};
	static const struct via_option common[] = {
		{.name = "max"}, {.name = "wait"}, {0}};
	static const struct via_option *const tables[] = {own, common, NULL};
	static const struct via_option *const none[] = {NULL};
	struct via__url url;
	struct via_error err = {.text = ""};

	parses("pipe:?wait=1&size=7&max", &url);
	assert_int_equal(via__url_unknown(&url, tables, &err), 0);
	parses("pipe:?size=7&sise=8", &url);
	assert_int_equal(via__url_unknown(&url, tables, &err), -EINVAL);
	assert_string_equal(err.text, "unknown option 'sise' for pipe: known "
				      "are size, max, wait");
	assert_int_equal(via__url_unknown(&url, none, &err), -EINVAL);
	assert_string_equal(err.text,
			    "unknown option 'size' for pipe: known are none");
}

static void more_options_than_a_sentence_holds(void **state)
{
	(void)state;
	static struct via_option many[65];
	static const struct via_option *const tables[] = {many, NULL};
	struct via__url url;
	struct via_error err = {.text = ""};

	for (size_t i = 0; i < 64; i++)
		many[i].name = "eight888";
	parses("pipe:?x", &url);
	assert_int_equal(via__url_unknown(&url, tables, &err), -EINVAL);
	assert_int_equal(strlen(err.text), VIA_ERROR_TEXT_MAX - 1);
}

static void values_for_the_command_line(void **state)
{
	(void)state;
	uint64_t size = 7;
	int64_t ns = 7;

	assert_int_equal(via__parse_size("64M", &size), 0);
	assert_true(size == 64 << 20);
	assert_int_equal(via__parse_size("64X", &size), -EINVAL);
	assert_int_equal(via__parse_size("99999999T", &size), -ERANGE);
	assert_true(size == 64 << 20);
	assert_int_equal(via__parse_duration("100ms", &ns), 0);
	assert_true(ns == 100 * 1000 * 1000);
	assert_int_equal(via__parse_duration("9999999999h", &ns), -ERANGE);
	assert_int_equal(via__parse_duration("", &ns), -EINVAL);
	assert_true(ns == 100 * 1000 * 1000);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(takes_a_url_apart),
	CHECK_TEST(rest_is_free),
	CHECK_TEST(values_are_free),
	CHECK_TEST(no_urls),
	CHECK_TEST(no_schemes),
	CHECK_TEST(malformed),
	CHECK_TEST(limits),
	CHECK_TEST(not_given_not_touched),
	CHECK_TEST(flags),
	CHECK_TEST(sizes),
	CHECK_TEST(durations),
	CHECK_TEST(integers),
	CHECK_TEST(modes),
	CHECK_TEST(choices),
	CHECK_TEST(texts),
	CHECK_TEST(users_and_groups),
	CHECK_TEST(lists),
	CHECK_TEST(unknown_options),
	CHECK_TEST(more_options_than_a_sentence_holds),
	CHECK_TEST(values_for_the_command_line),
};
CHECK_MAIN(tests)
