/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_EVENT_H
#define FEDGE_EXPLAIN_EVENT_H
/* An event is a record boiled down to what explaining needs: of a message its identities, way and answer, of anything
 * else the record itself. Made on the reading threads, so that what is done one after another is little. Everything
 * lies in the arena that was given; nothing of the record or of the file is borrowed. */
#include "base/arena.h"
#include "record/record.h"
#include "sip/method.h"

/* Where it stood. */
struct explain_place {
	uint32_t file; /* number of the file, the caller's */
	bool counts_packets; /* line is the number of a packet */
	bool is_summary; /* only the log's summary of a message, not the message */
	uint64_t line;
	uint64_t offset;
	/* The text to quote as evidence, lines and all, cut at EXPLAIN_QUOTE_MAXIMUM: kept for what may become evidence
	 * (answers of 300 and up, judgements, failures, notices), absent for the rest. */
	struct span quote;
};
#define EXPLAIN_QUOTE_MAXIMUM 4096u

/* A Via as Expressway and Microsoft fill it; facts/cisco.md 1.6: topmost is the last hop. */
struct explain_via {
	struct span host; /* sent-by */
	uint16_t port;
	struct span transport;
	struct span branch;
	struct span received;
	struct span ingress_zone, egress_zone; /* Expressway's */
	struct span serial; /* its proxy-call-id */
};
#define EXPLAIN_VIAS_MAXIMUM 16

/* One ms-diagnostics, ms-diagnostics-public or ms-client-diagnostics header. */
struct explain_diagnostics {
	struct span header; /* its name in lower case */
	uint32_t id;
	struct span reason;
	struct span source;
	struct record_pairs pairs; /* all parameters, in order, unquoted */
};
#define EXPLAIN_DIAGNOSTICS_MAXIMUM 8

/* What only refusals and requests that begin something are asked for. */
struct explain_detail {
	const struct explain_via *vias; /* topmost first */
	size_t via_count;
	const struct explain_diagnostics *diagnostics; /* in the order they stand */
	size_t diagnostics_count;
	struct span from_display;
	struct span asserted; /* the sip: URI of P-Asserted-Identity */
	struct span server; /* Server or User-Agent */
	struct span warning; /* Warning, as it stands */
	struct span reason; /* Reason, as it stands */
	struct span contact; /* its URI */
	struct span route; /* the first Route */
	struct span conversation; /* Ms-Conversation-ID */
	struct span content_type;
	bool has_body;
	bool has_challenge; /* WWW-Authenticate or Proxy-Authenticate */
	bool has_credentials; /* Authorization or Proxy-Authorization */
};

struct explain_message {
	enum record_direction direction;
	enum record_transport transport;
	enum record_side side;
	struct record_address local, remote;
	struct span peer;
	struct span zone;
	uint64_t hash; /* Msg-Hash; 0: none */
	bool is_request;
	bool is_damaged; /* read as far as it goes: headers are missing or broken */
	enum sip_method method; /* of a response: that of its CSeq */
	struct span method_name;
	uint16_t status; /* 0 in a request */
	struct span reason;
	struct span request_uri;
	struct span call_id;
	uint32_t cseq;
	struct span branch; /* of the top Via */
	struct span from_uri, from_tag, to_uri, to_tag; /* URIs without angle brackets and parameters of the header */
	struct span local_session, remote_session; /* Session-ID (RFC 7989), of the header or of the log */
	struct span serial; /* proxy-call-id of the top Via; read with the details */
	const struct explain_detail *detail; /* NULL where nobody will ask */
};

struct explain_event {
	enum record_kind kind; /* RECORD_MESSAGE: message; any other: record */
	/* All that it points to lies in that many bytes from its own first one on (texts of tables aside), so that it
	 * is moved as one piece; 0: it lies in several. explain_boil and explain_event_copy make the former. */
	uint32_t size;
	int64_t time_us; /* 0: not known */
	uint64_t connection;
	uint64_t correlation;
	struct span node; /* name of the box in its log; absent in captures */
	struct span serial, tag;
	struct explain_place place;
	union {
		struct explain_message message;
		const struct record *record; /* a whole copy */
	};
};

/* The place of a record, as the caller saw it: explain/ knows no trace/. */
struct explain_seen {
	uint32_t file;
	bool counts_packets;
	bool is_summary;
	uint64_t line, offset;
	struct span raw;
};
/* NULL where the record tells nothing (then it is passed over), or at the arena's maximum (*ret_full is set). */
const struct explain_event *explain_boil(
	const struct record *r, const struct explain_seen *seen, struct arena *arena, bool *ret_full);
/* A copy that lives in another arena, in one piece; NULL at its maximum. */
struct explain_event *explain_event_copy(const struct explain_event *event, struct arena *arena);
/* How many bytes the copy takes. */
size_t explain_event_size(const struct explain_event *event);
/* The same copy into memory of the caller: explain_event_size() bytes, aligned for any type. */
struct explain_event *explain_event_move(const struct explain_event *event, void *memory);
#endif
