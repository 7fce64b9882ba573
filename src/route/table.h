/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_TABLE_H
#define FEDGE_ROUTE_TABLE_H
/* Call processing in the sense of Cisco Expressway ("Dial plan"): pre-search transforms, call policy, search rules.
 * What a call is looked for by, whether it may be, which zones are asked in which order with which alias, and why every
 * other rule was passed over. Pure: a request's facts in, a plan and its reasons out. It knows zones by number only;
 * what a zone is, who may use it and how it is reached is the caller's business.
 *
 * The order (Expressway administrator guide, "Call routing process"):
 *   1. transforms: the first that matches changes the alias
 *   2. call policy: the first rule that fits allows, rejects, or gives another alias, which begins again at 1
 *   3. search rules by priority, 1 first; each that matches may change the alias for its own target
 *   4. a target's answer that names another alias (a redirection) begins again at 1: the caller makes a new plan
 *
 * Glossary.  alias: what is searched for, "user@host" of the Request-URI without scheme, port and
 * parameters.  match: the rule's source and pattern fit; the target is then *considered*, which says
 * nothing about whether it will answer.  stop: after a match no rule of a higher priority number is
 * looked at; rules of the same number still are.  group: targets of one priority; they are asked in parallel, and the
 * next group only when none of them was found.
 *
 * A table is made once of a configuration and then only read, by any thread. */
#include "base/arena.h"
#include "base/span.h"
#include "route/variable.h"

enum route_source {
	ROUTE_SOURCE_ANY,
	ROUTE_SOURCE_ALL_ZONES, /* every zone, the local one too, but not the default zone */
	ROUTE_SOURCE_DEFAULT, /* the default zone: a system that no zone knows */
	ROUTE_SOURCE_LOCAL, /* the local zone */
	ROUTE_SOURCE_ZONE, /* the zone source_zone */
};
/* An IP address that was dialled needs a rule that says so: "any alias" does not fit one (Expressway administrator
 * guide, "Configuring search rules"). Dialled as user@address, it fits both. */
enum route_mode {
	ROUTE_MODE_ANY, /* whatever is no IP address */
	ROUTE_MODE_ANY_ADDRESS, /* the alias is an IP address, or its host is one */
	ROUTE_MODE_PATTERN,
};
enum route_pattern { ROUTE_PATTERN_EXACT, ROUTE_PATTERN_PREFIX, ROUTE_PATTERN_SUFFIX, ROUTE_PATTERN_REGEX };
enum route_behaviour {
	ROUTE_BEHAVIOUR_LEAVE,
	ROUTE_BEHAVIOUR_STRIP,
	ROUTE_BEHAVIOUR_REPLACE,
	ROUTE_BEHAVIOUR_ADD_PREFIX, /* `replace` goes before the whole alias, as it is */
	ROUTE_BEHAVIOUR_ADD_SUFFIX,
};
enum route_on_match { ROUTE_ON_MATCH_CONTINUE, ROUTE_ON_MATCH_STOP };
/* "SIP variant", later called "Traffic type". MICROSOFT: either of the next two; of rules only. */
enum route_variant {
	ROUTE_VARIANT_ANY,
	ROUTE_VARIANT_STANDARDS,
	ROUTE_VARIANT_MICROSOFT_AV,
	ROUTE_VARIANT_MICROSOFT_IM,
	ROUTE_VARIANT_MICROSOFT,
};
enum route_whether { ROUTE_WHETHER_ANY, ROUTE_WHETHER_YES, ROUTE_WHETHER_NO };

#define ROUTE_ZONE_DEFAULT (-1)
#define ROUTE_ZONE_NONE (-2)

/* ---- what a table is made of; texts are borrowed ---- */

struct route_transform {
	struct span name; /* may be absent */
	bool enabled;
	uint32_t priority; /* 1 first */
	enum route_pattern type;
	struct span
		pattern; /* compared without case, as SIP aliases are on Expressway; regexes match the whole alias */
	/* Strip: what the pattern matched goes. Where nothing would be left (exact, regex) the alias stays as it is. */
	enum route_behaviour behaviour;
	struct span replace; /* exact: the new alias; prefix, suffix: in place of it; regex: \1 … \9 are its groups */
};

enum route_action { ROUTE_ALLOW, ROUTE_REJECT, ROUTE_REDIRECT };
struct route_policy_rule {
	struct span name;
	bool enabled;
	enum route_source source;
	int source_zone;
	enum route_whether authenticated;
	struct span from; /* regex over the caller's alias; absent: any */
	struct span to; /* regex over the alias; absent: any */
	enum route_action action;
	uint16_t status; /* reject */
	struct span reason; /* reject; may be absent */
	struct span alias; /* redirect: \1 … \9 are groups of `to` */
};

