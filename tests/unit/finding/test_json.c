/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/json.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>

static void a_finding_is_one_object(void **state)
{
	(void)state;
	struct arena arena;
	struct finding_list list;
	arena_init(&arena, 1 << 20);
	finding_list_init(&list, &arena, FINDING_PARTNER);
	struct finding *f = finding_add(&list, FINDING_SRV_TARGET_OUTSIDE_DOMAIN, SPAN("a.example"));
	struct span text = SPAN("_sip… SRV 0 0 5061 b.\xff");
	finding_observed(f, SPAN("b.example"));
	finding_evidence(f, FINDING_EVIDENCE_DNS, text, span_first(text, 4), SPAN("note"));
	finding_evidence_file(f, SPAN("x.log"), 7, SPAN("line"));
	struct finding_fix *fix = finding_fix(f, FINDING_OWNER, "DNS", SPAN("publish it"));
	finding_fix_line(fix, "long.a.example.\tA\t1");
	finding_fix_line(fix, "b.\tA\t2");
	json_t *object = finding_json(f);
	char *got = json_dumps(object, JSON_COMPACT);
	assert_string_equal(got,
		"{\"code\":\"srv-target-outside-domain\",\"severity\":\"error\",\"who\":\"partner\","
		"\"title\":\"no SRV target is in the domain `a.example`\",\"subject\":\"a.example\","
		"\"observed\":\"b.example\",\"expected\":null,\"evidence\":[{\"kind\":\"dns\","
		"\"text\":\"_sip… SRV 0 0 5061 "
		"b.\xef\xbf\xbd\",\"mark\":[0,4],\"note\":\"note\",\"file\":null,\"line\":null},"
		"{\"kind\":\"file\",\"text\":\"line\",\"mark\":null,\"note\":null,\"file\":\"x.log\",\"line\":7}],"
		"\"fixes\":[{\"who\":\"partner\",\"where\":\"DNS\",\"title\":\"publish it\","
		"\"lines\":[\"long.a.example. A 1\",\"b.              A 2\"]}],\"not_judged\":[\"certificate\"],"
		"\"ms_diagnostics\":{\"id\":1009,\"reason\":\"No match for domain in DNS SRV results\"},"
		"\"hresult\":null,\"result_code\":{\"code\":\"0xc3e93d6f\","
		"\"name\":\"SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH\"}}");
	free(got);
	json_decref(object);
	arena_done(&arena);
}

static void every_code_makes_valid_json(void **state)
{
	(void)state;
	struct arena arena;
	struct finding_list list;
	arena_init(&arena, 1 << 20);
	finding_list_init(&list, &arena, FINDING_YOU);
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++)
		finding_add(&list, (enum finding_code)i, SPAN("x\x01\xc3"));
	json_t *all = finding_list_json(&list);
	assert_int_equal(json_array_size(all), FINDING_COUNT - 1);
	char *text = json_dumps(all, 0);
	assert_non_null(text);
	free(text);
	json_decref(all);
	json_t *none = finding_json_diagnostics(NULL);
	assert_true(json_is_null(none));
	json_decref(none);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finding_is_one_object),
		cmocka_unit_test(every_code_makes_valid_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
