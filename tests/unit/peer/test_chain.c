/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates are made here, in memory: a root, an intermediate, leaves of every kind. */
#include "base/require.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "peer/view.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_S 86400L

static EVP_PKEY *key; /* one for all: who signs what is told by names and serials */
static X509 *root, *intermediate;
static char directory[64];
static struct net_tls *tls;

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

struct plan {
	const char *cn;
	const char *san; /* "DNS:a,DNS:b" */
	const char *usage; /* "serverAuth,clientAuth" */
	bool authority;
	long from_days, to_days;
	const EVP_MD *digest;
	const char *access; /* "caIssuers;URI:http://…" */
};

static X509 *make(const struct plan *plan, X509 *issuer)
{
	static long serial = 100;
	X509 *c = X509_new();
	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
	X509_NAME_add_entry_by_txt(
		X509_get_subject_name(c), "CN", MBSTRING_UTF8, (const unsigned char *)plan->cn, -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
	X509_gmtime_adj(X509_getm_notBefore(c), (plan->from_days ? plan->from_days : -1) * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(c), (plan->to_days ? plan->to_days : 100) * DAY_S);
	X509_set_pubkey(c, key);
	if (plan->authority)
		add_extension(c, issuer ? issuer : c, NID_basic_constraints, "critical,CA:TRUE");
	if (plan->san)
		add_extension(c, issuer ? issuer : c, NID_subject_alt_name, plan->san);
	if (plan->usage)
		add_extension(c, issuer ? issuer : c, NID_ext_key_usage, plan->usage);
	if (plan->access)
		add_extension(c, issuer ? issuer : c, NID_info_access, plan->access);
	assert_true(X509_sign(c, key, plan->digest ? plan->digest : EVP_sha256()) > 0);
	/* As from the wire: parsed, so that flags and digests are known. */
	unsigned char *der = NULL;
	int length = i2d_X509(c, &der);
	const unsigned char *at = der;
	X509 *parsed = d2i_X509(NULL, &at, length);
	assert_non_null(parsed);
	OPENSSL_free(der);
	X509_free(c);
	return parsed;
}

static void write_pem(const char *name, X509 *certificate, char path[128])
{
	snprintf(path, 128, "%s/%s", directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	PEM_write_X509(file, certificate);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	char root_path[128], intermediate_path[128], error[NET_TLS_ERROR_SIZE];
	key = EVP_EC_gen("P-256");
	assert_non_null(key);
	snprintf(directory, sizeof(directory), "/tmp/fedge-chain-XXXXXX");
	assert_non_null(mkdtemp(directory));
	root = make(&(struct plan){ .cn = "Test Root", .authority = true }, NULL);
	intermediate = make(&(struct plan){ .cn = "Test Intermediate", .authority = true }, root);
	write_pem("root.pem", root, root_path);
	write_pem("intermediate.pem", intermediate, intermediate_path);
	const char *const authorities[] = { root_path }, *const intermediates[] = { intermediate_path };
	struct net_tls_settings settings = {
		.authority_files = authorities,
		.authority_count = 1,
		.intermediate_files = intermediates,
		.intermediate_count = 1,
	};
	int status = net_tls_new(&settings, &tls, error);
	if (status < 0)
		print_error("%s\n", error);
	unlink(root_path);
	unlink(intermediate_path);
	rmdir(directory);
	return status;
}

static int tear_down(void **state)
{
	(void)state;
	net_tls_unref(tls);
	X509_free(root);
	X509_free(intermediate);
	EVP_PKEY_free(key);
	return 0;
}

static STACK_OF(X509) * chain_of(X509 *first, X509 *second, X509 *third)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *all[] = { first, second, third };
	for (int i = 0; i < 3; i++)
		if (all[i])
			sk_X509_push(chain, all[i]);
	return chain;
}

static struct trust_certificate read_one(X509 *certificate, struct arena *arena)
{
	struct trust_certificate facts;
	assert_int_equal(peer_certificate_read(certificate, arena, &facts), 0);
	return facts;
}

/* Shown, never fetched; what is no URI of issuers, or cannot be shown, is left out. */
static void issuers_uris_are_read(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	X509 *leaf = make(&(struct plan){ .cn = "vcse.a.lab",
				  .access = "OCSP;URI:http://ocsp.a.lab/,caIssuers;URI:http://pki.a.lab/i.crt,"
					    "caIssuers;DNS:pki.a.lab,caIssuers;URI:ldap://pki.a.lab/cn=a b" },
		intermediate);
	struct trust_certificate facts = read_one(leaf, &arena);
	assert_int_equal(facts.issuer_uri_count, 1);
	assert_true(span_is(facts.issuer_uris[0], "http://pki.a.lab/i.crt"));
	X509_free(leaf);
	leaf = make(&(struct plan){ .cn = "vcse.a.lab" }, intermediate);
	assert_int_equal(read_one(leaf, &arena).issuer_uri_count, 0);
	X509_free(leaf);
	arena_done(&arena);
}

static void a_certificate_is_read(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	X509 *leaf = make(&(struct plan){ .cn = "vcse.a.lab",
				  .san = "DNS:vcse.a.lab,DNS:*.b.lab,URI:sip:a.lab,IP:192.0.2.1",
				  .usage = "serverAuth,clientAuth" },
		intermediate);
	struct trust_certificate facts = read_one(leaf, &arena);
	assert_true(span_is(facts.common_name, "vcse.a.lab"));
	assert_true(span_is(facts.subject, "CN=vcse.a.lab"));
	assert_true(span_is(facts.issuer, "CN=Test Intermediate"));
	assert_int_equal(facts.dns_name_count, 2);
	assert_true(span_is(facts.dns_names[1], "*.b.lab"));
	assert_int_equal(facts.uri_name_count, 1);
	assert_true(span_is(facts.uri_names[0], "sip:a.lab"));
	assert_true(facts.has_names && !facts.names_cut);
	assert_int_equal(facts.usage, TRUST_USAGE_SERVER | TRUST_USAGE_CLIENT);
	assert_int_equal(facts.key_kind, TRUST_KEY_EC);
	assert_int_equal(facts.key_bits, 256);
	assert_true(span_is(facts.signature, "ecdsa-with-SHA256"));
	assert_false(facts.signature_weak || facts.is_authority || facts.self_signed);
	assert_int_equal((facts.not_after_s - facts.not_before_s + 3600) / DAY_S, 101);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length;
	X509_digest(leaf, EVP_sha256(), digest, &length);
	assert_true(span_equal(facts.fingerprint, span_make((const char *)digest, length)));
	assert_int_equal(facts.key_sha256.length, 32);
	assert_int_equal(facts.key_sha512.length, 64);
	X509_free(leaf);
	arena_done(&arena);
}

static const struct {
	const char *name, *usage;
	unsigned facts;
} usages[] = {
	{ "none", NULL, TRUST_USAGE_ABSENT },
	{ "server", "serverAuth", TRUST_USAGE_SERVER },
	{ "client", "clientAuth", TRUST_USAGE_CLIENT },
	{ "any", "anyExtendedKeyUsage", TRUST_USAGE_ANY },
	{ "another", "codeSigning", TRUST_USAGE_OTHER },
};

static void usages_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(usages); i++) {
		struct arena arena;
		arena_init(&arena, 1 << 20);
		X509 *leaf = make(&(struct plan){ .cn = "x", .usage = usages[i].usage }, root);
		if (read_one(leaf, &arena).usage != usages[i].facts)
			fail_msg("%s", usages[i].name);
		X509_free(leaf);
		arena_done(&arena);
	}
}

