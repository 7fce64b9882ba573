/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of zones that contradict each other. To add a rule: one small function, one line in zone_rules. */
#include "base/require.h"
#include "config/check.h"

/* One zone and where it stands. */
struct zone_case {
	const struct document_node *mapping; /* NULL: the file does not have it */
	const struct config_zone *zone;
	size_t index;
};

/* Of a kind that is misspelt nothing more is said. */
static bool is_kind(const struct zone_case *z, enum config_zone_kind kind)
{
	const struct document_node *word = document_find(z->mapping, "kind");
	return z->zone->kind == kind &&
	       (!z->mapping || (word && span_is_nocase(word->text, config_zone_kind_name(kind))));
}

static bool is_traversal(const struct zone_case *z)
{
	return is_kind(z, CONFIG_ZONE_TRAVERSAL_CLIENT) || is_kind(z, CONFIG_ZONE_TRAVERSAL_SERVER);
}

static bool is_federation(const struct config_zone *zone)
{
	return zone->kind == CONFIG_ZONE_DNS && !span_is_nocase(zone->service, "sip");
}

/* ---- names ---- */

static const struct config_zone *zone_before(const struct config_node *node, size_t before, struct span name)
{
	for (size_t i = 0; i < before; i++) {
		if (name.at && span_equal_nocase(node->zones[i].name, name))
			return &node->zones[i];
	}
	return NULL;
}

static void check_name(const struct check *k, const struct zone_case *z)
{
	const struct config_zone *other = zone_before(k->node, z->index, z->zone->name);
	if (other && !z->mapping)
		config_error(k->report, other->place,
			"the registrar makes a zone called `%s`: give this one another name, or a zone of kind local",
			z->zone->name.at);
	else if (other)
		config_error(k->report, config_place_of(z->mapping, "name"),
			"a zone is called `%s` already, in line %u", z->zone->name.at, other->place.line);
	if (z->mapping && config_is_source_word(z->zone->name))
		config_error(k->report, config_place_of(z->mapping, "name"),
			"a zone cannot be called `%s`: that word has a meaning in rules", z->zone->name.at);
}

/* At most one of the kinds that stand for everybody of a sort. */
static void check_single(const struct check *k, const struct zone_case *z)
{
	if (!is_kind(z, CONFIG_ZONE_LOCAL) && !is_kind(z, CONFIG_ZONE_DEFAULT))
		return;
	for (size_t i = 0; i < z->index; i++) {
		if (k->node->zones[i].kind == z->zone->kind) {
			config_error(k->report, z->zone->place, "a second zone of kind %s; the first is in line %u",
				config_zone_kind_name(z->zone->kind), k->node->zones[i].place.line);
			return;
		}
	}
}

static void check_local(const struct check *k, const struct zone_case *z)
{
	if (is_kind(z, CONFIG_ZONE_LOCAL) && !k->node->registrar.enabled)
		config_error(k->report, z->zone->place, "a zone of kind local needs the section `registrar`");
}

/* ---- who is there ---- */

static void check_verify_name(const struct check *k, const struct zone_case *z)
{
	const struct config_zone *zone = z->zone;
	bool tls = zone->transport == CONFIG_TRANSPORT_TLS, given = document_find(z->mapping, "verify_name");
	if (!is_kind(z, CONFIG_ZONE_NEIGHBOR) && !is_traversal(z))
		return;
	if (zone->verify_name.at && !tls)
		config_error(k->report, config_place_of(z->mapping, "verify_name"),
			"`verify_name` belongs only where `transport` is `tls`");
	if (!tls || given)
		return;
	if (is_traversal(z))
		config_error(k->report, zone->place, "a traversal zone over TLS needs `verify_name`");
	else
		config_warning(k->report, zone->place,
			"without `verify_name` whoever is at this address is taken for this neighbor");
}

static void check_traversal(const struct check *k, const struct zone_case *z)
{
	if (!is_traversal(z))
		return;
	const struct document_node *password = document_find(z->mapping, "password");
	const struct document_node *file = document_find(z->mapping, "password_file");
	if (!password && !file)
		config_error(k->report, z->zone->place, "a traversal zone needs `password` or `password_file`");
	else if (password && file)
		config_error(k->report, file->place, "`password` and `password_file` exclude each other");
	if (z->zone->transport == CONFIG_TRANSPORT_UDP)
		config_error(k->report, config_place_of(z->mapping, "transport"),
			"a traversal zone lives in connections: `transport` is `tls` or `tcp`, for a datagram's source "
			"address proves nothing");
	if (is_kind(z, CONFIG_ZONE_TRAVERSAL_SERVER) && z->zone->transport == CONFIG_TRANSPORT_TLS &&
		!k->node->tls.identity_count)
		config_error(
			k->report, z->zone->place, "a traversal server over TLS needs a certificate: `tls.identities`");
	if (is_kind(z, CONFIG_ZONE_TRAVERSAL_SERVER) && z->zone->transport == CONFIG_TRANSPORT_TLS &&
		k->node->tls.client_certificate == CONFIG_TLS_CLIENT_OFF)
		config_error(k->report, config_place_of(z->mapping, "verify_name"),
			"`verify_name` cannot be checked where `tls.client_certificate` is `off`");
}

