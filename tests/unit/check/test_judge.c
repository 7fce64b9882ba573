/* SPDX-License-Identifier: Apache-2.0 */
/* From facts to verdict, answer, findings and matrix. Columns of the matrix: SRV, domain rule, address, TCP, TLS,
 * chain, name, dates, usage, OPTIONS. */
#include "config/node.h"
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
	{ "a hosting provider that everybody knows",
		{ .targets = { "sipfed.online.lync.com" },
			.hosts = { { .name = "sipfed.online.lync.com", .addresses = { ADDRESS_1 } } },
			SHOWS(.cn = "sipfed.online.lync.com", .names = { "sipfed.online.lync.com" }) },
		CHECK_PASS, "", 0, "", HEALTHY, CHECK_PASS },
	{ "one that only sounds like it", { .targets = { "sipfed.online.lync.com.b.example" } }, CHECK_FAIL,
		"srv-target-outside-domain", 1009, "error:srv-target-outside-domain", "+x++++.++.", CHECK_FAIL },
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
	{ "the known address is dead, IPv4 ones could not be asked for",
		{ .hosts = { { .name = EDGE, .addresses = { "2001:db8::1" }, .a = TRUST_LOOKUP_SERVFAIL } },
			.servers = { { .address = "2001:db8::1", .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_UNKNOWN, "address-lookup-partly-failed", 0,
		"error:address-lookup-partly-failed error:connect-refused", "++!x......", CHECK_UNKNOWN },
	{ "the known address is dead, IPv6 ones could not be asked for",
		{ .hosts = { { .name = EDGE, .addresses = { ADDRESS_1 }, .aaaa = TRUST_LOOKUP_SERVFAIL } },
			.servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_REFUSED } } },
		CHECK_FAIL, "connect-refused", 1046, "warning:address-lookup-partly-failed error:connect-refused",
		"++!x......", CHECK_UNKNOWN },
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
		"warning:tls-version-old", "++++!++++.", CHECK_PASS },

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
	{ "a planned certificate for a server without an address", { .hosts = { { .name = EDGE, .planned = true } } },
		CHECK_FAIL, "address-missing", 1014, "error:address-missing", "++x..++++.", CHECK_PASS },
	{ "what does not validate is no concern of this rule book",
		{ .bogus = true, .hosts = { { .name = EDGE, .addresses = { ADDRESS_1 }, .bogus = true } } }, CHECK_PASS,
		"", 0, "", HEALTHY, CHECK_PASS },
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

	{ "more SRV records than are kept, a good one among them", { .srv_cut = true }, CHECK_WARN, "", 0,
		"warning:srv-records-cut", "!++++++++.", CHECK_WARN },
	{ "more SRV records than are kept, none in the domain", { .targets = { "vcse.b.example" }, .srv_cut = true },
		CHECK_UNKNOWN, "examination-cut", 0, "warning:srv-records-cut error:examination-cut", "!x++++.++.",
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

/* ---- other rule books ---- */

#define BOTH_NAMES .cn = EDGE, .names = { EDGE, DOMAIN }
static const struct expectation rfc5922[] = {
	{ "a certificate for both worlds", { SHOWS(BOTH_NAMES) }, CHECK_PASS, "", 0, "", "+.+++++++.", CHECK_PASS },
	{ "the host name alone", { .why = NULL }, CHECK_FAIL, "certificate-domain-mismatch", 0,
		"error:certificate-domain-mismatch", "+.++++x++.", CHECK_FAIL },
	{ "any target", { .targets = { "edge.b.example" }, SHOWS(BOTH_NAMES) }, CHECK_PASS, "", 0, "", "+.+++++++.",
		CHECK_PASS },
	{ "no record", { .srv = TRUST_LOOKUP_NXDOMAIN }, CHECK_FAIL, "srv-missing", 1008, "error:srv-missing",
		"x.........", CHECK_FAIL },
};

#define KEY "0123456789abcdef0123456789abcdef"
#define TLSA(...) .hosts = { { .name = EDGE, .addresses = { ADDRESS_1 }, __VA_ARGS__ } }
/* TLSA vouches for the server only: who calls is judged by RFC 5922. */
static const struct expectation dane[] = {
	{ "a record vouches for the key: nothing else counts",
		{ TLSA(.digest = KEY), SHOWS(.key_sha256 = KEY, .days = -3, .status = TRUST_CHAIN_SELF_SIGNED) },
		CHECK_PASS, "", 0, "", "+.++++....", CHECK_FAIL },
	{ "another key", { TLSA(.digest = "x"), SHOWS(.key_sha256 = KEY, BOTH_NAMES) }, CHECK_FAIL, "tlsa-mismatch", 0,
		"error:tlsa-mismatch", "+.+++x....", CHECK_PASS },
	{ "no record", { TLSA(.tlsa = TRUST_LOOKUP_NXDOMAIN), SHOWS(BOTH_NAMES) }, CHECK_FAIL, "tlsa-missing", 0,
		"error:tlsa-missing", "+.+++x....", CHECK_PASS },
	{ "a forged record", { TLSA(.tlsa = TRUST_LOOKUP_BOGUS, .why = "signature expired"), SHOWS(BOTH_NAMES) },
		CHECK_UNKNOWN, "tlsa-lookup-failed", 0, "error:tlsa-lookup-failed", "+.+++?....", CHECK_PASS },
	{ "not asked for: facts that were saved for another rule book", { SHOWS(BOTH_NAMES) }, CHECK_UNKNOWN,
		"tlsa-lookup-failed", 0, "error:tlsa-lookup-failed", "+.+++?....", CHECK_PASS },
	{ "the record of another port", { TLSA(.digest = KEY, .port = 5062), SHOWS(.key_sha256 = KEY, BOTH_NAMES) },
		CHECK_UNKNOWN, "tlsa-lookup-failed", 0, "error:tlsa-lookup-failed", "+.+++?....", CHECK_PASS },
	{ "not signed", { TLSA(.digest = KEY, .unsigned_ = true), SHOWS(.key_sha256 = KEY, BOTH_NAMES) }, CHECK_FAIL,
		"tlsa-insecure", 0, "error:tlsa-insecure", "+.+++x....", CHECK_PASS },
	{ "the SRV record is not signed",
		{ .unsigned_ = true, TLSA(.digest = KEY), SHOWS(.key_sha256 = KEY, BOTH_NAMES) }, CHECK_FAIL,
		"tlsa-insecure", 0, "error:tlsa-insecure", "+.+++x....", CHECK_PASS },
	{ "DNS only: a record is there", { .not_connected = true, TLSA(.digest = KEY) }, CHECK_PASS, "", 0,
		"note:connection-not-tried", "+.+.......", CHECK_UNKNOWN },
	{ "DNS only: there is none", { .not_connected = true, TLSA(.tlsa = TRUST_LOOKUP_NXDOMAIN) }, CHECK_FAIL,
		"tlsa-missing", 0, "error:tlsa-missing note:connection-not-tried", "+.+..x....", CHECK_UNKNOWN },
	{ "DNS only: not signed", { .not_connected = true, .unsigned_ = true, TLSA(.digest = KEY) }, CHECK_FAIL,
		"tlsa-insecure", 0, "error:tlsa-insecure note:connection-not-tried", "+.+..x....", CHECK_UNKNOWN },
	{ "the SRV record does not validate", { .bogus = true, TLSA(.digest = KEY), SHOWS(.key_sha256 = KEY) },
		CHECK_UNKNOWN, "srv-lookup-failed", 1008, "error:srv-lookup-failed", "?.........", CHECK_UNKNOWN },
	{ "the address does not validate", { TLSA(.digest = KEY, .bogus = true), SHOWS(.key_sha256 = KEY) },
		CHECK_UNKNOWN, "address-lookup-failed", 1014, "error:address-lookup-failed", "+.?.......",
		CHECK_UNKNOWN },
	{ "this side cannot validate: no word about the domain",
		{ .not_validated = "no trust anchor",
			.unsigned_ = true,
			TLSA(.digest = KEY, .unsigned_ = true),
			SHOWS(.key_sha256 = KEY, BOTH_NAMES) },
		CHECK_UNKNOWN, "tlsa-lookup-failed", 0, "error:tlsa-lookup-failed", "+.+++?....", CHECK_PASS },
};

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

static void as_rfc5922(void **state)
{
	(void)state;
	judge_all(TRUST_POLICY_RFC5922, rfc5922, BASE_COUNT(rfc5922));
}

static void as_dane(void **state)
{
	(void)state;
	judge_all(TRUST_POLICY_DANE, dane, BASE_COUNT(dane));
}

/* ---- with a node's configuration: the lab, from the Edge's point of view ---- */

/* Every scenario of the lab in which our side is at fault, as the Edge sees our domain: what a stranger reports, and
 * what `-c` with the Edge's configuration reports (it demands clientAuth of callers). `to` is the lab's inbound call
 * (the Edge calls us), `from` its outbound one. Where no server of ours can be reached the Edge lets us in all the
 * same; an examination cannot see the certificate then, so `from` stays open. */
static const struct {
	const char *name;
	struct world world;
	bool blocked;
	enum check_verdict stranger;
	const char *stranger_answer;
	enum check_verdict node, to, from;
	const char *answer;
	uint16_t status, id;
} lab[] = {
	{ "healthy", { .why = NULL }, false, CHECK_PASS, "", CHECK_PASS, CHECK_PASS, CHECK_PASS, "", 0, 0 },
	{ "srv-other-domain", { .targets = { "vcse.b.example" } }, false, CHECK_FAIL, "srv-target-outside-domain",
		CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "srv-target-outside-domain", 504, 1009 },
	{ "srv-subdomain", { .targets = { "vcse.sub.a.example" } }, false, CHECK_FAIL, "srv-target-outside-domain",
		CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "srv-target-outside-domain", 504, 1009 },
	{ "cert-name-missing", { SHOWS(.cn = "vcse.b.example", .names = { "vcse.b.example" }) }, false, CHECK_FAIL,
		"certificate-name-mismatch", CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "certificate-name-mismatch", 504,
		1010 },
	{ "cert-cn-only", { SHOWS(.without_names = true) }, false, CHECK_PASS, "", CHECK_PASS, CHECK_PASS, CHECK_PASS,
		"", 0, 0 },
	{ "cert-cn-ignored", { SHOWS(.names = { "vcse.b.example" }) }, false, CHECK_FAIL, "certificate-cn-ignored",
		CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "certificate-cn-ignored", 504, 1010 },
	{ "cert-wildcard", { SHOWS(.cn = "*.a.example", .names = { "*.a.example" }) }, false, CHECK_FAIL,
		"certificate-wildcard-only", CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "certificate-wildcard-only", 504,
		1010 },
	{ "cert-untrusted", { SHOWS(.status = TRUST_CHAIN_UNTRUSTED) }, false, CHECK_FAIL, "certificate-untrusted",
		CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "certificate-untrusted", 504, 1010 },
	{ "cert-chain-incomplete", { SHOWS(.status = TRUST_CHAIN_INCOMPLETE) }, false, CHECK_FAIL,
		"certificate-chain-incomplete", CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "certificate-chain-incomplete", 504,
		1010 },
	{ "cert-expired", { SHOWS(.days = -1) }, false, CHECK_FAIL, "certificate-expired", CHECK_FAIL, CHECK_FAIL,
		CHECK_FAIL, "certificate-expired", 504, 1010 },
	{ "cert-server-usage-only", { SHOWS(.usage = TRUST_USAGE_SERVER) }, false, CHECK_WARN, "", CHECK_FAIL,
		CHECK_WARN, CHECK_FAIL, "certificate-no-client-usage", 504, 1010 },
	{ "srv-missing", { .srv = TRUST_LOOKUP_NXDOMAIN }, false, CHECK_FAIL, "srv-missing", CHECK_FAIL, CHECK_FAIL,
		CHECK_FAIL, "srv-missing", 504, 1008 },
	{ "address-missing", { .hosts = { { .name = EDGE } } }, false, CHECK_FAIL, "address-missing", CHECK_FAIL,
		CHECK_FAIL, CHECK_UNKNOWN, "address-missing", 504, 1014 },
	{ "port-closed", { .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_REFUSED } } }, false,
		CHECK_FAIL, "connect-refused", CHECK_FAIL, CHECK_FAIL, CHECK_UNKNOWN, "connect-refused", 504, 1046 },
	{ "domain-blocked", { .why = NULL }, true, CHECK_PASS, "", CHECK_FAIL, CHECK_FAIL, CHECK_FAIL, "domain-blocked",
		403, 0 },
};

