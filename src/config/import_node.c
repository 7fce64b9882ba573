/* SPDX-License-Identifier: Apache-2.0 */
/* What a dump says of the node itself: its name, domains and listeners; its registrar, users, resolvers, certificates.
 */
#include "base/require.h"
#include "base/text.h"
#include "config/import_write.h"
#include "config/value.h"

#include <errno.h>
#include <stdio.h>

#define DOMAINS_MAXIMUM 1000 /* as many as a registrar may have */
#define USERS_MAXIMUM 10000
#define RESOLVERS_MAXIMUM 16

static const struct import_object *node_of(const struct import *import)
{
	return import->dump.objects[IMPORT_NODE];
}

/* ---- its name ---- */

static struct span first_given(const struct import_object *object, const char *const *names)
{
	for (; *names; names++) {
		struct span value = import_get(object, *names);
		if (value.at)
			return value;
	}
	return SPAN_NONE;
}

static void write_name(struct import *import)
{
	static const char *const hosts[] = { "IP DNS Hostname", "DNS Hostname", NULL };
	static const char *const domains[] = { "IP DNS Domain Name", "DNS Domain Name", NULL };
	struct span host = first_given(node_of(import), hosts), domain = first_given(node_of(import), domains);
	struct span whole = host;
	if (host.at && domain.at)
		whole = arena_printf(&import->result->arena, "%.*s.%.*s", SPAN_PRINT(host), SPAN_PRINT(domain));
	if (!whole.at || value_host(&import->result->arena, whole, &import->node)) {
		import->node = SPAN("change-me.invalid");
		import_note_line(import->result, CONFIG_IMPORT_SUPPLY, 0, SPAN("node"),
			"the machine's host name, which the dump does not say in full");
	}
	struct span short_name = import_get(node_of(import), "SystemUnit Name");
	import_line_quoted(import, "", "node", import->node);
	import_line_given(import, "", "log_name", short_name);
	import->names.node = import->node;
	import->names.system_name = short_name.at ? short_name : span_first(import->node, span_find(import->node, '.'));
}

/* ---- its domains, and in which of them phones register ---- */

/* Newer dumps say for each domain whether it has registrations; older ones do not: there all had. */
static bool registers(const struct import_object *domain)
{
	struct span sip = import_get(domain, "Sip");
	return !sip.at || import_is_on(sip);
}

static bool is_known(const struct span *items, size_t count, struct span item)
{
	for (size_t i = 0; i < count; i++) {
		if (span_equal(items[i], item))
			return true;
	}
	return false;
}

/* NULL: it is one, in lower case. */
static const char *domain_wrong(struct import *import, const struct span *known, size_t count, struct span *name)
{
	if (value_domain(&import->result->arena, *name, name))
		return "this is no domain";
	if (is_known(known, count, *name))
		return "the domain stands there twice";
	return count == DOMAINS_MAXIMUM ? "there are too many" : NULL;
}

static void write_domains(struct import *import)
{
	size_t total = import->dump.object_counts[IMPORT_DOMAIN], count = 0;
	struct span *domains = arena_zero(&import->result->arena, (total + 1) * sizeof(*domains));
	if (!domains) {
		import->status = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < total; i++) {
		const struct import_object *object = &import->dump.objects[IMPORT_DOMAIN][i];
		struct span name = import_get(object, "Name");
		const char *wrong = name.at ? domain_wrong(import, domains, count, &name) : "it has no name";
		if (wrong) {
			import_note(import->result, CONFIG_IMPORT_LEFT_OUT, &object->entries[0], "%s", wrong);
			import_leave_out(object);
			continue;
		}
		if (!count)
			import_line(import, "", "domains", NULL);
		import_line_quoted(import, "  - ", NULL, name);
		domains[count++] = name;
		import->registrar = registers(object) || import->registrar;
	}
	if (!count)
		import_note_line(import->result, CONFIG_IMPORT_SUPPLY, 0, SPAN("domains"),
			"the SIP domains whose users strangers may call; the dump has none, and fedge lets nobody call "
			"others");
	import->result->domain_count = count;
	import->names.domains = domains;
	import->names.domain_count = count;
}

