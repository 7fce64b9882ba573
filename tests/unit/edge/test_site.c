/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration means to the edge: zones by address, rules in order, the rule book of trust. */
#include "config/load.h"
#include "edge/site.h"
#include "unit/cmocka_all.h"

static const char CONFIGURATION[] =
	"node: edge.a.example\n"
	"address: 192.0.2.1\n"
	"domains: [a.example]\n"
	"listen:\n"
	"  - {transport: udp, port: 5060}\n"
	"dns: {}\n"
	"trust:\n"
	"  blocked: [bad.example]\n"
	"  allowed: [good.example, {domain: fixed.example, server: edge.fixed.example}]\n"
	"  limits: {rate: 7, suspicious_rate: 2, addresses: 9}\n"
	"zones:\n"
	"  - {name: Partners, kind: dns}\n"
	"  - {name: First, kind: neighbor, transport: udp, peers: [\"10.0.0.1:5060\", \"pbx.a.example\"]}\n"
	"  - {name: SameHost, kind: neighbor, transport: tcp, peers: [\"10.0.0.1:5070\"]}\n"
	"  - {name: Secure, kind: neighbor, transport: tls, peers: [\"10.0.0.2\"]}\n"
	"rules:\n"
	"  - {name: late, priority: 9, mode: any, target: Partners}\n"
	"  - {name: early, priority: 1, source: First, mode: pattern, type: suffix, pattern: \"@a.example\", target: "
	"Secure}\n";

static struct edge_site *site_of(const char *configuration)
{
	struct config_input input = { .bytes = SPAN(""), .name = "test.yaml" };
	struct config_report report;
	const struct config_node *config = NULL;
	struct edge_site *site = NULL;
	struct buffer text;
	input.bytes = span_of(configuration);
	config_report_init(&report);
	buffer_init(&text, 1 << 16);
	if (config_load_bytes(&input, &report, &config) < 0) {
		config_report_write(&report, &text);
		fail_msg("%s", text.at);
	}
	buffer_done(&text);
	config_report_done(&report);
	assert_int_equal(edge_site_new(config, 3, &site), 0);
	config_node_unref(config);
	return site;
}

static struct edge_site *site_make(void)
{
	return site_of(CONFIGURATION);
}

static void neighbors_by_address(void **state)
{
	static const struct {
		const char *name, *address;
		enum transport_protocol protocol;
		const char *zone; /* NULL: a stranger */
	} cases[] = {
		{ "from its own port", "10.0.0.1:5060", TRANSPORT_UDP, "First" },
		{ "from any other port the first zone of that host", "10.0.0.1:40000", TRANSPORT_UDP, "First" },
		{ "two zones on one host: the port decides", "10.0.0.1:5070", TRANSPORT_TCP, "SameHost" },
		{ "UDP and TCP are the same to a neighbor", "10.0.0.1:5060", TRANSPORT_TCP, "First" },
		{ "TLS is not: a neighbor without TLS is a stranger with it", "10.0.0.1:5060", TRANSPORT_TLS, NULL },
		{ "a TLS neighbor over TLS", "10.0.0.2:33333", TRANSPORT_TLS, "Secure" },
		{ "a TLS neighbor's address over TCP proves nothing", "10.0.0.2:5060", TRANSPORT_TCP, NULL },
		{ "an address of nobody", "10.0.0.3:5060", TRANSPORT_UDP, NULL },
	};
	struct edge_site *site = site_make();
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct net_address address;
		assert_int_equal(net_address_parse_port(span_of(cases[i].address), 5060, &address), 0);
		const struct edge_zone *zone = edge_site_neighbor(site, &address, cases[i].protocol);
		if (cases[i].zone ? !zone || !span_is(zone->name, cases[i].zone) : zone != NULL)
			fail_msg("%s", cases[i].name);
	}
	edge_site_unref(site);
}

static void one_host_may_be_several(void **state)
{
	struct edge_site *site = site_make();
	struct net_address address;
	(void)state;
	net_address_parse(SPAN("10.0.0.1"), 40000, &address);
	assert_true(edge_site_may_be(&site->zones[1], &address, TRANSPORT_UDP));
	assert_true(edge_site_may_be(&site->zones[2], &address, TRANSPORT_TCP));
	assert_false(edge_site_may_be(&site->zones[2], &address, TRANSPORT_UDP)); /* a datagram proves no address */
	assert_false(edge_site_may_be(&site->zones[3], &address, TRANSPORT_TLS));
	assert_false(edge_site_may_be(&site->zones[0], &address, TRANSPORT_TLS)); /* partners are no neighbors */
	edge_site_unref(site);
}

