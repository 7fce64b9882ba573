/* SPDX-License-Identifier: Apache-2.0 */
/* The three text formats: any bytes are read without harm, it does not matter in which pieces they come, and they are
 * of some kind and can be cut. */
#include "fuzz/trace/seen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	base_require(place->raw.length > 0 && place->line > 0);
	seen_record(argument, r, place);
}

static void read_all(enum trace_format format, struct span text, size_t piece, struct seen *ret_seen)
{
	const struct trace_reader_settings settings = {
		.kind = (enum trace_kind)format, .take = take, .unread = seen_unread, .argument = ret_seen
	};
	seen_begin(ret_seen);
	(void)seen_read(&settings, text, piece);
	seen_end(ret_seen);
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
