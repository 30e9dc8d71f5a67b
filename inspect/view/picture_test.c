/* SPDX-License-Identifier: MIT */
/* Pictures of snapshots made by hand. */
#include "inspect/view/picture.h"

#include "inspect/model/build.h"
#include "tests/check.h"

enum {
	WRITER,
	READER,
	SERVER,
	CLIENT,
	LONER
};

static struct via_snapshot *s;
static uint32_t pipe_of, sockets[2], file;

static void hold(uint32_t process, uint32_t object, int fd, uint8_t flags)
{
	struct via_holding *h = via__add_hold(s, process, object, VIA_HOLDS_FD);

	h->id = fd;
	h->flags = flags;
}

static void wait_for(uint32_t thread, enum via_op op, uint32_t object)
{
	struct via_wait *w = via__add_wait(s, thread, op);

	w->object = object;
	w->fd = 9;
}

/* A full pipe, a pair of sockets, a file that all have. */
static int make(void **state)
{
	static const char *const names[] = {"writer", "reader", "server",
					    "a\"<b>", "loner"};

	(void)state;
	s = via__snapshot_new();
	for (uint32_t i = 0; i <= LONER; i++) {
		struct via_process *p = via__add_process(s);

		p->task.pid = p->task.tid = 100 + (int)i;
		snprintf(p->task.comm, sizeof(p->task.comm), "%s", names[i]);
		via__add_thread(s, i)->tid = 100 + (int)i;
	}
	pipe_of = via__object(s, VIA_KIND_PIPE, 1, 42, 0);
	via__object_at(s, pipe_of)->level = 65536;
	via__object_at(s, pipe_of)->capacity = 65536;
	hold(WRITER, pipe_of, 4, VIA_HOLD_WRITE);
	hold(WRITER, pipe_of, 1, VIA_HOLD_WRITE);
	hold(READER, pipe_of, 0, VIA_HOLD_READ);
	wait_for(WRITER, VIA_OP_WRITE, pipe_of);
	for (int i = 0; i < 2; i++) {
		sockets[i] = via__object(s, VIA_KIND_UNIX, 0, 70 + i, 0);
		hold(i ? CLIENT : SERVER, sockets[i], 5 + i,
		     VIA_HOLD_READ | VIA_HOLD_WRITE);
	}
	via__object_at(s, sockets[0])->name = via__text_of(s, "/run/x");
	via__peers(s, sockets[0], sockets[1]);
	hold(LONER, via__object(s, VIA_KIND_PIPE, 1, 43, 0), 3, VIA_HOLD_READ);
	file = via__object(s, VIA_KIND_FILE, 2, 2, 0);
	for (uint32_t i = 0; i <= LONER; i++)
		hold(i, file, 8, VIA_HOLD_READ);
	return via__seal(s);
}

static int unmake(void **state)
{
	(void)state;
	via_snapshot_free(s);
	return 0;
}

static struct via_picture *draw(const struct via_choice *choice)
{
	struct via_picture *p = NULL;

	assert_int_equal(via__picture_new(s, NULL, choice, &p), 0);
	return p;
}

/* Whether what is printed has these lines one after the other. */
static void prints(int (*view)(const struct via_picture *, FILE *),
		   const struct via_choice *choice, const char *const *lines)
{
	struct via_picture *p = draw(choice);
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(view(p, f), 0);
	fclose(f);
	const char *at = text;

	for (; *lines; lines++) {
		const char *found = strstr(at, *lines);

		if (!found)
			fail_msg("no '%s' in:\n%s", *lines, at);
		at = found + strlen(*lines);
	}
	free(text);
	via__picture_free(p);
}

static void draws_what_is_shared(void **state)
{
	const struct via_choice all = {0};
	struct via_picture *p = draw(&all);

	(void)state;
	assert_int_equal(p->n_processes, 4);
	assert_int_equal(p->n_nodes, 6);
	assert_int_equal(p->n_arcs, 4);
	/* Both descriptors, and the wait. */
	assert_int_equal(p->arcs[0].n, 2);
	assert_int_equal(p->arcs[0].fd, 1);
	assert_true(p->arcs[0].waits);
	assert_false(p->arcs[1].waits);
	via__picture_free(p);
}

