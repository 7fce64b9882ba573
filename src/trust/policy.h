/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_POLICY_H
#define FEDGE_TRUST_POLICY_H
/* How to judge: which rule book, which lists, which settings. Made once (of a configuration or of
 * command-line options), then only read, by any thread. Borrows all its texts. docs/rules.md
 * explains every rule with its source. */
#include "base/span.h"

enum trust_policy_kind {
	TRUST_POLICY_MICROSOFT, /* SRV target one label under the domain, certificate names the target */
	TRUST_POLICY_RFC5922, /* certificate names the SIP domain */
	TRUST_POLICY_DANE, /* TLSA under DNSSEC, RFC 7673 */
};

struct trust_partner {
	struct span domain;
	struct span server; /* configured server ("direct federation"): no SRV lookup; absent: none */
	uint16_t port; /* of the server; 0: 5061 */
};

struct trust_policy {
	enum trust_policy_kind kind;
	bool discover; /* partners on no list are looked up in DNS; no: domain-not-allowed */
	bool wildcards; /* a wildcard in the certificate counts */
	bool apex_targets; /* an SRV target equal to the domain counts as in the domain */
	bool require_client_usage; /* of peers that call us */
	bool private_is_fine; /* both sides share a private network: address-private is not said */
	int64_t expires_soon_s; /* 0: TRUST_EXPIRES_SOON_S; negative: never warn */
	const struct trust_partner *allowed;
	size_t allowed_count;
	const struct span *blocked; /* domains */
	size_t blocked_count;
	const struct span *providers; /* host names whose servers serve any domain */
	size_t provider_count;
	const struct span *own_domains;
	size_t own_domain_count;
};

#define TRUST_EXPIRES_SOON_S (INT64_C(21) * 86400)
#define TRUST_DEFAULT_PORT 5061
#define TRUST_SERVICE "_sipfederationtls._tcp"

/* What the lists alone say of a domain; the order is the order of precedence (rule 5, rule 6). */
enum trust_standing {
	TRUST_STANDING_BLOCKED,
	TRUST_STANDING_CONFIGURED, /* has a server of its own: no lookup needed */
	TRUST_STANDING_ALLOWED,
	TRUST_STANDING_DISCOVERED, /* on no list, and we look for partners */
	TRUST_STANDING_NOT_ALLOWED, /* on no list, and we do not */
};
enum trust_standing trust_policy_standing(const struct trust_policy *policy, struct span domain);
/* The entry of the allowed list, or NULL. */
const struct trust_partner *trust_policy_partner(const struct trust_policy *policy, struct span domain);
bool trust_policy_is_own(const struct trust_policy *policy, struct span domain);
bool trust_policy_is_provider(const struct trust_policy *policy, struct span host);
/* Limits (rule 7) apply to discovered partners only. */
bool trust_policy_is_limited(const struct trust_policy *policy, struct span domain);
#endif
