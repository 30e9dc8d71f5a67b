/* SPDX-License-Identifier: MIT */
/*
 * Stands in for libFuzzer where there is none: runs a target once on each
 * file of a corpus directory.
 */
#include <dirent.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1 << 20)

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);

	check(file && data);

	size_t len = fread(data, 1, INPUT_MAX, file);

	fclose(file);
	(void)LLVMFuzzerTestOneInput(data, len);
	free(data);
}

int main(int argc, char **argv)
{
	check(argc == 2);

	DIR *dir = opendir(argv[1]);
	int n = 0;

	check(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		replay(path);
		printf("ok %d - %s\n", ++n, entry->d_name);
	}
	closedir(dir);
	printf("1..%d\n", n);
	return n == 0;
}
