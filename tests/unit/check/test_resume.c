/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/require.h"
#include "base/text.h"
#include "check/resume.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct hash_key key = { { 12, 34 } };
static char path[] = "/tmp/fedge-resume-XXXXXX";

static void write_file(struct span content)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(content.at, 1, content.length, file), content.length);
	assert_int_equal(fclose(file), 0);
}

struct row {
	const char *name;
	struct span content;
	size_t lines_each;
	int status;
	size_t count;
	uint64_t length;
	const char *done[4];
	const char *not_done[4];
};

#define A "{\"typed\":\"a.example\",\"verdict\":\"pass\"}\n"
#define B                                                                                                              \
	"{\"domain\": \"x\", \"facts\": {\"typed\": \"inner\", \"l\": [\"typed\", {\"typed\":\"deep\"}]}, \"typed\": " \
	"\"b.example\"}\n"

static const struct row rows[] = {
	{ "an empty file", SPAN(""), 1, 0, 0, 0, { NULL }, { "a.example" } },
	{ "two results", SPAN(A B), 1, 0, 2, sizeof(A B) - 1, { "a.example", "b.example" },
		{ "inner", "deep", "typed", "x" } },
	{ "one twice", SPAN(A A B A), 1, 0, 2, sizeof(A A B A) - 1, { "a.example", "b.example" }, { NULL } },
	{ "a cut last line", SPAN(A "{\"typed\":\"b.exam"), 1, 0, 1, sizeof(A) - 1, { "a.example" },
		{ "b.exam", "b.example" } },
	{ "a last line without its newline", SPAN(A "{\"typed\":\"b.example\"}"), 1, 0, 1, sizeof(A) - 1,
		{ "a.example" }, { "b.example" } },
	{ "only a cut line", SPAN("{\"ty"), 1, 0, 0, 0, { NULL }, { "a.example" } },
	{ "zeros where the power went", SPAN(A "\0\0\0\0"), 1, 0, 1, sizeof(A) - 1, { "a.example" }, { NULL } },
	{ "blank lines and CRLF", SPAN("\n" A "\r\n  {\"typed\":\"b.example\"} \r\n\n"), 1, 0, 2,
		1 + sizeof(A) - 1 + 2 + 27, { "a.example", "b.example" }, { NULL } },
	{ "escapes",
		SPAN("{\"typed\":\"b\\u00fccher.example\"}\n{\"typed\":\"\\ud83d\\ude00.example\"}\n"
		     "{\"typed\":\"q\\\"uo\\\\te\\/\\t\"}\n"),
		1, 0, 3, 0,
		{ "b\xc3\xbc"
		  "cher.example",
			"\xf0\x9f\x98\x80.example", "q\"uo\\te/\t" },
		{ "b\\u00fccher.example" } },
	{ "bytes that are not UTF-8", SPAN("{\"typed\":\"a\xef\xbf\xbd.example\"}\n"), 1, 0, 1, 0,
		{ "a\xff.example", "a\xef\xbf\xbd.example" }, { "a.example" } },
	{ "brackets in strings", SPAN("{\"a\":\"}}{[\\\"\",\"typed\":\"a.example\"}\n"), 1, 0, 1, 0, { "a.example" },
		{ NULL } },
	{ "the name in a value", SPAN("{\"a\":\"typed\",\"b\":\"x.example\",\"typed\":\"a.example\"}\n"), 1, 0, 1, 0,
		{ "a.example" }, { "x.example" } },
	{ "several lines each", SPAN(A A A B B B), 3, 0, 2, sizeof(A A A B B B) - 1, { "a.example", "b.example" },
		{ NULL } },
	{ "several lines each, the last domain not whole", SPAN(A A A B B), 3, 0, 1, sizeof(A A A) - 1, { "a.example" },
		{ "b.example" } },
	{ "several lines each, one domain twice, cut", SPAN(A A A A A), 3, 0, 1, sizeof(A A A) - 1, { "a.example" },
		{ NULL } },
	{ "another number of lines each", SPAN(A B), 3, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "somebody's notes", SPAN("buy milk\n"), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "a list of domains", SPAN("a.example\nb.example\n"), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "JSON of somebody else", SPAN(A "{\"name\":\"x\"}\n"), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "an array", SPAN("[\"typed\",\"a.example\"]\n"), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "two objects in a line", SPAN("{\"typed\":\"a\"}{\"typed\":\"b\"}\n"), 1, -EBADMSG, 0, 0, { NULL },
		{ NULL } },
	{ "a cut line in the middle", SPAN("{\"typed\":\"a.exam\n" B), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "typed is a number", SPAN("{\"typed\":7}\n"), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
	{ "too many brackets", SPAN("{\"typed\":\"a\"}}\n"), 1, -EBADMSG, 0, 0, { NULL }, { NULL } },
};

static void what_is_done(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct check_resume *resume = NULL;
		char text[CHECK_RESUME_ERROR_SIZE] = "";
		print_message("%s\n", row->name);
		write_file(row->content);
		int status = check_resume_read(path, &key, row->lines_each, &resume, text);
		if (status < 0)
			print_message("  %s\n", text);
		assert_int_equal(status, row->status);
		if (status < 0) {
			assert_non_null(strstr(text, "line "));
			assert_non_null(strstr(text, path));
			continue;
		}
		assert_int_equal(check_resume_count(resume), row->count);
		if (row->length > 0 || row->count == 0)
			assert_int_equal(check_resume_length(resume), row->length);
		for (size_t k = 0; k < BASE_COUNT(row->done) && row->done[k]; k++)
			if (!check_resume_is_done(resume, span_of(row->done[k])))
				fail_msg("%s: %s is done", row->name, row->done[k]);
		for (size_t k = 0; k < BASE_COUNT(row->not_done) && row->not_done[k]; k++)
			if (check_resume_is_done(resume, span_of(row->not_done[k])))
				fail_msg("%s: %s is not done", row->name, row->not_done[k]);
		check_resume_free(resume);
	}
}

