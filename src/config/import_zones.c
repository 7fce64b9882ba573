/* SPDX-License-Identifier: Apache-2.0 */
/* Zones of a dump: neighbors, both ends of traversal, DNS, and the default zone. */
#include "base/require.h"
#include "config/import_write.h"
#include "config/value.h"

#include <errno.h>
#include <stdio.h>

#define PEERS_MAXIMUM 30 /* six by hand; more by SRV are not in a dump */
#define ZONES_MAXIMUM 998 /* beside the default zone and the local zone */
#define TAGS_MAXIMUM 100 /* of Proxy-Require */

enum kind { KIND_NEIGHBOR, KIND_TRAVERSAL_CLIENT, KIND_TRAVERSAL_SERVER, KIND_DNS, KIND_DEFAULT };
static const struct {
	const char *there; /* its Type, and the first word of its settings */
	const char *here;
} kinds[] = {
	[KIND_NEIGHBOR] = { "Neighbor", "neighbor" },
	[KIND_TRAVERSAL_CLIENT] = { "TraversalClient", "traversal-client" },
	[KIND_TRAVERSAL_SERVER] = { "TraversalServer", "traversal-server" },
	[KIND_DNS] = { "DNS", "dns" },
	[KIND_DEFAULT] = { "Zones DefaultZone", "default" },
};

struct zone {
	struct import *import;
	const struct import_object *object;
	enum kind kind;
	struct span name; /* here */
	const char *transport; /* NULL: the dump does not say, or nothing that this kind can have */
};

static struct span get(const struct zone *z, const char *name)
{
	return import_get_format(z->object, "%s %s", kinds[z->kind].there, name);
}

static struct import_entry *entry_of(const struct zone *z, const char *name)
{
	char whole[256];
	snprintf(whole, sizeof(whole), "%s %s", kinds[z->kind].there, name);
	return import_find(z->object, whole);
}

/* ---- settings that are words ---- */

static const struct import_word transports[] = { { "UDP", "udp" }, { "TCP", "tcp" }, { "TLS", "tls" } };
static const struct import_word authentications[] = {
	{ "DoNotCheckCredentials", "do-not-check" },
	{ "CheckCredentials", "check-credentials" },
	{ "TreatAsAuthenticated", "treat-as-authenticated" },
};
static const struct import_word switches[] = { { "On", "yes" }, { "Yes", "yes" }, { "Off", "no" }, { "No", "no" } };
static const struct import_word encryptions[] = {
	{ "Auto", "auto" },
	{ "On", "force-encrypted" },
	{ "ForceEncrypted", "force-encrypted" },
	{ "Off", "force-unencrypted" },
	{ "ForceUnencrypted", "force-unencrypted" },
	{ "BestEffort", "best-effort" },
};
static const struct import_word record_routes[] = { { "IP", "address" }, { "Hostname", "name" } };

#define BIT(kind) (1u << (kind))
#define TRAVERSALS (BIT(KIND_TRAVERSAL_CLIENT) | BIT(KIND_TRAVERSAL_SERVER))
#define OTHERS (BIT(KIND_NEIGHBOR) | TRAVERSALS | BIT(KIND_DNS))
#define ALL (OTHERS | BIT(KIND_DEFAULT))
#define WORDS(list) list, BASE_COUNT(list)

static const struct {
	const char *there, *here;
	unsigned kinds;
	const struct import_word *words;
	size_t word_count;
	/* Where a dump does not say: what an Expressway has then, where ours would be more trusting. NULL: ours. */
	const char *otherwise;
} words[] = {
	{ "SIP Default Transport", "fallback_transport", BIT(KIND_DNS), WORDS(transports), NULL },
	{ "Authentication Mode", "authentication", ALL, WORDS(authentications), "do-not-check" },
	{ "SIP Authentication Trust Mode", "trust_identity", BIT(KIND_NEIGHBOR), WORDS(switches), "no" },
	{ "SIP Authentication Trust Mode", "trust_identity", ALL & ~BIT(KIND_NEIGHBOR), WORDS(switches), NULL },
	{ "SIP PreloadedSipRoutes Accept", "preloaded_routes", BIT(KIND_NEIGHBOR) | TRAVERSALS, WORDS(switches), "no" },
	{ "SIP PreloadedSipRoutes Accept", "preloaded_routes", BIT(KIND_DNS) | BIT(KIND_DEFAULT), WORDS(switches),
		NULL },
	{ "SIP Poison Mode", "poison", ALL, WORDS(switches), NULL },
	{ "SIP Media Encryption Mode", "media_encryption", ALL, WORDS(encryptions), NULL },
	{ "SIP Record Route Address Type", "record_route", ALL, WORDS(record_routes), NULL },
	{ "Monitor", "monitor", BIT(KIND_NEIGHBOR), WORDS(switches), NULL },
	{ "IncludeAddressRecord", "include_address_record", BIT(KIND_DNS), WORDS(switches), NULL },
};

