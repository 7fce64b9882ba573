/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/node_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *path, int status, const char *what, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "the key file '%s' %s%s%s", path, what, status ? ": " : "",
		status ? strerror(-status) : "");
	return status ? status : -EINVAL;
}

/* Exactly so many bytes, no more. */
static int file_read(const char *path, unsigned char *bytes)
{
	unsigned char more[EDGE_NODE_KEY_BYTES + 1];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	ssize_t length = read(file, more, sizeof(more));
	int status = length < 0 ? -errno : length == EDGE_NODE_KEY_BYTES ? 0 : -EBADMSG;
	close(file);
	if (status == 0)
		memcpy(bytes, more, EDGE_NODE_KEY_BYTES);
	return status;
}

static int bytes_write(const char *path, const unsigned char *bytes)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0)
		return -errno;
	int status = write(file, bytes, EDGE_NODE_KEY_BYTES) == EDGE_NODE_KEY_BYTES && fsync(file) == 0 ? 0 : -EIO;
	if (close(file) < 0 && status == 0)
		status = -errno;
	return status;
}

/* Beside it first: a power cut leaves either no file or a whole one. link() gives way to whoever was faster. */
static int file_make(const char *path, struct random *random)
{
	unsigned char bytes[EDGE_NODE_KEY_BYTES];
	char suffix[17], aside[4096];
	random_hex(random, 16, suffix);
	if ((size_t)snprintf(aside, sizeof(aside), "%s.%s", path, suffix) >= sizeof(aside))
		return -ENAMETOOLONG;
	random_bytes(random, bytes, sizeof(bytes));
	int status = bytes_write(aside, bytes);
	if (status == 0 && link(aside, path) < 0 && errno != EEXIST)
		status = -errno;
	unlink(aside);
	return status;
}

int edge_node_key(const struct config_node *config, struct random *random, struct hash_key *ret_key,
	char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	unsigned char bytes[EDGE_NODE_KEY_BYTES];
	const char *path = config->key_file.at;
	if (!path) {
		*ret_key = random_hash_key(random);
		return 0;
	}
	int status = file_read(path, bytes);
	if (status == -ENOENT) {
		status = file_make(path, random);
		if (status < 0)
			return fail(path, status, "cannot be made", reterr_text);
		status = file_read(path, bytes);
	}
	if (status == -EBADMSG)
		return fail(path, 0, "does not have 32 bytes: it is no key, or was damaged", reterr_text);
	if (status < 0)
		return fail(path, status, "cannot be read", reterr_text);
	/* All 32 bytes count: each half of the key is a hash under the other half of the file. */
	struct hash_key halves[2];
	memcpy(halves, bytes, sizeof(halves));
	ret_key->word[0] = hash_keyed(&halves[0], span_make((const char *)&halves[1], sizeof(halves[1])));
	ret_key->word[1] = hash_keyed(&halves[1], span_make((const char *)&halves[0], sizeof(halves[0])));
	return 0;
}

void edge_node_key_warning(
	const struct config_node *config, void (*warn)(void *argument, struct span text), void *argument)
{
	struct stat file;
	if (config->key_file.at && stat(config->key_file.at, &file) == 0 && (file.st_mode & 077))
		warn(argument, SPAN("the key file can be read by others: who has it can forge our marks and nonces"));
}
