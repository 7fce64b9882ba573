/* SPDX-License-Identifier: Apache-2.0 */
/* Transforms and search rules of a dump. */
#include "base/require.h"
#include "config/check.h"
#include "config/import_write.h"
#include "route/table.h"

#include <errno.h>

#define TRANSFORMS_MAXIMUM 1000
#define RULES_MAXIMUM 2000
#define WORDS(list) list, BASE_COUNT(list)

static const struct import_word types[] = {
	{ "Exact", "exact" },
	{ "Prefix", "prefix" },
	{ "Suffix", "suffix" },
	{ "Regex", "regex" },
};
static const struct import_word behaviours[] = {
	{ "Leave", "leave" },
	{ "Strip", "strip" },
	{ "Replace", "replace" },
	{ "AddPrefix", "add-prefix" },
	{ "AddSuffix", "add-suffix" },
};

/* ---- patterns, which transforms and rules have alike ---- */

struct pattern {
	const char *type, *behaviour;
	struct span text, replace;
};

/* As `config check` judges a regex and the groups that a replacement asks for. NULL: good. */
static const char *regex_wrong(struct import *import, const struct pattern *p)
{
	const struct document_node nowhere = { .kind = DOCUMENT_SCALAR };
	const struct config_regex regex = { "pattern", &nowhere, p->text },
				  replacement = { "replace", &nowhere, p->replace };
	bool has_groups = strcmp(p->behaviour, "replace") == 0;
	struct config_report report;
	const char *why = NULL;
	if (strcmp(p->type, "regex") != 0)
		return NULL;
	config_report_init(&report);
	config_regex_check(&report, &regex, has_groups ? &replacement : NULL, "the pattern");
	if (report.error_count)
		why = report.count ? arena_copy_text(&import->result->arena, report.defects[0].text) : "out of memory";
	config_report_done(&report);
	return why;
}

/* As the edge compiles it, with its %variables% filled in. NULL: good. */
static const char *table_wrong(struct import *import, const struct pattern *p)
{
	static const enum route_pattern kinds[] = { ROUTE_PATTERN_EXACT, ROUTE_PATTERN_PREFIX, ROUTE_PATTERN_SUFFIX,
		ROUTE_PATTERN_REGEX };
	struct route_transform transform = { .priority = 1, .pattern = p->text, .replace = p->replace };
	struct route_table_params params = {
		.transforms = &transform, .transform_count = 1, .names = import->names, .local_zone = ROUTE_ZONE_NONE
	};
	struct route_table *table = NULL;
	struct route_defect defect;
	for (size_t i = 0; i < BASE_COUNT(types); i++) {
		if (strcmp(types[i].here, p->type) == 0)
			transform.type = kinds[i];
	}
	transform.behaviour = strcmp(p->behaviour, "replace") == 0 ? ROUTE_BEHAVIOUR_REPLACE
			      : p->replace.at                      ? ROUTE_BEHAVIOUR_ADD_PREFIX
								   : ROUTE_BEHAVIOUR_LEAVE;
	int status = route_table_new(&params, &table, &defect);
	route_table_free(table);
	if (status == -EINVAL)
		return arena_copy_text(&import->result->arena, defect.text);
	if (status < 0)
		import->status = status;
	return NULL;
}

/* Without a text a replacement takes the match away, and an addition adds nothing. */
static const char *behaviour_without_text(const char *behaviour)
{
	return strcmp(behaviour, "replace") == 0 ? "strip" : strncmp(behaviour, "add-", 4) == 0 ? "leave" : behaviour;
}

static bool has_text(const char *behaviour)
{
	return strcmp(behaviour, behaviour_without_text(behaviour)) != 0;
}

/* Why the pattern cannot come over; NULL: it can. */
static const char *read_pattern(struct import *import, const struct import_object *object, struct pattern *ret_pattern)
{
	struct span type = import_get(object, "Pattern Type"), behaviour = import_get(object, "Pattern Behavior");
	struct import_entry *replace = import_find(object, "Pattern Replace");
	struct pattern p = {
		.type = type.at ? import_word(WORDS(types), type) : "prefix",
		.behaviour = behaviour.at ? import_word(WORDS(behaviours), behaviour) : "strip",
		.text = import_get(object, "Pattern String"),
	};
	if (!p.type)
		return "fedge has no patterns of this type";
	if (!p.behaviour)
		return "fedge has no pattern behaviour of this name";
	if (!p.text.at)
		return "it has no pattern";
	if (replace)
		replace->fate = has_text(p.behaviour) ? IMPORT_CARRIED : IMPORT_IDLE;
	if (replace && has_text(p.behaviour) && replace->value.length)
		p.replace = replace->value;
	else
		p.behaviour = behaviour_without_text(p.behaviour);
	*ret_pattern = p;
	const char *why = regex_wrong(import, &p);
	return why ? why : table_wrong(import, &p);
}

