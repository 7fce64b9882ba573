/* SPDX-License-Identifier: Apache-2.0 */
#include "config/check.h"

#include "base/require.h"
#include "config/files.h"
#include "config/value.h"

#include <sys/un.h>

/* To add a rule: one small function, one line in config_check at the end. */

struct config_place config_place_of(const struct document_node *mapping, const char *key)
{
	const struct document_node *value = document_find(mapping, key);
	if (value)
		return value->place;
	return mapping ? mapping->place : (struct config_place){ 0, 0 };
}

const struct document_item *config_items(const struct document_node *list)
{
	return list && list->kind == DOCUMENT_SEQUENCE ? list->items : NULL;
}

/* ---- listeners ---- */

static bool is_wildcard(struct span address)
{
	return !address.at || span_is(address, "0.0.0.0") || span_is(address, "::");
}

static bool listeners_collide(const struct config_listen *a, const struct config_listen *b)
{
	bool datagram_a = a->transport == CONFIG_TRANSPORT_UDP, datagram_b = b->transport == CONFIG_TRANSPORT_UDP;
	if (a->port != b->port || datagram_a != datagram_b)
		return false;
	return is_wildcard(a->address) || is_wildcard(b->address) || span_equal(a->address, b->address);
}

/* Whether it says what it stands for; otherwise defaults would collide. */
static bool listener_is_sound(const struct check *k, size_t index)
{
	const struct document_node *mapping = document_at(document_find(k->root, "listen"), index);
	const struct document_node *port = document_find(mapping, "port");
	uint16_t ignored;
	return document_find(mapping, "transport") && (!port || !value_port(port->text, &ignored));
}

static void check_listeners(const struct check *k)
{
	const struct config_listen *listen = k->node->listen;
	for (size_t i = 1; i < k->node->listen_count; i++) {
		for (size_t j = 0; j < i && listener_is_sound(k, i); j++) {
			if (!listener_is_sound(k, j) || !listeners_collide(&listen[i], &listen[j]))
				continue;
			config_error(k->report, listen[i].place, "two listeners on port %u; the other is in line %u",
				listen[i].port, listen[j].place.line);
			break;
		}
	}
}

static void check_listeners_have_certificate(const struct check *k)
{
	for (size_t i = 0; i < k->node->listen_count; i++) {
		if (k->node->listen[i].transport != CONFIG_TRANSPORT_TLS || k->node->tls.identity_count)
			continue;
		config_error(
			k->report, k->node->listen[i].place, "a tls listener needs a certificate: `tls.identities`");
		return;
	}
}

/* ---- tls ---- */

static void check_client_pair(const struct check *k, const struct document_node *mapping)
{
	const struct document_node *certificate = document_find(mapping, "client_certificate");
	const struct document_node *key = document_find(mapping, "client_key");
	if (certificate && !key)
		config_error(k->report, certificate->place, "`client_certificate` needs `client_key`");
	if (key && !certificate)
		config_error(k->report, key->place, "`client_key` needs `client_certificate`");
}

static void check_identity_files(
	const struct check *k, const struct document_node *mapping, const struct config_identity *identity)
{
	if (!k->context->check_files)
		return;
	if (identity->certificate.at && identity->key.at)
		config_pair_check(
			k->report, config_place_of(mapping, "certificate"), identity->certificate.at, identity->key.at);
	if (identity->client_certificate.at && identity->client_key.at)
		config_pair_check(k->report, config_place_of(mapping, "client_certificate"),
			identity->client_certificate.at, identity->client_key.at);
}

static void check_identities(const struct check *k)
{
	const struct config_tls *tls = &k->node->tls;
	const struct document_item *item = config_items(document_find(document_find(k->root, "tls"), "identities"));
	for (size_t i = 0; i < tls->identity_count; i++, item = item->next) {
		check_client_pair(k, item->value);
		check_identity_files(k, item->value, &tls->identities[i]);
	}
}

static const struct config_identity *identity_with(const struct config_tls *tls, size_t before, struct span name)
{
	for (size_t i = 0; i < before; i++) {
		for (size_t j = 0; j < tls->identities[i].names.count; j++) {
			if (span_equal(tls->identities[i].names.items[j], name))
				return &tls->identities[i];
		}
	}
	return NULL;
}

#define NAMES_COMPARED 2000 /* every pair is looked at: enough for any file that a person wrote */

