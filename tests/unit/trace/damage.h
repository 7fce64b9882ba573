/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_DAMAGE_H
#define FEDGE_TESTS_DAMAGE_H
/* What mail, wikis, editors and terminals do to a text. Each function takes a text that is whole and appends what
 * becomes of it. */
#include "base/buffer.h"

#include <ctype.h>

static bool damage_next_line(struct span *rest, struct span *ret_line)
{
	if (rest->length == 0)
		return false;
	*ret_line = span_first(*rest, span_find(*rest, '\n'));
	*rest = span_from(*rest, ret_line->length + 1);
	return true;
}

/* ---- lines wrapped ---- */

static bool breaks_behind(struct span line, size_t at)
{
	return line.at[at] == '-' && at > 0 && isalpha((unsigned char)line.at[at - 1]) && at + 1 < line.length &&
	       isalnum((unsigned char)line.at[at + 1]);
}

/* At blanks and behind hyphens, as mail programs and browsers do; a word that is too long is cut nowhere. */
static void damage_wrap(struct span text, size_t width, struct buffer *out)
{
	struct span rest = text, line;
	while (damage_next_line(&rest, &line)) {
		while (line.length > width) {
			size_t at = width;
			while (at > 0 && line.at[at] != ' ' && !breaks_behind(line, at - 1))
				at--;
			for (size_t i = width; at == 0 && i < line.length; i++)
				if (line.at[i] == ' ' || breaks_behind(line, i - 1))
					at = i;
			if (at == 0)
				break;
			(void)buffer_append(out, span_first(line, at));
			(void)buffer_append_byte(out, '\n');
			line = span_from(line, line.at[at] == ' ' ? at + 1 : at);
		}
		(void)buffer_append(out, line);
		(void)buffer_append_byte(out, '\n');
	}
}

/* At a column, as terminals do. */
static void damage_cut(struct span text, size_t width, struct buffer *out)
{
	struct span rest = text, line;
	while (damage_next_line(&rest, &line)) {
		for (; line.length > width; line = span_from(line, width)) {
			(void)buffer_append(out, span_first(line, width));
			(void)buffer_append_byte(out, '\n');
		}
		(void)buffer_append(out, line);
		(void)buffer_append_byte(out, '\n');
	}
}

static void damage_wrap_60(struct span text, struct buffer *out)
{
	damage_wrap(text, 60, out);
}
static void damage_wrap_80(struct span text, struct buffer *out)
{
	damage_wrap(text, 80, out);
}
static void damage_wrap_100(struct span text, struct buffer *out)
{
	damage_wrap(text, 100, out);
}
static void damage_cut_60(struct span text, struct buffer *out)
{
	damage_cut(text, 60, out);
}
static void damage_cut_80(struct span text, struct buffer *out)
{
	damage_cut(text, 80, out);
}
static void damage_cut_100(struct span text, struct buffer *out)
{
	damage_cut(text, 100, out);
}

/* ---- lines joined, doubled, put behind something ---- */

static void damage_between(struct span text, const char *before, const char *after, struct buffer *out)
{
	struct span rest = text, line;
	while (damage_next_line(&rest, &line)) {
		(void)buffer_append_text(out, before);
		(void)buffer_append(out, line);
		(void)buffer_append_text(out, after);
	}
}

