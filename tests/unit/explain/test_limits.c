/* SPDX-License-Identifier: Apache-2.0 */
/* How much is held and for how long: memory's maximum, good calls that go, failed ones that stay, cases given while a
 * log goes on; clocks; what is counted aside. */
#include "unit/explain/material.h"

struct counted {
	uint64_t given, failed, answered, steps, dropped;
	int64_t last_started_us;
	bool in_order;
};

static void count_case(void *argument, const struct explain_case *c)
{
	struct counted *counted = argument;
	counted->given++;
	counted->failed += c->outcome == EXPLAIN_FAILED;
	counted->answered += c->outcome == EXPLAIN_ANSWERED;
	counted->steps += c->step_count;
	counted->dropped += c->dropped;
	counted->in_order &= c->started_us >= counted->last_started_us;
	counted->last_started_us = c->started_us;
}

static struct explain_joiner *open_joiner(struct explain_joiner_settings settings, struct counted *counted)
{
	*counted = (struct counted){ .in_order = true };
	settings.take = count_case;
	settings.argument = counted;
	struct explain_joiner *j = explain_joiner_new(&settings);
	assert_non_null(j);
	return j;
}

/* A line of a call with that number, at that moment. */
static void add_line(struct material *m, struct explain_joiner *j, unsigned call, unsigned ms, const char *rest)
{
	char line[512];
	snprintf(line, sizeof(line), "a %u.%03u %s call=c%u", ms / 1000, ms % 1000, rest, call);
	assert_int_equal(explain_joiner_add(j, material_event(m, span_of(line)), 0, 0), 0);
	if (m->arena.used > (32u << 20))
		arena_reset(&m->arena);
}

static void open_material(struct material *m)
{
	*m = (struct material){ 0 };
	arena_init(&m->arena, 64 << 20);
	m->hosts[0] = SPAN("a");
	m->hosts[1] = SPAN("b");
	m->host_count = 2;
}

static void close_material(struct material *m)
{
	arena_done(&m->arena);
}

static void good_calls_are_counted_and_cost_nothing(void **state)
{
	(void)state;
	struct material m;
	struct counted counted;
	open_material(&m);
	struct explain_joiner *j = open_joiner((struct explain_joiner_settings){ .memory_maximum = 1 << 20 }, &counted);
	for (unsigned i = 0; i < 30000; i++) {
		add_line(&m, j, i, i, "> b INVITE");
		add_line(&m, j, i, i, "< b 200");
		/* Long after it was forgotten. */
		if (i >= 20000)
			add_line(&m, j, i - 20000, i, "< b BYE tag=tt cseq=2");
	}
	explain_joiner_end(j);
	struct explain_totals t = explain_joiner_totals(j);
	/* What is remembered of forgotten calls is bounded too: a straggler in thousands may count as a call. */
	assert_in_range(t.calls, 30000, 30010);
	assert_int_equal(t.answered, 30000);
	assert_int_equal(t.forgotten, 0);
	assert_int_equal(t.events, 70000);
	assert_int_equal(counted.given, 0);
	explain_joiner_free(j);
	close_material(&m);
}

static void failed_calls_that_find_no_room_are_given_early(void **state)
{
	(void)state;
	struct material m;
	struct counted counted;
	open_material(&m);
	struct explain_joiner *j = open_joiner((struct explain_joiner_settings){ .memory_maximum = 1 << 20 }, &counted);
	for (unsigned i = 0; i < 2000; i++) {
		add_line(&m, j, i, i, "> b INVITE");
		add_line(&m, j, i, i, "< b 504");
	}
	assert_true(counted.given > 1000);
	explain_joiner_end(j);
	struct explain_totals t = explain_joiner_totals(j);
	assert_int_equal(t.failed, 2000);
	assert_int_equal(counted.failed, 2000);
	assert_int_equal(t.forgotten, 0);
	assert_true(counted.in_order);
	explain_joiner_free(j);
	close_material(&m);
}

static void open_calls_that_find_no_room_are_forgotten_and_told(void **state)
{
	(void)state;
	struct material m;
	struct counted counted;
	open_material(&m);
	struct explain_joiner *j = open_joiner((struct explain_joiner_settings){ .memory_maximum = 1 << 20 }, &counted);
	for (unsigned i = 0; i < 2000; i++)
		add_line(&m, j, i, i, "> b INVITE");
	struct explain_totals t = explain_joiner_totals(j);
	assert_int_equal(counted.given, 0);
	assert_true(t.forgotten > 1000);
	assert_int_equal(t.unknown, t.forgotten);
	/* The answer to one that was forgotten begins nothing. */
	add_line(&m, j, 0, 3000, "< b 504");
	explain_joiner_end(j);
	t = explain_joiner_totals(j);
	assert_int_equal(t.calls, 2000);
	assert_int_equal(t.unknown, 2000);
	assert_int_equal(t.forgotten + counted.given, 2000);
	explain_joiner_free(j);
	close_material(&m);
}

