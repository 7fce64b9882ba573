/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "base/text.h"
#include "store/postgres.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdlib.h>

/* An entry of the history has 16 MiB at most, and every byte may take four. */
#define TEXT_MAXIMUM ((size_t)64 << 20)

void store_postgres_values_init(struct store_postgres_values *values)
{
	*values = (struct store_postgres_values){ .count = 0 };
	buffer_init(&values->text, TEXT_MAXIMUM);
}

void store_postgres_values_done(struct store_postgres_values *values)
{
	buffer_done(&values->text);
}

void store_postgres_values_clear(struct store_postgres_values *values)
{
	buffer_clear(&values->text);
	values->count = 0;
}

static void begin_value(struct store_postgres_values *values, size_t offset)
{
	base_require(values->count < STORE_POSTGRES_VALUES);
	values->offsets[values->count++] = offset;
}

void store_postgres_add_number(struct store_postgres_values *values, int64_t number)
{
	begin_value(values, values->text.length);
	buffer_printf(&values->text, "%lld", (long long)number);
	buffer_append_byte(&values->text, '\0');
}

void store_postgres_add_plain(struct store_postgres_values *values, struct span text)
{
	begin_value(values, values->text.length);
	buffer_append(&values->text, text);
	buffer_append_byte(&values->text, '\0');
}

void store_postgres_add_null(struct store_postgres_values *values)
{
	begin_value(values, SIZE_MAX);
}

/* ---- texts of strangers ---- */

static void append_encoded(struct buffer *out, struct span text)
{
	while (text.length > 0) {
		size_t length = text_utf8_length(text);
		if (length == 0 || text.at[0] == '\0')
			buffer_printf(out, "\\x%02x", (unsigned char)text.at[0]);
		else if (text.at[0] == '\\')
			buffer_append(out, SPAN("\\\\"));
		else
			buffer_append(out, span_first(text, length));
		text = span_from(text, length ? length : 1);
	}
}

void store_postgres_add_text(struct store_postgres_values *values, struct span text)
{
	begin_value(values, values->text.length);
	append_encoded(&values->text, text);
	buffer_append_byte(&values->text, '\0');
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that is written at index, and in how many. What is no escape of ours was written by somebody else, and
 * stays. */
static size_t decode(struct span text, size_t index, char *ret_byte)
{
	const char *at = text.at + index;
	size_t left = text.length - index;
	*ret_byte = *at;
	if (*at != '\\' || left < 2)
		return 1;
	if (at[1] == '\\')
		return 2;
	int high = left >= 4 && at[1] == 'x' ? digit(at[2]) : -1;
	int low = high >= 0 ? digit(at[3]) : -1;
	if (low < 0)
		return 1;
	*ret_byte = (char)(high << 4 | low);
	return 4;
}

/* ---- rows ---- */

/* Room for all at once: what next_text gives must not move. */
int store_postgres_row(struct store_postgres_row *row, const PGresult *result, int number, struct buffer *room)
{
	size_t length = 0;
	for (int i = 0; i < PQnfields(result); i++)
		length += (size_t)PQgetlength(result, number, i);
	*row = (struct store_postgres_row){ .result = result, .room = room, .row = number };
	buffer_clear(room);
	return buffer_reserve(room, length + 1);
}

int64_t store_postgres_next_number(struct store_postgres_row *row)
{
	return strtoll(PQgetvalue(row->result, row->row, row->column++), NULL, 10);
}

struct span store_postgres_next_plain(struct store_postgres_row *row)
{
	int column = row->column++, length = PQgetlength(row->result, row->row, column);
	return length > 0 ? span_make(PQgetvalue(row->result, row->row, column), (size_t)length) : SPAN_NONE;
}

struct span store_postgres_next_text(struct store_postgres_row *row)
{
	struct span text = store_postgres_next_plain(row);
	size_t start = row->room->length;
	char byte;
	if (span_find(text, '\\') == text.length)
		return text;
	for (size_t i = 0; i < text.length; buffer_append_byte(row->room, byte))
		i += decode(text, i, &byte);
	return span_make(row->room->at + start, row->room->length - start);
}
