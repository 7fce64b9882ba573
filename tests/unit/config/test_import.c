/* SPDX-License-Identifier: Apache-2.0 */
/* What an Expressway's dump becomes, what is said of the rest, and that no line is forgotten. */
#include "base/require.h"
#include "config/import.h"
#include "config/load.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define C "*c xConfiguration "
#define NODE                                                                                                           \
	C "IP DNS Hostname: \"vcse\"\n" C "IP DNS Domain Name: \"a.example\"\n" C "SIP TCP Mode: \"On\"\n" C           \
	  "SIP Domain 1 Name: \"a.example\"\n" C "SIP Domain 1 Sip: \"Off\"\n"
#define ZONE C "Zones Zone 1 "
#define CORE ZONE "Name: \"Core\"\n" ZONE "Type: \"Neighbor\"\n" ZONE "Neighbor Peer 1 Address: \"192.0.2.1\"\n"
#define TCP ZONE "Neighbor SIP Transport: \"TCP\"\n"
#define RULE C "Zones Policy SearchRules Rule 1 "
#define TO_CORE RULE "Name: \"r\"\n" RULE "Target Name: \"Core\"\n"
#define PATTERN RULE "Mode: \"AliasPatternMatch\"\n" RULE "Pattern Behavior: \"Leave\"\n"
#define TRANSFORM C "Transform 1 "

