/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "inspect/model/build.h"
#include "inspect/view/fields.h"
#include "inspect/view/json.h"
#include "tests/check.h"

static char *save(const struct via_snapshot *s)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(via_snapshot_save(s, f), 0);
	fclose(f);
	return text;
}

static int load(const char *text, struct via_snapshot **ret,
		struct via_error *error)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	int err = via_snapshot_load(f, ret, error);

	fclose(f);
	return err;
}

/* --- There and back --- */

/* Every field of a record gets a value of its own: the nth record of its
 * array. */
static void fill(struct via_snapshot *s, const struct via__record *r,
		 void *record, unsigned int nth)
{
	unsigned int i = 0;

	for (const struct via__field *f = r->fields; f->key; f++, i++) {
		char *at = (char *)record + f->offset;

		switch (f->type) {
		case VIA__NUMBER:
			for (size_t k = 0; k < f->n; k++)
				(void)via__field_set(f, record, k,
						     nth + i + k + 1, false);
			break;
		case VIA__LETTER:
			*at = 'S';
			break;
		case VIA__CHARS:
			snprintf(at, f->n, "comm %u\xff", nth);
			break;
		case VIA__TEXT:
			(void)via__field_set(f, record, 0,
					     via__text(s, "a\0\xff\033", 4),
					     false);
			break;
		case VIA__ARGS:
			(void)via__field_set(f, record, 0,
					     via__text(s, "a\0\0\xff\0b", 6),
					     false);
			break;
		case VIA__INDEX:
			(void)via__field_set(f, record, 0, nth % 2, false);
			break;
		case VIA__WORD:
			(void)via__field_set(f, record, 0, 1, false);
			break;
		case VIA__SET:
			(void)via__field_set(f, record, 0, 1, false);
			break;
		}
	}
}

/* Two of each, with nothing left as it was. */
static struct via_snapshot *full(void)
{
	static const enum via_kind kinds[] = {
		VIA_KIND_TCP,	VIA_KIND_MQ,	  VIA_KIND_LOCK,
		VIA_KIND_FUTEX, VIA_KIND_CHANNEL, VIA_KIND_SYSVSEM};
	struct via_snapshot *s = via__snapshot_new();

	fill(s, &via__sight_record, &s->sight, 0);
	for (uint32_t i = 0; i < 2; i++)
		fill(s, &via__records[VIA__PROCESSES], via__add_process(s), i);
	for (uint32_t i = 0; i < 2; i++)
		fill(s, &via__records[VIA__THREADS], via__add_thread(s, i), i);
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t object = via__object(s, kinds[i], 7, i, 0);

		s->objects[object].name = via__text_of(s, "/n");
	}
	fill(s, &via__records[VIA__SOCKETS], via__socket(s, 0), 0);
	fill(s, &via__records[VIA__IPCS], via__ipc(s, 1), 1);
	fill(s, &via__records[VIA__LOCKS], via__file_lock(s, 2), 0);
	fill(s, &via__records[VIA__FUTEXES], via__futex(s, 3), 1);
	for (uint32_t i = 0; i < 2; i++) {
		fill(s, &via__records[VIA__LANES], via__add_lane(s, 4), i);
		s->lanes[i].object = 4;
		fill(s, &via__records[VIA__SEMAPHORES],
		     via__add_semaphore(s, 5), i);
		s->semaphores[i].object = 5;
	}
	s->locks[0].object = 2;
	s->locks[0].end = UINT64_MAX;
	s->futexes[0].object = 3;
	for (uint32_t i = 0; i < 2; i++) {
		fill(s, &via__records[VIA__HOLDS],
		     via__add_hold(s, i, 0, VIA_HOLDS_FD), i);
		fill(s, &via__records[VIA__WAITS],
		     via__add_wait(s, i, VIA_OP_READ), i);
		fill(s, &via__records[VIA__LINKS],
		     via__add_link(s, 0, 0, VIA_LINK_BACKED), i);
	}
	s->waits[1].left_ns = VIA_UNKNOWN;
	s->holds[1].start = UINT64_C(0xfffffffffffff000);
	s->objects[1].level = INT64_MIN + 1;
	assert_int_equal(via__seal(s), 0);
	return s;
}

static void what_is_saved_is_loaded(void **state)
{
	struct via_snapshot *s = full(), *again;
	char *text = save(s);
	struct via_error error = {0};

	(void)state;
	int err = load(text, &again, &error);

	if (err)
		print_message("# %s\n", error.text);
	assert_int_equal(err, 0);
	char *text_again = save(again);

	assert_string_equal(text_again, text);
	assert_int_equal(again->holds[1].start, s->holds[1].start);
	assert_int_equal(again->locks[0].end, UINT64_MAX);
	assert_true(again->waits[1].left_ns == VIA_UNKNOWN);
	assert_true(again->objects[1].level == INT64_MIN + 1);
	assert_int_equal(again->objects[2].detail, 0);
	assert_int_equal(again->objects[4].detail, 0);
	assert_int_equal(again->n_lanes, 2);
	assert_int_equal(via__ipc(again, 5)->n_semaphores, 2);
	assert_int_equal(again->processes[1].n_holds, 1);
	size_t len;
	const char *bytes =
		via_snapshot_text(again, again->processes[0].command, &len);

	assert_int_equal(len, 6);
	assert_memory_equal(bytes, "a\0\0\xff\0b", 6);
	assert_string_equal(again->processes[1].task.comm, "comm 1\xff");
	free(text);
	free(text_again);
	via_snapshot_free(s);
	via_snapshot_free(again);
}

