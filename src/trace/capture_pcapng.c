/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of a pcapng file (draft-ietf-opsawg-pcapng): sections in either byte order, any number of interfaces with
 * clocks of their own, packets in all three kinds of blocks, secrets of TLS, names of addresses. Others are passed
 * over. */
#include "trace/capture_private.h"

#include <stdlib.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_OLD_PACKET = 2,
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_NAMES = 4,
	BLOCK_PACKET = 6,
	BLOCK_SECRETS = 10,
};
#define BLOCK_FRAME 12 /* type and length in front, the length again at the end */
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define SECRETS_OF_TLS 0x544c534bu
#define OPTION_RESOLUTION 9
#define OPTION_OFFSET 14
#define RESOLUTION_DEFAULT 6 /* microseconds */

/* ---- options ---- */

/* The next option, its value cut to its length; false at their end, or where a length lies. */
static bool next_option(const struct capture *c, struct span *rest, uint16_t *ret_code, struct span *ret_value)
{
	if (rest->length < 4)
		return false;
	*ret_code = capture_file_u16(c, rest->at);
	size_t length = capture_file_u16(c, rest->at + 2);
	if (*ret_code == 0 || length > rest->length - 4)
		return false;
	*ret_value = span_make(rest->at + 4, length);
	*rest = span_from(*rest, 4 + (length + 3) / 4 * 4);
	return true;
}

static int64_t signed_of(const struct capture *c, struct span value)
{
	int64_t number;
	memcpy(&number, value.at, sizeof(number));
	return c->is_swapped ? (int64_t)__builtin_bswap64((uint64_t)number) : number;
}

/* ---- interfaces ---- */

static bool add_interface(struct capture *c, struct span body)
{
	struct capture_interface interface = { .resolution = RESOLUTION_DEFAULT };
	struct span value;
	uint16_t code;
	if (body.length < 8 || c->interface_count == CAPTURE_INTERFACES_MAXIMUM)
		return false;
	interface.link = capture_file_u16(c, body.at);
	interface.snaplen = capture_file_u32(c, body.at + 4);
	for (struct span rest = span_from(body, 8); next_option(c, &rest, &code, &value);)
		if (code == OPTION_RESOLUTION && value.length == 1)
			interface.resolution = capture_u8(value, 0);
		else if (code == OPTION_OFFSET && value.length == 8)
			interface.offset_s = signed_of(c, value);
	struct capture_interface *more = realloc(c->interfaces, (c->interface_count + 1) * sizeof(*more));
	if (!more)
		return false;
	c->interfaces = more;
	c->interfaces[c->interface_count++] = interface;
	return true;
}

/* ---- time ---- */

static int64_t us_of(const struct capture_interface *interface, uint64_t units)
{
	unsigned exponent = interface->resolution & 0x7f;
	unsigned __int128 us = (unsigned __int128)units * 1000000;
	if (interface->resolution & 0x80) {
		us = exponent < 64 ? us >> exponent : 0;
	} else {
		for (unsigned i = 0; i < exponent && us > 0; i++)
			us /= 10;
	}
	int64_t since = us > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)us;
	int64_t offset_s = interface->offset_s;
	return offset_s > -INT64_C(1000000000000) && offset_s < INT64_C(1000000000000) ? since + offset_s * 1000000
										       : since;
}

/* ---- packets ---- */

struct packet_fields {
	uint32_t interface;
	bool has_time;
	uint64_t units;
	uint32_t kept, length;
	size_t head; /* of the block's body, before the bytes */
};

static bool read_packet_fields(struct capture *c, uint32_t type, struct span body, struct packet_fields *ret_fields)
{
	size_t head = type == BLOCK_SIMPLE_PACKET ? 4 : 20;
	struct packet_fields f = { .head = head, .has_time = type != BLOCK_SIMPLE_PACKET };
	if (body.length < head)
		return false;
	if (type == BLOCK_SIMPLE_PACKET) {
		f.length = capture_file_u32(c, body.at);
		f.kept = f.length;
		if (c->interface_count > 0 && c->interfaces[0].snaplen > 0 && f.kept > c->interfaces[0].snaplen)
			f.kept = c->interfaces[0].snaplen;
		if (f.kept > body.length - head)
			f.kept = (uint32_t)(body.length - head);
	} else {
		f.interface = type == BLOCK_PACKET ? capture_file_u32(c, body.at) : capture_file_u16(c, body.at);
		f.units = (uint64_t)capture_file_u32(c, body.at + 4) << 32 | capture_file_u32(c, body.at + 8);
		f.kept = capture_file_u32(c, body.at + 12);
		f.length = capture_file_u32(c, body.at + 16);
	}
	*ret_fields = f;
	return f.kept <= body.length - head;
}

