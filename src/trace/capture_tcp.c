/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections: found by their four numbers, watched from their SYN to their end. */
#include "trace/capture_flow.h"
#include "trace/capture_tls.h"

#include <errno.h>
#include <stdlib.h>

#define TCP_HEADER 20
#define PORT_SIP 5060
#define PORT_SIPS 5061
#define SECOND_US INT64_C(1000000)

enum { FLAG_FIN = 1, FLAG_SYN = 2, FLAG_RST = 4, FLAG_ACK = 16 };

struct segment {
	uint32_t at, acknowledged;
	uint8_t flags;
	struct span bytes;
};

/* ---- the table ---- */

int capture_flows_init(struct capture *c)
{
	c->flows = calloc(1, sizeof(*c->flows));
	if (!c->flows || hash_init(&c->flows->table, CAPTURE_FLOWS_MAXIMUM) < 0)
		return -ENOMEM;
	list_init(&c->flows->asked);
	list_init(&c->flows->open);
	return 0;
}

/* The same for both directions. */
static uint64_t hash_of(const struct capture *c, const struct capture_ends *ends)
{
	struct {
		uint8_t bytes[2][16];
		uint16_t ports[2];
	} key = { 0 };
	int order = memcmp(ends->from.bytes, ends->to.bytes, 16);
	unsigned first = order > 0 || (order == 0 && ends->from.port > ends->to.port);
	memcpy(key.bytes[first], ends->from.bytes, 16);
	memcpy(key.bytes[!first], ends->to.bytes, 16);
	key.ports[first] = ends->from.port;
	key.ports[!first] = ends->to.port;
	return hash_keyed(&c->hash_key, span_make((const char *)&key, sizeof(key)));
}

static bool is_same_end(const struct record_address *a, const struct record_address *b)
{
	return a->port == b->port && a->family == b->family && memcmp(a->bytes, b->bytes, 16) == 0;
}

/* True where these are the ends of the flow; *ret_side: who sends. */
static bool is_of_flow(const struct capture_flow *flow, const struct capture_ends *ends, unsigned *ret_side)
{
	for (unsigned side = 0; side < 2; side++)
		if (is_same_end(&flow->ends[side], &ends->from) && is_same_end(&flow->ends[1 - side], &ends->to)) {
			*ret_side = side;
			return true;
		}
	return false;
}

static struct capture_flow *find_flow(struct capture *c, const struct capture_ends *ends, unsigned *ret_side)
{
	struct capture_flows *flows = c->flows;
	if (flows->last && is_of_flow(flows->last, ends, ret_side))
		return flows->last;
	for (struct hash_link *link = hash_first(&flows->table, hash_of(c, ends)); link; link = hash_next(link)) {
		struct capture_flow *flow = base_container(link, struct capture_flow, link);
		if (is_of_flow(flow, ends, ret_side))
			return flows->last = flow;
	}
	return NULL;
}

static void free_flow(struct capture *c, struct capture_flow *flow)
{
	struct capture_flows *flows = c->flows;
	if (flows->last == flow)
		flows->last = NULL;
	flows->held -= flow->held;
	hash_remove(&flows->table, &flow->link);
	list_remove(&flow->age);
	capture_stream_done(&flow->streams[0]);
	capture_stream_done(&flow->streams[1]);
	capture_talk_done(&flow->talk);
	capture_tls_free(flow->tls);
	free(flow);
}

static struct capture_flow *oldest_of(struct capture_flows *flows)
{
	struct list *first = list_is_empty(&flows->open) ? flows->asked.next : flows->open.next;
	return base_container(first, struct capture_flow, age);
}

static void evict_oldest(struct capture *c, const char *why)
{
	struct capture_flow *flow = oldest_of(c->flows);
	if (!capture_talk_is_other(&flow->talk))
		capture_unread(c, SPAN("a connection"), why);
	free_flow(c, flow);
}

void capture_flows_free(struct capture *c)
{
	if (!c->flows)
		return;
	while (c->flows->table.count > 0)
		free_flow(c, oldest_of(c->flows));
	hash_done(&c->flows->table);
	free(c->flows);
	c->flows = NULL;
}

