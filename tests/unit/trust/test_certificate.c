/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

static const struct trust_candidate candidate = {
	.domain = { "a.lab", 5 }, .name = { "vcse.a.lab", 10 }, .port = 5061, .secure = true
};

/* One certificate as a case changes it. Zero leaves what bench_certificate made. */
static const struct {
	const char *name;
	enum trust_policy_kind policy;
	const char *cn;
	const char *names[3], *uris[2];
	enum trust_chain_status status; /* 0: trusted */
	int from_days, to_days; /* 0, 0: in its best years */
	unsigned usage; /* 0: both; 16: no extension */
	enum trust_key_kind key;
	uint16_t bits;
	bool weak, client, require, wildcards, private_authority;
	const char *codes;
	bool accepted;
} cases[] = {
	{ "right", .names = { "vcse.a.lab" }, .codes = "", .accepted = true },
	{ "right by CN alone", .cn = "vcse.a.lab", .codes = "", .accepted = true },
	{ "the name is missing", .names = { "vcse.b.lab" }, .codes = "certificate-name-mismatch" },
	{ "the SIP domain is not the host", .names = { "a.lab" }, .codes = "certificate-name-mismatch" },
	{ "CN beside a SAN", .cn = "vcse.a.lab", .names = { "x.lab" }, .codes = "certificate-cn-ignored" },
	{ "a wildcard", .names = { "*.a.lab" }, .codes = "certificate-wildcard-only" },
	{ "a wildcard, allowed", .names = { "*.a.lab" }, .wildcards = true, .codes = "", .accepted = true },
	{ "a wildcard of two labels", .names = { "*.lab" }, .wildcards = true, .codes = "certificate-name-mismatch" },
	{ "untrusted", .names = { "vcse.a.lab" }, .status = TRUST_CHAIN_UNTRUSTED, .codes = "certificate-untrusted" },
	{ "self-signed", .names = { "vcse.a.lab" }, .status = TRUST_CHAIN_SELF_SIGNED,
		.codes = "certificate-untrusted" },
	{ "incomplete", .names = { "vcse.a.lab" }, .status = TRUST_CHAIN_INCOMPLETE,
		.codes = "certificate-chain-incomplete" },
	{ "revoked", .names = { "vcse.a.lab" }, .status = TRUST_CHAIN_REVOKED, .codes = "certificate-revoked" },
	{ "broken", .names = { "vcse.a.lab" }, .status = TRUST_CHAIN_BAD, .codes = "certificate-bad" },
	{ "expired yesterday", .names = { "vcse.a.lab" }, .from_days = -100, .to_days = -1,
		.codes = "certificate-expired" },
	{ "begins tomorrow", .names = { "vcse.a.lab" }, .from_days = 1, .to_days = 100,
		.codes = "certificate-not-yet-valid" },
	{ "20 days left", .names = { "vcse.a.lab" }, .from_days = -100, .to_days = 20,
		.codes = "certificate-expires-soon", .accepted = true },
	{ "21 days left", .names = { "vcse.a.lab" }, .from_days = -100, .to_days = 21, .codes = "", .accepted = true },
	{ "a server without clientAuth", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_SERVER,
		.codes = "certificate-no-client-usage", .accepted = true },
	{ "a server without serverAuth", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_CLIENT,
		.codes = "certificate-no-server-usage" },
	{ "a server with other usages", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_OTHER,
		.codes = "certificate-no-server-usage certificate-no-client-usage" },
	{ "any usage", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_ANY, .codes = "", .accepted = true },
	{ "no usage extension", .names = { "vcse.a.lab" }, .usage = 16, .codes = "", .accepted = true },
	{ "a caller without clientAuth", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_SERVER, .client = true,
		.codes = "certificate-no-client-usage", .accepted = true },
	{ "where that is demanded", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_SERVER, .client = true,
		.require = true, .codes = "certificate-no-client-usage" },
	{ "a caller without serverAuth", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_CLIENT, .client = true,
		.require = true, .codes = "", .accepted = true },
	{ "OpenSSL's word on the purpose is not ours", .names = { "vcse.a.lab" }, .status = TRUST_CHAIN_WRONG_PURPOSE,
		.usage = TRUST_USAGE_SERVER, .client = true, .codes = "certificate-no-client-usage", .accepted = true },
	{ "a short RSA key", .names = { "vcse.a.lab" }, .bits = 1024, .codes = "certificate-weak", .accepted = true },
	{ "a short EC key", .names = { "vcse.a.lab" }, .key = TRUST_KEY_EC, .bits = 192, .codes = "certificate-weak",
		.accepted = true },
	{ "a good EC key", .names = { "vcse.a.lab" }, .key = TRUST_KEY_EC, .bits = 256, .codes = "", .accepted = true },
	{ "SHA-1", .names = { "vcse.a.lab" }, .weak = true, .codes = "certificate-weak", .accepted = true },
	{ "a private authority", .names = { "vcse.a.lab" }, .private_authority = true,
		.codes = "certificate-private-authority", .accepted = true },
	{ "all that is wrong is said, the chain first", .names = { "vcse.b.lab" }, .status = TRUST_CHAIN_UNTRUSTED,
		.from_days = -2, .to_days = -1,
		.codes = "certificate-untrusted certificate-expired certificate-name-mismatch" },
	/* RFC 5922: the domain, not the host. */
	{ "rfc5922: a sip URI", TRUST_POLICY_RFC5922, .names = { "x.lab" }, .uris = { "sip:a.lab" }, .codes = "",
		.accepted = true },
	{ "rfc5922: a DNS name", TRUST_POLICY_RFC5922, .names = { "A.lab" }, .codes = "", .accepted = true },
	{ "rfc5922: the host does not help", TRUST_POLICY_RFC5922, .names = { "vcse.a.lab" },
		.codes = "certificate-domain-mismatch" },
	{ "rfc5922: a sip URI of another domain hides the DNS name", TRUST_POLICY_RFC5922, .names = { "a.lab" },
		.uris = { "sip:b.lab" }, .codes = "certificate-domain-mismatch" },
	{ "rfc5922: somebody's address is no domain", TRUST_POLICY_RFC5922, .names = { "x.lab" },
		.uris = { "sip:anna@a.lab" }, .codes = "certificate-domain-mismatch" },
	{ "rfc5922: a sips URI does not count", TRUST_POLICY_RFC5922, .names = { "x.lab" }, .uris = { "sips:a.lab" },
		.codes = "certificate-domain-mismatch" },
	{ "rfc5922: no wildcards", TRUST_POLICY_RFC5922, .names = { "*.lab" }, .wildcards = true,
		.codes = "certificate-domain-mismatch" },
	{ "rfc5922: the CN where there is no SAN", TRUST_POLICY_RFC5922, .cn = "a.lab", .codes = "", .accepted = true },
};

