/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged text of any kind: read without harm, in whatever pieces; each record has its place in the text as it stood,
 * and what was held gives the same however it came. */
#include "base/buffer.h"
#include "base/require.h"
#include "trace/whole.h"
#include "trace/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct trace_writer *writer;
	struct buffer text;
	struct span given;
	size_t records, unread;
};

static void check_place(const struct seen *seen, const struct trace_place *place)
{
	base_require(place->line > 0 && place->raw.length > 0);
	if (!seen->given.at)
		return;
	base_require(place->offset <= seen->given.length && place->raw.length <= seen->given.length - place->offset);
	base_require(memcmp(seen->given.at + place->offset, place->raw.at, place->raw.length) == 0);
}

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct seen *seen = argument;
	check_place(seen, place);
	seen->records++;
	(void)buffer_printf(&seen->text, "%llu ", (unsigned long long)place->line);
	(void)trace_writer_write(seen->writer, r, &seen->text);
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct seen *seen = argument;
	check_place(seen, place);
	seen->unread++;
	(void)buffer_printf(&seen->text, "%llu %s\n", (unsigned long long)place->line, why);
}

static void read_all(enum trace_kind kind, bool is_stream, struct span text, size_t piece, struct seen *ret_seen)
{
	const struct trace_writer_settings writer = { .format = TRACE_JSON };
	bool is_utf16 = text.length > 1 && memchr(text.at, '\0', text.length < 64 ? text.length : 64);
	bool has_mark = text.length > 1 && ((unsigned char)text.at[0] | 1) == 0xff;
	*ret_seen =
		(struct seen){ .writer = trace_writer_new(&writer), .given = is_utf16 || has_mark ? SPAN_NONE : text };
	buffer_init(&ret_seen->text, 64 << 20);
	const struct trace_reader_settings settings = {
		.kind = kind, .take = take, .unread = unread, .argument = ret_seen
	};
	struct trace_whole *whole = trace_whole_new(&settings, is_stream);
	base_require(whole);
	for (struct span rest = text; rest.length > 0;) {
		struct span part = span_first(rest, piece);
		base_require(trace_whole_feed(whole, part) == 0);
		rest = span_from(rest, part.length);
	}
	base_require(trace_whole_end(whole) == 0);
	const struct trace_reader_counts *counts = trace_whole_counts(whole);
	base_require(counts->bytes == text.length && counts->records == ret_seen->records);
	base_require(counts->unread == ret_seen->unread && trace_whole_mended(whole) <= counts->records);
	trace_whole_free(whole);
	trace_writer_free(ret_seen->writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum trace_kind kinds[] = { TRACE_KIND_MIXED, TRACE_KIND_EXPRESSWAY, TRACE_KIND_SIPSTACK,
		TRACE_KIND_UCCAPI, TRACE_KIND_JSON };
	struct seen whole, pieces, streamed;
	struct span text = span_make((const char *)data, size);
	if (size < 2)
		return 0;
	/* The text itself says how it is read, so that a corpus is plain text. */
	size_t choice = size + data[size / 2];
	enum trace_kind kind = choice % 2 ? TRACE_KIND_MIXED : kinds[choice / 2 % 5];
	read_all(kind, false, text, text.length, &whole);
	read_all(kind, false, text, choice % 61 + 1, &pieces);
	base_require(span_equal(buffer_span(&whole.text), buffer_span(&pieces.text)));
	read_all(kind, true, text, choice % 997 + 4, &streamed);
	buffer_done(&whole.text);
	buffer_done(&pieces.text);
	buffer_done(&streamed.text);
	return 0;
}