/* opener: which of the two opened it. */
static struct capture_flow *add_flow(struct capture *c, const struct capture_ends *ends, bool is_from_opener)
{
	struct capture_flows *flows = c->flows;
	if (flows->table.count == CAPTURE_FLOWS_MAXIMUM)
		evict_oldest(c, "more connections than are kept: the longest silent one is forgotten");
	struct capture_flow *flow = calloc(1, sizeof(*flow));
	if (!flow)
		return NULL;
	if (hash_insert(&flows->table, &flow->link, hash_of(c, ends)) < 0) {
		free(flow);
		return NULL;
	}
	flow->ends[0] = is_from_opener ? ends->from : ends->to;
	flow->ends[1] = is_from_opener ? ends->to : ends->from;
	flow->stage = CAPTURE_OPEN;
	flow->asked = c->packet;
	flow->opened_us = flow->last_us = c->packet.time_us;
	capture_talk_init(&flow->talk, RECORD_TCP);
	list_append(&flows->open, &flow->age);
	return flows->last = flow;
}

/* What it holds back is counted; where all hold too much, the longest silent ones go. */
static void weigh(struct capture *c, struct capture_flow *flow)
{
	size_t held = flow->streams[0].ahead_bytes + flow->streams[1].ahead_bytes + capture_talk_held(&flow->talk) +
		      capture_tls_held(flow->tls);
	c->flows->held += held - flow->held;
	flow->held = held;
	while (c->flows->held > CAPTURE_HELD_MAXIMUM && c->flows->table.count > 1 && oldest_of(c->flows) != flow)
		evict_oldest(c,
			"more bytes of unfinished messages than are kept: the longest silent connection is forgotten");
}

/* ---- records ---- */

static bool is_of_interest(const struct capture_flow *flow)
{
	for (unsigned side = 0; side < 2; side++)
		if (flow->talk.ears[side].speech == CAPTURE_SPEECH_SIP ||
			flow->talk.ears[side].speech == CAPTURE_SPEECH_WEBSOCKET)
			return true;
	return flow->tls != NULL;
}

static struct record connection_record(
	struct capture *c, const struct capture_flow *flow, enum record_connection_event event, int64_t time_us)
{
	struct record r = { .kind = RECORD_CONNECTION, .head.time_us = time_us };
	r.connection.event = event;
	r.connection.role = RECORD_CLIENT;
	r.connection.transport = flow->tls ? RECORD_TLS : RECORD_TCP;
	r.connection.local = flow->ends[0];
	r.connection.remote = flow->ends[1];
	if (time_us > flow->opened_us)
		r.connection.duration_us = (uint64_t)(time_us - flow->opened_us);
	(void)c;
	return r;
}

static void give_opened(struct capture *c, struct capture_flow *flow)
{
	struct capture_ends ends = capture_flow_ends(flow, 0);
	struct record r = connection_record(c, flow, RECORD_CONNECTION_OPENED, c->packet.time_us);
	r.connection.duration_us = 0;
	capture_give(
		c, &r, arena_printf(capture_arena(c), "%.*s TCP connected", SPAN_PRINT(capture_ends_text(c, &ends))));
}

/* At the packet that asked for it: that is where to look. */
static void give_failed(
	struct capture *c, struct capture_flow *flow, int64_t time_us, const char *reason, int32_t error)
{
	struct capture_ends ends = capture_flow_ends(flow, 0);
	struct capture_packet packet = c->packet;
	struct record r = connection_record(c, flow, RECORD_CONNECTION_FAILED, time_us);
	r.connection.stage = SPAN("connect");
	r.connection.reason = span_of(reason);
	r.connection.error = error;
	c->packet.number = flow->asked.number;
	c->packet.offset = flow->asked.offset;
	capture_give(c, &r,
		arena_printf(capture_arena(c), "%.*s TCP SYN (%u): %s", SPAN_PRINT(capture_ends_text(c, &ends)),
			flow->tries, reason));
	c->packet = packet;
}

static void give_closed(struct capture *c, struct capture_flow *flow, const char *reason)
{
	struct capture_ends ends = capture_flow_ends(flow, 0);
	struct record r = connection_record(c, flow, RECORD_CONNECTION_CLOSED, c->packet.time_us);
	r.connection.reason = span_of(reason);
	if (is_of_interest(flow))
		capture_give(c, &r,
			arena_printf(capture_arena(c), "%.*s TCP %s", SPAN_PRINT(capture_ends_text(c, &ends)), reason));
}

/* ---- how they begin and end ---- */

static void flush(struct capture *c, struct capture_flow *flow)
{
	for (unsigned side = 0; side < 2; side++)
		capture_stream_flush(c, flow, side);
}

static void end_by_reset(struct capture *c, struct capture_flow *flow, unsigned side)
{
	if (flow->stage == CAPTURE_ASKED) {
		if (side == 1)
			give_failed(c, flow, c->packet.time_us, "Connection refused", ECONNREFUSED);
	} else {
		flush(c, flow);
		capture_tls_end(c, flow, side, true);
		give_closed(c, flow, side == 0 ? "reset by the client" : "reset by the server");
	}
	free_flow(c, flow);
}

