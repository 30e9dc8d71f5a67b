/* SPDX-License-Identifier: MIT */
/* The table of verbs. */
#include "cli/verb.h"

#include <string.h>

#define VERB(name) &verb_##name,
const struct verb *const verbs[] = {
#include "verbs.def"
	NULL,
};
#undef VERB

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; verbs[i]; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}
