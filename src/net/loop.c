/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "net/loop_private.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define POST_MAXIMUM ((size_t)64 * 1024)
#define POST_FIRST ((size_t)64)
/* Rounds of flushing at the end of one turn before events are looked at again. */
#define FLUSH_ROUNDS 4

struct post {
	void (*function)(void *argument);
	void *argument;
};

struct post_queue {
	struct post *posts;
	size_t count;
	size_t capacity;
	struct net_task *first_task;
	struct net_task **last_task;
};

struct loop_signal {
	uv_signal_t handle;
	struct list link;
	void (*caught)(void *argument, int number);
	void *argument;
};

struct net_loop {
	uv_loop_t uv;
	uv_async_t wake;
	uv_prepare_t prepare;
	uv_timer_t timer; /* the wheel's next due time */
	uv_timer_t limit; /* of net_loop_turn */
	uv_idle_t again; /* active while a round of flushing left work */
	uv_check_t polled;
	uv_idle_t late; /* active while timers are due */
	int64_t late_us; /* those due by then fire after the next look at the sockets; INT64_MAX: none */
	struct clock clock;
	struct wheel wheel;
	int64_t now_us;
	bool now_is_fresh;
	int64_t programmed_us; /* what the uv timer is set to, INT64_MAX: stopped */
	struct list hooks;
	struct list dirty;
	struct list members;
	struct list signals;
	size_t expected;
	_Atomic bool stopping;
	char *read_buffer;
	pthread_mutex_t lock; /* of incoming alone */
	struct post_queue incoming;
	struct post_queue running; /* the loop's own; swapped with incoming */
};

/* ---- posts ---- */

static void queue_init(struct post_queue *queue)
{
	memset(queue, 0, sizeof(*queue));
	queue->last_task = &queue->first_task;
}

static bool queue_is_empty(const struct post_queue *queue)
{
	return queue->count == 0 && !queue->first_task;
}

static int queue_grow(struct post_queue *queue)
{
	if (queue->count < queue->capacity)
		return 0;
	size_t capacity = queue->capacity ? queue->capacity * 2 : POST_FIRST;
	if (capacity > POST_MAXIMUM)
		return -ENOBUFS;
	struct post *posts = realloc(queue->posts, capacity * sizeof(*posts));
	if (!posts)
		return -ENOMEM;
	queue->posts = posts;
	queue->capacity = capacity;
	return 0;
}

int net_loop_post(struct net_loop *loop, void (*function)(void *argument), void *argument)
{
	pthread_mutex_lock(&loop->lock);
	bool was_empty = queue_is_empty(&loop->incoming);
	int status = queue_grow(&loop->incoming);
	if (status == 0)
		loop->incoming.posts[loop->incoming.count++] = (struct post){ function, argument };
	pthread_mutex_unlock(&loop->lock);
	if (status == 0 && was_empty)
		uv_async_send(&loop->wake);
	return status;
}

