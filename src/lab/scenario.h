/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_SCENARIO_H
#define FEDGE_LAB_SCENARIO_H
/* What can be wrong between two organisations, and what must come of it: the table of scenarios.
 * Data only. A scenario says what differs from a healthy world (DNS, two certificates, one list)
 * and, for each direction, who calls whom, the answer, the finding, and what must stand in the
 * logs. What it leaves out is as in the healthy world.
 *
 * To add a scenario: one entry in scenario.c (and the name of its finding in the catalogue). */
#include "lab/certificate.h"
#include "lab/topology.h"

enum lab_direction {
	LAB_OUTBOUND, /* from steven.lab to skype.lab */
	LAB_INBOUND,
	LAB_DIRECTION_COUNT
};
const char *lab_direction_name(enum lab_direction direction);

/* How a certificate differs. Names may hold "{domain}": then one name for each own domain. */
struct lab_identity {
	const char *common_name; /* NULL: as in the healthy world, like the names then */
	const char *alternative_names[LAB_SAN_MAXIMUM]; /* none: no SAN */
	bool private_authority; /* issued by one that nobody imported */
	bool leaf_alone;
	bool is_expired;
	bool server_usage_only;
};

struct lab_world {
	/* The target of the SRV record of each own domain; "{domain}" is that domain; NULL: the
	 * healthy one, "vcse.{domain}"; "": no record. */
	const char *our_target;
	/* The A record of that target, where it is not vcse.steven.lab's own name; NULL: vcse's
	 * address; "": none. */
	const char *our_address;
	const char *partner_target; /* of the partner's SRV record; NULL: sip.skype.lab */
	struct lab_identity our_identity; /* of vcse.steven.lab */
	struct lab_identity partner_identity; /* of sip.skype.lab */
	bool partner_blocks_us;
};

/* One record of one log must have all of it. Every mark is looked for in the records that name
 * the call (its Call-ID) only. */
#define LAB_MARK_TEXTS 10
struct lab_mark {
	enum lab_host_id host;
	const char *format; /* which of the host's logs */
	const char *shows; /* what the mark proves, for people; NULL ends a list */
	const char *has[LAB_MARK_TEXTS]; /* NULL-terminated */
	const char *lacks[4]; /* NULL-terminated */
	const char *pattern; /* POSIX extended regular expression, or NULL */
};

#define LAB_ANY (-1)
#define LAB_MARK_LISTS 3
struct lab_expectation {
	const char *caller; /* NULL: the healthy world's */
	const char *callee; /* NULL: the healthy world's */
	const char *further_callee; /* a second call, with the same status; NULL: none */
	int status;
	int diagnostics; /* id of ms-diagnostics at the caller; 0: none; LAB_ANY: not judged */
	int public_diagnostics; /* the same of ms-diagnostics-public */
	const char *finding; /* of the node that refused by it; NULL: none */
	const struct lab_mark *marks[LAB_MARK_LISTS]; /* lists of marks, or NULL */
};

struct lab_scenario {
	const char *name;
	const char *description; /* one line: the fault */
	struct lab_world world;
	struct lab_expectation expected[LAB_DIRECTION_COUNT];
};

size_t lab_scenario_count(void);
const struct lab_scenario *lab_scenario_at(size_t index);
/* NULL where there is none of that name. */
const struct lab_scenario *lab_scenario_find(const char *name);
#define LAB_SCENARIO_MAXIMUM 64
/* NULL-terminated, in the table's order: for "did you mean". */
void lab_scenario_names(const char *ret_names[LAB_SCENARIO_MAXIMUM + 1]);

/* With the healthy world's defaults filled in. */
const char *lab_scenario_caller(const struct lab_scenario *scenario, enum lab_direction direction);
const char *lab_scenario_callee(const struct lab_scenario *scenario, enum lab_direction direction);
struct lab_identity lab_scenario_our_identity(const struct lab_scenario *scenario);
struct lab_identity lab_scenario_partner_identity(const struct lab_scenario *scenario);
#endif
