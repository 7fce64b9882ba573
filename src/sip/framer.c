/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/framer.h"

#include "sip/header_private.h"
#include "sip/scan.h"

/* Bytes taken over at once into an unfinished message whose end is not known yet. */
#define FRAMER_STEP 4096

enum outcome { MORE, WHOLE, BROKEN };

void sip_framer_init(struct sip_framer *f, struct sip_framer_limits limits)
{
	memset(f, 0, sizeof(*f));
	f->limits = limits;
	f->content_length = -1;
	buffer_init(&f->pending, limits.message_maximum);
}

void sip_framer_done(struct sip_framer *f)
{
	buffer_done(&f->pending);
}

size_t sip_framer_pending(const struct sip_framer *f)
{
	return f->in_use ? 0 : f->pending.length;
}

static enum outcome broken(struct sip_framer *f, enum sip_rule rule, size_t offset)
{
	f->defect = (struct sip_defect){ rule, offset };
	return BROKEN;
}

/* ---- the head ---- */

/* "SIP/" without case. */
static inline bool is_sip_slash(const char *at, const char *end)
{
	return end - at >= 4 && at[3] == '/' && (at[0] | 0x20) == 's' && (at[1] | 0x20) == 'i' && (at[2] | 0x20) == 'p';
}

/* A request line ends with "SIP/2.0", a status line begins so; another version is the parser's to tell. */
static bool looks_like_sip(const char *line, const char *end)
{
	end = scan_back_blanks(line, end);
	if (end - line < 11) /* "SIP/2.0 200": a reason may be empty */
		return false;
	if (is_sip_slash(end - 7, end) && end[-8] == ' ')
		return true;
	const char *version = end;
	while (version > line && version[-1] != ' ' && end - version < 16)
		version--;
	return is_sip_slash(line, end) || is_sip_slash(version, end);
}

/* The header [at, end), folds and all: takes its number where it is the Content-Length. */
static enum outcome take_length(struct sip_framer *f, const char *start, const char *at, const char *end)
{
	const char *colon = scan_find(at, end, end, ':', ':', ':');
	const char *name_end = scan_back_blanks(at, colon);
	if (sip_header_identify(at, (size_t)(name_end - at), end) != SIP_HEADER_CONTENT_LENGTH)
		return MORE;
	const char *digits = colon < end ? scan_blanks(colon + 1, end) : end, *stop = digits;
	uint64_t length = 0;
	for (; stop < end && (unsigned)(*stop - '0') <= 9 && length <= INT32_MAX; stop++)
		length = length * 10 + (uint64_t)(*stop - '0');
	if (stop == digits || length > INT32_MAX || scan_blanks(stop, end) != end)
		return broken(f, SIP_RULE_LENGTH, (size_t)(digits - start));
	if (f->content_length >= 0 && (uint64_t)f->content_length != length)
		return broken(f, SIP_RULE_LENGTH_CONFLICT, (size_t)(digits - start));
	f->content_length = (int64_t)length;
	return MORE;
}

/* Could the header that begins here be the Content-Length? Where too little of it has come: perhaps. */
static bool may_be_length(const char *header, const char *end)
{
	if (end - header <= 9 || (*header | 0x20) == 'l')
		return true;
	return (scan_load8(header) | SCAN_CASE) == UINT64_C(0x2d746e65746e6f63) /* content- */ &&
	       ((unsigned char)header[8] | 0x20) == 'l';
}

static inline bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Looks at the headers from the first one on that may be the Content-Length; a fold belongs to the header before it. */
static enum outcome take_lengths(struct sip_framer *f, const char *start, const char *end)
{
	enum outcome outcome = MORE;
	const char *header = start + f->header;
	for (const char *at = header; f->header && at < end && outcome == MORE;) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		at = lf ? lf + 1 : end;
		if (at < end && is_blank(*at))
			continue;
		if (may_be_length(header, end))
			outcome = take_length(f, start, header, at);
		header = at;
	}
	return outcome;
}

/* The head ends before head: the length of its message. */
static enum outcome end_head(struct sip_framer *f, const char *start, size_t head)
{
	if (take_lengths(f, start, start + head) == BROKEN)
		return BROKEN;
	if (f->content_length < 0)
		return broken(f, SIP_RULE_LENGTH_MISSING, head);
	if ((uint64_t)f->content_length + head > f->limits.message_maximum)
		return broken(f, SIP_RULE_TOO_LARGE, head);
	f->length = head + (size_t)f->content_length;
	return WHOLE;
}

/* Keeps the first line that may be the Content-Length. */
static void note_line(struct sip_framer *f, const char *start, const char *line, const char *limit)
{
	if (f->header == 0 && may_be_length(line, limit))
		f->header = (size_t)(line - start);
}

/* The lines that begin after these line feeds: of most only the first byte is looked at. The last one may not have
 * come. */
