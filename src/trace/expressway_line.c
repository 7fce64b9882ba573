/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of an Expressway's log that are no message: DNS, TCP, TLS, search rules, judgements, events. */
#include "base/require.h"
#include "record/pack.h"
#include "trace/expressway_private.h"
#include "trace/text_read.h"

/* One line on its way to a record. */
struct work {
	struct trace_reader *reader;
	const struct expressway_line *line;
	const struct trace_place *place;
	struct record record;
	struct span spans[RECORD_LIST_MAXIMUM];
	struct record_pair pairs[RECORD_LIST_MAXIMUM];
};

static struct span text(struct work *w, const char *name)
{
	return expressway_text(w->reader, w->line, name);
}

static struct span raw(const struct work *w, const char *name)
{
	return expressway_raw(w->line, name);
}

static void give(struct work *w, enum record_kind kind)
{
	w->record.kind = kind;
	trace_reader_give(w->reader, &w->record, w->place);
}

static void other(struct work *w)
{
	w->reader->counts.other++;
}

static bool starts(struct span s, const char *words, struct span *ret_rest)
{
	struct span prefix = span_of(words);
	if (!span_equal(span_first(s, prefix.length), prefix))
		return false;
	*ret_rest = span_from(s, prefix.length);
	return true;
}

/* What stands before the words, which must be there; *rest keeps what follows them. */
static bool before(struct span *rest, const char *words, struct span *ret_text)
{
	struct span needle = span_of(words);
	size_t at = span_find_span(*rest, needle);
	if (at == rest->length)
		return false;
	*ret_text = span_first(*rest, at);
	*rest = span_from(*rest, at + needle.length);
	return true;
}

/* ---- network.dns ---- */

/* "IPv4''TCP''1.2.3.4:5060" without its outer quotes; a record of another type is as it is. */
static struct span read_answer(struct record_dns *d, struct span answer)
{
	struct record_address address;
	struct span rest = answer, transport, host;
	if (!starts(answer, "IPv4''", &rest) && !starts(answer, "IPv6''", &rest))
		return answer;
	if (before(&rest, "''", &transport))
		d->transport = trace_read_transport(transport);
	if (!trace_read_host_port(rest, &address))
		return answer;
	d->port = address.port;
	host = rest;
	if (rest.length > 0 && rest.at[0] == '[') {
		host = span_from(rest, 1);
		return span_first(host, span_find(host, ']'));
	}
	return span_first(host, span_find(host, ':'));
}

/* ['…'] ['…'] (A/AAAA) Number of relevant records retrieved: 2 */
static void read_answers(struct work *w, struct span rest)
{
	struct record_dns *d = &w->record.dns;
	struct span list = rest, type = SPAN_NONE;
	size_t count = 0, closes = 0;
	/* The last one of its kind: what stands in a record may look like it. */
	for (size_t i = rest.length; i-- > 0 && closes == 0;)
		if (span_equal(span_first(span_from(rest, i), 4), SPAN("'] (")))
			closes = i + 2;
	list = span_first(rest, closes);
	rest = span_from(rest, closes + 2);
	(void)before(&rest, ") Number", &type);
	if (raw(w, "Type").at)
		d->type = text(w, "Type");
	else if (type.length > 0)
		d->type = span_is(type, "A/AAAA") ? SPAN("A") : type;
	if (!starts(list, "['", &list))
		list = SPAN_NONE;
	while (list.length > 0 && count < RECORD_LIST_MAXIMUM) {
		struct span answer;
		if (!before(&list, "'] ['", &answer)) {
			answer = span_first(list, list.length >= 2 ? list.length - 2 : 0);
			list = SPAN_NONE;
		}
		w->spans[count++] = read_answer(d, answer);
	}
	d->records = (struct record_spans){ w->spans, count };
}

static enum record_dns_status dns_status(struct span word)
{
	static const char *const words[] = { "OK", "NODATA", "NXDOMAIN", "SERVFAIL", "REFUSED", "TIMEOUT", "BOGUS",
		"CANCELLED" };
	for (unsigned int i = 1; i < BASE_COUNT(words); i++)
		if (span_is(word, words[i]))
			return (enum record_dns_status)i;
	return RECORD_DNS_SERVFAIL;
}

