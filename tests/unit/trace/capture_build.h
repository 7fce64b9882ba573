/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_UNIT_CAPTURE_BUILD_H
#define FEDGE_UNIT_CAPTURE_BUILD_H
/* Captures, built layer by layer for the tests: each function gives bytes in the builder's arena. Hosts are numbers:
 * host 1 is 192.0.2.1, or 2001:db8::1. */
#include "base/arena.h"
#include "base/buffer.h"
#include "trace/reader.h"

#include <stdio.h>
#include <stdlib.h>

struct build {
	struct arena arena;
	struct buffer file;
	bool is_swapped; /* the file's own numbers in the other order */
	int64_t time_us; /* of the next packet */
	uint32_t cut; /* the file keeps so many bytes of a packet; 0: all */
};

static inline void build_begin(struct build *b)
{
	memset(b, 0, sizeof(*b));
	arena_init(&b->arena, 64 << 20);
	buffer_init(&b->file, 64 << 20);
	b->time_us = INT64_C(1488438646240000);
}

static inline void build_done(struct build *b)
{
	arena_done(&b->arena);
	buffer_done(&b->file);
}

/* ---- numbers ---- */

static inline struct span build_number(struct build *b, uint64_t value, size_t length)
{
	char *at = arena_allocate(&b->arena, length);
	for (size_t i = 0; i < length; i++)
		at[i] = (char)(value >> 8 * (length - 1 - i));
	return span_make(at, length);
}

static inline struct span build_join(struct build *b, const struct span *parts, size_t count)
{
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		length += parts[i].length;
	char *at = arena_allocate(&b->arena, length + 1);
	length = 0;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].length)
			memcpy(at + length, parts[i].at, parts[i].length);
		length += parts[i].length;
	}
	return span_make(at, length);
}
#define BUILD(b, ...)                                                                                                  \
	build_join((b), (const struct span[]){ __VA_ARGS__ },                                                          \
		sizeof((const struct span[]){ __VA_ARGS__ }) / sizeof(struct span))
#define N1(value) build_number(b, (uint64_t)(value), 1)
#define N2(value) build_number(b, (uint64_t)(value), 2)
#define N3(value) build_number(b, (uint64_t)(value), 3)
#define N4(value) build_number(b, (uint64_t)(value), 4)
#define N8(value) build_number(b, (uint64_t)(value), 8)

/* A number of the file's own. */
static inline struct span build_file_number(struct build *b, uint64_t value, size_t length)
{
	struct span number = build_number(b, value, length);
	char *at = arena_allocate(&b->arena, length);
	for (size_t i = 0; i < length; i++)
		at[i] = number.at[b->is_swapped ? i : length - 1 - i];
	return span_make(at, length);
}
#define F2(value) build_file_number(b, (uint64_t)(value), 2)
#define F4(value) build_file_number(b, (uint64_t)(value), 4)
#define F8(value) build_file_number(b, (uint64_t)(value), 8)

/* ---- files ---- */

static inline void build_pcap(struct build *b, uint32_t magic, uint16_t link)
{
	buffer_append(&b->file, BUILD(b, F4(magic), F2(2), F2(4), F4(0), F4(0), F4(262144), F4(link)));
}

static inline void build_pcap_packet(struct build *b, struct span frame)
{
	struct span kept = b->cut ? span_first(frame, b->cut) : frame;
	buffer_append(&b->file,
		BUILD(b, F4(b->time_us / 1000000), F4(b->time_us % 1000000), F4(kept.length), F4(frame.length), kept));
	b->time_us += 1000;
}

static inline struct span build_padded(struct build *b, struct span s)
{
	return BUILD(b, s, span_first(SPAN("\0\0\0"), (4 - s.length % 4) % 4));
}

static inline void build_block(struct build *b, uint32_t type, struct span body)
{
	body = build_padded(b, body);
	buffer_append(&b->file, BUILD(b, F4(type), F4(body.length + 12), body, F4(body.length + 12)));
}

static inline void build_section(struct build *b)
{
	build_block(b, 0x0a0d0d0a, BUILD(b, F4(0x1a2b3c4d), F2(1), F2(0), F8(UINT64_MAX)));
}

static inline void build_interface(struct build *b, uint16_t link, struct span options)
{
	build_block(b, 1, BUILD(b, F2(link), F2(0), F4(0), options));
}

static inline void build_enhanced(struct build *b, uint32_t interface, uint64_t units, struct span frame)
{
	build_block(
		b, 6, BUILD(b, F4(interface), F4(units >> 32), F4(units), F4(frame.length), F4(frame.length), frame));
}

