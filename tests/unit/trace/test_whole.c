/* SPDX-License-Identifier: Apache-2.0 */
/* A file read as people have it: what is whole comes as from the strict reader, what is damaged comes too, and nothing
 * is made of prose. */
#include "base/buffer.h"
#include "base/require.h"
#include "trace/sip_text.h"
#include "trace/whole.h"
#include "trace/writer.h"
#include "unit/cmocka_all.h"
#include "unit/record/random_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- what came out ---- */

struct got {
	struct trace_writer *writer;
	struct buffer text; /* records as JSON with their places */
	uint64_t lines[64];
	size_t records, unread;
	bool is_silent; /* only counts */
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct got *got = argument;
	if (got->records < 64)
		got->lines[got->records] = place->line;
	got->records++;
	if (got->is_silent)
		return;
	(void)buffer_printf(&got->text, "%llu %llu %zu %d ", (unsigned long long)place->line,
		(unsigned long long)place->offset, place->raw.length, place->is_summary);
	assert_int_equal(trace_writer_write(got->writer, r, &got->text), 0);
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct got *got = argument;
	got->unread++;
	if (!got->is_silent)
		(void)buffer_printf(&got->text, "%llu unread: %s\n", (unsigned long long)place->line, why);
}

static void begin(struct got *got)
{
	struct trace_writer_settings settings = { .format = TRACE_JSON };
	*got = (struct got){ .writer = trace_writer_new(&settings) };
	buffer_init(&got->text, 1 << 28);
}

static void end(struct got *got)
{
	trace_writer_free(got->writer);
	buffer_done(&got->text);
}

static struct trace_reader_counts read_strictly(enum trace_kind kind, struct span text, struct got *got)
{
	struct trace_reader_settings settings = { .kind = kind, .take = take, .unread = unread, .argument = got };
	struct trace_reader *reader = trace_reader_new(&settings);
	assert_non_null(reader);
	assert_int_equal(trace_reader_feed(reader, text), 0);
	trace_reader_end(reader);
	struct trace_reader_counts counts = *trace_reader_counts(reader);
	trace_reader_free(reader);
	return counts;
}

struct way {
	size_t piece; /* 0: all at once */
	bool is_stream;
};

static struct trace_reader_counts read_whole(enum trace_kind kind, struct span text, struct way way, struct got *got)
{
	struct trace_reader_settings settings = { .kind = kind, .take = take, .unread = unread, .argument = got };
	struct trace_whole *whole = trace_whole_new(&settings, way.is_stream);
	assert_non_null(whole);
	struct span rest = text;
	while (rest.length > 0) {
		struct span part = span_first(rest, way.piece ? way.piece : rest.length);
		/* A copy of its own, so that a reader that looks too far is seen. */
		char *copy = malloc(part.length);
		memcpy(copy, part.at, part.length);
		assert_int_equal(trace_whole_feed(whole, span_make(copy, part.length)), 0);
		free(copy);
		rest = span_from(rest, part.length);
	}
	assert_int_equal(trace_whole_end(whole), 0);
	struct trace_reader_counts counts = *trace_whole_counts(whole);
	assert_int_equal(counts.records, got->records);
	assert_int_equal(counts.unread, got->unread);
	assert_int_equal(counts.bytes, text.length);
	trace_whole_free(whole);
	return counts;
}

