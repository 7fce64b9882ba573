/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_TEXT_H
#define FEDGE_BASE_TEXT_H
/* Writing text that others will read: JSON strings, terminals, times. */
#include "base/buffer.h"

/* A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD, characters that a terminal obeys or that turn
 * text around are escaped. */
int text_append_json(struct buffer *b, struct span s);
/* Control characters (C0, DEL, C1, escape sequences) and bytes that are not UTF-8 as \xNN, so
 * that nothing a stranger sent can move a terminal's cursor. Newlines are escaped too. */
int text_append_safe(struct buffer *b, struct span s);
bool text_is_safe(struct span s); /* UTF-8 without any of those: text_append_safe leaves it as it is */
/* The length of the UTF-8 character at the front (RFC 3629); 0: there is none. */
size_t text_utf8_length(struct span s);

/* How many columns a terminal gives the text (UTF-8; wide characters count two). */
size_t text_columns(struct span s);
/* Levenshtein distance, for "did you mean"; stops at limit. */
size_t text_distance(struct span a, struct span b, size_t limit);
/* The candidate nearest to the word (NULL-terminated list), or NULL where none is near. */
const char *text_nearest(struct span word, const char *const *candidates);
#endif