static void a_state_without_a_word_is_unknown(void **state)
{
	struct via_snapshot *s = via__snapshot_new(), *again;
	uint32_t object = via__object(s, VIA_KIND_TCP, 0, 7, 0);

	(void)state;
	via__socket(s, object)->state = 99;
	char *text = save(s);

	assert_int_equal(load(text, &again, NULL), 0);
	assert_int_equal(again->sockets[0].state, 0);
	free(text);
	via_snapshot_free(s);
	via_snapshot_free(again);
}

/* Every field of every record is written when it differs from a new one. */
static void every_field_is_written(void **state)
{
	struct via_snapshot *s = via__snapshot_new();

	(void)state;
	for (int i = -1; i < VIA__N_RECORDS; i++) {
		const struct via__record *r = i < 0 ? &via__sight_record
						    : &via__records[i];

		for (const struct via__field *f = r->fields; f->key; f++) {
			assert_true(f->help && *f->help);
			for (const struct via__field *g = f + 1; g->key; g++)
				assert_string_not_equal(f->key, g->key);
			assert_true(f->offset + f->size * f->n <= r->size);
			if (f->type == VIA__WORD || f->type == VIA__SET)
				assert_string_not_equal(f->word(0), "");
		}
	}
	via_snapshot_free(s);
}

#define IS_NEW(s, id, made)                                                    \
	do {                                                                   \
		char want[512];                                                \
		const struct via__record *r = &via__records[id];               \
		const void *m = made;                                          \
                                                                               \
		via__record_clear(r, want);                                    \
		for (const struct via__field *f = r->fields; f->key; f++)      \
			if (!f->required)                                      \
				assert_int_equal(via__field_get(f, want, 0),   \
						 via__field_get(f, m, 0));     \
	} while (0)

static void a_new_record_is_the_builders(void **state)
{
	struct via_snapshot *s = via__snapshot_new();

	(void)state;
	IS_NEW(s, VIA__PROCESSES, via__add_process(s));
	IS_NEW(s, VIA__THREADS, via__add_thread(s, 0));
	uint32_t o = via__object(s, VIA_KIND_PIPE, 0, 0, 0);

	IS_NEW(s, VIA__OBJECTS, &s->objects[o]);
	IS_NEW(s, VIA__HOLDS, via__add_hold(s, 0, o, VIA_HOLDS_FD));
	IS_NEW(s, VIA__WAITS, via__add_wait(s, 0, VIA_OP_READ));
	IS_NEW(s, VIA__LINKS, via__add_link(s, o, o, VIA_LINK_BACKED));
	for (uint32_t i = 1; i < 7; i++)
		(void)via__object(s, VIA_KIND_PIPE, 0, i, 0);
	IS_NEW(s, VIA__SOCKETS, via__socket(s, 1));
	IS_NEW(s, VIA__IPCS, via__ipc(s, 2));
	IS_NEW(s, VIA__LOCKS, via__file_lock(s, 3));
	IS_NEW(s, VIA__FUTEXES, via__futex(s, 4));
	IS_NEW(s, VIA__LANES, via__lane(s, 5));
	IS_NEW(s, VIA__SEMAPHORES, via__add_semaphore(s, 6));
	via_snapshot_free(s);
}

/* --- What is refused --- */

#define SNAPSHOT(more) "{\"via_inspect\":1,\"sight\":{}" more "}"

