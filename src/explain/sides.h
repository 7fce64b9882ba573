/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_SIDES_H
#define FEDGE_EXPLAIN_SIDES_H
/* Whose side of a case is whose. A call has a caller's side and a callee's side; "you" is the side whose log was given,
 * and where the logs of both were given the side of the file that was named first. */
#include "explain/judge.h"
#include "finding/catalogue.h"

enum side { SIDE_UNKNOWN, SIDE_CALLER, SIDE_CALLEE };
struct sides {
	const struct explain_case *subject;
	struct span caller, callee; /* domains; absent where there are none */
	uint32_t own_host; /* whose log it is; EXPLAIN_NO_STEP: nobody's (a capture) */
	enum side own;
	bool own_is_known; /* false: only supposed */
	uint32_t own_file; /* the lowest file that the case stands in */
	bool is_client; /* the log is that of the phone or client that began it */
};

void sides_find(const struct explain_case *c, const struct explain_judge_settings *settings, struct sides *ret_sides);
/* Of a domain or host name: by how many labels it has in common with the caller's and the callee's domain. */
enum side sides_of_name(const struct sides *s, struct span name);
enum side sides_of_host(const struct sides *s, uint32_t host);
enum finding_who sides_who(const struct sides *s, enum side side); /* SIDE_UNKNOWN: the partner */
/* The domain of a sip: URI, "user@domain" or host; absent where it has none or only an address. */
struct span sides_domain(struct span uri);
/* The domain that the callee's edge judges: of the first request's P-Asserted-Identity, else of From. */
struct span sides_judged(const struct explain_case *c);
#endif
