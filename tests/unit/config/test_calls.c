/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of call processing: what a file becomes, what follows from a zone's kind, and what is said of mistakes. */
#include "base/require.h"
#include "config/load.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEAD "node: vcsc.steven.lab\ndomains: [steven.lab, cms.steven.lab]\nlisten: [{transport: tcp}]\ndns:\n"

static const char whole[] = HEAD
	"zones:\n"
	"- {name: cucm, kind: neighbor, description: the phones, transport: tcp, peers: [\"192.0.2.1:5560\"], "
	"hop_count: "
	"15, authentication: do-not-check, trust_identity: no, preloaded_routes: no, poison: yes, media_encryption: "
	"best-effort, record_route: address, redirects: follow, strip: {update: yes, udp_ix: on, proxy_require: [x, "
	"y]}, monitor: yes, monitor_interval: 2s, monitor_timeout: 500ms}\n"
	"- {name: up, kind: traversal-client, transport: tcp, peers: [vcse.steven.lab:7001], username: c, password: "
	"'*', "
	"retry: 100ms}\n"
	"- {name: down, kind: traversal-server, transport: tcp, port: 7002, username: d, password: p}\n"
	"- {name: web, kind: dns, service: sip, lookup_domain: B.example, include_address_record: yes, "
	"fallback_transport: udp, verify_name: sip.b.example, inbound_mapping: yes}\n"
	"- {name: federation, kind: dns}\n"
	"- {name: DefaultZone, kind: default, authentication: do-not-check}\n"
	"transforms:\n"
	"- {priority: 7, pattern: '9'}\n"
	"- {name: second, priority: 2, enabled: no, type: regex, pattern: '(\\d+)', behaviour: replace, replace: "
	"'\\1@steven.lab'}\n"
	"- {name: third, priority: 9, type: regex, pattern: '8.*', behaviour: add-prefix, replace: '\\4'}\n"
	"policy:\n"
	"- {name: no strangers, source: DefaultZone, authenticated: no, to: '9.*', action: reject, status: 488, "
	"reason: "
	"Not from there}\n"
	"- {name: phones, source: LocalZone, from: '.*', action: allow}\n"
	"- {name: away, source: up, to: '(.*)@old', action: redirect, alias: '\\1@steven.lab', enabled: no}\n"
	"rules:\n"
	"- {name: all, target: federation, source: local, authenticated: yes, variant: microsoft-im, description: d}\n"
	"- {name: numbers, target: web, source: LocalZone, mode: any-address, enabled: no}\n"
	"- {name: e, target: web, source: cucm, mode: pattern, type: suffix, pattern: '@b.example'}\n"
	"- {name: p, target: LocalZone, mode: pattern, pattern: '%self%'}\n"
	"- {name: s, target: LocalZone, mode: pattern, pattern: '7', type: prefix, behaviour: add-suffix, replace: "
	"'@%localdomain1%', variant: microsoft}\n"
	"registrar: {domains: [cms.steven.lab, steven.lab], store: r.db, minimum_expires: 30s, contacts: 3}\n"
	"users:\n"
	"- {username: alice, password: secret, aliases: [2000@Steven.lab, alice@steven.lab]}\n"
	"- {username: bob, secret_md5: 00112233445566778899AABBCCDDEEFF, secret_sha256: "
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff}\n"
	"history: {store: 'postgresql://localhost/fedge', age: 0, size: 1G}\n"
	"key_file: keys/node\n";

static const struct config_node *load(const char *text)
{
	struct config_report report;
	const struct config_node *node = NULL;
	struct config_input input = { span_of(text), "n", "/etc/fedge", false };
	config_report_init(&report);
	int status = config_load_bytes(&input, &report, &node);
	for (size_t i = 0; i < report.count && status < 0; i++)
		print_message("line %u: %s\n", report.defects[i].place.line, report.defects[i].text);
	config_report_done(&report);
	assert_int_equal(status, 0);
	return node;
}

