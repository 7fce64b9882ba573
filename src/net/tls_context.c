/* SPDX-License-Identifier: Apache-2.0 */
/* Files and settings made into an immutable context, or one line that says what is wrong. */
#include "base/require.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAMES_MAXIMUM ((size_t)1 << 20)
/* More names than this would make every certificate request a burden (RFC 8446 4.2.4 allows none). */
#define ANNOUNCED_AUTHORITIES 32
#define SESSION_TIMEOUT_S 3600

struct building {
	struct tls_context *context;
	const struct net_tls_settings *settings;
	EVP_MD_CTX *trust; /* digest of all that decides whom we trust */
	STACK_OF(X509_NAME) * announced;
	char *text; /* NET_TLS_ERROR_SIZE */
};

/* ---- errors ---- */

static int wrong(struct building *b, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int wrong(struct building *b, int status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(b->text, NET_TLS_ERROR_SIZE, format, arguments);
	va_end(arguments);
	ERR_clear_error();
	return status;
}

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	return reason ? reason : "no reason given";
}

static int open_file(struct building *b, const char *file, BIO **ret_bio)
{
	FILE *stream = fopen(file, "re");
	if (!stream)
		return wrong(b, -errno, "%s: cannot be read: %s", file, strerrordesc_np(errno));
	*ret_bio = BIO_new_fp(stream, BIO_CLOSE);
	if (*ret_bio)
		return 0;
	fclose(stream);
	return -ENOMEM;
}

/* ---- certificates read ---- */

/* All certificates of a file, in its order; at least one. */
static int read_certificates(struct building *b, const char *file, STACK_OF(X509) * *ret_list)
{
	BIO *bio = NULL;
	X509 *certificate;
	int status = open_file(b, file, &bio);
	if (status < 0)
		return status;
	STACK_OF(X509) *list = sk_X509_new_null();
	ERR_clear_error();
	while (list && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(list, certificate);
	BIO_free(bio);
	unsigned long error = ERR_peek_last_error();
	bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
	if (!at_end)
		status = wrong(b, -EBADMSG, "%s: certificate %d is damaged: %s", file, sk_X509_num(list) + 1,
			openssl_reason());
	else if (sk_X509_num(list) == 0)
		status = wrong(b, -EBADMSG, "%s: has no certificate in PEM form", file);
	ERR_clear_error();
	if (status < 0) {
		sk_X509_pop_free(list, X509_free);
		return status;
	}
	*ret_list = list;
	return 0;
}

static void digest_certificate(EVP_MD_CTX *digest, X509 *certificate)
{
	unsigned char *der = NULL;
	int length = i2d_X509(certificate, &der);
	if (length > 0)
		EVP_DigestUpdate(digest, der, (size_t)length);
	OPENSSL_free(der);
}

static int add_authorities(struct building *b, const char *file)
{
	STACK_OF(X509) *list = NULL;
	int status = read_certificates(b, file, &list);
	if (status < 0)
		return status;
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *certificate = sk_X509_value(list, i);
		X509_STORE_add_cert(b->context->store, certificate);
		digest_certificate(b->trust, certificate);
		X509_NAME *name = X509_NAME_dup(X509_get_subject_name(certificate));
		if (name && !sk_X509_NAME_push(b->announced, name))
			X509_NAME_free(name);
	}
	sk_X509_pop_free(list, X509_free);
	return 0;
}

static int add_intermediates(struct building *b, const char *file)
{
	STACK_OF(X509) *list = NULL;
	int status = read_certificates(b, file, &list);
	if (status < 0)
		return status;
	X509_add_certs(b->context->intermediates, list, X509_ADD_FLAG_UP_REF);
	sk_X509_pop_free(list, X509_free);
	return 0;
}

bool net_tls_system_authorities(struct x509_store_st *store)
{
	X509_LOOKUP *file = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	X509_LOOKUP *directory = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
	/* There need not be such a file, or such a directory. */
	if (file)
		X509_LOOKUP_load_file(file, NULL, X509_FILETYPE_DEFAULT);
	if (directory)
		X509_LOOKUP_add_dir(directory, NULL, X509_FILETYPE_DEFAULT);
	ERR_clear_error();
	return file && directory;
}

