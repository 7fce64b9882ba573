/* SPDX-License-Identifier: Apache-2.0 */
/* The diagnostic log of an Expressway back into records: the two lines of a message and the message itself into one.
 * docs/formats.md has every shape with its source. */
#include "base/require.h"
#include "trace/expressway_private.h"
#include "trace/text_read.h"

#include <stdlib.h>

/* ---- messages ---- */

bool expressway_is_local(const struct expressway_state *state, const struct record_address *address)
{
	for (size_t i = 0; i < state->local_count; i++)
		if (state->locals[i].family == address->family &&
			memcmp(state->locals[i].bytes, address->bytes, sizeof(address->bytes)) == 0)
			return true;
	return false;
}

static void learn_local(struct expressway_state *state, const struct record_address *address)
{
	if (address->family && state->local_count < EXPRESSWAY_LOCALS_MAXIMUM && !expressway_is_local(state, address))
		state->locals[state->local_count++] = *address;
}

/* Direction and ends; old releases have no Action, only the far side's address tells. */
void expressway_read_ends(struct expressway_state *state, const struct expressway_line *line, struct record_message *m)
{
	struct span action = line->known[EXPRESSWAY_ACTION];
	bool has_source = line->known[EXPRESSWAY_SRC_IP].length > 0;
	bool has_destination = line->known[EXPRESSWAY_DST_IP].length > 0 || line->known[EXPRESSWAY_DST_PORT].length > 0;
	bool sent = action.at ? expressway_is(action, "Sent") : has_destination && !has_source;
	m->direction = sent ? RECORD_SENT : RECORD_RECEIVED;
	m->local = expressway_end(line, EXPRESSWAY_LOCAL);
	m->remote = sent ? expressway_end(line, EXPRESSWAY_DESTINATION) : expressway_end(line, EXPRESSWAY_SOURCE);
	learn_local(state, &m->local);
}

/* "…, Call-ID=x, From-Tag=y, …": the value up to the next item of the list. */
static struct span item(struct span detail, const char *name)
{
	struct span needle = span_of(name);
	size_t at = span_find_span(detail, needle);
	if (at == detail.length)
		return SPAN_NONE;
	struct span value = span_from(detail, at + needle.length);
	return span_first(value, span_find_span(value, SPAN(", ")));
}

/* ---- summaries ---- */

/* "Receive Response Code=404, Method=INVITE, CSeq=5, …": what a message is made of. */
enum said {
	SAID_METHOD,
	SAID_CODE,
	SAID_CSEQ,
	SAID_URI,
	SAID_TO,
	SAID_CALL_ID,
	SAID_FROM_TAG,
	SAID_TO_TAG,
	SAID_COUNT
};

static void read_said(struct span detail, struct span said[SAID_COUNT])
{
	static const struct span names[SAID_COUNT] = { { "Method", 6 }, { "Code", 4 }, { "CSeq", 4 },
		{ "Request-URI", 11 }, { "To", 2 }, { "Call-ID", 7 }, { "From-Tag", 8 }, { "To-Tag", 6 } };
	struct span rest = detail;
	while (rest.at && rest.length > 0) {
		struct span piece = span_first(rest, span_find(rest, ','));
		rest = span_from(rest, piece.length);
		/* A comma without a blank is part of what is said. */
		while (rest.length > 1 && rest.at && rest.at[1] != ' ') {
			size_t more = 1 + span_find(span_from(rest, 1), ',');
			piece.length += more;
			rest = span_from(rest, more);
		}
		rest = span_from(rest, 2);
		size_t equals = span_find(piece, '='), begin = equals;
		while (begin > 0 && piece.at && piece.at[begin - 1] != ' ')
			begin--;
		struct span name = span_make(piece.at + begin, equals - begin);
		for (size_t i = 0; equals < piece.length && i < SAID_COUNT; i++)
			if (!said[i].at && span_equal(name, names[i]))
				said[i] = span_from(piece, equals + 1);
	}
}