static void good_calls_are_given_where_they_are_wanted(void **state)
{
	(void)state;
	struct material m;
	struct counted counted;
	open_material(&m);
	struct explain_joiner *j =
		open_joiner((struct explain_joiner_settings){ .memory_maximum = 1 << 20, .keep_good = true }, &counted);
	for (unsigned i = 0; i < 2000; i++) {
		add_line(&m, j, i, i, "> b INVITE");
		add_line(&m, j, i, i, "< b 200");
	}
	explain_joiner_end(j);
	assert_int_equal(counted.answered, 2000);
	assert_int_equal(explain_joiner_totals(j).answered, 2000);
	explain_joiner_free(j);
	close_material(&m);
}

static void a_call_of_very_many_messages_is_cut(void **state)
{
	(void)state;
	struct material m;
	struct counted counted;
	open_material(&m);
	struct explain_joiner *j =
		open_joiner((struct explain_joiner_settings){ .memory_maximum = 64 << 20 }, &counted);
	for (unsigned i = 0; i < 5000; i++)
		add_line(&m, j, 1, i, "> b INVITE");
	explain_joiner_end(j);
	assert_int_equal(counted.given, 1);
	assert_int_equal(counted.steps, EXPLAIN_STEPS_MAXIMUM);
	assert_int_equal(counted.dropped, 5000 - EXPLAIN_STEPS_MAXIMUM);
	explain_joiner_free(j);
	close_material(&m);
}

static void cases_are_given_while_the_log_goes_on(void **state)
{
	(void)state;
	struct material m;
	struct counted counted;
	open_material(&m);
	struct explain_joiner *j = open_joiner((struct explain_joiner_settings){ .live = true }, &counted);
	add_line(&m, j, 1, 0, "> b INVITE");
	add_line(&m, j, 1, 100, "< b 504");
	add_line(&m, j, 2, 100, "> b INVITE");
	explain_joiner_wait(j, MATERIAL_START_US + 1000000);
	assert_int_equal(counted.given, 0);
	explain_joiner_wait(j, MATERIAL_START_US + 5000000);
	assert_int_equal(counted.given, 1);
	/* A straggler begins nothing. */
	add_line(&m, j, 1, 5000, "> b ACK tag=tt");
	/* The log's clock is another one: only how long nothing was heard counts. */
	explain_joiner_wait(j, MATERIAL_START_US + INT64_C(9000000000));
	assert_int_equal(counted.given, 1);
	explain_joiner_wait(j, MATERIAL_START_US + INT64_C(9060000000));
	assert_int_equal(counted.given, 2);
	explain_joiner_end(j);
	assert_int_equal(counted.given, 2);
	assert_int_equal(explain_joiner_totals(j).calls, 2);
	explain_joiner_free(j);
	close_material(&m);
}

/* ---- clocks ---- */

struct clock_row {
	const char *name, *lines;
	int64_t offset_us;
	int32_t zone_s;
	uint32_t measures;
};

/* Of the second box, against the first. */
static const struct clock_row clock_rows[] = {
	{ "both ways: half the way there is the transport's",
		"a 10.000 > b INVITE\n"
		"b 12.030 < a INVITE file=1\n"
		"b 12.040 > a 504 file=1\n"
		"a 10.070 < b 504\n",
		-2000000, 0, 2 },
	{ "one way: what there is",
		"a 10.000 > b INVITE\n"
		"b 15.000 < a INVITE file=1\n",
		-5000000, 0, 1 },
	{ "local time",
		"a 10.000 > b INVITE\n"
		"b 7210.010 < a INVITE file=1\n"
		"b 7210.020 > a 504 file=1\n"
		"a 10.030 < b 504\n",
		-7200000000, -7200, 2 },
	{ "nothing in common",
		"a 10.000 > c INVITE call=1\n"
		"b 15.000 > d INVITE call=2 file=1\n",
		0, 0, 0 },
	{ "within what the way there takes there is no difference",
		"a 10.000 > b INVITE\n"
		"b 10.030 < a INVITE file=1\n"
		"b 10.040 > a 504 file=1\n"
		"a 10.050 < b 504\n",
		0, 0, 2 },
};

