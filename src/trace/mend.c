/* SPDX-License-Identifier: Apache-2.0 */
/* Through the clean lines, from one beginning of a record to the next. What a strict reader takes as it stood is left
 * alone; the rest is written anew. */
#include "base/require.h"
#include "trace/mend_private.h"

#include <stdlib.h>

/* So much text is washed at once: a small file is one text. */
#define TEXT_MAXIMUM ((8u << 20) + TRACE_RECORD_MAXIMUM)

struct mending {
	struct mender m;
	void (*take)(void *argument, const struct trace_mend_segment *segment);
	void *argument;
	size_t plain_tried; /* lines before it hold messages of tools that are damaged */
};

/* ---- as it stood ---- */

/* What a strict reader makes of lines as they stand. */
struct trial {
	enum trace_kind kind;
	size_t records, suspicious;
	size_t first; /* bytes of the record that begins them; 0: it is none */
	bool is_first_good; /* it is not damaged */
	bool is_whole; /* all of them are records */
};

static void try_record(void *argument, const struct record *r, const struct trace_place *place)
{
	struct trial *trial = argument;
	bool suspicious = trace_mend_is_suspicious(trial->kind, r, place);
	trial->records++;
	trial->suspicious += suspicious;
	if (place->offset == 0) {
		trial->first = place->raw.length;
		trial->is_first_good = !suspicious;
	}
}

static struct trial try_strictly(enum trace_kind kind, struct span raw)
{
	struct trial trial = { .kind = kind };
	const struct trace_reader_settings settings = { .kind = kind, .take = try_record, .argument = &trial };
	struct trace_reader *reader = trace_mend_has_marks(kind, raw) ? NULL : trace_reader_new(&settings);
	if (!reader)
		return trial;
	if (trace_reader_feed(reader, raw) == 0) {
		trace_reader_end(reader);
		const struct trace_reader_counts *counts = trace_reader_counts(reader);
		trial.is_whole = counts->unread == 0 && counts->records + counts->other > 0 && trial.suspicious == 0;
	}
	trace_reader_free(reader);
	return trial;
}

/* ---- segments ---- */

/* The text in the file that lines begin..end - 1 come from. */
static struct span raw_of(const struct mender *m, size_t begin, size_t end)
{
	uint32_t from = m->lines[begin].origin, to = m->lines[end - 1].origin_end;
	/* What begins inside of the same line is the next one's; where both are said to begin at one place, they share.
	 */
	if (end < m->count && m->lines[end].is_soft && m->lines[end].origin < to && m->lines[end].origin > from)
		to = m->lines[end].origin;
	if (from >= to)
		from = to > 0 ? to - 1 : 0;
	return span_make(m->text.at + from, to - from);
}

static void give(struct mending *mending, struct trace_mend_segment segment, size_t begin, size_t end)
{
	struct mender *m = &mending->m;
	segment.raw = raw_of(m, begin, end);
	segment.offset = (size_t)(segment.raw.at - m->text.at);
	segment.line = m->lines[begin].number;
	if (segment.as_it_stood)
		segment.text = segment.raw;
	mending->take(mending->argument, &segment);
}

static size_t without_empty(const struct mender *m, size_t begin, size_t end)
{
	while (end > begin + 1 && m->lines[end - 1].length == 0)
		end--;
	return end;
}

/* The lines as they stand, as far as they are whole lines of the file. */
static struct trial try_lines(const struct mender *m, enum trace_kind kind, size_t begin, size_t end)
{
	size_t last = without_empty(m, begin, end);
	bool is_cut = false;
	while (last > begin && last < m->count && m->lines[last].is_soft) {
		is_cut = true;
		last--;
	}
	/* Several on one line of the file, or something in front: not as the product writes it. */
	bool is_joined = begin + 1 < last && m->lines[begin + 1].is_soft;
	if (last == begin || is_joined || m->lines[begin].is_soft || m->lines[begin].is_fronted)
		return (struct trial){ 0 };
	struct trial trial = try_strictly(kind, raw_of(m, begin, last));
	trial.is_whole = trial.is_whole && !is_cut;
	return trial;
}

static void give_as_it_stood(struct mending *mending, enum trace_kind kind, size_t begin, size_t end)
{
	give(mending, (struct trace_mend_segment){ .kind = kind, .as_it_stood = true }, begin,
		without_empty(&mending->m, begin, end));
}

