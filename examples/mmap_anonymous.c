/* SPDX-License-Identifier: MIT */
/*
 * Memory without a file, shared and private, across fork.
 *
 * The child writes to both. The shared page is one page for both processes;
 * the private one, like every variable, is copied when somebody writes to it.
 */
#include <err.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int *map(int flags)
{
	void *p = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE,
		       MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	return p;
}

int main(void)
{
	int *shared = map(MAP_SHARED), *private = map(MAP_PRIVATE);
	int variable = 1;

	*shared = *private = 1;

	pid_t child = fork();

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		*shared = *private = variable = 2;
		_exit(0);
	}

	/* Waiting for the child also orders its writes before our reads. */
	if (waitpid(child, NULL, 0) < 0)
		err(1, "waitpid");
	printf("shared %d, private %d, variable %d\n", *shared, *private,
	       variable);
	return 0;
}
