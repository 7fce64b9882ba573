/* SPDX-License-Identifier: Apache-2.0 */
/* Resumption: ticket keys that all workers share, and sessions kept for the servers we call. */
#include "base/require.h"
#include "net/tls_private.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define KEPT_MAXIMUM 512
/* A key encrypts for so long and decrypts for as long again (RFC 5077 5.5). */
#define KEY_LIFE_US (INT64_C(4) * 3600 * CLOCK_SECOND_US)

struct kept_session {
	struct hash_link link;
	struct list age;
	SSL_SESSION *session;
	char key[];
};

/* ---- ticket keys ---- */

static int ticket_key_make(struct ticket_key *key, int64_t now_us)
{
	if (RAND_bytes(key->name, sizeof(key->name)) != 1 || RAND_priv_bytes(key->cipher, sizeof(key->cipher)) != 1 ||
		RAND_priv_bytes(key->mac, sizeof(key->mac)) != 1)
		return -EIO;
	key->made_us = now_us ? now_us : 1;
	return 0;
}

/* Under the lock. */
static int ticket_keys_refresh(struct tls_sessions *sessions)
{
	int64_t now_us = clock_steady_us(&sessions->clock);
	struct ticket_key *newest = &sessions->keys[0];
	if (newest->made_us && now_us - newest->made_us < KEY_LIFE_US)
		return 0;
	if (newest->made_us && now_us - newest->made_us < 2 * KEY_LIFE_US)
		sessions->keys[1] = *newest;
	else
		OPENSSL_cleanse(&sessions->keys[1], sizeof(sessions->keys[1]));
	return ticket_key_make(newest, now_us);
}

/* 0: no such key. 1: the newest. 2: an older one. -1: none can be made. */
static int ticket_key_choose(struct tls_sessions *sessions, const unsigned char *name, struct ticket_key *ret_key)
{
	int found = 0;
	pthread_mutex_lock(&sessions->lock);
	if (ticket_keys_refresh(sessions) < 0)
		found = -1;
	if (found == 0 && !name) {
		*ret_key = sessions->keys[0];
		found = 1;
	}
	for (int i = 0; found == 0 && name && i < TICKET_KEYS; i++) {
		const struct ticket_key *key = &sessions->keys[i];
		if (key->made_us && CRYPTO_memcmp(key->name, name, sizeof(key->name)) == 0) {
			*ret_key = *key;
			found = i + 1;
		}
	}
	pthread_mutex_unlock(&sessions->lock);
	return found;
}

static int ticket_prepare(const EVP_CIPHER *kind, struct ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int encrypt)
{
	static char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_CipherInit_ex(cipher, kind, NULL, key->cipher, iv, encrypt) == 1 &&
	       EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3) */
static int ticket_key_wanted(
	SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_sessions *sessions = &tls_connection_of(ssl)->tls->sessions;
	struct ticket_key key;
	int found = ticket_key_choose(sessions, encrypt ? NULL : name, &key);
	if (found <= 0)
		return found;
	if (encrypt) {
		memcpy(name, key.name, sizeof(key.name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(sessions->cipher)) != 1)
			found = -1;
	}
	if (found > 0 && !ticket_prepare(sessions->cipher, &key, iv, cipher, mac, encrypt))
		found = -1;
	OPENSSL_cleanse(&key, sizeof(key));
	return found;
}

static int ticket_made(SSL *ssl, void *argument)
{
	(void)ssl;
	(void)argument;
	return 1;
}

/* SSL_CTX_set_session_ticket_cb(3): the moment where a full handshake can still be had. */
static SSL_TICKET_RETURN ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_length,
	SSL_TICKET_STATUS status, void *argument)
{
	struct tls_connection *connection = tls_connection_of(ssl);
	struct net_tls *tls = connection->tls;
	(void)name;
	(void)name_length;
	(void)argument;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	X509 *leaf = SSL_SESSION_get0_peer(session);
	if (tls->may_resume && leaf && !tls->may_resume(tls->may_resume_argument, leaf))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	/* A TLS 1.3 ticket is good for once (RFC 8446 C.4): its user needs the next. */
	bool renew = status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) >= TLS1_3_VERSION;
	return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/* ---- sessions kept for our own calls ---- */

static uint64_t kept_hash(const struct tls_sessions *sessions, struct span key)
{
	return hash_keyed(&sessions->hash_key, key);
}

