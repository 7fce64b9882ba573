/* SPDX-License-Identifier: Apache-2.0 */
/* The records of TLS (RFC 8446 5, RFC 5246 6), and what becomes of a handshake. */
#include "trace/capture_tls.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define HANDSHAKE_MAXIMUM (128u << 10)
#define ALERT_OF_13 19u /* length of a record of TLS 1.3 that holds an alert: two bytes, its type, a tag */
#define SILENCE_US INT64_C(5000000) /* a ClientHello without an answer where the capture ends */
#define VERSION_12 0x0303
#define VERSION_13 0x0304

enum { TYPE_CHANGE = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_CONTENT = 23, TYPE_HEARTBEAT = 24 };
enum { ALERT_CLOSE = 0, ALERT_CANCELED = 90, LEVEL_WARNING = 1 };

static const char *const names[] = { "client", "server" };

static const char *name_of(const struct capture_tls *tls, unsigned side)
{
	return names[side != tls->client];
}

/* ---- memory ---- */

static struct capture_tls *tls_of(struct capture *c, struct capture_flow *flow)
{
	if (flow->tls)
		return flow->tls;
	struct capture_tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return NULL;
	for (unsigned side = 0; side < 2; side++) {
		buffer_init(&tls->sides[side].kept, CAPTURE_TLS_HEADER + CAPTURE_TLS_RECORD_MAXIMUM);
		buffer_init(&tls->sides[side].handshake, HANDSHAKE_MAXIMUM);
	}
	capture_talk_init(&tls->inside, RECORD_TLS);
	tls->alert_side = -1;
	tls->began_us = c->packet.time_us;
	return flow->tls = tls;
}

void capture_tls_free(struct capture_tls *tls)
{
	if (!tls)
		return;
	for (unsigned side = 0; side < 2; side++) {
		buffer_done(&tls->sides[side].kept);
		buffer_done(&tls->sides[side].handshake);
		capture_tls_cipher_free(tls->sides[side].cipher);
		free(tls->sides[side].certificate);
	}
	capture_talk_done(&tls->inside);
	OPENSSL_cleanse(tls, sizeof(*tls));
	free(tls);
}

size_t capture_tls_held(const struct capture_tls *tls)
{
	size_t held = tls ? sizeof(*tls) + capture_talk_held(&tls->inside) : 0;
	for (unsigned side = 0; tls && side < 2; side++) {
		const struct capture_tls_side *s = &tls->sides[side];
		held += s->kept.length + s->handshake.length + s->certificate_length + (s->cipher ? 2048 : 0);
	}
	return held;
}

/* Nobody listens to this side any more. */
static void stop_side(struct capture_flow *flow, unsigned side)
{
	struct capture_tls_side *s = &flow->tls->sides[side];
	flow->talk.ears[side].speech = CAPTURE_SPEECH_OTHER;
	buffer_done(&s->kept);
	buffer_done(&s->handshake);
	s->cipher = capture_tls_cipher_free(s->cipher);
}

/* ---- how it ends ---- */

static void fail(struct capture *c, struct capture_flow *flow, struct span reason)
{
	/* Seen long before the end, and often its cause. */
	if (flow->tls->is_certificate_asked && flow->tls->is_certificate_refused)
		reason = arena_printf(capture_arena(c), "%.*s; asked for a certificate, the client had shown none",
			SPAN_PRINT(reason));
	capture_tls_give(c, flow, reason);
	flow->tls->phase = CAPTURE_TLS_TOLD;
}

static void say_without_key(struct capture *c, struct capture_tls *tls)
{
	if (tls->is_without_key || tls->is_web)
		return;
	tls->is_without_key = true;
	capture_unread(c, SPAN("encrypted"),
		!tls->has_client_hello ? "encrypted: a TLS connection whose handshake is not in the capture"
		: tls->suite_number && !tls->suite
			? "encrypted: a TLS connection with a cipher suite that is not read"
			: "encrypted: a TLS connection without a key, what it carries was not read");
}