/* In each text of the list: what must stand in the result, a line after a line. */
static const struct {
	const char *name, *dump;
	const char *has[5];
	const char *lacks;
} cases[] = {
	{ "the node", NODE C "SystemUnit Name: \"Edge 1\"\n",
		{ "\nnode: 'vcse.a.example'\nlog_name: 'Edge 1'\ndomains:\n  - 'a.example'\n",
			"\nlisten:\n  - {transport: tcp, port: 5060}\n" },
		"registrar" },
	{ "a name that is not given in full must be supplied", C "IP DNS Hostname: \"vcse\"\n",
		{ "node: 'change-me.invalid'", "#   node: the machine's host name",
			"#   domains: the SIP domains whose users" },
		"domains:\n" },
	{ "listeners, and two that want one port",
		NODE C "SIP UDP Mode: \"On\"\n" C "SIP TLS Mode: \"On\"\n" C "SIP TLS Port: \"5060\"\n" C
		       "SIP UDP Port: \"5062\"\n",
		{ "listen:\n  - {transport: udp, port: 5062}\n  - {transport: tcp, port: 5060}\n\n",
			"SIP TLS Mode = On: another listener has port 5060" },
		"transport: tls" },
	{ "a neighbor that a dump says nothing of is trusted no more than there", NODE CORE,
		{ "\nzones:\n  - name: 'Core'\n    kind: neighbor\n    peers:\n      - '192.0.2.1'\n"
		  "    authentication: do-not-check\n    trust_identity: no\n    preloaded_routes: no\n",
			"authorities: [authorities.pem]" },
		"verify_name" },
	{ "a neighbor with all that it may have",
		NODE CORE TCP ZONE
		"HopCount: \"15\"\n" ZONE "Neighbor Authentication Mode: \"CheckCredentials\"\n" ZONE
		"Neighbor SIP Port: \"5560\"\n" ZONE "Neighbor SIP Authentication Trust Mode: \"On\"\n" ZONE
		"Neighbor SIP PreloadedSipRoutes Accept: \"On\"\n" ZONE "Neighbor SIP Poison Mode: \"On\"\n" ZONE
		"Neighbor SIP Media Encryption Mode: \"On\"\n" ZONE
		"Neighbor SIP Record Route Address Type: \"IP\"\n" ZONE "Neighbor Monitor: \"Yes\"\n" ZONE
		"Neighbor SIP UDP BFCP Filter Mode: \"On\"\n" ZONE "Neighbor SIP UPDATE Strip Mode: \"Off\"\n" ZONE
		"Neighbor SIP ProxyRequire Strip List: \"com.a, b\"\n",
		{ "    hop_count: 15\n    transport: tcp\n    peers:\n      - '192.0.2.1:5560'\n    strip:\n"
		  "      udp_bfcp: yes\n      proxy_require:\n        - 'com.a'\n        - 'b'\n"
		  "    authentication: check-credentials\n    trust_identity: yes\n    preloaded_routes: yes\n"
		  "    poison: yes\n    media_encryption: force-encrypted\n    record_route: address\n    monitor: "
		  "yes\n",
			"\nusers:\n  - username: 'change-me'\n    password_file: 'secrets/user-1-change-me.txt'\n",
			"Media Encryption Mode = On: nothing is encrypted" },
		"tls" },
	{ "peers by name are verified by name, and known by none",
		NODE CORE ZONE "Neighbor Peer 2 Address: \"b.example\"\n" ZONE
			       "Neighbor Peer 3 Address: \"2001:db8::1\"\n" ZONE
			       "Neighbor SIP TLS Verify Mode: \"On\"\n",
		{ "      - '192.0.2.1'\n      - 'b.example'\n      - '[2001:db8::1]'\n    verify_name: 'b.example'\n",
			"Peer 2 Address = b.example: calls from there are known by an address", "\ndns: {}\n" },
		NULL },
	{ "a word that is not known is listed, and the careful value taken",
		NODE CORE TCP ZONE "Neighbor Authentication Mode: \"Sometimes\"\n" ZONE
				   "Neighbor SIP Poison Mode: \"Maybe\"\n",
		{ "    authentication: do-not-check\n", "Authentication Mode = Sometimes", "Poison Mode = Maybe" },
		"poison:" },
	{ "a zone for a part of the machine itself is left out",
		NODE ZONE "Name: \"To B2BUA\"\n" ZONE "Type: \"Neighbor\"\n" ZONE
			  "Neighbor Peer 1 Address: \"127.0.0.1\"\n" TO_CORE,
		{ "# left out as a whole: 2\n", "To B2BUA: the zone 1 (Neighbor, lines of it: 3): it leads to a part",
			"r: the search rule 1 (lines of it: 2): its target is no zone of the result" },
		"\nzones:" },
	{ "zones that have no counterpart",
		NODE ZONE "Name: \"N\"\n" ZONE "Type: \"ENUM\"\n" C "Zones Zone 2 Type: \"Neighbor\"\n" C
			  "Zones Zone 3 Name: \"T\"\n" C "Zones Zone 4 Type: \"DNS\"\n" C
			  "Zones Zone 4 SIP Mode: \"Off\"\n",
		{ "N: the zone 1 (ENUM, lines of it: 2): fedge has no zones of this kind",
			"the zone 2 (Neighbor, lines of it: 1): it has no machine",
			"T: the zone 3 (, lines of it: 1): its Type is not in the dump",
			"the zone 4 (DNS, lines of it: 2): it is for H.323 only" },
		"\nzones:" },
	{ "a traversal client",
		NODE ZONE "Name: \"Up\"\n" ZONE "Type: \"TraversalClient\"\n" ZONE
			  "TraversalClient Peer 1 Address: \"vcse.b.example\"\n" ZONE
			  "TraversalClient SIP Port: \"7001\"\n" ZONE
			  "TraversalClient Authentication UserName: \"it's\"\n" ZONE
			  "TraversalClient Authentication Password: \"{cipher}hush\"\n" ZONE
			  "TraversalClient SIP TLS Verify Mode: \"Off\"\n",
		{ "    kind: traversal-client\n    peers:\n      - 'vcse.b.example:7001'\n"
		  "    verify_name: 'vcse.b.example'\n    username: 'it''s'\n    password_file: "
		  "'secrets/zone-1-Up.txt'\n",
			"a traversal zone verifies the other's certificate always",
			"#   secrets/zone-1-Up.txt: the password of the traversal zone" },
		"hush" },
	{ "a traversal server, of which much is missing",
		NODE ZONE
		"Name: \"Down\"\n" ZONE "Type: \"TraversalServer\"\n" ZONE "TraversalServer SIP Port: \"7001\"\n" C
		"Zones Zone 2 Type: \"TraversalServer\"\n" C "Zones Zone 2 TraversalServer SIP Port: \"5060\"\n" C
		"Zones Zone 3 Type: \"TraversalServer\"\n" C "Zones Zone 3 TraversalServer SIP Port: \"7001\"\n" C
		"Zones Zone 4 Type: \"TraversalServer\"\n",
		{ "    kind: traversal-server\n    port: 7001\n    verify_name: 'change-me.invalid'\n"
		  "    username: 'change-me'\n",
			"no host name to hold the certificate against: give verify_name of zone Down",
			"the zone 2 (TraversalServer, lines of it: 2): a listener has its port",
			"the zone 3 (TraversalServer, lines of it: 2): another zone has its port",
			"the zone 4 (TraversalServer, lines of it: 1): its port is not in the dump" },
		NULL },
	{ "a zone by DNS",
		NODE C "IP DNS Server 1 Address: \"192.0.2.53\"\n" ZONE "Name: \"Out\"\n" ZONE "Type: \"DNS\"\n" ZONE
		       "DNS IncludeAddressRecord: \"On\"\n" ZONE "DNS SIP Default Transport: \"TCP\"\n" ZONE
		       "DNS SIP DnsOverride Override: \"On\"\n" ZONE "DNS SIP DnsOverride Name: \"B.example\"\n" ZONE
		       "DNS SIP TLS Verify Mode: \"On\"\n" ZONE
		       "DNS SIP TLS Verify Subject Name: \"sip.b.example\"\n" ZONE
		       "DNS SIP TLS Verify InboundClassification: \"On\"\n",
		{ "    kind: dns\n    service: sip\n    verify_name: 'sip.b.example'\n    lookup_domain: 'b.example'\n"
		  "    inbound_mapping: yes\n    fallback_transport: tcp\n    authentication: do-not-check\n"
		  "    include_address_record: yes\n",
			"\ndns:\n  servers:\n    - '192.0.2.53'\n" },
		NULL },
	{ "the default zone", NODE C "Zones DefaultZone Authentication Mode: \"DoNotCheckCredentials\"\n",
		{ "  - name: 'DefaultZone'\n    kind: default\n    authentication: do-not-check\n" }, "users:" },
	{ "names that cannot stay",
		NODE CORE TCP C "Zones Zone 2 Name: \"core\"\n" C "Zones Zone 2 Type: \"DNS\"\n" C
				"Zones Zone 3 Name: \"Caf\xc3\xa9/1\"\n" C "Zones Zone 3 Type: \"DNS\"\n" C
				"Zones Zone 4 Name: \"any\"\n" C "Zones Zone 4 Type: \"DNS\"\n" TO_CORE,
		{ "name: 'core 2'", "name: 'Caf__1'", "name: 'any 4'", "Zone 4 Name = any: called any 4 here",
			"target: 'Core'\n" },
		NULL },
	{ "a rule with nothing but a target: an Expressway's defaults", NODE CORE TCP TO_CORE,
		{ "\nrules:\n  - name: 'r'\n    priority: 100\n    source: 'any'\n    mode: any\n    on_match: "
		  "continue\n"
		  "    target: 'Core'\n" },
		"enabled" },
	{ "a rule with everything",
		NODE CORE TCP TO_CORE PATTERN RULE
		"Description: \"it's: ours\"\n" RULE "Priority: \"7\"\n" RULE "State: \"Disabled\"\n" RULE
		"Source Mode: \"Named\"\n" RULE "Source Name: \"core\"\n" RULE "Authentication: \"Yes\"\n" RULE
		"SIPTrafficType: \"MicrosoftAV\"\n" RULE "Pattern Type: \"Regex\"\n" RULE
		"Pattern String: \"(.*)@%localdomains%.*\"\n" RULE "Pattern Behavior: \"Replace\"\n" RULE
		"Pattern Replace: \"\\1@b.example\"\n" RULE "Progress: \"Stop\"\n",
		{ "  - name: 'r'\n    description: 'it''s: ours'\n    enabled: no\n    priority: 7\n    source: "
		  "'Core'\n"
		  "    authenticated: yes\n    variant: microsoft-av\n    mode: pattern\n    type: regex\n"
		  "    pattern: '(.*)@%localdomains%.*'\n    behaviour: replace\n    replace: '\\1@b.example'\n"
		  "    on_match: stop\n    target: 'Core'\n" },
		NULL },
	{ "where a rule's calls come from",
		NODE CORE TCP TO_CORE RULE "Source Mode: \"AllZones\"\n" C
					   "Zones Policy SearchRules Rule 2 Target Name: \"Core\"\n" C
					   "Zones Policy SearchRules Rule 2 Source Mode: \"Named\"\n" C
					   "Zones Policy SearchRules Rule 2 Source Name: \"DefaultZone\"\n" C
					   "Zones Policy SearchRules Rule 3 Target Name: \"Core\"\n" C
					   "Zones Policy SearchRules Rule 3 Source Mode: \"Named\"\n" C
					   "Zones Policy SearchRules Rule 3 Source Name: \"DefaultSubZone\"\n" C
					   "Zones Policy SearchRules Rule 4 Target Name: \"Core\"\n" C
					   "Zones Policy SearchRules Rule 4 Source Mode: \"Named\"\n" C
					   "Zones Policy SearchRules Rule 4 Source Name: \"Sales\"\n",
		{ "source: 'all-zones'", "source: 'default'", "source: 'local'",
			"Source Name = DefaultSubZone: there are no subzones here",
			"the search rule 4 (lines of it: 3): its source is no zone" },
		NULL },
	{ "rules that cannot come over",
		NODE CORE TCP TO_CORE RULE "Protocol: \"H323\"\n" C
					   "Zones Policy SearchRules Rule 2 Target Type: \"PolicyService\"\n" C
					   "Zones Policy SearchRules Rule 3 Target Name: \"LocalZone\"\n" C
					   "Zones Policy SearchRules Rule 4 Target Name: \"Core\"\n" C
					   "Zones Policy SearchRules Rule 4 Mode: \"Moon\"\n" C
					   "Zones Policy SearchRules Rule 5 Target Name: \"Core\"\n" C
					   "Zones Policy SearchRules Rule 5 SIPTrafficType: \"Moon\"\n",
		{ "it is for H.323 only", "its target is a policy service", "nobody registers here",
			"fedge has no mode of this name", "fedge does not know this SIPTrafficType" },
		"\nrules:" },
	{ "patterns that cannot come over",
		NODE CORE TCP C "Transform 1 Pattern String: \"(\"\n" C "Transform 1 Pattern Type: \"Regex\"\n" C
				"Transform 2 Pattern String: \"%moon%\"\n" C "Transform 3 Pattern Type: \"Regex\"\n" C
				"Transform 4 Pattern String: \".*@%ip%\"\n" C "Transform 4 Pattern Type: \"Regex\"\n" C
				"Transform 5 Pattern String: \"a\"\n" C "Transform 5 Pattern Type: \"Regex\"\n" C
				"Transform 5 Pattern Behavior: \"Replace\"\n" C
				"Transform 5 Pattern Replace: \"\\1\"\n",
		{ "the transform 1 (lines of it: 2): `pattern` is no regular expression: missing closing parenthesis",
			"the transform 2 (lines of it: 1): %moon%: no such variable",
			"the transform 3 (lines of it: 1): it has no pattern",
			"the transform 4 (lines of it: 2): %ip%: no such variable, or it has no value",
			"the transform 5 (lines of it: 4): `replace` asks for \\1, but the pattern has 0 groups" },
		"\ntransforms:" },
	{ "transforms",
		NODE TRANSFORM "Description: \"Digits: ours\"\n" TRANSFORM "Pattern String: \"[0-9]+\"\n" TRANSFORM
			       "Pattern Type: \"Regex\"\n" TRANSFORM "Pattern Behavior: \"AddSuffix\"\n" TRANSFORM
			       "Pattern Replace: \"@%localdomain1%\"\n" C "Transform 2 Pattern String: \"9\"\n" C
			       "Transform 2 Priority: \"2\"\n" C "Transform 2 Pattern Behavior: \"Replace\"\n" C
			       "Transform 3 Pattern String: \"8\"\n" C "Transform 3 Priority: \"2\"\n",
		{ "\ntransforms:\n  - name: 'Digits_ ours'\n    priority: 1\n    type: regex\n    pattern: '[0-9]+'\n"
		  "    behaviour: add-suffix\n    replace: '@%localdomain1%'\n"
		  "  - name: 'transform 2'\n    priority: 2\n    type: prefix\n    pattern: '9'\n    behaviour: "
		  "strip\n",
			"the transform 3 (lines of it: 2): another has its priority", "called Digits_ ours here" },
		NULL },
	{ "listeners have the machine's addresses where a pattern asks for them",
		NODE C "Ethernet 1 IP V4 Address: \"192.0.2.5\"\n" C
		       "Ethernet 1 IP V6 Address: \"2001:db8::5\"\n" TRANSFORM
		       "Pattern String: \"@%ipv4_1%\"\n" TRANSFORM "Pattern Type: \"Suffix\"\n",
		{ "  - {transport: tcp, port: 5060, address: '192.0.2.5'}\n  - {transport: tcp, port: 5060, address: "
		  "'2001:db8::5'}\n",
			"    pattern: '@%ipv4_1%'\n",
			"Ethernet 1 IP V4 Address = 192.0.2.5: listeners have this address" },
		NULL },
	{ "and none where it does not", NODE C "Ethernet 1 IP V4 Address: \"192.0.2.5\"\n",
		{ "{transport: tcp, port: 5060}", "Ethernet 1 IP V4 Address = 192.0.2.5\n" }, "address:" },
	{ "the registrar and its users",
		C "SIP Domains Domain 1 Name: \"A.example\"\n" C "SIP Domains Domain 2 Name: \"b.example\"\n" C
		  "SIP Domains Domain 2 Sip: \"Off\"\n" C "SIP Domains Domain 3 Name: \"a.example\"\n" C
		  "SIP Registration Standard Refresh Minimum: \"45\"\n" C
		  "SIP Registration Standard Refresh Maximum: \"1800\"\n" C
		  "Authentication Credential 1 Name: \"alice\"\n" C "Authentication Credential 1 Password: \"hush\"\n",
		{ "\nregistrar:\n  domains:\n    - 'a.example'\n  minimum_expires: 45s\n  expires: 1800s\n"
		  "  maximum_expires: 1800s\n",
			"  - username: 'alice'\n    password_file: 'secrets/user-1-alice.txt'\n", "stands there twice",
			"domains:\n  - 'a.example'\n  - 'b.example'\n" },
		"hush" },
	{ "phones that need no password there: behind a zone, not from anywhere",
		C "SIP Domains Domain 1 Name: \"a.example\"\n" C
		  "Zones LocalZone DefaultSubZone Authentication Mode: \"DoNotCheckCredentials\"\n" C
		  "Authentication Credential 1 Name: \"alice\"\n" C
		  "SIP Registration Standard Refresh Minimum: \"45\"\n" C
		  "SIP Registration Standard Refresh Maximum: \"30\"\n",
		{ "  authenticate: no\n", "without a password only phones behind a zone register",
			"\nusers:\n  - username: 'alice'\n", "  minimum_expires: 45s\n  expires: 45s\n",
			"registrar: registrations last 45s" },
		"change-me.txt" },
	{ "where nobody checks passwords there are no users", NODE C "Authentication Credential 1 Name: \"alice\"\n",
		{ "#   line 6: Authentication Credential 1 Name\n" }, "users:" },
	{ "the call policy is told to be missing", NODE C "Policy AdministratorPolicy Mode: \"LocalCPL\"\n",
		{ "Policy AdministratorPolicy Mode = LocalCPL: the rules of the call policy are not in a dump" },
		NULL },
	{ "what nobody knows, what is off, and what stands there twice",
		NODE C "Fridge Light: \"On\"\n" C "Fridge Door: \"Off\"\n" C "H323 Mode: \"On\"\n" C
		       "SNMP Community: \"hush\"\n" C "SIP TCP Port: \"5070\"\n" C "SIP TCP Port: \"5080\"\n",
		{ "# not known to fedge: 1\n#   line 6: Fridge Light = On\n",
			"no effect there: 1\n#   line 7: Fridge Door = Off\n", "#   line 8: H323 Mode = On\n",
			"#   line 9: SNMP Community\n", "SIP TCP Port = 5070: given again in line 11, which counts" },
		"hush" },
	{ "joined lines, other spellings, and text that looks like a line",
		"prompt> *c xConfiguration IP DNS Hostname: \"vcse\" *c xConfiguration IP DNS Domain Name: "
		"\"a.example\"\r\n"
		"xConfiguration/SIP/TCP/Mode: On\r\n" C "Zones Zone 1 Type: *c xConfiguration Login: \"see "
		"xConfiguration SIP UDP Mode: On\"\r\nOK\r\n\r\n*c/end\r\n",
		{ "node: 'vcse.a.example'", "transport: tcp", "Login = see xConfiguration SIP UDP Mode: On",
			"# lines that are no setting: 1\n#   line 1: prompt>: no setting\n" },
		"transport: udp" },
	{ "what is broken is said with its line",
		NODE C "Login Banner: \"one\n"
		       "two\"\n" C "Zones Zone 1 Na\n" C "A\x01: 1\n" C "B: \"\xff\"\n" C "/: 1\n" C
		       "Zones Zone 9 Name: \"\xe2\x80\xa8\"\n",
		{ "line 6: Login Banner: its quotation mark is not closed on this line\n#   line 7: two\": no setting\n"
		  "#   line 8: Zones Zone 1 Na: no `name: value`\n#   line 9: A\\x01: bytes that are no text\n"
		  "#   line 10: B: bytes that are no text\n#   line 11: /: 1: no `name: value`\n"
		  "#   line 12: Zones Zone 9 Name: bytes that are no text\n" },
		NULL },
};

