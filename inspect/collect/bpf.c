/* SPDX-License-Identifier: MIT */
/*
 * Giving a program to the kernel. What the compiler made (an ELF object of our
 * own, so that it is believed) has a section of code that the iterator calls,
 * one with what that has called back, and a description of the functions, which
 * the kernel asks for. Marks are replaced by what the running kernel has.
 */
#include "inspect/collect/bpf.h"

#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inspect/collect/bpf_fail.h"
#include "inspect/collect/bpf_layout.h"

#define PROGRAM(NAME, name, iterator) extern const char via__##name##_bpf_o[];
VIA__BPF_PROGRAMS(PROGRAM)
#undef PROGRAM

static const struct {
	const char *name, *object;
} programs[VIA__BPF_N_PROGRAMS] = {
#define PROGRAM(NAME, name, iterator) {#name, via__##name##_bpf_o},
	VIA__BPF_PROGRAMS(PROGRAM)
#undef PROGRAM
};

static int call(enum bpf_cmd command, union bpf_attr *attr)
{
	int r = (int)syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : r;
}

/* The kernel wants addresses so. */
static uint64_t address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* --- The object --- */

static const Elf64_Shdr *section(const char *object, size_t index)
{
	const Elf64_Ehdr *h = (const void *)object;

	return (const Elf64_Shdr *)(object + h->e_shoff) + index;
}

/* One without is empty, and is that with the number 0. */
static size_t find(const char *object, const char *name)
{
	const Elf64_Ehdr *h = (const void *)object;
	const char *names = object + section(object, h->e_shstrndx)->sh_offset;

	for (size_t i = h->e_shnum; --i > 0;)
		if (strcmp(names + section(object, i)->sh_name, name) == 0)
			return i;
	return 0;
}

/* --- The code --- */

struct code {
	const char *object;
	struct bpf_insn *at;
	size_t n, n_iter; /* of those are called by the iterator */
	struct bpf_func_info functions[8];
	uint32_t n_functions;
};

/* Functions of one section, as .BTF.ext has them, which begins at this
 * instruction. */
static void add_functions(struct code *c, const char *name, size_t first)
{
	const char *object = c->object;
	const char *btf = object +
			  section(object, find(object, ".BTF"))->sh_offset;
	const struct btf_header *types = (const void *)btf;
	const char *texts = btf + types->hdr_len + types->str_off;
	const char *ext = object +
			  section(object, find(object, ".BTF.ext"))->sh_offset;
	/* As btf_header begins, then two pairs of offset and length. */
	const struct btf_header *h = (const void *)ext;
	const uint32_t *at = (const void *)(ext + h->hdr_len + h->type_off);
	const uint32_t *end = at + h->type_len / sizeof(*at);
	uint32_t words = *at++ / sizeof(*at);

	while (at < end) {
		bool is_it = strcmp(texts + at[0], name) == 0;
		uint32_t n = at[1];

		at += 2;
		for (uint32_t i = 0; i < n; i++, at += words)
			if (is_it && c->n_functions < 8)
				c->functions[c->n_functions++] =
					(struct bpf_func_info){
						at[0] / 8 + (uint32_t)first,
						at[1]};
	}
}

/* Put in which functions are called back. */
static int relocate(struct code *c, const char *name, size_t first)
{
	const char *object = c->object;
	const Elf64_Shdr *rel = section(object, find(object, name));
	const Elf64_Rel *r = (const void *)(object + rel->sh_offset);
	const Elf64_Sym *symbols =
		(const void *)(object + section(object, find(object, ".symtab"))
						->sh_offset);

	for (; rel->sh_type == SHT_REL &&
	       r < (const Elf64_Rel *)(object + rel->sh_offset + rel->sh_size);
	     r++) {
		const Elf64_Sym *symbol = &symbols[ELF64_R_SYM(r->r_info)];
		size_t i = first + r->r_offset / sizeof(*c->at);
		struct bpf_insn *insn = &c->at[i];

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW) ||
		    symbol->st_shndx != find(object, ".text"))
			return -EINVAL;
		insn->src_reg = BPF_PSEUDO_FUNC;
		insn->imm = (int32_t)(c->n_iter +
				      (symbol->st_value + (size_t)insn->imm) /
					      sizeof(*insn) -
				      i - 1);
	}
	return 0;
}

static int copy(struct code *c)
{
	const Elf64_Shdr *iter = section(c->object, find(c->object, "iter"));
	const Elf64_Shdr *text = section(c->object, find(c->object, ".text"));

	c->at = malloc(iter->sh_size + text->sh_size);
	if (!c->at)
		return -ENOMEM;
	c->n_iter = iter->sh_size / sizeof(*c->at);
	c->n = c->n_iter + text->sh_size / sizeof(*c->at);
	memcpy(c->at, c->object + iter->sh_offset, iter->sh_size);
	memcpy(c->at + c->n_iter, c->object + text->sh_offset, text->sh_size);
	add_functions(c, "iter", 0);
	add_functions(c, ".text", c->n_iter);
	int err = relocate(c, ".reliter", 0);

	return err ? err : relocate(c, ".rel.text", c->n_iter);
}