static void files_that_are_none(void **state)
{
	struct check_resume *resume = NULL;
	char text[CHECK_RESUME_ERROR_SIZE];
	(void)state;
	assert_int_equal(check_resume_read("/tmp/fedge-no-such-file", &key, 1, &resume, text), 0);
	assert_int_equal(check_resume_count(resume), 0);
	assert_int_equal(check_resume_length(resume), 0);
	assert_false(check_resume_is_done(resume, SPAN("a.example")));
	check_resume_free(resume);
	assert_int_equal(check_resume_read("/tmp", &key, 1, &resume, text), -EISDIR);
	assert_string_equal(text, "/tmp: Is a directory");
	check_resume_free(NULL);
}

static const struct {
	const char *name;
	struct span results, saved;
	size_t lines_each, count;
	uint64_t length;
	const char *done, *undone; /* "": none to ask about */
} matches[] = {
	{ "both whole", SPAN(A B), SPAN(A B), 1, 2, sizeof(A B) - 1, "b.example", "" },
	{ "the last facts are missing", SPAN(A B), SPAN(A), 1, 1, sizeof(A) - 1, "a.example", "b.example" },
	{ "the last facts are cut", SPAN(A B), SPAN(A "{\"typed\":\"b.exa"), 1, 1, sizeof(A) - 1, "a.example",
		"b.example" },
	{ "nothing was saved before", SPAN(A B), SPAN(""), 1, 1, sizeof(A) - 1, "a.example", "b.example" },
	{ "the only one", SPAN(A), SPAN(""), 1, 0, 0, "", "a.example" },
	{ "no results", SPAN(""), SPAN(A), 1, 0, 0, "", "a.example" },
	{ "facts of other runs around", SPAN(A), SPAN(B A B), 1, 1, sizeof(A) - 1, "a.example", "b.example" },
	{ "several lines each", SPAN(A A B B), SPAN(A), 2, 1, sizeof(A A) - 1, "a.example", "b.example" },
	{ "several lines each, and a cut one", SPAN(A A B B "{"), SPAN(A B), 2, 2, sizeof(A A B B) - 1, "b.example",
		"" },
	{ "a blank line between", SPAN(A "\n" B), SPAN(A), 1, 1, sizeof(A "\n") - 1, "a.example", "b.example" },
	{ "asked for twice", SPAN(B A B), SPAN(A), 1, 2, sizeof(B A B) - 1, "b.example", "" },
};

static void results_without_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(matches); i++) {
		struct check_resume *resume = NULL;
		char text[CHECK_RESUME_ERROR_SIZE] = "";
		print_message("%s\n", matches[i].name);
		write_file(matches[i].results);
		assert_int_equal(check_resume_read(path, &key, matches[i].lines_each, &resume, text), 0);
		write_file(matches[i].saved);
		assert_int_equal(check_resume_match_saved(resume, path, text), 0);
		assert_int_equal(check_resume_count(resume), matches[i].count);
		assert_int_equal(check_resume_length(resume), matches[i].length);
		assert_int_equal(check_resume_is_done(resume, span_of(matches[i].done)), *matches[i].done != '\0');
		assert_false(check_resume_is_done(resume, span_of(matches[i].undone)));
		check_resume_free(resume);
	}
}

