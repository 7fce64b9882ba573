/* SPDX-License-Identifier: Apache-2.0 */
#include "route/variable.h"

#include "base/buffer.h"

#include <ctype.h>
#include <errno.h>

/* The longest text after all variables are filled in: beyond any file that config/ reads. */
#define TEXT_MAXIMUM ((size_t)1 << 20)

/* What a name stands for: so many values, out of one list or two. */
struct values {
	const struct span *first;
	size_t first_count;
	const struct span *second;
	size_t second_count;
};

static size_t values_count(const struct values *values)
{
	return values->first_count + values->second_count;
}

static struct span value_at(const struct values *values, size_t index)
{
	return index < values->first_count ? values->first[index] : values->second[index - values->first_count];
}

/* "prefix" and a number from 1: that one of the list. */
static bool is_numbered(struct span name, const char *prefix, size_t *ret_number)
{
	uint64_t number;
	struct span word = span_of(prefix);
	if (!span_starts_nocase(name, word) || span_to_u64(span_from(name, word.length), 1000, &number) < 0)
		return false;
	*ret_number = (size_t)number;
	return true;
}

static struct values nth(const struct span *list, size_t count, size_t number)
{
	return number >= 1 && number <= count ? (struct values){ .first = list + number - 1, .first_count = 1 }
					      : (struct values){ 0 };
}

static struct values one(const struct span *value)
{
	return (struct values){ .first = value, .first_count = value->length > 0 };
}

/* Nothing where there is no such name. */
static struct values values_find(const struct route_names *names, struct span name)
{
	size_t number;
	if (span_is_nocase(name, "ip"))
		return (struct values){ names->ipv4, names->ipv4_count, names->ipv6, names->ipv6_count };
	if (span_is_nocase(name, "ipv4"))
		return (struct values){ names->ipv4, names->ipv4_count, NULL, 0 };
	if (span_is_nocase(name, "ipv6"))
		return (struct values){ names->ipv6, names->ipv6_count, NULL, 0 };
	if (span_is_nocase(name, "localdomains"))
		return (struct values){ names->domains, names->domain_count, NULL, 0 };
	if (span_is_nocase(name, "self"))
		return one(&names->node);
	if (span_is_nocase(name, "systemname"))
		return one(&names->system_name);
	if (is_numbered(name, "ipv4_", &number))
		return nth(names->ipv4, names->ipv4_count, number);
	if (is_numbered(name, "ipv6_", &number))
		return nth(names->ipv6, names->ipv6_count, number);
	if (is_numbered(name, "localdomain", &number))
		return nth(names->domains, names->domain_count, number);
	return (struct values){ 0 };
}

/* ---- writing a value; the buffer remembers a failure ---- */

static void quoted_append(struct buffer *b, struct span value)
{
	/* In a URI an IPv6 address stands in brackets, and whoever writes %ip% means what was dialled. */
	bool brackets = span_find(value, ':') < value.length;
	if (brackets)
		buffer_append(b, SPAN("\\[?"));
	for (size_t i = 0; i < value.length; i++) {
		if (!isalnum((unsigned char)value.at[i]) && (unsigned char)value.at[i] < 0x80)
			buffer_append_byte(b, '\\');
		buffer_append_byte(b, value.at[i]);
	}
	if (brackets)
		buffer_append(b, SPAN("\\]?"));
}

static void alternatives_append(struct buffer *b, const struct values *values)
{
	buffer_append(b, SPAN("(?:"));
	for (size_t i = 0; i < values_count(values); i++) {
		if (i > 0)
			buffer_append_byte(b, '|');
		quoted_append(b, value_at(values, i));
	}
	buffer_append_byte(b, ')');
}

static void doubled_append(struct buffer *b, struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] == '\\')
			buffer_append_byte(b, '\\');
		buffer_append_byte(b, value.at[i]);
	}
}

/* False: none, or several where one is needed. */
static bool values_append(struct buffer *b, enum route_use use, const struct values *values)
{
	size_t count = values_count(values);
	if (count == 0 || (count > 1 && use != ROUTE_USE_REGEX))
		return false;
	if (use == ROUTE_USE_REGEX)
		alternatives_append(b, values);
	else if (use == ROUTE_USE_PLAIN)
		buffer_append(b, value_at(values, 0));
	else
		doubled_append(b, value_at(values, 0));
	return true;
}

/* ---- reading the text ---- */

/* The length of a name that the text begins with and a percent sign ends: letters, then digits and underscores too.
 * 0: none. */
static size_t name_length(struct span text)
{
	size_t length = 0;
	if (text.length == 0 || !isalpha((unsigned char)text.at[0]))
		return 0;
	while (length < text.length && (isalnum((unsigned char)text.at[length]) || text.at[length] == '_'))
		length++;
	return length < text.length && text.at[length] == '%' ? length : 0;
}

/* What begins at the percent sign the text begins with: how long that is. 0: a name without a value. */
static size_t percent_expand(const struct route_names *names, enum route_use use, struct span text, struct buffer *b)
{
	struct span after = span_from(text, 1);
	size_t length = name_length(after);
	if (length > 0) {
		struct values values = values_find(names, span_first(after, length));
		return values_append(b, use, &values) ? length + 2 : 0;
	}
	buffer_append_byte(b, '%');
	return after.length && after.at[0] == '%' ? 2 : 1;
}

/* Gives how much of the text was understood: all of it, or up to the variable that has no value. */
static size_t text_expand(const struct route_names *names, enum route_use use, struct span text, struct buffer *b)
{
	for (size_t at = 0;;) {
		size_t plain = span_find(span_from(text, at), '%');
		buffer_append(b, span_make(text.at + at, plain));
		at += plain;
		size_t length = at < text.length ? percent_expand(names, use, span_from(text, at), b) : 0;
		if (length == 0)
			return at;
		at += length;
	}
}

int route_variable_expand(const struct route_names *names, enum route_use use, struct span text, struct arena *arena,
	struct span *ret_text, size_t *reterr_offset)
{
	struct buffer b;
	if (span_find(text, '%') == text.length) {
		*ret_text = text;
		return 0;
	}
	buffer_init(&b, TEXT_MAXIMUM);
	size_t understood = text_expand(names, use, text, &b);
	struct span filled = b.length ? arena_copy(arena, buffer_span(&b)) : SPAN("");
	int status = b.status < 0 || !filled.at ? -ENOMEM : 0;
	buffer_done(&b);
	if (understood < text.length) {
		if (reterr_offset)
			*reterr_offset = understood;
		return -EINVAL;
	}
	if (status == 0)
		*ret_text = filled;
	return status;
}
