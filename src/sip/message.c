/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/message.h"

#include "sip/fail.h"
#include "sip/header_private.h"
#include "sip/multipart.h"
#include "sip/parameter.h"
#include "sip/scan.h"

/* The message being read: where its lines end, and the first defect that was found. */
struct reader {
	struct sip_message *m;
	const char *start;
	const char *end;
	size_t base; /* of the block whose LFs are in lf */
	uint64_t lf; /* those not yet passed */
	uint64_t after_cr; /* 1: the last byte of the block before was a CR */
	size_t line_end_defect; /* first offsets, SIZE_MAX where there is none */
	size_t control_defect;
	struct sip_defect defect;
};

static void tell(struct reader *r, enum sip_rule rule, const char *at)
{
	if (r->defect.rule == SIP_RULE_NONE)
		r->defect = (struct sip_defect){ rule, (size_t)(at - r->start) };
}

/* ---- lines ---- */

/* A control byte may stand after a backslash (RFC 3261 25.1: quoted-pair), nowhere else. */
static void find_control(struct reader *r, uint64_t control)
{
	for (; control; control &= control - 1) {
		size_t offset = r->base + (size_t)__builtin_ctzll(control);
		if (offset == 0 || r->start[offset - 1] != '\\') {
			r->control_defect = offset;
			return;
		}
	}
}

static void load_block(struct reader *r)
{
	size_t rest = (size_t)(r->end - r->start) - r->base;
	struct scan_lines lines = rest >= 64 ? scan_block(r->start + r->base) : scan_rest(r->start + r->base, rest);
	uint64_t wrong = ((lines.cr << 1) | r->after_cr) ^ lines.lf;
	r->after_cr = lines.cr >> 63;
	r->lf = lines.lf;
	if (__builtin_expect(wrong != 0, 0) && r->line_end_defect == SIZE_MAX)
		r->line_end_defect = r->base + (size_t)__builtin_ctzll(wrong);
	if (__builtin_expect(lines.control != 0, 0) && r->control_defect == SIZE_MAX)
		find_control(r, lines.control);
}

/* The next LF, or NULL. */
static inline const char *next_lf(struct reader *r)
{
	while (r->lf == 0) {
		if (r->start + r->base + 64 >= r->end)
			return NULL;
		r->base += 64;
		load_block(r);
	}
	const char *at = r->start + r->base + __builtin_ctzll(r->lf);
	r->lf &= r->lf - 1;
	return at;
}

static inline const char *without_cr(const char *line, const char *lf)
{
	return lf > line && lf[-1] == '\r' ? lf - 1 : lf;
}

/* ---- the start line ---- */

/* "SIP/2.0" without case. Some byte follows the seven, so eight can be read. */
static bool is_version(const char *at, const char *end)
{
	return end - at == 7 && (scan_load8(at) & UINT64_C(0x00ffffffffdfdfdf)) == UINT64_C(0x00302e322f504953);
}

/* SIP/2.0 504 Server time-out */
static bool read_status_line(struct reader *r, const char *at, const char *end)
{
	struct sip_message *m = r->m;
	const char *digits = at + 8;
	m->is_request = false;
	m->request_uri = SPAN_NONE;
	if (end - digits < 3 || (end - digits > 3 && digits[3] != ' '))
		return false;
	unsigned status = 0;
	for (unsigned i = 0; i < 3; i++) {
		if (!sip_class_is(digits[i], SIP_CLASS_DIGIT))
			return false;
		status = status * 10 + (unsigned)(digits[i] - '0');
	}
	m->status = (uint16_t)status;
	const char *reason = end - digits > 3 ? digits + 4 : end;
	m->reason = span_make(reason, (size_t)(end - reason));
	if (status < 100 || status > 699)
		tell(r, SIP_RULE_STATUS, digits);
	return true;
}

