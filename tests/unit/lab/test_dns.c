/* SPDX-License-Identifier: Apache-2.0 */
/* The zone files, record by record, and Knot DNS with them. */
#include "base/clock.h"
#include "lab/dns.h"
#include "lab_test.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const struct expected_zone {
	const char *scenario;
	const char *zone;
	const char *has[4];
	const char *lacks[3];
} expected_zones[] = {
	{ "healthy", "acano.steven.lab",
		{ "_sipfederationtls._tcp\tIN SRV\t0 0 5061 vcse.acano.steven.lab.\n", "vcse\tIN A\t127.48.36.47\n" },
		{ 0 } },
	{ "healthy", "cms.steven.lab",
		{ "0 0 5061 vcse.cms.steven.lab.\n", "vcse\tIN A\t127.48.36.47\n", "@\tIN A\t127.48.54.160\n" },
		{ 0 } },
	{ "healthy", "steven.lab",
		{ "0 0 5061 vcse.steven.lab.\n", "vcse\tIN A\t127.48.36.47\n", "cms\tIN NS\tns.steven.lab.\n" },
		{ 0 } },
	{ "healthy", "skype.lab", { "0 0 5061 sip.skype.lab.\n", "sip\tIN A\t127.48.36.6\n" }, { 0 } },
	{ "srv-other-domain", "acano.steven.lab", { "0 0 5061 vcse.steven.lab.\n" }, { "vcse\tIN A" } },
	{ "srv-subdomain", "cms.steven.lab",
		{ "0 0 5061 vcse.sub.cms.steven.lab.\n", "vcse.sub\tIN A\t127.48.36.47\n" }, { 0 } },
	{ "srv-missing", "acano.steven.lab", { "IN SOA" }, { "IN SRV" } },
	{ "srv-missing", "skype.lab", { "IN SRV" }, { 0 } },
	{ "address-missing", "cms.steven.lab", { "0 0 5061 vcse.cms.steven.lab.\n" }, { "vcse\tIN A" } },
	{ "address-missing", "steven.lab", { "vcse\tIN A\t127.48.36.47\n" }, { 0 } },
	{ "port-closed", "cms.steven.lab", { "vcse\tIN A\t127.48.36.99\n" }, { "127.48.36.47" } },
	{ "partner-srv-other-domain", "skype.lab", { "0 0 5061 sip.hosting.lab.\n" }, { "5061 sip.skype.lab" } },
	{ "partner-srv-other-domain", "hosting.lab", { "sip\tIN A\t127.48.36.6\n" }, { "IN SRV" } },
};

static void zones_hold_what_the_scenario_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expected_zones) / sizeof(expected_zones[0]); i++) {
		const struct expected_zone *row = &expected_zones[i];
		struct buffer text;
		buffer_init(&text, 65536);
		print_message("%s %s\n", row->scenario, row->zone);
		assert_int_equal(lab_dns_zone(lab_scenario_find(row->scenario), row->zone, &text), 0);
		for (size_t j = 0; j < 4 && row->has[j]; j++)
			assert_non_null(strstr(text.at, row->has[j]));
		for (size_t j = 0; j < 3 && row->lacks[j]; j++)
			assert_null(strstr(text.at, row->lacks[j]));
		buffer_done(&text);
	}
}

static void a_strange_zone_is_refused(void **state)
{
	struct buffer text;
	(void)state;
	buffer_init(&text, 65536);
	assert_int_equal(lab_dns_zone(lab_scenario_find("healthy"), "example.com", &text), -EINVAL);
	buffer_done(&text);
}

/* A network of our own, so that a lab running beside the test does not matter. */
static bool enter_own_network(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = descriptor >= 0 && ioctl(descriptor, SIOCSIFFLAGS, &loopback) == 0;
	close(descriptor);
	return up;
}

static void knot_answers_for_every_zone(void **state)
{
	struct clock clock = clock_system();
	struct lab_place place;
	struct lab_watch watch;
	struct lab_process process;
	uint16_t port;
	if (!enter_own_network())
		skip();
	assert_int_equal(lab_dns_choose_port(&port), 0);
	assert_int_equal(lab_place_open(&place, *state), 0);
	assert_int_equal(lab_dns_write(&place, lab_scenario_find("healthy"), port), 0);
	assert_int_equal(lab_watch_open(&watch, &clock), 0);
	int status = lab_dns_start(&place, &process);
	if (status == -ENOENT)
		skip();
	assert_int_equal(status, 0);
	int64_t due_us = clock_steady_us(&clock) + 20 * CLOCK_SECOND_US;
	assert_int_equal(lab_dns_wait(&process, &watch, port, due_us), 0);
	lab_process_stop(&process, &clock, 5 * CLOCK_SECOND_US);
	assert_int_equal(lab_process_exit_code(&process), 0);
	/* Without the server nobody answers, and the wait ends by itself. */
	assert_int_equal(lab_dns_wait(&process, &watch, port, due_us), -ECHILD);
	lab_watch_close(&watch);
	lab_place_close(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_hold_what_the_scenario_says),
		cmocka_unit_test(a_strange_zone_is_refused),
		cmocka_unit_test_setup_teardown(knot_answers_for_every_zone, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