static const char *answer_of(const struct check_report *report)
{
	return report->answer ? finding_entry(report->answer->code)->code : "";
}

static void judge_lab_as_stranger(size_t i)
{
	static const struct check_options options;
	struct check_bench bench = { .policy = { .discover = true }, .options = &options };
	struct check_facts *facts = world_facts(&lab[i].world);
	struct check_report report;
	check_judge(&bench, TRUST_POLICY_MICROSOFT, facts, &report);
	if (report.verdict != lab[i].stranger || strcmp(answer_of(&report), lab[i].stranger_answer) != 0)
		fail_msg(
			"%s, as a stranger: %s by \"%s\"", lab[i].name, verdict_of(report.verdict), answer_of(&report));
	check_report_free(&report);
	check_facts_free(facts);
}

static size_t count_code(const struct finding_list *list, const char *code)
{
	size_t count = 0;
	for (const struct finding *f = list->first; f; f = f->next)
		count += strcmp(finding_entry(f->code)->code, code) == 0;
	return count;
}

static void judge_lab_as_the_edge(size_t i)
{
	const struct span blocked = SPAN(DOMAIN);
	struct config_node node = { .trust = { .discover = true, .blocked = { &blocked, lab[i].blocked } },
		.tls = { .require_client_usage = true } };
	struct check_options options = { .node = &node };
	struct check_bench bench;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	struct check_facts *facts = world_facts(&lab[i].world);
	struct check_report report;
	check_judge(&bench, TRUST_POLICY_MICROSOFT, facts, &report);
	if (report.verdict != lab[i].node || strcmp(answer_of(&report), lab[i].answer) != 0)
		fail_msg("%s, as the Edge: %s by \"%s\"", lab[i].name, verdict_of(report.verdict), answer_of(&report));
	if (report.to.verdict != lab[i].to || report.from.verdict != lab[i].from)
		fail_msg("%s: to %s, from %s", lab[i].name, verdict_of(report.to.verdict),
			verdict_of(report.from.verdict));
	if (report.answer) {
		assert_int_equal(finding_entry(report.answer->code)->microsoft.id, lab[i].id);
		assert_int_equal(report.answer->status, lab[i].status);
		assert_int_equal(count_code(&report.findings, lab[i].answer), 1);
		assert_int_equal(report.answer->severity, FINDING_ERROR);
	}
	check_report_free(&report);
	check_facts_free(facts);
	arena_done(&arena);
}

