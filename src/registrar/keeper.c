/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/keeper.h"

#include "store/bindings.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define GATHER_MS 100 /* more may come meanwhile */
#define RETRY_MS 1000
#define BATCH 256 /* addresses of record */
/* Of a batch: each at most as many contacts as there may be, each as long as a binding may be. */
#define ARENA_MAXIMUM ((size_t)BATCH * 33 * 8192)

struct registrar_keeper {
	struct registrar_location *location;
	struct store_bindings *store;
	struct clock clock;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool has_work; /* these three: under the lock */
	bool stopping;
	struct registrar_keeper_status status;
};

/* ---- at the start ---- */

static struct registrar_binding binding_of(const struct store_binding *row)
{
	struct registrar_binding binding = { .flow = REGISTRAR_FLOW_NONE };
#define X(name) binding.name = row->name;
	STORE_BINDINGS_TEXTS(X)
#undef X
	binding.registered_us = row->registered_us;
	binding.refreshed_us = row->refreshed_us;
	binding.expires_us = row->expires_us;
	binding.cseq = (uint32_t)row->cseq;
	binding.reg_id = (uint32_t)row->reg_id;
	binding.q = (uint16_t)(row->q < 0 ? 0 : row->q > 1000 ? 1000 : row->q);
	binding.outbound = row->outbound != 0;
	return binding;
}

static bool restore(void *argument, const struct store_binding *row)
{
	struct registrar_keeper *keeper = argument;
	struct registrar_binding binding = binding_of(row);
	char source[REGISTRAR_SOURCE_SIZE];
	if (!row->aor.at || !row->contact.at || binding.expires_us <= clock_wall_us(&keeper->clock)) {
		registrar_location_put_back(keeper->location, row->aor); /* so that its row goes */
		keeper->has_work = true;
		return true;
	}
	/* A datagram's sender is known by his address, unless it was a proxy's; a connection's is gone with it. */
	if (row->direct && span_is(row->transport, "udp"))
		binding.source = registrar_source_of_datagram(row->received, source);
	if (registrar_location_restore(keeper->location, row->aor, &binding) == 0)
		keeper->status.restored++;
	else
		keeper->status.not_restored++;
	return true;
}

/* ---- the thread ---- */

static struct store_binding row_of(const struct registrar_binding *binding)
{
	struct store_binding row = { .registered_us = binding->registered_us,
		.refreshed_us = binding->refreshed_us,
		.expires_us = binding->expires_us,
		.cseq = binding->cseq,
		.reg_id = binding->reg_id,
		.q = binding->q,
		.outbound = binding->outbound,
		.direct = binding->source.at != NULL };
#define X(name) row.name = binding->name;
	STORE_BINDINGS_TEXTS(X)
#undef X
	return row;
}

static int write_one(struct registrar_keeper *keeper, const struct registrar_changed *changed)
{
	struct store_binding rows[REGISTRAR_CONTACTS_MAXIMUM];
	size_t count = changed->count < REGISTRAR_CONTACTS_MAXIMUM ? changed->count : REGISTRAR_CONTACTS_MAXIMUM;
	for (size_t i = 0; i < count; i++)
		rows[i] = row_of(&changed->bindings[i]);
	return store_bindings_replace(keeper->store, changed->aor, rows, count);
}

static int write_batch(struct registrar_keeper *keeper, const struct registrar_changed *changed, size_t count)
{
	int status = store_bindings_begin(keeper->store);
	for (size_t i = 0; i < count && status == 0; i++)
		status = write_one(keeper, &changed[i]);
	if (status == 0)
		status = store_bindings_commit(keeper->store);
	for (size_t i = 0; i < count && status < 0; i++)
		registrar_location_put_back(keeper->location, changed[i].aor);
	return status;
}

