/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/private.h"

/* ---- keys ---- */

static uint64_t address_hash(const struct transport *t, enum transport_protocol protocol, const struct net_address *a)
{
	unsigned char bytes[24];
	return hash_mix(hash_keyed(&t->token_key, net_address_key(a, bytes)), protocol);
}

static uint64_t key_hash(const struct transport *t, const struct transport_pool_key *key)
{
	uint64_t hash = hash_mix(address_hash(t, key->protocol, &key->address), key->mark);
	if (key->protocol != TRANSPORT_TLS)
		return hash;
	hash = hash_mix(hash, span_hash_nocase(key->name));
	return hash_mix(hash, span_hash_nocase(key->identity));
}

/* Names are said and proved in TLS alone: without it, whoever is at the address is meant. */
static bool key_equal(const struct transport_pool_key *a, const struct transport_pool_key *b)
{
	if (a->protocol != b->protocol || a->mark != b->mark || !net_address_equal(&a->address, &b->address))
		return false;
	return a->protocol != TRANSPORT_TLS ||
	       (span_equal_nocase(a->name, b->name) && span_equal_nocase(a->identity, b->identity));
}

static struct transport_pool_key key_of(const struct transport_target *target)
{
	return (struct transport_pool_key){
		.address = target->address,
		.protocol = target->protocol,
		.name = target->name,
		.identity = span_of(target->identity),
		.mark = target->mark,
	};
}

/* The texts, NUL-terminated: the name, then the identity. */
static bool key_keep(struct transport_connection *c, const struct transport_pool_key *key)
{
	c->texts = malloc(key->name.length + key->identity.length + 2);
	if (!c->texts)
		return false;
	char *identity = c->texts + key->name.length + 1;
	(void)span_copy_to(key->name, c->texts, key->name.length + 1);
	(void)span_copy_to(key->identity, identity, key->identity.length + 1);
	c->key = *key;
	c->key.name = span_make(c->texts, key->name.length);
	c->key.identity = span_make(identity, key->identity.length);
	return true;
}

static struct transport_target target_of(const struct transport_connection *c)
{
	return (struct transport_target){
		.protocol = c->key.protocol,
		.address = c->key.address,
		.name = c->key.name,
		.identity = c->key.identity.length ? c->key.identity.at : NULL,
		.flow = TRANSPORT_FLOW_NONE,
		.mark = c->key.mark,
	};
}

/* ---- judging ---- */

/* What judge says of this connection as that target: asked again when the target is another or
 * trust has changed. */
static int judge(struct transport_connection *c, const struct transport_target *target)
{
	struct transport *t = c->transport;
	if (!t->user.judge)
		return 0;
	struct transport_pool_key key = key_of(target);
	uint64_t hash = key_hash(t, &key);
	if (c->judged_generation == t->trust_generation && c->judged_key == hash)
		return c->judged;
	c->judged_generation = t->trust_generation;
	c->judged_key = hash;
	c->judged = t->user.judge(t->user.argument, target, net_stream_tls_facts(c->stream));
	if (c->judged < 0)
		transport_count(&t->counters.judged_refused, 1);
	return c->judged;
}

/* ---- finding ---- */

static struct transport_connection *find_ours(const struct transport *t, const struct transport_pool_key *key)
{
	for (struct hash_link *link = hash_first(&t->pool, key_hash(t, key)); link; link = hash_next(link)) {
		struct transport_connection *c = base_container(link, struct transport_connection, pool_link);
		if (key_equal(&c->key, key))
			return c;
	}
	return NULL;
}

static struct transport_connection *find_alias(const struct transport *t, const struct transport_target *target)
{
	uint64_t hash = address_hash(t, target->protocol, &target->address);
	for (struct hash_link *link = hash_first(&t->aliases, hash); link; link = hash_next(link)) {
		struct transport_connection *c = base_container(link, struct transport_connection, pool_link);
		if (c->key.protocol == target->protocol && net_address_equal(&c->key.address, &target->address))
			return c;
	}
	return NULL;
}

void transport_pool_remove(struct transport_connection *c)
{
	if (!c->pooled)
		return;
	hash_remove(c->inbound ? &c->transport->aliases : &c->transport->pool, &c->pool_link);
	c->pooled = false;
}

void transport_pool_alias(struct transport_connection *c, const struct net_address *address)
{
	struct transport *t = c->transport;
	if (c->pooled || c->ended)
		return;
	c->key = (struct transport_pool_key){ .address = *address, .protocol = c->protocol };
	c->pooled = hash_insert(&t->aliases, &c->pool_link, address_hash(t, c->protocol, address)) == 0;
}

/* ---- opening ---- */

static int open_new(struct transport *t, const struct transport_target *target, struct transport_connection **ret)
{
	if (target->protocol == TRANSPORT_TLS && !t->tls)
		return -ENOTSUP;
	struct transport_connection *c = transport_connection_new(t, target->protocol);
	if (!c)
		return -ENOBUFS;
	struct transport_pool_key key = key_of(target);
	if (!key_keep(c, &key)) {
		transport_connection_free(c);
		return -ENOMEM;
	}
	struct net_connect connect = {
		.remote = target->address,
		.tls = target->protocol == TRANSPORT_TLS ? t->tls : NULL,
		.server_name = c->key.name.length ? c->key.name.at : NULL,
		.identity = c->key.identity.length ? c->key.identity.at : NULL,
		.limits = { t->limits.connect_us, t->limits.handshake_us, t->limits.idle_us, 0,
			t->limits.output_bytes },
		.events = &transport_connection_events,
		.argument = c,
	};
	if (net_address_family(&t->bind) == net_address_family(&target->address)) {
		connect.local = t->bind;
		net_address_set_port(&connect.local, 0);
	}
	int status = net_stream_connect(t->loop, &connect, &c->stream);
	if (status < 0) {
		transport_connection_free(c);
		transport_count(&t->counters.connections_failed, 1);
		return status;
	}
	c->pooled = hash_insert(&t->pool, &c->pool_link, key_hash(t, &c->key)) == 0;
	transport_record_connection(c, RECORD_CONNECTION_ATTEMPTED, NULL);
	*ret = c;
	return 0;
}

