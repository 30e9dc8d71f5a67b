/* SPDX-License-Identifier: MIT */
/* A picture in Mermaid's language, which many show inside Markdown. */
#include <string.h>

#include "inspect/view/picture.h"
#include "inspect/view/text.h"

/* What would end a label, or be taken for markup, as a character code. */
static void put_label(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("\"#;<>&`|\\[](){}", *text))
			fprintf(f, "#%d;", *text);
		else
			putc(*text, f);
	}
}

static void put_node(const struct via_picture *p, uint32_t node, FILE *f)
{
	const struct via_node *n = &p->nodes[node];
	char text[VIA__TEXT_MAX], level[64];

	fprintf(f, "  n%u%s\"", node, n->is_process ? "[" : "([");
	put_label(f, via__node_text(p, node, text, sizeof(text)));
	if (*via__node_level(p, node, level, sizeof(level))) {
		fprintf(f, "<br>");
		put_label(f, level);
	}
	fprintf(f, "\"%s\n", n->is_process ? "]" : "])");
}

static void put_arc(const struct via_arc *a, FILE *f)
{
	bool reads = a->flags & VIA_HOLD_READ,
	     writes = a->flags & VIA_HOLD_WRITE;
	const char *line = a->waits || a->maps ? "-.-" : "---";

	/* An arrow points to the right, so who reads stands there. */
	if (reads && writes)
		line = a->waits || a->maps ? "<-.->" : "<-->";
	else if (reads || writes)
		line = a->waits || a->maps ? "-.->" : "-->";
	fprintf(f, "  n%u %s", reads && !writes ? a->object : a->process, line);
	if (a->waits)
		fprintf(f, "|%s|", via_op_name(a->op));
	else if (a->owns)
		fprintf(f, "|has|");
	else if (a->fd >= 0)
		fprintf(f, "|%d|", a->fd);
	fprintf(f, " n%u\n", reads && !writes ? a->process : a->object);
}

int via__picture_mermaid(const struct via_picture *p, FILE *f)
{
	fprintf(f, "flowchart LR\n");
	for (uint32_t i = 0; i < p->n_nodes; i++)
		put_node(p, i, f);
	for (uint32_t i = 0; i < p->n_arcs; i++)
		put_arc(&p->arcs[i], f);
	for (uint32_t i = 0; i < p->n_arcs; i++)
		if (p->arcs[i].stuck)
			fprintf(f, "  linkStyle %u stroke:red\n", i);
	return 0;
}
