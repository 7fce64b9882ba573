/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_METHOD_H
#define FEDGE_SIP_METHOD_H
/* Methods: the ones we know by name, all others kept as text. Methods are compared with case
 * (RFC 3261 7.1). The table says what transactions and proxies must know of each. */
#include "base/span.h"

#define SIP_METHODS(X)                                                                                                 \
	X(INVITE)                                                                                                      \
	X(ACK)                                                                                                         \
	X(CANCEL)                                                                                                      \
	X(BYE)                                                                                                         \
	X(OPTIONS)                                                                                                     \
	X(REGISTER)                                                                                                    \
	X(PRACK) /* RFC 3262 */                                                                                        \
	X(UPDATE) /* RFC 3311 */                                                                                       \
	X(INFO) /* RFC 6086 */                                                                                         \
	X(MESSAGE) /* RFC 3428 */                                                                                      \
	X(SUBSCRIBE) /* RFC 6665 */                                                                                    \
	X(NOTIFY) /* RFC 6665 */                                                                                       \
	X(PUBLISH) /* RFC 3903 */                                                                                      \
	X(REFER) /* RFC 3515 */                                                                                        \
	X(SERVICE) /* [MS-CONFBAS] */                                                                                  \
	X(BENOTIFY) /* [MS-SIP]: a NOTIFY that is never answered */

enum sip_method {
	SIP_METHOD_OTHER,
#define SIP_METHOD_VALUE(name) SIP_METHOD_##name,
	SIP_METHODS(SIP_METHOD_VALUE)
#undef SIP_METHOD_VALUE
		SIP_METHOD_COUNT
};

/* SIP_METHOD_OTHER where the name is none of ours. */
enum sip_method sip_method_find(struct span name);
/* "INVITE"; "" for SIP_METHOD_OTHER. */
struct span sip_method_name(enum sip_method method);
/* ACK and BENOTIFY are never answered. */
bool sip_method_is_answered(enum sip_method method);
/* INVITE, SUBSCRIBE, REFER (and NOTIFY, RFC 6665 4.4.1): a 2xx makes a dialog. */
bool sip_method_makes_dialog(enum sip_method method);
#endif
