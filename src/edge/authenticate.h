/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_AUTHENTICATE_H
#define FEDGE_EDGE_AUTHENTICATE_H
/* Who must prove to be somebody, by what the zone he comes from asks for, and what is made of it. The digest itself is
 * registrar/authority.h's, the answers are edge/answer.h's.
 *
 *	comes from           must prove                                  what it is then
 *	a zone               where its policy is check-credentials      that zone's, authenticated
 *	a registered phone   the same, of the Local Zone                the Local Zone's
 *	nobody we know, and
 *	From is one of ours  always, whatever it came by                the Local Zone's, or it goes nowhere
 *	nobody else          where the default zone's policy says so    the Local Zone's
 *
 * A request in a dialog, with the token of our Record-Route, from where somebody has proved himself or registered,
 *needs no digest again; an ACK never does, for it cannot be refused. A user may call as his own aliases or anonymously,
 *and as nobody else (403). */
#include "edge/request.h"
#include "registrar/authority.h"

/* Does it say that it is from one of the registrar's own domains (a REGISTER: for one of them)? */
bool edge_authenticate_claims(const struct edge_request *request);
/* Is the REGISTER for the registrar here? */
bool edge_authenticate_is_registration(const struct edge_request *request);
/* For transport (edge_zone_is_known): the sender of a datagram was given a nonce at that address, so it is not forged.
 */
bool edge_authenticate_is_reached(struct edge_worker *worker, const struct transport_arrival *arrival);
/* What a request says of identities where it goes on (RFC 3325): what is not believed is taken out, who has proved to
 * be somebody is asserted to our own side, credentials for us alone stay here (RFC 3261 22.3). */
struct sip_draft;
void edge_authenticate_dress(struct edge_request *request, struct sip_draft *draft, const struct edge_zone *target);
/* The same of a response that came from there. */
void edge_authenticate_dress_response(struct sip_draft *draft, const struct edge_zone *from);
/* How long a nonce is good. */
int64_t edge_authenticate_nonce_us(const struct edge_site *site);
#endif
