/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two final responses the caller gets: RFC 3261 16.7 step 6. */
#include "edge/reply.h"
#include "unit/cmocka_all.h"

static void the_better_response(void **state)
{
	static const struct {
		const char *why;
		uint16_t status, than;
		bool better;
	} cases[] = {
		{ "a 6xx ends everything", 603, 404, true },
		{ "and nothing beats it", 404, 603, false },
		{ "the lower class wins", 302, 404, true },
		{ "a busy callee tells more than a broken server", 486, 500, true },
		{ "500 is worse than 486", 500, 486, false },
		{ "401 tells the caller how to go on", 401, 404, true },
		{ "so does 407", 407, 486, true },
		{ "415, 420 and 484 too", 484, 480, true },
		{ "503 is about one server only", 500, 503, true },
		{ "so it is better than nothing but the other 5xx", 503, 504, false },
		{ "of equals the first stays", 404, 486, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (edge_reply_is_better(cases[i].status, cases[i].than) != cases[i].better)
			fail_msg("%s: %u against %u", cases[i].why, cases[i].status, cases[i].than);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_better_response) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
