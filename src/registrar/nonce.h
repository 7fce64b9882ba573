/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_NONCE_H
#define FEDGE_REGISTRAR_NONCE_H
/* Nonces of digest challenges (RFC 7616 3.3). Nothing is kept of one that is given out: it holds its time, a salt and a
 * keyed MAC over both, the algorithm it is for and the address it was given to, so that nobody else can use it and an
 * MD5 answer to a SHA-256 challenge is noticed. What is kept are the counts that were used (RFC 7616 3.4: nc), of
 * nonces with which somebody has proved to be a user: a table of fixed size. Where it must forget a nonce, that one
 * and all older ones in its place are stale, so nothing can be replayed by making it forget.
 *
 * Shared by all workers; locks are short. */
#include "base/hash.h"
#include "base/random.h"
#include "sip/digest.h"

struct registrar_nonces;

/* entries: how many nonces' counts are kept; rounded up. */
int registrar_nonces_new(const struct hash_key *key, size_t entries, struct registrar_nonces **ret_nonces);
struct registrar_nonces *registrar_nonces_free(struct registrar_nonces *nonces); /* NULL is accepted; returns NULL */

#define REGISTRAR_NONCE_LENGTH 41
/* source: the address it is given to, as text without port. */
void registrar_nonce_make(const struct registrar_nonces *nonces, enum sip_digest_algorithm algorithm,
	struct span source, int64_t now_us, struct random *random, char ret_text[REGISTRAR_NONCE_LENGTH + 1]);

enum registrar_nonce_state {
	REGISTRAR_NONCE_GOOD,
	REGISTRAR_NONCE_OLD, /* ours, but past its time, or of another address */
	REGISTRAR_NONCE_FOREIGN, /* never ours (or of before a restart with another key) */
	REGISTRAR_NONCE_OTHER_ALGORITHM,
};
enum registrar_nonce_state registrar_nonce_look(const struct registrar_nonces *nonces, struct span nonce,
	enum sip_digest_algorithm algorithm, struct span source, int64_t now_us, int64_t lifetime_us);

enum registrar_count_state {
	REGISTRAR_COUNT_NEW,
	REGISTRAR_COUNT_USED,
	REGISTRAR_COUNT_FORGOTTEN, /* nobody can tell any more: ask for a new nonce */
};
/* Marks the count (from 1) of a nonce as used. Counts may come out of order within 64. Only for nonces that are good
 * and credentials that are right. */
enum registrar_count_state registrar_nonce_use(struct registrar_nonces *nonces, struct span nonce, uint32_t count);
#endif