static void certificates_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct bench b;
		struct span names[3], uris[2];
		char codes[1024];
		bench_open(&b);
		b.policy.kind = cases[i].policy;
		b.policy.wildcards = cases[i].wildcards;
		b.policy.require_client_usage = cases[i].require;
		struct trust_certificate leaf =
			bench_certificate(cases[i].cn ? cases[i].cn : "box", cases[i].names, names);
		for (; leaf.uri_name_count < 2 && cases[i].uris[leaf.uri_name_count]; leaf.uri_name_count++)
			uris[leaf.uri_name_count] = span_of(cases[i].uris[leaf.uri_name_count]);
		leaf.uri_names = uris;
		if (cases[i].to_days || cases[i].from_days) {
			leaf.not_before_s = NOW_S + cases[i].from_days * DAY_S;
			leaf.not_after_s = NOW_S + cases[i].to_days * DAY_S;
		}
		if (cases[i].usage)
			leaf.usage = cases[i].usage == 16 ? TRUST_USAGE_ABSENT : cases[i].usage;
		leaf.key_kind = cases[i].key ? cases[i].key : leaf.key_kind;
		leaf.key_bits = cases[i].bits ? cases[i].bits : leaf.key_bits;
		leaf.signature_weak = cases[i].weak;
		struct trust_chain chain = bench_chain(&leaf);
		chain.status = cases[i].status ? cases[i].status : TRUST_CHAIN_TRUSTED;
		chain.seen_as_client = cases[i].client;
		chain.private_authority = cases[i].private_authority;
		bool accepted = trust_judge_certificate(&b.judge, &candidate, &chain, NULL);
		if (strcmp(bench_codes(&b, codes), cases[i].codes) != 0)
			fail_msg("%s: \"%s\"", cases[i].name, codes);
		if (accepted != cases[i].accepted || accepted != (*bench_error(&b) == 0))
			fail_msg("%s: accepted %d", cases[i].name, accepted);
		bench_close(&b);
	}
}