/* ---- layers ---- */

static inline struct span build_ethernet(struct build *b, uint16_t type, struct span packet)
{
	return BUILD(b, SPAN("\2\0\0\0\0\2\2\0\0\0\0\1"), N2(type), packet);
}

/* offset in bytes. */
static inline struct span build_ip4_piece(
	struct build *b, int from, int to, int protocol, int id, size_t offset, bool is_last, struct span bytes)
{
	return BUILD(b, N2(0x4500), N2(20 + bytes.length), N2(id), N2(offset / 8 | (is_last ? 0 : 0x2000)), N1(64),
		N1(protocol), N2(0), N4(0xc0000200u + (unsigned)from), N4(0xc0000200u + (unsigned)to), bytes);
}

static inline struct span build_ip4(struct build *b, int from, int to, int protocol, struct span bytes)
{
	return build_ip4_piece(b, from, to, protocol, 0, 0, true, bytes);
}

static inline struct span build_ip6(struct build *b, int from, int to, int next, struct span bytes)
{
	return BUILD(b, N4(0x60000000), N2(bytes.length), N1(next), N1(64), N8(0x20010db800000000), N8(from),
		N8(0x20010db800000000), N8(to), bytes);
}

static inline struct span build_udp(struct build *b, int from, int to, struct span payload)
{
	return BUILD(b, N2(from), N2(to), N2(8 + payload.length), N2(0), payload);
}

enum { BUILD_FIN = 1, BUILD_SYN = 2, BUILD_RST = 4, BUILD_ACK = 16 };

/* A connection from host 1, port 4000, to host 2. Numbers begin at a place near the wrap-around. */
struct build_flow {
	struct build *b;
	int client, server, client_port, server_port;
	uint32_t next[2]; /* of the client, of the server */
};

static inline struct build_flow build_flow(struct build *b, int server_port)
{
	return (struct build_flow){ b, 1, 2, 4000, server_port, { UINT32_MAX - 100, 7000 } };
}

/* A segment at that number of bytes from where the side is; the side stays where it is. */
static inline void build_segment(struct build_flow *f, int side, int64_t at, int flags, struct span bytes)
{
	struct build *b = f->b;
	struct span tcp = BUILD(b, N2(side ? f->server_port : f->client_port),
		N2(side ? f->client_port : f->server_port), N4(f->next[side] + at),
		N4(flags & BUILD_ACK ? f->next[1 - side] : 0), N2(0x5000 | flags), N2(1000), N4(0), bytes);
	build_pcap_packet(b, build_ip4(b, side ? f->server : f->client, side ? f->client : f->server, 6, tcp));
}

/* What this side sends next. */
static inline void build_send(struct build_flow *f, int side, struct span bytes)
{
	build_segment(f, side, 0, BUILD_ACK, bytes);
	f->next[side] += (uint32_t)bytes.length;
}

static inline void build_connect(struct build_flow *f)
{
	build_segment(f, 0, 0, BUILD_SYN, SPAN_NONE);
	f->next[0]++;
	build_segment(f, 1, 0, BUILD_SYN | BUILD_ACK, SPAN_NONE);
	f->next[1]++;
	build_segment(f, 0, 0, BUILD_ACK, SPAN_NONE);
}

static inline void build_close(struct build_flow *f, int side)
{
	build_segment(f, side, 0, BUILD_FIN | BUILD_ACK, SPAN_NONE);
	f->next[side]++;
}

/* SIP from host 1 to host 2, over UDP and IPv4. */
static inline struct span build_datagram(struct build *b, struct span message)
{
	return build_ip4(b, 1, 2, 17, build_udp(b, 5060, 5060, message));
}

/* ---- reading ---- */

/* A line for each record and each thing unread. */
struct build_seen {
	struct buffer text;
	size_t messages;
};

static inline void build_show_address(struct buffer *text, const struct record_address *address)
{
	char shown[RECORD_ADDRESS_TEXT];
	record_address_format(address, shown);
	buffer_printf(text, " %s:%u", shown, address->port);
}

static inline void build_show_list(struct buffer *text, const struct record_spans *list)
{
	for (size_t i = 0; i < list->count; i++)
		buffer_printf(text, "%s%.*s", i ? ", " : " [", SPAN_PRINT(list->at[i]));
	buffer_append_text(text, list->count ? "]" : "");
}