/* The line behind so many bytes of the file. */
static size_t line_behind(const struct mender *m, size_t begin, size_t length)
{
	size_t line = begin + 1;
	while (line < m->count && m->lines[line].origin < m->lines[begin].origin + length)
		line++;
	return line;
}

/* ---- records ---- */

static const struct {
	enum trace_kind kind;
	size_t (*mend)(struct mender *m, size_t begin, size_t end);
} kinds[] = {
	[MEND_EXPRESSWAY] = { TRACE_KIND_EXPRESSWAY, mend_expressway },
	[MEND_SIPSTACK] = { TRACE_KIND_SIPSTACK, mend_sipstack },
	[MEND_UCCAPI] = { TRACE_KIND_UCCAPI, mend_uccapi },
	[MEND_JSON] = { TRACE_KIND_JSON, mend_json },
	[MEND_SIP] = { TRACE_KIND_PLAIN, mend_sip },
};

/* A client's message is three of its lines with what stands between: announced, begun, ended. */
#define UCCAPI_LINES 3

/* A message's own line of that kind has a blank in front, where the record's first line has none. */
static bool is_shifted(const struct mender *m, size_t begin, size_t line)
{
	const struct mend_line *l = &m->lines[line];
	return !l->is_soft && m->text.at[l->origin] == ' ' && m->text.at[m->lines[begin].origin] != ' ';
}

/* Where the record that begins there ends at the latest. */
static size_t latest_end(const struct mender *m, size_t begin)
{
	unsigned int anchor = m->lines[begin].anchor;
	size_t end = begin + 1, stamped = 1;
	for (; end < m->count; end++) {
		unsigned int next = m->lines[end].anchor;
		if (anchor != MEND_SIP && is_shifted(m, begin, end))
			continue;
		if (next == MEND_RECORD_ENDS && anchor == MEND_SIPSTACK)
			return end + 1;
		if (anchor == MEND_UCCAPI && next == MEND_UCCAPI && stamped++ < UCCAPI_LINES)
			continue;
		if (anchor == MEND_PLAIN && next == MEND_PLAIN)
			continue;
		if (mend_is_strong(next) || (anchor == MEND_SIP && next == MEND_SIP))
			break;
	}
	return end;
}

static size_t mend_record(struct mending *mending, size_t begin, size_t end)
{
	struct mender *m = &mending->m;
	unsigned int anchor = m->lines[begin].anchor;
	enum trace_kind kind = kinds[anchor].kind;
	size_t whole = anchor == MEND_UCCAPI && !mend_is_packet(mend_line_text(m, begin)) ? begin + 1 : end;
	/* The mender has no reader of its own for messages alone: nothing tells whether they are whole. */
	struct trial trial = { 0 };
	if (kind != TRACE_KIND_PLAIN)
		trial = try_lines(m, kind, begin, whole);
	if (trial.is_whole) {
		give_as_it_stood(mending, kind, begin, whole);
		return whole;
	}
	size_t next = kinds[anchor].mend(m, begin, end);
	if (m->out.status != 0 || m->logical.status != 0 || m->body.status != 0)
		next = 0;
	size_t behind = trial.first ? line_behind(m, begin, trial.first) : 0;
	if (next == 0 && behind == 0)
		return 0;
	if (next == 0 || (trial.is_first_good && behind >= next)) {
		give_as_it_stood(mending, kind, begin, behind);
		return behind;
	}
	struct trace_mend_segment segment = { .kind = kind, .text = buffer_span(&m->out) };
	segment.is_alone = kind == TRACE_KIND_PLAIN;
	if (segment.is_alone)
		segment.body = buffer_span(&m->body);
	give(mending, segment, begin, without_empty(m, begin, next));
	return next;
}

