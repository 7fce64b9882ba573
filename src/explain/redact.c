/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/redact_private.h"
#include "record/record.h"

#include <errno.h>
#include <stdlib.h>

#define WORDS_MAXIMUM 500000
#define ARENA_MAXIMUM (64u << 20)
#define NAME_MAXIMUM 256

struct word {
	struct hash_link link;
	enum redact_class class;
	uint32_t number;
	struct span text; /* in lower case */
};

struct explain_redactor *explain_redactor_new(struct span secret)
{
	struct explain_redactor *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	size_t length = secret.length < sizeof(r->key) ? secret.length : sizeof(r->key);
	if (length > 0)
		memcpy(&r->key, secret.at, length);
	arena_init(&r->arena, ARENA_MAXIMUM);
	if (hash_init(&r->words, WORDS_MAXIMUM) < 0) {
		free(r);
		return NULL;
	}
	return r;
}

struct explain_redactor *explain_redactor_free(struct explain_redactor *r)
{
	if (r) {
		hash_done(&r->words);
		arena_done(&r->arena);
		explicit_bzero(&r->key, sizeof(r->key));
		free(r);
	}
	return NULL;
}

/* ---- what is known ---- */

static struct span lowered(struct span text, char room[NAME_MAXIMUM])
{
	size_t length = text.length < NAME_MAXIMUM ? text.length : NAME_MAXIMUM;
	for (size_t i = 0; i < length; i++)
		room[i] = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (char)(text.at[i] + 32) : text.at[i];
	return span_make(room, length);
}

static uint64_t hash_of(const struct explain_redactor *r, enum redact_class class, struct span low)
{
	return hash_mix(hash_keyed(&r->key, low), (uint64_t) class);
}

static uint32_t find(const struct explain_redactor *r, enum redact_class class, struct span low, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&r->words, hash); link; link = hash_next(link)) {
		const struct word *word = (const struct word *)link;
		if (word->class == class && span_equal(word->text, low))
			return word->number;
	}
	return 0;
}

uint32_t redact_known(const struct explain_redactor *r, enum redact_class class, struct span text)
{
	char room[NAME_MAXIMUM];
	struct span low = lowered(text, room);
	return find(r, class, low, hash_of(r, class, low));
}

uint32_t redact_number(struct explain_redactor *r, enum redact_class class, struct span text)
{
	char room[NAME_MAXIMUM];
	struct span low = lowered(text, room);
	uint64_t hash = hash_of(r, class, low);
	uint32_t number = find(r, class, low, hash);
	if (number || r->is_full)
		return number;
	struct word *word = arena_zero(&r->arena, sizeof(*word));
	if (word)
		*word = (struct word){
			.class = class, .number = r->counts[class] + 1, .text = arena_copy(&r->arena, low)
		};
	if (!word || !word->text.at || hash_insert(&r->words, &word->link, hash) < 0) {
		r->is_full = true;
		return 0;
	}
	return ++r->counts[class];
}

/* ---- what stands for it ---- */

void redact_word(struct explain_redactor *r, enum redact_class class, struct span text, struct buffer *out)
{
	static const char *const stems[REDACT_CLASS_COUNT] = { [REDACT_USER] = "user",
		[REDACT_DOMAIN] = "domain",
		[REDACT_LABEL] = "host",
		[REDACT_NAME] = "name",
		[REDACT_NUMBER] = "+1555" };
	uint32_t number = redact_number(r, class, text);
	if (number == 0)
		buffer_append_byte(out, 'x');
	else
		buffer_printf(out, class == REDACT_NUMBER ? "%s%06u" : "%s%u", stems[class], number);
}

void redact_user(struct explain_redactor *r, struct span user, struct buffer *out)
{
	redact_word(r, REDACT_USER, user, out);
}

/* Microsoft's cloud is nobody's secret, and what is said of it would be wrong of another name. */
static bool is_public(struct span name)
{
	return span_is_nocase(name, "lync.com") || span_ends_nocase(name, SPAN(".lync.com")) ||
	       span_is_nocase(name, "example") || span_ends_nocase(name, SPAN(".example"));
}

/* Labels that say what a host does, and that are words of the protocol too: "sip.partner.example", "SIP/2.0". */
static bool is_kept_label(struct span label)
{
	static const char *const words[] = { "*", "onmicrosoft", "sip", "sips", "tls", "tcp", "udp", "dns" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (span_is_nocase(label, words[i]))
			return true;
	return label.length == 0 || label.at[0] == '_';
}

/* Where the last two labels begin. */
static size_t base_of(struct span name)
{
	size_t dots = 0;
	for (size_t i = name.length; i-- > 0;)
		if (name.at[i] == '.' && ++dots == 2)
			return i + 1;
	return 0;
}

void redact_domain(struct explain_redactor *r, struct span name, struct buffer *out)
{
	if (is_public(name)) {
		(void)buffer_append(out, name);
		return;
	}
	if (span_find(name, '.') == name.length) {
		redact_word(r, REDACT_LABEL, name, out);
		return;
	}
	size_t base = base_of(name);
	struct span rest = span_first(name, base ? base - 1 : 0);
	while (rest.length > 0) {
		struct span label = span_cut(&rest, '.');
		if (is_kept_label(label))
			(void)buffer_append(out, label);
		else
			redact_word(r, REDACT_LABEL, label, out);
		buffer_append_byte(out, '.');
	}
	redact_word(r, REDACT_DOMAIN, span_from(name, base), out);
	buffer_append_text(out, ".example");
}

bool redact_address(struct explain_redactor *r, struct span text, struct buffer *out)
{
	struct record_address address = { 0 };
	if (record_address_parse(text, &address) < 0)
		return false;
	enum redact_class class = address.family == 4 ? REDACT_ADDRESS_4 : REDACT_ADDRESS_6;
	uint32_t number = redact_number(r, class, span_make((const char *)address.bytes, address.family == 4 ? 4 : 16));
	if (class == REDACT_ADDRESS_4)
		buffer_printf(out, "198.%u.%u.%u", 18 + (number >> 16 & 1), number >> 8 & 255, number & 255);
	else
		buffer_printf(out, "2001:db8::%x:%x", number >> 16, number & 0xffff);
	return true;
}

void redact_secret(struct explain_redactor *r, struct span text, struct buffer *out)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t hash = hash_keyed(&r->key, text);
	size_t length = text.length < 32 ? text.length : 32;
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && i % 16 == 0)
			hash = hash_mix(hash, i);
		buffer_append_byte(out, digits[hash >> (i % 16 * 4) & 15]);
	}
}
