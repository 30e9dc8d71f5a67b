/* SPDX-License-Identifier: MIT */
/* What there is to say about experiments: text/ and sources, put into the
 * program by embed.py. UTF-8. */
#ifndef LAB_TEXT_H
#define LAB_TEXT_H

struct lab_text {
	const char *id, *language; /* "en", "zh" */
	const char *title;	   /* NULL in English: the row has it */
	const char *rule, *why;
	const char *myth; /* NULL if there is none */
	const char *means;
};
extern const struct lab_text lab_texts[]; /* ends with a NULL id */

struct lab_source {
	const char *id, *file, *text;
};
extern const struct lab_source lab_sources[]; /* ends with a NULL id */

struct lab_section_title {
	const char *section, *language, *title;
};
extern const struct lab_section_title lab_section_titles[]; /* NULL section */

/* NULL if there is none in that language. */
const struct lab_text *lab_text_find(const char *id, const char *language);
const struct lab_source *lab_source_find(const char *id);
const char *lab_section_title_find(const char *section, const char *language);

#endif
