/* SPDX-License-Identifier: Apache-2.0 */
/* "Destination unreachable" of ICMP (RFC 792) and ICMPv6 (RFC 4443 3.1): it quotes the packet that did not arrive. */
#include "trace/capture_flow.h"

#include <errno.h>

#define ICMP_HEADER 8
#define IP6_HEADER 40
#define PROTOCOL_TCP 6

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

/* Who sent what to whom; only the first bytes are there. */
static bool read_quoted(struct span packet, uint8_t family, struct capture_ends *ret_ends)
{
	struct capture_ends ends = { 0 };
	size_t header = family == 6 ? IP6_HEADER : packet.length ? (capture_u8(packet, 0) & 15u) * 4u : 0;
	size_t length = family == 6 ? 16 : 4, at = family == 6 ? 8 : 12;
	if (header < 20 || packet.length < header + 4 || capture_u8(packet, family == 6 ? 6 : 9) != PROTOCOL_TCP)
		return false;
	ends.from.family = ends.to.family = family;
	memcpy(ends.from.bytes, packet.at + at, length);
	memcpy(ends.to.bytes, packet.at + at + length, length);
	ends.from.port = capture_u16(packet.at + header);
	ends.to.port = capture_u16(packet.at + header + 2);
	*ret_ends = ends;
	return true;
}

void capture_icmp_take(struct capture *c, uint8_t family, struct span message)
{
	struct capture_ends ends;
	uint8_t unreachable = family == 6 ? 1 : 3;
	capture_other(c);
	if (message.length < ICMP_HEADER || capture_u8(message, 0) != unreachable ||
		!read_quoted(span_from(message, ICMP_HEADER), family, &ends))
		return;
	for (size_t i = 0; i < BASE_COUNT(refusals); i++)
		if (refusals[i].family == family && refusals[i].code == capture_u8(message, 1))
			capture_tcp_unreachable(c, &ends, refusals[i].reason, refusals[i].error);
}
