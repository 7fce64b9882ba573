/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_CAPTURE_FLOW_H
#define FEDGE_TRACE_CAPTURE_FLOW_H
/* TCP connections in a capture, and what is spoken on them:
 *
 *	capture_tcp.c     the table of connections; how they begin and end
 *	capture_stream.c  the segments of one direction in their order
 *	capture_talk.c    SIP, HEP, DNS in these bytes, or in those that TLS gives
 *	capture_web.c     HTTP that becomes a WebSocket, and its frames
 *	capture_tls.c     TLS
 *
 * Of two segments that say different things of one place the first is believed. A connection that began before the
 * capture is joined at the next message. */
#include "sip/framer.h"
#include "trace/capture_private.h"

struct capture_flow;
struct capture_tls;

/* ---- what is spoken in one direction ---- */

enum capture_speech {
	CAPTURE_SPEECH_OPENING, /* not known yet */
	CAPTURE_SPEECH_SIP,
	CAPTURE_SPEECH_WEB, /* HTTP that may become a WebSocket */
	CAPTURE_SPEECH_WEBSOCKET,
	CAPTURE_SPEECH_HEP,
	CAPTURE_SPEECH_DNS,
	CAPTURE_SPEECH_TLS,
	CAPTURE_SPEECH_OTHER /* none of ours: passed over */
};
struct capture_ear {
	enum capture_speech speech;
	bool is_lost; /* bytes are missing: the next message has to be searched for */
	uint16_t looked; /* pieces in which nothing was known */
	struct buffer kept; /* the beginning of something whose rest has not come */
	struct buffer message; /* WebSocket: the fragments of a message so far */
	struct sip_framer framer;
};
/* Both directions; 0 is the side that opened the connection. */
struct capture_talk {
	struct capture_ear ears[2];
	enum record_transport transport;
};

void capture_talk_init(struct capture_talk *talk, enum record_transport transport);
void capture_talk_done(struct capture_talk *talk);
/* The next bytes that this side sent. */
void capture_talk_hear(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes);
/* Bytes that this side sent are not in the capture. */
void capture_talk_gap(struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side);
size_t capture_talk_held(const struct capture_talk *talk);
bool capture_talk_is_other(const struct capture_talk *talk);

/* What was kept with what came, as one piece; afterwards what is left of it is kept. -ENOBUFS, -ENOMEM. */
int capture_join(struct buffer *kept, struct span bytes, struct span *ret_all);
int capture_keep(struct buffer *kept, struct span all, size_t used);

/* capture_web.c */
void capture_web_hear(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes);
void capture_websocket_hear(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes);
/* A message that stands alone: SIP, or passed over. */
void capture_talk_message(struct capture *c, const struct capture_flow *flow, const struct capture_talk *talk,
	unsigned side, struct span bytes);

/* ---- the segments of one direction ---- */

#define CAPTURE_AHEAD_MAXIMUM (1u << 20) /* bytes behind a gap */
#define CAPTURE_AHEAD_SEGMENTS 1024u
#define CAPTURE_GAP_PACKETS 64u /* after these a gap will not be filled, where the receiver has what is missing */
#define CAPTURE_GAP_US INT64_C(3000000)

#define CAPTURE_ORDER_PACKETS 16u /* so long what answers something waits for what it answers */
#define CAPTURE_ORDER_US INT64_C(1000000)

/* What a packet says of its direction. */
struct capture_piece {
	uint32_t at; /* sequence number of its first byte */
	uint32_t after; /* it was sent after the other side's bytes before this number had come */
	bool has_after;
	struct span bytes;
	size_t missing; /* bytes that the capture has not kept */
};
struct capture_segment {
	struct capture_segment *next;
	struct capture_piece piece; /* its bytes are those below */
	struct capture_packet packet;
	char bytes[];
};
struct capture_stream {
	bool is_known; /* next is */
	bool has_fin;
	bool is_over; /* all up to its FIN was heard */
	uint32_t first; /* sequence number of the first byte that is known of */
	uint32_t next; /* of the next one */
	uint32_t fin;
	uint32_t acknowledged; /* by the other side; 0: nothing yet */
	struct capture_segment *ahead; /* behind a gap, by their numbers */
	size_t ahead_bytes;
	unsigned ahead_count, waited;
	int64_t gap_us;
};
void capture_stream_take(
	struct capture *c, struct capture_flow *flow, unsigned side, const struct capture_piece *piece);
/* Nothing will fill its gaps. */
void capture_stream_flush(struct capture *c, struct capture_flow *flow, unsigned side);
void capture_stream_done(struct capture_stream *stream);

/* ---- connections ---- */

#define CAPTURE_FLOWS_MAXIMUM 32768u
#define CAPTURE_HELD_MAXIMUM (64u << 20) /* bytes of all connections whose rest has not come */
#define CAPTURE_ASKED_US INT64_C(30000000) /* a SYN without an answer has failed */
#define CAPTURE_ASKED_END_US INT64_C(3000000) /* the same where the capture ends */

enum capture_stage { CAPTURE_ASKED, CAPTURE_ANSWERED, CAPTURE_OPEN };
struct capture_flow {
	struct hash_link link;
	struct list age; /* in flows.asked or flows.open, the longest silent first */
	struct record_address ends[2]; /* 0: who opened it */
	struct capture_stream streams[2];
	struct capture_talk talk;
	struct capture_tls *tls; /* NULL: none */
	enum capture_stage stage;
	bool is_from_start; /* its SYN was seen */
	bool is_order_lost; /* what its acknowledgements say of the order of both sides is not looked at any more */
	bool is_closed; /* and that was told */
	unsigned closer; /* whose FIN came first */
	unsigned tries; /* SYNs */
	struct capture_packet asked; /* the first SYN */
	int64_t last_us, opened_us;
	size_t held;
};
struct capture_flows {
	struct hash_table table;
	struct list asked, open;
	size_t held;
	int64_t looked_us; /* when the table was last looked through */
	struct capture_flow *last; /* of the packet before */
};

int capture_flows_init(struct capture *c);
void capture_flows_free(struct capture *c);
/* The network said that packets of this connection do not arrive. */
void capture_tcp_unreachable(struct capture *c, const struct capture_ends *ends, const char *reason, int32_t error);
/* The file ends. */
void capture_flows_end(struct capture *c);

static inline struct capture_ends capture_flow_ends(const struct capture_flow *flow, unsigned side)
{
	return (struct capture_ends){ flow->ends[side], flow->ends[1 - side] };
}
#endif
