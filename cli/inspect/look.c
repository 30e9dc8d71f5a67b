/* SPDX-License-Identifier: MIT */
#include "cli/inspect/look.h"

#include <stdio.h>

int look_take(const struct look_options *o, uint32_t want,
	      struct via_snapshot **ret)
{
	const struct via_look look = {.want = want, .source_any = 1};
	struct via_error error = {0};
	int err = via_snapshot_take(&look, ret, &error);

	(void)o;
	if (err < 0)
		return cli_error("%s",
				 *error.text ? error.text : via_strerror(err));
	return CLI_YES;
}

void look_footer(const struct via_snapshot *s)
{
	uint32_t hidden = s->sight.n_hidden_fds;

	if (hidden)
		cli_warn("saw %u of %u processes whole; the others need root "
			 "(CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH)",
			 s->sight.n_processes - hidden, s->sight.n_processes);
}
