/* SPDX-License-Identifier: Apache-2.0 */
/* The control command `status`: a running node as JSON. */
#include "cmd/serve.h"
#include "cmd/table.h"
#include "edge/link.h"
#include "edge/node.h"
#include "edge/traversal_client.h"
#include "history/history.h"
#include "net/tls.h"
#include "peer/cache.h"

#include <errno.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_S 86400

/* What has not happened yet has no time. */
static json_t *time_or_null(int64_t wall_us)
{
	return wall_us ? serve_time(wall_us) : json_null();
}

static json_t *listeners(const struct config_node *config)
{
	json_t *list = json_array();
	for (size_t i = 0; i < config->listen_count; i++)
		json_array_append_new(list,
			json_pack("{s:s,s:o,s:i}", "transport", config_transport_name(config->listen[i].transport),
				"address", serve_text(config->listen[i].address), "port", (int)config->listen[i].port));
	return list;
}

/* ---- zones ---- */

/* The link of one peer, or of one connection of a traversal server's zone. */
static void link_add(json_t *object, const struct edge_link_status *link)
{
	json_object_set_new(object, "state", json_string(edge_link_state_name(link->state)));
	json_object_set_new(object, "since", time_or_null(link->since_us));
	json_object_set_new(object, "failures", json_integer(link->failures));
	json_object_set_new(object, "why", link->why[0] ? serve_text(span_of(link->why)) : json_null());
}

/* How a peer is called in edge/link.h. */
static const struct edge_link_status *link_of(const struct config_zone *zone, const struct config_endpoint *peer,
	const struct edge_link_status *links, size_t link_count)
{
	char text[EDGE_LINK_ENDPOINT_SIZE];
	bool client = zone->kind == CONFIG_ZONE_TRAVERSAL_CLIENT;
	edge_link_endpoint_write(peer->host, !peer->port && client ? EDGE_TRAVERSAL_PORT : peer->port, text);
	for (size_t i = 0; i < link_count; i++)
		if (strcmp(links[i].peer, text) == 0)
			return &links[i];
	return NULL;
}

static json_t *peers_of(const struct config_zone *zone, const struct edge_link_status *links, size_t link_count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < zone->peers.count; i++) {
		const struct config_endpoint *endpoint = &zone->peers.items[i];
		const struct edge_link_status *link = link_of(zone, endpoint, links, link_count);
		json_t *peer = json_pack("{s:o,s:i}", "host", serve_text(endpoint->host), "port", (int)endpoint->port);
		if (link)
			link_add(peer, link);
		json_array_append_new(list, peer);
	}
	return list;
}

/* Of a traversal server: who is connected, or what last went wrong. */
static json_t *clients_of(const struct edge_link_status *links, size_t link_count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < link_count; i++) {
		json_t *peer = json_pack("{s:o}", "address", serve_text(span_of(links[i].peer)));
		link_add(peer, &links[i]);
		json_array_append_new(list, peer);
	}
	return list;
}

/* As Expressway shows it: "on" for a dns zone, which nobody can watch. */
static const char *zone_state(const struct edge_node *node, const struct config_zone *zone)
{
	if (zone->kind == CONFIG_ZONE_DNS || zone->kind == CONFIG_ZONE_LOCAL || zone->kind == CONFIG_ZONE_DEFAULT)
		return "on";
	return edge_link_state_name(edge_link_zone_state(edge_node_links(node), zone->name));
}

/* links: room for EDGE_LINK_PEERS_MAXIMUM. */
static json_t *zone_of(const struct edge_node *node, const struct config_zone *zone, struct edge_link_status *links)
{
	size_t count = edge_link_status(edge_node_links(node), zone->name, links, EDGE_LINK_PEERS_MAXIMUM);
	bool server = zone->kind == CONFIG_ZONE_TRAVERSAL_SERVER;
	json_t *object = json_pack("{s:o,s:s,s:s,s:s}", "name", serve_text(zone->name), "kind",
		config_zone_kind_name(zone->kind), "transport", config_transport_name(zone->transport), "state",
		zone_state(node, zone));
	if (zone->kind == CONFIG_ZONE_DNS)
		json_object_set_new(object, "service", serve_text(zone->service));
	if (server)
		json_object_set_new(object, "port", json_integer(zone->port));
	json_object_set_new(object, "peers", server ? clients_of(links, count) : peers_of(zone, links, count));
	return object;
}

