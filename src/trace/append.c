/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "finding/catalogue.h"
#include "trace/private.h"

#include <endian.h>

void trace_append_hex(struct buffer *out, uint64_t value, unsigned int digits)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[16];
	unsigned int length = 0;
	do {
		text[15 - length++] = hex[value & 15];
		value >>= 4;
	} while (value > 0 && length < 16);
	while (length < digits && length < 16)
		text[15 - length++] = '0';
	trace_append(out, span_make(text + 16 - length, length));
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

void trace_append_escaped(struct buffer *out, struct span s)
{
	size_t start = 0;
	for (size_t i = 0; i < s.length; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if (is_plain(c))
			continue;
		trace_append(out, span_make(s.at + start, i - start));
		start = i + 1;
		trace_append_byte(out, '\\');
		if (c == '"' || c == '\\') {
			trace_append_byte(out, (char)c);
		} else {
			trace_append_byte(out, 'x');
			trace_append_hex(out, c, 2);
		}
	}
	trace_append(out, span_from(s, start));
}

static void open_key(struct buffer *out, const char *key)
{
	trace_append_byte(out, ' ');
	trace_append(out, span_of(key));
	trace_append_literal(out, "=\"");
}

void trace_append_key(struct buffer *out, const char *key, struct span value)
{
	if (!value.at)
		return;
	open_key(out, key);
	trace_append_escaped(out, value);
	trace_append_byte(out, '"');
}

void trace_append_key_u64(struct buffer *out, const char *key, uint64_t value)
{
	open_key(out, key);
	buffer_append_u64(out, value);
	trace_append_byte(out, '"');
}

void trace_append_key_address(struct buffer *out, const char *prefix, const struct record_address *address)
{
	char text[RECORD_ADDRESS_TEXT];
	size_t length = record_address_format(address, text);
	if (length > 0) {
		trace_append_byte(out, ' ');
		trace_append(out, span_of(prefix));
		trace_append_literal(out, "-ip=\"");
		trace_append(out, span_make(text, length));
		trace_append_byte(out, '"');
	}
	if (address->port) {
		trace_append_byte(out, ' ');
		trace_append(out, span_of(prefix));
		trace_append_literal(out, "-port=\"");
		buffer_append_u64(out, address->port);
		trace_append_byte(out, '"');
	}
}

void trace_append_host_port(struct buffer *out, const struct record_address *address)
{
	char text[RECORD_ADDRESS_TEXT];
	size_t length = record_address_format(address, text);
	if (address->family == 6)
		trace_append_byte(out, '[');
	trace_append(out, span_make(text, length));
	if (address->family == 6)
		trace_append_byte(out, ']');
	if (address->port) {
		trace_append_byte(out, ':');
		buffer_append_u64(out, address->port);
	}
}

void trace_append_pairs(struct buffer *out, struct record_pairs pairs)
{
	for (size_t i = 0; i < pairs.count; i++) {
		if (i > 0)
			trace_append_byte(out, ';');
		trace_append_escaped(out, pairs.at[i].name);
		trace_append_literal(out, "=\"");
		trace_append_escaped(out, pairs.at[i].value);
		trace_append_byte(out, '"');
	}
}

void trace_append_note(struct buffer *out, const struct record_node *node)
{
	static const char *const events[] = { NULL, "started", "ready", "reloaded", "draining", "stopped", "dropped" };
	const char *event = (unsigned int)node->event < BASE_COUNT(events) ? events[node->event] : NULL;
	trace_append(out, span_of(event));
	if (event && node->text.at)
		trace_append_literal(out, ": ");
	trace_append_escaped(out, node->text);
	if (!node->count)
		return;
	trace_append_literal(out, " (count ");
	buffer_append_u64(out, node->count);
	trace_append_byte(out, ')');
}

struct span trace_judgement_text(const struct record_judgement *j)
{
	enum finding_code code = finding_code_of(j->code);
	if (j->text.at)
		return j->text;
	if (code != FINDING_NONE && finding_entry(code)->result.text)
		return span_of(finding_entry(code)->result.text);
	return j->code;
}

bool trace_next_line(struct span *rest, struct span *ret_line)
{
	if (!rest->at)
		return false;
	struct span line = span_cut(rest, '\n');
	if (rest->at && line.length > 0 && line.at[line.length - 1] == '\r')
		line.length--;
	*ret_line = line;
	return true;
}

struct span trace_node(const struct trace_writer *w, const struct record *r)
{
	return r->head.node.at ? r->head.node : w->settings.node;
}

uint32_t trace_process(const struct trace_writer *w, const struct record *r)
{
	return r->head.process ? r->head.process : w->settings.process;
}

uint32_t trace_thread(const struct record *r)
{
	return r->head.thread ? r->head.thread : r->head.worker + 1;
}

uint32_t trace_sequence(struct trace_writer *w, const struct record *r)
{
	/* Our own numbers go on after what was read, as those of the product would. */
	w->sequence = r->head.sequence ? r->head.sequence : w->sequence + 1;
	return w->sequence;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
	return hash ^ hash >> 32;
}

uint64_t trace_hash(struct span bytes)
{
	uint64_t hash = mix(UINT64_C(0x2545f4914f6cdd1d), bytes.length), word;
	size_t i = 0;
	for (; i + sizeof(word) <= bytes.length; i += sizeof(word)) {
		memcpy(&word, bytes.at + i, sizeof(word));
		hash = mix(hash, le64toh(word));
	}
	word = 0;
	if (i < bytes.length)
		memcpy(&word, bytes.at + i, bytes.length - i);
	hash = mix(hash, le64toh(word));
	return hash ? hash : 1;
}