static void read_dns(struct work *w)
{
	struct record_dns *d = &w->record.dns;
	struct span detail = text(w, "Detail"), rest;
	d->name = text(w, "Name");
	if (span_is(detail, "Sending DNS query")) {
		struct span type = text(w, "Type");
		d->type = span_first(type, span_find_span(type, SPAN(" (IPv")));
		give(w, RECORD_DNS_QUERY);
		return;
	}
	d->why = text(w, "Reason");
	d->ttl_s = (uint32_t)expressway_number(w->line, "TTL", UINT32_MAX);
	d->secure = span_is(raw(w, "Secure"), "true");
	if (starts(detail, "Resolved hostname to:  ", &rest)) {
		read_answers(w, rest);
	} else if (span_is(detail, "Could not resolve hostname")) {
		d->type = text(w, "Type");
		d->status = dns_status(raw(w, "Status"));
	} else {
		other(w);
		return;
	}
	give(w, RECORD_DNS_ANSWER);
}

/* ---- network.tcp ---- */

/* The source is whoever opened it; which of the two is this box is known from its messages. */
static void read_ends(struct work *w, bool remote_opened, struct record_address *ret_local,
	struct record_address *ret_remote, enum record_role *ret_role)
{
	struct record_address source = expressway_address(w->line, "Src");
	struct record_address destination = expressway_address(w->line, "Dst");
	const struct expressway_state *state = w->reader->state;
	bool server =
		remote_opened || (expressway_is_local(state, &destination) && !expressway_is_local(state, &source));
	*ret_local = server ? destination : source;
	*ret_remote = server ? source : destination;
	*ret_role = server ? RECORD_SERVER : RECORD_CLIENT;
}

static void read_tcp(struct work *w)
{
	static const struct {
		const char *detail;
		enum record_connection_event event;
	} events[] = {
		{ "TCP Connecting", RECORD_CONNECTION_ATTEMPTED },
		{ "TCP Connection Established", RECORD_CONNECTION_OPENED },
		{ "TCP Connection Accepted", RECORD_CONNECTION_ACCEPTED },
		{ "TCP Connection Closed", RECORD_CONNECTION_CLOSED },
		{ "TCP Connection Failed", RECORD_CONNECTION_FAILED },
	};
	struct span detail = raw(w, "Detail");
	for (size_t i = 0; i < BASE_COUNT(events); i++) {
		struct record_connection *c = &w->record.connection;
		if (!span_is(detail, events[i].detail))
			continue;
		c->event = events[i].event;
		c->transport = RECORD_TCP;
		read_ends(w, c->event == RECORD_CONNECTION_ACCEPTED, &c->local, &c->remote, &c->role);
		c->reason = text(w, "Reason");
		c->stage = text(w, "Stage");
		give(w, RECORD_CONNECTION);
		return;
	}
	other(w);
}

/* ---- developer.ssl ---- */

#define NAMES_BYTES_MAXIMUM (64 * 1024)

static void keep_name(struct work *w)
{
	struct expressway_state *state = w->reader->state;
	struct span name = text(w, "AltName");
	if (!state->names.maximum)
		buffer_init(&state->names, NAMES_BYTES_MAXIMUM);
	if (!name.at || state->name_count == RECORD_LIST_MAXIMUM ||
		name.length + 9 > NAMES_BYTES_MAXIMUM - state->names.length)
		return;
	uint64_t length = name.length;
	(void)buffer_append(&state->names, span_make((const char *)&length, sizeof(length)));
	(void)buffer_append(&state->names, name);
	state->name_count++;
}

/* The names belong to the handshake that ends now. */
static struct record_spans take_names(struct work *w)
{
	struct expressway_state *state = w->reader->state;
	struct span rest = arena_copy(&w->reader->arena, buffer_span(&state->names));
	size_t count = 0;
	uint64_t length;
	while (count < state->name_count && rest.length >= sizeof(length)) {
		memcpy(&length, rest.at, sizeof(length));
		rest = span_from(rest, sizeof(length));
		w->spans[count++] = span_first(rest, (size_t)length);
		rest = span_from(rest, (size_t)length);
	}
	state->name_count = 0;
	buffer_clear(&state->names);
	return (struct record_spans){ w->spans, count };
}

/* "['IPv4''TCP''1.2.3.4:5060']" */
static struct record_address ssl_address(struct work *w, const char *name)
{
	struct record_address address = { 0 };
	struct span rest = raw(w, name), skipped;
	if (!before(&rest, "'TCP''", &skipped))
		return address;
	(void)trace_read_host_port(span_first(rest, span_find(rest, '\'')), &address);
	return address;
}

