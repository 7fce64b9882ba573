/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_OPTIONS_H
#define FEDGE_CHECK_OPTIONS_H
/* What the administrator asked for, as data: filled from the command line (cmd/) or by a test, read by everybody in
 * this folder. Borrows all texts. A zeroed struct is a sensible default. */
#include "base/clock.h"
#include "base/span.h"
#include "trust/policy.h"

struct config_node;

enum check_policies { /* bits: which rule books to judge by */
	CHECK_AS_MICROSOFT = 1 << TRUST_POLICY_MICROSOFT,
	CHECK_AS_RFC5922 = 1 << TRUST_POLICY_RFC5922,
	CHECK_AS_DANE = 1 << TRUST_POLICY_DANE,
	CHECK_AS_ALL = CHECK_AS_MICROSOFT | CHECK_AS_RFC5922 | CHECK_AS_DANE,
};
/* "microsoft", "rfc5922", "dane" */
const char *check_policy_name(enum trust_policy_kind kind);

enum check_owner { /* to whom the findings say "you" */
	CHECK_OWNER_AUTO, /* with a node's configuration: you for its own domains, partner for others; else you */
	CHECK_OWNER_YOU,
	CHECK_OWNER_PARTNER,
};

struct check_options {
	unsigned policies; /* CHECK_AS_ bits; 0: the node's, else microsoft */
	enum check_owner owner;
	const struct config_node
		*node; /* judge as this node would: trust, lists, settings, resolver; NULL: as a stranger */

	/* DNS */
	const char *const *resolvers; /* "IP" or "IP@PORT"; none: the node's, else the system's */
	size_t resolver_count;
	const char *trust_anchor_file; /* for DNSSEC; NULL: the system's, where it has one and dane asks for it */
	const char *zone_file; /* planned records on top of what is published; NULL: none */
	bool zone_only; /* names in the zones of zone_file are asked nowhere else, but for whether they are signed */

	/* TLS */
	const char *const *authority_files; /* trusted besides the system's (with node: besides the node's) */
	size_t authority_count;
	bool no_system_authorities;
	const char *const *intermediate_files; /* known: only to say that a chain is incomplete */
	size_t intermediate_count;
	const char *client_certificate_file; /* NULL: the node's, else none is shown */
	const char *client_key_file;
	const char *planned_certificate_file; /* --cert: judged instead of what the servers show; NULL: none */

	/* how deep */
	bool no_connect; /* DNS (and the planned certificate) only */
	bool deep; /* all TLS versions */
	bool probe; /* OPTIONS over SIP */
	const char *probe_from; /* sip:…: the sender of the OPTIONS; NULL: a name of this machine */
	/* 0 takes the default: lookup 3 s, connect 5 s, handshake 5 s, reaction 700 ms, answer 5 s */
	int64_t lookup_us, connect_us, handshake_us, reaction_us, answer_us;
	/* The whole domain, whatever its servers do; 0: 30 s. */
	int64_t domain_us;
	/* What the facts of all domains in flight hold together, beyond a share that each is sure of; 0: 256 MiB. */
	size_t facts_bytes;

	int64_t judged_at_us; /* wall time for dates; 0: when the facts were gathered */
	int64_t expires_soon_s; /* 0: the node's, else the rule book's */
	bool private_is_fine; /* address-private is not said (a lab, a private network) */
};
#endif
