/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/multipart.h"

#include "sip/fail.h"
#include "sip/header.h"
#include "sip/parameter.h"
#include "sip/scan.h"

bool sip_media_type_is(struct span content_type, struct span type)
{
	const char *at = content_type.at, *end = at + content_type.length;
	end = scan_find(at, end, end, ';', ';', ';');
	at = scan_blanks(at, end);
	end = scan_back_blanks(at, end);
	if ((size_t)(end - at) == type.length)
		return scan_equal_lower(at, type.at, type.length);
	/* RFC 3261 25.1: SLASH may have blanks around it. */
	struct span right = span_make(at, (size_t)(end - at)), type_right = type;
	struct span left = span_trim(span_cut(&right, '/')), type_left = span_cut(&type_right, '/');
	return right.at && span_equal_nocase(left, type_left) && span_equal_nocase(span_trim(right), type_right);
}

/* Only blanks, or the two hyphens that close it, may follow the boundary. */
static bool is_delimiter(const char *at, const char *end, struct span boundary)
{
	if (at[0] != '-' || at[1] != '-' || memcmp(at + 2, boundary.at, boundary.length) != 0)
		return false;
	at += 2 + boundary.length;
	return at == end || sip_class_is(*at, SIP_CLASS_BLANK) || (end - at >= 2 && at[0] == '-' && at[1] == '-');
}

/* The next delimiter line from at on: its first byte ("--"), or NULL. A delimiter begins a line. */
static const char *find_delimiter(const char *at, const char *end, struct span boundary)
{
	while (at && (size_t)(end - at) >= boundary.length + 2) {
		if (is_delimiter(at, end, boundary))
			return at;
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		at = lf ? lf + 1 : NULL;
	}
	return NULL;
}

int sip_parts_init(struct sip_parts *ret_parts, struct span content_type, struct span body)
{
	struct span rest = content_type, boundary = SPAN_NONE;
	span_cut(&rest, ';');
	if (!span_starts_nocase(content_type, SPAN("multipart/")) || !rest.at ||
		!sip_parameter_find(rest, SPAN("boundary"), &boundary))
		return -EBADMSG;
	boundary = sip_unquote(boundary);
	if (boundary.length == 0 || body.length == 0)
		return -EBADMSG;
	const char *first = find_delimiter(body.at, body.at + body.length, boundary);
	if (!first)
		return -EBADMSG;
	*ret_parts = (struct sip_parts){ span_from(body, (size_t)(first - body.at)), boundary };
	return 0;
}

static void read_part_header(struct span line, struct sip_part *part)
{
	struct span value = line, name = span_trim(span_cut(&value, ':'));
	if (!value.at)
		return;
	value = span_trim(value);
	if (span_equal_nocase(name, SPAN("Content-ID")))
		part->content_id = value;
	else if (sip_header_find(name) == SIP_HEADER_CONTENT_TYPE)
		part->content_type = value;
	else if (sip_header_find(name) == SIP_HEADER_CONTENT_DISPOSITION)
		part->content_disposition = value;
}

/* Header lines up to the empty one, then the body. */
static void read_part(const char *at, const char *end, struct sip_part *part)
{
	const char *start = at;
	*part = (struct sip_part){ .headers = span_make(at, 0), .body = span_make(end, 0) };
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at)), *next = lf ? lf + 1 : end;
		if (lf && (lf == at || (lf == at + 1 && *at == '\r'))) {
			part->headers = span_make(start, (size_t)(at - start));
			part->body = span_make(next, (size_t)(end - next));
			return;
		}
		while (next < end && (*next == ' ' || *next == '\t')) {
			lf = memchr(next, '\n', (size_t)(end - next));
			next = lf ? lf + 1 : end;
		}
		read_part_header(span_make(at, (size_t)(next - at)), part);
		at = next;
	}
	part->headers = span_make(start, (size_t)(end - start));
}

bool sip_parts_next(struct sip_parts *parts, struct sip_part *ret_part)
{
	if (parts->rest.length < parts->boundary.length + 2)
		return false;
	const char *at = parts->rest.at, *end = at + parts->rest.length;
	const char *after = at + 2 + parts->boundary.length;
	if (end - after >= 2 && after[0] == '-' && after[1] == '-')
		return false;
	const char *lf = memchr(after, '\n', (size_t)(end - after));
	if (!lf)
		return false;
	const char *next = find_delimiter(lf + 1, end, parts->boundary), *stop = next ? next : end;
	parts->rest = next ? span_make(next, (size_t)(end - next)) : SPAN_NONE;
	/* The line end before a delimiter belongs to it (RFC 2046 5.1.1). */
	if (next && stop > lf + 1)
		stop--;
	if (next && stop > lf + 1 && stop[-1] == '\r')
		stop--;
	read_part(lf + 1, stop, ret_part);
	return true;
}
