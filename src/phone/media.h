/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PHONE_MEDIA_H
#define FEDGE_PHONE_MEDIA_H
/* The phone's session descriptions (RFC 3264): one audio stream, PCMU, PCMA and DTMF, that nothing is ever sent on. */
#include "base/buffer.h"
#include "net/address.h"

struct phone_media {
	struct net_address local; /* its host is the one we offer */
	uint64_t session_id;
	uint64_t version; /* grows with each description that differs from the last */
	uint16_t port; /* of our audio */
};

/* Appends an offer. 0 or the buffer's failure. */
int phone_media_offer(const struct phone_media *media, struct buffer *ret_sdp);
/* Appends the answer to an offer: the first audio that has a codec of ours is taken, everything else is refused with
 * port 0, streams stay in their order (RFC 3264 6). -EBADMSG: that is no description; -ENOTSUP: nothing in it we could
 * take (answer 488). */
int phone_media_answer(const struct phone_media *media, struct span offer, struct buffer *ret_sdp);
#endif
