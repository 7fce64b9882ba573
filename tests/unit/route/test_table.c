/* SPDX-License-Identifier: Apache-2.0 */
/* Dial plans: each case is a small one, a request, and the plan that must come out, written as
 * "zone:alias zone:alias | zone:alias" with a bar between the groups that are asked one after the other. */
#include "base/require.h"
#include "route/table.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define PATTERN(kind, text) .type = ROUTE_PATTERN_##kind, .pattern = SPAN(text)
#define ALIAS(kind, text) .mode = ROUTE_MODE_PATTERN, PATTERN(kind, text)
#define ANY .mode = ROUTE_MODE_ANY
#define REPLACE(text) .behaviour = ROUTE_BEHAVIOUR_REPLACE, .replace = SPAN(text)
#define STRIP .behaviour = ROUTE_BEHAVIOUR_STRIP
#define STOP .on_match = ROUTE_ON_MATCH_STOP
#define FROM_ZONE(number) .source = ROUTE_SOURCE_ZONE, .source_zone = (number)
#define FROM(kind) .source = ROUTE_SOURCE_##kind
#define REJECT(code) .action = ROUTE_REJECT, .status = (code)
#define REDIRECT(text) .action = ROUTE_REDIRECT, .alias = SPAN(text)

#define STRANGER ROUTE_ZONE_DEFAULT
#define LOCAL 9 /* the zone of our own phones */

/* Entries up to the first empty one, which has neither a target, a pattern nor an action that does something. */
struct plan_case {
	const char *name;
	struct route_transform transforms[4];
	struct route_policy_rule policy[4];
	struct route_rule rules[5];
	const char *alias;
	int source;
	const char *plan; /* "reject 403", "goes round" where there are no targets for that reason */
	/* One letter for every entry looked at: m(atched) d(id not) s(ource) c(ostly) o(ff) u(nauthenticated)
	 * v(ariant). T, P and R begin the transforms, the policy, the rules after them. */
	const char *steps;
	const char *caller;
	bool authenticated;
	enum route_variant variant;
};

