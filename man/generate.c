/* SPDX-License-Identifier: MIT */
/*
 * Makes man pages (mdoc(7)) from the tables that the program itself uses:
 *
 *	generate DATE verb NAME [FILE]
 *	generate DATE mechanism SCHEME FILE
 *	generate DATE page FILE
 *
 * FILE is prose in mdoc: the description of a mechanism, what a verb's page has
 * beyond its row, or a whole page, whose first line says name, section and
 * summary. In it the lines @verbs@, @mechanisms@, @locks@, @semaphores@,
 * @options@, @columns@ (of the verb's views), @kinds@ and @records@ (of a
 * snapshot) are replaced by lists.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <via/via.h>

#include "cli/verb.h"
#include "inspect/view/fields.h"
#include "inspect/view/view.h"
#include "inspect/view/words.h"

/* Text that roff shall take as it is. */
static void put_text(const char *text, size_t len)
{
	if (len && (*text == '.' || *text == '\''))
		printf("\\&");
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			printf("\\e");
		else if (text[i] == '~')
			printf("\\(ti");
		else if (text[i] == '^')
			printf("\\(ha");
		else
			putchar(text[i]);
	}
}

static void put_line(const char *text)
{
	put_text(text, strlen(text));
	putchar('\n');
}

/* Sentences start on lines of their own, paragraphs with .Pp. */
static void put_prose(const char *text)
{
	for (; *text; text++) {
		size_t len = strcspn(text, "\n");
		const char *stop = strstr(text, ". ");

		if (stop && stop < text + len)
			len = (size_t)(stop - text) + 1;
		put_text(text, len);
		putchar('\n');
		text += len;
		if (!*text)
			break;
		if (strncmp(text, "\n\n", 2) == 0) {
			puts(".Pp");
			text++;
		}
	}
}

static void put_header(const char *date, const char *name, const char *section,
		       const char *summary)
{
	printf(".\\\" SPDX-License-Identifier: MIT\n"
	       ".Dd %s\n"
	       ".Dt ",
	       date);
	for (const char *c = name; *c; c++)
		putchar(toupper((unsigned char)*c));
	printf(" %s\n"
	       ".Os via %s\n"
	       ".Sh NAME\n"
	       ".Nm %s\n"
	       ".Nd ",
	       section, VIA_VERSION, name);
	put_line(summary);
}

/* --- Lists --- */

static void put_verbs(void)
{
	puts(".Bl -tag -width mechanisms");
	for (size_t i = 0; verbs[i]; i++) {
		printf(".It Xr via-%s 1\n", verbs[i]->name);
		put_line(verbs[i]->summary);
	}
	puts(".El");
}

static void put_mechanisms(void)
{
	const struct via_mechanism *m;

	puts(".Bl -tag -width 8n");
	for (size_t i = 0; (m = via_mechanism_at(i)); i++) {
		printf(".It Cm %s : Ns Ar \"%s\"\n", m->scheme, m->rest);
		put_text(m->summary, strlen(m->summary));
		printf(": see\n.Xr via-%s 7 .\n", m->scheme);
	}
	puts(".El");
}

static void put_options(const struct via_option *o)
{
	puts(".Bl -tag -width Ds");
	for (; o->name; o++) {
		printf(".It Cm %s Ns = Ns Ar \"%s\"\n", o->name, o->value);
		put_text(o->help, strlen(o->help));
		if (*o->initial) {
			printf("; initially ");
			put_text(o->initial, strlen(o->initial));
		}
		puts("");
	}
	puts(".El");
}

static void put_locks(uint32_t abilities)
{
	static const char *const deaths[] = {
		[VIA_DEATH_UNDONE] = "the kernel lets go of it",
		[VIA_DEATH_REPORTED] = "the next holder is told",
		[VIA_DEATH_STAYS] = "it stays taken",
	};
	const struct via_lock_kind *k;

	puts(".Bl -tag -width Ds");
	for (size_t i = 0; (k = via_lock_kind_at(i)); i++) {
		if ((k->abilities & abilities) != abilities)
			continue;
		printf(".It Cm %s : Ns Ar \"%s\"\n%s%s; %s.\n"
		       "When a holder dies, %s.\n",
		       k->scheme, k->rest, k->summary,
		       k->abilities & VIA_LOCK_SHARES ? "; can be shared" : "",
		       k->life, deaths[k->death]);
	}
	puts(".El");
}