static int build_trust(struct building *b)
{
	const struct net_tls_settings *settings = b->settings;
	unsigned char choices[] = { (unsigned char)settings->verify, (unsigned char)settings->client_certificate,
		settings->client_usage_required, settings->system_authorities };
	int status = 0;
	EVP_DigestInit_ex(b->trust, EVP_sha256(), NULL);
	EVP_DigestUpdate(b->trust, choices, sizeof(choices));
	for (size_t i = 0; status == 0 && i < settings->authority_count; i++)
		status = add_authorities(b, settings->authority_files[i]);
	for (size_t i = 0; status == 0 && i < settings->intermediate_count; i++)
		status = add_intermediates(b, settings->intermediate_files[i]);
	if (status == 0 && settings->system_authorities && !net_tls_system_authorities(b->context->store))
		status = wrong(b, -EIO, "the system's authorities cannot be read: %s", openssl_reason());
	EVP_DigestFinal_ex(b->trust, b->context->trust_digest, NULL);
	return status;
}

/* ---- one SSL_CTX ---- */

static const int versions[] = {
	[NET_TLS_VERSION_DEFAULT] = 0,
	[NET_TLS_1_0] = TLS1_VERSION,
	[NET_TLS_1_1] = TLS1_1_VERSION,
	[NET_TLS_1_2] = TLS1_2_VERSION,
	[NET_TLS_1_3] = TLS1_3_VERSION,
};

static void log_key(const SSL *ssl, const char *line)
{
	const struct tls_connection *connection = tls_connection_of(ssl);
	char whole[512];
	int length = snprintf(whole, sizeof(whole), "%s\n", line);
	/* One write a line: O_APPEND keeps lines of several workers apart. */
	if (connection && connection->tls->keylog >= 0 && length > 0 && length < (int)sizeof(whole))
		(void)!write(connection->tls->keylog, whole, (size_t)length);
}

/* SSL_CTX_set_info_callback: the only place where an alert's number is seen in either direction. */
static void saw_info(const SSL *ssl, int where, int value)
{
	struct tls_connection *connection = tls_connection_of(ssl);
	bool fatal = (value >> 8) == SSL3_AL_FATAL;
	if (!(where & SSL_CB_ALERT) || !fatal || !connection || connection->alert != NET_ALERT_NONE)
		return;
	connection->alert = value & 0xff;
	connection->alert_received = (where & SSL_CB_READ) != 0;
}

/* Called on a client only where the server asks for a certificate. */
static int saw_request(SSL *ssl, void *argument)
{
	struct tls_connection *connection = tls_connection_of(ssl);
	(void)argument;
	if (connection && !connection->facts.server) {
		connection->facts.certificate_requested = true;
		connection->facts.certificate_sent = SSL_get_certificate(ssl) != NULL;
		connection->facts.requested_authorities = SSL_get0_peer_CA_list(ssl);
	}
	return 1;
}

static int choose_identity(SSL *ssl, int *alert, void *argument)
{
	struct tls_connection *connection = tls_connection_of(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	(void)alert;
	(void)argument;
	if (!connection || !name)
		return SSL_TLSEXT_ERR_NOACK;
	tls_connection_name(connection, name);
	const struct tls_identity *identity = tls_context_find(connection->context, name);
	if (!identity)
		return SSL_TLSEXT_ERR_OK; /* the first serves everything else */
	connection->identity = identity;
	connection->facts.identity = identity->name;
	SSL_set_SSL_CTX(ssl, identity->server);
	return SSL_TLSEXT_ERR_OK;
}

static void set_server_options(const struct building *b, SSL_CTX *ctx)
{
	static const int asks[] = {
		[NET_TLS_ASK_OFF] = SSL_VERIFY_NONE,
		[NET_TLS_ASK_REQUEST] = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
		[NET_TLS_ASK_REQUIRE] = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	static const unsigned char session_context[] = "fedge";
	SSL_CTX_set_verify(ctx, asks[b->settings->client_certificate], NULL);
	/* Tickets are bound to a kind of use, RFC 5077 5.6; without it OpenSSL refuses resumption
	 * wherever a client certificate was asked. */
	SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context) - 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_identity);
	if (!b->settings->client_usage_required)
		SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
	if (b->settings->client_certificate != NET_TLS_ASK_OFF &&
		sk_X509_NAME_num(b->announced) <= ANNOUNCED_AUTHORITIES)
		SSL_CTX_set_client_CA_list(ctx, SSL_dup_CA_list(b->announced));
}

