/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a Lync or Skype for Business client. Only the stamp at the start of a line is
 * confirmed by a public sample; the rest of the shape is our contract (docs/formats.md). */
#include "base/require.h"
#include "trace/private.h"

struct line {
	struct trace_writer *w;
	const struct record *r;
	struct buffer *out;
};

/* 03/02/2017|08:10:46.230 0584:0A44 INFO  :: */
static void open_line(const struct line *l, const char *level)
{
	uint32_t us;
	const struct trace_stamp *s = trace_stamp_of(l->w, l->r->head.time_us, &us);
	trace_append(l->out, span_make(s->slash_local, TRACE_STAMP_LENGTH));
	trace_append_byte(l->out, '.');
	trace_append_ms(l->out, us);
	trace_append_byte(l->out, ' ');
	trace_append_hex(l->out, trace_process(l->w, l->r), 4);
	trace_append_byte(l->out, ':');
	trace_append_hex(l->out, trace_thread(l->r), 4);
	trace_append_byte(l->out, ' ');
	trace_append(l->out, span_of(level));
	trace_append_literal(l->out, " :: ");
}

/* Data Received -1.2.3.4:5061 (To Local Address: 5.6.7.8:62937) 512 bytes */
static void append_ends(const struct line *l)
{
	const struct record_message *m = &l->r->message;
	trace_append(l->out, m->direction == RECORD_SENT ? SPAN("Sending Packet - ") : SPAN("Data Received -"));
	trace_append_host_port(l->out, &m->remote);
	trace_append(
		l->out, m->direction == RECORD_SENT ? SPAN(" (From Local Address: ") : SPAN(" (To Local Address: "));
	trace_append_host_port(l->out, &m->local);
	trace_append_literal(l->out, ") ");
	buffer_append_u64(l->out, m->bytes.length);
	trace_append_literal(l->out, " bytes");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A line of a message that could pass for one of ours is moved one blank to the right, and so is
 * one that looks as if it had been. */
static bool looks_like_ours(struct span text)
{
	while (text.length > 0 && text.at[0] == ' ')
		text = span_from(text, 1);
	return text.length >= 3 && is_digit(text.at[0]) && is_digit(text.at[1]) && text.at[2] == '/';
}

static void write_message(const struct line *l)
{
	struct span rest = l->r->message.bytes, text;
	open_line(l, "INFO ");
	append_ends(l);
	trace_append_literal(l->out, ":\n");
	open_line(l, "INFO ");
	for (bool first = true; trace_next_line(&rest, &text); first = false) {
		/* What follows the last newline; the number of bytes tells whether there was one. */
		if (!first && !rest.at && text.length == 0)
			break;
		if (!first && looks_like_ours(text))
			trace_append_byte(l->out, ' ');
		trace_append(l->out, text);
		trace_append_byte(l->out, '\n');
	}
	if (!l->r->message.bytes.at)
		trace_append_byte(l->out, '\n');
	open_line(l, "INFO ");
	trace_append_literal(l->out, "End of ");
	append_ends(l);
	trace_append_byte(l->out, '\n');
}

static const char *const levels[] = { "INFO ", "WARN ", "ERROR" };

static void write_connection(const struct line *l)
{
	static const struct {
		const char *level;
		const char *text;
	} events[] = {
		[RECORD_CONNECTION_ATTEMPTED] = { "TRACE", "Connecting to " },
		[RECORD_CONNECTION_OPENED] = { "INFO ", "Connected to " },
		[RECORD_CONNECTION_ACCEPTED] = { "INFO ", "Accepted from " },
		[RECORD_CONNECTION_CLOSED] = { "INFO ", "Disconnected from " },
		[RECORD_CONNECTION_FAILED] = { "ERROR", "Failed to connect to " },
	};
	const struct record_connection *c = &l->r->connection;
	if ((unsigned int)c->event >= BASE_COUNT(events))
		return;
	open_line(l, events[c->event].level);
	trace_append(l->out, span_of(events[c->event].text));
	trace_append_host_port(l->out, &c->remote);
	if (c->reason.at) {
		trace_append_literal(l->out, ": ");
		trace_append_escaped(l->out, c->reason);
	}
	trace_append_byte(l->out, '\n');
}

static void write_handshake(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	open_line(l, h->failed ? levels[RECORD_ERROR] : levels[RECORD_NOTE]);
	trace_append(l->out, h->failed ? SPAN("TLS negotiation failed with ") : SPAN("TLS negotiated with "));
	trace_append_host_port(l->out, &h->remote);
	struct span why = h->failed ? h->reason : h->version;
	if (why.at) {
		trace_append_literal(l->out, ": ");
		trace_append_escaped(l->out, why);
	}
	trace_append_byte(l->out, '\n');
}

static void write_node(const struct line *l)
{
	const struct record_node *n = &l->r->node;
	if ((unsigned int)n->severity >= BASE_COUNT(levels))
		return;
	open_line(l, levels[n->severity]);
	trace_append_note(l->out, n);
	trace_append_byte(l->out, '\n');
}

static void (*const writers[RECORD_KIND_COUNT])(const struct line *l) = {
	[RECORD_MESSAGE] = write_message,
	[RECORD_CONNECTION] = write_connection,
	[RECORD_HANDSHAKE] = write_handshake,
	[RECORD_NODE] = write_node,
};

int trace_uccapi_write(struct trace_writer *w, const struct record *r, struct buffer *out)
{
	struct line l = { w, r, out };
	if ((unsigned int)r->kind < RECORD_KIND_COUNT && writers[r->kind])
		writers[r->kind](&l);
	return 0;
}
