/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of an Expressway's log that are no message: DNS, TCP, TLS, search rules, judgements, events. */
#include "base/require.h"
#include "trace/expressway_private.h"
#include "trace/text_read.h"

static struct span text(struct expressway_work *w, const char *name)
{
	return expressway_text(w->reader, w->line, name);
}

static struct span raw(const struct expressway_work *w, const char *name)
{
	return expressway_raw(w->line, name);
}

void expressway_give(struct expressway_work *w, enum record_kind kind)
{
	w->record.kind = kind;
	trace_reader_give(w->reader, &w->record, w->place);
}

bool expressway_starts(struct span s, const char *words, struct span *ret_rest)
{
	struct span prefix = span_of(words);
	if (!span_equal(span_first(s, prefix.length), prefix))
		return false;
	*ret_rest = span_from(s, prefix.length);
	return true;
}

bool expressway_before(struct span *rest, const char *words, struct span *ret_text)
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
	if (!expressway_starts(answer, "IPv4''", &rest) && !expressway_starts(answer, "IPv6''", &rest))
		return answer;
	if (expressway_before(&rest, "''", &transport))
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
static void read_answers(struct expressway_work *w, struct span rest)
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
	(void)expressway_before(&rest, ") Number", &type);
	if (raw(w, "Type").at)
		d->type = text(w, "Type");
	else if (type.length > 0)
		d->type = span_is(type, "A/AAAA") ? SPAN("A") : type;
	if (!expressway_starts(list, "['", &list))
		list = SPAN_NONE;
	while (list.length > 0 && count < RECORD_LIST_MAXIMUM) {
		struct span answer;
		if (!expressway_before(&list, "'] ['", &answer)) {
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

static void read_dns(struct expressway_work *w)
{
	struct record_dns *d = &w->record.dns;
	struct span detail = text(w, "Detail"), rest;
	d->name = text(w, "Name");
	if (expressway_is(detail, "Sending DNS query")) {
		struct span type = text(w, "Type");
		d->type = span_first(type, span_find_span(type, SPAN(" (IPv")));
		expressway_give(w, RECORD_DNS_QUERY);
		return;
	}
	d->why = text(w, "Reason");
	d->ttl_s = (uint32_t)expressway_number(w->line, "TTL", UINT32_MAX);
	d->secure = span_is(raw(w, "Secure"), "true");
	if (expressway_starts(span_trim(detail), "Resolved hostname to:", &rest)) {
		read_answers(w, span_trim(rest));
	} else if (span_is(detail, "Could not resolve hostname")) {
		d->type = text(w, "Type");
		d->status = dns_status(raw(w, "Status"));
	} else {
		expressway_read_notice(w);
		return;
	}
	expressway_give(w, RECORD_DNS_ANSWER);
}

/* ---- network.tcp ---- */

/* The source is whoever opened it; which of the two is this box is known from its messages. */
static void read_ends(struct expressway_work *w, bool remote_opened, struct record_address *ret_local,
	struct record_address *ret_remote, enum record_role *ret_role)
{
	struct record_address source = expressway_end(w->line, EXPRESSWAY_SOURCE);
	struct record_address destination = expressway_end(w->line, EXPRESSWAY_DESTINATION);
	const struct expressway_state *state = w->reader->state;
	bool server =
		remote_opened || (expressway_is_local(state, &destination) && !expressway_is_local(state, &source));
	*ret_local = server ? destination : source;
	*ret_remote = server ? source : destination;
	*ret_role = server ? RECORD_SERVER : RECORD_CLIENT;
}

static void read_tcp(struct expressway_work *w)
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
	struct span detail = w->line->known[EXPRESSWAY_DETAIL];
	for (size_t i = 0; i < BASE_COUNT(events); i++) {
		struct record_connection *c = &w->record.connection;
		if (!expressway_is(detail, events[i].detail))
			continue;
		c->event = events[i].event;
		c->transport = RECORD_TCP;
		read_ends(w, c->event == RECORD_CONNECTION_ACCEPTED, &c->local, &c->remote, &c->role);
		c->reason = text(w, "Reason");
		c->stage = text(w, "Stage");
		expressway_give(w, RECORD_CONNECTION);
		return;
	}
	expressway_read_notice(w);
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
	if (!expressway_before(&rest, "' towards target '", &rule->name) ||
		!expressway_before(&rest, "' at priority '", &rule->target) ||
		!expressway_before(&rest, "' with alias '", &priority) || !ends(rest, "'", &rule->alias))
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
	return expressway_before(&rest, "' did not match destination alias '", &rule->name) &&
	       ends(rest, "'", &rule->alias);
}

static void read_search_rule(struct expressway_work *w)
{
	struct span detail = text(w, "Detail"), rest;
	bool is_rule = expressway_starts(detail, "Considering search rule '", &rest)
			       ? read_considered(&w->record.rule, rest)
		       : expressway_starts(detail, "Search rule '", &rest) ? read_passed_over(&w->record.rule, rest)
									   : false;
	if (is_rule)
		expressway_give(w, RECORD_RULE);
	else
		expressway_read_notice(w);
}

/* ---- network.cpl ---- */

/* The name of the rule is ours: the product's lines have none, and are notices. */
static void read_policy(struct expressway_work *w)
{
	struct record_rule *rule = &w->record.rule;
	rule->name = text(w, "Rule");
	if (!rule->name.at) {
		expressway_read_notice(w);
		return;
	}
	rule->part = RECORD_RULE_POLICY;
	rule->verdict = RECORD_RULE_CONSIDERED;
	rule->action = text(w, "Action");
	rule->alias = text(w, "Alias");
	rule->source = text(w, "Source");
	expressway_give(w, RECORD_RULE);
}

/* ---- network.federation: our own ---- */

static void read_judgement(struct expressway_work *w)
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
	j->remote = expressway_end(w->line, EXPRESSWAY_SOURCE);
	j->status = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	j->reason = text(w, "Reason");
	expressway_give(w, RECORD_JUDGEMENT);
}

