/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/capture_private.h"

static struct trace_place place_of(const struct capture *c, struct span raw)
{
	return (struct trace_place){
		.line = c->packet.number, .is_packet = true, .offset = c->packet.offset, .raw = raw
	};
}

void capture_packet_begin(struct capture *c, const struct capture_packet *packet)
{
	uint64_t number = c->packet.number + 1;
	c->packet = *packet;
	c->packet.number = number;
	c->reader->counts.lines++;
	if (c->reader->arena.used > 0)
		arena_reset(&c->reader->arena);
}

void capture_give(struct capture *c, const struct record *r, struct span raw)
{
	struct trace_place place = place_of(c, raw);
	trace_reader_give(c->reader, r, &place);
}

void capture_give_message(struct capture *c, const struct capture_ends *ends, enum record_transport transport,
	struct span bytes, bool is_summary)
{
	struct record r = { .kind = RECORD_MESSAGE, .head.time_us = c->packet.time_us };
	struct trace_place place = place_of(c, bytes);
	place.is_summary = is_summary;
	r.message.direction = RECORD_PASSED;
	r.message.transport = transport;
	r.message.local = ends->from;
	r.message.remote = ends->to;
	r.message.bytes = bytes;
	trace_reader_give(c->reader, &r, &place);
}

void capture_unread(struct capture *c, struct span raw, const char *why)
{
	struct trace_place place = place_of(c, span_first(raw, 256));
	trace_reader_unread(c->reader, &place, why);
}

void capture_other(struct capture *c)
{
	c->reader->counts.other++;
}

struct span capture_ends_text(struct capture *c, const struct capture_ends *ends)
{
	char from[RECORD_ADDRESS_TEXT] = "", to[RECORD_ADDRESS_TEXT] = "";
	record_address_format(&ends->from, from);
	record_address_format(&ends->to, to);
	return arena_printf(capture_arena(c), ends->from.family == 6 ? "[%s]:%u > [%s]:%u" : "%s:%u > %s:%u", from,
		ends->from.port, to, ends->to.port);
}