static const struct config_zone *zone_of(const struct config_node *n, const char *name)
{
	const struct config_zone *zone = config_node_zone(n, span_of(name));
	if (!zone)
		fail_msg("no zone %s", name);
	return zone;
}

#define assert_span(span, text) assert_string_equal((span).at, text)

static void zones_say_what_they_are(void **state)
{
	(void)state;
	const struct config_node *n = load(whole);
	const struct config_zone *cucm = zone_of(n, "cucm"), *up = zone_of(n, "up"), *down = zone_of(n, "down");
	const struct config_zone *web = zone_of(n, "web");
	assert_span(cucm->description, "the phones");
	assert_int_equal(cucm->hop_count, 15);
	assert_int_equal(cucm->authentication, CONFIG_AUTHENTICATION_NONE);
	assert_false(cucm->trust_identity || cucm->preloaded_routes);
	assert_true(cucm->poison);
	assert_int_equal(cucm->media_encryption, CONFIG_MEDIA_BEST_EFFORT);
	assert_int_equal(cucm->record_route, CONFIG_RECORD_ROUTE_ADDRESS);
	assert_int_equal(cucm->redirects, CONFIG_REDIRECTS_FOLLOW);
	assert_true(cucm->strip.update && cucm->strip.udp_ix && !cucm->strip.udp_bfcp && !cucm->strip.multipart);
	assert_int_equal(cucm->strip.proxy_require.count, 2);
	assert_true(cucm->monitor);
	assert_int_equal(cucm->monitor_interval_ms, 2000);
	assert_int_equal(cucm->monitor_timeout_ms, 500);
	assert_int_equal(up->kind, CONFIG_ZONE_TRAVERSAL_CLIENT);
	assert_span(up->peers.items[0].host, "vcse.steven.lab");
	assert_span(up->username, "c");
	assert_span(up->password, "*");
	assert_int_equal(up->retry_ms, 100);
	assert_int_equal(down->kind, CONFIG_ZONE_TRAVERSAL_SERVER);
	assert_int_equal(down->port, 7002);
	assert_span(web->lookup_domain, "b.example");
	assert_true(web->include_address_record && web->inbound_mapping);
	assert_int_equal(web->fallback_transport, CONFIG_TRANSPORT_UDP);
	assert_span(web->verify_name, "sip.b.example");
	assert_span(config_node_service(n), "sipfederationtls");
	config_node_unref(n);
}

static void defaults_follow_from_the_kind(void **state)
{
	(void)state;
	static const struct {
		const char *zone;
		enum config_authentication authentication;
		bool trust_identity, preloaded_routes, monitor;
	} expected[] = {
		{ "up", CONFIG_AUTHENTICATION_TREAT, true, true, true },
		{ "down", CONFIG_AUTHENTICATION_TREAT, true, true, true },
		{ "web", CONFIG_AUTHENTICATION_NONE, false, false, false },
		{ "DefaultZone", CONFIG_AUTHENTICATION_NONE, false, false, false },
		{ "LocalZone", CONFIG_AUTHENTICATION_CHECK, false, false, false },
	};
	const struct config_node *n = load(whole);
	for (size_t i = 0; i < BASE_COUNT(expected); i++) {
		const struct config_zone *zone = zone_of(n, expected[i].zone);
		if (zone->authentication != expected[i].authentication ||
			zone->trust_identity != expected[i].trust_identity ||
			zone->preloaded_routes != expected[i].preloaded_routes || zone->monitor != expected[i].monitor)
			fail_msg("%s", expected[i].zone);
		assert_int_equal(zone->record_route, CONFIG_RECORD_ROUTE_NAME);
		assert_int_equal(zone->monitor_interval_ms, 20000);
	}
	config_node_unref(n);
	n = load("node: a.example\ndomains: [a.example]\nlisten: [{transport: tcp}]\n"
		 "zones:\n- {name: n, kind: neighbor, transport: tcp, peers: [192.0.2.1]}\n- {name: d, kind: default}\n"
		 "users: [{username: u, password: p}]\n");
	assert_int_equal(zone_of(n, "n")->authentication, CONFIG_AUTHENTICATION_TREAT);
	assert_true(zone_of(n, "n")->trust_identity && zone_of(n, "n")->preloaded_routes);
	assert_false(zone_of(n, "n")->monitor);
	assert_int_equal(zone_of(n, "d")->authentication, CONFIG_AUTHENTICATION_CHECK);
	assert_int_equal(n->zone_count, 2);
	config_node_unref(n);
}

