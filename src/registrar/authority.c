/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/authority.h"

#include <stdio.h>

const char *registrar_proof_name(enum registrar_proof proof)
{
	static const char *const names[] = {
		[REGISTRAR_PROVED] = "proved",
		[REGISTRAR_PROOF_MISSING] = "missing",
		[REGISTRAR_PROOF_STALE] = "stale",
		[REGISTRAR_PROOF_WRONG] = "wrong",
		[REGISTRAR_PROOF_REPLAYED] = "replayed",
		[REGISTRAR_PROOF_DOWNGRADED] = "downgraded",
		[REGISTRAR_PROOF_MISMATCHED] = "mismatched",
		[REGISTRAR_PROOF_MALFORMED] = "malformed",
	};
	return names[proof];
}

/* ---- finding the credentials ---- */

/* Those for our realm, if there are any: a request may carry some for other proxies too (RFC 3261 22.3). */
static enum registrar_proof find(const struct registrar_users *users, const struct registrar_question *question,
	struct sip_digest_credentials *ret_credentials)
{
	struct sip_values values = sip_message_values(question->message, question->header);
	enum registrar_proof proof = REGISTRAR_PROOF_MISSING;
	for (struct span value; sip_values_next(&values, &value);) {
		struct sip_digest_credentials credentials;
		int status = sip_digest_credentials_parse(value, &credentials, NULL);
		if (status == 0 && span_equal(credentials.realm, registrar_users_realm(users))) {
			*ret_credentials = credentials;
			return REGISTRAR_PROVED;
		}
		if (status < 0 && span_starts_nocase(value, SPAN("Digest")))
			proof = REGISTRAR_PROOF_MALFORMED;
	}
	return proof;
}

static bool is_complete(const struct sip_digest_credentials *c)
{
	return c->username.length && c->nonce.length && c->uri.length && c->response.length;
}

/* ---- the checks ---- */

static bool same_text(struct span a, struct span b, bool without_case)
{
	return without_case ? span_equal_nocase(a, b) : span_equal(a, b);
}

/* Parameters and ports may differ: phones write what they have configured there. User and host may not. */
static bool fits_uri(const struct sip_digest_credentials *credentials, const struct sip_message *m)
{
	struct sip_uri uri;
	if (span_equal(credentials->uri, m->request_uri))
		return true;
	if (sip_uri_parse(credentials->uri, &uri, NULL) < 0)
		return false;
	if (!sip_uri_is_sip(&uri) || !sip_uri_is_sip(&m->uri))
		return sip_uri_equal(&uri, &m->uri);
	return same_text(uri.user, m->uri.user, false) && same_text(uri.host, m->uri.host, true);
}

/* Exactly as offered: an answer to something weaker was not asked for by us. */
static bool is_as_offered(const struct sip_digest_credentials *c)
{
	bool known = c->algorithm == SIP_DIGEST_MD5 || c->algorithm == SIP_DIGEST_SHA256;
	return known && c->qop == SIP_DIGEST_QOP_AUTH && c->cnonce.length;
}

static bool read_count(struct span nc, uint32_t *ret_count)
{
	uint32_t count = 0;
	if (nc.length != 8)
		return false;
	for (size_t i = 0; i < nc.length; i++) {
		char c = nc.at[i];
		unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 16;
		if (digit > 15)
			return false;
		count = count << 4 | digit;
	}
	*ret_count = count;
	return count > 0;
}

