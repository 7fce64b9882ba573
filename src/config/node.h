/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_NODE_H
#define FEDGE_CONFIG_NODE_H
/* The settings of one node, as read from its configuration file: complete (defaults filled in),
 * checked (config/load.h gives none that is not), immutable, all in one arena. Workers share a
 * snapshot by reference; a reload makes a new one and swaps the pointer. Opens nothing, asks
 * nobody, knows no socket: addresses stay text that has been proved to be one.
 *
 * Every span here is followed by a NUL, so .at is a C string too; an absent span (at == NULL)
 * says that an optional setting was not given. Paths are absolute, or relative to the folder the
 * process was started in where the configuration file's own path was. Domains and host names are
 * lower case without the root dot. */
#include "base/span.h"

/* Where in the file a thing stands, both from 1; for messages that are made later. */
struct config_place {
	uint32_t line;
	uint32_t column;
};

struct config_texts {
	const struct span *items;
	size_t count;
};

/* An address or a host name and a port: "192.0.2.1:5060", "[2001:db8::1]:5061", "edge.a.example". */
struct config_endpoint {
	struct span host; /* IPv6 without brackets */
	uint16_t port; /* 0: not given */
	bool is_address; /* host is an IPv4 or IPv6 address */
	struct config_place place;
};
struct config_endpoints {
	const struct config_endpoint *items;
	size_t count;
};

enum config_dialect { CONFIG_DIALECT_STANDARD, CONFIG_DIALECT_MICROSOFT };
enum config_transport { CONFIG_TRANSPORT_UDP, CONFIG_TRANSPORT_TCP, CONFIG_TRANSPORT_TLS };
const char *config_dialect_name(enum config_dialect dialect);
const char *config_transport_name(enum config_transport transport); /* "udp", "tcp", "tls" */

struct config_listen {
	enum config_transport transport;
	struct span address; /* the node's where none was given; absent only where both are: all addresses */
	uint16_t port;
	struct config_place place;
};

struct config_identity {
	struct config_texts names; /* compared with the SNI; the first identity is the default */
	struct span certificate; /* PEM, the leaf first */
	struct span key;
	struct span client_certificate; /* the same as certificate and key where none was given */
	struct span client_key;
	struct config_place place;
};

enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };
enum config_tls_verify {
	CONFIG_TLS_VERIFY_JUDGE, /* finish the handshake, refuse with a SIP answer */
	CONFIG_TLS_VERIFY_HANDSHAKE, /* refuse inside TLS, with its alert */
};
enum config_tls_client { CONFIG_TLS_CLIENT_REQUIRE, CONFIG_TLS_CLIENT_REQUEST, CONFIG_TLS_CLIENT_OFF };

struct config_tls {
	const struct config_identity *identities;
	size_t identity_count;
	struct config_texts authorities; /* PEM files */
	bool system_authorities; /* trust the system's as well */
	struct config_texts known_intermediates; /* PEM files; only to say "the chain is incomplete" */
	enum config_tls_version minimum_version;
	enum config_tls_verify verify;
	enum config_tls_client client_certificate;
	bool require_client_usage;
	struct span keylog; /* absent: off */
};

struct config_dns {
	bool enabled; /* the file has a dns section */
	struct config_endpoints servers; /* addresses, port 53 where none was given; none: the system's */
	bool dnssec;
	struct span trust_anchor; /* absent: the system's root key */
	int64_t timeout_ms;
};

enum config_policy { CONFIG_POLICY_MICROSOFT, CONFIG_POLICY_RFC5922, CONFIG_POLICY_DANE };
const char *config_policy_name(enum config_policy policy);

struct config_partner {
	struct span domain;
	struct config_endpoint
		server; /* its configured edge, an FQDN, port 0 where none was given; host absent: found by DNS */
	struct config_place place;
};

struct config_trust {
	enum config_policy policy;
	bool discover;
	const struct config_partner *allowed;
	size_t allowed_count;
	struct config_texts blocked;
	struct config_texts providers;
	bool wildcards;
	bool apex_targets; /* an SRV target equal to the domain counts as in the domain */
	int64_t expires_soon_s;
	bool tell_partners;
	uint32_t rate; /* messages a second of a discovered partner */
	uint32_t suspicious_rate; /* the same once most of its requests fail */
	uint32_t addresses; /* distinct addresses it may ask for */
};

