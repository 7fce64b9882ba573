/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked of the DNS, and what it said (RFC 1035 4.1): the types that a SIP element asks for (RFC 3263, and TLSA
 * of RFC 6698). A question without an answer is told once its time has passed. */
#include "trace/capture_private.h"

#include <stdlib.h>

#define DNS_HEADER 12
#define NAME_TEXT 1024 /* 255 bytes, each at most four characters */
#define JUMPS_MAXIMUM 32

static const struct type {
	uint16_t number;
	const char *name;
} types[] = { { 1, "A" }, { 28, "AAAA" }, { 33, "SRV" }, { 35, "NAPTR" }, { 52, "TLSA" } };

static const char *type_name(uint16_t number)
{
	for (size_t i = 0; i < BASE_COUNT(types); i++)
		if (types[i].number == number)
			return types[i].name;
	return NULL;
}

static const struct reply {
	enum record_dns_status status;
	const char *why;
} replies[] = {
	[0] = { RECORD_DNS_OK, "" },
	[1] = { RECORD_DNS_SERVFAIL, "the server found the question malformed (FORMERR)" },
	[2] = { RECORD_DNS_SERVFAIL, "" },
	[3] = { RECORD_DNS_NXDOMAIN, "" },
	[4] = { RECORD_DNS_SERVFAIL, "the server does not do this (NOTIMP)" },
	[5] = { RECORD_DNS_REFUSED, "" },
};

/* ---- reading ---- */

struct reader {
	struct span message;
	size_t at;
	bool is_bad;
};

static uint32_t take_number(struct reader *r, size_t length)
{
	uint32_t value = 0;
	if (r->is_bad || length > r->message.length - r->at) {
		r->is_bad = true;
		return 0;
	}
	for (size_t i = 0; i < length; i++)
		value = value << 8 | capture_u8(r->message, r->at++);
	return value;
}

/* A byte of a label as a zone file has it (RFC 4343 2.1). */
static size_t put_byte(char *out, uint8_t byte)
{
	if (byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\' && byte != '"') {
		out[0] = (char)byte;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + byte / 100);
	out[2] = (char)('0' + byte / 10 % 10);
	out[3] = (char)('0' + byte % 10);
	return 4;
}

/* A name with its final dot, "." for the root. Pointers lead backwards only, so that none goes in a circle. */
static struct span take_name(struct reader *r, char *out)
{
	size_t length = 0, at = r->at, lowest = r->at, whole = 0;
	bool has_jumped = false;
	for (unsigned jumps = 0; !r->is_bad;) {
		uint8_t label = at < r->message.length ? capture_u8(r->message, at) : 0xff;
		if (label >= 0xc0 && at + 1 < r->message.length) {
			size_t target = capture_u16(r->message.at + at) & 0x3fffu;
			if (!has_jumped)
				r->at = at + 2;
			has_jumped = true;
			r->is_bad = target >= lowest || ++jumps > JUMPS_MAXIMUM;
			at = lowest = target;
			continue;
		}
		whole += label + 1u;
		r->is_bad = label > 63 || at + 1 + label > r->message.length || whole > 255;
		if (r->is_bad)
			break;
		at++;
		if (label == 0)
			break;
		for (size_t i = 0; i < label; i++)
			length += put_byte(out + length, capture_u8(r->message, at++));
		out[length++] = '.';
	}
	if (!has_jumped)
		r->at = at;
	if (length == 0)
		out[length++] = '.';
	return span_make(out, r->is_bad ? 0 : length);
}

static struct span without_dot(struct span name)
{
	return name.length > 1 ? span_first(name, name.length - 1) : name;
}

/* ---- data of records ---- */

static struct span srv_text(struct arena *arena, struct reader *r)
{
	char name[NAME_TEXT];
	uint32_t priority = take_number(r, 2), weight = take_number(r, 2), port = take_number(r, 2);
	struct span target = take_name(r, name);
	return arena_printf(arena, "%u %u %u %.*s", priority, weight, port, SPAN_PRINT(target));
}

/* A character string of up to 255 bytes, quoted. */
static struct span take_string(struct reader *r, char *out)
{
	size_t count = take_number(r, 1), length = 0;
	for (size_t i = 0; i < count && !r->is_bad; i++) {
		uint8_t byte = (uint8_t)take_number(r, 1);
		if (byte == ' ' || byte == '.')
			out[length++] = (char)byte;
		else
			length += put_byte(out + length, byte);
	}
	return span_make(out, length);
}

