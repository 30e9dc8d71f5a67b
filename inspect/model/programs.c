/* SPDX-License-Identifier: MIT */
#include "inspect/model/programs.h"

static const struct {
	const char *name, *without;
} programs[] = {
#define PROGRAM(name, NAME, without) {#name, without},
#include "inspect/model/programs.def"
#undef PROGRAM
};

const char *via__program_name(unsigned int program)
{
	return program < VIA__N_PROGRAMS ? programs[program].name : "";
}

const char *via__program_without(unsigned int program)
{
	return program < VIA__N_PROGRAMS ? programs[program].without : "";
}
