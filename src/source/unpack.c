/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an archive, each into the spool and then a lane of its own. What was cut off is told with the archive,
 * and the part that came out is a file. */
#include "base/clock.h"
#include "source/archive_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int make_spool(struct source *source)
{
	int status = 0;
	pthread_mutex_lock(&source->lock);
	if (!source->spool)
		status = source_spool_new(&source->spool);
	pthread_mutex_unlock(&source->lock);
	return status;
}

/* A file of an archive, to become a lane: what came out of it before it broke is read too. */
static int add_member(
	struct source_archive *archive, const char *name, int64_t written_us, struct source_stored *stored)
{
	struct source *source = archive->source;
	struct source_lane *lane = archive->lane;
	char *full = NULL;
	if (asprintf(&full, "%.*s%s%s", SPAN_PRINT(lane->shown.name), name ? ":" : "", name ? name : "") < 0)
		full = NULL;
	struct source_input input = source_input_of_stored(source->spool, *stored, written_us);
	bool has_name = full;
	if (!source_lane_add(source, lane, full, &input))
		return source_archive_fail(archive, has_name ? -E2BIG : -ENOMEM, has_name ? SOURCE_ARCHIVE_MANY : NULL);
	*stored = (struct source_stored){ 0 };
	return 0;
}

static int store_block(struct source_archive *archive, struct source_stored *stored, struct span block, uint64_t offset)
{
	struct source_spool *spool = archive->source->spool;
	uint64_t end = offset + block.length;
	int status = end < offset ? source_archive_fail(archive, -EBADMSG, SOURCE_ARCHIVE_DAMAGED) : 0;
	/* Holes are counted as what they become. */
	if (status == 0 && end > stored->length)
		status = source_archive_count_out(archive, end - stored->length);
	if (status != 0)
		return status;
	status = source_spool_extend(spool, stored, offset);
	if (status == 0)
		status = source_spool_append(spool, stored, block);
	return status == 0 ? 0
			   : source_archive_fail(archive, status, status == -ENOSPC ? SOURCE_ARCHIVE_NO_ROOM : NULL);
}

static int unpack_member(struct source_archive *archive, const char *name, int64_t written_us)
{
	struct source_stored stored = { 0 };
	struct span block;
	uint64_t offset = 0;
	int status = 0;
	if (archive->is_single)
		while ((status = source_archive_next(archive, &block)) == 1 &&
			(status = store_block(archive, &stored, block, stored.length)) == 0)
			;
	else
		while ((status = source_archive_next_block(archive, &block, &offset)) == 1 &&
			(status = store_block(archive, &stored, block, offset)) == 0)
			;
	if (stored.length > 0 || status == 0) {
		int added = add_member(archive, name, written_us, &stored);
		status = status ? status : added;
	}
	source_stored_done(&stored);
	return status;
}

static int unpack_entry(struct source_archive *archive, struct archive_entry *entry, uint32_t number)
{
	char numbered[32];
	if (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != 0)
		return 0;
	if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
		return 0;
	if (archive_entry_is_encrypted(entry)) {
		/* Others may not be. */
		(void)source_archive_fail(archive, -EACCES, SOURCE_ARCHIVE_LOCKED);
		return 0;
	}
	const char *name = archive_entry_pathname(entry);
	if (!name) {
		(void)snprintf(numbered, sizeof(numbered), "%u", number);
		name = numbered;
	}
	return unpack_member(archive, name, (int64_t)archive_entry_mtime(entry) * CLOCK_SECOND_US);
}

static int unpack_entries(struct source_archive *archive)
{
	struct archive_entry *entry = archive->first;
	uint32_t number = 1;
	int status = 0;
	while (entry && status == 0) {
		status = unpack_entry(archive, entry, number++);
		if (status != 0)
			break;
		int next = archive_read_next_header(archive->handle, &entry);
		if (next == ARCHIVE_EOF)
			break;
		if (next < ARCHIVE_WARN)
			status = source_archive_fail_broken(archive);
	}
	return status ? status : archive->status;
}

int source_archive_unpack(struct source_archive *archive)
{
	if (archive->lane->depth >= SOURCE_DEPTH_MAXIMUM)
		return source_archive_fail(archive, -ELOOP, SOURCE_ARCHIVE_DEEP);
	int status = make_spool(archive->source);
	if (status != 0)
		return source_archive_fail(archive, status, "no place to unpack it");
	return archive->is_single ? unpack_member(archive, NULL, archive->lane->input.written_us)
				  : unpack_entries(archive);
}