static void the_lab_as_the_edge_sees_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lab); i++) {
		judge_lab_as_stranger(i);
		judge_lab_as_the_edge(i);
	}
}

/* ---- a node's lists ---- */

static void configured_servers(void **state)
{
	(void)state;
	struct config_partner partner = { .domain = SPAN(DOMAIN), .server = { .host = SPAN("edge.b.example") } };
	struct config_node node = { .trust = { .discover = false, .allowed = &partner, .allowed_count = 1 } };
	struct check_options options = { .node = &node };
	struct check_bench bench;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	static const struct expectation cases[] = {
		{ "its name is in the certificate",
			{ .server = "edge.b.example", SHOWS(.cn = "edge.b.example", .names = { "edge.b.example" }) },
			CHECK_PASS, "", 0, "", "..+++++++.", CHECK_PASS },
		{ "it is not", { .server = "edge.b.example" }, CHECK_FAIL, "certificate-name-mismatch", 1010,
			"error:certificate-name-mismatch", "..++++x++.", CHECK_FAIL },
		{ "facts of somebody who knew no such server", { .why = NULL }, CHECK_UNKNOWN, "examination-cut", 0,
			"error:examination-cut", "+.?....... +.++++.++.", CHECK_UNKNOWN },
	};
	size_t wrong = 0;
	for (size_t i = 0; i < BASE_COUNT(cases); i++)
		wrong += !judge_one(&bench, TRUST_POLICY_MICROSOFT, &cases[i]);
	arena_done(&arena);
	assert_int_equal(wrong, 0);
}

