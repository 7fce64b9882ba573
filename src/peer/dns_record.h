/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_DNS_RECORD_H
#define FEDGE_PEER_DNS_RECORD_H
/* How a question to the DNS and its answer are recorded: the same words for all who ask. The caller has filled in the
 * record's head and what an address is looked up for (dns.transport, dns.port); the rest is done here. A clock that
 * went back counts as no time. Asks nothing. */
#include "net/resolver.h"
#include "record/sink.h"

void peer_dns_record_question(
	const struct record_sink *sink, struct record *record, const char *name, enum net_dns_type type);
void peer_dns_record_answer(
	const struct record_sink *sink, struct record *record, const struct net_dns_answer *answer, int64_t elapsed_us);
#endif
