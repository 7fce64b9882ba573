/* SPDX-License-Identifier: Apache-2.0 */
#include "check/limit.h"

#include "base/require.h"

#include <stdlib.h>

#define SECOND_NS INT64_C(1000000000)
/* Each question forgets at most so many idle servers: the table shrinks faster than it can grow. */
#define FORGET_AT_ONCE 2
#define PACE_FIRST 128
#define SERVERS_MAXIMUM ((size_t)1 << 20)

/* ---- so many a second ---- */

void check_bucket_init(struct check_bucket *bucket, uint32_t rate, uint32_t burst)
{
	*bucket = (struct check_bucket){ .interval_ns = rate ? SECOND_NS / rate : 0 };
	bucket->slack_ns = bucket->interval_ns * (burst > 1 ? burst - 1 : 0);
}

void check_bucket_weigh(struct check_bucket *bucket, uint32_t weight)
{
	int64_t more_ns = bucket->interval_ns * (weight - 1);
	bucket->slack_ns = bucket->slack_ns > more_ns ? bucket->slack_ns - more_ns : 0;
	bucket->interval_ns += more_ns;
}

int64_t check_bucket_due_us(const struct check_bucket *bucket, int64_t now_us)
{
	int64_t due_ns = bucket->next_ns - bucket->slack_ns;
	return due_ns > now_us * 1000 ? (due_ns + 999) / 1000 : 0;
}

void check_bucket_take(struct check_bucket *bucket, int64_t now_us)
{
	int64_t from_ns = bucket->next_ns > now_us * 1000 ? bucket->next_ns : now_us * 1000;
	if (bucket->interval_ns > 0)
		bucket->next_ns = from_ns + bucket->interval_ns;
}

bool check_bucket_is_full(const struct check_bucket *bucket, int64_t now_us)
{
	return bucket->next_ns <= now_us * 1000;
}

/* ---- by this machine ---- */

void check_pace_init(struct check_pace *pace, int64_t now_us)
{
	*pace = (struct check_pace){ .most = PACE_FIRST, .grown_us = now_us };
}

void check_pace_turn(struct check_pace *pace, int64_t now_us, int64_t worked_us, bool wanted)
{
	if (worked_us > 2 * CHECK_PACE_STEP_US) {
		pace->most = pace->most / 4 * 3 > CHECK_PACE_LEAST ? pace->most / 4 * 3 : CHECK_PACE_LEAST;
		pace->grown_us = now_us;
	} else if (wanted && worked_us < CHECK_PACE_STEP_US && now_us - pace->grown_us >= CHECK_PACE_STEP_US) {
		pace->most += pace->most / 8;
		pace->grown_us = now_us;
	}
}

/* ---- servers ---- */

/* In `idle` where nobody uses it or waits, in `ready` where its first waiter may go; its timer is armed where that one
 * is too early; else it is waiting for one of its own connections to end. */
struct limit_server {
	struct hash_link link;
	struct list place; /* in idle or ready */
	struct list waiting;
	struct wheel_timer timer;
	struct check_limit *limit;
	struct net_address address;
	struct check_bucket bucket;
	uint32_t in_use;
};

static void server_settle(struct limit_server *server, int64_t now_us);

static void server_in_time(struct wheel_timer *timer, int64_t now_us)
{
	server_settle(base_container(timer, struct limit_server, timer), now_us);
}

static struct limit_server *server_of_link(struct hash_link *link)
{
	return base_container(link, struct limit_server, link);
}

static uint64_t address_hash(const struct check_limit *limit, const struct net_address *address)
{
	struct net_address host = *address;
	unsigned char bytes[24];
	net_address_set_port(&host, 0);
	return hash_keyed(&limit->settings.key, net_address_key(&host, bytes));
}

static struct limit_server *server_find(const struct check_limit *limit, const struct net_address *address)
{
	struct hash_link *link = hash_first(&limit->servers, address_hash(limit, address));
	while (link && !net_address_equal_host(&server_of_link(link)->address, address))
		link = hash_next(link);
	return link ? server_of_link(link) : NULL;
}

/* NULL without memory. */
static struct limit_server *server_get(struct check_limit *limit, const struct net_address *address)
{
	struct limit_server *server = server_find(limit, address);
	if (server)
		return server;
	server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	if (hash_insert(&limit->servers, &server->link, address_hash(limit, address)) < 0) {
		free(server);
		return NULL;
	}
	server->limit = limit;
	server->address = *address;
	list_init(&server->place);
	list_init(&server->waiting);
	wheel_timer_init(&server->timer, server_in_time);
	uint32_t rate = limit->settings.server_rate;
	check_bucket_init(&server->bucket, rate, rate / 10);
	if (limit->settings.each > 1)
		check_bucket_weigh(&server->bucket, limit->settings.each);
	return server;
}

static void server_free(struct limit_server *server)
{
	list_remove(&server->place);
	wheel_disarm(&server->limit->wheel, &server->timer);
	hash_remove(&server->limit->servers, &server->link);
	free(server);
}

