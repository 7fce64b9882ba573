/* SPDX-License-Identifier: Apache-2.0 */
/* The writing thread: order, rotation, reopening, and what happens where there is no room. */
#include "base/buffer.h"
#include "base/require.h"
#include "record/field.h"
#include "trace/file_sink.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
	char folder[64];
	char path[96];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	(void)snprintf(place->folder, sizeof(place->folder), "%s", "/tmp/fedge-trace-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	(void)snprintf(place->path, sizeof(place->path), "%s/node.log", place->folder);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	char path[128];
	unlink(place->path);
	for (int i = 1; i < 100; i++) {
		(void)snprintf(path, sizeof(path), "%s.%d", place->path, i);
		unlink(path);
	}
	int status = rmdir(place->folder);
	free(place);
	return status;
}

static struct trace_file_sink *start_window(
	const char *path, uint32_t producers, size_t ring_bytes, uint64_t rotate_bytes, uint32_t window_ms)
{
	struct trace_file_settings file = { .path = path,
		.writer = { .format = TRACE_JSON, .node = SPAN("n") },
		.rotate_bytes = rotate_bytes,
		.keep = 3 };
	struct trace_file_sink_settings settings = { .files = &file,
		.file_count = 1,
		.producers = producers,
		.ring_bytes = ring_bytes,
		.window_ms = window_ms,
		.clock = clock_system() };
	struct trace_file_sink *sink = NULL;
	size_t index = 9;
	int status = trace_file_sink_start(&settings, &sink, &index);
	if (status)
		fail_msg("%s: %s", path, strerror(-status));
	return sink;
}

static struct trace_file_sink *start(const char *path, uint32_t producers, size_t ring_bytes, uint64_t rotate_bytes)
{
	return start_window(path, producers, ring_bytes, rotate_bytes, 5);
}

static void take_note(struct record_sink sink, int64_t time_us, uint32_t worker, uint64_t count)
{
	struct record r = { .kind = RECORD_NODE, .head = { .time_us = time_us, .worker = worker } };
	r.node.text = SPAN("a line of some length, so that files fill up");
	r.node.count = count;
	record_take(&sink, &r);
}

/* All of a file; the caller frees. An absent file is empty. */
static struct buffer read_file(const char *path)
{
	struct buffer text;
	char part[65536];
	size_t length;
	buffer_init(&text, (size_t)1 << 28);
	FILE *file = fopen(path, "rb");
	while (file && (length = fread(part, 1, sizeof(part), file)) > 0)
		buffer_append(&text, span_make(part, length));
	if (file)
		fclose(file);
	return text;
}

static size_t count_lines(struct span text)
{
	size_t lines = 0;
	for (size_t i = 0; i < text.length; i++)
		lines += text.at[i] == '\n';
	return lines;
}

static size_t lines_of(const char *path)
{
	struct buffer text = read_file(path);
	size_t lines = count_lines(buffer_span(&text));
	buffer_done(&text);
	return lines;
}

static uint64_t number_in(struct span line, const char *key)
{
	size_t at = span_find_span(line, span_of(key));
	return at == line.length ? 0 : strtoull(line.at + at + strlen(key), NULL, 10);
}

static struct trace_file_status status_of(const struct trace_file_sink *sink)
{
	struct trace_file_status status;
	assert_int_equal(trace_file_sink_status(sink, 0, &status), 0);
	return status;
}

static void what_was_taken_is_in_the_file_after_flush(void **state)
{
	struct place *place = *state;
	struct trace_file_sink *sink = start(place->path, 1, 0, 0);
	for (uint64_t round = 1; round <= 50; round++) {
		take_note(trace_file_sink_producer(sink, 0), (int64_t)round, 0, round);
		trace_file_sink_flush(sink);
		assert_int_equal(lines_of(place->path), round);
	}
	struct trace_file_status status = status_of(sink);
	assert_int_equal(status.records, 50);
	assert_int_equal(status.dropped, 0);
	assert_int_equal(status.error, 0);
	struct stat facts;
	assert_int_equal(stat(place->path, &facts), 0);
	assert_int_equal(facts.st_size, status.bytes);
	assert_int_equal(facts.st_mode & 07, 0);
	assert_int_equal(trace_file_sink_status(sink, 1, &status), -EINVAL);
	assert_null(trace_file_sink_stop(sink));
	assert_null(trace_file_sink_stop(NULL));
}

