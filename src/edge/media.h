/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_MEDIA_H
#define FEDGE_EDGE_MEDIA_H
/* A zone's policy of media encryption, held against an offer (RFC 3264): media pass us by, so what breaks the policy
 * can only be refused. Pure. */
#include "config/node.h"
#include "sip/message.h"

/* The first media line that breaks it, as text ("audio RTP/AVP"); absent where the request may pass. Lines with port 0
 * and what is no RTP do not count. RTP/AVP with a=crypto or a fingerprint may become either, so it breaks both. An
 * INVITE that begins a call without an offer breaks them too: what the answer then offers cannot be refused. */
struct span edge_media_breach(enum config_media_encryption policy, const struct sip_message *request);
#endif
