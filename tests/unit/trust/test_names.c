/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "trust/names.h"

/* R2: the domain with exactly one label in front. */
static const struct {
	const char *name, *domain, *target;
	enum trust_domain_match match;
} domains[] = {
	{ "one label in front", "steven.lab", "vcse.steven.lab", TRUST_DOMAIN_IN },
	{ "case does not count", "Steven.Lab", "VCSE.sTEVEN.lAB", TRUST_DOMAIN_IN },
	{ "the root dot does not count", "steven.lab", "vcse.steven.lab.", TRUST_DOMAIN_IN },
	{ "nor on the domain", "steven.lab.", "vcse.steven.lab", TRUST_DOMAIN_IN },
	{ "the domain itself", "steven.lab", "steven.lab", TRUST_DOMAIN_APEX },
	{ "two labels", "cms.steven.lab", "vcse.sub.cms.steven.lab", TRUST_DOMAIN_BELOW },
	{ "the parent's host (Cisco TAC 212383)", "acano.steven.lab", "vcse.steven.lab", TRUST_DOMAIN_ABOVE },
	{ "the parent itself", "acano.steven.lab", "steven.lab", TRUST_DOMAIN_ABOVE },
	{ "a sibling's host", "acano.steven.lab", "vcse.cms.steven.lab", TRUST_DOMAIN_OTHER },
	{ "another domain", "steven.lab", "vcse.other.lab", TRUST_DOMAIN_OTHER },
	{ "a host of the parent", "steven.lab", "vcse.lab", TRUST_DOMAIN_ABOVE },
	{ "entirely other", "steven.lab", "vcse.example.com", TRUST_DOMAIN_OTHER },
	{ "the tail of a label is no parent", "steven.lab", "vcse.notsteven.lab", TRUST_DOMAIN_OTHER },
	{ "an empty label in front", "steven.lab", ".steven.lab", TRUST_DOMAIN_OTHER },
	{ "nothing", "steven.lab", "", TRUST_DOMAIN_OTHER },
};

static void domains_are_compared(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(domains); i++) {
		enum trust_domain_match match =
			trust_domain_compare(span_of(domains[i].domain), span_of(domains[i].target));
		if (match != domains[i].match)
			fail_msg("%s: %d", domains[i].name, match);
	}
}

static const struct {
	const char *pattern, *name;
	bool covers;
} wildcards[] = {
	{ "*.steven.lab", "vcse.steven.lab", true },
	{ "*.Steven.LAB", "vcse.steven.lab.", true },
	{ "*.steven.lab", "steven.lab", false },
	{ "*.steven.lab", "a.b.steven.lab", false },
	{ "v*.steven.lab", "vcse.steven.lab", false },
	{ "*", "steven", false },
	{ "*.", "steven.", false },
	{ "*.lab", "steven.lab", true },
};

static void wildcards_cover_one_label(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wildcards); i++)
		if (trust_name_wildcard_covers(span_of(wildcards[i].pattern), span_of(wildcards[i].name)) !=
			wildcards[i].covers)
			fail_msg("%s for %s", wildcards[i].pattern, wildcards[i].name);
}

/* R4. The case table of Cisco TAC 212383: SAN first, CN only without SAN, no wildcards. */
static const struct {
	const char *name, *cn;
	const char *names[4];
	enum trust_name_match match;
} covers[] = {
	{ "in the SAN", "other.lab", { "x.lab", "vcse.a.lab" }, TRUST_NAME_EXACT },
	{ "without case", "other.lab", { "VCSE.A.lab" }, TRUST_NAME_EXACT },
	{ "CN where there is no SAN", "vcse.a.lab", { NULL }, TRUST_NAME_COMMON },
	{ "CN right, SAN without it", "vcse.a.lab", { "x.lab" }, TRUST_NAME_COMMON_IGNORED },
	{ "wildcard in the SAN", "x.lab", { "*.a.lab" }, TRUST_NAME_WILDCARD },
	{ "wildcard in the CN", "*.a.lab", { NULL }, TRUST_NAME_WILDCARD },
	{ "wildcard and CN, both wildcards", "*.a.lab", { "*.a.lab" }, TRUST_NAME_WILDCARD },
	{ "wildcard too short", "x.lab", { "*.lab" }, TRUST_NAME_NONE },
	{ "wildcard CN beside a SAN", "*.a.lab", { "x.lab" }, TRUST_NAME_NONE },
	{ "exact beside the wildcard", "x.lab", { "*.a.lab", "vcse.a.lab" }, TRUST_NAME_EXACT },
	{ "the domain is not the host", "a.lab", { "a.lab" }, TRUST_NAME_NONE },
	{ "nothing", "", { NULL }, TRUST_NAME_NONE },
};