static void a_registrar_brings_the_zone_of_its_phones(void **state)
{
	(void)state;
	const struct config_node *n = load(whole);
	const struct config_zone *local = &n->zones[n->zone_count - 1];
	assert_int_equal(n->zone_count, 7);
	assert_span(local->name, "LocalZone");
	assert_int_equal(local->kind, CONFIG_ZONE_LOCAL);
	assert_ptr_equal(n->rules[3].target, local);
	config_node_unref(n);
	static const char head[] = "node: a.example\ndomains: [a.example]\nlisten: [{transport: udp}]\n";
	char text[512];
	snprintf(text, sizeof(text), "%sregistrar: {domains: [a.example], authenticate: no}\n", head);
	n = load(text);
	assert_int_equal(n->zone_count, 1);
	assert_int_equal(n->zones[0].authentication, CONFIG_AUTHENTICATION_NONE);
	config_node_unref(n);
	snprintf(text, sizeof(text),
		"%sregistrar: {domains: [a.example]}\nzones: [{name: phones, kind: local, hop_count: 9, "
		"authentication: "
		"treat-as-authenticated}]\n",
		head);
	n = load(text);
	assert_int_equal(n->zone_count, 1);
	assert_span(n->zones[0].name, "phones");
	config_node_unref(n);
}

static void transforms_policy_and_rules(void **state)
{
	(void)state;
	const struct config_node *n = load(whole);
	assert_int_equal(n->transform_count, 3);
	assert_span(n->transforms[0].name, "second");
	assert_false(n->transforms[0].enabled);
	assert_int_equal(n->transforms[0].type, CONFIG_PATTERN_REGEX);
	assert_null(n->transforms[1].name.at);
	assert_true(n->transforms[1].enabled);
	assert_int_equal(n->transforms[1].behaviour, CONFIG_BEHAVIOUR_STRIP);
	/* What is added is added as it is: no groups are asked for. */
	assert_int_equal(n->transforms[2].behaviour, CONFIG_BEHAVIOUR_ADD_PREFIX);
	assert_span(n->transforms[2].replace, "\\4");

	assert_int_equal(n->policy_count, 3);
	assert_int_equal(n->policy[0].source, CONFIG_SOURCE_DEFAULT);
	assert_int_equal(n->policy[0].authenticated, CONFIG_WHETHER_NO);
	assert_int_equal(n->policy[0].status, 488);
	assert_span(n->policy[0].reason, "Not from there");
	assert_int_equal(n->policy[1].source, CONFIG_SOURCE_LOCAL);
	assert_int_equal(n->policy[1].status, 403);
	assert_int_equal(n->policy[1].authenticated, CONFIG_WHETHER_ANY);
	assert_ptr_equal(n->policy[2].source_zone, zone_of(n, "up"));
	assert_span(n->policy[2].alias, "\\1@steven.lab");
	assert_false(n->policy[2].enabled);

	assert_int_equal(n->rule_count, 5);
	assert_true(n->rules[0].enabled && n->rules[0].authenticated);
	assert_int_equal(n->rules[0].source, CONFIG_SOURCE_LOCAL);
	assert_int_equal(n->rules[0].variant, CONFIG_VARIANT_MICROSOFT_IM);
	assert_span(n->rules[0].description, "d");
	assert_int_equal(n->rules[1].mode, CONFIG_MODE_ANY_ADDRESS);
	assert_int_equal(n->rules[1].source, CONFIG_SOURCE_LOCAL);
	assert_null(n->rules[1].source_zone);
	assert_int_equal(n->rules[2].variant, CONFIG_VARIANT_ANY);
	assert_ptr_equal(n->rules[2].source_zone, zone_of(n, "cucm"));
	assert_int_equal(n->rules[4].variant, CONFIG_VARIANT_MICROSOFT);
	assert_int_equal(n->rules[4].behaviour, CONFIG_BEHAVIOUR_ADD_SUFFIX);
	config_node_unref(n);
}

