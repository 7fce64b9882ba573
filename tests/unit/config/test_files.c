/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a configuration names: missing, not readable, of the wrong kind, not belonging together. */
#include "base/require.h"
#include "config/load.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char folder[64];
	char file[128];
};

static const char *path_in(struct place *p, const char *name)
{
	snprintf(p->file, sizeof(p->file), "%s/%s", p->folder, name);
	return p->file;
}

static void write_text(struct place *p, const char *name, const char *text)
{
	FILE *file = fopen(path_in(p, name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A key, and a certificate that it signs itself. */
static void write_pair(struct place *p, const char *certificate, const char *key)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	assert_true(pair && x509);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_set_pubkey(x509, pair);
	assert_true(X509_sign(x509, pair, EVP_sha256()) > 0);
	FILE *file = fopen(path_in(p, certificate), "w");
	assert_true(file && PEM_write_X509(file, x509));
	fclose(file);
	file = fopen(path_in(p, key), "w");
	assert_true(file && PEM_write_PrivateKey(file, pair, NULL, NULL, 0, NULL, NULL));
	fclose(file);
	file = fopen(path_in(p, "locked.key"), "w");
	assert_true(file &&
		    PEM_write_PrivateKey(file, pair, EVP_aes_128_cbc(), (const unsigned char *)"word", 4, NULL, NULL));
	fclose(file);
	X509_free(x509);
	EVP_PKEY_free(pair);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	snprintf(p->folder, sizeof(p->folder), "/tmp/fedge-config-XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	write_pair(p, "a.pem", "a.key");
	write_pair(p, "b.pem", "b.key");
	write_text(p, "empty.pem", "nothing here\n");
	mkdir(path_in(p, "folder"), 0700);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "a.pem", "a.key", "b.pem", "b.key", "locked.key", "empty.pem",
		"node.yaml" };
	struct place *p = *state;
	for (size_t i = 0; i < BASE_COUNT(names); i++)
		unlink(path_in(p, names[i]));
	rmdir(path_in(p, "folder"));
	rmdir(p->folder);
	free(p);
	return 0;
}

#define HEAD "node: a.example\ndomains: [a.example]\nlisten: [{transport: udp}]\n"
static const struct {
	const char *name;
	const char *text;
	const char *expected; /* @ stands for the folder */
} cases[] = {
	{ "a pair",
		HEAD
		"tls: {authorities: [a.pem], identities: [{names: [a.example], certificate: a.pem, key: a.key}]}\n",
		"" },
	{ "another's key",
		HEAD
		"tls: {authorities: [b.pem], identities: [{names: [a.example], certificate: a.pem, key: b.key}]}\n",
		"@/node.yaml:4:76: error: the certificate in `@/a.pem` does not match the key in `@/b.key`\n" },
	{ "the client's pair too",
		HEAD
		"tls:\n  authorities: [a.pem]\n  identities:\n  - {names: [a.example], certificate: a.pem, key: a.key, "
		"client_certificate: b.pem, client_key: a.key}\n",
		"@/node.yaml:7:78: error: the certificate in `@/b.pem` does not match the key in `@/a.key`\n" },
	{ "files that are not there",
		HEAD "tls:\n  authorities: [none.pem, empty.pem]\n  identities:\n  - {names: [a.example], certificate: "
		     "none.pem, key: "
		     "folder}\n",
		"@/node.yaml:5:17: error: cannot read `@/none.pem`: No such file or directory\n"
		"@/node.yaml:5:27: error: no certificate (PEM) in `@/empty.pem`\n"
		"@/node.yaml:7:39: error: cannot read `@/none.pem`: No such file or directory\n"
		"@/node.yaml:7:54: error: cannot read `@/folder`: Is a directory\n" },
	{ "files of another kind",
		HEAD "tls:\n  authorities: [a.pem]\n  identities:\n  - {names: [a.example], certificate: a.key, key: "
		     "a.pem}\n"
		     "  - {names: [b.example.net], certificate: b.pem, key: locked.key}\n",
		"@/node.yaml:7:39: error: no certificate (PEM) in `@/a.key`\n"
		"@/node.yaml:7:39: error: no private key (PEM) in `@/a.pem`\n"
		"@/node.yaml:8:43: error: the key in `@/locked.key` has a password: a node starts without anybody to "
		"type it\n" },
	{ "folders to write into",
		HEAD "log:\n- {format: json, file: logs/a.log}\n- {format: json, file: folder}\ncontrol: "
		     "a.pem/s\n",
		"@/node.yaml:5:24: error: no folder for `@/logs/a.log`: No such file or directory\n"
		"@/node.yaml:6:24: error: `@/folder` is a folder\n"
		"@/node.yaml:7:10: error: no folder for `@/a.pem/s`: `@/a.pem` is none\n" },
};

static void expand(const char *text, const char *folder, struct buffer *b)
{
	for (; *text; text++) {
		if (*text == '@')
			buffer_append_text(b, folder);
		else
			buffer_append_byte(b, *text);
	}
}

static void files_are_looked_at(void **state)
{
	struct place *p = *state;
	int failed = 0;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct config_report report;
		struct buffer said, expected;
		const struct config_node *node = NULL;
		buffer_init(&said, 1 << 16);
		buffer_init(&expected, 1 << 16);
		config_report_init(&report);
		write_text(p, "node.yaml", cases[i].text);
		int status = config_load_file(path_in(p, "node.yaml"), &report, &node);
		config_report_write(&report, &said);
		expand(cases[i].expected, p->folder, &expected);
		if (!span_equal(buffer_span(&said), buffer_span(&expected)) ||
			(status == 0) != (*cases[i].expected == '\0')) {
			print_error("%s: said\n%.*sexpected\n%.*s", cases[i].name, SPAN_PRINT(buffer_span(&said)),
				SPAN_PRINT(buffer_span(&expected)));
			failed++;
		}
		config_node_unref(node);
		config_report_done(&report);
		buffer_done(&said);
		buffer_done(&expected);
	}
	assert_int_equal(failed, 0);
}

static void the_file_itself_may_be_missing(void **state)
{
	struct place *p = *state;
	struct config_report report;
	const struct config_node *node = NULL;
	config_report_init(&report);
	assert_int_equal(config_load_file(path_in(p, "none.yaml"), &report, &node), -ENOENT);
	assert_int_equal(report.count, 1);
	assert_string_equal(report.defects[0].text, "cannot be read: No such file or directory");
	assert_int_equal(config_load_file(p->folder, &report, &node), -EISDIR);
	assert_null(node);
	config_report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_looked_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_file_itself_may_be_missing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
