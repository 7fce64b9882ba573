/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/node_parts.h"

#include "config/parts.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "peer/chain.h"

#include <errno.h>
#include <stdio.h>

static int say(char reterr_text[EDGE_NODE_ERROR_SIZE], int status, const char *what)
{
	snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "%s: %s", what, strerror(-status));
	return status;
}

/* ---- certificates ---- */

int edge_parts_tls(const struct config_node *config, const struct clock *clock, struct peer_cache *cache,
	struct net_tls **ret_tls, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	char text[NET_TLS_ERROR_SIZE] = "";
	struct arena arena;
	struct net_tls_settings settings;
	if (!edge_parts_want_tls(config))
		return 0;
	arena_init(&arena, 1u << 20);
	int status = config_parts_tls(config, &arena, &settings);
	if (status == 0) {
		settings.clock = clock;
		settings.may_resume = peer_chain_may_resume;
		settings.may_resume_argument = cache;
		status = *ret_tls ? net_tls_replace(*ret_tls, &settings, text) : net_tls_new(&settings, ret_tls, text);
	}
	arena_done(&arena);
	if (status < 0)
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "%s", text[0] ? text : strerror(-status));
	return status;
}

/* ---- DNS ---- */

int edge_parts_resolver(const struct config_node *config, const struct clock *clock, struct net_resolver **ret_resolver,
	char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	char text[NET_RESOLVER_ERROR_SIZE] = "";
	struct arena arena;
	struct net_resolver_settings settings;
	if (!config->dns.enabled)
		return 0;
	arena_init(&arena, 1u << 20);
	int status = config_parts_resolver(config, &arena, &settings);
	if (status == 0) {
		settings.clock = clock;
		status = *ret_resolver ? net_resolver_replace(*ret_resolver, &settings, text)
				       : net_resolver_new(&settings, ret_resolver, text);
	}
	arena_done(&arena);
	if (status < 0)
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "%s", text[0] ? text : strerror(-status));
	return status;
}

/* ---- logs ---- */

int edge_parts_logs(const struct config_node *config, const struct clock *clock, uint32_t producers,
	struct trace_file_sink **ret_sink, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	static const enum trace_format formats[] = { [CONFIG_LOG_EXPRESSWAY] = TRACE_EXPRESSWAY,
		[CONFIG_LOG_SIPSTACK] = TRACE_SIPSTACK,
		[CONFIG_LOG_UCCAPI] = TRACE_UCCAPI,
		[CONFIG_LOG_JSON] = TRACE_JSON };
	struct trace_file_settings files[TRACE_FILES_MAXIMUM];
	size_t index = 0;
	if (config->log_count == 0)
		return 0;
	if (config->log_count > TRACE_FILES_MAXIMUM)
		return say(reterr_text, -E2BIG, "more log files than can be written");
	for (size_t i = 0; i < config->log_count; i++)
		files[i] = (struct trace_file_settings){
			.path = config->logs[i].file.at,
			.writer = { .format = formats[config->logs[i].format],
				.node = config->log_name,
				.utc_offset_s = trace_utc_offset_local },
			.rotate_bytes = config->logs[i].rotate_bytes,
			.keep = config->logs[i].keep,
		};
	struct trace_file_sink_settings settings = {
		.files = files, .file_count = config->log_count, .producers = producers, .clock = *clock
	};
	int status = trace_file_sink_start(&settings, ret_sink, &index);
	if (status < 0)
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "cannot open the log '%s': %s", files[index].path,
			strerror(-status));
	return status;
}

/* ---- ports ---- */

static int listener_make(const struct config_listen *from, struct transport_listener *listener)
{
	static const enum transport_protocol protocols[] = { [CONFIG_TRANSPORT_UDP] = TRANSPORT_UDP,
		[CONFIG_TRANSPORT_TCP] = TRANSPORT_TCP,
		[CONFIG_TRANSPORT_TLS] = TRANSPORT_TLS };
	struct span address = from->address.at ? from->address : SPAN("0.0.0.0");
	*listener = (struct transport_listener){ .protocol = protocols[from->transport] };
	return net_address_parse(address, from->port, &listener->address);
}

int edge_parts_listeners(const struct config_node *config, struct transport_listener *ret_listeners,
	char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct config_listen *from = &config->listen[i];
		char address[NET_ADDRESS_TEXT_SIZE];
		int status = listener_make(from, &ret_listeners[i]);
		if (status == 0)
			status = transport_listener_probe(&ret_listeners[i]);
		if (status == 0)
			continue;
		net_address_format(&ret_listeners[i].address, address);
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "cannot listen on %s (%s): %s", address,
			config_transport_name(from->transport),
			status == -EADDRINUSE ? "another program has the port" : strerror(-status));
		return status;
	}
	return 0;
}

int edge_parts_doors(struct edge_site *site, const struct edge_site *before, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	int status = edge_site_number_doors(site, before);
	if (status < 0)
		return say(reterr_text, status, "the ports of the traversal zones cannot be opened");
	for (size_t i = 0; i < TRANSPORT_LISTENER_MAXIMUM; i++) {
		const struct edge_site_door *door = &site->doors[i];
		char address[NET_ADDRESS_TEXT_SIZE];
		if (!door->zone || (before && before->doors[i].zone))
			continue;
		status = transport_listener_probe(&door->listener);
		if (status == 0)
			continue;
		net_address_format(&door->listener.address, address);
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "cannot listen on %s for the zone '%.*s': %s", address,
			SPAN_PRINT(door->zone->name),
			status == -EADDRINUSE ? "another program has the port" : strerror(-status));
		return status;
	}
	return 0;
}
