/* SPDX-License-Identifier: MIT */
/* Unix sockets told by NETLINK_SOCK_DIAG, to everybody: Linux,
 * net/unix/diag.c. */
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inspect/collect/diag.h"
#include "inspect/collect/unix.h"

#define NAME_MAX    128	 /* sun_path is 108 */
#define WAITING_MAX 4096 /* somaxconn's usual value: named, not counted */

struct message {
	const void *at;
	size_t len;
};

struct dump {
	via__unix_f *f;
	void *arg;
};

static int get(const struct message *m, unsigned int type, void *ret,
	       size_t max)
{
	return via__diag_attribute(m->at, m->len, sizeof(struct unix_diag_msg),
				   type, ret, max);
}

static void read_name(const struct message *m, struct via__unix_told *told,
		      char *name)
{
	struct unix_diag_vfs vfs;
	int n = get(m, UNIX_DIAG_NAME, name, NAME_MAX);

	if (n <= 0)
		return;
	told->name = name;
	told->name_len = n < NAME_MAX ? (size_t)n : NAME_MAX;
	if (get(m, UNIX_DIAG_VFS, &vfs, sizeof(vfs)) < (int)sizeof(vfs))
		return;
	told->file_dev = vfs.udiag_vfs_dev;
	told->file_ino = vfs.udiag_vfs_ino;
}

static void read_queues(const struct message *m, struct via__unix_told *told)
{
	struct unix_diag_rqlen queue;
	uint32_t memory[SK_MEMINFO_VARS];

	if (get(m, UNIX_DIAG_RQLEN, &queue, sizeof(queue)) >=
	    (int)sizeof(queue)) {
		told->receive = queue.udiag_rqueue;
		told->send = queue.udiag_wqueue;
	}
	if (get(m, UNIX_DIAG_MEMINFO, memory, sizeof(memory)) >=
	    (int)((SK_MEMINFO_SNDBUF + 1) * sizeof(*memory)))
		told->send_max = memory[SK_MEMINFO_SNDBUF];
}

static void read_others(const struct message *m, struct via__unix_told *told)
{
	uint32_t uid, peer;
	uint8_t shut;

	if (get(m, UNIX_DIAG_SHUTDOWN, &shut, sizeof(shut)) >=
	    (int)sizeof(shut))
		told->shut = shut;
	if (get(m, UNIX_DIAG_UID, &uid, sizeof(uid)) >= (int)sizeof(uid))
		told->uid = uid;
	if (get(m, UNIX_DIAG_PEER, &peer, sizeof(peer)) >= (int)sizeof(peer))
		told->peer = peer;
}

static void take(const void *message, size_t len, void *arg)
{
	const struct message m = {message, len};
	const struct unix_diag_msg *head = message;
	const struct dump *d = arg;
	uint32_t waiting[WAITING_MAX];
	char name[NAME_MAX];
	int n = get(&m, UNIX_DIAG_ICONS, waiting, sizeof(waiting));
	struct via__unix_told told = {
		.ino = head->udiag_ino,
		.type = head->udiag_type,
		.state = head->udiag_state,
		.receive = VIA_UNKNOWN,
		.send = VIA_UNKNOWN,
		.send_max = VIA_UNKNOWN,
		.waiting = waiting,
	};

	if (n > 0)
		told.n_waiting = (size_t)n / sizeof(*waiting);
	if (told.n_waiting > WAITING_MAX)
		told.n_waiting = WAITING_MAX;
	read_name(&m, &told, name);
	read_queues(&m, &told);
	read_others(&m, &told);
	d->f(&told, d->arg);
}

int via__unix_diag(const struct via__space *space, via__unix_f *f, void *arg)
{
	static const struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_states = UINT32_MAX,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS |
			      UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS |
			      UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO |
			      UDIAG_SHOW_UID,
	};
	struct dump d = {f, arg};
	int fd = via__diag_open(space), err = fd;

	if (fd >= 0) {
		err = via__diag_dump(fd, SOCK_DIAG_BY_FAMILY, &request,
				     sizeof(request),
				     sizeof(struct unix_diag_msg), take, &d);
		close(fd);
	}
	return err;
}
