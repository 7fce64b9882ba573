/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_TLS_PRIVATE_H
#define FEDGE_NET_TLS_PRIVATE_H
/* TLS from inside: tls.c (settings, swapping), tls_context.c (files into an immutable context),
 * tls_verify.c, tls_session.c (tickets and kept sessions), tls_connection.c (one connection). */
#include "base/arena.h"
#include "base/hash.h"
#include "base/list.h"
#include "net/address.h"
#include "net/failure.h"
#include "net/tls.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

/* ---- context: immutable, counted ---- */
struct tls_identity {
	const char *name; /* first of names; "" where it has none */
	const char *const *names;
	size_t name_count;
	const char *certificate_file, *client_certificate_file;
	SSL_CTX *server, *client;
};

struct tls_context {
	_Atomic unsigned references;
	struct net_tls *tls; /* borrowed: connections hold both */
	uint64_t generation;
	struct arena arena; /* of names */
	struct tls_identity *identities;
	size_t identity_count;
	SSL_CTX *bare_client; /* where there is no identity */
	X509_STORE *store;
	STACK_OF(X509) * intermediates;
	enum net_tls_verify verify;
	unsigned char trust_digest[32]; /* of all that decides whom we trust */
};
int tls_context_new(struct net_tls *tls, const struct net_tls_settings *settings, struct tls_context **ret_context,
	char reterr_text[NET_TLS_ERROR_SIZE]);
void tls_context_unref(struct tls_context *context);
/* Exact names before wildcards; NULL where none matches. */
const struct tls_identity *tls_context_find(const struct tls_context *context, const char *name);

/* ---- tickets and kept sessions: survive a swap ---- */
#define TICKET_KEYS 2
struct ticket_key {
	unsigned char name[16], cipher[32], mac[32];
	int64_t made_us; /* 0: none */
};
struct tls_sessions {
	pthread_mutex_t lock;
	struct clock clock;
	_Atomic bool off;
	EVP_CIPHER *cipher; /* of tickets */
	struct ticket_key keys[TICKET_KEYS]; /* the newest first */
	struct hash_key hash_key;
	struct hash_table kept;
	struct list oldest_first;
	_Atomic uint64_t epoch; /* counts forgettings: what began before one is not kept after it */
};
int tls_sessions_init(struct tls_sessions *sessions, const struct clock *clock);
void tls_sessions_done(struct tls_sessions *sessions);
void tls_sessions_forget(struct tls_sessions *sessions);
/* Hooks both into a context: keys for servers, sessions kept for clients. */
int tls_sessions_attach(SSL_CTX *ctx, bool server);
/* One to offer (the caller's reference), or NULL. A TLS 1.3 ticket is given out once (RFC 8446 C.4). */
/* key in TLS's own words: who is asked, by which name, as whom. */
SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions, struct span key);

struct net_tls {
	_Atomic unsigned references;
	pthread_mutex_t lock; /* of context, arena, settings */
	struct tls_context *context;
	struct arena arena; /* of settings */
	struct net_tls_settings settings;
	_Atomic uint64_t generation;
	struct tls_sessions sessions;
	bool (*may_resume)(void *argument, struct x509_st *leaf);
	void *may_resume_argument;
	int keylog; /* descriptor, -1: none; never closed before the end: connections write to it */
};
bool tls_can_serve(struct net_tls *tls); /* it has an identity */
struct tls_context *tls_acquire(struct net_tls *tls); /* the current one, referenced */
/* Calls see with each file that the settings name. */
void tls_each_file(struct net_tls *tls, void (*see)(void *argument, const char *file), void *argument);

/* ---- verification ---- */
/* Hooks the recording verification into a context. */
void tls_verify_attach(SSL_CTX *ctx);

/* ---- one connection ---- */
enum tls_step {
	TLS_STEP_DONE,
	TLS_STEP_WANT_READ,
	TLS_STEP_WANT_WRITE,
	TLS_STEP_FAILED, /* tls_connection.failure says why */
};
#define TLS_FIRST_SIZE 40
struct tls_connection {
	SSL *ssl;
	struct net_tls *tls;
	struct tls_context *context;
	const struct tls_identity *identity;
	struct net_tls_facts facts;
	char *server_name; /* SNI of either side, a copy */
	uint64_t epoch;
	char *session_key; /* client: under which its sessions are kept */
	int alert; /* fatal one seen, or NET_ALERT_NONE */
	bool alert_received;
	bool confirmed; /* client: the server has accepted us */
	bool broken; /* no further SSL_shutdown */
	size_t budget; /* bytes that this step may still read from the socket */
	unsigned empty_steps; /* in a row that took all of it and gave no data */
	char first[TLS_FIRST_SIZE]; /* what came first, to show it where it is no TLS */
	size_t first_length;
	struct net_failure failure; /* stage is the caller's */
};
struct tls_connection_settings {
	struct net_tls *tls;
	int descriptor;
	bool server;
	/* client: */
	const char *server_name, *identity;
	const struct net_address *remote;
	bool full_handshake;
};
/* -ENOENT: no such identity. */
int tls_connection_new(const struct tls_connection_settings *settings, struct tls_connection **ret_connection);
void tls_connection_free(struct tls_connection *connection);
enum tls_step tls_connection_handshake(struct tls_connection *connection);
enum tls_step tls_connection_read(struct tls_connection *connection, char *at, size_t size, size_t *ret_length);
enum tls_step tls_connection_write(
	struct tls_connection *connection, const char *at, size_t length, size_t *ret_length);
/* TLS 1.3 server. To make a ticket costs half as much as the handshake did (OpenSSL 3.0 writes the
 * session down and reads it back, with the peer's certificate), so it is not made for those who
 * come, ask and go: whoever still is there after a while gets one. */
bool tls_connection_owes_ticket(const struct tls_connection *connection);
enum tls_step tls_connection_give_ticket(struct tls_connection *connection);
bool tls_connection_has_pending(const struct tls_connection *connection);
void tls_connection_say_goodbye(struct tls_connection *connection); /* close_notify, as far as it goes */
/* SNI is known. */
void tls_connection_name(struct tls_connection *connection, const char *server_name);
static inline struct tls_connection *tls_connection_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}
#endif
