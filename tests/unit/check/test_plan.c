/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan prints is what will be accepted: its zone lines are read back as a zone, its names are those of the
 * request it prints, and both together are judged. */
#include "base/buffer.h"
#include "base/require.h"
#include "check/plan.h"
#include "check/zone.h"
#include "trust/policy.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAXIMUM 80

struct planned {
	const char *what;
	const char *domain, *host;
	const char *addresses[4];
	const char *others[4];
	uint16_t port;
	unsigned policies;
	enum check_verdict verdict;
	const char *finding; /* of a plan that is refused or warned of; NULL: none */
	const char *published; /* the SRV target of the first domain, at last */
	const char *names; /* in the certificate */
};

static const struct planned plans[] = {
	{ "one domain", "cms.steven.lab", "vcse.cms.steven.lab", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_PASS, NULL,
		"vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "a label is completed", "cms.steven.lab", "vcse", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_PASS, NULL,
		"vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "case and root dot", "CMS.steven.lab.", "VCSE.cms.Steven.lab.", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_PASS,
		NULL, "vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "both families, doubles said once", "cms.steven.lab", "vcse", { "8.8.8.8", "2001:4860::1", "8.8.8.8" },
		{ NULL }, 0, 0, CHECK_PASS, NULL, "vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "several domains, a name each", "cms.steven.lab", "vcse", { "8.8.8.8" },
		{ "acano.steven.lab", "steven.lab", "CMS.steven.lab" }, 0, 0, CHECK_PASS, NULL, "vcse.cms.steven.lab",
		"vcse.cms.steven.lab vcse.acano.steven.lab vcse.steven.lab" },
	{ "a host of another domain", "cms.steven.lab", "vcse.other.lab", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_FAIL,
		"srv-target-outside-domain", "vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "a host of the parent", "acano.steven.lab", "vcse.steven.lab", { "8.8.8.8" }, { "steven.lab" }, 0, 0,
		CHECK_FAIL, "srv-target-outside-domain", "vcse.acano.steven.lab",
		"vcse.acano.steven.lab vcse.steven.lab" },
	{ "two labels", "cms.steven.lab", "vcse.sub.cms.steven.lab", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_FAIL,
		"srv-target-outside-domain", "vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "the domain itself", "cms.steven.lab", "cms.steven.lab", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_FAIL,
		"srv-target-is-domain", "sip.cms.steven.lab", "sip.cms.steven.lab" },
	{ "an internationalized domain",
		"b\xc3\xbc"
		"cher.example",
		"edge", { "8.8.8.8" }, { NULL }, 0, 0, CHECK_PASS, NULL, "edge.xn--bcher-kva.example",
		"edge.xn--bcher-kva.example" },
	{ "another port", "cms.steven.lab", "vcse", { "8.8.8.8" }, { NULL }, 5062, 0, CHECK_WARN, "srv-port-unusual",
		"vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "a private address", "cms.steven.lab", "vcse", { "10.1.2.3" }, { NULL }, 0, 0, CHECK_WARN, "address-private",
		"vcse.cms.steven.lab", "vcse.cms.steven.lab" },
	{ "RFC 5922 wants the domain", "cms.steven.lab", "vcse.other.lab", { "8.8.8.8" }, { NULL }, 0, CHECK_AS_RFC5922,
		CHECK_PASS, NULL, "vcse.other.lab", "vcse.other.lab cms.steven.lab" },
	{ "all rule books", "cms.steven.lab", "vcse", { "8.8.8.8" }, { NULL }, 0, CHECK_AS_ALL, CHECK_PASS, NULL,
		"vcse.cms.steven.lab", "vcse.cms.steven.lab cms.steven.lab" },
	{ "DANE", "cms.steven.lab", "vcse", { "2001:4860::1" }, { NULL }, 0, CHECK_AS_DANE, CHECK_PASS, NULL,
		"vcse.cms.steven.lab", "vcse.cms.steven.lab" },
};

