/* SPDX-License-Identifier: Apache-2.0 */
#include "config/schema_part.h"

/* Each in the order of its enum. */
static const char *const dialects[] = { "standard", "microsoft", NULL };
const char *const schema_transports[] = { "udp", "tcp", "tls", NULL };
static const char *const tls_versions[] = { "1.2", "1.3", NULL };
static const char *const tls_verify[] = { "judge", "handshake", NULL };
static const char *const tls_client[] = { "require", "request", "off", NULL };
static const char *const policies[] = { "microsoft", "rfc5922", "dane", NULL };
static const char *const log_formats[] = { "expressway", "sipstack", "uccapi", "json", NULL };

const char *config_dialect_name(enum config_dialect dialect)
{
	return dialects[dialect];
}

const char *config_transport_name(enum config_transport transport)
{
	return schema_transports[transport];
}

const char *config_policy_name(enum config_policy policy)
{
	return policies[policy];
}

const char *config_log_format_name(enum config_log_format format)
{
	return log_formats[format];
}

static const struct schema_section listen_section = {
	.name = "a listener",
	.size = sizeof(struct config_listen),
	.place_offset = offsetof(struct config_listen, place),
	.keys =
		(const struct schema_key[]){
			{ "transport", SCHEMA_CHOICE, SCHEMA_REQUIRED, MEMBER(struct config_listen, transport),
				.choices = schema_transports, .help = "What is spoken here." },
			{ "port", SCHEMA_PORT, SCHEMA_COMPUTED, MEMBER(struct config_listen, port),
				.default_text = "5060; 5061 for tls", .help = "The port." },
			{ "address", SCHEMA_ADDRESS, SCHEMA_COMPUTED, MEMBER(struct config_listen, address),
				.default_text = "the node's address",
				.help = "The local address; 0.0.0.0 or :: for all." },
			{ NULL },
		},
};

static const struct schema_section identity_section = {
	.name = "an identity",
	.size = sizeof(struct config_identity),
	.place_offset = offsetof(struct config_identity, place),
	.keys =
		(const struct schema_key[]){
			{ "names", SCHEMA_SERVER_NAME, SCHEMA_REQUIRED | SCHEMA_LIST,
				TEXTS(struct config_identity, names), .minimum = 1, .maximum = 1000,
				.help = "The host names a caller may ask for (SNI) to be shown this certificate." },
			{ "certificate", SCHEMA_FILE_READ, SCHEMA_REQUIRED, MEMBER(struct config_identity, certificate),
				.help = "PEM file: our certificate, then the intermediates up to the root's." },
			{ "key", SCHEMA_FILE_READ, SCHEMA_REQUIRED, MEMBER(struct config_identity, key),
				.help = "PEM file: its private key, without a password." },
			{ "client_certificate", SCHEMA_FILE_READ, SCHEMA_COMPUTED,
				MEMBER(struct config_identity, client_certificate),
				.default_text = "the same as certificate",
				.help = "Another certificate to show where we are the caller; needs client_key." },
			{ "client_key", SCHEMA_FILE_READ, SCHEMA_COMPUTED, MEMBER(struct config_identity, client_key),
				.default_text = "the same as key", .help = "Its private key." },
			{ NULL },
		},
};