static void registrar_users_and_history(void **state)
{
	(void)state;
	const struct config_node *n = load(whole);
	assert_true(n->registrar.enabled && n->registrar.authenticate);
	assert_span(n->registrar.realm, "cms.steven.lab");
	assert_span(n->registrar.store, "/etc/fedge/r.db");
	assert_int_equal(n->registrar.minimum_expires_s, 30);
	assert_int_equal(n->registrar.expires_s, 3600);
	assert_int_equal(n->registrar.maximum_expires_s, 86400);
	assert_int_equal(n->registrar.contacts, 3);
	assert_int_equal(n->registrar.bindings, 100000);
	assert_int_equal(n->registrar.nonce_s, 300);
	assert_int_equal(n->user_count, 2);
	assert_span(n->users[0].password, "secret");
	assert_span(n->users[0].aliases.items[0], "2000@steven.lab");
	assert_span(n->users[1].secret_md5, "00112233445566778899aabbccddeeff");
	assert_int_equal(n->users[1].secret_sha256.length, 64);
	assert_true(n->history.enabled);
	assert_span(n->history.store, "postgresql://localhost/fedge");
	assert_int_equal(n->history.age_s, 0);
	assert_int_equal(n->history.size_bytes, 1 << 30);
	assert_int_equal(n->history.searches, 1000000);
	assert_span(n->key_file, "/etc/fedge/keys/node");
	config_node_unref(n);
	n = load("node: a.example\nlisten: [{transport: udp}]\nhistory: {store: h.db}\n");
	assert_span(n->history.store, "/etc/fedge/h.db");
	assert_false(n->registrar.enabled);
	config_node_unref(n);
}

/* ---- mistakes ---- */

#define GOOD "node: a.example\ndomains: [a.example]\nlisten: [{transport: tcp}]\n"

