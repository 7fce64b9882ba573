/* SPDX-License-Identifier: Apache-2.0 */
/* X509 into plain facts. Whatever a stranger put into his certificate is bounded and cleaned here. */
#include "peer/chain.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#define NAME_LENGTH_MAXIMUM 253
#define TEXT_LENGTH_MAXIMUM 1024
#define SERIAL_DIGITS_MAXIMUM 64
#define URI_LENGTH_MAXIMUM 1024
#define ISSUER_URIS_MAXIMUM 8

/* Printable ASCII without blanks: everything else is no host name, and "a.lab\0.evil" least of all. */
static bool is_clean(const unsigned char *bytes, int length, int maximum)
{
	if (length <= 0 || length > maximum)
		return false;
	for (int i = 0; i < length; i++)
		if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
			return false;
	return true;
}

struct names {
	struct arena *arena;
	struct span *dns, *uri;
	size_t dns_count, uri_count;
	size_t bytes;
	bool cut;
};

static int names_add(struct names *n, const ASN1_IA5STRING *value, bool uri)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(value);
	int length = ASN1_STRING_length(value);
	if (!is_clean(bytes, length, NAME_LENGTH_MAXIMUM) ||
		n->dns_count + n->uri_count >= PEER_CERTIFICATE_NAMES_MAXIMUM ||
		n->bytes + (size_t)length > PEER_CERTIFICATE_BYTES_MAXIMUM) {
		n->cut = true;
		return 0;
	}
	struct span copy = arena_copy(n->arena, span_make((const char *)bytes, (size_t)length));
	if (!copy.at)
		return -ENOMEM;
	n->bytes += copy.length;
	if (uri)
		n->uri[n->uri_count++] = copy;
	else
		n->dns[n->dns_count++] = copy;
	return 0;
}

static size_t names_room(const GENERAL_NAMES *list, int type)
{
	size_t count = 0;
	for (int i = 0; i < sk_GENERAL_NAME_num(list) && count < PEER_CERTIFICATE_NAMES_MAXIMUM; i++)
		count += sk_GENERAL_NAME_value(list, i)->type == type;
	return count + 1;
}

static int names_fill(struct names *n, const GENERAL_NAMES *list)
{
	n->dns = arena_allocate(n->arena, names_room(list, GEN_DNS) * sizeof(struct span));
	n->uri = arena_allocate(n->arena, names_room(list, GEN_URI) * sizeof(struct span));
	if (!n->dns || !n->uri)
		return -ENOMEM;
	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
		int status = 0;
		if (name->type == GEN_DNS)
			status = names_add(n, name->d.dNSName, false);
		else if (name->type == GEN_URI)
			status = names_add(n, name->d.uniformResourceIdentifier, true);
		if (status < 0)
			return status;
	}
	return 0;
}

/* RFC 6125 6.4.4 lets names of certain kinds hide the CN; here whatever stands in the extension does (docs/rules.md
 * R4), and one that cannot be read too, for nobody knows what it would have said. */
static int read_names(X509 *certificate, struct arena *arena, struct trust_certificate *facts)
{
	int critical = 0;
	GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
	if (!list) {
		facts->has_names = facts->names_cut = critical != -1;
		return 0;
	}
	struct names n = { .arena = arena };
	int status = names_fill(&n, list);
	facts->has_names = sk_GENERAL_NAME_num(list) > 0;
	facts->dns_names = n.dns;
	facts->dns_name_count = n.dns_count;
	facts->uri_names = n.uri;
	facts->uri_name_count = n.uri_count;
	facts->names_cut = n.cut;
	GENERAL_NAMES_free(list);
	return status;
}

