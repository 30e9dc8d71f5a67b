/* SPDX-License-Identifier: MIT */
#include "cli/inspect/look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inspect/model/programs.h"
#include "inspect/view/words.h"

static int say(const char *name, int err, const struct via_error *error)
{
	return cli_error("%s%s%s", name, *name ? ": " : "",
			 *error->text ? error->text : via_strerror(err));
}

/* The number of a source by its name, or a mistake in the command line. */
static uint32_t source_of(const char *name)
{
	for (uint32_t source = 0; source < VIA_N_SOURCES; source++)
		if ((source == VIA_SOURCE_PROC || source == VIA_SOURCE_BPF) &&
		    strcmp(via__source_word(source), name) == 0)
			return source;
	cli_usage("--source=%s: neither proc nor bpf", name);
}

static int take(const struct look_options *o, uint32_t want,
		struct via_snapshot **ret)
{
	const struct via_look look = {
		/* Others may want to see more in what is saved. */
		.want = o->save ? (uint32_t)VIA_WANT_ALL : want,
		.source = o->source ? source_of(o->source) : VIA_SOURCE_PROC,
		.source_any = o->source	   ? VIA_ANY_NOT
			      : o->closest ? VIA_ANY_CLOSEST
					   : VIA_ANY_QUICKEST,
	};
	struct via_error error = {0};
	int err = via_snapshot_take(&look, ret, &error);

	return err < 0 ? say("", err, &error) : CLI_YES;
}

static int load(const char *name, struct via_snapshot **ret)
{
	bool standard = strcmp(name, "-") == 0;
	FILE *f = standard ? stdin : fopen(name, "re");
	struct via_error error = {0};

	if (!f)
		return cli_error("%s: %s", name, via_strerror(-errno));
	int err = via_snapshot_load(f, ret, &error);

	if (!standard)
		fclose(f);
	return err < 0 ? say(name, err, &error) : CLI_YES;
}

int look_take(const struct look_options *o, uint32_t want,
	      struct via_snapshot **ret)
{
	if (o->from && o->source)
		cli_usage("--from and --source exclude each other");
	return o->from ? load(o->from, ret) : take(o, want, ret);
}

int look_save(const struct look_options *o, const struct via_snapshot *s)
{
	if (!o->save)
		return CLI_YES;
	FILE *f = fopen(o->save, "we");

	if (!f)
		return cli_error("%s: %s", o->save, via_strerror(-errno));
	int err = via_snapshot_save(s, f);

	if (fclose(f) < 0 && !err)
		err = -errno;
	return err < 0 ? cli_error("%s: %s", o->save, via_strerror(err))
		       : CLI_YES;
}

/* What the kernel did not let a program in it tell. */
static void say_refused(uint32_t refused)
{
	for (unsigned int i = 0; i < VIA__N_PROGRAMS; i++)
		if (refused & 1u << i)
			cli_warn("the kernel refused a program (BPF) for %s",
				 via__program_without(i));
}

void look_footer(const struct via_snapshot *s)
{
	const struct via_sight *sight = &s->sight;
	uint32_t hidden = sight->n_hidden_fds;

	hidden = sight->n_hidden_maps > hidden ? sight->n_hidden_maps : hidden;
	hidden = sight->n_hidden_waits > hidden ? sight->n_hidden_waits
						: hidden;
	hidden = hidden > sight->n_processes ? sight->n_processes : hidden;
	if (hidden)
		cli_warn("saw %u of %u processes whole; %s",
			 sight->n_processes - hidden, sight->n_processes,
			 sight->uid ? "the rest needs root (CAP_SYS_PTRACE "
				      "and CAP_DAC_READ_SEARCH)"
				    : "the kernel hides parts of the rest");
	say_refused(sight->refused);
	if (sight->n_dropped)
		cli_warn("left out %u record%s that came and went meanwhile",
			 sight->n_dropped, sight->n_dropped == 1 ? "" : "s");
}
