/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors in a loop (the `net_watch` part of net/loop.h). */
#include "base/require.h"
#include "net/loop_private.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct net_watch {
	uv_poll_t poll;
	void (*ready)(void *argument, int events);
	void *argument;
	int wanted;
	bool closing;
};

static void watch_ready(uv_poll_t *handle, int status, int events);

static int watch_start(struct net_watch *watch)
{
	int events =
		(watch->wanted & NET_READABLE ? UV_READABLE : 0) | (watch->wanted & NET_WRITABLE ? UV_WRITABLE : 0);
	return events ? uv_poll_start(&watch->poll, events, watch_ready) : uv_poll_stop(&watch->poll);
}

static void watch_ready(uv_poll_t *handle, int status, int events)
{
	struct net_watch *watch = base_container(handle, struct net_watch, poll);
	if (status < 0) {
		/* libuv has stopped watching at EPOLLERR; whoever reads or writes now learns the
		 * error, and may well go on (a datagram socket does). */
		watch->ready(watch->argument, NET_READABLE | NET_WRITABLE);
		if (!watch->closing)
			watch_start(watch);
		return;
	}
	watch->ready(
		watch->argument, (events & UV_READABLE ? NET_READABLE : 0) | (events & UV_WRITABLE ? NET_WRITABLE : 0));
}

int net_watch_new(struct net_loop *loop, int descriptor, int events, void (*ready)(void *argument, int events),
	void *argument, struct net_watch **ret_watch)
{
	struct net_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	int status = uv_poll_init(net_loop_uv(loop), &watch->poll, descriptor);
	if (status < 0) {
		free(watch);
		return status;
	}
	watch->ready = ready;
	watch->argument = argument;
	watch->wanted = events;
	watch_start(watch);
	*ret_watch = watch;
	return 0;
}

int net_watch_set(struct net_watch *watch, int events)
{
	if (watch->wanted == events)
		return 0;
	watch->wanted = events;
	return watch_start(watch);
}

static void watch_freed(uv_handle_t *handle)
{
	free(base_container(handle, struct net_watch, poll));
}

void net_watch_free(struct net_watch *watch)
{
	if (!watch)
		return;
	watch->closing = true;
	uv_close((uv_handle_t *)&watch->poll, watch_freed);
}
