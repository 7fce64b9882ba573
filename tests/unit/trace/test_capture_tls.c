/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of TLS: handshakes of OpenSSL with itself, as they cross a wire, read with and without their keys. */
#include "capture_build.h"
#include "trace/keys.h"
#include "unit/cmocka_all.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#define CLIENT "192.0.2.1:4000 192.0.2.2:5061"
#define SERVER "192.0.2.2:5061 192.0.2.1:4000"
#define OPENED "3 tcp opened " CLIENT "\n"
#define REQUEST "OPTIONS sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n"
#define ANSWER "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
#define NO_KEY "encrypted: a TLS connection without a key, what it carries was not read\n"
#define NOW 1488438646 /* of the captures: March 2017 */

/* ---- certificates ---- */

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};
static struct identity root, server_identity, client_identity, stranger, expired;

static void add_extension(X509 *certificate, int number, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, number, value);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

/* NULL issuer: by itself. */
static struct identity issue(const char *name, const char *more, const struct identity *issuer, int days)
{
	struct identity made = { EVP_RSA_gen(2048), X509_new() };
	X509 *x = made.certificate;
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), days);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 86400 * 400);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 86400 * days);
	X509_set_pubkey(x, made.key);
	X509_NAME_add_entry_by_txt(
		X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer->certificate : x));
	if (more)
		add_extension(x, NID_subject_alt_name, more);
	else
		add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(x, issuer ? issuer->key : made.key, EVP_sha256());
	return made;
}

static int make_identities(void **state)
{
	(void)state;
	root = issue("test root", NULL, NULL, 100);
	server_identity = issue("edge.right.example", "DNS:edge.right.example,DNS:sip.right.example", &root, 10);
	client_identity = issue("edge.left.example", "DNS:edge.left.example", &root, 11);
	stranger = issue("another root", NULL, NULL, 100);
	expired = issue("old.right.example", "DNS:old.right.example", &root, -1);
	return 0;
}

static int free_identities(void **state)
{
	struct identity *all[] = { &root, &server_identity, &client_identity, &stranger, &expired };
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		EVP_PKEY_free(all[i]->key);
		X509_free(all[i]->certificate);
	}
	return 0;
}

/* ---- both sides ---- */

struct plan {
	int version;
	const char *suites; /* NULL: whatever they agree on */
	const struct identity *server, *client; /* client NULL: shows none */
	const struct identity *server_trusts; /* NULL: asks for no certificate */
	const struct identity *client_trusts;
	bool is_mac_inside; /* CBC without RFC 7366 */
	bool is_retried; /* the first key share does not suit the server */
	bool has_update; /* new keys in the middle */
	int server_version; /* 0: the same */
	bool has_no_tickets;
};

static struct buffer key_log;
static void log_key(const SSL *ssl, const char *line)
{
	(void)ssl;
	buffer_printf(&key_log, "%s\n", line);
}

static SSL_CTX *context_of(const struct plan *plan, bool is_server)
{
	const struct identity *own = is_server ? plan->server : plan->client;
	const struct identity *trusted = is_server ? plan->server_trusts : plan->client_trusts;
	int version = is_server && plan->server_version ? plan->server_version : plan->version;
	SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	SSL_CTX_set_keylog_callback(context, log_key);
	SSL_CTX_set_num_tickets(context, plan->has_no_tickets ? 0 : 2);
	if (plan->suites && version == TLS1_3_VERSION)
		assert_int_equal(SSL_CTX_set_ciphersuites(context, plan->suites), 1);
	else if (plan->suites)
		assert_int_equal(SSL_CTX_set_cipher_list(context, plan->suites), 1);
	if (plan->is_mac_inside)
		SSL_CTX_set_options(context, SSL_OP_NO_ENCRYPT_THEN_MAC);
	if (plan->is_retried)
		SSL_CTX_set1_groups_list(context, is_server ? "P-521" : "X25519:P-521");
	if (own) {
		SSL_CTX_use_certificate(context, own->certificate);
		SSL_CTX_use_PrivateKey(context, own->key);
	}
	if (trusted) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted->certificate);
		X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context), NOW);
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (is_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
	}
	return context;
}

