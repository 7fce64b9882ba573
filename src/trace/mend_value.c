/* SPDX-License-Identifier: Apache-2.0 */
/* Values in order: blanks inside quotes, around equals signs and before colons go. */
#include "base/require.h"
#include "trace/mend_private.h"
#include "trace/text_read.h"

#include <ctype.h>
#include <stdlib.h>

/* Values without blanks of their own: names, addresses, numbers. */
static bool has_no_blanks(struct span key)
{
	static const char *const names[] = { "ip", "port", "domain", "certName", "tls-target", "PeerServer", "source",
		"HRESULT", "expected-fqdn", "AltName", "Call-serial-number", "Tag", "Msg-Hash", "Call-ID", "branch",
		"Src-alias", "Dst-alias", "Name", "Module", "Level" };
	static const char *const ends[] = { "-ip", "-port" };
	if (span_starts_nocase(key, SPAN("fqdn")))
		return true;
	for (size_t i = 0; i < BASE_COUNT(names); i++)
		if (span_is_nocase(key, names[i]))
			return true;
	for (size_t i = 0; i < BASE_COUNT(ends); i++)
		if (span_ends_nocase(key, span_of(ends[i])))
			return true;
	return false;
}

static bool binds(char c)
{
	return c == '.' || c == ':' || c == '@' || c == '-' || c == '(' || c == '_';
}

/* Blanks that stand beside what binds, or between digits, were put in. */
static void append_without_blanks(struct buffer *out, struct span value)
{
	for (size_t i = 0; i < value.length; i++) {
		if (value.at[i] != ' ') {
			(void)buffer_append_byte(out, value.at[i]);
			continue;
		}
		size_t next = i;
		while (next < value.length && value.at[next] == ' ')
			next++;
		char before = i > 0 ? value.at[i - 1] : ' ', after = next < value.length ? value.at[next] : ' ';
		bool both_digits = isdigit((unsigned char)before) && isdigit((unsigned char)after);
		if (!binds(before) && !binds(after) && !both_digits)
			(void)buffer_append_byte(out, ' ');
		i = next - 1;
	}
}

/* The key before "=" at the end of what was written; blanks around the sign go. */
static struct span key_of(struct buffer *out, size_t begin)
{
	size_t end = out->length;
	while (end > begin && out->at[end - 1] == ' ')
		end--;
	if (end == begin || out->at[end - 1] != '=')
		return SPAN_NONE;
	size_t name_end = end - 1;
	while (name_end > begin && out->at[name_end - 1] == ' ')
		name_end--;
	out->at[name_end] = '=';
	out->length = name_end + 1;
	size_t name = name_end;
	while (name > begin && (isalnum((unsigned char)out->at[name - 1]) || out->at[name - 1] == '-'))
		name--;
	return span_make(out->at + name, name_end - name);
}

/* Blanks outside of quotes stand alone. */
static void append_once(struct buffer *out, struct span text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] != ' ' || i == 0 || text.at[i - 1] != ' ')
			(void)buffer_append_byte(out, text.at[i]);
}

void mend_value_append(struct buffer *out, struct span value)
{
	size_t begin = out->length;
	while (value.length > 0 && out->status == 0) {
		size_t open = span_find(value, '"');
		append_once(out, span_first(value, open));
		if (open == value.length)
			return;
		struct span inside = span_from(value, open + 1);
		size_t end = trace_read_quote_end(inside);
		struct span key = key_of(out, begin);
		bool squeeze = has_no_blanks(key);
		(void)buffer_append_byte(out, '"');
		if (squeeze)
			append_without_blanks(out, span_trim(span_first(inside, end)));
		else
			(void)buffer_append(out, span_trim(span_first(inside, end)));
		if (end < inside.length)
			(void)buffer_append_byte(out, '"');
		value = span_from(inside, end + 1);
	}
}

static bool is_one_of(struct span name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_is_nocase(name, list[i]))
			return true;
	return false;
}

/* Blanks beside ";" and "=" outside of quotes go. */
static void append_parameters(struct buffer *out, struct span value)
{
	bool odd = false;
	for (size_t i = 0; i < value.length; i++) {
		char c = value.at[i];
		odd ^= c == '"';
		size_t next = i;
		while (next < value.length && value.at[next] == ' ')
			next++;
		char before = out->length > 0 ? out->at[out->length - 1] : ' ';
		char after = next < value.length ? value.at[next] : ' ';
		if (c == ' ' && !odd && (before == ';' || before == '=' || after == ';' || after == '=')) {
			i = next - 1;
			continue;
		}
		(void)buffer_append_byte(out, c);
	}
}

void mend_header_append(struct buffer *out, struct span line)
{
	static const char *const without_blanks[] = { "Call-ID", "SIP-Call-ID", "Peer", "Peer-IP", "Local-IP",
		"Content-Length", "Session-ID" };
	static const char *const with_parameters[] = { "Via", "From", "To", "Contact", "Route", "Record-Route",
		"P-Asserted-Identity", "ms-diagnostics", "ms-diagnostics-public", "ms-client-diagnostics", "Data" };
	struct span value = line;
	size_t whole;
	size_t length = mend_name(line, MEND_HEADERS | MEND_FIELDS, false, &whole);
	if (length == 0) {
		mend_value_append(out, line);
		return;
	}
	struct span name = span_first(line, length);
	value = span_trim(span_from(line, whole));
	(void)buffer_append(out, name);
	(void)buffer_append(out, value.length > 0 ? SPAN(": ") : SPAN(":"));
	size_t begin = out->length;
	if (is_one_of(name, without_blanks, BASE_COUNT(without_blanks))) {
		for (size_t i = 0; i < value.length; i++)
			if (value.at[i] != ' ')
				(void)buffer_append_byte(out, value.at[i]);
		return;
	}
	mend_value_append(out, value);
	if (!is_one_of(name, with_parameters, BASE_COUNT(with_parameters)) || out->status != 0)
		return;
	/* In place: it only gets shorter. */
	struct span made = span_from(buffer_span(out), begin);
	char *from = span_copy(made);
	if (!from)
		return;
	out->length = begin;
	append_parameters(out, span_make(from, made.length));
	free(from);
}
