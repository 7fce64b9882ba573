/* SPDX-License-Identifier: Apache-2.0 */
#include "net/udp.h"
#include "net_test.h"

#include <errno.h>
#include <unistd.h>

struct box {
	struct net_udp *udp;
	size_t count, batches, bytes;
	char last[64];
	struct net_address from;
	int unreachable;
	bool echo, close;
};

static void box_received(struct net_udp *udp, void *argument, const struct net_datagram *datagrams, size_t count)
{
	struct box *box = argument;
	assert_true(count > 0);
	box->batches++;
	for (size_t i = 0; i < count; i++) {
		box->count++;
		box->bytes += datagrams[i].bytes.length;
		box->from = datagrams[i].from;
		span_copy_to(span_first(datagrams[i].bytes, 60), box->last, sizeof(box->last));
		if (box->echo) {
			struct iovec part = { (void *)(uintptr_t)datagrams[i].bytes.at, datagrams[i].bytes.length };
			assert_int_equal(net_udp_send(udp, &datagrams[i].from, &part, 1), 0);
		}
	}
	if (box->close)
		net_udp_close(udp);
}

static void box_unreachable(struct net_udp *udp, void *argument, const struct net_address *to, int error)
{
	struct box *box = argument;
	(void)udp;
	box->from = *to;
	box->unreachable = error;
}

static void box_open(struct scene *scene, struct box *box, size_t datagram_maximum)
{
	struct net_udp_settings settings = { .local = address_of("127.0.0.1:0"),
		.received = box_received,
		.unreachable = box_unreachable,
		.datagram_maximum = datagram_maximum,
		.argument = box };
	assert_int_equal(net_udp_open(scene->loop, &settings, &box->udp), 0);
	assert_true(net_address_port(net_udp_local(box->udp)) != 0);
}

static int box_say(struct box *box, struct box *to, const char *text)
{
	struct iovec parts[2] = { { (void *)(uintptr_t)text, 1 }, { (void *)(uintptr_t)(text + 1), strlen(text) - 1 } };
	return net_udp_send(box->udp, net_udp_local(to->udp), parts, 2);
}

