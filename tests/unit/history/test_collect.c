/* SPDX-License-Identifier: Apache-2.0 */
/* Records in, searches out: what is tied to what, when a search is given, what is cut. The page of a search is what is
 * compared: it shows all that was collected. */
#include "history/collect.h"
#include "history/tree.h"
#include "unit/cmocka_all.h"
#include "unit/history/script.h"

struct got {
	struct buffer pages;
	unsigned count, unfinished;
	uint32_t steps_cut, texts_cut;
	size_t steps;
};

static void give(void *argument, const struct history_search *search)
{
	struct got *got = argument;
	struct history_style style = { .ascii = true };
	struct arena arena;
	struct buffer json;
	const struct history_step *steps;
	size_t count;
	got->count++;
	got->unfinished += search->ended ? 0 : 1;
	got->steps_cut = search->steps_cut;
	got->texts_cut = search->texts_cut;
	got->steps = search->step_count;
	assert_int_equal(history_tree_append(&got->pages, search, &style), 0);
	/* What the store keeps of the steps is all of them. */
	arena_init(&arena, 64 << 20);
	buffer_init(&json, 64 << 20);
	assert_int_equal(history_steps_append_json(&json, search->steps, search->step_count), 0);
	assert_int_equal(history_steps_read_json(&arena, buffer_span(&json), &steps, &count), 0);
	struct history_search again = *search;
	struct buffer first, second;
	buffer_init(&first, 64 << 20);
	buffer_init(&second, 64 << 20);
	again.steps = steps;
	assert_int_equal(count, search->step_count);
	assert_int_equal(history_search_append_json(&first, search), 0);
	assert_int_equal(history_search_append_json(&second, &again), 0);
	assert_true(span_equal(buffer_span(&first), buffer_span(&second)));
	buffer_done(&first);
	buffer_done(&second);
	buffer_done(&json);
	arena_done(&arena);
}

static struct history_collector *begin(struct got *got, struct history_collect_settings settings)
{
	struct history_collector *c;
	*got = (struct got){ .count = 0 };
	buffer_init(&got->pages, 4 << 20);
	settings.give = give;
	settings.argument = got;
	assert_int_equal(history_collect_new(&settings, &c), 0);
	return c;
}

static void end(struct got *got, struct history_collector *c)
{
	history_collect_free(c);
	buffer_done(&got->pages);
}

#define ATTEMPTED                                                                                                      \
	"0 search event=attempted method=INVITE source=sip:2000@acano.steven.lab destination=sip:stejanss@skype.lab "  \
	"remote=127.48.36.46:28119 transport=tls call_id=c1 zone=Traversal1 variant=microsoft-av tag=t1\n"
#define COMPLETED(ms, more) #ms " search event=completed method=INVITE duration_us=" #ms "000 tag=t1 " more "\n"

/* The expected pages are tests/unit/history/collect.golden; to look at a change as a diff:
 * FEDGE_GOLDEN=write meson test history/collect, then git diff. */
