/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as evidence in a log, and what does not; and the comparison with the table. */
#include "lab/run.h"
#include "lab_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char expressway[] =
	"2017-03-02T08:10:46.230+01:00 vcse tvcs: Module=\"network.sip\" Level=\"DEBUG\":  Action=\"Sent\"\n"
	" SIPMSG:\n"
	" |INVITE sip:stejanss@skype.lab SIP/2.0\n"
	" Call-ID: one\n"
	" |\n"
	"2017-03-02T08:10:46.240+01:00 vcse tvcs: Module=\"network.sip\" Level=\"DEBUG\":  Action=\"Received\"\n"
	" SIPMSG:\n"
	" |SIP/2.0 504 Server time-out\n"
	" To: <sip:stejanss@skype.lab>;tag=C65A7B0A8766A5F1D386474833D07882\n"
	" Call-ID: one\n"
	" Server: RTC/6.0\n"
	" |\n"
	"2017-03-02T08:10:46.250+01:00 vcse tvcs: Module=\"network.sip\" Level=\"DEBUG\":  Action=\"Received\"\n"
	" |SIP/2.0 504 Server time-out\n"
	" Call-ID: e144-2\n"
	" ms-diagnostics: 1009;reason=\"x\"\n";

static const struct mark_case {
	const char *name;
	const char *call_id;
	struct lab_mark mark;
	bool found;
} mark_cases[] = {
	{ "all in one record", "one",
		{ .format = "expressway", .has = { "Action=\"Received\"", "504 Server time-out", "RTC/6.0" } }, true },
	{ "the words of two records are not one record", "one",
		{ .format = "expressway", .has = { "Action=\"Sent\"", "504 Server time-out" } }, false },
	{ "another call's record does not count", "e144-2", { .format = "expressway", .has = { "RTC/6.0" } }, false },
	{ "what must be absent", "one", { .format = "expressway", .has = { "504" }, .lacks = { "ms-diagnostics" } },
		true },
	{ "what must be absent is there", "e144-2",
		{ .format = "expressway", .has = { "504" }, .lacks = { "ms-diagnostics" } }, false },
	{ "a pattern is for a line", "one",
		{ .format = "expressway", .has = { "504" }, .pattern = "To:.*;tag=[0-9A-F]{32}\r?$" }, true },
	{ "a pattern that no line has", "one",
		{ .format = "expressway", .has = { "504" }, .pattern = "To:.*;tag=[0-9A-F]{33}" }, false },
};

static void marks_are_found_where_they_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mark_cases) / sizeof(mark_cases[0]); i++) {
		print_message("%s\n", mark_cases[i].name);
		struct lab_call_ids ids = { .second = "" };
		snprintf(ids.first, sizeof(ids.first), "%s", mark_cases[i].call_id);
		assert_int_equal(lab_evidence_has(span_of(expressway), &mark_cases[i].mark, &ids), mark_cases[i].found);
		/* The same under the second Call-ID of a call whose first one is in no record. */
		struct lab_call_ids bridged = { .first = "elsewhere" };
		snprintf(bridged.second, sizeof(bridged.second), "%s", mark_cases[i].call_id);
		assert_int_equal(
			lab_evidence_has(span_of(expressway), &mark_cases[i].mark, &bridged), mark_cases[i].found);
	}
}

static size_t count_records(const char *log, const char *format)
{
	struct span rest = span_of(log);
	size_t count = 0;
	size_t bytes = 0;
	for (;;) {
		struct span record = lab_evidence_record(&rest, format);
		if (!record.at)
			break;
		bytes += record.length;
		count++;
	}
	assert_int_equal(bytes, strlen(log)); /* nothing is lost between records */
	return count;
}