static void nothing_shown_is_refused(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct trust_chain chain = { .status = TRUST_CHAIN_TRUSTED };
	assert_false(trust_judge_certificate(&b.judge, &candidate, &chain, NULL));
	assert_string_equal(bench_error(&b), "certificate-missing");
	bench_close(&b);
}

static void what_nobody_verified_is_not_trusted(void **state)
{
	(void)state;
	struct bench b;
	struct span names[1];
	bench_open(&b);
	const char *const right[] = { "vcse.a.lab", NULL };
	struct trust_certificate leaf = bench_certificate("x", right, names);
	struct trust_chain chain = bench_chain(&leaf);
	chain.status = TRUST_CHAIN_NOT_VERIFIED;
	assert_false(trust_judge_certificate(&b.judge, &candidate, &chain, NULL));
	assert_string_equal(bench_error(&b), "certificate-untrusted");
	bench_close(&b);
}

/* Dates count for the chain, not for what lies beside it in the file. */
static const struct sent_case {
	const char *name;
	const char *subject, *issuer; /* of the certificate behind the leaf, which has ended */
	const char *authority; /* that the chain was found to end in */
	const char *error;
} sent_cases[] = {
	{ "the leaf's issuer", "CN=Lab Intermediate", "CN=Root", "CN=Root", "certificate-expired" },
	{ "the root that the chain ends in", "CN=Root", "CN=Root", "CN=Root", "certificate-expired" },
	{ "the leaf's issuer is a root", "CN=Lab Intermediate", "CN=Lab Intermediate", "CN=Lab Intermediate",
		"certificate-expired" },
	{ "another root", "CN=Old Root", "CN=Old Root", "CN=Root", "" },
	{ "an intermediate of somebody else", "CN=Stranger", "CN=Old Root", "CN=Root", "" },
	{ "the issuer, and nothing is known of the end", "CN=Lab Intermediate", "CN=Lab Intermediate", NULL,
		"certificate-expired" },
	{ "another root, and nothing is known of the end", "CN=Old Root", "CN=Old Root", NULL, "" },
};

static void dates_count_for_the_chain(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sent_cases) / sizeof(sent_cases[0]); i++) {
		const struct sent_case *c = &sent_cases[i];
		struct bench b;
		struct span names[1];
		bench_open(&b);
		const char *const right[] = { "vcse.a.lab", NULL };
		struct trust_certificate both[2];
		both[0] = bench_certificate("x", right, names);
		both[1] = bench_certificate(c->subject, NULL, NULL);
		both[1].issuer = span_of(c->issuer);
		both[1].self_signed = strcmp(c->subject, c->issuer) == 0;
		both[1].not_after_s = NOW_S - 1;
		struct trust_chain chain = bench_chain(both);
		chain.count = chain.sent_count = 2;
		chain.authority = span_of(c->authority);
		bool good = trust_judge_certificate(&b.judge, &candidate, &chain, NULL);
		const char *error = bench_error(&b);
		if (good != (c->error[0] == '\0') || strcmp(error ? error : "", c->error) != 0)
			fail_msg("%s: %s", c->name, error);
		bench_close(&b);
	}
}

