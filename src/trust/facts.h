/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_FACTS_H
#define FEDGE_TRUST_FACTS_H
/* What was seen of a peer: DNS answers, connections, handshakes, certificates. Plain data, no
 * sockets, no OpenSSL; whoever gathers them (peer/, a file, a test) owns the memory. Names carry no
 * root dot and are A-labels (RFC 5890); they are compared without case. Absent texts are SPAN_NONE. */
#include "base/span.h"

enum trust_lookup_status {
	TRUST_LOOKUP_NOT_ASKED,
	TRUST_LOOKUP_OK,
	TRUST_LOOKUP_NODATA, /* the name exists, not the type */
	TRUST_LOOKUP_NXDOMAIN,
	TRUST_LOOKUP_SERVFAIL, /* from here on: the lookup failed, nothing is known */
	TRUST_LOOKUP_REFUSED,
	TRUST_LOOKUP_TIMEOUT,
	TRUST_LOOKUP_BOGUS, /* DNSSEC says the answer is forged or broken */
	TRUST_LOOKUP_CANCELLED,
	TRUST_LOOKUP_MALFORMED,
};

struct trust_lookup {
	enum trust_lookup_status status;
	bool secure; /* DNSSEC validated it */
	bool bogus; /* with a status other than BOGUS: validation failed, why says how, and the records are what someone
		       sees who does not validate. For a judge of DNSSEC the same as BOGUS */
	uint32_t ttl_s;
	struct span name; /* what was asked for */
	struct span canonical; /* where an alias (CNAME) led to; absent: no alias */
	struct span why; /* the resolver's own words on a failure */
};

struct trust_srv {
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
	struct span target; /* "." is an empty span: the service is decidedly not there (RFC 2782) */
	uint32_t ttl_s;
};

struct trust_host;

/* The SRV answer for one domain. */
struct trust_domain {
	struct span domain;
	struct span service; /* "_sipfederationtls._tcp" */
	struct trust_lookup lookup;
	const struct trust_srv *records;
	size_t record_count;
	bool cut; /* there were more than we keep */
	/* Optional: what is known of the targets' addresses. Never judged here, only used to make a fix paste-ready. */
	const struct trust_host *hosts;
	size_t host_count;
};

/* Certificate association data of a TLSA record (RFC 6698). */
struct trust_tlsa {
	uint8_t usage; /* 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE */
	uint8_t selector; /* 0 the certificate, 1 its public key */
	uint8_t matching; /* 0 as it is, 1 SHA-256, 2 SHA-512 */
	struct span data; /* bytes */
	struct span data_sha256; /* 32 bytes, of data: matching 0 only, for a certificate is known by its digests */
};

struct trust_address {
	struct span text; /* "192.0.2.47", "2001:db8::47" */
	bool is_ipv6;
	bool is_private; /* trust_address_is_private said so */
};

/* The addresses of one host, and its TLSA records where they were asked for. */
struct trust_host {
	struct span name;
	struct trust_lookup a;
	struct trust_lookup aaaa;
	const struct trust_address *addresses;
	size_t address_count;
	struct trust_lookup tlsa_lookup;
	const struct trust_tlsa *tlsa;
	size_t tlsa_count;
};

enum trust_connect_status {
	TRUST_CONNECT_NOT_TRIED,
	TRUST_CONNECT_OPEN,
	TRUST_CONNECT_REFUSED, /* somebody answered: nothing listens there */
	TRUST_CONNECT_TIMEOUT, /* nobody answered */
	TRUST_CONNECT_UNREACHABLE, /* our side or a router said: no way there */
	TRUST_CONNECT_FAILED, /* anything else; the text says what */
};

enum trust_handshake_status {
	TRUST_HANDSHAKE_NOT_TRIED,
	TRUST_HANDSHAKE_DONE,
	TRUST_HANDSHAKE_ALERT_RECEIVED, /* the peer refused us; alert says why */
	TRUST_HANDSHAKE_ALERT_SENT, /* we refused the peer */
	TRUST_HANDSHAKE_RESET, /* cut without an alert (RST or end of stream) */
	TRUST_HANDSHAKE_TIMEOUT,
	TRUST_HANDSHAKE_NOT_TLS, /* what came back is no TLS */
	TRUST_HANDSHAKE_FAILED,
	TRUST_HANDSHAKE_VERSION, /* no TLS version in common */
};

