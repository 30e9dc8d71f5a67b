/* SPDX-License-Identifier: MIT */
/* The calling thread, as others know it. */
#ifndef VIA_SYNC_SELF_H
#define VIA_SYNC_SELF_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <via/sync.h>

#define VIA__UNBORN UINT32_MAX

struct via__self {
	/* What it holds, as the kernel was told by the C library. */
	struct robust_list_head *robust;
	uint64_t owner; /* pid << 32 | tid */
	uint64_t start;
	uint32_t tid;
	uint32_t life;	/* of the process that this is about; VIA__UNBORN */
	uint32_t waits; /* for mutexes, so far: see spin() in mutex.c */
	/* Which seat it looks at first: how far from the beginning of struct
	 * via_seats, and the bit of its number. */
	uint32_t seat;
	uint32_t unfenced; /* the life, if via__self_unfence() has worked */
	uint64_t seat_bit;
	bool asked;		/* for that */
	struct via_mutex *held; /* the first of its mutexes with detection */
	/* Asked before it sleeps, when it is shown as one that waits: 0, or
	 * why it must not. NULL: nobody asks. */
	int (*before_sleep)(void *arg);
	void *before_sleep_arg;
};

/* Not through __tls_get_addr(): the mutex's fast path has no time for it. */
extern _Thread_local struct via__self via__thread
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Where fork() leaves a zero: see self.c. */
extern const uint32_t *via__life __attribute__((visibility("hidden")));

/* Pairs with the stores in begin_life(). */
static inline uint32_t via__life_now(void)
{
	return __atomic_load_n(__atomic_load_n(&via__life, __ATOMIC_ACQUIRE),
			       __ATOMIC_ACQUIRE);
}

/* Find out. 0, or -EOPNOTSUPP: no robust list, or not one like glibc's. */
int via__self_init(void);

/* The first time: let others make this thread's barriers, by membarrier(2). */
void via__self_unfence(struct via__self *self);

/* From now on it looks at this seat first. */
static inline void via__self_seat(struct via__self *self, unsigned int i)
{
	self->seat = offsetof(struct via_seats, seats) +
		     i * (uint32_t)sizeof(struct via_seat);
	self->seat_bit = UINT64_C(1) << i;
}

static inline int via__before_sleep(const struct via__self *self)
{
	return self->before_sleep ? self->before_sleep(self->before_sleep_arg)
				  : 0;
}

/* The caller, or NULL where via__self_init() fails. */
static inline struct via__self *via__self(void)
{
	if (__builtin_expect(via__thread.life == via__life_now(), 1))
		return &via__thread;
	return via__self_init() ? NULL : &via__thread;
}

#endif
