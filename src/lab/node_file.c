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

/* Names only say which SNI the identity is for; with one identity it is the default for all. */
static void write_tls(const struct lab_host *host, struct buffer *b)
{
	buffer_printf(b,
		"tls:\n"
		"  identities:\n"
		"    - {names: [%s], certificate: tls/%s.pem, key: tls/%s.key}\n"
		"  authorities: [" LAB_ROOT_FILE "]\n"
		"  known_intermediates: [" LAB_INTERMEDIATE_FILE "]\n",
		host->name, host->short_name, host->short_name);
}

static void write_tail(const struct lab_host *host, struct buffer *b)
{
	buffer_append_text(b, "log:\n");
	for (size_t i = 0; host->logs[i]; i++)
		buffer_printf(b, "  - {format: %s, file: %s.%s}\n", host->logs[i], host->short_name,
			strcmp(host->logs[i], "json") == 0 ? "json" : "log");
	buffer_printf(b, "control: %s.sock\nlimits: {drain: 300ms}\n", host->short_name);
}

static void write_own_domains(const char *key, struct buffer *b)
{
	buffer_append_text(b, key);
	for (const char *const *domain = lab_own_domains(); *domain; domain++)
		buffer_printf(b, "%s%s", domain == lab_own_domains() ? "" : ", ", *domain);
	buffer_append_text(b, "]\n");
}

static void write_vcse(const struct lab_host *host, const struct lab_node_settings *settings, struct buffer *b)
{
	write_head(host, settings->scenario, b);
	buffer_append_text(b, "dialect: standard\n");
	write_listen(host, b);
	write_own_domains("domains: [", b);
	write_tls(host, b);
	buffer_append_text(
		b, "  client_certificate: require\n  verify: judge # look first, then answer with the reason\n");
	write_dns(settings, b);
	buffer_append_text(b, "trust: {policy: microsoft, discover: yes, tell_partners: yes}\n");
	const struct lab_host *cms = lab_host(LAB_CMS);
	buffer_printf(b,
		"zones:\n"
		"  - {name: NeighborZoneAcano1SIP, kind: neighbor, peers: [\"%s:5061\"], transport: tls, verify_name: "
		"%s}\n"
		"  # a phone or SIPp on this machine, outside the lab, over UDP or TCP\n"
		"  - {name: NeighborZoneGuests, kind: neighbor, peers: [\"" LAB_GUEST_ADDRESS ":5060\", "
		"\"127.0.0.2:5060\", \"%s:5060\"],\n"
		"     transport: udp}\n"
		"  - {name: DNSZone1, kind: dns, service: sipfederationtls, transport: tls}\n",
		cms->address, cms->name, cms->address);
	buffer_append_text(b,
		"rules:\n"
		"  - {name: to the meeting server, priority: 50, source: any, mode: pattern, type: regex,\n"
		"     pattern: '.*@(acano|cms)\\.steven\\.lab', behaviour: leave, on_match: stop, target: "
		"NeighborZoneAcano1SIP}\n"
		"  - {name: to partners, priority: 100, source: all-zones, mode: pattern, type: regex,\n"
		"     pattern: '.*@(?!.*steven\\.lab$).*', behaviour: leave, on_match: stop, target: DNSZone1}\n");
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
	switch (id) {
	case LAB_VCSE:
		write_vcse(lab_host(id), settings, b);
		return b->status;
	case LAB_EDGE:
		write_edge(lab_host(id), settings, b);
		return b->status;
	default:
		return -EINVAL;
	}
}