/* ---- what a report has besides ---- */

static struct check_report *judge_simply(const struct check_options *options, const struct world *w)
{
	struct check_report *report = calloc(1, sizeof(*report));
	assert_non_null(report);
	struct check_bench bench = { .policy = { .discover = true, .expires_soon_s = options->expires_soon_s },
		.options = options };
	check_judge(&bench, TRUST_POLICY_MICROSOFT, world_facts(w), report);
	return report;
}

static void free_simply(struct check_report *report)
{
	struct check_facts *facts = (struct check_facts *)(uintptr_t)report->facts;
	check_report_free(report);
	check_facts_free(facts);
	free(report);
}

static void days_are_of_a_good_address(void **state)
{
	(void)state;
	static const struct check_options options;
	static const struct {
		int first, second, days;
	} cases[] = { { 200, 30, 30 }, { -3, 100, 100 }, { 100, -3, 100 }, { -3, -2, -3 } };
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct world w = { .hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
			.servers = { { .address = ADDRESS_1, .shown = { .days = cases[i].first } },
				{ .address = ADDRESS_2, .shown = { .days = cases[i].second } } } };
		struct check_report *report = judge_simply(&options, &w);
		assert_int_equal(report->certificate_days, cases[i].days);
		free_simply(report);
	}
	struct check_report *report = judge_simply(&options, &(struct world){ .srv = TRUST_LOOKUP_NXDOMAIN });
	assert_int_equal(report->certificate_days, INT32_MIN);
	free_simply(report);
}

