/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged text gives the records that the text gave before it was damaged. */
#include "base/require.h"
#include "trace/whole.h"
#include "trace/writer.h"
#include "unit/cmocka_all.h"
#include "unit/trace/damage.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- texts that are whole ---- */

#define VIAS(i)                                                                                                        \
	i "Via: SIP/2.0/TLS 127.48.36.47:5061;egress-zone=DNSZone1;branch=z9hG4bK42ee6fd77d32cc8925196770b950b33554."  \
	  "731d73c3f4246d6a255e38a9f695bfc0;proxy-call-id=6b2a018a-2da5-4013-a7e5-4e1455feadf7;rport;"                 \
	  "received=127.48.36.47;ms-received-port=25002;ms-received-cid=100\n" i                                       \
	  "Via: SIP/2.0/TLS 127.48.54.160:52768;branch=z9hG4bK6594a02846406f4a5459d5f58a8d26b3;"                       \
	  "received=127.48.54.160;ingress-zone=NeighborZoneAcano1SIP\n"
#define REST(i)                                                                                                        \
	i "Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960\n" i "CSeq: 2066245576 INVITE\n" i                            \
	  "From: \"DX70 Steven\" <sip:2000@acano.steven.lab>;tag=9fea3e7d70afd884\n" i                                 \
	  "To: <sip:stejanss@skype.lab>;tag=C65A7B0A8766A5F1D386474833D07882\n" i "Server: RTC/6.0\n" i                \
	  "Content-Length: 0\n"
#define DIAGNOSTICS(i)                                                                                                 \
	i "ms-diagnostics: 1010;reason=\"Certificate trust with another server could not be established\";"            \
	  "ErrorType=\"The peer certificate does not contain a matching FQDN\";tls-target=\"vcse.cms.steven.lab\";"    \
	  "PeerServer=\"vcse.steven.lab\";HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\";source=\"sip.skype.lab\"\n"

#define EXPRESSWAY_504                                                                                                 \
	"2017-03-02T08:10:46.240+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46,240\" Module=\"network.sip\" "         \
	"Level=\"DEBUG\":  Action=\"Received\" Local-ip=\"127.48.36.47\" Local-port=\"25002\" "                        \
	"Src-ip=\"127.48.36.6\" Src-port=\"5061\" Msg-Hash=\"13707918855517357847\"\n SIPMSG:\n |SIP/2.0 504 Server "  \
	"time-out\n" VIAS(" ") REST(" ") "\n\n |\n"
#define EXPRESSWAY_INVITE                                                                                              \
	"2017-03-02T08:10:46.200+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46,200\" Module=\"network.sip\" "         \
	"Level=\"DEBUG\":  Action=\"Sent\" Local-ip=\"127.48.36.47\" Local-port=\"25002\" "                            \
	"Dst-ip=\"127.48.36.6\" Dst-port=\"5061\" Msg-Hash=\"5\"\n SIPMSG:\n |INVITE sip:stejanss@skype.lab SIP/2.0\n" \
	" Via: SIP/2.0/TLS 127.48.36.47:5061;branch=z9hG4bK1\n Max-Forwards: 70\n"                                     \
	" Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960\n CSeq: 2066245576 INVITE\n"                                   \
	" From: \"DX70 Steven\" <sip:2000@acano.steven.lab>;tag=9fea3e7d70afd884\n To: <sip:stejanss@skype.lab>\n"     \
	" Content-Type: application/sdp\n Content-Length: 118\n\n v=0\n o=tandberg 1 2 IN IP4 127.48.54.160\n s=-\n"   \
	" c=IN IP4 127.48.54.160\n t=0 0\n m=audio 36000 RTP/AVP 8\n a=rtpmap:8 PCMA/8000\n\n |\n"
#define EXPRESSWAY_EVENT                                                                                               \
	"2017-03-02T08:10:46.250+01:00 vcse tvcs: Event=\"Search Completed\" Reason=\"Server time-out\" "              \
	"Service=\"SIP\" Src-alias-type=\"SIP\" Src-alias=\"sip:2000@acano.steven.lab\" Dst-alias-type=\"SIP\" "       \
	"Dst-alias=\"sip:stejanss@skype.lab\" Call-serial-number=\"6b2a018a-2da5-4013-a7e5-4e1455feadf7\" "            \
	"Tag=\"d54b2a66-6c2c-4c3f-8a1b-0c2e7c2a9d10\" Detail=\"Found:false, searchtype:INVITE\" Protocol=\"TLS\" "     \
	"Response-code=\"504\" Level=\"1\" UTCTime=\"2017-03-02 07:10:46,250\"\n"
