/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/text_read.h"

#include "base/require.h"

int trace_read_hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

enum record_transport trace_read_transport(struct span word)
{
	return span_is(word, "UDP")   ? RECORD_UDP
	       : span_is(word, "TCP") ? RECORD_TCP
	       : span_is(word, "TLS") ? RECORD_TLS
				      : RECORD_TRANSPORT_NONE;
}

enum record_severity trace_read_severity(struct span level)
{
	return span_is(level, "ERROR") ? RECORD_ERROR : span_is(level, "WARN") ? RECORD_WARNING : RECORD_NOTE;
}

bool trace_read_hex(struct span text, uint64_t maximum, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (text.length == 0 || text.length > 16)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		int digit = trace_read_hex_digit(text.at[i]);
		if (digit < 0)
			return false;
		value = value << 4 | (unsigned int)digit;
	}
	if (value > maximum)
		return false;
	*ret_value = value;
	return true;
}

/* One byte after a backslash at text.at[*i]; *i moves behind it. */
static char unescape_one(struct span text, bool quotes, size_t *i)
{
	struct span rest = span_from(text, *i + 1);
	if (quotes && rest.length >= 1 && (rest.at[0] == '"' || rest.at[0] == '\\')) {
		*i += 2;
		return rest.at[0];
	}
	if (rest.length >= 3 && rest.at[0] == 'x' && trace_read_hex_digit(rest.at[1]) >= 0 &&
		trace_read_hex_digit(rest.at[2]) >= 0) {
		*i += 4;
		return (char)(trace_read_hex_digit(rest.at[1]) << 4 | trace_read_hex_digit(rest.at[2]));
	}
	*i += 1;
	return '\\';
}

static struct span unescape(struct arena *arena, struct span text, bool quotes)
{
	if (span_find(text, '\\') == text.length)
		return text;
	char *out = arena_allocate(arena, text.length);
	size_t length = 0;
	if (!out)
		return SPAN_NONE;
	for (size_t i = 0; i < text.length;)
		out[length++] = text.at[i] == '\\' ? unescape_one(text, quotes, &i) : text.at[i++];
	return span_make(out, length);
}

struct span trace_read_escaped(struct arena *arena, struct span text)
{
	return unescape(arena, text, true);
}

struct span trace_read_visible(struct arena *arena, struct span text)
{
	return unescape(arena, text, false);
}

size_t trace_read_quote_end(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\\')
			i++;
		else if (text.at[i] == '"')
			return i;
	}
	return text.length;
}

size_t trace_read_pairs(struct arena *arena, struct span text, struct record_pair *ret_pairs, size_t maximum)
{
	size_t count = 0;
	struct span rest = text;
	while (count < maximum) {
		size_t equals = span_find(rest, '=');
		struct span name = span_trim(span_first(rest, equals));
		struct span value = span_from(rest, equals + 1);
		while (value.length > 0 && value.at[0] == ' ')
			value = span_from(value, 1);
		if (equals == rest.length || value.length == 0 || value.at[0] != '"')
			break;
		value = span_from(value, 1);
		size_t end = trace_read_quote_end(value);
		ret_pairs[count++] = (struct record_pair){ trace_read_escaped(arena, name),
			trace_read_escaped(arena, span_first(value, end)) };
		rest = span_from(value, end + 1);
		while (rest.length > 0 && (rest.at[0] == ' ' || rest.at[0] == ';'))
			rest = span_from(rest, 1);
	}
	return count;
}

/* Cuts ":5061" off the end. */
static bool cut_port(struct span *text, uint16_t *ret_port)
{
	size_t colon = text->length;
	uint64_t port;
	while (colon > 0 && text->at[colon - 1] >= '0' && text->at[colon - 1] <= '9')
		colon--;
	if (colon == 0 || text->at[colon - 1] != ':' || span_to_u64(span_from(*text, colon), UINT16_MAX, &port) != 0)
		return false;
	*text = span_first(*text, colon - 1);
	*ret_port = (uint16_t)port;
	return true;
}

/* "2001:db8::1" without brackets has no port. */
static bool is_bare_ipv6(struct span text)
{
	size_t first = span_find(text, ':');
	return text.length > 0 && text.at[0] != '[' &&
	       span_find(span_from(text, first + 1), ':') + first + 1 < text.length;
}

