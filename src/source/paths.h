/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_PATHS_H
#define FEDGE_SOURCE_PATHS_H
/* What stands at the paths that were given: files, and folders with all that is in them, in the order of names. A link
 * in a folder is followed to a file, never to a folder; a file that is met again is passed over. Opens no file. */
#include <stdbool.h>
#include <stddef.h>

struct source_paths_settings {
	const char *const *paths; /* "-" is standard input */
	size_t count;
	/* Each file. status: why it will not be read (then why says it in words), else 0. False ends it all with
	 * -ENOMEM. */
	bool (*found)(void *argument, const char *path, int status, const char *why);
	void *argument;
};
/* Folders in folders. */
#define SOURCE_PATHS_DEPTH_MAXIMUM 64u
/* 0, or the negative errno of a path that is not there (*ret_index tells which); -ENOMEM. */
int source_paths_find(const struct source_paths_settings *settings, size_t *ret_index);
#endif
