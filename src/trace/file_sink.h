/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_FILE_SINK_H
#define FEDGE_TRACE_FILE_SINK_H
/* The log files of a node and the thread that writes them. Each producer (worker, resolver
 * thread, main thread …) has a ring of its own: taking a record is one copy into it, without a
 * lock or a system call (but for one wake-up after idling). The thread merges the rings by time,
 * formats, and writes each file once a wake-up.
 *
 * It never blocks a producer. What does not fit into a ring or onto the disk is dropped, counted,
 * said in the log as soon as it takes lines again, and shown by the status. Stopping writes all
 * that was taken. */
#include "base/clock.h"
#include "record/sink.h"
#include "trace/writer.h"

struct trace_file_settings {
	const char *path; /* "-": standard output */
	struct trace_writer_settings writer;
	uint64_t rotate_bytes; /* 0: never; else path becomes path.1, path.1 becomes path.2 … */
	uint32_t keep; /* old files to keep, at least 1 */
};
#define TRACE_FILES_MAXIMUM 8
struct trace_file_sink_settings {
	const struct trace_file_settings *files; /* copied */
	size_t file_count;
	uint32_t producers; /* rings; a producer's number is below this */
	size_t ring_bytes; /* of each; 0: 4 MiB */
	uint32_t window_ms; /* how long a record may wait for older ones of other producers; 0: 10 */
	struct clock clock; /* for the time of our own notes */
};

struct trace_file_sink;
/* Opens (appends, 0640) every file and starts the thread. 0; the errno of a file that cannot be
 * opened, its index in *ret_index; -EINVAL, -ENOMEM, -EAGAIN (no thread). All signals are blocked
 * in the thread, so a closed pipe or a file size limit ends nothing. */
int trace_file_sink_start(
	const struct trace_file_sink_settings *settings, struct trace_file_sink **ret_sink, size_t *ret_index);
/* Writes everything that was taken, then ends the thread and closes. Producers must have stopped.
 * Accepts NULL; returns NULL. */
struct trace_file_sink *trace_file_sink_stop(struct trace_file_sink *sink);

/* The sink of one producer; only one thread at a time may use it. */
struct record_sink trace_file_sink_producer(struct trace_file_sink *sink, uint32_t producer);

/* From any thread. */
/* Close and open again all files by their paths, for logrotate and SIGHUP; done by the thread. */
void trace_file_sink_reopen(struct trace_file_sink *sink);
/* Waits until all that was taken before the call is written (or dropped). Never from a worker. */
void trace_file_sink_flush(struct trace_file_sink *sink);

struct trace_file_status {
	uint64_t records; /* written to this file */
	uint64_t bytes;
	uint64_t dropped; /* could not be written: disk full, error */
	uint64_t refused; /* did not fit into a ring (the same for all files) */
	uint32_t rotations;
	int error; /* negative errno of the last failed attempt, 0 once it works again */
};
/* 0 or -EINVAL for an index beyond the files. */
int trace_file_sink_status(const struct trace_file_sink *sink, size_t index, struct trace_file_status *ret_status);
#endif