static void read_ssl_common(struct work *w)
{
	struct record_handshake *h = &w->record.handshake;
	struct span thread = raw(w, "Thread"), alert = raw(w, "Alert"), from = raw(w, "Alert-from");
	uint64_t number;
	if (starts(thread, "0x", &thread) && trace_read_hex(thread, UINT32_MAX, &number))
		w->record.head.thread = (uint32_t)number;
	h->role = span_is(raw(w, "bServer"), "true") ? RECORD_SERVER : RECORD_CLIENT;
	h->local = ssl_address(w, "localAddress");
	h->remote = ssl_address(w, "remoteAddress");
	if (alert.at && from.at && span_to_u64(alert, UINT16_MAX, &number) == 0) {
		h->alert = (uint16_t)number;
		h->alert_direction = span_is(from, "local") ? RECORD_ALERT_SENT : RECORD_ALERT_RECEIVED;
	}
}

static void read_handshake(struct work *w)
{
	struct record_handshake *h = &w->record.handshake;
	read_ssl_common(w);
	h->version = text(w, "Version");
	h->cipher = text(w, "Cipher");
	h->server_name = text(w, "Server-name");
	h->common_name = text(w, "Common-name");
	h->issuer = text(w, "Issuer");
	h->resumed = span_is(raw(w, "Resumed"), "true");
	h->verify_reason = text(w, "Verify");
	h->verify_error = (int32_t)(uint32_t)expressway_number(w->line, "Verify-error", UINT32_MAX);
	h->names = take_names(w);
	give(w, RECORD_HANDSHAKE);
}

/* Waits for the event of the same failure, which says more. */
static void read_handshake_failed(struct work *w)
{
	struct expressway_state *state = w->reader->state;
	expressway_give_waiting(w->reader, &state->failure, false);
	read_ssl_common(w);
	w->record.handshake.failed = true;
	w->record.handshake.reason = text(w, "ssl_error_reason");
	w->record.handshake.names = take_names(w);
	w->record.kind = RECORD_HANDSHAKE;
	if (!expressway_wait(&state->failure, &w->record, w->place))
		trace_reader_give(w->reader, &w->record, w->place);
}

static void read_ssl(struct work *w)
{
	struct span detail = raw(w, "Detail");
	if (span_is(detail, "Found DNS alt-name in peer certificate")) {
		keep_name(w);
		other(w);
	} else if (span_is(detail, "Handshake succeeded")) {
		read_handshake(w);
	} else if (span_is(detail, "Failed to establish SSL connection")) {
		read_handshake_failed(w);
	} else {
		other(w);
	}
}

static bool same_end(const struct record_address *a, const struct record_address *b)
{
	return record_address_equal(a, b) && a->port == b->port;
}

/* Whether the failure that waits is this one, with the same far end and role. */
static bool is_other_half(
	const struct expressway_state *state, const struct record_handshake *h, struct record_unpacked *ret_first)
{
	if (!state->failure.hash || record_unpack(buffer_span(&state->failure.packed), ret_first) != 0)
		return false;
	const struct record_handshake *first = &ret_first->record.handshake;
	return same_end(&first->remote, &h->remote) && first->role == h->role;
}

/* Event="Outbound TLS Negotiation Error": alone, or the other half of the failure before it. */
static void read_tls_event(struct work *w, bool inbound)
{
	struct expressway_state *state = w->reader->state;
	struct record_handshake *h = &w->record.handshake;
	struct record_unpacked first;
	struct span detail = text(w, "Detail");
	struct record_address source = expressway_address(w->line, "Src"),
			      destination = expressway_address(w->line, "Dst");
	h->failed = true;
	h->role = inbound ? RECORD_SERVER : RECORD_CLIENT;
	h->local = inbound ? destination : source;
	h->remote = inbound ? source : destination;
	h->reason = detail;
	h->common_name = text(w, "Common-name");
	if (!is_other_half(state, h, &first)) {
		give(w, RECORD_HANDSHAKE);
		return;
	}
	struct record_handshake *joined = &first.record.handshake;
	if (!span_equal(detail, joined->reason))
		joined->verify_reason = detail;
	joined->common_name = h->common_name;
	struct trace_place place = {
		.line = state->failure.line, .offset = state->failure.offset, .raw = buffer_span(&state->failure.raw)
	};
	state->failure.hash = 0;
	trace_reader_give(w->reader, &first.record, &place);
}