static void assert_loads(const char *name, const struct config_import *import)
{
	struct config_input input = { buffer_span(&import->yaml), "n", NULL, false };
	const struct config_node *node = NULL;
	struct config_report report;
	config_report_init(&report);
	if (config_load_bytes(&input, &report, &node) < 0)
		fail_msg("%s: line %u: %s\n%.*s", name, report.defects[0].place.line, report.defects[0].text,
			SPAN_PRINT(input.bytes));
	config_report_done(&report);
	config_node_unref(node);
}

static void check_case(size_t i)
{
	struct config_import import;
	config_import_init(&import);
	assert_int_equal(config_import_dump(&import, span_of(cases[i].dump), "dump.txt"), 0);
	for (size_t j = 0; j < BASE_COUNT(cases[i].has) && cases[i].has[j]; j++) {
		if (!strstr(import.yaml.at, cases[i].has[j]))
			fail_msg("%s: lacks\n%s\nin\n%s", cases[i].name, cases[i].has[j], import.yaml.at);
	}
	if (cases[i].lacks && strstr(import.yaml.at, cases[i].lacks))
		fail_msg("%s: has\n%s\nin\n%s", cases[i].name, cases[i].lacks, import.yaml.at);
	assert_loads(cases[i].name, &import);
	config_import_done(&import);
}

