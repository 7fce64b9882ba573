/* SPDX-License-Identifier: Apache-2.0 */
#include "source/paths.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Files that were met, by device and number: open addressing. */
struct met {
	struct identity {
		dev_t device;
		ino_t inode;
		bool used;
	} * at;
	size_t count, capacity;
};

static struct identity *place_of(struct met *met, const struct stat *file)
{
	uint64_t hash = ((uint64_t)file->st_ino ^ (uint64_t)file->st_dev << 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t place = (size_t)(hash >> 20) & (met->capacity - 1);
	while (met->at[place].used && (met->at[place].device != file->st_dev || met->at[place].inode != file->st_ino))
		place = (place + 1) & (met->capacity - 1);
	return &met->at[place];
}

static bool grow(struct met *met)
{
	struct met larger = { .capacity = met->capacity ? 2 * met->capacity : 64 };
	larger.at = calloc(larger.capacity, sizeof(*larger.at));
	if (!larger.at)
		return false;
	for (size_t i = 0; i < met->capacity; i++)
		if (met->at[i].used) {
			struct stat file = { .st_dev = met->at[i].device, .st_ino = met->at[i].inode };
			*place_of(&larger, &file) = met->at[i];
		}
	larger.count = met->count;
	free(met->at);
	*met = larger;
	return true;
}

/* Whether it is the first time; without memory, it is. */
static bool meet(struct met *met, const struct stat *file)
{
	if (2 * met->count >= met->capacity && !grow(met))
		return true;
	struct identity *place = place_of(met, file);
	if (place->used)
		return false;
	*place = (struct identity){ file->st_dev, file->st_ino, true };
	met->count++;
	return true;
}

struct walk {
	const struct source_paths_settings *settings;
	struct met met;
};

static int tell(const struct walk *walk, const char *path, int status, const char *why)
{
	return walk->settings->found(walk->settings->argument, path, status, why) ? 0 : -ENOMEM;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int walk_folder(struct walk *walk, const char *path, unsigned int depth);

static int walk_entry(struct walk *walk, const char *path, unsigned int depth)
{
	struct stat seen;
	if (lstat(path, &seen) != 0)
		return tell(walk, path, -errno, NULL);
	if (S_ISDIR(seen.st_mode))
		return walk_folder(walk, path, depth + 1);
	if (S_ISLNK(seen.st_mode) && stat(path, &seen) != 0)
		return tell(walk, path, -errno, NULL);
	if (S_ISDIR(seen.st_mode))
		return tell(walk, path, -ELOOP, "a link to a folder is not followed");
	if (!S_ISREG(seen.st_mode))
		return tell(walk, path, -EINVAL, "no regular file");
	return meet(&walk->met, &seen) ? tell(walk, path, 0, NULL) : 0;
}

static int walk_folder(struct walk *walk, const char *path, unsigned int depth)
{
	struct dirent **entries;
	if (depth > SOURCE_PATHS_DEPTH_MAXIMUM)
		return tell(walk, path, -ELOOP, "too many folders in folders");
	int count = scandir(path, &entries, no_dots, by_bytes);
	if (count < 0)
		return errno == ENOMEM ? -ENOMEM : tell(walk, path, -errno, NULL);
	int status = 0;
	size_t length = strlen(path);
	const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
	for (int i = 0; i < count; i++) {
		base_cleanup(free_pointer) char *inner = NULL;
		if (status == 0 && asprintf(&inner, "%s%s%s", path, slash, entries[i]->d_name) < 0) {
			inner = NULL;
			status = -ENOMEM;
		}
		if (status == 0)
			status = walk_entry(walk, inner, depth);
		free(entries[i]);
	}
	free(entries);
	return status;
}

/* What was named itself is read whatever it is: a pipe is as good as a file. */
static int walk_named(struct walk *walk, const char *path)
{
	struct stat seen;
	if (strcmp(path, "-") == 0)
		return tell(walk, path, 0, NULL);
	if (stat(path, &seen) != 0)
		return -errno;
	if (S_ISDIR(seen.st_mode))
		return walk_folder(walk, path, 0);
	return !S_ISREG(seen.st_mode) || meet(&walk->met, &seen) ? tell(walk, path, 0, NULL) : 0;
}

int source_paths_find(const struct source_paths_settings *settings, size_t *ret_index)
{
	struct walk walk = { .settings = settings };
	int status = 0;
	for (size_t i = 0; i < settings->count && status == 0; i++) {
		*ret_index = i;
		status = walk_named(&walk, settings->paths[i]);
	}
	free(walk.met.at);
	return status;
}
