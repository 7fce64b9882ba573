/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_TREE_H
#define FEDGE_HISTORY_TREE_H
/* An entry of a search history for people: a line of a list, or all of it as a tree, one thought a line, times as
 * offsets from the beginning, the step that failed it marked. Everything is escaped; wrapped at the width. */
#include "base/buffer.h"
#include "finding/render.h"
#include "history/search.h"

struct history_style {
	struct finding_style page; /* width, colour */
	bool ascii; /* marks of the ASCII set only */
	/* Seconds to add for local time; NULL: UTC, with a Z. */
	int32_t (*utc_offset_s)(void *argument, int64_t wall_us);
	void *argument;
};

/* "2017-03-08 15:42:02  SIP (INVITE)  sip:2000@…  sip:stejanss@skype.lab  Microsoft AV  Server time-out  17" and a
 * newline; never wider than the page: source and destination are cut. Columns are as wide as history_list_measure made
 * them for all entries that are listed together. */
struct history_columns {
	size_t type, source, destination, variant, status, id;
};
void history_list_measure(struct history_columns *columns, const struct history_search *search);
int history_list_append(struct buffer *out, const struct history_search *search, const struct history_columns *columns,
	const struct history_style *style);

/* The whole entry, ended by a newline. 0 or the buffer's failure. */
int history_tree_append(struct buffer *out, const struct history_search *search, const struct history_style *style);
#endif