static void targets_by_address(void **state)
{
	struct edge_site *site = site_make();
	struct net_address address;
	(void)state;
	net_address_parse(SPAN("10.0.0.2"), 5061, &address);
	assert_true(span_is(edge_site_zone_of_target(site, &address)->name, "Secure"));
	net_address_parse(SPAN("203.0.113.9"), 5061, &address);
	assert_ptr_equal(edge_site_zone_of_target(site, &address), site->partners);
	edge_site_unref(site);
}

static void zones_and_rules(void **state)
{
	struct edge_site *site = site_make();
	struct arena arena;
	struct route_plan plan;
	(void)state;
	arena_init(&arena, 1 << 16);
	assert_int_equal(site->zone_count, 4);
	assert_true(span_is(site->partners->name, "Partners"));
	assert_false(net_address_is_set(&site->zones[1].addresses[1])); /* a host name is asked in DNS */
	assert_int_equal(net_address_port(&site->zones[3].addresses[0]), 5061);
	struct route_request request = { .alias = SPAN("x@a.example"), .source = site->zones[1].index };
	assert_int_equal(route_plan_make(site->table, &request, 0, &arena, &plan), 0);
	assert_int_equal(plan.target_count, 2);
	assert_int_equal(plan.targets[0].zone, 3);
	assert_int_equal(plan.targets[1].zone, 0);
	arena_done(&arena);
	edge_site_unref(site);
}

static void the_rule_book(void **state)
{
	struct edge_site *site = site_make();
	const struct trust_partner *partner = trust_policy_partner(&site->policy, SPAN("fixed.example"));
	(void)state;
	assert_int_equal(trust_policy_standing(&site->policy, SPAN("bad.example")), TRUST_STANDING_BLOCKED);
	assert_int_equal(trust_policy_standing(&site->policy, SPAN("good.example")), TRUST_STANDING_ALLOWED);
	assert_int_equal(trust_policy_standing(&site->policy, SPAN("else.example")), TRUST_STANDING_DISCOVERED);
	assert_non_null(partner);
	assert_true(span_is(partner->server, "edge.fixed.example"));
	assert_true(trust_policy_is_own(&site->policy, SPAN("A.example")));
	assert_int_equal(site->limits.rate, 7);
	assert_int_equal(site->limits.suspicious_rate, 2);
	assert_int_equal(site->limits.addresses, 9);
	assert_int_equal(site->generation, 3);
	edge_site_unref(site);
}

#define DOORS(zones)                                                                                                   \
	"node: edge.a.example\naddress: 192.0.2.1\ndomains: [a.example]\nlisten: [{transport: udp}, {transport: "      \
	"tcp}]\n"                                                                                                      \
	"zones:\n" zones "rules: [{name: all, target: A}]\n"
#define DOOR(name, port)                                                                                               \
	"  - {name: " name ", kind: traversal-server, transport: tcp, port: " port ", username: u, password: p}\n"

static int door_with(const struct edge_site *site, const char *name)
{
	for (int i = 0; i < TRANSPORT_LISTENER_MAXIMUM; i++)
		if (site->doors[i].zone && span_is(site->doors[i].zone->name, name))
			return i;
	return -1;
}

/* Workers change over one after the other: a number must not mean two doors while they do. */
static void doors_keep_their_numbers(void **state)
{
	struct edge_site *first = site_of(DOORS(DOOR("A", "7001") DOOR("B", "7002")));
	struct edge_site *second = site_of(DOORS(DOOR("C", "7003") DOOR("A", "7009") DOOR("Renamed", "7002")));
	(void)state;
	assert_int_equal(edge_site_number_doors(first, NULL), 0);
	assert_int_equal(door_with(first, "A"), 2); /* behind the two listeners */
	assert_int_equal(door_with(first, "B"), 3);
	assert_int_equal(net_address_port(&first->doors[3].listener.address), 7002);
	assert_int_equal(first->doors[3].listener.protocol, TRANSPORT_TCP);
	assert_int_equal(edge_site_number_doors(second, first), 0);
	assert_int_equal(door_with(second, "Renamed"), 3); /* the same port */
	assert_int_equal(door_with(second, "C"), 4);
	assert_int_equal(door_with(second, "A"), 5); /* another port is another door */
	assert_int_equal(door_with(second, "B"), -1);
	edge_site_unref(first);
	edge_site_unref(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbors_by_address),
		cmocka_unit_test(one_host_may_be_several),
		cmocka_unit_test(targets_by_address),
		cmocka_unit_test(zones_and_rules),
		cmocka_unit_test(the_rule_book),
		cmocka_unit_test(doors_keep_their_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
