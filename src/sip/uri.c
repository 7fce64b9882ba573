/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/uri.h"

#include "sip/fail.h"
#include "sip/host.h"
#include "sip/parameter.h"
#include "sip/read.h"
#include "sip/scan.h"

struct transport_row {
	struct span name;
	struct span lower;
};

static const struct transport_row transports[SIP_TRANSPORT_COUNT] = {
	[SIP_TRANSPORT_NONE] = { { "", 0 }, { "", 0 } },
	[SIP_TRANSPORT_UDP] = { { "UDP", 3 }, { "udp", 3 } },
	[SIP_TRANSPORT_TCP] = { { "TCP", 3 }, { "tcp", 3 } },
	[SIP_TRANSPORT_TLS] = { { "TLS", 3 }, { "tls", 3 } },
	[SIP_TRANSPORT_SCTP] = { { "SCTP", 4 }, { "sctp", 4 } },
	[SIP_TRANSPORT_WS] = { { "WS", 2 }, { "ws", 2 } },
	[SIP_TRANSPORT_WSS] = { { "WSS", 3 }, { "wss", 3 } },
	[SIP_TRANSPORT_OTHER] = { { "", 0 }, { "", 0 } },
};

enum sip_transport sip_transport_read(struct span name, const char *limit)
{
	if (name.length == 0)
		return SIP_TRANSPORT_NONE;
	if (name.length > 4)
		return SIP_TRANSPORT_OTHER;
	switch (scan_lower8(name.at, name.length, limit)) {
	case 0x706475 /* udp */:
		return SIP_TRANSPORT_UDP;
	case 0x706374 /* tcp */:
		return SIP_TRANSPORT_TCP;
	case 0x736c74 /* tls */:
		return SIP_TRANSPORT_TLS;
	case 0x70746373 /* sctp */:
		return SIP_TRANSPORT_SCTP;
	case 0x7377 /* ws */:
		return SIP_TRANSPORT_WS;
	case 0x737377 /* wss */:
		return SIP_TRANSPORT_WSS;
	default:
		return SIP_TRANSPORT_OTHER;
	}
}

enum sip_transport sip_transport_find(struct span name)
{
	return sip_transport_read(name, name.at + name.length);
}

struct span sip_transport_name(enum sip_transport transport)
{
	return transports[transport < SIP_TRANSPORT_COUNT ? transport : SIP_TRANSPORT_NONE].name;
}

struct span sip_transport_name_lower(enum sip_transport transport)
{
	return transports[transport < SIP_TRANSPORT_COUNT ? transport : SIP_TRANSPORT_NONE].lower;
}

bool sip_transport_is_stream(enum sip_transport transport)
{
	return transport != SIP_TRANSPORT_UDP;
}

uint16_t sip_transport_default_port(enum sip_transport transport)
{
	return transport == SIP_TRANSPORT_TLS || transport == SIP_TRANSPORT_WSS ? 5061 : 5060;
}

/* Bytes of a class and well-formed escapes. Gives where it stopped; *ret_bad is set at a bad escape. */
static const char *scan_escaped(const char *at, const char *end, unsigned bits, bool *ret_bad)
{
	for (;;) {
		at = scan_while(at, end, bits);
		if (at == end || *at != '%')
			return at;
		if (end - at < 3 || !sip_class_is(at[1], SIP_CLASS_HEX) || !sip_class_is(at[2], SIP_CLASS_HEX)) {
			*ret_bad = true;
			return at;
		}
		at += 3;
	}
}

/* The scheme: its end (on the colon), or NULL. */
static const char *parse_scheme(const char *at, const char *end, struct sip_uri *uri)
{
	const char *colon = at;
	if (end - at > 4 && at[3] == ':')
		colon = at + 3;
	else
		colon = scan_while(at, end, SIP_CLASS_TOKEN);
	if (colon == end || colon == at || *colon != ':')
		return NULL;
	uri->scheme_name = span_make(at, (size_t)(colon - at));
	uint64_t word = colon - at <= 4 ? scan_lower8(at, (size_t)(colon - at), end) : 0;
	uri->scheme = word == 0x706973 /* sip */      ? SIP_SCHEME_SIP
		      : word == 0x73706973 /* sips */ ? SIP_SCHEME_SIPS
		      : word == 0x6c6574 /* tel */    ? SIP_SCHEME_TEL
						      : SIP_SCHEME_OTHER;
	return colon;
}

