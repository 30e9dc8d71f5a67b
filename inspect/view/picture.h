/* SPDX-License-Identifier: MIT */
/*
 * The picture of a snapshot: processes, what they talk over, and the arcs
 * between the two. A pair of sockets, or the two sides of a terminal, is one
 * channel. What is drawn is chosen here; how, by the views below.
 */
#ifndef INSPECT_VIEW_PICTURE_H
#define INSPECT_VIEW_PICTURE_H

#include <stdbool.h>
#include <stdio.h>

#include <via/inspect.h>

struct via_node {
	bool is_process;
	uint32_t index; /* of the process or object */
	uint32_t other; /* the peer that is drawn with it, or VIA_NONE */
	uint32_t verdict, certainty; /* process: the gravest of its threads */
	bool wanted; /* what was asked for, not only near to it */
};

/* Between a process and an object. */
struct via_arc {
	uint32_t process, object; /* nodes */
	uint8_t flags;		  /* enum via_hold_flag, of all descriptors */
	bool maps, owns, second;  /* second: it is the peer's side it holds */
	bool waits, stuck;
	uint8_t op; /* enum via_op, of what waits */
	int32_t fd; /* its lowest descriptor, or -1 */
	uint32_t n; /* how many holds it stands for */
};

struct via_picture {
	const struct via_snapshot *s;
	const struct via_diagnosis *d;
	struct via_node *nodes; /* processes, then objects */
	struct via_arc *arcs;	/* by process */
	uint32_t n_nodes, n_processes, n_arcs;
};

/* What to draw. */
struct via_choice {
	/* Processes and objects to begin with, by index: true for these. NULL:
	 * all. */
	const bool *processes, *objects;
	uint32_t hops; /* so many arcs from there, 0: as far as it goes */
	bool files;    /* also files and terminals that several hold */
};

/*
 * Draw: what two processes share, or one waits for. s and d must outlive it.
 * 0 and *ret, which the caller frees; -ENOMEM.
 */
int via__picture_new(const struct via_snapshot *s,
		     const struct via_diagnosis *d,
		     const struct via_choice *choice, struct via_picture **ret);

void via__picture_free(struct via_picture *p);

/* The name of a node, safe to print. Writes to buf and returns it. */
const char *via__node_text(const struct via_picture *p, uint32_t node,
			   char *buf, size_t size);
/* Of the two ends of a channel the fuller one; NULL: a process. */
const struct via_object *via__node_fuller(const struct via_picture *p,
					  uint32_t node);

/* How full, how many wait: "10/65536 B"; "" where nothing is known. */
const char *via__node_level(const struct via_picture *p, uint32_t node,
			    char *buf, size_t size);

/* Each prints the whole picture. 0, or -ENOMEM; what f could not take stays in
 * the stream. */
int via__picture_text(const struct via_picture *p, FILE *f);
int via__picture_dot(const struct via_picture *p, FILE *f);
int via__picture_mermaid(const struct via_picture *p, FILE *f);
int via__picture_json(const struct via_picture *p, FILE *f);
int via__picture_html(const struct via_picture *p, FILE *f);

#endif
