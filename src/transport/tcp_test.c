/* SPDX-License-Identifier: MIT */
/* tcp: addresses; what is said on a connection is link_test.c's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/end_test.h"

static struct via__end *receiver(const char *text, char url[128])
{
	struct via__end *end = end_open(text, VIA_RECV);

	assert_true(end->transport->address(end, url, 128) > 0);
	return end;
}

static void talk(struct via__end *rx, const char *url)
{
	struct via__end *tx = end_sender(url);

	assert_int_equal(end_send_text(tx, "hello"), 0);
	end_expect(rx, "hello");
	end_close(tx);
	end_expect_code(rx, -EPIPE);
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool ok = fd >= 0 && !bind(fd, (struct sockaddr *)&addr, sizeof(addr));

	if (fd >= 0)
		close(fd);
	return ok;
}

static void port_0_becomes_a_real_one(void **state)
{
	static const char *const texts[] = {
		"tcp:127.0.0.1:0",
		"tcp:localhost:0",
		"tcp::0",
		"tcp:*:0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char url[128], from_here[128];
		struct via__end *rx = receiver(texts[i], url);
		const char *port = strrchr(url, ':') + 1;

		assert_true(atoi(port) > 0);
		assert_memory_equal(url, texts[i], strlen(texts[i]) - 1);
		(void)snprintf(from_here, sizeof(from_here), "tcp:127.0.0.1:%s",
			       port);
		if (i != 1)
			talk(rx, from_here);
		if (i != 3)
			talk(rx, url);
		end_close(rx);
	}
}

static void ipv6_goes_in_brackets(void **state)
{
	char url[128], v4[128];
	struct via__end *rx;

	(void)state;
	if (!has_ipv6())
		check_skip("IPv6");
	rx = receiver("tcp:[::1]:0", url);
	assert_memory_equal(url, "tcp:[::1]:", 10);
	talk(rx, url);
	end_close(rx);
	rx = receiver("tcp:*:0", url);
	(void)snprintf(v4, sizeof(v4), "tcp:[::1]:%s", strrchr(url, ':') + 1);
	talk(rx, v4);
	end_close(rx);
}

static void what_is_no_address_is_told(void **state)
{
	static const struct {
		const char *text;
		unsigned int role;
		int code;
		const char *word;
	} cases[] = {
		{"tcp:localhost", VIA_RECV, -EINVAL, "port"},
		{"tcp:localhost:", VIA_SEND, -EINVAL, "port"},
		{"tcp:::1:9000", VIA_SEND, -EINVAL, "[::1]:9000"},
		{"tcp:*:9000", VIA_SEND, -EINVAL, "sender"},
		{"tcp:127.0.0.1:no-such-service", VIA_SEND, -EADDRNOTAVAIL,
		 "no-such-service"},
		{"tcp:192.0.2.1:0", VIA_RECV, -EADDRNOTAVAIL, "192.0.2.1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via_error err = {0};
		struct via__end *end;

		assert_int_equal(
			end_try(cases[i].text, cases[i].role, &end, &err),
			cases[i].code);
		if (!strstr(err.text, cases[i].word))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void a_port_in_use_is_refused(void **state)
{
	char url[128];
	struct via__end *rx = receiver("tcp:localhost:0", url), *end;
	struct via_error err = {0};

	(void)state;
	assert_int_equal(end_try(url, VIA_RECV, &end, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another receiver"));
	end_close(rx);
	/* And is free at once, though connections linger. */
	end_close(end_open(url, VIA_RECV));
}

static void a_sender_waits_for_the_receiver(void **state)
{
	char url[128];
	struct via__end *rx = receiver("tcp::0", url);
	struct via__end *tx;
	int r;

	(void)state;
	end_close(rx);
	tx = end_open(url, VIA_SEND);
	while ((r = tx->transport->connect(tx)) == -EINPROGRESS)
		end_wait(tx, VIA_SEND);
	assert_int_equal(r, -EAGAIN);
	assert_non_null(strstr(tx->error.text, "nobody"));
	rx = end_open(url, VIA_RECV);
	assert_int_equal(end_connect(tx), 0);
	assert_int_equal(end_send_text(tx, "late"), 0);
	end_expect(rx, "late");
	end_close(tx);
	end_close(rx);
}

static int get(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

static void options_reach_the_socket(void **state)
{
	char url[128], options[192];
	struct via__end *rx = receiver("tcp::0", url);
	struct via__end *tx;
	struct pollfd pfd;

	(void)state;
	(void)snprintf(options, sizeof(options),
		       "%s?keepalive=7s&timeout=5s&buffer=32K", url);
	tx = end_sender(options);
	assert_int_equal(tx->transport->pollfd(tx, VIA_SEND, &pfd), 0);
	assert_int_equal(get(pfd.fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(get(pfd.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(get(pfd.fd, IPPROTO_TCP, TCP_KEEPIDLE), 7);
	assert_int_equal(get(pfd.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
	assert_int_equal(get(pfd.fd, SOL_SOCKET, SO_SNDBUF), 64 << 10);
	end_close(tx);
	end_close(rx);
}

static void a_reset_is_the_end(void **state)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	char url[128];
	struct via__end *rx = receiver("tcp::0", url);
	struct via__end *tx = end_sender(url);
	struct pollfd pfd;

	(void)state;
	assert_int_equal(end_send_text(tx, "one"), 0);
	end_expect(rx, "one");
	assert_int_equal(end_send_text(tx, "two"), 0);
	assert_int_equal(tx->transport->pollfd(tx, VIA_SEND, &pfd), 0);
	assert_int_equal(
		setsockopt(pfd.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)),
		0);
	tx->transport->close(tx, true); /* no shutdown: a reset */
	end_expect(rx, "two");
	end_expect_code(rx, -EPIPE);
	assert_int_equal(rx->stats.rejected, 0);
	end_close(rx);
}

static void raw_talks_to_anybody(void **state)
{
	char url[128];
	struct via__end *rx = receiver("tcp::0?raw", url);
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1)),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	assert_int_equal(write(fd, "GET /", 5), 5);
	end_expect(rx, "GET /");
	close(fd);
	end_expect_code(rx, -EPIPE);
	end_close(rx);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(port_0_becomes_a_real_one),
	CHECK_TEST(ipv6_goes_in_brackets),
	CHECK_TEST(what_is_no_address_is_told),
	CHECK_TEST(a_port_in_use_is_refused),
	CHECK_TEST(a_sender_waits_for_the_receiver),
	CHECK_TEST(options_reach_the_socket),
	CHECK_TEST(a_reset_is_the_end),
	CHECK_TEST(raw_talks_to_anybody),
};
CHECK_MAIN(tests)
