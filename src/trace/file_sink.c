/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/file_sink.h"

#include "record/gather.h"
#include "trace/file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define WINDOW_MS 10
/* How often what could not be written is tried and said again. */
#define RETRY_MS 1000

struct trace_file_sink {
	struct trace_file files[TRACE_FILES_MAXIMUM];
	size_t file_count;
	struct record_gather *gather;
	int window_ms;
	struct clock clock;
	pthread_t thread;
	_Atomic bool stopping;
	_Atomic bool reopening;
	pthread_mutex_t mutex; /* of the two tickets */
	pthread_cond_t flushed;
	uint64_t flush_wanted;
	uint64_t flush_done;
	/* The thread's own: */
	uint64_t refused_said;
	int64_t refused_say_us; /* steady: not before */
};

struct record_sink trace_file_sink_producer(struct trace_file_sink *sink, uint32_t producer)
{
	if (!sink || sink->file_count == 0)
		return (struct record_sink){ NULL, NULL };
	return record_gather_producer(sink->gather, producer);
}

/* The thread's side. */

static void add(void *argument, const struct record *r)
{
	struct trace_file_sink *sink = argument;
	for (size_t i = 0; i < sink->file_count; i++)
		trace_file_add(&sink->files[i], r);
}

static void say_refused(struct trace_file_sink *sink, bool at_once)
{
	uint64_t now = record_gather_refused(sink->gather);
	int64_t steady_us = clock_steady_us(&sink->clock);
	if (now == sink->refused_said || (!at_once && steady_us < sink->refused_say_us))
		return;
	struct record note = { .kind = RECORD_NODE, .head = { .time_us = clock_wall_us(&sink->clock) } };
	note.node = (struct record_node){ RECORD_NODE_DROPPED, RECORD_WARNING,
		SPAN("the log could not keep up, records are missing here"), now - sink->refused_said };
	for (size_t i = 0; i < sink->file_count; i++)
		trace_file_add(&sink->files[i], &note);
	sink->refused_said = now;
	sink->refused_say_us = steady_us + RETRY_MS * CLOCK_MS_US;
}

static void flush_files(struct trace_file_sink *sink)
{
	int64_t now_us = clock_wall_us(&sink->clock);
	bool reopen = atomic_exchange(&sink->reopening, false);
	for (size_t i = 0; i < sink->file_count; i++)
		if (reopen)
			trace_file_reopen(&sink->files[i], now_us);
		else
			trace_file_flush(&sink->files[i], now_us);
}

static void sleep_until_woken(struct trace_file_sink *sink)
{
	bool retry = record_gather_refused(sink->gather) != sink->refused_said;
	for (size_t i = 0; i < sink->file_count; i++)
		retry |= trace_file_has_unsaid(&sink->files[i]);
	record_gather_sleep(sink->gather, retry ? RETRY_MS : -1);
}

static uint64_t flush_wanted(struct trace_file_sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	uint64_t wanted = sink->flush_wanted;
	pthread_mutex_unlock(&sink->mutex);
	return wanted;
}

static void tell_flushed(struct trace_file_sink *sink, uint64_t ticket)
{
	pthread_mutex_lock(&sink->mutex);
	sink->flush_done = ticket;
	pthread_cond_broadcast(&sink->flushed);
	pthread_mutex_unlock(&sink->mutex);
}

static void *run(void *argument)
{
	struct trace_file_sink *sink = argument;
	struct record_sink files = { add, sink };
	uint64_t flushed = 0;
	for (;;) {
		/* Read before the limits are set: what was taken before them is below them. */
		bool stopping = atomic_load(&sink->stopping);
		uint64_t wanted = flush_wanted(sink);
		bool at_once = stopping || wanted != flushed;
		uint64_t waiting = record_gather_look(sink->gather);
		if (waiting > 0 && !at_once)
			record_gather_pause(sink->gather, sink->window_ms);
		record_gather_drain(sink->gather, &files);
		say_refused(sink, at_once);
		flush_files(sink);
		if (wanted != flushed)
			tell_flushed(sink, wanted);
		flushed = wanted;
		if (stopping)
			return NULL;
		if (waiting == 0 && !atomic_load(&sink->stopping) && flush_wanted(sink) == flushed &&
			!atomic_load(&sink->reopening))
			sleep_until_woken(sink);
	}
}