static void settings_become_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		check_case(i);
}

/* ---- what is no dump ---- */

static void what_is_no_dump(void **state)
{
	static const struct {
		struct span bytes;
		const char *wrong;
	} wrongs[] = {
		{ SPAN(""), "no line" },
		{ SPAN("node: a.example\n"), "no line" },
		{ SPAN("the xConfiguration guide: on page 3\n"), "no line" },
		{ SPAN("\n <?xml version=\"1.0\"?><Configuration>"), "XML" },
		{ SPAN("\xff\xfe*\0c\0 \0"), "UTF-16" },
		{ SPAN("\x1f\x8b\x08\x00"), "archive" },
		{ SPAN("PK\x03\x04"), "archive" },
		{ SPAN("\0\0\0\0\0\0"), "no line" },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrongs); i++) {
		struct config_import import;
		config_import_init(&import);
		assert_int_equal(config_import_dump(&import, wrongs[i].bytes, NULL), -EINVAL);
		if (!strstr(import.wrong, wrongs[i].wrong))
			fail_msg("case %zu: %s", i, import.wrong);
		config_import_done(&import);
	}
}

/* ---- many, and much ---- */

/* The line, so many times, with its number for every #. */
static void import_many(const char *line, unsigned count, struct config_import *import)
{
	struct buffer dump;
	buffer_init(&dump, CONFIG_IMPORT_MAXIMUM);
	for (unsigned i = 1; i <= count; i++) {
		for (const char *c = line; *c; c++) {
			if (*c == '#')
				buffer_append_u64(&dump, i);
			else
				buffer_append_byte(&dump, *c);
		}
	}
	assert_int_equal(dump.status, 0);
	config_import_init(import);
	assert_int_equal(config_import_dump(import, buffer_span(&dump), "many"), 0);
	assert_loads(line, import);
	for (size_t i = 0; i < import->note_count; i++)
		import->notes[i].key = import->notes[i].value = SPAN_NONE; /* they borrowed from the dump */
	buffer_done(&dump);
}

