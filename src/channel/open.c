/* SPDX-License-Identifier: MIT */
/* Making channel ends: by URL, in pairs, and handing them over exec. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel/channel.h"
#include "core/sys.h"

/* Between two tries to reach a receiver that is not there yet. */
#define RETRY_MIN_NS 1000000
#define RETRY_MAX_NS 20000000

#define SPIN_DEFAULT_NS 50000
#define MAX_DEFAULT	(64u << 20)

static const struct via_option common_options[] = {
	{"max", "BYTES", "64M", "longest message"},
	{"spin", "DURATION|never", "50us",
	 "longest spin before sleeping; 0: none, never: do not sleep; "
	 "the default is 0 on one CPU"},
	{"wait", "DURATION", "the deadline",
	 "how long to wait for the receiver; 0: fail at once"},
	{0},
};

static const struct via__option_rule common_rules[] = {
	{"max", VIA__SIZE, offsetof(struct via__common, max), 1, INT64_MAX},
	{"spin", VIA__DURATION, offsetof(struct via__common, spin_ns)},
	{"wait", VIA__DURATION, offsetof(struct via__common, wait_ns)},
	{0},
};

const struct via_option *via_common_options(void)
{
	return common_options;
}

/* A URL taken apart, with what its options say. */
struct request {
	struct via__url url;
	const struct via__transport *transport;
	struct via__common common;
	void *options;
};

static void request_fini(struct request *rq)
{
	free(rq->options);
}

static int read_options(struct request *rq, struct via_error *err)
{
	const struct via__transport *t = rq->transport;
	const struct via_option *tables[] = {t->info.options, common_options,
					     NULL};
	int r = via__url_unknown(&rq->url, tables, err);

	if (r < 0)
		return r;
	rq->common = (struct via__common){
		.max = t->info.message_max < MAX_DEFAULT ? t->info.message_max
							 : MAX_DEFAULT,
		.spin_ns = via__cpus() > 1 ? SPIN_DEFAULT_NS : 0,
		.wait_ns = -1,
	};
	r = via__url_options(&rq->url, common_rules, &rq->common, err);
	if (r < 0)
		return r;
	if (rq->common.max > t->info.message_max)
		return via__fail(
			err, -EINVAL,
			"max=%llu is over the limit of %s:, %llu bytes",
			(unsigned long long)rq->common.max, t->info.scheme,
			(unsigned long long)t->info.message_max);
	rq->options = calloc(1, t->options_size ? t->options_size : 1);
	if (!rq->options)
		return via__fail_errno(err, -ENOMEM, "%s:", t->info.scheme);
	if (t->options_init)
		t->options_init(rq->options);
	return t->rules ? via__url_options(&rq->url, t->rules, rq->options, err)
			: 0;
}

static int request_init(struct request *rq, const char *text,
			struct via_error *err)
{
	rq->options = NULL;
	int r = via__url_parse(&rq->url, text, err);

	if (r < 0)
		return r;
	rq->transport = via__transport_find(rq->url.scheme);
	if (!rq->transport) {
		char known[128] = "";

		for (size_t i = 0; via__transports[i]; i++) {
			const char *scheme = via__transports[i]->info.scheme;
			size_t len = strlen(known);

			snprintf(known + len, sizeof(known) - len, "%s%s",
				 i ? ", " : "", scheme);
		}
		return via__fail(err, -EPROTONOSUPPORT,
				 "no mechanism is called '%s'; there are %s",
				 rq->url.scheme, known);
	}
	r = rq->transport->probe ? rq->transport->probe() : 0;
	if (r < 0)
		return via__fail_errno(err, r, "%s: cannot be used here",
				       rq->url.scheme);
	return read_options(rq, err);
}

/* The page that tells a forked child from its parent, without a system call:
 * MADV_WIPEONFORK, since Linux 4.14. */
static uint32_t *fork_mark(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t *mark = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mark == MAP_FAILED)
		return NULL;
	if (madvise(mark, size, MADV_WIPEONFORK)) {
		munmap(mark, size);
		return NULL;
	}
	*mark = 1;
	return mark;
}

