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

/* proved: the signature itself is known to be good. */
static bool signed_by(X509 *certificate, X509 *issuer, bool proved)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	return key && X509_check_ca(issuer) > 0 && X509_check_issued(issuer, certificate) == X509_V_OK &&
	       (proved || X509_verify(certificate, key) == 1);
}

static bool same_at(struct stack_st_X509 *a, struct stack_st_X509 *b, int i)
{
	X509 *one = sk_X509_value(a, i), *other = sk_X509_value(b, i);
	return one && other && (one == other || X509_cmp(one, other) == 0);
}

/* proved: a chain of which every certificate's signature by the next was verified, as far as it goes; NULL: none.
 * ret_der: NULL, or where the bytes of the kept ones go. */
static int read_chain(struct stack_st_X509 *chain, struct stack_st_X509 *proved, struct arena *arena,
	struct trust_chain *ret_facts, struct span *ret_der)
{
	int sent = chain ? sk_X509_num(chain) : 0;
	struct trust_chain facts = { .count = peer_chain_kept(sent), .sent_count = sent > 0 ? (size_t)sent : 0 };
	struct trust_certificate *certificates = arena_zero(arena, (facts.count + 1) * sizeof(*certificates));
	if (!certificates)
		return -ENOMEM;
	bool hangs = proved && same_at(chain, proved, 0);
	for (int i = 0; i < (int)facts.count; i++) {
		X509 *certificate = sk_X509_value(chain, i);
		int status = ret_der ? peer_certificate_der(certificate, arena, &ret_der[i]) : 0;
		if (status == 0)
			status = ret_der ? peer_certificate_read_der(certificate, ret_der[i], arena, &certificates[i])
					 : peer_certificate_read(certificate, arena, &certificates[i]);
		if (status < 0)
			return status;
		hangs = hangs && same_at(chain, proved, i);
		certificates[i].signed_previous = i > 0 && signed_by(sk_X509_value(chain, i - 1), certificate, hangs);
	}
	facts.certificates = certificates;
	*ret_facts = facts;
	return 0;
}