#define DIAGNOSTIC_SRV                                                                                                 \
	"TL_WARN(TF_DIAG) [sfvedge\\svedge]0584.0A44::03/02/2017-07:10:46.230.0000773E "                               \
	"(SIPStack,SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(830)) [156659184] $$begin_record\n"               \
	"Severity: warning\nText: The domain of the message resolved by DNS SRV but none of the FQDNs is in the same " \
	"domain\nResult-Code: 0xc3e93d6f SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH\n"                       \
	"SIP-Start-Line: INVITE sip:stejanss@skype.lab SIP/2.0\n"                                                      \
	"SIP-Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960\nSIP-CSeq: 2066245576 INVITE\n"                             \
	"Peer: vcse.steven.lab:25002\nData: "                                                                          \
	"domain=\"acano.steven.lab\";fqdn1=\"vcse.steven.lab:5061\"\n$$end_record\n"
#define DIAGNOSTIC_NAME                                                                                                \
	"TL_ERROR(TF_DIAG) [sfvedge\\svedge]0B60.0D6C::03/02/2017-06:30:40.025.00005602 "                              \
	"(SIPStack,SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(833)) [3634190282] $$begin_record\n"              \
	"Severity: error\nText: Message cannot be routed because the peer's certificate does not contain a matching "  \
	"FQDN\nResult-Code: 0xc3e93d67 SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH\n"                                         \
	"SIP-Start-Line: INVITE sip:stejanss@skype.lab SIP/2.0\n"                                                      \
	"SIP-Call-ID: e144704c-1dd0-4ea7-929f-77e7e071c24c\nSIP-CSeq: 1567605805 INVITE\nPeer: "                       \
	"vcse.steven.lab:25001\n"                                                                                      \
	"Data: expected-fqdn=\"vcse.acano.steven.lab\";certName=\"vcse.steven.lab\";info=\"The peer certificate does " \
	"not contain a matching FQDN\"\n$$end_record\n"
#define PROTOCOL                                                                                                       \
	"TL_INFO(TF_PROTOCOL) [sfvedge\\svedge]0584.0A44::03/02/2017-07:10:46.240.0000773F "                           \
	"(SIPStack,SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(125)) [156659184] $$begin_record\n"                \
	"Trace-Correlation-Id: 156659184\nInstance-Id: 0000773F\n"                                                     \
	"Direction: outgoing;source=\"internal edge\";destination=\"external edge\"\nPeer: vcse.steven.lab:25002\n"    \
	"Message-Type: response\nStart-Line: SIP/2.0 504 Server time-out\n" VIAS("") REST("")                          \
		DIAGNOSTICS("") "Message-Body: -\n$$end_record\n"
#define CLIENT                                                                                                         \
	"03/02/2017|08:10:46.240 0584:0A44 INFO  :: Data Received -127.48.36.6:5061 (To Local Address: "               \
	"127.48.36.47:25002) 1035 bytes:\n03/02/2017|08:10:46.240 0584:0A44 INFO  :: SIP/2.0 504 Server "              \
	"time-out\n" VIAS("") DIAGNOSTICS("") REST("") "\n03/02/2017|08:10:46.240 0584:0A44 INFO  :: End of Data "     \
						       "Received -127.48.36.6:5061 (To Local Address: "                \
						       "127.48.36.47:25002) 1035 bytes\n"
#define ALONE "SIP/2.0 504 Server time-out\n" VIAS("") REST("") "\n"

