/* SPDX-License-Identifier: Apache-2.0 */
/* Names that begin a line: of headers, and of the fields of a record. */
#include "base/require.h"
#include "trace/mend_private.h"

#define N(name)                                                                                                        \
	{                                                                                                              \
		name, sizeof(name) - 1                                                                                 \
	}

/* As they are usually spelled. RFC 3261 and its extensions, and what Cisco and Microsoft add. */
static const struct span headers[] = {
	N("Accept"),
	N("Accept-Contact"),
	N("Accept-Encoding"),
	N("Accept-Language"),
	N("Alert-Info"),
	N("Allow"),
	N("Allow-Events"),
	N("Authentication-Info"),
	N("Authorization"),
	N("Call-ID"),
	N("Call-Info"),
	N("Cisco-Guid"),
	N("Contact"),
	N("Content-Disposition"),
	N("Content-Encoding"),
	N("Content-Language"),
	N("Content-Length"),
	N("Content-Type"),
	N("CSeq"),
	N("Date"),
	N("Diversion"),
	N("Error-Info"),
	N("Event"),
	N("Expires"),
	N("From"),
	N("History-Info"),
	N("In-Reply-To"),
	N("Join"),
	N("Max-Forwards"),
	N("MIME-Version"),
	N("Min-Expires"),
	N("Min-SE"),
	N("Organization"),
	N("P-Access-Network-Info"),
	N("P-Asserted-Identity"),
	N("P-Asserted-Service"),
	N("P-Called-Party-ID"),
	N("P-Charging-Vector"),
	N("P-Preferred-Identity"),
	N("P-Preferred-Service"),
	N("Path"),
	N("Priority"),
	N("Privacy"),
	N("Proxy-Authenticate"),
	N("Proxy-Authentication-Info"),
	N("Proxy-Authorization"),
	N("Proxy-Require"),
	N("RAck"),
	N("RSeq"),
	N("Reason"),
	N("Record-Route"),
	N("Refer-To"),
	N("Referred-By"),
	N("Remote-Party-ID"),
	N("Replaces"),
	N("Reply-To"),
	N("Request-Disposition"),
	N("Require"),
	N("Retry-After"),
	N("Route"),
	N("SIP-ETag"),
	N("SIP-If-Match"),
	N("Server"),
	N("Service-Route"),
	N("Session-Expires"),
	N("Session-ID"),
	N("Subject"),
	N("Subscription-State"),
	N("Supported"),
	N("Timestamp"),
	N("To"),
	N("Unsupported"),
	N("User-Agent"),
	N("Via"),
	N("WWW-Authenticate"),
	N("Warning"),
	N("X-TAATag"),
	N("ms-application-via"),
	N("ms-asserted-verification-level"),
	N("ms-client-diagnostics"),
	N("Ms-Conversation-ID"),
	N("ms-diagnostics"),
	N("ms-diagnostics-public"),
	N("ms-edge-proxy-message-trust"),
	N("ms-endpoint-location-data"),
	N("ms-fe"),
	N("ms-identity"),
	N("ms-keep-alive"),
	N("ms-split-domain-info"),
	N("ms-user-data"),
	N("ms-user-logon-data"),
};
static const struct span fields[] = {
	N("LogType"),
	N("Severity"),
	N("Text"),
	N("Result-Code"),
	N("SIP-Start-Line"),
	N("SIP-Call-ID"),
	N("SIP-CSeq"),
	N("Peer"),
	N("Data"),
	N("Trace-Correlation-Id"),
	N("Instance-Id"),
	N("Direction"),
	N("Message-Type"),
	N("Start-Line"),
	N("Message-Body"),
	N("Local-IP"),
	N("Peer-IP"),
	N("Transport"),
};

bool mend_is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

size_t mend_token_length(struct span text)
{
	size_t length = 0;
	while (length < text.length && length < MEND_NAME_MAXIMUM && mend_is_token(text.at[length]))
		length++;
	return length;
}

size_t mend_name_token(struct span text, size_t *ret_whole)
{
	size_t length = mend_token_length(text), end = length;
	while (end < text.length && end < length + 4 && text.at[end] == ' ')
		end++;
	if (length == 0 || end >= text.length || text.at[end] != ':')
		return 0;
	*ret_whole = end + 1;
	return length;
}

static bool is_in(struct span name, const struct span *list, size_t count, bool exact)
{
	for (size_t i = 0; i < count; i++)
		if (name.length == list[i].length && (name.at[0] | 0x20) == (list[i].at[0] | 0x20) &&
			(exact ? span_equal(name, list[i]) : span_equal_nocase(name, list[i])))
			return true;
	return false;
}

bool mend_is_name(struct span name, unsigned int names, bool exact)
{
	if (name.length < 2)
		return false;
	/* Names of Microsoft's are spelled in many ways, and are like nothing else. */
	bool strict = exact && !span_starts_nocase(name, SPAN("ms-"));
	return ((names & MEND_HEADERS) && is_in(name, headers, BASE_COUNT(headers), strict)) ||
	       ((names & MEND_FIELDS) && is_in(name, fields, BASE_COUNT(fields), strict));
}

size_t mend_name(struct span text, unsigned int names, bool exact, size_t *ret_whole)
{
	size_t length = mend_name_token(text, ret_whole);
	return mend_is_name(span_first(text, length), names, exact) ? length : 0;
}

bool mend_line_is(struct span line, const char *name)
{
	size_t whole;
	return span_is_nocase(span_first(line, mend_name_token(line, &whole)), name);
}

bool mend_is_in_quotes(struct span before)
{
	bool odd = false;
	for (size_t i = 0; i < before.length; i++) {
		if (before.at[i] == '\\' && odd)
			i++;
		else if (before.at[i] == '"')
			odd = !odd;
	}
	return odd;
}

/* The colons of a line are few: from each of them back to its name. */
bool mend_holds_name(struct span line, size_t from, unsigned int names)
{
	size_t colon = from;
	for (; (colon += span_find(span_from(line, colon), ':')) < line.length; colon++) {
		size_t end = colon;
		if (colon + 1 < line.length && line.at[colon + 1] != ' ')
			continue;
		while (end > from && colon - end < 4 && line.at[end - 1] == ' ')
			end--;
		size_t begin = end;
		while (begin > from && end - begin < MEND_NAME_MAXIMUM && mend_is_token(line.at[begin - 1]))
			begin--;
		if (begin > from && line.at[begin - 1] == ' ' &&
			mend_is_name(span_first(span_from(line, begin), end - begin), names, true) &&
			!mend_is_in_quotes(span_first(line, begin)))
			return true;
	}
	return false;
}