static int make_ctx(struct building *b, bool server, SSL_CTX **ret_ctx)
{
	const struct net_tls_settings *settings = b->settings;
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!ctx)
		return wrong(b, -ENOMEM, "OpenSSL cannot be set up: %s", openssl_reason());
	*ret_ctx = ctx;
	int minimum = settings->minimum ? versions[settings->minimum] : TLS1_2_VERSION;
	/* Level 1 lets weak keys of peers through where they are judged afterwards; level 0 alone
	 * still knows what TLS 1.0 and 1.1 sign with. */
	SSL_CTX_set_security_level(ctx, settings->verify == NET_TLS_VERIFY_JUDGE ? 1 : 2);
	if (minimum < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, minimum);
	SSL_CTX_set_max_proto_version(ctx, versions[settings->maximum]);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION /* RFC 8879, since OpenSSL 3.2: nobody shall unpack bombs here */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION);
#endif
	SSL_CTX_set_mode(
		ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1); /* one recv a record instead of two */
	SSL_CTX_set_timeout(ctx, SESSION_TIMEOUT_S);
	SSL_CTX_set1_cert_store(ctx, b->context->store);
	SSL_CTX_set_info_callback(ctx, saw_info);
	if (settings->keylog_file)
		SSL_CTX_set_keylog_callback(ctx, log_key);
	tls_verify_attach(ctx);
	if (settings->tickets_off)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	if (server) {
		set_server_options(b, ctx);
	} else {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_cb(ctx, saw_request, NULL);
	}
	return tls_sessions_attach(ctx, server);
}

/* ---- our own certificate and key ---- */

static int read_key(struct building *b, const char *file, EVP_PKEY **ret_key)
{
	BIO *bio = NULL;
	int status = open_file(b, file, &bio);
	if (status < 0)
		return status;
	/* A pass phrase is never asked for on a terminal: the empty one is tried. */
	static char none[] = "";
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, none);
	BIO_free(bio);
	if (!key)
		return wrong(b, -EBADMSG, "%s: has no usable private key in PEM form: %s", file, openssl_reason());
	*ret_key = key;
	return 0;
}

static void warn_about_dates(struct building *b, const char *file, X509 *leaf)
{
	char when[64] = "";
	bool over = X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0;
	bool early = X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0;
	if (b->text[0] || (!over && !early))
		return;
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio && ASN1_TIME_print(bio, over ? X509_get0_notAfter(leaf) : X509_get0_notBefore(leaf)) == 1) {
		int length = BIO_read(bio, when, sizeof(when) - 1);
		when[length > 0 ? length : 0] = '\0';
	}
	BIO_free(bio);
	snprintf(b->text, NET_TLS_ERROR_SIZE,
		over ? "%s: the certificate expired on %s; peers will refuse it"
		     : "%s: the certificate is not valid before %s; peers will refuse it",
		file, when);
}

static int use_pair(struct building *b, SSL_CTX *ctx, STACK_OF(X509) * list, EVP_PKEY *key, const char *files[2])
{
	X509 *leaf = sk_X509_value(list, 0);
	if (X509_check_private_key(leaf, key) != 1)
		return wrong(b, -EKEYREJECTED, "%s: the certificate does not match the key %s", files[0], files[1]);
	if (SSL_CTX_use_certificate(ctx, leaf) != 1)
		return wrong(b, -EKEYREJECTED, "%s: the certificate cannot be used: %s", files[0], openssl_reason());
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1)
		return wrong(b, -EKEYREJECTED, "%s: the key cannot be used: %s", files[1], openssl_reason());
	for (int i = 1; i < sk_X509_num(list); i++) {
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(list, i)) != 1)
			return wrong(b, -EKEYREJECTED, "%s: certificate %d cannot be used: %s", files[0], i + 1,
				openssl_reason());
	}
	/* Only what the file holds is sent: a chain is never completed from the trusted ones. */
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	warn_about_dates(b, files[0], leaf);
	return 0;
}

static int use_files(struct building *b, SSL_CTX *ctx, const char *certificate_file, const char *key_file)
{
	const char *files[2] = { certificate_file, key_file };
	STACK_OF(X509) *list = NULL;
	EVP_PKEY *key = NULL;
	int status = read_certificates(b, certificate_file, &list);
	if (status == 0)
		status = read_key(b, key_file, &key);
	if (status == 0)
		status = use_pair(b, ctx, list, key, files);
	EVP_PKEY_free(key);
	sk_X509_pop_free(list, X509_free);
	return status;
}

