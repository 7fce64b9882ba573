/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_TLSA_H
#define FEDGE_TRUST_TLSA_H
/* R8, policy dane, for this folder: which TLSA record fits which certificate (RFC 6698, RFC 7671). */
#include "trust/facts.h"

enum trust_tlsa_match {
	TRUST_TLSA_NONE, /* nothing fits, or nothing usable is published */
	TRUST_TLSA_AUTHORITY_CHECKED, /* usage 0, 1: fits, and the chain must be trusted as well */
	TRUST_TLSA_ANCHOR, /* usage 2: a certificate of the chain is vouched for; name and dates count */
	TRUST_TLSA_END_ENTITY, /* usage 3: the leaf is vouched for; nothing else counts (RFC 7671 5.1) */
};
/* The strongest match of all records. */
enum trust_tlsa_match trust_tlsa_match(const struct trust_host *host, const struct trust_chain *chain);
#endif