static void read_file(const char *name, struct buffer *ret_text)
{
	char path[512], part[4096];
	size_t length;
	const char *root = getenv("FEDGE_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
	buffer_init(ret_text, 1 << 24);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	while ((length = fread(part, 1, sizeof(part), file)) > 0)
		(void)buffer_append(ret_text, span_make(part, length));
	(void)fclose(file);
}

/* ---- what is whole ---- */

static const struct way ways[] = { { 0, false }, { 0, true }, { 1000, false }, { 1000, true }, { 37, true } };

/* Lines are long: where they part. */
static void tell_difference(const char *name, size_t way, struct span wanted, struct span got)
{
	size_t at = 0;
	while (at < wanted.length && at < got.length && wanted.at[at] == got.at[at])
		at++;
	size_t from = at > 60 ? at - 60 : 0;
	fail_msg("%s, way %zu: %.*s\nat %zu %.*s\nis not\n%.*s", name, way, (int)(got.length < 60 ? got.length : 60),
		got.at, at, SPAN_PRINT(span_first(span_from(got, from), 200)),
		SPAN_PRINT(span_first(span_from(wanted, from), 200)));
}

static void compare_ways(const char *name, enum trace_kind kind, struct span text)
{
	struct got wanted, got;
	begin(&wanted);
	struct trace_reader_counts strict = read_strictly(kind, text, &wanted);
	for (size_t i = 0; i < BASE_COUNT(ways); i++) {
		begin(&got);
		struct trace_reader_counts counts = read_whole(kind, text, ways[i], &got);
		struct span left = buffer_span(&wanted.text), right = buffer_span(&got.text);
		while (left.length > 0 || right.length > 0) {
			struct span a = span_cut(&left, '\n'), b = span_cut(&right, '\n');
			if (!span_equal(a, b))
				tell_difference(name, i, a, b);
		}
		assert_int_equal(counts.lines, strict.lines);
		assert_int_equal(counts.other, strict.other);
		end(&got);
	}
	end(&wanted);
}

/* What a writer wrote, whatever bytes were in the records. */
static void what_is_whole_is_left_alone(void **state)
{
	(void)state;
	static struct random_record made;
	struct random random;
	random_init_seed(&random, 2038);
	for (unsigned int format = 0; format <= TRACE_JSON; format++)
		for (int round = 0; round < 6; round++) {
			struct trace_writer_settings settings = {
				.format = (enum trace_format)format, .node = SPAN("vcse"), .site = SPAN("pool")
			};
			struct trace_writer *writer = trace_writer_new(&settings);
			struct buffer text;
			buffer_init(&text, 1 << 24);
			for (unsigned int i = 0; i < 60; i++) {
				unsigned int kind = 1 + (unsigned int)random_below(&random, RECORD_KIND_COUNT - 1);
				random_record_make(&made, (enum record_kind)kind, &random, round % 2);
				made.record.head.node = SPAN("vcse");
				/* A blank at the front of a value and a backslash before an underscore cannot be told
				 * from damage. */
				for (size_t k = 0; k < made.used; k++)
					made.bytes[k] =
						made.bytes[k] == ' ' || made.bytes[k] == '\\' ? '.' : made.bytes[k];
				made.record.head.time_us = 1488438646000000 + (int64_t)i * 1000;
				assert_int_equal(trace_writer_write(writer, &made.record, &text), 0);
			}
			compare_ways(
				trace_kind_word((enum trace_kind)format), (enum trace_kind)format, buffer_span(&text));
			buffer_done(&text);
			trace_writer_free(writer);
		}
}

static void samples_are_left_alone(void **state)
{
	(void)state;
	static const char *const names[] = { "expressway", "sipstack", "uccapi", "json" };
	for (unsigned int i = 0; i < 4; i++) {
		char name[64];
		struct buffer all, text;
		(void)snprintf(name, sizeof(name), "tests/unit/trace/%s.golden", names[i]);
		read_file(name, &all);
		buffer_init(&text, 1 << 24);
		/* Without the headings between the samples. */
		for (struct span rest = buffer_span(&all); rest.length > 0;) {
			struct span line = span_first(rest, span_find(rest, '\n') + 1);
			if (!span_starts_nocase(line, SPAN("### ")))
				(void)buffer_append(&text, line);
			rest = span_from(rest, line.length);
		}
		compare_ways(names[i], (enum trace_kind)i, buffer_span(&text));
		buffer_done(&text);
		buffer_done(&all);
	}
}

/* ---- the document the project started from ---- */

static const struct {
	uint64_t line;
	const char *holds[8]; /* in the record as JSON */
} of_document[] = {
	{ 3, { "\"kind\":\"search\"", "2017-03-08T15:42:02", "\"INVITE\"", "\"sip:stejanss@skype.lab\"",
		     "\"reason\":\"Server time-out\"" } },
	{ 10, { "\"direction\":\"received\"", "2017-03-02T07:10:46.240000Z", "\"10.48.36.6:5061\"",
		      "Via: SIP/2.0/TLS 10.48.36.47:5061;egress-zone=DNSZone1;"
		      "branch=z9hG4bK42ee6fd77d32cc8925196770b950b33554.731d73c3f4246d6a255e38a9f695bfc0;"
		      "proxy-call-id=6b2a018a-2da5-4013-a7e5-4e1455feadf7;rport;received=10.48.36.47;"
		      "ms-received-port=25002;ms-received-cid=100\\r\\n",
		      "Via: SIP/2.0/TLS 10.48.36.46:5061;egress-zone=TraversalZoneClient1;"
		      "branch=z9hG4bK1f8bbe5926dc6abd06ea964d8fde1450156486;"
		      "proxy-call-id=e7e33845-c384-4c28-a42d-016863640fbb;received=10.48.36.46;rport=28119;"
		      "ingress-zone=TraversalZoneServer1\\r\\n",
		      "Via: SIP/2.0/TLS 10.48.54.160:52768;branch=z9hG4bK6594a02846406f4a5459d5f58a8d26b3;"
		      "received=10.48.54.160;ingress-zone=NeighborZoneAcano1SIP\\r\\n",
		      "Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960\\r\\nCSeq: 2066245576 INVITE\\r\\n",
		      "Content-Length: 0\\r\\n\\r\\n\"" } },
	{ 0, { "\"kind\":\"judgement\"", "2017-03-02T07:10:46.230000Z", "\"svedge\"", "\"result_code\":3286842735",
		     "[[\"domain\",\"acano.steven.lab\"],[\"fqdn1\",\"vcse.steven.lab:5061\"]]",
		     "f1b3ad5d-183b-4632-b210-c2f9bec71960", "\"2066245576 INVITE\"",
		     "none of the FQDNs is in the same domain\"" } },
	{ 0, { "\"kind\":\"judgement\"", "2017-03-02T06:30:40.025000Z", "\"result_code\":3286842727",
		     "[\"expected-fqdn\",\"vcse.acano.steven.lab\"],[\"certName\",\"vcse.steven.lab\"]",
		     "[\"info\",\"The peer certificate does not contain a matching FQDN\"]",
		     "\"e144704c-1dd0-4ea7-929f-77e7e071c24c\"", "\"1567605805 INVITE\"",
		     "\"vcse.steven.lab:25001\"" } },
	{ 0, { "SIP/2.0 504 Server time-out\\r\\nAuthentication-Info: TLS-DSK qop=\\\"auth\\\"",
		     "From: \\\"Steven Janssens\\\"\\r\\n", " INVITE\\r\\nVia: SIP/2.0/TLS 10.55.186.71:62937;",
		     "ms-diagnostics: 1009;reason=\\\"No match for domain in DNS SRV results\\\";"
		     "domain=\\\"cms.steven.lab\\\";fqdn1=\\\"vcse.sub.cms.steven.lab:5061\\\";"
		     "source=\\\"sip.skype.lab\\\"\\r\\nServer: RTC/6.0\\r\\n" } },
	{ 0, { "SIP/2.0 504 Server time-out\\r\\n", "snum=\\\"49\\\"",
		     "ms-diagnostics: 1010;reason=\\\"Certificate trust with another server could not be "
		     "established\\\";ErrorType=\\\"The peer certificate does not contain a matching FQDN\\\";"
		     "tls-target=\\\"vcse.cms.steven.lab\\\";PeerServer=\\\"vcse.steven.lab\\\";"
		     "HRESULT=\\\"0x80090322(SEC_E_WRONG_PRINCIPAL)\\\";source=\\\"sip.skype.lab\\\"\\r\\n" } },
};

static void the_document_gives_its_records(void **state)
{
	(void)state;
	struct buffer text;
	read_file("tests/corpus/trace_mixed/document", &text);
	/* Detected or forced, at once or in pieces. */
	for (unsigned int kind = 0; kind <= TRACE_KIND_MIXED; kind++)
		for (size_t way = 0; way < 3; way++) {
			struct got got;
			if (kind == TRACE_KIND_PLAIN)
				continue;
			begin(&got);
			(void)read_whole((enum trace_kind)kind, buffer_span(&text), ways[way], &got);
			struct span rest = buffer_span(&got.text);
			if (got.records != BASE_COUNT(of_document))
				fail_msg("%s, way %zu: %zu records\n%s", trace_kind_word((enum trace_kind)kind), way,
					got.records, got.text.at);
			for (size_t i = 0; i < BASE_COUNT(of_document);) {
				struct span line = span_cut(&rest, '\n');
				assert_non_null(line.at);
				if (span_find_span(line, SPAN(" unread: ")) < line.length)
					continue;
				for (size_t k = 0; k < 8 && of_document[i].holds[k]; k++)
					if (span_find_span(line, span_of(of_document[i].holds[k])) == line.length)
						fail_msg("no %s in\n%.*s", of_document[i].holds[k], SPAN_PRINT(line));
				i++;
			}
			end(&got);
		}
	buffer_done(&text);
}

/* A text that is read in several blocks loses nothing where they meet. */
static void the_document_many_times_over(void **state)
{
	(void)state;
	enum { TIMES = 500 };
	struct buffer text, all;
	read_file("tests/corpus/trace_mixed/document", &text);
	buffer_init(&all, 1 << 24);
	for (int i = 0; i < TIMES; i++)
		(void)buffer_append(&all, buffer_span(&text));
	for (int stream = 0; stream < 2; stream++) {
		struct got got;
		begin(&got);
		got.is_silent = true;
		(void)read_whole(TRACE_KIND_MIXED, buffer_span(&all), (struct way){ 100000, stream }, &got);
		assert_int_equal(got.records, TIMES * BASE_COUNT(of_document));
		end(&got);
	}
	buffer_done(&all);
	buffer_done(&text);
}

/* ---- prose ---- */

static void prose_gives_nothing(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"You will see a 504 Server time-out when you call sip:a@b.example.\n",
		"INVITE sip:stejanss@skype.lab is sent, and SIP/2.0 504 comes back.\n",
		"SIP/2.0 504 Server time-out\nThis is what the partner answers.\n",
		"INVITE: the request. ACK: what ends it.\n\nBYE sip:a@b SIP/2.0\n\nis the last.\n",
		"From: Steven\nTo: all\nDate: Mon, 6 Mar 2017 10:00:00 +0100\nSubject: calls to Skype\n\nSee below.\n",
		"On 2017-03-08 15:42:02 SIP (INVITE) failed.\n",
		"2017-03-08 15:42:02 the box was restarted\n",
		"The SRV record _sipfederationtls._tcp.example.com points at vcse.example.com: 5061.\n",
		"TL;DR: the certificate (TF_DIAG says so) has no such name. $$ are missing.\n",
		"v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\n",
		"> > quoted\n> 12: text\n13: text\n** bold ** `code` [a](b) &lt;x&gt; <br>\n",
		"\"\"\"\"\"\"\n======\n::::\n||||\n```\n```\n",
	};
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		struct got got;
		begin(&got);
		struct trace_reader_counts counts = read_whole(TRACE_KIND_MIXED, span_of(texts[i]), ways[0], &got);
		if (got.records > 0)
			fail_msg("%s gives %s", texts[i], got.text.at);
		/* All that is not empty is told. */
		assert_true(counts.unread > 0);
		assert_true(counts.unread <= counts.lines);
		end(&got);
	}
}

