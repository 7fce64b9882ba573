/* SPDX-License-Identifier: Apache-2.0 */
/* lab.json, the table, and the configuration files that the lab writes for its nodes. */
#include "config/load.h"
#include "lab/document.h"
#include "lab/identity.h"
#include "lab/node_file.h"
#include "lab/phone_command.h"
#include "lab/run.h"
#include "lab_test.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

static void the_document_says_where_everything_is(void **state)
{
	struct buffer text;
	const struct lab_document document = { lab_scenario_find("healthy"), 53 };
	(void)state;
	buffer_init(&text, 65536);
	assert_int_equal(lab_document_write(&document, &text), 0);
	json_t *object = json_loadb(text.at, text.length, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(object, "resolver")), "127.48.53.53@53");
	assert_string_equal(json_string_value(json_object_get(object, "ca_file")), "tls/root.pem");
	assert_int_equal(json_array_size(json_object_get(object, "domains")), 4);
	json_t *hosts = json_object_get(object, "hosts");
	assert_int_equal(json_array_size(hosts), LAB_HOST_COUNT);
	size_t index;
	json_t *host;
	json_array_foreach(hosts, index, host)
	{
		static const char *const paths[] = { "configuration", "log", "certificate", "key" };
		json_t *port = json_object_get(json_object_get(host, "ports"), "tls");
		size_t count = port ? 4 : 2; /* without TLS no certificate */
		for (size_t i = 0; i < count; i++) {
			const char *path = json_string_value(json_object_get(host, paths[i]));
			assert_non_null(path);
			assert_int_not_equal(path[0], '/');
		}
		assert_true(!port || json_integer_value(port) == 5061);
		assert_int_equal(json_is_null(json_object_get(host, "certificate")), !port);
	}
	assert_string_equal(json_string_value(json_object_get(json_array_get(hosts, LAB_VCSE), "log")), "vcse.log");
	json_t *calls = json_object_get(object, "calls");
	assert_int_equal(json_array_size(calls), LAB_DIRECTION_COUNT);
	json_t *inbound = json_array_get(calls, LAB_INBOUND);
	assert_string_equal(json_string_value(json_object_get(inbound, "caller")), "sip:stejanss@skype.lab");
	assert_int_equal(json_integer_value(json_object_get(inbound, "status")), 200);
	json_t *arguments = json_object_get(inbound, "arguments");
	assert_string_equal(json_string_value(json_array_get(arguments, 0)), "call");
	json_decref(object);
	buffer_done(&text);
}

static void write_node_file(const struct lab_place *place, enum lab_host_id id, const struct lab_scenario *scenario)
{
	struct buffer text;
	char name[64];
	const struct lab_node_settings settings = { scenario, 53 };
	buffer_init(&text, 65536);
	snprintf(name, sizeof(name), "%s.yaml", lab_host(id)->short_name);
	assert_int_equal(lab_node_file(id, &settings, &text), 0);
	assert_int_equal(lab_place_write(place, name, 0644, buffer_span(&text)), 0);
	buffer_done(&text);
}

static const struct config_node *load(const struct lab_place *place, enum lab_host_id id)
{
	struct config_report report;
	struct buffer complaints;
	const struct config_node *node = NULL;
	char *path = lab_place_path(place, "%s.yaml", lab_host(id)->short_name);
	config_report_init(&report);
	buffer_init(&complaints, 65536);
	int status = config_load_file(path, &report, &node);
	config_report_write(&report, &complaints);
	if (complaints.length)
		print_message("%s", complaints.at);
	assert_int_equal(status, 0);
	assert_int_equal(report.count, 0); /* no warning either */
	buffer_done(&complaints);
	config_report_done(&report);
	free(path);
	return node;
}

