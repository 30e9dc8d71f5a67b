/* SPDX-License-Identifier: MIT */
/* Finding members in a description of types, made by hand. */
#include <errno.h>
#include <linux/btf.h>
#include <stddef.h>
#include <string.h>

#include "inspect/collect/bpf_layout.h"
#include "tests/check.h"

/* struct pipe_buffer { int other; union { struct { const t len; }; }; };
 * typedef int t; a function that is an iterator. */
static const char texts[] = "\0int\0pipe_buffer\0other\0len\0bpf_iter_task";
enum {
	INT = 1,
	BUFFER = 5,
	OTHER = 17,
	LEN = 23,
	ITERATOR = 27
};

#define INFO(kind, n) ((uint32_t)(kind) << 24 | (n))

static const uint32_t types[] = {
	/* 1 */ INT,
	INFO(BTF_KIND_INT, 0),
	4,
	32,
	/* 2 */ INT,
	INFO(BTF_KIND_TYPEDEF, 0),
	1,
	/* 3 */ 0,
	INFO(BTF_KIND_CONST, 0),
	2,
	/* 4 */ 0,
	INFO(BTF_KIND_STRUCT, 1),
	8,
	LEN,
	3,
	32,
	/* 5 */ 0,
	INFO(BTF_KIND_UNION, 1),
	8,
	0,
	4,
	0,
	/* 6 */ BUFFER,
	INFO(BTF_KIND_STRUCT, 2),
	16,
	OTHER,
	1,
	0,
	0,
	5,
	64,
	/* 7 */ ITERATOR,
	INFO(BTF_KIND_FUNC, 1),
	0,
};

struct description {
	struct btf_header head;
	uint32_t types[sizeof(types) / sizeof(*types)];
	char texts[sizeof(texts)];
};

static struct description make(void)
{
	struct description d = {
		.head = {.magic = BTF_MAGIC,
			 .version = 1,
			 .hdr_len = sizeof(d.head),
			 .type_len = sizeof(types),
			 .str_off = sizeof(types),
			 .str_len = sizeof(texts)},
	};

	memcpy(d.types, types, sizeof(types));
	memcpy(d.texts, texts, sizeof(texts));
	return d;
}

static void finds_members(void **state)
{
	struct description d = make();
	struct via__bpf_layout l;

	(void)state;
	assert_int_equal(via__bpf_layout_of(&d, sizeof(d), &l), 0);
	assert_int_equal(l.members[VIA__AT_BUFFER], 16);
	assert_int_equal(l.members[VIA__AT_BUFFER_LEN], 12);
	assert_int_equal(l.members[VIA__AT_PIPE_HEAD], -1);
	/* What is said by who loads is in no description. */
	assert_int_equal(l.members[VIA__AT_OUTERMOST], -1);
	assert_int_equal(l.iterators[VIA__BPF_UNDO], 7);
	assert_int_equal(l.iterators[VIA__BPF_FILES], 0);
	/* One that has another size is not what is looked for. */
	d.types[2] = 2;
	assert_int_equal(via__bpf_layout_of(&d, sizeof(d), &l), 0);
	assert_int_equal(l.members[VIA__AT_BUFFER_LEN], -1);
}

static void refuses_what_is_none(void **state)
{
	struct description d = make();
	struct via__bpf_layout l;

	(void)state;
	for (size_t len = 0;
	     len < offsetof(struct description, texts) + sizeof(texts); len++)
		assert_int_equal(via__bpf_layout_of(&d, len, &l), -EPROTO);
	d.types[1] = INFO(31, 0);
	assert_int_equal(via__bpf_layout_of(&d, sizeof(d), &l), -EPROTO);
	d = make();
	/* A structure inside itself, and a type that is not there. */
	d.types[14] = 5;
	d.types[26] = 1000;
	assert_int_equal(via__bpf_layout_of(&d, sizeof(d), &l), 0);
	assert_int_equal(l.members[VIA__AT_BUFFER_LEN], -1);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(finds_members),
	CHECK_TEST(refuses_what_is_none),
};
CHECK_MAIN(tests)