/* ---- a stream with damage in it ---- */

#define GOOD(ms)                                                                                                       \
	"2017-03-02T08:10:46." ms "+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46," ms "\" Module=\"network.dns\" "   \
	"Level=\"DEBUG\": Detail=\"Sending DNS query\" Name=\"a.example\" Type=\"SRV (IPv4 and IPv6)\"\n"
#define WRAPPED                                                                                                        \
	"2017-03-02T08:10:46.500+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46,500\" Module=\"network.dns\"\n"        \
	"Level=\"DEBUG\": Detail=\"Sending DNS query\" Name=\"wrapped.example\"\nType=\"SRV (IPv4 and IPv6)\"\n"
#define WRAPPED_MESSAGE                                                                                                \
	"2017-03-02T08:10:46.240+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46,240\" Module=\"network.sip\"\n"        \
	"Level=\"DEBUG\":  Action=\"Received\" Local-ip=\"10.48.36.47\" Local-port=\"25002\"\n"                        \
	"Src-ip=\"10.48.36.6\" Src-port=\"5061\" Msg-Hash=\"7\"\nSIPMSG:\n|SIP/2.0 504 Server time-out\n"              \
	"Via: SIP/2.0/TLS 10.48.36.47:5061;egress-\nzone=DNSZone1;branch=z9hG4bK1\nCall-ID: wrapped-\ncall\n"          \
	"CSeq: 1 INVITE\nContent-Length: 0\n\n|\n"