static void certificates_cover_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(covers); i++) {
		struct span storage[4];
		struct trust_certificate c = bench_certificate(covers[i].cn, covers[i].names, storage);
		enum trust_name_match match = trust_certificate_covers(&c, SPAN("vcse.a.lab"));
		if (match != covers[i].match)
			fail_msg("%s: %d", covers[i].name, match);
	}
}

/* A SAN with nothing usable in it (an IP address, a name with NUL) still makes the CN not count. */
static void an_unusable_san_still_hides_the_cn(void **state)
{
	(void)state;
	struct trust_certificate c = bench_certificate("vcse.a.lab", NULL, NULL);
	c.has_names = true;
	assert_int_equal(trust_certificate_covers(&c, SPAN("vcse.a.lab")), TRUST_NAME_COMMON_IGNORED);
}

static const struct {
	const char *name;
	bool plain;
} pasted[] = {
	{ "vcse.a.lab", true },
	{ "_sip._tcp.a.lab", true },
	{ "xn--bcher-kva.example", true },
	{ "", false },
	{ "a..b", false },
	{ ".a", false },
	{ "-o.a", false },
	{ "a b", false },
	{ "$(reboot).lab", false },
	{ "a\";rm", false },
	{ "a\\046b", false },
	{ "*.a.lab", false },
};

static void only_plain_names_are_pasted(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(pasted); i++)
		if (trust_name_is_plain(span_of(pasted[i].name)) != pasted[i].plain)
			fail_msg("%s", pasted[i].name);
	char longest[260];
	memset(longest, 'a', sizeof(longest));
	assert_true(trust_name_is_plain(span_make(longest, 253)));
	assert_false(trust_name_is_plain(span_make(longest, 254)));
}

static const struct {
	const char *text;
	bool is_private;
} addresses[] = {
	{ "10.48.36.47", true },
	{ "172.16.0.1", true },
	{ "172.32.0.1", false },
	{ "192.168.1.1", true },
	{ "100.64.0.1", true },
	{ "100.128.0.1", false },
	{ "127.48.36.47", true },
	{ "169.254.1.1", true },
	{ "192.0.2.47", true },
	{ "8.8.8.8", false },
	{ "224.0.0.1", true },
	{ "::1", true },
	{ "fe80::1", true },
	{ "fd00::1", true },
	{ "fe00::1", false },
	{ "2001:db8::1", true },
	{ "2a00:1450:4001::1", false },
	{ "::ffff:10.0.0.1", true },
	{ "::ffff:8.8.8.8", false },
	{ "not an address", false },
};

static void private_addresses_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(addresses); i++)
		if (trust_address_is_private(span_of(addresses[i].text)) != addresses[i].is_private)
			fail_msg("%s", addresses[i].text);
}

static void alerts_have_names(void **state)
{
	(void)state;
	assert_string_equal(trust_alert_name(48), "unknown_ca");
	assert_true(trust_alert_is_about_certificate(48));
	assert_string_equal(trust_alert_name(70), "protocol_version");
	assert_false(trust_alert_is_about_certificate(70));
	assert_null(trust_alert_name(200));
	assert_false(trust_alert_is_about_certificate(200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_are_compared),
		cmocka_unit_test(wildcards_cover_one_label),
		cmocka_unit_test(certificates_cover_names),
		cmocka_unit_test(an_unusable_san_still_hides_the_cn),
		cmocka_unit_test(only_plain_names_are_pasted),
		cmocka_unit_test(private_addresses_are_known),
		cmocka_unit_test(alerts_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
