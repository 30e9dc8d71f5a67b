/* SPDX-License-Identifier: MIT */
/*
 * Open files on their way through Unix sockets, in the kernel: a program that
 * the iterator of Unix sockets calls for each of a network namespace. It is only
 * allowed to look. Messages come and go meanwhile: who reads this compares how
 * many were found with how many there are.
 */
#include "inspect/collect/bpf/kernel.h"

#define GET READ
#include "inspect/collect/bpf/file.h"

struct unix_context {
	struct meta *meta;
	const void *socket;
};

/* More are not looked at: messages in a queue, files in a message (SCM_MAX_FD
 * of the kernel). */
#define MESSAGES_MAX 4096
#define FILES_MAX    253

struct queue {
	struct unix_context *ctx;
	const void *head, *message, *list;
	__u64 socket, ino, peer;
	__u32 n_files, n_in_list;
};

static long tell_file(__u32 i, void *arg)
{
	struct queue *q = arg;
	const void *file = 0;
	struct via__bpf_flight r = {
		.socket = q->socket,
		.ino = q->ino,
		.peer = q->peer,
		.n_files = q->n_files,
	};

	if (i >= q->n_in_list)
		return 1;
	probe_read(&file, sizeof(file),
		   (const char *)AT(q->list, LIST_FILES) + i * sizeof(file));
	fill_file(file, &r.file);
	seq_write(q->ctx->meta->seq, &r, sizeof(r));
	return 0;
}

static long tell_message(__u32 i, void *arg)
{
	struct queue *q = arg;
	const void *message = q->message;

	(void)i;
	if (!message || message == q->head)
		return 1;
	q->list = READ(void *, AT(message, MESSAGE_CB), PARMS_LIST);
	if (q->list) {
		q->n_in_list = READ(__u16, q->list, LIST_COUNT);
		loop(FILES_MAX, tell_file, q, 0);
	}
	q->message = READ(void *, message, MESSAGE_NEXT);
	return 0;
}

/* That of its file; 0: it has none. */
INLINE __u64 ino_of(const void *socket)
{
	const void *file = socket ? READ(void *, socket, SOCK_SOCKET) : 0;

	return file ? READ(__u64, AT(AROUND(file, ALLOC_SOCKET), ALLOC_INODE),
			   INODE_INO)
		    : 0;
}

SEC("iter")
int unix_sockets(struct unix_context *ctx)
{
	const void *socket = ctx->socket;
	struct queue q = {.ctx = ctx};

	if (!socket)
		return 0;
	q.n_files = READ(__u32, socket, UNIX_N_FILES);
	if (!q.n_files)
		return 0;
	q.socket = (__u64)socket;
	q.ino = ino_of(socket);
	q.peer = ino_of(READ(void *, socket, UNIX_PEER));
	q.head = AT(socket, SOCK_QUEUE);
	q.message = READ(void *, q.head, QUEUE_FIRST);
	loop(MESSAGES_MAX, tell_message, &q, 0);
	return 0;
}