static void more_than_is_taken_is_counted(void **state)
{
	struct config_import import;
	(void)state;
	import_many(C "Fridge Shelf #: \"full of #\"\n", 30000, &import);
	assert_int_equal(import.note_count, CONFIG_IMPORT_NOTES_MAXIMUM);
	assert_int_equal(import.group_counts[CONFIG_IMPORT_UNKNOWN], 30000);
	assert_int_equal(import.outcome_counts[CONFIG_IMPORT_TOLD], 30000);
	assert_non_null(strstr(import.yaml.at, " more are counted, but find no room here\n"));
	config_import_done(&import);

	import_many(C "Zones Zone # Type: \"DNS\"\n" C "Zones Zone # DNS SIP TLS Verify Mode: \"On\"\n", 1200, &import);
	assert_int_equal(import.zone_count, 998);
	assert_int_equal(import.outcome_counts[CONFIG_IMPORT_AWAY], 2 * 202);
	config_import_done(&import);

	import_many(C "SIP Domains Domain # Name: \"a#.example\"\n", 1500, &import);
	assert_int_equal(import.domain_count, 1000);
	config_import_done(&import);
}

static void too_large_is_refused(void **state)
{
	struct config_import import;
	char *bytes = calloc(1, CONFIG_IMPORT_MAXIMUM + 1);
	(void)state;
	assert_non_null(bytes);
	memset(bytes, '\n', CONFIG_IMPORT_MAXIMUM + 1);
	config_import_init(&import);
	assert_int_equal(config_import_dump(&import, span_make(bytes, CONFIG_IMPORT_MAXIMUM + 1), NULL), -E2BIG);
	config_import_done(&import);
	config_import_init(&import);
	assert_int_equal(config_import_dump(&import, span_make(bytes, CONFIG_IMPORT_MAXIMUM), NULL), -EINVAL);
	config_import_done(&import);
	free(bytes);
}

