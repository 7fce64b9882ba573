/* SPDX-License-Identifier: Apache-2.0 */
/* The diagnostic log of an Expressway. Shapes: the seed document (Cisco TAC 212383) for
 * network.sip, the other lines by facts of the product's log; docs/formats.md says which parts
 * are the product's and which are our own. */
#include "base/require.h"
#include "trace/private.h"
#include "trace/sip_text.h"

/* One writer at work on one record. */
struct line {
	struct trace_writer *w;
	const struct record *r;
	struct buffer *out;
};

static void append_utc(const struct line *l, const char *key_before)
{
	uint32_t us;
	const struct trace_stamp *s = trace_stamp_of(l->w, l->r->head.time_us, &us);
	trace_append(l->out, span_of(key_before));
	trace_append_literal(l->out, "UTCTime=\"");
	trace_append(l->out, span_make(s->iso_utc, TRACE_STAMP_LENGTH));
	trace_append_byte(l->out, ',');
	trace_append_ms(l->out, us);
	trace_append_byte(l->out, '"');
}

static void append_stamp(const struct line *l)
{
	uint32_t us;
	const struct trace_stamp *s = trace_stamp_of(l->w, l->r->head.time_us, &us);
	trace_append(l->out, span_make(s->iso_local, TRACE_STAMP_LENGTH));
	trace_append_byte(l->out, '.');
	trace_append_ms(l->out, us);
	trace_append(l->out, span_make(s->offset, sizeof(s->offset) - 1));
	trace_append_byte(l->out, ' ');
	trace_append_escaped(l->out, trace_node(l->w, l->r));
	trace_append_literal(l->out, " tvcs:");
}

/* 2017-03-02T08:10:46.240+01:00 vcse tvcs: UTCTime="2017-03-02 07:10:46,240" Module="…" Level="…": */
static void open_module(const struct line *l, const char *module, const char *level)
{
	append_stamp(l);
	append_utc(l, " ");
	trace_append_key(l->out, "Module", span_of(module));
	trace_append_key(l->out, "Level", span_of(level));
	trace_append_byte(l->out, ':');
}

/* Event lines have Level and UTCTime at the end. */
static void open_event(const struct line *l, const char *event)
{
	append_stamp(l);
	trace_append_key(l->out, "Event", span_of(event));
}

static void close_event(const struct line *l)
{
	trace_append_literal(l->out, " Level=\"1\"");
	append_utc(l, " ");
	trace_append_byte(l->out, '\n');
}

static struct span transport_name(enum record_transport transport)
{
	static const char *const names[] = { NULL, "UDP", "TCP", "TLS" };
	return (unsigned int)transport < BASE_COUNT(names) ? span_of(names[transport]) : SPAN_NONE;
}

/* network.sip */

static void append_action(const struct line *l)
{
	const struct record_message *m = &l->r->message;
	bool sent = m->direction == RECORD_SENT;
	trace_append(l->out, sent ? SPAN("  Action=\"Sent\"") : SPAN("  Action=\"Received\""));
	trace_append_key_address(l->out, "Local", &m->local);
	trace_append_key_address(l->out, sent ? "Dst" : "Src", &m->remote);
}

static uint64_t message_hash(const struct record_message *m)
{
	return m->hash ? m->hash : trace_hash(m->bytes);
}

static void append_item(const struct line *l, const char *name, struct span value)
{
	trace_append(l->out, span_of(name));
	trace_append_byte(l->out, '=');
	trace_append_escaped(l->out, value);
}