static const struct {
	const char *name;
	const char *records;
} cases[] = {
	{ "the seed's: the partner's edge says 504 and no more", ATTEMPTED
		"0 rule name=inside verdict=ignored-source alias=stejanss@skype.lab target=Inside priority=10\n"
		"0 rule name=ours verdict=did-not-match alias=stejanss@skype.lab target=Inside priority=20\n"
		"1 rule name=to~partners verdict=considered alias=stejanss@skype.lab target=DNSZone1 priority=100\n"
		"1 attempt event=zone zone=DNSZone1 alias=stejanss@skype.lab\n"
		"1 dns-query name=_sipfederationtls._tcp.skype.lab type=SRV\n"
		"4 dns-answer name=_sipfederationtls._tcp.skype.lab type=SRV records=0~0~5061~sip.skype.lab. "
		"elapsed_us=3000\n"
		"4 attempt event=sent zone=DNSZone1 target=sip.skype.lab remote=127.48.36.6:5061 transport=tls "
		"branch=1\n"
		"9 handshake serial=- remote=127.48.36.6:5061 server_name=sip.skype.lab version=TLSv1.3 "
		"names=sip.skype.lab,skype.lab\n"
		"12 attempt event=answered zone=DNSZone1 target=sip.skype.lab remote=127.48.36.6:5061 transport=tls "
		"branch=1 "
		"status=504 reason=Server~time-out elapsed_us=8000\n"
		"12 attempt event=zone zone=DNSZone1 status=504 reason=Server~time-out\n"
		"12 judgement code=peer-answered severity=error subject=skype.lab who=partner status=504 "
		"text=the~peer~refused~and~gave~no~reason\n" COMPLETED(
			12, "response_code=504 reason=Server~time-out") "12 call event=rejected response_code=504 "
									"reason=Server~time-out\n" },
	{ "refused by the rules of trust before it was searched for",
		"0 dns-query name=_sipfederationtls._tcp.b.example type=SRV\n"
		"9 dns-answer name=_sipfederationtls._tcp.b.example type=SRV status=nxdomain elapsed_us=9000\n"
		"9 judgement code=srv-missing severity=error subject=b.example status=504 text=no~SRV~record "
		"call_id=c9\n"
		"9 call event=rejected source=sip:eve@b.example destination=sip:2000@steven.lab call_id=c9 "
		"remote=192.0.2.7:40000 transport=tls response_code=504 reason=Server~time-out duration_us=9000\n" },
	{ "two zones of one priority asked at once: each has its own branch of the tree", ATTEMPTED
		"0 rule part=transform name=strip~9 verdict=did-not-match alias=stejanss@skype.lab\n"
		"0 rule part=transform name=to~dot~lab verdict=considered alias=jan@skype.lab priority=2\n"
		"0 rule part=policy name=guests verdict=did-not-match\n"
		"0 rule part=policy name=people verdict=considered action=allow\n"
		"1 rule name=a verdict=considered alias=jan@skype.lab target=A priority=1\n"
		"1 rule name=b verdict=considered alias=jan@skype.lab target=B priority=1\n"
		"1 rule name=c verdict=ignored-unauthenticated target=C priority=2\n"
		"1 rule name=d verdict=ignored-variant target=C priority=2\n"
		"1 rule name=e verdict=too-costly target=C priority=2\n"
		"1 rule name=f verdict=ignored-disabled target=C priority=2\n"
		"2 attempt event=zone zone=A alias=jan@skype.lab group=1\n"
		"2 attempt event=sent zone=A remote=192.0.2.1:5060 transport=tcp branch=1\n"
		"2 attempt event=zone zone=B alias=jan@skype.lab group=1\n"
		"2 attempt event=sent zone=B remote=192.0.2.2:5060 transport=tcp branch=2\n"
		"3 connection serial=- event=opened transport=tcp remote=192.0.2.1:5060\n"
		"3 connection serial=- event=failed transport=tcp remote=192.0.2.2:5060 stage=connect "
		"reason=Connection~refused\n"
		"3 attempt event=failed zone=B remote=192.0.2.2:5060 transport=tcp branch=2 "
		"reason=connect:~Connection~refused\n"
		"3 attempt event=skipped zone=B remote=192.0.2.3:5060 transport=tcp branch=3 reason=known~to~be~dead\n"
		"3 attempt event=zone zone=B status=503\n"
		"40 attempt event=answered zone=A remote=192.0.2.1:5060 transport=tcp branch=1 status=200 reason=OK "
		"elapsed_us=38000\n" COMPLETED(
			40, "found=true response_code=200 reason=OK") "40 call event=connected response_code=200 "
								      "reason=OK\n" },
	{ "policy rejects",
		ATTEMPTED "0 rule part=policy name=nobody verdict=considered action=reject~403~Forbidden\n" COMPLETED(
			1, "response_code=403 reason=Forbidden") },
	{ "policy cannot be judged",
		ATTEMPTED "0 rule part=policy name=costly verdict=too-costly action=reject~403\n" COMPLETED(
			1, "response_code=403 reason=Forbidden") },
	{ "no rule: the judgement without a status of its own is the reason",
		ATTEMPTED "0 judgement code=no-rule-matches severity=error subject=sip:x status=404 "
			  "text=no~search~rule~leads~there\n" COMPLETED(
				  1, "response_code=404 reason=Not~Found detail=Policy~Response") },
	{ "the caller's own handshake is told too, others' are not",
		"0 handshake serial=- role=server remote=127.48.36.46:28119 version=TLSv1.3 "
		"common_name=vcsc.steven.lab names=vcsc.steven.lab\n"
		"1 handshake serial=- role=server remote=192.0.2.9:28119 version=TLSv1.3 common_name=other.example\n"
		"2 handshake serial=- role=client remote=127.48.36.46:28119 version=TLSv1.3\n"
		"5 search event=attempted method=OPTIONS source=sip:a@b destination=sip:c@d remote=127.48.36.46:28119 "
		"transport=tls\n"
		"6 search event=completed found=true response_code=200\n" },
	{ "a handshake fails, the next address answers", ATTEMPTED
		"1 attempt event=zone zone=Z alias=x\n"
		"1 attempt event=sent zone=Z target=one.example remote=192.0.2.1:5061 transport=tls branch=1\n"
		"2 handshake serial=- failed=true remote=192.0.2.1:5061 server_name=one.example "
		"reason=tlsv1~alert~unknown~ca\n"
		"2 attempt event=failed zone=Z target=one.example remote=192.0.2.1:5061 transport=tls branch=1 "
		"reason=handshake\n"
		"3 handshake serial=- remote=192.0.2.1:5061 server_name=late.example\n"
		"3 attempt event=sent zone=Z target=two.example remote=[2001:db8::1]:5061 transport=tls branch=2\n"
		"4 attempt event=cancelled zone=Z target=two.example remote=[2001:db8::1]:5061 transport=tls "
		"branch=2\n" COMPLETED(5, "response_code=487 reason=Request~Terminated") },
	{ "terminal escapes and bytes of no character set",
		"0 search event=attempted method=IN\033[31mVITE source=sip:\xff\xfe@b destination=sip:c\r\n"
		"0 search event=completed response_code=500 reason=\033]0;x\a\n" },
	{ "a registration and a zone are entries of their own",
		"0 registration serial=- event=accepted alias=2000@steven.lab contact=sip:2000@127.48.54.11 user=2000 "
		"agent=DX70 "
		"expires_s=3600 remote=127.48.54.11:51000 transport=tcp\n"
		"1 registration serial=- event=rejected alias=2001@steven.lab status=403 reason=Forbidden\n"
		"2 zone serial=- zone=TraversalZoneClient1 state=failed before=active peer=127.48.36.47:7001 "
		"reason=no~answer\n" },
	{ "records without a search, or after its end, are no search",
		"0 dns-query serial=other name=a type=A\n"
		"0 judgement serial=other code=x severity=note\n"
		"0 rule serial=- name=a\n"
		"0 attempt serial=third event=sent remote=192.0.2.1:5060 transport=udp\n"
		"0 call serial=third event=disconnected\n"
		"0 message bytes=INVITE\n" },
};

