/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/node_file.h"

#include "lab/identity.h"

#include <errno.h>

static void write_head(const struct lab_host *host, const struct lab_scenario *scenario, struct buffer *b)
{
	buffer_printf(b, "# %s: %s\n# scenario %s: %s\n", host->name, host->stands_for, scenario->name,
		scenario->description);
	buffer_printf(b, "# by hand, in this folder: fedge serve -c %s.yaml\n\n", host->short_name);
	buffer_printf(b, "node: %s\nlog_name: %s\n", host->name, host->short_name);
}

static void write_listen(const struct lab_host *host, struct buffer *b)
{
	buffer_printf(b, "address: %s\nworkers: 2\n", host->address);
	buffer_append_text(b, "listen:\n");
	for (const struct lab_port *port = host->ports; port->transport; port++)
		buffer_printf(b, "  - {transport: %s, port: %u}\n", port->transport, port->port);
}

static void write_dns(const struct lab_node_settings *settings, struct buffer *b)
{
	buffer_printf(b, "dns: {servers: [\"%s@%u\"], dnssec: no, timeout: 3s}\n", LAB_RESOLVER_ADDRESS,
		settings->resolver_port);
}

/* Names only say which SNI an identity is for; the first is the default for all. */
static void write_identity(const char *name, const char *file, struct buffer *b)
{
	buffer_printf(b, "    - {names: [%s], certificate: tls/%s.pem, key: tls/%s.key}\n", name, file, file);
}

static void write_tls(const struct lab_host *host, struct buffer *b)
{
	buffer_append_text(b, "tls:\n  identities:\n");
	write_identity(host->name, host->short_name, b);
	buffer_append_text(b, "  authorities: [" LAB_ROOT_FILE "]\n"
			      "  known_intermediates: [" LAB_INTERMEDIATE_FILE "]\n");
}

static void write_vcse_tls(const struct lab_host *host, struct buffer *b)
{
	buffer_append_text(b, "tls:\n  identities:\n");
	write_identity(host->name, host->short_name, b);
	buffer_append_text(b, "    # for vcsc alone, so that a scenario that spoils the other one spoils only that\n");
	write_identity(LAB_TRAVERSAL_NAME, LAB_TRAVERSAL_SHORT_NAME, b);
	buffer_append_text(b, "  authorities: [" LAB_ROOT_FILE "]\n"
			      "  known_intermediates: [" LAB_INTERMEDIATE_FILE "]\n");
}

static void write_tail(const struct lab_host *host, struct buffer *b)
{
	buffer_append_text(b, "log:\n");
	for (size_t i = 0; host->logs[i]; i++)
		buffer_printf(b, "  - {format: %s, file: %s.%s}\n", host->logs[i], host->short_name,
			strcmp(host->logs[i], "json") == 0 ? "json" : "log");
	/* Calls from before a restart are still known after it. */
	buffer_printf(
		b, "control: %s.sock\nkey_file: %s.keys\nlimits: {drain: 300ms}\n", host->short_name, host->short_name);
}

static void write_own_domains(const char *key, struct buffer *b)
{
	buffer_append_text(b, key);
	for (const char *const *domain = lab_own_domains(); *domain; domain++)
		buffer_printf(b, "%s%s", domain == lab_own_domains() ? "" : ", ", *domain);
	buffer_append_text(b, "]\n");
}

static void write_history(const struct lab_host *host, struct buffer *b)
{
	buffer_printf(b, "history: {store: %s.db}\n", host->short_name);
}

/* A machine of our own that must be there: asked by OPTIONS, and soon asked again when it was not. */
static void write_neighbor(const char *name, const struct lab_host *host, const char *transport, unsigned port,
	bool with_name, struct buffer *b)
{
	buffer_printf(b, "  - {name: %s, kind: neighbor, peers: [\"%s:%u\"], transport: %s,", name, host->address, port,
		transport);
	if (with_name)
		buffer_printf(b, " verify_name: %s,", host->name);
	buffer_append_text(b, "\n     monitor: yes, monitor_interval: 2s}\n");
}

/* ---- cucm ---- */

