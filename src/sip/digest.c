/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing of challenges and credentials; the arithmetic is in digest_compute.c. */
#include "sip/digest.h"

#include "sip/digest_private.h"
#include "sip/fail.h"
#include "sip/parameter.h"
#include "sip/scan.h"

static const struct span algorithm_names[] = {
	[SIP_DIGEST_OTHER] = { "", 0 },
	[SIP_DIGEST_MD5] = { "MD5", 3 },
	[SIP_DIGEST_MD5_SESS] = { "MD5-sess", 8 },
	[SIP_DIGEST_SHA256] = { "SHA-256", 7 },
	[SIP_DIGEST_SHA256_SESS] = { "SHA-256-sess", 12 },
};

struct span sip_digest_algorithm_name(enum sip_digest_algorithm algorithm)
{
	return algorithm <= SIP_DIGEST_SHA256_SESS ? algorithm_names[algorithm] : algorithm_names[0];
}

static enum sip_digest_algorithm find_algorithm(struct span name)
{
	if (!name.at)
		return SIP_DIGEST_MD5; /* RFC 7616 3.3 */
	for (unsigned i = SIP_DIGEST_MD5; i <= SIP_DIGEST_SHA256_SESS; i++) {
		if (span_equal_nocase(algorithm_names[i], name))
			return (enum sip_digest_algorithm)i;
	}
	return SIP_DIGEST_OTHER;
}

/* The word Digest, then name=value divided by commas. Gives what follows the scheme. */
static int take_scheme(struct span value, struct span *ret_rest, struct sip_defect *ret_defect)
{
	const char *end = value.at + value.length, *at = scan_blanks(value.at, end);
	const char *stop = scan_while(at, end, SIP_CLASS_TOKEN);
	if (stop == at)
		return sip_fail(ret_defect, SIP_RULE_DIGEST, (size_t)(at - value.at));
	if (!span_is_nocase(span_make(at, (size_t)(stop - at)), "Digest"))
		return -ENOTSUP;
	*ret_rest = span_make(stop, (size_t)(end - stop));
	return 0;
}

/* One name=value; false at the end. *ret_bad where it is none. */
static bool next_pair(struct span *rest, struct span *ret_name, struct span *ret_value, bool *ret_bad)
{
	struct span pair;
	if (!sip_list_next(rest, &pair))
		return false;
	const char *end = pair.at + pair.length, *stop = scan_while(pair.at, end, SIP_CLASS_TOKEN);
	const char *equals = scan_blanks(stop, end);
	*ret_name = span_make(pair.at, (size_t)(stop - pair.at));
	*ret_bad = stop == pair.at || equals == end || *equals != '=';
	if (*ret_bad)
		return true;
	const char *value = scan_blanks(equals + 1, end);
	*ret_value = span_make(value, (size_t)(end - value));
	/* A quoted string to the end, or text without any quote. */
	*ret_bad = value < end && *value == '"' ? scan_quoted(value, end, end) != end
						: span_find(*ret_value, '"') < ret_value->length;
	*ret_value = sip_unquote(*ret_value);
	return true;
}

struct field {
	const char *name;
	size_t offset; /* of a struct span */
};

static void keep_field(const struct field *fields, size_t count, struct span name, struct span value, void *target)
{
	for (size_t i = 0; i < count; i++) {
		if (span_is_nocase(name, fields[i].name))
			memcpy((char *)target + fields[i].offset, &value, sizeof(value));
	}
}

static const struct field challenge_fields[] = {
	{ "realm", offsetof(struct sip_digest_challenge, realm) },
	{ "nonce", offsetof(struct sip_digest_challenge, nonce) },
	{ "opaque", offsetof(struct sip_digest_challenge, opaque) },
	{ "domain", offsetof(struct sip_digest_challenge, domain) },
	{ "algorithm", offsetof(struct sip_digest_challenge, algorithm_name) },
};

static void keep_qop_options(struct span options, struct sip_digest_challenge *challenge)
{
	challenge->offers_auth |= sip_list_has(options, SPAN("auth"));
	challenge->offers_auth_int |= sip_list_has(options, SPAN("auth-int"));
	challenge->has_qop = true;
}

int sip_digest_challenge_parse(
	struct span value, struct sip_digest_challenge *ret_challenge, struct sip_defect *ret_defect)
{
	struct sip_digest_challenge challenge = { 0 };
	struct span rest, name, text;
	bool bad = false;
	int status = take_scheme(value, &rest, ret_defect);
	if (status < 0)
		return status;
	while (next_pair(&rest, &name, &text, &bad)) {
		if (bad)
			return sip_fail(ret_defect, SIP_RULE_DIGEST, (size_t)(name.at - value.at));
		keep_field(challenge_fields, sizeof(challenge_fields) / sizeof(challenge_fields[0]), name, text,
			&challenge);
		if (span_is_nocase(name, "stale"))
			challenge.is_stale = span_is_nocase(text, "true");
		else if (span_is_nocase(name, "qop"))
			keep_qop_options(text, &challenge);
	}
	if (!challenge.realm.at || !challenge.nonce.at)
		return sip_fail(ret_defect, SIP_RULE_DIGEST, value.length);
	challenge.algorithm = find_algorithm(challenge.algorithm_name);
	*ret_challenge = challenge;
	return 0;
}

