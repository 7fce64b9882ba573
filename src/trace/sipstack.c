/* SPDX-License-Identifier: Apache-2.0 */
/* The text trace of a Lync or Skype for Business server (component SIPStack). Protocol records by
 * the sample of a Microsoft support article, diagnostic records by the seed (Cisco TAC 212383);
 * connection and component records are our own in the same clothes (docs/formats.md). */
#include "base/require.h"
#include "finding/catalogue.h"
#include "trace/private.h"
#include "trace/sip_text.h"

#include <endian.h>
#include <stdio.h>

struct line {
	struct trace_writer *w;
	const struct record *r;
	struct buffer *out;
	uint32_t sequence;
};

static uint32_t fold(uint64_t hash)
{
	uint32_t folded = (uint32_t)(hash ^ hash >> 32);
	return folded ? folded : 1;
}

/* One number for all records of a dialog, so that protocol and diagnostic ones can be joined. */
static uint64_t correlation_of(const struct record *r, struct span call_id)
{
	if (r->head.correlation)
		return r->head.correlation;
	if (call_id.at)
		return fold(trace_hash(call_id));
	uint64_t connection = htole64(r->head.connection);
	return connection ? fold(trace_hash(span_make((const char *)&connection, sizeof(connection)))) : 0;
}

/* TL_INFO(TF_PROTOCOL) [site\node]0584.0A44::03/02/2017-07:10:46.230.0000773E (SIPStack,… */
static void open_record(const struct line *l, const char *level_and_flag, const char *place)
{
	uint32_t us;
	const struct trace_stamp *s = trace_stamp_of(l->w, l->r->head.time_us, &us);
	trace_append(l->out, span_of(level_and_flag));
	trace_append_literal(l->out, " [");
	trace_append_escaped(l->out, l->w->settings.site);
	trace_append_byte(l->out, '\\');
	trace_append_escaped(l->out, trace_node(l->w, l->r));
	trace_append_byte(l->out, ']');
	trace_append_hex(l->out, trace_process(l->w, l->r), 4);
	trace_append_byte(l->out, '.');
	trace_append_hex(l->out, trace_thread(l->r), 4);
	trace_append_literal(l->out, "::");
	trace_append(l->out, span_make(s->slash_utc, TRACE_STAMP_LENGTH));
	trace_append_byte(l->out, '.');
	trace_append_ms(l->out, us);
	trace_append_byte(l->out, '.');
	trace_append_hex(l->out, l->sequence, 8);
	trace_append_literal(l->out, " (SIPStack,");
	trace_append(l->out, span_of(place));
	trace_append_byte(l->out, ')');
}

static void begin_record(const struct line *l, uint64_t correlation)
{
	trace_append_literal(l->out, " [");
	buffer_append_u64(l->out, correlation);
	trace_append_literal(l->out, "] $$begin_record\n");
}

