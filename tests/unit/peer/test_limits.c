/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/limits.h"
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>

#define SECOND_US INT64_C(1000000)

static const struct trust_limits defaults = { 20, 1, 1000 };

static struct peer_limits *limits_new(size_t maximum)
{
	struct peer_limits *limits;
	struct peer_limits_settings settings = { .key = { { 3, 4 } }, .partner_maximum = maximum };
	assert_int_equal(peer_limits_new(&settings, &limits), 0);
	return limits;
}

static unsigned passes(struct peer_limits *limits, const char *domain, unsigned requests)
{
	unsigned passed = 0;
	for (unsigned i = 0; i < requests; i++)
		passed += peer_limits_take(limits, &defaults, span_of(domain), SPAN("anna@us.lab"), SECOND_US) ==
			  TRUST_LIMITS_PASS;
	return passed;
}

static void partners_do_not_share(void **state)
{
	(void)state;
	struct peer_limits *limits = limits_new(0);
	assert_int_equal(passes(limits, "a.lab", 100), 20);
	assert_int_equal(passes(limits, "A.LAB.", 100), 0); /* the same one */
	assert_int_equal(passes(limits, "b.lab", 100), 20);
	assert_int_equal(passes(limits, "not a name", 1), 0);
	peer_limits_flush(limits, SPAN("a.lab"));
	assert_int_equal(passes(limits, "a.lab", 100), 20);
	assert_int_equal(passes(limits, "b.lab", 100), 0);
	peer_limits_flush(limits, SPAN_NONE);
	assert_int_equal(passes(limits, "b.lab", 100), 20);
	peer_limits_free(limits);
}

static void addresses_are_counted_without_case(void **state)
{
	(void)state;
	struct peer_limits *limits = limits_new(0);
	struct trust_limits two = { 0, 0, 2 };
	struct span a = SPAN("a.lab");
	assert_int_equal(peer_limits_take(limits, &two, a, SPAN("anna@us.lab"), 1), TRUST_LIMITS_PASS);
	assert_int_equal(peer_limits_take(limits, &two, a, SPAN("ANNA@us.lab"), 1), TRUST_LIMITS_PASS);
	assert_int_equal(peer_limits_take(limits, &two, a, SPAN("bert@us.lab"), 1), TRUST_LIMITS_PASS);
	assert_int_equal(peer_limits_take(limits, &two, a, SPAN("carl@us.lab"), 1), TRUST_LIMITS_ADDRESSES);
	peer_limits_free(limits);
}

static bool count_partner(void *argument, const struct peer_limits_entry *entry)
{
	unsigned *count = argument;
	assert_true(entry->domain.length > 0);
	(*count)++;
	return true;
}

static void strangers_cannot_fill_the_memory(void **state)
{
	(void)state;
	struct peer_limits *limits = limits_new(160);
	char name[32];
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "d%u.lab", i);
		passes(limits, name, 1);
	}
	unsigned count = 0;
	peer_limits_each(limits, count_partner, &count);
	assert_in_range(count, 100, 176);
	peer_limits_free(limits);
}

static bool see_suspicious(void *argument, const struct peer_limits_entry *entry)
{
	*(bool *)argument = entry->suspicious;
	return true;
}

static void failures_are_remembered(void **state)
{
	(void)state;
	struct peer_limits *limits = limits_new(0);
	bool suspicious = true;
	passes(limits, "a.lab", 1);
	peer_limits_answered(limits, SPAN("unknown.lab"), false); /* nobody, nothing */
	peer_limits_each(limits, see_suspicious, &suspicious);
	assert_false(suspicious);
	for (int i = 0; i < 20; i++)
		peer_limits_answered(limits, SPAN("a.lab"), false);
	peer_limits_each(limits, see_suspicious, &suspicious);
	assert_true(suspicious);
	peer_limits_free(limits);
}

/* ---- workers ---- */

struct worker {
	struct peer_limits *limits;
	unsigned passed;
};

static void *work(void *argument)
{
	struct worker *w = argument;
	w->passed = passes(w->limits, "a.lab", 1000);
	for (int i = 0; i < 1000; i++)
		peer_limits_answered(w->limits, SPAN("a.lab"), i % 2);
	return NULL;
}

static void workers_share_one_bucket(void **state)
{
	(void)state;
	struct peer_limits *limits = limits_new(0);
	struct worker workers[4];
	pthread_t threads[4];
	unsigned passed = 0;
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .limits = limits };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		passed += workers[i].passed;
	}
	assert_int_equal(passed, 20);
	peer_limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partners_do_not_share),
		cmocka_unit_test(addresses_are_counted_without_case),
		cmocka_unit_test(strangers_cannot_fill_the_memory),
		cmocka_unit_test(failures_are_remembered),
		cmocka_unit_test(workers_share_one_bucket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
