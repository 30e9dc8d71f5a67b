/* SPDX-License-Identifier: MIT */
/* The programs for the kernel, by number: the bits of via_sight.refused. */
#ifndef INSPECT_MODEL_PROGRAMS_H
#define INSPECT_MODEL_PROGRAMS_H

enum via__program {
#define PROGRAM(name, NAME, without) VIA__PROGRAM_##NAME,
#include "inspect/model/programs.def"
#undef PROGRAM
	VIA__N_PROGRAMS
};

/* Its name, "" beyond the last one. */
const char *via__program_name(unsigned int program);
/* What it is for, and how that is known without it. */
const char *via__program_without(unsigned int program);

#endif
