/* SPDX-License-Identifier: Apache-2.0 */
#include "source/input.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct source_input source_input_of_path(const char *path)
{
	struct source_input input = { .path = path, .descriptor = -1 };
	if (strcmp(path, "-") == 0) {
		input.path = NULL;
		input.is_standard = true;
	}
	return input;
}

struct source_input source_input_of_stored(
	const struct source_spool *spool, struct source_stored stored, int64_t written_us)
{
	return (struct source_input){
		.spool = spool, .stored = stored, .descriptor = -1, .written_us = written_us, .length = stored.length
	};
}

void source_input_done(struct source_input *input)
{
	if (input->descriptor >= 0 && !input->is_standard)
		close(input->descriptor);
	input->descriptor = -1;
	source_stored_done(&input->stored);
	free(input->head);
	input->head = NULL;
}

bool source_input_is_open(const struct source_input *input)
{
	return input->spool || input->descriptor >= 0;
}

/* A file that grew is read as far as it was when it was seen first. */
static int look_at(struct source_input *input)
{
	struct stat seen;
	if (fstat(input->descriptor, &seen) != 0)
		return -errno;
	if (S_ISDIR(seen.st_mode))
		return -EISDIR;
	if (input->was_open)
		return seen.st_dev == input->device && seen.st_ino == input->inode ? 0 : -ESTALE;
	input->was_open = true;
	input->device = seen.st_dev;
	input->inode = seen.st_ino;
	input->is_pipe = !S_ISREG(seen.st_mode);
	input->length = input->is_pipe ? UINT64_MAX : (uint64_t)seen.st_size;
	if (!input->is_pipe)
		input->written_us = seen.st_mtim.tv_sec * CLOCK_SECOND_US + seen.st_mtim.tv_nsec / 1000;
	return 0;
}

int source_input_open(struct source_input *input)
{
	if (source_input_is_open(input))
		return 0;
	/* A pipe with a name would not open before somebody writes to it. */
	input->descriptor =
		input->is_standard ? STDIN_FILENO : open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (input->descriptor < 0)
		return -errno;
	int status = look_at(input);
	if (status == 0 && input->is_standard && !input->is_pipe) {
		/* `fedge explain - < file`: a file as any other, where it is read from its beginning. */
		input->is_pipe = lseek(STDIN_FILENO, 0, SEEK_CUR) != 0;
		input->length = input->is_pipe ? UINT64_MAX : input->length;
	}
	if (status != 0 && !input->is_standard) {
		close(input->descriptor);
		input->descriptor = -1;
	}
	return status;
}

void source_input_close(struct source_input *input)
{
	if (!input->path || input->is_pipe || input->descriptor < 0)
		return;
	close(input->descriptor);
	input->descriptor = -1;
}

ssize_t source_input_read_at(const struct source_input *input, uint64_t offset, char *ret_bytes, size_t length)
{
	size_t done = 0;
	if (input->spool)
		return source_spool_read(input->spool, &input->stored, offset, ret_bytes, length);
	while (done < length) {
		ssize_t got = pread(input->descriptor, ret_bytes + done, length - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static ssize_t read_new(const struct source_input *input, char *ret_bytes, size_t length, int timeout_ms)
{
	struct pollfd waiting = { .fd = input->descriptor, .events = POLLIN };
	int count = poll(&waiting, 1, timeout_ms);
	if (count == 0 || (count < 0 && errno == EINTR))
		return -EAGAIN;
	ssize_t got = count < 0 ? -1 : read(input->descriptor, ret_bytes, length);
	if (got < 0)
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return got;
}

ssize_t source_input_read_on(struct source_input *input, char *ret_bytes, size_t length, int timeout_ms)
{
	size_t kept = input->head_length - input->head_used;
	if (kept == 0)
		return read_new(input, ret_bytes, length, timeout_ms);
	if (length > kept)
		length = kept;
	memcpy(ret_bytes, input->head + input->head_used, length);
	input->head_used += length;
	return (ssize_t)length;
}

struct span source_input_peek(struct source_input *input, size_t length, int timeout_ms, int *ret_status)
{
	if (!input->head)
		input->head = malloc(length);
	if (!input->head) {
		*ret_status = -ENOMEM;
		return SPAN_NONE;
	}
	*ret_status = 0;
	while (input->head_length < length) {
		ssize_t got =
			read_new(input, input->head + input->head_length, length - input->head_length, timeout_ms);
		if (got <= 0) {
			*ret_status = (int)got;
			break;
		}
		input->head_length += (size_t)got;
	}
	return span_make(input->head, input->head_length);
}