/* A plan as it is printed and as JSON. */
struct printed {
	struct arena arena;
	struct check_options options;
	struct check_bench bench;
	struct span addresses[4], others[4];
	struct check_plan plan;
	struct buffer text;
	enum check_verdict verdict;
	json_t *json;
};

static size_t take_spans(const char *const *texts, struct span *spans)
{
	size_t count = 0;
	for (; count < 4 && texts[count]; count++)
		spans[count] = span_of(texts[count]);
	return count;
}

static void print_plan(const struct planned *planned, struct printed *printed)
{
	const struct finding_style style = { .width = 0 };
	char error[256];
	*printed = (struct printed){ .options = { .policies = planned->policies } };
	arena_init(&printed->arena, 1 << 20);
	buffer_init(&printed->text, 1 << 20);
	printed->plan = (struct check_plan){ .domain = span_of(planned->domain),
		.host = span_of(planned->host),
		.addresses = printed->addresses,
		.address_count = take_spans(planned->addresses, printed->addresses),
		.port = planned->port,
		.other_domains = printed->others,
		.other_domain_count = take_spans(planned->others, printed->others) };
	assert_int_equal(check_bench_make(&printed->options, &printed->arena, &printed->bench), 0);
	int status =
		check_plan_print(&printed->plan, &printed->bench, &style, &printed->text, &printed->verdict, error);
	if (status < 0)
		fail_msg("%s: %s", planned->what, error);
	enum check_verdict verdict = CHECK_UNKNOWN;
	printed->json = check_plan_json(&printed->plan, &printed->bench, &verdict, error);
	assert_non_null(printed->json);
	if (verdict != printed->verdict)
		fail_msg("%s: as JSON its verdict is %s", planned->what, check_verdict_name(verdict));
}

static void printed_done(struct printed *printed)
{
	json_decref(printed->json);
	buffer_done(&printed->text);
	arena_done(&printed->arena);
}

/* ---- the printed text read back ---- */

static bool is_record(struct span line)
{
	return line.length > 4 && span_starts_nocase(line, SPAN("    ")) && line.at[4] != ' ' &&
	       span_find_span(line, SPAN(" 300 IN ")) < line.length &&
	       span_find_span(line, SPAN("echo")) == line.length;
}

/* Behind the heading: a finding may show lines as well. */
static struct check_zone *zone_of(const struct printed *printed)
{
	struct buffer lines;
	struct check_zone *zone = NULL;
	char error[CHECK_ZONE_ERROR_SIZE];
	struct span text = buffer_span(&printed->text),
		    rest = span_from(text, span_find_span(text, SPAN("DNS, in the zone")));
	buffer_init(&lines, 1 << 20);
	while (rest.at) {
		struct span line = span_cut(&rest, '\n');
		if (!is_record(line))
			continue;
		buffer_append(&lines, span_from(line, 4));
		buffer_append_byte(&lines, '\n');
	}
	int status = check_zone_read_text("printed", buffer_span(&lines), SPAN_NONE, &zone, error);
	if (status < 0)
		fail_msg("%s\n%s", error, lines.at);
	assert_null(check_zone_note(zone, 0));
	buffer_done(&lines);
	return zone;
}

/* The names of the request's SAN; a finding may show a request as well. */
static size_t names_of(const struct printed *printed, struct span names[NAMES_MAXIMUM])
{
	struct span text = buffer_span(&printed->text);
	text = span_from(text, span_find_span(text, SPAN("Certificate: make the key")));
	struct span rest = span_from(text, span_find_span(text, SPAN("subjectAltName=")) + strlen("subjectAltName="));
	size_t count = 0;
	rest = span_first(rest, span_find(rest, '\''));
	while (rest.at && count < NAMES_MAXIMUM) {
		struct span name = span_cut(&rest, ',');
		assert_true(span_starts_nocase(name, SPAN("DNS:")));
		names[count++] = span_from(name, 4);
	}
	return count;
}

