/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/chain.h"

#include "base/require.h"
#include "net/tls.h"
#include "peer/entry.h"
#include "peer/view.h"
#include "peer/view_private.h"

#include <errno.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* ---- reading ---- */

static bool signed_by(X509 *certificate, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	return key && X509_check_ca(issuer) > 0 && X509_check_issued(issuer, certificate) == X509_V_OK &&
	       X509_verify(certificate, key) == 1;
}

int peer_chain_read(struct stack_st_X509 *chain, struct arena *arena, struct trust_chain *ret_facts)
{
	int sent = chain ? sk_X509_num(chain) : 0;
	size_t count = sent > PEER_CHAIN_CERTIFICATES_MAXIMUM ? PEER_CHAIN_CERTIFICATES_MAXIMUM
							      : (size_t)(sent > 0 ? sent : 0);
	struct trust_chain facts = { .count = count, .sent_count = sent > 0 ? (size_t)sent : 0 };
	struct trust_certificate *certificates = arena_zero(arena, (count + 1) * sizeof(*certificates));
	if (!certificates)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		X509 *certificate = sk_X509_value(chain, (int)i);
		int status = peer_certificate_read(certificate, arena, &certificates[i]);
		if (status < 0)
			return status;
		certificates[i].signed_previous = i > 0 && signed_by(sk_X509_value(chain, (int)i - 1), certificate);
	}
	facts.certificates = certificates;
	*ret_facts = facts;
	return 0;
}

/* ---- status ---- */

static const struct {
	int error;
	enum trust_chain_status status;
} statuses[] = {
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TRUST_CHAIN_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TRUST_CHAIN_UNTRUSTED },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TRUST_CHAIN_UNTRUSTED },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TRUST_CHAIN_UNTRUSTED },
	{ X509_V_ERR_CERT_UNTRUSTED, TRUST_CHAIN_UNTRUSTED },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, TRUST_CHAIN_UNTRUSTED },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TRUST_CHAIN_SELF_SIGNED },
	{ X509_V_ERR_INVALID_PURPOSE, TRUST_CHAIN_WRONG_PURPOSE },
	{ X509_V_ERR_CERT_REVOKED, TRUST_CHAIN_REVOKED },
	/* Dates are trust's: it sees those of every certificate that was sent. */
	{ X509_V_OK, TRUST_CHAIN_TRUSTED },
	{ X509_V_ERR_CERT_HAS_EXPIRED, TRUST_CHAIN_TRUSTED },
	{ X509_V_ERR_CERT_NOT_YET_VALID, TRUST_CHAIN_TRUSTED },
};

static enum trust_chain_status status_of(const struct trust_chain *chain, const struct net_tls_problem *problem)
{
	bool date = problem->error == X509_V_ERR_CERT_HAS_EXPIRED || problem->error == X509_V_ERR_CERT_NOT_YET_VALID;
	/* A root that is out of date was not sent: trust cannot see it, so it is said here. */
	if (date && problem->depth >= (int)chain->count)
		return TRUST_CHAIN_UNTRUSTED;
	/* The leaf's purpose is judged by its usage; an issuer that may not issue is a broken chain. */
	if (problem->error == X509_V_ERR_INVALID_PURPOSE && problem->depth > 0)
		return TRUST_CHAIN_BAD;
	for (size_t i = 0; i < BASE_COUNT(statuses); i++)
		if (statuses[i].error == problem->error)
			return statuses[i].status;
	return TRUST_CHAIN_BAD;
}

/* The worse of two: what makes a chain untrusted matters more than what is wrong with its use. */
static int gravity(enum trust_chain_status status)
{
	static const int order[] = {
		[TRUST_CHAIN_TRUSTED] = 0,
		[TRUST_CHAIN_WRONG_PURPOSE] = 1,
		[TRUST_CHAIN_REVOKED] = 2,
		[TRUST_CHAIN_NOT_VERIFIED] = 3,
		[TRUST_CHAIN_INCOMPLETE] = 3,
		[TRUST_CHAIN_UNTRUSTED] = 4,
		[TRUST_CHAIN_SELF_SIGNED] = 4,
		[TRUST_CHAIN_BAD] = 5,
	};
	return order[status];
}

static void take_problem(struct trust_chain *chain, const struct net_tls_problem *problem)
{
	enum trust_chain_status status = status_of(chain, problem);
	if (gravity(status) <= gravity(chain->status))
		return;
	chain->status = status;
	chain->verify_error = problem->error;
	chain->verify_text = span_of(net_tls_verify_text(problem->error));
}

/* The subject of what the last certificate that hangs together was issued by. */
static struct span last_issuer(const struct trust_chain *chain)
{
	size_t last = 0;
	while (last + 1 < chain->count && chain->certificates[last + 1].signed_previous)
		last++;
	return chain->certificates[last].issuer;
}

static void complete_status(struct trust_chain *chain, struct net_tls *tls, struct stack_st_X509 *certificates)
{
	bool untrusted = chain->status == TRUST_CHAIN_UNTRUSTED;
	if (untrusted && net_tls_chain_completes(tls, certificates)) {
		chain->status = TRUST_CHAIN_INCOMPLETE;
		chain->missing = last_issuer(chain);
	}
	if (chain->status == TRUST_CHAIN_TRUSTED || chain->status == TRUST_CHAIN_WRONG_PURPOSE)
		chain->authority = last_issuer(chain);
}

