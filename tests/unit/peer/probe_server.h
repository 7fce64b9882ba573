/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_PEER_PROBE_SERVER_H
#define FEDGE_TESTS_PEER_PROBE_SERVER_H
/* TLS servers made with OpenSSL alone, one thread a connection: none of our own code is on this side. */
#include "base/require.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum server_act {
	ACT_SERVE, /* the handshake, then what `say` and `end` want */
	ACT_HANG, /* takes the connection, says nothing */
	ACT_CUT, /* reads the ClientHello into `seen`, closes */
	ACT_RESET, /* the same with a reset */
	ACT_SAY, /* says `say` instead of TLS, then holds */
	ACT_DRIP, /* a byte of a handshake record every 20 ms */
};
enum server_end {
	END_HOLD, /* until the client goes */
	END_NOTIFY, /* close_notify at once */
	END_CUT, /* closes the socket without a word */
	END_POUR, /* data without an end */
	END_TICKETS, /* session tickets without an end */
	END_UPDATES, /* key updates without an end */
	END_RENEGOTIATE, /* TLS 1.2: requests to renegotiate without an end */
};

struct server {
	/* the plan */
	enum server_act act;
	const char *chain, *key; /* files */
	const char *trusts; /* whom client certificates must come from; NULL: any authority is refused */
	int ask; /* SSL_VERIFY_… */
	int minimum, maximum; /* TLS1_2_VERSION, …; 0: any */
	const char *ciphers; /* of TLS 1.2; NULL: the usual ones */
	bool no_tickets;
	const char *say; /* after the first bytes came, a byte at a time where `slow` */
	bool slow;
	enum server_end end;
	/* the rest */
	unsigned char seen[4096];
	ssize_t seen_length;
	atomic_bool has_seen;
	int listening;
	uint16_t port;
	SSL_CTX *ctx;
	pthread_t thread;
	pthread_t served[16];
	_Atomic unsigned served_count;
};

struct served {
	struct server *server;
	int descriptor;
};

static inline void server_wait(int descriptor)
{
	char bytes[4096];
	while (recv(descriptor, bytes, sizeof(bytes), 0) > 0)
		;
}

static inline void server_flood(SSL *ssl, enum server_end kind)
{
	static const char block[16384];
	/* OpenSSL does not mind when nobody takes its tickets any more. */
	time_t end_s = time(NULL) + 2;
	for (bool flowing = true; flowing;) {
		if (kind == END_POUR)
			flowing = SSL_write(ssl, block, sizeof(block)) > 0;
		else if (kind == END_TICKETS)
			flowing = SSL_new_session_ticket(ssl) == 1;
		else if (kind == END_UPDATES)
			flowing = SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1;
		else
			flowing = SSL_renegotiate(ssl) == 1;
		flowing = flowing && SSL_do_handshake(ssl) == 1 && time(NULL) < end_s;
	}
}

static inline void server_speak(SSL *ssl, const struct server *server)
{
	char bytes[4096];
	if (server->end >= END_POUR) {
		server_flood(ssl, server->end);
		return;
	}
	if (server->say && SSL_read(ssl, bytes, sizeof(bytes)) > 0) {
		size_t length = strlen(server->say), step = server->slow ? 1 : length;
		for (size_t at = 0; at < length && SSL_write(ssl, server->say + at, (int)step) > 0; at += step)
			usleep(server->slow ? 1000 : 0);
	}
	if (server->end == END_NOTIFY)
		SSL_shutdown(ssl);
	if (server->end != END_CUT)
		while (SSL_read(ssl, bytes, sizeof(bytes)) > 0)
			;
}

static inline void server_secure(const struct server *server, int descriptor)
{
	SSL *ssl = SSL_new(server->ctx);
	SSL_set_fd(ssl, descriptor);
	if (SSL_accept(ssl) == 1)
		server_speak(ssl, server);
	else
		shutdown(descriptor, SHUT_WR);
	server_wait(server->end == END_CUT ? -1 : descriptor);
	SSL_free(ssl);
}