static void write_cucm(const struct lab_host *host, const struct lab_node_settings *settings, struct buffer *b)
{
	write_head(host, settings->scenario, b);
	buffer_append_text(b, "dialect: standard\n");
	write_listen(host, b);
	buffer_append_text(b, "domains: [" LAB_DOMAIN_CALLS "]\n");
	write_dns(settings, b);
	buffer_append_text(b, "registrar: {domains: [" LAB_DOMAIN_CALLS "], store: cucm.registrations}\n"
			      "users:\n"
			      "  - {username: \"" LAB_PHONE_NAME "\", password_file: " LAB_PHONE_PASSWORD_FILE "}\n"
			      "zones:\n");
	write_neighbor("TrunkVCSC", lab_host(LAB_VCSC), "tcp", 5060, false, b);
	buffer_append_text(b,
		"rules:\n"
		"  - {name: to our phones, priority: 50, source: any, mode: pattern, type: suffix,\n"
		"     pattern: '@" LAB_DOMAIN_CALLS "', behaviour: leave, on_match: stop, target: LocalZone}\n"
		"  - {name: elsewhere, priority: 100, source: local, mode: any, on_match: stop, target: TrunkVCSC}\n");
	write_tail(host, b);
}

/* ---- vcsc ---- */

static void write_vcsc_zones(struct buffer *b)
{
	const struct lab_host *vcse = lab_host(LAB_VCSE);
	buffer_append_text(b, "zones:\n");
	write_neighbor("NeighborZoneCUCM", lab_host(LAB_CUCM), "tcp", 5060, false, b);
	write_neighbor("NeighborZoneAcano1SIP", lab_host(LAB_CMS), "tls", 5061, true, b);
	buffer_printf(b,
		"  # we connect to vcse, and calls come in over that connection\n"
		"  - {name: " LAB_TRAVERSAL_CLIENT_ZONE
		", kind: traversal-client, peers: [\"%s:%u\"], transport: tls,\n"
		"     verify_name: " LAB_TRAVERSAL_NAME ", username: vcsc, password_file: " LAB_TRAVERSAL_PASSWORD_FILE
		",\n     retry: 100ms}\n",
		vcse->address, LAB_TRAVERSAL_PORT);
}

/* A call out passes twice: from cucm to the meeting server, which makes a new one of it, and from there on. */
static void write_vcsc(const struct lab_host *host, const struct lab_node_settings *settings, struct buffer *b)
{
	write_head(host, settings->scenario, b);
	buffer_append_text(b, "dialect: standard\n");
	write_listen(host, b);
	write_own_domains("domains: [", b);
	write_tls(host, b);
	write_dns(settings, b);
	write_vcsc_zones(b);
	buffer_append_text(b,
		"rules:\n"
		"  - {name: to the meeting server, priority: 50, source: any, mode: pattern, type: regex,\n"
		"     pattern: '.*@(acano|cms)\\.steven\\.lab', behaviour: leave, on_match: stop, target: "
		"NeighborZoneAcano1SIP}\n"
		"  - {name: to our phones, priority: 60, source: NeighborZoneAcano1SIP, mode: pattern, type: suffix,\n"
		"     pattern: '@" LAB_DOMAIN_CALLS "', behaviour: leave, on_match: stop, target: NeighborZoneCUCM}\n"
		"  - {name: to partners by the meeting server, priority: 100, source: NeighborZoneCUCM, mode: pattern, "
		"type: regex,\n"
		"     pattern: '.*@(?!.*steven\\.lab$).*', behaviour: leave, on_match: stop, target: "
		"NeighborZoneAcano1SIP}\n"
		"  - {name: to partners, priority: 110, source: NeighborZoneAcano1SIP, mode: pattern, type: regex,\n"
		"     pattern: '.*@(?!.*steven\\.lab$).*', behaviour: leave, on_match: stop, "
		"target: " LAB_TRAVERSAL_CLIENT_ZONE "}\n");
	write_history(host, b);
	write_tail(host, b);
}

/* ---- vcse ---- */

