/* SPDX-License-Identifier: Apache-2.0 */
/* Reason phrases, as the IANA registry of SIP response codes has them; "Server time-out" is RFC 3261 21.5.5's spelling.
 */
#include "sip/draft.h"

struct phrase {
	uint16_t status;
	struct span text;
};
#define PHRASE(status, text)                                                                                           \
	{                                                                                                              \
		status,                                                                                                \
		{                                                                                                      \
			text, sizeof(text) - 1                                                                         \
		}                                                                                                      \
	}

static const struct phrase phrases[] = {
	PHRASE(100, "Trying"),
	PHRASE(180, "Ringing"),
	PHRASE(181, "Call Is Being Forwarded"),
	PHRASE(182, "Queued"),
	PHRASE(183, "Session Progress"),
	PHRASE(199, "Early Dialog Terminated"),
	PHRASE(200, "OK"),
	PHRASE(202, "Accepted"),
	PHRASE(204, "No Notification"),
	PHRASE(300, "Multiple Choices"),
	PHRASE(301, "Moved Permanently"),
	PHRASE(302, "Moved Temporarily"),
	PHRASE(305, "Use Proxy"),
	PHRASE(380, "Alternative Service"),
	PHRASE(400, "Bad Request"),
	PHRASE(401, "Unauthorized"),
	PHRASE(402, "Payment Required"),
	PHRASE(403, "Forbidden"),
	PHRASE(404, "Not Found"),
	PHRASE(405, "Method Not Allowed"),
	PHRASE(406, "Not Acceptable"),
	PHRASE(407, "Proxy Authentication Required"),
	PHRASE(408, "Request Timeout"),
	PHRASE(410, "Gone"),
	PHRASE(412, "Conditional Request Failed"),
	PHRASE(413, "Request Entity Too Large"),
	PHRASE(414, "Request-URI Too Long"),
	PHRASE(415, "Unsupported Media Type"),
	PHRASE(416, "Unsupported URI Scheme"),
	PHRASE(417, "Unknown Resource-Priority"),
	PHRASE(420, "Bad Extension"),
	PHRASE(421, "Extension Required"),
	PHRASE(422, "Session Interval Too Small"),
	PHRASE(423, "Interval Too Brief"),
	PHRASE(424, "Bad Location Information"),
	PHRASE(428, "Use Identity Header"),
	PHRASE(429, "Provide Referrer Identity"),
	PHRASE(430, "Flow Failed"),
	PHRASE(433, "Anonymity Disallowed"),
	PHRASE(436, "Bad Identity Info"),
	PHRASE(437, "Unsupported Credential"),
	PHRASE(438, "Invalid Identity Header"),
	PHRASE(439, "First Hop Lacks Outbound Support"),
	PHRASE(440, "Max-Breadth Exceeded"),
	PHRASE(469, "Bad Info Package"),
	PHRASE(470, "Consent Needed"),
	PHRASE(480, "Temporarily Unavailable"),
	PHRASE(481, "Call/Transaction Does Not Exist"),
	PHRASE(482, "Loop Detected"),
	PHRASE(483, "Too Many Hops"),
	PHRASE(484, "Address Incomplete"),
	PHRASE(485, "Ambiguous"),
	PHRASE(486, "Busy Here"),
	PHRASE(487, "Request Terminated"),
	PHRASE(488, "Not Acceptable Here"),
	PHRASE(489, "Bad Event"),
	PHRASE(491, "Request Pending"),
	PHRASE(493, "Undecipherable"),
	PHRASE(494, "Security Agreement Required"),
	PHRASE(500, "Server Internal Error"),
	PHRASE(501, "Not Implemented"),
	PHRASE(502, "Bad Gateway"),
	PHRASE(503, "Service Unavailable"),
	PHRASE(504, "Server Time-out"),
	PHRASE(505, "Version Not Supported"),
	PHRASE(513, "Message Too Large"),
	PHRASE(580, "Precondition Failure"),
	PHRASE(600, "Busy Everywhere"),
	PHRASE(603, "Decline"),
	PHRASE(604, "Does Not Exist Anywhere"),
	PHRASE(606, "Not Acceptable"),
	PHRASE(607, "Unwanted"),
	PHRASE(608, "Rejected"),
};

static const struct span classes[] = { { "Session Progress", 16 }, { "OK", 2 }, { "Moved", 5 },
	{ "Request Failure", 15 }, { "Server Failure", 14 }, { "Global Failure", 14 } };

struct span sip_status_phrase(uint16_t status)
{
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].text;
	}
	return status >= 100 && status < 700 ? classes[status / 100 - 1] : SPAN("Unknown");
}
