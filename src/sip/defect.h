/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_DEFECT_H
#define FEDGE_SIP_DEFECT_H
/* What is wrong with bytes that somebody sent: a rule and where it was broken. Every reader of
 * this folder gives -EBADMSG with a defect; sip_message_parse also gives -EPROTO, see there. */
#include <stddef.h>

#define SIP_RULES(X)                                                                                                   \
	X(NONE, "no defect")                                                                                           \
	X(TOO_LARGE, "the message is larger than the maximum")                                                         \
	X(HEAD_TOO_LARGE, "the start line and headers are larger than the maximum")                                    \
	X(GARBAGE, "the bytes do not begin a SIP message")                                                             \
	X(START_LINE, "the first line is neither a request line nor a status line")                                    \
	X(VERSION, "the version is not SIP/2.0")                                                                       \
	X(METHOD, "the method is not a token")                                                                         \
	X(REQUEST_URI, "the Request-URI is malformed")                                                                 \
	X(STATUS, "the status code is not a number from 100 to 699")                                                   \
	X(LINE_END, "a line does not end with CR LF")                                                                  \
	X(HEAD_END, "the headers do not end with an empty line")                                                       \
	X(HEADER_NAME, "a header line has no name before a colon")                                                     \
	X(HEADER_COUNT, "there are more header lines than the maximum")                                                \
	X(CONTROL_BYTE, "a header holds a byte that may not stand in one")                                             \
	X(DUPLICATE, "a header that may stand only once is repeated")                                                  \
	X(VIA_MISSING, "there is no Via")                                                                              \
	X(VIA, "the top Via is malformed")                                                                             \
	X(FROM_MISSING, "there is no From")                                                                            \
	X(FROM, "the From is malformed")                                                                               \
	X(TO_MISSING, "there is no To")                                                                                \
	X(TO, "the To is malformed")                                                                                   \
	X(CALL_ID_MISSING, "there is no Call-ID")                                                                      \
	X(CALL_ID, "the Call-ID is malformed")                                                                         \
	X(CSEQ_MISSING, "there is no CSeq")                                                                            \
	X(CSEQ, "the CSeq is not a number below 2^31 and a method")                                                    \
	X(CSEQ_METHOD, "the CSeq names another method than the request line")                                          \
	X(MAX_FORWARDS, "the Max-Forwards is not a number from 0 to 255")                                              \
	X(LENGTH, "the Content-Length is not a number")                                                                \
	X(LENGTH_MISSING, "there is no Content-Length on a stream")                                                    \
	X(LENGTH_CONFLICT, "two Content-Length headers disagree")                                                      \
	X(BODY_SHORT, "the body is shorter than its Content-Length")                                                   \
	X(URI, "the URI is malformed")                                                                                 \
	X(URI_SCHEME, "the URI has no scheme")                                                                         \
	X(URI_HOST, "the host is malformed")                                                                           \
	X(URI_PORT, "the port is not a number from 0 to 65535")                                                        \
	X(URI_ESCAPE, "a percent sign is not followed by two hexadecimal digits")                                      \
	X(ADDRESS, "the address is neither a URI nor a name with a URI in angle brackets")                             \
	X(PARAMETER, "a parameter is malformed")                                                                       \
	X(QUOTE, "a quoted string does not end")                                                                       \
	X(MULTIPART, "the multipart body is malformed")                                                                \
	X(SDP, "the session description is malformed")                                                                 \
	X(SDP_LIMIT, "the session description has more media than the maximum")                                        \
	X(DIGEST, "the authentication header is malformed")                                                            \
	X(DIAGNOSTICS, "the diagnostics header is malformed")

enum sip_rule {
#define SIP_RULE_VALUE(name, text) SIP_RULE_##name,
	SIP_RULES(SIP_RULE_VALUE)
#undef SIP_RULE_VALUE
		SIP_RULE_COUNT
};

struct sip_defect {
	enum sip_rule rule;
	size_t offset; /* from the first byte that was given to the reader */
};

/* The sentence of the table above, without a full stop. */
const char *sip_rule_text(enum sip_rule rule);
#endif