static struct kept_session *kept_find(struct tls_sessions *sessions, struct span key)
{
	struct hash_link *link = hash_first(&sessions->kept, kept_hash(sessions, key));
	for (; link; link = hash_next(link)) {
		struct kept_session *kept = base_container(link, struct kept_session, link);
		if (span_is(key, kept->key))
			return kept;
	}
	return NULL;
}

static void kept_drop(struct tls_sessions *sessions, struct kept_session *kept)
{
	hash_remove(&sessions->kept, &kept->link);
	list_remove(&kept->age);
	SSL_SESSION_free(kept->session);
	free(kept);
}

/* Under the lock. Takes the session's reference where it returns 0. */
static int kept_add(struct tls_sessions *sessions, const char *key, SSL_SESSION *session)
{
	struct kept_session *kept = kept_find(sessions, span_of(key));
	if (kept) {
		SSL_SESSION_free(kept->session);
		kept->session = session;
		list_remove(&kept->age);
		list_append(&sessions->oldest_first, &kept->age);
		return 0;
	}
	if (sessions->kept.count >= KEPT_MAXIMUM)
		kept_drop(sessions, base_container(sessions->oldest_first.next, struct kept_session, age));
	size_t size = strlen(key) + 1;
	kept = calloc(1, sizeof(*kept) + size);
	if (!kept)
		return -ENOMEM;
	memcpy(kept->key, key, size);
	kept->session = session;
	if (hash_insert(&sessions->kept, &kept->link, kept_hash(sessions, span_of(key))) < 0) {
		free(kept);
		return -ENOMEM;
	}
	list_append(&sessions->oldest_first, &kept->age);
	return 0;
}

/* Client. In TLS 1.3 the ticket is also the first sign that the server has accepted us: it sends
 * none before it has verified our certificate (RFC 8446 4.6.1). */
static int session_came(SSL *ssl, SSL_SESSION *session)
{
	struct tls_connection *connection = tls_connection_of(ssl);
	struct tls_sessions *sessions = &connection->tls->sessions;
	int status = -1;
	connection->confirmed = true;
	if (!connection->session_key || atomic_load(&sessions->off) || !SSL_SESSION_is_resumable(session))
		return 0;
	pthread_mutex_lock(&sessions->lock);
	if (connection->epoch == sessions->epoch)
		status = kept_add(sessions, connection->session_key, session);
	pthread_mutex_unlock(&sessions->lock);
	return status == 0;
}

SSL_SESSION *tls_sessions_take(struct tls_sessions *sessions, struct span key)
{
	SSL_SESSION *session = NULL;
	if (atomic_load(&sessions->off))
		return NULL;
	pthread_mutex_lock(&sessions->lock);
	struct kept_session *kept = kept_find(sessions, key);
	if (kept) {
		session = kept->session;
		SSL_SESSION_up_ref(session);
		if (SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
			kept_drop(sessions, kept);
	}
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

/* ---- life ---- */

int tls_sessions_attach(SSL_CTX *ctx, bool server)
{
	if (server) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		/* TLS 1.3: tls_connection_give_ticket decides when. */
		SSL_CTX_set_num_tickets(ctx, 0);
		SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key_wanted);
		return SSL_CTX_set_session_ticket_cb(ctx, ticket_made, ticket_opened, NULL) == 1 ? 0 : -ENOMEM;
	}
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, session_came);
	return 0;
}

int tls_sessions_init(struct tls_sessions *sessions, const struct clock *clock)
{
	sessions->clock = *clock;
	list_init(&sessions->oldest_first);
	pthread_mutex_init(&sessions->lock, NULL);
	/* Fetched once: looking it up for every ticket costs more than using it. */
	sessions->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (!sessions->cipher || RAND_bytes((unsigned char *)&sessions->hash_key, sizeof(sessions->hash_key)) != 1)
		return -EIO;
	return hash_init(&sessions->kept, KEPT_MAXIMUM);
}

void tls_sessions_forget(struct tls_sessions *sessions)
{
	pthread_mutex_lock(&sessions->lock);
	sessions->epoch++;
	OPENSSL_cleanse(sessions->keys, sizeof(sessions->keys));
	while (!list_is_empty(&sessions->oldest_first))
		kept_drop(sessions, base_container(sessions->oldest_first.next, struct kept_session, age));
	pthread_mutex_unlock(&sessions->lock);
}

void tls_sessions_done(struct tls_sessions *sessions)
{
	tls_sessions_forget(sessions);
	hash_done(&sessions->kept);
	EVP_CIPHER_free(sessions->cipher);
	pthread_mutex_destroy(&sessions->lock);
}
