/* SPDX-License-Identifier: MIT */
/* What takes room in an ELF file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/maps/maps.h"
#include "cli/numbers.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "inspect/collect/elf.h"
#include "inspect/view/json.h"

/* --- Tables --- */

static int put_part(struct libscols_table *table, const struct via_elf *elf,
		    enum via_elf_part part)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int err = maps_text(line, 0, "%s", via__elf_part_name(part));

	err |= maps_size(line, 1, elf->in_file[part]);
	err |= maps_size(line, 2, elf->in_memory[part]);
	err |= maps_bar(line, 3, elf->in_file[part], elf->size);
	err |= maps_text(line, 4, "%s", via__elf_part_summary(part));
	return err;
}

static int print_parts(const struct via_elf *elf)
{
	static const struct cli_column columns[] = {
		{"PART"},	  {"FILE", true}, {"MEMORY", true},
		{"", .spare = 1}, {"WHAT"},	  {0},
	};
	struct libscols_table *table = cli_table(columns);
	int err = 0;

	for (int part = 0; table && !err && part < VIA_N_ELF_PARTS; part++)
		if (elf->in_file[part] || elf->in_memory[part])
			err = put_part(table, elf, part);
	return cli_table_print(table, err);
}

static int put_section(struct libscols_table *table,
		       const struct via_elf_section *s, uint64_t most)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int err = maps_text(line, 0, "%08" PRIx64, s->offset);

	if (s->address)
		err |= maps_text(line, 1, "%012" PRIx64, s->address);
	err |= maps_text(line, 2, "%s", via__elf_part_name(s->part));
	err |= maps_text(line, 3, "%c%c%c", s->address ? 'r' : '-',
			 s->write ? 'w' : '-', s->exec ? 'x' : '-');
	err |= maps_size(line, 4, s->in_file);
	err |= maps_size(line, 5, s->in_memory);
	err |= maps_bar(line, 6, s->in_file, most);
	err |= maps_text(line, 7, "%s", s->name);
	return err;
}

static int print_sections(const struct via_elf *elf)
{
	static const struct cli_column columns[] = {
		{"OFFSET", true, .spare = 3},
		{"ADDRESS", true, .spare = 1},
		{"PART"},
		{"MODE", .spare = 2},
		{"FILE", true},
		{"MEMORY", true, .spare = 4},
		{"", .spare = 5},
		{"SECTION"},
		{0},
	};
	struct libscols_table *table = cli_table(columns);
	uint64_t most = 0;
	int err = 0;

	for (size_t i = 0; i < elf->n_sections; i++)
		if (elf->sections[i].in_file > most)
			most = elf->sections[i].in_file;
	for (size_t i = 0; table && !err && i < elf->n_sections; i++)
		err = put_section(table, &elf->sections[i], most);
	return cli_table_print(table, err);
}

static int put_symbol(struct libscols_table *table,
		      const struct via_elf_symbol *s, uint64_t most)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int err = maps_text(line, 0, "%012" PRIx64, s->address);

	err |= maps_text(line, 1, "%s", s->function ? "function" : "variable");
	err |= maps_size(line, 2, s->size);
	err |= maps_bar(line, 3, s->size, most);
	err |= maps_text(line, 4, "%s", s->name);
	return err;
}

static int print_symbols(const struct via_elf *elf, uint64_t n)
{
	static const struct cli_column columns[] = {
		{"ADDRESS", true, .spare = 1},
		{"KIND", .spare = 2},
		{"SIZE", true},
		{"", .spare = 3},
		{"NAME"},
		{0},
	};
	struct libscols_table *table = cli_table(columns);
	int err = 0;

	for (size_t i = 0; table && !err && i < n && i < elf->n_symbols; i++)
		err = put_symbol(table, &elf->symbols[i], elf->symbols[0].size);
	return cli_table_print(table, err);
}