/* Requests have Request-URI where responses have To. */
static void append_summary(const struct line *l, const struct trace_sip_text *t)
{
	const struct record_head *h = &l->r->head;
	bool sent = l->r->message.direction == RECORD_SENT;
	trace_append_literal(l->out, " Detail=\"");
	trace_append(l->out, sent ? SPAN("Sending ") : SPAN("Receive "));
	if (t->is_request) {
		append_item(l, "Request Method", t->method);
	} else {
		append_item(l, "Response Code", t->status);
		append_item(l, ", Method", t->method);
	}
	append_item(l, ", CSeq", t->cseq);
	append_item(l, t->is_request ? ", Request-URI" : ", To", t->is_request ? t->request_uri : t->to);
	append_item(l, ", Call-ID", t->call_id);
	append_item(l, ", From-Tag", t->from_tag);
	append_item(l, ", To-Tag", t->to_tag);
	trace_append_literal(l->out, ", Msg-Hash=");
	buffer_append_u64(l->out, message_hash(&l->r->message));
	append_item(l, ", Local-SessionID", h->local_session.at ? h->local_session : t->local_session);
	append_item(l, ", Remote-SessionID", h->remote_session.at ? h->remote_session : t->remote_session);
	trace_append_literal(l->out, "\"\n");
}

/* A line of the message that is a bar and nothing else would end it: it is moved one blank further. */
static bool is_bar(struct span text)
{
	while (text.length > 1 && text.at[0] == ' ')
		text = span_from(text, 1);
	return text.length == 1 && text.at[0] == '|';
}

/* The first line has the bar, the others a blank, an empty one nothing; a lone bar ends it. */
static void append_message(const struct line *l)
{
	struct span rest = l->r->message.bytes, text;
	trace_append_literal(l->out, "\n SIPMSG:\n |");
	for (bool first = true; trace_next_line(&rest, &text); first = false) {
		if (!first && text.length > 0)
			trace_append(l->out, is_bar(text) ? SPAN("  ") : SPAN(" "));
		trace_append(l->out, text);
		trace_append_byte(l->out, '\n');
	}
	if (!l->r->message.bytes.at)
		trace_append_byte(l->out, '\n');
	trace_append_literal(l->out, " |\n");
}

static void write_message(const struct line *l)
{
	struct trace_sip_text t;
	trace_sip_text_read(l->r->message.bytes, &t);
	open_module(l, "network.sip", "INFO");
	append_action(l);
	append_summary(l, &t);
	open_module(l, "network.sip", "DEBUG");
	append_action(l);
	trace_append_key_u64(l->out, "Msg-Hash", message_hash(&l->r->message));
	append_message(l);
}

/* network.dns */

static void write_dns_query(const struct line *l)
{
	const struct record_dns *d = &l->r->dns;
	open_module(l, "network.dns", "DEBUG");
	trace_append_key(l->out, "Detail", SPAN("Sending DNS query"));
	trace_append_key(l->out, "Name", d->name);
	trace_append_literal(l->out, " Type=\"");
	trace_append_escaped(l->out, d->type);
	if (span_is(d->type, "SRV"))
		trace_append_literal(l->out, " (IPv4 and IPv6)");
	trace_append_literal(l->out, "\"\n");
}

static bool is_address_type(struct span type)
{
	return span_is(type, "A") || span_is(type, "AAAA");
}

/* ['IPv4''TCP''1.2.3.4:5060']; a record of another type is quoted as it is. */
static void append_answer(const struct line *l, struct span text)
{
	const struct record_dns *d = &l->r->dns;
	struct record_address address = { .port = d->port };
	if (!is_address_type(d->type) || record_address_parse(text, &address) != 0) {
		trace_append_literal(l->out, "['");
		trace_append_escaped(l->out, text);
		trace_append_literal(l->out, "']");
		return;
	}
	trace_append(l->out, address.family == 4 ? SPAN("['IPv4'") : SPAN("['IPv6'"));
	if (d->transport != RECORD_TRANSPORT_NONE) {
		trace_append_byte(l->out, '\'');
		trace_append(l->out, transport_name(d->transport));
		trace_append_byte(l->out, '\'');
	}
	trace_append_byte(l->out, '\'');
	trace_append_host_port(l->out, &address);
	trace_append_literal(l->out, "']");
}

