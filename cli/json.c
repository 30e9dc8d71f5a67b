/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include <errno.h>

int cli_json_print(json_t *value, FILE *f)
{
	int err = value ? 0 : -ENOMEM;

	/* In ASCII: no byte of anybody's reaches a terminal as it is. */
	if (!err &&
	    json_dumpf(value, f, JSON_COMPACT | JSON_ENSURE_ASCII) < 0 &&
	    !ferror(f))
		err = -ENOMEM;
	if (!err)
		putc('\n', f);
	json_decref(value);
	return err;
}
