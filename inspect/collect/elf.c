/* SPDX-License-Identifier: MIT */
#include "inspect/collect/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name, *summary;
} parts[] = {
#define VIA_ELF_ROW(NAME, name, summary) {name, summary},
	VIA_ELF_PARTS(VIA_ELF_ROW)
#undef VIA_ELF_ROW
};

const char *via__elf_part_name(enum via_elf_part part)
{
	return parts[part].name;
}

const char *via__elf_part_summary(enum via_elf_part part)
{
	return parts[part].summary;
}

__attribute__((format(printf, 3, 4))) static int
fail(struct via_error *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

/* --- What kind of file --- */

static const char *type_of(const GElf_Ehdr *header)
{
	switch (header->e_type) {
	case ET_REL:
		return "object file";
	case ET_EXEC:
		return "executable";
	case ET_DYN:
		return "shared object";
	case ET_CORE:
		return "core dump";
	}
	return "other";
}

static const char *machine_of(const GElf_Ehdr *header)
{
	switch (header->e_machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_386:
		return "x86";
	case EM_AARCH64:
		return "aarch64";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv";
	case EM_BPF:
		return "bpf";
	}
	return "other";
}

/* --- Sections --- */

static bool starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static enum via_elf_part part_of(const GElf_Shdr *h, const char *name)
{
	if (h->sh_flags & SHF_ALLOC) {
		if (h->sh_flags & SHF_EXECINSTR)
			return VIA_ELF_TEXT;
		if (!(h->sh_flags & SHF_WRITE))
			return VIA_ELF_RODATA;
		return h->sh_type == SHT_NOBITS ? VIA_ELF_BSS : VIA_ELF_DATA;
	}
	if (starts(name, ".debug") || starts(name, ".zdebug") ||
	    starts(name, ".gnu_debug") || starts(name, ".stab"))
		return VIA_ELF_DEBUG;
	return h->sh_type == SHT_SYMTAB || h->sh_type == SHT_STRTAB
		       ? VIA_ELF_SYMBOLS
		       : VIA_ELF_OTHER;
}

/* Thread-local zeros lie in no segment: each thread makes its own. */
static bool in_memory(const GElf_Shdr *h)
{
	return h->sh_flags & SHF_ALLOC &&
	       !(h->sh_flags & SHF_TLS && h->sh_type == SHT_NOBITS);
}

static int add_section(struct via_elf *elf, const GElf_Shdr *h,
		       const char *name)
{
	struct via_elf_section s = {
		.name = strdup(name ? name : ""),
		.address = h->sh_addr,
		.offset = h->sh_offset,
		.size = h->sh_size,
		.in_file = h->sh_type == SHT_NOBITS ? 0 : h->sh_size,
		.in_memory = in_memory(h) ? h->sh_size : 0,
		.write = h->sh_flags & SHF_WRITE,
		.exec = h->sh_flags & SHF_EXECINSTR,
	};
	void *more = s.name ? reallocarray(elf->sections, elf->n_sections + 1,
					   sizeof(*elf->sections))
			    : NULL;

	if (!more) {
		free(s.name);
		return -ENOMEM;
	}
	s.part = part_of(h, s.name);
	elf->sections = more;
	elf->sections[elf->n_sections++] = s;
	elf->in_file[s.part] += s.in_file;
	elf->in_memory[s.part] += s.in_memory;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct via_elf_section *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int by_size(const void *a, const void *b)
{
	const struct via_elf_symbol *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* --- Symbols --- */

static int add_symbol(struct via_elf *elf, const GElf_Sym *symbol,
		      const char *name)
{
	int type = GELF_ST_TYPE(symbol->st_info);

	if (!symbol->st_size || symbol->st_shndx == SHN_UNDEF || !name ||
	    (type != STT_FUNC && type != STT_OBJECT && type != STT_TLS))
		return 0;
	struct via_elf_symbol s = {strdup(name), symbol->st_value,
				   symbol->st_size, type == STT_FUNC};
	void *more = s.name ? reallocarray(elf->symbols, elf->n_symbols + 1,
					   sizeof(*elf->symbols))
			    : NULL;

	if (!more) {
		free(s.name);
		return -ENOMEM;
	}
	elf->symbols = more;
	elf->symbols[elf->n_symbols++] = s;
	return 0;
}

static int read_symbols(Elf *file, Elf_Scn *section, const GElf_Shdr *h,
			struct via_elf *elf)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;
	int err = 0;

	for (int i = 0; !err && data && gelf_getsym(data, i, &symbol); i++)
		err = add_symbol(elf, &symbol,
				 elf_strptr(file, h->sh_link, symbol.st_name));
	return err;
}

/* The whole table, or what is left of it when it was stripped. */
static int read_symbol_table(Elf *file, struct via_elf *elf)
{
	Elf_Scn *section = NULL, *found = NULL;
	GElf_Shdr h, of_found = {0};

	while ((section = elf_nextscn(file, section)))
		if (gelf_getshdr(section, &h) &&
		    (h.sh_type == SHT_SYMTAB ||
		     (h.sh_type == SHT_DYNSYM && !found))) {
			found = section;
			of_found = h;
		}
	return found ? read_symbols(file, found, &of_found, elf) : 0;
}

/* --- The file --- */

static int read_sections(Elf *file, struct via_elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;
	GElf_Shdr h;
	int err = 0;

	if (elf_getshdrstrndx(file, &names) < 0)
		return -EPROTO;
	while (!err && (section = elf_nextscn(file, section))) {
		if (!gelf_getshdr(section, &h))
			return -EPROTO;
		if (h.sh_type != SHT_NOBITS && h.sh_type != SHT_NULL &&
		    (h.sh_offset > elf->size ||
		     h.sh_size > elf->size - h.sh_offset))
			return -EPROTO;
		if (h.sh_type != SHT_NULL)
			err = add_section(elf, &h,
					  elf_strptr(file, names, h.sh_name));
	}
	return err;
}

static int read_elf(Elf *file, struct via_elf *elf)
{
	GElf_Ehdr header;
	uint64_t sum = 0;

	if (!gelf_getehdr(file, &header))
		return -EPROTO;
	elf->type = type_of(&header);
	elf->machine = machine_of(&header);
	elf->bits = gelf_getclass(file) == ELFCLASS64 ? 64 : 32;
	elf->entry = header.e_entry;
	/* libelf says nothing of a table that has been cut off. */
	int err = header.e_shoff > elf->size ? -EPROTO
					     : read_sections(file, elf);

	if (!err)
		err = read_symbol_table(file, elf);
	for (size_t i = 0; i < VIA_N_ELF_PARTS; i++)
		sum += elf->in_file[i];
	/* Sections may overlap in a file that was made by hand. */
	elf->in_file[VIA_ELF_HEADERS] = sum < elf->size ? elf->size - sum : 0;
	if (elf->n_sections)
		qsort(elf->sections, elf->n_sections, sizeof(*elf->sections),
		      by_offset);
	if (elf->n_symbols)
		qsort(elf->symbols, elf->n_symbols, sizeof(*elf->symbols),
		      by_size);
	return err;
}

int via__elf_read(const char *path, struct via_elf *ret, struct via_error *err)
{
	/* A FIFO would wait for a writer, and a device do as it likes. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	*ret = (struct via_elf){0};
	if (fd < 0 || fstat(fd, &st) < 0) {
		int code = -errno;

		if (fd >= 0)
			close(fd);
		return fail(err, code, "%s", via_strerror(code));
	}
	ret->size = (uint64_t)st.st_size;
	Elf *file = S_ISREG(st.st_mode) && elf_version(EV_CURRENT) != EV_NONE
			    ? elf_begin(fd, ELF_C_READ, NULL)
			    : NULL;
	int code = file && elf_kind(file) == ELF_K_ELF ? read_elf(file, ret)
						       : -ENOEXEC;

	elf_end(file);
	close(fd);
	if (!code)
		return 0;
	via__elf_free(ret);
	return fail(err, code, "%s",
		    code == -ENOEXEC  ? "is not an ELF file"
		    : code == -EPROTO ? "is a damaged ELF file"
				      : via_strerror(code));
}

void via__elf_free(struct via_elf *elf)
{
	for (size_t i = 0; i < elf->n_sections; i++)
		free(elf->sections[i].name);
	for (size_t i = 0; i < elf->n_symbols; i++)
		free(elf->symbols[i].name);
	free(elf->sections);
	free(elf->symbols);
	*elf = (struct via_elf){0};
}
