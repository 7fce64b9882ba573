/* SPDX-License-Identifier: Apache-2.0 */
/* What an import leaves behind: the list, and why each setting has no counterpart. import_show.c shows it. */
#include "base/require.h"
#include "config/import_dump.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define NOTES_FIRST 64 /* a power of two */

static const struct {
	const char *name, *title;
} groups[CONFIG_IMPORT_GROUPS] = {
	[CONFIG_IMPORT_SUPPLY] = { "supply", "to be supplied by hand" },
	[CONFIG_IMPORT_CHANGED] = { "changed", "carried over, but not as it was" },
	[CONFIG_IMPORT_LEFT_OUT] = { "left-out", "left out as a whole" },
	[CONFIG_IMPORT_ZONES] = { "zones", "settings of zones without a counterpart" },
	[CONFIG_IMPORT_RULES] = { "rules", "settings of rules and transforms without a counterpart" },
	[CONFIG_IMPORT_SIP] = { "sip", "SIP settings without a counterpart" },
	[CONFIG_IMPORT_POLICY] = { "policy", "call policy (CPL), policy services, FindMe" },
	[CONFIG_IMPORT_REGISTRATION] = { "registration", "who may register" },
	[CONFIG_IMPORT_AUTHENTICATION] = { "authentication", "directories and accounts for authentication" },
	[CONFIG_IMPORT_H323] = { "h323", "H.323 and interworking: fedge speaks SIP only" },
	[CONFIG_IMPORT_BANDWIDTH] = { "bandwidth", "subzones, links and bandwidth" },
	[CONFIG_IMPORT_MEDIA] = { "media", "media, TURN and ICE: fedge passes media by" },
	[CONFIG_IMPORT_MOBILE] = { "mobile", "mobile and remote access, unified communications" },
	[CONFIG_IMPORT_APPLICATIONS] = { "applications", "applications: presence, conference factory, B2BUA" },
	[CONFIG_IMPORT_MACHINE] = { "machine", "the machine: network, time, cluster" },
	[CONFIG_IMPORT_ADMINISTRATION] = { "administration", "administration, logging, licences" },
	[CONFIG_IMPORT_UNKNOWN] = { "unknown", "not known to fedge" },
	[CONFIG_IMPORT_DAMAGED] = { "damaged", "lines that are no setting" },
	[CONFIG_IMPORT_OFF] = { "off", "without a counterpart, but empty, switched off or of no effect there" },
};

const char *config_import_group_name(enum config_import_group group)
{
	return groups[group].name;
}

const char *config_import_group_title(enum config_import_group group)
{
	return groups[group].title;
}

/* ---- adding ---- */

static bool is_secret(struct span key, struct span value)
{
	static const char *const words[] = { "password", "passphrase", "secret", "privatekey", "private key",
		"community", "option", "credential" };
	char lower[512];
	size_t length = key.length < sizeof(lower) ? key.length : sizeof(lower);
	for (size_t i = 0; i < length; i++)
		lower[i] = key.at[i] >= 'A' && key.at[i] <= 'Z' ? (char)(key.at[i] | 0x20) : key.at[i];
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		if (span_find_span(span_make(lower, length), span_of(words[i])) < length)
			return true;
	}
	return value.length && value.at[0] == '{';
}

static bool has_room(struct config_import *import)
{
	size_t count = import->note_count;
	if (count == CONFIG_IMPORT_NOTES_MAXIMUM)
		return false;
	if (count && (count < NOTES_FIRST || (count & (count - 1))))
		return true; /* room grows at powers of two */
	size_t room = count ? 2 * count : NOTES_FIRST;
	struct config_import_note *notes = realloc(import->notes, room * sizeof(*notes));
	if (notes)
		import->notes = notes;
	return notes != NULL;
}

static void add(struct config_import *import, struct config_import_note note)
{
	import->group_counts[note.group]++;
	if (has_room(import))
		import->notes[import->note_count++] = note;
	else
		import->notes_dropped++;
}