static const struct schema_section tls_section = {
	.name = "tls",
	.size = sizeof(struct config_tls),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "identities", SCHEMA_SECTION, SCHEMA_LIST,
				ITEMS(struct config_tls, identities, identity_count), .maximum = 1000,
				.section = &identity_section,
				.help = "Our certificates by the name asked for; the first one serves everything "
					"else." },
			{ "authorities", SCHEMA_FILE_READ, SCHEMA_LIST, TEXTS(struct config_tls, authorities),
				.maximum = 1000, .help = "PEM files of the certificate authorities we trust." },
			{ "system_authorities", SCHEMA_BOOLEAN, 0, MEMBER(struct config_tls, system_authorities),
				.default_text = "no",
				.help = "Trust the operating system's certificate authorities too." },
			{ "known_intermediates", SCHEMA_FILE_READ, SCHEMA_LIST,
				TEXTS(struct config_tls, known_intermediates), .maximum = 1000,
				.help = "PEM files of intermediates, used only to say that a partner forgot to send "
					"one; "
					"they never complete a chain." },
			{ "minimum_version", SCHEMA_CHOICE, 0, MEMBER(struct config_tls, minimum_version),
				.choices = tls_versions, .default_text = "1.2",
				.help = "The oldest TLS version we speak." },
			{ "verify", SCHEMA_CHOICE, SCHEMA_COMPUTED, MEMBER(struct config_tls, verify),
				.choices = tls_verify, .default_text = "judge; handshake for dialect microsoft",
				.help = "judge: finish the handshake and refuse with a SIP answer that says why. "
					"handshake: refuse inside TLS with its alert." },
			{ "client_certificate", SCHEMA_CHOICE, 0, MEMBER(struct config_tls, client_certificate),
				.choices = tls_client, .default_text = "require",
				.help = "Whether those who connect to us must show a certificate." },
			{ "require_client_usage", SCHEMA_BOOLEAN, 0, MEMBER(struct config_tls, require_client_usage),
				.default_text = "no",
				.help = "Demand the clientAuth usage in the certificates of those who connect to us." },
			{ "keylog", SCHEMA_FILE_WRITE, 0, MEMBER(struct config_tls, keylog),
				.help = "File for TLS session keys, to decrypt captures with. Off by default: whoever "
					"reads it "
					"reads the calls." },
			{ NULL },
		},
};

static const struct schema_section dns_section = {
	.name = "dns",
	.size = sizeof(struct config_dns),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "servers", SCHEMA_ADDRESS_ENDPOINT, SCHEMA_LIST, TEXTS(struct config_dns, servers),
				.maximum = 16,
				.help = "The resolvers to ask, as IP or IP@PORT; none: those of the system." },
			{ "dnssec", SCHEMA_BOOLEAN, 0, MEMBER(struct config_dns, dnssec), .default_text = "no",
				.help = "Validate answers (DNSSEC)." },
			{ "trust_anchor", SCHEMA_FILE_READ, 0, MEMBER(struct config_dns, trust_anchor),
				.help = "File with the DNSSEC trust anchor; without one the system's root key is "
					"used." },
			{ "timeout", SCHEMA_DURATION, 0, MEMBER(struct config_dns, timeout_ms), .default_text = "3s",
				.minimum = 100, .maximum = 60000, .help = "How long one lookup may take." },
			{ NULL },
		},
};

static const struct schema_section partner_section = {
	.name = "a partner",
	.size = sizeof(struct config_partner),
	.place_offset = offsetof(struct config_partner, place),
	.scalar_key = "domain",
	.keys =
		(const struct schema_key[]){
			{ "domain", SCHEMA_DOMAIN, SCHEMA_REQUIRED, MEMBER(struct config_partner, domain),
				.help = "Its SIP domain." },
			{ "server", SCHEMA_HOST_ENDPOINT, 0, MEMBER(struct config_partner, server),
				.help = "Its edge, as HOST or HOST:PORT: DNS is not asked where to call, and this name "
					"is what "
					"its certificate must carry." },
			{ NULL },
		},
};

static const struct schema_section trust_limits_section = {
	.name = "trust.limits",
	.size = sizeof(struct config_trust),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "rate", SCHEMA_NUMBER, 0, MEMBER(struct config_trust, rate), .default_text = "20",
				.minimum = 1, .maximum = 1000000,
				.help = "Messages a second that a partner found by DNS may send." },
			{ "suspicious_rate", SCHEMA_NUMBER, 0, MEMBER(struct config_trust, suspicious_rate),
				.default_text = "1", .minimum = 1, .maximum = 1000000,
				.help = "The same once most of its requests fail." },
			{ "addresses", SCHEMA_NUMBER, 0, MEMBER(struct config_trust, addresses), .default_text = "1000",
				.minimum = 1, .maximum = 10000000,
				.help = "Different addresses it may ask for before it counts as one who tries them "
					"all." },
			{ NULL },
		},
};

