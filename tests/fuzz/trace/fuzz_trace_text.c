/* SPDX-License-Identifier: Apache-2.0 */
/* The three text formats: any bytes are read without harm, it does not matter in which pieces they come, and they are
 * of some kind and can be cut. */
#include "base/require.h"
#include "trace/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct trace_writer *writer;
	struct buffer text;
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct seen *seen = argument;
	base_require(place->raw.length > 0 && place->line > 0);
	(void)buffer_printf(&seen->text, "%llu ", (unsigned long long)place->line);
	(void)trace_writer_write(seen->writer, r, &seen->text);
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct seen *seen = argument;
	(void)buffer_printf(&seen->text, "%llu %s\n", (unsigned long long)place->line, why);
}

static void read_all(enum trace_format format, struct span text, size_t piece, struct seen *ret_seen)
{
	const struct trace_reader_settings settings = {
		.kind = (enum trace_kind)format, .take = take, .unread = unread, .argument = ret_seen
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	const struct trace_writer_settings writer = { .format = TRACE_JSON };
	ret_seen->writer = trace_writer_new(&writer);
	buffer_init(&ret_seen->text, 64 << 20);
	while (text.length > 0) {
		struct span part = span_first(text, piece);
		(void)trace_reader_feed(reader, part);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	trace_reader_free(reader);
	trace_writer_free(ret_seen->writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum trace_format formats[] = { TRACE_EXPRESSWAY, TRACE_SIPSTACK, TRACE_UCCAPI };
	struct seen whole, pieces;
	if (size < 3)
		return 0;
	enum trace_format format = formats[data[0] % 3];
	struct span text = span_make((const char *)data + 2, size - 2);
	base_require((unsigned)trace_kind_detect(text) <= TRACE_KIND_UNKNOWN);
	base_require(trace_kind_next_record((enum trace_kind)format, text) <= text.length);
	read_all(format, text, text.length, &whole);
	read_all(format, text, (size_t)data[1] + 1, &pieces);
	base_require(span_equal(buffer_span(&whole.text), buffer_span(&pieces.text)));
	buffer_done(&whole.text);
	buffer_done(&pieces.text);
	return 0;
}
