/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_HTML_LADDER_H
#define FEDGE_EXPLAIN_HTML_LADDER_H
/* The ladder as a drawing inside the page (SVG), and text made safe for a page: escaped, and without characters that
 * turn it around or that no page may hold. */
#include "explain/ladder.h"
#include "explain/render.h"

void explain_html_text(struct buffer *out, struct span text);
int explain_html_ladder(const struct explain_ladder *ladder, const struct explain_style *style, struct buffer *out);
#endif
