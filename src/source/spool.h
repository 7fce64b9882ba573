/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_SPOOL_H
#define FEDGE_SOURCE_SPOOL_H
/* Where the files of an archive lie while they are read: an archive gives them one after another, but their records
 * belong between each other by time. One file without a name, in the folder for large temporary files, gone with the
 * program however it ends. Several threads may add and read at once. */
#include "base/span.h"

#include <sys/types.h>

struct source_spool;
/* A file in it. Zeroed at first; added to by one thread, read by any once it is whole. */
struct source_stored {
	uint64_t length;
	uint64_t *extents; /* numbers of pieces of SOURCE_SPOOL_EXTENT bytes */
	size_t count, capacity;
};
#define SOURCE_SPOOL_EXTENT ((uint64_t)1 << 20)
/* So much stays free on the disk. */
#define SOURCE_SPOOL_RESERVE ((uint64_t)256 << 20)

/* 0, -ENOMEM or the errno of making the file. The folder: $TMPDIR, else /var/tmp, else /tmp. */
int source_spool_new(struct source_spool **ret_spool);
struct source_spool *source_spool_free(struct source_spool *spool); /* NULL, always; accepts NULL */
/* 0, -ENOMEM, -ENOSPC (the reserve is touched) or the errno of writing. */
int source_spool_append(struct source_spool *spool, struct source_stored *stored, struct span bytes);
/* Zeros up to that length, without writing them. 0 or -ENOMEM. */
int source_spool_extend(struct source_spool *spool, struct source_stored *stored, uint64_t length);
/* As many bytes as there are, up to length; or a negative errno. */
ssize_t source_spool_read(const struct source_spool *spool, const struct source_stored *stored, uint64_t offset,
	char *ret_bytes, size_t length);
void source_stored_done(struct source_stored *stored);
#endif
