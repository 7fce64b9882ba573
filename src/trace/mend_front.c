/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in front of a line: quotation marks, numbers, the prefix of a syslog. */
#include "trace/mend_private.h"
#include "trace/stamp_read.h"

#include <ctype.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A mark of a quotation, as it is or as HTML writes it; gives its length. */
static size_t quote_mark(struct span line)
{
	if (line.length > 0 && line.at[0] == '>')
		return 1;
	return span_equal(span_first(line, 4), SPAN("&gt;")) ? 4 : 0;
}

/* A blank, or one that does not break; gives its length. */
static size_t blank(struct span line)
{
	if (line.length > 0 && line.at[0] == ' ')
		return 1;
	return span_equal(span_first(line, 2), SPAN("\xc2\xa0")) ? 2 : 0;
}

/* "> ", ">> ", "> > ": as mail quotes, blanks before it or not. Gives its length. */
size_t mend_quoting(struct span line)
{
	size_t i = 0, end = 0, marks = 0, length;
	while ((length = quote_mark(span_from(line, i))) > 0 || (length = blank(span_from(line, i))) > 0) {
		bool is_mark = quote_mark(span_from(line, i)) > 0;
		if (!is_mark && (i > 16 || (end > 0 && blank(span_from(line, i + length)))))
			break;
		i += length;
		marks += is_mark;
		end = is_mark ? i : end;
	}
	if (end == 0)
		return 0;
	size_t behind = blank(span_from(line, end));
	/* A header that was cut may begin with one: ">;tag=1". */
	return behind || end == line.length || line.at[end] == '\r' || marks > 1 ? end + behind : 0;
}

/* "12: ", "  12 | ", "12\t", "12→", "Line 12: ": a number, and its style, 0: none. */
struct numbering {
	uint64_t number;
	size_t length;
	char style;
};

static struct numbering numbering_of(struct span line)
{
	struct numbering n = { 0 };
	size_t i = 0;
	while (i < line.length && (line.at[i] == ' ' || line.at[i] == '\t') && i < 12)
		i++;
	if (span_equal(span_first(span_from(line, i), 5), SPAN("Line ")))
		i += 5;
	size_t digits = i;
	while (i < line.length && is_digit(line.at[i]) && i - digits < 9)
		n.number = n.number * 10 + (uint64_t)(line.at[i++] - '0');
	if (i == digits)
		return n;
	struct span rest = span_from(line, i);
	size_t blanks = span_equal(span_first(rest, 1), SPAN(" "));
	struct span mark = span_from(rest, blanks);
	size_t length = 0;
	if (mark.length > 0 && (mark.at[0] == ':' || mark.at[0] == '|' || mark.at[0] == '\t' || mark.at[0] == ')'))
		length = 1;
	else if (span_equal(span_first(mark, 3), SPAN("\xe2\x86\x92")))
		length = 3;
	if (length == 0)
		return n;
	struct span behind = span_from(mark, length);
	if (mark.at[0] == ':' && behind.length > 0 && behind.at[0] != ' ' && behind.at[0] != '\r')
		return n;
	n.style = mark.at[0];
	/* Behind a tab or an arrow no blank is put. */
	bool has_blank = behind.length > 0 && behind.at[0] == ' ' && length == 1 && mark.at[0] != '\t';
	n.length = i + blanks + length + has_blank;
	return n;
}

/* "Mar  2 08:10:46" or a stamp with year; gives its length. */
size_t mend_syslog_stamp(struct span line)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t us;
	int32_t offset_s;
	if (line.length > 20 && is_digit(line.at[0])) {
		size_t used = trace_stamp_read(line, false, &us);
		return used ? used + trace_stamp_read_offset(span_from(line, used), &offset_s) : 0;
	}
	if (line.length < 16 || line.at[3] != ' ' || line.at[9] != ':' || line.at[12] != ':')
		return 0;
	for (size_t i = 0; i < 36; i += 3)
		if (memcmp(line.at, months + i, 3) == 0)
			return 15;
	return 0;
}

static struct span cut_word(struct span *rest)
{
	struct span word = span_first(*rest, span_find(*rest, ' '));
	*rest = span_from(*rest, word.length + 1);
	return word;
}

static bool is_keys(struct span text)
{
	size_t i = 0;
	while (i < text.length && (isalnum((unsigned char)text.at[i]) || text.at[i] == '-' || text.at[i] == '_'))
		i++;
	return i > 1 && i + 1 < text.length && text.at[i] == '=';
}

/* "<166>Mar  2 08:10:46 vcse tvcs: ", where what follows is not the keys of that line's own record. */
static size_t syslog_prefix(struct span line)
{
	struct span rest = line;
	if (rest.length > 3 && rest.at[0] == '<') {
		size_t close = span_find(span_first(rest, 5), '>');
		if (close < 2 || close > 4 || !is_digit(rest.at[1]))
			return 0;
		rest = span_from(rest, close + 1);
		if (rest.length > 2 && rest.at[0] == '1' && rest.at[1] == ' ')
			rest = span_from(rest, 2);
	}
	size_t stamp = mend_syslog_stamp(rest);
	if (stamp == 0 || stamp >= rest.length || rest.at[stamp] != ' ')
		return 0;
	rest = span_from(rest, stamp + 1);
	struct span host = cut_word(&rest), process = cut_word(&rest);
	if (host.length == 0 || host.length > 64 || process.length < 2 || process.length > 64 ||
		process.at[process.length - 1] != ':')
		return 0;
	struct span text = span_trim(rest);
	bool is_box = span_starts_nocase(process, SPAN("tvcs"));
	if (!rest.at || (is_box && (is_keys(text) || text.length == 0)))
		return 0;
	return (size_t)(rest.at - line.at);
}

/* What was put in front, in whatever order. */
struct span mend_without_front(struct span line, struct span before, struct span after)
{
	line = span_from(line, mend_quoting(line));
	struct numbering n = numbering_of(line);
	if (n.style) {
		struct numbering last = numbering_of(span_from(before, mend_quoting(before)));
		struct numbering next = numbering_of(span_from(after, mend_quoting(after)));
		if ((last.style == n.style && last.number + 1 == n.number) ||
			(next.style == n.style && n.number + 1 == next.number) ||
			mend_anchor_of(span_first(span_from(line, n.length), 256)) != MEND_NONE)
			line = span_from(line, n.length);
	}
	line = span_from(line, mend_quoting(line));
	line = span_from(line, syslog_prefix(line));
	return span_from(line, mend_quoting(line));
}