/* All lines of the text on one. */
static void damage_join(struct span text, struct buffer *out)
{
	damage_between(text, "", " ", out);
	(void)buffer_append_byte(out, '\n');
}
static void damage_double(struct span text, struct buffer *out)
{
	damage_between(text, "", "\n\n", out);
}
static void damage_returns(struct span text, struct buffer *out)
{
	damage_between(text, "", "\r\n", out);
}
/* What rsyslog makes of a CR. */
static void damage_015(struct span text, struct buffer *out)
{
	damage_between(text, "", "#015\n", out);
}
static void damage_015_012(struct span text, struct buffer *out)
{
	damage_between(text, "", "#015#012", out);
	(void)buffer_append_byte(out, '\n');
}
static void damage_written_ends(struct span text, struct buffer *out)
{
	damage_between(text, "", "\\r\\n", out);
	(void)buffer_append_byte(out, '\n');
}
static void damage_caret_m(struct span text, struct buffer *out)
{
	damage_between(text, "", "^M\n", out);
}
static void damage_quoted(struct span text, struct buffer *out)
{
	damage_between(text, "> ", "\n", out);
}
static void damage_quoted_twice(struct span text, struct buffer *out)
{
	damage_between(text, ">> ", "\n", out);
}
static void damage_indented(struct span text, struct buffer *out)
{
	damage_between(text, "    ", "\n", out);
}
static void damage_without_indents(struct span text, struct buffer *out)
{
	struct span rest = text, line;
	while (damage_next_line(&rest, &line)) {
		(void)buffer_append(out, span_trim(line));
		(void)buffer_append_byte(out, '\n');
	}
}
static void damage_syslog(struct span text, struct buffer *out)
{
	damage_between(text, "Mar  2 08:10:47 relay collector[17]: ", "\n", out);
}
static void damage_fenced(struct span text, struct buffer *out)
{
	(void)buffer_append_text(out, "The log:\n\n```\n");
	(void)buffer_append(out, text);
	(void)buffer_append_text(out, "```\n\nWhat can it be?\n");
}

static void number_lines(struct span text, const char *format, struct buffer *out)
{
	struct span rest = text, line;
	for (int i = 97; damage_next_line(&rest, &line); i++) {
		(void)buffer_printf(out, "%*d", strchr(format, '|') ? 5 : 1, i);
		(void)buffer_append_text(out, format);
		(void)buffer_append(out, line);
		(void)buffer_append_byte(out, '\n');
	}
}
static void damage_numbers_colon(struct span text, struct buffer *out)
{
	number_lines(text, ": ", out);
}
static void damage_numbers_bar(struct span text, struct buffer *out)
{
	number_lines(text, " | ", out);
}
static void damage_numbers_arrow(struct span text, struct buffer *out)
{
	number_lines(text, "\xe2\x86\x92", out);
}
static void damage_numbers_tab(struct span text, struct buffer *out)
{
	number_lines(text, "\t", out);
}
static void damage_numbers_line(struct span text, struct buffer *out)
{
	struct span rest = text, line;
	for (int i = 190; damage_next_line(&rest, &line); i++) {
		(void)buffer_printf(out, "Line %d: ", i);
		(void)buffer_append(out, line);
		(void)buffer_append_byte(out, '\n');
	}
}

/* ---- characters replaced ---- */

/* Each occurrence of one text by another. */
static void replace(struct span text, const char *what, const char *by, struct buffer *out)
{
	struct span rest = text, needle = span_of(what);
	for (size_t at; (at = span_find_span(rest, needle)) < rest.length; rest = span_from(rest, at + needle.length)) {
		(void)buffer_append(out, span_first(rest, at));
		(void)buffer_append_text(out, by);
	}
	(void)buffer_append(out, rest);
}

