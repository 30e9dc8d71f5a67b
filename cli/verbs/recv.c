/* SPDX-License-Identifier: MIT */
/*
 * via recv: messages to standard output. Both ends are channels, so that every
 * wait is a poll() that Ctrl-C ends and the name can be put away.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <via/via.h>

#include "cli/channel.h"
#include "cli/json.h"
#include "cli/verb.h"

#define BATCH 256

enum format {
	LINES,
	NUL,
	RAW,
	WHOLE,
	JSON
};

struct recv_options {
	int format;
	uint64_t size, count;
	int64_t timeout_ns;
	bool follow, stats, verbose;
};

/* What a step returns when it was not the last; else an exit status. */
#define GO_ON (-1)

struct receiver {
	struct recv_options o;
	struct via_channel *in, *out;
	uint64_t received;
	uint64_t rejected, joined; /* see cli/channel.h */
	bool faulty;		   /* a sender broke the protocol */
	bool short_block;	   /* must have been the last */
	bool reader_left;	   /* of our output */
	FILE *json;
	char *json_text;
	size_t json_len;
	struct via_msg msgs[BATCH];
	struct iovec iov[2 * BATCH];
};

/* --- Output --- */

/* Each adds a member, or returns -1. */
static int set_bytes(json_t *o, const char *name, const char *base64,
		     const void *data, size_t len)
{
	json_t *text = json_stringn(data, len);

	return json_object_set_new(o, text ? name : base64,
				   text ? text : cli_json_base64(data, len));
}

static int set_hex(json_t *o, const char *name, uint64_t value)
{
	return json_object_set_new(o, name, json_sprintf("%016" PRIx64, value));
}

static int set_integer(json_t *o, const char *name, uint64_t value)
{
	return json_object_set_new(o, name, json_integer((json_int_t)value));
}

/* NULL: no memory. */
static json_t *as_json(const struct via_msg *m)
{
	json_t *o = json_object();
	int err = 0;

	err |= set_hex(o, "sender", m->sender);
	err |= set_integer(o, "seq", m->seq);
	if (m->gap)
		err |= set_integer(o, "gap", m->gap);
	if (m->pid != -1)
		err |= set_integer(o, "pid", (uint64_t)m->pid);
	if (m->uid != (uid_t)-1) {
		err |= set_integer(o, "uid", m->uid);
		err |= set_integer(o, "gid", m->gid);
	}
	if (m->topic)
		err |= set_bytes(o, "topic", "topic_base64", m->topic,
				 m->topic_len);
	if (m->has_correlation)
		err |= set_hex(o, "correlation", m->correlation);
	if (m->n_fds)
		err |= set_integer(o, "fds", m->n_fds);
	err |= set_integer(o, "length", m->len);
	err |= set_bytes(o, "data", "base64", m->data, m->len);
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* The batch as one piece of JSON. Returns how many pieces, or -errno. */
static int format_json(struct receiver *r, unsigned int n)
{
	rewind(r->json);
	for (unsigned int i = 0; i < n; i++)
		if (cli_json_print(as_json(&r->msgs[i]), r->json))
			return -ENOMEM;
	if (fflush(r->json) || ferror(r->json))
		return -ENOMEM;
	r->iov[0] = (struct iovec){r->json_text, (size_t)ftello(r->json)};
	return 1;
}

static int format(struct receiver *r, unsigned int n)
{
	static char separators[] = {[LINES] = '\n', [NUL] = '\0'};
	bool separate = r->o.format <= NUL && !r->o.size;
	int pieces = 0;

	if (r->o.format == JSON)
		return format_json(r, n);
	for (unsigned int i = 0; i < n; i++) {
		if (r->msgs[i].len)
			r->iov[pieces++] = (struct iovec){r->msgs[i].data,
							  r->msgs[i].len};
		if (separate)
			r->iov[pieces++] =
				(struct iovec){&separators[r->o.format], 1};
	}
	return pieces;
}

static int output_error(struct receiver *r, int err)
{
	if (err == -EINTR)
		return CLI_FAILED;
	r->reader_left = err == -EPIPE;
	return r->reader_left ? CLI_FAILED : cli_output_error(err);
}

static int wait_out(struct receiver *r)
{
	struct pollfd fds[2];
	int err = via_pollfd(r->out, VIA_SEND, &fds[0]);

	return err < 0 ? err : cli_wait(fds, 1, VIA_NEVER);
}

/* All of it is written when this returns 0. */
static int write_out(struct receiver *r, int pieces)
{
	struct iovec *iov = r->iov;
	int err = 0;

	while (pieces > 0 && err == 0) {
		ssize_t n = via_send_batch(r->out, iov, (unsigned int)pieces,
					   VIA_NO_WAIT);
		if (n > 0) {
			iov += n;
			pieces -= (int)n;
		} else {
			err = n == -EAGAIN ? wait_out(r) : (int)n;
		}
	}
	while (err == 0) {
		err = via_flush(r->out, VIA_NO_WAIT);
		if (err != -EAGAIN)
			break;
		err = wait_out(r);
	}
	return err;
}

/* --- Input --- */

/* With --size all messages are blocks of that size, but for the last. */
static int check_sizes(struct receiver *r, unsigned int n)
{
	for (unsigned int i = 0; r->o.size && i < n; i++) {
		if (r->short_block || r->msgs[i].len > r->o.size)
			return cli_error("message %" PRIu64
					 " is no block of %" PRIu64 " bytes",
					 r->received + i + !r->short_block,
					 r->o.size);
		r->short_block = r->msgs[i].len < r->o.size;
	}
	return GO_ON;
}

/* Output has no room for descriptors. */
static void close_fds(struct receiver *r, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0; k < r->msgs[i].n_fds; k++)
			close(r->msgs[i].fds[k]);
}