static void take_packet(struct capture *c, uint32_t type, struct span body, uint64_t offset)
{
	struct packet_fields f = { 0 };
	bool is_sound = read_packet_fields(c, type, body, &f);
	const struct capture_interface *interface =
		f.interface < c->interface_count ? &c->interfaces[f.interface] : NULL;
	capture_packet_begin(c, &(struct capture_packet){
					.time_us = interface && f.has_time ? us_of(interface, f.units) : 0,
					.offset = offset,
					.is_cut = f.kept < f.length,
				});
	if (!is_sound)
		capture_unread(c, body, "a packet that is longer than its block");
	else if (!interface)
		capture_unread(c, body, "a packet of an interface that the file does not describe");
	else
		capture_link_take(c, interface->link, span_first(span_from(body, f.head), f.kept));
}

/* ---- the other blocks ---- */

static void take_secrets(struct capture *c, struct span body)
{
	if (body.length < 8)
		return;
	size_t length = capture_file_u32(c, body.at + 4);
	if (capture_file_u32(c, body.at) != SECRETS_OF_TLS || length > body.length - 8)
		return;
	if (!c->embedded)
		c->embedded = trace_keys_new();
	if (c->embedded)
		(void)trace_keys_add(c->embedded, span_make(body.at + 8, length));
}

/* One address and its names, each ended by a NUL. */
static void take_name(struct capture *c, uint8_t family, struct span value)
{
	size_t length = family == 4 ? 4 : 16;
	struct record r = { .kind = RECORD_NOTICE };
	if (value.length <= length)
		return;
	r.notice.module = SPAN("capture");
	r.notice.name = SPAN("name of an address");
	r.notice.remote.family = family;
	memcpy(r.notice.remote.bytes, value.at, length);
	for (struct span names = span_from(value, length); names.length > 0;) {
		r.notice.detail = span_cut(&names, '\0');
		if (r.notice.detail.length > 0)
			capture_give(c, &r, r.notice.detail);
	}
}

static void take_names(struct capture *c, struct span body)
{
	struct span value;
	uint16_t code;
	for (struct span rest = body; next_option(c, &rest, &code, &value);)
		if (code == 1 || code == 2)
			take_name(c, code == 1 ? 4 : 6, value);
}

static void take_block(struct capture *c, uint32_t type, struct span body, uint64_t offset)
{
	switch (type) {
	case BLOCK_INTERFACE:
		if (!add_interface(c, body))
			capture_unread(c, body, "a description of an interface that cannot be used");
		break;
	case BLOCK_PACKET:
	case BLOCK_OLD_PACKET:
	case BLOCK_SIMPLE_PACKET:
		take_packet(c, type, body, offset);
		break;
	case BLOCK_NAMES:
		take_names(c, body);
		break;
	case BLOCK_SECRETS:
		take_secrets(c, body);
		break;
	default:
		break;
	}
}

/* A section begins: its byte order; interfaces are counted anew. */
static bool begin_section(struct capture *c, struct span text)
{
	uint32_t magic;
	memcpy(&magic, text.at + 8, sizeof(magic));
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return false;
	c->is_swapped = magic != BYTE_ORDER_MAGIC;
	c->interface_count = 0;
	return true;
}

size_t capture_pcapng_read(struct capture *c, struct span text, uint64_t offset)
{
	c->reader->needed = BLOCK_FRAME;
	if (text.length < BLOCK_FRAME)
		return 0;
	uint32_t type = capture_file_u32(c, text.at);
	if (type == BLOCK_SECTION && !begin_section(c, text)) {
		capture_give_up(c, text, "a section without a byte order: the rest of the file was not read");
		return text.length;
	}
	uint64_t length = ((uint64_t)capture_file_u32(c, text.at + 4) + 3) / 4 * 4;
	if (length < BLOCK_FRAME) {
		capture_give_up(c, text, "a block shorter than its own frame: the rest of the file was not read");
		return text.length;
	}
	if (length > CAPTURE_BLOCK_MAXIMUM) {
		capture_unread(c, span_first(text, 64), "a block longer than any packet was passed over");
		c->skip = length - BLOCK_FRAME;
		return BLOCK_FRAME;
	}
	c->reader->needed = (size_t)length;
	if (text.length < length)
		return 0;
	take_block(c, type, span_make(text.at + 8, (size_t)length - BLOCK_FRAME), offset);
	return (size_t)length;
}
