/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_SENDER_H
#define FEDGE_EDGE_SENDER_H
/* Who a request says that it is from: From and P-Asserted-Identity as facts for rule R1 (trust/judge.h). */
#include "sip/message.h"
#include "trust/judge.h"

/* Spans borrow from the message. False: P-Asserted-Identity names two domains, so nobody can be judged. */
bool edge_sender_read(const struct sip_message *m, struct trust_sender *ret_sender);
#endif
