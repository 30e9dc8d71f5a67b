/* SPDX-License-Identifier: MIT */
#include "inspect/collect/polled.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inspect/collect/memory.h"

/* --- poll --- */

int via__polled_poll(pid_t pid, const struct via_syscall *call, via__polled *f,
		     void *arg)
{
	uint64_t all = call->args[1];
	size_t n = all < VIA__POLLED_MAX ? (size_t)all : VIA__POLLED_MAX;
	struct pollfd *fds = n ? reallocarray(NULL, n, sizeof(*fds)) : NULL;

	if (n && !fds)
		return -ENOMEM;
	if (n && !via__memory_all(pid, call->args[0], fds, n * sizeof(*fds))) {
		free(fds);
		return -EFAULT;
	}
	for (size_t i = 0; i < n; i++)
		if (fds[i].fd >= 0)
			f(fds[i].fd, (uint16_t)fds[i].events, arg);
	free(fds);
	return n < all ? -E2BIG : 0;
}

/* --- select --- */

#define BITS  64
#define WORDS (VIA__POLLED_MAX / BITS)

/* One of the sets; NULL is an empty one. The kernel reads whole words, so
 * those are there. */
static bool read_set(pid_t pid, uint64_t address, size_t n_words,
		     uint64_t *words)
{
	memset(words, 0, WORDS * sizeof(*words));
	return !address ||
	       via__memory_all(pid, address, words, n_words * sizeof(*words));
}

int via__polled_select(pid_t pid, const struct via_syscall *call,
		       via__polled *f, void *arg)
{
	static const uint32_t events[3] = {POLLIN, POLLOUT, POLLPRI};
	int all = (int)call->args[0];
	size_t n = all < 0		   ? 0
		   : all < VIA__POLLED_MAX ? (size_t)all
					   : VIA__POLLED_MAX;
	uint64_t(*sets)[WORDS] = malloc(3 * sizeof(*sets));
	bool ok = sets;

	for (size_t i = 0; ok && i < 3; i++)
		ok = read_set(pid, call->args[1 + i], (n + BITS - 1) / BITS,
			      sets[i]);
	for (size_t fd = 0; ok && fd < n; fd++) {
		uint32_t wanted = 0;

		for (size_t i = 0; i < 3; i++)
			if (sets[i][fd / BITS] >> (fd % BITS) & 1)
				wanted |= events[i];
		if (wanted)
			f((int)fd, wanted, arg);
	}
	int err = sets ? -EFAULT : -ENOMEM;

	free(sets);
	return !ok ? err : (size_t)all > n && all > 0 ? -E2BIG : 0;
}

/* --- epoll --- */

int via__polled_parse(const char *line, int *ret_fd, uint32_t *ret_events)
{
	return sscanf(line, "tfd: %d events: %x", ret_fd, ret_events) == 2
		       ? 0
		       : -EPROTO;
}

int via__polled_epoll(int dir, int fd, via__polled *f, void *arg)
{
	char path[48], *line = NULL;
	size_t size = 0, n = 0;

	snprintf(path, sizeof(path), "fdinfo/%d", fd);
	int info = openat(dir, path, O_RDONLY | O_CLOEXEC);
	FILE *file = info < 0 ? NULL : fdopen(info, "r");

	if (!file) {
		int err = -errno;

		if (info >= 0)
			close(info);
		return err;
	}
	while (n < VIA__POLLED_MAX && getline(&line, &size, file) > 0) {
		uint32_t events;
		int target;

		if (via__polled_parse(line, &target, &events) < 0)
			continue;
		n++;
		f(target, events, arg);
	}
	free(line);
	fclose(file);
	return n == VIA__POLLED_MAX ? -E2BIG : 0;
}
