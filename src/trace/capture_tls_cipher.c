/* SPDX-License-Identifier: Apache-2.0 */
/* Records opened: authenticated encryption (RFC 8446 5.2, RFC 5288, RFC 7905), and cipher block chaining with its mac
 * inside (RFC 5246 6.2.3.2) or behind (RFC 7366). What is not authentic is not shown. */
#include "trace/capture_tls.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define VERSION_13 0x0304
#define BLOCK 16u
#define NONCE 12u

struct capture_tls_cipher *capture_tls_cipher_free(struct capture_tls_cipher *cipher)
{
	if (cipher) {
		EVP_CIPHER_CTX_free(cipher->context);
		OPENSSL_cleanse(cipher, sizeof(*cipher));
		free(cipher);
	}
	return NULL;
}

static const unsigned char *bytes_of(struct span s)
{
	return (const unsigned char *)s.at;
}

/* CCM wants its sizes before the key. */
static bool set_up(struct capture_tls_cipher *cipher, const EVP_CIPHER *algorithm, struct span key)
{
	EVP_CIPHER_CTX *context = cipher->context;
	if (EVP_DecryptInit_ex(context, algorithm, NULL, NULL, NULL) != 1)
		return false;
	if (cipher->suite->manner == CAPTURE_TLS_CBC)
		return EVP_DecryptInit_ex(context, NULL, NULL, bytes_of(key), NULL) == 1 &&
		       EVP_CIPHER_CTX_set_padding(context, 0) == 1;
	if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL) != 1)
		return false;
	if (cipher->suite->manner == CAPTURE_TLS_CCM &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, cipher->suite->tag_length, NULL) != 1)
		return false;
	return EVP_DecryptInit_ex(context, NULL, NULL, bytes_of(key), NULL) == 1;
}

struct capture_tls_cipher *capture_tls_cipher_new(const struct capture_tls_suite *suite, uint16_t version,
	bool is_mac_last, struct span key, struct span iv, struct span mac)
{
	struct capture_tls_cipher *cipher = calloc(1, sizeof(*cipher));
	EVP_CIPHER *algorithm = EVP_CIPHER_fetch(NULL, suite->cipher, NULL);
	bool is_ready = false;
	if (cipher && algorithm && iv.length <= sizeof(cipher->iv) && mac.length <= sizeof(cipher->mac)) {
		cipher->suite = suite;
		cipher->version = version;
		cipher->is_mac_last = is_mac_last;
		cipher->context = EVP_CIPHER_CTX_new();
		if (iv.length)
			memcpy(cipher->iv, iv.at, iv.length);
		if (mac.length)
			memcpy(cipher->mac, mac.at, mac.length);
		cipher->mac_length = (uint8_t)mac.length;
		is_ready = cipher->context && set_up(cipher, algorithm, key);
	}
	EVP_CIPHER_free(algorithm);
	return is_ready ? cipher : capture_tls_cipher_free(cipher);
}

static void put_number(uint8_t *at, uint64_t value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		at[i] = (uint8_t)(value >> 8 * (length - 1 - i));
}

/* Number, type, version and length of the content: what TLS 1.2 authenticates beside it. */
#define ADDITIONAL 13u
static void put_additional(const struct capture_tls_cipher *cipher, struct span record, size_t length, uint8_t *out)
{
	put_number(out, cipher->number, 8);
	memcpy(out + 8, record.at, 3);
	put_number(out + 11, length, 2);
}

/* ---- authenticated encryption ---- */

static bool decrypt_aead(const struct capture_tls_cipher *cipher, const uint8_t *nonce, struct span additional,
	struct span text, char *ret_content)
{
	EVP_CIPHER_CTX *context = cipher->context;
	int length, tag = cipher->suite->tag_length, content = (int)text.length - tag;
	bool is_ccm = cipher->suite->manner == CAPTURE_TLS_CCM;
	unsigned char tag_bytes[16];
	memcpy(tag_bytes, text.at + content, (size_t)tag);
	if (is_ccm && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag, tag_bytes) != 1)
		return false;
	if (EVP_DecryptInit_ex(context, NULL, NULL, NULL, nonce) != 1)
		return false;
	if (is_ccm && EVP_DecryptUpdate(context, NULL, &length, NULL, content) != 1)
		return false;
	if (EVP_DecryptUpdate(context, NULL, &length, bytes_of(additional), (int)additional.length) != 1 ||
		EVP_DecryptUpdate(context, (unsigned char *)ret_content, &length, bytes_of(text), content) != 1)
		return false;
	if (is_ccm)
		return true; /* authentic, or the update had failed */
	return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag, tag_bytes) == 1 &&
	       EVP_DecryptFinal_ex(context, (unsigned char *)ret_content + length, &length) == 1;
}

