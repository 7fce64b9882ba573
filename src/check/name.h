/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_NAME_H
#define FEDGE_CHECK_NAME_H
/* A domain as people type it, made into what the DNS is asked for. Pure; asks nobody. */
#include "base/arena.h"

/* UTF-8, with or without the root dot; `user@domain` and SIP URIs stand for the domain behind the @. true: *ret_domain
 * is the name in A-labels (RFC 5890), lower case, without the root dot. false: *ret_why_not is one line for people.
 * Both live in the arena or for ever. */
bool check_name_read(struct span typed, struct arena *arena, struct span *ret_domain, struct span *ret_why_not);
#endif
