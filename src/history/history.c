/* SPDX-License-Identifier: Apache-2.0 */
#include "history/history.h"

#include "history/writer.h"
#include "record/gather.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LOOK_MS 50 /* searches under way are looked at this often */

/* Its thread makes entries of records; the writer's brings them into the store. */
struct history {
	struct record_gather *gather;
	struct history_collector *collector;
	struct history_writer *writer;
	struct clock clock;
	pthread_t thread;
	_Atomic bool stopping;
	pthread_mutex_t mutex; /* of the status */
	struct history_status status;
};

static void give(void *argument, const struct history_search *search)
{
	struct history *h = argument;
	history_writer_give(h->writer, history_entry_new(search));
}

/* ---- the thread ---- */

static struct history_collect_counts tell(struct history *h)
{
	struct history_collect_counts counts = history_collect_counts(h->collector);
	pthread_mutex_lock(&h->mutex);
	h->status.records = counts.taken;
	h->status.cut = counts.steps_cut + counts.texts_cut + counts.evicted;
	h->status.open = counts.open;
	pthread_mutex_unlock(&h->mutex);
	return counts;
}

static void *run(void *argument)
{
	struct history *h = argument;
	struct record_sink to = history_collect_sink(h->collector);
	for (;;) {
		/* Read before the rings are looked at: what was taken before it is drained. */
		bool stopping = atomic_load(&h->stopping);
		(void)record_gather_look(h->gather);
		record_gather_drain(h->gather, &to);
		history_collect_tick(h->collector, clock_wall_us(&h->clock));
		if (stopping) {
			history_collect_flush(h->collector);
			return NULL;
		}
		struct history_collect_counts counts = tell(h);
		if (atomic_load(&h->stopping))
			continue;
		/* Under load it wakes for a batch of records, not for each. */
		if (counts.open > 0)
			record_gather_pause(h->gather, LOOK_MS);
		else
			record_gather_sleep(h->gather, -1);
	}
}

/* ---- life cycle ---- */

static void free_it(struct history *h)
{
	history_collect_free(h->collector);
	record_gather_free(h->gather);
	pthread_mutex_destroy(&h->mutex);
	free(h);
}

static int start_thread(struct history *h)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = pthread_create(&h->thread, NULL, run, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (status == 0)
		pthread_setname_np(h->thread, "fedge-history");
	return -status;
}

static int open_writer(
	struct history *h, const struct history_settings *settings, char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	struct store_history *store;
	char *name = span_copy(settings->store);
	int status = name ? store_history_open(name, &store, reterr_text) : -ENOMEM;
	free(name);
	if (status < 0)
		return status;
	return history_writer_start(
		store, &settings->limits, &settings->clock, status == 1 ? reterr_text : "", &h->writer);
}

static int open_parts(
	struct history *h, const struct history_settings *settings, char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	struct record_gather_settings gather = {
		.producers = settings->producers, .ring_bytes = settings->ring_bytes, .wants = history_collect_wants
	};
	struct history_collect_settings collect = { .give = give, .argument = h, .key = settings->key };
	int status = open_writer(h, settings, reterr_text);
	if (status == 0)
		status = record_gather_new(&gather, &h->gather);
	if (status == 0)
		status = history_collect_new(&collect, &h->collector);
	return status;
}

int history_start(const struct history_settings *settings, struct history **ret_history,
	char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	struct history *h = calloc(1, sizeof(*h));
	reterr_text[0] = '\0';
	if (!h)
		return -ENOMEM;
	pthread_mutex_init(&h->mutex, NULL);
	h->clock = settings->clock;
	int status = open_parts(h, settings, reterr_text);
	if (status == 0)
		status = start_thread(h);
	if (status < 0) {
		if (!reterr_text[0])
			span_copy_to(span_of(strerrordesc_np(-status)), reterr_text, STORE_HISTORY_ERROR_SIZE);
		(void)history_writer_stop(h->writer);
		free_it(h);
		return status;
	}
	*ret_history = h;
	return 0;
}

uint64_t history_stop(struct history *h)
{
	if (!h)
		return 0;
	atomic_store(&h->stopping, true);
	record_gather_wake(h->gather);
	pthread_join(h->thread, NULL);
	uint64_t lost = history_writer_stop(h->writer);
	free_it(h);
	return lost;
}

struct record_sink history_producer(struct history *h, uint32_t producer)
{
	return record_gather_producer(h ? h->gather : NULL, producer);
}

void history_status(struct history *h, struct history_status *ret_status)
{
	pthread_mutex_lock(&h->mutex);
	*ret_status = h->status;
	pthread_mutex_unlock(&h->mutex);
	history_writer_status(h->writer, &ret_status->writer);
	ret_status->refused = record_gather_refused(h->gather);
}
