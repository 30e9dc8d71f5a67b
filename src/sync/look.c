/* SPDX-License-Identifier: MIT */
/* What an object in memory is, and who has to do with it. */
#include <errno.h>
#include <string.h>

#include "core/error.h"
#include "sync/object.h"

static const struct {
	const char *name;
	size_t size;
} kinds[] = {
	[VIA_SYNC_MUTEX] = {"mutex", sizeof(struct via_mutex)},
	[VIA_SYNC_RWLOCK] = {"rwlock", sizeof(struct via_rwlock)},
	[VIA_SYNC_SEM] = {"sem", sizeof(struct via_sem)},
	[VIA_SYNC_POOL] = {"pool", sizeof(struct via_pool)},
	[VIA_SYNC_COND] = {"cond", sizeof(struct via_cond)},
	[VIA_SYNC_BARRIER] = {"barrier", sizeof(struct via_barrier)},
	[VIA_SYNC_EVENT] = {"event", sizeof(struct via_event)},
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

static int check_tag(uint64_t tag, struct via_error *err)
{
	uint32_t magic = (uint32_t)tag;
	unsigned int layout = tag >> 32 & 0xffff, kind = tag >> 48 & 0xffff;

	if (magic == VIA__MAGIC_GONE)
		return via__fail(err, -EIDRM, "this lock has been destroyed");
	if (magic != VIA__MAGIC_SYNC)
		return via__fail(err, -EPROTO, "there is no lock of via here");
	if (layout != VIA_SYNC_LAYOUT)
		return via__fail(err, -ESTALE,
				 "this lock has layout %u, this version of via "
				 "knows %d",
				 layout, VIA_SYNC_LAYOUT);
	if (kind == 0 || kind >= N_KINDS)
		return via__fail(err, -EPROTO, "no kind of lock has number %u",
				 kind);
	return (int)kind;
}

/* The kind of what is there, or what is wrong with it. */
static int find_kind(const void *object, size_t size, struct via_error *err)
{
	const struct via_sync *head = object;

	if ((uintptr_t)object % VIA_SYNC_ALIGN)
		return via__fail(err, -EINVAL, "a lock is aligned to %d bytes",
				 VIA_SYNC_ALIGN);
	if (size < sizeof(*head))
		return via__fail(err, -EPROTO,
				 "%zu bytes are too few for a lock", size);

	int kind = check_tag(via__tag(head), err);

	if (kind > 0 && size < kinds[kind].size)
		return via__fail(err, -EPROTO,
				 "a %s has %zu bytes, here are %zu",
				 kinds[kind].name, kinds[kind].size, size);
	return kind;
}

int via_sync_check(const void *object, size_t size, enum via_sync_kind kind,
		   struct via_error *reterr)
{
	int is = find_kind(object, size, reterr);

	if (is > 0 && is != (int)kind)
		return via__fail(reterr, -EPROTO, "this lock is a %s",
				 kinds[is].name);
	return is < 0 ? is : 0;
}

static uint64_t load(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static struct via_owner make_owner(uint64_t owner, uint64_t start)
{
	return (struct via_owner){
		.pid = (pid_t)(owner >> 32),
		.tid = (pid_t)(uint32_t)owner,
		.start = start,
	};
}

static void look_at_hold(const struct via_hold *h, struct via_sync_view *view)
{
	uint64_t owner = load(&h->owner);

	if (!owner || !(via__load(&h->word) & FUTEX_TID_MASK))
		return;
	view->holders[view->n_holders++] = make_owner(owner, load(&h->start));
}

static void look_at_waiters(const uint64_t *waiters, struct via_sync_view *view)
{
	for (unsigned int i = 0; i < VIA_WAITERS_SHOWN; i++) {
		uint64_t waiter = load(&waiters[i]);

		if (waiter)
			view->waiters[view->n_waiters++] = make_owner(waiter,
								      0);
	}
}

static void look_at_mutex(const struct via_mutex *m, struct via_sync_view *view)
{
	look_at_hold(&m->hold, view);
	look_at_waiters(m->waiters, view);
	view->died = make_owner(load(&m->died), load(&m->died_start));
}

static void look_at_seats(const struct via_seats *s, struct via_sync_view *view)
{
	look_at_mutex(&s->gate, view);
	view->writing = view->n_holders;
	if (!view->died.pid)
		view->died = make_owner(load(&s->died), load(&s->died_start));
	for (uint32_t i = 0; i < VIA_HOLDERS_MAX && !view->writing; i++)
		look_at_hold(&s->seats[i].hold, view);
	if (view->kind == VIA_SYNC_BARRIER)
		view->value = s->n;
	if (view->kind == VIA_SYNC_POOL && s->n > view->n_holders)
		view->value = s->n - view->n_holders;
}

int via_sync_look(const void *object, size_t size, struct via_sync_view *ret)
{
	int kind = find_kind(object, size, NULL);

	if (kind < 0)
		return kind;
	memset(ret, 0, sizeof(*ret));
	ret->kind = (enum via_sync_kind)kind;
	ret->flags = via__flags(object) & ~VIA__FLAGS;

	const struct via_sem *sem = object;

	switch (ret->kind) {
	case VIA_SYNC_MUTEX:
		look_at_mutex(object, ret);
		break;
	case VIA_SYNC_RWLOCK:
	case VIA_SYNC_POOL:
	case VIA_SYNC_BARRIER:
		look_at_seats(object, ret);
		break;
	case VIA_SYNC_SEM:
	case VIA_SYNC_COND:
	case VIA_SYNC_EVENT:
		/* These are laid out alike; a condition's word is no value. */
		if (ret->kind != VIA_SYNC_COND)
			ret->value = via__load(&sem->value);
		look_at_waiters(sem->waiters, ret);
		break;
	}
	return 0;
}
