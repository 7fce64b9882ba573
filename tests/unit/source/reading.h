/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_UNIT_SOURCE_READING_H
#define FEDGE_TESTS_UNIT_SOURCE_READING_H
/* A folder for files of a test, logs to put there, and all that source/ makes of them. */
#include "base/buffer.h"
#include "base/require.h"
#include "source/source.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

static char folder[64];

static inline const char *path_of(const char *name)
{
	static char paths[8][256];
	static size_t next;
	char *path = paths[next++ % 8];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static inline void make_folder(void)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/fedge-source-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

static inline void remove_folder(void)
{
	char command[256];
	(void)snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", folder, folder);
	assert_int_equal(system(command), 0);
}

static inline int folder_setup(void **state)
{
	(void)state;
	make_folder();
	return 0;
}

static inline int folder_teardown(void **state)
{
	(void)state;
	remove_folder();
	return 0;
}

static inline void add_to_file(const char *name, struct span text, int flags)
{
	int descriptor = open(path_of(name), O_WRONLY | O_CREAT | flags, 0644);
	assert_true(descriptor >= 0);
	while (text.length > 0) {
		ssize_t written = write(descriptor, text.at, text.length);
		assert_true(written > 0);
		text = span_from(text, (size_t)written);
	}
	close(descriptor);
}

static inline void write_file(const char *name, struct span text)
{
	add_to_file(name, text, O_TRUNC);
}

/* A command in the folder. */
static inline void shell(const char *command)
{
	char text[1024];
	(void)snprintf(text, sizeof(text), "cd %s && { %s\n}", folder, command);
	if (system(text) != 0)
		fail_msg("this failed: %s", command);
}

/* ---- logs ---- */

/* A message as an Expressway logs it; its number is its Call-ID, and its time so many ms after 07:00. */
static inline void add_message(struct buffer *out, unsigned int number, unsigned int ms, const char *end)
{
	unsigned int s = ms / 1000;
	char stamp[48];
	(void)snprintf(
		stamp, sizeof(stamp), "2017-03-02 %02u:%02u:%02u,%03u", 7 + s / 3600, s / 60 % 60, s % 60, ms % 1000);
	assert_int_equal(buffer_printf(out,
				 "2017-03-02T%s+00:00 vcse tvcs: UTCTime=\"%s\" Module=\"network.sip\" "
				 "Level=\"DEBUG\": Action=\"Received\" Local-ip=\"192.0.2.47\" Local-port=\"5061\" "
				 "Src-ip=\"192.0.2.6\" Src-port=\"25002\" Msg-Hash=\"%u\"%s SIPMSG:%s|SIP/2.0 200 OK%s"
				 "Via: SIP/2.0/TLS 192.0.2.47:5061;branch=z9hG4bK%u%sCall-ID: %u@192.0.2.6%s"
				 "CSeq: 1 OPTIONS%sContent-Length: 0%s%s",
				 stamp + 11, stamp, number + 1, end, end, end, number, end, number, end, end, end, end),
		0);
}

static inline struct buffer log_of(unsigned int first, unsigned int count, unsigned int first_ms, unsigned int step_ms)
{
	struct buffer log;
	buffer_init(&log, (size_t)1 << 28);
	for (unsigned int i = 0; i < count; i++)
		add_message(&log, first + i, first_ms + i * step_ms, "\n");
	return log;
}

static inline void write_log(
	const char *name, unsigned int first, unsigned int count, unsigned int first_ms, unsigned int step_ms)
{
	struct buffer log = log_of(first, count, first_ms, step_ms);
	write_file(name, buffer_span(&log));
	buffer_done(&log);
}

/* ---- what comes out ---- */

/* A record: where it stood, and which one it was. */
struct seen {
	uint32_t file;
	uint64_t line, offset;
	int64_t time_us;
	uint64_t hash; /* of its lines */
	unsigned int number; /* its Call-ID; 0: none */
};

static inline struct seen seen_of(const struct record *r, const struct trace_place *place, uint32_t file)
{
	struct seen seen = { .file = file, .line = place->line, .offset = place->offset, .time_us = r->head.time_us };
	struct span bytes = r->kind == RECORD_MESSAGE ? r->message.bytes : SPAN_NONE;
	size_t at = span_find_span(bytes, SPAN("Call-ID: "));
	seen.hash = span_hash_nocase(place->raw);
	for (size_t i = at + 9; i < bytes.length && bytes.at[i] >= '0' && bytes.at[i] <= '9'; i++)
		seen.number = seen.number * 10 + (unsigned int)(bytes.at[i] - '0');
	return seen;
}

static inline void *boil_seen(
	void *argument, const struct record *r, const struct trace_place *place, uint32_t file, struct arena *arena)
{
	struct seen *seen = arena_allocate(arena, sizeof(*seen));
	(void)argument;
	assert_non_null(seen);
	*seen = seen_of(r, place, file);
	return seen;
}

struct reading {
	struct source *source;
	struct seen *seen;
	size_t count, capacity;
	int last; /* what source_next gave last */
};

static inline void add_seen(struct reading *reading, struct seen seen)
{
	if (reading->count == reading->capacity) {
		reading->capacity = reading->capacity ? 2 * reading->capacity : 64;
		reading->seen = realloc(reading->seen, reading->capacity * sizeof(seen));
		assert_non_null(reading->seen);
	}
	reading->seen[reading->count++] = seen;
}

static inline void take_next(struct reading *reading, int timeout_ms)
{
	struct source_item item;
	reading->last = source_next(reading->source, timeout_ms, &item);
	if (reading->last != 1)
		return;
	struct seen seen = *(struct seen *)item.item;
	assert_int_equal(seen.file, item.file);
	assert_int_equal(seen.time_us, item.time_us);
	seen.line += item.line_base;
	seen.offset += item.offset_base;
	add_seen(reading, seen);
}

static inline void read_rest(struct reading *reading)
{
	do
		take_next(reading, -1);
	while (reading->last == 1);
	assert_int_equal(reading->last, 0);
}

/* All was read. */
static inline void assert_done(const struct reading *reading)
{
	uint64_t done, total;
	source_progress(reading->source, &done, &total);
	assert_int_equal(done, total);
	assert_true(total > 0);
}

static inline struct reading start_with(struct source_settings settings)
{
	struct reading reading = { 0 };
	size_t index;
	settings.boil = boil_seen;
	assert_int_equal(source_start(&settings, &reading.source, &index), 0);
	return reading;
}

static inline struct reading start_reading(unsigned int threads, size_t count, const char *const *paths)
{
	return start_with((struct source_settings){ .paths = paths, .path_count = count, .threads = threads });
}

static inline void end_reading(struct reading *reading)
{
	reading->source = source_free(reading->source);
	free(reading->seen);
	reading->seen = NULL;
}

/* By what stands behind the folder's name. */
static inline const struct source_file *file_named(const struct reading *reading, const char *name)
{
	size_t count = source_file_count(reading->source);
	for (uint32_t i = 0; i < count; i++) {
		const struct source_file *file = source_file(reading->source, i);
		if (file->name.length > strlen(folder) && span_is(span_from(file->name, strlen(folder) + 1), name))
			return file;
	}
	fail_msg("there is no file %s", name);
	abort();
}
#endif