static void append_answers(const struct line *l)
{
	const struct record_dns *d = &l->r->dns;
	trace_append_literal(l->out, " Detail=\"Resolved hostname to:  ");
	for (size_t i = 0; i < d->records.count; i++) {
		if (i > 0)
			trace_append_byte(l->out, ' ');
		append_answer(l, d->records.at[i]);
	}
	trace_append_literal(l->out, " (");
	if (is_address_type(d->type))
		trace_append_literal(l->out, "A/AAAA");
	else
		trace_append_escaped(l->out, d->type);
	trace_append_literal(l->out, ") Number of relevant records retrieved: ");
	buffer_append_u64(l->out, d->records.count);
	trace_append_byte(l->out, '"');
}

static void write_dns_answer(const struct line *l)
{
	static const char *const statuses[] = { "OK", "NODATA", "NXDOMAIN", "SERVFAIL", "REFUSED", "TIMEOUT", "BOGUS",
		"CANCELLED" };
	const struct record_dns *d = &l->r->dns;
	open_module(l, "network.dns", "DEBUG");
	if (d->status == RECORD_DNS_OK)
		append_answers(l);
	else
		trace_append_key(l->out, "Detail", SPAN("Could not resolve hostname"));
	trace_append_key(l->out, "Name", d->name);
	trace_append_key(l->out, "Type", d->type);
	if (d->status != RECORD_DNS_OK && (unsigned int)d->status < BASE_COUNT(statuses))
		trace_append_key(l->out, "Status", span_of(statuses[d->status]));
	trace_append_key(l->out, "Reason", d->why);
	if (d->ttl_s)
		trace_append_key_u64(l->out, "TTL", d->ttl_s);
	if (d->secure)
		trace_append_key(l->out, "Secure", SPAN("true"));
	trace_append_byte(l->out, '\n');
}

/* network.tcp */

/* Src is whoever opened the connection. */
static void append_ends(
	const struct line *l, bool we_opened, const struct record_address *local, const struct record_address *remote)
{
	trace_append_key_address(l->out, "Src", we_opened ? local : remote);
	trace_append_key_address(l->out, "Dst", we_opened ? remote : local);
}

static void write_connection(const struct line *l)
{
	static const char *const details[] = {
		[RECORD_CONNECTION_ATTEMPTED] = "TCP Connecting",
		[RECORD_CONNECTION_OPENED] = "TCP Connection Established",
		[RECORD_CONNECTION_ACCEPTED] = "TCP Connection Accepted",
		[RECORD_CONNECTION_CLOSED] = "TCP Connection Closed",
		[RECORD_CONNECTION_FAILED] = "TCP Connection Failed",
	};
	const struct record_connection *c = &l->r->connection;
	if (c->transport == RECORD_UDP || (unsigned int)c->event >= BASE_COUNT(details))
		return;
	open_module(l, "network.tcp", "DEBUG");
	append_ends(l, c->role == RECORD_CLIENT && c->event != RECORD_CONNECTION_ACCEPTED, &c->local, &c->remote);
	trace_append_key(l->out, "Detail", span_of(details[c->event]));
	trace_append_key(l->out, "Reason", c->reason);
	trace_append_key(l->out, "Stage", c->stage);
	trace_append_byte(l->out, '\n');
}

/* developer.ssl and the two TLS events */

static void open_ssl(const struct line *l, const char *level, const char *method)
{
	append_stamp(l);
	append_utc(l, " ");
	trace_append_key(l->out, "Module", SPAN("developer.ssl"));
	trace_append_key(l->out, "Level", span_of(level));
	trace_append_key(l->out, "CodeLocation", SPAN("net/tls"));
	trace_append_key(l->out, "Method", span_of(method));
	trace_append_literal(l->out, " Thread=\"0x");
	trace_append_hex(l->out, trace_thread(l->r), 8);
	trace_append_literal(l->out, "\": ");
}

