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

/* ---- zones ---- */

enum config_zone_kind {
	CONFIG_ZONE_DNS,
	CONFIG_ZONE_NEIGHBOR,
	CONFIG_ZONE_TRAVERSAL_CLIENT, /* we dial out to the server, and calls come in over that connection */
	CONFIG_ZONE_TRAVERSAL_SERVER, /* the client dials in to a port of the zone's own */
	CONFIG_ZONE_LOCAL, /* phones registered here; at most one, made as "LocalZone" where a registrar is but no such
			      zone */
	CONFIG_ZONE_DEFAULT, /* settings of the Default Zone, where strangers land; at most one, never a target */
};
#define CONFIG_LOCAL_ZONE "LocalZone" /* the name of the zone that is made where a registrar has none */
const char *config_zone_kind_name(enum config_zone_kind kind); /* "dns", "traversal-client" … */

/* Expressway's "Authentication policy": what a request that comes from the zone must prove. */
enum config_authentication {
	CONFIG_AUTHENTICATION_NONE, /* "do-not-check": counts as not authenticated (search rules can ask) */
	CONFIG_AUTHENTICATION_CHECK, /* "check-credentials": 407 until the digest is right */
	CONFIG_AUTHENTICATION_TREAT, /* "treat-as-authenticated" */
};
/* Expressway's "Media encryption mode". fedge passes media by: what an offer says is refused where it breaks the
 * policy (488), nothing is encrypted on anybody's behalf. */
enum config_media_encryption {
	CONFIG_MEDIA_AUTO, /* no policy */
	CONFIG_MEDIA_FORCE_ENCRYPTED,
	CONFIG_MEDIA_FORCE_UNENCRYPTED,
	CONFIG_MEDIA_BEST_EFFORT,
};
enum config_record_route { CONFIG_RECORD_ROUTE_ADDRESS, CONFIG_RECORD_ROUTE_NAME };
enum config_redirects { CONFIG_REDIRECTS_PASS, CONFIG_REDIRECTS_FOLLOW };

/* What is taken out of requests to a neighbor that chokes on it. */
struct config_strip {
	bool update; /* UPDATE out of Allow */
	bool multipart; /* of a multipart body only the SDP goes on */
	bool udp_bfcp; /* m=application … UDP/BFCP lines are refused by port 0 */
	bool udp_ix; /* the same for UDP/UDT/IX */
	struct config_texts proxy_require; /* option tags taken out of Proxy-Require */
};

struct config_zone {
	struct span name;
	enum config_zone_kind kind;
	struct span description;
	enum config_transport transport;
	/* Neighbor: its machines in order of preference. Traversal client: the servers to dial, all of them. */
	struct config_endpoints peers;
	/* The name a certificate must carry. Neighbor, traversal client, DNS: of whom we reach. Traversal server: of
	 * the client that dials in. Absent: not checked (never for a traversal zone over TLS). */
	struct span verify_name;

	/* ---- all kinds ---- */
	uint32_t hop_count; /* the lower of it and Max-Forwards goes on; 0: no bound of the zone's own */
	enum config_authentication authentication;
	/* Expressway's "SIP authentication trust mode": is P-Asserted-Identity from there believed and passed on? (Kind
	 * dns and default: partners' identities are judged by trust/, this is about neighbors.) */
	bool trust_identity;
	bool preloaded_routes; /* may a request outside a dialog bring Route headers that lead on beyond us? */
	bool poison; /* what was sent there and comes back from there is refused */
	enum config_media_encryption media_encryption;
	enum config_record_route record_route; /* as what we stand in Record-Route towards it */
	enum config_redirects redirects; /* a 3xx from there: passed on, or its Contact is searched for anew */
	struct config_strip strip;

	/* ---- neighbor, traversal ---- */
	bool monitor; /* are peers asked by OPTIONS whether they live (traversal: always) */
	int64_t monitor_interval_ms;
	int64_t monitor_timeout_ms;

