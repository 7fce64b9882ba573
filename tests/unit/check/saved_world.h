/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as nobody would make them by hand: every field of struct check_facts at random, certificates that are real. */
#include "base/random.h"
#include "check/facts.h"
#include "peer/chain.h"
#include "unit/cmocka_all.h"
#include "unit/net/certificates.h"

#define PICTURES 5
struct pictures {
	struct issued issued[PICTURES]; /* root, intermediate, edge, another, self-signed */
	struct span der[PICTURES];
};

static inline void pictures_make(struct pictures *p)
{
	p->issued[0] = issue(&(struct wish){ .name = "Root", .authority = true });
	p->issued[1] = issue(&(struct wish){ .name = "Intermediate", .authority = true, .issuer = &p->issued[0] });
	p->issued[2] = issue(&(struct wish){ .name = "vcse.a.example", .issuer = &p->issued[1] });
	p->issued[3] = issue(&(struct wish){ .name = "other.example", .issuer = &p->issued[0], .usage = "serverAuth" });
	p->issued[4] = issue(&(struct wish){ .name = "alone.example" });
	for (size_t i = 0; i < PICTURES; i++) {
		unsigned char *bytes = NULL;
		int length = i2d_X509(p->issued[i].certificate, &bytes);
		assert_true(length > 0);
		p->der[i] = span_make((char *)bytes, (size_t)length);
	}
}

static inline void pictures_free(struct pictures *p)
{
	for (size_t i = 0; i < PICTURES; i++) {
		OPENSSL_free((void *)(uintptr_t)p->der[i].at);
		issued_free(&p->issued[i]);
	}
}

struct dice {
	struct random random;
	struct arena *arena;
	const struct pictures *pictures;
};

static inline uint64_t roll(struct dice *d, uint64_t below)
{
	return random_below(&d->random, below);
}

static inline bool coin(struct dice *d)
{
	return roll(d, 2) == 1;
}

/* Absent, empty, plain, with everything that is hard to quote, not UTF-8 at all. */
static inline struct span any_text(struct dice *d)
{
	static const struct span texts[] = { { NULL, 0 }, SPAN(""), SPAN("plain"), SPAN("\"quoted\\\""), SPAN("a\0b"),
		SPAN("\033[31mred\a\r\n\t\x7f"), SPAN("gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\x9e"), SPAN("\xff\xfe"),
		SPAN("\xed\xa0\x80"),
		SPAN("\xe2\x80\xae"
		     "turned"),
		SPAN("a|b='c';d,[e]{f}") };
	if (roll(d, 20) == 0) {
		size_t length = roll(d, 300);
		char *bytes = arena_allocate(d->arena, length + 1);
		assert_non_null(bytes);
		random_bytes(&d->random, bytes, length);
		return span_make(bytes, length);
	}
	return arena_copy(d->arena, texts[roll(d, sizeof(texts) / sizeof(*texts))]);
}

static inline int64_t any_step(struct dice *d)
{
	return coin(d) ? -1 : (int64_t)roll(d, 20000000);
}

static inline struct trust_lookup any_lookup(struct dice *d)
{
	return (struct trust_lookup){
		.status = (enum trust_lookup_status)roll(d, TRUST_LOOKUP_MALFORMED + 1),
		.secure = coin(d),
		.bogus = coin(d),
		.ttl_s = (uint32_t)random_u64(&d->random),
		.name = any_text(d),
		.canonical = any_text(d),
		.why = any_text(d),
	};
}

static inline void *any_room(struct dice *d, size_t count, size_t size)
{
	void *room = arena_zero(d->arena, count * size + 1);
	assert_non_null(room);
	return room;
}