/* What came on the first connection; a look at all versions makes several, each with a thread of its own. */
static inline void server_keep_first(struct server *server, const char *bytes, ssize_t length)
{
	if (length <= 0 || atomic_exchange(&server->has_seen, true))
		return;
	server->seen_length = length < (ssize_t)sizeof(server->seen) ? length : (ssize_t)sizeof(server->seen);
	memcpy(server->seen, bytes, (size_t)server->seen_length);
}

static inline void *server_serve(void *argument)
{
	struct served served = *(struct served *)argument;
	struct linger reset = { .l_onoff = 1 };
	struct timeval patience = { .tv_sec = 5 };
	char bytes[4096];
	free(argument);
	setsockopt(served.descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(served.descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	switch (served.server->act) {
	case ACT_SERVE:
		server_secure(served.server, served.descriptor);
		break;
	case ACT_HANG:
		server_wait(served.descriptor);
		break;
	case ACT_RESET:
		setsockopt(served.descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		(void)!recv(served.descriptor, bytes, sizeof(bytes), 0);
		break;
	case ACT_CUT:
		server_keep_first(served.server, bytes, recv(served.descriptor, bytes, sizeof(bytes), 0));
		break;
	case ACT_SAY:
		(void)!send(served.descriptor, served.server->say, strlen(served.server->say), MSG_NOSIGNAL);
		server_wait(served.descriptor);
		break;
	case ACT_DRIP:
		for (int i = 0; i < 400; i++) {
			/* a handshake record of 16 KiB that never gets there */
			static const char head[] = { 22, 3, 3, 64, 0, 2, 0, 63, (char)252, 3, 3 };
			const char *at = i < (int)sizeof(head) ? &head[i] : "x";
			if (send(served.descriptor, at, 1, MSG_NOSIGNAL) <= 0)
				break;
			usleep(20000);
		}
		break;
	}
	close(served.descriptor);
	return NULL;
}

static inline void *server_accept(void *argument)
{
	struct server *server = argument;
	for (int descriptor; (descriptor = accept(server->listening, NULL, NULL)) >= 0;) {
		struct served *served = malloc(sizeof(*served));
		base_require(served && server->served_count < 16);
		*served = (struct served){ server, descriptor };
		base_require(pthread_create(&server->served[server->served_count], NULL, server_serve, served) == 0);
		server->served_count++;
	}
	return NULL;
}

static inline SSL_CTX *server_ctx(const struct server *server)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	base_require(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	base_require(SSL_CTX_set_min_proto_version(ctx, server->minimum) == 1);
	base_require(SSL_CTX_set_max_proto_version(ctx, server->maximum) == 1);
	base_require(!server->ciphers || SSL_CTX_set_cipher_list(ctx, server->ciphers) == 1);
	base_require(SSL_CTX_use_certificate_chain_file(ctx, server->chain) == 1);
	base_require(SSL_CTX_use_PrivateKey_file(ctx, server->key, SSL_FILETYPE_PEM) == 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ctx, server->ask, NULL);
	static const unsigned char context[] = "test";
	SSL_CTX_set_session_id_context(ctx, context, sizeof(context));
	if (server->trusts) {
		base_require(SSL_CTX_load_verify_locations(ctx, server->trusts, NULL) == 1);
		SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(server->trusts));
	}
	if (server->no_tickets)
		SSL_CTX_set_num_tickets(ctx, 0);
	return ctx;
}

static inline void server_start(struct server *server)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(local);
	server->listening = socket(AF_INET, SOCK_STREAM, 0);
	base_require(bind(server->listening, (struct sockaddr *)&local, length) == 0);
	base_require(listen(server->listening, 16) == 0);
	base_require(getsockname(server->listening, (struct sockaddr *)&local, &length) == 0);
	server->port = ntohs(local.sin_port);
	server->ctx = server->act == ACT_SERVE ? server_ctx(server) : NULL;
	base_require(pthread_create(&server->thread, NULL, server_accept, server) == 0);
}

static inline void server_stop(struct server *server)
{
	shutdown(server->listening, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->served_count; i++)
		pthread_join(server->served[i], NULL);
	close(server->listening);
	SSL_CTX_free(server->ctx);
}
#endif
