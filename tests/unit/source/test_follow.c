/* SPDX-License-Identifier: Apache-2.0 */
/* A file that others still write to: it grows, it is rotated, it is emptied. */
#include "unit/source/reading.h"

static void add_messages(const char *name, unsigned int first, unsigned int count)
{
	struct buffer log = log_of(first, count, first * 10, 10);
	add_to_file(name, buffer_span(&log), O_APPEND);
	buffer_done(&log);
}

/* Waits for so many in all, a few seconds at most. */
static void wait_for(struct reading *reading, size_t count)
{
	for (unsigned int tries = 0; reading->count < count && tries < 100; tries += reading->last != 1)
		take_next(reading, 100);
	if (reading->count != count)
		fail_msg("%zu records, not %zu", reading->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(reading->seen[i].number, i);
}

static struct reading follow(const char *const *paths)
{
	return start_with((struct source_settings){ .paths = paths, .path_count = 1, .threads = 1, .follow = true });
}

static void growing_file_is_followed(void **state)
{
	(void)state;
	const char *const paths[] = { path_of("log") };
	write_file("log", SPAN(""));
	struct reading reading = follow(paths);
	take_next(&reading, 50);
	assert_int_equal(reading.last, SOURCE_WAITING);
	add_messages("log", 0, 50);
	wait_for(&reading, 50);
	/* What is half written waits. */
	struct buffer log = log_of(50, 1, 500, 0);
	add_to_file("log", span_first(buffer_span(&log), 100), O_APPEND);
	take_next(&reading, 600);
	assert_int_equal(reading.last, SOURCE_WAITING);
	add_to_file("log", span_from(buffer_span(&log), 100), O_APPEND);
	buffer_done(&log);
	wait_for(&reading, 51);
	assert_int_equal(reading.seen[50].line, 50 * 8 + 1);
	assert_int_equal(source_file_count(reading.source), 1);
	end_reading(&reading);
}

static void rotated_file_is_followed(void **state)
{
	(void)state;
	const char *const paths[] = { path_of("log") };
	add_messages("log", 0, 10);
	struct reading reading = follow(paths);
	wait_for(&reading, 10);
	shell("mv log log.1");
	add_messages("log.1", 10, 10);
	wait_for(&reading, 20);
	/* The last lines come after the new file was made. */
	add_messages("log", 25, 5);
	add_messages("log.1", 20, 5);
	wait_for(&reading, 30);
	assert_int_equal(reading.seen[24].file, 0);
	assert_int_equal(reading.seen[25].file, 1);
	assert_int_equal(reading.seen[25].line, 1);
	assert_int_equal(source_file_count(reading.source), 2);
	end_reading(&reading);
}

static void emptied_file_is_followed(void **state)
{
	(void)state;
	const char *const paths[] = { path_of("log") };
	add_messages("log", 0, 20);
	struct reading reading = follow(paths);
	wait_for(&reading, 20);
	assert_int_equal(truncate(path_of("log"), 0), 0);
	add_messages("log", 20, 10);
	wait_for(&reading, 30);
	assert_int_equal(reading.seen[20].line, 1);
	end_reading(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(growing_file_is_followed, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(rotated_file_is_followed, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(emptied_file_is_followed, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
