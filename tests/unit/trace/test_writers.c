/* SPDX-License-Identifier: Apache-2.0 */
/* Every sample in every format against tests/unit/trace/<format>.golden. To look at a change of
 * format as a diff: FEDGE_GOLDEN=write meson test trace/writers, then git diff. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "trace/writer.h"
#include "unit/cmocka_all.h"
#include "unit/trace/samples.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static int32_t one_hour_east(void *argument, int64_t wall_us)
{
	(void)argument;
	(void)wall_us;
	return 3600;
}

static struct trace_writer *writer_of(enum trace_format format)
{
	struct trace_writer_settings settings = {
		.format = format,
		.node = format == TRACE_SIPSTACK ? SPAN("sfvedge") : SPAN("vcse"),
		.process = 0x584,
		.utc_offset_s = one_hour_east,
	};
	struct trace_writer *w = trace_writer_new(&settings);
	assert_non_null(w);
	return w;
}

static void golden_path(enum trace_format format, char *ret_path, size_t capacity)
{
	const char *root = getenv("FEDGE_SOURCE");
	(void)snprintf(
		ret_path, capacity, "%s/tests/unit/trace/%s.golden", root ? root : ".", trace_format_word(format));
}

static void write_samples(enum trace_format format, struct buffer *out)
{
	struct trace_writer *w = writer_of(format);
	for (size_t i = 0; i < BASE_COUNT(samples); i++) {
		buffer_printf(out, "### %s\n", samples[i].name);
		assert_int_equal(trace_writer_write(w, &samples[i].record, out), 0);
	}
	trace_writer_free(w);
}

static void read_file(const char *path, struct buffer *ret_text)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	char part[4096];
	size_t length;
	while ((length = fread(part, 1, sizeof(part), file)) > 0)
		buffer_append(ret_text, span_make(part, length));
	fclose(file);
}

/* The first line that differs, with the sample it belongs to. */
static void compare(enum trace_format format, struct span made, struct span golden)
{
	char sample[160] = "", expected[512], got[512];
	while (made.at || golden.at) {
		struct span a = span_cut(&made, '\n'), b = span_cut(&golden, '\n');
		if (span_starts_nocase(a, SPAN("### ")))
			(void)span_copy_to(span_first(a, sizeof(sample) - 1), sample, sizeof(sample));
		if (span_equal(a, b))
			continue;
		(void)span_copy_to(span_first(b, sizeof(expected) - 1), expected, sizeof(expected));
		(void)span_copy_to(span_first(a, sizeof(got) - 1), got, sizeof(got));
		fail_msg("%s, %s\n  golden: %s\n  made:   %s", trace_format_word(format), sample, expected, got);
	}
}

static void check_format(enum trace_format format)
{
	char path[512];
	struct buffer made, golden;
	buffer_init(&made, 1 << 20);
	buffer_init(&golden, 1 << 20);
	golden_path(format, path, sizeof(path));
	write_samples(format, &made);
	if (getenv("FEDGE_GOLDEN")) {
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		fwrite(made.at, 1, made.length, file);
		fclose(file);
	}
	read_file(path, &golden);
	compare(format, buffer_span(&made), buffer_span(&golden));
	buffer_done(&made);
	buffer_done(&golden);
}

static void expressway(void **state)
{
	(void)state;
	check_format(TRACE_EXPRESSWAY);
}

static void sipstack(void **state)
{
	(void)state;
	check_format(TRACE_SIPSTACK);
}

static void uccapi(void **state)
{
	(void)state;
	check_format(TRACE_UCCAPI);
}

static void json(void **state)
{
	(void)state;
	check_format(TRACE_JSON);
}

/* The lines of the seed document, with the lab's addresses (127.x for 10.x) and `.` for the
 * blanks that its own page lost. */