static void damage_in_a_stream_is_mended(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *text;
		size_t records;
		const char *holds;
	} cases[] = {
		{ "between good lines", GOOD("100") WRAPPED GOOD("600"), 3, "\"name\":\"wrapped.example\"" },
		{ "at the front", WRAPPED GOOD("600"), 2, "\"name\":\"wrapped.example\"" },
		{ "at the end", GOOD("100") WRAPPED, 2, "\"name\":\"wrapped.example\"" },
		{ "twice", GOOD("100") WRAPPED WRAPPED GOOD("600"), 4, "\"name\":\"wrapped.example\"" },
		{ "a message", GOOD("100") WRAPPED_MESSAGE GOOD("600"), 3,
			"egress-zone=DNSZone1;branch=z9hG4bK1\\r\\nCall-ID: wrapped-call\\r\\n" },
		{ "prose between", GOOD("100") "and then\n" GOOD("600"), 2, "3 " },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		for (size_t way = 0; way < 2; way++) {
			struct got got;
			begin(&got);
			(void)read_whole(TRACE_KIND_EXPRESSWAY, span_of(cases[i].text), ways[way], &got);
			if (got.records != cases[i].records ||
				span_find_span(buffer_span(&got.text), span_of(cases[i].holds)) == got.text.length)
				fail_msg("%s, way %zu: %zu records\n%s", cases[i].name, way, got.records, got.text.at);
			end(&got);
		}
}

