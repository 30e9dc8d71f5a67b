/* SPDX-License-Identifier: MIT */
/* Numbers from files, sums by user. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/limits/limits.h"
#include "cli/users.h"
#include "inspect/collect/proc.h"
#include "inspect/model/array.h"
#include "inspect/view/escape.h"

int64_t limit_number(const char *path, unsigned int field)
{
	char text[256];
	char *at = text, *word = NULL, *end;

	if (via__proc_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return VIA_UNKNOWN;
	for (unsigned int i = 0; i <= field; i++)
		while ((word = strsep(&at, " \t\n")) && !*word)
			;
	if (!word)
		return VIA_UNKNOWN;
	if (strcmp(word, "unlimited") == 0 || strcmp(word, "max") == 0)
		return LIMIT_NONE;
	/* kernel.shmall is as much as a long holds, and unsigned. */
	unsigned long long n = strtoull(word, &end, 10);

	if (end == word)
		return VIA_UNKNOWN;
	return n > INT64_MAX / 2 ? LIMIT_NONE : (int64_t)n;
}

/* "fs.mqueue.msg_max" is /proc/sys/fs/mqueue/msg_max. */
bool limit_read(const struct limit_row *row, struct limit *ret)
{
	char path[256] = "/proc/sys/";
	size_t len = strlen(path);

	*ret = (struct limit){
		.row = row, .limit = VIA_UNKNOWN, .used = VIA_UNKNOWN};
	if (!islower((unsigned char)*row->name))
		return true; /* it is measured */
	for (const char *c = row->name; *c && *c != ' ' && len < 255; c++)
		path[len++] = *c == '.' ? '/' : *c;
	path[len] = '\0';
	ret->limit = limit_number(path, row->field);
	return ret->limit != VIA_UNKNOWN;
}

double limit_share(const struct limit *l)
{
	if (l->used == VIA_UNKNOWN || l->limit == VIA_UNKNOWN ||
	    l->limit == LIMIT_NONE || l->row->scope == LIMIT_SETTING)
		return -1;
	if (!l->limit)
		return l->used ? 1 : 0;
	return (double)l->used / (double)l->limit;
}

const char *limit_scope_name(enum limit_scope scope)
{
	static const char *const names[N_LIMIT_SCOPES] = {
		[LIMIT_MACHINE] = "machine", [LIMIT_NAMESPACE] = "namespace",
		[LIMIT_USER] = "user",	     [LIMIT_PROCESS] = "process",
		[LIMIT_OBJECT] = "object",   [LIMIT_SETTING] = "setting",
	};

	return names[scope];
}

/* --- Sums --- */

void tally_add(struct tally *t, uint64_t key, int64_t n)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].key == key) {
			t->at[i].sum += n;
			return;
		}
	if (!via__room(&t->at, t->n, &t->max, sizeof(*t->at)))
		return;
	t->at[t->n].key = key;
	t->at[t->n++].sum = n;
}

int64_t tally_most(struct tally *t, uint64_t *ret_key)
{
	int64_t most = 0;

	*ret_key = 0;
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].sum > most) {
			most = t->at[i].sum;
			*ret_key = t->at[i].key;
		}
	free(t->at);
	*t = (struct tally){0};
	return most;
}

/* --- Names --- */

void limit_who_user(uint64_t uid, char who[WHO_MAX])
{
	(void)user_name((uid_t)uid, who, WHO_MAX);
}

void limit_who_process(const struct via_snapshot *s, uint32_t process,
		       char who[WHO_MAX])
{
	const struct via_task *t = &s->processes[process].task;
	struct via__out out = via__out(who, WHO_MAX);

	via__out_print(&out, "%d,", t->pid);
	via__out_bytes(&out, t->comm, strlen(t->comm), NULL);
}