static inline void note_lines(struct sip_framer *f, const char *start, const char *limit, uint64_t lf)
{
	const char *block = start + f->scanned + 1;
	if (__builtin_expect(limit - block < 64 && lf, 0)) {
		uint64_t last = UINT64_C(1) << 63 >> __builtin_clzll(lf);
		if (block + scan_lowest(last) >= limit)
			lf &= ~last;
	}
	for (; lf; lf &= lf - 1) {
		const char *line = block + scan_lowest(lf);
		unsigned letter = ((unsigned char)*line | 0x20u) - 'c';
		if (__builtin_expect(letter == 0 || letter == 'l' - 'c', 0))
			note_line(f, start, line, limit);
	}
}

/* Does the LF at that offset end an empty line? */
static bool ends_head(const char *start, size_t lf)
{
	return (lf >= 1 && start[lf - 1] == '\n') || (lf >= 2 && start[lf - 1] == '\r' && start[lf - 2] == '\n');
}

/* The head may end in this block; ends: the line feeds that stand one or two bytes after another. */
static enum outcome try_ends(struct sip_framer *f, const char *start, const char *limit, uint64_t lf, uint64_t ends)
{
	size_t base = f->scanned;
	for (; ends; ends &= ends - 1) {
		size_t at = base + scan_lowest(ends);
		if (!ends_head(start, at))
			continue;
		note_lines(f, start, limit, lf & ((ends & -ends) - 1));
		return end_head(f, start, at + 1);
	}
	return MORE;
}

static enum outcome take_first_line(struct sip_framer *f, const char *start, uint64_t lf)
{
	f->line = f->scanned + scan_lowest(lf) + 1;
	return looks_like_sip(start, start + f->line) ? MORE : broken(f, SIP_RULE_GARBAGE, 0);
}

/* The line feeds of a block, as bits; before: bits 0 and 1 where a line feed stood up to two bytes before such a place.
 */
static inline enum outcome take_feeds(
	struct sip_framer *f, const char *start, const char *limit, uint64_t lf, uint64_t before)
{
	uint64_t ends = lf & ((lf << 1) | (lf << 2) | before);
	enum outcome outcome = MORE;
	if (__builtin_expect(f->line == 0 && lf != 0, 0))
		outcome = take_first_line(f, start, lf);
	if (__builtin_expect(ends != 0, 0) && outcome == MORE)
		outcome = try_ends(f, start, limit, lf, ends);
	if (outcome == MORE && f->header == 0)
		note_lines(f, start, limit, lf);
	return outcome;
}

static uint64_t feeds_before(const char *start, size_t base)
{
	uint64_t last = base >= 1 && start[base - 1] == '\n', last_but_one = base >= 2 && start[base - 2] == '\n';
	return last | last << 1 | last_but_one;
}

/* Looks at the bytes from f->scanned on. WHOLE: f->length is known. */
static enum outcome scan_head(struct sip_framer *f, const char *start, size_t length)
{
	size_t end = length < f->limits.head_maximum ? length : f->limits.head_maximum;
	uint64_t lf[SCAN_WINDOW], before = feeds_before(start, f->scanned);
	if (before & 2 && f->scanned < end)
		note_line(f, start, start + f->scanned, start + end);
	while (f->scanned < end) {
		size_t rest = end - f->scanned, count = rest / 64 < SCAN_WINDOW ? rest / 64 : SCAN_WINDOW;
		const char *from = start + f->scanned;
		char last[64];
		if (count == 0) {
			scan_fill_block(from, rest, last);
			from = last;
			count = 1;
		}
		scan_feeds(from, count, lf);
		for (size_t i = 0; i < count; i++) {
			enum outcome outcome = take_feeds(f, start, start + end, lf[i], before);
			if (outcome != MORE)
				return outcome;
			before = (lf[i] >> 62) | (lf[i] >> 63);
			f->scanned += rest < 64 ? rest : 64;
		}
	}
	return length >= f->limits.head_maximum ? broken(f, SIP_RULE_HEAD_TOO_LARGE, f->limits.head_maximum) : MORE;
}

/* ---- between messages ---- */

/* Line ends before a message: keep-alives. True where *ret_frame was made. */
static bool take_line_end(struct sip_framer *f, struct span *input, struct sip_frame *ret_frame)
{
	while (input->length && (*input->at == '\r' || *input->at == '\n')) {
		bool is_lf = *input->at == '\n';
		*input = span_from(*input, 1);
		f->after_cr = !is_lf;
		if (!is_lf)
			continue;
		if (f->half_ping) {
			f->half_ping = false;
			*ret_frame = (struct sip_frame){ .kind = SIP_FRAME_PING };
			return true;
		}
		f->half_ping = true;
		/* The second half at once makes it a ping; a lone one is told now, for the other half may never come.
		 */
		if (input->length == 0 || *input->at != '\r') {
			f->half_ping = input->length == 0;
			*ret_frame = (struct sip_frame){ .kind = SIP_FRAME_PONG };
			return true;
		}
	}
	return false;
}

