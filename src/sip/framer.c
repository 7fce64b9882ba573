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

/* A request line ends with "SIP/2.0", a status line begins so; another version is the parser's to tell. */
static bool looks_like_sip(const char *line, const char *end)
{
	end = scan_back_blanks(line, end);
	if (end - line < 12)
		return false;
	if (scan_lower8(line, 4, end) == 0x2f706973 /* sip/ */)
		return true;
	const char *version = end;
	while (version > line && version[-1] != ' ' && end - version < 16)
		version--;
	return end - version >= 5 && scan_lower8(version, 4, end) == 0x2f706973;
}

/* The header [at, end), folds and all: takes its number where it is the Content-Length. */
static enum outcome take_length(struct sip_framer *f, const char *start, const char *at, const char *end)
{
	const char *colon = scan_find(at, end, end, ':', ':', ':');
	const char *name_end = scan_back_blanks(at, colon);
	if (sip_header_identify(at, (size_t)(name_end - at), end) != SIP_HEADER_CONTENT_LENGTH)
		return MORE;
	const char *digits = colon < end ? scan_blanks(colon + 1, end) : end;
	const char *stop = scan_back_blanks(digits, end);
	uint64_t length;
	if (span_to_u64(span_make(digits, (size_t)(stop - digits)), INT32_MAX, &length) < 0)
		return broken(f, SIP_RULE_LENGTH, (size_t)(digits - start));
	if (f->content_length >= 0 && (uint64_t)f->content_length != length)
		return broken(f, SIP_RULE_LENGTH_CONFLICT, (size_t)(digits - start));
	f->content_length = (int64_t)length;
	return MORE;
}

static enum outcome end_head(struct sip_framer *f, size_t head)
{
	if (f->content_length < 0)
		return broken(f, SIP_RULE_LENGTH_MISSING, head);
	if ((uint64_t)f->content_length + head > f->limits.message_maximum)
		return broken(f, SIP_RULE_TOO_LARGE, head);
	f->length = head + (size_t)f->content_length;
	return WHOLE;
}

/* A line [f->line, lf]. A header is looked at when the line after it shows that it goes on no longer. */
static enum outcome end_line(struct sip_framer *f, const char *start, size_t lf)
{
	const char *line = start + f->line, *header = start + f->header;
	enum outcome outcome = MORE;
	if (f->line == 0) {
		if (!looks_like_sip(line, start + lf))
			return broken(f, SIP_RULE_GARBAGE, 0);
	} else {
		if (f->header != 0)
			outcome = take_length(f, start, header, line);
		if (outcome == MORE && (*line == '\n' || (*line == '\r' && f->line + 1 == lf)))
			return end_head(f, lf + 1);
		f->header = f->line;
	}
	f->line = lf + 1;
	return outcome;
}

/* Could the header that begins here be the Content-Length? A line follows it, so its first bytes are there. */
static inline bool may_be_length(const char *header, const char *end)
{
	unsigned char letter = (unsigned char)*header | 0x20;
	if (__builtin_expect(letter != 'c' && letter != 'l', 1))
		return false;
	if (letter == 'l')
		return true;
	return end - header > 9 && (scan_load8(header) | SCAN_CASE) == UINT64_C(0x2d746e65746e6f63) /* content- */ &&
	       ((unsigned char)header[8] | 0x20) == 'l';
}

/* The LFs of a block, one after the other. Most lines need no more than a look at a few bytes: that they are no end of
 * the head and no fold, and that the header before them is not the Content-Length. */
static enum outcome end_lines(struct sip_framer *f, const char *start, size_t base, uint64_t lf)
{
	size_t line = f->line, header = f->header;
	enum outcome outcome = MORE;
	for (; lf && outcome == MORE; lf &= lf - 1) {
		size_t at = base + (size_t)__builtin_ctzll(lf);
		unsigned char first = (unsigned char)start[line];
		if (__builtin_expect(line != 0 && first > ' ' && !may_be_length(start + header, start + line), 1)) {
			header = line;
			line = at + 1;
			continue;
		}
		if (line != 0 && (first == ' ' || first == '\t')) {
			line = at + 1;
			continue;
		}
		f->line = line;
		f->header = header;
		outcome = end_line(f, start, at);
		line = f->line;
		header = f->header;
	}
	f->line = line;
	f->header = header;
	return outcome;
}

/* Looks at the bytes from f->scanned on. WHOLE: f->length is known. */
static enum outcome scan_head(struct sip_framer *f, const char *start, size_t length)
{
	size_t limit = length < f->limits.head_maximum ? length : f->limits.head_maximum;
	while (f->scanned < limit) {
		size_t base = f->scanned, rest = limit - base;
		const char *block = start + base;
		char last[64];
		if (rest < 64) {
			scan_fill_block(block, rest, last);
			block = last;
		}
		uint64_t lf = scan_block_for(block, '\n');
		enum outcome outcome = lf ? end_lines(f, start, base, lf) : MORE;
		if (outcome != MORE)
			return outcome;
		f->scanned = base + (rest >= 64 ? 64 : rest);
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
