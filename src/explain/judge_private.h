/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_JUDGE_PRIVATE_H
#define FEDGE_EXPLAIN_JUDGE_PRIVATE_H
/* How a row of the table that fits becomes a problem: judge.c conducts, judge_facts.c reads what the evidence says,
 * judge_name.c tells the faults of a certificate's name apart, judge_evidence.c quotes, judge_words.c speaks,
 * judge_next.c says what to do to know more, judge_examined.c takes in what an examination found. */
#include "explain/judge.h"
#include "explain/sides.h"
#include "explain/sight.h"
#include "explain/signature.h"

/* What the evidence says of the matter. Absent: it does not say. Borrowed from the events of the case. */
#define JUDGE_FQDNS_MAXIMUM 8
struct judge_facts {
	struct span domain; /* judged, or looked up */
	struct span fqdns[JUDGE_FQDNS_MAXIMUM]; /* SRV targets, "host:port" */
	size_t fqdn_count;
	struct span target; /* the name that a certificate must contain, or that an address is wanted of */
	struct span shown; /* the name that a certificate showed: certName, PeerServer, its CN */
	struct record_spans names; /* all DNS names of that certificate, where the log has them */
	bool names_known;
	struct span address; /* "192.0.2.1:5061" */
	struct span peer;
	struct span words; /* the log's own words for what went wrong */
	struct span error_type, hresult;
	unsigned alert; /* 0: none */
	uint32_t id; /* of diagnostics, 0: none */
	uint32_t result;
	struct span result_name;
	struct span subject; /* as a judgement of ours has it */
	enum finding_who who; /* of that judgement; FINDING_OWNER: it does not say */
};

struct judge {
	const struct explain_judge_settings *settings;
	const struct explain_case *subject;
	struct arena *arena;
	struct explain_problem *problem;
	struct sides sides;
	struct signature_match match;
	struct judge_facts facts;
};

void explain_judge_facts_read(struct judge *j);
/* Of the three faults of a name the one that the evidence shows; at most as sure as *confidence, which is lowered where
 * the evidence does not hold all names. */
enum finding_code explain_judge_name_fault(const struct judge_facts *facts, enum explain_confidence *confidence);
/* Values of the finding by what is known: domain, fqdn, tls-target, PeerServer, alert … */
void explain_judge_values(const struct judge *j, struct finding *f);
struct span explain_judge_subject(const struct judge *j, enum signature_subject kind, enum finding_code code);
void explain_judge_evidence(const struct judge *j, struct finding *f);
void explain_judge_observed(const struct judge *j, struct finding *f);
void explain_judge_sentence(struct judge *j);
void explain_judge_why(struct judge *j);
void explain_judge_next(struct judge *j);
void explain_judge_fixes(const struct judge *j, struct finding *f);
/* Adds a domain that decides the matter, once. */
void explain_judge_domain(struct judge *j, struct span domain);
struct span judge_show_address(const struct judge *j, const struct record_address *address); /* "192.0.2.1:5061" */
/* "sip.skype.lab", or an address, or "the next hop". */
struct span explain_judge_host_name(const struct judge *j, uint32_t host);
#endif