/* Inbound: one of several candidates is enough; if none fits, the nearest fault is told. */
static void one_candidate_is_enough(void **state)
{
	(void)state;
	struct bench b;
	struct span names[1];
	const char *const second[] = { "e2.a.lab", NULL }, *const wildcard[] = { "*.a.lab", NULL };
	struct trust_candidate two[] = { { .name = SPAN("e1.b.lab") }, { .name = SPAN("e2.a.lab") } };
	struct trust_plan plan = { .domain = SPAN("a.lab"), .accepted = true, .candidates = two, .candidate_count = 2 };
	struct trust_certificate leaf = bench_certificate("x", second, names);
	struct trust_chain chain = bench_chain(&leaf);
	bench_open(&b);
	assert_true(trust_judge_presented(&b.judge, &plan, &chain));
	bench_close(&b);
	bench_open(&b);
	leaf = bench_certificate("x", wildcard, names);
	assert_false(trust_judge_presented(&b.judge, &plan, &chain));
	assert_string_equal(bench_error(&b), "certificate-wildcard-only");
	assert_true(span_is(finding_value_get(b.list.first, "tls-target"), "e2.a.lab"));
	bench_close(&b);
}

/* The sample of Cisco TAC 212383. */
static void the_values_are_those_of_the_sample(void **state)
{
	(void)state;
	struct bench b;
	struct span names[1];
	const char *const wrong[] = { "vcse.steven.lab", NULL };
	struct trust_candidate target = { .domain = SPAN("cms.steven.lab"), .name = SPAN("vcse.cms.steven.lab") };
	struct trust_certificate leaf = bench_certificate("vcse.steven.lab", wrong, names);
	struct trust_chain chain = bench_chain(&leaf);
	bench_open(&b);
	trust_judge_certificate(&b.judge, &target, &chain, NULL);
	const struct finding *f = finding_list_first_error(&b.list);
	assert_int_equal(f->code, FINDING_CERTIFICATE_NAME_MISMATCH);
	assert_true(span_is(finding_value_get(f, "tls-target"), "vcse.cms.steven.lab"));
	assert_true(span_is(finding_value_get(f, "PeerServer"), "vcse.steven.lab"));
	assert_true(span_is(f->fixes->lines->text,
		"openssl req -new -newkey rsa:2048 -nodes -keyout vcse.cms.steven.lab.key -out vcse.cms.steven.lab.csr "
		"-subj \"/CN=vcse.steven.lab\" -addext "
		"\"subjectAltName=DNS:vcse.steven.lab,DNS:vcse.cms.steven.lab\""));
	bench_close(&b);
}

static void hostile_names_are_not_pasted(void **state)
{
	(void)state;
	struct bench b;
	struct span names[2];
	const char *const evil[] = { "x\"; rm -rf ~; \"", "good.lab", NULL };
	struct trust_certificate leaf = bench_certificate("$(reboot)", evil, names);
	struct trust_chain chain = bench_chain(&leaf);
	bench_open(&b);
	trust_judge_certificate(&b.judge, &candidate, &chain, NULL);
	struct span line = b.list.first->fixes->lines->text;
	assert_int_equal(span_find(line, '$'), line.length);
	assert_int_equal(span_find(line, ';'), line.length);
	assert_true(span_find_span(line, SPAN("DNS:good.lab,DNS:vcse.a.lab")) < line.length);
	bench_close(&b);
}

/* ---- the chain as it was sent ---- */