static const struct {
	const char *name;
	const char *text;
	const char *expected;
} cases[] = {
	{ "a traversal zone over TLS without names",
		GOOD
		"zones:\n- {name: c, kind: traversal-client, peers: [e.a.example]}\n"
		"- {name: s, kind: traversal-server, port: 7001, username: u, password: p, verify_name: c.a.example}\n",
		"n:5:3: error: a zone with `kind: traversal-client` needs `username`\n"
		"n:5:3: error: a traversal zone over TLS needs `verify_name`\n"
		"n:5:3: error: a traversal zone needs `password` or `password_file`\n"
		"n:6:3: error: a traversal server over TLS needs a certificate: `tls.identities`\n" },
	{ "ports of traversal zones are their own",
		GOOD
		"zones:\n- {name: s, kind: traversal-server, port: 5060, username: u, password: p, transport: tcp}\n"
		"- {name: t, kind: traversal-server, port: 7001, username: u, password: p, transport: udp}\n"
		"- {name: u, kind: traversal-server, port: 7001, username: u, password: p, password_file: f, "
		"transport: "
		"tcp}\n- {name: v, kind: traversal-server, username: u, password: p, transport: tcp, verify_name: "
		"c.a.example, monitor: no}\n",
		"n:5:43: error: a listener has port 5060, in line 3; a traversal zone has its own\n"
		"n:6:86: error: a traversal zone lives in connections: `transport` is `tls` or `tcp`, for a datagram's "
		"source address "
		"proves nothing\n"
		"n:7:43: error: the zone in line 6 has port 7001 already\n"
		"n:7:90: error: `password` and `password_file` exclude each other\n"
		"n:8:3: error: a zone with `kind: traversal-server` needs `port`\n"
		"n:8:92: error: `verify_name` belongs only where `transport` is `tls`\n"
		"n:8:105: error: `monitor` belongs only where `kind` is `neighbor`\n" },
	{ "a client whose certificate is never asked for",
		GOOD "tls: {client_certificate: off, system_authorities: yes, identities: [{names: [a.example], "
		     "certificate: c, key: k}]}\n"
		     "zones: [{name: s, kind: traversal-server, port: 7001, username: u, password: p, verify_name: "
		     "c.a.example}]\n",
		"n:5:94: error: `verify_name` cannot be checked where `tls.client_certificate` is `off`\n" },
	{ "a variable that has no value here",
		GOOD "zones: [{name: n, kind: neighbor, transport: tcp, peers: [192.0.2.1]}]\n"
		     "rules:\n- {name: a, target: n, mode: pattern, type: regex, pattern: '(.*)@%localdomains%'}\n"
		     "- {name: b, target: n, mode: pattern, type: regex, pattern: '.*@%localdomain2%'}\n",
		"n:7:3: error: %localdomain2%: no such variable, or it has no value on this node\n" },
	{ "zones that are there once, and no target",
		GOOD "zones:\n- {name: a, kind: local}\n- {name: b, kind: local}\n- {name: c, kind: default}\n"
		     "- {name: Local, kind: default, authentication: do-not-check}\nrules: [{name: r, target: c}]\n",
		"n:5:3: error: a zone of kind local needs the section `registrar`\n"
		"n:5:3: error: `authentication: check-credentials`, which is this kind's default, needs `users`\n"
		"n:6:3: error: a second zone of kind local; the first is in line 5\n"
		"n:6:3: error: a zone of kind local needs the section `registrar`\n"
		"n:6:3: error: `authentication: check-credentials`, which is this kind's default, needs `users`\n"
		"n:7:3: error: `authentication: check-credentials`, which is this kind's default, needs `users`\n"
		"n:8:3: error: a second zone of kind default; the first is in line 7\n"
		"n:8:10: error: a zone cannot be called `Local`: that word has a meaning in rules\n"
		"n:9:27: error: `target`: nothing can be sent to a zone of kind default\n" },
	{ "the local zone's name is taken, and nobody can register",
		GOOD "zones: [{name: localzone, kind: neighbor, transport: tcp, peers: [192.0.2.1]}]\n"
		     "registrar: {domains: [b.example]}\n",
		"n:4:9: error: the registrar makes a zone called `LocalZone`: give this one another name, or a zone of "
		"kind local\n"
		"n:5:12: error: nobody can register: give `users`, or say `authenticate: no`\n"
		"n:5:23: error: `b.example` is none of the node's `domains`: who registers there could not be "
		"called\n" },
	{ "how many phones one address may have",
		GOOD "registrar: {domains: [a.example], authenticate: no, contacts: 33}\n",
		"n:4:63: error: `contacts`: \"33\" is out of range: 1 to 32\n" },
	{ "zones found by DNS: what belongs to which service",
		GOOD "dns:\nzones:\n- {name: a, kind: dns, service: sip, transport: udp, inbound_mapping: yes}\n"
		     "- {name: b, kind: dns, service: sip, fallback_transport: tcp}\n"
		     "- {name: c, kind: dns, include_address_record: yes}\n"
		     "rules: [{name: a, target: a}, {name: b, target: b}, {name: c, target: c, enabled: no}]\n",
		"n:6:49: error: with `service: sip` DNS says the transport; `fallback_transport` is for where it does "
		"not\nn:6:71: error: `inbound_mapping` needs `verify_name`\n"
		"n:8:48: error: `include_address_record` belongs only where `service` is `sip`\n" },
	{ "transforms and the call policy",
		GOOD "transforms:\n- {pattern: a}\n- {pattern: '(', type: regex, priority: 1, behaviour: replace}\n"
		     "policy:\n- {name: a, action: redirect, to: '(.)', alias: '\\2'}\n"
		     "- {name: A, action: reject, status: 200, from: '['}\n- {name: c, action: deny, source: lokal}\n"
		     "- {name: d, action: allow, reason: x}\n",
		"n:6:3: error: a transform with `behaviour: replace` needs `replace`\n"
		"n:6:15: error: `pattern` is no regular expression: missing closing parenthesis\n"
		"n:6:41: error: the transform in line 5 has priority 1 already: each has its own\n"
		"n:8:50: error: `alias` asks for \\2, but `to` has 1 group\n"
		"n:9:10: error: a rule of the call policy is called `A` already, in line 8\n"
		"n:9:37: error: `status`: \"200\" is out of range: 400 to 699\n"
		"n:9:50: error: `from` is no regular expression: missing terminating ] for character class\n"
		"n:10:21: error: `action`: \"deny\" must be `allow`, `reject` or `redirect`\n"
		"n:10:35: error: `source`: no zone is called `lokal`; did you mean `local`?\n"
		"n:11:28: error: `reason` belongs only where `action` is `reject`\n" },
	{ "users: no message shows a secret",
		GOOD "users:\n- {username: a}\n- {username: a, password: \"hush\\nhush\"}\n"
		     "- {username: b, password: hush, secret_md5: hush}\n- {username: c, secret_sha256: 00}\n"
		     "- {username: d, password: [hush], aliases: [d, 'sip:d@a.example', 'd d@a.example', "
		     "d@b..example]}\n",
		"n:5:3: error: a user needs `password`, `password_file`, `secret_md5` or `secret_sha256`\n"
		"n:6:3: error: a user is called `a` already, in line 5\n"
		"n:6:27: error: `password` must be one line\n"
		"n:7:45: error: `secret_md5` must be 32 hexadecimal digits\n"
		"n:7:45: error: `secret_md5` stands instead of a password: give one of them\n"
		"n:8:32: error: `secret_sha256` must be 64 hexadecimal digits\n"
		"n:9:27: error: `password` must be a single value (text, never shown), not a list\n"
		"n:9:45: error: `aliases`: \"d\" is no address: it is written user@domain\n"
		"n:9:48: error: `aliases`: \"sip:d@a.example\" has a scheme: it is written user@domain\n"
		"n:9:67: error: `aliases`: \"d d@a.example\" has a blank in its user\n"
		"n:9:84: error: `aliases`: \"d@b..example\" has an empty label\n" },
	{ "a password that begins with an asterisk", GOOD "users: [{username: a, password: *hush}]\n",
		"n:4:33: error: no anchor has this name (a text that starts with * needs quotes)\n" },
	{ "how long registrations last",
		GOOD "users: [{username: a, password: b}]\nregistrar: {domains: [a.example], expires: 30s}\n",
		"n:5:44: error: `expires` must lie between `minimum_expires` and `maximum_expires`\n" },
	{ "a history without a place", GOOD "history: {age: 3}\n",
		"n:4:10: error: history needs `store`\n"
		"n:4:16: error: `age`: \"3\" is no duration: a number with ms, s, m, h or d, as in 3s\n" },
};

