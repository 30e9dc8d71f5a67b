/* SPDX-License-Identifier: MIT */
/*
 * Types follow each other, numbered from 1; each has a head and, by its kind,
 * more behind that. Nothing in there is believed, but for what the kernel
 * itself checks when it takes a program.
 */
#include "inspect/collect/bpf_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct row {
	const char *in, *path; /* "" of a SIZE */
	int64_t bytes;	       /* 0: whatever */
	bool maybe, array;
} rows[VIA__BPF_N_MEMBERS] = {
#define MEMBER(name, in, path, bytes) {#in, #path, bytes, false, false},
#define MAYBE(name, in, path, bytes)  {#in, #path, bytes, true, false},
#define ARRAY(name, in, path, bytes)  {#in, #path, bytes, false, true},
#define SIZE(name, in)		      {#in, "", 0, false, false},
#include "inspect/collect/bpf/members.def"
#undef MEMBER
#undef MAYBE
#undef ARRAY
#undef SIZE
};

static const char *const iterators[VIA__BPF_N_PROGRAMS] = {
#define PROGRAM(NAME, name, iterator) #iterator,
	VIA__BPF_PROGRAMS(PROGRAM)
#undef PROGRAM
};

const char *via__bpf_member_name(enum via__bpf_member member)
{
	return *rows[member].path ? rows[member].path : rows[member].in;
}

int via__bpf_member_is_optional(enum via__bpf_member member)
{
	return rows[member].maybe;
}

/* --- Types --- */

struct btf {
	const char *types, *texts;
	size_t types_len, texts_len;
	uint32_t *offsets; /* by number */
	uint32_t n, max;
};

static const char *text(const struct btf *b, uint32_t at)
{
	return at < b->texts_len ? b->texts + at : "";
}

/* What comes behind the head of a type; -1: unknown. */
static long more(const struct btf_type *t)
{
	long n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * (long)sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * (long)sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return n * (long)sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * (long)sizeof(struct btf_var_secinfo);
	case BTF_KIND_ENUM64:
		return n * 12;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	}
	return -1;
}

static const struct btf_type *type(const struct btf *b, uint32_t number)
{
	return number && number < b->n
		       ? (const void *)(b->types + b->offsets[number])
		       : NULL;
}