/* Saved facts are judged as of their day, or as of another one. */
static void dates_are_judged_when_asked(void **state)
{
	(void)state;
	struct check_options later = { .judged_at_us = (NOW_S + DAYS(201)) * CLOCK_SECOND_US };
	struct check_report *report = judge_simply(&later, &(struct world){ .why = NULL });
	assert_int_equal(report->verdict, CHECK_FAIL);
	assert_string_equal(answer_of(report), "certificate-expired");
	assert_int_equal(report->judged_at_s, NOW_S + DAYS(201));
	assert_int_equal(report->certificate_days, -1);
	free_simply(report);
	struct check_options patient = { .expires_soon_s = DAYS(250) };
	report = judge_simply(&patient, &(struct world){ .why = NULL });
	assert_int_equal(report->verdict, CHECK_WARN);
	assert_int_equal(report->expires_soon_s, DAYS(250));
	free_simply(report);
}

static void a_date_that_cannot_be_read_is_long_past(void **state)
{
	(void)state;
	static const struct check_options options;
	struct check_bench bench = { .policy = { .discover = true }, .options = &options };
	struct check_facts *facts = world_facts(&(struct world){ .why = NULL });
	struct check_report report;
	struct trust_certificate leaf = facts->attempts[0].probe.chain.certificates[0];
	leaf.not_after_s = INT64_MIN;
	facts->attempts[0].probe.chain.certificates = &leaf;
	check_judge(&bench, TRUST_POLICY_MICROSOFT, facts, &report);
	assert_string_equal(answer_of(&report), "certificate-expired");
	assert_int_equal(report.certificate_days, INT32_MIN + 1);
	check_report_free(&report);
	check_facts_free(facts);
}

/* Addresses of one server that show different certificates: the finding says which one it was. */
static void the_address_is_named_where_they_differ(void **state)
{
	(void)state;
	static const struct check_options options;
	struct world w = { .hosts = { { .name = EDGE, .addresses = { ADDRESS_1, ADDRESS_2 } } },
		.servers = { { .address = ADDRESS_2, .shown = { .days = -1 } } } };
	struct check_report *report = judge_simply(&options, &w);
	const struct finding *f = finding_list_find(&report->findings, FINDING_CERTIFICATE_EXPIRED);
	assert_non_null(f);
	assert_int_equal(f->severity, FINDING_WARNING);
	bool named = false;
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		named |= span_find_span(e->text, SPAN(ADDRESS_2)) < e->text.length;
	assert_true(named);
	free_simply(report);
}

