/* SPDX-License-Identifier: Apache-2.0 */
/* Each certificate of the scenarios, as OpenSSL's own verification sees it. */
#include "base/clock.h"
#include "lab/certificate.h"
#include "lab/identity.h"
#include "lab_test.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What a file holds: the leaf and what follows it. */
struct chain {
	X509 *leaf;
	STACK_OF(X509) * rest;
};

static struct chain read_chain(const char *folder, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	struct chain chain = { PEM_read_X509(file, NULL, NULL, NULL), sk_X509_new_null() };
	for (X509 *next; (next = PEM_read_X509(file, NULL, NULL, NULL));)
		sk_X509_push(chain.rest, next);
	fclose(file);
	assert_non_null(chain.leaf);
	return chain;
}

static void free_chain(struct chain *chain)
{
	X509_free(chain->leaf);
	sk_X509_pop_free(chain->rest, X509_free);
}

static int verify(const char *folder, const char *name, const char *root_name, int purpose)
{
	struct chain root = read_chain(folder, root_name);
	struct chain chain = read_chain(folder, name);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_add_cert(store, root.leaf);
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_STORE_CTX_init(context, store, chain.leaf, chain.rest);
	X509_STORE_CTX_set_purpose(context, purpose);
	int error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	free_chain(&chain);
	free_chain(&root);
	return error;
}

static void write_scenario(const char *folder, const char *scenario)
{
	struct lab_place place;
	assert_int_equal(lab_place_open(&place, folder), 0);
	assert_int_equal(lab_place_write(&place, "lab.json", 0644, SPAN("{}")), 0); /* so that it may come again */
	assert_non_null(lab_scenario_find(scenario));
	assert_int_equal(lab_identity_write(&place, lab_scenario_find(scenario), (int64_t)time(NULL)), 0);
	lab_place_close(&place);
}

