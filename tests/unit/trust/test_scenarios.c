/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's table as facts: what each scenario makes of the two directions.
 *
 * out: 2000@acano.steven.lab calls stejanss@skype.lab. vcse connects to the Edge (the facts of the handshake as vcse
 *      sees it), then the Edge judges the sender.
 * in:  stejanss calls into acano.steven.lab. The Edge looks the domain up, connects, judges the certificate. */
#include "bench.h"

enum fault { NONE, ALERT_UNKNOWN_CA, ALERT_EXPIRED, ALERT_UNSUPPORTED };

static const struct scenario {
	const char *name;
	const char *target; /* of acano.steven.lab's SRV record; NULL: no record */
	const char *cn; /* of the certificate that vcse shows */
	const char *names[3];
	enum trust_chain_status chain; /* 0: trusted */
	bool expired, server_only, no_address, closed, blocked;
	enum fault refusal; /* how the Edge ends our handshake */
	const char *out; /* the finding, "" for none */
	uint16_t out_id;
	const char *in;
	uint16_t in_id;
} scenarios[] = {
	{ "healthy", "vcse.acano.steven.lab", "vcse.steven.lab", { "vcse.steven.lab", "vcse.acano.steven.lab" },
		.out = "", .in = "" },
	{ "srv-other-domain", "vcse.steven.lab", "vcse.steven.lab", { "vcse.steven.lab" },
		.out = "srv-target-outside-domain", .out_id = 1009, .in = "srv-target-outside-domain", .in_id = 1009 },
	{ "srv-subdomain", "vcse.sub.acano.steven.lab", "vcse.steven.lab", { "vcse.sub.acano.steven.lab" },
		.out = "srv-target-outside-domain", .out_id = 1009, .in = "srv-target-outside-domain", .in_id = 1009 },
	{ "cert-name-missing", "vcse.acano.steven.lab", "vcse.steven.lab", { "vcse.steven.lab" },
		.out = "certificate-name-mismatch", .out_id = 1010, .in = "certificate-name-mismatch", .in_id = 1010 },
	{ "cert-cn-only", "vcse.acano.steven.lab", "vcse.acano.steven.lab", { NULL }, .out = "", .in = "" },
	{ "cert-cn-ignored", "vcse.acano.steven.lab", "vcse.acano.steven.lab", { "vcse.steven.lab" },
		.out = "certificate-cn-ignored", .out_id = 1010, .in = "certificate-cn-ignored", .in_id = 1010 },
	{ "cert-wildcard", "vcse.acano.steven.lab", "*.acano.steven.lab", { "*.acano.steven.lab" },
		.out = "certificate-wildcard-only", .out_id = 1010, .in = "certificate-wildcard-only", .in_id = 1010 },
	{ "cert-untrusted", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" },
		.chain = TRUST_CHAIN_UNTRUSTED, .refusal = ALERT_UNKNOWN_CA, .out = "certificate-refused-by-partner",
		.out_id = 1047, .in = "certificate-untrusted", .in_id = 1010 },
	{ "cert-chain-incomplete", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" },
		.chain = TRUST_CHAIN_INCOMPLETE, .refusal = ALERT_UNKNOWN_CA, .out = "certificate-refused-by-partner",
		.out_id = 1047, .in = "certificate-chain-incomplete", .in_id = 1010 },
	{ "cert-expired", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" }, .expired = true,
		.refusal = ALERT_EXPIRED, .out = "certificate-refused-by-partner", .out_id = 1047,
		.in = "certificate-expired", .in_id = 1010 },
	{ "cert-server-usage-only", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" }, .server_only = true,
		.refusal = ALERT_UNSUPPORTED, .out = "certificate-refused-by-partner", .out_id = 1047, .in = "" },
	{ "srv-missing", NULL, "vcse", { "vcse.acano.steven.lab" }, .out = "srv-missing", .out_id = 1008,
		.in = "srv-missing", .in_id = 1008 },
	{ "address-missing", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" }, .no_address = true,
		.out = "", .in = "address-missing", .in_id = 1014 },
	{ "port-closed", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" }, .closed = true, .out = "",
		.in = "connect-refused", .in_id = 1046 },
	{ "domain-blocked", "vcse.acano.steven.lab", "vcse", { "vcse.acano.steven.lab" }, .blocked = true,
		.out = "domain-blocked", .in = "domain-blocked" },
};