static void expect_names(const struct planned *planned, const struct printed *printed)
{
	struct span names[NAMES_MAXIMUM];
	struct buffer got;
	size_t count = names_of(printed, names);
	buffer_init(&got, 65536);
	for (size_t i = 0; i < count; i++)
		buffer_printf(&got, "%s%.*s", i ? " " : "", SPAN_PRINT(names[i]));
	if (strcmp(got.at, planned->names) != 0)
		fail_msg("%s: %s, not %s", planned->what, got.at, planned->names);
	buffer_done(&got);
}

/* ---- judged as if it were real ---- */

static const struct net_dns_answer *ask(const struct check_zone *zone, const char *name, enum net_dns_type type)
{
	const struct net_dns_answer *answer = NULL;
	const char *alias = NULL;
	return check_zone_ask(zone, name, type, false, &answer, &alias) == CHECK_ZONE_ANSWER ? answer : NULL;
}

static void take_addresses(struct check_facts *facts, const struct check_zone *zone, const char *name,
	enum net_dns_type type, struct trust_lookup *ret_lookup)
{
	struct trust_host *host = &facts->hosts[0];
	const struct net_dns_answer *answer = ask(zone, name, type);
	ret_lookup->status = answer ? TRUST_LOOKUP_OK : TRUST_LOOKUP_NODATA;
	for (size_t i = 0; answer && i < answer->record_count; i++) {
		char text[NET_ADDRESS_TEXT_SIZE];
		struct trust_address *addresses =
			arena_zero(&facts->arena, (host->address_count + 1) * sizeof(*addresses));
		net_address_format_host(&answer->records[i].address, text);
		if (host->address_count)
			memcpy(addresses, host->addresses, host->address_count * sizeof(*addresses));
		addresses[host->address_count++] = (struct trust_address){
			.text = arena_copy(&facts->arena, span_of(text)),
			.is_ipv6 = type == NET_DNS_AAAA,
			.is_private = trust_address_is_private(span_of(text)),
		};
		host->addresses = addresses;
	}
	net_dns_answer_unref(answer);
}

static void take_attempts(struct check_facts *facts, uint16_t port, const struct span *names, size_t name_count)
{
	struct trust_certificate *leaf = arena_zero(&facts->arena, sizeof(*leaf));
	const struct trust_host *host = &facts->hosts[0];
	*leaf = (struct trust_certificate){ .has_names = true,
		.dns_names = names,
		.dns_name_count = name_count,
		.not_after_s = INT64_C(4000000000),
		.usage = TRUST_USAGE_SERVER | TRUST_USAGE_CLIENT,
		.key_kind = TRUST_KEY_RSA,
		.key_bits = 2048 };
	facts->attempts = arena_zero(&facts->arena, host->address_count * sizeof(*facts->attempts));
	facts->attempt_count = host->address_count;
	for (size_t i = 0; i < host->address_count; i++) {
		struct check_attempt *attempt = &facts->attempts[i];
		*attempt = (struct check_attempt){ .port = port, .address = host->addresses[i].text };
		attempt->probe.reaction = PEER_REACTION_SILENT;
		attempt->probe.connection = (struct trust_connection){
			.target = host->name, .connect = TRUST_CONNECT_OPEN, .handshake = TRUST_HANDSHAKE_DONE
		};
		attempt->probe.chain = (struct trust_chain){
			.certificates = leaf, .count = 1, .sent_count = 1, .status = TRUST_CHAIN_TRUSTED
		};
	}
}

