/* SPDX-License-Identifier: MIT */
/*
 * How a person names what is in a snapshot: objects (pipe:[4242],
 * unix:/run/x.sock, lock:/path[0-9]) and who holds them (PID,COMMAND,FDrw). All
 * is safe to print: escape.h. word.h reads such names.
 */
#ifndef INSPECT_VIEW_TEXT_H
#define INSPECT_VIEW_TEXT_H

#include <via/inspect.h>

/* Enough for all but the longest paths. */
#define VIA__TEXT_MAX 512

/* Each writes to buf, of size bytes (at least 8), and returns it. */

/* An object; "" for VIA_NONE. */
const char *via__object_text(const struct via_snapshot *s, uint32_t object,
			     char *buf, size_t size);

/* Its name alone: "/run/x.sock", "[4242]", "127.0.0.1:80". */
const char *via__object_name(const struct via_snapshot *s, uint32_t object,
			     char *buf, size_t size);

/* "PID,COMMAND"; "" for VIA_NONE. */
const char *via__process_text(const struct via_snapshot *s, uint32_t process,
			      char *buf, size_t size);

/* "PID,COMMAND", of other threads than the first one "PID/TID,COMMAND". */
const char *via__thread_text(const struct via_snapshot *s, uint32_t thread,
			     char *buf, size_t size);

/* Who holds something, and how: "PID,COMMAND,FD" with r, w or both behind it;
 * instead of FD map-rw, cwd, root, exe, lock, lock-shared, sender, receiver. */
const char *via__end_text(const struct via_snapshot *s,
			  const struct via_holding *hold, char *buf,
			  size_t size);

/* How it is held alone: "3rw", "map-r". */
const char *via__how_text(const struct via_holding *hold, char *buf,
			  size_t size);

/* The arguments of a process with a space between them, or its name in brackets
 * if there are none. */
const char *via__command_text(const struct via_snapshot *s, uint32_t process,
			      char *buf, size_t size);

/* A text of the snapshot. */
const char *via__text_text(const struct via_snapshot *s, uint32_t text,
			   char *buf, size_t size);

#endif
