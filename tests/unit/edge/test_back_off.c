/* SPDX-License-Identifier: Apache-2.0 */
/* Waits that grow, and nonces that are good in one place only: what links are made anew and proved with. */
#include "edge/back_off.h"
#include "edge/nonce.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

static void waits_double_up_to_sixteen_times(void **state)
{
	static const struct {
		uint32_t failures;
		int64_t times;
	} cases[] = { { 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 8 }, { 5, 16 }, { 6, 16 }, { 4000000000u, 16 } };
	struct random random;
	(void)state;
	random_init_seed(&random, 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t least = INT64_MAX, most = 0;
		for (int j = 0; j < 200; j++) {
			int64_t wait_us = edge_back_off_us(1000, cases[i].failures, &random);
			least = wait_us < least ? wait_us : least;
			most = wait_us > most ? wait_us : most;
		}
		if (least < 750 * cases[i].times || most > 1250 * cases[i].times)
			fail_msg("%u failures: %lld to %lld", cases[i].failures, (long long)least, (long long)most);
		if (most - least < 300 * cases[i].times)
			fail_msg("%u failures: all come back at once", cases[i].failures);
	}
}

static void nonces_are_good_in_one_place(void **state)
{
	static const struct hash_key key = { { 1, 2 } }, other_key = { { 1, 3 } };
	const struct transport_flow flow = { 1, 7, 9 };
	const int64_t made_us = 5000000, old_us = made_us + EDGE_NONCE_LIFE_US;
	char nonce[EDGE_NONCE_LENGTH + 1], broken[EDGE_NONCE_LENGTH + 1];
	(void)state;
	edge_nonce_make(&key, made_us, flow, SPAN("Inside"), nonce);
	snprintf(broken, sizeof(broken), "%s", nonce);
	broken[15] = broken[15] == '0' ? '1' : '0'; /* another time */
	const struct {
		const char *name;
		const struct hash_key *key;
		int64_t now_us;
		struct transport_flow flow;
		struct span zone, nonce;
		enum edge_nonce_verdict verdict;
	} cases[] = {
		{ "at once", &key, made_us, flow, SPAN("Inside"), span_of(nonce), EDGE_NONCE_GOOD },
		{ "at the end of its life", &key, old_us - 1, flow, SPAN("Inside"), span_of(nonce), EDGE_NONCE_GOOD },
		{ "a moment later", &key, old_us, flow, SPAN("Inside"), span_of(nonce), EDGE_NONCE_OLD },
		{ "before it was made", &key, made_us - 1, flow, SPAN("Inside"), span_of(nonce), EDGE_NONCE_OLD },
		{ "another connection", &key, made_us, { 1, 7, 10 }, SPAN("Inside"), span_of(nonce),
			EDGE_NONCE_FOREIGN },
		{ "another worker", &key, made_us, { 2, 7, 9 }, SPAN("Inside"), span_of(nonce), EDGE_NONCE_FOREIGN },
		{ "another zone", &key, made_us, flow, SPAN("Other"), span_of(nonce), EDGE_NONCE_FOREIGN },
		{ "another node", &other_key, made_us, flow, SPAN("Inside"), span_of(nonce), EDGE_NONCE_FOREIGN },
		{ "another time written in", &key, made_us, flow, SPAN("Inside"), span_of(broken), EDGE_NONCE_FOREIGN },
		{ "cut", &key, made_us, flow, SPAN("Inside"), span_make(nonce, 47), EDGE_NONCE_FOREIGN },
		{ "nothing", &key, made_us, flow, SPAN("Inside"), SPAN(""), EDGE_NONCE_FOREIGN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (edge_nonce_check(cases[i].key, cases[i].now_us, cases[i].flow, cases[i].zone, cases[i].nonce) !=
			cases[i].verdict)
			fail_msg("%s", cases[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_sixteen_times),
		cmocka_unit_test(nonces_are_good_in_one_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