static void mistakes_are_said_with_their_places(void **state)
{
	(void)state;
	int failed = 0;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct config_report report;
		struct buffer said;
		const struct config_node *node = NULL;
		config_report_init(&report);
		buffer_init(&said, 1 << 20);
		struct config_input input = { span_of(cases[i].text), "n", NULL, false };
		assert_int_equal(config_load_bytes(&input, &report, &node), -EINVAL);
		assert_int_equal(config_report_write(&report, &said), 0);
		if (strcmp(said.at, cases[i].expected) != 0) {
			print_error("%s: said\n%sexpected\n%s", cases[i].name, said.at, cases[i].expected);
			failed++;
		}
		buffer_done(&said);
		config_report_done(&report);
	}
	assert_int_equal(failed, 0);
}

/* ---- what a reload takes over ---- */

#define RELOADED                                                                                                       \
	"node: a.example\ndomains: [a.example]\nlisten: [{transport: udp}]\nusers: [{username: a, password: b}]\n"     \
	"history: {store: h.db}\n"

static void a_reload_says_what_needs_a_restart(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *key;
	} changes[] = {
		{ RELOADED
			"registrar: {domains: [a.example], contacts: 2}\npolicy: [{name: a, action: reject}]\n"
			"transforms: [{pattern: a}]\nzones: [{name: s, kind: traversal-server, transport: tcp, port: "
			"7001, username: other, password: new}]\n",
			NULL },
		{ RELOADED "zones: [{name: s, kind: traversal-server, transport: tcp, port: 7002, username: u, "
			   "password: p}]\n",
			NULL },
		{ RELOADED "registrar: {domains: [a.example], store: f.db}\nzones: [{name: s, kind: traversal-server, "
			   "transport: tcp, port: 7001, username: u, password: p}]\n",
			"registrar.store" },
		{ RELOADED "key_file: k\nzones: [{name: s, kind: traversal-server, transport: tcp, port: 7001, "
			   "username: u, password: p}]\n",
			"key_file" },
		{ "node: a.example\ndomains: [a.example]\nlisten: [{transport: udp}]\nzones: [{name: s, kind: "
		  "traversal-server, transport: tcp, port: 7001, username: u, password: p}]\n",
			"history" },
	};
	const struct config_node *running = load(RELOADED "zones: [{name: s, kind: traversal-server, transport: tcp, "
							  "port: 7001, username: u, password: p}]\n");
	for (size_t i = 0; i < BASE_COUNT(changes); i++) {
		const struct config_node *wanted = load(changes[i].text);
		const char *key = config_node_restart_key(running, wanted);
		if (changes[i].key ? !key || strcmp(key, changes[i].key) != 0 : key != NULL)
			fail_msg("%zu: %s", i, key ? key : "no restart");
		config_node_unref(wanted);
	}
	config_node_unref(running);
}