static void write_pattern(struct import *import, const struct pattern *p)
{
	import_line(import, "    ", "type", p->type);
	import_line_quoted(import, "    ", "pattern", p->text);
	import_line(import, "    ", "behaviour", p->behaviour);
	import_line_given(import, "    ", "replace", p->replace);
}

/* ---- what both have ---- */

/* Our word for the setting; `otherwise` where there is none, and `unknown` where its word is not known: then it is
 * listed too. */
static const char *read_word(const struct import_object *object, const char *name, const struct import_word *words,
	size_t count, const char *otherwise, const char *unknown)
{
	struct import_entry *entry = import_find(object, name);
	const char *word = entry ? import_word(words, count, entry->value) : NULL;
	if (word)
		entry->fate = IMPORT_CARRIED;
	return word ? word : entry && entry->value.length ? unknown : otherwise;
}

/* Its number as the dump has it, or the default. */
static unsigned priority_of(const struct import_object *object, unsigned fallback)
{
	uint64_t priority;
	struct import_entry *entry = import_find(object, "Priority");
	if (!entry || span_to_u64(entry->value, 65534, &priority) < 0 || priority == 0)
		return fallback;
	entry->fate = IMPORT_CARRIED;
	return (unsigned)priority;
}

static void write_state(struct import *import, const struct import_object *object)
{
	static const struct import_word states[] = { { "Enabled", "yes" }, { "Disabled", "no" } };
	const char *enabled = read_word(object, "State", WORDS(states), "yes", "no");
	if (strcmp(enabled, "no") == 0)
		import_line(import, "    ", "enabled", enabled);
}

static void leave_out(struct import *import, const struct import_object *object, const char *what, const char *why)
{
	struct span name = import_get(object, "Name");
	name = name.at ? name : import_get(object, "Description");
	import_note_line(import->result, CONFIG_IMPORT_LEFT_OUT, object->line, name, "the %s %u (lines of it: %zu): %s",
		what, object->index, object->count, why);
	import_leave_out(object);
}

struct names {
	struct span *items;
	size_t count;
};

static bool is_taken(const void *argument, struct span name)
{
	const struct names *names = argument;
	for (size_t i = 0; i < names->count; i++) {
		if (span_equal_nocase(names->items[i], name))
			return true;
	}
	return false;
}

static struct names names_for(struct import *import, size_t count)
{
	struct names names = { arena_zero(&import->result->arena, (count + 1) * sizeof(*names.items)), 0 };
	if (!names.items)
		import->status = -ENOMEM;
	return names;
}

/* From the setting that names it. */
static void write_name(struct import *import, const struct import_object *object, const char *setting,
	const char *fallback, struct names *names)
{
	struct span there = import_get(object, setting);
	struct span here = import_name(import, there, fallback, object->index, is_taken, names);
	names->items[names->count++] = here;
	import_line_quoted(import, "  - ", "name", here);
	if (there.at && !span_equal(there, here))
		import_note(import->result, CONFIG_IMPORT_CHANGED, import_find(object, setting), "called %.*s here",
			SPAN_PRINT(here));
}

/* ---- transforms ---- */

static bool priority_is_taken(const unsigned *priorities, size_t count, unsigned priority)
{
	for (size_t i = 0; i < count; i++) {
		if (priorities[i] == priority)
			return true;
	}
	return false;
}

static void write_transform(struct import *import, const struct import_object *object, const struct pattern *pattern,
	struct names *names, unsigned priority)
{
	if (import->result->transform_count++ == 0)
		buffer_append_text(&import->result->yaml, "\ntransforms:\n");
	write_name(import, object, "Description", "transform", names);
	write_state(import, object);
	buffer_printf(&import->result->yaml, "    priority: %u\n", priority);
	write_pattern(import, pattern);
}