static struct span naptr_text(struct arena *arena, struct reader *r)
{
	char flags[NAME_TEXT], services[NAME_TEXT], regexp[NAME_TEXT], name[NAME_TEXT];
	uint32_t order = take_number(r, 2), preference = take_number(r, 2);
	struct span f = take_string(r, flags), s = take_string(r, services), e = take_string(r, regexp);
	struct span replacement = take_name(r, name);
	return arena_printf(arena, "%u %u \"%.*s\" \"%.*s\" \"%.*s\" %.*s", order, preference, SPAN_PRINT(f),
		SPAN_PRINT(s), SPAN_PRINT(e), SPAN_PRINT(replacement));
}

static struct span tlsa_text(struct arena *arena, struct reader *r, size_t end)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t usage = take_number(r, 1), selector = take_number(r, 1), matching = take_number(r, 1);
	size_t length = end > r->at && !r->is_bad ? end - r->at : 0;
	char *hex = arena_allocate(arena, 2 * length + 1);
	if (!hex)
		return SPAN_NONE;
	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)take_number(r, 1);
		hex[2 * i] = digits[byte >> 4];
		hex[2 * i + 1] = digits[byte & 15];
	}
	return arena_printf(arena, "%u %u %u %.*s", usage, selector, matching, (int)(2 * length), hex);
}

static struct span address_text(struct arena *arena, struct reader *r, uint8_t family)
{
	struct record_address address = { .family = family };
	char text[RECORD_ADDRESS_TEXT];
	for (size_t i = 0; i < (family == 4 ? 4 : 16); i++)
		address.bytes[i] = (uint8_t)take_number(r, 1);
	return arena_copy(arena, span_make(text, record_address_format(&address, text)));
}

static struct span data_text(struct arena *arena, struct reader *r, uint16_t type, size_t end)
{
	switch (type) {
	case 1:
		return address_text(arena, r, 4);
	case 28:
		return address_text(arena, r, 6);
	case 33:
		return srv_text(arena, r);
	case 35:
		return naptr_text(arena, r);
	default:
		return tlsa_text(arena, r, end);
	}
}

/* The records of that type in the answer. Those of another (a CNAME on the way) are passed over. */
static void take_answers(struct capture *c, struct reader *r, size_t count, uint16_t wanted, struct span *texts,
	struct record_dns *ret_dns)
{
	char owner[NAME_TEXT];
	for (size_t i = 0; i < count && !r->is_bad && ret_dns->records.count < RECORD_LIST_MAXIMUM; i++) {
		(void)take_name(r, owner);
		uint16_t type = (uint16_t)take_number(r, 2);
		(void)take_number(r, 2);
		uint32_t ttl = take_number(r, 4);
		size_t length = take_number(r, 2);
		size_t end = r->at + length;
		if (r->is_bad || length > r->message.length - r->at) {
			r->is_bad = true;
			return;
		}
		if (type == wanted) {
			/* Names in it may point anywhere before it, nothing may lie behind it. */
			struct reader data = { span_first(r->message, end), r->at, false };
			struct span text = data_text(capture_arena(c), &data, type, end);
			r->is_bad = data.is_bad || !text.at;
			if (r->is_bad)
				return;
			if (ret_dns->records.count == 0 || ttl < ret_dns->ttl_s)
				ret_dns->ttl_s = ttl;
			texts[ret_dns->records.count++] = text;
		}
		r->at = end;
	}
}

/* ---- questions under way ---- */

static bool is_answer_to(const struct capture_question *q, const struct capture_ends *asked, uint16_t id, uint16_t type,
	struct span name)
{
	return q->ends.from.family && q->id == id && q->type == type && q->ends.from.port == asked->from.port &&
	       record_address_equal(&q->ends.from, &asked->from) && record_address_equal(&q->ends.to, &asked->to) &&
	       span_equal_nocase(span_make(q->name, q->name_length), name);
}

static struct capture_question *find_question(
	struct capture *c, const struct capture_ends *asked, uint16_t id, uint16_t type, struct span name)
{
	for (size_t i = 0; c->questions.open > 0 && i < CAPTURE_QUESTIONS_MAXIMUM; i++)
		if (is_answer_to(&c->questions.at[i], asked, id, type, name))
			return &c->questions.at[i];
	return NULL;
}

static void forget_question(struct capture *c, struct capture_question *q)
{
	q->ends.from.family = 0;
	c->questions.open--;
}

static void remember_question(
	struct capture *c, const struct capture_ends *ends, uint16_t id, uint16_t type, struct span name)
{
	struct capture_questions *all = &c->questions;
	if (!all->at)
		all->at = calloc(CAPTURE_QUESTIONS_MAXIMUM, sizeof(*all->at));
	if (!all->at || name.length > sizeof(all->at->name))
		return;
	struct capture_question *q = &all->at[all->next++ % CAPTURE_QUESTIONS_MAXIMUM];
	if (!q->ends.from.family)
		all->open++;
	*q = (struct capture_question){ *ends, c->packet.time_us, c->packet.number, c->packet.offset, id, type,
		(uint8_t)name.length, "" };
	memcpy(q->name, name.at, name.length);
}

