/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes in any pieces: what is read can be written, and writing what was read of that gives the same bytes. */
#include "base/require.h"
#include "record/pack.h"
#include "trace/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct written {
	struct trace_writer *writer;
	struct buffer text;
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct written *written = argument;
	base_require(place->raw.length > 0 && place->line > 0);
	(void)trace_writer_write(written->writer, r, &written->text);
}

static void read_and_write(struct span text, size_t piece, struct written *ret_written)
{
	const struct trace_writer_settings writer = { .format = TRACE_JSON };
	ret_written->writer = trace_writer_new(&writer);
	buffer_init(&ret_written->text, 64 << 20);
	const struct trace_reader_settings settings = {
		.kind = TRACE_KIND_JSON, .take = take, .argument = ret_written
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	while (text.length > 0) {
		struct span part = span_first(text, piece);
		(void)trace_reader_feed(reader, part);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	trace_reader_free(reader);
	trace_writer_free(ret_written->writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct written first, whole, second;
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