/* ---- network.search ---- */

/* What stands before the words at the end, which must be there. */
static bool ends(struct span s, const char *words, struct span *ret_text)
{
	struct span suffix = span_of(words);
	if (s.length < suffix.length || !span_equal(span_from(s, s.length - suffix.length), suffix))
		return false;
	*ret_text = span_first(s, s.length - suffix.length);
	return true;
}

/* After "Considering search rule '": NAME' towards target 'ZONE' at priority '1' with alias 'x' */
static bool read_considered(struct record_rule *rule, struct span rest)
{
	struct span priority;
	uint64_t number;
	rule->verdict = RECORD_RULE_CONSIDERED;
	if (!before(&rest, "' towards target '", &rule->name) || !before(&rest, "' at priority '", &rule->target) ||
		!before(&rest, "' with alias '", &priority) || !ends(rest, "'", &rule->alias))
		return false;
	bool negative = priority.length > 0 && priority.at[0] == '-';
	if (span_to_u64(span_from(priority, negative), (uint64_t)INT32_MAX + negative, &number) != 0)
		return false;
	rule->priority = (int32_t)(negative ? -(int64_t)number : (int64_t)number);
	return true;
}

/* After "Search rule '": why it was not considered. */
static bool read_passed_over(struct record_rule *rule, struct span rest)
{
	rule->verdict = RECORD_RULE_IGNORED_SOURCE;
	if (ends(rest, "' ignored due to source filtering", &rule->name))
		return true;
	rule->verdict = RECORD_RULE_IGNORED_DISABLED;
	if (ends(rest, "' ignored because it is disabled", &rule->name))
		return true;
	rule->verdict = RECORD_RULE_DID_NOT_MATCH;
	return before(&rest, "' did not match destination alias '", &rule->name) && ends(rest, "'", &rule->alias);
}

static void read_search_rule(struct work *w)
{
	struct span detail = text(w, "Detail"), rest;
	bool is_rule = starts(detail, "Considering search rule '", &rest) ? read_considered(&w->record.rule, rest)
		       : starts(detail, "Search rule '", &rest)           ? read_passed_over(&w->record.rule, rest)
									  : false;
	if (is_rule)
		give(w, RECORD_RULE);
	else
		other(w);
}

/* ---- network.federation: our own ---- */

static void read_judgement(struct work *w)
{
	struct record_judgement *j = &w->record.judgement;
	struct span level = raw(w, "Level");
	j->severity = span_is(level, "ERROR") ? RECORD_ERROR : span_is(level, "WARN") ? RECORD_WARNING : RECORD_NOTE;
	j->text = text(w, "Detail");
	j->code = text(w, "Finding");
	j->subject = text(w, "Subject");
	j->who = text(w, "Who");
	j->diagnostics = (uint32_t)expressway_number(w->line, "Diagnostics", UINT32_MAX);
	j->parameters.at = w->pairs;
	j->parameters.count = trace_read_pairs(&w->reader->arena, text(w, "Data"), w->pairs, RECORD_LIST_MAXIMUM);
	j->start_line = text(w, "Start-Line");
	j->call_id = text(w, "Call-ID");
	j->cseq = text(w, "CSeq");
	j->peer = text(w, "Peer");
	j->remote = expressway_address(w->line, "Src");
	j->status = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	j->reason = text(w, "Reason");
	give(w, RECORD_JUDGEMENT);
}

/* ---- events ---- */

/* "12", "12.5", "0.004211": seconds. */
static uint64_t duration_us(const struct work *w)
{
	struct span rest = raw(w, "Duration");
	struct span seconds = span_cut(&rest, '.');
	uint64_t whole = 0, part = 0;
	if (span_to_u64(seconds, UINT64_MAX / 1000000 - 1, &whole) != 0)
		return 0;
	struct span digits = span_first(rest, 6);
	if (rest.at && span_to_u64(digits, 999999, &part) == 0)
		for (size_t i = digits.length; i < 6; i++)
			part *= 10;
	return whole * 1000000 + part;
}

/* "Found:false, searchtype:INVITE, Info:Policy Response" */
static void read_search_detail(struct work *w, struct record_search *s)
{
	struct span rest = text(w, "Detail"), method;
	s->found = starts(rest, "Found:true, ", &rest);
	(void)starts(rest, "Found:false, ", &rest);
	if (!starts(rest, "searchtype:", &rest))
		return;
	if (before(&rest, ", Info:", &method)) {
		s->method = method;
		s->detail = rest;
	} else {
		s->method = rest;
	}
}