/* Where there is no such user or no such secret, as much is computed against one that nobody has. */
static bool is_right(
	const struct registrar_user *user, const struct sip_digest_credentials *credentials, struct span method)
{
	static const struct span nobodys[] = { { "d41d8cd98f00b204e9800998ecf8427e", 32 },
		{ "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64 } };
	bool is_md5 = credentials->algorithm == SIP_DIGEST_MD5;
	struct span secret = !user ? SPAN_NONE : is_md5 ? user->secret_md5 : user->secret_sha256;
	bool is_known = secret.at != NULL;
	if (!is_known)
		secret = nobodys[!is_md5];
	return sip_digest_check(credentials, secret, method, SPAN_NONE) && is_known;
}

static enum registrar_proof judge_nonce(struct registrar_nonces *nonces, const struct registrar_question *question,
	const struct sip_digest_credentials *credentials, uint32_t count)
{
	enum registrar_nonce_state state = registrar_nonce_look(nonces, credentials->nonce, credentials->algorithm,
		question->source, question->now_us, question->nonce_lifetime_us);
	if (state == REGISTRAR_NONCE_OTHER_ALGORITHM)
		return REGISTRAR_PROOF_DOWNGRADED;
	if (state != REGISTRAR_NONCE_GOOD)
		return REGISTRAR_PROOF_STALE;
	switch (registrar_nonce_use(nonces, credentials->nonce, count)) {
	case REGISTRAR_COUNT_NEW:
		return REGISTRAR_PROVED;
	case REGISTRAR_COUNT_USED:
		return REGISTRAR_PROOF_REPLAYED;
	default:
		return REGISTRAR_PROOF_STALE;
	}
}

enum registrar_proof registrar_authority_check(const struct registrar_users *users, struct registrar_nonces *nonces,
	const struct registrar_question *question, struct registrar_answer *ret_answer)
{
	struct sip_digest_credentials credentials;
	uint32_t count;
	*ret_answer = (struct registrar_answer){ .user = NULL };
	enum registrar_proof proof = find(users, question, &credentials);
	if (proof != REGISTRAR_PROVED)
		return proof;
	ret_answer->username = credentials.username;
	if (!is_complete(&credentials))
		return REGISTRAR_PROOF_MALFORMED;
	if (!fits_uri(&credentials, question->message))
		return REGISTRAR_PROOF_MISMATCHED;
	if (!is_as_offered(&credentials))
		return REGISTRAR_PROOF_DOWNGRADED;
	if (!read_count(credentials.nc, &count))
		return REGISTRAR_PROOF_MALFORMED;
	const struct registrar_user *user = registrar_users_find(users, credentials.username);
	if (!is_right(user, &credentials, question->message->method_name))
		return REGISTRAR_PROOF_WRONG;
	proof = judge_nonce(nonces, question, &credentials, count);
	if (proof != REGISTRAR_PROOF_DOWNGRADED)
		ret_answer->user = user;
	return proof;
}

bool registrar_authority_reached(const struct registrar_users *users, const struct registrar_nonces *nonces,
	const struct registrar_question *question)
{
	struct sip_digest_credentials credentials;
	return find(users, question, &credentials) == REGISTRAR_PROVED &&
	       registrar_nonce_look(nonces, credentials.nonce, credentials.algorithm, question->source,
		       question->now_us, question->nonce_lifetime_us) == REGISTRAR_NONCE_GOOD;
}

bool registrar_authority_acknowledges(const struct registrar_users *users, const struct registrar_nonces *nonces,
	const struct registrar_question *question)
{
	struct sip_digest_credentials credentials;
	/* Its URI is the INVITE's, and the ACK goes to the Contact that answered. */
	return find(users, question, &credentials) == REGISTRAR_PROVED && is_complete(&credentials) &&
	       is_as_offered(&credentials) &&
	       registrar_nonce_look(nonces, credentials.nonce, credentials.algorithm, question->source,
		       question->now_us, question->nonce_lifetime_us) == REGISTRAR_NONCE_GOOD &&
	       is_right(registrar_users_find(users, credentials.username), &credentials, SPAN("INVITE"));
}

bool registrar_authority_owns(const struct registrar_users *users, struct span value)
{
	struct sip_digest_credentials credentials;
	return sip_digest_credentials_parse(value, &credentials, NULL) == 0 &&
	       span_equal(credentials.realm, registrar_users_realm(users));
}

/* ---- challenges ---- */

static struct span challenge_write(const struct sip_digest_challenge *challenge, struct arena *arena)
{
	struct buffer b;
	buffer_init(&b, 4096);
	struct span value = SPAN_NONE;
	if (sip_digest_challenge_write(&b, challenge) == 0)
		value = arena_copy(arena, buffer_span(&b));
	buffer_done(&b);
	return value;
}

size_t registrar_authority_challenge(const struct registrar_users *users, const struct registrar_nonces *nonces,
	struct span source, bool is_stale, int64_t now_us, struct random *random, struct arena *arena,
	struct span ret_values[REGISTRAR_CHALLENGES])
{
	static const enum sip_digest_algorithm algorithms[REGISTRAR_CHALLENGES] = { SIP_DIGEST_MD5, SIP_DIGEST_SHA256 };
	size_t count = 0;
	for (size_t i = 0; i < REGISTRAR_CHALLENGES; i++) {
		char nonce[REGISTRAR_NONCE_LENGTH + 1];
		if (!registrar_users_have(users, algorithms[i]))
			continue;
		registrar_nonce_make(nonces, algorithms[i], source, now_us, random, nonce);
		struct sip_digest_challenge challenge = {
			.realm = registrar_users_realm(users),
			.nonce = span_of(nonce),
			.algorithm = algorithms[i],
			.is_stale = is_stale,
			.has_qop = true,
			.offers_auth = true,
		};
		ret_values[count] = challenge_write(&challenge, arena);
		if (!ret_values[count++].at)
			return 0;
	}
	return count;
}