static void weak_signatures_are_seen(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	X509 *leaf = make(&(struct plan){ .cn = "x", .digest = EVP_sha1() }, root);
	assert_true(read_one(leaf, &arena).signature_weak);
	X509_free(leaf);
	struct trust_certificate facts = read_one(root, &arena);
	assert_true(facts.is_authority && facts.self_signed && !facts.signature_weak);
	arena_done(&arena);
}

/* A SAN made by hand: names that no configuration syntax would let through. */
static X509 *make_with_names(const char *const *bytes, const int *lengths, size_t count, int type)
{
	X509 *c = make(&(struct plan){ .cn = "vcse.a.lab" }, root);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	for (size_t i = 0; i < count; i++) {
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();
		ASN1_STRING_set(text, bytes[i], lengths[i]);
		GENERAL_NAME *name = GENERAL_NAME_new();
		GENERAL_NAME_set0_value(name, type, text);
		sk_GENERAL_NAME_push(names, name);
	}
	X509_add1_ext_i2d(c, NID_subject_alt_name, names, 0, 0);
	X509_sign(c, key, EVP_sha256());
	GENERAL_NAMES_free(names);
	return c;
}

static void hostile_names_are_never_kept(void **state)
{
	(void)state;
	char huge[5000];
	memset(huge, 'a', sizeof(huge));
	const char *const bytes[] = { "vcse.a.lab\0.evil.lab", "\xff\xfe.lab", "a b.lab", "x\033[2J", huge, "",
		"ok.lab" };
	const int lengths[] = { 20, 6, 7, 5, sizeof(huge), 0, 6 };
	struct arena arena;
	arena_init(&arena, 1 << 20);
	X509 *leaf = make_with_names(bytes, lengths, 7, GEN_DNS);
	struct trust_certificate facts = read_one(leaf, &arena);
	assert_int_equal(facts.dns_name_count, 1);
	assert_true(span_is(facts.dns_names[0], "ok.lab"));
	assert_true(facts.names_cut && facts.has_names);
	X509_free(leaf);
	/* With nothing usable in it the SAN still hides the CN. */
	leaf = make_with_names(bytes, lengths, 1, GEN_DNS);
	facts = read_one(leaf, &arena);
	assert_true(facts.has_names);
	assert_int_equal(facts.dns_name_count, 0);
	X509_free(leaf);
	arena_done(&arena);
}

