/* SPDX-License-Identifier: MIT */
#include "inspect/model/build.h"

#include "tests/check.h"

static void texts_are_kept_once(void **state)
{
	struct via_snapshot *s = via__snapshot_new();
	uint32_t texts[1000];
	size_t len;

	(void)state;
	assert_int_equal(via__text(s, "", 0), 0);
	assert_string_equal(via_snapshot_text(s, 0, &len), "");
	assert_int_equal(len, 0);
	for (uint32_t i = 0; i < 1000; i++)
		texts[i] = via__text(s, &i, sizeof(i));
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(via__text(s, &i, sizeof(i)), texts[i]);
		assert_memory_equal(via_snapshot_text(s, texts[i], &len), &i,
				    sizeof(i));
		assert_int_equal(len, sizeof(i));
	}
	assert_int_not_equal(via__text(s, "a\0b", 3), via__text(s, "a", 1));
	via_snapshot_free(s);
}

static void objects_are_found_by_key(void **state)
{
	struct via_snapshot *s = via__snapshot_new();

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(via__object(s, VIA_KIND_PIPE, i % 7, i, i % 3),
				 i);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(
			via_snapshot_object(s, VIA_KIND_PIPE, i % 7, i, i % 3),
			i);
	assert_int_equal(via_snapshot_object(s, VIA_KIND_FIFO, 1, 1, 1),
			 VIA_NONE);
	assert_true(s->objects[17].level == VIA_UNKNOWN);
	via__socket(s, 17)->state = 5;
	assert_int_equal(via__socket(s, 17)->state, 5);
	assert_int_equal(s->n_sockets, 1);
	assert_int_equal(s->sockets[s->objects[17].detail].object, 17);
	via_snapshot_free(s);
}

static void an_object_has_several_parts(void **state)
{
	struct via_snapshot *s = via__snapshot_new();
	uint32_t set[2], channel[2];

	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		set[i] = via__object(s, VIA_KIND_SYSVSEM, 0, i, 0);
		channel[i] = via__object(s, VIA_KIND_CHANNEL, 0, i, 0);
		for (uint32_t n = 0; n < 3; n++) {
			via__add_semaphore(s, set[i])->value = 10 * i + n;
			via__add_lane(s, channel[i])->put = 10 * i + n;
		}
	}
	for (uint32_t i = 0; i < 2; i++) {
		const struct via_ipc *ipc = via__ipc(s, set[i]);

		assert_int_equal(ipc->n_semaphores, 3);
		for (uint32_t n = 0; n < 3; n++) {
			assert_int_equal(
				s->semaphores[ipc->first_semaphore + n].value,
				10 * i + n);
			assert_int_equal(
				s->lanes[s->objects[channel[i]].detail + n].put,
				10 * i + n);
		}
	}
	via_snapshot_free(s);
}

/* Each is still found, by its new key alone, whatever gap it left. */
static void an_object_changes_its_kind(void **state)
{
	struct via_snapshot *s = via__snapshot_new();

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(via__object(s, VIA_KIND_SOCKET, 0, i, 0), i);
	for (uint32_t i = 0; i < 5000; i += 3)
		assert_int_equal(via__rekind(s, i, VIA_KIND_UNIX), i);
	assert_int_equal(via__rekind(s, 1, VIA_KIND_SOCKET), 1);
	for (uint32_t i = 0; i < 5000; i++) {
		assert_int_equal(via_snapshot_object(s, VIA_KIND_UNIX, 0, i, 0),
				 i % 3 ? VIA_NONE : i);
		assert_int_equal(
			via_snapshot_object(s, VIA_KIND_SOCKET, 0, i, 0),
			i % 3 ? i : VIA_NONE);
		assert_int_equal(s->objects[i].kind,
				 i % 3 ? VIA_KIND_SOCKET : VIA_KIND_UNIX);
	}
	assert_int_equal(via__object(s, VIA_KIND_UNIX, 0, 1, 0), 5000);
	assert_int_equal(via__rekind(s, VIA_NONE, VIA_KIND_UNIX), VIA_NONE);
	via_snapshot_free(s);
}

