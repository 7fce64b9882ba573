/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_CHAIN_H
#define FEDGE_PEER_CHAIN_H
/* X.509 into trust's plain facts. Bounded whatever a peer sends: names, certificates and texts have
 * maxima; names that are no clean DNS text (NUL inside, no ASCII, too long) are never kept, only
 * counted as "there are names". */
#include "base/arena.h"
#include "peer/cache.h"

struct net_tls;
struct net_tls_facts;
struct net_failure;
struct peer_view;
struct x509_st;
struct x509_store_st;
struct stack_st_X509;
struct X509_name_st;

#define PEER_CHAIN_CERTIFICATES_MAXIMUM 16
#define PEER_CERTIFICATE_NAMES_MAXIMUM 1024
#define PEER_CERTIFICATE_BYTES_MAXIMUM (256 * 1024)

/* How many of those sent are kept. */
static inline size_t peer_chain_kept(int sent)
{
	if (sent <= 0)
		return 0;
	return sent > PEER_CHAIN_CERTIFICATES_MAXIMUM ? PEER_CHAIN_CERTIFICATES_MAXIMUM : (size_t)sent;
}

/* One certificate. 0, -ENOMEM (the arena is full), -EBADMSG (it cannot be read). */
int peer_certificate_read(struct x509_st *certificate, struct arena *arena, struct trust_certificate *ret_facts);
/* The same where the caller has its DER already (peer_certificate_der, or what it was parsed from). */
int peer_certificate_read_der(
	struct x509_st *certificate, struct span der, struct arena *arena, struct trust_certificate *ret_facts);
/* Its bytes, in the arena. 0, -ENOMEM, -EBADMSG. */
int peer_certificate_der(struct x509_st *certificate, struct arena *arena, struct span *ret_der);
/* RFC 2253 text, cut where it is endless; absent without memory. */
struct span peer_name_text(const struct X509_name_st *name, struct arena *arena);
/* A chain as sent, leaf first; status is TRUST_CHAIN_NOT_VERIFIED. NULL or an empty chain gives count 0. */
int peer_chain_read(struct stack_st_X509 *chain, struct arena *arena, struct trust_chain *ret_facts);

/* The chain that a handshake of ours showed: read, with the bytes of the kept ones (ret_der: an array of count spans,
 * NULL: not wanted), and its status by what the handshake's own verification found. Nothing is verified a second time
 * but what that one did not see. tls is the one of the connection. 0, -ENOMEM, -EBADMSG. */
int peer_chain_of_handshake(const struct net_tls_facts *facts, struct net_tls *tls,
	struct x509_store_st *public_authorities, struct arena *arena, struct trust_chain *ret_chain,
	const struct span **ret_der);

/* Verifies a chain that was read, without a handshake: fills status, missing, verify_…. Dates are left to trust.
 * public_authorities may be NULL: then nothing is said about private authorities. */
void peer_chain_verify(struct trust_chain *chain, struct net_tls *tls, struct stack_st_X509 *certificates,
	bool seen_as_client, struct x509_store_st *public_authorities);

/* What a handshake showed, read once and kept by the leaf's fingerprint. The status is always by the authorities that
 * tls trusts now: what was learned under earlier ones (of a connection that stands, of a session resumed) is verified
 * anew, once. 0 with a reference of the caller's; NULL where the peer showed no certificate. -ESTALE: the session was
 * resumed, and what was known of the leaf is gone, or the chain that began the session was worse: connect again with
 * full_handshake. -ENOMEM, -EBADMSG. */
int peer_chain_learn(struct peer_view *view, struct net_tls *tls, const struct net_tls_facts *facts,
	const struct peer_chain **ret_chain);
/* For net_tls_settings.may_resume; argument is the cache: is the leaf's whole chain known, as trusted? Any thread. */
bool peer_chain_may_resume(void *cache, struct x509_st *leaf);

/* How an attempt ended, as trust wants it. why is NULL while the connection stands; facts is NULL for plain TCP or
 * where TLS has not begun. The spans borrow from all arguments. */
void peer_connection_of(struct span target, struct span address, const struct net_failure *why,
	const struct net_tls_facts *facts, struct trust_connection *ret_connection);
#endif
