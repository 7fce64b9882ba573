/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_RECORD_RECORD_H
#define FEDGE_RECORD_RECORD_H
/* What happened, typed. Every step of the program that somebody may later ask about leaves one
 * record: a message, a question to the DNS, a handshake, a judgement, a rule that was looked at,
 * a call that ended. A record knows no log format; the writers of trace/ turn records into the
 * lines of each product, their readers turn such lines back into records.
 *
 * All spans (and the arrays of spans) borrow: whoever makes a record keeps the bytes alive for
 * the one call that takes it. A field that is not known stays zero or absent, and no writer
 * invents it. Make one like this:
 *
 *	if (record_wanted(sink)) {
 *		struct record r = { .kind = RECORD_MESSAGE, .head = { .time_us = now_us, … } };
 *		r.message.direction = RECORD_RECEIVED;
 *		…
 *		record_take(sink, &r);
 *	}
 *
 * To add a field: a member here and a line in record/field.c. Nothing else knows them all. */
#include "base/span.h"

struct sockaddr;

enum record_kind {
	RECORD_NONE, /* no record; never taken */
	RECORD_MESSAGE,
	RECORD_DNS_QUERY,
	RECORD_DNS_ANSWER,
	RECORD_CONNECTION,
	RECORD_HANDSHAKE,
	RECORD_JUDGEMENT,
	RECORD_RULE,
	RECORD_SEARCH,
	RECORD_CALL,
	RECORD_NODE,
	RECORD_NOTICE,
	RECORD_ATTEMPT,
	RECORD_REGISTRATION,
	RECORD_ZONE,
	RECORD_KIND_COUNT
};

/* Passed: seen on the wire by somebody between; then local is who sent it, and remote who was to get it. */
enum record_direction { RECORD_RECEIVED, RECORD_SENT, RECORD_PASSED };
enum record_transport { RECORD_TRANSPORT_NONE, RECORD_UDP, RECORD_TCP, RECORD_TLS };
/* Which side of the node: towards its own people, or towards partners and strangers. */
enum record_side { RECORD_SIDE_UNKNOWN, RECORD_INTERNAL, RECORD_EXTERNAL };
enum record_severity { RECORD_NOTE, RECORD_WARNING, RECORD_ERROR };

/* An address as bytes, so that the message path never formats text. family 0: not known. */
struct record_address {
	uint8_t family; /* 0, 4 or 6 */
	uint8_t bytes[16]; /* network order; the first 4 for family 4 */
	uint16_t port; /* host order; 0: not known */
};

/* Borrowed arrays. What is beyond RECORD_LIST_MAXIMUM items is not carried by rings. */
#define RECORD_LIST_MAXIMUM 32
struct record_spans {
	const struct span *at;
	size_t count;
};
struct record_pair {
	struct span name;
	struct span value;
};
struct record_pairs {
	const struct record_pair *at;
	size_t count;
};

struct record_head {
	int64_t time_us; /* wall clock, microseconds since 1970 UTC */
	uint64_t connection; /* worker, slot and generation as transport packs them; 0: none */
	struct span node; /* short name of the node in logs ("vcse") */
	struct span serial; /* UUID of the call on this box = proxy-call-id = Call-serial-number */
	struct span tag; /* UUID of the whole call over all boxes */
	struct span local_session; /* Session-ID, RFC 7989: 32 hex digits */
	struct span remote_session;
	uint32_t worker;
	/* What a log line carries but a maker never sets: readers fill these, so that writing what was
	 * read gives the same bytes. Zero: the writer derives them. */
	uint32_t process;
	uint32_t thread;
	uint32_t sequence;
	uint64_t correlation;
};

struct record_message {
	enum record_direction direction;
	enum record_transport transport;
	enum record_side side;
	struct record_address local;
	struct record_address remote;
	struct span peer; /* FQDN of the other side, from its certificate or our zone */
	struct span zone;
	struct span bytes; /* the whole message as on the wire */
	uint64_t hash; /* Msg-Hash; 0: the writer derives it from the bytes */
};

enum record_dns_status {
	RECORD_DNS_OK,
	RECORD_DNS_NODATA,
	RECORD_DNS_NXDOMAIN,
	RECORD_DNS_SERVFAIL,
	RECORD_DNS_REFUSED,
	RECORD_DNS_TIMEOUT,
	RECORD_DNS_BOGUS,
	RECORD_DNS_CANCELLED
};
/* Both kinds, question and answer; an answer repeats the question. */
struct record_dns {
	struct span name; /* without the root dot */
	struct span type; /* "SRV", "A", "AAAA", "TLSA", "NAPTR" */
	enum record_dns_status status;
	struct record_spans records; /* data of each record as a zone file has it: "0 0 5061 vcse.a.example." */
	uint32_t ttl_s;
	struct span why; /* the resolver's own words of a failure */
	bool secure; /* DNSSEC said so */
	/* What an address is looked up for, where that is known. */
	enum record_transport transport;
	uint16_t port;
	uint64_t elapsed_us;
};

