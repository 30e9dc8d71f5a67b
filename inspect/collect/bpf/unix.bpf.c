/* SPDX-License-Identifier: MIT */
/*
 * Open files on their way through Unix sockets, in the kernel: a program that
 * the iterator of Unix sockets calls for each of a network namespace. It is only
 * allowed to look. Messages come and go meanwhile: who reads this compares how
 * many were found with how many there are.
 */
#define GET READ
#include "inspect/collect/bpf/file.h"

/* More are not looked at: messages in a queue, files in a message (SCM_MAX_FD
 * of the kernel). */
#define MESSAGES_MAX 4096
#define FILES_MAX    253

struct queue {
	struct bpf_iter__unix *ctx;
	const struct sk_buff_head *head;
	const struct sk_buff *message;
	const struct scm_fp_list *list;
	__u64 socket, ino, peer;
	__u32 n_files, n_in_list;
};

static long tell_file(__u32 i, void *arg)
{
	struct queue *q = arg;
	const struct file *file = 0;
	struct via__bpf_flight r = {
		.socket = q->socket,
		.ino = q->ino,
		.peer = q->peer,
		.n_files = q->n_files,
	};

	if (i >= q->n_in_list)
		return 1;
	bpf_probe_read_kernel(
		&file, sizeof(file),
		(const char *)q->list +
			bpf_core_field_offset(struct scm_fp_list, fp) +
			i * sizeof(file));
	fill_file(file, &r.file);
	bpf_seq_write(q->ctx->meta->seq, &r, sizeof(r));
	return 0;
}

static long tell_message(__u32 i, void *arg)
{
	struct queue *q = arg;
	const struct sk_buff *message = q->message;

	(void)i;
	if (!message || message == (const struct sk_buff *)q->head)
		return 1;
	const struct unix_skb_parms *parms = (const void *)message->cb;
	const struct scm_fp_list *list = READ(parms, fp);

	if (list) {
		q->list = list;
		q->n_in_list = (__u32)READ(list, count);
		bpf_loop(FILES_MAX, tell_file, q, 0);
	}
	q->message = READ(message, next);
	return 0;
}

/* That of its file; 0: it has none. */
static inline __u64 ino_of(const struct sock *sock)
{
	const struct socket *socket = sock ? READ(sock, sk_socket) : 0;

	return socket ? READ(AROUND(struct socket_alloc, socket, socket),
			     vfs_inode.i_ino)
		      : 0;
}

SEC("iter/unix")
int unix(struct bpf_iter__unix *ctx)
{
	const struct unix_sock *socket = ctx->unix_sk;
	struct queue q = {.ctx = ctx};

	if (!socket)
		return 0;
	q.n_files = (__u32)READ(socket, scm_stat.nr_fds.counter);
	if (!q.n_files)
		return 0;
	q.socket = (__u64)socket;
	q.ino = ino_of(&socket->sk);
	q.peer = ino_of(READ(socket, peer));
	q.head = &socket->sk.sk_receive_queue;
	q.message = READ(socket, sk.sk_receive_queue.next);
	bpf_loop(MESSAGES_MAX, tell_message, &q, 0);
	return 0;
}