static void many_names_are_cut(void **state)
{
	(void)state;
	enum { MANY = 20000 };
	const char **bytes = calloc(MANY, sizeof(*bytes));
	int *lengths = calloc(MANY, sizeof(*lengths));
	for (int i = 0; i < MANY; i++) {
		bytes[i] = "a.very.long.name.that.fills.the.memory.example";
		lengths[i] = 46;
	}
	struct arena arena;
	arena_init(&arena, 1 << 20);
	X509 *leaf = make_with_names(bytes, lengths, MANY, GEN_DNS);
	struct trust_certificate facts = read_one(leaf, &arena);
	assert_int_equal(facts.dns_name_count, PEER_CERTIFICATE_NAMES_MAXIMUM);
	assert_true(facts.names_cut);
	assert_true(arena.used < 512 * 1024);
	X509_free(leaf);
	free(bytes);
	free(lengths);
	arena_done(&arena);
}

static void a_small_arena_is_an_error(void **state)
{
	(void)state;
	X509 *leaf = make(&(struct plan){ .cn = "x", .san = "DNS:a.lab" }, root);
	for (size_t maximum = 0; maximum < 256; maximum += 16) {
		struct arena arena;
		struct trust_certificate facts;
		arena_init(&arena, maximum);
		int status = peer_certificate_read(leaf, &arena, &facts);
		assert_true(status == 0 || status == -ENOMEM);
		arena_done(&arena);
	}
	X509_free(leaf);
}

static void a_long_chain_is_cut(void **state)
{
	(void)state;
	struct arena arena;
	struct trust_chain facts;
	arena_init(&arena, 1 << 20);
	STACK_OF(X509) *chain = sk_X509_new_null();
	for (int i = 0; i < 1000; i++)
		sk_X509_push(chain, root);
	assert_int_equal(peer_chain_read(chain, &arena, &facts), 0);
	assert_int_equal(facts.count, PEER_CHAIN_CERTIFICATES_MAXIMUM);
	assert_int_equal(facts.sent_count, 1000);
	sk_X509_free(chain);
	assert_int_equal(peer_chain_read(NULL, &arena, &facts), 0);
	assert_int_equal(facts.count, 0);
	arena_done(&arena);
}

/* ---- status, by the same verification that a handshake does ---- */

enum part { END, LEAF, EXPIRED, SERVER_ONLY, SELF, STRANGER, INTERMEDIATE, ROOT };