static int wait_for(struct transport_connection *c, struct transport_waiting *waiting)
{
	if (c->waiting_count >= c->transport->limits.waiting)
		return -ENOBUFS;
	waiting->connection = c;
	list_append(&c->waiting, &waiting->link);
	c->waiting_count++;
	return 0;
}

void transport_pool_forget(struct transport_waiting *waiting)
{
	if (!waiting->connection)
		return;
	list_remove(&waiting->link);
	waiting->connection->waiting_count--;
	waiting->connection = NULL;
}

static int get_flow(struct transport *t, const struct transport_target *target, struct transport_waiting *waiting,
	struct transport_connection **ret_connection)
{
	struct transport_connection *c = transport_connection_find(t, target->flow);
	if (!c)
		return -ENOTCONN;
	if (!c->opened)
		return wait_for(c, waiting);
	*ret_connection = c;
	return 0;
}

static struct transport_connection *find_usable(struct transport *t, const struct transport_target *target)
{
	struct transport_pool_key key = key_of(target);
	struct transport_connection *c = find_ours(t, &key);
	if (c && (!c->opened || judge(c, target) >= 0))
		return c;
	if (c) {
		/* Trust has changed: answers still due may come over it, new requests open another one and
		 * hear in its handshake, or from judge again, how things stand. */
		transport_pool_remove(c);
		net_stream_set_idle(c->stream, 64 * t->timers.t1_us);
	}
	c = (target->flags & TRANSPORT_TARGET_ALIAS) ? find_alias(t, target) : NULL;
	return c && judge(c, target) >= 0 ? c : NULL;
}

int transport_pool_get(struct transport *t, const struct transport_target *target, struct transport_waiting *waiting,
	struct transport_connection **ret_connection)
{
	*ret_connection = NULL;
	list_init(&waiting->link);
	waiting->connection = NULL;
	if (target->flags & TRANSPORT_TARGET_FLOW)
		return get_flow(t, target, waiting, ret_connection);
	struct transport_connection *c = find_usable(t, target);
	if (c && c->opened) {
		*ret_connection = c;
		return 0;
	}
	if (!c) {
		int status = open_new(t, target, &c);
		if (status < 0)
			return status;
	}
	return wait_for(c, waiting);
}

/* ---- what happens to those who wait ---- */

void transport_pool_drop(struct transport_connection *c)
{
	struct transport_waiting *waiting = base_container(c->waiting.next, struct transport_waiting, link);
	transport_pool_forget(waiting);
	if (waiting->dropped)
		waiting->dropped(waiting);
}

static void tell_all(
	struct transport_connection *c, struct transport_connection *ready, const struct transport_failure *failure)
{
	while (!list_is_empty(&c->waiting)) {
		struct transport_waiting *waiting = base_container(c->waiting.next, struct transport_waiting, link);
		transport_pool_forget(waiting);
		/* A callback may have closed what was ready: the others then wait for `closed`. */
		waiting->ready(waiting, ready, failure);
		if (ready && ready->ended)
			return;
	}
}

void transport_pool_opened(struct transport_connection *c)
{
	struct transport_target target = target_of(c);
	int judged = judge(c, &target);
	if (judged >= 0) {
		tell_all(c, c, NULL);
		return;
	}
	struct transport_failure failure = {
		.kind = TRANSPORT_FAILED_JUDGED,
		.judged = judged,
		.tls = net_stream_tls_facts(c->stream),
	};
	transport_connection_close(c); /* before they are told: what they try next must not find it */
	tell_all(c, NULL, &failure);
}

static enum transport_failed failed_of(const struct transport_connection *c, const struct net_failure *why)
{
	if (why->cause == NET_CAUSE_LIMIT)
		return TRANSPORT_FAILED_LIMIT;
	if (why->stage == NET_STAGE_CONNECT)
		return TRANSPORT_FAILED_CONNECT;
	if (why->stage == NET_STAGE_HANDSHAKE || why->stage == NET_STAGE_AFTER_HANDSHAKE)
		return TRANSPORT_FAILED_HANDSHAKE;
	return c->opened ? TRANSPORT_FAILED_LOST : TRANSPORT_FAILED_CONNECT;
}

void transport_pool_closed(struct transport_connection *c, const struct net_failure *why)
{
	struct transport_failure failure = {
		.kind = failed_of(c, why),
		.error = why->error,
		.net = why,
		.tls = net_stream_tls_facts(c->stream),
	};
	while (!list_is_empty(&c->clients)) {
		struct list *link = c->clients.next;
		list_remove(link);
		transport_client_lost(link, c, &failure);
	}
	tell_all(c, NULL, &failure);
}

void transport_trust_changed(struct transport *t)
{
	t->trust_generation++;
}