/* What a name or a qualifier stands for. */
static const struct btf_type *resolve(const struct btf *b, uint32_t number)
{
	const struct btf_type *t = type(b, number);

	for (int depth = 0; t && depth < 32; depth++) {
		switch (BTF_INFO_KIND(t->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			t = type(b, t->type);
			continue;
		}
		return t;
	}
	return NULL;
}

static bool is_compound(const struct btf_type *t)
{
	return t && (BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT ||
		     BTF_INFO_KIND(t->info) == BTF_KIND_UNION);
}

/* -1: it has none that would be told. */
static int64_t size_of(const struct btf_type *t)
{
	switch (t ? BTF_INFO_KIND(t->info) : BTF_KIND_UNKN) {
	case BTF_KIND_PTR:
		return sizeof(void *);
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return t->size;
	}
	return -1;
}

/* --- Members --- */

/* The type of a member and, added to *offset, where it is; also in what has no
 * name of its own. */
static const struct btf_type *find(const struct btf *b,
				   const struct btf_type *in, const char *name,
				   size_t len, int32_t *offset, int depth)
{
	const struct btf_member *m = (const void *)(in + 1);

	for (uint32_t i = 0; i < BTF_INFO_VLEN(in->info); i++) {
		const char *own = text(b, m[i].name_off);
		const struct btf_type *t = resolve(b, m[i].type), *found = NULL;
		/* With this flag the upper bits are a bit field's width. */
		uint32_t bits = BTF_INFO_KFLAG(in->info)
					? BTF_MEMBER_BIT_OFFSET(m[i].offset)
					: m[i].offset;

		if (strncmp(own, name, len) == 0 && !own[len])
			found = bits % 8 ? NULL : t;
		else if (!*own && is_compound(t) && depth < 8)
			found = find(b, t, name, len, offset, depth + 1);
		if (!found)
			continue;
		*offset += (int32_t)(bits / 8);
		return found;
	}
	return NULL;
}

/* Where a row's member is in a structure; -1: not as it should be. */
static int32_t place(const struct btf *b, const struct btf_type *t,
		     const struct row *row)
{
	const char *path = row->path;
	int32_t offset = 0;

	if (!*path)
		return (int32_t)t->size;
	for (;;) {
		size_t len = strcspn(path, ".");

		t = is_compound(t) ? find(b, t, path, len, &offset, 0) : NULL;
		if (!t || !path[len])
			break;
		path += len + 1;
	}
	if (t && row->array)
		t = BTF_INFO_KIND(t->info) == BTF_KIND_ARRAY
			    ? resolve(b,
				      ((const struct btf_array *)(t + 1))->type)
			    : NULL;
	return t && (!row->bytes || row->bytes == size_of(t)) ? offset : -1;
}

/* --- All of them --- */

/* More than one may be called the same: the first that has it. */
static void look_at_struct(const struct btf *b, const struct btf_type *t,
			   struct via__bpf_layout *ret)
{
	const char *name = text(b, t->name_off);

	for (size_t i = 0; *name && i < VIA__BPF_N_MEMBERS; i++)
		if (*name == *rows[i].in && ret->members[i] < 0 &&
		    strcmp(name, rows[i].in) == 0)
			ret->members[i] = place(b, t, &rows[i]);
}

static void look_at_function(const struct btf *b, uint32_t number,
			     struct via__bpf_layout *ret)
{
	static const char prefix[] = "bpf_iter_";
	const char *name = text(b, type(b, number)->name_off);

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return;
	for (size_t i = 0; i < VIA__BPF_N_PROGRAMS; i++)
		if (strcmp(name + sizeof(prefix) - 1, iterators[i]) == 0)
			ret->iterators[i] = number;
}

static int add_offset(struct btf *b, uint32_t offset)
{
	if (b->n == b->max) {
		uint32_t max = b->max ? 2 * b->max : 1 << 17;
		void *bigger = reallocarray(b->offsets, max,
					    sizeof(*b->offsets));

		if (!bigger)
			return -ENOMEM;
		b->offsets = bigger;
		b->max = max;
	}
	b->offsets[b->n++] = offset;
	return 0;
}

/* Number all types. */
static int index_types(struct btf *b)
{
	int err = add_offset(b, 0); /* void */

	for (size_t at = 0; !err && at < b->types_len;) {
		const struct btf_type *t = (const void *)(b->types + at);
		long n = b->types_len - at < sizeof(*t) ? -1 : more(t);

		if (n < 0 || (size_t)n > b->types_len - at - sizeof(*t))
			return -EPROTO;
		err = add_offset(b, (uint32_t)at);
		at += sizeof(*t) + (size_t)n;
	}
	return err;
}

static int open_btf(const void *bytes, size_t len, struct btf *b)
{
	const struct btf_header *h = bytes;

	if (len < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > len)
		return -EPROTO;
	len -= h->hdr_len;
	if (h->type_off % 4 || h->type_off > len ||
	    h->type_len > len - h->type_off || h->str_off > len ||
	    h->str_len > len - h->str_off || !h->str_len)
		return -EPROTO;
	b->types = (const char *)bytes + h->hdr_len + h->type_off;
	b->types_len = h->type_len;
	b->texts = (const char *)bytes + h->hdr_len + h->str_off;
	b->texts_len = h->str_len;
	return b->texts[b->texts_len - 1] ? -EPROTO : index_types(b);
}

int via__bpf_layout_of(const void *btf, size_t len, struct via__bpf_layout *ret)
{
	struct btf b = {0};
	int err = open_btf(btf, len, &b);

	*ret = (struct via__bpf_layout){0};
	for (size_t i = 0; i < VIA__BPF_N_MEMBERS; i++)
		ret->members[i] = -1;
	for (uint32_t i = 1; !err && i < b.n; i++) {
		const struct btf_type *t = type(&b, i);

		if (BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT)
			look_at_struct(&b, t, ret);
		else if (BTF_INFO_KIND(t->info) == BTF_KIND_FUNC)
			look_at_function(&b, i, ret);
	}
	free(b.offsets);
	return err;
}

/* PROC_PID_INIT_INO of the kernel. */
#define INIT_PID_NS UINT32_C(0xEFFFFFFC)

/* Before Linux 6.16 it cannot be mapped. */
static int read_btf(int fd, size_t len, struct via__bpf_layout *ret)
{
	char *bytes = malloc(len + 1);
	size_t n = 0;
	ssize_t r = 1;

	while (bytes && n < len && r > 0) {
		r = read(fd, bytes + n, len - n);
		n += r > 0 ? (size_t)r : 0;
	}
	int err = bytes ? via__bpf_layout_of(bytes, n, ret) : -ENOMEM;

	free(bytes);
	return err;
}

int via__bpf_layout_read(struct via__bpf_layout *ret)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	size_t len = (size_t)st.st_size;
	void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	int err = map == MAP_FAILED ? read_btf(fd, len, ret)
				    : via__bpf_layout_of(map, len, ret);

	if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == INIT_PID_NS)
		ret->members[VIA__AT_OUTERMOST] = 0;

	if (map != MAP_FAILED)
		munmap(map, len);
	close(fd);
	return err;
}