static void without_flush_it_comes_by_itself(void **state)
{
	struct place *place = *state;
	struct trace_file_sink *sink = start(place->path, 2, 0, 0);
	/* Idle first, then a record: the wake-up must not be lost. */
	for (uint64_t round = 1; round <= 20; round++) {
		usleep(12000);
		take_note(trace_file_sink_producer(sink, round % 2), 1, 0, round);
	}
	for (int wait = 0; wait < 500 && lines_of(place->path) < 20; wait++)
		usleep(10000);
	assert_int_equal(lines_of(place->path), 20);
	trace_file_sink_stop(sink);
}

static void producers_are_merged_by_time(void **state)
{
	struct place *place = *state;
	/* Longer than the test can take, so that all is within it; stopping does not wait for it. */
	struct trace_file_sink *sink = start_window(place->path, 3, 0, 0, 10000);
	/* One producer after the other. */
	for (uint32_t producer = 0; producer < 3; producer++)
		for (int64_t i = 0; i < 100; i++)
			take_note(trace_file_sink_producer(sink, producer), 1000 + i * 3 + producer, producer,
				(uint64_t)(1000 + i * 3 + producer));
	trace_file_sink_stop(sink);
	struct buffer text = read_file(place->path);
	struct span rest = buffer_span(&text);
	for (uint64_t expected = 1000; expected < 1300; expected++)
		assert_int_equal(number_in(span_cut(&rest, '\n'), "\"count\":"), expected);
	buffer_done(&text);
}

struct crowd {
	struct record_sink sink;
	uint32_t worker;
};
#define CROWD_RECORDS 20000

static void *run_crowd(void *argument)
{
	const struct crowd *crowd = argument;
	struct clock clock = clock_system();
	for (uint64_t i = 1; i <= CROWD_RECORDS; i++)
		take_note(crowd->sink, clock_wall_us(&clock), crowd->worker, i);
	return NULL;
}

