/* SPDX-License-Identifier: MIT */
/* The page that draws a picture: graph.html as a string. */
#ifndef INSPECT_VIEW_GRAPH_HTML_H
#define INSPECT_VIEW_GRAPH_HTML_H

/* Where the JSON goes. */
#define GRAPH_HOLE "null /* the picture */"

extern const char via__graph_html[];

#endif
