/* SPDX-License-Identifier: MIT */
/*
 * via send: messages from standard input, files or the command line. A sender
 * leaves nothing behind, so Ctrl-C may end it as it ends any filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <via/via.h>

#include "cli/channel.h"
#include "cli/records.h"
#include "cli/verb.h"

#define BATCH	  256
#define RAW_BLOCK (128u << 10)

enum format {
	LINES,
	NUL,
	RAW,
	WHOLE
};

struct send_options {
	int format;
	uint64_t size, count;
	int64_t timeout_ns;
	struct cli_list messages;
	bool stats;
};

struct sender {
	struct send_options o;
	struct via_channel *ch;
	uint64_t sent;
	struct records records;
};

static bool enough(const struct sender *s)
{
	return s->o.count && s->sent == s->o.count;
}

/* As many of these as --count allows. */
static int send_batch(struct sender *s, const struct iovec *iov, unsigned int n)
{
	uint64_t left = s->o.count - s->sent;

	if (s->o.count && left < n)
		n = (unsigned int)left;
	while (n) {
		ssize_t done = via_send_batch(s->ch, iov, n,
					      via_deadline(s->o.timeout_ns));
		if (done < 0)
			return cli_channel_error(s->ch);
		s->sent += (uint64_t)done;
		iov += done;
		n -= (unsigned int)done;
	}
	return CLI_YES;
}

static int input_error(const struct sender *s, const char *file, int err)
{
	if (err == -EMSGSIZE)
		return cli_error("%s: record %llu is over the limit of %zu "
				 "bytes; see the option max",
				 file, (unsigned long long)s->sent + 1,
				 s->records.max);
	return cli_error("%s: %s", file, strerror(-err));
}

static int send_records(struct sender *s, int fd, const char *file)
{
	struct iovec iov[BATCH];
	uint64_t before = s->sent;

	records_start(&s->records, fd);
	while (!enough(s)) {
		int n = records_next(&s->records, iov, BATCH);

		if (n < 0)
			return input_error(s, file, n);
		if (n == 0)
			break;
		if (send_batch(s, iov, (unsigned int)n) != CLI_YES)
			return CLI_FAILED;
	}
	/* The message that a whole empty file makes. */
	if (s->o.format == WHOLE && s->sent == before && !enough(s))
		return send_batch(s, &(struct iovec){0}, 1);
	return CLI_YES;
}

/* Read straight into the channel's memory, whatever the kernel has ready. */
static int send_blocks(struct sender *s, int fd, const char *file)
{
	while (!enough(s)) {
		int64_t deadline = via_deadline(s->o.timeout_ns);
		void *block;

		if (via_loan(s->ch, RAW_BLOCK, &block, deadline) < 0)
			return cli_channel_error(s->ch);
		ssize_t n = read(fd, block, RAW_BLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return input_error(s, file, -errno);
		if (n == 0)
			return CLI_YES;
		if (via_commit(s->ch, (size_t)n,
			       via_deadline(s->o.timeout_ns)) < 0)
			return cli_channel_error(s->ch);
		s->sent++;
	}
	return CLI_YES;
}

static int send_fd(struct sender *s, int fd, const char *file)
{
	return s->o.format == RAW ? send_blocks(s, fd, file)
				  : send_records(s, fd, file);
}

static int send_file(struct sender *s, const char *file)
{
	if (strcmp(file, "-") == 0)
		return send_fd(s, STDIN_FILENO, "standard input");
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return cli_error("%s: %s", file, strerror(errno));
	int status = send_fd(s, fd, file);

	close(fd);
	return status;
}

static int send_messages(struct sender *s)
{
	const struct cli_list *list = &s->o.messages;
	struct iovec iov[CLI_LIST_MAX];

	for (unsigned int i = 0; i < list->n; i++)
		iov[i] = (struct iovec){(char *)list->item[i],
					strlen(list->item[i])};
	return send_batch(s, iov, list->n);
}

static int send_all(struct sender *s, char **files, int n)
{
	int status = CLI_YES;

	if (s->o.messages.n)
		return send_messages(s);
	if (!n)
		return send_file(s, "-");
	for (int i = 0; i < n && status == CLI_YES; i++)
		status = send_file(s, files[i]);
	return status;
}

static void choose_records(struct sender *s)
{
	s->records.separator = s->o.format == NUL ? '\0' : '\n';
	s->records.max = via_message_max(s->ch);
	if (!s->o.size && s->o.format != WHOLE)
		return;
	s->records.separator = RECORDS_NO_SEPARATOR;
	s->records.block = s->o.size ? s->o.size : SIZE_MAX;
}

static int send_run(int argc, char **argv)
{
	struct sender s = {.o.timeout_ns = -1};
	int first = cli_options(&verb_send, argc, argv, &s.o);

	if (s.o.size && s.o.format != LINES)
		cli_usage("--size goes with no other way to cut messages");
	if (s.o.messages.n && first + 1 < argc)
		cli_usage("--message and files exclude each other");
	s.ch = cli_open(argv[first], VIA_SEND, s.o.timeout_ns);
	if (!s.ch)
		return CLI_FAILED;
	choose_records(&s);
	int64_t since = via_now();
	int status = send_all(&s, argv + first + 1, argc - first - 1);

	if (s.o.stats)
		cli_print_stats(s.ch, VIA_SEND, since);
	records_fini(&s.records);
	return cli_close(s.ch, s.o.timeout_ns, status);
}

#define MEMBER(name) offsetof(struct send_options, name)

static const struct verb_option options[] = {
	{'0', "null", NULL, "records end with a NUL byte, not a newline",
	 CLI_CHOICE, MEMBER(format), .choice = NUL},
	{'s', "size", "N",
	 "records are blocks of N bytes; the last may be shorter", CLI_SIZE,
	 MEMBER(size), .min = 1},
	{'r', "raw", NULL,
	 "send the bytes as they come, in blocks of up to 128K, for "
	 "via recv --raw",
	 CLI_CHOICE, MEMBER(format), .choice = RAW},
	{'w', "whole", NULL,
	 "send the whole input, or each file, as one message", CLI_CHOICE,
	 MEMBER(format), .choice = WHOLE},
	{'m', "message", "TEXT",
	 "send TEXT instead of reading anything; may be given again", CLI_LIST,
	 MEMBER(messages)},
	{'n', "count", "N", "end after N messages", CLI_NUMBER, MEMBER(count),
	 .min = 1},
	{'t', "timeout", "DURATION",
	 "fail when there is no receiver for so long, or no room for a message",
	 CLI_DURATION, MEMBER(timeout_ns)},
	{'S', "stats", NULL, "at the end tell on standard error what was sent",
	 CLI_FLAG, MEMBER(stats)},
	{0},
};

static const struct verb_example examples[] = {
	{"via send shm:prices < ticks.csv", "each line is a message"},
	{"via send -m reload unix:@daemon",
	 "one message from the command line"},
	{"via send --whole unix:/tmp/f.sock photo.jpg", "a file is a message"},
	{"via send --raw tcp:db:9000 < dump", "bytes in large blocks"},
	{"find . -print0 | via send --null fifo:/tmp/names",
	 "names with newlines in them"},
	{0},
};

const struct verb verb_send = {
	.name = "send",
	.summary = "send messages",
	.synopsis = "[OPTION]... URL [FILE]...",
	.description =
		"Read records from the files, or standard input (also \"-\"), "
		"and send each as a message to URL: by default a line, without "
		"its newline. Waits until somebody receives there, and at the "
		"end until the receiver has it all, where the mechanism can "
		"tell.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = -1,
	.run = send_run,
};
