/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as it will be seen once it is real. Whatever it cannot know is good here, and said to be taken for granted
 * where it is printed. */
#include "check/plan_private.h"
#include "trust/policy.h"

#define DAY_S INT64_C(86400)
#define DIGEST "0123456789abcdef0123456789abcdef" /* of the key that will be made */

static void *room(struct check_facts *facts, size_t size)
{
	return arena_zero(&facts->arena, size);
}

static bool fill_srv(const struct plan_work *work, struct check_facts *facts, struct span host, bool secure)
{
	struct trust_srv *record = room(facts, sizeof(*record));
	if (!record)
		return false;
	*record = (struct trust_srv){ .port = work->port, .target = host, .ttl_s = PLAN_TTL_S };
	facts->srv = (struct trust_domain){
		.domain = facts->domain,
		.service = SPAN(TRUST_SERVICE),
		.lookup = { .status = TRUST_LOOKUP_OK, .secure = secure, .ttl_s = PLAN_TTL_S, .name = facts->domain },
		.records = record,
		.record_count = 1,
	};
	return true;
}

static struct trust_lookup lookup_of(const struct plan_work *work, struct span host, bool is_ipv6, bool secure)
{
	struct trust_lookup lookup = {
		.status = TRUST_LOOKUP_NODATA, .secure = secure, .ttl_s = PLAN_TTL_S, .name = host
	};
	for (size_t i = 0; i < work->address_count; i++)
		if (work->addresses[i].is_ipv6 == is_ipv6)
			lookup.status = TRUST_LOOKUP_OK;
	return lookup;
}

static bool fill_host(const struct plan_work *work, struct check_facts *facts, struct span host, bool secure)
{
	struct trust_address *addresses = room(facts, work->address_count * sizeof(*addresses));
	struct trust_tlsa *tlsa = room(facts, sizeof(*tlsa));
	facts->hosts = room(facts, sizeof(*facts->hosts));
	facts->host_ports = room(facts, sizeof(*facts->host_ports));
	if (!addresses || !tlsa || !facts->hosts || !facts->host_ports)
		return false;
	for (size_t i = 0; i < work->address_count; i++)
		addresses[i] = (struct trust_address){ .text = work->addresses[i].text,
			.is_ipv6 = work->addresses[i].is_ipv6,
			.is_private = trust_address_is_private(work->addresses[i].text) };
	/* DANE-EE, the key, SHA-256: what plan_tlsa_line makes. */
	*tlsa = (struct trust_tlsa){ .usage = 3, .selector = 1, .matching = 1, .data = SPAN(DIGEST) };
	facts->hosts[0] = (struct trust_host){
		.name = host,
		.a = lookup_of(work, host, false, secure),
		.aaaa = lookup_of(work, host, true, secure),
		.addresses = addresses,
		.address_count = work->address_count,
		.tlsa_lookup = { .status = secure ? TRUST_LOOKUP_OK : TRUST_LOOKUP_NOT_ASKED,
			.secure = secure,
			.ttl_s = PLAN_TTL_S },
		.tlsa = tlsa,
		.tlsa_count = secure ? 1 : 0,
	};
	facts->host_ports[0] = work->port;
	facts->host_count = 1;
	facts->srv.hosts = facts->hosts;
	facts->srv.host_count = 1;
	return true;
}

static struct trust_chain chain_of(
	struct check_facts *facts, const struct span *names, size_t name_count, int64_t now_s, int64_t soon_s)
{
	struct trust_certificate *leaf = room(facts, sizeof(*leaf));
	if (!leaf)
		return (struct trust_chain){ .count = 0 };
	*leaf = (struct trust_certificate){
		.subject = SPAN("the planned certificate"),
		.issuer = SPAN("an authority that partners trust"),
		.key_sha256 = SPAN(DIGEST),
		.common_name = names[0],
		.has_names = true,
		.dns_names = names,
		.dns_name_count = name_count,
		.not_before_s = now_s - DAY_S,
		.not_after_s = now_s + (soon_s > 0 ? soon_s : 0) + 365 * DAY_S,
		.usage = TRUST_USAGE_SERVER | TRUST_USAGE_CLIENT,
		.key_kind = TRUST_KEY_RSA,
		.key_bits = 2048,
		.signature = SPAN("sha256WithRSAEncryption"),
	};
	return (struct trust_chain){ .certificates = leaf,
		.count = 1,
		.sent_count = 1,
		.status = TRUST_CHAIN_TRUSTED,
		.authority = leaf->issuer };
}

static bool fill_attempts(
	const struct plan_work *work, struct check_facts *facts, struct span host, const struct trust_chain *chain)
{
	facts->attempts = room(facts, work->address_count * sizeof(*facts->attempts));
	if (!facts->attempts || chain->count == 0)
		return false;
	for (size_t i = 0; i < work->address_count; i++) {
		struct check_attempt *attempt = &facts->attempts[i];
		attempt->port = work->port;
		attempt->address = work->addresses[i].text;
		attempt->is_ipv6 = work->addresses[i].is_ipv6;
		attempt->planned_certificate = true;
		attempt->probe.chain = *chain;
		attempt->probe.reaction = PEER_REACTION_ACCEPTED;
		attempt->probe.connection = (struct trust_connection){ .target = host,
			.address = attempt->address,
			.connect = TRUST_CONNECT_OPEN,
			.handshake = TRUST_HANDSHAKE_DONE,
			.our_certificate_sent = true,
			.certificate_asked = true,
			.version = SPAN("TLSv1.3") };
	}
	facts->attempt_count = work->address_count;
	return true;
}

struct check_facts *plan_facts(const struct plan_work *work, const struct plan_site *site, struct span host,
	enum trust_policy_kind policy, const struct span *names, size_t name_count)
{
	struct check_facts *facts = check_facts_new();
	if (!facts)
		return NULL;
	const struct check_options *options = work->bench->options;
	int64_t soon_s = work->bench->policy.expires_soon_s ? work->bench->policy.expires_soon_s : TRUST_EXPIRES_SOON_S;
	/* Any time will do: the dates of the certificate are made for it. */
	int64_t now_us = options->judged_at_us ? options->judged_at_us : 1000000 * CLOCK_SECOND_US;
	bool secure = policy == TRUST_POLICY_DANE;
	facts->typed = site->typed;
	facts->domain = site->domain;
	facts->examined_us = now_us;
	facts->client_certificate = true;
	facts->planned_zone = true;
	facts->validated = secure;
	struct trust_chain chain = chain_of(facts, names, name_count, now_us / CLOCK_SECOND_US, soon_s);
	if (fill_srv(work, facts, host, secure) && fill_host(work, facts, host, secure) &&
		fill_attempts(work, facts, host, &chain))
		return facts;
	check_facts_free(facts);
	return NULL;
}