struct route_rule {
	struct span name;
	bool enabled;
	uint32_t priority; /* 1 first */
	enum route_source source;
	int source_zone;
	bool authenticated; /* only for requests that are */
	enum route_variant variant;
	enum route_mode mode;
	enum route_pattern type; /* this and the next three: ROUTE_MODE_PATTERN only */
	struct span pattern;
	enum route_behaviour behaviour;
	struct span replace;
	enum route_on_match on_match;
	int target; /* a zone */
};

#define ROUTE_TRANSFORMS_MAXIMUM 2000
#define ROUTE_POLICY_MAXIMUM 2000
#define ROUTE_RULES_MAXIMUM 2000
struct route_table_params {
	const struct route_transform *transforms;
	size_t transform_count;
	const struct route_policy_rule *policy;
	size_t policy_count;
	const struct route_rule *rules;
	size_t rule_count;
	struct route_names names; /* what %variables% stand for */
	int local_zone; /* or ROUTE_ZONE_NONE */
};

/* Which entry did not compile, and why; for people. */
enum route_part { ROUTE_PART_TRANSFORM, ROUTE_PART_POLICY, ROUTE_PART_RULE };
struct route_defect {
	enum route_part part;
	size_t index;
	size_t offset; /* in its pattern, variables filled in */
	char text[256];
};

struct route_table;
/* Entries of equal priority keep their order. -EINVAL: a regular expression does not compile, or a variable is none
 * (*reterr_defect, may be NULL); -E2BIG, -ENOMEM. */
int route_table_new(
	const struct route_table_params *params, struct route_table **ret_table, struct route_defect *reterr_defect);
struct route_table *route_table_free(struct route_table *table); /* accepts NULL, returns NULL */

/* ---- a search ---- */

struct route_request {
	struct span alias;
	struct span caller; /* alias of From, or of the identity that was proved */
	int source; /* a zone, or ROUTE_ZONE_DEFAULT */
	bool authenticated;
	enum route_variant variant; /* of this request; ANY: not known, counts as standards */
};

enum route_verdict {
	ROUTE_DID_NOT_MATCH,
	ROUTE_IGNORED_SOURCE,
	ROUTE_CONSIDERED, /* matched */
	/* A regular expression at its match limit, or an alias too long: counts as not matched. In the call policy it
	 * rejects (403), for a policy that cannot be applied must not let through; so does a redirection to nothing. */
	ROUTE_TOO_COSTLY,
	ROUTE_IGNORED_DISABLED,
	ROUTE_IGNORED_UNAUTHENTICATED, /* it wants a request that is authenticated (one that is and must not be did not
					  match) */
	ROUTE_IGNORED_VARIANT,
};

/* Transforms, policy rules and rules are the table's own copies, their variables filled in. */
struct route_step {
	enum route_part part;
	const struct route_transform *transform; /* the one of the part's kind is set */
	const struct route_policy_rule *policy;
	const struct route_rule *rule;
	enum route_verdict verdict;
	struct span alias; /* as it came out of what matched, else as it went in */
};
struct route_target {
	const struct route_rule *rule;
	int zone;
	struct span alias;
	uint32_t group; /* 0, 1, …: see the glossary */
};
#define ROUTE_TARGETS_MAXIMUM 32
#define ROUTE_STEPS_MAXIMUM 4096
#define ROUTE_RESTARTS_MAXIMUM 8
struct route_plan {
	const struct route_step *steps; /* every entry that was looked at, in order, through all restarts */
	size_t step_count;
	size_t steps_dropped; /* beyond ROUTE_STEPS_MAXIMUM: looked at, but not listed */
	struct span alias; /* what the rules were asked about */
	const struct route_target *targets; /* sorted by group; no zone twice with one alias */
	size_t target_count;
	size_t targets_dropped; /* beyond ROUTE_TARGETS_MAXIMUM */
	const struct route_policy_rule *rejected; /* then there is no target */
	uint16_t rejected_status; /* its status, or 403 for one too costly */
	uint32_t restarts; /* redirections of the policy that were followed */
	bool goes_round; /* too many of them, with those before this plan: no target */
};

/* restarts: how many the search has behind it already (redirections by targets). The plan lives in the arena.
 * 0 or -ENOMEM. */
int route_plan_make(const struct route_table *table, const struct route_request *request, uint32_t restarts,
	struct arena *arena, struct route_plan *ret_plan);
#endif
