/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a record of a SIPStack trace. A message's headers come in another order than on the wire; all of them
 * are kept. */
#include "base/require.h"
#include "trace/sipstack_private.h"
#include "trace/text_read.h"

/* "Name: value"; false at the end. A line without a colon is passed over. */
static bool next_field(struct sipstack_body *b, struct span *ret_name, struct span *ret_value)
{
	while (b->rest.length > 0) {
		struct span value = span_cut(&b->rest, '\n');
		if (value.length > 0 && value.at[value.length - 1] == '\r')
			value.length--;
		*ret_name = span_trim(span_cut(&value, ':'));
		if (!value.at)
			continue;
		*ret_value = value.length > 0 && value.at[0] == ' ' ? span_from(value, 1) : value;
		return true;
	}
	return false;
}

struct span sipstack_text_of(struct sipstack_body *b, struct span value)
{
	return trace_read_visible(&b->reader->arena, value);
}

static struct span name_of(struct sipstack_body *b, struct span value)
{
	return trace_read_escaped(&b->reader->arena, value);
}

/* A line that looks like one of the trace's own was moved one blank to the right: it is moved back. */
static struct span unshifted(struct sipstack_body *b, struct span lines)
{
	char *out = arena_allocate(&b->reader->arena, lines.length);
	size_t length = 0;
	struct span rest = lines;
	if (!out)
		return SPAN_NONE;
	while (rest.length > 0) {
		size_t end = span_find(rest, '\n');
		struct span line = span_first(rest, end < rest.length ? end + 1 : end);
		struct span text = line;
		while (text.length > 0 && text.at[0] == ' ')
			text = span_from(text, 1);
		bool shifted = line.length > 0 && line.at[0] == ' ' &&
			       (span_starts_nocase(text, SPAN("$$")) || span_starts_nocase(text, SPAN("TL_")));
		struct span kept = span_from(line, shifted);
		memcpy(out + length, kept.at, kept.length);
		length += kept.length;
		rest = span_from(rest, line.length);
	}
	return span_make(out, length);
}

/* "****MESSAGE BODY DELETED****": what stood there is not known. */
static bool is_privacy_marker(struct span body)
{
	static const struct span stars = { "****", 4 };
	return body.length > 2 * stars.length && body.length < 80 &&
	       span_equal(span_first(body, stars.length), stars) &&
	       span_equal(span_from(body, body.length - stars.length), stars) &&
	       span_find_span(body, SPAN("DELETED")) < body.length;
}

/* From "Start-Line:" on. The headers end at "Message-Body:". */
static void read_bytes(struct sipstack_body *b, struct span start_line)
{
	static const struct span marker = { "Message-Body:", 13 };
	struct span all = b->rest, body = SPAN_NONE;
	size_t offset = 0;
	while (offset < all.length && !span_starts_nocase(span_from(all, offset), marker)) {
		size_t end = span_find(span_from(all, offset), '\n');
		offset = offset + end < all.length ? offset + end + 1 : all.length;
	}
	struct span headers = span_first(all, offset);
	if (offset < all.length) {
		body = span_from(all, offset + marker.length);
		if (body.at && body.length > 0 && body.at[0] == ' ')
			body = span_from(body, 1);
		if (span_is(span_trim(body), "-") || is_privacy_marker(span_trim(body)))
			body = SPAN_NONE;
	}
	struct span start = sipstack_text_of(b, start_line);
	char *head = arena_allocate(&b->reader->arena, start.length + 1 + headers.length);
	struct span lines = unshifted(b, headers);
	if (!head || (headers.length > 0 && !lines.at))
		return;
	memcpy(head, start.at ? start.at : "", start.length);
	head[start.length] = '\n';
	if (lines.length > 0)
		memcpy(head + start.length + 1, lines.at, lines.length);
	b->record.message.bytes = trace_read_message(
		&b->reader->arena, span_make(head, start.length + 1 + lines.length), unshifted(b, body));
	b->rest = SPAN_NONE;
}

/* incoming;source="internal edge";destination="external edge": where it came in, or went out. */
static void read_direction(struct record_message *m, struct span value)
{
	bool sent = span_starts_nocase(value, SPAN("outgoing"));
	m->direction = sent ? RECORD_SENT : RECORD_RECEIVED;
	bool from_internal = span_find_span(value, SPAN("source=\"internal edge\"")) < value.length;
	bool from_external = span_find_span(value, SPAN("source=\"external edge\"")) < value.length;
	if (from_internal || from_external)
		m->side = from_internal != sent ? RECORD_INTERNAL : RECORD_EXTERNAL;
}

