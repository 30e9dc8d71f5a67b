/* SPDX-License-Identifier: MIT */
/* What is done with events, conditions and barriers: rows for death_test.c. */
#include "sync/death_test.h"

/* --- Event --- */

static void event_begin(void)
{
	assert_int_equal(via_event_init(&death_shared->event, 0), 0);
}

static void event_begin_manual(void)
{
	assert_int_equal(via_event_init(&death_shared->event, VIA_EVENT_MANUAL),
			 0);
}

static void event_set(void)
{
	(void)via_event_set(&death_shared->event);
}

static void event_wait(void)
{
	(void)via_event_wait(&death_shared->event, VIA_NEVER);
}

static void event_warm(void)
{
	event_set();
	event_wait();
	(void)via_event_reset(&death_shared->event);
}

static int use_event(void)
{
	return via_event_wait(&death_shared->event, DEATH_SOON);
}

static void event_give(void)
{
	event_set();
	death.held = false;
}

static void event_after(void)
{
	int64_t soon = DEATH_SOON;

	while (!death.done && death_shared->event.set)
		assert_true(via_now() < soon);
	if (!death.done)
		event_give();
	assert_int_equal(death_join(), 0);
	death.n_clean++;
}

/* --- Condition --- */

static void cond_begin(void)
{
	assert_int_equal(via_mutex_init(&death_shared->mutex, NULL), 0);
	assert_int_equal(via_cond_init(&death_shared->cond), 0);
	death_shared->answer = death_shared->heard = 0;
}

static void cond_warm(void)
{
	(void)via_mutex_lock(&death_shared->mutex, VIA_NEVER, NULL);
	(void)via_mutex_unlock(&death_shared->mutex);
}

static int use_cond(void)
{
	struct via_sync_report report;
	int rc = via_mutex_lock(&death_shared->mutex, DEATH_SOON, &report);

	while (!rc && !death_shared->answer)
		rc = via_cond_wait(&death_shared->cond, &death_shared->mutex,
				   DEATH_SOON, &report);
	death_taken(rc, &report);
	if (rc)
		assert_int_equal(via_mutex_consistent(&death_shared->mutex), 0);
	assert_int_equal(via_mutex_unlock(&death_shared->mutex), 0);
	return 0;
}

static void cond_answer(void)
{
	(void)via_mutex_lock(&death_shared->mutex, VIA_NEVER, NULL);
	death_shared->answer++;
	(void)via_cond_signal(&death_shared->cond);
	(void)via_mutex_unlock(&death_shared->mutex);
}

static void cond_give(void)
{
	cond_answer();
	death.held = false;
}

/* If it died inside, the waiter learns it by itself; else it still waits for
 * the answer. */
static void cond_after(void)
{
	if (!death_shared->mutex.hold.owner && !death_shared->answer)
		cond_answer();
	assert_int_equal(death_join(), 0);
}

static void cond_wait(void)
{
	(void)via_mutex_lock(&death_shared->mutex, VIA_NEVER, NULL);
	(void)via_cond_wait(&death_shared->cond, &death_shared->mutex,
			    VIA_NEVER, NULL);
	death_shared->heard = 1;
	(void)via_mutex_unlock(&death_shared->mutex);
}

/* Signalled again only if the child has had the first: one that it died with
 * is passed on. */
static void cond_after_held(void)
{
	if (!death_shared->mutex.hold.owner &&
	    (death_shared->heard || death.held))
		cond_give();
	assert_int_equal(death_join(), 0);
}

/* --- Barrier --- */

static void barrier_begin(void)
{
	assert_int_equal(via_barrier_init(&death_shared->barrier, 2), 0);
}

static void barrier_begin_three(void)
{
	assert_int_equal(via_barrier_init(&death_shared->barrier, 3), 0);
}

static void barrier_warm(void)
{
	(void)via_barrier_wait(&death_shared->barrier, VIA_NO_WAIT, NULL);
}

static void barrier_wait(void)
{
	(void)via_barrier_wait(&death_shared->barrier, VIA_NEVER, NULL);
}

static struct via_sync_report barrier_report;

static int use_barrier(void)
{
	return via_barrier_wait(&death_shared->barrier, DEATH_SOON,
				&barrier_report);
}

/* The child died before it came, while it waited, or when they had met: then
 * the round is another, though the waiter may not have left yet. */
static void barrier_after(void)
{
	if (!death.done && death_shared->barrier.in.state >> 1 == 0) {
		struct via_sync_report report;
		int rc = via_barrier_wait(&death_shared->barrier, DEATH_SOON,
					  &report);

		assert_true(rc == 0 || rc == 1 || rc == -EOWNERDEAD);
	}
	int rc = death_join();

	if (rc >= 0)
		death.n_clean++;
	else
		death_taken(rc, &barrier_report);
	assert_int_equal(via_barrier_reset(&death_shared->barrier), 0);
	assert_int_equal(
		via_barrier_wait(&death_shared->barrier, VIA_NO_WAIT, NULL),
		-EAGAIN);
}

/* Of three, one waits and one dies: nobody waits for the third for ever. */
static void barrier_after_three(void)
{
	int rc = via_barrier_wait(&death_shared->barrier, VIA_NO_WAIT,
				  &barrier_report);

	if (rc == -EAGAIN) {
		assert_int_equal(via_barrier_destroy(&death_shared->barrier),
				 0);
		assert_int_equal(death_join(), -EIDRM);
		death.n_clean++;
		return;
	}
	death_taken(rc, &barrier_report);
	assert_int_equal(death_join(), -EOWNERDEAD);
	assert_int_equal(barrier_report.died.pid, death.child);
}

static const struct attempt attempts[] = {
	{"event set, waited for", event_begin, event_warm, event_set, use_event,
	 NULL, event_after},
	{"event set, manual, waited for", event_begin_manual, event_warm,
	 event_set, use_event, NULL, event_after},
	{"event wait, sleeping", event_begin, event_warm, event_wait, use_event,
	 event_give, event_after},
	{"cond signal, waited for", cond_begin, cond_warm, cond_answer,
	 use_cond, NULL, cond_after},
	{"cond wait, sleeping", cond_begin, cond_warm, cond_wait, use_cond,
	 cond_give, cond_after_held},
	{"barrier wait, the last", barrier_begin, barrier_warm, barrier_wait,
	 use_barrier, NULL, barrier_after},
	{"barrier wait, sleeping", barrier_begin_three, barrier_warm,
	 barrier_wait, use_barrier, NULL, barrier_after_three},
};

const struct attempts death_waits = {
	attempts,
	sizeof(attempts) / sizeof(*attempts),
};