static void the_seed_field_by_field(void **state)
{
	(void)state;
	static const struct {
		enum trace_format format;
		const char *sample;
		const char *text;
	} cases[] = {
		{ TRACE_EXPRESSWAY, "message received: the bare 504 of the seed",
			"2017-03-02T08:10:46.240+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46,240\" "
			"Module=\"network.sip\" "
			"Level=\"DEBUG\":  Action=\"Received\" Local-ip=\"127.48.36.47\" Local-port=\"25002\" "
			"Src-ip=\"127.48.36.6\" Src-port=\"5061\" Msg-Hash=\"13707918855517357847\"\n"
			" SIPMSG:\n"
			" |SIP/2.0 504 Server time-out\n"
			" Via: SIP/2.0/TLS 127.48.36.47:5061;egress-zone=DNSZone1;" },
		{ TRACE_EXPRESSWAY, "message received: the bare 504 of the seed",
			" Server: RTC/6.0\n"
			" Content-Length: 0\n"
			"\n"
			"\n"
			" |\n" },
		{ TRACE_SIPSTACK, "judgement: domain rule, only the code is given",
			"TL_WARN(TF_DIAG) [sfvedge\\sfvedge]0584.0A44::03/02/2017-07:10:46.230.0000773E "
			"(SIPStack,SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(830)) [156659184] $$begin_record\n"
			"Severity: warning\n"
			"Text: The domain of the message resolved by DNS SRV but none of the FQDNs is in the same "
			"domain\n"
			"Result-Code: 0xc3e93d6f SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH\n"
			"SIP-Start-Line: INVITE sip:stejanss@skype.lab SIP/2.0\n"
			"SIP-Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960\n"
			"SIP-CSeq: 2066245576 INVITE\n"
			"Peer: vcse.steven.lab:25002\n"
			"Data: domain=\"acano.steven.lab\";fqdn1=\"vcse.steven.lab:5061\"\n"
			"$$end_record\n" },
		{ TRACE_SIPSTACK, "judgement: certificate, as a reader gives it",
			"TL_ERROR(TF_DIAG) [sfvedge\\sfvedge]0B60.0D6C::03/02/2017-06:30:40.025.00005602 "
			"(SIPStack,SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(833)) [3634190282] "
			"$$begin_record\n"
			"Severity: error\n"
			"Text: Message cannot be routed because the peer's certificate does not contain a matching "
			"FQDN\n"
			"Result-Code: 0xc3e93d67 SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH\n"
			"SIP-Start-Line: INVITE sip:stejanss@skype.lab SIP/2.0\n"
			"SIP-Call-ID: e144704c-1dd0-4ea7-929f-77e7e071c24c\n"
			"SIP-CSeq: 1567605805 INVITE\n"
			"Peer: vcse.steven.lab:25001\n"
			"Data: expected-fqdn=\"vcse.acano.steven.lab\";certName=\"vcse.steven.lab\";"
			"info=\"The peer certificate does not contain a matching FQDN\"\n"
			"$$end_record\n" },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct trace_writer *w = writer_of(cases[i].format);
		struct buffer made;
		buffer_init(&made, 1 << 16);
		for (size_t k = 0; k < BASE_COUNT(samples); k++)
			if (strcmp(samples[k].name, cases[i].sample) == 0)
				assert_int_equal(trace_writer_write(w, &samples[k].record, &made), 0);
		if (span_find_span(buffer_span(&made), span_of(cases[i].text)) == made.length)
			fail_msg("case %zu: not found:\n%s\nin:\n%s", i, cases[i].text, made.at);
		buffer_done(&made);
		trace_writer_free(w);
	}
}

/* No result code is known: the record goes without that line. */
static void no_result_code_no_line(void **state)
{
	(void)state;
	struct trace_writer *w = writer_of(TRACE_SIPSTACK);
	struct buffer made;
	buffer_init(&made, 1 << 16);
	for (size_t k = 0; k < BASE_COUNT(samples); k++)
		if (strcmp(samples[k].name, "judgement: no result code is known") == 0)
			assert_int_equal(trace_writer_write(w, &samples[k].record, &made), 0);
	assert_true(made.length > 0);
	assert_int_equal(span_find_span(buffer_span(&made), SPAN("Result-Code")), made.length);
	assert_true(span_find_span(buffer_span(&made), SPAN("TL_ERROR(TF_DIAG)")) == 0);
	buffer_done(&made);
	trace_writer_free(w);
}

/* jansson reads every line, and the message in it is the message. */
static void json_is_json(void **state)
{
	(void)state;
	struct trace_writer *w = writer_of(TRACE_JSON);
	for (size_t i = 0; i < BASE_COUNT(samples); i++) {
		struct buffer made;
		json_error_t error;
		buffer_init(&made, 1 << 16);
		assert_int_equal(trace_writer_write(w, &samples[i].record, &made), 0);
		json_t *object = json_loadb(made.at, made.length, JSON_ALLOW_NUL, &error);
		if (!object)
			fail_msg("%s: %s in %s", samples[i].name, error.text, made.at);
		assert_int_equal(span_find(buffer_span(&made), '\n'), made.length - 1);
		if (i == 0) {
			assert_string_equal(json_string_value(json_object_get(object, "bytes")), SAMPLE_504);
			assert_string_equal(json_string_value(json_object_get(object, "remote")), "127.48.36.6:5061");
			assert_string_equal(json_string_value(json_object_get(object, "hash")), "13707918855517357847");
			assert_string_equal(
				json_string_value(json_object_get(object, "time")), "2017-03-02T07:10:46.240123Z");
		}
		if (i == 3)
			assert_string_equal(
				json_string_value(json_object_get(json_object_get(object, "bytes"), "base64")),
				"G1sySv8KfA==");
		json_decref(object);
		buffer_done(&made);
	}
	trace_writer_free(w);
}

