/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/node_parts.h"

#include "net/resolver.h"
#include "net/tls.h"
#include "peer/chain.h"

#include <errno.h>
#include <stdio.h>

static const char **texts_of(struct arena *arena, const struct config_texts *texts)
{
	const char **list = arena_zero(arena, (texts->count + 1) * sizeof(*list));
	for (size_t i = 0; list && i < texts->count; i++)
		list[i] = texts->items[i].at;
	return list;
}

static int say(char reterr_text[EDGE_NODE_ERROR_SIZE], int status, const char *what)
{
	snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "%s: %s", what, strerror(-status));
	return status;
}

/* ---- certificates ---- */

static struct net_tls_identity *identities_of(struct arena *arena, const struct config_tls *tls)
{
	struct net_tls_identity *identities = arena_zero(arena, (tls->identity_count + 1) * sizeof(*identities));
	for (size_t i = 0; identities && i < tls->identity_count; i++) {
		const struct config_identity *from = &tls->identities[i];
		identities[i] = (struct net_tls_identity){
			.names = texts_of(arena, &from->names),
			.name_count = from->names.count,
			.certificate_file = from->certificate.at,
			.key_file = from->key.at,
		};
		if (span_equal(from->certificate, from->client_certificate))
			continue;
		identities[i].client_certificate_file = from->client_certificate.at;
		identities[i].client_key_file = from->client_key.at;
	}
	return identities;
}

static struct net_tls_settings tls_settings(struct arena *arena, const struct config_node *config)
{
	static const enum net_tls_version versions[] = {
		[CONFIG_TLS_1_2] = NET_TLS_1_2, [CONFIG_TLS_1_3] = NET_TLS_1_3
	};
	static const enum net_tls_verify verifies[] = { [CONFIG_TLS_VERIFY_JUDGE] = NET_TLS_VERIFY_JUDGE,
		[CONFIG_TLS_VERIFY_HANDSHAKE] = NET_TLS_VERIFY_HANDSHAKE };
	static const enum net_tls_ask asks[] = { [CONFIG_TLS_CLIENT_REQUIRE] = NET_TLS_ASK_REQUIRE,
		[CONFIG_TLS_CLIENT_REQUEST] = NET_TLS_ASK_REQUEST,
		[CONFIG_TLS_CLIENT_OFF] = NET_TLS_ASK_OFF };
	const struct config_tls *tls = &config->tls;
	return (struct net_tls_settings){
		.identities = identities_of(arena, tls),
		.identity_count = tls->identity_count,
		.authority_files = texts_of(arena, &tls->authorities),
		.authority_count = tls->authorities.count,
		.system_authorities = tls->system_authorities,
		.intermediate_files = texts_of(arena, &tls->known_intermediates),
		.intermediate_count = tls->known_intermediates.count,
		.minimum = versions[tls->minimum_version],
		.verify = verifies[tls->verify],
		.client_certificate = asks[tls->client_certificate],
		.client_usage_required = tls->require_client_usage,
		.keylog_file = tls->keylog.at,
	};
}

int edge_parts_tls(const struct config_node *config, const struct clock *clock, struct peer_cache *cache,
	struct net_tls **ret_tls, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	char text[NET_TLS_ERROR_SIZE] = "";
	struct arena arena;
	int status;
	if (!edge_parts_want_tls(config))
		return 0;
	arena_init(&arena, 1u << 20);
	struct net_tls_settings settings = tls_settings(&arena, config);
	settings.clock = clock;
	settings.may_resume = peer_chain_may_resume;
	settings.may_resume_argument = cache;
	if (*ret_tls)
		status = net_tls_replace(*ret_tls, &settings, text);
	else
		status = net_tls_new(&settings, ret_tls, text);
	arena_done(&arena);
	if (status < 0)
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "%s", text);
	return status;
}

/* ---- DNS ---- */

int edge_parts_resolver(const struct config_node *config, const struct clock *clock, struct net_resolver **ret_resolver,
	char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	const struct config_dns *dns = &config->dns;
	char text[NET_RESOLVER_ERROR_SIZE] = "";
	struct arena arena;
	if (!dns->enabled)
		return 0;
	arena_init(&arena, 1u << 20);
	const char **servers = arena_zero(&arena, (dns->servers.count + 1) * sizeof(*servers));
	for (size_t i = 0; servers && i < dns->servers.count; i++)
		servers[i] = arena_printf(&arena, "%.*s@%u", SPAN_PRINT(dns->servers.items[i].host),
			(unsigned)(dns->servers.items[i].port ? dns->servers.items[i].port : 53))
				     .at;
	struct net_resolver_settings settings = {
		.servers = servers,
		.server_count = dns->servers.count,
		.outgoing = config->address.at,
		.dnssec = dns->dnssec,
		.trust_anchor_file = dns->trust_anchor.at,
		.timeout_us = dns->timeout_ms * CLOCK_MS_US,
		.clock = clock,
	};
	int status = *ret_resolver ? net_resolver_replace(*ret_resolver, &settings, text)
				   : net_resolver_new(&settings, ret_resolver, text);
	arena_done(&arena);
	if (status < 0)
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "%s", text);
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
