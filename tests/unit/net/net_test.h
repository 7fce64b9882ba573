/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_NET_TEST_H
#define FEDGE_TESTS_NET_TEST_H
/* Both ends of a connection on one loop, with what they saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants those above first */
#include "base/buffer.h"
#include "base/require.h"
#include "net/stream.h"
#include "net/tls.h"

#include <cmocka.h>
#include <errno.h>

#define PATIENCE_US (10 * CLOCK_SECOND_US)

struct end {
	struct net_stream *stream; /* referenced until end_done */
	int opened, closed, confirmed, drained;
	struct buffer received;
	struct net_failure why;
	bool echo;
	bool close_when_opened;
	const char *say_when_opened;
};

static inline struct net_address address_of(const char *text)
{
	struct net_address address;
	assert_int_equal(net_address_parse_port(span_of(text), 0, &address), 0);
	return address;
}

static inline int end_say(struct end *end, const char *text)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
	return net_stream_write(end->stream, &part, 1);
}

static inline void end_opened(struct net_stream *stream, void *argument)
{
	struct end *end = argument;
	assert_ptr_equal(stream, end->stream);
	assert_int_equal(end->closed, 0);
	end->opened++;
	if (end->say_when_opened)
		assert_int_equal(end_say(end, end->say_when_opened), 0);
	if (end->close_when_opened)
		net_stream_close(stream);
}
static inline void end_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct end *end = argument;
	assert_int_equal(end->closed, 0);
	assert_int_equal(end->opened, 1);
	buffer_append(&end->received, bytes);
	if (end->echo) {
		struct iovec part = { .iov_base = (void *)(uintptr_t)bytes.at, .iov_len = bytes.length };
		assert_int_equal(net_stream_write(stream, &part, 1), 0);
	}
}
static inline void end_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	struct end *end = argument;
	assert_int_equal(end->closed, 0);
	assert_true(why->text[0] != '\0');
	assert_ptr_equal(net_stream_failure(stream), why);
	end->closed++;
	end->why = *why;
}
static inline void end_drained(struct net_stream *stream, void *argument)
{
	(void)stream;
	((struct end *)argument)->drained++;
}
static inline void end_confirmed(struct net_stream *stream, void *argument)
{
	(void)stream;
	((struct end *)argument)->confirmed++;
}
static const struct net_stream_events end_events = {
	.opened = end_opened,
	.received = end_received,
	.closed = end_closed,
	.drained = end_drained,
	.confirmed = end_confirmed,
};

struct scene {
	struct clock clock;
	struct net_loop *loop;
	struct net_listener *listener;
	struct end server, client;
	struct net_listen listen; /* to be changed before scene_listen */
	struct net_connect connect; /* to be changed before scene_connect */
	bool refuse;
};

static inline void end_init(struct end *end)
{
	*end = (struct end){ .why = { .alert = NET_ALERT_NONE } };
	buffer_init(&end->received, (size_t)64 << 20);
}
static inline void end_done(struct end *end)
{
	net_stream_unref(end->stream);
	buffer_done(&end->received);
	end->stream = NULL;
}

static inline void *scene_accepted(void *argument, struct net_stream *stream, bool *ret_accept)
{
	struct scene *scene = argument;
	if (scene->refuse) {
		*ret_accept = false;
		return NULL;
	}
	net_stream_unref(scene->server.stream);
	scene->server.stream = net_stream_ref(stream);
	return &scene->server;
}

static inline void scene_start(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->clock = clock_system();
	assert_int_equal(net_loop_new(&scene->clock, &scene->loop), 0);
	end_init(&scene->server);
	end_init(&scene->client);
	scene->listen = (struct net_listen){
		.local = address_of("127.0.0.1:0"), .events = &end_events, .accepted = scene_accepted, .argument = scene
	};
	scene->connect = (struct net_connect){ .events = &end_events, .argument = &scene->client };
}

static inline void scene_listen(struct scene *scene)
{
	assert_int_equal(net_listener_open(scene->loop, &scene->listen, &scene->listener), 0);
	scene->connect.remote = *net_listener_local(scene->listener);
}

static inline void scene_connect(struct scene *scene)
{
	struct net_stream *stream;
	assert_int_equal(net_stream_connect(scene->loop, &scene->connect, &stream), 0);
	scene->client.stream = net_stream_ref(stream);
	assert_int_equal(scene->client.opened + scene->client.closed, 0);
}

/* Both ends forgotten, for another connection in the same scene. */
static inline void scene_again(struct scene *scene)
{
	end_done(&scene->server);
	end_done(&scene->client);
	end_init(&scene->server);
	end_init(&scene->client);
}

#define scene_until(scene, condition)                                                                                  \
	do {                                                                                                           \
		int64_t give_up_us = clock_steady_us(&(scene)->clock) + PATIENCE_US;                                   \
		while (!(condition) && clock_steady_us(&(scene)->clock) < give_up_us)                                  \
			net_loop_turn((scene)->loop, 5000);                                                            \
		if (!(condition))                                                                                      \
			fail_msg("waited in vain for " #condition);                                                    \
	} while (0)

static inline void scene_run(struct scene *scene, int64_t for_us)
{
	int64_t end_us = clock_steady_us(&scene->clock) + for_us;
	while (clock_steady_us(&scene->clock) < end_us)
		net_loop_turn(scene->loop, 2000);
}

static inline void scene_stop(struct scene *scene)
{
	net_loop_free(scene->loop);
	end_done(&scene->server);
	end_done(&scene->client);
}
#endif
