/* SPDX-License-Identifier: Apache-2.0 */
#include "history/history.h"

#include "base/list.h"
#include "base/require.h"
#include "history/row.h"
#include "record/gather.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Entries are given by the collector 100 ms after their end; then a batch may wait for so long. */
#define BATCH_MS 100
#define BATCH_ENTRIES 500 /* so many are written without waiting */
#define RETRY_MS 1000 /* after a failure of the store */
#define IDLE_MS 1000 /* nothing waits: searches under way are looked at this often */

struct entry {
	struct list link;
	struct history_entry *packed;
};

struct history {
	struct store_history *store;
	struct store_history_limits limits;
	struct record_gather *gather;
	struct history_collector *collector;
	struct clock clock;
	pthread_t thread;
	_Atomic bool stopping;
	pthread_mutex_t mutex; /* of the status */
	struct history_status status;
	/* The thread's own: */
	struct list waiting; /* entries, the oldest first */
	uint32_t waiting_count;
	uint64_t dropped;
	int64_t due_us; /* steady: when the batch is written; 0: nothing waits */
	char error[STORE_HISTORY_ERROR_SIZE];
};

/* ---- entries ---- */

static void drop_first(struct history *h)
{
	struct entry *entry = base_container(h->waiting.next, struct entry, link);
	list_remove(&entry->link);
	h->waiting_count--;
	history_entry_free(entry->packed);
	free(entry);
}

static void give(void *argument, const struct history_search *search)
{
	struct history *h = argument;
	struct entry *entry = calloc(1, sizeof(*entry));
	if (entry)
		entry->packed = history_entry_new(search);
	if (!entry || !entry->packed) {
		free(entry);
		h->dropped++;
		return;
	}
	if (h->waiting_count >= HISTORY_WAITING_MAXIMUM) {
		drop_first(h);
		h->dropped++;
	}
	list_append(&h->waiting, &entry->link);
	h->waiting_count++;
	if (!h->due_us)
		h->due_us = clock_steady_us(&h->clock) + BATCH_MS * CLOCK_MS_US;
}

/* ---- the store ---- */

static int put_all(struct history *h)
{
	int status = store_history_begin(h->store);
	uint32_t count = 0;
	for (struct list *item = h->waiting.next; status == 0 && item != &h->waiting && count < BATCH_ENTRIES;
		item = item->next, count++)
		status = store_history_put(
			h->store, history_entry_row(base_container(item, struct entry, link)->packed));
	if (status == 0)
		status = store_history_commit(h->store, &h->limits, clock_wall_us(&h->clock));
	return status < 0 ? status : (int)count;
}

/* True where more can be written at once. */
static bool write_batch(struct history *h)
{
	struct store_history_size size = { .bytes = 0 };
	int count = put_all(h);
	for (int i = 0; i < count; i++)
		drop_first(h);
	h->error[0] = '\0';
	if (count < 0)
		span_copy_to(span_of(store_history_error(h->store)), h->error, sizeof(h->error));
	int64_t wait_ms = count < 0 ? RETRY_MS : BATCH_MS;
	h->due_us = h->waiting_count ? clock_steady_us(&h->clock) + wait_ms * CLOCK_MS_US : 0;
	if (count > 0 && store_history_size(h->store, &size) < 0)
		size.bytes = 0;
	pthread_mutex_lock(&h->mutex);
	h->status.written += count > 0 ? (uint64_t)count : 0;
	h->status.bytes = size.bytes ? size.bytes : h->status.bytes;
	pthread_mutex_unlock(&h->mutex);
	return count > 0 && h->waiting_count > 0;
}

static void write_what_is_due(struct history *h)
{
	bool is_full = h->waiting_count >= BATCH_ENTRIES && !h->error[0];
	if (!h->waiting_count || (!is_full && clock_steady_us(&h->clock) < h->due_us))
		return;
	while (write_batch(h) && h->waiting_count >= BATCH_ENTRIES)
		;
}

/* ---- the thread ---- */

static void tell(struct history *h)
{
	struct history_collect_counts counts = history_collect_counts(h->collector);
	pthread_mutex_lock(&h->mutex);
	h->status.records = counts.taken;
	h->status.cut = counts.steps_cut + counts.texts_cut + counts.evicted;
	h->status.open = counts.open;
	h->status.waiting = h->waiting_count;
	h->status.dropped = h->dropped;
	span_copy_to(span_of(h->error), h->status.error, sizeof(h->status.error));
	pthread_mutex_unlock(&h->mutex);
}

static int wait_ms(const struct history *h)
{
	if (history_collect_counts(h->collector).open > 0)
		return BATCH_MS / 2;
	if (!h->due_us)
		return -1;
	int64_t left_us = h->due_us - clock_steady_us(&h->clock);
	return left_us <= 0 ? 0 : left_us > IDLE_MS * CLOCK_MS_US ? IDLE_MS : (int)(left_us / CLOCK_MS_US) + 1;
}

static void finish(struct history *h)
{
	history_collect_flush(h->collector);
	while (write_batch(h))
		;
	h->dropped += h->waiting_count;
	tell(h);
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
			finish(h);
			return NULL;
		}
		write_what_is_due(h);
		tell(h);
		int timeout_ms = wait_ms(h);
		if (atomic_load(&h->stopping))
			continue;
		/* Under load it wakes for a batch of records, not for each. */
		if (timeout_ms < 0)
			record_gather_sleep(h->gather, timeout_ms);
		else
			record_gather_pause(h->gather, timeout_ms);
	}
}

/* ---- life cycle ---- */

static struct history *free_it(struct history *h)
{
	while (!list_is_empty(&h->waiting))
		drop_first(h);
	history_collect_free(h->collector);
	record_gather_free(h->gather);
	store_history_close(h->store);
	pthread_mutex_destroy(&h->mutex);
	free(h);
	return NULL;
}

/* A full disk is an error of write(), never a signal that ends the program. */
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

static int open_parts(
	struct history *h, const struct history_settings *settings, char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	struct record_gather_settings gather = {
		.producers = settings->producers, .ring_bytes = settings->ring_bytes, .wants = history_collect_wants
	};
	struct history_collect_settings collect = { .give = give, .argument = h, .key = settings->key };
	struct store_history_size size;
	char *name = span_copy(settings->store);
	int status = name ? store_history_open(name, &h->store, reterr_text) : -ENOMEM;
	free(name);
	if (status == 0 && store_history_size(h->store, &size) == 0)
		h->status.bytes = size.bytes;
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
	list_init(&h->waiting);
	h->clock = settings->clock;
	h->limits = settings->limits;
	int status = open_parts(h, settings, reterr_text);
	if (status == 0)
		status = start_thread(h);
	if (status < 0) {
		if (!reterr_text[0])
			span_copy_to(span_of(strerrordesc_np(-status)), reterr_text, STORE_HISTORY_ERROR_SIZE);
		free_it(h);
		return status;
	}
	*ret_history = h;
	return 0;
}

struct history *history_stop(struct history *h)
{
	if (!h)
		return NULL;
	atomic_store(&h->stopping, true);
	record_gather_wake(h->gather);
	pthread_join(h->thread, NULL);
	return free_it(h);
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
	ret_status->refused = record_gather_refused(h->gather);
}