void via__channel_free(struct via_channel *ch)
{
	if (!ch)
		return;
	if (ch->end)
		ch->end->refused = ch->held;
	via__drop_held(ch);
	if (ch->end)
		ch->transport->close(ch->end, ch->mine && !*ch->mine);
	via__side_fini(&ch->send_side);
	via__side_fini(&ch->recv_side);
	if (ch->mine)
		munmap(ch->mine, (size_t)sysconf(_SC_PAGESIZE));
	free(ch->rest_buf);
	free(ch->loan_buf);
	free(ch->url);
	free(ch);
}

/* A channel without its end yet. */
static struct via_channel *channel_new(const struct request *rq,
				       const char *url, unsigned int role)
{
	struct via_channel *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return NULL;
	ch->transport = rq->transport;
	ch->common = rq->common;
	ch->role = role;
	via__side_init(&ch->send_side, VIA_SEND, rq->common.spin_ns);
	via__side_init(&ch->recv_side, VIA_RECV, rq->common.spin_ns);
	ch->url = strdup(url);
	ch->mine = fork_mark();
	if (!ch->url || !ch->mine) {
		via__channel_free(ch);
		return NULL;
	}
	return ch;
}

/* Replace the URL by the one in effect, if the transport knows better. */
static int learn_address(struct via_channel *ch)
{
	char text[VIA__URL_MAX];

	if (!ch->transport->address)
		return 0;
	int r = ch->transport->address(ch->end, text, sizeof(text));

	if (r < 0)
		return r;
	char *options = strchr(ch->url, '?');
	char *url;

	if (asprintf(&url, "%s%s", text, options ? options : "") < 0)
		return -ENOMEM;
	free(ch->url);
	ch->url = url;
	return 0;
}

/* Wait a little before the next try, longer each time. */
static int nap(int64_t *nap_ns, int64_t deadline)
{
	int64_t until = via__deadline_min(via__deadline(*nap_ns), deadline);

	if (via__deadline_passed(deadline))
		return -ETIMEDOUT;
	if (*nap_ns < RETRY_MAX_NS)
		*nap_ns *= 2;
	return via__poll(NULL, 0, until);
}

static int bind_end(struct via_channel *ch, const struct request *rq,
		    int64_t deadline, struct via_error *err)
{
	int64_t nap_ns = RETRY_MIN_NS;

	for (;;) {
		int r = ch->transport->open(&rq->url, rq->options, ch->role,
					    &ch->common, &ch->end, err);
		if (r != -EAGAIN || nap(&nap_ns, deadline) < 0)
			return r;
	}
}

static int connect_end(struct via_channel *ch, int64_t deadline)
{
	const struct via__transport *t = ch->transport;
	int64_t nap_ns = RETRY_MIN_NS;

	if (!t->connect)
		return 0;
	for (;;) {
		int r = t->connect(ch->end);

		if (r == -EAGAIN) {
			if (nap(&nap_ns, deadline) < 0)
				return deadline == VIA_NO_WAIT ? -ECONNREFUSED
							       : -ETIMEDOUT;
		} else if (r == -EINPROGRESS) {
			struct pollfd pfd;

			r = t->pollfd(ch->end, VIA_SEND, &pfd);
			if (r >= 0)
				r = via__poll(&pfd, 1, deadline);
			if (r == 0)
				return -ETIMEDOUT;
			if (r < 0)
				return r;
		} else {
			return r;
		}
	}
}

static int check_role(const struct request *rq, unsigned int role,
		      struct via_error *err)
{
	static const struct {
		unsigned int role;
		uint32_t ability;
		const char *name;
	} roles[] = {
		{VIA_SEND, VIA_CAN_SEND_RECV, "send"},
		{VIA_RECV, VIA_CAN_SEND_RECV, "recv"},
		{VIA_PUB, VIA_CAN_PUB_SUB, "pub"},
		{VIA_SUB, VIA_CAN_PUB_SUB, "sub"},
		{VIA_CALL, VIA_CAN_CALL_SERVE, "call"},
		{VIA_SERVE, VIA_CAN_CALL_SERVE, "serve"},
	};
	uint32_t abilities = rq->transport->info.abilities;