static void check_port(const struct check *k, const struct zone_case *z)
{
	if (!is_kind(z, CONFIG_ZONE_TRAVERSAL_SERVER) || !z->zone->port)
		return;
	for (size_t i = 0; i < k->node->listen_count; i++) {
		if (k->node->listen[i].port == z->zone->port) {
			config_error(k->report, config_place_of(z->mapping, "port"),
				"a listener has port %u, in line %u; a traversal zone has its own", z->zone->port,
				k->node->listen[i].place.line);
			return;
		}
	}
	for (size_t i = 0; i < z->index; i++) {
		if (k->node->zones[i].kind == CONFIG_ZONE_TRAVERSAL_SERVER && k->node->zones[i].port == z->zone->port) {
			config_error(k->report, config_place_of(z->mapping, "port"),
				"the zone in line %u has port %u already", k->node->zones[i].place.line, z->zone->port);
			return;
		}
	}
}

static void check_credentials(const struct check *k, const struct zone_case *z)
{
	if (z->zone->authentication != CONFIG_AUTHENTICATION_CHECK || k->node->user_count)
		return;
	if (!z->mapping)
		config_error(k->report, z->zone->place, "nobody can register: give `users`, or say `authenticate: no`");
	else
		config_error(k->report, config_place_of(z->mapping, "authentication"),
			"`authentication: check-credentials`%s needs `users`",
			document_find(z->mapping, "authentication") ? "" : ", which is this kind's default,");
}

/* ---- found by DNS ---- */

/* The place of a key that belongs only to service sip, where it was given. */
static void check_sip_only(const struct check *k, const struct zone_case *z)
{
	static const char *const keys[] = { "include_address_record", "fallback_transport" };
	for (size_t i = 0; i < BASE_COUNT(keys); i++) {
		if (document_find(z->mapping, keys[i]) && is_federation(z->zone))
			config_error(k->report, config_place_of(z->mapping, keys[i]),
				"`%s` belongs only where `service` is `sip`", keys[i]);
	}
}

static struct span first_service(const struct config_node *node)
{
	struct span service = config_node_service(node);
	return service.at ? service : SPAN_NONE;
}

static void check_federation(const struct check *k, const struct zone_case *z)
{
	if (z->zone->transport != CONFIG_TRANSPORT_TLS)
		config_error(k->report, config_place_of(z->mapping, "transport"),
			"partners are reached over TLS only: `transport` of a zone of kind dns is `tls`");
	if (!span_equal_nocase(z->zone->service, first_service(k->node)))
		config_error(k->report, config_place_of(z->mapping, "service"),
			"all zones of kind dns look up the same service, and the first says `%s`",
			config_shown(first_service(k->node)).text);
}

static void check_dns(const struct check *k, const struct zone_case *z)
{
	if (!is_kind(z, CONFIG_ZONE_DNS))
		return;
	if (!k->node->dns.enabled)
		config_error(k->report, z->zone->place, "a zone of kind dns needs the section `dns`");
	if (is_federation(z->zone))
		check_federation(k, z);
	else if (document_find(z->mapping, "transport"))
		config_error(k->report, config_place_of(z->mapping, "transport"),
			"with `service: sip` DNS says the transport; `fallback_transport` is for where it does not");
	check_sip_only(k, z);
	if (z->zone->inbound_mapping && !document_find(z->mapping, "verify_name"))
		config_error(k->report, config_place_of(z->mapping, "inbound_mapping"),
			"`inbound_mapping` needs `verify_name`");
}

/* What is found by DNS is outside: its 3xx would be searched for as if the caller, perhaps one of ours, had dialled it.
 */
static void check_redirects(const struct check *k, const struct zone_case *z)
{
	if (is_kind(z, CONFIG_ZONE_DNS) && z->zone->redirects == CONFIG_REDIRECTS_FOLLOW)
		config_warning(k->report, config_place_of(z->mapping, "redirects"),
			"`redirects: follow` on a zone outside: partners can lead calls of our own side wherever "
			"those may go, to costly numbers too");
}

/* ---- all of them ---- */

void config_zones_check(const struct check *k)
{
	static void (*const zone_rules[])(const struct check *, const struct zone_case *) = {
		check_name,
		check_single,
		check_local,
		check_verify_name,
		check_traversal,
		check_port,
		check_credentials,
		check_dns,
		check_redirects,
	};
	const struct document_item *item = config_items(document_find(k->root, "zones"));
	for (size_t i = 0; i < k->node->zone_count; i++) {
		const struct zone_case z = { item ? item->value : NULL, &k->node->zones[i], i };
		for (size_t j = 0; j < BASE_COUNT(zone_rules); j++)
			zone_rules[j](k, &z);
		item = item ? item->next : NULL;
	}
}
