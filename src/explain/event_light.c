/* SPDX-License-Identifier: Apache-2.0 */
/* The identities of a message that nobody will ask for details, in one walk over its lines. Anything out of the
 * ordinary (folds, commas, quoted names with escapes, a header twice) is left to the parser, so that both give the
 * same. */
#include "explain/event_private.h"
#include "sip/parameter.h"

#include <strings.h>

struct light {
	struct explain_message *message;
	bool has_via, has_from, has_to, has_call_id, has_cseq;
};

/* Whether the line begins with the name (lower case) and a colon; *ret_value is what follows, without blanks. */
static inline bool is_header(struct span line, const char *name, size_t length, struct span *ret_value)
{
	if (line.length <= length || line.at[length] != ':')
		return false;
	for (size_t i = 0; i < length; i++)
		if ((line.at[i] | 0x20) != name[i])
			return false;
	size_t start = length + 1;
	while (start < line.length && (line.at[start] == ' ' || line.at[start] == '\t'))
		start++;
	*ret_value = span_from(line, start);
	return true;
}
#define IS_HEADER(line, name, ret_value) is_header(line, name, sizeof(name) - 1, ret_value)

/* ";tag=x" of ";a=b;tag=x": parameters without quotes and blanks. Absent where there is none. */
static struct span find_parameter(struct span parameters, const char *name, size_t length)
{
	while (parameters.length > length + 1) {
		const char *at = parameters.at + 1;
		const char *next = memchr(at, ';', parameters.length - 1);
		size_t whole = next ? (size_t)(next - at) : parameters.length - 1;
		if (whole > length && at[length] == '=' && (at[0] | 0x20) == name[0] &&
			strncasecmp(at, name, length) == 0)
			return span_make(at + length + 1, whole - length - 1);
		parameters = span_from(parameters, whole + 1);
	}
	return SPAN_NONE;
}

static bool read_via(struct light *l, struct span value)
{
	/* The top one is all that is asked for. */
	if (l->has_via)
		return true;
	l->has_via = true;
	if (span_find(value, ',') < value.length || span_find(value, '"') < value.length)
		return false;
	struct span parameters = span_from(value, span_find(value, ';'));
	l->message->branch = find_parameter(parameters, "branch", 6);
	return l->message->branch.length > 0 && !memchr(parameters.at, ' ', parameters.length);
}

/* "DX70 Steven" <sip:2000@acano.steven.lab>;tag=9fea3e7d70afd884 */
static bool read_address(struct span value, bool *has, struct span *ret_uri, struct span *ret_tag)
{
	if (*has)
		return false;
	*has = true;
	if (value.length > 0 && value.at[0] == '"') {
		size_t close = span_find(span_from(value, 1), '"') + 1;
		if (memchr(value.at, '\\', close))
			return false;
		value = span_from(value, close + 1);
	}
	size_t open = span_find(value, '<'), close = span_find(value, '>');
	struct span parameters = span_from(value, close + 1);
	if (open >= close || close == value.length || memchr(value.at, '"', value.length) ||
		(parameters.length > 0 && (parameters.at[0] != ';' || memchr(parameters.at, ' ', parameters.length))))
		return false;
	*ret_uri = span_make(value.at + open + 1, close - open - 1);
	*ret_tag = find_parameter(parameters, "tag", 3);
	return ret_uri->length > 0 && !memchr(ret_uri->at, ' ', ret_uri->length);
}

static bool read_call_id(struct light *l, struct span value)
{
	bool first = !l->has_call_id;
	l->has_call_id = true;
	l->message->call_id = value;
	return first && value.length > 0 && !memchr(value.at, ' ', value.length);
}

static bool read_cseq(struct light *l, struct span value)
{
	uint64_t number;
	size_t blank = span_find(value, ' ');
	if (l->has_cseq || span_to_u64(span_first(value, blank), INT32_MAX, &number) != 0)
		return false;
	l->has_cseq = true;
	l->message->cseq = (uint32_t)number;
	struct span method = span_trim(span_from(value, blank));
	if (!sip_is_token(method))
		return false;
	if (l->message->is_request)
		return span_equal(method, l->message->method_name);
	l->message->method = sip_method_find(method);
	l->message->method_name = l->message->method ? sip_method_name(l->message->method) : method;
	return true;
}