/* A domain of the plan by what the printed zone says and the printed request asks for. */
static enum check_verdict judge_domain(const struct printed *printed, const struct check_zone *zone, const char *domain,
	char ret_target[256], uint16_t *ret_port)
{
	struct check_facts *facts = check_facts_new();
	struct span names[NAMES_MAXIMUM];
	struct check_report report;
	char name[300];
	snprintf(name, sizeof(name), TRUST_SERVICE ".%s", domain);
	const struct net_dns_answer *answer = ask(zone, name, NET_DNS_SRV);
	if (!answer || answer->record_count != 1)
		fail_msg("%s has not one SRV record", name);
	snprintf(ret_target, 256, "%s", answer->records[0].srv.target);
	*ret_port = answer->records[0].srv.port;
	struct trust_srv record = { .port = *ret_port, .target = span_of(ret_target), .ttl_s = answer->ttl_s };
	net_dns_answer_unref(answer);
	facts->typed = facts->domain = span_of(domain);
	facts->examined_us = INT64_C(1790000000) * CLOCK_SECOND_US;
	facts->srv = (struct trust_domain){ .domain = facts->domain,
		.service = SPAN(TRUST_SERVICE),
		.lookup = { .status = TRUST_LOOKUP_OK },
		.records = &record,
		.record_count = 1 };
	facts->hosts = arena_zero(&facts->arena, sizeof(*facts->hosts));
	facts->host_ports = ret_port;
	facts->host_count = 1;
	facts->hosts[0].name = record.target;
	take_addresses(facts, zone, ret_target, NET_DNS_A, &facts->hosts[0].a);
	take_addresses(facts, zone, ret_target, NET_DNS_AAAA, &facts->hosts[0].aaaa);
	take_attempts(facts, *ret_port, names, names_of(printed, names));
	check_judge(&printed->bench, TRUST_POLICY_MICROSOFT, facts, &report);
	enum check_verdict verdict = report.verdict;
	check_report_free(&report);
	check_facts_free(facts);
	return verdict;
}

static void judge_printed(const struct planned *planned, const struct printed *printed)
{
	struct check_zone *zone = zone_of(printed);
	json_t *sites = json_object_get(printed->json, "domains"), *site;
	size_t index;
	json_array_foreach(sites, index, site)
	{
		char target[256];
		uint16_t port;
		const char *domain = json_string_value(json_object_get(site, "domain"));
		enum check_verdict verdict = judge_domain(printed, zone, domain, target, &port);
		/* What is refused as planned is printed as it would do. */
		enum check_verdict expected = planned->verdict == CHECK_FAIL ? CHECK_PASS : planned->verdict;
		bool other_rules = planned->policies && !(planned->policies & CHECK_AS_MICROSOFT);
		if (verdict != expected && !other_rules)
			fail_msg("%s: %s is judged %s", planned->what, domain, check_verdict_name(verdict));
		assert_int_equal(port, planned->port ? planned->port : 5061);
		if (index == 0 && strcmp(target, planned->published) != 0)
			fail_msg("%s: %s, not %s", planned->what, target, planned->published);
	}
	check_zone_free(zone);
}

static void expect_json(const struct planned *planned, const struct printed *printed)
{
	const json_t *json = printed->json;
	assert_string_equal(json_string_value(json_object_get(json, "verdict")), check_verdict_name(planned->verdict));
	bool advised = json_is_string(json_object_get(json, "advised_host"));
	if (advised != (planned->verdict == CHECK_FAIL))
		fail_msg("%s: advised_host", planned->what);
	const char *request = json_string_value(json_object_get(json_object_get(json, "certificate"), "request"));
	if (!strstr(printed->text.at, request))
		fail_msg("%s: %s is not what is printed", planned->what, request);
}

static void plans_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(plans); i++) {
		struct printed printed;
		char code[80];
		print_plan(&plans[i], &printed);
		if (printed.verdict != plans[i].verdict)
			fail_msg("%s: %s\n%s", plans[i].what, check_verdict_name(printed.verdict), printed.text.at);
		snprintf(code, sizeof(code), "[%s]", plans[i].finding ? plans[i].finding : "");
		if (!strstr(printed.text.at, code) != !plans[i].finding)
			fail_msg("%s: finding %s\n%s", plans[i].what, code, printed.text.at);
		expect_names(&plans[i], &printed);
		judge_printed(&plans[i], &printed);
		expect_json(&plans[i], &printed);
		printed_done(&printed);
	}
}

/* ---- what is none ---- */

