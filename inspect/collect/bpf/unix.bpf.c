/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets, in the kernel: a program that the iterator of Unix sockets calls
 * for each of a network namespace. It tells what NETLINK_SOCK_DIAG would (Linux,
 * net/unix/diag.c), and which open files are on their way through them.
 *
 * It is only allowed to look. Messages come and go meanwhile, from queues that
 * it cannot lock: where one was not gone through to its end it is not told how
 * much is in it; who reads this compares how many files were found with how many
 * there are.
 */
#include <stdbool.h>

#include "inspect/collect/bpf/file.h"

/* linux/tcp_states.h, linux/net.h */
#define TCP_LISTEN  10
#define SOCK_STREAM 1
#define SOCK_DGRAM  2

/* More are not looked at: messages in a queue, files in a message (SCM_MAX_FD
 * of the kernel). */
#define MESSAGES_MAX 16384
#define FILES_MAX    253

/* What is told goes here: what an iterator writes is read in pieces of 8 pages,
 * and after each this one goes on behind all sockets of the same hash. Only that
 * there was no room here is written. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* or what it is loaded with */
} told SEC(".maps");

static inline void tell(struct bpf_iter__unix *ctx, void *record, __u32 len)
{
	char none = 0;

	if (bpf_ringbuf_output(&told, record, len, BPF_RB_NO_WAKEUP))
		bpf_seq_write(ctx->meta->seq, &none, sizeof(none));
}

struct queue {
	struct bpf_iter__unix *ctx;
	const struct sk_buff_head *head;
	const struct sk_buff *message;
	const struct scm_fp_list *list;
	__u32 state, bytes, n_files, n_in_list;
};

/* That of its file, 0 without, as sock_i_ino() of the kernel has it. */
#define INO(get, sock)                                                         \
	(bpf_core_field_exists((sock)->sk_ino) ? (__u32)get(sock, sk_ino)      \
					       : ino_of_file(sock))

/* Before Linux 6.17. */
static inline __u32 ino_of_file(const struct sock *sock)
{
	const struct socket *socket = READ(sock, sk_socket);

	return socket ? (__u32)READ(AROUND(struct socket_alloc, socket, socket),
				    vfs_inode.i_ino)
		      : 0;
}

/* --- What is in its queue --- */

static long tell_file(__u32 i, void *arg)
{
	struct queue *q = arg;
	const struct file *file = 0;
	struct via__bpf_passed r = {
		.head = {.kind = VIA__BPF_PASSED},
	};

	if (i >= q->n_in_list)
		return 1;
	bpf_probe_read_kernel(
		&file, sizeof(file),
		(const char *)q->list +
			bpf_core_field_offset(struct scm_fp_list, fp) +
			i * sizeof(file));
	const struct inode *inode = READ(file, f_inode);

	r.file = (__u64)file;
	r.ino = READ(inode, i_ino);
	r.dev = READ(inode, i_sb, s_dev);
	r.mode = READ(inode, i_mode);
	r.refs = refs_of(file);
	r.open_for = READ(file, f_mode) & (FMODE_READ | FMODE_WRITE);
	if ((r.mode & S_IFMT) == S_IFIFO) {
		const struct pipe_inode_info *pipe = READ(file, private_data);

		r.files = READ(pipe, files);
	}
	tell(q->ctx, &r, sizeof(r));
	return 0;
}

/* In the queue of a listener are connections that have not been accepted. */
static inline void tell_waiting(struct queue *q, const struct sk_buff *message)
{
	const struct unix_sock *waiting = (const void *)READ(message, sk);
	const struct sock *client = READ(waiting, peer);
	struct via__bpf_unix r = {.kind = VIA__BPF_WAITING};

	if (!client)
		return;
	r.ino = INO(READ, client);
	tell(q->ctx, &r, sizeof(r));
}

static inline void tell_files(struct queue *q, const struct sk_buff *message)
{
	const struct unix_skb_parms *parms = (const void *)message->cb;
	const struct scm_fp_list *list = q->n_files ? READ(parms, fp) : 0;

	q->bytes += READ(message, len) - READ(parms, consumed);
	if (!list)
		return;
	q->list = list;
	q->n_in_list = (__u32)READ(list, count);
	bpf_loop(FILES_MAX, tell_file, q, 0);
}

