/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLUSH_BYTES ((size_t)256 * 1024)
/* One record of the greatest message a node accepts, every byte of it escaped. */
#define PENDING_MAXIMUM ((size_t)32 * 1024 * 1024)

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static void set_error(struct trace_file *file, int error)
{
	atomic_store_explicit(&file->error, error, memory_order_relaxed);
}

static bool is_standard_output(const struct trace_file *file)
{
	return strcmp(file->path, "-") == 0;
}

/* Takes over the descriptor and what it tells of the file. */
static void adopt(struct trace_file *file, int descriptor)
{
	struct stat facts;
	if (file->descriptor >= 0)
		close(file->descriptor);
	file->descriptor = descriptor;
	file->is_regular = false;
	file->is_torn = false;
	file->size = 0;
	if (fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode)) {
		file->is_regular = !is_standard_output(file);
		file->size = (uint64_t)facts.st_size;
	}
	file->rotate_at = file->is_regular ? file->rotate_bytes : 0;
}

static int open_path(const struct trace_file *file)
{
	int descriptor = is_standard_output(file)
				 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
				 : open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	return descriptor >= 0 ? descriptor : -errno;
}

int trace_file_open(struct trace_file *file, const struct trace_file_settings *settings)
{
	*file = (struct trace_file){
		.descriptor = -1,
		.rotate_bytes = settings->rotate_bytes,
		.keep = settings->keep > 0 ? settings->keep : 1,
		.path = span_copy(span_of(settings->path)),
		.writer = trace_writer_new(&settings->writer),
	};
	buffer_init(&file->pending, PENDING_MAXIMUM);
	buffer_init(&file->ends, PENDING_MAXIMUM);
	int descriptor = -ENOMEM;
	if (file->path && file->writer)
		descriptor = open_path(file);
	if (descriptor < 0) {
		trace_file_close(file);
		return descriptor;
	}
	adopt(file, descriptor);
	return 0;
}

void trace_file_close(struct trace_file *file)
{
	if (file->descriptor >= 0)
		close(file->descriptor);
	file->descriptor = -1;
	buffer_done(&file->pending);
	buffer_done(&file->ends);
	file->writer = trace_writer_free(file->writer);
	free(file->path);
	file->path = NULL;
}

static size_t end_of(const struct trace_file *file, size_t index)
{
	size_t end;
	memcpy(&end, file->ends.at + index * sizeof(end), sizeof(end));
	return end;
}

static size_t pending_count(const struct trace_file *file)
{
	return file->ends.length / sizeof(size_t);
}

static void forget_pending(struct trace_file *file)
{
	file->note_pending = false;
	buffer_clear(&file->ends);
	/* One giant record must not keep its memory for ever. */
	if (file->pending.capacity > 4 * FLUSH_BYTES) {
		buffer_done(&file->pending);
		buffer_init(&file->pending, PENDING_MAXIMUM);
	}
	buffer_clear(&file->pending);
}

static size_t write_all(int descriptor, struct span text, int *ret_error)
{
	size_t written = 0;
	*ret_error = 0;
	while (written < text.length && *ret_error == 0) {
		ssize_t now = write(descriptor, text.at + written, text.length - written);
		if (now > 0)
			written += (size_t)now;
		else if (now == 0)
			*ret_error = -ENOSPC;
		else if (errno != EINTR)
			*ret_error = -errno;
	}
	return written;
}

/* The records that are in the file whole; half a record is cut off again. */
static size_t keep_whole_records(struct trace_file *file, size_t written)
{
	size_t whole = 0, end = 0;
	while (whole < pending_count(file) && end_of(file, whole) <= written)
		end = end_of(file, whole++);
	if (written > end) {
		if (file->is_regular && ftruncate(file->descriptor, (off_t)(file->size + end)) == 0)
			written = end;
		else
			file->is_torn = true;
	}
	file->size += written;
	count(&file->bytes, written);
	return whole;
}

static void write_pending(struct trace_file *file)
{
	int error = 0;
	size_t total = pending_count(file), written = 0, whole = 0;
	if (total == 0)
		return;
	/* A line that was left torn is at least ended. */
	if (file->is_torn && write_all(file->descriptor, SPAN("\n"), &error) == 1) {
		file->is_torn = false;
		file->size++;
	}
	if (!error)
		written = write_all(file->descriptor, buffer_span(&file->pending), &error);
	whole = keep_whole_records(file, written);
	set_error(file, error);
	if (file->note_pending && whole > 0)
		file->unsaid -= file->noted;
	/* The note is ours: it counts neither as written nor as dropped. */
	size_t ours = file->note_pending ? 1 : 0;
	size_t lost = total - (whole > ours ? whole : ours);
	count(&file->records, total - ours - lost);
	count(&file->dropped, lost);
	file->unsaid += lost;
	forget_pending(file);
}