/* Formatted into the arena; absent where there is nothing to say, or no memory for it. */
static struct span formatted(struct config_import *import, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static struct span formatted(struct config_import *import, const char *format, va_list arguments)
{
	struct buffer b;
	buffer_init(&b, 4096);
	if (format)
		buffer_vprintf(&b, format, arguments);
	struct span copy = b.length ? arena_copy(&import->arena, buffer_span(&b)) : SPAN_NONE;
	buffer_done(&b);
	return copy;
}

void import_note(struct config_import *import, enum config_import_group group, const struct import_entry *entry,
	const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct config_import_note note = { group, 0, SPAN_NONE, SPAN_NONE, formatted(import, format, arguments) };
	va_end(arguments);
	if (entry) {
		note.line = entry->line;
		note.key = entry->key;
		note.value = is_secret(entry->key, entry->value) ? SPAN_NONE : entry->value;
	}
	add(import, note);
}

void import_note_line(struct config_import *import, enum config_import_group group, uint32_t line, struct span key,
	const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(import, (struct config_import_note){ group, line, key, SPAN_NONE, formatted(import, format, arguments) });
	va_end(arguments);
}

/* ---- what nobody asked for ---- */

/* The first line whose words stand in the key decides; '^' ties them to its beginning. */
static const struct reason {
	const char *words;
	enum config_import_group group;
	const char *text;
} reasons[] = {
	{ "H323", CONFIG_IMPORT_H323, NULL },
	{ "H46019", CONFIG_IMPORT_H323, NULL },
	{ "^Interworking", CONFIG_IMPORT_H323, NULL },
	{ " Interworking ", CONFIG_IMPORT_H323, NULL },
	{ "^Gatekeeper", CONFIG_IMPORT_H323, NULL },
	{ "^Bandwidth", CONFIG_IMPORT_BANDWIDTH, NULL },
	{ "SubZone", CONFIG_IMPORT_BANDWIDTH, NULL },
	{ "Delegated Credential", CONFIG_IMPORT_AUTHENTICATION, NULL },
	{ "SIP Media", CONFIG_IMPORT_MEDIA, NULL },
	{ "SIP B2BUA", CONFIG_IMPORT_MEDIA, "fedge is a proxy: it forwards REFER and media as they are" },
	{ "TURN", CONFIG_IMPORT_MEDIA, NULL },
	{ "^Traversal", CONFIG_IMPORT_MEDIA, NULL },
	{ "^Zones LocalZone Traversal", CONFIG_IMPORT_MEDIA, NULL },
	{ "Collaboration", CONFIG_IMPORT_MOBILE, NULL },
	{ "^EdgeConfig", CONFIG_IMPORT_MOBILE, NULL },
	{ "^XMPP", CONFIG_IMPORT_MOBILE, NULL },
	{ "^SIP Domain", CONFIG_IMPORT_MOBILE, NULL },
	{ "UDPProbe", CONFIG_IMPORT_ZONES, "only SIP over connections is kept alive" },
	{ "TCPProbe", CONFIG_IMPORT_ZONES, "the client keeps the connection alive by OPTIONS: monitor_interval" },
	{ "RetryInterval", CONFIG_IMPORT_ZONES, "fedge connects again after 1s, doubled up to 16s: retry" },
	{ "ZoneProfile", CONFIG_IMPORT_ZONES, "a profile stands for settings that the dump lists itself" },
	{ "ParameterPreservation", CONFIG_IMPORT_ZONES, "a proxy preserves parameters always" },
	{ "Registrations", CONFIG_IMPORT_ZONES, "registrations are not passed on through zones" },
	{ "^Zones Zone", CONFIG_IMPORT_ZONES, NULL },
	{ "^Zones DefaultZone", CONFIG_IMPORT_ZONES, NULL },
	{ "^Zones Policy SearchRules", CONFIG_IMPORT_RULES, NULL },
	{ "^Transform", CONFIG_IMPORT_RULES, NULL },
	{ "^Zones LocalZone", CONFIG_IMPORT_ZONES, NULL },
	{ "^Policy AdministratorPolicy Mode", CONFIG_IMPORT_SUPPLY,
		"the rules of the call policy are not in a dump; write those that matter as policy" },
	{ "^Policy", CONFIG_IMPORT_POLICY, NULL },
	{ "^Zones Policy", CONFIG_IMPORT_POLICY, NULL },
	{ "^Registration", CONFIG_IMPORT_REGISTRATION, "phones register as the users that are listed under users" },
	{ "^SIP Registration", CONFIG_IMPORT_REGISTRATION, NULL },
	{ "^Authentication", CONFIG_IMPORT_AUTHENTICATION, NULL },
	{ "^SIP Authentication", CONFIG_IMPORT_AUTHENTICATION, NULL },
	{ "^ConferenceFactory", CONFIG_IMPORT_APPLICATIONS, NULL },
	{ "^Applications", CONFIG_IMPORT_APPLICATIONS, NULL },
	{ "^B2BUA", CONFIG_IMPORT_APPLICATIONS, NULL },
	{ "^Call Loop", CONFIG_IMPORT_SIP, "fedge recognises loops always (RFC 5393)" },
	{ "^Call ", CONFIG_IMPORT_SIP, NULL },
	{ "^SIP", CONFIG_IMPORT_SIP, NULL },
	{ "^Alternates", CONFIG_IMPORT_MACHINE, NULL },
	{ "^Cluster", CONFIG_IMPORT_MACHINE, NULL },
	{ "^Ethernet", CONFIG_IMPORT_MACHINE, NULL },
	{ "^IP", CONFIG_IMPORT_MACHINE, NULL },
	{ "^DNS", CONFIG_IMPORT_MACHINE, NULL },
	{ "^NTP", CONFIG_IMPORT_MACHINE, NULL },
	{ "^TimeZone", CONFIG_IMPORT_MACHINE, NULL },
	{ "^SNMP", CONFIG_IMPORT_MACHINE, NULL },
	{ "^QoS", CONFIG_IMPORT_MACHINE, NULL },
	{ "^SystemUnit", CONFIG_IMPORT_MACHINE, NULL },
	{ "^Admin", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^DiscoveryProtection", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^ErrorReport", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^ExternalManager", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^License", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^Log", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^Management", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^Option", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^ResourceUsage", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^Security", CONFIG_IMPORT_ADMINISTRATION, NULL },
	{ "^StrictPassword", CONFIG_IMPORT_ADMINISTRATION, NULL },
};

static bool reason_fits(const struct reason *reason, struct span key)
{
	if (reason->words[0] == '^')
		return span_starts_nocase(key, span_of(reason->words + 1));
	struct span words = span_of(reason->words);
	for (size_t i = 0; i + words.length <= key.length; i++) {
		if (span_starts_nocase(span_from(key, i), words))
			return true;
	}
	return false;
}

static const struct reason *reason_of(struct span key)
{
	static const struct reason unknown = { "", CONFIG_IMPORT_UNKNOWN, NULL };
	for (size_t i = 0; i < BASE_COUNT(reasons); i++) {
		if (reason_fits(&reasons[i], key))
			return &reasons[i];
	}
	return &unknown;
}

static bool is_off(struct span value)
{
	static const char *const words[] = { "Off", "No", "None", "Disabled", "Default", "Auto" };
	for (size_t i = 0; i < BASE_COUNT(words); i++) {
		if (span_is_nocase(value, words[i]))
			return true;
	}
	return span_is_empty(value);
}

/* What stands behind it in the dump's order, of the same name: that one counts. */
static const struct import_entry *given_again(const struct import_dump *dump, size_t i)
{
	const struct import_entry *entry = &dump->entries[i];
	bool again = i + 1 < dump->count && span_equal(entry->key, dump->entries[i + 1].key);
	return again ? entry + 1 : NULL;
}

static void note_unasked(
	struct config_import *import, const struct import_entry *entry, const struct import_entry *again)
{
	const struct reason *reason = reason_of(entry->key);
	if (again)
		import_note(import, CONFIG_IMPORT_CHANGED, entry, "given again in line %u, which counts", again->line);
	else if (entry->fate == IMPORT_IDLE)
		import_note(import, CONFIG_IMPORT_OFF, entry, "of no effect there");
	else if (is_off(entry->value))
		import_note(import, CONFIG_IMPORT_OFF, entry, NULL);
	else
		import_note(import, reason->group, entry, reason->text ? "%s" : NULL, reason->text);
}

void import_note_unasked(struct config_import *import, struct import_dump *dump)
{
	for (size_t i = 0; i < dump->count; i++) {
		struct import_entry *entry = &dump->entries[i];
		if (entry->fate != IMPORT_UNASKED && entry->fate != IMPORT_IDLE)
			continue;
		note_unasked(import, entry, given_again(dump, i));
		entry->fate = IMPORT_LISTED;
	}
}