/* ---- events ---- */

/* "12", "12.5", "0.004211": seconds. */
static uint64_t duration_us(const struct expressway_work *w)
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
static void read_search_detail(struct expressway_work *w, struct record_search *s)
{
	struct span rest = text(w, "Detail"), method;
	s->found = expressway_starts(rest, "Found:true, ", &rest);
	(void)expressway_starts(rest, "Found:false, ", &rest);
	if (!expressway_starts(rest, "searchtype:", &rest))
		return;
	if (expressway_before(&rest, ", Info:", &method)) {
		s->method = method;
		s->detail = rest;
	} else {
		s->method = rest;
	}
}

static void read_search(struct expressway_work *w, unsigned int event)
{
	struct record_search *s = &w->record.search;
	s->event = (enum record_search_event)event;
	s->reason = text(w, "Reason");
	s->remote = expressway_end(w->line, EXPRESSWAY_SOURCE);
	s->source = text(w, "Src-alias");
	s->destination = text(w, "Dst-alias");
	read_search_detail(w, s);
	s->transport = trace_read_transport(raw(w, "Protocol"));
	s->duration_us = duration_us(w);
	s->response_code = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	expressway_give(w, RECORD_SEARCH);
}

static void read_call(struct expressway_work *w, unsigned int event)
{
	struct record_call *c = &w->record.call;
	c->event = (enum record_call_event)event;
	c->reason = text(w, "Reason");
	c->remote = expressway_end(w->line, EXPRESSWAY_SOURCE);
	c->local = expressway_end(w->line, EXPRESSWAY_DESTINATION);
	c->source = text(w, "Src-alias");
	c->destination = text(w, "Dst-alias");
	c->transport = trace_read_transport(raw(w, "Protocol"));
	c->duration_us = duration_us(w);
	c->response_code = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	c->authenticated = span_is(raw(w, "Auth"), "YES");
	expressway_give(w, RECORD_CALL);
}

