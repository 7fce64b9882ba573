/* SPDX-License-Identifier: Apache-2.0 */
/* SIP as text: any bytes are read without harm, every line is counted, and it does not matter in which pieces they
 * come. The first byte tells the pieces. */
#include "base/require.h"
#include "trace/plain.h"
#include "trace/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct trace_writer *writer;
	struct buffer text;
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct seen *seen = argument;
	base_require(place->raw.length > 0 && place->line > 0 && r->message.bytes.length > 0);
	(void)buffer_printf(
		&seen->text, "%llu %llu ", (unsigned long long)place->line, (unsigned long long)place->raw.length);
	(void)trace_writer_write(seen->writer, r, &seen->text);
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct seen *seen = argument;
	(void)buffer_printf(&seen->text, "%llu %s\n", (unsigned long long)place->line, why);
}

static struct trace_reader_counts read_all(struct span text, size_t piece, struct seen *ret_seen)
{
	const struct trace_reader_settings settings = { .kind = TRACE_KIND_PLAIN,
		.written_us = INT64_C(1704110400000000),
		.take = take,
		.unread = unread,
		.argument = ret_seen };
	const struct trace_writer_settings writer = { .format = TRACE_JSON };
	struct trace_reader *reader = trace_reader_new(&settings);
	ret_seen->writer = trace_writer_new(&writer);
	buffer_init(&ret_seen->text, 64 << 20);
	while (text.length > 0) {
		struct span part = span_first(text, piece);
		(void)trace_reader_feed(reader, part);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	struct trace_reader_counts counts = *trace_reader_counts(reader);
	trace_reader_free(reader);
	trace_writer_free(ret_seen->writer);
	return counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole, pieces;
	if (size < 2)
		return 0;
	struct span text = span_make((const char *)data + 1, size - 1);
	struct trace_reader_counts all = read_all(text, text.length, &whole);
	struct trace_reader_counts parts = read_all(text, (size_t)data[0] + 1, &pieces);
	base_require(span_equal(buffer_span(&whole.text), buffer_span(&pieces.text)));
	base_require(all.lines == parts.lines && all.other == parts.other && all.unread == parts.unread);
	base_require(all.bytes == text.length && all.other <= all.lines);
	for (struct span rest = text; rest.length > 0;)
		(void)trace_plain_starts(span_cut(&rest, '\n'));
	buffer_done(&whole.text);
	buffer_done(&pieces.text);
	return 0;
}