enum record_connection_event {
	RECORD_CONNECTION_ATTEMPTED,
	RECORD_CONNECTION_OPENED,
	RECORD_CONNECTION_ACCEPTED,
	RECORD_CONNECTION_CLOSED,
	RECORD_CONNECTION_FAILED
};
enum record_role { RECORD_CLIENT, RECORD_SERVER };
struct record_connection {
	enum record_connection_event event;
	enum record_role role; /* ours: who opened it; an accepted one counts as server in any case */
	enum record_transport transport;
	struct record_address local;
	struct record_address remote;
	struct span peer; /* name that was asked for or that the certificate gives */
	struct span zone;
	struct span stage; /* of a failure: "connect", "handshake", "read", "write", "limit" */
	struct span reason; /* "Got EOF on socket", "Connection refused" … */
	int32_t error; /* errno value, 0: none */
	uint64_t duration_us; /* how long it stood */
};

enum record_alert { RECORD_ALERT_NONE, RECORD_ALERT_RECEIVED, RECORD_ALERT_SENT };
struct record_handshake {
	bool failed;
	enum record_role role; /* ours */
	bool resumed;
	struct record_address local;
	struct record_address remote;
	struct span server_name; /* SNI */
	struct span version; /* "TLSv1.3" */
	struct span cipher;
	struct span common_name; /* of the peer's certificate */
	struct record_spans names; /* DNS SANs of the peer's certificate */
	struct span issuer;
	enum record_alert alert_direction;
	uint16_t alert; /* its number; means something only with a direction */
	struct span reason; /* OpenSSL's or our text of the failure */
	int32_t verify_error; /* X509_V_ERR_…, 0: none */
	struct span verify_reason;
	uint64_t duration_us;
};

/* A finding that was applied to a message (or to a peer: then the message fields are absent). */
struct record_judgement {
	struct span code; /* of the catalogue: "srv-target-outside-domain" */
	enum record_severity severity;
	struct span subject; /* the domain or name that was judged */
	struct span text; /* one sentence; for SIPStack traces the product's own sentence */
	struct span who; /* "you", "partner", "network" */
	uint32_t result_code; /* 0xc3e93d6f; 0: none known */
	struct span result_name; /* "SIPPROXY_E_…" */
	uint32_t diagnostics; /* ms-diagnostics id; 0: none */
	/* In the order to print: domain, fqdn1 … or expected-fqdn, certName, info. */
	struct record_pairs parameters;
	struct span start_line;
	struct span call_id;
	struct span cseq; /* "2066245576 INVITE" */
	struct span peer; /* "vcse.steven.lab:25002" */
	struct record_address remote;
	uint16_t status; /* chosen for the answer; 0: none was sent */
	struct span reason; /* its phrase */
};

enum record_rule_verdict {
	RECORD_RULE_DID_NOT_MATCH,
	RECORD_RULE_IGNORED_SOURCE,
	RECORD_RULE_IGNORED_DISABLED,
	RECORD_RULE_CONSIDERED,
	RECORD_RULE_IGNORED_UNAUTHENTICATED,
	RECORD_RULE_IGNORED_VARIANT,
	RECORD_RULE_TOO_COSTLY
};
enum record_rule_part { RECORD_RULE_SEARCH, RECORD_RULE_TRANSFORM, RECORD_RULE_POLICY };
struct record_rule {
	struct span name;
	enum record_rule_verdict verdict;
	struct span alias; /* as the rule saw it; for a considered rule as it came out */
	struct span source; /* zone the request came from */
	struct span target; /* zone the rule leads to */
	int32_t priority;
	enum record_rule_part part;
	struct span action; /* of a policy that fits: "allow", "reject 403 Forbidden", "redirect" */
};

enum record_search_event { RECORD_SEARCH_ATTEMPTED, RECORD_SEARCH_COMPLETED };
struct record_search {
	enum record_search_event event;
	struct span method; /* "INVITE", "OPTIONS" */
	struct span source; /* alias: "sip:2000@acano.steven.lab" */
	struct span destination;
	struct record_address remote; /* of whoever asked */
	enum record_transport transport;
	bool found;
	struct span reason; /* "Not Found", "Server time-out" … where it failed */
	struct span detail; /* "Policy Response" … */
	uint16_t response_code;
	uint64_t duration_us;
	struct span call_id;
	struct span zone; /* the request came from it */
	struct span variant; /* "standards", "microsoft-av", "microsoft-im" */
	bool authenticated;
};