static char *put(char *out, struct span text)
{
	if (text.length > 0)
		memcpy(out, text.at, text.length);
	return out + text.length;
}

static char *put_tag(char *out, struct span tag)
{
	return tag.length > 0 ? put(put(out, SPAN(";tag=")), tag) : out;
}

/* As much of the message as its summary says, so that whoever reads records need not know of summaries. */
static struct span made_of_summary(struct trace_reader *reader, struct span detail)
{
	struct span said[SAID_COUNT] = { { NULL, 0 } };
	read_said(detail, said);
	struct span to = said[SAID_TO].at ? said[SAID_TO] : said[SAID_URI];
	/* Nothing of it stands there more than twice. */
	char *first = arena_allocate(&reader->arena, 2 * detail.length + 128), *out = first;
	if (!out)
		return SPAN_NONE;
	if (said[SAID_CODE].at)
		out = put(put(put(out, SPAN("SIP/2.0 ")), said[SAID_CODE]), SPAN(" \r\n"));
	else
		out = put(put(put(put(out, said[SAID_METHOD]), SPAN(" ")), said[SAID_URI]), SPAN(" SIP/2.0\r\n"));
	out = put(put_tag(put(out, SPAN("From: <>")), said[SAID_FROM_TAG]), SPAN("\r\nTo: <"));
	out = put_tag(put(put(out, to), SPAN(">")), said[SAID_TO_TAG]);
	out = put(put(put(out, SPAN("\r\nCall-ID: ")), said[SAID_CALL_ID]), SPAN("\r\nCSeq: "));
	out = put(put(put(out, said[SAID_CSEQ]), SPAN(" ")), said[SAID_METHOD]);
	out = put(out, SPAN("\r\nContent-Length: 0\r\n\r\n"));
	return span_make(first, (size_t)(out - first));
}

void expressway_take_sessions(struct span detail, struct record_head *head)
{
	struct span local = item(detail, ", Local-SessionID="), remote = item(detail, ", Remote-SessionID=");
	if (local.length > 0)
		head->local_session = local;
	if (remote.length > 0)
		head->remote_session = remote;
}

static struct span detail_of(struct trace_reader *reader, const struct expressway_line *line)
{
	return span_trim(trace_read_escaped(&reader->arena, line->known[EXPRESSWAY_DETAIL]));
}

static void give_summary(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place)
{
	struct record r = { .kind = RECORD_MESSAGE, .head = line->head };
	struct trace_place of_summary = *place;
	struct span detail = detail_of(reader, line);
	expressway_read_ends(reader->state, line, &r.message);
	r.message.hash = expressway_number_of(item(detail, ", Msg-Hash="), UINT64_MAX);
	expressway_take_sessions(detail, &r.head);
	r.message.bytes = made_of_summary(reader, detail);
	of_summary.is_summary = true;
	trace_reader_give(reader, &r, &of_summary);
}

/* ---- summaries that wait ---- */

/* Its place is free for another; those behind it move up. */
static void drop_summary(struct expressway_state *state, size_t index)
{
	struct expressway_summary freed = state->summaries[index];
	for (size_t i = index + 1; i < state->summary_count; i++)
		state->summaries[i - 1] = state->summaries[i];
	state->summaries[--state->summary_count] = freed;
}

/* The message did not come. */
static void give_oldest(struct trace_reader *reader)
{
	struct expressway_state *state = reader->state;
	const struct expressway_summary *s = &state->summaries[0];
	struct trace_place place = { .line = s->line, .offset = s->offset, .raw = buffer_span(&s->raw) };
	struct expressway_line line;
	struct span text;
	size_t whole;
	if (trace_reader_line(place.raw, true, &text, &whole) && expressway_read_text(reader, text, &line))
		give_summary(reader, &line, &place);
	drop_summary(state, 0);
	state->missed++;
}

/* The other half of anything stands within a moment of the first. */
#define WAITS_US 1000000

