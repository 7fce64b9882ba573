/* SPDX-License-Identifier: Apache-2.0 */
/* The identities of a message that nobody will ask for details, in one walk over its lines. Anything out of the
 * ordinary (folds, commas, quoted names with escapes, a header twice) is left to the parser, so that both give the
 * same. */
#include "explain/event_private.h"
#include "sip/parameter.h"
#include "sip/scan.h"

struct light {
	struct explain_message *message;
	bool has_via, has_from, has_to, has_call_id, has_cseq;
};

/* Whether the line begins with the name (lower case) and a colon; *ret_value is what follows, without blanks. */
static inline bool is_header(struct span line, const char *name, size_t length, struct span *ret_value)
{
	if (line.length <= length || line.at[length] != ':' || !scan_equal_lower(line.at, name, length))
		return false;
	size_t start = length + 1;
	while (start < line.length && (line.at[start] == ' ' || line.at[start] == '\t'))
		start++;
	*ret_value = span_from(line, start);
	return true;
}
#define IS_HEADER(line, name, ret_value) is_header(line, name, sizeof(name) - 1, ret_value)

/* "x" of ";a=b;tag=x". False where blanks or quotes stand among the parameters that were passed over. */
static inline bool find_parameter(
	const char *at, const char *end, const char *name, size_t length, struct span *ret_value)
{
	*ret_value = SPAN_NONE;
	while (at < end && *at == ';' && !ret_value->at) {
		const char *begin = at + 1;
		at = scan_find(begin, end, end, ';', '"', ' ');
		if ((size_t)(at - begin) > length && begin[length] == '=' && scan_equal_lower(begin, name, length))
			*ret_value = span_make(begin + length + 1, (size_t)(at - begin) - length - 1);
	}
	return at == end || *at == ';';
}
#define FIND_PARAMETER(at, end, name, ret_value) find_parameter(at, end, name, sizeof(name) - 1, ret_value)

static bool read_via(struct light *l, struct span value)
{
	/* The top one is all that is asked for. */
	if (l->has_via)
		return true;
	l->has_via = true;
	const char *end = value.at + value.length, *at = scan_find(value.at, end, end, ';', ',', '"');
	return at < end && *at == ';' && scan_find(at, end, end, '"', ',', ' ') == end &&
	       FIND_PARAMETER(at, end, "branch", &l->message->branch) && l->message->branch.length > 0;
}

/* "DX70 Steven" <sip:2000@acano.steven.lab>;tag=9fea3e7d70afd884 */
static bool read_address(struct span value, bool *has, struct span *ret_uri, struct span *ret_tag)
{
	const char *at = value.at, *const end = at + value.length;
	if (*has)
		return false;
	*has = true;
	if (at < end && *at == '"') {
		at = scan_find(at + 1, end, end, '"', '\\', '"');
		if (at == end || *at == '\\')
			return false;
		at++;
	}
	at = scan_find(at, end, end, '<', '>', '"');
	if (at == end || *at != '<')
		return false;
	const char *close = scan_find(at + 1, end, end, '>', '"', ' ');
	if (close == end || *close != '>')
		return false;
	*ret_uri = span_make(at + 1, (size_t)(close - at) - 1);
	at = close + 1;
	return ret_uri->length > 0 && (at == end || *at == ';') && FIND_PARAMETER(at, end, "tag", ret_tag) &&
	       (!ret_tag->at || scan_find(ret_tag->at, end, end, ' ', '"', ' ') == end);
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
	struct span remote;
	const char *end = value.at + value.length, *at = scan_find(value.at, end, end, ';', ' ', ';');
	if (scan_find(at, end, end, ' ', ' ', ' ') != end)
		return false;
	l->message->local_session = span_make(value.at, (size_t)(at - value.at));
	if (!FIND_PARAMETER(at, end, "remote", &remote))
		return false;
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

/* The lines of a text: where their LF stand is looked for 64 bytes at a time. */
struct lines {
	const char *at; /* the next one */
	const char *end;
	const char *block; /* that is looked at next */
	uint64_t feeds; /* of the block before it, those not yet passed */
};
#define BLOCK 64

static inline const char *next_feed(struct lines *l)
{
	while (l->feeds == 0) {
		/* The last bytes fill no block. */
		if (l->end - l->block < BLOCK)
			return memchr(l->at, '\n', (size_t)(l->end - l->at));
		l->feeds = scan_block_for(l->block, '\n');
		l->block += BLOCK;
	}
	const char *feed = l->block - BLOCK + scan_lowest(l->feeds);
	l->feeds &= l->feeds - 1;
	return feed;
}

/* The next line without its CR LF; false where it does not end so. */
static inline bool next_line(struct lines *l, struct span *ret_line)
{
	const char *feed = next_feed(l);
	if (!feed || feed == l->at || feed[-1] != '\r')
		return false;
	*ret_line = span_make(l->at, (size_t)(feed - 1 - l->at));
	l->at = feed + 1;
	return true;
}

bool explain_light_read(struct span bytes, struct explain_message *message)
{
	struct light l = { .message = message };
	struct lines lines = { .at = bytes.at, .end = bytes.at + bytes.length, .block = bytes.at };
	struct span line;
	if (bytes.length == 0 || !next_line(&lines, &line) || !read_start(message, line))
		return false;
	while (next_line(&lines, &line)) {
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