static void nothing_is_trusted(void **state)
{
	static const struct {
		const char *text, *sentence;
	} cases[] = {
		{"", "not JSON: line 1: '[' or '{' expected near end of file"},
		{"[]", "not a snapshot: it has no via_inspect"},
		{"{\"via_inspect\":2}", "a snapshot in another format: "
					"it is read by the version of via "
					"that wrote it"},
		{"{\"via_inspect\":1}", "sight[0]: not an object"},
		{SNAPSHOT(",\"holds\":{}"), "holds[0]: not a list"},
		{SNAPSHOT(",\"holds\":[1]"), "holds[0]: not an object"},
		{SNAPSHOT(",\"processes\":[{}]"),
		 "processes[0].pid: is missing"},
		{SNAPSHOT(",\"processes\":[{\"pid\":2},{\"pid\":1}]"),
		 "processes[1]: not in the order of pids"},
		{SNAPSHOT(",\"processes\":[{\"pid\":2147483648}]"),
		 "processes[0].pid: does not fit"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"uid\":-1}]"),
		 "processes[0].uid: does not fit"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"start\":\"12x\"}]"),
		 "processes[0].start: not a number"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"start\":"
			  "\"18446744073709551616\"}]"),
		 "processes[0].start: not a number"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"state\":\"RS\"}]"),
		 "processes[0].state: too long"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"comm\":\"a\\u0000\"}]"),
		 "processes[0].comm: has a NUL"},
		{SNAPSHOT(
			 ",\"processes\":[{\"pid\":1,\"comm_base64\":\"a=\"}]"),
		 "processes[0].comm: not base64"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"command\":[1]}]"),
		 "processes[0].command: not a string"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1,\"hidden\":[\"x\"]}]"),
		 "processes[0].hidden: none of the words"},
		{SNAPSHOT(",\"threads\":[{\"process\":0,\"tid\":1}]"),
		 "threads[0].process: no index of a record"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1},{\"pid\":2}],"
			  "\"threads\":[{\"process\":1,\"tid\":1},"
			  "{\"process\":0,\"tid\":2}]"),
		 "threads[1]: not in the order of processes"},
		{SNAPSHOT(",\"processes\":[{\"pid\":1}],\"threads\":"
			  "[{\"process\":0,\"tid\":1,\"args\":[1,2]}]"),
		 "threads[0].args: not a list of so many numbers"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"pip\"}]"),
		 "objects[0].kind: none of the words"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"pipe\",\"peer\":1}]"),
		 "objects[0].peer: no index of a record"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"pipe\"},"
			  "{\"kind\":\"pipe\"}]"),
		 "objects[1]: another one has the same key"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"pipe\"}],"
			  "\"sockets\":[{\"object\":0}]"),
		 "sockets[0]: of an object of another kind"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"tcp\"}],"
			  "\"sockets\":[{\"object\":0},{\"object\":0}]"),
		 "sockets[1]: of an object that has one"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"tcp\"}],"
			  "\"semaphores\":[{\"object\":0}]"),
		 "semaphores[0]: of an object of another kind"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"shm\"},"
			  "{\"kind\":\"shm\",\"ino\":1}],"
			  "\"lanes\":[{\"object\":0},{\"object\":1},"
			  "{\"object\":0}]"),
		 "lanes[2]: not beside the others of its object"},
		{SNAPSHOT(",\"objects\":[{\"kind\":\"sysvsem\"},"
			  "{\"kind\":\"sysvsem\",\"ino\":1}],"
			  "\"semaphores\":[{\"object\":0},{\"object\":1},"
			  "{\"object\":0}]"),
		 "semaphores[2]: not beside the others of its object"},
		{"{\"via_inspect\":\033}",
		 "not JSON: line 1: invalid token near '\\x1b'"},
		{"{\"via_inspect\":1,\"via_inspect\":1}",
		 "not JSON: line 1: duplicate object key near "
		 "'\"via_inspect\"'"},
	};
	struct via_snapshot *s;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct via_error error = {0};

		assert_int_equal(load(cases[i].text, &s, &error), -EPROTO);
		assert_string_equal(error.text, cases[i].sentence);
		assert_int_equal(error.code, -EPROTO);
		assert_int_equal(load(cases[i].text, &s, NULL), -EPROTO);
	}
	assert_int_equal(load(SNAPSHOT(",\"news\":1"), &s, NULL), 0);
	via_snapshot_free(s);
}

static void base64_there_and_back(void **state)
{
	static const char bytes[] = "\0\xff\x10Zz\x80";
	static const char *const bad[] = {
		"a", "ab=c", "a===", "====", "ab c", "=abc", "ab==abcd"};
	char *back;
	size_t len;

	(void)state;
	for (size_t n = 0; n < sizeof(bytes); n++) {
		json_t *value = via__json_base64(bytes, n);

		assert_int_equal(via__json_from_base64(value, &back, &len), 0);
		assert_int_equal(len, n);
		assert_memory_equal(back, bytes, n);
		free(back);
		json_decref(value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		json_t *value = json_string(bad[i]);

		assert_int_equal(via__json_from_base64(value, &back, &len),
				 -EINVAL);
		json_decref(value);
	}
}

static void a_full_disk_is_told(void **state)
{
	struct via_snapshot *s = full();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(via_snapshot_save(s, f), -ENOSPC);
	fclose(f);
	via_snapshot_free(s);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(what_is_saved_is_loaded),
	CHECK_TEST(a_state_without_a_word_is_unknown),
	CHECK_TEST(every_field_is_written),
	CHECK_TEST(a_new_record_is_the_builders),
	CHECK_TEST(nothing_is_trusted),
	CHECK_TEST(base64_there_and_back),
	CHECK_TEST(a_full_disk_is_told),
};
CHECK_MAIN(tests)