/* user[:password]@ — there is one where there is an "@". Gives the byte after it, or the start. */
static const char *parse_user(
	const char *at, const char *end, const char *limit, struct sip_uri *uri, struct sip_defect *defect)
{
	bool bad = false;
	const char *stop = scan_word(at, end, limit, SIP_CLASS_USER);
	if (stop < end && *stop == '%')
		stop = scan_escaped(stop, end, SIP_CLASS_USER, &bad);
	const char *at_sign = stop < end && *stop == '@' ? stop : memchr(at, '@', (size_t)(end - at));
	if (!at_sign)
		return at;
	const char *user_end = stop < at_sign && *stop == ':' ? stop : at_sign;
	bad = false;
	if (user_end != at_sign) {
		uri->password = span_make(user_end + 1, (size_t)(at_sign - user_end - 1));
		stop = scan_escaped(user_end + 1, at_sign, SIP_CLASS_USER, &bad);
	}
	if (stop != at_sign || at_sign == at) {
		*defect = (struct sip_defect){ bad || (stop < end && *stop == '%') ? SIP_RULE_URI_ESCAPE : SIP_RULE_URI,
			(size_t)(stop - uri->whole.at) };
		return NULL;
	}
	uri->user = span_make(at, (size_t)(user_end - at));
	return at_sign + 1;
}

/* ;parameters?headers up to the end. */
static bool parse_tail(const char *at, const char *end, struct sip_uri *uri, struct sip_defect *defect)
{
	bool bad = false;
	const char *stop = scan_escaped(at, end, SIP_CLASS_TAIL, &bad);
	uri->parameters = span_make(at, (size_t)(stop - at));
	if (stop < end && *stop == '?' && !bad) {
		const char *headers = stop + 1;
		do
			stop = scan_escaped(stop + 1, end, SIP_CLASS_TAIL, &bad);
		while (stop < end && *stop == '?' && !bad);
		uri->headers = span_make(headers, (size_t)(end - headers));
	}
	if (stop == end)
		return true;
	*defect = (struct sip_defect){ bad ? SIP_RULE_URI_ESCAPE : SIP_RULE_URI, (size_t)(stop - uri->whole.at) };
	return false;
}

static int parse_sip(const char *at, const char *end, const char *limit, struct sip_uri *uri, struct sip_defect *defect)
{
	at = parse_user(at, end, limit, uri, defect);
	if (!at)
		return -EBADMSG;
	struct sip_host host;
	const char *stop = sip_host_read(at, end, limit, &host);
	if (!stop)
		return sip_fail(defect, host.rule == SIP_RULE_URI_PORT ? SIP_RULE_URI_PORT : SIP_RULE_URI_HOST,
			(size_t)(host.failed - uri->whole.at));
	uri->host = host.name;
	uri->port = host.port;
	uri->has_port = host.has_port;
	uri->is_ipv6 = host.is_ipv6;
	if (stop == end) {
		uri->parameters = span_make(end, 0);
		return 0;
	}
	if (*stop != ';' && *stop != '?')
		return sip_fail(defect, SIP_RULE_URI_HOST, (size_t)(stop - uri->whole.at));
	return parse_tail(stop, end, uri, defect) ? 0 : -EBADMSG;
}

