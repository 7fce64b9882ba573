/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_NET_CERTIFICATES_H
#define FEDGE_TESTS_NET_CERTIFICATES_H
/* Authorities and certificates made on the spot, as PEM files in a folder of the test's own. */
#include "base/require.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct issued {
	X509 *certificate;
	EVP_PKEY *key;
};

struct wish {
	const char *name; /* CN, and DNS SAN unless it is an authority */
	const struct issued *issuer; /* NULL: signs itself */
	bool authority;
	const char *usage; /* extendedKeyUsage, NULL: none */
	long from_s, to_s; /* from now; 0, 0: yesterday to a year */
};

static inline void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	base_require(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static inline struct issued issue(const struct wish *wish)
{
	static long serial = 1000;
	struct issued made = { X509_new(), EVP_EC_gen("P-256") };
	X509 *issuer = wish->issuer ? wish->issuer->certificate : made.certificate;
	X509_NAME *name = X509_get_subject_name(made.certificate);
	char san[300];
	X509_set_version(made.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(made.certificate), wish->from_s ? wish->from_s : -86400);
	X509_gmtime_adj(X509_getm_notAfter(made.certificate), wish->to_s ? wish->to_s : 31536000L);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)wish->name, -1, -1, 0);
	X509_set_issuer_name(made.certificate, X509_get_subject_name(issuer));
	X509_set_pubkey(made.certificate, made.key);
	add_extension(
		made.certificate, issuer, NID_basic_constraints, wish->authority ? "critical,CA:TRUE" : "CA:FALSE");
	snprintf(san, sizeof(san), "DNS:%s", wish->name);
	if (!wish->authority)
		add_extension(made.certificate, issuer, NID_subject_alt_name, san);
	if (wish->usage)
		add_extension(made.certificate, issuer, NID_ext_key_usage, wish->usage);
	base_require(X509_sign(made.certificate, wish->issuer ? wish->issuer->key : made.key, EVP_sha256()) > 0);
	return made;
}

static inline void issued_free(struct issued *issued)
{
	X509_free(issued->certificate);
	EVP_PKEY_free(issued->key);
	*issued = (struct issued){ NULL, NULL };
}

/* ---- files ---- */
struct folder {
	char path[64];
	char names[64][160];
	size_t count;
};

static inline void folder_make(struct folder *folder)
{
	memset(folder, 0, sizeof(*folder));
	snprintf(folder->path, sizeof(folder->path), "/tmp/fedge-net-XXXXXX");
	base_require(mkdtemp(folder->path));
}
/* The path lives as long as the folder. */
static inline const char *folder_file(struct folder *folder, const char *name)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	for (size_t i = 0; i < folder->count; i++) {
		if (strcmp(folder->names[i], path) == 0)
			return folder->names[i];
	}
	base_require(folder->count < 64);
	return strcpy(folder->names[folder->count++], path);
}
static inline void folder_remove(struct folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		unlink(folder->names[i]);
	rmdir(folder->path);
}
static inline const char *folder_text(struct folder *folder, const char *name, const char *text)
{
	const char *path = folder_file(folder, name);
	FILE *file = fopen(path, "w");
	base_require(file && fputs(text, file) >= 0 && fclose(file) == 0);
	return path;
}
/* NULL-terminated list of certificates; written aside and renamed, as certificate tools do. */
static inline const char *folder_chain(struct folder *folder, const char *name, X509 *const *chain)
{
	const char *path = folder_file(folder, name);
	char aside[176];
	snprintf(aside, sizeof(aside), "%s~", path);
	FILE *file = fopen(aside, "w");
	base_require(file);
	for (; *chain; chain++)
		base_require(PEM_write_X509(file, *chain) == 1);
	base_require(fclose(file) == 0 && rename(aside, path) == 0);
	return path;
}
static inline const char *folder_key(struct folder *folder, const char *name, EVP_PKEY *key)
{
	const char *path = folder_file(folder, name);
	FILE *file = fopen(path, "w");
	base_require(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	base_require(fclose(file) == 0);
	return path;
}

/* ---- a small federation: a root, an intermediate, two hosts, a stranger's root ---- */
struct authority_set {
	struct folder folder;
	struct issued root, intermediate, stranger;
	const char *root_file, *intermediate_file, *stranger_file;
};

static inline void authorities_make(struct authority_set *set)
{
	folder_make(&set->folder);
	set->root = issue(&(struct wish){ .name = "Root", .authority = true });
	set->intermediate = issue(&(struct wish){ .name = "Intermediate", .authority = true, .issuer = &set->root });
	set->stranger = issue(&(struct wish){ .name = "Stranger", .authority = true });
	X509 *root[] = { set->root.certificate, NULL }, *stranger[] = { set->stranger.certificate, NULL };
	X509 *intermediate[] = { set->intermediate.certificate, NULL };
	set->root_file = folder_chain(&set->folder, "root.pem", root);
	set->intermediate_file = folder_chain(&set->folder, "intermediate.pem", intermediate);
	set->stranger_file = folder_chain(&set->folder, "stranger.pem", stranger);
}
static inline void authorities_free(struct authority_set *set)
{
	issued_free(&set->root);
	issued_free(&set->intermediate);
	issued_free(&set->stranger);
	folder_remove(&set->folder);
}

/* A host's certificate with its chain (or alone) and key, as NAME.pem and NAME.key. */
static inline void authorities_host(struct authority_set *set, const char *file, struct wish wish, bool alone)
{
	char name[80];
	if (!wish.issuer)
		wish.issuer = &set->intermediate;
	struct issued made = issue(&wish);
	bool by_intermediate = wish.issuer == &set->intermediate && !alone;
	X509 *chain[] = { made.certificate, by_intermediate ? set->intermediate.certificate : NULL, NULL };
	snprintf(name, sizeof(name), "%s.pem", file);
	folder_chain(&set->folder, name, chain);
	snprintf(name, sizeof(name), "%s.key", file);
	folder_key(&set->folder, name, made.key);
	issued_free(&made);
}
#endif
