/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_CHANGE_H
#define FEDGE_CHECK_CHANGE_H
/* What is new about a domain since it was last looked at, and what to remember of it from now on. Pure.
 *
 * Somebody may be woken by it, so:
 * - the first sight of a domain is no change, nor is the first sight of a certificate;
 * - what could not be seen in this round has not changed: where a lookup failed or nobody answered, the targets,
 *   addresses and certificates known before stay;
 * - a round that could not decide (our resolver, our network) is no verdict. Only when CHECK_CHANGE_PATIENCE rounds in
 * a row could not, that is said, once; the next verdict then is a change again;
 * - where a part could not be judged, findings of before have not gone because they were not made again;
 * - a certificate is changed when one appears that was not known; that one of several is not shown any more is none. */
#include "base/arena.h"
#include "check/judge.h"
#include "store/watch.h"

#define CHECK_CHANGE_PATIENCE 3
#define CHECK_CHANGE_MAXIMUM 6 /* verdict or finding, targets, certificate, expiry, addresses */
#define CHECK_CHANGE_ARENA_MAXIMUM (4u << 20) /* ample for one domain */

struct check_change_set {
	struct store_watch_state state; /* to remember from now on */
	struct store_watch_change changes[CHECK_CHANGE_MAXIMUM]; /* the most important first */
	size_t count;
};

/* last NULL: never seen. with_facts false: what holds for all rule books alike (targets, certificates) is remembered
 * but was said already. Texts lie in the arena, in last or in the report's facts. 0 or -ENOMEM. */
int check_change_find(const struct check_report *report, const struct store_watch_state *last, bool with_facts,
	struct arena *arena, struct check_change_set *ret_set);

/* The code that explains the verdict: the answer, else the first warning; "" where there is none. */
const char *check_change_leading(const struct check_report *report);
#endif