enum config_zone_kind { CONFIG_ZONE_DNS, CONFIG_ZONE_NEIGHBOR };
struct config_zone {
	struct span name;
	enum config_zone_kind kind;
	struct span service; /* kind dns: the SRV service without underscore, "sipfederationtls" */
	enum config_transport transport;
	struct config_endpoints peers; /* kind neighbor, in order of preference */
	struct span verify_name; /* kind neighbor over TLS: the name its certificate must carry; absent: not checked */
	struct config_place place;
};

/* Where a request must have come from for a rule to be considered. "Default" is everything over
 * TLS that is no neighbor; "all zones" is every zone but that one. */
enum config_source { CONFIG_SOURCE_ANY, CONFIG_SOURCE_ALL_ZONES, CONFIG_SOURCE_DEFAULT, CONFIG_SOURCE_ZONE };
enum config_rule_mode { CONFIG_MODE_ANY, CONFIG_MODE_PATTERN };
enum config_pattern_type { CONFIG_PATTERN_EXACT, CONFIG_PATTERN_PREFIX, CONFIG_PATTERN_SUFFIX, CONFIG_PATTERN_REGEX };
enum config_behaviour { CONFIG_BEHAVIOUR_LEAVE, CONFIG_BEHAVIOUR_STRIP, CONFIG_BEHAVIOUR_REPLACE };
enum config_on_match { CONFIG_ON_MATCH_CONTINUE, CONFIG_ON_MATCH_STOP };
struct config_rule {
	struct span name;
	uint32_t priority; /* rules come sorted: lowest number first, else as in the file */
	enum config_source source;
	const struct config_zone *source_zone; /* CONFIG_SOURCE_ZONE only */
	enum config_rule_mode mode;
	enum config_pattern_type type; /* CONFIG_MODE_PATTERN only, like the next three */
	struct span pattern; /* a regex has been compiled once without error */
	enum config_behaviour behaviour;
	struct span replace; /* CONFIG_BEHAVIOUR_REPLACE: \1 … \9 are the regex's groups */
	enum config_on_match on_match;
	const struct config_zone *target; /* one of node->zones */
	struct config_place place;
};

enum config_log_format { CONFIG_LOG_EXPRESSWAY, CONFIG_LOG_SIPSTACK, CONFIG_LOG_UCCAPI, CONFIG_LOG_JSON };
const char *config_log_format_name(enum config_log_format format);
struct config_log {
	enum config_log_format format;
	struct span file;
	uint64_t rotate_bytes; /* 0: never */
	uint32_t keep; /* rotated files */
	struct config_place place;
};

struct config_limits {
	uint32_t connections;
	uint64_t message_bytes;
	uint32_t transactions;
	int64_t handshake_ms;
	int64_t idle_ms;
	int64_t drain_ms;
};

struct config_node {
	struct span file; /* the path it was read from, as given */
	struct span node; /* FQDN */
	struct span log_name;
	enum config_dialect dialect;
	struct span address; /* outgoing sockets are bound to it; absent: the system chooses */
	uint32_t workers; /* 0: one a core */
	struct config_texts domains; /* ours */
	const struct config_listen *listen;
	size_t listen_count;
	struct config_tls tls;
	struct config_dns dns;
	struct config_trust trust;
	const struct config_zone *zones;
	size_t zone_count;
	const struct config_rule *rules;
	size_t rule_count;
	const struct config_log *logs;
	size_t log_count;
	struct span control; /* path of the control socket; absent: none */
	bool via_zones;
	struct config_limits limits;
};

/* References are counted atomically: any thread may take and drop them. Unref of the last one
 * frees the snapshot; NULL is allowed. Both are the only ways in and out: a node comes from
 * config/load.h with one reference. */
const struct config_node *config_node_ref(const struct config_node *node);
void config_node_unref(const struct config_node *node);

/* The zone of that name (case matters), or NULL. */
const struct config_zone *config_node_zone(const struct config_node *node, struct span name);
/* The SRV service of the zones of kind dns (they all have the same); absent where there is none. */
struct span config_node_service(const struct config_node *node);
/* True where the domain is one of the node's own (no subdomains). */
bool config_node_owns(const struct config_node *node, struct span domain);
/* Settings that a running node cannot take over (node, address, workers, listen, control, …) and
 * that differ between the two: the first such key as text ("listen"), or NULL where a reload can
 * swap the one for the other. */
const char *config_node_restart_key(const struct config_node *running, const struct config_node *wanted);
#endif
