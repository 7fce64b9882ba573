/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one direction in their order (RFC 9293 3.10.7.4, without its window): repeated ones are left out, early
 * ones wait. A gap is given up once the other side has acknowledged what is missing and it still does not come: then
 * the capture has lost it.
 *
 * Packets of both directions may stand in the file in another order than they were sent, where a card has several
 * queues. What a segment acknowledges tells what it came after: it waits for that too, for a moment. */
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
	stream->ahead_bytes -= first->piece.bytes.length;
	stream->ahead_count--;
	free(first);
}

void capture_stream_done(struct capture_stream *stream)
{
	while (stream->ahead)
		drop_first(stream);
}

/* A piece at the next place, or before it. */
static void deliver(struct capture *c, struct capture_flow *flow, unsigned side, const struct capture_piece *piece)
{
	struct capture_stream *stream = &flow->streams[side];
	size_t known = stream->next - piece->at, length = piece->bytes.length + piece->missing;
	if (known >= length)
		return;
	stream->next = piece->at + (uint32_t)length;
	struct span bytes = span_from(piece->bytes, known);
	if (bytes.length > 0)
		capture_talk_hear(c, flow, &flow->talk, side, bytes);
	if (piece->missing > 0)
		capture_talk_gap(c, flow, &flow->talk, side);
}

/* Answers the piece something that was not heard yet? */
static bool is_out_of_order(const struct capture_flow *flow, unsigned side, const struct capture_piece *piece)
{
	const struct capture_stream *other = &flow->streams[1 - side];
	if (!piece->has_after || !other->is_known || flow->is_order_lost ||
		flow->talk.ears[1 - side].speech == CAPTURE_SPEECH_OTHER)
		return false;
	uint32_t heard = other->has_fin && !is_before(other->next, other->fin) ? other->fin + 1 : other->next;
	return is_before(heard, piece->after);
}

/* Gives what waited for nothing but its turn. True where there was something. */
static bool deliver_ahead(struct capture *c, struct capture_flow *flow, unsigned side, bool is_own_packet)
{
	struct capture_stream *stream = &flow->streams[side];
	const struct capture_packet packet = c->packet;
	bool has_moved = false;
	while (stream->ahead && !is_before(stream->next, stream->ahead->piece.at) &&
		!is_out_of_order(flow, side, &stream->ahead->piece)) {
		/* What waited for the other side was whole when it came; what waited for a gap is so now. */
		if (!is_own_packet)
			c->packet = stream->ahead->packet;
		deliver(c, flow, side, &stream->ahead->piece);
		c->packet = packet;
		drop_first(stream);
		has_moved = true;
	}
	if (has_moved || !stream->ahead) {
		stream->waited = 0;
		stream->gap_us = packet.time_us;
	}
	if (stream->has_fin && !is_before(stream->next, stream->fin))
		stream->is_over = true;
	return has_moved;
}

/* Both sides, as long as one sets the other free; side: whose packet is at hand. */
static void deliver_both(struct capture *c, struct capture_flow *flow, unsigned side)
{
	for (bool has_moved = true; has_moved;) {
		has_moved = deliver_ahead(c, flow, side, true);
		if (flow->streams[1 - side].ahead && deliver_ahead(c, flow, 1 - side, false))
			has_moved = true;
	}
}

static void give_up(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_stream *stream = &flow->streams[side];
	if (!stream->ahead)
		return;
	if (is_before(stream->next, stream->ahead->piece.at)) {
		stream->next = stream->ahead->piece.at;
		capture_talk_gap(c, flow, &flow->talk, side);
	} else {
		flow->is_order_lost = true;
	}
	deliver_both(c, flow, side);
}

void capture_stream_flush(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_stream *stream = &flow->streams[side];
	while (stream->ahead)
		give_up(c, flow, side);
	stream->is_over = stream->has_fin;
}

/* Keeps a piece that came before its time. */
static void hold(struct capture *c, struct capture_stream *stream, const struct capture_piece *piece)
{
	struct capture_segment **place = &stream->ahead;
	while (*place && is_before((*place)->piece.at, piece->at))
		place = &(*place)->next;
	if (*place && (*place)->piece.at == piece->at && (*place)->piece.bytes.length >= piece->bytes.length)
		return;
	struct capture_segment *segment = malloc(sizeof(*segment) + piece->bytes.length);
	if (!segment)
		return;
	if (!stream->ahead)
		stream->gap_us = c->packet.time_us;
	*segment = (struct capture_segment){ *place, *piece, c->packet };
	memcpy(segment->bytes, piece->bytes.at, piece->bytes.length);
	segment->piece.bytes.at = segment->bytes;
	*place = segment;
	stream->ahead_bytes += piece->bytes.length;
	stream->ahead_count++;
}

/* Will what the first one waits for not come any more? */
static bool is_lost(const struct capture *c, struct capture_stream *stream)
{
	int64_t since_us = c->packet.time_us - stream->gap_us;
	if (stream->ahead_bytes > CAPTURE_AHEAD_MAXIMUM || stream->ahead_count > CAPTURE_AHEAD_SEGMENTS)
		return true;
	if (!is_before(stream->next, stream->ahead->piece.at))
		return ++stream->waited > CAPTURE_ORDER_PACKETS || since_us > CAPTURE_ORDER_US;
	bool has_arrived = stream->acknowledged && is_before(stream->next, stream->acknowledged);
	return has_arrived && (++stream->waited > CAPTURE_GAP_PACKETS || since_us > CAPTURE_GAP_US);
}

void capture_stream_take(struct capture *c, struct capture_flow *flow, unsigned side, const struct capture_piece *piece)
{
	struct capture_stream *stream = &flow->streams[side];
	if (!stream->is_known) {
		stream->is_known = true;
		stream->first = stream->next = piece->at;
	}
	if (flow->talk.ears[side].speech == CAPTURE_SPEECH_OTHER) {
		/* Nobody listens: only how it ends is looked at. */
		stream->next = piece->at + (uint32_t)(piece->bytes.length + piece->missing);
		stream->is_over = stream->has_fin;
		deliver_both(c, flow, 1 - side);
		return;
	}
	if (is_before(stream->next, piece->at) || is_out_of_order(flow, side, piece)) {
		if (piece->bytes.length > 0)
			hold(c, stream, piece);
		if (stream->ahead && is_lost(c, stream))
			give_up(c, flow, side);
		return;
	}
	deliver(c, flow, side, piece);
	deliver_both(c, flow, side);
}