static void write_registering_domains(struct import *import)
{
	size_t written = 0;
	import_line(import, "  ", "domains", NULL);
	for (size_t i = 0; i < import->dump.object_counts[IMPORT_DOMAIN]; i++) {
		const struct import_object *object = &import->dump.objects[IMPORT_DOMAIN][i];
		const struct import_entry *name = import_find(object, "Name");
		struct span lower;
		if (!name || name->fate != IMPORT_CARRIED || !registers(object) ||
			value_domain(&import->result->arena, name->value, &lower))
			continue;
		import_line_quoted(import, "    - ", NULL, lower);
		written++;
	}
	base_require(written > 0);
}

/* ---- where SIP comes in ---- */

/* %ip%, %ipv4_1% … in a pattern stand for the addresses of listeners. */
static bool patterns_ask_for_addresses(const struct import *import)
{
	for (size_t i = 0; i < import->dump.count; i++) {
		const struct import_entry *entry = &import->dump.entries[i];
		struct span value = entry->value;
		if (entry->section != IMPORT_TRANSFORM && entry->section != IMPORT_RULE)
			continue;
		for (; value.length; value = span_from(value, 1)) {
			if (span_starts_nocase(value, SPAN("%ip")))
				return true;
		}
	}
	return false;
}

static void read_addresses(struct import *import, unsigned version, struct span *ret_addresses, size_t *ret_count)
{
	for (unsigned i = 1; i <= IMPORT_ADDRESSES_MAXIMUM; i++) {
		char name[64];
		struct span address;
		snprintf(name, sizeof(name), "Ethernet %u IP V%u Address", i, version);
		struct import_entry *entry = import_find(node_of(import), name);
		if (!entry || value_address(&import->result->arena, entry->value, &address) ||
			span_is(address, "0.0.0.0") || span_is(address, "::") ||
			(span_find(address, ':') < address.length) != (version == 6) ||
			is_known(ret_addresses, *ret_count, address))
			continue;
		import_note(import->result, CONFIG_IMPORT_CHANGED, entry,
			"listeners have this address, because a pattern asks for %%ip%%: give them another where the "
			"new machine has one");
		entry->fate = IMPORT_CARRIED;
		ret_addresses[(*ret_count)++] = address;
	}
}

static void find_addresses(struct import *import)
{
	import->names.ipv4 = import->addresses[0];
	import->names.ipv6 = import->addresses[1];
	if (!patterns_ask_for_addresses(import))
		return;
	read_addresses(import, 4, import->addresses[0], &import->names.ipv4_count);
	read_addresses(import, 6, import->addresses[1], &import->names.ipv6_count);
}

struct listener {
	const char *there, *here;
	uint16_t port;
};
static const struct listener listeners[] = {
	{ "UDP", "udp", 5060 },
	{ "TCP", "tcp", 5060 },
	{ "TLS", "tls", 5061 },
	{ "MTLS", "tls", 5062 },
};

static void write_listener(struct import *import, const char *transport, uint16_t port)
{
	size_t count = import->names.ipv4_count + import->names.ipv6_count;
	if (!count)
		buffer_printf(&import->result->yaml, "  - {transport: %s, port: %u}\n", transport, port);
	for (size_t i = 0; i < count; i++) {
		struct span address = i < import->names.ipv4_count ? import->names.ipv4[i]
								   : import->names.ipv6[i - import->names.ipv4_count];
		buffer_printf(&import->result->yaml, "  - {transport: %s, port: %u, address: '%.*s'}\n", transport,
			port, SPAN_PRINT(address));
	}
	import->ports[import->port_count++] = port;
	import->tls = import->tls || strcmp(transport, "tls") == 0;
}

static struct import_entry *listener_entry(
	const struct import *import, const struct listener *listener, const char *what)
{
	char name[32];
	snprintf(name, sizeof(name), "SIP %s %s", listener->there, what);
	return import_find(node_of(import), name);
}

