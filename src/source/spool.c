/* SPDX-License-Identifier: Apache-2.0 */
#include "source/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct source_spool {
	int descriptor;
	_Atomic uint64_t extents; /* taken so far */
};

/* Not every file system makes files without a name. */
static int open_nameless(const char *folder)
{
	char path[4096];
	int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (descriptor >= 0)
		return descriptor;
	if ((size_t)snprintf(path, sizeof(path), "%s/fedge-XXXXXX", folder) >= sizeof(path))
		return -ENAMETOOLONG;
	descriptor = mkostemp(path, O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	(void)unlink(path);
	return descriptor;
}

static int open_somewhere(void)
{
	const char *folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int status = -ENOENT;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (!folders[i] || !folders[i][0])
			continue;
		int descriptor = open_nameless(folders[i]);
		if (descriptor >= 0)
			return descriptor;
		status = descriptor;
	}
	return status;
}

int source_spool_new(struct source_spool **ret_spool)
{
	struct source_spool *spool = calloc(1, sizeof(*spool));
	if (!spool)
		return -ENOMEM;
	spool->descriptor = open_somewhere();
	if (spool->descriptor < 0) {
		int status = spool->descriptor;
		free(spool);
		return status;
	}
	*ret_spool = spool;
	return 0;
}

struct source_spool *source_spool_free(struct source_spool *spool)
{
	if (spool) {
		close(spool->descriptor);
		free(spool);
	}
	return NULL;
}

void source_stored_done(struct source_stored *stored)
{
	free(stored->extents);
	*stored = (struct source_stored){ 0 };
}

/* A file that ends in the middle of an extent takes no more of the disk for it: nothing is written there. */
static int add_extent(struct source_spool *spool, struct source_stored *stored)
{
	if (stored->count == stored->capacity) {
		size_t capacity = stored->capacity ? 2 * stored->capacity : 1;
		uint64_t *extents = reallocarray(stored->extents, capacity, sizeof(*extents));
		if (!extents)
			return -ENOMEM;
		stored->extents = extents;
		stored->capacity = capacity;
	}
	stored->extents[stored->count++] = atomic_fetch_add(&spool->extents, 1);
	return 0;
}

static bool has_room(const struct source_spool *spool)
{
	struct statvfs disk;
	return fstatvfs(spool->descriptor, &disk) != 0 ||
	       (uint64_t)disk.f_bavail * disk.f_frsize > SOURCE_SPOOL_RESERVE;
}

static off_t place_of(const struct source_stored *stored, uint64_t offset)
{
	return (off_t)(stored->extents[offset / SOURCE_SPOOL_EXTENT] * SOURCE_SPOOL_EXTENT +
		       offset % SOURCE_SPOOL_EXTENT);
}

static size_t left_in_extent(uint64_t offset, size_t length)
{
	uint64_t left = SOURCE_SPOOL_EXTENT - offset % SOURCE_SPOOL_EXTENT;
	return length < left ? length : (size_t)left;
}

int source_spool_append(struct source_spool *spool, struct source_stored *stored, struct span bytes)
{
	while (bytes.length > 0) {
		if (stored->length == stored->count * SOURCE_SPOOL_EXTENT) {
			/* Asking the disk costs as much as a small file does. */
			if (atomic_load(&spool->extents) % 16 == 0 && !has_room(spool))
				return -ENOSPC;
			int status = add_extent(spool, stored);
			if (status != 0)
				return status;
		}
		size_t length = left_in_extent(stored->length, bytes.length);
		ssize_t written = pwrite(spool->descriptor, bytes.at, length, place_of(stored, stored->length));
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		stored->length += (size_t)written;
		bytes = span_from(bytes, (size_t)written);
	}
	return 0;
}

int source_spool_extend(struct source_spool *spool, struct source_stored *stored, uint64_t length)
{
	while (stored->count * SOURCE_SPOOL_EXTENT < length) {
		int status = add_extent(spool, stored);
		if (status != 0)
			return status;
	}
	if (length > stored->length)
		stored->length = length;
	return 0;
}

ssize_t source_spool_read(const struct source_spool *spool, const struct source_stored *stored, uint64_t offset,
	char *ret_bytes, size_t length)
{
	size_t done = 0;
	if (offset >= stored->length)
		return 0;
	if (length > stored->length - offset)
		length = (size_t)(stored->length - offset);
	while (done < length) {
		size_t wanted = left_in_extent(offset + done, length - done);
		ssize_t got = pread(spool->descriptor, ret_bytes + done, wanted, place_of(stored, offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		/* Behind the end of the spool: zeros that nobody wrote. */
		if ((size_t)got < wanted)
			memset(ret_bytes + done + got, 0, wanted - (size_t)got);
		done += wanted;
	}
	return (ssize_t)done;
}
