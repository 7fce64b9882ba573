/* SPDX-License-Identifier: Apache-2.0 */
/* A message's identities, way and answer. The details are read only of what may have to be explained: refusals, and
 * requests that begin something. */
#include "base/require.h"
#include "explain/event_private.h"
#include "sip/parameter.h"
#include "sip/scan.h"

/* ---- who and what ---- */

/* What an Expressway adds to a Via (cisco.md 1.6). */
struct via_names {
	struct span ingress_zone, egress_zone, serial;
};

static void take_parameter(struct via_names *names, struct span parameter)
{
	static const struct {
		struct span name;
		size_t at;
	} wanted[] = {
		{ { "ingress-zone", 12 }, offsetof(struct via_names, ingress_zone) },
		{ { "egress-zone", 11 }, offsetof(struct via_names, egress_zone) },
		{ { "proxy-call-id", 13 }, offsetof(struct via_names, serial) },
	};
	for (size_t i = 0; i < BASE_COUNT(wanted); i++) {
		const struct span name = wanted[i].name;
		if (parameter.length <= name.length || !scan_equal_lower(parameter.at, name.at, name.length))
			continue;
		struct span rest = span_trim(span_from(parameter, name.length));
		if (rest.length > 0 && rest.at[0] == '=')
			*(struct span *)(void *)((char *)names + wanted[i].at) =
				sip_unquote(span_trim(span_from(rest, 1)));
		return;
	}
}

/* The next ";" that stands outside of quotes. */
static const char *end_of_parameter(const char *at, const char *end)
{
	const char *stop = scan_find(at, end, end, ';', '"', ';');
	if (stop == end || *stop == ';')
		return stop;
	bool quoted = false;
	for (; at < end && (quoted || *at != ';'); at++)
		quoted ^= *at == '"';
	return at;
}

/* The three in one walk; the parser has looked at the others already. */
static struct via_names names_of(const struct sip_via *via)
{
	struct via_names names = { 0 };
	const char *at = via->parameters.at, *const end = at + via->parameters.length;
	while (end - at > 1) {
		const char *begin = scan_blanks(at + 1, end);
		at = end_of_parameter(begin, end);
		char first = (char)(begin < at ? *begin | 0x20 : 0);
		if (first == 'i' || first == 'e' || first == 'p')
			take_parameter(&names, span_trim(span_make(begin, (size_t)(at - begin))));
	}
	return names;
}

/* "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000" (RFC 7989 5). */
static void read_session(const struct sip_message *m, struct explain_message *message)
{
	struct span rest = sip_message_value(m, SIP_HEADER_SESSION_ID), value;
	if (rest.length == 0)
		return;
	message->local_session = span_trim(span_cut(&rest, ';'));
	if (rest.at && sip_parameter_find(rest, SPAN("remote"), &value))
		message->remote_session = value;
}

static void read_identities(const struct sip_message *m, struct explain_message *message)
{
	message->is_request = m->is_request;
	message->method = m->method;
	message->method_name = m->method ? sip_method_name(m->method) : m->method_name;
	message->status = m->status;
	message->reason = m->reason;
	message->request_uri = m->request_uri;
	message->call_id = m->call_id;
	message->cseq = m->cseq;
	message->branch = m->via.branch;
	message->from_uri = m->from.uri;
	message->from_tag = m->from.tag;
	message->to_uri = m->to.uri;
	message->to_tag = m->to.tag;
	if (m->first[SIP_HEADER_SESSION_ID])
		read_session(m, message);
}

static void read_way(const struct record *r, struct explain_message *message)
{
	*message = (struct explain_message){ .direction = r->message.direction,
		.transport = r->message.transport,
		.side = r->message.side,
		.local = r->message.local,
		.remote = r->message.remote,
		.peer = r->message.peer,
		.zone = r->message.zone,
		.hash = r->message.hash,
		.local_session = r->head.local_session,
		.remote_session = r->head.remote_session };
}

