/* SPDX-License-Identifier: Apache-2.0 */
/* The desk's DNS: planned records, the resolver or two, the cache. */
#include "base/buffer.h"
#include "check/desk_private.h"
#include "check/zone.h"
#include "config/parts.h"
#include "net/resolver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Domains are asked once in a run; hosts are what comes again. */
#define CACHE_ENTRIES_MAXIMUM 1024
#define SYSTEM_TRUST_ANCHOR "/usr/share/dns/root.key" /* Debian's dns-root-data */

int check_desk_open_zone(struct check_opening *o)
{
	char text[CHECK_ZONE_ERROR_SIZE] = "";
	if (!o->options->zone_file)
		return 0;
	int status = check_zone_read(o->options->zone_file, SPAN_NONE, &o->desk->zone, text);
	return status < 0 && text[0] ? check_opening_wrong(o, status, "%.*s", CHECK_ERROR_SIZE - 1, text) : status;
}

static const char *trust_anchor(const struct check_opening *o)
{
	const struct config_node *node = o->options->node;
	if (o->options->trust_anchor_file)
		return o->options->trust_anchor_file;
	if (node && node->dns.trust_anchor.at)
		return node->dns.trust_anchor.at;
	return access(SYSTEM_TRUST_ANCHOR, R_OK) == 0 ? SYSTEM_TRUST_ANCHOR : NULL;
}

/* DNSSEC where dane is judged, or the node's configuration says so. Where all rule books are asked for, the others can
 * do without: they are not to be decided by it. */
static int choose_dnssec(struct check_opening *o, struct net_resolver_settings *settings)
{
	const struct config_node *node = o->options->node;
	unsigned policies = o->options->policies;
	bool dane = policies ? policies & CHECK_AS_DANE : node && node->trust.policy == CONFIG_POLICY_DANE;
	o->desk->tlsa = dane;
	settings->dnssec = dane || (node && node->dns.dnssec);
	settings->trust_anchor_file = settings->dnssec ? trust_anchor(o) : NULL;
	if (!settings->dnssec || settings->trust_anchor_file)
		return 0;
	if (policies != CHECK_AS_ALL || (node && node->dns.dnssec))
		return check_opening_wrong(o, -ENOENT,
			"DNSSEC needs a trust anchor, and this system has none in %s; name a file with the root's key",
			SYSTEM_TRUST_ANCHOR);
	settings->dnssec = false;
	o->desk->why_not_validated = SPAN("there is no trust anchor for DNSSEC on this system");
	return 0;
}

static int name_resolvers(struct check_desk *desk, const struct net_resolver_settings *settings)
{
	struct buffer text;
	buffer_init(&text, 4096);
	for (size_t i = 0; i < settings->server_count; i++)
		buffer_printf(&text, "%s%s%s", i ? ", " : "", settings->servers[i],
			strchr(settings->servers[i], '@') ? "" : "@53");
	desk->resolvers = settings->server_count ? arena_copy(&desk->arena, buffer_span(&text)) : SPAN("the system's");
	buffer_done(&text);
	return desk->resolvers.at ? 0 : -ENOMEM;
}

static int make_resolver(
	struct check_opening *o, const struct net_resolver_settings *settings, struct net_resolver **ret_resolver)
{
	char text[NET_RESOLVER_ERROR_SIZE] = "";
	int status = net_resolver_new(settings, ret_resolver, text);
	return status < 0 && text[0] ? check_opening_wrong(o, status, "%s", text) : status;
}

/* An edge that does not validate sees what a validating resolver withholds. */
static int open_plain_resolver(struct check_opening *o, struct net_resolver_settings settings)
{
	const struct config_node *node = o->options->node;
	unsigned others = o->options->policies & ~(unsigned)CHECK_AS_DANE;
	if (!settings.dnssec || !others || (node && node->dns.dnssec))
		return 0;
	settings.dnssec = false;
	settings.trust_anchor_file = NULL;
	return make_resolver(o, &settings, &o->desk->plain_resolver);
}

int check_desk_open_resolver(struct check_opening *o)
{
	struct check_desk *desk = o->desk;
	struct net_resolver_settings settings = { 0 };
	int status = o->options->node ? config_parts_resolver(o->options->node, &desk->arena, &settings) : 0;
	if (status < 0)
		return status;
	if (o->options->resolver_count > 0) {
		settings.servers = o->options->resolvers;
		settings.server_count = o->options->resolver_count;
	}
	if (o->options->lookup_us > 0)
		settings.timeout_us = o->options->lookup_us;
	if (!net_address_is_set(&desk->local))
		settings.outgoing = NULL;
	settings.clock = &desk->clock;
	status = choose_dnssec(o, &settings);
	if (status == 0)
		status = name_resolvers(desk, &settings);
	if (status < 0)
		return status;
	desk->validates = settings.dnssec;
	status = make_resolver(o, &settings, &desk->resolver);
	return status == 0 ? open_plain_resolver(o, settings) : status;
}

int check_desk_open_cache(struct check_opening *o)
{
	struct random random;
	int status = random_init(&random);
	if (status < 0)
		return status;
	struct peer_cache_settings settings = {
		.clock = &o->desk->clock,
		.key = random_hash_key(&random),
		.entry_maximum = CACHE_ENTRIES_MAXIMUM,
	};
	return peer_cache_new(&settings, &o->desk->cache);
}
