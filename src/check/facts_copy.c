/* SPDX-License-Identifier: Apache-2.0 */
/* Facts copied whole into another arena. */
#include "check/facts.h"

#include <errno.h>

/* The first failure sticks, so that a copy is written in one go and asked once. */
struct copying {
	struct arena *arena;
	bool failed;
};

static struct span text(struct copying *c, struct span from)
{
	struct span copy = arena_copy(c->arena, from);
	c->failed = c->failed || (from.at && !copy.at);
	return copy;
}

/* count items of size bytes; NULL for none. */
static void *array(struct copying *c, const void *from, size_t count, size_t size)
{
	if (count == 0 || c->failed)
		return NULL;
	void *copy = count > SIZE_MAX / size ? NULL : arena_allocate(c->arena, count * size);
	if (!copy) {
		c->failed = true;
		return NULL;
	}
	return memcpy(copy, from, count * size);
}

static const struct span *texts(struct copying *c, const struct span *from, size_t count)
{
	struct span *copy = array(c, from, count, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++)
		copy[i] = text(c, copy[i]);
	return copy;
}

static int outcome(const struct copying *c)
{
	return c->failed ? -ENOMEM : 0;
}

/* ---- DNS ---- */

static void copy_lookup(struct copying *c, struct trust_lookup *lookup)
{
	lookup->name = text(c, lookup->name);
	lookup->canonical = text(c, lookup->canonical);
	lookup->why = text(c, lookup->why);
}

int check_facts_copy_domain(struct arena *arena, const struct trust_domain *domain, struct trust_domain *ret_domain)
{
	struct copying c = { .arena = arena };
	struct trust_domain copy = *domain;
	struct trust_srv *records = array(&c, domain->records, domain->record_count, sizeof(*records));
	for (size_t i = 0; records && i < domain->record_count; i++)
		records[i].target = text(&c, records[i].target);
	copy.domain = text(&c, domain->domain);
	copy.service = text(&c, domain->service);
	copy_lookup(&c, &copy.lookup);
	copy.records = records;
	copy.hosts = NULL;
	copy.host_count = 0;
	*ret_domain = copy;
	return outcome(&c);
}

int check_facts_copy_host(struct arena *arena, const struct trust_host *host, struct trust_host *ret_host)
{
	struct copying c = { .arena = arena };
	struct trust_host copy = *host;
	struct trust_address *addresses = array(&c, host->addresses, host->address_count, sizeof(*addresses));
	struct trust_tlsa *tlsa = array(&c, host->tlsa, host->tlsa_count, sizeof(*tlsa));
	for (size_t i = 0; addresses && i < host->address_count; i++)
		addresses[i].text = text(&c, addresses[i].text);
	for (size_t i = 0; tlsa && i < host->tlsa_count; i++) {
		tlsa[i].data = text(&c, tlsa[i].data);
		tlsa[i].data_sha256 = text(&c, tlsa[i].data_sha256);
	}
	copy.name = text(&c, host->name);
	copy_lookup(&c, &copy.a);
	copy_lookup(&c, &copy.aaaa);
	copy_lookup(&c, &copy.tlsa_lookup);
	copy.addresses = addresses;
	copy.tlsa = tlsa;
	*ret_host = copy;
	return outcome(&c);
}

/* ---- certificates ---- */

static void copy_certificate(struct copying *c, struct trust_certificate *certificate)
{
	struct span *const own[] = {
		&certificate->subject,
		&certificate->issuer,
		&certificate->serial,
		&certificate->fingerprint,
		&certificate->key_sha256,
		&certificate->key_sha512,
		&certificate->der_sha512,
		&certificate->common_name,
		&certificate->signature,
	};
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		*own[i] = text(c, *own[i]);
	certificate->dns_names = texts(c, certificate->dns_names, certificate->dns_name_count);
	certificate->uri_names = texts(c, certificate->uri_names, certificate->uri_name_count);
	certificate->issuer_uris = texts(c, certificate->issuer_uris, certificate->issuer_uri_count);
}

static void copy_chain(struct copying *c, const struct trust_chain *chain, struct trust_chain *ret_chain)
{
	struct trust_certificate *certificates = array(c, chain->certificates, chain->count, sizeof(*certificates));
	*ret_chain = *chain;
	for (size_t i = 0; certificates && i < chain->count; i++)
		copy_certificate(c, &certificates[i]);
	ret_chain->certificates = certificates;
	ret_chain->missing = text(c, chain->missing);
	ret_chain->authority = text(c, chain->authority);
	ret_chain->verify_text = text(c, chain->verify_text);
}

int check_facts_copy_chain(struct arena *arena, const struct trust_chain *chain, struct trust_chain *ret_chain)
{
	struct copying c = { .arena = arena };
	copy_chain(&c, chain, ret_chain);
	return outcome(&c);
}

/* ---- one address ---- */

static bool same_certificates(const struct peer_probe_facts *a, const struct peer_probe_facts *b)
{
	if (a->der_count == 0 || a->der_count != b->der_count || a->chain.count != b->chain.count ||
		a->chain.sent_count != b->chain.sent_count || a->chain.status != b->chain.status ||
		a->chain.verify_error != b->chain.verify_error)
		return false;
	for (size_t i = 0; i < a->der_count; i++)
		if (!span_equal(a->der[i], b->der[i]))
			return false;
	return true;
}

/* Servers of one edge show the same chain at every address. */
static bool share_certificates(const struct check_attempt *attempts, size_t known, const struct peer_probe_facts *probe,
	struct peer_probe_facts *copy)
{
	for (size_t i = 0; i < known; i++) {
		const struct peer_probe_facts *other = &attempts[i].probe;
		if (attempts[i].planned_certificate || !same_certificates(other, probe))
			continue;
		copy->chain = other->chain;
		copy->der = other->der;
		return true;
	}
	return false;
}

static void copy_connection(struct copying *c, struct trust_connection *connection)
{
	connection->target = text(c, connection->target);
	connection->address = text(c, connection->address);
	connection->version = text(c, connection->version);
	connection->cipher = text(c, connection->cipher);
	connection->text = text(c, connection->text);
}

int check_facts_copy_probe(struct check_facts *facts, const struct check_attempt *attempts, size_t known,
	const struct peer_probe_facts *probe, struct peer_probe_facts *ret_probe)
{
	struct copying c = { .arena = &facts->arena };
	struct peer_probe_facts copy = *probe;
	copy_connection(&c, &copy.connection);
	if (!share_certificates(attempts, known, probe, &copy)) {
		copy_chain(&c, &probe->chain, &copy.chain);
		copy.der = texts(&c, probe->der, probe->der_count);
	}
	copy.requested_authorities = texts(&c, probe->requested_authorities, probe->requested_authority_count);
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++)
		copy.versions[i].text = text(&c, probe->versions[i].text);
	copy.answer = text(&c, probe->answer);
	if (c.failed)
		return -ENOMEM;
	*ret_probe = copy;
	return 0;
}