static void logs_are_cut_at_their_records(void **state)
{
	(void)state;
	assert_int_equal(count_records(expressway, "expressway"), 3);
	assert_int_equal(count_records("", "json"), 0);
	assert_int_equal(count_records("{}\n{}\n{}", "json"), 3);
	assert_int_equal(
		count_records("TL_INFO(TF_PROTOCOL) a\nb\n\n$$end_record\nTL_WARN(TF_DIAG) c\n", "sipstack"), 2);
	assert_int_equal(count_records("01/15/2012|11:30:10.163 1:2 INFO  :: Data Received -a\n"
				       "01/15/2012|11:30:10.163 1:2 INFO  :: SIP/2.0 200 OK\nVia: x\n"
				       "01/15/2012|11:30:10.163 1:2 INFO  :: End of Data Received -a\n"
				       "01/15/2012|11:30:11.163 1:2 INFO  :: Sending Packet - a\n",
				 "uccapi"),
		2);
}

#define REFUSAL(method, status, code, call)                                                                            \
	"{\"kind\":\"judgement\",\"node\":\"vcse\",\"status\":" status ",\"start_line\":\"" method                     \
	" sip:a@b.example SIP/2.0\",\"cseq\":\"2 " method "\",\"code\":\"" code "\",\"call_id\":\"" call "\"}\n"
#define JUDGEMENT(status, code, call) REFUSAL("INVITE", status, code, call)
static const struct finding_case {
	const char *name;
	const char *log;
	const char *code;
} finding_cases[] = {
	{ "none", "{\"kind\":\"message\",\"text\":\"Call-ID: one\"}\n", NULL },
	{ "what refused nothing decides nothing", JUDGEMENT("0", "address-private", "one"), NULL },
	{ "another call", JUDGEMENT("504", "srv-missing", "e144-2"), NULL },
	{ "the refusal", JUDGEMENT("0", "a", "one") JUDGEMENT("504", "srv-missing", "one"), "srv-missing" },
	{ "a reason goes before an echo",
		JUDGEMENT("504", "peer-answered", "one") JUDGEMENT("504", "srv-missing", "one"), "srv-missing" },
	{ "an echo alone", JUDGEMENT("504", "peer-answered", "one"), "peer-answered" },
	{ "a damaged line is passed over",
		"{\"kind\":\"judgement\",\"call_id\":\"one\"\n" JUDGEMENT("504", "srv-missing", "one"), "srv-missing" },
};

static const struct lab_call_ids one = { .first = "one" };

static void the_second_half_of_a_call_is_found(void **state)
{
	static const char said[] = "bridging\n"
				   "{\"call_id\":\"another\",\"bridged_call_id\":\"wrong\"}\n"
				   "{\"call_id\":\"one\",\"bridged_call_id\":null}\n"
				   "{\"call_id\":\"one\",\"bridged_call_id\":\"two\"}\n"
				   "{\"call_id\":\"one\",\"bridged_call_id\":\"three\"}\n";
	struct lab_call_ids ids = one;
	(void)state;
	lab_evidence_bridged_in(span_of(said), &ids);
	assert_string_equal(ids.second, "two");
	ids = (struct lab_call_ids){ .first = "nowhere" };
	lab_evidence_bridged_in(span_of(said), &ids);
	assert_string_equal(ids.second, "");
}

static void the_finding_is_that_of_the_call(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(finding_cases) / sizeof(finding_cases[0]); i++) {
		char code[LAB_CODE_MAXIMUM] = "";
		print_message("%s\n", finding_cases[i].name);
		bool found = lab_evidence_finding_in(span_of(finding_cases[i].log), &one, code);
		assert_int_equal(found, finding_cases[i].code != NULL);
		if (finding_cases[i].code)
			assert_string_equal(code, finding_cases[i].code);
	}
}

static void a_refusal_within_the_call_is_another_matter(void **state)
{
	static const char log[] = REFUSAL("BYE", "504", "connect-refused", "one") JUDGEMENT("504", "srv-missing", "one")
		REFUSAL("BYE", "504", "tls-reset", "e144-2");
	char code[LAB_CODE_MAXIMUM] = "";
	struct buffer lines;
	(void)state;
	buffer_init(&lines, 4096);
	assert_true(lab_evidence_finding_in(span_of(log), &one, code));
	assert_string_equal(code, "srv-missing");
	lab_evidence_broken_in(span_of(log), &one, &lines);
	assert_string_equal(lines.at, "within the call vcse refused 2 BYE by connect-refused\n");
	buffer_done(&lines);
}

