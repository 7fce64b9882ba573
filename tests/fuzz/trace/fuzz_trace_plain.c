/* SPDX-License-Identifier: Apache-2.0 */
/* SIP as text: any bytes are read without harm, every line is counted, and it does not matter in which pieces they
 * come. The first byte tells the pieces. */
#include "fuzz/trace/seen.h"
#include "trace/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	base_require(place->raw.length > 0 && place->line > 0 && r->message.bytes.length > 0);
	seen_record(argument, r, place);
}

static struct trace_reader_counts read_all(struct span text, size_t piece, struct seen *ret_seen)
{
	const struct trace_reader_settings settings = { .kind = TRACE_KIND_PLAIN,
		.written_us = INT64_C(1704110400000000),
		.take = take,
		.unread = seen_unread,
		.argument = ret_seen };
	seen_begin(ret_seen);
	struct trace_reader_counts counts = seen_read(&settings, text, piece);
	seen_end(ret_seen);
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