/* RFC 3966 3: digits and visual separators, hexadecimal digits, "*" and "#" in local numbers. */
static int parse_tel(const char *at, const char *end, struct sip_uri *uri, struct sip_defect *defect)
{
	const char *stop = at < end && *at == '+' ? at + 1 : at;
	while (stop < end && (sip_class_is(*stop, SIP_CLASS_HEX) || memchr("-.()*#", *stop, 6)))
		stop++;
	if (stop == at || (stop < end && *stop != ';'))
		return sip_fail(defect, SIP_RULE_URI, (size_t)(stop - uri->whole.at));
	uri->user = span_make(at, (size_t)(stop - at));
	if (stop == end) {
		uri->parameters = span_make(end, 0);
		return 0;
	}
	return parse_tail(stop, end, uri, defect) ? 0 : -EBADMSG;
}

static int parse_other(const char *at, const char *end, struct sip_uri *uri, struct sip_defect *defect)
{
	for (const char *byte = at; byte < end; byte++) {
		if ((unsigned char)*byte <= ' ' || *byte == '<' || *byte == '>' || *byte == '"' || *byte == 0x7f)
			return sip_fail(defect, SIP_RULE_URI, (size_t)(byte - uri->whole.at));
	}
	if (at == end)
		return sip_fail(defect, SIP_RULE_URI, (size_t)(at - uri->whole.at));
	uri->rest = span_make(at, (size_t)(end - at));
	return 0;
}

int sip_uri_read(struct span text, const char *limit, struct sip_uri *uri, struct sip_defect *ret_defect)
{
	struct sip_defect defect;
	const char *at = text.at, *end = at + text.length;
	memset(uri, 0, sizeof(*uri));
	uri->whole = text;
	const char *colon = text.length ? parse_scheme(at, end, uri) : NULL;
	if (!colon)
		return sip_fail(ret_defect, SIP_RULE_URI_SCHEME, 0);
	int status;
	switch (uri->scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		status = parse_sip(colon + 1, end, limit, uri, &defect);
		break;
	case SIP_SCHEME_TEL:
		status = parse_tel(colon + 1, end, uri, &defect);
		break;
	default:
		status = parse_other(colon + 1, end, uri, &defect);
		break;
	}
	return status < 0 ? sip_fail(ret_defect, defect.rule, defect.offset) : 0;
}

int sip_uri_parse(struct span text, struct sip_uri *ret_uri, struct sip_defect *ret_defect)
{
	struct sip_uri uri;
	int status = sip_uri_read(text, text.at + text.length, &uri, ret_defect);
	if (status == 0)
		*ret_uri = uri;
	return status;
}

bool sip_uri_parameter(const struct sip_uri *uri, struct span name, struct span *ret_value)
{
	return sip_parameter_find(uri->parameters, name, ret_value);
}

enum sip_transport sip_uri_transport(const struct sip_uri *uri)
{
	struct span value = SPAN_NONE;
	if (!sip_uri_parameter(uri, SPAN("transport"), &value))
		return SIP_TRANSPORT_NONE;
	return value.length ? sip_transport_find(value) : SIP_TRANSPORT_OTHER;
}

bool sip_uri_is_loose(const struct sip_uri *uri)
{
	return sip_uri_parameter(uri, SPAN("lr"), NULL);
}

int sip_uri_write(struct buffer *b, const struct sip_uri *uri)
{
	buffer_append(b, uri->scheme_name);
	buffer_append_byte(b, ':');
	if (uri->scheme == SIP_SCHEME_OTHER)
		return buffer_append(b, uri->rest);
	if (uri->user.at) {
		buffer_append(b, uri->user);
		if (uri->password.at) {
			buffer_append_byte(b, ':');
			buffer_append(b, uri->password);
		}
	}
	if (sip_uri_is_sip(uri)) {
		if (uri->user.at)
			buffer_append_byte(b, '@');
		buffer_append_text(b, uri->is_ipv6 ? "[" : "");
		buffer_append(b, uri->host);
		buffer_append_text(b, uri->is_ipv6 ? "]" : "");
		if (uri->has_port || uri->port)
			buffer_printf(b, ":%u", (unsigned)uri->port);
	}
	buffer_append(b, uri->parameters);
	if (uri->headers.at) {
		buffer_append_byte(b, '?');
		buffer_append(b, uri->headers);
	}
	return b->status;
}
