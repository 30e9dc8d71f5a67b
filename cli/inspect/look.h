/* SPDX-License-Identifier: MIT */
/*
 * What the verbs that look at processes have in common: where the snapshot
 * comes from, and saying what was not seen.
 */
#ifndef CLI_INSPECT_LOOK_H
#define CLI_INSPECT_LOOK_H

#include <via/inspect.h>

#include "cli/verb.h"

/* A verb embeds this in its options, and the rows below in its table. */
struct look_options {
	bool json;
	bool closest; /* of sources, rather than the quickest */
	const char *from, *save, *source;
};

/* clang-format off */
#define LOOK_OPTIONS(type, member)                                     \
	{'j', "json", NULL, "print JSON: via-inspect(5)", CLI_FLAG,    \
	 offsetof(type, member.json)},                                 \
	{0, "from", "FILE", "look at a snapshot that was saved; -: "   \
	 "standard input", CLI_TEXT, offsetof(type, member.from)},     \
	{0, "save", "FILE", "save all that can be seen as well",       \
	 CLI_TEXT, offsetof(type, member.save)},                       \
	{0, "source", "SOURCE", "look through proc or bpf; initially " \
	 "what is quickest", CLI_TEXT, offsetof(type, member.source)}
/* clang-format on */

/*
 * The snapshot that the options ask for, with what is wanted at least (enum
 * via_want). Returns CLI_YES and sets *ret, which the caller frees, or says
 * what failed.
 */
int look_take(const struct look_options *o, uint32_t want,
	      struct via_snapshot **ret);

/* Save it, if that was asked for: when it is as it is shown. */
int look_save(const struct look_options *o, const struct via_snapshot *s);

/* Say on standard error what could not be seen, and why; nothing if all was. */
void look_footer(const struct via_snapshot *s);

#endif