static void write_words(const struct zone *z)
{
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		if (!(words[i].kinds & BIT(z->kind)))
			continue;
		struct import_entry *entry = entry_of(z, words[i].there);
		const char *word = entry ? import_word(words[i].words, words[i].word_count, entry->value) : NULL;
		if (word)
			entry->fate = IMPORT_CARRIED; /* else it is listed */
		if (word && words[i].words == encryptions && strcmp(word, "auto") != 0)
			import_note(z->import->result, CONFIG_IMPORT_CHANGED, entry,
				"nothing is encrypted or decrypted on anybody's behalf: a call that breaks this is "
				"refused");
		word = word ? word : words[i].otherwise;
		if (word)
			import_line(z->import, "    ", words[i].here, word);
	}
}

/* A word that is no switch stays to be listed. */
static bool read_switch(const struct zone *z, const char *name)
{
	struct import_entry *entry = entry_of(z, name);
	const char *word = entry ? import_word(WORDS(switches), entry->value) : NULL;
	if (word)
		entry->fate = IMPORT_CARRIED;
	return word && strcmp(word, "yes") == 0;
}

/* A traversal zone lives in connections. */
static const char *read_transport(const struct zone *z)
{
	struct import_entry *entry = entry_of(z, "SIP Transport");
	const char *word = entry ? import_word(WORDS(transports), entry->value) : NULL;
	if (!word || z->kind == KIND_DNS || ((BIT(z->kind) & TRAVERSALS) && strcmp(word, "udp") == 0))
		return NULL;
	entry->fate = IMPORT_CARRIED;
	return word;
}

static bool over_tls(const struct zone *z)
{
	return !z->transport || strcmp(z->transport, "tls") == 0;
}

/* ---- the machines of a zone ---- */

/* One host name or address, without a port; an address as it is written in peers. */
static bool is_host(struct import *import, struct span text, bool *ret_is_address)
{
	struct config_endpoint endpoint = { .port = 0 };
	struct span address;
	*ret_is_address = value_address(&import->result->arena, text, &address) == NULL;
	return *ret_is_address || (value_endpoint(&import->result->arena, text, &endpoint) == NULL && !endpoint.port &&
					  !endpoint.is_address);
}

/* The next peer of a zone after number *number, with it; NULL: there is none. */
static struct import_entry *next_peer(const struct zone *z, unsigned *number, bool *ret_is_address)
{
	while (++*number <= PEERS_MAXIMUM) {
		char name[32];
		snprintf(name, sizeof(name), "Peer %u Address", *number);
		struct import_entry *entry = entry_of(z, name);
		if (entry && entry->value.length && is_host(z->import, entry->value, ret_is_address))
			return entry;
	}
	return NULL;
}

/* Neighbors that an Expressway makes for parts of itself. */
static bool is_loopback(struct span host)
{
	return span_starts_nocase(host, SPAN("127.")) || span_is(host, "::1") || span_is_nocase(host, "localhost");
}

/* How many peers there are; all of them within the machine itself: *ret_inside. */
static unsigned count_peers(const struct zone *z, bool *ret_inside)
{
	unsigned count = 0;
	bool is_address;
	*ret_inside = true;
	for (unsigned i = 0; i < PEERS_MAXIMUM;) {
		struct import_entry *entry = next_peer(z, &i, &is_address);
		*ret_inside = *ret_inside && (!entry || is_loopback(entry->value));
		count += entry != NULL;
	}
	return count;
}

/* 0: the dump does not say. */
static uint16_t read_port(const struct zone *z)
{
	uint16_t port;
	struct import_entry *entry = entry_of(z, "SIP Port");
	if (!entry || value_port(entry->value, &port))
		return 0;
	entry->fate = IMPORT_CARRIED;
	return port;
}

