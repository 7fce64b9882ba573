/* SPDX-License-Identifier: Apache-2.0 */
/* A plan read and judged. */
#include "check/plan.h"

#include "base/text.h"
#include "check/name.h"
#include "check/plan_private.h"
#include "net/address.h"
#include "trust/judge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define ARENA_MAXIMUM ((size_t)1 << 20)
#define ERROR_SIZE 256
#define VALUE_SHOWN 60 /* bytes of a wrong value, in its message */

/* ---- values ---- */

__attribute__((format(printf, 3, 4))) static int refuse(char *error, struct span value, const char *format, ...)
{
	struct buffer text;
	va_list arguments;
	buffer_init(&text, 8 * ERROR_SIZE);
	buffer_append_byte(&text, '`');
	text_append_safe(&text, span_first(value, VALUE_SHOWN));
	buffer_append_text(&text, "`: ");
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	snprintf(error, ERROR_SIZE, "%s", text.at ? text.at : "no memory");
	buffer_done(&text);
	return -EINVAL;
}

static int read_address(struct plan_work *work, struct span typed, char *error)
{
	struct net_address address;
	char text[NET_ADDRESS_TEXT_SIZE];
	if (net_address_parse(typed, 0, &address) < 0)
		return refuse(error, typed, "it is no IP address");
	net_address_format_host(&address, text);
	if (strchr(text, '%'))
		return refuse(error, typed, "an address with a zone is known on this machine only");
	for (size_t i = 0; i < work->address_count; i++)
		if (span_is(work->addresses[i].text, text))
			return 0;
	struct span copy = arena_copy(&work->arena, span_of(text));
	if (!copy.at)
		return -ENOMEM;
	work->addresses[work->address_count++] =
		(struct plan_address){ copy, net_address_family(&address) == AF_INET6 };
	return 0;
}

static int read_addresses(struct plan_work *work, const struct check_plan *plan, char *error)
{
	if (plan->address_count == 0)
		return refuse(error, plan->domain, "at least one address of the edge is needed");
	if (plan->address_count > CHECK_PLAN_ADDRESSES_MAXIMUM)
		return refuse(error, plan->domain, "more than %d addresses", CHECK_PLAN_ADDRESSES_MAXIMUM);
	work->addresses = arena_zero(&work->arena, plan->address_count * sizeof(*work->addresses));
	int status = work->addresses ? 0 : -ENOMEM;
	for (size_t i = 0; i < plan->address_count && status == 0; i++)
		status = read_address(work, plan->addresses[i], error);
	return status;
}

static int read_name(struct plan_work *work, struct span typed, struct span *ret_name, char *error)
{
	struct span why = SPAN_NONE;
	if (check_name_read(typed, &work->arena, ret_name, &why))
		return 0;
	return refuse(error, typed, "%.*s", SPAN_PRINT(why));
}

static struct span name_under(struct plan_work *work, struct span label, struct span domain)
{
	return arena_printf(&work->arena, "%.*s.%.*s", SPAN_PRINT(label), SPAN_PRINT(domain));
}

static struct span first_label(struct span name)
{
	return span_first(name, span_find(name, '.'));
}

static int read_host(struct plan_work *work, struct span typed, struct span *ret_host, char *error)
{
	struct span host, domain = work->sites[0].domain;
	int status = read_name(work, typed, &host, error);
	if (status < 0)
		return status;
	if (span_find(host, '.') == host.length)
		host = name_under(work, host, domain);
	if (!host.at)
		return -ENOMEM;
	if (host.length > 253)
		return refuse(error, typed, "it is longer than a host name can be");
	*ret_host = host;
	return 0;
}

static int add_site(struct plan_work *work, struct span typed, char *error)
{
	struct span domain;
	int status = read_name(work, typed, &domain, error);
	if (status < 0)
		return status;
	for (size_t i = 0; i < work->site_count; i++)
		if (span_equal(work->sites[i].domain, domain))
			return 0;
	struct plan_site *site = &work->sites[work->site_count];
	site->typed = arena_copy(&work->arena, typed);
	site->domain = domain;
	if (!site->typed.at)
		return -ENOMEM;
	work->site_count++;
	return 0;
}

static int read_sites(struct plan_work *work, const struct check_plan *plan, char *error)
{
	if (plan->other_domain_count >= CHECK_PLAN_DOMAINS_MAXIMUM)
		return refuse(error, plan->domain, "more than %d domains on one edge", CHECK_PLAN_DOMAINS_MAXIMUM);
	work->sites = arena_zero(&work->arena, (plan->other_domain_count + 1) * sizeof(*work->sites));
	int status = work->sites ? add_site(work, plan->domain, error) : -ENOMEM;
	for (size_t i = 0; i < plan->other_domain_count && status == 0; i++)
		status = add_site(work, plan->other_domains[i], error);
	return status;
}

/* Each domain has the edge's first label in front. The name that would do where the given one does not: the same; the
 * label of a host that is the domain itself says nothing. */
