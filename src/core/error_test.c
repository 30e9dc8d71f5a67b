/* SPDX-License-Identifier: MIT */
#include "core/error.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <via/version.h>

#include "tests/check.h"

static void settled_meanings(void **state)
{
	(void)state;
	static const int codes[] = {
		EACCES,	  EADDRINUSE, EAGAIN,	  ECONNREFUSED,
		EMSGSIZE, EOPNOTSUPP, EOWNERDEAD, EPIPE,
		EPROTO,	  ESTALE,     ETIMEDOUT,  EPROTONOSUPPORT,
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		const char *text = via_strerror(-codes[i]);

		assert_string_equal(text, via_strerror(codes[i]));
		assert_string_not_equal(text, strerrordesc_np(codes[i]));
	}
	assert_string_equal(via_strerror(-EPIPE), "the other side is gone");
}

static void other_codes(void **state)
{
	(void)state;
	assert_string_equal(via_strerror(-ENOSPC), strerrordesc_np(ENOSPC));
	assert_string_equal(via_strerror(0), strerrordesc_np(0));
	assert_string_equal(via_strerror(-123456), "unknown error");
	assert_string_equal(via_strerror(INT_MIN), "unknown error");
	assert_string_equal(via_strerror(INT_MAX), "unknown error");
}

static void fail_writes_a_sentence(void **state)
{
	(void)state;
	struct via_error err;

	assert_int_equal(via__fail(&err, -EINVAL, "%s is %d", "x", 7), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.text, "x is 7");
	assert_int_equal(via__fail_errno(&err, -EPIPE, "unix:%s", "@a"),
			 -EPIPE);
	assert_int_equal(err.code, -EPIPE);
	assert_string_equal(err.text, "unix:@a: the other side is gone");
}

static void fail_without_a_reader(void **state)
{
	(void)state;
	assert_int_equal(via__fail(NULL, -EINVAL, "%s", "x"), -EINVAL);
	assert_int_equal(via__fail_errno(NULL, -EPIPE, "%s", "x"), -EPIPE);
}

static void long_sentences_are_cut(void **state)
{
	(void)state;
	struct via_error err;
	char name[2 * VIA_ERROR_TEXT_MAX];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	via__fail(&err, -EINVAL, "%s", name);
	assert_int_equal(strlen(err.text), VIA_ERROR_TEXT_MAX - 1);

	via__fail_errno(&err, -ENOSPC, "%s", name);
	assert_int_equal(strlen(err.text), VIA_ERROR_TEXT_MAX - 1);
	assert_non_null(strstr(err.text, "xx: No space left on device"));
}

static void terminals_are_safe(void **state)
{
	(void)state;
	struct via_error err;

	via__fail(&err, -EINVAL, "a\n\033[2J\x7f\x9b\xc3\xa9 ~z");
	assert_string_equal(err.text, "a??[2J???? ~z");
	via__fail_errno(&err, -EPIPE, "a\tb");
	assert_string_equal(err.text, "a?b: the other side is gone");
}

static void version_of_the_library(void **state)
{
	(void)state;
	assert_string_equal(via_version(), VIA_VERSION);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(settled_meanings),	    CHECK_TEST(other_codes),
	CHECK_TEST(fail_writes_a_sentence), CHECK_TEST(fail_without_a_reader),
	CHECK_TEST(long_sentences_are_cut), CHECK_TEST(terminals_are_safe),
	CHECK_TEST(version_of_the_library),
};
CHECK_MAIN(tests)