static void forget_idle(struct check_limit *limit, int64_t now_us)
{
	for (int i = 0; i < FORGET_AT_ONCE && !list_is_empty(&limit->idle); i++) {
		struct limit_server *server = base_container(limit->idle.next, struct limit_server, place);
		if (!check_bucket_is_full(&server->bucket, now_us))
			return;
		server_free(server);
	}
}

static bool server_has_room(const struct limit_server *server)
{
	uint32_t maximum = server->limit->settings.server_connections;
	return maximum == 0 || server->in_use < maximum;
}

static bool limit_has_room(const struct check_limit *limit)
{
	return limit->settings.connections == 0 || limit->in_use < limit->settings.connections;
}

/* Puts the server where it belongs now. */
static void server_settle(struct limit_server *server, int64_t now_us)
{
	struct check_limit *limit = server->limit;
	bool waited_for = !list_is_empty(&server->waiting);
	int64_t due_us = check_bucket_due_us(&server->bucket, now_us);
	list_remove(&server->place);
	wheel_disarm(&limit->wheel, &server->timer);
	if (!waited_for && server->in_use == 0)
		list_append(&limit->idle, &server->place);
	else if (waited_for && server_has_room(server) && due_us == 0)
		list_append(&limit->ready, &server->place);
	else if (waited_for && server_has_room(server))
		wheel_arm(&limit->wheel, &server->timer, due_us);
}

static void server_count(struct limit_server *server, int64_t now_us)
{
	check_bucket_take(&server->bucket, now_us);
	server->in_use++;
	server->limit->in_use++;
}

/* One of each server in turn. */
static void limit_serve(struct check_limit *limit, int64_t now_us)
{
	while (!list_is_empty(&limit->ready) && limit_has_room(limit)) {
		struct limit_server *server = base_container(limit->ready.next, struct limit_server, place);
		struct check_limit_waiter *waiter =
			base_container(server->waiting.next, struct check_limit_waiter, link);
		list_remove(&waiter->link);
		limit->waiting--;
		server_count(server, now_us);
		server_settle(server, now_us);
		limit->settings.granted(limit->settings.argument, waiter);
	}
}

/* ---- what is asked ---- */

int check_limit_init(struct check_limit *limit, const struct check_limit_settings *settings, int64_t now_us)
{
	*limit = (struct check_limit){ .settings = *settings };
	list_init(&limit->idle);
	list_init(&limit->ready);
	wheel_init(&limit->wheel, now_us);
	return hash_init(&limit->servers, SERVERS_MAXIMUM);
}

static bool server_let_go(struct hash_link *link, void *argument)
{
	(void)argument;
	server_free(server_of_link(link));
	return true;
}

void check_limit_done(struct check_limit *limit)
{
	base_require(limit->waiting == 0);
	if (limit->servers.slots)
		hash_walk(&limit->servers, server_let_go, NULL);
	hash_done(&limit->servers);
}

bool check_limit_ask(
	struct check_limit *limit, const struct net_address *address, int64_t now_us, struct check_limit_waiter *waiter)
{
	forget_idle(limit, now_us);
	struct limit_server *server = server_get(limit, address);
	if (!server)
		return true;
	/* Where a server is in `ready` there is no room: nobody is overtaken. */
	bool at_once = list_is_empty(&server->waiting) && server_has_room(server) && limit_has_room(limit) &&
		       check_bucket_due_us(&server->bucket, now_us) == 0;
	if (!at_once && waiter) {
		waiter->server = server;
		list_append(&server->waiting, &waiter->link);
		limit->waiting++;
		/* Behind others nothing changes: those before it keep their place in `ready`. */
		if (server->waiting.next == &waiter->link)
			server_settle(server, now_us);
		return false;
	}
	server_count(server, now_us);
	if (list_is_empty(&server->waiting))
		server_settle(server, now_us);
	return true;
}

void check_limit_release(struct check_limit *limit, const struct net_address *address, int64_t now_us)
{
	struct limit_server *server = server_find(limit, address);
	if (!server || server->in_use == 0)
		return; /* let in without being counted, for want of memory */
	bool had_room = server_has_room(server);
	server->in_use--;
	limit->in_use--;
	if (!had_room || list_is_empty(&server->waiting))
		server_settle(server, now_us);
	limit_serve(limit, now_us);
}

void check_limit_forget(struct check_limit *limit, struct check_limit_waiter *waiter, int64_t now_us)
{
	struct limit_server *server = waiter->server;
	list_remove(&waiter->link);
	limit->waiting--;
	if (list_is_empty(&server->waiting))
		server_settle(server, now_us);
}

void check_limit_advance(struct check_limit *limit, int64_t now_us)
{
	wheel_advance(&limit->wheel, now_us);
	limit_serve(limit, now_us);
}

int64_t check_limit_next_us(const struct check_limit *limit)
{
	return wheel_next_us(&limit->wheel);
}