static void read_file(const char *path, struct buffer *ret_text)
{
	FILE *file = fopen(path, "rb");
	char part[4096];
	size_t length;
	if (!file)
		fail_msg("%s is missing", path);
	while ((length = fread(part, 1, sizeof(part), file)) > 0)
		buffer_append(ret_text, span_make(part, length));
	fclose(file);
}

static void compare(struct span made, struct span golden)
{
	struct span name = SPAN("-");
	while (made.at || golden.at) {
		struct span a = span_cut(&made, '\n'), b = span_cut(&golden, '\n');
		if (span_starts_nocase(a, SPAN("### ")))
			name = a;
		if (!span_equal(a, b))
			fail_msg(
				"%.*s\n  golden: %.*s\n  made:   %.*s", SPAN_PRINT(name), SPAN_PRINT(b), SPAN_PRINT(a));
	}
}

static void pages_are_as_they_were(void **state)
{
	(void)state;
	const char *root = getenv("FEDGE_SOURCE"), *golden = getenv("FEDGE_GOLDEN");
	char path[4096];
	struct buffer all, wanted;
	buffer_init(&all, 16 << 20);
	buffer_init(&wanted, 16 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct got got;
		struct history_collector *c = begin(&got, (struct history_collect_settings){ .give = give });
		struct record_sink sink = history_collect_sink(c);
		script_run(&sink, cases[i].records);
		history_collect_flush(c);
		buffer_printf(&all, "### %s\n", cases[i].name);
		buffer_append(&all, buffer_span(&got.pages));
		end(&got, c);
	}
	snprintf(path, sizeof(path), "%s/tests/unit/history/collect.golden", root ? root : ".");
	if (golden && strcmp(golden, "write") == 0) {
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		fwrite(all.at, 1, all.length, file);
		fclose(file);
	}
	read_file(path, &wanted);
	compare(buffer_span(&all), buffer_span(&wanted));
	buffer_done(&all);
	buffer_done(&wanted);
}

