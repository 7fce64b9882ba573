/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes in an Expressway's log: the names of a certificate come in lines of their own before the handshake ends,
 * and a failure is told twice, by the module and by an event, in either order. */
#include "base/require.h"
#include "record/pack.h"
#include "trace/expressway_private.h"
#include "trace/text_read.h"

static struct span text(struct expressway_work *w, const char *name)
{
	return expressway_text(w->reader, w->line, name);
}

static struct span raw(const struct expressway_work *w, const char *name)
{
	return expressway_raw(w->line, name);
}

static uint64_t thread_of(const struct expressway_work *w)
{
	struct span thread = raw(w, "Thread");
	uint64_t number = 0;
	if (expressway_starts(thread, "0x", &thread) && trace_read_hex(thread, UINT64_MAX, &number))
		return number;
	return 0;
}

/* ---- names ---- */

#define NAMES_BYTES_MAXIMUM (64 * 1024)
#define COMMON_NAME_MAXIMUM 1024

static void forget_names(struct expressway_state *state)
{
	state->name_count = 0;
	buffer_clear(&state->names);
	buffer_clear(&state->common_name);
}

/* Names belong to the handshake of their thread. */
static struct expressway_state *names_of(struct expressway_work *w)
{
	struct expressway_state *state = w->reader->state;
	uint64_t thread = thread_of(w);
	if (!state->names.maximum) {
		buffer_init(&state->names, NAMES_BYTES_MAXIMUM);
		buffer_init(&state->common_name, COMMON_NAME_MAXIMUM);
	}
	if (thread != state->names_thread)
		forget_names(state);
	state->names_thread = thread;
	return state;
}

static void keep_name(struct expressway_work *w)
{
	struct expressway_state *state = names_of(w);
	struct span name = text(w, "AltName");
	uint64_t length = name.length;
	w->reader->counts.other++;
	if (!name.at || state->name_count == RECORD_LIST_MAXIMUM ||
		name.length + sizeof(length) + 1 > NAMES_BYTES_MAXIMUM - state->names.length)
		return;
	(void)buffer_append(&state->names, span_make((const char *)&length, sizeof(length)));
	(void)buffer_append(&state->names, name);
	state->name_count++;
}

static void keep_common_name(struct expressway_work *w)
{
	struct expressway_state *state = names_of(w);
	struct span name = text(w, "CommonName");
	w->reader->counts.other++;
	buffer_clear(&state->common_name);
	if (name.length < COMMON_NAME_MAXIMUM)
		(void)buffer_append(&state->common_name, name);
}

/* The names belong to the handshake that ends now. */
static void take_names(struct expressway_work *w)
{
	struct expressway_state *state = names_of(w);
	struct record_handshake *h = &w->record.handshake;
	struct span rest = arena_copy(&w->reader->arena, buffer_span(&state->names));
	size_t count = 0;
	uint64_t length;
	while (count < state->name_count && rest.length >= sizeof(length)) {
		memcpy(&length, rest.at, sizeof(length));
		rest = span_from(rest, sizeof(length));
		w->spans[count++] = span_first(rest, (size_t)length);
		rest = span_from(rest, (size_t)length);
	}
	h->names = (struct record_spans){ w->spans, count };
	if (!h->common_name.at && state->common_name.length > 0)
		h->common_name = arena_copy(&w->reader->arena, buffer_span(&state->common_name));
	forget_names(state);
}

/* ---- the module's lines ---- */

/* "['IPv4''TCP''1.2.3.4:5060']" */
static struct record_address address_of(struct expressway_work *w, const char *name)
{
	struct record_address address = { 0 };
	struct span rest = raw(w, name), skipped;
	if (!expressway_before(&rest, "'TCP''", &skipped))
		return address;
	(void)trace_read_host_port(span_first(rest, span_find(rest, '\'')), &address);
	return address;
}

