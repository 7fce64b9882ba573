/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/tlsa.h"

/* RFC 6698 2.1: the digest that the record speaks of. The facts carry digests only, so full data (matching type 0) is
 * held against the certificate by its own. */
static struct span digest_of(const struct trust_certificate *certificate, const struct trust_tlsa *record)
{
	bool short_digest = record->matching == 0 || record->matching == 1;
	if (record->selector == 0 && short_digest)
		return certificate->fingerprint;
	if (record->selector == 0 && record->matching == 2)
		return certificate->der_sha512;
	if (record->selector == 1 && short_digest)
		return certificate->key_sha256;
	if (record->selector == 1 && record->matching == 2)
		return certificate->key_sha512;
	return SPAN_NONE;
}

static bool fits(const struct trust_certificate *certificate, const struct trust_tlsa *record)
{
	struct span digest = digest_of(certificate, record);
	return digest.length > 0 && span_equal(digest, record->matching == 0 ? record->data_sha256 : record->data);
}

/* Only what the leaf really hangs on: anybody can append somebody else's authority to his own chain. */
static bool fits_issuer(const struct trust_chain *chain, const struct trust_tlsa *record)
{
	for (size_t i = 1; i < chain->count && chain->certificates[i].signed_previous; i++)
		if (fits(&chain->certificates[i], record))
			return true;
	return false;
}

static enum trust_tlsa_match match_record(const struct trust_chain *chain, const struct trust_tlsa *record)
{
	switch (record->usage) {
	case 0:
		return fits_issuer(chain, record) ? TRUST_TLSA_AUTHORITY_CHECKED : TRUST_TLSA_NONE;
	case 1:
		return fits(&chain->certificates[0], record) ? TRUST_TLSA_AUTHORITY_CHECKED : TRUST_TLSA_NONE;
	case 2:
		return fits_issuer(chain, record) ? TRUST_TLSA_ANCHOR : TRUST_TLSA_NONE;
	case 3:
		return fits(&chain->certificates[0], record) ? TRUST_TLSA_END_ENTITY : TRUST_TLSA_NONE;
	default:
		return TRUST_TLSA_NONE;
	}
}

enum trust_tlsa_match trust_tlsa_match(const struct trust_host *host, const struct trust_chain *chain)
{
	enum trust_tlsa_match best = TRUST_TLSA_NONE;
	for (size_t i = 0; chain->count > 0 && i < host->tlsa_count; i++) {
		enum trust_tlsa_match match = match_record(chain, &host->tlsa[i]);
		if (match > best)
			best = match;
	}
	return best;
}