static void tell(struct registrar_keeper *keeper, int status)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->status.batches++;
	keeper->status.is_failing = status < 0;
	keeper->status.failures += status < 0;
	if (status < 0)
		snprintf(keeper->status.error, sizeof(keeper->status.error), "%s", store_bindings_error(keeper->store));
	pthread_mutex_unlock(&keeper->lock);
}

/* Everything that changed so far; the first failure ends it. */
static int write_all(struct registrar_keeper *keeper)
{
	struct registrar_changed changed[BATCH];
	struct arena arena;
	size_t count = BATCH;
	int status = 0;
	arena_init(&arena, ARENA_MAXIMUM);
	while (status == 0 && count == BATCH) {
		arena_reset(&arena);
		count = registrar_location_take(keeper->location, &arena, changed, BATCH);
		if (count == 0)
			break;
		status = write_batch(keeper, changed, count);
		tell(keeper, status);
	}
	arena_done(&arena);
	return status;
}

/* Until then, or until it is time to stop. Under the lock. */
static void wait_ms(struct registrar_keeper *keeper, int64_t ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!keeper->stopping && pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until) == 0)
		;
}

static void *thread_main(void *argument)
{
	struct registrar_keeper *keeper = argument;
	bool stopping = false;
	while (!stopping) {
		pthread_mutex_lock(&keeper->lock);
		while (!keeper->stopping && !keeper->has_work)
			pthread_cond_wait(&keeper->wake, &keeper->lock);
		wait_ms(keeper, GATHER_MS);
		keeper->has_work = false;
		stopping = keeper->stopping;
		pthread_mutex_unlock(&keeper->lock);
		if (write_all(keeper) == 0)
			continue;
		pthread_mutex_lock(&keeper->lock);
		wait_ms(keeper, RETRY_MS);
		keeper->has_work = true;
		pthread_mutex_unlock(&keeper->lock);
	}
	return NULL;
}

static void changed(void *argument)
{
	struct registrar_keeper *keeper = argument;
	pthread_mutex_lock(&keeper->lock);
	keeper->has_work = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}

static void destroy(struct registrar_keeper *keeper)
{
	store_bindings_close(keeper->store);
	pthread_cond_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

int registrar_keeper_start(const char *address, struct span node, const struct clock *clock,
	struct registrar_location *location, struct registrar_keeper **ret_keeper,
	char reterr_text[REGISTRAR_KEEPER_ERROR_SIZE])
{
	struct registrar_keeper *keeper = calloc(1, sizeof(*keeper));
	pthread_condattr_t attributes;
	if (!keeper) {
		snprintf(reterr_text, REGISTRAR_KEEPER_ERROR_SIZE, "no memory");
		return -ENOMEM;
	}
	keeper->location = location;
	keeper->clock = *clock;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	int status = store_bindings_open(address, node, &keeper->store, reterr_text);
	registrar_location_keep(location, changed, keeper);
	if (status == 0) {
		status = store_bindings_each(keeper->store, restore, keeper);
		if (status < 0)
			snprintf(reterr_text, REGISTRAR_KEEPER_ERROR_SIZE, "%s", store_bindings_error(keeper->store));
	}
	if (status == 0)
		status = -pthread_create(&keeper->thread, NULL, thread_main, keeper);
	if (status < 0) {
		registrar_location_keep(location, NULL, NULL);
		destroy(keeper);
		return status;
	}
	*ret_keeper = keeper;
	return 0;
}

struct registrar_keeper *registrar_keeper_stop(struct registrar_keeper *keeper)
{
	if (!keeper)
		return NULL;
	pthread_mutex_lock(&keeper->lock);
	keeper->stopping = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	registrar_location_keep(keeper->location, NULL, NULL);
	destroy(keeper);
	return NULL;
}

void registrar_keeper_status(struct registrar_keeper *keeper, struct registrar_keeper_status *ret_status)
{
	pthread_mutex_lock(&keeper->lock);
	*ret_status = keeper->status;
	pthread_mutex_unlock(&keeper->lock);
}