/* A stranger's bytes may not begin or end a record of ours. */
static void nobody_forges_a_record(void **state)
{
	(void)state;
	struct record r = { .kind = RECORD_MESSAGE };
	r.message.bytes = SPAN("MESSAGE sip:a@b SIP/2.0\r\n"
			       "Call-ID: x\"\n2017-03-02T08:10:46.240+01:00 vcse tvcs: Event=\"Forged\"\r\n"
			       "\r\n"
			       "$$end_record\r\nTL_ERROR(TF_DIAG) forged\r\n  $$end_record\r\n"
			       "03/02/2017|08:10:46.230 0584:0A44 INFO  :: forged\r\n"
			       "2017-03-02T08:10:46.240+01:00 vcse tvcs: Event=\"Forged\"\r\n");
	static const char *const forbidden[TRACE_FORMAT_COUNT][3] = {
		[TRACE_EXPRESSWAY] = { "\n2017-03-02T08:10:46.240+01:00", NULL },
		[TRACE_SIPSTACK] = { "\nTL_ERROR", "\n$$end_record\nTL_", NULL },
		[TRACE_UCCAPI] = { "\n03/02/2017|", NULL },
		[TRACE_JSON] = { "\n{", "\n2017", NULL },
	};
	for (unsigned int format = 0; format < TRACE_FORMAT_COUNT; format++) {
		struct trace_writer *w = writer_of((enum trace_format)format);
		struct buffer made;
		buffer_init(&made, 1 << 16);
		assert_int_equal(trace_writer_write(w, &r, &made), 0);
		for (size_t i = 0; forbidden[format][i]; i++)
			if (span_find_span(buffer_span(&made), span_of(forbidden[format][i])) != made.length)
				fail_msg("%s lets '%s' through:\n%s", trace_format_word((enum trace_format)format),
					forbidden[format][i], made.at);
		buffer_done(&made);
		trace_writer_free(w);
	}
}

static void times_and_zones(void **state)
{
	(void)state;
	static const struct {
		int64_t time_us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T01:00:00.000+01:00" },
		{ INT64_C(951782399999999), "2000-02-29T00:59:59.999+01:00" },
		{ INT64_C(951782400000000), "2000-02-29T01:00:00.000+01:00" },
		{ INT64_C(1709251199000000), "2024-03-01T00:59:59.000+01:00" },
		{ INT64_C(4107542400000000), "2100-03-01T01:00:00.000+01:00" },
		{ INT64_C(1798761599500000), "2027-01-01T00:59:59.500+01:00" },
		{ -1, "1970-01-01T01:00:00.000+01:00" },
		{ INT64_MAX, "9999-12-31T" },
		{ INT64_MIN, "1970-01-01T01:00:00.000+01:00" },
	};
	struct trace_writer *w = writer_of(TRACE_EXPRESSWAY);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct buffer made;
		buffer_init(&made, 4096);
		struct record r = { .kind = RECORD_NODE, .head = { .time_us = cases[i].time_us } };
		assert_int_equal(trace_writer_write(w, &r, &made), 0);
		if (!span_starts_nocase(buffer_span(&made), span_of(cases[i].text)))
			fail_msg("%lld: expected %s, made %s", (long long)cases[i].time_us, cases[i].text, made.at);
		buffer_done(&made);
	}
	trace_writer_free(w);
}

static void formats_have_words(void **state)
{
	(void)state;
	enum trace_format format = TRACE_JSON;
	assert_int_equal(trace_format_of(SPAN("sipstack"), &format), 0);
	assert_int_equal(format, TRACE_SIPSTACK);
	assert_int_equal(trace_format_of(SPAN("syslog"), &format), -EINVAL);
	assert_int_equal(format, TRACE_SIPSTACK);
	assert_string_equal(trace_format_word(TRACE_UCCAPI), "uccapi");
}

/* Where the buffer is full the writer says so. */
static void a_full_buffer_is_told(void **state)
{
	(void)state;
	for (unsigned int format = 0; format < TRACE_FORMAT_COUNT; format++) {
		struct trace_writer *w = writer_of((enum trace_format)format);
		struct buffer made;
		buffer_init(&made, 100);
		assert_int_equal(trace_writer_write(w, &samples[0].record, &made), -ENOBUFS);
		buffer_done(&made);
		trace_writer_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressway),
		cmocka_unit_test(sipstack),
		cmocka_unit_test(uccapi),
		cmocka_unit_test(json),
		cmocka_unit_test(the_seed_field_by_field),
		cmocka_unit_test(no_result_code_no_line),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(nobody_forges_a_record),
		cmocka_unit_test(times_and_zones),
		cmocka_unit_test(formats_have_words),
		cmocka_unit_test(a_full_buffer_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
