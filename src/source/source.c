/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/require.h"
#include "source/archive.h"
#include "source/paths.h"
#include "source/private.h"
#include "trace/whole.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define UNPACKED_MAXIMUM ((uint64_t)64 << 30)

int64_t source_steady_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_SECOND_US + now.tv_nsec / 1000;
}

/* ---- lanes ---- */

bool source_lane_comes_first(const struct source_lane *a, const struct source_lane *b)
{
	for (size_t i = 0; i < SOURCE_ORDER_LENGTH; i++)
		if (a->order[i] != b->order[i])
			return a->order[i] < b->order[i];
	return a->index < b->index;
}

static bool by_hint(const struct source_lane *a, const struct source_lane *b)
{
	return a->hint_us != b->hint_us ? a->hint_us < b->hint_us : source_lane_comes_first(a, b);
}

static bool by_next_item(const struct source_lane *a, const struct source_lane *b)
{
	return a->merge_us != b->merge_us ? a->merge_us < b->merge_us : source_lane_comes_first(a, b);
}

static struct source_lane *lane_free(struct source_lane *lane)
{
	if (!lane)
		return NULL;
	(void)trace_whole_free(lane->reader);
	(void)source_archive_free(lane->stream);
	while (lane->batches.next && !list_is_empty(&lane->batches)) {
		struct source_batch *batch = base_container(lane->batches.next, struct source_batch, link);
		list_remove(&batch->link);
		(void)source_batch_free(batch);
	}
	(void)source_batch_free(lane->taken);
	source_input_done(&lane->input);
	if (lane->depth == 0)
		free(lane->root);
	free((char *)(uintptr_t)lane->shown.name.at);
	free(lane);
	return NULL;
}

/* Room for it wherever a lane may be put, so that nothing fails later. */
static bool make_room(struct source *source)
{
	if (source->lane_count < source->lane_capacity)
		return true;
	size_t capacity = source->lane_capacity ? 2 * source->lane_capacity : 16;
	struct source_lane **entered = reallocarray(source->entered, capacity, sizeof(struct source_lane *));
	if (entered)
		source->entered = entered;
	if (!entered || !source_heap_reserve(&source->waiting, capacity))
		return false;
	source->lane_capacity = capacity;
	return true;
}

static bool append(struct source *source, struct source_lane *lane, struct source_lane *parent)
{
	pthread_mutex_lock(&source->lock);
	bool fits = source->lane_count < SOURCE_FILES_MAXIMUM && make_room(source);
	if (fits) {
		lane->index = (uint32_t)source->lane_count;
		lane->order[lane->depth] = parent ? parent->members++ : lane->index;
		source->lanes[source->lane_count++] = lane;
		source->unsettled++;
		pthread_cond_broadcast(&source->work);
	}
	pthread_mutex_unlock(&source->lock);
	return fits;
}

struct source_lane *source_lane_add(
	struct source *source, struct source_lane *parent, char *name, const struct source_input *input)
{
	struct source_lane *lane = name ? calloc(1, sizeof(*lane)) : NULL;
	if (!lane) {
		free(name);
		return NULL;
	}
	lane->shown.name = span_of(name);
	lane->shown.kind = TRACE_KIND_UNKNOWN;
	lane->input = *input;
	lane->hint_us = lane->reached_us = lane->last_us = INT64_MIN;
	list_init(&lane->batches);
	lane->is_followed = source->settings.follow && !parent;
	if (parent) {
		memcpy(lane->order, parent->order, sizeof(lane->order));
		lane->depth = parent->depth + 1;
		lane->root = parent->root;
	} else {
		lane->root = calloc(1, sizeof(*lane->root));
	}
	if (lane->root && append(source, lane, parent))
		return lane;
	/* The input stays the caller's. */
	lane->input = (struct source_input){ .descriptor = -1 };
	return lane_free(lane);
}

int source_lane_open(struct source *source, struct source_lane *lane)
{
	if (source_input_is_open(&lane->input))
		return 0;
	int status = source_input_open(&lane->input);
	if (status == 0) {
		pthread_mutex_lock(&source->lock);
		source->open_count++;
		pthread_mutex_unlock(&source->lock);
	}
	return status;
}

void source_lane_rest(struct source *source, struct source_lane *lane)
{
	bool has_ended = lane->state == SOURCE_LANE_DONE;
	bool may_return = lane->stream && !lane->is_entered && !lane->input.is_pipe;
	if (has_ended)
		lane->stream = source_archive_free(lane->stream);
	else if (may_return && source->lane_count > SOURCE_STREAMS_MAXIMUM)
		lane->stream = source_archive_put_back(lane->stream);
	if (lane->stream || lane->input.descriptor < 0 || (!has_ended && source->open_count < SOURCE_OPEN_MAXIMUM))
		return;
	source_input_close(&lane->input);
	source->open_count -= lane->input.descriptor < 0;
}

/* ---- start and end ---- */

