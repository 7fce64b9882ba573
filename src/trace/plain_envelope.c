/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that tools write in front of a message, as a table. docs/formats.md names the source of each. */
#include "base/require.h"
#include "trace/plain_private.h"
#include "trace/text_read.h"

/* In a pattern a blank stands for one or more, and:
 *	%t	a time with its date
 *	%T	a time, or ngrep's distance to the last packet, with the blank behind it; may be missing
 *	%c	a time, with its date or without
 *	%f %d	who sent the message, and who got it: an address with its port
 *	%p	a transport
 *	%n	a number
 *	%w	a word
 *	%b	anything up to a closing bracket
 *	%r	the rest of the line */
static const struct {
	const char *pattern;
	enum plain_shape shape;
	enum record_direction direction;
	enum record_transport transport;
} rows[] = {
	{ "U %T%f -> %d%r", PLAIN_SHAPE_NGREP, RECORD_PASSED, RECORD_UDP },
	{ "T %T%f -> %d%r", PLAIN_SHAPE_NGREP, RECORD_PASSED, RECORD_TCP },
	{ "U(17) %T%f -> %d%r", PLAIN_SHAPE_NGREP, RECORD_PASSED, RECORD_UDP },
	{ "T(6) %T%f -> %d%r", PLAIN_SHAPE_NGREP, RECORD_PASSED, RECORD_TCP },
	{ "%t %f -> %d", PLAIN_SHAPE_LINE, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "proto:%p %t %f ---> %d", PLAIN_SHAPE_LINE, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "proto:%w %t %f ---> %d", PLAIN_SHAPE_LINE, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "in %p %t %f -> %d", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
	{ "out %p %t %f -> %d", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "in %p %f -> %d", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
	{ "out %p %f -> %d", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "<--- Received SIP %w (%n bytes) from %p:%f --->", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
	{ "<--- Transmitting SIP %w (%n bytes) to %p:%d --->", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "<--- SIP read from %p:%f --->", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
	{ "<--- SIP read from %f --->", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
	{ "<--- Transmitting (%b to %d --->", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "<--- Reliably Transmitting (%b to %d --->", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "Transmitting (%b to %d:", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "Reliably Transmitting (%b to %d:", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "Retransmitting #%n (%b to %d:", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "recv %n bytes from %p/%f at %c:", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
	{ "send %n bytes to %p/%d at %c:", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "sent %n bytes to %p/%d at %c:", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "%c IP %f > %d: UDP, length %n", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_UDP },
	{ "%c IP6 %f > %d: UDP, length %n", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_UDP },
	{ "%c IP %f > %d: Flags%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TCP },
	{ "%c IP6 %f > %d: Flags%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TCP },
	{ "%c IP %f > %d: SIP%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_UDP },
	{ "%c IP6 %f > %d: SIP%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_UDP },
	{ "%c IP %f > %d:%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c IP6 %f > %d:%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c IP (%r", PLAIN_SHAPE_TIME, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c IP6 (%r", PLAIN_SHAPE_TIME, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c %w %w IP %f > %d:%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c %w %w IP6 %f > %d:%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c %w %w IP (%r", PLAIN_SHAPE_TIME, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "%c %w %w IP6 (%r", PLAIN_SHAPE_TIME, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "    %f > %d:%r", PLAIN_SHAPE_TCPDUMP, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "====================", PLAIN_SHAPE_SIPDUMP, RECORD_PASSED, RECORD_TRANSPORT_NONE },
	{ "----------------------------------------------- %t", PLAIN_SHAPE_TIME, RECORD_PASSED,
		RECORD_TRANSPORT_NONE },
	{ "%p message sent (%n bytes):", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "%p message sent [%n] bytes:", PLAIN_SHAPE_LINE, RECORD_SENT, RECORD_TRANSPORT_NONE },
	{ "%p message received [%n] bytes :", PLAIN_SHAPE_LINE, RECORD_RECEIVED, RECORD_TRANSPORT_NONE },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'z';
}

static bool read_transport(struct span word, enum record_transport *ret_transport)
{
	static const struct {
		const char *word;
		enum record_transport transport;
	} words[] = { { "udp", RECORD_UDP }, { "tcp", RECORD_TCP }, { "tls", RECORD_TLS }, { "ws", RECORD_TCP },
		{ "wss", RECORD_TLS }, { "sctp", RECORD_TRANSPORT_NONE }, { "any", RECORD_TRANSPORT_NONE },
		{ "none", RECORD_TRANSPORT_NONE } };
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (span_is_nocase(word, words[i].word)) {
			*ret_transport = words[i].transport;
			return true;
		}
	return false;
}

/* Host and port, with the port behind that byte. False where the host is no address. */
static bool split_port(struct span text, size_t at, struct record_address *ret_address)
{
	uint64_t port;
	struct span digits = span_from(text, at + 1);
	if (at >= text.length || span_to_u64(digits, UINT16_MAX, &port) != 0 ||
		record_address_parse(span_first(text, at), ret_address) != 0)
		return false;
	ret_address->port = (uint16_t)port;
	return true;
}

static size_t last(struct span text, char byte)
{
	size_t at = text.length;
	while (at > 0 && text.at[at - 1] != byte)
		at--;
	return at > 0 ? at - 1 : text.length;
}

/* "1.2.3.4:5060", "[::1]:5060", "::1:5060" (ngrep), "1.2.3.4.5060", "::1.5060" (tcpdump), or without a port; behind it
 * "/7;comp=sigcomp" (FreeSWITCH). */
static bool read_address(struct span text, struct record_address *ret_address)
{
	struct record_address address = { 0 };
	text = span_first(text, span_find(text, '/'));
	text = span_first(text, span_find(text, ';'));
	if (text.length == 0 || text.length > RECORD_ADDRESS_TEXT + 8)
		return false;
	if (text.at[0] == '[') {
		if (!trace_read_host_port(text, &address))
			return false;
	} else if (!split_port(text, last(text, ':'), &address) && !split_port(text, last(text, '.'), &address) &&
		   record_address_parse(text, &address) != 0) {
		return false;
	}
	*ret_address = address;
	return true;
}

/* A word, without what the pattern says next. */
static struct span word_of(struct span text, const char *next)
{
	struct span word = span_first(text, span_find(text, ' '));
	if (*next && *next != ' ' && *next != '%' && word.length > 0 && word.at[word.length - 1] == *next)
		word.length--;
	return word;
}

static size_t count_letters(struct span text)
{
	size_t count = 0;
	while (count < text.length && is_letter(text.at[count]))
		count++;
	return count;
}

static size_t count_digits(struct span text)
{
	size_t count = 0;
	while (count < text.length && is_digit(text.at[count]))
		count++;
	return count;
}

static bool match_stamp(struct span *rest, char letter, struct plain_envelope *e)
{
	size_t used = plain_stamp_read(*rest, &e->stamp);
	if (letter == 'T') {
		if (used == 0 && rest->length > 0 && rest->at[0] == '+')
			used = span_find(*rest, ' ');
		used += used > 0 && used < rest->length;
	} else if (used == 0 || (letter == 't' && e->stamp.kind != PLAIN_STAMP_FULL)) {
		return false;
	}
	*rest = span_from(*rest, used);
	return true;
}

/* One place of a pattern. */
static bool match_place(struct span *rest, char letter, const char *next, struct plain_envelope *e)
{
	size_t used;
	switch (letter) {
	case 't':
	case 'T':
	case 'c':
		return match_stamp(rest, letter, e);
	case 'f':
	case 'd':
		used = word_of(*rest, next).length;
		if (!read_address(span_first(*rest, used), letter == 'f' ? &e->from : &e->to))
			return false;
		break;
	case 'p':
		used = count_letters(*rest);
		if (!read_transport(span_first(*rest, used), &e->transport))
			return false;
		break;
	case 'n':
		used = count_digits(*rest);
		if (used == 0)
			return false;
		break;
	case 'w':
		used = word_of(*rest, next).length;
		break;
	case 'b':
		used = span_find(*rest, ')') + 1;
		break;
	default:
		used = rest->length;
		e->rest = span_trim(*rest);
		break;
	}
	*rest = span_from(*rest, used);
	return true;
}

static bool match(struct span line, const char *pattern, struct plain_envelope *e)
{
	struct span rest = line;
	for (const char *at = pattern; *at; at++) {
		if (*at == '%') {
			at++;
			if (!match_place(&rest, *at, at + 1, e))
				return false;
			continue;
		}
		if (rest.length == 0 || rest.at[0] != *at)
			return false;
		rest = span_from(rest, 1);
		/* The next blank of the pattern is a blank of its own. */
		while (*at == ' ' && at[1] != ' ' && rest.length > 0 && rest.at[0] == ' ')
			rest = span_from(rest, 1);
	}
	return plain_is_blank(rest);
}

/* What a line of this kind may begin with, so that most are not looked at any further. */
static bool may_begin(struct span line)
{
	char first = line.length >= 10 ? line.at[0] : '\0';
	switch (first) {
	case '<':
		return line.at[1] == '-';
	case 'U':
	case 'T':
	case 'W':
	case 'S':
	case 'R':
		return line.at[1] == ' ' || line.at[1] == '(' || line.at[1] == 'r' || line.at[1] == 'e' ||
		       line.at[2] == 'P' || line.at[2] == 'S' || line.at[2] == 'T';
	case 'r':
	case 's':
		return line.at[4] == ' ';
	case 'p':
		return line.at[5] == ':';
	case 'i':
		return line.at[2] == ' ';
	case 'o':
		return line.at[3] == ' ';
	case ' ':
		return line.at[1] == ' ' && line.at[2] == ' ' && line.at[3] == ' ';
	default:
		return first == '=' || first == '-' || is_digit(first);
	}
}

/* tcpdump -v: "(tos 0x0, …, proto UDP (17), length 542)" */
static enum record_transport said_transport(struct span rest)
{
	if (span_find_span(rest, SPAN("proto UDP")) < rest.length)
		return RECORD_UDP;
	return span_find_span(rest, SPAN("proto TCP")) < rest.length ? RECORD_TCP : RECORD_TRANSPORT_NONE;
}

/* Whether a row may be the one of a line with that first byte; a time at its front has been read. */
static bool may_match(const char *pattern, char first, const struct plain_stamp *stamp)
{
	if (pattern[0] != '%')
		return pattern[0] == first;
	if (pattern[1] == 'p')
		return is_letter(first);
	return stamp->kind == PLAIN_STAMP_FULL || (stamp->kind == PLAIN_STAMP_CLOCK && pattern[1] == 'c');
}

bool plain_envelope_read(struct span line, struct plain_envelope *ret_envelope)
{
	struct plain_stamp stamp = { 0 };
	if (!may_begin(line))
		return false;
	size_t used = is_digit(line.at[0]) ? plain_stamp_read(line, &stamp) : 0;
	if (is_digit(line.at[0]) && used == 0)
		return false;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		const char *pattern = rows[i].pattern;
		if (!may_match(pattern, line.at[0], &stamp))
			continue;
		struct plain_envelope envelope = { .shape = rows[i].shape,
			.direction = rows[i].direction,
			.transport = rows[i].transport,
			.stamp = stamp };
		if (match(span_from(line, used), pattern + (used > 0 ? 2 : 0), &envelope)) {
			if (envelope.shape == PLAIN_SHAPE_TIME)
				envelope.transport = said_transport(envelope.rest);
			*ret_envelope = envelope;
			return true;
		}
	}
	return false;
}

/* "1700000000.123456", UTC */
static int64_t read_seconds(struct span text)
{
	struct span fraction = text;
	struct span whole = span_cut(&fraction, '.');
	uint64_t seconds, us;
	if (span_to_u64(whole, UINT32_MAX, &seconds) != 0 || fraction.length != 6 ||
		span_to_u64(fraction, 999999, &us) != 0)
		return 0;
	return (int64_t)(seconds * 1000000 + us);
}

static void read_field(struct span name, struct span value, struct plain_envelope *e)
{
	uint64_t number;
	if (span_is(name, "tag")) {
		e->direction = span_is(value, "rcv")   ? RECORD_RECEIVED
			       : span_is(value, "snd") ? RECORD_SENT
						       : RECORD_PASSED;
	} else if (span_is(name, "pid")) {
		if (span_to_u64(value, UINT32_MAX, &number) == 0)
			e->process = (uint32_t)number;
	} else if (span_is(name, "time")) {
		e->time_us = read_seconds(value);
	} else if (span_is(name, "proto")) {
		(void)read_transport(span_first(value, span_find(value, ' ')), &e->transport);
	} else if (span_is(name, "srcip")) {
		(void)record_address_parse(value, &e->from);
	} else if (span_is(name, "dstip")) {
		(void)record_address_parse(value, &e->to);
	} else if (span_to_u64(value, UINT16_MAX, &number) == 0) {
		if (span_is(name, "srcport"))
			e->from.port = (uint16_t)number;
		else if (span_is(name, "dstport"))
			e->to.port = (uint16_t)number;
	}
}

bool plain_envelope_read_field(struct span line, struct plain_envelope *envelope)
{
	struct span value = line;
	struct span name = span_cut(&value, ':');
	if (!value.at || count_letters(name) != name.length || name.length < 3 || name.length > 7)
		return false;
	read_field(name, span_trim(value), envelope);
	return true;
}