/* Certificates by letters: L the leaf, I its intermediate, R the root, X of another chain. */
static const struct {
	const char *name, *sent, *codes;
} orders[] = {
	{ "in order", "LI", "" },
	{ "with the root", "LIR", "" },
	{ "the root before the intermediate", "LRI", "certificate-chain-disordered" },
	{ "somebody else's behind", "LIX", "certificate-chain-superfluous" },
	{ "somebody else's between", "LXI", "certificate-chain-superfluous" },
	{ "the intermediate twice", "LII", "certificate-chain-superfluous" },
	{ "the leaf twice", "LLI", "certificate-chain-superfluous" },
};

static struct trust_certificate certificate_of(char letter, char previous, struct span *names)
{
	const char *const right[] = { "vcse.a.lab", NULL };
	struct trust_certificate c = bench_certificate("x", letter == 'L' ? right : NULL, names);
	c.subject = letter == 'L'   ? SPAN("leaf")
		    : letter == 'I' ? SPAN("inter")
		    : letter == 'R' ? SPAN("root")
				    : SPAN("x");
	c.issuer = letter == 'L' ? SPAN("inter") : letter == 'X' ? SPAN("y") : SPAN("root");
	c.fingerprint = c.subject;
	c.self_signed = letter == 'R';
	c.signed_previous = (letter == 'I' && previous == 'L') || (letter == 'R' && previous == 'I');
	return c;
}

static void chains_are_sent_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(orders); i++) {
		struct bench b;
		struct span names[4][1];
		struct trust_certificate sent[4];
		char codes[1024];
		size_t count = 0;
		bench_open(&b);
		for (; orders[i].sent[count]; count++)
			sent[count] = certificate_of(
				orders[i].sent[count], count ? orders[i].sent[count - 1] : 0, names[count]);
		struct trust_chain chain = bench_chain(sent);
		chain.count = chain.sent_count = count;
		assert_true(trust_judge_certificate(&b.judge, &candidate, &chain, NULL));
		if (strcmp(bench_codes(&b, codes), orders[i].codes) != 0)
			fail_msg("%s: \"%s\"", orders[i].name, codes);
		bench_close(&b);
	}
}

/* The leaf alone, of nobody we know: the intermediate may be all that is missing, and AIA says where it is. */
static void a_lone_leaf_may_be_incomplete(void **state)
{
	(void)state;
	struct bench b;
	struct span names[1];
	const char *const right[] = { "vcse.a.lab", NULL };
	const struct span uris[] = { SPAN("http://ca.example/inter.der") };
	struct trust_certificate leaf = bench_certificate("x", right, names);
	struct trust_chain chain = bench_chain(&leaf);
	leaf.issuer_uris = uris;
	leaf.issuer_uri_count = 1;
	chain.status = TRUST_CHAIN_UNTRUSTED;
	bench_open(&b);
	assert_false(trust_judge_certificate(&b.judge, &candidate, &chain, NULL));
	const struct finding *f = b.list.first;
	struct span words = f->observed;
	assert_true(span_find_span(words, SPAN("an intermediate may be missing")) < words.length);
	assert_true(span_is(f->fixes->lines->text, "cat server.pem intermediate.pem > chain.pem"));
	struct span shown = f->evidence->next->text;
	assert_true(span_find_span(shown, SPAN("http://ca.example/inter.der")) < shown.length);
	bench_close(&b);
}

