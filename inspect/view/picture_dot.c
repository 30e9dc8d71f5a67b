/* SPDX-License-Identifier: MIT */
/* A picture for Graphviz: its dot language. */
#include "inspect/view/picture.h"
#include "inspect/view/text.h"

/* Printable text between quotes. */
static void quoted(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', f);
		putc(*text, f);
	}
}

static bool is_red(const struct via_node *n)
{
	return n->verdict == VIA_VERDICT_STUCK ||
	       n->verdict == VIA_VERDICT_DEADLOCK ||
	       n->verdict == VIA_VERDICT_ORPHANED;
}

static void put_node(const struct via_picture *p, uint32_t node, FILE *f)
{
	const struct via_node *n = &p->nodes[node];
	char text[VIA__TEXT_MAX], level[64];

	fprintf(f, "\tn%u [label=\"", node);
	quoted(f, via__node_text(p, node, text, sizeof(text)));
	if (*via__node_level(p, node, level, sizeof(level)))
		fprintf(f, "\\n%s", level);
	fprintf(f, "\", shape=%s%s%s]\n", n->is_process ? "box" : "ellipse",
		n->is_process && is_red(n) ? ", color=red, fontcolor=red" : "",
		n->wanted ? ", penwidth=2" : "");
}

static void put_arc(const struct via_arc *a, FILE *f)
{
	bool reads = a->flags & VIA_HOLD_READ,
	     writes = a->flags & VIA_HOLD_WRITE;

	fprintf(f, "\tn%u -> n%u [dir=%s", a->process, a->object,
		reads && writes ? "both"
		: reads		? "back"
		: writes	? "forward"
				: "none");
	if (a->waits)
		fprintf(f, ", label=\"%s\", style=%s%s", via_op_name(a->op),
			a->stuck ? "bold" : "dashed",
			a->stuck ? ", color=red, fontcolor=red" : "");
	else if (a->owns)
		fprintf(f, ", label=\"has\", style=bold");
	else if (a->maps)
		fprintf(f, ", style=dotted");
	else if (a->fd >= 0)
		fprintf(f, ", label=\"%d\"", a->fd);
	fprintf(f, "]\n");
}

int via__picture_dot(const struct via_picture *p, FILE *f)
{
	fprintf(f, "digraph via {\n\trankdir=LR\n"
		   "\tnode [fontname=sans, fontsize=10]\n"
		   "\tedge [fontname=sans, fontsize=8]\n");
	for (uint32_t i = 0; i < p->n_nodes; i++)
		put_node(p, i, f);
	for (uint32_t i = 0; i < p->n_arcs; i++)
		put_arc(&p->arcs[i], f);
	fprintf(f, "}\n");
	return 0;
}
