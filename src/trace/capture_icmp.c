/* SPDX-License-Identifier: Apache-2.0 */
/* "Destination unreachable" of ICMP (RFC 792) and ICMPv6 (RFC 4443 3.1): it quotes the packet that did not arrive. */
#include "trace/capture_flow.h"

#include <errno.h>

#define ICMP_HEADER 8
#define IP6_HEADER 40
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define UDP_HEADER 8

/* Words of strerror, as a stack would say them to whoever asked. */
static const struct refusal {
	uint8_t family, code;
	const char *reason;
	int32_t error;
} refusals[] = {
	{ 4, 0, "Network is unreachable", ENETUNREACH },
	{ 4, 1, "No route to host", EHOSTUNREACH },
	{ 4, 3, "Connection refused", ECONNREFUSED },
	{ 4, 9, "No route to host (administratively prohibited)", EHOSTUNREACH },
	{ 4, 10, "No route to host (administratively prohibited)", EHOSTUNREACH },
	{ 4, 13, "No route to host (administratively prohibited)", EHOSTUNREACH },
	{ 6, 0, "Network is unreachable", ENETUNREACH },
	{ 6, 1, "Permission denied (administratively prohibited)", EACCES },
	{ 6, 3, "No route to host", EHOSTUNREACH },
	{ 6, 4, "Connection refused", ECONNREFUSED },
};

/* What is quoted; only the first bytes of it are there. */
struct quoted {
	struct capture_ends ends;
	uint8_t protocol;
	struct span bytes; /* behind the IP header */
};

static bool read_quoted(struct span packet, uint8_t family, struct quoted *ret_quoted)
{
	struct quoted q = { 0 };
	size_t header = family == 6 ? IP6_HEADER : packet.length ? (capture_u8(packet, 0) & 15u) * 4u : 0;
	size_t length = family == 6 ? 16 : 4, at = family == 6 ? 8 : 12;
	if (header < 20 || packet.length < header + 4)
		return false;
	q.protocol = capture_u8(packet, family == 6 ? 6 : 9);
	q.ends.from.family = q.ends.to.family = family;
	memcpy(q.ends.from.bytes, packet.at + at, length);
	memcpy(q.ends.to.bytes, packet.at + at + length, length);
	q.ends.from.port = capture_u16(packet.at + header);
	q.ends.to.port = capture_u16(packet.at + header + 2);
	q.bytes = span_from(packet, header);
	*ret_quoted = q;
	return true;
}

/* A datagram with SIP: whoever sent it may not listen to this, so it is told each time. */
static void give_datagram(struct capture *c, const struct quoted *q, const struct refusal *refusal)
{
	struct span payload = span_from(q->bytes, UDP_HEADER);
	struct record r = { .kind = RECORD_CONNECTION, .head.time_us = c->packet.time_us };
	if (payload.length < UDP_HEADER || capture_likeness_of(payload) == CAPTURE_NO_SIP)
		return;
	r.connection.event = RECORD_CONNECTION_FAILED;
	r.connection.role = RECORD_CLIENT;
	r.connection.transport = RECORD_UDP;
	r.connection.local = q->ends.from;
	r.connection.remote = q->ends.to;
	r.connection.stage = SPAN("write");
	r.connection.reason = span_of(refusal->reason);
	r.connection.error = refusal->error;
	capture_give(c, &r,
		arena_printf(
			capture_arena(c), "%.*s UDP: %s", SPAN_PRINT(capture_ends_text(c, &q->ends)), refusal->reason));
}

static void take_refusal(struct capture *c, uint8_t family, uint8_t code, const struct quoted *q)
{
	for (size_t i = 0; i < BASE_COUNT(refusals); i++) {
		if (refusals[i].family != family || refusals[i].code != code)
			continue;
		if (q->protocol == PROTOCOL_TCP)
			capture_tcp_unreachable(c, &q->ends, refusals[i].reason, refusals[i].error);
		else if (q->protocol == PROTOCOL_UDP)
			give_datagram(c, q, &refusals[i]);
		return;
	}
}

void capture_icmp_take(struct capture *c, uint8_t family, struct span message)
{
	struct quoted q;
	uint64_t records = c->reader->counts.records;
	if (message.length >= ICMP_HEADER && capture_u8(message, 0) == (family == 6 ? 1 : 3) &&
		read_quoted(span_from(message, ICMP_HEADER), family, &q))
		take_refusal(c, family, capture_u8(message, 1), &q);
	if (c->reader->counts.records == records)
		capture_other(c);
}