static void nodes_are_configured_without_a_mistake(void **state)
{
	struct lab_place place;
	for (size_t i = 0; i < lab_scenario_count(); i++) {
		const struct lab_scenario *scenario = lab_scenario_at(i);
		print_message("%s\n", scenario->name);
		assert_int_equal(lab_place_open(&place, *state), 0);
		assert_int_equal(lab_place_write(&place, "lab.json", 0644, SPAN("{}")), 0);
		assert_int_equal(lab_identity_write(&place, scenario, (int64_t)time(NULL)), 0);
		assert_int_equal(lab_place_write(&place, LAB_PHONE_PASSWORD_FILE, 0600, SPAN("one\n")), 0);
		assert_int_equal(lab_place_write(&place, LAB_TRAVERSAL_PASSWORD_FILE, 0600, SPAN("two\n")), 0);
		for (int id = 0; id < LAB_HOST_COUNT; id++)
			if (lab_host((enum lab_host_id)id)->role == LAB_ROLE_NODE)
				write_node_file(&place, (enum lab_host_id)id, scenario);
		const struct config_node *cucm = load(&place, LAB_CUCM);
		const struct config_node *vcsc = load(&place, LAB_VCSC);
		const struct config_node *vcse = load(&place, LAB_VCSE);
		const struct config_node *edge = load(&place, LAB_EDGE);
		assert_true(cucm->registrar.enabled);
		assert_int_equal(cucm->user_count, 1);
		const struct config_zone *dials = config_node_zone(vcsc, SPAN(LAB_TRAVERSAL_CLIENT_ZONE));
		const struct config_zone *opens = config_node_zone(vcse, SPAN("TraversalZoneServer1"));
		assert_true(dials && opens && span_equal(dials->password, opens->password));
		assert_int_equal(opens->port, 7001);
		assert_true(vcsc->history.enabled && vcse->history.enabled);
		assert_int_equal(vcse->dialect, CONFIG_DIALECT_STANDARD);
		assert_int_equal(edge->dialect, CONFIG_DIALECT_MICROSOFT);
		assert_int_equal(edge->tls.verify, CONFIG_TLS_VERIFY_HANDSHAKE);
		assert_int_equal(vcse->listen_count, 3);
		assert_non_null(config_node_zone(vcse, SPAN("DNSZone1")));
		assert_non_null(config_node_zone(vcsc, SPAN("NeighborZoneAcano1SIP")));
		assert_true(config_node_owns(vcse, SPAN("cms.steven.lab")));
		assert_int_equal(edge->trust.blocked.count, scenario->world.partner_blocks_us ? 3 : 0);
		config_node_unref(cucm);
		config_node_unref(vcsc);
		config_node_unref(vcse);
		config_node_unref(edge);
		lab_place_close(&place);
	}
}

static void a_phone_has_no_node_file(void **state)
{
	struct buffer text;
	const struct lab_node_settings settings = { lab_scenario_find("healthy"), 53 };
	(void)state;
	buffer_init(&text, 65536);
	assert_int_equal(lab_node_file(LAB_CLIENT, &settings, &text), -EINVAL);
	assert_int_equal(lab_node_file(LAB_PHONE, &settings, &text), -EINVAL);
	assert_int_equal(lab_node_file(LAB_CMS, &settings, &text), -EINVAL);
	buffer_done(&text);
}

static void command_lines_are_safe_to_paste(void **state)
{
	struct arena arena;
	struct lab_command command;
	struct buffer text;
	(void)state;
	arena_init(&arena, 65536);
	buffer_init(&text, 4096);
	lab_command_init(&command, &arena);
	lab_command_add(&command, "fedge");
	lab_command_add(&command, "call");
	lab_command_add(&command, "--via");
	lab_command_add(&command, "192.0.2.1;transport=tls");
	lab_command_add(&command, "it's %d", 1);
	lab_command_add(&command, "%s", "");
	assert_false(command.incomplete);
	assert_int_equal(lab_command_write(&command, "build/fedge", &text), 0);
	assert_string_equal(text.at, "build/fedge call --via '192.0.2.1;transport=tls' 'it'\\''s 1' ''\n");
	buffer_done(&text);
	arena_done(&arena);
}