static const struct plan_case RULES[] = {
	{ "any alias goes to the target", .rules = { { ANY, .target = 1 } }, .alias = "a@b.example",
		.plan = "1:a@b.example", .steps = "m" },
	{ "no rule, no target", .alias = "a@b", .plan = "", .steps = "" },
	{ "lower priority numbers come first",
		.rules = { { .priority = 20, .target = 2 }, { .priority = 10, .target = 1 } }, .alias = "a@b",
		.plan = "1:a@b | 2:a@b", .steps = "mm" },
	{ "equal priorities are one group, in the order of the file",
		.rules = { { .priority = 5, .target = 3 }, { .priority = 5, .target = 1 } }, .alias = "a@b",
		.plan = "3:a@b 1:a@b", .steps = "mm" },
	{ "groups are numbered by those that have a target",
		.rules = { { .priority = 1, .target = 1 }, { .priority = 2, .target = 2, ALIAS(EXACT, "x") },
			{ .priority = 3, .target = 3 }, { .priority = 3, .target = 4 } },
		.alias = "a@b", .plan = "1:a@b | 3:a@b 4:a@b", .steps = "mdmm" },
	{ "stop lets rules of the same priority run, and none after them",
		.rules = { { .priority = 1, .target = 1, STOP }, { .priority = 1, .target = 2 },
			{ .priority = 2, .target = 3 } },
		.alias = "a@b", .plan = "1:a@b 2:a@b", .steps = "mm" },
	{ "the last of equals may be the one that stops",
		.rules = { { .priority = 1, .target = 1 }, { .priority = 1, .target = 2, STOP },
			{ .priority = 2, .target = 3 } },
		.alias = "a@b", .plan = "1:a@b 2:a@b", .steps = "mm" },
	{ "stop without a match stops nothing",
		.rules = { { .priority = 1, .target = 1, STOP, ALIAS(EXACT, "x@y") }, { .priority = 2, .target = 2 } },
		.alias = "a@b", .plan = "2:a@b", .steps = "dm" },
	{ "stop of a rule for others stops nothing",
		.rules = { { .priority = 1, .target = 1, STOP, FROM(LOCAL) }, { .priority = 2, .target = 2 } },
		.alias = "a@b", .plan = "2:a@b", .steps = "sm" },
	{ "continue in one priority, stop in the next",
		.rules = { { .priority = 1, .target = 1 }, { .priority = 2, .target = 2, STOP },
			{ .priority = 3, .target = 3 } },
		.alias = "a@b", .plan = "1:a@b | 2:a@b", .steps = "mm" },

	/* patterns */
	{ "exact compares without case", .rules = { { .target = 1, ALIAS(EXACT, "Alice@B.example") } },
		.alias = "alice@b.EXAMPLE", .plan = "1:alice@b.EXAMPLE", .steps = "m" },
	{ "exact is the whole alias", .rules = { { .target = 1, ALIAS(EXACT, "alice") } }, .alias = "alice@b",
		.plan = "", .steps = "d" },
	{ "exact replaced", .rules = { { .target = 1, ALIAS(EXACT, "100@b"), REPLACE("alice@b") } }, .alias = "100@b",
		.plan = "1:alice@b", .steps = "m" },
	{ "exact stripped would leave nothing: it stays", .rules = { { .target = 1, ALIAS(EXACT, "100@b"), STRIP } },
		.alias = "100@b", .plan = "1:100@b", .steps = "m" },
	{ "prefix", .rules = { { .target = 1, ALIAS(PREFIX, "00") } }, .alias = "0049@b", .plan = "1:0049@b",
		.steps = "m" },
	{ "prefix stripped", .rules = { { .target = 1, ALIAS(PREFIX, "9"), STRIP } }, .alias = "9123@b",
		.plan = "1:123@b", .steps = "m" },
	{ "prefix replaced", .rules = { { .target = 1, ALIAS(PREFIX, "00"), REPLACE("+") } }, .alias = "0049@b",
		.plan = "1:+49@b", .steps = "m" },
	{ "suffix", .rules = { { .target = 1, ALIAS(SUFFIX, "@skype.lab") } }, .alias = "stejanss@Skype.Lab",
		.plan = "1:stejanss@Skype.Lab", .steps = "m" },
	{ "suffix is no middle", .rules = { { .target = 1, ALIAS(SUFFIX, "@skype.lab") } },
		.alias = "a@skype.lab.evil.example", .plan = "", .steps = "d" },
	{ "suffix stripped", .rules = { { .target = 1, ALIAS(SUFFIX, "@old.lab"), STRIP } }, .alias = "2000@old.lab",
		.plan = "1:2000", .steps = "m" },
	{ "suffix replaced", .rules = { { .target = 1, ALIAS(SUFFIX, "@old.lab"), REPLACE("@new.lab") } },
		.alias = "a@old.lab", .plan = "1:a@new.lab", .steps = "m" },
	{ "regex is anchored at both ends", .rules = { { .target = 1, ALIAS(REGEX, "[0-9]+@b") } }, .alias = "x12@b",
		.plan = "", .steps = "d" },
	{ "so are its alternatives", .rules = { { .target = 1, ALIAS(REGEX, "a@b|c@d") } }, .alias = "xa@b", .plan = "",
		.steps = "d" },
	{ "regex with groups", .rules = { { .target = 1, ALIAS(REGEX, "(\\d+)@(.*)"), REPLACE("user-\\1@x.\\2") } },
		.alias = "12@b", .plan = "1:user-12@x.b", .steps = "m" },
	{ "a group that took no part is empty",
		.rules = { { .target = 1, ALIAS(REGEX, "(00)?(\\d+)@b"), REPLACE("\\1+\\2@b") } }, .alias = "49@b",
		.plan = "1:+49@b", .steps = "m" },
	{ "more groups than a replacement can name",
		.rules = { { .target = 1, ALIAS(REGEX, "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)"), REPLACE("\\9\\1") } },
		.alias = "abcdefghijk", .plan = "1:ia", .steps = "m" },
	{ "a backslash before another character is that character",
		.rules = { { .target = 1, ALIAS(REGEX, "(.*)"), REPLACE("\\\\\\a\\1\\") } }, .alias = "b",
		.plan = "1:\\ab\\", .steps = "m" },
	{ "a regex that replaces with nothing leaves the alias",
		.rules = { { .target = 1, ALIAS(REGEX, "(x?).*"), REPLACE("\\1") } }, .alias = "a@b", .plan = "1:a@b",
		.steps = "m" },
	{ "text put before and behind",
		.rules = { { .target = 1,
				   ALIAS(REGEX, "\\d+"),
				   .behaviour = ROUTE_BEHAVIOUR_ADD_SUFFIX,
				   .replace = SPAN("@x.lab") },
			{ .target = 2,
				ALIAS(PREFIX, "2"),
				.behaviour = ROUTE_BEHAVIOUR_ADD_PREFIX,
				.replace = SPAN("\\1") } },
		.alias = "2000", .plan = "1:2000@x.lab 2:\\12000", .steps = "mm" },
	{ "one zone with one alias is asked once",
		.rules = { { .target = 1 }, { .priority = 7, .target = 1, ALIAS(SUFFIX, "@b") } }, .alias = "a@b",
		.plan = "1:a@b", .steps = "mm" },
	{ "one zone with two aliases is asked twice",
		.rules = { { .target = 1 }, { .target = 1, ALIAS(EXACT, "a@b"), REPLACE("c@b") } }, .alias = "a@b",
		.plan = "1:a@b 1:c@b", .steps = "mm" },

	/* addresses */
	{ "any alias is no IP address", .rules = { { ANY, .target = 1 } }, .alias = "192.0.2.7", .plan = "",
		.steps = "d" },
	{ "any IP address", .rules = { { .mode = ROUTE_MODE_ANY_ADDRESS, .target = 1 } }, .alias = "192.0.2.7",
		.plan = "1:192.0.2.7", .steps = "m" },
	{ "somebody at an IP address is an alias and an address",
		.rules = { { .mode = ROUTE_MODE_ANY_ADDRESS, .target = 1 }, { ANY, .target = 2 } },
		.alias = "bob@192.0.2.7", .plan = "1:bob@192.0.2.7 2:bob@192.0.2.7", .steps = "mm" },
	{ "IPv6, in the brackets of a URI", .rules = { { .mode = ROUTE_MODE_ANY_ADDRESS, .target = 1 } },
		.alias = "bob@[2001:db8::7]", .plan = "1:bob@[2001:db8::7]", .steps = "m" },
	{ "IPv6 as URIs are taken apart", .rules = { { .mode = ROUTE_MODE_ANY_ADDRESS, .target = 1 } },
		.alias = "2001:db8::7", .plan = "1:2001:db8::7", .steps = "m" },
	{ "digits and dots are not always one", .rules = { { .mode = ROUTE_MODE_ANY_ADDRESS, .target = 1 } },
		.alias = "192.0.2", .plan = "", .steps = "d" },

	/* who asks */
	{ "a named zone", .rules = { { .target = 1, FROM_ZONE(2) } }, .alias = "a@b", .source = 2, .plan = "1:a@b",
		.steps = "m" },
	{ "another named zone", .rules = { { .target = 1, FROM_ZONE(2) } }, .alias = "a@b", .source = 1, .plan = "",
		.steps = "s" },
	{ "all zones leaves strangers out", .rules = { { .target = 1, FROM(ALL_ZONES) } }, .alias = "a@b",
		.source = STRANGER, .plan = "", .steps = "s" },
	{ "all zones has our own phones in", .rules = { { .target = 1, FROM(ALL_ZONES) } }, .alias = "a@b",
		.source = LOCAL, .plan = "1:a@b", .steps = "m" },
	{ "strangers only", .rules = { { .target = 1, FROM(DEFAULT) } }, .alias = "a@b", .source = STRANGER,
		.plan = "1:a@b", .steps = "m" },
	{ "a zone is no stranger", .rules = { { .target = 1, FROM(DEFAULT) } }, .alias = "a@b", .source = 0, .plan = "",
		.steps = "s" },
	{ "our own phones only", .rules = { { .target = 1, FROM(LOCAL) } }, .alias = "a@b", .source = LOCAL,
		.plan = "1:a@b", .steps = "m" },
	{ "a neighbor is no phone of ours", .rules = { { .target = 1, FROM(LOCAL) } }, .alias = "a@b", .source = 3,
		.plan = "", .steps = "s" },
	{ "must be authenticated, and is", .rules = { { .target = 1, .authenticated = true } }, .alias = "a@b",
		.authenticated = true, .plan = "1:a@b", .steps = "m" },
	{ "must be authenticated, and is not", .rules = { { .target = 1, .authenticated = true }, { .target = 2 } },
		.alias = "a@b", .plan = "2:a@b", .steps = "um" },
	{ "variants",
		.rules = { { .target = 1, .variant = ROUTE_VARIANT_STANDARDS },
			{ .target = 2, .variant = ROUTE_VARIANT_MICROSOFT_AV },
			{ .target = 3, .variant = ROUTE_VARIANT_MICROSOFT_IM },
			{ .target = 4, .variant = ROUTE_VARIANT_MICROSOFT }, { .target = 5 } },
		.alias = "a@b", .variant = ROUTE_VARIANT_MICROSOFT_IM, .plan = "3:a@b 4:a@b 5:a@b", .steps = "vvmmm" },
	{ "a variant nobody knows counts as the standards'",
		.rules = { { .target = 1, .variant = ROUTE_VARIANT_STANDARDS },
			{ .target = 2, .variant = ROUTE_VARIANT_MICROSOFT } },
		.alias = "a@b", .plan = "1:a@b", .steps = "mv" },

	/* Cisco's basic configuration of a pair: E with its three rules, C with its two */
	{ "E: from the core to a partner",
		.rules = { { .priority = 100, FROM_ZONE(1), ALIAS(REGEX, ".*@partner\\.example"), .target = 2, STOP },
			{ .priority = 100, FROM(DEFAULT), ALIAS(REGEX, ".*@us\\.example"), .target = 1, STOP },
			{ .priority = 150, FROM(ALL_ZONES), ALIAS(REGEX, "(?!.*@us\\.example.*$).*"), .target = 2 } },
		.alias = "bob@partner.example", .source = 1, .plan = "2:bob@partner.example", .steps = "ms" },
	{ "E: a stranger reaches the core",
		.rules = { { .priority = 100, FROM_ZONE(1), ALIAS(REGEX, ".*@partner\\.example"), .target = 2, STOP },
			{ .priority = 100, FROM(DEFAULT), ALIAS(REGEX, ".*@us\\.example"), .target = 1, STOP },
			{ .priority = 150, FROM(ALL_ZONES), ALIAS(REGEX, "(?!.*@us\\.example.*$).*"), .target = 2 } },
		.alias = "alice@us.example", .source = STRANGER, .plan = "1:alice@us.example", .steps = "sm" },
	{ "E: a stranger is not sent on to others",
		.rules = { { .priority = 100, FROM_ZONE(1), ALIAS(REGEX, ".*@partner\\.example"), .target = 2, STOP },
			{ .priority = 100, FROM(DEFAULT), ALIAS(REGEX, ".*@us\\.example"), .target = 1, STOP },
			{ .priority = 150, FROM(ALL_ZONES), ALIAS(REGEX, "(?!.*@us\\.example.*$).*"), .target = 2 } },
		.alias = "bob@third.example", .source = STRANGER, .plan = "", .steps = "sds" },
	{ "E: everything but our domain goes to the DNS",
		.rules = { { .priority = 150,
			FROM(ALL_ZONES),
			ALIAS(REGEX, "(?!.*@us\\.example.*$).*"),
			.target = 2 } },
		.alias = "bob@third.example", .source = 1, .plan = "2:bob@third.example", .steps = "m" },
	{ "E: and our domain does not",
		.rules = { { .priority = 150,
			FROM(ALL_ZONES),
			ALIAS(REGEX, "(?!.*@us\\.example.*$).*"),
			.target = 2 } },
		.alias = "x@US.example", .source = 1, .plan = "", .steps = "d" },
	{ "C: from the edge to the call manager, and nobody else",
		.rules = { { .priority = 50, FROM_ZONE(1), ALIAS(REGEX, ".*@us\\.example"), .target = 2, STOP },
			{ .priority = 100, FROM_ZONE(2), ANY, .target = 1 } },
		.alias = "2000@us.example", .source = 1, .plan = "2:2000@us.example", .steps = "m" },
};