static void stand(struct capture *c, struct capture_flow *flow)
{
	struct capture_tls *tls = flow->tls;
	if (tls->has_client_hello && tls->has_server_hello)
		capture_tls_give(c, flow, SPAN_NONE);
	tls->phase = CAPTURE_TLS_TOLD;
	if (!tls->sides[0].cipher && !tls->sides[1].cipher)
		say_without_key(c, tls);
}

/* The client has finished; what the server thinks of it shows in what it sends next. */
static void finish(struct capture *c, struct capture_flow *flow)
{
	struct capture_tls *tls = flow->tls;
	if (tls->phase != CAPTURE_TLS_SHAKING)
		return;
	tls->phase = CAPTURE_TLS_FINISHED;
	tls->finished_us = c->packet.time_us;
}

static void take_alert(struct capture *c, struct capture_flow *flow, unsigned side, struct span body)
{
	struct capture_tls *tls = flow->tls;
	if (body.length != 2 || tls->phase == CAPTURE_TLS_TOLD)
		return;
	uint8_t level = capture_u8(body, 0), number = capture_u8(body, 1);
	if (number == ALERT_CLOSE && tls->phase == CAPTURE_TLS_FINISHED && side == tls->client) {
		stand(c, flow);
		return;
	}
	if (number == ALERT_CLOSE || number == ALERT_CANCELED || (level == LEVEL_WARNING && tls->version < VERSION_13))
		return;
	tls->alert = number;
	tls->alert_side = (int)side;
	fail(c, flow,
		arena_printf(capture_arena(c), "the %s sent alert %u after %.*s", name_of(tls, side), number,
			SPAN_PRINT(capture_tls_last(c, tls))));
}

/* The last word of this side had the size of an alert, and could not be read. */
static bool is_like_alert(const struct capture_tls *tls, unsigned side)
{
	return tls->version == VERSION_13 && tls->sides[side].last_opaque == ALERT_OF_13;
}

void capture_tls_end(struct capture *c, struct capture_flow *flow, unsigned side, bool is_reset)
{
	struct capture_tls *tls = flow->tls;
	if (!tls || tls->phase == CAPTURE_TLS_TOLD || !tls->has_client_hello)
		return;
	bool is_opaque_alert = is_like_alert(tls, side);
	if (tls->phase == CAPTURE_TLS_FINISHED && side == tls->client && !is_opaque_alert) {
		/* It has what it wanted. */
		stand(c, flow);
		return;
	}
	fail(c, flow,
		arena_printf(capture_arena(c), "%s by the %s after %.*s%s", is_reset ? "reset" : "closed",
			name_of(tls, side), SPAN_PRINT(capture_tls_last(c, tls)),
			is_opaque_alert ? "; its last record has the size of an alert (encrypted, no key)" : ""));
}

void capture_tls_end_of_file(struct capture *c, struct capture_flow *flow)
{
	struct capture_tls *tls = flow->tls;
	if (!tls || tls->phase == CAPTURE_TLS_TOLD || !tls->has_client_hello)
		return;
	if (tls->phase == CAPTURE_TLS_FINISHED)
		stand(c, flow);
	else if (c->packet.time_us - flow->last_us >= SILENCE_US && !flow->is_closed)
		fail(c, flow,
			arena_printf(capture_arena(c), "nothing more came after %.*s",
				SPAN_PRINT(capture_tls_last(c, tls))));
}

void capture_tls_other_answer(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_tls *tls = flow->tls;
	if (tls->phase != CAPTURE_TLS_TOLD && tls->has_client_hello && side != tls->client)
		fail(c, flow, SPAN("the server answered the ClientHello with something that is no TLS"));
}

void capture_tls_gap(struct capture *c, struct capture_flow *flow, unsigned side)
{
	capture_unread(c, SPAN("a gap"),
		"a part of a TLS connection is not in the capture: the rest of this direction was not read");
	stop_side(flow, side);
}

/* ---- records that cannot be read ---- */

