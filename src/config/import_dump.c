/* SPDX-License-Identifier: Apache-2.0 */
#include "config/import_dump.h"

#include "base/require.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WORD "xConfiguration"
#define KEY_MAXIMUM 512
#define INDEX_MAXIMUM 65535

/* ---- which thing a key is about ---- */

static const struct {
	const char *front; /* then a number and the setting's own name */
	enum import_section section;
} fronts[] = {
	{ "Zones Policy SearchRules Rule ", IMPORT_RULE },
	{ "Zones Zone ", IMPORT_ZONE },
	{ "Transform ", IMPORT_TRANSFORM },
	{ "SIP Domains Domain ", IMPORT_DOMAIN },
	{ "SIP Domain ", IMPORT_DOMAIN },
	{ "IP DNS Server ", IMPORT_DNS_SERVER },
	{ "DNS Server ", IMPORT_DNS_SERVER },
	{ "Authentication Credential ", IMPORT_CREDENTIAL },
	{ "Authentication Database Credential ", IMPORT_CREDENTIAL },
};

static void find_section(struct import_entry *entry)
{
	for (size_t i = 0; i < BASE_COUNT(fronts); i++) {
		struct span front = span_of(fronts[i].front);
		uint64_t index;
		if (!span_starts_nocase(entry->key, front))
			continue;
		struct span rest = span_from(entry->key, front.length);
		struct span number = span_cut(&rest, ' ');
		if (!rest.at || span_to_u64(number, INDEX_MAXIMUM, &index) < 0 || index == 0)
			continue;
		entry->section = fronts[i].section;
		entry->index = (uint32_t)index;
		entry->name = rest;
		return;
	}
}

/* ---- lines ---- */

struct reader {
	struct config_import *import;
	struct import_dump *dump;
	size_t capacity;
	uint32_t line;
	int status;
};

static bool is_between_words(char c)
{
	return c == ' ' || c == '/';
}

static bool has_words(struct span key)
{
	for (size_t i = 0; i < key.length; i++) {
		if (!is_between_words(key.at[i]))
			return true;
	}
	return false;
}

/* Words with one blank between them. */
static struct span normalised(struct arena *arena, struct span key)
{
	char text[KEY_MAXIMUM];
	size_t length = 0;
	for (size_t i = 0; i < key.length; i++) {
		bool blank = is_between_words(key.at[i]);
		if (blank && (length == 0 || text[length - 1] == ' '))
			continue;
		text[length++] = blank ? ' ' : key.at[i];
	}
	while (length && text[length - 1] == ' ')
		length--;
	return arena_copy(arena, span_make(text, length));
}

static struct import_entry *new_entry(struct reader *r)
{
	if (r->dump->count == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 1024;
		struct import_entry *entries = arena_allocate(&r->import->arena, capacity * sizeof(*r->dump->entries));
		if (!entries) {
			r->status = -ENOMEM;
			return NULL;
		}
		if (r->dump->count)
			memcpy(entries, r->dump->entries, r->dump->count * sizeof(*entries));
		r->dump->entries = entries;
		r->capacity = capacity;
	}
	struct import_entry *entry = &r->dump->entries[r->dump->count++];
	*entry = (struct import_entry){ .line = r->line };
	return entry;
}

static void damaged(struct reader *r, struct span text, const char *why)
{
	import_note_line(r->import, CONFIG_IMPORT_DAMAGED, r->line, span_first(text, 200), "%s", why);
}

/* false: it begins with a quotation mark that nothing closes, so that who knows what is missing. */
static bool unquote(struct span *value)
{
	if (value->length == 0 || value->at[0] != '"')
		return true;
	if (value->length == 1 || value->at[value->length - 1] != '"')
		return false;
	*value = span_make(value->at + 1, value->length - 2);
	return true;
}

/* `Zones Zone 1 Name: "x"` */
static void read_setting(struct reader *r, struct span text)
{
	size_t colon = span_find(text, ':');
	struct span key = span_trim(span_first(text, colon)), value = span_trim(span_from(text, colon + 1));
	if (colon == text.length || key.length > KEY_MAXIMUM || !has_words(key)) {
		damaged(r, text, "no `name: value`");
		return;
	}
	if (!text_is_safe(key) || !text_is_safe(value)) {
		damaged(r, key, "bytes that are no text");
		return;
	}
	if (!unquote(&value)) {
		damaged(r, key, "its quotation mark is not closed on this line");
		return;
	}
	struct import_entry *entry = new_entry(r);
	if (!entry)
		return;
	entry->key = normalised(&r->import->arena, key);
	entry->name = entry->key;
	entry->value = value;
	if (!entry->key.at)
		r->status = -ENOMEM;
	find_section(entry);
}

/* Behind nothing, `*c`, a value's end or an empty value: not inside a quoted text. */
static bool may_begin_behind(struct span text)
{
	text = span_trim(text);
	char last = text.length ? text.at[text.length - 1] : '"';
	return last == '"' || last == ':' || span_ends_nocase(text, SPAN("*c"));
}