static inline struct trust_host any_host(struct dice *d, size_t index)
{
	static const char *const addresses[] = { "198.51.100.47", "2001:db8::47", "10.0.0.1", "::1", "127.0.0.1" };
	struct trust_host host = {
		.name = arena_printf(d->arena, "vcse%zu.%s", index, roll(d, 4) ? "a.example" : "b.example"),
		.a = any_lookup(d),
		.aaaa = any_lookup(d),
		.tlsa_lookup = any_lookup(d),
		.address_count = roll(d, 4),
		.tlsa_count = roll(d, 3),
	};
	struct trust_address *list = any_room(d, host.address_count, sizeof(*list));
	struct trust_tlsa *tlsa = any_room(d, host.tlsa_count, sizeof(*tlsa));
	for (size_t i = 0; i < host.address_count; i++) {
		list[i].text = span_of(addresses[roll(d, 5)]);
		list[i].is_ipv6 = span_find(list[i].text, ':') < list[i].text.length;
		list[i].is_private = trust_address_is_private(list[i].text);
	}
	for (size_t i = 0; i < host.tlsa_count; i++) {
		struct span picture = d->pictures->der[roll(d, PICTURES)];
		tlsa[i] = (struct trust_tlsa){ (uint8_t)roll(d, 5), (uint8_t)roll(d, 3), (uint8_t)roll(d, 3),
			span_first(picture, roll(d, 65)), SPAN_NONE };
		if (tlsa[i].matching == 0) {
			unsigned char digest[32];
			EVP_Digest(tlsa[i].data.at, tlsa[i].data.length, digest, NULL, EVP_sha256(), NULL);
			tlsa[i].data_sha256 = arena_copy(d->arena, span_make((const char *)digest, sizeof(digest)));
		}
	}
	host.addresses = list;
	host.tlsa = tlsa;
	return host;
}

static inline void any_chain(struct dice *d, struct peer_probe_facts *probe)
{
	struct span *der = any_room(d, PEER_CHAIN_CERTIFICATES_MAXIMUM, sizeof(*der));
	size_t count = roll(d, 3) ? roll(d, 4) : roll(d, PEER_CHAIN_CERTIFICATES_MAXIMUM + 1);
	for (size_t i = 0; i < count; i++)
		der[i] = d->pictures->der[roll(d, PICTURES)];
	probe->der = der;
	probe->der_count = count;
	if (count)
		assert_int_equal(peer_probe_chain(der, count, NULL, NULL, d->arena, &probe->chain), 0);
	probe->chain.sent_count = count + roll(d, 3);
	probe->chain.status = (enum trust_chain_status)roll(d, TRUST_CHAIN_BAD + 1);
	probe->chain.missing = any_text(d);
	probe->chain.authority = any_text(d);
	probe->chain.private_authority = coin(d);
	probe->chain.seen_as_client = coin(d);
	probe->chain.verify_error = (int)roll(d, 80);
	probe->chain.verify_text = any_text(d);
}

static inline struct peer_probe_facts any_probe(struct dice *d)
{
	static const char *const versions[PEER_VERSION_COUNT] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	struct peer_probe_facts probe = {
		.connection = {
			.target = any_text(d),
			.address = any_text(d),
			.connect = (enum trust_connect_status)roll(d, TRUST_CONNECT_FAILED + 1),
			.handshake = (enum trust_handshake_status)roll(d, TRUST_HANDSHAKE_VERSION + 1),
			.alert = (uint8_t)roll(d, 256),
			.after_our_certificate = coin(d),
			.our_certificate_sent = coin(d),
			.certificate_asked = coin(d),
			.version = coin(d) ? SPAN("TLSv1.3") : SPAN_NONE,
			.cipher = coin(d) ? SPAN("TLS_AES_256_GCM_SHA384") : SPAN_NONE,
			.text = any_text(d),
		},
		.requested_authority_count = roll(d, 8) ? roll(d, 3) : PEER_REQUESTED_AUTHORITIES_MAXIMUM,
		.requested_authorities_cut = coin(d),
		.reaction = (enum peer_reaction)roll(d, PEER_REACTION_COUNT),
		.answer = any_text(d),
		.connect_us = any_step(d),
		.handshake_us = any_step(d),
		.reaction_us = any_step(d),
		.answer_us = any_step(d),
	};
	/* A name of 300 bytes is no name: the reader refuses it. */
	probe.connection.target = span_first(probe.connection.target, 40);
	probe.connection.address = span_first(probe.connection.address, 40);
	struct span *authorities = any_room(d, probe.requested_authority_count, sizeof(*authorities));
	for (size_t i = 0; i < probe.requested_authority_count; i++) {
		authorities[i] = coin(d) ? SPAN("CN=Root") : any_text(d);
		if (!authorities[i].at)
			authorities[i] = SPAN("");
	}
	probe.requested_authorities = authorities;
	bool deep = coin(d);
	for (size_t i = 0; i < PEER_VERSION_COUNT; i++) {
		probe.versions[i].name = versions[i];
		if (deep) {
			probe.versions[i].status = (enum peer_version_status)roll(d, PEER_VERSION_UNDECIDED + 1);
			probe.versions[i].text = any_text(d);
		}
	}
	any_chain(d, &probe);
	return probe;
}