enum record_call_event { RECORD_CALL_ATTEMPTED, RECORD_CALL_CONNECTED, RECORD_CALL_REJECTED, RECORD_CALL_DISCONNECTED };
struct record_call {
	enum record_call_event event;
	struct span source; /* alias */
	struct span destination;
	struct span call_id;
	struct record_address local;
	struct record_address remote; /* of the caller's side */
	enum record_transport transport;
	bool authenticated;
	struct span reason; /* "Server time-out", "Normal clearing" … */
	uint16_t response_code;
	uint64_t duration_us;
};

enum record_node_event {
	RECORD_NODE_NOTE,
	RECORD_NODE_STARTED,
	RECORD_NODE_READY,
	RECORD_NODE_RELOADED,
	RECORD_NODE_DRAINING,
	RECORD_NODE_STOPPED,
	RECORD_NODE_DROPPED /* count records did not reach the log */
};
struct record_node {
	enum record_node_event event;
	enum record_severity severity;
	struct span text; /* lower case, what failed first, no full stop */
	uint64_t count;
};

/* What a product noted and no other kind is made for: an event, a line of one of its modules. Only readers make them;
 * what matters to nobody they count and leave out. */
struct record_notice {
	enum record_severity severity;
	struct span module; /* "tvcs" for events, "network.cpl", "developer.zone.zonemgr", "network.h323" … */
	struct span name; /* Event="Authentication Failed"; else the first words of the detail */
	struct span detail;
	struct record_address local;
	struct record_address remote;
	struct record_pairs pairs; /* all keys of the line as they stood, in order */
};

/* A zone that a search asks, and every address and contact that was tried for it. */
enum record_attempt_event {
	RECORD_ATTEMPT_ZONE, /* the zone is asked now (status 0), or has nothing more to give (its best status) */
	RECORD_ATTEMPT_SENT,
	RECORD_ATTEMPT_ANSWERED, /* a final answer came */
	RECORD_ATTEMPT_FAILED, /* none came, or it could not be sent: reason */
	RECORD_ATTEMPT_CANCELLED, /* somebody else answered, or the caller gave up */
	RECORD_ATTEMPT_SKIPPED /* not tried: the peer is known to be dead, the zone's link is down */
};
struct record_attempt {
	enum record_attempt_event event;
	struct span zone;
	struct span alias; /* that it was asked for */
	struct span target; /* host name or contact */
	struct record_address remote;
	enum record_transport transport;
	uint32_t branch; /* of the search: 1, 2, … those that ran side by side can be told apart */
	uint32_t group; /* rules of one priority */
	uint16_t status;
	struct span reason; /* phrase of the answer, or what failed: "connect: Connection refused" */
	uint64_t elapsed_us; /* since it was sent */
};

enum record_registration_event {
	RECORD_REGISTRATION_ACCEPTED,
	RECORD_REGISTRATION_REFRESHED,
	RECORD_REGISTRATION_REMOVED,
	RECORD_REGISTRATION_EXPIRED,
	RECORD_REGISTRATION_REJECTED
};
struct record_registration {
	enum record_registration_event event;
	struct span alias; /* address of record: "2000@steven.lab" */
	struct span contact;
	struct span user; /* as whom it authenticated */
	struct span agent; /* User-Agent */
	uint32_t expires_s;
	struct record_address remote;
	enum record_transport transport;
	uint16_t status; /* of a rejection */
	struct span reason;
};

/* The way to a zone changed: a peer or a traversal connection lives, or does not. */
struct record_zone {
	struct span zone;
	struct span state; /* "active", "failed", "checking" */
	struct span before;
	struct span peer; /* "127.48.36.47:7001" */
	struct span reason; /* of a failure */
};

struct record {
	enum record_kind kind;
	struct record_head head;
	union {
		struct record_message message;
		struct record_dns dns; /* RECORD_DNS_QUERY and RECORD_DNS_ANSWER */
		struct record_connection connection;
		struct record_handshake handshake;
		struct record_judgement judgement;
		struct record_rule rule;
		struct record_search search;
		struct record_call call;
		struct record_node node;
		struct record_notice notice;
		struct record_attempt attempt;
		struct record_registration registration;
		struct record_zone zone;
	};
};

/* AF_INET and AF_INET6 (v4-mapped becomes 4); anything else, or NULL, is "not known". */
struct record_address record_address_of(const struct sockaddr *address);
/* "127.48.36.47" or "2001:db8::6", without the port, into at least 46 bytes; returns the length,
 * 0 (and "") where the address is not known. */
#define RECORD_ADDRESS_TEXT 46
size_t record_address_format(const struct record_address *address, char *ret_text);
/* 0 or -EINVAL. The port is left as it was. */
int record_address_parse(struct span text, struct record_address *ret_address);
bool record_address_equal(const struct record_address *a, const struct record_address *b);
#endif
