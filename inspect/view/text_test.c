/* SPDX-License-Identifier: MIT */
#include "inspect/view/text.h"

#include <string.h>

#include "inspect/model/build.h"
#include "inspect/view/escape.h"
#include "tests/check.h"

static void what_a_terminal_acts_on_is_escaped(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{"plain, with spaces", "plain, with spaces"},
		{"\033[31m", "\\x1b[31m"},
		{"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
		{"back\\slash", "back\\x5cslash"},
		{"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80",
		 "caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80"},
		{"\xc2\x9b"
		 "0m",
		 "\\xc2\\x9b0m"},			      /* C1 */
		{"\xe2\x80\xae", "\\xe2\\x80\\xae"},	      /* RLO */
		{"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},	      /* ZWSP */
		{"\xc0\xaf", "\\xc0\\xaf"},		      /* overlong */
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},	      /* overlong */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* too high */
		{"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
		{"\xe6\x97", "\\xe6\\x97"}, /* cut */
		{"\x80", "\\x80"},
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(via__escape(cases[i].bytes,
						strlen(cases[i].bytes), buf,
						sizeof(buf)),
				    cases[i].text);
}

static void what_is_too_long_is_cut_between(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{"1234567", "1234567"},
		{"12345678", "1234..."},
		{"123\033", "123\\x1b"},
		{"1234\033", "1234..."},
		{"12\033\033", "12..."},
		{"123\xe6\x97\xa5 ", "123\xe6\x97\xa5 "},
		{"123\xe6\x97\xa5  ", "123..."},
	};
	char buf[9];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf[8] = '!';
		assert_string_equal(via__escape(cases[i].bytes,
						strlen(cases[i].bytes), buf, 8),
				    cases[i].text);
		assert_int_equal(buf[8], '!');
	}
}

static uint32_t add(struct via_snapshot *s, enum via_kind kind, uint64_t dev,
		    uint64_t ino, const char *name)
{
	uint32_t object = via__object(s, kind, dev, ino, 0);

	if (name)
		s->objects[object].name = via__text_of(s, name);
	return object;
}

static void simple_names(void **state)
{
	static const struct {
		enum via_kind kind;
		uint64_t dev, ino;
		const char *name, *text;
	} cases[] = {
		{VIA_KIND_PIPE, 13, 4242, NULL, "pipe:[4242]"},
		{VIA_KIND_FIFO, 1, 7, "/tmp/f", "fifo:/tmp/f"},
		{VIA_KIND_FIFO, 1, 8, NULL, "fifo:[8]"},
		{VIA_KIND_UNIX, 0, 1, "/run/x.sock", "unix:/run/x.sock"},
		{VIA_KIND_UNIX, 0, 2, "@name", "unix:@name"},
		{VIA_KIND_UNIX, 0, 123, NULL, "unix:[123]"},
		{VIA_KIND_TCP, 0, 9, NULL, "tcp:[9]"},
		{VIA_KIND_SYSVSHM, 1, 5, NULL, "sysvshm:5"},
		{VIA_KIND_SYSVMSG, 1, 0, NULL, "sysvmq:0"},
		{VIA_KIND_POSIXSHM, 1, 5, "/dev/shm/s", "posixshm:/s"},
		{VIA_KIND_POSIXSEM, 1, 5, "/dev/shm/sem.n", "posixsem:/n"},
		{VIA_KIND_MQ, 1, 5, "/jobs", "mq:/jobs"},
		{VIA_KIND_MEMFD, 1, 5, "/memfd:m", "memfd:m[5]"},
		{VIA_KIND_MEMFD, 1, 6, "m", "memfd:m[6]"},
		{VIA_KIND_ANON, 1, 6, "/dev/zero", "anon:[6]"},
		{VIA_KIND_EVENTFD, 0, 7, NULL, "eventfd:7"},
		{VIA_KIND_EPOLL, 4711, 5, NULL, "epoll:4711,5"},
		{VIA_KIND_PIDFD, 0, 4711, NULL, "pidfd:4711"},
		{VIA_KIND_PTMX, 3, 3, NULL, "ptmx:/dev/pts/3"},
		{VIA_KIND_PTY, 3, 3, NULL, "pty:/dev/pts/3"},
		{VIA_KIND_FILE, 3, 3, "/etc/\033x", "file:/etc/\\x1bx"},
		{VIA_KIND_CHANNEL, 0, 3, "prices", "shm:prices"},
	};
	struct via_snapshot *s = via__snapshot_new();
	char buf[VIA__TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t object = add(s, cases[i].kind, cases[i].dev,
				      cases[i].ino, cases[i].name);

		assert_string_equal(
			via__object_text(s, object, buf, sizeof(buf)),
			cases[i].text);
		assert_string_equal(
			via__object_name(s, object, buf, sizeof(buf)),
			strchr(cases[i].text, ':') + 1);
	}
	assert_string_equal(via__object_text(s, VIA_NONE, buf, sizeof(buf)),
			    "");
	via_snapshot_free(s);
}