static json_t *zones(const struct edge_node *node, const struct config_node *config)
{
	json_t *list = json_array();
	struct edge_link_status *links = calloc(EDGE_LINK_PEERS_MAXIMUM, sizeof(*links));
	for (size_t i = 0; links && i < config->zone_count; i++)
		json_array_append_new(list, zone_of(node, &config->zones[i], links));
	free(links);
	return list;
}

/* ---- our own certificates ---- */

struct certificates {
	json_t *list;
	int64_t now_s;
	int64_t soon_s;
};

static bool time_of(const ASN1_TIME *time, int64_t *ret_s)
{
	struct tm fields;
	if (!ASN1_TIME_to_tm(time, &fields))
		return false;
	*ret_s = timegm(&fields);
	return true;
}

static void add_certificate(void *argument, const struct net_tls_own *own)
{
	struct certificates *c = argument;
	int64_t ends_s = 0;
	/* The same file in both roles is shown once. */
	size_t count = json_array_size(c->list);
	const json_t *before = count ? json_array_get(c->list, count - 1) : NULL;
	const char *file = json_string_value(json_object_get(before, "file"));
	if (own->client && file && strcmp(file, own->file) == 0)
		return;
	json_t *object = json_pack(
		"{s:s,s:s,s:b}", "name", own->name ? own->name : "", "file", own->file, "client", (int)own->client);
	if (time_of(X509_get0_notAfter(own->certificate), &ends_s)) {
		json_object_set_new(object, "not_after", serve_time(ends_s * CLOCK_SECOND_US));
		json_object_set_new(object, "days_left", json_integer((ends_s - c->now_s) / DAY_S));
		json_object_set_new(object, "expires_soon", json_boolean(ends_s - c->now_s < c->soon_s));
		json_object_set_new(object, "expired", json_boolean(ends_s < c->now_s));
	}
	json_array_append_new(c->list, object);
}

static json_t *certificates(const struct edge_node *node, const struct config_node *config)
{
	struct clock clock = clock_system();
	struct certificates c = { json_array(), clock_wall_us(&clock) / CLOCK_SECOND_US, config->trust.expires_soon_s };
	struct net_tls *tls = edge_node_tls(node);
	if (tls)
		net_tls_each_own(tls, add_certificate, &c);
	return c.list;
}

/* ---- logs, counters ---- */