static void read_search(struct work *w, unsigned int event)
{
	struct record_search *s = &w->record.search;
	s->event = (enum record_search_event)event;
	s->reason = text(w, "Reason");
	s->remote = expressway_address(w->line, "Src");
	s->source = text(w, "Src-alias");
	s->destination = text(w, "Dst-alias");
	read_search_detail(w, s);
	s->transport = trace_read_transport(raw(w, "Protocol"));
	s->duration_us = duration_us(w);
	s->response_code = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	give(w, RECORD_SEARCH);
}

static void read_call(struct work *w, unsigned int event)
{
	struct record_call *c = &w->record.call;
	c->event = (enum record_call_event)event;
	c->reason = text(w, "Reason");
	c->remote = expressway_address(w->line, "Src");
	c->local = expressway_address(w->line, "Dst");
	c->source = text(w, "Src-alias");
	c->destination = text(w, "Dst-alias");
	c->transport = trace_read_transport(raw(w, "Protocol"));
	c->duration_us = duration_us(w);
	c->response_code = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	c->authenticated = span_is(raw(w, "Auth"), "YES");
	give(w, RECORD_CALL);
}

static void read_node(struct work *w, unsigned int event)
{
	w->record.node.event = (enum record_node_event)event;
	w->record.node.text = text(w, "Detail");
	w->record.node.count = expressway_number(w->line, "Count", UINT64_MAX);
	give(w, RECORD_NODE);
}

static void read_node_note(struct work *w, unsigned int severity)
{
	w->record.node.severity = (enum record_severity)severity;
	read_node(w, RECORD_NODE_NOTE);
}

static void read_tls(struct work *w, unsigned int inbound)
{
	read_tls_event(w, inbound);
}

static const struct {
	const char *event;
	void (*read)(struct work *w, unsigned int argument);
	unsigned int argument;
} events[] = {
	{ "Search Attempted", read_search, RECORD_SEARCH_ATTEMPTED },
	{ "Search Completed", read_search, RECORD_SEARCH_COMPLETED },
	{ "Call Attempted", read_call, RECORD_CALL_ATTEMPTED },
	{ "Call Connected", read_call, RECORD_CALL_CONNECTED },
	{ "Call Rejected", read_call, RECORD_CALL_REJECTED },
	{ "Call Disconnected", read_call, RECORD_CALL_DISCONNECTED },
	{ "Inbound TLS Negotiation Error", read_tls, true },
	{ "Outbound TLS Negotiation Error", read_tls, false },
	{ "Application Note", read_node_note, RECORD_NOTE },
	{ "Application Warning", read_node_note, RECORD_WARNING },
	{ "Application Error", read_node_note, RECORD_ERROR },
	{ "Application Started", read_node, RECORD_NODE_STARTED },
	{ "Application Ready", read_node, RECORD_NODE_READY },
	{ "Configuration Reloaded", read_node, RECORD_NODE_RELOADED },
	{ "Application Draining", read_node, RECORD_NODE_DRAINING },
	{ "Application Stopped", read_node, RECORD_NODE_STOPPED },
	{ "Log Records Dropped", read_node, RECORD_NODE_DROPPED },
};

static const struct {
	const char *module;
	void (*read)(struct work *w);
} modules[] = {
	{ "network.dns", read_dns },
	{ "network.tcp", read_tcp },
	{ "developer.ssl", read_ssl },
	{ "network.search", read_search_rule },
	{ "network.federation", read_judgement },
};

void expressway_read_line(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place)
{
	struct work w = { .reader = reader, .line = line, .place = place, .record.head = line->head };
	struct span event = expressway_raw(line, "Event"), module = expressway_raw(line, "Module");
	w.record.head.serial = expressway_text(reader, line, "Call-serial-number");
	w.record.head.tag = expressway_text(reader, line, "Tag");
	for (size_t i = 0; event.at && i < BASE_COUNT(events); i++)
		if (span_is(event, events[i].event)) {
			events[i].read(&w, events[i].argument);
			return;
		}
	for (size_t i = 0; !event.at && i < BASE_COUNT(modules); i++)
		if (span_is(module, modules[i].module)) {
			modules[i].read(&w);
			return;
		}
	other(&w);
}