static const struct {
	const char *name;
	enum part chain[3];
	bool client;
	enum trust_chain_status status;
	const char *missing;
} statuses[] = {
	{ "complete", { LEAF, INTERMEDIATE }, false, TRUST_CHAIN_TRUSTED, NULL },
	{ "with the root, which is harmless", { LEAF, INTERMEDIATE, ROOT }, false, TRUST_CHAIN_TRUSTED, NULL },
	{ "the leaf alone", { LEAF }, false, TRUST_CHAIN_INCOMPLETE, "CN=Test Intermediate" },
	{ "dates are left to trust", { EXPIRED, INTERMEDIATE }, false, TRUST_CHAIN_TRUSTED, NULL },
	{ "self-signed", { SELF }, false, TRUST_CHAIN_SELF_SIGNED, NULL },
	{ "of an authority nobody knows", { STRANGER }, false, TRUST_CHAIN_UNTRUSTED, NULL },
	{ "serverAuth alone, as a server", { SERVER_ONLY, INTERMEDIATE }, false, TRUST_CHAIN_TRUSTED, NULL },
	{ "serverAuth alone, as a client", { SERVER_ONLY, INTERMEDIATE }, true, TRUST_CHAIN_WRONG_PURPOSE, NULL },
};

static X509 *make_part(enum part part)
{
	X509 *other, *made;
	switch (part) {
	case LEAF:
		return make(&(struct plan){ .cn = "vcse.a.lab", .san = "DNS:vcse.a.lab" }, intermediate);
	case EXPIRED:
		return make(&(struct plan){ .cn = "old", .from_days = -10, .to_days = -1 }, intermediate);
	case SERVER_ONLY:
		return make(&(struct plan){ .cn = "srv", .usage = "serverAuth" }, intermediate);
	case SELF:
		return make(&(struct plan){ .cn = "self" }, NULL);
	case STRANGER:
		other = make(&(struct plan){ .cn = "Other Root", .authority = true }, NULL);
		made = make(&(struct plan){ .cn = "stranger" }, other);
		X509_free(other);
		return made;
	case INTERMEDIATE:
		X509_up_ref(intermediate);
		return intermediate;
	case ROOT:
		X509_up_ref(root);
		return root;
	default:
		return NULL;
	}
}

static void chains_are_verified(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(statuses); i++) {
		struct arena arena;
		struct trust_chain facts;
		arena_init(&arena, 1 << 20);
		STACK_OF(X509) *chain = chain_of(make_part(statuses[i].chain[0]), make_part(statuses[i].chain[1]),
			make_part(statuses[i].chain[2]));
		assert_int_equal(peer_chain_read(chain, &arena, &facts), 0);
		peer_chain_verify(&facts, tls, chain, statuses[i].client, NULL);
		if (facts.status != statuses[i].status)
			fail_msg("%s: %d %.*s", statuses[i].name, facts.status, SPAN_PRINT(facts.verify_text));
		if (statuses[i].missing)
			assert_true(span_is(facts.missing, statuses[i].missing));
		assert_int_equal(facts.seen_as_client, statuses[i].client);
		sk_X509_pop_free(chain, X509_free);
		arena_done(&arena);
	}
}

static void a_root_of_our_own_is_private(void **state)
{
	(void)state;
	struct arena arena;
	struct trust_chain facts;
	arena_init(&arena, 1 << 20);
	STACK_OF(X509) *chain = chain_of(make_part(LEAF), make_part(INTERMEDIATE), NULL);
	X509_STORE *none = X509_STORE_new(), *ours = X509_STORE_new();
	X509_STORE_add_cert(ours, root);
	peer_chain_read(chain, &arena, &facts);
	peer_chain_verify(&facts, tls, chain, false, none);
	assert_true(facts.private_authority);
	assert_true(span_is(facts.authority, "CN=Test Root"));
	peer_chain_read(chain, &arena, &facts);
	peer_chain_verify(&facts, tls, chain, false, ours);
	assert_false(facts.private_authority);
	X509_STORE_free(none);
	X509_STORE_free(ours);
	sk_X509_pop_free(chain, X509_free);
	arena_done(&arena);
}

/* Who signed whom is checked, not believed: a TLSA record may hang on it. */
static void only_real_issuers_are_linked(void **state)
{
	(void)state;
	struct arena arena;
	struct trust_chain facts;
	arena_init(&arena, 1 << 20);
	STACK_OF(X509) *chain = chain_of(make_part(LEAF), make_part(INTERMEDIATE), make_part(ROOT));
	peer_chain_read(chain, &arena, &facts);
	assert_false(facts.certificates[0].signed_previous);
	assert_true(facts.certificates[1].signed_previous && facts.certificates[2].signed_previous);
	sk_X509_pop_free(chain, X509_free);
	chain = chain_of(make_part(STRANGER), make_part(INTERMEDIATE), NULL);
	peer_chain_read(chain, &arena, &facts);
	assert_false(facts.certificates[1].signed_previous);
	sk_X509_pop_free(chain, X509_free);
	arena_done(&arena);
}

