/* SPDX-License-Identifier: Apache-2.0 */
/* The text trace of a Lync or Skype for Business server, both generations of its header line, back into records.
 * docs/formats.md has every field with its source. */
#include "base/require.h"
#include "trace/kind_private.h"
#include "trace/sipstack_private.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

/* Takes what stands before the separator, which must be there. */
static bool cut_before(struct span *rest, const char *separator, struct span *ret_text)
{
	struct span needle = span_of(separator);
	size_t at = span_find_span(*rest, needle);
	if (at == rest->length)
		return false;
	*ret_text = span_first(*rest, at);
	*rest = span_from(*rest, at + needle.length);
	return true;
}

/* "sfvedge\sfvedge" names the machine last; "0" is a processor's number. */
static void read_machine(struct arena *arena, struct span text, struct record_head *head)
{
	size_t slash = span_find(text, '\\');
	if (slash < text.length)
		head->node = trace_read_escaped(arena, span_from(text, slash + 1));
}

/* 0584.0A44::03/02/2017-07:10:46.230.0000773E, times in UTC */
static bool read_times(struct span *rest, struct record_head *head)
{
	struct span process, thread;
	uint64_t number;
	if (!cut_before(rest, ".", &process) || !cut_before(rest, "::", &thread))
		return false;
	if (!trace_read_hex(process, UINT32_MAX, &number))
		return false;
	head->process = (uint32_t)number;
	if (!trace_read_hex(thread, UINT32_MAX, &number))
		return false;
	head->thread = (uint32_t)number;
	/* The second has three digits; what follows the next dot is the running number. */
	size_t used = trace_stamp_read(span_first(*rest, 23), true, &head->time_us);
	if (used == 0)
		return false;
	*rest = span_from(*rest, used);
	size_t digits = 0;
	while (digits + 1 < rest->length && digits < 8 &&
		trace_read_hex(span_make(rest->at + 1 + digits, 1), 15, &number))
		digits++;
	if (rest->at && rest->length > 0 && rest->at[0] == '.' &&
		trace_read_hex(span_make(rest->at + 1, digits), UINT32_MAX, &number)) {
		head->sequence = (uint32_t)number;
		*rest = span_from(*rest, 1 + digits);
	}
	return true;
}

/* (SIPStack,SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(125)): brackets may be nested. */
static bool cut_place(struct span *rest, struct span *ret_place)
{
	size_t open = span_find(*rest, '(');
	size_t depth = 0;
	for (size_t i = open; rest->at && i < rest->length; i++) {
		depth += rest->at[i] == '(';
		depth -= rest->at[i] == ')';
		if (depth == 0) {
			*ret_place = span_make(rest->at + open + 1, i - open - 1);
			*rest = span_from(*rest, i + 1);
			return true;
		}
	}
	return false;
}

/* " [156659184] $$begin_record", "$$begin_record", or the text of a record of one line. */
static void read_opening(struct sipstack_header *h)
{
	struct span rest = span_trim(h->rest);
	struct span number;
	uint64_t correlation;
	if (rest.length > 0 && rest.at[0] == '[') {
		struct span after = span_from(rest, 1);
		if (cut_before(&after, "]", &number) && span_to_u64(number, UINT64_MAX, &correlation) == 0) {
			h->head.correlation = correlation;
			rest = span_trim(after);
		}
	}
	h->opens = span_is_nocase(rest, "$$begin_record");
}

static bool read_header(struct arena *arena, struct span line, struct sipstack_header *ret_header)
{
	struct sipstack_header h = { 0 };
	struct span rest = span_from(line, 3), machine;
	if (!cut_before(&rest, "(TF_", &h.level) || !cut_before(&rest, ")", &h.flag) ||
		!cut_before(&rest, "[", &machine) || !cut_before(&rest, "]", &machine))
		return false;
	read_machine(arena, machine, &h.head);
	if (!read_times(&rest, &h.head) || !cut_place(&rest, &h.place))
		return false;
	h.rest = rest;
	read_opening(&h);
	*ret_header = h;
	return true;
}

/* ---- records of one line ---- */

/* "( 00000000028FDD70 ) Exit - …": an address of the product's memory says nothing. */
static struct span without_pointer(struct span text)
{
	struct span rest = span_trim(text);
	size_t closes = span_find(rest, ')');
	if (rest.length == 0 || rest.at[0] != '(' || closes == rest.length)
		return rest;
	struct span pointer = span_trim(span_make(rest.at + 1, closes - 1));
	uint64_t ignored;
	return trace_read_hex(pointer, UINT64_MAX, &ignored) ? span_trim(span_from(rest, closes + 1)) : rest;
}

