/* SPDX-License-Identifier: Apache-2.0 */
/* A good file with every section becomes the snapshot that it says, defaults filled in. */
#include "base/require.h"
#include "config/load.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

static const char whole[] =
	"node: VCSE.steven.lab.\n"
	"address: 127.48.36.47\n"
	"domains: [steven.lab, acano.steven.lab]\n"
	"listen:\n"
	"  - {transport: udp, port: 5060}\n"
	"  - {transport: tls, address: 127.48.36.48}\n"
	"tls:\n"
	"  identities:\n"
	"    - {names: [vcse.steven.lab], certificate: vcse.pem, key: /keys/vcse.key}\n"
	"    - {names: ['*.a.example'], certificate: a.pem, key: a.key, client_certificate: c.pem, client_key: c.key}\n"
	"  authorities: [root.pem]\n"
	"  minimum_version: 1.3\n"
	"dns: {servers: [\"127.48.53.53@53\", 127.48.53.54], timeout: 500ms}\n"
	"trust:\n"
	"  allowed: [a.example, {domain: b.example, server: edge.b.example:5062}]\n"
	"  providers: [sipfed.online.lync.com]\n"
	"  limits: {rate: 30}\n"
	"zones:\n"
	"  - {name: DNSZone1, kind: dns}\n"
	"  - {name: Neighbor, kind: neighbor, peers: [\"127.48.54.160:5061\"], verify_name: cms.steven.lab}\n"
	"rules:\n"
	"  - {name: last, priority: 200, target: Neighbor}\n"
	"  - {name: to partners, source: Neighbor, mode: pattern, type: regex, pattern: '.*@(?!.*steven\\.lab$).*', "
	"target: "
	"DNSZone1}\n"
	"  - {name: strangers, source: default, on_match: stop, target: Neighbor}\n"
	"log:\n"
	"  - {format: expressway, file: vcse.log}\n"
	"  - {format: json, file: '-'}\n"
	"control: vcse.sock\n"
	"limits: {message: 32K}\n";

static const struct config_node *load(const char *text, const char *folder)
{
	struct config_report report;
	const struct config_node *node = NULL;
	struct config_input input = { span_of(text), "vcse.yaml", folder, false };
	config_report_init(&report);
	int status = config_load_bytes(&input, &report, &node);
	for (size_t i = 0; i < report.count; i++)
		print_message("line %u: %s\n", report.defects[i].place.line, report.defects[i].text);
	config_report_done(&report);
	assert_int_equal(status, 0);
	assert_non_null(node);
	return node;
}

#define assert_span(span, text) assert_string_equal((span).at, text)

static void a_whole_file_becomes_its_snapshot(void **state)
{
	(void)state;
	const struct config_node *n = load(whole, "/etc/fedge");
	assert_span(n->file, "vcse.yaml");
	assert_span(n->node, "vcse.steven.lab");
	assert_span(n->log_name, "vcse");
	assert_int_equal(n->dialect, CONFIG_DIALECT_STANDARD);
	assert_span(n->address, "127.48.36.47");
	assert_int_equal(n->domains.count, 2);
	assert_true(config_node_owns(n, SPAN("Acano.steven.lab")));
	assert_false(config_node_owns(n, SPAN("cms.steven.lab")));

	assert_int_equal(n->listen_count, 2);
	assert_span(n->listen[0].address, "127.48.36.47");
	assert_int_equal(n->listen[1].port, 5061);
	assert_span(n->listen[1].address, "127.48.36.48");
	assert_int_equal(n->listen[1].place.line, 6);

	assert_int_equal(n->tls.identity_count, 2);
	assert_span(n->tls.identities[0].certificate, "/etc/fedge/vcse.pem");
	assert_span(n->tls.identities[0].key, "/keys/vcse.key");
	assert_span(n->tls.identities[0].client_certificate, "/etc/fedge/vcse.pem");
	assert_span(n->tls.identities[1].names.items[0], "*.a.example");
	assert_span(n->tls.identities[1].client_key, "/etc/fedge/c.key");
	assert_span(n->tls.authorities.items[0], "/etc/fedge/root.pem");
	assert_int_equal(n->tls.minimum_version, CONFIG_TLS_1_3);
	assert_int_equal(n->tls.verify, CONFIG_TLS_VERIFY_JUDGE);
	assert_int_equal(n->tls.client_certificate, CONFIG_TLS_CLIENT_REQUIRE);
	assert_null(n->tls.keylog.at);

	assert_true(n->dns.enabled);
	assert_int_equal(n->dns.servers.count, 2);
	assert_span(n->dns.servers.items[1].host, "127.48.53.54");
	assert_int_equal(n->dns.servers.items[1].port, 53);
	assert_int_equal(n->dns.timeout_ms, 500);

	assert_int_equal(n->trust.policy, CONFIG_POLICY_MICROSOFT);
	assert_true(n->trust.discover);
	assert_int_equal(n->trust.allowed_count, 2);
	assert_span(n->trust.allowed[0].domain, "a.example");
	assert_null(n->trust.allowed[0].server.host.at);
	assert_span(n->trust.allowed[1].server.host, "edge.b.example");
	assert_int_equal(n->trust.allowed[1].server.port, 5062);
	assert_int_equal(n->trust.expires_soon_s, 21 * 86400);
	assert_int_equal(n->trust.rate, 30);
	assert_int_equal(n->trust.suspicious_rate, 1);
	assert_int_equal(n->trust.addresses, 1000);

	assert_int_equal(n->zone_count, 2);
	assert_span(n->zones[0].service, "sipfederationtls");
	assert_int_equal(n->zones[0].transport, CONFIG_TRANSPORT_TLS);
	assert_ptr_equal(config_node_zone(n, SPAN("Neighbor")), &n->zones[1]);
	assert_int_equal(n->zones[1].peers.items[0].port, 5061);

	assert_int_equal(n->log_count, 2);
	assert_span(n->logs[0].file, "/etc/fedge/vcse.log");
	assert_int_equal(n->logs[0].rotate_bytes, 100 << 20);
	assert_span(n->logs[1].file, "-");
	assert_span(n->control, "/etc/fedge/vcse.sock");
	assert_true(n->via_zones);
	assert_int_equal(n->limits.message_bytes, 32768);
	assert_int_equal(n->limits.idle_ms, 3600000);
	config_node_unref(n);
}