static inline void build_show_handshake(struct buffer *text, const struct record_handshake *h)
{
	buffer_printf(text, "handshake %s %s", h->role == RECORD_CLIENT ? "client" : "server",
		h->failed ? "failed" : "stands");
	build_show_address(text, &h->local);
	build_show_address(text, &h->remote);
	if (h->server_name.length)
		buffer_printf(text, " sni=%.*s", SPAN_PRINT(h->server_name));
	buffer_printf(text, " %.*s %.*s", SPAN_PRINT(h->version), SPAN_PRINT(h->cipher));
	if (h->common_name.length)
		buffer_printf(text, " cn=%.*s", SPAN_PRINT(h->common_name));
	build_show_list(text, &h->names);
	if (h->alert_direction)
		buffer_printf(
			text, " alert %s %u", h->alert_direction == RECORD_ALERT_SENT ? "sent" : "received", h->alert);
	buffer_printf(
		text, "%s%s%.*s", h->resumed ? " resumed" : "", h->reason.length ? ": " : "", SPAN_PRINT(h->reason));
}

static inline void build_show(struct buffer *text, const struct record *r)
{
	static const char *const transports[] = { "-", "udp", "tcp", "tls" };
	static const char *const statuses[] = { "ok", "nodata", "nxdomain", "servfail", "refused", "timeout" };
	static const char *const events[] = { "attempted", "opened", "accepted", "closed", "failed" };
	switch (r->kind) {
	case RECORD_MESSAGE:
		buffer_append_text(text, transports[r->message.transport]);
		build_show_address(text, &r->message.local);
		build_show_address(text, &r->message.remote);
		buffer_printf(
			text, " %.*s", SPAN_PRINT(span_first(r->message.bytes, span_find(r->message.bytes, '\r'))));
		break;
	case RECORD_DNS_QUERY:
		buffer_printf(text, "ask %.*s %.*s", SPAN_PRINT(r->dns.type), SPAN_PRINT(r->dns.name));
		break;
	case RECORD_DNS_ANSWER:
		buffer_printf(text, "answer %.*s %.*s %s", SPAN_PRINT(r->dns.type), SPAN_PRINT(r->dns.name),
			statuses[r->dns.status]);
		build_show_list(text, &r->dns.records);
		break;
	case RECORD_CONNECTION:
		buffer_printf(text, "%s %s", transports[r->connection.transport], events[r->connection.event]);
		build_show_address(text, &r->connection.local);
		build_show_address(text, &r->connection.remote);
		buffer_printf(
			text, "%s%.*s", r->connection.reason.length ? ": " : "", SPAN_PRINT(r->connection.reason));
		break;
	case RECORD_HANDSHAKE:
		build_show_handshake(text, &r->handshake);
		break;
	default:
		buffer_printf(text, "notice %.*s", SPAN_PRINT(r->notice.detail));
	}
}

static inline void build_take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct build_seen *seen = argument;
	seen->messages += r->kind == RECORD_MESSAGE;
	buffer_printf(&seen->text, "%llu ", (unsigned long long)place->line);
	build_show(&seen->text, r);
	buffer_append_text(&seen->text, place->is_summary ? " (part)\n" : "\n");
}

static inline void build_unread(void *argument, const struct trace_place *place, const char *why)
{
	struct build_seen *seen = argument;
	buffer_printf(&seen->text, "%llu ? %s\n", (unsigned long long)place->line, why);
}

/* Reads the file in pieces of that length (0: at once) and gives what was seen; the caller frees it. */
static inline char *build_read(
	const struct build *b, size_t piece, const struct trace_keys *keys, struct trace_reader_counts *ret_counts)
{
	struct build_seen seen = { 0 };
	const struct trace_reader_settings settings = {
		.kind = TRACE_KIND_CAPTURE, .keys = keys, .take = build_take, .unread = build_unread, .argument = &seen
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	struct span rest = buffer_span(&b->file);
	buffer_init(&seen.text, 64 << 20);
	buffer_append_text(&seen.text, "");
	while (rest.length > 0) {
		struct span part = piece ? span_first(rest, piece) : rest;
		/* A copy of its own: the sanitizer sees a read beyond it, and what is kept of it. */
		char *copy = span_copy(part);
		trace_reader_feed(reader, span_make(copy, part.length));
		memset(copy, 0xee, part.length);
		free(copy);
		rest = span_from(rest, part.length);
	}
	trace_reader_end(reader);
	if (ret_counts)
		*ret_counts = *trace_reader_counts(reader);
	trace_reader_free(reader);
	return buffer_take(&seen.text);
}
#endif
