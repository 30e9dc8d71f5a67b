/* SPDX-License-Identifier: MIT */
/*
 * via-bench-peers: one side of a measurement over another library, started by
 * `via bench --peers`. A program of its own, so that via never depends on what
 * it is compared with.
 */
#include <stdio.h>
#include <string.h>

#include "bench/engine.h"

#define PEER(name, work) extern const struct bench_engine bench_##name;
#include "peers_built.def"
#undef PEER

#define PEER(name, work) &bench_##name,
const struct bench_engine *const bench_engines[] = {
#include "peers_built.def"
	NULL,
};
#undef PEER

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[2], BENCH_SIDE_OPTION))
		return bench_side(argv[3]);
	fputs("started by via bench --peers; built with", stderr);
	for (size_t i = 0; bench_engines[i]; i++)
		fprintf(stderr, " %s", bench_engines[i]->name);
	fputc('\n', stderr);
	return 2;
}
