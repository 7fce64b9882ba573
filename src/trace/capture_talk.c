/* SPDX-License-Identifier: Apache-2.0 */
/* What a stream speaks, told by its first bytes, and its messages. */
#include "sip/class.h"
#include "sip/method.h"
#include "trace/capture_flow.h"
#include "trace/capture_tls.h"
#include "trace/hep.h"

#include <errno.h>

#define KEPT_MAXIMUM (CAPTURE_MESSAGE_MAXIMUM + 64)
#define LOOKED_MAXIMUM 64u /* pieces in which a message is searched for */
#define PORT_DNS 53

static const struct sip_framer_limits limits = { 64 << 10, CAPTURE_MESSAGE_MAXIMUM };

void capture_talk_init(struct capture_talk *talk, enum record_transport transport)
{
	talk->transport = transport;
	for (unsigned side = 0; side < 2; side++) {
		struct capture_ear *ear = &talk->ears[side];
		buffer_init(&ear->kept, KEPT_MAXIMUM);
		buffer_init(&ear->message, CAPTURE_MESSAGE_MAXIMUM);
		sip_framer_init(&ear->framer, limits);
	}
}

void capture_talk_done(struct capture_talk *talk)
{
	for (unsigned side = 0; side < 2; side++) {
		buffer_done(&talk->ears[side].kept);
		buffer_done(&talk->ears[side].message);
		sip_framer_done(&talk->ears[side].framer);
	}
}

size_t capture_talk_held(const struct capture_talk *talk)
{
	size_t held = 0;
	for (unsigned side = 0; side < 2; side++) {
		const struct capture_ear *ear = &talk->ears[side];
		held += ear->kept.length + ear->message.length + sip_framer_pending(&ear->framer);
	}
	return held;
}

bool capture_talk_is_other(const struct capture_talk *talk)
{
	return talk->ears[0].speech == CAPTURE_SPEECH_OTHER && talk->ears[1].speech == CAPTURE_SPEECH_OTHER;
}

/* ---- bytes that wait ---- */

int capture_join(struct buffer *kept, struct span bytes, struct span *ret_all)
{
	*ret_all = bytes;
	if (kept->length == 0)
		return 0;
	int status = buffer_append(kept, bytes);
	*ret_all = buffer_span(kept);
	return status;
}

int capture_keep(struct buffer *kept, struct span all, size_t used)
{
	if (kept->length == 0)
		return used < all.length ? buffer_append(kept, span_from(all, used)) : 0;
	if (used < kept->length) {
		buffer_consume(kept, used);
		return 0;
	}
	/* Between messages nothing is held. */
	size_t maximum = kept->maximum;
	buffer_done(kept);
	buffer_init(kept, maximum);
	return 0;
}

static void stop_listening(struct capture_ear *ear)
{
	ear->speech = CAPTURE_SPEECH_OTHER;
	buffer_done(&ear->kept);
	buffer_done(&ear->message);
	sip_framer_done(&ear->framer);
	sip_framer_init(&ear->framer, limits);
	buffer_init(&ear->kept, KEPT_MAXIMUM);
	buffer_init(&ear->message, CAPTURE_MESSAGE_MAXIMUM);
}

/* ---- SIP ---- */

/* Where a message begins in this line, which may be the end of a body that has no line's end: the line's length where
 * none does. */
static size_t find_start_line(struct span line)
{
	static const struct span status = { "SIP/2.0 ", 8 }, version = { " SIP/2.0", 8 };
	size_t at = span_find_span(line, status), end = span_trim(line).length;
	if (at + status.length < line.length)
		return capture_likeness_of(span_from(line, at)) == CAPTURE_SIP ? at : line.length;
	if (end < version.length || memcmp(line.at + end - version.length, version.at, version.length) != 0)
		return line.length;
	size_t uri = end - version.length;
	while (uri > 0 && line.at[uri - 1] != ' ')
		uri--;
	size_t method = uri > 0 ? uri - 1 : 0, first = method;
	while (first > 0 && sip_class_is(line.at[first - 1], SIP_CLASS_TOKEN))
		first--;
	for (at = first; at < method; at++)
		if (sip_method_find(span_make(line.at + at, method - at)) != SIP_METHOD_OTHER)
			return at;
	return first == 0 && method > 0 ? 0 : line.length;
}

