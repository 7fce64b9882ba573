/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

static const struct {
	const char *domain;
	enum trust_standing open, closed; /* with and without discovery */
	bool limited;
} standings[] = {
	{ "bad.lab", TRUST_STANDING_BLOCKED, TRUST_STANDING_BLOCKED, false },
	{ "BAD.lab.", TRUST_STANDING_BLOCKED, TRUST_STANDING_BLOCKED, false },
	{ "sub.bad.lab", TRUST_STANDING_DISCOVERED, TRUST_STANDING_NOT_ALLOWED, true },
	{ "direct.lab", TRUST_STANDING_CONFIGURED, TRUST_STANDING_CONFIGURED, false },
	{ "listed.lab", TRUST_STANDING_ALLOWED, TRUST_STANDING_ALLOWED, false },
	{ "other.lab", TRUST_STANDING_DISCOVERED, TRUST_STANDING_NOT_ALLOWED, true },
	{ "", TRUST_STANDING_DISCOVERED, TRUST_STANDING_NOT_ALLOWED, true },
};

static void lists_have_an_order(void **state)
{
	(void)state;
	struct span blocked[] = { SPAN("bad.lab") };
	struct trust_partner partners[] = {
		{ .domain = SPAN("bad.lab"), .server = SPAN("edge.bad.lab") },
		{ .domain = SPAN("direct.lab"), .server = SPAN("edge.direct.lab") },
		{ .domain = SPAN("listed.lab") },
	};
	struct trust_policy policy = {
		.allowed = partners, .allowed_count = 3, .blocked = blocked, .blocked_count = 1
	};
	for (size_t i = 0; i < BASE_COUNT(standings); i++) {
		struct span domain = span_of(standings[i].domain);
		policy.discover = true;
		assert_int_equal(trust_policy_standing(&policy, domain), standings[i].open);
		assert_int_equal(trust_policy_is_limited(&policy, domain), standings[i].limited);
		policy.discover = false;
		assert_int_equal(trust_policy_standing(&policy, domain), standings[i].closed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_have_an_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
