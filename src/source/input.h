/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_INPUT_H
#define FEDGE_SOURCE_INPUT_H
/* Bytes, wherever they lie: a file on disk, a pipe, a file in the spool. A file may be closed and opened again; whether
 * it is still the same one is looked at. */
#include "source/spool.h"

#include <sys/types.h>

struct source_input {
	const char *path; /* of a file or a pipe with a name; borrowed */
	const struct source_spool *spool; /* of a file in it; borrowed */
	struct source_stored stored; /* owned */
	int descriptor; /* -1: closed */
	bool is_pipe; /* known when it is open */
	bool is_standard; /* standard input: never closed */
	bool was_open;
	dev_t device;
	ino_t inode;
	int64_t written_us; /* wall clock: when it was written last; 0: not known */
	uint64_t length; /* when it was opened first; UINT64_MAX of a pipe */
	/* What was read of a pipe to look at it. */
	char *head;
	size_t head_length, head_used;
};
struct source_input source_input_of_path(const char *path); /* "-": standard input */
struct source_input source_input_of_stored(
	const struct source_spool *spool, struct source_stored stored, int64_t written_us);
void source_input_done(struct source_input *input);

bool source_input_is_open(const struct source_input *input);
/* 0; -EISDIR; -ESTALE: another file stands at its path; or open's errno. Opening an open one does nothing. */
int source_input_open(struct source_input *input);
/* Only of what can be opened again. */
void source_input_close(struct source_input *input);
/* A file: as many bytes as there are, up to length; or a negative errno. Several threads may read at once. */
ssize_t source_input_read_at(const struct source_input *input, uint64_t offset, char *ret_bytes, size_t length);
/* A pipe: what comes within so many ms; 0: the end; -EAGAIN: nothing came; or a negative errno. */
ssize_t source_input_read_on(struct source_input *input, char *ret_bytes, size_t length, int timeout_ms);
/* A pipe: up to that many bytes are read and kept, to be read again. The bytes kept so far; *ret_status 0 where they
 * are enough or all there is, -EAGAIN where more may come, or a negative errno. */
struct span source_input_peek(struct source_input *input, size_t length, int timeout_ms, int *ret_status);
#endif
