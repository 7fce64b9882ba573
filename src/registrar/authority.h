/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_AUTHORITY_H
#define FEDGE_REGISTRAR_AUTHORITY_H
/* Is the sender the user that he says he is? Digest by RFC 3261 22 and RFC 8760: challenges for MD5 and SHA-256, each
 * with a nonce of its own, qop auth and nothing else. Says what it found; who is told what is decided elsewhere. An
 * unknown user takes the same work and gives the same word as a wrong password.
 *
 * The order of the checks: what cannot be read, another URI, another algorithm or qop than was offered, a wrong
 * digest, and only then, for those who know the password, the age of the nonce and its count. */
#include "registrar/nonce.h"
#include "registrar/users.h"
#include "sip/message.h"

enum registrar_proof {
	REGISTRAR_PROVED,
	REGISTRAR_PROOF_MISSING, /* no credentials for our realm */
	REGISTRAR_PROOF_STALE, /* right, but the nonce is old, of another address or unknown: ask again, stale=true */
	REGISTRAR_PROOF_WRONG, /* unknown user or wrong password: which of them is nobody's business */
	REGISTRAR_PROOF_REPLAYED, /* right, but this nonce count was used before */
	REGISTRAR_PROOF_DOWNGRADED, /* an algorithm or qop that was not offered for this nonce */
	REGISTRAR_PROOF_MISMATCHED, /* for another Request-URI */
	REGISTRAR_PROOF_MALFORMED,
};
const char *registrar_proof_name(enum registrar_proof proof); /* "replayed" */

struct registrar_question {
	const struct sip_message *message;
	enum sip_header_id header; /* SIP_HEADER_AUTHORIZATION or SIP_HEADER_PROXY_AUTHORIZATION */
	struct span source; /* address without port that the request came from */
	int64_t now_us; /* wall clock */
	int64_t nonce_lifetime_us;
};
struct registrar_answer {
	const struct registrar_user *user; /* PROVED, STALE and REPLAYED only */
	struct span username; /* as claimed; absent: none. Borrowed from the message */
};
enum registrar_proof registrar_authority_check(const struct registrar_users *users, struct registrar_nonces *nonces,
	const struct registrar_question *question, struct registrar_answer *ret_answer);
/* Were its credentials made with a nonce that we gave to that very address? Then the address is not forged; nothing
 * else is proved. Cheap: no digest. */
bool registrar_authority_reached(const struct registrar_users *users, const struct registrar_nonces *nonces,
	const struct registrar_question *question);

/* An ACK cannot be challenged and carries its INVITE's credentials (RFC 3261 22.1). Are they right for an INVITE, with
 * a nonce of ours given to that very address? Its count was used by the INVITE and is not looked at: whoever asks must
 * know by other means that the ACK is of that dialog. */
bool registrar_authority_acknowledges(const struct registrar_users *users, const struct registrar_nonces *nonces,
	const struct registrar_question *question);

/* The values of WWW-Authenticate or Proxy-Authenticate: of each algorithm that some user has a secret for, so where all
 * have SHA-256 alone nothing weaker is offered. Of both MD5 stands first: phones that read only the first challenge and
 * know nothing else (SIPp 3.6, baresip 1.0) would give up otherwise. How many; 0: no memory. */
#define REGISTRAR_CHALLENGES 2
size_t registrar_authority_challenge(const struct registrar_users *users, const struct registrar_nonces *nonces,
	struct span source, bool is_stale, int64_t now_us, struct random *random, struct arena *arena,
	struct span ret_values[REGISTRAR_CHALLENGES]);
/* Are these credentials for our realm? Then they are for us alone and need not go on (RFC 3261 22.3). */
bool registrar_authority_owns(const struct registrar_users *users, struct span value);
#endif