static const struct expected_verification {
	const char *scenario;
	int as_server;
	int as_client;
} verifications[] = {
	{ "healthy", X509_V_OK, X509_V_OK },
	{ "cert-name-missing", X509_V_OK, X509_V_OK },
	{ "cert-cn-only", X509_V_OK, X509_V_OK },
	{ "cert-cn-ignored", X509_V_OK, X509_V_OK },
	{ "cert-wildcard", X509_V_OK, X509_V_OK },
	{ "cert-untrusted", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	{ "cert-chain-incomplete", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
		X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	{ "cert-expired", X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED },
	{ "cert-server-usage-only", X509_V_OK, X509_V_ERR_INVALID_PURPOSE },
};

static void each_scenario_verifies_as_openssl_says(void **state)
{
	for (size_t i = 0; i < sizeof(verifications) / sizeof(verifications[0]); i++) {
		const struct expected_verification *row = &verifications[i];
		print_message("%s\n", row->scenario);
		write_scenario(*state, row->scenario);
		assert_int_equal(
			verify(*state, "tls/vcse.pem", "tls/root.pem", X509_PURPOSE_SSL_SERVER), row->as_server);
		assert_int_equal(
			verify(*state, "tls/vcse.pem", "tls/root.pem", X509_PURPOSE_SSL_CLIENT), row->as_client);
		assert_int_equal(verify(*state, "tls/sfvedge.pem", "tls/root.pem", X509_PURPOSE_SSL_CLIENT), X509_V_OK);
		assert_int_equal(
			verify(*state, "tls/stejanss.pem", "tls/root.pem", X509_PURPOSE_SSL_SERVER), X509_V_OK);
		assert_int_equal(verify(*state, "tls/cms.pem", "tls/root.pem", X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	}
}

static void a_private_authority_is_good_for_who_imported_it(void **state)
{
	write_scenario(*state, "cert-untrusted");
	assert_int_equal(verify(*state, "tls/vcse.pem", "tls/private-root.pem", X509_PURPOSE_SSL_SERVER), X509_V_OK);
}

static const struct expected_name {
	const char *scenario;
	const char *file;
	const char *name;
	bool matches; /* by X509_check_host, without the wildcard and CN rules of docs/rules.md */
} names[] = {
	{ "healthy", "tls/vcse.pem", "vcse.acano.steven.lab", true },
	{ "healthy", "tls/vcse.pem", "vcse.cms.steven.lab", true },
	{ "healthy", "tls/vcse.pem", "acano.steven.lab", false },
	{ "cert-name-missing", "tls/vcse.pem", "vcse.acano.steven.lab", false },
	{ "cert-name-missing", "tls/vcse.pem", "vcse.steven.lab", true },
	{ "cert-cn-only", "tls/vcse.pem", "vcse.acano.steven.lab", true },
	{ "cert-cn-ignored", "tls/vcse.pem", "vcse.acano.steven.lab", false },
	{ "cert-wildcard", "tls/vcse.pem", "vcse.cms.steven.lab", true },
	{ "healthy", "tls/sfvedge.pem", "sip.skype.lab", true },
	{ "partner-cert-name-missing", "tls/sfvedge.pem", "sip.skype.lab", false },
	{ "partner-cert-name-missing", "tls/sfvedge.pem", "sfvedge.skype.lab", true },
};

static void names_are_where_the_scenario_wants_them(void **state)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		print_message("%s %s %s\n", names[i].scenario, names[i].file, names[i].name);
		write_scenario(*state, names[i].scenario);
		struct chain chain = read_chain(*state, names[i].file);
		assert_int_equal(X509_check_host(chain.leaf, names[i].name, 0, 0, NULL), names[i].matches);
		free_chain(&chain);
	}
}

static int alternative_name_count(X509 *certificate)
{
	GENERAL_NAMES *found = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = found ? sk_GENERAL_NAME_num(found) : -1;
	GENERAL_NAMES_free(found);
	return count;
}

static void a_wildcard_is_no_name_of_its_own(void **state)
{
	write_scenario(*state, "cert-wildcard");
	struct chain chain = read_chain(*state, "tls/vcse.pem");
	assert_int_equal(alternative_name_count(chain.leaf), 3);
	assert_int_equal(X509_check_host(chain.leaf, "vcse.cms.steven.lab", 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL), 0);
	free_chain(&chain);
}

static void only_a_common_name_means_no_extension_at_all(void **state)
{
	write_scenario(*state, "cert-cn-only");
	struct chain chain = read_chain(*state, "tls/vcse.pem");
	assert_int_equal(alternative_name_count(chain.leaf), -1);
	free_chain(&chain);
}

static void an_incomplete_chain_is_the_leaf_alone(void **state)
{
	write_scenario(*state, "cert-chain-incomplete");
	struct chain chain = read_chain(*state, "tls/vcse.pem");
	assert_int_equal(sk_X509_num(chain.rest), 0);
	free_chain(&chain);
	write_scenario(*state, "healthy");
	chain = read_chain(*state, "tls/vcse.pem");
	assert_int_equal(sk_X509_num(chain.rest), 1);
	free_chain(&chain);
}

static void a_key_is_its_owners_and_fits(void **state)
{
	char path[4096];
	struct stat status;
	write_scenario(*state, "healthy");
	snprintf(path, sizeof(path), "%s/tls/vcse.key", (const char *)*state);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	FILE *file = fopen(path, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	fclose(file);
	struct chain chain = read_chain(*state, "tls/vcse.pem");
	assert_int_equal(X509_check_private_key(chain.leaf, key), 1);
	EVP_PKEY_free(key);
	free_chain(&chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_scenario_verifies_as_openssl_says, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_private_authority_is_good_for_who_imported_it, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(names_are_where_the_scenario_wants_them, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_wildcard_is_no_name_of_its_own, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			only_a_common_name_means_no_extension_at_all, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(an_incomplete_chain_is_the_leaf_alone, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_key_is_its_owners_and_fits, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
