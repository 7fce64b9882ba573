/* SPDX-License-Identifier: Apache-2.0 */
/* docs/formats.md names every field and every word of the json format. */
#include "base/buffer.h"
#include "record/field.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

static struct buffer page;

static int read_page(void **state)
{
	(void)state;
	char path[512], part[4096];
	size_t length;
	const char *root = getenv("FEDGE_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/docs/formats.md", root ? root : ".");
	buffer_init(&page, 1 << 20);
	FILE *file = fopen(path, "rb");
	if (!file)
		return -1;
	while ((length = fread(part, 1, sizeof(part), file)) > 0)
		buffer_append(&page, span_make(part, length));
	fclose(file);
	return 0;
}

static int drop_page(void **state)
{
	(void)state;
	buffer_done(&page);
	return 0;
}

/* The line of the json table that tells of a kind: it begins with "| <kind>". */
static struct span row_of(const char *kind)
{
	struct span rest =
		span_from(buffer_span(&page), span_find_span(buffer_span(&page), SPAN("\n| kind | fields |")));
	while (rest.at) {
		struct span line = span_cut(&rest, '\n'), cell = line;
		(void)span_cut(&cell, '|');
		cell = span_cut(&cell, '|');
		if (span_find_span(cell, span_of(kind)) != cell.length)
			return line;
	}
	return SPAN_NONE;
}

static void every_field_has_its_place(void **state)
{
	(void)state;
	char name[64];
	struct span all = buffer_span(&page);
	for (const struct record_field *f = record_head_fields; f->name; f++) {
		(void)snprintf(name, sizeof(name), "`%s`", f->name);
		assert_true(span_find_span(all, span_of(name)) != all.length);
	}
	for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
		const char *word = record_kind_word((enum record_kind)kind);
		struct span row = row_of(word);
		if (!row.at)
			fail_msg("no row for %s", word);
		for (const struct record_field *f = record_kind_fields((enum record_kind)kind); f->name; f++) {
			(void)snprintf(name, sizeof(name), "`%s`", f->name);
			if (span_find_span(row, span_of(name)) == row.length)
				fail_msg("%s: %s is not in its row", word, f->name);
			for (size_t i = 0; f->words && f->words[i]; i++)
				if (span_find_span(all, span_of(f->words[i])) == all.length)
					fail_msg("%s: %s has the word %s", word, f->name, f->words[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_field_has_its_place, read_page, drop_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
