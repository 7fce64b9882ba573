/* SPDX-License-Identifier: Apache-2.0 */
/* What all workers know of the ways to zones: states, turns, and that nobody ever reads half of a way. */
#include "base/require.h"
#include "edge/link.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const struct config_endpoint PEERS[] = {
	{ .host = { "10.0.0.1", 8 }, .port = 5060, .is_address = true },
	{ .host = { "10.0.0.2", 8 }, .port = 5060, .is_address = true },
};
static const struct config_zone NEIGHBOR = {
	.name = { "Phones", 6 }, .kind = CONFIG_ZONE_NEIGHBOR, .monitor = true, .peers = { PEERS, 2 }
};
static const struct config_zone TRAVERSAL = { .name = { "Inside", 6 }, .kind = CONFIG_ZONE_TRAVERSAL_SERVER };

static struct edge_zone zone_of(const struct config_zone *config)
{
	return (struct edge_zone){ .config = config, .name = config->name, .inside = true };
}

static struct transport_target way_of(uint16_t worker, uint32_t number)
{
	struct transport_target way = {
		.protocol = TRANSPORT_TLS,
		.flow = { worker, number, number + 1 },
	};
	assert_int_equal(net_address_parse(SPAN("192.0.2.1"), (uint16_t)(number % 60000 + 1), &way.address), 0);
	return way;
}

static bool tell(struct edge_links *links, const struct config_zone *zone, size_t entry, enum edge_link_state state,
	const char *why, const struct transport_target *way)
{
	struct edge_link_news news = { .state = state, .peer = SPAN("peer"), .why = span_of(why), .now_us = 77 };
	enum edge_link_state before;
	bool changed;
	if (way)
		news.way = *way;
	if (zone->kind == CONFIG_ZONE_NEIGHBOR && entry < zone->peers.count)
		news.key = edge_link_endpoint_key(&zone->peers.items[entry]);
	assert_int_equal(edge_link_tell(links, zone->name, entry, &news, &before, &changed), 0);
	return changed;
}

static void dead_peers_are_not_usable(void **state)
{
	struct edge_zone zone = zone_of(&NEIGHBOR);
	struct edge_links *links;
	(void)state;
	assert_int_equal(edge_links_new(&links), 0);
	assert_true(edge_link_is_usable(links, &zone, 0));
	assert_int_equal(edge_link_zone_state(links, zone.name), EDGE_LINK_OFF);

	assert_true(tell(links, &NEIGHBOR, 0, EDGE_LINK_CHECKING, "", NULL));
	assert_true(edge_link_is_usable(links, &zone, 0));
	assert_int_equal(edge_link_zone_state(links, zone.name), EDGE_LINK_CHECKING);

	assert_true(tell(links, &NEIGHBOR, 0, EDGE_LINK_FAILED, "cannot connect", NULL));
	assert_false(tell(links, &NEIGHBOR, 0, EDGE_LINK_FAILED, "cannot connect", NULL));
	assert_true(tell(links, &NEIGHBOR, 0, EDGE_LINK_FAILED, "no answer in time", NULL));
	assert_false(edge_link_is_usable(links, &zone, 0));
	assert_true(edge_link_is_usable(links, &zone, 1));
	assert_int_equal(edge_link_zone_state(links, zone.name), EDGE_LINK_FAILED);

	/* Of another peer under that number nothing is known. */
	static const struct config_endpoint others[] = { { .host = { "10.9.9.9", 8 }, .port = 5060 } };
	struct config_zone other = NEIGHBOR;
	other.peers = (struct config_endpoints){ others, 1 };
	struct edge_zone changed = zone_of(&other);
	assert_true(edge_link_is_usable(links, &changed, 0));
	/* One that is not watched any more is usable whatever was known. */
	struct config_zone blind = NEIGHBOR;
	blind.monitor = false;
	struct edge_zone unwatched = zone_of(&blind);
	assert_true(edge_link_is_usable(links, &unwatched, 0));

	assert_true(tell(links, &NEIGHBOR, 1, EDGE_LINK_ACTIVE, "", NULL));
	assert_int_equal(edge_link_zone_state(links, zone.name), EDGE_LINK_ACTIVE);
	struct edge_link_status statuses[4];
	assert_int_equal(edge_link_status(links, zone.name, statuses, 4), 2);
	assert_int_equal(statuses[0].state, EDGE_LINK_FAILED);
	assert_int_equal(statuses[0].failures, 3);
	assert_string_equal(statuses[0].why, "no answer in time");
	assert_int_equal(statuses[0].since_us, 77);
	assert_int_equal(statuses[1].state, EDGE_LINK_ACTIVE);
	assert_int_equal(edge_link_status(links, zone.name, statuses, 1), 2);

	edge_link_drop(links, zone.name, 0);
	assert_true(edge_link_is_usable(links, &zone, 0));
	edge_links_free(links);
}