/* Where the next message begins; the length where none does. */
static size_t find_message(struct span bytes)
{
	for (size_t at = 0; at < bytes.length;) {
		struct span rest = span_from(bytes, at);
		struct span line = span_first(rest, span_find(rest, '\n'));
		size_t start = line.length < rest.length ? find_start_line(line) : line.length;
		if (start < line.length)
			return at + start;
		at += line.length + 1;
	}
	return bytes.length;
}

void capture_talk_message(struct capture *c, const struct capture_flow *flow, const struct capture_talk *talk,
	unsigned side, struct span bytes)
{
	const struct capture_ends ends = capture_flow_ends(flow, side);
	if (bytes.length > 0 && capture_likeness_of(bytes) == CAPTURE_SIP)
		capture_give_message(c, &ends, talk->transport, bytes, false);
}

/* Up to the empty line. */
static struct span head_of(struct span message)
{
	size_t end = span_find_span(message, SPAN("\r\n\r\n"));
	return end < message.length ? span_first(message, end + 4) : SPAN_NONE;
}

static const char *why_broken(enum sip_rule rule)
{
	switch (rule) {
	case SIP_RULE_TOO_LARGE:
	case SIP_RULE_HEAD_TOO_LARGE:
		return "a SIP message longer than any may be";
	case SIP_RULE_LENGTH_MISSING:
		return "a SIP message without a Content-Length, in a stream";
	case SIP_RULE_LENGTH:
	case SIP_RULE_LENGTH_CONFLICT:
		return "a SIP message with a Content-Length that cannot be";
	default:
		return "bytes that are no SIP between messages";
	}
}

/* What has come of a message that cannot be framed. Gives the bytes in which the next one may begin. */
static struct span take_broken(struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side,
	const struct sip_frame *frame)
{
	const struct capture_ends ends = capture_flow_ends(flow, side);
	bool is_sip = frame->bytes.length > 0 && capture_likeness_of(frame->bytes) == CAPTURE_SIP;
	struct span head = is_sip ? head_of(frame->bytes) : SPAN_NONE;
	capture_unread(c, frame->bytes, why_broken(frame->defect.rule));
	if (head.length == 0)
		return span_from(frame->bytes, span_find(frame->bytes, '\n') + 1);
	/* What was asked or answered stands in its head all the same. */
	capture_give_message(c, &ends, talk->transport, head, true);
	return span_from(frame->bytes, head.length);
}

/* After a defect: the rest of what came, and what the framer held of it, is searched for the next message. */
static void start_anew(struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side,
	const struct sip_frame *frame, struct span *bytes, struct span *later)
{
	struct capture_ear *ear = &talk->ears[side];
	bool was_pending = sip_framer_pending(&ear->framer) > 0;
	struct span rest = take_broken(c, flow, talk, side, frame);
	if (was_pending) {
		*later = *bytes;
		rest = arena_copy(capture_arena(c), rest);
	}
	*bytes = rest;
	sip_framer_done(&ear->framer);
	sip_framer_init(&ear->framer, limits);
	ear->is_lost = true;
}

static void hear_sip(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	struct capture_ear *ear = &talk->ears[side];
	struct span later = SPAN_NONE;
	for (struct sip_frame frame;;) {
		if (ear->is_lost) {
			bytes = span_from(bytes, find_message(bytes));
			ear->is_lost = bytes.length == 0;
		}
		if (!ear->is_lost && sip_framer_next(&ear->framer, &bytes, &frame)) {
			if (frame.kind == SIP_FRAME_MESSAGE)
				capture_talk_message(c, flow, talk, side, frame.bytes);
			else if (frame.kind == SIP_FRAME_DEFECT)
				start_anew(c, flow, talk, side, &frame, &bytes, &later);
			continue;
		}
		if (later.length == 0)
			return;
		bytes = later;
		later = SPAN_NONE;
	}
}