static inline void any_attempts(struct dice *d, struct check_facts *facts)
{
	static const char *const addresses[] = { "198.51.100.47", "2001:db8::47", "127.0.0.1" };
	facts->attempt_count = facts->host_count ? roll(d, 5) : 0;
	facts->attempts = any_room(d, facts->attempt_count, sizeof(*facts->attempts));
	for (size_t i = 0; i < facts->attempt_count; i++) {
		struct check_attempt *attempt = &facts->attempts[i];
		attempt->host = roll(d, facts->host_count);
		attempt->port = (uint16_t)roll(d, 65536);
		attempt->address = roll(d, 6) ? span_of(addresses[roll(d, 3)]) : SPAN_NONE;
		attempt->is_ipv6 = span_find(attempt->address, ':') < attempt->address.length;
		attempt->planned_certificate = coin(d);
		attempt->probe = any_probe(d);
		attempt->answer.asked = coin(d);
		if (!attempt->answer.asked)
			continue;
		attempt->answer = (struct check_answer){ true, (uint16_t)roll(d, 700), any_text(d), any_text(d),
			any_text(d), any_text(d), any_step(d) };
	}
}

/* The facts are the caller's. */
static inline struct check_facts *any_facts(const struct pictures *pictures, uint64_t seed)
{
	struct check_facts *facts = check_facts_new();
	assert_non_null(facts);
	struct dice dice = { .arena = &facts->arena, .pictures = pictures }, *d = &dice;
	random_init_seed(&dice.random, seed);
	facts->typed = any_text(d);
	facts->domain = roll(d, 10) ? SPAN("a.example") : SPAN_NONE;
	facts->why_not = any_text(d);
	facts->examined_us = (int64_t)roll(d, INT64_C(4000000000000000));
	facts->elapsed_us = (int64_t)roll(d, 60000000);
	facts->lookup_us = any_step(d);
	facts->resolvers = any_text(d);
	facts->vantage = any_text(d);
	facts->validated = coin(d);
	facts->why_not_validated = any_text(d);
	facts->client_certificate = coin(d);
	facts->probe_from = any_text(d);
	facts->planned_zone = coin(d);
	facts->deadline_passed = coin(d);
	facts->attempts_cut = coin(d);
	facts->not_connected = coin(d);
	facts->server = coin(d) ? SPAN("vcse0.a.example") : SPAN_NONE;
	facts->server_port = (uint16_t)roll(d, 65536);
	facts->srv.domain = facts->domain;
	facts->srv.service = coin(d) ? SPAN("_sipfederationtls._tcp") : SPAN_NONE;
	facts->srv.lookup = any_lookup(d);
	facts->srv.cut = coin(d);
	facts->srv.record_count = roll(d, 5);
	struct trust_srv *records = any_room(d, facts->srv.record_count, sizeof(*records));
	for (size_t i = 0; i < facts->srv.record_count; i++)
		records[i] = (struct trust_srv){ (uint16_t)roll(d, 65536), (uint16_t)roll(d, 65536),
			coin(d) ? 5061 : (uint16_t)roll(d, 65536),
			roll(d, 5) ? arena_printf(d->arena, "vcse%d.a.example", (int)roll(d, 4)) : SPAN(""),
			(uint32_t)roll(d, 100000) };
	facts->srv.records = records;
	facts->host_count = roll(d, 5);
	facts->hosts = any_room(d, facts->host_count, sizeof(*facts->hosts));
	facts->host_ports = any_room(d, facts->host_count, sizeof(*facts->host_ports));
	for (size_t i = 0; i < facts->host_count; i++) {
		facts->hosts[i] = any_host(d, i);
		facts->host_ports[i] = (uint16_t)roll(d, 65536);
	}
	facts->srv.hosts = facts->hosts;
	facts->srv.host_count = facts->host_count;
	any_attempts(d, facts);
	return facts;
}