/* The contact is ours, and always there. */
static void read_registration(struct expressway_work *w, unsigned int event)
{
	struct record_registration *g = &w->record.registration;
	g->contact = text(w, "Contact");
	if (!g->contact.at) {
		expressway_read_notice(w);
		return;
	}
	g->event = (enum record_registration_event)event;
	g->reason = text(w, "Reason");
	g->remote = expressway_end(w->line, EXPRESSWAY_SOURCE);
	g->alias = text(w, "Src-alias");
	g->user = text(w, "User");
	g->agent = text(w, "User-Agent");
	g->transport = trace_read_transport(raw(w, "Protocol"));
	g->expires_s = (uint32_t)expressway_number(w->line, "Expires", UINT32_MAX);
	g->status = (uint16_t)expressway_number(w->line, "Response-code", UINT16_MAX);
	expressway_give(w, RECORD_REGISTRATION);
}

static void read_node(struct expressway_work *w, unsigned int event)
{
	w->record.node.event = (enum record_node_event)event;
	w->record.node.text = text(w, "Detail");
	w->record.node.count = expressway_number(w->line, "Count", UINT64_MAX);
	expressway_give(w, RECORD_NODE);
}

static void read_node_note(struct expressway_work *w, unsigned int severity)
{
	w->record.node.severity = (enum record_severity)severity;
	read_node(w, RECORD_NODE_NOTE);
}

static const struct {
	const char *event;
	void (*read)(struct expressway_work *w, unsigned int argument);
	unsigned int argument;
} events[] = {
	{ "Search Attempted", read_search, RECORD_SEARCH_ATTEMPTED },
	{ "Search Completed", read_search, RECORD_SEARCH_COMPLETED },
	{ "Call Attempted", read_call, RECORD_CALL_ATTEMPTED },
	{ "Call Connected", read_call, RECORD_CALL_CONNECTED },
	{ "Call Rejected", read_call, RECORD_CALL_REJECTED },
	{ "Call Disconnected", read_call, RECORD_CALL_DISCONNECTED },
	{ "Registration Accepted", read_registration, RECORD_REGISTRATION_ACCEPTED },
	{ "Registration Refreshed", read_registration, RECORD_REGISTRATION_REFRESHED },
	{ "Registration Removed", read_registration, RECORD_REGISTRATION_REMOVED },
	{ "Registration Expired", read_registration, RECORD_REGISTRATION_EXPIRED },
	{ "Registration Rejected", read_registration, RECORD_REGISTRATION_REJECTED },
	{ "Inbound TLS Negotiation Error", expressway_read_tls_event, true },
	{ "Outbound TLS Negotiation Error", expressway_read_tls_event, false },
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
	void (*read)(struct expressway_work *w);
} modules[] = {
	{ "network.dns", read_dns },
	{ "network.tcp", read_tcp },
	{ "developer.ssl", expressway_read_ssl },
	{ "network.search", read_search_rule },
	{ "network.cpl", read_policy },
	{ "network.federation", read_judgement },
};

void expressway_read_line(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place)
{
	struct expressway_work w;
	struct span module = span_trim(line->known[EXPRESSWAY_MODULE]);
	/* A line of a module may have a key of that name too. */
	struct span event = module.length > 0 ? SPAN_NONE : span_trim(line->known[EXPRESSWAY_EVENT]);
	w.reader = reader;
	w.line = line;
	w.place = place;
	w.record = (struct record){ .head = line->head };
	w.record.head.serial = expressway_text(reader, line, "Call-serial-number");
	w.record.head.tag = expressway_text(reader, line, "Tag");
	for (size_t i = 0; event.length > 0 && i < BASE_COUNT(events); i++)
		if (span_is(event, events[i].event)) {
			events[i].read(&w, events[i].argument);
			return;
		}
	for (size_t i = 0; module.length > 0 && i < BASE_COUNT(modules); i++)
		if (span_is(module, modules[i].module)) {
			modules[i].read(&w);
			return;
		}
	expressway_read_notice(&w);
}