static void append_ssl_address(const struct line *l, const char *key, const struct record_address *address)
{
	if (!address->family)
		return;
	trace_append_byte(l->out, ' ');
	trace_append(l->out, span_of(key));
	trace_append(l->out, address->family == 4 ? SPAN("=\"['IPv4''TCP''") : SPAN("=\"['IPv6''TCP''"));
	trace_append_host_port(l->out, address);
	trace_append_literal(l->out, "']\"");
}

static void append_ssl_ends(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	trace_append_key(l->out, "bServer", h->role == RECORD_SERVER ? SPAN("true") : SPAN("false"));
	append_ssl_address(l, "localAddress", &h->local);
	append_ssl_address(l, "remoteAddress", &h->remote);
}

/* What stopped the handshake, in the order of how much it says. */
static struct span handshake_reason(const struct record_handshake *h)
{
	if (h->verify_reason.at)
		return h->verify_reason;
	return h->reason.at ? h->reason : SPAN("handshake failed");
}

static void append_alert(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	if (h->alert_direction == RECORD_ALERT_NONE)
		return;
	trace_append_key_u64(l->out, "Alert", h->alert);
	trace_append_key(l->out, "Alert-from", h->alert_direction == RECORD_ALERT_SENT ? SPAN("local") : SPAN("peer"));
}

static void write_handshake_names(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	for (size_t i = 0; i < h->names.count; i++) {
		if (!h->names.at[i].at)
			continue;
		open_ssl(l, "DEBUG", "::ttssl_continueHandshake");
		trace_append_key(l->out, "Detail", SPAN("Found DNS alt-name in peer certificate"));
		trace_append_key(l->out, "AltName", h->names.at[i]);
		trace_append_byte(l->out, '\n');
	}
}

static void write_handshake_done(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	open_ssl(l, "DEBUG", "::ttssl_continueHandshake");
	trace_append_key(l->out, "Detail", SPAN("Handshake succeeded"));
	append_ssl_ends(l);
	trace_append_key(l->out, "Version", h->version);
	trace_append_key(l->out, "Cipher", h->cipher);
	trace_append_key(l->out, "Server-name", h->server_name);
	trace_append_key(l->out, "Common-name", h->common_name);
	trace_append_key(l->out, "Issuer", h->issuer);
	if (h->resumed)
		trace_append_key(l->out, "Resumed", SPAN("true"));
	if (h->verify_error) {
		trace_append_key(l->out, "Verify", h->verify_reason);
		trace_append_key_u64(l->out, "Verify-error", (uint32_t)h->verify_error);
	}
	trace_append_byte(l->out, '\n');
}

static void write_handshake_failed(const struct line *l)
{
	const struct record_handshake *h = &l->r->handshake;
	open_ssl(l, "ERROR", "::ttssl_continueHandshake");
	trace_append_literal(l->out, " Detail=\"Failed to establish SSL connection\" iResult=\"-1\" error=\"1\"");
	append_ssl_ends(l);
	trace_append_key(l->out, "ssl_error_reason", h->reason.at ? h->reason : handshake_reason(h));
	append_alert(l);
	trace_append_byte(l->out, '\n');

	bool inbound = h->role == RECORD_SERVER;
	open_event(l, inbound ? "Inbound TLS Negotiation Error" : "Outbound TLS Negotiation Error");
	trace_append_key(l->out, "Service", SPAN("SIP"));
	append_ends(l, !inbound, &h->local, &h->remote);
	trace_append_key(l->out, "Detail", handshake_reason(h));
	trace_append_key(l->out, "Protocol", SPAN("TLS"));
	trace_append_key(l->out, "Common-name", h->common_name.at ? h->common_name : h->server_name);
	close_event(l);
}

static void write_handshake(const struct line *l)
{
	write_handshake_names(l);
	if (l->r->handshake.failed)
		write_handshake_failed(l);
	else
		write_handshake_done(l);
}

/* network.search */

