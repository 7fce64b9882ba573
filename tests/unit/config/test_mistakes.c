/* SPDX-License-Identifier: Apache-2.0 */
/* A text and what is said of it, whole: every mistake in one run, each with its place. */
#include "base/require.h"
#include "config/load.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GOOD "node: vcse.steven.lab\ndomains: [steven.lab]\nlisten:\n- {transport: udp}\n"

static const struct {
	const char *name;
	const char *text;
	const char *expected;
} cases[] = {
	{ "the smallest good file", GOOD, "" },
	{ "an empty file", "",
		"n:1:1: error: the node needs `node`\nn:1:1: error: the node needs `listen`\n"
		"n: warning: no `domains`: no address is ours\n" },
	{ "several mistakes, in the order of the lines",
		"node: vcse\ndialect: microsft\nlisen: []\nlisten:\n- {transport: udp, port: 70000}\n- {port: "
		"5060}\nworkers: many\n"
		"domains: [a.example]\n",
		"n:1:7: error: `node`: \"vcse\" is no full host name: its domain is missing, as in edge.example.com\n"
		"n:2:10: error: `dialect`: \"microsft\" must be `standard` or `microsoft`; did you mean `microsoft`?\n"
		"n:3:1: error: the node has no key `lisen`; did you mean `listen`?\n"
		"n:5:26: error: `port`: \"70000\" is no port: 1 to 65535\n"
		"n:6:3: error: a listener needs `transport`\n"
		"n:7:10: error: `workers`: \"many\" is no whole number\n" },
	{ "a key twice", GOOD "node: other.steven.lab\n", "n:5:1: error: `node` stands here again; first in line 1\n" },
	{ "a key nobody knows", GOOD "frobnicate: 1\n", "n:5:1: error: the node has no key `frobnicate`\n" },
	{ "a key in the wrong section", GOOD "dns: {polcy: dane}\n", "n:5:7: error: dns has no key `polcy`\n" },
	{ "a list where one value belongs", GOOD "control: [a]\n",
		"n:5:10: error: `control` must be a single value (file), not a list\n" },
	{ "one value where a list belongs", "node: a.example\ndomains: a.example\nlisten: udp\n",
		"n:2:10: error: `domains` must be a list, each item after a `- `, or [one, two]\n"
		"n:3:9: error: `listen` must be a list, each item after a `- `\n" },
	{ "a word where a section belongs", GOOD "trust: microsoft\n",
		"n:5:8: error: trust must be a section of `key: value`, not a single value\n" },
	{ "no value", GOOD "address:\n", "n:5:9: error: `address` has no value\n" },
	{ "a section with nothing in it is one with defaults", GOOD "trust:\ndns:\nzones:\n", "" },
	{ "a root that is a list", "- a\n", "n:1:1: error: the node must be a section of `key: value`, not a list\n" },
	{ "out of range", GOOD "workers: 256\nlimits: {message: 100, idle: 40d, drain: 3}\n",
		"n:5:10: error: `workers`: \"256\" is out of range: 0 to 255\n"
		"n:6:19: error: `message`: \"100\" is out of range: 1K to 16M\n"
		"n:6:30: error: `idle`: \"40d\" is out of range: 1s to 30d\n"
		"n:6:42: error: `drain`: \"3\" is no duration: a number with ms, s, m, h or d, as in 3s\n" },
	{ "wrong booleans and addresses",
		GOOD "via_zones: maybe\naddress: 127.0.0.300\ndns: {servers: [ns.a.example]}\n",
		"n:5:12: error: `via_zones`: \"maybe\" must be yes or no\n"
		"n:6:10: error: `address`: \"127.0.0.300\" is no IP address\n"
		"n:7:17: error: `servers`: \"ns.a.example\" is no IP address, with a port or without, as in 192.0.2.53 "
		"or "
		"192.0.2.53@53\n" },
	{ "redirections of partners that are followed",
		GOOD "dns: {}\nzones:\n- {name: Out, kind: dns, redirects: follow}\n"
		     "- {name: Own, kind: neighbor, transport: udp, peers: [10.0.0.1], redirects: follow}\n"
		     "rules:\n- {name: out, target: Out}\n- {name: own, target: Own}\n",
		"n:7:37: warning: `redirects: follow` on a zone outside: partners can lead calls of our own side "
		"wherever those may go, to costly numbers too\n" },
	{ "rules that lead nowhere",
		GOOD "dns: {}\nzones:\n- {name: DNSZone1, kind: dns}\nrules:\n- {name: out, target: DNSZone, source: "
		     "defalt}\n"
		     "- {name: in, target: somewhere else}\n",
		"n:9:23: error: `target`: no zone is called `DNSZone`; did you mean `DNSZone1`?\n"
		"n:9:40: error: `source`: no zone is called `defalt`; did you mean `default`?\n"
		"n:10:22: error: `target`: no zone is called `somewhere else`\n" },
	{ "a zone's keys by its kind",
		GOOD
		"zones:\n- {name: N, kind: neighbor, service: sips, verify_name: cms.steven.lab, transport: tcp}\n"
		"- {name: N, kind: dns, peers: [a.example]}\n- {name: any, kind: neighbour, peers: [a.example:0]}\n"
		"rules:\n- {name: r, target: N}\n",
		"n:6:3: error: a zone with `kind: neighbor` needs `peers`\n"
		"n:6:29: error: `service` belongs only where `kind` is `dns`\n"
		"n:6:57: error: `verify_name` belongs only where `transport` is `tls`\n"
		"n:7:3: error: a zone of kind dns needs the section `dns`\n"
		"n:7:10: error: a zone is called `N` already, in line 6\n"
		"n:7:24: error: `peers` belongs only where `kind` is `neighbor` or `traversal-client`\n"
		"n:8:10: error: a zone cannot be called `any`: that word has a meaning in rules\n"
		"n:8:21: error: `kind`: \"neighbour\" must be `dns`, `neighbor`, `traversal-client`, "
		"`traversal-server`, `local` or `default`; did you mean `neighbor`?\n"
		"n:8:40: error: `peers`: \"a.example:0\" is no port: 1 to 65535\n" },
	{ "zones of partners: over TLS, and one service for all",
		GOOD "dns: {}\nzones:\n- {name: A, kind: dns, transport: udp}\n- {name: B, kind: dns, service: sips}\n"
		     "rules:\n- {name: a, target: A}\n- {name: b, target: B}\n",
		"n:7:35: error: partners are reached over TLS only: `transport` of a zone of kind dns is `tls`\n"
		"n:8:33: error: all zones of kind dns look up the same service, and the first says "
		"`sipfederationtls`\n" },
	{ "a regular expression, column by column",
		GOOD "dns:\nzones:\n- {name: Z, kind: dns}\nrules:\n"
		     "- {name: a, target: Z, mode: pattern, type: regex, pattern: 'it''s(a'}\n"
		     "- name: b\n  target: Z\n  mode: pattern\n  type: regex\n  pattern: (a|b)[z-a]\n"
		     "- {name: c, target: Z, mode: pattern, type: regex, pattern: \"(.*)@a\", behaviour: replace, "
		     "replace: '\\1@\\2'}\n"
		     "- {name: d, target: Z, mode: pattern}\n- {name: a, target: Z, pattern: x, replace: y}\n",
		"n:9:69: error: `pattern` is no regular expression: missing closing parenthesis\n"
		"n:14:20: error: `pattern` is no regular expression: range out of order in character class\n"
		"n:15:104: error: `replace` asks for \\2, but the pattern has 1 group\n"
		"n:16:3: error: a rule with `mode: pattern` needs `pattern`\n"
		"n:17:10: error: a rule is called `a` already, in line 9\n"
		"n:17:24: error: `pattern` belongs only where `mode` is `pattern`\n"
		"n:17:36: error: `replace` belongs only where `behaviour` is `replace`, `add-prefix` or "
		"`add-suffix`\n" },
	{ "two listeners on one port",
		"node: a.example\ndomains: [a.example]\nlisten:\n- {transport: udp}\n- {transport: tcp}\n- {transport: "
		"tcp, address: "
		"192.0.2.1}\n- {transport: udp, port: 5061}\n",
		"n:6:3: error: two listeners on port 5060; the other is in line 5\n" },
	{ "tls without a certificate", GOOD "- {transport: tls}\n",
		"n:5:3: error: a tls listener needs a certificate: `tls.identities`\n"
		"n:5:3: warning: strangers who call here will be refused: without the section `dns` nobody is looked "
		"up\n" },
	{ "half of a client certificate, a name twice, nobody trusted, a key log",
		GOOD "- {transport: tls}\ndns: {}\ntls:\n  keylog: k\n  identities:\n"
		     "  - {names: [a.example], certificate: c, key: k, client_key: k}\n"
		     "  - {names: [b.a.example, A.example], certificate: c, key: k}\n",
		"n:8:3: warning: no certificate of anybody will be trusted: give `authorities`, or "
		"`system_authorities: yes`\n"
		"n:8:11: warning: `keylog` writes the keys of all TLS sessions: whoever reads it reads the calls\n"
		"n:10:62: error: `client_key` needs `client_certificate`\n"
		"n:11:27: error: `a.example` has an identity already, in line 10\n" },
	{ "a domain on two lists",
		GOOD
		"trust:\n  allowed: [b.example, {domain: C.example}, b.example]\n  blocked: [c.example, steven.lab]\n",
		"n:6:45: error: `b.example` is on the list `allowed` twice; first in line 6\n"
		"n:7:13: error: `c.example` is on the list `blocked` and, in line 6, on the list `allowed`\n"
		"n:7:24: error: `steven.lab` is on the list `blocked` and, in line 2, on the list `domains`\n" },
	{ "dane without dnssec", GOOD "dns: {}\ntrust: {policy: dane}\n",
		"n:6:17: error: policy dane needs `dns.dnssec: yes`\n" },
	{ "two logs in one file", GOOD "log:\n- {format: json, file: l}\n- {format: expressway, file: l, rotate: 1T}\n",
		"n:7:30: error: two logs in one file; the other is in line 6\n"
		"n:7:41: error: `rotate`: \"1T\" is no size: a number of bytes, or with K, M or G, as in 64K\n" },
	{ "addresses of databases, which are not shown", GOOD "history: {store: 'postgresql://u:p/w@h/d'}\n",
		"n:5:18: error: `store`: the address of the database cannot be read: in a name or a password / : @ and "
		"% are written %2F %3A %40 %25\n" },
	{ "an option that no database has", GOOD "history: {store: 'postgresql://u:secret@h/d?sslmod=require'}\n",
		"n:5:18: error: `store`: the address of the database has no option \"sslmod\"\n" },
	{ "a database's sslmode", GOOD "history: {store: 'postgresql://u:secret@h/d?sslmode=on'}\n",
		"n:5:18: error: `store`: the address of the database has no such sslmode: disable, allow, prefer, "
		"require, verify-ca, verify-full\n" },
	{ "a database on another machine without TLS",
		GOOD "history: {store: 'postgresql://u:secret@db.example/d'}\n"
		     "registrar: {domains: [steven.lab], authenticate: no, store: "
		     "'postgresql://u@db.example/d?sslmode=verify-full'}\nrules: [{name: r, target: LocalZone}]\n",
		"n:5:18: warning: `store`: what is stored may cross the network in the clear; sslmode=verify-full asks "
		"for TLS and the database's name\n" },
	{ "a path too long for a socket",
		GOOD
		"control: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaa/"
		"aaaaaaaaaaaaaaaaaa\n",
		"n:5:10: error: the path of a socket has 107 bytes at most, "
		"`/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/aaaaaaaaaaaaaaaaaaaaaaaaaa/"
		"aaaaaaaaaaaaaaaaaa` has 110\n" },
	{ "a tab that indents", "node: a.example\nlisten:\n\t- {transport: udp}\n",
		"n:3:1: error: not YAML: while scanning for the next token, found character that cannot start any "
		"token (a tab "
		"cannot indent, and a text that starts with % @ ` needs quotes)\n" },
	{ "a bracket that never closes", "node: a.example\nlisten: [{transport: udp}\n",
		"n:3:1: error: not YAML: while parsing a flow sequence, did not find expected ',' or ']'\n" },
	{ "bytes that are no text", "node: \xff\n", "n:1:1: error: not YAML: invalid leading UTF-8 octet\n" },
	{ "anchors and aliases", "node: &me a.example\ndomains: [*me]\nlisten: &l [{transport: udp}]\n", "" },
	{ "an alias of nothing", GOOD "address: *me\n",
		"n:5:10: error: no anchor has this name (a text that starts with * needs quotes)\n" },
	{ "an alias inside of itself", GOOD "zones: &z [*z]\n",
		"n:5:12: error: an alias cannot stand inside of what it stands for\n" },
	{ "merge keys", "<<: {node: a.example}\n",
		"n:1:1: error: merge keys (<<) are not supported: use an alias for the whole value\n"
		"n:1:1: error: the node needs `node`\nn:1:1: error: the node needs `listen`\n"
		"n: warning: no `domains`: no address is ours\n" },
	{ "tags", "node: !!str a.example\n",
		"n:1:7: error: tags (!…) are not used here: types are fixed by the keys\n" },
	{ "two documents", GOOD "---\n" GOOD, "n:5:1: error: a second document: one file describes one node\n" },
	{ "a list as a key", "? [a]\n: b\n", "n:1:3: error: a key must be a single word\n" },
	{ "what moves a terminal's cursor is escaped", GOOD "\"\\e[2J\": 1\n",
		"n:5:1: error: the node has no key `\\x1B[2J`\n" },
};

