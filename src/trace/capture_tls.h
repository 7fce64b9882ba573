/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_CAPTURE_TLS_H
#define FEDGE_TRACE_CAPTURE_TLS_H
/* TLS in a capture, versions 1.0 to 1.3:
 *
 *	capture_tls.c          records, and what they mean for the connection
 *	capture_tls_hello.c    handshake messages
 *	capture_tls_give.c     the handshake as a record, certificates
 *	capture_tls_suite.c    cipher suites by their numbers
 *	capture_tls_secret.c   keys from the secrets of a key log
 *	capture_tls_cipher.c   records opened with them
 *
 * A handshake is told once: where it stands, or where it failed. The record has the client's view: role client, local
 * the client, an alert "received" came from the server; the certificate is the server's. Where a certificate of the
 * client was seen, a second record has the server's view of the same: role server, the addresses and the direction of
 * the alert turned round, the certificate the client's. verify_error is set where the certificate's own dates leave
 * out the moment of the packet; nothing else is verified.
 *
 * Without keys everything up to the first encrypted record is seen, which in TLS 1.3 is no certificate, and of an
 * encrypted alert only its size: the reason then says so. */
#include "trace/capture_flow.h"

#include <openssl/types.h>

/* ---- cipher suites ---- */

enum capture_tls_manner { CAPTURE_TLS_CBC, CAPTURE_TLS_GCM, CAPTURE_TLS_CCM, CAPTURE_TLS_CHACHA };
struct capture_tls_suite {
	uint16_t number;
	const char *name; /* OpenSSL's */
	const char *cipher; /* OpenSSL's name of the algorithm */
	enum capture_tls_manner manner;
	uint8_t key_length, tag_length;
	const char *digest; /* of the key derivation */
	const char *mac; /* CBC: of the records; else NULL */
};
const struct capture_tls_suite *capture_tls_suite_find(uint16_t number); /* NULL: not one of those that are known */

/* ---- records opened ---- */

#define CAPTURE_TLS_RECORD_MAXIMUM ((1u << 14) + 2048u)
#define CAPTURE_TLS_HEADER 5

/* One direction under one key. */
struct capture_tls_cipher {
	EVP_CIPHER_CTX *context;
	const struct capture_tls_suite *suite;
	uint16_t version;
	bool is_mac_last; /* RFC 7366: encrypted first, then authenticated */
	uint64_t number; /* of the next record */
	uint8_t iv[16]; /* CBC of TLS 1.0: the last block */
	uint8_t mac[64];
	uint8_t mac_length;
};
struct capture_tls_cipher *capture_tls_cipher_free(struct capture_tls_cipher *cipher); /* NULL, always */
/* version: 0x0303; iv of 4 or 12 bytes. NULL where this cannot be. */
struct capture_tls_cipher *capture_tls_cipher_new(const struct capture_tls_suite *suite, uint16_t version,
	bool is_mac_last, struct span key, struct span iv, struct span mac);
/* The content of a record, with its header, into CAPTURE_TLS_RECORD_MAXIMUM bytes; in TLS 1.3 *type becomes the inner
 * one. False where the key does not open it. */
bool capture_tls_cipher_open(
	struct capture_tls_cipher *cipher, struct span record, uint8_t *type, char *ret_content, size_t *ret_length);

/* ---- keys ---- */

/* Both directions of TLS 1.2 and before, from the master secret. Randoms of 32 bytes each. */
struct capture_tls_cipher *capture_tls_cipher_of_master(const struct capture_tls_suite *suite, uint16_t version,
	bool is_mac_last, struct span master, const uint8_t *client_random, const uint8_t *server_random,
	bool is_for_client);
/* TLS 1.3, from a traffic secret. */
struct capture_tls_cipher *capture_tls_cipher_of_traffic(const struct capture_tls_suite *suite, struct span secret);
/* The traffic secret after a key update, in place. */
bool capture_tls_secret_update(const struct capture_tls_suite *suite, uint8_t *secret, size_t length);

/* ---- a connection ---- */

enum capture_tls_phase {
	CAPTURE_TLS_SHAKING,
	CAPTURE_TLS_FINISHED, /* the client has; in TLS 1.3 the server may still refuse */
	CAPTURE_TLS_TOLD, /* a record was made of it */
};
struct capture_tls_side {
	struct buffer kept; /* the beginning of a record */
	struct buffer handshake; /* the beginning of a message */
	bool is_encrypted; /* all its records from here on */
	bool is_finished;
	bool has_opened; /* at least one record was */
	unsigned opaque; /* encrypted records that could not be read */
	size_t last_opaque; /* length of the last one */
	struct capture_tls_cipher *cipher; /* NULL: no key */
	uint8_t traffic[64]; /* TLS 1.3: the secret it comes from */
	size_t traffic_length;
	char *certificate; /* DER of the first one it showed */
	size_t certificate_length;
};
struct capture_tls {
	struct capture_tls_side sides[2];
	struct capture_talk inside;
	enum capture_tls_phase phase;
	unsigned client; /* the side that sent a ClientHello */
	bool has_client_hello, has_server_hello, is_resumed, is_mac_last;
	bool is_without_key; /* and that was told */
	bool is_certificate_asked; /* of the client */
	bool is_certificate_refused; /* it sent an empty list */
	bool is_web; /* it offers HTTP only: nothing to do with SIP, unless it is spoken inside */
	uint16_t version; /* 0: not known yet */
	uint16_t offered; /* the highest one that the client offers */
	uint16_t suite_number;
	const struct capture_tls_suite *suite;
	uint8_t client_random[32], server_random[32];
	char server_name[256];
	uint8_t server_name_length;
	int64_t began_us, finished_us;
	const char *last_message; /* of a handshake, and who sent it */
	unsigned last_side;
	uint8_t alert;
	int alert_side; /* -1: none */
};

void capture_tls_hear(struct capture *c, struct capture_flow *flow, unsigned side, struct span bytes);
void capture_tls_gap(struct capture *c, struct capture_flow *flow, unsigned side);
/* This side ended the connection. */
void capture_tls_end(struct capture *c, struct capture_flow *flow, unsigned side, bool is_reset);
void capture_tls_end_of_file(struct capture *c, struct capture_flow *flow);
/* The other side answers with something that is no TLS. */
void capture_tls_other_answer(struct capture *c, struct capture_flow *flow, unsigned side);
size_t capture_tls_held(const struct capture_tls *tls);
void capture_tls_free(struct capture_tls *tls); /* accepts NULL */

/* A whole handshake message, without its header. False where it contradicts itself. */
bool capture_tls_message(struct capture *c, struct capture_flow *flow, unsigned side, uint8_t type, struct span body);
/* Keys for what this side sends from here on, where they are known: label of TLS 1.3, or the master secret. */
void capture_tls_set_key(struct capture *c, struct capture_tls *tls, unsigned side, const char *label);
/* The record of the handshake; reason: of a failure, absent where it stands. */
void capture_tls_give(struct capture *c, struct capture_flow *flow, struct span reason);
/* "the client's Certificate" */
struct span capture_tls_last(struct capture *c, const struct capture_tls *tls);
#endif
