/* SPDX-License-Identifier: MIT */
/* From a command line to a filter. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/inspect/show.h"

static void *grown(void *array, size_t n, size_t size)
{
	void *more = reallocarray(array, n + 1, size);

	if (!more)
		exit(cli_error("out of memory"));
	return more;
}

/* Call f for each word between commas, of all the lists' items. */
static void each_word(const struct cli_list *list,
		      void (*f)(struct via__filter *filter, char *word),
		      struct via__filter *filter)
{
	for (unsigned int i = 0; i < list->n; i++) {
		char *copy = strdup(list->item[i]), *at = copy, *word;

		if (!copy)
			exit(cli_error("out of memory"));
		while ((word = strsep(&at, ",")))
			f(filter, word);
		free(copy);
	}
}

static void add_kind(struct via__filter *filter, char *word)
{
	enum via_kind kind = via__kind_find(word, strlen(word));

	if (kind == VIA_N_KINDS)
		cli_usage("--kind=%s: no kind; via-inspect(5) lists them",
			  word);
	filter->kinds |= UINT64_C(1) << kind;
}

static bool is_number(const char *word, unsigned long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoul(word, &end, 10);
	return *word >= '0' && *word <= '9' && !*end && !errno;
}

static void add_pid(struct via__filter *filter, char *word)
{
	unsigned long n;

	if (!is_number(word, &n) || !n || n > INT32_MAX)
		cli_usage("--pid=%s: not a process id", word);
	pid_t *pids = grown((void *)(uintptr_t)filter->pids, filter->n_pids,
			    sizeof(*pids));

	pids[filter->n_pids++] = (pid_t)n;
	filter->pids = pids;
}

static void add_user(struct via__filter *filter, char *word)
{
	const struct passwd *pw = getpwnam(word);
	unsigned long n;

	if (!is_number(word, &n) || n > UINT32_MAX) {
		if (!pw)
			cli_usage("--user=%s: no such user", word);
		n = pw->pw_uid;
	}
	uid_t *uids = grown((void *)(uintptr_t)filter->uids, filter->n_uids,
			    sizeof(*uids));

	uids[filter->n_uids++] = (uid_t)n;
	filter->uids = uids;
}

static void add_state(struct via__filter *filter, char *word)
{
	const char **states = grown((void *)(uintptr_t)filter->states.item,
				    filter->states.n, sizeof(*states));
	char *copy = strdup(word);

	if (!via__state_exists(word))
		cli_usage("--state=%s: no state; -h names some", word);
	if (!copy)
		exit(cli_error("out of memory"));
	states[filter->states.n++] = copy;
	filter->states.item = states;
}

/* Where the words lead to that are paths: by another one, or by one from where
 * we are, a file has another name than the kernel's. */
static void look_up(struct via__filter *filter)
{
	struct via__file *files = calloc(filter->words.n + 1, sizeof(*files));
	struct stat st;

	if (!files)
		exit(cli_error("out of memory"));
	for (size_t i = 0; i < filter->words.n; i++)
		if (strchr(filter->words.item[i], '/') &&
		    stat(filter->words.item[i], &st) == 0)
			files[i] = (struct via__file){st.st_dev, st.st_ino};
	filter->files = files;
}

struct via__filter choose(const struct choose_options *o, char **words,
			  bool here)
{
	struct via__filter f = {.words.item = (const char *const *)words};

	for (; words[f.words.n]; f.words.n++)
		if (!*words[f.words.n])
			cli_usage("an empty word names nothing");
	if (here)
		look_up(&f);
	each_word(&o->kinds, add_kind, &f);
	each_word(&o->pids, add_pid, &f);
	each_word(&o->users, add_user, &f);
	each_word(&o->states, add_state, &f);
	return f;
}

int choose_nothing(const struct via__filter *f)
{
	if (!f->words.n)
		return cli_error("there is nothing of process %d", f->pids[0]);
	return cli_error("there is no '%s'%s", f->words.item[0],
			 f->words.n == 1   ? ""
			 : f->words.n == 2 ? ", nor the other"
					   : ", nor any of the others");
}

void choose_free(struct via__filter *f)
{
	free((void *)(uintptr_t)f->files);
	free((void *)(uintptr_t)f->pids);
	free((void *)(uintptr_t)f->uids);
	for (size_t i = 0; i < f->states.n; i++)
		free((void *)(uintptr_t)f->states.item[i]);
	free((void *)(uintptr_t)f->states.item);
}