/* ---- learning ---- */

struct school {
	struct peer_cache *cache;
	struct peer_view *view, *other;
};

static void school_open(struct school *s)
{
	struct peer_cache_settings cache = { .key = { { 5, 6 } } };
	assert_int_equal(peer_cache_new(&cache, &s->cache), 0);
	struct peer_view_settings view = { .cache = s->cache };
	assert_int_equal(peer_view_new(&view, &s->view), 0);
	assert_int_equal(peer_view_new(&view, &s->other), 0);
}

static void school_close(struct school *s)
{
	peer_view_free(s->view);
	peer_view_free(s->other);
	peer_cache_free(s->cache);
}

static struct net_tls_facts handshake(STACK_OF(X509) * chain, bool resumed)
{
	return (struct net_tls_facts){ .server = true,
		.complete = true,
		.resumed = resumed,
		.chain = chain,
		.generation = net_tls_generation(tls) };
}

static void a_leaf_is_read_once(void **state)
{
	(void)state;
	struct school s;
	const struct peer_chain *first, *second, *third;
	school_open(&s);
	STACK_OF(X509) *chain = chain_of(make_part(LEAF), make_part(INTERMEDIATE), NULL);
	struct net_tls_facts facts = handshake(chain, false);
	assert_false(peer_chain_may_resume(s.cache, sk_X509_value(chain, 0)));
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &first), 0);
	assert_int_equal(first->facts.status, TRUST_CHAIN_TRUSTED);
	assert_true(first->facts.seen_as_client);
	assert_true(peer_chain_may_resume(s.cache, sk_X509_value(chain, 0)));
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &second), 0);
	assert_ptr_equal(first, second);
	/* Another worker, a resumed session that shows the leaf alone: the whole chain is known. */
	STACK_OF(X509) *leaf = chain_of(sk_X509_value(chain, 0), NULL, NULL);
	facts = handshake(leaf, true);
	assert_int_equal(peer_chain_learn(s.other, tls, &facts, &third), 0);
	assert_ptr_equal(first, third);
	assert_int_equal(third->facts.count, 2);
	peer_chain_unref(first);
	peer_chain_unref(second);
	peer_chain_unref(third);
	sk_X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);
	school_close(&s);
}

static void what_is_gone_needs_a_full_handshake(void **state)
{
	(void)state;
	struct school s;
	const struct peer_chain *known;
	school_open(&s);
	STACK_OF(X509) *chain = chain_of(make_part(LEAF), NULL, NULL);
	struct net_tls_facts resumed = handshake(chain, true), full = handshake(chain, false);
	assert_int_equal(peer_chain_learn(s.view, tls, &resumed, &known), -ESTALE);
	assert_int_equal(peer_chain_learn(s.view, tls, &full, &known), 0);
	peer_chain_unref(known);
	assert_int_equal(peer_chain_learn(s.view, tls, &resumed, &known), 0);
	peer_chain_unref(known);
	peer_cache_flush(s.cache, SPAN_NONE);
	assert_int_equal(peer_chain_learn(s.view, tls, &resumed, &known), -ESTALE);
	assert_false(peer_chain_may_resume(s.cache, sk_X509_value(chain, 0)));
	sk_X509_pop_free(chain, X509_free);
	school_close(&s);
}

/* The same leaf may come with a better chain after its owner has repaired the server. */
static void the_same_leaf_with_another_chain_is_judged_anew(void **state)
{
	(void)state;
	struct school s;
	const struct peer_chain *known;
	school_open(&s);
	X509 *leaf = make_part(LEAF);
	STACK_OF(X509) *alone = chain_of(leaf, NULL, NULL), *whole = chain_of(leaf, intermediate, NULL);
	struct net_tls_facts facts = handshake(alone, false);
	facts.problems[0] = (struct net_tls_problem){ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0 };
	facts.problem_count = 1;
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &known), 0);
	assert_int_equal(known->facts.status, TRUST_CHAIN_INCOMPLETE);
	peer_chain_unref(known);
	facts = handshake(whole, false);
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &known), 0);
	assert_int_equal(known->facts.status, TRUST_CHAIN_TRUSTED);
	peer_chain_unref(known);
	/* And as a server it is another matter than as a client. */
	facts.server = false;
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &known), 0);
	assert_false(known->facts.seen_as_client);
	peer_chain_unref(known);
	sk_X509_free(alone);
	sk_X509_free(whole);
	X509_free(leaf);
	school_close(&s);
}

