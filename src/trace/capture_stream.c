/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one direction in their order (RFC 9293 3.10.7.4, without its window): repeated ones are left out, early
 * ones wait. A gap is given up once the other side has acknowledged what is missing and it still does not come: then
 * the capture has lost it. */
#include "trace/capture_flow.h"

#include <stdlib.h>

static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void drop_first(struct capture_stream *stream)
{
	struct capture_segment *first = stream->ahead;
	stream->ahead = first->next;
	stream->ahead_bytes -= first->length;
	stream->ahead_count--;
	free(first);
}

void capture_stream_done(struct capture_stream *stream)
{
	while (stream->ahead)
		drop_first(stream);
}

/* The segment at the next place, or before it. */
static void deliver(
	struct capture *c, struct capture_flow *flow, unsigned side, uint32_t at, struct span bytes, size_t missing)
{
	struct capture_stream *stream = &flow->streams[side];
	size_t known = stream->next - at;
	if (known >= bytes.length + missing)
		return;
	stream->next = at + (uint32_t)(bytes.length + missing);
	bytes = span_from(bytes, known);
	if (bytes.length > 0)
		capture_talk_hear(c, flow, &flow->talk, side, bytes);
	if (missing > 0)
		capture_talk_gap(c, flow, &flow->talk, side);
}

static void deliver_ahead(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_stream *stream = &flow->streams[side];
	while (stream->ahead && !is_before(stream->next, stream->ahead->at)) {
		struct capture_segment *first = stream->ahead;
		deliver(c, flow, side, first->at, span_make(first->bytes, first->length), first->missing);
		drop_first(stream);
	}
	stream->waited = 0;
	stream->gap_us = c->packet.time_us;
	if (stream->has_fin && !is_before(stream->next, stream->fin))
		stream->is_over = true;
}

static void give_up_gap(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_stream *stream = &flow->streams[side];
	if (stream->ahead) {
		stream->next = stream->ahead->at;
		capture_talk_gap(c, flow, &flow->talk, side);
		deliver_ahead(c, flow, side);
	}
}

void capture_stream_flush(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_stream *stream = &flow->streams[side];
	while (stream->ahead)
		give_up_gap(c, flow, side);
	stream->is_over = stream->has_fin;
}

/* Keeps a segment that came before its time. */
static void hold(struct capture *c, struct capture_stream *stream, uint32_t at, struct span bytes, size_t missing)
{
	struct capture_segment **place = &stream->ahead;
	while (*place && is_before((*place)->at, at))
		place = &(*place)->next;
	if (*place && (*place)->at == at && (*place)->length >= bytes.length)
		return;
	struct capture_segment *segment = malloc(sizeof(*segment) + bytes.length);
	if (!segment)
		return;
	if (!stream->ahead)
		stream->gap_us = c->packet.time_us;
	*segment = (struct capture_segment){ *place, at, (uint32_t)bytes.length, (uint32_t)missing };
	memcpy(segment->bytes, bytes.at, bytes.length);
	*place = segment;
	stream->ahead_bytes += bytes.length;
	stream->ahead_count++;
}

static bool is_lost(const struct capture *c, struct capture_stream *stream)
{
	if (stream->ahead_bytes > CAPTURE_AHEAD_MAXIMUM || stream->ahead_count > CAPTURE_AHEAD_SEGMENTS)
		return true;
	bool has_arrived = stream->acknowledged && is_before(stream->next, stream->acknowledged);
	return has_arrived &&
	       (++stream->waited > CAPTURE_GAP_PACKETS || c->packet.time_us - stream->gap_us > CAPTURE_GAP_US);
}

void capture_stream_take(
	struct capture *c, struct capture_flow *flow, unsigned side, uint32_t at, struct span bytes, size_t missing)
{
	struct capture_stream *stream = &flow->streams[side];
	if (!stream->is_known) {
		stream->is_known = true;
		stream->next = at;
	}
	if (flow->talk.ears[side].speech == CAPTURE_SPEECH_OTHER) {
		/* Nobody listens: only how it ends is looked at. */
		stream->next = at + (uint32_t)(bytes.length + missing);
		stream->is_over = stream->has_fin;
		return;
	}
	if (is_before(stream->next, at)) {
		if (bytes.length > 0)
			hold(c, stream, at, bytes, missing);
		if (stream->ahead && is_lost(c, stream))
			give_up_gap(c, flow, side);
		return;
	}
	deliver(c, flow, side, at, bytes, missing);
	deliver_ahead(c, flow, side);
}
