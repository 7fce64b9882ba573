/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DIGEST_H
#define FEDGE_SIP_DIGEST_H
/* Digest authentication (RFC 3261 22, RFC 7616, RFC 8760): challenges and credentials read, answers computed and
 * checked. MD5 and SHA-256, each also with -sess; qop auth, auth-int or none (RFC 2069 style). Holds no passwords,
 * makes no nonces: both are the caller's. Other schemes (NTLM, TLS-DSK, Kerberos) are -ENOTSUP here. */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"

enum sip_digest_algorithm {
	SIP_DIGEST_OTHER,
	SIP_DIGEST_MD5, /* also where none is named */
	SIP_DIGEST_MD5_SESS,
	SIP_DIGEST_SHA256,
	SIP_DIGEST_SHA256_SESS
};
enum sip_digest_qop { SIP_DIGEST_QOP_NONE, SIP_DIGEST_QOP_AUTH, SIP_DIGEST_QOP_AUTH_INT, SIP_DIGEST_QOP_OTHER };

#define SIP_DIGEST_HEX_MAXIMUM 65 /* 64 hexadecimal digits and a NUL */

/* Texts are without quotes, escapes kept. Absent where not given. */
struct sip_digest_challenge {
	struct span realm;
	struct span nonce;
	struct span opaque;
	struct span domain;
	struct span algorithm_name;
	enum sip_digest_algorithm algorithm;
	bool is_stale;
	bool has_qop; /* one was named, perhaps one we do not know */
	bool offers_auth;
	bool offers_auth_int;
};
/* A value of WWW-Authenticate or Proxy-Authenticate. 0, -ENOTSUP (not Digest), -EBADMSG. */
int sip_digest_challenge_parse(
	struct span value, struct sip_digest_challenge *ret_challenge, struct sip_defect *ret_defect);
/* Of several challenges of one realm the first that we can answer is taken (RFC 8760 2.4). */
bool sip_digest_challenge_is_known(const struct sip_digest_challenge *challenge);
int sip_digest_challenge_write(struct buffer *b, const struct sip_digest_challenge *challenge);

struct sip_digest_credentials {
	struct span username;
	struct span realm;
	struct span nonce;
	struct span uri;
	struct span response;
	struct span cnonce;
	struct span opaque;
	struct span nc;
	struct span algorithm_name;
	enum sip_digest_algorithm algorithm;
	enum sip_digest_qop qop;
};
/* A value of Authorization or Proxy-Authorization. */
int sip_digest_credentials_parse(
	struct span value, struct sip_digest_credentials *ret_credentials, struct sip_defect *ret_defect);
int sip_digest_credentials_write(struct buffer *b, const struct sip_digest_credentials *credentials);

/* H(username:realm:password) as hexadecimal text: what a registrar stores. 0 or -ENOTSUP. */
int sip_digest_secret(enum sip_digest_algorithm algorithm, struct span username, struct span realm,
	struct span password, char ret_hex[SIP_DIGEST_HEX_MAXIMUM]);
/* The response for credentials whose username, realm, nonce, uri, algorithm, qop (and cnonce, nc with a qop or -sess)
 * are set. secret is the text of sip_digest_secret (not yet -sess); body counts only for auth-int. 0 or -ENOTSUP. */
int sip_digest_response(const struct sip_digest_credentials *credentials, struct span secret, struct span method,
	struct span body, char ret_hex[SIP_DIGEST_HEX_MAXIMUM]);
/* Does credentials->response agree? In constant time. */
bool sip_digest_check(
	const struct sip_digest_credentials *credentials, struct span secret, struct span method, struct span body);
/* Appends the value of an Authorization header that answers the challenge: qop auth where it is offered, else auth-int,
 * else none. cnonce is 16 hexadecimal digits or so from the caller, nonce_count starts at 1. 0, -ENOTSUP, or the
 * buffer's failure. */
struct sip_digest_answer {
	struct span username;
	struct span password;
	struct span method;
	struct span uri;
	struct span body; /* counts only for auth-int */
	struct span cnonce;
	uint32_t nonce_count;
};
int sip_digest_answer(
	const struct sip_digest_challenge *challenge, const struct sip_digest_answer *answer, struct buffer *ret_value);
#endif