static int name_sites(struct plan_work *work, struct span typed, char *error)
{
	struct span host;
	int status = read_host(work, typed, &host, error);
	if (status < 0)
		return status;
	bool apex = span_equal(host, work->sites[0].domain);
	struct span label = apex ? SPAN("sip") : first_label(host);
	for (size_t i = 0; i < work->site_count; i++) {
		struct plan_site *site = &work->sites[i];
		site->advised = name_under(work, label, site->domain);
		site->host = i == 0 ? host : site->advised;
		if (!site->advised.at)
			return -ENOMEM;
		if (site->advised.length > 253)
			return refuse(error, site->typed, "with %.*s in front it is too long", SPAN_PRINT(label));
	}
	return 0;
}

/* ---- the certificate ---- */

static bool has_name(const struct plan_work *work, struct span name)
{
	for (size_t i = 0; i < work->name_count; i++)
		if (span_equal(work->names[i], name))
			return true;
	return false;
}

static void add_name(struct plan_work *work, struct span name)
{
	if (!has_name(work, name))
		work->names[work->name_count++] = name;
}

/* RFC 5922 looks for the domain itself. */
static void name_certificate(struct plan_work *work, bool advised)
{
	work->name_count = 0;
	for (size_t i = 0; i < work->site_count; i++)
		add_name(work, advised ? work->sites[i].advised : work->sites[i].host);
	for (size_t i = 0; i < work->site_count && work->policies & CHECK_AS_RFC5922; i++)
		add_name(work, work->sites[i].domain);
}

/* ---- judging ---- */

static int judge_site(struct plan_work *work, struct plan_site *site)
{
	for (enum trust_policy_kind kind = TRUST_POLICY_MICROSOFT; kind < PLAN_POLICIES; kind++) {
		if (!(work->policies & 1u << kind))
			continue;
		struct plan_judgement *judgement = &site->judgements[site->judgement_count];
		judgement->policy = kind;
		judgement->facts = plan_facts(work, site, site->host, kind, work->names, work->name_count);
		if (!judgement->facts)
			return -ENOMEM;
		check_judge(work->bench, kind, judgement->facts, &judgement->report);
		site->judgement_count++;
		site->verdict = check_verdict_worst(site->verdict, judgement->report.verdict);
	}
	work->verdict = check_verdict_worst(work->verdict, site->verdict);
	return 0;
}

/* Would the advised name be accepted, by every rule book that was asked for? */
static int try_advice(struct plan_work *work, const struct plan_site *site, bool *ret_good)
{
	*ret_good = true;
	for (size_t i = 0; i < site->judgement_count && *ret_good; i++) {
		enum trust_policy_kind kind = site->judgements[i].policy;
		struct check_report report;
		struct check_facts *facts = plan_facts(work, site, site->advised, kind, work->names, work->name_count);
		if (!facts)
			return -ENOMEM;
		check_judge_reach(work->bench, kind, facts, &report);
		*ret_good = report.verdict != CHECK_FAIL;
		check_report_free(&report);
		check_facts_free(facts);
	}
	return 0;
}

static int judge_all(struct plan_work *work)
{
	int status = 0;
	work->names = arena_zero(&work->arena, 2 * work->site_count * sizeof(*work->names));
	if (!work->names)
		return -ENOMEM;
	name_certificate(work, false);
	for (size_t i = 0; i < work->site_count && status == 0; i++)
		status = judge_site(work, &work->sites[i]);
	name_certificate(work, true);
	for (size_t i = 0; i < work->site_count && status == 0; i++) {
		struct plan_site *site = &work->sites[i];
		bool good = false;
		if (site->verdict == CHECK_FAIL)
			status = try_advice(work, site, &good);
		if (!good)
			site->advised = site->host;
	}
	name_certificate(work, true);
	return status;
}

int plan_make(const struct check_plan *plan, const struct check_bench *bench, struct plan_work *ret_work,
	char reterr_text[256])
{
	struct plan_work *work = ret_work;
	*work = (struct plan_work){ .bench = bench, .port = plan->port ? plan->port : TRUST_DEFAULT_PORT };
	work->policies = bench->options->policies ? bench->options->policies : 1u << bench->policy.kind;
	arena_init(&work->arena, ARENA_MAXIMUM);
	reterr_text[0] = '\0';
	int status = read_sites(work, plan, reterr_text);
	if (status == 0)
		status = read_addresses(work, plan, reterr_text);
	if (status == 0)
		status = name_sites(work, plan->host, reterr_text);
	return status < 0 ? status : judge_all(work);
}

void plan_done(struct plan_work *work)
{
	for (size_t i = 0; i < work->site_count; i++)
		for (size_t j = 0; j < work->sites[i].judgement_count; j++) {
			check_report_free(&work->sites[i].judgements[j].report);
			check_facts_free(work->sites[i].judgements[j].facts);
		}
	arena_done(&work->arena);
}