/* What is to be pasted keeps the names that the certificate has. */
static const struct {
	const char *name;
	enum trust_policy_kind policy;
	const char *names[3], *uri;
	int days; /* left */
	unsigned usage;
	const char *line; /* what stands in the request */
} requests[] = {
	{ "a name more", .names = { "x.lab", "*.y.lab" },
		.line = "\"subjectAltName=DNS:x.lab,DNS:*.y.lab,DNS:vcse.a.lab\"" },
	{ "expired: the same names", .names = { "x.lab", "vcse.a.lab" }, .days = -1,
		.line = "\"subjectAltName=DNS:x.lab,DNS:vcse.a.lab\" -addext "
			"\"extendedKeyUsage=serverAuth,clientAuth\"" },
	{ "no clientAuth", .names = { "vcse.a.lab" }, .usage = TRUST_USAGE_SERVER,
		.line = "\"subjectAltName=DNS:vcse.a.lab\" -addext \"extendedKeyUsage=serverAuth,clientAuth\"" },
	{ "rfc5922: the domain as a URI, for beside another URI a DNS name does not count",
		.policy = TRUST_POLICY_RFC5922, .names = { "vcse.a.lab" }, .uri = "sip:b.lab",
		.line = "\"subjectAltName=URI:sip:b.lab,DNS:vcse.a.lab,URI:sip:a.lab\"" },
};

static void requests_keep_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(requests); i++) {
		struct bench b;
		struct span names[3], uri = span_of(requests[i].uri);
		struct trust_certificate leaf = bench_certificate("box", requests[i].names, names);
		struct trust_chain chain = bench_chain(&leaf);
		bench_open(&b);
		b.policy.kind = requests[i].policy;
		leaf.uri_names = &uri;
		leaf.uri_name_count = uri.at != NULL;
		if (requests[i].days)
			leaf.not_after_s = NOW_S + requests[i].days * DAY_S;
		if (requests[i].usage)
			leaf.usage = requests[i].usage;
		trust_judge_certificate(&b.judge, &candidate, &chain, NULL);
		assert_non_null(b.list.first);
		struct span line = b.list.first->fixes->lines->text;
		if (!span_ends_nocase(line, span_of(requests[i].line)))
			fail_msg("%s: %.*s", requests[i].name, SPAN_PRINT(line));
		bench_close(&b);
	}
}

/* ---- dane ---- */

#define DIGEST "0123456789abcdef0123456789abcdef"
static const struct {
	const char *name;
	uint8_t usage, selector, matching;
	const char *data; /* NULL: no record */
	bool srv_secure, tlsa_secure, address_secure;
	enum trust_chain_status status;
	bool expired, named;
	const char *code;
	enum trust_lookup_status tlsa; /* 0: OK or NXDOMAIN, as there is a record */
} danes[] = {
	{ "3 1 1 fits", 3, 1, 1, DIGEST, true, true, true, TRUST_CHAIN_UNTRUSTED, true, false, "" },
	{ "3 0 1 fits", 3, 0, 1, "fingerprint-of-the-leaf-32-bytes", true, true, true, TRUST_CHAIN_UNTRUSTED, false,
		false, "" },
	{ "3 1 1 of another key", 3, 1, 1, "x", true, true, true, TRUST_CHAIN_TRUSTED, false, true, "tlsa-mismatch" },
	{ "nothing published", 0, 0, 0, NULL, true, true, true, TRUST_CHAIN_TRUSTED, false, true, "tlsa-missing" },
	{ "unsigned TLSA", 3, 1, 1, DIGEST, true, false, true, TRUST_CHAIN_TRUSTED, false, true, "tlsa-insecure" },
	{ "unsigned SRV", 3, 1, 1, DIGEST, false, true, true, TRUST_CHAIN_TRUSTED, false, true, "tlsa-insecure" },
	{ "unsigned address", 3, 1, 1, DIGEST, true, true, false, TRUST_CHAIN_TRUSTED, false, true, "tlsa-insecure" },
	{ "1 1 1 fits, trusted", 1, 1, 1, DIGEST, true, true, true, TRUST_CHAIN_TRUSTED, false, true, "" },
	{ "1 1 1 fits, untrusted", 1, 1, 1, DIGEST, true, true, true, TRUST_CHAIN_UNTRUSTED, false, true,
		"certificate-untrusted" },
	{ "1 1 1 fits, name missing", 1, 1, 1, DIGEST, true, true, true, TRUST_CHAIN_TRUSTED, false, false,
		"certificate-name-mismatch" },
	{ "2 1 1 of the issuer", 2, 1, 1, "ISSUER", true, true, true, TRUST_CHAIN_UNTRUSTED, false, true, "" },
	{ "2 1 1 of the issuer, expired", 2, 1, 1, "ISSUER", true, true, true, TRUST_CHAIN_UNTRUSTED, true, true,
		"certificate-expired" },
	{ "2 1 1 of the leaf is no anchor", 2, 1, 1, DIGEST, true, true, true, TRUST_CHAIN_TRUSTED, false, true,
		"tlsa-mismatch" },
	{ "a usage nobody knows", 9, 1, 1, DIGEST, true, true, true, TRUST_CHAIN_TRUSTED, false, true,
		"tlsa-mismatch" },
	{ "3 1 0, the whole key", 3, 1, 0, DIGEST, true, true, true, TRUST_CHAIN_TRUSTED, false, true, "" },
	{ "3 1 0, another key", 3, 1, 0, "x", true, true, true, TRUST_CHAIN_TRUSTED, false, true, "tlsa-mismatch" },
	{ "SERVFAIL is not \"missing\"", 3, 1, 1, NULL, true, true, true, TRUST_CHAIN_TRUSTED, false, true,
		"tlsa-lookup-failed", TRUST_LOOKUP_SERVFAIL },
	{ "bogus", 3, 1, 1, NULL, true, true, true, TRUST_CHAIN_TRUSTED, false, true, "tlsa-lookup-failed",
		TRUST_LOOKUP_BOGUS },
	{ "SERVFAIL where the SRV record is not signed anyway", 3, 1, 1, NULL, false, true, true, TRUST_CHAIN_TRUSTED,
		false, true, "tlsa-insecure", TRUST_LOOKUP_SERVFAIL },
};

