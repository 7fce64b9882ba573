/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_FILE_H
#define FEDGE_TRACE_FILE_H
/* One log file: its writer, what is not written yet, its size, its older copies. Used by the
 * writing thread alone; only the counters are read from elsewhere. */
#include "base/buffer.h"
#include "trace/file_sink.h"

#include <stdatomic.h>

struct trace_file {
	char *path;
	int descriptor;
	bool is_regular; /* can be cut and renamed */
	bool is_torn; /* ends within a line that could not be cut off */
	uint64_t rotate_bytes;
	uint32_t keep;
	uint64_t size;
	uint64_t rotate_at; /* 0: never */
	struct trace_writer *writer;
	struct buffer pending;
	struct buffer ends; /* size_t each: where the records in pending end */
	bool note_pending; /* the first record in pending is our own note of unsaid drops */
	uint64_t unsaid; /* dropped since the last note that was written */
	uint64_t noted; /* how many of them the pending note tells of */
	_Atomic uint64_t records;
	_Atomic uint64_t bytes;
	_Atomic uint64_t dropped;
	_Atomic uint32_t rotations;
	_Atomic int error;
};

int trace_file_open(struct trace_file *file, const struct trace_file_settings *settings);
/* What is pending is written first. Harmless on a file that never opened. */
void trace_file_close(struct trace_file *file);
void trace_file_add(struct trace_file *file, const struct record *r);
/* Writes what is pending, in one write where the file takes it. now_us dates a note of drops,
 * which goes first where there were any. */
void trace_file_flush(struct trace_file *file, int64_t now_us);
void trace_file_reopen(struct trace_file *file, int64_t now_us);
bool trace_file_has_unsaid(const struct trace_file *file);
#endif
