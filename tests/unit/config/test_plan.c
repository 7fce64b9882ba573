/* SPDX-License-Identifier: Apache-2.0 */
/* Dial plans with entries that do nothing, and what is said of them. */
#include "base/require.h"
#include "config/load.h"
#include "unit/cmocka_all.h"

#define HEAD                                                                                                           \
	"node: e.us.lab\ndomains: [us.lab]\nlisten: [{transport: udp}]\ndns: {}\n"                                     \
	"zones: [{name: Core, kind: neighbor, transport: udp, peers: [10.0.0.1]}, {name: Out, kind: dns}]\n"
#define RULES HEAD "rules:\n- {name: last, priority: 900, target: Core}\n- {name: out, priority: 950, target: Out}\n"

static const struct {
	const char *name, *text, *said;
} cases[] = {
	{ "nothing to say", RULES, "" },
	{ "a rule behind one that stops",
		RULES
		"- {name: all, priority: 10, mode: pattern, type: regex, pattern: '.*', on_match: stop, target: Out}\n",
		"n:7:3: warning: the rule `last` can do nothing: the rule `all`, in line 9, stops the search before "
		"it: it "
		"fits every alias that this one fits\n"
		"n:8:3: warning: the rule `out` can do nothing: the rule `all`, in line 9, stops the search before it: "
		"it "
		"fits every alias that this one fits\n" },
	{ "a rule for what is asked already",
		RULES "- {name: again, priority: 960, mode: pattern, type: suffix, pattern: '@us.lab', target: Core}\n",
		"n:9:3: warning: the rule `again` can do nothing: the rule `last`, in line 7, has the same zone asked "
		"for "
		"the same alias before it: it fits every alias that this one fits\n" },
	{ "one that is off is meant to do nothing",
		RULES
		"- {name: again, enabled: no, priority: 960, mode: pattern, type: suffix, pattern: '@us.lab', target: "
		"Core}\n",
		"" },
	{ "a wider prefix, with a variable",
		RULES
		"- {name: desk, priority: 20, mode: pattern, type: exact, pattern: 'desk@us.lab', target: Out}\n"
		"- {name: ours, priority: 10, mode: pattern, type: suffix, pattern: '@%localdomain1%', on_match: stop, "
		"target: Core}\n",
		"n:9:3: warning: the rule `desk` can do nothing: the rule `ours`, in line 10, stops the search before "
		"it: "
		"its pattern is the wider one\n" },
	{ "transforms, with a name and without",
		RULES "transforms:\n- {priority: 1, type: prefix, pattern: '0'}\n- {priority: 2, type: prefix, "
		      "pattern: '00'}\n"
		      "- {name: third, priority: 3, type: exact, pattern: '0'}\n",
		"n:11:3: warning: the transform of priority 2 can do nothing: the transform of priority 1, in line 10, "
		"matches before it, and only one may: its pattern is the wider one\n"
		"n:12:3: warning: the transform `third` can do nothing: the transform of priority 1, in line 10, "
		"matches "
		"before it, and only one may: its pattern is the wider one\n" },
	{ "policy behind a rule for everybody",
		RULES "policy:\n- {name: all, action: allow}\n- {name: bad, from: '.*@bad\\.lab', action: reject}\n",
		"n:11:3: warning: the policy `bad` can do nothing: the policy `all`, in line 10, decides before it: it "
		"fits "
		"every alias that this one fits\n" },
	{ "a partner that no rule leads to",
		HEAD "rules: [{name: a, mode: pattern, type: suffix, pattern: '@a.lab', target: Out}, {name: c, mode: "
		     "pattern, "
		     "type: suffix, pattern: '@us.lab', target: Core}]\n"
		     "trust:\n  allowed:\n  - a.lab\n  - b.lab\n",
		"n:10:5: warning: no rule leads to the partner `b.lab`: nobody can call there\n" },
	{ "zones that no rule leads to, or only one that is off",
		"node: e.us.lab\ndomains: [us.lab]\nlisten: [{transport: udp}]\ndns: {}\nusers: [{username: a, "
		"password: "
		"b}]\n"
		"zones:\n- {name: Core, kind: neighbor, transport: udp, peers: [10.0.0.1]}\n- {name: Out, kind: dns}\n"
		"- {name: Up, kind: traversal-client, transport: tcp, peers: [10.0.0.2], username: a, password: b}\n"
		"- {name: Strangers, kind: default}\n- {name: Used, kind: neighbor, transport: udp, peers: "
		"[10.0.0.3]}\n"
		"- {name: Callers, kind: neighbor, transport: udp, peers: [10.0.0.4]}\n"
		"registrar: {domains: [us.lab]}\n"
		"rules: [{name: a, source: Callers, target: Used}, {name: c, target: Used}, {name: b, target: Core, "
		"enabled: no}]\n",
		"n:7:3: warning: no rule leads to the zone `Core`\nn:8:3: warning: no rule leads to the zone `Out`\n"
		"n:9:3: warning: no rule leads to the zone `Up`\n"
		"n:13:12: warning: no rule leads to the zone `LocalZone`: who registers here cannot be called\n" },
	{ "domains of ours that no rule leads to",
		"node: e.us.lab\ndomains:\n- us.lab\n- their.lab\n- phones.lab\nlisten: [{transport: udp}]\n"
		"zones: [{name: Core, kind: neighbor, transport: udp, peers: [10.0.0.1]}]\n"
		"registrar: {domains: [phones.lab], authenticate: no}\n"
		"rules: [{name: a, mode: pattern, type: suffix, pattern: '@us.lab', target: Core}, {name: c, mode: "
		"pattern, "
		"type: regex, pattern: '.*@phones\\.lab', target: LocalZone}, {name: d, enabled: no, target: Core}]\n",
		"n:4:3: warning: no rule leads to anybody in `their.lab`: partners call there in vain\n" },
	{ "where there is no rule at all nobody is meant to call",
		"node: e.us.lab\ndomains: [us.lab]\nlisten: [{transport: udp}]\ntrust: {allowed: [b.lab]}\n", "" },
	{ "unless a transform could",
		HEAD "rules: [{name: a, mode: pattern, type: suffix, pattern: '@a.lab', target: Out}, {name: c, mode: "
		     "pattern, "
		     "type: suffix, pattern: '@us.lab', target: Core}]\n"
		     "transforms: [{type: suffix, pattern: '@b.lab', behaviour: replace, replace: '@a.lab'}]\n"
		     "trust:\n  allowed:\n  - a.lab\n  - b.lab\n",
		"" },
};

static void check_case(size_t i)
{
	struct config_input input = { .bytes = span_of(cases[i].text), .name = "n" };
	const struct config_node *node = NULL;
	struct config_report report;
	struct buffer text;
	config_report_init(&report);
	buffer_init(&text, 1 << 16);
	int status = config_load_bytes(&input, &report, &node);
	config_report_write(&report, &text);
	if (status < 0 || !span_equal(buffer_span(&text), span_of(cases[i].said)))
		fail_msg("%s: %d\n%s", cases[i].name, status, text.at ? text.at : "");
	buffer_done(&text);
	config_report_done(&report);
	config_node_unref(node);
}

static void dial_plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		check_case(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(dial_plans) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
