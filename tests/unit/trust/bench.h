/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of trust/ have in common: a judge with its arena, and short ways to write facts. */
#include "base/require.h"
#include "finding/finding.h"
#include "trust/judge.h"
#include "unit/cmocka_all.h"

#define NOW_S INT64_C(1790000000) /* 2026-09-21 */
#define DAY_S INT64_C(86400)

struct bench {
	struct arena arena;
	struct finding_list list;
	struct trust_policy policy;
	struct trust_judge judge;
};

static inline void bench_open(struct bench *b)
{
	*b = (struct bench){ .policy = { .kind = TRUST_POLICY_MICROSOFT, .discover = true } };
	arena_init(&b->arena, 1 << 20);
	finding_list_init(&b->list, &b->arena, FINDING_PARTNER);
	b->judge = (struct trust_judge){ .policy = &b->policy, .findings = &b->list, .now_s = NOW_S };
}

static inline void bench_close(struct bench *b)
{
	arena_done(&b->arena);
}

/* All codes found, in order: "srv-port-unusual srv-target-partly-outside". */
static inline const char *bench_codes(const struct bench *b, char ret_text[1024])
{
	ret_text[0] = '\0';
	for (const struct finding *f = b->list.first; f; f = f->next) {
		if (*ret_text)
			strncat(ret_text, " ", 1023 - strlen(ret_text));
		strncat(ret_text, finding_entry(f->code)->code, 1023 - strlen(ret_text));
	}
	return ret_text;
}

static inline const char *bench_error(const struct bench *b)
{
	const struct finding *f = finding_list_first_error(&b->list);
	return f ? finding_entry(f->code)->code : "";
}

/* Answers with the targets given ("host" or "host:port"), NULL-terminated. */
static inline struct trust_domain bench_domain(
	const char *domain, const char *const *targets, struct trust_srv *records)
{
	size_t count = 0;
	for (; targets && targets[count]; count++) {
		struct span rest = span_of(targets[count]), port = SPAN("5061");
		struct span host = span_cut(&rest, ':');
		uint64_t number = 0;
		if (rest.at)
			port = rest;
		span_to_u64(port, 65535, &number);
		records[count] = (struct trust_srv){ .port = (uint16_t)number, .target = host, .ttl_s = 300 };
	}
	return (struct trust_domain){
		.domain = span_of(domain),
		.service = SPAN(TRUST_SERVICE),
		.lookup = { .status = count ? TRUST_LOOKUP_OK : TRUST_LOOKUP_NXDOMAIN, .ttl_s = 300 },
		.records = records,
		.record_count = count,
	};
}

/* A certificate in its best years: CN, DNS names (NULL-terminated; NULL: no SAN at all). */
static inline struct trust_certificate bench_certificate(const char *cn, const char *const *names, struct span *storage)
{
	size_t count = 0;
	for (; names && names[count]; count++)
		storage[count] = span_of(names[count]);
	return (struct trust_certificate){
		.subject = span_of(cn),
		.issuer = SPAN("CN=Lab Intermediate"),
		.common_name = span_of(cn),
		.has_names = count > 0,
		.dns_names = storage,
		.dns_name_count = count,
		.not_before_s = NOW_S - 100 * DAY_S,
		.not_after_s = NOW_S + 200 * DAY_S,
		.usage = TRUST_USAGE_SERVER | TRUST_USAGE_CLIENT,
		.key_kind = TRUST_KEY_RSA,
		.key_bits = 2048,
		.signature = SPAN("sha256WithRSAEncryption"),
	};
}

static inline struct trust_chain bench_chain(const struct trust_certificate *leaf)
{
	return (struct trust_chain){ .certificates = leaf, .count = 1, .sent_count = 1, .status = TRUST_CHAIN_TRUSTED };
}
