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

/* Named on a line; of the others how many they are. */
#define NAMED_MAX 8

/* Whether b is where what a does comes from or goes to: the other side of two,
 * a reader for a writer. */
static bool faces(const struct via_picture *p, const struct via_arc *a,
		  const struct via_arc *b)
{
	uint8_t mine = a->flags & (VIA_HOLD_READ | VIA_HOLD_WRITE);
	uint8_t theirs = b->flags & (VIA_HOLD_READ | VIA_HOLD_WRITE);

	if (b->object != a->object || b->process == a->process)
		return false;
	if (p->nodes[a->object].other != VIA_NONE)
		return b->second != a->second;
	return !mine || !theirs || mine != theirs ||
	       mine == (VIA_HOLD_READ | VIA_HOLD_WRITE);
}

static void put_others(const struct via_picture *p, const struct via_arc *a,
		       FILE *f)
{
	uint32_t n = 0, beside = 0;
	char text[VIA__TEXT_MAX];

	for (uint32_t i = 0; i < p->n_arcs; i++) {
		const struct via_arc *b = &p->arcs[i];

		if (!faces(p, a, b))
			beside += b->object == a->object &&
				  b->process != a->process;
		else if (n++ < NAMED_MAX)
			fprintf(f, "%s%s (%s)", n == 1 ? "  with " : ", ",
				via__node_text(p, b->process, text,
					       sizeof(text)),
				direction(b));
	}
	if (n > NAMED_MAX)
		fprintf(f, " and %u more", n - NAMED_MAX);
	if (beside)
		fprintf(f, "  beside %u other%s", beside,
			beside == 1 ? "" : "s");
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
