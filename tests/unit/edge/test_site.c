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

/* Every word of a dial plan means the same to the file and to the table. */
static const char DIAL_PLAN[] =
	"node: c.us.lab\n"
	"log_name: vcsc\n"
	"address: 192.0.2.1\n"
	"domains: [us.lab, more.us.lab]\n"
	"listen: [{transport: udp, port: 5060}, {transport: tcp, address: \"2001:db8::1\", port: 5060}]\n"
	"dns: {}\n"
	"zones:\n"
	"  - {name: Anybody, kind: dns, service: sip}\n"
	"  - {name: Partners, kind: dns}\n"
	"  - {name: Core, kind: neighbor, transport: tcp, peers: [10.0.0.1]}\n"
	"  - {name: Phones, kind: local}\n"
	"  - {name: Strangers, kind: default}\n"
	"  - {name: Inner, kind: traversal-client, transport: tcp, peers: [10.0.0.9], username: c, password: x}\n"
	"  - {name: Outer, kind: traversal-server, transport: tcp, port: 7005, username: d, password: y}\n"
	"registrar: {domains: [us.lab]}\n"
	"users: [{username: u, password: p}]\n"
	"transforms:\n"
	"  - {priority: 2, type: regex, pattern: '(\\d{4})', behaviour: replace, replace: '\\1@%localdomain1%'}\n"
	"  - {priority: 1, enabled: no, type: prefix, pattern: '2', behaviour: strip}\n"
	"policy:\n"
	"  - {name: none, authenticated: no, from: '.*@them\\.lab', to: '9.*', action: reject, status: 603}\n"
	"  - {name: desk, source: local, to: 'desk@(.*)', action: redirect, alias: '2000@\\1'}\n"
	"rules:\n"
	"  - {name: phones, priority: 1, mode: pattern, type: regex, pattern: '.*@%localdomains%', target: Phones, "
	"on_match: stop}\n"
	"  - {name: address, priority: 2, mode: any-address, source: all-zones, target: Anybody}\n"
	"  - {name: im, priority: 3, variant: microsoft-im, target: Core}\n"
	"  - {name: proved, priority: 4, authenticated: yes, source: Strangers, mode: pattern, type: prefix, pattern: "
	"'00', "
	"behaviour: replace, replace: '+', target: Partners}\n"
	"  - {name: out, priority: 5, source: Phones, target: Inner}\n"
	"  - {name: off, enabled: no, priority: 6, target: Core}\n";

#define PHONES 3
#define CORE 2

static void a_whole_dial_plan(void **state)
{
	static const struct {
		const char *name;
		struct route_request request;
		const char *zone, *alias; /* of the first target; NULL: there is none */
		uint16_t rejected;
	} cases[] = {
		{ "a number", { .alias = SPAN("2000"), .source = CORE }, "Phones", "2000@us.lab", 0 },
		{ "our other domain", { .alias = SPAN("a@more.us.lab"), .source = CORE }, "Phones", "a@more.us.lab",
			0 },
		{ "a redirection for phones", { .alias = SPAN("desk@us.lab"), .source = PHONES }, "Phones",
			"2000@us.lab", 0 },
		{ "and for nobody else", { .alias = SPAN("desk@us.lab"), .source = CORE }, "Phones", "desk@us.lab", 0 },
		{ "a caller who is not let out",
			{ .alias = SPAN("911@x.lab"), .caller = SPAN("a@them.lab"), .source = CORE }, NULL, NULL, 603 },
		{ "but for one who has proved himself",
			{ .alias = SPAN("911@x.lab"),
				.caller = SPAN("a@them.lab"),
				.source = PHONES,
				.authenticated = true },
			"Inner", "911@x.lab", 0 },
		{ "an address", { .alias = SPAN("a@192.0.2.9"), .source = CORE }, "Anybody", "a@192.0.2.9", 0 },
		{ "not for strangers", { .alias = SPAN("a@192.0.2.9"), .source = ROUTE_ZONE_DEFAULT }, NULL, NULL, 0 },
		{ "instant messages",
			{ .alias = SPAN("a@x.lab"), .source = CORE, .variant = ROUTE_VARIANT_MICROSOFT_IM }, "Core",
			"a@x.lab", 0 },
		{ "a stranger who has proved to be somebody",
			{ .alias = SPAN("0049@x.lab"), .source = ROUTE_ZONE_DEFAULT, .authenticated = true },
			"Partners", "+49@x.lab", 0 },
		{ "one who has not", { .alias = SPAN("0049@x.lab"), .source = ROUTE_ZONE_DEFAULT }, NULL, NULL, 0 },
		{ "a phone dials out", { .alias = SPAN("a@x.lab"), .source = PHONES }, "Inner", "a@x.lab", 0 },
	};
	struct edge_site *site = site_of(DIAL_PLAN);
	struct arena arena;
	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_plan plan;
		assert_int_equal(route_plan_make(site->table, &cases[i].request, 0, &arena, &plan), 0);
		bool good = plan.target_count ? cases[i].zone && span_is(plan.targets[0].alias, cases[i].alias) &&
							span_is(site->zones[plan.targets[0].zone].name, cases[i].zone)
					      : !cases[i].zone;
		if (!good || plan.rejected_status != cases[i].rejected)
			fail_msg(
				"%s: %zu targets, rejected %u", cases[i].name, plan.target_count, plan.rejected_status);
	}
	arena_done(&arena);
	edge_site_unref(site);
}

static void zones_of_every_kind(void **state)
{
	static const struct {
		const char *name;
		bool inside;
	} cases[] = { { "Anybody", false }, { "Partners", false }, { "Core", true }, { "Phones", true },
		{ "Strangers", false }, { "Inner", true }, { "Outer", true } };
	struct edge_site *site = site_of(DIAL_PLAN);
	struct net_address address;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!span_is(site->zones[i].name, cases[i].name) || site->zones[i].inside != cases[i].inside)
			fail_msg("%s", cases[i].name);
	assert_true(span_is(site->partners->name, "Partners")); /* not the one of service sip */
	assert_true(span_is(site->local->name, "Phones"));
	assert_true(site->uses_variants);
	assert_int_equal(net_address_port(&site->zones[5].addresses[0]), 7001);
	/* Whoever calls from a traversal peer's address has still to prove that it is one. */
	net_address_parse(SPAN("10.0.0.9"), 40000, &address);
	assert_null(edge_site_neighbor(site, &address, TRANSPORT_TCP));
	edge_site_unref(site);
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
		cmocka_unit_test(a_whole_dial_plan),
		cmocka_unit_test(zones_of_every_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