/* ---- trust that changes ---- */

/* TLS settings with these authorities; the files are gone when it returns. */
static void trust(struct net_tls **changed, X509 *first, X509 *second)
{
	char folder[64], paths[2][128], error[NET_TLS_ERROR_SIZE];
	const char *const files[] = { paths[0], paths[1] };
	X509 *all[] = { first, second };
	size_t count = second ? 2 : 1;
	snprintf(folder, sizeof(folder), "/tmp/fedge-trust-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < count; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%zu.pem", folder, i);
		FILE *file = fopen(paths[i], "w");
		assert_non_null(file);
		PEM_write_X509(file, all[i]);
		fclose(file);
	}
	struct net_tls_settings settings = { .authority_files = files, .authority_count = count };
	int status = *changed ? net_tls_replace(*changed, &settings, error) : net_tls_new(&settings, changed, error);
	if (status < 0)
		fail_msg("%s", error);
	for (size_t i = 0; i < count; i++)
		unlink(paths[i]);
	rmdir(folder);
}

static enum trust_chain_status learned(struct peer_view *view, struct net_tls *by, const struct net_tls_facts *facts,
	const struct peer_chain **ret_chain)
{
	const struct peer_chain *chain;
	assert_int_equal(peer_chain_learn(view, by, facts, &chain), 0);
	enum trust_chain_status status = chain->facts.status;
	if (ret_chain)
		*ret_chain = chain;
	else
		peer_chain_unref(chain);
	return status;
}

/* An authority is taken away while a connection stands, and while a session could be resumed. */
static void trust_ends_with_its_authority(void **state)
{
	(void)state;
	struct school s;
	struct net_tls *changing = NULL;
	X509 *other = make(&(struct plan){ .cn = "Other Root", .authority = true }, NULL);
	X509 *server_only = make_part(SERVER_ONLY); /* any usage is accepted: it stays so */
	STACK_OF(X509) *chain = chain_of(server_only, intermediate, NULL);
	STACK_OF(X509) *leaf = chain_of(server_only, NULL, NULL);
	school_open(&s);
	trust(&changing, root, NULL);
	struct net_tls_facts standing = handshake(chain, false), resumed = handshake(leaf, true);
	standing.generation = resumed.generation = net_tls_generation(changing);
	assert_int_equal(learned(s.view, changing, &standing, NULL), TRUST_CHAIN_TRUSTED);
	assert_int_equal(learned(s.other, changing, &resumed, NULL), TRUST_CHAIN_TRUSTED);

	/* Another authority comes: nobody is dropped. Verified once, not for every message. */
	trust(&changing, root, other);
	const struct peer_chain *first, *second;
	assert_int_equal(learned(s.view, changing, &standing, &first), TRUST_CHAIN_TRUSTED);
	assert_int_equal(learned(s.view, changing, &standing, &second), TRUST_CHAIN_TRUSTED);
	assert_ptr_equal(first, second);
	peer_chain_unref(second);
	assert_int_equal(learned(s.other, changing, &resumed, &second), TRUST_CHAIN_TRUSTED);
	assert_ptr_equal(first, second); /* the other worker has verified it */
	assert_int_equal(second->facts.count, 2);
	peer_chain_unref(first);
	peer_chain_unref(second);

	/* The session goes first: its leaf alone leads to the chain that is remembered. */
	trust(&changing, other, NULL);
	resumed.generation = net_tls_generation(changing);
	assert_int_equal(learned(s.other, changing, &resumed, NULL), TRUST_CHAIN_UNTRUSTED);
	assert_int_equal(learned(s.view, changing, &standing, &first), TRUST_CHAIN_UNTRUSTED);
	assert_int_equal(learned(s.view, changing, &standing, &second), TRUST_CHAIN_UNTRUSTED);
	assert_ptr_equal(first, second);
	peer_chain_unref(first);
	peer_chain_unref(second);
	assert_false(peer_chain_may_resume(s.cache, sk_X509_value(chain, 0)));

	/* And back: the standing connection still shows its chain, the session has nothing to show. */
	trust(&changing, root, NULL);
	resumed.generation = net_tls_generation(changing);
	assert_int_equal(peer_chain_learn(s.other, changing, &resumed, &first), -ESTALE);
	assert_int_equal(learned(s.view, changing, &standing, NULL), TRUST_CHAIN_TRUSTED);
	assert_int_equal(learned(s.other, changing, &resumed, NULL), TRUST_CHAIN_TRUSTED);

	sk_X509_free(leaf);
	sk_X509_free(chain);
	X509_free(server_only);
	X509_free(other);
	school_close(&s);
	net_tls_unref(changing);
}