/* Whatever is not in the file was counted, and each thread's own order is kept. */
static void threads_lose_nothing_uncounted(void **state)
{
	struct place *place = *state;
	struct trace_file_sink *sink = start(place->path, 4, 1 << 18, 0);
	struct crowd crowds[4];
	pthread_t threads[4];
	for (uint32_t i = 0; i < 4; i++) {
		crowds[i] = (struct crowd){ trace_file_sink_producer(sink, i), i };
		assert_int_equal(pthread_create(&threads[i], NULL, run_crowd, &crowds[i]), 0);
	}
	for (int i = 0; i < 20; i++) {
		trace_file_sink_flush(sink);
		trace_file_sink_reopen(sink);
	}
	for (uint32_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	trace_file_sink_flush(sink);
	uint64_t refused = status_of(sink).refused, said = 0, records = 0, last[4] = { 0 };
	assert_int_equal(status_of(sink).dropped, 0);
	trace_file_sink_stop(sink);
	struct buffer text = read_file(place->path);
	struct span rest = buffer_span(&text);
	while (rest.length > 0) {
		struct span line = span_cut(&rest, '\n');
		uint64_t count = number_in(line, "\"count\":"), worker = number_in(line, "\"worker\":");
		if (span_find_span(line, SPAN("\"event\":\"dropped\"")) != line.length) {
			said += count;
			continue;
		}
		assert_true(worker < 4);
		assert_true(count > last[worker]);
		last[worker] = count;
		records++;
	}
	buffer_done(&text);
	assert_int_equal(records + refused, (uint64_t)4 * CROWD_RECORDS);
	assert_int_equal(said, refused);
	assert_true(records > 0);
}

static void a_full_ring_is_counted_and_said(void **state)
{
	struct place *place = *state;
	struct trace_file_sink *sink = start(place->path, 1, 4096, 0);
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	for (uint64_t i = 0; i < 5000; i++)
		take_note(producer, 1, 0, i);
	trace_file_sink_flush(sink);
	struct trace_file_status status = status_of(sink);
	assert_true(status.refused > 0);
	trace_file_sink_stop(sink);
	struct buffer text = read_file(place->path);
	struct span said =
		span_from(buffer_span(&text), span_find_span(buffer_span(&text), SPAN("\"event\":\"dropped\"")));
	assert_true(said.length > 0);
	assert_int_equal(count_lines(buffer_span(&text)) >= 5000 - status.refused + 1, 1);
	buffer_done(&text);
}

static void files_are_rotated(void **state)
{
	struct place *place = *state;
	struct trace_file_sink *sink = start(place->path, 1, 0, 2000);
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	for (uint64_t i = 1; i <= 100; i++) {
		take_note(producer, 1, 0, i);
		if (i % 7 == 0)
			trace_file_sink_flush(sink);
	}
	trace_file_sink_flush(sink);
	assert_true(status_of(sink).rotations > 3);
	trace_file_sink_stop(sink);
	/* node.log.3 is the oldest that is kept; from there on no line is missing or cut. */
	uint64_t expected = 0;
	for (int number = 3; number >= 0; number--) {
		char path[128];
		(void)snprintf(path, sizeof(path), number ? "%s.%d" : "%s", place->path, number);
		struct buffer text = read_file(path);
		struct span rest = buffer_span(&text);
		assert_true(text.length > 0);
		assert_true(text.length <= 2000);
		assert_true(text.at[text.length - 1] == '\n');
		while (rest.length > 0) {
			uint64_t count = number_in(span_cut(&rest, '\n'), "\"count\":");
			if (expected)
				assert_int_equal(count, expected);
			expected = count + 1;
		}
		buffer_done(&text);
	}
	assert_int_equal(expected, 101);
	char path[128];
	(void)snprintf(path, sizeof(path), "%s.4", place->path);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_moved_file_is_left_on_reopen(void **state)
{
	struct place *place = *state;
	char moved[128];
	(void)snprintf(moved, sizeof(moved), "%s.1", place->path);
	struct trace_file_sink *sink = start(place->path, 1, 0, 0);
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	take_note(producer, 1, 0, 1);
	trace_file_sink_flush(sink);
	assert_int_equal(rename(place->path, moved), 0);
	take_note(producer, 2, 0, 2);
	trace_file_sink_flush(sink);
	assert_int_equal(lines_of(moved), 2);
	trace_file_sink_reopen(sink);
	trace_file_sink_flush(sink);
	take_note(producer, 3, 0, 3);
	trace_file_sink_stop(sink);
	assert_int_equal(lines_of(moved), 2);
	assert_int_equal(lines_of(place->path), 1);
}

static void a_full_device_drops_and_counts(void **state)
{
	(void)state;
	struct trace_file_sink *sink = start("/dev/full", 1, 0, 0);
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	for (uint64_t i = 0; i < 10; i++)
		take_note(producer, 1, 0, i);
	trace_file_sink_flush(sink);
	struct trace_file_status status = status_of(sink);
	assert_int_equal(status.records, 0);
	assert_int_equal(status.dropped, 10);
	assert_int_equal(status.error, -ENOSPC);
	trace_file_sink_stop(sink);
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The same as a disk that fills up and is cleared again: only whole lines stay, the loss is told
 * in the log as soon as there is room, even where nothing else happens. */
static void when_space_is_back_the_loss_is_said(void **state)
{
	struct place *place = *state;
	struct trace_file_sink *sink = start(place->path, 1, 0, 0);
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	limit_files(1000);
	for (uint64_t i = 1; i <= 30; i++)
		take_note(producer, 1, 0, i);
	trace_file_sink_flush(sink);
	struct trace_file_status full = status_of(sink);
	assert_int_equal(full.error, -EFBIG);
	assert_true(full.records > 0);
	assert_int_equal(full.records + full.dropped, 30);
	assert_int_equal(lines_of(place->path), full.records);
	limit_files(RLIM_INFINITY);
	for (int wait = 0; wait < 500 && lines_of(place->path) == full.records; wait++)
		usleep(10000);
	take_note(producer, 1, 0, 31);
	trace_file_sink_flush(sink);
	assert_int_equal(status_of(sink).error, 0);
	trace_file_sink_stop(sink);

	struct buffer text = read_file(place->path);
	struct span rest = buffer_span(&text), line = SPAN_NONE;
	for (uint64_t i = 0; i < full.records; i++)
		assert_int_equal(number_in(span_cut(&rest, '\n'), "\"count\":"), i + 1);
	line = span_cut(&rest, '\n');
	if (span_find_span(line, SPAN("File too large")) == line.length)
		fail_msg("no reason in: %.*s", SPAN_PRINT(line));
	assert_int_equal(number_in(line, "\"count\":"), full.dropped);
	assert_int_equal(number_in(span_cut(&rest, '\n'), "\"count\":"), 31);
	assert_int_equal(rest.length, 0);
	buffer_done(&text);
}

static void several_files_several_formats(void **state)
{
	struct place *place = *state;
	char second[128];
	(void)snprintf(second, sizeof(second), "%s.1", place->path);
	struct trace_file_settings files[] = {
		{ .path = place->path, .writer = { .format = TRACE_EXPRESSWAY, .node = SPAN("vcse") } },
		{ .path = second, .writer = { .format = TRACE_SIPSTACK, .node = SPAN("sfvedge") } },
	};
	struct trace_file_sink_settings settings = {
		.files = files, .file_count = 2, .producers = 1, .clock = clock_system()
	};
	struct trace_file_sink *sink = NULL;
	assert_int_equal(trace_file_sink_start(&settings, &sink, NULL), 0);
	struct record r = { .kind = RECORD_RULE, .rule = { .name = SPAN("to partners") } };
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	record_take(&producer, &r);
	take_note(producer, 1, 0, 1);
	trace_file_sink_stop(sink);
	assert_int_equal(lines_of(place->path), 2);
	/* sipstack has no shape for a rule. */
	assert_int_equal(lines_of(second), 1);
}

static void bad_settings_are_refused(void **state)
{
	struct place *place = *state;
	struct trace_file_settings files[] = {
		{ .path = place->path, .writer = { .format = TRACE_JSON } },
		{ .path = "/nowhere/at/all.log", .writer = { .format = TRACE_JSON } },
	};
	struct trace_file_sink_settings settings = {
		.files = files, .file_count = 2, .producers = 1, .clock = clock_system()
	};
	struct trace_file_sink *sink = NULL;
	size_t index = 9;
	assert_int_equal(trace_file_sink_start(&settings, &sink, &index), -ENOENT);
	assert_int_equal(index, 1);
	settings.producers = 0;
	assert_int_equal(trace_file_sink_start(&settings, &sink, NULL), -EINVAL);
	settings.producers = 1;
	settings.file_count = TRACE_FILES_MAXIMUM + 1;
	assert_int_equal(trace_file_sink_start(&settings, &sink, NULL), -EINVAL);
	assert_null(sink);

	/* No log is configured: nobody wants a record. */
	settings.file_count = 0;
	assert_int_equal(trace_file_sink_start(&settings, &sink, NULL), 0);
	struct record_sink producer = trace_file_sink_producer(sink, 0);
	assert_false(record_wanted(&producer));
	producer = trace_file_sink_producer(NULL, 0);
	assert_false(record_wanted(&producer));
	trace_file_sink_flush(sink);
	trace_file_sink_stop(sink);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACED(what_was_taken_is_in_the_file_after_flush),
		PLACED(without_flush_it_comes_by_itself),
		PLACED(producers_are_merged_by_time),
		PLACED(threads_lose_nothing_uncounted),
		PLACED(a_full_ring_is_counted_and_said),
		PLACED(files_are_rotated),
		PLACED(a_moved_file_is_left_on_reopen),
		PLACED(a_full_device_drops_and_counts),
		PLACED(when_space_is_back_the_loss_is_said),
		PLACED(several_files_several_formats),
		PLACED(bad_settings_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
