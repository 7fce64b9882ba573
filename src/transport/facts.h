/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_FACTS_H
#define FEDGE_TRANSPORT_FACTS_H
/* What a TLS handshake showed, as a counted copy that any thread may read: a connection's own facts
 * live and die with it on its worker; this goes along with messages handed to other workers. */
#include "net/tls.h"

struct transport_facts;

/* NULL without memory. */
struct transport_facts *transport_facts_new(const struct net_tls_facts *facts);
struct transport_facts *transport_facts_ref(struct transport_facts *facts); /* NULL is accepted */
void transport_facts_unref(struct transport_facts *facts); /* NULL is accepted */
/* NULL for NULL. */
const struct net_tls_facts *transport_facts_tls(const struct transport_facts *facts);

/* The names of the peer's certificate, for records: text in a caller's array, "" where there is
 * none. names: DNS SANs, spans into storage; returns how many. */
size_t transport_facts_common_name(const struct net_tls_facts *facts, char *ret_text, size_t capacity);
size_t transport_facts_issuer(const struct net_tls_facts *facts, char *ret_text, size_t capacity);
size_t transport_facts_names(
	const struct net_tls_facts *facts, char *storage, size_t capacity, struct span *ret_names, size_t name_maximum);
#endif