/* ---- what tools print, in a mail ---- */

#define NGREP(q)                                                                                                       \
	q "Hello,\n" q "look at this:\n" q "\n" q "U 2017/03/02 08:10:46.240000 10.1.1.1:5060 -> 10.2.2.2:5060\n" q    \
	  "SIP/2.0 504 Server time-out.\n" q "Via: SIP/2.0/UDP 10.1.1.9:5060.\n" q "Call-ID: x1.\n" q                  \
	  "CSeq: 1 INVITE.\n" q "Content-Length: 0.\n" q ".\n" q "\n" q "Regards\n"

static void what_tools_print_is_read_in_a_mail(void **state)
{
	(void)state;
	static const char *const texts[] = { NGREP(""), NGREP("> "), NGREP(">> ") };
	for (size_t i = 0; i < BASE_COUNT(texts); i++)
		for (unsigned int kind = TRACE_KIND_PLAIN; kind <= TRACE_KIND_MIXED; kind++) {
			struct got got;
			begin(&got);
			(void)read_whole((enum trace_kind)kind, span_of(texts[i]), ways[0], &got);
			assert_int_equal(got.records, 1);
			assert_int_equal(got.lines[0], 4);
			const char *wanted = "\"local\":\"10.1.1.1:5060\",\"remote\":\"10.2.2.2:5060\",\"bytes\":"
					     "\"SIP/2.0 504 Server time-out\\r\\nVia: SIP/2.0/UDP 10.1.1.9:5060\\r\\n"
					     "Call-ID: x1\\r\\nCSeq: 1 INVITE\\r\\nContent-Length: 0\\r\\n\\r\\n\"";
			if (span_find_span(buffer_span(&got.text), span_of(wanted)) == got.text.length)
				fail_msg("text %zu, kind %u: %s", i, kind, got.text.at);
			end(&got);
		}
}

/* ---- two bytes a character ---- */

static void utf16_comes_in_any_pieces(void **state)
{
	(void)state;
	struct buffer text;
	struct got wanted;
	begin(&wanted);
	(void)read_whole(TRACE_KIND_EXPRESSWAY, SPAN(GOOD("100") GOOD("200")), ways[0], &wanted);
	for (int big = 0; big < 2; big++)
		for (size_t piece = 4; piece < 40; piece += 5)
			for (int stream = 0; stream < 2; stream++) {
				struct got got;
				buffer_init(&text, 1 << 20);
				for (const char *at = GOOD("100") GOOD("200"); *at; at++) {
					(void)buffer_append_byte(&text, big ? '\0' : *at);
					(void)buffer_append_byte(&text, big ? *at : '\0');
				}
				begin(&got);
				(void)read_whole(
					TRACE_KIND_MIXED, buffer_span(&text), (struct way){ piece, stream }, &got);
				assert_true(span_equal(buffer_span(&wanted.text), buffer_span(&got.text)));
				end(&got);
				buffer_done(&text);
			}
	end(&wanted);
}

/* ---- hostile texts ---- */

static void repeat(struct buffer *text, const char *what, size_t length)
{
	buffer_init(text, length + 256);
	while (text->length < length)
		(void)buffer_append_text(text, what);
}