/* From lengths and order alone. */
static void take_opaque(struct capture *c, struct capture_flow *flow, unsigned side, uint8_t type, size_t length)
{
	struct capture_tls *tls = flow->tls;
	struct capture_tls_side *s = &tls->sides[side];
	bool is_13 = tls->version == VERSION_13;
	s->opaque++;
	s->last_opaque = length;
	bool is_alert = is_13 && length == ALERT_OF_13;
	/* The server goes on; or the client takes its leave before the server has said anything of the kind. */
	if (tls->phase == CAPTURE_TLS_FINISHED &&
		(side == tls->client ? is_alert && !is_like_alert(tls, 1 - side) : !is_alert))
		stand(c, flow);
	if (tls->phase == CAPTURE_TLS_SHAKING && tls->has_server_hello) {
		tls->last_message = is_13 ? "encrypted records" : type == TYPE_ALERT ? "encrypted alert" : "Finished";
		tls->last_side = side;
		s->is_finished = s->is_finished || type == TYPE_HANDSHAKE;
		if (is_13 && side == tls->client && !is_alert)
			finish(c, flow);
		else if (!is_13 && s->is_finished && tls->sides[1 - side].is_finished)
			stand(c, flow);
	}
	/* After that there is nothing to be seen on this side. */
	if (tls->phase == CAPTURE_TLS_TOLD || !tls->has_client_hello) {
		say_without_key(c, tls);
		stop_side(flow, side);
	}
}

/* ---- records that can ---- */

static void take_handshake(struct capture *c, struct capture_flow *flow, unsigned side, struct span body)
{
	struct capture_tls_side *s = &flow->tls->sides[side];
	struct span all;
	size_t used = 0;
	bool is_sound = capture_join(&s->handshake, body, &all) == 0;
	while (is_sound && all.length - used >= 4) {
		size_t length = capture_u32(all.at + used) & 0xffffff;
		if (length > all.length - used - 4) {
			is_sound = length <= HANDSHAKE_MAXIMUM - 4;
			break;
		}
		struct span message = span_first(span_from(all, used + 4), length);
		is_sound = capture_tls_message(c, flow, side, capture_u8(all, used), message);
		used += 4 + length;
	}
	if (is_sound)
		is_sound = capture_keep(&s->handshake, all, used) == 0;
	if (!is_sound) {
		capture_unread(c, body, "a damaged handshake message of TLS");
		stop_side(flow, side);
	}
}

/* TLS 1.2: the next record of this side is encrypted. */
static void take_change(struct capture *c, struct capture_flow *flow, unsigned side)
{
	struct capture_tls *tls = flow->tls;
	if (tls->version == 0 || tls->version >= VERSION_13)
		return;
	if (side != tls->client && !tls->sides[side].certificate)
		tls->is_resumed = true;
	tls->sides[side].is_encrypted = true;
	buffer_clear(&tls->sides[side].handshake);
	capture_tls_set_key(c, tls, side, "CLIENT_RANDOM");
}

static void take_content(struct capture *c, struct capture_flow *flow, unsigned side, uint8_t type, struct span body)
{
	struct capture_tls *tls = flow->tls;
	struct capture_tls_side *s = &tls->sides[side];
	if (tls->phase == CAPTURE_TLS_FINISHED && side != tls->client && type != TYPE_ALERT)
		stand(c, flow);
	switch (type) {
	case TYPE_CHANGE:
		take_change(c, flow, side);
		break;
	case TYPE_ALERT:
		take_alert(c, flow, side, body);
		break;
	case TYPE_HANDSHAKE:
		take_handshake(c, flow, side, body);
		if (s->is_finished && tls->sides[1 - side].is_finished) {
			finish(c, flow);
			if (tls->version < VERSION_13 && tls->phase == CAPTURE_TLS_FINISHED)
				stand(c, flow);
		}
		break;
	case TYPE_CONTENT:
		if (!s->is_encrypted)
			take_opaque(c, flow, side, type, body.length);
		else if (body.length > 0)
			capture_talk_hear(c, flow, &tls->inside, side, body);
		break;
	default:
		break;
	}
}