#define DOMAIN "acano.steven.lab"

/* All facts of one scenario, as either side would gather them. */
struct stage {
	struct bench b;
	struct trust_srv records[1];
	struct trust_domain domain;
	struct span names[3];
	struct trust_certificate leaf;
	struct trust_chain chain;
	struct span blocked;
};

static void stage_open(struct stage *s, const struct scenario *scenario)
{
	bench_open(&s->b);
	const char *const targets[] = { scenario->target, NULL };
	s->domain = bench_domain(DOMAIN, targets, s->records);
	s->leaf = bench_certificate(scenario->cn, scenario->names, s->names);
	if (scenario->expired)
		s->leaf.not_after_s = NOW_S - DAY_S;
	if (scenario->server_only)
		s->leaf.usage = TRUST_USAGE_SERVER;
	s->chain = bench_chain(&s->leaf);
	if (scenario->chain)
		s->chain.status = scenario->chain;
	s->blocked = SPAN(DOMAIN);
	s->b.policy.blocked = &s->blocked;
	s->b.policy.blocked_count = scenario->blocked;
}

/* vcse's own connection to the Edge; the Edge itself is in order. */
static bool connect_out(struct stage *s, const struct scenario *scenario)
{
	static const uint8_t alerts[] = { [ALERT_UNKNOWN_CA] = 48, [ALERT_EXPIRED] = 45, [ALERT_UNSUPPORTED] = 43 };
	struct trust_candidate edge = { .domain = SPAN("skype.lab"), .name = SPAN("sip.skype.lab"), .port = 5061 };
	struct trust_connection facts = {
		.target = edge.name,
		.address = SPAN("127.48.36.6:5061"),
		.connect = TRUST_CONNECT_OPEN,
		.handshake = scenario->refusal ? TRUST_HANDSHAKE_ALERT_RECEIVED : TRUST_HANDSHAKE_DONE,
		.alert = scenario->refusal ? alerts[scenario->refusal] : 0,
		.certificate_asked = true,
		.our_certificate_sent = true,
	};
	return trust_judge_connection(&s->b.judge, &edge, &facts);
}

static void call_out(struct stage *s, const struct scenario *scenario)
{
	struct trust_sender sender = { .from = SPAN(DOMAIN), .asserted = SPAN(DOMAIN) };
	struct trust_plan plan;
	if (!connect_out(s, scenario))
		return;
	s->chain.seen_as_client = true;
	s->b.policy.require_client_usage = true;
	trust_judge_sender(&s->b.judge, &sender, &s->domain, &s->chain, &plan);
}

static void call_in(struct stage *s, const struct scenario *scenario)
{
	struct trust_plan plan;
	assert_int_equal(trust_judge_domain(&s->b.judge, SPAN(DOMAIN), &s->domain, &plan), 0);
	if (!plan.accepted)
		return;
	const struct trust_candidate *candidate = &plan.candidates[0];
	struct trust_address address = { .text = SPAN("127.48.36.47"), .is_private = true };
	struct trust_host host = {
		.name = candidate->name,
		.a = { .status = scenario->no_address ? TRUST_LOOKUP_NXDOMAIN : TRUST_LOOKUP_OK },
		.aaaa = { .status = TRUST_LOOKUP_NXDOMAIN },
		.addresses = &address,
		.address_count = !scenario->no_address,
	};
	if (!trust_judge_host(&s->b.judge, candidate, &host))
		return;
	struct trust_connection facts = {
		.target = candidate->name,
		.address = SPAN("127.48.36.47:5061"),
		.connect = scenario->closed ? TRUST_CONNECT_REFUSED : TRUST_CONNECT_OPEN,
		.handshake = scenario->closed ? TRUST_HANDSHAKE_NOT_TRIED : TRUST_HANDSHAKE_DONE,
	};
	if (trust_judge_connection(&s->b.judge, candidate, &facts))
		trust_judge_certificate(&s->b.judge, candidate, &s->chain, NULL);
}

