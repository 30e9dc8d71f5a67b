/* SPDX-License-Identifier: MIT */
/*
 * via bridge: two sides, and a flow of messages each way. A flow takes a batch,
 * sends it, sees it out and only then releases it, so that nothing is taken
 * that cannot be passed on, and a sender is not told that what it sent has
 * arrived before it has left here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <via/via.h>

#include "cli/channel.h"
#include "cli/verb.h"

#define BATCH 64

struct bridge_options {
	bool one_way, connect, bind, follow, stats;
	int64_t timeout_ns, linger_ns;
};

/* One channel for both directions, or two that make up "-". */
struct side {
	const char *url;
	unsigned int role; /* VIA_RECV binds, VIA_SEND connects */
	bool standard;	   /* "-" */
	bool reader_left;  /* of our standard output */
	struct via_channel *in, *out;
};

struct flow {
	struct side *from, *to;
	bool follow;
	bool parting; /* from a peer that has ended, so that the next can come */
	bool over;    /* the other side is to hear so */
	bool ended, failed;
	uint64_t rejected, joined; /* see cli/channel.h */
	unsigned int n, next;	   /* messages taken, and of these sent */
	struct via_msg msgs[BATCH];
};

/* What a flow can do next. */
enum step {
	GO_ON,
	WAIT_FROM,
	WAIT_TO,
	WAIT_PART, /* for room to say our end to where it comes from */
	ENDED
};

struct bridge {
	struct bridge_options o;
	struct side a, b;
	struct flow flows[2];
	unsigned int n_flows, n_ended;
	struct side *standard; /* the one that is "-", or NULL */
};

/* --- One flow --- */

static bool is_plain(const struct via_msg *m)
{
	return !m->n_fds && !m->topic && !m->has_correlation;
}

static ssize_t send_plain(struct flow *f)
{
	struct iovec iov[BATCH];
	unsigned int n = 0;

	for (unsigned int i = f->next; i < f->n && is_plain(&f->msgs[i]); i++)
		iov[n++] = (struct iovec){f->msgs[i].data, f->msgs[i].len};
	return via_send_batch(f->to->out, iov, n, VIA_NO_WAIT);
}

/* A message with more than bytes; only these go on where no more can. */
static ssize_t send_rich(struct flow *f)
{
	const struct via_msg *m = &f->msgs[f->next];
	int err = via_sendmsg(f->to->out, m, VIA_NO_WAIT);

	if (err == -EOPNOTSUPP) {
		(void)cli_channel_error(f->to->out);
		err = via_send(f->to->out, m->data, m->len, VIA_NO_WAIT);
	}
	if (err < 0)
		return err;
	for (unsigned int i = 0; i < m->n_fds; i++)
		close(m->fds[i]);
	return 1;
}

static enum step fail(struct flow *f, const struct via_channel *ch)
{
	f->failed = true;
	if (f->to->standard && via_last_error(ch)->code == -EPIPE)
		f->to->reader_left = true;
	else
		(void)cli_channel_error(ch);
	return ENDED;
}

static enum step send_some(struct flow *f)
{
	ssize_t n = is_plain(&f->msgs[f->next]) ? send_plain(f) : send_rich(f);

	if (n == -EAGAIN)
		return WAIT_TO;
	if (n < 0)
		return fail(f, f->to->out);
	f->next += (unsigned int)n;
	return GO_ON;
}

/* All is sent; when it is out too, the senders may know. */
static enum step flush(struct flow *f)
{
	int err = via_flush(f->to->out, VIA_NO_WAIT);

	if (err == -EAGAIN)
		return WAIT_TO;
	if (err < 0)
		return fail(f, f->to->out);
	via_release(f->from->in);
	f->n = f->next = 0;
	return GO_ON;
}

static enum step senders_left(struct flow *f)
{
	struct side *from = f->from;

	if (!f->follow || !cli_can_follow(from->in, &f->joined))
		return ENDED;
	f->parting = from->out == from->in;
	return GO_ON;
}