/* OpenSSL's words for an alert that came in: "sslv3 alert certificate unknown", "tlsv1 alert unknown ca". */
static const struct {
	struct span words;
	uint16_t alert;
} alerts[] = {
	{ { "unexpected message", 18 }, 10 },
	{ { "bad record mac", 14 }, 20 },
	{ { "handshake failure", 17 }, 40 },
	{ { "bad certificate", 15 }, 42 },
	{ { "unsupported certificate", 23 }, 43 },
	{ { "certificate revoked", 19 }, 44 },
	{ { "certificate expired", 19 }, 45 },
	{ { "certificate unknown", 19 }, 46 },
	{ { "illegal parameter", 17 }, 47 },
	{ { "unknown ca", 10 }, 48 },
	{ { "access denied", 13 }, 49 },
	{ { "decode error", 12 }, 50 },
	{ { "decrypt error", 13 }, 51 },
	{ { "protocol version", 16 }, 70 },
	{ { "insufficient security", 21 }, 71 },
	{ { "internal error", 14 }, 80 },
	{ { "user cancelled", 14 }, 90 },
	{ { "no renegotiation", 16 }, 100 },
	{ { "unrecognized name", 17 }, 112 },
	{ { "certificate required", 20 }, 116 },
};

static void read_alert_words(struct record_handshake *h, struct span reason)
{
	struct span words = reason, skipped;
	if (h->alert_direction != RECORD_ALERT_NONE || (!expressway_before(&words, "sslv3 alert ", &skipped) &&
							       !expressway_before(&words, "tlsv1 alert ", &skipped) &&
							       !expressway_before(&words, "tlsv13 alert ", &skipped)))
		return;
	for (size_t i = 0; i < BASE_COUNT(alerts); i++)
		if (span_equal(span_first(words, alerts[i].words.length), alerts[i].words)) {
			h->alert = alerts[i].alert;
			h->alert_direction = RECORD_ALERT_RECEIVED;
			return;
		}
}

static void read_common(struct expressway_work *w)
{
	struct record_handshake *h = &w->record.handshake;
	struct span alert = raw(w, "Alert"), from = raw(w, "Alert-from");
	uint64_t thread = thread_of(w), number;
	if (thread <= UINT32_MAX)
		w->record.head.thread = (uint32_t)thread;
	h->role = expressway_is(raw(w, "bServer"), "true") ? RECORD_SERVER : RECORD_CLIENT;
	h->local = address_of(w, "localAddress");
	h->remote = address_of(w, "remoteAddress");
	if (alert.at && from.at && span_to_u64(alert, UINT16_MAX, &number) == 0) {
		h->alert = (uint16_t)number;
		h->alert_direction = span_is(from, "local") ? RECORD_ALERT_SENT : RECORD_ALERT_RECEIVED;
	}
}

static void read_handshake(struct expressway_work *w)
{
	struct record_handshake *h = &w->record.handshake;
	read_common(w);
	h->version = text(w, "Version");
	h->cipher = text(w, "Cipher");
	h->server_name = text(w, "Server-name");
	h->common_name = text(w, "Common-name");
	h->issuer = text(w, "Issuer");
	h->resumed = span_is(raw(w, "Resumed"), "true");
	h->verify_reason = text(w, "Verify");
	h->verify_error = (int32_t)(uint32_t)expressway_number(w->line, "Verify-error", UINT32_MAX);
	take_names(w);
	expressway_give(w, RECORD_HANDSHAKE);
}

/* ---- failures, told twice ---- */

static bool wait_for_other_half(struct expressway_work *w, bool is_event)
{
	struct expressway_failure *f = &((struct expressway_state *)w->reader->state)->failure;
	if (!f->packed.maximum) {
		buffer_init(&f->packed, 4 * TRACE_RECORD_MAXIMUM);
		buffer_init(&f->raw, 2 * TRACE_RECORD_MAXIMUM);
	}
	buffer_clear(&f->packed);
	buffer_clear(&f->raw);
	w->record.kind = RECORD_HANDSHAKE;
	if (record_pack_to(&w->record, &f->packed) != 0 || buffer_append(&f->raw, w->place->raw) != 0)
		return false;
	f->waits = true;
	f->is_event = is_event;
	f->time_us = w->record.head.time_us;
	f->line = w->place->line;
	f->offset = w->place->offset;
	return true;
}