static const struct plan_case TRANSFORMS[] = {
	{ "the first that matches changes the alias, and no other does",
		.transforms = { { .priority = 2, PATTERN(REGEX, "(\\d+)"), REPLACE("\\1@us.lab") },
			{ .priority = 3, PATTERN(SUFFIX, "@us.lab"), REPLACE("@them.lab") } },
		.rules = { { ANY, .target = 1 } }, .alias = "2000", .plan = "1:2000@us.lab", .steps = "TmRm" },
	{ "in the order of their priority",
		.transforms = { { .priority = 9, PATTERN(PREFIX, "2"), REPLACE("9") },
			{ .priority = 1, PATTERN(PREFIX, "20"), REPLACE("1") } },
		.rules = { { ANY, .target = 1 } }, .alias = "2000", .plan = "1:100", .steps = "TmRm" },
	{ "those before it did not match, or are off",
		.transforms = { { .priority = 1, PATTERN(PREFIX, "3"), STRIP },
			{ .priority = 2, PATTERN(EXACT, "off") }, { .priority = 3, PATTERN(PREFIX, "2"), STRIP } },
		.rules = { { ANY, .target = 1 } }, .alias = "2000", .plan = "1:000", .steps = "TdomRm" },
	{ "one that leaves the alias keeps later ones from changing it",
		.transforms = { { .priority = 1, PATTERN(SUFFIX, "@us.lab") },
			{ .priority = 2, PATTERN(REGEX, "(.*)@.*"), REPLACE("\\1@other.lab") } },
		.rules = { { ANY, .target = 1 } }, .alias = "a@us.lab", .plan = "1:a@us.lab", .steps = "TmRm" },
	{ "rules see what the transform made",
		.transforms = { { .priority = 1, PATTERN(PREFIX, "911"), REPLACE("112") } },
		.rules = { { ALIAS(PREFIX, "911"), .target = 1 }, { ALIAS(PREFIX, "112"), .target = 2 } },
		.alias = "911@us.lab", .plan = "2:112@us.lab", .steps = "TmRdm" },
	{ "one that costs too much is passed over",
		.transforms = { { .priority = 1, PATTERN(REGEX, "(a+)+(a+)+(a+)+(a+)+[bd]"), STRIP } },
		.rules = { { ANY, .target = 1 } }, .alias = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
		.plan = "1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", .steps = "TcRm" },
};

