/* SPDX-License-Identifier: Apache-2.0 */
/* A finding becomes a judgement record: the product's words and keys where the catalogue has
 * them, our own where it has not. */
#include "base/require.h"
#include "record/judgement.h"
#include "unit/cmocka_all.h"

static struct arena arena;
static struct finding_list list;

static int make_list(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	finding_list_init(&list, &arena, FINDING_PARTNER);
	return 0;
}

static int drop_list(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void assert_span(struct span s, const char *expected)
{
	if (!span_is(s, expected))
		fail_msg("expected '%s', got '%.*s'", expected, SPAN_PRINT(s));
}

static void assert_parameters(const struct record_judgement *j, const struct record_pair *expected, size_t count)
{
	assert_int_equal(j->parameters.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_span(j->parameters.at[i].name, expected[i].name.at);
		assert_span(j->parameters.at[i].value, expected[i].value.at);
	}
}

static void the_domain_rule_in_the_edge_s_words(void **state)
{
	(void)state;
	struct record_judgement_storage storage;
	struct record_judgement j;
	struct finding *f = finding_add(&list, FINDING_SRV_TARGET_OUTSIDE_DOMAIN, SPAN("acano.steven.lab"));
	finding_value(f, "domain", SPAN("acano.steven.lab"));
	finding_value(f, "fqdn", SPAN("vcse.steven.lab:5061"));
	finding_value(f, "fqdn", SPAN("b.steven.lab:5061"));
	record_judgement_of(f, &storage, &j);
	assert_span(j.code, "srv-target-outside-domain");
	assert_int_equal(j.severity, RECORD_ERROR);
	assert_span(j.subject, "acano.steven.lab");
	assert_span(j.who, "partner");
	assert_int_equal(j.diagnostics, 1009);
	assert_int_equal(j.result_code, 0xc3e93d6f);
	assert_span(j.result_name, "SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH");
	assert_span(
		j.text, "The domain of the message resolved by DNS SRV but none of the FQDNs is in the same domain");
	assert_int_equal(j.status, 504);
	static const struct record_pair expected[] = {
		{ { "domain", 6 }, { "acano.steven.lab", 16 } },
		{ { "fqdn1", 5 }, { "vcse.steven.lab:5061", 20 } },
		{ { "fqdn2", 5 }, { "b.steven.lab:5061", 17 } },
	};
	assert_parameters(&j, expected, BASE_COUNT(expected));
}

static void what_has_no_result_code_brings_its_title_and_values(void **state)
{
	(void)state;
	struct record_judgement_storage storage;
	struct record_judgement j;
	struct finding *f = finding_add(&list, FINDING_LOOP_DETECTED, SPAN("sip:a@b.example"));
	finding_value(f, "branch", SPAN("z9hG4bK1"));
	record_judgement_of(f, &storage, &j);
	assert_int_equal(j.result_code, 0);
	assert_null(j.result_name.at);
	assert_true(j.text.length > 0);
	assert_int_equal(j.status, 482);
	static const struct record_pair expected[] = { { { "branch", 6 }, { "z9hG4bK1", 8 } } };
	assert_parameters(&j, expected, BASE_COUNT(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_domain_rule_in_the_edge_s_words, make_list, drop_list),
		cmocka_unit_test_setup_teardown(
			what_has_no_result_code_brings_its_title_and_values, make_list, drop_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