/* The next may come when this one has heard our end, too. */
static enum step part(struct flow *f)
{
	if (via_finish(f->from->out, VIA_NO_WAIT) == -EAGAIN)
		return WAIT_PART;
	f->parting = false;
	return GO_ON;
}

static enum step take_some(struct flow *f)
{
	ssize_t n = via_take_batch(f->from->in, f->msgs, BATCH, VIA_NO_WAIT);

	if (n == -EAGAIN)
		return WAIT_FROM;
	if (n == -EPIPE)
		return senders_left(f);
	if (n == -EPROTO && cli_goes_on(f->from->in, &f->rejected)) {
		f->failed = true;
		return GO_ON;
	}
	if (n < 0)
		return fail(f, f->from->in);
	f->n = (unsigned int)n;
	return GO_ON;
}

/* The other side hears that no more will come. */
static enum step pass_end(struct flow *f)
{
	struct side *to = f->to;

	if (!to->standard)
		return via_finish(to->out, VIA_NO_WAIT) == -EAGAIN ? WAIT_TO
								   : ENDED;
	(void)via_close(to->out, VIA_NO_WAIT);
	to->out = NULL;
	close(STDOUT_FILENO);
	return ENDED;
}

/* Until it has to wait or ends; a turn is bounded to be fair to the other. */
static enum step run_flow(struct flow *f)
{
	enum step step = f->over ? ENDED : GO_ON;

	for (int turn = 0; turn < 16 && step == GO_ON; turn++) {
		if (f->next < f->n)
			step = send_some(f);
		else if (f->n)
			step = flush(f);
		else if (f->parting)
			step = part(f);
		else
			step = take_some(f);
	}
	if (step == ENDED) {
		f->over = true;
		step = pass_end(f);
		f->ended = step == ENDED;
	}
	return step;
}

/* --- Both --- */

/*
 * Let every flow do what it can. Fills fds with what to wait for; returns how
 * many, 0 if a flow can go on at once or all have ended, -errno.
 */
static int run_flows(struct bridge *b, struct pollfd *fds)
{
	bool go_on = false;
	int n = 0, err = 0;

	b->n_ended = 0;
	for (unsigned int i = 0; i < b->n_flows && err == 0; i++) {
		struct flow *f = &b->flows[i];
		enum step step = f->ended ? ENDED : run_flow(f);

		go_on |= step == GO_ON;
		b->n_ended += step == ENDED;
		if (step == WAIT_FROM)
			err = via_pollfd(f->from->in, VIA_RECV, &fds[n++]);
		else if (step == WAIT_TO)
			err = via_pollfd(f->to->out, VIA_SEND, &fds[n++]);
		else if (step == WAIT_PART)
			err = via_pollfd(f->from->out, VIA_SEND, &fds[n++]);
	}
	return err < 0 ? err : go_on ? 0 : n;
}

static bool reader_left(const struct bridge *b)
{
	return b->standard && b->standard->reader_left;
}

/* As cli_wait(); also for the reader of our standard output to leave, which
 * shows as an error that nobody asked for. */
static int wait_for(struct bridge *b, struct pollfd *fds, unsigned int n,
		    int64_t deadline)
{
	if (b->standard && b->standard->out)
		fds[n++] = (struct pollfd){.fd = STDOUT_FILENO};
	int err = cli_wait(fds, n, deadline);

	if (err == 0 && fds[n - 1].fd == STDOUT_FILENO && fds[n - 1].revents)
		b->standard->reader_left = true;
	return err;
}

/* Until all flows have ended, or the time that the last one has is over. */
static int run_bridge(struct bridge *b)
{
	/* One for each flow, standard output, and the signals. */
	struct pollfd fds[4];
	int64_t deadline = VIA_NEVER;

	while (b->n_ended < b->n_flows && !reader_left(b) && !cli_stopped()) {
		unsigned int ended = b->n_ended;
		int n = run_flows(b, fds);

		if (b->n_ended > ended)
			deadline = via_deadline(b->o.linger_ns);
		if (n > 0)
			n = wait_for(b, fds, (unsigned int)n, deadline);
		if (n == -ETIMEDOUT)
			break;
		if (n < 0 && n != -EINTR)
			return cli_error("%s", via_strerror(n));
	}
	for (unsigned int i = 0; i < b->n_flows; i++)
		if (b->flows[i].failed)
			return CLI_FAILED;
	return CLI_YES;
}