	/* ---- traversal ---- */
	struct span username; /* client: as whom it authenticates; server: whom it lets in */
	struct span password; /* where password_file is given: what it held when the configuration was read */
	struct span password_file;
	uint16_t port; /* server: its own port, other than any listener's */
	int64_t retry_ms; /* client: the first wait before it dials again; doubled up to 16 times that */

	/* ---- dns ---- */
	/* "sipfederationtls": partners found and judged by the rules of trust. "sip": RFC 3263 (NAPTR, _sips._tcp,
	 * _sip._tcp, _sip._udp), without those rules; verify_name is then what the certificate is held against, else
	 * the name that led there. Rules decide who is called that way; nobody is let in by it. */
	struct span service;
	struct span lookup_domain; /* "Modify DNS request": looked up in place of the domain dialled */
	bool include_address_record; /* A and AAAA where there is no SRV (service sip only) */
	bool inbound_mapping; /* a stranger whose certificate carries verify_name belongs to this zone */
	enum config_transport fallback_transport; /* where neither NAPTR, SRV nor the URI say one (service sip only) */
	struct config_place place;
};

/* ---- call processing ---- */

/* Where a request must have come from for a rule to be considered. "Default" is everything that is no
 * zone's; "all zones" is every zone but that one, the local one included ("All zones: locally registered devices plus
 * neighbor or traversal zones", Expressway administrator guide). */
enum config_source {
	CONFIG_SOURCE_ANY,
	CONFIG_SOURCE_ALL_ZONES,
	CONFIG_SOURCE_DEFAULT,
	CONFIG_SOURCE_ZONE,
	CONFIG_SOURCE_LOCAL /* phones registered here, or who proved by digest to be a user */
};
enum config_rule_mode { CONFIG_MODE_ANY, CONFIG_MODE_PATTERN, CONFIG_MODE_ANY_ADDRESS /* an IP address was dialled */ };
enum config_pattern_type { CONFIG_PATTERN_EXACT, CONFIG_PATTERN_PREFIX, CONFIG_PATTERN_SUFFIX, CONFIG_PATTERN_REGEX };
enum config_behaviour {
	CONFIG_BEHAVIOUR_LEAVE,
	CONFIG_BEHAVIOUR_STRIP,
	CONFIG_BEHAVIOUR_REPLACE,
	CONFIG_BEHAVIOUR_ADD_PREFIX, /* `replace` before the whole address */
	CONFIG_BEHAVIOUR_ADD_SUFFIX
};
enum config_on_match { CONFIG_ON_MATCH_CONTINUE, CONFIG_ON_MATCH_STOP };
/* Expressway's "SIP variant" (facts: X8.9); any: it does not matter. */
enum config_variant {
	CONFIG_VARIANT_ANY,
	CONFIG_VARIANT_STANDARDS,
	CONFIG_VARIANT_MICROSOFT_AV,
	CONFIG_VARIANT_MICROSOFT_IM,
	CONFIG_VARIANT_MICROSOFT /* any of Microsoft's */
};

/* Patterns and replacements may hold %self%, %systemname%, %localdomain1% …, %localdomains%, %ip%, %ipv4%, %ipv4_1% …,
 * %ipv6% … (route/variable.h). */
struct config_rule {
	struct span name;
	struct span description;
	bool enabled;
	uint32_t priority; /* rules come sorted: lowest number first, else as in the file */
	enum config_source source;
	const struct config_zone *source_zone; /* CONFIG_SOURCE_ZONE only */
	bool authenticated; /* the request must be */
	enum config_variant variant;
	enum config_rule_mode mode;
	enum config_pattern_type type; /* CONFIG_MODE_PATTERN only, like the next three */
	struct span pattern; /* a regex has been compiled once without error */
	enum config_behaviour behaviour;
	struct span replace; /* CONFIG_BEHAVIOUR_REPLACE: \1 … \9 are the regex's groups */
	enum config_on_match on_match;
	const struct config_zone *target; /* one of node->zones */
	struct config_place place;
};