static void rules_come_in_the_order_of_their_priority(void **state)
{
	(void)state;
	const struct config_node *n = load(whole, NULL);
	assert_int_equal(n->rule_count, 3);
	assert_span(n->rules[0].name, "to partners");
	assert_int_equal(n->rules[0].source, CONFIG_SOURCE_ZONE);
	assert_ptr_equal(n->rules[0].source_zone, &n->zones[1]);
	assert_ptr_equal(n->rules[0].target, &n->zones[0]);
	assert_int_equal(n->rules[0].type, CONFIG_PATTERN_REGEX);
	assert_span(n->rules[1].name, "strangers");
	assert_int_equal(n->rules[1].source, CONFIG_SOURCE_DEFAULT);
	assert_int_equal(n->rules[1].on_match, CONFIG_ON_MATCH_STOP);
	assert_span(n->rules[2].name, "last");
	assert_int_equal(n->rules[2].mode, CONFIG_MODE_ANY);
	assert_span(n->control, "vcse.sock");
	config_node_unref(n);
}

static void microsofts_dialect_refuses_inside_tls(void **state)
{
	(void)state;
	static const char head[] =
		"node: sip.skype.lab\ndomains: [skype.lab]\ndialect: microsoft\nlisten: [{transport: udp}]\n";
	char text[512];
	const struct config_node *n = load(head, NULL);
	assert_int_equal(n->tls.verify, CONFIG_TLS_VERIFY_HANDSHAKE);
	assert_false(n->dns.enabled);
	assert_int_equal(n->dns.timeout_ms, 3000);
	config_node_unref(n);
	snprintf(text, sizeof(text), "%stls: {verify: judge}\n", head);
	n = load(text, NULL);
	assert_int_equal(n->tls.verify, CONFIG_TLS_VERIFY_JUDGE);
	config_node_unref(n);
}

static void a_reload_says_what_needs_a_restart(void **state)
{
	(void)state;
	static const struct {
		const char *change;
		const char *key;
	} cases[] = {
		{ "trust: {discover: no}\n", NULL },
		{ "domains: [b.example]\n", NULL },
		{ "workers: 2\n", "workers" },
		{ "log: [{format: json, file: l}]\n", "log" },
		{ "control: s\n", "control" },
		{ "limits: {idle: 1m}\n", "limits" },
	};
	static const char head[] = "node: a.example\nlisten: [{transport: udp}]\n";
	const struct config_node *running = load(head, NULL);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char text[512];
		snprintf(text, sizeof(text), "%s%s", head, cases[i].change);
		const struct config_node *wanted = load(text, NULL);
		const char *key = config_node_restart_key(running, wanted);
		if (cases[i].key ? !key || strcmp(key, cases[i].key) != 0 : key != NULL)
			fail_msg("%s: %s", cases[i].change, key ? key : "no restart");
		config_node_unref(wanted);
	}
	config_node_unref(running);
}

static void the_last_reference_frees(void **state)
{
	(void)state;
	const struct config_node *n = load("node: a.example\nlisten: [{transport: udp}]\n", NULL);
	assert_ptr_equal(config_node_ref(n), n);
	config_node_unref(n);
	assert_span(n->node, "a.example");
	config_node_unref(n);
	config_node_unref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file_becomes_its_snapshot),
		cmocka_unit_test(rules_come_in_the_order_of_their_priority),
		cmocka_unit_test(microsofts_dialect_refuses_inside_tls),
		cmocka_unit_test(a_reload_says_what_needs_a_restart),
		cmocka_unit_test(the_last_reference_frees),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
