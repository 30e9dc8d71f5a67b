/* SPDX-License-Identifier: MIT */
/* Reading an ELF file, with libelf. The file is not trusted. */
#ifndef INSPECT_COLLECT_ELF_H
#define INSPECT_COLLECT_ELF_H

#include <via/error.h>

#include "inspect/model/elf.h"

/* 0, or -errno with a sentence: -ENOEXEC: no ELF file; -EPROTO: a damaged
 * one. */
int via__elf_read(const char *path, struct via_elf *ret, struct via_error *err);

void via__elf_free(struct via_elf *elf);

const char *via__elf_part_name(enum via_elf_part part);
const char *via__elf_part_summary(enum via_elf_part part);

#endif
