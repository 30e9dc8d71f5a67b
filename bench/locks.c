/* SPDX-License-Identifier: MIT */
/*
 * via-bench-locks ROUNDS NS table|json: `via bench sync`, in a program of its
 * own. A call costs a program more than it costs a library, which lies close
 * to the one it calls; and locks are called from programs.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/sync.h"

int main(int argc, char **argv)
{
	struct bench_sync_options o;
	struct via_error err;

	if (argc != 4)
		return 2;
	o.rounds = (unsigned int)strtoul(argv[1], NULL, 10);
	o.time_ns = strtoll(argv[2], NULL, 10);
	if (bench_sync(&o, strcmp(argv[3], "json") == 0, stdout, &err)) {
		fprintf(stderr, "via bench: %s\n", err.text);
		return 1;
	}
	if (fflush(stdout)) {
		perror("via bench: standard output");
		return 1;
	}
	return 0;
}
