/* SPDX-License-Identifier: Apache-2.0 */
/* HEP version 3: one packet into its parts, and a file of them into records. */
#include "base/buffer.h"
#include "base/require.h"
#include "trace/hep.h"
#include "trace/reader.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define OK "SIP/2.0 200 OK\r\nCall-ID: 1@a.example\r\nContent-Length: 0\r\n\r\n"

/* ---- packets ---- */

static void put_number(struct buffer *out, uint64_t number, size_t bytes)
{
	while (bytes-- > 0)
		(void)buffer_append_byte(out, (char)(number >> (8 * bytes)));
}

static void put_chunk(struct buffer *out, unsigned int vendor, unsigned int type, struct span value)
{
	put_number(out, vendor, 2);
	put_number(out, type, 2);
	put_number(out, 6 + value.length, 2);
	(void)buffer_append(out, value);
}

static void put_number_chunk(struct buffer *out, unsigned int type, uint64_t number, size_t bytes)
{
	struct buffer value;
	buffer_init(&value, 16);
	put_number(&value, number, bytes);
	put_chunk(out, 0, type, buffer_span(&value));
	buffer_done(&value);
}

static size_t begin(struct buffer *out)
{
	size_t start = out->length;
	(void)buffer_append_text(out, "HEP3");
	put_number(out, 0, 2);
	return start;
}

static void end(struct buffer *out, size_t start)
{
	size_t length = out->length - start;
	out->at[start + 4] = (char)(length >> 8);
	out->at[start + 5] = (char)length;
}

/* 192.0.2.1:5060 to 192.0.2.2:5061, at 2024-01-01T12:00:00.000123Z */
static void put_packet(struct buffer *out, uint64_t protocol, uint64_t payload_type, struct span payload)
{
	size_t start = begin(out);
	put_number_chunk(out, 1, 2, 1);
	put_number_chunk(out, 2, protocol, 1);
	put_number_chunk(out, 3, 0xc0000201, 4);
	put_number_chunk(out, 4, 0xc0000202, 4);
	put_number_chunk(out, 7, 5060, 2);
	put_number_chunk(out, 8, 5061, 2);
	put_number_chunk(out, 9, 1704110400, 4);
	put_number_chunk(out, 10, 123, 4);
	put_number_chunk(out, 11, payload_type, 1);
	put_number_chunk(out, 12, 2001, 4);
	put_chunk(out, 0, 17, SPAN("1@a.example"));
	put_chunk(out, 0, 19, SPAN("edge"));
	put_chunk(out, 3, 15, SPAN("another vendor's"));
	if (payload.at)
		put_chunk(out, 0, 15, payload);
	end(out, start);
}

static void a_packet(void **state)
{
	(void)state;
	struct buffer text;
	struct trace_hep p;
	char address[RECORD_ADDRESS_TEXT];
	buffer_init(&text, 1 << 16);
	put_packet(&text, 17, 1, SPAN(OK));
	size_t length = text.length;
	(void)buffer_append_text(&text, "HEP3 and more");
	assert_int_equal(trace_hep_read(buffer_span(&text), &p), 0);
	assert_int_equal(p.length, length);
	assert_true(record_address_format(&p.source, address) > 0);
	assert_string_equal(address, "192.0.2.1");
	assert_true(record_address_format(&p.destination, address) > 0);
	assert_string_equal(address, "192.0.2.2");
	assert_int_equal(p.source.port, 5060);
	assert_int_equal(p.destination.port, 5061);
	assert_int_equal(p.transport, RECORD_UDP);
	assert_int_equal(p.ip_protocol, 17);
	assert_int_equal(p.payload_type, TRACE_HEP_SIP);
	assert_int_equal(p.time_us, INT64_C(1704110400000123));
	assert_int_equal(p.agent, 2001);
	assert_true(span_is(p.correlation, "1@a.example"));
	assert_true(span_is(p.node, "edge"));
	assert_true(span_is(p.payload, OK));
	assert_false(p.is_compressed);
	for (size_t cut = 0; cut < length; cut++) {
		char *copy = malloc(cut + 1);
		memcpy(copy, text.at, cut);
		assert_int_equal(trace_hep_read(span_make(copy, cut), &p), -EAGAIN);
		assert_int_equal(p.length, cut < 6 ? 0 : length);
		free(copy);
	}
	buffer_done(&text);
}

static void packets_that_lie(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct span bytes;
		int status;
		size_t length;
	} cases[] = {
		{ "another protocol", SPAN("HEP2aaaa"), -EINVAL, 0 },
		{ "shorter than its header", SPAN("HEP3\0\5aa"), -EINVAL, 0 },
		{ "nothing but a header", SPAN("HEP3\0\6aa"), 0, 6 },
		{ "half a chunk",
			SPAN("HEP3\0\x8"
			     "aaaa"),
			-EBADMSG, 8 },
		{ "a chunk of no length", SPAN("HEP3\0\xd\0\0\0\xb\0\0aaaaa"), -EBADMSG, 13 },
		{ "a chunk beyond the packet",
			SPAN("HEP3\0\xd\0\0\0\xb\0\x8"
			     "aaaaa"),
			-EBADMSG, 13 },
		{ "an address of five bytes",
			SPAN("HEP3\0\x11\0\0\0\3\0\xb"
			     "aaaaa"),
			0, 17 },
		{ "a number of no bytes", SPAN("HEP3\0\xc\0\0\0\x9\0\6"), 0, 12 },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct trace_hep p;
		int status = trace_hep_read(cases[i].bytes, &p);
		if (status != cases[i].status || p.length != cases[i].length || p.source.family || p.time_us)
			fail_msg("%s: %d, %zu", cases[i].name, status, p.length);
	}
}