/* The port that this listener shall have; 0: there is to be none. */
static uint16_t read_listener(struct import *import, const struct listener *listener)
{
	struct import_entry *mode = listener_entry(import, listener, "Mode");
	struct import_entry *entry = listener_entry(import, listener, "Port");
	uint16_t port = listener->port;
	bool is_on = mode && import_is_on(mode->value);
	if (is_on || (mode && span_is_nocase(mode->value, "Off")))
		mode->fate = IMPORT_CARRIED;
	if (entry && value_port(entry->value, &port) == NULL)
		entry->fate = is_on ? IMPORT_CARRIED : IMPORT_IDLE;
	return is_on ? port : 0;
}

static void leave_listener_out(struct import *import, const struct listener *listener, uint16_t port)
{
	struct import_entry *mode = listener_entry(import, listener, "Mode");
	struct import_entry *entry = listener_entry(import, listener, "Port");
	import_note(import->result, CONFIG_IMPORT_LEFT_OUT, mode, "another listener has port %u", port);
	mode->fate = IMPORT_LISTED;
	if (entry)
		entry->fate = IMPORT_IDLE;
}

static bool is_port_among(const uint16_t *ports, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++) {
		if (ports[i] == port)
			return true;
	}
	return false;
}

static void write_listeners(struct import *import)
{
	uint16_t connections[BASE_COUNT(listeners)] = { 0 }; /* their ports; datagrams have their own */
	buffer_append_text(&import->result->yaml, "\nlisten:\n");
	for (size_t i = 0; i < BASE_COUNT(listeners); i++) {
		uint16_t port = read_listener(import, &listeners[i]);
		bool datagram = strcmp(listeners[i].here, "udp") == 0;
		if (!port)
			continue;
		if (!datagram && is_port_among(connections, i, port)) {
			leave_listener_out(import, &listeners[i], port);
			continue;
		}
		connections[i] = datagram ? 0 : port;
		write_listener(import, listeners[i].here, port);
		if (strcmp(listeners[i].there, "MTLS") == 0)
			import_note(import->result, CONFIG_IMPORT_CHANGED,
				import_find(node_of(import), "SIP MTLS Mode"),
				"every tls listener asks for a certificate: tls.client_certificate");
	}
	if (import->port_count)
		return;
	write_listener(import, "tls", 5061);
	import_note_line(import->result, CONFIG_IMPORT_CHANGED, 0, SPAN("listen"),
		"the dump does not say where SIP comes in: TLS on 5061");
}

void import_write_node(struct import *import)
{
	write_name(import);
	write_domains(import);
	find_addresses(import);
	import_is(node_of(import), "SIP Mode", "On"); /* fedge speaks SIP always */
	write_listeners(import);
}

/* ---- the registrar ---- */

static uint64_t seconds_of(struct import *import, const char *name, uint64_t fallback)
{
	uint64_t seconds;
	struct import_entry *entry = import_find(node_of(import), name);
	if (!entry || span_to_u64(entry->value, 86400, &seconds) < 0 || seconds == 0)
		return fallback;
	entry->fate = IMPORT_CARRIED;
	return seconds;
}

static void write_expiry(struct import *import)
{
	uint64_t minimum = seconds_of(import, "SIP Registration Standard Refresh Minimum", 60);
	uint64_t maximum = seconds_of(import, "SIP Registration Standard Refresh Maximum", 3600);
	if (maximum < minimum) {
		import_note_line(import->result, CONFIG_IMPORT_CHANGED, 0, SPAN("registrar"),
			"registrations last %us: there the longest is shorter than the shortest", (unsigned)minimum);
		maximum = minimum;
	}
	buffer_printf(&import->result->yaml, "  minimum_expires: %us\n  expires: %us\n  maximum_expires: %us\n",
		(unsigned)minimum, (unsigned)maximum, (unsigned)maximum);
}

/* Whoever registers with an Expressway is in its Default Subzone unless a rule says otherwise. */
static void write_registrar(struct import *import)
{
	static const char mode_name[] = "Zones LocalZone DefaultSubZone Authentication Mode";
	struct span mode = import_get(node_of(import), mode_name);
	bool checks = !mode.at || span_is_nocase(mode, "CheckCredentials");
	buffer_append_text(&import->result->yaml, "\nregistrar:\n");
	write_registering_domains(import);
	if (!checks) {
		import_line(import, "  ", "authenticate", "no");
		import_note(import->result, CONFIG_IMPORT_CHANGED, import_find(node_of(import), mode_name),
			"without a password only phones behind a zone register; the others must be among users");
	}
	write_expiry(import);
	import->users = import->users || checks;
}

