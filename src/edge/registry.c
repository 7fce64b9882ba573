/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/registry.h"

#include "edge/journal.h"
#include "net/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NONCES 65536
#define SENDERS 16384

static size_t bindings_maximum(const struct config_node *config)
{
	return config->registrar.enabled ? config->registrar.bindings : 0;
}

int edge_registry_new(const struct config_node *config, const struct clock *clock, const struct hash_key *key,
	struct random *random, struct edge_registry **ret_registry, char reterr_text[EDGE_REGISTRY_ERROR_SIZE])
{
	struct hash_key nonce_key = random_hash_key(random);
	struct edge_registry *registry = calloc(1, sizeof(*registry));
	if (!registry)
		return -ENOMEM;
	registry->clock = *clock;
	int status = registrar_location_new(key, bindings_maximum(config), &registry->location);
	if (status == 0)
		status = registrar_nonces_new(&nonce_key, NONCES, &registry->nonces);
	if (status == 0)
		status = registrar_guard_new(key, SENDERS, &registry->guard);
	if (status == 0 && config->registrar.enabled && config->registrar.store.at) {
		char text[REGISTRAR_KEEPER_ERROR_SIZE];
		status = registrar_keeper_start(
			config->registrar.store.at, config->node, clock, registry->location, &registry->keeper, text);
		if (status < 0)
			snprintf(reterr_text, EDGE_REGISTRY_ERROR_SIZE, "registrations cannot be kept: %s", text);
	}
	if (status < 0) {
		edge_registry_free(registry);
		return status;
	}
	*ret_registry = registry;
	return 0;
}

struct edge_registry *edge_registry_free(struct edge_registry *registry)
{
	if (!registry)
		return NULL;
	registrar_keeper_stop(registry->keeper);
	registrar_location_free(registry->location);
	registrar_nonces_free(registry->nonces);
	registrar_guard_free(registry->guard);
	free(registry);
	return NULL;
}

/* ---- what is told ---- */

struct telling {
	const struct edge_registry *registry;
	const struct record_sink *sink;
};

static void tell_gone(
	void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding)
{
	const struct telling *telling = argument;
	struct record r = { .kind = RECORD_REGISTRATION };
	r.head.time_us = clock_wall_us(&telling->registry->clock);
	r.registration.event = event == REGISTRAR_REMOVED ? RECORD_REGISTRATION_REMOVED : RECORD_REGISTRATION_EXPIRED;
	if (event == REGISTRAR_REMOVED)
		r.registration.reason = SPAN("the configuration has no such user or address any more");
	r.registration.alias = aor;
	r.registration.contact = binding->contact;
	r.registration.user = binding->user;
	r.registration.agent = binding->agent;
	struct net_address remote;
	if (net_address_parse_port(binding->received, 0, &remote) == 0)
		r.registration.remote = record_address_of(&remote.any);
	r.registration.transport = span_is(binding->transport, "tls")   ? RECORD_TLS
				   : span_is(binding->transport, "tcp") ? RECORD_TCP
									: RECORD_UDP;
	record_take(telling->sink, &r);
}

static void tell_keeper(struct edge_registry *registry, const struct record_sink *sink)
{
	struct registrar_keeper_status status;
	char text[REGISTRAR_KEEPER_ERROR_SIZE + 96];
	registrar_keeper_status(registry->keeper, &status);
	if (status.not_restored && !registry->has_told) {
		snprintf(text, sizeof(text), "%zu registrations of the store are beyond the maximum and were left out",
			status.not_restored);
		edge_journal_note(sink, &registry->clock, RECORD_NODE_NOTE, RECORD_WARNING, span_of(text));
	}
	registry->has_told = true;
	if (status.is_failing == registry->was_failing)
		return;
	registry->was_failing = status.is_failing;
	snprintf(text, sizeof(text), "registrations are %s%s", status.is_failing ? "not written: " : "written again",
		status.is_failing ? status.error : "");
	edge_journal_note(sink, &registry->clock, RECORD_NODE_NOTE, status.is_failing ? RECORD_ERROR : RECORD_NOTE,
		span_of(text));
}

/* ---- who is still to be there ---- */

struct rights {
	const struct config_texts *domains;
	const struct registrar_users *users;
};

/* As edge/register.c decided when it came. */
static bool may_stay(void *argument, struct span aor, const struct registrar_binding *binding)
{
	const struct rights *rights = argument;
	struct span host = span_from(aor, span_find(aor, '@') + 1);
	bool is_ours = false;
	for (size_t i = 0; i < rights->domains->count && !is_ours; i++)
		is_ours = span_equal_nocase(rights->domains->items[i], host);
	if (!is_ours || !binding->user.at)
		return is_ours;
	const struct registrar_user *user = rights->users ? registrar_users_find(rights->users, binding->user) : NULL;
	return user && registrar_user_may_be(user, aor);
}

static void prune(struct edge_registry *registry, const struct config_node *config, const struct registrar_users *users,
	const struct record_sink *sink)
{
	struct telling telling = { registry, sink };
	struct rights rights = { &config->registrar.domains, users };
	if (config->registrar.enabled) /* else nobody is found there anyway */
		registrar_location_prune(registry->location, may_stay, &rights, clock_wall_us(&registry->clock),
			record_wanted(sink) ? tell_gone : NULL, &telling);
}

void edge_registry_reloaded(struct edge_registry *registry, const struct config_node *config,
	const struct registrar_users *users, const struct record_sink *sink)
{
	registrar_location_set_maximum(registry->location, bindings_maximum(config));
	prune(registry, config, users, sink);
	registry->is_reloaded = true;
}

/* ---- once a second ---- */

void edge_registry_tick(struct edge_registry *registry, const struct config_node *config,
	const struct registrar_users *users, const struct record_sink *sink)
{
	struct telling telling = { registry, sink };
	registrar_location_sweep(
		registry->location, clock_wall_us(&registry->clock), record_wanted(sink) ? tell_gone : NULL, &telling);
	if (registry->is_reloaded)
		prune(registry, config, users, sink);
	registry->is_reloaded = false;
	if (registry->keeper)
		tell_keeper(registry, sink);
}

/* ---- users ---- */

int edge_registry_users(const struct config_node *config, struct registrar_users **ret_users)
{
	const struct config_registrar *registrar = &config->registrar;
	if (!registrar->enabled && config->user_count == 0)
		return 0;
	const struct config_texts *domains = registrar->enabled ? &registrar->domains : &config->domains;
	struct registrar_account *accounts = calloc(config->user_count + 1, sizeof(*accounts));
	if (!accounts)
		return -ENOMEM;
	for (size_t i = 0; i < config->user_count; i++) {
		const struct config_user *user = &config->users[i];
		accounts[i] = (struct registrar_account){
			.username = user->username,
			.password = user->password,
			.secret_md5 = user->secret_md5,
			.secret_sha256 = user->secret_sha256,
			.aliases = user->aliases.items,
			.alias_count = user->aliases.count,
		};
	}
	struct registrar_users_settings settings = {
		.realm = registrar->realm.at ? registrar->realm
			 : domains->count    ? domains->items[0]
					     : config->node,
		.domains = domains->items,
		.domain_count = domains->count,
		.accounts = accounts,
		.account_count = config->user_count,
	};
	int status = registrar_users_new(&settings, ret_users);
	free(accounts);
	return status;
}