static void write_search_rule(const struct line *l)
{
	const struct record_rule *rule = &l->r->rule;
	if (rule->verdict > RECORD_RULE_CONSIDERED)
		return;
	open_module(l, "network.search", "DEBUG");
	trace_append_literal(l->out, " Detail=\"");
	trace_append(l->out,
		rule->verdict == RECORD_RULE_CONSIDERED ? SPAN("Considering search rule '") : SPAN("Search rule '"));
	trace_append_escaped(l->out, rule->name);
	if (rule->verdict == RECORD_RULE_IGNORED_SOURCE) {
		trace_append_literal(l->out, "' ignored due to source filtering");
	} else if (rule->verdict == RECORD_RULE_IGNORED_DISABLED) {
		trace_append_literal(l->out, "' ignored because it is disabled");
	} else if (rule->verdict == RECORD_RULE_DID_NOT_MATCH) {
		trace_append_literal(l->out, "' did not match destination alias '");
		trace_append_escaped(l->out, rule->alias);
		trace_append_byte(l->out, '\'');
	} else {
		trace_append_literal(l->out, "' towards target '");
		trace_append_escaped(l->out, rule->target);
		trace_append_literal(l->out, "' at priority '");
		buffer_printf(l->out, "%d", (int)rule->priority);
		trace_append_literal(l->out, "' with alias '");
		trace_append_escaped(l->out, rule->alias);
		trace_append_byte(l->out, '\'');
	}
	trace_append_literal(l->out, "\"\n");
}

/* Detail="CPL: <reject status=\"403\" reason=\"Forbidden\"/>" of a policy that fits; the keys behind it are ours. */
static void write_policy(const struct line *l)
{
	const struct record_rule *rule = &l->r->rule;
	struct span rest = rule->action;
	struct span word = span_cut(&rest, ' ');
	if (rule->verdict != RECORD_RULE_CONSIDERED)
		return;
	open_module(l, "network.cpl", "DEBUG");
	trace_append_literal(l->out, " Detail=\"CPL: <");
	if (span_is(word, "reject")) {
		trace_append_literal(l->out, "reject status=\\\"");
		trace_append_escaped(l->out, span_cut(&rest, ' '));
		trace_append_literal(l->out, "\\\" reason=\\\"");
		trace_append_escaped(l->out, rest);
		trace_append_literal(l->out, "\\\"");
	} else {
		trace_append(l->out, span_is(word, "redirect") ? SPAN("redirect") : SPAN("proxy"));
	}
	trace_append_literal(l->out, "/>\"");
	trace_append_key(l->out, "Rule", rule->name.at ? rule->name : SPAN(""));
	trace_append_key(l->out, "Action", rule->action);
	trace_append_key(l->out, "Alias", rule->alias);
	trace_append_key(l->out, "Source", rule->source);
	trace_append_byte(l->out, '\n');
}

static void write_rule(const struct line *l)
{
	if (l->r->rule.part == RECORD_RULE_SEARCH)
		write_search_rule(l);
	else if (l->r->rule.part == RECORD_RULE_POLICY)
		write_policy(l);
}

/* The Data line of a diagnostic record as one value: its quotes are escaped once more. */
static void append_data(const struct line *l, struct record_pairs pairs)
{
	struct buffer data;
	if (pairs.count == 0)
		return;
	buffer_init(&data, l->out->maximum);
	trace_append_pairs(&data, pairs);
	trace_append_key(l->out, "Data", buffer_span(&data));
	buffer_done(&data);
}