/* ---- users ---- */

static void write_user(struct import *import, uint32_t index, struct span name, const char *what)
{
	import_line_quoted(import, "  - ", "username", name);
	import_line_quoted(import, "    ", "password_file", import_secret_file(import, "user", index, name, what));
}

static void write_known_users(struct import *import, struct span *names, size_t *ret_count)
{
	for (size_t i = 0; i < import->dump.object_counts[IMPORT_CREDENTIAL]; i++) {
		const struct import_object *object = &import->dump.objects[IMPORT_CREDENTIAL][i];
		struct span name = import_get(object, "Name");
		name = name.at ? name : import_get(object, "UserName");
		import_get(object, "Password"); /* its place is in the result */
		if (!name.at || *ret_count == USERS_MAXIMUM || is_known(names, *ret_count, name)) {
			import_note(import->result, CONFIG_IMPORT_LEFT_OUT, &object->entries[0],
				!name.at                      ? "a user without a name"
				: *ret_count == USERS_MAXIMUM ? "too many users"
							      : "a user of this name stands there already");
			import_leave_out(object);
			continue;
		}
		names[(*ret_count)++] = name;
		write_user(import, object->index, name, "the user's password");
	}
}

static void write_users(struct import *import)
{
	size_t count = 0;
	struct span *names = arena_zero(&import->result->arena, (USERS_MAXIMUM + 1) * sizeof(*names));
	if (!names)
		import->status = -ENOMEM;
	/* Even where phones need no password those that call from no zone do. */
	bool known = import->registrar && import->dump.object_counts[IMPORT_CREDENTIAL];
	if ((!import->users && !known) || !names)
		return;
	buffer_append_text(&import->result->yaml, "\nusers:\n");
	write_known_users(import, names, &count);
	if (!count)
		write_user(import, 1, SPAN("change-me"), "name here who may register or call, each with a password");
}

/* ---- DNS and certificates ---- */

static void write_dns(struct import *import)
{
	size_t count = 0;
	if (!import->dns)
		return;
	for (size_t i = 0; i < import->dump.object_counts[IMPORT_DNS_SERVER] && count < RESOLVERS_MAXIMUM; i++) {
		const struct import_object *object = &import->dump.objects[IMPORT_DNS_SERVER][i];
		struct import_entry *entry = import_find(object, "Address"), *order = import_find(object, "Index");
		struct span address;
		if (!entry || value_address(&import->result->arena, entry->value, &address))
			continue;
		entry->fate = IMPORT_CARRIED;
		if (order)
			order->fate = IMPORT_IDLE;
		if (count++ == 0)
			buffer_append_text(&import->result->yaml, "\ndns:\n  servers:\n");
		import_line_quoted(import, "    - ", NULL, address);
	}
	if (!count)
		buffer_append_text(&import->result->yaml, "\ndns: {}\n");
}

static void write_tls(struct import *import)
{
	struct span host = span_first(import->node, span_find(import->node, '.'));
	if (!import->tls)
		return;
	buffer_printf(&import->result->yaml,
		"\ntls:\n  identities:\n    - {names: ['%.*s'], certificate: %.*s.pem, key: %.*s.key}\n"
		"  authorities: [authorities.pem]\n",
		SPAN_PRINT(import->node), SPAN_PRINT(host), SPAN_PRINT(host));
	if (import->registrar) /* phones have no certificate */
		import_line(import, "  ", "client_certificate", "request");
	import_note_line(import->result, CONFIG_IMPORT_SUPPLY, 0, SPAN("tls"),
		"%.*s.pem, %.*s.key: the machine's certificate with its intermediates, and its key; authorities.pem: "
		"the certificate authorities it trusts; none of them is in a dump",
		SPAN_PRINT(host), SPAN_PRINT(host));
}

void import_write_services(struct import *import)
{
	if (import->registrar)
		write_registrar(import);
	write_users(import);
	write_dns(import);
	write_tls(import);
}
