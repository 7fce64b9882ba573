/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/print.h"
#include "cmd/route_command.h"
#include "config/load.h"
#include "route/next_hop.h"
#include "sip/uri.h"

#include <errno.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)16 << 20)

/* "sip:" may be left out. */
static int read_uri(struct route_command *c, const char *option, struct span *ret_uri, struct span *ret_alias)
{
	const char *typed = command_value(c->line, option, "");
	struct span text = span_of(typed);
	struct sip_uri uri;
	if (span_find(text, ':') == text.length)
		text = arena_printf(&c->arena, "sip:%s", typed);
	if (!text.at)
		return command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	if (sip_uri_parse(text, &uri, NULL) < 0 || uri.scheme == SIP_SCHEME_OTHER || !route_alias(&uri).at)
		return command_usage(
			c->line, "--%s: \"%s\" is no address that can be called: sip:user@domain", option, typed);
	*ret_uri = text;
	*ret_alias = route_alias(&uri);
	return COMMAND_GOOD;
}

static int read_zone(struct route_command *c)
{
	const char *name = command_value(c->line, "zone", NULL);
	c->request.source = ROUTE_ZONE_DEFAULT;
	c->source_name = SPAN("DefaultZone");
	if (!name || strcmp(name, "DefaultZone") == 0)
		return COMMAND_GOOD;
	const struct config_zone *zone = config_node_zone(c->config, span_of(name));
	if (!zone)
		return command_usage(c->line,
			"--zone: no zone is called \"%s\" in %s; strangers come from \"DefaultZone\"", name,
			c->config->file.at);
	c->source_name = zone->name;
	if (zone->kind == CONFIG_ZONE_DEFAULT)
		return COMMAND_GOOD;
	c->request.source = (int)(zone - c->config->zones);
	if (zone->authentication == CONFIG_AUTHENTICATION_TREAT)
		c->request.authenticated = true;
	return COMMAND_GOOD;
}

static enum route_variant read_variant(const struct command_line *line)
{
	const char *word = command_value(line, "variant", "standards");
	if (strcmp(word, "microsoft-av") == 0)
		return ROUTE_VARIANT_MICROSOFT_AV;
	return strcmp(word, "microsoft-im") == 0 ? ROUTE_VARIANT_MICROSOFT_IM : ROUTE_VARIANT_STANDARDS;
}

static int read_config(struct route_command *c)
{
	const char *file = command_value(c->line, "config", getenv("FEDGE_CONFIG"));
	struct config_report report;
	if (!file)
		return command_usage(c->line, "by whose rules? --config FILE or FEDGE_CONFIG");
	config_report_init(&report);
	int status = config_load_file(file, &report, &c->config);
	if (status < 0)
		print_report(c->line->errors, &report);
	config_report_done(&report);
	if (status < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "no rules without the configuration");
	status = edge_site_new(c->config, 1, &c->site);
	return status < 0 ? command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status)) : COMMAND_GOOD;
}

static int read_dns(struct route_command *c)
{
	bool yes = command_has(c->line, "dns"), no = command_has(c->line, "no-dns");
	if (yes && no)
		return command_usage(c->line, "--dns and --no-dns exclude each other");
	if (yes && !c->config->dns.enabled)
		return command_usage(
			c->line, "--dns: %s has no `dns` section, so the node asks nobody", c->config->file.at);
	c->dns = c->config->dns.enabled && !no;
	return COMMAND_GOOD;
}

int route_command_read(struct route_command *c, const struct command_line *line)
{
	*c = (struct route_command){ .line = line, .clock = clock_system() };
	arena_init(&c->arena, ARENA_BYTES);
	finding_list_init(&c->findings, &c->arena, FINDING_PARTNER);
	c->request.authenticated = command_has(line, "authenticated");
	c->request.variant = read_variant(line);
	int code = read_uri(c, "from", &c->from, &c->request.caller);
	if (code == COMMAND_GOOD)
		code = read_uri(c, "to", &c->to, &c->request.alias);
	if (code == COMMAND_GOOD)
		code = read_config(c);
	if (code == COMMAND_GOOD)
		code = read_zone(c);
	if (code == COMMAND_GOOD)
		code = read_dns(c);
	if (code == COMMAND_GOOD && random_init(&c->random) < 0)
		code = command_fail(line, COMMAND_UNDECIDED, "the system gives no random numbers");
	return code;
}

void route_command_done(struct route_command *c)
{
	route_command_close(c);
	history_collect_free(c->collector);
	edge_site_unref(c->site);
	config_node_unref(c->config);
	arena_done(&c->arena);
}