/* Pre-search transforms: the first that matches changes the alias, before any policy. Never on REGISTER. */
struct config_transform {
	struct span name; /* absent: none was given */
	bool enabled;
	uint32_t priority; /* sorted; unique */
	enum config_pattern_type type;
	struct span pattern;
	enum config_behaviour behaviour;
	struct span replace;
	struct config_place place;
};

/* Call policy: the first rule that fits decides; none: allowed. */
enum config_call_action {
	CONFIG_CALL_ALLOW,
	CONFIG_CALL_REJECT,
	CONFIG_CALL_REDIRECT /* the search begins anew with another alias */
};
enum config_whether { CONFIG_WHETHER_ANY, CONFIG_WHETHER_YES, CONFIG_WHETHER_NO };
struct config_policy_rule {
	struct span name;
	bool enabled;
	enum config_source source;
	const struct config_zone *source_zone;
	enum config_whether authenticated;
	struct span from; /* regex over the caller's alias; absent: any */
	struct span to; /* regex over the alias dialled; absent: any */
	enum config_call_action action;
	uint16_t status; /* reject: 400 … 699 */
	struct span reason; /* its phrase; absent: the standard's */
	struct span alias; /* redirect: the new one; \1 … \9 are groups of `to` */
	struct config_place place;
};

/* ---- registrar ---- */

/* Somebody who authenticates: a phone's user, or whoever a zone with check-credentials lets in. */
struct config_user {
	struct span username;
	struct span password; /* where password_file is given: what it held when the configuration was read */
	struct span password_file; /* or: */
	struct span secret_md5, secret_sha256; /* H(username:realm:password) as hexadecimal text */
	struct config_texts
		aliases; /* "2000@steven.lab": who may register and call as whom; none: username@ each domain */
	struct config_place place;
};

struct config_registrar {
	bool enabled; /* the file has a registrar section */
	struct config_texts domains; /* whose registrar we are; each also one of node->domains */
	struct span realm; /* default: the first domain */
	struct span store; /* bindings are kept over a restart: a file, or "postgresql://…"; absent: in memory only */
	bool authenticate; /* no: whoever comes from a zone may register; strangers never */
	int64_t minimum_expires_s, expires_s, maximum_expires_s;
	uint32_t contacts; /* of one address of record */
	uint32_t bindings; /* of all */
	int64_t nonce_s; /* how long a nonce is good */
};

/* ---- search history ---- */

struct config_history {
	bool enabled; /* the file has a history section */
	struct span store; /* a file: SQLite; "postgresql://…": PostgreSQL */
	uint64_t size_bytes; /* the largest it may grow to: the oldest searches go */
	int64_t age_s; /* older ones go; 0: never */
	uint32_t searches; /* the most that are kept */
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
	const struct config_transform *transforms;
	size_t transform_count;
	const struct config_policy_rule *policy; /* call policy, in the file's order */
	size_t policy_count;
	const struct config_rule *rules;
	size_t rule_count;
	struct config_registrar registrar;
	const struct config_user *users;
	size_t user_count;
	struct config_history history;
	const struct config_log *logs;
	size_t log_count;
	struct span control; /* path of the control socket; absent: none */
	/* Keyed state that must outlive the process (tokens of dialogs, nonces): 32 random bytes, made where the file
	 * is missing. Absent: dialogs of before a restart are strangers' afterwards. */
	struct span key_file;
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
/* The SRV service that partners are looked up by: of the zones of kind dns but those of service "sip" (they all have
 * the same); absent where there is none. */
struct span config_node_service(const struct config_node *node);
/* True where the domain is one of the node's own (no subdomains). */
bool config_node_owns(const struct config_node *node, struct span domain);
/* Settings that a running node cannot take over (node, address, workers, listen, control, …) and
 * that differ between the two: the first such key as text ("listen"), or NULL where a reload can
 * swap the one for the other. */
const char *config_node_restart_key(const struct config_node *running, const struct config_node *wanted);
#endif