static void an_answer_is_read(void **state)
{
	struct lab_answer answer;
	(void)state;
	assert_int_equal(lab_answer_parse(SPAN("{\"call_id\":\"one\",\"status\":504,\"reason\":\"Server time-out\","
					       "\"ms_diagnostics\":{\"id\":1009,\"reason\":\"No match\","
					       "\"text\":\"1009;reason=…\"},\"ms_diagnostics_public\":null}\n"),
				 &answer),
		0);
	assert_int_equal(answer.status, 504);
	assert_int_equal(answer.diagnostics.id, 1009);
	assert_int_equal(answer.public_diagnostics.id, 0);
	assert_string_equal(answer.call_id, "one");
	assert_string_equal(answer.diagnostics.reason, "No match");
	assert_int_equal(lab_answer_parse(SPAN("Segmentation fault\n"), &answer), -EBADMSG);
	assert_int_equal(lab_answer_parse(SPAN(""), &answer), -EBADMSG);
}

/* A result as srv-missing wants it, inbound; each row spoils one thing. */
static void comparison_sees_every_difference(void **state)
{
	static const struct {
		const char *name;
		int status;
		int id;
		const char *finding;
		bool write_log;
		bool as_expected;
	} rows[] = {
		{ "as the table says", 504, 1008, "srv-missing", true, true },
		{ "another status", 503, 1008, "srv-missing", true, false },
		{ "no answer", 0, 1008, "srv-missing", true, false },
		{ "another reason", 504, 1009, "srv-missing", true, false },
		{ "no reason", 504, 0, "srv-missing", true, false },
		{ "another finding", 504, 1008, "srv-lookup-failed", true, false },
		{ "no finding", 504, 1008, "", true, false },
		{ "nothing in the log", 504, 1008, "srv-missing", false, false },
	};
	static const char log[] =
		"11/22/2026|11:30:10.163 1:2 INFO  :: Data Received -a\n"
		"SIP/2.0 504 Server time-out\nCall-ID: one\n"
		"ms-diagnostics: 1008;reason=\"x\";domain=\"cms.steven.lab\";source=\"sip.skype.lab\"\n";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lab_place place;
		struct lab_result result = { .scenario = lab_scenario_find("srv-missing"), .direction = LAB_INBOUND };
		print_message("%s\n", rows[i].name);
		assert_int_equal(lab_place_open(&place, *state), 0);
		assert_int_equal(lab_place_write(&place, "lab.json", 0644, SPAN("{}")), 0);
		assert_int_equal(
			lab_place_write(&place, "stejanss.log", 0644, rows[i].write_log ? span_of(log) : SPAN("\n")),
			0);
		result.caller = result.callee = "sip:a@b.example";
		result.folder = *state;
		result.answer = (struct lab_answer){ .status = rows[i].status, .call_id = "one" };
		result.ids = one;
		result.answer.diagnostics.id = rows[i].id;
		snprintf(result.finding, sizeof(result.finding), "%s", rows[i].finding);
		buffer_init(&result.differences, 4096);
		lab_result_judge(&result, &place);
		assert_int_equal(result.as_expected, rows[i].as_expected);
		assert_int_equal(result.differences.length == 0, rows[i].as_expected);
		buffer_done(&result.differences);
		lab_place_close(&place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_found_where_they_are),
		cmocka_unit_test(logs_are_cut_at_their_records),
		cmocka_unit_test(the_second_half_of_a_call_is_found),
		cmocka_unit_test(the_finding_is_that_of_the_call),
		cmocka_unit_test(a_refusal_within_the_call_is_another_matter),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test_setup_teardown(comparison_sees_every_difference, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
