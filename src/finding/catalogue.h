/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FINDING_CATALOGUE_H
#define FEDGE_FINDING_CATALOGUE_H
/* The catalogue: every judgement that any part of the program can make. It is data and nothing
 * else; one entry of finding/catalogue.def holds all that is ever said about a code: severity,
 * who acts, the order of refusal, the answer, what Microsoft calls it, and the long help.
 * To add a finding: add one entry there (and its cases to the tests); never reuse a code.
 *
 * What is `confirmed` was seen on the wire or in a published document of the product; the rest is
 * fedge's own contract and is never rendered as a statement about somebody else's product. */
#include "base/span.h"

enum finding_severity {
	FINDING_NOTE,
	FINDING_WARNING,
	FINDING_ERROR,
};

enum finding_who {
	FINDING_YOU,
	FINDING_PARTNER,
	FINDING_NETWORK, /* neither end: a resolver, a firewall, a path between them */
	FINDING_OWNER, /* in the catalogue only: whoever owns the domain examined; an instance says which */
};

/* The order of refusal (rule 6): of several errors the one of the earliest stage is the answer.
 * Also what can be left unjudged because of an earlier fault. */
enum finding_stage {
	FINDING_STAGE_POLICY, /* lists, whose domain, who claims to call */
	FINDING_STAGE_LIMIT,
	FINDING_STAGE_LOOKUP,
	FINDING_STAGE_DOMAIN, /* the domain rule */
	FINDING_STAGE_ADDRESS,
	FINDING_STAGE_CONNECTION,
	FINDING_STAGE_TLS,
	FINDING_STAGE_CERTIFICATE,
	FINDING_STAGE_ROUTE,
	FINDING_STAGE_ANSWER, /* what the peer said */
	FINDING_STAGE_COUNT,
};
#define FINDING_STAGE_BIT(stage) (1u << (stage))

enum finding_code {
	FINDING_NONE,
#define FINDING(name, ...) FINDING_##name,
#include "finding/catalogue.def"
#undef FINDING
	FINDING_COUNT,
};

/* A parameter of a diagnostic header or of a trace record's Data line. */
struct finding_parameter_rule {
	const char *name; /* as written; NULL ends the list */
	const char *from; /* the instance's value of this name; NULL: the same name */
	bool numbered; /* fqdn -> fqdn1, fqdn2, ... one for each value */
	bool is_public; /* only facts the partner publishes itself: may be told to strangers */
};
#define FINDING_PARAMETERS_MAXIMUM 7

struct finding_entry {
	const char *code; /* kebab-case, stable */
	const char *title; /* {words} stand for the subject; see finding_title */
	enum finding_severity severity;
	enum finding_who who;
	enum finding_stage stage;
	unsigned suppresses; /* FINDING_STAGE_BIT of what is not judged because of this */
	uint16_t status; /* the SIP answer that refuses by it; 0: never refuses, or the peer's own */
	struct {
		uint16_t id; /* ms-diagnostics; 0: none known */
		const char *reason;
		bool confirmed; /* a real product answers so: id, text and SIP status */
	} microsoft;
	struct {
		uint32_t code; /* Result-Code of a SIPStack trace; 0: none known, the record goes without */
		const char *name;
		const char *text;
		bool is_error; /* TL_ERROR; otherwise TL_WARN */
	} result;
	struct {
		uint32_t code; /* 0: none */
		const char *name;
		const char *text; /* as in the header: 0x80090322(SEC_E_WRONG_PRINCIPAL) */
	} hresult;
	const char *error_type; /* ErrorType of ms-diagnostics 1010 */
	struct finding_parameter_rule parameters[FINDING_PARAMETERS_MAXIMUM]; /* of ms-diagnostics, in order */
	struct finding_parameter_rule data[FINDING_PARAMETERS_MAXIMUM]; /* of the trace record, in order */
	const char *help; /* paragraphs; the last one begins with "Example:" */
};

/* Every code but FINDING_NONE has an entry. */
const struct finding_entry *finding_entry(enum finding_code code);
/* FINDING_NONE where no finding is called so (compared without case). */
enum finding_code finding_code_of(struct span code);
/* All codes in catalogue order, NULL-terminated: for "did you mean" and completion. */
void finding_codes(const char *ret_codes[FINDING_COUNT]);

const char *finding_severity_name(enum finding_severity severity); /* "error" */
const char *finding_who_name(enum finding_who who); /* "you" */
const char *finding_stage_name(enum finding_stage stage); /* "certificate", "domain rule" */
#endif
