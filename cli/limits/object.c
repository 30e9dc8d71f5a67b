/* SPDX-License-Identifier: MIT */
/* Use by the objects of a snapshot: the largest of a kind, or how many a user
 * has. An object is its first holder's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/limits/measure.h"
#include "inspect/collect/proc.h"

/* --- The largest --- */

/* Some number of an object of this kind; VIA_UNKNOWN: it has none. */
struct measure {
	enum via_kind kind;
	int64_t (*of)(const struct via_snapshot *s, const struct via_object *o);
};

static void holder(const struct via_snapshot *s, const struct via_object *o,
		   char who[WHO_MAX])
{
	*who = '\0';
	if (o->n_users)
		limit_who_process(s, s->holds[s->users[o->first_user]].process,
				  who);
}

static void largest(const struct via_snapshot *s, struct limit *ret,
		    struct measure m)
{
	ret->used = 0;
	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];
		int64_t n = o->kind == (uint32_t)m.kind ? m.of(s, o)
							: VIA_UNKNOWN;

		if (n == VIA_UNKNOWN || n <= ret->used)
			continue;
		ret->used = n;
		holder(s, o, ret->who);
	}
}

static int64_t capacity(const struct via_snapshot *s,
			const struct via_object *o)
{
	(void)s;
	return o->capacity;
}

static int64_t level(const struct via_snapshot *s, const struct via_object *o)
{
	(void)s;
	return o->level;
}

static int64_t ipc_size(const struct via_snapshot *s,
			const struct via_object *o)
{
	return o->detail == VIA_NONE ? VIA_UNKNOWN : s->ipcs[o->detail].size;
}

static int64_t message_size(const struct via_snapshot *s,
			    const struct via_object *o)
{
	return o->detail == VIA_NONE ? VIA_UNKNOWN
				     : s->ipcs[o->detail].message_max;
}

/* How many wait: that a program allows for as many as may be is no use. */
static int64_t backlog(const struct via_snapshot *s, const struct via_object *o)
{
	(void)s;
	return o->flags & VIA_OBJECT_LISTENS ? o->level : VIA_UNKNOWN;
}

void limit_pipe_largest(const struct via_snapshot *s, struct limit *ret)
{
	largest(s, ret, (struct measure){VIA_KIND_PIPE, capacity});
}

void limit_mq_messages(const struct via_snapshot *s, struct limit *ret)
{
	largest(s, ret, (struct measure){VIA_KIND_MQ, capacity});
}

void limit_mq_size(const struct via_snapshot *s, struct limit *ret)
{
	largest(s, ret, (struct measure){VIA_KIND_MQ, message_size});
}

void limit_shm_largest(const struct via_snapshot *s, struct limit *ret)
{
	largest(s, ret, (struct measure){VIA_KIND_SYSVSHM, ipc_size});
}

void limit_sem_largest(const struct via_snapshot *s, struct limit *ret)
{
	largest(s, ret, (struct measure){VIA_KIND_SYSVSEM, ipc_size});
}

void limit_msg_bytes(const struct via_snapshot *s, struct limit *ret)
{
	largest(s, ret, (struct measure){VIA_KIND_SYSVMSG, level});
}

void limit_backlog(const struct via_snapshot *s, struct limit *ret)
{
	struct limit tcp = *ret;

	largest(s, ret, (struct measure){VIA_KIND_UNIX, backlog});
	largest(s, &tcp, (struct measure){VIA_KIND_TCP, backlog});
	if (tcp.used > ret->used)
		*ret = tcp;
}

/* --- How many of a user --- */

static bool user_of(const struct via_snapshot *s, const struct via_object *o,
		    uint64_t *ret)
{
	if (!o->n_users)
		return false;
	*ret = s->processes[s->holds[s->users[o->first_user]].process].uid;
	return true;
}

static void most(struct tally *t, struct limit *ret)
{
	uint64_t uid;

	ret->used = tally_most(t, &uid);
	if (ret->used)
		limit_who_user(uid, ret->who);
}

