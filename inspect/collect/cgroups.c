/* SPDX-License-Identifier: MIT */
#include "inspect/collect/cgroups.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect/collect/fields.h"
#include "inspect/collect/mounts.h"
#include "inspect/model/array.h"

/* --- Where they are mounted --- */

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') &&
		    (!at[len] || at[len] == ','))
			return true;
	return false;
}

static void keep(const struct via__mount *m, char **point, char **root)
{
	free(*point);
	free(*root);
	*point = strdup(m->point);
	*root = strdup(m->root);
}

static void find_mounts(struct via__cgroups *c, struct via__buf *buf)
{
	struct via__mount m;

	c->known = true;
	if (via__proc_read_long(AT_FDCWD, "/proc/self/mountinfo", buf) < 0)
		return;
	for (char *at = buf->text; (at = via__mount_next(at, &m));) {
		if (strcmp(m.type, "cgroup2") == 0)
			keep(&m, &c->v2, &c->v2_root);
		else if (strcmp(m.type, "cgroup") == 0 &&
			 has_word(m.options, "freezer"))
			keep(&m, &c->v1, &c->v1_root);
	}
}

/* --- Who is in which --- */

size_t via__cgroup_path(const char *text, const char *controller,
			const char **ret)
{
	size_t len = strlen(controller);

	/* "6:cpu,freezer:/path", "0::/path". */
	for (const char *line = text; *line;) {
		size_t line_len = strcspn(line, "\n");
		const char *names = memchr(line, ':', line_len);
		const char *path =
			names ? memchr(names + 1, ':',
				       (size_t)(line + line_len - names - 1))
			      : NULL;

		for (const char *at = names; path && at < path;) {
			const char *word = at + 1;
			size_t word_len = strcspn(word, ",:");

			if (word_len == len &&
			    memcmp(word, controller, len) == 0) {
				*ret = path + 1;
				return (size_t)(line + line_len - path - 1);
			}
			at = word + word_len;
		}
		line += line_len;
		line += !!*line;
	}
	return 0;
}

static bool read_state(const char *path, const char *file, char *text,
		       size_t size)
{
	char name[4096 + 64];

	return snprintf(name, sizeof(name), "%s/%s", path, file) <
		       (int)sizeof(name) &&
	       via__proc_read_once(AT_FDCWD, name, text, size) > 0;
}

static bool is_frozen(const char *path)
{
	char text[256];
	uint64_t frozen;

	if (read_state(path, "cgroup.events", text, sizeof(text)))
		return via__field_number(text, "frozen ", 10, &frozen) &&
		       frozen;
	return read_state(path, "freezer.state", text, sizeof(text)) &&
	       strncmp(text, "FR", 2) == 0; /* FREEZING, FROZEN */
}

/* The same, remembered: processes of a group follow each other. */
static bool lookup(struct via__cgroups *c, const char *path)
{
	for (size_t i = c->n; i-- > 0;)
		if (strcmp(c->seen[i].path, path) == 0)
			return c->seen[i].frozen;

	bool frozen = is_frozen(path);

	if (!via__room(&c->seen, c->n, &c->max, sizeof(*c->seen)))
		return frozen;
	c->seen[c->n] = (struct via__cgroup){strdup(path), frozen};
	c->n += !!c->seen[c->n].path;
	return frozen;
}

static bool frozen_in(struct via__cgroups *c, const char *text,
		      const char *controller, const char *point,
		      const char *root)
{
	char path[4096];
	const char *at;
	size_t len = point && root ? via__cgroup_path(text, controller, &at)
				   : 0;
	size_t root_len = len && strcmp(root, "/") != 0 ? strlen(root) : 0;

	/* The topmost cannot be frozen. */
	if (len <= 1 || root_len > len || memcmp(at, root, root_len) != 0)
		return false;
	if (snprintf(path, sizeof(path), "%s%.*s", point, (int)(len - root_len),
		     at + root_len) >= (int)sizeof(path))
		return false;
	return lookup(c, path);
}

bool via__frozen(struct via__cgroups *c, int dir, struct via__buf *buf)
{
	char text[8192];

	if (!c->known)
		find_mounts(c, buf);
	if ((!c->v1 && !c->v2) ||
	    via__proc_read_once(dir, "cgroup", text, sizeof(text)) < 0)
		return false;
	return frozen_in(c, text, "", c->v2, c->v2_root) ||
	       frozen_in(c, text, "freezer", c->v1, c->v1_root);
}

void via__cgroups_fini(struct via__cgroups *c)
{
	for (unsigned int i = 0; i < c->n; i++)
		free(c->seen[i].path);
	free(c->seen);
	free(c->v1);
	free(c->v2);
	free(c->v1_root);
	free(c->v2_root);
}