static const struct plan_case POLICY[] = {
	{ "no rule fits: allowed", .policy = { { REJECT(403), .to = SPAN("x@.*") } }, .rules = { { ANY, .target = 1 } },
		.alias = "a@b", .plan = "1:a@b", .steps = "PdRm" },
	{ "the first that fits decides",
		.policy = { { .name = SPAN("in"), .to = SPAN(".*@us\\.lab"), .action = ROUTE_ALLOW }, { REJECT(488) } },
		.rules = { { ANY, .target = 1 } }, .alias = "a@us.lab", .plan = "1:a@us.lab", .steps = "PmRm" },
	{ "what is not allowed is rejected",
		.policy = { { .name = SPAN("in"), .to = SPAN(".*@us\\.lab"), .action = ROUTE_ALLOW }, { REJECT(488) } },
		.rules = { { ANY, .target = 1 } }, .alias = "a@them.lab", .plan = "reject 488", .steps = "Pdm" },
	{ "strangers may not dial the gateway", .policy = { { FROM(DEFAULT), .to = SPAN("9\\d+@.*"), REJECT(403) } },
		.rules = { { ANY, .target = 1 } }, .alias = "900@us.lab", .source = STRANGER, .plan = "reject 403",
		.steps = "Pm" },
	{ "but a neighbor may", .policy = { { FROM(DEFAULT), .to = SPAN("9\\d+@.*"), REJECT(403) } },
		.rules = { { ANY, .target = 1 } }, .alias = "900@us.lab", .source = 2, .plan = "1:900@us.lab",
		.steps = "PsRm" },
	{ "by the caller", .policy = { { .from = SPAN(".*@bad\\.lab"), REJECT(603) } }, .rules = { { .target = 1 } },
		.alias = "a@b", .caller = "eve@BAD.lab", .plan = "reject 603", .steps = "Pm" },
	{ "a caller who names nobody is no one's", .policy = { { .from = SPAN(".+"), REJECT(603) } },
		.rules = { { .target = 1 } }, .alias = "a@b", .plan = "1:a@b", .steps = "PdRm" },
	{ "the unauthenticated are rejected", .policy = { { .authenticated = ROUTE_WHETHER_NO, REJECT(403) } },
		.rules = { { .target = 1 } }, .alias = "a@b", .plan = "reject 403", .steps = "Pm" },
	{ "the authenticated are not", .policy = { { .authenticated = ROUTE_WHETHER_NO, REJECT(403) } },
		.rules = { { .target = 1 } }, .alias = "a@b", .authenticated = true, .plan = "1:a@b", .steps = "PdRm" },
	{ "a rule for the authenticated only", .policy = { { .authenticated = ROUTE_WHETHER_YES, REJECT(403) } },
		.rules = { { .target = 1 } }, .alias = "a@b", .plan = "1:a@b", .steps = "PuRm" },
	{ "it sees what the transforms made", .transforms = { { .priority = 1, PATTERN(PREFIX, "0"), REPLACE("9") } },
		.policy = { { .to = SPAN("9.*"), REJECT(403) } }, .rules = { { ANY, .target = 1 } }, .alias = "0123",
		.plan = "reject 403", .steps = "TmPm" },
	{ "another alias begins again with the transforms",
		.transforms = { { .priority = 1, PATTERN(EXACT, "desk"), REPLACE("2000@us.lab") } },
		.policy = { { .to = SPAN("help@(.*)"), REDIRECT("desk") } }, .rules = { { ANY, .target = 1 } },
		.alias = "help@us.lab", .plan = "1:2000@us.lab", .steps = "TdPmTmPdRm" },
	{ "with the groups of what was dialled",
		.policy = { { .to = SPAN("(.*)@old\\.lab"), REDIRECT("\\1@new.lab") } },
		.rules = { { ANY, .target = 1 } }, .alias = "a@old.lab", .plan = "1:a@new.lab", .steps = "PmPdRm" },
	{ "where all is redirected \\0 is the alias, once",
		.policy = { { .to = SPAN("x-.*"), .action = ROUTE_ALLOW, .name = SPAN("done") },
			{ REDIRECT("x-\\0") } },
		.rules = { { ANY, .target = 1 } }, .alias = "a", .plan = "1:x-a", .steps = "PdmPmRm" },
	{ "two that point at each other go round",
		.policy = { { .to = SPAN("a"), REDIRECT("b") }, { .to = SPAN("b"), REDIRECT("a") } },
		.rules = { { ANY, .target = 1 } }, .alias = "a", .plan = "goes round",
		.steps = "PmPdmPmPdmPmPdmPmPdmPm" },
	{ "a redirection to nothing rejects", .policy = { { .to = SPAN("a(x?)"), REDIRECT("\\1") } },
		.rules = { { ANY, .target = 1 } }, .alias = "a", .plan = "reject 403", .steps = "Pc" },
	{ "what cannot be decided is rejected, even by a rule that allows",
		.policy = { { .to = SPAN("(a+)+(a+)+(a+)+(a+)+[bd]"), .name = SPAN("friends") } },
		.rules = { { ANY, .target = 1 } }, .alias = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
		.plan = "reject 403", .steps = "Pc" },
	{ "a rule that is off decides nothing", .policy = { { .name = SPAN("off"), REJECT(403) } },
		.rules = { { ANY, .target = 1 } }, .alias = "a", .plan = "1:a", .steps = "PoRm" },
};