/* --- Sides --- */

static bool open_standard(struct side *side, bool in, bool out)
{
	if (in)
		side->in = cli_open(CLI_STDIN_URL, VIA_RECV, 0);
	if (out)
		side->out = cli_open(CLI_STDOUT_URL, VIA_SEND, 0);
	return (!in || side->in) && (!out || side->out);
}

/*
 * Open a side for both directions if the mechanism can, otherwise only for the
 * one it needs; without a second there is no way back.
 */
static bool open_side(struct bridge *b, struct side *side)
{
	bool back = b->n_flows > 1, from = side == &b->a;
	bool must = side->role != (from ? VIA_RECV : VIA_SEND);
	int64_t deadline = via_deadline(b->o.timeout_ns);
	struct via_channel *ch;
	struct via_error error;
	int err = -EOPNOTSUPP;

	if (side->standard)
		return open_standard(side, from || back, !from || back);
	if (must || back)
		err = via_open(side->url, side->role | VIA_DUPLEX, deadline,
			       &ch, &error);
	if (err == -EOPNOTSUPP && !must) {
		b->n_flows = 1;
		err = via_open(side->url, side->role, deadline, &ch, &error);
	}
	if (err < 0) {
		(void)cli_error("%s", error.text);
		return false;
	}
	side->in = side->out = ch;
	return true;
}

static bool open_role(struct bridge *b, unsigned int role)
{
	return (b->a.role != role || open_side(b, &b->a)) &&
	       (b->b.role != role || open_side(b, &b->b));
}

/* Who connects has nothing to put away and may wait long: first, while signals
 * still end the process. */
static int open_sides(struct bridge *b)
{
	if (!open_role(b, VIA_SEND))
		return CLI_FAILED;
	int err = cli_hold_signals();

	if (err < 0)
		return cli_error("signals: %s", via_strerror(err));
	return open_role(b, VIA_RECV) ? CLI_YES : CLI_FAILED;
}

/* Wait for the receiver there, if a flow has come to its end there. */
static int close_side(struct bridge *b, struct side *side, unsigned int role,
		      int status)
{
	bool sends = side == &b->b || b->n_flows > 1;
	bool complete = status == CLI_YES && b->n_ended == b->n_flows;

	if (side->role != role)
		return status;
	if (side->in != side->out)
		(void)via_close(side->in, VIA_NO_WAIT);
	if (side->out && sends && complete)
		return cli_close(side->out, b->o.timeout_ns, status);
	(void)via_close(side->out, VIA_NO_WAIT);
	return status;
}

/* The other way round: once the names are away, signals may end the wait for
 * the receiver to have it all. */
static int close_sides(struct bridge *b, int status)
{
	status = close_side(b, &b->a, VIA_RECV, status);
	status = close_side(b, &b->b, VIA_RECV, status);
	if (reader_left(b))
		return cli_output_error(-EPIPE);
	cli_let_signals();
	status = close_side(b, &b->a, VIA_SEND, status);
	return close_side(b, &b->b, VIA_SEND, status);
}

static void print_stats(const struct bridge *b, int64_t since)
{
	if (b->a.in)
		cli_print_stats(b->a.in, VIA_RECV, since);
	if (b->n_flows > 1 && b->b.in)
		cli_print_stats(b->b.in, VIA_RECV, since);
}

static void plan(struct bridge *b, char **urls)
{
	b->a = (struct side){
		.url = urls[0],
		.standard = strcmp(urls[0], "-") == 0,
		.role = b->o.connect ? VIA_SEND : VIA_RECV,
	};
	b->b = (struct side){
		.url = urls[1],
		.standard = strcmp(urls[1], "-") == 0,
		.role = b->o.bind ? VIA_RECV : VIA_SEND,
	};
	for (int i = 0; i < 2; i++) {
		struct side *side = i ? &b->b : &b->a;

		if (!side->standard)
			continue;
		side->role = VIA_SEND;
		b->standard = side;
	}
	b->flows[0] = (struct flow){.from = &b->a,
				    .to = &b->b,
				    .follow = b->o.follow,
				    .joined = UINT64_MAX};
	b->flows[1] = (struct flow){.from = &b->b, .to = &b->a};
	b->n_flows = b->o.one_way ? 1 : 2;
}

