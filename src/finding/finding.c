/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/finding.h"

#include "base/require.h"
#include "base/text.h"

#include <stdio.h>

static void finding_init(struct finding *f, struct finding_list *list, enum finding_code code, struct span subject)
{
	const struct finding_entry *entry = finding_entry(code);
	*f = (struct finding){
		.list = list,
		.code = code,
		.severity = entry->severity,
		.who = entry->who == FINDING_OWNER ? list->owner : entry->who,
		.status = entry->status,
		.suppresses = entry->suppresses,
		.subject = subject,
	};
	f->last_evidence = &f->evidence;
	f->last_fix = &f->fixes;
	f->last_value = &f->values;
}

void finding_list_init(struct finding_list *list, struct arena *arena, enum finding_who owner)
{
	base_require(owner == FINDING_YOU || owner == FINDING_PARTNER);
	*list = (struct finding_list){ .arena = arena, .owner = owner };
	list->last = &list->first;
}

static void list_link(struct finding_list *list, struct finding *f)
{
	*list->last = f;
	list->last = &f->next;
	list->count++;
}

/* No memory: one finding without details stands for all that could not be kept, an error before
 * anything else, so that a full arena never turns a refusal into a pass. */
static struct finding *list_spare(struct finding_list *list, enum finding_code code)
{
	bool is_error = finding_entry(code)->severity == FINDING_ERROR;
	list->incomplete = true;
	if (list->spare_used && (!is_error || list->spare.severity == FINDING_ERROR)) {
		list->dropped++;
		finding_init(&list->scratch, list, code, SPAN_NONE);
		return &list->scratch;
	}
	if (list->spare_used) {
		struct finding *following = list->spare.next;
		list->dropped++;
		finding_init(&list->spare, list, code, SPAN_NONE);
		list->spare.next = following;
		if (!following)
			list->last = &list->spare.next;
		return &list->spare;
	}
	finding_init(&list->spare, list, code, SPAN_NONE);
	list->spare_used = true;
	list_link(list, &list->spare);
	return &list->spare;
}

static struct span list_copy(struct finding_list *list, struct span text)
{
	struct span copy = arena_copy(list->arena, text);
	if (text.at && !copy.at)
		list->incomplete = true;
	return copy;
}

static void *list_part(struct finding_list *list, size_t size)
{
	void *part = arena_zero(list->arena, size);
	if (!part)
		list->incomplete = true;
	return part;
}

struct finding *finding_add(struct finding_list *list, enum finding_code code, struct span subject)
{
	/* The last places are kept for errors. */
	bool is_error = finding_entry(code)->severity == FINDING_ERROR;
	size_t maximum = is_error ? FINDING_LIST_MAXIMUM : FINDING_LIST_MAXIMUM - FINDING_LIST_MAXIMUM / 4;
	if (list->count >= maximum) {
		if (!is_error || list->spare_used) {
			list->dropped++;
			finding_init(&list->scratch, list, code, SPAN_NONE);
			return &list->scratch;
		}
		return list_spare(list, code);
	}
	struct finding *f = list_part(list, sizeof(*f));
	if (!f)
		return list_spare(list, code);
	finding_init(f, list, code, list_copy(list, subject));
	list_link(list, f);
	return f;
}

/* The scratch is written by whoever got it, but keeps nothing. */
static bool finding_keeps(const struct finding *f)
{
	return f != &f->list->scratch;
}

void finding_observed(struct finding *f, struct span text)
{
	f->observed = finding_keeps(f) ? list_copy(f->list, text) : SPAN_NONE;
}

void finding_expected(struct finding *f, struct span text)
{
	f->expected = finding_keeps(f) ? list_copy(f->list, text) : SPAN_NONE;
}

static size_t count_evidence(const struct finding *f)
{
	size_t count = 0;
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		count++;
	return count;
}

static struct finding_evidence *evidence_new(struct finding *f, enum finding_evidence_kind kind, struct span text)
{
	if (!finding_keeps(f) || count_evidence(f) >= FINDING_PARTS_MAXIMUM)
		return NULL;
	struct finding_evidence *e = list_part(f->list, sizeof(*e));
	if (!e)
		return NULL;
	e->kind = kind;
	e->text = list_copy(f->list, text);
	*f->last_evidence = e;
	f->last_evidence = &e->next;
	return e;
}

static void evidence_mark(
	const struct finding *f, struct finding_evidence *e, struct span text, struct span mark, struct span note)
{
	if (!e || !e->text.at)
		return;
	if (mark.at >= text.at && mark.at + mark.length <= text.at + text.length) {
		e->mark_offset = (size_t)(mark.at - text.at);
		e->mark_length = mark.length;
	}
	e->note = list_copy(f->list, note);
}