	if ((role & VIA_DUPLEX) && !(abilities & VIA_CAN_DUPLEX))
		return via__fail(err, -EOPNOTSUPP,
				 "%s: carries one direction only",
				 rq->url.scheme);
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		if (roles[i].role != (role & ~VIA_DUPLEX))
			continue;
		if (abilities & roles[i].ability)
			return 0;
		return via__fail(err, -EOPNOTSUPP,
				 "%s: has no role '%s'; via mechanisms lists "
				 "what each can do",
				 rq->url.scheme, roles[i].name);
	}
	return via__fail(err, -EINVAL, "%u is no role", role);
}

/* Build the end inside ch. On failure err has the sentence. */
static int open_end(struct via_channel *ch, const struct request *rq,
		    int64_t deadline, struct via_error *err)
{
	if (rq->common.wait_ns >= 0)
		deadline = via__deadline_min(deadline,
					     via__deadline(rq->common.wait_ns));
	int r = bind_end(ch, rq, deadline, err);

	if (r < 0)
		return r;
	if ((ch->role & 0xff) == VIA_SEND) {
		r = connect_end(ch, deadline);
		if (r < 0)
			return via__fail(err, r, "%s",
					 *ch->end->error.text
						 ? ch->end->error.text
						 : via_strerror(r));
	}
	r = learn_address(ch);
	if (r < 0)
		return via__fail_errno(err, r, "%s", ch->url);
	return 0;
}

int via_open(const char *url, unsigned int role, int64_t deadline,
	     struct via_channel **ret, struct via_error *reterr)
{
	struct request rq __attribute__((cleanup(request_fini)));
	int r = request_init(&rq, url, reterr);

	if (r < 0)
		return r;
	r = check_role(&rq, role, reterr);
	if (r < 0)
		return r;
	struct via_channel *ch = channel_new(&rq, url, role);

	if (!ch)
		return via__fail_errno(reterr, -ENOMEM, "%s", url);
	r = open_end(ch, &rq, deadline, reterr);
	if (r < 0) {
		via__channel_free(ch);
		return r;
	}
	*ret = ch;
	return 0;
}

int via_pair(const char *url, struct via_channel **ret_recv,
	     struct via_channel **ret_send, struct via_error *reterr)
{
	struct request rq __attribute__((cleanup(request_fini)));
	int r = request_init(&rq, url, reterr);

	if (r < 0)
		return r;
	if (!rq.transport->pair)
		return via__fail(reterr, -EOPNOTSUPP,
				 "%s: cannot make both ends at once",
				 rq.url.scheme);
	struct via_channel *receiver = channel_new(&rq, url, VIA_RECV);
	struct via_channel *sender = channel_new(&rq, url, VIA_SEND);
	struct via__end *ends[2] = {NULL, NULL};

	r = -ENOMEM;
	if (receiver && sender)
		r = rq.transport->pair(&rq.url, rq.options, &rq.common, ends,
				       reterr);
	else
		(void)via__fail_errno(reterr, r, "%s", url);
	if (r < 0) {
		via__channel_free(receiver);
		via__channel_free(sender);
		return r;
	}
	receiver->end = ends[0];
	sender->end = ends[1];
	*ret_recv = receiver;
	*ret_send = sender;
	return 0;
}

int via_export(struct via_channel *ch, char *url, size_t size)
{
	const struct via__common *c = &ch->common;
	enum via_role role = (enum via_role)(ch->role & 0xff);
	char common[64], spin[32] = "never";

	if (!ch->transport->export_end)
		return via__fail(via__channel_error(ch, role), -EOPNOTSUPP,
				 "%s: does not pass over exec", ch->url);
	if (c->spin_ns >= 0)
		snprintf(spin, sizeof(spin), "%lldns", (long long)c->spin_ns);
	size_t len = (size_t)snprintf(common, sizeof(common),
				      "&max=%llu&spin=%s",
				      (unsigned long long)c->max, spin);
	int r = -ENOSPC;

	if (size > len)
		r = ch->transport->export_end(ch->end, url, size - len);
	if (r == -ENOSPC)
		return via__fail(via__channel_error(ch, role), r,
				 "%s: %zu bytes are too few for the URL to "
				 "export",
				 ch->url, size);
	if (r < 0)
		return via__fail(via__channel_error(ch, role), r, "%s: %s",
				 ch->url, ch->end->error.text);
	memcpy(url + r, common, len + 1);
	return r + (int)len;
}