static void read_request_uri(struct reader *r, const char *at, const char *end)
{
	struct sip_defect defect;
	r->m->request_uri = span_make(at, (size_t)(end - at));
	if (sip_uri_parse(r->m->request_uri, &r->m->uri, &defect) < 0) {
		memset(&r->m->uri, 0, sizeof(r->m->uri));
		tell(r, SIP_RULE_REQUEST_URI, at + defect.offset);
	}
}

/* INVITE sip:bob@example.org SIP/2.0, with single blanks (RFC 3261 7.1). */
static bool read_request_line(struct reader *r, const char *at, const char *end)
{
	struct sip_message *m = r->m;
	const char *method_end = scan_while(at, end, SIP_CLASS_TOKEN);
	const char *version = end;
	while (version > method_end && version[-1] != ' ')
		version--;
	if (method_end == at || version - method_end < 2 || end - version < 5 ||
		scan_lower8(version, 4, end) != 0x2f706973 /* sip/ */)
		return false;
	m->is_request = true;
	m->status = 0;
	m->reason = SPAN_NONE;
	m->method_name = span_make(at, (size_t)(method_end - at));
	m->method = sip_method_find(m->method_name);
	if (*method_end != ' ')
		tell(r, SIP_RULE_METHOD, method_end);
	if (!is_version(version, end))
		tell(r, SIP_RULE_VERSION, version);
	read_request_uri(r, method_end + 1, version - 1);
	return true;
}

static bool read_start_line(struct reader *r, const char *at, const char *end)
{
	r->m->start_line = span_make(at, (size_t)(end - at));
	/* Version and a blank: in a request the first blank follows the method, which has no slash. */
	if (end - at > 8 && at[7] == ' ' && is_version(at, at + 7))
		return read_status_line(r, at, end);
	return read_request_line(r, at, end);
}

/* ---- headers ---- */

#define ONCE_MASK                                                                                                      \
	((1u << SIP_HEADER_FROM) | (1u << SIP_HEADER_TO) | (1u << SIP_HEADER_CALL_ID) | (1u << SIP_HEADER_CSEQ) |      \
		(1u << SIP_HEADER_MAX_FORWARDS) | (1u << SIP_HEADER_CONTENT_LENGTH) | (1u << SIP_HEADER_CONTENT_TYPE))

static void tell_repeated(struct reader *r, const struct sip_header *header)
{
	const struct sip_header *before = &r->m->headers[r->m->first[header->id] - 1];
	if (header->id != SIP_HEADER_CONTENT_LENGTH)
		tell(r, SIP_RULE_DUPLICATE, header->name.at);
	else if (!span_equal(before->value, header->value))
		tell(r, SIP_RULE_LENGTH_CONFLICT, header->name.at);
}

/* One header: its line [at, end) without the last line end; next is where the following line begins. */
static void read_header(struct reader *r, const char *at, const char *end, const char *next)
{
	struct sip_message *m = r->m;
	const char *colon = scan_find(at, end, ':', ':', ':');
	const char *name_end = scan_back_blanks(at, colon);
	if (colon == end || name_end == at || sip_class_is(*at, SIP_CLASS_BLANK)) {
		tell(r, SIP_RULE_HEADER_NAME, at);
		return;
	}
	if (m->header_count == SIP_MESSAGE_HEADERS_MAXIMUM) {
		tell(r, SIP_RULE_HEADER_COUNT, at);
		return;
	}
	const char *value = colon + 1 < end && colon[1] == ' ' && end - colon > 2 && (unsigned char)colon[2] > ' '
				    ? colon + 2
				    : scan_blanks(colon + 1, end);
	const char *value_end = scan_back_blanks(value, end);
	struct sip_header *header = &m->headers[m->header_count];
	header->name = span_make(at, (size_t)(name_end - at));
	header->value = span_make(value, (size_t)(value_end - value));
	header->id = sip_header_identify(at, (size_t)(name_end - at), r->end);
	header->line_length = (uint32_t)(next - at);
	m->header_count++;
	if (header->id == SIP_HEADER_OTHER) {
		if (!sip_is_token(header->name))
			tell(r, SIP_RULE_HEADER_NAME, at);
	} else if (m->first[header->id] == 0) {
		m->first[header->id] = (uint8_t)m->header_count;
	} else if (header->id <= SIP_HEADER_CONTENT_TYPE && (ONCE_MASK >> header->id & 1)) {
		tell_repeated(r, header);
	}
}

