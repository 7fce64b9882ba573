/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_REDIRECT_H
#define FEDGE_EDGE_REDIRECT_H
/* A 3xx from a zone that lets us follow it (RFC 3261 16.7 step 4): its Contacts are searched for as if the caller had
 * dialled them, so transforms, policy and rules say where they may lead. */
#include "edge/request.h"

/* What is found comes before all that is left to be searched. False: nothing is; the answer is the caller's. */
bool edge_redirect_follow(struct edge_request *request, const struct sip_message *response);
#endif