static int build_identity(struct building *b, const struct net_tls_identity *given, struct tls_identity *identity)
{
	struct arena *arena = &b->context->arena;
	const char **names = arena_zero(arena, (given->name_count + 1) * sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < given->name_count; i++) {
		names[i] = arena_copy_text(arena, given->names[i]);
		if (!names[i])
			return -ENOMEM;
	}
	if (!given->certificate_file || !given->key_file)
		return wrong(b, -EINVAL, "identity %s: needs a certificate and a key",
			given->name_count ? given->names[0] : "1");
	if (!given->client_certificate_file != !given->client_key_file)
		return wrong(b, -EINVAL, "identity %s: a client certificate and its key go together",
			given->name_count ? given->names[0] : "1");
	identity->names = names;
	identity->name_count = given->name_count;
	identity->name = given->name_count ? names[0] : "";
	identity->certificate_file = arena_copy_text(arena, given->certificate_file);
	if (given->client_certificate_file)
		identity->client_certificate_file = arena_copy_text(arena, given->client_certificate_file);
	bool same = !given->client_certificate_file;
	int status = make_ctx(b, true, &identity->server);
	if (status == 0)
		status = use_files(b, identity->server, given->certificate_file, given->key_file);
	if (status == 0)
		status = make_ctx(b, false, &identity->client);
	if (status == 0)
		status = use_files(b, identity->client, same ? given->certificate_file : given->client_certificate_file,
			same ? given->key_file : given->client_key_file);
	return status;
}

/* ---- the whole ---- */

static int build(struct building *b)
{
	const struct net_tls_settings *settings = b->settings;
	struct tls_context *context = b->context;
	int status = build_trust(b);
	if (status < 0)
		return status;
	context->identities = calloc(settings->identity_count + 1, sizeof(*context->identities));
	if (!context->identities)
		return -ENOMEM;
	for (size_t i = 0; i < settings->identity_count; i++) {
		context->identity_count = i + 1;
		status = build_identity(b, &settings->identities[i], &context->identities[i]);
		if (status < 0)
			return status;
	}
	return settings->identity_count ? 0 : make_ctx(b, false, &context->bare_client);
}

int tls_context_new(struct net_tls *tls, const struct net_tls_settings *settings, struct tls_context **ret_context,
	char reterr_text[NET_TLS_ERROR_SIZE])
{
	struct tls_context *context = calloc(1, sizeof(*context));
	if (!context)
		return -ENOMEM;
	context->references = 1;
	context->tls = tls;
	context->verify = settings->verify;
	context->store = X509_STORE_new();
	context->intermediates = sk_X509_new_null();
	arena_init(&context->arena, NAMES_MAXIMUM);
	struct building b = { .context = context,
		.settings = settings,
		.trust = EVP_MD_CTX_new(),
		.announced = sk_X509_NAME_new_null(),
		.text = reterr_text };
	int status = context->store && context->intermediates && b.trust && b.announced ? build(&b) : -ENOMEM;
	EVP_MD_CTX_free(b.trust);
	sk_X509_NAME_pop_free(b.announced, X509_NAME_free);
	ERR_clear_error();
	if (status < 0) {
		tls_context_unref(context);
		return status;
	}
	*ret_context = context;
	return 0;
}

void tls_context_unref(struct tls_context *context)
{
	if (!context || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < context->identity_count; i++) {
		SSL_CTX_free(context->identities[i].server);
		SSL_CTX_free(context->identities[i].client);
	}
	SSL_CTX_free(context->bare_client);
	X509_STORE_free(context->store);
	sk_X509_pop_free(context->intermediates, X509_free);
	arena_done(&context->arena);
	free(context->identities);
	free(context);
}

/* ---- choosing ---- */

/* "*.a.example" covers "x.a.example" and neither "a.example" nor "x.y.a.example". */
static bool wildcard_covers(const char *pattern, const char *name)
{
	const char *rest = strchr(name, '.');
	return pattern[0] == '*' && pattern[1] == '.' && rest && rest != name &&
	       span_equal_nocase(span_of(pattern + 1), span_of(rest));
}

const struct tls_identity *tls_context_find(const struct tls_context *context, const char *name)
{
	const struct tls_identity *covering = NULL;
	for (size_t i = 0; i < context->identity_count; i++) {
		const struct tls_identity *identity = &context->identities[i];
		for (size_t k = 0; k < identity->name_count; k++) {
			if (span_is_nocase(span_of(name), identity->names[k]))
				return identity;
			if (!covering && wildcard_covers(identity->names[k], name))
				covering = identity;
		}
	}
	return covering;
}