static void datagrams_go_there_and_back(void **state)
{
	struct scene scene;
	struct box a = { 0 }, b = { .echo = true };
	(void)state;
	scene_start(&scene);
	box_open(&scene, &a, 0);
	box_open(&scene, &b, 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(box_say(&a, &b, "OPTIONS"), 0);
	scene_until(&scene, a.count == 200);
	assert_int_equal(b.count, 200);
	assert_string_equal(a.last, "OPTIONS");
	assert_true(net_address_equal(&a.from, net_udp_local(b.udp)));
	assert_true(b.batches < 50); /* in batches, not one by one */
	assert_int_equal(net_udp_counts(a.udp)->sent, 200);
	scene_stop(&scene);
}

static void what_is_too_long_is_refused_or_dropped(void **state)
{
	static char large[65508];
	struct scene scene;
	struct box a = { 0 }, b = { 0 };
	struct iovec part = { large, sizeof(large) };
	(void)state;
	scene_start(&scene);
	box_open(&scene, &a, 0);
	box_open(&scene, &b, 1000);
	assert_int_equal(net_udp_send(a.udp, net_udp_local(b.udp), &part, 1), -EMSGSIZE);
	part.iov_len = 65507;
	assert_int_equal(net_udp_send(a.udp, net_udp_local(b.udp), &part, 1), 0);
	part.iov_len = 1001;
	assert_int_equal(net_udp_send(a.udp, net_udp_local(b.udp), &part, 1), 0);
	part.iov_len = 1000;
	assert_int_equal(net_udp_send(a.udp, net_udp_local(b.udp), &part, 1), 0);
	scene_until(&scene, b.count == 1);
	assert_int_equal(b.bytes, 1000);
	assert_int_equal(net_udp_counts(b.udp)->oversized, 2);
	scene_stop(&scene);
}

static void the_queue_has_a_maximum(void **state)
{
	static char bytes[1000];
	struct scene scene;
	struct box a = { 0 };
	struct iovec part = { bytes, sizeof(bytes) };
	struct net_udp_settings settings = {
		.local = address_of("127.0.0.1:0"), .received = box_received, .queue_maximum = 100000, .argument = &a
	};
	int accepted = 0;
	(void)state;
	scene_start(&scene);
	assert_int_equal(net_udp_open(scene.loop, &settings, &a.udp), 0);
	while (net_udp_send(a.udp, net_udp_local(a.udp), &part, 1) == 0)
		accepted++;
	assert_in_range(accepted, 80, 100);
	assert_int_equal(net_udp_counts(a.udp)->refused, 1);
	scene_until(&scene, a.count == (size_t)accepted);
	assert_int_equal(net_udp_send(a.udp, net_udp_local(a.udp), &part, 1), 0);
	scene_stop(&scene);
}

static void a_closed_port_is_reported(void **state)
{
	struct scene scene;
	struct box a = { 0 }, b = { 0 };
	(void)state;
	scene_start(&scene);
	box_open(&scene, &a, 0);
	box_open(&scene, &b, 0);
	struct net_address gone = *net_udp_local(b.udp);
	net_udp_close(b.udp);
	struct iovec part = { (void *)(uintptr_t) "x", 1 };
	assert_int_equal(net_udp_send(a.udp, &gone, &part, 1), 0);
	scene_until(&scene, a.unreachable);
	assert_int_equal(a.unreachable, -ECONNREFUSED);
	assert_true(net_address_equal(&a.from, &gone));
	/* And the socket goes on. */
	box_open(&scene, &b, 0);
	assert_int_equal(box_say(&a, &b, "still here"), 0);
	scene_until(&scene, b.count == 1);
	scene_stop(&scene);
}

static void closing_in_the_callback(void **state)
{
	struct scene scene;
	struct box a = { 0 }, b = { .echo = true, .close = true };
	(void)state;
	scene_start(&scene);
	box_open(&scene, &a, 0);
	box_open(&scene, &b, 0);
	assert_int_equal(box_say(&a, &b, "bye"), 0);
	scene_until(&scene, a.count == 1); /* what was queued before the close still left */
	scene_stop(&scene);
}

static void two_workers_share_a_port_and_a_second_node_is_refused(void **state)
{
	struct scene scene;
	struct box a = { 0 };
	struct net_udp *first, *second;
	struct net_udp_settings settings = {
		.local = address_of("127.0.0.1:0"), .shared = true, .received = box_received, .argument = &a
	};
	(void)state;
	scene_start(&scene);
	assert_int_equal(net_udp_open(scene.loop, &settings, &first), 0);
	settings.local = *net_udp_local(first);
	assert_int_equal(net_port_probe(&settings.local, SOCK_DGRAM), -EADDRINUSE);
	assert_int_equal(net_udp_open(scene.loop, &settings, &second), 0);
	net_udp_close(first);
	net_udp_close(second);
	assert_int_equal(net_port_probe(&settings.local, SOCK_DGRAM), 0);
	scene.listen.shared = true;
	scene_listen(&scene);
	assert_int_equal(net_port_probe(net_listener_local(scene.listener), SOCK_STREAM), -EADDRINUSE);
	struct net_address foreign = address_of("192.0.2.1:5060");
	assert_int_equal(net_port_probe(&foreign, SOCK_DGRAM), -EADDRNOTAVAIL);
	scene_stop(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_go_there_and_back),
		cmocka_unit_test(what_is_too_long_is_refused_or_dropped),
		cmocka_unit_test(the_queue_has_a_maximum),
		cmocka_unit_test(a_closed_port_is_reported),
		cmocka_unit_test(closing_in_the_callback),
		cmocka_unit_test(two_workers_share_a_port_and_a_second_node_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
