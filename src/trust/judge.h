/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_JUDGE_H
#define FEDGE_TRUST_JUDGE_H
/* The rules of trust as pure functions: facts in, findings and candidates out. No sockets, no clock,
 * no files; the same judge serves the edge, the examiner and the explainer. Every rule, with its
 * source, is in docs/rules.md; R1 to R9 below are its headings.
 *
 * Calling out:  trust_judge_domain -> for each candidate: trust_judge_host -> for each address:
 *               trust_judge_connection -> trust_judge_certificate
 * Called:       trust_judge_identity -> trust_judge_domain -> trust_judge_presented
 *               (trust_judge_sender does the three at once)
 * The answer is finding_list_first_error(findings); no error means: accepted. */
#include "base/random.h"
#include "finding/finding.h"
#include "trust/facts.h"
#include "trust/policy.h"

/* What every judge needs. findings decides who owns the domain (finding_list_init); its arena also
 * holds the candidates. */
struct trust_judge {
	const struct trust_policy *policy;
	struct finding_list *findings;
	int64_t now_s; /* seconds since 1970 UTC */
	struct random *random; /* for the weights of RFC 2782; NULL: heaviest first */
};

enum trust_candidate_kind {
	TRUST_CANDIDATE_IN_DOMAIN, /* SRV target that passes the domain rule */
	TRUST_CANDIDATE_SERVER, /* the partner's configured server */
	TRUST_CANDIDATE_PROVIDER, /* SRV target that is a hosting provider's */
	TRUST_CANDIDATE_ANY, /* SRV target under a policy without domain rule */
};

struct trust_candidate {
	enum trust_candidate_kind kind;
	struct span domain; /* whose server it is */
	struct span name; /* host name: SNI, and what the certificate must contain */
	uint16_t port;
	uint16_t priority;
	uint16_t weight;
	bool secure; /* found under DNSSEC */
};

struct trust_plan {
	struct span domain;
	enum trust_standing standing;
	bool accepted; /* no error so far: candidates may be used */
	bool undecided; /* a lookup failed: neither yes nor no */
	const struct trust_candidate *candidates; /* in the order to try them, RFC 2782 */
	size_t candidate_count;
};

/* R5, R6: what can be said without DNS. Gives the plan of a configured server, or the finding of a
 * blocked or unlisted domain; false: the SRV lookup is needed, *ret_plan is unset. */
bool trust_judge_lists(const struct trust_judge *judge, struct span domain, struct trust_plan *ret_plan);

/* R2: srv-missing, srv-lookup-failed, srv-target-outside-domain, srv-target-partly-outside,
 * srv-target-is-domain, srv-port-unusual; asks trust_judge_lists first, and facts may be NULL where that one is
 * enough. -ENOMEM where the arena is full (the plan is then not accepted). */
int trust_judge_domain(const struct trust_judge *judge, struct span domain, const struct trust_domain *facts,
	struct trust_plan *ret_plan);

/* The second half of putting a target right: is the name that srv-target-outside-domain or srv-target-is-domain (f,
 * made of these facts) proposes in the certificate already that the target shows? Says so, or adds the request for one.
 */
void trust_judge_proposal(const struct trust_judge *judge, struct finding *f, const struct trust_domain *facts,
	const struct trust_chain *chain);

/* address-missing, address-lookup-failed, address-private, srv-target-is-alias. true: there is an address to try. */
bool trust_judge_host(
	const struct trust_judge *judge, const struct trust_candidate *candidate, const struct trust_host *facts);

/* connect-…, tls-…, certificate-refused-by-partner. true: the handshake is done, go on to the certificate.
 * With ALERT_SENT the certificate says why: true as well, judge it. */
bool trust_judge_connection(
	const struct trust_judge *judge, const struct trust_candidate *candidate, const struct trust_connection *facts);

/* R3, R4, R8 for one candidate that we connected to. host is needed by the policy dane only (NULL otherwise).
 * All that is wrong is said, in the order chain, dates, usage, name, strength. true: no error. */
bool trust_judge_certificate(const struct trust_judge *judge, const struct trust_candidate *candidate,
	const struct trust_chain *chain, const struct trust_host *host);

/* R8, policy dane, as far as DNS alone tells and no connection was made: tlsa-missing, tlsa-insecure,
 * tlsa-lookup-failed. true: there is a record that may be believed. */
bool trust_judge_tlsa(
	const struct trust_judge *judge, const struct trust_candidate *candidate, const struct trust_host *host);

/* R4 inbound: one candidate of the sender's domain must match the certificate of the connection. */
bool trust_judge_presented(
	const struct trust_judge *judge, const struct trust_plan *plan, const struct trust_chain *chain);

/* Who says that he is calling (R1). Domains are A-labels without port; absent: no such header or no domain. */
struct trust_sender {
	struct span from; /* domain of From's URI */
	bool from_is_anonymous; /* anonymous@anonymous.invalid and the like (RFC 3323) */
	bool from_is_number; /* tel: URI, or user=phone with digits only */
	struct span asserted; /* domain of the sip: P-Asserted-Identity (RFC 3325) */
};
/* Gives the domain to judge, or identity-mismatch / identity-missing and false. */
bool trust_judge_identity(const struct trust_judge *judge, const struct trust_sender *sender, struct span *ret_domain);

/* identity, lists, domain rule, certificate, in this order, ending at the first error. facts is the SRV answer for
 * the domain that trust_judge_identity gives, NULL where trust_judge_lists needs none. true: accepted. */
bool trust_judge_sender(const struct trust_judge *judge, const struct trust_sender *sender,
	const struct trust_domain *facts, const struct trust_chain *chain, struct trust_plan *ret_plan);

/* domain-not-ours: a stranger asks for a domain that we do not serve. */
bool trust_judge_destination(const struct trust_judge *judge, struct span domain);

/* Facts that matter before a certificate is used at all, of a certificate of our own: dates, usage, strength,
 * private authority, and whether `name` is in it. For check --cert and for warnings at start. */
bool trust_judge_own_certificate(const struct trust_judge *judge, struct span name, const struct trust_chain *chain);

/* How a certificate covers a host name (R4). */
enum trust_name_match {
	TRUST_NAME_EXACT, /* a DNS SAN */
	TRUST_NAME_COMMON, /* the CN of a certificate without SAN */
	TRUST_NAME_WILDCARD, /* only a wildcard */
	TRUST_NAME_COMMON_IGNORED, /* the CN, but there is a SAN without it */
	TRUST_NAME_NONE,
};
enum trust_name_match trust_certificate_covers(const struct trust_certificate *certificate, struct span name);
/* The best single name to show as "the name in the certificate": CN, else the first DNS SAN. */
struct span trust_certificate_name(const struct trust_certificate *certificate);

/* R2: the domain with exactly one label in front, without case and without the root dot. */
enum trust_domain_match {
	TRUST_DOMAIN_IN, /* vcse.example.com for example.com */
	TRUST_DOMAIN_APEX, /* example.com itself */
	TRUST_DOMAIN_BELOW, /* more than one label under it */
	TRUST_DOMAIN_ABOVE, /* in a parent of it: vcse.lab for example.lab */
	TRUST_DOMAIN_OTHER,
};
enum trust_domain_match trust_domain_compare(struct span domain, struct span target);

/* Puts records into the order of RFC 2782: by priority, within one by weighted chance. */
void trust_order_candidates(struct trust_candidate *candidates, size_t count, struct random *random);
#endif