static void write_peer(const struct zone *z, struct span host, uint16_t port)
{
	struct buffer *b = &z->import->result->yaml;
	bool brackets = span_find(host, ':') < host.length;
	buffer_printf(b, "      - '%s%.*s%s", brackets ? "[" : "", SPAN_PRINT(host), brackets ? "]" : "");
	if (port)
		buffer_printf(b, ":%u", port);
	buffer_append_text(b, "'\n");
}

/* What a host name does not do here that it does there. */
static void note_named_peer(const struct zone *z, const struct import_entry *peer, bool another)
{
	if (z->kind == KIND_NEIGHBOR)
		import_note(z->import->result, CONFIG_IMPORT_CHANGED, peer,
			"calls from there are known by an address, not by a name: add it to peers of zone %.*s",
			SPAN_PRINT(z->name));
	if (another && over_tls(z))
		import_note(z->import->result, CONFIG_IMPORT_CHANGED, peer,
			"its certificate is held against the name of the first peer too: verify_name");
}

/* The first full host name among them, for certificates. */
static struct span write_peers(const struct zone *z)
{
	struct span first = SPAN_NONE;
	uint16_t port = read_port(z);
	import_line(z->import, "    ", "peers", NULL);
	for (unsigned i = 0; i < PEERS_MAXIMUM;) {
		bool is_address;
		struct import_entry *entry = next_peer(z, &i, &is_address);
		if (!entry)
			break;
		entry->fate = IMPORT_CARRIED;
		write_peer(z, entry->value, port);
		z->import->dns = z->import->dns || !is_address;
		if (!is_address)
			note_named_peer(z, entry, first.at != NULL);
		bool whole = !is_address && span_find(entry->value, '.') < entry->value.length;
		first = first.at || !whole ? first : entry->value;
	}
	return first;
}

/* ---- whose certificate it must be ---- */

static bool is_name(struct import *import, struct span text)
{
	struct span name;
	return text.at && value_host(&import->result->arena, text, &name) == NULL;
}

/* A peer's own name, else the one the zone names; absent: none that could be one. */
static struct span name_to_verify(const struct zone *z, struct span peer)
{
	struct import_entry *subject = entry_of(z, "SIP TLS Verify Subject Name");
	if (peer.at && is_name(z->import, peer))
		return peer;
	if (!subject || !is_name(z->import, subject->value))
		return SPAN_NONE;
	subject->fate = IMPORT_CARRIED;
	return subject->value;
}

static void note_always_verified(const struct zone *z)
{
	struct import_entry *mode = entry_of(z, "SIP TLS Verify Mode");
	if (mode)
		import_note(z->import->result, CONFIG_IMPORT_CHANGED, mode,
			"over TLS a certificate is verified always, here against the domain looked up or the server's "
			"name");
}

/* true: a name was written. */
static bool write_verify_name(const struct zone *z, struct span peer)
{
	bool traversal = BIT(z->kind) & TRAVERSALS, verify = read_switch(z, "SIP TLS Verify Mode");
	if (z->kind == KIND_DNS && !verify)
		note_always_verified(z);
	if (!over_tls(z) || (!verify && !traversal))
		return false;
	struct span name = name_to_verify(z, peer);
	if (name.at && !verify)
		import_note(z->import->result, CONFIG_IMPORT_CHANGED, entry_of(z, "SIP TLS Verify Mode"),
			"a traversal zone verifies the other's certificate always");
	else if (!name.at)
		import_note(z->import->result, traversal ? CONFIG_IMPORT_SUPPLY : CONFIG_IMPORT_CHANGED,
			entry_of(z, "SIP TLS Verify Mode"),
			"no host name to hold the certificate against: give verify_name of zone %.*s",
			SPAN_PRINT(z->name));
	if (!name.at && !traversal)
		return false;
	import_line_quoted(z->import, "    ", "verify_name", name.at ? name : SPAN("change-me.invalid"));
	return true;
}

/* ---- what is stripped ---- */

static void write_strip_list(const struct zone *z, struct span list)
{
	size_t count = 0;
	for (size_t at = 0; at < list.length && count < TAGS_MAXIMUM; at++) {
		size_t begin = at;
		while (at < list.length && list.at[at] != ',' && list.at[at] != ' ')
			at++;
		if (at == begin)
			continue;
		if (count++ == 0)
			import_line(z->import, "      ", "proxy_require", NULL);
		import_line_quoted(z->import, "        - ", NULL, span_make(list.at + begin, at - begin));
	}
}

static bool has_tags(struct span list)
{
	for (size_t i = 0; i < list.length; i++) {
		if (list.at[i] != ',' && list.at[i] != ' ')
			return true;
	}
	return false;
}