struct wire {
	struct build_flow flow;
	SSL_CTX *contexts[2];
	SSL *ends[2]; /* 0: the client */
	size_t segment; /* bytes in each */
};

static void wire_open(struct wire *w, struct build *b, const struct plan *plan)
{
	buffer_init(&key_log, 1 << 16);
	w->flow = build_flow(b, 5061);
	w->segment = 1400;
	for (int i = 0; i < 2; i++) {
		w->contexts[i] = context_of(plan, i == 1);
		w->ends[i] = SSL_new(w->contexts[i]);
		SSL_set_bio(w->ends[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	}
	SSL_set_connect_state(w->ends[0]);
	SSL_set_accept_state(w->ends[1]);
	SSL_set_tlsext_host_name(w->ends[0], "edge.right.example");
	build_connect(&w->flow);
}

static void wire_close(struct wire *w)
{
	for (int i = 0; i < 2; i++) {
		SSL_free(w->ends[i]);
		SSL_CTX_free(w->contexts[i]);
	}
	buffer_done(&key_log);
	ERR_clear_error();
}

/* What this side wants to send crosses the wire. */
static bool carry(struct wire *w, int side)
{
	char bytes[32768];
	int length = BIO_read(SSL_get_wbio(w->ends[side]), bytes, sizeof(bytes));
	if (length <= 0)
		return false;
	for (struct span rest = span_make(bytes, (size_t)length); rest.length; rest = span_from(rest, w->segment))
		build_send(&w->flow, side, span_first(rest, w->segment));
	BIO_write(SSL_get_rbio(w->ends[1 - side]), bytes, length);
	return true;
}

static void shake(struct wire *w)
{
	char bytes[256];
	for (int turn = 0; turn < 8; turn++)
		for (int side = 0; side < 2; side++) {
			/* Reads what follows the handshake too: tickets, alerts. */
			if (SSL_do_handshake(w->ends[side]) == 1)
				(void)SSL_read(w->ends[side], bytes, sizeof(bytes));
			carry(w, side);
		}
}

static void say(struct wire *w, int side, const char *text)
{
	char bytes[4096];
	assert_int_equal(SSL_write(w->ends[side], text, (int)strlen(text)), (int)strlen(text));
	carry(w, side);
	assert_int_equal(SSL_read(w->ends[1 - side], bytes, sizeof(bytes)), (int)strlen(text));
	carry(w, 1 - side);
}

static char *read_with(const struct build *b, size_t piece, bool with_keys)
{
	struct trace_keys *keys = with_keys ? trace_keys_new() : NULL;
	if (keys)
		assert_true(trace_keys_add(keys, buffer_span(&key_log)) > 0);
	char *seen = build_read(b, piece, keys, NULL);
	trace_keys_free(keys);
	return seen;
}

/* Lines, each of which has to be in what was seen, in this order; numbers of packets aside. */
static void expect_lines(const char *name, const char *seen, const char *const *lines)
{
	const char *at = seen;
	for (; *lines; lines++) {
		const char *found = strstr(at, *lines);
		if (!found)
			fail_msg("%s: '%s' is not in\n%s", name, *lines, seen);
		at = found + strlen(*lines);
	}
}

static size_t count_of(const char *seen, const char *what)
{
	size_t count = 0;
	for (const char *at = seen; (at = strstr(at, what)); at++)
		count++;
	return count;
}

/* ---- what stands ---- */

static void test_decrypted(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int version;
		const char *suites;
		bool is_mac_inside, is_retried, has_update;
		const char *said;
	} cases[] = {
		{ "1.3", TLS1_3_VERSION, NULL, false, false, false, "TLSv1.3 TLS_AES_256_GCM_SHA384" },
		{ "1.3 AES 128", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", false, false, true,
			"TLSv1.3 TLS_AES_128_GCM_SHA256" },
		{ "1.3 ChaCha20", TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", false, false, true,
			"TLSv1.3 TLS_CHACHA20_POLY1305_SHA256" },
		{ "1.3 CCM", TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256", false, false, false,
			"TLSv1.3 TLS_AES_128_CCM_SHA256" },
		{ "1.3 with a second ClientHello", TLS1_3_VERSION, NULL, false, true, true,
			"TLSv1.3 TLS_AES_256_GCM_SHA384" },
		{ "1.2 GCM", TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", false, false, false,
			"TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384" },
		{ "1.2 GCM 128", TLS1_2_VERSION, "AES128-GCM-SHA256", false, false, false,
			"TLSv1.2 AES128-GCM-SHA256" },
		{ "1.2 CCM", TLS1_2_VERSION, "AES256-CCM", false, false, false, "TLSv1.2 AES256-CCM" },
		{ "1.2 ChaCha20", TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", false, false, false,
			"TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305" },
		{ "1.2 CBC", TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", false, false, false,
			"TLSv1.2 ECDHE-RSA-AES128-SHA" },
		{ "1.2 CBC, mac inside", TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", true, false, false,
			"TLSv1.2 ECDHE-RSA-AES128-SHA" },
		{ "1.2 CBC SHA256", TLS1_2_VERSION, "AES256-SHA256", true, false, false, "TLSv1.2 AES256-SHA256" },
		{ "1.2 CBC SHA384", TLS1_2_VERSION, "ECDHE-RSA-AES256-SHA384", false, false, false,
			"TLSv1.2 ECDHE-RSA-AES256-SHA384" },
		{ "1.1", TLS1_1_VERSION, "AES128-SHA", false, false, false, "TLSv1.1 AES128-SHA" },
		{ "1.0", TLS1_VERSION, "AES256-SHA", false, false, false, "TLSv1 AES256-SHA" },
		{ "1.0, mac inside", TLS1_VERSION, "ECDHE-RSA-AES256-SHA", true, false, false,
			"TLSv1 ECDHE-RSA-AES256-SHA" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t segment = 1400; segment; segment = segment == 1400 ? 91 : 0) {
			const struct plan plan = { cases[i].version, cases[i].suites, &server_identity,
				&client_identity, &root, &root, cases[i].is_mac_inside, cases[i].is_retried,
				cases[i].has_update, 0 };
			struct build build, *b = &build;
			struct wire w;
			char stands[256];
			build_begin(b);
			build_pcap(b, 0xa1b2c3d4, 101);
			wire_open(&w, b, &plan);
			w.segment = segment;
			shake(&w);
			say(&w, 0, REQUEST);
			say(&w, 1, ANSWER);
			if (plan.has_update) {
				SSL_key_update(w.ends[0], SSL_KEY_UPDATE_REQUESTED);
				say(&w, 0, REQUEST);
				say(&w, 1, ANSWER);
			}
			say(&w, 0, REQUEST REQUEST);
			build_close(&w.flow, 0);
			snprintf(stands, sizeof(stands),
				"sni=edge.right.example %s cn=edge.right.example [edge.right.example, "
				"sip.right.example]\n",
				cases[i].said);
			const char *const lines[] = { OPENED, "handshake client stands " CLIENT " ", stands,
				"handshake server stands " SERVER, "cn=edge.left.example [edge.left.example]\n",
				"tls " CLIENT " OPTIONS sip:b SIP/2.0\n", "tls " SERVER " SIP/2.0 200 OK\n",
				plan.has_update ? "tls " CLIENT " OPTIONS" : "",
				plan.has_update ? "tls " SERVER " SIP/2.0" : "", "tls " CLIENT " OPTIONS",
				"tls " CLIENT " OPTIONS", "tls closed " CLIENT ": closed by the client\n", NULL };
			char *seen = read_with(b, segment == 91 ? 77 : 0, true);
			expect_lines(cases[i].name, seen, lines);
			if (count_of(seen, "?") || count_of(seen, "handshake") != 2)
				fail_msg("%s:\n%s", cases[i].name, seen);
			free(seen);
			wire_close(&w);
			build_done(b);
		}
}

static void test_without_keys(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct plan plan = { .version = version,
			.server = &server_identity,
			.client = &client_identity,
			.server_trusts = &root,
			.client_trusts = &root };
		struct build build, *b = &build;
		struct wire w;
		build_begin(b);
		build_pcap(b, 0xa1b2c3d4, 101);
		wire_open(&w, b, &plan);
		shake(&w);
		say(&w, 0, REQUEST);
		say(&w, 1, ANSWER);
		say(&w, 0, REQUEST);
		build_close(&w.flow, 0);
		bool is_13 = version == TLS1_3_VERSION;
		const char *const lines[] = { OPENED, "handshake client stands " CLIENT " sni=edge.right.example",
			is_13 ? "TLSv1.3 TLS_AES_256_GCM_SHA384\n"
			      : "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 cn=edge.right.example [edge.right.example, "
				"sip.right.example]\n",
			NO_KEY, "tls closed", NULL };
		char *seen = read_with(b, 0, false);
		expect_lines(is_13 ? "1.3" : "1.2", seen, lines);
		assert_int_equal(count_of(seen, "?"), 1);
		assert_int_equal(count_of(seen, "handshake client"), 1);
		assert_int_equal(count_of(seen, "handshake server"), is_13 ? 0 : 1);
		assert_int_equal(count_of(seen, "OPTIONS"), 0);
		free(seen);
		wire_close(&w);
		build_done(b);
	}
}

static void test_resumed(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		const struct plan plan = { .version = version, .server = &server_identity, .client_trusts = &root };
		struct build build, *b = &build;
		struct wire w, again;
		build_begin(b);
		build_pcap(b, 0xa1b2c3d4, 101);
		wire_open(&w, b, &plan);
		shake(&w);
		SSL_SESSION *session = SSL_get1_session(w.ends[0]);
		SSL_CTX *contexts[2] = { w.contexts[0], w.contexts[1] };
		again = w;
		again.flow.client_port = 4001;
		again.flow.next[0] = 99;
		for (int i = 0; i < 2; i++) {
			again.ends[i] = SSL_new(contexts[i]);
			SSL_set_bio(again.ends[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		}
		SSL_set_connect_state(again.ends[0]);
		SSL_set_accept_state(again.ends[1]);
		SSL_set_session(again.ends[0], session);
		build_connect(&again.flow);
		shake(&again);
		say(&again, 0, REQUEST);
		say(&again, 1, ANSWER);
		assert_true(SSL_session_reused(again.ends[0]));
		static const char *const lines[] = { "handshake client stands",
			"handshake client stands 192.0.2.1:4001", " resumed\n", "OPTIONS sip:b", "SIP/2.0 200 OK",
			NULL };
		char *seen = read_with(b, 0, true);
		expect_lines("resumed", seen, lines);
		assert_int_equal(count_of(seen, "?"), 0);
		free(seen);
		SSL_SESSION_free(session);
		for (int i = 0; i < 2; i++)
			SSL_free(again.ends[i]);
		wire_close(&w);
		build_done(b);
	}
}

/* ---- what fails ---- */

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int version;
		const struct identity *client, *server_trusts, *client_trusts;
		int server_version;
		bool with_keys;
		int closer;
		const char *wanted;
	} cases[] = {
		{ "1.2: the client does not know the authority", TLS1_2_VERSION, NULL, NULL, &stranger, 0, false, 0,
			"handshake client failed " CLIENT
			" sni=edge.right.example TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 cn=edge.right.example "
			"[edge.right.example, sip.right.example] alert sent 48: the client sent alert 48 after the "
			"server's ServerHelloDone\n" },
		{ "1.2: the server does not know the client's authority", TLS1_2_VERSION, &client_identity, &stranger,
			&root, 0, false, 1, "alert received 48: the server sent alert 48 after the client's" },
		{ "1.2: the server's view of it", TLS1_2_VERSION, &client_identity, &stranger, &root, 0, false, 1,
			"handshake server failed " SERVER
			" sni=edge.right.example TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 cn=edge.left.example "
			"[edge.left.example] alert sent 48" },
		{ "1.2: the client shows no certificate", TLS1_2_VERSION, NULL, &root, &root, 0, false, 1,
			"; asked for a certificate, the client had shown none\n" },
		{ "1.3: the client does not know the authority", TLS1_3_VERSION, NULL, NULL, &stranger, 0, true, 0,
			"cn=edge.right.example [edge.right.example, sip.right.example] alert sent 48: the client sent "
			"alert 48 after the server's" },
		{ "1.3 without keys: the same", TLS1_3_VERSION, NULL, NULL, &stranger, 0, false, 0,
			"TLSv1.3 TLS_AES_256_GCM_SHA384 alert sent 48: the client sent alert 48 after the server's "
			"encrypted records\n" },
		{ "1.3: the server does not know the client's authority", TLS1_3_VERSION, &client_identity, &stranger,
			&root, 0, true, 1, "alert received 48: the server sent alert 48 after the client's" },
		{ "1.3: the client shows no certificate", TLS1_3_VERSION, NULL, &root, &root, 0, true, 1,
			"alert received 116: the server sent alert 116 after the client's Finished; asked for a "
			"certificate, the client had shown none\n" },
		{ "1.3 without keys: the same", TLS1_3_VERSION, NULL, &root, &root, 0, false, 1,
			"closed by the server after the client's encrypted records; its last record has the size of an "
			"alert" },
		{ "no version in common", TLS1_2_VERSION, NULL, NULL, &root, TLS1_3_VERSION, false, 1,
			"sni=edge.right.example TLSv1.2  alert received 70: the server sent alert 70 after the "
			"client's ClientHello\n" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct plan plan = { .version = cases[i].version,
			.server = &server_identity,
			.client = cases[i].client,
			.server_trusts = cases[i].server_trusts,
			.client_trusts = cases[i].client_trusts,
			.server_version = cases[i].server_version };
		struct build build, *b = &build;
		struct wire w;
		build_begin(b);
		build_pcap(b, 0xa1b2c3d4, 101);
		wire_open(&w, b, &plan);
		shake(&w);
		build_close(&w.flow, cases[i].closer);
		char *seen = cases[i].with_keys ? read_with(b, 0, true) : read_with(b, 0, false);
		const char *const lines[] = { "handshake client failed", NULL };
		expect_lines(cases[i].name, seen, lines);
		if (!strstr(seen, cases[i].wanted))
			fail_msg("%s: '%s' is not in\n%s", cases[i].name, cases[i].wanted, seen);
		assert_int_equal(count_of(seen, "handshake client"), 1);
		assert_int_equal(count_of(seen, "stands"), 0);
		free(seen);
		wire_close(&w);
		build_done(b);
	}
}

/* The connection ends after so many turns of the handshake. */
static void test_broken_off(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int turns; /* flights that are sent */
		int side;
		bool is_reset;
		const char *wanted;
	} cases[] = {
		{ "reset after the ClientHello", 1, 1, true, "reset by the server after the client's ClientHello\n" },
		{ "closed after the ClientHello", 1, 1, false,
			"closed by the server after the client's ClientHello\n" },
		{ "the client leaves", 2, 0, false, "closed by the client after the server's ServerHelloDone\n" },
		{ "reset after the client's certificate", 3, 1, true,
			"reset by the server after the client's Finished\n" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct plan plan = { .version = TLS1_2_VERSION,
			.server = &server_identity,
			.client = &client_identity,
			.server_trusts = &root,
			.client_trusts = &root };
		struct build build, *b = &build;
		struct wire w;
		build_begin(b);
		build_pcap(b, 0xa1b2c3d4, 101);
		wire_open(&w, b, &plan);
		for (int turn = 0; turn < cases[i].turns; turn++) {
			(void)SSL_do_handshake(w.ends[turn % 2]);
			assert_true(carry(&w, turn % 2));
		}
		if (cases[i].is_reset)
			build_segment(&w.flow, cases[i].side, 0, BUILD_RST, SPAN_NONE);
		else
			build_close(&w.flow, cases[i].side);
		char *seen = read_with(b, 0, false);
		if (!strstr(seen, cases[i].wanted) || !strstr(seen, "handshake client failed"))
			fail_msg("%s: '%s' is not in\n%s", cases[i].name, cases[i].wanted, seen);
		free(seen);
		wire_close(&w);
		build_done(b);
	}
}

/* A client that only wanted to see a certificate says goodbye at once, and the server ends the connection. */
static void test_goodbye(void **state)
{
	(void)state;
	for (int with_keys = 0; with_keys < 2; with_keys++) {
		const struct plan plan = { .version = TLS1_3_VERSION,
			.server = &server_identity,
			.client = &client_identity,
			.server_trusts = &root,
			.client_trusts = &root,
			.has_no_tickets = true };
		struct build build, *b = &build;
		struct wire w;
		build_begin(b);
		build_pcap(b, 0xa1b2c3d4, 101);
		wire_open(&w, b, &plan);
		shake(&w);
		for (int side = 0; side < 2; side++) {
			SSL_shutdown(w.ends[side]);
			assert_true(carry(&w, side));
		}
		build_close(&w.flow, 1);
		char *seen = read_with(b, 0, with_keys);
		if (count_of(seen, "handshake client stands") != 1 || strstr(seen, "failed"))
			fail_msg("%s", seen);
		free(seen);
		wire_close(&w);
		build_done(b);
	}
}

static void test_no_tls(void **state)
{
	(void)state;
	const struct plan plan = { .version = TLS1_3_VERSION, .server = &server_identity, .client_trusts = &root };
	struct build build, *b = &build;
	struct wire w;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	wire_open(&w, b, &plan);
	(void)SSL_do_handshake(w.ends[0]);
	carry(&w, 0);
	build_send(&w.flow, 1, SPAN("SIP/2.0 400 Bad\r\nContent-Length: 0\r\n\r\n"));
	char *seen = read_with(b, 0, false);
	const char *const lines[] = { "handshake client failed",
		"the server answered the ClientHello with something that is no TLS", "tcp " SERVER " SIP/2.0 400 Bad",
		NULL };
	expect_lines("no TLS", seen, lines);
	free(seen);
	wire_close(&w);
	build_done(b);
}

static struct record_handshake kept_handshake;
static char kept_reason[100];
static void keep_handshake(void *argument, const struct record *r, const struct trace_place *place)
{
	(void)argument;
	(void)place;
	if (r->kind != RECORD_HANDSHAKE)
		return;
	kept_handshake = r->handshake;
	span_copy_to(r->handshake.verify_reason, kept_reason, sizeof(kept_reason));
}

static void test_expired_certificate(void **state)
{
	(void)state;
	const struct plan plan = { .version = TLS1_2_VERSION, .server = &expired, .client_trusts = &root };
	struct build build, *b = &build;
	struct wire w;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	wire_open(&w, b, &plan);
	shake(&w);
	const struct trace_reader_settings settings = { .kind = TRACE_KIND_CAPTURE, .take = keep_handshake };
	struct trace_reader *reader = trace_reader_new(&settings);
	trace_reader_feed(reader, buffer_span(&b->file));
	trace_reader_end(reader);
	trace_reader_free(reader);
	assert_true(kept_handshake.failed);
	assert_int_equal(kept_handshake.alert, 45);
	assert_int_equal(kept_handshake.verify_error, X509_V_ERR_CERT_HAS_EXPIRED);
	assert_string_equal(kept_reason, "the certificate was valid until 2017-03-01 07:10:46 UTC");
	wire_close(&w);
	build_done(b);
}

/* ---- keys that are wrong, late, inside ---- */

static void test_wrong_key(void **state)
{
	(void)state;
	const struct plan plan = { .version = TLS1_3_VERSION, .server = &server_identity, .client_trusts = &root };
	struct build build, *b = &build;
	struct wire w;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	wire_open(&w, b, &plan);
	shake(&w);
	say(&w, 0, REQUEST);
	/* The last digit of each secret. */
	for (size_t i = 1; i < key_log.length; i++)
		if (key_log.at[i] == '\n')
			key_log.at[i - 1] = key_log.at[i - 1] == '0' ? '1' : '0';
	char *seen = read_with(b, 0, true);
	assert_non_null(strstr(seen, "? a TLS record that its key does not open"));
	assert_int_equal(count_of(seen, "OPTIONS"), 0);
	free(seen);
	wire_close(&w);
	build_done(b);
}

static void test_joined_in_the_middle(void **state)
{
	(void)state;
	const struct plan plan = { .version = TLS1_3_VERSION, .server = &server_identity, .client_trusts = &root };
	struct build build, *b = &build;
	struct wire w;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	wire_open(&w, b, &plan);
	shake(&w);
	buffer_clear(&b->file);
	build_pcap(b, 0xa1b2c3d4, 101);
	say(&w, 0, REQUEST);
	say(&w, 1, ANSWER);
	char *seen = read_with(b, 0, true);
	assert_string_equal(seen, "1 ? encrypted: a TLS connection whose handshake is not in the capture\n");
	free(seen);
	/* And inside a record, a bit later. */
	buffer_clear(&b->file);
	build_pcap(b, 0xa1b2c3d4, 101);
	build_send(&w.flow, 0, SPAN("\xd0the rest of a record"));
	build_send(&w.flow, 0, SPAN("\xf0\xf1\xf2\x17\3\3\0\4abcd"));
	build_send(&w.flow, 1, SPAN("\xf0\xf1\xf2\x17\3\3\0\5abcd"));
	seen = read_with(b, 0, true);
	assert_string_equal(seen, "2 ? encrypted: a TLS connection whose handshake is not in the capture\n");
	free(seen);
	wire_close(&w);
	build_done(b);
}

/* Every two packets of the file the other way round. */
static void swap_packets(struct build *b, size_t first)
{
	struct span rest = span_from(buffer_span(&b->file), 24), packets[64];
	size_t count = 0;
	for (uint32_t length; rest.length >= 16; rest = span_from(rest, 16 + length)) {
		memcpy(&length, rest.at + 8, 4);
		assert_true(count < 64);
		packets[count++] = span_first(rest, 16 + length);
	}
	for (size_t i = first; i + 1 < count; i += 2) {
		struct span kept = packets[i];
		packets[i] = packets[i + 1];
		packets[i + 1] = kept;
	}
	struct span swapped = build_join(b, packets, count);
	memcpy(b->file.at + 24, swapped.at, swapped.length);
}

/* A card with several queues gives the packets of both directions in another order than they crossed the wire. */
static void test_answers_before_questions(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++)
		for (size_t first = 0; first < 2; first++) {
			const struct plan plan = { .version = version,
				.server = &server_identity,
				.client = &client_identity,
				.server_trusts = &root,
				.client_trusts = &root };
			struct build build, *b = &build;
			struct wire w;
			build_begin(b);
			build_pcap(b, 0xa1b2c3d4, 101);
			wire_open(&w, b, &plan);
			shake(&w);
			say(&w, 0, REQUEST);
			say(&w, 1, ANSWER);
			say(&w, 0, REQUEST);
			swap_packets(b, first);
			char *seen = read_with(b, 0, true);
			if (count_of(seen, "stands") != 2 || count_of(seen, "tls " CLIENT " OPTIONS") != 2 ||
				count_of(seen, "SIP/2.0 200 OK") != 1 || strchr(seen, '?'))
				fail_msg("from packet %zu on:\n%s", first, seen);
			free(seen);
			wire_close(&w);
			build_done(b);
		}
}