static double seconds(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_for(const char *what, size_t length)
{
	struct buffer text;
	struct got got;
	repeat(&text, what, length);
	begin(&got);
	got.is_silent = true;
	double began = seconds();
	(void)read_whole(TRACE_KIND_MIXED, buffer_span(&text), ways[0], &got);
	double took = seconds() - began;
	end(&got);
	buffer_done(&text);
	return took;
}

static void hostile_texts_cost_no_more_than_others(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"\"",
		"\n",
		" ",
		"a",
		"|",
		"\\",
		"`",
		"*",
		"**",
		"[",
		"[](",
		"[a](b)",
		"&",
		"<",
		"<br>",
		"&lt;",
		"#015",
		"#012",
		"\\r\\n",
		"> ",
		"1: a\n2: b\n",
		"```\n",
		"\"\n",
		"a\n",
		"-\n",
		"a-\n",
		"=\n",
		"::",
		"$$",
		"$$begin_record\n",
		"$$end_record",
		"TL_",
		"TL_INFO(TF_DIAG) [a]1.1::03/02/2017-07:10:46.230.1 (a) ",
		"TL_INFO(TF_DIAG) [",
		"2017-03-02T08:10:46.240+01:00 ",
		"2017-03-02T08:10:46.240+01:00 vcse tvcs: ",
		"2017-03-02T08:10:46.240+01:00 vcse tvcs: \n",
		"2017-03-02 08:10:46 SIP (INVITE) ",
		"03/02/2017|08:10:46.240 ",
		"03/02/2017|08:10:46.240 1:1 INFO :: Data Received -\n",
		"{\"kind\":",
		"{\"kind\":\n",
		"{\"kind\":}",
		"SIP/2.0 200 OK\n",
		"SIP/2.0 200 OK\nVia: a\n",
		"SIP/2.0 200 Via: ",
		"INVITE sip:a SIP/2.0\n",
		"Via: ",
		"Via: a\n",
		"Content-Length: 0 ",
		"Content-Length: 9\n",
		" SIPMSG:",
		" SIPMSG:\n",
		"a: b\n",
		"v=0 o=",
		"v=0\n",
		"Line 1: ",
		"Mar  2 08:10:47 a b: ",
		"\xe2\x80\x9c",
		"\xc2\xa0",
		"TL_INFO(TF_DIAG) [a]1.1::03/02/2017-07:10:46.230.1 (a) $$begin_record\n",
		"U 2017/03/02 08:10:46.240000 10.1.1.1:5060 -> 10.2.2.2:5060\n",
		"U 2017/03/02 08:10:46.240000 10.1.1.1:5060 -> 10.2.2.2:5060\nSIP/2.0 200 OK\nVia\n",
		"recv 1 bytes from udp/[1.1.1.1]:5060 at 12:00:00.000123:\n\nSIP/2.0 200 OK\nVia: a\n",
		"> U 2017/03/02 08:10:46.240000 10.1.1.1:5060 -> 10.2.2.2:5060\n> SIP/2.0 200 OK Via: b\n",
	};
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		double once = 0, four_times = 0;
		bool is_linear = false;
		/* A busy machine disturbs one measure, not each of them; what is quadratic takes sixteen times as long.
		 */
		for (int attempt = 0; attempt < 4 && !is_linear; attempt++) {
			once = seconds_for(texts[i], 64 << 10);
			four_times = seconds_for(texts[i], 256 << 10);
			is_linear = four_times < 0.2 || four_times < 8 * once;
		}
		if (!is_linear || four_times > 10)
			fail_msg("%s: %.3f s, %.3f s for four times as much", texts[i], once, four_times);
	}
}

static void a_line_of_50_mb_is_told(void **state)
{
	(void)state;
	struct buffer text;
	repeat(&text, "x \"y\" ", 50 << 20);
	(void)buffer_append_text(&text, "\n" GOOD("100"));
	for (unsigned int kind = 0; kind <= TRACE_KIND_MIXED; kind++) {
		struct got got;
		if (kind == TRACE_KIND_PLAIN || kind == TRACE_KIND_SIPSTACK || kind == TRACE_KIND_UCCAPI ||
			kind == TRACE_KIND_JSON)
			continue;
		begin(&got);
		got.is_silent = true;
		struct trace_reader_counts counts =
			read_whole((enum trace_kind)kind, buffer_span(&text), (struct way){ 1 << 20, false }, &got);
		assert_int_equal(counts.records, 1);
		assert_int_equal(got.lines[0], 2);
		assert_true(counts.unread > 0);
		end(&got);
	}
	buffer_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_whole_is_left_alone),
		cmocka_unit_test(samples_are_left_alone),
		cmocka_unit_test(the_document_gives_its_records),
		cmocka_unit_test(the_document_many_times_over),
		cmocka_unit_test(prose_gives_nothing),
		cmocka_unit_test(damage_in_a_stream_is_mended),
		cmocka_unit_test(what_tools_print_is_read_in_a_mail),
		cmocka_unit_test(utf16_comes_in_any_pieces),
		cmocka_unit_test(hostile_texts_cost_no_more_than_others),
		cmocka_unit_test(a_line_of_50_mb_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