static void give_at_failure(struct trace_reader *reader, struct expressway_failure *f, const struct record *r)
{
	struct trace_place place = { .line = f->line, .offset = f->offset, .raw = buffer_span(&f->raw) };
	f->waits = false;
	trace_reader_give(reader, r, &place);
}

void expressway_give_failure(struct trace_reader *reader)
{
	struct expressway_failure *f = &((struct expressway_state *)reader->state)->failure;
	struct record_unpacked half;
	if (f->waits && record_unpack(buffer_span(&f->packed), &half) == 0)
		give_at_failure(reader, f, &half.record);
	f->waits = false;
}

/* The same far end and role, and the other of the two halves. */
static bool is_other_half(const struct expressway_failure *f, const struct record_handshake *h, bool is_event,
	struct record_unpacked *ret_half)
{
	if (!f->waits || f->is_event == is_event || record_unpack(buffer_span(&f->packed), ret_half) != 0)
		return false;
	const struct record_handshake *first = &ret_half->record.handshake;
	return record_address_equal(&first->remote, &h->remote) && first->role == h->role;
}

/* "error:14094416:SSL routines:ssl3_read_bytes: sslv3 alert certificate unknown" says what the event says. */
static bool says_no_more(struct span event, struct span reason)
{
	struct span ignored, end = span_trim(event);
	return span_equal(event, reason) ||
	       (expressway_starts(reason, "error:", &ignored) && span_ends_nocase(span_trim(reason), end));
}

/* The module's half with what the event adds. */
static void join_halves(struct record_handshake *module, const struct record_handshake *event)
{
	if (!says_no_more(event->reason, module->reason))
		module->verify_reason = event->reason;
	if (event->common_name.at)
		module->common_name = event->common_name;
	read_alert_words(module, event->reason);
}

static void give_or_wait(struct expressway_work *w, bool is_event)
{
	struct expressway_failure *f = &((struct expressway_state *)w->reader->state)->failure;
	struct record_handshake *h = &w->record.handshake;
	struct record_unpacked half;
	if (is_other_half(f, h, is_event, &half)) {
		struct record *module = is_event ? &half.record : &w->record;
		module->kind = RECORD_HANDSHAKE;
		join_halves(&module->handshake, is_event ? h : &half.record.handshake);
		give_at_failure(w->reader, f, module);
		return;
	}
	expressway_give_failure(w->reader);
	if (!wait_for_other_half(w, is_event))
		expressway_give(w, RECORD_HANDSHAKE);
}

static void read_failed(struct expressway_work *w)
{
	struct record_handshake *h = &w->record.handshake;
	read_common(w);
	h->failed = true;
	h->reason = text(w, "ssl_error_reason");
	read_alert_words(h, h->reason);
	take_names(w);
	give_or_wait(w, false);
}

void expressway_read_tls_event(struct expressway_work *w, unsigned int inbound)
{
	struct record_handshake *h = &w->record.handshake;
	struct record_address source = expressway_end(w->line, EXPRESSWAY_SOURCE),
			      destination = expressway_end(w->line, EXPRESSWAY_DESTINATION);
	h->failed = true;
	h->role = inbound ? RECORD_SERVER : RECORD_CLIENT;
	h->local = inbound ? destination : source;
	h->remote = inbound ? source : destination;
	h->reason = text(w, "Detail");
	h->common_name = text(w, "Common-name");
	read_alert_words(h, h->reason);
	give_or_wait(w, true);
}

static bool has(struct span s, const char *words)
{
	return span_find_span(s, span_of(words)) < s.length;
}

void expressway_read_ssl(struct expressway_work *w)
{
	struct span detail = w->line->known[EXPRESSWAY_DETAIL];
	if (expressway_is(detail, "Found DNS alt-name in peer certificate"))
		keep_name(w);
	else if (expressway_is(detail, "Found common name in peer certificate"))
		keep_common_name(w);
	else if (expressway_is(detail, "Handshake succeeded"))
		read_handshake(w);
	else if (has(detail, "Failed to establish SSL connection") ||
		 has(w->line->words, "Failed to establish SSL connection"))
		read_failed(w);
	else
		expressway_read_notice(w);
}