void finding_evidence(
	struct finding *f, enum finding_evidence_kind kind, struct span text, struct span mark, struct span note)
{
	evidence_mark(f, evidence_new(f, kind, text), text, mark, note);
}

void finding_evidence_line(
	struct finding *f, struct span file, uint32_t line, struct span text, struct span mark, struct span note)
{
	struct finding_evidence *e = evidence_new(f, FINDING_EVIDENCE_FILE, text);
	if (!e)
		return;
	e->file = list_copy(f->list, file);
	e->line = line;
	evidence_mark(f, e, text, mark, note);
}

void finding_evidence_file(struct finding *f, struct span file, uint32_t line, struct span text)
{
	finding_evidence_line(f, file, line, text, SPAN_NONE, SPAN_NONE);
}

void finding_value(struct finding *f, const char *name, struct span value)
{
	size_t count = 0;
	for (const struct finding_value *v = f->values; v; v = v->next)
		count++;
	if (!finding_keeps(f) || count >= FINDING_PARTS_MAXIMUM)
		return;
	struct finding_value *v = list_part(f->list, sizeof(*v));
	if (!v)
		return;
	v->name = name;
	v->value = list_copy(f->list, value);
	*f->last_value = v;
	f->last_value = &v->next;
}

struct span finding_value_get(const struct finding *f, const char *name)
{
	for (const struct finding_value *v = f->values; v; v = v->next)
		if (strcmp(v->name, name) == 0)
			return v->value;
	return SPAN_NONE;
}

struct finding_fix *finding_fix(struct finding *f, enum finding_who who, const char *where, struct span title)
{
	size_t count = 0;
	for (const struct finding_fix *other = f->fixes; other; other = other->next)
		count++;
	if (!finding_keeps(f) || count >= FINDING_PARTS_MAXIMUM)
		return NULL;
	struct finding_fix *fix = list_part(f->list, sizeof(*fix));
	if (!fix)
		return NULL;
	fix->list = f->list;
	fix->who = who == FINDING_OWNER ? f->list->owner : who;
	fix->where = where;
	fix->title = list_copy(f->list, title);
	fix->last_line = &fix->lines;
	*f->last_fix = fix;
	f->last_fix = &fix->next;
	return fix;
}

void finding_fix_line(struct finding_fix *fix, const char *format, ...)
{
	if (!fix)
		return;
	size_t count = 0;
	for (const struct finding_fix_line *other = fix->lines; other; other = other->next)
		count++;
	struct finding_fix_line *line = count < FINDING_PARTS_MAXIMUM ? list_part(fix->list, sizeof(*line)) : NULL;
	if (!line)
		return;
	struct buffer text;
	buffer_init(&text, 64 * 1024);
	va_list arguments;
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	if (text.status == 0) {
		line->text = list_copy(fix->list, buffer_span(&text));
		*fix->last_line = line;
		fix->last_line = &line->next;
	}
	buffer_done(&text);
}

static bool says_the_same(const struct finding *a, const struct finding *b)
{
	return a->code == b->code && span_equal_nocase(a->subject, b->subject) && span_equal(a->observed, b->observed);
}

static bool has_evidence(const struct finding *f, const struct finding_evidence *wanted)
{
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		if (e->kind == wanted->kind && span_equal(e->text, wanted->text))
			return true;
	return false;
}

static void unite(struct finding *kept, const struct finding *other)
{
	if (other->severity > kept->severity)
		kept->severity = other->severity;
	for (const struct finding_evidence *e = other->evidence; e; e = e->next)
		if (e->kind == FINDING_EVIDENCE_CONNECTION && !has_evidence(kept, e))
			finding_evidence(kept, e->kind, e->text, SPAN_NONE, e->note);
}

static struct finding *said_before(const struct finding_list *list, const struct finding *f)
{
	for (struct finding *earlier = list->first; earlier != f; earlier = earlier->next)
		if (says_the_same(earlier, f))
			return earlier;
	return NULL;
}

void finding_list_unite(struct finding_list *list, size_t settled)
{
	struct finding **link = &list->first;
	for (size_t i = 0; i < settled && *link; i++)
		link = &(*link)->next;
	while (*link) {
		struct finding *f = *link;
		struct finding *kept = f == &list->spare ? NULL : said_before(list, f);
		if (!kept) {
			link = &f->next;
			continue;
		}
		unite(kept, f);
		*link = f->next;
		list->count--;
	}
	list->last = link;
}

