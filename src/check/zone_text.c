/* SPDX-License-Identifier: Apache-2.0 */
#include "check/zone_text.h"

#include "check/zone.h"

#include <errno.h>

void zone_text_init(struct zone_text *text, struct span bytes)
{
	static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file so */
	bool marked = bytes.length >= 3 && memcmp(bytes.at, mark, 3) == 0;
	*text = (struct zone_text){ .rest = span_from(bytes, marked ? 3 : 0), .line = 1 };
}

struct cutter {
	struct zone_text *text;
	struct zone_entry *entry;
	const char *at, *end, *begin;
	bool open; /* a parenthesis */
	uint32_t opened; /* its line */
};

static int fail(struct cutter *c, uint32_t line, const char *what)
{
	c->entry->line = line;
	c->text->what = what;
	return -EBADMSG;
}

static bool ends_word(char byte)
{
	return byte == '\0' || strchr(" \t\r\n;()\"", byte) != NULL;
}

/* The backslash and what it escapes. */
static int skip_escape(struct cutter *c)
{
	c->at++;
	if (c->at == c->end || *c->at == '\n' || *c->at == '\r')
		return fail(c, c->text->line, "a backslash stands at the end of a line");
	c->at++;
	return 0;
}

static int skip_quoted(struct cutter *c)
{
	for (c->at++; c->at < c->end && *c->at != '"';) {
		if (*c->at == '\n')
			break;
		if (*c->at != '\\')
			c->at++;
		else if (skip_escape(c) < 0)
			return -EBADMSG;
	}
	if (c->at == c->end || *c->at != '"')
		return fail(c, c->text->line, "a quotation mark is not closed on its line");
	c->at++;
	return 0;
}

static int skip_plain(struct cutter *c)
{
	while (c->at < c->end && !ends_word(*c->at)) {
		unsigned char byte = (unsigned char)*c->at;
		if (byte < ' ' || byte == 0x7f)
			return fail(c, c->text->line, "there is a control character; this is no plain text file");
		if (byte != '\\')
			c->at++;
		else if (skip_escape(c) < 0)
			return -EBADMSG;
	}
	return 0;
}

static int take_word(struct cutter *c)
{
	const char *begin = c->at;
	if (c->entry->count == ZONE_TEXT_WORDS_MAXIMUM)
		return fail(c, c->text->line, "the record has too many words");
	if (*c->at == '\0')
		return fail(c, c->text->line, "there is a zero byte; this is no plain text file");
	if ((*c->at == '"' ? skip_quoted(c) : skip_plain(c)) < 0)
		return -EBADMSG;
	c->entry->words[c->entry->count++] = span_make(begin, (size_t)(c->at - begin));
	return 0;
}

static int take_parenthesis(struct cutter *c)
{
	bool opens = *c->at++ == '(';
	if (opens == c->open)
		return fail(c, c->text->line,
			opens ? "a parenthesis is opened within another"
			      : "a parenthesis is closed that was not opened");
	c->open = opens;
	c->opened = c->text->line;
	return 0;
}

/* true: the entry is at its end. */
static bool take_newline(struct cutter *c)
{
	c->at++;
	c->text->line++;
	if (c->open)
		return false;
	if (c->entry->count > 0)
		return true;
	c->begin = c->at;
	c->entry->line = c->text->line;
	c->entry->same_owner = c->at < c->end && (*c->at == ' ' || *c->at == '\t');
	return false;
}

static int take_entry(struct cutter *c)
{
	while (c->at < c->end) {
		int status = 0;
		if ((size_t)(c->at - c->begin) > CHECK_ZONE_LINE_MAXIMUM)
			return fail(c, c->entry->line, "the record is longer than 65536 bytes");
		if (*c->at == '\n') {
			if (take_newline(c))
				return 0;
		} else if (*c->at == ' ' || *c->at == '\t' || *c->at == '\r') {
			c->at++;
		} else if (*c->at == ';') {
			const char *newline = memchr(c->at, '\n', (size_t)(c->end - c->at));
			c->at = newline ? newline : c->end;
			if (!c->open && c->entry->count == 0)
				c->begin = c->at;
		} else if (*c->at == '(' || *c->at == ')') {
			status = take_parenthesis(c);
		} else {
			status = take_word(c);
		}
		if (status < 0)
			return status;
	}
	return c->open ? fail(c, c->opened, "a parenthesis is opened here and never closed") : 0;
}

int zone_text_next(struct zone_text *text, struct zone_entry *ret_entry)
{
	struct cutter c = { .text = text, .entry = ret_entry, .at = text->rest.at, .begin = text->rest.at };
	c.end = c.at + text->rest.length;
	ret_entry->line = text->line;
	ret_entry->count = 0;
	ret_entry->same_owner = c.at < c.end && (*c.at == ' ' || *c.at == '\t');
	int status = take_entry(&c);
	text->rest = span_make(c.at, (size_t)(c.end - c.at));
	return status < 0 ? status : ret_entry->count > 0;
}