static void those_that_live_take_turns(void **state)
{
	struct edge_zone zone = zone_of(&TRAVERSAL);
	struct edge_links *links;
	struct transport_flow flow;
	struct transport_target target;
	(void)state;
	assert_int_equal(edge_links_new(&links), 0);
	assert_false(edge_link_flow(links, &zone, 0, &flow));
	tell(links, &TRAVERSAL, 0, EDGE_LINK_CHECKING, "", NULL);
	assert_false(edge_link_flow(links, &zone, 0, &flow));
	for (uint16_t i = 1; i <= 3; i++) {
		struct transport_target way = way_of(i, i);
		assert_int_equal(edge_link_take(links, zone.name), i);
		tell(links, &TRAVERSAL, i, EDGE_LINK_ACTIVE, "", &way);
	}
	for (uint32_t turn = 0; turn < 6; turn++) {
		assert_true(edge_link_target(links, &zone, turn, &target));
		assert_int_equal(target.flow.worker, turn % 3 + 1);
		assert_int_equal(target.flags, TRANSPORT_TARGET_FLOW);
		assert_int_equal(target.protocol, TRANSPORT_TLS);
		assert_int_equal(net_address_port(&target.address), turn % 3 + 2);
	}
	struct transport_target second = way_of(2, 2), stranger = way_of(2, 3);
	assert_true(edge_link_is_proved(links, &zone, second.flow));
	assert_false(edge_link_is_proved(links, &zone, stranger.flow));
	assert_false(edge_link_is_proved(links, &zone, TRANSPORT_FLOW_NONE));
	/* A datagram's flow is never a link. */
	assert_false(edge_link_is_proved(links, &zone, (struct transport_flow){ 0, 0, 0 }));
	assert_true(edge_link_target_of_flow(links, &zone, second.flow, &target));
	assert_true(edge_link_other(links, zone.name, 0, second.flow, &flow));
	assert_false(edge_link_other(links, zone.name, 9, second.flow, &flow));

	edge_link_drop(links, zone.name, 2);
	assert_false(edge_link_is_proved(links, &zone, second.flow));
	for (uint32_t turn = 0; turn < 4; turn++) {
		assert_true(edge_link_target(links, &zone, turn, &target));
		assert_int_equal(target.flow.worker, turn % 2 ? 3 : 1);
	}
	/* Its number is free again; a state without a way takes the way back. */
	assert_int_equal(edge_link_take(links, zone.name), 2);
	tell(links, &TRAVERSAL, 1, EDGE_LINK_FAILED, "lost", NULL);
	assert_false(edge_link_is_proved(links, &zone, way_of(1, 1).flow));
	/* Another zone's links are its own. */
	struct config_zone other = TRAVERSAL;
	other.name = SPAN("Other");
	struct edge_zone second_zone = zone_of(&other);
	assert_false(edge_link_is_proved(links, &second_zone, way_of(3, 3).flow));
	edge_links_free(links);
}

/* What a stranger writes is shown, but is no change: he could write something else each time. */
static void words_of_strangers_are_no_change(void **state)
{
	static const char *const words[] = { "it came as 'a'", "it came as 'b'" };
	struct edge_link_news news = { .state = EDGE_LINK_FAILED, .ground = SPAN("wrong password") };
	struct edge_link_status status;
	enum edge_link_state before;
	struct edge_links *links;
	bool changed;
	(void)state;
	assert_int_equal(edge_links_new(&links), 0);
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		news.why = span_of(words[i]);
		assert_int_equal(edge_link_tell(links, TRAVERSAL.name, 0, &news, &before, &changed), 0);
		assert_int_equal(changed, i == 0);
		assert_int_equal(edge_link_status(links, TRAVERSAL.name, &status, 1), 1);
		assert_string_equal(status.why, words[i]);
	}
	news.ground = SPAN("wrong certificate");
	assert_int_equal(edge_link_tell(links, TRAVERSAL.name, 0, &news, &before, &changed), 0);
	assert_true(changed);
	edge_links_free(links);
}

static void endpoints_are_shown(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *shown;
	} cases[] = {
		{ "10.0.0.1", 5060, "10.0.0.1:5060" },
		{ "2001:db8::1", 5061, "[2001:db8::1]:5061" },
		{ "2001:db8::1", 0, "[2001:db8::1]" },
		{ "edge.a.example", 0, "edge.a.example" },
		{ "edge.a.example", 7001, "edge.a.example:7001" },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char text[EDGE_LINK_ENDPOINT_SIZE];
		edge_link_endpoint_write(span_of(cases[i].host), cases[i].port, text);
		assert_string_equal(text, cases[i].shown);
	}
}

