/* SPDX-License-Identifier: Apache-2.0 */
/* From the secrets of a key log to keys: the pseudo-random function of TLS 1.0 to 1.2 (RFC 5246 6.3), HKDF of TLS 1.3
 * (RFC 8446 7). The arithmetic is OpenSSL's. */
#include "trace/capture_tls.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#define KEY_BLOCK_MAXIMUM 256
#define VERSION_12 0x0303

static bool derive(const char *algorithm, const OSSL_PARAM *parameters, uint8_t *ret_key, size_t length)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, algorithm, NULL);
	EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool is_done = context && EVP_KDF_derive(context, ret_key, length, parameters) == 1;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return is_done;
}

/* Parameters are not const in OpenSSL's interface, and not written to. */
static void *lend(const void *at)
{
	union {
		const void *given;
		void *lent;
	} u = { .given = at };
	return u.lent;
}

/* ---- TLS 1.0 to 1.2 ---- */

static bool key_block(const char *digest, struct span master, const uint8_t *server_random,
	const uint8_t *client_random, uint8_t *ret_block, size_t length)
{
	char label[] = "key expansion";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, lend(digest), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, lend(master.at), master.length),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, lend(server_random), 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, lend(client_random), 32),
		OSSL_PARAM_construct_end(),
	};
	return derive("TLS1-PRF", parameters, ret_block, length);
}

static size_t mac_length(const struct capture_tls_suite *suite)
{
	return !suite->mac ? 0 : strcmp(suite->mac, "SHA1") == 0 ? 20 : strcmp(suite->mac, "SHA256") == 0 ? 32 : 48;
}

static size_t iv_length(const struct capture_tls_suite *suite, uint16_t version)
{
	switch (suite->manner) {
	case CAPTURE_TLS_CHACHA:
		return 12;
	case CAPTURE_TLS_CBC:
		return version <= 0x0301 ? 16 : 0; /* later ones stand in each record */
	default:
		return 4;
	}
}

struct capture_tls_cipher *capture_tls_cipher_of_master(const struct capture_tls_suite *suite, uint16_t version,
	bool is_mac_last, struct span master, const uint8_t *client_random, const uint8_t *server_random,
	bool is_for_client)
{
	uint8_t block[KEY_BLOCK_MAXIMUM];
	size_t mac = mac_length(suite), key = suite->key_length, iv = iv_length(suite, version);
	size_t second = is_for_client ? 0 : 1;
	const char *digest = version < VERSION_12 ? "MD5-SHA1" : suite->digest;
	struct capture_tls_cipher *cipher = NULL;
	if (key_block(digest, master, server_random, client_random, block, 2 * (mac + key + iv))) {
		const char *at = (const char *)block;
		cipher =
			capture_tls_cipher_new(suite, version, is_mac_last, span_make(at + 2 * mac + second * key, key),
				span_make(at + 2 * mac + 2 * key + second * iv, iv), span_make(at + second * mac, mac));
	}
	OPENSSL_cleanse(block, sizeof(block));
	return cipher;
}

/* ---- TLS 1.3 ---- */

/* HKDF-Expand-Label with an empty context. */
static bool expand(const char *digest, struct span secret, const char *label, uint8_t *ret_key, size_t length)
{
	uint8_t info[40];
	size_t label_length = strlen(label), at = 0;
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	info[at++] = 0;
	info[at++] = (uint8_t)length;
	info[at++] = (uint8_t)(6 + label_length);
	memcpy(info + at, "tls13 ", 6);
	memcpy(info + at + 6, label, label_length);
	at += 6 + label_length;
	info[at++] = 0;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, lend(digest), 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, lend(secret.at), secret.length),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, at),
		OSSL_PARAM_construct_end(),
	};
	return derive("HKDF", parameters, ret_key, length);
}

struct capture_tls_cipher *capture_tls_cipher_of_traffic(const struct capture_tls_suite *suite, struct span secret)
{
	uint8_t key[32], iv[12];
	struct capture_tls_cipher *cipher = NULL;
	if (suite->manner != CAPTURE_TLS_CBC && expand(suite->digest, secret, "key", key, suite->key_length) &&
		expand(suite->digest, secret, "iv", iv, sizeof(iv)))
		cipher = capture_tls_cipher_new(suite, 0x0304, false, span_make((const char *)key, suite->key_length),
			span_make((const char *)iv, sizeof(iv)), SPAN_NONE);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(iv, sizeof(iv));
	return cipher;
}

bool capture_tls_secret_update(const struct capture_tls_suite *suite, uint8_t *secret, size_t length)
{
	uint8_t next[64];
	bool is_done = length > 0 && length <= sizeof(next) &&
		       expand(suite->digest, span_make((const char *)secret, length), "traffic upd", next, length);
	if (is_done)
		memcpy(secret, next, length);
	OPENSSL_cleanse(next, sizeof(next));
	return is_done;
}

/* ---- from the key log ---- */

static struct span find(const struct capture *c, struct span label, const uint8_t *client_random)
{
	struct span random = span_make((const char *)client_random, 32), secret = SPAN_NONE;
	if (c->reader->settings.keys)
		secret = trace_keys_find(c->reader->settings.keys, label, random);
	if (!secret.at && c->embedded)
		secret = trace_keys_find(c->embedded, label, random);
	return secret;
}

void capture_tls_set_key(struct capture *c, struct capture_tls *tls, unsigned side, const char *label)
{
	struct capture_tls_side *s = &tls->sides[side];
	struct span secret = find(c, span_of(label), tls->client_random);
	s->cipher = capture_tls_cipher_free(s->cipher);
	if (!secret.at || !tls->suite || !tls->has_client_hello)
		return;
	if (tls->version < 0x0304) {
		s->cipher = capture_tls_cipher_of_master(tls->suite, tls->version, tls->is_mac_last, secret,
			tls->client_random, tls->server_random, side == tls->client);
		return;
	}
	if (secret.length > sizeof(s->traffic))
		return;
	memcpy(s->traffic, secret.at, secret.length);
	s->traffic_length = secret.length;
	s->cipher = capture_tls_cipher_of_traffic(tls->suite, secret);
}