static const struct plan_case COSTLY[] = {
	{ "one that explodes counts as not matched",
		.rules = { { .target = 1, ALIAS(REGEX, "(a+)+(a+)+(a+)+(a+)+[bd]") } },
		.alias = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", .plan = "", .steps = "c" },
	{ "nested repeats", .rules = { { .target = 1, ALIAS(REGEX, "(a+)+b|(a*)*c") } },
		.alias = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad",
		.plan = "", .steps = "c" },
	{ "without JIT",
		.rules = { { .target = 1, ALIAS(REGEX, "(*NO_JIT)(a+)+(a+)+(a+)+(a+)+[bd]") },
			{ .target = 2, ALIAS(REGEX, "(*NO_JIT)((a|b)+)(c*)"), REPLACE("\\3\\1") } },
		.alias = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
		.plan = "2:caaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", .steps = "cm" },
	{ "back-references", .rules = { { .target = 1, ALIAS(REGEX, "(.*)(.*)(.*)(.*)(.*)\\5\\4\\3\\2\\1x") } },
		.alias = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", .plan = "", .steps = "c" },
};

/* ---- running a case ---- */

/* Entries named "off" are; all others are enabled. */
static bool is_on(struct span name, struct span pattern)
{
	return !span_is(name, "off") && !span_is(pattern, "off");
}

struct plan_table {
	struct route_transform transforms[4];
	struct route_policy_rule policy[4];
	struct route_rule rules[5];
	struct route_table_params params;
};

static void table_of(const struct plan_case *c, struct plan_table *t)
{
	*t = (struct plan_table){ .params = { .local_zone = LOCAL } };
	for (size_t i = 0; i < 4 && c->transforms[i].pattern.at; i++) {
		t->transforms[i] = c->transforms[i];
		t->transforms[i].enabled = is_on(SPAN_NONE, c->transforms[i].pattern);
		t->params.transform_count++;
	}
	for (size_t i = 0; i < 4 && (c->policy[i].action != ROUTE_ALLOW || c->policy[i].name.at); i++) {
		t->policy[i] = c->policy[i];
		t->policy[i].enabled = is_on(c->policy[i].name, SPAN_NONE);
		t->params.policy_count++;
	}
	for (size_t i = 0; i < 5 && c->rules[i].target; i++) {
		t->rules[i] = c->rules[i];
		t->rules[i].enabled = is_on(c->rules[i].name, SPAN_NONE);
		t->params.rule_count++;
	}
	t->params.transforms = t->transforms;
	t->params.policy = t->policy;
	t->params.rules = t->rules;
}

static void plan_text(const struct route_plan *plan, char *text, size_t capacity)
{
	size_t length = 0;
	text[0] = '\0';
	if (plan->rejected)
		snprintf(text, capacity, "reject %u", plan->rejected_status);
	else if (plan->goes_round)
		snprintf(text, capacity, "goes round");
	for (size_t i = 0; i < plan->target_count; i++) {
		const struct route_target *target = &plan->targets[i];
		bool begins = i > 0 && target->group != plan->targets[i - 1].group;
		base_require(i > 0 ? target->group - plan->targets[i - 1].group <= 1 : target->group == 0);
		length += (size_t)snprintf(text + length, capacity - length, "%s%s%d:%.*s", begins ? " |" : "",
			i ? " " : "", target->zone, SPAN_PRINT(target->alias));
	}
}

static void steps_text(const struct route_plan *plan, char *text)
{
	static const char letters[] = { [ROUTE_DID_NOT_MATCH] = 'd',
		[ROUTE_IGNORED_SOURCE] = 's',
		[ROUTE_CONSIDERED] = 'm',
		[ROUTE_TOO_COSTLY] = 'c',
		[ROUTE_IGNORED_DISABLED] = 'o',
		[ROUTE_IGNORED_UNAUTHENTICATED] = 'u',
		[ROUTE_IGNORED_VARIANT] = 'v' };
	size_t length = 0;
	enum route_part part = ROUTE_PART_RULE;
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct route_step *step = &plan->steps[i];
		base_require((step->transform != NULL) == (step->part == ROUTE_PART_TRANSFORM));
		base_require((step->policy != NULL) == (step->part == ROUTE_PART_POLICY));
		base_require((step->rule != NULL) == (step->part == ROUTE_PART_RULE));
		bool again = part == ROUTE_PART_POLICY && step->part == part && step[-1].verdict == ROUTE_CONSIDERED;
		if (step->part != part || again)
			text[length++] = "TPR"[step->part];
		part = step->part;
		text[length++] = letters[step->verdict];
	}
	text[length] = '\0';
}

static void case_run(const struct plan_case *c)
{
	struct plan_table t;
	struct route_table *table;
	struct route_plan plan;
	struct arena arena;
	char text[512], steps[64];
	table_of(c, &t);
	arena_init(&arena, 1 << 20);
	assert_int_equal(route_table_new(&t.params, &table, NULL), 0);
	struct route_request request = { span_of(c->alias), span_of(c->caller), c->source, c->authenticated,
		c->variant };
	assert_int_equal(route_plan_make(table, &request, 0, &arena, &plan), 0);
	plan_text(&plan, text, sizeof(text));
	steps_text(&plan, steps);
	if (strcmp(text, c->plan) != 0 || strcmp(steps, c->steps) != 0)
		fail_msg("%s: got '%s' (%s), wanted '%s' (%s)", c->name, text, steps, c->plan, c->steps);
	route_table_free(table);
	arena_done(&arena);
}

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(RULES); i++)
		case_run(&RULES[i]);
}