/* Life cycle. */

static struct trace_file_sink *free_sink(struct trace_file_sink *sink)
{
	for (size_t i = 0; i < sink->file_count; i++)
		trace_file_close(&sink->files[i]);
	record_gather_free(sink->gather);
	pthread_cond_destroy(&sink->flushed);
	pthread_mutex_destroy(&sink->mutex);
	free(sink);
	return NULL;
}

static int open_files(struct trace_file_sink *sink, const struct trace_file_sink_settings *settings, size_t *ret_index)
{
	for (; sink->file_count < settings->file_count; sink->file_count++) {
		int status = trace_file_open(&sink->files[sink->file_count], &settings->files[sink->file_count]);
		if (status) {
			if (ret_index)
				*ret_index = sink->file_count;
			return status;
		}
	}
	return 0;
}

/* A full disk or a closed pipe is an error of write(), never a signal that ends the program. */
static int start_thread(struct trace_file_sink *sink)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int status = pthread_create(&sink->thread, NULL, run, sink);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (status == 0)
		pthread_setname_np(sink->thread, "fedge-log");
	return -status;
}

int trace_file_sink_start(
	const struct trace_file_sink_settings *settings, struct trace_file_sink **ret_sink, size_t *ret_index)
{
	if (settings->file_count > TRACE_FILES_MAXIMUM || settings->producers == 0)
		return -EINVAL;
	struct trace_file_sink *sink = calloc(1, sizeof(*sink));
	if (!sink)
		return -ENOMEM;
	pthread_mutex_init(&sink->mutex, NULL);
	pthread_cond_init(&sink->flushed, NULL);
	sink->clock = settings->clock;
	sink->window_ms =
		settings->window_ms > 0 && settings->window_ms <= 10000 ? (int)settings->window_ms : WINDOW_MS;
	struct record_gather_settings gather = { .producers = settings->producers, .ring_bytes = settings->ring_bytes };
	int status = record_gather_new(&gather, &sink->gather);
	if (status == 0)
		status = open_files(sink, settings, ret_index);
	if (status == 0)
		status = start_thread(sink);
	if (status) {
		free_sink(sink);
		return status;
	}
	*ret_sink = sink;
	return 0;
}

struct trace_file_sink *trace_file_sink_stop(struct trace_file_sink *sink)
{
	if (!sink)
		return NULL;
	atomic_store(&sink->stopping, true);
	record_gather_wake(sink->gather);
	pthread_join(sink->thread, NULL);
	return free_sink(sink);
}

void trace_file_sink_reopen(struct trace_file_sink *sink)
{
	atomic_store(&sink->reopening, true);
	record_gather_wake(sink->gather);
}

void trace_file_sink_flush(struct trace_file_sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	uint64_t ticket = ++sink->flush_wanted;
	record_gather_wake(sink->gather);
	while (sink->flush_done < ticket)
		pthread_cond_wait(&sink->flushed, &sink->mutex);
	pthread_mutex_unlock(&sink->mutex);
}

int trace_file_sink_status(const struct trace_file_sink *sink, size_t index, struct trace_file_status *ret_status)
{
	if (index >= sink->file_count)
		return -EINVAL;
	const struct trace_file *file = &sink->files[index];
	*ret_status = (struct trace_file_status){
		.records = atomic_load_explicit(&file->records, memory_order_relaxed),
		.bytes = atomic_load_explicit(&file->bytes, memory_order_relaxed),
		.dropped = atomic_load_explicit(&file->dropped, memory_order_relaxed),
		.refused = record_gather_refused(sink->gather),
		.rotations = atomic_load_explicit(&file->rotations, memory_order_relaxed),
		.error = atomic_load_explicit(&file->error, memory_order_relaxed),
	};
	return 0;
}
