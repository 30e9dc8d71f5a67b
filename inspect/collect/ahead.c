/* SPDX-License-Identifier: MIT */
#include "inspect/collect/ahead.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

struct via__ahead *via__ahead_new(bool reads)
{
	struct via__ahead *a = calloc(1, sizeof(*a));

	if (a) {
		a->reads = reads;
		(void)pthread_mutex_init(&a->lock, NULL);
		(void)pthread_cond_init(&a->came, NULL);
		(void)pthread_cond_init(&a->was_read, NULL);
	}
	return a;
}

void via__ahead_free(struct via__ahead *a)
{
	if (!a)
		return;
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->came);
	(void)pthread_cond_destroy(&a->was_read);
	free(a);
}

static struct via__placed *placed(struct via__ahead *a, unsigned int number)
{
	return &a->line[number % VIA__LINE_MAX];
}

/* --- Readers --- */

/* Who is next. The lock is let go of meanwhile. */
static void read_next(struct via__ahead *a)
{
	struct via__placed *p = placed(a, a->next++);

	(void)pthread_mutex_unlock(&a->lock);
	via__fdlist_open(p->at.dir, &p->fds);
	(void)pthread_mutex_lock(&a->lock);
	p->read = true;
	(void)pthread_cond_signal(&a->was_read);
}

static void reader(void *arg)
{
	struct via__ahead *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	for (;;) {
		while (a->next == a->end && !a->stop)
			(void)pthread_cond_wait(&a->came, &a->lock);
		if (a->stop)
			break;
		read_next(a);
	}
	(void)pthread_mutex_unlock(&a->lock);
}

static unsigned int count_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0
		       ? (unsigned int)CPU_COUNT(&set)
		       : 1;
}

void via__ahead_start(struct via__ahead *a)
{
	unsigned int n_cpus = !a->reads || a->n_readers ? 0 : count_cpus();

	while (a->n_readers < VIA__READERS_MAX && a->n_readers + 1 < n_cpus &&
	       via__helper_start(&a->readers[a->n_readers], reader, a))
		a->n_readers++;
}

void via__ahead_stop(struct via__ahead *a)
{
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_broadcast(&a->came);
	(void)pthread_mutex_unlock(&a->lock);
	while (a->n_readers)
		via__helper_end(&a->readers[--a->n_readers]);
	a->stop = false;
}

/* --- The line --- */

bool via__ahead_any(const struct via__ahead *a)
{
	return a->first != a->end;
}

bool via__ahead_full(const struct via__ahead *a)
{
	return a->end - a->first >= (a->n_readers ? VIA__LINE_MAX : 1);
}

void via__ahead_push(struct via__ahead *a, const struct via__at *at)
{
	struct via__placed *p = placed(a, a->end);

	p->at = *at;
	p->at.fds = &p->fds;
	p->read = false;
	(void)pthread_mutex_lock(&a->lock);
	a->end++;
	(void)pthread_cond_signal(&a->came);
	(void)pthread_mutex_unlock(&a->lock);
}

const struct via__at *via__ahead_first(struct via__ahead *a)
{
	struct via__placed *p = placed(a, a->first);

	(void)pthread_mutex_lock(&a->lock);
	while (a->reads && !p->read) {
		if (a->next != a->end)
			read_next(a);
		else
			(void)pthread_cond_wait(&a->was_read, &a->lock);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return &p->at;
}

void via__ahead_pop(struct via__ahead *a)
{
	struct via__placed *p = placed(a, a->first++);

	via__fdlist_close(&p->fds);
	close(p->at.dir);
}