static const struct schema_section trust_section = {
	.name = "trust",
	.size = sizeof(struct config_trust),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "policy", SCHEMA_CHOICE, 0, MEMBER(struct config_trust, policy), .choices = policies,
				.default_text = "microsoft",
				.help = "The rule book partners are judged by. microsoft: the SRV target lies directly "
					"under the "
					"domain and the certificate names the target. rfc5922: the certificate names "
					"the domain. "
					"dane: TLSA records under DNSSEC." },
			{ "discover", SCHEMA_BOOLEAN, 0, MEMBER(struct config_trust, discover), .default_text = "yes",
				.help = "Look up partners that are on no list; no: only those in allowed." },
			{ "allowed", SCHEMA_SECTION, SCHEMA_LIST, ITEMS(struct config_trust, allowed, allowed_count),
				.maximum = 100000, .section = &partner_section,
				.help = "Partners without the limits of discovered ones; a domain, or {domain, "
					"server}." },
			{ "blocked", SCHEMA_DOMAIN, SCHEMA_LIST, TEXTS(struct config_trust, blocked), .maximum = 100000,
				.help = "Domains that are always refused." },
			{ "providers", SCHEMA_HOST, SCHEMA_LIST, TEXTS(struct config_trust, providers), .maximum = 1000,
				.help = "Host names of hosting providers, whose servers may speak for any domain "
					"(sipfed.online.lync.com)." },
			{ "wildcards", SCHEMA_BOOLEAN, 0, MEMBER(struct config_trust, wildcards), .default_text = "no",
				.help = "Accept a wildcard name in a partner's certificate; Microsoft's edges do "
					"not." },
			{ "apex_targets", SCHEMA_BOOLEAN, 0, MEMBER(struct config_trust, apex_targets),
				.default_text = "no", .help = "Accept an SRV target that is the domain itself." },
			{ "expires_soon", SCHEMA_DURATION, 0, MEMBER(struct config_trust, expires_soon_s),
				.default_text = "21d", .maximum = 3650 * DAY_MS, .unit_ms = 1000,
				.help = "Warn of certificates that end within this time." },
			{ "tell_partners", SCHEMA_BOOLEAN, 0, MEMBER(struct config_trust, tell_partners),
				.default_text = "yes",
				.help = "Tell refused strangers what is wrong with their own public records and "
					"certificate "
					"(ms-diagnostics-public; dialect standard only)." },
			{ "limits", SCHEMA_SECTION, 0, .offset = 0, .section = &trust_limits_section,
				.help = "What partners found by DNS may do." },
			{ NULL },
		},
};

static const struct schema_section log_section = {
	.name = "a log",
	.size = sizeof(struct config_log),
	.place_offset = offsetof(struct config_log, place),
	.keys =
		(const struct schema_key[]){
			{ "format", SCHEMA_CHOICE, SCHEMA_REQUIRED, MEMBER(struct config_log, format),
				.choices = log_formats,
				.help = "Whose log it looks like: Cisco Expressway, Lync/Skype Edge trace, Skype "
					"client, or "
					"one JSON object a line." },
			{ "file", SCHEMA_FILE_WRITE, SCHEMA_REQUIRED, MEMBER(struct config_log, file),
				.help = "Where to; - is standard output." },
			{ "rotate", SCHEMA_SIZE, 0, MEMBER(struct config_log, rotate_bytes), .default_text = "100M",
				.maximum = 100 * GIGABYTE, .help = "Begin a new file at this size; 0 never does." },
			{ "keep", SCHEMA_NUMBER, 0, MEMBER(struct config_log, keep), .default_text = "5", .minimum = 1,
				.maximum = 1000, .help = "Old files to keep." },
			{ NULL },
		},
};

static const struct schema_section limits_section = {
	.name = "limits",
	.size = sizeof(struct config_limits),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "connections", SCHEMA_NUMBER, 0, MEMBER(struct config_limits, connections),
				.default_text = "10000", .minimum = 1, .maximum = 10000000,
				.help = "Connections, both directions." },
			{ "message", SCHEMA_SIZE, 0, MEMBER(struct config_limits, message_bytes), .default_text = "64K",
				.minimum = 1024, .maximum = 16 * MEGABYTE, .help = "The largest SIP message." },
			{ "transactions", SCHEMA_NUMBER, 0, MEMBER(struct config_limits, transactions),
				.default_text = "200000", .minimum = 1, .maximum = 100000000,
				.help = "Transactions at a time." },
			{ "handshake", SCHEMA_DURATION, 0, MEMBER(struct config_limits, handshake_ms),
				.default_text = "10s", .minimum = 100, .maximum = HOUR_MS,
				.help = "How long a TLS handshake may take." },
			{ "idle", SCHEMA_DURATION, 0, MEMBER(struct config_limits, idle_ms), .default_text = "1h",
				.minimum = 1000, .maximum = 30 * DAY_MS,
				.help = "When a connection nobody uses is closed." },
			{ "drain", SCHEMA_DURATION, 0, MEMBER(struct config_limits, drain_ms), .default_text = "30s",
				.maximum = DAY_MS,
				.help = "How long a node that shall end lets calls in progress go on." },
			{ NULL },
		},
};