/* ---- nothing is forgotten ---- */

static bool is_noted(const struct config_import *import, uint32_t line)
{
	for (size_t i = 0; i < import->note_count; i++) {
		if (import->notes[i].line == line)
			return true;
	}
	return false;
}

static void every_line_has_an_outcome(void **state)
{
	struct config_import import;
	struct buffer dump, summary;
	(void)state;
	buffer_init(&dump, 1 << 20);
	buffer_init(&summary, 1 << 16);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		buffer_clear(&dump);
		config_import_init(&import);
		assert_int_equal(config_import_dump(&import, span_of(cases[i].dump), "dump.txt"), 0);
		uint32_t lines = 0, said = 0;
		for (const char *c = cases[i].dump; *c; c++)
			lines += *c == '\n';
		for (uint32_t line = 1; line <= lines; line++) {
			bool over = false, told = false;
			for (size_t j = 0; j < import.setting_count; j++) {
				if (import.settings[j].line != line)
					continue;
				told = told || import.settings[j].outcome == CONFIG_IMPORT_TOLD;
				over = true;
			}
			if (told && !is_noted(&import, line))
				fail_msg("%s: line %u is said to be on the list", cases[i].name, line);
			said += over || is_noted(&import, line);
		}
		/* Only what is no line of a dump at all may be passed over: empty ones, OK, the end. */
		if (said + 3 < lines)
			fail_msg("%s: %u of %u lines", cases[i].name, said, lines);
		config_import_done(&import);
	}
	buffer_done(&dump);
	buffer_done(&summary);
}

