/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_SIGHT_H
#define FEDGE_EXPLAIN_SIGHT_H
/* One predicate of the table against one sighting of a step. */
#include "explain/signature.h"

bool sight_is_seen(const struct signature_seen *seen, const struct explain_case *c, const struct explain_step *step,
	const struct explain_event *event);
/* Ids that say no more than that no reason was given: 1011, 1033 to 1037, 10003, 13008. */
bool sight_is_silence(uint32_t id);
/* The text after another, without case; absent where it is not there. */
struct span sight_find(struct span text, struct span words);
#endif