/* What -o can choose. */
static void put_columns(const struct verb *verb)
{
	for (size_t i = 0; verb && verb->views && verb->views[i]; i++) {
		const struct via__view *view = verb->views[i];

		printf("%sOf %s:\n.Bl -tag -width PROCESSES -compact\n",
		       i ? ".Pp\n" : "", view->name);
		for (const struct via__column *c = view->columns; c->name;
		     c++) {
			printf(".It Sy %s\n", c->name);
			put_line(c->help);
		}
		puts(".El");
	}
}

static void put_kinds(void)
{
	puts(".Bl -tag -width posixshm -compact");
	for (unsigned int i = 0; i < VIA_N_KINDS; i++) {
		printf(".It Cm %s\n", via_kind_name((enum via_kind)i));
		put_line(via_kind_summary((enum via_kind)i));
	}
	puts(".El");
}

/* The words of an enum or of its bits, behind what it is. */
static void put_words(const struct via__field *f)
{
	/* These are a list of their own. */
	if (!f->word || f->word == via__kind_word)
		return;
	printf("%s", f->type == VIA__SET ? "; of" : ":");
	for (unsigned int i = 0; *f->word(i); i++)
		printf("%s%s", i ? ", " : " ", f->word(i));
}

static void put_field(const struct via__field *f)
{
	static const char *const types[] = {
		[VIA__NUMBER] = "number", [VIA__LETTER] = "string",
		[VIA__CHARS] = "string",  [VIA__TEXT] = "string",
		[VIA__ARGS] = "strings",  [VIA__INDEX] = "index of",
		[VIA__WORD] = "word",	  [VIA__SET] = "words",
	};

	printf(".It Cm %s Pq %s%s%s%s\n", f->key, types[f->type],
	       f->n > 1 && f->type == VIA__NUMBER ? "s" : "",
	       f->type == VIA__INDEX ? " " : "",
	       f->type == VIA__INDEX ? via__records[f->record].name : "");
	put_text(f->help, strlen(f->help));
	put_words(f);
	putchar('\n');
}

static void put_record(const struct via__record *r)
{
	printf(".Ss %s\n", r->name);
	put_line(r->help);
	puts(".Bl -tag -width Ds -compact");
	for (const struct via__field *f = r->fields; f->key; f++)
		put_field(f);
	puts(".El");
}

static void put_records(void)
{
	put_record(&via__sight_record);
	for (size_t i = 0; i < VIA__N_RECORDS; i++)
		put_record(&via__records[i]);
}

/* With a date the first line of the file makes the page's header. */
static int put_file(const char *name, const char *date, const struct verb *verb)
{
	char line[1024], page[32], section[8], summary[80];
	FILE *f = fopen(name, "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, ".\\\"", 3) == 0)
			continue;
		if (date && sscanf(line, "%31s %7s %79[^\n]", page, section,
				   summary) == 3)
			put_header(date, page, section, summary);
		else if (strcmp(line, "@verbs@\n") == 0)
			put_verbs();
		else if (strcmp(line, "@mechanisms@\n") == 0)
			put_mechanisms();
		else if (strcmp(line, "@locks@\n") == 0)
			put_locks(0);
		else if (strcmp(line, "@semaphores@\n") == 0)
			put_locks(VIA_LOCK_COUNTS);
		else if (strcmp(line, "@options@\n") == 0)
			put_options(via_common_options());
		else if (strcmp(line, "@columns@\n") == 0)
			put_columns(verb);
		else if (strcmp(line, "@kinds@\n") == 0)
			put_kinds();
		else if (strcmp(line, "@records@\n") == 0)
			put_records();
		else
			fputs(line, stdout);
		date = NULL;
	}
	fclose(f);
	return 0;
}

/* --- A verb --- */

/* "[FILE]..." is ".Op Ar FILE ...", "URL" is ".Ar URL". */
static void put_synopsis(const struct verb *verb)
{
	printf(".Sh SYNOPSIS\n.Nm via %s\n", verb->name);
	for (const char *s = verb->synopsis; *s; s += strspn(s, " ")) {
		bool optional = *s == '[';
		size_t len = strcspn(s += optional, "]. ");

		if (!len)
			errx(1, "%s: not a synopsis: %s", verb->name, s);
		printf("%s %.*s", optional ? ".Op Ar" : ".Ar", (int)len, s);
		s += len + optional;
		if (strncmp(s, "...", 3) == 0) {
			printf(" ...");
			s += 3;
		}
		putchar('\n');
	}
}

