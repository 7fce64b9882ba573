/* SPDX-License-Identifier: Apache-2.0 */
/* The table of bindings: expiry, limits, what is told, and many threads at once. */
#include "base/require.h"
#include "unit/registrar/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static void count_visit(
	void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding)
{
	size_t *count = argument;
	assert_true(aor.length > 0 && binding->contact.length > 0);
	assert_true(event == REGISTRAR_EXPIRED || event == REGISTRAR_ADDED);
	++*count;
}

static void what_expires_is_not_seen_and_told_once(void **state)
{
	struct desk *d = *state;
	size_t told = 0;
	assert_int_equal(
		put(d, AOR, "a", 1, "Contact: <sip:a@h>;expires=60, <sip:b@h>;expires=120\r\n"), REGISTRAR_DONE);
	assert_int_equal(registrar_location_sweep(d->location, d->now_us, count_visit, &told), 0);
	d->now_us += 60 * CLOCK_SECOND_US;
	assert_true(span_is(shown(d, AOR), "sip:b@h q=1000 60s;"));
	assert_int_equal(registrar_location_count(d->location), 2);
	assert_int_equal(registrar_location_sweep(d->location, d->now_us, count_visit, &told), 1);
	assert_int_equal(registrar_location_sweep(d->location, d->now_us, count_visit, &told), 0);
	assert_int_equal(told, 1);
	assert_int_equal(registrar_location_count(d->location), 1);
	/* An expired Call-ID no longer stands in anybody's way. */
	assert_int_equal(put(d, AOR, "a", 1, "Contact: <sip:a@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(d->result.changes[0].event, REGISTRAR_ADDED);
	told = 0;
	registrar_location_each(d->location, d->now_us, count_visit, &told);
	assert_int_equal(told, 2);
}

static void take_out(
	void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding)
{
	struct desk *d = argument;
	(void)event, (void)binding;
	assert_int_equal(put(d, aor, "a", 2, "Contact: *\r\nExpires: 0\r\n"), REGISTRAR_DONE);
}

/* Whoever looks at all holds nobody up, however long he takes: the table can be changed meanwhile, even by himself. */
static void a_walk_holds_no_lock(void **state)
{
	struct desk *d = *state;
	char aor[32];
	for (unsigned i = 0; i < 300; i++) {
		snprintf(aor, sizeof(aor), "%u@steven.lab", i);
		assert_int_equal(put(d, span_of(aor), "a", 1, "Contact: <sip:a@h>\r\n"), REGISTRAR_DONE);
	}
	assert_int_equal(registrar_location_each(d->location, d->now_us, take_out, d), 0);
	assert_int_equal(registrar_location_count(d->location), 0);
}

static bool is_not_of(void *argument, struct span aor, const struct registrar_binding *binding)
{
	(void)aor;
	return !span_is(binding->user, argument);
}

static void must_be_removed(
	void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding)
{
	(void)aor, (void)binding;
	assert_int_equal(event, REGISTRAR_REMOVED);
	++*(size_t *)argument;
}

static void who_has_no_right_any_more_goes(void **state)
{
	static char gone[] = "2001";
	struct desk *d = *state;
	struct registrar_changed changed[4];
	struct span source = SPAN("udp 192.0.2.9:5060");
	size_t told = 0;
	registrar_location_keep(d->location, NULL, NULL);
	assert_int_equal(put(d, AOR, "a", 1, "Contact: <sip:a@h>\r\n"), REGISTRAR_DONE);
	d->sender.user = span_of(gone);
	d->sender.source = source;
	assert_int_equal(put(d, AOR, "b", 1, "Contact: <sip:b@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2001@h"), "c", 1, "Contact: <sip:c@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(registrar_location_take(d->location, &d->arena, changed, 4), 2);

	assert_int_equal(registrar_location_prune(d->location, is_not_of, gone, d->now_us, must_be_removed, &told), 2);
	assert_int_equal(told, 2);
	assert_true(span_is(shown(d, AOR), "sip:a@h q=1000 3600s;"));
	assert_true(span_is(shown(d, SPAN("2001@h")), ""));
	assert_false(registrar_location_is_source(d->location, source));
	assert_int_equal(registrar_location_take(d->location, &d->arena, changed, 4), 2); /* to be written */
	assert_int_equal(changed[0].count + changed[1].count, 1);
	assert_int_equal(registrar_location_prune(d->location, is_not_of, gone, d->now_us, must_be_removed, &told), 0);
	/* What is left still expires. */
	assert_int_equal(registrar_location_sweep(d->location, INT64_MAX, NULL, NULL), 1);
}

/* "Nobody" would be an answer to the caller. */
static void no_memory_is_not_nobody(void **state)
{
	struct desk *d = *state;
	const struct registrar_binding *bindings;
	struct arena small;
	assert_int_equal(put(d, AOR, "a", 1, "Contact: <sip:a@h>, <sip:b@h>\r\n"), REGISTRAR_DONE);
	for (size_t bytes = 0; bytes < 4096; bytes += 64) {
		arena_init(&small, bytes);
		int count = registrar_location_find(d->location, AOR, d->now_us, &small, &bindings);
		if (count != -ENOMEM && count != 2)
			fail_msg("%d with %zu bytes", count, bytes);
		if (bytes == 0)
			assert_int_equal(count, -ENOMEM);
		arena_done(&small);
	}
	assert_int_equal(registrar_location_find(d->location, SPAN("b@h"), d->now_us, &d->arena, &bindings), 0);
}

static void the_maximum_of_all(void **state)
{
	struct desk *d = *state;
	registrar_location_set_maximum(d->location, 2);
	assert_int_equal(put(d, SPAN("1@h"), "a", 1, "Contact: <sip:1@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2@h"), "b", 1, "Contact: <sip:2@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("3@h"), "c", 1, "Contact: <sip:3@h>\r\n"), REGISTRAR_FULL);
	/* Who is there may refresh and go. */
	assert_int_equal(put(d, SPAN("2@h"), "b", 2, "Contact: <sip:2@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2@h"), "b", 3, "Contact: <sip:2@h>;expires=0\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("3@h"), "c", 2, "Contact: <sip:3@h>\r\n"), REGISTRAR_DONE);
}

static void sources_are_known_while_a_binding_stands(void **state)
{
	struct desk *d = *state;
	struct span source = SPAN("udp 192.0.2.4:5060");
	assert_false(registrar_location_is_source(d->location, source));
	assert_int_equal(put(d, SPAN("1@h"), "a", 1, "Contact: <sip:1@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2@h"), "b", 1, "Contact: <sip:2@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2@h"), "b", 2, "Contact: <sip:2@h>\r\n"), REGISTRAR_DONE);
	assert_true(registrar_location_is_source(d->location, source));
	assert_int_equal(put(d, SPAN("1@h"), "a", 2, "Contact: *\r\nExpires: 0\r\n"), REGISTRAR_DONE);
	assert_true(registrar_location_is_source(d->location, source));
	assert_int_equal(put(d, SPAN("2@h"), "b", 3, "Contact: *\r\nExpires: 0\r\n"), REGISTRAR_DONE);
	assert_false(registrar_location_is_source(d->location, source));
	assert_false(registrar_location_is_source(d->location, SPAN_NONE));
}

static void tell(void *argument)
{
	atomic_fetch_add((atomic_int *)argument, 1);
}

static void what_changed_is_taken_once(void **state)
{
	struct desk *d = *state;
	struct registrar_changed changed[4];
	atomic_int told = 0;
	registrar_location_keep(d->location, tell, &told);
	assert_int_equal(registrar_location_take(d->location, &d->arena, changed, 4), 0);
	assert_int_equal(put(d, SPAN("1@h"), "a", 1, "Contact: <sip:1@h>, <sip:1@g>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("1@h"), "a", 2, "Contact: <sip:1@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2@h"), "b", 1, "Contact: <sip:2@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("2@h"), "b", 2, "Contact: *\r\nExpires: 0\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(d, SPAN("3@h"), "c", 1, ""), REGISTRAR_DONE);
	assert_int_equal(told, 1);
	assert_int_equal(registrar_location_take(d->location, &d->arena, changed, 4), 2);
	bool first = span_is(changed[0].aor, "1@h");
	assert_int_equal(changed[!first].count, 2);
	assert_true(span_is(changed[first].aor, "2@h"));
	assert_int_equal(changed[first].count, 0);
	assert_int_equal(registrar_location_take(d->location, &d->arena, changed, 4), 0);
	registrar_location_put_back(d->location, SPAN("2@h"));
	assert_int_equal(registrar_location_take(d->location, &d->arena, changed, 4), 1);
	assert_int_equal(changed[0].count, 0);
}

/* ---- many threads ---- */

#define THREADS 4
#define ROUNDS 300

struct runner {
	struct registrar_location *location;
	unsigned number;
	atomic_bool *stop;
};

static void *run(void *argument)
{
	const struct runner *runner = argument;
	struct desk d = { .location = runner->location, .now_us = NOW_US };
	d.sender = (struct registrar_sender){ .source = SPAN("udp 192.0.2.4:5060"), .flow = { 0, 1, 0 } };
	arena_init(&d.arena, 64 << 20);
	for (unsigned i = 0; i < ROUNDS; i++) {
		char aor[32], call_id[32];
		arena_reset(&d.arena);
		snprintf(aor, sizeof(aor), "%u@steven.lab", i % 10); /* shared by all */
		snprintf(call_id, sizeof(call_id), "%u-%u", runner->number, i);
		enum registrar_outcome outcome = put(&d, span_of(aor), call_id, 1,
			i % 3 ? "Contact: <sip:a@h>\r\n" : "Contact: *\r\nExpires: 0\r\n");
		base_require(outcome == REGISTRAR_DONE);
		(void)shown(&d, span_of(aor));
		(void)registrar_location_is_source(runner->location, SPAN("udp 192.0.2.4:5060"));
	}
	arena_done(&d.arena);
	return NULL;
}

static void ignore(void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding)
{
	(void)argument, (void)aor, (void)event, (void)binding;
}

static void *sweep(void *argument)
{
	const struct runner *runner = argument;
	struct registrar_changed changed[16];
	struct arena arena;
	arena_init(&arena, 64 << 20);
	while (!atomic_load(runner->stop)) {
		registrar_location_sweep(runner->location, NOW_US + INT64_C(4000) * CLOCK_SECOND_US, ignore, NULL);
		registrar_location_each(runner->location, NOW_US, ignore, NULL);
		arena_reset(&arena);
		size_t count = registrar_location_take(runner->location, &arena, changed, BASE_COUNT(changed));
		for (size_t i = 0; i < count; i += 2)
			registrar_location_put_back(runner->location, changed[i].aor);
	}
	arena_done(&arena);
	return NULL;
}

static void many_at_once(void **state)
{
	struct desk *d = *state;
	pthread_t threads[THREADS], sweeper;
	struct runner runners[THREADS + 1];
	atomic_bool stop = false;
	atomic_int told = 0;
	registrar_location_keep(d->location, tell, &told);
	for (unsigned i = 0; i <= THREADS; i++)
		runners[i] = (struct runner){ d->location, i, &stop };
	assert_int_equal(pthread_create(&sweeper, NULL, sweep, &runners[THREADS]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stop, true);
	pthread_join(sweeper, NULL);
	for (unsigned i = 0; i < 10; i++) {
		char aor[32];
		snprintf(aor, sizeof(aor), "%u@steven.lab", i);
		assert_int_equal(put(d, span_of(aor), "last", 1, "Contact: *\r\nExpires: 0\r\n"), REGISTRAR_DONE);
	}
	assert_int_equal(registrar_location_count(d->location), 0);
	assert_false(registrar_location_is_source(d->location, SPAN("udp 192.0.2.4:5060")));
	assert_true(told > 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, desk_new, desk_free)
	const struct CMUnitTest tests[] = {
		CASE(what_expires_is_not_seen_and_told_once),
		CASE(a_walk_holds_no_lock),
		CASE(who_has_no_right_any_more_goes),
		CASE(no_memory_is_not_nobody),
		CASE(the_maximum_of_all),
		CASE(sources_are_known_while_a_binding_stands),
		CASE(what_changed_is_taken_once),
		CASE(many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
