/* SPDX-License-Identifier: MIT */
/* What is done with semaphores and pools: rows for death_test.c. */
#include "sync/death_test.h"

/* --- Semaphore --- */

static void sem_begin(void)
{
	assert_int_equal(via_sem_init(&death_shared->sem, 0), 0);
}

static void sem_warm(void)
{
	(void)via_sem_post(&death_shared->sem, 1);
	(void)via_sem_wait(&death_shared->sem, VIA_NEVER);
}

static void sem_post(void)
{
	(void)via_sem_post(&death_shared->sem, 1);
}

static void sem_wait(void)
{
	(void)via_sem_wait(&death_shared->sem, VIA_NEVER);
}

static int use_sem(void)
{
	return via_sem_wait(&death_shared->sem, DEATH_SOON);
}

static void sem_give(void)
{
	assert_int_equal(via_sem_post(&death_shared->sem, 1), 0);
	death.held = false;
}

/* A unit that is there does not lie there while somebody waits for it. */
static void sem_after(void)
{
	int64_t soon = DEATH_SOON;

	while (!death.done && via_sem_value(&death_shared->sem) > 0)
		assert_true(via_now() < soon);
	/* None came, or the child took it. */
	if (!death.done) {
		death.n_died++;
		sem_give();
	} else {
		death.n_clean++;
	}
	assert_int_equal(death_join(), 0);
}

/* --- Pool --- */

static void pool_begin(void)
{
	assert_int_equal(via_pool_init(&death_shared->pool, 1), 0);
}

static void pool_begin_taken(void)
{
	pool_begin();
	assert_int_equal(via_pool_take(&death_shared->pool, VIA_NO_WAIT, NULL),
			 0);
}

static void pool_take(void)
{
	(void)via_pool_take(&death_shared->pool, VIA_NEVER, NULL);
}

static void pool_give(void)
{
	(void)via_pool_give(&death_shared->pool);
}

static void pool_warm(void)
{
	pool_take();
	pool_give();
}

static int use_pool(void)
{
	struct via_sync_report report;

	death_taken(via_pool_take(&death_shared->pool, DEATH_SOON, &report),
		    &report);
	assert_int_equal(via_pool_give(&death_shared->pool), 0);
	return 0;
}

static void pool_let_go(void)
{
	pool_give();
	death.held = false;
}

static void pool_after(void)
{
	(void)use_pool();
	assert_int_equal(via_pool_value(&death_shared->pool), 1);
}

static void pool_after_held(void)
{
	if (death.held)
		pool_let_go();
	assert_int_equal(death_join(), 0);
	(void)use_pool();
	assert_int_equal(via_pool_value(&death_shared->pool), 1);
}

static void pool_after_waiter(void)
{
	assert_int_equal(death_join(), 0);
	assert_int_equal(via_pool_value(&death_shared->pool), 1);
}

static const struct attempt attempts[] = {
	{"sem post, waited for", sem_begin, sem_warm, sem_post, use_sem, NULL,
	 sem_after},
	{"sem wait, sleeping", sem_begin, sem_warm, sem_wait, use_sem, sem_give,
	 sem_after},
	{"pool take", pool_begin, pool_warm, pool_take, NULL, NULL, pool_after},
	{"pool give, waited for", pool_begin, pool_take, pool_give, use_pool,
	 NULL, pool_after_waiter},
	{"pool take, sleeping", pool_begin_taken, death_nothing, pool_take,
	 use_pool, pool_let_go, pool_after_held},
};

const struct attempts death_units = {
	attempts,
	sizeof(attempts) / sizeof(*attempts),
};