static void write_vcse(const struct lab_host *host, const struct lab_node_settings *settings, struct buffer *b)
{
	write_head(host, settings->scenario, b);
	buffer_append_text(b, "dialect: standard\n");
	write_listen(host, b);
	write_own_domains("domains: [", b);
	write_vcse_tls(host, b);
	buffer_append_text(
		b, "  client_certificate: require\n  verify: judge # look first, then answer with the reason\n");
	write_dns(settings, b);
	buffer_append_text(b, "trust: {policy: microsoft, discover: yes, tell_partners: yes}\n");
	buffer_printf(b,
		"zones:\n"
		"  # vcsc connects to this port, which is the zone's own, and proves by its certificate and a "
		"password\n"
		"  # that it is vcsc\n"
		"  - {name: TraversalZoneServer1, kind: traversal-server, port: %u, transport: tls, verify_name: %s,\n"
		"     username: vcsc, password_file: " LAB_TRAVERSAL_PASSWORD_FILE "}\n"
		"  # a phone or SIPp on this machine, outside the lab, over UDP or TCP\n"
		"  - {name: NeighborZoneGuests, kind: neighbor, peers: [\"" LAB_GUEST_ADDRESS ":5060\", "
		"\"127.0.0.2:5060\"], transport: udp}\n"
		"  - {name: DNSZone1, kind: dns, service: sipfederationtls, transport: tls}\n",
		LAB_TRAVERSAL_PORT, lab_host(LAB_VCSC)->name);
	buffer_append_text(b,
		"rules:\n"
		"  - {name: to the meeting server, priority: 50, source: any, mode: pattern, type: regex,\n"
		"     pattern: '.*@(acano|cms)\\.steven\\.lab', behaviour: leave, on_match: stop, target: "
		"TraversalZoneServer1}\n"
		"  - {name: to partners, priority: 100, source: TraversalZoneServer1, mode: pattern, type: regex,\n"
		"     pattern: '.*@(?!.*steven\\.lab$).*', behaviour: leave, on_match: stop, target: DNSZone1}\n"
		"  - {name: guests to partners, priority: 110, source: NeighborZoneGuests, mode: pattern, type: "
		"regex,\n"
		"     pattern: '.*@(?!.*steven\\.lab$).*', behaviour: leave, on_match: stop, target: DNSZone1}\n");
	write_history(host, b);
	write_tail(host, b);
}

static void write_edge(const struct lab_host *host, const struct lab_node_settings *settings, struct buffer *b)
{
	write_head(host, settings->scenario, b);
	buffer_append_text(b, "dialect: microsoft # strangers are told nothing, its own clients everything\n");
	write_listen(host, b);
	buffer_append_text(b, "domains: [" LAB_DOMAIN_PARTNER "]\n");
	write_tls(host, b);
	buffer_append_text(b, "  client_certificate: require\n"
			      "  require_client_usage: yes\n"
			      "  verify: handshake # a bad chain gets a TLS alert and no SIP answer\n");
	write_dns(settings, b);
	buffer_append_text(b, "trust:\n  policy: microsoft\n  discover: yes\n");
	if (settings->scenario->world.partner_blocks_us)
		write_own_domains("  blocked: [", b);
	const struct lab_host *client = lab_host(LAB_CLIENT);
	buffer_printf(b,
		"zones:\n"
		"  - {name: Clients, kind: neighbor, peers: [\"%s:5061\"], transport: tls, verify_name: %s}\n"
		"  - {name: Federation, kind: dns, service: sipfederationtls, transport: tls}\n",
		client->address, client->name);
	buffer_append_text(b,
		"rules:\n"
		"  - {name: to our clients, priority: 50, source: any, mode: pattern, type: suffix,\n"
		"     pattern: '@" LAB_DOMAIN_PARTNER "', behaviour: leave, on_match: stop, target: Clients}\n"
		"  - {name: to partners, priority: 100, source: all-zones, mode: any, on_match: stop, target: "
		"Federation}\n");
	write_tail(host, b);
}

int lab_node_file(enum lab_host_id id, const struct lab_node_settings *settings, struct buffer *b)
{
	static void (*const writers[LAB_HOST_COUNT])(
		const struct lab_host *, const struct lab_node_settings *, struct buffer *) = {
		[LAB_CUCM] = write_cucm,
		[LAB_VCSC] = write_vcsc,
		[LAB_VCSE] = write_vcse,
		[LAB_EDGE] = write_edge,
	};
	if ((unsigned)id >= LAB_HOST_COUNT || !writers[id])
		return -EINVAL;
	writers[id](lab_host(id), settings, b);
	return b->status;
}