static char *report_of(const char *text, int *ret_status)
{
	struct config_report report;
	struct buffer b;
	const struct config_node *node = NULL;
	config_report_init(&report);
	buffer_init(&b, 1 << 20);
	struct config_input input = { span_of(text), "n", NULL, false };
	*ret_status = config_load_bytes(&input, &report, &node);
	assert_true((*ret_status == 0) == (node != NULL));
	assert_true((*ret_status == 0) == (report.error_count == 0));
	config_report_write(&report, &b);
	buffer_append_text(&b, "");
	char *said = buffer_take(&b);
	config_report_done(&report);
	config_node_unref(node);
	buffer_done(&b);
	return said;
}

static void every_mistake_is_said_with_its_place(void **state)
{
	(void)state;
	int failed = 0;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		int status;
		char *said = report_of(cases[i].text, &status);
		if (strcmp(said ? said : "", cases[i].expected) != 0) {
			print_error("%s: said\n%sexpected\n%s", cases[i].name, said, cases[i].expected);
			failed++;
		}
		free(said);
	}
	assert_int_equal(failed, 0);
}

static char *repeated(const char *text, size_t count)
{
	struct buffer b;
	buffer_init(&b, CONFIG_FILE_MAXIMUM);
	for (size_t i = 0; i < count; i++)
		buffer_append_text(&b, text);
	return buffer_take(&b);
}

static void nesting_is_bounded(void **state)
{
	(void)state;
	int status;
	char *text = repeated("[", 100000);
	char *said = report_of(text, &status);
	assert_int_equal(status, -EINVAL);
	assert_non_null(strstr(said, "n:1:33: error: nested too deeply"));
	free(said);
	free(text);
}

static void laughs_are_bounded(void **state)
{
	(void)state;
	struct buffer b;
	int status;
	buffer_init(&b, 1 << 20);
	buffer_append_text(&b, "domains: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 20; i++)
		buffer_printf(&b, "k%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	char *said = report_of(b.at, &status);
	assert_int_equal(status, -EINVAL);
	assert_non_null(strstr(said, "too many values"));
	free(said);
	buffer_done(&b);
}

static void reports_are_bounded_and_say_so(void **state)
{
	(void)state;
	int status;
	char *text = repeated("frobnicate: 1\n", 1000);
	char *said = report_of(text, &status);
	assert_int_equal(status, -EINVAL);
	assert_non_null(strstr(said, "n: 803 more not shown\n"));
	free(said);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_said_with_its_place),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(laughs_are_bounded),
		cmocka_unit_test(reports_are_bounded_and_say_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
