/* SPDX-License-Identifier: Apache-2.0 */
/* The diagnostic log of an Expressway back into records: lines into their keys, the two lines of a message and the
 * message itself into one record. docs/formats.md has every shape with its source. */
#include "base/require.h"
#include "record/pack.h"
#include "trace/expressway_private.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

/* ---- lines ---- */

/* "2017-03-02T08:10:46" or with a blank between: nothing in a message can look like it, for its lines are indented. */
static bool begins_line(struct span line)
{
	return line.length >= 19 && line.at[4] == '-' && line.at[7] == '-' &&
	       (line.at[10] == 'T' || line.at[10] == ' ') && line.at[13] == ':' && line.at[0] >= '0' &&
	       line.at[0] <= '9';
}

/* A busy log has thousands of lines in a second. */
static size_t read_stamp(struct expressway_stamp *known, struct span text, int64_t *ret_us)
{
	if (text.length >= 23 && memcmp(known->text, text.at, 19) == 0 && (text.at[19] == ',' || text.at[19] == '.')) {
		const unsigned char *ms = (const unsigned char *)text.at + 20;
		unsigned a = ms[0] - '0', b = ms[1] - '0', c = ms[2] - '0';
		if (a < 10 && b < 10 && c < 10 &&
			(text.length == 23 || (unsigned)((unsigned char)text.at[23] - '0') > 9)) {
			*ret_us = known->us + (int64_t)(a * 100 + b * 10 + c) * 1000;
			return 23;
		}
	}
	size_t used = trace_stamp_read(text, false, ret_us);
	if (used > 0) {
		memcpy(known->text, text.at, 19);
		known->us = *ret_us - *ret_us % 1000000;
	}
	return used;
}

/* Where the value that begins at text.at[0] ends: at a quote that no backslash stands before. Values are short: a loop
 * beats a call. */
static size_t value_end(struct span text)
{
	size_t i = 0;
	while (i < text.length && text.at[i] != '"')
		i += text.at[i] == '\\' ? 2 : 1;
	return i < text.length ? i : text.length;
}

static bool is_between_keys(char byte)
{
	return byte == ' ' || byte == ':' || byte == '\t';
}

static void read_keys(struct span text, struct expressway_line *line)
{
	size_t i = 0;
	while (line->count < EXPRESSWAY_KEYS_MAXIMUM) {
		while (i < text.length && is_between_keys(text.at[i]))
			i++;
		size_t end = i;
		while (end < text.length && text.at[end] != '=')
			end++;
		if (end == text.length)
			return;
		if (end + 1 >= text.length || text.at[end + 1] != '"') {
			/* No key of ours: go on behind it. */
			i = end + 1;
			continue;
		}
		struct span value = span_from(text, end + 2);
		value = span_first(value, value_end(value));
		line->keys[line->count++] = (struct expressway_key){ span_make(text.at + i, end - i), value };
		i = end + 2 + value.length + 1;
	}
}

struct span expressway_find(const struct expressway_line *line, const char *name, size_t length)
{
	for (size_t i = 0; i < line->count; i++)
		if (line->keys[i].name.length == length && memcmp(line->keys[i].name.at, name, length) == 0)
			return line->keys[i].value;
	return SPAN_NONE;
}

struct span expressway_find_text(
	struct trace_reader *reader, const struct expressway_line *line, const char *name, size_t length)
{
	return trace_read_escaped(&reader->arena, expressway_find(line, name, length));
}

static uint64_t number_of(struct span value, uint64_t maximum)
{
	uint64_t number;
	return value.at && span_to_u64(value, maximum, &number) == 0 ? number : 0;
}

uint64_t expressway_find_number(const struct expressway_line *line, const char *name, size_t length, uint64_t maximum)
{
	return number_of(expressway_find(line, name, length), maximum);
}

struct record_address expressway_address(const struct expressway_line *line, const char *prefix)
{
	char name[16];
	struct record_address address = { 0 };
	size_t length = strlen(prefix);
	base_require(length + 6 <= sizeof(name));
	memcpy(name, prefix, length);
	memcpy(name + length, "-ip", 3);
	struct span text = expressway_find(line, name, length + 3);
	if (text.at)
		(void)record_address_parse(text, &address);
	memcpy(name + length, "-port", 5);
	address.port = (uint16_t)number_of(expressway_find(line, name, length + 5), UINT16_MAX);
	return address;
}