/* "… Result 0xC3E93C5E(SIPPROXY_E_ROUTING)": what the product decided. One that tells of success decides nothing. */
static bool read_decision(
	struct trace_reader *reader, const struct sipstack_header *h, struct span text, struct record *ret_record)
{
	static const struct span words = { "Result 0x", 9 };
	struct sipstack_body b = { .reader = reader };
	struct record_judgement *j = &ret_record->judgement;
	size_t at = span_find_span(text, words);
	if (at == text.length)
		return false;
	struct span value = span_trim(span_from(text, at + words.length - 2));
	size_t closes = span_find(value, ')');
	sipstack_read_result(&b, span_first(value, closes < value.length ? closes + 1 : closes), j);
	if (!(j->result_code & 0x80000000u))
		return false;
	ret_record->kind = RECORD_JUDGEMENT;
	j->severity = trace_read_severity(h->level);
	j->text = sipstack_text_of(&b, span_trim(span_first(text, at)));
	return true;
}

/* A place of ours is a node's own note; of the product's much only warnings matter. */
static bool read_other(const struct sipstack_header *h, struct span text, struct record *ret_record)
{
	enum record_severity severity = trace_read_severity(h->level);
	if (severity == RECORD_NOTE || text.length == 0)
		return false;
	ret_record->kind = RECORD_NOTICE;
	ret_record->notice = (struct record_notice){
		.severity = severity,
		.module = span_first(h->place, span_find(h->place, ',')),
		.name = span_trim(span_first(text, span_find(text, '.'))),
		.detail = text,
	};
	return true;
}

/* What a component says. */
static void read_component(
	struct trace_reader *reader, const struct sipstack_header *h, const struct trace_place *place)
{
	static const struct span ours = { "SIPStack,fedge::Node:", 21 };
	struct record record = { .head = h->head };
	struct span text = h->rest;
	if (span_equal(span_first(h->place, ours.length), ours)) {
		if (text.length > 0 && text.at[0] == ' ')
			text = span_from(text, 1);
		record.kind = RECORD_NODE;
		trace_read_note(&reader->arena, text, &record.node);
		record.node.severity = trace_read_severity(h->level);
	} else {
		text = without_pointer(text);
		if (!read_decision(reader, h, text, &record))
			(void)read_other(h, text, &record);
	}
	if (record.kind == RECORD_NONE)
		reader->counts.other++;
	else
		trace_reader_give(reader, &record, place);
}

/* ---- lines ---- */

bool sipstack_begins_record(struct span line)
{
	struct span front = span_first(line, 24);
	return line.length > 3 && line.at[0] == 'T' && line.at[1] == 'L' && line.at[2] == '_' &&
	       span_find_span(front, SPAN("(TF_")) < front.length;
}

/* The body's length, up to and with the line that ends it. A record that was cut off ends where the next begins.
 * False: the end has not come. */
static bool find_end(struct span text, bool last, struct span *ret_body, size_t *ret_whole, size_t *ret_lines)
{
	size_t done = 0, whole, lines = 0;
	struct span line;
	while (trace_reader_line(span_from(text, done), last, &line, &whole)) {
		if (sipstack_begins_record(line))
			break;
		lines++;
		done += whole;
		/* A message's own line of that kind has a blank in front. */
		if (line.length > 0 && line.at[0] == '$' && span_is_nocase(span_trim(line), "$$end_record")) {
			*ret_body = span_first(text, done - whole);
			*ret_whole = done;
			*ret_lines = lines;
			return true;
		}
		if (done > TRACE_RECORD_MAXIMUM)
			break;
	}
	if (done == text.length && !last)
		return false;
	if (done < text.length && !last && span_find(span_from(text, done), '\n') == text.length - done)
		return false; /* the next line is not whole: it may be anything */
	*ret_body = span_first(text, done);
	*ret_whole = done;
	*ret_lines = lines;
	return true;
}

/* Gives the bytes used, 0 where the record is not whole yet. */
static size_t read_record(struct trace_reader *reader, struct span text, bool last, struct span line, size_t first)
{
	struct sipstack_header h;
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset };
	struct span body = SPAN_NONE;
	size_t more = 0, lines = 0;
	arena_reset(&reader->arena);
	bool readable = read_header(&reader->arena, line, &h);
	if (readable && h.opens && !find_end(span_from(text, first), last, &body, &more, &lines))
		return 0;
	place.raw = span_first(text, first + more);
	reader->line += 1 + lines;
	reader->counts.lines += 1 + lines;
	if (!readable)
		trace_reader_unread(reader, &place, "a record whose first line is damaged");
	else if (h.opens)
		sipstack_read_body(reader, &h, body, &place);
	else
		read_component(reader, &h, &place);
	return first + more;
}

static void read_stray(struct trace_reader *reader, struct span line, struct span raw)
{
	struct trace_place place = { .line = ++reader->line, .offset = reader->offset, .raw = raw };
	reader->counts.lines++;
	if (span_trim(line).length > 0)
		trace_reader_unread(reader, &place, "a line outside of any record");
}

/* One record or one stray line a call: the reader's offset is that of text. */
static size_t read_sipstack(struct trace_reader *reader, struct span text, bool last)
{
	struct span line;
	size_t whole;
	if (!trace_reader_line(text, last, &line, &whole))
		return 0;
	if (sipstack_begins_record(line))
		return read_record(reader, text, last, line, whole);
	read_stray(reader, line, span_first(text, whole));
	return whole;
}

const struct trace_reading trace_reading_sipstack = { .read = read_sipstack };