static int bridge_run(int argc, char **argv)
{
	static struct bridge b = {.o = {.timeout_ns = -1, .linger_ns = -1}};
	int first = cli_options(&verb_bridge, argc, argv, &b.o);

	plan(&b, argv + first);
	if (b.a.standard && b.b.standard)
		cli_usage("both sides are standard input and output");
	int64_t since = via_now();
	int status = open_sides(&b);

	if (status == CLI_YES)
		status = run_bridge(&b);
	if (b.o.stats)
		print_stats(&b, since);
	return close_sides(&b, status);
}

#define MEMBER(name) offsetof(struct bridge_options, name)

static const struct verb_option options[] = {
	{'1', "one-way", NULL, "carry messages from A to B only", CLI_FLAG,
	 MEMBER(one_way)},
	{'c', "connect", NULL, "connect to A, do not bind it", CLI_FLAG,
	 MEMBER(connect)},
	{'b', "bind", NULL, "bind B, do not connect to it", CLI_FLAG,
	 MEMBER(bind)},
	{'f', "follow", NULL,
	 "go on when the last sender of A has left, and do not tell B",
	 CLI_FLAG, MEMBER(follow)},
	{'l', "linger", "DURATION",
	 "when one direction has ended, end the other after so long; without, "
	 "wait for its own end",
	 CLI_DURATION, MEMBER(linger_ns)},
	{'t', "timeout", "DURATION",
	 "fail when there is nobody to connect to for so long, or who is there "
	 "does not take what is left at the end",
	 CLI_DURATION, MEMBER(timeout_ns)},
	{'S', "stats", NULL, "at the end tell on standard error what came",
	 CLI_FLAG, MEMBER(stats)},
	{0},
};

static const struct verb_example examples[] = {
	{"via bridge shm:prices tcp:host:9000",
	 "local messages to another machine"},
	{"via bridge - 'unix:/run/x.sock?raw'",
	 "socat - UNIX-CONNECT:/run/x.sock"},
	{"via bridge 'tcp::9000?raw' 'unix:/run/x.sock?raw'",
	 "socat TCP-LISTEN:9000,bind=localhost UNIX-CONNECT:/run/x.sock"},
	{"via bridge --one-way 'tcp::9000?raw' - > dump",
	 "socat -u TCP-LISTEN:9000,bind=localhost - > dump"},
	{"via bridge --connect 'tcp:a:1?raw' 'tcp:b:2?raw'",
	 "socat TCP:a:1 TCP:b:2"},
	{"via bridge --bind 'unix:/tmp/a?raw' 'unix:/tmp/b?raw'",
	 "socat UNIX-LISTEN:/tmp/a UNIX-LISTEN:/tmp/b"},
	{0},
};

const struct verb verb_bridge = {
	.name = "bridge",
	.summary = "carry messages from one URL to another",
	.synopsis = "[OPTION]... A B",
	.description =
		"Bind A, connect to B, and send the messages that arrive at A "
		"on to B; where both mechanisms can, also those from B back "
		"to A, which then has one peer at a time. \"-\" is standard "
		"input and output.\n\n"
		"With ?raw a side is a stream of bytes without via's frames, "
		"for programs that know nothing of via: a message becomes its "
		"bytes, and bytes become messages as they are read.\n\n"
		"When the messages from one side have ended, the other is told "
		"so, and what it still says is carried on; via bridge ends "
		"when both directions have. A message is taken only when the "
		"one before it has been passed on, so nothing piles up.",
	.options = options,
	.examples = examples,
	.operands_min = 2,
	.operands_max = 2,
	.run = bridge_run,
};