/* "2017-03-02T08:10:46.240+01:00 vcse tvcs: key="value" …". The stamp counts where no UTCTime is said. */
static bool read_line(struct trace_reader *reader, struct span text, struct expressway_line *ret_line)
{
	struct expressway_state *state = reader->state;
	int64_t us;
	int32_t offset_s = 0;
	ret_line->head = (struct record_head){ 0 };
	ret_line->count = 0;
	size_t used = read_stamp(&state->local_stamp, text, &us);
	if (used == 0)
		return false;
	struct span rest = span_from(text, used);
	rest = span_from(rest, trace_stamp_read_offset(rest, &offset_s));
	if (rest.length == 0 || rest.at[0] != ' ')
		return false;
	rest = span_from(rest, 1);
	size_t process = span_find_span(rest, SPAN(" tvcs:"));
	if (process == rest.length)
		return false;
	ret_line->head.node = trace_read_escaped(&reader->arena, span_first(rest, process));
	read_keys(span_from(rest, process + 6), ret_line);
	ret_line->head.time_us = us - (int64_t)offset_s * 1000000;
	struct span utc = expressway_raw(ret_line, "UTCTime");
	if (utc.at && read_stamp(&state->utc_stamp, utc, &us) == utc.length)
		ret_line->head.time_us = us;
	return true;
}

/* ---- waiting ---- */

bool expressway_wait(struct expressway_waiting *waiting, const struct record *r, const struct trace_place *place)
{
	if (!waiting->packed.maximum) {
		buffer_init(&waiting->packed, 4 * TRACE_RECORD_MAXIMUM);
		buffer_init(&waiting->raw, 2 * TRACE_RECORD_MAXIMUM);
	}
	buffer_clear(&waiting->packed);
	buffer_clear(&waiting->raw);
	if (record_pack_to(r, &waiting->packed) != 0 || buffer_append(&waiting->raw, place->raw) != 0)
		return false;
	waiting->line = place->line;
	waiting->offset = place->offset;
	waiting->hash = r->kind == RECORD_MESSAGE ? r->message.hash : 1;
	return true;
}

void expressway_give_waiting(struct trace_reader *reader, struct expressway_waiting *waiting, bool is_summary)
{
	struct record_unpacked record;
	struct trace_place place = { .line = waiting->line,
		.offset = waiting->offset,
		.raw = buffer_span(&waiting->raw),
		.is_summary = is_summary };
	if (waiting->hash && record_unpack(buffer_span(&waiting->packed), &record) == 0)
		trace_reader_give(reader, &record.record, &place);
	waiting->hash = 0;
}

/* Its place is free for another; those behind it move up. */
static void drop_summary(struct expressway_state *state, size_t index)
{
	struct expressway_waiting freed = state->summaries[index];
	freed.hash = 0;
	for (size_t i = index + 1; i < state->summary_count; i++)
		state->summaries[i - 1] = state->summaries[i];
	state->summaries[--state->summary_count] = freed;
}

static void give_summary(struct trace_reader *reader, const struct record *r, const struct trace_place *place)
{
	struct trace_place of_summary = *place;
	of_summary.is_summary = true;
	trace_reader_give(reader, r, &of_summary);
}

