/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "finding/render.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

static void help_fits_and_ends_with_an_example(void **state)
{
	(void)state;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		struct buffer out;
		buffer_init(&out, 65536);
		struct finding_style style = { .width = 60 };
		assert_int_equal(finding_help((enum finding_code)i, &style, &out), 0);
		struct span title = span_first(buffer_span(&out), span_find(buffer_span(&out), '\n'));
		assert_int_equal(span_find(title, '{'), title.length);
		assert_non_null(strstr(out.at, "\n\nExample: "));
		struct span rest = buffer_span(&out);
		while (rest.at && rest.length) {
			struct span line = span_cut(&rest, '\n');
			if (text_columns(line) > 60)
				fail_msg("too wide: %.*s", SPAN_PRINT(line));
		}
		buffer_done(&out);
	}
}

/* Not a word of the help is missing on the page. */
static void the_page_has_every_paragraph(void **state)
{
	(void)state;
	struct buffer page;
	buffer_init(&page, 1 << 20);
	assert_int_equal(finding_render_markdown(&page), 0);
	assert_null(strstr(page.at, "  "));
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		struct span rest = span_of(finding_entry((enum finding_code)i)->help);
		while (rest.at) {
			struct span paragraph = span_cut(&rest, '\n');
			assert_true(span_find_span(buffer_span(&page), paragraph) < page.length);
		}
	}
	buffer_done(&page);
}

static void the_list_has_a_line_a_code(void **state)
{
	(void)state;
	struct buffer out;
	buffer_init(&out, 65536);
	struct finding_style style = { 0 };
	assert_int_equal(finding_help_list(&style, &out), 0);
	size_t lines = 0;
	for (size_t i = 0; i < out.length; i++)
		lines += out.at[i] == '\n';
	assert_int_equal(lines, FINDING_COUNT - 1);
	assert_non_null(strstr(out.at, "\nsrv-missing                      there is no federation SRV record"));
	buffer_done(&out);
}

/* docs/findings.md is the catalogue. To renew it: FEDGE_WRITE_DOCS=1 meson test finding/help */
static void the_page_is_the_catalogue(void **state)
{
	(void)state;
	struct buffer page;
	char path[4096];
	buffer_init(&page, 1 << 20);
	assert_int_equal(finding_render_markdown(&page), 0);
	const char *source = getenv("FEDGE_SOURCE");
	assert_non_null(source);
	snprintf(path, sizeof(path), "%s/docs/findings.md", source);
	if (getenv("FEDGE_WRITE_DOCS")) {
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(page.at, 1, page.length, file), page.length);
		fclose(file);
	}
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s is missing", path);
	char *published = malloc(1 << 20);
	assert_non_null(published);
	size_t length = fread(published, 1, (1 << 20) - 1, file);
	published[length] = '\0';
	fclose(file);
	assert_string_equal(published, page.at);
	free(published);
	buffer_done(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_fits_and_ends_with_an_example),
		cmocka_unit_test(the_page_has_every_paragraph),
		cmocka_unit_test(the_list_has_a_line_a_code),
		cmocka_unit_test(the_page_is_the_catalogue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