static void transforms(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(TRANSFORMS); i++)
		case_run(&TRANSFORMS[i]);
}

static void policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(POLICY); i++)
		case_run(&POLICY[i]);
}

/* Work is counted, not time: that the whole takes less than seconds is only to notice where nothing was counted. */
static void costly_patterns(void **state)
{
	(void)state;
	clock_t before = clock();
	for (size_t i = 0; i < BASE_COUNT(COSTLY); i++)
		case_run(&COSTLY[i]);
	assert_true((clock() - before) / CLOCKS_PER_SEC < 20);
}

/* ---- what no table shows ---- */

static struct route_table *table_new(const struct route_table_params *params)
{
	struct route_table *table;
	assert_int_equal(route_table_new(params, &table, NULL), 0);
	return table;
}

static void what_does_not_compile_is_named(void **state)
{
	static const struct route_transform transform[] = { { PATTERN(REGEX, "a") }, { PATTERN(REGEX, "b(") } };
	static const struct route_policy_rule from[] = { { .from = SPAN("[") } }, to[] = { { .to = SPAN("*") } };
	static const struct route_rule rule[] = { { ANY }, { ALIAS(REGEX, "(unclosed") } };
	static const struct route_rule any[] = { { ANY, PATTERN(REGEX, "(unclosed") } };
	static const struct route_rule variable[] = { { ALIAS(REGEX, "x%nobody%") } };
	static const struct {
		const char *name;
		struct route_table_params params;
		int status;
		struct route_defect defect;
	} cases[] = {
		{ "a transform", { .transforms = transform, .transform_count = 2 }, -EINVAL,
			{ ROUTE_PART_TRANSFORM, 1, 2, "missing closing parenthesis" } },
		{ "from", { .policy = from, .policy_count = 1 }, -EINVAL,
			{ ROUTE_PART_POLICY, 0, 1, "missing terminating ] for character class" } },
		{ "to", { .policy = to, .policy_count = 1 }, -EINVAL,
			{ ROUTE_PART_POLICY, 0, 0, "quantifier does not follow a repeatable item" } },
		{ "a rule", { .rules = rule, .rule_count = 2 }, -EINVAL,
			{ ROUTE_PART_RULE, 1, 9, "missing closing parenthesis" } },
		{ "a pattern that is not asked", { .rules = any, .rule_count = 1 }, 0, { .index = 0 } },
		{ "a variable", { .rules = variable, .rule_count = 1 }, -EINVAL,
			{ ROUTE_PART_RULE, 0, 1, "%nobody%: no such variable, or it has no value on this node" } },
		{ "too many rules", { .rules = rule, .rule_count = ROUTE_RULES_MAXIMUM + 1 }, -E2BIG, { .index = 0 } },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct route_table *table = NULL;
		struct route_defect defect = { .index = 0 };
		int status = route_table_new(&cases[i].params, &table, &defect);
		if (status != cases[i].status || defect.part != cases[i].defect.part ||
			defect.index != cases[i].defect.index || defect.offset != cases[i].defect.offset ||
			strcmp(defect.text, cases[i].defect.text) != 0)
			fail_msg("%s: status %d, part %d, entry %zu, offset %zu: %s", cases[i].name, status,
				(int)defect.part, defect.index, defect.offset, defect.text);
		assert_true((table != NULL) == (status == 0));
		route_table_free(table);
	}
}

