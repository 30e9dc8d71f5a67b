/* SPDX-License-Identifier: MIT */
/* A picture in words: each process, what it has, and who is behind that. */
#include <string.h>

#include "inspect/view/picture.h"
#include "inspect/view/text.h"

static const char *direction(const struct via_arc *a)
{
	if (a->owns)
		return "has";
	if (a->maps)
		return "maps";
	switch (a->flags & (VIA_HOLD_READ | VIA_HOLD_WRITE)) {
	case VIA_HOLD_READ:
		return "reads";
	case VIA_HOLD_WRITE:
		return "writes";
	case VIA_HOLD_READ | VIA_HOLD_WRITE:
		return "uses";
	}
	return a->waits ? "wants" : "holds";
}

/* The others at the same object: of two sides only those at the other. */
static void put_others(const struct via_picture *p, const struct via_arc *a,
		       FILE *f)
{
	bool sides = p->nodes[a->object].other != VIA_NONE;
	const char *before = "  with ";
	char text[VIA__TEXT_MAX];

	for (uint32_t i = 0; i < p->n_arcs; i++) {
		const struct via_arc *b = &p->arcs[i];

		if (b->object != a->object || b->process == a->process ||
		    (sides && b->second == a->second))
			continue;
		fprintf(f, "%s%s (%s)", before,
			via__node_text(p, b->process, text, sizeof(text)),
			direction(b));
		before = ", ";
	}
}

static void put_arc(const struct via_picture *p, const struct via_arc *a,
		    FILE *f)
{
	char text[VIA__TEXT_MAX], level[64];

	fprintf(f, "  %-6s %s", direction(a),
		via__node_text(p, a->object, text, sizeof(text)));
	if (*via__node_level(p, a->object, level, sizeof(level)))
		fprintf(f, " (%s)", level);
	put_others(p, a, f);
	if (a->waits)
		fprintf(f, "  %s: %s", a->stuck ? "STUCK" : "waits",
			via_op_name(a->op));
	putc('\n', f);
}

int via__picture_text(const struct via_picture *p, FILE *f)
{
	uint32_t arc = 0;
	char text[VIA__TEXT_MAX];

	for (uint32_t i = 0; i < p->n_processes; i++) {
		fprintf(f, "%s\n", via__node_text(p, i, text, sizeof(text)));
		for (; arc < p->n_arcs && p->arcs[arc].process == i; arc++)
			put_arc(p, &p->arcs[arc], f);
	}
	return 0;
}
