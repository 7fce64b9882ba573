/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_ZONE_TEXT_H
#define FEDGE_CHECK_ZONE_TEXT_H
/* A zone file cut into entries and words (RFC 1035 5.1): comments, quotes, escapes and parentheses over several lines
 * are understood, nothing else is. Words are spans into the file's bytes, with their quotes and backslashes. */
#include "base/span.h"

#define ZONE_TEXT_WORDS_MAXIMUM 2048

struct zone_text {
	struct span rest;
	uint32_t line; /* of the first byte of rest */
	const char *what; /* why it cannot be read; in words */
};

struct zone_entry {
	uint32_t line; /* where it began */
	bool same_owner; /* begins with a blank: the name is that of the entry before */
	size_t count;
	struct span words[ZONE_TEXT_WORDS_MAXIMUM];
};

void zone_text_init(struct zone_text *text, struct span bytes);
/* 1: the next entry, which has a word at least; 0: the end; -EBADMSG: text->what, at ret_entry->line. */
int zone_text_next(struct zone_text *text, struct zone_entry *ret_entry);
#endif
