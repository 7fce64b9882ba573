/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of a handshake (RFC 8446 4, RFC 5246 7.4): what they say of names, versions, certificates, and when the
 * keys change. */
#include "trace/capture_tls.h"

#include <stdlib.h>

#define VERSION_13 0x0304

enum {
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_SERVER_HELLO = 2,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_CERTIFICATE_REQUEST = 13,
	MESSAGE_FINISHED = 20,
	MESSAGE_KEY_UPDATE = 24,
};
static const char *const names[] = {
	[0] = "HelloRequest",
	[1] = "ClientHello",
	[2] = "ServerHello",
	[4] = "NewSessionTicket",
	[8] = "EncryptedExtensions",
	[11] = "Certificate",
	[12] = "ServerKeyExchange",
	[13] = "CertificateRequest",
	[14] = "ServerHelloDone",
	[15] = "CertificateVerify",
	[16] = "ClientKeyExchange",
	[20] = "Finished",
	[22] = "CertificateStatus",
	[25] = "compressed Certificate",
};

enum {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_PROTOCOLS = 16,
	EXTENSION_MAC_LAST = 22,
	EXTENSION_RESUMED = 41,
	EXTENSION_VERSIONS = 43,
};

/* RFC 8446 4.1.3: a ServerHello with this random asks for another ClientHello. */
static const uint8_t retry_random[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e,
	0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33,
	0x9c };

/* ---- reading ---- */

/* Cuts a number of so many bytes off the front; a message that is too short gives 0 and becomes absent. */
static uint32_t take(struct span *bytes, size_t length)
{
	uint32_t value = 0;
	if (!bytes->at || bytes->length < length) {
		*bytes = SPAN_NONE;
		return 0;
	}
	for (size_t i = 0; i < length; i++)
		value = value << 8 | capture_u8(*bytes, i);
	*bytes = span_from(*bytes, length);
	return value;
}

/* A vector behind its length of so many bytes. */
static struct span take_vector(struct span *bytes, size_t length_bytes)
{
	size_t length = take(bytes, length_bytes);
	if (!bytes->at || bytes->length < length) {
		*bytes = SPAN_NONE;
		return SPAN_NONE;
	}
	struct span vector = span_first(*bytes, length);
	*bytes = span_from(*bytes, length);
	return vector;
}

/* ---- extensions ---- */

/* A value that nobody reserved for probing (RFC 8701), no later version than we know. */
static bool is_version(uint32_t version)
{
	return version >= 0x0300 && version <= VERSION_13;
}

static void take_server_name(struct capture_tls *tls, struct span value)
{
	struct span list = take_vector(&value, 2);
	if (take(&list, 1) != 0)
		return;
	struct span name = take_vector(&list, 2);
	if (name.length == 0 || name.length >= sizeof(tls->server_name))
		return;
	memcpy(tls->server_name, name.at, name.length);
	tls->server_name_length = (uint8_t)name.length;
}

static void take_versions(struct capture_tls *tls, bool is_client, struct span value)
{
	struct span list = is_client ? take_vector(&value, 1) : value;
	while (list.length >= 2) {
		uint32_t version = take(&list, 2);
		if (!is_client && is_version(version))
			tls->version = (uint16_t)version;
		else if (is_client && is_version(version) && version > tls->offered)
			tls->offered = (uint16_t)version;
	}
}

static void take_protocols(struct capture_tls *tls, struct span value)
{
	bool is_other = false, is_web = false;
	for (struct span list = take_vector(&value, 2); list.length > 0;) {
		struct span protocol = take_vector(&list, 1);
		if (span_is(protocol, "h2") || span_starts_nocase(protocol, SPAN("http/")))
			is_web = true;
		else if (protocol.length > 0)
			is_other = true;
	}
	tls->is_web = is_web && !is_other;
}

static void take_extensions(struct capture_tls *tls, bool is_client, struct span list)
{
	while (list.length >= 4) {
		uint32_t type = take(&list, 2);
		struct span value = take_vector(&list, 2);
		if (type == EXTENSION_VERSIONS)
			take_versions(tls, is_client, value);
		else if (type == EXTENSION_SERVER_NAME && is_client)
			take_server_name(tls, value);
		else if (type == EXTENSION_PROTOCOLS && is_client)
			take_protocols(tls, value);
		else if (type == EXTENSION_MAC_LAST && !is_client)
			tls->is_mac_last = true;
		else if (type == EXTENSION_RESUMED && !is_client)
			tls->is_resumed = true;
	}
}

/* ---- messages ---- */