const struct schema_section schema_node = {
	.name = "the node",
	.size = sizeof(struct config_node),
	.place_offset = SCHEMA_NO_PLACE,
	.keys =
		(const struct schema_key[]){
			{ "node", SCHEMA_HOST, SCHEMA_REQUIRED | SCHEMA_RESTART, MEMBER(struct config_node, node),
				.help = "The host name of this node: it stands in Via, Record-Route and in what is "
					"told to "
					"callers." },
			{ "log_name", SCHEMA_TEXT, SCHEMA_COMPUTED | SCHEMA_RESTART,
				MEMBER(struct config_node, log_name), .default_text = "the first label of node",
				.help = "Its short name in logs." },
			{ "dialect", SCHEMA_CHOICE, SCHEMA_RESTART, MEMBER(struct config_node, dialect),
				.choices = dialects, .default_text = "standard",
				.help = "standard: fedge as itself. microsoft: answers like a Lync or Skype for "
					"Business Edge." },
			{ "address", SCHEMA_ADDRESS, SCHEMA_RESTART, MEMBER(struct config_node, address),
				.help = "The local address that outgoing connections come from; none: the system "
					"chooses." },
			{ "workers", SCHEMA_NUMBER, SCHEMA_RESTART, MEMBER(struct config_node, workers),
				.default_text = "0", .maximum = 255,
				.help = "Threads that carry calls; 0: one for each core." },
			{ "domains", SCHEMA_DOMAIN, SCHEMA_LIST, TEXTS(struct config_node, domains), .maximum = 10000,
				.help = "Our own SIP domains, without subdomains." },
			{ "listen", SCHEMA_SECTION, SCHEMA_REQUIRED | SCHEMA_LIST | SCHEMA_RESTART,
				ITEMS(struct config_node, listen, listen_count), .minimum = 1, .maximum = 16,
				.section = &listen_section, .help = "Where calls come in." },
			{ "tls", SCHEMA_SECTION, 0, .offset = offsetof(struct config_node, tls),
				.section = &tls_section, .help = "Certificates, ours and whom we trust." },
			{ "dns", SCHEMA_SECTION, 0, .offset = offsetof(struct config_node, dns),
				.section = &dns_section,
				.help = "How names are looked up. Without this section nothing is." },
			{ "trust", SCHEMA_SECTION, 0, .offset = offsetof(struct config_node, trust),
				.section = &trust_section,
				.help = "Who may call us and whom we call, and on what evidence." },
			{ "zones", SCHEMA_SECTION, SCHEMA_LIST, ITEMS(struct config_node, zones, zone_count),
				.maximum = 1000, .section = &schema_zone, .help = "Where calls can go and come from." },
			{ "transforms", SCHEMA_SECTION, SCHEMA_LIST,
				ITEMS(struct config_node, transforms, transform_count), .maximum = 1000,
				.section = &schema_transform,
				.help = "What is made of an address before anything else looks at it: the first that "
					"matches, in the order of their priority. Never for REGISTER." },
			{ "policy", SCHEMA_SECTION, SCHEMA_LIST, ITEMS(struct config_node, policy, policy_count),
				.maximum = 2000, .section = &schema_policy_rule,
				.help = "Call policy: who may call whom. The first that fits decides; where none does, "
					"the call is allowed." },
			{ "rules", SCHEMA_SECTION, SCHEMA_LIST, ITEMS(struct config_node, rules, rule_count),
				.maximum = 2000, .section = &schema_rule,
				.help = "Which call goes where; tried in the order of their priority. The targets of "
					"all rules of one priority are asked at the same time." },
			{ "registrar", SCHEMA_SECTION, 0, .offset = offsetof(struct config_node, registrar),
				.section = &schema_registrar,
				.help = "Phones register here. Makes a zone of kind local, LocalZone, where the list "
					"of zones has none." },
			{ "users", SCHEMA_SECTION, SCHEMA_LIST, ITEMS(struct config_node, users, user_count),
				.maximum = 100000, .section = &schema_user,
				.help = "Who can prove by a password who they are: users of phones, and whoever a zone "
					"with check-credentials lets in." },
			{ "history", SCHEMA_SECTION, SCHEMA_RESTART, .offset = offsetof(struct config_node, history),
				.section = &schema_history,
				.help = "Every search is kept for `fedge history`. Without this section none is." },
			{ "log", SCHEMA_SECTION, SCHEMA_LIST | SCHEMA_RESTART,
				ITEMS(struct config_node, logs, log_count), .maximum = 8, .section = &log_section,
				.help = "What is written down, and how." },
			{ "control", SCHEMA_SOCKET, SCHEMA_RESTART, MEMBER(struct config_node, control),
				.help = "UNIX socket for `fedge status`, `peers` and `config reload`; for its owner "
					"only." },
			{ "key_file", SCHEMA_FILE_WRITE, SCHEMA_RESTART, MEMBER(struct config_node, key_file),
				.help = "32 random bytes, made where the file is missing: with it calls from "
					"before a restart go on after it." },
			{ "via_zones", SCHEMA_BOOLEAN, 0, MEMBER(struct config_node, via_zones), .default_text = "yes",
				.help = "Write the names of zones into Via, as Expressway does." },
			{ "limits", SCHEMA_SECTION, SCHEMA_RESTART, .offset = offsetof(struct config_node, limits),
				.section = &limits_section, .help = "What everything that can grow may grow to." },
			{ NULL },
		},
};

