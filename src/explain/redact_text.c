/* SPDX-License-Identifier: Apache-2.0 */
/* Finds in a text what tells of somebody: by its shape (addresses, URIs, names with dots, numbers, identifiers), by
 * what stands before it (tag=, egress-zone=, CN=), and by having been seen before. What looks like a name is taken for
 * one: a word too many that is replaced does less harm than one that is not. */
#include "explain/redact_private.h"

#include <errno.h>

struct scan {
	struct explain_redactor *r;
	struct buffer *out;
	struct span text;
	size_t at;
};

static bool is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (unsigned char)byte >= 0x80;
}

/* Where a line was cut. */
static const struct span ELLIPSIS = SPAN("\xe2\x80\xa6");

static bool is_hex(char byte)
{
	return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* Of host names, identifiers and user parts alike. */
static bool is_word(char byte)
{
	return is_digit(byte) || is_letter(byte) || byte == '-' || byte == '_' || byte == '.';
}

static struct span rest_of(const struct scan *s)
{
	return span_from(s->text, s->at);
}

/* ---- what an identifier says before its value ---- */

static const struct {
	struct span key; /* in lower case, with the character that ends it */
	enum { AFTER_SECRET, AFTER_ZONE, AFTER_NAME } what;
} keys[] = {
	{ SPAN("tag="), AFTER_SECRET },
	{ SPAN("branch="), AFTER_SECRET },
	{ SPAN("epid="), AFTER_SECRET },
	{ SPAN("opaque="), AFTER_SECRET },
	{ SPAN("nonce="), AFTER_SECRET },
	{ SPAN("response="), AFTER_SECRET },
	{ SPAN("srand="), AFTER_SECRET },
	{ SPAN("crand="), AFTER_SECRET },
	{ SPAN("rspauth="), AFTER_SECRET },
	{ SPAN("gruu="), AFTER_SECRET },
	{ SPAN("sip.instance="), AFTER_SECRET },
	{ SPAN("proxy-call-id="), AFTER_SECRET },
	{ SPAN("call-serial-number="), AFTER_SECRET },
	{ SPAN("call-id="), AFTER_SECRET },
	{ SPAN("call-id:"), AFTER_SECRET },
	{ SPAN("sip-call-id:"), AFTER_SECRET },
	{ SPAN("ms-received-cid="), AFTER_SECRET },
	{ SPAN("egress-zone="), AFTER_ZONE },
	{ SPAN("ingress-zone="), AFTER_ZONE },
	{ SPAN("cn="), AFTER_NAME },
	{ SPAN("o="), AFTER_NAME },
	{ SPAN("ou="), AFTER_NAME },
	{ SPAN("username="), AFTER_NAME },
	{ SPAN("realm="), AFTER_NAME },
	{ SPAN("machine="), AFTER_NAME },
	{ SPAN("matchedzone="), AFTER_ZONE },
};

/* The value after a key: to the end of its quotes, or to what separates parameters; names of people and of
 * organisations have blanks in them. */
static struct span value_at(struct span text, bool has_blanks, size_t *ret_start)
{
	size_t start = 0;
	while (start < text.length && text.at[start] == ' ')
		start++;
	bool is_quoted = start < text.length && text.at[start] == '"';
	start += is_quoted;
	size_t end = start;
	while (end < text.length && text.at[end] != '"' && text.at[end] != '\r' && text.at[end] != '\n' &&
		(is_quoted || !memchr(";,>) ", text.at[end], has_blanks ? 4 : 5)))
		end++;
	*ret_start = start;
	return span_make(text.at + start, end - start);
}

static void append_value(struct scan *s, struct span value, unsigned int what)
{
	static const struct span cookie = SPAN("z9hG4bK");
	if (what == AFTER_ZONE) {
		redact_word(s->r, REDACT_NAME, value, s->out);
	} else if (what == AFTER_NAME) {
		if (span_find(value, '.') < value.length && span_find(value, ' ') == value.length)
			redact_domain(s->r, value, s->out);
		else
			redact_word(s->r, REDACT_NAME, value, s->out);
	} else {
		if (span_starts_nocase(value, cookie)) {
			(void)buffer_append(s->out, cookie);
			value = span_from(value, cookie.length);
		}
		redact_secret(s->r, value, s->out);
	}
}

static bool take_key(struct scan *s)
{
	struct span rest = rest_of(s);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		size_t start;
		if (!span_starts_nocase(rest, keys[i].key))
			continue;
		struct span value = value_at(span_from(rest, keys[i].key.length), keys[i].what == AFTER_NAME, &start);
		if (value.length == 0)
			return false;
		start += keys[i].key.length;
		(void)buffer_append(s->out, span_first(rest, start));
		append_value(s, value, keys[i].what);
		s->at += start + value.length;
		return true;
	}
	return false;
}