static void forget_message(struct sip_framer *f)
{
	f->scanned = f->line = f->header = f->length = 0;
	f->content_length = -1;
}

/* ---- messages ---- */

/* A message that begins in the input: not copied where it is whole. */
static enum outcome begin_message(struct sip_framer *f, struct span *input, struct span *ret_message)
{
	f->half_ping = false;
	*ret_message = *input;
	if (f->after_cr || !sip_class_is(*input->at, SIP_CLASS_TOKEN))
		return broken(f, SIP_RULE_GARBAGE, 0);
	enum outcome outcome = scan_head(f, input->at, input->length);
	if (outcome == BROKEN)
		return BROKEN;
	if (outcome == WHOLE && f->length <= input->length) {
		*ret_message = span_first(*input, f->length);
		*input = span_from(*input, f->length);
		return WHOLE;
	}
	if (f->length)
		(void)buffer_reserve(&f->pending, f->length);
	int status = buffer_append(&f->pending, *input);
	*input = span_from(*input, input->length);
	return status < 0 ? broken(f, SIP_RULE_TOO_LARGE, 0) : MORE;
}

/* A message that began earlier: takes what belongs to it and leaves the rest in the input. */
static enum outcome continue_message(struct sip_framer *f, struct span *input, struct span *ret_message)
{
	enum outcome outcome = f->length ? WHOLE : MORE;
	while (outcome == MORE && input->length) {
		size_t before = f->pending.length, room = f->limits.message_maximum - before;
		size_t step = input->length < FRAMER_STEP ? input->length : FRAMER_STEP;
		if (step > room)
			step = room;
		if (step == 0 || buffer_append(&f->pending, span_first(*input, step)) < 0)
			outcome = broken(f, SIP_RULE_TOO_LARGE, before);
		else
			outcome = scan_head(f, f->pending.at, f->pending.length);
		if (outcome == WHOLE && f->length < f->pending.length) {
			step = f->length - before;
			f->pending.length = f->length;
		}
		*input = span_from(*input, step);
	}
	if (outcome == WHOLE && f->pending.length < f->length) {
		struct span more = span_first(*input, f->length - f->pending.length);
		if (buffer_append(&f->pending, more) < 0)
			outcome = broken(f, SIP_RULE_TOO_LARGE, f->pending.length);
		*input = span_from(*input, more.length);
		if (outcome == WHOLE && f->pending.length < f->length)
			outcome = MORE;
	}
	f->in_use = outcome == WHOLE;
	*ret_message = buffer_span(&f->pending);
	return outcome;
}

bool sip_framer_next(struct sip_framer *f, struct span *input, struct sip_frame *ret_frame)
{
	struct span message = buffer_span(&f->pending);
	if (f->in_use) {
		/* Nothing is kept between messages: a million idle connections hold no buffer. */
		buffer_done(&f->pending);
		buffer_init(&f->pending, f->limits.message_maximum);
		f->in_use = false;
	}
	enum outcome outcome = BROKEN;
	if (f->defect.rule == SIP_RULE_NONE) {
		if (f->pending.length == 0 && take_line_end(f, input, ret_frame))
			return true;
		if (input->length == 0)
			return false;
		outcome = f->pending.length ? continue_message(f, input, &message) : begin_message(f, input, &message);
	}
	if (outcome == MORE)
		return false;
	*ret_frame = (struct sip_frame){ .bytes = message, .defect = f->defect };
	ret_frame->kind = outcome == WHOLE ? SIP_FRAME_MESSAGE : SIP_FRAME_DEFECT;
	if (outcome == WHOLE)
		forget_message(f);
	return true;
}

struct sip_frame sip_datagram_frame(struct span datagram, size_t message_maximum)
{
	struct sip_frame frame = { .kind = SIP_FRAME_DEFECT, .bytes = datagram };
	const char *at = datagram.at, *end = at + datagram.length;
	while (at < end && (*at == '\r' || *at == '\n'))
		at++;
	if (datagram.length > message_maximum)
		frame.defect = (struct sip_defect){ SIP_RULE_TOO_LARGE, message_maximum };
	else if (at == end)
		frame.kind = datagram.length >= 4 ? SIP_FRAME_PING : SIP_FRAME_PONG;
	else if (!sip_class_is(*at, SIP_CLASS_TOKEN))
		frame.defect = (struct sip_defect){ SIP_RULE_GARBAGE, (size_t)(at - datagram.at) };
	else
		frame = (struct sip_frame){ .kind = SIP_FRAME_MESSAGE, .bytes = span_make(at, (size_t)(end - at)) };
	return frame;
}
