/* SPDX-License-Identifier: Apache-2.0 */
/* An archive is told by its first bytes, opened through libarchive, and a packed file's bytes come out of it. */
#include "base/require.h"
#include "source/archive_private.h"

#include <errno.h>
#include <stdlib.h>

#define PIPE_POLL_MS 100
/* Logs shrink to a tenth, repetitive ones to a hundredth; gzip makes zeros a thousandth. Little is never too much. */
#define RATIO_MAXIMUM 250u
#define RATIO_FREE ((uint64_t)256 << 20)

/* ---- what it is ---- */

static const struct {
	size_t offset;
	struct span bytes;
} magics[] = {
	{ 0, { "\x1f\x8b", 2 } }, /* gzip */
	{ 0, { "\x1f\x9d", 2 } }, /* compress */
	{ 0, { "BZh", 3 } },
	{ 0, { "\xfd"
	       "7zXZ\0",
		     6 } },
	{ 0, { "\x28\xb5\x2f\xfd", 4 } }, /* zstd */
	{ 0, { "\x04\x22\x4d\x18", 4 } }, /* lz4 */
	{ 0, { "PK\x03\x04", 4 } },
	{ 0, { "PK\x05\x06", 4 } }, /* an empty zip */
	{ 0, { "7z\xbc\xaf\x27\x1c", 6 } },
	{ 0, { "Rar!\x1a\x07", 6 } },
	{ 0, { "MSCF\0\0\0\0", 8 } }, /* cab */
	{ 257, { "ustar", 5 } },
};

/* A tar of before there was a magic number: the sum of the first block's bytes stands in it. */
static bool is_old_tar(struct span head)
{
	uint64_t sum = 0, told = 0;
	if (head.length < 512 || head.at[0] == '\0')
		return false;
	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)head.at[i];
	for (size_t i = 148; i < 156; i++)
		if (head.at[i] >= '0' && head.at[i] <= '7')
			told = told * 8 + (uint64_t)(head.at[i] - '0');
	return sum == told;
}

bool source_archive_is_one(struct span head)
{
	for (size_t i = 0; i < BASE_COUNT(magics); i++) {
		struct span bytes = magics[i].bytes;
		if (head.length >= magics[i].offset + bytes.length &&
			memcmp(head.at + magics[i].offset, bytes.at, bytes.length) == 0)
			return true;
	}
	return is_old_tar(head);
}

/* ---- libarchive's way to the bytes ---- */

static ssize_t read_pipe(struct source_archive *archive)
{
	struct source_input *input = &archive->lane->input;
	ssize_t got;
	while ((got = source_input_read_on(input, archive->block, SOURCE_ARCHIVE_BLOCK, PIPE_POLL_MS)) == -EAGAIN)
		if (atomic_load(&archive->source->is_stopping))
			return -ECANCELED;
	return got;
}

static la_ssize_t on_read(struct archive *handle, void *argument, const void **ret_block)
{
	struct source_archive *archive = argument;
	struct source_input *input = &archive->lane->input;
	ssize_t got = atomic_load(&archive->source->is_stopping) ? -ECANCELED
		      : input->is_pipe
			      ? read_pipe(archive)
			      : source_input_read_at(input, archive->position, archive->block, SOURCE_ARCHIVE_BLOCK);
	if (got < 0) {
		archive_set_error(handle, (int)-got, "cannot be read");
		return -1;
	}
	archive->position += (uint64_t)got;
	atomic_fetch_add(&archive->source->done_bytes, (uint64_t)got);
	archive->counted += (uint64_t)got;
	if (archive->lane->depth == 0)
		atomic_fetch_add(&archive->lane->root->packed, (uint64_t)got);
	*ret_block = archive->block;
	return got;
}

static la_int64_t on_seek(struct archive *handle, void *argument, la_int64_t offset, int whence)
{
	struct source_archive *archive = argument;
	(void)handle;
	la_int64_t base = whence == SEEK_CUR   ? (la_int64_t)archive->position
			  : whence == SEEK_END ? (la_int64_t)archive->lane->input.length
					       : 0;
	if (base + offset < 0)
		return ARCHIVE_FATAL;
	archive->position = (uint64_t)(base + offset);
	return (la_int64_t)archive->position;
}

static la_int64_t on_skip(struct archive *handle, void *argument, la_int64_t length)
{
	struct source_archive *archive = argument;
	(void)handle;
	uint64_t left = archive->lane->input.length - archive->position;
	uint64_t skipped = length < 0 ? 0 : (uint64_t)length < left ? (uint64_t)length : left;
	archive->position += skipped;
	return (la_int64_t)skipped;
}

int source_archive_fail(struct source_archive *archive, int status, const char *why)
{
	if (archive->status == 0) {
		archive->status = status;
		archive->why = why;
	}
	archive->is_ended = true;
	return archive->status;
}

/* libarchive has its own numbers beside those of errno. */
int source_archive_fail_broken(struct source_archive *archive)
{
	int number = archive_errno(archive->handle);
	if (number == EIO || number == ESTALE || number == ENOMEM || number == ECANCELED)
		return source_archive_fail(archive, -number, NULL);
	return source_archive_fail(archive, -EBADMSG, SOURCE_ARCHIVE_DAMAGED);
}

/* ---- how much comes out ---- */