static bool is_text(const unsigned char *bytes, int length)
{
	for (int i = 0; i < length; i++)
		if (bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	return length > 0 && length <= TEXT_LENGTH_MAXIMUM;
}

/* The last CN is the most specific one. */
static void read_common_name(X509 *certificate, struct arena *arena, struct trust_certificate *facts)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int last = -1;
	for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
		last = at;
	if (last < 0)
		return;
	unsigned char *text = NULL;
	int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (length > 0 && is_text(text, length))
		facts->common_name = arena_copy(arena, span_make((const char *)text, (size_t)length));
	OPENSSL_free(text);
}

/* RFC 5280 4.2.2.1. What cannot be read or shown is left out: nothing is judged by it. */
static int read_issuer_uris(X509 *certificate, struct arena *arena, struct trust_certificate *facts)
{
	AUTHORITY_INFO_ACCESS *list = X509_get_ext_d2i(certificate, NID_info_access, NULL, NULL);
	struct span *uris = list ? arena_allocate(arena, ISSUER_URIS_MAXIMUM * sizeof(*uris)) : NULL;
	int status = list && !uris ? -ENOMEM : 0;
	size_t count = 0;
	for (int i = 0; status == 0 && i < sk_ACCESS_DESCRIPTION_num(list) && count < ISSUER_URIS_MAXIMUM; i++) {
		const ACCESS_DESCRIPTION *access = sk_ACCESS_DESCRIPTION_value(list, i);
		if (OBJ_obj2nid(access->method) != NID_ad_ca_issuers || access->location->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *uri = access->location->d.uniformResourceIdentifier;
		const unsigned char *bytes = ASN1_STRING_get0_data(uri);
		int length = ASN1_STRING_length(uri);
		if (!is_clean(bytes, length, URI_LENGTH_MAXIMUM))
			continue;
		uris[count] = arena_copy(arena, span_make((const char *)bytes, (size_t)length));
		status = uris[count].at ? 0 : -ENOMEM;
		count += uris[count].at != NULL;
	}
	AUTHORITY_INFO_ACCESS_free(list);
	facts->issuer_uris = uris;
	facts->issuer_uri_count = count;
	return status;
}

struct span peer_name_text(const struct X509_name_st *name, struct arena *arena)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct span text = SPAN_NONE;
	if (!bio)
		return text;
	char *bytes = NULL;
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		long length = BIO_get_mem_data(bio, &bytes);
		if (length > 0)
			text = arena_copy(arena, span_first(span_make(bytes, (size_t)length), TEXT_LENGTH_MAXIMUM));
	}
	BIO_free(bio);
	return text;
}

static struct span serial_text(const X509 *certificate, struct arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	int length = ASN1_STRING_length(serial);
	char text[SERIAL_DIGITS_MAXIMUM];
	size_t used = 0;
	for (int i = 0; i < length && used + 2 <= sizeof(text); i++) {
		text[used++] = digits[bytes[i] >> 4];
		text[used++] = digits[bytes[i] & 15];
	}
	return arena_copy(arena, span_make(text, used));
}

/* A date that cannot be read is never a valid one. */
static int64_t unix_time(const ASN1_TIME *time, int64_t otherwise)
{
	struct tm parts;
	if (!time || !ASN1_TIME_to_tm(time, &parts))
		return otherwise;
	return (int64_t)timegm(&parts);
}

static unsigned usage_of(X509 *certificate)
{
	if (!(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE))
		return TRUST_USAGE_ABSENT;
	uint32_t bits = X509_get_extended_key_usage(certificate);
	unsigned usage = bits & XKU_SSL_SERVER ? TRUST_USAGE_SERVER : 0;
	usage |= bits & XKU_SSL_CLIENT ? TRUST_USAGE_CLIENT : 0;
	usage |= bits & XKU_ANYEKU ? TRUST_USAGE_ANY : 0;
	return usage ? usage : TRUST_USAGE_OTHER;
}