static int write_batch(struct receiver *r, unsigned int n)
{
	close_fds(r, n);
	if (check_sizes(r, n) != GO_ON)
		return CLI_FAILED;
	int pieces = format(r, n);
	int err = pieces < 0 ? pieces : write_out(r, pieces);

	if (err < 0)
		return output_error(r, err);
	via_release(r->in);
	r->received += n;
	return GO_ON;
}

/* Until a message is there or the reader of our output has left. */
static int wait_in(struct receiver *r, int64_t deadline)
{
	struct pollfd fds[3];
	int err = via_pollfd(r->in, VIA_RECV, &fds[0]);

	if (err < 0)
		return cli_channel_error(r->in);
	fds[1] = (struct pollfd){.fd = STDOUT_FILENO};
	err = cli_wait(fds, 2, deadline);
	if (err == -ETIMEDOUT)
		return cli_error("%s: no message for %g s", via_url(r->in),
				 (double)r->o.timeout_ns / 1e9);
	if (err == 0 && fds[1].revents)
		err = -EPIPE;
	return err < 0 ? output_error(r, err) : GO_ON;
}

static int senders_left(struct receiver *r)
{
	if (r->o.follow && cli_can_follow(r->in, &r->joined))
		return GO_ON;
	if (r->o.format == WHOLE)
		return cli_error("%s: the senders have left without a message",
				 via_url(r->in));
	return r->faulty ? CLI_FAILED : CLI_YES;
}

static int input_error(struct receiver *r, int err)
{
	if (err == -EPIPE)
		return senders_left(r);
	if (err == -EPROTO) {
		r->faulty = true;
		return cli_goes_on(r->in, &r->rejected) ? GO_ON : CLI_FAILED;
	}
	return cli_channel_error(r->in);
}

static unsigned int batch_size(const struct receiver *r)
{
	uint64_t left = r->o.count - r->received;

	return r->o.count && left < BATCH ? (unsigned int)left : BATCH;
}

static int receive_all(struct receiver *r)
{
	int64_t deadline = via_deadline(r->o.timeout_ns);
	int status = GO_ON;

	while (status == GO_ON && !cli_stopped()) {
		ssize_t n = via_take_batch(r->in, r->msgs, batch_size(r),
					   VIA_NO_WAIT);
		if (n > 0) {
			status = write_batch(r, (unsigned int)n);
			deadline = via_deadline(r->o.timeout_ns);
			if (r->o.count && r->received == r->o.count)
				return r->faulty ? CLI_FAILED : CLI_YES;
		} else if (n == -EAGAIN) {
			status = wait_in(r, deadline);
		} else {
			status = input_error(r, (int)n);
		}
	}
	return status;
}

