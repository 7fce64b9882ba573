/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <errno.h>
#include <unistd.h>

static void bytes_are_echoed(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene_listen(&scene);
	scene.server.echo = true;
	scene.connect.local = address_of("127.0.0.9:0");
	scene_connect(&scene);
	assert_int_equal(end_say(&scene.client, "before it stands, "), 0);
	scene_until(&scene, scene.client.opened);
	assert_int_equal(scene.client.confirmed, 1);
	assert_int_equal(end_say(&scene.client, "and after"), 0);
	scene_until(&scene, scene.client.received.length == 27);
	assert_string_equal(scene.client.received.at, "before it stands, and after");
	struct net_address local = address_of("127.0.0.9");
	assert_true(net_address_equal_host(net_stream_local(scene.client.stream), &local));
	assert_true(net_address_equal(net_stream_local(scene.client.stream), net_stream_remote(scene.server.stream)));
	net_stream_close(scene.client.stream);
	assert_int_equal(end_say(&scene.client, "too late"), -EPIPE);
	scene_until(&scene, scene.client.closed && scene.server.closed);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_LOCAL);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_PEER_CLOSED);
	scene_until(&scene, net_listener_counts(scene.listener)->alive == 0);
	scene_stop(&scene);
}

/* A whole megabyte out and back: the queue, partial writes, `drained`. */
static void large_amounts_pass_in_order(void **state)
{
	enum { LENGTH = 8 << 20 };
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene.listen.limits.output_maximum = LENGTH;
	scene.connect.limits.output_maximum = LENGTH;
	scene_listen(&scene);
	scene.server.echo = true;
	scene_connect(&scene);
	char *bytes = malloc(LENGTH);
	assert_non_null(bytes);
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char)(i * 31 + (i >> 11));
	struct iovec parts[2] = { { bytes, 1000 }, { bytes + 1000, LENGTH - 1000 } };
	assert_int_equal(net_stream_write(scene.client.stream, parts, 2), 0);
	assert_int_equal(net_stream_queued(scene.client.stream), LENGTH);
	scene_until(&scene, scene.client.received.length == LENGTH);
	assert_memory_equal(scene.client.received.at, bytes, LENGTH);
	assert_int_equal(scene.client.drained, 1);
	free(bytes);
	scene_stop(&scene);
}

static void the_queue_has_a_maximum(void **state)
{
	static char bytes[6000];
	struct scene scene;
	struct iovec part = { bytes, sizeof(bytes) };
	(void)state;
	scene_start(&scene);
	scene.connect.limits.output_maximum = 10000;
	scene_listen(&scene);
	scene_connect(&scene);
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), 0);
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), -ENOBUFS);
	part.iov_len = 4000;
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), 0);
	scene_until(&scene, scene.server.received.length == 10000); /* all or nothing */
	scene_stop(&scene);
}

static void ends_have_reasons(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene_listen(&scene);
	net_listener_close(scene.listener);
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.stage, NET_STAGE_CONNECT);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_REFUSED);
	assert_int_equal(scene.client.why.error, -ECONNREFUSED);
	assert_string_equal(scene.client.why.text, "connection refused");
	scene_again(&scene);
	/* From loopback the kernel itself refuses to send out there. */
	scene.connect.local = address_of("127.0.0.1");
	scene.connect.remote = address_of("192.0.2.1:5061");
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.stage, NET_STAGE_CONNECT);
	assert_int_not_equal(scene.client.why.cause, NET_CAUSE_NONE);
	scene_again(&scene);
	/* What we may not bind to is known at once. */
	scene.connect.local = address_of("192.0.2.1");
	struct net_stream *stream;
	assert_int_equal(net_stream_connect(scene.loop, &scene.connect, &stream), -EADDRNOTAVAIL);
	scene_stop(&scene);
}

static void a_reset_is_told_apart_from_a_close(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene_listen(&scene);
	scene_connect(&scene);
	scene_until(&scene, scene.client.opened && scene.server.opened);
	net_stream_abort(scene.server.stream);
	scene_until(&scene, scene.client.closed && scene.server.closed);
	assert_int_equal(scene.client.why.stage, NET_STAGE_READ);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_RESET);
	scene_again(&scene);
	scene.refuse = true;
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_RESET);
	assert_int_equal(net_listener_counts(scene.listener)->refused, 1);
	scene_stop(&scene);
}

/* A listen queue that nobody empties and that is full: no answer to the next SYN. */
static void a_connect_gives_up(void **state)
{
	struct scene scene;
	int fillers[4], silent = socket(AF_INET, SOCK_STREAM, 0);
	struct net_address local = address_of("127.0.0.1:0");
	socklen_t length = local.length;
	(void)state;
	scene_start(&scene);
	assert_int_equal(bind(silent, &local.any, local.length), 0);
	assert_int_equal(listen(silent, 0), 0);
	getsockname(silent, &local.any, &length);
	for (size_t i = 0; i < BASE_COUNT(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], &local.any, local.length);
	}
	scene.connect.remote = local;
	scene.connect.limits.connect_us = 100000;
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.stage, NET_STAGE_CONNECT);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_TIMEOUT);
	assert_int_equal(scene.client.why.error, -ETIMEDOUT);
	for (size_t i = 0; i < BASE_COUNT(fillers); i++)
		close(fillers[i]);
	close(silent);
	scene_stop(&scene);
}

