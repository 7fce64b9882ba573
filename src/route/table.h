/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_TABLE_H
#define FEDGE_ROUTE_TABLE_H
/* Search rules in the sense of Cisco Expressway ("Dial plan > Search rules"): which zones are asked
 * for an alias, in which order, with which alias, and why every other rule was passed over. Pure: a
 * request's facts in, a plan and its reasons out. It knows zones by number only; what a zone is, who
 * may use it and how it is reached is the caller's business.
 *
 * Glossary.  alias: what is searched for, "user@host" of the Request-URI without scheme, port and
 * parameters.  match: the rule's source and pattern fit; the target is then *considered*, which says
 * nothing about whether it will answer.  stop: after a match no rule of a higher priority number is
 * looked at; rules of the same number still are (Expressway administrator guide, "Search rules").
 *
 * A table is made once of a configuration and then only read, by any thread. */
#include "base/arena.h"
#include "base/span.h"

enum route_source {
	ROUTE_SOURCE_ANY,
	ROUTE_SOURCE_ALL_ZONES, /* every zone but the default zone */
	ROUTE_SOURCE_DEFAULT, /* the default zone: a system that no zone knows */
	ROUTE_SOURCE_ZONE, /* the zone source_zone */
};
enum route_mode { ROUTE_MODE_ANY, ROUTE_MODE_PATTERN };
enum route_pattern { ROUTE_PATTERN_EXACT, ROUTE_PATTERN_PREFIX, ROUTE_PATTERN_SUFFIX, ROUTE_PATTERN_REGEX };
enum route_behaviour { ROUTE_BEHAVIOUR_LEAVE, ROUTE_BEHAVIOUR_STRIP, ROUTE_BEHAVIOUR_REPLACE };
enum route_on_match { ROUTE_ON_MATCH_CONTINUE, ROUTE_ON_MATCH_STOP };

#define ROUTE_ZONE_DEFAULT (-1)

struct route_rule {
	struct span name;
	uint32_t priority; /* 1 first */
	enum route_source source;
	int source_zone;
	enum route_mode mode;
	enum route_pattern type; /* this and the next three: ROUTE_MODE_PATTERN only */
	struct span pattern; /* compared without case, as SIP aliases are on Expressway */
	/* Strip: what the pattern matched goes. Where nothing would be left (exact, regex) the alias stays as it is. */
	enum route_behaviour behaviour;
	struct span replace; /* exact: the new alias; prefix, suffix: in place of it; regex: \1 … \9 are its groups */
	enum route_on_match on_match;
	int target; /* a zone */
};

#define ROUTE_RULES_MAXIMUM 2000
struct route_table;
/* Borrows the rules' texts. Rules of equal priority keep their order. -EINVAL: a regular expression
 * does not compile (*reterr_rule is its index); -E2BIG, -ENOMEM. */
int route_table_new(const struct route_rule *rules, size_t count, struct route_table **ret_table, size_t *reterr_rule);
struct route_table *route_table_free(struct route_table *table); /* accepts NULL, returns NULL */

enum route_verdict {
	ROUTE_DID_NOT_MATCH,
	ROUTE_IGNORED_SOURCE,
	ROUTE_CONSIDERED,
	ROUTE_TOO_COSTLY, /* a regular expression at its match limit, or an alias too long: counts as not matched */
};

struct route_step {
	const struct route_rule *rule;
	enum route_verdict verdict;
	struct span alias; /* as it came out of a considered rule, else as it went in */
};
struct route_target {
	const struct route_rule *rule;
	int zone;
	struct span alias;
};
#define ROUTE_TARGETS_MAXIMUM 32
struct route_plan {
	const struct route_step *steps; /* every rule that was looked at, in order */
	size_t step_count;
	const struct route_target *targets; /* to be asked one after the other; no zone twice with one alias */
	size_t target_count;
};

/* source: the zone the request came from, or ROUTE_ZONE_DEFAULT. The plan lives in the arena. 0 or -ENOMEM. */
int route_plan_make(const struct route_table *table, struct span alias, int source, struct arena *arena,
	struct route_plan *ret_plan);
#endif