static void check_identity_names(const struct check *k)
{
	const struct config_tls *tls = &k->node->tls;
	const struct document_item *item = config_items(document_find(document_find(k->root, "tls"), "identities"));
	size_t compared = 0;
	for (size_t i = 0; i < tls->identity_count; i++, item = item->next) {
		const struct config_texts names = tls->identities[i].names;
		for (size_t j = 0; j < names.count && compared++ < NAMES_COMPARED; j++) {
			const struct config_identity *other =
				names.items[j].at ? identity_with(tls, i, names.items[j]) : NULL;
			const struct document_node *value = document_at(document_find(item->value, "names"), j);
			if (other && value)
				config_error(k->report, value->place, "`%s` has an identity already, in line %u",
					config_shown(names.items[j]).text, other->place.line);
		}
	}
}

static void check_authority_files(const struct check *k, const char *key, struct config_texts files)
{
	const struct document_item *item = config_items(document_find(document_find(k->root, "tls"), key));
	for (size_t i = 0; k->context->check_files && i < files.count; i++, item = item->next) {
		if (files.items[i].at)
			config_authority_check(k->report, item->value->place, files.items[i].at);
	}
}

static bool uses_tls(const struct config_node *node)
{
	bool used = false;
	for (size_t i = 0; i < node->listen_count; i++)
		used = used || node->listen[i].transport == CONFIG_TRANSPORT_TLS;
	for (size_t i = 0; i < node->zone_count; i++)
		used = used ||
		       (node->zones[i].transport == CONFIG_TRANSPORT_TLS && node->zones[i].kind != CONFIG_ZONE_LOCAL &&
			       node->zones[i].kind != CONFIG_ZONE_DEFAULT);
	return used;
}

static void check_trusts_somebody(const struct check *k)
{
	const struct config_tls *tls = &k->node->tls;
	const struct document_node *section = document_find(k->root, "tls");
	if (uses_tls(k->node) && section && !tls->authorities.count && !tls->system_authorities)
		config_warning(k->report, section->place,
			"no certificate of anybody will be trusted: give `authorities`, or `system_authorities: yes`");
}

static void check_keylog(const struct check *k)
{
	if (k->node->tls.keylog.at)
		config_warning(k->report, config_place_of(document_find(k->root, "tls"), "keylog"),
			"`keylog` writes the keys of all TLS sessions: whoever reads it reads the calls");
}

/* ---- trust, logs, control ---- */

static void check_policy(const struct check *k)
{
	const struct document_node *trust = document_find(k->root, "trust");
	if (k->node->trust.policy == CONFIG_POLICY_DANE && !k->node->dns.dnssec)
		config_error(k->report, config_place_of(trust, "policy"), "policy dane needs `dns.dnssec: yes`");
}

static void check_strangers(const struct check *k)
{
	for (size_t i = 0; i < k->node->listen_count; i++) {
		if (k->node->listen[i].transport != CONFIG_TRANSPORT_TLS || k->node->dns.enabled)
			continue;
		config_warning(k->report, k->node->listen[i].place,
			"strangers who call here will be refused: without the section `dns` nobody is looked up");
		return;
	}
}

static void check_own_domains(const struct check *k)
{
	if (!k->node->domains.count && !document_find(k->root, "domains"))
		config_warning(k->report, (struct config_place){ 0, 0 }, "no `domains`: no address is ours");
}

static void check_logs(const struct check *k)
{
	const struct document_item *item = config_items(document_find(k->root, "log"));
	for (size_t i = 0; i < k->node->log_count; i++, item = item->next) {
		for (size_t j = 0; j < i; j++) {
			const struct config_log *log = &k->node->logs[i], *other = &k->node->logs[j];
			if (log->file.at && span_equal(log->file, other->file)) {
				config_error(k->report, config_place_of(item->value, "file"),
					"two logs in one file; the other is in line %u", other->place.line);
				break;
			}
		}
	}
}

static void check_control(const struct check *k)
{
	size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	if (k->node->control.length > room)
		config_error(k->report, config_place_of(k->root, "control"),
			"the path of a socket has %zu bytes at most, `%s` has %zu", room,
			config_shown(k->node->control).text, k->node->control.length);
}

void config_check(struct bind_context *c, const struct document_node *root, const struct config_node *node)
{
	struct check k = { c, c->report, root, node };
	check_listeners(&k);
	check_listeners_have_certificate(&k);
	check_identities(&k);
	check_identity_names(&k);
	check_authority_files(&k, "authorities", node->tls.authorities);
	check_authority_files(&k, "known_intermediates", node->tls.known_intermediates);
	check_trusts_somebody(&k);
	check_keylog(&k);
	config_zones_check(&k);
	config_calls_check(&k);
	config_domains_check(c, root, node);
	check_policy(&k);
	check_strangers(&k);
	check_own_domains(&k);
	check_logs(&k);
	check_control(&k);
	config_table_check(&k);
}
