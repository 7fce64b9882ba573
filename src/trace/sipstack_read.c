/* SPDX-License-Identifier: Apache-2.0 */
/* The text trace of a Lync or Skype for Business server, both generations of its header line, back into records.
 * docs/formats.md has every field with its source. */
#include "base/require.h"
#include "trace/kind_private.h"
#include "trace/reader_private.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

/* One record: its header line taken apart. */
struct header {
	struct span level; /* "INFO", "WARN", "ERROR" */
	struct span flag; /* "PROTOCOL", "DIAG" … */
	struct record_head head;
	struct span rest; /* after the place in the code: text of a record of one line */
	bool opens; /* a body follows, up to $$end_record */
};

/* Takes what stands before the separator, which must be there. */
static bool cut_before(struct span *rest, const char *separator, struct span *ret_text)
{
	struct span needle = span_of(separator);
	size_t at = span_find_span(*rest, needle);
	if (at == rest->length)
		return false;
	*ret_text = span_first(*rest, at);
	*rest = span_from(*rest, at + needle.length);
	return true;
}

/* "sfvedge\sfvedge" names the machine last; "0" is a processor's number. */
static void read_machine(struct arena *arena, struct span text, struct record_head *head)
{
	size_t slash = span_find(text, '\\');
	if (slash < text.length)
		head->node = trace_read_escaped(arena, span_from(text, slash + 1));
}

/* 0584.0A44::03/02/2017-07:10:46.230.0000773E, times in UTC */
static bool read_times(struct span *rest, struct record_head *head)
{
	struct span process, thread;
	uint64_t number;
	if (!cut_before(rest, ".", &process) || !cut_before(rest, "::", &thread))
		return false;
	if (!trace_read_hex(process, UINT32_MAX, &number))
		return false;
	head->process = (uint32_t)number;
	if (!trace_read_hex(thread, UINT32_MAX, &number))
		return false;
	head->thread = (uint32_t)number;
	/* The second has three digits; what follows the next dot is the running number. */
	size_t used = trace_stamp_read(span_first(*rest, 23), true, &head->time_us);
	if (used == 0)
		return false;
	*rest = span_from(*rest, used);
	size_t digits = 0;
	while (digits + 1 < rest->length && digits < 8 &&
		trace_read_hex(span_make(rest->at + 1 + digits, 1), 15, &number))
		digits++;
	if (rest->length > 0 && rest->at[0] == '.' &&
		trace_read_hex(span_make(rest->at + 1, digits), UINT32_MAX, &number)) {
		head->sequence = (uint32_t)number;
		*rest = span_from(*rest, 1 + digits);
	}
	return true;
}

/* (SIPStack,SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(125)): brackets may be nested. */
static bool skip_place(struct span *rest)
{
	size_t open = span_find(*rest, '(');
	size_t depth = 0;
	for (size_t i = open; i < rest->length; i++) {
		depth += rest->at[i] == '(';
		depth -= rest->at[i] == ')';
		if (depth == 0) {
			*rest = span_from(*rest, i + 1);
			return true;
		}
	}
	return false;
}

/* " [156659184] $$begin_record", "$$begin_record", or the text of a record of one line. */
static void read_opening(struct header *h)
{
	struct span rest = span_trim(h->rest);
	struct span number;
	uint64_t correlation;
	if (rest.length > 0 && rest.at[0] == '[') {
		struct span after = span_from(rest, 1);
		if (cut_before(&after, "]", &number) && span_to_u64(number, UINT64_MAX, &correlation) == 0) {
			h->head.correlation = correlation;
			rest = span_trim(after);
		}
	}
	h->opens = span_is_nocase(rest, "$$begin_record");
}

static bool read_header(struct arena *arena, struct span line, struct header *ret_header)
{
	struct header h = { 0 };
	struct span rest = span_from(line, 3), machine;
	if (!cut_before(&rest, "(TF_", &h.level) || !cut_before(&rest, ")", &h.flag) ||
		!cut_before(&rest, "[", &machine) || !cut_before(&rest, "]", &machine))
		return false;
	read_machine(arena, machine, &h.head);
	if (!read_times(&rest, &h.head) || !skip_place(&rest))
		return false;
	h.rest = rest;
	read_opening(&h);
	*ret_header = h;
	return true;
}

