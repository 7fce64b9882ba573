/* SPDX-License-Identifier: Apache-2.0 */
/* From facts to verdict, answer, findings and matrix. Columns of the matrix: SRV, domain rule, address, TCP, TLS,
 * chain, name, dates, usage, OPTIONS. */
#include "unit/check/world.h"

struct expectation {
	const char *name;
	struct world world;
	enum check_verdict verdict;
	const char *answer; /* "": accepted */
	uint16_t id; /* ms-diagnostics of the answer */
	const char *codes;
	const char *cells;
	enum check_verdict from; /* calls from the domain */
};

#define HEALTHY "+++++++++."
#define TWO_EDGES                                                                                                      \
	.targets = { EDGE, EDGE_2 },                                                                                   \
	.hosts = { { .name = EDGE, .addresses = { ADDRESS_1 } }, { .name = EDGE_2, .addresses = { ADDRESS_2 } } }
#define SHOWS(...) .servers = { { .address = ADDRESS_1, .shown = { __VA_ARGS__ } } }

static const struct expectation microsoft[] = {
	{ "healthy", { .why = NULL }, CHECK_PASS, "", 0, "", HEALTHY, CHECK_PASS },
	{ "no domain name", { .typed = "a b" }, CHECK_FAIL, "domain-malformed", 0, "error:domain-malformed",
		"x.........", CHECK_FAIL },

	/* the SRV record */
	{ "no record", { .srv = TRUST_LOOKUP_NXDOMAIN }, CHECK_FAIL, "srv-missing", 1008, "error:srv-missing",
		"x.........", CHECK_FAIL },
	{ "no record of this type", { .srv = TRUST_LOOKUP_NODATA }, CHECK_FAIL, "srv-missing", 1008,
		"error:srv-missing", "x.........", CHECK_FAIL },
	{ "the name server fails", { .srv = TRUST_LOOKUP_SERVFAIL }, CHECK_UNKNOWN, "srv-lookup-failed", 1008,
		"error:srv-lookup-failed", "?.........", CHECK_UNKNOWN },
	{ "nobody answers", { .srv = TRUST_LOOKUP_TIMEOUT }, CHECK_UNKNOWN, "srv-lookup-failed", 1008,
		"error:srv-lookup-failed", "?.........", CHECK_UNKNOWN },
	{ "a forged answer", { .srv = TRUST_LOOKUP_BOGUS, .why = "signature expired" }, CHECK_UNKNOWN,
		"srv-lookup-failed", 1008, "error:srv-lookup-failed", "?.........", CHECK_UNKNOWN },
	{ "decidedly no service", { .targets = { "." } }, CHECK_FAIL, "srv-declined", 1008, "error:srv-declined",
		"x.........", CHECK_FAIL },

	/* the domain rule: facts of the target are shown all the same, its certificate is not judged */
	{ "another domain", { .targets = { "vcse.b.example" } }, CHECK_FAIL, "srv-target-outside-domain", 1009,
		"error:srv-target-outside-domain", "+x++++.++.", CHECK_FAIL },
	{ "another domain, and nobody there",
		{ .targets = { "vcse.b.example" },
			.servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_FAIL, "srv-target-outside-domain", 1009, "error:srv-target-outside-domain error:connect-refused",
		"+x+x......", CHECK_FAIL },
	{ "the domain itself", { .targets = { DOMAIN } }, CHECK_FAIL, "srv-target-is-domain", 1009,
		"error:srv-target-is-domain", "+x++++.++.", CHECK_FAIL },
	{ "one target of two outside", { .targets = { EDGE, "vcse.b.example" } }, CHECK_WARN, "", 0,
		"warning:srv-target-partly-outside", HEALTHY " +!++++.++.", CHECK_WARN },
	{ "one outside, where nobody listens: no concern of callers",
		{ .targets = { EDGE, "vcse.b.example" },
			.hosts = { { .name = EDGE, .addresses = { ADDRESS_1 } },
				{ .name = "vcse.b.example", .addresses = { ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_2, .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_WARN, "", 0, "warning:srv-target-partly-outside", HEALTHY " +!+x......", CHECK_WARN },
	{ "another port", { .targets = { EDGE ":5062" } }, CHECK_WARN, "", 0, "warning:srv-port-unusual", "!++++++++.",
		CHECK_WARN },

	/* addresses */
	{ "no address", { .hosts = { { .name = EDGE } } }, CHECK_FAIL, "address-missing", 1014, "error:address-missing",
		"++x.......", CHECK_UNKNOWN },
	{ "addresses unknown", { .hosts = { { .name = EDGE, .a = TRUST_LOOKUP_SERVFAIL } } }, CHECK_UNKNOWN,
		"address-lookup-failed", 1014, "error:address-lookup-failed", "++?.......", CHECK_UNKNOWN },
	{ "a private address", { .hosts = { { .name = EDGE, .addresses = { "10.1.2.3" } } } }, CHECK_WARN, "", 0,
		"warning:address-private", "++!++++++.", CHECK_PASS },
	{ "an alias", { .hosts = { { .name = EDGE, .addresses = { ADDRESS_1 }, .alias = "b.example" } } }, CHECK_WARN,
		"", 0, "warning:srv-target-is-alias", "++!++++++.", CHECK_PASS },

	/* connections */
	{ "nobody listens", { .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_REFUSED } } }, CHECK_FAIL,
		"connect-refused", 1046, "error:connect-refused", "+++x......", CHECK_UNKNOWN },
	{ "nobody answers TCP", { .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_TIMEOUT } } },
		CHECK_FAIL, "connect-timeout", 1046, "error:connect-timeout", "+++x......", CHECK_UNKNOWN },
	{ "no route from here", { .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_UNREACHABLE } } },
		CHECK_UNKNOWN, "connect-unreachable", 1046, "error:connect-unreachable", "+++?......", CHECK_UNKNOWN },
	{ "no IPv6 here: not the domain's fault",
		{ .hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_6 } } },
			.servers = { { .address = ADDRESS_6, .connect = TRUST_CONNECT_UNREACHABLE } } },
		CHECK_PASS, "", 0, "note:connect-unreachable", HEALTHY " +++?......", CHECK_PASS },
	{ "one address of two is dead",
		{ .hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_TIMEOUT } } },
		CHECK_WARN, "", 0, "warning:connect-timeout", "+++x...... " HEALTHY, CHECK_PASS },
	{ "one is dead, the other cannot be reached from here",
		{ .hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_6 } } },
			.servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_TIMEOUT },
				{ .address = ADDRESS_6, .connect = TRUST_CONNECT_UNREACHABLE } } },
		CHECK_UNKNOWN, "connect-unreachable", 1046, "error:connect-timeout error:connect-unreachable",
		"+++x...... +++?......", CHECK_UNKNOWN },

	/* TLS */
	{ "no TLS there",
		{ .servers = { { .address = ADDRESS_1,
			  .handshake = TRUST_HANDSHAKE_NOT_TLS,
			  .shown = { .none = true } } } },
		CHECK_FAIL, "tls-handshake-failed", 1047, "error:tls-handshake-failed", "++++x.....", CHECK_UNKNOWN },
	{ "our certificate refused, TLS 1.2",
		{ .servers = { { .address = ADDRESS_1,
			  .handshake = TRUST_HANDSHAKE_ALERT_RECEIVED,
			  .alert = 48,
			  .asked = true,
			  .sent = true,
			  .reaction = PEER_REACTION_REFUSED } } },
		CHECK_FAIL, "certificate-refused-by-partner", 1047, "error:certificate-refused-by-partner",
		"++++x++++.", CHECK_PASS },
	{ "our certificate refused, TLS 1.3",
		{ .servers = { { .address = ADDRESS_1,
			  .alert = 48,
			  .asked = true,
			  .sent = true,
			  .reaction = PEER_REACTION_REFUSED } } },
		CHECK_FAIL, "certificate-refused-by-partner", 1047, "error:certificate-refused-by-partner",
		"++++x++++.", CHECK_PASS },
	{ "cut when it saw our certificate",
		{ .servers = { { .address = ADDRESS_1, .asked = true, .sent = true, .reaction = PEER_REACTION_CUT } } },
		CHECK_FAIL, "tls-reset", 1047, "error:tls-reset", "++++x++++.", CHECK_PASS },
	{ "a certificate is wanted, we have none, it goes on",
		{ .servers = { { .address = ADDRESS_1, .asked = true, .reaction = PEER_REACTION_NONE_ACCEPTED } } },
		CHECK_PASS, "", 0, "note:client-certificate-wanted", HEALTHY, CHECK_PASS },
	{ "a certificate is wanted, we have none, alert",
		{ .servers = { { .address = ADDRESS_1,
			  .handshake = TRUST_HANDSHAKE_ALERT_RECEIVED,
			  .alert = 40,
			  .asked = true,
			  .reaction = PEER_REACTION_NONE_REFUSED } } },
		CHECK_PASS, "", 0, "note:client-certificate-wanted", HEALTHY, CHECK_PASS },
	{ "a certificate is wanted, we have none, cut",
		{ .servers = { { .address = ADDRESS_1,
			  .handshake = TRUST_HANDSHAKE_RESET,
			  .asked = true,
			  .reaction = PEER_REACTION_CUT } } },
		CHECK_PASS, "", 0, "note:client-certificate-wanted", HEALTHY, CHECK_PASS },
	{ "a certificate is wanted, and its own is past its date",
		{ .servers = { { .address = ADDRESS_1,
			  .handshake = TRUST_HANDSHAKE_ALERT_RECEIVED,
			  .alert = 116,
			  .asked = true,
			  .reaction = PEER_REACTION_NONE_REFUSED,
			  .shown = { .days = -1 } } } },
		CHECK_FAIL, "certificate-expired", 1010, "error:certificate-expired note:client-certificate-wanted",
		"+++++++x+.", CHECK_FAIL },
	{ "TLS 1.0 still taken", { .servers = { { .address = ADDRESS_1, .old_tls = true } } }, CHECK_WARN, "", 0,
		"warning:tls-version-old", HEALTHY, CHECK_PASS },

	/* certificates */
	{ "name missing", { SHOWS(.cn = "x.example", .names = { "x.example" }) }, CHECK_FAIL,
		"certificate-name-mismatch", 1010, "error:certificate-name-mismatch", "++++++x++.", CHECK_FAIL },
	{ "CN only", { SHOWS(.without_names = true) }, CHECK_PASS, "", 0, "", HEALTHY, CHECK_PASS },
	{ "CN ignored", { SHOWS(.names = { "x.example" }) }, CHECK_FAIL, "certificate-cn-ignored", 1010,
		"error:certificate-cn-ignored", "++++++x++.", CHECK_FAIL },
	{ "wildcard", { SHOWS(.cn = "*.a.example", .names = { "*.a.example" }) }, CHECK_FAIL,
		"certificate-wildcard-only", 1010, "error:certificate-wildcard-only", "++++++x++.", CHECK_FAIL },
	{ "untrusted", { SHOWS(.status = TRUST_CHAIN_UNTRUSTED) }, CHECK_FAIL, "certificate-untrusted", 1010,
		"error:certificate-untrusted", "+++++x+++.", CHECK_FAIL },
	{ "chain incomplete", { SHOWS(.status = TRUST_CHAIN_INCOMPLETE) }, CHECK_FAIL, "certificate-chain-incomplete",
		1010, "error:certificate-chain-incomplete", "+++++x+++.", CHECK_FAIL },
	{ "private authority", { SHOWS(.private_authority = true) }, CHECK_PASS, "", 0,
		"note:certificate-private-authority", HEALTHY, CHECK_PASS },
	{ "expired and without the name", { SHOWS(.days = -3, .names = { "x.example" }, .cn = "x.example") },
		CHECK_FAIL, "certificate-expired", 1010, "error:certificate-expired error:certificate-name-mismatch",
		"++++++xx+.", CHECK_FAIL },
	{ "expires soon", { SHOWS(.days = 20) }, CHECK_WARN, "", 0, "warning:certificate-expires-soon", "+++++++!+.",
		CHECK_WARN },
	{ "for servers only", { SHOWS(.usage = TRUST_USAGE_SERVER) }, CHECK_WARN, "", 0,
		"warning:certificate-no-client-usage", "++++++++!.", CHECK_WARN },
	{ "for clients only: may call, may not be called", { SHOWS(.usage = TRUST_USAGE_CLIENT) }, CHECK_FAIL,
		"certificate-no-server-usage", 1010, "error:certificate-no-server-usage", "++++++++x.", CHECK_PASS },
	{ "a short key", { SHOWS(.key_bits = 1024) }, CHECK_WARN, "", 0, "warning:certificate-weak", "+++++!+++.",
		CHECK_WARN },

	/* several servers: the answer is what an edge tells after it has tried all of them, the earliest stage */
	{ "the first is right, the second lacks the name", { TWO_EDGES }, CHECK_WARN, "", 0,
		"warning:certificate-name-mismatch", HEALTHY " ++++++x++.", CHECK_PASS },
	/* what the second server shows names the first: good enough for a caller (R4) */
	{ "one lacks the name, the other has no address: the earlier stage",
		{ .targets = { EDGE_2, EDGE },
			.hosts = { { .name = EDGE_2, .addresses = { ADDRESS_2 } }, { .name = EDGE } } },
		CHECK_FAIL, "address-missing", 1014, "error:certificate-name-mismatch error:address-missing",
		"++++++x++. ++x.......", CHECK_PASS },
	{ "one refuses TCP, the other fails in TLS",
		{ TWO_EDGES, .servers = { { .address = ADDRESS_1,
						  .handshake = TRUST_HANDSHAKE_FAILED,
						  .shown = { .none = true } },
				     { .address = ADDRESS_2, .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_FAIL, "connect-refused", 1046, "error:tls-handshake-failed error:connect-refused",
		"++++x..... +++x......", CHECK_UNKNOWN },
	{ "two faults of one stage: the first that is tried",
		{ TWO_EDGES, .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_TIMEOUT },
				     { .address = ADDRESS_2, .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_FAIL, "connect-timeout", 1046, "error:connect-timeout error:connect-refused",
		"+++x...... +++x......", CHECK_UNKNOWN },
	{ "two addresses with the same fault: said once",
		{ .hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_1, .shown = { .days = -1 } },
				{ .address = ADDRESS_2, .shown = { .days = -1 } } } },
		CHECK_FAIL, "certificate-expired", 1010, "error:certificate-expired", "+++++++x+. +++++++x+.",
		CHECK_FAIL },
	{ "one server wrong, of the other the address is unknown",
		{ .targets = { EDGE, EDGE_2 },
			.hosts = { { .name = EDGE, .addresses = { ADDRESS_1 } },
				{ .name = EDGE_2, .a = TRUST_LOOKUP_TIMEOUT } },
			.servers = { { .address = ADDRESS_1, .shown = { .days = -1 } } } },
		CHECK_UNKNOWN, "address-lookup-failed", 1014, "error:certificate-expired error:address-lookup-failed",
		"+++++++x+. ++?.......", CHECK_FAIL },

	/* what was not looked at */
	{ "asked for DNS only", { .not_connected = true }, CHECK_PASS, "", 0, "note:connection-not-tried", "+++.......",
		CHECK_UNKNOWN },
	{ "DNS and a planned certificate without the name",
		{ .not_connected = true,
			.servers = { { .address = ADDRESS_1,
				.planned = true,
				.shown = { .cn = "x.example", .names = { "x.example" } } } } },
		CHECK_FAIL, "certificate-name-mismatch", 1010,
		"error:certificate-name-mismatch note:connection-not-tried", "+++..+x++.", CHECK_FAIL },
	{ "a planned certificate for a server that is not there yet",
		{ .servers = { { .address = ADDRESS_1, .planned = true, .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_FAIL, "connect-refused", 1046, "error:connect-refused", "+++x.++++.", CHECK_PASS },
	{ "the time was over", { .deadline_passed = true, .servers = { { .address = ADDRESS_1, .not_tried = true } } },
		CHECK_UNKNOWN, "examination-cut", 0, "error:examination-cut", "+++?......", CHECK_UNKNOWN },
	{ "the time was over, but one address was good",
		{ .deadline_passed = true,
			.hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_2, .not_tried = true } } },
		CHECK_PASS, "", 0, "note:examination-cut", HEALTHY " +++?......", CHECK_PASS },
	{ "more addresses than are tried, one good",
		{ .attempts_cut = true,
			.hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_2, .untried = true } } },
		CHECK_WARN, "", 0, "warning:addresses-cut", HEALTHY " +++?......", CHECK_PASS },
	{ "more addresses than are tried, none good",
		{ .attempts_cut = true,
			.hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_REFUSED },
				{ .address = ADDRESS_2, .untried = true } } },
		CHECK_UNKNOWN, "examination-cut", 0,
		"error:connect-refused warning:addresses-cut error:examination-cut", "+++x...... +++?......",
		CHECK_UNKNOWN },

	/* OPTIONS */
	{ "OPTIONS answered", { .servers = { { .address = ADDRESS_1, .options = { true, 200, NULL } } } }, CHECK_PASS,
		"", 0, "", "++++++++++", CHECK_PASS },
	{ "OPTIONS unanswered", { .servers = { { .address = ADDRESS_1, .options = { true, 0, NULL } } } }, CHECK_WARN,
		"", 0, "warning:options-unanswered", "+++++++++!", CHECK_PASS },
	{ "OPTIONS of nobody refused", { .servers = { { .address = ADDRESS_1, .options = { true, 504, NULL } } } },
		CHECK_PASS, "", 0, "note:options-refused", "++++++++++", CHECK_PASS },
	{ "OPTIONS of ours refused",
		{ .probe_from = "sip:2000@steven.lab",
			.servers = { { .address = ADDRESS_1, .options = { true, 403, NULL } } } },
		CHECK_WARN, "", 0, "warning:options-refused", "+++++++++!", CHECK_PASS },
};

