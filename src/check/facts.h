/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_FACTS_H
#define FEDGE_CHECK_FACTS_H
/* Everything that was seen of one domain: its SRV answer, each target's addresses, and what each address of each target
 * showed. Plain data in an arena of its own; gathered from the network (check/examiner.h) or read from a file
 * (check/save.h), judged as often as one likes (check/judge.h). Never holds a judgement. */
#include "base/arena.h"
#include "peer/probe.h"
#include "trust/facts.h"

#define CHECK_HOSTS_MAXIMUM 64 /* targets of which the addresses are asked, in RFC 2782 order */
#define CHECK_ATTEMPTS_MAXIMUM 128 /* addresses that are tried */
#define CHECK_FACTS_BYTES_MAXIMUM (8u << 20)
/* Beyond so many bytes of its own a domain shares with all that are in flight (check/budget.h): */
#define CHECK_FACTS_SURE_BYTES (64u << 10)
#define CHECK_FACTS_TOGETHER_BYTES (256u << 20)

struct check_budget;

/* The answer to an OPTIONS. */
struct check_answer {
	bool asked;
	uint16_t status; /* 0: no answer that is SIP */
	struct span reason;
	struct span server; /* Server or User-Agent */
	struct span diagnostics; /* ms-diagnostics, else ms-diagnostics-public, else Warning: the value */
	struct span text; /* status 0: what came instead, in words */
	int64_t elapsed_us;
};

/* One address of one target (or of a configured server). */
struct check_attempt {
	size_t host; /* index into facts.hosts */
	uint16_t port;
	struct span address; /* "192.0.2.47", as in the host's addresses; absent: it has none, and only
				planned_certificate stands here */
	bool is_ipv6;
	bool planned_certificate; /* probe.chain is the one planned, not what the server showed */
	struct peer_probe_facts probe;
	struct check_answer answer;
};

struct check_facts {
	struct arena arena; /* of all below */
	struct check_budget *budget; /* NULL: the arena's own maximum alone counts */
	size_t leased; /* of the budget */
	struct span typed; /* as it was asked for, UTF-8 */
	struct span domain; /* A-labels, lower case; absent where typed is no domain name */
	struct span why_not; /* why it is none */
	int64_t examined_us; /* wall time of the beginning */
	int64_t elapsed_us; /* of the whole examination */
	int64_t lookup_us; /* of the SRV question; -1: not asked */
	struct span resolvers; /* who was asked: "127.0.0.1@53", "the system's" */
	struct span vantage; /* the name of this machine, or of the node it judged for */
	bool validated; /* the resolver validated by DNSSEC; false: `secure` says nothing anywhere */
	struct span why_not_validated; /* DNSSEC was wanted and could not be had; absent: it was, or was not wanted */
	bool client_certificate; /* we had one to show */
	struct span probe_from; /* of the OPTIONS, where the sender was asked for; absent: a name of this machine */
	bool planned_zone; /* records of a file were laid over the published ones */
	bool deadline_passed; /* the domain's own deadline ended it: what is missing was not tried */
	bool attempts_cut; /* more addresses than CHECK_ATTEMPTS_MAXIMUM, or more targets than CHECK_HOSTS_MAXIMUM */
	bool not_connected; /* it was asked for that no connection be made */
	struct trust_domain srv; /* hosts filled in; lookup NOT_ASKED where a configured server made it needless */
	struct span server; /* that configured server; absent: none */
	uint16_t server_port;
	struct trust_host *hosts; /* one per distinct name, also targets outside the domain */
	uint16_t *host_ports; /* the port of the first record that names it: where its TLSA was asked */
	size_t host_count;
	struct check_attempt *attempts; /* in the order of the hosts, then of their addresses */
	size_t attempt_count;
};

/* Into the facts' own arena, with everything the source points at; certificates that an attempt before it (index below
 * known) showed too are not kept twice. 0, or -ENOMEM: the arena is full, *ret_probe is unset. */
int check_facts_copy_probe(struct check_facts *facts, const struct check_attempt *attempts, size_t known,
	const struct peer_probe_facts *probe, struct peer_probe_facts *ret_probe);
int check_facts_copy_chain(struct arena *arena, const struct trust_chain *chain, struct trust_chain *ret_chain);
/* What the DNS said of a domain and of a host, likewise; hosts of the domain are left out. */
int check_facts_copy_domain(struct arena *arena, const struct trust_domain *domain, struct trust_domain *ret_domain);
int check_facts_copy_host(struct arena *arena, const struct trust_host *host, struct trust_host *ret_host);

/* An empty one with its arena ready; NULL without memory. */
struct check_facts *check_facts_new(void);
void check_facts_free(struct check_facts *facts); /* NULL is harmless */

/* What they hold counts in that budget from now on; it is referenced. */
void check_facts_live_within(struct check_facts *facts, struct check_budget *budget);
/* About to keep so many bytes at most: until check_facts_settle the arena gives what the budget has left for them, and
 * no more. Settled, small things find room, and are counted when it is settled again. */
void check_facts_claim(struct check_facts *facts, size_t bytes);
void check_facts_settle(struct check_facts *facts);
#endif
