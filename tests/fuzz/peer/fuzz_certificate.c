/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a stranger calls a certificate: read within bounds, then judged. */
#include "base/require.h"
#include "peer/chain.h"
#include "peer/probe.h"
#include "trust/judge.h"

#include <openssl/x509.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct trust_chain *chain)
{
	struct arena arena;
	struct finding_list list;
	static const enum trust_policy_kind kinds[] = { TRUST_POLICY_MICROSOFT, TRUST_POLICY_RFC5922 };
	for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
		struct trust_policy policy = { .kind = kinds[i], .discover = true };
		struct trust_candidate candidate = {
			.domain = SPAN("a.lab"), .name = SPAN("vcse.a.lab"), .port = 5061
		};
		arena_init(&arena, 1 << 20);
		finding_list_init(&list, &arena, FINDING_PARTNER);
		struct trust_judge judge = { .policy = &policy, .findings = &list, .now_s = 1790000000 };
		bool accepted = trust_judge_certificate(&judge, &candidate, chain, NULL);
		base_require(accepted == (finding_list_first_error(&list) == NULL));
		/* Nobody verified it: nothing may make it trusted. */
		base_require(!accepted);
		arena_done(&arena);
	}
}

/* The same bytes as they come from a file of saved facts. */
static void read_saved(struct span der, const struct trust_certificate *facts)
{
	struct span twice[] = { der, der };
	struct trust_chain chain;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	if (peer_probe_chain(twice, 2, NULL, NULL, &arena, &chain) == 0) {
		base_require(chain.count == 2 && chain.status == TRUST_CHAIN_NOT_VERIFIED);
		base_require(span_equal(chain.certificates[1].fingerprint, facts->fingerprint));
		base_require(chain.certificates[0].dns_name_count == facts->dns_name_count);
	}
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	X509 *certificate = d2i_X509(NULL, &at, (long)size);
	if (!certificate)
		return 0;
	struct arena arena;
	struct trust_certificate facts;
	arena_init(&arena, 1 << 20);
	if (peer_certificate_read(certificate, &arena, &facts) == 0) {
		base_require(facts.dns_name_count + facts.uri_name_count <= PEER_CERTIFICATE_NAMES_MAXIMUM);
		base_require(facts.dns_name_count == 0 || facts.has_names);
		for (size_t i = 0; i < facts.issuer_uri_count; i++)
			for (size_t k = 0; k < facts.issuer_uris[i].length; k++)
				base_require(facts.issuer_uris[i].at[k] > ' ' && facts.issuer_uris[i].at[k] < 0x7f);
		read_saved(span_make((const char *)data, (size_t)(at - data)), &facts);
		struct trust_chain chain = { .certificates = &facts, .count = 1, .sent_count = 1 };
		judge(&chain);
	}
	arena_done(&arena);
	X509_free(certificate);
	return 0;
}
