/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DRAFT_H
#define FEDGE_SIP_DRAFT_H
/* What we send. A draft is a received message with edits, or new text; it is written once, as a list of pieces of the
 * received bytes and of new text, so headers nobody touched leave byte for byte as they came. New text lives in the
 * arena; the source message and every span given must live until the draft is written. The first failure sticks
 * (-ENOBUFS: too many edits, -ENOMEM: the arena is full, -EINVAL: text that would break the message apart), later
 * edits do nothing, and writing gives it. */
#include "base/arena.h"
#include "base/buffer.h"
#include "sip/message.h"

#include <sys/uio.h>

#define SIP_DRAFT_EDITS_MAXIMUM 64
#define SIP_DRAFT_WORDS ((SIP_MESSAGE_HEADERS_MAXIMUM + 63) / 64)
/* So many iovecs always suffice. */
#define SIP_DRAFT_PIECES_MAXIMUM (2 * SIP_DRAFT_EDITS_MAXIMUM + SIP_MESSAGE_HEADERS_MAXIMUM / 2 + 8)

enum sip_draft_edit_kind {
	SIP_DRAFT_TOP, /* above all lines; the last one is the topmost */
	SIP_DRAFT_BEFORE, /* above the line with that index; the last one is the topmost */
	SIP_DRAFT_INSTEAD, /* of the line with that index */
	SIP_DRAFT_APPEND
};

struct sip_draft_edit {
	enum sip_draft_edit_kind kind;
	enum sip_header_id id;
	uint16_t index; /* of the source's header line */
	struct span text; /* whole new header lines with CR LF */
};

struct sip_draft {
	struct arena *arena;
	const struct sip_message *source; /* whose header lines are kept unless edited; NULL for new text */
	struct span start_line; /* with CR LF */
	struct span body;
	int status;
	uint16_t edit_count;
	uint64_t dropped[SIP_DRAFT_WORDS]; /* a bit for each line of the source */
	uint64_t edited[SIP_DRAFT_WORDS]; /* there is an edit with that index */
	struct sip_draft_edit edits[SIP_DRAFT_EDITS_MAXIMUM];
};

/* ---- where drafts come from ---- */

/* The message as it is, request or response, to be edited and sent on. */
void sip_draft_forward(struct sip_draft *d, struct arena *a, const struct sip_message *m);
/* A response: all Via, From, To (with to_tag where the request had none; SPAN_NONE: leave it), Call-ID and CSeq of the
 * request; Record-Route too for 101 … 299, Timestamp for 100 (RFC 3261 8.2.6, 12.1.1). An absent reason takes the
 * standard phrase. */
void sip_draft_response(struct sip_draft *d, struct arena *a, const struct sip_message *request, uint16_t status,
	struct span reason, struct span to_tag);
/* A request from nothing: only the request line. The caller appends Via, From, … in the order they shall stand. */
void sip_draft_request(struct sip_draft *d, struct arena *a, struct span method, struct span request_uri);
/* CANCEL for an INVITE as we sent it (RFC 3261 9.1: its Request-URI, top Via, From, To, Call-ID, CSeq number, Routes).
 */
void sip_draft_cancel(struct sip_draft *d, struct arena *a, const struct sip_message *sent);
/* ACK for a non-2xx answer to an INVITE as we sent it (RFC 3261 17.1.1.3: To from the response). */
void sip_draft_ack(
	struct sip_draft *d, struct arena *a, const struct sip_message *sent, const struct sip_message *response);

/* "Ringing" for 180; the class's general phrase for numbers without one. */
struct span sip_status_phrase(uint16_t status);

/* ---- edits ---- */

void sip_draft_set_request_uri(struct sip_draft *d, struct span uri);
/* A new line above all lines with that id (above everything for Via). Several prepends with one id: the last stands on
 * top. */
void sip_draft_prepend(struct sip_draft *d, enum sip_header_id id, struct span value);
/* A new line after all others. */
void sip_draft_append(struct sip_draft *d, enum sip_header_id id, struct span value);
void sip_draft_append_name(struct sip_draft *d, struct span name, struct span value);
/* The first line with that id gets the value (its name stays as written), other lines with it go; appended where there
 * is none. */
void sip_draft_replace(struct sip_draft *d, enum sip_header_id id, struct span value);
/* All lines with that id (or name) that came from the source go. */
void sip_draft_drop(struct sip_draft *d, enum sip_header_id id);
void sip_draft_drop_name(struct sip_draft *d, struct span name);
/* The first count values go, comma lists and repeated lines alike: our Via of a response, our Routes of a request. */
void sip_draft_drop_first(struct sip_draft *d, enum sip_header_id id, size_t count);
/* The first value is another one, the rest of its comma list stays. Once for each id. */
void sip_draft_replace_first(struct sip_draft *d, enum sip_header_id id, struct span value);
void sip_draft_set_max_forwards(struct sip_draft *d, unsigned value);
/* Content-Type (absent: leave or none) and Content-Length follow the body. */
void sip_draft_set_body(struct sip_draft *d, struct span content_type, struct span body);

/* What a server adds to the top Via on receipt (RFC 3261 18.2.1, RFC 3581): for requests passed on (the line below
 * our own Via) and for our responses. Absent spans and zeros add nothing; values that were there are replaced. */
struct sip_via_stamp {
	struct span received; /* address text */
	uint16_t rport; /* filled in only where rport was asked for */
	struct span ingress_zone;
	uint16_t ms_received_port;
	struct span ms_received_cid; /* hexadecimal text */
};
void sip_draft_stamp_via(struct sip_draft *d, const struct sip_via_stamp *stamp);

/* ---- out ---- */

/* The number of pieces, or the draft's failure. capacity: SIP_DRAFT_PIECES_MAXIMUM suffices. A Content-Length is added
 * where there is none. Writing changes nothing: a draft may be written again. */
int sip_draft_pieces(const struct sip_draft *d, struct iovec *ret_pieces, size_t capacity);
/* Appends the whole message: 0 or the failure (nothing is appended then). */
int sip_draft_write(const struct sip_draft *d, struct buffer *b);
/* The whole message as one span in the draft's arena; absent on failure. */
struct span sip_draft_text(const struct sip_draft *d);
#endif