/* The packets of the pcap as a pcapng with their secrets. */
static void make_pcapng(struct build *b, struct build *ret_other)
{
	struct span rest = span_from(buffer_span(&b->file), 24);
	struct build *a = b;
	b = ret_other;
	build_begin(b);
	build_section(b);
	build_interface(b, 101, SPAN_NONE);
	build_block(b, 10, BUILD(b, F4(0x544c534b), F4(key_log.length), buffer_span(&key_log)));
	while (rest.length >= 16) {
		uint32_t length;
		memcpy(&length, rest.at + 8, 4);
		build_enhanced(b, 0, (uint64_t)a->time_us, span_first(span_from(rest, 16), length));
		rest = span_from(rest, 16 + length);
	}
}

static void test_secrets_inside(void **state)
{
	(void)state;
	const struct plan plan = { .version = TLS1_3_VERSION, .server = &server_identity, .client_trusts = &root };
	struct build build, other, *b = &build;
	struct wire w;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	wire_open(&w, b, &plan);
	shake(&w);
	say(&w, 0, REQUEST);
	make_pcapng(b, &other);
	char *seen = build_read(&other, 100, NULL, NULL);
	const char *const lines[] = { "handshake client stands", "tls " CLIENT " OPTIONS", NULL };
	expect_lines("inside", seen, lines);
	free(seen);
	wire_close(&w);
	build_done(b);
	build_done(&other);
}

