/* SPDX-License-Identifier: MIT */
/*
 * What the conformance tests are written with.
 *
 * One process runs all tests for one variant: a URL of one mechanism. A test
 * makes a struct link (a receiver and a way to reach it) and children that
 * hold the other end. Processes wait for each other through via itself, or
 * through the line between a child and its parent; nothing sleeps.
 */
#ifndef TESTS_CONFORMANCE_LIB_H
#define TESTS_CONFORMANCE_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <via/via.h>

#define KiB ((size_t)1024)
#define MiB (KiB * 1024)
#define MS  INT64_C(1000000)

/*
 * Stand among the abilities of a row: it has a name with a mode; any bytes can
 * be sent to a receiver; what goes without frames is a stream that ends, which
 * all are but those that the variant excepts.
 */
#define HAS_MODE  (1u << 31)
#define RAW_PEER  (1u << 30)
#define IS_STREAM (1u << 29)

struct test {
	const char *name;
	uint32_t needs; /* abilities without which it does not apply */
	void (*run)(void);
};
#define TEST(f, needs)                                                         \
	{                                                                      \
#f, needs, f                                                   \
	}

/* Each ends with a NULL name. */
extern const struct test duplex_tests[];
extern const struct test finish_tests[];
extern const struct test hostile_tests[];
extern const struct test life_tests[];
extern const struct test messages_tests[];
extern const struct test metadata_tests[];
extern const struct test senders_tests[];
extern const struct test waiting_tests[];

/*
 * Fail the test unless so. In a child it ends the child, whose parent then
 * fails: an assertion of cmocka would go on with the parent's other tests.
 */
#define must(is)	    must_be_true(!!(is), #is, __FILE__, __LINE__)
#define must_eq(is, wanted) must_be_equal(is, wanted, #is, __FILE__, __LINE__)
#define must_ok(call)	    must_eq(call, 0)
void must_be_true(bool is, const char *what, const char *file, int line);
void must_be_equal(intmax_t is, intmax_t wanted, const char *what,
		   const char *file, int line);

/* The variant under test, from the arguments of main(). */
void variant_init(int argc, char **argv);
void variant_fini(void);
/* A receiver was killed: its name may stay. */
void variant_may_leave_name(void);
/* Remove what names there are; true if they were allowed to stay. */
bool variant_clean(void);
const struct via_mechanism *variant_mechanism(void);
bool can(uint32_t abilities);
bool has_option(const char *name);
bool has_name_on_disk(void);
/* End the running test as one that cannot be made here. */
_Noreturn void skip_test(const char *why);

/* The variant's URL under a new name, with options ("a=b&c", may be NULL). */
const char *fresh_url(const char *options);
/* url with one more option; valid until the next call. */
const char *with_option(const char *url, const char *option);
/* How a peer that sends bytes as they are reaches the receiver at url. */
const char *raw_url(const char *url);

/* n, or many times n in a long run. */
unsigned int rounds(unsigned int n);
/* A deadline that only a hang reaches. */
int64_t patience(void);
/* Any number, always the same for i. */
uint64_t hashed(uint64_t i);
/* A length up to max, always the same for seq: short ones are frequent. */
size_t len_of(uint64_t seq, size_t max);
/* Memory of the test program, at least size bytes; each i has its own. */
void *scratch(unsigned int i, size_t size);

/* The bytes that sender gives to its message seq, and whether they are. */
void fill(void *buf, size_t len, unsigned int sender, uint64_t seq);
bool intact(const void *buf, size_t len, unsigned int sender, uint64_t seq);

/* Send or receive such a message and insist that all is well. */
void send_one(struct via_channel *ch, unsigned int sender, uint64_t seq,
	      size_t len);
void recv_one(struct via_channel *ch, unsigned int sender, uint64_t seq,
	      size_t len);
/* What a receiver says next when all senders are gone and all is delivered. */
void recv_end(struct via_channel *ch);
/* Leave a long message half handed over. */
void send_half(struct via_channel *ch, unsigned int sender, uint64_t seq,
	       size_t len);
/* Close, with all confirmed that can be. */
void finish(struct via_channel *ch);

struct link {
	struct via_channel *recv, *send;
	char url[512];		   /* for the other end */
	struct via_channel *spare; /* nameless: the other end, to be opened */
};

/* Both ends in this process. */
void link_both(struct link *l, const char *options);
/* A receiver here; then senders in children; then no more of them. */
void link_recv(struct link *l, const char *options);
struct child link_sender(struct link *l,
			 void (*body)(struct via_channel *ch, unsigned int i),
			 unsigned int i);
void link_no_more_senders(struct link *l);
/* A receiver in a child, and a sender here. */
struct child link_receiver(struct link *l, const char *options,
			   void (*body)(struct via_channel *ch, unsigned int i),
			   unsigned int i);
void link_close(struct link *l);

struct child {
	pid_t pid;
	int line; /* one packet is one word */
};

struct child child_start(void (*body)(void *arg), void *arg);
/* Wait for its end, which must be a good one. */
void child_wait(struct child *c);
/* SIGKILL. The name of a receiver may then stay. */
void child_kill(struct child *c);
/* A word over the line, between a child and its parent. */
void tell(const struct child *c);
void hear(const struct child *c);
/* After a test that failed: end those that are left. */
void children_end(void);
/* In a child: its own end of the line. */
extern struct child parent;

#endif
