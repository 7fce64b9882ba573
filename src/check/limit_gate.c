/* SPDX-License-Identifier: Apache-2.0 */
#include "check/limit_gate.h"

#include "base/require.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct check_limit_gate {
	pthread_mutex_t lock; /* of all below */
	struct check_limit limit;
	struct hash_table tickets; /* those that wait, and those granted whose task has not run yet */
	_Atomic size_t waiting; /* written under the lock */
};

struct ticket {
	struct check_limit_waiter waiter;
	struct hash_link link;
	struct net_task task; /* tells its window's thread */
	struct check_limit_window *window;
	void (*granted)(void *ticket);
	void *name; /* what the examiner calls it */
	struct net_address address;
	struct list held; /* in its window */
	bool is_granted, is_told, is_forgotten;
};

static struct ticket *ticket_of_link(struct hash_link *link)
{
	return base_container(link, struct ticket, link);
}

static uint64_t name_hash(const void *name)
{
	return hash_mix((uint64_t)(uintptr_t)name, 0);
}

/* ---- the turn of one ---- */

/* All in the ticket's own thread, the only one that forgets it. */
static void ticket_done(struct ticket *ticket)
{
	struct check_limit_gate *gate = ticket->window->gate;
	pthread_mutex_lock(&gate->lock);
	hash_remove(&gate->tickets, &ticket->link);
	pthread_mutex_unlock(&gate->lock);
	list_remove(&ticket->held);
	free(ticket);
}

static void ticket_pass(struct ticket *ticket)
{
	void (*granted)(void *ticket) = ticket->granted;
	void *name = ticket->name;
	ticket->window->active++;
	ticket_done(ticket);
	granted(name);
}

static bool window_has_room(const struct check_limit_window *window)
{
	return window->active < window->pace.most && list_is_empty(&window->held);
}

static void ticket_told(struct net_task *task)
{
	struct ticket *ticket = base_container(task, struct ticket, task);
	if (ticket->is_forgotten) {
		free(ticket);
		return;
	}
	ticket->is_told = true;
	if (window_has_room(ticket->window))
		ticket_pass(ticket);
	else
		list_append(&ticket->window->held, &ticket->held);
}

/* Under the lock, in any window's thread. */
static void ticket_granted(void *argument, struct check_limit_waiter *waiter)
{
	struct check_limit_gate *gate = argument;
	struct ticket *ticket = base_container(waiter, struct ticket, waiter);
	ticket->is_granted = true;
	atomic_fetch_sub(&gate->waiting, 1);
	net_loop_submit(ticket->window->loop, &ticket->task);
}

/* ---- time ---- */

static void window_arm(struct check_limit_window *window, int64_t next_us)
{
	if (next_us != INT64_MAX && (!wheel_is_armed(&window->timer) || next_us < window->timer.due_us))
		wheel_arm(net_loop_wheel(window->loop), &window->timer, next_us);
}

/* Whoever changes something sees to it that the time that follows from it is not missed. */
static void window_leave(struct check_limit_window *window)
{
	int64_t next_us = check_limit_next_us(&window->gate->limit);
	pthread_mutex_unlock(&window->gate->lock);
	window_arm(window, next_us);
}

static void window_in_time(struct wheel_timer *timer, int64_t now_us)
{
	struct check_limit_window *window = base_container(timer, struct check_limit_window, timer);
	pthread_mutex_lock(&window->gate->lock);
	check_limit_advance(&window->gate->limit, now_us);
	window_leave(window);
}

/* At the end of each turn: was it too long, and who of those held may go now? */
static void window_turned(void *argument)
{
	struct check_limit_window *window = argument;
	int64_t began_us = net_loop_now_us(window->loop);
	int64_t now_us = clock_steady_us(net_loop_clock(window->loop));
	check_pace_turn(&window->pace, now_us, now_us - began_us, !list_is_empty(&window->held));
	while (window->active < window->pace.most && !list_is_empty(&window->held))
		ticket_pass(base_container(window->held.next, struct ticket, held));
	if (!list_is_empty(&window->held))
		window_arm(window, now_us + CHECK_PACE_STEP_US);
}

/* ---- struct check_gate ---- */

static struct ticket *ticket_new(
	struct check_limit_window *window, const struct net_address *address, void (*granted)(void *ticket), void *name)
{
	struct ticket *ticket = calloc(1, sizeof(*ticket));
	if (!ticket)
		return NULL;
	ticket->window = window;
	ticket->task.run = ticket_told;
	ticket->granted = granted;
	ticket->name = name;
	ticket->address = *address;
	list_init(&ticket->held);
	return ticket;
}