/* One attempt at one address. */
struct trust_connection {
	struct span target; /* host name asked for: SNI, and what the certificate must say */
	struct span address; /* "192.0.2.47:5061", "[2001:db8::47]:5061" */
	enum trust_connect_status connect;
	enum trust_handshake_status handshake;
	uint8_t alert; /* RFC 8446 6; meaningful with ALERT_RECEIVED and ALERT_SENT */
	bool after_our_certificate; /* it ended after we had sent our certificate */
	bool our_certificate_sent; /* false: the peer did not ask or we have none */
	bool certificate_asked; /* the peer asked for a client certificate */
	struct span version; /* "TLSv1.3" */
	struct span cipher;
	struct span text; /* OpenSSL's or the system's words on a failure */
};

enum trust_key_kind {
	TRUST_KEY_OTHER,
	TRUST_KEY_RSA,
	TRUST_KEY_EC,
	TRUST_KEY_ED,
};

/* Extended key usage (RFC 5280 4.2.1.12). */
enum trust_usage {
	TRUST_USAGE_ABSENT = 0, /* no extension: any purpose */
	TRUST_USAGE_SERVER = 1,
	TRUST_USAGE_CLIENT = 2,
	TRUST_USAGE_ANY = 4,
	TRUST_USAGE_OTHER = 8,
};

struct trust_certificate {
	struct span subject; /* RFC 2253 text */
	struct span issuer;
	struct span serial; /* hex */
	struct span fingerprint; /* 32 bytes, SHA-256 of the certificate */
	struct span key_sha256; /* 32 bytes, of the SubjectPublicKeyInfo */
	struct span key_sha512; /* 64 bytes */
	struct span der_sha512; /* 64 bytes */
	struct span common_name; /* the most specific CN; absent: none, or not usable (NUL, no UTF-8) */
	bool has_names; /* a subjectAltName with anything in it, usable or not: the CN does not count (R4) */
	const struct span *dns_names; /* as they stand, "*.example.com" included */
	size_t dns_name_count;
	const struct span *uri_names; /* "sip:example.com" */
	size_t uri_name_count;
	const struct span *issuer_uris; /* where the issuer's certificate is said to lie (AIA); shown, never fetched */
	size_t issuer_uri_count;
	bool names_cut; /* there were more names than we keep, or unusable ones */
	int64_t not_before_s; /* seconds since 1970 UTC */
	int64_t not_after_s;
	unsigned usage; /* TRUST_USAGE_ bits */
	enum trust_key_kind key_kind;
	uint16_t key_bits;
	struct span signature; /* "sha256WithRSAEncryption" */
	bool signature_weak; /* MD5, SHA-1 */
	bool is_authority;
	bool self_signed;
	bool signed_previous; /* it may sign, and its key made the signature of the certificate sent before it */
};

/* What chain building said of the certificates that were sent. */
enum trust_chain_status {
	TRUST_CHAIN_NOT_VERIFIED,
	TRUST_CHAIN_TRUSTED,
	TRUST_CHAIN_INCOMPLETE, /* would be trusted with an intermediate that we know and the peer did not send */
	TRUST_CHAIN_UNTRUSTED, /* ends in no authority of ours */
	TRUST_CHAIN_SELF_SIGNED, /* untrusted, and the leaf signed itself */
	TRUST_CHAIN_WRONG_PURPOSE, /* only the extended key usage does not fit */
	TRUST_CHAIN_REVOKED,
	TRUST_CHAIN_BAD, /* signatures do not fit, constraints are violated, it cannot be read */
};

struct trust_chain {
	const struct trust_certificate *certificates; /* as sent, the leaf first; the kept ones */
	size_t count; /* 0: no certificate was presented */
	size_t sent_count;
	enum trust_chain_status status;
	struct span missing; /* TRUST_CHAIN_INCOMPLETE: the subject of what should have been sent */
	struct span authority; /* subject of the trusted root, absent where there is none */
	bool private_authority; /* trusted here because it was given to us, not a public authority */
	bool seen_as_client; /* the peer connected to us */
	int verify_error; /* X509_V_ERR_…, 0 where none */
	struct span verify_text;
};

/* Not reachable from the internet: RFC 1918, 6598, 3927, 4193, loopback, link-local, documentation. */
bool trust_address_is_private(struct span text);
const char *trust_lookup_status_name(enum trust_lookup_status status);
/* "unknown_ca" for 48 (RFC 8446 6.2, RFC 5246 7.2); NULL for a number that nobody assigned. */
const char *trust_alert_name(uint8_t alert);
/* Alerts that speak of the receiver's certificate: bad_certificate, unsupported_certificate,
 * certificate_revoked, certificate_expired, certificate_unknown, unknown_ca, access_denied,
 * certificate_required. */
bool trust_alert_is_about_certificate(uint8_t alert);
#endif
