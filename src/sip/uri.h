/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_URI_H
#define FEDGE_SIP_URI_H
/* URIs: read, compared and written. sip: and sips: URIs are taken apart (RFC 3261 19.1), tel: URIs give their
 * number (RFC 3966), all others are kept whole. Nothing is unescaped in place: spans show what was written.
 * Reading never allocates. */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

enum sip_transport {
	SIP_TRANSPORT_NONE, /* not named */
	SIP_TRANSPORT_UDP,
	SIP_TRANSPORT_TCP,
	SIP_TRANSPORT_TLS,
	SIP_TRANSPORT_SCTP,
	SIP_TRANSPORT_WS,
	SIP_TRANSPORT_WSS,
	SIP_TRANSPORT_OTHER,
	SIP_TRANSPORT_COUNT
};
/* Without case. An empty span gives NONE, an unknown word OTHER. */
enum sip_transport sip_transport_find(struct span name);
/* "UDP", "TLS", … as Via writes them; "" for NONE and OTHER. */
struct span sip_transport_name(enum sip_transport transport);
/* "udp", "tls", … as URIs write them. */
struct span sip_transport_name_lower(enum sip_transport transport);
bool sip_transport_is_stream(enum sip_transport transport); /* all but UDP */
/* 5060, or 5061 over TLS. */
uint16_t sip_transport_default_port(enum sip_transport transport);

struct sip_uri {
	struct span whole;
	struct span scheme_name; /* as written: "SIP" */
	struct span user; /* escapes kept; absent where there is no "@"; tel: the number */
	struct span password; /* absent where there is none */
	struct span host; /* IPv6 without its brackets; absent where the scheme is not sip or sips */
	struct span parameters; /* from the first ";" on, or empty; tel: too */
	struct span headers; /* after "?", or absent */
	struct span rest; /* scheme OTHER: all after the colon */
	enum sip_scheme scheme;
	uint16_t port; /* 0 where none is written */
	bool has_port;
	bool is_ipv6; /* the host was written in brackets */
};

/* The whole span must be one URI (no blanks, no angle brackets). 0, or -EBADMSG with a defect whose offset counts
 * from text.at (ret_defect may be NULL). */
int sip_uri_parse(struct span text, struct sip_uri *ret_uri, struct sip_defect *ret_defect);

/* RFC 3261 19.1.4, with escapes undone where they may be. URIs of other schemes are equal where their text is,
 * the scheme compared without case; tel: as RFC 3966 4. URIs
 * with more than 64 parameters and headers are equal where their whole text is. */
bool sip_uri_equal(const struct sip_uri *a, const struct sip_uri *b);

/* ";name" or ";name=value" of the URI, as sip_parameter_find. */
bool sip_uri_parameter(const struct sip_uri *uri, struct span name, struct span *ret_value);
/* The transport parameter; NONE where it is absent (RFC 3263 then decides). */
enum sip_transport sip_uri_transport(const struct sip_uri *uri);
bool sip_uri_is_loose(const struct sip_uri *uri); /* has "lr" */
static inline bool sip_uri_is_sip(const struct sip_uri *uri)
{
	return uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS;
}

/* Appends the parts of a sip: or sips: URI (whole and rest are not looked at; IPv6 gets its brackets), or scheme_name
 * ":" rest of another. */
int sip_uri_write(struct buffer *b, const struct sip_uri *uri);

/* Appends the text with %HH undone. -EBADMSG at a bad escape. */
int sip_escape_undo(struct buffer *b, struct span text);
/* Appends text, escaping what may not stand in the user part of a sip: URI. */
int sip_escape_user(struct buffer *b, struct span text);
#endif