bool trace_read_host_port(struct span text, struct record_address *ret_address)
{
	struct record_address address = { 0 };
	struct span host = text;
	if (!is_bare_ipv6(text))
		(void)cut_port(&host, &address.port);
	if (host.length >= 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
		host = span_make(host.at + 1, host.length - 2);
	if (host.length == 0 ? address.port == 0 : record_address_parse(host, &address) != 0)
		return false;
	*ret_address = address;
	return true;
}

void trace_read_peer(struct span text, struct record_address *ret_address, struct span *ret_name)
{
	struct record_address address = { 0 };
	struct span name = text;
	if (trace_read_host_port(text, ret_address) && ret_address->family)
		return;
	(void)cut_port(&name, &address.port);
	*ret_address = address;
	*ret_name = name;
}

void trace_read_note(struct arena *arena, struct span text, struct record_node *ret_node)
{
	static const char *const events[] = { NULL, "started", "ready", "reloaded", "draining", "stopped", "dropped" };
	static const struct span count_opens = { " (count ", 8 };
	struct span rest = text;
	size_t open = rest.length;
	uint64_t count;
	/* The last one: the text may have one of its own. */
	for (size_t i = rest.length; i-- > 0;)
		if (span_equal(span_first(span_from(rest, i), count_opens.length), count_opens)) {
			open = i;
			break;
		}
	if (open < rest.length && rest.at[rest.length - 1] == ')') {
		struct span digits = span_from(span_first(rest, rest.length - 1), open + count_opens.length);
		if (span_to_u64(digits, UINT64_MAX, &count) == 0) {
			ret_node->count = count;
			rest = span_first(rest, open);
		}
	}
	for (unsigned int i = 1; i < BASE_COUNT(events); i++) {
		struct span word = span_of(events[i]);
		struct span after = span_from(rest, word.length);
		if (!span_equal(span_first(rest, word.length), word))
			continue;
		if (after.length == 0 || (after.length >= 2 && after.at[0] == ':' && after.at[1] == ' ')) {
			ret_node->event = (enum record_node_event)i;
			if (after.length > 0)
				ret_node->text = trace_read_escaped(arena, span_from(after, 2));
			return;
		}
	}
	ret_node->text = trace_read_escaped(arena, rest);
}

/* ---- messages ---- */

bool trace_read_content_length(struct span head, uint64_t *ret_length)
{
	struct span rest = head;
	while (rest.at) {
		struct span value = span_cut(&rest, '\n');
		/* Of all lines only those are taken apart that may be it. */
		if (value.length == 0 || ((value.at[0] | 0x20) != 'c' && (value.at[0] | 0x20) != 'l'))
			continue;
		struct span name = span_trim(span_cut(&value, ':'));
		if (!value.at || (!span_is_nocase(name, "content-length") && !span_is_nocase(name, "l")))
			continue;
		return span_to_u64(span_trim(value), INT32_MAX, ret_length) == 0;
	}
	return false;
}

/* -1: none that is a number. */
static int64_t content_length(struct span head)
{
	uint64_t length;
	return trace_read_content_length(head, &length) ? (int64_t)length : -1;
}

static size_t count_newlines(struct span text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.length; i++)
		count += text.at[i] == '\n';
	return count;
}

/* LF becomes CR LF unless a CR stands before it. Gives the bytes written. */
static size_t put_lines(char *out, struct span text)
{
	size_t length = 0;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\n' && (i == 0 || text.at[i - 1] != '\r'))
			out[length++] = '\r';
		out[length++] = text.at[i];
	}
	return length;
}

/* How the body's lines ended on the wire cannot be seen in a log; only its length tells. */
static size_t put_body(char *out, struct span body, int64_t wanted)
{
	size_t newlines = count_newlines(body);
	struct span cut =
		body.length > 0 && body.at[body.length - 1] == '\n' ? span_first(body, body.length - 1) : body;
	size_t length = put_lines(out, body);
	if (wanted < 0 || (size_t)wanted == length)
		return length;
	if ((size_t)wanted == put_lines(out, cut))
		return (size_t)wanted;
	if ((size_t)wanted == body.length || ((size_t)wanted == cut.length && newlines > 0)) {
		memcpy(out, body.at, (size_t)wanted);
		return (size_t)wanted;
	}
	return put_lines(out, body);
}

struct span trace_read_message(struct arena *arena, struct span head, struct span body)
{
	size_t capacity = 2 * (head.length + body.length) + 4;
	char *out = arena_allocate(arena, capacity);
	if (!out)
		return SPAN_NONE;
	size_t length = put_lines(out, head);
	if (length > 0 && out[length - 1] != '\n') {
		memcpy(out + length, "\r\n", 2);
		length += 2;
	}
	memcpy(out + length, "\r\n", 2);
	length += 2;
	if (body.length > 0)
		length += put_body(out + length, body, content_length(head));
	return span_make(out, length);
}