/* ---- HEP and DNS ---- */

static void hear_hep(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	struct capture_ear *ear = &talk->ears[side];
	struct span all;
	size_t used = 0;
	(void)flow;
	if (capture_join(&ear->kept, bytes, &all) < 0) {
		stop_listening(ear);
		return;
	}
	for (struct trace_hep hep; used < all.length;) {
		int status = trace_hep_read(span_from(all, used), &hep);
		if (status == -EAGAIN)
			break;
		if (hep.length == 0) {
			capture_unread(c, span_from(all, used), "no HEP where a packet of it should begin");
			stop_listening(ear);
			return;
		}
		capture_hep_take(c, span_first(span_from(all, used), hep.length));
		used += hep.length;
	}
	if (capture_keep(&ear->kept, all, used) < 0)
		stop_listening(ear);
}

/* Each message behind its length (RFC 1035 4.2.2). */
static void hear_dns(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	struct capture_ear *ear = &talk->ears[side];
	const struct capture_ends ends = capture_flow_ends(flow, side);
	struct span all;
	size_t used = 0;
	if (capture_join(&ear->kept, bytes, &all) < 0) {
		stop_listening(ear);
		return;
	}
	while (all.length - used >= 2) {
		size_t length = capture_u16(all.at + used);
		if (all.length - used - 2 < length)
			break;
		capture_dns_take(c, &ends, span_first(span_from(all, used + 2), length));
		used += 2 + length;
	}
	if (capture_keep(&ear->kept, all, used) < 0)
		stop_listening(ear);
}

/* ---- the first bytes ---- */

/* Do the bytes begin with the word, as far as they go? */
static bool may_be(struct span bytes, struct span word)
{
	return memcmp(bytes.at, word.at, bytes.length < word.length ? bytes.length : word.length) == 0;
}

static bool may_be_tls(struct span bytes)
{
	uint8_t type = capture_u8(bytes, 0);
	return type >= 20 && type <= 23 && (bytes.length < 2 || capture_u8(bytes, 1) == 3) &&
	       (bytes.length < 3 || capture_u8(bytes, 2) <= 4);
}

static const struct opening {
	struct span word;
	enum capture_speech speech;
} openings[] = {
	{ { "GET ", 4 }, CAPTURE_SPEECH_WEB },
	{ { "HTTP/1.", 7 }, CAPTURE_SPEECH_WEB },
	{ { "HEP3", 4 }, CAPTURE_SPEECH_HEP },
};

/* OPENING: too few bytes to tell. */
static enum capture_speech speech_of(struct span bytes)
{
	enum capture_likeness likeness = capture_likeness_of(bytes);
	if (may_be_tls(bytes))
		return bytes.length < 3 ? CAPTURE_SPEECH_OPENING : CAPTURE_SPEECH_TLS;
	for (size_t i = 0; i < BASE_COUNT(openings); i++)
		if (may_be(bytes, openings[i].word))
			return bytes.length < openings[i].word.length ? CAPTURE_SPEECH_OPENING : openings[i].speech;
	return likeness == CAPTURE_SIP           ? CAPTURE_SPEECH_SIP
	       : likeness == CAPTURE_PERHAPS_SIP ? CAPTURE_SPEECH_OPENING
						 : CAPTURE_SPEECH_OTHER;
}

static void begin_speech(struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side,
	enum capture_speech speech, struct span all)
{
	struct capture_ear *ear = &talk->ears[side];
	struct buffer taken = ear->kept;
	buffer_init(&ear->kept, KEPT_MAXIMUM);
	ear->speech = speech;
	if (talk == &flow->talk && flow->tls && speech != CAPTURE_SPEECH_TLS)
		capture_tls_other_answer(c, flow, side);
	if (speech == CAPTURE_SPEECH_OTHER)
		stop_listening(ear);
	else
		capture_talk_hear(c, flow, talk, side, all);
	buffer_done(&taken);
}

