/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "finding/catalogue.h"
#include "unit/cmocka_all.h"

#include <ctype.h>
#include <stdio.h>

static bool is_kebab(const char *code)
{
	char previous = '-';
	for (; *code; previous = *code++)
		if (!islower((unsigned char)*code) && !isdigit((unsigned char)*code) &&
			(*code != '-' || previous == '-'))
			return false;
	return previous != '-';
}

static bool braces_fit(const char *title)
{
	int open = 0, pairs = 0;
	for (; *title; title++) {
		open += (*title == '{') - (*title == '}');
		pairs += *title == '{';
		if (open < 0 || open > 1)
			return false;
	}
	return open == 0 && pairs == 1;
}

#define CHECK(condition, entry, what)                                                                                  \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("%s: %s", (entry)->code ? (entry)->code : "?", what);                                 \
	} while (0)

static void entries_are_complete(void **state)
{
	(void)state;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		const struct finding_entry *e = finding_entry((enum finding_code)i);
		CHECK(e->code && is_kebab(e->code), e, "the code is kebab-case");
		CHECK(e->title && braces_fit(e->title), e, "the title has one place for the subject");
		CHECK(e->title && e->title[0] && e->title[strlen(e->title) - 1] != '.', e, "no full stop");
		CHECK(e->help && strstr(e->help, "\nExample: "), e, "the help ends with an example");
		CHECK(e->severity != FINDING_ERROR || e->status || e->stage == FINDING_STAGE_ANSWER, e,
			"an error has an answer");
		CHECK(e->status == 0 || (e->status >= 400 && e->status < 700), e, "the answer is a refusal");
		CHECK((e->microsoft.id == 0) == (e->microsoft.reason == NULL), e, "an id has its reason");
		CHECK((e->result.code == 0) == (e->result.name == NULL), e, "a result code has its name");
		CHECK((e->result.name == NULL) == (e->result.text == NULL), e, "and its text");
		CHECK((e->hresult.code == 0) == (e->hresult.text == NULL), e, "an HRESULT has its text");
		CHECK(!(e->suppresses & FINDING_STAGE_BIT(e->stage)), e, "does not suppress its own stage");
	}
}

/* 0x80090322(SEC_E_WRONG_PRINCIPAL): number and name of the text are those of the entry. */
static void hresult_texts_fit(void **state)
{
	(void)state;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		const struct finding_entry *e = finding_entry((enum finding_code)i);
		char text[64];
		if (!e->hresult.code)
			continue;
		snprintf(text, sizeof(text), "0x%08X(%s)", e->hresult.code, e->hresult.name);
		assert_string_equal(text, e->hresult.text);
	}
}

static void codes_are_unique_and_found(void **state)
{
	(void)state;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++)
		assert_int_equal(finding_code_of(span_of(finding_entry((enum finding_code)i)->code)), i);
	assert_int_equal(finding_code_of(SPAN("SRV-Missing")), FINDING_SRV_MISSING);
	assert_int_equal(finding_code_of(SPAN("srv-missin")), FINDING_NONE);
	assert_int_equal(finding_code_of(SPAN("")), FINDING_NONE);
}

static void codes_are_listed(void **state)
{
	(void)state;
	const char *codes[FINDING_COUNT];
	finding_codes(codes);
	int count = 0;
	while (codes[count])
		count++;
	assert_int_equal(count, FINDING_COUNT - 1);
	assert_string_equal(codes[0], "domain-blocked");
}

