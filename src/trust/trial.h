/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_TRIAL_H
#define FEDGE_TRUST_TRIAL_H
/* One certificate that is being judged, for this folder. */
#include "trust/judge.h"
#include "trust/tlsa.h"

struct trial {
	const struct trust_judge *judge;
	const struct trust_chain *chain;
	const struct trust_certificate *leaf;
	struct span domain; /* the SIP domain: policy rfc5922 */
	struct span target; /* the host name; with several candidates the first */
	bool failed;
};

/* A finding with the values that Microsoft's face wants; an error by the catalogue fails the trial. */
struct finding *trial_add(struct trial *t, enum finding_code code, struct span subject);
/* The certificate in one line; the note stands under its names. */
void trial_evidence(struct trial *t, struct finding *f, struct span note);
/* R3: whom the chain hangs on, and whether it was sent as it should be (authority.c). */
void trial_authority(struct trial *t);
/* Whether the certificate is named as the issuer of another one that was sent. */
bool trial_is_issuer(const struct trust_chain *chain, size_t i);
/* RFC 7673 3.1: SRV, address and TLSA must all be signed. false: refused, nothing more to judge (dane.c). */
bool trial_tlsa(struct trial *t, const struct trust_candidate *candidate, const struct trust_host *host,
	enum trust_tlsa_match *ret_match);
#endif
