/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_LOCAL_H
#define FEDGE_EDGE_LOCAL_H
/* The Local Zone: phones registered here, as the search finds them. Knows the registrar's bindings and how a phone is
 * reached again (RFC 3261 16.6, 3327, 5626); sends nothing. */
#include "edge/request.h"
#include "registrar/binding.h"

struct edge_contact {
	struct span uri; /* goes into the Request-URI */
	struct span path; /* Path values of its REGISTER, to be its Route; absent: none */
	/* Over the very connection it registered by (flow tokens of RFC 5626, phones behind NAT): then this is the
	 * target and no other is tried. Otherwise the first Path value's, else the contact's own URI is resolved. */
	bool has_target;
	struct transport_target target;
	uint16_t q; /* 0 … 1000; equal ones are asked in parallel, higher ones first */
	struct span instance; /* +sip.instance: several flows to one phone (reg-id) are tried one after the other */
	uint32_t reg_id;
};
#define EDGE_CONTACTS_MAXIMUM 32

/* The contacts of the alias ("2000@steven.lab", or a GRUU), best q first, in the request's arena. 0 where nobody is
 * registered by that name; *ret_is_known then says whether it is one of our users all the same (480, not 404). */
size_t edge_local_contacts(
	struct edge_request *request, struct span alias, const struct edge_contact **ret_contacts, bool *ret_is_known);
/* Is whoever sent this request a phone registered here: by the connection or the address it registered from? Then the
 * request comes from the Local Zone (and is authenticated only if it proves so, edge/authenticate.c). */
bool edge_local_is_phone(struct edge_worker *worker, const struct transport_arrival *arrival);

/* Where a message came from, as the registrar knows it again: the connection, or the address of a datagram. */
struct span edge_local_source(const struct transport_arrival *arrival, char ret_text[REGISTRAR_SOURCE_SIZE]);
#endif