static void read_protocol(struct sipstack_body *b)
{
	struct record_message *m = &b->record.message;
	struct span name, value;
	b->record.kind = RECORD_MESSAGE;
	while (next_field(b, &name, &value)) {
		if (span_is_nocase(name, "Direction"))
			read_direction(m, value);
		else if (span_is_nocase(name, "Peer"))
			trace_read_peer(name_of(b, value), &m->remote, &m->peer);
		else if (span_is_nocase(name, "Start-Line"))
			read_bytes(b, value);
	}
}

static enum record_severity severity_word(struct span word)
{
	return span_is_nocase(word, "error")     ? RECORD_ERROR
	       : span_is_nocase(word, "warning") ? RECORD_WARNING
						 : RECORD_NOTE;
}

/* "0xc3e93d6f SIPPROXY_E_…", and as component records have it "0xC3E93C5E(SIPPROXY_E_ROUTING)" */
void sipstack_read_result(struct sipstack_body *b, struct span value, struct record_judgement *j)
{
	size_t end = 0;
	uint64_t number;
	while (end < value.length && value.at[end] != ' ' && value.at[end] != '(')
		end++;
	struct span code = span_first(value, end);
	if (span_starts_nocase(code, SPAN("0x")) && trace_read_hex(span_from(code, 2), UINT32_MAX, &number))
		j->result_code = (uint32_t)number;
	struct span name = span_from(value, end);
	if (name.length >= 2 && name.at[0] == '(' && name.at[name.length - 1] == ')')
		name.length--;
	if (name.length > 1)
		j->result_name = name_of(b, span_from(name, 1));
}

static void read_data(struct sipstack_body *b, struct span value, struct record_pairs *ret_pairs)
{
	ret_pairs->count = trace_read_pairs(&b->reader->arena, value, b->pairs, BASE_COUNT(b->pairs));
	ret_pairs->at = b->pairs;
}

static void read_diagnostic(struct sipstack_body *b)
{
	struct record_judgement *j = &b->record.judgement;
	struct span name, value;
	b->record.kind = RECORD_JUDGEMENT;
	while (next_field(b, &name, &value)) {
		if (span_is_nocase(name, "Severity"))
			j->severity = severity_word(span_trim(value));
		else if (span_is_nocase(name, "Text"))
			j->text = sipstack_text_of(b, value);
		else if (span_is_nocase(name, "Result-Code"))
			sipstack_read_result(b, value, j);
		else if (span_is_nocase(name, "SIP-Start-Line"))
			j->start_line = sipstack_text_of(b, value);
		else if (span_is_nocase(name, "SIP-Call-ID"))
			j->call_id = sipstack_text_of(b, value);
		else if (span_is_nocase(name, "SIP-CSeq"))
			j->cseq = sipstack_text_of(b, value);
		else if (span_is_nocase(name, "Peer"))
			j->peer = sipstack_text_of(b, value);
		else if (span_is_nocase(name, "Data"))
			read_data(b, value, &j->parameters);
	}
	if (j->parameters.count > RECORD_LIST_MAXIMUM)
		j->parameters.count = RECORD_LIST_MAXIMUM;
}

/* ---- connections and handshakes: our own contract ---- */

/* What both kinds have. */
struct below {
	enum record_severity severity;
	struct span text;
	struct record_address local, remote;
	struct span peer;
	struct span transport;
	struct record_pairs data;
};

static void read_below(struct sipstack_body *b, struct below *ret_below)
{
	struct span name, value;
	struct record_address ignored;
	while (next_field(b, &name, &value)) {
		if (span_is_nocase(name, "Severity"))
			ret_below->severity = severity_word(span_trim(value));
		else if (span_is_nocase(name, "Text"))
			ret_below->text = value;
		else if (span_is_nocase(name, "Local-IP"))
			(void)trace_read_host_port(value, &ret_below->local);
		else if (span_is_nocase(name, "Peer-IP"))
			(void)trace_read_host_port(value, &ret_below->remote);
		else if (span_is_nocase(name, "Peer"))
			trace_read_peer(name_of(b, value), &ignored, &ret_below->peer);
		else if (span_is_nocase(name, "Transport"))
			ret_below->transport = value;
		else if (span_is_nocase(name, "Data"))
			read_data(b, value, &ret_below->data);
	}
}

static struct span pair_of(const struct below *below, const char *name)
{
	for (size_t i = 0; i < below->data.count; i++)
		if (span_is(below->data.at[i].name, name))
			return below->data.at[i].value;
	return SPAN_NONE;
}

static void make_connection(struct sipstack_body *b, const struct below *below, enum record_connection_event event)
{
	b->record.kind = RECORD_CONNECTION;
	b->record.connection = (struct record_connection){
		.event = event,
		.transport = trace_read_transport(below->transport),
		.role = event == RECORD_CONNECTION_ACCEPTED ? RECORD_SERVER : RECORD_CLIENT,
		.local = below->local,
		.remote = below->remote,
		.peer = below->peer,
		.stage = pair_of(below, "stage"),
		.reason = pair_of(below, "info"),
	};
}