/* The codes that the design promises, with their severity and Microsoft face. */
static const struct {
	const char *code;
	enum finding_severity severity;
	uint16_t id;
	uint16_t status;
	uint32_t result;
	uint32_t hresult;
} promised[] = {
	{ "srv-missing", FINDING_ERROR, 1008, 504, 0, 0 },
	{ "srv-lookup-failed", FINDING_ERROR, 1008, 504, 0, 0 },
	{ "srv-target-outside-domain", FINDING_ERROR, 1009, 504, 0xc3e93d6f, 0 },
	{ "srv-target-partly-outside", FINDING_WARNING, 0, 0, 0, 0 },
	{ "srv-target-is-domain", FINDING_WARNING, 1009, 504, 0, 0 },
	{ "srv-target-is-alias", FINDING_WARNING, 0, 0, 0, 0 },
	{ "srv-port-unusual", FINDING_WARNING, 0, 0, 0, 0 },
	{ "address-missing", FINDING_ERROR, 1014, 504, 0, 0 },
	{ "address-private", FINDING_WARNING, 0, 0, 0, 0 },
	{ "connect-refused", FINDING_ERROR, 1046, 504, 0, 0 },
	{ "connect-timeout", FINDING_ERROR, 1046, 504, 0, 0 },
	{ "tls-handshake-failed", FINDING_ERROR, 1047, 504, 0, 0 },
	{ "tls-reset", FINDING_ERROR, 1047, 504, 0, 0 },
	{ "tls-version-unsupported", FINDING_ERROR, 1047, 504, 0, 0 },
	{ "certificate-refused-by-partner", FINDING_ERROR, 1047, 504, 0, 0 },
	{ "certificate-name-mismatch", FINDING_ERROR, 1010, 504, 0xc3e93d67, 0x80090322 },
	{ "certificate-cn-ignored", FINDING_ERROR, 1010, 504, 0xc3e93d67, 0x80090322 },
	{ "certificate-wildcard-only", FINDING_ERROR, 1010, 504, 0xc3e93d67, 0x80090322 },
	{ "certificate-untrusted", FINDING_ERROR, 1010, 504, 0, 0x80090325 },
	{ "certificate-chain-incomplete", FINDING_ERROR, 1010, 504, 0, 0x80090325 },
	{ "certificate-private-authority", FINDING_NOTE, 0, 0, 0, 0 },
	{ "certificate-expired", FINDING_ERROR, 1010, 504, 0, 0x80090328 },
	{ "certificate-not-yet-valid", FINDING_ERROR, 1010, 504, 0, 0x80090328 },
	{ "certificate-expires-soon", FINDING_WARNING, 0, 0, 0, 0 },
	{ "certificate-no-client-usage", FINDING_WARNING, 1010, 504, 0, 0 },
	{ "certificate-weak", FINDING_WARNING, 0, 0, 0, 0 },
	{ "domain-blocked", FINDING_ERROR, 0, 403, 0, 0 },
	{ "domain-not-allowed", FINDING_ERROR, 0, 403, 0, 0 },
	{ "domain-not-ours", FINDING_ERROR, 0, 403, 0, 0 },
	{ "identity-mismatch", FINDING_ERROR, 0, 403, 0, 0 },
	{ "traversal-certificate-refused", FINDING_ERROR, 0, 403, 0, 0 },
	{ "traversal-authentication-failed", FINDING_ERROR, 0, 403, 0, 0 },
	{ "partner-rate-limited", FINDING_ERROR, 0, 503, 0, 0 },
	{ "partner-enumerating", FINDING_ERROR, 0, 403, 0, 0 },
	{ "route-untrusted", FINDING_ERROR, 0, 403, 0xc3e93c5e, 0 },
	{ "no-rule-matches", FINDING_ERROR, 0, 404, 0, 0 },
	{ "rule-shadowed", FINDING_WARNING, 0, 0, 0, 0 },
	{ "loop-detected", FINDING_ERROR, 0, 482, 0, 0 },
	{ "too-many-hops", FINDING_ERROR, 0, 483, 0, 0 },
	{ "peer-answered", FINDING_ERROR, 1034, 0, 0, 0 },
	{ "domain-malformed", FINDING_ERROR, 0, 404, 0, 0 },
	{ "address-lookup-partly-failed", FINDING_WARNING, 0, 0, 0, 0 },
	{ "addresses-cut", FINDING_WARNING, 0, 0, 0, 0 },
	{ "client-certificate-wanted", FINDING_NOTE, 0, 0, 0, 0 },
	{ "client-certificate-not-asked", FINDING_NOTE, 0, 0, 0, 0 },
	{ "tls-version-old", FINDING_WARNING, 0, 0, 0, 0 },
	{ "tlsa-lookup-failed", FINDING_ERROR, 0, 504, 0, 0 },
	{ "certificate-chain-disordered", FINDING_WARNING, 0, 0, 0, 0 },
	{ "certificate-chain-superfluous", FINDING_NOTE, 0, 0, 0, 0 },
	{ "options-unanswered", FINDING_WARNING, 0, 0, 0, 0 },
	{ "options-refused", FINDING_WARNING, 0, 0, 0, 0 },
	{ "examination-cut", FINDING_ERROR, 0, 0, 0, 0 },
};

static void promises_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(promised); i++) {
		enum finding_code code = finding_code_of(span_of(promised[i].code));
		if (code == FINDING_NONE)
			fail_msg("%s is not in the catalogue", promised[i].code);
		const struct finding_entry *e = finding_entry(code);
		CHECK(e->severity == promised[i].severity, e, "severity");
		CHECK(e->microsoft.id == promised[i].id, e, "ms-diagnostics id");
		CHECK(e->status == promised[i].status, e, "answer");
		CHECK(e->result.code == promised[i].result, e, "result code");
		CHECK(e->hresult.code == promised[i].hresult, e, "HRESULT");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_complete),
		cmocka_unit_test(hresult_texts_fit),
		cmocka_unit_test(codes_are_unique_and_found),
		cmocka_unit_test(codes_are_listed),
		cmocka_unit_test(promises_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
