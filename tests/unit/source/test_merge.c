/* SPDX-License-Identifier: Apache-2.0 */
/* Files merged by time, pipes, and a caller that stops early. */
#include "unit/source/reading.h"

#include <pthread.h>

/* The Call-IDs in the order they came. */
static void assert_order(const struct reading *reading, const char *wanted)
{
	char got[2048] = "";
	for (size_t i = 0; i < reading->count; i++)
		(void)snprintf(
			got + strlen(got), sizeof(got) - strlen(got), "%s%u", i ? " " : "", reading->seen[i].number);
	assert_string_equal(got, wanted);
}

static void files_are_merged_by_time(void **state)
{
	(void)state;
	write_log("a", 1, 4, 0, 100); /* 0, 100, 200, 300 */
	write_log("b", 11, 4, 150, 100); /* 150, 250, 350, 450 */
	write_log("c", 21, 2, 100, 100); /* 100, 200: at the same time as a's, which was named first */
	write_log("d", 31, 2, 5000, 1);
	const char *const paths[] = { path_of("d"), path_of("a"), path_of("b"), path_of("c") };
	for (unsigned int threads = 1; threads <= 4; threads++) {
		struct reading reading = start_reading(threads, 4, paths);
		read_rest(&reading);
		assert_order(&reading, "1 2 21 11 3 22 12 4 13 14 31 32");
		end_reading(&reading);
	}
}

static void back_in_time_holds_up_nobody(void **state)
{
	(void)state;
	struct buffer log;
	buffer_init(&log, 1 << 20);
	add_message(&log, 1, 1000, "\n");
	add_message(&log, 2, 2000, "\n");
	add_message(&log, 3, 500, "\n"); /* back */
	add_message(&log, 4, 90000, "\n"); /* a slip of the clock */
	add_message(&log, 5, 2500, "\n");
	write_file("a", buffer_span(&log));
	buffer_done(&log);
	write_log("b", 11, 3, 1500, 1000); /* 1500, 2500, 3500 */
	const char *const paths[] = { path_of("a"), path_of("b") };
	struct reading reading = start_reading(2, 2, paths);
	read_rest(&reading);
	assert_order(&reading, "1 2 3 11 4 5 12 13");
	end_reading(&reading);
}

static void large_files_are_merged(void **state)
{
	(void)state;
	static const unsigned int count = 30000;
	write_log("a", 0, count, 0, 20);
	write_log("b", 100000, count, 10, 20);
	write_log("c", 200000, count, 300000, 20);
	const char *const paths[] = { path_of("a"), path_of("b"), path_of("c") };
	struct reading reading = start_reading(2, 3, paths);
	read_rest(&reading);
	assert_int_equal(reading.count, 3 * count);
	for (size_t i = 1; i < reading.count; i++)
		if (reading.seen[i].time_us < reading.seen[i - 1].time_us)
			fail_msg("record %zu comes %ld us too late", i,
				(long)(reading.seen[i - 1].time_us - reading.seen[i].time_us));
	assert_done(&reading);
	end_reading(&reading);
}

static void hundreds_of_files_are_merged(void **state)
{
	(void)state;
	shell("mkdir logs");
	for (unsigned int i = 0; i < 600; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "logs/%03u", i);
		write_log(name, i * 1000, 20, i * 7 % 600, 1000);
	}
	const char *const paths[] = { path_of("logs") };
	struct reading reading = start_reading(2, 1, paths);
	read_rest(&reading);
	assert_int_equal(reading.count, 600 * 20);
	for (size_t i = 1; i < reading.count; i++)
		assert_true(reading.seen[i].time_us >= reading.seen[i - 1].time_us);
	end_reading(&reading);
}

/* ---- pipes ---- */

static void *write_slowly(void *argument)
{
	const struct buffer *log = argument;
	int descriptor = open(path_of("pipe"), O_WRONLY);
	assert_true(descriptor >= 0);
	for (size_t done = 0; done < log->length;) {
		size_t length = log->length - done < 1000 ? log->length - done : 1000;
		assert_int_equal(write(descriptor, log->at + done, length), (ssize_t)length);
		done += length;
		if (done % 5000 == 0)
			usleep(1000);
	}
	close(descriptor);
	return NULL;
}

static void pipe_is_read_with_files(void **state)
{
	(void)state;
	pthread_t writer;
	struct buffer log = log_of(1, 100, 0, 20);
	shell("mkfifo pipe");
	write_log("file", 1000, 100, 10, 20);
	const char *const paths[] = { path_of("pipe"), path_of("file") };
	assert_int_equal(pthread_create(&writer, NULL, write_slowly, &log), 0);
	struct reading reading = start_reading(1, 2, paths);
	uint64_t done, total;
	read_rest(&reading);
	pthread_join(writer, NULL);
	assert_int_equal(reading.count, 200);
	for (size_t i = 0; i < reading.count; i++)
		assert_int_equal(reading.seen[i].number, i % 2 ? 1000 + i / 2 : 1 + i / 2);
	source_progress(reading.source, &done, &total);
	assert_int_equal(total, 0);
	end_reading(&reading);
	buffer_done(&log);
}

/* ---- stopping ---- */

static void caller_may_stop_anywhere(void **state)
{
	(void)state;
	write_log("a", 0, 40000, 0, 20);
	write_log("b", 100000, 40000, 10, 20);
	shell("gzip -k1 b; mkfifo pipe");
	const char *const paths[] = { path_of("a"), path_of("b"), path_of("b.gz") };
	const char *const nobody_writes[] = { path_of("pipe"), path_of("a") };
	for (size_t stop = 0; stop < 5; stop++) {
		struct reading reading = start_reading(2, 3, paths);
		for (size_t i = 0; i < stop * stop * 1000; i++)
			take_next(&reading, -1);
		end_reading(&reading);
	}
	struct reading reading = start_reading(1, 2, nobody_writes);
	take_next(&reading, 20);
	assert_int_equal(reading.last, SOURCE_WAITING);
	end_reading(&reading);
}

static void *boil_nothing(
	void *argument, const struct record *r, const struct trace_place *place, uint32_t file, struct arena *arena)
{
	(void)argument;
	(void)r;
	(void)place;
	(void)file;
	(void)arena;
	return NULL;
}

static void what_is_passed_over_is_counted(void **state)
{
	(void)state;
	write_log("a", 0, 100, 0, 20);
	const char *const paths[] = { path_of("a") };
	struct source_settings settings = { .paths = paths, .path_count = 1, .boil = boil_nothing };
	struct source *source;
	struct source_item item;
	size_t index;
	assert_int_equal(source_start(&settings, &source, &index), 0);
	assert_int_equal(source_next(source, -1, &item), 0);
	assert_int_equal(source_next(source, -1, &item), 0);
	assert_int_equal(source_file(source, 0)->counts.records, 100);
	source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_merged_by_time, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(back_in_time_holds_up_nobody, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(large_files_are_merged, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(hundreds_of_files_are_merged, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(pipe_is_read_with_files, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(caller_may_stop_anywhere, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(what_is_passed_over_is_counted, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