static void end_record(const struct line *l)
{
	trace_append_literal(l->out, "$$end_record\n");
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* A backslash that would be read as the beginning of our own \xNN. */
static bool misleads(struct span value, size_t i)
{
	if (value.at[i] != '\\' || i + 1 == value.length)
		return false;
	return value.at[i + 1] == 'x' || is_control((unsigned char)value.at[i + 1]);
}

/* A value on one line, control characters made visible; absent: no line. */
static void append_field(const struct line *l, const char *name, struct span value)
{
	if (!value.at)
		return;
	trace_append(l->out, span_of(name));
	trace_append_literal(l->out, ": ");
	for (size_t i = 0; i < value.length; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if (!is_control(c) && !misleads(value, i)) {
			trace_append_byte(l->out, (char)c);
		} else {
			trace_append_literal(l->out, "\\x");
			trace_append_hex(l->out, c, 2);
		}
	}
	trace_append_byte(l->out, '\n');
}

/* Nobody may end a record, or begin one, from within a message: a line that would is moved one
 * blank to the right, and so is one that looks as if it had been. */
static bool looks_like_ours(struct span text)
{
	while (text.length > 0 && text.at[0] == ' ')
		text = span_from(text, 1);
	return span_starts_nocase(text, SPAN("$$")) || span_starts_nocase(text, SPAN("TL_"));
}

/* Every line with its newline; what is after the last newline only where it is not empty. */
static void append_lines(const struct line *l, struct span text)
{
	struct span rest = text, one;
	while (trace_next_line(&rest, &one)) {
		if (!rest.at && one.length == 0)
			return;
		if (looks_like_ours(one))
			trace_append_byte(l->out, ' ');
		trace_append(l->out, one);
		trace_append_byte(l->out, '\n');
	}
}

static void append_peer(const struct line *l, const char *name, struct span peer, const struct record_address *address)
{
	if (!peer.at && !address->family)
		return;
	trace_append(l->out, span_of(name));
	trace_append_literal(l->out, ": ");
	if (peer.at) {
		trace_append_escaped(l->out, peer);
		if (address->port) {
			trace_append_byte(l->out, ':');
			buffer_append_u64(l->out, address->port);
		}
	} else {
		trace_append_host_port(l->out, address);
	}
	trace_append_byte(l->out, '\n');
}

/* source is where it came from, destination where it goes: on a message that came in at the
 * internal edge "internal edge" and "external edge". Known only on a node with two sides. */
static void append_direction(const struct line *l)
{
	const struct record_message *m = &l->r->message;
	bool sent = m->direction == RECORD_SENT;
	trace_append_literal(l->out, "Direction: ");
	trace_append(l->out, sent ? SPAN("outgoing") : SPAN("incoming"));
	if (m->side != RECORD_SIDE_UNKNOWN) {
		bool from_internal = (m->side == RECORD_INTERNAL) != sent;
		trace_append(l->out, from_internal ? SPAN(";source=\"internal edge\";destination=\"external edge\"")
						   : SPAN(";source=\"external edge\";destination=\"internal edge\""));
	}
	trace_append_byte(l->out, '\n');
}

static void write_message(const struct line *l)
{
	const struct record_message *m = &l->r->message;
	struct trace_sip_text t;
	trace_sip_text_read(m->bytes, &t);
	uint64_t correlation = correlation_of(l->r, t.call_id);
	open_record(l, "TL_INFO(TF_PROTOCOL)", "SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(125)");
	begin_record(l, correlation);
	trace_append_literal(l->out, "Trace-Correlation-Id: ");
	buffer_append_u64(l->out, correlation);
	trace_append_literal(l->out, "\nInstance-Id: ");
	trace_append_hex(l->out, l->sequence, 8);
	trace_append_byte(l->out, '\n');
	append_direction(l);
	append_peer(l, "Peer", m->peer, &m->remote);
	trace_append(l->out, t.is_request ? SPAN("Message-Type: request\n") : SPAN("Message-Type: response\n"));
	append_field(l, "Start-Line", t.start_line.at ? t.start_line : SPAN(""));
	append_lines(l, t.headers);
	trace_append_literal(l->out, "Message-Body: ");
	if (t.body.length == 0)
		trace_append_literal(l->out, "-\n");
	else
		append_lines(l, t.body);
	end_record(l);
}

/* The product's words for a code, where the record brings none of its own. */
struct diagnostic {
	enum record_severity severity;
	struct span text;
	uint32_t result_code;
	struct span result_name;
};

static struct diagnostic diagnostic_of(const struct record_judgement *j)
{
	struct diagnostic d = { .severity = j->severity,
		.text = trace_judgement_text(j),
		.result_code = j->result_code,
		.result_name = j->result_name };
	enum finding_code code = finding_code_of(j->code);
	const struct finding_entry *entry = code == FINDING_NONE ? NULL : finding_entry(code);
	if (entry && entry->result.code) {
		/* The trace's own severity: a refusal by the domain rule is a warning there. */
		d.severity = entry->result.is_error ? RECORD_ERROR : RECORD_WARNING;
		if (!d.result_code) {
			d.result_code = entry->result.code;
			d.result_name = span_of(entry->result.name);
		}
	}
	return d;
}

static void append_result_code(const struct line *l, const struct diagnostic *d)
{
	if (!d->result_code)
		return;
	buffer_printf(l->out, "Result-Code: 0x%08x", (unsigned int)d->result_code);
	if (d->result_name.length > 0) {
		trace_append_byte(l->out, ' ');
		trace_append_escaped(l->out, d->result_name);
	}
	trace_append_byte(l->out, '\n');
}

static const struct {
	const char *word;
	const char *diagnostic;
	const char *diagnostic_place;
	const char *connection;
} severities[] = {
	[RECORD_NOTE] = { "information", "TL_INFO(TF_DIAG)", "SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(827)",
		"TL_INFO(TF_CONNECTION)" },
	[RECORD_WARNING] = { "warning", "TL_WARN(TF_DIAG)", "SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(830)",
		"TL_WARN(TF_CONNECTION)" },
	[RECORD_ERROR] = { "error", "TL_ERROR(TF_DIAG)", "SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(833)",
		"TL_ERROR(TF_CONNECTION)" },
};

static void append_data(const struct line *l, struct record_pairs pairs)
{
	if (pairs.count == 0)
		return;
	trace_append_literal(l->out, "Data: ");
	trace_append_pairs(l->out, pairs);
	trace_append_byte(l->out, '\n');
}

static void write_judgement(const struct line *l)
{
	const struct record_judgement *j = &l->r->judgement;
	struct diagnostic d = diagnostic_of(j);
	if ((unsigned int)d.severity >= BASE_COUNT(severities))
		return;
	open_record(l, severities[d.severity].diagnostic, severities[d.severity].diagnostic_place);
	begin_record(l, correlation_of(l->r, j->call_id));
	append_field(l, "Severity", span_of(severities[d.severity].word));
	append_field(l, "Text", d.text);
	append_result_code(l, &d);
	append_field(l, "SIP-Start-Line", j->start_line);
	append_field(l, "SIP-Call-ID", j->call_id);
	append_field(l, "SIP-CSeq", j->cseq);
	if (j->peer.at)
		append_field(l, "Peer", j->peer);
	else
		append_peer(l, "Peer", SPAN_NONE, &j->remote);
	append_data(l, j->parameters);
	end_record(l);
}

/* Our own contract: the keys of a diagnostic record for what happens below SIP. */
static void append_connection(const struct line *l, enum record_severity severity, struct span text)
{
	open_record(l, severities[severity].connection, "SIPAdminLog::TraceConnectionRecord:SIPAdminLog.cpp(160)");
	begin_record(l, correlation_of(l->r, SPAN_NONE));
	trace_append_literal(l->out, "LogType: connection\n");
	append_field(l, "Severity", span_of(severities[severity].word));
	append_field(l, "Text", text);
}

static void append_address(const struct line *l, const char *name, const struct record_address *address)
{
	append_peer(l, name, SPAN_NONE, address);
}

/* A connection that is only attempted says nothing yet. */
static void write_connection(const struct line *l)
{
	static const struct {
		const char *text;
		enum record_severity severity;
	} events[] = {
		[RECORD_CONNECTION_ATTEMPTED] = { NULL, RECORD_NOTE },
		[RECORD_CONNECTION_OPENED] = { "Connection established", RECORD_NOTE },
		[RECORD_CONNECTION_ACCEPTED] = { "Connection accepted", RECORD_NOTE },
		[RECORD_CONNECTION_CLOSED] = { "Connection closed", RECORD_NOTE },
		[RECORD_CONNECTION_FAILED] = { "Connection failed", RECORD_ERROR },
	};
	const struct record_connection *c = &l->r->connection;
	if ((unsigned int)c->event >= BASE_COUNT(events) || !events[c->event].text)
		return;
	append_connection(l, events[c->event].severity, span_of(events[c->event].text));
	append_address(l, "Local-IP", &c->local);
	append_address(l, "Peer-IP", &c->remote);
	append_peer(
		l, "Peer", c->peer.at ? c->peer : SPAN_NONE, c->peer.at ? &c->remote : &(struct record_address){ 0 });
	static const char *const transports[] = { NULL, "UDP", "TCP", "TLS" };
	if ((unsigned int)c->transport < BASE_COUNT(transports))
		append_field(l, "Transport", span_of(transports[c->transport]));
	struct record_pair pairs[2];
	size_t count = 0;
	if (c->stage.at)
		pairs[count++] = (struct record_pair){ SPAN("stage"), c->stage };
	if (c->reason.at)
		pairs[count++] = (struct record_pair){ SPAN("info"), c->reason };
	append_data(l, (struct record_pairs){ pairs, count });
	end_record(l);
}

static struct span alert_text(const struct record_handshake *h, char ret_text[16])
{
	int length = snprintf(ret_text, 16, "%u", (unsigned int)h->alert);
	return span_make(ret_text, (size_t)length);
}

static size_t handshake_pairs(const struct record_handshake *h, struct record_pair *ret_pairs, char alert[16])
{
	size_t count = 0;
	if (h->server_name.at)
		ret_pairs[count++] = (struct record_pair){ SPAN("tls-target"), h->server_name };
	if (h->version.at)
		ret_pairs[count++] = (struct record_pair){ SPAN("version"), h->version };
	if (h->cipher.at)
		ret_pairs[count++] = (struct record_pair){ SPAN("cipher"), h->cipher };
	if (h->common_name.at)
		ret_pairs[count++] = (struct record_pair){ SPAN("certName"), h->common_name };
	for (size_t i = 0; i < h->names.count && i < RECORD_LIST_MAXIMUM; i++)
		ret_pairs[count++] = (struct record_pair){ SPAN("certAltName"), h->names.at[i] };
	if (h->alert_direction != RECORD_ALERT_NONE)
		ret_pairs[count++] = (struct record_pair){
			h->alert_direction == RECORD_ALERT_SENT ? SPAN("alert-sent") : SPAN("alert-received"),
			alert_text(h, alert),
		};
	if (h->verify_reason.at)
		ret_pairs[count++] = (struct record_pair){ SPAN("verify"), h->verify_reason };
	if (h->reason.at)
		ret_pairs[count++] = (struct record_pair){ SPAN("info"), h->reason };
	return count;
}

static void write_handshake(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	struct record_pair pairs[8 + RECORD_LIST_MAXIMUM];
	char alert[16];
	struct span text = !h->failed                 ? SPAN("TLS negotiation completed")
			   : h->role == RECORD_SERVER ? SPAN("Inbound TLS negotiation failed")
						      : SPAN("Outbound TLS negotiation failed");
	append_connection(l, h->failed ? RECORD_ERROR : RECORD_NOTE, text);
	append_address(l, "Local-IP", &h->local);
	append_address(l, "Peer-IP", &h->remote);
	append_field(l, "Transport", SPAN("TLS"));
	append_data(l, (struct record_pairs){ pairs, handshake_pairs(h, pairs, alert) });
	end_record(l);
}

/* Free text on one line, as the product's component records. */
static void write_node(const struct line *l)
{
	static const char *const levels[] = { "TL_INFO(TF_COMPONENT)", "TL_WARN(TF_COMPONENT)",
		"TL_ERROR(TF_COMPONENT)" };
	const struct record_node *n = &l->r->node;
	if ((unsigned int)n->severity >= BASE_COUNT(levels))
		return;
	open_record(l, levels[n->severity], "fedge::Node:node.c(1)");
	trace_append_byte(l->out, ' ');
	trace_append_note(l->out, n);
	trace_append_byte(l->out, '\n');
}

static void (*const writers[RECORD_KIND_COUNT])(const struct line *l) = {
	[RECORD_MESSAGE] = write_message,
	[RECORD_CONNECTION] = write_connection,
	[RECORD_HANDSHAKE] = write_handshake,
	[RECORD_JUDGEMENT] = write_judgement,
	[RECORD_NODE] = write_node,
};

int trace_sipstack_write(struct trace_writer *w, const struct record *r, struct buffer *out)
{
	if ((unsigned int)r->kind >= RECORD_KIND_COUNT || !writers[r->kind])
		return 0;
	struct line l = { w, r, out, trace_sequence(w, r) };
	writers[r->kind](&l);
	return 0;
}
