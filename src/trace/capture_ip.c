/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), and one in the other. Check sums are not looked at: a
 * machine that captures its own packets sees them before they are reckoned. */
#include "trace/capture_private.h"

#define TUNNELS_MAXIMUM 3
#define EXTENSIONS_MAXIMUM 12
#define IP6_HEADER 40

enum {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_ICMP4 = 1,
	PROTOCOL_IP4 = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_IP6 = 41,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AUTHENTICATION = 51,
	PROTOCOL_ICMP6 = 58,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_MOBILITY = 135,
};

/* What an IP packet holds, and whether it is a piece. */
struct content {
	struct capture_ends ends;
	struct span bytes;
	uint8_t protocol;
	bool is_fragment;
	struct capture_fragment fragment;
};

/* The part of the packet that its header claims; what lies behind it is padding. False where the header claims more
 * than there is, though the capture kept all. */
static bool limit(struct capture *c, size_t claimed, struct span *packet)
{
	if (claimed > packet->length) {
		c->packet.missing = claimed - packet->length;
		return c->packet.is_cut;
	}
	/* All that this packet has came, even where the frame around it was cut. */
	c->packet.is_cut = false;
	*packet = span_first(*packet, claimed);
	return true;
}

static void set_address(struct record_address *address, uint8_t family, const char *at)
{
	address->family = family;
	memcpy(address->bytes, at, family == 4 ? 4 : 16);
}

static const char *read_ip4(struct capture *c, struct span packet, struct content *ret_content)
{
	struct content *content = ret_content;
	size_t header = packet.length >= 20 ? (capture_u8(packet, 0) & 15u) * 4u : 0;
	if (header < 20 || header > packet.length)
		return "an IPv4 header that lies about its length";
	size_t claimed = capture_u16(packet.at + 2);
	/* 0: a card cuts it into packets later, and it is as long as the frame. */
	if ((claimed > 0 && claimed < header) || !limit(c, claimed ? claimed : packet.length, &packet))
		return "an IPv4 packet that is longer than its frame";
	uint16_t offset = capture_u16(packet.at + 6);
	content->protocol = capture_u8(packet, 9);
	set_address(&content->ends.from, 4, packet.at + 12);
	set_address(&content->ends.to, 4, packet.at + 16);
	content->bytes = span_from(packet, header);
	content->is_fragment = (offset & 0x3fff) != 0;
	content->fragment = (struct capture_fragment){
		.key = { .id = capture_u16(packet.at + 4), .protocol = content->protocol },
		.offset = (offset & 0x1fffu) * 8u,
		.is_last = (offset & 0x2000) == 0,
	};
	return NULL;
}

static bool is_extension(uint8_t protocol)
{
	switch (protocol) {
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_AUTHENTICATION:
	case PROTOCOL_DESTINATION:
	case PROTOCOL_MOBILITY:
		return true;
	default:
		return false;
	}
}

/* Passes over extension headers; ends before a fragment's or what is carried. False where a length lies. */
static bool skip_extensions(uint8_t *protocol, struct span *bytes)
{
	for (unsigned i = 0; is_extension(*protocol); i++) {
		if (bytes->length < 8 || i == EXTENSIONS_MAXIMUM)
			return false;
		size_t words = capture_u8(*bytes, 1);
		size_t length = *protocol == PROTOCOL_AUTHENTICATION ? (words + 2) * 4 : (words + 1) * 8;
		if (length > bytes->length)
			return false;
		*protocol = capture_u8(*bytes, 0);
		*bytes = span_from(*bytes, length);
	}
	return true;
}

static const char *read_ip6(struct capture *c, struct span packet, struct content *ret_content)
{
	struct content *content = ret_content;
	if (packet.length < IP6_HEADER)
		return "an IPv6 header that is not whole";
	size_t claimed = capture_u16(packet.at + 4);
	if (!limit(c, claimed ? claimed + IP6_HEADER : packet.length, &packet))
		return "an IPv6 packet that is longer than its frame";
	content->protocol = capture_u8(packet, 6);
	set_address(&content->ends.from, 6, packet.at + 8);
	set_address(&content->ends.to, 6, packet.at + 24);
	content->bytes = span_from(packet, IP6_HEADER);
	if (!skip_extensions(&content->protocol, &content->bytes))
		return "an IPv6 extension header that lies about its length";
	if (content->protocol != PROTOCOL_FRAGMENT)
		return NULL;
	if (content->bytes.length < 8)
		return "an IPv6 fragment without its header";
	uint16_t offset = capture_u16(content->bytes.at + 2);
	content->is_fragment = true;
	content->fragment = (struct capture_fragment){
		.key = { .id = capture_u32(content->bytes.at + 4) },
		.offset = offset & 0xfff8u,
		.is_last = (offset & 1) == 0,
		.protocol = capture_u8(content->bytes, 0),
	};
	content->bytes = span_from(content->bytes, 8);
	return NULL;
}

/* True where content is whole now. */
static bool put_together(struct capture *c, struct content *content)
{
	if (c->packet.is_cut) {
		capture_unread(c, content->bytes, "a fragment that the capture's snapshot length has cut");
		return false;
	}
	struct capture_fragment *fragment = &content->fragment;
	fragment->key.from = content->ends.from;
	fragment->key.to = content->ends.to;
	fragment->bytes = content->bytes;
	if (content->ends.from.family == 4)
		fragment->protocol = content->protocol;
	if (!capture_fragment_take(c, fragment, &content->bytes, &content->protocol))
		return false;
	return content->ends.from.family == 4 || skip_extensions(&content->protocol, &content->bytes);
}

static const char *read_ip(struct capture *c, struct span packet, struct content *ret_content)
{
	unsigned version = packet.length ? capture_u8(packet, 0) >> 4 : 0;
	memset(ret_content, 0, sizeof(*ret_content));
	return version == 4   ? read_ip4(c, packet, ret_content)
	       : version == 6 ? read_ip6(c, packet, ret_content)
			      : "neither IPv4 nor IPv6 where a packet should begin";
}

void capture_ip_take(struct capture *c, struct span packet)
{
	struct content content;
	for (unsigned i = 0; i < TUNNELS_MAXIMUM; i++) {
		const char *why = read_ip(c, packet, &content);
		if (why) {
			capture_unread(c, packet, why);
			return;
		}
		if (content.is_fragment && !put_together(c, &content))
			return;
		if (content.protocol != PROTOCOL_IP4 && content.protocol != PROTOCOL_IP6) {
			capture_transport_take(c, &content.ends, content.protocol, content.bytes);
			return;
		}
		packet = content.bytes;
	}
	capture_unread(c, packet, "too many IP packets inside one another");
}

void capture_transport_take(struct capture *c, struct capture_ends *ends, uint8_t protocol, struct span bytes)
{
	if (protocol == PROTOCOL_UDP)
		capture_udp_take(c, ends, bytes);
	else if (protocol == PROTOCOL_TCP)
		capture_tcp_take(c, ends, bytes);
	else if (protocol == PROTOCOL_ICMP4 || protocol == PROTOCOL_ICMP6)
		capture_icmp_take(c, ends->from.family, bytes);
	else
		capture_other(c);
}