static long look_at(__u32 i, void *arg)
{
	struct queue *q = arg;
	const struct sk_buff *message = q->message;

	(void)i;
	if (!message || message == (const struct sk_buff *)q->head)
		return 1;
	if (q->state == TCP_LISTEN)
		tell_waiting(q, message);
	else
		tell_files(q, message);
	q->message = READ(message, next);
	return 0;
}

/* How much is in it, as unix_inq_len() of the kernel. */
static inline __u32 look_through(struct bpf_iter__unix *ctx,
				 struct unix_sock *socket)
{
	const struct sk_buff *first = READ(socket, sk.sk_receive_queue.next);
	__u32 first_len = READ(first, len), type = socket->sk.sk_type;
	struct queue q = {
		.ctx = ctx,
		.head = &socket->sk.sk_receive_queue,
		.message = first,
		.state = socket->sk.__sk_common.skc_state,
		.n_files = (__u32)socket->scm_stat.nr_fds.counter,
	};
	bool counted = type == SOCK_STREAM &&
		       bpf_core_field_exists(socket->inq_len);

	if (q.n_files || q.state == TCP_LISTEN ||
	    (!counted && type != SOCK_DGRAM))
		bpf_loop(MESSAGES_MAX, look_at, &q, 0);
	if (q.state == TCP_LISTEN)
		return socket->sk.sk_receive_queue.qlen;
	if (counted)
		return (__u32)socket->inq_len;
	if (type == SOCK_DGRAM)
		return first_len;
	return q.message == (const struct sk_buff *)q.head ? q.bytes
							   : VIA__BPF_UNKNOWN;
}

/* --- Itself --- */

/* A name and, of a path, its file. How long the name is: at most 110, of which
 * the kernel has to be sure. */
static inline __u32 read_name(const struct unix_sock *socket,
			      struct via__bpf_socket *r)
{
	const struct unix_address *address = READ(socket, addr);
	const struct dentry *dentry = address ? READ(socket, path.dentry) : 0;

	if (dentry) {
		r->file_ino = READ(dentry, d_inode, i_ino);
		r->file_dev = READ(dentry, d_sb, s_dev);
	}
	if (!address)
		return 0;
	__u32 len = ((__u32)READ(address, len) -
		     __builtin_offsetof(struct sockaddr_un, sun_path)) &
		    (VIA__BPF_SUN_PATH - 1);

	r->name_len = (__u8)len;
	bpf_probe_read_kernel(
		r->name, len,
		(const char *)address +
			bpf_core_field_offset(struct unix_address, name) +
			__builtin_offsetof(struct sockaddr_un, sun_path));
	return (len + 7) & (VIA__BPF_SUN_PATH - 8);
}

SEC("iter/unix")
int unix(struct bpf_iter__unix *ctx)
{
	struct unix_sock *socket = ctx->unix_sk;

	if (!socket)
		return 0;
	__u32 receive = socket->sk.sk_receive_queue.qlen
				? look_through(ctx, socket)
				: 0;
	const struct sock *peer = socket->peer;
	struct via__bpf_socket r = {
		.head = {.kind = VIA__BPF_SOCKET,
			 .ino = INO(LOAD, &socket->sk)},
		.socket = (__u64)socket,
		.peer = peer ? INO(LOAD, peer) : 0,
		.uid = ctx->uid,
		.receive = receive,
		.send = (__u32)socket->sk.sk_wmem_alloc.refs.counter - 1,
		.send_max = (__u32)socket->sk.sk_sndbuf,
		.n_files = (__u32)socket->scm_stat.nr_fds.counter,
		.type = (__u8)socket->sk.sk_type,
		.state = socket->sk.__sk_common.skc_state,
		.shut = socket->sk.sk_shutdown,
	};

	/* Not accepted yet: its listener tells of it, but not what is in it. */
	if (!r.head.ino && !r.n_files)
		return 0;
	if (r.state == TCP_LISTEN)
		r.send = socket->sk.sk_max_ack_backlog;
	tell(ctx, &r,
	     (__u32) __builtin_offsetof(struct via__bpf_socket, name) +
		     read_name(socket, &r));
	return 0;
}