/* What tools print, line by line, where all its messages are whole; otherwise only its messages are mended. */
static bool give_plain(struct mending *mending, size_t begin, size_t end)
{
	struct mender *m = &mending->m;
	buffer_clear(&m->out);
	for (size_t i = begin; i < end; i++) {
		(void)buffer_append(&m->out, mend_line_text(m, i));
		(void)buffer_append_byte(&m->out, '\n');
	}
	struct trial trial = try_strictly(TRACE_KIND_PLAIN, buffer_span(&m->out));
	if (m->out.status != 0 || trial.records == 0 || trial.suspicious > 0)
		return false;
	for (size_t i = begin; i < end; i++) {
		buffer_clear(&m->out);
		(void)buffer_append(&m->out, mend_line_text(m, i));
		(void)buffer_append_byte(&m->out, '\n');
		give(mending, (struct trace_mend_segment){ .kind = TRACE_KIND_PLAIN, .text = buffer_span(&m->out) }, i,
			i + 1);
	}
	return true;
}

/* Gives what begins at that line, and the line behind it. */
static size_t mend_from(struct mending *mending, size_t begin, size_t end)
{
	struct mender *m = &mending->m;
	unsigned int anchor = m->lines[begin].anchor;
	size_t next = 0;
	if (anchor == MEND_SEARCH) {
		give(mending, (struct trace_mend_segment){ .kind = TRACE_KIND_MIXED, .text = mend_line_text(m, begin) },
			begin, begin + 1);
		return begin + 1;
	}
	if (anchor == MEND_PLAIN)
		next = begin >= mending->plain_tried && give_plain(mending, begin, end) ? end : 0;
	else if (anchor != MEND_NONE && anchor != MEND_RECORD_ENDS)
		next = mend_record(mending, begin, end);
	if (anchor == MEND_PLAIN && next == 0 && begin >= mending->plain_tried)
		mending->plain_tried = end;
	if (next > begin)
		return next;
	if (m->lines[begin].length > 0)
		give(mending, (struct trace_mend_segment){ .kind = TRACE_KIND_UNKNOWN }, begin, begin + 1);
	return begin + 1;
}

/* ---- the text ---- */

/* Gives the bytes of the text that are done. */
static size_t mend_lines(struct mending *mending, bool last, size_t washed)
{
	struct mender *m = &mending->m;
	size_t line = 0;
	while (line < m->count) {
		unsigned int anchor = m->lines[line].anchor;
		bool is_anchored = anchor != MEND_NONE && anchor != MEND_RECORD_ENDS && anchor != MEND_SEARCH &&
				   (anchor != MEND_PLAIN || line >= mending->plain_tried);
		size_t end = is_anchored ? latest_end(m, line) : line + 1;
		bool may_go_on = end == m->count && (is_anchored || m->text.at[washed - 1] != '\n');
		if (!last && may_go_on && m->lines[line].origin > 0) {
			m->in_fence = m->lines[line].in_fence;
			return m->lines[line].origin;
		}
		line = mend_from(mending, line, end);
	}
	return washed;
}

static uint64_t count_lines(struct span text)
{
	uint64_t count = 0;
	const char *at = text.at, *end = text.at + text.length;
	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		count++;
		at++;
	}
	return count;
}

size_t trace_mend(struct trace_mend_state *state, struct span text, bool last,
	void (*take)(void *argument, const struct trace_mend_segment *segment), void *argument, uint64_t *ret_lines)
{
	struct mending mending = { .m.text = span_first(text, TEXT_MAXIMUM),
		.m.in_fence = state->in_fence,
		.take = take,
		.argument = argument };
	struct mender *m = &mending.m;
	size_t used = m->text.length;
	buffer_init(&m->washed, TEXT_MAXIMUM + 1);
	buffer_init(&m->logical, 2 * TRACE_RECORD_MAXIMUM);
	buffer_init(&m->body, 2 * TRACE_RECORD_MAXIMUM);
	buffer_init(&m->out, 4 * TRACE_RECORD_MAXIMUM);
	size_t washed = text.length > 0 ? mend_wash(m) : 0;
	if (washed > 0 && !m->no_memory)
		used = mend_lines(&mending, last && washed == text.length, washed);
	else if (text.length > 0)
		take(argument, &(struct trace_mend_segment){ .kind = TRACE_KIND_UNKNOWN, .raw = m->text });
	state->in_fence = m->in_fence;
	*ret_lines = count_lines(span_first(text, used));
	buffer_done(&m->washed);
	buffer_done(&m->logical);
	buffer_done(&m->body);
	buffer_done(&m->out);
	free(m->lines);
	return used;
}
