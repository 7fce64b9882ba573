/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7616 3.4: the hashes of hashes. */
#include "sip/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

/* H(part ":" part ":" …) as hexadecimal text, in lower case. */
static int hash_parts(enum sip_digest_algorithm algorithm, const struct span *parts, size_t count,
	char ret_hex[SIP_DIGEST_HEX_MAXIMUM])
{
	bool is_md5 = algorithm == SIP_DIGEST_MD5 || algorithm == SIP_DIGEST_MD5_SESS;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	if (algorithm == SIP_DIGEST_OTHER)
		return -ENOTSUP;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestInit_ex(context, is_md5 ? EVP_md5() : EVP_sha256(), NULL);
	for (size_t i = 0; i < count && good; i++) {
		good = i == 0 || EVP_DigestUpdate(context, ":", 1);
		good = good && (parts[i].length == 0 || EVP_DigestUpdate(context, parts[i].at, parts[i].length));
	}
	good = good && EVP_DigestFinal_ex(context, digest, &length);
	EVP_MD_CTX_free(context);
	if (!good)
		return -ENOTSUP;
	for (unsigned i = 0; i < length && 2 * i + 2 < SIP_DIGEST_HEX_MAXIMUM; i++)
		snprintf(ret_hex + (size_t)2 * i, 3, "%02x", digest[i]);
	return 0;
}

int sip_digest_secret(enum sip_digest_algorithm algorithm, struct span username, struct span realm,
	struct span password, char ret_hex[SIP_DIGEST_HEX_MAXIMUM])
{
	const struct span parts[] = { username, realm, password };
	return hash_parts(algorithm, parts, 3, ret_hex);
}

static int hash_a2(
	const struct sip_digest_credentials *credentials, struct span method, struct span body, char *ret_hex)
{
	char body_hex[SIP_DIGEST_HEX_MAXIMUM];
	struct span parts[] = { method, credentials->uri, SPAN_NONE };
	if (credentials->qop != SIP_DIGEST_QOP_AUTH_INT)
		return hash_parts(credentials->algorithm, parts, 2, ret_hex);
	int status = hash_parts(credentials->algorithm, &body, 1, body_hex);
	if (status < 0)
		return status;
	parts[2] = span_of(body_hex);
	return hash_parts(credentials->algorithm, parts, 3, ret_hex);
}

int sip_digest_response(const struct sip_digest_credentials *c, struct span secret, struct span method,
	struct span body, char ret_hex[SIP_DIGEST_HEX_MAXIMUM])
{
	char a1[SIP_DIGEST_HEX_MAXIMUM], a2[SIP_DIGEST_HEX_MAXIMUM];
	struct span first = secret;
	if (c->qop == SIP_DIGEST_QOP_OTHER)
		return -ENOTSUP;
	if (c->algorithm == SIP_DIGEST_MD5_SESS || c->algorithm == SIP_DIGEST_SHA256_SESS) {
		const struct span session[] = { secret, c->nonce, c->cnonce };
		int status = hash_parts(c->algorithm, session, 3, a1);
		if (status < 0)
			return status;
		first = span_of(a1);
	}
	int status = hash_a2(c, method, body, a2);
	if (status < 0)
		return status;
	if (c->qop == SIP_DIGEST_QOP_NONE) {
		const struct span parts[] = { first, c->nonce, span_of(a2) };
		return hash_parts(c->algorithm, parts, 3, ret_hex);
	}
	const struct span parts[] = { first, c->nonce, c->nc, c->cnonce,
		c->qop == SIP_DIGEST_QOP_AUTH ? SPAN("auth") : SPAN("auth-int"), span_of(a2) };
	return hash_parts(c->algorithm, parts, 6, ret_hex);
}

bool sip_digest_check(
	const struct sip_digest_credentials *credentials, struct span secret, struct span method, struct span body)
{
	char expected[SIP_DIGEST_HEX_MAXIMUM], given[SIP_DIGEST_HEX_MAXIMUM];
	if (sip_digest_response(credentials, secret, method, body, expected) < 0 ||
		credentials->response.length != strlen(expected))
		return false;
	/* RFC 7616 3.4: LHEX; capital digits are forgiven. */
	for (size_t i = 0; i < credentials->response.length; i++) {
		char digit = credentials->response.at[i];
		given[i] = digit >= 'A' && digit <= 'F' ? (char)(digit | 0x20) : digit;
	}
	return CRYPTO_memcmp(given, expected, credentials->response.length) == 0;
}

int sip_digest_answer(
	const struct sip_digest_challenge *challenge, const struct sip_digest_answer *answer, struct buffer *ret_value)
{
	char secret[SIP_DIGEST_HEX_MAXIMUM], response[SIP_DIGEST_HEX_MAXIMUM], nc[9];
	struct sip_digest_credentials credentials = { .username = answer->username,
		.realm = challenge->realm,
		.nonce = challenge->nonce,
		.uri = answer->uri,
		.opaque = challenge->opaque,
		.algorithm_name = challenge->algorithm_name,
		.algorithm = challenge->algorithm };
	bool is_session = challenge->algorithm == SIP_DIGEST_MD5_SESS || challenge->algorithm == SIP_DIGEST_SHA256_SESS;
	if (!sip_digest_challenge_is_known(challenge))
		return -ENOTSUP;
	snprintf(nc, sizeof(nc), "%08x", (unsigned)answer->nonce_count);
	if (challenge->offers_auth || challenge->offers_auth_int) {
		credentials.qop = challenge->offers_auth ? SIP_DIGEST_QOP_AUTH : SIP_DIGEST_QOP_AUTH_INT;
		credentials.nc = span_of(nc);
	}
	if (credentials.qop != SIP_DIGEST_QOP_NONE || is_session)
		credentials.cnonce = answer->cnonce;
	int status =
		sip_digest_secret(challenge->algorithm, answer->username, challenge->realm, answer->password, secret);
	if (status == 0)
		status = sip_digest_response(&credentials, span_of(secret), answer->method, answer->body, response);
	if (status < 0)
		return status;
	credentials.response = span_of(response);
	return sip_digest_credentials_write(ret_value, &credentials);
}