/* All header lines from at on. Gives where the body begins. */
static const char *read_headers(struct reader *r, const char *at)
{
	for (const char *lf = next_lf(r); lf; lf = next_lf(r)) {
		const char *end = without_cr(at, lf);
		if (end == at)
			return lf + 1;
		/* RFC 3261 7.3.1: a line that begins with a blank goes on with the one before. */
		while (lf + 1 < r->end && (lf[1] == ' ' || lf[1] == '\t')) {
			const char *more = next_lf(r);
			if (!more) {
				tell(r, SIP_RULE_HEAD_END, r->end);
				return r->end;
			}
			lf = more;
			end = without_cr(at, lf);
		}
		read_header(r, at, end, lf + 1);
		at = lf + 1;
	}
	tell(r, SIP_RULE_HEAD_END, r->end);
	return r->end;
}

/* ---- what every message must have ---- */

static const struct sip_header *find_or_tell(struct reader *r, enum sip_header_id id, enum sip_rule missing)
{
	const struct sip_header *header = sip_message_find(r->m, id);
	if (!header)
		tell(r, missing, r->m->head.at + r->m->head.length);
	return header;
}

static bool read_via(struct reader *r)
{
	const struct sip_header *header = find_or_tell(r, SIP_HEADER_VIA, SIP_RULE_VIA_MISSING);
	struct sip_defect defect = { SIP_RULE_VIA, 0 };
	if (!header)
		return false;
	struct span rest = header->value, value;
	if (sip_list_next(&rest, &value) && sip_via_parse(value, &r->m->via, &defect) == 0)
		return true;
	tell(r, SIP_RULE_VIA, header->value.at + defect.offset);
	return false;
}

static void read_address(struct reader *r, enum sip_header_id id, enum sip_rule missing, struct sip_address *ret)
{
	const struct sip_header *header = find_or_tell(r, id, missing);
	struct sip_defect defect;
	if (header && sip_address_parse(header->value, ret, &defect) == 0 && !ret->is_wildcard)
		return;
	memset(ret, 0, sizeof(*ret));
	if (header)
		tell(r, (enum sip_rule)(missing + 1), header->value.at + defect.offset);
}

static void read_call_id(struct reader *r)
{
	const struct sip_header *header = find_or_tell(r, SIP_HEADER_CALL_ID, SIP_RULE_CALL_ID_MISSING);
	r->m->call_id = SPAN_NONE;
	if (!header)
		return;
	const char *at = header->value.at, *end = at + header->value.length;
	const char *stop = scan_while(at, end, SIP_CLASS_WORD);
	r->m->call_id = header->value;
	if (stop != end || at == end)
		tell(r, SIP_RULE_CALL_ID, stop);
}