/* ---- passwords in files ---- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void passwords_may_stand_in_files(void **state)
{
	(void)state;
	char folder[] = "/tmp/fedge-config-XXXXXX", path[128], text[1024];
	struct config_report report;
	const struct config_node *node = NULL;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/p", folder);
	snprintf(text, sizeof(text), GOOD "users: [{username: a, password_file: p}]\n");
	struct config_input input = { span_of(text), "n", folder, true };
	write_file(path, "hush hush\r\nmore\n");
	config_report_init(&report);
	assert_int_equal(config_load_bytes(&input, &report, &node), 0);
	assert_span(node->users[0].password, "hush hush");
	config_node_unref(node);
	config_report_done(&report);
	write_file(path, "\nhush\n");
	config_report_init(&report);
	assert_int_equal(config_load_bytes(&input, &report, &node), -EINVAL);
	assert_int_equal(report.count, 1);
	assert_non_null(strstr(report.defects[0].text, "is no password: 1 to 1024 characters"));
	config_report_done(&report);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_say_what_they_are),
		cmocka_unit_test(defaults_follow_from_the_kind),
		cmocka_unit_test(a_registrar_brings_the_zone_of_its_phones),
		cmocka_unit_test(transforms_policy_and_rules),
		cmocka_unit_test(registrar_users_and_history),
		cmocka_unit_test(mistakes_are_said_with_their_places),
		cmocka_unit_test(a_reload_says_what_needs_a_restart),
		cmocka_unit_test(passwords_may_stand_in_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