static bool add_path(void *argument, const char *path, int status, const char *why)
{
	struct source *source = argument;
	if (source->lane_count == SOURCE_FILES_MAXIMUM)
		return true;
	if (source->lane_count == SOURCE_FILES_MAXIMUM - 1) {
		status = -E2BIG;
		why = "too many files: this one and those behind it are not read";
	}
	char *name = strdup(path);
	struct source_input input = source_input_of_path(name ? name : "");
	struct source_lane *lane = source_lane_add(source, NULL, name, &input);
	if (!lane)
		return false;
	if (status != 0) {
		lane->status = status;
		lane->why = why;
		lane->state = SOURCE_LANE_DONE;
		source->unsettled--;
	}
	return true;
}

static int read_key_log(struct source *source, const char *path)
{
	struct source_lane lane = { .input = source_input_of_path(path) };
	char *piece = malloc(SOURCE_PIECE);
	int status = piece ? source_input_open(&lane.input) : -ENOMEM;
	if (status == 0)
		status = source_look_keys(source, &lane, source->keys, piece);
	source_input_done(&lane.input);
	free(piece);
	return status;
}

static int find_all(struct source *source, size_t *ret_index)
{
	const struct source_settings *settings = &source->settings;
	struct stat seen;
	/* One file would wait for the other. */
	if (settings->follow && stat(settings->paths[0], &seen) == 0 && S_ISDIR(seen.st_mode))
		return -EISDIR;
	const struct source_paths_settings paths = { settings->paths, settings->path_count, add_path, source };
	int status = source_paths_find(&paths, ret_index);
	for (size_t i = 0; i < settings->key_log_count && status == 0; i++) {
		*ret_index = settings->path_count + i;
		status = read_key_log(source, settings->key_logs[i]);
	}
	return status;
}

static unsigned int core_count(void)
{
	cpu_set_t cores;
	int count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
	return count > 0 ? (unsigned int)count : 1;
}

static int start_threads(struct source *source)
{
	unsigned int wanted = source->settings.threads ? source->settings.threads : core_count();
	if (wanted > SOURCE_THREADS_MAXIMUM)
		wanted = SOURCE_THREADS_MAXIMUM;
	source->pieces = calloc(wanted, SOURCE_PIECE);
	if (!source->pieces)
		return -ENOMEM;
	while (source->thread_count < wanted &&
		pthread_create(&source->threads[source->thread_count], NULL, source_work, source) == 0)
		source->thread_count++;
	return source->thread_count > 0 ? 0 : -EAGAIN;
}

static void init_conditions(struct source *source)
{
	pthread_condattr_t steady;
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&source->work, &steady);
	pthread_cond_init(&source->ready, &steady);
	pthread_condattr_destroy(&steady);
	pthread_mutex_init(&source->lock, NULL);
}

int source_start(const struct source_settings *settings, struct source **ret_source, size_t *ret_index)
{
	struct source *source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->settings = *settings;
	if (source->settings.unpacked_maximum == 0)
		source->settings.unpacked_maximum = UNPACKED_MAXIMUM;
	source->followed_kind = TRACE_KIND_UNKNOWN;
	source->waiting.comes_first = by_hint;
	source->merge.comes_first = by_next_item;
	list_init(&source->spare);
	init_conditions(source);
	source->keys = trace_keys_new();
	source->lanes = calloc(SOURCE_FILES_MAXIMUM, sizeof(struct source_lane *));
	*ret_index = 0;
	int status = source->keys && source->lanes ? find_all(source, ret_index) : -ENOMEM;
	if (status == 0)
		status = start_threads(source);
	if (status == 0)
		*ret_source = source;
	else
		source = source_free(source);
	return status;
}

struct source *source_free(struct source *source)
{
	if (!source)
		return NULL;
	pthread_mutex_lock(&source->lock);
	atomic_store(&source->is_stopping, true);
	pthread_cond_broadcast(&source->work);
	pthread_mutex_unlock(&source->lock);
	for (unsigned int i = 0; i < source->thread_count; i++)
		pthread_join(source->threads[i], NULL);
	/* Those inside of an archive borrow from it. */
	for (size_t i = source->lane_count; i-- > 0;)
		(void)lane_free(source->lanes[i]);
	while (!list_is_empty(&source->spare)) {
		struct source_batch *batch = base_container(source->spare.next, struct source_batch, link);
		list_remove(&batch->link);
		(void)source_batch_free(batch);
	}
	free(source->pieces);
	free(source->lanes);
	free(source->entered);
	source_heap_done(&source->waiting);
	source_heap_done(&source->merge);
	(void)trace_keys_free(source->keys);
	(void)source_spool_free(source->spool);
	pthread_cond_destroy(&source->work);
	pthread_cond_destroy(&source->ready);
	pthread_mutex_destroy(&source->lock);
	free(source);
	return NULL;
}

/* ---- what is known ---- */

size_t source_file_count(const struct source *source)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&source->lock;
	pthread_mutex_lock(lock);
	size_t count = source->lane_count;
	pthread_mutex_unlock(lock);
	return count;
}

const struct source_file *source_file(const struct source *source, uint32_t index)
{
	base_require(index < SOURCE_FILES_MAXIMUM && source->lanes[index]);
	return &source->lanes[index]->shown;
}

void source_progress(const struct source *source, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = atomic_load(&source->done_bytes);
	*ret_total = atomic_load(&source->is_endless) ? 0 : atomic_load(&source->total_bytes);
}