void net_loop_submit(struct net_loop *loop, struct net_task *task)
{
	task->next = NULL;
	pthread_mutex_lock(&loop->lock);
	bool was_empty = queue_is_empty(&loop->incoming);
	*loop->incoming.last_task = task;
	loop->incoming.last_task = &task->next;
	/* Woken under the lock: the loop may be freed as soon as it has seen the task. */
	if (was_empty)
		uv_async_send(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

static bool loop_take_posts(struct net_loop *loop)
{
	struct post_queue *running = &loop->running;
	pthread_mutex_lock(&loop->lock);
	struct post_queue taken = loop->incoming;
	loop->incoming = *running;
	*running = taken;
	if (!running->first_task)
		running->last_task = &running->first_task;
	loop->incoming.count = 0;
	loop->incoming.first_task = NULL;
	loop->incoming.last_task = &loop->incoming.first_task;
	pthread_mutex_unlock(&loop->lock);
	bool any = !queue_is_empty(running);
	for (size_t i = 0; i < running->count; i++)
		running->posts[i].function(running->posts[i].argument);
	running->count = 0;
	struct net_task *task = running->first_task;
	running->first_task = NULL;
	running->last_task = &running->first_task;
	while (task) {
		struct net_task *next = task->next;
		task->run(task);
		task = next;
	}
	return any;
}

static void loop_woken(uv_async_t *handle)
{
	loop_take_posts(handle->data);
}

void net_loop_stop(struct net_loop *loop)
{
	atomic_store(&loop->stopping, true);
	uv_async_send(&loop->wake);
}

/* ---- time ---- */

int64_t net_loop_now_us(struct net_loop *loop)
{
	if (!loop->now_is_fresh) {
		loop->now_us = clock_steady_us(&loop->clock);
		loop->now_is_fresh = true;
	}
	return loop->now_us;
}

const struct clock *net_loop_clock(const struct net_loop *loop)
{
	return &loop->clock;
}

struct wheel *net_loop_wheel(struct net_loop *loop)
{
	return &loop->wheel;
}

static void loop_nothing(uv_idle_t *handle)
{
	(void)handle;
}

/* Whoever answered in time must not be called late because a turn of ours was long (a chain of hundreds of certificates
 * is): what has arrived by now is read first. */
static void loop_timer_fired(uv_timer_t *handle)
{
	struct net_loop *loop = handle->data;
	loop->programmed_us = INT64_MAX;
	loop->late_us = clock_steady_us(&loop->clock);
	uv_idle_start(&loop->late, loop_nothing); /* that look does not wait */
}

static void loop_polled(uv_check_t *handle)
{
	struct net_loop *loop = handle->data;
	int64_t late_us = loop->late_us;
	if (late_us == INT64_MAX)
		return;
	loop->late_us = INT64_MAX;
	uv_idle_stop(&loop->late);
	loop->now_is_fresh = false;
	wheel_advance(&loop->wheel, late_us);
}

/* libuv counts whole milliseconds from a time that it has rounded down: from there the way is up to one longer. Too
 * short a wait would wake us before anything is due. */
static uint64_t loop_wait_ms(const struct net_loop *loop, int64_t wait_us)
{
	uint64_t due_us = uv_hrtime() / 1000 + (uint64_t)wait_us;
	return (due_us + 999) / 1000 - uv_now(&loop->uv);
}

static void loop_program_timer(struct net_loop *loop)
{
	int64_t next_us = wheel_next_us(&loop->wheel);
	if (next_us == loop->programmed_us || loop->late_us != INT64_MAX)
		return;
	loop->programmed_us = next_us;
	if (next_us == INT64_MAX) {
		uv_timer_stop(&loop->timer);
		return;
	}
	int64_t wait_us = next_us - clock_steady_us(&loop->clock);
	uv_update_time(&loop->uv);
	uv_timer_start(&loop->timer, loop_timer_fired, wait_us > 0 ? loop_wait_ms(loop, wait_us) : 0, 0);
}

/* ---- the end of a turn ---- */

void net_loop_add_hook(struct net_loop *loop, struct net_hook *hook)
{
	list_append(&loop->hooks, &hook->link);
}

void loop_dirty_init(struct loop_dirty *dirty, void (*run)(struct loop_dirty *dirty))
{
	list_init(&dirty->link);
	dirty->run = run;
}

void loop_mark(struct net_loop *loop, struct loop_dirty *dirty)
{
	if (list_is_empty(&dirty->link))
		list_append(&loop->dirty, &dirty->link);
}

void loop_unmark(struct loop_dirty *dirty)
{
	list_remove(&dirty->link);
}

/* What becomes dirty meanwhile waits for the next round. */
static void loop_run_dirty(struct net_loop *loop)
{
	struct list round;
	if (list_is_empty(&loop->dirty))
		return;
	round = loop->dirty;
	round.next->previous = &round;
	round.previous->next = &round;
	list_init(&loop->dirty);
	while (!list_is_empty(&round)) {
		struct loop_dirty *dirty = base_container(round.next, struct loop_dirty, link);
		list_remove(&dirty->link);
		dirty->run(dirty);
	}
}

static void loop_run_hooks(struct net_loop *loop)
{
	list_each_safe (link, following, &loop->hooks) {
		struct net_hook *hook = base_container(link, struct net_hook, link);
		hook->run(hook->argument);
	}
}

static void loop_end_turn(struct net_loop *loop)
{
	for (int round = 0; round < FLUSH_ROUNDS; round++) {
		loop_run_hooks(loop);
		if (list_is_empty(&loop->dirty))
			break;
		loop_run_dirty(loop);
	}
	if (list_is_empty(&loop->dirty))
		uv_idle_stop(&loop->again);
	else
		uv_idle_start(&loop->again, loop_nothing);
	loop_program_timer(loop);
	loop->now_is_fresh = false;
}

static void loop_prepare(uv_prepare_t *handle)
{
	loop_end_turn(handle->data);
}

char *loop_read_buffer(struct net_loop *loop)
{
	return loop->read_buffer;
}

/* ---- life ---- */

static void loop_init_handles(struct net_loop *loop)
{
	uv_prepare_init(&loop->uv, &loop->prepare);
	uv_timer_init(&loop->uv, &loop->timer);
	uv_timer_init(&loop->uv, &loop->limit);
	uv_idle_init(&loop->uv, &loop->again);
	uv_idle_init(&loop->uv, &loop->late);
	uv_check_init(&loop->uv, &loop->polled);
	loop->prepare.data = loop->timer.data = loop->limit.data = loop->again.data = loop;
	loop->late.data = loop->polled.data = loop;
	uv_prepare_start(&loop->prepare, loop_prepare);
	uv_check_start(&loop->polled, loop_polled);
}

int net_loop_new(const struct clock *clock, struct net_loop **ret_loop)
{
	struct net_loop *loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	int status = -ENOMEM;
	loop->read_buffer = malloc(LOOP_READ_SIZE);
	if (!loop->read_buffer || (status = uv_loop_init(&loop->uv)) < 0)
		goto failed;
	status = uv_async_init(&loop->uv, &loop->wake, loop_woken);
	if (status < 0) {
		uv_loop_close(&loop->uv);
		goto failed;
	}
	loop->wake.data = loop;
	loop->clock = *clock;
	loop->programmed_us = loop->late_us = INT64_MAX;
	list_init(&loop->hooks);
	list_init(&loop->dirty);
	list_init(&loop->members);
	list_init(&loop->signals);
	queue_init(&loop->incoming);
	queue_init(&loop->running);
	pthread_mutex_init(&loop->lock, NULL);
	wheel_init(&loop->wheel, clock_steady_us(clock));
	loop_init_handles(loop);
	*ret_loop = loop;
	return 0;
failed:
	free(loop->read_buffer);
	free(loop);
	return status;
}

/* OpenSSL writes by write(2): a peer that has gone must be an errno, not a signal. */
static void loop_block_sigpipe(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int net_loop_run(struct net_loop *loop)
{
	loop_block_sigpipe();
	while (!atomic_exchange(&loop->stopping, false))
		uv_run(&loop->uv, UV_RUN_ONCE);
	loop_end_turn(loop);
	return 0;
}

/* libuv looks at its timers before it waits: one that is due by then would be gone, and the wait without an end. */
static void loop_limit_reached(uv_timer_t *handle)
{
	uv_stop(handle->loop);
}

int net_loop_turn(struct net_loop *loop, int64_t wait_us)
{
	loop_block_sigpipe();
	if (wait_us <= 0) {
		uv_run(&loop->uv, UV_RUN_NOWAIT);
	} else {
		uv_update_time(&loop->uv);
		uv_timer_start(&loop->limit, loop_limit_reached, (uint64_t)((wait_us + 999) / 1000), 0);
		uv_run(&loop->uv, UV_RUN_ONCE);
		uv_timer_stop(&loop->limit);
	}
	if (loop->late_us != INT64_MAX)
		uv_run(&loop->uv, UV_RUN_NOWAIT); /* they became due while it waited */
	loop_end_turn(loop);
	return 0;
}

void loop_join(struct net_loop *loop, struct loop_member *member)
{
	list_append(&loop->members, &member->link);
}

void loop_leave(struct loop_member *member)
{
	list_remove(&member->link);
}

void loop_expect(struct net_loop *loop)
{
	loop->expected++;
}

void loop_met(struct net_loop *loop)
{
	base_require(loop->expected > 0);
	loop->expected--;
}

/* Nothing but submitted tasks is run: owners of timers may be gone. */
static void loop_await_expected(struct net_loop *loop)
{
	uv_prepare_stop(&loop->prepare);
	uv_timer_stop(&loop->timer);
	uv_check_stop(&loop->polled);
	uv_idle_stop(&loop->late);
	while (loop->expected > 0)
		uv_run(&loop->uv, UV_RUN_ONCE);
}

static void loop_shut_members(struct net_loop *loop)
{
	while (!list_is_empty(&loop->members)) {
		struct loop_member *member = base_container(loop->members.next, struct loop_member, link);
		list_remove(&member->link);
		member->shut(member);
		loop_run_dirty(loop);
	}
}

static void signal_freed(uv_handle_t *handle)
{
	free(base_container(handle, struct loop_signal, handle));
}

static void loop_close_handles(struct net_loop *loop)
{
	list_each_safe (link, following, &loop->signals) {
		struct loop_signal *caught = base_container(link, struct loop_signal, link);
		uv_close((uv_handle_t *)&caught->handle, signal_freed);
	}
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->timer, NULL);
	uv_close((uv_handle_t *)&loop->limit, NULL);
	uv_close((uv_handle_t *)&loop->again, NULL);
	uv_close((uv_handle_t *)&loop->late, NULL);
	uv_close((uv_handle_t *)&loop->polled, NULL);
}

void net_loop_free(struct net_loop *loop)
{
	if (!loop)
		return;
	do {
		loop_shut_members(loop);
		while (!list_is_empty(&loop->dirty))
			loop_run_dirty(loop);
		loop_await_expected(loop);
	} while (loop_take_posts(loop) || !list_is_empty(&loop->members));
	loop_close_handles(loop);
	while (uv_run(&loop->uv, UV_RUN_NOWAIT) != 0)
		;
	base_require(uv_loop_close(&loop->uv) == 0);
	pthread_mutex_lock(&loop->lock); /* a submitter may still be on its way out */
	pthread_mutex_unlock(&loop->lock);
	pthread_mutex_destroy(&loop->lock);
	free(loop->incoming.posts);
	free(loop->running.posts);
	free(loop->read_buffer);
	free(loop);
}

struct uv_loop_s *net_loop_uv(struct net_loop *loop)
{
	return &loop->uv;
}

/* ---- signals ---- */

static void loop_signal_caught(uv_signal_t *handle, int number)
{
	struct loop_signal *caught = base_container(handle, struct loop_signal, handle);
	caught->caught(caught->argument, number);
}

int net_loop_on_signal(struct net_loop *loop, int number, void (*caught)(void *argument, int number), void *argument)
{
	struct loop_signal *watched = calloc(1, sizeof(*watched));
	if (!watched)
		return -ENOMEM;
	uv_signal_init(&loop->uv, &watched->handle);
	watched->caught = caught;
	watched->argument = argument;
	list_append(&loop->signals, &watched->link);
	return uv_signal_start(&watched->handle, loop_signal_caught, number);
}
