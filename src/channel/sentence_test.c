/* SPDX-License-Identifier: MIT */
/* What via_last_error() says names the channel, once, whoever found it out. */
#include "tests/check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <via/via.h>

/* Long enough for a loaded machine; only a failing test waits for it. */
#define PATIENCE via_deadline(INT64_C(20000000000))

static const struct {
	const char *url, *raw; /* for one who does not speak via */
} ways[] = {
	{"unix:@%s?max=64", "unix:@%s?raw"},
	{"unix:@%s?max=64&type=seqpacket", "unix:@%s?raw&type=seqpacket"},
	{"shm:%s?max=64", "unix:@via/shm/%s?raw&type=seqpacket"},
};
#define N_WAYS (sizeof(ways) / sizeof(*ways))

static const char *name(void)
{
	static char text[32];

	(void)snprintf(text, sizeof(text), "via-sentence-%d", (int)getpid());
	return text;
}

static struct via_channel *open_end(const char *format, enum via_role role)
{
	struct via_channel *ch = NULL;
	struct via_error err = {0};
	char url[128];

	(void)snprintf(url, sizeof(url), format, name());
	if (via_open(url, role, PATIENCE, &ch, &err) < 0)
		fail_msg("%s: %s", url, err.text);
	return ch;
}

/* This call fails so, and what is said of it names its channel once. */
static void expect(const struct via_channel *ch, int64_t r, int code)
{
	const char *at = via_last_error(ch)->text;
	int n = 0;

	print_message("# %s\n", at);
	assert_int_equal(r, code);
	assert_int_equal(via_last_error(ch)->code, code);
	while ((at = strstr(at, name()))) {
		at += strlen(name());
		n++;
	}
	assert_int_equal(n, 1);
}

static void what_the_caller_did(void **state)
{
	static const char long_one[65];
	const struct via_msg rich = {.topic = long_one, .topic_len = 256};
	struct via_msg none;
	char c;

	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct via_channel *rx = open_end(ways[i].url, VIA_RECV);
		struct via_channel *tx = open_end(ways[i].url, VIA_SEND);

		expect(tx, via_recv(tx, &c, 1, PATIENCE), -EOPNOTSUPP);
		expect(tx, via_send(tx, long_one, 65, PATIENCE), -EMSGSIZE);
		expect(tx, via_sendmsg(tx, &rich, PATIENCE), -EINVAL);
		expect(tx, via_commit(tx, 1, PATIENCE), -EINVAL);
		expect(tx, via_export(tx, &c, 1),
		       via_mechanism_of(tx)->abilities & VIA_CAN_EXPORT
			       ? -ENOSPC
			       : -EOPNOTSUPP);
		expect(rx, via_take_batch(rx, &none, 0, PATIENCE), -EINVAL);
		assert_int_equal(via_send(tx, "long", 4, PATIENCE), 0);
		expect(rx, via_recv(rx, &c, 1, PATIENCE), -EMSGSIZE);
		via_close(tx, VIA_NO_WAIT);
		via_close(rx, VIA_NO_WAIT);
	}
}

static void what_the_peer_did(void **state)
{
	static const char nonsense[64];
	char buf[64];

	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct via_channel *rx = open_end(ways[i].url, VIA_RECV);
		struct via_channel *tx = open_end(ways[i].url, VIA_SEND);
		struct via_channel *raw;

		expect(rx, via_recv(rx, buf, 64, via_deadline(1)), -ETIMEDOUT);
		raw = open_end(ways[i].raw, VIA_SEND);
		assert_int_equal(via_send(raw, nonsense, 64, PATIENCE), 0);
		expect(rx, via_recv(rx, buf, 64, PATIENCE), -EPROTO);
		via_close(raw, VIA_NO_WAIT);

		assert_int_equal(via_send(tx, "one", 3, PATIENCE), 0);
		expect(tx, via_finish(tx, via_deadline(1)), -ETIMEDOUT);
		via_close(rx, VIA_NO_WAIT);
		expect(tx, via_finish(tx, PATIENCE), -EPIPE);
		via_close(tx, VIA_NO_WAIT);
	}
}

/* An older sentence of the transport's is not given for it. */
static void what_did_not_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_WAYS; i++) {
		struct via_channel *rx = open_end(ways[i].url, VIA_RECV);
		struct via_channel *raw = open_end(ways[i].raw, VIA_SEND);
		char buf[64] = "nonsense";

		assert_int_equal(via_send(raw, buf, 64, PATIENCE), 0);
		expect(rx, via_recv(rx, buf, 64, PATIENCE), -EPROTO);
		expect(rx, via_wait_peer(rx, via_deadline(1), NULL),
		       -ETIMEDOUT);
		assert_non_null(strstr(via_last_error(rx)->text, "deadline"));
		via_close(raw, VIA_NO_WAIT);
		via_close(rx, VIA_NO_WAIT);
	}
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(what_the_caller_did),
	CHECK_TEST(what_the_peer_did),
	CHECK_TEST(what_did_not_come),
};
CHECK_MAIN(tests)