/* ---- bodies ---- */

struct body {
	struct trace_reader *reader;
	struct span rest; /* lines not yet read */
	struct record record;
	struct record_pair pairs[RECORD_LIST_MAXIMUM + 8]; /* of a handshake: all names, and what else there is */
	struct span names[RECORD_LIST_MAXIMUM];
};

/* "Name: value"; false at the end. A line without a colon is passed over. */
static bool next_field(struct body *b, struct span *ret_name, struct span *ret_value)
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

static struct span text_of(struct body *b, struct span value)
{
	return trace_read_visible(&b->reader->arena, value);
}

static struct span name_of(struct body *b, struct span value)
{
	return trace_read_escaped(&b->reader->arena, value);
}

/* A line that looks like one of the trace's own was moved one blank to the right: it is moved back. */
static struct span unshifted(struct body *b, struct span lines)
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

/* From "Start-Line:" on. The headers end at "Message-Body:". */
static void read_bytes(struct body *b, struct span start_line)
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
		if (body.length > 0 && body.at[0] == ' ')
			body = span_from(body, 1);
		if (span_is(span_trim(body), "-"))
			body = SPAN_NONE;
	}
	struct span start = text_of(b, start_line);
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

static void read_protocol(struct body *b)
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
static void read_result(struct body *b, struct span value, struct record_judgement *j)
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

static void read_data(struct body *b, struct span value, struct record_pairs *ret_pairs)
{
	ret_pairs->count = trace_read_pairs(&b->reader->arena, value, b->pairs, BASE_COUNT(b->pairs));
	ret_pairs->at = b->pairs;
}

static void read_diagnostic(struct body *b)
{
	struct record_judgement *j = &b->record.judgement;
	struct span name, value;
	b->record.kind = RECORD_JUDGEMENT;
	while (next_field(b, &name, &value)) {
		if (span_is_nocase(name, "Severity"))
			j->severity = severity_word(span_trim(value));
		else if (span_is_nocase(name, "Text"))
			j->text = text_of(b, value);
		else if (span_is_nocase(name, "Result-Code"))
			read_result(b, value, j);
		else if (span_is_nocase(name, "SIP-Start-Line"))
			j->start_line = text_of(b, value);
		else if (span_is_nocase(name, "SIP-Call-ID"))
			j->call_id = text_of(b, value);
		else if (span_is_nocase(name, "SIP-CSeq"))
			j->cseq = text_of(b, value);
		else if (span_is_nocase(name, "Peer"))
			j->peer = text_of(b, value);
		else if (span_is_nocase(name, "Data"))
			read_data(b, value, &j->parameters);
	}
	if (j->parameters.count > RECORD_LIST_MAXIMUM)
		j->parameters.count = RECORD_LIST_MAXIMUM;
}

/* ---- connections and handshakes: our own contract ---- */

/* What both kinds have. */
struct below {
	struct span text;
	struct record_address local, remote;
	struct span peer;
	struct span transport;
	struct record_pairs data;
};