/* Every byte of a connection changed, one at a time: nothing harmful comes of it. */
static void test_damaged(void **state)
{
	(void)state;
	const struct plan plan = { .version = TLS1_2_VERSION,
		.server = &server_identity,
		.client = &client_identity,
		.server_trusts = &root,
		.client_trusts = &root };
	struct build build, *b = &build;
	struct wire w;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	wire_open(&w, b, &plan);
	shake(&w);
	say(&w, 0, REQUEST);
	size_t stood = 0;
	for (size_t at = 24; at < b->file.length; at += 5) {
		char was = b->file.at[at];
		b->file.at[at] = (char)(was ^ 0xa5);
		char *seen = read_with(b, 0, true);
		stood += strstr(seen, "OPTIONS sip:b SIP/2.0\n") != NULL;
		free(seen);
		b->file.at[at] = was;
	}
	assert_true(stood > 10); /* a check sum, a time, a padding */
	wire_close(&w);
	build_done(b);
}

/* ---- key logs ---- */

static void test_key_log(void **state)
{
	(void)state;
#define RANDOM "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
	struct trace_keys *keys = trace_keys_new();
	assert_int_equal(trace_keys_add(keys,
				 SPAN("# a comment\nCLIENT_RANDOM " RANDOM " 0a0b\r\n"
				      "CLIENT_RANDOM " RANDOM " 0c\nSHORT 00 11\nODD " RANDOM " 0\nX " RANDOM " zz\n"
				      "\nSERVER_TRAFFIC_SECRET_0 " RANDOM " ff")),
		3);
	assert_int_equal(trace_keys_count(keys), 2);
	struct span random = SPAN("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x00\x11\x22\x33\x44"
				  "\x55\x66\x77\x88\x99\xaa"
				  "\xbb\xcc\xdd\xee\xff");
	assert_true(span_equal(trace_keys_find(keys, SPAN("CLIENT_RANDOM"), random), SPAN("\x0a\x0b")));
	assert_true(span_equal(trace_keys_find(keys, SPAN("SERVER_TRAFFIC_SECRET_0"), random), SPAN("\xff")));
	assert_null(trace_keys_find(keys, SPAN("CLIENT_TRAFFIC_SECRET_0"), random).at);
	assert_null(trace_keys_find(keys, SPAN("CLIENT_RANDOM"), SPAN("short")).at);
	trace_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decrypted),
		cmocka_unit_test(test_without_keys),
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_expired_certificate),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_joined_in_the_middle),
		cmocka_unit_test(test_answers_before_questions),
		cmocka_unit_test(test_secrets_inside),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_key_log),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