static bool window_ask(
	void *argument, const struct net_address *address, void (*granted)(void *ticket), void *ticket_name)
{
	struct check_limit_window *window = argument;
	struct check_limit_gate *gate = window->gate;
	struct ticket *ticket = ticket_new(window, address, granted, ticket_name);
	pthread_mutex_lock(&gate->lock);
	bool go =
		check_limit_ask(&gate->limit, address, net_loop_now_us(window->loop), ticket ? &ticket->waiter : NULL);
	if (go && (!ticket || window_has_room(window))) {
		pthread_mutex_unlock(&gate->lock);
		free(ticket);
		window->active++;
		return true;
	}
	base_require(hash_insert(&gate->tickets, &ticket->link, name_hash(ticket_name)) == 0);
	if (go) {
		ticket->is_granted = ticket->is_told = true;
		list_append(&window->held, &ticket->held);
	} else {
		atomic_fetch_add(&gate->waiting, 1);
	}
	window_leave(window);
	return false;
}

static void window_release(void *argument, const struct net_address *address)
{
	struct check_limit_window *window = argument;
	window->active--;
	pthread_mutex_lock(&window->gate->lock);
	check_limit_release(&window->gate->limit, address, net_loop_now_us(window->loop));
	window_leave(window);
}

static struct ticket *ticket_find(struct check_limit_gate *gate, const void *name)
{
	struct hash_link *link = hash_first(&gate->tickets, name_hash(name));
	while (link && ticket_of_link(link)->name != name)
		link = hash_next(link);
	return link ? ticket_of_link(link) : NULL;
}

static void window_forget(void *argument, const struct net_address *address, void *name)
{
	struct check_limit_window *window = argument;
	struct check_limit_gate *gate = window->gate;
	int64_t now_us = net_loop_now_us(window->loop);
	(void)address;
	pthread_mutex_lock(&gate->lock);
	struct ticket *ticket = ticket_find(gate, name);
	if (ticket) {
		hash_remove(&gate->tickets, &ticket->link);
		list_remove(&ticket->held);
		if (ticket->is_granted) {
			check_limit_release(&gate->limit, &ticket->address, now_us);
		} else {
			check_limit_forget(&gate->limit, &ticket->waiter, now_us);
			atomic_fetch_sub(&gate->waiting, 1);
		}
		/* Where its task is on the way, that frees it. */
		ticket->is_forgotten = ticket->is_granted && !ticket->is_told;
		if (!ticket->is_forgotten)
			free(ticket);
	}
	window_leave(window);
}

/* ---- life ---- */

int check_limit_gate_new(
	const struct check_limit_settings *settings, const struct clock *clock, struct check_limit_gate **ret_gate)
{
	struct check_limit_gate *gate = calloc(1, sizeof(*gate));
	if (!gate)
		return -ENOMEM;
	struct check_limit_settings own = *settings;
	own.granted = ticket_granted;
	own.argument = gate;
	int status = hash_init(&gate->tickets, SIZE_MAX);
	if (status == 0)
		status = check_limit_init(&gate->limit, &own, clock_steady_us(clock));
	if (status < 0) {
		hash_done(&gate->tickets);
		free(gate);
		return status;
	}
	pthread_mutex_init(&gate->lock, NULL);
	*ret_gate = gate;
	return 0;
}

void check_limit_gate_free(struct check_limit_gate *gate)
{
	if (!gate)
		return;
	base_require(gate->tickets.count == 0);
	check_limit_done(&gate->limit);
	hash_done(&gate->tickets);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

size_t check_limit_gate_waiting(const struct check_limit_gate *gate)
{
	return atomic_load_explicit(&gate->waiting, memory_order_relaxed);
}

void check_limit_window_open(struct check_limit_window *window, struct check_limit_gate *gate, struct net_loop *loop)
{
	*window = (struct check_limit_window){ .gate = gate,
		.loop = loop,
		.face = { .ask = window_ask,
			.release = window_release,
			.forget = window_forget,
			.patience_us = gate->limit.settings.patience_us,
			.argument = window } };
	wheel_timer_init(&window->timer, window_in_time);
	check_pace_init(&window->pace, net_loop_now_us(loop));
	list_init(&window->held);
	window->hook = (struct net_hook){ .run = window_turned, .argument = window };
	list_init(&window->hook.link);
	net_loop_add_hook(loop, &window->hook);
}

void check_limit_window_close(struct check_limit_window *window)
{
	if (!window->loop)
		return;
	wheel_disarm(net_loop_wheel(window->loop), &window->timer);
	list_remove(&window->hook.link);
}