/* What has nothing to do with authorities is as bad after a reload as before. */
static void a_bad_signature_stays_bad(void **state)
{
	(void)state;
	struct school s;
	struct net_tls *changing = NULL;
	school_open(&s);
	STACK_OF(X509) *chain = chain_of(make_part(LEAF), make_part(INTERMEDIATE), NULL);
	trust(&changing, root, NULL);
	struct net_tls_facts facts = handshake(chain, false);
	facts.generation = net_tls_generation(changing);
	facts.problems[0] = (struct net_tls_problem){ X509_V_ERR_CERT_SIGNATURE_FAILURE, 0 };
	facts.problem_count = 1;
	assert_int_equal(learned(s.view, changing, &facts, NULL), TRUST_CHAIN_BAD);
	trust(&changing, root, intermediate);
	assert_int_equal(learned(s.view, changing, &facts, NULL), TRUST_CHAIN_BAD);
	sk_X509_pop_free(chain, X509_free);
	school_close(&s);
	net_tls_unref(changing);
}

static void a_session_remembers_what_was_wrong(void **state)
{
	(void)state;
	struct school s;
	const struct peer_chain *known;
	school_open(&s);
	STACK_OF(X509) *chain = chain_of(make_part(LEAF), make_part(INTERMEDIATE), NULL);
	STACK_OF(X509) *leaf = chain_of(sk_X509_value(chain, 0), NULL, NULL);
	struct net_tls_facts facts = handshake(chain, false);
	assert_int_equal(learned(s.view, tls, &facts, NULL), TRUST_CHAIN_TRUSTED);
	facts = handshake(leaf, true);
	facts.problem_count = 1;
	facts.problems[0] = (struct net_tls_problem){ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, -1 };
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &known), -ESTALE);
	facts.problems[0].error = X509_V_ERR_CERT_HAS_EXPIRED; /* trust's matter */
	assert_int_equal(learned(s.view, tls, &facts, NULL), TRUST_CHAIN_TRUSTED);
	sk_X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);
	school_close(&s);
}

static void no_certificate_is_no_chain(void **state)
{
	(void)state;
	struct school s;
	const struct peer_chain *known = (const struct peer_chain *)&s;
	school_open(&s);
	struct net_tls_facts facts = { .complete = true };
	assert_int_equal(peer_chain_learn(s.view, tls, &facts, &known), 0);
	assert_null(known);
	school_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_read),
		cmocka_unit_test(issuers_uris_are_read),
		cmocka_unit_test(usages_are_read),
		cmocka_unit_test(weak_signatures_are_seen),
		cmocka_unit_test(hostile_names_are_never_kept),
		cmocka_unit_test(many_names_are_cut),
		cmocka_unit_test(a_small_arena_is_an_error),
		cmocka_unit_test(a_long_chain_is_cut),
		cmocka_unit_test(chains_are_verified),
		cmocka_unit_test(a_root_of_our_own_is_private),
		cmocka_unit_test(only_real_issuers_are_linked),
		cmocka_unit_test(a_leaf_is_read_once),
		cmocka_unit_test(what_is_gone_needs_a_full_handshake),
		cmocka_unit_test(the_same_leaf_with_another_chain_is_judged_anew),
		cmocka_unit_test(trust_ends_with_its_authority),
		cmocka_unit_test(a_bad_signature_stays_bad),
		cmocka_unit_test(a_session_remembers_what_was_wrong),
		cmocka_unit_test(no_certificate_is_no_chain),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
