/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/certificate.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_S INT64_C(86400)

struct lab_authority {
	X509 *certificate;
	EVP_PKEY *key;
	bool is_root;
};

struct extension {
	int nid;
	const char *value;
};

static int set_random_serial(X509 *certificate)
{
	unsigned char bytes[16];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EPROTO;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* RFC 5280 4.1.2.2: positive, never zero */
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ASN1_INTEGER *serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	int status = serial && X509_set_serialNumber(certificate, serial) == 1 ? 0 : -EPROTO;
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return status;
}

static int set_subject(X509 *certificate, const char *common_name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	if (X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"fedge lab", -1, -1, 0) != 1)
		return -EPROTO;
	if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) !=
		1)
		return -EPROTO;
	return 0;
}

static int set_dates(X509 *certificate, int64_t not_before_s, int64_t not_after_s)
{
	if (!ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before_s) ||
		!ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after_s))
		return -EPROTO;
	return 0;
}

static int add_extensions(X509 *certificate, X509 *issuer, const struct extension *extensions, size_t count)
{
	X509V3_CTX context;
	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	for (size_t i = 0; i < count; i++) {
		if (!extensions[i].value)
			continue;
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
		int added = extension && X509_add_ext(certificate, extension, -1) == 1;
		X509_EXTENSION_free(extension);
		if (!added)
			return -EPROTO;
	}
	return 0;
}

/* What both kinds have in common: version 3, a new key, a random serial, names and dates. */
struct draft {
	X509 *certificate;
	EVP_PKEY *key;
};

static void draft_done(struct draft *draft)
{
	X509_free(draft->certificate);
	EVP_PKEY_free(draft->key);
}

static int draft_init(struct draft *draft, const char *common_name, const X509 *issuer, const int64_t dates_s[2])
{
	draft->certificate = X509_new();
	draft->key = EVP_EC_gen("P-256");
	if (!draft->certificate || !draft->key)
		return -ENOMEM;
	int status = set_random_serial(draft->certificate);
	if (status == 0)
		status = set_subject(draft->certificate, common_name);
	if (status == 0)
		status = set_dates(draft->certificate, dates_s[0], dates_s[1]);
	if (status < 0)
		return status;
	X509_NAME *name = issuer ? X509_get_subject_name(issuer) : X509_get_subject_name(draft->certificate);
	if (X509_set_version(draft->certificate, X509_VERSION_3) != 1 ||
		X509_set_issuer_name(draft->certificate, name) != 1 ||
		X509_set_pubkey(draft->certificate, draft->key) != 1)
		return -EPROTO;
	return 0;
}

static int draft_sign(struct draft *draft, EVP_PKEY *key)
{
	return X509_sign(draft->certificate, key, EVP_sha256()) > 0 ? 0 : -EPROTO;
}

static int authority_new(
	const struct lab_authority *root, const char *name, int64_t now_s, struct lab_authority **ret_authority)
{
	const int64_t dates_s[2] = { now_s - 3650 * DAY_S, now_s + 3650 * DAY_S };
	const struct extension extensions[] = {
		{ NID_basic_constraints, root ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, root ? "keyid:always" : NULL },
	};
	struct draft draft = { 0 };
	int status = draft_init(&draft, name, root ? root->certificate : NULL, dates_s);
	if (status == 0)
		status = add_extensions(draft.certificate, root ? root->certificate : draft.certificate, extensions,
			sizeof(extensions) / sizeof(extensions[0]));
	if (status == 0)
		status = draft_sign(&draft, root ? root->key : draft.key);
	struct lab_authority *authority = status == 0 ? calloc(1, sizeof(*authority)) : NULL;
	if (!authority) {
		draft_done(&draft);
		return status < 0 ? status : -ENOMEM;
	}
	authority->certificate = draft.certificate;
	authority->key = draft.key;
	authority->is_root = !root;
	*ret_authority = authority;
	return 0;
}

int lab_authority_new_root(const char *name, int64_t now_s, struct lab_authority **ret_authority)
{
	return authority_new(NULL, name, now_s, ret_authority);
}

int lab_authority_new_intermediate(
	const struct lab_authority *root, const char *name, int64_t now_s, struct lab_authority **ret_authority)
{
	return authority_new(root, name, now_s, ret_authority);
}

struct lab_authority *lab_authority_free(struct lab_authority *authority)
{
	if (authority) {
		X509_free(authority->certificate);
		EVP_PKEY_free(authority->key);
		free(authority);
	}
	return NULL;
}

/* A new file of the given mode; what stood there is replaced, never followed. */
static FILE *create_file(const char *path, mode_t mode)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return NULL;
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (descriptor < 0)
		return NULL;
	FILE *file = fdopen(descriptor, "w");
	if (!file)
		close(descriptor);
	return file;
}

static int close_file(FILE *file, bool written)
{
	if (fclose(file) != 0)
		return errno ? -errno : -EIO;
	return written ? 0 : -EPROTO;
}

static int write_certificates(const char *path, X509 *first, X509 *second)
{
	FILE *file = create_file(path, 0644);
	if (!file)
		return -errno;
	bool written = PEM_write_X509(file, first) == 1 && (!second || PEM_write_X509(file, second) == 1);
	return close_file(file, written);
}

int lab_authority_write(const struct lab_authority *authority, const char *path)
{
	return write_certificates(path, authority->certificate, NULL);
}

static int write_key(const char *path, EVP_PKEY *key)
{
	FILE *file = create_file(path, 0600);
	if (!file)
		return -errno;
	return close_file(file, PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
}

/* "DNS:a,DNS:b" into b; NULL where there is no name. */
static const char *alternative_names(const struct lab_leaf *leaf, struct buffer *b)
{
	for (size_t i = 0; i < LAB_SAN_MAXIMUM && leaf->alternative_names[i]; i++)
		buffer_printf(b, "%sDNS:%s", i ? "," : "", leaf->alternative_names[i]);
	return b->length && b->status == 0 ? b->at : NULL;
}

static int leaf_extend(struct draft *draft, const struct lab_authority *issuer, const struct lab_leaf *leaf)
{
	struct buffer names;
	buffer_init(&names, 4096);
	const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, leaf->server_usage_only ? "serverAuth" : "serverAuth,clientAuth" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid:always" },
		{ NID_subject_alt_name, alternative_names(leaf, &names) },
	};
	int status = names.status;
	if (status == 0)
		status = add_extensions(draft->certificate, issuer->certificate, extensions,
			sizeof(extensions) / sizeof(extensions[0]));
	buffer_done(&names);
	return status;
}

int lab_certificate_issue(const struct lab_authority *issuer, const struct lab_leaf *leaf, const char *certificate_path,
	const char *key_path)
{
	const int64_t dates_s[2] = { leaf->not_before_s, leaf->not_after_s };
	struct draft draft = { 0 };
	int status = draft_init(&draft, leaf->common_name, issuer->certificate, dates_s);
	if (status == 0)
		status = leaf_extend(&draft, issuer, leaf);
	if (status == 0)
		status = draft_sign(&draft, issuer->key);
	if (status == 0)
		status = write_certificates(certificate_path, draft.certificate,
			leaf->leaf_alone || issuer->is_root ? NULL : issuer->certificate);
	if (status == 0)
		status = write_key(key_path, draft.key);
	draft_done(&draft);
	return status;
}