/* As many servers as are looked at, each with its own fault: every one is told, and none is lost in the crowd. */
static void a_crowd_of_servers(void **state)
{
	(void)state;
	static const struct check_options options;
	struct check_bench bench = { .policy = { .discover = true }, .options = &options };
	struct check_facts *facts = world_facts(&(struct world){ .why = NULL });
	struct trust_srv *records = world_room(facts, CHECK_HOSTS_MAXIMUM * sizeof(*records));
	facts->hosts = world_room(facts, CHECK_HOSTS_MAXIMUM * sizeof(*facts->hosts));
	facts->host_ports = world_room(facts, CHECK_HOSTS_MAXIMUM * sizeof(*facts->host_ports));
	facts->attempts = world_room(facts, CHECK_ATTEMPTS_MAXIMUM * sizeof(*facts->attempts));
	facts->host_count = facts->attempt_count = 0;
	for (unsigned h = 0; h < CHECK_HOSTS_MAXIMUM; h++) {
		struct span name = arena_printf(&facts->arena, "e%02u.a.example", h);
		struct span texts[2] = { arena_printf(&facts->arena, "198.51.100.%u", h),
			arena_printf(&facts->arena, "2001:db8::%x", h + 1) };
		records[h] = (struct trust_srv){ .priority = (uint16_t)h, .port = 5061, .target = name };
		world_host(facts, &(struct host){ .name = name.at, .addresses = { texts[0].at, texts[1].at } });
		for (size_t a = 0; a < 2; a++)
			world_attempt(&(struct world){ .servers = { { .address = texts[a].at,
							       .connect = a ? TRUST_CONNECT_TIMEOUT
									    : TRUST_CONNECT_REFUSED } } },
				facts, h, 5061, &facts->hosts[h].addresses[a]);
	}
	facts->srv.records = records;
	facts->srv.record_count = CHECK_HOSTS_MAXIMUM;
	struct check_report report;
	check_judge(&bench, TRUST_POLICY_MICROSOFT, facts, &report);
	assert_int_equal(report.row_count, CHECK_ATTEMPTS_MAXIMUM);
	assert_int_equal(report.findings.count, CHECK_ATTEMPTS_MAXIMUM);
	assert_int_equal(report.findings.dropped, 0);
	assert_int_equal(report.verdict, CHECK_FAIL);
	assert_true(span_is(report.answer->subject, "198.51.100.0:5061"));
	check_report_free(&report);
	check_facts_free(facts);
}

/* A target outside the domain: the name to publish must be in the certificate too, or is there already. */
static void a_new_target_needs_a_name_in_the_certificate(void **state)
{
	(void)state;
	static const struct check_options options;
	static const struct {
		const char *name, *other; /* DNS names of the certificate */
		bool is_there;
	} cases[] = { { "vcse.b.example", EDGE, true }, { "vcse.b.example", NULL, false } };
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct world w = { .targets = { "vcse.b.example" },
			SHOWS(.cn = "vcse.b.example", .names = { cases[i].name, cases[i].other }) };
		struct check_report *report = judge_simply(&options, &w);
		const struct finding *f = report->answer;
		const struct finding_fix *request = f->fixes->next;
		assert_string_equal(f->fixes->where, "DNS");
		assert_true(span_is(f->fixes->lines->next->text, EDGE ".\t300 IN A\t" ADDRESS_1));
		assert_int_equal(f->evidence->next != NULL, cases[i].is_there);
		assert_int_equal(request != NULL, !cases[i].is_there);
		if (cases[i].is_there)
			assert_true(span_is(f->evidence->next->note, EDGE " is in the certificate already"));
		else
			assert_true(span_ends_nocase(
				request->lines->text, SPAN("\"subjectAltName=DNS:vcse.b.example,DNS:" EDGE "\"")));
		free_simply(report);
	}
}

/* --probe was asked for, and the server hung up before it: that must not pass in silence. */
static void a_probe_that_could_not_be_made_is_told(void **state)
{
	(void)state;
	const struct check_options options = { .probe = true };
	struct world w = { .servers = { { .address = ADDRESS_1,
				   .handshake = TRUST_HANDSHAKE_ALERT_RECEIVED,
				   .alert = 116,
				   .asked = true,
				   .reaction = PEER_REACTION_NONE_REFUSED } } };
	struct check_report *report = judge_simply(&options, &w);
	const struct finding *f = finding_list_find(&report->findings, FINDING_CLIENT_CERTIFICATE_WANTED);
	assert_int_equal(report->verdict, CHECK_WARN);
	assert_true(span_find_span(f->observed, SPAN("no OPTIONS could be sent")) < f->observed.length);
	free_simply(report);
}