/* Every other quote is a closing one. */
static void replace_quotes(struct span text, const char *open, const char *close, struct buffer *out)
{
	bool odd = false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '"') {
			(void)buffer_append_byte(out, text.at[i]);
			continue;
		}
		(void)buffer_append_text(out, odd ? close : open);
		odd = !odd;
	}
}
static void damage_curly(struct span text, struct buffer *out)
{
	replace_quotes(text, "\xe2\x80\x9c", "\xe2\x80\x9d", out);
}
static void damage_curly_low(struct span text, struct buffer *out)
{
	replace_quotes(text, "\xe2\x80\x9e", "\xe2\x80\x9c", out);
}
static void damage_blanks_in_quotes(struct span text, struct buffer *out)
{
	replace_quotes(text, "\" ", " \"", out);
}
static void damage_nbsp(struct span text, struct buffer *out)
{
	replace(text, " ", "\xc2\xa0", out);
}
static void damage_blanks_before_colons(struct span text, struct buffer *out)
{
	for (size_t i = 0; i < text.length; i++) {
		bool is_name = text.at[i] == ':' && i > 0 && isalpha((unsigned char)text.at[i - 1]) &&
			       i + 1 < text.length && text.at[i + 1] == ' ';
		(void)buffer_append_text(out, is_name ? " " : "");
		(void)buffer_append_byte(out, text.at[i]);
	}
}
/* Outside of quotes. */
static void damage_two_blanks(struct span text, struct buffer *out)
{
	bool odd = false;
	for (size_t i = 0; i < text.length; i++) {
		odd ^= text.at[i] == '"';
		(void)buffer_append_text(out, text.at[i] == ' ' && !odd ? "  " : "");
		if (text.at[i] != ' ' || odd)
			(void)buffer_append_byte(out, text.at[i]);
	}
}
static void damage_html(struct span text, struct buffer *out)
{
	struct buffer first, second;
	buffer_init(&first, 1 << 24);
	buffer_init(&second, 1 << 24);
	replace(text, "<", "&lt;", &first);
	replace(buffer_span(&first), ">", "&gt;", &second);
	replace(buffer_span(&second), "\"", "&quot;", out);
	buffer_done(&first);
	buffer_done(&second);
}
static void damage_breaks(struct span text, struct buffer *out)
{
	damage_between(text, "", "<br>\n", out);
}
static void damage_escapes(struct span text, struct buffer *out)
{
	replace(text, "_", "\\_", out);
}
static void damage_bold(struct span text, struct buffer *out)
{
	replace(text, "SIP/2.0 504", "**SIP/2.0 504**", out);
}
static void damage_utf16(struct span text, struct buffer *out)
{
	(void)buffer_append(out, SPAN("\xff\xfe"));
	for (size_t i = 0; i < text.length; i++) {
		(void)buffer_append_byte(out, text.at[i]);
		(void)buffer_append_byte(out, '\0');
	}
}
/* The header line of a trace, as the TAC document has it. */
static void damage_underscores(struct span text, struct buffer *out)
{
	struct buffer first;
	buffer_init(&first, 1 << 24);
	replace(text, "TL_", "TL ", &first);
	replace(buffer_span(&first), "(TF_", "(TF ", out);
	buffer_done(&first);
}

static const struct damage {
	const char *name;
	void (*apply)(struct span text, struct buffer *out);
} damages[] = {
	{ "nothing", NULL },
	{ "wrapped at 60", damage_wrap_60 },
	{ "wrapped at 80", damage_wrap_80 },
	{ "wrapped at 100", damage_wrap_100 },
	{ "cut at 60", damage_cut_60 },
	{ "cut at 80", damage_cut_80 },
	{ "cut at 100", damage_cut_100 },
	{ "on one line", damage_join },
	{ "line ends doubled", damage_double },
	{ "CR LF", damage_returns },
	{ "#015", damage_015 },
	{ "#015#012 on one line", damage_015_012 },
	{ "\\r\\n written out", damage_written_ends },
	{ "^M", damage_caret_m },
	{ "quoted by mail", damage_quoted },
	{ "quoted twice", damage_quoted_twice },
	{ "indented", damage_indented },
	{ "indents lost", damage_without_indents },
	{ "syslog in front", damage_syslog },
	{ "in a block of code", damage_fenced },
	{ "numbers with a colon", damage_numbers_colon },
	{ "numbers with a bar", damage_numbers_bar },
	{ "numbers with an arrow", damage_numbers_arrow },
	{ "numbers with a tab", damage_numbers_tab },
	{ "Line N:", damage_numbers_line },
	{ "curly quotes", damage_curly },
	{ "low quotes", damage_curly_low },
	{ "blanks inside quotes", damage_blanks_in_quotes },
	{ "blanks that do not break", damage_nbsp },
	{ "blanks before colons", damage_blanks_before_colons },
	{ "two blanks for one", damage_two_blanks },
	{ "entities of HTML", damage_html },
	{ "breaks of HTML", damage_breaks },
	{ "escapes of Markdown", damage_escapes },
	{ "bold of Markdown", damage_bold },
	{ "UTF-16", damage_utf16 },
	{ "underscores lost", damage_underscores },
};
#endif
