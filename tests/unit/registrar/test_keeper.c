/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations over a restart: what is written, what comes back, and files that are not what they should be. */
#include "base/require.h"
#include "registrar/keeper.h"
#include "unit/registrar/support.h"
#include "unit/scratch.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

struct house {
	struct desk *desk;
	struct clock_fake fake;
	struct clock clock;
	char folder[SCRATCH_SIZE];
	char path[96];
	char error[REGISTRAR_KEEPER_ERROR_SIZE];
	struct registrar_keeper *keeper;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	void *desk;
	h->fake = (struct clock_fake){ .wall_us = NOW_US };
	h->clock = clock_of_fake(&h->fake);
	if (scratch_make(h->folder) < 0 || desk_new(&desk) < 0)
		return -1;
	h->desk = desk;
	snprintf(h->path, sizeof(h->path), "%s/bindings.db", h->folder);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	void *desk = h->desk;
	registrar_keeper_stop(h->keeper);
	int status = scratch_remove(h->folder);
	desk_free(&desk);
	free(h);
	return status;
}

static void start(struct house *h)
{
	int status =
		registrar_keeper_start(h->path, SPAN("a.example"), &h->clock, h->desk->location, &h->keeper, h->error);
	if (status < 0)
		fail_msg("not started: %d, %s", status, h->error);
}

static void restart(struct house *h)
{
	void *desk = h->desk;
	h->keeper = registrar_keeper_stop(h->keeper);
	desk_free(&desk);
	assert_int_equal(desk_new(&desk), 0);
	h->desk = desk;
	h->desk->now_us = h->fake.wall_us;
	start(h);
}

static void all_of_a_binding_comes_back_but_its_flow(void **state)
{
	struct house *h = *state;
	const struct registrar_binding *b;
	start(h);
	h->desk->sender.flow = (struct registrar_flow){ 1, 2, 3 };
	assert_int_equal(
		put(h->desk, AOR, "call", 7,
			"User-Agent: Phone\r\nSupported: path, outbound\r\nContact: <sip:2000@h>;q=0.3;reg-id=2;"
			"+sip.instance=\"<urn:uuid:1>\", <sip:2000@g>\r\n"),
		REGISTRAR_DONE);
	restart(h);
	assert_int_equal(registrar_location_find(h->desk->location, AOR, NOW_US, &h->desk->arena, &b), 2);
	assert_true(span_is(b[1].contact, "sip:2000@h") && span_is(b[1].instance, "<urn:uuid:1>"));
	assert_true(span_is(b[1].parameters, ";reg-id=2;+sip.instance=\"<urn:uuid:1>\""));
	assert_true(b[1].reg_id == 2 && b[1].q == 300 && b[1].outbound && b[1].cseq == 7);
	assert_true(span_is(b[1].call_id, "call") && span_is(b[1].agent, "Phone") && !b[1].path.at);
	assert_true(span_is(b[1].user, "2000") && span_is(b[1].received, "192.0.2.4:5060"));
	assert_int_equal(b[1].expires_us, NOW_US + 3600 * CLOCK_SECOND_US);
	assert_int_equal(b[1].registered_us, NOW_US);
	assert_false(registrar_flow_is_set(b[1].flow));
	assert_false(b[0].outbound);
	/* It came by UDP: its address is still a phone's. */
	assert_true(registrar_location_is_source(h->desk->location, SPAN("udp 192.0.2.4:5060")));
	/* The order of its requests is kept too. */
	assert_int_equal(put(h->desk, AOR, "call", 7, "Contact: <sip:2000@g>\r\n"), REGISTRAR_OUT_OF_ORDER);
}

/* What came through a proxy makes its address nobody's: whoever else calls over it is no phone, then as now. */
static void a_proxys_address_is_no_phones(void **state)
{
	struct house *h = *state;
	start(h);
	h->desk->sender.source = SPAN_NONE; /* as edge/register.c decides */
	assert_int_equal(put(h->desk, AOR, "call", 7, "Contact: <sip:2000@g>\r\n"), REGISTRAR_DONE);
	restart(h);
	assert_int_equal(registrar_location_count(h->desk->location), 1);
	assert_false(registrar_location_is_source(h->desk->location, SPAN("udp 192.0.2.4:5060")));
}

static void what_went_is_gone(void **state)
{
	struct house *h = *state;
	start(h);
	assert_int_equal(put(h->desk, SPAN("1@h"), "a", 1, "Contact: <sip:1@h>\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(h->desk, SPAN("2@h"), "b", 1, "Contact: <sip:2@h>;expires=60\r\n"), REGISTRAR_DONE);
	assert_int_equal(put(h->desk, SPAN("3@h"), "c", 1, "Contact: <sip:3@h>\r\n"), REGISTRAR_DONE);
	restart(h);
	assert_int_equal(registrar_location_count(h->desk->location), 3);
	assert_int_equal(put(h->desk, SPAN("1@h"), "a", 2, "Contact: *\r\nExpires: 0\r\n"), REGISTRAR_DONE);
	clock_fake_advance(&h->fake, 61 * CLOCK_SECOND_US);
	restart(h);
	assert_int_equal(registrar_location_count(h->desk->location), 1);
	assert_true(span_is(shown(h->desk, SPAN("3@h")), "sip:3@h q=1000 3539s;"));
}

static bool wait_for_batch(struct house *h, uint64_t batches)
{
	for (int i = 0; i < 500; i++) {
		struct registrar_keeper_status status;
		registrar_keeper_status(h->keeper, &status);
		if (status.batches >= batches)
			return true;
		usleep(10000);
	}
	return false;
}

static void many_changes_are_few_batches(void **state)
{
	struct house *h = *state;
	struct registrar_keeper_status status;
	start(h);
	for (unsigned i = 0; i < 500; i++) {
		char aor[32];
		snprintf(aor, sizeof(aor), "%u@steven.lab", i);
		assert_int_equal(put(h->desk, span_of(aor), aor, 1, "Contact: <sip:a@h>\r\n"), REGISTRAR_DONE);
	}
	assert_true(wait_for_batch(h, 2));
	registrar_keeper_status(h->keeper, &status);
	assert_true(status.failures == 0);
	assert_in_range(status.batches, 2, 40);
	restart(h);
	assert_int_equal(registrar_location_count(h->desk->location), 500);
}

static void a_file_has_one_keeper(void **state)
{
	struct house *h = *state;
	struct registrar_keeper *other = NULL;
	start(h);
	assert_int_equal(
		registrar_keeper_start(h->path, SPAN("a.example"), &h->clock, h->desk->location, &other, h->error),
		-EBUSY);
	assert_non_null(strstr(h->error, h->path));
}

static void other_files_are_refused(void **state)
{
	struct house *h = *state;
	FILE *file = fopen(h->path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("not a file of ours ", file);
	fclose(file);
	assert_int_equal(
		registrar_keeper_start(h->path, SPAN("a.example"), &h->clock, h->desk->location, &h->keeper, h->error),
		-EBADMSG);
	assert_non_null(strstr(h->error, h->path));
	unlink(h->path);
	assert_int_equal(mkdir(h->path, 0700), 0);
	assert_int_equal(
		registrar_keeper_start(h->path, SPAN("a.example"), &h->clock, h->desk->location, &h->keeper, h->error),
		-EMEDIUMTYPE);
	rmdir(h->path);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(all_of_a_binding_comes_back_but_its_flow),
		CASE(a_proxys_address_is_no_phones),
		CASE(what_went_is_gone),
		CASE(many_changes_are_few_batches),
		CASE(a_file_has_one_keeper),
		CASE(other_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