static void facts_of_somebody_else(void **state)
{
	(void)state;
	struct check_resume *resume = NULL;
	char text[CHECK_RESUME_ERROR_SIZE] = "";
	write_file(SPAN(A));
	assert_int_equal(check_resume_read(path, &key, 1, &resume, text), 0);
	write_file(SPAN("buy milk\n"));
	assert_int_equal(check_resume_match_saved(resume, path, text), -EBADMSG);
	assert_non_null(strstr(text, "line 1"));
	check_resume_free(resume);
}

/* Wherever a run was interrupted: what is kept is whole, and what is not kept is not done. */
static void cut_anywhere(void **state)
{
	static const char whole[] = A A B B "{\"typed\":\"\\u00fc\\\\\",\"x\":[{}]}\n"
					    "{\"x\":[{}],\"typed\":\"\\u00fc\\\\\"}\n";
	(void)state;
	for (size_t length = 0; length < sizeof(whole); length++) {
		struct check_resume *resume = NULL;
		char text[CHECK_RESUME_ERROR_SIZE] = "";
		write_file(span_make(whole, length));
		if (check_resume_read(path, &key, 2, &resume, text) < 0)
			fail_msg("cut after %zu: %s", length, text);
		size_t kept = check_resume_length(resume), lines = 0;
		assert_true(kept <= length);
		for (size_t i = 0; i < kept; i++)
			lines += whole[i] == '\n';
		assert_int_equal(lines, 2 * check_resume_count(resume));
		assert_true(kept == 0 || whole[kept - 1] == '\n');
		check_resume_free(resume);
	}
}

static void many_and_long_lines(void **state)
{
	struct buffer name, content;
	struct check_resume *resume = NULL;
	char text[CHECK_RESUME_ERROR_SIZE], other[64];
	(void)state;
	buffer_init(&content, (size_t)256 << 20);
	for (int i = 0; i < 50000; i++) {
		buffer_printf(
			&content, "{\"verdict\":\"pass\",\"typed\":\"d%d.example\",\"facts\":{\"srv\":[1,2,3]}}\n", i);
		if (i % 10000 == 0) { /* longer than any piece that is read at once */
			buffer_append_text(&content, "{\"names\":[\"");
			for (int k = 0; k < 30000; k++)
				buffer_append_text(&content, "typed\",\"");
			buffer_printf(&content, "\"],\"typed\":\"long%d.example\"}\n", i);
		}
	}
	assert_int_equal(content.status, 0);
	write_file(buffer_span(&content));
	assert_int_equal(check_resume_read(path, &key, 1, &resume, text), 0);
	assert_int_equal(check_resume_count(resume), 50005);
	assert_int_equal(check_resume_length(resume), content.length);
	assert_true(check_resume_is_done(resume, SPAN("long40000.example")));
	for (int i = 0; i < 50000; i++) {
		snprintf(other, sizeof(other), "d%d.example", i);
		assert_true(check_resume_is_done(resume, span_of(other)));
		snprintf(other, sizeof(other), "e%d.example", i);
		assert_false(check_resume_is_done(resume, span_of(other)));
	}
	/* A name of the list that is as long as can be, every byte of it escaped. */
	buffer_init(&name, 4096);
	for (int i = 0; i < 1025; i++)
		buffer_append_byte(&name, 1);
	assert_false(check_resume_is_done(resume, buffer_span(&name)));
	check_resume_free(resume);
	buffer_clear(&content);
	buffer_append_text(&content, "{\"typed\":");
	text_append_json(&content, buffer_span(&name));
	buffer_append_text(&content, "}\n");
	write_file(buffer_span(&content));
	assert_int_equal(check_resume_read(path, &key, 1, &resume, text), 0);
	assert_true(check_resume_is_done(resume, buffer_span(&name)));
	check_resume_free(resume);
	buffer_done(&name);
	buffer_done(&content);
}

static int open_file(void **state)
{
	(void)state;
	int descriptor = mkstemp(path);
	return descriptor < 0 ? -1 : close(descriptor);
}
static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_done),
		cmocka_unit_test(files_that_are_none),
		cmocka_unit_test(results_without_facts),
		cmocka_unit_test(facts_of_somebody_else),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(many_and_long_lines),
	};
	return cmocka_run_group_tests(tests, open_file, remove_file);
}