/* ---- a name in quotes before an address ---- */

#define SHOWN_NAME_MAXIMUM 200

static bool take_shown_name(struct scan *s)
{
	struct span rest = rest_of(s);
	if (rest.length < 2 || rest.at[0] != '"')
		return false;
	size_t length = span_find(span_first(span_from(rest, 1), SHOWN_NAME_MAXIMUM), '"');
	struct span behind = span_from(rest, length + 2);
	while (behind.length > 0 && behind.at[0] == ' ')
		behind = span_from(behind, 1);
	if (length == 0 || !(span_starts_nocase(behind, SPAN("<sip")) || span_starts_nocase(behind, SPAN("<tel"))))
		return false;
	buffer_append_byte(s->out, '"');
	redact_word(s->r, REDACT_NAME, span_make(rest.at + 1, length), s->out);
	buffer_append_byte(s->out, '"');
	s->at += length + 2;
	return true;
}

/* "rule 'to partners' led to …", as the reasons say it. */
static bool take_rule_name(struct scan *s)
{
	static const struct span before = SPAN("rule '"), behind = SPAN("' led to ");
	struct span rest = rest_of(s);
	if (!span_starts_nocase(rest, before))
		return false;
	struct span name = span_from(rest, before.length);
	name = span_first(name, span_find_span(name, behind));
	if (name.length == 0 || name.length == rest.length - before.length)
		return false;
	(void)buffer_append(s->out, before);
	redact_word(s->r, REDACT_NAME, name, s->out);
	s->at += before.length + name.length;
	return true;
}

/* ---- words by their shape ---- */

static bool take_address(struct scan *s)
{
	struct span rest = rest_of(s);
	size_t length = 0, colons = 0, dots = 0;
	while (length < rest.length && length < 45 && (is_hex(rest.at[length]) || memchr(":.", rest.at[length], 2))) {
		colons += rest.at[length] == ':';
		dots += rest.at[length] == '.';
		length++;
	}
	/* With a port behind it, or at the end of a sentence. */
	for (; length >= 3 && (colons >= 1 || dots >= 3); length--) {
		bool is_open = length < rest.length && is_word(rest.at[length]) && rest.at[length] != '.';
		if (is_open || !redact_address(s->r, span_first(rest, length), s->out))
			continue;
		s->at += length;
		return true;
	}
	return false;
}

/* A UUID, or digits that nobody chose: identifiers, hashes. */
static bool take_identifier(struct scan *s, struct span word)
{
	size_t digits = 0, dashes = 0;
	for (size_t i = 0; i < word.length; i++) {
		digits += is_hex(word.at[i]);
		dashes += word.at[i] == '-';
	}
	bool is_uuid = word.length == 36 && digits == 32 && dashes == 4;
	if (!is_uuid && !(digits == word.length && digits >= 16))
		return false;
	redact_secret(s->r, word, s->out);
	s->at += word.length;
	return true;
}

/* "+32 2 704 5555" is not known by its shape, "+3227045555" and "tel:3227045555" are. */
static bool take_number(struct scan *s)
{
	struct span rest = rest_of(s);
	size_t start = rest.at[0] == '+' ? 1 : 0, end;
	if (!start && !(s->at >= 4 && span_is_nocase(span_make(s->text.at + s->at - 4, 4), "tel:")))
		return false;
	for (end = start; end < rest.length && (is_digit(rest.at[end]) || (end > start && rest.at[end] == '-'));)
		end++;
	if (end - start < 5)
		return false;
	redact_word(s->r, REDACT_NUMBER, span_make(rest.at + start, end - start), s->out);
	s->at += end;
	return true;
}

/* user@: whatever may stand in a user part. */
static bool take_user(struct scan *s)
{
	struct span rest = rest_of(s);
	size_t end = 0;
	while (end < rest.length && end < 128 && (is_word(rest.at[end]) || memchr("+!%*~$&=()'", rest.at[end], 11)))
		end++;
	if (end == 0 || end == rest.length || rest.at[end] != '@')
		return false;
	redact_user(s->r, span_first(rest, end), s->out);
	s->at += end;
	return true;
}

