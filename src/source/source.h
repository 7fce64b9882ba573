/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_SOURCE_H
#define FEDGE_SOURCE_SOURCE_H
/* What people drop, as records in the order of time: files, folders (all of them, by name), standard input, and
 * archives of these (gzip, zip, tar, whatever libarchive knows, one inside another). Kinds are told by content. Large
 * files are cut at records and read on all cores; within one file the order stays that of the file, between files the
 * earliest goes first. Opens and reads; judges nothing and joins nothing: a function given by the caller boils each
 * record down on the reading thread, and what it made comes out of source_next in order, on the caller's.
 *
 * Never holds a file in memory: what is read ahead has a maximum. What comes out of an archive is bounded in bytes and
 * in depth, so that a bomb ends as a note. A file that cannot be read is told (source_file.status), never the end. */
#include "base/arena.h"
#include "trace/reader.h"

/* Keeps of a record what is needed, in the arena; NULL passes it over. Called on a reading thread, by several at once;
 * the argument is shared, the arena is not. `file` is an index for source_file(). place->line and place->offset are
 * relative to where this part of the file begins: source_item says by how much. */
typedef void *source_boil(
	void *argument, const struct record *r, const struct trace_place *place, uint32_t file, struct arena *arena);

struct source_settings {
	const char *const *paths; /* "-" is standard input; borrowed until source_free */
	size_t path_count;
	const char *const *key_logs; /* files of TLS secrets for captures; a key log among the paths is found as well */
	size_t key_log_count;
	unsigned int threads; /* 0: one for each core */
	bool follow; /* go on when the file ends: wait for more, notice that it was rotated (one path, no folder) */
	uint64_t unpacked_maximum; /* of all archives together; 0: 64 GiB */
	/* For formats that write local time; see trace/reader.h. */
	int32_t (*utc_offset_s)(void *argument, int64_t local_us);
	source_boil *boil;
	void *argument;
};

struct source_file {
	struct span name; /* as given, or "archive.tar.gz:folder/file" */
	enum trace_kind kind;
	int status; /* 0 or the negative errno that ended it: what was read before stays */
	const char *why; /* in words where errno does not say it: "more than … out of an archive"; else NULL */
	bool is_key_log; /* TLS secrets for captures: then no record is made of it */
	uint64_t bytes; /* read so far, unpacked */
	struct trace_reader_counts counts; /* complete once source_next gave 0 */
	/* The first few places that could not be read. */
#define SOURCE_UNREAD_MAXIMUM 8
	struct source_unread {
		uint64_t line;
		const char *why;
		char text[80]; /* its beginning */
	} unread[SOURCE_UNREAD_MAXIMUM];
	size_t unread_count;
};

struct source_item {
	void *item; /* what boil gave; valid until the next call of source_next */
	int64_t time_us; /* of the record; 0: not known, then it stays behind the one before it in its file */
	uint32_t file;
	uint64_t line_base, offset_base; /* to be added to the place that boil saw */
};

struct source;
/* Finds the files and makes the reading threads, which begin with the first source_next: boil may use what it needs
 * *ret_source for. 0; -ENOENT and the like for a path that is not there (*ret_index tells which; path_count + i for the
 * key log i), -EISDIR (a folder cannot be followed), -ENOMEM, -EAGAIN (no thread). */
int source_start(const struct source_settings *settings, struct source **ret_source, size_t *ret_index);
/* The next item. 1; 0 at the end of all files; SOURCE_WAITING where timeout_ms passed without one (only with follow, or
 * to show progress); -ENOMEM. timeout_ms below 0 waits as long as it takes. */
#define SOURCE_WAITING 2
int source_next(struct source *source, int timeout_ms, struct source_item *ret_item);
/* Stops reading wherever it is. NULL, always; accepts NULL. */
struct source *source_free(struct source *source);

/* Files found so far: archives add to them while they are read. The pointer is valid until source_free. Name and kind
 * stand before any record of the file is boiled and may be read by boil; the rest changes in source_next only. */
size_t source_file_count(const struct source *source);
const struct source_file *source_file(const struct source *source, uint32_t index);
/* Bytes on disk read so far, and in all; *ret_total 0 where that cannot be known (a pipe, a file that is followed).
 * What an archive of files is unpacked to counts as well: the total grows then. */
void source_progress(const struct source *source, uint64_t *ret_done, uint64_t *ret_total);
#endif
