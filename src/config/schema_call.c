/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of call processing: transforms, call policy, search rules. */
#include "config/schema_part.h"

#define REPLACES "replace|add-prefix|add-suffix"
#define STATUS_MINIMUM 400
#define STATUS_MAXIMUM 699

/* Each in the order of its enum. */
static const char *const modes[] = { "any", "pattern", "any-address", NULL };
static const char *const pattern_types[] = { "exact", "prefix", "suffix", "regex", NULL };
static const char *const behaviours[] = { "leave", "strip", "replace", "add-prefix", "add-suffix", NULL };
static const char *const on_matches[] = { "continue", "stop", NULL };
static const char *const variants[] = { "any", "standards", "microsoft-av", "microsoft-im", "microsoft", NULL };
static const char *const actions[] = { "allow", "reject", "redirect", NULL };
static const char *const whethers[] = { "any", "yes", "no", NULL };

#define SOURCE_WORDS                                                                                                   \
	"any, all-zones (any zone and the phones of ours; no strangers), default (strangers), local (phones "          \
	"registered here and users who proved who they are) or the name of a zone."

const struct schema_section schema_transform = {
	.name = "a transform",
	.size = sizeof(struct config_transform),
	.place_offset = offsetof(struct config_transform, place),
	.keys =
		(const struct schema_key[]){
			{ "name", SCHEMA_NAME, 0, MEMBER(struct config_transform, name), .help = "What logs call it." },
			{ "enabled", SCHEMA_BOOLEAN, 0, MEMBER(struct config_transform, enabled), .default_text = "yes",
				.help = "no: as if it were not here." },
			{ "priority", SCHEMA_NUMBER, 0, MEMBER(struct config_transform, priority), .default_text = "1",
				.minimum = 1, .maximum = 65534,
				.help = "Lower numbers are tried first; each number once." },
			{ "type", SCHEMA_CHOICE, 0, MEMBER(struct config_transform, type), .choices = pattern_types,
				.default_text = "prefix", .help = "How the pattern is read." },
			{ "pattern", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_transform, pattern),
				.help = "Compared with the address dialled, user@domain, without case." },
			{ "behaviour", SCHEMA_CHOICE, 0, MEMBER(struct config_transform, behaviour),
				.choices = behaviours, .default_text = "strip",
				.help = "What happens to the part that matched: leave, strip, or replace; or what is "
					"added to the whole address." },
			{ "replace", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_transform, replace),
				ONLY("behaviour", REPLACES),
				.help = "What is put there; \\1 to \\9 are a regex's groups (behaviour replace)." },
			{ NULL },
		},
};

const struct schema_section schema_policy_rule = {
	.name = "a rule of the call policy",
	.size = sizeof(struct config_policy_rule),
	.place_offset = offsetof(struct config_policy_rule, place),
	.keys =
		(const struct schema_key[]){
			{ "name", SCHEMA_NAME, SCHEMA_REQUIRED, MEMBER(struct config_policy_rule, name),
				.help = "What logs call it." },
			{ "enabled", SCHEMA_BOOLEAN, 0, MEMBER(struct config_policy_rule, enabled),
				.default_text = "yes", .help = "no: as if it were not here." },
			{ "source", SCHEMA_SOURCE, 0, MEMBER(struct config_policy_rule, source), .default_text = "any",
				.help = "Where the call must come from: " SOURCE_WORDS },
			{ "authenticated", SCHEMA_CHOICE, 0, MEMBER(struct config_policy_rule, authenticated),
				.choices = whethers, .default_text = "any",
				.help = "Whether the caller must be authenticated, or must not be." },
			{ "from", SCHEMA_TEXT, 0, MEMBER(struct config_policy_rule, from),
				.help = "Regex over the whole of the caller's address, user@domain, without case; "
					"none: anybody." },
			{ "to", SCHEMA_TEXT, 0, MEMBER(struct config_policy_rule, to),
				.help = "The same over the address dialled." },
			{ "action", SCHEMA_CHOICE, SCHEMA_REQUIRED, MEMBER(struct config_policy_rule, action),
				.choices = actions,
				.help = "allow; reject; or redirect: search for another address instead." },
			{ "status", SCHEMA_NUMBER, 0, MEMBER(struct config_policy_rule, status), .default_text = "403",
				.minimum = STATUS_MINIMUM, .maximum = STATUS_MAXIMUM, ONLY("action", "reject"),
				.help = "The answer's number." },
			{ "reason", SCHEMA_TEXT, 0, MEMBER(struct config_policy_rule, reason), ONLY("action", "reject"),
				.help = "The answer's phrase; none: the standard's." },
			{ "alias", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_policy_rule, alias),
				ONLY("action", "redirect"),
				.help = "The address to search for; \\1 to \\9 are the groups of `to`." },
			{ NULL },
		},
};

