/* SPDX-License-Identifier: MIT */
/* Carries bytes between a channel and a pipe without waiting. */
#ifndef VIA_PROCESS_PUMP_H
#define VIA_PROCESS_PUMP_H

#include <stdbool.h>

#include <via/channel.h>

struct via__pump {
	int fd; /* the pipe's end, not blocking; -1: finished */
	struct via_channel *channel;
	struct pollfd channel_poll;
	int epoll_fd; /* borrowed: where to say what it waits for */
	bool holds;   /* data to be written or sent */
	const char *data;
	size_t len;
	char *buf; /* of an output */
	size_t buf_size;
	struct via_error error; /* what ended it, if it was not the end */
};

/*
 * A pump for the channel and the pipe's end fd, which it owns from here on,
 * also when it fails. role: VIA_RECV from channel to pipe, VIA_SEND from pipe
 * to channel. 0 or -errno with a sentence.
 */
int via__pump_init(struct via__pump *pump, enum via_role role,
		   struct via_channel *channel, int fd, int epoll_fd,
		   struct via_error *err);

/* Carry what can be carried now; afterwards the epoll knows when to go on. */
void via__pump_in(struct via__pump *pump);
void via__pump_out(struct via__pump *pump);

/* Close the pipe. Fine for one that is finished. */
void via__pump_fini(struct via__pump *pump);

#endif