/* What a stranger sends may not become an error of ours. */
static void an_alias_that_grows_too_long_does_not_match(void **state)
{
	static const struct route_rule rule[] = {
		{ .enabled = true, .target = 1, ALIAS(REGEX, "(.*)@(.*)"), REPLACE("\\1\\1@\\2") },
		{ .enabled = true, .target = 2, ALIAS(SUFFIX, "@b"), REPLACE("@a.much.longer.domain.example") },
	};
	struct route_table *table = table_new(&(struct route_table_params){ .rules = rule, .rule_count = 2 });
	struct route_plan plan;
	struct arena arena;
	char alias[2040];
	(void)state;
	memset(alias, 'a', sizeof(alias));
	memcpy(alias + sizeof(alias) - 2, "@b", 2);
	arena_init(&arena, 1 << 20);
	struct route_request request = { .alias = span_make(alias, sizeof(alias)) };
	assert_int_equal(route_plan_make(table, &request, 0, &arena, &plan), 0);
	assert_int_equal(plan.target_count, 0);
	assert_int_equal(plan.steps[0].verdict, ROUTE_TOO_COSTLY);
	assert_int_equal(plan.steps[1].verdict, ROUTE_TOO_COSTLY);
	route_table_free(table);
	arena_done(&arena);
}

static void an_alias_that_came_too_long_fits_no_pattern(void **state)
{
	static const struct route_rule rule[] = { { .enabled = true, .target = 1, ALIAS(PREFIX, "a") },
		{ .enabled = true, .target = 2, ANY } };
	struct route_table *table = table_new(&(struct route_table_params){ .rules = rule, .rule_count = 2 });
	struct route_plan plan;
	struct arena arena;
	char alias[4000];
	(void)state;
	memset(alias, 'a', sizeof(alias));
	arena_init(&arena, 1 << 20);
	struct route_request request = { .alias = span_make(alias, sizeof(alias)) };
	assert_int_equal(route_plan_make(table, &request, 0, &arena, &plan), 0);
	assert_int_equal(plan.steps[0].verdict, ROUTE_TOO_COSTLY);
	assert_int_equal(plan.target_count, 1);
	route_table_free(table);
	arena_done(&arena);
}

