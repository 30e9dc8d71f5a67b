/* SPDX-License-Identifier: MIT */
/* Channels between processes, and the processes: see lib.h. */
#include "tests/conformance/lib.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Those that nobody has waited for. */
#define CHILDREN_MAX 16
static struct child children[CHILDREN_MAX];

struct child parent;

/* ---- links */

static struct via_channel *open_end(const char *url, unsigned int role)
{
	struct via_channel *ch = NULL;
	struct via_error err = {0};

	if (via_open(url, role, patience(), &ch, &err))
		fprintf(stderr, "%s: %s\n", url, err.text);
	must(ch != NULL);
	return ch;
}

static void make_pair(struct link *l, const char *options)
{
	struct via_error err;

	must_ok(via_pair(fresh_url(options), &l->recv, &l->send, &err));
}

void link_both(struct link *l, const char *options)
{
	*l = (struct link){0};
	if (!can(VIA_HAS_ADDRESS)) {
		make_pair(l, options);
		return;
	}
	link_recv(l, options);
	l->send = open_end(l->url, VIA_SEND);
}

void link_recv(struct link *l, const char *options)
{
	*l = (struct link){0};
	if (!can(VIA_HAS_ADDRESS)) {
		make_pair(l, options);
		l->spare = l->send;
		l->send = NULL;
		must(via_export(l->spare, l->url, sizeof(l->url)) > 0);
		return;
	}
	l->recv = open_end(fresh_url(options), VIA_RECV);
	snprintf(l->url, sizeof(l->url), "%s", via_url(l->recv));
}

void link_no_more_senders(struct link *l)
{
	must_ok(via_close(l->spare, VIA_NO_WAIT));
	l->spare = NULL;
}

/* What a child is to do. */
struct order {
	struct link *link;
	const char *options;
	void (*body)(struct via_channel *ch, unsigned int i);
	unsigned int i;
};

static void be_sender(void *arg)
{
	const struct order *order = arg;

	(void)via_close(order->link->recv, VIA_NO_WAIT);
	order->body(open_end(order->link->url, VIA_SEND), order->i);
}

struct child link_sender(struct link *l,
			 void (*body)(struct via_channel *ch, unsigned int i),
			 unsigned int i)
{
	struct order order = {.link = l, .body = body, .i = i};

	return child_start(be_sender, &order);
}

static void be_receiver(void *arg)
{
	const struct order *order = arg;
	struct via_channel *ch;

	if (can(VIA_HAS_ADDRESS)) {
		ch = open_end(fresh_url(order->options), VIA_RECV);
	} else {
		(void)via_close(order->link->send, VIA_NO_WAIT);
		ch = open_end(order->link->url, VIA_RECV);
	}
	must(send(parent.line, via_url(ch), strlen(via_url(ch)) + 1, 0) > 0);
	order->body(ch, order->i);
}

struct child link_receiver(struct link *l, const char *options,
			   void (*body)(struct via_channel *ch, unsigned int i),
			   unsigned int i)
{
	struct order order = {l, options, body, i};
	struct child c;

	*l = (struct link){0};
	if (!can(VIA_HAS_ADDRESS)) {
		make_pair(l, options);
		must(via_export(l->recv, l->url, sizeof(l->url)) > 0);
	}
	c = child_start(be_receiver, &order);
	must(recv(c.line, l->url, sizeof(l->url), 0) > 1);
	if (can(VIA_HAS_ADDRESS))
		l->send = open_end(l->url, VIA_SEND);
	(void)via_close(l->recv, VIA_NO_WAIT);
	l->recv = NULL;
	return c;
}

void link_close(struct link *l)
{
	/* Whether all was delivered is not what these tests look at. */
	(void)via_close(l->spare, VIA_NO_WAIT);
	(void)via_close(l->send, VIA_NO_WAIT);
	(void)via_close(l->recv, VIA_NO_WAIT);
}

/* ---- children */

static struct child *find_child(pid_t pid)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (children[i].pid == pid)
			return &children[i];
	}
	must(!"a child that is not on the list");
	return NULL;
}

struct child child_start(void (*body)(void *arg), void *arg)
{
	int line[2];
	pid_t pid;

	must_ok(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line));
	fflush(NULL);
	pid = fork();
	must(pid >= 0);
	if (!pid) {
		close(line[0]);
		parent = (struct child){getppid(), line[1]};
		body(arg);
		_exit(0);
	}
	close(line[1]);
	struct child *c = find_child(0);

	*c = (struct child){pid, line[0]};
	return *c;
}

static int child_end(struct child *c)
{
	int status;

	*find_child(c->pid) = (struct child){0};
	close(c->line);
	must_eq(waitpid(c->pid, &status, 0), c->pid);
	return status;
}

void child_wait(struct child *c)
{
	must_eq(child_end(c), 0);
}

void child_kill(struct child *c)
{
	int status;

	variant_may_leave_name();
	must_ok(kill(c->pid, SIGKILL));
	status = child_end(c);
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

void tell(const struct child *c)
{
	must_eq(send(c->line, "", 1, MSG_NOSIGNAL), 1);
}

void hear(const struct child *c)
{
	char word;

	must_eq(recv(c->line, &word, 1, 0), 1);
}

void children_end(void)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		struct child c = children[i];

		if (c.pid)
			child_kill(&c);
	}
}