/* The side whose FIN came first has closed it, once all that it sent before was heard. */
static void end_by_fin(struct capture *c, struct capture_flow *flow)
{
	if (flow->streams[0].has_fin && flow->streams[1].has_fin)
		flush(c, flow);
	if (!flow->streams[flow->closer].is_over)
		return;
	if (!flow->is_closed) {
		flow->is_closed = true;
		capture_tls_end(c, flow, flow->closer, false);
		give_closed(c, flow, flow->closer == 0 ? "closed by the client" : "closed by the server");
	}
	if (flow->streams[1 - flow->closer].is_over)
		free_flow(c, flow);
}

static void fail_unanswered(struct capture *c, struct capture_flow *flow)
{
	give_failed(c, flow, flow->last_us, "Connection timed out", ETIMEDOUT);
	free_flow(c, flow);
}

/* SYNs that nobody has answered: once a second of the capture's time. */
static void expire(struct capture *c)
{
	struct capture_flows *flows = c->flows;
	if (c->packet.time_us - flows->looked_us < SECOND_US && c->packet.time_us >= flows->looked_us)
		return;
	flows->looked_us = c->packet.time_us;
	while (!list_is_empty(&flows->asked)) {
		struct capture_flow *flow = base_container(flows->asked.next, struct capture_flow, age);
		if (c->packet.time_us - flow->last_us < CAPTURE_ASKED_US)
			break;
		fail_unanswered(c, flow);
	}
}

void capture_flows_end(struct capture *c)
{
	struct capture_flows *flows = c->flows;
	while (flows && !list_is_empty(&flows->asked)) {
		struct capture_flow *flow = base_container(flows->asked.next, struct capture_flow, age);
		if (flow->tries > 1 || c->packet.time_us - flow->last_us >= CAPTURE_ASKED_END_US)
			fail_unanswered(c, flow);
		else
			free_flow(c, flow);
	}
	while (flows && !list_is_empty(&flows->open)) {
		struct capture_flow *flow = base_container(flows->open.next, struct capture_flow, age);
		flush(c, flow);
		capture_tls_end_of_file(c, flow);
		free_flow(c, flow);
	}
}

void capture_tcp_unreachable(struct capture *c, const struct capture_ends *ends, const char *reason, int32_t error)
{
	unsigned side;
	struct capture_flow *flow = c->flows ? find_flow(c, ends, &side) : NULL;
	if (!flow || flow->stage != CAPTURE_ASKED || side != 0)
		return;
	give_failed(c, flow, c->packet.time_us, reason, error);
	free_flow(c, flow);
}

/* Is this the SYN that the flow began with: asked again, or behind what it should stand before? */
static bool is_its_syn(const struct capture_flow *flow, const struct capture_ends *ends, const struct segment *s)
{
	const struct capture_stream *stream = &flow->streams[0];
	return is_same_end(&flow->ends[0], &ends->from) && (!stream->is_known || stream->first == s->at + 1);
}

/* A SYN: asks for a new connection, or asks again. */
static struct capture_flow *take_syn(
	struct capture *c, const struct capture_ends *ends, struct capture_flow *flow, const struct segment *s)
{
	if (flow && !is_its_syn(flow, ends, s)) {
		flush(c, flow);
		capture_tls_end_of_file(c, flow);
		free_flow(c, flow);
		flow = NULL;
	}
	if (!flow) {
		flow = add_flow(c, ends, true);
		if (!flow)
			return NULL;
		flow->stage = CAPTURE_ASKED;
	}
	flow->tries++;
	flow->is_from_start = true;
	if (!flow->streams[0].is_known) {
		flow->streams[0].is_known = true;
		flow->streams[0].first = flow->streams[0].next = s->at + 1;
	}
	return flow;
}

static struct capture_flow *take_syn_ack(struct capture *c, const struct capture_ends *ends, struct capture_flow *flow,
	unsigned *side, const struct segment *s)
{
	if (!flow) {
		flow = add_flow(c, ends, false);
		*side = 1;
		if (!flow)
			return NULL;
		flow->is_from_start = true;
		flow->stage = CAPTURE_ASKED;
	}
	if (flow->stage == CAPTURE_ASKED && *side == 1)
		flow->stage = CAPTURE_ANSWERED;
	if (!flow->streams[1].is_known && *side == 1) {
		flow->streams[1].is_known = true;
		flow->streams[1].first = flow->streams[1].next = s->at + 1;
	}
	return flow;
}

