/* SPDX-License-Identifier: Apache-2.0 */
/* SIP over WebSocket (RFC 7118): HTTP that asks for an upgrade, then frames (RFC 6455 5.2), each message of SIP in one
 * message of theirs. Any other HTTP is passed over. */
#include "trace/capture_flow.h"

#define HTTP_HEAD_MAXIMUM (16u << 10)
#define FRAME_MAXIMUM CAPTURE_MESSAGE_MAXIMUM

enum { OPCODE_CONTINUATION = 0, OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CONTROL = 8 };

static void stop(struct capture_ear *ear)
{
	ear->speech = CAPTURE_SPEECH_OTHER;
	buffer_done(&ear->kept);
	buffer_done(&ear->message);
}

/* "Upgrade: websocket", as a line of the head. */
static bool is_upgrade(struct span head)
{
	while (head.length > 0) {
		struct span value = span_cut(&head, '\n');
		struct span name = span_cut(&value, ':');
		if (span_is_nocase(span_trim(name), "upgrade") && value.at &&
			span_is_nocase(span_trim(value), "websocket"))
			return true;
	}
	return false;
}

void capture_web_hear(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	struct capture_ear *ear = &talk->ears[side];
	struct span all;
	if (capture_join(&ear->kept, bytes, &all) < 0) {
		stop(ear);
		return;
	}
	size_t end = span_find_span(span_first(all, HTTP_HEAD_MAXIMUM), SPAN("\r\n\r\n"));
	if (end >= HTTP_HEAD_MAXIMUM) {
		stop(ear);
		return;
	}
	if (end == all.length) {
		(void)capture_keep(&ear->kept, all, 0);
		return;
	}
	if (!is_upgrade(span_first(all, end))) {
		stop(ear);
		return;
	}
	struct buffer taken = ear->kept;
	buffer_init(&ear->kept, taken.maximum);
	ear->speech = CAPTURE_SPEECH_WEBSOCKET;
	if (all.length > end + 4)
		capture_websocket_hear(c, flow, talk, side, span_from(all, end + 4));
	buffer_done(&taken);
}

/* ---- frames ---- */

struct frame {
	bool is_last, is_compressed, is_masked;
	uint8_t opcode;
	uint8_t mask[4];
	size_t head, length;
};

enum reading { FRAME_MORE, FRAME_WHOLE, FRAME_BAD };

static enum reading read_frame(struct span bytes, struct frame *ret_frame)
{
	struct frame f = { 0 };
	if (bytes.length < 2)
		return FRAME_MORE;
	uint8_t first = capture_u8(bytes, 0), second = capture_u8(bytes, 1);
	size_t more = (second & 127) == 126 ? 2 : (second & 127) == 127 ? 8 : 0;
	f.is_last = first & 0x80;
	f.is_compressed = first & 0x40;
	f.opcode = first & 15;
	f.is_masked = second & 0x80;
	f.head = 2 + more + (f.is_masked ? 4 : 0);
	f.length = second & 127;
	if ((first & 0x30) || (f.opcode > OPCODE_BINARY && f.opcode < OPCODE_CONTROL))
		return FRAME_BAD;
	if (bytes.length < f.head)
		return FRAME_MORE;
	if (more == 2)
		f.length = capture_u16(bytes.at + 2);
	else if (more == 8)
		f.length = capture_u32(bytes.at + 2) ? SIZE_MAX : capture_u32(bytes.at + 6);
	if (f.length > FRAME_MAXIMUM)
		return FRAME_BAD;
	if (f.is_masked)
		memcpy(f.mask, bytes.at + 2 + more, 4);
	*ret_frame = f;
	return bytes.length - f.head < f.length ? FRAME_MORE : FRAME_WHOLE;
}

static bool add_payload(struct capture_ear *ear, const struct frame *f, struct span payload)
{
	size_t start = ear->message.length;
	if (buffer_append(&ear->message, payload) < 0)
		return false;
	for (size_t i = 0; f->is_masked && i < payload.length; i++)
		ear->message.at[start + i] = (char)((uint8_t)ear->message.at[start + i] ^ f->mask[i % 4]);
	return true;
}

static bool take_frame(struct capture *c, const struct capture_flow *flow, const struct capture_talk *talk,
	unsigned side, struct capture_ear *ear, const struct frame *f, struct span payload)
{
	if (f->opcode >= OPCODE_CONTROL)
		return true; /* may stand between the fragments of a message */
	if (f->is_compressed) {
		capture_unread(c, payload, "a compressed message in a WebSocket");
		return true;
	}
	if (f->opcode != OPCODE_CONTINUATION)
		buffer_clear(&ear->message);
	if (!add_payload(ear, f, payload))
		return false;
	if (f->is_last) {
		capture_talk_message(c, flow, talk, side, buffer_span(&ear->message));
		buffer_clear(&ear->message);
	}
	return true;
}

void capture_websocket_hear(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	struct capture_ear *ear = &talk->ears[side];
	struct span all;
	size_t used = 0;
	enum reading reading = capture_join(&ear->kept, bytes, &all) < 0 ? FRAME_BAD : FRAME_WHOLE;
	while (reading == FRAME_WHOLE && used < all.length) {
		struct frame f;
		reading = read_frame(span_from(all, used), &f);
		if (reading != FRAME_WHOLE)
			break;
		struct span payload = span_first(span_from(all, used + f.head), f.length);
		if (!take_frame(c, flow, talk, side, ear, &f, payload))
			reading = FRAME_BAD;
		used += f.head + f.length;
	}
	if (reading == FRAME_BAD) {
		capture_unread(c, span_from(all, used), "no WebSocket frame where one should begin");
		stop(ear);
		return;
	}
	if (capture_keep(&ear->kept, all, used) < 0)
		stop(ear);
}