/* Our own module: what the trust rules said. */
static void write_judgement(const struct line *l)
{
	static const char *const levels[] = { "INFO", "WARN", "ERROR" };
	const struct record_judgement *j = &l->r->judgement;
	open_module(l, "network.federation", (unsigned int)j->severity < 3 ? levels[j->severity] : "ERROR");
	trace_append_key(l->out, "Detail", trace_judgement_text(j));
	trace_append_key(l->out, "Finding", j->code);
	trace_append_key(l->out, "Subject", j->subject);
	trace_append_key(l->out, "Who", j->who);
	if (j->diagnostics)
		trace_append_key_u64(l->out, "Diagnostics", j->diagnostics);
	append_data(l, j->parameters);
	trace_append_key(l->out, "Start-Line", j->start_line);
	trace_append_key(l->out, "Call-ID", j->call_id);
	trace_append_key(l->out, "CSeq", j->cseq);
	trace_append_key(l->out, "Peer", j->peer);
	trace_append_key_address(l->out, "Src", &j->remote);
	if (j->status)
		trace_append_key_u64(l->out, "Response-code", j->status);
	trace_append_key(l->out, "Reason", j->reason);
	trace_append_key(l->out, "Call-serial-number", l->r->head.serial);
	trace_append_key(l->out, "Tag", l->r->head.tag);
	trace_append_byte(l->out, '\n');
}

/* Event lines */

static void append_alias(const struct line *l, const char *end, struct span alias)
{
	if (!alias.at)
		return;
	trace_append_byte(l->out, ' ');
	trace_append(l->out, span_of(end));
	trace_append_literal(l->out, "-alias-type=\"SIP\" ");
	trace_append(l->out, span_of(end));
	trace_append_literal(l->out, "-alias=\"");
	trace_append_escaped(l->out, alias);
	trace_append_byte(l->out, '"');
}

static void append_call_names(const struct line *l, struct span source, struct span destination)
{
	append_alias(l, "Src", source);
	append_alias(l, "Dst", destination);
	trace_append_key(l->out, "Call-serial-number", l->r->head.serial);
	trace_append_key(l->out, "Tag", l->r->head.tag);
}

/* Seconds, with as many digits as it takes: 12, 12.5, 0.004211. */
static void append_duration(const struct line *l, uint64_t duration_us)
{
	if (!duration_us)
		return;
	trace_append_literal(l->out, " Duration=\"");
	buffer_append_u64(l->out, duration_us / 1000000);
	uint32_t rest = (uint32_t)(duration_us % 1000000);
	if (rest) {
		trace_append_byte(l->out, '.');
		trace_append_us(l->out, rest);
	}
	trace_append_byte(l->out, '"');
}

static void write_search(const struct line *l)
{
	const struct record_search *s = &l->r->search;
	bool completed = s->event == RECORD_SEARCH_COMPLETED;
	open_event(l, completed ? "Search Completed" : "Search Attempted");
	trace_append_key(l->out, "Reason", s->reason);
	trace_append_key(l->out, "Service", SPAN("SIP"));
	trace_append_key_address(l->out, "Src", &s->remote);
	append_call_names(l, s->source, s->destination);
	trace_append_literal(l->out, " Detail=\"");
	if (completed)
		trace_append(l->out, s->found ? SPAN("Found:true, ") : SPAN("Found:false, "));
	trace_append_literal(l->out, "searchtype:");
	trace_append_escaped(l->out, s->method);
	if (s->detail.at) {
		trace_append_literal(l->out, ", Info:");
		trace_append_escaped(l->out, s->detail);
	}
	trace_append_byte(l->out, '"');
	trace_append_key(l->out, "Protocol", transport_name(s->transport));
	append_duration(l, s->duration_us);
	if (s->response_code)
		trace_append_key_u64(l->out, "Response-code", s->response_code);
	close_event(l);
}

static void write_call(const struct line *l)
{
	static const char *const events[] = {
		[RECORD_CALL_ATTEMPTED] = "Call Attempted",
		[RECORD_CALL_CONNECTED] = "Call Connected",
		[RECORD_CALL_REJECTED] = "Call Rejected",
		[RECORD_CALL_DISCONNECTED] = "Call Disconnected",
	};
	const struct record_call *c = &l->r->call;
	if ((unsigned int)c->event >= BASE_COUNT(events))
		return;
	open_event(l, events[c->event]);
	trace_append_key(l->out, "Reason", c->reason);
	trace_append_key(l->out, "Service", SPAN("SIP"));
	append_ends(l, /* we_opened= */ false, &c->local, &c->remote);
	append_call_names(l, c->source, c->destination);
	trace_append_key(l->out, "Protocol", transport_name(c->transport));
	append_duration(l, c->duration_us);
	if (c->response_code)
		trace_append_key_u64(l->out, "Response-code", c->response_code);
	trace_append_key(l->out, "Auth", c->authenticated ? SPAN("YES") : SPAN("NO"));
	close_event(l);
}

