/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a Lync or Skype for Business client back into records. Anchored on the stamp at the start of a line, which
 * is all that a public sample confirms, and on the words around a message (docs/formats.md). */
#include "base/require.h"
#include "trace/kind_private.h"
#include "trace/reader_private.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

/* "03/02/2017|08:10:46.240 0584:0A44 INFO  :: text"; older ones have less between stamp and text. */
struct line {
	struct record_head head;
	struct span level; /* absent: not said */
	struct span text;
};

bool uccapi_begins_line(struct span line)
{
	int64_t ignored;
	return line.length >= 19 && line.at[2] == '/' && line.at[10] == '|' &&
	       trace_stamp_read(line, true, &ignored) > 0;
}

/* "0584:0A44 " in front of the level. */
static bool read_ids(struct span *rest, struct record_head *head)
{
	struct span after = *rest, thread = span_cut(&after, ' ');
	struct span process = span_cut(&thread, ':');
	uint64_t process_id, thread_id;
	if (!after.at || !thread.at || !trace_read_hex(process, UINT32_MAX, &process_id) ||
		!trace_read_hex(thread, UINT32_MAX, &thread_id))
		return false;
	head->process = (uint32_t)process_id;
	head->thread = (uint32_t)thread_id;
	*rest = after;
	return true;
}

/* "INFO  :: " in front of the text. */
static bool read_level(struct span *rest, struct span *ret_level)
{
	static const char *const levels[] = { "TRACE", "INFO", "WARN", "ERROR", "FATAL" };
	struct span after = *rest, level = span_cut(&after, ' ');
	size_t colons = span_find_span(after, SPAN(":: "));
	for (size_t i = 0; i < BASE_COUNT(levels); i++) {
		if (!span_is(level, levels[i]) || span_trim(span_first(after, colons)).length > 0)
			continue;
		*ret_level = level;
		*rest = span_from(after, colons < after.length ? colons + 3 : after.length);
		return true;
	}
	return false;
}

/* Releases differ in what stands behind the stamp: only that is sure. */
static bool read_line(const struct trace_reader *reader, struct span text, struct line *ret_line)
{
	struct line line = { 0 };
	int64_t local_us;
	size_t used = trace_stamp_read(text, true, &local_us);
	struct span rest = span_make(text.at + used, text.length - used);
	if (used == 0 || (rest.length > 0 && rest.at[0] != ' '))
		return false;
	rest = span_from(rest, 1);
	(void)read_ids(&rest, &line.head);
	if (!read_level(&rest, &line.level) && span_equal(span_first(rest, 3), SPAN(":: ")))
		rest = span_from(rest, 3);
	line.text = rest;
	int32_t offset_s =
		reader->settings.utc_offset_s ? reader->settings.utc_offset_s(reader->settings.argument, local_us) : 0;
	line.head.time_us = local_us - (int64_t)offset_s * 1000000;
	*ret_line = line;
	return true;
}

/* ---- messages ---- */

static const struct {
	struct span opens;
	struct span local;
	enum record_direction direction;
} directions[] = {
	{ { "Data Received -", 15 }, { " (To Local Address: ", 20 }, RECORD_RECEIVED },
	{ { "Sending Packet - ", 17 }, { " (From Local Address: ", 22 }, RECORD_SENT },
};

struct packet {
	struct record_message message;
	uint64_t length; /* said to be; 0: not said */
};

/* "Data Received -1.2.3.4:5061 (To Local Address: 5.6.7.8:62937) 512 bytes:" */
static bool read_packet(struct span text, struct packet *ret_packet)
{
	for (size_t i = 0; i < BASE_COUNT(directions); i++) {
		struct packet packet = { .message.direction = directions[i].direction };
		if (!span_equal(span_first(text, directions[i].opens.length), directions[i].opens))
			continue;
		struct span rest = span_from(text, directions[i].opens.length);
		size_t local = span_find_span(rest, directions[i].local);
		(void)trace_read_host_port(span_trim(span_first(rest, local)), &packet.message.remote);
		rest = span_from(rest, local + directions[i].local.length);
		size_t closes = span_find(rest, ')');
		(void)trace_read_host_port(span_trim(span_first(rest, closes)), &packet.message.local);
		struct span number = span_trim(span_from(rest, closes + 1));
		(void)span_to_u64(span_first(number, span_find(number, ' ')), UINT32_MAX, &packet.length);
		*ret_packet = packet;
		return true;
	}
	return false;
}

