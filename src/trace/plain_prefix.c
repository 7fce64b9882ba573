/* SPDX-License-Identifier: Apache-2.0 */
/* What logs write in front of each line: RFC 3164 and RFC 5424 as they arrive or as rsyslog and journalctl write them
 * to files, the stamp and level of an Asterisk log, the process that Kamailio names on its standard error. */
#include "trace/plain_private.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take(struct span *rest, char byte)
{
	if (rest->length == 0 || rest->at[0] != byte)
		return false;
	*rest = span_from(*rest, 1);
	return true;
}

static bool take_stamp(struct span *rest, struct plain_stamp *ret_stamp)
{
	size_t used = plain_stamp_read(*rest, ret_stamp);
	*rest = span_from(*rest, used);
	return used > 0;
}

/* Up to the blank, which is taken too. Empty where none follows: a prefix has something behind it. */
static struct span take_word(struct span *rest)
{
	size_t length = span_find(*rest, ' ');
	if (length == rest->length)
		return SPAN_NONE;
	struct span word = span_first(*rest, length);
	*rest = span_from(*rest, length + 1);
	return word;
}

/* "kamailio[123]", "[123]", "kamailio" */
static void read_tag(struct span tag, struct plain_prefix *p)
{
	size_t open = span_find(tag, '[');
	uint64_t process;
	struct span digits = span_from(tag, open + 1);
	if (open < tag.length && span_to_u64(span_first(digits, span_find(digits, ']')), UINT32_MAX, &process) == 0)
		p->process = (uint32_t)process;
}

static bool is_tag(struct span word)
{
	return word.length > 0 && (word.at[word.length - 1] == ':' || span_find(word, '[') < word.length);
}

/* "host kamailio[123]: "; the host may be missing, and so may the colon. */
static bool read_sender(struct span *rest, struct plain_prefix *p)
{
	struct span start = *rest;
	struct span word = take_word(rest);
	if (word.length == 0)
		return false;
	if (!is_tag(word)) {
		p->node = word;
		struct span after = *rest;
		word = take_word(&after);
		if (!is_tag(word))
			return false;
		*rest = after;
	}
	read_tag(word, p);
	p->key = span_hash_nocase(span_first(start, (size_t)(rest->at - start.at)));
	return true;
}

/* RFC 5424, behind "<134>1 ": the time, host, name, process, message and structured data. */
static bool read_new(struct span *rest, struct plain_prefix *p)
{
	if (!take_stamp(rest, &p->stamp) || !take(rest, ' '))
		return false;
	struct span start = *rest;
	p->node = take_word(rest);
	struct span name = take_word(rest), process = take_word(rest);
	uint64_t number;
	p->key = span_hash_nocase(span_first(start, (size_t)(rest->at - start.at)));
	struct span message = take_word(rest);
	if (name.length == 0 || message.length == 0)
		return false;
	if (span_to_u64(process, UINT32_MAX, &number) == 0)
		p->process = (uint32_t)number;
	if (span_is(p->node, "-"))
		p->node = SPAN_NONE;
	if (take(rest, '-')) {
		(void)take(rest, ' ');
		return true;
	}
	while (take(rest, '['))
		*rest = span_from(*rest, span_find(*rest, ']') + 1);
	return take(rest, ' ');
}

static bool read_syslog(struct span *rest, struct plain_prefix *p)
{
	struct span all = *rest;
	if (take(rest, '<')) {
		size_t digits = span_find(*rest, '>');
		uint64_t priority;
		if (digits > 3 || span_to_u64(span_first(*rest, digits), 191, &priority) != 0)
			return false;
		*rest = span_from(*rest, digits + 1);
		if (rest->length > 2 && rest->at[0] == '1' && rest->at[1] == ' ') {
			*rest = span_from(*rest, 2);
			return read_new(rest, p);
		}
		all = *rest;
	}
	/* With a blank instead of the T it is the line of another log. */
	if (all.length < 16 || (is_digit(all.at[0]) && all.at[10] != 'T'))
		return false;
	return take_stamp(rest, &p->stamp) && p->stamp.kind != PLAIN_STAMP_CLOCK && take(rest, ' ') &&
	       read_sender(rest, p);
}

/* "[2024-01-01 12:00:00.123] VERBOSE[123][C-00000001] chan_sip.c: ", "[Jan  1 12:00:00] " */
static bool read_asterisk(struct span *rest, struct plain_prefix *p)
{
	if (!take(rest, '[') || !take_stamp(rest, &p->stamp) || p->stamp.kind == PLAIN_STAMP_CLOCK)
		return false;
	/* A fraction of three digits may be followed by a zone. */
	size_t close = span_find(*rest, ']');
	if (close > 8)
		return false;
	*rest = span_from(*rest, close + 1);
	p->key = 1;
	if (!take(rest, ' '))
		return rest->length == 0;
	size_t level = 0;
	while (level < rest->length && rest->at[level] >= 'A' && rest->at[level] <= 'Z')
		level++;
	struct span after = span_from(*rest, level);
	if (level < 3 || after.length == 0 || after.at[0] != '[')
		return true;
	read_tag(span_first(after, span_find(after, ' ')), p);
	p->key = (uint64_t)p->process << 1 | 1;
	(void)take_word(&after);
	/* The place in the code, with a line and a function where it is no verbose message. */
	size_t colon = span_find_span(after, SPAN(": "));
	*rest = colon < after.length ? span_from(after, colon + 2) : span_from(after, after.length);
	return true;
}

/* " 3(12345) INFO: …" */
static bool read_process(struct span *rest, struct plain_prefix *p)
{
	while (take(rest, ' '))
		;
	size_t open = span_find(span_first(*rest, 4), '(');
	uint64_t number;
	if (open == 0 || span_to_u64(span_first(*rest, open), 9999, &number) != 0)
		return false;
	*rest = span_from(*rest, open);
	if (!take(rest, '('))
		return false;
	size_t close = span_find(*rest, ')');
	if (span_to_u64(span_first(*rest, close), UINT32_MAX, &number) != 0)
		return false;
	*rest = span_from(*rest, close + 1);
	p->process = (uint32_t)number;
	p->key = number << 1 | 1;
	return take(rest, ' ');
}

void plain_prefix_read(struct span line, struct plain_prefix *ret_prefix)
{
	struct plain_prefix prefix = { 0 };
	struct span rest = line;
	bool found = false;
	*ret_prefix = prefix;
	if (line.length < 8)
		return;
	char first = line.at[0];
	if (first == '[')
		found = read_asterisk(&rest, &prefix);
	else if (first == '<' || (line.length > 15 && (is_digit(first) || line.at[3] == ' ')))
		found = read_syslog(&rest, &prefix);
	if (!found && (first == ' ' || is_digit(first))) {
		rest = line;
		prefix = (struct plain_prefix){ 0 };
		found = read_process(&rest, &prefix);
	}
	if (!found)
		return;
	prefix.length = line.length - rest.length;
	prefix.key |= 1;
	*ret_prefix = prefix;
}