/* Where a record of TLS begins that ends with these bytes; their length where none does. */
static size_t find_tls(struct span bytes)
{
	for (size_t at = 0; bytes.at && at + 5 < bytes.length; at++)
		if (may_be_tls(span_from(bytes, at)) && at + 5 + capture_u16(bytes.at + at + 3) == bytes.length)
			return at;
	return bytes.length;
}

/* In the middle of a stream: a message begins somewhere in these bytes, or in later ones. */
static void search(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span all)
{
	struct capture_ear *ear = &talk->ears[side];
	size_t sip = find_message(all), tls = sip == all.length && talk == &flow->talk ? find_tls(all) : all.length;
	ear->looked++;
	if (sip < all.length)
		begin_speech(c, flow, talk, side, CAPTURE_SPEECH_SIP, span_from(all, sip));
	else if (tls < all.length)
		begin_speech(c, flow, talk, side, CAPTURE_SPEECH_TLS, span_from(all, tls));
	else if (ear->looked > LOOKED_MAXIMUM)
		stop_listening(ear);
	else
		(void)capture_keep(&ear->kept, all, all.length);
}

static void hear_opening(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	struct capture_ear *ear = &talk->ears[side];
	struct span all;
	if (flow->ends[1].port == PORT_DNS) {
		begin_speech(c, flow, talk, side, CAPTURE_SPEECH_DNS, bytes);
		return;
	}
	while (ear->kept.length == 0 && bytes.length > 0 && (*bytes.at == '\r' || *bytes.at == '\n'))
		bytes = span_from(bytes, 1); /* a keep-alive */
	if (bytes.length == 0)
		return;
	if (capture_join(&ear->kept, bytes, &all) < 0) {
		stop_listening(ear);
		return;
	}
	enum capture_speech speech = speech_of(all);
	if (speech == CAPTURE_SPEECH_OPENING)
		(void)capture_keep(&ear->kept, all, 0);
	else if (speech == CAPTURE_SPEECH_OTHER && (!flow->is_from_start || ear->is_lost))
		search(c, flow, talk, side, all);
	else
		begin_speech(c, flow, talk, side, speech, all);
}

void capture_talk_hear(
	struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side, struct span bytes)
{
	switch (talk->ears[side].speech) {
	case CAPTURE_SPEECH_OPENING:
		hear_opening(c, flow, talk, side, bytes);
		break;
	case CAPTURE_SPEECH_SIP:
		hear_sip(c, flow, talk, side, bytes);
		break;
	case CAPTURE_SPEECH_WEB:
		capture_web_hear(c, flow, talk, side, bytes);
		break;
	case CAPTURE_SPEECH_WEBSOCKET:
		capture_websocket_hear(c, flow, talk, side, bytes);
		break;
	case CAPTURE_SPEECH_HEP:
		hear_hep(c, flow, talk, side, bytes);
		break;
	case CAPTURE_SPEECH_DNS:
		hear_dns(c, flow, talk, side, bytes);
		break;
	case CAPTURE_SPEECH_TLS:
		if (talk == &flow->talk)
			capture_tls_hear(c, flow, side, bytes);
		break;
	case CAPTURE_SPEECH_OTHER:
		break;
	}
}

void capture_talk_gap(struct capture *c, struct capture_flow *flow, struct capture_talk *talk, unsigned side)
{
	struct capture_ear *ear = &talk->ears[side];
	switch (ear->speech) {
	case CAPTURE_SPEECH_OPENING:
		if (ear->kept.length == 0)
			break; /* nobody knows of what */
		__attribute__((fallthrough));
	case CAPTURE_SPEECH_SIP:
		capture_unread(c, SPAN("a gap"), "a part of a connection is not in the capture: messages are missing");
		break;
	case CAPTURE_SPEECH_OTHER:
		return;
	case CAPTURE_SPEECH_TLS:
		capture_tls_gap(c, flow, side);
		return;
	default:
		/* Without their lengths nothing can be found again. */
		capture_unread(c, SPAN("a gap"), "a part of a connection is not in the capture: its rest was not read");
		stop_listening(ear);
		return;
	}
	enum capture_speech speech = ear->speech;
	stop_listening(ear);
	ear->speech = speech;
	ear->is_lost = true;
}