/* ---- when ---- */

static void each_is_given_in_its_time(void **state)
{
	(void)state;
	struct got got;
	struct history_collector *c = begin(&got,
		(struct history_collect_settings){ .linger_us = 100000, .early_us = 1000000, .silence_us = 60000000 });
	struct record_sink sink = history_collect_sink(c);
	script_run(&sink, ATTEMPTED);
	history_collect_tick(c, SCRIPT_START_US + 900000);
	assert_int_equal(got.count, 0);
	/* It rings: shown as under way, once. */
	history_collect_tick(c, SCRIPT_START_US + 1000000);
	history_collect_tick(c, SCRIPT_START_US + 2000000);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.unfinished, 1);
	script_run(&sink, COMPLETED(3000, "found=true response_code=200"));
	history_collect_tick(c, SCRIPT_START_US + 3050000);
	assert_int_equal(got.count, 1);
	/* What comes a moment later belongs to it. */
	script_run(&sink, "3060 call event=connected response_code=200\n");
	history_collect_tick(c, SCRIPT_START_US + 3150000);
	assert_int_equal(got.count, 1);
	history_collect_tick(c, SCRIPT_START_US + 3160000);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.unfinished, 1);
	assert_int_equal(got.steps, 1);
	assert_int_equal(history_collect_counts(c).given, 1);
	assert_int_equal(history_collect_counts(c).open, 0);
	end(&got, c);
}

static void what_was_never_ended_goes(void **state)
{
	(void)state;
	struct got got;
	struct history_collector *c =
		begin(&got, (struct history_collect_settings){ .early_us = 1000000000000, .silence_us = 60000000 });
	struct record_sink sink = history_collect_sink(c);
	script_run(&sink, ATTEMPTED "0 dns-query serial=stray name=a type=A\n");
	assert_int_equal(history_collect_counts(c).open, 2);
	history_collect_tick(c, SCRIPT_START_US + 59000000);
	assert_int_equal(history_collect_counts(c).open, 1);
	assert_int_equal(history_collect_counts(c).ignored, 1);
	history_collect_tick(c, SCRIPT_START_US + 60000000);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.unfinished, 1);
	assert_int_equal(history_collect_counts(c).open, 0);
	end(&got, c);
}

/* A clock that is set back gives at once what has ended, and nothing else. */
static void a_clock_may_jump(void **state)
{
	(void)state;
	struct got got;
	struct history_collector *c = begin(&got, (struct history_collect_settings){ .give = give });
	struct record_sink sink = history_collect_sink(c);
	script_run(&sink, ATTEMPTED "0 search serial=s2 event=attempted\n" COMPLETED(5, "found=true"));
	history_collect_tick(c, SCRIPT_START_US - INT64_C(3600000000));
	assert_int_equal(got.count, 1);
	assert_int_equal(history_collect_counts(c).open, 1);
	end(&got, c);
}

/* ---- bounds ---- */