/* ---- files ---- */

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	char local[RECORD_ADDRESS_TEXT], remote[RECORD_ADDRESS_TEXT];
	(void)record_address_format(&r->message.local, local);
	(void)record_address_format(&r->message.remote, remote);
	(void)buffer_printf(argument, "%" PRIu64 ": %d %d %s:%u %s:%u %.*s %.*s %u%s\n", place->line,
		(int)r->message.direction, (int)r->message.transport, local, r->message.local.port, remote,
		r->message.remote.port, SPAN_PRINT(r->head.node), SPAN_PRINT(r->head.tag), r->head.process,
		span_is(r->message.bytes, OK) && span_equal(place->raw, r->message.bytes) ? "" : " other bytes");
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	(void)buffer_printf(argument, "%" PRIu64 ": %s\n", place->line, why);
}

static void check(struct span text, const char *wanted, size_t records, size_t other, size_t broken)
{
	static const size_t pieces[] = { 100000, 1, 37 };
	for (size_t i = 0; i < BASE_COUNT(pieces); i++) {
		struct buffer out;
		struct trace_reader_settings settings = {
			.kind = TRACE_KIND_HEP, .take = take, .unread = unread, .argument = &out
		};
		struct trace_reader *reader = trace_reader_new(&settings);
		struct span rest = text;
		buffer_init(&out, 1 << 20);
		while (rest.length > 0) {
			struct span part = span_first(rest, pieces[i]);
			assert_int_equal(trace_reader_feed(reader, part), 0);
			rest = span_from(rest, part.length);
		}
		trace_reader_end(reader);
		assert_string_equal(out.at ? out.at : "", wanted);
		assert_int_equal(trace_reader_counts(reader)->records, records);
		assert_int_equal(trace_reader_counts(reader)->other, other);
		assert_int_equal(trace_reader_counts(reader)->unread, broken);
		trace_reader_free(reader);
		buffer_done(&out);
	}
}

#define FIRST "1: 2 1 192.0.2.1:5060 192.0.2.2:5061 edge 1@a.example 2001\n"

static void a_file(void **state)
{
	(void)state;
	struct buffer text;
	buffer_init(&text, 1 << 20);
	put_packet(&text, 17, 1, SPAN(OK));
	put_packet(&text, 22, 1, SPAN("\r\n" OK)); /* how Kamailio says TLS */
	put_packet(&text, 17, 5, SPAN("{}")); /* RTCP */
	put_packet(&text, 17, 1, SPAN_NONE); /* a keep-alive */
	put_packet(&text, 17, 1, SPAN("\r\n\r\n"));
	put_packet(&text, 132, 1, SPAN(OK));
	check(buffer_span(&text),
		FIRST "2: 2 3 192.0.2.1:5060 192.0.2.2:5061 edge 1@a.example 2001\n"
		      "6: 2 0 192.0.2.1:5060 192.0.2.2:5061 edge 1@a.example 2001\n",
		3, 3, 0);
	buffer_done(&text);
}

static void a_damaged_file(void **state)
{
	(void)state;
	struct buffer text;
	buffer_init(&text, 1 << 20);
	put_packet(&text, 17, 1, SPAN(OK));
	(void)buffer_append_text(&text, "some bytes, HEP2 and HE HEP");
	size_t start = begin(&text);
	put_chunk(&text, 0, 16, SPAN("x\x9c"));
	put_number_chunk(&text, 11, 1, 1);
	end(&text, start);
	start = begin(&text);
	put_chunk(&text, 0, 15, SPAN(OK));
	text.at[text.length - sizeof(OK)] = 'x'; /* the length of the chunk */
	end(&text, start);
	put_packet(&text, 17, 1, SPAN(OK));
	size_t whole = text.length;
	put_packet(&text, 17, 1, SPAN(OK));
	check(span_first(buffer_span(&text), whole + 40),
		FIRST "2: bytes that are no HEP packet\n"
		      "2: a HEP packet whose payload is compressed\n"
		      "3: a HEP packet in which a length is wrong\n"
		      "4: 2 1 192.0.2.1:5060 192.0.2.2:5061 edge 1@a.example 2001\n"
		      "5: a HEP packet that was cut off\n",
		2, 0, 4);
	buffer_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet),
		cmocka_unit_test(packets_that_lie),
		cmocka_unit_test(a_file),
		cmocka_unit_test(a_damaged_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