static void write_registration(const struct line *l)
{
	static const char *const events[] = {
		[RECORD_REGISTRATION_ACCEPTED] = "Registration Accepted",
		[RECORD_REGISTRATION_REFRESHED] = "Registration Refreshed",
		[RECORD_REGISTRATION_REMOVED] = "Registration Removed",
		[RECORD_REGISTRATION_EXPIRED] = "Registration Expired",
		[RECORD_REGISTRATION_REJECTED] = "Registration Rejected",
	};
	const struct record_registration *g = &l->r->registration;
	if ((unsigned int)g->event >= BASE_COUNT(events))
		return;
	open_event(l, events[g->event]);
	trace_append_key(l->out, "Reason", g->reason);
	trace_append_key(l->out, "Service", SPAN("SIP"));
	trace_append_key_address(l->out, "Src", &g->remote);
	append_alias(l, "Src", g->alias);
	trace_append_key(l->out, "Contact", g->contact.at ? g->contact : SPAN(""));
	trace_append_key(l->out, "User", g->user);
	trace_append_key(l->out, "User-Agent", g->agent);
	trace_append_key(l->out, "Protocol", transport_name(g->transport));
	if (g->expires_s)
		trace_append_key_u64(l->out, "Expires", g->expires_s);
	if (g->status)
		trace_append_key_u64(l->out, "Response-code", g->status);
	close_event(l);
}

static void write_node(const struct line *l)
{
	static const char *const notes[] = { "Application Note", "Application Warning", "Application Error" };
	static const char *const events[] = {
		[RECORD_NODE_NOTE] = NULL,
		[RECORD_NODE_STARTED] = "Application Started",
		[RECORD_NODE_READY] = "Application Ready",
		[RECORD_NODE_RELOADED] = "Configuration Reloaded",
		[RECORD_NODE_DRAINING] = "Application Draining",
		[RECORD_NODE_STOPPED] = "Application Stopped",
		[RECORD_NODE_DROPPED] = "Log Records Dropped",
	};
	const struct record_node *n = &l->r->node;
	if ((unsigned int)n->event >= BASE_COUNT(events) || (unsigned int)n->severity >= BASE_COUNT(notes))
		return;
	open_event(l, events[n->event] ? events[n->event] : notes[n->severity]);
	trace_append_key(l->out, "Detail", n->text);
	if (n->count)
		trace_append_key_u64(l->out, "Count", n->count);
	close_event(l);
}

static void (*const writers[RECORD_KIND_COUNT])(const struct line *l) = {
	[RECORD_MESSAGE] = write_message,
	[RECORD_DNS_QUERY] = write_dns_query,
	[RECORD_DNS_ANSWER] = write_dns_answer,
	[RECORD_CONNECTION] = write_connection,
	[RECORD_HANDSHAKE] = write_handshake,
	[RECORD_JUDGEMENT] = write_judgement,
	[RECORD_RULE] = write_rule,
	[RECORD_SEARCH] = write_search,
	[RECORD_CALL] = write_call,
	[RECORD_NODE] = write_node,
	[RECORD_REGISTRATION] = write_registration,
};

int trace_expressway_write(struct trace_writer *w, const struct record *r, struct buffer *out)
{
	struct line l = { w, r, out };
	if ((unsigned int)r->kind < RECORD_KIND_COUNT && writers[r->kind])
		writers[r->kind](&l);
	return 0;
}
