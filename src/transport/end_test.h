/* SPDX-License-Identifier: MIT */
/* Driving the slots of a transport in a test, as a channel would. */
#ifndef VIA_TRANSPORT_END_TEST_H
#define VIA_TRANSPORT_END_TEST_H

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/sys.h"
#include "tests/check.h"
#include "transport/transport.h"

/* Long enough for a loaded machine; only a failing test waits for it. */
#define END_PATIENCE_NS INT64_C(20000000000)

struct end_args {
	struct via__url url;
	const struct via__transport *transport;
	struct via__common common;
	void *options;
};

static inline void end_args(struct end_args *a, const char *text)
{
	struct via_error err = {0};

	assert_int_equal(via__url_parse(&a->url, text, &err), 0);
	a->transport = via__transport_find(a->url.scheme);
	assert_non_null(a->transport);
	a->common = (struct via__common){.max = 64 << 20, .wait_ns = -1};
	a->options = calloc(1, a->transport->options_size + 1);
	assert_non_null(a->options);
	if (a->transport->options_init)
		a->transport->options_init(a->options);
	if (via__url_options(&a->url, a->transport->rules, a->options, &err))
		fail_msg("%s", err.text);
}

/* 0 or -errno, the sentence in err. */
static inline int end_try(const char *text, unsigned int role,
			  struct via__end **ret, struct via_error *err)
{
	struct end_args a;
	int r;

	end_args(&a, text);
	r = a.transport->open(&a.url, a.options, role, &a.common, ret, err);
	free(a.options);
	return r;
}

static inline struct via__end *end_open(const char *text, unsigned int role)
{
	struct via_error err = {0};
	struct via__end *end = NULL;

	if (end_try(text, role, &end, &err))
		fail_msg("%s: %s", text, err.text);
	return end;
}

static inline void end_pair(const char *text, struct via__end *ret[2])
{
	struct via_error err = {0};
	struct end_args a;

	end_args(&a, text);
	if (a.transport->pair(&a.url, a.options, &a.common, ret, &err))
		fail_msg("%s: %s", text, err.text);
	free(a.options);
}

/* Sleep until that direction may go on. */
static inline void end_wait(struct via__end *end, enum via_role role)
{
	struct pollfd pfd;

	assert_int_equal(end->transport->pollfd(end, role, &pfd), 0);
	if (!end->transport->arm || !end->transport->arm(end, role))
		assert_int_equal(
			via__poll(&pfd, 1, via__deadline(END_PATIENCE_NS)), 1);
}

/* Until it is something else than -EAGAIN. */
static inline int end_connect(struct via__end *end)
{
	int64_t deadline = via__deadline(END_PATIENCE_NS);
	int r;

	while ((r = end->transport->connect(end)) == -EAGAIN ||
	       r == -EINPROGRESS) {
		assert_false(via__deadline_passed(deadline));
		if (r == -EINPROGRESS)
			end_wait(end, VIA_SEND);
		else
			(void)via__poll(NULL, 0, via__deadline(1000000));
	}
	return r;
}

static inline struct via__end *end_sender(const char *text)
{
	struct via__end *end = end_open(text, VIA_SEND);

	if (end_connect(end))
		fail_msg("%s: %s", text, end->error.text);
	return end;
}

static inline int end_send(struct via__end *end, const void *data, size_t len)
{
	struct via__out out = {.data = data, .len = len};
	int r;

	while ((r = end->transport->send(end, &out)) == -EAGAIN)
		end_wait(end, VIA_SEND);
	return r;
}

static inline int end_send_text(struct via__end *end, const char *text)
{
	return end_send(end, text, strlen(text));
}

static inline int end_recv(struct via__end *end, struct via__in *in)
{
	int r;

	end->transport->release(end);
	while ((r = end->transport->recv(end, in)) == -EAGAIN)
		end_wait(end, VIA_RECV);
	return r;
}

static inline int end_greet(struct via__end *end)
{
	int r;

	while ((r = end->transport->greet(end)) == -EAGAIN)
		end_wait(end, VIA_RECV);
	return r;
}

static inline int end_finish(struct via__end *end)
{
	int r;

	while ((r = end->transport->finish(end)) == -EAGAIN)
		end_wait(end, VIA_RECV);
	return r;
}

static inline void end_close(struct via__end *end)
{
	end->transport->close(end, false);
}

/* The next message is this text. */
#define end_expect(end, expected)                                              \
	do {                                                                   \
		struct via__in in_ = {0};                                      \
		int r_ = end_recv(end, &in_);                                  \
                                                                               \
		if (r_)                                                        \
			fail_msg("recv: %d %s", r_, (end)->error.text);        \
		assert_int_equal(in_.len, strlen(expected));                   \
		assert_memory_equal(in_.data, expected, in_.len);              \
	} while (0)

/* Receiving ends like this. */
#define end_expect_code(end, code)                                             \
	do {                                                                   \
		struct via__in in_ = {0};                                      \
                                                                               \
		assert_int_equal(end_recv(end, &in_), code);                   \
	} while (0)

/* Nothing is there, and the descriptor says so. */
#define end_expect_quiet(end)                                                  \
	do {                                                                   \
		struct via__in in_ = {0};                                      \
		struct pollfd pfd_;                                            \
                                                                               \
		(end)->transport->release(end);                                \
		assert_int_equal((end)->transport->recv(end, &in_), -EAGAIN);  \
		assert_int_equal(                                              \
			(end)->transport->pollfd(end, VIA_RECV, &pfd_), 0);    \
		assert_int_equal(via__poll(&pfd_, 1, VIA_NO_WAIT), 0);         \
	} while (0)

#endif
