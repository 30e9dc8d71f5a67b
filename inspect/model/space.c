/* SPDX-License-Identifier: MIT */
#include "inspect/model/space.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *summary;
} kinds[] = {
#define VIA_AREA_ROW(NAME, name, summary) {name, summary},
	VIA_AREAS(VIA_AREA_ROW)
#undef VIA_AREA_ROW
};

const char *via__area_name(enum via_area_kind kind)
{
	return kinds[kind].name;
}

const char *via__area_summary(enum via_area_kind kind)
{
	return kinds[kind].summary;
}

static bool is_file(const struct via_area *a)
{
	return a->ino || a->name[0] == '/';
}

/* A mapped file that is loaded as a program is: some of it is machine code. */
static bool is_loaded(const struct via_space *space, const struct via_area *a)
{
	for (size_t i = 0; i < space->n_areas; i++) {
		const struct via_area *b = &space->areas[i];

		if (b->exec && b->ino == a->ino && b->dev == a->dev)
			return true;
	}
	return false;
}

static enum via_area_kind of_file(const struct via_space *space,
				  const struct via_area *a, const char *program)
{
	bool loaded = (program && strcmp(a->name, program) == 0) ||
		      is_loaded(space, a);

	if (a->exec)
		return VIA_AREA_TEXT;
	if (!loaded)
		return VIA_AREA_FILE;
	return a->write ? VIA_AREA_DATA : VIA_AREA_RODATA;
}

/* What follows a file's data without a gap, without a file: its zeros. */
static bool is_bss(const struct via_space *space, size_t i)
{
	const struct via_area *a = &space->areas[i], *before = a - 1;

	return i > 0 && before->end == a->start && a->write && !a->exec &&
	       is_file(before) && before->kind == VIA_AREA_DATA;
}

static enum via_area_kind kind_of(const struct via_space *space, size_t i,
				  const char *program)
{
	const struct via_area *a = &space->areas[i];

	if (strcmp(a->name, "[heap]") == 0)
		return VIA_AREA_HEAP;
	if (strcmp(a->name, "[stack]") == 0)
		return VIA_AREA_STACK;
	if (a->shared)
		return VIA_AREA_SHARED;
	if (is_file(a))
		return of_file(space, a, program);
	if (strncmp(a->name, "[v", 2) == 0)
		return VIA_AREA_KERNEL;
	if (!a->read && !a->write && !a->exec)
		return VIA_AREA_GUARD;
	return is_bss(space, i) ? VIA_AREA_BSS : VIA_AREA_ANON;
}

void via__space_classify(struct via_space *space, const char *program)
{
	for (size_t i = 0; i < space->n_areas; i++)
		space->areas[i].kind = kind_of(space, i, program);
}

struct via_area *via__space_at(const struct via_space *space, uint64_t address)
{
	for (size_t i = 0; i < space->n_areas; i++)
		if (space->areas[i].start <= address &&
		    address < space->areas[i].end)
			return &space->areas[i];
	return NULL;
}

void via__space_free(struct via_space *space)
{
	for (size_t i = 0; i < space->n_areas; i++)
		free(space->areas[i].name);
	free(space->areas);
	*space = (struct via_space){0};
}