static int open_ends(struct receiver *r, const char *url)
{
	r->out = cli_open(CLI_STDOUT_URL, VIA_SEND, 0);
	if (!r->out)
		return CLI_FAILED;
	int err = cli_hold_signals();

	if (err < 0)
		return cli_error("signals: %s", via_strerror(err));
	r->in = cli_open(url, VIA_RECV, 0);
	if (!r->in)
		return CLI_FAILED;
	if (r->o.verbose)
		cli_warn("ready: %s", via_url(r->in));
	return GO_ON;
}

static int recv_run(int argc, char **argv)
{
	/* Too large for the stack of a small system. */
	static struct receiver r = {.o.timeout_ns = -1, .joined = UINT64_MAX};
	int first = cli_options(&verb_recv, argc, argv, &r.o);

	if (r.o.size && r.o.format != LINES)
		cli_usage("--size goes with no other way to write messages");
	if (r.o.format == WHOLE)
		r.o.count = 1;
	r.json = open_memstream(&r.json_text, &r.json_len);
	if (!r.json)
		return cli_error("%s", strerror(errno));
	int64_t since = via_now();
	int status = open_ends(&r, argv[first]);

	if (status == GO_ON)
		status = receive_all(&r);
	if (r.in && r.o.stats)
		cli_print_stats(r.in, VIA_RECV, since);
	(void)via_close(r.in, VIA_NO_WAIT);
	(void)via_close(r.out, VIA_NO_WAIT); /* flushed after each batch */
	fclose(r.json);
	free(r.json_text);
	if (r.reader_left)
		return cli_output_error(-EPIPE);
	cli_let_signals();
	return status;
}

#define MEMBER(name) offsetof(struct recv_options, name)

static const struct verb_option options[] = {
	{'0', "null", NULL, "end each message with a NUL byte, not a newline",
	 CLI_CHOICE, MEMBER(format), .choice = NUL},
	{'s', "size", "N",
	 "write messages back to back and fail if one is not N bytes long; "
	 "the last may be shorter",
	 CLI_SIZE, MEMBER(size), .min = 1},
	{'r', "raw", NULL, "write messages back to back", CLI_CHOICE,
	 MEMBER(format), .choice = RAW},
	{'w', "whole", NULL, "write the first message as it is, and end",
	 CLI_CHOICE, MEMBER(format), .choice = WHOLE},
	{'j', "json", NULL,
	 "write each message as a line of JSON with what is known of it",
	 CLI_CHOICE, MEMBER(format), .choice = JSON},
	{'n', "count", "N", "end after N messages", CLI_NUMBER, MEMBER(count),
	 .min = 1},
	{'t', "timeout", "DURATION", "fail when no message comes for so long",
	 CLI_DURATION, MEMBER(timeout_ns)},
	{'f', "follow", NULL, "go on when the last sender has left", CLI_FLAG,
	 MEMBER(follow)},
	{'S', "stats", NULL, "at the end tell on standard error what came",
	 CLI_FLAG, MEMBER(stats)},
	{'v', "verbose", NULL,
	 "tell on standard error when senders can come, and the URL for them",
	 CLI_FLAG, MEMBER(verbose)},
	{0},
};

static const struct verb_example examples[] = {
	{"via recv shm:prices", "each message is a line, until the last "
				"sender leaves"},
	{"via recv --whole unix:/tmp/f.sock > copy",
	 "one file from via send --whole"},
	{"via recv --raw --follow tcp::9000 >> log",
	 "the bytes of many senders, one after the other"},
	{"via recv 'fifo:/tmp/f?raw'", "from any program that writes a FIFO"},
	{"via recv --json -n 1 -t 5s unix:@jobs | jq .pid",
	 "who sent the next message"},
	{0},
};

const struct verb verb_recv = {
	.name = "recv",
	.summary = "receive messages",
	.synopsis = "[OPTION]... URL",
	.description =
		"Bind URL and write the messages that arrive there to "
		"standard output: by default each as a line. Ends when the "
		"last sender has left.\n\n"
		"Each batch of messages is written at once, nothing is kept "
		"back. A sender that breaks the protocol is cut off and told "
		"of on standard error; the others go on, and the exit status "
		"is 1.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = 1,
	.run = recv_run,
};