/* Where the next `xConfiguration ` begins; pasted text has several on one line. */
static size_t find_word(struct span line, size_t from)
{
	for (size_t at = from; at < line.length; at++) {
		bool begins = at == 0 || line.at[at - 1] == ' ' || line.at[at - 1] == '\t';
		struct span rest = span_from(line, at);
		if (begins && span_starts_nocase(rest, SPAN(WORD)) && rest.length > strlen(WORD) &&
			(rest.at[strlen(WORD)] == ' ' || rest.at[strlen(WORD)] == '/') &&
			may_begin_behind(span_first(line, at)))
			return at;
	}
	return line.length;
}

/* `*c` and blanks before the next one are its own. */
static struct span without_tail(struct span text)
{
	text = span_trim(text);
	if (text.length >= 2 && span_is(span_from(text, text.length - 2), "*c") &&
		(text.length == 2 || text.at[text.length - 3] == ' '))
		text.length -= 2;
	return span_trim(text);
}

/* Prompts, the answer's end, headings of the file. */
static bool is_noise(struct span line)
{
	static const char *const words[] = { "OK", "*c", "*c/end", "**/end", "*c end" };
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		if (span_is_nocase(line, words[i]))
			return true;
	}
	return span_is_empty(line) || line.at[0] == '#' || span_is_nocase(line, WORD) ||
	       span_is_nocase(line, "*c " WORD);
}

static void read_line(struct reader *r, struct span line)
{
	line = span_trim(line);
	if (is_noise(line))
		return;
	size_t at = find_word(line, 0);
	struct span front = without_tail(span_first(line, at));
	if (at == line.length || !span_is_empty(front))
		damaged(r, at == line.length ? line : front, "no setting");
	while (at < line.length) {
		size_t next = find_word(line, at + 1);
		size_t begin = at + strlen(WORD) + 1;
		read_setting(r, without_tail(span_make(line.at + begin, next > begin ? next - begin : 0)));
		at = next;
	}
}

/* ---- objects ---- */

static int by_place(const void *left, const void *right)
{
	const struct import_entry *a = left, *b = right;
	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	int order = span_compare(a->key, b->key);
	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->value.at < b->value.at ? -1 : a->value.at > b->value.at; /* both lie in the dump */
}

static bool same_object(const struct import_entry *a, const struct import_entry *b)
{
	return a->section == b->section && a->index == b->index;
}

static int make_objects(struct config_import *import, struct import_dump *dump)
{
	struct import_object *objects = arena_zero(&import->arena, (dump->count + 1) * sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	if (dump->count)
		qsort(dump->entries, dump->count, sizeof(*dump->entries), by_place);
	size_t count = 0;
	for (size_t i = 0; i < dump->count;) {
		struct import_object *object = &objects[count++];
		struct import_entry *first = &dump->entries[i];
		*object = (struct import_object){ first, 0, first->index, first->line };
		for (; i < dump->count && same_object(first, &dump->entries[i]); i++) {
			object->count++;
			if (dump->entries[i].line < object->line)
				object->line = dump->entries[i].line;
		}
		if (!dump->objects[first->section])
			dump->objects[first->section] = object;
		dump->object_counts[first->section]++;
	}
	return 0;
}

int import_dump_read(struct config_import *import, struct span bytes, struct import_dump *ret_dump)
{
	struct reader r = { import, ret_dump, 0, 0, 0 };
	*ret_dump = (struct import_dump){ NULL };
	for (struct span rest = bytes; rest.at && r.status == 0;) {
		r.line++;
		read_line(&r, span_cut(&rest, '\n'));
	}
	import->setting_count = ret_dump->count;
	return r.status < 0 ? r.status : make_objects(import, ret_dump);
}

/* ---- asking ---- */

static struct import_entry *find(const struct import_object *object, struct span name)
{
	for (size_t i = object ? object->count : 0; i > 0; i--) {
		if (span_equal_nocase(object->entries[i - 1].name, name))
			return &object->entries[i - 1];
	}
	return NULL;
}

struct import_entry *import_find(const struct import_object *object, const char *name)
{
	return find(object, span_of(name));
}

struct span import_get(const struct import_object *object, const char *name)
{
	struct import_entry *entry = find(object, span_of(name));
	if (!entry || span_is_empty(entry->value))
		return SPAN_NONE;
	entry->fate = IMPORT_CARRIED;
	return entry->value;
}

struct span import_get_format(const struct import_object *object, const char *format, ...)
{
	char name[KEY_MAXIMUM];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	return import_get(object, name);
}

bool import_is(const struct import_object *object, const char *name, const char *value)
{
	struct span given = import_get(object, name);
	return given.at && span_is_nocase(given, value);
}

void import_leave_out(const struct import_object *object)
{
	for (size_t i = 0; i < object->count; i++)
		object->entries[i].fate = IMPORT_LEFT_OUT;
}