static void steps_and_texts_are_bounded(void **state)
{
	(void)state;
	struct got got;
	struct history_collector *c =
		begin(&got, (struct history_collect_settings){ .steps_maximum = 20, .bytes_maximum = 8192 });
	struct record_sink sink = history_collect_sink(c);
	script_run(&sink, ATTEMPTED);
	char text[3000];
	memset(text, 'x', sizeof(text));
	struct record r = { .kind = RECORD_RULE, .head = { .time_us = SCRIPT_START_US, .serial = SPAN("s1") } };
	r.rule.name = span_make(text, sizeof(text));
	for (int i = 0; i < 500; i++)
		record_take(&sink, &r);
	script_run(
		&sink, "1 judgement code=loop-detected severity=error status=482\n" COMPLETED(1, "response_code=482"));
	history_collect_flush(c);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.steps, 21); /* the judgement is kept */
	assert_int_equal(got.steps_cut, 480);
	assert_true(got.texts_cut >= 20);
	assert_int_equal(history_collect_counts(c).steps_cut, 480);
	end(&got, c);
}

static void searches_under_way_are_bounded(void **state)
{
	(void)state;
	struct got got;
	struct history_collector *c = begin(&got, (struct history_collect_settings){ .open_maximum = 10 });
	struct record_sink sink = history_collect_sink(c);
	for (int i = 0; i < 25; i++) {
		char line[64];
		snprintf(line, sizeof(line), "%d search serial=n%d event=attempted\n", i, i);
		script_run(&sink, line);
	}
	assert_int_equal(history_collect_counts(c).open, 10);
	assert_int_equal(history_collect_counts(c).evicted, 15);
	assert_int_equal(got.count, 15);
	history_collect_flush(c);
	assert_int_equal(got.count, 25);
	end(&got, c);
}

/* Each of them is within its own maximum. */
static void all_under_way_have_a_total(void **state)
{
	(void)state;
	struct got got;
	size_t total = 200000, most = 0;
	struct history_collector *c = begin(&got, (struct history_collect_settings){ .total_maximum = total });
	struct record_sink sink = history_collect_sink(c);
	for (int i = 0; i < 40; i++) {
		for (int step = 0; step < 100; step++) {
			char line[128];
			snprintf(line, sizeof(line), "%d %s serial=n%d %s\n", i * 10, step ? "rule" : "search", i,
				step ? "name=a-rule verdict=did-not-match alias=anna@steven.lab" : "event=attempted");
			script_run(&sink, line);
			struct history_collect_counts counts = history_collect_counts(c);
			most = counts.bytes > most ? counts.bytes : most;
		}
	}
	struct history_collect_counts counts = history_collect_counts(c);
	assert_true(most <= total && most > total / 2);
	assert_true(counts.open > 1 && counts.evicted == 40 - counts.open && got.count == counts.evicted);
	assert_int_equal(counts.steps_cut, 0);
	history_collect_flush(c);
	assert_int_equal(got.count, 40);
	assert_int_equal(history_collect_counts(c).bytes, 0);
	end(&got, c);
}

static void steps_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "{}", "[1]", "[{}]", "[{\"kind\":\"flying\"}]",
		"[{\"kind\":\"rule\",\"status\":70000}]", "[{\"kind\":\"rule\",\"status\":-1}]",
		"[{\"kind\":\"rule\",\"name\":1}]", "[{\"kind\":\"dns\",\"list\":\"x\"}]",
		"[{\"kind\":\"dns\",\"list\":[1]}]", "[{\"kind\":\"rule\",\"failing\":1}]", "[{\"kind\":\"rule\"}" };
	const struct history_step *steps;
	size_t count;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (history_steps_read_json(&arena, span_of(texts[i]), &steps, &count) == 0)
			fail_msg("%s", texts[i]);
	assert_int_equal(history_steps_read_json(
				 &arena, SPAN("[{\"kind\":\"rule\",\"new\":[1],\"name\":\"a\"}]"), &steps, &count),
		0);
	assert_int_equal(count, 1);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_as_they_were),
		cmocka_unit_test(each_is_given_in_its_time),
		cmocka_unit_test(what_was_never_ended_goes),
		cmocka_unit_test(a_clock_may_jump),
		cmocka_unit_test(steps_and_texts_are_bounded),
		cmocka_unit_test(searches_under_way_are_bounded),
		cmocka_unit_test(all_under_way_have_a_total),
		cmocka_unit_test(steps_that_are_none_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
