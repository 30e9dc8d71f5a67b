/* SPDX-License-Identifier: MIT */
/* What an ELF file has in it: elf(5). Plain data. */
#ifndef INSPECT_MODEL_ELF_H
#define INSPECT_MODEL_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What takes room, in the file or in memory. */
#define VIA_ELF_PARTS(X)                                                       \
	X(TEXT, "text", "machine code")                                        \
	X(RODATA, "rodata", "constants, and what the loader reads")            \
	X(DATA, "data", "variables with a value")                              \
	X(BSS, "bss", "variables that begin as zero: no room in the file")     \
	X(DEBUG, "debug", "for debuggers")                                     \
	X(SYMBOLS, "symbols", "names of functions and variables")              \
	X(OTHER, "other", "notes, comments")                                   \
	X(HEADERS, "headers", "tables of segments and sections, padding")

enum via_elf_part {
#define VIA_ELF_ENUM(NAME, name, summary) VIA_ELF_##NAME,
	VIA_ELF_PARTS(VIA_ELF_ENUM)
#undef VIA_ELF_ENUM
	VIA_N_ELF_PARTS
};

struct via_elf_section {
	char *name; /* any bytes */
	enum via_elf_part part;
	uint64_t address; /* 0: not in memory */
	uint64_t offset, size;
	uint64_t in_file, in_memory; /* bytes */
	bool write, exec;
};

struct via_elf_symbol {
	char *name;
	uint64_t address, size;
	bool function; /* otherwise a variable */
};

struct via_elf {
	const char *type;    /* "executable", "shared object" ... */
	const char *machine; /* "x86-64" ..., or "other" */
	unsigned int bits;   /* 32, 64 */
	uint64_t entry, size;
	struct via_elf_section *sections; /* by offset */
	struct via_elf_symbol *symbols;	  /* largest first */
	size_t n_sections, n_symbols;
	/* Of each part, bytes in the file and in memory. */
	uint64_t in_file[VIA_N_ELF_PARTS], in_memory[VIA_N_ELF_PARTS];
};

#endif