int peer_chain_read(struct stack_st_X509 *chain, struct arena *arena, struct trust_chain *ret_facts)
{
	return read_chain(chain, NULL, arena, ret_facts, NULL);
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

/* SHA-1: whoever judges strength sees the signature as well, and says it in its own words (docs/rules.md R9). What is
 * worse than that can be forged, and proves nothing. */
static bool is_strength(const struct trust_chain *chain, const struct net_tls_problem *problem)
{
	if (problem->error != X509_V_ERR_CA_MD_TOO_WEAK || problem->depth < 0 || problem->depth >= (int)chain->count)
		return false;
	struct span signature = chain->certificates[problem->depth].signature;
	return span_is(signature, "sha1WithRSAEncryption") || span_is(signature, "ecdsa-with-SHA1");
}

static enum trust_chain_status status_of(const struct trust_chain *chain, const struct net_tls_problem *problem)
{
	bool date = problem->error == X509_V_ERR_CERT_HAS_EXPIRED || problem->error == X509_V_ERR_CERT_NOT_YET_VALID;
	/* A root that is out of date was not sent: trust cannot see it, so it is said here. */
	if (date && problem->depth >= (int)chain->count)
		return TRUST_CHAIN_UNTRUSTED;
	/* The leaf's purpose is judged by its usage; an issuer that may not issue is a broken chain. */
	if (problem->error == X509_V_ERR_INVALID_PURPOSE && problem->depth > 0)
		return TRUST_CHAIN_BAD;
	if (is_strength(chain, problem))
		return TRUST_CHAIN_TRUSTED;
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

/* ---- shown in a handshake ---- */

/* What is wrong with a chain whose signatures are all good. */
static const int harmless_to_signatures[] = {
	X509_V_ERR_CERT_HAS_EXPIRED,
	X509_V_ERR_CERT_NOT_YET_VALID,
	X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
	X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
	X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
	X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	X509_V_ERR_INVALID_PURPOSE,
	X509_V_ERR_CA_MD_TOO_WEAK,
};

static bool is_harmless(int error)
{
	for (size_t i = 0; i < BASE_COUNT(harmless_to_signatures); i++)
		if (harmless_to_signatures[i] == error)
			return true;
	return false;
}

static bool signatures_hold(const struct net_tls_facts *facts)
{
	bool hold = facts->built && !facts->resumed && facts->problem_count < NET_TLS_PROBLEM_MAXIMUM;
	for (size_t i = 0; hold && i < facts->problem_count; i++)
		hold = is_harmless(facts->problems[i].error);
	return hold;
}

static bool holds(struct x509_store_st *store, X509 *root)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	STACK_OF(X509) *namesakes = NULL;
	bool found = false;
	if (context && X509_STORE_CTX_init(context, store, NULL, NULL))
		namesakes = X509_STORE_CTX_get1_certs(context, X509_get_subject_name(root));
	for (int i = 0; !found && i < sk_X509_num(namesakes); i++)
		found = X509_cmp(sk_X509_value(namesakes, i), root) == 0;
	sk_X509_pop_free(namesakes, X509_free);
	X509_STORE_CTX_free(context);
	return found;
}

/* Trusted here; is it so for everybody? Mostly its root is simply there; else another way may lead to a public one. */
static bool is_private(const struct net_tls_facts *facts, struct x509_store_st *public_authorities)
{
	int built = facts->built ? sk_X509_num(facts->built) : 0;
	if (built > 0 && holds(public_authorities, sk_X509_value(facts->built, built - 1)))
		return false;
	return !ends_in(public_authorities, facts->chain);
}

int peer_chain_of_handshake(const struct net_tls_facts *facts, struct net_tls *tls,
	struct x509_store_st *public_authorities, struct arena *arena, struct trust_chain *ret_chain,
	const struct span **ret_der)
{
	size_t count = peer_chain_kept(facts->chain ? sk_X509_num(facts->chain) : 0);
	struct span *der = ret_der ? arena_zero(arena, (count + 1) * sizeof(*der)) : NULL;
	if (ret_der && !der)
		return -ENOMEM;
	struct trust_chain chain;
	int status = read_chain(facts->chain, signatures_hold(facts) ? facts->built : NULL, arena, &chain, der);
	if (status < 0)
		return status;
	chain.seen_as_client = facts->server;
	if (chain.count > 0) {
		chain.status = TRUST_CHAIN_TRUSTED;
		for (size_t i = 0; i < facts->problem_count; i++)
			take_problem(&chain, &facts->problems[i]);
		complete_status(&chain, tls, facts->chain);
		if (chain.status == TRUST_CHAIN_TRUSTED && public_authorities)
			chain.private_authority = is_private(facts, public_authorities);
	}
	*ret_chain = chain;
	if (ret_der)
		*ret_der = der;
	return 0;
}

/* ---- learning ---- */

/* What an entry is made of. */
struct lesson {
	struct stack_st_X509 *chain;
	bool server; /* our role */
	const struct net_tls_problem *problems; /* that the handshake found */
	size_t problem_count;
	uint64_t generation; /* of the TLS context to be held against */
	bool anew; /* another one than that of the handshake */
};

static uint64_t sent_hash(const struct peer_cache *cache, const struct net_tls_facts *facts)
{
	uint64_t hash = 0;
	for (int i = 0; i < sk_X509_num(facts->chain); i++)
		hash = hash_mix(hash, peer_leaf_hash(cache, sk_X509_value(facts->chain, i), facts->server));
	return hash;
}

/* Everything that the status is made of: the same leaf may come with another chain next time. */
static uint64_t shown_hash(uint64_t sent, uint64_t generation, const struct net_tls_facts *facts)
{
	uint64_t hash = hash_mix(sent, generation);
	for (size_t i = 0; i < facts->problem_count; i++)
		hash = hash_mix(hash, (uint64_t)facts->problems[i].error << 8 | (uint8_t)facts->problems[i].depth);
	return hash;
}

static bool is_about_authorities(const struct trust_chain *chain, const struct net_tls_problem *problem)
{
	enum trust_chain_status status = status_of(chain, problem);
	return status == TRUST_CHAIN_UNTRUSTED || status == TRUST_CHAIN_SELF_SIGNED;
}

/* By today's authorities. What else the handshake found (signatures, usage) does not change with them. */
static int verify_anew(struct trust_chain *chain, struct net_tls *tls, const struct lesson *lesson)
{
	struct net_tls_problem today = { 0 };
	enum net_tls_purpose purpose = lesson->server ? NET_TLS_PURPOSE_ANY : NET_TLS_PURPOSE_SERVER;
	int status = net_tls_chain_verify(tls, lesson->chain, purpose, 0, &today);
	if (status < 0)
		return status;
	chain->status = TRUST_CHAIN_TRUSTED;
	take_problem(chain, &today);
	for (size_t i = 0; i < lesson->problem_count; i++)
		if (!is_about_authorities(chain, &lesson->problems[i]))
			take_problem(chain, &lesson->problems[i]);
	return 0;
}

static int lesson_judge(struct trust_chain *chain, struct net_tls *tls, const struct lesson *lesson)
{
	chain->seen_as_client = lesson->server;
	int status = 0;
	if (lesson->anew) {
		status = verify_anew(chain, tls, lesson);
	} else {
		chain->status = TRUST_CHAIN_TRUSTED;
		for (size_t i = 0; i < lesson->problem_count; i++)
			take_problem(chain, &lesson->problems[i]);
	}
	complete_status(chain, tls, lesson->chain);
	return status;
}

/* Strangers' untrusted chains are not worth the memory. */
static void keep_sent(struct peer_entry *entry, const struct lesson *lesson)
{
	if (entry->chain.facts.status != TRUST_CHAIN_TRUSTED ||
		entry->chain.facts.sent_count > entry->chain.facts.count)
		return;
	entry->sent = X509_chain_up_ref(lesson->chain);
	entry->problem_count = lesson->problem_count;
	for (size_t i = 0; i < lesson->problem_count; i++)
		entry->problems[i] = lesson->problems[i];
}

static int entry_make(
	struct peer_cache *cache, struct net_tls *tls, const struct lesson *lesson, struct peer_entry **ret_entry)
{
	struct peer_entry *entry = peer_entry_new(PEER_CHAIN);
	if (!entry)
		return -ENOMEM;
	int status = peer_chain_read(lesson->chain, &entry->arena, &entry->chain.facts);
	if (status == 0)
		status = lesson_judge(&entry->chain.facts, tls, lesson);
	if (status < 0) {
		peer_entry_unref(entry);
		return status;
	}
	keep_sent(entry, lesson);
	entry->leaf = sk_X509_value(lesson->chain, 0);
	X509_up_ref(entry->leaf);
	entry->server = lesson->server;
	entry->generation = lesson->generation;
	entry->chain.learned_us = clock_wall_us(peer_cache_settings(cache)->clock);
	*ret_entry = entry;
	return 0;
}

/* A handshake, and what it is looked up by. */
struct sight {
	const struct net_tls_facts *facts;
	uint64_t hash; /* of the leaf */
	uint64_t sent; /* of all certificates; 0 where they were not shown */
	uint64_t shown;
	uint64_t generation; /* of trust as it is now: no older judgement counts */
	uint64_t epoch; /* of the cache, before anything was looked up */
};

static struct sight sight_of(
	const struct peer_cache *cache, const struct net_tls *tls, const struct net_tls_facts *facts)
{
	struct sight sight = {
		.facts = facts,
		.generation = net_tls_generation(tls),
		.epoch = peer_cache_epoch(cache),
	};
	sight.hash = peer_leaf_hash(cache, sk_X509_value(facts->chain, 0), facts->server);
	if (facts->resumed)
		return sight;
	sight.sent = sent_hash(cache, facts);
	sight.shown = shown_hash(sight.sent, facts->generation, facts);
	return sight;
}

static bool is_good(const struct peer_entry *entry, const struct sight *sight)
{
	if (entry->generation != sight->generation)
		return false;
	if (sight->facts->resumed)
		return true;
	/* A connection older than the last change of trust: what it found itself no longer counts. */
	if (sight->facts->generation != sight->generation)
		return entry->sent_hash == sight->sent;
	return entry->shown == sight->shown;
}

/* NULL, or a reference of the caller's; not necessarily good. */
static struct peer_entry *find_entry(struct peer_view *view, const struct sight *sight)
{
	X509 *leaf = sk_X509_value(sight->facts->chain, 0);
	bool server = sight->facts->server;
	struct peer_entry *entry = peer_view_find_leaf(view, leaf, server, sight->hash);
	if (!entry || is_good(entry, sight))
		return entry;
	/* Another worker may have learned better, and told the shared table. */
	peer_view_forget(view, entry, sight->hash);
	peer_entry_unref(entry);
	return peer_view_find_leaf(view, leaf, server, sight->hash);
}

/* known: of the same leaf; what a resumed session no longer shows. */
static int learn(struct peer_view *view, struct net_tls *tls, const struct sight *sight, const struct peer_entry *known,
	struct peer_entry **ret_entry)
{
	const struct net_tls_facts *facts = sight->facts;
	struct lesson lesson = {
		.chain = facts->chain,
		.server = facts->server,
		.problems = facts->problems,
		.problem_count = facts->problem_count,
		.generation = sight->generation,
		.anew = facts->resumed || facts->generation != sight->generation,
	};
	if (facts->resumed) {
		if (!known || !known->sent)
			return -ESTALE;
		lesson.chain = known->sent;
		lesson.problems = known->problems;
		lesson.problem_count = known->problem_count;
	}
	int status = entry_make(view->cache, tls, &lesson, ret_entry);
	if (status < 0)
		return status;
	(*ret_entry)->sent_hash = facts->resumed ? known->sent_hash : sight->sent;
	(*ret_entry)->shown = lesson.anew ? 0 : sight->shown;
	peer_cache_put(view->cache, *ret_entry, sight->hash, sight->epoch);
	peer_view_keep(view, *ret_entry, sight->hash);
	return 0;
}

/* The session was begun with a chain that was not trusted: what another one of the same leaf was worth is no excuse. */
static bool remembers_worse(const struct net_tls_facts *facts, const struct trust_chain *chain)
{
	if (!facts->resumed || chain->status != TRUST_CHAIN_TRUSTED)
		return false;
	for (size_t i = 0; i < facts->problem_count; i++)
		if (status_of(chain, &facts->problems[i]) != TRUST_CHAIN_TRUSTED)
			return true;
	return false;
}

int peer_chain_learn(struct peer_view *view, struct net_tls *tls, const struct net_tls_facts *facts,
	const struct peer_chain **ret_chain)
{
	if (!facts->chain || sk_X509_num(facts->chain) == 0) {
		*ret_chain = NULL;
		return 0;
	}
	struct sight sight = sight_of(view->cache, tls, facts);
	struct peer_entry *entry = find_entry(view, &sight);
	if (!entry || !is_good(entry, &sight)) {
		struct peer_entry *known = entry;
		int status = learn(view, tls, &sight, known, &entry);
		peer_entry_unref(known);
		if (status < 0)
			return status;
	}
	if (remembers_worse(facts, &entry->chain.facts)) {
		peer_entry_unref(entry);
		return -ESTALE;
	}
	*ret_chain = &entry->chain;
	return 0;
}

bool peer_chain_may_resume(void *cache, struct x509_st *leaf)
{
	/* Only servers are asked. Without the chain it could not be verified anew. */
	struct peer_entry *entry = peer_cache_find_leaf(cache, leaf, true, peer_leaf_hash(cache, leaf, true));
	bool known = entry && entry->sent;
	peer_entry_unref(entry);
	return known;
}