static void two_of_one_key_become_one(void **state)
{
	struct via_snapshot *s = via__snapshot_new();
	uint32_t old = via__object(s, VIA_KIND_SOCKET, 0, 7, 0);
	uint32_t now = via__object(s, VIA_KIND_UNIX, 0, 7, 0);
	uint32_t peer = via__object(s, VIA_KIND_UNIX, 0, 8, 0);

	(void)state;
	via__add_process(s)->task.pid = 1;
	via__add_thread(s, 0);
	via__add_hold(s, 0, old, VIA_HOLDS_FD);
	via__add_wait(s, 0, VIA_OP_READ)->object = old;
	via__add_link(s, peer, old, VIA_LINK_CONNECTING);
	via__peers(s, old, peer);
	via__object_at(s, now)->name = via__text_of(s, "kept");
	via__socket(s, old)->family = 16;
	via__socket(s, now)->family = 1;
	assert_int_equal(via__seal(s), 0);
	assert_int_equal(via__rekind(s, old, VIA_KIND_UNIX), now);
	assert_int_equal(s->n_sockets, 1);
	assert_int_equal(via__socket(s, now)->object, now);
	assert_int_equal(via__socket(s, now)->family, 1);
	assert_int_equal(s->objects[old].detail, VIA_NONE);
	assert_int_equal(via__seal(s), 0);
	assert_int_equal(s->holds[0].object, now);
	assert_int_equal(s->waits[0].object, now);
	assert_int_equal(s->links[0].to, now);
	assert_int_equal(s->objects[peer].peer, now);
	assert_string_equal(via_snapshot_text(s, s->objects[now].name, NULL),
			    "kept");
	assert_int_equal(s->objects[now].n_users, 1);
	assert_int_equal(s->objects[old].n_users, 0);
	assert_int_equal(s->objects[old].peer, VIA_NONE);
	assert_int_equal(via_snapshot_object(s, VIA_KIND_SOCKET, 0, 7, 0),
			 VIA_NONE);
	assert_int_equal(via_snapshot_object(s, VIA_KIND_UNIX, 0, 7, 0), now);
	via_snapshot_free(s);
}

static void sealing_sorts_and_indexes(void **state)
{
	struct via_snapshot *s = via__snapshot_new();
	uint32_t object[3];

	(void)state;
	for (int pid = 10; pid < 14; pid++)
		via__add_process(s)->task.pid = pid;
	for (uint32_t i = 0; i < 3; i++)
		object[i] = via__object(s, VIA_KIND_PIPE, 0, i, 0);
	/* Backwards, and some of them later. */
	for (int round = 0; round < 2; round++) {
		for (uint32_t p = 4; p-- > 0;)
			for (uint32_t o = 0; o < 3; o++)
				via__add_hold(s, p, object[o], VIA_HOLDS_FD)
					->id = (int)(round * 3 + o);
		assert_int_equal(via__seal(s), 0);
	}
	/* They are in order now. */
	assert_int_equal(via__seal(s), 0);
	for (uint32_t p = 0; p < 4; p++) {
		assert_int_equal(s->processes[p].first_hold, p * 6);
		assert_int_equal(s->processes[p].n_holds, 6);
		for (int fd = 0; fd < 6; fd++)
			assert_int_equal(via_snapshot_fd(s, p, fd),
					 p * 6 + (uint32_t)fd);
	}
	for (uint32_t o = 0; o < 3; o++) {
		assert_int_equal(s->objects[o].n_users, 8);
		for (uint32_t i = 0; i < 8; i++)
			assert_int_equal(
				s->holds[s->users[s->objects[o].first_user + i]]
					.object,
				o);
	}
	assert_int_equal(via_snapshot_process(s, 12), 2);
	assert_int_equal(via_snapshot_process(s, 9), VIA_NONE);
	assert_int_equal(via_snapshot_process(s, 14), VIA_NONE);
	via_snapshot_free(s);
}

static void unsealing_sorts_again(void **state)
{
	struct via_snapshot *s = via__snapshot_new();
	uint32_t pipe = via__object(s, VIA_KIND_PIPE, 0, 1, 0);

	(void)state;
	via__add_process(s);
	via__add_hold(s, 0, pipe, VIA_HOLDS_FD);
	assert_int_equal(via__seal(s), 0);
	assert_int_equal(s->objects[pipe].n_users, 1);
	s->holds[0].object = VIA_NONE;
	via__unseal(s);
	assert_int_equal(via__seal(s), 0);
	assert_int_equal(s->objects[pipe].n_users, 0);
	via_snapshot_free(s);
}

static const struct CMUnitTest tests[] = {
	CHECK_TEST(texts_are_kept_once),
	CHECK_TEST(objects_are_found_by_key),
	CHECK_TEST(an_object_has_several_parts),
	CHECK_TEST(an_object_changes_its_kind),
	CHECK_TEST(two_of_one_key_become_one),
	CHECK_TEST(sealing_sorts_and_indexes),
	CHECK_TEST(unsealing_sorts_again),
};
CHECK_MAIN(tests)