static const struct sample {
	const char *name;
	enum trace_kind kind;
	const char *text;
	size_t records;
} samples[] = {
	{ "Expressway, a 504", TRACE_KIND_EXPRESSWAY, EXPRESSWAY_504, 1 },
	{ "Expressway, an INVITE with SDP", TRACE_KIND_EXPRESSWAY, EXPRESSWAY_INVITE, 1 },
	{ "Expressway, an event", TRACE_KIND_EXPRESSWAY, EXPRESSWAY_EVENT, 1 },
	{ "Expressway, three", TRACE_KIND_EXPRESSWAY, EXPRESSWAY_INVITE EXPRESSWAY_504 EXPRESSWAY_EVENT, 3 },
	{ "a diagnostic record, SRV", TRACE_KIND_SIPSTACK, DIAGNOSTIC_SRV, 1 },
	{ "a diagnostic record, name", TRACE_KIND_SIPSTACK, DIAGNOSTIC_NAME, 1 },
	{ "a protocol record", TRACE_KIND_SIPSTACK, PROTOCOL, 1 },
	{ "sipstack, three", TRACE_KIND_SIPSTACK, DIAGNOSTIC_SRV PROTOCOL DIAGNOSTIC_NAME, 3 },
	{ "client", TRACE_KIND_UCCAPI, CLIENT, 1 },
	{ "client, two", TRACE_KIND_UCCAPI, CLIENT CLIENT, 2 },
	{ "a message alone", TRACE_KIND_MIXED, ALONE, 1 },
	{ "all kinds", TRACE_KIND_MIXED, EXPRESSWAY_504 DIAGNOSTIC_SRV CLIENT EXPRESSWAY_EVENT, 4 },
};

/* ---- reading ---- */

#define MAGIC 0x6d656e64

struct got {
	uint32_t magic; /* functions get what they were given with */
	struct trace_writer *writer;
	struct buffer text; /* records as JSON, one a line */
	struct buffer places;
	struct span given; /* the text they stand in */
	char name[128]; /* of the case */
	size_t records, unread;
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct got *got = argument;
	got->records++;
	assert_int_equal(trace_writer_write(got->writer, r, &got->text), 0);
	(void)buffer_printf(
		&got->places, "%llu+%llu ", (unsigned long long)place->line, (unsigned long long)place->offset);
	if (place->raw.length == 0)
		fail_msg("%s: a record of nothing: %s", got->name, got->text.at);
	/* Evidence is quoted from it: it is the text as it stood. */
	if (got->given.at) {
		assert_true(place->offset + place->raw.length <= got->given.length);
		assert_memory_equal(got->given.at + place->offset, place->raw.at, place->raw.length);
		uint64_t line = 1;
		for (size_t i = 0; i < place->offset; i++)
			line += got->given.at[i] == '\n';
		if (line != place->line)
			fail_msg("%s: line %u, not %u", got->name, (unsigned)place->line, (unsigned)line);
	}
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct got *got = argument;
	assert_non_null(why);
	assert_true(place->line > 0);
	got->unread++;
}

static int32_t utc_offset_s(void *argument, int64_t local_us)
{
	const struct got *got = argument;
	assert_int_equal(got->magic, MAGIC);
	assert_true(local_us > 0);
	return 3600;
}

static void begin(struct got *got, struct span given)
{
	struct trace_writer_settings settings = { .format = TRACE_JSON };
	*got = (struct got){ .magic = MAGIC, .writer = trace_writer_new(&settings), .given = given };
	buffer_init(&got->text, 1 << 26);
	buffer_init(&got->places, 1 << 24);
}

static void end(struct got *got)
{
	trace_writer_free(got->writer);
	buffer_done(&got->text);
	buffer_done(&got->places);
}

