/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_RECORD_FIELD_H
#define FEDGE_RECORD_FIELD_H
/* The one table of all fields of all kinds: name, type, place. Packing, the json format and
 * comparing records go by it, so none of them can forget a field. */
#include "record/record.h"

enum record_field_type {
	RECORD_FIELD_TIME, /* int64_t, microseconds since 1970 UTC */
	RECORD_FIELD_U16,
	RECORD_FIELD_U32,
	RECORD_FIELD_U64,
	RECORD_FIELD_ID, /* uint64_t that names something and is never reckoned with */
	RECORD_FIELD_I32,
	RECORD_FIELD_BOOL,
	RECORD_FIELD_WORD, /* an enum; words[] has its texts */
	RECORD_FIELD_ADDRESS,
	RECORD_FIELD_SPAN,
	RECORD_FIELD_SPANS,
	RECORD_FIELD_PAIRS
};
struct record_field {
	const char *name;
	enum record_field_type type;
	size_t offset; /* in struct record */
	const char *const *words; /* NULL-terminated, for RECORD_FIELD_WORD */
};
/* NULL-name terminated. The head's fields are those of every kind. */
extern const struct record_field record_head_fields[];
/* Of the kind alone; an empty table for a kind that does not exist. */
const struct record_field *record_kind_fields(enum record_kind kind);
/* "message", "dns-query" … */
const char *record_kind_word(enum record_kind kind);
/* RECORD_NONE where there is none. */
enum record_kind record_kind_of(struct span word);
/* "received" … : the text of an enum value in a words[] table; "?" beyond its end. */
const char *record_word(const char *const *words, unsigned int value);
extern const char *const record_transport_words[];

/* The field in r. */
static inline const void *record_field_at(const struct record *r, const struct record_field *field)
{
	return (const char *)r + field->offset;
}
static inline void *record_field_in(struct record *r, const struct record_field *field)
{
	return (char *)r + field->offset;
}
/* All fields equal; an absent and an empty span are equal here. Where they are not, the name of
 * the first field that differs goes to *ret_name (which may be NULL). */
bool record_equal(const struct record *a, const struct record *b, const char **ret_name);
#endif
