/* SPDX-License-Identifier: MIT */
/*
 * via-mk KIND: make one situation, print the truth about it as one line of
 * JSON as soon as it stands, keep it until the end of standard input, and
 * leave nothing behind. via-mk --list: all there are, but for rings of other
 * mechanisms, mix-WAY-WAY...
 *
 * Exit status 77: something is missing here, which is said.
 */
#include "tests/inspect/mk/mk.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static const struct mk_kind kinds[] = {
#define KIND(name, function, summary, needs)                                   \
	{name, make_##function, summary, needs},
#include "tests/inspect/mk/kinds.def"
#undef KIND
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int list(void)
{
	for (size_t i = 0; i < N_KINDS; i++)
		(void)printf("%s\t%s\t%s\n", kinds[i].name, kinds[i].needs,
			     kinds[i].summary);
	return fflush(stdout) == EOF;
}

static struct mk *the_mk;

static void undo(void)
{
	if (getpid() == the_mk->maker)
		mk_undo_all(the_mk);
}

static void wait_for_end(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR)
		errno = 0;
}

static int run(const struct mk_kind *kind)
{
	/* Not on the stack, nor shared: children change their copy. */
	static struct mk m;

	m.kind = kind->name;
	mk_start_making(&m);
	memset(m.ends, 0xff, sizeof(m.ends));
	the_mk = &m;
	(void)signal(SIGPIPE, SIG_IGN);
	MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
	(void)atexit(undo);

	kind->make(&m);
	mk_settle(&m);
	mk_measure(&m);
	/* Now that nothing is to be made any more, hold nothing. */
	MUST(close_range(3, ~0U, 0));
	while (m.n_maps-- > 0)
		MUST(munmap(m.maps[m.n_maps].start, m.maps[m.n_maps].size));
	mk_settle(&m);
	mk_print(&m);
	(void)fclose(stdout);
	wait_for_end();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--list"))
		return list();
	/* What a child executes to be a program of its own. */
	if (argc == 3 && !strcmp(argv[1], "--pause")) {
		MUST(prctl(PR_SET_NAME, argv[2]));
		mk_pause();
	}
	if (argc == 5 && !strcmp(argv[1], "--open")) {
		MUST(prctl(PR_SET_NAME, argv[2]));
		MUST(open(argv[3], O_RDONLY | O_CLOEXEC));
		MUST(open(argv[4], O_WRONLY | O_CLOEXEC));
		mk_pause();
	}
	for (size_t i = 0; argc == 2 && i < N_KINDS; i++)
		if (!strcmp(argv[1], kinds[i].name))
			return run(&kinds[i]);
	/* Not all there could be are rows. */
	if (argc == 2 && !strncmp(argv[1], "mix-", 4))
		return run(&(struct mk_kind){argv[1], make_mix, "", ""});
	fputs("usage: via-mk KIND | --list\n", stderr);
	return 2;
}
