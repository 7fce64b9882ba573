/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is cut into parts gives what one reader makes of the whole of it, record for record; and its lines can be
 * found again. */
#include "trace/whole.h"
#include "unit/source/reading.h"

static void take_whole(void *argument, const struct record *r, const struct trace_place *place)
{
	add_seen(argument, seen_of(r, place, 0));
}

/* What one reader makes of it. */
static struct reading read_whole(enum trace_kind kind, struct span text, struct trace_reader_counts *ret_counts)
{
	struct reading whole = { 0 };
	struct trace_reader_settings settings = { .kind = kind, .take = take_whole, .argument = &whole };
	struct trace_whole *reader = trace_whole_new(&settings, true);
	assert_non_null(reader);
	while (text.length > 0) {
		struct span piece = span_first(text, 256 << 10);
		assert_int_equal(trace_whole_feed(reader, piece), 0);
		text = span_from(text, piece.length);
	}
	assert_int_equal(trace_whole_end(reader), 0);
	*ret_counts = *trace_whole_counts(reader);
	(void)trace_whole_free(reader);
	return whole;
}

static void compare(const char *name, enum trace_kind kind, struct span text, unsigned int threads)
{
	struct trace_reader_counts counts;
	const char *const paths[] = { path_of("log") };
	write_file("log", text);
	struct reading whole = read_whole(kind, text, &counts);
	struct reading parts = start_reading(threads, 1, paths);
	read_rest(&parts);
	const struct source_file *file = source_file(parts.source, 0);
	assert_int_equal(file->kind, kind);
	assert_int_equal(file->status, 0);
	assert_int_equal(file->bytes, text.length);
	for (size_t i = 0; i < parts.count && i < whole.count; i++) {
		const struct seen *a = &whole.seen[i], *b = &parts.seen[i];
		if (a->line != b->line || a->offset != b->offset || a->time_us != b->time_us || a->hash != b->hash)
			fail_msg("%s, %u threads, record %zu: line %lu not %lu, offset %lu not %lu", name, threads, i,
				b->line, a->line, b->offset, a->offset);
	}
	if (parts.count != whole.count)
		fail_msg("%s, %u threads: %zu records, not %zu", name, threads, parts.count, whole.count);
	assert_int_equal(file->counts.lines, counts.lines);
	assert_int_equal(file->counts.records, counts.records);
	assert_int_equal(file->counts.other, counts.other);
	assert_int_equal(file->counts.unread, counts.unread);
	end_reading(&parts);
	free(whole.seen);
}

/* ---- the logs ---- */

static void add_messages(struct buffer *log, unsigned int count, const char *end)
{
	for (unsigned int i = 0; i < count; i++) {
		add_message(log, i, i * 3, end);
		if (i % 5 == 0)
			assert_int_equal(
				buffer_printf(log,
					"2017-03-02T07:00:00,000+00:00 vcse tvcs: Module=\"developer.x\" n=\"%u\" "
					"UTCTime=\"2017-03-02 07:00:00,000\"%s",
					i, end),
				0);
	}
}

static void ordinary(struct buffer *log)
{
	add_messages(log, 24000, "\n");
}

static void with_carriage_returns(struct buffer *log)
{
	add_messages(log, 24000, "\r\n");
}

/* Longer than what a cut looks at first, so that cuts fall into it. */
static void with_long_records(struct buffer *log)
{
	for (unsigned int i = 0; i < 14; i++) {
		size_t before = log->length;
		add_message(log, i, i, "\n");
		/* Its last line is empty: the body stands before it. */
		log->length -= 1;
		while (log->length - before < 700000)
			assert_int_equal(buffer_append_text(log, "X-Padding: a header as long as this one is\n"), 0);
		assert_int_equal(buffer_append_text(log, "\n"), 0);
		add_message(log, 1000 + i, i, "\n");
	}
}

static void with_a_desert(struct buffer *log)
{
	add_messages(log, 3000, "\n");
	for (unsigned int i = 0; i < 200000; i++)
		assert_int_equal(buffer_append_text(log, "nothing that any log writes, line by line\n"), 0);
	add_messages(log, 3000, "\n");
}

static void with_one_endless_line(struct buffer *log)
{
	add_messages(log, 3000, "\n");
	for (unsigned int i = 0; i < 400000; i++)
		assert_int_equal(buffer_append_text(log, "this line does not end "), 0);
	assert_int_equal(buffer_append_text(log, "\n"), 0);
	add_messages(log, 3000, "\n");
}

static void without_a_last_newline(struct buffer *log)
{
	add_messages(log, 24000, "\n");
	log->length -= 3;
}

static void cut_files_equal_whole_ones(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		void (*write)(struct buffer *log);
	} cases[] = {
		{ "ordinary", ordinary },
		{ "ordinary", ordinary },
		{ "CR LF", with_carriage_returns },
		{ "long records", with_long_records },
		{ "a desert", with_a_desert },
		{ "one endless line", with_one_endless_line },
		{ "no last newline", without_a_last_newline },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct buffer log;
		buffer_init(&log, (size_t)1 << 28);
		cases[i].write(&log);
		/* Else it is no cut. */
		assert_true(log.length > TRACE_WHOLE_MAXIMUM);
		compare(cases[i].name, TRACE_KIND_EXPRESSWAY, buffer_span(&log), i == 0 ? 1 : 3);
		buffer_done(&log);
	}
}

/* ---- a file that shrinks ---- */

static void shrinking_file_is_told(void **state)
{
	(void)state;
	const char *const paths[] = { path_of("log") };
	struct buffer log;
	buffer_init(&log, (size_t)1 << 28);
	add_messages(&log, 40000, "\n");
	write_file("log", buffer_span(&log));
	struct reading reading = start_reading(1, 1, paths);
	take_next(&reading, -1);
	assert_int_equal(reading.last, 1);
	assert_int_equal(truncate(path_of("log"), 100), 0);
	read_rest(&reading);
	/* What was read ahead before it shrank may have been all of it. */
	const struct source_file *file = source_file(reading.source, 0);
	if (file->status != 0) {
		assert_int_equal(file->status, -ESTALE);
		assert_string_equal(file->why, "it became shorter while it was read");
	} else {
		assert_int_equal(file->bytes, log.length);
	}
	end_reading(&reading);
	buffer_done(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cut_files_equal_whole_ones, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(shrinking_file_is_told, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