/* A name with dots ends in a label of letters; "6.0" and "0.1.0" do not. */
static bool is_domain(struct span word)
{
	size_t last = word.length;
	while (last > 0 && word.at[last - 1] != '.')
		last--;
	if (last == 0 || word.length - last < 2 || word.at[0] == '.')
		return false;
	for (size_t i = last; i < word.length; i++)
		if (!is_letter(word.at[i]) && !(i > last && (is_digit(word.at[i]) || word.at[i] == '-')))
			return false;
	return true;
}

/* Where the ending of a file's name begins, with its dot; the length where the word is no such name. */
static size_t file_ending(struct span word)
{
	static const struct span endings[] = { SPAN(".key"), SPAN(".csr"), SPAN(".pem"), SPAN(".log"), SPAN(".txt"),
		SPAN(".pcap"), SPAN(".json") };
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (word.length > endings[i].length && span_ends_nocase(word, endings[i]))
			return word.length - endings[i].length;
	return word.length;
}

static bool is_number(struct span word)
{
	for (size_t i = 0; i < word.length; i++)
		if (!is_digit(word.at[i]))
			return false;
	return true;
}

/* Seen before, and long enough to be somebody's. */
static bool take_known(struct scan *s, struct span word)
{
	static const enum redact_class classes[] = { REDACT_LABEL, REDACT_USER, REDACT_NAME };
	if (word.length < 3 || (is_number(word) && word.length < 5))
		return false;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (redact_known(s->r, classes[i], word)) {
			redact_word(s->r, classes[i], word, s->out);
			s->at += word.length;
			return true;
		}
	return false;
}

/* "vcse.steven.lab.key": who it is for is replaced, what it is stays. */
static bool take_file(struct scan *s, struct span word)
{
	size_t ending = file_ending(word);
	struct span name = span_first(word, ending);
	if (ending == word.length)
		return false;
	if (is_domain(name))
		redact_domain(s->r, name, s->out);
	else
		redact_word(s->r, REDACT_LABEL, name, s->out);
	(void)buffer_append(s->out, span_from(word, ending));
	s->at += word.length;
	return true;
}

static void take_word(struct scan *s)
{
	struct span rest = rest_of(s);
	size_t length = 0;
	while (length < rest.length && is_word(rest.at[length]) &&
		!span_starts_nocase(span_from(rest, length), ELLIPSIS))
		length++;
	while (length > 1 && (rest.at[length - 1] == '.' || rest.at[length - 1] == '-'))
		length--;
	struct span word = span_first(rest, length);
	/* The line was cut in the middle of it: a piece of a name would be taken for another name. */
	if (span_starts_nocase(span_from(rest, length), ELLIPSIS)) {
		s->at += length;
		return;
	}
	if (take_identifier(s, word) || take_known(s, word) || take_file(s, word))
		return;
	if (is_domain(word))
		redact_domain(s->r, word, s->out);
	else
		(void)buffer_append(s->out, word);
	s->at += length;
}

int explain_redact(struct explain_redactor *r, struct span text, struct buffer *out)
{
	struct scan s = { .r = r, .out = out, .text = text };
	while (s.at < text.length) {
		char byte = text.at[s.at];
		bool begins = s.at == 0 || !is_word(text.at[s.at - 1]) || text.at[s.at - 1] == '.';
		if (take_shown_name(&s) || take_number(&s) ||
			(begins && (take_rule_name(&s) || take_key(&s) || take_address(&s) || take_user(&s))))
			continue;
		if (span_starts_nocase(rest_of(&s), ELLIPSIS)) {
			(void)buffer_append(out, ELLIPSIS);
			s.at += ELLIPSIS.length;
		} else if (is_word(byte) && byte != '.') {
			take_word(&s);
		} else {
			/* A dot that a name begins with is none of it: "*.skype.lab". */
			buffer_append_byte(out, byte);
			s.at++;
		}
	}
	return out->status;
}

int explain_redactor_learn(struct explain_redactor *r, struct span name)
{
	struct buffer nowhere;
	buffer_init(&nowhere, 1u << 20);
	bool is_plain = name.length > 0;
	for (size_t i = 0; i < name.length; i++)
		is_plain = is_plain && is_word(name.at[i]);
	if (is_plain && span_find(name, '.') == name.length && !is_number(name))
		redact_word(r, REDACT_LABEL, name, &nowhere);
	else
		(void)explain_redact(r, name, &nowhere);
	int status = nowhere.status == 0 && r->is_full ? -ENOMEM : nowhere.status;
	buffer_done(&nowhere);
	return status;
}
