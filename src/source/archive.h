/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_ARCHIVE_H
#define FEDGE_SOURCE_ARCHIVE_H
/* What libarchive unpacks: of a packed file (gzip, xz …) the bytes one after another, of an archive of files (zip, tar,
 * tar.gz …) each file, put into the spool, as a lane of its own. Bounded in bytes, in how much comes out of how little,
 * and in depth; what is damaged is told with what came out before. */
#include "base/span.h"

struct source;
struct source_lane;
struct source_archive;

/* By its first bytes. */
bool source_archive_is_one(struct span head);
/* Over the lane's input, which must be open. 0, -ENOMEM, -EBADMSG where libarchive cannot begin to read it. */
int source_archive_open(struct source *source, struct source_lane *lane, struct source_archive **ret_archive);
struct source_archive *source_archive_free(struct source_archive *archive); /* NULL, always; accepts NULL */
/* The same for a file that will be opened again, and then be read from its beginning. */
struct source_archive *source_archive_put_back(struct source_archive *archive);
/* One packed file; else an archive of files. */
bool source_archive_is_single(const struct source_archive *archive);
/* Of a single one: its first bytes, which are read again. */
struct span source_archive_peek(struct source_archive *archive);
/* Of a single one: the next bytes, borrowed until the next call. 1; 0 at the end; or what ended it, and
 * source_archive_why says it in words. */
int source_archive_next(struct source_archive *archive, struct span *ret_piece);
const char *source_archive_why(const struct source_archive *archive); /* NULL where errno says it */
/* Every file of it becomes a lane; of a single one, that one does. 0 or what ended it. */
int source_archive_unpack(struct source_archive *archive);
#endif
