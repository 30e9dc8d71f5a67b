/* SPDX-License-Identifier: MIT */
/* The calling thread: its ids, its start, its robust list. */
#include "sync/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/membarrier.h"
#include "core/sys.h"

/* What the kernel adds to an entry of the list to find the futex, as glibc
 * tells it on 64-bit machines: struct __pthread_mutex_s. */
#define OFFSET (-32L)
_Static_assert(offsetof(struct via_hold, next) == -OFFSET, "see OFFSET");
_Static_assert(sizeof(void *) == 8, "links are 64 bits, as is the list");

_Thread_local struct via__self via__thread = {
	.life = VIA__UNBORN,
	.unfenced = VIA__UNBORN,
};

static const uint32_t none;
const uint32_t *via__life = &none;

/*
 * A word that is zero in a forked child: MADV_WIPEONFORK, since Linux 4.14.
 * Each process numbers its lives, so that what a thread knew of itself before
 * the fork is not taken for true when another thread has come by first.
 */
static int begin_life(void)
{
	static uint32_t *page;
	static uint32_t lives;
	uint32_t *mine = __atomic_load_n(&page, __ATOMIC_ACQUIRE);

	if (!mine) {
		size_t size = (size_t)sysconf(_SC_PAGESIZE);

		mine = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mine == MAP_FAILED)
			return -errno;

		uint32_t *other = NULL;

		/* Of several threads that come here, one's page stays. */
		if (madvise(mine, size, MADV_WIPEONFORK) ||
		    !__atomic_compare_exchange_n(&page, &other, mine, 0,
						 __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			(void)munmap(mine, size);
			if (!other)
				return -EOPNOTSUPP;
			mine = other;
		}
	}

	uint32_t dead = 0;

	/* Pairs with the load in via__self_init(). */
	(void)__atomic_compare_exchange_n(
		mine, &dead, __atomic_add_fetch(&lives, 1, __ATOMIC_RELAXED), 0,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	__atomic_store_n(&via__life, mine, __ATOMIC_RELEASE);
	return 0;
}

/* The 22nd field of proc_pid_stat(5); 0 if there is no /proc. */
static uint64_t read_start(void)
{
	VIA__CLEANUP_FD int fd = open("/proc/thread-self/stat",
				      O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t len = fd < 0 ? -1 : via__read(fd, text, sizeof(text) - 1);

	if (len <= 0)
		return 0;
	text[len] = '\0';

	/* The second is the name, which may have anything in it. */
	char *at = strrchr(text, ')');

	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

void via__self_unfence(struct via__self *self)
{
	if (!self->asked && via__membarrier_init())
		self->unfenced = self->life;
	self->asked = true;
}

int via__self_init(void)
{
	struct via__self *self = &via__thread;
	size_t len;

	if (syscall(SYS_get_robust_list, 0, &self->robust, &len) ||
	    !self->robust || self->robust->futex_offset != OFFSET)
		return -EOPNOTSUPP;

	int rc = begin_life();

	if (rc)
		return rc;
	self->tid = (uint32_t)gettid();
	self->owner = (uint64_t)getpid() << 32 | self->tid;
	self->start = read_start();
	self->held = NULL;
	/* Multiples of the golden ratio lie evenly in 0 to 1: threads with tids
	 * in a row begin apart. */
	via__self_seat(self, self->tid * UINT32_C(0x9e3779b1) /
				     (UINT32_MAX / VIA_HOLDERS_MAX + 1));
	self->unfenced = VIA__UNBORN;
	self->asked = false;
	self->life = via__life_now();
	return 0;
}