static void put_verb_option(char letter, const char *name, const char *argument,
			    const char *help)
{
	printf(".It ");
	if (letter)
		printf("Fl %c , ", letter);
	printf("Fl -%s", name);
	if (argument)
		printf(" Ar %s", argument);
	putchar('\n');
	put_line(help);
}

static int put_verb(const char *date, const struct verb *verb,
		    const char *fragment)
{
	char name[64];

	snprintf(name, sizeof(name), "via-%s", verb->name);
	put_header(date, name, "1", verb->summary);
	put_synopsis(verb);
	puts(".Sh DESCRIPTION");
	put_prose(verb->description);
	puts(".Pp\nThe options are:\n.Bl -tag -width Ds");
	for (const struct verb_option *o = verb->options; o->name; o++)
		put_verb_option(o->letter, o->name, o->argument, o->help);
	put_verb_option('h', "help", NULL, "show this help");
	puts(".El");
	int err = fragment ? put_file(fragment, NULL, verb) : 0;

	puts(".Sh EXIT STATUS\n"
	     "0 on success, 1 on failure, 2 for a mistake in the command line.\n"
	     ".Sh EXAMPLES");
	for (const struct verb_example *e = verb->examples; e->command; e++) {
		if (e > verb->examples)
			puts(".Pp");
		put_text(e->what, strlen(e->what));
		puts(":\n.Bd -literal -offset indent");
		put_line(e->command);
		puts(".Ed");
	}
	puts(".Sh SEE ALSO\n.Xr via 1 ,\n.Xr via 7");
	return err;
}

/* --- A mechanism --- */

static void put_facts(const struct via_mechanism *m)
{
	printf(".Bl -tag -width \"message limit\"\n"
	       ".It message limit\n%" PRIu64 " bytes\n"
	       ".It who is kept out\n",
	       m->message_max);
	put_line(m->trust);
	puts(".It ends with");
	put_line(m->life);
	if (*m->needs) {
		puts(".It needs");
		put_line(m->needs);
	}
	puts(".El");
}

static int put_mechanism(const char *date, const struct via_mechanism *m,
			 const char *fragment)
{
	char name[64];

	snprintf(name, sizeof(name), "via-%s", m->scheme);
	put_header(date, name, "7", m->summary);
	printf(".Sh SYNOPSIS\n"
	       ".Cm %s : Ns Ar \"%s\" Ns Op Cm \\&? Ns Ar option Ns = Ns Ar value "
	       "Ns Cm & Ns Ar ...\n"
	       ".Sh DESCRIPTION\n",
	       m->scheme, m->rest);
	int err = put_file(fragment, NULL, NULL);

	put_facts(m);
	if (m->options->name) {
		puts(".Ss Options");
		put_options(m->options);
	}
	puts(".Ss Options of every mechanism");
	put_options(via_common_options());
	puts(".Sh EXAMPLES\n.Bd -literal -offset indent");
	printf("via recv '%s'\nvia send '%s'\n", m->example, m->example);
	puts(".Ed\n.Sh SEE ALSO\n.Xr via 1 ,\n.Xr via 7");
	return err;
}

int main(int argc, char **argv)
{
	int err = -EINVAL;

	if (argc >= 4 && strcmp(argv[2], "verb") == 0) {
		const struct verb *verb = verb_find(argv[3]);

		err = verb ? put_verb(argv[1], verb, argv[4]) : -EINVAL;
	} else if (argc == 5 && strcmp(argv[2], "mechanism") == 0) {
		const struct via_mechanism *m = via_mechanism_find(argv[3]);

		err = m ? put_mechanism(argv[1], m, argv[4]) : -EINVAL;
	} else if (argc == 4 && strcmp(argv[2], "page") == 0) {
		err = put_file(argv[3], argv[1], NULL);
	}
	if (err == 0 && !fflush(stdout))
		return 0;
	fprintf(stderr, "generate: %s\n", strerror(-err));
	return 1;
}