static void write_strip(const struct zone *z)
{
	static const struct {
		const char *there, *here;
	} modes[] = { { "SIP UPDATE Strip Mode", "update" }, { "SIP MIME Strip Mode", "multipart" },
		{ "SIP UDP BFCP Filter Mode", "udp_bfcp" }, { "SIP UDP IX Filter Mode", "udp_ix" } };
	struct span tags = get(z, "SIP ProxyRequire Strip List");
	bool on[BASE_COUNT(modes)], any = has_tags(tags);
	for (size_t i = 0; i < BASE_COUNT(modes); i++) {
		on[i] = read_switch(z, modes[i].there);
		any = any || on[i];
	}
	if (any)
		import_line(z->import, "    ", "strip", NULL);
	for (size_t i = 0; i < BASE_COUNT(modes); i++) {
		if (on[i])
			import_line(z->import, "      ", modes[i].here, "yes");
	}
	write_strip_list(z, tags);
}

/* ---- kinds ---- */

static void write_neighbor(const struct zone *z)
{
	struct span peer = write_peers(z);
	write_verify_name(z, peer);
	write_strip(z);
	z->import->tls = z->import->tls || over_tls(z);
}

static void write_credentials(const struct zone *z)
{
	struct span user = get(z, "Authentication UserName");
	struct import_entry *password = entry_of(z, "Authentication Password");
	if (!user.at)
		import_note_line(z->import->result, CONFIG_IMPORT_SUPPLY, z->object->line, z->name,
			"the username of the traversal zone, which is not in the dump");
	import_line_quoted(z->import, "    ", "username", user.at ? user : SPAN("change-me"));
	import_line_quoted(z->import, "    ", "password_file",
		import_secret_file(z->import, "zone", z->object->index, z->name, "the password of the traversal zone"));
	if (password)
		password->fate = IMPORT_CARRIED; /* its place is in the result */
}

static void write_traversal(const struct zone *z)
{
	struct span peer = SPAN_NONE;
	if (z->kind == KIND_TRAVERSAL_CLIENT)
		peer = write_peers(z);
	else
		buffer_printf(&z->import->result->yaml, "    port: %u\n", read_port(z));
	write_verify_name(z, peer);
	write_credentials(z);
	z->import->tls = z->import->tls || over_tls(z);
}

static void write_lookup_domain(const struct zone *z)
{
	struct import_entry *domain = entry_of(z, "SIP DnsOverride Name");
	bool instead = read_switch(z, "SIP DnsOverride Override");
	struct span lower;
	if (!domain || value_domain(&z->import->result->arena, domain->value, &lower))
		return;
	domain->fate = instead ? IMPORT_CARRIED : IMPORT_IDLE;
	if (instead)
		import_line_quoted(z->import, "    ", "lookup_domain", lower);
}

static void write_dns(const struct zone *z)
{
	bool mapping = read_switch(z, "SIP TLS Verify InboundClassification");
	import_line(z->import, "    ", "service", "sip");
	bool named = write_verify_name(z, SPAN_NONE);
	write_lookup_domain(z);
	if (mapping && named)
		import_line(z->import, "    ", "inbound_mapping", "yes");
	write_strip(z);
	z->import->dns = z->import->tls = true;
}

static void write_zone(const struct zone *z)
{
	static void (*const writers[])(const struct zone *) = {
		[KIND_NEIGHBOR] = write_neighbor,
		[KIND_TRAVERSAL_CLIENT] = write_traversal,
		[KIND_TRAVERSAL_SERVER] = write_traversal,
		[KIND_DNS] = write_dns,
	};
	uint64_t hops;
	struct import_entry *hop_count = import_find(z->object, "HopCount");
	if (z->import->result->zone_count++ == 0)
		buffer_append_text(&z->import->result->yaml, "\nzones:\n");
	import_line_quoted(z->import, "  - ", "name", z->name);
	import_line(z->import, "    ", "kind", kinds[z->kind].here);
	if (hop_count && z->kind != KIND_DEFAULT && span_to_u64(hop_count->value, 255, &hops) == 0 && hops > 0) {
		hop_count->fate = IMPORT_CARRIED;
		buffer_printf(&z->import->result->yaml, "    hop_count: %u\n", (unsigned)hops);
	}
	if (z->transport)
		import_line(z->import, "    ", "transport", z->transport);
	if (z->kind != KIND_DEFAULT)
		writers[z->kind](z);
	write_words(z);
	struct import_entry *mode = entry_of(z, "Authentication Mode");
	if (mode && span_is_nocase(mode->value, "CheckCredentials"))
		z->import->users = true;
}