static void give_unanswered(struct capture *c, struct capture_question *q)
{
	struct capture_packet packet = c->packet;
	struct record r = { .kind = RECORD_DNS_ANSWER, .head.time_us = q->time_us + CAPTURE_QUESTION_US };
	r.dns.name = span_make(q->name, q->name_length);
	r.dns.type = span_of(type_name(q->type));
	r.dns.status = RECORD_DNS_TIMEOUT;
	r.dns.elapsed_us = (uint64_t)CAPTURE_QUESTION_US;
	r.dns.why = arena_printf(
		capture_arena(c), "%.*s: no answer in the capture", SPAN_PRINT(capture_ends_text(c, &q->ends)));
	c->packet.number = q->number;
	c->packet.offset = q->offset;
	capture_give(c, &r, r.dns.why);
	c->packet = packet;
}

void capture_dns_expire(struct capture *c)
{
	for (size_t i = 0; c->questions.open > 0 && i < CAPTURE_QUESTIONS_MAXIMUM; i++) {
		struct capture_question *q = &c->questions.at[i];
		if (!q->ends.from.family || c->packet.time_us - q->time_us < CAPTURE_QUESTION_US)
			continue;
		give_unanswered(c, q);
		forget_question(c, q);
	}
}

/* ---- messages ---- */

static struct span shown(
	struct capture *c, const struct capture_ends *ends, const struct record_dns *dns, const char *what)
{
	return arena_printf(capture_arena(c), "%.*s DNS %s %.*s %.*s", SPAN_PRINT(capture_ends_text(c, ends)), what,
		SPAN_PRINT(dns->type), SPAN_PRINT(dns->name));
}

static void take_question(
	struct capture *c, const struct capture_ends *ends, uint16_t id, uint16_t type, struct record *r)
{
	struct span name = r->dns.name;
	r->kind = RECORD_DNS_QUERY;
	/* Asked again: the same question still. */
	if (find_question(c, ends, id, type, name))
		return;
	remember_question(c, ends, id, type, name);
	capture_give(c, r, shown(c, ends, &r->dns, "question"));
}

static void take_answer(
	struct capture *c, const struct capture_ends *ends, uint16_t id, uint16_t type, struct record *r)
{
	const struct capture_ends asked = { ends->to, ends->from };
	struct capture_question *q = find_question(c, &asked, id, type, r->dns.name);
	r->kind = RECORD_DNS_ANSWER;
	if (q) {
		if (c->packet.time_us > q->time_us)
			r->dns.elapsed_us = (uint64_t)(c->packet.time_us - q->time_us);
		forget_question(c, q);
	}
	capture_give(c, r, shown(c, ends, &r->dns, "answer"));
}

static void set_status(unsigned flags, struct record_dns *dns)
{
	unsigned code = flags & 15;
	struct reply reply = code < BASE_COUNT(replies)
				     ? replies[code]
				     : (struct reply){ RECORD_DNS_SERVFAIL, "the server refused in a rare way" };
	dns->status = reply.status == RECORD_DNS_OK && dns->records.count == 0 ? RECORD_DNS_NODATA : reply.status;
	dns->why = span_of(*reply.why ? reply.why : NULL);
	dns->secure = (flags & 0x20) != 0; /* AD, RFC 4035 3.2.3 */
}

void capture_dns_take(struct capture *c, const struct capture_ends *ends, struct span message)
{
	struct reader r = { message, 0, false };
	struct record record = { .head.time_us = c->packet.time_us };
	struct span texts[RECORD_LIST_MAXIMUM];
	char name[NAME_TEXT];
	uint16_t id = (uint16_t)take_number(&r, 2), flags = (uint16_t)take_number(&r, 2);
	size_t questions = take_number(&r, 2), answers = take_number(&r, 2);
	(void)take_number(&r, 4);
	record.dns.name = without_dot(take_name(&r, name));
	uint16_t type = (uint16_t)take_number(&r, 2);
	(void)take_number(&r, 2);
	bool is_answer = flags & 0x8000, is_truncated = flags & 0x0200;
	const char *type_word = type_name(type);
	if (r.is_bad || questions != 1 || (flags & 0x7800) || !type_word || is_truncated) {
		capture_other(c);
		return;
	}
	record.dns.type = span_of(type_word);
	record.dns.records.at = texts;
	if (is_answer)
		take_answers(c, &r, answers, type, texts, &record.dns);
	if (r.is_bad) {
		capture_unread(c, message,
			c->packet.is_cut ? "an answer of the DNS that is cut" : "a damaged answer of the DNS");
	} else if (is_answer) {
		set_status(flags, &record.dns);
		take_answer(c, ends, id, type, &record);
	} else {
		take_question(c, ends, id, type, &record);
	}
}
