/* SPDX-License-Identifier: Apache-2.0 */
/* A file of HEP packets, one after another, into records: a message is a packet whose payload is SIP. */
#include "trace/hep.h"
#include "trace/reader_private.h"

#include <errno.h>

struct hep_state {
	bool is_lost; /* bytes that are no packet were told: the next packet is looked for */
};

/* Where "HEP3" begins next, or may begin where the text ends. */
static size_t find_packet(struct span text)
{
	static const char opens[4] = { 'H', 'E', 'P', '3' };
	for (size_t at = 0; at < text.length; at++) {
		at += span_find(span_from(text, at), 'H');
		size_t length = text.length - at < 4 ? text.length - at : 4;
		if (at == text.length || memcmp(text.at + at, opens, length) == 0)
			return at;
	}
	return text.length;
}

static void give_message(struct trace_reader *reader, const struct trace_hep *p, struct span bytes)
{
	struct trace_place place = { .line = reader->line, .offset = reader->offset, .raw = bytes };
	struct record r = { .kind = RECORD_MESSAGE };
	r.head.time_us = p->time_us;
	r.head.node = p->node;
	r.head.process = p->agent;
	r.head.tag = p->correlation;
	r.message.direction = RECORD_PASSED;
	r.message.transport = p->transport;
	r.message.local = p->source;
	r.message.remote = p->destination;
	r.message.bytes = bytes;
	trace_reader_give(reader, &r, &place);
}

static void read_packet(struct trace_reader *reader, const struct trace_hep *p, struct span packet)
{
	struct trace_place place = { .line = reader->line, .offset = reader->offset, .raw = packet };
	struct span bytes = p->payload;
	while (bytes.length > 0 && (bytes.at[0] == '\r' || bytes.at[0] == '\n'))
		bytes = span_from(bytes, 1);
	if (p->payload_type != TRACE_HEP_SIP || bytes.length == 0)
		reader->counts.other++;
	else if (p->is_compressed)
		trace_reader_unread(reader, &place, "a HEP packet whose payload is compressed");
	else
		give_message(reader, p, bytes);
}

/* Gives how many bytes are none of a packet; 0: more is needed to tell. */
static size_t pass_over(struct trace_reader *reader, struct span text)
{
	struct hep_state *state = reader->state;
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset, .raw = span_first(text, 256) };
	if (!state->is_lost)
		trace_reader_unread(reader, &place, "bytes that are no HEP packet");
	state->is_lost = true;
	return 1 + find_packet(span_from(text, 1));
}

static size_t read_hep(struct trace_reader *reader, struct span text, bool last)
{
	struct hep_state *state = reader->state;
	struct trace_hep packet;
	int status = trace_hep_read(text, &packet);
	if (status == -EAGAIN && !last)
		return 0;
	if (status == -EINVAL)
		return pass_over(reader, text);
	reader->line++;
	reader->counts.lines++;
	struct trace_place place = { .line = reader->line, .offset = reader->offset, .raw = text };
	if (status == -EAGAIN) {
		trace_reader_unread(reader, &place, "a HEP packet that was cut off");
		return text.length;
	}
	state->is_lost = false;
	place.raw = span_first(text, packet.length);
	if (status == 0)
		read_packet(reader, &packet, place.raw);
	else
		trace_reader_unread(reader, &place, "a HEP packet in which a length is wrong");
	return packet.length;
}

const struct trace_reading trace_reading_hep = { .state_size = sizeof(struct hep_state), .read = read_hep };