static bool take_client_hello(struct capture_tls *tls, unsigned side, struct span body)
{
	uint32_t version = take(&body, 2);
	if (body.length < 32)
		return false;
	tls->client = side;
	tls->has_client_hello = true;
	tls->offered = is_version(version) ? (uint16_t)version : 0;
	memcpy(tls->client_random, body.at, 32);
	body = span_from(body, 32);
	(void)take_vector(&body, 1); /* session */
	(void)take_vector(&body, 2); /* cipher suites */
	(void)take_vector(&body, 1); /* compression */
	if (!body.at)
		return false;
	take_extensions(tls, true, take_vector(&body, 2));
	return true;
}

static bool take_server_hello(struct capture *c, struct capture_tls *tls, unsigned side, struct span body)
{
	uint32_t version = take(&body, 2);
	if (body.length < 32)
		return false;
	tls->version = is_version(version) ? (uint16_t)version : 0;
	memcpy(tls->server_random, body.at, 32);
	body = span_from(body, 32);
	(void)take_vector(&body, 1);
	tls->suite_number = (uint16_t)take(&body, 2);
	tls->suite = capture_tls_suite_find(tls->suite_number);
	(void)take(&body, 1);
	if (!body.at)
		return false;
	take_extensions(tls, false, take_vector(&body, 2));
	if (memcmp(tls->server_random, retry_random, 32) == 0) {
		tls->version = 0; /* until the real one comes */
		return true;
	}
	tls->has_server_hello = true;
	if (tls->version < VERSION_13)
		return true;
	tls->sides[0].is_encrypted = tls->sides[1].is_encrypted = true;
	capture_tls_set_key(c, tls, side, "SERVER_HANDSHAKE_TRAFFIC_SECRET");
	capture_tls_set_key(c, tls, 1 - side, "CLIENT_HANDSHAKE_TRAFFIC_SECRET");
	return true;
}

/* Keeps the first certificate. */
static bool take_certificate(struct capture_tls *tls, unsigned side, struct span body)
{
	struct capture_tls_side *s = &tls->sides[side];
	if (tls->version >= VERSION_13)
		(void)take_vector(&body, 1); /* context */
	struct span list = take_vector(&body, 3);
	if (!list.at)
		return false;
	struct span first = list.length > 0 ? take_vector(&list, 3) : SPAN_NONE;
	if (first.length == 0) {
		tls->last_message = "empty Certificate";
		tls->is_certificate_refused = side == tls->client;
		return true;
	}
	free(s->certificate);
	s->certificate = span_copy(first);
	s->certificate_length = s->certificate ? first.length : 0;
	return true;
}

static void take_finished(struct capture *c, struct capture_tls *tls, unsigned side)
{
	tls->sides[side].is_finished = true;
	if (tls->version < VERSION_13)
		return;
	capture_tls_set_key(c, tls, side, side == tls->client ? "CLIENT_TRAFFIC_SECRET_0" : "SERVER_TRAFFIC_SECRET_0");
}

static void take_key_update(struct capture_tls *tls, unsigned side)
{
	struct capture_tls_side *s = &tls->sides[side];
	if (!s->cipher || !tls->suite || !capture_tls_secret_update(tls->suite, s->traffic, s->traffic_length))
		return;
	capture_tls_cipher_free(s->cipher);
	s->cipher = capture_tls_cipher_of_traffic(tls->suite, span_make((const char *)s->traffic, s->traffic_length));
}

bool capture_tls_message(struct capture *c, struct capture_flow *flow, unsigned side, uint8_t type, struct span body)
{
	struct capture_tls *tls = flow->tls;
	if (type < BASE_COUNT(names) && names[type] && tls->phase == CAPTURE_TLS_SHAKING) {
		tls->last_message = names[type];
		tls->last_side = side;
	}
	switch (type) {
	case MESSAGE_CLIENT_HELLO:
		return take_client_hello(tls, side, body);
	case MESSAGE_SERVER_HELLO:
		return take_server_hello(c, tls, side, body);
	case MESSAGE_CERTIFICATE:
		return take_certificate(tls, side, body);
	case MESSAGE_CERTIFICATE_REQUEST:
		tls->is_certificate_asked = true;
		break;
	case MESSAGE_FINISHED:
		take_finished(c, tls, side);
		break;
	case MESSAGE_KEY_UPDATE:
		take_key_update(tls, side);
		break;
	default:
		break;
	}
	return true;
}

struct span capture_tls_last(struct capture *c, const struct capture_tls *tls)
{
	if (!tls->last_message)
		return SPAN("its beginning");
	return arena_printf(capture_arena(c), "the %s's %s", tls->last_side == tls->client ? "client" : "server",
		tls->last_message);
}