static json_t *logs(const struct edge_node *node, const struct config_node *config)
{
	json_t *list = json_array();
	for (size_t i = 0; i < config->log_count; i++) {
		struct trace_file_status status;
		json_t *object = json_pack("{s:s,s:o}", "format", config_log_format_name(config->logs[i].format),
			"file", serve_text(config->logs[i].file));
		if (edge_node_log_status(node, i, &status)) {
			json_object_set_new(object, "records", json_integer((json_int_t)status.records));
			json_object_set_new(object, "bytes", json_integer((json_int_t)status.bytes));
			json_object_set_new(
				object, "dropped", json_integer((json_int_t)(status.dropped + status.refused)));
			json_object_set_new(object, "rotations", json_integer((json_int_t)status.rotations));
			json_object_set_new(
				object, "error", status.error ? json_string(strerror(-status.error)) : json_null());
		}
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *history(const struct edge_node *node, const struct config_node *config)
{
	struct history_status status;
	if (!edge_node_history_status(node, &status))
		return json_null();
	json_t *object = json_pack("{s:o}", "store", serve_store(config->history.store));
	json_object_set_new(object, "records", json_integer((json_int_t)status.records));
	json_object_set_new(object, "refused", json_integer((json_int_t)status.refused));
	json_object_set_new(object, "written", json_integer((json_int_t)status.writer.written));
	json_object_set_new(object, "dropped", json_integer((json_int_t)status.writer.dropped));
	json_object_set_new(object, "cut", json_integer((json_int_t)status.cut));
	json_object_set_new(object, "open", json_integer(status.open));
	json_object_set_new(object, "waiting", json_integer(status.writer.waiting));
	json_object_set_new(object, "bytes", json_integer((json_int_t)status.writer.bytes));
	json_object_set_new(
		object, "error", status.writer.error[0] ? serve_text(span_of(status.writer.error)) : json_null());
	return object;
}

static json_t *transport_counters_json(const struct transport_counters *counts)
{
	json_t *object = json_pack("{s:I,s:I,s:I}", "connections", (json_int_t)counts->connections,
		"server_transactions", (json_int_t)counts->server_transactions, "client_transactions",
		(json_int_t)counts->client_transactions);
#define X(name) json_object_set_new(object, #name, json_integer((json_int_t)counts->name));
	TRANSPORT_COUNTERS(X)
#undef X
	return object;
}

static json_t *counters(const struct edge_node *node)
{
	struct edge_node_counts counts;
	json_t *object = json_object();
	edge_node_counts(node, &counts);
#define X(name) json_object_set_new(object, #name, json_integer((json_int_t)counts.name));
	EDGE_COUNTERS(X)
#undef X
	json_object_set_new(object, "requests_under_way", json_integer((json_int_t)counts.requests_under_way));
	json_object_set_new(object, "transport", transport_counters_json(&counts.transport));
	return object;
}

static json_t *peers(const struct edge_node *node)
{
	struct peer_cache_counts counts;
	struct peer_cache *cache = edge_node_peers(node);
	if (!cache)
		return json_null();
	peer_cache_counts(cache, &counts);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "domains", (json_int_t)counts.domains, "hosts",
		(json_int_t)counts.hosts, "certificates", (json_int_t)counts.chains, "hits", (json_int_t)counts.hits,
		"misses", (json_int_t)counts.misses, "evicted", (json_int_t)counts.evicted);
}

static void add_life(json_t *reply, const struct edge_node *node)
{
	struct clock clock = clock_system();
	struct edge_node_life life = edge_node_life(node);
	int64_t up_us = clock_wall_us(&clock) - life.started_us;
	json_object_set_new(reply, "version", json_string(command_version));
	json_object_set_new(reply, "process", json_integer(getpid()));
	json_object_set_new(reply, "started", time_or_null(life.started_us));
	json_object_set_new(reply, "uptime_s", json_integer(up_us > 0 ? up_us / CLOCK_SECOND_US : 0));
	json_object_set_new(reply, "reloaded", time_or_null(life.reloaded_us));
	json_object_set_new(reply, "generation", json_integer((json_int_t)life.generation));
	json_object_set_new(reply, "workers", json_integer(life.worker_count));
	json_object_set_new(reply, "draining", json_boolean(life.draining));
}

int serve_status(void *argument, const json_t *request, json_t *reply)
{
	const struct serve *serve = argument;
	const struct config_node *config = edge_node_config(serve->node);
	bool with_list = json_is_true(json_object_get(request, "registrations"));
	json_object_set_new(reply, "node", serve_text(config->node));
	json_object_set_new(reply, "file", json_string(serve->file));
	json_object_set_new(reply, "dialect", json_string(config_dialect_name(config->dialect)));
	json_object_set_new(reply, "policy", json_string(config_policy_name(config->trust.policy)));
	add_life(reply, serve->node);
	json_object_set_new(reply, "listen", listeners(config));
	json_object_set_new(reply, "zones", zones(serve->node, config));
	json_object_set_new(reply, "rules", json_integer((json_int_t)config->rule_count));
	json_object_set_new(reply, "certificates", certificates(serve->node, config));
	json_object_set_new(reply, "logs", logs(serve->node, config));
	json_object_set_new(reply, "history", history(serve->node, config));
	json_object_set_new(reply, "registrations", serve_registrations(serve->node, with_list));
	json_object_set_new(reply, "peers", peers(serve->node));
	json_object_set_new(reply, "counters", counters(serve->node));
	return 0;
}