/* What was perhaps meant, ready to be pasted. */
static void a_domain_inside_something_else_is_offered(void **state)
{
	(void)state;
	static const struct check_options options;
	static const struct {
		const char *typed, *line; /* NULL: nothing to offer */
	} cases[] = {
		{ "anna@steven.lab", "fedge check steven.lab" },
		{ "sip:anna@steven.lab;transport=tls", "fedge check steven.lab" },
		{ "sips:steven.lab:5061", "fedge check steven.lab" },
		{ "https://steven.lab/x", "fedge check steven.lab" },
		{ "steven.lab:5061", "fedge check steven.lab" },
		{ "a b", NULL },
		{ "anna@$(reboot)", NULL },
		{ "@", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct check_report *report = judge_simply(&options, &(struct world){ .typed = cases[i].typed });
		const struct finding_fix *fix = report->answer->fixes;
		if (cases[i].line ? !fix || !span_is(fix->lines->text, cases[i].line) : fix != NULL)
			fail_msg("%s", cases[i].typed);
		free_simply(report);
	}
}

/* To whom the findings say "you". */
static void owners(void **state)
{
	(void)state;
	const struct span own = SPAN("steven.lab"), ours = SPAN(DOMAIN);
	struct config_node others = { .domains = { &own, 1 }, .trust = { .discover = true } };
	struct config_node mine = { .domains = { &ours, 1 }, .trust = { .discover = true } };
	const struct {
		struct check_options options;
		enum finding_who who;
	} cases[] = {
		{ { .owner = CHECK_OWNER_AUTO }, FINDING_YOU },
		{ { .owner = CHECK_OWNER_PARTNER }, FINDING_PARTNER },
		{ { .owner = CHECK_OWNER_AUTO, .node = &others }, FINDING_PARTNER },
		{ { .owner = CHECK_OWNER_AUTO, .node = &mine }, FINDING_YOU },
		{ { .owner = CHECK_OWNER_YOU, .node = &others }, FINDING_YOU },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct check_report *report =
			judge_simply(&cases[i].options, &(struct world){ .srv = TRUST_LOOKUP_NXDOMAIN });
		assert_int_equal(report->answer->who, cases[i].who);
		free_simply(report);
	}
}

/* The domain as a caller: neither address nor port matter, but a certificate must have been seen. */
static void callers(void **state)
{
	(void)state;
	static const struct check_options options;
	struct check_bench bench = { .policy = { .discover = true }, .options = &options };
	static const struct expectation cases[] = {
		{ "good", { .why = NULL }, CHECK_PASS, "", 0, "", "++...++++.", CHECK_PASS },
		{ "nobody listens", { .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_TIMEOUT } } },
			CHECK_UNKNOWN, "", 0, "warning:certificate-not-seen", "++........", CHECK_UNKNOWN },
		{ "no address", { .hosts = { { .name = EDGE } } }, CHECK_UNKNOWN, "", 0, "warning:certificate-not-seen",
			"++........", CHECK_UNKNOWN },
		{ "no record", { .srv = TRUST_LOOKUP_NXDOMAIN }, CHECK_FAIL, "srv-missing", 1008, "error:srv-missing",
			"x.........", CHECK_FAIL },
		{ "for clients only", { SHOWS(.usage = TRUST_USAGE_CLIENT) }, CHECK_PASS, "", 0, "", "++...++++.",
			CHECK_PASS },
		{ "one certificate of two is good",
			{ TWO_EDGES, .servers = { { .address = ADDRESS_2, .shown = { .days = -1 } } } }, CHECK_WARN, "",
			0, "warning:certificate-expired", "++...++++. ++...++x+.", CHECK_WARN },
	};
	size_t wrong = 0;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct check_facts *facts = world_facts(&cases[i].world);
		struct check_report report;
		check_judge_caller(&bench, TRUST_POLICY_MICROSOFT, facts, &report);
		wrong += !report_fits(&report, &cases[i]);
		check_report_free(&report);
		check_facts_free(facts);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_microsoft),
		cmocka_unit_test(as_rfc5922),
		cmocka_unit_test(as_dane),
		cmocka_unit_test(the_lab_as_the_edge_sees_it),
		cmocka_unit_test(configured_servers),
		cmocka_unit_test(days_are_of_a_good_address),
		cmocka_unit_test(dates_are_judged_when_asked),
		cmocka_unit_test(a_date_that_cannot_be_read_is_long_past),
		cmocka_unit_test(the_address_is_named_where_they_differ),
		cmocka_unit_test(a_crowd_of_servers),
		cmocka_unit_test(a_new_target_needs_a_name_in_the_certificate),
		cmocka_unit_test(a_probe_that_could_not_be_made_is_told),
		cmocka_unit_test(a_domain_inside_something_else_is_offered),
		cmocka_unit_test(owners),
		cmocka_unit_test(callers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