#define EXPECT(right, ...)                                                                                             \
	do {                                                                                                           \
		if (!(right)) {                                                                                        \
			print_error("%s: ", e->name);                                                                  \
			print_error(__VA_ARGS__);                                                                      \
			print_error("\n");                                                                             \
			good = false;                                                                                  \
		}                                                                                                      \
	} while (0)

static const char *verdict_of(enum check_verdict verdict)
{
	return check_verdict_name(verdict);
}

static bool report_fits(const struct check_report *report, const struct expectation *e)
{
	bool good = true;
	char text[1024];
	const struct finding_entry *answer = report->answer ? finding_entry(report->answer->code) : NULL;
	world_codes(&report->findings, text, sizeof(text));
	EXPECT(strcmp(text, e->codes) == 0, "findings are \"%s\", not \"%s\"", text, e->codes);
	world_cells(report, text, sizeof(text));
	EXPECT(strcmp(text, e->cells) == 0, "the matrix is \"%s\", not \"%s\"", text, e->cells);
	EXPECT(report->verdict == e->verdict, "the verdict is %s, not %s", verdict_of(report->verdict),
		verdict_of(e->verdict));
	EXPECT(strcmp(answer ? answer->code : "", e->answer) == 0, "the answer is \"%s\", not \"%s\"",
		answer ? answer->code : "", e->answer);
	EXPECT(!answer || answer->microsoft.id == e->id, "ms-diagnostics %u, not %u", (unsigned)answer->microsoft.id,
		(unsigned)e->id);
	EXPECT(report->from.verdict == e->from, "calls from the domain: %s, not %s", verdict_of(report->from.verdict),
		verdict_of(e->from));
	return good;
}

static bool judge_one(const struct check_bench *bench, enum trust_policy_kind kind, const struct expectation *e)
{
	struct check_facts *facts = world_facts(&e->world);
	struct check_report report;
	check_judge(bench, kind, facts, &report);
	bool good = report_fits(&report, e);
	check_report_free(&report);
	check_facts_free(facts);
	return good;
}

static void judge_all(enum trust_policy_kind kind, const struct expectation *cases, size_t count)
{
	static const struct check_options options;
	struct check_bench bench;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++)
		wrong += !judge_one(&bench, kind, &cases[i]);
	arena_done(&arena);
	assert_int_equal(wrong, 0);
}

static void as_microsoft(void **state)
{
	(void)state;
	judge_all(TRUST_POLICY_MICROSOFT, microsoft, BASE_COUNT(microsoft));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_microsoft),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