/* Fills status, missing, verify_… from what the handshake found (problems of facts) and the known intermediates of
 * tls. Dates are left to trust. */
static void fill_status(struct trust_chain *chain, struct net_tls *tls, const struct net_tls_facts *facts)
{
	chain->seen_as_client = facts->server;
	if (chain->count == 0)
		return;
	chain->status = TRUST_CHAIN_TRUSTED;
	for (size_t i = 0; i < facts->problem_count; i++)
		take_problem(chain, &facts->problems[i]);
	complete_status(chain, tls, facts->chain);
}

/* Dates and purposes aside: does it end in one of these? */
static bool ends_in(struct x509_store_st *store, struct stack_st_X509 *certificates)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool trusted = false;
	if (context && X509_STORE_CTX_init(context, store, sk_X509_value(certificates, 0), certificates)) {
		X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
		trusted = X509_verify_cert(context) == 1;
	}
	X509_STORE_CTX_free(context);
	return trusted;
}

void peer_chain_verify(struct trust_chain *chain, struct net_tls *tls, struct stack_st_X509 *certificates,
	bool seen_as_client, struct x509_store_st *public_authorities)
{
	struct net_tls_problem problem = { 0 };
	chain->seen_as_client = seen_as_client;
	if (chain->count == 0)
		return;
	if (net_tls_chain_verify(tls, certificates, seen_as_client ? NET_TLS_PURPOSE_CLIENT : NET_TLS_PURPOSE_SERVER, 0,
		    &problem) < 0) {
		chain->status = TRUST_CHAIN_NOT_VERIFIED;
		return;
	}
	chain->status = TRUST_CHAIN_TRUSTED;
	take_problem(chain, &problem);
	complete_status(chain, tls, certificates);
	if (chain->status == TRUST_CHAIN_TRUSTED && public_authorities)
		chain->private_authority = !ends_in(public_authorities, certificates);
}

/* ---- learning ---- */

/* Everything that the status was made of: the same leaf may come with another chain next time. */
static uint64_t shown_hash(const struct peer_cache *cache, const struct net_tls_facts *facts)
{
	uint64_t hash = facts->generation;
	for (int i = 0; i < sk_X509_num(facts->chain); i++)
		hash = hash_mix(hash, peer_leaf_hash(cache, sk_X509_value(facts->chain, i), facts->server));
	for (size_t i = 0; i < facts->problem_count; i++)
		hash = hash_mix(hash, (uint64_t)facts->problems[i].error << 8 | (uint8_t)facts->problems[i].depth);
	return hash;
}

static int entry_make(struct peer_cache *cache, struct net_tls *tls, const struct net_tls_facts *facts, uint64_t shown,
	struct peer_entry **ret_entry)
{
	struct peer_entry *entry = peer_entry_new(PEER_CHAIN);
	if (!entry)
		return -ENOMEM;
	int status = peer_chain_read(facts->chain, &entry->arena, &entry->chain.facts);
	if (status < 0) {
		peer_entry_unref(entry);
		return status;
	}
	fill_status(&entry->chain.facts, tls, facts);
	entry->leaf = sk_X509_value(facts->chain, 0);
	X509_up_ref(entry->leaf);
	entry->server = facts->server;
	entry->generation = facts->generation;
	entry->shown = shown;
	entry->chain.learned_us = clock_wall_us(peer_cache_settings(cache)->clock);
	*ret_entry = entry;
	return 0;
}

int peer_chain_learn(struct peer_view *view, struct net_tls *tls, const struct net_tls_facts *facts,
	const struct peer_chain **ret_chain)
{
	if (!facts->chain || sk_X509_num(facts->chain) == 0) {
		*ret_chain = NULL;
		return 0;
	}
	struct peer_cache *cache = view->cache;
	X509 *leaf = sk_X509_value(facts->chain, 0);
	uint64_t epoch = peer_cache_epoch(cache);
	uint64_t hash = peer_leaf_hash(cache, leaf, facts->server);
	uint64_t shown = facts->resumed ? 0 : shown_hash(cache, facts);
	struct peer_entry *entry = peer_view_find_leaf(view, leaf, facts->server, hash);
	if (entry && facts->resumed && entry->generation != net_tls_generation(tls)) {
		/* A change of trust forgets all sessions, so this one was verified after the last change: by
		 * some worker, who told the shared table. What we remember ourselves may be older. */
		peer_view_forget(view, entry, hash);
		peer_entry_unref(entry);
		entry = peer_view_find_leaf(view, leaf, facts->server, hash);
	}
	if (entry && (facts->resumed || entry->shown == shown)) {
		*ret_chain = &entry->chain;
		return 0;
	}
	peer_entry_unref(entry);
	if (facts->resumed)
		return -ESTALE;
	int status = entry_make(cache, tls, facts, shown, &entry);
	if (status < 0)
		return status;
	peer_cache_put(cache, entry, hash, epoch);
	peer_view_keep(view, entry, hash);
	*ret_chain = &entry->chain;
	return 0;
}

bool peer_chain_may_resume(void *cache, struct x509_st *leaf)
{
	/* Only servers are asked. */
	struct peer_entry *entry = peer_cache_find_leaf(cache, leaf, true, peer_leaf_hash(cache, leaf, true));
	bool known = entry != NULL;
	peer_entry_unref(entry);
	return known;
}
