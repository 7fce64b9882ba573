/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_FRAMER_H
#define FEDGE_SIP_FRAMER_H
/* Cuts a byte stream into messages (RFC 3261 18.3), incrementally: what was looked at is not looked at again, however
 * small the pieces it comes in. A message that arrived in one piece is not copied. Keep-alives between messages (RFC
 *5626 3.5.1) are reported. After a defect the stream cannot be trusted again: close it.
 *
 *	struct span input = bytes just read;
 *	for (struct sip_frame frame; sip_framer_next(&framer, &input, &frame);) switch (frame.kind) … */
#include "base/buffer.h"
#include "base/span.h"
#include "sip/defect.h"

enum sip_frame_kind {
	SIP_FRAME_MESSAGE,
	SIP_FRAME_PING, /* CR LF CR LF: answer with CR LF */
	SIP_FRAME_PONG, /* a single CR LF: the answer to our ping (or the first half of a split ping) */
	SIP_FRAME_DEFECT
};

struct sip_frame {
	enum sip_frame_kind kind;
	struct span bytes; /* MESSAGE: borrows from the input or from the framer, valid until the next call. DEFECT:
			      what has arrived of the broken message, perhaps enough for sip_message_parse and a 400 */
	struct sip_defect defect; /* offset counts from the start of that message */
};

struct sip_framer_limits {
	size_t head_maximum; /* start line and headers */
	size_t message_maximum; /* with the body */
};
#define SIP_FRAMER_LIMITS_DEFAULT ((struct sip_framer_limits){ 32768, 65536 })

struct sip_framer {
	struct sip_framer_limits limits;
	struct buffer pending; /* the beginning of a message that is not whole yet; no memory between messages */
	size_t scanned; /* bytes of the message's head that need no second look */
	size_t line; /* where the first header begins, once the first line is whole */
	size_t header; /* the first one that may be the Content-Length */
	size_t length; /* of the message, once its head is whole; else 0 */
	int64_t content_length; /* -1: not seen */
	struct sip_defect defect; /* rule NONE: none yet */
	bool after_cr; /* between messages: a CR came */
	bool half_ping; /* between messages: a CR LF came */
	bool in_use; /* the last frame borrows from pending */
};

void sip_framer_init(struct sip_framer *f, struct sip_framer_limits limits);
void sip_framer_done(struct sip_framer *f);
/* Takes from *input what it needs and gives the next frame; false where all input is used up and nothing is whole.
 * After a defect it gives that defect again and again. Memory failure is told as SIP_RULE_TOO_LARGE. */
bool sip_framer_next(struct sip_framer *f, struct span *input, struct sip_frame *ret_frame);
/* Bytes of an unfinished message: a deadline should run while this is not 0. */
size_t sip_framer_pending(const struct sip_framer *f);

/* A datagram: one message, or a keep-alive (CR LF CR LF, or RFC 5626 allows any run of CR LF; STUN is not ours).
 * Gives MESSAGE with leading CR LF cut off, PING, PONG, or DEFECT (too large, garbage, empty). */
struct sip_frame sip_datagram_frame(struct span datagram, size_t message_maximum);
#endif
