/* SPDX-License-Identifier: Apache-2.0 */
#include "config/parts.h"

#include <errno.h>

/* ---- trust ---- */

int config_parts_policy(const struct config_node *config, struct arena *arena, struct trust_policy *ret_policy)
{
	static const enum trust_policy_kind kinds[] = {
		[CONFIG_POLICY_MICROSOFT] = TRUST_POLICY_MICROSOFT,
		[CONFIG_POLICY_RFC5922] = TRUST_POLICY_RFC5922,
		[CONFIG_POLICY_DANE] = TRUST_POLICY_DANE,
	};
	const struct config_trust *trust = &config->trust;
	struct trust_partner *allowed = arena_zero(arena, (trust->allowed_count + 1) * sizeof(*allowed));
	if (!allowed)
		return -ENOMEM;
	for (size_t i = 0; i < trust->allowed_count; i++)
		allowed[i] = (struct trust_partner){ .domain = trust->allowed[i].domain,
			.server = trust->allowed[i].server.host,
			.port = trust->allowed[i].server.port };
	*ret_policy = (struct trust_policy){
		.kind = kinds[trust->policy],
		.discover = trust->discover,
		.wildcards = trust->wildcards,
		.apex_targets = trust->apex_targets,
		.require_client_usage = config->tls.require_client_usage,
		.expires_soon_s = trust->expires_soon_s,
		.allowed = allowed,
		.allowed_count = trust->allowed_count,
		.blocked = trust->blocked.items,
		.blocked_count = trust->blocked.count,
		.providers = trust->providers.items,
		.provider_count = trust->providers.count,
		.own_domains = config->domains.items,
		.own_domain_count = config->domains.count,
	};
	return 0;
}

/* ---- certificates ---- */

static const char **texts_of(struct arena *arena, const struct config_texts *texts)
{
	const char **list = arena_zero(arena, (texts->count + 1) * sizeof(*list));
	for (size_t i = 0; list && i < texts->count; i++)
		list[i] = texts->items[i].at;
	return list;
}

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
		if (!identities[i].names)
			return NULL;
		if (span_equal(from->certificate, from->client_certificate))
			continue;
		identities[i].client_certificate_file = from->client_certificate.at;
		identities[i].client_key_file = from->client_key.at;
	}
	return identities;
}

int config_parts_tls(const struct config_node *config, struct arena *arena, struct net_tls_settings *ret_settings)
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
	const struct net_tls_identity *identities = identities_of(arena, tls);
	const char *const *authorities = texts_of(arena, &tls->authorities);
	const char *const *intermediates = texts_of(arena, &tls->known_intermediates);
	if (!identities || !authorities || !intermediates)
		return -ENOMEM;
	*ret_settings = (struct net_tls_settings){
		.identities = identities,
		.identity_count = tls->identity_count,
		.authority_files = authorities,
		.authority_count = tls->authorities.count,
		.system_authorities = tls->system_authorities,
		.intermediate_files = intermediates,
		.intermediate_count = tls->known_intermediates.count,
		.minimum = versions[tls->minimum_version],
		.verify = verifies[tls->verify],
		.client_certificate = asks[tls->client_certificate],
		.client_usage_required = tls->require_client_usage,
		.keylog_file = tls->keylog.at,
	};
	return 0;
}

/* ---- DNS ---- */

int config_parts_resolver(
	const struct config_node *config, struct arena *arena, struct net_resolver_settings *ret_settings)
{
	const struct config_dns *dns = &config->dns;
	const char **servers = arena_zero(arena, (dns->servers.count + 1) * sizeof(*servers));
	if (!servers)
		return -ENOMEM;
	for (size_t i = 0; i < dns->servers.count; i++) {
		const struct config_endpoint *server = &dns->servers.items[i];
		struct span text = arena_printf(
			arena, "%.*s@%u", SPAN_PRINT(server->host), (unsigned)(server->port ? server->port : 53));
		if (!text.at)
			return -ENOMEM;
		servers[i] = text.at;
	}
	*ret_settings = (struct net_resolver_settings){
		.servers = servers,
		.server_count = dns->servers.count,
		.outgoing = config->address.at,
		.dnssec = dns->dnssec,
		.trust_anchor_file = dns->trust_anchor.at,
		.timeout_us = dns->timeout_ms * CLOCK_MS_US,
	};
	return 0;
}
