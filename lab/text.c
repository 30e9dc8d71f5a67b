/* SPDX-License-Identifier: MIT */
#include "lab/text.h"

#include <stddef.h>
#include <string.h>

const struct lab_text *lab_text_find(const char *id, const char *language)
{
	for (const struct lab_text *t = lab_texts; t->id; t++)
		if (strcmp(t->id, id) == 0 &&
		    strcmp(t->language, language) == 0)
			return t;
	return NULL;
}

const struct lab_source *lab_source_find(const char *id)
{
	for (const struct lab_source *s = lab_sources; s->id; s++)
		if (strcmp(s->id, id) == 0)
			return s;
	return NULL;
}

const char *lab_section_title_find(const char *section, const char *language)
{
	const struct lab_section_title *t = lab_section_titles;

	for (; t->section; t++)
		if (strcmp(t->section, section) == 0 &&
		    strcmp(t->language, language) == 0)
			return t->title;
	return NULL;
}
