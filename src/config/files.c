/* SPDX-License-Identifier: Apache-2.0 */
#include "config/files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>

static int read_status(const char *path)
{
	/* Without O_NONBLOCK a named pipe would hold us up. */
	base_cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	if (descriptor < 0 || fstat(descriptor, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return S_ISREG(status.st_mode) ? 0 : -EINVAL;
}

static void check_readable(struct config_report *report, struct config_place place, const char *path)
{
	int status = read_status(path);
	if (status < 0)
		config_error(report, place, "cannot read `%s`: %s", config_shown(span_of(path)).text,
			status == -EINVAL ? "not a file" : strerror(-status));
}

static void check_folder(struct config_report *report, struct config_place place, const char *path)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	base_cleanup(free_pointer) char *folder =
		slash ? span_copy(span_make(path, slash == path ? 1 : (size_t)(slash - path))) : strdup(".");
	if (!folder)
		return;
	if (stat(folder, &status) < 0)
		config_error(
			report, place, "no folder for `%s`: %s", config_shown(span_of(path)).text, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		config_error(report, place, "no folder for `%s`: `%s` is none", config_shown(span_of(path)).text,
			config_shown(span_of(folder)).text);
	else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		config_error(report, place, "`%s` is a folder", config_shown(span_of(path)).text);
}

void config_file_check(struct config_report *report, struct config_place place, enum schema_type type, const char *path)
{
	if (type == SCHEMA_FILE_READ)
		check_readable(report, place, path);
	else
		check_folder(report, place, path);
}

/* ---- certificates and keys ---- */

static void close_file(FILE *const *file)
{
	if (*file)
		fclose(*file);
}

static void free_certificate(X509 *const *certificate)
{
	X509_free(*certificate);
}

static void free_key(EVP_PKEY *const *key)
{
	EVP_PKEY_free(*key);
}

static FILE *open_readable(const char *path)
{
	return read_status(path) == 0 ? fopen(path, "re") : NULL;
}

static X509 *read_certificate(const char *path, bool *ret_opened)
{
	base_cleanup(close_file) FILE *file = open_readable(path);
	*ret_opened = file != NULL;
	X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	ERR_clear_error();
	return certificate;
}

/* Nobody is there to type a password: having been asked is all we want to know. */
static int password_asked(char *ret_text, int capacity, int writing, void *argument)
{
	(void)ret_text;
	(void)capacity;
	(void)writing;
	*(bool *)argument = true;
	return -1;
}

static EVP_PKEY *read_key(const char *path, bool *ret_opened, bool *ret_encrypted)
{
	base_cleanup(close_file) FILE *file = open_readable(path);
	*ret_opened = file != NULL;
	*ret_encrypted = false;
	EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, password_asked, ret_encrypted) : NULL;
	ERR_clear_error();
	return key;
}

void config_pair_check(
	struct config_report *report, struct config_place place, const char *certificate, const char *key)
{
	bool certificate_opened, key_opened, encrypted;
	base_cleanup(free_certificate) X509 *x509 = read_certificate(certificate, &certificate_opened);
	base_cleanup(free_key) EVP_PKEY *private_key = read_key(key, &key_opened, &encrypted);
	if (certificate_opened && !x509)
		config_error(report, place, "no certificate (PEM) in `%s`", config_shown(span_of(certificate)).text);
	if (encrypted)
		config_error(report, place, "the key in `%s` has a password: a node starts without anybody to type it",
			config_shown(span_of(key)).text);
	else if (key_opened && !private_key)
		config_error(report, place, "no private key (PEM) in `%s`", config_shown(span_of(key)).text);
	if (x509 && private_key && X509_check_private_key(x509, private_key) != 1)
		config_error(report, place, "the certificate in `%s` does not match the key in `%s`",
			config_shown(span_of(certificate)).text, config_shown(span_of(key)).text);
	ERR_clear_error();
}

void config_authority_check(struct config_report *report, struct config_place place, const char *path)
{
	bool opened;
	base_cleanup(free_certificate) X509 *x509 = read_certificate(path, &opened);
	if (opened && !x509)
		config_error(report, place, "no certificate (PEM) in `%s`", config_shown(span_of(path)).text);
}