static void tlsa_records_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(danes); i++) {
		struct bench b;
		struct span names[1];
		const char *const right[] = { "vcse.a.lab", NULL }, *const wrong[] = { "b.lab", NULL };
		bench_open(&b);
		b.policy.kind = TRUST_POLICY_DANE;
		struct trust_certificate chain_of[2];
		chain_of[0] = bench_certificate("x", danes[i].named ? right : wrong, names);
		chain_of[0].key_sha256 = SPAN(DIGEST);
		chain_of[0].fingerprint = SPAN("fingerprint-of-the-leaf-32-bytes");
		if (danes[i].expired)
			chain_of[0].not_after_s = NOW_S - 1;
		chain_of[1] = bench_certificate("Issuer", NULL, NULL);
		chain_of[1].key_sha256 = SPAN("ISSUER");
		chain_of[1].signed_previous = true;
		struct trust_chain chain = bench_chain(chain_of);
		chain.count = 2;
		chain.status = danes[i].status;
		/* As the facts carry it, full data comes with its digest. */
		bool full = danes[i].matching == 0 && danes[i].data;
		struct trust_tlsa record = { danes[i].usage, danes[i].selector, danes[i].matching,
			full ? SPAN("the key as it is") : span_of(danes[i].data),
			full ? span_of(danes[i].data) : SPAN_NONE };
		enum trust_lookup_status status = danes[i].data ? TRUST_LOOKUP_OK : TRUST_LOOKUP_NXDOMAIN;
		struct trust_host host = {
			.name = SPAN("vcse.a.lab"),
			.a = { .status = TRUST_LOOKUP_OK, .secure = danes[i].address_secure },
			.aaaa = { .status = TRUST_LOOKUP_NODATA },
			.tlsa_lookup = { .status = danes[i].tlsa ? danes[i].tlsa : status,
				.secure = danes[i].tlsa_secure },
			.tlsa = &record,
			.tlsa_count = danes[i].data != NULL,
		};
		struct trust_candidate c = candidate;
		c.secure = danes[i].srv_secure;
		bool accepted = trust_judge_certificate(&b.judge, &c, &chain, &host);
		if (strcmp(bench_error(&b), danes[i].code) != 0 || accepted != (*danes[i].code == 0))
			fail_msg("%s: %s, accepted %d", danes[i].name, bench_error(&b), accepted);
		bench_close(&b);
	}
}