static void read_below(struct body *b, struct below *ret_below)
{
	struct span name, value;
	struct record_address ignored;
	while (next_field(b, &name, &value)) {
		if (span_is_nocase(name, "Text"))
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

static void make_connection(struct body *b, const struct below *below, enum record_connection_event event)
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

static void make_handshake(struct body *b, const struct below *below, enum record_role role, bool failed)
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

static void read_connection(struct body *b)
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
}

static const struct {
	const char *flag;
	void (*read)(struct body *b);
} bodies[] = {
	{ "PROTOCOL", read_protocol },
	{ "DIAG", read_diagnostic },
	{ "CONNECTION", read_connection },
};

static void read_body(
	struct trace_reader *reader, const struct header *h, struct span text, const struct trace_place *place)
{
	struct body b = { .reader = reader, .rest = text, .record.head = h->head };
	for (size_t i = 0; i < BASE_COUNT(bodies); i++)
		if (span_is(h->flag, bodies[i].flag))
			bodies[i].read(&b);
	if (b.record.kind == RECORD_NONE)
		reader->counts.other++;
	else
		trace_reader_give(reader, &b.record, place);
}

/* A record of one line: what a component says. */
static void read_component(struct trace_reader *reader, const struct header *h, const struct trace_place *place)
{
	struct record record = { .kind = RECORD_NODE, .head = h->head };
	struct span text = h->rest;
	if (text.length > 0 && text.at[0] == ' ')
		text = span_from(text, 1);
	trace_read_note(&reader->arena, text, &record.node);
	record.node.severity = trace_read_severity(h->level);
	trace_reader_give(reader, &record, place);
}

/* ---- lines ---- */

bool sipstack_begins_record(struct span line)
{
	struct span front = span_first(line, 24);
	return line.length > 3 && line.at[0] == 'T' && line.at[1] == 'L' && line.at[2] == '_' &&
	       span_find_span(front, SPAN("(TF_")) < front.length;
}

/* The body's length, up to and with the line that ends it. A record that was cut off ends where the next begins.
 * False: the end has not come. */
static bool find_end(struct span text, bool last, struct span *ret_body, size_t *ret_whole, size_t *ret_lines)
{
	size_t done = 0, whole, lines = 0;
	struct span line;
	while (trace_reader_line(span_from(text, done), last, &line, &whole)) {
		if (sipstack_begins_record(line))
			break;
		lines++;
		done += whole;
		/* A message's own line of that kind has a blank in front. */
		if (line.length > 0 && line.at[0] == '$' && span_is_nocase(span_trim(line), "$$end_record")) {
			*ret_body = span_first(text, done - whole);
			*ret_whole = done;
			*ret_lines = lines;
			return true;
		}
		if (done > TRACE_RECORD_MAXIMUM)
			break;
	}
	if (done == text.length && !last)
		return false;
	if (done < text.length && !last && span_find(span_from(text, done), '\n') == text.length - done)
		return false; /* the next line is not whole: it may be anything */
	*ret_body = span_first(text, done);
	*ret_whole = done;
	*ret_lines = lines;
	return true;
}

/* Gives the bytes used, 0 where the record is not whole yet. */
static size_t read_record(struct trace_reader *reader, struct span text, bool last, struct span line, size_t first)
{
	struct header h;
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset };
	struct span body = SPAN_NONE;
	size_t more = 0, lines = 0;
	arena_reset(&reader->arena);
	bool readable = read_header(&reader->arena, line, &h);
	if (readable && h.opens && !find_end(span_from(text, first), last, &body, &more, &lines))
		return 0;
	place.raw = span_first(text, first + more);
	reader->line += 1 + lines;
	reader->counts.lines += 1 + lines;
	if (!readable)
		trace_reader_unread(reader, &place, "a record whose first line is damaged");
	else if (h.opens)
		read_body(reader, &h, body, &place);
	else
		read_component(reader, &h, &place);
	return first + more;
}

static void read_stray(struct trace_reader *reader, struct span line, struct span raw)
{
	struct trace_place place = { .line = ++reader->line, .offset = reader->offset, .raw = raw };
	reader->counts.lines++;
	if (span_trim(line).length > 0)
		trace_reader_unread(reader, &place, "a line outside of any record");
}

/* One record or one stray line a call: the reader's offset is that of text. */
static size_t read_sipstack(struct trace_reader *reader, struct span text, bool last)
{
	struct span line;
	size_t whole;
	if (!trace_reader_line(text, last, &line, &whole))
		return 0;
	if (sipstack_begins_record(line))
		return read_record(reader, text, last, line, whole);
	read_stray(reader, line, span_first(text, whole));
	return whole;
}

const struct trace_reading trace_reading_sipstack = { .read = read_sipstack };
