/* SPDX-License-Identifier: Apache-2.0 */
#include "history/writer.h"

#include "base/list.h"
#include "base/require.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define BATCH_MS 100 /* more may come meanwhile */
#define BATCH_ENTRIES 500 /* so many are written without waiting */
#define RETRY_MS 1000 /* after a failure of the store */

struct item {
	struct list link;
	struct history_entry *entry;
};

struct history_writer {
	struct store_history *store;
	struct store_history_limits limits;
	struct clock clock;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* Under the lock: */
	bool stopping;
	struct list waiting; /* the oldest first */
	struct history_writer_status status; /* waiting: with those of the batch */
	/* The thread's own: what it is writing, the oldest first. */
	struct list batch;
	uint32_t batch_count;
};

/* ---- entries ---- */

static void drop_first(struct list *list)
{
	struct item *item = base_container(list->next, struct item, link);
	list_remove(&item->link);
	history_entry_free(item->entry);
	free(item);
}

void history_writer_give(struct history_writer *writer, struct history_entry *entry)
{
	struct item *item = entry ? calloc(1, sizeof(*item)) : NULL;
	pthread_mutex_lock(&writer->lock);
	bool is_full = writer->status.waiting >= HISTORY_WAITING_MAXIMUM && !list_is_empty(&writer->waiting);
	if (item && is_full) {
		drop_first(&writer->waiting);
		writer->status.waiting--;
	}
	writer->status.dropped += !item || is_full;
	if (item) {
		item->entry = entry;
		list_append(&writer->waiting, &item->link);
		writer->status.waiting++;
		pthread_cond_signal(&writer->wake);
	}
	pthread_mutex_unlock(&writer->lock);
	if (!item && entry)
		history_entry_free(entry);
}

/* Under the lock. */
static void take_batch(struct history_writer *writer)
{
	while (writer->batch_count < BATCH_ENTRIES && !list_is_empty(&writer->waiting)) {
		struct list *first = writer->waiting.next;
		list_remove(first);
		list_append(&writer->batch, first);
		writer->batch_count++;
	}
}

/* ---- the store ---- */

/* -EMSGSIZE: the store will never take *ret_failed. */
static int write_batch(struct history_writer *writer, struct list **ret_failed)
{
	int status = store_history_begin(writer->store);
	for (struct list *link = writer->batch.next; status == 0 && link != &writer->batch; link = link->next) {
		status = store_history_put(
			writer->store, history_entry_row(base_container(link, struct item, link)->entry));
		*ret_failed = link;
	}
	if (status < 0)
		return status;
	*ret_failed = NULL;
	return store_history_commit(writer->store, &writer->limits, clock_wall_us(&writer->clock));
}

/* Under the lock. */
static void batch_written(struct history_writer *writer, uint64_t bytes)
{
	writer->status.written += writer->batch_count;
	writer->status.waiting -= writer->batch_count;
	writer->status.bytes = bytes ? bytes : writer->status.bytes;
	writer->status.error[0] = '\0';
	while (!list_is_empty(&writer->batch))
		drop_first(&writer->batch);
	writer->batch_count = 0;
}

static void batch_failed(struct history_writer *writer, int status, struct list *failed)
{
	span_copy_to(span_of(store_history_error(writer->store)), writer->status.error, sizeof(writer->status.error));
	if (status != -EMSGSIZE || !failed)
		return;
	drop_first(failed->previous); /* that one: the first behind the one before it */
	writer->batch_count--;
	writer->status.waiting--;
	writer->status.dropped++;
}

/* Under the lock, which it leaves while it writes. True where the batch is done with. */
static bool try_batch(struct history_writer *writer)
{
	struct list *failed = NULL;
	struct store_history_size size = { .bytes = 0 };
	pthread_mutex_unlock(&writer->lock);
	int status = write_batch(writer, &failed);
	if (status == 0 && store_history_size(writer->store, &size) < 0)
		size.bytes = 0;
	pthread_mutex_lock(&writer->lock);
	if (status == 0)
		batch_written(writer, size.bytes);
	else
		batch_failed(writer, status, failed);
	return writer->batch_count == 0;
}

/* ---- the thread ---- */

/* So long, or until it is time to stop, or (in front of a batch) until one is full. Under the lock. */
static void wait_ms(struct history_writer *writer, long ms, bool until_full)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!writer->stopping && !(until_full && writer->status.waiting >= BATCH_ENTRIES) &&
		pthread_cond_timedwait(&writer->wake, &writer->lock, &until) == 0)
		;
}

static void *run(void *argument)
{
	struct history_writer *writer = argument;
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while (!writer->stopping && writer->status.waiting == 0)
			pthread_cond_wait(&writer->wake, &writer->lock);
		if (writer->batch_count == 0)
			wait_ms(writer, BATCH_MS, true);
		/* Only a whole one: a batch that was tried stays what it was. */
		if (writer->batch_count == 0)
			take_batch(writer);
		bool is_last = writer->stopping;
		if (writer->batch_count == 0 && is_last)
			break;
		if (try_batch(writer))
			continue;
		if (is_last)
			break;
		wait_ms(writer, RETRY_MS, false);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

/* ---- life cycle ---- */

static void free_it(struct history_writer *writer)
{
	while (!list_is_empty(&writer->batch))
		drop_first(&writer->batch);
	while (!list_is_empty(&writer->waiting))
		drop_first(&writer->waiting);
	store_history_close(writer->store);
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* A full disk is an error of write(), never a signal that ends the program. */
static int start_thread(struct history_writer *writer)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = pthread_create(&writer->thread, NULL, run, writer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (status == 0)
		pthread_setname_np(writer->thread, "fedge-store");
	return -status;
}

int history_writer_start(struct store_history *store, const struct store_history_limits *limits,
	const struct clock *clock, const char *away, struct history_writer **ret_writer)
{
	struct history_writer *writer = calloc(1, sizeof(*writer));
	struct store_history_size size;
	pthread_condattr_t attributes;
	if (!writer) {
		store_history_close(store);
		return -ENOMEM;
	}
	*writer = (struct history_writer){ .store = store, .limits = *limits, .clock = *clock };
	list_init(&writer->waiting);
	list_init(&writer->batch);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	span_copy_to(span_of(away), writer->status.error, sizeof(writer->status.error));
	if (!away[0] && store_history_size(store, &size) == 0)
		writer->status.bytes = size.bytes;
	int status = start_thread(writer);
	if (status < 0) {
		free_it(writer);
		return status;
	}
	*ret_writer = writer;
	return 0;
}

uint64_t history_writer_stop(struct history_writer *writer)
{
	if (!writer)
		return 0;
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	pthread_cond_signal(&writer->wake);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	uint64_t lost = writer->status.waiting;
	free_it(writer);
	return lost;
}

void history_writer_status(struct history_writer *writer, struct history_writer_status *ret_status)
{
	pthread_mutex_lock(&writer->lock);
	*ret_status = writer->status;
	pthread_mutex_unlock(&writer->lock);
}