static void read_alert(
	const struct below *below, const char *name, enum record_alert direction, struct record_handshake *h)
{
	struct span number = pair_of(below, name);
	uint64_t alert;
	if (!number.at || span_to_u64(number, UINT16_MAX, &alert) != 0)
		return;
	h->alert = (uint16_t)alert;
	h->alert_direction = direction;
}

static void make_handshake(struct sipstack_body *b, const struct below *below, enum record_role role, bool failed)
{
	struct record_handshake h = {
		.failed = failed,
		.role = role,
		.local = below->local,
		.remote = below->remote,
		.server_name = pair_of(below, "tls-target"),
		.version = pair_of(below, "version"),
		.cipher = pair_of(below, "cipher"),
		.common_name = pair_of(below, "certName"),
		.verify_reason = pair_of(below, "verify"),
		.reason = pair_of(below, "info"),
		.names.at = b->names,
	};
	for (size_t i = 0; i < below->data.count; i++)
		if (span_is(below->data.at[i].name, "certAltName") && h.names.count < RECORD_LIST_MAXIMUM)
			b->names[h.names.count++] = below->data.at[i].value;
	read_alert(below, "alert-sent", RECORD_ALERT_SENT, &h);
	read_alert(below, "alert-received", RECORD_ALERT_RECEIVED, &h);
	b->record.kind = RECORD_HANDSHAKE;
	b->record.handshake = h;
}

/* A step of a connection that has no record of its own. */
static void make_notice(struct sipstack_body *b, const struct below *below)
{
	b->record.kind = RECORD_NOTICE;
	b->record.notice = (struct record_notice){
		.severity = below->severity,
		.module = SPAN("TF_CONNECTION"),
		.name = below->text,
		.detail = pair_of(below, "info"),
		.local = below->local,
		.remote = below->remote,
		.pairs = below->data,
	};
	if (b->record.notice.pairs.count > RECORD_LIST_MAXIMUM)
		b->record.notice.pairs.count = RECORD_LIST_MAXIMUM;
}

static void read_connection(struct sipstack_body *b)
{
	static const struct {
		const char *text;
		enum record_connection_event event;
	} events[] = {
		{ "Connection established", RECORD_CONNECTION_OPENED },
		{ "Connection accepted", RECORD_CONNECTION_ACCEPTED },
		{ "Connection closed", RECORD_CONNECTION_CLOSED },
		{ "Connection failed", RECORD_CONNECTION_FAILED },
	};
	static const struct {
		const char *text;
		enum record_role role;
		bool failed;
	} handshakes[] = {
		{ "TLS negotiation completed", RECORD_CLIENT, false },
		{ "Inbound TLS negotiation failed", RECORD_SERVER, true },
		{ "Outbound TLS negotiation failed", RECORD_CLIENT, true },
	};
	struct below below = { 0 };
	read_below(b, &below);
	for (size_t i = 0; i < BASE_COUNT(events); i++)
		if (span_is(below.text, events[i].text))
			make_connection(b, &below, events[i].event);
	for (size_t i = 0; i < BASE_COUNT(handshakes); i++)
		if (span_is(below.text, handshakes[i].text))
			make_handshake(b, &below, handshakes[i].role, handshakes[i].failed);
	if (b->record.kind == RECORD_NONE && below.text.length > 0)
		make_notice(b, &below);
}

static const struct {
	const char *flag;
	void (*read)(struct sipstack_body *b);
} bodies[] = {
	{ "PROTOCOL", read_protocol },
	{ "DIAG", read_diagnostic },
	{ "CONNECTION", read_connection },
};

/* Of a flag that is not known the fields tell what it is. */
static void read_by_fields(struct sipstack_body *b)
{
	if (span_find_span(b->rest, SPAN("Start-Line: ")) < b->rest.length &&
		span_find_span(b->rest, SPAN("Direction: ")) < b->rest.length)
		read_protocol(b);
	else if (span_find_span(b->rest, SPAN("Result-Code: ")) < b->rest.length)
		read_diagnostic(b);
}

void sipstack_read_body(
	struct trace_reader *reader, const struct sipstack_header *h, struct span text, const struct trace_place *place)
{
	struct sipstack_body b = { .reader = reader, .rest = text, .record.head = h->head };
	void (*read)(struct sipstack_body * b) = read_by_fields;
	for (size_t i = 0; i < BASE_COUNT(bodies); i++)
		if (span_is(h->flag, bodies[i].flag))
			read = bodies[i].read;
	read(&b);
	if (b.record.kind == RECORD_NONE)
		reader->counts.other++;
	else
		trace_reader_give(reader, &b.record, place);
}