static const char *read_number(const char *at, const char *end, uint64_t maximum, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *start = at;
	for (; at < end && sip_class_is(*at, SIP_CLASS_DIGIT) && number <= maximum; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	*ret_number = number;
	return at == start || number > maximum ? NULL : at;
}

/* 314159 INVITE */
static void read_cseq(struct reader *r)
{
	struct sip_message *m = r->m;
	const struct sip_header *header = find_or_tell(r, SIP_HEADER_CSEQ, SIP_RULE_CSEQ_MISSING);
	uint64_t number = 0;
	m->cseq = 0;
	m->cseq_method = SPAN_NONE;
	if (!m->is_request) {
		m->method = SIP_METHOD_OTHER;
		m->method_name = SPAN_NONE;
	}
	if (!header)
		return;
	const char *at = header->value.at, *end = at + header->value.length;
	const char *stop = read_number(at, end, INT32_MAX, &number);
	const char *method = stop ? scan_blanks(stop, end) : at;
	if (!stop || method == stop || scan_while(method, end, SIP_CLASS_TOKEN) != end) {
		tell(r, SIP_RULE_CSEQ, at);
		return;
	}
	m->cseq = (uint32_t)number;
	m->cseq_method = span_make(method, (size_t)(end - method));
	if (m->is_request) {
		if (!span_equal(m->cseq_method, m->method_name))
			tell(r, SIP_RULE_CSEQ_METHOD, method);
		return;
	}
	m->method_name = m->cseq_method;
	m->method = sip_method_find(m->method_name);
}

/* A header that is nothing but a number: -1 where it is absent or broken. */
static int64_t read_plain_number(struct reader *r, enum sip_header_id id, uint64_t maximum, enum sip_rule rule)
{
	const struct sip_header *header = sip_message_find(r->m, id);
	uint64_t number;
	if (!header)
		return -1;
	const char *at = header->value.at, *end = at + header->value.length;
	if (read_number(at, end, maximum, &number) == end)
		return (int64_t)number;
	tell(r, rule, at);
	return -1;
}

static void read_body(struct reader *r, const char *at)
{
	struct sip_message *m = r->m;
	size_t rest = (size_t)(r->end - at);
	m->content_length = (int32_t)read_plain_number(r, SIP_HEADER_CONTENT_LENGTH, INT32_MAX, SIP_RULE_LENGTH);
	/* RFC 3261 18.3: without it a datagram's body goes to the end; more than it says is thrown away. */
	if (m->content_length >= 0 && (size_t)m->content_length > rest)
		tell(r, SIP_RULE_BODY_SHORT, r->end);
	else if (m->content_length >= 0)
		rest = (size_t)m->content_length;
	m->body = span_make(at, rest);
	m->bytes = span_make(r->start, (size_t)(at - r->start) + rest);
}

int sip_message_parse(struct span bytes, struct sip_message *m, struct sip_defect *ret_defect)
{
	struct reader r = { .m = m,
		.start = bytes.at,
		.end = bytes.at + bytes.length,
		.line_end_defect = SIZE_MAX,
		.control_defect = SIZE_MAX };
	m->header_count = 0;
	memset(m->first, 0, sizeof(m->first));
	if (bytes.length == 0)
		return sip_fail(ret_defect, SIP_RULE_GARBAGE, 0);
	load_block(&r);
	const char *lf = next_lf(&r), *line_end = lf ? without_cr(r.start, lf) : NULL;
	if (!lf || !read_start_line(&r, r.start, line_end))
		return sip_fail(ret_defect, SIP_RULE_START_LINE, 0);
	const char *body = read_headers(&r, lf + 1);
	m->head = span_make(r.start, (size_t)(body - r.start));
	if (r.line_end_defect < m->head.length)
		tell(&r, SIP_RULE_LINE_END, r.start + r.line_end_defect);
	if (r.control_defect < m->head.length)
		tell(&r, SIP_RULE_CONTROL_BYTE, r.start + r.control_defect);
	bool answerable = read_via(&r);
	read_address(&r, SIP_HEADER_FROM, SIP_RULE_FROM_MISSING, &m->from);
	read_address(&r, SIP_HEADER_TO, SIP_RULE_TO_MISSING, &m->to);
	read_call_id(&r);
	read_cseq(&r);
	m->max_forwards = (int16_t)read_plain_number(&r, SIP_HEADER_MAX_FORWARDS, 255, SIP_RULE_MAX_FORWARDS);
	read_body(&r, body);
	if (r.defect.rule == SIP_RULE_NONE)
		return 0;
	if (ret_defect)
		*ret_defect = r.defect;
	return answerable ? -EPROTO : -EBADMSG;
}
