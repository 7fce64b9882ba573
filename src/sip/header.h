/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_HEADER_H
#define FEDGE_SIP_HEADER_H
/* Header names: an id for each one we know, its proper spelling, its compact form, and how its
 * lines are read. Unknown headers have SIP_HEADER_OTHER and keep their name as text. */
#include "base/span.h"

/* LIST: several values may stand in one line, divided by commas (RFC 3261 7.3.1). ONCE: one line
 * only. MANY: one value a line, many lines (RFC 3261 7.3.1: authentication headers are no lists). */
#define SIP_HEADERS(X)                                                                                                 \
	X(VIA, "Via", 'v', LIST)                                                                                       \
	X(FROM, "From", 'f', ONCE)                                                                                     \
	X(TO, "To", 't', ONCE)                                                                                         \
	X(CALL_ID, "Call-ID", 'i', ONCE)                                                                               \
	X(CSEQ, "CSeq", 0, ONCE)                                                                                       \
	X(CONTACT, "Contact", 'm', LIST)                                                                               \
	X(MAX_FORWARDS, "Max-Forwards", 0, ONCE)                                                                       \
	X(ROUTE, "Route", 0, LIST)                                                                                     \
	X(RECORD_ROUTE, "Record-Route", 0, LIST)                                                                       \
	X(CONTENT_LENGTH, "Content-Length", 'l', ONCE)                                                                 \
	X(CONTENT_TYPE, "Content-Type", 'c', ONCE)                                                                     \
	X(ACCEPT, "Accept", 0, LIST)                                                                                   \
	X(ACCEPT_CONTACT, "Accept-Contact", 'a', LIST)                                                                 \
	X(ACCEPT_ENCODING, "Accept-Encoding", 0, LIST)                                                                 \
	X(ACCEPT_LANGUAGE, "Accept-Language", 0, LIST)                                                                 \
	X(ALERT_INFO, "Alert-Info", 0, LIST)                                                                           \
	X(ALLOW, "Allow", 0, LIST)                                                                                     \
	X(ALLOW_EVENTS, "Allow-Events", 'u', LIST)                                                                     \
	X(AUTHENTICATION_INFO, "Authentication-Info", 0, MANY)                                                         \
	X(AUTHORIZATION, "Authorization", 0, MANY)                                                                     \
	X(CALL_INFO, "Call-Info", 0, LIST)                                                                             \
	X(CONTENT_DISPOSITION, "Content-Disposition", 0, ONCE)                                                         \
	X(CONTENT_ENCODING, "Content-Encoding", 'e', LIST)                                                             \
	X(CONTENT_LANGUAGE, "Content-Language", 0, LIST)                                                               \
	X(DATE, "Date", 0, ONCE)                                                                                       \
	X(DIVERSION, "Diversion", 0, LIST)                                                                             \
	X(ERROR_INFO, "Error-Info", 0, LIST)                                                                           \
	X(EVENT, "Event", 'o', ONCE)                                                                                   \
	X(EXPIRES, "Expires", 0, ONCE)                                                                                 \
	X(FLOW_TIMER, "Flow-Timer", 0, ONCE)                                                                           \
	X(HISTORY_INFO, "History-Info", 0, LIST)                                                                       \
	X(IDENTITY, "Identity", 'y', MANY)                                                                             \
	X(IN_REPLY_TO, "In-Reply-To", 0, LIST)                                                                         \
	X(JOIN, "Join", 0, ONCE)                                                                                       \
	X(MIME_VERSION, "MIME-Version", 0, ONCE)                                                                       \
	X(MIN_EXPIRES, "Min-Expires", 0, ONCE)                                                                         \
	X(MIN_SE, "Min-SE", 0, ONCE)                                                                                   \
	X(MS_CLIENT_DIAGNOSTICS, "ms-client-diagnostics", 0, MANY)                                                     \
	X(MS_CONVERSATION_ID, "Ms-Conversation-ID", 0, ONCE)                                                           \
	X(MS_DIAGNOSTICS, "ms-diagnostics", 0, MANY)                                                                   \
	X(MS_DIAGNOSTICS_PUBLIC, "ms-diagnostics-public", 0, MANY)                                                     \
	X(MS_KEEP_ALIVE, "ms-keep-alive", 0, ONCE)                                                                     \
	X(ORGANIZATION, "Organization", 0, ONCE)                                                                       \
	X(P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0, LIST)                                                         \
	X(P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0, LIST)                                                       \
	X(PATH, "Path", 0, LIST)                                                                                       \
	X(PRIORITY, "Priority", 0, ONCE)                                                                               \
	X(PRIVACY, "Privacy", 0, MANY)                                                                                 \
	X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 0, MANY)                                                           \
	X(PROXY_AUTHENTICATION_INFO, "Proxy-Authentication-Info", 0, MANY)                                             \
	X(PROXY_AUTHORIZATION, "Proxy-Authorization", 0, MANY)                                                         \
	X(PROXY_REQUIRE, "Proxy-Require", 0, LIST)                                                                     \
	X(RACK, "RAck", 0, ONCE)                                                                                       \
	X(REASON, "Reason", 0, LIST)                                                                                   \
	X(REFER_TO, "Refer-To", 'r', ONCE)                                                                             \
	X(REFERRED_BY, "Referred-By", 'b', ONCE)                                                                       \
	X(REJECT_CONTACT, "Reject-Contact", 'j', LIST)                                                                 \
	X(REMOTE_PARTY_ID, "Remote-Party-ID", 0, LIST)                                                                 \
	X(REPLACES, "Replaces", 0, ONCE)                                                                               \
	X(REPLY_TO, "Reply-To", 0, ONCE)                                                                               \
	X(REQUEST_DISPOSITION, "Request-Disposition", 'd', LIST)                                                       \
	X(REQUIRE, "Require", 0, LIST)                                                                                 \
	X(RETRY_AFTER, "Retry-After", 0, ONCE)                                                                         \
	X(RSEQ, "RSeq", 0, ONCE)                                                                                       \
	X(SERVER, "Server", 0, ONCE)                                                                                   \
	X(SERVICE_ROUTE, "Service-Route", 0, LIST)                                                                     \
	X(SESSION_EXPIRES, "Session-Expires", 'x', ONCE)                                                               \
	X(SESSION_ID, "Session-ID", 0, ONCE)                                                                           \
	X(SIP_ETAG, "SIP-ETag", 0, ONCE)                                                                               \
	X(SIP_IF_MATCH, "SIP-If-Match", 0, ONCE)                                                                       \
	X(SUBJECT, "Subject", 's', ONCE)                                                                               \
	X(SUBSCRIPTION_STATE, "Subscription-State", 0, ONCE)                                                           \
	X(SUPPORTED, "Supported", 'k', LIST)                                                                           \
	X(TIMESTAMP, "Timestamp", 0, ONCE)                                                                             \
	X(UNSUPPORTED, "Unsupported", 0, LIST)                                                                         \
	X(USER_AGENT, "User-Agent", 0, ONCE)                                                                           \
	X(USER_TO_USER, "User-to-User", 0, MANY)                                                                       \
	X(WARNING, "Warning", 0, LIST)                                                                                 \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 0, MANY)

enum sip_header_id {
	SIP_HEADER_OTHER,
#define SIP_HEADER_VALUE(id, name, compact, shape) SIP_HEADER_##id,
	SIP_HEADERS(SIP_HEADER_VALUE)
#undef SIP_HEADER_VALUE
		SIP_HEADER_COUNT
};

enum sip_header_shape { SIP_SHAPE_ONCE, SIP_SHAPE_LIST, SIP_SHAPE_MANY };

/* Without case; compact forms are understood. SIP_HEADER_OTHER where it is none of ours. */
enum sip_header_id sip_header_find(struct span name);
/* The proper spelling; "" for SIP_HEADER_OTHER. */
struct span sip_header_name(enum sip_header_id id);
/* SIP_HEADER_OTHER has SIP_SHAPE_MANY: its commas mean nothing to us. */
enum sip_header_shape sip_header_shape(enum sip_header_id id);
#endif
