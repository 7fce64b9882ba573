/* SPDX-License-Identifier: Apache-2.0 */
/* HEP packets: any bytes are read without harm, and it does not matter in which pieces they come. The first byte tells
 * the pieces. */
#include "base/require.h"
#include "trace/hep.h"
#include "trace/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	base_require(place->raw.length > 0 && place->line > 0 && r->message.bytes.length > 0);
	(void)buffer_printf(argument, "%llu %lld %.*s\n", (unsigned long long)place->line, (long long)r->head.time_us,
		SPAN_PRINT(r->message.bytes));
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	(void)buffer_printf(argument, "%llu %s\n", (unsigned long long)place->line, why);
}

static void read_all(struct span text, size_t piece, struct buffer *ret_seen)
{
	const struct trace_reader_settings settings = {
		.kind = TRACE_KIND_HEP, .take = take, .unread = unread, .argument = ret_seen
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	buffer_init(ret_seen, 64 << 20);
	while (text.length > 0) {
		struct span part = span_first(text, piece);
		(void)trace_reader_feed(reader, part);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	trace_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole, pieces;
	struct trace_hep packet;
	if (size < 2)
		return 0;
	struct span text = span_make((const char *)data + 1, size - 1);
	read_all(text, text.length, &whole);
	read_all(text, (size_t)data[0] + 1, &pieces);
	base_require(span_equal(buffer_span(&whole), buffer_span(&pieces)));
	if (trace_hep_read(text, &packet) == 0)
		base_require(packet.length <= text.length && packet.payload.length <= packet.length);
	buffer_done(&whole);
	buffer_done(&pieces);
	return 0;
}
