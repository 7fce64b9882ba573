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

static bool is_fit(struct span text, size_t length)
{
	return length > 0 && text.at[0] != '\0' && text.at[0] != '\\';
}

static void append_encoded(struct buffer *out, struct span text)
{
	while (text.length > 0) {
		size_t length = text_utf8_length(text);
		if (is_fit(text, length))
			buffer_append(out, span_first(text, length));
		else if (text.at[0] == '\\')
			buffer_append(out, SPAN("\\\\"));
		else
			buffer_printf(out, "\\x%02x", (unsigned char)text.at[0]);
		text = span_from(text, is_fit(text, length) ? length : 1);
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

/* What is no escape of ours was written by somebody else, and stays. The number of bytes read. */
static size_t append_decoded(struct buffer *out, struct span text)
{
	int high = text.length >= 4 && text.at[1] == 'x' ? digit(text.at[2]) : -1;
	int low = high >= 0 ? digit(text.at[3]) : -1;
	if (low >= 0)
		buffer_append_byte(out, (char)(high << 4 | low));
	else
		buffer_append_byte(out, '\\');
	return low >= 0 ? 4 : text.length >= 2 && text.at[1] == '\\' ? 2 : 1;
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
	size_t start = row->room->length, plain;
	if (span_find(text, '\\') == text.length)
		return text;
	while ((plain = span_find(text, '\\')) < text.length) {
		buffer_append(row->room, span_first(text, plain));
		text = span_from(text, plain);
		text = span_from(text, append_decoded(row->room, text));
	}
	buffer_append(row->room, text);
	return span_make(row->room->at + start, row->room->length - start);
}