/* ---- details ---- */

static struct explain_via via_of(const struct sip_via *via)
{
	const struct via_names names = names_of(via);
	return (struct explain_via){ .host = via->host,
		.port = via->port,
		.transport = via->transport_name,
		.branch = via->branch,
		.received = via->received,
		.ingress_zone = names.ingress_zone,
		.egress_zone = names.egress_zone,
		.serial = names.serial };
}

static void read_vias(const struct sip_message *m, struct explain_reading *reading)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	struct sip_via via;
	struct span top;
	size_t count = 0;
	/* The parser took the top one apart already. */
	if (m->via.whole.length > 0 && sip_values_next(&values, &top))
		reading->vias[count++] = via_of(&m->via);
	for (int next; count < EXPLAIN_VIAS_MAXIMUM && (next = sip_values_next_via(&values, &via)) != 0;)
		if (next == 1)
			reading->vias[count++] = via_of(&via);
	if (count > 0)
		reading->event.message.serial = reading->vias[0].serial;
	reading->detail.vias = reading->vias;
	reading->detail.via_count = count;
}

static const struct span diagnostics_names[] = { SPAN("ms-diagnostics"), SPAN("ms-diagnostics-public"),
	SPAN("ms-client-diagnostics") };

/* The text of a quoted value as a paste may have it: blanks inside of the quotes are none of it. */
static struct span plain(struct span value)
{
	return span_trim(sip_unquote(span_trim(value)));
}

/* 1009;reason="…";domain="…";source="…": parameters in any order and case (microsoft.md 1.1). An id that is followed by
 * ".sub" is the id. False where no number stands in front. */
static bool read_diagnostics(struct span value, struct explain_diagnostics *d, struct record_pair *pairs)
{
	struct span rest = span_trim(value);
	uint64_t id = 0;
	size_t digits = 0;
	while (digits < rest.length && digits < 9 && rest.at[digits] >= '0' && rest.at[digits] <= '9')
		id = id * 10 + (uint64_t)(rest.at[digits++] - '0');
	if (digits == 0)
		return false;
	d->id = (uint32_t)id;
	d->pairs.at = pairs;
	rest = span_from(rest, digits);
	rest = span_from(rest, span_find(rest, ';'));
	struct sip_parameter p;
	while (d->pairs.count < EXPLAIN_DIAGNOSTICS_PAIRS_MAXIMUM && sip_parameter_next(&rest, &p)) {
		struct record_pair pair = { span_trim(p.name), p.value.at ? plain(p.value) : SPAN_NONE };
		if (span_is_nocase(pair.name, "reason"))
			d->reason = pair.value;
		else if (span_is_nocase(pair.name, "source"))
			d->source = pair.value;
		pairs[d->pairs.count++] = pair;
	}
	return true;
}

static void read_all_diagnostics(const struct sip_message *m, struct explain_reading *reading)
{
	size_t count = 0;
	for (size_t i = 0; i < m->header_count && count < EXPLAIN_DIAGNOSTICS_MAXIMUM; i++) {
		enum sip_header_id id = m->headers[i].id;
		if (id != SIP_HEADER_MS_DIAGNOSTICS && id != SIP_HEADER_MS_DIAGNOSTICS_PUBLIC &&
			id != SIP_HEADER_MS_CLIENT_DIAGNOSTICS)
			continue;
		struct explain_diagnostics *d = &reading->diagnostics[count];
		*d = (struct explain_diagnostics){
			.header = diagnostics_names[id == SIP_HEADER_MS_DIAGNOSTICS          ? 0
						    : id == SIP_HEADER_MS_DIAGNOSTICS_PUBLIC ? 1
											     : 2]
		};
		if (read_diagnostics(m->headers[i].value, d, reading->pairs[count]))
			count++;
	}
	reading->detail.diagnostics = reading->diagnostics;
	reading->detail.diagnostics_count = count;
}