static void draws_files_on_request(void **state)
{
	const struct via_choice files = {.files = true};
	struct via_picture *p = draw(&files);

	(void)state;
	assert_int_equal(p->n_processes, 5);
	assert_int_equal(p->n_nodes, 5 + 3);
	via__picture_free(p);
}

static void draws_what_hangs_together(void **state)
{
	bool processes[5] = {[READER] = true}, objects[8] = {false};
	const struct via_choice some = {.processes = processes,
					.objects = objects},
				one = {.processes = processes,
				       .objects = objects,
				       .hops = 1};
	struct via_picture *p = draw(&some);

	(void)state;
	assert_int_equal(p->n_processes, 2);
	assert_int_equal(p->n_nodes, 3);
	assert_true(p->nodes[1].wanted);
	assert_false(p->nodes[0].wanted);
	via__picture_free(p);
	p = draw(&one);
	assert_int_equal(p->n_processes, 1);
	assert_int_equal(p->n_nodes, 2);
	via__picture_free(p);
	/* From an object, also one that only one process has. */
	processes[READER] = false;
	objects[sockets[1]] = true;
	p = draw(&some);
	assert_int_equal(p->n_processes, 2);
	assert_int_equal(p->nodes[0].index, SERVER);
	via__picture_free(p);
}

static void prints_words(void **state)
{
	const struct via_choice all = {0};
	static const char *const lines[] = {
		"100,writer\n",
		"  writes pipe:[42] (64K/64K)  with 101,reader (reads)  "
		"waits: write\n",
		"101,reader\n",
		"  reads  pipe:[42] (64K/64K)  with 100,writer (writes)\n",
		"102,server\n",
		"  uses   unix:/run/x  with 103,",
		NULL};

	(void)state;
	prints(via__picture_text, &all, lines);
}

static void prints_dot(void **state)
{
	const struct via_choice all = {0};
	static const char *const lines[] = {
		"digraph via {\n",
		"n3 [label=\"103,a\\\"<b>\"",
		"n4 [label=\"pipe:[42]\\n64K/64K\", shape=ellipse]\n",
		"n0 -> n4 [dir=forward, label=\"write\", style=dashed]\n",
		"n1 -> n4 [dir=back, label=\"0\"]\n",
		"n2 -> n5 [dir=both, label=\"5\"]\n",
		"}\n",
		NULL};

	(void)state;
	prints(via__picture_dot, &all, lines);
}

static void prints_mermaid(void **state)
{
	const struct via_choice all = {0};
	static const char *const lines[] = {
		"flowchart LR\n",
		"n3[\"103,a#34;#60;b#62;\"]\n",
		"n4([\"pipe:#91;42#93;<br>64K/64K\"])\n",
		"n0 -.->|write| n4\n",
		"n4 -->|0| n1\n",
		"n2 <-->|5| n5\n",
		NULL};

	(void)state;
	prints(via__picture_mermaid, &all, lines);
}

static void a_page_is_not_ended_by_a_name(void **state)
{
	const struct via_choice all = {0};
	static const char *const lines[] = {"const picture = {",
					    "\"name\":\"103,<\\/script>\"",
					    "};", NULL};

	(void)state;
	strcpy(s->processes[CLIENT].task.comm, "</script>");
	prints(via__picture_html, &all, lines);
}

#define PICTURE_TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

static const struct CMUnitTest tests[] = {
	PICTURE_TEST(draws_what_is_shared),
	PICTURE_TEST(draws_files_on_request),
	PICTURE_TEST(draws_what_hangs_together),
	PICTURE_TEST(prints_words),
	PICTURE_TEST(prints_dot),
	PICTURE_TEST(prints_mermaid),
	PICTURE_TEST(a_page_is_not_ended_by_a_name),
};
CHECK_MAIN(tests)
