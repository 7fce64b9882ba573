/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_SPAN_H
#define FEDGE_BASE_SPAN_H
/* A span borrows bytes that somebody else owns. It is never NUL-terminated by promise, never
 * freed, and lives no longer than what it points into. An absent span has at == NULL. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *at;
	size_t length;
};

#define SPAN(literal) ((struct span){ "" literal, sizeof(literal) - 1 })
#define SPAN_NONE ((struct span){ NULL, 0 })
/* For printf: printf("%.*s", SPAN_PRINT(s)) */
#define SPAN_PRINT(s) (int)(s).length, (s).at ? (s).at : ""

static inline struct span span_make(const char *at, size_t length)
{
	return (struct span){ at, length };
}

/* NULL gives an absent span. */
static inline struct span span_of(const char *text)
{
	return (struct span){ text, text ? strlen(text) : 0 };
}

static inline bool span_is_empty(struct span s)
{
	return s.length == 0;
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static inline bool span_is(struct span s, const char *text)
{
	return span_equal(s, span_of(text));
}

/* What follows offset; offset beyond the end gives an empty span. */
static inline struct span span_from(struct span s, size_t offset)
{
	if (offset > s.length)
		offset = s.length;
	return (struct span){ s.at ? s.at + offset : NULL, s.length - offset };
}

static inline struct span span_first(struct span s, size_t length)
{
	return (struct span){ s.at, length < s.length ? length : s.length };
}

/* ASCII case only: SIP tokens and DNS names, never human text. */
bool span_equal_nocase(struct span a, struct span b);
bool span_is_nocase(struct span s, const char *text);
bool span_starts_nocase(struct span s, struct span prefix);
bool span_ends_nocase(struct span s, struct span suffix);
/* <0, 0, >0 like memcmp, the shorter one first. */
int span_compare(struct span a, struct span b);

/* Index of the first such byte or string, or s.length where there is none. */
size_t span_find(struct span s, char byte);
size_t span_find_span(struct span s, struct span needle);

/* Without blanks, tabs, CR and LF on both sides. */
struct span span_trim(struct span s);

/* Cuts *rest at the first separator: returns what stood before it, *rest keeps what follows.
 * Without a separator returns all and leaves *rest absent (at == NULL). */
struct span span_cut(struct span *rest, char separator);

/* Decimal digits only, the whole span. 0, -EINVAL (not a number), -ERANGE (above maximum). */
int span_to_u64(struct span s, uint64_t maximum, uint64_t *ret_value);

/* FNV-1a over ASCII-lowered bytes: for tables that strangers cannot fill. Tables that they can
 * fill use hash_keyed() of base/hash.h. */
uint64_t span_hash_nocase(struct span s);

/* A NUL-terminated copy on the heap; NULL where memory ran out. The caller frees it. */
char *span_copy(struct span s);
/* Into a caller's array; true where it fitted. Always NUL-terminated. */
bool span_copy_to(struct span s, char *ret_text, size_t capacity);
#endif
