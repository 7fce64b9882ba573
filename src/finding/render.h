/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FINDING_RENDER_H
#define FEDGE_FINDING_RENDER_H
/* Findings for people: the block of evidence, carets, consequences and fixes, and the long help.
 * Whatever came from outside is escaped, so that nothing in it can move a terminal's cursor.
 * Text is wrapped at the width; lines to be pasted are never broken. */
#include "base/buffer.h"
#include "finding/finding.h"

struct finding_style {
	size_t width; /* columns; 0: as wide as it needs */
	bool colour;
	bool notes; /* reports that name notes by their title only show their whole blocks instead */
};

/* The whole block, ended by a newline. 0 or the buffer's failure. */
int finding_render(const struct finding *f, const struct finding_style *style, struct buffer *out);
/* All of the list, errors before warnings before notes and then by stage, a blank line between. */
int finding_render_list(const struct finding_list *list, const struct finding_style *style, struct buffer *out);
/* `fedge help CODE`: title, severity, who, faces, paragraphs, example; ended by a newline. */
int finding_help(enum finding_code code, const struct finding_style *style, struct buffer *out);
/* One line a code: the list that `fedge help findings` prints. */
int finding_help_list(const struct finding_style *style, struct buffer *out);
/* The catalogue as Markdown: docs/findings.md is exactly this. */
int finding_render_markdown(struct buffer *out);
#endif
