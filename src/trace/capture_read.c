/* SPDX-License-Identifier: Apache-2.0 */
/* The file around the packets: pcap (draft-ietf-opsawg-pcap) itself, pcapng by capture_pcapng.c. Read in place: only
 * what was cut by the end of a piece is kept until the rest comes. */
#include "trace/capture_flow.h"

#include <stdlib.h>

#define PCAP_HEADER 24

/* As the first four bytes read in our own order. */
static const struct magic {
	uint32_t value;
	enum capture_format format;
	bool has_nanoseconds;
	uint8_t packet_header;
} magics[] = {
	{ 0xa1b2c3d4, CAPTURE_PCAP, false, 16 },
	{ 0xa1b23c4d, CAPTURE_PCAP, true, 16 },
	{ 0xa1b2cd34, CAPTURE_PCAP, false, 24 }, /* a patched libpcap of old: eight bytes more a packet */
	{ 0x0a0d0d0a, CAPTURE_PCAPNG, false, 0 },
};

void capture_give_up(struct capture *c, struct span raw, const char *why)
{
	capture_unread(c, span_first(raw, 64), why);
	c->format = CAPTURE_UNREADABLE;
}

static void recognise(struct capture *c, struct span text)
{
	uint32_t first;
	memcpy(&first, text.at, sizeof(first));
	c->format = CAPTURE_UNREADABLE;
	for (size_t i = 0; i < BASE_COUNT(magics); i++) {
		bool is_other_order = __builtin_bswap32(first) == magics[i].value;
		if (first != magics[i].value && !is_other_order)
			continue;
		c->format = magics[i].format;
		c->is_swapped = is_other_order && c->format == CAPTURE_PCAP;
		c->has_nanoseconds = magics[i].has_nanoseconds;
		c->packet_header = magics[i].packet_header;
		return;
	}
	capture_unread(c, span_first(text, 64), "neither a pcap nor a pcapng file");
}

static size_t read_pcap_header(struct capture *c, struct span text)
{
	c->reader->needed = PCAP_HEADER;
	if (text.length < PCAP_HEADER)
		return 0;
	/* The upper bits tell of check sums behind each packet; IP's own lengths leave them out. */
	c->pcap.link = (uint16_t)capture_file_u32(c, text.at + 20);
	return PCAP_HEADER;
}

static size_t read_pcap(struct capture *c, struct span text, uint64_t offset)
{
	c->reader->needed = c->packet_header;
	if (text.length < c->packet_header)
		return 0;
	uint32_t kept = capture_file_u32(c, text.at + 8), length = capture_file_u32(c, text.at + 12);
	if (kept > CAPTURE_BLOCK_MAXIMUM) {
		capture_give_up(c, text, "a packet longer than any: the file is damaged, its rest was not read");
		return text.length;
	}
	c->reader->needed = c->packet_header + kept;
	if (text.length < c->reader->needed)
		return 0;
	int64_t fraction = capture_file_u32(c, text.at + 4);
	capture_packet_begin(c, &(struct capture_packet){
					.time_us = (int64_t)capture_file_u32(c, text.at) * 1000000 +
						   (c->has_nanoseconds ? fraction / 1000 : fraction),
					.offset = offset,
					.is_cut = kept < length,
				});
	capture_link_take(c, c->pcap.link, span_make(text.at + c->packet_header, kept));
	return c->reader->needed;
}

static size_t skip(struct capture *c, struct span text)
{
	size_t length = text.length < c->skip ? text.length : (size_t)c->skip;
	c->skip -= length;
	return length;
}

/* One packet, or whatever else stands at the front of text. */
static size_t read_one(struct capture *c, struct span text, uint64_t offset)
{
	if (c->skip > 0)
		return skip(c, text);
	switch (c->format) {
	case CAPTURE_PCAP:
		return read_pcap(c, text, offset);
	case CAPTURE_PCAPNG:
		return capture_pcapng_read(c, text, offset);
	case CAPTURE_UNREADABLE:
		return text.length;
	case CAPTURE_UNKNOWN:
		break;
	}
	c->reader->needed = 4;
	if (text.length < 4)
		return 0;
	recognise(c, text);
	if (c->format != CAPTURE_PCAP)
		return read_one(c, text, offset);
	size_t used = read_pcap_header(c, text);
	if (used == 0)
		c->format = CAPTURE_UNKNOWN;
	return used;
}

static void begin(struct trace_reader *reader, struct capture *c)
{
	c->reader = reader;
	/* Only for the places in tables that strangers fill; nothing that comes out depends on it. */
	c->hash_key =
		(struct hash_key){ { (uint64_t)(uintptr_t)reader, (uint64_t)(uintptr_t)c * 0x9e3779b97f4a7c15u } };
}

static size_t read_capture(struct trace_reader *reader, struct span text, bool last)
{
	struct capture *c = reader->state;
	size_t done = 0, used = 1;
	if (!c->reader)
		begin(reader, c);
	while (done < text.length && used > 0) {
		used = read_one(c, span_from(text, done), reader->offset + done);
		done += used;
	}
	if (last && done < text.length) {
		struct trace_place place = { .line = c->packet.number + 1,
			.is_packet = true,
			.offset = reader->offset + done,
			.raw = span_first(span_from(text, done), 64) };
		trace_reader_unread(reader, &place, "the capture ends inside a packet");
		done = text.length;
	}
	return done;
}

static void end_capture(struct trace_reader *reader)
{
	struct capture *c = reader->state;
	if (!c->reader)
		begin(reader, c);
	capture_flows_end(c);
	capture_dns_expire(c);
}

static void free_capture(struct trace_reader *reader)
{
	struct capture *c = reader->state;
	free(c->interfaces);
	capture_fragments_free(&c->fragments);
	capture_flows_free(c);
	free(c->plain);
	free(c->questions.at);
	trace_keys_free(c->embedded);
}

const struct trace_reading trace_reading_capture = {
	.state_size = sizeof(struct capture), .read = read_capture, .end = end_capture, .free = free_capture
};
