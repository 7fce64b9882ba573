/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes in any pieces: what is read can be written, and writing what was read of that gives the same bytes. */
#include "fuzz/trace/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct seen *seen = argument;
	base_require(place->raw.length > 0 && place->line > 0);
	(void)trace_writer_write(seen->writer, r, &seen->text);
}

static void read_and_write(struct span text, size_t piece, struct seen *ret_seen)
{
	const struct trace_reader_settings settings = { .kind = TRACE_KIND_JSON, .take = take, .argument = ret_seen };
	seen_begin(ret_seen);
	(void)seen_read(&settings, text, piece);
	seen_end(ret_seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen first, whole, second;
	if (size < 2)
		return 0;
	size_t piece = (size_t)data[0] + 1;
	read_and_write(span_make((const char *)data + 1, size - 1), piece, &first);
	read_and_write(span_make((const char *)data + 1, size - 1), size, &whole);
	base_require(span_equal(buffer_span(&first.text), buffer_span(&whole.text)));
	read_and_write(buffer_span(&first.text), 4096, &second);
	base_require(span_equal(buffer_span(&first.text), buffer_span(&second.text)));
	buffer_done(&first.text);
	buffer_done(&whole.text);
	buffer_done(&second.text);
	return 0;
}