bool sip_digest_challenge_is_known(const struct sip_digest_challenge *challenge)
{
	return challenge->algorithm != SIP_DIGEST_OTHER &&
	       (!challenge->has_qop || challenge->offers_auth || challenge->offers_auth_int);
}

static void write_quoted(struct buffer *b, const char *before, const char *name, struct span value)
{
	if (value.at)
		buffer_printf(b, "%s%s=\"%.*s\"", before, name, SPAN_PRINT(value));
}

static void write_token(struct buffer *b, const char *name, struct span value)
{
	if (value.at)
		buffer_printf(b, ", %s=%.*s", name, SPAN_PRINT(value));
}

int sip_digest_challenge_write(struct buffer *b, const struct sip_digest_challenge *challenge)
{
	write_quoted(b, "Digest ", "realm", challenge->realm);
	write_quoted(b, ", ", "domain", challenge->domain);
	write_quoted(b, ", ", "nonce", challenge->nonce);
	write_quoted(b, ", ", "opaque", challenge->opaque);
	if (challenge->is_stale)
		buffer_append_text(b, ", stale=true");
	write_token(b, "algorithm",
		challenge->algorithm_name.at ? challenge->algorithm_name
					     : sip_digest_algorithm_name(challenge->algorithm));
	if (challenge->offers_auth || challenge->offers_auth_int)
		buffer_printf(b, ", qop=\"%s%s%s\"", challenge->offers_auth ? "auth" : "",
			challenge->offers_auth && challenge->offers_auth_int ? "," : "",
			challenge->offers_auth_int ? "auth-int" : "");
	return b->status;
}

static const struct field credentials_fields[] = {
	{ "username", offsetof(struct sip_digest_credentials, username) },
	{ "realm", offsetof(struct sip_digest_credentials, realm) },
	{ "nonce", offsetof(struct sip_digest_credentials, nonce) },
	{ "uri", offsetof(struct sip_digest_credentials, uri) },
	{ "response", offsetof(struct sip_digest_credentials, response) },
	{ "cnonce", offsetof(struct sip_digest_credentials, cnonce) },
	{ "opaque", offsetof(struct sip_digest_credentials, opaque) },
	{ "nc", offsetof(struct sip_digest_credentials, nc) },
	{ "algorithm", offsetof(struct sip_digest_credentials, algorithm_name) },
};

static enum sip_digest_qop find_qop(struct span name)
{
	if (!name.at)
		return SIP_DIGEST_QOP_NONE;
	return span_is_nocase(name, "auth")       ? SIP_DIGEST_QOP_AUTH
	       : span_is_nocase(name, "auth-int") ? SIP_DIGEST_QOP_AUTH_INT
						  : SIP_DIGEST_QOP_OTHER;
}

int sip_digest_credentials_parse(
	struct span value, struct sip_digest_credentials *ret_credentials, struct sip_defect *ret_defect)
{
	struct sip_digest_credentials credentials = { 0 };
	struct span rest, name, text, qop = SPAN_NONE;
	bool bad = false;
	int status = take_scheme(value, &rest, ret_defect);
	if (status < 0)
		return status;
	while (next_pair(&rest, &name, &text, &bad)) {
		if (bad)
			return sip_fail(ret_defect, SIP_RULE_DIGEST, (size_t)(name.at - value.at));
		keep_field(credentials_fields, sizeof(credentials_fields) / sizeof(credentials_fields[0]), name, text,
			&credentials);
		if (span_is_nocase(name, "qop"))
			qop = text;
	}
	credentials.qop = find_qop(qop);
	credentials.algorithm = find_algorithm(credentials.algorithm_name);
	if (!credentials.username.at || !credentials.realm.at || !credentials.nonce.at || !credentials.uri.at ||
		!credentials.response.at || (qop.at && (!credentials.cnonce.at || !credentials.nc.at)))
		return sip_fail(ret_defect, SIP_RULE_DIGEST, value.length);
	*ret_credentials = credentials;
	return 0;
}

int sip_digest_credentials_write(struct buffer *b, const struct sip_digest_credentials *credentials)
{
	write_quoted(b, "Digest ", "username", credentials->username);
	write_quoted(b, ", ", "realm", credentials->realm);
	write_quoted(b, ", ", "nonce", credentials->nonce);
	write_quoted(b, ", ", "uri", credentials->uri);
	write_quoted(b, ", ", "response", credentials->response);
	write_token(b, "algorithm",
		credentials->algorithm_name.at ? credentials->algorithm_name
					       : sip_digest_algorithm_name(credentials->algorithm));
	write_quoted(b, ", ", "cnonce", credentials->cnonce);
	write_quoted(b, ", ", "opaque", credentials->opaque);
	if (credentials->qop == SIP_DIGEST_QOP_AUTH || credentials->qop == SIP_DIGEST_QOP_AUTH_INT)
		write_token(b, "qop", credentials->qop == SIP_DIGEST_QOP_AUTH ? SPAN("auth") : SPAN("auth-int"));
	write_token(b, "nc", credentials->nc);
	return b->status;
}