bool uccapi_may_begin(struct span line)
{
	static const struct span end = { "End of ", 7 };
	if (!uccapi_begins_line(line))
		return false;
	for (size_t i = 0; i < BASE_COUNT(directions); i++) {
		size_t at = span_find_span(line, directions[i].opens);
		if (at < line.length && at >= end.length)
			return !span_equal(span_make(line.at + at - end.length, end.length), end);
	}
	return false;
}

/* A line that looks like one of the log's own was moved one blank to the right: it is moved back. */
static bool is_shifted(struct span line)
{
	struct span text = line;
	while (text.length > 0 && text.at[0] == ' ')
		text = span_from(text, 1);
	return line.length > 0 && line.at[0] == ' ' && text.length >= 3 && text.at[0] >= '0' && text.at[0] <= '9' &&
	       text.at[1] >= '0' && text.at[1] <= '9' && text.at[2] == '/';
}

/* The number of bytes tells how the lines ended: all in CR LF, or all in LF, with or without the last of them. */
static struct span with_line_ends(struct arena *arena, struct span lines, uint64_t length)
{
	char *out = arena_allocate(arena, 2 * lines.length + 1);
	size_t used = 0, plain = lines.length;
	if (!out)
		return SPAN_NONE;
	for (size_t i = 0; i < lines.length; i++) {
		if (lines.at[i] == '\n' && (i == 0 || lines.at[i - 1] != '\r'))
			out[used++] = '\r';
		out[used++] = lines.at[i];
	}
	if (length == used || length + 2 == used)
		return span_make(out, (size_t)length);
	if (length == plain || length + 1 == plain)
		return span_first(lines, (size_t)length);
	return span_make(out, used);
}

/* One pass over the lines of a message: text of the first one, then raw lines, up to the line that ends it. */
struct collected {
	char *at;
	size_t length;
	size_t lines;
};

static void collect(struct collected *c, struct span text)
{
	memcpy(c->at + c->length, text.at ? text.at : "", text.length);
	c->length += text.length;
	c->at[c->length++] = '\n';
}

/* A stamp and nothing else. */
static bool is_bare(const struct line *line)
{
	return line->text.length == 0 && !line->level.at;
}

static bool ends_message(struct span text)
{
	return span_starts_nocase(text, SPAN("End of "));
}

/* Bytes up to and with the line that ends the message; a message that was cut off ends where another begins. False: the
 * end has not come. */
static bool find_end(const struct trace_reader *reader, struct span text, bool last, size_t *ret_length)
{
	struct span line;
	struct line header;
	struct packet ignored;
	size_t done = 0, whole;
	while (trace_reader_line(span_from(text, done), last, &line, &whole)) {
		if (uccapi_begins_line(line) && read_line(reader, line, &header)) {
			bool is_end = ends_message(header.text);
			/* The first one is the message's own start line, which has a stamp in most releases. */
			if (is_end || done > 0 || is_bare(&header) || read_packet(header.text, &ignored)) {
				*ret_length = is_end ? done + whole : done;
				return true;
			}
		}
		done += whole;
		if (done > TRACE_RECORD_MAXIMUM)
			break;
	}
	*ret_length = done;
	return last || done > TRACE_RECORD_MAXIMUM;
}

static bool collect_message(struct trace_reader *reader, struct span text, struct collected *ret_collected)
{
	struct span line;
	struct line header;
	size_t done = 0, whole;
	struct collected c = { .at = arena_allocate(&reader->arena, text.length + 1) };
	if (!c.at)
		return false;
	for (; trace_reader_line(span_from(text, done), true, &line, &whole); done += whole) {
		c.lines++;
		if (uccapi_begins_line(line) && read_line(reader, line, &header)) {
			if (!ends_message(header.text))
				collect(&c, header.text);
		} else {
			collect(&c, span_from(line, is_shifted(line)));
		}
	}
	*ret_collected = c;
	return true;
}

/* SIP that was cut behind its headers: an empty line ends them. */
static struct span with_head_end(struct arena *arena, struct span bytes)
{
	if (span_find_span(bytes, SPAN("\r\n\r\n")) < bytes.length ||
		span_find_span(bytes, SPAN("\n\n")) < bytes.length ||
		span_find_span(span_first(bytes, 512), SPAN("SIP/2.0")) >= span_first(bytes, 512).length)
		return bytes;
	struct span kept = span_trim(bytes);
	return arena_printf(arena, "%.*s\r\n\r\n", SPAN_PRINT(kept));
}