/* Which side of a connection that was open before the capture opened it? Servers have the well-known ports. */
static bool is_from_opener(const struct capture_ends *ends)
{
	bool is_from_server = ends->from.port == PORT_SIP || ends->from.port == PORT_SIPS;
	bool is_to_server = ends->to.port == PORT_SIP || ends->to.port == PORT_SIPS;
	if (is_from_server != is_to_server)
		return is_to_server;
	return ends->from.port >= ends->to.port;
}

static void touch(struct capture *c, struct capture_flow *flow)
{
	struct list *last = flow->stage == CAPTURE_ASKED ? &c->flows->asked : &c->flows->open;
	flow->last_us = c->packet.time_us;
	if (last->previous != &flow->age) {
		list_remove(&flow->age);
		list_append(last, &flow->age);
	}
}

static void take_content(struct capture *c, struct capture_flow *flow, unsigned side, const struct segment *s)
{
	struct capture_stream *stream = &flow->streams[side], *other = &flow->streams[1 - side];
	if (s->flags & FLAG_ACK && (int32_t)(s->acknowledged - other->acknowledged) > 0)
		other->acknowledged = s->acknowledged;
	else if (s->flags & FLAG_ACK && other->acknowledged == 0)
		other->acknowledged = s->acknowledged;
	/* The answer to the SYN may be lost or late: then this tells that there was one. */
	if (flow->stage != CAPTURE_OPEN && side == 0 && (s->flags & (FLAG_ACK | FLAG_RST)) == FLAG_ACK) {
		if (!other->is_known) {
			other->is_known = true;
			other->first = other->next = s->acknowledged;
		}
		flow->stage = CAPTURE_OPEN;
		flow->opened_us = c->packet.time_us;
		give_opened(c, flow);
		touch(c, flow);
	}
	if (s->flags & FLAG_FIN) {
		if (!other->has_fin)
			flow->closer = side;
		stream->has_fin = true;
		stream->fin = s->at + (uint32_t)(s->bytes.length + c->packet.missing);
	}
	if (s->bytes.length > 0 || c->packet.missing > 0 || s->flags & FLAG_FIN || stream->ahead)
		capture_stream_take(c, flow, side,
			&(struct capture_piece){
				s->at, s->acknowledged, s->flags & FLAG_ACK, s->bytes, c->packet.missing });
	weigh(c, flow);
	if (s->flags & FLAG_RST)
		end_by_reset(c, flow, side);
	else if (stream->has_fin || other->has_fin)
		end_by_fin(c, flow);
}

static bool read_segment(struct span bytes, struct capture_ends *ends, struct segment *ret_segment)
{
	size_t header = bytes.length >= TCP_HEADER ? (capture_u8(bytes, 12) >> 4) * 4u : 0;
	if (header < TCP_HEADER || header > bytes.length)
		return false;
	ends->from.port = capture_u16(bytes.at);
	ends->to.port = capture_u16(bytes.at + 2);
	*ret_segment = (struct segment){
		.at = capture_u32(bytes.at + 4),
		.acknowledged = capture_u32(bytes.at + 8),
		.flags = capture_u8(bytes, 13),
		.bytes = span_from(bytes, header),
	};
	return true;
}

void capture_tcp_take(struct capture *c, struct capture_ends *ends, struct span bytes)
{
	struct segment s;
	unsigned side = 0;
	uint64_t records = c->reader->counts.records;
	if (!read_segment(bytes, ends, &s)) {
		capture_unread(c, bytes, "a TCP header that lies about its length");
		return;
	}
	if (!c->flows && capture_flows_init(c) < 0)
		return;
	expire(c);
	struct capture_flow *flow = find_flow(c, ends, &side);
	if ((s.flags & (FLAG_SYN | FLAG_ACK)) == FLAG_SYN) {
		flow = take_syn(c, ends, flow, &s);
		side = 0;
	} else if (s.flags & FLAG_SYN) {
		flow = take_syn_ack(c, ends, flow, &side, &s);
	} else if (!flow && s.bytes.length > 0) {
		bool is_opener = is_from_opener(ends);
		flow = add_flow(c, ends, is_opener);
		side = is_opener ? 0 : 1;
	}
	if (flow) {
		touch(c, flow);
		if (!(s.flags & FLAG_SYN))
			take_content(c, flow, side, &s);
	}
	if (c->reader->counts.records == records)
		capture_other(c);
}