static void there_is_a_maximum(void **state)
{
	struct edge_links *links;
	struct edge_link_news news = { .state = EDGE_LINK_ACTIVE };
	enum edge_link_state before;
	bool changed;
	int status = 0;
	size_t names = 0;
	(void)state;
	assert_int_equal(edge_links_new(&links), 0);
	for (int i = 1; i < EDGE_LINK_PEERS_MAXIMUM; i++)
		assert_int_equal(edge_link_take(links, SPAN("Inside")), i);
	assert_int_equal(edge_link_take(links, SPAN("Inside")), -ENOSPC);
	assert_int_equal(
		edge_link_tell(links, SPAN("Inside"), EDGE_LINK_PEERS_MAXIMUM, &news, &before, &changed), -ENOSPC);
	while (status == 0 && names < 10000) {
		char name[32];
		snprintf(name, sizeof(name), "zone %zu", names++);
		status = edge_link_tell(links, span_of(name), 0, &news, &before, &changed);
	}
	assert_int_equal(status, -ENOSPC);
	assert_true(names > 2000);
	/* Those that are known still are. */
	assert_int_equal(edge_link_tell(links, SPAN("zone 0"), 0, &news, &before, &changed), 0);
	assert_int_equal(edge_link_zone_state(links, SPAN("zone 1")), EDGE_LINK_ACTIVE);
	assert_int_equal(edge_link_zone_state(links, SPAN("unheard of")), EDGE_LINK_OFF);
	edge_links_free(links);
}

/* ---- threads ---- */

#define ROUNDS 20000
#define READERS 3

struct race {
	struct edge_links *links;
	atomic_bool over;
	uint16_t number; /* of the writer: its worker and its entry */
	unsigned seen;
};

static void *write_ways(void *argument)
{
	struct race *race = argument;
	enum edge_link_state before;
	bool changed;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct edge_link_news news = { .state = EDGE_LINK_ACTIVE, .way = way_of(race->number, i) };
		if (i % 7 == 6)
			edge_link_drop(race->links, TRAVERSAL.name, race->number);
		else
			edge_link_tell(race->links, TRAVERSAL.name, race->number, &news, &before, &changed);
	}
	return NULL;
}

static void *read_ways(void *argument)
{
	struct race *race = argument;
	struct edge_zone zone = zone_of(&TRAVERSAL);
	for (uint32_t turn = 0; !atomic_load(&race->over); turn++) {
		struct transport_target way;
		if (!edge_link_target(race->links, &zone, turn, &way))
			continue;
		race->seen++;
		/* All of one moment: the port says which. */
		base_require(way.flow.generation == way.flow.slot + 1);
		base_require(net_address_port(&way.address) == way.flow.slot % 60000 + 1);
		(void)edge_link_is_proved(race->links, &zone, way.flow);
		(void)edge_link_zone_state(race->links, zone.name);
		(void)edge_link_is_usable(race->links, &zone, 1);
	}
	return NULL;
}

static void nobody_reads_half_a_way(void **state)
{
	struct race writers[2] = { { .number = 1 }, { .number = 2 } }, readers[READERS] = { 0 };
	pthread_t writing[2], reading[READERS];
	struct edge_links *links;
	(void)state;
	assert_int_equal(edge_links_new(&links), 0);
	for (size_t i = 0; i < READERS; i++) {
		readers[i].links = links;
		assert_int_equal(pthread_create(&reading[i], NULL, read_ways, &readers[i]), 0);
	}
	for (size_t i = 0; i < 2; i++) {
		writers[i].links = links;
		assert_int_equal(pthread_create(&writing[i], NULL, write_ways, &writers[i]), 0);
	}
	struct edge_link_status statuses[4];
	for (size_t i = 0; i < 100; i++)
		(void)edge_link_status(links, TRAVERSAL.name, statuses, 4);
	for (size_t i = 0; i < 2; i++)
		pthread_join(writing[i], NULL);
	for (size_t i = 0; i < READERS; i++) {
		atomic_store(&readers[i].over, true);
		pthread_join(reading[i], NULL);
	}
	edge_links_free(links);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dead_peers_are_not_usable),
		cmocka_unit_test(those_that_live_take_turns),
		cmocka_unit_test(words_of_strangers_are_no_change),
		cmocka_unit_test(endpoints_are_shown),
		cmocka_unit_test(there_is_a_maximum),
		cmocka_unit_test(nobody_reads_half_a_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