static const struct {
	const char *domain, *host, *address, *other, *error;
} mistakes[] = {
	{ "a b", "vcse", "8.8.8.8", NULL, "`a b`: it is no domain name" },
	{ "", "vcse", "8.8.8.8", NULL, "``: nothing was given" },
	{ "10.1.2.3", "vcse", "8.8.8.8", NULL, "`10.1.2.3`: it is an IP address" },
	{ "a.lab", "vc$(se)", "8.8.8.8", NULL, "`vc$(se)`: it is no domain name" },
	{ "a.lab", "vc'se", "8.8.8.8", NULL, "`vc'se`: it is no domain name" },
	{ "a.lab", "vcse.a.lab;x", "8.8.8.8", NULL, "`vcse.a.lab;x`: it is no domain name" },
	{ "a.lab", "8.8.8.8", "8.8.8.8", NULL, "`8.8.8.8`: it is an IP address" },
	{ "a.lab", "*.a.lab", "8.8.8.8", NULL, "`*.a.lab`: it is no domain name" },
	{ "a.lab", "vcse", "8.8.8", NULL, "`8.8.8`: it is no IP address" },
	{ "a.lab", "vcse", "fe80::1%eth0", NULL, "`fe80::1%eth0`: " },
	{ "a.lab", "vcse", NULL, NULL, "`a.lab`: at least one address of the edge is needed" },
	{ "a.lab", "vcse", "8.8.8.8", "b\x1b[2Jc", "`b\\x1B[2Jc`: it is no domain name" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(mistakes); i++) {
		struct check_options options = { .policies = 0 };
		struct check_bench bench;
		struct arena arena;
		struct span address = span_of(mistakes[i].address), other = span_of(mistakes[i].other);
		struct check_plan plan = { .domain = span_of(mistakes[i].domain),
			.host = span_of(mistakes[i].host),
			.addresses = &address,
			.address_count = mistakes[i].address != NULL,
			.other_domains = &other,
			.other_domain_count = mistakes[i].other != NULL };
		const struct finding_style style = { .width = 80 };
		enum check_verdict verdict = CHECK_UNKNOWN;
		struct buffer out;
		char error[256] = "";
		arena_init(&arena, 65536);
		buffer_init(&out, 1 << 20);
		assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
		int status = check_plan_print(&plan, &bench, &style, &out, &verdict, error);
		if (status != -EINVAL || strncmp(error, mistakes[i].error, strlen(mistakes[i].error)) != 0)
			fail_msg("%d %s, not %s", status, error, mistakes[i].error);
		assert_null(check_plan_json(&plan, &bench, &verdict, error));
		assert_int_equal(out.length, 0);
		buffer_done(&out);
		arena_done(&arena);
	}
}

/* ---- limits of the formats ---- */

static void long_names_have_no_common_name(void **state)
{
	struct printed printed;
	struct planned planned = { .what = "long",
		.domain = "a-rather-long-label-in-the-middle-of-a-name.and-one-more-of-them.example",
		.host = "edge",
		.addresses = { "8.8.8.8" } };
	(void)state;
	print_plan(&planned, &printed);
	assert_int_equal(printed.verdict, CHECK_PASS);
	assert_non_null(strstr(printed.text.at, "-subj '/' "));
	assert_true(json_is_null(json_object_get(json_object_get(printed.json, "certificate"), "common_name")));
	printed_done(&printed);
}

static void a_narrow_terminal_breaks_no_paste(void **state)
{
	const struct finding_style style = { .width = 50 };
	struct printed printed;
	struct buffer narrow;
	char error[256];
	(void)state;
	print_plan(&plans[4], &printed);
	buffer_init(&narrow, 1 << 20);
	assert_int_equal(check_plan_print(&printed.plan, &printed.bench, &style, &narrow, &printed.verdict, error), 0);
	const char *request =
		json_string_value(json_object_get(json_object_get(printed.json, "certificate"), "request"));
	assert_non_null(strstr(narrow.at, request));
	assert_non_null(strstr(narrow.at, "_sipfederationtls._tcp.acano.steven.lab. 300 IN SRV 0 0 5061 "
					  "vcse.acano.steven.lab.\n"));
	buffer_done(&narrow);
	printed_done(&printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_hold),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(long_names_have_no_common_name),
		cmocka_unit_test(a_narrow_terminal_breaks_no_paste),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
