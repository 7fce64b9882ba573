/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/message.h"

#include "sip/fail.h"
#include "sip/header_private.h"
#include "sip/multipart.h"
#include "sip/read.h"
#include "sip/scan.h"

/* The message being read: where its lines end, and the first defect that was found. */
struct reader {
	struct sip_message *m;
	const char *start;
	const char *end;
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

/* A block with low bytes that are no CR LF: HTAB is good anywhere, other control bytes after a backslash (RFC
 * 3261 25.1: quoted-pair), CR only before LF. What stands before an LF is looked at line by line. */
static void look_closely(struct reader *r, const char *block, uint64_t low)
{
	for (; low; low &= low - 1) {
		const char *at = block + __builtin_ctzll(low);
		size_t offset = (size_t)(at - r->start);
		if (*at == '\t' || *at == '\n')
			continue;
		if (*at == '\r') {
			if ((at + 1 == r->end || at[1] != '\n') && r->line_end_defect > offset)
				r->line_end_defect = offset;
		} else if (r->control_defect > offset && (offset == 0 || at[-1] != '\\')) {
			r->control_defect = offset;
		}
	}
}

/* Where the scan for line ends stands: a window of blocks, and the block in it that is worked off. */
struct cursor {
	const char *block;
	uint64_t feeds; /* of the block, those not yet passed */
	size_t index;
	size_t count;
	uint64_t low_before; /* 1: the last byte before the window was a low one, but LF */
	uint64_t lf[SCAN_WINDOW];
	uint64_t low[SCAN_WINDOW];
};

/* Some byte of the window is no part of a CR LF: which, and may it stand there? */
static void look_at_window(struct reader *r, const struct cursor *c)
{
	if (c->low_before)
		look_closely(r, c->block - 64, UINT64_C(1) << 63);
	for (size_t i = 0; i < c->count; i++)
		look_closely(r, c->block + 64 * i, c->low[i] ^ c->lf[i]);
}

/* Fills the window from block on; false where no byte is left. */
static bool fill_window(struct reader *r, struct cursor *c, const char *block)
{
	size_t rest = (size_t)(r->end - block);
	const char *from = block;
	char last[64];
	if (rest == 0)
		return false;
	c->block = block;
	c->index = 0;
	c->count = rest / 64 < SCAN_WINDOW ? rest / 64 : SCAN_WINDOW;
	if (c->count == 0) {
		scan_fill_block(block, rest, last);
		from = last;
		c->count = 1;
	}
	if (__builtin_expect(scan_window(from, c->count, c->low_before, c->lf, c->low), 0))
		look_at_window(r, c);
	c->low_before = (c->low[c->count - 1] ^ c->lf[c->count - 1]) >> 63;
	c->feeds = c->lf[0];
	return true;
}

/* The next LF, or NULL. */
static inline const char *next_lf(struct reader *r, struct cursor *c)
{
	while (c->feeds == 0) {
		if (c->index + 1 < c->count) {
			c->block += 64;
			c->feeds = c->lf[++c->index];
		} else if (r->end - c->block <= 64 || !fill_window(r, c, c->block + 64)) {
			return NULL;
		}
	}
	const char *at = c->block + scan_lowest(c->feeds);
	c->feeds &= c->feeds - 1;
	return at;
}

static inline const char *without_cr(struct reader *r, const char *line, const char *lf)
{
	if (__builtin_expect(lf > line && lf[-1] == '\r', 1))
		return lf - 1;
	tell(r, SIP_RULE_LINE_END, lf);
	return lf;
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
	if (sip_uri_read(r->m->request_uri, r->end, &r->m->uri, &defect) < 0) {
		memset(&r->m->uri, 0, sizeof(r->m->uri));
		tell(r, SIP_RULE_REQUEST_URI, at + defect.offset);
	}
}

static const char *after_last_blank(const char *at, const char *end)
{
	while (end > at && end[-1] != ' ')
		end--;
	return end;
}

/* INVITE sip:bob@example.org SIP/2.0, with single blanks (RFC 3261 7.1). */
static bool read_request_line(struct reader *r, const char *at, const char *end)
{
	struct sip_message *m = r->m;
	const char *method_end = scan_word(at, end, r->end, SIP_CLASS_TOKEN);
	const char *version = end - 7;
	if (end - method_end < 8 || version[-1] != ' ')
		version = after_last_blank(method_end, end);
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

/* Where the name ends: on the colon, or at the end of the line or beyond it. */
static inline const char *find_colon(const struct reader *r, const char *at, const char *end)
{
#ifdef __SSE2__
	if (__builtin_expect(r->end - at >= 16, 1)) {
		unsigned mask = scan_match16(at, ':', ':', ':');
		if (__builtin_expect(mask != 0, 1))
			return at + scan_lowest(mask);
	}
#endif
	(void)r;
	return scan_find(at, end, end, ':', ':', ':');
}

static void note_unknown(struct reader *r, const struct sip_header *header)
{
	if (!sip_is_token(header->name))
		tell(r, SIP_RULE_HEADER_NAME, header->name.at);
}

/* Makes the header findable by its id. */
static inline void index_header(struct reader *r, const struct sip_header *header, size_t count)
{
	enum sip_header_id id = header->id;
	if (__builtin_expect(id == SIP_HEADER_OTHER, 0))
		note_unknown(r, header);
	else if (r->m->first[id] == 0)
		r->m->first[id] = (uint8_t)count;
	else if (id <= SIP_HEADER_CONTENT_TYPE && (ONCE_MASK >> id & 1))
		tell_repeated(r, header);
}

/* One header, its line [at, end) without the last line end. False where it has no name. */
static inline bool read_header(struct reader *r, struct sip_header *header, const char *at, const char *end)
{
	const char *colon = find_colon(r, at, end), *name_end = colon, *value = colon + 2, *value_end = end;
	/* "Name: value" without other blanks needs no search for them. */
	bool is_plain = value < end && colon[1] == ' ' && (unsigned char)*value > ' ' && (unsigned char)end[-1] > ' ' &&
			colon > at && (unsigned char)colon[-1] > ' ';
	if (__builtin_expect(!is_plain, 0)) {
		name_end = scan_back_blanks(at, colon);
		if (colon >= end || name_end == at)
			return false;
		value = scan_blanks(colon + 1, end);
		value_end = scan_back_blanks(value, end);
	}
	header->name = span_make(at, (size_t)(name_end - at));
	header->value = span_make(value, (size_t)(value_end - value));
	header->id = sip_header_identify(at, (size_t)(name_end - at), r->end);
	return true;
}

/* RFC 3261 7.3.1: a line that begins with a blank goes on with the one before. */
static inline bool is_fold(const char *next, const char *end)
{
	return next < end && (unsigned char)*next <= ' ' && (*next == ' ' || *next == '\t');
}

/* Gives where the last line that belongs to the header at at ends, without CR LF, and moves *next behind it. NULL where
 * that line does not end. */
static const char *skip_folds(
	struct reader *r, struct cursor *cursor, const char *at, const char *end, const char **next)
{
	while (is_fold(*next, r->end)) {
		const char *lf = next_lf(r, cursor);
		if (!lf)
			return NULL;
		end = without_cr(r, at, lf);
		*next = lf + 1;
	}
	return end;
}

/* All header lines from at on. Gives where the body begins. */
static const char *read_headers(struct reader *r, struct cursor *cursor, const char *at)
{
	struct sip_header *header = r->m->headers;
	const char *body = NULL;
	size_t count = 0;
	for (const char *lf = next_lf(r, cursor); lf; lf = next_lf(r, cursor)) {
		const char *end = without_cr(r, at, lf), *next = lf + 1;
		if (__builtin_expect(end == at, 0)) {
			body = next;
			break;
		}
		if (__builtin_expect(is_fold(next, r->end), 0)) {
			end = skip_folds(r, cursor, at, end, &next);
			if (!end)
				break;
		}
		if (__builtin_expect(count == SIP_MESSAGE_HEADERS_MAXIMUM, 0)) {
			tell(r, SIP_RULE_HEADER_COUNT, at);
		} else if (__builtin_expect(read_header(r, header, at, end), 1)) {
			header->line_length = (uint32_t)(next - at);
			index_header(r, header, ++count);
			header++;
		} else {
			tell(r, SIP_RULE_HEADER_NAME, at);
		}
		at = next;
	}
	r->m->header_count = (uint16_t)count;
	if (body)
		return body;
	tell(r, SIP_RULE_HEAD_END, r->end);
	return r->end;
}

/* ---- what every message must have ---- */

static inline const struct sip_header *find(const struct sip_message *m, enum sip_header_id id)
{
	return m->first[id] ? &m->headers[m->first[id] - 1] : NULL;
}

static const struct sip_header *find_or_tell(struct reader *r, enum sip_header_id id, enum sip_rule missing)
{
	const struct sip_header *header = find(r->m, id);
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
	if (sip_list_read(&rest, r->end, &value) && sip_via_read(value, r->end, &r->m->via, &defect) == 0)
		return true;
	tell(r, SIP_RULE_VIA, header->value.at + defect.offset);
	return false;
}

static void read_address(struct reader *r, enum sip_header_id id, enum sip_rule missing, struct sip_address *ret)
{
	const struct sip_header *header = find_or_tell(r, id, missing);
	struct sip_defect defect;
	if (header && sip_address_read(header->value, r->end, ret, &defect) == 0 && !ret->is_wildcard)
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
	/* Which bytes words hold is not looked at: it is compared, never taken apart. */
	const char *stop = scan_find(at, end, r->end, ' ', '\t', '\r');
	r->m->call_id = header->value;
	if (stop != end || at == end)
		tell(r, SIP_RULE_CALL_ID, stop);
}

static const char *read_number(const char *at, const char *end, uint64_t maximum, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *start = at;
	for (; at < end && (unsigned)(*at - '0') <= 9 && number <= maximum; at++)
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
	m->cseq_method = span_make(method, (size_t)(end - method));
	bool is_same = m->is_request && span_equal(m->cseq_method, m->method_name);
	if (!stop || method == stop || (!is_same && scan_word(method, end, r->end, SIP_CLASS_TOKEN) != end)) {
		tell(r, SIP_RULE_CSEQ, at);
		m->cseq_method = SPAN_NONE;
		return;
	}
	m->cseq = (uint32_t)number;
	if (is_same)
		return;
	if (m->is_request) {
		tell(r, SIP_RULE_CSEQ_METHOD, method);
		return;
	}
	m->method_name = m->cseq_method;
	m->method = sip_method_find(m->method_name);
}

/* A header that is nothing but a number: -1 where it is absent or broken. */
static int64_t read_plain_number(struct reader *r, enum sip_header_id id, uint64_t maximum, enum sip_rule rule)
{
	const struct sip_header *header = find(r->m, id);
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
	memset(m->first, 0, sizeof(m->first));
	struct cursor cursor;
	cursor.low_before = 0;
	if (!fill_window(&r, &cursor, bytes.at))
		return sip_fail(ret_defect, SIP_RULE_GARBAGE, 0);
	const char *lf = next_lf(&r, &cursor), *line_end = lf ? without_cr(&r, r.start, lf) : NULL;
	if (!lf || !read_start_line(&r, r.start, line_end))
		return sip_fail(ret_defect, SIP_RULE_START_LINE, 0);
	const char *body = read_headers(&r, &cursor, lf + 1);
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
