/* SPDX-License-Identifier: Apache-2.0 */
/* The table of scenarios against itself, and against the catalogue of findings. */
#include "finding/catalogue.h"
#include "lab/scenario.h"
#include "lab_test.h"

#include <regex.h>
#include <string.h>

static void for_each(void (*check)(const struct lab_scenario *scenario))
{
	for (size_t i = 0; i < lab_scenario_count(); i++) {
		print_message("%s\n", lab_scenario_at(i)->name);
		check(lab_scenario_at(i));
	}
}

static void check_name(const struct lab_scenario *scenario)
{
	assert_ptr_equal(lab_scenario_find(scenario->name), scenario);
	assert_true(strlen(scenario->name) <= 25); /* the table's column */
	assert_null(strchr(scenario->description, '\n'));
	assert_true(strspn(scenario->name, "abcdefghijklmnopqrstuvwxyz-") == strlen(scenario->name));
}

static void names_are_unique_and_fit(void **state)
{
	(void)state;
	assert_true(lab_scenario_count() <= LAB_SCENARIO_MAXIMUM);
	for_each(check_name);
	assert_null(lab_scenario_find("no-such-scenario"));
}

static void check_expectation(const struct lab_scenario *scenario)
{
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++) {
		const struct lab_expectation *expected = &scenario->expected[i];
		assert_true(expected->status == 200 || expected->status == 403 || expected->status == 504);
		/* A refusal has a reason that a node has judged; an answer has none. */
		assert_int_equal(expected->finding != NULL, expected->status != 200);
		if (expected->status == 200)
			assert_int_equal(expected->diagnostics, 0);
		if (expected->finding)
			assert_int_not_equal(finding_code_of(span_of(expected->finding)), FINDING_NONE);
		if (expected->status == 504)
			assert_non_null(expected->marks[0]);
	}
}

static void every_refusal_has_a_finding_of_the_catalogue(void **state)
{
	(void)state;
	for_each(check_expectation);
}

static bool host_writes(const struct lab_mark *mark)
{
	const struct lab_host *host = lab_host(mark->host);
	for (size_t i = 0; i < LAB_LOGS_MAXIMUM && host->logs[i]; i++) {
		if (strcmp(host->logs[i], mark->format) == 0)
			return true;
	}
	return false;
}

static void check_marks(const struct lab_scenario *scenario)
{
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++) {
		for (size_t j = 0; j < LAB_MARK_LISTS; j++) {
			const struct lab_mark *mark = scenario->expected[i].marks[j];
			for (; mark && mark->shows; mark++) {
				regex_t pattern;
				assert_true(host_writes(mark));
				assert_non_null(mark->has[0]); /* a mark that asks for nothing proves nothing */
				if (!mark->pattern)
					continue;
				assert_int_equal(regcomp(&pattern, mark->pattern, REG_EXTENDED | REG_NEWLINE), 0);
				regfree(&pattern);
			}
		}
	}
}

static void marks_are_of_logs_that_are_written(void **state)
{
	(void)state;
	for_each(check_marks);
}

/* What the catalogue says of a finding is what the scenario expects at the caller. */
static void check_diagnostics(const struct lab_scenario *scenario)
{
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++) {
		const struct lab_expectation *expected = &scenario->expected[i];
		if (expected->diagnostics <= 0 || expected->diagnostics == 1034)
			continue;
		const struct finding_entry *entry = finding_entry(finding_code_of(span_of(expected->finding)));
		assert_int_equal(entry->microsoft.id, expected->diagnostics);
		assert_int_equal(entry->status, expected->status);
	}
}

static void numbers_agree_with_the_catalogue(void **state)
{
	(void)state;
	for_each(check_diagnostics);
}

static void all_of_the_contract_is_there(void **state)
{
	static const char *const contract[] = { "healthy", "srv-other-domain", "srv-subdomain", "cert-name-missing",
		"cert-cn-only", "cert-cn-ignored", "cert-wildcard", "cert-untrusted", "cert-chain-incomplete",
		"cert-expired", "cert-server-usage-only", "srv-missing", "address-missing", "port-closed",
		"domain-blocked", "partner-srv-other-domain", "partner-cert-name-missing" };
	(void)state;
	for (size_t i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
		print_message("%s\n", contract[i]);
		assert_non_null(lab_scenario_find(contract[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_fit),
		cmocka_unit_test(every_refusal_has_a_finding_of_the_catalogue),
		cmocka_unit_test(marks_are_of_logs_that_are_written),
		cmocka_unit_test(numbers_agree_with_the_catalogue),
		cmocka_unit_test(all_of_the_contract_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