const struct schema_key *schema_find(const struct schema_section *section, struct span name)
{
	for (const struct schema_key *key = section->keys; key->name; key++) {
		if (span_is(name, key->name))
			return key;
	}
	return NULL;
}

/* The next of "a|b|c"; false at the end. */
static bool next_word(const char **words, struct span *ret_word)
{
	if (!**words)
		return false;
	size_t length = strcspn(*words, "|");
	*ret_word = span_make(*words, length);
	*words += length + ((*words)[length] == '|');
	return true;
}

bool schema_only_fits(const struct schema_key *key, struct span word)
{
	struct span one;
	for (const char *words = key->only_value; next_word(&words, &one);) {
		if (span_equal_nocase(one, word))
			return true;
	}
	return false;
}

void schema_only_write(struct buffer *b, const struct schema_key *key, const char *quote)
{
	struct span one;
	for (const char *words = key->only_value; next_word(&words, &one);) {
		if (one.at != key->only_value)
			buffer_append_text(b, *words ? ", " : " or ");
		buffer_printf(b, "%s%.*s%s", quote, SPAN_PRINT(one), quote);
	}
}

const char *schema_type_name(enum schema_type type)
{
	static const char *const names[] = {
		[SCHEMA_BOOLEAN] = "yes or no",
		[SCHEMA_NUMBER] = "number",
		[SCHEMA_SIZE] = "size",
		[SCHEMA_DURATION] = "duration",
		[SCHEMA_CHOICE] = "word",
		[SCHEMA_TEXT] = "text",
		[SCHEMA_SECRET] = "text, never shown",
		[SCHEMA_HASH] = "hexadecimal, never shown",
		[SCHEMA_ALIAS] = "user@domain",
		[SCHEMA_NAME] = "name",
		[SCHEMA_DOMAIN] = "domain",
		[SCHEMA_HOST] = "host name",
		[SCHEMA_SERVER_NAME] = "host name",
		[SCHEMA_ADDRESS] = "IP address",
		[SCHEMA_PORT] = "port",
		[SCHEMA_ENDPOINT] = "host and port",
		[SCHEMA_ADDRESS_ENDPOINT] = "IP address and port",
		[SCHEMA_HOST_ENDPOINT] = "host name and port",
		[SCHEMA_FILE_READ] = "file",
		[SCHEMA_FILE_WRITE] = "file",
		[SCHEMA_SOCKET] = "file",
		[SCHEMA_STORE] = "file or postgresql://…",
		[SCHEMA_SOURCE] = "source",
		[SCHEMA_ZONE] = "zone",
		[SCHEMA_SECTION] = "section",
	};
	return names[type];
}