static void gather(struct finding *kept, const struct finding *other)
{
	struct span text = arena_printf(kept->list->arena, "%.*s: the same", SPAN_PRINT(other->subject));
	finding_evidence(kept, FINDING_EVIDENCE_CONNECTION, text, SPAN_NONE, SPAN_NONE);
}

void finding_list_gather_notes(struct finding_list *list)
{
	for (struct finding *kept = list->first; kept; kept = kept->next) {
		struct finding **link = &kept->next;
		while (kept->severity == FINDING_NOTE && *link) {
			struct finding *other = *link;
			if (other == &list->spare || other->severity != FINDING_NOTE || other->code != kept->code ||
				!span_equal(other->observed, kept->observed)) {
				link = &other->next;
				continue;
			}
			gather(kept, other);
			*link = other->next;
			list->count--;
		}
	}
	list->last = &list->first;
	while (*list->last)
		list->last = &(*list->last)->next;
}

void finding_list_take(struct finding_list *list, struct finding_list *from)
{
	struct finding *following;
	base_require(list->arena == from->arena);
	for (struct finding *f = from->first; f; f = following) {
		following = f->next;
		f->next = NULL;
		if (f == &from->spare) {
			finding_add(list, f->code, SPAN_NONE)->severity = f->severity;
			continue;
		}
		f->list = list;
		list_link(list, f);
	}
	list->dropped += from->dropped;
	list->incomplete |= from->incomplete;
	finding_list_init(from, from->arena, from->owner);
}

const struct finding *finding_list_first_error(const struct finding_list *list)
{
	const struct finding *first = NULL;
	for (const struct finding *f = list->first; f; f = f->next) {
		if (f->severity != FINDING_ERROR)
			continue;
		if (!first || finding_entry(f->code)->stage < finding_entry(first->code)->stage)
			first = f;
	}
	return first;
}

enum finding_severity finding_list_severity(const struct finding_list *list)
{
	enum finding_severity worst = FINDING_NOTE;
	for (const struct finding *f = list->first; f; f = f->next)
		if (f->severity > worst)
			worst = f->severity;
	return worst;
}

const struct finding *finding_list_find(const struct finding_list *list, enum finding_code code)
{
	for (const struct finding *f = list->first; f; f = f->next)
		if (f->code == code)
			return f;
	return NULL;
}

bool finding_is_undecided(enum finding_code code)
{
	switch (code) {
	case FINDING_SRV_LOOKUP_FAILED:
	case FINDING_ADDRESS_LOOKUP_FAILED:
	case FINDING_ADDRESS_LOOKUP_PARTLY_FAILED: /* an error only where no known address will do */
	case FINDING_TLSA_LOOKUP_FAILED:
	case FINDING_CONNECT_UNREACHABLE: /* most often this host has no IPv6: that says nothing about the peer */
	case FINDING_CERTIFICATE_NOT_SEEN:
	case FINDING_EXAMINATION_CUT:
		return true;
	default:
		return false;
	}
}

/* The subject in place of the template's {words}: "{of the peer}" keeps its "of"; "…it{}" gets ": `subject`". */
static void title_subject(struct buffer *text, struct span words, struct span subject)
{
	if (subject.length == 0) {
		buffer_append(text, words);
		return;
	}
	if (span_starts_nocase(words, SPAN("of ")))
		buffer_append_text(text, "of ");
	else if (text->length > 0 && text->at[text->length - 1] != ' ')
		buffer_append_text(text, ": ");
	buffer_append_byte(text, '`');
	text_append_safe(text, subject);
	buffer_append_byte(text, '`');
}

size_t finding_title(const struct finding *f, char *ret_text, size_t capacity)
{
	base_require(capacity > 0);
	struct buffer text;
	buffer_init(&text, 4096);
	for (const char *c = finding_entry(f->code)->title; *c; c++) {
		if (*c != '{') {
			bool twice = *c == ' ' && text.length > 0 && text.at[text.length - 1] == ' ';
			if (!twice)
				buffer_append_byte(&text, *c);
			continue;
		}
		const char *end = strchr(c, '}');
		title_subject(&text, span_make(c + 1, (size_t)(end - c - 1)), f->subject);
		c = end;
	}
	struct span title = span_trim(buffer_span(&text));
	size_t length = title.length < capacity - 1 ? title.length : capacity - 1;
	/* Never half a character. */
	while (length > 0 && length < title.length && ((unsigned char)title.at[length] & 0xc0) == 0x80)
		length--;
	if (length)
		memcpy(ret_text, title.at, length);
	ret_text[length] = '\0';
	buffer_done(&text);
	return length;
}