static void assert_outcome(
	const struct stage *s, const struct scenario *scenario, const char *direction, const char *code, uint16_t id)
{
	const struct finding *f = finding_list_first_error(&s->b.list);
	uint16_t found = f ? finding_entry(f->code)->microsoft.id : 0;
	if (strcmp(bench_error(&s->b), code) != 0 || found != id)
		fail_msg("%s, %s: \"%s\" %u", scenario->name, direction, bench_error(&s->b), found);
	/* 403 for lists, 504 for everything else of the table. */
	if (f)
		assert_int_equal(f->status, scenario->blocked ? 403 : 504);
}

static void the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(scenarios); i++) {
		struct stage s;
		stage_open(&s, &scenarios[i]);
		call_out(&s, &scenarios[i]);
		assert_outcome(&s, &scenarios[i], "out", scenarios[i].out, scenarios[i].out_id);
		bench_close(&s.b);
		stage_open(&s, &scenarios[i]);
		call_in(&s, &scenarios[i]);
		assert_outcome(&s, &scenarios[i], "in", scenarios[i].in, scenarios[i].in_id);
		bench_close(&s.b);
	}
}

/* The result code and HRESULT that the Edge's own trace and answer carry. */
static const struct {
	const char *scenario;
	uint32_t result, hresult; /* of the finding in the direction "in" */
} faces[] = {
	{ "srv-other-domain", 0xc3e93d6f, 0 },
	{ "srv-subdomain", 0xc3e93d6f, 0 },
	{ "cert-name-missing", 0xc3e93d67, 0x80090322 },
	{ "cert-cn-ignored", 0xc3e93d67, 0x80090322 },
	{ "cert-wildcard", 0xc3e93d67, 0x80090322 },
	{ "cert-untrusted", 0, 0x80090325 },
	{ "cert-expired", 0, 0x80090328 },
};

static void the_faces_are_those_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(faces); i++) {
		const struct scenario *scenario = scenarios;
		while (strcmp(scenario->name, faces[i].scenario) != 0)
			scenario++;
		struct stage s;
		stage_open(&s, scenario);
		call_in(&s, scenario);
		const struct finding_entry *e = finding_entry(finding_list_first_error(&s.b.list)->code);
		assert_int_equal(e->result.code, faces[i].result);
		assert_int_equal(e->hresult.code, faces[i].hresult);
		bench_close(&s.b);
	}
}

/* partner-srv-other-domain, partner-cert-name-missing: the fault is theirs, and so is the repair. */
static void the_partners_fault_is_the_partners(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct span names[1];
	struct trust_plan plan;
	const char *const outside[] = { "sip.other.lab", NULL }, *const right[] = { "sip.skype.lab", NULL };
	struct trust_domain facts = bench_domain("skype.lab", outside, records);
	bench_open(&b);
	trust_judge_domain(&b.judge, SPAN("skype.lab"), &facts, &plan);
	const struct finding *f = finding_list_first_error(&b.list);
	assert_int_equal(f->code, FINDING_SRV_TARGET_OUTSIDE_DOMAIN);
	assert_int_equal(f->who, FINDING_PARTNER);
	bench_close(&b);
	bench_open(&b);
	const char *const wrong[] = { "x.skype.lab", NULL };
	facts = bench_domain("skype.lab", right, records);
	trust_judge_domain(&b.judge, SPAN("skype.lab"), &facts, &plan);
	struct trust_certificate leaf = bench_certificate("x.skype.lab", wrong, names);
	struct trust_chain chain = bench_chain(&leaf);
	assert_false(trust_judge_certificate(&b.judge, &plan.candidates[0], &chain, NULL));
	f = finding_list_first_error(&b.list);
	assert_int_equal(f->code, FINDING_CERTIFICATE_NAME_MISMATCH);
	assert_int_equal(f->who, FINDING_PARTNER);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_holds),
		cmocka_unit_test(the_faces_are_those_of_the_table),
		cmocka_unit_test(the_partners_fault_is_the_partners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