static int show(const struct via_elf *elf, const struct maps_options *o)
{
	char size[CLI_NUMBER_MAX];

	printf("%u-bit %s for %s, %s\n\n", elf->bits, elf->type, elf->machine,
	       cli_binary(elf->size, size));
	int status = print_parts(elf);

	if (!status && elf->n_sections) {
		putchar('\n');
		status = print_sections(elf);
	}
	if (!status && o->symbols && elf->n_symbols) {
		putchar('\n');
		status = print_symbols(elf, o->symbols);
	}
	return status;
}

/* --- JSON --- */

static int set_number(json_t *o, const char *key, uint64_t number)
{
	return json_object_set_new(o, key, json_integer((json_int_t)number));
}

/* As text: not every reader of JSON has integers of 64 bits. */
static int set_address(json_t *o, const char *key, uint64_t address)
{
	return json_object_set_new(o, key, json_sprintf("0x%" PRIx64, address));
}

static json_t *section_json(const struct via_elf_section *s)
{
	json_t *o = json_object();
	int err = via__json_set_bytes(o, "name", "name_base64", s->name,
				      strlen(s->name));

	err |= json_object_set_new(o, "part",
				   json_string(via__elf_part_name(s->part)));
	err |= set_address(o, "address", s->address);
	err |= set_number(o, "offset", s->offset);
	err |= set_number(o, "file", s->in_file);
	err |= set_number(o, "memory", s->in_memory);
	err |= json_object_set_new(o, "write", json_boolean(s->write));
	err |= json_object_set_new(o, "exec", json_boolean(s->exec));
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *symbol_json(const struct via_elf_symbol *s)
{
	json_t *o = json_object();
	int err = via__json_set_bytes(o, "name", "name_base64", s->name,
				      strlen(s->name));

	err |= json_object_set_new(
		o, "kind", json_string(s->function ? "function" : "variable"));
	err |= set_address(o, "address", s->address);
	err |= set_number(o, "size", s->size);
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static int set_parts(json_t *all, const struct via_elf *elf)
{
	json_t *parts = json_object();
	int err = json_object_set_new(all, "parts", parts);

	for (int part = 0; part < VIA_N_ELF_PARTS; part++) {
		json_t *o = json_object();

		err |= set_number(o, "file", elf->in_file[part]);
		err |= set_number(o, "memory", elf->in_memory[part]);
		err |= json_object_set_new(parts, via__elf_part_name(part), o);
	}
	return err;
}

static int print_json(const struct via_elf *elf, uint64_t n_symbols)
{
	json_t *all = json_object(), *sections = json_array(),
	       *symbols = json_array();
	int err = json_object_set_new(all, "type", json_string(elf->type));

	err |= json_object_set_new(all, "machine", json_string(elf->machine));
	err |= set_number(all, "bits", elf->bits);
	err |= set_address(all, "entry", elf->entry);
	err |= set_number(all, "size", elf->size);
	err |= set_parts(all, elf);
	err |= json_object_set_new(all, "sections", sections);
	err |= json_object_set_new(all, "symbols", symbols);
	for (size_t i = 0; i < elf->n_sections; i++)
		err |= json_array_append_new(sections,
					     section_json(&elf->sections[i]));
	for (size_t i = 0; i < n_symbols && i < elf->n_symbols; i++)
		err |= json_array_append_new(symbols,
					     symbol_json(&elf->symbols[i]));
	if (err) {
		json_decref(all);
		all = NULL;
	}
	return cli_json_print(all, stdout) < 0 ? cli_error("out of memory")
					       : CLI_YES;
}

int maps_file(const char *path, const struct maps_options *o)
{
	struct via_error err;
	struct via_elf elf;

	if (via__elf_read(path, &elf, &err) < 0)
		return cli_error("%s: %s", path, err.text);
	int status = o->json ? print_json(&elf, o->symbols) : show(&elf, o);

	via__elf_free(&elf);
	return status;
}
