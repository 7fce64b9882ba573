/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <errno.h>
#include <stdlib.h>

static unsigned char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : (unsigned char)c;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.length != b.length)
		return false;
	for (size_t i = 0; i < a.length; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool span_is_nocase(struct span s, const char *text)
{
	return span_equal_nocase(s, span_of(text));
}

bool span_starts_nocase(struct span s, struct span prefix)
{
	return s.length >= prefix.length && span_equal_nocase(span_first(s, prefix.length), prefix);
}

bool span_ends_nocase(struct span s, struct span suffix)
{
	return s.length >= suffix.length && span_equal_nocase(span_from(s, s.length - suffix.length), suffix);
}

int span_compare(struct span a, struct span b)
{
	size_t common = a.length < b.length ? a.length : b.length;
	int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
	if (order != 0)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

size_t span_find(struct span s, char byte)
{
	const char *found = s.length == 0 ? NULL : memchr(s.at, byte, s.length);
	return found ? (size_t)(found - s.at) : s.length;
}

size_t span_find_span(struct span s, struct span needle)
{
	if (needle.length == 0)
		return 0;
	const char *found = s.length == 0 ? NULL : memmem(s.at, s.length, needle.at, needle.length);
	return found ? (size_t)(found - s.at) : s.length;
}

struct span span_trim(struct span s)
{
	while (s.length > 0 && is_blank(s.at[0])) {
		s.at++;
		s.length--;
	}
	while (s.length > 0 && is_blank(s.at[s.length - 1]))
		s.length--;
	return s;
}

struct span span_cut(struct span *rest, char separator)
{
	struct span whole = *rest;
	size_t at = span_find(whole, separator);
	*rest = at == whole.length ? SPAN_NONE : span_from(whole, at + 1);
	return span_first(whole, at);
}

int span_to_u64(struct span s, uint64_t maximum, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool beyond = false;
	if (s.length == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.length; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
			__builtin_add_overflow(value, (uint64_t)(s.at[i] - '0'), &value))
			beyond = true;
	}
	if (beyond || value > maximum)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

uint64_t span_hash_nocase(struct span s)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < s.length; i++)
		hash = (hash ^ lower(s.at[i])) * UINT64_C(0x100000001b3);
	return hash;
}

char *span_copy(struct span s)
{
	char *text = malloc(s.length + 1);
	if (!text)
		return NULL;
	if (s.length > 0)
		memcpy(text, s.at, s.length);
	text[s.length] = '\0';
	return text;
}

bool span_copy_to(struct span s, char *ret_text, size_t capacity)
{
	if (capacity == 0)
		return false;
	struct span part = span_first(s, capacity - 1);
	if (part.length > 0)
		memcpy(ret_text, part.at, part.length);
	ret_text[part.length] = '\0';
	return part.length == s.length;
}