/* Anybody can append the certificate of an authority that did not sign his own. */
static void an_appended_authority_is_no_anchor(void **state)
{
	(void)state;
	struct bench b;
	struct span names[1];
	const char *const right[] = { "vcse.a.lab", NULL };
	bench_open(&b);
	b.policy.kind = TRUST_POLICY_DANE;
	struct trust_certificate chain_of[2];
	chain_of[0] = bench_certificate("x", right, names);
	chain_of[1] = bench_certificate("Issuer", NULL, NULL);
	chain_of[1].key_sha256 = SPAN("ISSUER");
	struct trust_chain chain = bench_chain(chain_of);
	chain.count = 2;
	struct trust_tlsa record = { 2, 1, 1, SPAN("ISSUER") };
	struct trust_host host = {
		.name = SPAN("vcse.a.lab"),
		.tlsa_lookup = { .status = TRUST_LOOKUP_OK, .secure = true },
		.tlsa = &record,
		.tlsa_count = 1,
	};
	assert_false(trust_judge_certificate(&b.judge, &candidate, &chain, &host));
	assert_string_equal(bench_error(&b), "tlsa-mismatch");
	bench_close(&b);
}

static void dane_without_an_answer_is_refused(void **state)
{
	(void)state;
	struct bench b;
	struct trust_certificate leaf = bench_certificate("vcse.a.lab", NULL, NULL);
	struct trust_chain chain = bench_chain(&leaf);
	bench_open(&b);
	b.policy.kind = TRUST_POLICY_DANE;
	assert_false(trust_judge_certificate(&b.judge, &candidate, &chain, NULL));
	assert_string_equal(bench_error(&b), "tlsa-lookup-failed");
	bench_close(&b);
}

static void our_own_certificate_is_judged(void **state)
{
	(void)state;
	struct bench b;
	char codes[1024];
	struct trust_certificate leaf = bench_certificate("vcse.a.lab", NULL, NULL);
	struct trust_chain chain = bench_chain(&leaf);
	bench_open(&b);
	assert_true(trust_judge_own_certificate(&b.judge, SPAN("vcse.a.lab"), &chain));
	assert_string_equal(bench_codes(&b, codes), "");
	leaf.usage = TRUST_USAGE_SERVER;
	leaf.not_after_s = NOW_S + DAY_S;
	assert_true(trust_judge_own_certificate(&b.judge, SPAN("vcse.a.lab"), &chain));
	assert_string_equal(bench_codes(&b, codes), "certificate-expires-soon certificate-no-client-usage");
	assert_false(trust_judge_own_certificate(&b.judge, SPAN("other.a.lab"), &chain));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_judged),
		cmocka_unit_test(nothing_shown_is_refused),
		cmocka_unit_test(what_nobody_verified_is_not_trusted),
		cmocka_unit_test(dates_count_for_the_chain),
		cmocka_unit_test(one_candidate_is_enough),
		cmocka_unit_test(the_values_are_those_of_the_sample),
		cmocka_unit_test(hostile_names_are_not_pasted),
		cmocka_unit_test(chains_are_sent_in_order),
		cmocka_unit_test(a_lone_leaf_may_be_incomplete),
		cmocka_unit_test(requests_keep_names),
		cmocka_unit_test(tlsa_records_are_judged),
		cmocka_unit_test(an_appended_authority_is_no_anchor),
		cmocka_unit_test(dane_without_an_answer_is_refused),
		cmocka_unit_test(our_own_certificate_is_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
