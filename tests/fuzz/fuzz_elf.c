/* SPDX-License-Identifier: MIT */
/* A file that says it is an ELF file: refused with a sentence, or read as far
 * as it goes. */
#include <ctype.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inspect/collect/elf.h"
#include "tests/fuzz/fuzz.h"

static void check_sections(const struct via_elf *elf, size_t size)
{
	uint64_t in_file[VIA_N_ELF_PARTS] = {0}, before = 0;

	for (size_t i = 0; i < elf->n_sections; i++) {
		const struct via_elf_section *s = &elf->sections[i];

		check(s->name && s->part < VIA_N_ELF_PARTS);
		check(s->offset >= before);
		check(!s->in_file ||
		      (s->offset <= size && s->in_file <= size - s->offset));
		check(s->in_memory == 0 || s->in_memory == s->size);
		before = s->offset;
		in_file[s->part] += s->in_file;
	}
	for (size_t i = 0; i < VIA_N_ELF_PARTS; i++)
		check(i == VIA_ELF_HEADERS ? elf->in_file[i] <= size
					   : elf->in_file[i] == in_file[i]);
}

static void check_symbols(const struct via_elf *elf)
{
	for (size_t i = 0; i < elf->n_symbols; i++) {
		check(elf->symbols[i].name && elf->symbols[i].size);
		check(i == 0 ||
		      elf->symbols[i - 1].size >= elf->symbols[i].size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct via_error error = {0};
	struct via_elf elf;
	int fd = memfd_create("elf", MFD_CLOEXEC);
	char path[64];

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int err = via__elf_read(path, &elf, &error);

	close(fd);
	if (err) {
		check(err == -ENOEXEC || err == -EPROTO);
		check(error.code == err && error.text[0]);
		check(!elf.sections && !elf.symbols);
		return 0;
	}
	check(elf.size == size && elf.type && elf.machine);
	check(elf.bits == 32 || elf.bits == 64);
	check_sections(&elf, size);
	check_symbols(&elf);
	via__elf_free(&elf);
	return 0;
}
