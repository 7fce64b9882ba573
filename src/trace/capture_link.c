/* SPDX-License-Identifier: Apache-2.0 */
/* From the frame to the IP packet in it. Numbers of link layers: https://www.tcpdump.org/linktypes.html; of what a
 * frame carries: IEEE's EtherTypes. */
#include "trace/capture_private.h"

/* How an IP packet is found behind a header. */
enum manner {
	MANNER_TYPE, /* an EtherType stands in the header */
	MANNER_VERSION, /* IP follows: its own version tells which */
	MANNER_PPP, /* a PPP frame follows */
};
static const struct layer {
	uint16_t link;
	enum manner manner;
	uint8_t header; /* length */
	uint8_t type_at; /* of the EtherType */
} layers[] = {
	{ 1, MANNER_TYPE, 14, 12 }, /* Ethernet */
	{ 113, MANNER_TYPE, 16, 14 }, /* Linux "any" */
	{ 276, MANNER_TYPE, 20, 0 }, /* the same, version 2 */
	{ 0, MANNER_VERSION, 4, 0 }, /* loopback of BSD and macOS: an address family in the order of that machine */
	{ 108, MANNER_VERSION, 4, 0 }, /* of OpenBSD */
	{ 12, MANNER_VERSION, 0, 0 }, /* IP alone, by several numbers */
	{ 14, MANNER_VERSION, 0, 0 }, { 101, MANNER_VERSION, 0, 0 }, { 228, MANNER_VERSION, 0, 0 },
	{ 229, MANNER_VERSION, 0, 0 }, { 9, MANNER_PPP, 0, 0 }, { 50, MANNER_PPP, 0, 0 },
	{ 51, MANNER_TYPE, 14, 12 }, /* PPPoE: Ethernet all the same */
};

enum {
	TYPE_IP4 = 0x0800,
	TYPE_IP6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_VLAN_OUTER = 0x88a8,
	TYPE_VLAN_OLD = 0x9100,
	TYPE_MPLS = 0x8847,
	TYPE_PPPOE = 0x8864,
	TYPE_LENGTH_MAXIMUM = 1500, /* below: no type but the length of an LLC frame */
};
#define TAGS_MAXIMUM 8

/* A PPP frame, with or without its address and control bytes (RFC 1662 3.1), a protocol of one or two bytes. */
static struct span inside_ppp(struct span frame)
{
	if (frame.length >= 2 && capture_u16(frame.at) == 0xff03)
		frame = span_from(frame, 2);
	if (frame.length >= 1 && (capture_u8(frame, 0) == 0x21 || capture_u8(frame, 0) == 0x57))
		return span_from(frame, 1);
	if (frame.length >= 2 && (capture_u16(frame.at) == 0x0021 || capture_u16(frame.at) == 0x0057))
		return span_from(frame, 2);
	return SPAN_NONE;
}

/* Behind the labels (RFC 3032 2.1). */
static struct span inside_mpls(struct span frame)
{
	for (unsigned i = 0; i < TAGS_MAXIMUM && frame.length >= 4; i++) {
		bool is_last = capture_u8(frame, 2) & 1;
		frame = span_from(frame, 4);
		if (is_last)
			return frame;
	}
	return SPAN_NONE;
}

static struct span inside_type(uint16_t type, struct span frame)
{
	for (unsigned i = 0; i < TAGS_MAXIMUM; i++) {
		bool is_tag = type == TYPE_VLAN || type == TYPE_VLAN_OUTER || type == TYPE_VLAN_OLD;
		bool is_snap = type <= TYPE_LENGTH_MAXIMUM && frame.length >= 8 &&
			       memcmp(frame.at, "\xaa\xaa\x03\0\0\0", 6) == 0;
		if (is_tag ? frame.length < 4 : !is_snap)
			break;
		type = capture_u16(frame.at + (is_tag ? 2 : 6));
		frame = span_from(frame, is_tag ? 4 : 8);
	}
	switch (type) {
	case TYPE_IP4:
	case TYPE_IP6:
		return frame;
	case TYPE_MPLS:
		return inside_mpls(frame);
	case TYPE_PPPOE:
		return frame.length > 6 ? inside_ppp(span_from(frame, 6)) : SPAN_NONE;
	default:
		return SPAN_NONE;
	}
}

static struct span inside(const struct layer *layer, struct span frame)
{
	if (frame.length < layer->header)
		return SPAN_NONE;
	struct span rest = span_from(frame, layer->header);
	switch (layer->manner) {
	case MANNER_TYPE:
		return inside_type(capture_u16(frame.at + layer->type_at), rest);
	case MANNER_PPP:
		return inside_ppp(rest);
	case MANNER_VERSION:
		break;
	}
	return rest;
}

void capture_link_take(struct capture *c, uint16_t link, struct span frame)
{
	for (size_t i = 0; i < BASE_COUNT(layers); i++) {
		if (layers[i].link != link)
			continue;
		struct span packet = inside(&layers[i], frame);
		if (packet.length > 0)
			capture_ip_take(c, packet);
		else
			capture_other(c);
		return;
	}
	capture_unread(c, frame, "a packet of a link layer that is not read");
}