static void json_and_summary(void **state)
{
	struct config_import import;
	struct buffer summary;
	(void)state;
	config_import_init(&import);
	buffer_init(&summary, 1 << 16);
	assert_int_equal(
		config_import_dump(&import,
			SPAN(NODE CORE TCP TO_CORE C "A: \"1\"\n\xff\n" C "Zones Zone 2 Type: \"ENUM\"\n"), "dump.txt"),
		0);
	json_t *json = config_import_json(&import);
	assert_int_equal(json_integer_value(json_object_get(json, "settings")), import.setting_count);
	assert_int_equal(json_integer_value(json_object_get(json, "rules")), 1);
	json_t *lines = json_object_get(json, "lines");
	assert_int_equal(json_array_size(json_object_get(lines, "carried_over")), 11);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(lines, "left_out"), 0)), 14);
	assert_int_equal(json_array_size(json_object_get(lines, "listed")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "counts"), "damaged")), 1);
	assert_int_equal(config_import_append_summary(&import, &summary), 0);
	assert_non_null(strstr(summary.at,
		"1 domain, 1 zone, 0 transforms, 1 rule; of 13 settings 11 came over, 1 belong to what was left out, "
		"1 are listed\n"));
	json_decref(json);
	buffer_done(&summary);
	config_import_done(&import);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_become_settings),
		cmocka_unit_test(what_is_no_dump),
		cmocka_unit_test(more_than_is_taken_is_counted),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(every_line_has_an_outcome),
		cmocka_unit_test(json_and_summary),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