const struct schema_section schema_rule = {
	.name = "a rule",
	.size = sizeof(struct config_rule),
	.place_offset = offsetof(struct config_rule, place),
	.keys =
		(const struct schema_key[]){
			{ "name", SCHEMA_NAME, SCHEMA_REQUIRED, MEMBER(struct config_rule, name),
				.help = "What logs call it." },
			{ "description", SCHEMA_TEXT, 0, MEMBER(struct config_rule, description),
				.help = "A note for people." },
			{ "enabled", SCHEMA_BOOLEAN, 0, MEMBER(struct config_rule, enabled), .default_text = "yes",
				.help = "no: as if it were not here." },
			{ "priority", SCHEMA_NUMBER, 0, MEMBER(struct config_rule, priority), .default_text = "100",
				.minimum = 1, .maximum = 65534, .help = "Lower numbers are tried first." },
			{ "source", SCHEMA_SOURCE, 0, MEMBER(struct config_rule, source), .default_text = "any",
				.help = "Where the call must come from: " SOURCE_WORDS },
			{ "authenticated", SCHEMA_BOOLEAN, 0, MEMBER(struct config_rule, authenticated),
				.default_text = "no",
				.help = "yes: only for requests that are authenticated (zones[].authentication)." },
			{ "variant", SCHEMA_CHOICE, 0, MEMBER(struct config_rule, variant), .choices = variants,
				.default_text = "any",
				.help = "Only for requests of this kind of SIP: by the standards, Microsoft's with "
					"audio and video, or Microsoft's instant messages and presence; microsoft: any "
					"of Microsoft's." },
			{ "mode", SCHEMA_CHOICE, 0, MEMBER(struct config_rule, mode), .choices = modes,
				.default_text = "any",
				.help = "any: whatever was dialled but an IP address. any-address: only where an IP "
					"address was dialled. "
					"pattern: only what the pattern matches." },
			{ "type", SCHEMA_CHOICE, 0, MEMBER(struct config_rule, type), .choices = pattern_types,
				.default_text = "exact", ONLY("mode", "pattern"), .help = "How the pattern is read." },
			{ "pattern", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_rule, pattern),
				ONLY("mode", "pattern"),
				.help = "Compared with the address dialled, user@domain, without case." },
			{ "behaviour", SCHEMA_CHOICE, 0, MEMBER(struct config_rule, behaviour), .choices = behaviours,
				.default_text = "leave", ONLY("mode", "pattern"),
				.help = "What happens to the part that matched: leave, strip, or replace; or what is "
					"added to the whole address." },
			{ "replace", SCHEMA_TEXT, SCHEMA_REQUIRED, MEMBER(struct config_rule, replace),
				ONLY("behaviour", REPLACES),
				.help = "What is put there; \\1 to \\9 are a regex's groups (behaviour replace)." },
			{ "on_match", SCHEMA_CHOICE, 0, MEMBER(struct config_rule, on_match), .choices = on_matches,
				.default_text = "continue",
				.help = "stop: rules of higher numbers are not looked at any more." },
			{ "target", SCHEMA_ZONE, SCHEMA_REQUIRED, MEMBER(struct config_rule, target),
				.help = "The zone the call goes to; LocalZone: a phone that is registered here." },
			{ NULL },
		},
};
