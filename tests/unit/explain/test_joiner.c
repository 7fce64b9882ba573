/* SPDX-License-Identifier: Apache-2.0 */
/* Ladders in, cases out. What a case must be is written as one text: kind, outcome, status, legs, hosts, steps. */
#include "unit/explain/material.h"

static void a_call_over_two_boxes(void **state)
{
	(void)state;
	struct material m;
	material_open(&m, NULL);
	material_add(&m, "vcsc 0.000 < phone INVITE via=phone\n"
			 "vcsc 0.010 > vcse INVITE via=vcsc:S1,phone\n"
			 "vcse 0.011 < vcsc INVITE via=vcsc:S1,phone file=1\n"
			 "vcse 0.012 > edge.b.lab INVITE via=vcse:S2,vcsc:S1,phone file=1\n"
			 "vcse 0.020 < edge.b.lab 504 'Server time-out' via=vcse:S2,vcsc:S1,phone file=1\n"
			 "vcse 0.021 > vcsc 504 'Server time-out' via=vcsc:S1,phone file=1\n"
			 "vcsc 0.022 < vcse 504 'Server time-out' via=vcsc:S1,phone\n"
			 "vcsc 0.023 > phone 504 'Server time-out' via=phone\n");
	material_end(&m);
	assert_int_equal(m.case_count, 1);
	const struct explain_case *c = m.cases[0];
	assert_int_equal(c->outcome, EXPLAIN_FAILED);
	assert_int_equal(c->status, 504);
	assert_int_equal(c->step_count, 6);
	assert_int_equal(c->host_count, 4);
	assert_int_equal(c->refusal, 3);
	assert_int_equal(c->refused_by, 3);
	assert_true(span_is(c->hosts[3].name, "edge.b.lab"));
	assert_true(span_is(c->hosts[2].name, "vcse"));
	material_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_over_two_boxes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
