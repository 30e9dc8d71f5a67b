/* SPDX-License-Identifier: MIT */
/*
 * Rings and chains over any mechanisms. Each way in which one process can wait
 * for another is a row; the situation's name says which ways, in a ring:
 * "mix-pipe-flock" is two processes, the first waits for the second by a pipe,
 * the second for the first by flock(2). "chain-pipe-flock" are three, the last
 * of which sleeps: nothing is wrong.
 */
#include "tests/inspect/mk/ways.h"

#include <stdio.h>
#include <string.h>

#define PARTIES_MAX 4

/* The ways of the situation's name, behind its first word. */
static int named_ways(const struct mk *m, struct way *w)
{
	char names[96], *at = names;
	int n = 0;

	(void)snprintf(names, sizeof(names), "%s", m->kind);
	for (char *name; (name = strsep(&at, "-"));)
		if (name != names && n < PARTIES_MAX)
			w[n++].kind = mk_way(name);
	return n;
}

static const char *const roles[] = {"one", "two", "three", "four", "five"};

/* Party i waits by w[i] for the next, which holds for it. */
static void party(struct mk *m, const struct way *w, int i, int n, bool ring)
{
	const struct way *own = i < n ? &w[i] : NULL;
	const struct way *others = ring	   ? &w[(i + n - 1) % n]
				   : i > 0 ? &w[i - 1]
					   : NULL;
	int keep[3], k = 0;

	if (own && own->waits >= 0)
		keep[k++] = own->waits;
	if (others && others->blocks >= 0)
		keep[k++] = others->blocks;
	keep[k] = -1;
	if (!mk_start(m, roles[i], keep))
		return;
	if (others && others->kind->hold)
		others->kind->hold(others);
	mk_ready(m);
	if (!own)
		mk_pause();
	own->kind->wait(own);
	mk_die("party %d came back", i);
}

static bool arrange(struct mk *m, struct way *w, int n, int parties)
{
	bool open = false;

	for (int i = 0; i < n; i++) {
		w[i].waits = w[i].blocks = -1;
		w[i].kind->make(m, &w[i], roles[i], roles[(i + 1) % parties]);
		open = open || w[i].kind->open;
	}
	mk_gate(m);
	for (int i = 0; i < parties; i++)
		party(m, w, i, n, parties == n);
	mk_go(m, (unsigned int)parties);
	return open;
}

void make_mix(struct mk *m)
{
	struct way w[PARTIES_MAX] = {0};
	int n = named_ways(m, w);
	bool open = arrange(m, w, n, n);

	mk_cycle(m, open ? NULL : "exact", roles[0], roles[1],
		 n > 2 ? roles[2] : NULL, n > 3 ? roles[3] : NULL, NULL);
}

void make_chain(struct mk *m)
{
	struct way w[PARTIES_MAX] = {0};
	int n = named_ways(m, w);

	(void)arrange(m, w, n, n + 1);
	for (int i = 0; i < n; i++)
		mk_verdict(m, roles[i], "waiting|unknown", NULL);
	mk_idle(m, roles[n]);
}
