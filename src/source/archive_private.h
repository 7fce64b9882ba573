/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_ARCHIVE_PRIVATE_H
#define FEDGE_SOURCE_ARCHIVE_PRIVATE_H
/* What opening an archive (archive.c) and taking it apart (unpack.c) share. */
#include "source/archive.h"
#include "source/private.h"

#include <archive.h>
#include <archive_entry.h>

#define SOURCE_ARCHIVE_BLOCK ((size_t)64 << 10)

#define SOURCE_ARCHIVE_TOO_MUCH "more comes out of the archives than is allowed: the rest is not read"
#define SOURCE_ARCHIVE_BOMB "so much comes out of so little that it cannot be logs: the rest is not read"
#define SOURCE_ARCHIVE_DAMAGED "the archive is damaged: what comes behind this place is lost"
#define SOURCE_ARCHIVE_DEEP "archives in archives in archives: not opened"
#define SOURCE_ARCHIVE_NO_ROOM "no room on the disk to unpack it"
#define SOURCE_ARCHIVE_LOCKED "needs a password"
#define SOURCE_ARCHIVE_MANY "too many files"

struct source_archive {
	struct source *source;
	struct source_lane *lane;
	struct archive *handle;
	struct archive_entry *first; /* of an archive of files; NULL: none */
	uint64_t position; /* in the packed file */
	uint64_t counted; /* bytes read of it */
	bool is_single;
	bool is_ended;
	int status; /* what ended it */
	const char *why;
	char *head; /* of a single one */
	size_t head_length, head_used;
	char block[SOURCE_ARCHIVE_BLOCK];
};

/* What ended it: the first one stays, and is given. */
int source_archive_fail(struct source_archive *archive, int status, const char *why);
/* By what libarchive says. */
int source_archive_fail_broken(struct source_archive *archive);
/* So many bytes came out. 0, or what ended it: they are too many. */
int source_archive_count_out(struct source_archive *archive, uint64_t length);
/* The next block of the file at hand, and where in it it belongs. 1, 0 at the end, or what ended it. */
int source_archive_next_block(struct source_archive *archive, struct span *ret_block, uint64_t *ret_offset);
#endif