static void read_strictly(enum trace_kind kind, struct span text, struct got *got)
{
	struct trace_reader_settings settings = {
		.kind = kind, .take = take, .unread = unread, .utc_offset_s = utc_offset_s, .argument = got
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	assert_non_null(reader);
	assert_int_equal(trace_reader_feed(reader, text), 0);
	trace_reader_end(reader);
	trace_reader_free(reader);
}

static struct trace_reader_counts read_whole(
	enum trace_kind kind, struct span text, size_t piece, bool is_stream, struct got *got)
{
	struct trace_reader_settings settings = {
		.kind = kind, .take = take, .unread = unread, .utc_offset_s = utc_offset_s, .argument = got
	};
	struct trace_whole *whole = trace_whole_new(&settings, is_stream);
	assert_non_null(whole);
	while (text.length > 0) {
		struct span part = span_first(text, piece ? piece : text.length);
		char *copy = malloc(part.length);
		memcpy(copy, part.at, part.length);
		assert_int_equal(trace_whole_feed(whole, span_make(copy, part.length)), 0);
		free(copy);
		text = span_from(text, part.length);
	}
	assert_int_equal(trace_whole_end(whole), 0);
	struct trace_reader_counts counts = *trace_whole_counts(whole);
	assert_int_equal(counts.records, got->records);
	assert_int_equal(counts.unread, got->unread);
	trace_whole_free(whole);
	return counts;
}

/* ---- every damage to every text ---- */

static size_t try_one(const struct sample *sample, const struct damage *damage, enum trace_kind kind)
{
	struct got wanted, got;
	struct buffer text;
	struct span whole = span_of(sample->text);
	bool failed;
	buffer_init(&text, 1 << 24);
	if (damage->apply)
		damage->apply(whole, &text);
	else
		(void)buffer_append(&text, whole);
	bool decoded = text.length > 1 && (unsigned char)text.at[0] == 0xff;
	begin(&wanted, SPAN_NONE);
	begin(&got, decoded ? SPAN_NONE : buffer_span(&text));
	if (sample->kind == TRACE_KIND_MIXED)
		(void)read_whole(TRACE_KIND_MIXED, whole, 0, false, &wanted);
	else
		read_strictly(sample->kind, whole, &wanted);
	assert_int_equal(wanted.records, sample->records);
	(void)snprintf(got.name, sizeof(got.name), "%s, %s", sample->name, damage->name);
	(void)read_whole(kind, buffer_span(&text), 0, false, &got);
	failed = !span_equal(buffer_span(&wanted.text), buffer_span(&got.text));
	if (failed)
		(void)fprintf(stderr, "%s, %s, read as %s:\n--- wanted\n%s--- got\n%s--- text\n%s---\n", sample->name,
			damage->name, trace_kind_word(kind), wanted.text.at, got.text.at ? got.text.at : "", text.at);
	end(&wanted);
	end(&got);
	buffer_done(&text);
	return failed;
}

static void every_damage_is_mended(void **state)
{
	(void)state;
	size_t failed = 0;
	for (size_t i = 0; i < BASE_COUNT(samples); i++)
		for (size_t k = 0; k < BASE_COUNT(damages); k++) {
			failed += try_one(&samples[i], &damages[k], TRACE_KIND_MIXED);
			if (samples[i].kind != TRACE_KIND_MIXED)
				failed += try_one(&samples[i], &damages[k], samples[i].kind);
		}
	assert_int_equal(failed, 0);
}

/* What a text has gone through twice: wrapped by an editor, then sent in a mail. */
static const struct damage *first_damage, *second_damage;

static void damage_twice(struct span text, struct buffer *out)
{
	struct buffer between;
	buffer_init(&between, 1 << 24);
	first_damage->apply(text, &between);
	second_damage->apply(buffer_span(&between), out);
	buffer_done(&between);
}

static const struct damage *find_damage(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT(damages); i++)
		if (strcmp(damages[i].name, name) == 0)
			return &damages[i];
	fail_msg("no damage has the name %s", name);
	return NULL;
}

static void two_damages_are_mended(void **state)
{
	(void)state;
	static const char *const firsts[] = { "wrapped at 80", "line ends doubled", "quoted by mail",
		"blanks inside quotes" };
	size_t failed = 0;
	for (size_t f = 0; f < BASE_COUNT(firsts); f++) {
		first_damage = find_damage(firsts[f]);
		/* All that do not change where lines end. */
		for (second_damage = find_damage("line ends doubled"); second_damage < damages + BASE_COUNT(damages);
			second_damage++) {
			char name[128];
			struct damage both = { name, damage_twice };
			(void)snprintf(name, sizeof(name), "%s, then %s", first_damage->name, second_damage->name);
			for (size_t i = 0; i < BASE_COUNT(samples); i++)
				failed += try_one(&samples[i], &both, TRACE_KIND_MIXED);
		}
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_damage_is_mended),
		cmocka_unit_test(two_damages_are_mended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