static void give_message(
	struct trace_reader *reader, const struct line *line, const struct packet *packet, struct trace_place *place)
{
	struct record record = { .kind = RECORD_MESSAGE, .head = line->head, .message = packet->message };
	size_t first = span_find(place->raw, '\n') + 1;
	struct collected c = { 0 };
	if (collect_message(reader, span_from(place->raw, first), &c))
		record.message.bytes = with_head_end(
			&reader->arena, with_line_ends(&reader->arena, span_make(c.at, c.length), packet->length));
	reader->line += c.lines;
	reader->counts.lines += c.lines;
	/* What keeps a connection alive is no message. */
	if (span_trim(record.message.bytes).length == 0)
		reader->counts.other++;
	else
		trace_reader_give(reader, &record, place);
}

/* ---- what else there is ---- */

/* "Connected to 1.2.3.4:5061", with ": reason" behind it where there is one. */
static bool read_remote(struct arena *arena, struct span text, const char *words, struct record_address *ret_remote,
	struct span *ret_why)
{
	struct span opens = span_of(words);
	if (!span_equal(span_first(text, opens.length), opens))
		return false;
	struct span rest = span_from(text, opens.length);
	size_t colon = span_find_span(rest, SPAN(": "));
	*ret_why = colon < rest.length ? trace_read_escaped(arena, span_from(rest, colon + 2)) : SPAN_NONE;
	struct span end = span_first(rest, colon);
	*ret_remote = (struct record_address){ 0 };
	return end.length == 0 || trace_read_host_port(end, ret_remote);
}

static bool read_connection(struct trace_reader *reader, const struct line *line, struct record *record)
{
	static const struct {
		const char *words;
		enum record_connection_event event;
	} events[] = {
		{ "Connecting to ", RECORD_CONNECTION_ATTEMPTED },
		{ "Connected to ", RECORD_CONNECTION_OPENED },
		{ "Accepted from ", RECORD_CONNECTION_ACCEPTED },
		{ "Disconnected from ", RECORD_CONNECTION_CLOSED },
		{ "Failed to connect to ", RECORD_CONNECTION_FAILED },
	};
	struct record_connection *c = &record->connection;
	for (size_t i = 0; i < BASE_COUNT(events); i++) {
		if (!read_remote(&reader->arena, line->text, events[i].words, &c->remote, &c->reason))
			continue;
		record->kind = RECORD_CONNECTION;
		c->event = events[i].event;
		c->role = c->event == RECORD_CONNECTION_ACCEPTED ? RECORD_SERVER : RECORD_CLIENT;
		return true;
	}
	return false;
}

static bool read_handshake(struct trace_reader *reader, const struct line *line, struct record *record)
{
	struct record_handshake h = { 0 };
	struct span why;
	h.failed = read_remote(&reader->arena, line->text, "TLS negotiation failed with ", &h.remote, &why);
	if (!h.failed && !read_remote(&reader->arena, line->text, "TLS negotiated with ", &h.remote, &why))
		return false;
	if (h.failed)
		h.reason = why;
	else
		h.version = why;
	record->kind = RECORD_HANDSHAKE;
	record->handshake = h;
	return true;
}

static void give_line(struct trace_reader *reader, const struct line *line, const struct trace_place *place)
{
	struct record record = { .head = line->head };
	bool is_known = read_connection(reader, line, &record) || read_handshake(reader, line, &record);
	/* What a client tells of its own steps matters to nobody else. */
	if (!is_known && (ends_message(line->text) || is_bare(line) || span_is(line->level, "TRACE"))) {
		reader->counts.other++;
		return;
	}
	if (!is_known) {
		record = (struct record){ .kind = RECORD_NODE, .head = line->head };
		trace_read_note(&reader->arena, line->text, &record.node);
		record.node.severity = trace_read_severity(line->level);
	}
	trace_reader_give(reader, &record, place);
}

static size_t read_uccapi(struct trace_reader *reader, struct span text, bool last)
{
	struct span raw;
	struct line line;
	struct packet packet;
	size_t whole;
	if (!trace_reader_line(text, last, &raw, &whole))
		return 0;
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset };
	arena_reset(&reader->arena);
	bool readable = uccapi_begins_line(raw) && read_line(reader, raw, &line);
	bool is_packet = readable && read_packet(line.text, &packet);
	if (is_packet) {
		size_t more;
		if (!find_end(reader, span_from(text, whole), last, &more))
			return 0;
		whole += more;
	}
	place.raw = span_first(text, whole);
	reader->line++;
	reader->counts.lines++;
	if (is_packet)
		give_message(reader, &line, &packet, &place);
	else if (readable)
		give_line(reader, &line, &place);
	else if (span_trim(raw).length > 0)
		trace_reader_unread(reader, &place, "a line outside of any record");
	return whole;
}

const struct trace_reading trace_reading_uccapi = { .read = read_uccapi };
