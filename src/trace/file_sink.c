/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/file_sink.h"

#include "base/require.h"
#include "base/ring.h"
#include "record/pack.h"
#include "trace/file.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_BYTES ((size_t)4 * 1024 * 1024)
#define WINDOW_MS 10
/* How often what could not be written is tried and said again. */
#define RETRY_MS 1000

struct producer {
	struct ring ring;
	_Alignas(64) _Atomic uint64_t taken; /* records in the ring, ever; counted after they are in it */
	_Atomic uint32_t wake; /* 1: the thread sleeps and wants to be woken by the next record */
	struct trace_file_sink *sink;
	/* The thread's own: */
	_Alignas(64) uint64_t drained;
	uint64_t limit; /* so many are old enough to be written */
	struct span front; /* oldest record in the ring, absent where it is empty */
	int64_t front_us;
};

struct trace_file_sink {
	struct trace_file files[TRACE_FILES_MAXIMUM];
	size_t file_count;
	struct producer *producers;
	uint32_t producer_count;
	int window_ms;
	struct clock clock;
	int wakeup; /* eventfd */
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
	struct record_unpacked record;
};

static void wake_up(struct trace_file_sink *sink)
{
	uint64_t one = 1;
	/* Full means that it will wake up anyway. */
	ssize_t written = write(sink->wakeup, &one, sizeof(one));
	(void)written;
}

/* The producer's side: one copy, two atomic operations on a line that is its own. */
static void take(void *argument, const struct record *r)
{
	struct producer *p = argument;
	struct record_pack pack;
	record_pack(r, &pack);
	if (ring_write(&p->ring, pack.parts, pack.part_count) == 0) {
		uint64_t taken = atomic_load_explicit(&p->taken, memory_order_relaxed);
		atomic_store_explicit(&p->taken, taken + 1, memory_order_release);
	}
	if (atomic_exchange(&p->wake, 0))
		wake_up(p->sink);
}

struct record_sink trace_file_sink_producer(struct trace_file_sink *sink, uint32_t producer)
{
	if (!sink || sink->file_count == 0)
		return (struct record_sink){ NULL, NULL };
	base_require(producer < sink->producer_count);
	return (struct record_sink){ take, &sink->producers[producer] };
}

/* The thread's side. */

static void look_at_front(struct producer *p)
{
	p->front = ring_peek(&p->ring);
	if (p->front.at)
		p->front_us = record_pack_time_us(p->front);
}

static struct producer *oldest(struct trace_file_sink *sink)
{
	struct producer *found = NULL;
	for (uint32_t i = 0; i < sink->producer_count; i++) {
		struct producer *p = &sink->producers[i];
		if (p->front.at && (!found || p->front_us < found->front_us))
			found = p;
	}
	return found;
}

static uint64_t set_limits(struct trace_file_sink *sink)
{
	uint64_t waiting = 0;
	for (uint32_t i = 0; i < sink->producer_count; i++) {
		struct producer *p = &sink->producers[i];
		p->limit = atomic_load_explicit(&p->taken, memory_order_acquire);
		if (p->limit > p->drained)
			waiting += p->limit - p->drained;
	}
	return waiting;
}

/* Until every record below its limit is through; younger ones of other producers go before it
 * where their time says so. */
static void drain(struct trace_file_sink *sink)
{
	uint64_t waiting = 0;
	for (uint32_t i = 0; i < sink->producer_count; i++) {
		struct producer *p = &sink->producers[i];
		if (p->limit > p->drained)
			waiting += p->limit - p->drained;
		look_at_front(p);
	}
	while (waiting > 0) {
		struct producer *p = oldest(sink);
		base_require(p);
		base_require(record_unpack(p->front, &sink->record) == 0);
		for (size_t i = 0; i < sink->file_count; i++)
			trace_file_add(&sink->files[i], &sink->record.record);
		ring_release(&p->ring);
		if (p->drained++ < p->limit)
			waiting--;
		look_at_front(p);
	}
}

static uint64_t refused(const struct trace_file_sink *sink)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < sink->producer_count; i++)
		sum += atomic_load_explicit(&sink->producers[i].ring.refused, memory_order_relaxed);
	return sum;
}

static void say_refused(struct trace_file_sink *sink, bool at_once)
{
	uint64_t now = refused(sink);
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

static void pause_for(struct trace_file_sink *sink, int timeout_ms)
{
	struct pollfd wait = { .fd = sink->wakeup, .events = POLLIN };
	uint64_t count;
	if (poll(&wait, 1, timeout_ms) > 0) {
		ssize_t got = read(sink->wakeup, &count, sizeof(count));
		(void)got;
	}
}

/* A producer's exchange either sees our 1 and wakes us, or comes before ours, and then we see
 * what it has put into its ring: no record is left waiting. */
static void sleep_until_woken(struct trace_file_sink *sink)
{
	bool retry = refused(sink) != sink->refused_said;
	for (size_t i = 0; i < sink->file_count; i++)
		retry |= trace_file_has_unsaid(&sink->files[i]);
	for (uint32_t i = 0; i < sink->producer_count; i++)
		atomic_exchange(&sink->producers[i].wake, 1);
	if (set_limits(sink) == 0)
		pause_for(sink, retry ? RETRY_MS : -1);
	for (uint32_t i = 0; i < sink->producer_count; i++)
		atomic_exchange(&sink->producers[i].wake, 0);
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
	uint64_t flushed = 0;
	for (;;) {
		/* Read before the limits are set: what was taken before them is below them. */
		bool stopping = atomic_load(&sink->stopping);
		uint64_t wanted = flush_wanted(sink);
		bool at_once = stopping || wanted != flushed;
		uint64_t waiting = set_limits(sink);
		if (waiting > 0 && !at_once)
			pause_for(sink, sink->window_ms);
		drain(sink);
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
	for (uint32_t i = 0; i < sink->producer_count; i++)
		ring_done(&sink->producers[i].ring);
	free(sink->producers);
	if (sink->wakeup >= 0)
		close(sink->wakeup);
	pthread_cond_destroy(&sink->flushed);
	pthread_mutex_destroy(&sink->mutex);
	free(sink);
	return NULL;
}

static int make_producers(struct trace_file_sink *sink, const struct trace_file_sink_settings *settings)
{
	size_t size = (size_t)settings->producers * sizeof(*sink->producers);
	sink->producers = aligned_alloc(_Alignof(struct producer), size);
	if (!sink->producers)
		return -ENOMEM;
	memset(sink->producers, 0, size);
	for (; sink->producer_count < settings->producers; sink->producer_count++) {
		struct producer *p = &sink->producers[sink->producer_count];
		p->sink = sink;
		int status = ring_init(&p->ring, settings->ring_bytes ? settings->ring_bytes : RING_BYTES);
		if (status)
			return status;
	}
	return 0;
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
	sink->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int status = sink->wakeup >= 0 ? make_producers(sink, settings) : -errno;
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
	wake_up(sink);
	pthread_join(sink->thread, NULL);
	return free_sink(sink);
}

void trace_file_sink_reopen(struct trace_file_sink *sink)
{
	atomic_store(&sink->reopening, true);
	wake_up(sink);
}

void trace_file_sink_flush(struct trace_file_sink *sink)
{
	pthread_mutex_lock(&sink->mutex);
	uint64_t ticket = ++sink->flush_wanted;
	wake_up(sink);
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
		.refused = refused(sink),
		.rotations = atomic_load_explicit(&file->rotations, memory_order_relaxed),
		.error = atomic_load_explicit(&file->error, memory_order_relaxed),
	};
	return 0;
}