static bool read_session(struct light *l, struct span value)
{
	size_t end = span_find(value, ';');
	if (memchr(value.at, ' ', value.length))
		return false;
	l->message->local_session = span_first(value, end);
	struct span remote = find_parameter(span_from(value, end), "remote", 6);
	if (remote.at)
		l->message->remote_session = remote;
	return true;
}

/* False: the parser must look. */
static bool read_header(struct light *l, struct span line)
{
	struct explain_message *m = l->message;
	struct span value;
	switch (line.at[0] | 0x20) {
	case 'v':
		return !(IS_HEADER(line, "via", &value) || IS_HEADER(line, "v", &value)) || read_via(l, value);
	case 'f':
		return !(IS_HEADER(line, "from", &value) || IS_HEADER(line, "f", &value)) ||
		       read_address(value, &l->has_from, &m->from_uri, &m->from_tag);
	case 't':
		return !(IS_HEADER(line, "to", &value) || IS_HEADER(line, "t", &value)) ||
		       read_address(value, &l->has_to, &m->to_uri, &m->to_tag);
	case 'i':
		return !IS_HEADER(line, "i", &value) || read_call_id(l, value);
	case 'c':
		if (IS_HEADER(line, "call-id", &value))
			return read_call_id(l, value);
		return !IS_HEADER(line, "cseq", &value) || read_cseq(l, value);
	case 's':
		return !IS_HEADER(line, "session-id", &value) || read_session(l, value);
	case 'r':
		return !m->is_request || !IS_HEADER(line, "reason", &value);
	case 'm':
		return !m->is_request || !span_starts_nocase(line, SPAN("ms-"));
	default:
		/* A fold, or what is no header. */
		return ((unsigned char)line.at[0] | 0x20) >= 'a';
	}
}

/* Only what never has details: 1xx and 2xx, ACK, BYE, CANCEL. */
static bool read_start(struct explain_message *m, struct span line)
{
	static const struct span requests[] = { SPAN("ACK "), SPAN("BYE "), SPAN("CANCEL ") };
	static const enum sip_method methods[] = { SIP_METHOD_ACK, SIP_METHOD_BYE, SIP_METHOD_CANCEL };
	if (line.length >= 12 && memcmp(line.at, "SIP/2.0 ", 8) == 0) {
		uint64_t status;
		if (span_to_u64(span_make(line.at + 8, 3), 299, &status) != 0 || status < 100 || line.at[11] != ' ')
			return false;
		m->status = (uint16_t)status;
		m->reason = span_from(line, 12);
		return true;
	}
	for (size_t i = 0; i < 3; i++) {
		size_t length = requests[i].length;
		if (line.length <= length + 8 || memcmp(line.at, requests[i].at, length) != 0)
			continue;
		m->is_request = true;
		m->method = methods[i];
		m->method_name = sip_method_name(methods[i]);
		m->request_uri = span_make(line.at + length, line.length - length - 8);
		return memcmp(line.at + line.length - 8, " SIP/2.0", 8) == 0 &&
		       !memchr(m->request_uri.at, ' ', m->request_uri.length);
	}
	return false;
}

/* The next line without its CR LF; false where it does not end so. */
static inline bool next_line(struct span *rest, struct span *ret_line)
{
	const char *end = rest->length > 0 ? memchr(rest->at, '\n', rest->length) : NULL;
	if (!end || end == rest->at || end[-1] != '\r')
		return false;
	*ret_line = span_make(rest->at, (size_t)(end - 1 - rest->at));
	*rest = span_from(*rest, (size_t)(end + 1 - rest->at));
	return true;
}

bool explain_light_read(struct span bytes, struct explain_message *message)
{
	struct light l = { .message = message };
	struct span rest = bytes, line;
	if (!next_line(&rest, &line) || !read_start(message, line))
		return false;
	while (next_line(&rest, &line)) {
		if (line.length == 0)
			return l.has_via && l.has_from && l.has_to && l.has_call_id && l.has_cseq &&
			       (!message->is_request || message->method != SIP_METHOD_BYE ||
				       message->to_tag.length > 0);
		while (line.length > 0 && (line.at[line.length - 1] == ' ' || line.at[line.length - 1] == '\t'))
			line.length--;
		if (line.length == 0 || !read_header(&l, line))
			return false;
	}
	return false;
}
