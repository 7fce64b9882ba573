/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_TOLD_H
#define FEDGE_TESTS_TOLD_H
/* What a reader made of a text, told in a few words, so that a table shows what is made of what. */
#include "base/buffer.h"
#include "record/field.h"
#include "trace/reader.h"
#include "unit/cmocka_all.h"

#include <inttypes.h>
#include <stdlib.h>

static inline void told_address(struct buffer *b, const char *name, const struct record_address *a)
{
	char text[RECORD_ADDRESS_TEXT];
	if (record_address_format(a, text) > 0 || a->port)
		buffer_printf(b, " %s=%s:%u", name, text, a->port);
}

static inline void told_words(struct buffer *b, const char *name, struct span text)
{
	if (!text.at)
		return;
	buffer_printf(b, " %s=", name);
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] == '\r')
			buffer_append_text(b, "\\r");
		else if (text.at[i] == '\n')
			buffer_append_text(b, "\\n");
		else
			buffer_append_byte(b, text.at[i]);
}

static inline void told_pairs(struct buffer *b, const struct record_pairs *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (span_is(p->at[i].name, name))
			told_words(b, name, p->at[i].value);
}

static inline void told_handshake(struct buffer *b, const struct record_handshake *h)
{
	buffer_printf(b, " %s %s", h->failed ? "failed" : "done", h->role == RECORD_SERVER ? "server" : "client");
	told_address(b, "remote", &h->remote);
	told_words(b, "cn", h->common_name);
	for (size_t i = 0; i < h->names.count; i++)
		told_words(b, "name", h->names.at[i]);
	told_words(b, "reason", h->reason);
	told_words(b, "verify", h->verify_reason);
	if (h->alert_direction)
		buffer_printf(b, " alert=%u", h->alert);
}

static inline void told_notice(struct buffer *b, const struct record_notice *n)
{
	buffer_printf(b, " %s",
		n->severity == RECORD_ERROR     ? "error"
		: n->severity == RECORD_WARNING ? "warning"
						: "note");
	told_words(b, "module", n->module);
	told_words(b, "name", n->name);
	told_words(b, "detail", n->detail);
	told_address(b, "remote", &n->remote);
	told_pairs(b, &n->pairs, "MatchedZone");
}

static inline void told_judgement(struct buffer *b, const struct record_judgement *j)
{
	if (j->result_code)
		buffer_printf(b, " 0x%08x", j->result_code);
	told_words(b, "name", j->result_name);
	told_words(b, "text", j->text);
	told_words(b, "call", j->call_id);
	told_words(b, "peer", j->peer);
	for (size_t i = 0; i < j->parameters.count; i++) {
		buffer_append_byte(b, ' ');
		buffer_append(b, j->parameters.at[i].name);
		buffer_append_byte(b, '=');
		buffer_append(b, j->parameters.at[i].value);
	}
}

static inline void told_take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct buffer *b = argument;
	buffer_printf(b, "%s%" PRIu64 " %s", b->length ? "\n" : "", place->line, record_kind_word(r->kind));
	if (place->is_summary)
		buffer_append_text(b, " summary");
	if (r->kind == RECORD_MESSAGE) {
		buffer_append_text(b, r->message.direction == RECORD_SENT ? " sent" : " received");
		told_address(b, "remote", &r->message.remote);
		told_words(b, "session", r->head.local_session);
		told_words(b, "bytes", r->message.bytes);
	} else if (r->kind == RECORD_HANDSHAKE) {
		told_handshake(b, &r->handshake);
	} else if (r->kind == RECORD_NOTICE) {
		told_notice(b, &r->notice);
	} else if (r->kind == RECORD_DNS_QUERY || r->kind == RECORD_DNS_ANSWER) {
		told_words(b, "name", r->dns.name);
		told_words(b, "type", r->dns.type);
		for (size_t i = 0; i < r->dns.records.count; i++)
			told_words(b, "record", r->dns.records.at[i]);
	} else if (r->kind == RECORD_CONNECTION) {
		buffer_printf(b, " %d %s", (int)r->connection.event,
			r->connection.role == RECORD_SERVER ? "server" : "client");
		told_address(b, "remote", &r->connection.remote);
		told_words(b, "reason", r->connection.reason);
	} else if (r->kind == RECORD_JUDGEMENT) {
		told_judgement(b, &r->judgement);
	} else if (r->kind == RECORD_NODE) {
		told_words(b, "text", r->node.text);
	} else if (r->kind == RECORD_SEARCH) {
		told_words(b, "reason", r->search.reason);
		buffer_printf(b, " %u", r->search.response_code);
	}
}

static inline void told_unread(void *argument, const struct trace_place *place, const char *why)
{
	struct buffer *b = argument;
	buffer_printf(b, "%s%" PRIu64 " unread: %s", b->length ? "\n" : "", place->line, why);
}

static inline void told_read_pieces(enum trace_kind kind, struct span text, size_t piece, struct buffer *out)
{
	struct trace_reader_settings settings = {
		.kind = kind, .take = told_take, .unread = told_unread, .argument = out
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	for (size_t at = 0; at < text.length; at += piece) {
		struct span part = span_first(span_from(text, at), piece);
		char *copy = malloc(part.length);
		memcpy(copy, part.at, part.length);
		assert_int_equal(trace_reader_feed(reader, span_make(copy, part.length)), 0);
		free(copy);
	}
	trace_reader_end(reader);
	if (trace_reader_counts(reader)->other > 0)
		buffer_printf(out, "%sother %" PRIu64, out->length ? "\n" : "", trace_reader_counts(reader)->other);
	trace_reader_free(reader);
}

struct told_reading {
	const char *name;
	struct span text;
	const char *gives;
};

static inline void told_compare(enum trace_kind kind, const struct told_reading *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t piece = 1; piece <= 4096; piece *= 16) {
			struct buffer out;
			buffer_init(&out, 1 << 20);
			told_read_pieces(kind, cases[i].text, piece, &out);
			buffer_append_byte(&out, '\0');
			if (strcmp(out.at, cases[i].gives) != 0)
				fail_msg("%s, in pieces of %zu, gives\n%s\ninstead of\n%s", cases[i].name, piece,
					out.at, cases[i].gives);
			buffer_done(&out);
		}
}
#endif
