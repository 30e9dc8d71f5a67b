/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: the contract of via/channel.h, tested on one variant
 * of one mechanism. What its row says it can do decides which tests apply.
 *
 *	conformance URL [-WORD...]	see meson.build
 *	conformance --every-mechanism SCHEME...
 *
 * VIA_TEST=PATTERN runs the tests whose names match.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/conformance/lib.h"

#define TESTS_MAX 100

static int n_fds;

static void run(void **state)
{
	((const struct test *)*state)->run();
}

static int before(void **state)
{
	(void)state;
	n_fds = check_count_fds();
	return 0;
}

static int after(void **state)
{
	void *fds = (void *)(intptr_t)n_fds;

	(void)state;
	children_end();
	if (!variant_clean()) {
		print_error("a name was left behind\n");
		return -1;
	}
	return check_after(&fds);
}

static size_t collect(struct CMUnitTest *out)
{
	const struct test *const tables[] = {
		messages_tests, senders_tests, metadata_tests, life_tests,
		waiting_tests,	hostile_tests, duplex_tests,   finish_tests};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (const struct test *t = tables[i]; t->name; t++) {
			if (can(t->needs) && n < TESTS_MAX)
				out[n++] = (struct CMUnitTest){
					t->name, run, before, after, (void *)t,
				};
		}
	}
	return n;
}

/* The program that an exported end is handed to. */
static int send_after_exec(const char *url)
{
	struct via_channel *ch;
	int r = via_open(url, VIA_SEND, VIA_NO_WAIT, &ch, NULL);

	if (r < 0)
		return 1;
	if (via_send(ch, "hello", 5, VIA_NEVER))
		return 2;
	return via_close(ch, VIA_NEVER) ? 3 : 0;
}

/* Whether each mechanism of the library has a variant. */
static int every_mechanism(char **schemes)
{
	int missing = 0;

	for (size_t i = 0; via_mechanism_at(i); i++) {
		const char *scheme = via_mechanism_at(i)->scheme;
		char **s = schemes;

		while (*s && strcmp(*s, scheme))
			s++;
		if (*s)
			continue;
		fprintf(stderr, "%s: is not tested\n", scheme);
		missing = 1;
	}
	return missing;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[TESTS_MAX];
	const char *pattern = getenv("VIA_TEST");

	if (argc < 2)
		return 2;
	if (argc == 3 && !strcmp(argv[1], "--send"))
		return send_after_exec(argv[2]);
	if (!strcmp(argv[1], "--every-mechanism"))
		return every_mechanism(argv + 2);

	check_output();
	(void)signal(SIGPIPE, SIG_DFL);
	variant_init(argc, argv);
	if (pattern)
		cmocka_set_test_filter(pattern);

	int failed = _cmocka_run_group_tests("conformance", tests,
					     collect(tests), NULL, NULL);

	variant_fini();
	return failed;
}
