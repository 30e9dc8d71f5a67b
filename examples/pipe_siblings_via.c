/* SPDX-License-Identifier: MIT */
/*
 * Siblings joined by a pipe, with libvia: ps aux | grep bash
 *
 * Simpler: no end of a pipe is forgotten, since no descriptor passes that was
 * not asked for, and a stage that does not start is an error here, with the
 * others gone. Each stage's end is known, not only the last one's.
 */
#include <err.h>
#include <stdio.h>
#include <via/via.h>

int main(void)
{
	const struct via_program stages[] = {
		{.argv = (const char *[]){"ps", "aux", NULL}},
		{.argv = (const char *[]){"grep", "bash", NULL}},
	};
	struct via_pipeline *p;
	struct via_error error;

	if (via_pipeline_open(stages, 2, NULL, NULL, &p, &error) < 0 ||
	    via_pipeline_wait(p, VIA_NEVER, &error) < 0)
		errx(1, "%s", error.text);
	for (unsigned int i = 0; i < 2; i++)
		printf("%s: exit status %d\n", stages[i].argv[0],
		       via_exit_status(via_pipeline_ended(p, i)));

	int status = via_pipeline_status(p); /* as with pipefail */

	via_pipeline_free(p);
	return status;
}
