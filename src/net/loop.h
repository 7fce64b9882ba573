/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_LOOP_H
#define FEDGE_NET_LOOP_H
/* One loop a thread: sockets, timers, posts from other threads. A turn is: wait for events, call
 * back, run the hooks, then flush everything written during the turn in as few system calls as
 * can be. All functions belong to the loop's own thread except those marked "any thread".
 * While it runs, SIGPIPE is blocked in its thread; no signal disposition is changed unless
 * net_loop_on_signal asks for it. */
#include "base/clock.h"
#include "base/list.h"
#include "base/wheel.h"

struct net_loop;
struct uv_loop_s;

/* ---- life ---- */
int net_loop_new(const struct clock *clock, struct net_loop **ret_loop);
/* Closes what is still open (streams and sockets of this loop are aborted, their `closed` is
 * called), runs what was posted, waits for the answers of a resolver that are still under way (cancelled ones come at
 * once), frees. After the last thread that may post has ended. */
void net_loop_free(struct net_loop *loop);
/* Turns until net_loop_stop. 0 or a negative errno. */
int net_loop_run(struct net_loop *loop);
/* One turn: waits at most so long for an event (0: does not wait). For tests and small tools. */
int net_loop_turn(struct net_loop *loop, int64_t wait_us);
/* Any thread. The running (or the next) net_loop_run returns after its turn. */
void net_loop_stop(struct net_loop *loop);

/* ---- time ---- */
const struct clock *net_loop_clock(const struct net_loop *loop);
/* Steady time at the start of this turn's callbacks: one value a turn, costs nothing. */
int64_t net_loop_now_us(struct net_loop *loop);
/* Timers are armed and disarmed directly in the wheel (wheel_arm with net_loop_now_us + delay). Before those that are
 * due fire, what has arrived by then is read: after a long turn nobody's patience ends over an answer that is there. */
struct wheel *net_loop_wheel(struct net_loop *loop);

/* ---- from other threads ---- */
/* Any thread. Runs function(argument) in the loop's next turn, in the order posted. The queue is
 * bounded: -ENOBUFS when 64 Ki posts wait. */
int net_loop_post(struct net_loop *loop, void (*function)(void *argument), void *argument);
/* Any thread. The same with the caller's memory: never refused. The task must not be posted
 * again before it ran, and may be freed or posted again from within run. */
struct net_task {
	struct net_task *next;
	void (*run)(struct net_task *task);
};
void net_loop_submit(struct net_loop *loop, struct net_task *task);

/* ---- once a turn ---- */
/* Called at the end of every turn, in the order added, before the sockets are flushed: write what
 * was gathered. Remove it by list_remove(&hook->link). */
struct net_hook {
	struct list link;
	void (*run)(void *argument);
	void *argument;
};
void net_loop_add_hook(struct net_loop *loop, struct net_hook *hook);

/* ---- descriptors ---- */
enum {
	NET_READABLE = 1,
	NET_WRITABLE = 2,
};
struct net_watch;
/* Level-triggered. events may be 0 (NET_READABLE | NET_WRITABLE are reported together with errors
 * of the descriptor). The descriptor stays the caller's. */
int net_watch_new(struct net_loop *loop, int descriptor, int events, void (*ready)(void *argument, int events),
	void *argument, struct net_watch **ret_watch);
int net_watch_set(struct net_watch *watch, int events);
/* The descriptor may be closed right afterwards. NULL is harmless. */
void net_watch_free(struct net_watch *watch);

/* ---- signals (process-wide: in one loop only) ---- */
/* caught(argument, number) in the loop's thread; undone by net_loop_free. */
int net_loop_on_signal(struct net_loop *loop, int number, void (*caught)(void *argument, int number), void *argument);

/* The libuv loop below, for what this folder does not wrap (processes, file watches, pipes). */
struct uv_loop_s *net_loop_uv(struct net_loop *loop);
#endif