static void clocks_are_compared(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(clock_rows) / sizeof(clock_rows[0]); i++) {
		const struct clock_row *row = &clock_rows[i];
		const struct explain_clock *clocks;
		struct material m;
		material_open(&m, NULL);
		material_add(&m, row->lines);
		material_end(&m);
		assert_int_equal(explain_joiner_clocks(m.joiner, &clocks), 2);
		assert_true(span_is(clocks[0].node, "a") && span_is(clocks[1].node, "b"));
		if (clocks[1].offset_us != row->offset_us || clocks[1].zone_s != row->zone_s ||
			clocks[1].measures != row->measures)
			fail_msg("%s: offset %lld, zone %d, measures %u", row->name, (long long)clocks[1].offset_us,
				clocks[1].zone_s, clocks[1].measures);
		material_close(&m);
	}
}

/* ---- asides ---- */

static void other_failures_are_counted(void **state)
{
	(void)state;
	const struct explain_aside *asides;
	struct material m;
	material_open(&m, NULL);
	material_add(&m, "vcse 1 notice network.h323 'Sending H.225' severity=warning\n"
			 "vcse 2 notice network.h323 x detail='Timeout=True'\n"
			 "vcse 3 notice tvcs 'Alarm Raised' severity=warning\n"
			 "vcse 4 notice tvcs 'Registration Rejected' severity=warning\n"
			 "vcse 5 notice tvcs 'Registration Accepted'\n"
			 "vcse 6 notice tvcs 'Authentication Failed' severity=warning remote=x p='Method=OPTIONS'\n"
			 "vcse 7 notice tvcs 'Authentication Failed' severity=warning remote=x p='Method=OPTIONS'\n");
	material_end(&m);
	assert_int_equal(explain_joiner_asides(m.joiner, &asides), 3);
	assert_string_equal(asides[0].what, "H.323");
	assert_int_equal(asides[0].count, 2);
	assert_int_equal(asides[0].first.line, 1);
	assert_string_equal(asides[1].what, "alarm");
	assert_string_equal(asides[2].what, "registration refused");
	assert_int_equal(asides[2].count, 1);
	assert_int_equal(m.case_count, 1);
	assert_int_equal(m.cases[0]->kind, EXPLAIN_CONNECTION);
	assert_int_equal(m.cases[0]->step_count, 2);
	material_close(&m);
}

static void keep_alives_that_fail_alike_are_one_case(void **state)
{
	(void)state;
	struct material m;
	material_open(&m, NULL);
	material_add(&m, "a 1 > b OPTIONS call=1\na 1.1 < b 503 m=OPTIONS call=1\n"
			 "a 2 > b OPTIONS call=2\na 2.1 < b 503 m=OPTIONS call=2\n"
			 "a 3 > b OPTIONS call=3\n"
			 "a 4 > b OPTIONS call=4 to=other@b.lab\na 4.1 < b 503 m=OPTIONS call=4\n"
			 "a 5 > b OPTIONS call=5\na 5.1 < b 503 m=OPTIONS call=5\n"
			 "a 100 > b OPTIONS call=6\na 100.1 < b 200 m=OPTIONS call=6\n");
	material_end(&m);
	assert_int_equal(m.case_count, 3);
	assert_int_equal(m.cases[0]->repeats, 2);
	assert_int_equal(m.cases[1]->repeats, 0);
	assert_int_equal(m.cases[1]->status, 0);
	assert_int_equal(m.cases[2]->repeats, 0);
	assert_int_equal(explain_joiner_totals(m.joiner).others[EXPLAIN_MESSAGE], 5);
	material_close(&m);
}

/* Places are those of the file, whatever part of it was read by itself. */
static void places_are_moved(void **state)
{
	(void)state;
	struct material m;
	material_open(&m, NULL);
	const struct explain_event *e = material_event(&m, SPAN("a 1 < b 504"));
	assert_int_equal(explain_joiner_add(m.joiner, e, 1000, 50000), 0);
	material_end(&m);
	assert_int_equal(m.cases[0]->steps[0].event->place.line, e->place.line + 1000);
	assert_int_equal(m.cases[0]->steps[0].event->place.offset, e->place.offset + 50000);
	material_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_calls_are_counted_and_cost_nothing),
		cmocka_unit_test(failed_calls_that_find_no_room_are_given_early),
		cmocka_unit_test(open_calls_that_find_no_room_are_forgotten_and_told),
		cmocka_unit_test(good_calls_are_given_where_they_are_wanted),
		cmocka_unit_test(a_call_of_very_many_messages_is_cut),
		cmocka_unit_test(cases_are_given_while_the_log_goes_on),
		cmocka_unit_test(clocks_are_compared),
		cmocka_unit_test(other_failures_are_counted),
		cmocka_unit_test(keep_alives_that_fail_alike_are_one_case),
		cmocka_unit_test(places_are_moved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