static void add_summary(struct trace_reader *reader, const struct record *r, const struct trace_place *place)
{
	struct expressway_state *state = reader->state;
	for (size_t i = 0; i < EXPRESSWAY_SUMMARIES_MAXIMUM; i++)
		if (state->given[i] == r->message.hash) {
			reader->counts.other++; /* its message came before it */
			return;
		}
	if (state->summary_count == EXPRESSWAY_SUMMARIES_MAXIMUM) {
		expressway_give_waiting(reader, &state->summaries[0], true);
		drop_summary(state, 0);
	}
	if (expressway_wait(&state->summaries[state->summary_count], r, place))
		state->summary_count++;
	else
		give_summary(reader, r, place);
}

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
static void read_ends(struct expressway_state *state, const struct expressway_line *line, struct record_message *m)
{
	struct span action = expressway_raw(line, "Action");
	struct record_address source = expressway_address(line, "Src");
	struct record_address destination = expressway_address(line, "Dst");
	bool has_destination = destination.family || destination.port;
	bool sent = action.at ? span_is(action, "Sent") : has_destination && !source.family;
	m->direction = sent ? RECORD_SENT : RECORD_RECEIVED;
	m->local = expressway_address(line, "Local");
	m->remote = sent ? destination : source;
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

/* As much of the message as its summary says, so that whoever reads records need not know of summaries. */
static struct span made_of_summary(struct trace_reader *reader, struct span detail)
{
	struct span method = item(detail, "Method="), code = item(detail, "Response Code=");
	struct span uri = item(detail, ", Request-URI="), to = item(detail, ", To="), cseq = item(detail, ", CSeq=");
	struct span call_id = item(detail, ", Call-ID="), from_tag = item(detail, ", From-Tag=");
	struct span to_tag = item(detail, ", To-Tag=");
	struct span start =
		code.at ? arena_printf(&reader->arena, "SIP/2.0 %.*s \r\n", SPAN_PRINT(code))
			: arena_printf(&reader->arena, "%.*s %.*s SIP/2.0\r\n", SPAN_PRINT(method), SPAN_PRINT(uri));
	return arena_printf(&reader->arena,
		"%.*sFrom: <>%s%.*s\r\nTo: <%.*s>%s%.*s\r\nCall-ID: %.*s\r\nCSeq: %.*s %.*s\r\nContent-Length: "
		"0\r\n\r\n",
		SPAN_PRINT(start), from_tag.length ? ";tag=" : "", SPAN_PRINT(from_tag), SPAN_PRINT(to.at ? to : uri),
		to_tag.length ? ";tag=" : "", SPAN_PRINT(to_tag), SPAN_PRINT(call_id), SPAN_PRINT(cseq),
		SPAN_PRINT(method));
}

static void read_summary(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place)
{
	struct record r = { .kind = RECORD_MESSAGE, .head = line->head };
	struct span detail = expressway_text(reader, line, "Detail");
	struct span hash = item(detail, ", Msg-Hash=");
	read_ends(reader->state, line, &r.message);
	if (hash.at)
		(void)span_to_u64(hash, UINT64_MAX, &r.message.hash);
	struct span local = item(detail, ", Local-SessionID="), remote = item(detail, ", Remote-SessionID=");
	if (local.length)
		r.head.local_session = local;
	if (remote.length)
		r.head.remote_session = remote;
	if (!item(detail, "Method=").at) {
		reader->counts.other++;
		return;
	}
	r.message.bytes = made_of_summary(reader, detail);
	if (r.message.hash)
		add_summary(reader, &r, place);
	else
		give_summary(reader, &r, place);
}

/* The blanks that the log put in front: one, or two where the line is a bar and nothing else. */
static size_t indent(struct span line)
{
	struct span text = line;
	if (line.length == 0 || line.at[0] != ' ')
		return 0;
	while (text.length > 1 && text.at[0] == ' ')
		text = span_from(text, 1);
	return text.length == 1 && text.at[0] == '|' && line.length > 2 ? 2 : 1;
}

/* What the summary said that the message itself does not carry. */
static void join_summary(struct trace_reader *reader, struct record *r)
{
	struct expressway_state *state = reader->state;
	for (size_t i = 0; i < state->summary_count; i++) {
		struct record_unpacked summary;
		if (state->summaries[i].hash != r->message.hash ||
			record_unpack(buffer_span(&state->summaries[i].packed), &summary) != 0)
			continue;
		if (summary.record.head.local_session.at)
			r->head.local_session = arena_copy(&reader->arena, summary.record.head.local_session);
		if (summary.record.head.remote_session.at)
			r->head.remote_session = arena_copy(&reader->arena, summary.record.head.remote_session);
		drop_summary(state, i);
		return;
	}
}

static void read_message(struct trace_reader *reader, const struct expressway_line *line, struct span bytes,
	const struct trace_place *place)
{
	struct expressway_state *state = reader->state;
	struct record r = { .kind = RECORD_MESSAGE, .head = line->head };
	struct span hash = expressway_raw(line, "Msg-Hash");
	read_ends(state, line, &r.message);
	if (hash.at)
		(void)span_to_u64(hash, UINT64_MAX, &r.message.hash);
	r.message.bytes = bytes;
	if (r.message.hash) {
		join_summary(reader, &r);
		state->given[state->next_given++ % EXPRESSWAY_SUMMARIES_MAXIMUM] = r.message.hash;
	}
	trace_reader_give(reader, &r, place);
}

/* What follows a line: a message, where there is one. */
struct follower {
	struct span bytes; /* as on the wire; absent: none, or without memory */
	size_t whole; /* bytes of the log, with SIPMSG: and the last bar */
	size_t lines;
	bool is_message;
};

/* One line of a message, without the blank or blanks of the log, the first without its bar; CR LF between them. */
static size_t put_line(char *out, struct span line, bool first)
{
	size_t length = 0;
	line = span_from(line, first ? line.length > 0 && line.at[0] == ' ' : indent(line));
	if (first && line.length > 0 && line.at[0] == '|')
		line = span_from(line, 1);
	if (!first) {
		out[length++] = '\r';
		out[length++] = '\n';
	}
	memcpy(out + length, line.at, line.length);
	return length + line.length;
}

#define OUT_FIRST 4096

/* The next size of the message's memory: there is always room for the line at hand. */
static bool make_room(struct trace_reader *reader, char **out, size_t *capacity, size_t used, size_t more)
{
	if (used + more <= *capacity)
		return true;
	size_t wanted = 2 * (used + more) + OUT_FIRST;
	char *larger = arena_allocate(&reader->arena, wanted);
	if (!larger)
		return false;
	if (used > 0)
		memcpy(larger, *out, used);
	*out = larger;
	*capacity = wanted;
	return true;
}

/* False: the end of the message has not come. One that was cut off ends where the next line begins. */
static bool read_lines(struct trace_reader *reader, struct span text, bool last, struct follower *f)
{
	char *out = NULL;
	size_t capacity = 0, used = 0, whole;
	struct span line;
	while (trace_reader_line(span_from(text, f->whole), last, &line, &whole)) {
		if (begins_line(line) || f->whole > TRACE_RECORD_MAXIMUM)
			break;
		f->whole += whole;
		f->lines++;
		/* The first line has its bar in front, even where nothing follows it. */
		if (f->lines > 2 && line.length == 2 && line.at[0] == ' ' && line.at[1] == '|') {
			f->bytes = span_make(out, used);
			return true;
		}
		if (!make_room(reader, &out, &capacity, used, line.length + 2))
			return true;
		used += put_line(out + used, line, f->lines == 2);
	}
	f->bytes = span_make(out, used);
	return last || f->whole > TRACE_RECORD_MAXIMUM ||
	       span_find(span_from(text, f->whole), '\n') < text.length - f->whole;
}

static bool find_message(struct trace_reader *reader, struct span text, bool last, struct follower *ret_follower)
{
	struct span line;
	size_t whole;
	*ret_follower = (struct follower){ 0 };
	if (!trace_reader_line(text, last, &line, &whole))
		return last || text.length >= TRACE_RECORD_MAXIMUM;
	if (!span_is(span_trim(line), "SIPMSG:"))
		return true;
	*ret_follower = (struct follower){ .whole = whole, .lines = 1, .is_message = true };
	return read_lines(reader, text, last, ret_follower);
}

static size_t read_expressway(struct trace_reader *reader, struct span text, bool last)
{
	struct span raw;
	struct expressway_line line;
	struct follower follower = { 0 };
	size_t whole;
	if (!trace_reader_line(text, last, &raw, &whole))
		return 0;
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset };
	arena_reset(&reader->arena);
	bool readable = begins_line(raw) && read_line(reader, raw, &line);
	bool is_sip = readable && span_is(expressway_raw(&line, "Module"), "network.sip");
	if (is_sip && !expressway_raw(&line, "Detail").at &&
		!find_message(reader, span_from(text, whole), last, &follower))
		return 0;
	whole += follower.whole;
	place.raw = span_first(text, whole);
	reader->line += 1 + follower.lines;
	reader->counts.lines += 1 + follower.lines;
	if (follower.is_message)
		read_message(reader, &line, follower.bytes, &place);
	else if (is_sip)
		read_summary(reader, &line, &place);
	else if (readable)
		expressway_read_line(reader, &line, &place);
	else if (span_trim(raw).length > 0)
		trace_reader_unread(reader, &place, "a line outside of any record");
	return whole;
}

static void end_expressway(struct trace_reader *reader)
{
	struct expressway_state *state = reader->state;
	for (size_t i = 0; i < state->summary_count; i++)
		expressway_give_waiting(reader, &state->summaries[i], true);
	state->summary_count = 0;
	expressway_give_waiting(reader, &state->failure, false);
}

static void free_expressway(struct trace_reader *reader)
{
	struct expressway_state *state = reader->state;
	for (size_t i = 0; i < EXPRESSWAY_SUMMARIES_MAXIMUM; i++) {
		buffer_done(&state->summaries[i].packed);
		buffer_done(&state->summaries[i].raw);
	}
	buffer_done(&state->failure.packed);
	buffer_done(&state->failure.raw);
	buffer_done(&state->names);
}

const struct trace_reading trace_reading_expressway = {
	.state_size = sizeof(struct expressway_state),
	.read = read_expressway,
	.end = end_expressway,
	.free = free_expressway,
};