static bool is_late(int64_t since_us, int64_t now_us)
{
	return now_us - since_us > WAITS_US || since_us - now_us > WAITS_US;
}

static void give_late(struct trace_reader *reader, int64_t now_us)
{
	const struct expressway_state *state = reader->state;
	while (state->summary_count > 0 && is_late(state->summaries[0].time_us, now_us))
		give_oldest(reader);
	if (state->failure.waits && is_late(state->failure.time_us, now_us))
		expressway_give_failure(reader);
}

static bool keep_summary(struct expressway_state *state, const struct expressway_line *line, struct span digits,
	uint64_t hash, const struct trace_place *place)
{
	struct expressway_summary *s = &state->summaries[state->summary_count];
	if (!s->raw.maximum)
		buffer_init(&s->raw, 2 * TRACE_RECORD_MAXIMUM);
	buffer_clear(&s->raw);
	if (buffer_append(&s->raw, place->raw) != 0)
		return false;
	s->hash = hash;
	s->sessions = (size_t)(digits.at - place->raw.at) + digits.length;
	s->time_us = line->head.time_us;
	s->line = place->line;
	s->offset = place->offset;
	state->summary_count++;
	return true;
}

bool expressway_was_given(const struct expressway_state *state, uint64_t hash)
{
	for (size_t i = 0; i < EXPRESSWAY_SUMMARIES_MAXIMUM; i++)
		if (state->given[i] == hash)
			return true;
	return false;
}

static void read_summary(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place)
{
	struct expressway_state *state = reader->state;
	struct span digits = item(line->known[EXPRESSWAY_DETAIL], ", Msg-Hash=");
	uint64_t hash = expressway_number_of(digits, UINT64_MAX);
	if (hash && expressway_was_given(state, hash)) {
		reader->counts.other++; /* its message came before it */
		return;
	}
	if (state->summary_count == EXPRESSWAY_SUMMARIES_MAXIMUM)
		give_oldest(reader);
	bool is_hopeless = !state->has_messages && state->missed >= EXPRESSWAY_SUMMARIES_MAXIMUM;
	if (!hash || is_hopeless || !keep_summary(state, line, digits, hash, place))
		give_summary(reader, line, place);
}

/* What the summary said that the message itself does not carry. */
static void join_summary(struct trace_reader *reader, struct record *r)
{
	struct expressway_state *state = reader->state;
	for (size_t i = 0; i < state->summary_count; i++) {
		if (state->summaries[i].hash != r->message.hash)
			continue;
		struct record_head sessions = { 0 };
		expressway_take_sessions(
			span_from(buffer_span(&state->summaries[i].raw), state->summaries[i].sessions), &sessions);
		/* In the line a quote ends the list, and the next summary takes the memory. */
		struct span local = sessions.local_session, remote = sessions.remote_session;
		r->head.local_session = arena_copy(&reader->arena, span_first(local, span_find(local, '"')));
		remote = span_first(remote, span_find(remote, '"'));
		if (remote.length > 0)
			r->head.remote_session = arena_copy(&reader->arena, remote);
		drop_summary(state, i);
		reader->counts.other++;
		return;
	}
}

void expressway_give_message(struct trace_reader *reader, struct record *r, const struct trace_place *place)
{
	struct expressway_state *state = reader->state;
	state->has_messages = true;
	if (r->message.hash) {
		join_summary(reader, r);
		state->given[state->next_given++ % EXPRESSWAY_SUMMARIES_MAXIMUM] = r->message.hash;
	}
	trace_reader_give(reader, r, place);
}

static void read_message(struct trace_reader *reader, const struct expressway_line *line, struct span bytes,
	const struct trace_place *place)
{
	struct record r = { .kind = RECORD_MESSAGE, .head = line->head };
	expressway_read_ends(reader->state, line, &r.message);
	r.message.hash = expressway_number_of(line->known[EXPRESSWAY_MSG_HASH], UINT64_MAX);
	r.message.bytes = bytes;
	expressway_give_message(reader, &r, place);
}

