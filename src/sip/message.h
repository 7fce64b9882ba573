/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_MESSAGE_H
#define FEDGE_SIP_MESSAGE_H
/* A received message, read once and never changed. All spans borrow from the bytes that were given to
 * sip_message_parse: whoever keeps the message keeps the bytes. Reading allocates nothing and touches only the
 * headers that are there. What is sent is made by sip/draft.h. */
#include "base/arena.h"
#include "base/span.h"
#include "sip/address.h"
#include "sip/defect.h"
#include "sip/header.h"
#include "sip/method.h"
#include "sip/uri.h"
#include "sip/via.h"

#define SIP_MESSAGE_HEADERS_MAXIMUM 160 /* header lines */

struct sip_header {
	struct span name; /* as written: "v", "CALL-ID" */
	struct span value; /* without blanks around it; folds inside are kept (CR LF and a blank) */
	enum sip_header_id id;
	uint32_t line_length; /* from the name to the last line end, both in it */
};

struct sip_message {
	struct span bytes; /* the whole message, without what a datagram holds after it */
	struct span start_line; /* without CR LF */
	struct span head; /* start line, headers and the empty line */
	struct span body; /* as Content-Length says; empty where there is none */

	bool is_request;
	enum sip_method method; /* of the request line; in a response, of its CSeq */
	struct span method_name; /* the same as text */
	struct span request_uri; /* text; absent in a response */
	struct sip_uri uri; /* the Request-URI taken apart; only in requests */
	uint16_t status; /* 100 … 699; 0 in a request */
	struct span reason;

	struct sip_via via; /* the top one */
	struct sip_address from;
	struct sip_address to;
	struct span call_id;
	uint32_t cseq;
	struct span cseq_method;
	int16_t max_forwards; /* -1 where there is none */
	int32_t content_length; /* -1 where there is none */

	uint16_t header_count;
	uint8_t first[SIP_HEADER_COUNT]; /* 1 + index of the first line with that id; 0: none */
	struct sip_header headers[SIP_MESSAGE_HEADERS_MAXIMUM]; /* only header_count of them are written */
};

/* Reads one whole message (a frame of sip/framer.h, or a datagram).
 *   0         well formed
 *   -EPROTO   broken, but start line and top Via are readable: a request can be answered with 400 (the parts that are
 *             missing are absent spans; use the message for that answer only). ret_defect says what is wrong.
 *   -EBADMSG  cannot even be answered; ret_message is undefined
 * Of several defects the first one found is told. */
int sip_message_parse(struct span bytes, struct sip_message *ret_message, struct sip_defect *ret_defect);

/* A copy, bytes and all, that lives in the arena; NULL at the arena's maximum. It holds only as many headers as there
 * are. */
const struct sip_message *sip_message_copy(struct arena *a, const struct sip_message *m);

/* The first header line with that id or name (without case; compact forms known), or NULL. */
const struct sip_header *sip_message_find(const struct sip_message *m, enum sip_header_id id);
const struct sip_header *sip_message_find_name(const struct sip_message *m, struct span name);
/* The next line with the same id (or, for unknown headers, the same name), or NULL. */
const struct sip_header *sip_message_find_next(const struct sip_message *m, const struct sip_header *header);
/* The value of the first line; absent where there is none. */
struct span sip_message_value(const struct sip_message *m, enum sip_header_id id);
bool sip_message_has(const struct sip_message *m, enum sip_header_id id);
/* The bytes of that header line with folds and the last CR LF. */
struct span sip_message_line(const struct sip_message *m, const struct sip_header *header);
/* A decimal value of that header (Expires, Min-SE, RSeq, …): 0, -ENOENT (absent), -EBADMSG (parameters after ";" are
 * allowed). */
int sip_message_number(const struct sip_message *m, enum sip_header_id id, uint32_t *ret_number);
/* Is the token (an option tag, a method) in any line of that list header? */
bool sip_message_lists(const struct sip_message *m, enum sip_header_id id, struct span token);

/* Walks the values of all lines with that id, comma lists and repeated lines alike (RFC 3261 7.3.1):
 *	struct sip_values values = sip_message_values(m, SIP_HEADER_ROUTE);
 *	for (struct span value; sip_values_next(&values, &value);) … */
struct sip_values {
	const struct sip_message *message;
	const struct sip_header *header; /* the line the last value came from */
	struct span rest;
	enum sip_header_id id;
};
struct sip_values sip_message_values(const struct sip_message *m, enum sip_header_id id);
bool sip_values_next(struct sip_values *values, struct span *ret_value);
/* The values that wanted takes (NULL: all), joined by ", " in one piece of memory, however many they are; absent where
 * it takes none, or without memory. *ret_left_out (may be NULL): how many it did not take. */
typedef bool sip_value_wanted_h(const void *argument, size_t index, struct span value);
struct span sip_message_join(const struct sip_message *m, enum sip_header_id id, sip_value_wanted_h *wanted,
	const void *argument, struct arena *arena, size_t *ret_left_out);
/* One after the other, taken apart: 1, 0 at the end, or -EBADMSG for a value that is malformed (the next call goes on
 * behind it). A NULL ret_uri leaves the URI as the text that the address holds. */
int sip_values_next_via(struct sip_values *values, struct sip_via *ret_via);
int sip_values_next_address(struct sip_values *values, struct sip_address *ret_address, struct sip_uri *ret_uri);

/* The session description: the body itself, or the part of a multipart body that holds it (in multipart/alternative
 * the last one, but Microsoft's "ms-proxy-2007fallback" only where there is no other). Absent where there is none. */
struct span sip_message_sdp(const struct sip_message *m);
#endif