void import_write_transforms(struct import *import)
{
	size_t count = import->dump.object_counts[IMPORT_TRANSFORM];
	struct names names = names_for(import, count);
	unsigned *priorities = arena_zero(&import->result->arena, (count + 1) * sizeof(*priorities));
	for (size_t i = 0; i < count && names.items && priorities; i++) {
		const struct import_object *object = &import->dump.objects[IMPORT_TRANSFORM][i];
		struct pattern pattern;
		unsigned priority = priority_of(object, 1);
		const char *why = names.count == TRANSFORMS_MAXIMUM ? "there are too many"
								    : read_pattern(import, object, &pattern);
		if (!why && priority_is_taken(priorities, names.count, priority))
			why = "another has its priority";
		if (why) {
			leave_out(import, object, "transform", why);
			continue;
		}
		priorities[names.count] = priority;
		write_transform(import, object, &pattern, &names, priority);
	}
}

/* ---- search rules ---- */

struct rule {
	struct import *import;
	const struct import_object *object;
	const char *mode;
	struct pattern pattern;
	struct span source; /* a word or a zone's name */
	struct span target;
	const char *variant;
	const char *why; /* it cannot come over; NULL: it can */
};

static struct span zone_named(const struct import *import, struct span name)
{
	for (size_t i = 0; name.at && i < import->zones.count; i++) {
		if (import->zones.items[i].name.at && span_equal_nocase(import->zones.items[i].name, name))
			return import->zones.items[i].result;
	}
	return SPAN_NONE;
}

static void read_named_source(struct rule *r)
{
	static const struct import_word own[] = {
		{ "DefaultZone", "default" },
		{ "LocalZone", "local" },
		{ "DefaultSubZone", "local" },
	};
	struct span name = import_get(r->object, "Source Name");
	const char *word = name.at ? import_word(WORDS(own), name) : NULL;
	r->source = word ? span_of(word) : zone_named(r->import, name);
	if (!r->source.at)
		r->why = "its source is no zone of the result";
}

static void read_source(struct rule *r)
{
	static const struct import_word sources[] = {
		{ "Any", "any" },
		{ "AllZones", "all-zones" },
		{ "LocalZone", "local" },
	};
	struct span mode = import_get(r->object, "Source Mode");
	struct import_entry *name = import_find(r->object, "Source Name");
	const char *word = mode.at ? import_word(WORDS(sources), mode) : "any";
	if (word && name)
		name->fate = IMPORT_IDLE;
	if (word)
		r->source = span_of(word);
	else if (span_is_nocase(mode, "Named"))
		read_named_source(r);
	else
		r->why = "fedge has no sources of this kind";
}

static void read_target(struct rule *r)
{
	struct span type = import_get(r->object, "Target Type"), name = import_get(r->object, "Target Name");
	if (type.at && !span_is_nocase(type, "Zone")) {
		r->why = "its target is a policy service";
	} else if (name.at && span_is_nocase(name, CONFIG_LOCAL_ZONE)) {
		r->target = SPAN(CONFIG_LOCAL_ZONE);
		if (!r->import->registrar)
			r->why = "nobody registers here: no domain of the dump has registrations";
	} else {
		r->target = zone_named(r->import, name);
		if (!r->target.at)
			r->why = "its target is no zone of the result";
	}
}

/* What a rule of another mode says of patterns is of no effect. */
static void read_idle_pattern(struct rule *r)
{
	static const char *const idle[] = { "Pattern Type", "Pattern String", "Pattern Behavior", "Pattern Replace" };
	for (size_t i = 0; i < BASE_COUNT(idle); i++) {
		struct import_entry *entry = import_find(r->object, idle[i]);
		if (entry)
			entry->fate = IMPORT_IDLE;
	}
}

static void read_mode(struct rule *r)
{
	static const struct import_word modes[] = {
		{ "AnyAlias", "any" },
		{ "AnyIPAddress", "any-address" },
		{ "AliasPatternMatch", "pattern" },
	};
	struct span mode = import_get(r->object, "Mode"), protocol = import_get(r->object, "Protocol");
	r->mode = mode.at ? import_word(WORDS(modes), mode) : "any";
	if (protocol.at && !span_is_nocase(protocol, "SIP") && !span_is_nocase(protocol, "Any"))
		r->why = "it is for H.323 only";
	else if (!r->mode)
		r->why = "fedge has no mode of this name";
	else if (strcmp(r->mode, "pattern") == 0)
		r->why = read_pattern(r->import, r->object, &r->pattern);
	else
		read_idle_pattern(r);
}

