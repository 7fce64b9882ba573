/* SPDX-License-Identifier: Apache-2.0 */
/* Any capture in any pieces gives the same records; and each packet alone, as Ethernet or as IP, is read without harm.
 * The first byte says how: bit 0: the bytes are packets behind lengths of two bytes, put into a pcap here, which
 * fuzzing gets further with than with the file's own lengths. */
#include "fuzz/trace/seen.h"
#include "trace/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	base_require(place->raw.length > 0 && place->is_packet);
	seen_record(argument, r, place);
}

static void read_all(struct span file, size_t piece, struct seen *ret_seen)
{
	const struct trace_reader_settings settings = {
		.kind = TRACE_KIND_CAPTURE, .take = take, .unread = seen_unread, .argument = ret_seen
	};
	seen_begin(ret_seen);
	(void)seen_read(&settings, file, piece);
	seen_end(ret_seen);
}

static void put32(struct buffer *out, uint32_t value)
{
	(void)buffer_append(out, span_make((const char *)&value, sizeof(value)));
}

/* A pcap of these packets, a second apart. */
static void make_file(struct span packets, uint32_t link, struct buffer *ret_file)
{
	buffer_init(ret_file, 64 << 20);
	put32(ret_file, 0xa1b2c3d4);
	put32(ret_file, 0x00040002);
	for (int i = 0; i < 3; i++)
		put32(ret_file, 0);
	put32(ret_file, link);
	for (uint32_t time = 1; packets.length > 2; time++) {
		size_t length = (uint8_t)packets.at[0] | (size_t)(uint8_t)packets.at[1] << 8;
		struct span packet = span_first(span_from(packets, 2), length);
		put32(ret_file, time);
		put32(ret_file, 0);
		put32(ret_file, (uint32_t)packet.length);
		put32(ret_file, (uint32_t)length);
		(void)buffer_append(ret_file, packet);
		packets = span_from(packets, 2 + packet.length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole, pieces;
	struct buffer made = { 0 };
	if (size < 3)
		return 0;
	struct span file = span_make((const char *)data + 2, size - 2);
	if (data[0] & 1) {
		make_file(file, data[0] & 2 ? 1 : 101, &made);
		file = buffer_span(&made);
	}
	read_all(file, file.length, &whole);
	read_all(file, (size_t)data[1] + 1, &pieces);
	base_require(span_equal(buffer_span(&whole.text), buffer_span(&pieces.text)));
	buffer_done(&whole.text);
	buffer_done(&pieces.text);
	buffer_done(&made);
	return 0;
}
