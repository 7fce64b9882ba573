/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_LADDER_TEXT_H
#define FEDGE_EXPLAIN_LADDER_TEXT_H
/* The ladder for a terminal or an e-mail: a column for each host, an arrow for each message, a dot for what happened
 * inside one. Never wider than the style says; where so many hosts do not fit side by side, a list with the same
 * rows. The row that failed has a mark at its left, a heavy line and a broken head. */
#include "explain/ladder.h"
#include "explain/render.h"

int explain_ladder_text(const struct explain_ladder *ladder, const struct explain_style *style, struct buffer *out);
#endif
