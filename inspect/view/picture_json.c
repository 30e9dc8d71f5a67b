/* SPDX-License-Identifier: MIT */
/* A picture as JSON, and as a page that has the JSON in it. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "inspect/view/graph_html.h"
#include "inspect/view/picture.h"
#include "inspect/view/text.h"

/* Nothing of what is not known. */
static int set_level(json_t *o, const struct via_object *object)
{
	int err = 0;

	if (object->level != VIA_UNKNOWN)
		err = json_object_set_new(o, "level",
					  json_integer(object->level));
	if (object->capacity != VIA_UNKNOWN)
		err |= json_object_set_new(o, "capacity",
					   json_integer(object->capacity));
	return err;
}

static json_t *node_json(const struct via_picture *p, uint32_t node)
{
	const struct via_node *n = &p->nodes[node];
	char text[VIA__TEXT_MAX], level[64];
	const char *kind =
		n->is_process ? "process"
			      : via_kind_name(p->s->objects[n->index].kind);
	json_t *o = json_pack("{s:i, s:s, s:s, s:b}", "id", (int)node, "kind",
			      kind, "name",
			      via__node_text(p, node, text, sizeof(text)),
			      "wanted", n->wanted);

	if (!o)
		return NULL;
	int err = 0;

	if (n->is_process) {
		err |= json_object_set_new(
			o, "pid",
			json_integer(p->s->processes[n->index].task.pid));
		err |= json_object_set_new(
			o, "verdict",
			json_string(via_verdict_name(n->verdict)));
		err |= json_object_set_new(
			o, "command",
			json_string(via__command_text(p->s, n->index, text,
						      sizeof(text))));
	} else {
		err |= set_level(o, via__node_fuller(p, node));
		err |= json_object_set_new(
			o, "fill",
			json_string(via__node_level(p, node, level,
						    sizeof(level))));
	}
	if (err) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *arc_json(const struct via_arc *a)
{
	json_t *o = json_pack(
		"{s:i, s:i, s:b, s:b, s:b, s:b, s:b, s:b}", "process",
		(int)a->process, "object", (int)a->object, "reads",
		!!(a->flags & VIA_HOLD_READ), "writes",
		!!(a->flags & VIA_HOLD_WRITE), "maps", a->maps, "owns", a->owns,
		"waits", a->waits, "stuck", a->stuck);

	if (o && a->fd >= 0 &&
	    json_object_set_new(o, "fd", json_integer(a->fd)))
		goto fail;
	if (o && a->waits &&
	    json_object_set_new(o, "op", json_string(via_op_name(a->op))))
		goto fail;
	return o;
fail:
	json_decref(o);
	return NULL;
}

/* NULL: no memory. */
static json_t *picture_json(const struct via_picture *p)
{
	json_t *nodes = json_array(), *arcs = json_array();
	int err = 0;

	for (uint32_t i = 0; i < p->n_nodes; i++)
		err |= json_array_append_new(nodes, node_json(p, i));
	for (uint32_t i = 0; i < p->n_arcs; i++)
		err |= json_array_append_new(arcs, arc_json(&p->arcs[i]));
	json_t *all = json_pack("{s:i, s:I, s:o, s:o}", "version", 1, "taken",
				(json_int_t)p->s->sight.taken, "nodes", nodes,
				"edges", arcs);

	if (err) {
		json_decref(all);
		return NULL;
	}
	return all;
}

static int put(const struct via_picture *p, size_t flags, FILE *f)
{
	json_t *all = picture_json(p);

	if (!all)
		return -ENOMEM;
	/* Else it is the stream that failed, which keeps that. */
	(void)json_dumpf(all, f, flags);
	json_decref(all);
	return 0;
}

int via__picture_json(const struct via_picture *p, FILE *f)
{
	int err = put(p, JSON_INDENT(1) | JSON_ENSURE_ASCII, f);

	putc('\n', f);
	return err;
}

/* In a script, "</script>" ends it whatever it stands in: no slash is bare. */
int via__picture_html(const struct via_picture *p, FILE *f)
{
	const char *hole = strstr(via__graph_html, GRAPH_HOLE);

	fwrite(via__graph_html, 1, (size_t)(hole - via__graph_html), f);
	int err = put(p, JSON_COMPACT | JSON_ESCAPE_SLASH | JSON_ENSURE_ASCII,
		      f);

	fputs(hole + strlen(GRAPH_HOLE), f);
	return err;
}