static bool open_aead(struct capture_tls_cipher *cipher, struct span record, char *ret_content, size_t *ret_length)
{
	struct span text = span_from(record, CAPTURE_TLS_HEADER), additional;
	uint8_t nonce[NONCE], beside[ADDITIONAL];
	bool has_explicit = cipher->version < VERSION_13 && cipher->suite->manner != CAPTURE_TLS_CHACHA;
	size_t overhead = cipher->suite->tag_length + (has_explicit ? 8u : 0u);
	if (text.length < overhead)
		return false;
	*ret_length = text.length - overhead;
	memcpy(nonce, cipher->iv, NONCE);
	if (has_explicit) {
		memcpy(nonce + 4, text.at, 8);
		text = span_from(text, 8);
	} else {
		uint8_t number[8];
		put_number(number, cipher->number, 8);
		for (size_t i = 0; i < 8; i++)
			nonce[4 + i] ^= number[i];
	}
	if (cipher->version >= VERSION_13) {
		additional = span_first(record, CAPTURE_TLS_HEADER);
	} else {
		put_additional(cipher, record, *ret_length, beside);
		additional = span_make((const char *)beside, ADDITIONAL);
	}
	return decrypt_aead(cipher, nonce, additional, text, ret_content);
}

/* ---- cipher block chaining ---- */

/* The mac over what stands beside the content, and the content. */
static bool is_authentic(const struct capture_tls_cipher *cipher, struct span record, size_t length,
	struct span content, const char *mac)
{
	uint8_t text[ADDITIONAL + CAPTURE_TLS_RECORD_MAXIMUM], digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	const EVP_MD *algorithm = EVP_get_digestbyname(cipher->suite->mac);
	put_additional(cipher, record, length, text);
	if (content.length > CAPTURE_TLS_RECORD_MAXIMUM)
		return false;
	memcpy(text + ADDITIONAL, content.at, content.length);
	return algorithm &&
	       HMAC(algorithm, cipher->mac, cipher->mac_length, text, ADDITIONAL + content.length, digest, &size) &&
	       size == cipher->mac_length && CRYPTO_memcmp(digest, mac, size) == 0;
}

/* Gives the length without the padding; SIZE_MAX where it is none. */
static size_t without_padding(const char *content, size_t length, size_t minimum)
{
	size_t padding = length ? (uint8_t)content[length - 1] + 1u : 1;
	if (length < padding + minimum)
		return SIZE_MAX;
	for (size_t i = 0; i < padding; i++)
		if ((uint8_t)content[length - 1 - i] != padding - 1)
			return SIZE_MAX;
	return length - padding;
}

static bool open_cbc(struct capture_tls_cipher *cipher, struct span record, char *ret_content, size_t *ret_length)
{
	struct span text = span_from(record, CAPTURE_TLS_HEADER), whole = text;
	size_t mac = cipher->mac_length;
	int length = 0;
	if (cipher->is_mac_last) {
		if (text.length < mac)
			return false;
		text = whole = span_first(text, text.length - mac);
		if (!is_authentic(cipher, record, whole.length, whole, whole.at + whole.length))
			return false;
	}
	uint8_t iv[BLOCK];
	memcpy(iv, cipher->iv, BLOCK);
	if (cipher->version > 0x0301 && text.length >= BLOCK) {
		memcpy(iv, text.at, BLOCK);
		text = span_from(text, BLOCK);
	}
	if (text.length == 0 || text.length % BLOCK != 0)
		return false;
	if (EVP_DecryptInit_ex(cipher->context, NULL, NULL, NULL, iv) != 1 ||
		EVP_DecryptUpdate(
			cipher->context, (unsigned char *)ret_content, &length, bytes_of(text), (int)text.length) != 1)
		return false;
	memcpy(cipher->iv, text.at + text.length - BLOCK, BLOCK);
	size_t rest = without_padding(ret_content, (size_t)length, cipher->is_mac_last ? 0 : mac);
	if (rest == SIZE_MAX)
		return false;
	*ret_length = cipher->is_mac_last ? rest : rest - mac;
	return cipher->is_mac_last || is_authentic(cipher, record, *ret_length, span_make(ret_content, *ret_length),
					      ret_content + *ret_length);
}

/* ---- all ---- */

/* TLS 1.3: the type is the last byte that is not 0. */
static bool take_inner_type(const char *content, size_t *length, uint8_t *ret_type)
{
	while (*length > 0 && content[*length - 1] == 0)
		--*length;
	if (*length == 0)
		return false;
	*ret_type = (uint8_t)content[--*length];
	return true;
}

bool capture_tls_cipher_open(
	struct capture_tls_cipher *cipher, struct span record, uint8_t *type, char *ret_content, size_t *ret_length)
{
	bool is_open = cipher->suite->manner == CAPTURE_TLS_CBC ? open_cbc(cipher, record, ret_content, ret_length)
								: open_aead(cipher, record, ret_content, ret_length);
	if (!is_open)
		return false;
	cipher->number++;
	return cipher->version < VERSION_13 || take_inner_type(ret_content, ret_length, type);
}