/* ---- which of them ---- */

static bool is_taken(const void *argument, struct span name)
{
	const struct import_zones *zones = argument;
	for (size_t i = 0; i < zones->count; i++) {
		if (span_equal_nocase(zones->items[i].result, name))
			return true;
	}
	return span_is_nocase(name, CONFIG_LOCAL_ZONE) || span_is_nocase(name, "DefaultZone");
}

/* The port of a traversal server is its own: nobody else's, and known. */
static const char *port_wrong(const struct zone *z, size_t index)
{
	uint16_t port = read_port(z);
	for (size_t i = 0; i < z->import->port_count; i++) {
		if (z->import->ports[i] == port)
			return "a listener has its port";
	}
	for (size_t i = 0; i < index; i++) {
		const struct import_object *other = &z->import->dump.objects[IMPORT_ZONE][i];
		struct zone before = { .import = z->import, .object = other, .kind = KIND_TRAVERSAL_SERVER };
		struct import_entry *entry = entry_of(&before, "SIP Port");
		if (entry && entry->fate == IMPORT_CARRIED && read_port(&before) == port)
			return "another zone has its port";
	}
	return port ? NULL : "its port is not in the dump";
}

static const char *peers_wrong(const struct zone *z)
{
	bool inside;
	unsigned count = count_peers(z, &inside);
	if (!count)
		return "it has no machine";
	return inside ? "it leads to a part of the Expressway itself" : NULL;
}

/* Why a zone cannot come over; NULL: it can. */
static const char *left_out(const struct zone *z, size_t index, struct span type, bool is_known)
{
	if (!is_known)
		return type.at ? "fedge has no zones of this kind" : "its Type is not in the dump";
	if (import_is(z->object, "SIP Mode", "Off"))
		return "it is for H.323 only";
	if (z->import->zones.count >= ZONES_MAXIMUM)
		return "there are too many";
	if (z->kind == KIND_TRAVERSAL_SERVER)
		return port_wrong(z, index);
	return z->kind == KIND_DNS ? NULL : peers_wrong(z);
}

static bool read_kind(struct span type, enum kind *ret_kind)
{
	for (size_t i = 0; i < KIND_DEFAULT; i++) {
		*ret_kind = (enum kind)i;
		if (type.at && span_is_nocase(type, kinds[i].there))
			return true;
	}
	return false;
}

static void take_zone(struct import *import, size_t index)
{
	const struct import_object *object = &import->dump.objects[IMPORT_ZONE][index];
	struct zone z = { .import = import, .object = object };
	struct span type = import_get(object, "Type"), name = import_get(object, "Name");
	bool known = read_kind(type, &z.kind);
	const char *why = left_out(&z, index, type, known);
	if (why) {
		import_note_line(import->result, CONFIG_IMPORT_LEFT_OUT, object->line, name,
			"the zone %u (%.*s, lines of it: %zu): %s", object->index, SPAN_PRINT(type), object->count,
			why);
		import_leave_out(object);
		return;
	}
	z.name = import_name(import, name, "zone", object->index, is_taken, &import->zones);
	z.transport = read_transport(&z);
	import->zones.items[import->zones.count++] = (struct import_zone){ name, z.name };
	if (name.at && !span_equal(name, z.name))
		import_note(import->result, CONFIG_IMPORT_CHANGED, import_find(object, "Name"), "called %.*s here",
			SPAN_PRINT(z.name));
	write_zone(&z);
}

static bool has_default_zone(const struct import_object *node)
{
	return import_find(node, "Zones DefaultZone Authentication Mode") ||
	       import_find(node, "Zones DefaultZone SIP Media Encryption Mode");
}

void import_write_zones(struct import *import)
{
	const struct import_object *node = import->dump.objects[IMPORT_NODE];
	size_t count = import->dump.object_counts[IMPORT_ZONE];
	import->zones.items = arena_zero(&import->result->arena, (count + 1) * sizeof(*import->zones.items));
	if (!import->zones.items) {
		import->status = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++)
		take_zone(import, i);
	if (has_default_zone(node))
		write_zone(&(struct zone){ import, node, KIND_DEFAULT, SPAN("DefaultZone"), NULL });
}
