/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of the importer write with: lines of YAML, names, files for secrets. */
#include "config/import_write.h"

#include "base/require.h"

#include <errno.h>
#include <stdio.h>

#define NAME_MAXIMUM 64 /* value_name */
#define NUMBER_ROOM 20

/* ---- lines ---- */

void import_line(struct import *import, const char *front, const char *key, const char *word)
{
	buffer_printf(&import->result->yaml, "%s%s:%s%s\n", front, key, word ? " " : "", word ? word : "");
}

/* Single quotes: nothing but a quote means anything inside. */
static void append_quoted(struct buffer *b, struct span text)
{
	buffer_append_byte(b, '\'');
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\'')
			buffer_append_byte(b, '\'');
		buffer_append_byte(b, text.at[i]);
	}
	buffer_append_byte(b, '\'');
}

void import_line_quoted(struct import *import, const char *front, const char *key, struct span text)
{
	buffer_append_text(&import->result->yaml, front);
	if (key)
		buffer_printf(&import->result->yaml, "%s: ", key);
	append_quoted(&import->result->yaml, text);
	buffer_append_byte(&import->result->yaml, '\n');
}

void import_line_given(struct import *import, const char *front, const char *key, struct span text)
{
	if (text.at)
		import_line_quoted(import, front, key, text);
}

/* ---- words ---- */

const char *import_word(const struct import_word *words, size_t count, struct span there)
{
	for (size_t i = 0; i < count; i++) {
		if (span_is_nocase(there, words[i].there))
			return words[i].here;
	}
	return NULL;
}

bool import_is_on(struct span value)
{
	return value.at && (span_is_nocase(value, "On") || span_is_nocase(value, "Yes"));
}

/* ---- names ---- */

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.' || c == ' ';
}

static struct span clean_name(struct span name, char *ret_text, size_t room)
{
	size_t length = 0;
	for (size_t i = 0; i < name.length && length < room; i++) {
		unsigned char c = (unsigned char)name.at[i];
		if (is_plain(c))
			ret_text[length++] = (char)c;
		else if (c < 0x80 || c >= 0xc0) /* one for a character of several bytes */
			ret_text[length++] = '_';
	}
	return span_trim(span_make(ret_text, length));
}

static bool is_reserved(struct span name)
{
	return span_is_nocase(name, "any") || span_is_nocase(name, "all-zones") || span_is_nocase(name, "default") ||
	       span_is_nocase(name, "local");
}

struct span import_name(struct import *import, struct span name, const char *fallback, uint32_t index,
	bool (*is_taken)(const void *argument, struct span name), const void *argument)
{
	char clean[NAME_MAXIMUM], text[NAME_MAXIMUM + NUMBER_ROOM];
	struct span given = clean_name(name, clean, NAME_MAXIMUM - NUMBER_ROOM);
	int front = given.length ? snprintf(text, sizeof(text), "%.*s", SPAN_PRINT(given))
				 : snprintf(text, sizeof(text), "%s %u", fallback, index);
	size_t length = (size_t)front;
	for (unsigned i = 0; is_reserved(span_make(text, length)) || is_taken(argument, span_make(text, length)); i++) {
		size_t at = (size_t)front;
		int more = i ? snprintf(text + at, sizeof(text) - at, " %u-%u", index, i)
			     : snprintf(text + at, sizeof(text) - at, " %u", index);
		length = at + (size_t)more;
	}
	struct span copy = arena_copy(&import->result->arena, span_make(text, length));
	if (!copy.at)
		import->status = -ENOMEM;
	return copy;
}

struct span import_secret_file(
	struct import *import, const char *kind, uint32_t index, struct span name, const char *what)
{
	char text[NAME_MAXIMUM];
	struct span clean = clean_name(name, text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++) {
		if (i < clean.length && (clean.at[i] == ' ' || clean.at[i] == '.'))
			text[(size_t)(clean.at - text) + i] = '-';
	}
	struct span path =
		arena_printf(&import->result->arena, "secrets/%s-%u-%.*s.txt", kind, index, SPAN_PRINT(clean));
	if (!path.at)
		import->status = -ENOMEM;
	import_note_line(
		import->result, CONFIG_IMPORT_SUPPLY, 0, path, "%s; a dump holds none that could be used", what);
	return path;
}