static void take_encrypted(
	struct capture *c, struct capture_flow *flow, unsigned side, uint8_t type, struct span record)
{
	struct capture_tls *tls = flow->tls;
	struct capture_tls_side *s = &tls->sides[side];
	size_t length;
	if (!s->cipher) {
		take_opaque(c, flow, side, type, record.length - CAPTURE_TLS_HEADER);
		return;
	}
	if (!c->plain)
		c->plain = malloc(CAPTURE_TLS_RECORD_MAXIMUM);
	if (c->plain && capture_tls_cipher_open(s->cipher, record, &type, c->plain, &length)) {
		s->has_opened = true;
		take_content(c, flow, side, type, span_make(c->plain, length));
		return;
	}
	/* Early data (RFC 8446 4.2.10) has a key of its own, and comes before anything that ours opens. */
	if (tls->version == VERSION_13 && side == tls->client && !s->has_opened)
		return;
	capture_unread(c, SPAN("encrypted"),
		"a TLS record that its key does not open: the rest of this direction was not read");
	tls->is_without_key = true;
	stop_side(flow, side);
}

static void take_record(struct capture *c, struct capture_flow *flow, unsigned side, struct span record)
{
	struct capture_tls *tls = flow->tls;
	uint8_t type = capture_u8(record, 0);
	bool is_plain_in_13 = tls->version == VERSION_13 && type != TYPE_CONTENT;
	if (tls->sides[side].is_encrypted && !is_plain_in_13)
		take_encrypted(c, flow, side, type, record);
	else
		take_content(c, flow, side, type, span_from(record, CAPTURE_TLS_HEADER));
}

static bool is_header(struct span bytes, size_t *ret_length)
{
	uint8_t type = capture_u8(bytes, 0);
	*ret_length = capture_u16(bytes.at + 3);
	return type >= TYPE_CHANGE && type <= TYPE_HEARTBEAT && capture_u8(bytes, 1) == 3 &&
	       *ret_length <= CAPTURE_TLS_RECORD_MAXIMUM;
}

/* Gives the bytes used; where a record is not whole they are kept, unless nobody wants them. */
static size_t take_records(struct capture *c, struct capture_flow *flow, unsigned side, struct span all)
{
	size_t used = 0, length;
	while (all.at && all.length - used >= CAPTURE_TLS_HEADER &&
		flow->talk.ears[side].speech == CAPTURE_SPEECH_TLS) {
		struct span rest = span_from(all, used);
		if (!is_header(rest, &length)) {
			capture_unread(
				c, rest, "bytes that are no record of TLS: the rest of this direction was not read");
			stop_side(flow, side);
			break;
		}
		if (rest.length < CAPTURE_TLS_HEADER + length)
			break;
		take_record(c, flow, side, span_first(rest, CAPTURE_TLS_HEADER + length));
		used += CAPTURE_TLS_HEADER + length;
	}
	return used;
}

void capture_tls_hear(struct capture *c, struct capture_flow *flow, unsigned side, struct span bytes)
{
	struct capture_tls *tls = tls_of(c, flow);
	struct span all;
	if (!tls)
		return;
	struct capture_tls_side *s = &tls->sides[side];
	/* Records are taken from a place of their own: what is done with them may end the listening. */
	if (capture_join(&s->kept, bytes, &all) < 0) {
		stop_side(flow, side);
		return;
	}
	struct buffer taken = s->kept;
	buffer_init(&s->kept, taken.maximum);
	size_t used = take_records(c, flow, side, all);
	if (flow->talk.ears[side].speech == CAPTURE_SPEECH_TLS && used == 0 && taken.length > 0) {
		s->kept = taken;
		return;
	}
	if (flow->talk.ears[side].speech == CAPTURE_SPEECH_TLS && buffer_append(&s->kept, span_from(all, used)) < 0)
		stop_side(flow, side);
	buffer_done(&taken);
}