/* What a target's redirection had behind it counts with those of the policy. */
static void restarts_of_before_count(void **state)
{
	static const struct route_policy_rule policy[] = { { .enabled = true, .to = SPAN("a"), REDIRECT("b") } };
	static const struct route_rule rule[] = { { .enabled = true, .target = 1 } };
	struct route_table *table = table_new(
		&(struct route_table_params){ .policy = policy, .policy_count = 1, .rules = rule, .rule_count = 1 });
	static const struct {
		uint32_t before, followed;
		bool goes_round;
	} cases[] = { { 0, 1, false }, { ROUTE_RESTARTS_MAXIMUM - 1, 1, false }, { ROUTE_RESTARTS_MAXIMUM, 0, true },
		{ ROUTE_RESTARTS_MAXIMUM + 1, 0, true } };
	struct arena arena;
	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct route_plan plan;
		struct route_request request = { .alias = SPAN("a") };
		assert_int_equal(route_plan_make(table, &request, cases[i].before, &arena, &plan), 0);
		if (plan.goes_round != cases[i].goes_round || plan.restarts != cases[i].followed ||
			plan.target_count != !cases[i].goes_round)
			fail_msg("after %u: followed %u, goes round %d, %zu targets", cases[i].before, plan.restarts,
				plan.goes_round, plan.target_count);
	}
	route_table_free(table);
	arena_done(&arena);
}

static void a_plan_has_its_bounds(void **state)
{
	static struct route_rule many[ROUTE_RULES_MAXIMUM];
	static struct route_policy_rule policy[ROUTE_POLICY_MAXIMUM];
	struct route_plan plan;
	struct arena arena;
	(void)state;
	for (size_t i = 0; i < ROUTE_RULES_MAXIMUM; i++)
		many[i] = (struct route_rule){ .enabled = true, .target = (int)i };
	for (size_t i = 0; i < ROUTE_POLICY_MAXIMUM; i++)
		policy[i] = (struct route_policy_rule){ .enabled = true, .to = SPAN("x"), REJECT(403) };
	policy[ROUTE_POLICY_MAXIMUM - 1] =
		(struct route_policy_rule){ .enabled = true, .to = SPAN("(b?)"), REDIRECT("b\\1") };
	struct route_table *table = table_new(&(struct route_table_params){ .policy = policy,
		.policy_count = ROUTE_POLICY_MAXIMUM,
		.rules = many,
		.rule_count = ROUTE_RULES_MAXIMUM });
	arena_init(&arena, 1 << 20);
	struct route_request request = { .alias = SPAN("b") };
	assert_int_equal(route_plan_make(table, &request, 0, &arena, &plan), 0);
	assert_int_equal(plan.target_count, ROUTE_TARGETS_MAXIMUM);
	assert_int_equal(plan.targets_dropped, ROUTE_RULES_MAXIMUM - ROUTE_TARGETS_MAXIMUM);
	assert_int_equal(plan.step_count, ROUTE_STEPS_MAXIMUM);
	assert_int_equal(plan.steps_dropped, 2 * ROUTE_POLICY_MAXIMUM + ROUTE_RULES_MAXIMUM - ROUTE_STEPS_MAXIMUM);
	route_table_free(table);
	arena_done(&arena);
}

static void a_full_arena_is_an_error(void **state)
{
	static const struct route_rule rule[] = {
		{ .enabled = true, .target = 1, ALIAS(PREFIX, "a"), REPLACE("b") },
		{ .enabled = true, .target = 2, ALIAS(REGEX, "(a).*"), REPLACE("\\1") },
	};
	struct route_table *table = table_new(&(struct route_table_params){ .rules = rule, .rule_count = 2 });
	bool made = false;
	(void)state;
	for (size_t maximum = 16; !made; maximum += 16) {
		struct route_plan plan;
		struct arena arena;
		arena_init(&arena, maximum);
		struct route_request request = { .alias = SPAN("a@b") };
		int status = route_plan_make(table, &request, 0, &arena, &plan);
		made = status == 0;
		assert_true(made || status == -ENOMEM);
		assert_true(!made || plan.target_count == 2);
		arena_done(&arena);
		assert_true(maximum < 16384);
	}
	route_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(transforms),
		cmocka_unit_test(policies),
		cmocka_unit_test(costly_patterns),
		cmocka_unit_test(what_does_not_compile_is_named),
		cmocka_unit_test(an_alias_that_grows_too_long_does_not_match),
		cmocka_unit_test(an_alias_that_came_too_long_fits_no_pattern),
		cmocka_unit_test(restarts_of_before_count),
		cmocka_unit_test(a_plan_has_its_bounds),
		cmocka_unit_test(a_full_arena_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