/* ---- lines ---- */

/* False: more of the text is needed to know. */
bool expressway_find_message(
	struct trace_reader *reader, struct span text, bool last, struct expressway_follower *ret_follower)
{
	static const struct span usual = { " SIPMSG:\n", 9 };
	struct span line;
	size_t whole;
	*ret_follower = (struct expressway_follower){ 0 };
	if (text.at && span_equal(span_first(text, usual.length), usual)) {
		*ret_follower = (struct expressway_follower){ .whole = usual.length, .lines = 1, .is_message = true };
		return expressway_read_message(reader, span_from(text, usual.length), last, ret_follower);
	}
	if (!trace_reader_line(text, last, &line, &whole))
		return last || text.length >= TRACE_RECORD_MAXIMUM;
	if (!span_is(span_trim(line), "SIPMSG:"))
		return true;
	*ret_follower = (struct expressway_follower){ .whole = whole, .lines = 1, .is_message = true };
	return expressway_read_message(reader, span_from(text, whole), last, ret_follower);
}

static bool is_summary(const struct expressway_line *line)
{
	struct span detail = line->known[EXPRESSWAY_DETAIL];
	return span_find_span(detail, SPAN("Method=")) < detail.length;
}

static void give(struct trace_reader *reader, const struct expressway_line *line,
	const struct expressway_follower *follower, const struct trace_place *place)
{
	const struct expressway_state *state = reader->state;
	if (state->summary_count > 0 || state->failure.waits)
		give_late(reader, line->head.time_us);
	if (follower->is_message)
		read_message(reader, line, follower->bytes, place);
	else if (line->is_sip && is_summary(line))
		read_summary(reader, line, place);
	else
		expressway_read_line(reader, line, place);
}

/* ---- all of it ---- */

static size_t read_expressway(struct trace_reader *reader, struct span text, bool last)
{
	struct span raw;
	struct expressway_line line;
	struct expressway_follower follower = { 0 };
	size_t whole;
	if (!trace_reader_line(text, last, &raw, &whole))
		return 0;
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset };
	arena_reset(&reader->arena);
	bool begins = expressway_begins_line(raw);
	size_t pair = begins ? expressway_read_pair(reader, text, raw, whole, last) : 0;
	if (pair > 0)
		return pair;
	bool readable = begins && expressway_read_text(reader, raw, &line);
	if (readable && line.is_sip && !line.known[EXPRESSWAY_DETAIL].at &&
		!expressway_find_message(reader, span_from(text, whole), last, &follower))
		return 0;
	whole += follower.whole;
	place.raw = span_first(text, whole);
	reader->line += 1 + follower.lines;
	reader->counts.lines += 1 + follower.lines;
	if (readable && line.is_noise)
		reader->counts.other++;
	else if (readable)
		give(reader, &line, &follower, &place);
	else if (begins)
		trace_reader_unread(reader, &place, "a line whose time is damaged");
	else if (span_trim(raw).length > 0)
		trace_reader_unread(reader, &place, "a line outside of any record");
	return whole;
}

static void end_expressway(struct trace_reader *reader)
{
	const struct expressway_state *state = reader->state;
	while (state->summary_count > 0)
		give_oldest(reader);
	expressway_give_failure(reader);
}

static void free_expressway(struct trace_reader *reader)
{
	struct expressway_state *state = reader->state;
	for (size_t i = 0; i < EXPRESSWAY_SUMMARIES_MAXIMUM; i++)
		buffer_done(&state->summaries[i].raw);
	buffer_done(&state->failure.packed);
	buffer_done(&state->failure.raw);
	buffer_done(&state->names);
	buffer_done(&state->common_name);
	free(state->message.at);
}

const struct trace_reading trace_reading_expressway = {
	.state_size = sizeof(struct expressway_state),
	.read = read_expressway,
	.end = end_expressway,
	.free = free_expressway,
};