static void idle_connections_end(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene.listen.limits.idle_us = 100000;
	scene_listen(&scene);
	scene_connect(&scene);
	scene_until(&scene, scene.client.opened && scene.server.opened);
	int64_t start_us = clock_steady_us(&scene.clock);
	scene_run(&scene, 60000);
	assert_int_equal(end_say(&scene.client, "x"), 0); /* begins the time anew */
	scene_until(&scene, scene.server.closed);
	assert_true(clock_steady_us(&scene.clock) - start_us >= 160000);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_IDLE);
	scene_until(&scene, scene.client.closed);
	scene_stop(&scene);
}

static void a_peer_that_takes_nothing_is_dropped(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene.connect.limits.output_maximum = 16 << 20;
	scene.connect.limits.stall_us = 100000;
	scene_listen(&scene);
	scene_connect(&scene);
	scene_until(&scene, scene.client.opened && scene.server.opened);
	net_stream_pause(scene.server.stream, true);
	size_t length = 16 << 20;
	struct iovec part = { calloc(1, length), length };
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), 0);
	free(part.iov_base);
	scene_until(&scene, scene.client.closed);
	assert_int_equal(scene.client.why.cause, NET_CAUSE_STALL);
	assert_int_equal(scene.client.why.stage, NET_STAGE_WRITE);
	assert_int_equal(scene.server.received.length, 0);
	net_stream_pause(scene.server.stream, false);
	scene_until(&scene, scene.server.closed);
	scene_stop(&scene);
}

static void close_sends_what_is_queued(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene.connect.limits.output_maximum = 4 << 20;
	scene_listen(&scene);
	scene_connect(&scene);
	scene_until(&scene, scene.client.opened && scene.server.opened);
	size_t length = 4 << 20;
	struct iovec part = { calloc(1, length), length };
	assert_int_equal(net_stream_write(scene.client.stream, &part, 1), 0);
	free(part.iov_base);
	net_stream_close(scene.client.stream);
	scene_until(&scene, scene.client.closed && scene.server.closed);
	assert_int_equal(scene.server.received.length, length);
	assert_int_equal(scene.server.why.cause, NET_CAUSE_PEER_CLOSED);
	scene_stop(&scene);
}

static void quiet_received(struct net_stream *stream, void *argument, struct span bytes)
{
	(void)stream;
	(void)argument;
	(void)bytes;
}
static void quiet_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	(void)argument;
	(void)why;
}
static const struct net_stream_events quiet_events = { .received = quiet_received, .closed = quiet_closed };

static void there_is_a_maximum_of_connections(void **state)
{
	struct scene scene;
	struct end ends[5];
	(void)state;
	scene_start(&scene);
	scene.listen.connection_maximum = 3;
	scene.listen.accepted = NULL;
	scene.listen.events = &quiet_events;
	scene_listen(&scene);
	for (size_t i = 0; i < BASE_COUNT(ends); i++) {
		end_init(&ends[i]);
		scene.connect.argument = &ends[i];
		assert_int_equal(net_stream_connect(scene.loop, &scene.connect, &ends[i].stream), 0);
		net_stream_ref(ends[i].stream);
		scene_run(&scene, 10000);
	}
	scene_until(&scene, ends[3].closed && ends[4].closed);
	assert_int_equal(ends[0].closed + ends[1].closed + ends[2].closed, 0);
	assert_int_equal(net_listener_counts(scene.listener)->alive, 3);
	assert_int_equal(net_listener_counts(scene.listener)->refused, 2);
	/* One leaves, another may come. */
	net_stream_close(ends[0].stream);
	scene_until(&scene, net_listener_counts(scene.listener)->alive == 2);
	scene.connect.argument = &scene.client;
	scene_connect(&scene);
	scene_until(&scene, net_listener_counts(scene.listener)->alive == 3);
	net_loop_free(scene.loop);
	for (size_t i = 0; i < BASE_COUNT(ends); i++) {
		assert_int_equal(ends[i].closed, 1);
		end_done(&ends[i]);
	}
	end_done(&scene.server);
	end_done(&scene.client);
}

static void closing_in_opened_is_allowed(void **state)
{
	struct scene scene;
	(void)state;
	scene_start(&scene);
	scene_listen(&scene);
	scene.server.close_when_opened = true;
	scene.server.say_when_opened = "last words";
	scene_connect(&scene);
	scene_until(&scene, scene.client.closed && scene.server.closed);
	assert_string_equal(scene.client.received.at, "last words");
	assert_int_equal(scene.client.why.cause, NET_CAUSE_PEER_CLOSED);
	scene_stop(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_echoed),
		cmocka_unit_test(large_amounts_pass_in_order),
		cmocka_unit_test(the_queue_has_a_maximum),
		cmocka_unit_test(ends_have_reasons),
		cmocka_unit_test(a_reset_is_told_apart_from_a_close),
		cmocka_unit_test(a_connect_gives_up),
		cmocka_unit_test(idle_connections_end),
		cmocka_unit_test(a_peer_that_takes_nothing_is_dropped),
		cmocka_unit_test(close_sends_what_is_queued),
		cmocka_unit_test(there_is_a_maximum_of_connections),
		cmocka_unit_test(closing_in_opened_is_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