void limit_pipe_pages(const struct via_snapshot *s, struct limit *ret)
{
	struct tally t = {0};
	uint64_t uid;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];

		if ((o->kind == VIA_KIND_PIPE || o->kind == VIA_KIND_FIFO) &&
		    o->capacity != VIA_UNKNOWN && user_of(s, o, &uid))
			tally_add(&t, uid, o->capacity / getpagesize());
	}
	most(&t, ret);
	if (!ret->limit)
		ret->limit = LIMIT_NONE;
}

void limit_inotify_instances(const struct via_snapshot *s, struct limit *ret)
{
	struct tally t = {0};
	uint64_t uid;

	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == VIA_KIND_INOTIFY &&
		    user_of(s, &s->objects[i], &uid))
			tally_add(&t, uid, 1);
	most(&t, ret);
}

/* A line of fdinfo for each: proc_pid_fdinfo(5). */
static int64_t n_watches(pid_t pid, int fd)
{
	char path[64];
	struct via__buf buf = {0};
	int64_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	if (via__proc_read_long(AT_FDCWD, path, &buf) > 0)
		for (const char *at = buf.text;
		     (at = strstr(at, "inotify wd:")); at++)
			n++;
	via__buf_fini(&buf);
	return n;
}

void limit_inotify_watches(const struct via_snapshot *s, struct limit *ret)
{
	struct tally t = {0};
	uint64_t uid;

	for (uint32_t i = 0; i < s->n_objects; i++) {
		const struct via_object *o = &s->objects[i];

		if (o->kind != VIA_KIND_INOTIFY || !user_of(s, o, &uid))
			continue;
		const struct via_holding *h =
			&s->holds[s->users[o->first_user]];

		tally_add(&t, uid,
			  n_watches(s->processes[h->process].task.pid, h->id));
	}
	most(&t, ret);
}

void limit_epoll_watches(const struct via_snapshot *s, struct limit *ret)
{
	struct tally t = {0};
	uint64_t uid;

	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i].kind == VIA_LINK_WATCHES &&
		    user_of(s, &s->objects[s->links[i].from], &uid))
			tally_add(&t, uid, 1);
	most(&t, ret);
}

/* --- Of our own namespace --- */

/* Queues have no namespace in the snapshot, but a file system each. */
void limit_mq_queues(const struct via_snapshot *s, struct limit *ret)
{
	struct tally t = {0};
	uint64_t dev;

	for (uint32_t i = 0; i < s->n_objects; i++)
		if (s->objects[i].kind == VIA_KIND_MQ)
			tally_add(&t, s->objects[i].dev, 1);
	ret->used = tally_most(&t, &dev);
}

#define N_PORTS 65536

/* The port at the end of a local address. */
static long port_of(const struct via_snapshot *s, const struct via_socket *k)
{
	const char *colon = strrchr(via_snapshot_text(s, k->local, NULL), ':');

	return colon ? strtol(colon + 1, NULL, 10) : 0;
}

/* Each port once, though one may be used again towards somebody else: it is
 * near when connections go to one address. */
void limit_ports(const struct via_snapshot *s, struct limit *ret)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
	bool used[N_PORTS] = {0};
	int64_t low = limit_number(path, 0), high = limit_number(path, 1);
	struct stat st;

	if (low < 0 || high < low || high >= N_PORTS ||
	    stat("/proc/self/ns/net", &st) < 0)
		return;
	ret->limit = high - low + 1;
	ret->used = 0;
	for (uint32_t i = 0; i < s->n_sockets; i++) {
		const struct via_socket *k = &s->sockets[i];
		long port = k->net_ns == st.st_ino &&
					    s->objects[k->object].kind ==
						    VIA_KIND_TCP
				    ? port_of(s, k)
				    : 0;

		if (port < low || port > high || used[port])
			continue;
		used[port] = true;
		ret->used++;
	}
}