/* The dump has two settings for it; how each value is called in every release is not published. */
static void read_variant(struct rule *r)
{
	static const struct import_word variants[] = {
		{ "Any", "any" },
		{ "Standards", "standards" },
		{ "StandardsBased", "standards" },
		{ "Standard", "standards" },
		{ "MicrosoftAV", "microsoft-av" },
		{ "MicrosoftSIPIMP", "microsoft-im" },
		{ "MicrosoftIMP", "microsoft-im" },
		{ "AnyMicrosoft", "microsoft" },
		{ "Microsoft", "microsoft" },
	};
	struct span traffic = import_get(r->object, "SIPTrafficType");
	struct import_entry *target = import_find(r->object, "Target SIPVariant");
	const char *turned = target && target->value.length ? import_word(WORDS(variants), target->value) : "any";
	r->variant = traffic.at ? import_word(WORDS(variants), traffic) : "any";
	if (!r->variant)
		r->why = "fedge does not know this SIPTrafficType";
	if (target && turned && (strcmp(turned, "any") == 0 || strcmp(turned, "standards") == 0))
		target->fate = IMPORT_CARRIED;
}

/* What is not quite as it was, of a rule that comes over. */
static void note_changes(const struct rule *r)
{
	struct import_entry *source = import_find(r->object, "Source Name");
	struct import_entry *target = import_find(r->object, "Target SIPVariant");
	if (source && source->fate == IMPORT_CARRIED && span_is_nocase(source->value, "DefaultSubZone"))
		import_note(r->import->result, CONFIG_IMPORT_CHANGED, source,
			"there are no subzones here: all phones of ours");
	if (target && target->fate == IMPORT_UNASKED) {
		import_note(r->import->result, CONFIG_IMPORT_CHANGED, target,
			"the rule came over, but fedge turns no SIP into another kind");
		target->fate = IMPORT_LISTED;
	}
}

static void write_rule(struct rule *r, struct names *names)
{
	static const struct import_word authenticateds[] = { { "Yes", "yes" }, { "On", "yes" }, { "No", "no" },
		{ "Off", "no" } };
	static const struct import_word progresses[] = { { "Continue", "continue" }, { "Stop", "stop" } };
	struct import *import = r->import;
	const char *authenticated = read_word(r->object, "Authentication", WORDS(authenticateds), "no", "yes");
	const char *on_match = read_word(r->object, "Progress", WORDS(progresses), "continue", "stop");
	if (import->result->rule_count++ == 0)
		buffer_append_text(&import->result->yaml, "\nrules:\n");
	note_changes(r);
	write_name(import, r->object, "Name", "rule", names);
	import_line_given(import, "    ", "description", import_get(r->object, "Description"));
	write_state(import, r->object);
	buffer_printf(&import->result->yaml, "    priority: %u\n", priority_of(r->object, 100));
	import_line_quoted(import, "    ", "source", r->source);
	if (strcmp(authenticated, "yes") == 0)
		import_line(import, "    ", "authenticated", authenticated);
	if (strcmp(r->variant, "any") != 0)
		import_line(import, "    ", "variant", r->variant);
	import_line(import, "    ", "mode", r->mode);
	if (strcmp(r->mode, "pattern") == 0)
		write_pattern(import, &r->pattern);
	import_line(import, "    ", "on_match", on_match);
	import_line_quoted(import, "    ", "target", r->target);
}

/* Each asks only where nothing was wrong before it. */
static void read_rule(struct rule *r)
{
	static void (*const readers[])(struct rule *) = { read_target, read_source, read_mode, read_variant };
	for (size_t i = 0; i < BASE_COUNT(readers) && !r->why; i++)
		readers[i](r);
}

void import_write_rules(struct import *import)
{
	size_t count = import->dump.object_counts[IMPORT_RULE];
	struct names names = names_for(import, count);
	for (size_t i = 0; i < count && names.items; i++) {
		struct rule r = { .import = import, .object = &import->dump.objects[IMPORT_RULE][i] };
		if (names.count == RULES_MAXIMUM)
			r.why = "there are too many";
		read_rule(&r);
		if (r.why)
			leave_out(import, r.object, "search rule", r.why);
		else
			write_rule(&r, &names);
	}
}