/* Of P-Asserted-Identity the sip: URI, wherever it stands among the others. */
static struct span asserted_of(const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_P_ASSERTED_IDENTITY);
	struct sip_address address;
	for (int next; (next = sip_values_next_address(&values, &address, NULL)) != 0;)
		if (next == 1 && (span_starts_nocase(address.uri, SPAN("sip:")) ||
					 span_starts_nocase(address.uri, SPAN("sips:"))))
			return address.uri;
	return SPAN_NONE;
}

static struct span first_uri(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values values = sip_message_values(m, id);
	struct sip_address address;
	return m->first[id] && sip_values_next_address(&values, &address, NULL) == 1 ? address.uri : SPAN_NONE;
}

static struct span first_value(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values values = sip_message_values(m, id);
	struct span value;
	return m->first[id] && sip_values_next(&values, &value) ? value : SPAN_NONE;
}

void explain_detail_read(const struct sip_message *m, struct explain_reading *reading)
{
	struct span server = sip_message_value(m, SIP_HEADER_SERVER);
	reading->detail = (struct explain_detail){ .from_display = m->from.display,
		.asserted = m->first[SIP_HEADER_P_ASSERTED_IDENTITY] ? asserted_of(m) : SPAN_NONE,
		.server = server.at ? server : sip_message_value(m, SIP_HEADER_USER_AGENT),
		.warning = sip_message_value(m, SIP_HEADER_WARNING),
		.reason = sip_message_value(m, SIP_HEADER_REASON),
		.contact = first_uri(m, SIP_HEADER_CONTACT),
		.route = first_value(m, SIP_HEADER_ROUTE),
		.conversation = sip_message_value(m, SIP_HEADER_MS_CONVERSATION_ID),
		.content_type = sip_message_value(m, SIP_HEADER_CONTENT_TYPE),
		.has_body = m->body.length > 0,
		.has_challenge = m->first[SIP_HEADER_WWW_AUTHENTICATE] || m->first[SIP_HEADER_PROXY_AUTHENTICATE],
		.has_credentials = m->first[SIP_HEADER_AUTHORIZATION] || m->first[SIP_HEADER_PROXY_AUTHORIZATION] };
	read_vias(m, reading);
	read_all_diagnostics(m, reading);
	reading->event.message.detail = &reading->detail;
}

/* Refusals; requests outside of a dialog; a BYE or CANCEL that says why. */
static bool is_asked_for_details(const struct sip_message *m, const struct explain_message *message)
{
	if (!message->is_request)
		return message->status >= 300 || message->status < 100;
	if (m->first[SIP_HEADER_REASON] || m->first[SIP_HEADER_MS_DIAGNOSTICS_PUBLIC] ||
		m->first[SIP_HEADER_MS_CLIENT_DIAGNOSTICS])
		return true;
	return message->to_tag.length == 0 && message->method != SIP_METHOD_ACK &&
	       message->method != SIP_METHOD_CANCEL && message->method != SIP_METHOD_BENOTIFY;
}

/* A log may cut bodies and end its lines as it likes: only what identifies a message is missed. */
static bool is_incomplete(const struct sip_message *m)
{
	return m->call_id.length == 0 || m->cseq_method.length == 0 || m->from.uri.length == 0 ||
	       m->to.uri.length == 0 || m->via.whole.length == 0;
}

bool explain_message_read(const struct record *r, struct explain_reading *reading)
{
	struct explain_message *message = &reading->event.message;
	struct sip_defect defect;
	read_way(r, message);
	if (explain_light_read(r->message.bytes, message))
		return true;
	read_way(r, message);
	bool refused = sip_message_parse(r->message.bytes, &reading->sip, &defect) != 0;
	if (refused && !explain_damaged_read(r->message.bytes, &reading->sip))
		return false;
	read_identities(&reading->sip, message);
	message->is_damaged = refused && is_incomplete(&reading->sip);
	if (is_asked_for_details(&reading->sip, message))
		explain_detail_read(&reading->sip, reading);
	return true;
}