/* Put in where members are. What is missing, or VIA__BPF_N_MEMBERS. */
static enum via__bpf_member fill_in(struct code *c,
				    const struct via__bpf_layout *layout)
{
	for (size_t i = 0; i < c->n; i++) {
		struct bpf_insn *insn = &c->at[i];
		uint32_t member = (uint32_t)insn->imm - VIA__BPF_MARK;

		if (insn->code != (BPF_ALU64 | BPF_MOV | BPF_K) ||
		    member >= VIA__BPF_N_MEMBERS)
			continue;
		insn->imm = layout->members[member];
		if (insn->imm < 0 && !via__bpf_member_is_optional(member))
			return member;
	}
	return VIA__BPF_N_MEMBERS;
}

/* --- The kernel --- */

static int load_types(const char *object)
{
	const Elf64_Shdr *btf = section(object, find(object, ".BTF"));
	union bpf_attr attr = {
		.btf = address(object + btf->sh_offset),
		.btf_size = (uint32_t)btf->sh_size,
	};

	return call(BPF_BTF_LOAD, &attr);
}

static int load_code(const struct code *c, const char *name, uint32_t iterator,
		     int types)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_TRACING,
		.expected_attach_type = BPF_TRACE_ITER,
		.attach_btf_id = iterator,
		.insn_cnt = (uint32_t)c->n,
		.insns = address(c->at),
		.license = address("Dual MIT/GPL"),
		.prog_btf_fd = (uint32_t)types,
		.func_info_rec_size = sizeof(*c->functions),
		.func_info = address(c->functions),
		.func_info_cnt = c->n_functions,
	};

	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "via_%s", name);
	return call(BPF_PROG_LOAD, &attr);
}

/* A link to the program, which keeps it. */
static int link_code(const struct code *c, const char *name, uint32_t iterator)
{
	int types = load_types(c->object);

	if (types < 0)
		return types;
	int program = load_code(c, name, iterator, types);
	union bpf_attr attr = {.link_create = {
				       .prog_fd = (uint32_t)program,
				       .attach_type = BPF_TRACE_ITER,
			       }};
	int link = program < 0 ? program : call(BPF_LINK_CREATE, &attr);

	close(types);
	if (program >= 0)
		close(program);
	return link;
}

static int refused(const char *name, int err, struct via_error *reterr)
{
	bool right = err == -EPERM;

	(void)via__bpf_fail(reterr, "no BPF: the kernel did not take %s: %s%s",
			    name, via_strerror(err),
			    right ? " (it needs CAP_BPF and CAP_PERFMON)" : "");
	return right ? err : -EOPNOTSUPP;
}

int via__bpf_load(const struct via__bpf *b, enum via__bpf_program program,
		  struct via_error *reterr)
{
	const char *name = programs[program].name;
	struct code c = {.object = programs[program].object};
	uint32_t iterator = b->layout.iterators[program];
	int r = copy(&c);
	enum via__bpf_member missing = r ? VIA__BPF_N_MEMBERS
					 : fill_in(&c, &b->layout);

	if (!r && (!iterator || missing != VIA__BPF_N_MEMBERS))
		r = via__bpf_fail(reterr, "no BPF: %s: this kernel has no %s",
				  name,
				  iterator ? via__bpf_member_name(missing)
					   : "such iterator");
	if (!r) {
		r = link_code(&c, name, iterator);
		if (r < 0 && r != -ENOMEM)
			r = refused(name, r, reterr);
	}
	free(c.at);
	return r;
}

int via__bpf_find(struct via__bpf *ret, struct via_error *reterr)
{
	*ret = (struct via__bpf){.files_link = -1};
	int err = via__bpf_layout_read(&ret->layout);

	if (err == -ENOMEM)
		return err;
	if (err)
		return via__bpf_fail(reterr,
				     "no BPF: the kernel does not describe "
				     "itself in /sys/kernel/btf/vmlinux: %s",
				     via_strerror(err));
	ret->open = true;
	return 0;
}

/* --- Reading --- */

int via__bpf_iterator(int link)
{
	union bpf_attr attr = {.iter_create = {.link_fd = (uint32_t)link}};

	return call(BPF_ITER_CREATE, &attr);
}

#define PIECE ((size_t)256 << 10)

int via__bpf_records(int iterator, size_t size, void **ret, size_t *ret_n)
{
	char *bytes = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		if (room - len < PIECE) {
			char *more = realloc(bytes,
					     room + room / 2 + 2 * PIECE);

			if (!more) {
				free(bytes);
				return -ENOMEM;
			}
			bytes = more;
			room += room / 2 + 2 * PIECE;
		}
		ssize_t n = read(iterator, bytes + len, room - len);

		if (n > 0)
			len += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			break;
	}
	*ret = bytes;
	*ret_n = len / size;
	return 0;
}