/* The whole line of a host that is no node, or of a call from its desk. */
static void expect_line(enum lab_host_id id, const struct lab_call_settings *call, const char *const *has)
{
	struct arena arena;
	struct lab_command command;
	struct buffer text;
	arena_init(&arena, 65536);
	buffer_init(&text, 4096);
	lab_command_init(&command, &arena);
	assert_int_equal(call ? lab_phone_call(call, &command) : lab_phone_answer(id, &command), 0);
	assert_int_equal(lab_command_write(&command, "fedge", &text), 0);
	print_message("%s", text.at);
	for (; *has; has++)
		assert_non_null(strstr(text.at, *has));
	buffer_done(&text);
	arena_done(&arena);
}

static void phones_and_the_meeting_server_know_their_way(void **state)
{
	static const char *const phone[] = { "--as sip:2000@steven.lab", "--register '127.48.54.10:5060;transport=tcp'",
		"--username 2000", "--address 127.48.54.11", NULL };
	static const char *const bridge[] = { "--as 'sip:*@cms.steven.lab'", "--listen tls:127.48.54.160:5061",
		"--bridge-to '127.48.36.46:5061;transport=tls'", "--bridge-caller steven.lab=acano.steven.lab",
		"--bridge-callee acano.steven.lab=steven.lab", "--server-name vcsc.steven.lab", NULL };
	static const char *const call[] = { "--via '127.48.54.10:5060;transport=tcp'", "--username 2000", NULL };
	static const char *const partner[] = { "--via '127.48.36.6:5061;transport=tls'", "--dialect microsoft", NULL };
	struct lab_call_settings settings = { .from = LAB_PHONE, .caller = LAB_PHONE_USER, .callee = LAB_PARTNER_USER };
	(void)state;
	expect_line(LAB_PHONE, NULL, phone);
	expect_line(LAB_CMS, NULL, bridge);
	expect_line(LAB_PHONE, &settings, call);
	settings.from = LAB_CLIENT;
	expect_line(LAB_CLIENT, &settings, partner);
}

static void results_read_well(void **state)
{
	struct buffer text;
	struct lab_result result = {
		.scenario = lab_scenario_find("srv-other-domain"),
		.direction = LAB_INBOUND,
		.caller = "sip:stejanss@skype.lab",
		.callee = "sip:meet@cms.steven.lab",
		.finding = "srv-target-outside-domain",
		.as_expected = true,
		.folder = "x",
	};
	(void)state;
	result.answer =
		(struct lab_answer){ .status = 504, .reason = "Server time-out", .diagnostics = { .id = 1009 } };
	buffer_init(&result.differences, 4096);
	buffer_init(&text, 65536);
	assert_int_equal(lab_result_line(&result, 0, &text), 0);
	assert_string_equal(text.at,
		"srv-other-domain           inbound    504 1009  srv-target-outside-domain       504 1009  ok\n");
	buffer_clear(&text);
	assert_int_equal(lab_result_line(&result, 80, &text), 0);
	assert_true(span_find(buffer_span(&text), '\n') <= 80 + 2); /* "…" has three bytes */
	buffer_clear(&text);
	assert_int_equal(lab_result_json(&result, &text), 0);
	json_t *object = json_loadb(text.at, text.length, 0, NULL);
	static const char *const keys[] = { "scenario", "direction", "caller", "callee", "status", "reason",
		"ms_diagnostics", "finding", "as_expected", "call_ids", "logs" };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(object, keys[i]));
	assert_int_equal(json_integer_value(json_object_get(object, "status")), 504);
	assert_true(json_is_array(json_object_get(object, "logs")));
	json_decref(object);
	buffer_done(&text);
	buffer_done(&result.differences);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_says_where_everything_is),
		cmocka_unit_test_setup_teardown(nodes_are_configured_without_a_mistake, make_folder, remove_folder),
		cmocka_unit_test(a_phone_has_no_node_file),
		cmocka_unit_test(command_lines_are_safe_to_paste),
		cmocka_unit_test(phones_and_the_meeting_server_know_their_way),
		cmocka_unit_test(results_read_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