static void names_from_details(void **state)
{
	struct via_snapshot *s = via__snapshot_new();
	char buf[VIA__TEXT_MAX];
	uint32_t file = add(s, VIA_KIND_FILE, 8, 4, "/path"),
		 shm = add(s, VIA_KIND_SYSVSHM, 1, 5, NULL),
		 o[7] = {
			 add(s, VIA_KIND_TCP, 0, 1, NULL),
			 add(s, VIA_KIND_LOCK, 8, 4, NULL),
			 via__object(s, VIA_KIND_LOCK, 8, 4, 1),
			 via__object(s, VIA_KIND_FUTEX, 8, 4, 40),
			 via__object(s, VIA_KIND_FUTEX, 0, 4711, 0x7f00),
			 via__object(s, VIA_KIND_FUTEX, 1, 5, 8),
			 via__object(s, VIA_KIND_FUTEX, 9, 77, 16),
		 };
	static const char *const texts[] = {
		"tcp:127.0.0.1:80->127.0.0.1:4000",
		"lock:/path",
		"lock:/path[0-9]",
		"futex:/path+40",
		"futex:4711+0x7f00",
		"futex:sysvshm:5+8",
		"futex:[77]+16",
	};

	(void)state;
	via__socket(s, o[0])->local = via__text_of(s, "127.0.0.1:80");
	via__socket(s, o[0])->remote = via__text_of(s, "127.0.0.1:4000");
	*via__file_lock(s, o[1]) = (struct via_file_lock){
		.object = o[1], .file = file, .end = UINT64_MAX};
	*via__file_lock(s, o[2]) =
		(struct via_file_lock){.object = o[2], .file = file, .end = 9};
	via__futex(s, o[3])->memory = file;
	s->objects[o[4]].flags = VIA_OBJECT_PRIVATE;
	via__futex(s, o[5])->memory = shm;
	for (size_t i = 0; i < sizeof(o) / sizeof(*o); i++)
		assert_string_equal(via__object_text(s, o[i], buf, sizeof(buf)),
				    texts[i]);
	s->objects[o[0]].flags = VIA_OBJECT_LISTENS;
	assert_string_equal(via__object_text(s, o[0], buf, sizeof(buf)),
			    "tcp:127.0.0.1:80");
	via_snapshot_free(s);
}

static void who_holds_and_how(void **state)
{
	static const struct {
		struct via_holding hold;
		const char *text;
	} cases[] = {
		{{.how = VIA_HOLDS_FD, .id = 3, .flags = VIA_HOLD_READ}, "3r"},
		{{.how = VIA_HOLDS_FD, .id = 0, .flags = 3}, "0rw"},
		{{.how = VIA_HOLDS_FD, .id = 12}, "12"},
		{{.how = VIA_HOLDS_MAP, .flags = 3}, "map-rw"},
		{{.how = VIA_HOLDS_CWD}, "cwd"},
		{{.how = VIA_HOLDS_LOCK}, "lock"},
		{{.how = VIA_HOLDS_LOCK, .flags = VIA_HOLD_SHARED},
		 "lock-shared"},
	};
	struct via_snapshot *s = via__snapshot_new();
	char buf[VIA__TEXT_MAX], want[64];
	struct via_process *p = via__add_process(s);

	(void)state;
	p->task.pid = 4711;
	strcpy(p->task.comm, "a,\033b");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(want, sizeof(want), "4711,a\\x2c\\x1bb,%s",
			 cases[i].text);
		assert_string_equal(
			via__end_text(s, &cases[i].hold, buf, sizeof(buf)),
			want);
	}
	struct via_thread *t = via__add_thread(s, 0);

	t->tid = 4712;
	t->comm = via__text_of(s, "io");
	assert_string_equal(via__thread_text(s, 0, buf, sizeof(buf)),
			    "4711/4712,io");
	assert_string_equal(via__command_text(s, 0, buf, sizeof(buf)),
			    "[a,\\x1bb]");
	s->processes[0].command = via__text(s, "cat\0-n\0a\nb", 10);
	assert_string_equal(via__command_text(s, 0, buf, sizeof(buf)),
			    "cat -n a\\x0ab");
	via_snapshot_free(s);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(what_a_terminal_acts_on_is_escaped),
	CHECK_TEST(what_is_too_long_is_cut_between),
	CHECK_TEST(simple_names),
	CHECK_TEST(names_from_details),
	CHECK_TEST(who_holds_and_how),
};
CHECK_MAIN(tests)