static void read_key(X509 *certificate, struct trust_certificate *facts)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	if (!key)
		return;
	int bits = EVP_PKEY_get_bits(key);
	facts->key_bits = bits > 0 && bits <= UINT16_MAX ? (uint16_t)bits : 0;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		facts->key_kind = TRUST_KEY_RSA;
		break;
	case EVP_PKEY_EC:
		facts->key_kind = TRUST_KEY_EC;
		break;
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		facts->key_kind = TRUST_KEY_ED;
		break;
	default:
		break;
	}
}

static void read_signature(X509 *certificate, struct arena *arena, struct trust_certificate *facts)
{
	int digest = NID_undef, bits = 0;
	X509_get_signature_info(certificate, &digest, NULL, &bits, NULL);
	facts->signature_weak = digest == NID_sha1 || digest == NID_md5 || digest == NID_md4 || digest == NID_md2 ||
				digest == NID_md5_sha1;
	const char *name = OBJ_nid2ln(X509_get_signature_nid(certificate));
	facts->signature = arena_copy(arena, span_of(name ? name : "unknown"));
}

static struct span digest_of(const void *bytes, size_t length, const EVP_MD *kind, struct arena *arena)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	if (!EVP_Digest(bytes, length, digest, &size, kind, NULL))
		return SPAN_NONE;
	return arena_copy(arena, span_make((const char *)digest, size));
}

int peer_certificate_der(struct x509_st *certificate, struct arena *arena, struct span *ret_der)
{
	int length = i2d_X509(certificate, NULL);
	if (length <= 0)
		return -EBADMSG;
	unsigned char *bytes = arena_allocate(arena, (size_t)length);
	unsigned char *end = bytes;
	if (!bytes)
		return -ENOMEM;
	if (i2d_X509(certificate, &end) != length)
		return -EBADMSG;
	*ret_der = span_make((const char *)bytes, (size_t)length);
	return 0;
}

static int read_digests(X509 *certificate, struct span der, struct arena *arena, struct trust_certificate *facts)
{
	unsigned char *key = NULL;
	int key_length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key);
	if (key_length <= 0)
		return -EBADMSG;
	facts->fingerprint = digest_of(der.at, der.length, EVP_sha256(), arena);
	facts->der_sha512 = digest_of(der.at, der.length, EVP_sha512(), arena);
	facts->key_sha256 = digest_of(key, (size_t)key_length, EVP_sha256(), arena);
	facts->key_sha512 = digest_of(key, (size_t)key_length, EVP_sha512(), arena);
	OPENSSL_free(key);
	return facts->fingerprint.at && facts->key_sha256.at ? 0 : -ENOMEM;
}

int peer_certificate_read(struct x509_st *certificate, struct arena *arena, struct trust_certificate *ret_facts)
{
	unsigned char *der = NULL;
	int length = i2d_X509(certificate, &der);
	if (length <= 0)
		return -EBADMSG;
	int status = peer_certificate_read_der(certificate, span_make((char *)der, (size_t)length), arena, ret_facts);
	OPENSSL_free(der);
	return status;
}

int peer_certificate_read_der(
	struct x509_st *certificate, struct span der, struct arena *arena, struct trust_certificate *ret_facts)
{
	struct trust_certificate facts = {
		.not_before_s = unix_time(X509_get0_notBefore(certificate), INT64_MAX),
		.not_after_s = unix_time(X509_get0_notAfter(certificate), INT64_MIN),
		.usage = usage_of(certificate),
		.is_authority = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0,
		.self_signed = (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0,
	};
	int status = read_digests(certificate, der, arena, &facts);
	if (status == 0)
		status = read_names(certificate, arena, &facts);
	if (status == 0)
		status = read_issuer_uris(certificate, arena, &facts);
	if (status < 0)
		return status;
	read_common_name(certificate, arena, &facts);
	read_key(certificate, &facts);
	read_signature(certificate, arena, &facts);
	facts.subject = peer_name_text(X509_get_subject_name(certificate), arena);
	facts.issuer = peer_name_text(X509_get_issuer_name(certificate), arena);
	facts.serial = serial_text(certificate, arena);
	*ret_facts = facts;
	return 0;
}