int source_archive_count_out(struct source_archive *archive, uint64_t length)
{
	struct source_root *root = archive->lane->root;
	uint64_t all = atomic_fetch_add(&archive->source->unpacked_bytes, length) + length;
	uint64_t out = atomic_fetch_add(&root->unpacked, length) + length;
	if (all > archive->source->settings.unpacked_maximum)
		return source_archive_fail(archive, -EFBIG, SOURCE_ARCHIVE_TOO_MUCH);
	if (out > RATIO_FREE && out / RATIO_MAXIMUM > atomic_load(&root->packed))
		return source_archive_fail(archive, -EFBIG, SOURCE_ARCHIVE_BOMB);
	return 0;
}

/* ---- opening ---- */

static int set_up(struct source_archive *archive)
{
	struct archive *handle = archive->handle;
	archive_read_support_filter_all(handle);
	archive_read_support_format_tar(handle);
	archive_read_support_format_zip(handle);
	archive_read_support_format_7zip(handle);
	archive_read_support_format_rar(handle);
	archive_read_support_format_rar5(handle);
	archive_read_support_format_cab(handle);
	archive_read_support_format_cpio(handle);
	archive_read_support_format_empty(handle);
	archive_read_support_format_raw(handle);
	archive_read_set_callback_data(handle, archive);
	archive_read_set_read_callback(handle, on_read);
	if (!archive->lane->input.is_pipe) {
		archive_read_set_seek_callback(handle, on_seek);
		archive_read_set_skip_callback(handle, on_skip);
	}
	return archive_read_open1(handle) == ARCHIVE_OK ? 0 : source_archive_fail_broken(archive);
}

/* Of a single file the only header there is; of others the first stays to be read. */
static int tell_apart(struct source_archive *archive, struct archive_entry **ret_entry)
{
	int status = archive_read_next_header(archive->handle, ret_entry);
	if (status == ARCHIVE_EOF) {
		*ret_entry = NULL;
		return 0;
	}
	if (status < ARCHIVE_WARN)
		return source_archive_fail_broken(archive);
	archive->is_single = archive_format(archive->handle) == ARCHIVE_FORMAT_RAW;
	return 0;
}

int source_archive_open(struct source *source, struct source_lane *lane, struct source_archive **ret_archive)
{
	struct source_archive *archive = calloc(1, sizeof(*archive));
	if (!archive)
		return -ENOMEM;
	archive->source = source;
	archive->lane = lane;
	archive->handle = archive_read_new();
	int status = archive->handle ? set_up(archive) : -ENOMEM;
	if (status == 0)
		status = tell_apart(archive, &archive->first);
	if (status != 0) {
		(void)source_archive_free(archive);
		return status;
	}
	*ret_archive = archive;
	return 0;
}

struct source_archive *source_archive_free(struct source_archive *archive)
{
	if (archive) {
		/* Some formats leave out bytes, or read them twice. */
		if (!archive->lane->input.is_pipe)
			atomic_fetch_add(&archive->source->done_bytes, archive->lane->input.length - archive->counted);
		if (archive->handle)
			archive_read_free(archive->handle);
		free(archive->head);
		free(archive);
	}
	return NULL;
}

struct source_archive *source_archive_put_back(struct source_archive *archive)
{
	struct source *source = archive->source;
	uint64_t length = archive->lane->input.length;
	(void)source_archive_free(archive);
	atomic_fetch_sub(&source->done_bytes, length);
	return NULL;
}

bool source_archive_is_single(const struct source_archive *archive)
{
	return archive->is_single;
}

const char *source_archive_why(const struct source_archive *archive)
{
	return archive->why;
}

/* ---- the bytes of one file ---- */

int source_archive_next_block(struct source_archive *archive, struct span *ret_block, uint64_t *ret_offset)
{
	const void *block;
	size_t length;
	la_int64_t offset;
	int status = archive_read_data_block(archive->handle, &block, &length, &offset);
	if (status == ARCHIVE_EOF)
		return 0;
	if (status < ARCHIVE_WARN)
		return source_archive_fail_broken(archive);
	*ret_block = span_make(block, length);
	*ret_offset = (uint64_t)offset;
	return 1;
}

static int next_of_single(struct source_archive *archive, struct span *ret_piece)
{
	uint64_t offset;
	if (archive->is_ended)
		return archive->status;
	do {
		int status = source_archive_next_block(archive, ret_piece, &offset);
		if (status != 1) {
			archive->is_ended = true;
			return status;
		}
	} while (ret_piece->length == 0);
	int status = source_archive_count_out(archive, ret_piece->length);
	return status == 0 ? 1 : status;
}

struct span source_archive_peek(struct source_archive *archive)
{
	struct span piece;
	base_require(archive->is_single && !archive->head);
	size_t capacity = 0;
	while (archive->head_length < TRACE_HEAD_LENGTH && next_of_single(archive, &piece) == 1) {
		char *head = realloc(archive->head, capacity + piece.length);
		if (!head) {
			(void)source_archive_fail(archive, -ENOMEM, NULL);
			break;
		}
		memcpy(head + archive->head_length, piece.at, piece.length);
		archive->head = head;
		archive->head_length = capacity += piece.length;
	}
	return span_first(span_make(archive->head, archive->head_length), TRACE_HEAD_LENGTH);
}

int source_archive_next(struct source_archive *archive, struct span *ret_piece)
{
	if (archive->head && archive->head_used == archive->head_length) {
		free(archive->head);
		archive->head = NULL;
	}
	if (archive->head_used < archive->head_length) {
		*ret_piece = span_make(archive->head, archive->head_length);
		archive->head_used = archive->head_length;
		return 1;
	}
	return next_of_single(archive, ret_piece);
}