/* Appends the record's lines and where they end; takes them back where they do not fit. */
static int append_record(struct trace_file *file, const struct record *r)
{
	size_t before = file->pending.length;
	int status = trace_writer_write(file->writer, r, &file->pending);
	if (status == 0 && file->pending.length == before)
		return 0;
	size_t end = file->pending.length;
	if (status == 0)
		status = buffer_append(&file->ends, span_make((const char *)&end, sizeof(end)));
	if (status) {
		file->pending.length = before;
		file->pending.status = 0;
		file->ends.status = 0;
	}
	return status;
}

static void append_note(struct trace_file *file, int64_t now_us)
{
	char text[192];
	int error = atomic_load_explicit(&file->error, memory_order_relaxed);
	const char *reason = error ? strerrordesc_np(-error) : "out of memory";
	int length = snprintf(text, sizeof(text), "could not write the log, records are missing here: %s",
		reason ? reason : "unknown error");
	struct record note = { .kind = RECORD_NODE, .head = { .time_us = now_us } };
	note.node = (struct record_node){ RECORD_NODE_DROPPED, RECORD_ERROR, span_make(text, (size_t)length),
		file->unsaid };
	if (append_record(file, &note) == 0 && pending_count(file) > 0) {
		file->note_pending = true;
		file->noted = file->unsaid;
	}
}

/* path.1 is the youngest old file. */
static int rename_numbered(const struct trace_file *file)
{
	size_t capacity = strlen(file->path) + 16;
	char *from = malloc(capacity), *to = malloc(capacity);
	int status = from && to ? 0 : -ENOMEM;
	for (uint32_t number = file->keep; status == 0 && number > 0; number--) {
		(void)snprintf(to, capacity, "%s.%u", file->path, (unsigned int)number);
		if (number > 1)
			(void)snprintf(from, capacity, "%s.%u", file->path, (unsigned int)(number - 1));
		else
			(void)snprintf(from, capacity, "%s", file->path);
		/* Not that many old ones yet, or somebody else has moved the log away: nothing to rename. */
		if (rename(from, to) != 0 && errno != ENOENT)
			status = -errno;
	}
	free(from);
	free(to);
	return status;
}

static void rotate(struct trace_file *file)
{
	int status = rename_numbered(file);
	int descriptor = status == 0 ? open_path(file) : status;
	if (descriptor >= 0) {
		adopt(file, descriptor);
		atomic_fetch_add_explicit(&file->rotations, 1, memory_order_relaxed);
	} else {
		/* On with the file we have; tried again after as much more. */
		set_error(file, descriptor);
		file->rotate_at = file->size + file->rotate_bytes;
	}
}

/* The record that would make the file too big is the first of the next one. */
static void rotate_before_last(struct trace_file *file, size_t before)
{
	struct buffer last;
	struct span text = span_from(buffer_span(&file->pending), before);
	buffer_init(&last, PENDING_MAXIMUM);
	if (buffer_append(&last, text) != 0) {
		buffer_done(&last);
		return;
	}
	file->pending.length = before;
	file->ends.length -= sizeof(size_t);
	write_pending(file);
	rotate(file);
	size_t end = last.length;
	if (buffer_append(&file->pending, buffer_span(&last)) != 0 ||
		buffer_append(&file->ends, span_make((const char *)&end, sizeof(end))) != 0) {
		forget_pending(file);
		count(&file->dropped, 1);
		file->unsaid++;
	}
	buffer_done(&last);
}

void trace_file_add(struct trace_file *file, const struct record *r)
{
	if (file->unsaid > 0 && pending_count(file) == 0)
		append_note(file, r->head.time_us);
	size_t before = file->pending.length;
	if (append_record(file, r) != 0) {
		count(&file->dropped, 1);
		file->unsaid++;
		return;
	}
	if (file->pending.length == before)
		return;
	if (file->rotate_at && file->size + file->pending.length > file->rotate_at && file->size + before > 0)
		rotate_before_last(file, before);
	if (file->pending.length >= FLUSH_BYTES)
		write_pending(file);
}

void trace_file_flush(struct trace_file *file, int64_t now_us)
{
	if (file->unsaid > 0 && pending_count(file) == 0)
		append_note(file, now_us);
	write_pending(file);
}

void trace_file_reopen(struct trace_file *file, int64_t now_us)
{
	trace_file_flush(file, now_us);
	if (is_standard_output(file))
		return;
	int descriptor = open_path(file);
	if (descriptor >= 0)
		adopt(file, descriptor);
	else
		set_error(file, descriptor);
}

bool trace_file_has_unsaid(const struct trace_file *file)
{
	return file->unsaid > 0;
}
